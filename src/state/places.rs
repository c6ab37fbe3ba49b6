//! The places in the state of a room, by type and state key. Those that the authorization rules look at
//! again and again are found without hashing the type, nor a state key that is empty.

use std::collections::HashMap;

use super::graph::Place;
use crate::auth::EventType;

/// The numbers of the places.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Of the types that the rules know, by these.
    known: [ByKey; EventType::KNOWN],
    /// Of the others, by their names.
    others: HashMap<Box<str>, ByKey>,
}

/// Places of one type by their state keys.
#[derive(Debug, Default)]
struct ByKey {
    empty: Option<Place>,
    others: HashMap<Box<str>, Place>,
}

impl Places {
    pub fn get(&self, event_type: &str, state_key: &str) -> Option<Place> {
        let by_key = match EventType::of(event_type) {
            EventType::Other => self.others.get(event_type)?,
            known => self.known.get(known as usize)?,
        };
        if state_key.is_empty() { by_key.empty } else { by_key.others.get(state_key).copied() }
    }

    pub fn insert(&mut self, event_type: &str, state_key: &str, place: Place) {
        let by_key = match EventType::of(event_type) {
            EventType::Other => Some(self.others.entry(event_type.into()).or_default()),
            known => self.known.get_mut(known as usize),
        };
        let Some(by_key) = by_key else { return };
        if state_key.is_empty() {
            by_key.empty = Some(place);
        } else {
            by_key.others.insert(state_key.into(), place);
        }
    }
}
