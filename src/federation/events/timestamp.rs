//! The event next to a time.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1timestamp_to_eventroomid>

use super::v1;
use crate::federation::answer::{Answer, AnswerError};
use crate::federation::entries::is_event_id;
use crate::federation::request::{Request, SMALL_ANSWER, TimeLimit};
use crate::json::Value;
use crate::room_version::RoomVersion;

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
