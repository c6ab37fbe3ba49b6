//! Keys over the network: whom the client asks for them, and what it takes for one.
//!
//! The names of the tests are the rules' numbers.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use std::task::Poll;

use common::federation::{DAY, Fed, HERE, KEYS, answer, refusal};
use common::host::Reply;
use common::make::{ONE, TS, TWO, key_answer, key_response, one, one_b, two};
use common::model::{self, Signer25519};
use fedproof::codes;
use fedproof::federation::client::{BackOff, KeyReport, WantedKeys};
use fedproof::host::{Effect, HostErrorKind, HttpsAnswer, Notice, Operation};
use fedproof::keys::{KeyStanding, Moment};
use fedproof::receive::NeededKey;
use serde_json::{Value, json};

const NOTARY: &str = "notary.example";
const OTHER: &str = "other-notary.example";
const QUERY: &str = "POST /_matrix/key/v2/query";
const MINUTE: i64 = 60 * 1000;

fn notary() -> Signer25519 {
    Signer25519::new(NOTARY, "ed25519:n")
}

/// All keys of these servers.
fn all(servers: &[&str]) -> WantedKeys {
    servers.iter().map(|server| ((*server).to_owned(), vec![])).collect()
}

/// One key.
fn key(server: &str, key_id: &str, until: Option<i64>) -> WantedKeys {
    let needed = NeededKey {
        server: server.to_owned(),
        key_id: key_id.to_owned(),
        minimum_valid_until_ts: until,
    };
    [(server.to_owned(), vec![needed])].into()
}

fn fetch(fed: &mut Fed, wanted: WantedKeys) -> KeyReport {
    let report = fed.run(async move |client, host| client.fetch_keys(&host, wanted).await);
    let report = report.unwrap();
    for failure in &report.failed {
        assert!(codes::find(failure.code).is_some(), "{failure:?}");
        assert!(!failure.reason.is_empty());
    }
    report
}

/// What failed: the server, who was asked (nobody: the server itself), and the code.
fn failed(report: &KeyReport) -> Vec<(&str, Option<&str>, &str)> {
    let failed = report.failed.iter();
    failed.map(|one| (one.server_name.as_str(), one.notary.as_deref(), one.code)).collect()
}

/// The answer of a server with this key, perhaps signed by notaries too.
fn document(keys: &[&Signer25519], signers: &[&Signer25519], until: i64) -> Value {
    let text = key_response(&key_answer(keys, &[], until), signers);
    serde_json::from_slice(&text).unwrap()
}

fn notarised(documents: &[Value]) -> Value {
    json!({"server_keys": documents})
}

fn has(fed: &Fed, server: &str, key_id: &str) -> bool {
    fed.keys.borrow().get(server, key_id).is_some()
}

fn now(fed: &Fed) -> i64 {
    fed.world.now
}

#[test]
fn e16_keys_come_from_the_server_itself_and_the_document_is_kept_as_it_came() {
    let mut fed = Fed::new(&[ONE], &[]);
    let mut keys = key_answer(&[&one()], &[(&one_b(), 1)], now(&fed) + DAY);
    keys["org.example.more"] = json!({"unknown": [1, 2]});
    let text = String::from_utf8(key_response(&keys, &[&one()])).unwrap();
    let text = text.replace("\"server_name\":", "\n \"server_name\" : ");
    fed.publish_document(ONE, text.as_bytes());
    let report = fetch(&mut fed, all(&[ONE]));
    assert_eq!(failed(&report), []);
    let [fetched] = &report.fetched[..] else { panic!("{report:?}") };
    assert_eq!(fetched.document, text.as_bytes());
    assert!(fetched.notary.is_none() && fetched.refused.is_empty());
    assert!(has(&fed, ONE, "ed25519:a") && has(&fed, ONE, "ed25519:b"));
    let told = fed.world.notices.iter().any(|notice| {
        matches!(notice, Notice::ServerKeys { document, passed_on: false, .. }
            if document == text.as_bytes())
    });
    assert!(told);
    assert_eq!(fed.key_calls().len(), 1);
    assert_eq!(fed.key_calls()[0].line, KEYS);
}

