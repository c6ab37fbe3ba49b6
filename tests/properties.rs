//! What holds for every input: properties, checked on inputs made at random.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use common::make::{
    self, FETCHED, TS, assert_accepted, canonicalise, draft, failure, one, parsed, ring,
    room_version, sign_by, two, verify_text, with,
};
use common::{Room, data, model};
use fedproof::event::hashes;
use fedproof::event::redaction::{Form, write_redacted};
use fedproof::event::signatures;
use fedproof::json::{Numbers, parse, write_string};
use fedproof::keys::{Dalek, HotKeys, KeyResponse, Moment, PublicKey, SignatureCheck, SigningKey};
use fedproof::reader::{EventReader, RawEvent};
use fedproof::receive::{self, Options};
use fedproof::sha256;
use fedproof::verdict::Outcome;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sha2::Digest;

/// So many cases; failures are printed, not kept in files.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

const MAX_SAFE: i64 = (1 << 53) - 1;

/// Any text, with a liking for what needs care.
fn text() -> impl Strategy<Value = String> {
    let awkward = prop::sample::select(vec![
        "\"",
        "\\",
        "/",
        "\u{0}",
        "\u{1f}",
        "\u{7f}",
        "\n",
        "é",
        "\u{2028}",
        "\u{e000}",
        "\u{ffff}",
        "😀",
        "\u{10ffff}",
        "__proto__",
        "a",
        "",
        "\u{fffd}",
    ]);
    prop_oneof![
        any::<String>(),
        prop::collection::vec(awkward, 0..12).prop_map(|parts| parts.concat()),
        "[a-z_.]{0,10}",
    ]
}

/// Any JSON of strict numbers.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-MAX_SAFE..=MAX_SAFE).prop_map(Value::from),
        (-100i64..100).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            object_of(inner).prop_map(Value::from),
        ]
    })
}

fn object_of(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((text(), value), 0..6).prop_map(|members| members.into_iter().collect())
}

/// Bytes that look like JSON: pieces of its grammar in any order.
fn near_json() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\"",
        b"\"a\"",
        b"\"a\":",
        b"\\",
        b"\\u",
        b"\\ud83d",
        b"\\ude00",
        b"\\n",
        b"\"\\u0041\"",
        b"0",
        b"1",
        b"-",
        b"12",
        b".",
        b"e",
        b"E",
        b"+",
        b"1.5",
        b"1e3",
        b"-0",
        b"true",
        b"false",
        b"null",
        b"tru",
        b" ",
        b"\t",
        b"\r\n",
        b"\x0c",
        b"\x00",
        b"\x1f",
        b"\x7f",
        "é".as_bytes(),
        b"\xff",
        b"\xed\xa0\x80",
        b"\xc3",
        b"/",
        b"'",
        b"x",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..24).prop_map(|pieces| pieces.concat())
}

/// JSON spelled in one of its countless ways: white space, escapes, order of keys, keys twice.
struct Speller<'a> {
    /// Where its decisions come from, over and over.
    random: &'a [u8],
    at: usize,
}

