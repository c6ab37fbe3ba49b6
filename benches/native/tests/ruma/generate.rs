//! Events of room versions 6 to 12: honest ones, odd ones that are signed all the same, and ones
//! that were tampered with afterwards.

use fedproof::event::hashes;
use fedproof::event::redaction::{self, Form};
use fedproof::json::{self, Numbers};
use fedproof::room_version::RoomVersion;
use ruma_common::canonical_json::RedactingSerializer;
use ruma_common::{CanonicalJsonObject, RoomVersionId};
use serde_json::{Map, Value, json};

use super::random::Random;
use super::text::{self, Style, duplicate, raw};
use super::world::*;

pub const VERSIONS: [&str; 7] = ["6", "7", "8", "9", "10", "11", "12"];

/// An input for both sides.
pub struct Case {
    pub version: &'static str,
    /// What was done to an honest event.
    pub story: String,
    pub text: Vec<u8>,
}

pub fn case(random: &mut Random) -> Case {
    let version = random.pick(&VERSIONS);
    let mut event = draft(version, random);
    let mut story = event["type"].as_str().unwrap_or_default().to_owned();
    let mut tell = |what: &str| story = format!("{story}; {what}");
    let (odd, tampered) = match random.below(20) {
        0..4 => (false, false),
        4..12 => (true, false),
        12..19 => (false, true),
        _ => (true, true),
    };
    if odd {
        tell(make_odd(&mut event, version, random));
    }
    let message = seal(&mut event, version, random);
    if tampered {
        tell(tamper(&mut event, &message, version, random));
    }
    let style = Style::any(random);
    let mut text = text::write(&event, &style, random);
    if random.chance(3) {
        tell(damage(&mut text, random));
    }
    Case { version, story, text }
}

fn word(random: &mut Random) -> String {
    random
        .pick(&[
            "a",
            "B",
            "key",
            "m.text",
            "ключ",
            "日本",
            "é",
            "~",
            "\u{7f}",
            "\u{2028}",
            "\"",
            "\\",
            "\n",
            "\u{1}",
            "😀",
            "\u{ff5e}",
            "",
            "a/b",
            "__proto__",
            "1",
            "10",
            "9",
        ])
        .to_owned()
}

fn anything(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 7 } else { 10 }) {
        0 => Value::Null,
        1 => json!(random.chance(50)),
        2 => json!(random.pick(&[0, 1, -1, 42, 9_007_199_254_740_991_i64, -9_007_199_254_740_991])),
        3..7 => json!([word(random), word(random)].concat()),
        7 => (0..random.below(4)).map(|_| anything(random, depth - 1)).collect(),
        _ => Value::Object(object(random, depth - 1)),
    }
}

fn object(random: &mut Random, depth: usize) -> Map<String, Value> {
    (0..random.below(6))
        .map(|_| ([word(random), word(random)].concat(), anything(random, depth)))
        .collect()
}

fn event_id(random: &mut Random) -> Value {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let hash: String = (0..43).map(|_| char::from(random.pick(ALPHABET))).collect();
    json!(format!("${hash}"))
}

fn event_ids(random: &mut Random, count: usize) -> Value {
    (0..count).map(|_| event_id(random)).collect()
}

pub const ROOM_ID_V12: &str = "!4tSSl2Rl-bnXDAS_Dhd6QJCJIqpcdcCcrGYFnMYwGGI";

fn room_id(version: &str) -> &'static str {
    if version == "12" { ROOM_ID_V12 } else { "!room:one.example" }
}

