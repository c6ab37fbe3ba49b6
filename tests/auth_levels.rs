//! Rows H28 to H45 and section F of the rules: sending, power levels, and what a level is.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use common::make::{
    assert_accepted, assert_dropped, failure, lacking, parsed, room_version, sign, state, verify,
    verify_text, with,
};
use common::room::{
    ALICE, BOB, CAROL, DAVE, Judged, Room, Told, allowed, create_content, group, read, rejected,
};
use fedproof::auth::{
    Cited, Entries, Event, Held, Level, LevelTable, Levels, Named, PowerLevels, Reading, Rule,
    State, Unread,
};
use fedproof::evidence::Evidence;
use fedproof::json::{Canonical, Numbers, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The levels that have a name, in the order in which the rules name them, with their defaults.
const NAMED: [(&str, Named, i64); 7] = [
    ("users_default", Named::UsersDefault, 0),
    ("events_default", Named::EventsDefault, 0),
    ("state_default", Named::StateDefault, 50),
    ("ban", Named::Ban, 50),
    ("redact", Named::Redact, 50),
    ("kick", Named::Kick, 50),
    ("invite", Named::Invite, 0),
];

const POWER_LEVELS: &str = "m.room.power_levels";
const MAX_SAFE: i64 = (1 << 53) - 1;

/// A room in which [`ALICE`], its creator, and [`BOB`] are joined.
fn plain(version: u8) -> Room {
    Room::new(version).member(ALICE, "join").member(BOB, "join")
}

/// The same with power levels.
fn room(version: u8, power: Value) -> Room {
    plain(version).power(power)
}

/// [`BOB`] sends an event that is no state.
#[track_caller]
fn bob_sends(room: &Room, event_type: &str) -> Judged {
    room.judge(&room.draft(event_type, BOB, json!({})))
}

/// [`BOB`] sets new power levels.
#[track_caller]
fn bob_sets(room: &Room, content: Value) -> Judged {
    room.judge(&room.draft_state(POWER_LEVELS, "", BOB, content))
}

/// A user's level as evidence has it, by the room's power levels.
fn level_of(room: &Room, user: &str, level: i64, from: &str) -> Value {
    let mut evidence = needed(room, level, from);
    evidence["user"] = json!(user);
    evidence
}

/// A level that something takes, as evidence has it.
fn needed(room: &Room, level: i64, from: &str) -> Value {
    match from {
        "default" => json!({"level": level, "from": from}),
        _ => json!({"level": level, "from": from, "event_id": room.id(POWER_LEVELS, "")}),
    }
}

#[track_caller]
fn assert_told(told: &Told<'_>, reason: &str, evidence: Value) {
    assert_eq!((told.reason, &told.evidence), (reason, &evidence));
}

/// The object without the members that are null.
fn without_nulls(mut object: Value) -> Value {
    object.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    object
}

// Sending: H28 to H31.

#[test]
fn h28_only_the_joined_send() {
    let standings = [
        (None, "not in the room"),
        (Some("invite"), "invited"),
        (Some("leave"), "not in the room any more"),
        (Some("ban"), "banned"),
        (Some("knock"), "knocking"),
        (Some("unknown"), "of an unknown membership"),
    ];
    for version in 1..=12 {
        let here = plain(version);
        allowed(&bob_sends(&here, "m.room.message"), Rule::Otherwise);
        for (membership, words) in standings {
            let room = here.clone().member_or_none(BOB, membership);
            let judged = bob_sends(&room, "m.room.message");
            let told = rejected(&judged, Rule::SenderJoined, "sender_not_joined");
            let evidence = match membership {
                None => json!({"user": BOB}),
                Some(membership) => {
                    let event_id = room.id("m.room.member", BOB);
                    json!({"user": BOB, "membership": membership, "event_id": event_id})
                }
            };
            assert_told(&told, &format!("the sender {BOB} is {words}"), evidence);
            // It goes before what types ask for.
            for event_type in ["m.room.third_party_invite", POWER_LEVELS, "m.room.redaction"] {
                rejected(&bob_sends(&room, event_type), Rule::SenderJoined, "sender_not_joined");
            }
        }
        // Not even who created the room.
        let left = here.member(ALICE, "leave");
        let judged = left.judge(&left.draft("m.room.message", ALICE, json!({})));
        rejected(&judged, Rule::SenderJoined, "sender_not_joined");
    }
}

#[test]
fn h29_inviting_third_parties_takes_what_inviting_takes() {
    const RULE: Rule = Rule::ThirdPartyInviteLevel;
    const TYPE: &str = "m.room.third_party_invite";
    for version in 1..=12 {
        for (at, allows) in [(6, false), (7, true), (8, true)] {
            // The level for events of this type is not looked at, nor whose the state key is.
            let events = json!({TYPE: if allows { 100 } else { 0 }});
            let room = room(version, json!({"users": {BOB: at}, "invite": 7, "events": events}));
            let (sender, invite) = (level_of(&room, BOB, at, "users"), needed(&room, 7, "invite"));
            let compared = json!({"sender": sender, "invite": invite});
            for key in ["token", "@token:three.example"] {
                let judged = room.judge(&room.draft_state(TYPE, key, BOB, json!({})));
                assert_eq!(judged.compared(RULE), compared);
                if allows {
                    allowed(&judged, RULE);
                } else {
                    let told = rejected(&judged, RULE, "third_party_invite_power");
                    let reason = "has level 6 (users), but inviting takes 7 (invite)";
                    assert_told(&told, &format!("{BOB} {reason}"), compared.clone());
                }
            }
        }
        // By default everybody may, at 0.
        allowed(&bob_sends(&plain(version), TYPE), RULE);
        let low = room(version, json!({"users_default": -1}));
        let judged = bob_sends(&low, TYPE);
        let told = rejected(&judged, RULE, "third_party_invite_power");
        let reason = "has level -1 (users_default), but inviting takes 0 (by default)";
        let sender = level_of(&low, BOB, -1, "users_default");
        let evidence = json!({"sender": sender, "invite": {"level": 0, "from": "default"}});
        assert_told(&told, &format!("{BOB} {reason}"), evidence);
    }
}

#[test]
fn h30_events_take_the_level_of_their_type() {
    let all = json!({"events_default": 7, "state_default": 8, "events": {"m.room.topic": 9}});
    let rows = [
        (json!({}), "m.room.message", false, 0, "default"),
        (json!({}), "m.room.message", true, 50, "default"),
        (json!({"events_default": 7}), "m.room.message", false, 7, "events_default"),
        (json!({"events_default": 7}), "m.room.topic", true, 50, "default"),
        (json!({"state_default": 8}), "m.room.topic", false, 0, "default"),
        (json!({"state_default": 8}), "m.room.topic", true, 8, "state_default"),
        (json!({"events": {"m.room.message": -5}}), "m.room.message", false, -5, "events"),
        (all.clone(), "m.room.topic", true, 9, "events"),
        (all.clone(), "m.room.topic", false, 9, "events"),
        (all.clone(), "m.room.topi", true, 8, "state_default"),
        (all, "m.room.topics", false, 7, "events_default"),
    ];
    for version in 1..=12 {
        for (power, event_type, is_state, takes, from) in &rows {
            for at in [takes - 1, *takes, takes + 1] {
                let power = with(power.clone(), "/users", json!({BOB: at}));
                let room = room(version, power);
                let draft = room.draft(event_type, BOB, json!({}));
                // An empty state key is one, too.
                let draft = if *is_state { with(draft, "/state_key", json!("")) } else { draft };
                let judged = room.judge(&draft);
                let compared = json!({
                    "sender": level_of(&room, BOB, at, "users"),
                    "required": needed(&room, *takes, from),
                    "type": event_type,
                });
                assert_eq!(judged.compared(Rule::RequiredLevel), compared);
                if at >= *takes {
                    allowed(&judged, Rule::Otherwise);
                    continue;
                }
                let told = rejected(&judged, Rule::RequiredLevel, "event_power");
                let what = if *is_state { "state event" } else { "event" };
                let from = from.replace("default", "by default").replace("_by default", "_default");
                let reason = format!("{BOB} has level {at} (users), but a {what} of type ");
                let reason = format!("{reason}\"{event_type}\" takes {takes} ({from})");
                assert_told(&told, &reason, compared);
            }
        }
    }
}

#[test]
fn h31_state_keys_with_an_at_are_those_of_their_senders() {
    for version in 1..=12 {
        let room = room(version, json!({"users": {BOB: 50}}));
        for key in [BOB, "", "bob:one.example", "_@alice:one.example", " @alice:one.example"] {
            let judged = room.judge(&room.draft_state("x", key, BOB, json!({})));
            allowed(&judged, Rule::Otherwise);
            let compared = json!({"sender": BOB, "state_key": key});
            assert_eq!(judged.compared(Rule::StateKey), compared);
        }
        for key in ["@", ALICE, "@bob:one.example ", "@bob:one.exampl", "@Bob:one.example"] {
            // Power levels have the same rule before theirs.
            for event_type in ["x", POWER_LEVELS] {
                let judged = room.judge(&room.draft_state(event_type, key, BOB, json!({})));
                let told = rejected(&judged, Rule::StateKey, "state_key_not_sender");
                let reason = format!("the state key \"{key}\" is not the sender {BOB}");
                assert_told(&told, &reason, json!({"sender": BOB, "state_key": key}));
            }
        }
        let judged = bob_sends(&room, "x");
        allowed(&judged, Rule::Otherwise);
        assert_eq!(judged.compared(Rule::StateKey), json!({"sender": BOB}));
        // Who has not the level hears that.
        let low = room.power(json!({"users": {BOB: 49}}));
        let judged = low.judge(&low.draft_state("x", ALICE, BOB, json!({})));
        rejected(&judged, Rule::RequiredLevel, "event_power");
    }
}

// The form of power levels: H32 to H36.

/// [`ALICE`] sets the first power levels of a room.
#[track_caller]
fn first(version: u8, content: Value) -> Judged {
    let room = Room::new(version).member(ALICE, "join");
    room.judge(&room.draft_state(POWER_LEVELS, "", ALICE, content))
}

/// What is no level by any specification, as JSON values.
fn no_levels() -> Vec<Value> {
    vec![json!(null), json!(true), json!([]), json!([50]), json!({}), json!("x"), json!("")]
}

#[test]
fn h32_named_levels_are_integers_from_version_10_on() {
    for version in 1..=12 {
        allowed(&first(version, named(|_| json!(-3))), Rule::PowerLevelsFirst);
        allowed(&first(version, json!({"historical": "x"})), Rule::PowerLevelsFirst);
        for (key, ..) in NAMED {
            for value in no_levels().into_iter().chain([json!("50")]) {
                let judged = first(version, json!({ key: value }));
                if version <= 9 {
                    allowed(&judged, Rule::PowerLevelsFirst);
                    continue;
                }
                let told = rejected(&judged, Rule::PowerLevelsValues, "power_levels_value_invalid");
                let reason = format!("{value} in \"{key}\" is no integer");
                assert_told(&told, &reason, json!({"key": key, "value": value.to_string()}));
            }
        }
        // The first in the order of the rules is told, whatever the order in the event.
        if version >= 10 {
            let judged = first(version, json!({"ban": "x", "users_default": "y", "users": 1}));
            let told = rejected(&judged, Rule::PowerLevelsValues, "power_levels_value_invalid");
            assert_eq!(told.evidence, json!({"key": "users_default", "value": "\"y\""}));
        }
    }
}

#[test]
fn h33_events_and_notifications_are_objects_of_integers_from_version_10_on() {
    for version in 1..=12 {
        for (key, code) in [
            ("events", "power_levels_events_invalid"),
            ("notifications", "power_levels_notifications_invalid"),
        ] {
            for good in [json!({}), json!({"x": 0}), json!({"@x": -7, "y": MAX_SAFE})] {
                allowed(&first(version, json!({ key: good })), Rule::PowerLevelsFirst);
            }
            for value in [json!(null), json!([]), json!("x"), json!(5), json!(true)] {
                let judged = first(version, json!({ key: value }));
                if version <= 9 {
                    allowed(&judged, Rule::PowerLevelsFirst);
                    continue;
                }
                let told = rejected(&judged, Rule::PowerLevelsMaps, code);
                let reason = format!("{value} in \"{key}\" is no object");
                assert_told(&told, &reason, json!({"key": key, "value": value.to_string()}));
            }
            for value in no_levels().into_iter().chain([json!("50")]) {
                let judged = first(version, json!({key: {"a": 1, "b": value, "c": "x"}}));
                if version <= 9 {
                    allowed(&judged, Rule::PowerLevelsFirst);
                    continue;
                }
                let told = rejected(&judged, Rule::PowerLevelsMaps, code);
                let reason = format!("{value} for \"b\" in {key} is no integer");
                let evidence = json!({"key": key, "value": value.to_string(), "entry": "b"});
                assert_told(&told, &reason, evidence);
            }
        }
    }
}

#[test]
fn h34_users_are_user_ids_and_levels() {
    let ids =
        ["", "alice", "@alice", "alice:one.example", "@alice:", "@a\u{0}b:c", "@x:*", "@a:b\n"];
    for version in 1..=12 {
        for good in [json!({}), json!({BOB: -1, "@:x": 0, "@A b/é:[::1]:80": MAX_SAFE})] {
            let count = good.as_object().unwrap().len();
            let judged = first(version, json!({ "users": good }));
            allowed(&judged, Rule::PowerLevelsFirst);
            assert_eq!(judged.compared(Rule::PowerLevelsUsers), json!({ "users": count }));
        }
        allowed(&first(version, json!({})), Rule::PowerLevelsFirst);
        for value in [json!(null), json!([]), json!("x"), json!(5), json!(true)] {
            let judged = first(version, json!({ "users": value }));
            let told = rejected(&judged, Rule::PowerLevelsUsers, "power_levels_users_invalid");
            let reason = format!("{value} in \"users\" is no object");
            assert_told(&told, &reason, json!({"key": "users", "value": value.to_string()}));
        }
        for id in ids {
            // Told before what is no level.
            let judged = first(version, json!({"users": {BOB: 1, id: "x"}}));
            let told = rejected(&judged, Rule::PowerLevelsUsers, "power_levels_user_id_invalid");
            let reason = format!("{} in users is not a user ID", json!(id));
            assert_told(&told, &reason, json!({"key": "users", "entry": id}));
        }
        for value in no_levels() {
            let judged = first(version, json!({"users": {BOB: 1, CAROL: value, DAVE: "y"}}));
            let told = rejected(&judged, Rule::PowerLevelsUsers, "power_levels_user_level_invalid");
            let evidence = json!({"key": "users", "value": value.to_string(), "entry": CAROL});
            assert_told(&told, &format!("{value} is no level for {CAROL}"), evidence);
        }
        // "(or a string that is an integer)", and floats.
        let judged = first(version, json!({"users": {BOB: "+7 "}}));
        if version <= 9 {
            allowed(&judged, Rule::PowerLevelsFirst);
        } else {
            rejected(&judged, Rule::PowerLevelsUsers, "power_levels_user_level_invalid");
        }
        if version <= 5 {
            allowed(&first(version, json!({"users": {BOB: 50.57}})), Rule::PowerLevelsFirst);
        }
    }
}

#[test]
fn h35_creators_are_not_listed() {
    for version in 1..=12 {
        let content = with(create_content(version), "/additional_creators", json!([CAROL]));
        let new = Room::created(version, ALICE, content).member(ALICE, "join");
        let set = |room: &Room, users: Value| {
            room.judge(&room.draft_state(POWER_LEVELS, "", ALICE, json!({ "users": users })))
        };
        let judged = set(&new, json!({BOB: 100}));
        allowed(&judged, Rule::PowerLevelsFirst);
        if version < 12 {
            allowed(&set(&new, json!({ALICE: 100, CAROL: 100})), Rule::PowerLevelsFirst);
            continue;
        }
        let create_event = new.create.id();
        let compared = json!({ "create_event": create_event });
        assert_eq!(judged.compared(Rule::PowerLevelsCreators), compared);
        // Even where nothing changes by it.
        let old = new.clone().power(json!({"users": {ALICE: 1, BOB: 1, CAROL: 1}}));
        for room in [&new, &old] {
            for creator in [ALICE, CAROL] {
                let judged = set(room, json!({creator: 1, BOB: 1}));
                let told =
                    rejected(&judged, Rule::PowerLevelsCreators, "power_levels_creator_listed");
                let reason = format!(
                    "{creator} created the room and stands above all levels: it cannot be in users"
                );
                let evidence = json!({"create_event": create_event, "user": creator});
                assert_told(&told, &reason, evidence);
            }
        }
        allowed(&set(&old, json!({BOB: 1})), Rule::PowerLevelsOtherwise);
    }
}

#[test]
fn h36_the_first_power_levels_may_be_any() {
    for version in 1..=12 {
        let content = json!({"users": {BOB: 1000}, "ban": 1000, "events": {POWER_LEVELS: 1000}});
        let judged = first(version, content.clone());
        allowed(&judged, Rule::PowerLevelsFirst);
        assert_eq!(judged.compared(Rule::PowerLevelsFirst), json!({}));
        // Its form counts all the same.
        let wrong = with(content.clone(), "/users", json!([]));
        rejected(&first(version, wrong), Rule::PowerLevelsUsers, "power_levels_users_invalid");
        // With some in force, they are compared.
        let room = room(version, json!({"users": {BOB: 50}}));
        let judged = bob_sets(&room, json!({"users": {BOB: 50}}));
        allowed(&judged, Rule::PowerLevelsOtherwise);
        let previous = json!({"power_levels_event": room.id(POWER_LEVELS, "")});
        assert_eq!(judged.compared(Rule::PowerLevelsFirst), previous);
        rejected(&bob_sets(&room, content), Rule::NamedLevelNew, "power_levels_value_new");
    }
}

#[test]
fn h36_power_levels_of_another_state_key_give_no_levels() {
    for version in 1..=12 {
        // They are compared with their like, by a sender whose level is that of the real ones.
        let other = json!({"users": {BOB: 99, CAROL: 60}, "kick": 60});
        let room = room(version, json!({"users": {BOB: 50}}));
        let room = room.state(POWER_LEVELS, "x", ALICE, other);
        let judge = |content: Value| {
            let event = room.event(&room.draft_state(POWER_LEVELS, "x", BOB, content));
            room.judge_in(&event, &room.state_map(), room.room_create())
        };
        allowed(&judge(json!({"users": {CAROL: 60}, "kick": 60})), Rule::PowerLevelsOtherwise);
        let judged = judge(json!({"users": {BOB: 99}, "kick": 60}));
        rejected(&judged, Rule::UserCurrent, "power_levels_user_current");
        let judged = judge(json!({"users": {BOB: 98, CAROL: 60}, "kick": 60}));
        rejected(&judged, Rule::UserNew, "power_levels_user_new");
        // Of another key, or without one, there is no like.
        let first = room.draft_state(POWER_LEVELS, "y", BOB, json!({"ban": 100}));
        for draft in [lacking(first.clone(), "state_key"), first] {
            allowed(&room.judge(&draft), Rule::PowerLevelsFirst);
        }
    }
}

// What changes: H37 to H39.

/// What becomes of a change.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Fine,
    Current,
    New,
}
use Fate::{Current, Fine, New};

