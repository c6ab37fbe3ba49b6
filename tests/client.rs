//! Conversations with other servers, over a host in memory: each with the answer that is hoped for, and
//! with what other servers do instead. Every request that reaches a server here must be signed over
//! exactly what was sent (`common::federation`).
//!
//! The names of the tests are the numbers of the endpoints.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use std::cell::Cell;
use std::rc::Rc;

use common::chat::{ALICE, BOB, Chat};
use common::federation::{Call, Fed, HERE, KEY_ID, ME, answer, refusal};
use common::host::{Fault, failure};
use common::make::{ONE, TWO, one, parsed, sign_by, two, with};
use common::model::{self, Signer25519};
use fedproof::codes;
use fedproof::federation::client::{
    Client, Delivery, FederationError, Joining, MemberRequest, Outgoing, Tried,
};
use fedproof::federation::events::{Direction, MissingEvents};
use fedproof::federation::published_rooms::Filter;
use fedproof::federation::request::{Request, TimeLimit};
use fedproof::federation::{self, JoinReport};
use fedproof::host::{Effect, HostErrorKind, HttpsAnswer, Notice};
use fedproof::json::Canonical;
use fedproof::keys::PublicKey;
use fedproof::receive::Options;
use fedproof::room_version::RoomVersion;
use fedproof::verdict::Outcome;
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, FederationError>;

const MAKE_JOIN: &str = "GET /_matrix/federation/v1/make_join/";
const SEND_JOIN: &str = "PUT /_matrix/federation/v2/send_join/";
const SEND_JOIN_V1: &str = "PUT /_matrix/federation/v1/send_join/";
const EVENT: &str = "GET /_matrix/federation/v1/event/";

/// Our server, and two others that publish their keys.
fn fed() -> Fed {
    let fed = Fed::new(&[ONE, TWO], &[]);
    fed.publish(&one());
    fed.publish(&two());
    fed
}

fn version_of(chat: &Chat) -> &'static RoomVersion {
    common::make::room_version(chat.version)
}

#[track_caller]
fn assert_error<T: std::fmt::Debug>(result: Result<T>, code: &str) -> FederationError {
    let error = result.unwrap_err();
    assert_eq!(error.code(), code, "{error:?}");
    assert!(codes::find(code).is_some(), "{code}");
    assert!(!error.to_string().is_empty());
    serde_json::to_value(error.told("x")).unwrap();
    error
}

fn event(chat: &Chat, name: &str) -> Value {
    chat.made[name].clone()
}

fn events(chat: &Chat, names: &[&str]) -> Value {
    names.iter().map(|name| event(chat, name)).collect()
}

const STATE: &[&str] = &["create", "alice", "power", "rules", "bob"];

// ---- every conversation with what may happen to any

/// One conversation with the server [`ONE`], of any kind.
type Talk = fn(&mut Fed, &Chat) -> Result<()>;

const TALKS: &[(&str, Talk)] = &[
    ("version", |fed, _| fed.run(async |client, host| client.version(&host, ONE).await.map(drop))),
    ("event", |fed, chat| {
        let (id, version) = (chat.id("rules"), version_of(chat));
        fed.run(async move |client, host| {
            client.event(&host, ONE, &id, None, version).await.map(drop)
        })
    }),
    ("state", |fed, chat| {
        let (room, id, version) = (chat.room_id.clone(), chat.id("bob"), version_of(chat));
        fed.run(async move |client, host| {
            client.state(&host, ONE, &room, &id, version).await.map(drop)
        })
    }),
    ("state_ids", |fed, chat| {
        let (room, id, version) = (chat.room_id.clone(), chat.id("bob"), version_of(chat));
        fed.run(async move |client, host| {
            client.state_ids(&host, ONE, &room, &id, version).await.map(drop)
        })
    }),
    ("event_auth", |fed, chat| {
        let (room, id, version) = (chat.room_id.clone(), chat.id("bob"), version_of(chat));
        fed.run(async move |client, host| {
            client.event_auth(&host, ONE, &room, &id, version).await.map(drop)
        })
    }),
    ("backfill", |fed, chat| {
        let (room, id, version) = (chat.room_id.clone(), chat.id("bob"), version_of(chat));
        fed.run(async move |client, host| {
            client.backfill(&host, ONE, &room, &[&id], 10, version).await.map(drop)
        })
    }),
    ("missing_events", |fed, chat| missing_events(fed, chat).map(drop)),
    ("timestamp", |fed, chat| {
        let (room, version) = (chat.room_id.clone(), version_of(chat));
        fed.run(async move |client, host| {
            let found =
                client.timestamp_to_event(&host, ONE, &room, 0, Direction::Forwards, version);
            found.await.map(drop)
        })
    }),
    ("invite", |fed, chat| invite(fed, chat).map(drop)),
    ("exchange", |fed, chat| {
        let room = chat.room_id.clone();
        let event = parsed(&json!({"type": "m.room.member"}));
        fed.run(async move |client, host| {
            client.exchange_third_party_invite(&host, ONE, &room, &event).await
        })
    }),
    ("send", |fed, chat| {
        let pdus = vec![(chat.id("bob"), parsed(&event(chat, "bob")))];
        send(fed, pdus, vec![], 1)?.failure.map_or(Ok(()), Err)
    }),
    ("public_rooms", |fed, _| {
        fed.run(async |client, host| {
            client.public_rooms(&host, ONE, &Filter::default()).await.map(drop)
        })
    }),
    ("hierarchy", |fed, chat| {
        let room = chat.room_id.clone();
        fed.run(async move |client, host| {
            client.hierarchy(&host, ONE, &room, false).await.map(drop)
        })
    }),
    ("directory", |fed, _| {
        fed.run(async |client, host| {
            client.query_directory(&host, "#a:one.example").await.map(drop)
        })
    }),
    ("profile", |fed, _| {
        fed.run(async |client, host| client.query_profile(&host, ALICE, None).await.map(drop))
    }),
    ("openid", |fed, _| {
        fed.run(async |client, host| client.openid_userinfo(&host, ONE, "token").await.map(drop))
    }),
    ("policy", |fed, chat| {
        let key = PublicKey::from_base64(&one().public()).unwrap();
        let (event, version) = (parsed(&event(chat, "bob")), version_of(chat));
        fed.run(async move |client, host| {
            client.policy_sign(&host, ONE, &key, &event, version).await.map(drop)
        })
    }),
    ("join", |fed, chat| join(fed, chat, &[ONE]).map(drop)),
    ("knock", |fed, chat| {
        let room = chat.room_id.clone();
        fed.run(async move |client, host| {
            client.knock(&host, &wanted(&room, &via(&[ONE]))).await.map(drop)
        })
    }),
    ("leave", |fed, chat| {
        let room = chat.room_id.clone();
        fed.run(async move |client, host| {
            client.leave(&host, &wanted(&room, &via(&[ONE]))).await.map(drop)
        })
    }),
];

fn wanted<'a>(room_id: &'a str, via: &'a [String]) -> MemberRequest<'a> {
    MemberRequest { room_id, user_id: ME, via, content: None }
}

fn via(servers: &[&str]) -> Vec<String> {
    servers.iter().map(|server| (*server).to_owned()).collect()
}

/// A change to what a server answers.
type Change = fn(&mut Value);

#[test]
fn n30_every_refusal_is_told_as_it_is() {
    let chat = Chat::new(11);
    for (name, talk) in TALKS {
        for (status, errcode, code) in [
            (403, "M_FORBIDDEN", "remote_forbidden"),
            (404, "M_NOT_FOUND", "remote_not_found"),
            (404, "M_UNRECOGNIZED", "remote_unrecognized"),
            (401, "M_UNAUTHORIZED", "remote_unauthorized"),
            (400, "M_BAD_JSON", "remote_refused"),
            (429, "M_LIMIT_EXCEEDED", "remote_rate_limited"),
            (500, "M_UNKNOWN", "remote_failed"),
            (302, "M_UNKNOWN", "remote_failed"),
        ] {
            let mut fed = fed();
            fed.on(ONE, "", move |_| refusal(status, errcode));
            let error = assert_error(talk(&mut fed, &chat), code);
            let told = serde_json::to_string(&error.evidence()).unwrap();
            assert!(told.contains(errcode), "{name}: {told}");
        }
    }
}

