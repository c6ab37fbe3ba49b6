//! The table of codes: complete, consistent, and nothing in it that cannot happen.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::Path;

use common::make::{
    FETCHED, ONE, TS, draft, key_answer, key_response, lacking, one, one_b, parsed, references,
    ring_of, room_version, sign, sign_by, state, versions, with,
};
use common::model::{self, Signer25519};
use common::{Room, data, files, json_lines};
use fedproof::acl::ServerAcl;
use fedproof::codes::{self, Code, Kind};
use fedproof::event::signatures::ServerFailure;
use fedproof::host::HostErrorKind;
use fedproof::identifiers::ServerName;
use fedproof::json::{Numbers, parse};
use fedproof::keys::{Dalek, KeyRefusal, KeyResponse, KeyRing, SigningKey};
use fedproof::reader::EventReader;
use fedproof::receive::{self, Options};
use fedproof::room_version::RoomVersion;
use fedproof::verdict::{CheckResult, Outcome, Verdict};
use serde_json::{Value, json};

/// The identity of the curve, and 32 zeros.
const IDENTITY: [u8; 64] = {
    let mut bytes = [0; 64];
    bytes[0] = 1;
    bytes
};

/// How codes of errors begin that are about what other servers hand over, and about state
/// resolution: the bindings give them.
const HANDED_OVER: [&str; 2] = ["template_", "join_answer_"];
const RESOLUTION: [&str; 1] = ["resolve_"];
/// And about server discovery: its own tests give them.
const DISCOVERY: [&str; 1] = ["discovery_"];

/// How codes begin that are about requests: what they say is refused, or waits for a key.
const REQUESTS: [&str; 2] = ["authorization_", "request_"];

fn is_of_requests(code: &str) -> bool {
    REQUESTS.iter().any(|prefix| code.starts_with(prefix))
}
/// The same for those about answers of other servers, which the functions of `federation` give.
const ANSWERS: [&str; 3] = ["answer_", "remote_", "transaction_"];
const GIVEN: [&str; 1] = ["given_state_"];
/// And about new events of ours.
const DRAFTS: [&str; 1] = ["draft_"];

/// The codes of errors that begin so, in order.
fn of_errors(prefixes: &[&str]) -> BTreeSet<&'static str> {
    let begins = |code: &&str| prefixes.iter().any(|prefix| code.starts_with(prefix));
    table(Kind::Error).into_iter().filter(begins).collect()
}

/// Keys that no test signs well with: current, old, leaked, weak.
fn ring() -> KeyRing {
    let leaked = "l/O9hxMVKB6Lg+3Hqf0FQQZhVESQcMzbPN1Cz2nM3og";
    let mut answer = key_answer(&[&one()], &[(&one_b(), TS - 1)], FETCHED);
    answer["verify_keys"]["ed25519:leaked"] = json!({"key": leaked});
    answer["verify_keys"]["ed25519:weak"] = json!({"key": model::base64(&IDENTITY[..32])});
    ring_of(&[key_response(&answer, &[&one()])], FETCHED)
}

/// The event with these in place of the signatures of its server.
fn signed_with(event: Value, signatures: Value) -> String {
    with(event, "/signatures", json!({ONE: signatures})).to_string()
}

