//! The state before an event, whole or by its IDs.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1stateroomid>

use super::v1;
use crate::federation::answer::{Answer, AnswerError};
use crate::federation::entries::{LeftOut, Reading, is_event_id};
use crate::federation::request::{IDS_ANSWER, Request, STATE_ANSWER, TimeLimit};
use crate::federation::room_state::StatePdus;
use crate::json::Value;
use crate::room_version::RoomVersion;

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
