//! The edges of what is there of a room: the forward extremities, and the history before what it
//! begins with.

use std::collections::BTreeSet;

use super::{Placed, Room};
use crate::state::graph::EventIndex;
use crate::state::resolve;
use crate::verdict::Outcome;

impl Room {
    /// Takes note of an accepted event that has its place now: what it follows on and has none is
    /// history, and unless it is history itself, it is a forward extremity.
    pub(super) fn extend_edges(&mut self, index: EventIndex) {
        let node = self.graph.node(index).into_iter();
        let named = node.flat_map(|node| node.event.pdu().prev_events());
        let unplaced = named.filter(|reference| self.find_placed(&reference.event_id).is_none());
        self.follow(unplaced.map(|reference| reference.event_id.into_owned()).collect());
        if self.place(index).is_some_and(|place| !place.historical) {
            let replaced = self.supersede(index);
            self.extremities.insert(index);
            if !self.is_state_kept(index, &replaced) {
                self.renew_current();
            }
        }
    }

    /// Is the state after an event that of each extremity that it replaced? Then the states over the
    /// extremities are those that they were, and become what they became.
    fn is_state_kept(&self, index: EventIndex, replaced: &[EventIndex]) -> bool {
        let Some(after) = self.state_after(index) else { return false };
        let has_it =
            |event: &EventIndex| self.state_after(*event).is_some_and(|state| state.is_same(after));
        !replaced.is_empty() && replaced.iter().all(has_it)
    }

    /// These events are history if they have no place yet, and so is what they follow on, as far as that
    /// is known.
    pub(super) fn follow(&mut self, mut ids: Vec<String>) {
        while let Some(id) = ids.pop() {
            if self.find_placed(&id).is_some() || self.history.contains(&id) {
                continue;
            }
            let waiting = self.waits.get(&id).filter(|waiting| !waiting.lacks_key());
            ids.extend(waiting.into_iter().flat_map(|waiting| waiting.previous.iter().cloned()));
            self.history.insert(id);
        }
    }

    /// What an accepted event follows on is no forward extremity any more. Nor is what it follows on by way
    /// of events that are none themselves, being rejected, soft failed or history. What is below such
    /// events is looked at once: nothing comes there later that could be one.
    /// Gives the extremities that it replaces.
    fn supersede(&mut self, index: EventIndex) -> Vec<EventIndex> {
        let mut replaced = Vec::new();
        let mut pending = vec![index];
        while let Some(event) = pending.pop() {
            let Some(place) = self.place(event) else { continue };
            let previous: Vec<EventIndex> = place.previous.iter().copied().collect();
            for event in previous {
                if self.extremities.remove(&event) {
                    replaced.push(event);
                }
                let is_aside = self.is_aside(event);
                let known = self.known.get_mut(event.index());
                if let Some(place) = known.and_then(|known| known.place.as_mut())
                    && is_aside
                    && !place.passed
                {
                    place.passed = true;
                    pending.push(event);
                }
            }
        }
        replaced
    }

    /// Has it a place, but is never a forward extremity?
    fn is_aside(&self, event: EventIndex) -> bool {
        let historical = self.place(event).is_some_and(|place| place.historical);
        historical || self.outcome(event) != Some(Outcome::Accepted)
    }

    fn renew_current(&mut self) {
        self.current = resolve(&self.graph, &self.states_after(&self.extremities), None);
    }

    /// Finds the forward extremities anew.
    pub(super) fn renew_edges(&mut self) {
        for known in &mut self.known {
            if let Some(Placed { passed, .. }) = &mut known.place {
                *passed = false;
            }
        }
        self.extremities = BTreeSet::new();
        for index in self.placed.clone() {
            if !self.is_aside(index) {
                self.supersede(index);
                self.extremities.insert(index);
            }
        }
        self.renew_current();
    }
}