/// Power levels that let everybody set them, with 50 for [`BOB`] and this value (or none) under a
/// path.
fn levels(path: &[&str], value: Option<i64>) -> Value {
    let mut content = json!({"users": {BOB: 50}, "events": {POWER_LEVELS: -100}});
    let Some(value) = value else {
        if let ["users", own] = path {
            content["users"].as_object_mut().unwrap().remove(*own);
        }
        return content;
    };
    match path {
        [key] => content[*key] = json!(value),
        [map, key] => content[*map][*key] = json!(value),
        _ => panic!("{path:?}"),
    }
    content
}

/// What a level is, and what it becomes.
type Pair = (Option<i64>, Option<i64>);

/// [`BOB`], who has 50, changes the level under a path.
#[track_caller]
fn change(version: u8, path: &[&str], (old, new): Pair) -> (Room, Judged) {
    let room = room(version, levels(path, old));
    let judged = bob_sets(&room, levels(path, new));
    (room, judged)
}

/// Rejected for a change, and told so.
#[track_caller]
fn assert_refused(
    (room, judged): &(Room, Judged),
    (rule, code): (Rule, &str),
    path: &[&str],
    (old, new): Pair,
    words: &str,
) {
    let told = rejected(judged, rule, code);
    let name = match path {
        [key] => format!("\"{key}\""),
        [map, key] => format!("the level of \"{key}\" in {map}"),
        _ => panic!("{path:?}"),
    };
    let reason = format!("{name} {words} the level 50 (users) of {BOB}");
    let sender = level_of(room, BOB, 50, "users");
    let evidence = json!({"key": path, "sender": sender, "current": old, "new": new});
    assert_told(&told, &reason, without_nulls(evidence));
}

