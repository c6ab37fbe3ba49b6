//! Events and state of a room that another server holds.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#retrieving-events>,
//! <https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events>

use std::collections::{HashMap, HashSet};

use super::answer::{Answer, AnswerError};
use super::auth_chain::{Gaps, gaps, reachable};
use super::entries::{LeftOut, Reading, is_event_id};
use super::pdus::{Fault, Judged, Pdus, ProvenPdu};
use super::request::{
    EVENT_ANSWER, EVENTS_ANSWER, IDS_ANSWER, Request, SMALL_ANSWER, STATE_ANSWER, Target,
    TimeLimit, list, object, string,
};
use super::room_state::{StatePdus, cited};
use crate::event::Limits;
use crate::json::Value;
use crate::keys::KeyRing;
use crate::receive::NeededKey;
use crate::room_version::RoomVersion;

fn v1(endpoint: &str) -> Target {
    Target::new("federation/v1").segment(endpoint)
}

// ---- /event_auth

/// Asks for the auth chain of an event.
#[must_use]
pub fn event_auth(room_id: &str, event_id: &str) -> Request {
    let target = v1("event_auth").segment(room_id).segment(event_id);
    Request::get(target, EVENTS_ANSWER, TimeLimit::Usual)
}

/// The answer to [`event_auth`], read.
#[derive(Debug)]
pub struct EventAuth {
    auth_chain: Pdus,
}

/// An auth chain, proven event by event.
#[derive(Debug, Clone)]
pub struct AuthChain {
    /// The events.
    pub events: Judged,
    /// The create event is there.
    pub has_create: bool,
    /// What keeps the chain from being whole. An event rests on all that its chain has, so with a gap
    /// nothing is decided.
    pub gaps: Gaps,
}

impl EventAuth {
    /// Reads the answer. `auth_events` are those of the event asked about: then what they do not lead
    /// to falls out, and they must be there themselves.
    ///
    /// # Errors
    /// [`AnswerError`] when the answer as a whole is none.
    pub fn read(
        body: &[u8],
        room_id: &str,
        auth_events: Option<&[&str]>,
        version: &'static RoomVersion,
    ) -> Result<Self, AnswerError> {
        let answer = Answer::read(body, &["auth_chain"])?;
        let items = answer.list("auth_chain")?;
        let mut auth_chain = Pdus::read(items, Some(room_id), version, Limits::All);
        if let Some(auth_events) = auth_events {
            let candidates: Vec<_> = auth_chain.candidates().collect();
            let next =
                candidates.iter().map(|(index, id)| (id.clone(), cited(&auth_chain, *index)));
            let within = reachable(auth_events.iter().copied(), &next.collect(), &HashSet::new());
            for (index, _) in candidates.iter().filter(|(_, id)| !within.contains(id)) {
                auth_chain.set_fault(*index, Fault::NotInAuthChain);
            }
        }
        Ok(Self { auth_chain })
    }

    /// The keys that are missing for the events.
    #[must_use]
    pub fn keys_needed(&self, ring: &KeyRing) -> Vec<NeededKey> {
        self.auth_chain.keys_needed(ring)
    }

    /// Judges the events, and whether the chain is whole.
    #[must_use]
    pub fn judge(&self, ring: &KeyRing) -> AuthChain {
        let events = self.auth_chain.judge(ring);
        let chain: Vec<_> = events
            .proven
            .iter()
            .map(|pdu| (pdu.event_id().to_owned(), cited(&self.auth_chain, pdu.index)))
            .collect();
        let has_create = events.proven.iter().any(|pdu| pdu.is_state("m.room.create", ""));
        AuthChain { events, has_create, gaps: gaps(&chain) }
    }
}

impl AuthChain {
    /// Does the chain close at the create event, with nothing missing on the way?
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.has_create && self.gaps.is_empty()
    }
}

// ---- /state and /state_ids

/// Asks for the state before an event, with its auth chain.
#[must_use]
pub fn state(room_id: &str, event_id: &str) -> Request {
    let target = v1("state").segment(room_id).query("event_id", event_id);
    Request::get(target, STATE_ANSWER, TimeLimit::Long)
}

/// Reads the answer to [`state`].
///
/// # Errors
/// [`AnswerError`] when the answer as a whole is none.
pub fn read_state(
    body: &[u8],
    room_id: &str,
    version: &'static RoomVersion,
) -> Result<StatePdus, AnswerError> {
    let answer = Answer::read(body, &["pdus", "auth_chain"])?;
    Ok(StatePdus::read(answer.list("pdus")?, answer.list("auth_chain")?, room_id, version))
}

