//! One event.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1eventeventid>

use super::v1;
use crate::event::Limits;
use crate::federation::answer::{Answer, AnswerError};
use crate::federation::pdus::{Fault, Judged, Pdus, ProvenPdu};
use crate::federation::request::{EVENT_ANSWER, Request, TimeLimit};
use crate::keys::KeyRing;
use crate::receive::NeededKey;
use crate::room_version::RoomVersion;

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