/// What may be changed by whoever has 50, where equal levels are no hindrance.
const CHANGES: [(Pair, Fate); 13] = [
    ((None, None), Fine),
    ((None, Some(50)), Fine),
    ((None, Some(51)), New),
    ((Some(50), None), Fine),
    ((Some(51), None), Current),
    ((Some(50), Some(49)), Fine),
    ((Some(49), Some(50)), Fine),
    ((Some(50), Some(51)), New),
    ((Some(-51), Some(51)), New),
    ((Some(51), Some(50)), Current),
    ((Some(51), Some(52)), Current),
    ((Some(51), Some(51)), Fine),
    ((Some(50), Some(50)), Fine),
];

const NAMED_RULES: (Rule, Rule) = (Rule::NamedLevelCurrent, Rule::NamedLevelNew);
const ENTRY_RULES: (Rule, Rule) = (Rule::EntryCurrent, Rule::EntryNew);

#[track_caller]
fn assert_changes(version: u8, path: &[&str], rules: (Rule, Rule), codes: (&str, &str)) {
    for (pair, fate) in CHANGES {
        let changed = change(version, path, pair);
        let words =
            |verb: &str, level: Option<i64>| format!("{verb} {}, which is above", level.unwrap());
        match fate {
            Fine => allowed(&changed.1, Rule::PowerLevelsOtherwise),
            Current => {
                let words = words("is", pair.0);
                assert_refused(&changed, (rules.0, codes.0), path, pair, &words);
            }
            New => {
                let words = words("becomes", pair.1);
                assert_refused(&changed, (rules.1, codes.1), path, pair, &words);
            }
        }
    }
}

#[test]
fn h37_named_levels_are_changed_up_to_the_own() {
    for version in 1..=12 {
        for (key, ..) in NAMED {
            let codes = ("power_levels_value_current", "power_levels_value_new");
            assert_changes(version, &[key], NAMED_RULES, codes);
        }
        // One that does not stand there is not its default: 50 is not taken from 100.
        let room = room(version, json!({"users": {BOB: 10}, "events": {POWER_LEVELS: 0}}));
        let new = json!({"users": {BOB: 10}, "events": {POWER_LEVELS: 0}, "kick": 10, "ban": 0});
        allowed(&bob_sets(&room, new), Rule::PowerLevelsOtherwise);
        // What is goes before what becomes, level for level.
        let old = json!({"users": {BOB: 50}, "redact": 51, "kick": 51});
        let room = room.power(old);
        let new = json!({"users": {BOB: 50}, "redact": 51, "kick": 50, "ban": 51});
        let judged = bob_sets(&room, new);
        let told = rejected(&judged, Rule::NamedLevelNew, "power_levels_value_new");
        assert_eq!(told.evidence["key"], json!(["ban"]));
    }
}

#[test]
fn h38_entries_of_events_are_changed_up_to_the_own() {
    for version in 1..=12 {
        let codes = ("power_levels_event_current", "power_levels_event_new");
        assert_changes(version, &["events", "m.room.topic"], ENTRY_RULES, codes);
        let codes = ("power_levels_notification_current", "power_levels_notification_new");
        let path = ["notifications", "room"];
        if version >= 6 {
            assert_changes(version, &path, ENTRY_RULES, codes);
        } else {
            // Up to version 5, anybody who may set power levels sets these.
            for (pair, _) in CHANGES {
                allowed(&change(version, &path, pair).1, Rule::PowerLevelsOtherwise);
            }
        }
        // All that is goes before all that becomes; events before notifications.
        let old = json!({"users": {BOB: 50}, "events": {"b": 51}, "notifications": {"a": 51}});
        let room = room(version, old);
        let new = |b, c: i64| json!({"users": {BOB: 50}, "events": {"a": 51, "b": b, "c": c}});
        let judged = bob_sets(&room, new(50, 1));
        let told = rejected(&judged, Rule::EntryCurrent, "power_levels_event_current");
        assert_eq!(told.evidence["key"], json!(["events", "b"]));
        let judged = bob_sets(&room, new(51, 51));
        let (rule, code, map) = if version >= 6 {
            (Rule::EntryCurrent, "power_levels_notification_current", "notifications")
        } else {
            (Rule::EntryNew, "power_levels_event_new", "events")
        };
        let told = rejected(&judged, rule, code);
        assert_eq!(told.evidence["key"], json!([map, "a"]));
    }
}

#[test]
fn h39_users_are_changed_from_below_up_to_the_own() {
    // Of others: whoever has as much cannot be touched.
    let of_others = [
        ((None, Some(50)), Fine),
        ((None, Some(51)), New),
        ((Some(49), None), Fine),
        ((Some(49), Some(50)), Fine),
        ((Some(49), Some(51)), New),
        ((Some(50), None), Current),
        ((Some(50), Some(49)), Current),
        ((Some(50), Some(51)), Current),
        ((Some(51), None), Current),
        ((Some(50), Some(50)), Fine),
        ((Some(51), Some(51)), Fine),
    ];
    // The own.
    let own = [
        ((Some(50), Some(50)), Fine),
        ((Some(50), Some(49)), Fine),
        ((Some(50), None), Fine),
        ((Some(50), Some(51)), New),
    ];
    let rows = of_others.map(|row| (CAROL, row)).into_iter().chain(own.map(|row| (BOB, row)));
    for version in 1..=12 {
        for (user, (pair, fate)) in rows.clone() {
            let path = ["users", user];
            let changed = change(version, &path, pair);
            match fate {
                Fine => allowed(&changed.1, Rule::PowerLevelsOtherwise),
                Current => {
                    let words = format!("is {}, which is not below", pair.0.unwrap());
                    let expected = (Rule::UserCurrent, "power_levels_user_current");
                    assert_refused(&changed, expected, &path, pair, &words);
                }
                New => {
                    let expected = (Rule::UserNew, "power_levels_user_new");
                    assert_refused(&changed, expected, &path, pair, "becomes 51, which is above");
                }
            }
        }
        // All that is goes before all that becomes, named levels and entries before users.
        let old = json!({"users": {BOB: 50, CAROL: 50, DAVE: 50}, "events": {"x": 51}});
        let room = room(version, old);
        let set = |users: Value, events: Value| {
            bob_sets(&room, json!({"users": users, "events": events}))
        };
        let judged = set(json!({BOB: 51, CAROL: 50, DAVE: 1}), json!({"x": 51}));
        let told = rejected(&judged, Rule::UserCurrent, "power_levels_user_current");
        assert_eq!(told.evidence["key"], json!(["users", DAVE]));
        let judged = set(json!({BOB: 51}), json!({"x": 50}));
        rejected(&judged, Rule::EntryCurrent, "power_levels_event_current");
        // Levels by default count as the own: of a user who has 50 by `users_default`.
        let room = room.power(json!({"users_default": 50}));
        let judged = bob_sets(&room, json!({"users_default": 50, "users": {CAROL: 0}}));
        allowed(&judged, Rule::PowerLevelsOtherwise);
        let judged = bob_sets(&room, json!({"users_default": 50, "users": {BOB: 51}}));
        let told = rejected(&judged, Rule::UserNew, "power_levels_user_new");
        let sender = level_of(&room, BOB, 50, "users_default");
        let evidence = json!({"key": ["users", BOB], "sender": sender, "new": 51});
        let reason = format!("the level of \"{BOB}\" in users becomes 51, which is above ");
        assert_told(&told, &format!("{reason}the level 50 (users_default) of {BOB}"), evidence);
    }
}

