//! Events as ruma's authorization rules take them: read once, found in hash maps.

use std::collections::HashMap;

use ruma_common::{
    EventId, MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId,
};
use ruma_events::{StateEventType, TimelineEventType};
use ruma_state_res::Event;
use serde::Deserialize;
use serde_json::value::RawValue;

/// An event with its ID.
#[derive(Debug, Clone)]
pub struct Pdu {
    event_id: OwnedEventId,
    fields: Fields,
    prev_events: Vec<OwnedEventId>,
    auth_events: Vec<OwnedEventId>,
    redacts: Option<OwnedEventId>,
    pub rejected: bool,
}

#[derive(Debug, Clone, Deserialize)]
struct Fields {
    room_id: Option<OwnedRoomId>,
    sender: OwnedUserId,
    origin_server_ts: MilliSecondsSinceUnixEpoch,
    #[serde(rename = "type")]
    event_type: TimelineEventType,
    state_key: Option<String>,
    content: Box<RawValue>,
}

#[derive(Deserialize)]
struct References {
    prev_events: Vec<Reference>,
    auth_events: Vec<Reference>,
    redacts: Option<serde_json::Value>,
}

/// Room versions 1 and 2 have pairs of an ID and hashes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Reference {
    Id(OwnedEventId),
    Pair(OwnedEventId, serde::de::IgnoredAny),
}

impl Pdu {
    /// Reads an event.
    pub fn read(id: &str, text: &str) -> Result<Self, String> {
        let fields = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let references: References =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        let ids = |list: Vec<Reference>| {
            let id = |reference| match reference {
                Reference::Id(id) | Reference::Pair(id, _) => id,
            };
            list.into_iter().map(id).collect()
        };
        let redacts = references.redacts;
        Ok(Self {
            event_id: EventId::parse(id).map_err(|error| error.to_string())?,
            fields,
            prev_events: ids(references.prev_events),
            auth_events: ids(references.auth_events),
            redacts: redacts.and_then(|id| EventId::parse(id.as_str()?).ok()),
            rejected: false,
        })
    }
}

impl Event for Pdu {
    type Id = OwnedEventId;

    fn event_id(&self) -> &Self::Id {
        &self.event_id
    }

    fn room_id(&self) -> Option<&RoomId> {
        self.fields.room_id.as_deref()
    }

    fn sender(&self) -> &UserId {
        &self.fields.sender
    }

    fn origin_server_ts(&self) -> MilliSecondsSinceUnixEpoch {
        self.fields.origin_server_ts
    }

    fn event_type(&self) -> &TimelineEventType {
        &self.fields.event_type
    }

    fn content(&self) -> &RawValue {
        &self.fields.content
    }

    fn state_key(&self) -> Option<&str> {
        self.fields.state_key.as_deref()
    }

    fn prev_events(&self) -> Box<dyn DoubleEndedIterator<Item = &Self::Id> + '_> {
        Box::new(self.prev_events.iter())
    }

    fn auth_events(&self) -> Box<dyn DoubleEndedIterator<Item = &Self::Id> + '_> {
        Box::new(self.auth_events.iter())
    }

    fn redacts(&self) -> Option<&Self::Id> {
        self.redacts.as_ref()
    }

    fn rejected(&self) -> bool {
        self.rejected
    }
}

/// A room state. By type and then by state key, so that nothing is copied to look something up.
#[derive(Debug, Default)]
pub struct State<'a>(HashMap<StateEventType, HashMap<&'a str, &'a Pdu>>);

impl<'a> State<'a> {
    pub fn insert(&mut self, event: &'a Pdu) {
        if let Some(state_key) = event.state_key() {
            let event_type = StateEventType::from(event.event_type().to_string());
            self.0.entry(event_type).or_default().insert(state_key, event);
        }
    }

    pub fn get(&self, event_type: &StateEventType, state_key: &str) -> Option<&'a Pdu> {
        self.0.get(event_type)?.get(state_key).copied()
    }
}

impl<'a> FromIterator<&'a Pdu> for State<'a> {
    fn from_iter<T: IntoIterator<Item = &'a Pdu>>(events: T) -> Self {
        let mut state = Self::default();
        for event in events {
            state.insert(event);
        }
        state
    }
}