fn draft(version: &str, random: &mut Random) -> Value {
    let kind = random.pick(&[
        "m.room.message",
        "m.room.message",
        "m.room.member",
        "m.room.member",
        "m.room.create",
        "m.room.power_levels",
        "m.room.join_rules",
        "m.room.history_visibility",
        "m.room.aliases",
        "m.room.redaction",
        "org.example.☃",
        "constructor",
    ]);
    let mut content = object(random, 3);
    let known: &[(&str, Value)] = &match kind {
        "m.room.member" => vec![
            ("membership", json!(random.pick(&["join", "invite", "leave", "ban", "knock"]))),
            ("displayname", json!(word(random))),
        ],
        "m.room.create" => vec![
            ("creator", json!("@alice:one.example")),
            ("room_version", json!(version)),
            ("predecessor", anything(random, 2)),
        ],
        "m.room.power_levels" => vec![
            ("users", json!({"@alice:one.example": 100})),
            ("events", Value::Object(object(random, 0))),
            ("ban", json!(50)),
            ("invite", json!(0)),
            ("kick", anything(random, 0)),
            ("notifications", json!({"room": 50})),
        ],
        "m.room.join_rules" => {
            vec![("join_rule", json!("restricted")), ("allow", anything(random, 2))]
        }
        "m.room.history_visibility" => vec![("history_visibility", anything(random, 1))],
        "m.room.aliases" => vec![("aliases", anything(random, 1))],
        "m.room.redaction" => vec![("redacts", event_id(random))],
        _ => vec![("body", json!(word(random)))],
    };
    for (key, value) in known {
        if random.chance(90) || *key == "membership" {
            content.insert((*key).to_owned(), value.clone());
        }
    }
    let mut event = json!({
        "type": kind,
        "sender": random.pick(&["@alice:one.example", "@alice:one.example", "@Älice b:one.example", "@:one.example"]),
        "content": content,
        "depth": random.pick(&[0, 1, 12, 9_007_199_254_740_991_i64]),
        "origin_server_ts": TS + random.below(1000) as i64,
    });
    let count = random.below(4);
    event["prev_events"] = event_ids(random, count);
    let count = random.below(5);
    event["auth_events"] = event_ids(random, count);
    if !(kind == "m.room.create" && version == "12") {
        event["room_id"] = json!(room_id(version));
    }
    if kind != "m.room.message" {
        event["state_key"] = json!(random.pick(&["", "@alice:one.example", "☃"]));
    }
    for key in ["origin", "membership", "prev_state", "redacts", "org.example.key", "ключ", "age"]
    {
        if random.chance(8) {
            event[key] = anything(random, 1);
        }
    }
    if random.chance(40) {
        event["unsigned"] = Value::Object(object(random, 2));
    }
    event
}

/// Content hash and a good signature, computed by one side or the other. Gives the message signed.
fn seal(event: &mut Value, version: &'static str, random: &mut Random) -> Vec<u8> {
    let by_ruma = random.chance(50);
    event["hashes"] =
        event.get("hashes").filter(|hashes| hashes.is_object()).cloned().unwrap_or(json!({}));
    event["hashes"]["sha256"] = json!(content_hash(event, by_ruma));
    let message = signed_form(event, version, by_ruma);
    let server = event["sender"]
        .as_str()
        .and_then(|sender| sender.split_once(':'))
        .map(|(_, server)| server.to_owned());
    add_signature(event, &server.unwrap_or(ONE.to_owned()), GOOD, &message);
    if random.chance(10) {
        add_signature(event, ONE, ALSO_GOOD, &message);
    }
    if random.chance(10) {
        add_signature(event, TWO, GOOD, &message);
    }
    message
}

fn content_hash(event: &Value, by_ruma: bool) -> String {
    let text = text::meaning(event).to_string();
    if by_ruma
        && let Ok(object) = serde_json::from_str::<CanonicalJsonObject>(&text)
        && let Ok(hash) = ruma_signatures::content_hash(&object)
    {
        return hash.encode();
    }
    let json = json::parse(text.as_bytes(), Numbers::Keep);
    json.map(|json| fedproof::encoding::encode(&hashes::content_hash(&json))).unwrap_or_default()
}

fn signed_form(event: &Value, version: &str, by_ruma: bool) -> Vec<u8> {
    let text = text::meaning(event).to_string();
    if by_ruma && let Ok(object) = serde_json::from_str::<CanonicalJsonObject>(&text) {
        let rules = RoomVersionId::try_from(version).unwrap().rules().unwrap();
        let form = RedactingSerializer::new()
            .rules(&rules.redaction)
            .custom_redacted_root_fields(&["signatures", "unsigned"])
            .serialize(&object);
        if let Ok(form) = form {
            return form.into_bytes();
        }
    }
    let mut form = Vec::new();
    if let Ok(json) = json::parse(text.as_bytes(), Numbers::Keep) {
        let rules = RoomVersion::get(version).unwrap().redaction;
        redaction::write_redacted(&json, rules, Form::Signed, &mut form);
    }
    form
}

fn add_signature(event: &mut Value, server: &str, key_id: &str, message: &[u8]) {
    set_signature(event, server, key_id, json!(base64(&sign(server, key_id, message))));
}