#[test]
fn e16_j114_an_answer_that_does_not_prove_itself_is_refused() {
    let until = TS + 2 * DAY;
    let signed_by_old = {
        let text = key_response(&key_answer(&[&one()], &[(&one_b(), 1)], until), &[&one_b()]);
        serde_json::from_slice(&text).unwrap()
    };
    let mut forged = document(&[&one()], &[&one()], until);
    forged["valid_until_ts"] = json!(until + 1);
    let many = {
        let mut keys = key_answer(&[&one()], &[], until);
        for number in 0..10_000 {
            keys["verify_keys"][format!("ed25519:{number}")] = json!({"key": one().public()});
        }
        keys
    };
    let of_many = key_response(&many, &[&one()]);
    let huge = {
        let mut keys = key_answer(&[&one()], &[], until);
        keys["more"] = json!("x".repeat(5_000_000));
        key_response(&keys, &[&one()])
    };
    let bytes = |value: Value| value.to_string().into_bytes();
    for (body, code) in [
        (bytes(document(&[&two()], &[&two()], until)), "key_response_wrong_server"),
        (bytes(key_answer(&[&one()], &[], until)), "key_response_unsigned"),
        (bytes(signed_by_old), "key_response_unsigned"),
        (bytes(forged), "key_response_signature_invalid"),
        (bytes(json!({"server_name": ONE})), "key_response_invalid"),
        (b"nothing".to_vec(), "json_syntax"),
        (of_many, "key_response_invalid"),
        (huge, "host_answer_too_large"),
    ] {
        let mut fed = Fed::new(&[ONE], &[]);
        fed.publish_document(ONE, &body);
        let report = fetch(&mut fed, all(&[ONE]));
        assert_eq!(failed(&report), [(ONE, None, code)]);
        assert!(report.fetched.is_empty() && !fed.keys.borrow().knows(ONE), "{code}");
    }
    let mut fed = Fed::new(&[ONE], &[]);
    fed.on(ONE, KEYS, |_| refusal(403, "M_FORBIDDEN"));
    assert_eq!(failed(&fetch(&mut fed, all(&[ONE]))), [(ONE, None, "remote_forbidden")]);
}

#[test]
fn j114_one_bad_key_id_does_not_spoil_the_others() {
    let mut fed = Fed::new(&[ONE], &[]);
    let mut keys = key_answer(&[&one()], &[], now(&fed) + DAY);
    keys["verify_keys"]["ed25519:a b"] = json!({"key": one_b().public()});
    fed.publish_document(ONE, &key_response(&keys, &[&one()]));
    let report = fetch(&mut fed, all(&[ONE]));
    assert!(has(&fed, ONE, "ed25519:a") && !has(&fed, ONE, "ed25519:a b"));
    let refused: Vec<_> =
        report.fetched[0].refused.iter().map(|refused| refused.key_id.as_str()).collect();
    assert_eq!(refused, ["ed25519:a b"]);
}

#[test]
fn j114_a_spurious_answer_with_shorter_validity_takes_nothing_away() {
    let mut fed = Fed::new(&[ONE], &[]);
    let start = now(&fed);
    fed.publish_document(ONE, &key_response(&key_answer(&[&one()], &[], start + DAY), &[&one()]));
    fetch(&mut fed, all(&[ONE]));
    fed.publish_document(ONE, &key_response(&key_answer(&[&one()], &[], start + 1), &[&one()]));
    fetch(&mut fed, all(&[ONE]));
    let keys = fed.keys.borrow();
    assert_eq!(keys.get(ONE, "ed25519:a").unwrap().valid_until_ts, Some(start + DAY));
}

#[test]
fn j112_no_key_is_valid_for_more_than_seven_days_after_it_was_fetched() {
    let mut fed = Fed::new(&[ONE], &[]);
    let far = now(&fed) + 365_000 * DAY;
    fed.publish_document(ONE, &key_response(&key_answer(&[&one()], &[], far), &[&one()]));
    fetch(&mut fed, all(&[ONE]));
    let fetched = now(&fed);
    let standing = |ts, enforce_validity| {
        let keys = fed.keys.borrow();
        let standing = keys.standing(ONE, "ed25519:a", Moment { ts, enforce_validity });
        matches!(standing, KeyStanding::Good(_))
    };
    assert!(standing(fetched + 7 * DAY, true) && !standing(fetched + 8 * DAY, true));
    assert!(standing(fetched + 8 * DAY, false));
}

