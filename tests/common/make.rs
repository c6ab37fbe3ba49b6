//! Events, keys and rings for tests, made by the model.

use std::sync::OnceLock;

use fedproof::event::FormatError;
use fedproof::json::{Canonical, Numbers, parse};
use fedproof::keys::{KeyResponse, KeyRing, KnownKey, PublicKey};
use fedproof::receive::{self, Options};
use fedproof::room_version::{ALL, RoomVersion};
use fedproof::verdict::{CheckResult, Outcome, Verdict};
use serde_json::{Value, json};

use super::model::{self, Signer25519};

/// When the events of the tests are made, and when the key responses are fetched.
pub const TS: i64 = 1_700_000_000_000;
pub const FETCHED: i64 = TS + 1000;

/// The server of the sender.
pub const ONE: &str = "one.example";
/// Another one.
pub const TWO: &str = "two.example";

pub fn one() -> Signer25519 {
    Signer25519::new(ONE, "ed25519:a")
}

/// Another key of the sender's server.
pub fn one_b() -> Signer25519 {
    Signer25519::new(ONE, "ed25519:b")
}

pub fn two() -> Signer25519 {
    Signer25519::new(TWO, "ed25519:a")
}

/// A version by its number.
pub fn room_version(number: u8) -> &'static RoomVersion {
    RoomVersion::get(&number.to_string()).unwrap()
}

/// All versions with their numbers.
pub fn versions() -> impl Iterator<Item = (u8, &'static RoomVersion)> {
    ALL.iter().map(|version| (version.id.parse().unwrap(), version))
}

pub fn room_id(version: u8) -> &'static str {
    if version >= 12 { "!4tSSl2Rl-bnXDAS_Dhd6QJCJIqpcdcCcrGYFnMYwGGI" } else { "!room:one.example" }
}

/// References as `prev_events` and `auth_events` have them.
pub fn references(version: u8, count: usize) -> Value {
    (0..count)
        .map(|index| {
            let hash = model::sha256(&index.to_string());
            match version {
                1 | 2 => {
                    json!([format!("$e{index}:one.example"), {"sha256": model::base64(&hash)}])
                }
                3 => json!(format!("${}", model::base64(&hash))),
                _ => json!(format!("${}", model::base64_url_safe(&hash))),
            }
        })
        .collect()
}

/// A whole event of a room version, without hashes and signatures.
pub fn draft(version: u8) -> Value {
    let mut event = json!({
        "type": "m.room.message",
        "sender": "@alice:one.example",
        "room_id": room_id(version),
        "origin_server_ts": TS,
        "content": {"body": "hello"},
        "depth": 7,
        "prev_events": references(version, 1),
        "auth_events": references(version, 2),
    });
    if version <= 2 {
        event["event_id"] = json!("$event:one.example");
    }
    event
}

/// A draft of another type, with a state key.
pub fn state(version: u8, event_type: &str, state_key: &str, content: Value) -> Value {
    let mut event = draft(version);
    event["type"] = json!(event_type);
    event["state_key"] = json!(state_key);
    event["content"] = content;
    event
}

/// The event with another value at a JSON pointer; `null` in `value` is a value too.
pub fn with(mut event: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[key] = value;
    event
}

/// The event without a top-level key.
pub fn lacking(event: Value, key: &str) -> Value {
    model::without(&event, &[key])
}

/// The event with its content hash and the signatures of `signers`.
pub fn sign_by(event: &Value, version: u8, signers: &[&Signer25519]) -> Value {
    let mut event = event.clone();
    event["hashes"] = json!({"sha256": model::content_hash(&event)});
    event["signatures"] = json!({});
    let message = model::signed_text(&event, version);
    for signer in signers {
        signer.add(&mut event, &message);
    }
    event
}

/// The event, hashed and signed by the sender's server.
pub fn sign(event: &Value, version: u8) -> Value {
    sign_by(event, version, &[&one()])
}

/// A `/_matrix/key/v2/server` answer, signed by `signers`.
pub fn key_response(answer: &Value, signers: &[&Signer25519]) -> Vec<u8> {
    let message = model::canonical(&model::without(answer, &["signatures", "unsigned"]));
    let mut answer = answer.clone();
    for signer in signers {
        signer.add(&mut answer, &message);
    }
    answer.to_string().into_bytes()
}

