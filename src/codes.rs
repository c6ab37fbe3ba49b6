//! Every code that a verdict, a flag or an error can have, with what it means.
//!
//! This table is what the documentation, the command line and the types are made from.

use serde::Serialize;

/// What a code belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A check of a verdict that did not pass.
    Verdict,
    /// A flag of a verdict.
    Flag,
    /// An error: the call could not be done.
    Error,
}

/// A code and what it means.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Code {
    /// The code.
    pub code: &'static str,
    /// What it belongs to.
    pub kind: Kind,
    /// The check that gives it, for codes of verdicts.
    pub check: Option<u8>,
    /// What becomes of the event, for codes of verdicts.
    pub effect: Option<&'static str>,
    /// What it means.
    pub summary: &'static str,
    /// Where the specification speaks of it.
    pub spec: &'static str,
}

const SIZE_LIMITS: &str = "https://spec.matrix.org/v1.19/client-server-api/#size-limits";
const CANONICAL_JSON: &str = "https://spec.matrix.org/v1.19/appendices/#canonical-json";
const EVENT_FORMAT: &str = "https://spec.matrix.org/v1.19/rooms/v12/#event-format";
const SIGNATURES: &str = "https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events";
const KEYS: &str = "https://spec.matrix.org/v1.19/server-server-api/#publishing-keys";
const CONTENT_HASH: &str =
    "https://spec.matrix.org/v1.19/server-server-api/#calculating-the-content-hash-for-an-event";
const IDENTIFIERS: &str = "https://spec.matrix.org/v1.19/appendices/#identifier-grammar";
const ROOM_VERSIONS: &str = "https://spec.matrix.org/v1.19/rooms/";
const SIGNING_JSON: &str = "https://spec.matrix.org/v1.19/appendices/#signing-json";
const BASE64: &str = "https://spec.matrix.org/v1.19/appendices/#unpadded-base64";

const fn format(code: &'static str, summary: &'static str, spec: &'static str) -> Code {
    Code { code, kind: Kind::Verdict, check: Some(1), effect: Some("dropped"), summary, spec }
}

const fn signature(code: &'static str, effect: &'static str, summary: &'static str) -> Code {
    let spec = SIGNATURES;
    Code { code, kind: Kind::Verdict, check: Some(2), effect: Some(effect), summary, spec }
}

const fn flag(code: &'static str, summary: &'static str, spec: &'static str) -> Code {
    Code { code, kind: Kind::Flag, check: None, effect: None, summary, spec }
}

const fn error(code: &'static str, summary: &'static str, spec: &'static str) -> Code {
    Code { code, kind: Kind::Error, check: None, effect: None, summary, spec }
}