impl Speller<'_> {
    fn decide(&mut self, below: usize) -> usize {
        self.at += 1;
        usize::from(self.random[self.at % self.random.len()]) % below
    }

    fn space(&mut self, out: &mut String) {
        out.push_str(["", "", "", " ", "\t", "\r\n"][self.decide(6)]);
    }

    fn string(&mut self, text: &str, out: &mut String) {
        out.push('"');
        for character in text.chars() {
            let plain = !matches!(character, '"' | '\\' | '\0'..='\u{1f}');
            match (self.decide(4), character) {
                (1, '/') => out.push_str("\\/"),
                (0 | 1, '\n') => out.push_str("\\n"),
                (0 | 1, '"') => out.push_str("\\\""),
                (0..=2, _) if plain => out.push(character),
                (turn, _) => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        let digits = format!("{unit:04x}");
                        let digits = if turn == 3 { digits.to_uppercase() } else { digits };
                        out.push_str(&format!("\\u{digits}"));
                    }
                }
            }
        }
        out.push('"');
    }

    fn value(&mut self, value: &Value, out: &mut String) {
        self.space(out);
        match value {
            Value::String(text) => self.string(text, out),
            Value::Number(number) if number.as_i64() == Some(0) && self.decide(2) == 0 => {
                out.push_str("-0");
            }
            Value::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    self.value(item, out);
                }
                self.space(out);
                out.push(']');
            }
            Value::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                if !members.is_empty() {
                    let by = self.decide(members.len());
                    members.rotate_left(by);
                }
                if self.decide(2) == 0 {
                    members.reverse();
                }
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    // The same key with something else first: that does not count.
                    for value in [Some(&json!([1])).filter(|_| self.decide(8) == 0), Some(*value)] {
                        let Some(value) = value else { continue };
                        self.space(out);
                        self.string(key, out);
                        self.space(out);
                        out.push(':');
                        self.value(value, out);
                        out.push(',');
                    }
                    out.pop();
                }
                self.space(out);
                out.push('}');
            }
            other => out.push_str(&other.to_string()),
        }
        self.space(out);
    }
}

proptest! {
    #![proptest_config(cases(700))]

    #[test]
    fn b9_every_spelling_has_the_same_canonical_form(
        value in value(),
        random in prop::collection::vec(any::<u8>(), 1..64),
    ) {
        let mut spelled = String::new();
        Speller { random: &random, at: 0 }.value(&value, &mut spelled);
        let json = parse(spelled.as_bytes(), Numbers::Keep).unwrap();
        prop_assert_eq!(json.as_str(), model::canonical(&value));
        prop_assert_eq!(json.first_bad_number(true, None), None);
        // And that form is its own.
        let again = parse(json.text(), Numbers::Keep).unwrap();
        prop_assert_eq!(again.text(), json.text());
        prop_assert!(!again.notes().duplicate_keys && !again.notes().negative_zero);
    }

    #[test]
    fn b_any_json_is_read_without_a_panic(value in value()) {
        let text = value.to_string();
        let verdict = verify_text(text.as_bytes(), 11);
        prop_assert_ne!(verdict.outcome, Outcome::Accepted);
        let response = KeyResponse::verify(text.as_bytes(), None, 0, &Dalek);
        prop_assert!(response.is_err());
    }

    #[test]
    fn b6_strings_come_back_as_they_went(text in text()) {
        let mut written = Vec::new();
        write_string(&text, &mut written);
        prop_assert_eq!(std::str::from_utf8(&written).unwrap(), json!(text).to_string());
        let json = parse(&written, Numbers::Keep).unwrap();
        prop_assert_eq!(json.value().as_str().unwrap(), text.as_str());
        // As a key, too.
        let object = [b"{", written.as_slice(), b":1}"].concat();
        let json = parse(&object, Numbers::Keep).unwrap();
        let keys: Vec<_> = json.value().as_object().unwrap().map(|member| member.key()).collect();
        prop_assert_eq!(keys, [text.as_str()]);
    }

    #[test]
    fn b3_the_grammar_of_numbers_is_that_of_serde_json(number in "-?[0-9]{0,4}(\\.[0-9]{0,4})?([eE][+-]?[0-9]{0,2})?") {
        let ours = canonicalise(number.as_bytes(), Numbers::Keep);
        let theirs = serde_json::from_str::<Value>(&number);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{}", number);
        if let Ok(canonical) = ours {
            let value: f64 = number.parse().unwrap();
            prop_assert_eq!(canonical.parse::<f64>().unwrap().abs(), value.abs());
            if number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') && number != "-0" {
                prop_assert_eq!(canonical, number);
            }
        }
    }

    #[test]
    fn b5_exact_integers(digits in 0u64..100_000, point in 0u32..6, exponent in -8i32..9) {
        // digits × 10^(exponent − point), written with a point and an exponent.
        let whole = format!("{digits:07}");
        let (before, after) = whole.split_at(whole.len() - point as usize);
        let before = before.trim_start_matches('0');
        let before = if before.is_empty() { "0" } else { before };
        let point_text = if after.is_empty() { String::new() } else { format!(".{after}") };
        let text = format!("{before}{point_text}e{exponent}");
        let scale = exponent - point as i32;
        let exact = if scale >= 0 {
            Some(u128::from(digits) * 10u128.pow(scale.unsigned_abs()))
        } else {
            let divisor = 10u128.pow(scale.unsigned_abs());
            u128::from(digits).is_multiple_of(divisor).then(|| u128::from(digits) / divisor)
        };
        let json = parse(text.as_bytes(), Numbers::Integral).unwrap();
        match exact {
            Some(integer) => prop_assert_eq!(json.as_str(), integer.to_string(), "{}", text),
            None => prop_assert!(json.first_bad_number(true, None).is_some(), "{}", text),
        }
    }
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn b_what_looks_like_json_is_judged_as_serde_json_judges_it(bytes in near_json()) {
        let ours = canonicalise(&bytes, Numbers::Keep);
        let theirs = serde_json::from_slice::<Value>(&bytes);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} {:?}", ours, theirs);
        if let (Ok(canonical), Ok(value)) = (ours, theirs) {
            // serde_json reads the integer -0 as a double.
            if !bytes.windows(2).any(|pair| pair == b"-0") {
                prop_assert_eq!(serde_json::from_str::<Value>(&canonical).unwrap(), value);
            }
            prop_assert_eq!(canonicalise(canonical.as_bytes(), Numbers::Keep), Ok(canonical));
        }
    }

    #[test]
    fn b_no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for numbers in [Numbers::Keep, Numbers::Integral] {
            if let Ok(json) = parse(&bytes, numbers) {
                prop_assert!(std::str::from_utf8(json.text()).is_ok());
            }
        }
        let _ = KeyResponse::verify(&bytes, None, 0, &Dalek);
        let _ = SigningKey::from_key_file(&String::from_utf8_lossy(&bytes));
    }
}

