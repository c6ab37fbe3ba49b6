//! What other servers answer: what was asked for and is proven comes through, all else falls out.
//!
//! The names of the tests are the numbers of the endpoints: `n7_…` is `/event_auth`.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use std::sync::LazyLock;

use common::make::{
    FETCHED, ONE, TS, TWO, key_answer, key_response, lacking, one, one_b, parsed, ring, ring_of,
    room_version, sign_by, two, with,
};
use common::model::{self, Signer25519};
use fedproof::codes;
use fedproof::event::signatures::ServerFailure;
use fedproof::federation::events::{self, Direction, EventAuth, MissingEvents, OneEvent};
use fedproof::federation::incoming;
use fedproof::federation::inviting::{self, Invitation, SentInvite};
use fedproof::federation::joining::{self, Join, Joined, SendJoin};
use fedproof::federation::knocking::{self, SendKnock};
use fedproof::federation::published_rooms::{self, Filter};
use fedproof::federation::request::TimeLimit;
use fedproof::federation::transactions::{self, Transaction, TransactionIds};
use fedproof::federation::{
    AnswerError, Asked, FallenPdu, Judged, LeftOut, Next, RemoteError, StatedVersion, leaving,
    openid, policy_signing, queries, server_keys, server_version, spaces,
};
use fedproof::json::{Canonical, Numbers, parse};
use fedproof::keys::{KeyRing, PublicKey};
use fedproof::reader::RawEvent;
use fedproof::receive::{self, NeededKey, Options};
use fedproof::room_version::{ALL, RoomVersion};
use fedproof::verdict::Outcome;
use proptest::prelude::*;
use serde_json::{Value, json};

const ALICE: &str = "@alice:one.example";
const BOB: &str = "@bob:two.example";

/// A room of one server: create, join, power levels, join rules, and three messages in a row.
struct World {
    version: u8,
    room_id: String,
    events: Vec<Value>,
}

impl World {
    fn new(version: u8) -> Self {
        Self::with_rule(version, "public")
    }

    fn with_rule(version: u8, join_rule: &str) -> Self {
        let room_id = "!room:one.example".to_owned();
        let mut world = Self { version, room_id, events: Vec::new() };
        let mut content = json!({"room_version": version.to_string()});
        if version <= 10 {
            content["creator"] = json!(ALICE);
        }
        let create = world.draft("m.room.create", Some(""), ALICE, content, &[], &[]);
        if version >= 12 {
            let create = world.signed(&lacking(create, "room_id"));
            world.room_id = model::event_id(&create, version).replacen('$', "!", 1);
            world.events.push(create);
        } else {
            let create = world.signed(&create);
            world.events.push(create);
        }
        let joined = json!({"membership": "join"});
        world.add("m.room.member", Some(ALICE), joined, &[0]);
        let users = if version >= 12 { json!({}) } else { json!({ALICE: 100}) };
        world.add("m.room.power_levels", Some(""), json!({"users": users}), &[0, 1]);
        let rule = json!({"join_rule": join_rule});
        world.add("m.room.join_rules", Some(""), rule, &[0, 1, 2]);
        for body in ["a", "b", "c"] {
            world.add("m.room.message", None, json!({"body": body}), &[0, 1, 2]);
        }
        world
    }

    fn draft(
        &self,
        event_type: &str,
        state_key: Option<&str>,
        sender: &str,
        content: Value,
        prev: &[usize],
        auth: &[usize],
    ) -> Value {
        let references = |indices: &[usize], without_create: bool| -> Value {
            let wanted = indices.iter().filter(|index| !without_create || **index != 0);
            wanted.map(|index| self.reference(*index)).collect()
        };
        let mut event = json!({
            "type": event_type, "sender": sender, "room_id": self.room_id, "content": content,
            "origin_server_ts": TS, "depth": self.events.len() + 1,
            "prev_events": references(prev, false),
            "auth_events": references(auth, self.version >= 12),
        });
        if let Some(state_key) = state_key {
            event["state_key"] = json!(state_key);
        }
        if self.version <= 2 {
            event["event_id"] = json!(format!("$e{}:one.example", self.events.len()));
        }
        event
    }

    fn reference(&self, index: usize) -> Value {
        let id = self.id(index);
        if self.version > 2 {
            return json!(id);
        }
        let hash = model::sha256(&model::signed_text(&self.events[index], self.version));
        json!([id, {"sha256": model::base64(&hash)}])
    }

    fn add(&mut self, event_type: &str, key: Option<&str>, content: Value, auth: &[usize]) {
        let prev = [self.events.len() - 1];
        let event = self.draft(event_type, key, ALICE, content, &prev, auth);
        self.events.push(self.signed(&event));
    }

    fn signed(&self, draft: &Value) -> Value {
        sign_by(draft, self.version, &[&one()])
    }

    fn id(&self, index: usize) -> String {
        model::event_id(&self.events[index], self.version)
    }

    fn ids(&self, indices: &[usize]) -> Vec<String> {
        indices.iter().map(|index| self.id(*index)).collect()
    }

    fn version(&self) -> &'static RoomVersion {
        room_version(self.version)
    }

    /// A membership of a user of the second server, who follows on the last event.
    fn membership(&self, membership: &str, more: Value) -> Value {
        let mut content = more;
        content["membership"] = json!(membership);
        let last = self.events.len() - 1;
        self.draft("m.room.member", Some(BOB), BOB, content, &[last], &[0, 2, 3])
    }
}

fn body(answer: &Value) -> Vec<u8> {
    answer.to_string().into_bytes()
}

fn strs(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

/// The IDs that came through, and the codes of what fell out.
#[track_caller]
fn outcome(judged: &Judged) -> (Vec<&str>, Vec<&'static str>) {
    for pdu in &judged.proven {
        assert_eq!(pdu.verdict.outcome, Outcome::Accepted);
    }
    for pdu in &judged.fallen {
        assert!(codes::find(pdu.code()).is_some(), "{}", pdu.code());
        assert!(!pdu.to_string().is_empty());
    }
    let proven = judged.proven.iter().map(|pdu| pdu.event_id()).collect();
    (proven, judged.fallen.iter().map(FallenPdu::code).collect())
}

#[track_caller]
fn assert_error<T: std::fmt::Debug>(result: Result<T, AnswerError>, code: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.code(), code, "{error:?}");
    assert!(codes::find(code).is_some() && !error.to_string().is_empty());
}

fn left_out(list: &[LeftOut]) -> Vec<(&str, &str)> {
    for entry in list {
        assert!(codes::find(entry.code).is_some());
    }
    list.iter().map(|entry| (entry.place.as_str(), entry.code)).collect()
}

/// An event of the room whose signature does not fit.
fn forged(event: &Value) -> Value {
    with(event.clone(), "/depth", json!(99))
}

fn tampered(event: &Value) -> Value {
    with(event.clone(), "/content", json!({"body": "other"}))
}

// ---- requests

#[test]
fn targets_are_encoded_in_one_way() {
    let target = |request: fedproof::federation::request::Request| request.target;
    assert_eq!(
        target(events::event_auth("!a b:x.example:8448", "$é/+?#%~-._")),
        "/_matrix/federation/v1/event_auth/%21a%20b%3Ax.example%3A8448/%24%C3%A9%2F%2B%3F%23%25~-._"
    );
    assert_eq!(
        target(events::state("!r:x", "$e&a=b")),
        "/_matrix/federation/v1/state/%21r%3Ax?event_id=%24e%26a%3Db"
    );
    assert_eq!(
        target(events::backfill("!r:x", &["$a", "$b"], 1000)),
        "/_matrix/federation/v1/backfill/%21r%3Ax?v=%24a&v=%24b&limit=100"
    );
    assert_eq!(
        target(joining::make_join("!r:x", "@u:y", &[room_version(1), room_version(12)])),
        "/_matrix/federation/v1/make_join/%21r%3Ax/%40u%3Ay?ver=1&ver=12"
    );
    assert_eq!(
        target(knocking::make_knock("!r:x", "@u:y", &[room_version(7)])),
        "/_matrix/federation/v1/make_knock/%21r%3Ax/%40u%3Ay?ver=7"
    );
    assert_eq!(
        target(leaving::make_leave("!r:x", "@u:y")),
        "/_matrix/federation/v1/make_leave/%21r%3Ax/%40u%3Ay"
    );
    assert_eq!(
        target(server_keys::query_server("x:1", Some(5))),
        "/_matrix/key/v2/query/x%3A1?minimum_valid_until_ts=5"
    );
}

#[test]
fn requests_without_a_body_are_gets_and_the_others_carry_objects() {
    let event = parsed(&json!({"type": "x"}));
    for (request, method, signed) in [
        (server_version::version(), "GET", false),
        (server_keys::server_keys(), "GET", false),
        (server_keys::query(&[], &[]), "POST", false),
        (openid::userinfo("t"), "GET", false),
        (events::event("$e"), "GET", true),
        (events::state_ids("!r:x", "$e"), "GET", true),
        (leaving::send_leave("!r:x", "$e", &event), "PUT", true),
        (knocking::send_knock("!r:x", "$e", &event), "PUT", true),
        (policy_signing::sign(&event).unwrap(), "POST", true),
        (spaces::hierarchy("!r:x", true), "GET", true),
    ] {
        assert_eq!((request.method, request.signed), (method, signed), "{request:?}");
        assert_eq!(request.content.is_some(), method != "GET");
        assert!(request.content.is_none_or(|content| content.starts_with(b"{")));
        assert!(request.max_bytes >= 65_536 && request.time.ms() >= 10_000);
    }
    assert_eq!(events::state("!r:x", "$e").time, TimeLimit::Long);
}

// ---- answers as such

#[test]
fn answers_that_are_no_objects_are_refused_whole() {
    for (text, code) in [
        ("", "json_syntax"),
        ("{", "json_syntax"),
        ("[]", "answer_field_invalid"),
        ("null", "answer_field_invalid"),
        ("{} {}", "json_trailing_data"),
        ("{\"pdus\":[1 2]}", "json_syntax"),
        ("{\"pdus\":[1,]}", "json_syntax"),
        ("{\"pdus\":{}}", "answer_field_invalid"),
        ("{\"pdus\":null}", "answer_field_invalid"),
        ("{\"x\":[}],\"pdus\":[]}", "json_syntax"),
        ("{\"x\":\"\\ud800\",\"pdus\":[]}", "json_lone_surrogate"),
        ("{}", "answer_field_invalid"),
    ] {
        let read = events::read_backfill(text.as_bytes(), "!r:x", 9, room_version(11));
        assert_error(read, code);
    }
    let many: String = (0..101).map(|index| format!("\"{index}\":1,")).collect();
    let many = format!("{{{many}\"pdus\":[]}}");
    let read = events::read_backfill(many.as_bytes(), "!r:x", 9, room_version(11));
    assert_error(read, "answer_field_invalid");
}

