//! The iterative auth checks: events in order, each entering the state if what is there allows it.

use std::collections::HashMap;

use super::graph::{EventIndex, Graph, Node, Place};
use super::snapshot::Snapshot;
use super::trace::Applied;
use crate::auth::{Ask, Decision, Event, State, state_rules};

/// A state that is being built.
#[derive(Debug)]
pub struct Partial<'g> {
    graph: &'g Graph,
    /// What it began with.
    base: Snapshot,
    /// What has come since.
    changes: HashMap<Place, EventIndex>,
}

impl<'g> Partial<'g> {
    /// Begins with a state.
    #[must_use]
    pub fn new(graph: &'g Graph, base: Snapshot) -> Self {
        Self { graph, base, changes: HashMap::new() }
    }

    /// The event at a place.
    #[must_use]
    pub fn get(&self, place: Place) -> Option<EventIndex> {
        self.changes.get(&place).copied().or_else(|| self.base.get(place))
    }

    /// The events that entered.
    pub fn changes(&self) -> impl Iterator<Item = (Place, EventIndex)> {
        self.changes.iter().map(|(place, event)| (*place, *event))
    }

    /// Puts an event into its place.
    pub fn set(&mut self, place: Place, event: EventIndex) {
        self.changes.insert(place, event);
    }

    /// Applies events in order; those that are not allowed are passed over.
    pub fn apply(
        &mut self,
        events: impl IntoIterator<Item = EventIndex>,
        mut trace: Option<&mut Vec<Applied>>,
    ) {
        let ask = if trace.is_some() { Ask::Reason } else { Ask::Decision };
        for index in events {
            let Some(node) = self.graph.node(index) else { continue };
            let Some(place) = node.place else { continue };
            let decision = self.decide(node, ask);
            if let Some(trace) = trace.as_deref_mut() {
                trace.push(Applied::new(self.graph, node, decision.as_ref()));
            }
            if decision.is_some_and(|decision| decision.is_allowed()) {
                self.changes.insert(place, index);
            }
        }
    }

    /// What the authorization rules say; `None` for an event that was rejected before, which stays out.
    fn decide(&self, node: &Node, ask: Ask) -> Option<Decision> {
        if node.rejected {
            return None;
        }
        let state = View { partial: self, node };
        let create = self.graph.create(&node.event);
        Some(state_rules(&node.event, &state, create, ask).decision)
    }
}

/// The state before an event: what the partial state has, and for what it has not, the event's own auth
/// events.
struct View<'p, 'g> {
    partial: &'p Partial<'g>,
    node: &'p Node,
}

impl State for View<'_, '_> {
    fn get(&self, event_type: &str, state_key: &str) -> Option<&Event> {
        let graph = self.partial.graph;
        let place = graph.place(event_type, state_key)?;
        let usable = |index: EventIndex| graph.node(index).filter(|node| !node.rejected);
        let of_state = self.partial.get(place).and_then(usable);
        let mut own = self.node.auth.iter().filter_map(|index| usable(*index));
        let found = of_state.or_else(|| own.rfind(|node| node.place == Some(place)));
        found.map(|node| &node.event)
    }

    fn has_joined_user_of(&self, _: &str) -> bool {
        // Policy servers have no part in state resolution.
        false
    }
}