/// Any event of a room version: types whose content redaction keeps in part, and others.
fn event(number: u8) -> impl Strategy<Value = Value> {
    let types = prop::sample::select(vec![
        "m.room.member",
        "m.room.create",
        "m.room.power_levels",
        "m.room.join_rules",
        "m.room.aliases",
        "m.room.history_visibility",
        "m.room.redaction",
        "m.room.message",
        "x",
    ]);
    let known = prop::sample::subsequence(
        vec![
            "membership",
            "creator",
            "join_rule",
            "allow",
            "users",
            "events",
            "ban",
            "invite",
            "aliases",
            "redacts",
            "history_visibility",
            "join_authorised_via_users_server",
            "third_party_invite",
            "notifications",
        ],
        0..14,
    );
    let top = prop::sample::subsequence(
        vec!["origin", "membership", "prev_state", "redacts", "unsigned", "extra", "state_key"],
        0..7,
    );
    (types, known, top, object_of(value()), value(), text()).prop_map(
        move |(event_type, known, top, mut content, any, text)| {
            let mut event = draft(number);
            event["type"] = json!(event_type);
            for key in known {
                content.insert(key.to_owned(), any.clone());
            }
            // With it the sender need not sign.
            if content.get("membership") == Some(&json!("invite")) {
                content.remove("third_party_invite");
            }
            event["content"] = Value::Object(content);
            for key in top {
                event[key] = if key == "unsigned" { json!({"x": any}) } else { any.clone() };
            }
            if event.get("state_key").is_some() {
                event["state_key"] = json!(text.chars().take(60).collect::<String>());
            }
            event
        },
    )
}

fn version_and_event() -> impl Strategy<Value = (u8, Value)> {
    (1u8..=12).prop_flat_map(|number| (Just(number), event(number)))
}

