//! The directory of published rooms of another server.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#published-room-directory>

use super::answer::{Answer, AnswerError};
use super::entries::{LeftOut, Reading, as_bool, is_room_alias, is_room_id};
use super::request::{PAGE_ANSWER, Request, Target, TimeLimit, object, string};
use crate::json::Value;

/// Which rooms to give.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// The most rooms to give.
    pub limit: Option<u32>,
    /// Where to go on: [`Page::next_batch`] or [`Page::prev_batch`] of an earlier answer.
    pub since: Option<&'a str>,
    /// Only rooms in whose name, topic or canonical alias this stands.
    pub search: Option<&'a str>,
    /// Also rooms of other networks that the server is a bridge to.
    pub include_all_networks: bool,
    /// Only rooms of this network.
    pub third_party_instance_id: Option<&'a str>,
}

/// Asks for published rooms.
#[must_use]
pub fn public_rooms(filter: &Filter<'_>) -> Request {
    let target = Target::new("federation/v1/publicRooms");
    let limit = filter.limit.map(|limit| limit.to_string());
    let Some(search) = filter.search else {
        let all = filter.include_all_networks.then_some("true");
        let target = target
            .query_some("include_all_networks", all)
            .query_some("limit", limit.as_deref())
            .query_some("since", filter.since)
            .query_some("third_party_instance_id", filter.third_party_instance_id);
        return Request::get(target, PAGE_ANSWER, TimeLimit::Usual);
    };
    let mut members = vec![("filter", object([("generic_search_term", string(search))]))];
    members.extend(limit.map(|limit| ("limit", limit.into_bytes())));
    members.extend(filter.since.map(|since| ("since", string(since))));
    members.extend(filter.include_all_networks.then(|| ("include_all_networks", b"true".to_vec())));
    let instance = filter.third_party_instance_id;
    members.extend(instance.map(|id| ("third_party_instance_id", string(id))));
    Request::post(target, object(members), PAGE_ANSWER, TimeLimit::Usual)
}

/// A room, as another server describes it. Nothing of it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomSummary {
    /// The room.
    pub room_id: String,
    /// How many users are joined.
    pub num_joined_members: u64,
    /// Who is not in the room may read it.
    pub world_readable: bool,
    /// Guests may join.
    pub guest_can_join: bool,
    /// Its name, cut to 4096 characters as all texts for people.
    pub name: Option<String>,
    /// Its topic.
    pub topic: Option<String>,
    /// Its canonical alias.
    pub canonical_alias: Option<String>,
    /// Its picture.
    pub avatar_url: Option<String>,
    /// Who may join; `public` if nothing is said.
    pub join_rule: Option<String>,
    /// Its type, such as `m.space`.
    pub room_type: Option<String>,
    /// Of a restricted room in a space, the rooms whose members may join; else empty.
    pub allowed_room_ids: Vec<String>,
}

/// Published rooms, in the order that the server gives them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The rooms.
    pub rooms: Vec<RoomSummary>,
    /// Where to go on.
    pub next_batch: Option<String>,
    /// Where to go back to.
    pub prev_batch: Option<String>,
    /// How many rooms there are, by estimate.
    pub total_room_count_estimate: Option<u64>,
    /// Rooms that are malformed, fields that are, and texts that were cut.
    pub left_out: Vec<LeftOut>,
}

/// Reads the answer to [`public_rooms`].
///
/// # Errors
/// [`AnswerError`] when the answer as a whole is none.
pub fn read_public_rooms(body: &[u8]) -> Result<Page, AnswerError> {
    let answer = Answer::read(body, &[])?;
    let chunk = answer.field("chunk", "a list of rooms", Value::as_array)?;
    let mut reading = Reading::default();
    let rooms = chunk.enumerate();
    let rooms = rooms
        .filter_map(|(index, room)| read_summary(room, &format!("chunk[{index}]."), &mut reading))
        .collect();
    // A token goes back to the server as it came, so it is taken whole or not at all.
    let mut token = |field: &'static str| {
        let place = || field.to_owned();
        reading.optional(answer.get(field), place, "a string of at most 4096 bytes", |value| {
            value.as_str().filter(|text| text.len() <= MAX_TOKEN)
        })
    };
    let (next_batch, prev_batch) =
        (token("next_batch").map(Into::into), token("prev_batch").map(Into::into));
    let field = "total_room_count_estimate";
    let total_room_count_estimate =
        reading.optional(answer.get(field), || field.to_owned(), "a number of rooms", as_count);
    Ok(Page {
        rooms,
        next_batch,
        prev_batch,
        total_room_count_estimate,
        left_out: reading.left_out,
    })
}

const MAX_TOKEN: usize = 4096;

fn as_count(value: Value<'_>) -> Option<u64> {
    value.as_i64().and_then(|count| u64::try_from(count).ok())
}

/// Reads what is said of a room; `place` is where, with a dot at its end. Without a required field it
/// is left out.
pub(super) fn read_summary(
    room: Value<'_>,
    place: &str,
    reading: &mut Reading,
) -> Option<RoomSummary> {
    let at = |key: &'static str| move || format!("{place}{key}");
    let room_id = reading.required(room, "room_id", place, "a room ID", |value| {
        value.as_str().filter(|id| is_room_id(id))
    });
    let members =
        reading.required(room, "num_joined_members", place, "a number of users", as_count);
    let readable = reading.required(room, "world_readable", place, "a boolean", as_bool);
    let guests = reading.required(room, "guest_can_join", place, "a boolean", as_bool);
    let (Some(room_id), Some(num_joined_members), Some(world_readable), Some(guest_can_join)) =
        (room_id, members, readable, guests)
    else {
        return None;
    };
    let alias = reading.optional(
        room.get("canonical_alias"),
        at("canonical_alias"),
        "a room alias",
        |value| value.as_str().filter(|alias| is_room_alias(alias)),
    );
    let avatar =
        reading.optional(room.get("avatar_url"), at("avatar_url"), "an mxc:// URI", |value| {
            value.as_str().filter(|uri| is_mxc(uri))
        });
    let allowed = room.get("allowed_room_ids");
    let allowed =
        reading.optional(allowed, at("allowed_room_ids"), "a list of room IDs", Value::as_array);
    let allowed = allowed.into_iter().flatten();
    let allowed_room_ids =
        reading.ids(allowed, &format!("{place}allowed_room_ids"), "a room ID", is_room_id);
    Some(RoomSummary {
        room_id: room_id.into_owned(),
        num_joined_members,
        world_readable,
        guest_can_join,
        name: reading.text(room, "name", place),
        topic: reading.text(room, "topic", place),
        canonical_alias: alias.map(Into::into),
        avatar_url: avatar.map(Into::into),
        join_rule: reading.text(room, "join_rule", place),
        room_type: reading.text(room, "room_type", place),
        allowed_room_ids,
    })
}

/// Is this the URI of a file on a Matrix server?
pub(super) fn is_mxc(uri: &str) -> bool {
    uri.len() <= MAX_TOKEN && uri.starts_with("mxc://") && !uri.contains(char::is_control)
}