#[test]
fn h37_to_h39_what_cannot_be_read_cannot_be_compared() {
    // The power levels in force, the new ones, from which version on; the key and the value told.
    let base = |bad: Value| {
        let mut content = json!({"users": {BOB: 50}, "events": {POWER_LEVELS: 0}});
        for (key, value) in bad.as_object().unwrap() {
            content[key] = value.clone();
        }
        content
    };
    let junk = json!("x");
    let rows = [
        (json!({"ban": junk}), "ban", "\"x\"", Rule::NamedLevels),
        (json!({"invite": null}), "invite", "null", Rule::NamedLevels),
        (json!({"events": {"a": junk, POWER_LEVELS: 0}}), "a", "\"x\"", Rule::EntriesCurrent),
        (json!({"notifications": []}), "notifications", "[]", Rule::EntriesCurrent),
        (json!({"notifications": {"a": true}}), "a", "true", Rule::EntriesCurrent),
        (json!({"users": {BOB: 50, CAROL: junk}}), CAROL, "\"x\"", Rule::UsersCurrent),
    ];
    for version in 1..=12 {
        for (bad, key, value, rule) in &rows {
            let (bad, good) = (base(bad.clone()), base(json!({})));
            let is_notification = bad.get("notifications").is_some();
            let of_users = *rule == Rule::UsersCurrent;
            // In force, or new, or both; from version 10 on, new ones have no such form.
            for (old, new, is_new) in
                [(&bad, &good, false), (&good, &bad, true), (&bad, &bad, true)]
            {
                let judged = bob_sets(&room(version, old.clone()), new.clone());
                if is_new && (version >= 10 || of_users) {
                    continue;
                }
                if is_notification && version <= 5 {
                    allowed(&judged, Rule::PowerLevelsOtherwise);
                    continue;
                }
                let told = rejected(&judged, *rule, "power_level_unreadable");
                let reason = if *key == "notifications" {
                    "[] in \"notifications\" is no object of levels".to_owned()
                } else {
                    format!("{value} for \"{key}\" is no level")
                };
                assert_told(&told, &reason, json!({"key": key, "value": value}));
            }
        }
        // `events` that are no object: by them, nothing could be sent; `null` is as good as none.
        let room = room(version, json!({"users": {BOB: 50}, "events": null}));
        let judged = bob_sets(&room, json!({"users": {BOB: 50}}));
        let told = rejected(&judged, Rule::EntriesCurrent, "power_level_unreadable");
        let evidence = json!({"key": "events", "value": "null"});
        assert_told(&told, "null in \"events\" is no object of levels", evidence);
    }
}

// Redactions, and what no other rule is about: H40 and H41.

#[test]
fn h40_redactions_of_versions_1_and_2_take_a_level_or_the_same_server() {
    let redact = |room: &Room, event_id: &str, redacts: Value| {
        let draft = room.draft("m.room.redaction", BOB, json!({}));
        let draft = with(draft, "/redacts", redacts);
        let v1 = room.version <= 2;
        room.judge(&if v1 { with(draft, "/event_id", json!(event_id)) } else { draft })
    };
    let same = [("$r:one.example", "$x:one.example"), ("$r:two.example:80", "$x:two.example:80")];
    let others = json!([
        "$x:two.example",
        "$x:one.example:80",
        "$x:ONE.example",
        "$x",
        "x:one.example",
        "$x:one.example\n",
        ["$x:one.example"],
        1,
        null,
    ]);
    for version in 1..=12 {
        for at in [49, 50, 51] {
            let room = room(version, json!({"users": {BOB: at}, "redact": 50}));
            if version >= 3 {
                allowed(&redact(&room, "", json!("$x")), Rule::Otherwise);
                continue;
            }
            let (sender, redacting) =
                (level_of(&room, BOB, at, "users"), needed(&room, 50, "redact"));
            let levels = json!({"sender": sender, "redact": redacting});
            let by_level = at >= 50;
            for (event_id, redacts) in same {
                let judged = redact(&room, event_id, json!(redacts));
                let rule = if by_level { Rule::RedactionLevel } else { Rule::RedactionServer };
                allowed(&judged, rule);
                assert_eq!(judged.compared(Rule::RedactionLevel), levels);
                if !by_level {
                    let compared = json!({"event_id": event_id, "redacts": redacts});
                    assert_eq!(judged.compared(Rule::RedactionServer), compared);
                }
            }
            for redacts in others.as_array().unwrap() {
                let judged = redact(&room, "$r:one.example", redacts.clone());
                if by_level {
                    allowed(&judged, Rule::RedactionLevel);
                    continue;
                }
                let told = rejected(&judged, Rule::RedactionOtherwise, "redaction_power");
                let reason =
                    format!("{BOB} has level 49 (users), but redacting takes 50 (redact), ");
                let reason = format!("{reason}and what it redacts is not of its own server");
                let shown = redacts.as_str().map_or_else(|| redacts.to_string(), str::to_owned);
                let evidence = with(levels.clone(), "/redacts", json!(shown));
                assert_told(&told, &reason, evidence);
            }
        }
        // Without `redacts` there is nothing of the own server.
        let room = plain(version);
        let judged = bob_sends(&room, "m.room.redaction");
        if version <= 2 {
            let told = rejected(&judged, Rule::RedactionOtherwise, "redaction_power");
            let sender = json!({"user": BOB, "level": 0, "from": "default"});
            let redacting = json!({"level": 50, "from": "default"});
            assert_eq!(told.evidence, json!({"sender": sender, "redact": redacting}));
        } else {
            allowed(&judged, Rule::Otherwise);
        }
        // The level for events of this type counts first.
        let room = room.power(json!({"events": {"m.room.redaction": 1}, "redact": 0}));
        rejected(&bob_sends(&room, "m.room.redaction"), Rule::RequiredLevel, "event_power");
        // A level that cannot be read; from version 3 on nobody asks for it.
        let room = room.power(json!({"redact": "x"}));
        let judged = redact(&room, "$r:one.example", json!("$x:one.example"));
        if version <= 2 {
            let told = rejected(&judged, Rule::RedactionLevel, "power_level_unreadable");
            assert_eq!(told.evidence["key"], "redact");
        } else {
            allowed(&judged, Rule::Otherwise);
        }
    }
}

#[test]
fn h41_what_no_rule_forbids_is_allowed() {
    for version in 1..=12 {
        let number = ["12", "11", "10", "10", "10", "10", "10", "11"][group(version)];
        let room = room(version, json!({"users": {BOB: 50}}));
        for event_type in ["m.room.message", "m.room.encrypted", "x", "", "m.room.member "] {
            allowed(&bob_sends(&room, event_type), number);
            allowed(&room.judge(&room.draft_state(event_type, "", BOB, json!({}))), number);
        }
        // The whole way there.
        let passed: &[u8] = match version {
            1 | 2 => &[1, 3, 4, 5, 6, 7, 8, 9, 10, 11],
            3..=5 => &[1, 3, 4, 5, 6, 7, 8, 9, 10],
            6..=11 => &[1, 3, 4, 5, 6, 7, 8, 9],
            _ => &[1, 2, 4, 5, 6, 7, 8, 9, 10],
        };
        let steps = passed.iter().map(|number| format!("{number} no"));
        let steps: Vec<_> = steps.chain([format!("{number} allow")]).collect();
        assert_eq!(bob_sends(&room, "x").steps(), steps);
    }
}

// Levels: H42 to H45.

/// A level that was found, as evidence has it; or the key under which it cannot be read.
fn found(found: Result<Held<'_>, Unread<'_>>) -> Value {
    match found {
        Ok(held) => serde_json::to_value(Evidence::from(held)).unwrap(),
        Err(unread) => json!([unread.key, &*unread.value.text, unread.event.id()]),
    }
}

