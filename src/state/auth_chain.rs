//! Auth chains: the auth difference, and the conflicted state subgraph.
//!
//! Edges lead from larger numbers to smaller ones. Both walks begin at the events in conflict and end
//! where all states agree again, so that what they cost depends on the fork and not on the room.
//! Nothing is recursive, and each edge is looked at once.

use std::collections::{BTreeSet, HashMap};

use super::conflicts::Conflicts;
use super::graph::{EventIndex, Graph};
use super::snapshot::Snapshot;

/// How many states one walk follows: a bit each.
const LANES: usize = 64;

/// The events that some of the states rest on, and not all: those in the states themselves, and all
/// that they cite, directly or not.
///
/// The text of the specification leaves the states' own events out of their chains. Synapse does not,
/// so that an event on which all states agree is in no difference; this follows Synapse.
#[must_use]
pub fn auth_difference(
    graph: &Graph,
    states: &[Snapshot],
    conflicts: &Conflicts,
) -> BTreeSet<EventIndex> {
    let mut different = BTreeSet::new();
    let Some((first, others)) = states.split_first() else { return different };
    // Not all states rest on an event just when another does and the first does not, or the other way
    // round: so the first is in each group.
    for others in others.chunks(LANES.saturating_sub(1)) {
        let states: Vec<&Snapshot> = std::iter::once(first).chain(others).collect();
        let mut support = Support::new(graph, &states);
        let mut pending: Vec<EventIndex> = conflicts.events().collect();
        let mut found = BTreeSet::new();
        // What an event cites rests under all states that the event itself rests under: behind an event
        // of all states there is no difference.
        while let Some(event) = pending.pop() {
            let lanes = support.of(event);
            if lanes != 0 && lanes != support.full && found.insert(event) {
                pending.extend(auth(graph, event));
            }
        }
        different.append(&mut found);
    }
    different
}

/// Which states rest on an event.
struct Support<'a> {
    graph: &'a Graph,
    states: &'a [&'a Snapshot],
    /// All of them.
    full: u64,
    /// What was found out.
    known: HashMap<EventIndex, u64>,
}

/// An event on the way up from one to those that rest on it.
struct Visit<'a> {
    event: EventIndex,
    /// The states that are known to rest on it.
    lanes: u64,
    /// The events citing it that have not been asked.
    cited_by: &'a [EventIndex],
}

impl<'a> Support<'a> {
    fn new(graph: &'a Graph, states: &'a [&'a Snapshot]) -> Self {
        let full = (0..states.len()).fold(0, |lanes, lane| lanes | bit(lane));
        Self { graph, states, full, known: HashMap::new() }
    }

    /// The states that rest on an event: those in which it stands, and those that rest on an event that
    /// cites it. Asks no further when all do.
    fn of(&mut self, event: EventIndex) -> u64 {
        if let Some(known) = self.known.get(&event) {
            return *known;
        }
        let mut path = vec![self.visit(event)];
        let mut lanes = 0;
        while let Some(visit) = path.last_mut() {
            visit.lanes |= std::mem::take(&mut lanes);
            // The newest first: it is the likeliest to stand in a state.
            match visit.cited_by.split_last().filter(|_| visit.lanes != self.full) {
                Some((citing, rest)) => {
                    visit.cited_by = rest;
                    match self.known.get(citing) {
                        Some(known) => lanes = *known,
                        None => path.push(self.visit(*citing)),
                    }
                }
                None => {
                    lanes = visit.lanes;
                    self.known.insert(visit.event, lanes);
                    path.pop();
                }
            }
        }
        lanes
    }

    fn visit(&self, event: EventIndex) -> Visit<'a> {
        let place = self.graph.node(event).and_then(|node| node.place);
        let stands = |state: &Snapshot| place.is_some_and(|place| state.get(place) == Some(event));
        let standing = self.states.iter().enumerate().filter(|(_, state)| stands(state));
        Visit {
            event,
            lanes: standing.fold(0, |lanes, (lane, _)| lanes | bit(lane)),
            cited_by: self.graph.cited_by(event),
        }
    }
}

fn bit(lane: usize) -> u64 {
    1u64.checked_shl(u32::try_from(lane).unwrap_or(u32::MAX)).unwrap_or(0)
}

fn auth(graph: &Graph, event: EventIndex) -> impl Iterator<Item = EventIndex> {
    graph.node(event).into_iter().flat_map(|node| node.auth.iter().copied())
}

/// The events on all paths along auth edges from one conflicted event to another, both included.
#[must_use]
pub fn conflicted_subgraph(graph: &Graph, conflicts: &Conflicts) -> BTreeSet<EventIndex> {
    let conflicted: BTreeSet<EventIndex> = conflicts.events().collect();
    let Some(oldest) = conflicted.first().copied() else { return conflicted };
    // Downwards: what a conflicted event rests on. No path ends below the oldest of them.
    let mut below = BTreeSet::new();
    let mut pending: Vec<EventIndex> = conflicted.iter().copied().collect();
    while let Some(event) = pending.pop() {
        if event >= oldest && below.insert(event) {
            pending.extend(auth(graph, event));
        }
    }
    // Upwards, of these: what rests on a conflicted event.
    let mut on_path = conflicted;
    for event in below {
        if auth(graph, event).any(|cited| on_path.contains(&cited)) {
            on_path.insert(event);
        }
    }
    on_path
}
