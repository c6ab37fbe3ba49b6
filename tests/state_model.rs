//! State resolution of ten thousand random forked rooms, against the model.

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
use std::sync::OnceLock;

use common::model::{Signer25519, canonical};
use fedproof::state::Trace;
use serde_json::{Value, json};
use state_model::{Reading, StateMap, World, key, resolve};

const USERS: [&str; 5] = [
    "@alice:one.example",
    "@bob:one.example",
    "@carol:two.example",
    "@dave:two.example",
    "@erin:three.example",
];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for index in (1..list.len()).rev() {
            list.swap(index, self.below(index + 1));
        }
    }
}

/// The token of the only invitation of a third party, and who signs for it.
const TOKEN: &str = "token";

fn third_party() -> &'static Signer25519 {
    static KEY: OnceLock<Signer25519> = OnceLock::new();
    KEY.get_or_init(|| Signer25519::new("identity.example", "ed25519:0"))
}

/// What an invite that follows on the third party's invitation has in its content.
fn signed_for(target: &str) -> Value {
    static SIGNED: OnceLock<BTreeMap<&str, Value>> = OnceLock::new();
    let signed = |user: &&'static str| {
        let mut signed = json!({"mxid": user, "token": TOKEN});
        let text = canonical(&signed);
        third_party().add(&mut signed, &text);
        (*user, signed)
    };
    SIGNED.get_or_init(|| USERS.iter().map(signed).collect())[target].clone()
}

#[derive(Clone, Default)]
struct Branch {
    state: StateMap,
    depth: i64,
    /// Earlier states, which stale events rest on.
    past: Vec<StateMap>,
}

struct Generator {
    random: Random,
    world: World,
    room_id: String,
}

impl Generator {
    fn new(version: u8, seed: u64) -> Self {
        let mut random = Random(seed);
        random.next();
        Self { random, world: World::new(version), room_id: "!room:one.example".to_owned() }
    }

    fn version(&self) -> u8 {
        self.world.version
    }

    /// An ID whose order has nothing to do with that of the events.
    fn id(&mut self) -> String {
        let (order, count) = (self.random.next() & 0xff_ffff, self.world.events.len());
        match self.version() {
            ..=2 => format!("${order:06x}{count}:one.example"),
            // As long as those that are hashes: the room is named after one of them.
            _ => format!("${order:06x}{count:037}"),
        }
    }

    fn create(&mut self) -> Branch {
        let id = self.id();
        let mut content = json!({"room_version": self.version().to_string()});
        if self.version() <= 10 {
            content["creator"] = json!(USERS[0]);
        }
        if self.version() >= 12 && self.random.once_in(3) {
            content["additional_creators"] = json!([USERS[1]]);
        }
        let mut json = json!({
            "type": "m.room.create", "state_key": "", "sender": USERS[0], "content": content,
            "origin_server_ts": 1, "depth": 1,
        });
        if self.version() >= 12 {
            self.room_id = id.replacen('$', "!", 1);
        } else {
            json["room_id"] = json!(self.room_id);
        }
        self.world.add(&id, json, Vec::new(), false);
        let state = StateMap::from([(key("m.room.create", ""), id)]);
        Branch { state, depth: 2, past: Vec::new() }
    }

    fn level(&mut self) -> Value {
        let level = self.random.pick(&[0, 50, 50, 50, 99, 100]);
        let as_text = self.version() <= 9 && self.random.once_in(12);
        if as_text { json!(level.to_string()) } else { json!(level) }
    }

    fn power_levels(&mut self) -> Value {
        let mut users = serde_json::Map::new();
        for (index, user) in USERS.iter().enumerate() {
            if index == 0 && self.version() < 12 {
                let level = if self.random.once_in(20) { 50 } else { 100 };
                users.insert((*user).to_owned(), json!(level));
            } else if (index > 1 || self.version() < 12) && self.random.once_in(2) {
                users.insert((*user).to_owned(), self.level());
            }
        }
        let mut content = json!({"users": users, "state_default": 50, "ban": 50, "kick": 50});
        for name in ["users_default", "invite", "ban", "state_default"] {
            if self.random.once_in(5) {
                content[name] = self.random.pick(&[json!(0), json!(50)]);
            }
        }
        if self.random.once_in(4) {
            content["events"] = json!({"m.room.topic": self.random.pick(&[0, 50, 100])});
        }
        content
    }

