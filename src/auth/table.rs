//! All levels of an `m.room.power_levels` event, for those who want to look at them.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::level::Level;
use super::power_levels::{Entries, Named, PowerLevels};
use super::reading::{Reading, Unreadable};
use crate::evidence::Evidence;

/// Power levels as they are in force: the named ones with their defaults, the entries of `users`,
/// `events` and `notifications`, and in `defects` what is no level and so counts for nothing.
#[derive(Debug, Clone, Copy)]
pub struct LevelTable<'a>(pub &'a PowerLevels);

impl Serialize for LevelTable<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let levels = self.0;
        let mut map = serializer.serialize_map(None)?;
        for named in Named::ALL {
            let level = levels.named(named).and_then(Reading::level);
            map.serialize_entry(named.key(), level.unwrap_or(named.default_level()))?;
        }
        for (key, entries) in maps(levels) {
            map.serialize_entry(key, &EntryTable(entries))?;
        }
        map.serialize_entry("defects", &defects(levels))?;
        map.end()
    }
}

fn maps(levels: &PowerLevels) -> [(&'static str, &Entries); 3] {
    [("users", &levels.users), ("events", &levels.events), ("notifications", &levels.notifications)]
}

struct EntryTable<'a>(&'a Entries);

impl Serialize for EntryTable<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = self.0.list().iter();
        serializer.collect_map(entries.filter_map(|(key, reading)| Some((key, reading.level()?))))
    }
}

impl Serialize for Level {
    /// A number; as text when it is beyond ±(2^53 − 1), which JavaScript would round.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Evidence::from(self).serialize(serializer)
    }
}

/// `[{path, value, divergent}]`: where in the content, and whether Synapse takes it for a level.
fn defects(levels: &PowerLevels) -> Evidence {
    let named = Named::ALL.into_iter().filter_map(|named| match levels.named(named)? {
        Reading::Unreadable(value) => Some(defect(&[named.key()], value)),
        Reading::Level(_) => None,
    });
    let entries = maps(levels).into_iter().flat_map(|(key, entries)| {
        let whole = match entries {
            Entries::Unreadable(value) => Some(defect(&[key], value)),
            Entries::Absent | Entries::Object(_) => None,
        };
        let each = entries.list().iter().filter_map(move |(entry, reading)| match reading {
            Reading::Unreadable(value) => Some(defect(&[key, entry], value)),
            Reading::Level(_) => None,
        });
        whole.into_iter().chain(each)
    });
    named.chain(entries).collect()
}

fn defect(path: &[&str], value: &Unreadable) -> Evidence {
    Evidence::object([
        ("path", path.iter().map(|key| (*key).into()).collect()),
        ("value", (&*value.text).into()),
        ("divergent", value.divergent.into()),
    ])
}
