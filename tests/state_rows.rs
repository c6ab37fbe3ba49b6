//! Single cases of state resolution: orders, loops, long and dense auth chains, refusals; and the
//! snapshots that states are kept in.

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

use std::collections::{BTreeMap, BTreeSet, HashSet};

use common::make::room_version;
use fedproof::codes::{self, Kind};
use fedproof::state::auth_chain::conflicted_subgraph;
use fedproof::state::conflicts::Conflicts;
use fedproof::state::given::{Entry, ResolveError, resolve_given};
use fedproof::state::{EventIndex, Graph, Place, Snapshot, Trace, power_order};
use proptest::prelude::*;
use serde_json::{Value, json};
use state_model::{Key, StateMap, World, key, resolve, snapshot};

const ALICE: &str = "@alice:one.example";
const BOB: &str = "@bob:two.example";
const POWER: &str = "m.room.power_levels";
const JOIN_RULES: &str = "m.room.join_rules";
const MEMBER: &str = "m.room.member";
const TOPIC: &str = "m.room.topic";

/// A room of Alice's: created, joined by her and by Bob, with power levels, public.
struct Small {
    world: World,
    room_id: String,
}

/// The IDs of its first events.
const FIRST: [&str; 5] = ["create", "alice", "power", "rules", "bob"];

impl Small {
    fn new(version: u8, users: Value) -> Self {
        let mut small =
            Self { world: World::new(version), room_id: "!room:one.example".to_owned() };
        let mut content = json!({"room_version": version.to_string()});
        if version <= 10 {
            content["creator"] = json!(ALICE);
        }
        if version >= 12 {
            small.room_id = small.id("create").replacen('$', "!", 1);
        }
        small.put("create", ("m.room.create", "", ALICE), content, 0, &[]);
        let joined = || json!({"membership": "join"});
        small.put("alice", (MEMBER, ALICE, ALICE), joined(), 1, &["create"]);
        small.put("power", (POWER, "", ALICE), json!({"users": users}), 2, &["create", "alice"]);
        let public = json!({"join_rule": "public"});
        small.put("rules", (JOIN_RULES, "", ALICE), public, 3, &["create", "alice", "power"]);
        small.put("bob", (MEMBER, BOB, BOB), joined(), 4, &["create", "power", "rules"]);
        small
    }

    /// As it is named in the room: as long as a real one.
    fn id(&self, name: &str) -> String {
        if self.world.version <= 2 {
            format!("${name}:one.example")
        } else {
            format!("${name:-<43}")
        }
    }

    fn put(&mut self, name: &str, of: (&str, &str, &str), content: Value, ts: i64, auth: &[&str]) {
        let (event_type, state_key, sender) = of;
        let is_create = event_type == "m.room.create";
        let mut json = json!({
            "type": event_type, "state_key": state_key, "sender": sender, "content": content,
            "origin_server_ts": ts, "depth": ts + 1,
        });
        if self.world.version <= 11 || !is_create {
            json["room_id"] = json!(self.room_id);
        }
        self.put_json(name, json, auth);
    }

    fn put_json(&mut self, name: &str, json: Value, auth: &[&str]) {
        // Events of version 12 do not cite the create event.
        let auth = auth.iter().filter(|name| self.world.version <= 11 || **name != "create");
        let auth = auth.map(|name| self.id(name)).collect();
        self.world.add(&self.id(name), json, auth, false);
    }

    fn reject(&mut self, name: &str) {
        let id = self.id(name);
        self.world.events.get_mut(&id).unwrap().rejected = true;
    }

    fn graph(&self) -> Graph {
        self.world.graph(&self.world.events.keys().cloned().collect::<Vec<_>>())
    }

    fn state(&self, names: &[&str]) -> StateMap {
        let ids = names.iter().map(|name| self.id(name));
        ids.map(|id| (self.world.key_of(&id).unwrap(), id)).collect()
    }

    /// A state of the first events and these.
    fn with(&self, names: &[&str]) -> StateMap {
        self.state(&[&FIRST, names].concat())
    }

    /// Resolves, also with the model; gives what stands at each place by its name, and the trace.
    fn resolve(&self, states: &[StateMap]) -> (BTreeMap<Key, String>, Trace) {
        let mut trace = Trace::default();
        let resolved = resolve(&self.graph(), states, Some(&mut trace));
        assert_eq!(self.world.resolve(states), resolved);
        (resolved.into_iter().map(|(key, id)| (key, name(&id))).collect(), trace)
    }
}

