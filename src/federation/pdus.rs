//! The events of an answer: each is judged by itself, and what fails falls out.

use std::collections::HashSet;

use thiserror::Error;

use crate::event::Limits;
use crate::evidence::Quoted;
use crate::json::Canonical;
use crate::keys::KeyRing;
use crate::receive::{Batch, NeededKey, Options};
use crate::room_version::{RoomIdFormat, RoomVersion};
use crate::verdict::{Check, CheckResult, Outcome, Verdict};

/// What is no event takes more room as a verdict than in the answer: so many are judged, the rest is
/// counted.
const MAX_FRAGMENTS: usize = 100;
/// An event with all its fields and a hash is longer than this.
const LEAST_BYTES: usize = 150;

/// Why an event of an answer falls out though it may be proven: it is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// It is of another room.
    #[error("the event is of the room {}", Quoted(.0))]
    OtherRoom(String),
    /// Its ID is not the one asked for.
    #[error("the event is {}, not the one asked for", Quoted(.0))]
    OtherEvent(String),
    /// Another event of the answer has its ID.
    #[error("the event is there already")]
    Twice,
    /// It is one more than was asked for.
    #[error("the event is one more than was asked for")]
    BeyondLimit,
    /// No path of `prev_events` leads to it from the events asked about.
    #[error("no path of prev_events leads to the event from those asked about")]
    NotReachable,
    /// Its depth is below the least one asked for.
    #[error("the event has the depth {0}, which is below the least one asked for")]
    BelowMinDepth(i64),
    /// It stands in a state and has no state key.
    #[error("the event is no state event")]
    NotState,
    /// No path of `auth_events` leads to it.
    #[error("no path of auth_events leads to the event from the one asked about")]
    NotInAuthChain,
}

impl Fault {
    /// The stable code of this fault.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::OtherRoom(_) => "answer_event_other_room",
            Self::OtherEvent(_) => "answer_event_other_id",
            Self::Twice => "answer_event_twice",
            Self::BeyondLimit => "answer_event_beyond_limit",
            Self::NotReachable => "answer_event_not_reachable",
            Self::BelowMinDepth(_) => "answer_event_below_min_depth",
            Self::NotState => "answer_event_not_state",
            Self::NotInAuthChain => "answer_event_not_in_auth_chain",
        }
    }
}

/// An event that checks 1 to 3 have let through, and that is what was asked for.
#[derive(Debug, Clone)]
pub struct ProvenPdu {
    /// The event as it counts: redacted, where its content hash differs, and without `unsigned`.
    pub event: Canonical,
    /// Its verdict.
    pub verdict: Verdict,
    /// Where it stood in the list.
    pub index: usize,
}

impl ProvenPdu {
    /// Its ID.
    #[must_use]
    pub fn event_id(&self) -> &str {
        // What is proven is well formed, and so has one.
        self.verdict.event_id.as_deref().unwrap_or_default()
    }

    /// Is it the state of this type and state key?
    #[must_use]
    pub fn is_state(&self, event_type: &str, state_key: &str) -> bool {
        self.verdict.event_type.as_deref() == Some(event_type)
            && self.verdict.state_key.as_deref() == Some(state_key)
    }
}

/// An event that fell out.
#[derive(Debug, Clone, PartialEq)]
pub struct FallenPdu {
    /// Its verdict.
    pub verdict: Verdict,
    /// Why it is not what was asked for, if that is why it fell out.
    pub fault: Option<Fault>,
}

impl FallenPdu {
    /// The stable code of why it fell out: of the check that failed, or of the fault.
    #[must_use]
    pub fn code(&self) -> &'static str {
        let fault = self.fault.as_ref().map(Fault::code);
        fault.or(self.decisive().and_then(|check| check.code)).unwrap_or_default()
    }

    /// May it still be proven, by keys that are missing?
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.fault.is_none() && self.verdict.outcome == Outcome::Incomplete
    }

    fn decisive(&self) -> Option<&Check> {
        let failed = |check: &&Check| {
            matches!(check.result, CheckResult::Fail | CheckResult::Incomplete) && check.check < 3
        };
        self.verdict.checks.iter().find(failed)
    }
}

