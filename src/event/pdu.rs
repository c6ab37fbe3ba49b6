//! A PDU that passed the format check.

use std::borrow::Cow;

use super::format::{self, FormatError, Limits};
use crate::json::{Canonical, Value};
use crate::room_version::RoomVersion;

/// An event in the format of its room version (check 1 passed).
///
/// It owns its canonical text; every field is read from there.
#[derive(Debug, Clone)]
pub struct Pdu {
    json: Canonical,
    version: &'static RoomVersion,
    depth: i64,
    origin_server_ts: i64,
}

/// An event that another one names in `prev_events` or `auth_events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference<'a> {
    /// Its event ID.
    pub event_id: Cow<'a, str>,
    /// Its reference hash in base64, which references of room versions 1 and 2 carry.
    pub sha256: Option<Cow<'a, str>>,
}

impl Pdu {
    /// Checks the format of an event (check 1 on receipt of a PDU).
    ///
    /// # Errors
    /// [`FormatError`] with the first thing that is wrong.
    ///
    /// Spec: "Event format" and "Canonical JSON" of the room version, client-server API "Size
    /// limits".
    pub fn from_canonical(
        json: Canonical,
        version: &'static RoomVersion,
        limits: Limits,
    ) -> Result<Self, Box<(Canonical, FormatError)>> {
        match format::check(&json, version, limits) {
            Ok(numbers) => Ok(Self {
                json,
                version,
                depth: numbers.depth,
                origin_server_ts: numbers.origin_server_ts,
            }),
            Err(error) => Err(Box::new((json, error))),
        }
    }

    /// The event as canonical JSON.
    #[must_use]
    pub fn json(&self) -> &Canonical {
        &self.json
    }

    /// The version of the room it belongs to.
    #[must_use]
    pub fn version(&self) -> &'static RoomVersion {
        self.version
    }

    fn text(&self, key: &str) -> Cow<'_, str> {
        // The format check has seen these as strings.
        self.json.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// `type`
    #[must_use]
    pub fn event_type(&self) -> Cow<'_, str> {
        self.text("type")
    }

    /// `sender`
    #[must_use]
    pub fn sender(&self) -> Cow<'_, str> {
        self.text("sender")
    }

    /// `state_key`, where the event has one: then it is a state event.
    #[must_use]
    pub fn state_key(&self) -> Option<Cow<'_, str>> {
        self.json.get("state_key").and_then(Value::as_str)
    }

    /// `room_id`; the create event of room version 12 has none.
    #[must_use]
    pub fn room_id(&self) -> Option<Cow<'_, str>> {
        self.json.get("room_id").and_then(Value::as_str)
    }

    /// `content`
    #[must_use]
    pub fn content(&self) -> Option<Value<'_>> {
        self.json.get("content")
    }

    /// `depth`
    #[must_use]
    pub fn depth(&self) -> i64 {
        self.depth
    }

    /// `origin_server_ts`, in milliseconds since 1970.
    #[must_use]
    pub fn origin_server_ts(&self) -> i64 {
        self.origin_server_ts
    }

    /// The events named in `prev_events`.
    pub fn prev_events(&self) -> impl Iterator<Item = Reference<'_>> {
        references(self.json.get("prev_events"))
    }

    /// The events named in `auth_events`.
    pub fn auth_events(&self) -> impl Iterator<Item = Reference<'_>> {
        references(self.json.get("auth_events"))
    }

    /// An invite that a third party's invitation led to; the server of its sender need not sign.
    #[must_use]
    pub fn is_third_party_invite(&self) -> bool {
        self.event_type() == "m.room.member"
            && self.content().is_some_and(|content| {
                content.get("membership").and_then(Value::as_str).as_deref() == Some("invite")
                    && content.get("third_party_invite").is_some()
            })
    }

    /// The user whose server must have signed a restricted join, where one is named and the
    /// room version has restricted joins.
    #[must_use]
    pub fn join_authoriser(&self) -> Option<Cow<'_, str>> {
        (self.version.restricted_join && self.event_type() == "m.room.member")
            .then(|| self.content()?.get("join_authorised_via_users_server")?.as_str())
            .flatten()
    }
}

fn references(list: Option<Value<'_>>) -> impl Iterator<Item = Reference<'_>> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(|entry| {
        match entry.as_array() {
            None => Some(Reference { event_id: entry.as_str()?, sha256: None }),
            Some(mut pair) => Some(Reference {
                event_id: pair.next()?.as_str()?,
                sha256: pair.next().and_then(|hashes| hashes.get("sha256")).and_then(Value::as_str),
            }),
        }
    })
}
