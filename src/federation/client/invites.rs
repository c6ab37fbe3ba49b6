//! Inviting users of other servers.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room>

use super::events::of;
use super::members::Signed;
use super::{Client, FederationError, KeyReport};
use crate::federation::inviting::{
    Invitation, SentInvite, exchange_third_party_invite, invite, invite_v1, is_v1_worth_trying,
    read_exchange,
};
use crate::host::Host;
use crate::json::Canonical;
use crate::room_version::RoomVersion;

/// An invite that the server of the invited user has signed.
#[derive(Debug)]
pub struct Invited {
    /// That server.
    pub server: String,
    /// The invite, by both servers: what goes to the servers in the room.
    pub event: Canonical,
    /// Its ID.
    pub event_id: String,
    /// What became of fetching the keys.
    pub keys: KeyReport,
}

impl Client {
    /// Signs an invite and has the server of the invited user sign it. `room_state` are events for that
    /// user to look at, the create event among them.
    ///
    /// # Errors
    /// [`FederationError`].
    pub async fn invite(
        &self,
        host: &Host,
        event: &Canonical,
        room_id: &str,
        room_state: &[Canonical],
        version: &'static RoomVersion,
    ) -> Result<Invited, FederationError> {
        let Signed { event, event_id } = self.sign_event(host, event, version).await?;
        let invitation =
            Invitation { room_id, version, event_id: &event_id, event: &event, room_state };
        let (what, expected) = ("the state_key of the invite", "a user of another server");
        let server = invitation
            .invited_server()
            .filter(|server| *server != self.server_name)
            .ok_or(FederationError::Argument { what, expected })?;
        let answer = self.ask(host, &server, invite(&invitation)).await;
        let older = match &answer {
            Err(FederationError::Remote { error, .. }) if is_v1_worth_trying(error, version) => {
                invite_v1(&invitation)
            }
            _ => None,
        };
        let read = match older {
            None => SentInvite::read(&answer?, &invitation),
            Some(request) => {
                SentInvite::read_v1(&self.ask(host, &server, request).await?, &invitation)
            }
        };
        let read = read.map_err(of(&server))?;
        let needed = read.keys_needed(&self.keys.borrow());
        let keys = self.fetch_needed(host, needed).await?;
        let event = read.judge(&self.keys.borrow()).map_err(of(&server))?;
        Ok(Invited { server, event, event_id, keys })
    }

    /// Asks a server of the room to make the invite that a third party's invitation leads to.
    ///
    /// # Errors
    /// [`FederationError`].
    pub async fn exchange_third_party_invite(
        &self,
        host: &Host,
        server: &str,
        room_id: &str,
        event: &Canonical,
    ) -> Result<(), FederationError> {
        let request = exchange_third_party_invite(room_id, event);
        let body = self.ask(host, server, request).await?;
        read_exchange(&body).map_err(of(server))
    }
}
