//! What comes back: an answer taken apart, so that one bad event in it does not sink the others.
//!
//! The lists that hold events are cut into the bytes of their items, which are read one by one. All
//! else is read at once, strictly.

use thiserror::Error;

use super::pdus::FallenPdu;
use crate::evidence::Quoted;
use crate::json::{self, Canonical, JsonError, Numbers, Value};
use crate::reader::ReadError;
use crate::state::whole::StateDefect;
use crate::verdict::Verdict;

/// Why a whole answer is refused.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum AnswerError {
    /// It is not JSON.
    #[error("the answer is not valid JSON: {0}")]
    Json(#[from] JsonError),
    /// It cannot be taken apart.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// A field is missing or of the wrong type.
    #[error("the answer must have {expected} in {}", Quoted(field))]
    Field {
        /// The field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// It holds another number of events than the one asked for.
    #[error("one event was asked for, the answer has {found}")]
    NotOneEvent {
        /// How many it has.
        found: usize,
    },
    /// The one event that was asked for falls out.
    #[error("the event in the answer falls out: {0}")]
    Event(Box<FallenPdu>),
    /// The state in it is none.
    #[error(transparent)]
    State(#[from] StateDefect),
    /// Something says another version than the one that the room was said to have.
    #[error("the answer says room version {}, which was not asked for", Quoted(.0))]
    RoomVersion(String),
    /// The state in it does not let our user join.
    #[error("the state in the answer does not allow the join: {}", reason_of(.0))]
    JoinNotAllowed(Box<Verdict>),
    /// It is about another room than the one asked about.
    #[error("the answer is about the room {}", Quoted(.0))]
    OtherRoom(String),
    /// Members are left out though all were asked for.
    #[error("the answer leaves out members, though all were asked for")]
    MembersOmitted,
    /// The event came back changed in more than added signatures.
    #[error("the event came back changed: only signatures may be added")]
    EventChanged,
    /// The server that was to sign our event did not, or wrongly.
    #[error("{reason}")]
    Countersignature {
        /// What is wrong with it, as codes of check 2 say it.
        failure: &'static str,
        /// The same in words.
        reason: String,
    },
    /// The event found is on the other side of the time that was asked about.
    #[error("the event in the answer is of {found}, on the other side of {asked}")]
    WrongDirection {
        /// The time asked about, in milliseconds.
        asked: i64,
        /// That of the event, as the answer says.
        found: i64,
    },
    /// The answer speaks for a user of another server than the one asked.
    #[error("{} is not a user of {server}", Quoted(user_id))]
    OtherServer {
        /// The user.
        user_id: String,
        /// The server that was asked.
        server: String,
    },
    /// The signature of the policy server is missing or wrong.
    #[error("the policy server {server} did not sign: {code}")]
    Policy {
        /// The server.
        server: String,
        /// The code of check 7.
        code: &'static str,
    },
}

fn reason_of(verdict: &Verdict) -> &str {
    verdict.checks.iter().find_map(|check| check.reason.as_deref()).unwrap_or("no reason is known")
}

impl AnswerError {
    /// The stable code of this failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Json(error) => error.code(),
            Self::Unreadable(error) => error.code(),
            Self::Field { .. } => "answer_field_invalid",
            Self::NotOneEvent { .. } => "answer_not_one_event",
            Self::Event(fallen) => fallen.code(),
            Self::State(StateDefect::NoCreate) => "answer_state_no_create",
            Self::State(StateDefect::OtherRoom(_)) => "answer_state_other_room",
            Self::State(StateDefect::RoomVersion(_)) => "answer_state_room_version",
            Self::State(StateDefect::Conflict(..)) => "answer_state_conflict",
            Self::RoomVersion(_) => "answer_room_version",
            Self::JoinNotAllowed(_) => "answer_join_not_allowed",
            Self::OtherRoom(_) => "answer_other_room",
            Self::MembersOmitted => "answer_members_omitted",
            Self::EventChanged => "answer_event_changed",
            Self::Countersignature { .. } => "answer_countersignature",
            Self::WrongDirection { .. } => "answer_wrong_direction",
            Self::OtherServer { .. } => "answer_other_server",
            Self::Policy { code, .. } => code,
        }
    }
}

/// An answer taken apart.
pub(super) struct Answer<'a> {
    members: Vec<(String, Canonical)>,
    lists: Vec<(&'static str, Vec<&'a [u8]>)>,
}

