//! What joining, knocking and leaving have in common: a template is asked for, and the event made by it
//! is sent.

use super::answer::{Answer, AnswerError};
use super::request::{EVENT_ANSWER, Request, Target, TimeLimit};
use crate::json::{Canonical, Numbers, parse};
use crate::room_version::RoomVersion;

/// A template, and the version of the room it is for. It is not to be signed as it comes:
/// [`event_from_template`](super::event_from_template) makes the event by it.
#[derive(Debug, Clone)]
pub struct Template {
    /// The event that the other server proposes.
    pub event: Canonical,
    /// The version of the room.
    pub version: StatedVersion,
}

/// The version of a room, as a template says it.
#[derive(Debug, Clone, Copy)]
pub enum StatedVersion {
    /// This one.
    Known(&'static RoomVersion),
    /// None is named: the room is of version 1 or 2, whose events have the same form. Which one, its
    /// create event says.
    OneOrTwo,
}

impl StatedVersion {
    /// A version by which an event for the room can be made.
    #[must_use]
    pub fn for_events(self) -> Option<&'static RoomVersion> {
        match self {
            Self::Known(version) => Some(version),
            Self::OneOrTwo => RoomVersion::get("1").ok(),
        }
    }
}

pub(super) fn make(
    endpoint: &str,
    room_id: &str,
    user_id: &str,
    offered: &[&'static RoomVersion],
) -> Request {
    let target = Target::new("federation/v1").segment(endpoint).segment(room_id).segment(user_id);
    let target = offered.iter().fold(target, |target, version| target.query("ver", version.id));
    // The other server may have to ask whether the user may join.
    Request::get(target, EVENT_ANSWER, TimeLimit::Usual)
}

pub(super) fn send(
    path: &str,
    room_id: &str,
    event_id: &str,
    event: &Canonical,
) -> (Target, Vec<u8>) {
    let target = Target::new(path).segment(room_id).segment(event_id);
    (target, event.text().to_vec())
}

/// Reads a template. Where no version is named the room must be of version 1 or 2, unless a version
/// `must_be_named`; one that is named must be among those `offered`.
pub(super) fn read_template(
    body: &[u8],
    offered: &[&'static RoomVersion],
    must_be_named: bool,
) -> Result<Template, AnswerError> {
    let answer = Answer::read(body, &[])?;
    let event = answer.field("event", "an object", |value| value.as_object().map(|_| value))?;
    let offers = |id: &str| offered.iter().find(|version| version.id == id).copied();
    let version = match answer.get("room_version") {
        Some(stated) => {
            let expected = "the ID of a room version";
            let stated =
                stated.as_str().ok_or(AnswerError::Field { field: "room_version", expected })?;
            let known = offers(&stated);
            StatedVersion::Known(known.ok_or(AnswerError::RoomVersion(stated.into_owned()))?)
        }
        None if must_be_named => {
            let expected = "the ID of a room version";
            return Err(AnswerError::Field { field: "room_version", expected });
        }
        None if offers("1").or(offers("2")).is_none() => {
            return Err(AnswerError::RoomVersion("1".to_owned()));
        }
        None => StatedVersion::OneOrTwo,
    };
    Ok(Template { event: parse(event.text(), Numbers::Keep)?, version })
}