/// Asks the levels in force in a room.
fn in_force<T>(room: &Room, ask: impl FnOnce(Levels<'_>) -> T) -> T {
    let state = room.state_map();
    let power_levels = state.get(POWER_LEVELS, "");
    ask(Levels::new(&room.create, power_levels))
}

#[test]
fn h42_the_level_of_a_user() {
    for version in 1..=12 {
        let user = |room: &Room, user: &str| in_force(room, |levels| found(levels.user(user)));
        // Without power levels, who created the room has 100 and others 0.
        let bare = Room::new(version);
        let creator = json!({
            "level": if version >= 12 { json!("infinite") } else { json!(100) },
            "from": "creator", "event_id": bare.create.id(),
        });
        assert_eq!(user(&bare, ALICE), creator);
        assert_eq!(user(&bare, BOB), json!({"level": 0, "from": "default"}));
        // With them: the entry, `users_default`, 0; who created the room is as others.
        let room = room(version, json!({"users": {BOB: 7, CAROL: null}, "users_default": -2}));
        assert_eq!(user(&room, BOB), needed(&room, 7, "users"));
        for other in [CAROL, DAVE, "", "@bob:one.exampl"] {
            assert_eq!(user(&room, other), needed(&room, -2, "users_default"));
        }
        let of_creator = if version >= 12 {
            with(creator, "/event_id", json!(room.create.id()))
        } else {
            needed(&room, -2, "users_default")
        };
        assert_eq!(user(&room, ALICE), of_creator);
        for empty in
            [json!({}), json!({"users": null, "users_default": null}), json!({"users": {}})]
        {
            let room = room.clone().power(empty);
            assert_eq!(user(&room, BOB), needed(&room, 0, "default"));
        }
        // What cannot be read is no level; another one that can be is not taken for it.
        for (content, key, value) in [
            (json!({"users": [], "users_default": 100}), "users", "[]"),
            (json!({"users": {BOB: "x"}, "users_default": 100}), "users", "\"x\""),
            (json!({"users": {}, "users_default": [1]}), "users_default", "[1]"),
        ] {
            let room = room.clone().power(content);
            let power_levels = room.id(POWER_LEVELS, "");
            assert_eq!(user(&room, BOB), json!([key, value, power_levels]));
        }
    }
}

#[test]
fn h42_up_to_version_10_the_content_says_who_created_the_room() {
    for version in 1..=12 {
        let content = json!({"creator": BOB, "additional_creators": [CAROL]});
        let room = Room::created(version, ALICE, content).member(BOB, "join").member(ALICE, "join");
        let level = |user: &str| in_force(&room, |levels| levels.user(user).unwrap().level.clone());
        let expected = match version {
            ..=10 => [0, 100, 0].map(Level::Integer),
            11 => [100, 0, 0].map(Level::Integer),
            _ => [Level::Infinite, Level::Integer(0), Level::Infinite],
        };
        assert_eq!([ALICE, BOB, CAROL].map(level), expected, "version {version}");
        let draft = |user: &str| room.draft_state("m.room.topic", "", user, json!({}));
        let (creator, other) = if version <= 10 { (BOB, ALICE) } else { (ALICE, BOB) };
        allowed(&room.judge(&draft(creator)), Rule::Otherwise);
        let judged = room.judge(&draft(other));
        let told = rejected(&judged, Rule::RequiredLevel, "event_power");
        let evidence = json!({
            "sender": {"user": other, "level": 0, "from": "default"},
            "required": {"level": 50, "from": "default"},
            "type": "m.room.topic",
        });
        assert_eq!(told.evidence, evidence);
    }
    // A creator that is no text, or none at all, is nobody.
    for content in [json!({"creator": 1}), json!({"creator": [ALICE]}), json!({})] {
        let room = Room::created(10, ALICE, content);
        let level = in_force(&room, |levels| levels.user(ALICE).unwrap().level.clone());
        assert_eq!(level, Level::Integer(0));
    }
}

#[test]
fn h43_creators_of_version_12_stand_above_all_levels() {
    let content = with(create_content(12), "/additional_creators", json!([CAROL]));
    let huge = json!({"users": {BOB: MAX_SAFE, ALICE: 0}, "kick": MAX_SAFE, "ban": MAX_SAFE,
        "state_default": MAX_SAFE, "events_default": MAX_SAFE, "invite": MAX_SAFE});
    let room = Room::created(12, ALICE, content).power(huge);
    let room = [ALICE, BOB, CAROL].iter().fold(room, |room, user| room.member(user, "join"));
    let create_event = room.create.id();
    let infinite = |user: &str| {
        let from = json!({"level": "infinite", "from": "creator", "event_id": create_event});
        with(from, "/user", json!(user))
    };
    let bob = level_of(&room, BOB, MAX_SAFE, "users");
    let kick = |sender, target| room.judge(&room.membership(sender, target, "leave"));
    for (creator, other) in [(ALICE, CAROL), (CAROL, ALICE)] {
        let judged = room.judge(&room.draft_state("m.room.topic", "", creator, json!({})));
        allowed(&judged, Rule::Otherwise);
        assert_eq!(judged.compared(Rule::RequiredLevel)["sender"], infinite(creator));
        allowed(&kick(creator, BOB), Rule::KickLevel);
        let judged = kick(BOB, creator);
        let told = rejected(&judged, Rule::KickOtherwise, "kick_target_power");
        let (needs, target) = (needed(&room, MAX_SAFE, "kick"), infinite(creator));
        assert_eq!(told.evidence, json!({"sender": bob, "kick": needs, "target": target}));
        // Of two creators none stands above the other.
        let judged = kick(creator, other);
        let told = rejected(&judged, Rule::KickOtherwise, "kick_target_power");
        assert_eq!(told.evidence["target"], infinite(other));
        // They set what they like.
        let set = json!({"users": {BOB: 1, DAVE: MAX_SAFE}, "ban": MAX_SAFE});
        let judged = room.judge(&room.draft_state(POWER_LEVELS, "", creator, set));
        allowed(&judged, Rule::PowerLevelsOtherwise);
    }
    // Only by the create event of the room, and only from version 12 on.
    let content = with(create_content(11), "/additional_creators", json!([CAROL]));
    let room = Room::created(11, ALICE, content).power(json!({}));
    for user in [ALICE, CAROL] {
        let level = in_force(&room, |levels| levels.user(user).unwrap().level.clone());
        assert_eq!(level, Level::Integer(0));
    }
}

#[test]
fn h44_the_levels_when_the_room_says_nothing() {
    assert_eq!(Named::ALL, NAMED.map(|(_, named, _)| named));
    for version in 1..=12 {
        let bare = Room::new(version);
        let empty = room(version, json!({}));
        let nulls = room(version, named(|_| json!(null)));
        for (key, named, default) in NAMED {
            assert_eq!((named.key(), named.default_level()), (key, &Level::Integer(default)));
            for room in [&bare, &empty, &nulls] {
                let level = in_force(room, |levels| found(levels.named(named)));
                assert_eq!(level, needed(room, default, "default"));
            }
            // Each is its own.
            let room = room(version, json!({key: 7}));
            for (other, named, default) in NAMED {
                let level = in_force(&room, |levels| found(levels.named(named)));
                let is_it = key == other;
                let expected =
                    if is_it { needed(&room, 7, key) } else { needed(&room, default, "default") };
                assert_eq!(level, expected);
            }
            let room = room.power(json!({key: {}}));
            let level = in_force(&room, |levels| found(levels.named(named)));
            assert_eq!(level, json!([key, "{}", room.id(POWER_LEVELS, "")]));
        }
        for (is_state, default) in [(false, 0), (true, 50)] {
            for room in [&bare, &empty, &nulls] {
                let level = in_force(room, |levels| found(levels.required("x", is_state)));
                assert_eq!(level, needed(room, default, "default"));
            }
            for (events, value) in [(json!([]), "[]"), (json!({"x": []}), "[]"), (json!(0), "0")] {
                let room = room(version, json!({ "events": events }));
                let level = in_force(&room, |levels| found(levels.required("x", is_state)));
                assert_eq!(level, json!(["events", value, room.id(POWER_LEVELS, "")]));
            }
        }
    }
}

#[test]
fn h44_what_is_no_level_lets_nobody_send() {
    const MESSAGE: (&str, Rule) = ("m.room.message", Rule::RequiredLevel);
    const THIRD_PARTY: (&str, Rule) = ("m.room.third_party_invite", Rule::ThirdPartyInviteLevel);
    let rows = [
        (json!({"users": []}), MESSAGE, "users", "[]"),
        (json!({"users": {BOB: "x"}}), MESSAGE, "users", "\"x\""),
        (json!({"events_default": "x"}), MESSAGE, "events_default", "\"x\""),
        (json!({"events": 5}), MESSAGE, "events", "5"),
        (json!({"users": []}), THIRD_PARTY, "users", "[]"),
        (json!({"invite": {}}), THIRD_PARTY, "invite", "{}"),
    ];
    for version in 1..=12 {
        for (power, (event_type, rule), key, value) in &rows {
            let room = room(version, power.clone());
            let judged = bob_sends(&room, event_type);
            let told = rejected(&judged, *rule, "power_level_unreadable");
            let event_id = room.id(POWER_LEVELS, "");
            let reason =
                format!("the power levels {event_id} have {value} in \"{key}\", which is no level");
            let evidence = json!({"event_id": event_id, "key": key, "value": value});
            assert_told(&told, &reason, evidence);
        }
    }
}

/// What an event is to cite, but for the power levels.
fn cited_without_power_levels<'a>(room: &'a Room, event: &Event) -> Vec<Cited<'a>> {
    let mut cited = room.selected(event);
    cited.retain(|cited| cited.event().is_some_and(|event| event.power_levels().is_none()));
    cited
}

