//! Entries of answers that are no events: read field by field. What is wrong is left out and told.

use crate::identifiers::{MAX_IDENTIFIER_BYTES, ServerName, domain_of, is_hash_identifier};
use crate::json::{Kind, Value};
use crate::room_version::{EventIdFormat, RoomVersion};

/// The most characters that a text for people keeps: longer ones are cut.
pub const MAX_TEXT: usize = 4096;

/// An entry, or a field of one, that was left out or cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it stood, such as `chunk[3].topic`.
    pub place: String,
    /// The stable code of why.
    pub code: &'static str,
    /// What it must have been.
    pub expected: &'static str,
}

/// What was left out is told for so many at most: the rest is of the same kind.
const MAX_TOLD: usize = 100;

/// Collects what is left out.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// In the order of the answer.
    pub left_out: Vec<LeftOut>,
}

impl Reading {
    pub fn tell(
        &mut self,
        place: impl FnOnce() -> String,
        code: &'static str,
        expected: &'static str,
    ) {
        if self.left_out.len() < MAX_TOLD {
            self.left_out.push(LeftOut { place: place(), code, expected });
        }
    }

    /// A field that need not be there. `null` counts as absent.
    pub fn optional<'v, T>(
        &mut self,
        value: Option<Value<'v>>,
        place: impl FnOnce() -> String,
        expected: &'static str,
        read: impl FnOnce(Value<'v>) -> Option<T>,
    ) -> Option<T> {
        let value = value.filter(|value| value.kind() != Kind::Null)?;
        let read = read(value);
        if read.is_none() {
            self.tell(place, "answer_entry_invalid", expected);
        }
        read
    }

    /// A field of an entry that must be there.
    pub fn required<'v, T>(
        &mut self,
        entry: Value<'v>,
        key: &'static str,
        place: &str,
        expected: &'static str,
        read: impl FnOnce(Value<'v>) -> Option<T>,
    ) -> Option<T> {
        let read = entry.get(key).and_then(read);
        if read.is_none() {
            self.tell(|| format!("{place}{key}"), "answer_entry_invalid", expected);
        }
        read
    }

    /// A text for people that need not be there; a longer one is cut.
    pub fn text(&mut self, entry: Value<'_>, key: &'static str, place: &str) -> Option<String> {
        let at = || format!("{place}{key}");
        let text = self.optional(entry.get(key), at, "a string", Value::as_str)?;
        let kept = cut(&text, MAX_TEXT);
        if kept.len() < text.len() {
            self.tell(at, "answer_text_cut", "a string of at most 4096 characters");
        }
        Some(kept.to_owned())
    }

    /// A list of identifiers of some form; others, and those that stand twice, are left out.
    pub fn ids<'v>(
        &mut self,
        list: impl Iterator<Item = Value<'v>>,
        place: &str,
        expected: &'static str,
        is_good: impl Fn(&str) -> bool,
    ) -> Vec<String> {
        let mut seen = std::collections::HashSet::new();
        let mut ids = Vec::new();
        for (index, value) in list.enumerate() {
            let at = || format!("{place}[{index}]");
            match value.as_str().filter(|id| is_good(id)) {
                None => self.tell(at, "answer_entry_invalid", expected),
                Some(id) if !seen.insert(id.to_string()) => {
                    self.tell(at, "answer_entry_twice", expected);
                }
                Some(id) => ids.push(id.into_owned()),
            }
        }
        ids
    }
}

/// The first `most` characters of a text.
pub(super) fn cut(text: &str, most: usize) -> &str {
    let end = text.char_indices().nth(most).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or(text)
}

/// Is this an event ID of the room version?
pub(super) fn is_event_id(id: &str, version: &RoomVersion) -> bool {
    let standard = |c: char| match c {
        '+' => '-',
        '/' => '_',
        '-' | '_' => '+',
        other => other,
    };
    match version.event_id_format {
        EventIdFormat::Domain => id.len() <= MAX_IDENTIFIER_BYTES && domain_of(id, '$').is_some(),
        EventIdFormat::UrlSafeHash => is_hash_identifier(id, '$'),
        EventIdFormat::Hash => {
            is_hash_identifier(&id.chars().map(standard).collect::<String>(), '$')
        }
    }
}

/// Is this a room ID of some room version?
pub(super) fn is_room_id(id: &str) -> bool {
    id.len() <= MAX_IDENTIFIER_BYTES
        && (domain_of(id, '!').is_some() || is_hash_identifier(id, '!'))
}

/// Is this a room alias?
pub(super) fn is_room_alias(alias: &str) -> bool {
    alias.len() <= MAX_IDENTIFIER_BYTES && domain_of(alias, '#').is_some()
}

/// Is this a user ID of a length that may be?
pub(super) fn is_user_id(id: &str) -> bool {
    id.len() <= MAX_IDENTIFIER_BYTES && crate::identifiers::is_user_id(id)
}

pub(super) fn is_server_name(name: &str) -> bool {
    ServerName::parse(name).is_ok()
}

/// A boolean.
pub(super) fn as_bool(value: Value<'_>) -> Option<bool> {
    match value.text() {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}