/// Asks for the IDs of the state before an event, and of its auth chain.
#[must_use]
pub fn state_ids(room_id: &str, event_id: &str) -> Request {
    let target = v1("state_ids").segment(room_id).query("event_id", event_id);
    Request::get(target, IDS_ANSWER, TimeLimit::Long)
}

/// IDs of a state. They are no more than names: each event is to be fetched and verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateIds {
    /// Of the state.
    pub pdu_ids: Vec<String>,
    /// Of its auth chain.
    pub auth_chain_ids: Vec<String>,
    /// Entries that are no event IDs of the room version, or that stand twice.
    pub left_out: Vec<LeftOut>,
}

/// Reads the answer to [`state_ids`].
///
/// # Errors
/// [`AnswerError`] when the answer as a whole is none.
pub fn read_state_ids(body: &[u8], version: &RoomVersion) -> Result<StateIds, AnswerError> {
    let answer = Answer::read(body, &[])?;
    let mut reading = Reading::default();
    let mut ids = |field| {
        let list = answer.field(field, "a list of event IDs", Value::as_array)?;
        let is_id = |id: &str| is_event_id(id, version);
        Ok::<_, AnswerError>(reading.ids(list, field, "an event ID of the room version", is_id))
    };
    let pdu_ids = ids("pdu_ids")?;
    let auth_chain_ids = ids("auth_chain_ids")?;
    Ok(StateIds { pdu_ids, auth_chain_ids, left_out: reading.left_out })
}

// ---- /event

/// Asks for one event.
#[must_use]
pub fn event(event_id: &str) -> Request {
    Request::get(v1("event").segment(event_id), EVENT_ANSWER, TimeLimit::Usual)
}

/// The answer to [`event`], read.
#[derive(Debug)]
pub struct OneEvent {
    pdu: Pdus,
}

impl OneEvent {
    /// Reads the answer. It must hold the event asked for and no other: of the ID `event_id`, and of
    /// the room `room_id`, if that is known.
    ///
    /// # Errors
    /// [`AnswerError`] when the answer as a whole is none.
    pub fn read(
        body: &[u8],
        event_id: &str,
        room_id: Option<&str>,
        version: &'static RoomVersion,
    ) -> Result<Self, AnswerError> {
        let answer = Answer::read(body, &["pdus"])?;
        let items = answer.list("pdus")?;
        if items.len() != 1 {
            return Err(AnswerError::NotOneEvent { found: items.len() });
        }
        let mut pdu = Pdus::read(items, room_id, version, Limits::All);
        if let Some(found) = pdu.batch().event_id(0).filter(|found| found != event_id) {
            pdu.set_fault(0, Fault::OtherEvent(found));
        }
        Ok(Self { pdu })
    }

    /// The keys that are missing for the event.
    #[must_use]
    pub fn keys_needed(&self, ring: &KeyRing) -> Vec<NeededKey> {
        self.pdu.keys_needed(ring)
    }

    /// Judges the event.
    ///
    /// # Errors
    /// [`AnswerError::Event`] with why it falls out.
    pub fn judge(&self, ring: &KeyRing) -> Result<ProvenPdu, AnswerError> {
        let Judged { mut proven, mut fallen, .. } = self.pdu.judge(ring);
        match (proven.pop(), fallen.pop()) {
            (Some(proven), _) => Ok(proven),
            (None, Some(fallen)) => Err(AnswerError::Event(Box::new(fallen))),
            (None, None) => Err(AnswerError::NotOneEvent { found: 0 }),
        }
    }
}

// ---- /backfill and /get_missing_events

/// The most events that are asked for at once: servers give no more than about a hundred.
pub const MAX_BACKFILL: usize = 100;

/// Asks for events at and before `from`, at most `limit` (and [`MAX_BACKFILL`]).
#[must_use]
pub fn backfill(room_id: &str, from: &[&str], limit: usize) -> Request {
    let target = v1("backfill").segment(room_id);
    let target = from.iter().fold(target, |target, id| target.query("v", id));
    let target = target.query("limit", &limit.min(MAX_BACKFILL).to_string());
    Request::get(target, EVENTS_ANSWER, TimeLimit::Usual)
}

/// Reads the answer to [`backfill`]. Events may cite more others than new events may.
///
/// # Errors
/// [`AnswerError`] when the answer as a whole is none.
pub fn read_backfill(
    body: &[u8],
    room_id: &str,
    limit: usize,
    version: &'static RoomVersion,
) -> Result<Pdus, AnswerError> {
    let answer = Answer::read(body, &["pdus"])?;
    let mut pdus = Pdus::read(answer.list("pdus")?, Some(room_id), version, Limits::Backfill);
    cut_at(&mut pdus, limit.min(MAX_BACKFILL));
    Ok(pdus)
}

fn cut_at(pdus: &mut Pdus, limit: usize) {
    for index in limit..pdus.batch().len() {
        pdus.set_fault(index, Fault::BeyondLimit);
    }
}

