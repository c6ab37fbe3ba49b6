//! The events of a room with their auth edges, by small numbers.
//!
//! Events and places in the state (a type and a state key) are named by text; everything here that is
//! done often is done with numbers. An event is added after the events that it cites, so that edges
//! lead from larger numbers to smaller ones, and a walk over all chains is a loop.

use std::collections::HashMap;

use super::places::Places;
use super::snapshot::Snapshot;
use crate::auth::{CREATE, Event, MEMBER, Membership, POWER_LEVELS, RoomCreate, State};
use crate::identifiers::domain_of;
use crate::room_version::RoomVersion;

/// The number of an event in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventIndex(pub u32);

impl EventIndex {
    /// For tables that have an entry for each event.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The number of a place in the state of a room: of a type and a state key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub u32);

/// An event in the graph.
#[derive(Debug)]
pub struct Node {
    /// The event.
    pub event: Event,
    /// The events that it cites, as far as they are in the graph; in the order in which it does.
    pub auth: Box<[EventIndex]>,
    /// Its place in the state, if it is a state event.
    pub place: Option<Place>,
    /// The power levels that it cites.
    pub power_levels: Option<EventIndex>,
    /// It was rejected.
    pub rejected: bool,
}

/// The events of a room.
#[derive(Debug)]
pub struct Graph {
    version: &'static RoomVersion,
    by_id: HashMap<Box<str>, EventIndex>,
    nodes: Vec<Node>,
    /// For each event, those that cite it, the newest mostly last. Without those that no state can rest
    /// on: they are neither state events nor cited by any.
    cited_by: Vec<Vec<EventIndex>>,
    places: Places,
    names: Vec<(Box<str>, Box<str>)>,
    /// The places of memberships, by the server of the user.
    members: HashMap<Box<str>, Vec<Place>>,
    create: Option<EventIndex>,
}

impl Graph {
    /// An empty graph.
    #[must_use]
    pub fn new(version: &'static RoomVersion) -> Self {
        Self {
            version,
            by_id: HashMap::new(),
            nodes: Vec::new(),
            cited_by: Vec::new(),
            places: Places::default(),
            names: Vec::new(),
            members: HashMap::new(),
            create: None,
        }
    }

    /// The version of the room.
    #[must_use]
    pub fn version(&self) -> &'static RoomVersion {
        self.version
    }

    /// Adds an event whose auth events have been added, as far as they ever will be; gives its number.
    /// An event that is there already stays as it is.
    pub fn add(&mut self, event: Event, rejected: bool) -> EventIndex {
        if let Some(known) = self.find(event.id()) {
            return known;
        }
        let cited = event.pdu().auth_events();
        let cited = cited.filter_map(|reference| self.find(&reference.event_id)).collect();
        self.add_new(event, cited, rejected)
    }