#[test]
fn j113_an_old_key_is_good_for_what_was_signed_until_its_end() {
    let mut fed = Fed::new(&[ONE], &[]);
    let keys = key_answer(&[&one()], &[(&one_b(), 1000)], now(&fed) + DAY);
    fed.publish_document(ONE, &key_response(&keys, &[&one()]));
    fetch(&mut fed, all(&[ONE]));
    let keys = fed.keys.borrow();
    for (ts, good) in [(999, true), (1000, true), (1001, false)] {
        let standing = keys.standing(ONE, "ed25519:b", Moment { ts, enforce_validity: true });
        assert_eq!(matches!(standing, KeyStanding::Good(_)), good, "{ts}");
    }
}

#[test]
fn e14_what_a_server_does_not_give_notaries_are_asked_for_in_their_order() {
    let mut fed = Fed::new(&[NOTARY, OTHER], &[NOTARY, OTHER]);
    fed.say(NOTARY, QUERY, 200, &notarised(&[]));
    let good = document(&[&one()], &[&one(), &notary()], now(&fed) + DAY);
    fed.say(OTHER, QUERY, 200, &notarised(&[good]));
    let report = fetch(&mut fed, key(ONE, "ed25519:a", Some(TS + 5)));
    assert!(has(&fed, ONE, "ed25519:a"));
    assert_eq!(report.fetched[0].notary.as_ref().unwrap().0, OTHER);
    let asked = fed.key_calls();
    let servers: Vec<_> = asked.iter().map(|call| call.server.as_str()).collect();
    assert_eq!(servers, [NOTARY, OTHER]);
    let criteria = json!({"ed25519:a": {"minimum_valid_until_ts": TS + 5}});
    assert_eq!(asked[0].body, Some(json!({"server_keys": {ONE: criteria}})));
    // Who is helped by the first is not asked about at the second.
    let mut fed = Fed::new(&[NOTARY, OTHER], &[NOTARY, OTHER]);
    let good = document(&[&one()], &[&one(), &notary()], now(&fed) + DAY);
    fed.say(NOTARY, QUERY, 200, &notarised(&[good]));
    fetch(&mut fed, all(&[ONE]));
    assert_eq!(fed.key_calls().len(), 1);
    assert!(has(&fed, ONE, "ed25519:a"));
}

#[test]
fn e14_a_key_that_is_valid_too_short_is_asked_for_at_notaries_too() {
    let mut fed = Fed::new(&[ONE, NOTARY], &[NOTARY]);
    let start = now(&fed);
    fed.publish_document(ONE, &key_response(&key_answer(&[&one()], &[], start + 10), &[&one()]));
    let longer = document(&[&one()], &[&one(), &notary()], start + DAY);
    fed.say(NOTARY, QUERY, 200, &notarised(&[longer]));
    fetch(&mut fed, key(ONE, "ed25519:a", Some(start + 10)));
    assert_eq!(fed.key_calls().len(), 1);
    fetch(&mut fed, key(ONE, "ed25519:a", Some(start + MINUTE)));
    assert_eq!(fed.key_calls().len(), 3);
    let keys = fed.keys.borrow();
    assert_eq!(keys.get(ONE, "ed25519:a").unwrap().valid_until_ts, Some(start + DAY));
}

#[test]
fn e17_the_signature_of_the_notary_is_told_and_that_of_the_origin_counts() {
    let until = TS + 2 * DAY;
    let by_both = document(&[&one()], &[&one(), &notary()], until);
    let by_origin = document(&[&one()], &[&one()], until);
    let by_notary = document(&[&one()], &[&notary()], until);
    for (passed_on, taken, notary_signed) in
        [(by_both, true, true), (by_origin, true, false), (by_notary, false, false)]
    {
        let mut fed = Fed::new(&[NOTARY], &[NOTARY]);
        fed.publish(&notary());
        fetch(&mut fed, all(&[NOTARY]));
        fed.say(NOTARY, QUERY, 200, &notarised(std::slice::from_ref(&passed_on)));
        let report = fetch(&mut fed, all(&[ONE]));
        assert_eq!(has(&fed, ONE, "ed25519:a"), taken);
        if taken {
            let (from, failure) = report.fetched[0].notary.clone().unwrap();
            assert_eq!((from.as_str(), failure.is_none()), (NOTARY, notary_signed));
            // All signatures are kept, to be passed on.
            let kept: Value = serde_json::from_slice(&report.fetched[0].document).unwrap();
            assert_eq!(kept, passed_on);
        } else {
            let by_notary = (ONE, Some(NOTARY), "key_response_unsigned");
            assert!(failed(&report).contains(&by_notary), "{report:?}");
        }
    }
}