fn name(id: &str) -> String {
    id[1..].split(':').next().unwrap().trim_end_matches('-').to_owned()
}

fn names<'a>(ids: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    ids.into_iter().map(|id| name(id)).collect()
}

const RESTS: [&str; 3] = ["create", "alice", "power"];

#[test]
fn f87_equal_power_goes_by_time_and_then_by_id() {
    for version in 2..=12 {
        let users = if version >= 12 { json!({BOB: 50}) } else { json!({ALICE: 100, BOB: 50}) };
        let mut small = Small::new(version, users);
        let invite = || json!({"join_rule": "invite"});
        let of = (JOIN_RULES, "", ALICE);
        small.put("z", of, invite(), 10, &RESTS);
        small.put("c", of, invite(), 11, &RESTS);
        small.put("b", of, invite(), 11, &RESTS);
        let states = [small.with(&["z"]), small.with(&["b"]), small.with(&["c"])];
        let (resolved, trace) = small.resolve(&states);
        let order = names(trace.power_events.iter().map(|event| &event.event_id));
        assert_eq!(order, ["z", "b", "c"], "{version}");
        let tie_breaks: Vec<_> = trace.power_events.iter().map(|event| event.tie_break).collect();
        assert_eq!(tie_breaks, ["origin_server_ts", "event_id", "only_candidate"], "{version}");
        assert_eq!(resolved[&key(JOIN_RULES, "")], "c", "{version}");
    }
}

#[test]
fn f88_what_rests_on_no_power_levels_comes_first() {
    for version in 2..=11 {
        let mut small = Small::new(version, json!({ALICE: 100, BOB: 50}));
        let of = (TOPIC, "", ALICE);
        small.put("newer", (POWER, "", ALICE), json!({"users": {ALICE: 100}}), 10, &RESTS);
        small.put("none", of, json!({}), 99, &["create", "alice"]);
        small.put("oldest", of, json!({}), 50, &RESTS);
        small.put("newest", of, json!({}), 9, &["create", "alice", "newer"]);
        let base = |topic| small.with(&["newer", topic]);
        let (resolved, trace) = small.resolve(&["newest", "oldest", "none"].map(base));
        let order = names(trace.other_events.iter().map(|event| &event.event_id));
        assert_eq!(order, ["none", "oldest", "newest"], "{version}");
        let positions: Vec<_> = trace.other_events.iter().map(|event| event.position).collect();
        assert_eq!(positions, [None, Some(1), Some(0)], "{version}");
        assert_eq!(resolved[&key(TOPIC, "")], "newest", "{version}");
    }
}

#[test]
fn f89_a_creator_comes_before_the_highest_level() {
    let mut small = Small::new(12, json!({BOB: 9_007_199_254_740_991_i64}));
    let invite = || json!({"join_rule": "invite"});
    small.put("a", (JOIN_RULES, "", BOB), invite(), 10, &["bob", "power"]);
    small.put("z", (JOIN_RULES, "", ALICE), invite(), 11, &["alice", "power"]);
    let (resolved, trace) = small.resolve(&[small.with(&["a"]), small.with(&["z"])]);
    let order = names(trace.power_events.iter().map(|event| &event.event_id));
    assert_eq!(order, ["z", "a"]);
    assert_eq!(trace.power_events[0].tie_break, "power_level");
    assert_eq!(trace.power_events[0].level, fedproof::auth::Level::Infinite);
    assert_eq!(resolved[&key(JOIN_RULES, "")], "a");
}

