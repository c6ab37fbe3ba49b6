//! Section D of the rules: what redaction keeps, in every room version.
//!
//! The tables here are written down from the specification's text, key by key; neither the library
//! nor the model of the other tests is asked. (D4 and D6, applying redactions, are rules of
//! authorization and state.)

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use std::ops::RangeInclusive;

use common::make::{
    assert_accepted, assert_dropped, assert_redacted, parsed, room_version, sign, state, verify,
    versions, with,
};
use common::model;
use fedproof::event::redaction::{Form, write_redacted};
use fedproof::room_version::RoomVersion;
use serde_json::{Map, Value, json};

const ALL: RangeInclusive<u8> = 1..=12;

/// Top-level keys and the versions whose redaction keeps them.
const TOP_LEVEL: &[(&str, RangeInclusive<u8>)] = &[
    ("event_id", ALL),
    ("type", ALL),
    ("room_id", ALL),
    ("sender", ALL),
    ("state_key", ALL),
    ("content", ALL),
    ("hashes", ALL),
    ("signatures", ALL),
    ("depth", ALL),
    ("prev_events", ALL),
    ("auth_events", ALL),
    ("origin_server_ts", ALL),
    ("prev_state", 1..=10),
    ("origin", 1..=10),
    ("membership", 1..=10),
];

/// Top-level keys that no version keeps.
const NEVER_AT_TOP: &[&str] = &[
    "unsigned",
    "redacts",
    "age",
    "age_ts",
    "user_id",
    "replaces_state",
    "prev_content",
    "invite_room_state",
    "_event_id",
    "Content",
    "content ",
    "contents",
    "",
    "__proto__",
    "\n",
];

/// Content keys and the versions whose redaction keeps them.
const CONTENT: &[(&str, &str, RangeInclusive<u8>)] = &[
    ("m.room.member", "membership", ALL),
    ("m.room.member", "join_authorised_via_users_server", 9..=12),
    ("m.room.create", "creator", ALL),
    ("m.room.join_rules", "join_rule", ALL),
    ("m.room.join_rules", "allow", 8..=12),
    ("m.room.power_levels", "ban", ALL),
    ("m.room.power_levels", "events", ALL),
    ("m.room.power_levels", "events_default", ALL),
    ("m.room.power_levels", "kick", ALL),
    ("m.room.power_levels", "redact", ALL),
    ("m.room.power_levels", "state_default", ALL),
    ("m.room.power_levels", "users", ALL),
    ("m.room.power_levels", "users_default", ALL),
    ("m.room.power_levels", "invite", 11..=12),
    ("m.room.aliases", "aliases", 1..=5),
    ("m.room.history_visibility", "history_visibility", ALL),
    ("m.room.redaction", "redacts", 11..=12),
];

/// Content keys that are kept of no type but the create event of version 11 and later.
const NEVER_IN_CONTENT: &[&str] = &[
    "notifications",
    "third_party_invite",
    "displayname",
    "avatar_url",
    "reason",
    "is_direct",
    "room_version",
    "predecessor",
    "m.federate",
    "additional_creators",
    "type",
    "body",
    "content",
    "unknown",
    "membership ",
    "Membership",
    "",
    "__proto__",
    "\"",
    "\u{1}",
];

/// Types of which something is kept in some version, and others.
const TYPES: &[&str] = &[
    "m.room.member",
    "m.room.create",
    "m.room.join_rules",
    "m.room.power_levels",
    "m.room.aliases",
    "m.room.history_visibility",
    "m.room.redaction",
    "m.room.message",
    "m.room.topic",
    "m.room.name",
    "m.room.encryption",
    "m.room.server_acl",
    "m.room.third_party_invite",
    "m.room.guest_access",
    "m.room.tombstone",
    "m.room.policy",
    "m.room.member ",
    "M.room.member",
    "m.room.memberx",
    "m.room",
    "",
    "__proto__",
];

/// What redaction makes of an object, as text.
fn redact(event: &Value, version: &RoomVersion, form: Form) -> String {
    let mut out = Vec::new();
    write_redacted(&parsed(event), version.redaction, form, &mut out);
    String::from_utf8(out).unwrap()
}