#[test]
fn h45_check_4_reads_what_is_cited_and_check_5_the_state() {
    for version in 1..=12 {
        let strict = room(version, json!({"users": {BOB: 49}, "ban": 60}));
        let lax = strict.clone().power(json!({"users": {BOB: 50}}));
        let event = strict.event(&strict.draft_state("m.room.topic", "", BOB, json!({})));
        let cited = |room: &Room| strict.judge_cited(&event, &room.selected(&event));
        let state = |room: &Room| strict.judge_in(&event, &room.state_map(), strict.room_create());
        for judge in [&cited as &dyn Fn(&Room) -> Judged, &state] {
            allowed(&judge(&lax), Rule::Otherwise);
            rejected(&judge(&strict), Rule::RequiredLevel, "event_power");
        }
        // The rules about citing are no part of check 5.
        let about_citing = if version >= 12 { "3 applies" } else { "2 applies" };
        let tells = |judged: Judged| judged.steps().contains(&about_citing.to_owned());
        assert_eq!((tells(cited(&lax)), tells(state(&lax))), (true, false));
    }
}

#[test]
fn h45_power_levels_left_out_of_the_citing_do_not_help() {
    for version in 1..=11 {
        // Up to version 11 who created the room has 100 without power levels, and 0 by these.
        let room = room(version, json!({"users": {BOB: 100}}));
        let event = room.event(&room.draft_state(POWER_LEVELS, "", ALICE, json!({"ban": 0})));
        let judged = room.judge_cited(&event, &cited_without_power_levels(&room, &event));
        allowed(&judged, Rule::PowerLevelsFirst);
        let judged = room.judge_in(&event, &room.state_map(), room.room_create());
        rejected(&judged, Rule::RequiredLevel, "event_power");
    }
}

// What a level is: section F.

/// A content that is given as text.
fn content(text: &str) -> Canonical {
    parse(text.as_bytes(), Numbers::Keep).unwrap()
}

/// What a JSON text is worth as a level.
fn reading(text: &str, version: u8) -> Reading {
    let content = content(&format!("{{\"ban\":{text}}}"));
    let levels = PowerLevels::of(Some(content.value()), room_version(version));
    levels.named(Named::Ban).unwrap().clone()
}

/// The level that a JSON text is, in decimal.
fn level(text: &str, version: u8) -> Option<String> {
    reading(text, version).level().map(Level::to_string)
}

/// Is this no level here, but one for Synapse?
fn divergent(text: &str, version: u8) -> bool {
    match reading(text, version) {
        Reading::Level(_) => false,
        Reading::Unreadable(unreadable) => unreadable.divergent,
    }
}

/// The table of the levels in a content.
fn table(text: &str, version: u8) -> Value {
    let content = content(text);
    let levels = PowerLevels::of(Some(content.value()), room_version(version));
    serde_json::to_value(LevelTable(&levels)).unwrap()
}

/// Power levels as an event of a room: first ones, by [`ALICE`], with this text as content.
fn first_of_text(version: u8, content: &str) -> Judged {
    let room = Room::new(version).member(ALICE, "join");
    let mut draft = room.draft_state(POWER_LEVELS, "", ALICE, json!("content"));
    draft["hashes"] = json!({"sha256": "x"});
    draft["signatures"] = json!({});
    if version <= 2 {
        draft["event_id"] = json!("$x:one.example");
    }
    let text = draft.to_string();
    let text = text.replace("\"content\":\"content\"", &format!("\"content\":{content}"));
    room.judge_event(&read(version, &text))
}

/// The named levels with these values, which may be made of the defaults.
fn named(level: impl Fn(i64) -> Value) -> Value {
    NAMED.iter().map(|(key, _, default)| ((*key).to_owned(), level(*default))).collect()
}

#[test]
fn f1_strings_are_levels_up_to_version_9_wherever_they_stand() {
    let content = |level: &Value| {
        let mut content = named(|_| level.clone());
        content["users"] = json!({ BOB: level });
        content["events"] = json!({ "x": level });
        content["notifications"] = json!({ "room": level });
        content
    };
    let all = with(content(&json!(7)), "/defects", json!([]));
    let mut none = named(Value::from);
    let paths = NAMED.iter().map(|(key, ..)| json!([key]));
    let nested =
        [["users", BOB], ["events", "x"], ["notifications", "room"]].map(|path| json!(path));
    let defect = |path| json!({"path": path, "value": "\"7\"", "divergent": false});
    none["defects"] = paths.chain(nested).map(defect).collect();
    for key in ["users", "events", "notifications"] {
        none[key] = json!({});
    }
    for version in 1..=12 {
        assert_eq!(table(&content(&json!(7)).to_string(), version), all);
        let of_strings = table(&content(&json!("7")).to_string(), version);
        assert_eq!(&of_strings, if version <= 9 { &all } else { &none });
    }
}

#[test]
fn f1_strings_give_power_and_take_it() {
    for version in 1..=12 {
        let power = json!({"users": {BOB: " +0050 "}, "events": {"x": "50", "y": "51"}});
        let room = room(version, power);
        let judged = bob_sends(&room, "x");
        if version >= 10 {
            rejected(&judged, Rule::RequiredLevel, "power_level_unreadable");
            continue;
        }
        allowed(&judged, Rule::Otherwise);
        let judged = bob_sends(&room, "y");
        let told = rejected(&judged, Rule::RequiredLevel, "event_power");
        assert_eq!(told.evidence["sender"], level_of(&room, BOB, 50, "users"));
        assert_eq!(told.evidence["required"], needed(&room, 51, "events"));
        // The same level in another form is no change.
        let room = room.power(json!({"users": {BOB: "50", CAROL: "50"}, "ban": " 51"}));
        for same in [json!("+50"), json!(50), json!("\n050\t")] {
            let judged = bob_sets(&room, json!({"users": {BOB: same, CAROL: same}, "ban": 51}));
            allowed(&judged, Rule::PowerLevelsOtherwise);
        }
        let judged = bob_sets(&room, json!({"users": {BOB: 50, CAROL: "49"}, "ban": 51}));
        let told = rejected(&judged, Rule::UserCurrent, "power_levels_user_current");
        assert_eq!((&told.evidence["current"], &told.evidence["new"]), (&json!(50), &json!(49)));
    }
}

/// Strings, and the level that each is.
const STRINGS: &str = "100=100|000100=100|+100=100|-100=-100| 100 =100| 00100 =100| +100 =100|\
    \x20-100 =-100|100\n=100|\t\r\n\u{c} 7\u{c}\t\r\n=7|-0=0|+0=0|0000=0|-000=0|\
    9223372036854775807=9223372036854775807|-9223372036854775809=-9223372036854775809|\
    0099999999999999999999999=99999999999999999999999";

/// Strings that nobody takes for a level.
const NO_STRINGS: &str = "| |+|-|+ 100|- 5|--5|++5|+-1|-+1|5-|5+|0x10|0b1|1e2|1E2|1.0|50.|.5|1 0|\
    1,000|1__0|_1|1_|+_1|_|\u{200b}7|7\u{200b}|\u{feff}7|½|\u{66a}|²|①|Ⅷ|一|7\u{0}|\u{1c}7|7\u{1f}|NaN|\
    Infinity|-inf|null|true|x";

/// Strings that only Python takes for a level.
const PYTHON_STRINGS: &str = "1_000|1_0_0|+1_0| -1_0\n|１００|٣|१२|1٣|𝟗|\u{a0}7|7\u{a0}|\u{2003}7|\
    \u{b}7|7\u{b}|\u{85}7|\u{3000}7|\u{2028}7\u{2029}|٣_٣";

#[test]
fn f2_strings_are_white_space_a_sign_and_digits() {
    for version in 1..=9 {
        for row in STRINGS.split('|') {
            let (string, expected) = row.split_once('=').unwrap();
            let text = json!(string).to_string();
            assert_eq!(level(&text, version).as_deref(), Some(expected), "{string:?}");
        }
        for string in NO_STRINGS.split('|') {
            let text = json!(string).to_string();
            assert_eq!(level(&text, version), None, "{string:?}");
            assert!(!divergent(&text, version), "{string:?}");
        }
    }
    // As long as Python reads them, leading zeros and all; no number is as long in a real room.
    for (zeros, nines) in [(0, 4300), (4200, 100)] {
        let digits = format!("\" -{}{}\"", "0".repeat(zeros), "9".repeat(nines));
        assert_eq!(level(&digits, 9), Some(format!("-{}", "9".repeat(nines))));
        let longer = digits.replacen('9', "99", 1);
        assert_eq!((level(&longer, 9), divergent(&longer, 9)), (None, false));
    }
    // What cannot be read is shown as it stands, but no more than 80 characters of it.
    for (string, shown) in [("é\n".to_owned(), 5), ("é".repeat(78), 80), ("é".repeat(79), 80)] {
        let text = json!(string).to_string();
        let Reading::Unreadable(unreadable) = reading(&text, 9) else { panic!("{string}") };
        let expected: String = text.chars().take(shown).collect();
        assert_eq!((&*unreadable.text, unreadable.null), (&*expected, false));
    }
}

