//! One byte changed, added or lost anywhere in a signed event: what comes of it, and for which reason.
//!
//! For every such text a literal oracle (`serde_json` and the model of the other tests) says what must
//! come of it; the library must say the same, code included.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use common::make::{
    draft, failure, key_answer, key_response, one, ring_of, room_version, sign_by, with,
};
use common::model;
use fedproof::keys::KeyRing;
use fedproof::receive::{self, Options};
use fedproof::verdict::Outcome;
use serde_json::{Value, json};

/// What bytes are replaced with, and added: part of the grammar, of base64, of nothing.
const BYTES: &[u8] = b"\"\\}0eA-\x01\xff ";

/// What must come of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Expected {
    Accepted,
    Redacted,
    Dropped(u8, &'static str),
    /// Not JSON: which of the codes is for the tests of JSON.
    NoJson,
}
use Expected::{Accepted, Dropped, NoJson, Redacted};

/// An event with something of every kind: protected and redactable content, an unknown key at the top,
/// `unsigned`, numbers.
fn event(number: u8) -> Value {
    let mut event = draft(number);
    event["type"] = json!("m.room.member");
    event["state_key"] = json!("@alice:one.example");
    event["content"] = json!({"membership": "join", "displayname": "Al", "n": 123});
    event["extra"] = json!({"a": [true, null]});
    let mut event = sign_by(&event, number, &[&one()]);
    event["unsigned"] = json!({"age": 45});
    event
}

/// A ring that knows the server to the end of time: it has no other key.
fn ring() -> KeyRing {
    ring_of(&[key_response(&key_answer(&[&one()], &[], i64::MAX), &[&one()])], i64::MAX)
}

fn server_of(identifier: &Value, sigil: char) -> Option<&str> {
    let (localpart, server) = identifier.as_str().unwrap().strip_prefix(sigil)?.split_once(':')?;
    let (host, port) = server.split_once(':').unwrap_or((server, "1"));
    let right = !localpart.contains('\0')
        && !host.is_empty()
        && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
        && (1..=5).contains(&port.len())
        && port.chars().all(|c| c.is_ascii_digit());
    right.then_some(server)
}

fn first_bad_number(value: &Value) -> Option<&'static str> {
    match value {
        Value::Number(number) if number.is_f64() => Some("number_not_integer"),
        Value::Number(number) => (number.as_i64().is_none_or(|n| n.unsigned_abs() >= 1 << 53))
            .then_some("integer_out_of_range"),
        Value::Array(items) => items.iter().find_map(first_bad_number),
        Value::Object(members) => members.values().find_map(first_bad_number),
        _ => None,
    }
}

/// The first defect of the format, in the order of the checks.
fn format_code(number: u8, event: &Value) -> Option<&'static str> {
    if !event.is_object() {
        return Some("not_an_object");
    }
    let bad_number = first_bad_number(&model::without(event, &["unsigned"]));
    if number >= 6 && bad_number.is_some() {
        return bad_number;
    }
    type Check = fn(&Value) -> bool;
    let fields: [(&str, Check); 11] = [
        ("type", Value::is_string),
        ("sender", Value::is_string),
        ("room_id", Value::is_string),
        ("event_id", Value::is_string),
        ("content", Value::is_object),
        ("origin_server_ts", Value::is_i64),
        ("depth", Value::is_i64),
        ("prev_events", Value::is_array),
        ("auth_events", Value::is_array),
        ("hashes", Value::is_object),
        ("signatures", Value::is_object),
    ];
    for (field, is_right) in fields {
        match event.get(field) {
            _ if field == "event_id" && number >= 3 => {}
            None => return Some("field_missing"),
            Some(value) if !is_right(value) => return Some("field_wrong_type"),
            Some(_) => {}
        }
    }
    if !event["hashes"]["sha256"].is_string() {
        return Some("content_hash_missing");
    }
    let keys =
        |server: &Value| server.as_object().is_some_and(|k| k.values().all(Value::is_string));
    if !event["signatures"].as_object().unwrap().values().all(keys) {
        return Some("signatures_malformed");
    }
    if server_of(&event["sender"], '@').is_none() {
        return Some("sender_invalid");
    }
    let room_id = event["room_id"].as_str().unwrap();
    let is_hash = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let right = match number {
        12 => room_id.len() == 44 && room_id.starts_with('!') && room_id[1..].chars().all(is_hash),
        _ => server_of(&event["room_id"], '!').is_some(),
    };
    if !right {
        return Some("room_id_invalid");
    }
    if number <= 2 && server_of(&event["event_id"], '$').is_none() {
        return Some("event_id_invalid");
    }
    for reference in
        ["prev_events", "auth_events"].iter().flat_map(|f| event[f].as_array().unwrap())
    {
        let id = if number <= 2 { &reference[0] } else { reference };
        if !id.as_str().is_some_and(|id| id.starts_with('$')) {
            return Some("reference_malformed");
        }
    }
    (event["depth"].as_i64() < Some(0)).then_some("depth_negative")
}