fn set_signature(event: &mut Value, server: &str, key_id: &str, signature: Value) {
    let event = event.as_object_mut().unwrap();
    let signatures = event.entry("signatures").or_insert(json!({}));
    if !signatures[server].is_object() {
        signatures[server] = json!({});
    }
    signatures[server][key_id] = signature;
}

fn base64(bytes: &[u8]) -> String {
    fedproof::encoding::encode(bytes)
}

fn of_any_type(random: &mut Random) -> Value {
    random.pick(&[
        json!(null),
        json!(true),
        json!(7),
        json!("x"),
        json!(""),
        json!([]),
        json!(["x"]),
        json!({}),
        json!({"a": 1}),
        raw("1.5"),
    ])
}

/// Changes the event before it is signed; gives what was done.
fn make_odd(event: &mut Value, version: &str, random: &mut Random) -> &'static str {
    let field = random.pick(&[
        "type",
        "sender",
        "room_id",
        "state_key",
        "content",
        "origin_server_ts",
        "depth",
        "prev_events",
        "auth_events",
    ]);
    match random.below(32) {
        0 => {
            event.as_object_mut().unwrap().remove(field);
            "a field missing"
        }
        1 | 2 => {
            event[field] = of_any_type(random);
            "a field of another type"
        }
        3 | 4 => {
            let field = random.pick(&["type", "sender", "room_id", "state_key"]);
            let unit = random.pick(&["x", "é", "😀"]);
            let length = random.pick(&[254, 255, 256, 300]);
            let (before, after) = match field {
                "sender" => ("@", ":one.example"),
                "room_id" if version != "12" => ("!", ":one.example"),
                "room_id" => ("!", ""),
                _ => ("", ""),
            };
            let fixed = before.len() + after.len();
            let (units, rest) = if random.chance(50) {
                ((length - fixed) / unit.len(), (length - fixed) % unit.len())
            } else {
                (length - fixed, 0)
            };
            event[field] =
                json!(format!("{before}{}{}{after}", unit.repeat(units), "x".repeat(rest)));
            "a long identifier"
        }
        5 | 6 => {
            event["sender"] = json!(random.pick(&[
                "@a",
                "a:one.example",
                "one.example",
                "",
                "@",
                "@:one.example",
                "@a:",
                "@a:b:c",
                "@a\u{0}:one.example",
                "@a b:one.example",
                "@é:one.example",
                "@a:one.example:8448",
                "@a:one.example:",
                "@a:one.example:+80",
                "@a:one.example:99999",
                "@a:one.example:000080",
                "@a:one.example:0",
                "@a:one_example",
                "@a:[::1]",
                "@a:[::1]:8448",
                "@a:[::1",
                "@a:[fe80::1%eth0]",
                "@a:1.2.3.4",
                "@a:ONE.example",
                "@a:..",
                "@a:-",
                "@a:öne.example",
                "@a:one.example ",
            ]));
            "an unusual sender"
        }
        7 => {
            event["room_id"] = json!(random.pick(&[
                "!r",
                "r:one.example",
                "#r:one.example",
                "",
                "!",
                "!:one.example",
                "!r:one.example:99999",
                "!r:a b",
                "!a\u{0}:one.example",
                "!é:one.example",
                ROOM_ID_V12,
                "!4tSSl2Rl-bnXDAS_Dhd6QJCJIqpcdcCcrGYFnMYwGG",
                "!4tSSl2Rl+bnXDAS/Dhd6QJCJIqpcdcCcrGYFnMYwGGI",
                "$4tSSl2Rl-bnXDAS_Dhd6QJCJIqpcdcCcrGYFnMYwGGI"
            ]));
            "an unusual room ID"
        }
        8 => {
            event["event_id"] = random.pick(&[json!("$event:one.example"), json!(null), json!(1)]);
            "an event_id"
        }
        9 | 10 => {
            let list = random.pick(&["prev_events", "auth_events"]);
            let entry = random.pick(&[
                json!("x"),
                json!(""),
                json!(1),
                json!(null),
                json!(["$a:one.example", {"sha256": "x"}]),
                json!("$x"),
                json!("$"),
                json!(format!("${}", "x".repeat(255))),
                json!(ROOM_ID_V12.replace('!', "$")),
                json!("$é"),
            ]);
            event[list] = json!([event_id(random), entry]);
            "an unusual reference"
        }
        11 => {
            let list = random.pick(&["prev_events", "auth_events"]);
            let count = random.pick(&[0, 9, 10, 11, 20, 21]);
            event[list] = event_ids(random, count);
            "many references"
        }
        12 => {
            event["depth"] = random.pick(&[
                json!(-1),
                json!(0),
                raw("-0"),
                raw("1.0"),
                raw("1e3"),
                raw("9007199254740992"),
                raw("99999999999999999999"),
                json!("5"),
                json!(9_007_199_254_740_991_i64),
            ]);
            "an unusual depth"
        }
        13 => {
            event["origin_server_ts"] = random.pick(&[
                json!(-1),
                json!(0),
                json!("no"),
                raw("-0"),
                raw("1.0"),
                raw("9007199254740992"),
                json!(9_007_199_254_740_991_i64),
                json!(-9_007_199_254_740_991_i64),
            ]);
            "an unusual origin_server_ts"
        }
        14..=16 => {
            let token = random.pick(&[
                "-0",
                "-0.0",
                "0.0",
                "1.0",
                "1.5",
                "1e3",
                "1E400",
                "-1e-400",
                "9007199254740991",
                "9007199254740992",
                "-9007199254740992",
                "18446744073709551616",
                "123456789012345678901234567890",
                "01",
                "+1",
                ".5",
                "1.",
                "NaN",
                "tru",
                "'x'",
            ]);
            let place = random.pick(&["content", "unsigned", "org.example.key"]);
            let number = if random.chance(30) { json!([[raw(token)]]) } else { raw(token) };
            if place == "org.example.key" {
                event[place] = number;
            } else if event[place].is_object() || event[place].is_null() {
                event[place]["number"] = number;
            }
            "an unusual number"
        }
        17 => {
            let token = random.pick(&[
                r#""\ud800""#,
                r#""\udc00x""#,
                r#""\ud83d\ude00""#,
                r#""\ud800\ud800""#,
                r#""\u0000""#,
                "\"\u{7f}\"",
                "\"\n\"",
                "\"\u{1f}\"",
                r#""\x""#,
                r#""\u12g4""#,
                r#""\/""#,
                "\"a",
            ]);
            event["content"] = json!({"text": raw(token)});
            "an unusual string"
        }
        18 => {
            let keys = if random.chance(50) {
                ["\u{1f600}", "\u{ff5e}", "\u{e000}"]
            } else {
                ["a", "a\u{1}", "a\""]
            };
            event["content"] = keys.iter().map(|key| ((*key).to_owned(), json!(1))).collect();
            "keys that sort differently in UTF-16"
        }
        19 | 20 => {
            let levels = random.pick(&[10, 124, 125, 126, 127, 200]);
            let (open, close) = random.pick(&[("[", "]"), ("{\"a\":", "}")]);
            let inner = if open == "[" { "" } else { "1" };
            let nested = raw(&format!("{}{inner}{}", open.repeat(levels), close.repeat(levels)));
            let place = random.pick(&["content", "unsigned", "org.example.key"]);
            if place == "org.example.key" {
                event[place] = nested;
            } else {
                event[place] = json!({"nested": nested});
            }
            "deep nesting"
        }
        21 => {
            let first = random.pick(&[json!(1), raw("1.5"), raw("-0"), json!("x")]);
            let members = event.as_object_mut().unwrap();
            match random.below(3) {
                0 => duplicate(members, "content", first),
                1 => duplicate(members, random.pick(&["depth", "type", "sender"]), first),
                _ => {
                    if let Some(content) = members["content"].as_object_mut() {
                        content.insert("twice".to_owned(), json!(2));
                        duplicate(content, "twice", first);
                    }
                }
            }
            "a key that stands twice"
        }
        22 | 23 => {
            // What a sealed event has around its content: hashes, signatures, punctuation.
            event["content"] = json!({"padding": ""});
            let mut sealed = event.clone();
            seal(&mut sealed, "11", &mut Random::new(0));
            sealed.as_object_mut().unwrap().remove("unsigned");
            let short = text::meaning(&sealed).to_string().len();
            let wanted = random.pick(&[65_000, 65_534, 65_535, 65_536, 65_537, 70_000]);
            event["content"]["padding"] = json!("x".repeat(wanted - short));
            "a large event"
        }
        24 => {
            event["unsigned"] = random.pick(&[
                json!(null),
                json!("x"),
                json!([]),
                json!({"padding": "x".repeat(65_000)}),
                json!({"padding": "x".repeat(70_000)}),
            ]);
            "an unusual unsigned"
        }
        25 => {
            event["type"] = json!("m.room.member");
            event["content"] = random.pick(&[
                json!({}),
                json!({"membership": 1}),
                json!({"membership": null}),
                json!({"membership": "nonsense"}),
            ]);
            "a membership event without a good membership"
        }
        26..=28 => {
            event["type"] = json!("m.room.member");
            let invite = random.pick(&[json!({"display_name": "x", "signed": {"mxid": "@a:b", "token": "t", "signatures": {}}}), json!({"signed": null}), json!({}), json!(null), json!("x"), json!([1])]);
            event["content"] = json!({"membership": random.pick(&["invite", "invite", "join"]), "third_party_invite": invite});
            if random.chance(40) {
                event["sender"] = json!(random.pick(&[
                    "@a:three.example",
                    "@a:two.example",
                    "a",
                    "@a:one.example:99999"
                ]));
            }
            "a third party's invite"
        }
        29 | 30 => {
            event["type"] =
                json!(random.pick(&["m.room.member", "m.room.member", "m.room.message"]));
            event["content"] = json!({"membership": random.pick(&["join", "leave"]), "join_authorised_via_users_server": random.pick(&[json!("@bob:two.example"), json!("@bob:one.example"), json!("@bob:three.example"), json!("nonsense"), json!(1), json!(null)])});
            "a join authorised by somebody"
        }
        _ => {
            let sender = random.pick(&["@a:two.example", "@a:three.example"]);
            event["sender"] = json!(sender);
            "a sender of another server"
        }
    }
}

