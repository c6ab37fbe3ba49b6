//! State resolutions whose results others have published: problems A and B of MSC4297, and the
//! scenarios of ruma's and tuwunel's own tests.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;
#[path = "common/state_model.rs"]
mod state_model;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use common::vectors;
use fedproof::state::v2::{self, Variant};
use fedproof::state::{Graph, Snapshot, Trace};
use serde_json::{Value, json};
use state_model::{StateMap, World, key, resolve, snapshot};

type Ids = BTreeSet<String>;

/// A create event's ID must be as long as a real one where rooms are named after it.
const CREATE: &str = "00-m-room-create";
const LONG_CREATE: &str = "00-m-room-create---------------------------";

struct Fixture {
    world: World,
    /// The events of each file, in its order.
    batches: Vec<Vec<String>>,
    /// `prev_events`
    previous: BTreeMap<String, Vec<String>>,
}

fn folder(name: &str) -> Option<PathBuf> {
    vectors(name).map(|path| path.join("fixtures"))
}

fn read(path: &Path, version: u8) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    let text = if version >= 12 { text.replace(CREATE, LONG_CREATE) } else { text };
    serde_json::from_str(&text).unwrap()
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

impl Fixture {
    fn load(folder: &Path, version: u8, files: &[&str]) -> Self {
        let mut world = World::new(version);
        let mut batches = Vec::new();
        let mut previous = BTreeMap::new();
        for file in files {
            let mut batch = Vec::new();
            for mut event in read(&folder.join(file), version).as_array().unwrap().clone() {
                let object = event.as_object_mut().unwrap();
                object.insert("hashes".to_owned(), json!({"sha256": "placeholder"}));
                if version >= 12 && object["type"] == "m.room.create" {
                    object.remove("room_id");
                }
                let id = object.remove("event_id").unwrap().as_str().unwrap().to_owned();
                let prev_events = strings(&object["prev_events"]);
                let auth = strings(&object["auth_events"]);
                previous.insert(id.clone(), prev_events);
                world.add(&id, event, auth, false);
                batch.push(id);
            }
            batches.push(batch);
        }
        Self { world, batches, previous }
    }

    fn graph(&self) -> Graph {
        self.world.graph(&self.world.events.keys().cloned().collect::<Vec<_>>())
    }

    /// Resolves, and holds the model against it.
    fn resolve(&self, graph: &Graph, states: &[StateMap]) -> StateMap {
        let resolved = resolve(graph, states, Some(&mut Trace::default()));
        assert_eq!(self.world.resolve(states), resolved);
        resolved
    }

    fn state_of(&self, ids: &[String]) -> StateMap {
        ids.iter().map(|id| (self.world.key_of(id).unwrap(), id.clone())).collect()
    }

    /// The state over all events, each entering the state over those before it.
    fn follow(&self, graph: &Graph) -> StateMap {
        let mut after: BTreeMap<&String, StateMap> = BTreeMap::new();
        let over = |after: &BTreeMap<&String, StateMap>, ids: &[String]| {
            let states: Vec<StateMap> = ids.iter().map(|id| after[id].clone()).collect();
            self.resolve(graph, &states)
        };
        while after.len() < self.previous.len() {
            let is_next = |(id, previous): &(&String, &Vec<String>)| {
                !after.contains_key(id) && previous.iter().all(|id| after.contains_key(id))
            };
            let (id, previous) = self.previous.iter().find(is_next).unwrap();
            let mut state = over(&after, previous);
            state.insert(self.world.key_of(id).unwrap(), id.clone());
            after.insert(id, state);
        }
        let named: Ids = self.previous.values().flatten().cloned().collect();
        let ends: Vec<String> =
            self.previous.keys().filter(|id| !named.contains(*id)).cloned().collect();
        over(&after, &ends)
    }

    /// The state over all events when nothing is known of which came together: each is a state.
    fn at_once(&self, graph: &Graph, before: Option<StateMap>, ids: &[String]) -> StateMap {
        let each = ids.iter().map(|id| self.state_of(std::slice::from_ref(id)));
        self.resolve(graph, &before.into_iter().chain(each).collect::<Vec<_>>())
    }
}

/// The result that is published.
fn published(folder: &Path, name: &str, version: u8) -> Ids {
    let path = folder.join(format!("../snapshots/{name}@resolved_state.snap"));
    let text = std::fs::read_to_string(path).unwrap();
    let json = text.splitn(3, "---\n").nth(2).unwrap();
    let state: Value = serde_json::from_str(json).unwrap();
    let ids = state.as_array().unwrap().iter().map(|event| event["event_id"].as_str().unwrap());
    ids.map(|id| if version >= 12 { id.replace(CREATE, LONG_CREATE) } else { id.to_owned() })
        .collect()
}