fn redact(event: &Value, number: u8) -> Value {
    let mut out = Vec::new();
    write_redacted(&parsed(event), room_version(number).redaction, Form::Event, &mut out);
    serde_json::from_slice(&out).unwrap()
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn e2_what_is_signed_is_accepted((number, event) in version_and_event()) {
        let key = SigningKey::from_seed("ed25519:a", one().key.as_bytes()).unwrap();
        let signed = signatures::sign_event(&parsed(&event), room_version(number), make::ONE, &key);
        let verdict = verify_text(signed.text(), number);
        assert_accepted(&verdict);
        // As the model does it.
        let by_model = make::sign(&event, number);
        prop_assert_eq!(signed.as_str(), model::canonical(&by_model));
        prop_assert_eq!(verdict.event_id, Some(model::event_id(&by_model, number)));
    }

    #[test]
    fn d1_redaction_is_idempotent_and_keeps_id_and_signatures((number, event) in version_and_event()) {
        let signed = sign_by(&event, number, &[&one(), &two()]);
        let redacted = redact(&signed, number);
        prop_assert_eq!(&redacted, &model::redact(&signed, number));
        prop_assert_eq!(&redact(&redacted, number), &redacted);
        let (whole, short) = (make::verify(&signed, number), make::verify(&redacted, number));
        prop_assert_eq!(&short.event_id, &whole.event_id);
        prop_assert_eq!(short.outcome, Outcome::Accepted);
        // Its content hash fits only if nothing that is hashed was lost.
        let lost = model::content_hash(&signed) != model::content_hash(&redacted);
        prop_assert_eq!(short.redacted, lost);
    }

    #[test]
    fn i5_i6_changed_events_are_not_accepted_whole(
        (number, event) in version_and_event(),
        value in value(),
        key in prop::sample::select(vec![
            "type", "sender", "room_id", "content", "depth", "origin_server_ts", "prev_events",
            "auth_events", "hashes", "state_key", "extra", "new", "event_id",
        ]),
    ) {
        let signed = make::sign(&event, number);
        prop_assume!(signed.get(key) != Some(&value));
        let verdict = make::verify(&with(signed, &format!("/{key}"), value), number);
        prop_assert!(failure(&verdict).is_some(), "{:#?}", verdict);
    }

    #[test]
    fn e1_signed_json_verifies_and_changed_json_does_not(object in object_of(value()), other in value()) {
        let key = SigningKey::from_seed("ed25519:a", one().key.as_bytes()).unwrap();
        prop_assume!(object.get("new") != Some(&other));
        let object = Value::Object(object);
        let signed = signatures::sign_json(&parsed(&object), make::ONE, &key);
        let moment = Moment { ts: TS, enforce_validity: true };
        let judge = |json| signatures::verify_json(json, make::ONE, moment, ring()).judge();
        prop_assert_eq!(judge(&signed), Ok(()));
        let changed = with(serde_json::from_str(signed.as_str()).unwrap(), "/new", other);
        prop_assert!(judge(&parsed(&changed)).is_err());
    }
}

/// What a reader makes of a document in pieces.
fn read(pieces: &[&[u8]], lines: bool) -> (Vec<RawEvent>, Option<&'static str>, String) {
    let mut reader = EventReader::new(lines);
    let mut events = Vec::new();
    let mut result = Ok(());
    for piece in pieces {
        result = result.and_then(|()| reader.push(piece));
        events.extend(reader.take_events());
    }
    let error = result.and_then(|()| reader.end()).err().map(|error| error.code());
    events.extend(reader.take_events());
    let said = format!(
        "{:?} {:?} {:?} {:?} {:?}",
        reader.shape(),
        reader.room_id(),
        reader.room_version(),
        reader.create_room_version(),
        reader.server_keys(),
    );
    (events, error, said)
}

