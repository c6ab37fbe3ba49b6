//! What differs between two power levels events.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use super::name;
use crate::auth::decision::{Decision, Path, Why};
use crate::auth::level::Level;
use crate::auth::outline::Rule;
use crate::auth::power_levels::{Entries, Named, PowerLevels};
use crate::auth::reading::{Reading, Unreadable};
use crate::evidence::{Evidence, Quoted};
use crate::room_version::RoomVersion;

/// A level that is added, changed or removed.
#[derive(Debug)]
pub(super) struct Change<'a> {
    place: Place,
    pub key: &'a str,
    old: Option<&'a Level>,
    new: Option<&'a Level>,
}

/// Where a level stands in the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Named,
    Events,
    Notifications,
    Users,
}

/// What is now, or what will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Current,
    New,
}

impl Side {
    pub fn verb(self) -> &'static str {
        match self {
            Self::Current => "is",
            Self::New => "becomes",
        }
    }
}

impl Place {
    fn key(self) -> &'static str {
        match self {
            Self::Named => "",
            Self::Events => "events",
            Self::Notifications => "notifications",
            Self::Users => "users",
        }
    }
}

impl<'a> Change<'a> {
    pub fn level(&self, side: Side) -> Option<&'a Level> {
        match side {
            Side::Current => self.old,
            Side::New => self.new,
        }
    }

    pub fn is_of_user(&self) -> bool {
        self.place == Place::Users
    }

    /// The rule that compares it.
    pub fn rule(&self, side: Side) -> Rule {
        match (self.place, side) {
            (Place::Named, Side::Current) => Rule::NamedLevelCurrent,
            (Place::Named, Side::New) => Rule::NamedLevelNew,
            (Place::Users, Side::Current) => Rule::UserCurrent,
            (Place::Users, Side::New) => Rule::UserNew,
            (_, Side::Current) => Rule::EntryCurrent,
            (_, Side::New) => Rule::EntryNew,
        }
    }

    pub fn code(&self, side: Side) -> &'static str {
        match (self.place, side) {
            (Place::Named, Side::Current) => "power_levels_value_current",
            (Place::Named, Side::New) => "power_levels_value_new",
            (Place::Events, Side::Current) => "power_levels_event_current",
            (Place::Events, Side::New) => "power_levels_event_new",
            (Place::Notifications, Side::Current) => "power_levels_notification_current",
            (Place::Notifications, Side::New) => "power_levels_notification_new",
            (Place::Users, Side::Current) => "power_levels_user_current",
            (Place::Users, Side::New) => "power_levels_user_new",
        }
    }

    /// In words.
    pub fn name(&self) -> String {
        match self.place {
            Place::Named => Quoted(self.key).to_string(),
            place => name(place.key(), self.key),
        }
    }

    /// Where it stands in the content.
    pub fn path(&self) -> Evidence {
        match self.place {
            Place::Named => [self.key.into()].into_iter().collect(),
            place => [place.key().into(), self.key.into()].into_iter().collect(),
        }
    }
}

type Changes<'a> = ControlFlow<Decision, Vec<Change<'a>>>;

/// The levels with a name.
pub(super) fn named<'a>(
    old: &'a PowerLevels,
    new: &'a PowerLevels,
    path: &mut Path,
) -> Changes<'a> {
    let pairs = Named::ALL.map(|named| (named.key(), old.named(named), new.named(named)));
    changed(Place::Named, pairs, Rule::NamedLevels, path)
}

/// The entries of `events`, and of `notifications` where the room version minds them.
pub(super) fn entries<'a>(
    old: &'a PowerLevels,
    new: &'a PowerLevels,
    version: &RoomVersion,
    path: &mut Path,
) -> Changes<'a> {
    const RULE: Rule = Rule::EntriesCurrent;
    let mut changes = in_map(Place::Events, &old.events, &new.events, RULE, path)?;
    if version.notifications_power_levels {
        let (old, new) = (&old.notifications, &new.notifications);
        changes.extend(in_map(Place::Notifications, old, new, RULE, path)?);
    }
    ControlFlow::Continue(changes)
}

/// The entries of `users`.
pub(super) fn users<'a>(
    old: &'a PowerLevels,
    new: &'a PowerLevels,
    path: &mut Path,
) -> Changes<'a> {
    in_map(Place::Users, &old.users, &new.users, Rule::UsersCurrent, path)
}

fn in_map<'a>(
    place: Place,
    old: &'a Entries,
    new: &'a Entries,
    rule: Rule,
    path: &mut Path,
) -> Changes<'a> {
    for map in [old, new] {
        if let Entries::Unreadable(value) = map {
            let reason =
                format!("{} in {} is no object of levels", value.text, Quoted(place.key()));
            return ControlFlow::Break(unreadable(rule, &reason, place.key(), value, path));
        }
    }
    changed(place, Pairs { old: old.list(), new: new.list() }, rule, path)
}

/// Which levels differ. One that is the same number in another form does not; one that is no level
/// cannot be compared, so nobody may have it there.
fn changed<'a>(
    place: Place,
    pairs: impl IntoIterator<Item = (&'a str, Option<&'a Reading>, Option<&'a Reading>)>,
    rule: Rule,
    path: &mut Path,
) -> Changes<'a> {
    let mut changes = Vec::new();
    for (key, old, new) in pairs {
        for reading in [old, new].into_iter().flatten() {
            if let Reading::Unreadable(value) = reading {
                let reason = format!("{} for {} is no level", value.text, Quoted(key));
                return ControlFlow::Break(unreadable(rule, &reason, key, value, path));
            }
        }
        let (old, new) = (old.and_then(Reading::level), new.and_then(Reading::level));
        if old != new {
            changes.push(Change { place, key, old, new });
        }
    }
    ControlFlow::Continue(changes)
}

fn unreadable(
    rule: Rule,
    reason: &str,
    key: &str,
    value: &Unreadable,
    path: &mut Path,
) -> Decision {
    path.reject(rule, &|| {
        let evidence = Evidence::object([("key", key.into()), ("value", (&*value.text).into())]);
        Why::new("power_level_unreadable", reason.to_owned(), evidence)
    })
}

/// The entries of two objects side by side, by their keys, which both have in order.
struct Pairs<'a> {
    old: &'a [(Box<str>, Reading)],
    new: &'a [(Box<str>, Reading)],
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a str, Option<&'a Reading>, Option<&'a Reading>);

    fn next(&mut self) -> Option<Self::Item> {
        let order = match (self.old.first(), self.new.first()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((old, _)), Some((new, _))) => old.cmp(new),
        };
        let old = if order.is_le() { self.old.split_off_first() } else { None };
        let new = if order.is_ge() { self.new.split_off_first() } else { None };
        let (key, _) = old.or(new)?;
        Some((key, old.map(|(_, reading)| reading), new.map(|(_, reading)| reading)))
    }
}
