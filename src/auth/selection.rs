//! Which state an event must cite as its auth events, so that others can see what allows it.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#auth-events-selection>

use super::event::{Event, EventType, Membership};
use super::state::same_key;
use crate::json::Value;
use crate::room_version::{RoomIdFormat, RoomVersion};

/// What the selection depends on. It is read from events that are still being made, too, so
/// nothing is required.
#[derive(Debug, Clone, Copy)]
pub struct Selection<'a> {
    version: &'static RoomVersion,
    event_type: EventType,
    sender: &'a str,
    state_key: Option<&'a str>,
    membership: Membership,
    content: Option<Value<'a>>,
}

impl<'a> Selection<'a> {
    /// The selection for an event with these fields.
    #[must_use]
    pub fn new(
        version: &'static RoomVersion,
        event_type: &str,
        sender: &'a str,
        state_key: Option<&'a str>,
        content: Option<Value<'a>>,
    ) -> Self {
        let membership = Membership::of(content.and_then(|content| content.get("membership")));
        let event_type = EventType::of(event_type);
        Self { version, event_type, sender, state_key, membership, content }
    }

    /// The types and state keys of the state that must be cited where it exists; each once.
    #[must_use]
    pub fn list(&self) -> Vec<(&'static str, String)> {
        let mut list: Vec<(&'static str, String)> = Vec::new();
        self.each(|event_type, state_key| {
            let event_type = event_type.name();
            if !list.iter().any(|(listed, key)| *listed == event_type && key == state_key) {
                list.push((event_type, state_key.to_owned()));
            }
            false
        });
        list
    }

    /// Is this state among those to be cited?
    #[must_use]
    pub fn has(&self, event_type: EventType, state_key: &str) -> bool {
        self.each(|selected, key| selected == event_type && same_key(key, state_key))
    }

    /// Gives each selected state to `wanted`, until that says yes.
    fn each(&self, mut wanted: impl FnMut(EventType, &str) -> bool) -> bool {
        if self.event_type == EventType::Create {
            return false;
        }
        // From room version 12 on, the room ID says which create event it is.
        (self.version.room_id_format == RoomIdFormat::Domain && wanted(EventType::Create, ""))
            || wanted(EventType::PowerLevels, "")
            || wanted(EventType::Member, self.sender)
            || (self.event_type == EventType::Member && self.each_for_member(wanted))
    }

    fn each_for_member(&self, mut wanted: impl FnMut(EventType, &str) -> bool) -> bool {
        let content = |key| self.content.and_then(|content| content.get(key));
        let membership = self.membership;
        if self.state_key.is_some_and(|target| wanted(EventType::Member, target)) {
            return true;
        }
        let enters =
            matches!(membership, Membership::Join | Membership::Invite | Membership::Knock);
        if enters && wanted(EventType::JoinRules, "") {
            return true;
        }
        let text = |value: Option<Value<'a>>| value.and_then(Value::as_str);
        match membership {
            Membership::Invite => {
                let signed = content("third_party_invite").and_then(|invite| invite.get("signed"));
                text(signed.and_then(|signed| signed.get("token")))
                    .is_some_and(|token| wanted(EventType::ThirdPartyInvite, &token))
            }
            Membership::Join if self.version.restricted_join => {
                text(content("join_authorised_via_users_server"))
                    .is_some_and(|user| wanted(EventType::Member, &user))
            }
            _ => false,
        }
    }
}

impl Event {
    /// Is this state among those that the event must cite?
    pub(super) fn selects(&self, event_type: EventType, state_key: &str) -> bool {
        self.selection().has(event_type, state_key)
    }

    /// The types and state keys of the state that the event must cite where it exists.
    #[must_use]
    pub fn auth_types(&self) -> Vec<(&'static str, String)> {
        self.selection().list()
    }

    fn selection(&self) -> Selection<'_> {
        Selection {
            version: self.pdu().version(),
            event_type: self.event_type(),
            sender: self.sender(),
            state_key: self.state_key(),
            membership: self.membership().unwrap_or(Membership::Unknown),
            content: self.pdu().content(),
        }
    }
}
