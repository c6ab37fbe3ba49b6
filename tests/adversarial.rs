//! The corpus of hostile inputs (tests/data/adversarial, made by tests/tools): each line's outcome,
//! check, code, redaction, event ID, flags and missing keys, exactly.

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

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::make::failure;
use common::{data, files, json_lines};
use fedproof::acl::ServerAcl;
use fedproof::encoding;
use fedproof::event::redaction::{self, Form};
use fedproof::event::{FormatError, Limits, hashes};
use fedproof::json::{Canonical, Numbers, parse};
use fedproof::keys::{KeyResponse, KeyRing};
use fedproof::receive::{self, Given, GivenEvents, Options};
use fedproof::room_version::RoomVersion;
use fedproof::verdict::{Check, CheckResult, Outcome, Verdict};
use serde_json::{Value, json};

/// The bytes that a line gives under `name`, `name_base64` or `name_repeat`.
fn bytes(line: &Value, name: &str) -> Vec<u8> {
    if let Some(text) = line[name].as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(text) = line[format!("{name}_base64")].as_str() {
        return STANDARD.decode(text).unwrap();
    }
    let pieces = line[format!("{name}_repeat")].as_array().unwrap();
    let repeat = |piece: &Value| {
        piece[0].as_str().unwrap().repeat(piece[1].as_u64().unwrap().try_into().unwrap())
    };
    pieces.iter().map(repeat).collect::<String>().into_bytes()
}

fn version(line: &Value) -> &'static RoomVersion {
    RoomVersion::get(line["room_version"].as_str().unwrap()).unwrap()
}

fn options(line: &Value) -> Options {
    let backfill = line["options"]["backfill"] == true;
    let limits = if backfill { Limits::Backfill } else { Limits::All };
    Options { limits, ..Options::default() }
}

fn ring(line: &Value) -> KeyRing {
    let fetched_ts = line["fetched_ts"].as_i64().unwrap();
    let mut ring = KeyRing::default();
    for answer in line["keys"].as_array().unwrap() {
        let answer = answer.as_str().unwrap().as_bytes();
        ring.add(KeyResponse::verify(answer, None, fetched_ts, ring.check()).unwrap());
    }
    ring
}

/// A verdict in the words of the corpus.
fn in_short(verdict: &Verdict) -> Value {
    let mut short = json!({
        "outcome": verdict.outcome,
        "redacted": verdict.redacted,
        "flags": verdict.flags,
    });
    if verdict.outcome != Outcome::Dropped {
        short["event_id"] = json!(verdict.event_id);
    }
    if let Some((check, code)) = failure(verdict) {
        short["check"] = json!(check);
        short["code"] = json!(code);
    }
    let missing = &verdict.checks[1].missing;
    if !missing.is_empty() {
        short["missing"] = json!(missing);
    }
    short
}

/// An object whose numbers are allowed.
fn object(bytes: &[u8], strict: bool) -> Result<Canonical, FormatError> {
    let json = parse(bytes, Numbers::Keep)?;
    if !json.is_object() {
        return Err(FormatError::NotAnObject { found: json.value().kind().name() });
    }
    match json.first_bad_number(strict, Some("unsigned")) {
        Some(defect) => Err(FormatError::Number(defect)),
        None => Ok(json),
    }
}

/// What a function of values gives.
fn call(line: &Value) -> Result<String, &'static str> {
    let input = bytes(line, "input");
    match line["call"].as_str().unwrap() {
        "canonical_json" => {
            let mode = line["numbers"].as_str().unwrap();
            let numbers = if mode == "lenient" { Numbers::Integral } else { Numbers::Keep };
            let json = parse(&input, numbers).map_err(|error| error.code())?;
            match json.first_bad_number(mode != "historical", None) {
                Some(defect) => Err(FormatError::Number(defect).code()),
                None => Ok(json.as_str().to_owned()),
            }
        }
        "content_hash" => {
            let json = object(&input, false).map_err(|error| error.code())?;
            Ok(encoding::encode(&hashes::content_hash(&json)))
        }
        by_room_version => {
            let version = line["room_version"].as_str().unwrap();
            let version = RoomVersion::get(version).map_err(|_| "unknown_room_version")?;
            let event =
                object(&input, version.strict_canonical_json).map_err(|error| error.code())?;
            of_event(by_room_version, &event, version)
        }
    }
}

