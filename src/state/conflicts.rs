//! What several states agree about, and what not.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{EventIndex, Place};
use super::snapshot::Snapshot;

/// Several states, taken apart.
#[derive(Debug)]
pub struct Conflicts {
    /// Where all of them agree.
    pub unconflicted: Snapshot,
    /// The events at each place where they do not, in order.
    pub conflicted: BTreeMap<Place, BTreeSet<EventIndex>>,
}

impl Conflicts {
    /// By algorithm 2: a place that is empty in one state and not in another is conflicted, too.
    #[must_use]
    pub fn of(states: &[Snapshot]) -> Self {
        let mut unconflicted = states.first().cloned().unwrap_or_default();
        let conflicted = differing(states);
        for place in conflicted.keys() {
            unconflicted.set(*place, None);
        }
        Self { unconflicted, conflicted }
    }

    /// By algorithm 1: only the states that have an event at a place count there.
    #[must_use]
    pub fn of_present(states: &[Snapshot]) -> Self {
        let Self { mut unconflicted, conflicted } = Self::of(states);
        let mut differing = BTreeMap::new();
        for (place, events) in conflicted {
            match events.first() {
                Some(event) if events.len() == 1 => unconflicted.set(place, Some(*event)),
                _ => drop(differing.insert(place, events)),
            }
        }
        Self { unconflicted, conflicted: differing }
    }

    /// The conflicted state set: all events of all conflicted places.
    pub fn events(&self) -> impl Iterator<Item = EventIndex> {
        self.conflicted.values().flatten().copied()
    }
}

fn differing(states: &[Snapshot]) -> BTreeMap<Place, BTreeSet<EventIndex>> {
    let mut places = BTreeMap::new();
    let Some((first, others)) = states.split_first() else { return places };
    for other in others {
        first.differences(other, |place, _, _| {
            places.entry(place).or_insert_with(BTreeSet::new);
        });
    }
    for (place, events) in &mut places {
        events.extend(states.iter().filter_map(|state| state.get(*place)));
    }
    places
}