#[test]
fn an_event_that_is_no_json_sinks_no_other() {
    let world = World::new(11);
    let good = &world.events[4];
    for bad in ["{\"a\":\"\\ud800\"}", "{\"a\":[1 2]}", "nothing", "[1]", "{\"a\":\"\u{1}\"}"] {
        let answer = format!(" {{ \"\\u0070dus\" : [ {bad} , {good}\n] , \"x\": [1,{{}}] }} ");
        let pdus = events::read_backfill(answer.as_bytes(), &world.room_id, 9, world.version());
        let judged = pdus.unwrap().judge(ring());
        assert_eq!(outcome(&judged).0, [world.id(4)], "{bad}");
        assert_eq!(judged.fallen.len(), 1);
    }
    let answer = [b"{\"pdus\":[\"\xff\",".as_slice(), &body(good), b"]}"].concat();
    let pdus = events::read_backfill(&answer, &world.room_id, 9, world.version()).unwrap();
    assert_eq!(outcome(&pdus.judge(ring())), (vec![&*world.id(4)], vec!["json_invalid_utf8"]));
}

#[test]
fn items_that_are_no_events_cost_little() {
    let answer = format!("{{\"pdus\":[{}0]}}", "0,".repeat(100_000));
    let pdus = events::read_backfill(answer.as_bytes(), "!r:x", 100, room_version(11)).unwrap();
    let judged = pdus.judge(ring());
    assert_eq!((judged.proven.len(), judged.fallen.len()), (0, 100));
    assert_eq!(judged.fragments, 99_901);
}

#[test]
fn of_two_lists_with_one_name_the_last_counts() {
    let world = World::new(11);
    let answer = format!("{{\"pdus\":[{}],\"pdus\":[]}}", world.events[4]);
    let pdus = events::read_backfill(answer.as_bytes(), &world.room_id, 9, world.version());
    assert!(pdus.unwrap().judge(ring()).proven.is_empty());
    let answer = format!("{{\"pdus\":[],\"pdus\":{{\"x\":{}}}}}", world.events[4]);
    let pdus = events::read_backfill(answer.as_bytes(), &world.room_id, 9, world.version());
    assert_error(pdus, "answer_field_invalid");
}

#[test]
fn what_counts_is_redacted_if_changed_and_has_no_unsigned() {
    let world = World::new(11);
    let good = with(world.events[4].clone(), "/unsigned", json!({"age": 1}));
    let answer = body(&json!({"pdus": [good, tampered(&world.events[5])]}));
    let pdus = events::read_backfill(&answer, &world.room_id, 9, world.version()).unwrap();
    let judged = pdus.judge(ring());
    assert_eq!(outcome(&judged).0, world.ids(&[4, 5]));
    assert_eq!(judged.proven[0].event.as_str(), model::canonical(&world.events[4]));
    assert!(judged.proven[1].verdict.redacted);
    assert_eq!(judged.proven[1].event.get("content").unwrap().text(), b"{}");
}

#[test]
fn e14_keys_that_are_missing_are_told_and_the_events_judged_again() {
    let world = World::new(11);
    let pdu = sign_by(&world.membership("join", json!({})), 11, &[&two()]);
    let old = sign_by(&world.membership("leave", json!({})), 11, &[&two(), &one_b()]);
    let answer = body(&json!({"pdus": [world.events[4], pdu, old]}));
    let pdus = events::read_backfill(&answer, &world.room_id, 9, world.version()).unwrap();
    let mut ring = KeyRing::default();
    let key = |server: &str| NeededKey {
        server: server.into(),
        key_id: "ed25519:a".into(),
        minimum_valid_until_ts: Some(TS),
    };
    assert_eq!(pdus.keys_needed(&ring), [key(ONE), key(TWO)]);
    let judged = pdus.judge(&ring);
    assert_eq!(outcome(&judged).1, ["signature_key_missing"; 3]);
    assert!(judged.fallen.iter().all(FallenPdu::is_incomplete));
    for key in [one(), two()] {
        let answer = key_response(&key_answer(&[&key], &[], FETCHED), &[&key]);
        let response = server_keys::read_server_keys(&answer, key.server, FETCHED, ring.check());
        ring.add(response.unwrap());
    }
    assert_eq!(pdus.keys_needed(&ring), []);
    assert_eq!(pdus.judge(&ring).proven.len(), 3);
}

#[test]
fn e14_no_key_is_asked_for_that_is_needed_for_what_falls_out_anyway() {
    let world = World::new(11);
    let elsewhere = with(world.events[4].clone(), "/room_id", json!("!other:one.example"));
    let answer = body(&json!({"pdus": [world.signed(&elsewhere)]}));
    let pdus = events::read_backfill(&answer, &world.room_id, 9, world.version()).unwrap();
    assert_eq!(pdus.keys_needed(&KeyRing::default()), []);
    let judged = pdus.judge(&KeyRing::default());
    assert_eq!(outcome(&judged).1, ["answer_event_other_room"]);
    assert!(!judged.fallen[0].is_incomplete());
}

#[test]
fn e14_a_key_that_was_not_known_to_be_valid_so_late_is_asked_for_again() {
    for (version, needed) in [(4, 0), (5, 1)] {
        let world = World::new(version);
        let answer = body(&json!({"pdus": [world.events[4]]}));
        let pdus = events::read_backfill(&answer, &world.room_id, 9, world.version()).unwrap();
        let keys = key_answer(&[&one()], &[], TS - 1);
        let ring = ring_of(&[key_response(&keys, &[&one()])], TS - 1);
        assert_eq!(pdus.keys_needed(&ring).len(), needed, "version {version}");
    }
    let world = World::new(4);
    let answer = body(&json!({"pdus": [world.events[4]]}));
    let pdus = events::read_backfill(&answer, &world.room_id, 9, world.version()).unwrap();
    assert_eq!(pdus.keys_needed(&KeyRing::default())[0].minimum_valid_until_ts, None);
}

#[test]
fn a_batch_judges_as_one_event_after_the_other() {
    for version in 1..=12 {
        let world = World::new(version);
        let mut texts: Vec<Vec<u8>> = world.events.iter().map(body).collect();
        texts.extend([body(&forged(&world.events[4])), body(&tampered(&world.events[5]))]);
        texts.push(b"{}".to_vec());
        let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        let (version, options) = (world.version(), Options::default());
        let batch = receive::Batch::read(texts.iter().copied(), version, options);
        let single = texts.iter().map(|text| receive::verify(text, version, ring(), options));
        assert_eq!(batch.verdicts(ring()), single.collect::<Vec<_>>());
        assert_eq!((batch.len(), batch.is_empty()), (texts.len(), false));
    }
}

#[test]
fn a_batch_of_any_length_judges_each_event_by_its_own_hashes() {
    let world = World::new(11);
    let (good, changed) = (body(&world.events[4]), body(&tampered(&world.events[5])));
    let kinds = [good.as_slice(), &changed, b"{}"];
    for length in [0, 1, 1023, 1024, 1025, 1500] {
        let texts = kinds.iter().copied().cycle().take(length);
        let batch = receive::Batch::read(texts, world.version(), Options::default());
        assert_eq!((batch.len(), batch.is_empty()), (length, length == 0));
        for (index, verdict) in batch.verdicts(ring()).iter().enumerate() {
            let expected =
                [(Outcome::Accepted, false), (Outcome::Accepted, true), (Outcome::Dropped, false)];
            assert_eq!((verdict.outcome, verdict.redacted), expected[index % 3], "{index}");
        }
    }
}

// ---- N2 to N5

#[test]
fn n2_a_version_is_two_texts_that_need_not_be_there() {
    let read = |answer: Value| server_version::read_version(&body(&answer)).unwrap();
    let full = read(json!({"server": {"name": "S", "version": "1"}, "x": 1}));
    assert_eq!((full.name.as_deref(), full.version.as_deref()), (Some("S"), Some("1")));
    assert_eq!(read(json!({})).name, None);
    let wrong = read(json!({"server": {"name": 1, "version": "é".repeat(5000)}}));
    assert_eq!(wrong.version.unwrap().chars().count(), 4096);
    let told = [("server.name", "answer_entry_invalid"), ("server.version", "answer_text_cut")];
    assert_eq!(left_out(&wrong.left_out), told);
    assert_eq!(
        left_out(&read(json!({"server": 1})).left_out),
        [("server", "answer_entry_invalid")]
    );
    assert_error(server_version::read_version(b"[]"), "answer_field_invalid");
}

#[test]
fn n3_keys_are_those_of_the_server_asked() {
    let answer = key_response(&key_answer(&[&one()], &[], FETCHED), &[&one()]);
    let ring = KeyRing::default();
    let read = |server| server_keys::read_server_keys(&answer, server, FETCHED, ring.check());
    assert_eq!(read(ONE).unwrap().server_name, ONE);
    assert_eq!(read(TWO).unwrap_err().code(), "key_response_wrong_server");
}

#[test]
fn n4_n5_j114_a_notary_is_believed_nothing_but_what_servers_signed() {
    let answer = |key: &Signer25519, more: &[&Signer25519]| -> Value {
        let signers: Vec<_> = [key].into_iter().chain(more.iter().copied()).collect();
        let text = key_response(&key_answer(&[key], &[], FETCHED), &signers);
        serde_json::from_slice(&text).unwrap()
    };
    let other = Signer25519::new("three.example", "ed25519:a");
    let notary = two();
    let unsigned = with(answer(&one(), &[]), "/signatures", json!({}));
    let answers = json!({"server_keys": [
        answer(&one(), &[&notary]), answer(&one(), &[]), answer(&other, &[&notary]), unsigned, 1,
    ]});
    let read = server_keys::read_query(&body(&answers), TWO, &[ONE], FETCHED, ring()).unwrap();
    let notaries: Vec<_> = read.responses.iter().map(|keys| keys.notary).collect();
    assert_eq!(notaries, [None, Some(ServerFailure::Missing)]);
    let refused: Vec<_> =
        read.refused.iter().map(|refused| (refused.index, refused.code)).collect();
    assert_eq!(
        refused,
        [(2, "answer_entry_unasked"), (3, "key_response_unsigned"), (4, "key_response_invalid"),]
    );
    // The document is kept with all its signatures.
    let kept = parse(&read.responses[0].document, Numbers::Keep).unwrap();
    assert!(kept.get("signatures").unwrap().get(TWO).is_some());
    assert!(server_keys::read_query(b"{\"server_keys\":[]}", TWO, &[], 0, ring()).is_ok());
    let broken = server_keys::read_query(b"{\"server_keys\":[nothing]}", TWO, &[], 0, ring());
    assert_eq!(broken.unwrap().refused[0].code, "json_syntax");
    let none = server_keys::read_query(b"{}", TWO, &[], 0, ring());
    assert_error(none, "answer_field_invalid");
}