fn ids(state: &StateMap) -> Ids {
    state.values().cloned().collect()
}

/// Problem A or B, by the events of a file; the published result is ruma's.
fn problem(folder: &Path, letter: &str, version: u8, events: &str) -> StateMap {
    let of = |file: &str| format!("MSC4297-problem-{letter}/{file}");
    let fixture = Fixture::load(folder, version, &[&of(events)]);
    let users = if letter == "A" { ["bob", "charlie"] } else { ["eve", "zara"] };
    let states = users.map(|user| {
        let list = read(&folder.join(of(&format!("state-{user}.json"))), version);
        fixture.state_of(&strings(&list))
    });
    fixture.resolve(&fixture.graph(), &states)
}

fn snapshot_of_problem(letter: &str, version: u8) -> String {
    let algorithm = if version >= 12 { "2_1" } else { "2_0" };
    format!("msc4297_problem_{}_state_res_v{algorithm}", letter.to_lowercase())
}

#[test]
fn f86_problems_a_and_b_of_msc4297() {
    let Some(ruma) = folder("ruma-state-res") else { return };
    for (letter, version) in [("A", 11), ("A", 12), ("B", 11), ("B", 12)] {
        let expected = published(&ruma, &snapshot_of_problem(letter, version), version);
        let resolved = problem(&ruma, letter, version, &format!("pdus-v{version}.json"));
        assert_eq!(ids(&resolved), expected, "problem {letter} in {version}");
        // What the problems are.
        let join_rules = resolved.get(&key("m.room.join_rules", ""));
        let power_levels = &resolved[&key("m.room.power_levels", "")];
        match (letter, version) {
            ("A", 11) => assert_eq!(join_rules, None),
            ("A", _) => assert_eq!(join_rules.unwrap(), "$01-m-room-join_rules"),
            (_, 11) => assert_eq!(power_levels, "$00-m-room-power_levels"),
            _ => assert_eq!(power_levels, "$02-m-room-power_levels"),
        }
    }
}

#[test]
fn f86_problems_a_and_b_of_tuwunel() {
    let (Some(ruma), Some(tuwunel)) = (folder("ruma-state-res"), folder("tuwunel-state-res"))
    else {
        return;
    };
    for (letter, version) in [("A", 11), ("A", 12), ("B", 11), ("B", 12)] {
        let events = if version == 11 { "pdus-v11.json" } else { "pdus-hydra.json" };
        let expected = published(&ruma, &snapshot_of_problem(letter, version), version);
        let resolved = problem(&tuwunel, letter, version, events);
        assert_eq!(ids(&resolved), expected, "problem {letter} in {version}");
    }
}

/// The problems again, in a room of version 10 that is resolved by algorithm 2.1.
#[test]
fn f86_algorithm_2_1_in_an_older_room() {
    let Some(tuwunel) = folder("tuwunel-state-res") else { return };
    for (letter, file) in [
        ("A", "state-res-v2.1-starts-from-empty-set.json"),
        ("B", "state-res-v2.1-includes-conflicted-state-subgraph.json"),
    ] {
        let fixture = Fixture::load(&tuwunel, 10, &[file]);
        let graph = fixture.graph();
        let users = if letter == "A" { ["bob", "charlie"] } else { ["eve", "zara"] };
        let states: Vec<Snapshot> = users
            .iter()
            .map(|user| {
                let path = format!("MSC4297-problem-{letter}/state-{user}.json");
                let list = strings(&read(&tuwunel.join(path), 10));
                snapshot(&graph, &fixture.state_of(&list))
            })
            .collect();
        for variant in [Variant::V2, Variant::V2_1] {
            let resolved = v2::resolve(&graph, &states, variant, None);
            let at = |event_type| {
                let event = resolved.get(graph.place(event_type, "").unwrap())?;
                Some(graph.id(event))
            };
            let (join_rules, power_levels) = (at("m.room.join_rules"), at("m.room.power_levels"));
            match (letter, variant) {
                ("A", Variant::V2) => assert_eq!(join_rules, None),
                ("A", Variant::V2_1) => assert_eq!(join_rules, Some("$01-m-room-join_rules")),
                (_, Variant::V2) => assert_eq!(power_levels, Some("$00-m-room-power_levels")),
                (_, Variant::V2_1) => assert_eq!(power_levels, Some("$02-m-room-power_levels")),
            }
        }
    }
}

