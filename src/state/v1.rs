//! Algorithm 1, of room version 1.
//!
//! Spec: <https://spec.matrix.org/v1.19/rooms/v1/#state-resolution>

use std::collections::BTreeMap;

use sha1::{Digest, Sha1};

use super::conflicts::Conflicts;
use super::graph::{EventIndex, Graph, Node, Place};
use super::snapshot::Snapshot;
use super::trace::{Applied, Trace};
use crate::auth::{Ask, Decision, Event, JOIN_RULES, MEMBER, POWER_LEVELS, State, state_rules};
use crate::ordered;

/// The state that several states become.
pub fn resolve(graph: &Graph, states: &[Snapshot], mut trace: Option<&mut Trace>) -> Snapshot {
    let conflicts = Conflicts::of_present(states);
    if let Some(trace) = trace.as_deref_mut() {
        trace.begin(graph, "1", &conflicts);
    }
    let mut resolution =
        Resolution { graph, known: conflicts.unconflicted.clone(), applied: Vec::new() };
    let mut rest: BTreeMap<Place, Vec<EventIndex>> = BTreeMap::new();
    for (place, events) in &conflicts.conflicted {
        rest.insert(*place, resolution.ordered(events.iter().copied()));
    }
    // Power levels, then join rules, then memberships: each kind by what the ones before became.
    for event_type in [POWER_LEVELS, JOIN_RULES, MEMBER] {
        let is_of_type = |place: &Place| {
            let (name, key) = graph.name(*place);
            name == event_type && (event_type != POWER_LEVELS || key.is_empty())
        };
        let places: Vec<Place> = rest.keys().filter(|place| is_of_type(place)).copied().collect();
        let mut resolved = Vec::new();
        for place in places {
            let events = rest.remove(&place).unwrap_or_default();
            resolved.extend(resolution.by_auth(&events).map(|event| (place, event)));
        }
        for (place, event) in resolved {
            resolution.known.set(place, Some(event));
        }
    }
    let resolved: Vec<_> = rest
        .into_iter()
        .filter_map(|(place, events)| Some((place, resolution.by_depth(&events)?)))
        .collect();
    for (place, event) in resolved {
        resolution.known.set(place, Some(event));
    }
    if let Some(trace) = trace {
        trace.other_checks = resolution.applied;
        trace.end(graph, &conflicts, &resolution.known);
    }
    resolution.known
}

struct Resolution<'g> {
    graph: &'g Graph,
    /// What is not in conflict, or not any more.
    known: Snapshot,
    applied: Vec<Applied>,
}

impl Resolution<'_> {
    /// The greatest depth first, then the smallest SHA-1 of the ID.
    fn ordered(&self, events: impl Iterator<Item = EventIndex>) -> Vec<EventIndex> {
        let mut ranked: Vec<_> = events
            .filter_map(|index| {
                let event = &self.graph.node(index)?.event;
                let hash = <[u8; 20]>::from(Sha1::digest(event.id().as_bytes()));
                Some((std::cmp::Reverse(event.pdu().depth()), hash, index))
            })
            .collect();
        ordered::sort(&mut ranked);
        ranked.into_iter().map(|(_, _, index)| index).collect()
    }

    /// From the least depth up: each event enters if the state with the one before it allows that; the
    /// first that is not allowed ends it.
    fn by_auth(&mut self, events: &[EventIndex]) -> Option<EventIndex> {
        let mut upwards = events.iter().rev().copied();
        let mut winner = upwards.next()?;
        for event in upwards {
            if !self.is_allowed(event, Some(winner)) {
                break;
            }
            winner = event;
        }
        Some(winner)
    }

    /// From the greatest depth down, the first event that the state allows; the last if it allows none.
    fn by_depth(&mut self, events: &[EventIndex]) -> Option<EventIndex> {
        let allowed = events.iter().copied().find(|event| self.is_allowed(*event, None));
        allowed.or(events.last().copied())
    }

    fn is_allowed(&mut self, index: EventIndex, entered: Option<EventIndex>) -> bool {
        let Some(node) = self.graph.node(index) else { return false };
        let entered = entered.and_then(|index| self.graph.node(index));
        let state = Known { graph: self.graph, state: &self.known, entered };
        let create = self.graph.create(&node.event);
        let decision = state_rules(&node.event, &state, create, Ask::Reason).decision;
        let allowed = matches!(decision, Decision::Allow(_));
        self.applied.push(Applied::new(self.graph, node, Some(&decision)));
        allowed
    }
}

struct Known<'a> {
    graph: &'a Graph,
    state: &'a Snapshot,
    entered: Option<&'a Node>,
}

impl State for Known<'_> {
    fn get(&self, event_type: &str, state_key: &str) -> Option<&Event> {
        let place = self.graph.place(event_type, state_key)?;
        let entered = self.entered.filter(|node| node.place == Some(place));
        let node = entered.or_else(|| self.graph.node(self.state.get(place)?));
        node.map(|node| &node.event)
    }

    fn has_joined_user_of(&self, _: &str) -> bool {
        false
    }
}