#[test]
fn f3_strings_that_only_python_reads_are_no_levels_and_flagged() {
    for version in 1..=12 {
        for string in PYTHON_STRINGS.split('|') {
            let text = json!(string).to_string();
            assert_eq!(level(&text, version), None, "{string:?}");
            assert_eq!(divergent(&text, version), version <= 9, "{string:?}");
        }
        // In each place, they are told of as a whole.
        let is_divergent = |text: &str| {
            let content = content(text);
            PowerLevels::of(Some(content.value()), room_version(version)).is_divergent()
        };
        for text in [
            r#"{"kick":"1_0"}"#,
            r#"{"users":{"a":1,"b":"1_0"}}"#,
            r#"{"events":{"a":"1_0"}}"#,
            r#"{"notifications":{"a":"1_0"}}"#,
        ] {
            assert_eq!(is_divergent(text), version <= 9, "{text}");
        }
        for text in [r#"{}"#, r#"{"kick":"x","users":"1_0","other":"1_0"}"#, r#"{"ban":null}"#] {
            assert!(!is_divergent(text), "{text}");
        }
    }
    // As many digits as Python reads, the underscores not counted.
    let digits = |count: usize| format!("\"1_{}\"", "0".repeat(count - 1));
    assert!(divergent(&digits(4300), 9) && !divergent(&digits(4301), 9));
}

#[test]
fn f3_every_character_is_a_digit_or_white_space_as_for_this_machines_python() {
    // Each character of the first two planes, by itself and behind a digit; no other has digits.
    let script = "import unicodedata\n\
        print(unicodedata.unidata_version.split('.')[0])\n\
        def reads(text):\n    \
            try: int(text); return True\n    \
            except ValueError: return False\n\
        for code in range(0x20000):\n    \
            alone = reads(chr(code))\n    \
            if alone or reads('7' + chr(code)): print(f'{code:06x}', alone)";
    let python = Command::new("python3").args(["-c", script]).stderr(Stdio::null()).output();
    let Ok(output) = python else {
        let line = b"skipped: there is no python3 to compare levels with\n";
        std::io::stderr().write_all(line).unwrap();
        return;
    };
    let output = String::from_utf8(output.stdout).unwrap();
    let (unicode, theirs) = output.split_once('\n').unwrap();
    let characters: Vec<char> = ('\0'..='\u{1ffff}').collect();
    let mut ours = String::new();
    for some in characters.chunks(10_000) {
        let map = |before: &str| -> Value {
            let text = |c: &char| (format!("{:06x}", u32::from(*c)), json!(format!("{before}{c}")));
            some.iter().map(text).collect()
        };
        let content = content(&json!({"users": map(""), "events": map("7")}).to_string());
        let levels = PowerLevels::of(Some(content.value()), room_version(9));
        let reads = |reading: &Reading| match reading {
            Reading::Level(_) => true,
            Reading::Unreadable(unreadable) => unreadable.divergent,
        };
        for ((code, alone), (_, behind)) in levels.users.list().iter().zip(levels.events.list()) {
            if reads(alone) || reads(behind) {
                let alone = if reads(alone) { "True" } else { "False" };
                ours.push_str(&format!("{code} {alone}\n"));
            }
        }
    }
    let (ours, theirs) = (ours.lines(), theirs.lines());
    let (ours, theirs): (BTreeSet<_>, BTreeSet<_>) = (ours.collect(), theirs.collect());
    let only = |one: &BTreeSet<&str>, two| one.difference(two).copied().collect::<String>();
    // Later versions of Unicode have more scripts.
    let unicode: u8 = unicode.parse().unwrap();
    assert!(unicode < 14 || only(&ours, &theirs).is_empty(), "{}", only(&ours, &theirs));
    assert!(unicode > 14 || only(&theirs, &ours).is_empty(), "{}", only(&theirs, &ours));
}

#[test]
fn f4_floats_are_cut_at_the_decimal_point_up_to_version_5() {
    let rows = "50.57=50|5.114698E4=51146|-1.9=-1|-0.5=0|0.999999999999=0|-0.0=0|1e2=100|100.0=100|\
        12e-1=1|5e-324=0|1e-400=0|9007199254740993.0=9007199254740992|1e23=99999999999999991611392|\
        9.223372036854775807e18=9223372036854775808|-1e19=-10000000000000000000|\
        99.999999999999999=100|-99.999999999999999=-100";
    for version in 1..=12 {
        // As the doubles that they are: the last two are 100 before anything is cut.
        for row in rows.split('|') {
            let (text, expected) = row.split_once('=').unwrap();
            let expected = (version <= 5).then(|| expected.to_owned());
            assert_eq!(level(text, version), expected, "{text} in {version}");
            assert!(!divergent(text, version));
        }
        for text in ["50", "-50", "0", "9007199254740991"] {
            assert_eq!(level(text, version).as_deref(), Some(text));
        }
    }
    // The largest, and what is larger still: no JSON of any version.
    let largest = level("1.7976931348623157e308", 5).unwrap();
    assert_eq!((largest.len(), &largest[..17]), (309, "17976931348623157"));
    for text in ["1E400", "-1e309", "1.8e308"] {
        let event = sign(&state(5, POWER_LEVELS, "", json!({"ban": "x"})), 5);
        let event = event.to_string().replace("\"x\"", text);
        assert_dropped(&verify_text(event.as_bytes(), 5), 1, "json_number_overflow");
    }
    for text in ["NaN", "Infinity", "-Infinity", "nan", "+1.0", "1."] {
        assert!(parse(text.as_bytes(), Numbers::Keep).is_err(), "{text}");
    }
    // In a room: as much as the integer.
    for version in 1..=5 {
        let room = room(version, json!({"users": {BOB: 50.57, CAROL: 50.99}, "ban": 51.5}));
        let judged = bob_sets(&room, json!({"users": {BOB: 50, CAROL: 50.0}, "ban": 51}));
        allowed(&judged, Rule::PowerLevelsOtherwise);
        let judged = bob_sets(&room, json!({"users": {BOB: 50.99}, "ban": 51}));
        rejected(&judged, Rule::UserCurrent, "power_levels_user_current");
        allowed(&bob_sends(&room.power(json!({"users_default": -0.9})), "x"), Rule::Otherwise);
    }
}

#[test]
fn f5_from_version_6_on_floats_are_no_events() {
    for version in 1..=12 {
        let set = |value: Value| {
            sign(&state(version, POWER_LEVELS, "", json!({"users": {BOB: value}})), version)
        };
        for (value, code) in [
            (json!(50.5), "number_not_integer"),
            (json!(1.5e300), "number_not_integer"),
            (json!(MAX_SAFE + 1), "integer_out_of_range"),
        ] {
            let verdict = verify(&set(value), version);
            if version >= 6 {
                assert_dropped(&verdict, 1, code);
            } else {
                assert_ne!(failure(&verdict).map(|(check, _)| check), Some(1));
            }
        }
        // Strings are none of this check's business.
        assert_accepted(&verify(&set(json!("50")), version));
        assert_eq!(level("\"50\"", version).is_some(), version <= 9);
    }
}

#[test]
fn f6_from_version_10_on_integers_are_the_only_levels() {
    let rows = [
        ("{\"ban\":_}", Rule::PowerLevelsValues, "power_levels_value_invalid"),
        ("{\"events\":{\"x\":_}}", Rule::PowerLevelsMaps, "power_levels_events_invalid"),
        (
            "{\"notifications\":{\"x\":_}}",
            Rule::PowerLevelsMaps,
            "power_levels_notifications_invalid",
        ),
        ("{\"users\":{\"@x:y\":_}}", Rule::PowerLevelsUsers, "power_levels_user_level_invalid"),
    ];
    for version in 1..=12 {
        for (content, rule, code) in rows {
            let first = |value| first_of_text(version, &content.replace('_', value));
            for value in ["100", "-100", "0", "9007199254740991"] {
                allowed(&first(value), Rule::PowerLevelsFirst);
            }
            let judged = first("\" 100\"");
            if version >= 10 {
                rejected(&judged, rule, code);
            } else {
                allowed(&judged, Rule::PowerLevelsFirst);
            }
        }
    }
}

#[test]
fn f7_levels_have_no_bounds_before_version_10() {
    // Every one is below the next.
    let ordered = "-10000000000000000000000000000000000 -9999999999999999999999999999999999 \
        -9223372036854775809 -9223372036854775808 -9007199254740992 -1 0 1 9007199254740991 \
        9007199254740992 9223372036854775807 9223372036854775808 9223372036854775809 \
        10000000000000000000 99999999999999999999999999999999999999999";
    let ordered: Vec<&str> = ordered.split(' ').collect();
    let of = |text: &str| {
        let digits = text.trim_start_matches('-');
        let sign = if digits == text { "" } else { "-" };
        reading(&format!("\" {sign}00{digits}\""), 9).level().unwrap().clone()
    };
    let mut levels: Vec<Level> = ordered.iter().map(|text| of(text)).collect();
    levels.push(Level::Infinite);
    for (at, one) in levels.iter().enumerate() {
        for (to, two) in levels.iter().enumerate() {
            assert_eq!(one.cmp(two), at.cmp(&to), "{one} and {two}");
            assert_eq!(one.partial_cmp(two), Some(at.cmp(&to)));
            assert_eq!(one == two, at == to);
        }
    }
    for (text, level) in ordered.iter().zip(&levels) {
        assert_eq!(level.to_string(), *text);
        // Beyond what a double holds, evidence is text.
        let safe = text.parse().ok().filter(|number| (-MAX_SAFE..=MAX_SAFE).contains(number));
        let expected = safe.map_or_else(|| json!(text), |number| json!(number));
        assert_eq!(serde_json::to_value(level).unwrap(), expected);
        assert_eq!(serde_json::to_value(Evidence::from(level)).unwrap(), expected);
        assert_eq!(matches!(level, Level::Integer(_)), text.parse::<i64>().is_ok());
    }
    assert_eq!(Level::Infinite.to_string(), "infinite");
    assert_eq!(serde_json::to_value(Level::Infinite).unwrap(), "infinite");
    // As integers, up to version 5.
    for version in 1..=5 {
        for text in &ordered {
            assert_eq!(level(text, version).as_deref(), Some(*text));
        }
    }
    // In a room.
    for version in 1..=9 {
        let (large, larger) = ("9223372036854775808", "9223372036854775809");
        let events = json!({"a": large, "b": larger, "c": format!("-{large}")});
        let room = room(version, json!({"users": {BOB: large}, "events": events}));
        allowed(&bob_sends(&room, "a"), Rule::Otherwise);
        allowed(&bob_sends(&room, "c"), Rule::Otherwise);
        let judged = bob_sends(&room, "b");
        let told = rejected(&judged, Rule::RequiredLevel, "event_power");
        assert_eq!(told.evidence["required"]["level"], larger);
    }
}

