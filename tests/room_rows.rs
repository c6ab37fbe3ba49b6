//! Single cases of a room that is received: states given in part, redactions that go round in circles,
//! soft failure, rejected events that come again.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use std::collections::{BTreeMap, HashSet};

use common::chat::{
    ALICE, BOB, BY_ALICE, BY_BOB, CAROL, Chat, DORA, MEMBER, MESSAGE, POWER, TOPIC, work,
};
use common::make::{TS, key_answer, key_response, one, ring, ring_of, room_version, two};
use common::model;
use fedproof::keys::KeyRing;
use fedproof::receive::Options;
use fedproof::state::given::{ResolveError, resolve_given};
use fedproof::state::{Room, Step};
use fedproof::verdict::{Outcome, Verdict};
use serde_json::json;

/// The IDs of the events that wait, each with what it lacks.
fn undecided(room: &Room) -> BTreeMap<String, Vec<String>> {
    let lacks = |verdict: &Verdict| verdict.checks.last().unwrap().missing.clone();
    room.undecided()
        .map(|verdict| {
            assert_eq!(verdict.outcome, Outcome::Incomplete);
            (verdict.event_id.clone().unwrap(), lacks(&verdict))
        })
        .collect()
}

#[test]
fn f91_events_that_name_each_other_wait_and_say_for_what() {
    for version in [1, 2] {
        for by_auth in [false, true] {
            let mut chat = Chat::new(version);
            for (name, other) in [("a", "b"), ("b", "a"), ("self", "self")] {
                let (previous, auth) = match by_auth {
                    true => (vec!["bob"], [&BY_ALICE[..], &[other]].concat()),
                    false => (vec!["bob", other], BY_ALICE.to_vec()),
                };
                chat.make(name, (TOPIC, Some(""), ALICE), json!({"topic": ""}), &previous, &auth);
                assert!(chat.receive(name).is_none(), "{name}");
            }
            let expected = [("a", "b"), ("b", "a"), ("self", "self")];
            let expected = expected.map(|(name, other)| (chat.id(name), vec![chat.id(other)]));
            assert_eq!(undecided(&chat.room), expected.into());
            assert!(chat.room.is_idle());
            assert_eq!(chat.current(TOPIC, ""), None);
            // All of them are here: there is nothing to ask others for.
            assert_eq!(chat.room.missing_events().count(), 0);
        }
    }
}

#[test]
fn f97_without_its_create_event_a_room_waits() {
    for version in 1..=12 {
        let mut chat = Chat::new(version);
        chat.room = Room::new(room_version(version), Options::default());
        for name in ["bob", "rules", "power", "alice"] {
            assert!(chat.receive(name).is_none(), "{version}: {name}");
        }
        let missing: Vec<_> = chat.room.missing_events().map(|(id, _)| id.to_owned()).collect();
        assert_eq!(missing, [chat.id("create")], "{version}");
        let undecided = undecided(&chat.room);
        assert_eq!(undecided.len(), 4, "{version}");
        assert!(undecided[&chat.id("bob")].contains(&chat.id("create")), "{version}");
        assert_eq!(chat.room.current_state().iter().count(), 0, "{version}");
        assert!(chat.extremities().is_empty() && chat.room.graph().is_empty(), "{version}");

        assert_eq!(chat.outcome("create"), Outcome::Accepted);
        let released = work(&mut chat.room, ring());
        assert!(released.iter().all(|verdict| verdict.outcome == Outcome::Accepted));
        assert_eq!(released.len(), 4, "{version}");
        assert_eq!(chat.extremities(), ["bob"].into());
    }
}

