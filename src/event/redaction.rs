//! Redaction: what is left of an event.
//!
//! The redacted form is what is signed and what the event ID is the hash of, so it is
//! written straight from the canonical text, without an object in between.
//!
//! Spec: <https://spec.matrix.org/v1.19/client-server-api/#redactions>, and "Redactions" of each
//! room version.

use crate::json::{Canonical, Kind, Value};

/// What redaction keeps, for a range of room versions.
#[derive(Debug)]
pub struct RedactionRules {
    /// Top-level keys that stay, in canonical order.
    top_level: &'static [&'static str],
    /// Content keys that stay, for each event type that keeps any.
    content: &'static [(&'static str, Keep)],
    /// Of a membership's `third_party_invite`, `signed` stays.
    third_party_invite_signed: bool,
}

#[derive(Debug)]
enum Keep {
    Keys(&'static [&'static str]),
    Everything,
}

const TOP_LEVEL_V1: &[&str] = &[
    "auth_events",
    "content",
    "depth",
    "event_id",
    "hashes",
    "membership",
    "origin",
    "origin_server_ts",
    "prev_events",
    "prev_state",
    "room_id",
    "sender",
    "signatures",
    "state_key",
    "type",
];
const TOP_LEVEL_V11: &[&str] = &[
    "auth_events",
    "content",
    "depth",
    "event_id",
    "hashes",
    "origin_server_ts",
    "prev_events",
    "room_id",
    "sender",
    "signatures",
    "state_key",
    "type",
];

const CREATE_V1: (&str, Keep) = ("m.room.create", Keep::Keys(&["creator"]));
const CREATE_V11: (&str, Keep) = ("m.room.create", Keep::Everything);
const ALIASES: (&str, Keep) = ("m.room.aliases", Keep::Keys(&["aliases"]));
const HISTORY_VISIBILITY: (&str, Keep) =
    ("m.room.history_visibility", Keep::Keys(&["history_visibility"]));
const JOIN_RULES_V1: (&str, Keep) = ("m.room.join_rules", Keep::Keys(&["join_rule"]));
const JOIN_RULES_V8: (&str, Keep) = ("m.room.join_rules", Keep::Keys(&["allow", "join_rule"]));
const MEMBER_V1: (&str, Keep) = ("m.room.member", Keep::Keys(&["membership"]));
const MEMBER_V9: (&str, Keep) =
    ("m.room.member", Keep::Keys(&["join_authorised_via_users_server", "membership"]));
const POWER_LEVELS_V1: (&str, Keep) = (
    "m.room.power_levels",
    Keep::Keys(&[
        "ban",
        "events",
        "events_default",
        "kick",
        "redact",
        "state_default",
        "users",
        "users_default",
    ]),
);
const POWER_LEVELS_V11: (&str, Keep) = (
    "m.room.power_levels",
    Keep::Keys(&[
        "ban",
        "events",
        "events_default",
        "invite",
        "kick",
        "redact",
        "state_default",
        "users",
        "users_default",
    ]),
);
const REDACTION_V11: (&str, Keep) = ("m.room.redaction", Keep::Keys(&["redacts"]));

