//! "Considering the event's `auth_events`": does the event cite what it must, and nothing else?

use crate::auth::decision::{Flow, Path, Why};
use crate::auth::event::{Event, EventType};
use crate::auth::outline::Rule;
use crate::auth::state::{State, is_join_of, same_key};
use crate::evidence::{Evidence, Quoted};
use crate::room_version::RoomIdFormat;

/// An event that another one cites in its `auth_events`.
#[derive(Debug, Clone, Copy)]
pub enum Cited<'a> {
    /// It is there.
    Event {
        /// The event.
        event: &'a Event,
        /// It was rejected.
        rejected: bool,
    },
    /// It is not there.
    Missing {
        /// Its ID.
        id: &'a str,
    },
}

impl<'a> Cited<'a> {
    /// The event, if it is there.
    #[must_use]
    pub fn event(&self) -> Option<&'a Event> {
        match self {
            Self::Event { event, .. } => Some(event),
            Self::Missing { .. } => None,
        }
    }

    fn id(&self) -> &'a str {
        match self {
            Self::Event { event, .. } => event.id(),
            Self::Missing { id } => id,
        }
    }
}

/// The cited events as a room state.
pub(super) struct CitedState<'a>(pub &'a [Cited<'a>]);

impl State for CitedState<'_> {
    fn get(&self, event_type: &str, state_key: &str) -> Option<&Event> {
        let known = EventType::of(event_type);
        let mut events = self.0.iter().filter_map(Cited::event);
        events.find(|event| {
            event.is_of_type(known, event_type)
                && event.state_key().is_some_and(|key| same_key(key, state_key))
        })
    }

    fn has_joined_user_of(&self, server: &str) -> bool {
        let mut events = self.0.iter().filter_map(Cited::event);
        events.any(|event| event.state_key().is_some_and(|user| is_join_of(event, user, server)))
    }
}

/// Applies the rules about the citing. Those that reject by what is there do so even while
/// something is missing.
pub(super) fn cited_events(event: &Event, cited: &[Cited<'_>], path: &mut Path) -> Flow {
    path.applies(Rule::AuthEvents, true);
    duplicates(cited, path)?;
    selection(event, cited, path)?;
    rejected(cited, path)?;
    let is_missing = |cited: &&Cited<'_>| cited.event().is_none();
    let is_incomplete = cited.iter().any(|cited| is_missing(&cited));
    if event.pdu().version().room_id_format == RoomIdFormat::Domain && !is_incomplete {
        create(cited, path)?;
    }
    other_room(event, cited, path)?;
    if is_incomplete {
        return Flow::Break(path.incomplete(Rule::AuthEvents, &|| {
            let missing = cited.iter().filter(is_missing).map(|cited| cited.id().to_owned());
            let missing: Vec<String> = missing.collect();
            let reason = format!("{} of the events in auth_events are not there", missing.len());
            Why::new("auth_event_missing", reason, ids(cited.iter())).missing(missing)
        }));
    }
    Flow::Continue(())
}

fn duplicates(cited: &[Cited<'_>], path: &mut Path) -> Flow {
    let duplicate = cited.iter().enumerate().find_map(|(index, one)| {
        let earlier = cited.iter().take(index).find(|earlier| is_duplicate(earlier, one));
        earlier.map(|earlier| (earlier, one))
    });
    match duplicate {
        None => path.pass(Rule::AuthEventsDuplicate, &|| ids(cited.iter())),
        Some((one, other)) => Flow::Break(path.reject(Rule::AuthEventsDuplicate, &|| {
            let reason = format!(
                "{} and {} in auth_events are for one type and state key",
                one.id(),
                other.id()
            );
            Why::new("auth_events_duplicate", reason, ids([one, other].into_iter()))
        })),
    }
}

fn is_duplicate(one: &Cited<'_>, other: &Cited<'_>) -> bool {
    one.id() == other.id()
        || one.event().zip(other.event()).is_some_and(|(one, other)| one.is_state_of(other))
}

fn selection(event: &Event, cited: &[Cited<'_>], path: &mut Path) -> Flow {
    let selected =
        |cited: &Event| cited.state_key().is_some_and(|key| event.selects(cited.event_type(), key));
    let stray = cited.iter().filter_map(Cited::event).find(|cited| !selected(cited));
    let Some(stray) = stray else {
        return path.pass(Rule::AuthEventsSelection, &|| ids(cited.iter()));
    };
    Flow::Break(path.reject(Rule::AuthEventsSelection, &|| {
        let event_type = stray.pdu().event_type();
        let evidence = Evidence::object([
            ("event_id", stray.id().into()),
            ("type", (&*event_type).into()),
            ("selected", event.auth_types().iter().map(|(name, key)| pair(name, key)).collect()),
        ])
        .with_some("state_key", stray.state_key());
        let what = format!("{} in auth_events, of type {}", stray.id(), Quoted(&event_type));
        match stray.state_key() {
            None => {
                Why::new("auth_event_not_state", format!("{what}, is no state event"), evidence)
            }
            Some(key) => Why::new(
                "auth_event_not_selected",
                format!("{what} and state key {}, has no say in this event", Quoted(key)),
                evidence,
            ),
        }
    }))
}

fn rejected(cited: &[Cited<'_>], path: &mut Path) -> Flow {
    let was_rejected = |cited: &&Cited<'_>| matches!(cited, Cited::Event { rejected: true, .. });
    match cited.iter().find(was_rejected) {
        None => path.pass(Rule::AuthEventsRejected, &|| ids(cited.iter())),
        Some(found) => Flow::Break(path.reject(Rule::AuthEventsRejected, &|| {
            let reason = format!("{} in auth_events was itself rejected", found.id());
            Why::new("auth_event_rejected", reason, ids([found].into_iter()))
        })),
    }
}

fn create(cited: &[Cited<'_>], path: &mut Path) -> Flow {
    let is_create = |event: &Event| event.event_type() == EventType::Create;
    let none = !cited.iter().filter_map(Cited::event).any(is_create);
    path.reject_if(Rule::AuthEventsCreate, none, &|| {
        let reason = "auth_events names no m.room.create event".to_owned();
        Why::new("auth_events_no_create", reason, ids(cited.iter()))
    })
}

fn other_room(event: &Event, cited: &[Cited<'_>], path: &mut Path) -> Flow {
    let elsewhere = |cited: &&Event| !cited.pdu().is_of_room_of(event.pdu());
    match cited.iter().filter_map(Cited::event).find(elsewhere) {
        None => path.pass(Rule::AuthEventsRoom, &|| ids(cited.iter())),
        Some(found) => Flow::Break(path.reject(Rule::AuthEventsRoom, &|| {
            let room_id = event.pdu().room_id();
            let of_event = room_id.as_deref().unwrap_or_default();
            let of_cited = found.pdu().room_id();
            Why::new(
                "auth_event_other_room",
                format!(
                    "{} in auth_events is of the room {}, the event of {of_event}",
                    found.id(),
                    of_cited.as_deref().unwrap_or("that has no ID")
                ),
                Evidence::object([("event_id", found.id().into()), ("room_id", of_event.into())])
                    .with_some("found", of_cited.as_deref()),
            )
        })),
    }
}

fn pair(event_type: &str, state_key: &str) -> Evidence {
    [event_type.into(), state_key.into()].into_iter().collect()
}

fn ids<'a>(cited: impl Iterator<Item = &'a Cited<'a>>) -> Evidence {
    Evidence::object([("auth_events", cited.map(|cited| cited.id().into()).collect())])
}
