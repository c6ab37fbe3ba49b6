//! The form of power levels.

use crate::auth::decision::{Flow, Path, Why};
use crate::auth::outline::Rule;
use crate::auth::power_levels::{Entries, Named, PowerLevels};
use crate::auth::reading::{Reading, Unreadable};
use crate::evidence::{Evidence, Quoted};
use crate::identifiers::is_user_id;

/// "If any of the properties `users_default`, … are present and not an integer, reject."
pub(super) fn named_levels(new: &PowerLevels, path: &mut Path) -> Flow {
    let bad = Named::ALL.into_iter().find_map(|named| match new.named(named) {
        Some(Reading::Unreadable(value)) => Some((named.key(), value)),
        _ => None,
    });
    match bad {
        None => path.pass(Rule::PowerLevelsValues, &|| Evidence::object([])),
        Some((key, value)) => Flow::Break(path.reject(Rule::PowerLevelsValues, &|| {
            let reason = format!("{} in {} is no integer", value.text, Quoted(key));
            Why::new("power_levels_value_invalid", reason, found(key, value))
        })),
    }
}

/// "If either of the properties `events` or `notifications` are present and not an object with values
/// that are integers, reject."
pub(super) fn maps(new: &PowerLevels, path: &mut Path) -> Flow {
    for (key, map, code) in [
        ("events", &new.events, "power_levels_events_invalid"),
        ("notifications", &new.notifications, "power_levels_notifications_invalid"),
    ] {
        if let Some((entry, value)) = bad_entry(map) {
            return Flow::Break(path.reject(Rule::PowerLevelsMaps, &|| {
                let reason = match entry {
                    None => format!("{} in {} is no object", value.text, Quoted(key)),
                    Some(entry) => {
                        format!("{} for {} in {key} is no integer", value.text, Quoted(entry))
                    }
                };
                Why::new(code, reason, found(key, value).with_some("entry", entry))
            }));
        }
    }
    path.pass(Rule::PowerLevelsMaps, &|| Evidence::object([]))
}

/// "If the `users` property is not an object with keys that are valid user IDs with values that are
/// integers (or a string that is an integer), reject." Without the property there is nothing wrong
/// with it.
pub(super) fn users(new: &PowerLevels, path: &mut Path) -> Flow {
    const RULE: Rule = Rule::PowerLevelsUsers;
    let key = "users";
    if let Entries::Unreadable(value) = &new.users {
        return Flow::Break(path.reject(RULE, &|| {
            let reason = format!("{} in \"users\" is no object", value.text);
            Why::new("power_levels_users_invalid", reason, found(key, value))
        }));
    }
    if let Some((user, _)) = new.users.list().iter().find(|(user, _)| !is_user_id(user)) {
        return Flow::Break(path.reject(RULE, &|| {
            let reason = format!("{} in users is not a user ID", Quoted(user));
            let evidence = Evidence::object([("key", key.into()), ("entry", (&**user).into())]);
            Why::new("power_levels_user_id_invalid", reason, evidence)
        }));
    }
    match bad_entry(&new.users) {
        None => path.pass(RULE, &|| Evidence::object([("users", new.users.list().len().into())])),
        Some((entry, value)) => Flow::Break(path.reject(RULE, &|| {
            let user = entry.unwrap_or_default();
            let reason = format!("{} is no level for {user}", value.text);
            Why::new(
                "power_levels_user_level_invalid",
                reason,
                found(key, value).with("entry", user),
            )
        })),
    }
}

/// What keeps a map from being an object of levels: an entry, or, without one, the map itself.
fn bad_entry(map: &Entries) -> Option<(Option<&str>, &Unreadable)> {
    match map {
        Entries::Absent => None,
        Entries::Unreadable(value) => Some((None, value)),
        Entries::Object(entries) => entries.iter().find_map(|(entry, reading)| match reading {
            Reading::Level(_) => None,
            Reading::Unreadable(value) => Some((Some(&**entry), value)),
        }),
    }
}

fn found(key: &'static str, value: &Unreadable) -> Evidence {
    Evidence::object([("key", key.into()), ("value", (&*value.text).into())])
}
