//! The auth chain of an event.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1event_authroomideventid>

use std::collections::HashSet;

use super::v1;
use crate::event::Limits;
use crate::federation::answer::{Answer, AnswerError};
use crate::federation::auth_chain::{Gaps, gaps, reachable};
use crate::federation::pdus::{Fault, Judged, Pdus};
use crate::federation::request::{EVENTS_ANSWER, Request, TimeLimit};
use crate::federation::room_state::cited;
use crate::keys::KeyRing;
use crate::receive::NeededKey;
use crate::room_version::RoomVersion;

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
