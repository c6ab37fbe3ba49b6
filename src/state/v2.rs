//! Algorithm 2, and 2.1.
//!
//! Spec: <https://spec.matrix.org/v1.19/rooms/v2/#state-resolution>,
//! <https://spec.matrix.org/v1.19/rooms/v12/#state-resolution>

use std::collections::BTreeSet;

use super::auth_chain::{auth_difference, conflicted_subgraph};
use super::conflicts::Conflicts;
use super::graph::{EventIndex, Graph, Node};
use super::iterative_auth::Partial;
use super::mainline::Mainline;
use super::power_order::{self, is_power_event};
use super::snapshot::Snapshot;
use super::trace::Trace;
use crate::auth::POWER_LEVELS;
use crate::ordered;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Room versions 2 to 11.
    V2,
    /// Room version 12: with the conflicted subgraph, and from an empty state.
    V2_1,
}

/// The state that several states become.
pub fn resolve(
    graph: &Graph,
    states: &[Snapshot],
    variant: Variant,
    mut trace: Option<&mut Trace>,
) -> Snapshot {
    let conflicts = Conflicts::of(states);
    if let Some(trace) = trace.as_deref_mut() {
        trace.begin(graph, if variant == Variant::V2 { "2" } else { "2.1" }, &conflicts);
    }
    if conflicts.conflicted.is_empty() {
        return conflicts.unconflicted;
    }
    let difference = auth_difference(graph, states, &conflicts);
    let subgraph = match variant {
        Variant::V2 => BTreeSet::new(),
        Variant::V2_1 => conflicted_subgraph(graph, &conflicts),
    };
    let full = ordered::set(
        conflicts.events().chain(difference.iter().copied()).chain(subgraph.iter().copied()),
    );
    if let Some(trace) = trace.as_deref_mut() {
        trace.full_conflicted_set(graph, &difference, &subgraph, &full);
    }

    // Step 1: power events, and what they rest on of the full conflicted set.
    let power = power_events(graph, &full);
    let sorted = power_order::sort(graph, &power);
    if let Some(trace) = trace.as_deref_mut() {
        trace.power_events(graph, &sorted, beyond_the_set(graph, &full, &power));
    }
    // Step 2: the first iterative auth checks.
    let base = match variant {
        Variant::V2 => conflicts.unconflicted.clone(),
        Variant::V2_1 => Snapshot::default(),
    };
    let mut partial = Partial::new(graph, base);
    let in_order = sorted.iter().map(|ordered| ordered.event);
    partial.apply(in_order, trace.as_deref_mut().map(|trace| &mut trace.power_checks));

    // Steps 3 and 4: the other events, by the mainline of the power levels that came out.
    let power_levels = graph.place(POWER_LEVELS, "").and_then(|place| partial.get(place));
    let mut mainline = Mainline::of(graph, power_levels);
    let others = mainline.sort(graph, full.iter().filter(|event| !power.contains(event)).copied());
    if let Some(trace) = trace.as_deref_mut() {
        trace.mainline(graph, &mainline.events, &others);
    }
    let in_order = others.iter().map(|(event, _)| *event);
    partial.apply(in_order, trace.as_deref_mut().map(|trace| &mut trace.other_checks));

    // Step 5: what was not in conflict stands.
    let mut resolved = conflicts.unconflicted.clone();
    for (place, event) in partial.changes() {
        if conflicts.unconflicted.get(place).is_none() {
            resolved.set(place, Some(event));
        }
    }
    if let Some(trace) = trace {
        trace.end(graph, &conflicts, &resolved);
    }
    resolved
}

/// The power events of the full conflicted set, and the events in it that they rest on.
///
/// By the text, those are all of their auth chains that lie in the set. Synapse walks along auth edges
/// inside the set only, and so does not find what lies behind an event that is outside; this follows
/// Synapse. ([`beyond_the_set`] tells when that makes a difference.)
fn power_events(graph: &Graph, full: &BTreeSet<EventIndex>) -> BTreeSet<EventIndex> {
    let is_power = |event: &&EventIndex| graph.node(**event).is_some_and(is_power_event);
    let mut pending: Vec<EventIndex> = full.iter().filter(is_power).copied().collect();
    let mut found = BTreeSet::new();
    while let Some(event) = pending.pop() {
        if found.insert(event) {
            pending.extend(cited(graph, event).filter(|cited| full.contains(cited)));
        }
    }
    found
}

/// The events that by the text of the specification belong to the power events, and by Synapse do not.
fn beyond_the_set(
    graph: &Graph,
    full: &BTreeSet<EventIndex>,
    power: &BTreeSet<EventIndex>,
) -> Vec<EventIndex> {
    let mut seen = BTreeSet::new();
    let mut pending: Vec<EventIndex> = power.iter().copied().collect();
    while let Some(event) = pending.pop() {
        if seen.insert(event) {
            pending.extend(cited(graph, event));
        }
    }
    seen.into_iter().filter(|event| full.contains(event) && !power.contains(event)).collect()
}

fn cited(graph: &Graph, event: EventIndex) -> impl Iterator<Item = EventIndex> {
    graph.node(event).into_iter().flat_map(|node: &Node| node.auth.iter().copied())
}
