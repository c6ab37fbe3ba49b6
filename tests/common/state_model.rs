//! State resolution once more, word by word and slowly: over plain maps and sets of event IDs, with
//! nothing remembered from one question to the next. Only whether the rules allow an event is asked
//! of the library.
//!
//! Where the homeservers in use part from the text, this follows them, as the library does; [`Reading`]
//! turns each of these back to the text. Of algorithm 1 the text has but one reading that makes sense:
//! each state key is taken for itself, and the events of a type enter together.

#![allow(
    dead_code,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use fedproof::auth::{Ask, Decision, Event, RoomCreate, State, state_rules};
use fedproof::event::{Limits, Pdu};
use fedproof::json::{Numbers, parse};
use fedproof::state::{self, Graph, Snapshot, Trace};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::common::make::room_version;

/// A type and a state key.
pub type Key = (String, String);
/// The event at each.
pub type StateMap = BTreeMap<Key, String>;
type Ids = BTreeSet<String>;

/// How algorithm 2 is read.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// The chains whose difference is taken hold the states' own events, too; by the text, they hold
    /// only what those rest on.
    pub own_events_in_chains: bool,
    /// What power events rest on is found along auth edges inside the full conflicted set; by the
    /// text, also behind events that are not in it.
    pub power_inside_the_set: bool,
    /// Events that were rejected before stay out; by the text, they take part like others.
    pub rejected_stay_out: bool,
}

impl Reading {
    pub const LIBRARY: Self =
        Self { own_events_in_chains: true, power_inside_the_set: true, rejected_stay_out: true };
}

/// An event, as text and as the rules take it.
#[derive(Debug, Clone)]
pub struct Known {
    pub json: Value,
    /// Its place in the state, if it is a state event.
    key: Option<Key>,
    pub event: Event,
    pub auth: Vec<String>,
    pub rejected: bool,
}

/// The events of a room.
#[derive(Debug, Clone)]
pub struct World {
    pub version: u8,
    pub events: BTreeMap<String, Known>,
    pub create: Option<String>,
}

pub fn key(event_type: &str, state_key: &str) -> Key {
    (event_type.to_owned(), state_key.to_owned())
}

impl World {
    pub fn new(version: u8) -> Self {
        Self { version, events: BTreeMap::new(), create: None }
    }

    /// A reference, as `prev_events` and `auth_events` have it.
    pub fn reference(&self, id: &str) -> Value {
        if self.version <= 2 { json!([id, {"sha256": "placeholder"}]) } else { json!(id) }
    }

    /// Reads an event. What it lacks is filled in, but for `event_id`.
    pub fn read(&self, id: &str, mut json: Value) -> Event {
        let object = json.as_object_mut().unwrap();
        object.entry("hashes").or_insert(json!({"sha256": "placeholder"}));
        object.entry("signatures").or_insert(json!({}));
        object.entry("depth").or_insert(json!(1));
        object.entry("prev_events").or_insert(json!([]));
        if self.version <= 2 {
            object.insert("event_id".to_owned(), json!(id));
        }
        let text = json.to_string();
        let parsed = parse(text.as_bytes(), Numbers::Keep).unwrap();
        let pdu = Pdu::from_canonical(parsed, room_version(self.version), Limits::Backfill)
            .unwrap_or_else(|failure| panic!("{}: {text}", failure.1));
        Event::new(pdu, id)
    }

    /// Puts in an event that cites `auth`.
    pub fn add(&mut self, id: &str, mut json: Value, auth: Vec<String>, rejected: bool) {
        json["auth_events"] = auth.iter().map(|id| self.reference(id)).collect();
        let event = self.read(id, json.clone());
        if self.create.is_none() && json["type"] == "m.room.create" && !rejected {
            self.create = Some(id.to_owned());
        }
        let state_key = json.get("state_key").map(|key| key.as_str().unwrap());
        let key = state_key.map(|state_key| key(json["type"].as_str().unwrap(), state_key));
        self.events.insert(id.to_owned(), Known { json, key, event, auth, rejected });
    }