#[test]
fn f97_an_event_after_one_that_is_dropped_waits() {
    let mut chat = Chat::new(11);
    chat.make("forged", (MESSAGE, None, ALICE), json!({}), &["bob"], &BY_ALICE);
    chat.make("next", (MESSAGE, None, ALICE), json!({}), &["forged"], &BY_ALICE);
    let signatures = json!({"one.example": {"ed25519:a": "A".repeat(86)}});
    chat.made.get_mut("forged").unwrap()["signatures"] = signatures;
    assert_eq!(chat.outcome("forged"), Outcome::Dropped);
    assert!(chat.receive("next").is_none());
    let lacks = (chat.id("next"), vec![chat.id("forged")]);
    assert_eq!(undecided(&chat.room), [lacks].into());
    assert_eq!(chat.extremities(), ["bob"].into());
}

#[test]
fn f98_redacted_state_goes_on_to_do_what_was_sent() {
    for version in 1..=12 {
        let mut chat = Chat::new(version);
        let before: Vec<_> = chat.room.current_state().iter().collect();
        let targets = ["create", "alice", "power", "rules", "bob"];
        let mut last = "bob".to_owned();
        for target in targets {
            let name = format!("redaction-{target}");
            chat.redact(&name, ALICE, target, &[&last], &BY_ALICE);
            assert_eq!(chat.outcome(&name), Outcome::Accepted, "{version}: {target}");
            last = name;
        }
        assert_eq!(chat.room.current_state().iter().collect::<Vec<_>>(), before, "{version}");
        assert_eq!(chat.redacted_by("create"), None, "{version}");
        for target in &targets[1..] {
            let by = format!("redaction-{target}");
            assert_eq!(chat.redacted_by(target), Some(by.as_str()), "{version}");
        }
        // Bob still has his level and is there, and may still do no more than that.
        chat.make("topic", (TOPIC, Some(""), BOB), json!({"topic": "x"}), &[&last], &BY_BOB);
        assert_eq!(chat.outcome("topic"), Outcome::Accepted, "{version}");
        let levels = json!({"users": {BOB: 100}});
        chat.make("raise", (POWER, Some(""), BOB), levels, &["topic"], &BY_BOB);
        assert_eq!(chat.outcome("raise"), Outcome::Rejected, "{version}");
    }
}

/// Only where senders choose the IDs of their events can a redaction name one that names it.
#[test]
fn f98_redactions_that_go_round_in_circles_end() {
    for version in [1, 2] {
        for cycle in [&["a"][..], &["a", "b"], &["a", "b", "c"]] {
            let mut chat = Chat::new(version);
            for (index, name) in cycle.iter().enumerate() {
                let target = cycle[(index + 1) % cycle.len()];
                chat.redact(name, ALICE, target, &["bob"], &BY_ALICE);
            }
            for name in cycle {
                assert_eq!(chat.outcome(name), Outcome::Accepted, "{version}: {cycle:?}");
            }
            assert_eq!(chat.extremities(), cycle.iter().copied().collect());
            for name in cycle {
                assert_eq!(chat.redacted_by(name), None, "{version}: {cycle:?}");
            }
            chat.make("topic", (TOPIC, Some(""), BOB), json!({"topic": "x"}), cycle, &BY_BOB);
            assert_eq!(chat.outcome("topic"), Outcome::Accepted, "{version}: {cycle:?}");
            assert_eq!(chat.current(TOPIC, ""), Some("topic"));
            assert_eq!(chat.room.current_state().iter().count(), 6);
        }
    }
}

#[test]
fn f98_a_redaction_is_redacted_where_no_circle_is_possible() {
    for version in 1..=12 {
        let mut chat = with_guests(version);
        chat.redact("first", ALICE, "hi", &["hi"], &BY_ALICE);
        chat.redact("second", ALICE, "first", &["first"], &BY_ALICE);
        for name in ["first", "second"] {
            assert_eq!(chat.outcome(name), Outcome::Accepted, "{version}: {name}");
        }
        assert_eq!(chat.redacted_by("first"), (version >= 3).then_some("second"), "{version}");
        assert_eq!(chat.redacted_by("hi"), Some("first"), "{version}");
    }
}