/// All codes. Those of check 1 about JSON and numbers are also errors of the functions that take
/// JSON.
pub static ALL: &[Code] = &[
    format("json_syntax", "The bytes are not JSON.", CANONICAL_JSON),
    format("json_invalid_utf8", "The bytes are not UTF-8.", CANONICAL_JSON),
    format("json_lone_surrogate", "A string escapes half of a surrogate pair.", CANONICAL_JSON),
    format(
        "json_control_character",
        "A string holds a control character unescaped.",
        CANONICAL_JSON,
    ),
    format("json_trailing_data", "Something follows the JSON document.", CANONICAL_JSON),
    format(
        "json_number_overflow",
        "A number is too large for a double (room versions 1 to 5 allow fractions, but no infinity).",
        CANONICAL_JSON,
    ),
    format(
        "json_too_deep",
        "More than 127 arrays and objects stand inside each other.",
        CANONICAL_JSON,
    ),
    format("not_an_object", "The event is JSON, but not an object.", EVENT_FORMAT),
    format(
        "number_not_integer",
        "A number has a fraction or an exponent (room versions 6 and later).",
        CANONICAL_JSON,
    ),
    format(
        "integer_out_of_range",
        "An integer is outside ±(2^53 − 1) (room versions 6 and later).",
        CANONICAL_JSON,
    ),
    format(
        "event_too_large",
        "The event has more than 65536 bytes as canonical JSON, `unsigned` not counted.",
        SIZE_LIMITS,
    ),
    format("field_missing", "A required field is missing.", EVENT_FORMAT),
    format("field_wrong_type", "A field is of the wrong type.", EVENT_FORMAT),
    format(
        "field_too_long",
        "`type`, `sender`, `room_id`, `event_id` or `state_key` is longer than 255.",
        SIZE_LIMITS,
    ),
    format("sender_invalid", "`sender` is not a user ID.", IDENTIFIERS),
    format("room_id_invalid", "`room_id` is not a room ID of the room version.", IDENTIFIERS),
    format(
        "event_id_invalid",
        "`event_id` of room version 1 or 2 is not an event ID.",
        IDENTIFIERS,
    ),
    format(
        "event_id_present",
        "`event_id` is there, which room versions 3 and later do not have.",
        EVENT_FORMAT,
    ),
    format("too_many_prev_events", "`prev_events` names more than 20 events.", EVENT_FORMAT),
    format("too_many_auth_events", "`auth_events` names more than 10 events.", EVENT_FORMAT),
    format(
        "reference_malformed",
        "An entry of `prev_events` or `auth_events` is not a reference to an event.",
        EVENT_FORMAT,
    ),
    format("depth_negative", "`depth` is negative.", EVENT_FORMAT),
    format("depth_too_large", "`depth` is above the limit of the room version.", EVENT_FORMAT),
    format("timestamp_out_of_range", "`origin_server_ts` does not fit 64 bits.", EVENT_FORMAT),
    format(
        "signatures_malformed",
        "`signatures` is not an object of objects of strings.",
        EVENT_FORMAT,
    ),
    format("content_hash_missing", "`hashes` has no string `sha256`.", EVENT_FORMAT),
    signature("signature_missing", "dropped", "A server that must sign did not."),
    signature(
        "signature_unknown_algorithm",
        "dropped",
        "A server that must sign did so with unknown algorithms only.",
    ),
    signature(
        "signature_malformed",
        "dropped",
        "A signature by a known key is not base64 of 64 bytes.",
    ),
    signature("signature_invalid", "dropped", "A signature by a known key does not fit the event."),
    signature(
        "signature_key_expired",
        "dropped",
        "The signing key was not valid when the event was made.",
    ),
    signature(
        "signature_key_refused",
        "dropped",
        "The signing key must not be trusted: its private half is public, or it is of small order.",
    ),
    signature(
        "signature_key_unknown",
        "dropped",
        "The server, asked for its keys after the event was made, does not list the signing key.",
    ),
    signature(
        "signature_key_missing",
        "incomplete",
        "The signing key is not there; it can be asked of the server or of a notary.",
    ),
    Code {
        code: "content_hash_mismatch",
        kind: Kind::Verdict,
        check: Some(3),
        effect: Some("redacted"),
        summary: "The content hash differs: the event was redacted, or changed on the way. Its redacted copy is used.",
        spec: CONTENT_HASH,
    },
    flag("duplicate_keys", "A key stands twice in an object; the last one counts.", CANONICAL_JSON),
    flag(
        "negative_zero",
        "`-0` stands in the event and counts as 0; servers built on ruma refuse it.",
        CANONICAL_JSON,
    ),
    flag(
        "ed25519_divergent",
        "A signature holds a point of small order: refused here as by Synapse, taken by implementations with a laxer check.",
        SIGNATURES,
    ),
    flag(
        "byte_limit_divergent",
        "An identifier has more than 255 bytes, but no more than 255 characters. Up to room version 10 Synapse counts characters, others bytes.",
        SIZE_LIMITS,
    ),
    flag(
        "depth_limit_divergent",
        "`depth` is above 2^53 − 1, which room versions 1 to 5 allow and Synapse refuses.",
        EVENT_FORMAT,
    ),
    flag(
        "url_safe_base64",
        "A signature or hash is written in URL-safe base64: taken as by Synapse, refused by others.",
        BASE64,
    ),
    flag(
        "unsigned_oversized",
        "Only with its `unsigned`, which is thrown away, the event is above the size limit.",
        SIZE_LIMITS,
    ),
    flag(
        "unsigned_malformed",
        "`unsigned` is not an object. It is thrown away in any case; Synapse refuses the event.",
        EVENT_FORMAT,
    ),
    flag(
        "size_limit_divergent",
        "The event has between 65523 and 65536 bytes: Synapse counts 14 more for an empty `unsigned` and refuses it.",
        SIZE_LIMITS,
    ),
    flag(
        "auth_events_limit_divergent",
        "`auth_events` of a room version 12 event names ten: Synapse counts the create event as an eleventh and refuses it.",
        EVENT_FORMAT,
    ),
    error("unknown_room_version", "The room version is not known.", ROOM_VERSIONS),
    error("server_name_invalid", "The text is not a server name.", IDENTIFIERS),
    error("key_id_invalid", "The key ID has not the form ed25519:version.", SIGNING_JSON),
    error("key_invalid", "The key is not base64 of an ed25519 public key.", KEYS),
    error("key_weak", "The key is of small order: anyone can sign for it.", KEYS),
    error("key_leaked", "The private half of the key has been published.", KEYS),
    error("key_conflict", "The key ID stands for another key already.", KEYS),
    error(
        "key_without_expiry",
        "An old key without expired_ts: nobody knows which events it may have signed.",
        KEYS,
    ),
    error("seed_invalid", "A seed has 32 bytes.", SIGNING_JSON),
    error(
        "key_file_invalid",
        "The key file is not lines of \"ed25519 version seed\".",
        SIGNING_JSON,
    ),
    error(
        "key_response_invalid",
        "A key response lacks a field, or one is of the wrong type.",
        KEYS,
    ),
    error(
        "key_response_unsigned",
        "A key response is not signed by any of its own verify_keys.",
        KEYS,
    ),
    error(
        "key_response_signature_invalid",
        "A signature of a key response by one of its verify_keys is wrong.",
        KEYS,
    ),
    error(
        "key_response_wrong_server",
        "A key response is of another server than the one asked.",
        KEYS,
    ),
    error("random_unavailable", "The platform has no source of randomness.", SIGNING_JSON),
    error(
        "input_unreadable",
        "The document is no event, list of events, transaction or room file.",
        EVENT_FORMAT,
    ),
    error("input_empty", "The document holds no event.", EVENT_FORMAT),
    error("invalid_argument", "An argument is of the wrong type.", ROOM_VERSIONS),
    error("invalid_option", "An option is not known, or of the wrong type.", ROOM_VERSIONS),
    error(
        "lossy_object",
        "A JavaScript object holds something that JSON cannot hold; pass the text instead.",
        CANONICAL_JSON,
    ),
    error(
        "not_initialised",
        "The module has not been initialised yet: await init() first.",
        ROOM_VERSIONS,
    ),
    error("key_disposed", "The signing key has been disposed of.", SIGNING_JSON),
    error(
        "wasm_trap",
        "A fault inside the module; it has been replaced, and the next call works.",
        ROOM_VERSIONS,
    ),
    error("aborted", "The call was aborted.", ROOM_VERSIONS),
];

/// The entry of a code.
#[must_use]
pub fn find(code: &str) -> Option<&'static Code> {
    ALL.iter().find(|entry| entry.code == code)
}