#[test]
fn what_is_no_answer_is_refused_by_every_conversation() {
    let chat = Chat::new(11);
    for (name, talk) in TALKS {
        for body in ["", "nothing", "[]", "{\"a\":", "[200", "\u{feff}{}", "{} {}", "5"] {
            let mut fed = fed();
            let said = HttpsAnswer { status: 200, headers: vec![], body: body.into() };
            fed.on(ONE, "", move |_| said.clone());
            let error = talk(&mut fed, &chat).unwrap_err();
            let code = error.code();
            let expected = ["answer_field_invalid", "input_unreadable"];
            assert!(code.starts_with("json_") || expected.contains(&code), "{name}: {code}");
            assert!(codes::find(code).is_some());
        }
    }
}

#[test]
fn a_server_that_is_not_there_is_told_by_every_conversation() {
    let chat = Chat::new(11);
    for (_, talk) in TALKS {
        let mut nowhere = fed();
        nowhere.take_down(ONE);
        let error = talk(&mut nowhere, &chat).unwrap_err();
        assert!(error.code().starts_with("discovery_"), "{error:?}");
        let mut silent = fed();
        let addresses = silent.world.addresses[ONE][0].clone().unwrap().addresses;
        silent.world.down.insert(addresses[0], HostErrorKind::Unreachable);
        assert_error(talk(&mut silent, &chat), "host_unreachable");
    }
}

#[test]
fn a_server_that_moved_is_looked_for_again() {
    let mut fed = fed();
    fed.say(ONE, VERSION, 200, &json!({"server": {"name": "x"}}));
    let ask = |fed: &mut Fed| fed.run(async |client, host| client.version(&host, ONE).await);
    let looked_up = |fed: &Fed| {
        let is_lookup = |line: &String| line.starts_with("addresses one.example");
        fed.world.asked_lines().iter().filter(|line| is_lookup(line)).count()
    };
    ask(&mut fed).unwrap();
    let first = looked_up(&fed);
    ask(&mut fed).unwrap();
    assert_eq!(looked_up(&fed), first, "it is remembered where the server is");
    let address = fed.world.addresses[ONE][0].clone().unwrap().addresses[0];
    fed.world.down.insert(address, HostErrorKind::Unreachable);
    assert_error(ask(&mut fed), "host_unreachable");
    fed.take_down(ONE);
    fed.place(ONE);
    let new = fed.world.addresses[ONE][0].clone().unwrap().addresses[0];
    fed.world.down.remove(&new);
    assert!(ask(&mut fed).is_ok() && looked_up(&fed) > first);
}

const VERSION: &str = "GET /_matrix/federation/v1/version";

// ---- requests as such

#[test]
fn e15_any_request_is_signed_over_exactly_what_is_sent() {
    let mut fed = fed();
    let target = "/_matrix/federation/v1/x/%21a%2fb?q=%C3%A9&r=%20+";
    fed.on(ONE, "POST /_matrix/federation/v1/x/", |_| refusal(418, "M_TEAPOT"));
    let content = parsed(&json!({"b": [1, "\u{e9}\n"], "a": null})).into_text();
    let request = Request {
        method: "POST",
        target: target.to_owned(),
        content: Some(content.clone()),
        signed: true,
        max_bytes: 1000,
        time: TimeLimit::Short,
    };
    let answer = fed.run(async move |client, host| client.exchange(&host, ONE, request).await);
    assert_eq!(answer.unwrap().status, 418);
    let sent = fed.world.requests().last().unwrap();
    assert_eq!((sent.target.as_str(), &sent.body), (target, &Some(content)));
    assert_eq!(sent.time_limit_ms, 10_000);
    // What was signed names both servers, the method and the target.
    let signed = fed.world.asked.iter().find_map(|effect| match effect {
        Effect::Sign { message } => Some(serde_json::from_slice::<Value>(message).unwrap()),
        _ => None,
    });
    let signed = signed.unwrap();
    assert_eq!(
        [&signed["origin"], &signed["destination"], &signed["method"], &signed["uri"]],
        [HERE, ONE, "POST", target]
    );
}

#[test]
fn without_a_key_only_what_needs_no_signature_is_asked() {
    let mut fed = fed();
    fed.client = Rc::new(Client::new(HERE, None, fed.keys.clone(), vec![]));
    let chat = Chat::new(11);
    fed.say(ONE, VERSION, 200, &json!({}));
    fed.say(ONE, "GET /_matrix/federation/v1/openid/userinfo", 200, &json!({"sub": ALICE}));
    for (name, talk) in TALKS {
        let result = talk(&mut fed, &chat);
        if matches!(*name, "version" | "openid") {
            assert!(result.is_ok(), "{name}");
        } else {
            assert_error(result, "signing_key_missing");
        }
    }
    assert!(fed.lines().iter().all(|line| line.contains("/version") || line.contains("/openid")));
}

#[test]
fn a_key_that_cannot_sign_ends_the_conversation() {
    let mut fed = fed();
    fed.world.key = None;
    let joined = join(&mut fed, &Chat::new(11), &[ONE, TWO]);
    assert_error(joined, "host_unsupported");
}

// ---- N2, N22 to N26: what one server says

#[test]
fn n2_what_software_a_server_runs_need_not_be_said() {
    let mut fed = fed();
    let ask = |fed: &mut Fed| fed.run(async |client, host| client.version(&host, ONE).await);
    fed.say(ONE, VERSION, 200, &json!({"server": {"name": "Synapse", "version": "1"}}));
    let version = ask(&mut fed).unwrap();
    assert_eq!((version.name.as_deref(), version.version.as_deref()), (Some("Synapse"), Some("1")));
    fed.say(ONE, VERSION, 200, &json!({}));
    assert_eq!(ask(&mut fed).unwrap().name, None);
}

#[test]
fn n22_n24_rooms_and_spaces_are_what_the_server_says() {
    let mut fed = fed();
    let room = json!({"room_id": "!r:one.example", "num_joined_members": 3,
        "world_readable": true, "guest_can_join": false});
    fed.on(ONE, "", {
        let room = room.clone();
        move |call| {
            if call.line.contains("/publicRooms") {
                return answer(200, &json!({"chunk": [room, 5], "next_batch": "n"}));
            }
            let mut space = room.clone();
            space["children_state"] = json!([]);
            answer(200, &json!({"room": space, "children": [], "inaccessible_children": []}))
        }
    });
    let page = fed.run(async |client, host| {
        let filter = Filter { limit: Some(5), search: Some("a b"), ..Filter::default() };
        client.public_rooms(&host, ONE, &filter).await
    });
    let page = page.unwrap();
    assert_eq!((page.rooms.len(), page.next_batch.as_deref()), (1, Some("n")));
    let space =
        fed.run(async |client, host| client.hierarchy(&host, ONE, "!r:one.example", true).await);
    assert_eq!(space.unwrap().room.room_id, "!r:one.example");
    let other = fed
        .run(async |client, host| client.hierarchy(&host, ONE, "!other:one.example", true).await);
    assert_error(other, "answer_other_room");
}

#[test]
fn n23_only_the_owner_is_asked() {
    let mut fed = fed();
    fed.say(
        TWO,
        "GET /_matrix/federation/v1/query/directory",
        200,
        &json!({"room_id": "!r:two.example", "servers": [TWO, "x y"]}),
    );
    fed.say(TWO, "GET /_matrix/federation/v1/query/profile", 200, &json!({"displayname": "B"}));
    let alias = fed.run(async |client, host| client.query_directory(&host, "#a:two.example").await);
    let alias = alias.unwrap();
    assert_eq!((alias.room_id.as_str(), alias.servers), ("!r:two.example", vec![TWO.to_owned()]));
    let profile = fed.run(async |client, host| client.query_profile(&host, BOB, None).await);
    assert_eq!(profile.unwrap().displayname.as_deref(), Some("B"));
    assert!(fed.lines().iter().all(|line| line.starts_with(TWO)));
    // What is no alias and no user is nobody's.
    let asked = fed.calls.borrow().len();
    let alias = fed.run(async |client, host| client.query_directory(&host, "a:two.example").await);
    assert_error(alias, "invalid_argument");
    let user = fed.run(async |client, host| client.query_profile(&host, "bob", None).await);
    assert_error(user, "invalid_argument");
    assert_eq!(fed.calls.borrow().len(), asked);
}