/// With one more user of Bob's server and one of Alice's, without a level.
fn with_guests(version: u8) -> Chat {
    let mut chat = Chat::new(version);
    let joined = || json!({"membership": "join"});
    let cites = ["create", "power", "rules"];
    chat.make("carol", (MEMBER, Some(CAROL), CAROL), joined(), &["bob"], &cites);
    chat.make("dora", (MEMBER, Some(DORA), DORA), joined(), &["carol"], &cites);
    chat.make("hello", (MESSAGE, None, ALICE), json!({"body": "hello"}), &["dora"], &BY_ALICE);
    chat.make("hi", (MESSAGE, None, BOB), json!({"body": "hi"}), &["hello"], &BY_BOB);
    for name in ["carol", "dora", "hello", "hi"] {
        assert_eq!(chat.outcome(name), Outcome::Accepted, "{version}: {name}");
    }
    chat
}

/// What becomes of a redaction that does not redact: the rules of the first versions refuse it, the others
/// keep it.
fn in_vain(version: u8) -> Outcome {
    if version <= 2 { Outcome::Rejected } else { Outcome::Accepted }
}

#[test]
fn f98_who_may_redact() {
    for version in 1..=12 {
        let mut chat = with_guests(version);
        let by_carol = ["create", "carol", "power"];
        // By another server, without the level.
        chat.redact("unrelated", CAROL, "hello", &["hi"], &by_carol);
        assert_eq!(chat.outcome("unrelated"), in_vain(version), "{version}");
        assert_eq!(chat.redacted_by("hello"), None, "{version}");
        // By the server of who sent it; and with the level.
        chat.redact("same-server", CAROL, "hi", &["hi"], &by_carol);
        chat.redact("by-level", BOB, "hello", &["same-server"], &BY_BOB);
        for (name, target) in [("same-server", "hi"), ("by-level", "hello")] {
            assert_eq!(chat.outcome(name), Outcome::Accepted, "{version}: {name}");
            assert_eq!(chat.redacted_by(target), Some(name), "{version}");
        }
        // The first one counts.
        chat.redact("again", ALICE, "hello", &["by-level"], &BY_ALICE);
        assert_eq!(chat.outcome("again"), Outcome::Accepted, "{version}");
        assert_eq!(chat.redacted_by("hello"), Some("by-level"), "{version}");
    }
}

#[test]
fn f98_a_redaction_waits_for_what_it_names() {
    for version in 1..=12 {
        let mut chat = with_guests(version);
        chat.make("late", (MESSAGE, None, BOB), json!({"body": "late"}), &["hi"], &BY_BOB);
        let nobody = (MESSAGE, None, "@nobody:two.example");
        chat.make("refused", nobody, json!({}), &["hi"], &["create", "power"]);
        chat.redact("powerless", DORA, "late", &["hi"], &["create", "dora", "power"]);
        chat.redact("early", ALICE, "late", &["hi"], &BY_ALICE);
        chat.redact("of-refused", ALICE, "refused", &["hi"], &BY_ALICE);
        assert_eq!(chat.outcome("powerless"), in_vain(version), "{version}");
        for name in ["early", "of-refused", "late"] {
            assert_eq!(chat.outcome(name), Outcome::Accepted, "{version}: {name}");
        }
        assert_eq!(chat.redacted_by("late"), Some("early"), "{version}");
        assert_eq!(chat.outcome("refused"), Outcome::Rejected, "{version}");
        assert_eq!(chat.redacted_by("refused"), None, "{version}");
    }
}

/// Bob is banned; what he sent without knowing of that comes later.
fn after_a_ban(version: u8) -> Chat {
    let mut chat = Chat::new(version);
    let ban = json!({"membership": "ban"});
    let cites = ["create", "alice", "power", "bob"];
    chat.make("ban", (MEMBER, Some(BOB), ALICE), ban, &["bob"], &cites);
    chat.make("old", (TOPIC, Some(""), BOB), json!({"topic": "x"}), &["bob"], &BY_BOB);
    let content = json!({"membership": "join", "displayname": "B."});
    let cites = ["create", "power", "rules", "bob"];
    chat.make("rename", (MEMBER, Some(BOB), BOB), content, &["bob"], &cites);
    assert_eq!(chat.outcome("ban"), Outcome::Accepted);
    chat
}