/// What lies between events that are known and later ones.
#[derive(Debug, Clone, Copy)]
pub struct MissingEvents<'a> {
    /// The room.
    pub room_id: &'a str,
    /// Events that are known: the answer stops at them.
    pub earliest_events: &'a [&'a str],
    /// Events whose previous ones are missing, with their `prev_events`.
    pub latest_events: &'a [(&'a str, &'a [&'a str])],
    /// The most events to give; 10 by default.
    pub limit: usize,
    /// The least depth to give; 0 by default.
    pub min_depth: i64,
}

/// Asks for events that are missing.
#[must_use]
pub fn get_missing_events(asked: &MissingEvents<'_>) -> Request {
    let ids = |ids: Vec<&str>| list(ids.into_iter().map(string));
    let content = object([
        ("earliest_events", ids(asked.earliest_events.to_vec())),
        ("latest_events", ids(asked.latest_events.iter().map(|(id, _)| *id).collect())),
        ("limit", asked.limit.to_string().into_bytes()),
        ("min_depth", asked.min_depth.to_string().into_bytes()),
    ]);
    let target = v1("get_missing_events").segment(asked.room_id);
    Request::post(target, content, EVENTS_ANSWER, TimeLimit::Usual)
}

/// Reads the answer to [`get_missing_events`]. What the latest events do not lead to falls out.
///
/// # Errors
/// [`AnswerError`] when the answer as a whole is none.
pub fn read_missing_events(
    body: &[u8],
    asked: &MissingEvents<'_>,
    version: &'static RoomVersion,
) -> Result<Pdus, AnswerError> {
    let answer = Answer::read(body, &["events"])?;
    let mut pdus = Pdus::read(answer.list("events")?, Some(asked.room_id), version, Limits::All);
    let mut next = HashMap::new();
    let candidates: Vec<_> = pdus.candidates().collect();
    for (index, id) in &candidates {
        let pdu = pdus.batch().pdu(*index);
        let previous = pdu.into_iter().flat_map(|pdu| pdu.prev_events());
        next.insert(id.clone(), previous.map(|event| event.event_id.into_owned()).collect());
    }
    let from = asked.latest_events.iter().flat_map(|(_, previous)| previous.iter().copied());
    let stop: HashSet<&str> = asked.earliest_events.iter().copied().collect();
    let within = reachable(from, &next, &stop);
    for (index, id) in candidates {
        let depth = pdus.batch().pdu(index).map(|pdu| pdu.depth());
        if !within.contains(&id) {
            pdus.set_fault(index, Fault::NotReachable);
        } else if let Some(depth) = depth.filter(|depth| *depth < asked.min_depth) {
            pdus.set_fault(index, Fault::BelowMinDepth(depth));
        }
    }
    cut_at(&mut pdus, asked.limit);
    Ok(pdus)
}

// ---- /timestamp_to_event

/// In which direction of time to look for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The first one at or after the time.
    Forwards,
    /// The last one at or before the time.
    Backwards,
}

/// Asks for the event of a room that is next to a time, in milliseconds.
#[must_use]
pub fn timestamp_to_event(room_id: &str, ts: i64, direction: Direction) -> Request {
    let direction = match direction {
        Direction::Forwards => "f",
        Direction::Backwards => "b",
    };
    let target = v1("timestamp_to_event").segment(room_id);
    let target = target.query("dir", direction).query("ts", &ts.to_string());
    Request::get(target, SMALL_ANSWER, TimeLimit::Usual)
}

/// An event that another server says is next to a time. That is a hint: the event is to be fetched and
/// verified, and may be of another time than the answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventHint {
    /// Its ID.
    pub event_id: String,
    /// When it was made, in milliseconds.
    pub origin_server_ts: i64,
}

/// Reads the answer to [`timestamp_to_event`].
///
/// # Errors
/// [`AnswerError`] when it is none, or on the other side of the time.
pub fn read_timestamp_to_event(
    body: &[u8],
    ts: i64,
    direction: Direction,
    version: &RoomVersion,
) -> Result<EventHint, AnswerError> {
    let answer = Answer::read(body, &[])?;
    let event_id = answer.field("event_id", "an event ID of the room version", |value| {
        value.as_str().filter(|id| is_event_id(id, version))
    })?;
    let found = answer.field("origin_server_ts", "an integer (milliseconds)", Value::as_i64)?;
    let fits = match direction {
        Direction::Forwards => found >= ts,
        Direction::Backwards => found <= ts,
    };
    if !fits {
        return Err(AnswerError::WrongDirection { asked: ts, found });
    }
    Ok(EventHint { event_id: event_id.into_owned(), origin_server_ts: found })
}
