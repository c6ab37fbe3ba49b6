//! New events of a room: what they say of their place in it.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod common;

use std::collections::BTreeSet;

use common::chat::{ALICE, BOB, BY_ALICE, Chat, MEMBER, MESSAGE, REDACTION, TOPIC, work};
use common::make::{TS, one, ring, room_version, sign_by, two};
use common::model;
use fedproof::json::{Canonical, Numbers, parse};
use fedproof::receive::Options;
use fedproof::state::{DraftError, NewEvent, Room};
use fedproof::verdict::{Outcome, Verdict};
use serde_json::{Value, json};

fn canonical(content: &Value) -> Canonical {
    parse(content.to_string().as_bytes(), Numbers::Keep).unwrap()
}

/// A message of Alice's.
fn new<'a>(content: &'a Canonical) -> NewEvent<'a> {
    NewEvent {
        event_type: MESSAGE,
        sender: ALICE,
        state_key: None,
        content: Some(content.value()),
        redacts: None,
        origin_server_ts: TS + 1000,
        event_id: Some("$new:one.example"),
        room_id: None,
    }
}

fn drafted(room: &Room, new: &NewEvent<'_>) -> Value {
    serde_json::from_slice(room.draft(new).unwrap().text()).unwrap()
}

/// The verdict on the draft, signed.
fn received(room: &mut Room, draft: &Value, version: u8) -> Verdict {
    let signed = sign_by(draft, version, &[&one(), &two()]);
    room.push(signed.to_string().into_bytes());
    work(room, ring()).pop().unwrap()
}

#[test]
fn an_event_follows_on_the_room_and_is_accepted() {
    for version in 1..=12 {
        let mut chat = Chat::new(version);
        let content = canonical(&json!({"body": "hello"}));
        let draft = drafted(&chat.room, &new(&content));
        let cited =
            if version >= 12 { &["power", "alice"][..] } else { &["create", "power", "alice"] };
        let mut expected = json!({
            "type": MESSAGE, "sender": ALICE, "room_id": chat.room_id, "content": {"body": "hello"}, "depth": 6,
            "origin_server_ts": TS + 1000,
            "prev_events": chat.references(&["bob"]), "auth_events": chat.references(cited),
        });
        if version <= 2 {
            expected["event_id"] = json!("$new:one.example");
        }
        assert_eq!(draft, expected, "{version}");
        assert_eq!(
            received(&mut chat.room, &draft, version).outcome,
            Outcome::Accepted,
            "{version}"
        );
    }
}

#[test]
fn a_state_event_has_its_key_and_what_its_type_must_cite() {
    let mut chat = Chat::new(11);
    let content = canonical(&json!({"membership": "invite"}));
    let member =
        NewEvent { event_type: MEMBER, state_key: Some("@dora:one.example"), ..new(&content) };
    let draft = drafted(&chat.room, &member);
    assert_eq!(draft["state_key"], json!("@dora:one.example"));
    assert_eq!(draft["auth_events"], chat.references(&["create", "power", "alice", "rules"]));
    assert_eq!(received(&mut chat.room, &draft, 11).outcome, Outcome::Accepted);
}

#[test]
fn what_is_not_allowed_is_said_when_it_is_received() {
    let mut chat = Chat::new(11);
    let content = canonical(&json!({"membership": "ban"}));
    let ban = NewEvent { event_type: MEMBER, sender: BOB, state_key: Some(ALICE), ..new(&content) };
    let draft = drafted(&chat.room, &ban);
    let verdict = received(&mut chat.room, &draft, 11);
    assert_eq!(verdict.outcome, Outcome::Rejected);
}

#[test]
fn a_redaction_names_its_event_where_the_version_has_it() {
    for version in 1..=12 {
        let mut chat = Chat::new(version);
        chat.make(
            "said",
            (MESSAGE, None, BOB),
            json!({"body": "x"}),
            &["bob"],
            &["create", "bob", "power"],
        );
        assert_eq!(chat.outcome("said"), Outcome::Accepted);
        let content = canonical(&json!({"reason": "x"}));
        let id = chat.id("said");
        let redaction = NewEvent { event_type: REDACTION, redacts: Some(&id), ..new(&content) };
        let draft = drafted(&chat.room, &redaction);
        let (at_top, in_content) =
            (draft["redacts"].as_str(), draft["content"]["redacts"].as_str());
        let expected = if version >= 11 { (None, Some(&*id)) } else { (Some(&*id), None) };
        assert_eq!((at_top, in_content), expected, "{version}");
        assert_eq!(draft["content"]["reason"], json!("x"));
        assert_eq!(
            received(&mut chat.room, &draft, version).outcome,
            Outcome::Accepted,
            "{version}"
        );
        assert_eq!(
            chat.room.redacted_by(chat.find("said")).map(|event| chat
                .room
                .graph()
                .id(event)
                .to_owned()),
            Some(model::event_id(&sign_by(&draft, version, &[&one(), &two()]), version))
        );
    }
}