fn of_event(call: &str, event: &Canonical, version: &RoomVersion) -> Result<String, &'static str> {
    let hash = hashes::reference_hash(event, version);
    match call {
        "reference_hash" => Ok(hashes::encode_reference_hash(&hash, version)),
        "event_id" => hashes::event_id(event, &hash, version).ok_or("field_missing"),
        "redact" => {
            let mut out = Vec::new();
            redaction::write_redacted(event, version.redaction, Form::Event, &mut out);
            Ok(String::from_utf8(out).unwrap())
        }
        other => panic!("{other} is no function"),
    }
}

/// What becomes of a key response, in the words of the corpus.
fn server_keys(line: &Value) -> Value {
    let mut ring = KeyRing::default();
    let fetched_ts = line["fetched_ts"].as_i64().unwrap();
    match KeyResponse::verify(&bytes(line, "input"), None, fetched_ts, ring.check()) {
        Err(error) => json!({"error": error.code()}),
        Ok(response) => {
            let flags: &[&str] = if response.url_safe { &["url_safe_base64"] } else { &[] };
            let all: Vec<_> = response.keys.iter().map(|(key_id, _)| key_id.clone()).collect();
            let refused = ring.add(response);
            let without = |key_id: &&String| refused.iter().all(|r| r.key_id != **key_id);
            let taken: Vec<_> = all.iter().filter(without).collect();
            let refused: Vec<_> = refused.iter().map(|r| (&r.key_id, r.refusal.code())).collect();
            json!({"keys": taken, "refused": refused, "flags": flags})
        }
    }
}

/// All lines of the corpus, but those of key responses.
fn lines() -> Vec<Value> {
    let files = files(&data("adversarial"));
    let files = files.iter().filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    files.flat_map(|path| json_lines(path)).collect()
}

/// The calls that are about a room, or its ACL.
const OF_ROOMS: [&str; 3] = ["check_auth", "receive", "acl"];

#[test]
fn every_event_of_the_corpus() {
    let mut judged = 0;
    for line in lines().iter().filter(|line| line["call"].is_null()) {
        let event = bytes(line, "event");
        let verdict = receive::verify(&event, version(line), &ring(line), options(line));
        assert_eq!(in_short(&verdict), line["expect"], "{} {}", line["id"], line["what"]);
        judged += 1;
    }
    assert!(judged > 1900, "only {judged} events");
}

#[test]
fn every_value_of_the_corpus() {
    let mut called = 0;
    for line in lines().iter().filter(|line| {
        !line["call"].is_null()
            && line["call"] != "server_keys"
            && !OF_ROOMS.iter().any(|call| line["call"] == *call)
    }) {
        let expect = &line["expect"];
        let expected = match expect["error"].as_str() {
            Some(code) => Err(code.to_owned()),
            None => Ok(String::from_utf8(bytes(expect, "text")).unwrap()),
        };
        let found = call(line).map_err(str::to_owned);
        assert_eq!(found, expected, "{} {}", line["id"], line["what"]);
        called += 1;
    }
    assert!(called > 400, "only {called} calls");
}

#[test]
fn every_key_response_of_the_corpus() {
    let mut seen = 0;
    for line in lines().iter().filter(|line| line["call"] == "server_keys") {
        assert_eq!(server_keys(line), line["expect"], "{} {}", line["id"], line["what"]);
        seen += 1;
    }
    assert!(seen > 60, "only {seen} key responses");
}

/// One bad event never changes what becomes of the others: all events that are judged alike are judged
/// in one batch, too, and each gets the verdict it has alone.
#[test]
fn a22_all_in_one_batch() {
    let mut batches: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in lines().into_iter().filter(|line| line["call"].is_null()) {
        let judged_by =
            json!([line["room_version"], line["keys"], line["fetched_ts"], line["options"]]);
        batches.entry(judged_by.to_string()).or_default().push(line);
    }
    let mut largest = 0;
    for lines in batches.values() {
        let (version, options, ring) = (version(&lines[0]), options(&lines[0]), ring(&lines[0]));
        let events: Vec<_> = lines.iter().map(|line| bytes(line, "event")).collect();
        let verdicts =
            receive::verify_all(events.iter().map(Vec::as_slice), version, &ring, options);
        assert_eq!(verdicts.len(), lines.len());
        for (verdict, line) in verdicts.iter().zip(lines) {
            assert_eq!(in_short(verdict), line["expect"], "{} {}", line["id"], line["what"]);
        }
        largest = largest.max(lines.len());
    }
    assert!(largest > 50, "the largest batch has {largest} events");
}