fn document() -> impl Strategy<Value = Vec<u8>> {
    let element = prop_oneof![
        value().prop_map(|value| value.to_string().into_bytes()),
        object_of(value()).prop_map(|object| Value::Object(object).to_string().into_bytes()),
        near_json(),
        Just(b"{\"type\":\"m.room.create\",\"content\":{\"room_version\":\"6\"}}".to_vec()),
    ];
    let shape = 0..5usize;
    (shape, prop::collection::vec(element, 0..6)).prop_map(|(shape, elements)| match shape {
        0 => [&b"["[..], &elements.join(&b","[..]), b"]"].concat(),
        1 => [
            &b"{\"room_id\":\"!r:h\",\"pdus\":["[..],
            &elements.join(&b" ,\n"[..]),
            b"],\"room_version\" : \"1\"}",
        ]
        .concat(),
        2 => [&b"{\"server_keys\":["[..], &elements.join(&b","[..]), b"],\"pdus\":[{}]}"].concat(),
        3 => elements.join(&b"\n"[..]),
        _ => elements.concat(),
    })
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn reader_gives_the_same_however_a_document_is_cut(
        document in document(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        lines in any::<bool>(),
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(document.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut start = 0;
        for cut in cuts.into_iter().chain([document.len()]) {
            pieces.push(&document[start..cut]);
            start = cut;
        }
        let whole = read(&[&document], lines);
        prop_assert_eq!(&read(&pieces, lines), &whole);
        let bytes: Vec<_> = document.chunks(1).collect();
        prop_assert_eq!(&read(&bytes, lines), &whole);
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn i12_events_judged_together_are_judged_as_each_alone(
        number in 1u8..=12,
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<u16>(), any::<u8>()), 0..12),
    ) {
        let signed: Vec<_> = (0..4)
            .map(|depth| make::sign(&with(draft(number), "/depth", json!(depth)), number).to_string())
            .collect();
        let events: Vec<Vec<u8>> = picks
            .into_iter()
            .map(|(pick, at, byte)| {
                let mut event = pick.get(&signed).clone().into_bytes();
                // Half of them with a byte changed.
                if byte % 2 == 0 {
                    let at = usize::from(at) % event.len();
                    event[at] ^= byte | 1;
                }
                event
            })
            .collect();
        let options = Options::default();
        let version = room_version(number);
        let together = receive::verify_all(events.iter().map(Vec::as_slice), version, ring(), options);
        let alone: Vec<_> =
            events.iter().map(|event| receive::verify(event, version, ring(), options)).collect();
        prop_assert_eq!(together, alone);
    }

    #[test]
    fn c1_hashes_made_side_by_side_are_hashes(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..10),
    ) {
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let expected: Vec<[u8; 32]> =
            messages.iter().map(|message| sha2::Sha256::digest(message).into()).collect();
        prop_assert_eq!(sha256::hash_all(&messages), expected.clone());
        let one_by_one: Vec<_> = messages.iter().map(|message| sha256::hash(message)).collect();
        prop_assert_eq!(one_by_one, expected);
    }

    #[test]
    fn e3_tables_of_busy_keys_change_no_answer(
        seed in any::<[u8; 32]>(),
        message in prop::collection::vec(any::<u8>(), 0..100),
        change in prop::option::of((0usize..64, any::<u8>())),
    ) {
        let key = SigningKey::from_seed("ed25519:x", &seed).unwrap();
        let mut signature = key.sign(&message);
        if let Some((at, byte)) = change {
            signature[at] ^= byte;
        }
        let key = PublicKey::from_base64(&key.public_key()).unwrap();
        let hot_keys = HotKeys::default();
        let reference = Dalek.check(&key, &message, &signature);
        for _ in 0..5 {
            prop_assert_eq!(hot_keys.check(&key, &message, &signature), reference);
        }
    }
}