/// Room versions 1 to 5.
pub static V1: RedactionRules = RedactionRules {
    top_level: TOP_LEVEL_V1,
    content: &[ALIASES, CREATE_V1, HISTORY_VISIBILITY, JOIN_RULES_V1, MEMBER_V1, POWER_LEVELS_V1],
    third_party_invite_signed: false,
};
/// Room versions 6 and 7: `m.room.aliases` is no longer special.
pub static V6: RedactionRules = RedactionRules {
    top_level: TOP_LEVEL_V1,
    content: &[CREATE_V1, HISTORY_VISIBILITY, JOIN_RULES_V1, MEMBER_V1, POWER_LEVELS_V1],
    third_party_invite_signed: false,
};
/// Room version 8: `allow` of the join rules stays.
pub static V8: RedactionRules = RedactionRules {
    top_level: TOP_LEVEL_V1,
    content: &[CREATE_V1, HISTORY_VISIBILITY, JOIN_RULES_V8, MEMBER_V1, POWER_LEVELS_V1],
    third_party_invite_signed: false,
};
/// Room versions 9 and 10: the authoriser of a restricted join stays.
pub static V9: RedactionRules = RedactionRules {
    top_level: TOP_LEVEL_V1,
    content: &[CREATE_V1, HISTORY_VISIBILITY, JOIN_RULES_V8, MEMBER_V9, POWER_LEVELS_V1],
    third_party_invite_signed: false,
};
/// Room versions 11 and 12.
pub static V11: RedactionRules = RedactionRules {
    top_level: TOP_LEVEL_V11,
    content: &[
        CREATE_V11,
        HISTORY_VISIBILITY,
        JOIN_RULES_V8,
        MEMBER_V9,
        POWER_LEVELS_V11,
        REDACTION_V11,
    ],
    third_party_invite_signed: true,
};

/// Which top-level members of the redacted form are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The redacted event, as it is kept and sent.
    Event,
    /// Without `signatures`: what servers sign and what the reference hash is taken of.
    Signed,
}

/// Appends the canonical JSON of `event`, redacted, to `out`.
///
/// `event` must be an object; whatever is missing or of another type is kept as far as the
/// rules name it, so the redacted form of a malformed event is still defined.
pub fn write_redacted(event: &Canonical, rules: &RedactionRules, form: Form, out: &mut Vec<u8>) {
    out.push(b'{');
    // Members and the keep-list are both sorted: one walk over each, the members before
    // `content` first.
    let mut rules_left = rules.top_level.iter().peekable();
    let mut kept = |key: &[u8]| {
        while rules_left.next_if(|name| name.as_bytes() < key).is_some() {}
        rules_left.next_if(|name| name.as_bytes() == key).is_some()
            && !(form == Form::Signed && key == b"signatures")
    };
    let mut first = true;
    event.write_members(|key| key < CONTENT && kept(key), &mut first, out);
    if let Some(content) = event.get("content") {
        separate(&mut first, out);
        out.extend_from_slice(b"\"content\":");
        write_content(event.get("type"), content, rules, out);
    }
    event.write_members(|key| key > CONTENT && kept(key), &mut first, out);
    out.push(b'}');
}

const CONTENT: &[u8] = b"content";

fn write_content(
    event_type: Option<Value<'_>>,
    content: Value<'_>,
    rules: &RedactionRules,
    out: &mut Vec<u8>,
) {
    let event_type = event_type.and_then(Value::as_str);
    let keep = event_type
        .and_then(|event_type| rules.content.iter().find(|(name, _)| *name == event_type))
        .map(|(_, keep)| keep);
    let keys = match (keep, content.kind()) {
        (Some(Keep::Everything), Kind::Object) => {
            out.extend_from_slice(content.text());
            return;
        }
        (Some(Keep::Keys(keys)), Kind::Object) => *keys,
        _ => &[],
    };
    out.push(b'{');
    let mut first = true;
    if !keys.is_empty() {
        for member in content.as_object().into_iter().flatten() {
            if keys.iter().any(|key| key.as_bytes() == member.raw_key) {
                separate(&mut first, out);
                write_member(member.raw_key, member.value, out);
            } else if rules.third_party_invite_signed
                && member.raw_key == b"third_party_invite"
                && keys.contains(&"membership")
                && member.value.kind() == Kind::Object
            {
                separate(&mut first, out);
                out.extend_from_slice(b"\"third_party_invite\":{");
                if let Some(signed) = member.value.get("signed") {
                    write_member(b"signed", signed, out);
                }
                out.push(b'}');
            }
        }
    }
    out.push(b'}');
}

fn write_member(raw_key: &[u8], value: Value<'_>, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(raw_key);
    out.extend_from_slice(b"\":");
    out.extend_from_slice(value.text());
}

fn separate(first: &mut bool, out: &mut Vec<u8>) {
    if !std::mem::take(first) {
        out.push(b',');
    }
}