    pub fn room_create(&self) -> RoomCreate<'_> {
        let event = self.create.as_ref().map(|id| &self.events[id].event);
        RoomCreate { event, rejected: false }
    }

    pub fn key_of(&self, id: &str) -> Option<Key> {
        self.events[id].key.clone()
    }

    /// Do the rules allow an event in a state?
    pub fn is_allowed(&self, id: &str, state: &StateMap) -> bool {
        let view = View { world: self, state };
        let outcome = state_rules(&self.events[id].event, &view, self.room_create(), Ask::Decision);
        matches!(outcome.decision, Decision::Allow(_))
    }

    /// The events that an event cites, as far as they are there.
    fn cited(&self, id: &str) -> impl Iterator<Item = &String> {
        self.events[id].auth.iter().filter(|id| self.events.contains_key(*id))
    }

    /// The auth chain of an event, without it.
    pub fn chain(&self, id: &str) -> Ids {
        let mut chain = Ids::new();
        let mut pending: Vec<&String> = self.cited(id).collect();
        while let Some(id) = pending.pop() {
            if chain.insert(id.clone()) {
                pending.extend(self.cited(id));
            }
        }
        chain
    }

    fn is(&self, id: &str, event_type: &str, state_key: &str) -> bool {
        let key = self.events[id].key.as_ref();
        key.is_some_and(|key| key.0 == event_type && key.1 == state_key)
    }

    fn ts(&self, id: &str) -> i64 {
        self.events[id].json["origin_server_ts"].as_i64().unwrap()
    }

    fn is_power_event(&self, id: &str) -> bool {
        let json = &self.events[id].json;
        let is_member = json["type"] == "m.room.member" && json.get("state_key").is_some();
        self.is(id, "m.room.power_levels", "")
            || self.is(id, "m.room.join_rules", "")
            || is_member
                && json["sender"] != json["state_key"]
                && (json["content"]["membership"] == "leave"
                    || json["content"]["membership"] == "ban")
    }

    /// The power levels that an event cites.
    fn power_levels(&self, id: &str) -> Option<String> {
        self.cited(id).find(|id| self.is(id, "m.room.power_levels", "")).cloned()
    }

    /// The level of an event's sender, by what the event cites.
    fn level(&self, id: &str) -> i64 {
        let sender = &self.events[id].json["sender"];
        let create = &self.events[self.create.as_ref().unwrap()].json;
        let creator =
            if self.version <= 10 { &create["content"]["creator"] } else { &create["sender"] };
        let further = create["content"]["additional_creators"].as_array();
        let is_creator = sender == creator
            || self.version >= 12 && further.is_some_and(|list| list.contains(sender));
        if self.version >= 12 && is_creator {
            return i64::MAX;
        }
        let number = |value: &Value| {
            value.as_i64().or_else(|| value.as_str().map(|text| text.trim().parse().unwrap()))
        };
        match self.power_levels(id).map(|id| &self.events[&id].json["content"]) {
            None if is_creator => 100,
            None => 0,
            Some(content) => number(&content["users"][sender.as_str().unwrap()])
                .or_else(|| number(&content["users_default"]))
                .unwrap_or(0),
        }
    }

    /// The state that several states become.
    pub fn resolve(&self, states: &[StateMap]) -> StateMap {
        self.resolve_by(states, Reading::LIBRARY)
    }

    /// The same by another reading of algorithm 2.
    pub fn resolve_by(&self, states: &[StateMap], reading: Reading) -> StateMap {
        match self.version {
            _ if states.is_empty() => StateMap::new(),
            1 => self.resolve_1(states),
            2..=11 => self.resolve_2(states, false, reading),
            _ => self.resolve_2(states, true, reading),
        }
    }

    fn resolve_2(&self, states: &[StateMap], is_2_1: bool, reading: Reading) -> StateMap {
        let keys: BTreeSet<&Key> = states.iter().flat_map(StateMap::keys).collect();
        let mut unconflicted = StateMap::new();
        let mut conflicted = Ids::new();
        for key in keys {
            let values: Vec<Option<&String>> = states.iter().map(|state| state.get(key)).collect();
            match values[0] {
                Some(value) if values.iter().all(|other| *other == Some(value)) => {
                    unconflicted.insert(key.clone(), value.clone());
                }
                _ => conflicted.extend(values.into_iter().flatten().cloned()),
            }
        }

        let chains: Vec<Ids> = states
            .iter()
            .map(|state| {
                let own = state.values().filter(|_| reading.own_events_in_chains).cloned();
                own.chain(state.values().flat_map(|id| self.chain(id))).collect()
            })
            .collect();
        let union: Ids = chains.iter().flatten().cloned().collect();
        let difference =
            union.into_iter().filter(|id| !chains.iter().all(|chain| chain.contains(id)));
        let mut full: Ids = conflicted.iter().cloned().chain(difference).collect();
        if is_2_1 {
            for from in &conflicted {
                for on_path in self.chain(from) {
                    let to = self.chain(&on_path);
                    if conflicted.contains(&on_path) || !to.is_disjoint(&conflicted) {
                        full.insert(on_path);
                    }
                }
            }
        }

        let mut power: Ids = full.iter().filter(|id| self.is_power_event(id)).cloned().collect();
        loop {
            let cited = power.iter().flat_map(|id| self.cited(id));
            let mut more: Ids = cited.cloned().collect();
            if !reading.power_inside_the_set {
                more = power.iter().flat_map(|id| self.chain(id)).collect();
            }
            more.retain(|id| full.contains(id) && !power.contains(id));
            if more.is_empty() {
                break;
            }
            power.extend(more);
        }

        let mut partial = if is_2_1 { StateMap::new() } else { unconflicted.clone() };
        self.check_iteratively(&mut partial, &self.power_ordering(&power), reading);
        let rest: Ids = full.difference(&power).cloned().collect();
        let base = partial.get(&key("m.room.power_levels", "")).cloned();
        self.check_iteratively(&mut partial, &self.mainline_ordering(&rest, base), reading);
        partial.extend(unconflicted);
        partial
    }

    fn power_ordering(&self, events: &Ids) -> Vec<String> {
        let mut ordered: Vec<String> = Vec::new();
        while ordered.len() < events.len() {
            let is_candidate = |id: &&String| {
                !ordered.contains(id)
                    && self.cited(id).all(|id| !events.contains(id) || ordered.contains(id))
            };
            let next = events
                .iter()
                .filter(is_candidate)
                .min_by_key(|id| (Reverse(self.level(id)), self.ts(id), (*id).clone()));
            ordered.push(next.unwrap().clone());
        }
        ordered
    }

    fn mainline_ordering(&self, events: &Ids, base: Option<String>) -> Vec<String> {
        let mainline: Vec<String> =
            std::iter::successors(base, |id| self.power_levels(id)).collect();
        let position = |id: &String| {
            std::iter::successors(self.power_levels(id), |id| self.power_levels(id))
                .find_map(|id| mainline.iter().position(|of_mainline| *of_mainline == id))
                .unwrap_or(usize::MAX)
        };
        let mut ordered: Vec<String> = events.iter().cloned().collect();
        ordered.sort_by_key(|id| (Reverse(position(id)), self.ts(id), id.clone()));
        ordered
    }

    fn check_iteratively(&self, partial: &mut StateMap, events: &[String], reading: Reading) {
        for id in events {
            let Some(key) = self.key_of(id) else { continue };
            if reading.rejected_stay_out && self.events[id].rejected {
                continue;
            }
            let is_rejected = |id: &String| self.events[id].rejected;
            let mut state = StateMap::new();
            for cited in self.cited(id).filter(|id| !is_rejected(id)) {
                state.extend(self.key_of(cited).map(|key| (key, cited.clone())));
            }
            let stays_out = |id: &String| reading.rejected_stay_out && is_rejected(id);
            for (key, id) in partial.iter().filter(|(_, id)| !stays_out(id)) {
                state.insert(key.clone(), id.clone());
            }
            if self.is_allowed(id, &state) {
                partial.insert(key, id.clone());
            }
        }
    }

    fn resolve_1(&self, states: &[StateMap]) -> StateMap {
        let mut conflicting: BTreeMap<Key, Ids> = BTreeMap::new();
        for (key, id) in states.iter().flatten() {
            conflicting.entry(key.clone()).or_default().insert(id.clone());
        }
        let mut resolved = StateMap::new();
        conflicting.retain(|key, ids| {
            if ids.len() == 1 {
                resolved.insert(key.clone(), ids.first().unwrap().clone());
            }
            ids.len() > 1
        });
        let upwards = |ids: &Ids| {
            let mut list: Vec<String> = ids.iter().cloned().collect();
            list.sort_by_key(|id| {
                let hash: [u8; 20] = Sha1::digest(id.as_bytes()).into();
                (self.events[id].json["depth"].as_i64().unwrap(), Reverse(hash))
            });
            list
        };
        for pass in ["m.room.power_levels", "m.room.join_rules", "m.room.member"] {
            let before = resolved.clone();
            conflicting.retain(|key, ids| {
                if key.0 != pass || pass == "m.room.power_levels" && !key.1.is_empty() {
                    return true;
                }
                let list = upwards(ids);
                let mut with = before.clone();
                with.insert(key.clone(), list[0].clone());
                for id in &list[1..] {
                    if !self.is_allowed(id, &with) {
                        break;
                    }
                    with.insert(key.clone(), id.clone());
                }
                resolved.insert(key.clone(), with[key].clone());
                false
            });
        }
        let before = resolved.clone();
        for (key, ids) in conflicting {
            let list = upwards(&ids);
            let passes = list.iter().rev().find(|id| self.is_allowed(id, &before));
            resolved.insert(key, passes.unwrap_or(&list[0]).clone());
        }
        resolved
    }

    /// The library's graph of these events, which are put in in this order.
    pub fn graph(&self, order: &[String]) -> Graph {
        let mut graph = Graph::new(room_version(self.version));
        let events = order.iter().map(|id| &self.events[id]);
        let in_circles =
            graph.add_all(events.map(|known| (known.event.clone(), known.rejected)).collect());
        assert_eq!(in_circles, Vec::<String>::new());
        graph
    }
}

pub fn snapshot(graph: &Graph, state: &StateMap) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for ((event_type, state_key), id) in state {
        let place = graph.place(event_type, state_key).unwrap();
        snapshot.set(place, Some(graph.find(id).unwrap()));
    }
    snapshot
}

/// What the library makes of several states.
pub fn resolve(graph: &Graph, states: &[StateMap], trace: Option<&mut Trace>) -> StateMap {
    let snapshots: Vec<Snapshot> = states.iter().map(|state| snapshot(graph, state)).collect();
    let resolved = state::resolve(graph, &snapshots, trace);
    resolved
        .iter()
        .map(|(place, event)| {
            let (event_type, state_key) = graph.name(place);
            (key(event_type, state_key), graph.id(event).to_owned())
        })
        .collect()
}

struct View<'a> {
    world: &'a World,
    state: &'a StateMap,
}

impl State for View<'_> {
    fn get(&self, event_type: &str, state_key: &str) -> Option<&Event> {
        let id = self.state.get(&key(event_type, state_key))?;
        Some(&self.world.events[id].event)
    }

    fn has_joined_user_of(&self, _: &str) -> bool {
        false
    }
}