fn redacted(event: &Value, number: u8) -> Value {
    serde_json::from_str(&redact(event, room_version(number), Form::Event)).unwrap()
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn d1_top_level_keys() {
    let mut event: Map<String, Value> =
        NEVER_AT_TOP.iter().map(|key| ((*key).to_owned(), json!(1))).collect();
    event.extend(TOP_LEVEL.iter().map(|(key, _)| ((*key).to_owned(), json!(1))));
    let event = Value::Object(event);
    for (number, _) in versions() {
        let kept = TOP_LEVEL.iter().filter(|(_, versions)| versions.contains(&number));
        let mut kept: Vec<_> = kept.map(|(key, _)| *key).collect();
        kept.sort_unstable();
        assert_eq!(keys(&redacted(&event, number)), kept, "version {number}");
        // And each alone.
        for (key, versions) in TOP_LEVEL {
            let kept = redacted(&json!({*key: {}}), number) == json!({*key: {}});
            assert_eq!(kept, versions.contains(&number), "version {number} {key}");
        }
        for key in NEVER_AT_TOP {
            assert_eq!(redacted(&json!({*key: 1}), number), json!({}), "version {number} {key}");
        }
    }
}

fn is_kept(number: u8, event_type: &str, key: &str) -> bool {
    (event_type == "m.room.create" && number >= 11)
        || CONTENT.iter().any(|row| row.0 == event_type && row.1 == key && row.2.contains(&number))
}

#[test]
fn d1_content_keys() {
    let all_keys: Vec<&str> =
        CONTENT.iter().map(|row| row.1).chain(NEVER_IN_CONTENT.iter().copied()).collect();
    let mut kept_in_all = 0;
    for (number, _) in versions() {
        for event_type in TYPES {
            let content = |keys: &[&str]| -> Value {
                // No object: in version 11 that would leave an empty third_party_invite.
                keys.iter().map(|key| ((*key).to_owned(), json!("v"))).collect::<Map<_, _>>().into()
            };
            let event = |keys: &[&str]| json!({"type": event_type, "content": content(keys)});
            let kept: Vec<&str> =
                all_keys.iter().copied().filter(|key| is_kept(number, event_type, key)).collect();
            kept_in_all += kept.len();
            let all = redacted(&event(&all_keys), number);
            assert_eq!(all, event(&kept), "version {number} {event_type}");
            for key in &all_keys {
                let alone = redacted(&event(&[key]), number);
                let expected = if kept.contains(key) { event(&[key]) } else { event(&[]) };
                assert_eq!(alone, expected, "version {number} {event_type} {key}");
            }
        }
    }
    assert!(kept_in_all > 200, "only {kept_in_all} kept keys seen");
}

#[test]
fn d1_what_is_kept_is_kept_as_it_is() {
    for value in
        [json!(null), json!([]), json!({"a": {"b": [1]}}), json!("\n\"é"), json!(-1), json!(true)]
    {
        for (event_type, key, versions) in CONTENT {
            let event = json!({"type": event_type, "content": {*key: value}});
            assert_eq!(redacted(&event, *versions.end()), event);
            assert_eq!(redacted(&event, *versions.start()), event);
        }
    }
}

#[test]
fn d1_malformed_events_have_a_redacted_form_too() {
    for (number, _) in versions() {
        for content in [json!(null), json!([]), json!("membership"), json!(1), json!(true)] {
            for event_type in TYPES {
                let event = json!({"type": event_type, "content": content});
                let empty = json!({"type": event_type, "content": {}});
                assert_eq!(redacted(&event, number), empty, "version {number} {event}");
            }
        }
        for event_type in [json!(null), json!(1), json!(["m.room.member"]), json!({})] {
            let event = json!({"type": event_type, "content": {"membership": "join"}});
            assert_eq!(redacted(&event, number), json!({"type": event_type, "content": {}}));
        }
        assert_eq!(
            redacted(&json!({"content": {"membership": 1}}), number),
            json!({"content": {}})
        );
        assert_eq!(redacted(&json!({"type": "m.room.create"}), number)["type"], "m.room.create");
        assert_eq!(redacted(&json!({}), number), json!({}));
    }
}

#[test]
fn d1_the_signed_form_is_the_redacted_one_without_signatures() {
    let event = json!({"signatures": {"h": {}}, "unsigned": {}, "type": "x", "content": {"a": 1},
                       "hashes": {"sha256": "h"}});
    for version in versions().map(|(_, version)| version) {
        let text = redact(&event, version, Form::Signed);
        assert_eq!(text, r#"{"content":{},"hashes":{"sha256":"h"},"type":"x"}"#);
        let text = redact(&event, version, Form::Event);
        assert_eq!(
            text,
            r#"{"content":{},"hashes":{"sha256":"h"},"signatures":{"h":{}},"type":"x"}"#
        );
    }
}

#[test]
fn d1_an_event_survives_its_redaction_in_every_version() {
    let content: Map<String, Value> = CONTENT
        .iter()
        .map(|row| row.1)
        .chain(["notifications", "displayname", "body"])
        .map(|key| (key.to_owned(), json!({"x": 1})))
        .collect();
    for (number, _) in versions() {
        for event_type in TYPES {
            let content = Value::Object(content.clone());
            let event = sign(&state(number, event_type, "", content), number);
            let whole = verify(&event, number);
            assert_accepted(&whole);
            let short = redacted(&event, number);
            assert_eq!(redacted(&short, number), short, "not idempotent");
            let verdict = verify(&short, number);
            assert_eq!(verdict.event_id, whole.event_id, "version {number} {event_type}");
            if short == event {
                assert_accepted(&verdict);
            } else {
                assert_redacted(&verdict);
            }
            // Less than redaction leaves does not do.
            for key in short["content"].as_object().unwrap().keys() {
                let less = model::without(&short["content"], &[key]);
                let verdict = verify(&with(short.clone(), "/content", less), number);
                assert_dropped(&verdict, 2, "signature_invalid");
            }
        }
    }
}

#[test]
fn d2_of_a_third_party_invite_the_signed_part_stays() {
    let table = [
        (
            json!({"display_name": "d", "signed": {"mxid": "m", "x": 1}}),
            json!({"signed": {"mxid": "m", "x": 1}}),
        ),
        (json!({"signed": null}), json!({"signed": null})),
        (json!({"signed": 1, "signed2": 2, "": 3}), json!({"signed": 1})),
        (json!({"display_name": "d"}), json!({})),
        (json!({}), json!({})),
    ];
    let member = |invite: &Value| {
        json!({"type": "m.room.member", "content": {
        "membership": "invite", "third_party_invite": invite, "zzz": 1}})
    };
    for (number, _) in versions() {
        for (invite, kept) in &table {
            let content = &redacted(&member(invite), number)["content"];
            if number >= 11 {
                assert_eq!(content, &json!({"membership": "invite", "third_party_invite": kept}));
            } else {
                assert_eq!(content, &json!({"membership": "invite"}));
            }
        }
        for invite in [json!(null), json!("signed"), json!([{"signed": 1}]), json!(1)] {
            let content = &redacted(&member(&invite), number)["content"];
            assert_eq!(content, &json!({"membership": "invite"}), "version {number} {invite}");
        }
        // Of other types nothing stays.
        let other =
            json!({"type": "m.room.message", "content": {"third_party_invite": {"signed": 1}}});
        assert_eq!(redacted(&other, number)["content"], json!({}));
    }
}

#[test]
fn d3_an_event_whose_content_was_changed_goes_on_redacted() {
    for (number, _) in versions() {
        let content = json!({"membership": "join", "displayname": "A"});
        let event = sign(&state(number, "m.room.member", "@alice:one.example", content), number);
        assert_accepted(&verify(&event, number));
        assert_redacted(&verify(&with(event.clone(), "/content/displayname", json!("B")), number));
        let other = with(event, "/content/membership", json!("ban"));
        assert_dropped(&verify(&other, number), 2, "signature_invalid");
    }
}

#[test]
fn d5_what_a_redaction_names_stands_elsewhere_from_version_11_on() {
    for (number, version) in versions() {
        assert_eq!(version.redacts_in_content, number >= 11);
        let event =
            json!({"type": "m.room.redaction", "redacts": "$a", "content": {"redacts": "$b"}});
        let content = if number >= 11 { json!({"redacts": "$b"}) } else { json!({}) };
        assert_eq!(
            redacted(&event, number),
            json!({"type": "m.room.redaction", "content": content})
        );
    }
}