/// An event for every code of checks 1 to 3 and for every flag of theirs.
fn examples() -> Vec<(&'static str, u8, Vec<u8>)> {
    let event = |number| sign(&draft(number), number);
    let changed = |number, pointer, value| with(event(number), pointer, value).to_string();
    let resigned =
        |number, pointer, value| sign(&with(draft(number), pointer, value), number).to_string();
    let junk = "A".repeat(86);
    let body = |length: usize| json!({"body": "x".repeat(length)});
    let sized = |bytes: usize| {
        let empty = resigned(11, "/content", body(0)).len();
        resigned(11, "/content", body(bytes - empty))
    };
    let url_safe = (0..)
        .map(|depth| resigned(11, "/depth", json!(depth)))
        .find(|event| event.contains('+'))
        .unwrap();
    // R is the identity and S is 0: that fits the weak key whatever the message.
    let small_order = model::base64(&IDENTITY);
    let mut texts = vec![
        ("json_syntax", 11, "{".to_owned()),
        ("json_lone_surrogate", 11, r#"{"a":"\ud800"}"#.to_owned()),
        ("json_control_character", 11, "{\"a\":\"\u{1}\"}".to_owned()),
        ("json_trailing_data", 11, "{}{}".to_owned()),
        ("json_number_overflow", 1, r#"{"a":1e999}"#.to_owned()),
        ("json_too_deep", 11, "[".repeat(128)),
        ("not_an_object", 11, "[]".to_owned()),
        ("number_not_integer", 11, r#"{"a":1.5}"#.to_owned()),
        ("integer_out_of_range", 11, r#"{"a":9007199254740992}"#.to_owned()),
        ("event_too_large", 11, sized(65_537)),
        ("field_missing", 11, lacking(event(11), "depth").to_string()),
        ("field_wrong_type", 11, changed(11, "/depth", json!("1"))),
        ("field_too_long", 11, changed(11, "/type", json!("x".repeat(256)))),
        ("sender_invalid", 11, changed(11, "/sender", json!("x"))),
        ("room_id_invalid", 11, changed(11, "/room_id", json!("x"))),
        ("event_id_invalid", 1, changed(1, "/event_id", json!("x"))),
        ("event_id_present", 11, changed(11, "/event_id", json!("$x"))),
        ("too_many_prev_events", 11, changed(11, "/prev_events", references(11, 21))),
        ("too_many_auth_events", 11, changed(11, "/auth_events", references(11, 11))),
        ("reference_malformed", 11, changed(11, "/prev_events", json!([1]))),
        ("depth_negative", 11, changed(11, "/depth", json!(-1))),
        ("depth_too_large", 1, changed(1, "/depth", json!(u64::MAX))),
        ("timestamp_out_of_range", 1, changed(1, "/origin_server_ts", json!(u64::MAX))),
        ("signatures_malformed", 11, changed(11, "/signatures", json!({"x": 1}))),
        ("content_hash_missing", 11, changed(11, "/hashes", json!({}))),
        ("signature_missing", 11, changed(11, "/signatures", json!({}))),
        ("signature_unknown_algorithm", 11, signed_with(event(11), json!({"rsa:1": "x"}))),
        ("signature_malformed", 11, signed_with(event(11), json!({"ed25519:a": "x"}))),
        ("signature_invalid", 11, signed_with(event(11), json!({"ed25519:a": junk}))),
        ("signature_key_expired", 11, sign_by(&draft(11), 11, &[&one_b()]).to_string()),
        ("signature_key_refused", 11, signed_with(event(11), json!({"ed25519:leaked": junk}))),
        ("signature_key_unknown", 11, signed_with(event(11), json!({"ed25519:x": junk}))),
        (
            "signature_key_missing",
            11,
            sign_by(
                &with(draft(11), "/sender", json!("@a:elsewhere")),
                11,
                &[&Signer25519::new("elsewhere", "ed25519:a")],
            )
            .to_string(),
        ),
        ("content_hash_mismatch", 11, changed(11, "/content/body", json!("x"))),
        ("duplicate_keys", 11, event(11).to_string().replacen('{', "{\"type\":1,", 1)),
        (
            "negative_zero",
            11,
            resigned(11, "/depth", json!(0)).replace("\"depth\":0", "\"depth\":-0"),
        ),
        ("ed25519_divergent", 11, signed_with(event(11), json!({"ed25519:weak": small_order}))),
        ("byte_limit_divergent", 10, resigned(10, "/type", json!("é".repeat(200)))),
        ("depth_limit_divergent", 5, resigned(5, "/depth", json!(i64::MAX))),
        ("url_safe_base64", 11, {
            let mut event: Value = serde_json::from_str(&url_safe).unwrap();
            let signature = event["signatures"][ONE]["ed25519:a"].as_str().unwrap();
            let signature = signature.replace('+', "-").replace('/', "_");
            event["signatures"][ONE]["ed25519:a"] = json!(signature);
            event.to_string()
        }),
        ("unsigned_oversized", 11, changed(11, "/unsigned", json!({"x": "x".repeat(66_000)}))),
        ("unsigned_malformed", 11, changed(11, "/unsigned", json!(1))),
        ("size_limit_divergent", 11, sized(65_536)),
        ("auth_events_limit_divergent", 12, resigned(12, "/auth_events", references(12, 10))),
    ];
    let mut examples: Vec<_> =
        texts.drain(..).map(|(code, number, text)| (code, number, text.into_bytes())).collect();
    examples.push(("json_invalid_utf8", 11, b"{\"a\":\"\xff\"}".to_vec()));
    examples
}

fn verdict(number: u8, text: &[u8], ring: &KeyRing) -> Verdict {
    receive::verify(text, room_version(number), ring, Options::default())
}

/// The codes of a kind, in order.
fn table(kind: Kind) -> BTreeSet<&'static str> {
    codes::ALL.iter().filter(|entry| entry.kind == kind).map(|entry| entry.code).collect()
}

/// The codes that checks of these numbers give, in order.
fn of_checks(numbers: RangeInclusive<u8>) -> BTreeSet<&'static str> {
    let given = |entry: &&Code| entry.check.is_some_and(|check| numbers.contains(&check));
    codes::ALL.iter().filter(given).map(|entry| entry.code).collect()
}

/// The codes of verdicts that decide so, in order.
fn of_effects(effects: &[&str]) -> BTreeSet<&'static str> {
    let decides = |entry: &&Code| entry.effect.is_some_and(|effect| effects.contains(&effect));
    codes::ALL.iter().filter(decides).map(|entry| entry.code).collect()
}

/// Flags that only checks 4 to 7 give.
const FLAGS_OF_ROOMS: [&str; 6] = [
    "create_room_version_differs",
    "power_events_inside_full_conflicted_set_only",
    "partial_state",
    "power_level_divergent",
    "reference_hash_mismatch",
    "signatures_unchecked",
];

/// Flags that only requests have.
const FLAGS_OF_REQUESTS: [&str; 6] = [
    "authorization_divergent",
    "authorization_no_destination",
    "authorization_scheme_case",
    "authorization_unquoted",
    "content_number_divergent",
    "several_origins_divergent",
];

/// The codes and flags that an event gives by itself: by checks 1 to 3.
fn of_events() -> BTreeSet<&'static str> {
    let flags = &(&table(Kind::Flag) - &FLAGS_OF_ROOMS.into()) - &FLAGS_OF_REQUESTS.into();
    &of_checks(1..=3) | &flags
}

