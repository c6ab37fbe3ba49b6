//! An event as the authorization rules read it: what they ask of it again and again is read once.

use super::power_levels::PowerLevels;
use super::state::same_key;
use crate::event::Pdu;
use crate::event::signatures::ServerFailure;
use crate::identifiers::is_user_id;
use crate::json::Value;
use crate::room_version::{RoomIdFormat, RoomVersion};

/// A well-formed event with its ID.
#[derive(Debug, Clone)]
pub struct Event {
    id: Box<str>,
    pdu: Pdu,
    event_type: EventType,
    sender: Box<str>,
    /// Where in `sender` the name of its server begins.
    server_start: usize,
    state_key: Option<Box<str>>,
    facts: Facts,
    authoriser: AuthoriserSignature,
}

/// The types that the authorization rules know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    /// `m.room.create`
    Create,
    /// `m.room.member`
    Member,
    /// `m.room.join_rules`
    JoinRules,
    /// `m.room.power_levels`
    PowerLevels,
    /// `m.room.third_party_invite`
    ThirdPartyInvite,
    /// `m.room.aliases`
    Aliases,
    /// `m.room.redaction`
    Redaction,
    /// Any other.
    Other,
}

impl EventType {
    /// How many types the rules know, for tables.
    pub(crate) const KNOWN: usize = Self::Other as usize;

    pub(crate) fn of(event_type: &str) -> Self {
        match event_type {
            CREATE => Self::Create,
            MEMBER => Self::Member,
            JOIN_RULES => Self::JoinRules,
            POWER_LEVELS => Self::PowerLevels,
            THIRD_PARTY_INVITE => Self::ThirdPartyInvite,
            ALIASES => Self::Aliases,
            REDACTION => Self::Redaction,
            _ => Self::Other,
        }
    }

    /// As events have it; empty for any other.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Create => CREATE,
            Self::Member => MEMBER,
            Self::JoinRules => JOIN_RULES,
            Self::PowerLevels => POWER_LEVELS,
            Self::ThirdPartyInvite => THIRD_PARTY_INVITE,
            Self::Aliases => ALIASES,
            Self::Redaction => REDACTION,
            Self::Other => "",
        }
    }
}

/// The types of state events that affect authorization.
pub(crate) const CREATE: &str = "m.room.create";
pub(crate) const MEMBER: &str = "m.room.member";
pub(crate) const JOIN_RULES: &str = "m.room.join_rules";
pub(crate) const POWER_LEVELS: &str = "m.room.power_levels";
pub(crate) const THIRD_PARTY_INVITE: &str = "m.room.third_party_invite";

const ALIASES: &str = "m.room.aliases";
const REDACTION: &str = "m.room.redaction";

/// What is read of the content.
#[derive(Debug, Clone)]
enum Facts {
    Create(Create),
    /// The membership, and whether it is that of a user.
    Member(Membership, bool),
    JoinRules(JoinRule),
    PowerLevels(Box<PowerLevels>),
    None,
}

/// What a create event says.
#[derive(Debug, Clone)]
struct Create {
    /// The user that counts as creator; `None` when the event should name one and does not.
    creator: Option<Box<str>>,
    /// Further ones (room versions 12 and later).
    additional_creators: Vec<Box<str>>,
    /// Users of other servers may take part.
    federates: bool,
}

/// A membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// `join`
    Join,
    /// `invite`
    Invite,
    /// `leave`
    Leave,
    /// `ban`
    Ban,
    /// `knock`
    Knock,
    /// Anything else.
    Unknown,
}

/// A join rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinRule {
    /// `public`
    Public,
    /// `invite`
    Invite,
    /// `knock`
    Knock,
    /// `restricted`
    Restricted,
    /// `knock_restricted`
    KnockRestricted,
    /// Anything else, `private` included: nobody may join by it.
    Unknown,
}

/// What is known of the signature that the server of `join_authorised_via_users_server` must have
/// made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuthoriserSignature {
    /// It has not been checked: the rules look whether there is one.
    #[default]
    Unchecked,
    /// It is right.
    Valid,
    /// It is not.
    Failed(ServerFailure),
}

