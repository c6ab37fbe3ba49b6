//! `m.room.power_levels`, read once however many events it judges, and the level of anybody for
//! anything.
//!
//! Spec: <https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels>

use super::event::Event;
use super::level::Level;
use super::reading::{Reading, Unreadable};
use crate::evidence::Evidence;
use crate::json::Value;
use crate::room_version::RoomVersion;

/// The levels that have a name of their own in `m.room.power_levels`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// Of users who are not listed.
    UsersDefault,
    /// For events that are not listed and no state.
    EventsDefault,
    /// For state events that are not listed.
    StateDefault,
    /// For banning.
    Ban,
    /// For redacting what others sent.
    Redact,
    /// For kicking.
    Kick,
    /// For inviting.
    Invite,
}

static ZERO: Level = Level::Integer(0);
static FIFTY: Level = Level::Integer(50);
static HUNDRED: Level = Level::Integer(100);
static INFINITE: Level = Level::Infinite;

impl Named {
    /// All of them, in the order in which the authorization rules name them.
    pub const ALL: [Self; 7] = [
        Self::UsersDefault,
        Self::EventsDefault,
        Self::StateDefault,
        Self::Ban,
        Self::Redact,
        Self::Kick,
        Self::Invite,
    ];

    /// Its key in the content.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::UsersDefault => "users_default",
            Self::EventsDefault => "events_default",
            Self::StateDefault => "state_default",
            Self::Ban => "ban",
            Self::Redact => "redact",
            Self::Kick => "kick",
            Self::Invite => "invite",
        }
    }

    /// What holds when the room says nothing.
    #[must_use]
    pub fn default_level(self) -> &'static Level {
        match self {
            Self::UsersDefault | Self::EventsDefault | Self::Invite => &ZERO,
            Self::StateDefault | Self::Ban | Self::Redact | Self::Kick => &FIFTY,
        }
    }
}

/// An object of levels: `users`, `events` or `notifications`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entries {
    /// It is not there.
    Absent,
    /// It is no object.
    Unreadable(Unreadable),
    /// Its entries, sorted by key.
    Object(Vec<(Box<str>, Reading)>),
}

impl Entries {
    fn of(value: Option<Value<'_>>, version: &RoomVersion) -> Self {
        let Some(value) = value else { return Self::Absent };
        match value.as_object() {
            // Canonical JSON has its keys in order.
            Some(members) => Self::Object(
                members
                    .map(|entry| (entry.key().into(), Reading::of(entry.value, version)))
                    .collect(),
            ),
            None => Self::Unreadable(Unreadable::of(value, version)),
        }
    }

    /// The entries, sorted by key; none where it is no object.
    #[must_use]
    pub fn list(&self) -> &[(Box<str>, Reading)] {
        match self {
            Self::Object(entries) => entries,
            Self::Absent | Self::Unreadable(_) => &[],
        }
    }

    fn get(&self, key: &str) -> Result<Option<&Level>, &Unreadable> {
        if let Self::Unreadable(unreadable) = self {
            return unreadable.unless_null();
        }
        let entries = self.list();
        let found = entries.binary_search_by(|(entry, _)| (**entry).cmp(key));
        found
            .ok()
            .and_then(|index| entries.get(index))
            .map_or(Ok(None), |(_, reading)| lookup(reading))
    }
}

impl Unreadable {
    /// Where a level is looked up, `null` counts as not there.
    fn unless_null(&self) -> Result<Option<&Level>, &Self> {
        if self.null { Ok(None) } else { Err(self) }
    }
}

fn lookup(reading: &Reading) -> Result<Option<&Level>, &Unreadable> {
    match reading {
        Reading::Level(level) => Ok(Some(level)),
        Reading::Unreadable(unreadable) => unreadable.unless_null(),
    }
}

/// The content of `m.room.power_levels`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerLevels {
    named: [Option<Reading>; 7],
    /// The levels of users.
    pub users: Entries,
    /// The levels that types of events ask for.
    pub events: Entries,
    /// The levels that notifications ask for.
    pub notifications: Entries,
}

impl PowerLevels {
    /// Reads the content of an `m.room.power_levels` event by the rules of a room version.
    #[must_use]
    pub fn of(content: Option<Value<'_>>, version: &RoomVersion) -> Self {
        let mut levels = Self {
            named: Default::default(),
            users: Entries::Absent,
            events: Entries::Absent,
            notifications: Entries::Absent,
        };
        for member in content.and_then(Value::as_object).into_iter().flatten() {
            match member.raw_key {
                b"users" => levels.users = Entries::of(Some(member.value), version),
                b"events" => levels.events = Entries::of(Some(member.value), version),
                b"notifications" => levels.notifications = Entries::of(Some(member.value), version),
                key => levels.read_named(key, member.value, version),
            }
        }
        levels
    }

    fn read_named(&mut self, key: &[u8], value: Value<'_>, version: &RoomVersion) {
        let known = Named::ALL.iter().position(|named| named.key().as_bytes() == key);
        if let Some(place) = known.and_then(|index| self.named.get_mut(index)) {
            *place = Some(Reading::of(value, version));
        }
    }

