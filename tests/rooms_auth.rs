//! Rooms of a real Synapse, all room versions: each event is allowed or rejected as Synapse did,
//! by its auth events (check 4) and by the state before it (check 5), which is Synapse's own.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use std::collections::{BTreeMap, HashMap};

use common::{data, files};
use fedproof::auth::{Event, StateMap};
use fedproof::event::{Limits, Pdu};
use fedproof::json::{Numbers, parse};
use fedproof::receive::{Options, Room, receive};
use fedproof::verdict::{CheckResult, Outcome, Verdict};
use serde_json::Value;

struct Replay {
    room: common::Room,
    events: Vec<Event>,
    index: HashMap<String, usize>,
    extra: Value,
}

impl Replay {
    fn load(path: &std::path::Path) -> Self {
        let room = common::Room::load(path);
        let extra = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let events = room.pdus.iter().zip(&room.event_ids).map(|(bytes, id)| {
            let json = parse(bytes, Numbers::Keep).unwrap();
            let pdu = Pdu::from_canonical(json, room.version, Limits::Backfill);
            Event::new(pdu.unwrap_or_else(|failure| panic!("{:?}", failure.1)), id.as_str())
        });
        let events: Vec<_> = events.collect();
        let index = events
            .iter()
            .enumerate()
            .map(|(index, event)| (event.id().to_owned(), index))
            .collect();
        Self { events, index, extra, room }
    }

    fn is_rejected(&self, id: &str) -> bool {
        self.index.get(id).is_some_and(|index| self.room.synapse[*index].0 == "rejected")
    }

    /// Synapse does not say the state before events that it rejected: it is the one after the previous
    /// event, when there is one of these.
    fn state_before(&self, index: usize) -> Option<Vec<usize>> {
        if let Some(state) = self.extra["synapse"][index]["state_before"].as_array() {
            return Some(state.iter().map(|index| index.as_u64().unwrap() as usize).collect());
        }
        let previous: Vec<_> = self.events[index].pdu().prev_events().collect();
        if previous.is_empty() {
            return Some(Vec::new());
        }
        let [only] = previous.as_slice() else { return None };
        let previous = *self.index.get(&*only.event_id)?;
        let mut state = self.state_before(previous)?;
        let event = &self.events[previous];
        if let Some(key) = event.state_key().filter(|_| !self.is_rejected(event.id())) {
            state.retain(|index| !self.events[*index].is_state(&event.pdu().event_type(), key));
            state.push(previous);
        }
        Some(state)
    }

    fn judge(&self, index: usize) -> Verdict {
        let find = |id: &str| self.index.get(id).map(|index| &self.events[*index]);
        let rejected = |id: &str| self.is_rejected(id);
        let state: Option<StateMap<'_>> = self
            .state_before(index)
            .map(|state| state.iter().map(|index| &self.events[*index]).collect());
        let room = Room {
            auth_events: Some(&find),
            state_before: state.as_ref().map(|state| Ok(state as _)),
            create: self.events.first(),
            is_rejected: Some(&rejected),
            ..Room::default()
        };
        receive(
            &self.room.pdus[index],
            self.room.version,
            &self.room.ring,
            &room,
            Options::default(),
        )
    }
}

/// What checks 4 and 5 say together, and the code of the one that failed.
fn auth(verdict: &Verdict) -> (Option<bool>, Option<&'static str>) {
    let checks = || verdict.checks.iter().filter(|check| matches!(check.check, 4 | 5));
    if let Some(failed) = checks().find(|check| check.result == CheckResult::Fail) {
        return (Some(false), failed.code);
    }
    let undecided = checks().find(|check| check.result == CheckResult::Incomplete);
    (undecided.is_none().then_some(true), undecided.and_then(|check| check.code))
}

/// Why our answer may be another than Synapse's (docs/divergences.md).
fn explanation(
    verdict: &Verdict,
    code: Option<&str>,
    synapse_rejects: bool,
) -> Option<&'static str> {
    let flagged = |flag| verdict.flags.contains(&flag);
    match (synapse_rejects, code) {
        (true, None) if flagged("byte_limit_divergent") => Some("Synapse counts bytes here too"),
        (true, Some("auth_event_missing")) => {
            Some("the auth event of another room is not in the file")
        }
        (false, Some("power_levels_user_level_invalid")) if flagged("power_level_divergent") => {
            Some("Python reads more as a level")
        }
        (false, Some("power_level_unreadable")) => Some("Python reads more as the level that was"),
        _ => None,
    }
}

#[test]
fn i7_i8_every_event_of_every_room_gets_the_answer_that_synapse_gave() {
    let mut answers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut explained: BTreeMap<&str, usize> = BTreeMap::new();
    let mut differences = Vec::new();
    for path in files(&data("rooms")) {
        let replay = Replay::load(&path);
        for (index, (outcome, _)) in replay.room.synapse.iter().enumerate() {
            let verdict = replay.judge(index);
            if verdict.outcome == Outcome::Dropped {
                continue; // an expired key in old room versions: see tests/rooms.rs
            }
            let (allowed, code) = auth(&verdict);
            let synapse_rejects = outcome == "rejected";
            *answers.entry(code.unwrap_or("allowed")).or_default() += 1;
            if allowed == Some(!synapse_rejects) {
                continue;
            }
            match explanation(&verdict, code, synapse_rejects) {
                Some(why) => *explained.entry(why).or_default() += 1,
                None => {
                    let id = &replay.room.event_ids[index];
                    differences.push(format!("{} {id}: {outcome}, we {code:?}", replay.room.name));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{differences:#?}\n{answers:#?}");
    assert!(answers["allowed"] > 1500 && answers.len() > 30, "{answers:#?}");
    let expected = [
        ("Python reads more as a level", 16),
        ("Python reads more as the level that was", 6),
        ("Synapse counts bytes here too", 5),
        ("the auth event of another room is not in the file", 6),
    ];
    assert_eq!(explained.into_iter().collect::<Vec<_>>(), expected);
}
