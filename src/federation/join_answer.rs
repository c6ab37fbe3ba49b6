//! The answer to a join: the state of the room that was joined, and its auth chain.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid>

use thiserror::Error;

use super::pdus::ProvenPdu;
use super::room_state::StatePdus;
use crate::json::{Canonical, Value};
use crate::keys::KeyRing;
use crate::reader::ReadError;
use crate::room_version::RoomVersion;
use crate::state::whole::StateDefect;
use crate::verdict::Verdict;

/// What an answer is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinAnswer {
    /// The state, event by event, by checks 1 to 3.
    pub state: Vec<Verdict>,
    /// The auth chain, likewise.
    pub auth_chain: Vec<Verdict>,
    /// Events of either that are malformed, of another room, or not proven to be by whom they say. They
    /// fall out; the join goes on without them.
    pub dropped: Vec<Verdict>,
}

/// Why an answer is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JoinAnswerError {
    /// It is not to be read.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// A member is missing.
    #[error("the answer has no list \"{0}\"")]
    NoList(&'static str),
    /// Its state is none of the room.
    #[error(transparent)]
    State(#[from] StateDefect),
    /// The join event that it sends back is not the one that was sent.
    #[error(
        "the answer has another join event than the one that was sent; only signatures may be added"
    )]
    EventChanged,
}

impl JoinAnswerError {
    /// The stable code of this failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(error) => error.code(),
            Self::NoList(_) => "join_answer_incomplete",
            Self::State(StateDefect::NoCreate) => "join_answer_no_create",
            Self::State(StateDefect::OtherRoom(_)) => "join_answer_other_room",
            Self::State(StateDefect::RoomVersion(_)) => "join_answer_room_version",
            Self::State(StateDefect::Conflict(..)) => "join_answer_conflict",
            Self::EventChanged => "join_answer_event_changed",
        }
    }
}

/// Judges the answer to a join of the room `room_id`, which is of this version.
///
/// Whether the events are allowed is not judged here: that takes the room as a whole
/// ([`super::Join`]).
///
/// # Errors
/// [`JoinAnswerError`]; an event that is bad is no error, but falls out.
pub fn check_join_answer(
    answer: &Canonical,
    version: &'static RoomVersion,
    room_id: &str,
    ring: &KeyRing,
) -> Result<JoinAnswer, JoinAnswerError> {
    let list = |name| -> Result<Vec<&[u8]>, JoinAnswerError> {
        let list = answer.get(name).and_then(Value::as_array);
        Ok(list.ok_or(JoinAnswerError::NoList(name))?.map(Value::text).collect())
    };
    let pdus = StatePdus::read(&list("state")?, &list("auth_chain")?, room_id, version);
    let proven = pdus.judge(ring)?;
    let verdicts = |pdus: Vec<ProvenPdu>| pdus.into_iter().map(|pdu| pdu.verdict).collect();
    Ok(JoinAnswer {
        state: verdicts(proven.state),
        auth_chain: verdicts(proven.auth_chain),
        dropped: proven.fallen.into_iter().map(|pdu| pdu.verdict).collect(),
    })
}
