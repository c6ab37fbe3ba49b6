//! A room state as the rules see it: an event for a type and a state key.

use std::collections::HashMap;

use super::event::{Event, EventType, MEMBER, Membership};
use crate::identifiers::domain_of;

/// A room state, from which the rules take the few events they need.
pub trait State {
    /// The event for a type and a state key.
    fn get(&self, event_type: &str, state_key: &str) -> Option<&Event>;

    /// Is any user of a server joined?
    fn has_joined_user_of(&self, server: &str) -> bool;
}

/// A room state that borrows its events.
#[derive(Debug, Default, Clone)]
pub struct StateMap<'a> {
    /// Of the types that the rules know, by these.
    known: [ByKey<'a>; EventType::KNOWN],
    /// Of the others, by their names.
    others: HashMap<String, ByKey<'a>>,
}

/// Events of one type by their state keys.
#[derive(Debug, Default, Clone)]
struct ByKey<'a> {
    /// Of the empty state key, which nearly all but members have.
    empty: Option<&'a Event>,
    others: HashMap<&'a str, &'a Event>,
}

impl<'a> ByKey<'a> {
    fn insert(&mut self, key: &'a str, event: &'a Event) -> Option<&'a Event> {
        if key.is_empty() { self.empty.replace(event) } else { self.others.insert(key, event) }
    }

    fn get(&self, key: &str) -> Option<&'a Event> {
        if key.is_empty() { self.empty } else { self.others.get(key).copied() }
    }
}

impl<'a> StateMap<'a> {
    /// An empty state.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Enters a state event; gives the one that stood in its place. What is no state event changes
    /// nothing.
    pub fn insert(&mut self, event: &'a Event) -> Option<&'a Event> {
        let state_key = event.state_key()?;
        let by_key = match event.event_type() {
            EventType::Other => {
                self.others.entry(event.pdu().event_type().into_owned()).or_default()
            }
            known => self.known.get_mut(known as usize)?,
        };
        by_key.insert(state_key, event)
    }

    fn of_type(&self, event_type: &str) -> Option<&ByKey<'a>> {
        match EventType::of(event_type) {
            EventType::Other => self.others.get(event_type),
            known => self.known.get(known as usize),
        }
    }
}

impl State for StateMap<'_> {
    fn get(&self, event_type: &str, state_key: &str) -> Option<&Event> {
        self.of_type(event_type)?.get(state_key)
    }

    fn has_joined_user_of(&self, server: &str) -> bool {
        let mut members = self.of_type(MEMBER).into_iter().flat_map(|by_key| &by_key.others);
        members.any(|(user, event)| is_join_of(event, user, server))
    }
}

impl<'a> FromIterator<&'a Event> for StateMap<'a> {
    fn from_iter<T: IntoIterator<Item = &'a Event>>(events: T) -> Self {
        let mut state = Self::new();
        for event in events {
            state.insert(event);
        }
        state
    }
}

/// Does a membership event say that a user of this server is joined?
pub(super) fn is_join_of(event: &Event, user: &str, server: &str) -> bool {
    event.membership() == Some(Membership::Join) && domain_of(user, '@') == Some(server)
}

/// Are two state keys equal? Most are empty, and those are not worth a call of `memcmp`.
pub(super) fn same_key(one: &str, other: &str) -> bool {
    one.len() == other.len() && (one.is_empty() || one == other)
}