    /// What somebody may want to do: type, state key, sender, content.
    fn wish(&mut self) -> (&'static str, String, &'static str, Value) {
        let sender = if self.random.once_in(2) {
            self.random.pick(&USERS[..2])
        } else {
            self.random.pick(&USERS)
        };
        let target = self.random.pick(&USERS);
        let of_members = |membership: &str| json!({"membership": membership});
        match self.random.below(20) {
            0 => ("m.room.power_levels", String::new(), sender, self.power_levels()),
            1..=2 => ("m.room.power_levels", String::new(), USERS[0], self.power_levels()),
            3..=4 => {
                let rule = self.random.pick(&["public", "public", "invite", "knock", "restricted"]);
                ("m.room.join_rules", String::new(), sender, json!({"join_rule": rule}))
            }
            5..=7 => {
                let mut content = of_members("join");
                if self.version() >= 8 && self.random.once_in(3) {
                    content["join_authorised_via_users_server"] = json!(USERS[0]);
                }
                ("m.room.member", sender.to_owned(), sender, content)
            }
            8 => ("m.room.member", sender.to_owned(), sender, of_members("leave")),
            9..=10 => ("m.room.member", target.to_owned(), sender, of_members("ban")),
            11 => ("m.room.member", target.to_owned(), sender, of_members("leave")),
            12 => ("m.room.member", target.to_owned(), sender, of_members("invite")),
            13 if self.random.once_in(3) => {
                let event_type = self.random.pick(&["m.room.power_levels", "m.room.join_rules"]);
                (event_type, "elsewhere".to_owned(), sender, json!({}))
            }
            13 => ("m.room.member", sender.to_owned(), sender, of_members("knock")),
            14 => {
                let content = json!({"public_key": third_party().public()});
                ("m.room.third_party_invite", TOKEN.to_owned(), sender, content)
            }
            15 => {
                let mut content = of_members("invite");
                content["third_party_invite"] = json!({"signed": signed_for(target)});
                ("m.room.member", target.to_owned(), sender, content)
            }
            16 => ("m.room.name", String::new(), sender, json!({"name": "x"})),
            _ => {
                let state_key = self.random.pick(&["", "", "", "x"]).to_owned();
                let text = self.random.below(3);
                ("m.room.topic", state_key, sender, json!({"topic": text.to_string()}))
            }
        }
    }

    fn event(
        &mut self,
        branch: &mut Branch,
        is_beginning: bool,
        wish: (&'static str, String, &'static str, Value),
    ) {
        let (event_type, state_key, sender, content) = wish;
        let is_stale = !is_beginning && !branch.past.is_empty() && self.random.once_in(5);
        let cites = if is_stale {
            let past = self.random.below(branch.past.len());
            branch.past[past].clone()
        } else {
            branch.state.clone()
        };
        let mut auth_keys = vec![key("m.room.power_levels", ""), key("m.room.member", sender)];
        if self.version() <= 11 {
            auth_keys.push(key("m.room.create", ""));
        }
        if event_type == "m.room.member" {
            auth_keys.push(key("m.room.join_rules", ""));
            if state_key != sender {
                auth_keys.push(key("m.room.member", &state_key));
            }
            if content.get("third_party_invite").is_some() {
                auth_keys.push(key("m.room.third_party_invite", TOKEN));
            }
            if content.get("join_authorised_via_users_server").is_some() && sender != USERS[0] {
                auth_keys.push(key("m.room.member", USERS[0]));
            }
        }
        let mut auth = Vec::new();
        for auth_key in auth_keys {
            let Some(id) = cites.get(&auth_key) else { continue };
            if is_beginning || !self.random.once_in(12) {
                auth.push(id.clone());
            } else if self.random.once_in(2) {
                auth.push(format!("{id}gone"));
            } else if !self.random.once_in(3) {
                // Any other event of the same place, even a rejected one; and now and then beside the
                // right one.
                let world = &self.world;
                let same = |id: &&String| world.key_of(id).as_ref() == Some(&auth_key);
                let others: Vec<String> = world.events.keys().filter(same).cloned().collect();
                auth.push(self.random.pick(&others));
                if self.random.once_in(4) {
                    auth.push(id.clone());
                }
            }
        }
        self.random.shuffle(&mut auth);
        let id = self.id();
        let json = json!({
            "type": event_type, "state_key": state_key, "sender": sender, "content": content,
            "room_id": self.room_id, "depth": branch.depth,
            "origin_server_ts": self.random.below(3),
            // Some joins need one of the creator's server, and the rules only look whether it is there.
            "signatures": {"one.example": {"ed25519:a": "placeholder"}},
        });
        let rejected = !is_beginning && self.random.once_in(15);
        self.world.add(&id, json, auth, rejected);
        // Some servers have states that hold what was rejected, or what no rule allows.
        let enters = match rejected {
            true => self.random.once_in(3),
            false => self.random.once_in(12) || self.world.is_allowed(&id, &branch.state),
        };
        if enters {
            branch.past.push(branch.state.clone());
            branch.state.insert(key(event_type, &state_key), id);
            branch.depth += i64::from(!self.random.once_in(4));
        }
    }