#[test]
fn f8_a_boolean_is_no_level() {
    for version in 1..=12 {
        for text in ["true", "false"] {
            assert_eq!((level(text, version), divergent(text, version)), (None, version <= 9));
        }
        for text in ["null", "[]", "{}", "[1]", "[true]"] {
            assert_eq!((level(text, version), divergent(text, version)), (None, false));
        }
        let is_null = |text: &str| match reading(text, version) {
            Reading::Unreadable(unreadable) => unreadable.null,
            Reading::Level(_) => false,
        };
        assert!(is_null("null") && !is_null("\"null\"") && !is_null("false"));
    }
}

#[test]
fn f9_levels_are_told_as_numbers_whatever_they_were_written_as() {
    let text = r#"{"users":{"@b:b":" +100 ","@a:a":-5,"@c:c":"1_0"},"kick":"9007199254740992",
        "ban":"x","events":{"x":50.5},"notifications":[1],"other":7}"#;
    let content = content(text);
    let levels = PowerLevels::of(Some(content.value()), room_version(3));
    let expected = concat!(
        r#"{"users_default":0,"events_default":0,"state_default":50,"ban":50,"redact":50,"#,
        r#""kick":"9007199254740992","invite":0,"users":{"@a:a":-5,"@b:b":100},"events":{"x":50},"#,
        r#""notifications":{},"defects":[{"path":["ban"],"value":"\"x\"","divergent":false},"#,
        r#"{"path":["users","@c:c"],"value":"\"1_0\"","divergent":true},"#,
        r#"{"path":["notifications"],"value":"[1]","divergent":false}]}"#
    );
    assert_eq!(serde_json::to_string(&LevelTable(&levels)).unwrap(), expected);
    assert_eq!(levels.users.list().len(), 3);
    assert!(
        matches!(levels.notifications, Entries::Unreadable(_))
            && levels.notifications.list().is_empty()
    );
    // Of no content, or one that is no object, the defaults.
    let empty = table("{}", 11);
    assert_eq!(empty["state_default"], 50);
    for content in [None, Some(parsed(&json!([1])))] {
        let content = content.as_ref().map(Canonical::value);
        let levels = PowerLevels::of(content, room_version(11));
        assert_eq!(serde_json::to_value(LevelTable(&levels)).unwrap(), empty);
        assert_eq!(levels.users, Entries::Absent);
    }
}

// Properties.

/// So many cases; failures are printed, not kept in files.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Decimal integers, most of them where something happens.
fn integers() -> impl Strategy<Value = String> {
    let edges = prop::sample::select(vec![i64::MIN, i64::MAX, 0, MAX_SAFE, 1 << 32]);
    prop_oneof![
        "-?[0-9]{1,25}",
        "-?0{0,3}[0-9]{1,3}",
        "-?[0-9]{30,60}",
        (edges, -3i128..=3).prop_map(|(edge, step)| (i128::from(edge) + step).to_string()),
    ]
}

/// A pattern of strings that are levels, or nearly.
const NEAR_LEVELS: &str =
    "[ \t\n\r\u{c}]{0,2}[-+]{0,2}[ _]?[0-9]{0,25}[._ex٣]?[0-9]{0,2}[ \t\n\u{b}\u{a0}]{0,2}";

/// Which of two decimal integers is larger, digit for digit.
fn compare(one: &str, two: &str) -> Ordering {
    let parts = |text: &str| {
        let digits = text.trim_start_matches('-').trim_start_matches('0').to_owned();
        (text.starts_with('-') && !digits.is_empty(), digits)
    };
    let (one, two) = (parts(one), parts(two));
    let width = one.1.len().max(two.1.len());
    let sizes = format!("{:0>width$}", one.1).cmp(&format!("{:0>width$}", two.1));
    match (one.0, two.0) {
        (false, false) => sizes,
        (true, true) => sizes.reverse(),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

/// The grammar of the specification, a state a step: the decimal integer that a string stands for.
fn by_grammar(text: &str) -> Option<String> {
    let white = |character: &char| [' ', '\t', '\n', '\r', '\u{c}'].contains(character);
    let mut rest = text.chars().skip_while(white).peekable();
    let sign = rest.next_if(|character| "+-".contains(*character));
    let mut digits = String::new();
    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    if digits.is_empty() || !rest.all(|character| white(&character)) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    Some(match (sign, digits) {
        (_, "") => "0".to_owned(),
        (Some('-'), digits) => format!("-{digits}"),
        (_, digits) => digits.to_owned(),
    })
}

/// The integer part of a double, exactly: its mantissa, shifted as its exponent says.
fn integer_part(double: f64) -> String {
    let bits = double.to_bits();
    let exponent = i32::try_from((bits >> 52) & 0x7ff).unwrap();
    let hidden = u64::from(exponent > 0) << 52;
    let mantissa = hidden | (bits & ((1 << 52) - 1));
    let shift = exponent.max(1) - 1075;
    // Nine digits each, the last first.
    let mut parts = vec![mantissa.checked_shr((-shift).max(0).unsigned_abs()).unwrap_or(0)];
    for step in 0..=shift.max(0) / 30 {
        let factor = 1 << (shift.max(0) - step * 30).min(30);
        let mut carry = 0;
        for part in &mut parts {
            let product = u128::from(*part) * factor + carry;
            *part = u64::try_from(product % 1_000_000_000).unwrap();
            carry = product / 1_000_000_000;
        }
        while carry > 0 {
            parts.push(u64::try_from(carry % 1_000_000_000).unwrap());
            carry /= 1_000_000_000;
        }
    }
    let digits: String = parts.iter().rev().map(|part| format!("{part:09}")).collect();
    let digits = digits.trim_start_matches('0');
    match (double < 0.0, digits) {
        (_, "") => "0".to_owned(),
        (true, digits) => format!("-{digits}"),
        (false, digits) => digits.to_owned(),
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn f7_the_order_of_levels_is_that_of_integers(one in integers(), two in integers()) {
        let of = |text: &str| reading(&json!(text).to_string(), 9).level().unwrap().clone();
        let (first, second) = (of(&one), of(&two));
        let order = compare(&one, &two);
        prop_assert_eq!(first.cmp(&second), order);
        prop_assert_eq!(second.cmp(&first), order.reverse());
        prop_assert_eq!(first == second, order == Ordering::Equal);
        prop_assert!(first < Level::Infinite && Level::Infinite > second);
        if let (Ok(one), Ok(two)) = (one.parse::<i128>(), two.parse::<i128>()) {
            prop_assert_eq!(order, one.cmp(&two));
            prop_assert_eq!(first.to_string(), one.to_string());
        }
    }

    #[test]
    fn f2_strings_are_read_as_the_grammar_says(text in NEAR_LEVELS) {
        for version in [1, 5, 6, 9] {
            prop_assert_eq!(level(&json!(text).to_string(), version), by_grammar(&text));
        }
        prop_assert_eq!(level(&json!(text).to_string(), 10), None);
    }

    #[test]
    fn f2_any_text_is_read_as_the_grammar_says(text in any::<String>()) {
        prop_assert_eq!(level(&json!(text).to_string(), 9), by_grammar(&text));
    }

    #[test]
    fn f4_doubles_are_cut_exactly(bits in any::<u64>(), near in -1e6f64..1e6) {
        for double in [f64::from_bits(bits), near, near * 1e10, near * 1e20] {
            if double.is_finite() {
                let text = format!("{double:e}");
                prop_assert_eq!(level(&text, 5), Some(integer_part(double)), "{}", text);
            }
        }
    }

    #[test]
    fn f4_short_decimals_are_cut_exactly(
        sign in "-?", digits in 1u64..1_000_000_000_000_000, point in 0usize..=15,
    ) {
        // The digits, the point before the last `point` of them; and the same with an exponent.
        let padded = format!("{digits:0>16}");
        let (whole, fraction) = padded.split_at(16 - point);
        let whole = match whole.trim_start_matches('0') { "" => "0", whole => whole };
        let expected = if whole == "0" { "0".to_owned() } else { format!("{sign}{whole}") };
        for text in [format!("{sign}{whole}.{fraction}0"), format!("{sign}{digits}E-{point}")] {
            prop_assert_eq!(level(&text, 5), Some(expected.clone()), "{}", text);
        }
    }
}