#[test]
fn n25_a_token_is_of_a_user_of_the_server_that_was_asked() {
    let mut fed = fed();
    let path = "GET /_matrix/federation/v1/openid/userinfo?access_token=t%26o";
    fed.say(ONE, path, 200, &json!({"sub": ALICE}));
    let ask = |fed: &mut Fed| {
        fed.run(async |client, host| client.openid_userinfo(&host, ONE, "t&o").await)
    };
    assert_eq!(ask(&mut fed).unwrap(), ALICE);
    fed.say(ONE, path, 200, &json!({"sub": BOB}));
    assert_error(ask(&mut fed), "answer_other_server");
}

#[test]
fn n26_a_policy_server_signs_by_the_key_that_the_room_names() {
    let chat = Chat::new(11);
    let policy = Signer25519::new(ONE, "ed25519:policy_server");
    let version = version_of(&chat);
    let sign = |fed: &mut Fed| {
        let key = PublicKey::from_base64(&policy.public()).unwrap();
        let event = parsed(&event(&chat, "bob"));
        fed.run(async move |client, host| {
            client.policy_sign(&host, ONE, &key, &event, version).await
        })
    };
    let mut fed = fed();
    let text = model::signed_text(&event(&chat, "bob"), 11);
    let good = json!({ONE: {"ed25519:policy_server": policy.sign(&text)}});
    fed.say(ONE, "POST /_matrix/policy/v1/sign", 200, &good);
    let signed: Value = serde_json::from_str(sign(&mut fed).unwrap().as_str()).unwrap();
    assert_eq!(signed["signatures"][ONE]["ed25519:policy_server"], json!(policy.sign(&text)));
    assert!(signed["signatures"][TWO].is_object(), "earlier signatures stay");
    let other = json!({ONE: {"ed25519:policy_server": policy.sign("other")}});
    fed.say(ONE, "POST /_matrix/policy/v1/sign", 200, &other);
    assert!(sign(&mut fed).unwrap_err().code().starts_with("policy_"));
    // The event that names the policy server needs none: nobody is asked.
    let asked = fed.calls.borrow().len();
    let naming = parsed(&json!({"type": "m.room.policy", "state_key": "", "sender": ALICE}));
    let key = PublicKey::from_base64(&policy.public()).unwrap();
    let same = fed.run({
        let naming = naming.clone();
        async move |client, host| client.policy_sign(&host, ONE, &key, &naming, version).await
    });
    assert_eq!(same.unwrap().as_str(), naming.as_str());
    assert_eq!(fed.calls.borrow().len(), asked);
}

// ---- N7 to N13: events and states