#[test]
fn n5_a_query_names_each_key_with_the_time_it_is_needed_for() {
    let needed = |server: &str, key_id: &str, ts| NeededKey {
        server: server.into(),
        key_id: key_id.into(),
        minimum_valid_until_ts: ts,
    };
    let request = server_keys::query(
        &["c"],
        &[
            needed("b", "ed25519:1", Some(7)),
            needed("a", "ed25519:2", None),
            needed("b", "ed25519:0", Some(8)),
        ],
    );
    let zero = json!({"minimum_valid_until_ts": 0});
    let expected = json!({"server_keys": {
        "a": {"ed25519:2": zero},
        "b": {"ed25519:0": {"minimum_valid_until_ts": 8}, "ed25519:1": {"minimum_valid_until_ts": 7}},
        "c": {},
    }});
    let content = String::from_utf8(request.content.unwrap()).unwrap();
    assert_eq!(content, model::canonical(&expected));
    let many: Vec<_> =
        (0..60).map(|index| needed(&format!("s{index}"), "ed25519:a", None)).collect();
    let content: Value =
        serde_json::from_slice(&server_keys::query(&[], &many).content.unwrap()).unwrap();
    assert_eq!(content["server_keys"].as_object().unwrap().len(), server_keys::MAX_SERVERS);
}

// ---- N6

#[test]
fn n6_a_transaction_has_its_limits() {
    let pdu = parsed(&World::new(11).events[4]);
    let edu = parsed(&json!({"edu_type": "m.typing", "content": {}}));
    let make = |pdus: &[Canonical], edus: &[Canonical]| {
        let (id, origin) = ("a/b", ONE);
        transactions::send(&Transaction { id, origin, origin_server_ts: TS, pdus, edus })
    };
    let request = make(&vec![pdu.clone(); 50], &vec![edu.clone(); 100]).unwrap();
    assert_eq!(request.target, "/_matrix/federation/v1/send/a%2Fb");
    let content: Value = serde_json::from_slice(request.content.as_ref().unwrap()).unwrap();
    assert_eq!((&content["origin"], &content["origin_server_ts"]), (&json!(ONE), &json!(TS)));
    assert_eq!(content["pdus"].as_array().unwrap().len(), 50);
    assert_eq!(model::canonical(&content).as_bytes(), request.content.unwrap());
    let empty = make(&[], &[]).unwrap().content.unwrap();
    assert!(serde_json::from_slice::<Value>(&empty).unwrap().get("edus").is_none());
    let large = parsed(&json!({"content": "x".repeat(transactions::MAX_TRANSACTION_BYTES)}));
    for (made, code) in [
        (make(&vec![pdu.clone(); 51], &[]), "transaction_too_many_pdus"),
        (make(&[], &vec![edu.clone(); 101]), "transaction_too_many_edus"),
        (make(&[], std::slice::from_ref(&large)), "transaction_too_large"),
    ] {
        let error = made.unwrap_err();
        assert!(codes::find(error.code()).is_some() && !error.to_string().is_empty());
        assert_eq!(error.code(), code);
    }
    let (pdus, edus) = (vec![pdu.clone(); 51], vec![edu.clone(); 101]);
    assert_eq!(transactions::next_load(&pdus, &edus), (50, 100));
    let half = parsed(&json!({"content": "x".repeat(transactions::MAX_TRANSACTION_BYTES / 2)}));
    let halves = [half.clone(), half.clone(), half];
    assert_eq!(transactions::next_load(&pdus, &halves), (50, 1));
    assert_eq!(transactions::next_load(&[], &halves), (0, 1));
    assert_eq!(transactions::next_load(&[], &[large]), (0, 1));
    assert_eq!(transactions::next_load(&[], &[]), (0, 0));
}

#[test]
fn n6_no_transaction_id_comes_twice() {
    let mut ids = TransactionIds::default();
    let made: Vec<_> = [5, 5, 4, 9, -1].map(|now| ids.next(now)).into();
    assert_eq!(made, ["5", "6", "7", "9", "10"]);
}

#[test]
fn n6_the_answer_tells_of_each_event_that_was_sent() {
    let answer = json!({"pdus": {"$a": {}, "$b": {"error": "e".repeat(5000)}, "$c": 1, "$x": {}}});
    let sent = transactions::read_send(&body(&answer), &["$a", "$b", "$c", "$d"]).unwrap();
    assert_eq!(sent.pdus["$a"], None);
    assert_eq!(sent.pdus["$b"].as_ref().unwrap().len(), 4096);
    assert_eq!(sent.not_mentioned, ["$c", "$d"]);
    let told = [("pdus.$c", "answer_entry_invalid"), ("pdus.$x", "answer_entry_unasked")];
    assert_eq!(left_out(&sent.left_out), told);
    assert_error(transactions::read_send(b"{\"pdus\":[]}", &[]), "answer_field_invalid");
}