/// Which of these codes no text names, in quotes.
fn unnamed(codes: BTreeSet<&'static str>, files: &[&str]) -> Vec<&'static str> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let read = |file: &&str| std::fs::read_to_string(folder.join(file)).unwrap();
    let text: String = files.iter().map(read).collect();
    codes.into_iter().filter(|code| !text.contains(&format!("\"{code}\""))).collect()
}

#[test]
fn every_code_of_checks_1_to_3_and_every_flag_of_theirs_has_an_example() {
    let ring = ring();
    let mut seen = BTreeSet::new();
    for (code, number, text) in examples() {
        let verdict = verdict(number, &text, &ring);
        let gives = |check: &fedproof::verdict::Check| check.code == Some(code);
        let given = verdict.checks.iter().any(gives) || verdict.flags.contains(&code);
        assert!(given, "the example of {code} gives another verdict: {verdict:#?}");
        seen.insert(code);
    }
    assert_eq!(seen, of_events());
}

#[test]
fn every_code_of_checks_4_to_7_and_every_flag_of_theirs_has_a_test() {
    let files = [
        "auth_events.rs",
        "auth_members.rs",
        "auth_levels.rs",
        "receive.rs",
        "room_given.rs",
        "state_rows.rs",
    ];
    assert_eq!(unnamed(of_checks(4..=7), &files), [""; 0]);
    assert_eq!(unnamed(FLAGS_OF_ROOMS.into(), &files), [""; 0]);
}

