//! State sets and events as somebody gives them, to be resolved.

use std::collections::{BTreeMap, HashSet};

use thiserror::Error;

use super::graph::Graph;
use super::resolve;
use super::snapshot::Snapshot;
use super::trace::Trace;
use crate::auth::Event;
use crate::event::{FormatError, Limits, Pdu, hashes};
use crate::evidence::{Evidence, Quoted};
use crate::json::{self, Numbers};
use crate::ordered;
use crate::room_version::RoomVersion;

/// An entry of a state set: the type, the state key, the ID of the event.
pub type Entry = (String, String, String);

/// Why states cannot be resolved.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ResolveError {
    /// One of the events is malformed.
    #[error("event {index} is malformed: {error}")]
    Malformed {
        /// Which one, from 0.
        index: usize,
        /// What is wrong with it.
        error: FormatError,
    },
    /// Events are missing that a state set names, or that another event cites.
    #[error("{} events are needed that are not given, the first is {}", .0.len(), .0.first().map_or("", String::as_str))]
    Missing(Vec<String>),
    /// Events cite each other in a circle.
    #[error("{} events cite each other in a circle, or rest on such, the first is {}", .0.len(), .0.first().map_or("", String::as_str))]
    Loop(Vec<String>),
    /// A state set has an event where it does not belong.
    #[error("a state set has {event} for the type {} and the state key {}, which is not its place", Quoted(.event_type), Quoted(.state_key))]
    WrongPlace {
        /// The event.
        event: String,
        /// The type.
        event_type: String,
        /// The state key.
        state_key: String,
    },
    /// A state set has two events at one place.
    #[error("a state set has two events for the type {} and the state key {}", Quoted(.event_type), Quoted(.state_key))]
    Twice {
        /// The type.
        event_type: String,
        /// The state key.
        state_key: String,
    },
}

impl ResolveError {
    /// The stable code of this failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "resolve_event_malformed",
            Self::Missing(_) => "resolve_event_missing",
            Self::Loop(_) => "resolve_auth_loop",
            Self::WrongPlace { .. } => "resolve_wrong_place",
            Self::Twice { .. } => "resolve_two_events",
        }
    }

    /// What was seen, as data.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let ids = |ids: &[String]| ids.iter().map(Evidence::from).collect::<Evidence>();
        match self {
            Self::Malformed { index, error } => Evidence::object([
                ("index", (*index).into()),
                ("code", error.code().into()),
                ("evidence", error.evidence()),
            ]),
            Self::Missing(missing) => Evidence::object([("missing", ids(missing))]),
            Self::Loop(events) => Evidence::object([("events", ids(events))]),
            Self::WrongPlace { event, event_type, state_key } => Evidence::object([
                ("event_id", event.into()),
                ("type", event_type.into()),
                ("state_key", state_key.into()),
            ]),
            Self::Twice { event_type, state_key } => {
                Evidence::object([("type", event_type.into()), ("state_key", state_key.into())])
            }
        }
    }
}

/// Resolves state sets. `events` must hold what they name, and all that these rest on; `rejected` are
/// the IDs of events that were rejected.
///
/// # Errors
/// [`ResolveError`]: nothing is resolved by half of what it takes.
pub fn resolve_given(
    version: &'static RoomVersion,
    state_sets: &[Vec<Entry>],
    events: &[&[u8]],
    rejected: &HashSet<String>,
    trace: Option<&mut Trace>,
) -> Result<Vec<Entry>, ResolveError> {
    let mut graph = Graph::new(version);
    let mut read = BTreeMap::new();
    for (index, bytes) in events.iter().enumerate() {
        let event =
            read_event(bytes, version).map_err(|error| ResolveError::Malformed { index, error })?;
        read.insert(event.id().to_owned(), event);
    }
    let missing = missing(state_sets, &read);
    if !missing.is_empty() {
        return Err(ResolveError::Missing(missing));
    }
    let with_rejection = read
        .into_values()
        .map(|event| (rejected.contains(event.id()), event))
        .map(|(rejected, event)| (event, rejected));
    let in_circles = graph.add_all(with_rejection.collect());
    if !in_circles.is_empty() {
        return Err(ResolveError::Loop(in_circles));
    }
    let states = state_sets.iter().map(|entries| snapshot(&mut graph, entries));
    let states = states.collect::<Result<Vec<_>, _>>()?;
    let resolved = resolve(&graph, &states, trace);
    let mut entries: Vec<Entry> = resolved
        .iter()
        .map(|(place, event)| {
            let (event_type, state_key) = graph.name(place);
            (event_type.to_owned(), state_key.to_owned(), graph.id(event).to_owned())
        })
        .collect();
    ordered::sort(&mut entries);
    Ok(entries)
}

fn read_event(bytes: &[u8], version: &'static RoomVersion) -> Result<Event, FormatError> {
    let json = json::parse(bytes, Numbers::Keep)?;
    let pdu = Pdu::from_canonical(json, version, Limits::Backfill).map_err(|failure| failure.1)?;
    let hash = hashes::reference_hash(pdu.json(), version);
    let id = hashes::event_id(pdu.json(), &hash, version).unwrap_or_default();
    Ok(Event::new(pdu, id))
}

fn missing(state_sets: &[Vec<Entry>], events: &BTreeMap<String, Event>) -> Vec<String> {
    let mut missing: Vec<String> = state_sets
        .iter()
        .flatten()
        .map(|(_, _, id)| id.clone())
        .chain(events.values().flat_map(|event| {
            let cited = event.pdu().auth_events().map(|reference| reference.event_id.into_owned());
            cited.chain(event.named_create())
        }))
        .filter(|id| !events.contains_key(id))
        .collect();
    ordered::sort(&mut missing);
    missing.dedup();
    missing
}

fn snapshot(graph: &mut Graph, entries: &[Entry]) -> Result<Snapshot, ResolveError> {
    let mut snapshot = Snapshot::default();
    for (event_type, state_key, id) in entries {
        let place = graph.place(event_type, state_key);
        let event = graph.find(id);
        let own = event.and_then(|event| graph.node(event)?.place);
        let (Some(place), Some(event)) = (place.filter(|place| own == Some(*place)), event) else {
            return Err(ResolveError::WrongPlace {
                event: id.clone(),
                event_type: event_type.clone(),
                state_key: state_key.clone(),
            });
        };
        if snapshot.get(place).is_some_and(|earlier| earlier != event) {
            return Err(ResolveError::Twice {
                event_type: event_type.clone(),
                state_key: state_key.clone(),
            });
        }
        snapshot.set(place, Some(event));
    }
    Ok(snapshot)
}