#[test]
fn f99_what_a_banned_user_sends_on_an_old_branch_fails_softly() {
    for version in 1..=12 {
        let mut chat = after_a_ban(version);
        for name in ["old", "rename"] {
            assert_eq!(chat.outcome(name), Outcome::SoftFailed, "{version}: {name}");
        }
        assert_eq!(chat.extremities(), ["ban"].into(), "{version}");
        assert_eq!(chat.current(MEMBER, BOB), Some("ban"), "{version}");
        assert_eq!(chat.current(TOPIC, ""), None, "{version}");
        // It is in the state after it, on its branch.
        let place = chat.room.graph().place(TOPIC, "").unwrap();
        let old = chat.find("old");
        assert_eq!(chat.room.state_after(old).unwrap().get(place), Some(old), "{version}");

        // An event that follows on all of them is accepted, and its state is resolved from theirs.
        let previous = ["ban", "old", "rename"];
        chat.make("all", (MESSAGE, None, ALICE), json!({}), &previous, &BY_ALICE);
        assert_eq!(chat.outcome("all"), Outcome::Accepted, "{version}");
        assert_eq!(chat.extremities(), ["all"].into(), "{version}");
        // Algorithm 1 sees no conflict in what only one state has.
        let topic = if version == 1 { Some("old") } else { None };
        assert_eq!(chat.current(TOPIC, ""), topic, "{version}");
        assert_eq!(chat.current(MEMBER, BOB), Some("ban"), "{version}");
    }
}

#[test]
fn f99_what_follows_on_a_soft_failed_event_takes_its_place() {
    for version in 2..=12 {
        let mut chat = after_a_ban(version);
        assert_eq!(chat.outcome("old"), Outcome::SoftFailed, "{version}");
        chat.make("next", (MESSAGE, None, ALICE), json!({}), &["old"], &BY_ALICE);
        assert_eq!(chat.outcome("next"), Outcome::Accepted, "{version}");
        assert_eq!(chat.extremities(), ["ban", "next"].into(), "{version}");
        assert_eq!(chat.current(MEMBER, BOB), Some("ban"), "{version}");
        assert_eq!(chat.current(TOPIC, ""), None, "{version}");
    }
}

#[test]
fn f99_a_redaction_on_an_old_branch_does_not_fail() {
    for version in 1..=12 {
        let mut chat = after_a_ban(version);
        chat.redact("by-alice", ALICE, "bob", &["bob"], &BY_ALICE);
        chat.redact("by-bob", BOB, "alice", &["bob"], &BY_BOB);
        assert_eq!(chat.outcome("by-alice"), Outcome::Accepted, "{version}");
        assert_eq!(chat.redacted_by("bob"), Some("by-alice"), "{version}");
        // That of the banned user does, and takes nothing away.
        assert_eq!(chat.outcome("by-bob"), Outcome::SoftFailed, "{version}");
        assert_eq!(chat.redacted_by("alice"), None, "{version}");
    }
}

#[test]
fn f100_a_rejected_event_stays_rejected() {
    for version in 1..=12 {
        let mut chat = Chat::new(version);
        let levels = json!({"users": {BOB: 100}});
        chat.make("raise", (POWER, Some(""), BOB), levels, &["bob"], &BY_BOB);
        assert_eq!(chat.outcome("raise"), Outcome::Rejected, "{version}");
        let state: Vec<_> = chat.room.current_state().iter().collect();
        let raise = chat.find("raise");
        for _ in 0..3 {
            chat.room.push(chat.bytes("raise"));
            assert_eq!(chat.room.step(ring()), Step::Again(raise), "{version}");
            assert_eq!(chat.room.outcome(raise), Some(Outcome::Rejected), "{version}");
        }
        assert_eq!(chat.extremities(), ["bob"].into(), "{version}");
        let after: Vec<_> = chat.room.state_after(raise).unwrap().iter().collect();
        assert_eq!(after, state, "{version}: it does not change the state");

        // Others may follow on it, but not rest on it.
        chat.make("next", (MESSAGE, None, ALICE), json!({}), &["raise"], &BY_ALICE);
        assert_eq!(chat.outcome("next"), Outcome::Accepted, "{version}");
        let cites = ["create", "bob", "raise"];
        chat.make("resting", (TOPIC, Some(""), BOB), json!({"topic": ""}), &["next"], &cites);
        assert_eq!(chat.outcome("resting"), Outcome::Rejected, "{version}");
        assert_eq!(chat.extremities(), ["next"].into(), "{version}");
        assert_eq!(chat.room.current_state().iter().collect::<Vec<_>>(), state, "{version}");
    }
}