const PRIVATE: &str = "bootstrap-private-chat.json";
const PUBLIC: &str = "bootstrap-public-chat.json";

const SCENARIOS: [(&str, &[&str]); 9] = [
    ("minimal_private_chat", &[PRIVATE]),
    ("minimal_public_chat", &[PUBLIC]),
    ("origin_server_ts_tiebreak", &[PRIVATE, "origin-server-ts-tiebreak.json"]),
    (
        "ban_vs_power_levels",
        &[PUBLIC, "ban-vs-power-levels-alice.json", "ban-vs-power-levels-bob.json"],
    ),
    (
        "topic_vs_power_levels",
        &[PUBLIC, "topic-vs-power-levels-alice.json", "topic-vs-power-levels-bob.json"],
    ),
    (
        "power_levels_admin_vs_mod",
        &[PUBLIC, "power-levels-admin-vs-mod-alice.json", "power-levels-admin-vs-mod-bob.json"],
    ),
    (
        "topic_vs_ban",
        &[PUBLIC, "topic-vs-ban-common.json", "topic-vs-ban-alice.json", "topic-vs-ban-bob.json"],
    ),
    (
        "join_rules_vs_join",
        &[
            PUBLIC,
            "join-rules-vs-join-common.json",
            "join-rules-vs-join-alice.json",
            "join-rules-vs-join-ella.json",
        ],
    ),
    ("concurrent_joins", &[PUBLIC, "concurrent-joins-charlie.json", "concurrent-joins-ella.json"]),
];

/// Each by three ways: event by event, file by file, and all at once.
fn check_scenario(folder: &Path, files: &[&str], expected: &Ids, name: &str) {
    let fixture = Fixture::load(folder, 10, files);
    let graph = fixture.graph();
    assert_eq!(&ids(&fixture.follow(&graph)), expected, "{name}, event by event");
    let mut state = None;
    for batch in &fixture.batches {
        state = Some(fixture.at_once(&graph, state, batch));
    }
    assert_eq!(&ids(&state.unwrap()), expected, "{name}, file by file");
    let all = fixture.batches.concat();
    assert_eq!(&ids(&fixture.at_once(&graph, None, &all)), expected, "{name}, at once");
}

#[test]
fn j5_the_scenarios_of_ruma() {
    let Some(ruma) = folder("ruma-state-res") else { return };
    for (name, files) in SCENARIOS {
        check_scenario(&ruma, files, &published(&ruma, name, 10), name);
    }
}

#[test]
fn j5_the_scenarios_of_tuwunel() {
    let (Some(ruma), Some(tuwunel)) = (folder("ruma-state-res"), folder("tuwunel-state-res"))
    else {
        return;
    };
    for (name, files) in SCENARIOS {
        if files.iter().all(|file| tuwunel.join(file).exists()) {
            check_scenario(&tuwunel, files, &published(&ruma, name, 10), name);
        }
    }
}

/// Two leaves of a user who was there once, of which one server keeps the one and another the other:
/// the earlier one stands, whoever looks.
#[test]
fn j14_a_leave_that_one_server_soft_failed() {
    let Some(tuwunel) = folder("tuwunel-state-res") else { return };
    let fixture = Fixture::load(&tuwunel, 10, &["soft-fail-split.json"]);
    let graph = fixture.graph();
    let common: Vec<String> = ["$create", "$alice_join", "$power", "$join_rules"]
        .into_iter()
        .map(str::to_owned)
        .collect();
    let with = |last: &str| fixture.state_of(&[common.clone(), vec![last.to_owned()]].concat());
    let (join, current, delayed) =
        (with("$ghost_join"), with("$ghost_current_leave"), with("$ghost_delayed_leave"));
    // What tuwunel publishes: allowed by the state before it, and not by the current one.
    assert!(fixture.world.is_allowed("$ghost_delayed_leave", &join));
    assert!(!fixture.world.is_allowed("$ghost_delayed_leave", &current));
    let ghost = key("m.room.member", "@ghost:example.com");
    let resolved = |states: &[StateMap]| fixture.resolve(&graph, states)[&ghost].clone();
    assert_eq!(resolved(&[join.clone(), current.clone()]), "$ghost_current_leave");
    assert_eq!(resolved(&[join.clone(), delayed.clone()]), "$ghost_delayed_leave");
    // The earlier one comes first and is all that the rules allow: who has left cannot leave.
    assert_eq!(resolved(&[current.clone(), delayed.clone()]), "$ghost_current_leave");
    assert_eq!(resolved(&[join, delayed, current]), "$ghost_current_leave");
}