/// The bytes of base64 in one of the two alphabets, padded or not, whatever the trailing bits.
fn decode(text: &str) -> Option<Vec<u8>> {
    let alphabet = if text.contains(['-', '_']) { "-_" } else { "+/" };
    let letters =
        format!("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789{alphabet}");
    let bare = text.trim_end_matches('=');
    if bare.len() % 4 == 1 || (text != bare && !text.len().is_multiple_of(4)) {
        return None;
    }
    let values: Option<Vec<_>> = bare.chars().map(|letter| letters.find(letter)).collect();
    let bits = values?.into_iter().fold(Vec::new(), |mut bits, value| {
        bits.extend((0..6).rev().map(|bit| value >> bit & 1));
        bits
    });
    Some(
        bits.chunks_exact(8)
            .map(|byte| byte.iter().fold(0, |n, bit| n << 1 | *bit as u8))
            .collect(),
    )
}

/// What is wrong with the signatures of a required server.
fn signature_code(event: &Value, server: &str, message: &str) -> Option<&'static str> {
    let keys = event["signatures"].get(server).and_then(Value::as_object);
    let Some((key_id, signature)) = keys.and_then(|keys| keys.iter().next()) else {
        return Some("signature_missing");
    };
    if !key_id.starts_with("ed25519:") {
        return Some("signature_unknown_algorithm");
    }
    if key_id != "ed25519:a" {
        return Some("signature_key_unknown");
    }
    let bytes = decode(signature.as_str().unwrap()).filter(|bytes| bytes.len() == 64);
    let Some(bytes) = bytes else { return Some("signature_malformed") };
    let signature = ed25519_dalek::Signature::from_slice(&bytes).unwrap();
    static KEY: OnceLock<ed25519_dalek::VerifyingKey> = OnceLock::new();
    let key = KEY.get_or_init(|| one().key.verifying_key());
    let fits = key.verify_strict(message.as_bytes(), &signature).is_ok();
    (!fits).then_some("signature_invalid")
}

/// What must come of `text`, a changed form of `original`.
fn expected(number: u8, original: &Value, text: &[u8]) -> Expected {
    if std::str::from_utf8(text).is_err() {
        return Dropped(1, "json_invalid_utf8");
    }
    let Ok(event) = serde_json::from_slice::<Value>(text) else { return NoJson };
    if let Some(code) = format_code(number, &event) {
        return Dropped(1, code);
    }
    let message = model::signed_text(&event, number);
    let mut servers = vec![server_of(&event["sender"], '@').unwrap()];
    if number <= 2 {
        servers.push(server_of(&event["event_id"], '$').unwrap());
    }
    if let Some(code) = servers.iter().find_map(|server| signature_code(&event, server, &message)) {
        return Dropped(2, code);
    }
    assert_eq!(message, model::signed_text(original, number), "signed is another event");
    if model::content_hash(&event) == model::content_hash(original) { Accepted } else { Redacted }
}

/// Texts that differ from this one by one byte replaced, added or lost, at every place. Two bits are
/// turned at each; of [`BYTES`] each place gets one, another than its neighbours.
fn changed(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..text.len()).flat_map(move |at| {
        let (before, byte, after) = (&text[..at], text[at], &text[at + 1..]);
        let others = [byte ^ 1, byte ^ 0x20, BYTES[at % BYTES.len()]];
        let replaced = others.into_iter().filter(move |other| *other != byte);
        let replaced = replaced.map(move |other| [before, &[other], after].concat());
        let moved = if at.is_multiple_of(2) {
            [before, after].concat()
        } else {
            [before, b"0", &[byte], after].concat()
        };
        replaced.chain([moved])
    })
}