#[test]
fn f100_a_hundred_rejected_events_are_passed_by() {
    let mut chat = Chat::new(10);
    let mut previous = "bob".to_owned();
    for index in 0..100 {
        let name = format!("x{index}");
        let levels = json!({"users": {BOB: 100}});
        chat.make(&name, (POWER, Some(""), BOB), levels, &[&previous], &BY_BOB);
        chat.room.push(chat.bytes(&name));
        previous = name;
    }
    chat.make("hello", (MESSAGE, None, ALICE), json!({}), &["x99"], &BY_ALICE);
    chat.room.push(chat.bytes("hello"));
    let verdicts = work(&mut chat.room, ring());
    assert_eq!(verdicts.len(), 101);
    assert!(verdicts[..100].iter().all(|verdict| verdict.outcome == Outcome::Rejected));
    assert_eq!(verdicts[100].outcome, Outcome::Accepted);
    // Behind all of them, it still follows on the last accepted event.
    assert_eq!(chat.extremities(), ["hello"].into());
    assert_eq!(chat.current(POWER, ""), Some("power"));
}

/// A room in which `second` follows on `first`, and neither has come.
fn with_a_gap(version: u8) -> Chat {
    let mut chat = Chat::new(version);
    chat.make("first", (MESSAGE, None, ALICE), json!({}), &["bob"], &BY_ALICE);
    chat.make("second", (TOPIC, Some(""), ALICE), json!({"topic": "x"}), &["first"], &BY_ALICE);
    chat
}

#[test]
fn f97_looking_again_for_keys_counts_nobody_twice() {
    let mut chat = with_a_gap(10);
    let none = KeyRing::default();
    chat.room.push(chat.bytes("second"));
    for _ in 0..3 {
        assert_eq!(work(&mut chat.room, &none), Vec::new());
        let missing: Vec<_> = chat.room.missing_events().collect();
        assert_eq!(missing, [(chat.id("first").as_str(), 1)]);
        chat.room.retry();
    }
}

/// Anybody can send a copy of an event whose content differs. It has the same ID, and nothing is against
/// it but the content hash; it must not come in place of the whole one.
#[test]
fn f97_a_changed_copy_does_not_replace_what_waits() {
    for is_first in [true, false] {
        let mut chat = with_a_gap(10);
        let mut copy = chat.made["second"].clone();
        copy["content"]["topic"] = json!("another");
        let mut both = [copy.to_string().into_bytes(), chat.bytes("second")];
        if !is_first {
            both.reverse();
        }
        for bytes in both {
            chat.room.push(bytes);
            assert_eq!(chat.room.step(ring()), Step::Waits);
        }
        assert_eq!(chat.outcome("first"), Outcome::Accepted);
        let verdicts = work(&mut chat.room, ring());
        let redacted: Vec<_> = verdicts.iter().map(|verdict| verdict.redacted).collect();
        assert_eq!(redacted, [false], "the copy came first: {is_first}");
    }
}