    /// The state over two branches, as a model knows it, goes on.
    fn merge(&self, one: &Branch, two: &Branch) -> Branch {
        Branch {
            state: self.world.resolve(&[one.state.clone(), two.state.clone()]),
            depth: one.depth.max(two.depth),
            past: [&one.past[..], &two.past].concat(),
        }
    }

    fn room(self) -> Room {
        let mut generator = self;
        let (branches, events) = (2 + generator.random.below(3), 8 + generator.random.below(14));
        generator.room_of(branches, events)
    }

    fn room_of(mut self, branches: usize, events: usize) -> Room {
        let mut first = self.create();
        let by_creator = |event_type, content| (event_type, String::new(), USERS[0], content);
        let join = |user: &'static str| {
            ("m.room.member", user.to_owned(), user, json!({"membership": "join"}))
        };
        self.event(&mut first, true, join(USERS[0]));
        if !self.random.once_in(8) {
            let content = self.power_levels();
            self.event(&mut first, true, by_creator("m.room.power_levels", content));
        }
        let public = json!({"join_rule": "public"});
        self.event(&mut first, true, by_creator("m.room.join_rules", public));
        for user in &USERS[1..] {
            if !self.random.once_in(4) {
                self.event(&mut first, true, join(user));
            }
        }
        let mut branches = vec![first; branches];
        for _ in 0..events {
            let index = self.random.below(branches.len());
            let mut branch = branches[index].clone();
            let wish = self.wish();
            self.event(&mut branch, false, wish);
            let other = self.random.below(branches.len());
            if self.random.once_in(20) {
                branches[other] = branch.clone();
            } else if self.random.once_in(10) {
                branch = self.merge(&branch, &branches[other]);
            }
            branches[index] = branch;
        }
        let mut states: Vec<StateMap> = Vec::new();
        for branch in branches {
            if self.random.once_in(4) && !branch.past.is_empty() {
                states.push(self.random.pick(&branch.past));
            }
            states.push(branch.state);
        }
        if self.random.once_in(10) {
            let again = self.random.pick(&states);
            states.push(again);
        }
        if self.random.once_in(10) {
            let keys: Vec<_> = states[0].keys().cloned().collect();
            states[0].remove(&self.random.pick(&keys));
        }
        Room { world: self.world, states, random: self.random }
    }
}

struct Room {
    world: World,
    states: Vec<StateMap>,
    random: Random,
}

