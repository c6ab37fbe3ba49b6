//! The room around an event as somebody gives it: lists of events as they travel.

use std::collections::{HashMap, HashSet};

use super::{Options, Room, check_auth, receive};
use crate::auth::{Event, State, StateMap, Why};
use crate::event::{FormatError, Limits, Pdu, hashes};
use crate::evidence::{Evidence, Quoted};
use crate::json::{self, Numbers};
use crate::keys::KeyRing;
use crate::room_version::RoomVersion;
use crate::verdict::Verdict;

/// Lists of events as they travel. What is `None` is not known, and the checks that need it are
/// skipped.
#[derive(Debug, Clone, Default)]
pub struct GivenEvents<'a> {
    /// The events that the event names in `auth_events`; others are passed over.
    pub auth_events: Option<Vec<&'a [u8]>>,
    /// The state before the event.
    pub state: Option<Vec<&'a [u8]>>,
    /// The current state.
    pub current_state: Option<Vec<&'a [u8]>>,
    /// The room's create event, where events do not cite it (room versions 12 and later).
    pub create_event: Option<&'a [u8]>,
    /// The IDs of events that were rejected.
    pub rejected: Vec<String>,
}

/// The same, read.
#[derive(Debug)]
pub struct Given {
    version: &'static RoomVersion,
    auth_events: Option<HashMap<String, Event>>,
    state: Option<List>,
    current_state: Option<List>,
    create: Option<Event>,
    rejected: HashSet<String>,
    /// Auth events that are none, because they are malformed.
    malformed: Vec<Evidence>,
}

/// The events of a state, or why they are none.
#[derive(Debug)]
struct List(Result<Vec<Event>, Why>);

impl Given {
    /// Reads the lists.
    ///
    /// Malformed auth events count as missing. With a malformed event in it, or with two for one
    /// type and state key, a list is no state: the checks that need it are incomplete.
    #[must_use]
    pub fn read(given: &GivenEvents<'_>, version: &'static RoomVersion) -> Self {
        let mut malformed = Vec::new();
        let auth_events = given.auth_events.as_ref().map(|list| {
            let mut events = HashMap::new();
            for (index, bytes) in list.iter().enumerate() {
                match read(bytes, version) {
                    Ok(event) => {
                        events.insert(event.id().to_owned(), event);
                    }
                    Err(error) => malformed.push(defect(index, &error)),
                }
            }
            events
        });
        Self {
            version,
            auth_events,
            state: given.state.as_ref().map(|list| List::read(list, version)),
            current_state: given.current_state.as_ref().map(|list| List::read(list, version)),
            create: given.create_event.and_then(|bytes| read(bytes, version).ok()),
            rejected: given.rejected.iter().cloned().collect(),
            malformed,
        }
    }

    /// Judges an event by all seven checks.
    #[must_use]
    pub fn receive(&self, event: &[u8], ring: &KeyRing, options: Options) -> Verdict {
        self.judge(|room| receive(event, self.version, ring, room, options))
    }

    /// Judges an event by checks 1, 4 and 5.
    #[must_use]
    pub fn check_auth(&self, event: &[u8], ring: Option<&KeyRing>, options: Options) -> Verdict {
        self.judge(|room| check_auth(event, self.version, ring, room, options))
    }