/// A list of events that a line gives.
fn events<'a>(line: &'a Value, name: &str) -> Option<Vec<&'a [u8]>> {
    let list = line[name].as_array()?;
    Some(list.iter().map(|event| event.as_str().unwrap().as_bytes()).collect())
}

/// The verdict on an event of a room.
fn judge_in_room(line: &Value) -> Verdict {
    let event = bytes(line, "event");
    let given = GivenEvents {
        auth_events: events(line, "auth_events"),
        state: events(line, "state"),
        current_state: events(line, "current_state"),
        create_event: line["create_event"].as_str().map(str::as_bytes),
        rejected: line["rejected"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|id| id.as_str().unwrap().to_owned())
            .collect(),
    };
    let given = Given::read(&given, version(line));
    let keys = (!line["keys"].is_null()).then(|| ring(line));
    if line["call"] == "receive" {
        given.receive(&event, &keys.unwrap_or_default(), Options::default())
    } else {
        given.check_auth(&event, keys.as_ref(), Options::default())
    }
}

/// A verdict on an event of a room in the words of the corpus: the first check that did not pass, and
/// the one after that when the first was the hash.
fn in_room_in_short(verdict: &Verdict, expect: &Value) -> Value {
    let failed: Vec<_> = verdict
        .checks
        .iter()
        .filter(|check| matches!(check.result, CheckResult::Fail | CheckResult::Incomplete))
        .collect();
    let mut short = json!({"outcome": verdict.outcome, "flags": verdict.flags});
    if !expect["event_id"].is_null() {
        short["event_id"] = json!(verdict.event_id);
    }
    if !expect["redacted"].is_null() {
        short["redacted"] = json!(verdict.redacted);
    }
    let describe = |short: &mut Value, check: &Check| {
        short["check"] = json!(check.check);
        short["code"] = json!(check.code);
        if check.rule.is_some() && check.result == CheckResult::Fail {
            short["rule"] = json!(check.rule);
        }
    };
    if let Some(check) = failed.first() {
        describe(&mut short, check);
        let result = &expect["result"];
        if !result.is_null() {
            short["result"] = json!(check.result);
        }
        if !check.missing.is_empty() && !expect["missing"].is_null() {
            let mut missing = check.missing.clone();
            missing.sort_unstable();
            short["missing"] = json!(missing);
        }
        if let (Some(next), 3) = (failed.get(1), check.check) {
            short["then"] = json!({});
            describe(&mut short["then"], next);
        }
    }
    short
}

#[test]
fn every_event_in_its_room_of_the_corpus() {
    let mut judged = 0;
    for line in
        lines().iter().filter(|line| line["call"] == "check_auth" || line["call"] == "receive")
    {
        let verdict = judge_in_room(line);
        let mut expect = line["expect"].clone();
        for list in ["flags", "missing"] {
            if let Some(list) = expect.get_mut(list).and_then(Value::as_array_mut) {
                list.sort_by_key(Value::to_string);
            }
        }
        let found = in_room_in_short(&verdict, &expect);
        assert_eq!(found, expect, "{} {}\n{verdict:#?}", line["id"], line["what"]);
        judged += 1;
    }
    assert!(judged > 2000, "only {judged} events");
}

#[test]
fn every_acl_of_the_corpus() {
    let mut asked = 0;
    for line in lines().iter().filter(|line| line["call"] == "acl") {
        let acl = parse(&bytes(line, "acl"), Numbers::Keep).unwrap();
        let acl = ServerAcl::from_event(&acl);
        let decision = acl.check(line["server_name"].as_str().unwrap());
        let found = json!({"allowed": decision.allowed(), "code": decision.code()});
        assert_eq!(found, line["expect"], "{} {}", line["id"], line["what"]);
        asked += 1;
    }
    assert!(asked > 100, "only {asked} ACLs");
}