#[test]
fn e18_without_key_ids_all_are_asked_for_and_without_servers_nobody() {
    let mut fed = Fed::new(&[NOTARY], &[NOTARY]);
    let unasked = document(&[&two()], &[&two()], now(&fed) + DAY);
    let asked = document(&[&one(), &one_b()], &[&one()], now(&fed) + DAY);
    fed.say(NOTARY, QUERY, 200, &notarised(&[json!(5), unasked, asked]));
    assert!(fetch(&mut fed, WantedKeys::new()).fetched.is_empty());
    assert!(fed.key_calls().is_empty());
    let report = fetch(&mut fed, all(&[ONE, "off.example"]));
    let servers = json!({"server_keys": {ONE: {}, "off.example": {}}});
    assert_eq!(fed.key_calls()[0].body, Some(servers));
    // More keys than asked may come; of servers nobody asked about, none.
    assert!(has(&fed, ONE, "ed25519:a") && has(&fed, ONE, "ed25519:b"));
    assert!(!fed.keys.borrow().knows(TWO));
    assert!(failed(&report).contains(&(TWO, Some(NOTARY), "answer_entry_unasked")));
    // Servers that are off are absent.
    assert!(!fed.keys.borrow().knows("off.example"));
}

#[test]
fn e18_a_notary_that_fails_is_told_for_each_server() {
    let not_json = HttpsAnswer { status: 200, ..HttpsAnswer::default() };
    for (said, code) in [
        (refusal(500, "M_UNKNOWN"), "remote_failed"),
        (answer(200, &json!({})), "answer_field_invalid"),
        (not_json, "json_syntax"),
    ] {
        let mut fed = Fed::new(&[NOTARY], &[NOTARY]);
        fed.on(NOTARY, QUERY, move |_| said.clone());
        let report = fetch(&mut fed, all(&[ONE, TWO]));
        let by_notary: Vec<_> =
            failed(&report).into_iter().filter(|(_, notary, _)| notary.is_some()).collect();
        assert_eq!(by_notary, [(ONE, Some(NOTARY), code), (TWO, Some(NOTARY), code)]);
    }
}

#[test]
fn e19_an_old_answer_of_a_notary_disowns_no_newer_key() {
    let mut fed = Fed::new(&[NOTARY], &[NOTARY]);
    let old = document(&[&one()], &[&one()], now(&fed) + DAY);
    fed.say(NOTARY, QUERY, 200, &notarised(&[old]));
    fetch(&mut fed, key(ONE, "ed25519:b", None));
    let moment = Moment { ts: TS - DAY, enforce_validity: true };
    let newer = |fed: &Fed| match fed.keys.borrow().standing(ONE, "ed25519:b", moment) {
        KeyStanding::Disowned { .. } => "disowned",
        KeyStanding::Missing => "missing",
        _ => "known",
    };
    assert!(has(&fed, ONE, "ed25519:a"));
    assert_eq!(newer(&fed), "missing");
    // What the server itself does not list, it does.
    fed.place(ONE);
    fed.publish(&one());
    fed.world.now += 2 * 60 * MINUTE;
    fetch(&mut fed, key(ONE, "ed25519:b", None));
    assert_eq!(newer(&fed), "disowned");
}

#[test]
fn e20_the_first_body_of_a_key_stays() {
    let mut fed = Fed::new(&[ONE], &[]);
    fed.publish(&one());
    fetch(&mut fed, all(&[ONE]));
    let impostor = Signer25519::with_seed(ONE, "ed25519:a", &[1; 32]);
    fed.publish(&impostor);
    let report = fetch(&mut fed, all(&[ONE]));
    assert_eq!(report.fetched[0].refused.len(), 1);
    let kept = fed.keys.borrow().get(ONE, "ed25519:a").unwrap().key.clone();
    assert_eq!(model::base64(kept.as_bytes()), one().public());
}