/// What the rooms held that makes a difference.
#[derive(Debug, Default)]
struct Seen(BTreeMap<&'static str, usize>);

impl Seen {
    fn note(&mut self, what: &'static str, is_there: bool) {
        *self.0.entry(what).or_default() += usize::from(is_there);
    }
}

fn check(mut room: Room, seed: u64, seen: &mut Seen) {
    let world = &room.world;
    let expected = world.resolve(&room.states);
    let mut order: Vec<String> = world.events.keys().cloned().collect();
    room.random.shuffle(&mut order);
    let graph = world.graph(&order);
    let name = format!("version {}, seed {seed}", world.version);
    assert_eq!(resolve(&graph, &room.states, None), expected, "{name}");

    let mut shuffled = room.states.clone();
    room.random.shuffle(&mut shuffled);
    let mut trace = Trace::default();
    assert_eq!(resolve(&graph, &shuffled, Some(&mut trace)), expected, "{name}, shuffled");

    let one = &room.states[0];
    let twice = [one.clone(), one.clone()];
    for same in [&twice[..1], &twice] {
        assert_eq!(&resolve(&graph, same, None), one, "{name}, one state");
        assert_eq!(&resolve(&graph, same, Some(&mut Trace::default())), one, "{name}, traced");
    }
    assert_eq!(&world.resolve(&twice), one, "{name}, the model");

    let difference: BTreeSet<&String> = trace.auth_difference.iter().collect();
    let conflicted: BTreeSet<&String> =
        trace.conflicted.iter().flat_map(|place| &place.events).collect();
    let only_subgraph = |id: &String| !difference.contains(id) && !conflicted.contains(id);
    seen.note("conflict", !trace.conflicted.is_empty());
    seen.note("difference", difference.iter().any(|id| !conflicted.contains(*id)));
    seen.note("subgraph", trace.conflicted_subgraph.iter().any(only_subgraph));
    seen.note("beyond", !trace.flags.is_empty());
    seen.note("deep mainline", trace.mainline.len() > 2);
    let positions: BTreeSet<_> = trace.other_events.iter().map(|event| event.position).collect();
    seen.note("positions", positions.len() > 1);
    seen.note("infinite", positions.contains(&None) && positions.len() > 1);
    for tie_break in ["power_level", "origin_server_ts", "event_id"] {
        let uses = trace.power_events.iter().any(|event| event.tie_break == tie_break);
        seen.note(tie_break, uses);
    }
    let mut checks = trace.power_checks.iter().chain(&trace.other_checks);
    seen.note("refused", checks.clone().any(|check| !check.allowed));
    seen.note("rejected", checks.any(|check| check.code == Some("event_rejected")));
    seen.note("new", room.states.iter().all(|state| *state != expected));
}

fn check_rooms(versions: &[u8], rooms: u64, common: &[&'static str]) {
    let mut seen = Seen::default();
    for seed in 0..rooms {
        let version = versions[seed as usize % versions.len()];
        let room = Generator::new(version, seed * 100 + u64::from(version)).room();
        check(room, seed, &mut seen);
    }
    for what in common {
        let count = seen.0[what];
        assert!(count > 0, "only {count} of {rooms} rooms: {what}; {seen:?}");
    }
}

const OF_ALGORITHM_2: [&str; 12] = [
    "conflict",
    "difference",
    "beyond",
    "deep mainline",
    "positions",
    "infinite",
    "power_level",
    "origin_server_ts",
    "event_id",
    "refused",
    "rejected",
    "new",
];

#[test]
fn j2_algorithm_1_is_as_the_model() {
    check_rooms(&[1], 2000, &["conflict", "refused", "new"]);
}

#[test]
fn j5_algorithm_2_is_as_the_model() {
    check_rooms(&[2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 5000, &OF_ALGORITHM_2);
}

#[test]
fn j7_algorithm_2_1_is_as_the_model() {
    let common: Vec<_> = OF_ALGORITHM_2.iter().copied().filter(|what| *what != "beyond").collect();
    check_rooms(&[12], 3000, &[common, vec!["subgraph"]].concat());
}

/// A sweep over auth chains follows 64 states at once: more of them take several.
#[test]
fn j6_many_states_are_as_the_model() {
    let mut seen = Seen::default();
    for version in [1, 2, 11, 12] {
        for branches in [40, 64, 65, 130] {
            let generator = Generator::new(version, branches as u64);
            check(generator.room_of(branches, 2 * branches), branches as u64, &mut seen);
        }
    }
    assert!(seen.0["conflict"] > 12, "{seen:?}");
}

/// How often the text is read otherwise than the homeservers in use do, and it matters: seldom, and only
/// in rooms as hostile as these. Run with `--nocapture` to see the counts.
#[test]
fn j6_the_text_differs_seldom() {
    const ROOMS: u64 = 600;
    let library = Reading::LIBRARY;
    let readings = [
        (
            "chains without the states' own events",
            Reading { own_events_in_chains: false, ..library },
        ),
        ("power events by whole chains", Reading { power_inside_the_set: false, ..library }),
        ("rejected events take part", Reading { rejected_stay_out: false, ..library }),
    ];
    for versions in [&[2, 6, 11][..], &[12]] {
        let mut differ = [0; 3];
        for seed in 0..ROOMS {
            let version = versions[seed as usize % versions.len()];
            let room = Generator::new(version, seed * 100 + u64::from(version)).room();
            let expected = room.world.resolve(&room.states);
            for ((_, reading), differ) in readings.iter().zip(&mut differ) {
                *differ += usize::from(room.world.resolve_by(&room.states, *reading) != expected);
            }
        }
        for ((name, _), differ) in readings.iter().zip(differ) {
            println!("versions {versions:?}, {name}: {differ} of {ROOMS} rooms differ");
            assert!(differ < ROOMS as usize / 10, "{name}: {differ}");
        }
        assert!(differ[2] > 0, "no rejected event matters in any of these rooms");
    }
}