#[test]
fn f90_version_1_goes_by_depth_and_then_by_sha_1() {
    use sha1::{Digest, Sha1};
    let mut small = Small::new(1, json!({ALICE: 100, BOB: 50}));
    let hash = |small: &Small, name: &str| -> [u8; 20] { Sha1::digest(small.id(name)).into() };
    let all = ["t1", "t2", "t3", "t4", "t5"];
    let of = |event_type: &str, depth: i64| {
        json!({
            "type": event_type, "state_key": "", "sender": ALICE, "origin_server_ts": 7,
            "room_id": "!room:one.example", "depth": depth,
            "content": {"users": {ALICE: 100}, "join_rule": "public"},
        })
    };
    for topic in all {
        small.put_json(topic, of(TOPIC, 20), &RESTS);
        small.put_json(&format!("{topic}p"), of(POWER, 20), &RESTS);
    }
    // Of those that are allowed, the smallest hash wins; of the power levels, too, each being allowed
    // by the one before.
    let first =
        |names: &[String]| names.iter().min_by_key(|name| hash(&small, name)).unwrap().clone();
    let topics: Vec<String> = all.iter().map(|topic| (*topic).to_owned()).collect();
    let powers: Vec<String> = all.iter().map(|topic| format!("{topic}p")).collect();
    let states: Vec<_> =
        topics.iter().zip(&powers).map(|(topic, power)| small.with(&[topic, power])).collect();
    let (resolved, _) = small.resolve(&states);
    assert_eq!(resolved[&key(TOPIC, "")], first(&topics));
    assert_eq!(resolved[&key(POWER, "")], first(&powers));

    small.put_json("deepest", of(TOPIC, i64::MAX), &RESTS);
    small.put_json("deep", of(TOPIC, i64::MAX - 1), &RESTS);
    let (resolved, _) = small.resolve(&["deep", "deepest", "t1"].map(|topic| small.with(&[topic])));
    assert_eq!(resolved[&key(TOPIC, "")], "deepest");
}

/// Topics that cite each other as it is said; what they rest on beside that is left out.
fn citing(edges: &[(&str, &[&str])]) -> Small {
    let mut small = Small::new(1, json!({}));
    for (name, cites) in edges {
        small.put(name, (TOPIC, name, ALICE), json!({}), 9, cites);
    }
    small
}

fn entry(small: &Small, name: &str) -> Entry {
    let id = small.id(name);
    let (event_type, state_key) = small.world.key_of(&id).unwrap();
    (event_type, state_key, id)
}

/// The events as they travel.
fn travelling(small: &Small) -> Vec<String> {
    let texts =
        small.world.events.values().map(|known| known.event.pdu().json().as_str().to_owned());
    texts.collect()
}

fn given(small: &Small, sets: &[Vec<Entry>]) -> Result<Vec<Entry>, ResolveError> {
    let texts = travelling(small);
    let bytes: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    let version = room_version(small.world.version);
    resolve_given(version, sets, &bytes, &HashSet::new(), None)
}