/// An answer that lists `current` and, with when they ended, `old` keys.
pub fn key_answer(
    current: &[&Signer25519],
    old: &[(&Signer25519, i64)],
    valid_until_ts: i64,
) -> Value {
    let mut answer = json!({
        "server_name": current[0].server, "valid_until_ts": valid_until_ts,
        "verify_keys": {}, "old_verify_keys": {},
    });
    for key in current {
        answer["verify_keys"][key.key_id] = json!({"key": key.public()});
    }
    for (key, expired_ts) in old {
        answer["old_verify_keys"][key.key_id] =
            json!({"key": key.public(), "expired_ts": expired_ts});
    }
    answer
}

/// A ring that has taken these answers, which were fetched at `fetched_ts`.
pub fn ring_of(answers: &[Vec<u8>], fetched_ts: i64) -> KeyRing {
    let mut ring = KeyRing::default();
    for answer in answers {
        ring.add(KeyResponse::verify(answer, None, fetched_ts, ring.check()).unwrap());
    }
    ring
}

/// A ring with the keys of [`one`] and [`two`].
pub fn ring() -> &'static KeyRing {
    static RING: OnceLock<KeyRing> = OnceLock::new();
    let answer = |key: Signer25519| key_response(&key_answer(&[&key], &[], FETCHED), &[&key]);
    RING.get_or_init(|| ring_of(&[answer(one()), answer(two())], FETCHED))
}

/// A key that is trusted without end.
pub fn known(signer: &Signer25519) -> KnownKey {
    KnownKey {
        key: PublicKey::from_base64(&signer.public()).unwrap(),
        valid_until_ts: None,
        expired_ts: None,
        fetched_ts: None,
    }
}

pub fn verify_text(text: &[u8], version: u8) -> Verdict {
    receive::verify(text, room_version(version), ring(), Options::default())
}

/// The verdict about an event as it is, with the keys of [`ring`].
pub fn verify(event: &Value, version: u8) -> Verdict {
    verify_text(event.to_string().as_bytes(), version)
}

/// The verdict about a draft: it is hashed and signed first.
pub fn verify_draft(draft: &Value, version: u8) -> Verdict {
    verify(&sign(draft, version), version)
}

/// The first check that did not pass, and its code.
pub fn failure(verdict: &Verdict) -> Option<(u8, &'static str)> {
    let failed = |result| matches!(result, CheckResult::Fail | CheckResult::Incomplete);
    verdict.checks.iter().find(|check| failed(check.result)).map(|check| {
        assert!(check.reason.as_ref().is_some_and(|reason| !reason.is_empty()), "{verdict:#?}");
        assert!(check.evidence.is_some(), "{verdict:#?}");
        (check.check, check.code.unwrap())
    })
}

/// Accepted whole, without a flag.
#[track_caller]
pub fn assert_accepted(verdict: &Verdict) {
    assert_flagged(verdict, &[]);
}

/// Accepted whole, with exactly these flags.
#[track_caller]
pub fn assert_flagged(verdict: &Verdict, flags: &[&str]) {
    assert_eq!(verdict.outcome, Outcome::Accepted, "{verdict:#?}");
    assert_eq!((verdict.redacted, failure(verdict)), (false, None), "{verdict:#?}");
    assert_eq!(verdict.flags, flags, "{verdict:#?}");
}

/// Dropped by `check` with `code`.
#[track_caller]
pub fn assert_dropped(verdict: &Verdict, check: u8, code: &str) {
    assert_eq!(verdict.outcome, Outcome::Dropped, "{verdict:#?}");
    assert_eq!(failure(verdict), Some((check, code)), "{verdict:#?}");
    assert!(!verdict.redacted);
}

/// Accepted redacted: the content hash differs.
#[track_caller]
pub fn assert_redacted(verdict: &Verdict) {
    assert_eq!(verdict.outcome, Outcome::Accepted, "{verdict:#?}");
    assert!(verdict.redacted);
    assert_eq!(failure(verdict), Some((3, "content_hash_mismatch")), "{verdict:#?}");
}

/// Parsed JSON.
pub fn parsed(value: &Value) -> Canonical {
    parse(value.to_string().as_bytes(), Numbers::Keep).unwrap()
}

/// What the plain canonicaliser says, or the code of why it does not. Numbers need not be strict.
pub fn canonicalise(input: &[u8], numbers: Numbers) -> Result<String, &'static str> {
    let json = parse(input, numbers).map_err(|error| error.code())?;
    match json.first_bad_number(false, None) {
        Some(defect) => Err(FormatError::Number(defect).code()),
        None => Ok(json.as_str().to_owned()),
    }
}
