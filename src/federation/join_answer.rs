//! The answer to a join: the state of the room that was joined, and its auth chain.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid>

use std::collections::BTreeMap;

use thiserror::Error;

use crate::evidence::Quoted;
use crate::json::{Canonical, Value};
use crate::keys::KeyRing;
use crate::receive::{self, Options};
use crate::room_version::{RoomIdFormat, RoomVersion};
use crate::verdict::{Outcome, Verdict};

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
    /// A list is missing.
    #[error("the answer has no list {0:?}")]
    NoList(&'static str),
    /// There is no create event in the state, or none that is well formed and signed.
    #[error("the state in the answer has no usable m.room.create event")]
    NoCreate,
    /// The create event is that of another room.
    #[error("the create event in the answer is that of the room {}", Quoted(.0))]
    OtherRoom(String),
    /// The create event says another version than the one that the room was said to have.
    #[error("the create event in the answer says room version {}", Quoted(.0))]
    RoomVersion(String),
    /// The state has two events for one type and state key.
    #[error("the state in the answer has both {0} and {1} for one type and state key")]
    Conflict(String, String),
}

impl JoinAnswerError {
    /// The stable code of this failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoList(_) => "join_answer_incomplete",
            Self::NoCreate => "join_answer_no_create",
            Self::OtherRoom(_) => "join_answer_other_room",
            Self::RoomVersion(_) => "join_answer_room_version",
            Self::Conflict(..) => "join_answer_conflict",
        }
    }
}

/// Judges the answer to a join of the room `room_id`, which is of this version.
///
/// Whether the events are allowed is not judged here: that takes the room as a whole.
///
/// # Errors
/// [`JoinAnswerError`]; an event that is bad is no error, but falls out.
pub fn check_join_answer(
    answer: &Canonical,
    version: &'static RoomVersion,
    room_id: &str,
    ring: &KeyRing,
) -> Result<JoinAnswer, JoinAnswerError> {
    let mut dropped = Vec::new();
    let mut list = |name| -> Result<Vec<(Value<'_>, Verdict)>, JoinAnswerError> {
        let list =
            answer.get(name).and_then(Value::as_array).ok_or(JoinAnswerError::NoList(name))?;
        let verified = list
            .map(|event| (event, receive::verify(event.text(), version, ring, Options::default())));
        let (kept, bad) = verified.partition::<Vec<_>, _>(|(event, verdict)| {
            verdict.outcome == Outcome::Accepted && is_of_room(*event, verdict, version, room_id)
        });
        dropped.extend(bad.into_iter().map(|(_, verdict)| verdict));
        Ok(kept)
    };
    let state = list("state")?;
    let auth_chain = list("auth_chain")?;
    check_create(version, room_id, &state)?;
    check_conflicts(&state)?;
    Ok(JoinAnswer { state: verdicts(state), auth_chain: verdicts(auth_chain), dropped })
}

fn verdicts(list: Vec<(Value<'_>, Verdict)>) -> Vec<Verdict> {
    list.into_iter().map(|(_, verdict)| verdict).collect()
}

fn is_create(verdict: &Verdict) -> bool {
    verdict.event_type.as_deref() == Some("m.room.create")
        && verdict.state_key.as_deref() == Some("")
}

/// The room of an event: of a create event that has no room ID, the one that it names.
fn room_of(event: Value<'_>, verdict: &Verdict, version: &RoomVersion) -> Option<String> {
    if version.room_id_format == RoomIdFormat::CreateEventId && is_create(verdict) {
        return verdict.event_id.as_ref().map(|id| id.replacen('$', "!", 1));
    }
    event.get("room_id").and_then(Value::as_str).map(Into::into)
}

/// Create events are kept whatever their room is, to say that it is another one.
fn is_of_room(event: Value<'_>, verdict: &Verdict, version: &RoomVersion, room_id: &str) -> bool {
    is_create(verdict) || room_of(event, verdict, version).as_deref() == Some(room_id)
}

fn check_create(
    version: &RoomVersion,
    room_id: &str,
    state: &[(Value<'_>, Verdict)],
) -> Result<(), JoinAnswerError> {
    let create = state.iter().find(|(_, verdict)| is_create(verdict));
    let (event, verdict) = create.ok_or(JoinAnswerError::NoCreate)?;
    let room = room_of(*event, verdict, version).unwrap_or_default();
    if room != room_id {
        return Err(JoinAnswerError::OtherRoom(room));
    }
    let stated = event.get("content").and_then(|content| content.get("room_version"));
    let stated = stated.map_or(Some("1".into()), Value::as_str).unwrap_or_default();
    if stated != version.id {
        return Err(JoinAnswerError::RoomVersion(stated.into_owned()));
    }
    Ok(())
}

fn check_conflicts(state: &[(Value<'_>, Verdict)]) -> Result<(), JoinAnswerError> {
    let mut seen = BTreeMap::new();
    for (_, verdict) in state {
        let (Some(event_type), Some(state_key)) = (&verdict.event_type, &verdict.state_key) else {
            continue;
        };
        let id = verdict.event_id.clone().unwrap_or_default();
        if let Some(earlier) = seen.insert((event_type, state_key), id.clone())
            && earlier != id
        {
            return Err(JoinAnswerError::Conflict(earlier, id));
        }
    }
    Ok(())
}