impl Event {
    /// Reads an event that passed check 1. Where its content hash differs (check 3), it must be
    /// the redacted copy.
    #[must_use]
    pub fn new(pdu: Pdu, id: impl Into<Box<str>>) -> Self {
        let event_type = EventType::of(&pdu.event_type());
        let sender: Box<str> = pdu.sender().into();
        // Check 1 has seen that there is one.
        let server_start = sender.find(':').map_or(sender.len(), |colon| colon.saturating_add(1));
        let state_key: Option<Box<str>> = pdu.state_key().map(Into::into);
        let content = |key| pdu.content().and_then(|content| content.get(key));
        let facts = match event_type {
            EventType::Create => Facts::Create(Create::of(&content, &sender, pdu.version())),
            EventType::Member => {
                let is_of_user = state_key.as_deref().is_some_and(is_user_id);
                Facts::Member(Membership::of(content("membership")), is_of_user)
            }
            EventType::JoinRules => Facts::JoinRules(JoinRule::of(content("join_rule"))),
            EventType::PowerLevels => {
                Facts::PowerLevels(Box::new(PowerLevels::of(pdu.content(), pdu.version())))
            }
            _ => Facts::None,
        };
        let id = id.into();
        let authoriser = AuthoriserSignature::Unchecked;
        Self { id, event_type, sender, server_start, state_key, facts, authoriser, pdu }
    }

    /// The event with what is known of the signature of its authoriser's server.
    #[must_use]
    pub fn with_authoriser(mut self, authoriser: AuthoriserSignature) -> Self {
        self.authoriser = authoriser;
        self
    }

    /// Its ID.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The event itself.
    #[must_use]
    pub fn pdu(&self) -> &Pdu {
        &self.pdu
    }

    /// Its type, as far as the authorization rules know it.
    #[must_use]
    pub fn event_type(&self) -> EventType {
        self.event_type
    }

    /// `sender`
    #[must_use]
    pub fn sender(&self) -> &str {
        &self.sender
    }

    /// The server of `sender`.
    #[must_use]
    pub fn sender_server(&self) -> &str {
        self.sender.get(self.server_start..).unwrap_or_default()
    }

    /// Is it the membership of a user: is its state key a user ID?
    #[must_use]
    pub fn is_of_user(&self) -> bool {
        matches!(self.facts, Facts::Member(_, true))
    }

    /// `state_key`, where the event has one.
    #[must_use]
    pub fn state_key(&self) -> Option<&str> {
        self.state_key.as_deref()
    }

    /// Is it this state?
    #[must_use]
    pub fn is_state(&self, event_type: &str, state_key: &str) -> bool {
        self.state_key().is_some_and(|key| same_key(key, state_key))
            && self.is_of_type(EventType::of(event_type), event_type)
    }

    /// Is it of this type, `known` to the rules or not?
    pub(super) fn is_of_type(&self, known: EventType, event_type: &str) -> bool {
        known == self.event_type
            && (known != EventType::Other || self.pdu.event_type() == event_type)
    }

    /// Are both state events of one type and state key?
    #[must_use]
    pub fn is_state_of(&self, other: &Self) -> bool {
        self.event_type == other.event_type
            && self.state_key().zip(other.state_key()).is_some_and(|(one, two)| same_key(one, two))
            && (self.event_type != EventType::Other
                || self.pdu.event_type() == other.pdu.event_type())
    }