/// Changes the signed event; gives what was done.
fn tamper(event: &mut Value, message: &[u8], version: &str, random: &mut Random) -> &'static str {
    let sender = event["sender"]
        .as_str()
        .and_then(|sender| sender.split_once(':'))
        .map_or(ONE, |(_, server)| server)
        .to_owned();
    let stated = event["hashes"]["sha256"].as_str().unwrap_or_default().to_owned();
    match random.below(24) {
        0 => {
            match event["content"].as_object_mut() {
                Some(content) => _ = content.insert("added".to_owned(), json!(1)),
                None => event["content"] = json!({}),
            }
            "content changed"
        }
        1 => {
            let field = random.pick(&[
                "type",
                "sender",
                "room_id",
                "depth",
                "origin_server_ts",
                "prev_events",
                "auth_events",
                "state_key",
                "unsigned",
                "age",
            ]);
            event[field] = match event[field].clone() {
                Value::String(text) => json!(text.replacen(['e', 'o'], "x", 1)),
                Value::Number(_) => json!(77),
                Value::Array(mut list) => {
                    list.pop();
                    Value::Array(list)
                }
                _ => json!({}),
            };
            "a field changed"
        }
        2 => {
            event["content"] = random.pick(&[json!({}), json!({"membership": "join"})]);
            "content taken away"
        }
        3 => {
            event["hashes"] = random.pick(&[
                json!(null),
                json!([]),
                json!("x"),
                json!({}),
                json!({"sha256": 3}),
                json!({"sha256": null}),
                json!({"sha512": "x"}),
                json!({"sha256": "x", "sha512": 1}),
            ]);
            "hashes malformed"
        }
        4 => {
            event["hashes"]["sha256"] = json!(random.pick(&["", "!!", "A", "x y"]));
            "the content hash no base64"
        }
        5 | 6 => {
            // Hashes are signed, so the signature must be made anew.
            event["hashes"]["sha256"] = json!(unusual_base64(&stated, random));
            resign(event, &sender, version);
            "the content hash in unusual base64"
        }
        7 => {
            let signatures = random.pick(&[
                json!(null),
                json!([]),
                json!("x"),
                json!({}),
                json!({"one.example": {}}),
                json!({"one.example": null}),
                json!({"one.example": "x"}),
                json!({"one.example": {"ed25519:a": 1}}),
                json!({"one.example": {"ed25519:a": null}}),
            ]);
            event["signatures"] = signatures;
            "signatures malformed"
        }
        8 => {
            event.as_object_mut().unwrap().remove(random.pick(&["signatures", "hashes"]));
            "signatures or hashes missing"
        }
        9 | 10 => {
            let (server, key_id) = (
                random.pick(&[sender.as_str(), TWO, THREE]).to_owned(),
                random.pick(&[UNKNOWN, OTHER_ALGORITHM, "nonsense", "ed25519:", GOOD]),
            );
            let signature = random.pick(&[json!("x"), json!(""), json!(1), json!(null), json!({})]);
            if random.chance(30) {
                event["signatures"][server.as_str()] = signature;
            } else {
                set_signature(event, &server, key_id, signature);
            }
            "junk among the signatures"
        }
        11 => {
            event["signatures"] = json!({});
            let key_id = random.pick(&[
                UNKNOWN,
                OTHER_ALGORITHM,
                EXPIRED,
                OUTDATED,
                WEAK,
                POLICY_SERVER,
                BAD_KEY_ID,
                ALSO_GOOD,
            ]);
            add_signature(event, &sender, key_id, message);
            "only a signature by another key"
        }
        12 | 13 => {
            let key_id = random.pick(&[
                UNKNOWN,
                OTHER_ALGORITHM,
                EXPIRED,
                OUTDATED,
                WEAK,
                POLICY_SERVER,
                BAD_KEY_ID,
                ALSO_GOOD,
            ]);
            add_signature(event, &sender, key_id, message);
            "a second signature by another key"
        }
        14 | 15 => {
            let key_id = random.pick(&[EXPIRED, OUTDATED, POLICY_SERVER, BAD_KEY_ID, ALSO_GOOD]);
            set_signature(
                event,
                &sender,
                key_id,
                json!(base64(&sign(&sender, key_id, b"something else"))),
            );
            "a second signature that does not fit"
        }
        16 | 17 => {
            let good = base64(&sign(&sender, GOOD, message));
            set_signature(event, &sender, GOOD, json!(unusual_base64(&good, random)));
            "the signature in unusual base64"
        }
        18 => {
            let signature = sign(&sender, GOOD, message);
            let cut = random.pick(&[0, 1, 32, 63]);
            set_signature(event, &sender, GOOD, json!(base64(&signature[..cut])));
            "the signature cut short"
        }
        19 => {
            let mut signature = sign(&sender, GOOD, message);
            signature[random.below(64)] ^= 1 << random.below(8);
            set_signature(event, &sender, GOOD, json!(base64(&signature)));
            "a bit of the signature turned"
        }
        20 => {
            set_signature(
                event,
                &sender,
                GOOD,
                json!(base64(&sign_with_small_order(&sender, GOOD, message))),
            );
            "a signature with a point of small order"
        }
        21 => {
            event["unsigned"] = random.pick(&[
                json!({"age": 1}),
                json!({"age": raw("1.5")}),
                json!({"redacted_because": {"a": raw("1e3")}}),
                json!({"a": raw("-0")}),
                json!({"a": raw("1E400")}),
                json!(null),
            ]);
            "unsigned changed"
        }
        22 => {
            add_signature(event, TWO, GOOD, b"something else");
            "a wrong signature of another server"
        }
        _ => {
            event["org.example.added"] = anything(random, 2);
            "a field added"
        }
    }
}