impl<'a> Answer<'a> {
    /// Reads an object. The members named in `lists` are cut into their items, which are not read.
    pub fn read(body: &'a [u8], lists: &[&'static str]) -> Result<Self, AnswerError> {
        let Some(members) = split_object(body) else {
            // Where it cannot be cut, the parser says why.
            json::parse(body, Numbers::Keep)?;
            return Err(AnswerError::Field { field: "", expected: "an object of few members" });
        };
        let mut answer = Self { members: Vec::new(), lists: Vec::new() };
        for (raw_key, value) in members {
            let key = json::parse(raw_key, Numbers::Keep)?;
            let key = key.value().as_str().unwrap_or_default();
            let cut = lists
                .iter()
                .find(|name| **name == key)
                .and_then(|name| Some((*name, split_array(value)?)));
            // Of two members with one key the last counts, whatever the first was.
            answer.lists.retain(|(name, _)| *name != key);
            answer.members.retain(|(name, _)| *name != key);
            match cut {
                Some(list) => answer.lists.push(list),
                None => answer.members.push((key.into_owned(), json::parse(value, Numbers::Keep)?)),
            }
        }
        Ok(answer)
    }

    /// Reads an answer in the first version of its endpoint, `[200, {…}]`.
    pub fn read_v1(body: &'a [u8], lists: &[&'static str]) -> Result<Self, AnswerError> {
        let expected = "[200, an object]";
        let Some(items) = split_array(body) else {
            json::parse(body, Numbers::Keep)?;
            return Err(AnswerError::Field { field: "", expected });
        };
        match items.as_slice() {
            [b"200", object] => Self::read(object, lists),
            _ => Err(AnswerError::Field { field: "", expected }),
        }
    }

    /// A member that is no list of events.
    pub fn get(&self, field: &str) -> Option<Value<'_>> {
        self.members.iter().find(|(name, _)| name == field).map(|(_, value)| value.value())
    }

    /// A list of events, as the bytes of its items.
    pub fn list(&self, field: &'static str) -> Result<&[&'a [u8]], AnswerError> {
        let list = self.lists.iter().find(|(name, _)| *name == field);
        list.map(|(_, items)| items.as_slice())
            .ok_or(AnswerError::Field { field, expected: "a list" })
    }

    /// A member that must be there and of some form.
    pub fn field<'v, T>(
        &'v self,
        field: &'static str,
        expected: &'static str,
        read: impl FnOnce(Value<'v>) -> Option<T>,
    ) -> Result<T, AnswerError> {
        self.get(field).and_then(read).ok_or(AnswerError::Field { field, expected })
    }
}

/// No answer of the specification has more members; each is compared with those before it.
const MAX_MEMBERS: usize = 100;
/// More items than the largest state has by far; each costs memory even if it is a single digit.
const MAX_ITEMS: usize = 4_000_000;

/// The members of an object as they are written: key, quotes included, and value. `None` when the text
/// cannot be cut into such, or has too many; what is cut may still be no JSON.
fn split_object(text: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut members = Vec::new();
    let mut rest = skip_space(text).strip_prefix(b"{")?;
    loop {
        rest = skip_space(rest);
        if let (Some(after), true) = (rest.strip_prefix(b"}"), members.is_empty()) {
            return skip_space(after).is_empty().then_some(members);
        }
        let (key, after) = split_string(rest)?;
        let (value, after) = split_value(skip_space(skip_space(after).strip_prefix(b":")?))?;
        members.push((key, value));
        if members.len() > MAX_MEMBERS {
            return None;
        }
        let after = skip_space(after);
        if let Some(after) = after.strip_prefix(b"}") {
            return skip_space(after).is_empty().then_some(members);
        }
        rest = after.strip_prefix(b",")?;
    }
}

/// The items of an array, likewise.
pub(super) fn split_array(text: &[u8]) -> Option<Vec<&[u8]>> {
    let mut items = Vec::new();
    let mut rest = skip_space(text).strip_prefix(b"[")?;
    loop {
        rest = skip_space(rest);
        if let (Some(after), true) = (rest.strip_prefix(b"]"), items.is_empty()) {
            return skip_space(after).is_empty().then_some(items);
        }
        let (value, after) = split_value(rest)?;
        items.push(value);
        if items.len() > MAX_ITEMS {
            return None;
        }
        let after = skip_space(after);
        if let Some(after) = after.strip_prefix(b"]") {
            return skip_space(after).is_empty().then_some(items);
        }
        rest = after.strip_prefix(b",")?;
    }
}

fn skip_space(text: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let start = text.iter().position(|byte| !is_space(byte)).unwrap_or(text.len());
    text.get(start..).unwrap_or_default()
}

/// A string, quotes included, and what follows it.
fn split_string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut escaped = false;
    let inner = text.strip_prefix(b"\"")?;
    let end = inner.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })?;
    text.split_at_checked(end.saturating_add(2))
}

/// A value, by its brackets alone, and what follows it.
fn split_value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut depth = 0usize;
    let mut rest = text;
    loop {
        match rest.first()? {
            b'"' => rest = split_string(rest)?.1,
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                rest = rest.get(1..)?;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                rest = rest.get(1..)?;
            }
            b',' if depth == 0 => return None,
            _ if depth == 0 => {
                let ends =
                    |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
                let end = rest.iter().position(ends).unwrap_or(rest.len());
                return text.split_at_checked(end);
            }
            _ => {
                let special = |byte: &u8| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']');
                rest = rest.get(rest.iter().position(special)?..)?;
            }
        }
        if depth == 0 {
            return text.split_at_checked(text.len().saturating_sub(rest.len()));
        }
    }
}