#[test]
fn every_code_about_what_is_handed_over_has_a_test() {
    let mut codes = &of_errors(&HANDED_OVER) | &of_effects(&["refused"]);
    codes.retain(|code| !is_of_requests(code));
    assert_eq!(unnamed(codes, &["js/handover.test.mjs", "room_given.rs"]), [""; 0]);
    assert_eq!(unnamed(of_errors(&GIVEN), &["room_given.rs"]), [""; 0]);
    assert_eq!(unnamed(of_errors(&DRAFTS), &["room_draft.rs"]), [""; 0]);
}

#[test]
fn every_code_and_flag_about_requests_has_a_test() {
    let mut codes: BTreeSet<_> = codes::ALL.iter().map(|entry| entry.code).collect();
    codes.retain(|code| is_of_requests(code));
    codes.extend(FLAGS_OF_REQUESTS);
    assert_eq!(unnamed(codes.clone(), &["request_auth.rs"]), [""; 0]);
    assert_eq!(unnamed(codes, &["js/request-auth.test.mjs"]), [""; 0]);
}

#[test]
fn every_code_about_server_discovery_has_a_test() {
    let codes = &of_errors(&DISCOVERY) | &table(Kind::Trace);
    assert_eq!(unnamed(codes, &["discovery.rs", "data/discovery.json"]), [""; 0]);
}

#[test]
fn every_code_about_answers_has_a_test() {
    assert_eq!(unnamed(of_errors(&ANSWERS), &["federation_answers.rs"]), [""; 0]);
}

#[test]
fn every_code_of_an_acl_has_an_example() {
    let content = json!({"allow": ["a"], "deny": ["d"], "allow_ip_literals": false});
    let acl = ServerAcl::from_content(parsed(&content).value());
    let none = ServerAcl::none();
    let names = ["a", "d", "x", "1.2.3.4", ""];
    let mut seen = BTreeSet::new();
    for decision in names.map(|name| acl.check(name)).into_iter().chain([none.check("a")]) {
        let entry = codes::find(decision.code()).unwrap_or_else(|| panic!("{decision:?}"));
        let effect = if decision.allowed() { "allowed" } else { "denied" };
        assert_eq!((entry.kind, entry.check), (Kind::Verdict, None));
        assert_eq!(entry.effect, Some(effect), "{decision:?}");
        seen.insert(entry.code);
    }
    assert_eq!(seen, of_effects(&["allowed", "denied"]));
}

