//! Events and states of rooms that another server holds.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#retrieving-events>

use super::{Client, FederationError, KeyReport};
use crate::federation::events::{
    AuthChain, Direction, EventAuth, EventHint, MissingEvents, OneEvent, StateIds, backfill, event,
    event_auth, get_missing_events, read_backfill, read_missing_events, read_state, read_state_ids,
    read_timestamp_to_event, state, state_ids, timestamp_to_event,
};
use crate::federation::{AnswerError, Judged, ProvenPdu, ProvenState};
use crate::host::Host;
use crate::room_version::RoomVersion;

type Result<T> = std::result::Result<T, FederationError>;

/// An answer that came whole, from whom.
pub(super) fn of(server: &str) -> impl Fn(AnswerError) -> FederationError {
    move |error| FederationError::Answer { server: server.to_owned(), error }
}

/// A 404 without a code is what who knows no such path answers; but Synapse says no more where it has no
/// such event, and every server knows this path.
fn not_there(error: FederationError) -> FederationError {
    match error {
        FederationError::Remote { server, error }
            if error.status == 404 && error.errcode.is_none() =>
        {
            FederationError::NotThere { server }
        }
        error => error,
    }
}

impl Client {
    /// One event by its ID, of the room `room_id` if that is known.
    ///
    /// # Errors
    /// [`FederationError`]; an event that does not prove itself is none.
    pub async fn event(
        &self,
        host: &Host,
        server: &str,
        event_id: &str,
        room_id: Option<&str>,
        version: &'static RoomVersion,
    ) -> Result<(ProvenPdu, KeyReport)> {
        let body = self.ask(host, server, event(event_id)).await.map_err(not_there)?;
        let read = OneEvent::read(&body, event_id, room_id, version).map_err(of(server))?;
        let needed = read.keys_needed(&self.keys.borrow());
        let report = self.fetch_needed(host, needed).await?;
        let event = read.judge(&self.keys.borrow()).map_err(of(server))?;
        Ok((event, report))
    }

    /// The state before an event, with its auth chain.
    ///
    /// # Errors
    /// [`FederationError`]; events that do not prove themselves fall out.
    pub async fn state(
        &self,
        host: &Host,
        server: &str,
        room_id: &str,
        event_id: &str,
        version: &'static RoomVersion,
    ) -> Result<(ProvenState, KeyReport)> {
        let body = self.ask(host, server, state(room_id, event_id)).await?;
        let read = read_state(&body, room_id, version).map_err(of(server))?;
        drop(body);
        let needed = read.keys_needed(&self.keys.borrow());
        let report = self.fetch_needed(host, needed).await?;
        let judged = read.judge(&self.keys.borrow());
        let state = judged.map_err(|fault| of(server)(fault.into()))?;
        Ok((state, report))
    }

    /// The IDs of the state before an event, and of its auth chain. They prove nothing.
    ///
    /// # Errors
    /// [`FederationError`].
    pub async fn state_ids(
        &self,
        host: &Host,
        server: &str,
        room_id: &str,
        event_id: &str,
        version: &'static RoomVersion,
    ) -> Result<StateIds> {
        let body = self.ask(host, server, state_ids(room_id, event_id)).await?;
        read_state_ids(&body, version).map_err(of(server))
    }

    /// The auth chain of an event.
    ///
    /// # Errors
    /// [`FederationError`]; events that do not prove themselves fall out.
    pub async fn event_auth(
        &self,
        host: &Host,
        server: &str,
        room_id: &str,
        event_id: &str,
        version: &'static RoomVersion,
    ) -> Result<(AuthChain, KeyReport)> {
        let body = self.ask(host, server, event_auth(room_id, event_id)).await?;
        let read = EventAuth::read(&body, room_id, None, version).map_err(of(server))?;
        let needed = read.keys_needed(&self.keys.borrow());
        let report = self.fetch_needed(host, needed).await?;
        let chain = read.judge(&self.keys.borrow());
        Ok((chain, report))
    }

    /// Events at and before `from`, at most `limit`.
    ///
    /// # Errors
    /// [`FederationError`]; events that do not prove themselves fall out.
    pub async fn backfill(
        &self,
        host: &Host,
        server: &str,
        room_id: &str,
        from: &[&str],
        limit: usize,
        version: &'static RoomVersion,
    ) -> Result<(Judged, KeyReport)> {
        let body = self.ask(host, server, backfill(room_id, from, limit)).await?;
        let read = read_backfill(&body, room_id, limit, version).map_err(of(server))?;
        let needed = read.keys_needed(&self.keys.borrow());
        let report = self.fetch_needed(host, needed).await?;
        let judged = read.judge(&self.keys.borrow());
        Ok((judged, report))
    }

    /// Events between those that are known and later ones.
    ///
    /// # Errors
    /// [`FederationError`]; events that do not prove themselves fall out.
    pub async fn missing_events(
        &self,
        host: &Host,
        server: &str,
        asked: &MissingEvents<'_>,
        version: &'static RoomVersion,
    ) -> Result<(Judged, KeyReport)> {
        let body = self.ask(host, server, get_missing_events(asked)).await?;
        let read = read_missing_events(&body, asked, version).map_err(of(server))?;
        let needed = read.keys_needed(&self.keys.borrow());
        let report = self.fetch_needed(host, needed).await?;
        let judged = read.judge(&self.keys.borrow());
        Ok((judged, report))
    }

    /// The event of a room next to a time, in milliseconds since 1970; then the event itself, which the
    /// answer only names.
    ///
    /// # Errors
    /// [`FederationError`].
    pub async fn timestamp_to_event(
        &self,
        host: &Host,
        server: &str,
        room_id: &str,
        ts: i64,
        direction: Direction,
        version: &'static RoomVersion,
    ) -> Result<(EventHint, ProvenPdu, KeyReport)> {
        let body = self.ask(host, server, timestamp_to_event(room_id, ts, direction)).await?;
        let hint = read_timestamp_to_event(&body, ts, direction, version).map_err(of(server))?;
        let (event, report) =
            self.event(host, server, &hint.event_id, Some(room_id), version).await?;
        Ok((hint, event, report))
    }
}
