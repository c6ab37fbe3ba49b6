//! The create event, and which one the room ID names.

use super::tell::{seen, shown};
use crate::auth::decision::{Flow, Path, Why};
use crate::auth::event::{Event, EventType};
use crate::auth::outline::Rule;
use crate::evidence::{Evidence, Quoted};
use crate::identifiers::{MAX_IDENTIFIER_BYTES, domain_of, is_user_id};
use crate::json::Value;
use crate::room_version::{RoomIdFormat, RoomVersion};

/// What is known of the room's create event otherwise than from auth events and states. Only room
/// versions whose room ID is the create event's ask for it.
#[derive(Debug, Clone, Copy, Default)]
pub struct RoomCreate<'a> {
    /// The event.
    pub event: Option<&'a Event>,
    /// It was rejected.
    pub rejected: bool,
}

/// "If type is `m.room.create`": rule 1 decides alone.
pub(super) fn create_event(event: &Event, path: &mut Path) -> Flow {
    if !path.applies(Rule::Create, event.event_type() == EventType::Create) {
        return Flow::Continue(());
    }
    let version = event.pdu().version();
    prev_events(event, path)?;
    match version.room_id_format {
        RoomIdFormat::Domain => room_id_domain(event, path)?,
        RoomIdFormat::CreateEventId => no_room_id(event, path)?,
    }
    room_version(event, path)?;
    if version.creator_field {
        creator(event, path)?;
    }
    if version.privileged_creators {
        additional_creators(event, path)?;
    }
    Flow::Break(path.allow(Rule::CreateOtherwise))
}

fn prev_events(event: &Event, path: &mut Path) -> Flow {
    let count = event.pdu().prev_events().count();
    path.reject_if(Rule::CreatePrevEvents, count > 0, &|| {
        Why::new(
            "create_has_prev_events",
            format!("a create event comes first, this one names {count} previous events"),
            Evidence::object([("prev_events", count.into())]),
        )
    })
}

fn room_id_domain(event: &Event, path: &mut Path) -> Flow {
    let room_id = event.pdu().room_id().unwrap_or_default();
    let of_room = domain_of(&room_id, '!');
    let of_sender = Some(event.sender_server());
    path.reject_if(Rule::CreateRoomIdDomain, of_room != of_sender, &|| {
        Why::new(
            "create_room_id_domain",
            format!(
                "the room ID {} is of another server than the sender {}",
                Quoted(&room_id),
                event.sender()
            ),
            Evidence::object([("room_id", (&*room_id).into()), ("sender", event.sender().into())]),
        )
    })
}

fn no_room_id(event: &Event, path: &mut Path) -> Flow {
    // Of whatever type: it is there.
    let room_id = event.pdu().json().get("room_id");
    path.reject_if(Rule::CreateRoomId, room_id.is_some(), &|| {
        let shown = room_id.map(shown).unwrap_or_default();
        Why::new(
            "create_has_room_id",
            format!("the room ID is the hash of the create event, which cannot hold it: {shown}"),
            Evidence::object([]).with_some("room_id", room_id.map(seen)),
        )
    })
}

fn room_version(event: &Event, path: &mut Path) -> Flow {
    let value = event.content("room_version");
    let known = value.is_none_or(|value| {
        value.as_str().is_some_and(|version| RoomVersion::get(&version).is_ok())
    });
    let found = || Evidence::object([]).with_some("room_version", value.map(seen));
    path.reject_if(Rule::CreateRoomVersion, !known, &|| {
        let version = value.map(shown).unwrap_or_default();
        Why::new(
            "create_room_version_unknown",
            format!("{version} is no known room version"),
            found(),
        )
    })
}

fn creator(event: &Event, path: &mut Path) -> Flow {
    let creator = event.content("creator");
    path.reject_if(Rule::CreateCreator, creator.is_none(), &|| {
        Why::new(
            "create_no_creator",
            "the content has no \"creator\"".to_owned(),
            Evidence::object([]).with_some("creator", creator.map(seen)),
        )
    })
}

fn additional_creators(event: &Event, path: &mut Path) -> Flow {
    let value = event.content("additional_creators");
    // The limits of `sender` hold, too.
    let is_sender = |user: Value<'_>| {
        user.as_str().is_some_and(|user| is_user_id(&user) && user.len() <= MAX_IDENTIFIER_BYTES)
    };
    let user_ids = |list: Value<'_>| list.as_array().is_some_and(|mut users| users.all(is_sender));
    path.reject_if(
        Rule::CreateAdditionalCreators,
        value.is_some_and(|list| !user_ids(list)),
        &|| {
            Why::new(
                "create_additional_creators_invalid",
                format!(
                    "\"additional_creators\" must be a list of user IDs, it is {}",
                    value.map(shown).unwrap_or_default()
                ),
                Evidence::object([]).with_some("additional_creators", value.map(seen)),
            )
        },
    )
}

/// "If the event's `room_id` is not an event ID for an accepted `m.room.create` event …" (room
/// versions 12 and later).
pub(super) fn room_id(event: &Event, create: RoomCreate<'_>, path: &mut Path) -> Flow {
    if event.pdu().version().room_id_format != RoomIdFormat::CreateEventId {
        return Flow::Continue(());
    }
    let room_id = event.pdu().room_id().unwrap_or_default();
    let is_named = |create: &Event| create.id().strip_prefix('$') == room_id.strip_prefix('!');
    let create_id = || room_id.replacen('!', "$", 1);
    let evidence = |found: Option<&Event>| {
        Evidence::object([("room_id", (&*room_id).into())])
            .with_some("create_event", found.map(Event::id))
    };
    let Some(found) = create.event else {
        return Flow::Break(path.incomplete(Rule::RoomId, &|| {
            let id = create_id();
            let reason = format!("the create event {id}, which the room ID names, is needed");
            Why::new("create_event_missing", reason, evidence(None)).missing(vec![id])
        }));
    };
    let (code, what) = if !is_named(found) {
        ("room_id_not_create_event", "is of another room")
    } else if create.rejected {
        ("create_event_rejected", "was rejected")
    } else if !is_sound(found) {
        ("room_id_not_create_event", "is itself against the rules")
    } else {
        return path.pass(Rule::RoomId, &|| evidence(Some(found)));
    };
    Flow::Break(path.reject(Rule::RoomId, &|| {
        let reason = format!(
            "the room ID names the create event {}, but {} {what}",
            create_id(),
            found.id()
        );
        Why::new(code, reason, evidence(Some(found)))
    }))
}

/// A create event that passes its own rule.
fn is_sound(event: &Event) -> bool {
    let mut path = Path::new(event.pdu().version(), crate::auth::Ask::Decision);
    matches!(create_event(event, &mut path), Flow::Break(decision) if decision.is_allowed())
}