/// What the table says of the codes in a verdict.
#[track_caller]
fn assert_as_in_the_table(verdict: &Verdict) {
    for flag in &verdict.flags {
        assert_eq!(codes::find(flag).map(|entry| entry.kind), Some(Kind::Flag), "the flag {flag}");
    }
    assert!(verdict.flags.is_sorted_by(|a, b| a < b), "{:?}", verdict.flags);
    let failed = |check: &&fedproof::verdict::Check| check.code.is_some();
    for check in verdict.checks.iter().filter(failed) {
        let entry =
            codes::find(check.code.unwrap()).unwrap_or_else(|| panic!("{check:?} is not listed"));
        assert_eq!((entry.kind, entry.check), (Kind::Verdict, Some(check.check)));
        let effect = match (check.check, check.result) {
            (3, CheckResult::Fail) => "redacted",
            (_, CheckResult::Fail) => "dropped",
            (_, CheckResult::Incomplete) => "incomplete",
            other => panic!("{other:?} has a code"),
        };
        assert_eq!(entry.effect, Some(effect), "{check:?}");
        // The first failure decides.
        let outcome = match effect {
            "dropped" => Outcome::Dropped,
            "incomplete" => Outcome::Incomplete,
            _ => verdict.outcome,
        };
        assert_eq!(verdict.outcome, outcome);
    }
    assert_eq!(verdict.checks.iter().map(|check| check.check).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn verdicts_are_as_the_table_says() {
    let ring = ring();
    for (_, number, text) in examples() {
        // In every version, whatever comes of it there.
        for (other, _) in versions() {
            assert_as_in_the_table(&verdict(other, &text, &ring));
        }
        assert_as_in_the_table(&verdict(number, &text, &KeyRing::default()));
    }
    for path in files(&data("rooms")) {
        let room = Room::load(&path);
        for pdu in &room.pdus {
            let options = Options::default();
            assert_as_in_the_table(&receive::verify(pdu, room.version, &room.ring, options));
        }
    }
}

#[test]
fn what_the_corpus_expects_is_in_the_table() {
    let mut seen = BTreeSet::new();
    for path in files(&data("adversarial")) {
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for row in json_lines(&path) {
            let expect = &row["expect"];
            let refused = expect["refused"].as_array().into_iter().flatten().map(|pair| &pair[1]);
            let flags = expect["flags"].as_array().into_iter().flatten();
            let codes = [&expect["code"], &expect["error"]].into_iter();
            for code in codes.chain(refused).chain(flags).filter_map(Value::as_str) {
                assert!(codes::find(code).is_some(), "{}: {code} is not listed", row["id"]);
                seen.insert(code.to_owned());
            }
        }
    }
    for code in of_events() {
        assert!(seen.contains(code), "no line of the corpus gives {code}");
    }
}

#[test]
fn errors_are_in_the_table() {
    let refusals = [
        KeyRefusal::Invalid,
        KeyRefusal::Weak,
        KeyRefusal::Leaked(""),
        KeyRefusal::Conflict,
        KeyRefusal::NoExpiry,
        KeyRefusal::KeyId,
    ];
    let mut given: BTreeSet<&str> = refusals.iter().map(|refusal| refusal.code()).collect();
    let response = |answer: &[u8], asked| {
        KeyResponse::verify(answer, asked, FETCHED, &Dalek).unwrap_err().code()
    };
    let answer = key_answer(&[&one()], &[], FETCHED);
    let signed = key_response(&answer, &[&one()]);
    let wrong = with(answer.clone(), "/signatures", json!({ONE: {"ed25519:a": "x"}}));
    given.extend([
        response(b"{}", None),
        response(answer.to_string().as_bytes(), None),
        response(wrong.to_string().as_bytes(), None),
        response(&signed, Some("other.example")),
        SigningKey::from_seed("x", &[0; 32]).unwrap_err().code(),
        SigningKey::from_seed("ed25519:x", &[]).unwrap_err().code(),
        SigningKey::from_key_file("").unwrap_err().code(),
        EventReader::new(false).end().unwrap_err().code(),
        EventReader::new(false).push(b"x").unwrap_err().code(),
    ]);
    given.extend(HostErrorKind::ALL.map(HostErrorKind::code));
    for code in &given {
        assert_eq!(codes::find(code).map(|entry| entry.kind), Some(Kind::Error), "{code}");
    }
    // The rest is given by the bindings, or by the JavaScript face.
    assert!(RoomVersion::get("13").is_err() && ServerName::parse("").is_err());
    let outside = [
        "unknown_room_version",
        "server_name_invalid",
        "request_content_unexpected",
        "random_unavailable",
        "invalid_argument",
        "invalid_option",
        "lossy_object",
        "not_initialised",
        "key_disposed",
        "wasm_trap",
        "aborted",
        "timed_out",
        "callback_failed",
        // Conversations of tests/client.rs and tests/client_keys.rs.
        "signing_key_missing",
        "server_left_alone",
        "no_server_helped",
    ];
    given.extend(outside);
    given.extend(of_errors(&HANDED_OVER));
    given.extend(of_errors(&RESOLUTION));
    given.extend(of_errors(&DISCOVERY));
    given.extend(of_errors(&ANSWERS));
    given.extend(of_errors(&GIVEN));
    given.extend(of_errors(&DRAFTS));
    assert_eq!(given, table(Kind::Error));
}

#[test]
fn json_errors_and_server_failures_are_in_the_table() {
    for text in ["", "1 2", "\"\\ud800\"", "\"\n\"", &"[".repeat(128)] {
        let code = parse(text.as_bytes(), Numbers::Keep).unwrap_err().code();
        assert_eq!(codes::find(code).unwrap().check, Some(1), "{code}");
    }
    use ServerFailure as F;
    for failure in [
        F::Missing,
        F::UnknownAlgorithm,
        F::Malformed,
        F::Invalid,
        F::KeyExpired,
        F::KeyRefused,
        F::KeyUnknown,
        F::KeyMissing,
    ] {
        assert_eq!(codes::find(failure.code()).unwrap().check, Some(2), "{}", failure.code());
    }
}

#[test]
fn the_table_is_consistent() {
    let unique: BTreeSet<_> = codes::ALL.iter().map(|entry| entry.code).collect();
    assert_eq!(unique.len(), codes::ALL.len(), "a code stands twice");
    for entry in codes::ALL {
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(entry.code.chars().all(letters), "{}", entry.code);
        assert!(entry.summary.ends_with('.'), "{}", entry.code);
        assert!(entry.spec.starts_with("https://spec.matrix.org/v1.19/"), "{}", entry.code);
        let elsewhere = ["allowed", "denied", "refused"];
        let of_check = entry.effect.is_some_and(|effect| !elsewhere.contains(&effect))
            && !is_of_requests(entry.code);
        assert_eq!(entry.check.is_some(), of_check, "{}", entry.code);
        assert_eq!(entry.effect.is_some(), entry.kind == Kind::Verdict, "{}", entry.code);
        assert_eq!(codes::find(entry.code).unwrap().code, entry.code);
    }
    assert!(codes::find("").is_none() && codes::find("Json_syntax").is_none());
    let check = serde_json::to_value(codes::ALL).unwrap();
    assert_eq!(check[0]["kind"], "verdict");
}

#[test]
fn a_verdict_as_json_has_the_promised_form() {
    let member = state(11, "m.room.member", "@alice:one.example", json!({"membership": "join"}));
    let event = with(sign(&member, 11), "/content/displayname", json!("x"));
    let verdict = verdict(11, event.to_string().as_bytes(), &ring());
    let json = serde_json::to_value(&verdict).unwrap();
    assert_eq!(json["event_id"], model::event_id(&event, 11));
    assert_eq!(json["room_version"], "11");
    assert_eq!(json["type"], "m.room.member");
    assert_eq!(json["state_key"], "@alice:one.example");
    assert_eq!((&json["outcome"], &json["redacted"]), (&json!("accepted"), &json!(true)));
    assert_eq!(json["flags"], json!([]));
    let names: Vec<_> = (0..3).map(|n| json["checks"][n]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["format", "signatures", "hash"]);
    let results: Vec<_> = (0..3).map(|n| json["checks"][n]["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["pass", "pass", "fail"]);
    assert_eq!(json["checks"][2]["code"], "content_hash_mismatch");
    for key in ["rule", "code", "reason", "evidence", "missing"] {
        assert!(json["checks"][0].get(key).is_none(), "{key}");
    }
    // What the event does not have is absent, not null.
    let nothing = serde_json::to_value(receive::too_long(1, room_version(11))).unwrap();
    for key in ["event_id", "type", "state_key", "sender"] {
        assert!(nothing.get(key).is_none(), "{key}");
    }
    assert_eq!(nothing["checks"][1]["result"], "skip");
}
