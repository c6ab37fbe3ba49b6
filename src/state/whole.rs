//! Is a list of events a state of this room, as a whole?
//!
//! What one event is worth, its own checks say. Here is asked what no event can say alone: whether the
//! state has a create event, and the one of this room; and one event for each type and state key.

use std::collections::HashMap;

use thiserror::Error;

use crate::auth::{CREATE, Event};
use crate::evidence::Quoted;
use crate::json::Value;
use crate::room_version::RoomVersion;

/// Why a list of events is no state of the room.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StateDefect {
    /// There is no create event, or none that can be used.
    #[error("the state has no usable m.room.create event")]
    NoCreate,
    /// The create event is that of another room.
    #[error("the create event in the state is that of the room {}", Quoted(.0))]
    OtherRoom(String),
    /// The create event says another version than the one by which the room is judged.
    #[error("the create event in the state says room version {}", Quoted(.0))]
    RoomVersion(String),
    /// There are two events for one type and state key.
    #[error("the state has both {0} and {1} for one type and state key")]
    Conflict(String, String),
}

/// The room of an event. A create event without a room ID makes the room that its own ID names.
#[must_use]
pub fn room_of(event: &Event) -> String {
    event.pdu().room_id().map_or_else(|| event.id().replacen('$', "!", 1), Into::into)
}

/// Checks that events are a state of the room `room_id`. Create events may be of other rooms, so that it
/// can be said of which.
///
/// # Errors
/// [`StateDefect`], the first that there is.
pub fn check<'a>(
    events: impl Iterator<Item = &'a Event> + Clone,
    room_id: &str,
    version: &RoomVersion,
) -> Result<(), StateDefect> {
    let create = events.clone().find(|event| event.is_state(CREATE, ""));
    check_create(create, room_id, version)?;
    let mut seen = HashMap::new();
    for event in events {
        let Some(state_key) = event.state_key() else { continue };
        let earlier = seen.insert((event.pdu().event_type(), state_key), event.id());
        if let Some(earlier) = earlier.filter(|earlier| *earlier != event.id()) {
            return Err(StateDefect::Conflict(earlier.to_owned(), event.id().to_owned()));
        }
    }
    Ok(())
}

/// Checks that a state has a create event, and that it is the one of the room.
///
/// # Errors
/// [`StateDefect`], all but the last.
pub fn check_create(
    create: Option<&Event>,
    room_id: &str,
    version: &RoomVersion,
) -> Result<(), StateDefect> {
    let create = create.ok_or(StateDefect::NoCreate)?;
    let room = room_of(create);
    if room != room_id {
        return Err(StateDefect::OtherRoom(room));
    }
    let stated = create.content("room_version");
    let stated = stated.map_or(Some("1".into()), Value::as_str).unwrap_or_default();
    if stated != version.id {
        return Err(StateDefect::RoomVersion(stated.into_owned()));
    }
    Ok(())
}