impl std::fmt::Display for FallenPdu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.fault {
            Some(fault) => fault.fmt(f),
            None => f.write_str(
                self.decisive().and_then(|check| check.reason.as_deref()).unwrap_or_default(),
            ),
        }
    }
}

/// The events of a list of an answer, judged.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// What may be used, in the order of the answer.
    pub proven: Vec<ProvenPdu>,
    /// What fell out.
    pub fallen: Vec<FallenPdu>,
    /// Further items that are too short to be events, and are not judged one by one.
    pub fragments: usize,
}

/// The events of a list of an answer, read.
#[derive(Debug)]
pub struct Pdus {
    batch: Batch,
    faults: Vec<Option<Fault>>,
    fragments: usize,
}

impl Pdus {
    /// Reads a list. Events of another room than `room_id` fall out, where that is known.
    pub(super) fn read(
        items: &[&[u8]],
        room_id: Option<&str>,
        version: &'static RoomVersion,
        limits: Limits,
    ) -> Self {
        let mut seen = 0usize;
        let mut fragments = 0usize;
        let events = items.iter().copied().filter(|item| {
            if item.len() < LEAST_BYTES {
                seen = seen.saturating_add(1);
                let one_more = seen > MAX_FRAGMENTS;
                fragments = fragments.saturating_add(usize::from(one_more));
                return !one_more;
            }
            true
        });
        let batch = Batch::read(events, version, Options { limits, ..Options::default() });
        let mut pdus = Self { faults: vec![None; batch.len()], batch, fragments };
        for index in 0..pdus.batch.len() {
            if let (Some(asked), Some(room)) = (room_id, pdus.room_of(index))
                && room != asked
            {
                pdus.set_fault(index, Fault::OtherRoom(room));
            }
        }
        pdus
    }

    /// The room of an event: of a create event that has no room ID, the one that it makes.
    fn room_of(&self, index: usize) -> Option<String> {
        let pdu = self.batch.pdu(index)?;
        if let Some(room_id) = pdu.room_id() {
            return Some(room_id.into_owned());
        }
        let is_create =
            pdu.event_type() == "m.room.create" && pdu.state_key().as_deref() == Some("");
        let names_itself = is_create && pdu.version().room_id_format == RoomIdFormat::CreateEventId;
        names_itself
            .then(|| self.batch.event_id(index))
            .flatten()
            .map(|id| id.replacen('$', "!", 1))
    }

    /// Lets an event fall out. The first fault stays.
    pub(super) fn set_fault(&mut self, index: usize, fault: Fault) {
        if let Some(place) = self.faults.get_mut(index) {
            place.get_or_insert(fault);
        }
    }

    pub(super) fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The indices of events that are well formed and have no fault, and their IDs.
    pub(super) fn candidates(&self) -> impl Iterator<Item = (usize, String)> {
        let free = self.faults.iter().enumerate().filter(|(_, fault)| fault.is_none());
        free.filter_map(|(index, _)| Some((index, self.batch.event_id(index)?)))
    }

    /// The keys that are missing for the events; for those that fall out anyway, none is asked for.
    #[must_use]
    pub fn keys_needed(&self, ring: &KeyRing) -> Vec<NeededKey> {
        self.batch.keys_needed(ring, |index| matches!(self.faults.get(index), Some(None)))
    }

    /// Judges the events, one by one, by checks 1 to 3 and by what was asked for.
    #[must_use]
    pub fn judge(&self, ring: &KeyRing) -> Judged {
        let mut judged = Judged { fragments: self.fragments, ..Judged::default() };
        let mut ids = HashSet::new();
        let verdicts = self.batch.verdicts(ring).into_iter().zip(&self.faults).enumerate();
        for (index, (verdict, fault)) in verdicts {
            if fault.is_some() || verdict.outcome != Outcome::Accepted {
                // A malformed or forged event is that in the first place.
                let fault = fault.clone().filter(|_| verdict.outcome != Outcome::Dropped);
                judged.fallen.push(FallenPdu { verdict, fault });
            } else if !ids.insert(verdict.event_id.clone()) {
                judged.fallen.push(FallenPdu { verdict, fault: Some(Fault::Twice) });
            } else if let Some(event) = self.batch.copy(index, &verdict) {
                judged.proven.push(ProvenPdu { event, verdict, index });
            }
        }
        judged
    }
}