    /// A member of the content.
    #[must_use]
    pub fn content(&self, key: &str) -> Option<Value<'_>> {
        self.pdu.content()?.get(key)
    }

    /// The ID of the create event that its `room_id` names, in room versions where that does.
    #[must_use]
    pub fn named_create(&self) -> Option<String> {
        let is_named = self.pdu.version().room_id_format == RoomIdFormat::CreateEventId;
        Some(self.pdu.room_id().filter(|_| is_named)?.replacen('!', "$", 1))
    }

    /// Is the create event of this ID the one that the room ID names?
    #[must_use]
    pub fn names_create(&self, create_id: &str) -> bool {
        self.pdu.version().room_id_format == RoomIdFormat::CreateEventId
            && self.pdu.room_id().is_some_and(|room_id| {
                room_id.strip_prefix('!').is_some_and(|id| create_id.strip_prefix('$') == Some(id))
            })
    }

    /// What is known of the signature of its authoriser's server.
    #[must_use]
    pub fn authoriser(&self) -> AuthoriserSignature {
        self.authoriser
    }

    /// Has a server put a signature on the event, right or wrong?
    #[must_use]
    pub fn is_signed_by(&self, server: &str) -> bool {
        self.signatures_of(server).next().is_some()
    }

    /// The keys by which a server has signed, as a verdict names missing ones: `server key_id`.
    pub(super) fn signing_keys(&self, server: &str) -> Vec<String> {
        self.signatures_of(server).map(|key_id| format!("{server} {key_id}")).collect()
    }

    fn signatures_of(&self, server: &str) -> impl Iterator<Item = String> {
        let servers = self.pdu.signatures().and_then(Value::as_object).into_iter().flatten();
        let own = servers.filter(move |entry| entry.key() == server);
        own.filter_map(|entry| entry.value.as_object())
            .flatten()
            .map(|signature| signature.key().into_owned())
    }

    /// The membership that a membership event says.
    #[must_use]
    pub fn membership(&self) -> Option<Membership> {
        match self.facts {
            Facts::Member(membership, _) => Some(membership),
            _ => None,
        }
    }

    /// The join rule that a join rules event says.
    #[must_use]
    pub fn join_rule(&self) -> Option<JoinRule> {
        match self.facts {
            Facts::JoinRules(rule) => Some(rule),
            _ => None,
        }
    }

    /// The levels that a power levels event says.
    #[must_use]
    pub fn power_levels(&self) -> Option<&PowerLevels> {
        match &self.facts {
            Facts::PowerLevels(levels) => Some(levels),
            _ => None,
        }
    }

    fn create(&self) -> Option<&Create> {
        match &self.facts {
            Facts::Create(create) => Some(create),
            _ => None,
        }
    }

    /// The user that created the room, by its create event. (In room version 12, the first of its
    /// creators.)
    #[must_use]
    pub fn creator(&self) -> Option<&str> {
        self.create()?.creator.as_deref()
    }

    /// Is a user one of the creators of the room, by its create event?
    #[must_use]
    pub fn is_creator(&self, user: &str) -> bool {
        self.create().is_some_and(|create| {
            let mut creators = create.creator.iter().chain(&create.additional_creators);
            creators.any(|creator| **creator == *user)
        })
    }

    /// May users of other servers take part, by the create event?
    #[must_use]
    pub fn federates(&self) -> bool {
        self.create().is_none_or(|create| create.federates)
    }
}

impl Create {
    fn of<'a>(
        content: &impl Fn(&'static str) -> Option<Value<'a>>,
        sender: &str,
        version: &RoomVersion,
    ) -> Self {
        let text = |value: Value<'_>| value.as_str().map(Into::into);
        let additional = content("additional_creators").filter(|_| version.privileged_creators);
        Self {
            creator: match version.creator_field {
                true => content("creator").and_then(text),
                false => Some(sender.into()),
            },
            additional_creators: additional
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(text)
                .collect(),
            // Only a plain `false` closes the room.
            federates: content("m.federate").is_none_or(|value| value.text() != b"false"),
        }
    }
}

impl Membership {
    pub(super) fn of(value: Option<Value<'_>>) -> Self {
        match value.map(Value::text) {
            Some(b"\"join\"") => Self::Join,
            Some(b"\"invite\"") => Self::Invite,
            Some(b"\"leave\"") => Self::Leave,
            Some(b"\"ban\"") => Self::Ban,
            Some(b"\"knock\"") => Self::Knock,
            _ => Self::Unknown,
        }
    }

    /// As the content has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Invite => "invite",
            Self::Leave => "leave",
            Self::Ban => "ban",
            Self::Knock => "knock",
            Self::Unknown => "unknown",
        }
    }
}

impl JoinRule {
    /// Without a join rule, rooms are for the invited.
    fn of(value: Option<Value<'_>>) -> Self {
        match value.map(Value::text) {
            None | Some(b"\"invite\"") => Self::Invite,
            Some(b"\"public\"") => Self::Public,
            Some(b"\"knock\"") => Self::Knock,
            Some(b"\"restricted\"") => Self::Restricted,
            Some(b"\"knock_restricted\"") => Self::KnockRestricted,
            Some(_) => Self::Unknown,
        }
    }

    /// What the rule is worth in a room version: a rule that it does not have lets nobody in.
    #[must_use]
    pub fn in_version(self, version: &RoomVersion) -> Self {
        let known = match self {
            Self::Knock => version.knock,
            Self::Restricted => version.restricted_join,
            Self::KnockRestricted => version.knock_restricted_join,
            _ => true,
        };
        if known { self } else { Self::Unknown }
    }
}
