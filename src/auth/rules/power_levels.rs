//! `m.room.power_levels`: its form, and that nobody gives or takes more than they have.

mod changes;
mod shape;

use changes::{Change, Side};

use super::Check;
use super::tell::{level, level_of};
use crate::auth::decision::{Flow, Path, Why};
use crate::auth::event::{Event, EventType, POWER_LEVELS};
use crate::auth::outline::Rule;
use crate::auth::power_levels::{Held, PowerLevels};
use crate::evidence::{Evidence, Quoted};

impl Check<'_> {
    /// "If type is `m.room.power_levels`".
    pub(super) fn power_levels(&self, path: &mut Path) -> Flow {
        let is_it = self.event.event_type() == EventType::PowerLevels;
        if !path.applies(Rule::PowerLevels, is_it) {
            return Flow::Continue(());
        }
        let Some(new) = self.event.power_levels() else { return Flow::Continue(()) };
        if !self.version.string_power_levels {
            shape::named_levels(new, path)?;
            shape::maps(new, path)?;
        }
        shape::users(new, path)?;
        if self.version.privileged_creators {
            self.creators_are_not_listed(new, path)?;
        }
        // Of the same state key: only those with an empty key give levels, and one with another key
        // is compared with its like.
        let previous = self.event.state_key().and_then(|key| self.state.get(POWER_LEVELS, key));
        path.allow_if(Rule::PowerLevelsFirst, previous.is_none(), &|| {
            Evidence::object([]).with_some("power_levels_event", previous.map(Event::id))
        })?;
        if let Some(old) = previous.and_then(Event::power_levels) {
            self.changes(old, new, path)?;
        }
        Flow::Break(path.allow(Rule::PowerLevelsOtherwise))
    }

    /// "… contains the `sender` of the `m.room.create` event or any of the `additional_creators`".
    fn creators_are_not_listed(&self, new: &PowerLevels, path: &mut Path) -> Flow {
        let listed = new.users.list().iter().find(|(user, _)| self.create.is_creator(user));
        let evidence = |user: Option<&str>| {
            Evidence::object([("create_event", self.create.id().into())]).with_some("user", user)
        };
        match listed {
            None => path.pass(Rule::PowerLevelsCreators, &|| evidence(None)),
            Some((user, _)) => Flow::Break(path.reject(Rule::PowerLevelsCreators, &|| {
                let reason = format!(
                    "{user} created the room and stands above all levels: it cannot be in users"
                );
                Why::new("power_levels_creator_listed", reason, evidence(Some(user)))
            })),
        }
    }

    /// The rules about what changes, in their order.
    fn changes(&self, old: &PowerLevels, new: &PowerLevels, path: &mut Path) -> Flow {
        let sender = self.event.sender();
        let has = Self::held(Rule::NamedLevels, self.levels().user(sender), path)?;

        path.applies(Rule::NamedLevels, true);
        for change in changes::named(old, new, path)? {
            self.compare(&change, Side::Current, has, path)?;
            self.compare(&change, Side::New, has, path)?;
        }

        path.applies(Rule::EntriesCurrent, true);
        let entries = changes::entries(old, new, self.version, path)?;
        for change in &entries {
            self.compare(change, Side::Current, has, path)?;
        }
        path.applies(Rule::EntriesNew, true);
        for change in &entries {
            self.compare(change, Side::New, has, path)?;
        }

        path.applies(Rule::UsersCurrent, true);
        let users = changes::users(old, new, path)?;
        for change in users.iter().filter(|change| change.key != sender) {
            self.compare(change, Side::Current, has, path)?;
        }
        path.applies(Rule::UsersNew, true);
        for change in &users {
            self.compare(change, Side::New, has, path)?;
        }
        Flow::Continue(())
    }

    /// What is, or what becomes, must not be above the sender's level; to change the level of another
    /// user, the sender must even stand above it.
    fn compare(&self, change: &Change<'_>, side: Side, has: Held<'_>, path: &mut Path) -> Flow {
        let Some(compared) = change.level(side) else { return Flow::Continue(()) };
        let must_be_below = change.is_of_user() && side == Side::Current;
        let too_high = compared > has.level || (must_be_below && compared == has.level);
        path.reject_if(change.rule(side), too_high, &|| {
            let sender = self.event.sender();
            let relation = if must_be_below { "not below" } else { "above" };
            let reason = format!(
                "{} {} {compared}, which is {relation} the level {} of {sender}",
                change.name(),
                side.verb(),
                level(has)
            );
            let evidence =
                Evidence::object([("key", change.path()), ("sender", level_of(sender, has))])
                    .with_some("current", change.level(Side::Current))
                    .with_some("new", change.level(Side::New));
            Why::new(change.code(side), reason, evidence)
        })
    }
}

/// An entry in words: `the level of "m.room.topic" in events`.
fn name(map: &str, key: &str) -> String {
    format!("the level of {} in {map}", Quoted(key))
}