    /// What the content has for a named level.
    #[must_use]
    pub fn named(&self, named: Named) -> Option<&Reading> {
        self.named.get(named as usize).and_then(Option::as_ref)
    }

    /// Is there a value that Synapse takes for a level and the specification does not?
    #[must_use]
    pub fn is_divergent(&self) -> bool {
        let divergent = |reading: &Reading| {
            matches!(reading, Reading::Unreadable(Unreadable { divergent: true, .. }))
        };
        let maps = [&self.users, &self.events, &self.notifications];
        self.named.iter().flatten().any(divergent)
            || maps.iter().any(|map| map.list().iter().any(|(_, reading)| divergent(reading)))
    }
}

/// A level and where it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// The level.
    pub level: &'a Level,
    /// Where it comes from.
    pub source: Source<'a>,
}

/// Where a level comes from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// The user is a creator of the room, whose level is infinite (room versions 12 and later).
    PrivilegedCreator(&'a Event),
    /// The user created the room, and there are no power levels.
    Creator(&'a Event),
    /// An entry of an object in the power levels: `users`, `events`.
    Entry(&'a Event, &'static str),
    /// A named level in the power levels.
    Named(&'a Event, Named),
    /// Nothing in the room says it: the specification's default for this named level.
    Default(Named),
}

/// A level that is needed, but that the room's power levels have in no readable form.
#[derive(Debug, Clone, Copy)]
pub struct Unread<'a> {
    /// The power levels.
    pub event: &'a Event,
    /// The key of the content.
    pub key: &'static str,
    /// The value.
    pub value: &'a Unreadable,
}

type Found<'a> = Result<Held<'a>, Unread<'a>>;

/// The levels that are in force in a room state.
#[derive(Debug, Clone, Copy)]
pub struct Levels<'a> {
    version: &'static RoomVersion,
    create: &'a Event,
    power_levels: Option<(&'a Event, &'a PowerLevels)>,
}

impl<'a> Levels<'a> {
    /// The levels by the create event and the power levels event of a room state.
    #[must_use]
    pub fn new(create: &'a Event, power_levels: Option<&'a Event>) -> Self {
        Self {
            version: create.pdu().version(),
            create,
            power_levels: power_levels.and_then(|event| Some((event, event.power_levels()?))),
        }
    }

    /// The level of a user.
    ///
    /// # Errors
    /// [`Unread`] when the power levels say it in no readable form.
    pub fn user(&self, user: &str) -> Found<'a> {
        if self.version.privileged_creators && self.create.is_creator(user) {
            return Ok(Held { level: &INFINITE, source: Source::PrivilegedCreator(self.create) });
        }
        let Some((event, levels)) = self.power_levels else {
            return Ok(if self.create.is_creator(user) {
                Held { level: &HUNDRED, source: Source::Creator(self.create) }
            } else {
                Held { level: &ZERO, source: Source::Default(Named::UsersDefault) }
            });
        };
        self.entry(event, &levels.users, "users", user)
            .unwrap_or_else(|| self.named(Named::UsersDefault))
    }

    /// A named level.
    ///
    /// # Errors
    /// [`Unread`] when the power levels say it in no readable form.
    pub fn named(&self, named: Named) -> Found<'a> {
        let default = Held { level: named.default_level(), source: Source::Default(named) };
        let Some((event, levels)) = self.power_levels else { return Ok(default) };
        let found = levels.named(named).map_or(Ok(None), lookup);
        let held = |level| Held { level, source: Source::Named(event, named) };
        found.map(|level| level.map_or(default, held)).map_err(|value| Unread {
            event,
            key: named.key(),
            value,
        })
    }

    /// The level that sending an event of this type asks for.
    ///
    /// # Errors
    /// [`Unread`] when the power levels say it in no readable form.
    pub fn required(&self, event_type: &str, is_state: bool) -> Found<'a> {
        let default = if is_state { Named::StateDefault } else { Named::EventsDefault };
        self.power_levels
            .and_then(|(event, levels)| self.entry(event, &levels.events, "events", event_type))
            .unwrap_or_else(|| self.named(default))
    }

    /// The entry of an object in the power levels; `None` when it has none.
    fn entry(
        &self,
        event: &'a Event,
        entries: &'a Entries,
        key: &'static str,
        name: &str,
    ) -> Option<Found<'a>> {
        match entries.get(name) {
            Ok(level) => Some(Ok(Held { level: level?, source: Source::Entry(event, key) })),
            Err(value) => Some(Err(Unread { event, key, value })),
        }
    }
}

impl From<Held<'_>> for Evidence {
    /// `{level, from, event_id}`: `from` is a key of the power levels' content, `creator` or
    /// `default`.
    fn from(held: Held<'_>) -> Self {
        let (from, event) = match held.source {
            Source::PrivilegedCreator(event) | Source::Creator(event) => ("creator", Some(event)),
            Source::Entry(event, key) => (key, Some(event)),
            Source::Named(event, named) => (named.key(), Some(event)),
            Source::Default(_) => ("default", None),
        };
        Self::object([("level", held.level.into()), ("from", from.into())])
            .with_some("event_id", event.map(Event::id))
    }
}
