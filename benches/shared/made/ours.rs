//! Resolving a fork by fedproof: from the graph of a room that was taken in before.

use fedproof::auth::Event;
use fedproof::encoding;
use fedproof::event::{Limits, Pdu};
use fedproof::json::{self, Numbers};
use fedproof::sha256;
use fedproof::state::{Graph, Snapshot, resolve};

use super::forks::Fork;
use super::maker::State;

/// A room as it lies in memory, and the states of its two branches.
pub struct Ours {
    graph: Graph,
    states: [Snapshot; 2],
}

impl Ours {
    pub fn new(fork: &Fork) -> Self {
        let mut graph = Graph::new(fork.version);
        for made in &fork.events {
            let json = json::parse(made.text.as_bytes(), Numbers::Keep).unwrap();
            let pdu = Pdu::from_canonical(json, fork.version, Limits::All).ok().unwrap();
            graph.add(Event::new(pdu, &*made.id), false);
        }
        let set = |snapshot: &mut Snapshot, state: &State| {
            for ((event_type, state_key), id) in state {
                snapshot.set(graph.place(event_type, state_key).unwrap(), graph.find(id));
            }
        };
        let mut base = Snapshot::default();
        set(&mut base, &fork.branches[0].base);
        let states = [0, 1].map(|branch| {
            let mut state = base.clone();
            set(&mut state, &fork.branches[branch].changes);
            state
        });
        Self { graph, states }
    }

    pub fn resolve(&self) -> Snapshot {
        resolve(&self.graph, &self.states, None)
    }

    /// The resolved state as [`digest`] has it.
    pub fn digest(&self) -> String {
        let graph = &self.graph;
        digest(self.resolve().iter().map(|(place, event)| {
            let (event_type, state_key) = graph.name(place);
            (event_type, state_key, graph.id(event))
        }))
    }
}

/// One text for a state: a hash over all that is in it.
pub fn digest<'a>(entries: impl Iterator<Item = (&'a str, &'a str, &'a str)>) -> String {
    let mut entries: Vec<_> = entries.collect();
    entries.sort_unstable();
    encoding::encode(&sha256::hash(format!("{entries:?}").as_bytes()))
}
