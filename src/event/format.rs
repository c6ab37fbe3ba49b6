//! Check 1 on receipt of a PDU: is it a valid event of its room version?
//!
//! What the authorization rules judge is not judged here: the contents of known event types,
//! or whether a create event may have a `room_id`.

use thiserror::Error;

use crate::evidence::{Evidence, Quoted};
use crate::identifiers::{self, MAX_IDENTIFIER_BYTES};
use crate::json::{Canonical, JsonError, Kind, NumberDefect, NumberDefectKind, Place, Value};
use crate::room_version::{RoomIdFormat, RoomVersion};

/// The most bytes an event may have as canonical JSON, signatures included.
pub const MAX_EVENT_BYTES: usize = 65_536;
/// The most events that `prev_events` may name.
pub const MAX_PREV_EVENTS: usize = 20;
/// The most events that `auth_events` may name.
pub const MAX_AUTH_EVENTS: usize = 10;

/// Which limits hold, depending on how the event came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Limits {
    /// All of them.
    #[default]
    All,
    /// Events from `/backfill` may name any number of previous and auth events: that history
    /// was written before the limits.
    Backfill,
}

/// Why an event is malformed. Such an event is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FormatError {
    /// It is not JSON.
    #[error("the event is not valid JSON: {0}")]
    Json(#[from] JsonError),
    /// It is JSON, but not an object.
    #[error("an event is a JSON object, this is {found}")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
    /// A number that the room version does not allow.
    #[error("{}", number_sentence(.0))]
    Number(NumberDefect),
    /// A required field is missing.
    #[error("the field \"{field}\" is missing")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A field is of the wrong type.
    #[error("the field \"{field}\" must be {expected}, it is {found}")]
    WrongType {
        /// The field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A field is too long.
    #[error("the field \"{field}\" has {length} {unit}, the limit is 255")]
    TooLong {
        /// The field.
        field: &'static str,
        /// How long it is.
        length: usize,
        /// What was counted: bytes, or characters up to room version 10.
        unit: &'static str,
    },
    /// `sender` is no user ID.
    #[error("the sender {} is not a user ID", Quoted(.0))]
    Sender(String),
    /// `room_id` has not the form of the room version.
    #[error("the room ID {} is not one of this room version, which has the form {}", Quoted(.0), .1)]
    RoomId(String, &'static str),
    /// `event_id` of room version 1 or 2 is no event ID.
    #[error("the event ID {} does not have the form $opaque:server_name", Quoted(.0))]
    EventId(String),
    /// `event_id` is present in a room version that has none.
    #[error("events of this room version have no field \"event_id\": the ID is their hash")]
    EventIdPresent,
    /// More than 20 previous events.
    #[error("prev_events names {0} events, the limit is 20")]
    TooManyPrevEvents(usize),
    /// More than 10 auth events.
    #[error("auth_events names {0} events, the limit is 10")]
    TooManyAuthEvents(usize),
    /// An entry of `prev_events` or `auth_events` is no reference.
    #[error("entry {index} of {field} must be {expected}")]
    Reference {
        /// The field.
        field: &'static str,
        /// Which entry, from 0.
        index: usize,
        /// The form of a reference in this room version.
        expected: &'static str,
    },
    /// `depth` is below 0.
    #[error("the depth {0} is negative")]
    DepthNegative(String),
    /// `depth` is above the limit of the room version.
    #[error("the depth {depth} is above the limit {limit}")]
    DepthTooLarge {
        /// The depth, as it is written.
        depth: String,
        /// The limit.
        limit: i64,
    },
    /// `origin_server_ts` does not fit 64 bits.
    #[error("origin_server_ts {0} does not fit a 64-bit integer")]
    Timestamp(String),
    /// `signatures` is not an object of objects of strings.
    #[error("the signatures of {} must be an object of key IDs and base64 strings", Quoted(server))]
    Signatures {
        /// The server whose entry is wrong.
        server: String,
    },
    /// `hashes` has no string `sha256`.
    #[error("hashes must have a string \"sha256\", {found}")]
    ContentHashMissing {
        /// What is there.
        found: String,
    },
    /// The event is too large.
    #[error("the event has {0} bytes as canonical JSON, the limit is 65536")]
    TooLarge(usize),
}

fn number_sentence(defect: &NumberDefect) -> String {
    let NumberDefect { kind, pointer, number } = defect;
    let number: String = number.chars().take(40).collect();
    match kind {
        NumberDefectKind::NotInteger => {
            format!("the number {number} at {pointer} is not a plain integer")
        }
        NumberDefectKind::OutOfRange => {
            format!("the integer {number} at {pointer} is outside ±(2^53 − 1)")
        }
        NumberDefectKind::Overflow => {
            format!("the number {number} at {pointer} is too large for a double")
        }
    }
}

impl FormatError {
    /// The stable code of this failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Json(error) => error.code(),
            Self::NotAnObject { .. } => "not_an_object",
            Self::Number(defect) => match defect.kind {
                NumberDefectKind::NotInteger => "number_not_integer",
                NumberDefectKind::OutOfRange => "integer_out_of_range",
                NumberDefectKind::Overflow => "json_number_overflow",
            },
            Self::Missing { .. } => "field_missing",
            Self::WrongType { .. } => "field_wrong_type",
            Self::TooLong { .. } => "field_too_long",
            Self::Sender(_) => "sender_invalid",
            Self::RoomId(..) => "room_id_invalid",
            Self::EventId(_) => "event_id_invalid",
            Self::EventIdPresent => "event_id_present",
            Self::TooManyPrevEvents(_) => "too_many_prev_events",
            Self::TooManyAuthEvents(_) => "too_many_auth_events",
            Self::Reference { .. } => "reference_malformed",
            Self::DepthNegative(_) => "depth_negative",
            Self::DepthTooLarge { .. } => "depth_too_large",
            Self::Timestamp(_) => "timestamp_out_of_range",
            Self::Signatures { .. } => "signatures_malformed",
            Self::ContentHashMissing { .. } => "content_hash_missing",
            Self::TooLarge(_) => "event_too_large",
        }
    }

    /// What was seen, as data.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let field = |name: &'static str| Evidence::object([("field", name.into())]);
        match self {
            Self::Json(error) => Evidence::object([("offset", error.offset().into())]),
            Self::NotAnObject { found } => Evidence::object([("found", (*found).into())]),
            Self::Number(defect) => Evidence::object([
                ("pointer", (&defect.pointer).into()),
                ("number", (&defect.number).into()),
            ]),
            Self::Missing { field: name } => field(name),
            Self::WrongType { field: name, expected, found } => {
                field(name).with("expected", *expected).with("found", *found)
            }
            Self::TooLong { field: name, length, unit } => field(name)
                .with("length", *length)
                .with("unit", *unit)
                .with("limit", MAX_IDENTIFIER_BYTES),
            Self::Sender(found) => field("sender").with("found", found),
            Self::RoomId(found, expected) => {
                field("room_id").with("found", found).with("expected", *expected)
            }
            Self::EventId(found) => field("event_id").with("found", found),
            Self::EventIdPresent => field("event_id"),
            Self::TooManyPrevEvents(count) => {
                field("prev_events").with("count", *count).with("limit", MAX_PREV_EVENTS)
            }
            Self::TooManyAuthEvents(count) => {
                field("auth_events").with("count", *count).with("limit", MAX_AUTH_EVENTS)
            }
            Self::Reference { field: name, index, expected } => {
                field(name).with("index", *index).with("expected", *expected)
            }
            Self::DepthNegative(depth) => field("depth").with("found", depth),
            Self::DepthTooLarge { depth, limit } => {
                field("depth").with("found", depth).with("limit", *limit)
            }
            Self::Timestamp(found) => field("origin_server_ts").with("found", found),
            Self::Signatures { server } => field("signatures").with("server", server),
            Self::ContentHashMissing { found } => field("hashes").with("found", found),
            Self::TooLarge(bytes) => {
                Evidence::object([("bytes", (*bytes).into()), ("limit", MAX_EVENT_BYTES.into())])
            }
        }
    }

    /// Where the specification says so.
    #[must_use]
    pub fn spec(&self, version: &RoomVersion) -> String {
        match self {
            Self::Json(_) | Self::Number(_) => version.spec("canonical-json"),
            Self::TooLong { .. } | Self::TooLarge(_) => {
                "https://spec.matrix.org/v1.19/client-server-api/#size-limits".to_owned()
            }
            Self::Sender(_) => {
                "https://spec.matrix.org/v1.19/appendices/#user-identifiers".to_owned()
            }
            _ => version.spec("event-format"),
        }
    }
}