#[test]
fn f91_events_that_cite_each_other_are_left_out() {
    type Edges<'a> = &'a [(&'a str, &'a [&'a str])];
    let cases: [(Edges<'_>, &[&str]); 5] = [
        (&[("a", &["b"]), ("b", &["a"])], &["a", "b"]),
        (&[("a", &["a"])], &["a"]),
        (&[("a", &["b"]), ("b", &["c"]), ("c", &["a", "create"])], &["a", "b", "c"]),
        // What rests on a loop cannot be put in order, either; what a loop rests on can.
        (
            &[("a", &["b", "low"]), ("b", &["a"]), ("high", &["a"]), ("low", &[])],
            &["a", "b", "high"],
        ),
        (&[("a", &["a", "a"]), ("c", &["low", "low"]), ("low", &[])], &["a"]),
    ];
    for (edges, expected) in cases {
        let small = citing(edges);
        let expected: BTreeSet<String> = expected.iter().map(|name| small.id(name)).collect();
        let mut graph = Graph::new(room_version(1));
        let events = small.world.events.values().map(|known| (known.event.clone(), false));
        let left: BTreeSet<String> = graph.add_all(events.collect()).into_iter().collect();
        assert_eq!(left, expected, "{edges:?}");
        assert_eq!(graph.len() + expected.len(), small.world.events.len(), "{edges:?}");
        for id in small.world.events.keys() {
            assert_eq!(graph.find(id).is_some(), !expected.contains(id), "{id}");
        }
        let error = given(&small, &[vec![entry(&small, "a")]]).unwrap_err();
        let ResolveError::Loop(events) = error else { panic!("{error}") };
        assert_eq!(events.into_iter().collect::<BTreeSet<_>>(), expected, "{edges:?}");
    }
}

#[test]
fn f91_every_error_has_its_code() {
    let small = citing(&[("a", &["create"]), ("b", &["gone", "create", "missing"])]);
    let mut whole = citing(&[("a", &["create"]), ("c", &["create"])]);
    whole.put("again", (TOPIC, "a", ALICE), json!({"topic": "again"}), 9, &["create"]);
    let create = entry(&whole, "create");

    let error = given(&small, &[vec![entry(&small, "a")]]).unwrap_err();
    assert_eq!(error, ResolveError::Missing(vec![small.id("gone"), small.id("missing")]));
    let mut errors = vec![error];
    let unknown = (TOPIC.to_owned(), "a".to_owned(), "$unknown:one.example".to_owned());
    let error = given(&whole, &[vec![create.clone(), unknown]]).unwrap_err();
    assert_eq!(error, ResolveError::Missing(vec!["$unknown:one.example".to_owned()]));

    let error = given(&citing(&[("a", &["a"])]), &[]).unwrap_err();
    assert_eq!(error, ResolveError::Loop(vec![small.id("a")]));
    errors.push(error);

    for (event_type, state_key) in [(TOPIC, "c"), ("m.room.name", "a"), ("", "")] {
        let misplaced = (event_type.to_owned(), state_key.to_owned(), whole.id("a"));
        let error = given(&whole, &[vec![create.clone()], vec![misplaced]]).unwrap_err();
        let expected = ResolveError::WrongPlace {
            event: whole.id("a"),
            event_type: event_type.to_owned(),
            state_key: state_key.to_owned(),
        };
        assert_eq!(error, expected);
        errors.push(error);
    }

    let two = vec![entry(&whole, "a"), create.clone(), entry(&whole, "again")];
    let error = given(&whole, &[two]).unwrap_err();
    let expected = ResolveError::Twice { event_type: TOPIC.to_owned(), state_key: "a".to_owned() };
    assert_eq!(error, expected);
    errors.push(error);

    let good = travelling(&whole);
    for bad in ["{", "[]", "{}", "{\"type\":1}"] {
        let bytes = [good[0].as_bytes(), bad.as_bytes()];
        let error = resolve_given(room_version(1), &[], &bytes, &HashSet::new(), None);
        let error = error.unwrap_err();
        assert!(matches!(error, ResolveError::Malformed { index: 1, .. }), "{error}");
        errors.push(error);
    }
    for error in &errors {
        assert!(!error.to_string().is_empty());
        let evidence = serde_json::to_value(error.evidence()).unwrap();
        assert!(evidence.as_object().is_some_and(|object| !object.is_empty()), "{error}");
    }
    let codes: BTreeSet<_> = errors.iter().map(ResolveError::code).collect();
    assert_eq!(
        codes.into_iter().collect::<Vec<_>>(),
        [
            "resolve_auth_loop",
            "resolve_event_malformed",
            "resolve_event_missing",
            "resolve_two_events",
            "resolve_wrong_place",
        ]
    );

    // The same event twice in a set, and an event given twice, are nothing to refuse.
    let doubled = vec![create.clone(), entry(&whole, "a"), create.clone()];
    let texts = [travelling(&whole), travelling(&whole)].concat();
    let bytes: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    let resolved =
        resolve_given(room_version(1), &[doubled], &bytes, &HashSet::new(), None).unwrap();
    assert_eq!(resolved, [create, entry(&whole, "a")]);
    assert_eq!(given(&whole, &[]).unwrap(), []);
}

/// A part of a state is resolved like any other: what is in it, no more, and without a panic.
#[test]
fn f97_parts_of_states_are_resolved() {
    for version in 1..=12 {
        let users = if version >= 12 { json!({BOB: 50}) } else { json!({ALICE: 100, BOB: 50}) };
        let mut small = Small::new(version, users);
        for (name, ts) in [("one", 8), ("two", 9)] {
            small.put(name, (TOPIC, "", ALICE), json!({"topic": name}), ts, &RESTS);
        }
        let parts: [&[&str]; 7] = [
            &[],
            &["create"],
            &["one"],
            &["two", "power"],
            &["create", "bob"],
            &["alice", "rules"],
            &["create", "alice", "power", "rules", "bob", "one"],
        ];
        for one in parts {
            for two in parts {
                let (resolved, _) = small.resolve(&[small.state(one), small.state(two)]);
                let given: BTreeSet<&str> = one.iter().chain(two).copied().collect();
                for (key, name) in &resolved {
                    // Or else it is of the auth difference: what the given events rest on.
                    let is_behind = version >= 2 && FIRST.contains(&name.as_str());
                    assert!(given.contains(name.as_str()) || is_behind, "{key:?}: {name}");
                }
                // What both have stands.
                for name in one.iter().filter(|name| two.contains(name)) {
                    assert!(resolved.values().any(|other| other == name), "{version}: {name}");
                }
            }
        }
    }
}

/// With less stack than a walk that calls itself would take.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(256 * 1024);
    thread.spawn(run).unwrap().join().unwrap();
}

#[test]
fn f92_an_auth_chain_of_a_hundred_thousand_ends() {
    const LENGTH: usize = 100_000;
    on_a_small_stack(|| {
        let users = json!({BOB: 50});
        let small = Small::new(12, users.clone());
        let mut graph = small.graph();
        let mut cited = small.id("power");
        let mut json = json!({
            "type": POWER, "state_key": "", "sender": ALICE, "content": {"users": users},
            "origin_server_ts": 9, "room_id": small.room_id,
        });
        let mut chain = Vec::new();
        for index in 0..LENGTH {
            let id = small.id(&format!("p{index}"));
            json["auth_events"] = json!([small.id("alice"), cited]);
            chain.push((small.world.read(&id, json.clone()), false));
            cited = id;
        }
        chain.reverse();
        assert_eq!(graph.add_all(chain), Vec::<String>::new());
        let power = |index: usize| graph.find(&small.id(&format!("p{index}"))).unwrap();
        let place = graph.place(POWER, "").unwrap();
        let first = snapshot(&graph, &small.with(&[]));
        let states = [9, LENGTH / 2, LENGTH - 1].map(|index| {
            let mut state = first.clone();
            state.set(place, Some(power(index)));
            state
        });
        let resolved = fedproof::state::resolve(&graph, &states, None);
        assert_eq!(resolved.get(place), Some(power(LENGTH - 1)));
    });
}

fn distinct(ids: &[&String]) -> usize {
    ids.iter().collect::<BTreeSet<_>>().len()
}

#[test]
fn f93_a_dense_graph_is_walked_once() {
    on_a_small_stack(|| {
        const COUNT: usize = 3_000;
        for version in [11, 12] {
            let users = if version >= 12 { json!({BOB: 50}) } else { json!({ALICE: 100}) };
            let mut small = Small::new(version, users.clone());
            for index in 0..COUNT {
                let cited: Vec<String> = (index.saturating_sub(9)..index)
                    .rev()
                    .map(|index| format!("p{index}"))
                    .chain(["alice".to_owned()])
                    .collect();
                let cited: Vec<&str> = cited.iter().map(String::as_str).collect();
                let content = json!({"users": users});
                small.put(&format!("p{index}"), (POWER, "", ALICE), content, 9, &cited);
            }
            let graph = small.graph();
            let last = format!("p{}", COUNT - 1);
            let states = [small.with(&["p5"]), small.with(&["p1500"]), small.with(&[&last])];
            // There are more ways through this graph than could ever be walked. Each event is taken
            // once, and once for each time that it is checked.
            let mut trace = Trace::default();
            let resolved = resolve(&graph, &states, Some(&mut trace));
            assert_eq!(resolved[&key(POWER, "")], small.id(&last));
            let all = COUNT - 5;
            let once = |ids: Vec<&String>| assert_eq!((ids.len(), distinct(&ids)), (all, all));
            once(trace.full_conflicted_set.iter().collect());
            once(trace.power_events.iter().map(|event| &event.event_id).collect());
            once(trace.power_checks.iter().map(|check| &check.event_id).collect());
            assert!(trace.other_events.is_empty() && trace.other_checks.is_empty());
        }
    });
}

#[test]
fn f94_every_event_is_ordered_once() {
    let users = json!({ALICE: 100, BOB: 50});
    let mut small = Small::new(4, users.clone());
    let of = (POWER, "", ALICE);
    let content = || json!({"users": users});
    small.put("p1", of, content(), 9, &["create", "alice", "power", "nowhere"]);
    // Two edges to one event, and two ways to another.
    small.put("p2", of, content(), 8, &["create", "alice", "p1", "p1", "power"]);
    small.put("p3", of, content(), 7, &["create", "alice", "p2", "p1", "power", "nothing"]);
    let graph = small.graph();
    let events: BTreeSet<EventIndex> =
        (0..graph.len()).map(|index| EventIndex(index as u32)).collect();
    let sorted = power_order::sort(&graph, &events);
    let order: Vec<String> = sorted.iter().map(|ordered| name(graph.id(ordered.event))).collect();
    assert_eq!(order.len(), events.len());
    assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), events.len());
    let at = |name: &str| order.iter().position(|other| other == name).unwrap();
    assert!(at("create") < at("alice") && at("alice") < at("power"));
    assert!(at("power") < at("p1") && at("p1") < at("p2") && at("p2") < at("p3"));
    // A part of the events: the edges out of it count for nothing.
    let part: BTreeSet<EventIndex> =
        ["p3", "p1"].map(|name| graph.find(&small.id(name)).unwrap()).into();
    let sorted = power_order::sort(&graph, &part);
    let order: Vec<String> = sorted.iter().map(|ordered| name(graph.id(ordered.event))).collect();
    assert_eq!(order, ["p1", "p3"]);
    let (resolved, _) = small.resolve(&[small.with(&[]), small.with(&["p3"])]);
    assert_eq!(resolved[&key(POWER, "")], "p3");
}

#[test]
fn f93_the_difference_is_what_some_states_rest_on_and_not_all() {
    let mut small = Small::new(11, json!({ALICE: 100, BOB: 50}));
    let plain = |sender: &str| {
        json!({
            "type": "m.room.message", "sender": sender, "content": {}, "origin_server_ts": 9, "depth": 9,
            "room_id": "!room:one.example",
        })
    };
    // What is no state event can be rested on, too, if a state event cites it by way of others.
    small.put_json("under_all", plain(ALICE), &["alice"]);
    small.put_json("under_most", plain(ALICE), &["under_all"]);
    small.put_json("between", plain(ALICE), &["under_most"]);
    small.put_json("under_none", plain(ALICE), &["between"]);
    // More states than a word has bits; all but one rest on what is under most, through ever other events.
    for state in 0..150 {
        let cited = if state == 130 { "under_all" } else { "between" };
        let name = format!("topic{state}");
        small.put(
            &name,
            (TOPIC, "", ALICE),
            json!({}),
            10 + state,
            &["create", "alice", "power", cited],
        );
    }
    let states: Vec<_> = (0..150).map(|state| small.with(&[&format!("topic{state}")])).collect();
    let (_, trace) = small.resolve(&states);
    let chains: Vec<BTreeSet<String>> = states
        .iter()
        .map(|state| {
            let chain = |id: &String| small.world.chain(id).into_iter().chain([id.clone()]);
            state.values().flat_map(chain).collect()
        })
        .collect();
    let any: BTreeSet<&String> = chains.iter().flatten().collect();
    let expected: BTreeSet<&String> =
        any.into_iter().filter(|id| !chains.iter().all(|chain| chain.contains(*id))).collect();
    assert_eq!(trace.auth_difference.iter().collect::<BTreeSet<_>>(), expected);
    let has = |name: &str| expected.contains(&small.id(name));
    assert!(has("between") && has("under_most") && has("topic0"));
    assert!(!has("under_all") && !has("under_none") && !has("alice"));
}

#[test]
fn f95_the_subgraph_is_what_lies_between() {
    let mut small = Small::new(12, json!({BOB: 50}));
    let mut put = |name: &str, auth: &[&str]| {
        small.put(name, ("of.test", name, ALICE), json!({}), 9, auth);
    };
    put("conf_x", &["alice"]);
    put("mid_b", &["conf_x"]);
    put("mid_a", &["mid_b", "alice"]);
    // What a conflicted event rests on and leads to none, and what leads to one and none rests on.
    put("ghost", &["alice", "power"]);
    put("above", &["conf_x", "mid_a"]);
    put("conf_s", &["mid_a", "ghost", "lost"]);
    put("alone", &["alice"]);
    let graph = small.graph();
    let states = [small.with(&["conf_s", "alone"]), small.with(&["conf_x", "alone"])];
    let snapshots = states.clone().map(|state| snapshot(&graph, &state));
    let subgraph = conflicted_subgraph(&graph, &Conflicts::of(&snapshots));
    let subgraph: BTreeSet<String> =
        subgraph.into_iter().map(|event| name(graph.id(event))).collect();
    let expected = ["conf_s", "conf_x", "mid_a", "mid_b"].map(str::to_owned);
    assert_eq!(subgraph, expected.into());
    let (_, trace) = small.resolve(&states);
    assert_eq!(names(&trace.conflicted_subgraph).into_iter().collect::<BTreeSet<_>>(), subgraph);
}

#[test]
fn f95_a_membership_that_only_the_event_cites() {
    for version in [2, 6, 11, 12] {
        let users = if version >= 12 { json!({BOB: 50}) } else { json!({ALICE: 100, BOB: 50}) };
        let mut small = Small::new(version, users);
        let cites = ["create", "power", "bob"];
        // Bob's join is behind all states and in none.
        small.put("same", ("of.test", "", BOB), json!({}), 9, &cites);
        small.put("topic", (TOPIC, "", BOB), json!({"topic": "Bob's"}), 9, &cites);
        let base = ["create", "alice", "power", "rules", "same"];
        for (is_rejected, expected) in [(false, Some("topic".to_owned())), (true, None)] {
            if is_rejected {
                small.reject("bob");
            }
            let states = [small.state(&base), small.state(&[&base[..], &["topic"]].concat())];
            let (resolved, trace) = small.resolve(&states);
            assert!(!trace.full_conflicted_set.contains(&small.id("bob")));
            assert_eq!(resolved.get(&key(TOPIC, "")).cloned(), expected, "{version}");
            assert_eq!(resolved[&key("of.test", "")], "same");
        }
    }
}

#[test]
fn f96_an_unban_that_does_not_cite_the_ban_stands() {
    let never_joined = ["create", "alice", "power", "rules"];
    for version in 2..=12 {
        let users = if version >= 12 { json!({BOB: 0}) } else { json!({ALICE: 100}) };
        let mut small = Small::new(version, users);
        let of = (MEMBER, BOB, ALICE);
        for (ban, unban, expected) in [
            (Some("bob"), Some("ban"), "unban"),
            (Some("bob"), Some("bob"), "unban"),
            (None, None, "unban"),
            // Here it does not: the join that the ban rests on is in the auth difference, and ranks
            // behind the unban, by the level of its sender; so does the ban.
            (Some("bob"), None, "ban"),
        ] {
            let cites = |further: Option<&'static str>| [&RESTS[..], further.as_slice()].concat();
            small.put("ban", of, json!({"membership": "ban"}), 10, &cites(ban));
            small.put("unban", of, json!({"membership": "leave"}), 11, &cites(unban));
            let states = ["ban", "unban"];
            let states = states.map(|last| small.state(&[&never_joined[..], &[last]].concat()));
            let (resolved, _) = small.resolve(&states);
            assert_eq!(resolved[&key(MEMBER, BOB)], expected, "{version}: {ban:?}, {unban:?}");
        }
    }
}

/// A power event rests on a profile in conflict by way of a join that is not.
fn resting_on_a_profile(version: u8) -> (Small, [StateMap; 2]) {
    let mut small = Small::new(version, json!({BOB: 100}));
    let profile = |name: &str| json!({"membership": "join", "displayname": name});
    small.put("alice2", (MEMBER, ALICE, ALICE), profile("A2"), 5, &["create", "power", "alice"]);
    small.put("alice3", (MEMBER, ALICE, ALICE), profile("A3"), 6, &["create", "power", "alice2"]);
    let invite = json!({"membership": "invite"});
    small.put("invite", (MEMBER, BOB, ALICE), invite, 7, &["create", "power", "alice2"]);
    let join = json!({"membership": "join"});
    let auth = ["create", "power", "rules", "invite"];
    small.put("again", (MEMBER, BOB, BOB), join, 8, &auth);
    let rules = json!({"join_rule": "invite"});
    small.put("rules2", (JOIN_RULES, "", BOB), rules, 9, &["create", "power", "again"]);
    let common = ["create", "power", "again"];
    let states = [["alice2", "rules2"], ["alice3", "rules"]];
    let states = states.map(|own| small.state(&[&common[..], &own[..]].concat()));
    (small, states)
}

#[test]
fn j9_where_synapse_looks_less_far_than_the_text_it_is_told() {
    let flag = "power_events_inside_full_conflicted_set_only";
    assert!(codes::find(flag).is_some_and(|entry| entry.kind == Kind::Flag));
    for (version, flags) in [(2, vec![flag]), (11, vec![flag]), (12, vec![])] {
        let (small, states) = resting_on_a_profile(version);
        let (state, trace) = small.resolve(&states);
        assert_eq!(trace.flags, flags, "{version}");
        let power: Vec<_> = trace.power_events.iter().map(|event| &event.event_id).collect();
        // In version 12 the join lies between two conflicted events, and so takes part.
        assert_eq!(power.contains(&&small.id("alice2")), version == 12, "{power:?}");
        assert_eq!(state[&key(JOIN_RULES, "")], "rules2");
    }
}

#[test]
fn j9_nothing_is_told_where_it_makes_no_difference() {
    for version in [2, 11, 12] {
        let (small, [one, _]) = resting_on_a_profile(version);
        let without = small.state(&["create", "power", "again", "alice2", "rules"]);
        assert_eq!(small.resolve(&[one, without]).1.flags, [""; 0], "{version}");
    }
}

#[test]
fn no_states_become_the_empty_state_by_the_algorithm_of_the_version() {
    for (version, algorithm) in [(1, "1"), (2, "2"), (11, "2"), (12, "2.1")] {
        let (state, trace) = Small::new(version, json!({})).resolve(&[]);
        assert_eq!((state.len(), trace.algorithm), (0, algorithm));
    }
}

/// Places close together, far apart, and at the ends.
fn places() -> impl Strategy<Value = u32> {
    prop_oneof![
        0..40u32,
        0..5000u32,
        any::<u32>(),
        prop::sample::select(vec![0, 15, 16, 255, 256, 65_535, 65_536, u32::MAX - 1, u32::MAX]),
    ]
}

fn changes() -> impl Strategy<Value = Vec<(u32, Option<u32>)>> {
    prop::collection::vec((places(), prop::option::weighted(0.7, 0..6u32)), 0..60)
}

type Plain = BTreeMap<u32, u32>;

fn apply(snapshot: &mut Snapshot, plain: &mut Plain, changes: &[(u32, Option<u32>)]) {
    for (place, event) in changes {
        snapshot.set(Place(*place), event.map(EventIndex));
        match event {
            Some(event) => plain.insert(*place, *event),
            None => plain.remove(place),
        };
        assert_eq!(snapshot.get(Place(*place)).map(|event| event.0), *event);
    }
}

fn assert_is(snapshot: &Snapshot, plain: &Plain) {
    let listed: Vec<_> = snapshot.iter().map(|(place, event)| (place.0, event.0)).collect();
    let expected: Vec<_> = plain.iter().map(|(place, event)| (*place, *event)).collect();
    assert_eq!(listed, expected);
    for place in plain.keys().flat_map(|place| [*place, place ^ 1, place ^ 16, place ^ (1 << 31)]) {
        assert_eq!(snapshot.get(Place(place)).map(|event| event.0), plain.get(&place).copied());
    }
}

proptest! {
    #[test]
    fn snapshots_are_maps(before in changes(), one in changes(), two in changes()) {
        let (mut base, mut plain) = (Snapshot::default(), Plain::new());
        apply(&mut base, &mut plain, &before);
        assert_is(&base, &plain);
        let mut forks = [(base.clone(), plain.clone()), (base.clone(), plain.clone())];
        prop_assert!(forks[0].0.is_same(&base) && base.is_same(&forks[1].0));
        for ((snapshot, plain), changes) in forks.iter_mut().zip([&one, &two]) {
            apply(snapshot, plain, changes);
        }
        // What is shared stays as it was.
        assert_is(&base, &plain);
        for (snapshot, plain) in &forks {
            assert_is(snapshot, plain);
        }
        let [(one, plain_one), (two, plain_two)] = &forks;
        for ((one, plain_one), (two, plain_two)) in [
            ((one, plain_one), (two, plain_two)),
            ((two, plain_two), (one, plain_one)),
            ((&base, &plain), (one, plain_one)),
            ((&Snapshot::default(), &Plain::new()), (two, plain_two)),
        ] {
            let mut found = Vec::new();
            one.differences(two, |place, one, two| {
                found.push((place.0, one.map(|event| event.0), two.map(|event| event.0)));
            });
            let places: BTreeSet<u32> = plain_one.keys().chain(plain_two.keys()).copied().collect();
            let at = |plain: &Plain, place| plain.get(place).copied();
            let expected: Vec<_> = places
                .iter()
                .map(|place| (*place, at(plain_one, place), at(plain_two, place)))
                .filter(|(_, one, two)| one != two)
                .collect();
            prop_assert_eq!(&found, &expected);
            if one.is_same(two) {
                prop_assert!(expected.is_empty());
            }
        }
    }
}