fn resign(event: &mut Value, server: &str, version: &str) {
    let message = signed_form(event, version, false);
    add_signature(event, server, GOOD, &message);
}

fn unusual_base64(text: &str, random: &mut Random) -> String {
    match random.below(6) {
        0 => format!("{text}="),
        1 => format!("{text}=="),
        2 => text.replace('+', "-").replace('/', "_"),
        // The last character holds two or four bits that do not count.
        3 => {
            let last = text.chars().last().unwrap_or('A');
            const ALPHABET: &str =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let index = ALPHABET.find(last).unwrap_or(0) | 1;
            format!("{}{}", &text[..text.len().saturating_sub(1)], &ALPHABET[index..=index])
        }
        4 => format!("{text} "),
        _ => format!("{text}===="),
    }
}

/// Damages the text itself.
fn damage(text: &mut Vec<u8>, random: &mut Random) -> &'static str {
    let at = random.below(text.len());
    match random.below(6) {
        0 => {
            text[at] ^= 1 << random.below(8);
            "a bit of the text turned"
        }
        1 => {
            text.truncate(at);
            "the text cut short"
        }
        2 => {
            text.extend_from_slice(random.pick(&[
                b"x".as_slice(),
                b" ",
                b"{}",
                b"\0",
                b"]",
                b"\n\n",
            ]));
            "something after the text"
        }
        3 => {
            text.insert(at, random.pick(&[0xff, 0xc0, 0x80, 0xed, 0]));
            "a byte put in that is no UTF-8"
        }
        4 => {
            text.splice(0..0, *b"\xef\xbb\xbf");
            "a byte order mark"
        }
        _ => {
            text.remove(at);
            "a byte taken away"
        }
    }
}