/// What the check has read, to be read again without searching.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    pub fields: Fields,
    pub depth: i64,
    pub origin_server_ts: i64,
    /// An identifier is longer than 255 bytes, though not longer than 255 characters.
    pub over_byte_limit: bool,
    /// The bytes of the event as canonical JSON without `unsigned`.
    pub size: usize,
}

/// Where the members of an event stand that the check looks at, found in one walk.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    pub event_type: Place,
    pub sender: Place,
    pub room_id: Place,
    pub event_id: Place,
    pub state_key: Place,
    pub content: Place,
    pub origin_server_ts: Place,
    pub depth: Place,
    pub prev_events: Place,
    pub auth_events: Place,
    pub hashes: Place,
    pub signatures: Place,
    pub unsigned: Place,
}

impl Fields {
    fn of(event: &Canonical) -> Self {
        let mut fields = Self::default();
        for (key, place) in event.places() {
            let field = match key {
                b"type" => &mut fields.event_type,
                b"sender" => &mut fields.sender,
                b"room_id" => &mut fields.room_id,
                b"event_id" => &mut fields.event_id,
                b"state_key" => &mut fields.state_key,
                b"content" => &mut fields.content,
                b"origin_server_ts" => &mut fields.origin_server_ts,
                b"depth" => &mut fields.depth,
                b"prev_events" => &mut fields.prev_events,
                b"auth_events" => &mut fields.auth_events,
                b"hashes" => &mut fields.hashes,
                b"signatures" => &mut fields.signatures,
                b"unsigned" => &mut fields.unsigned,
                _ => continue,
            };
            *field = place;
        }
        fields
    }
}