    /// The same, of an event that is not there yet and cites these.
    pub(super) fn add_new(
        &mut self,
        event: Event,
        cited: Vec<EventIndex>,
        rejected: bool,
    ) -> EventIndex {
        let auth: Box<[EventIndex]> = cited.into();
        let place = event.state_key().map(|key| self.intern(&event.pdu().event_type(), key));
        let is_power_levels = |index: &&EventIndex| {
            self.node(**index).is_some_and(|node| node.event.is_state(POWER_LEVELS, ""))
        };
        let power_levels = auth.iter().find(is_power_levels).copied();
        // Beyond 32 bits of events there is no memory for them.
        let index = EventIndex(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        if !rejected && self.create.is_none() && event.is_state(CREATE, "") {
            self.create = Some(index);
        }
        self.by_id.insert(event.id().into(), index);
        self.nodes.push(Node { event, auth, place, power_levels, rejected });
        self.cited_by.push(Vec::new());
        if place.is_some() {
            self.tell_cited(index);
        }
        index
    }

    /// What is known of an event has changed: it is rejected or not, or there is a better copy of it, which
    /// cites the same.
    pub fn change(&mut self, index: EventIndex, copy: Option<Event>, rejected: bool) {
        let Some(node) = self.nodes.get_mut(index.index()) else { return };
        node.rejected = rejected;
        if let Some(copy) = copy {
            node.event = copy;
        }
        let is_create = node.event.is_state(CREATE, "");
        if rejected && self.create == Some(index) {
            self.create = None;
        } else if !rejected && is_create && self.create.is_none() {
            self.create = Some(index);
        }
    }

    /// Enters an event with those that it cites; and these with those that they cite, where they are no
    /// state events and nobody cited them before.
    fn tell_cited(&mut self, index: EventIndex) {
        let mut pending = vec![index];
        while let Some(citing) = pending.pop() {
            let Some(node) = self.nodes.get(citing.index()) else { continue };
            for cited in &node.auth {
                let Some(cited_by) = self.cited_by.get_mut(cited.index()) else { continue };
                let is_state =
                    self.nodes.get(cited.index()).is_some_and(|node| node.place.is_some());
                if cited_by.is_empty() && !is_state {
                    pending.push(*cited);
                }
                cited_by.push(citing);
            }
        }
    }

    /// Takes events in any order. What cannot be put in order, because events cite each other, is left
    /// out; gives the IDs of these.
    pub fn add_all(&mut self, events: Vec<(Event, bool)>) -> Vec<String> {
        let index_of: HashMap<&str, usize> =
            events.iter().enumerate().map(|(index, (event, _))| (event.id(), index)).collect();
        let mut needs = vec![0usize; events.len()];
        let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); events.len()];
        for (index, (event, _)) in events.iter().enumerate() {
            for reference in event.pdu().auth_events() {
                let cited = index_of.get(&*reference.event_id);
                let Some(list) = cited.and_then(|cited| dependents.get_mut(*cited)) else {
                    continue;
                };
                list.push(index);
                if let Some(count) = needs.get_mut(index) {
                    *count = count.saturating_add(1);
                }
            }
        }
        let mut ready: Vec<usize> = needs
            .iter()
            .enumerate()
            .filter(|(_, needs)| **needs == 0)
            .map(|(index, _)| index)
            .rev()
            .collect();
        drop(index_of);
        let mut events: Vec<Option<(Event, bool)>> = events.into_iter().map(Some).collect();
        while let Some(index) = ready.pop() {
            for dependent in dependents.get(index).into_iter().flatten() {
                if let Some(count) = needs.get_mut(*dependent) {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        ready.push(*dependent);
                    }
                }
            }
            if let Some((event, rejected)) = events.get_mut(index).and_then(Option::take) {
                self.add(event, rejected);
            }
        }
        events.into_iter().flatten().map(|(event, _)| event.id().to_owned()).collect()
    }

    /// How many events there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The number of an event.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<EventIndex> {
        self.by_id.get(id).copied()
    }

    /// An event by its number.
    #[must_use]
    pub fn node(&self, index: EventIndex) -> Option<&Node> {
        self.nodes.get(index.index())
    }

    /// The events that cite an event, as far as a state can rest on them.
    #[must_use]
    pub fn cited_by(&self, index: EventIndex) -> &[EventIndex] {
        self.cited_by.get(index.index()).map_or(&[], Vec::as_slice)
    }

    /// The ID of an event; empty for a number that is none.
    #[must_use]
    pub fn id(&self, index: EventIndex) -> &str {
        self.node(index).map_or("", |node| node.event.id())
    }

    /// The number of a place in the state, if any event ever stood there.
    #[must_use]
    pub fn place(&self, event_type: &str, state_key: &str) -> Option<Place> {
        self.places.get(event_type, state_key)
    }

    /// The type and state key of a place.
    #[must_use]
    pub fn name(&self, place: Place) -> (&str, &str) {
        let name = self.names.get(place.0 as usize);
        name.map_or(("", ""), |(event_type, state_key)| (event_type, state_key))
    }

    /// The number of a place, new if it has none.
    pub fn intern(&mut self, event_type: &str, state_key: &str) -> Place {
        if let Some(place) = self.place(event_type, state_key) {
            return place;
        }
        let place = Place(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        self.places.insert(event_type, state_key, place);
        self.names.push((event_type.into(), state_key.into()));
        if event_type == MEMBER
            && let Some(server) = domain_of(state_key, '@')
        {
            self.members.entry(server.into()).or_default().push(place);
        }
        place
    }

    /// The places of the memberships of a server's users.
    #[must_use]
    pub fn members_of(&self, server: &str) -> &[Place] {
        self.members.get(server).map_or(&[], Vec::as_slice)
    }

    fn is_named_by(&self, index: EventIndex, event: &Event) -> bool {
        self.node(index).is_some_and(|node| event.names_create(node.event.id()))
    }

    /// The ID of the create event that the room ID of an event names, if that event is not there.
    #[must_use]
    pub fn missing_create(&self, event: &Event) -> Option<String> {
        if self.create.is_some_and(|index| self.is_named_by(index, event)) {
            return None;
        }
        event.named_create().filter(|id| self.find(id).is_none())
    }

    /// The create event of an event's room, where the rules look for it outside of states and auth
    /// events: the one that its room ID names, if that names any.
    #[must_use]
    pub fn create(&self, event: &Event) -> RoomCreate<'_> {
        // Mostly it is the one that is known.
        let known = self.create.filter(|index| self.is_named_by(*index, event));
        let named = || event.named_create().map_or(self.create, |id| self.find(&id));
        let index = known.or_else(named);
        let node = index.and_then(|index| self.node(index));
        RoomCreate {
            event: node.map(|node| &node.event),
            rejected: node.is_some_and(|node| node.rejected),
        }
    }
}

/// A snapshot as the authorization rules see it.
#[derive(Debug, Clone, Copy)]
pub struct StateView<'g> {
    /// The events.
    pub graph: &'g Graph,
    /// Which of them hold.
    pub snapshot: &'g Snapshot,
}

impl StateView<'_> {
    fn at(&self, place: Place) -> Option<&Event> {
        self.graph.node(self.snapshot.get(place)?).map(|node| &node.event)
    }
}

impl State for StateView<'_> {
    fn get(&self, event_type: &str, state_key: &str) -> Option<&Event> {
        self.at(self.graph.place(event_type, state_key)?)
    }

    fn has_joined_user_of(&self, server: &str) -> bool {
        self.graph
            .members_of(server)
            .iter()
            .any(|place| self.at(*place).and_then(Event::membership) == Some(Membership::Join))
    }
}
