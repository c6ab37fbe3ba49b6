//! Leaving a room that our server is not in: turning down an invite, taking back a knock.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#leaving-rooms-rejecting-invites>

use super::answer::{Answer, AnswerError};
use super::membership::{self, Template};
use super::request::{Request, SMALL_ANSWER, TimeLimit};
use crate::json::Canonical;
use crate::room_version::RoomVersion;

/// Asks for a template of a leave.
#[must_use]
pub fn make_leave(room_id: &str, user_id: &str) -> Request {
    membership::make("make_leave", room_id, user_id, &[])
}

/// Reads the answer to [`make_leave`]; `known` are the room versions that it may be of.
///
/// # Errors
/// [`AnswerError`] when it is none, or of another room version.
pub fn read_make_leave(
    body: &[u8],
    known: &[&'static RoomVersion],
) -> Result<Template, AnswerError> {
    membership::read_template(body, known, false)
}

/// Sends a leave that our server has signed.
#[must_use]
pub fn send_leave(room_id: &str, event_id: &str, event: &Canonical) -> Request {
    let (target, content) = membership::send("federation/v2/send_leave", room_id, event_id, event);
    Request::put(target, content, SMALL_ANSWER, TimeLimit::Usual)
}

/// Sends a leave to a server that does not know [`send_leave`].
#[must_use]
pub fn send_leave_v1(room_id: &str, event_id: &str, event: &Canonical) -> Request {
    let (target, content) = membership::send("federation/v1/send_leave", room_id, event_id, event);
    Request::put(target, content, SMALL_ANSWER, TimeLimit::Usual)
}

/// Reads the answer to [`send_leave`], which says no more than that it came.
///
/// # Errors
/// [`AnswerError`] when it is no object.
pub fn read_send_leave(body: &[u8]) -> Result<(), AnswerError> {
    Answer::read(body, &[]).map(|_| ())
}

/// Reads the answer to [`send_leave_v1`].
///
/// # Errors
/// [`AnswerError`] when it is not `[200, {}]`.
pub fn read_send_leave_v1(body: &[u8]) -> Result<(), AnswerError> {
    Answer::read_v1(body, &[]).map(|_| ())
}
