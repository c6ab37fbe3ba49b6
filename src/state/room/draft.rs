//! Events of our own: what a new event says of its place in the room.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#pdus>

use std::cmp::Reverse;

use thiserror::Error;

use super::Room;
use crate::auth::{CREATE, Event, Selection, State};
use crate::encoding;
use crate::event::{MAX_PREV_EVENTS, hashes};
use crate::json::{Canonical, JsonError, Numbers, Value, insert_member, parse, write_string};
use crate::room_version::RoomIdFormat;
use crate::state::graph::{EventIndex, StateView};
use crate::state::whole::room_of;

/// What a new event is to say.
#[derive(Debug, Clone, Copy)]
pub struct NewEvent<'a> {
    /// `type`
    pub event_type: &'a str,
    /// `sender`: a user of our server.
    pub sender: &'a str,
    /// `state_key`, of a state event.
    pub state_key: Option<&'a str>,
    /// `content`, an object.
    pub content: Option<Value<'a>>,
    /// The event that a redaction names.
    pub redacts: Option<&'a str>,
    /// When it is made, in milliseconds since 1970.
    pub origin_server_ts: i64,
    /// Its ID, in room versions 1 and 2 only.
    pub event_id: Option<&'a str>,
    /// The room, of the first event alone; not from room version 12 on, where that event makes its ID.
    pub room_id: Option<&'a str>,
}

/// Why there is no new event.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DraftError {
    /// There is no room to write to.
    #[error(
        "the room has no create event yet: its first event must be one, and say the ID of the room up to room version 11"
    )]
    RoomUnknown,
    /// What was made is no JSON: never for content that is.
    #[error(transparent)]
    Json(#[from] JsonError),
}

impl DraftError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::RoomUnknown => "draft_room_unknown",
            Self::Json(error) => error.code(),
        }
    }
}

impl Room {
    /// A new event that follows on the forward extremities, with all but hash and signature. Whether it is
    /// allowed is not asked: receiving it says so.
    ///
    /// Of more than 20 forward extremities, which no event may name, those of the greatest depth are
    /// taken; the next event follows on the others.
    ///
    /// # Errors
    /// [`DraftError::RoomUnknown`] when the room has no create event yet and this is not the first event
    /// of one.
    pub fn draft(&self, new: &NewEvent<'_>) -> Result<Canonical, DraftError> {
        let version = self.graph.version();
        let previous = self.newest_extremities();
        let deepest = previous.iter().filter_map(|event| self.depth(*event)).max().unwrap_or(0);
        let before = self.state_over(&previous.iter().copied().collect());
        let view = StateView { graph: &self.graph, snapshot: &before };
        let room_id = self.room_of_draft(new, view.get(CREATE, ""))?;

        let content = self.content_of_draft(new)?;
        let content = Some(content.value());
        let selection = Selection::new(version, new.event_type, new.sender, new.state_key, content);
        let cited = selection.list();
        let cited = cited.iter().filter_map(|(name, key)| view.get(name, key));
        let auth_events = self.references(cited);
        let previous = previous.iter().filter_map(|event| self.graph.node(*event));
        let prev_events = self.references(previous.map(|node| &node.event));

        let depth = deepest.saturating_add(1).min(version.max_depth).to_string();
        let redacts = new.redacts.filter(|_| !version.redacts_in_content);
        let event_id = new.event_id.filter(|_| version.event_id_format.is_field());
        let mut event = parse(b"{}", Numbers::Keep)?;
        for (field, value) in [
            ("type", Some(new.event_type)),
            ("sender", Some(new.sender)),
            ("state_key", new.state_key),
            ("room_id", room_id.as_deref()),
            ("redacts", redacts),
            ("event_id", event_id),
        ] {
            if let Some(value) = value {
                event = event.with_member(field, Some(&string(value)));
            }
        }
        let content = content.map_or(b"{}".as_slice(), Value::text);
        Ok(event
            .with_member("content", Some(content))
            .with_member("depth", Some(depth.as_bytes()))
            .with_member("origin_server_ts", Some(new.origin_server_ts.to_string().as_bytes()))
            .with_member("prev_events", Some(&prev_events))
            .with_member("auth_events", Some(&auth_events)))
    }

    /// As many forward extremities as one event may name, the deepest first.
    fn newest_extremities(&self) -> Vec<EventIndex> {
        let mut events: Vec<EventIndex> = self.extremities.iter().copied().collect();
        events.sort_by_key(|event| Reverse(self.depth(*event)));
        events.truncate(MAX_PREV_EVENTS);
        events
    }

    fn depth(&self, event: EventIndex) -> Option<i64> {
        self.graph.node(event).map(|node| node.event.pdu().depth())
    }

    /// The room ID that the event is to say; `None` for the create event that makes its own.
    fn room_of_draft(
        &self,
        new: &NewEvent<'_>,
        create: Option<&Event>,
    ) -> Result<Option<String>, DraftError> {
        if let Some(create) = create {
            return Ok(Some(room_of(create)));
        }
        let makes_id = self.graph.version().room_id_format == RoomIdFormat::CreateEventId;
        match new.room_id.map(str::to_owned).or_else(|| self.room_id.clone()) {
            _ if new.event_type != CREATE => Err(DraftError::RoomUnknown),
            _ if makes_id => Ok(None),
            None => Err(DraftError::RoomUnknown),
            known => Ok(known),
        }
    }

    fn content_of_draft(&self, new: &NewEvent<'_>) -> Result<Canonical, JsonError> {
        let redacts = new.redacts.filter(|_| self.graph.version().redacts_in_content);
        match (redacts, new.content) {
            (Some(redacts), content) => {
                parse(&insert_member(content, "redacts", &string(redacts)), Numbers::Keep)
            }
            (None, Some(content)) => parse(content.text(), Numbers::Keep),
            (None, None) => parse(b"{}", Numbers::Keep),
        }
    }

    /// How events are named by another, as a JSON array.
    fn references<'e>(&self, events: impl Iterator<Item = &'e Event>) -> Vec<u8> {
        let version = self.graph.version();
        let mut list = vec![b'['];
        for event in events {
            if list.len() > 1 {
                list.push(b',');
            }
            if version.event_id_format.is_field() {
                let hash = hashes::reference_hash(event.pdu().json(), version);
                let hash = encoding::encode(&hash);
                list.push(b'[');
                write_string(event.id(), &mut list);
                list.extend_from_slice(format!(",{{\"sha256\":\"{hash}\"}}]").as_bytes());
            } else {
                write_string(event.id(), &mut list);
            }
        }
        list.push(b']');
        list
    }
}

fn string(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len().saturating_add(2));
    write_string(text, &mut out);
    out
}
