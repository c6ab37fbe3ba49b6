//! Rooms of a real Synapse, received from nothing but their PDUs and keys: every event gets the outcome
//! that Synapse gave it, every state is the one that Synapse had.

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

use common::{data, files};
use fedproof::receive::Options;
use fedproof::state::{Room, Snapshot, Step};
use fedproof::verdict::{Outcome, Verdict};
use serde_json::Value;

struct Received {
    file: common::Room,
    extra: Value,
    room: Room,
    verdicts: Vec<Verdict>,
}

fn receive(path: &std::path::Path) -> Received {
    let file = common::Room::load(path);
    let extra = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut room = Room::new(file.version, Options::default());
    for pdu in &file.pdus {
        room.push(pdu.clone());
    }
    let mut verdicts = Vec::new();
    loop {
        match room.step(&file.ring) {
            Step::Verdict(verdict) | Step::Outlier(verdict) => verdicts.push(verdict),
            Step::Waits | Step::Again(_) => {}
            Step::Idle => break,
        }
    }
    Received { file, extra, room, verdicts }
}

impl Received {
    fn ids(&self, indices: &Value) -> BTreeSet<String> {
        let indices = indices.as_array().unwrap().iter();
        indices.map(|index| self.file.event_ids[index.as_u64().unwrap() as usize].clone()).collect()
    }

    fn state(&self, snapshot: &Snapshot) -> BTreeSet<String> {
        snapshot.iter().map(|(_, event)| self.room.graph().id(event).to_owned()).collect()
    }
}

/// The one event that Synapse accepted and that is soft failed in the order of the file: a user joins
/// while somebody bans them. Synapse looked at the join before it had stored the ban.
fn raced(verdict: &Verdict) -> bool {
    verdict.outcome == Outcome::SoftFailed
        && verdict.checks.iter().any(|check| check.code == Some("join_banned"))
}

/// Rooms that hold events which we drop or judge otherwise than Synapse: what follows on these has no
/// state here (docs/divergences.md).
fn diverges(name: &str) -> bool {
    name.starts_with("verdicts-")
}

#[test]
fn j1_every_event_and_every_state_of_every_room_is_as_in_synapse() {
    let mut races = 0;
    let mut events = 0;
    for path in files(&data("rooms")) {
        let received = receive(&path);
        let name = &received.file.name;
        if diverges(name) {
            continue;
        }
        assert_eq!(received.room.undecided().count(), 0, "{name}");
        for (index, id) in received.file.event_ids.iter().enumerate() {
            let verdicts = &received.verdicts;
            let verdict = verdicts.iter().find(|verdict| verdict.event_id.as_ref() == Some(id));
            let verdict = verdict.unwrap();
            let outcome = serde_json::to_value(verdict.outcome).unwrap();
            let theirs = &received.file.synapse[index].0;
            if raced(verdict) && theirs == "accepted" {
                races += 1;
            } else {
                assert_eq!(outcome, theirs.as_str(), "{name} {verdict:#?}");
            }
            let before = &received.extra["synapse"][index]["state_before"];
            if before.is_array() {
                let event = received.room.graph().find(id).unwrap();
                let ours = received.state(received.room.state_before(event).unwrap());
                assert_eq!(ours, received.ids(before), "{name}: the state before {id}");
            }
            events += 1;
        }
        let current = received.state(received.room.current_state());
        assert_eq!(current, received.ids(&received.extra["current_state"]), "{name}");
    }
    assert!(events > 1300, "only {events} events");
    assert!(races <= 7, "{races} races");
}