pub(super) fn check(
    event: &Canonical,
    version: &RoomVersion,
    limits: Limits,
) -> Result<Checked, FormatError> {
    if !event.is_object() {
        return Err(FormatError::NotAnObject { found: event.value().kind().name() });
    }
    if let Some(defect) = event.first_bad_number(version.strict_canonical_json, Some("unsigned")) {
        return Err(FormatError::Number(defect));
    }
    let fields = Fields::of(event);
    let value = |place| event.at(place);
    let event_type = string("type", value(fields.event_type))?;
    let sender = string("sender", value(fields.sender))?;
    // The create event of a room whose ID is that event's has no room ID; the authorization
    // rules say what becomes of one that has it all the same.
    let names_room = version.room_id_format == RoomIdFormat::CreateEventId
        && event_type.text() == b"\"m.room.create\"";
    let room_id = if names_room { None } else { Some(string("room_id", value(fields.room_id))?) };
    let event_id = event_id(value(fields.event_id), version)?;
    let state_key = match value(fields.state_key) {
        None => None,
        state_key => Some(string("state_key", state_key)?),
    };
    typed("content", value(fields.content), Kind::Object, "an object")?;
    let timestamp = integer("origin_server_ts", value(fields.origin_server_ts))?;
    let depth = integer("depth", value(fields.depth))?;
    let prev_events = typed("prev_events", value(fields.prev_events), Kind::Array, "an array")?;
    let auth_events = typed("auth_events", value(fields.auth_events), Kind::Array, "an array")?;
    let hashes = typed("hashes", value(fields.hashes), Kind::Object, "an object")?;
    let signatures = typed("signatures", value(fields.signatures), Kind::Object, "an object")?;
    check_content_hash(hashes)?;
    check_signatures(signatures)?;

    let mut over_byte_limit = false;
    for (field, value) in [
        ("type", Some(event_type)),
        ("sender", Some(sender)),
        ("room_id", room_id),
        ("event_id", event_id),
        ("state_key", state_key),
    ] {
        if let Some(value) = value
            && is_longer_than_limit(value)
        {
            over_byte_limit = true;
            check_length(field, value, version)?;
        }
    }
    check_sender(sender)?;
    check_room_id(room_id, version)?;
    check_event_id(event_id)?;

    let prev_events = check_references("prev_events", prev_events, version)?;
    let auth_events = check_references("auth_events", auth_events, version)?;
    if limits == Limits::All {
        if prev_events > MAX_PREV_EVENTS {
            return Err(FormatError::TooManyPrevEvents(prev_events));
        }
        if auth_events > MAX_AUTH_EVENTS {
            return Err(FormatError::TooManyAuthEvents(auth_events));
        }
    }
    let depth = check_depth(depth, version)?;
    let origin_server_ts =
        timestamp.as_i64().ok_or_else(|| FormatError::Timestamp(shown(timestamp)))?;
    // `unsigned` is not part of what was signed, any server on the way may add to it, and
    // receivers throw it away: it does not count.
    let unsigned = value(fields.unsigned)
        .map_or(0, |value| value.text().len().saturating_add(",\"unsigned\":".len()));
    let size = event.text().len().saturating_sub(unsigned);
    if size > MAX_EVENT_BYTES {
        return Err(FormatError::TooLarge(size));
    }
    Ok(Checked { fields, depth, origin_server_ts, over_byte_limit, size })
}