    fn judge(&self, judge: impl FnOnce(&Room<'_>) -> Verdict) -> Verdict {
        let find = |id: &str| self.auth_events.as_ref().and_then(|events| events.get(id));
        let is_rejected = |id: &str| self.rejected.contains(id);
        let state = self.state.as_ref().map(List::map);
        let current_state = self.current_state.as_ref().map(List::map);
        let mut verdict = judge(&Room {
            auth_events: self.auth_events.is_some().then_some(&find),
            state_before: state.as_ref().map(as_state),
            current_state: current_state.as_ref().map(as_state),
            create: self.create.as_ref(),
            is_rejected: Some(&is_rejected),
        });
        if !self.malformed.is_empty() {
            tell_malformed(&mut verdict, &self.malformed);
        }
        verdict
    }
}

/// A missing auth event may be one that was given, but is none.
fn tell_malformed(verdict: &mut Verdict, malformed: &[Evidence]) {
    let missing = verdict.checks.iter_mut().find(|check| check.code == Some("auth_event_missing"));
    if let Some(check) = missing {
        let evidence = check.evidence.take().unwrap_or(Evidence::Object(Vec::new()));
        check.evidence =
            Some(evidence.with("malformed", malformed.iter().cloned().collect::<Evidence>()));
    }
}

impl List {
    fn read(list: &[&[u8]], version: &'static RoomVersion) -> Self {
        Self(read_state(list, version))
    }

    fn map(&self) -> Result<StateMap<'_>, &Why> {
        self.0.as_ref().map(|events| events.iter().collect())
    }
}

fn as_state<'a>(map: &'a Result<StateMap<'_>, &'a Why>) -> Result<&'a dyn State, &'a Why> {
    map.as_ref().map(|map| map as &dyn State).map_err(|why| *why)
}

fn read_state(list: &[&[u8]], version: &'static RoomVersion) -> Result<Vec<Event>, Why> {
    let mut events = Vec::with_capacity(list.len());
    for (index, bytes) in list.iter().enumerate() {
        let event = read(bytes, version).map_err(|error| {
            let reason = format!("event {index} of the state is malformed: {error}");
            Why::new("state_event_malformed", reason, defect(index, &error))
        })?;
        events.push(event);
    }
    check_conflicts(&events)?;
    Ok(events)
}

/// A state has one event for a type and state key, and all of them are of one room.
fn check_conflicts(events: &[Event]) -> Result<(), Why> {
    let mut state = StateMap::new();
    let mut room_id = None;
    for event in events {
        let earlier = state.insert(event).filter(|earlier| earlier.id() != event.id());
        if let Some(earlier) = earlier {
            let key = event.state_key().unwrap_or_default();
            let event_type = event.pdu().event_type();
            return Err(Why::new(
                "state_conflict",
                format!(
                    "{} and {} in the state are both for the type {} and the state key {}",
                    earlier.id(),
                    event.id(),
                    Quoted(&event_type),
                    Quoted(key)
                ),
                Evidence::object([
                    ("type", (&*event_type).into()),
                    ("state_key", key.into()),
                    ("event_ids", [earlier.id().into(), event.id().into()].into_iter().collect()),
                ]),
            ));
        }
        // A create event without a room ID makes the room that its own ID names.
        let own =
            event.pdu().room_id().map_or_else(|| event.id().replacen('$', "!", 1), Into::into);
        let first = room_id.get_or_insert_with(|| own.clone());
        if *first != own {
            return Err(Why::new(
                "state_other_room",
                format!("{} in the state is of the room {own}, others of {first}", event.id()),
                Evidence::object([
                    ("event_id", event.id().into()),
                    ("rooms", [(&*first).into(), (&own).into()].into_iter().collect()),
                ]),
            ));
        }
    }
    Ok(())
}

/// Reads an event that is held already, so whatever limits there were on its way do not matter.
fn read(bytes: &[u8], version: &'static RoomVersion) -> Result<Event, FormatError> {
    let json = json::parse(bytes, Numbers::Keep)?;
    let pdu = Pdu::from_canonical(json, version, Limits::Backfill).map_err(|failure| failure.1)?;
    let hash = hashes::reference_hash(pdu.json(), version);
    let id = hashes::event_id(pdu.json(), &hash, version).unwrap_or_default();
    Ok(Event::new(pdu, id))
}

fn defect(index: usize, error: &FormatError) -> Evidence {
    Evidence::object([
        ("index", index.into()),
        ("code", error.code().into()),
        ("reason", error.to_string().into()),
    ])
}
