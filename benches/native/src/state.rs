//! State resolution: forks whose two states become one, from a room that each side has taken in
//! before. ruma asks its caller for the auth chains of the states; finding them is part of the work.

use std::collections::HashMap;
use std::hint::black_box;
use std::io::{BufRead, Write};

use cpu_time::ProcessTime;
use fedproof::room_version::RoomVersion;
use ruma_common::room_version_rules::RoomVersionRules;
use ruma_common::{EventId, OwnedEventId, RoomVersionId};
use ruma_events::StateEventType;
use ruma_state_res::utils::event_id_set::EventIdSet;
use ruma_state_res::{Event, StateMap};
use serde_json::{Value, json};

use crate::made::forks::Fork;
use crate::made::maker::{Branch, Maker};
use crate::made::ours::{Ours, digest};
use crate::made::replay;
use crate::ruma::Pdu;
use crate::{Pace, race};

/// A room as ruma's callers have it.
struct Ruma {
    rules: RoomVersionRules,
    events: HashMap<OwnedEventId, Pdu>,
    states: Vec<StateMap<OwnedEventId>>,
}

impl Ruma {
    fn new(fork: &Fork) -> Self {
        let read =
            |id: &str, text: &str| (EventId::parse(id).unwrap(), Pdu::read(id, text).unwrap());
        let state = |branch: &Branch| {
            let entries = branch.state().into_iter().map(|((event_type, key), id)| {
                ((StateEventType::from(event_type), key), EventId::parse(&*id).unwrap())
            });
            entries.collect()
        };
        Self {
            rules: RoomVersionId::try_from(fork.version.id).unwrap().rules().unwrap(),
            events: fork.events.iter().map(|made| read(&made.id, &made.text)).collect(),
            states: fork.branches.iter().map(state).collect(),
        }
    }

    /// The events of a state and all that they rest on.
    fn auth_chain(&self, state: &StateMap<OwnedEventId>) -> EventIdSet<OwnedEventId> {
        let mut chain = EventIdSet::with_capacity(self.events.len());
        let mut pending: Vec<&OwnedEventId> = state.values().collect();
        while let Some(id) = pending.pop() {
            if !chain.contains(id) {
                chain.insert(id.clone());
                pending.extend(self.events[id].auth_events());
            }
        }
        chain
    }

    fn auth_chains(&self) -> Vec<EventIdSet<OwnedEventId>> {
        self.states.iter().map(|state| self.auth_chain(state)).collect()
    }

    fn resolve(&self, auth_chains: Vec<EventIdSet<OwnedEventId>>) -> StateMap<OwnedEventId> {
        let resolution = self.rules.state_res.v2_rules().unwrap();
        let fetch = |id: &EventId| self.events.get(id);
        let states = black_box(&self.states);
        // Room versions before 12 do not ask for the subgraph.
        ruma_state_res::resolve(
            &self.rules.authorization,
            resolution,
            states,
            auth_chains,
            fetch,
            |_| None,
        )
        .unwrap()
    }

    fn digest(&self) -> String {
        let state = self.resolve(self.auth_chains());
        let names: Vec<_> = state
            .iter()
            .map(|((event_type, key), id)| (event_type.to_string(), key, id.as_str()))
            .collect();
        digest(names.iter().map(|(event_type, key, id)| (event_type.as_str(), key.as_str(), *id)))
    }
}

/// The rows of the table.
pub fn rows() -> Vec<Value> {
    let version = RoomVersion::get("11").unwrap();
    let forks = [
        ("1,000 conflicting joins", Fork::of_joins(version, 1000)),
        ("1,000 conflicting changes of power levels", Fork::of_power_levels(version, 1000)),
    ];
    forks.iter().flat_map(|(what, fork)| fork_rows(what, fork)).collect()
}

fn fork_rows(what: &str, fork: &Fork) -> [Value; 2] {
    let ours = Ours::new(fork);
    let ruma = Ruma::new(fork);
    assert_eq!(ours.digest(), ruma.digest(), "fedproof and ruma do not agree about {what}");
    let chains = ruma.auth_chains();
    let resolve = |_: &str| black_box(ours.resolve()).iter().count();
    let [ours, theirs, without] = race(
        Pace { rounds: 21, block: 1 },
        &["the same each time"],
        [&resolve, &|_| ruma.resolve(ruma.auth_chains()).len(), &|_| {
            ruma.resolve(chains.clone()).len()
        }],
    );
    let row = |what: String, theirs: &crate::Times, goal: Option<f64>| {
        json!({
            "part": "State resolution, native", "what": what, "against": "ruma",
            "ours": ours.median(), "theirs": theirs.median(), "ratio": ours.ratio(theirs), "goal": goal,
        })
    };
    [
        row(format!("two branches, each with {what}"), &theirs, Some(3.0)),
        row("the same, ruma given the auth chains as a copy".to_owned(), &without, None),
    ]
}

/// Resolves the fork of a big room as often as a line comes in, and answers with the CPU time that
/// took in microseconds; at first with the state that comes out.
pub fn serve_ruma(members: usize, disputed: usize) {
    let version = RoomVersion::get("11").unwrap();
    let ruma = Ruma::new(&Fork::of_profiles(version, members, disputed));
    println!("{}", ruma.digest());
    for _ in std::io::stdin().lock().lines() {
        let since = ProcessTime::now();
        black_box(ruma.resolve(ruma.auth_chains()));
        println!("{}", since.elapsed().as_secs_f64() * 1e6);
    }
}

/// Writes the events of a room, one a line.
pub fn write_room(version: &str, count: usize, file: &str) {
    let mut out = std::io::BufWriter::new(std::fs::File::create(file).unwrap());
    let mut maker = Maker::new(RoomVersion::get(version).unwrap());
    replay::events(&mut maker, count, |made| writeln!(out, "{}", made.text).unwrap());
    out.flush().unwrap();
}