#[test]
fn n10_an_event_is_the_one_asked_for_and_signed() {
    for version in [1, 4, 11, 12] {
        let chat = Chat::new(version);
        let mut fed = fed();
        let ask = |fed: &mut Fed, of: &str| {
            let (id, room, version) = (chat.id(of), chat.room_id.clone(), version_of(&chat));
            fed.run(async move |client, host| {
                client.event(&host, ONE, &id, Some(&room), version).await
            })
        };
        fed.say(ONE, EVENT, 200, &json!({"pdus": [event(&chat, "bob")]}));
        let (proven, report) = ask(&mut fed, "bob").unwrap();
        assert_eq!(proven.event_id(), chat.id("bob"));
        assert_eq!(proven.verdict.outcome, Outcome::Accepted);
        // Only the key of the sender's server is needed, and only once.
        let fetched = |report: &federation::client::KeyReport| {
            let fetched = report.fetched.iter();
            fetched.map(|keys| keys.response.server_name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(fetched(&report), [TWO]);
        assert!(ask(&mut fed, "bob").unwrap().1.fetched.is_empty());
        if version > 2 {
            assert_error(ask(&mut fed, "rules"), "answer_event_other_id");
        }
        let forged = with(event(&chat, "bob"), "/depth", json!(99));
        fed.say(ONE, EVENT, 200, &json!({"pdus": [forged]}));
        assert!(ask(&mut fed, "bob").is_err());
        fed.say(ONE, EVENT, 200, &json!({"pdus": []}));
        assert_error(ask(&mut fed, "bob"), "answer_not_one_event");
    }
}

#[test]
fn n10_e14_without_its_key_an_event_is_none() {
    let chat = Chat::new(11);
    let mut fed = Fed::new(&[ONE, "notary.example"], &["notary.example"]);
    fed.say(ONE, EVENT, 200, &json!({"pdus": [event(&chat, "bob")]}));
    let (id, version) = (chat.id("bob"), version_of(&chat));
    let got = fed.run(async move |client, host| client.event(&host, ONE, &id, None, version).await);
    assert_error(got, "signature_key_missing");
    // The notary was asked for the very key, valid when the event was made.
    let query = fed.key_calls().into_iter().find(|call| call.server == "notary.example").unwrap();
    let ts = &event(&chat, "bob")["origin_server_ts"];
    let key = json!({"ed25519:a": {"minimum_valid_until_ts": ts}});
    assert_eq!(query.body, Some(json!({"server_keys": {TWO: key}})));
}

#[test]
fn n8_a_state_comes_with_its_auth_chain_and_what_is_bad_falls_out() {
    for version in [2, 11, 12] {
        let chat = Chat::new(version);
        let mut fed = fed();
        let ask = |fed: &mut Fed| {
            let (room, id, version) = (chat.room_id.clone(), chat.id("bob"), version_of(&chat));
            fed.run(async move |client, host| client.state(&host, ONE, &room, &id, version).await)
        };
        let chain = events(&chat, &["create", "alice", "power", "rules"]);
        let mut state = events(&chat, STATE);
        let path = "GET /_matrix/federation/v1/state/";
        fed.say(ONE, path, 200, &json!({"pdus": state, "auth_chain": chain}));
        let (proven, report) = ask(&mut fed).unwrap();
        assert_eq!((proven.state.len(), proven.fallen.len()), (5, 0));
        assert_eq!((report.fetched.len(), report.failed.len()), (2, 0));
        state[4]["depth"] = json!(99);
        fed.say(ONE, path, 200, &json!({"pdus": state, "auth_chain": chain}));
        let (proven, _) = ask(&mut fed).unwrap();
        assert_eq!((proven.state.len(), proven.fallen.len()), (4, 1));
        fed.say(ONE, path, 200, &json!({"pdus": [], "auth_chain": []}));
        assert_error(ask(&mut fed), "answer_state_no_create");
        fed.say(ONE, path, 200, &json!({"pdus": []}));
        assert_error(ask(&mut fed), "answer_field_invalid");
    }
}

#[test]
fn n9_the_ids_of_a_state() {
    let chat = Chat::new(11);
    let mut fed = fed();
    let said = json!({"pdu_ids": [chat.id("create"), "x"], "auth_chain_ids": [chat.id("alice")]});
    fed.say(ONE, "GET /_matrix/federation/v1/state_ids/", 200, &said);
    let (room, id, version) = (chat.room_id.clone(), chat.id("bob"), version_of(&chat));
    let ids =
        fed.run(async move |client, host| client.state_ids(&host, ONE, &room, &id, version).await);
    let ids = ids.unwrap();
    assert_eq!(ids.pdu_ids, [chat.id("create")]);
    assert_eq!(ids.auth_chain_ids, [chat.id("alice")]);
    assert_eq!(ids.left_out.len(), 1);
}

#[test]
fn n7_an_auth_chain_closes_and_is_proven() {
    let chat = Chat::new(11);
    let mut fed = fed();
    let mut chain = events(&chat, &["create", "alice", "power", "rules"]);
    let ask = |fed: &mut Fed| {
        let (room, id, version) = (chat.room_id.clone(), chat.id("bob"), version_of(&chat));
        fed.run(async move |client, host| client.event_auth(&host, ONE, &room, &id, version).await)
    };
    let path = "GET /_matrix/federation/v1/event_auth/";
    fed.say(ONE, path, 200, &json!({"auth_chain": chain}));
    let (whole, report) = ask(&mut fed).unwrap();
    assert_eq!((whole.events.proven.len(), whole.gaps.missing.len()), (4, 0));
    assert_eq!(report.fetched.len(), 1, "all are of one server");
    chain[1]["content"] = json!({"membership": "join", "reason": "changed"});
    fed.say(ONE, path, 200, &json!({"auth_chain": chain}));
    let (changed, _) = ask(&mut fed).unwrap();
    let alice =
        changed.events.proven.iter().find(|pdu| pdu.event_id() == chat.id("alice")).unwrap();
    assert!(alice.verdict.redacted);
}

#[test]
fn n11_history_of_the_room_up_to_the_limit() {
    let chat = Chat::new(11);
    let mut fed = fed();
    let mut pdus = events(&chat, &["bob", "rules", "power"]);
    pdus.as_array_mut().unwrap().push(with(event(&chat, "alice"), "/depth", json!(99)));
    fed.say(ONE, "GET /_matrix/federation/v1/backfill/", 200, &json!({"pdus": pdus}));
    let (room, id, version) = (chat.room_id.clone(), chat.id("bob"), version_of(&chat));
    let judged = fed.run(async move |client, host| {
        client.backfill(&host, ONE, &room, &[&id], 4, version).await
    });
    let (judged, _) = judged.unwrap();
    assert_eq!((judged.proven.len(), judged.fallen.len()), (3, 1));
    assert!(fed.lines()[0].ends_with("&limit=4"));
}

fn missing_events(fed: &mut Fed, chat: &Chat) -> Result<federation::Judged> {
    let (room, version) = (chat.room_id.clone(), version_of(chat));
    let (first, last, before) = (chat.id("create"), chat.id("bob"), chat.id("rules"));
    fed.run(async move |client, host| {
        let previous = [before.as_str()];
        let asked = MissingEvents {
            room_id: &room,
            earliest_events: &[&first],
            latest_events: &[(&last, &previous)],
            limit: 10,
            min_depth: 0,
        };
        Ok(client.missing_events(&host, ONE, &asked, version).await?.0)
    })
}

#[test]
fn n12_what_is_missing_leads_to_what_is_known() {
    let chat = Chat::new(11);
    let mut fed = fed();
    let path = "POST /_matrix/federation/v1/get_missing_events/";
    fed.say(ONE, path, 200, &json!({"events": events(&chat, &["alice", "power", "rules"])}));
    assert_eq!(missing_events(&mut fed, &chat).unwrap().proven.len(), 3);
    fed.say(ONE, path, 200, &json!({"events": events(&chat, &["alice", "create"])}));
    assert!(missing_events(&mut fed, &chat).unwrap().proven.is_empty());
}

#[test]
fn n13_the_id_next_to_a_time_is_a_hint_and_the_event_is_fetched() {
    let chat = Chat::new(11);
    let mut fed = fed();
    let ask = |fed: &mut Fed| {
        let (room, version) = (chat.room_id.clone(), version_of(&chat));
        fed.run(async move |client, host| {
            client.timestamp_to_event(&host, ONE, &room, 5, Direction::Forwards, version).await
        })
    };
    let path = "GET /_matrix/federation/v1/timestamp_to_event/";
    let ts = event(&chat, "bob")["origin_server_ts"].clone();
    fed.say(ONE, path, 200, &json!({"event_id": chat.id("bob"), "origin_server_ts": ts}));
    fed.say(ONE, EVENT, 200, &json!({"pdus": [event(&chat, "bob")]}));
    let (hint, proven, _) = ask(&mut fed).unwrap();
    assert_eq!((hint.event_id.as_str(), proven.event_id()), (&*chat.id("bob"), &*chat.id("bob")));
    // Another event than the hint says is none.
    fed.say(ONE, EVENT, 200, &json!({"pdus": [event(&chat, "rules")]}));
    assert_error(ask(&mut fed), "answer_event_other_id");
    fed.say(ONE, path, 200, &json!({"event_id": chat.id("bob"), "origin_server_ts": 4}));
    assert_error(ask(&mut fed), "answer_wrong_direction");
}

// ---- N14 and N15: joining

/// A template of a membership of our user, as a server of the room makes it.
fn template(chat: &Chat, membership: &str, more: Value) -> Value {
    let mut content = json!({"membership": membership});
    content.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let cited = ["create", "power", "rules"];
    let cited: Vec<&str> =
        cited.into_iter().filter(|name| chat.version < 12 || *name != "create").collect();
    let event = json!({
        "type": "m.room.member", "sender": ME, "state_key": ME, "room_id": chat.room_id,
        "content": content, "depth": 9, "origin_server_ts": 1, "origin": "x", "unsigned": {"a": 1},
        "prev_events": chat.references(&["bob"]), "auth_events": chat.references(&cited),
    });
    json!({"event": event, "room_version": chat.version.to_string()})
}

fn join_answer(chat: &Chat) -> Value {
    json!({
        "state": events(chat, STATE),
        "auth_chain": events(chat, &["create", "alice", "power", "rules"]),
    })
}

/// A server of the room that lets our user join.
fn lets_join(fed: &Fed, chat: &Chat, server: &str) {
    fed.say(server, MAKE_JOIN, 200, &template(chat, "join", json!({})));
    fed.say(server, SEND_JOIN, 200, &join_answer(chat));
}

fn join(fed: &mut Fed, chat: &Chat, servers: &[&str]) -> Result<Tried<Joining>> {
    join_with(fed, chat, servers, None, false)
}

fn join_with(
    fed: &mut Fed,
    chat: &Chat,
    servers: &[&str],
    content: Option<Canonical>,
    omit_members: bool,
) -> Result<Tried<Joining>> {
    let (room, via) = (chat.room_id.clone(), via(servers));
    fed.run(async move |client, host| {
        let wanted = MemberRequest { content: content.as_ref(), ..wanted(&room, &via) };
        client.join(&host, &wanted, omit_members).await
    })
}

/// The room of a join.
fn room_of(fed: &Fed, chat: &Chat, joining: &Joining) -> JoinReport {
    try_room_of(fed, chat, joining).unwrap()
}

fn try_room_of(
    fed: &Fed,
    chat: &Chat,
    joining: &Joining,
) -> std::result::Result<JoinReport, federation::JoinAnswerError> {
    let keys = fed.keys.borrow();
    let mut reading = federation::Join::new(joining.version, &chat.room_id, Options::default());
    reading.push(&joining.answer).unwrap();
    while reading.step(&keys) {}
    reading.finish(joining.event.text(), &keys)
}

fn sent(fed: &Fed, start: &str) -> Call {
    let calls = fed.calls.borrow();
    calls.iter().rfind(|call| call.line.starts_with(start)).unwrap().clone()
}

#[test]
fn n14_n15_a_join_is_made_sent_and_proven() {
    for version in 1..=12 {
        let chat = Chat::new(version);
        let mut fed = fed();
        lets_join(&fed, &chat, ONE);
        let content = parsed(&json!({"displayname": "Me", "membership": "ban"}));
        let Tried { server, done, failures } =
            join_with(&mut fed, &chat, &[HERE, ONE], Some(content), false).unwrap();
        assert_eq!((server.as_str(), failures.len()), (ONE, 0));
        assert_eq!(done.version.id, version.to_string());
        // What was sent is what we have, under the ID in the path.
        let call = sent(&fed, SEND_JOIN);
        let event: Value = serde_json::from_str(done.event.as_str()).unwrap();
        assert_eq!(call.body.as_ref(), Some(&event));
        assert_eq!(done.event_id, model::event_id(&event, version));
        let expected = json!({"displayname": "Me", "membership": "join"});
        assert_eq!(event["content"], expected);
        assert_eq!(event["origin_server_ts"], json!(fed.world.now));
        assert_eq!((&event["origin"], &event["unsigned"]), (&Value::Null, &Value::Null));
        assert!(event["signatures"][HERE][KEY_ID].is_string());
        // The keys that the state needs are there, and the state allows the join.
        let fetched: Vec<_> =
            done.keys.fetched.iter().map(|keys| keys.response.server_name.clone()).collect();
        assert_eq!(fetched, [ONE, TWO]);
        let report = room_of(&fed, &chat, &done);
        assert_eq!(report.verdict.outcome, Outcome::Accepted, "{:#?}", report.verdict);
        assert_eq!((report.fallen.len(), report.missing.len()), (0, 0));
        // All versions are offered.
        assert!(sent(&fed, MAKE_JOIN).line.ends_with("ver=10&ver=11&ver=12"));
    }
}

#[test]
fn n14_a_template_of_something_else_is_never_signed() {
    let chat = Chat::new(11);
    for (pointer, value, code) in [
        ("/event/type", json!("m.room.power_levels"), "template_type_mismatch"),
        ("/event/sender", json!("@other:here.example"), "template_sender_mismatch"),
        ("/event/state_key", json!(ALICE), "template_state_key_mismatch"),
        ("/event/room_id", json!("!other:one.example"), "template_room_id_mismatch"),
        ("/event/content/membership", json!("ban"), "template_membership_mismatch"),
        ("/event/content/membership", json!("leave"), "template_membership_mismatch"),
        ("/event/content/membership", json!(null), "template_membership_mismatch"),
        ("/event/content", json!([]), "template_membership_mismatch"),
        ("/event/sender", json!(5), "template_sender_mismatch"),
        ("/event", json!([]), "answer_field_invalid"),
        ("/room_version", json!("99"), "answer_room_version"),
        ("/event/depth", json!("9"), "field_wrong_type"),
        ("/event/depth", json!(1.5), "number_not_integer"),
        ("/event/prev_events", json!([5]), "reference_malformed"),
    ] {
        let mut fed = fed();
        lets_join(&fed, &chat, ONE);
        let bent = with(template(&chat, "join", json!({})), pointer, value);
        fed.say(ONE, MAKE_JOIN, 200, &bent);
        assert_error(join(&mut fed, &chat, &[ONE]), code);
        // Nothing of it was sent, and the key signed nothing but the request for the template.
        let lines = fed.lines();
        assert!(!lines.iter().any(|line| line.contains("send_join")), "{lines:?}");
        for effect in &fed.world.asked {
            if let Effect::Sign { message } = effect {
                let message: Value = serde_json::from_slice(message).unwrap();
                let of_request = message["method"] == "GET" && message["uri"].is_string();
                let is_ours = message["type"] == "m.room.member"
                    && message["sender"] == ME
                    && message["content"]["membership"] == "join";
                assert!(of_request || is_ours, "{message}");
            }
        }
    }
}

#[test]
fn n14_without_a_stated_version_the_create_event_says_1_or_2() {
    for version in [1, 2, 11] {
        let chat = Chat::new(version);
        let mut fed = fed();
        lets_join(&fed, &chat, ONE);
        let unstated = common::make::lacking(template(&chat, "join", json!({})), "room_version");
        fed.say(ONE, MAKE_JOIN, 200, &unstated);
        let joined = join(&mut fed, &chat, &[ONE]);
        match version {
            11 => {
                // The references are none of version 1.
                assert!(joined.is_err());
            }
            _ => {
                let done = joined.unwrap().done;
                assert_eq!(done.version.id, version.to_string());
                let report = room_of(&fed, &chat, &done);
                assert_eq!(report.verdict.outcome, Outcome::Accepted);
                fed.say(ONE, SEND_JOIN, 200, &json!({"state": [], "auth_chain": []}));
                assert_error(join(&mut fed, &chat, &[ONE]), "answer_state_no_create");
                let mut other = Chat::new(version);
                other.make_with(
                    "create",
                    ("m.room.create", Some(""), ALICE),
                    json!({"room_version": "9", "creator": ALICE}),
                    (&[], &[]),
                    |_| {},
                );
                fed.say(ONE, SEND_JOIN, 200, &join_answer(&other));
                assert_error(join(&mut fed, &chat, &[ONE]), "answer_state_room_version");
            }
        }
    }
}

#[test]
fn n15_a_server_that_does_not_know_v2_is_asked_by_v1() {
    let chat = Chat::new(6);
    for refusal in
        [refusal(404, "M_UNRECOGNIZED"), HttpsAnswer { status: 404, ..HttpsAnswer::default() }]
    {
        let mut fed = fed();
        lets_join(&fed, &chat, ONE);
        fed.on(ONE, SEND_JOIN, move |_| refusal.clone());
        let whole = answer(200, &json!([200, join_answer(&chat)]));
        fed.on(ONE, SEND_JOIN_V1, move |_| whole.clone());
        let done = join(&mut fed, &chat, &[ONE]).unwrap().done;
        assert_eq!(room_of(&fed, &chat, &done).verdict.outcome, Outcome::Accepted);
        assert_eq!(sent(&fed, SEND_JOIN).body, sent(&fed, SEND_JOIN_V1).body);
        for wrong in [json!([403, join_answer(&chat)]), json!([200]), join_answer(&chat)] {
            fed.say(ONE, SEND_JOIN_V1, 200, &wrong);
            assert_error(join(&mut fed, &chat, &[ONE]), "answer_field_invalid");
        }
    }
    // A refusal that says anything else is one.
    let mut fed = fed();
    lets_join(&fed, &chat, ONE);
    fed.on(ONE, SEND_JOIN, |_| refusal(404, "M_NOT_FOUND"));
    assert_error(join(&mut fed, &chat, &[ONE]), "remote_not_found");
    assert!(!fed.lines().iter().any(|line| line.contains("/v1/send_join")));
}

/// A restricted room, in which Alice lets our user in.
fn restricted() -> (Chat, Value) {
    let mut chat = Chat::new(11);
    let rule = json!({"join_rule": "restricted", "allow": []});
    let rests = ["create", "alice", "power"];
    chat.make("rules", ("m.room.join_rules", Some(""), ALICE), rule, &["bob"], &rests);
    let more = json!({"join_authorised_via_users_server": ALICE});
    let mut template = template(&chat, "join", more);
    let alice = chat.id("alice");
    template["event"]["auth_events"].as_array_mut().unwrap().push(json!(alice));
    (chat, template)
}

/// The answer to a restricted join: with the event as it was sent, changed by `bend`.
fn countersigning(chat: &Chat, bend: fn(&mut Value)) -> impl Fn(&Call) -> HttpsAnswer + 'static {
    let said = join_answer(chat);
    move |call| {
        let mut event = call.body.clone().unwrap();
        let text = model::signed_text(&event, 11);
        one().add(&mut event, &text);
        bend(&mut event);
        let mut said = said.clone();
        said["event"] = event;
        answer(200, &said)
    }
}

#[test]
fn n15_n30_a_restricted_join_comes_back_signed_or_another_server_is_tried() {
    let (chat, template) = restricted();
    let ready = || {
        let fed = fed();
        fed.say(ONE, MAKE_JOIN, 200, &template);
        fed.say(TWO, MAKE_JOIN, 200, &template);
        fed.on(TWO, SEND_JOIN, countersigning(&chat, |_| {}));
        fed
    };
    let mut fed = ready();
    fed.on(ONE, SEND_JOIN, countersigning(&chat, |_| {}));
    let done = join(&mut fed, &chat, &[ONE, TWO]).unwrap().done;
    let event: Value = serde_json::from_str(done.event.as_str()).unwrap();
    assert!(event["signatures"][ONE]["ed25519:a"].is_string());
    let report = room_of(&fed, &chat, &done);
    assert_eq!(report.verdict.outcome, Outcome::Accepted, "{:#?}", report.verdict);
    let bad: [(Change, &str); 3] = [
        (|event| event["content"]["x"] = json!(1), "answer_event_changed"),
        (|event| event["signatures"][ONE] = json!({}), "answer_countersignature"),
        (|event| event["signatures"][ONE]["ed25519:a"] = json!("A"), "answer_countersignature"),
    ];
    for (bend, code) in bad {
        let mut fed = ready();
        fed.on(ONE, SEND_JOIN, countersigning(&chat, bend));
        let tried = join(&mut fed, &chat, &[ONE, TWO]).unwrap();
        assert_eq!((tried.server.as_str(), tried.failures[0].1.code()), (TWO, code));
    }
    let mut fed = ready();
    fed.say(ONE, SEND_JOIN, 200, &join_answer(&chat));
    let tried = join(&mut fed, &chat, &[ONE, TWO]).unwrap();
    assert_eq!(tried.failures[0].1.code(), "answer_field_invalid");
}

#[test]
fn n30_another_server_is_tried_unless_it_would_say_the_same() {
    let chat = Chat::new(11);
    for (status, errcode, goes_on) in [
        (400, "M_UNABLE_TO_AUTHORISE_JOIN", true),
        (400, "M_UNABLE_TO_GRANT_JOIN", true),
        (404, "M_NOT_FOUND", true),
        (404, "M_UNRECOGNIZED", true),
        (429, "M_LIMIT_EXCEEDED", true),
        (500, "M_UNKNOWN", true),
        (401, "M_UNAUTHORIZED", true),
        (403, "M_FORBIDDEN", false),
        (400, "M_INCOMPATIBLE_ROOM_VERSION", false),
        (400, "M_BAD_JSON", false),
    ] {
        for start in [MAKE_JOIN, SEND_JOIN] {
            let mut fed = fed();
            lets_join(&fed, &chat, ONE);
            lets_join(&fed, &chat, TWO);
            fed.on(ONE, start, move |_| refusal(status, errcode));
            fed.on(ONE, SEND_JOIN_V1, move |_| refusal(status, errcode));
            let joined = join(&mut fed, &chat, &[ONE, TWO]);
            assert_eq!(joined.is_ok(), goes_on, "{errcode} to {start}");
            let asked_two = fed.lines().iter().any(|line| line.starts_with(TWO));
            assert_eq!(asked_two, goes_on);
        }
    }
    let mut fed = fed();
    let version =
        json!({"errcode": "M_INCOMPATIBLE_ROOM_VERSION", "error": "", "room_version": "99"});
    fed.say(ONE, MAKE_JOIN, 400, &version);
    let error = assert_error(join(&mut fed, &chat, &[ONE]), "remote_incompatible_room_version");
    assert!(serde_json::to_string(&error.evidence()).unwrap().contains("99"));
    // All failures are told.
    let mut fed = Fed::new(&[ONE], &[]);
    fed.on(ONE, MAKE_JOIN, |_| refusal(500, "M_UNKNOWN"));
    let error = assert_error(join(&mut fed, &chat, &[ONE, TWO]), "no_server_helped");
    let FederationError::AllFailed(failures) = error else { panic!() };
    let servers: Vec<_> = failures.iter().map(|(server, _)| server.as_str()).collect();
    assert_eq!(servers, [ONE, TWO]);
    assert_error(join(&mut fed, &chat, &[]), "no_server_helped");
    assert_error(join(&mut fed, &chat, &[HERE]), "no_server_helped");
}

#[test]
fn n15_members_are_left_out_only_if_asked_for() {
    let chat = Chat::new(11);
    let mut fed = fed();
    lets_join(&fed, &chat, ONE);
    let mut said = join_answer(&chat);
    said["members_omitted"] = json!(true);
    said["servers_in_room"] = json!([ONE, TWO]);
    fed.say(ONE, SEND_JOIN, 200, &said);
    assert_error(join(&mut fed, &chat, &[ONE]), "answer_members_omitted");
    let asked = |fed: &mut Fed| join_with(fed, &chat, &[ONE], None, true);
    let done = asked(&mut fed).unwrap().done;
    assert!(sent(&fed, SEND_JOIN).line.ends_with("?omit_members=true"));
    let report = room_of(&fed, &chat, &done);
    assert!(report.partial);
    assert_eq!(report.servers_in_room, Some(vec![ONE.to_owned(), TWO.to_owned()]));
    said["servers_in_room"] = json!("all");
    fed.say(ONE, SEND_JOIN, 200, &said);
    assert_error(asked(&mut fed), "answer_field_invalid");
    said["members_omitted"] = json!("true");
    fed.say(ONE, SEND_JOIN, 200, &said);
    assert_error(asked(&mut fed), "answer_field_invalid");
}

#[test]
fn n15_what_is_bad_in_the_state_needs_no_key_and_sinks_nothing() {
    let chat = Chat::new(11);
    let mut fed = fed();
    lets_join(&fed, &chat, ONE);
    let three = Signer25519::new("three.example", "ed25519:a");
    let mut elsewhere = event(&chat, "bob");
    elsewhere["room_id"] = json!("!other:one.example");
    elsewhere["sender"] = json!("@x:three.example");
    let elsewhere = sign_by(&model::without(&elsewhere, &["signatures"]), 11, &[&three]);
    let mut said = join_answer(&chat);
    let state = said["state"].as_array_mut().unwrap();
    state.extend([elsewhere, json!(5), json!({"sender": "@y:four.example"})]);
    fed.say(ONE, SEND_JOIN, 200, &said);
    let done = join(&mut fed, &chat, &[ONE]).unwrap().done;
    assert!(done.keys.failed.is_empty(), "{:?}", done.keys.failed);
    let report = room_of(&fed, &chat, &done);
    assert_eq!(report.verdict.outcome, Outcome::Accepted);
    assert_eq!(report.fallen.len(), 3);
}

#[test]
fn n15_a_large_answer_is_looked_at_in_pieces() {
    let chat = Chat::new(11);
    let mut fed = fed();
    lets_join(&fed, &chat, ONE);
    let mut said = join_answer(&chat);
    said["more"] = json!("x".repeat(1_000_000));
    fed.say(ONE, SEND_JOIN, 200, &said);
    join(&mut fed, &chat, &[ONE]).unwrap();
    let pauses = fed.world.asked.iter().filter(|effect| matches!(effect, Effect::Wait { ms: 0 }));
    assert!(pauses.count() >= 7);
    let told = fed.world.notices.iter().filter_map(|notice| match notice {
        Notice::Progress { stage: "read", done, total } => Some((*done, total.unwrap())),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    assert!(told.is_sorted() && told.last().is_some_and(|(done, total)| done == total));
}

#[test]
fn our_users_alone_are_let_in() {
    let mut fed = fed();
    let joined = fed.run(async |client, host| {
        let servers = via(&[ONE]);
        let wanted = MemberRequest { user_id: ALICE, ..wanted("!r:one.example", &servers) };
        client.join(&host, &wanted, false).await
    });
    assert_error(joined, "invalid_argument");
    assert!(fed.calls.borrow().is_empty());
}

// ---- N16 and N17: knocking and leaving

const SEND_KNOCK: &str = "PUT /_matrix/federation/v1/send_knock/";

#[test]
fn n16_a_knock_gets_a_look_at_the_room() {
    for version in [7, 11, 12] {
        let chat = Chat::new(version);
        let mut fed = fed();
        fed.say(
            ONE,
            "GET /_matrix/federation/v1/make_knock/",
            200,
            &template(&chat, "knock", json!({})),
        );
        let state = json!({"knock_room_state": events(&chat, &["create", "rules"])});
        fed.say(ONE, SEND_KNOCK, 200, &state);
        let knock = |fed: &mut Fed| {
            let room = chat.room_id.clone();
            fed.run(async move |client, host| {
                let reason = parsed(&json!({"reason": "please"}));
                let servers = via(&[ONE]);
                let wanted = MemberRequest { content: Some(&reason), ..wanted(&room, &servers) };
                client.knock(&host, &wanted).await
            })
        };
        let done = knock(&mut fed).unwrap().done;
        let event = sent(&fed, SEND_KNOCK).body.unwrap();
        assert_eq!(event["content"], json!({"membership": "knock", "reason": "please"}));
        assert_eq!(done.event_id, model::event_id(&event, version));
        assert!(done.answer.0.fallen.is_empty(), "{:?}", done.answer.0.fallen);
        // A template that joins is not signed.
        fed.say(
            ONE,
            "GET /_matrix/federation/v1/make_knock/",
            200,
            &template(&chat, "join", json!({})),
        );
        assert_error(knock(&mut fed), "template_membership_mismatch");
        let unnamed = common::make::lacking(template(&chat, "knock", json!({})), "room_version");
        fed.say(ONE, "GET /_matrix/federation/v1/make_knock/", 200, &unnamed);
        assert_error(knock(&mut fed), "answer_field_invalid");
    }
    let chat = Chat::new(6);
    let mut fed = fed();
    fed.say(
        ONE,
        "GET /_matrix/federation/v1/make_knock/",
        200,
        &template(&chat, "knock", json!({})),
    );
    let room = chat.room_id.clone();
    let knocked =
        fed.run(async move |client, host| client.knock(&host, &wanted(&room, &via(&[ONE]))).await);
    assert_error(knocked, "answer_room_version");
}

#[test]
fn n17_a_leave_goes_to_either_version_of_the_endpoint() {
    const SEND_LEAVE: &str = "PUT /_matrix/federation/v2/send_leave/";
    const SEND_LEAVE_V1: &str = "PUT /_matrix/federation/v1/send_leave/";
    for version in [1, 3, 11, 12] {
        let chat = Chat::new(version);
        let mut fed = fed();
        let leave = |fed: &mut Fed| {
            let room = chat.room_id.clone();
            fed.run(async move |client, host| {
                client.leave(&host, &wanted(&room, &via(&[ONE]))).await
            })
        };
        let path = "GET /_matrix/federation/v1/make_leave/";
        fed.say(ONE, path, 200, &template(&chat, "leave", json!({})));
        fed.say(ONE, SEND_LEAVE, 200, &json!({}));
        let done = leave(&mut fed).unwrap().done;
        let event = sent(&fed, SEND_LEAVE).body.unwrap();
        assert_eq!(event["content"], json!({"membership": "leave"}));
        assert_eq!(done.event_id, model::event_id(&event, version));
        fed.on(ONE, SEND_LEAVE, |_| refusal(404, "M_UNRECOGNIZED"));
        fed.say(ONE, SEND_LEAVE_V1, 200, &json!([200, {}]));
        leave(&mut fed).unwrap();
        assert_eq!(sent(&fed, SEND_LEAVE).body, sent(&fed, SEND_LEAVE_V1).body);
        fed.say(ONE, SEND_LEAVE_V1, 200, &json!({}));
        assert_error(leave(&mut fed), "answer_field_invalid");
        fed.say(ONE, path, 200, &template(&chat, "ban", json!({})));
        assert_error(leave(&mut fed), "template_membership_mismatch");
    }
}

// ---- N18 to N20: inviting

const INVITE: &str = "PUT /_matrix/federation/v2/invite/";
const INVITE_V1: &str = "PUT /_matrix/federation/v1/invite/";

fn invitation(chat: &Chat, of: &str) -> Value {
    let mut event = json!({
        "type": "m.room.member", "sender": ME, "state_key": of, "room_id": chat.room_id,
        "content": {"membership": "invite"}, "depth": 9, "origin_server_ts": chat.ts,
        "prev_events": chat.references(&["bob"]), "auth_events": chat.references(&["power"]),
    });
    if chat.version <= 2 {
        event["event_id"] = json!("$invite:here.example");
    }
    event
}

fn invite(fed: &mut Fed, chat: &Chat) -> Result<federation::client::Invited> {
    invite_of(fed, chat, ALICE)
}

fn invite_of(fed: &mut Fed, chat: &Chat, of: &str) -> Result<federation::client::Invited> {
    let event = parsed(&invitation(chat, of));
    let create = parsed(&chat.made["create"]);
    let (room, version) = (chat.room_id.clone(), version_of(chat));
    fed.run(async move |client, host| client.invite(&host, &event, &room, &[create], version).await)
}

/// The invited server signs what it was sent, and changes it.
fn signs(version: u8, bend: fn(&mut Value)) -> impl Fn(&Call) -> HttpsAnswer + 'static {
    move |call| {
        let body = call.body.clone().unwrap();
        let is_v1 = call.line.starts_with(INVITE_V1);
        let mut event = if is_v1 { body } else { body["event"].clone() };
        let text = model::signed_text(&event, version);
        one().add(&mut event, &text);
        bend(&mut event);
        let said = json!({"event": event});
        answer(200, &if is_v1 { json!([200, said]) } else { said })
    }
}

#[test]
fn n18_an_invite_comes_back_signed_by_both() {
    for version in [1, 6, 11, 12] {
        let chat = Chat::new(version);
        let mut fed = fed();
        fed.on(ONE, INVITE, signs(version, |_| {}));
        let invited = invite(&mut fed, &chat).unwrap();
        let event: Value = serde_json::from_str(invited.event.as_str()).unwrap();
        assert_eq!(invited.server, ONE);
        assert_eq!(invited.event_id, model::event_id(&event, version));
        let signers: Vec<_> = event["signatures"].as_object().unwrap().keys().collect();
        assert_eq!(signers, [HERE, ONE]);
        let body = sent(&fed, INVITE).body.unwrap();
        assert_eq!(body["invite_room_state"], json!([event_of(&chat)]));
        assert_eq!(body["room_version"], json!(version.to_string()));
        let bad: [(Change, &str); 2] = [
            (|event| event["content"]["reason"] = json!("x"), "answer_event_changed"),
            (|event| event["signatures"][ONE] = json!({}), "answer_countersignature"),
        ];
        for (bend, code) in bad {
            fed.on(ONE, INVITE, signs(version, bend));
            assert_error(invite(&mut fed, &chat), code);
        }
        fed.on(ONE, INVITE, |_| refusal(403, "M_INVITE_BLOCKED"));
        assert_error(invite(&mut fed, &chat), "remote_invite_blocked");
        let asked = fed.calls.borrow().len();
        for nobody in [ME, "nobody"] {
            assert_error(invite_of(&mut fed, &chat, nobody), "invalid_argument");
        }
        assert_eq!(fed.calls.borrow().len(), asked);
    }
}

fn event_of(chat: &Chat) -> Value {
    chat.made["create"].clone()
}

#[test]
fn n19_the_older_invite_is_for_versions_1_and_2_alone() {
    for version in [1, 2, 3, 11] {
        let chat = Chat::new(version);
        let mut fed = fed();
        fed.on(ONE, INVITE, |_| refusal(404, "M_UNRECOGNIZED"));
        fed.on(
            ONE,
            INVITE_V1,
            signs(version, |event| {
                event.as_object_mut().unwrap().remove("unsigned");
            }),
        );
        let invited = invite(&mut fed, &chat);
        if version <= 2 {
            assert_eq!(invited.unwrap().server, ONE);
            let body = sent(&fed, INVITE_V1).body.unwrap();
            assert_eq!(body["unsigned"]["invite_room_state"], json!([event_of(&chat)]));
        } else {
            assert_error(invited, "remote_unrecognized");
        }
    }
}

#[test]
fn n18_what_cannot_be_an_event_is_not_signed() {
    let chat = Chat::new(11);
    let mut fed = fed();
    let (room, version) = (chat.room_id.clone(), version_of(&chat));
    let event = parsed(&with(invitation(&chat, ALICE), "/depth", json!(1.5)));
    let invited =
        fed.run(async move |client, host| client.invite(&host, &event, &room, &[], version).await);
    assert_error(invited, "number_not_integer");
    assert!(fed.calls.borrow().is_empty());
}

#[test]
fn n20_a_third_partys_invitation_is_exchanged_in_the_room_of_the_path() {
    let mut fed = fed();
    let path = "PUT /_matrix/federation/v1/exchange_third_party_invite/%21r%3Aone.example";
    fed.say(ONE, path, 200, &json!({}));
    let event = parsed(&json!({"type": "m.room.member", "room_id": "!other:one.example"}));
    let done = fed.run(async move |client, host| {
        client.exchange_third_party_invite(&host, ONE, "!r:one.example", &event).await
    });
    done.unwrap();
    assert_eq!(sent(&fed, path).body.unwrap()["room_id"], json!("!r:one.example"));
}

// ---- N6: sending

const SEND: &str = "PUT /_matrix/federation/v1/send/";

fn send(
    fed: &mut Fed,
    pdus: Vec<(String, Canonical)>,
    edus: Vec<Canonical>,
    attempts: u32,
) -> Result<Delivery> {
    fed.run(async move |client, host| {
        let outgoing = Outgoing { pdus: &pdus, edus: &edus, attempts };
        client.send(&host, ONE, &outgoing).await
    })
}

/// Events whose content is their number; they need not be signed to be sent.
fn messages(count: usize) -> Vec<(String, Canonical)> {
    let message = |number: usize| {
        (format!("${number:043}"), parsed(&json!({"type": "m.room.message", "depth": number})))
    };
    (0..count).map(message).collect()
}

fn takes(call: &Call) -> HttpsAnswer {
    let pdus = call.body.as_ref().unwrap()["pdus"].as_array().unwrap();
    let taken = pdus.iter().map(|pdu| {
        let number = pdu["depth"].as_u64().unwrap();
        let said = if number == 3 { json!({"error": "no"}) } else { json!({}) };
        (format!("${number:043}"), said)
    });
    answer(200, &json!({"pdus": taken.collect::<serde_json::Map<_, _>>()}))
}

fn transactions(fed: &Fed) -> Vec<Call> {
    let calls = fed.calls.borrow();
    calls.iter().filter(|call| call.line.starts_with(SEND)).cloned().collect()
}

#[test]
fn n6_transactions_are_filled_up_to_the_limits_and_sent_in_order() {
    let mut fed = fed();
    fed.on(ONE, SEND, takes);
    let edus = vec![parsed(&json!({"edu_type": "m.typing"})); 230];
    let delivery = send(&mut fed, messages(120), edus, 3).unwrap();
    assert!(delivery.failure.is_none());
    assert_eq!((delivery.pdus, delivery.edus, delivery.retries), (120, 230, 0));
    let calls = transactions(&fed);
    let load = |call: &Call| {
        let body = call.body.as_ref().unwrap();
        let count = |list: &str| body[list].as_array().map_or(0, Vec::len);
        (count("pdus"), count("edus"))
    };
    assert_eq!(calls.iter().map(load).collect::<Vec<_>>(), [(50, 100), (50, 100), (20, 30)]);
    let depths =
        calls.iter().flat_map(|call| call.body.as_ref().unwrap()["pdus"].as_array().unwrap());
    assert!(depths.map(|pdu| pdu["depth"].as_u64().unwrap()).eq(0..120));
    let ids: std::collections::BTreeSet<_> = calls.iter().map(|call| &call.line).collect();
    assert_eq!(ids.len(), 3, "each has an ID of its own");
    let refused = &delivery.transactions[0].pdus[&format!("${:043}", 3)];
    assert_eq!(refused.as_deref(), Some("no"));
    assert_eq!(calls[0].body.as_ref().unwrap()["origin"], json!(HERE));
}

#[test]
fn n6_what_was_not_taken_is_sent_again_the_same_after_a_pause() {
    let mut fed = fed();
    let failures = Rc::new(Cell::new(3));
    fed.on(ONE, SEND, move |call| match failures.get() {
        0 => takes(call),
        3 => {
            failures.set(2);
            let body = json!({"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 7000});
            answer(429, &body)
        }
        left => {
            failures.set(left - 1);
            refusal(503, "M_UNKNOWN")
        }
    });
    let delivery = send(&mut fed, messages(60), vec![], 4).unwrap();
    assert!(delivery.failure.is_none());
    assert_eq!((delivery.pdus, delivery.retries), (60, 3));
    let calls = transactions(&fed);
    assert_eq!(calls.len(), 5);
    for again in &calls[1..4] {
        assert_eq!((&again.line, &again.body), (&calls[0].line, &calls[0].body));
    }
    assert_ne!(calls[4].line, calls[0].line);
    let pauses = fed.world.asked.iter().filter_map(|effect| match effect {
        Effect::Wait { ms } => Some(*ms),
        _ => None,
    });
    assert_eq!(pauses.collect::<Vec<_>>(), [7000, 2000, 4000]);
}

#[test]
fn n6_after_the_last_attempt_the_rest_is_not_sent_and_why_is_told() {
    for (said, code, calls) in [
        (refusal(500, "M_UNKNOWN"), "remote_failed", 3),
        (refusal(403, "M_FORBIDDEN"), "remote_forbidden", 1),
        (answer(200, &json!([])), "answer_field_invalid", 1),
    ] {
        let mut fed = fed();
        fed.on(ONE, SEND, move |_| said.clone());
        let delivery = send(&mut fed, messages(60), vec![], 3).unwrap();
        assert_eq!(delivery.failure.unwrap().code(), code);
        assert_eq!((delivery.pdus, transactions(&fed).len()), (0, calls));
    }
    // A server that asks for a day gets a minute.
    let mut fed = fed();
    fed.on(ONE, SEND, |_| answer(429, &json!({"retry_after_ms": 86_400_000_i64})));
    send(&mut fed, messages(1), vec![], 2).unwrap();
    assert!(fed.world.asked.contains(&Effect::Wait { ms: 60_000 }));
}

#[test]
fn n6_nothing_to_send_asks_nobody_and_what_is_too_long_is_told() {
    let mut fed = fed();
    assert!(send(&mut fed, vec![], vec![], 1).unwrap().failure.is_none());
    assert!(fed.world.asked.is_empty());
    let long = parsed(&json!({"x": "x".repeat(14_000_000)}));
    assert_error(send(&mut fed, vec![], vec![long], 1), "transaction_too_large");
}

// ---- hosts that fail

#[test]
fn a_host_that_cannot_tell_the_time_ends_every_conversation() {
    use fedproof::host::{Answer, Capabilities, Operation};
    use std::task::Poll;
    let fed = fed();
    let client = fed.client.clone();
    let mut operation =
        Operation::new(Capabilities::ALL, async move |host| client.version(&host, ONE).await);
    assert!(operation.poll().is_pending());
    for (id, effect) in operation.take_effects() {
        assert_eq!(effect, Effect::Now);
        operation.answer(id, Err(failure(HostErrorKind::Failed)));
        operation.answer(id, Ok(Answer::Now(1)));
    }
    let Poll::Ready(result) = operation.poll() else { panic!("it goes on") };
    assert_error(result, "host_failed");
}

#[test]
fn faults_of_single_answers_are_overcome_or_told() {
    let chat = Chat::new(11);
    for number in 0..40 {
        for fault in [Fault::Drop, Fault::Delay, Fault::Truncate, Fault::Garbage, Fault::Repeat] {
            let mut fed = fed();
            lets_join(&fed, &chat, ONE);
            lets_join(&fed, &chat, TWO);
            fed.world.faults.insert(number, fault);
            if let Ok(tried) = join(&mut fed, &chat, &[ONE, TWO]) {
                // Without keys it may be undecided; with them nothing can go wrong any more.
                let report = try_room_of(&fed, &chat, &tried.done);
                let is_in = report.is_ok_and(|report| report.verdict.outcome == Outcome::Accepted);
                let has_keys = tried.done.keys.failed.is_empty();
                assert!(is_in || !has_keys, "{number} {fault:?}");
            }
        }
    }
}
