//! A PDU that passed the format check.

use std::borrow::Cow;

use super::format::{self, Checked, Fields, FormatError, Limits};
use crate::json::{Canonical, Place, Value};
use crate::room_version::RoomVersion;

const MEMBER: &[u8] = b"\"m.room.member\"";

/// An event in the format of its room version (check 1 passed).
///
/// It owns its canonical text; every field is read from there.
#[derive(Debug, Clone)]
pub struct Pdu {
    json: Canonical,
    version: &'static RoomVersion,
    checked: Checked,
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
            Ok(checked) => Ok(Self { json, version, checked }),
            Err(error) => Err(Box::new((json, error))),
        }
    }

    /// Frees memory that was reserved for more.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.json.shrink_to_fit();
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

    fn value(&self, field: fn(&Fields) -> Place) -> Option<Value<'_>> {
        self.json.at(field(&self.checked.fields))
    }

    fn text(&self, field: fn(&Fields) -> Place) -> Option<Cow<'_, str>> {
        self.value(field).and_then(Value::as_str)
    }

    /// `type`
    #[must_use]
    pub fn event_type(&self) -> Cow<'_, str> {
        // The format check has seen this as a string.
        self.text(|fields| fields.event_type).unwrap_or_default()
    }

    /// Is it a membership?
    #[must_use]
    pub fn is_member(&self) -> bool {
        self.value(|fields| fields.event_type).is_some_and(|value| value.text() == MEMBER)
    }

    /// `sender`
    #[must_use]
    pub fn sender(&self) -> Cow<'_, str> {
        // The format check has seen this as a string.
        self.text(|fields| fields.sender).unwrap_or_default()
    }

    /// `state_key`, where the event has one: then it is a state event.
    #[must_use]
    pub fn state_key(&self) -> Option<Cow<'_, str>> {
        self.text(|fields| fields.state_key)
    }

    /// `room_id`; the create event of room version 12 has none.
    #[must_use]
    pub fn room_id(&self) -> Option<Cow<'_, str>> {
        self.text(|fields| fields.room_id)
    }

    /// Have both events the same `room_id`?
    #[must_use]
    pub fn is_of_room_of(&self, other: &Self) -> bool {
        // What is canonical is equal just where its text is.
        let room_id = |fields: &Fields| fields.room_id;
        self.value(room_id).map(Value::text) == other.value(room_id).map(Value::text)
    }

    /// `event_id`, which only events of room versions 1 and 2 have.
    #[must_use]
    pub fn event_id_field(&self) -> Option<Cow<'_, str>> {
        self.text(|fields| fields.event_id)
    }

    /// `content`
    #[must_use]
    pub fn content(&self) -> Option<Value<'_>> {
        self.value(|fields| fields.content)
    }

    /// `signatures`
    #[must_use]
    pub fn signatures(&self) -> Option<Value<'_>> {
        self.value(|fields| fields.signatures)
    }

    /// `unsigned`, of whatever type.
    #[must_use]
    pub fn unsigned(&self) -> Option<Value<'_>> {
        self.value(|fields| fields.unsigned)
    }

    /// `hashes.sha256`
    #[must_use]
    pub fn stated_content_hash(&self) -> Cow<'_, str> {
        // The format check has seen this as a string.
        let hash = self.value(|fields| fields.hashes).and_then(|hashes| hashes.get("sha256"));
        hash.and_then(Value::as_str).unwrap_or_default()
    }

    /// `depth`
    #[must_use]
    pub fn depth(&self) -> i64 {
        self.checked.depth
    }

    /// `origin_server_ts`, in milliseconds since 1970.
    #[must_use]
    pub fn origin_server_ts(&self) -> i64 {
        self.checked.origin_server_ts
    }

    /// The bytes of the event as canonical JSON without `unsigned`.
    #[must_use]
    pub fn size(&self) -> usize {
        self.checked.size
    }

    /// Is an identifier longer than 255 bytes, though not longer than 255 characters?
    #[must_use]
    pub fn is_over_byte_limit(&self) -> bool {
        self.checked.over_byte_limit
    }

    /// The events named in `prev_events`.
    pub fn prev_events(&self) -> impl Iterator<Item = Reference<'_>> {
        references(self.value(|fields| fields.prev_events))
    }

    /// The events named in `auth_events`.
    pub fn auth_events(&self) -> impl Iterator<Item = Reference<'_>> {
        references(self.value(|fields| fields.auth_events))
    }

    /// An invite that a third party's invitation led to; the server of its sender need not sign.
    #[must_use]
    pub fn is_third_party_invite(&self) -> bool {
        self.is_member()
            && self.content().is_some_and(|content| {
                content.get("membership").and_then(Value::as_str).as_deref() == Some("invite")
                    && content.get("third_party_invite").is_some()
            })
    }

    /// The user whose server must have signed a restricted join, where one is named and the
    /// room version has restricted joins.
    #[must_use]
    pub fn join_authoriser(&self) -> Option<Cow<'_, str>> {
        (self.version.restricted_join && self.is_member())
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