/// A value for a sentence: its text, cut when it is long.
fn shown(value: Value<'_>) -> String {
    let text = String::from_utf8_lossy(value.text());
    if text.chars().count() <= 80 {
        text.into_owned()
    } else {
        text.chars().take(79).chain(['…']).collect()
    }
}

fn found(value: Value<'_>) -> &'static str {
    match value.kind() {
        Kind::Number if !value.is_integer() => "a number that is no integer",
        Kind::Object => "an object",
        Kind::Array => "an array",
        Kind::String => "a string",
        Kind::Number => "a number",
        Kind::Boolean => "a boolean",
        Kind::Null => "null",
    }
}

fn typed<'a>(
    field: &'static str,
    value: Option<Value<'a>>,
    kind: Kind,
    expected: &'static str,
) -> Result<Value<'a>, FormatError> {
    let value = value.ok_or(FormatError::Missing { field })?;
    if value.kind() == kind {
        Ok(value)
    } else {
        Err(FormatError::WrongType { field, expected, found: found(value) })
    }
}

fn string<'a>(field: &'static str, value: Option<Value<'a>>) -> Result<Value<'a>, FormatError> {
    typed(field, value, Kind::String, "a string")
}

fn integer<'a>(field: &'static str, value: Option<Value<'a>>) -> Result<Value<'a>, FormatError> {
    let value = typed(field, value, Kind::Number, "an integer")?;
    if value.is_integer() {
        Ok(value)
    } else {
        Err(FormatError::WrongType { field, expected: "an integer", found: found(value) })
    }
}

fn event_id<'a>(
    event_id: Option<Value<'a>>,
    version: &RoomVersion,
) -> Result<Option<Value<'a>>, FormatError> {
    if version.event_id_format.is_field() {
        return string("event_id", event_id).map(Some);
    }
    match event_id {
        Some(_) => Err(FormatError::EventIdPresent),
        None => Ok(None),
    }
}

/// The limit is one of bytes; up to room version 10 servers counted characters.
fn check_length(
    field: &'static str,
    value: Value<'_>,
    version: &RoomVersion,
) -> Result<(), FormatError> {
    let text = value.as_str().unwrap_or_default();
    let (length, unit) = if version.strict_byte_limits {
        (text.len(), "bytes")
    } else {
        (text.chars().count(), "characters")
    };
    if length > MAX_IDENTIFIER_BYTES {
        return Err(FormatError::TooLong { field, length, unit });
    }
    Ok(())
}

fn check_sender(sender: Value<'_>) -> Result<(), FormatError> {
    let sender = sender.as_str().unwrap_or_default();
    if identifiers::is_user_id(&sender) {
        Ok(())
    } else {
        Err(FormatError::Sender(sender.into_owned()))
    }
}

