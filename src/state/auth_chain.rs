//! Auth chains: the auth difference, and the conflicted state subgraph.
//!
//! Edges lead from larger numbers to smaller ones, so that one loop downwards carries what is known
//! of an event to all that it rests on. Nothing is recursive, and each edge is looked at once.

use super::conflicts::Conflicts;
use super::graph::{EventIndex, Graph};
use super::snapshot::Snapshot;

/// How many states one sweep follows: a bit each.
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
) -> Vec<EventIndex> {
    let mut in_all = vec![true; graph.len()];
    let mut in_any = vec![false; graph.len()];
    for lanes in states.chunks(LANES) {
        let masks = sweep(graph, lanes, conflicts);
        let full = full_mask(lanes.len());
        for ((mask, in_all), in_any) in masks.iter().zip(&mut in_all).zip(&mut in_any) {
            *in_all &= *mask == full;
            *in_any |= *mask != 0;
        }
    }
    let different =
        in_all.iter().zip(&in_any).enumerate().filter(|(_, (all, any))| **any && !**all);
    different.filter_map(|(index, _)| u32::try_from(index).ok().map(EventIndex)).collect()
}

fn full_mask(lanes: usize) -> u64 {
    let unused = LANES.saturating_sub(lanes);
    u64::MAX.checked_shr(u32::try_from(unused).unwrap_or(0)).unwrap_or(0)
}

/// For each event, the states that rest on it.
fn sweep(graph: &Graph, states: &[Snapshot], conflicts: &Conflicts) -> Vec<u64> {
    let full = full_mask(states.len());
    let mut masks = vec![0u64; graph.len()];
    let mut add = |event: EventIndex, lanes: u64| {
        if let Some(mask) = masks.get_mut(event.index()) {
            *mask |= lanes;
        }
    };
    for (_, event) in conflicts.unconflicted.iter() {
        add(event, full);
    }
    for place in conflicts.conflicted.keys() {
        for (lane, state) in states.iter().enumerate() {
            if let Some(event) = state.get(*place) {
                add(event, 1u64.checked_shl(u32::try_from(lane).unwrap_or(0)).unwrap_or(0));
            }
        }
    }
    for index in (0..graph.len()).rev() {
        let mask = masks.get(index).copied().unwrap_or(0);
        let node = u32::try_from(index).ok().and_then(|index| graph.node(EventIndex(index)));
        if mask != 0 {
            for cited in node.into_iter().flat_map(|node| &node.auth) {
                if let Some(of_cited) = masks.get_mut(cited.index()) {
                    *of_cited |= mask;
                }
            }
        }
    }
    masks
}

/// The events on all paths along auth edges from one conflicted event to another, both included.
#[must_use]
pub fn conflicted_subgraph(graph: &Graph, conflicts: &Conflicts) -> Vec<EventIndex> {
    let mut conflicted = vec![false; graph.len()];
    for event in conflicts.events() {
        if let Some(flag) = conflicted.get_mut(event.index()) {
            *flag = true;
        }
    }
    let auth = |index: usize| {
        let node = u32::try_from(index).ok().and_then(|index| graph.node(EventIndex(index)));
        node.into_iter().flat_map(|node| node.auth.iter())
    };
    // Downwards: what a conflicted event rests on. Upwards: what rests on a conflicted event.
    let mut below = conflicted.clone();
    for index in (0..graph.len()).rev() {
        if below.get(index) == Some(&true) {
            for cited in auth(index) {
                if let Some(flag) = below.get_mut(cited.index()) {
                    *flag = true;
                }
            }
        }
    }
    let mut above = conflicted;
    for index in 0..graph.len() {
        let rests = auth(index).any(|cited| above.get(cited.index()) == Some(&true));
        if let Some(flag) = above.get_mut(index) {
            *flag |= rests;
        }
    }
    let on_path =
        below.iter().zip(&above).enumerate().filter(|(_, (below, above))| **below && **above);
    on_path.filter_map(|(index, _)| u32::try_from(index).ok().map(EventIndex)).collect()
}