#[test]
fn n6_what_another_server_sends_is_taken_apart() {
    let pdu = r#"{"a":1,"a":2.0}"#;
    let sent = |pdus: &str, edus: &str| {
        let body = format!("{{\"origin\":\"x\",\"pdus\":{pdus},\"edus\":{edus}}}");
        incoming::read_transaction(body.as_bytes())
    };
    let list = |count: usize| format!("[{}]", vec![pdu; count].join(","));
    let received = sent(&list(50), &list(100)).unwrap();
    // As it stood there, with what is there twice.
    assert_eq!(received.pdus, vec![RawEvent::Bytes(pdu.into()); 50]);
    assert_eq!(received.edus, vec![r#"{"a":2.0}"#; 100]);
    let long = format!("[\"{}\",5]", "x".repeat(1 << 20));
    let length = (1 << 20) + 2;
    let expected = vec![RawEvent::TooLong(length), RawEvent::Bytes(b"5".into())];
    assert_eq!(sent(&long, "[]").unwrap().pdus, expected);
    let empty = incoming::read_transaction(b"{}").unwrap();
    assert_eq!((empty.pdus.len(), empty.edus.len()), (0, 0));
    for (received, code) in [
        (sent(&list(51), "[]"), "transaction_too_many_pdus"),
        (sent("[]", &list(101)), "transaction_too_many_edus"),
        (sent("{}", "[]"), "transaction_not_a_list"),
        (sent("[]", "1"), "transaction_not_a_list"),
        (incoming::read_transaction(b"[]"), "input_unreadable"),
        (incoming::read_transaction(b"{"), "json_syntax"),
    ] {
        let error = received.unwrap_err();
        assert!(codes::find(error.code()).is_some() && !error.to_string().is_empty());
        assert_eq!(error.code(), code);
    }
}

// ---- N7 to N9

#[test]
fn n7_an_auth_chain_closes_at_the_create_event() {
    for version in 1..=12 {
        let world = World::new(version);
        let chain: Vec<_> = world.events[..3].iter().collect();
        let read = |chain: &[&Value], asked: Option<&[&str]>| {
            let answer = body(&json!({"auth_chain": chain}));
            EventAuth::read(&answer, &world.room_id, asked, world.version()).unwrap().judge(ring())
        };
        let auth_events = world.ids(if version >= 12 { &[1, 2, 0] } else { &[0, 1, 2] });
        let asked = strs(&auth_events);
        let whole = read(&chain, Some(&asked));
        assert!(whole.is_whole(), "version {version}: {whole:?}");
        assert_eq!(outcome(&whole.events).0, world.ids(&[0, 1, 2]));
        assert!(read(&chain, None).is_whole());
        // Without one in the middle.
        let cut = read(&[chain[0], chain[2]], None);
        assert!(!cut.is_whole());
        assert_eq!(cut.gaps.missing, world.ids(&[1]));
        // Without the create event.
        let cut = read(&chain[1..], None);
        assert!(!cut.is_whole() && !cut.has_create);
        // With one that nothing leads to.
        let more = read(&[chain[0], chain[1], chain[2], &world.events[3]], Some(&asked));
        assert_eq!(outcome(&more.events).1, ["answer_event_not_in_auth_chain"]);
        assert!(more.is_whole());
    }
}

#[test]
fn n7_events_of_other_rooms_and_forged_ones_fall_out() {
    let world = World::new(11);
    let other = world.signed(&with(
        world.draft("m.room.topic", Some(""), ALICE, json!({}), &[3], &[0]),
        "/room_id",
        json!("!other:one.example"),
    ));
    let twice = &world.events[0];
    let chain = json!({"auth_chain": [twice, other, forged(&world.events[1]), {}, twice]});
    let chain = EventAuth::read(&body(&chain), &world.room_id, None, world.version()).unwrap();
    let chain = chain.judge(ring());
    let codes =
        vec!["answer_event_other_room", "signature_invalid", "field_missing", "answer_event_twice"];
    assert_eq!(outcome(&chain.events), (vec![&*world.id(0)], codes));
    assert_error(
        EventAuth::read(b"{\"auth_chain\":1}", "!r:x", None, world.version()),
        "answer_field_invalid",
    );
}

#[test]
fn n7_f91_events_that_cite_each_other_close_nowhere() {
    let mut world = World::new(1);
    // In room version 1 an ID is no hash, so a circle can be made.
    let mut a = world.draft("m.room.topic", Some("a"), ALICE, json!({}), &[3], &[0]);
    a["event_id"] = json!("$a:one.example");
    let mut b = with(a.clone(), "/event_id", json!("$b:one.example"));
    let hash = world.reference(0)[1].clone();
    a["auth_events"].as_array_mut().unwrap().push(json!(["$b:one.example", hash]));
    b["auth_events"].as_array_mut().unwrap().push(json!(["$a:one.example", hash]));
    let circle = [world.signed(&a), world.signed(&b)];
    world.events.truncate(3);
    world.events.extend(circle);
    let answer = body(&json!({"auth_chain": world.events}));
    let chain = EventAuth::read(&answer, &world.room_id, None, world.version()).unwrap();
    let chain = chain.judge(ring());
    assert_eq!(chain.gaps.in_circle, ["$a:one.example", "$b:one.example"]);
    assert!(!chain.is_whole() && chain.gaps.missing.is_empty());
}

#[test]
fn n8_a_state_is_one_event_a_place_of_the_room_asked_about() {
    for version in 1..=12 {
        let world = World::new(version);
        let state: Vec<_> = world.events[..4].iter().collect();
        let chain = &world.events[..3];
        let read = |state: &[&Value], chain: &[Value], room_id: &str| {
            let answer = body(&json!({"pdus": state, "auth_chain": chain}));
            events::read_state(&answer, room_id, world.version()).unwrap().judge(ring())
        };
        let whole = read(&state, chain, &world.room_id).unwrap();
        assert_eq!((whole.state.len(), whole.auth_chain.len()), (4, 3));
        assert!(whole.fallen.is_empty() && whole.gaps.is_empty(), "version {version}: {whole:?}");
        // The chain is needed, but for what is in the state as well.
        let gap = read(&[state[0], state[3]], &[], &world.room_id).unwrap();
        assert_eq!(gap.gaps.missing, world.ids(&[1, 2]));
        // Messages are no state.
        let message = read(&[state[0], state[1], &world.events[4]], chain, &world.room_id).unwrap();
        assert_eq!(message.fallen[0].code(), "answer_event_not_state");
        let no_create = read(&state[1..], chain, &world.room_id).unwrap_err();
        assert_eq!(AnswerError::from(no_create.clone()).code(), "answer_state_no_create");
        let other_room = if version >= 12 {
            World::with_rule(version, "knock").id(3).replacen('$', "!", 1)
        } else {
            "!other:one.example".to_owned()
        };
        let other = read(&state, chain, &other_room).unwrap_err();
        assert_eq!(AnswerError::from(other.clone()).code(), "answer_state_other_room");
        // Two join rules.
        let second = with(lacking(state[3].clone(), "hashes"), "/depth", json!(77));
        let second = if version <= 2 {
            with(second, "/event_id", json!("$second:one.example"))
        } else {
            second
        };
        let second = world.signed(&second);
        let two = read(&[state[0], state[3], &second], chain, &world.room_id).unwrap_err();
        assert_eq!(AnswerError::from(two.clone()).code(), "answer_state_conflict");
        assert!(!two.to_string().is_empty());
        // An event that stands there twice is one.
        let twice = read(&[state[0], state[0]], chain, &world.room_id).unwrap();
        assert_eq!((twice.state.len(), twice.fallen[0].code()), (1, "answer_event_twice"));
    }
}

#[test]
fn n8_a_state_of_another_version_is_none() {
    let world = World::new(11);
    let create = &world.events[0];
    let stated = with(create.clone(), "/content/room_version", json!("10"));
    let answer = body(&json!({"pdus": [world.signed(&stated)], "auth_chain": []}));
    let state = events::read_state(&answer, &world.room_id, world.version()).unwrap();
    assert_eq!(
        AnswerError::from(state.judge(ring()).unwrap_err()).code(),
        "answer_state_room_version"
    );
    let answer = body(&json!({"pdus": []}));
    let state = events::read_state(&answer, &world.room_id, world.version());
    assert_error(state, "answer_field_invalid");
}

#[test]
fn n8_keys_are_asked_for_once_for_state_and_chain() {
    let world = World::new(11);
    let late = with(world.events[1].clone(), "/origin_server_ts", json!(TS + 5));
    let answer = body(&json!({"pdus": &world.events[..4], "auth_chain": [late]}));
    let state = events::read_state(&answer, &world.room_id, world.version()).unwrap();
    let needed = state.keys_needed(&KeyRing::default());
    assert_eq!(needed.len(), 1);
    assert_eq!(needed[0].minimum_valid_until_ts, Some(TS + 5));
    assert_eq!(state.room_id(), world.room_id);
}

#[test]
fn n9_state_ids_are_ids_of_the_room_version() {
    let hash = |filler: &str| format!("${}", filler.repeat(43));
    for (version, good, bad) in [
        (1, "$a:x".to_owned(), hash("a")),
        (3, format!("${}+/", "a".repeat(41)), format!("${}-_", "a".repeat(41))),
        (4, format!("${}-_", "a".repeat(41)), format!("${}+/", "a".repeat(41))),
        (12, hash("a"), "$a:x".to_owned()),
    ] {
        let answer = json!({"pdu_ids": [good, bad, good, 1], "auth_chain_ids": [good]});
        let ids = events::read_state_ids(&body(&answer), room_version(version)).unwrap();
        assert_eq!((&ids.pdu_ids, &ids.auth_chain_ids), (&vec![good.clone()], &vec![good]));
        let told = [
            ("pdu_ids[1]", "answer_entry_invalid"),
            ("pdu_ids[2]", "answer_entry_twice"),
            ("pdu_ids[3]", "answer_entry_invalid"),
        ];
        assert_eq!(left_out(&ids.left_out), told, "version {version}");
    }
    let answer = json!({"pdu_ids": []});
    assert_error(events::read_state_ids(&body(&answer), room_version(1)), "answer_field_invalid");
}

// ---- N10 to N13

#[test]
fn n10_the_event_is_the_one_asked_for() {
    for version in 1..=12 {
        let world = World::new(version);
        let read = |pdus: Value, id: &str, room: Option<&str>| {
            OneEvent::read(&body(&json!({"pdus": pdus})), id, room, world.version())?.judge(ring())
        };
        let event = &world.events[4];
        let (id, room) = (world.id(4), Some(world.room_id.as_str()));
        assert_eq!(read(json!([event]), &id, room).unwrap().event_id(), id);
        assert_eq!(read(json!([event]), &id, None).unwrap().event_id(), id);
        assert_error(read(json!([world.events[5]]), &id, room), "answer_event_other_id");
        let other = Some("!other:one.example");
        assert_error(read(json!([event]), &id, other), "answer_event_other_room");
        assert_error(read(json!([]), &id, room), "answer_not_one_event");
        assert_error(read(json!([event, event]), &id, room), "answer_not_one_event");
        let forged = forged(event);
        let forged_id = model::event_id(&forged, version);
        assert_error(read(json!([forged]), &forged_id, room), "signature_invalid");
        // In room versions 1 and 2 the ID says nothing of the content; the redacted copy has it too.
        assert!(read(json!([tampered(event)]), &id, room).unwrap().verdict.redacted);
    }
    let none = OneEvent::read(b"{\"pdus\":1}", "$e", None, room_version(1));
    assert_error(none, "answer_field_invalid");
}

#[test]
fn n10_the_keys_needed_for_an_event_are_told() {
    let world = World::new(11);
    let answer = body(&json!({"pdus": [world.events[4]]}));
    let event = OneEvent::read(&answer, &world.id(4), None, world.version()).unwrap();
    assert_eq!(event.keys_needed(&KeyRing::default()).len(), 1);
    assert_error(event.judge(&KeyRing::default()), "signature_key_missing");
    let chain = body(&json!({"auth_chain": [world.events[0]]}));
    let chain = EventAuth::read(&chain, &world.room_id, None, world.version()).unwrap();
    assert_eq!(chain.keys_needed(&KeyRing::default()).len(), 1);
}

#[test]
fn n11_backfill_gives_no_more_than_asked_for_and_no_other_room() {
    let world = World::new(11);
    let read = |pdus: &[Value], limit| {
        let answer = body(&json!({"pdus": pdus}));
        let pdus = events::read_backfill(&answer, &world.room_id, limit, world.version());
        pdus.unwrap().judge(ring())
    };
    let pdus: Vec<_> = world.events[4..].to_vec();
    assert_eq!(outcome(&read(&pdus, 3)), (strs(&world.ids(&[4, 5, 6])), vec![]));
    let codes = vec!["answer_event_beyond_limit"];
    assert_eq!(outcome(&read(&pdus, 2)), (strs(&world.ids(&[4, 5])), codes));
    let elsewhere = with(pdus[0].clone(), "/room_id", json!("!other:one.example"));
    let judged = read(&[world.signed(&elsewhere), forged(&pdus[1]), pdus[2].clone()], 9);
    let codes = vec!["answer_event_other_room", "signature_invalid"];
    assert_eq!(outcome(&judged), (strs(&world.ids(&[6])), codes));
}

#[test]
fn n11_old_events_may_cite_many_others() {
    let world = World::new(4);
    let cited: Vec<_> = (0..21)
        .map(|index| format!("${}", model::base64_url_safe(&model::sha256(&format!("{index}")))))
        .collect();
    let wide = with(world.events[4].clone(), "/prev_events", json!(cited));
    let wide = world.signed(&wide);
    let answer = body(&json!({"pdus": [wide], "events": [wide]}));
    let pdus = events::read_backfill(&answer, &world.room_id, 9, world.version()).unwrap();
    assert_eq!(pdus.judge(ring()).proven.len(), 1);
    let asked = MissingEvents {
        room_id: &world.room_id,
        earliest_events: &[],
        latest_events: &[],
        limit: 9,
        min_depth: 0,
    };
    let pdus = events::read_missing_events(&answer, &asked, world.version()).unwrap();
    assert_eq!(outcome(&pdus.judge(ring())).1, ["too_many_prev_events"]);
}

#[test]
fn n12_missing_events_lie_before_the_latest_ones() {
    for version in 1..=12 {
        let world = World::new(version);
        let (latest, before) = (world.id(6), world.id(5));
        let previous = [before.as_str()];
        let latest = [(latest.as_str(), previous.as_slice())];
        let earliest = world.id(2);
        let earliest = [earliest.as_str()];
        let asked = MissingEvents {
            room_id: &world.room_id,
            earliest_events: &earliest,
            latest_events: &latest,
            limit: 10,
            min_depth: 0,
        };
        let read = |events: &[&Value], asked: &MissingEvents<'_>| {
            let answer = body(&json!({"events": events}));
            events::read_missing_events(&answer, asked, world.version()).unwrap().judge(ring())
        };
        let events: Vec<_> = world.events.iter().collect();
        let judged = read(&events[3..6], &asked);
        assert_eq!(outcome(&judged), (strs(&world.ids(&[3, 4, 5])), vec![]));
        // The latest one, the earliest one, what lies before that, and a branch of its own.
        let branch = world.draft("m.room.message", None, ALICE, json!({}), &[3], &[0, 1, 2]);
        let branch = if version <= 2 {
            with(branch, "/event_id", json!("$branch:one.example"))
        } else {
            branch
        };
        let branch = world.signed(&branch);
        let judged = read(
            &[events[6], events[2], events[1], events[3], events[4], events[5], &branch],
            &asked,
        );
        assert_eq!(outcome(&judged).0, world.ids(&[3, 4, 5]));
        assert_eq!(outcome(&judged).1, ["answer_event_not_reachable"; 4]);
        // Without one in the middle nothing leads to what lies before.
        let judged = read(&[events[3], events[5]], &asked);
        assert_eq!(outcome(&judged).0, world.ids(&[5]));
        let shallow = MissingEvents { min_depth: 5, ..asked };
        assert_eq!(outcome(&read(&events[3..6], &shallow)).1, ["answer_event_below_min_depth"]);
        let short = MissingEvents { limit: 2, ..asked };
        assert_eq!(outcome(&read(&events[3..6], &short)).1, ["answer_event_beyond_limit"]);
        let content: Value =
            serde_json::from_slice(&events::get_missing_events(&asked).content.unwrap()).unwrap();
        let expected = json!({
            "earliest_events": [world.id(2)], "latest_events": [world.id(6)],
            "limit": 10, "min_depth": 0,
        });
        assert_eq!(content, expected);
    }
}

#[test]
fn n13_an_event_next_to_a_time_is_on_the_side_asked_for() {
    let id = format!("${}", "a".repeat(43));
    let read = |answer: Value, direction| {
        events::read_timestamp_to_event(&body(&answer), 100, direction, room_version(11))
    };
    let at = |ts: i64| json!({"event_id": id, "origin_server_ts": ts});
    assert_eq!(read(at(100), Direction::Forwards).unwrap().event_id, id);
    assert_eq!(read(at(101), Direction::Forwards).unwrap().origin_server_ts, 101);
    assert!(read(at(99), Direction::Backwards).is_ok());
    assert_error(read(at(99), Direction::Forwards), "answer_wrong_direction");
    assert_error(read(at(101), Direction::Backwards), "answer_wrong_direction");
    let wrong = json!({"event_id": "x", "origin_server_ts": 100});
    assert_error(read(wrong, Direction::Forwards), "answer_field_invalid");
    let request = events::timestamp_to_event("!r:x", -5, Direction::Backwards);
    assert!(request.target.ends_with("/%21r%3Ax?dir=b&ts=-5"));
}

// ---- N14 and N15

#[test]
fn n14_a_template_is_of_a_version_that_was_offered() {
    let offered = [room_version(1), room_version(2), room_version(11)];
    let read = |answer: Value, offered: &[&'static RoomVersion]| {
        joining::read_make_join(&body(&answer), offered)
    };
    let event = json!({"type": "m.room.member"});
    let stated = |answer| match read(answer, &offered).unwrap().version {
        StatedVersion::Known(version) => Some(version.id),
        StatedVersion::OneOrTwo => None,
    };
    assert_eq!(stated(json!({"event": event, "room_version": "11"})), Some("11"));
    // Absent, it is 1 or 2: which one, the create event says.
    assert_eq!(stated(json!({"event": event})), None);
    for (answer, code) in [
        (json!({"event": event, "room_version": "12"}), "answer_room_version"),
        (json!({"event": event, "room_version": "org.example"}), "answer_room_version"),
        (json!({"event": event, "room_version": 11}), "answer_field_invalid"),
        (json!({"event": event, "room_version": null}), "answer_field_invalid"),
        (json!({"event": [], "room_version": "11"}), "answer_field_invalid"),
        (json!({"room_version": "11"}), "answer_field_invalid"),
    ] {
        assert_error(read(answer, &offered), code);
    }
    assert_error(read(json!({"event": event}), &offered[2..]), "answer_room_version");
    let template = read(json!({"event": event}), &offered).unwrap();
    assert_eq!(template.event.as_str(), event.to_string());
    assert_eq!(template.version.for_events().map(|version| version.id), Some("1"));
}

#[test]
fn n16_n17_a_knock_names_its_version_and_a_leave_need_not() {
    let unnamed = body(&json!({"event": {}}));
    let versions: Vec<&'static RoomVersion> = ALL.iter().collect();
    assert_error(knocking::read_make_knock(&unnamed, &versions), "answer_field_invalid");
    assert!(leaving::read_make_leave(&unnamed, &versions).is_ok());
    let named = body(&json!({"event": {}, "room_version": "7"}));
    assert!(knocking::read_make_knock(&named, &versions).is_ok());
    assert_error(knocking::read_make_knock(&named, &versions[..6]), "answer_room_version");
}

#[test]
fn n17_a_leave_is_answered_by_an_empty_object() {
    assert!(leaving::read_send_leave(b"{}").is_ok());
    assert_error(leaving::read_send_leave(b"[200, {}]"), "answer_field_invalid");
    assert!(leaving::read_send_leave_v1(b" [ 200 , {} ] ").is_ok());
    for wrong in ["{}", "[200]", "[201,{}]", "[200,[]]", "[200,{},1]"] {
        assert_error(leaving::read_send_leave_v1(wrong.as_bytes()), "answer_field_invalid");
    }
    let event = parsed(&json!({}));
    assert!(leaving::send_leave_v1("!r:x", "$e", &event).target.contains("/v1/send_leave/"));
}

/// A join of the room and the answer to it.
struct Joining {
    world: World,
    event: Value,
    answer: Value,
}

impl Joining {
    fn new(version: u8) -> Self {
        let world = World::new(version);
        let event = world.membership("join", json!({}));
        Self::of(world, event)
    }

    /// A restricted join that a user of the first server lets in.
    fn restricted(version: u8) -> Self {
        let world = World::with_rule(version, "restricted");
        let allowed = json!({"join_authorised_via_users_server": ALICE});
        let mut event = world.membership("join", allowed);
        let alice = world.reference(1);
        event["auth_events"].as_array_mut().unwrap().push(alice);
        let mut joining = Self::of(world, event);
        joining.answer["event"] = sign_by(&joining.draft(), version, &[&two(), &one()]);
        joining
    }

    fn of(world: World, event: Value) -> Self {
        let event = if world.version <= 2 {
            with(event, "/event_id", json!("$join:two.example"))
        } else {
            event
        };
        let event = sign_by(&event, world.version, &[&two()]);
        let answer = json!({
            "state": &world.events[..4], "auth_chain": &world.events[..3], "origin": "x",
        });
        Self { world, event, answer }
    }

    fn draft(&self) -> Value {
        model::without(&self.event, &["hashes", "signatures"])
    }

    fn read(&self, bend: impl FnOnce(&mut Join<'_>)) -> Result<SendJoin, AnswerError> {
        let event = parsed(&self.event);
        let event_id = model::event_id(&self.event, self.world.version);
        let mut join = Join {
            room_id: &self.world.room_id,
            event_id: &event_id,
            event: &event,
            version: StatedVersion::Known(self.world.version()),
            omit_members: false,
            server_name: TWO,
        };
        bend(&mut join);
        SendJoin::read(&body(&self.answer), &join)
    }

    fn judge(&self) -> Result<Joined, AnswerError> {
        self.read(|_| ())?.judge(ring())
    }
}

#[test]
fn n15_a_join_is_one_that_the_state_allows() {
    for version in 1..=12 {
        let joining = Joining::new(version);
        let joined = joining.judge().unwrap();
        assert_eq!((joined.state.state.len(), joined.state.auth_chain.len()), (4, 3));
        assert_eq!(joined.event.as_str(), model::canonical(&joining.event));
        assert_eq!(joined.verdict.outcome, Outcome::Accepted);
        assert!(!joined.members_omitted && joined.state.gaps.is_empty());
        // By the state in the answer the room is closed.
        let mut closed = Joining::of(World::with_rule(version, "invite"), joining.draft());
        closed.event = sign_by(&closed.world.membership("join", json!({})), version, &[&two()]);
        assert_error(closed.judge(), "answer_join_not_allowed");
        // The state does not hold what decides.
        let mut partial = Joining::new(version);
        partial.answer["state"].as_array_mut().unwrap().remove(3);
        assert_error(partial.judge(), "answer_join_not_allowed");
    }
}

#[test]
fn n15_e81_a_state_that_is_none_joins_nobody() {
    for version in [1, 11, 12] {
        let bent = |bend: &dyn Fn(&mut Value)| {
            let mut joining = Joining::new(version);
            bend(&mut joining.answer);
            joining.judge()
        };
        let no_create = |answer: &mut Value| {
            answer["state"].as_array_mut().unwrap().remove(0);
        };
        assert_error(bent(&no_create), "answer_state_no_create");
        let no_chain = |answer: &mut Value| *answer = lacking(answer.clone(), "auth_chain");
        assert_error(bent(&no_chain), "answer_field_invalid");
        let forged = |answer: &mut Value| answer["state"][0] = forged(&answer["state"][0]);
        let code = if version == 12 { "answer_state_other_room" } else { "answer_state_no_create" };
        let error = bent(&forged).unwrap_err();
        assert!([code, "answer_state_no_create"].contains(&error.code()), "{error:?}");
    }
    let joining = Joining::new(11);
    let other = joining.read(|join| join.room_id = "!other:one.example").unwrap();
    assert_error(other.judge(ring()), "answer_state_other_room");
}

#[test]
fn n15_bad_events_of_the_state_fall_out_and_the_join_goes_on() {
    let mut joining = Joining::new(11);
    let topic = joining.world.draft("m.room.topic", Some(""), ALICE, json!({}), &[3], &[0, 1, 2]);
    let unsigned = with(joining.world.signed(&topic), "/signatures", json!({}));
    let by_nobody = sign_by(&topic, 11, &[&Signer25519::new(ONE, "ed25519:unknown")]);
    joining.answer["state"].as_array_mut().unwrap().extend([unsigned, by_nobody, json!(1)]);
    let joined = joining.judge().unwrap();
    let codes: Vec<_> = joined.state.fallen.iter().map(FallenPdu::code).collect();
    assert_eq!(codes, ["signature_missing", "signature_key_unknown", "not_an_object"]);
    assert_eq!(joined.state.state.len(), 4);
    let answer = joining.read(|_| ()).unwrap();
    assert_eq!(answer.keys_needed(&KeyRing::default()).len(), 2);
    assert_eq!(answer.version().id, "11");
}

#[test]
fn n15_without_a_stated_version_the_create_event_says_1_or_2() {
    for (version, known) in [(1, true), (2, true), (3, false), (11, false)] {
        let joining = Joining::new(version);
        let read = joining.read(|join| join.version = StatedVersion::OneOrTwo);
        if known {
            assert_eq!(read.unwrap().judge(ring()).unwrap().version.id, version.to_string());
        } else {
            assert_error(read, "answer_state_room_version");
        }
    }
    let mut empty = Joining::new(1);
    empty.answer["state"] = json!([{"x": "m.room.create"}]);
    let read = empty.read(|join| join.version = StatedVersion::OneOrTwo);
    assert_error(read, "answer_state_no_create");
}

#[test]
fn n15_a_restricted_join_comes_back_signed_by_who_let_it_in() {
    for version in 8..=12 {
        let joining = Joining::restricted(version);
        let joined = joining.judge().unwrap();
        assert_eq!(joined.event.as_str(), model::canonical(&joining.answer["event"]));
        let bent = |bend: &dyn Fn(&mut Value)| {
            let mut joining = Joining::restricted(version);
            bend(&mut joining.answer);
            joining.judge()
        };
        let absent = |answer: &mut Value| *answer = lacking(answer.clone(), "event");
        assert_error(bent(&absent), "answer_field_invalid");
        let changed = |answer: &mut Value| answer["event"]["content"]["x"] = json!(1);
        assert_error(bent(&changed), "answer_event_changed");
        let ours_gone = |answer: &mut Value| {
            answer["event"]["signatures"].as_object_mut().unwrap().remove(TWO);
        };
        assert_error(bent(&ours_gone), "answer_event_changed");
        let no_more = |answer: &mut Value| {
            answer["event"]["signatures"].as_object_mut().unwrap().remove(ONE);
        };
        assert_error(bent(&no_more), "answer_countersignature");
        let junk = |answer: &mut Value| {
            answer["event"]["signatures"][ONE]["ed25519:a"] = json!("A".repeat(86));
        };
        assert_error(bent(&junk), "answer_countersignature");
        // Signatures of others are not taken over, nor is `unsigned`.
        let surplus = |answer: &mut Value| {
            answer["event"]["signatures"]["three.example"] = json!({"ed25519:a": "x"});
            answer["event"]["unsigned"] = json!({"x": 1});
        };
        let joined = bent(&surplus).unwrap();
        assert_eq!(joined.event.as_str(), model::canonical(&joining.answer["event"]));
        // The key that is missing is told.
        let read = joining.read(|_| ()).unwrap();
        assert!(read.keys_needed(&KeyRing::default()).iter().any(|key| key.server == ONE));
        // Who lets their own user in has signed already.
        let own = joining.read(|join| join.server_name = ONE);
        assert!(own.is_ok());
    }
    // Before restricted joins, the field means nothing.
    let mut plain = Joining::of(World::new(7), Joining::restricted(8).draft());
    let content = json!({"join_authorised_via_users_server": ALICE});
    plain.event = sign_by(&plain.world.membership("join", content), 7, &[&two()]);
    assert!(plain.judge().is_ok());
}

#[test]
fn n15_members_are_left_out_only_if_asked_for() {
    let mut joining = Joining::new(11);
    joining.answer["members_omitted"] = json!(true);
    joining.answer["servers_in_room"] = json!([ONE, TWO, ONE, "no server", 1]);
    assert_error(joining.judge(), "answer_members_omitted");
    let asked = |joining: &Joining| joining.read(|join| join.omit_members = true);
    let joined = asked(&joining).unwrap().judge(ring()).unwrap();
    assert_eq!(
        (joined.members_omitted, joined.servers_in_room),
        (true, vec![ONE.into(), TWO.into()])
    );
    let told = [
        ("servers_in_room[2]", "answer_entry_twice"),
        ("servers_in_room[3]", "answer_entry_invalid"),
        ("servers_in_room[4]", "answer_entry_invalid"),
    ];
    assert_eq!(left_out(&joined.left_out), told);
    joining.answer = lacking(joining.answer.clone(), "servers_in_room");
    assert_error(asked(&joining), "answer_field_invalid");
    joining.answer["members_omitted"] = json!("true");
    assert_error(asked(&joining), "answer_field_invalid");
}

#[test]
fn n15_a_join_goes_to_either_version_of_the_endpoint() {
    let joining = Joining::new(11);
    let (event, room_id) = (parsed(&joining.event), joining.world.room_id.as_str());
    let join = Join {
        room_id,
        event_id: "$e",
        event: &event,
        version: StatedVersion::Known(room_version(11)),
        omit_members: true,
        server_name: TWO,
    };
    let request = joining::send_join(&join);
    let path = "/_matrix/federation/v2/send_join/%21room%3Aone.example/%24e?omit_members=true";
    assert_eq!(request.target, path);
    assert_eq!(request.content.as_deref(), Some(event.text()));
    let whole = Join { omit_members: false, ..join };
    assert!(joining::send_join(&whole).target.ends_with("/%24e"));
    assert!(joining::send_join_v1(&join).target.contains("/v1/send_join/"));
    let old = body(&json!([200, joining.answer]));
    assert!(SendJoin::read_v1(&old, &join).unwrap().judge(ring()).is_ok());
    assert_error(SendJoin::read(&old, &join), "answer_field_invalid");
}

// ---- N16

#[test]
fn n16_o8_state_for_who_knocks_is_stripped_and_badly_signed_entries_fall_out() {
    for version in 7..=12 {
        let world = World::with_rule(version, "knock");
        let stripped = json!({
            "type": "m.room.name", "state_key": "", "sender": ALICE, "content": {"name": "x"},
        });
        let entries = json!([
            world.events[0], forged(&world.events[3]), with(stripped.clone(), "/unsigned", json!(1)),
            {"type": "m.room.name"}, 1, world.events[4],
        ]);
        let answer = body(&json!({"knock_room_state": entries}));
        let read = SendKnock::read(&answer, &world.room_id, world.version()).unwrap();
        assert_eq!(read.keys_needed(&KeyRing::default()).len(), 1);
        let knocked = read.judge(ring());
        let state: Vec<_> = knocked
            .room_state
            .iter()
            .map(|entry| (entry.event.get("type").unwrap().as_str().unwrap(), entry.proven))
            .collect();
        // A message is no state to show; unsigned entries are no events where events are asked for.
        if version == 12 {
            assert_eq!(state, [("m.room.create".into(), true)]);
        } else {
            assert_eq!(state, [("m.room.create".into(), true), ("m.room.name".into(), false)]);
            let kept = knocked.room_state[1].event.as_str();
            assert_eq!(kept, model::canonical(&stripped));
        }
        assert!(knocked.room_state[0].event.get("signatures").is_none());
        let fallen: Vec<_> = knocked.fallen.iter().map(FallenPdu::code).collect();
        assert_eq!(fallen, ["signature_invalid"]);
        assert_eq!(knocked.left_out.len(), if version == 12 { 3 } else { 2 });
    }
    for wrong in ["{}", "{\"knock_room_state\":null}", "{\"knock_room_state\":{}}"] {
        let read = SendKnock::read(wrong.as_bytes(), "!r:x", room_version(11));
        assert_error(read, "answer_field_invalid");
    }
}

// ---- N18 to N20

fn invitation(version: u8) -> (World, Value) {
    let world = World::new(version);
    let last = world.events.len() - 1;
    let content = json!({"membership": "invite"});
    let draft = world.draft("m.room.member", Some(BOB), ALICE, content, &[last], &[0, 1, 2]);
    (world, draft)
}

#[test]
fn n18_e10_an_invite_comes_back_signed_by_the_invited_server_and_else_unchanged() {
    for version in 1..=12 {
        let (world, draft) = invitation(version);
        let event = parsed(&world.signed(&draft));
        let state = [parsed(&world.events[0])];
        let event_id = model::event_id(&world.signed(&draft), version);
        let invitation = Invitation {
            room_id: &world.room_id,
            version: world.version(),
            event_id: &event_id,
            event: &event,
            room_state: &state,
        };
        assert_eq!(invitation.invited_server().as_deref(), Some(TWO));
        let content = inviting::invite(&invitation).content.unwrap();
        let expected = json!({
            "event": world.signed(&draft), "room_version": version.to_string(),
            "invite_room_state": [world.events[0]],
        });
        assert_eq!(String::from_utf8(content).unwrap(), model::canonical(&expected));
        let judge = |event: &Value| {
            SentInvite::read(&body(&json!({"event": event})), &invitation)?.judge(ring())
        };
        let both = sign_by(&draft, version, &[&one(), &two()]);
        assert_eq!(judge(&both).unwrap().as_str(), model::canonical(&both));
        let unsigned = with(both.clone(), "/unsigned", json!({"x": 1}));
        assert_eq!(judge(&unsigned).unwrap().as_str(), model::canonical(&both));
        assert_error(judge(&world.signed(&draft)), "answer_countersignature");
        let other = Signer25519::new(TWO, "ed25519:other");
        let by_other = sign_by(&draft, version, &[&one(), &other]);
        assert_error(judge(&by_other), "answer_countersignature");
        assert_error(judge(&sign_by(&draft, version, &[&two()])), "answer_event_changed");
        for pointer in ["/content/displayname", "/sender", "/depth", "/x", "/hashes/sha256"] {
            let changed = with(both.clone(), pointer, json!("@x:y"));
            assert_error(judge(&changed), "answer_event_changed");
        }
        let read = SentInvite::read(&body(&json!({"event": both})), &invitation).unwrap();
        let needed = read.keys_needed(&KeyRing::default());
        assert_eq!((needed.len(), needed[0].server.as_str()), (1, TWO));
        assert_error(read.judge(&KeyRing::default()), "answer_countersignature");
        assert_error(SentInvite::read(b"{}", &invitation), "answer_field_invalid");
        // Versions 1 and 2 have an older request.
        let old = inviting::invite_v1(&invitation);
        assert_eq!(old.is_some(), version <= 2);
        if let Some(old) = old {
            let content: Value = serde_json::from_slice(&old.content.unwrap()).unwrap();
            assert_eq!(content["unsigned"]["invite_room_state"], json!([world.events[0]]));
            let answer = body(&json!([200, {"event": both}]));
            assert!(SentInvite::read_v1(&answer, &invitation).unwrap().judge(ring()).is_ok());
        }
        let unknown = RemoteError::read(404, None, b"<html>");
        assert_eq!(inviting::is_v1_worth_trying(&unknown, world.version()), version <= 2);
        let blocked = RemoteError::read(403, None, b"{\"errcode\":\"M_INVITE_BLOCKED\"}");
        assert!(!inviting::is_v1_worth_trying(&blocked, world.version()));
    }
}

#[test]
fn n20_a_third_partys_invite_is_of_the_room_in_the_path() {
    let event = parsed(&json!({"type": "m.room.member", "room_id": "!other:x", "content": {}}));
    let request = inviting::exchange_third_party_invite("!r:x", &event);
    assert_eq!(request.target, "/_matrix/federation/v1/exchange_third_party_invite/%21r%3Ax");
    let content: Value = serde_json::from_slice(&request.content.unwrap()).unwrap();
    assert_eq!(content["room_id"], "!r:x");
    assert!(inviting::read_exchange(b"{}").is_ok());
    assert_error(inviting::read_exchange(b"1"), "answer_field_invalid");
}

// ---- N22 to N25

#[test]
fn n22_rooms_are_read_field_by_field() {
    let room = json!({
        "room_id": "!r:x", "num_joined_members": 3, "world_readable": true, "guest_can_join": false,
        "name": "n", "topic": "t".repeat(5000), "canonical_alias": "#a:x", "avatar_url": "mxc://x/y",
        "join_rule": "public", "room_type": "m.space", "other": [],
    });
    let bent = |key: &str, value: Value| with(room.clone(), &format!("/{key}"), value);
    let answer = json!({
        "chunk": [
            room, bent("room_id", json!("r")), bent("num_joined_members", json!(-1)),
            lacking(room.clone(), "world_readable"), bent("guest_can_join", json!("yes")),
            bent("name", json!(1)), bent("canonical_alias", json!("a")),
            bent("avatar_url", json!("javascript:1")), bent("topic", Value::Null), 1,
        ],
        "next_batch": "n", "prev_batch": 1, "total_room_count_estimate": 7,
    });
    let page = published_rooms::read_public_rooms(&body(&answer)).unwrap();
    assert_eq!(page.rooms.len(), 5);
    let first = &page.rooms[0];
    assert_eq!((first.room_id.as_str(), first.num_joined_members), ("!r:x", 3));
    assert!(first.world_readable && !first.guest_can_join);
    assert_eq!(first.topic.as_ref().unwrap().len(), 4096);
    assert_eq!(first.canonical_alias.as_deref(), Some("#a:x"));
    assert_eq!(first.avatar_url.as_deref(), Some("mxc://x/y"));
    assert_eq!((page.rooms[1].name.as_ref(), page.rooms[4].topic.as_ref()), (None, None));
    assert_eq!((page.next_batch.as_deref(), page.prev_batch.as_deref()), (Some("n"), None));
    assert_eq!(page.total_room_count_estimate, Some(7));
    let told = left_out(&page.left_out);
    for expected in [
        ("chunk[0].topic", "answer_text_cut"),
        ("chunk[1].room_id", "answer_entry_invalid"),
        ("chunk[2].num_joined_members", "answer_entry_invalid"),
        ("chunk[3].world_readable", "answer_entry_invalid"),
        ("chunk[4].guest_can_join", "answer_entry_invalid"),
        ("chunk[5].name", "answer_entry_invalid"),
        ("chunk[6].canonical_alias", "answer_entry_invalid"),
        ("chunk[7].avatar_url", "answer_entry_invalid"),
        ("chunk[9].room_id", "answer_entry_invalid"),
        ("prev_batch", "answer_entry_invalid"),
    ] {
        assert!(told.contains(&expected), "{expected:?} is not in {told:?}");
    }
    assert_error(published_rooms::read_public_rooms(b"{}"), "answer_field_invalid");
}

#[test]
fn n22_a_search_is_posted() {
    let all = published_rooms::public_rooms(&Filter::default());
    assert_eq!((all.method, all.target.as_str()), ("GET", "/_matrix/federation/v1/publicRooms"));
    let some = Filter {
        limit: Some(5),
        since: Some("a/b"),
        include_all_networks: true,
        third_party_instance_id: Some("i"),
        search: None,
    };
    let target = published_rooms::public_rooms(&some).target;
    let query = "include_all_networks=true&limit=5&since=a%2Fb&third_party_instance_id=i";
    assert!(target.ends_with(query), "{target}");
    let search = published_rooms::public_rooms(&Filter { search: Some("x"), ..some });
    let expected = json!({
        "filter": {"generic_search_term": "x"}, "include_all_networks": true, "limit": 5,
        "since": "a/b", "third_party_instance_id": "i",
    });
    let content = String::from_utf8(search.content.unwrap()).unwrap();
    assert_eq!((search.method, content), ("POST", model::canonical(&expected)));
}

#[test]
fn n23_only_the_owner_is_asked_and_what_is_malformed_is_left_out() {
    let (server, request) = queries::directory("#a b:x:1").unwrap();
    let path = "/_matrix/federation/v1/query/directory?room_alias=%23a%20b%3Ax%3A1";
    assert_eq!((server, request.target.as_str()), ("x:1", path));
    assert!(queries::directory("!a:x").is_none() && queries::profile("#a:x", None).is_none());
    let (server, request) = queries::profile("@u:y", Some("displayname")).unwrap();
    let path = "/_matrix/federation/v1/query/profile?field=displayname&user_id=%40u%3Ay";
    assert_eq!((server, request.target.as_str()), ("y", path));

    let answer = json!({"room_id": "!r:x", "servers": ["a", "a", "?", "b"]});
    let target = queries::read_directory(&body(&answer)).unwrap();
    assert_eq!((target.room_id.as_str(), target.servers), ("!r:x", vec!["a".into(), "b".into()]));
    let told = [("servers[1]", "answer_entry_twice"), ("servers[2]", "answer_entry_invalid")];
    assert_eq!(left_out(&target.left_out), told);
    for wrong in [json!({"room_id": "r", "servers": []}), json!({"room_id": "!r:x"})] {
        assert_error(queries::read_directory(&body(&wrong)), "answer_field_invalid");
    }

    let answer = json!({"displayname": "D", "avatar_url": "mxc://x/y", "m.tz": "Europe/Paris"});
    let profile = queries::read_profile(&body(&answer), None).unwrap();
    assert_eq!(profile.displayname.as_deref(), Some("D"));
    assert_eq!(profile.avatar_url.as_deref(), Some("mxc://x/y"));
    assert_eq!(profile.fields[0].0, "m.tz");
    let one = queries::read_profile(&body(&answer), Some("displayname")).unwrap();
    assert_eq!((one.displayname.as_deref(), one.avatar_url), (Some("D"), None));
    let told = [("avatar_url", "answer_entry_unasked"), ("m.tz", "answer_entry_unasked")];
    assert_eq!(left_out(&one.left_out), told);
    let wrong = json!({"displayname": 1, "avatar_url": "http://x", "": ""});
    let wrong = queries::read_profile(&body(&wrong), None).unwrap();
    let told = [("displayname", "answer_entry_invalid"), ("avatar_url", "answer_entry_invalid")];
    assert_eq!(left_out(&wrong.left_out), told);
    let gone = queries::read_profile(b"{\"avatar_url\":\"\",\"displayname\":null}", None).unwrap();
    assert_eq!((gone.avatar_url, gone.displayname, gone.left_out), (None, None, vec![]));
    assert_error(queries::read_profile(b"[]", None), "answer_field_invalid");
}

#[test]
fn n24_a_space_has_the_rooms_that_it_names() {
    let room = |id: &str| {
        json!({
            "room_id": id, "num_joined_members": 1, "world_readable": true, "guest_can_join": true,
        })
    };
    let link = |id: &str, via: Value| {
        json!({
            "type": "m.space.child", "state_key": id, "sender": ALICE, "origin_server_ts": TS,
            "content": {"via": via, "suggested": true, "order": "a"},
        })
    };
    let mut space = room("!s:x");
    space["allowed_room_ids"] = json!(["!m:x", 1]);
    space["children_state"] = json!([
        link("!a:x", json!(["x", 1])), link("!b:x", json!(["x"])), link("!gone:x", json!([])),
        link("c", json!(["x"])), {"type": "m.room.name", "state_key": ""}, 1,
        link("!far:x", json!("x")),
    ]);
    let answer = json!({
        "room": space, "children": [room("!a:x"), room("!a:x"), room("!x:x"), {}],
        "inaccessible_children": ["!b:x", "!a:x", "!y:x"],
    });
    let read = spaces::read_hierarchy(&body(&answer), "!s:x").unwrap();
    let links: Vec<_> = read.links.iter().map(|link| link.room_id.as_str()).collect();
    assert_eq!(links, ["!a:x", "!b:x"]);
    assert_eq!((read.links[0].via.as_slice(), read.links[0].suggested), (&["x".into()][..], true));
    assert_eq!((read.links[0].order.as_deref(), read.links[0].origin_server_ts), (Some("a"), TS));
    assert_eq!(read.children.len(), 1);
    assert_eq!(read.room.allowed_room_ids, ["!m:x"]);
    assert_eq!(read.inaccessible_children, ["!b:x"]);
    let told = left_out(&read.left_out);
    for expected in [
        ("room.allowed_room_ids[1]", "answer_entry_invalid"),
        ("room.children_state[0].content.via[1]", "answer_entry_invalid"),
        ("room.children_state[3].state_key", "answer_entry_invalid"),
        ("room.children_state[4].type", "answer_entry_invalid"),
        ("room.children_state[5].type", "answer_entry_invalid"),
        ("room.children_state[6].content.via", "answer_entry_invalid"),
        ("children[1]", "answer_entry_unasked"),
        ("children[2]", "answer_entry_unasked"),
        ("children[3].room_id", "answer_entry_invalid"),
        ("inaccessible_children[1]", "answer_entry_invalid"),
        ("inaccessible_children[2]", "answer_entry_invalid"),
    ] {
        assert!(told.contains(&expected), "{expected:?} is not in {told:?}");
    }
    assert_error(spaces::read_hierarchy(&body(&answer), "!other:x"), "answer_other_room");
    let none = json!({"room": {}, "children": [], "inaccessible_children": []});
    assert_error(spaces::read_hierarchy(&body(&none), "!s:x"), "answer_field_invalid");
    let path = "/_matrix/federation/v1/hierarchy/%21s%3Ax";
    assert_eq!(spaces::hierarchy("!s:x", false).target, path);
    assert_eq!(spaces::hierarchy("!s:x", true).target, format!("{path}?suggested_only=true"));
}

#[test]
fn n25_who_is_named_is_of_the_server_asked() {
    let read = |sub: Value, server| openid::read_userinfo(&body(&json!({"sub": sub})), server);
    assert_eq!(read(json!("@a:x"), "x").unwrap(), "@a:x");
    for server in ["y", "x:8448", "X"] {
        assert_error(read(json!("@a:x"), server), "answer_other_server");
    }
    assert_error(read(json!("a"), "x"), "answer_field_invalid");
    assert_error(read(json!(1), "x"), "answer_field_invalid");
    let target = openid::userinfo("a b&c").target;
    assert_eq!(target, "/_matrix/federation/v1/openid/userinfo?access_token=a%20b%26c");
}

// ---- N26

#[test]
fn n26_o3_e21_only_the_policy_servers_signature_is_taken_and_all_earlier_ones_stay() {
    // The policy server is the server of the sender: it has signed already.
    let policy = Signer25519::new(ONE, "ed25519:policy_server");
    let key = PublicKey::from_base64(&policy.public()).unwrap();
    for version in 1..=12 {
        let world = World::new(version);
        let event = &world.events[4];
        let event = with(event.clone(), "/unsigned", json!({"age": 1}));
        let signature = policy.sign(&model::signed_text(&event, version));
        let read = |answer: Value, via| {
            let event = parsed(&event);
            policy_signing::read_sign(&body(&answer), &event, world.version(), via, &key)
        };
        let answer = json!({
            ONE: {"ed25519:policy_server": signature, "ed25519:a": "junk"},
            TWO: {"ed25519:policy_server": signature},
        });
        let signed: Value =
            serde_json::from_slice(read(answer.clone(), ONE).unwrap().text()).unwrap();
        let mut expected = event.clone();
        expected["signatures"][ONE]["ed25519:policy_server"] = json!(signature);
        assert_eq!(signed, expected);
        assert_error(read(json!({}), ONE), "policy_signature_missing");
        assert_error(read(answer.clone(), "three.example"), "policy_signature_missing");
        let of = |text: &str| json!({ONE: {"ed25519:policy_server": text}});
        assert_error(read(of("x"), ONE), "policy_signature_malformed");
        assert_error(read(of(&"A".repeat(86)), ONE), "policy_signature_invalid");
        assert_error(read(json!({ONE: {"ed25519:a": signature}}), ONE), "policy_signature_missing");
        assert_error(read(json!([]), ONE), "answer_field_invalid");
        let request = policy_signing::sign(&parsed(&event)).unwrap();
        assert_eq!((request.target.as_str(), request.signed), ("/_matrix/policy/v1/sign", true));
        assert!(!String::from_utf8(request.content.unwrap()).unwrap().contains("unsigned"));
    }
    let weak = PublicKey::from_bytes(&{
        let mut identity = [0; 32];
        identity[0] = 1;
        identity
    });
    let event = parsed(&World::new(11).events[4]);
    let answer = json!({ONE: {"ed25519:policy_server": policy.sign("x")}});
    let read =
        policy_signing::read_sign(&body(&answer), &event, room_version(11), ONE, &weak.unwrap());
    assert_error(read, "policy_signature_invalid");
}

#[test]
fn n26_o4_the_event_that_names_the_policy_server_is_not_sent_to_it() {
    let event = |key: Value| parsed(&json!({"type": "m.room.policy", "state_key": key}));
    assert!(policy_signing::sign(&event(json!(""))).is_none());
    assert!(policy_signing::sign(&event(json!("x"))).is_some());
    assert!(policy_signing::sign(&parsed(&json!({"type": "m.room.policy"}))).is_some());
}

// ---- N29 and N30

#[test]
fn n29_n30_a_refusal_says_what_to_do_next() {
    use Asked::{Alone, ForEvents, ForMembership};
    let read = |status, errcode: &str| {
        RemoteError::read(status, None, &body(&json!({"errcode": errcode, "error": "e"})))
    };
    let later = Next::Later(None);
    for (status, errcode, code, membership, events, alone) in [
        (
            400,
            "M_UNABLE_TO_AUTHORISE_JOIN",
            "remote_unable_to_authorise_join",
            Next::AnotherServer,
            Next::AnotherServer,
            Next::Stop,
        ),
        (
            400,
            "M_UNABLE_TO_GRANT_JOIN",
            "remote_unable_to_grant_join",
            Next::AnotherServer,
            Next::AnotherServer,
            Next::Stop,
        ),
        (
            400,
            "M_INCOMPATIBLE_ROOM_VERSION",
            "remote_incompatible_room_version",
            Next::Stop,
            Next::Stop,
            Next::Stop,
        ),
        (403, "M_INVITE_BLOCKED", "remote_invite_blocked", Next::Stop, Next::Stop, Next::Stop),
        (403, "M_FORBIDDEN", "remote_forbidden", Next::Stop, Next::AnotherServer, Next::Stop),
        (400, "M_FORBIDDEN", "remote_forbidden", Next::Stop, Next::AnotherServer, Next::Stop),
        (
            404,
            "M_NOT_FOUND",
            "remote_not_found",
            Next::AnotherServer,
            Next::AnotherServer,
            Next::Stop,
        ),
        (
            404,
            "M_UNRECOGNIZED",
            "remote_unrecognized",
            Next::OlderEndpoint,
            Next::OlderEndpoint,
            Next::OlderEndpoint,
        ),
        (
            405,
            "M_UNRECOGNIZED",
            "remote_unrecognized",
            Next::OlderEndpoint,
            Next::OlderEndpoint,
            Next::OlderEndpoint,
        ),
        (
            401,
            "M_UNAUTHORIZED",
            "remote_unauthorized",
            Next::AnotherServer,
            Next::AnotherServer,
            Next::Stop,
        ),
        (400, "M_BAD_JSON", "remote_refused", Next::Stop, Next::Stop, Next::Stop),
        (429, "M_LIMIT_EXCEEDED", "remote_rate_limited", later, later, later),
        (500, "M_UNKNOWN", "remote_failed", Next::AnotherServer, Next::AnotherServer, later),
        (302, "", "remote_failed", Next::AnotherServer, Next::AnotherServer, later),
    ] {
        let error = read(status, errcode);
        assert_eq!(error.code(), code);
        assert!(codes::find(code).is_some() && error.to_string().contains(errcode));
        let next = [ForMembership, ForEvents, Alone].map(|asked| error.next(asked));
        assert_eq!(next, [membership, events, alone], "{status} {errcode}");
    }
}

#[test]
fn n30_what_a_refusal_says_is_read_and_cut() {
    let answer = json!({
        "errcode": "M_INCOMPATIBLE_ROOM_VERSION", "error": "é".repeat(9000), "room_version": "7",
        "retry_after_ms": 5,
    });
    let error = RemoteError::read(429, None, &body(&answer));
    assert_eq!(error.room_version.as_deref(), Some("7"));
    assert_eq!(error.retry_after_ms, Some(5));
    assert_eq!(error.error.as_ref().unwrap().chars().count(), 4096);
    let long = RemoteError::read(400, None, &body(&json!({"errcode": "M".repeat(999)})));
    assert_eq!(long.errcode.unwrap().len(), 255);
    for text in ["", "<html>", "[]", "{\"errcode\":1,\"error\":{},\"retry_after_ms\":-1}"] {
        let error = RemoteError::read(502, None, text.as_bytes());
        let expected = RemoteError {
            status: 502,
            errcode: None,
            error: None,
            retry_after_ms: None,
            room_version: None,
        };
        assert_eq!(error, expected);
        assert!(error.to_string().contains("502"));
    }
    assert_eq!(RemoteError::read(404, None, b"<html>").code(), "remote_unrecognized");
    let limited = json!({"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 9});
    let limited = RemoteError::read(429, None, &body(&limited));
    assert_eq!(limited.next(Asked::Alone), Next::Later(Some(9)));
    let told = b"{\"retry_after_ms\":9}";
    for (header, ms) in
        [("2", 2000), (" 3 ", 3000), ("Wed, 21 Oct 2015 07:28:00 GMT", 9), ("-1", 9)]
    {
        assert_eq!(RemoteError::read(429, Some(header), told).retry_after_ms, Some(ms));
    }
}

// ---- what holds for every answer

/// What every answer that holds events makes of some bytes: the events that came through.
fn come_through(bytes: &[u8], world: &World) -> Vec<Canonical> {
    let (room_id, version) = (world.room_id.as_str(), world.version());
    let mut events = Vec::new();
    let mut take = |judged: Judged| events.extend(judged.proven.into_iter().map(|pdu| pdu.event));
    if let Ok(pdus) = events::read_backfill(bytes, room_id, 100, version) {
        take(pdus.judge(ring()));
    }
    if let Ok(chain) = EventAuth::read(bytes, room_id, None, version) {
        take(chain.judge(ring()).events);
    }
    let previous = world.id(6);
    let latest: [(&str, &[&str]); 1] = [("$x", &[&previous])];
    let asked = MissingEvents {
        room_id,
        earliest_events: &[],
        latest_events: &latest,
        limit: 100,
        min_depth: 0,
    };
    if let Ok(pdus) = events::read_missing_events(bytes, &asked, version) {
        take(pdus.judge(ring()));
    }
    if let Ok(Ok(state)) =
        events::read_state(bytes, room_id, version).map(|state| state.judge(ring()))
    {
        events.extend(state.state.into_iter().chain(state.auth_chain).map(|pdu| pdu.event));
    }
    if let Ok(Ok(pdu)) =
        OneEvent::read(bytes, &world.id(4), None, version).map(|one| one.judge(ring()))
    {
        assert_eq!(pdu.event_id(), world.id(4));
        events.push(pdu.event);
    }
    events
}

/// All else that reads an answer: it must end, and not panic.
fn read_everything(bytes: &[u8], world: &World) {
    let version = world.version();
    let _ = events::read_state_ids(bytes, version);
    let _ = events::read_timestamp_to_event(bytes, 0, Direction::Forwards, version);
    let _ = server_keys::read_query(bytes, TWO, &[ONE], FETCHED, ring());
    let _ = transactions::read_send(bytes, &["$a"]);
    let _ = incoming::read_transaction(bytes);
    let _ = joining::read_make_join(bytes, &[version]);
    let _ = leaving::read_send_leave_v1(bytes);
    let _ = SendKnock::read(bytes, &world.room_id, version).map(|knock| knock.judge(ring()));
    let _ = published_rooms::read_public_rooms(bytes);
    let _ = queries::read_directory(bytes);
    let _ = queries::read_profile(bytes, None);
    let _ = server_version::read_version(bytes);
    let _ = openid::read_userinfo(bytes, ONE);
    let _ = spaces::read_hierarchy(bytes, &world.room_id);
    let _ = RemoteError::read(500, None, bytes).code();
}

/// Every event that comes through is proven, and one of the room, whole or redacted.
fn assert_proven(events: &[Canonical], world: &World) {
    // Some characters of a signature can be changed without changing its bytes.
    let unsigned = |event: &Value| model::canonical(&model::without(event, &["signatures"]));
    let redacted = |event: &Value| unsigned(&model::redact(event, world.version));
    let known: Vec<_> =
        world.events.iter().flat_map(|event| [unsigned(event), redacted(event)]).collect();
    for event in events {
        let verdict = receive::verify(event.text(), world.version(), ring(), Options::default());
        assert_eq!(verdict.outcome, Outcome::Accepted, "{}", event.as_str());
        let event = unsigned(&serde_json::from_slice(event.text()).unwrap());
        assert!(known.contains(&event), "{event}");
    }
}

fn whole_answer(world: &World) -> Value {
    let events = &world.events;
    json!({
        "pdus": events, "events": events, "auth_chain": events, "state": events,
        "knock_room_state": events, "server_keys": [], "room": {}, "children": [],
    })
}

static WORLD: LazyLock<World> = LazyLock::new(|| World::new(11));

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn b43_each_way_to_ask_for_events_lets_the_same_ones_through() {
    for version in 1..=12 {
        let world = World::new(version);
        let through = come_through(&body(&whole_answer(&world)), &world);
        assert_proven(&through, &world);
        // Backfill 7, auth chain 7, missing events 7, the auth chain of a state 7 and its four events:
        // `/event` and states with messages are asked for less.
        assert_eq!(through.len(), 7 * 4 + 4, "version {version}");
        let mut answer = whole_answer(&world);
        for list in ["pdus", "events", "auth_chain", "state"] {
            for event in answer[list].as_array_mut().unwrap() {
                *event = forged(event);
            }
        }
        assert!(come_through(&body(&answer), &world).is_empty());
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn arbitrary_bytes_give_no_event(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(come_through(&bytes, &WORLD).is_empty());
        read_everything(&bytes, &WORLD);
    }

    #[test]
    fn arbitrary_json_like_text_gives_no_event(
        text in r#"(\{("(pdus|events|auth_chain|state|x)" ?: ?(\[|\{|1|null|"a"|\]|\}|,)*,?){0,4}\}|[\[\]{}:,"\\ 0-9a-f]{0,60})"#,
    ) {
        prop_assert!(come_through(text.as_bytes(), &WORLD).is_empty());
        read_everything(text.as_bytes(), &WORLD);
    }
}

/// Changes some bytes: by others, away, in between, or so that the JSON stays whole.
fn mutate(bytes: &mut Vec<u8>, changes: &[(prop::sample::Index, u8, u8)]) {
    for (place, byte, kind) in changes {
        let at = place.index(bytes.len());
        match kind {
            0 => bytes[at] = *byte,
            1 => {
                bytes.remove(at);
            }
            2 => bytes.insert(at, *byte),
            _ if bytes[at].is_ascii_digit() => bytes[at] = b'0' + byte % 10,
            _ if bytes[at].is_ascii_lowercase() => bytes[at] = b'a' + byte % 26,
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn b43_a_mutated_answer_gives_no_event_that_is_not_proven(
        version in 1u8..=12,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..6),
    ) {
        let world = World::new(version);
        let mut bytes = body(&whole_answer(&world));
        mutate(&mut bytes, &changes);
        assert_proven(&come_through(&bytes, &world), &world);
        read_everything(&bytes, &world);
    }

    #[test]
    fn a_mutated_answer_changes_nothing_that_is_ours(
        version in 8u8..=12,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..6),
    ) {
        let mut joining = Joining::restricted(version);
        let both = model::canonical(&joining.answer["event"]);
        let mut bytes = body(&joining.answer);
        mutate(&mut bytes, &changes);
        joining.answer = json!({});
        let (event, world) = (parsed(&joining.event), &joining.world);
        let join = Join {
            room_id: &world.room_id,
            event_id: "$e",
            event: &event,
            version: StatedVersion::Known(world.version()),
            omit_members: false,
            server_name: TWO,
        };
        if let Ok(Ok(joined)) = SendJoin::read(&bytes, &join).map(|read| read.judge(ring())) {
            prop_assert_eq!(joined.event.as_str(), both.as_str());
            let events = joined.state.state.into_iter().chain(joined.state.auth_chain);
            assert_proven(&events.map(|pdu| pdu.event).collect::<Vec<_>>(), world);
        }
        let (world, draft) = invitation(version);
        let event = parsed(&world.signed(&draft));
        let invitation = Invitation {
            room_id: &world.room_id,
            version: world.version(),
            event_id: "$e",
            event: &event,
            room_state: &[],
        };
        let both = sign_by(&draft, version, &[&one(), &two()]);
        let mut bytes = body(&json!({"event": both}));
        mutate(&mut bytes, &changes);
        if let Ok(Ok(event)) = SentInvite::read(&bytes, &invitation).map(|read| read.judge(ring())) {
            prop_assert_eq!(event.as_str(), model::canonical(&both));
        }
    }
}