fn check_room_id(room_id: Option<Value<'_>>, version: &RoomVersion) -> Result<(), FormatError> {
    let Some(room_id) = room_id.and_then(Value::as_str) else {
        return Ok(());
    };
    let (valid, form) = match version.room_id_format {
        RoomIdFormat::Domain => {
            (identifiers::domain_of(&room_id, '!').is_some(), "!opaque:server_name")
        }
        RoomIdFormat::CreateEventId => (
            identifiers::is_hash_identifier(&room_id, '!'),
            "! and 43 characters of URL-safe base64",
        ),
    };
    if valid { Ok(()) } else { Err(FormatError::RoomId(room_id.into_owned(), form)) }
}

fn check_event_id(event_id: Option<Value<'_>>) -> Result<(), FormatError> {
    match event_id.and_then(Value::as_str) {
        Some(id) if identifiers::domain_of(&id, '$').is_none() => {
            Err(FormatError::EventId(id.into_owned()))
        }
        _ => Ok(()),
    }
}

/// Checks the entries of `prev_events` or `auth_events`; gives how many there are.
fn check_references(
    field: &'static str,
    list: Value<'_>,
    version: &RoomVersion,
) -> Result<usize, FormatError> {
    let (is_reference, expected): (fn(Value<'_>) -> bool, _) = if version.event_id_format.is_field()
    {
        (is_reference_with_hash, "an event ID and its hashes: [\"$…\", {\"sha256\": \"…\"}]")
    } else {
        (is_event_id, "an event ID")
    };
    let mut count = 0usize;
    for (index, entry) in list.as_array().into_iter().flatten().enumerate() {
        if !is_reference(entry) {
            return Err(FormatError::Reference { field, index, expected });
        }
        count = count.saturating_add(1);
    }
    Ok(count)
}

fn is_event_id(entry: Value<'_>) -> bool {
    entry.text().starts_with(b"\"$") && !is_longer_than_limit(entry)
}

/// Has a string more than 255 bytes?
fn is_longer_than_limit(value: Value<'_>) -> bool {
    // The canonical text has two quotes more, and is never shorter than what it stands for.
    value.text().len() > MAX_IDENTIFIER_BYTES.saturating_add(2)
        && value.as_str().is_some_and(|text| text.len() > MAX_IDENTIFIER_BYTES)
}

fn is_reference_with_hash(entry: Value<'_>) -> bool {
    let Some(mut pair) = entry.as_array() else {
        return false;
    };
    match (pair.next(), pair.next(), pair.next()) {
        (Some(id), Some(hashes), None) => {
            is_event_id(id)
                && hashes
                    .as_object()
                    .is_some_and(|mut hashes| hashes.all(|hash| hash.value.kind() == Kind::String))
        }
        _ => false,
    }
}

fn check_depth(depth: Value<'_>, version: &RoomVersion) -> Result<i64, FormatError> {
    if depth.text().first() == Some(&b'-') {
        return Err(FormatError::DepthNegative(shown(depth)));
    }
    depth
        .as_i64()
        .filter(|depth| *depth <= version.max_depth)
        .ok_or_else(|| FormatError::DepthTooLarge { depth: shown(depth), limit: version.max_depth })
}

fn check_content_hash(hashes: Value<'_>) -> Result<(), FormatError> {
    match hashes.get("sha256") {
        Some(hash) if hash.kind() == Kind::String => Ok(()),
        Some(hash) => {
            Err(FormatError::ContentHashMissing { found: format!("it is {}", found(hash)) })
        }
        None => Err(FormatError::ContentHashMissing { found: "there is none".to_owned() }),
    }
}

fn check_signatures(signatures: Value<'_>) -> Result<(), FormatError> {
    for server in signatures.as_object().into_iter().flatten() {
        let well_formed = server
            .value
            .as_object()
            .is_some_and(|mut keys| keys.all(|key| key.value.kind() == Kind::String));
        if !well_formed {
            return Err(FormatError::Signatures { server: server.key().into_owned() });
        }
    }
    Ok(())
}