/// Events of real rooms with some bytes changed, judged by any room version: no panic, and what is
/// accepted whole is the event that was signed.
#[test]
fn b_changed_events_of_real_rooms_never_panic() {
    let rooms: Vec<_> = ["life-v1.json", "life-v6.json", "life-v12.json"]
        .map(|name| Room::load(&data(&format!("rooms/{name}"))))
        .into();
    let mut runner = proptest::test_runner::TestRunner::new(cases(5000));
    let strategy = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        1u8..=12,
        prop::collection::vec((any::<u16>(), any::<u8>()), 1..4),
    );
    runner
        .run(&strategy, |(room, event, number, changes)| {
            let room = room.get(&rooms);
            let index = event.index(room.pdus.len());
            let mut event = room.pdus[index].clone();
            for (at, byte) in changes {
                let at = usize::from(at) % event.len();
                event[at] = byte;
            }
            let verdict =
                receive::verify(&event, room_version(number), &room.ring, Options::default());
            // A third party's invite need not be signed: nothing holds it together.
            let signed =
                !room.pdus[index].windows(21).any(|part| part == b"\"third_party_invite\":");
            let same_version = number.to_string() == room.version.id;
            if verdict.outcome == Outcome::Accepted && same_version && signed {
                prop_assert_eq!(verdict.event_id.as_ref(), Some(&room.event_ids[index]));
            }
            let _ = KeyResponse::verify(&event, None, FETCHED, &Dalek);
            Ok(())
        })
        .unwrap();
}

#[test]
fn c1_messages_of_every_length_around_the_blocks() {
    let bytes: Vec<u8> = (0..=255).cycle().take(400).collect();
    let messages: Vec<&[u8]> = (0..400).map(|length| &bytes[..length]).collect();
    let expected: Vec<[u8; 32]> =
        messages.iter().map(|message| sha2::Sha256::digest(message).into()).collect();
    assert_eq!(sha256::hash_all(&messages), expected);
    let event = parsed(&json!({"a": 1}));
    assert_eq!(hashes::content_hash(&event), sha256::hash(br#"{"a":1}"#));
}

/// Doubles of every kind: any bits, powers of two and of ten, short decimals, neighbours of integers.
fn doubles() -> Vec<f64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let any = (0..2000).map(|_| f64::from_bits(random())).filter(|double| double.is_finite());
    let mut doubles: Vec<f64> = any.collect();
    doubles.extend((-1074..1024).step_by(7).map(|power| 2f64.powi(power)));
    doubles
        .extend((-320..309).step_by(3).map(|power| format!("1e{power}").parse::<f64>().unwrap()));
    doubles.extend((0..500).map(|n| f64::from(n) / 16.0 * if n % 2 == 0 { 1.0 } else { -1e-5 }));
    doubles.extend((0..200).map(|n| 1e16 - 100.0 + f64::from(n)));
    doubles.extend([0.0, -0.0, f64::MIN_POSITIVE, f64::MAX, f64::MIN, 5e-324, 9007199254740993.0]);
    doubles
}

#[test]
fn b10_fractions_are_written_as_this_machines_python_writes_them() {
    let script = "import sys, json, struct\n\
                  for line in sys.stdin:\n    \
                  print(json.dumps(struct.unpack('>d', bytes.fromhex(line))[0]))";
    let python = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut python) = python else {
        std::io::stderr()
            .write_all(b"skipped: there is no python3 to compare floats with\n")
            .unwrap();
        return;
    };
    let doubles = doubles();
    let input: String =
        doubles.iter().map(|double| format!("{:016x}\n", double.to_bits())).collect();
    let mut stdin = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), doubles.len());
    for (double, expected) in doubles.iter().zip(text.lines()) {
        // The same double in three spellings.
        for spelling in [format!("{double:e}"), format!("{double:.17e}"), format!("{double:.20e}")]
        {
            let canonical = canonicalise(spelling.as_bytes(), Numbers::Keep);
            assert_eq!(canonical.as_deref(), Ok(expected), "{spelling}");
        }
    }
}