#[test]
fn of_a_fork_all_ends_are_joined() {
    let mut chat = Chat::new(11);
    for name in ["a", "b"] {
        chat.make(name, (TOPIC, Some(""), ALICE), json!({"topic": name}), &["bob"], &BY_ALICE);
        assert_eq!(chat.outcome(name), Outcome::Accepted);
    }
    let content = canonical(&json!({}));
    let draft = drafted(&chat.room, &new(&content));
    let named: BTreeSet<_> =
        draft["prev_events"].as_array().unwrap().iter().map(Value::to_string).collect();
    assert_eq!(named, ["a", "b"].map(|name| json!(chat.id(name)).to_string()).into());
    received(&mut chat.room, &draft, 11);
    assert_eq!(chat.room.extremities().count(), 1);
}

#[test]
fn no_more_than_20_ends_are_joined_at_once_the_deepest_first() {
    let mut chat = Chat::new(11);
    for count in 0..25 {
        let name = format!("fork {count}");
        chat.make(&name, (MESSAGE, None, ALICE), json!({}), &["bob"], &BY_ALICE);
        assert_eq!(chat.outcome(&name), Outcome::Accepted);
    }
    let content = canonical(&json!({}));
    let draft = drafted(&chat.room, &new(&content));
    let deepest: Vec<String> = (5..25).rev().map(|count| format!("fork {count}")).collect();
    let deepest: Vec<&str> = deepest.iter().map(String::as_str).collect();
    assert_eq!(draft["prev_events"], chat.references(&deepest));
    assert_eq!(draft["depth"], json!(31));
    assert_eq!(received(&mut chat.room, &draft, 11).outcome, Outcome::Accepted);
    assert_eq!(chat.room.extremities().count(), 6);
    let draft = drafted(&chat.room, &new(&content));
    assert_eq!(draft["prev_events"].as_array().unwrap().len(), 6);
    assert_eq!(received(&mut chat.room, &draft, 11).outcome, Outcome::Accepted);
    assert_eq!(chat.room.extremities().count(), 1);
}

#[test]
fn the_depth_stays_within_the_limit() {
    for (version, limit) in [(1, i64::MAX), (11, 9_007_199_254_740_991)] {
        let mut chat = Chat::new(version);
        let deep = (MESSAGE, None, ALICE);
        chat.make_with("deep", deep, json!({}), (&["bob"], &BY_ALICE), |event| {
            event["depth"] = json!(limit)
        });
        assert_eq!(chat.outcome("deep"), Outcome::Accepted);
        let content = canonical(&json!({}));
        let draft = drafted(&chat.room, &new(&content));
        assert_eq!(draft["depth"], json!(limit));
        assert_eq!(received(&mut chat.room, &draft, version).outcome, Outcome::Accepted);
    }
}

#[test]
fn a_room_begins_with_a_create_event() {
    for version in 1..=12 {
        let mut room = Room::new(room_version(version), Options::default());
        let mut content = json!({"room_version": version.to_string()});
        if version <= 10 {
            content["creator"] = json!(ALICE);
        }
        let content = canonical(&content);
        let room_id = (version <= 11).then_some("!new:one.example");
        let create =
            NewEvent { event_type: "m.room.create", state_key: Some(""), room_id, ..new(&content) };
        let draft = drafted(&room, &create);
        assert_eq!(draft.get("room_id"), room_id.map(|id| json!(id)).as_ref());
        assert_eq!((&draft["depth"], &draft["prev_events"]), (&json!(1), &json!([])));
        assert_eq!(received(&mut room, &draft, version).outcome, Outcome::Accepted, "{version}");
        let content = canonical(&json!({"membership": "join"}));
        let id = Some("$second:one.example");
        let join =
            NewEvent { event_type: MEMBER, state_key: Some(ALICE), event_id: id, ..new(&content) };
        let draft = drafted(&room, &join);
        assert_eq!(received(&mut room, &draft, version).outcome, Outcome::Accepted, "{version}");
    }
}

#[test]
fn nothing_is_written_to_a_room_that_is_not_there() {
    let content = canonical(&json!({}));
    let create = NewEvent { event_type: "m.room.create", state_key: Some(""), ..new(&content) };
    let nowhere = NewEvent { room_id: Some("!room:one.example"), ..new(&content) };
    let unknown = |version, new: &NewEvent<'_>| {
        let error = Room::new(room_version(version), Options::default()).draft(new).unwrap_err();
        assert_eq!((error.code(), &error), ("draft_room_unknown", &DraftError::RoomUnknown));
    };
    unknown(11, &create);
    unknown(11, &nowhere);
    unknown(12, &nowhere);
}
