//! The rooms of a space, as another server sees them.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#spaces>

use std::collections::HashSet;

use super::answer::{Answer, AnswerError};
use super::entries::{LeftOut, Reading, as_bool, is_room_id, is_server_name, is_user_id};
use super::published_rooms::{RoomSummary, read_summary};
use super::request::{PAGE_ANSWER, Request, Target, TimeLimit};
use crate::json::Value;

/// Asks for a space and the rooms in it; with `suggested_only`, for those that it suggests.
#[must_use]
pub fn hierarchy(room_id: &str, suggested_only: bool) -> Request {
    let target = Target::new("federation/v1/hierarchy").segment(room_id);
    let target = target.query_some("suggested_only", suggested_only.then_some("true"));
    Request::get(target, PAGE_ANSWER, TimeLimit::Usual)
}

/// A space, as another server describes it. Its events are stripped, so nothing of it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// The room that was asked about.
    pub room: RoomSummary,
    /// What it says is in it.
    pub links: Vec<SpaceChild>,
    /// The rooms in it that the server knows; each is one of the links.
    pub children: Vec<RoomSummary>,
    /// The rooms in it that nobody of our server may see, likewise.
    pub inaccessible_children: Vec<String>,
    /// Entries that are malformed or about rooms that are no links, and texts that were cut.
    pub left_out: Vec<LeftOut>,
}

/// A link of a space to a room (`m.space.child`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceChild {
    /// The room.
    pub room_id: String,
    /// Servers to join it by.
    pub via: Vec<String>,
    /// The space suggests it.
    pub suggested: bool,
    /// Where it stands among the others.
    pub order: Option<String>,
    /// Who made the link.
    pub sender: String,
    /// When, in milliseconds.
    pub origin_server_ts: i64,
}

/// Reads the answer to [`hierarchy`].
///
/// # Errors
/// [`AnswerError`] when the answer as a whole is none, or about another room.
pub fn read_hierarchy(body: &[u8], room_id: &str) -> Result<Hierarchy, AnswerError> {
    let answer = Answer::read(body, &[])?;
    let mut reading = Reading::default();
    let expected = "a room";
    let entry = answer.field("room", expected, Some)?;
    let room = read_summary(entry, "room.", &mut reading)
        .ok_or(AnswerError::Field { field: "room", expected })?;
    if room.room_id != room_id {
        return Err(AnswerError::OtherRoom(room.room_id));
    }
    let links = entry.get("children_state").and_then(Value::as_array);
    if links.is_none() {
        let place = || "room.children_state".to_owned();
        reading.tell(place, "answer_entry_invalid", "a list of events");
    }
    let links: Vec<_> = links
        .into_iter()
        .flatten()
        .enumerate()
        .filter_map(|(index, link)| {
            read_link(link, &format!("room.children_state[{index}]."), &mut reading)
        })
        .collect();
    let mut left: HashSet<&str> = links.iter().map(|link| link.room_id.as_str()).collect();
    let list = answer.field("children", "a list of rooms", Value::as_array)?;
    let mut children = Vec::new();
    for (index, child) in list.enumerate() {
        let Some(child) = read_summary(child, &format!("children[{index}]."), &mut reading) else {
            continue;
        };
        if left.remove(child.room_id.as_str()) {
            children.push(child);
        } else {
            let place = || format!("children[{index}]");
            reading.tell(place, "answer_entry_unasked", "a room that the space names, once");
        }
    }
    let list = answer.field("inaccessible_children", "a list of room IDs", Value::as_array)?;
    let is_link = |id: &str| left.contains(id);
    let inaccessible_children =
        reading.ids(list, "inaccessible_children", "a room that the space names, once", is_link);
    Ok(Hierarchy { room, links, children, inaccessible_children, left_out: reading.left_out })
}

/// A link; one without servers is none any more.
fn read_link(link: Value<'_>, place: &str, reading: &mut Reading) -> Option<SpaceChild> {
    reading.required(link, "type", place, "m.space.child", |value| {
        value.as_str().filter(|text| text == "m.space.child")
    })?;
    let room_id = reading.required(link, "state_key", place, "a room ID", |value| {
        value.as_str().filter(|id| is_room_id(id))
    })?;
    let sender = reading.required(link, "sender", place, "a user ID", |value| {
        value.as_str().filter(|id| is_user_id(id))
    })?;
    let expected = "an integer (milliseconds)";
    let ts = reading.required(link, "origin_server_ts", place, expected, Value::as_i64)?;
    let content = link.get("content")?;
    let place = format!("{place}content.");
    let via = reading.required(content, "via", &place, "a list of servers", Value::as_array)?;
    let via = reading.ids(via, &format!("{place}via"), "a server name", is_server_name);
    let suggested = content.get("suggested").and_then(as_bool).unwrap_or_default();
    // A malformed order counts as none.
    let is_order = |order: &std::borrow::Cow<'_, str>| {
        order.len() <= 50 && order.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
    };
    let order = content.get("order").and_then(Value::as_str).filter(is_order);
    Some(SpaceChild {
        room_id: room_id.into_owned(),
        via,
        suggested,
        order: order.map(Into::into),
        sender: sender.into_owned(),
        origin_server_ts: ts,
    })
    .filter(|link| !link.via.is_empty())
}