/// Anybody can send a copy of an event that names a key which nobody knows yet.
#[test]
fn f97_a_copy_that_lacks_a_key_does_not_replace_what_waits() {
    // Keys that were asked for before the events were made: there may be newer ones.
    let answer =
        |key: model::Signer25519| key_response(&key_answer(&[&key], &[], TS + 1_000_000), &[&key]);
    let ring = ring_of(&[answer(one()), answer(two())], TS - 1000);
    let mut chat = with_a_gap(10);
    let mut copy = chat.made["second"].clone();
    copy["signatures"] = json!({"one.example": {"ed25519:unknown": "A".repeat(86)}});
    for bytes in [chat.bytes("second"), copy.to_string().into_bytes()] {
        chat.room.push(bytes);
        assert_eq!(chat.room.step(&ring), Step::Waits);
    }
    chat.room.push(chat.bytes("first"));
    let verdicts = work(&mut chat.room, &ring);
    assert_eq!(verdicts.len(), 2, "{:?}", undecided(&chat.room));
    assert_eq!(chat.current(TOPIC, ""), Some("second"));
}

/// A server that gives two events one ID: whichever is kept, it does not wait forever.
#[test]
fn f97_of_two_events_with_one_id_one_is_judged() {
    for version in [1, 2] {
        let mut chat = with_a_gap(version);
        chat.make("other", (MESSAGE, None, ALICE), json!({}), &["bob"], &BY_ALICE);
        assert!(chat.receive("second").is_none());
        chat.make("second", (TOPIC, Some(""), ALICE), json!({}), &["other"], &BY_ALICE);
        assert!(chat.receive("second").is_none());
        for name in ["first", "other"] {
            assert_eq!(chat.outcome(name), Outcome::Accepted);
        }
        assert_eq!(work(&mut chat.room, ring()).len(), 1, "{version}");
        assert_eq!(chat.room.undecided().count(), 0, "{version}");
    }
}

/// In version 12, the events of a room rest on its create event without citing it.
#[test]
fn f97_states_are_not_resolved_without_the_create_event() {
    for version in 1..=12 {
        let mut chat = Chat::new(version);
        for topic in ["one", "two"] {
            chat.make(
                topic,
                (TOPIC, Some(""), ALICE),
                json!({"topic": topic}),
                &["bob"],
                &BY_ALICE,
            );
        }
        let sets = ["one", "two"].map(|topic| {
            let entry = |(event_type, key, name): (&str, &str, &str)| {
                (event_type.to_owned(), key.to_owned(), chat.id(name))
            };
            [(MEMBER, ALICE, "alice"), (POWER, "", "power"), (TOPIC, "", topic)].map(entry).to_vec()
        });
        let resolve = |without: &str| {
            let names = chat.made.keys().filter(|name| *name != without);
            let events: Vec<Vec<u8>> = names.map(|name| chat.bytes(name)).collect();
            let bytes: Vec<&[u8]> = events.iter().map(Vec::as_slice).collect();
            resolve_given(room_version(version), &sets, &bytes, &HashSet::new(), None)
        };
        assert_eq!(resolve("nothing").unwrap().len(), 3, "{version}");
        let missing = ResolveError::Missing(vec![chat.id("create")]);
        assert_eq!(resolve("create").unwrap_err(), missing, "{version}");
    }
}

/// The create event of another room.
fn create_another(chat: &mut Chat) {
    let mut content = json!({"room_version": chat.version.to_string()});
    if chat.version <= 10 {
        content["creator"] = json!(BOB);
    }
    let room_id = std::mem::replace(&mut chat.room_id, "!other:two.example".to_owned());
    chat.make("other", ("m.room.create", Some(""), BOB), content, &[], &[]);
    chat.room_id = room_id;
}

/// In version 12, it names no room.
#[test]
fn f98_the_create_event_of_another_room_changes_nothing() {
    for version in 1..=12 {
        let mut chat = Chat::new(version);
        create_another(&mut chat);
        chat.receive("other");
        assert_eq!(chat.current("m.room.create", ""), Some("create"), "{version}");
        assert_eq!(chat.extremities(), ["bob"].into(), "{version}");
        chat.make("hello", (MESSAGE, None, ALICE), json!({}), &["bob"], &BY_ALICE);
        let outcome = chat.receive("hello").map(|verdict| verdict.outcome);
        assert_eq!(outcome, Some(Outcome::Accepted), "{version}");
    }
}

