//! Knocking on a room by way of another server.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#knocking-on-a-room>

use super::answer::{Answer, AnswerError};
use super::entries::{LeftOut, Reading};
use super::membership::{self, Template};
use super::pdus::{FallenPdu, Pdus};
use super::request::{EVENTS_ANSWER, Request, TimeLimit, object};
use crate::event::Limits;
use crate::json::{self, Canonical, Numbers};
use crate::keys::KeyRing;
use crate::receive::NeededKey;
use crate::room_version::{RoomIdFormat, RoomVersion};

/// Asks for a template of a knock; `offered` are the room versions that our server knows.
#[must_use]
pub fn make_knock(room_id: &str, user_id: &str, offered: &[&'static RoomVersion]) -> Request {
    membership::make("make_knock", room_id, user_id, offered)
}

/// Reads the answer to [`make_knock`], which must name the version of the room.
///
/// # Errors
/// [`AnswerError`] when it is none, or of a room version that was not offered.
pub fn read_make_knock(
    body: &[u8],
    offered: &[&'static RoomVersion],
) -> Result<Template, AnswerError> {
    membership::read_template(body, offered, true)
}

/// Sends a knock that our server has signed.
#[must_use]
pub fn send_knock(room_id: &str, event_id: &str, event: &Canonical) -> Request {
    let (target, content) = membership::send("federation/v1/send_knock", room_id, event_id, event);
    Request::put(target, content, EVENTS_ANSWER, TimeLimit::Long)
}

/// The answer to [`send_knock`], read.
#[derive(Debug)]
pub struct SendKnock {
    pdus: Pdus,
    stripped: Vec<StrippedEvent>,
    left_out: Vec<LeftOut>,
}

/// State of a room for somebody who is not in it to look at. It is trusted for nothing.
#[derive(Debug, Clone)]
pub struct StrippedEvent {
    /// `content`, `sender`, `state_key` and `type`, and nothing else.
    pub event: Canonical,
    /// It came as an event that its sender's server signed.
    pub proven: bool,
}

/// What a knock brought.
#[derive(Debug, Clone)]
pub struct Knocked {
    /// State to show.
    pub room_state: Vec<StrippedEvent>,
    /// Events that fell out.
    pub fallen: Vec<FallenPdu>,
    /// Entries that are neither events nor stripped state.
    pub left_out: Vec<LeftOut>,
}

impl SendKnock {
    /// Reads the answer. Servers have to send events; older ones send stripped state, without
    /// signatures, which is taken where the room ID is not the hash of the create event.
    ///
    /// # Errors
    /// [`AnswerError`] when the answer as a whole is none.
    pub fn read(
        body: &[u8],
        room_id: &str,
        version: &'static RoomVersion,
    ) -> Result<Self, AnswerError> {
        let answer = Answer::read(body, &["knock_room_state"])?;
        let mut reading = Reading::default();
        let mut events = Vec::new();
        let mut stripped = Vec::new();
        for (index, item) in answer.list("knock_room_state")?.iter().enumerate() {
            let entry = json::parse(item, Numbers::Keep).ok();
            let is_event = entry.as_ref().is_some_and(|entry| entry.get("signatures").is_some());
            let short = entry.as_ref().filter(|_| version.room_id_format == RoomIdFormat::Domain);
            if is_event {
                events.push(*item);
            } else if let Some(event) = short.and_then(strip) {
                stripped.push(StrippedEvent { event, proven: false });
            } else {
                let place = || format!("knock_room_state[{index}]");
                reading.tell(place, "answer_entry_invalid", "an event of the room");
            }
        }
        let pdus = Pdus::read(&events, Some(room_id), version, Limits::All);
        Ok(Self { pdus, stripped, left_out: reading.left_out })
    }

    /// The keys that are missing for the events.
    #[must_use]
    pub fn keys_needed(&self, ring: &KeyRing) -> Vec<NeededKey> {
        self.pdus.keys_needed(ring)
    }

    /// Judges the events.
    #[must_use]
    pub fn judge(&self, ring: &KeyRing) -> Knocked {
        let judged = self.pdus.judge(ring);
        let proven = judged.proven.iter().filter_map(|pdu| strip(&pdu.event));
        let proven = proven.map(|event| StrippedEvent { event, proven: true });
        Knocked {
            room_state: proven.chain(self.stripped.iter().cloned()).collect(),
            fallen: judged.fallen,
            left_out: self.left_out.clone(),
        }
    }
}

/// Stripped state: a content, a sender, a state key and a type.
fn strip(event: &Canonical) -> Option<Canonical> {
    let is_text = |key| event.get(key).is_some_and(|value| value.as_str().is_some());
    let has_form = ["sender", "state_key", "type"].into_iter().all(is_text)
        && event.get("content").is_some_and(|content| content.as_object().is_some());
    if !has_form {
        return None;
    }
    let kept = ["content", "sender", "state_key", "type"];
    let members = kept.into_iter().filter_map(|key| Some((key, event.get(key)?.text().to_vec())));
    json::parse(&object(members), Numbers::Keep).ok()
}
