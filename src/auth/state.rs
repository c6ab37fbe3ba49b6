//! A room state as the rules see it: an event for a type and a state key.

use std::collections::HashMap;

use super::event::{Event, MEMBER, Membership};
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
    types: HashMap<String, HashMap<&'a str, &'a Event>>,
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
        let event_type = event.pdu().event_type();
        match self.types.get_mut(&*event_type) {
            Some(events) => events.insert(state_key, event),
            None => {
                self.types.insert(event_type.into_owned(), HashMap::from([(state_key, event)]));
                None
            }
        }
    }
}

impl State for StateMap<'_> {
    fn get(&self, event_type: &str, state_key: &str) -> Option<&Event> {
        self.types.get(event_type)?.get(state_key).copied()
    }

    fn has_joined_user_of(&self, server: &str) -> bool {
        let mut members = self.types.get(MEMBER).into_iter().flatten();
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