#[test]
fn f98_an_event_of_another_room_says_that_it_is() {
    for version in 1..=11 {
        let mut chat = Chat::new(version);
        create_another(&mut chat);
        let verdict = chat.receive("other").or_else(|| chat.room.undecided().next()).unwrap();
        assert!(verdict.checks.iter().any(|check| check.code.is_some()), "{verdict:#?}");
    }
}

/// A redaction takes effect when both it and what it redacts are accepted, whichever came first.
#[test]
fn f99_a_redaction_of_a_soft_failed_event_does_not_go_by_order() {
    let redacted = [["old", "redaction"], ["redaction", "old"]].map(|order| {
        let mut chat = after_a_ban(10);
        chat.redact("redaction", ALICE, "old", &["ban"], &BY_ALICE);
        for name in order {
            chat.receive(name).unwrap();
        }
        chat.redacted_by("old").map(str::to_owned)
    });
    assert_eq!(redacted, [None, None]);
}

/// Where a state is resolved, too: what has no part in the room changes nothing, whatever its ID.
#[test]
fn f98_states_are_resolved_by_the_create_event_of_their_own_room() {
    // The events are taken in the order of their IDs; so that the other one is the first in some.
    for number in 0..8 {
        let mut chat = Chat::new(12);
        for topic in ["one", "two"] {
            chat.make(
                topic,
                (TOPIC, Some(""), ALICE),
                json!({"topic": topic}),
                &["bob"],
                &BY_ALICE,
            );
        }
        let sets = ["one", "two"].map(|topic| {
            let entry = |(event_type, key, name): (&str, &str, &str)| {
                (event_type.to_owned(), key.to_owned(), chat.id(name))
            };
            [(MEMBER, ALICE, "alice"), (POWER, "", "power"), (TOPIC, "", topic)].map(entry).to_vec()
        });
        let resolve = |chat: &Chat| {
            let events: Vec<Vec<u8>> = chat.made.keys().map(|name| chat.bytes(name)).collect();
            let bytes: Vec<&[u8]> = events.iter().map(Vec::as_slice).collect();
            resolve_given(room_version(12), &sets, &bytes, &HashSet::new(), None).unwrap()
        };
        let alone = resolve(&chat);
        assert_eq!(alone.len(), 3);
        let content = json!({"room_version": "12", "number": number});
        chat.make("other", ("m.room.create", Some(""), BOB), content, &[], &[]);
        assert_eq!(resolve(&chat), alone, "{number}");
    }
}

#[test]
fn f97_what_waits_says_with_evidence_for_what() {
    let mut chat = with_a_gap(10);
    assert!(chat.receive("second").is_none());
    let verdict = chat.room.undecided().next().unwrap();
    let check = verdict.checks.iter().find(|check| check.code == Some("event_missing")).unwrap();
    assert_eq!(check.missing, [chat.id("first")]);
    let evidence = serde_json::to_value(check.evidence.as_ref().unwrap()).unwrap();
    assert_eq!(evidence, json!({"missing": [chat.id("first")]}));
}

/// What was looked at again and dropped waits for nothing any more.
#[test]
fn f97_what_is_dropped_on_looking_again_waits_for_nothing() {
    let mut chat = with_a_gap(10);
    chat.made.get_mut("second").unwrap()["signatures"]["one.example"] =
        json!({"ed25519:a": "A".repeat(86)});
    chat.room.push(chat.bytes("second"));
    assert!(work(&mut chat.room, &KeyRing::default()).is_empty());
    assert_eq!(chat.room.missing_events().count(), 1);
    chat.room.retry();
    let verdicts = work(&mut chat.room, ring());
    assert_eq!(verdicts.iter().map(|one| one.outcome).collect::<Vec<_>>(), [Outcome::Dropped]);
    assert_eq!(chat.room.missing_events().count(), 0);
    assert_eq!(chat.room.undecided().count(), 0);
}