fn check(number: u8) {
    let original = event(number);
    let (ring, version) = (ring(), room_version(number));
    let judge = |text: &[u8]| receive::verify(text, version, &ring, Options::default());
    let whole = judge(original.to_string().as_bytes());
    assert_eq!(failure(&whole), None, "{whole:#?}");

    let mut counts: BTreeMap<Expected, usize> = BTreeMap::new();
    for text in changed(original.to_string().as_bytes()) {
        let verdict = judge(&text);
        let expected = expected(number, &original, &text);
        let found = match (verdict.outcome, failure(&verdict)) {
            (Outcome::Accepted, None) => Accepted,
            (Outcome::Accepted, Some((3, "content_hash_mismatch"))) => Redacted,
            (Outcome::Dropped, Some((1, code))) if expected == NoJson => {
                let codes = ["json_syntax", "json_trailing_data", "json_control_character"];
                assert!(codes.contains(&code), "{code}: {}", String::from_utf8_lossy(&text));
                NoJson
            }
            (Outcome::Dropped, Some((check, code))) => Dropped(check, code),
            other => panic!("{other:?}"),
        };
        assert_eq!(found, expected, "version {number}: {}", String::from_utf8_lossy(&text));
        assert_eq!(verdict.redacted, found == Redacted);
        if matches!(found, Accepted | Redacted) {
            // The redacted form is what it was, so the name is too.
            assert_eq!(verdict.event_id, whole.event_id);
        }
        *counts.entry(found).or_default() += 1;
    }

    let mut must_occur = vec![
        Accepted,
        Redacted,
        NoJson,
        Dropped(1, "json_invalid_utf8"),
        Dropped(1, "field_missing"),
        Dropped(1, "sender_invalid"),
        Dropped(1, "room_id_invalid"),
        Dropped(1, "reference_malformed"),
        Dropped(1, "content_hash_missing"),
        Dropped(2, "signature_missing"),
        Dropped(2, "signature_unknown_algorithm"),
        Dropped(2, "signature_key_unknown"),
        Dropped(2, "signature_malformed"),
        Dropped(2, "signature_invalid"),
    ];
    must_occur.push(match number {
        1 | 2 => Dropped(1, "event_id_invalid"),
        3..=5 => Dropped(1, "field_wrong_type"),
        _ => Dropped(1, "number_not_integer"),
    });
    for class in must_occur {
        assert!(counts.contains_key(&class), "{class:?} did not occur: {counts:?}");
    }
}

macro_rules! versions {
    ($($name:ident $number:literal),*) => {$(
        #[test]
        fn $name() {
            check($number);
        }
    )*};
}
versions!(
    i5_i6_one_byte_in_version_1 1, i5_i6_one_byte_in_version_2 2, i5_i6_one_byte_in_version_3 3,
    i5_i6_one_byte_in_version_4 4, i5_i6_one_byte_in_version_5 5, i5_i6_one_byte_in_version_6 6,
    i5_i6_one_byte_in_version_7 7, i5_i6_one_byte_in_version_8 8, i5_i6_one_byte_in_version_9 9,
    i5_i6_one_byte_in_version_10 10, i5_i6_one_byte_in_version_11 11, i5_i6_one_byte_in_version_12 12
);

/// Where the byte stands tells what comes of it.
#[test]
fn i5_i6_the_place_of_the_change_decides() {
    let ring = ring();
    for (number, version) in common::make::versions() {
        let junk = "A".repeat(86);
        let redacted = Some((3, "content_hash_mismatch"));
        let invalid = Some((2, "signature_invalid"));
        let table = [
            // protected: signed
            ("/type", json!("m.room.member2"), invalid),
            ("/state_key", json!("x"), invalid),
            ("/content/membership", json!("ban"), invalid),
            ("/depth", json!(8), invalid),
            ("/origin_server_ts", json!(1), invalid),
            ("/prev_events", json!([]), invalid),
            ("/auth_events", json!([]), invalid),
            ("/hashes/sha256", json!(model::content_hash(&json!({}))), invalid),
            ("/hashes/md5", json!("x"), invalid),
            // redactable: hashed
            ("/content/displayname", json!("x"), redacted),
            ("/content/new", json!("x"), redacted),
            ("/extra", json!(1), redacted),
            ("/new", json!(1), redacted),
            // neither
            ("/unsigned", json!({"age": 1, "prev_content": {}}), None),
            ("/signatures/other", json!({"ed25519:a": "x"}), None),
            ("/signatures/one.example/ed25519:new", json!("x"), None),
            ("/signatures/one.example/rsa:new", json!("x"), None),
            // the signature
            ("/signatures/one.example/ed25519:a", json!(junk), invalid),
            ("/signatures/one.example/ed25519:a", json!("x"), Some((2, "signature_malformed"))),
            ("/signatures/one.example", json!({}), Some((2, "signature_missing"))),
            ("/signatures", json!({}), Some((2, "signature_missing"))),
            ("/sender", json!("@alice:two.example"), Some((2, "signature_missing"))),
        ];
        for (pointer, value, expected) in table {
            let text = with(event(number), pointer, value).to_string();
            let verdict = receive::verify(text.as_bytes(), version, &ring, Options::default());
            assert_eq!(failure(&verdict), expected, "version {number} {pointer}");
        }
        // Top-level keys of old: protected up to version 10.
        for key in ["/origin", "/membership", "/prev_state"] {
            let text = with(event(number), key, json!("x")).to_string();
            let verdict = receive::verify(text.as_bytes(), version, &ring, Options::default());
            let expected = if number <= 10 { invalid } else { redacted };
            assert_eq!(failure(&verdict), expected, "version {number} {key}");
        }
    }
}