#[test]
fn e20_a_server_that_fails_is_left_alone_from_a_minute_to_an_hour() {
    let mut fed = Fed::new(&[ONE], &[]);
    fed.on(ONE, KEYS, |_| refusal(502, "M_UNKNOWN"));
    let mut pause = MINUTE;
    for _ in 0..9 {
        assert_eq!(failed(&fetch(&mut fed, all(&[ONE]))), [(ONE, None, "remote_failed")]);
        let asked = fed.key_calls().len();
        for _ in 0..2 {
            fed.world.now += pause / 2 - 1;
            assert_eq!(failed(&fetch(&mut fed, all(&[ONE]))), [(ONE, None, "server_left_alone")]);
        }
        assert_eq!(fed.key_calls().len(), asked);
        fed.world.now += 2;
        pause = (pause * 2).min(60 * MINUTE);
    }
    // One good answer, and all is forgotten.
    fed.publish(&one());
    assert_eq!(failed(&fetch(&mut fed, all(&[ONE]))), []);
    fed.on(ONE, KEYS, |_| refusal(502, "M_UNKNOWN"));
    fetch(&mut fed, all(&[ONE]));
    fed.world.now += MINUTE;
    assert_eq!(failed(&fetch(&mut fed, all(&[ONE]))), [(ONE, None, "remote_failed")]);
}

#[test]
fn e20_who_is_left_alone_is_asked_for_at_a_notary() {
    let mut fed = Fed::new(&[NOTARY], &[NOTARY]);
    fed.say(NOTARY, QUERY, 200, &notarised(&[]));
    for _ in 0..3 {
        fetch(&mut fed, all(&[ONE]));
    }
    assert_eq!(fed.key_calls().len(), 3);
}

#[test]
fn e20_pauses_are_bounded_in_number_and_survive_a_clock_that_goes_back() {
    let mut back_off = BackOff::default();
    for number in 0..50_000 {
        back_off.failed(&format!("s{number}.example"), 0);
    }
    assert!(format!("{back_off:?}").len() < 2_000_000);
    assert_eq!(back_off.paused_until("s49999.example", 1), Some(MINUTE));
    assert_eq!(back_off.paused_until("s49999.example", MINUTE), None);
    assert_eq!(back_off.paused_until("s49999.example", -DAY), None);
    back_off.succeeded("s49999.example");
    assert_eq!(back_off.paused_until("s49999.example", 1), None);
}

#[test]
fn nobody_is_asked_for_the_keys_of_our_own_server() {
    let mut fed = Fed::new(&[HERE, NOTARY], &[NOTARY]);
    let report = fetch(&mut fed, all(&[HERE]));
    assert!(report.fetched.is_empty() && report.failed.is_empty());
    assert!(fed.calls.borrow().is_empty());
}

#[test]
fn many_servers_are_asked_side_by_side_and_notaries_in_parts() {
    let names: Vec<String> = (0..120).map(|number| format!("s{number:03}.example")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut fed = Fed::new(&[&names[..], &[NOTARY]].concat(), &[NOTARY]);
    fed.say(NOTARY, QUERY, 200, &notarised(&[]));
    let (client, wanted) = (fed.client.clone(), all(&names));
    let mut operation = Operation::new(fed.world.capabilities, async move |host| {
        client.fetch_keys(&host, wanted).await
    });
    let (mut most, mut parts) = (0, 0);
    let report = loop {
        if let Poll::Ready(report) = operation.poll() {
            break report.unwrap();
        }
        let effects = operation.take_effects();
        most = most.max(effects.len());
        let queries = effects.iter().filter(|(_, effect)| {
            matches!(effect, Effect::Https(request) if request.target.ends_with("/query"))
        });
        parts = parts.max(queries.count());
        for (id, effect) in effects {
            operation.answer(id, fed.world.answer(&effect));
        }
    };
    assert_eq!((most, parts), (32, 3));
    assert_eq!(report.failed.len(), 120);
    let asked: Vec<usize> = fed
        .key_calls()
        .iter()
        .filter_map(|call| Some(call.body.as_ref()?["server_keys"].as_object()?.len()))
        .collect();
    assert_eq!(asked, [50, 50, 20]);
    let progress = operation.take_notices().into_iter().filter_map(|notice| match notice {
        Notice::Progress { stage: "keys", done, total } => Some((done, total)),
        _ => None,
    });
    assert!(progress.eq((1..=120).map(|done| (done, Some(120)))));
}

#[test]
fn a_host_that_fails_leaves_no_key() {
    let mut fed = Fed::new(&[ONE], &[]);
    let failing: Reply<_> = Err(HostErrorKind::Failed);
    fed.world.addresses.insert(ONE.to_owned(), vec![failing]);
    let report = fetch(&mut fed, all(&[ONE]));
    assert_eq!(report.failed.len(), 1);
    assert!(!fed.keys.borrow().knows(ONE));
}
