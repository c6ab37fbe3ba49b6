//! Power levels of many shapes.

use serde_json::{Map, Value, json};

use super::room::{INVITATION, JOIN_RULES, MEMBER, POWER_LEVELS, USERS};
use crate::random::Random;
use crate::text::raw;

pub const NAMED: [&str; 7] =
    ["users_default", "events_default", "state_default", "ban", "redact", "kick", "invite"];
pub const MAPS: [&str; 3] = ["events", "notifications", "users"];

const TYPES: [&str; 8] = [
    POWER_LEVELS,
    JOIN_RULES,
    MEMBER,
    INVITATION,
    "m.room.topic",
    "m.room.message",
    "m.room.redaction",
    "org.example.x",
];

/// What some of the values are like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Odd {
    Nothing,
    Texts,
    Floats,
    Huge,
    Null,
    NoLevel,
    StrangeTexts,
}

impl Odd {
    fn any(number: u8, random: &mut Random) -> Self {
        match (number, random.below(100)) {
            (10.., 0..70) | (..10, 0..45) => Self::Nothing,
            (_, 0..75) => Self::Texts,
            (_, 75..82) => Self::Null,
            (_, 82..89) => Self::NoLevel,
            (..10, 89..93) => Self::StrangeTexts,
            (..6, 93..97) => Self::Floats,
            (..10, _) => Self::Huge,
            _ => Self::NoLevel,
        }
    }

    /// Such a value.
    fn value(self, number: u8, random: &mut Random) -> Value {
        let huge = [
            "9007199254740992",
            "-9007199254740992",
            "9223372036854775808",
            "100000000000000000000000000000",
        ];
        match self {
            Self::Nothing => level(random),
            Self::Texts => {
                json!(random.pick(&["50", " 50 ", "+50", "-0", "0050", "\n100\t", "-10", "99"]))
            }
            Self::Floats => {
                raw(random.pick(&["50.5", "1e2", "-0.5", "100.0", "5.114698E1", "49.9"]))
            }
            Self::Huge if number < 6 && random.chance(50) => raw(random.pick(&huge)),
            Self::Huge => json!(random.pick(&huge)),
            Self::Null => json!(null),
            Self::NoLevel => random.pick(&[
                json!(true),
                json!([]),
                json!({}),
                json!("x"),
                json!(""),
                json!("5.5"),
                json!("+ 5"),
                json!("1_000"),
                json!("٥٠"),
            ]),
            Self::StrangeTexts => {
                json!(random.pick(&["++50", "\u{a0}50", "\u{b}100", "50\u{2003}"]))
            }
        }
    }
}

fn level(random: &mut Random) -> Value {
    json!(random.pick(&[0, 50, 100, 50, 100, 0, 25, 75, -10, 49, 51, 99, 101, 1]))
}

/// What the room has. Its entries of `users` are levels, and from version 10 on all its values:
/// others do not come in.
pub fn of_room(number: u8, random: &mut Random) -> Value {
    let odd = if number >= 10 { Odd::Nothing } else { Odd::any(number, random) };
    let of_users = match odd {
        Odd::Texts | Odd::Floats | Odd::Huge => odd,
        _ => Odd::Nothing,
    };
    content(number, odd, of_users, random)
}

fn content(number: u8, odd: Odd, of_users: Odd, random: &mut Random) -> Value {
    let mut content = Map::new();
    let value = |odd: Odd, random: &mut Random| {
        if random.chance(30) { odd.value(number, random) } else { level(random) }
    };
    for key in NAMED {
        if random.chance(35) {
            content.insert(key.to_owned(), value(odd, random));
        }
    }
    if random.chance(80) {
        let mut users = Map::new();
        for user in USERS {
            // In version 12, creators must not stand there.
            let is_creator = number >= 12 && user == USERS[0];
            if random.chance(50) && !is_creator {
                users.insert(user.to_owned(), value(of_users, random));
            }
        }
        if random.chance(70) && number < 12 {
            users.insert(USERS[0].to_owned(), json!(100));
        }
        content.insert("users".to_owned(), Value::Object(users));
    }
    if random.chance(60) {
        content
            .insert("events".to_owned(), entries(&TYPES, 25, |random| value(odd, random), random));
    }
    if random.chance(25) {
        let names = ["room", "org.example.x"];
        content.insert(
            "notifications".to_owned(),
            entries(&names, 60, |random| value(odd, random), random),
        );
    }
    if odd == Odd::Null && random.chance(30) {
        content.insert(random.pick(&["events", "notifications"]).to_owned(), json!(null));
    }
    if odd == Odd::NoLevel && random.chance(20) {
        let map = random.pick(&["events", "notifications"]).to_owned();
        content.insert(map, random.pick(&[json!([]), json!("x"), json!(1)]));
    }
    Value::Object(content)
}

fn entries(
    names: &[&str],
    percent: usize,
    value: impl Fn(&mut Random) -> Value,
    random: &mut Random,
) -> Value {
    let mut entries = Map::new();
    for name in names {
        if random.chance(percent) {
            entries.insert((*name).to_owned(), value(random));
        }
    }
    Value::Object(entries)
}

/// What somebody wants the levels to be, given those of the room.
pub fn wanted(number: u8, current: Option<&Value>, random: &mut Random) -> (Value, String) {
    let odd = Odd::any(number, random);
    let Some(current) = current.filter(|current| current.is_object() && random.chance(90)) else {
        return (content(number, odd, odd, random), "new power levels".to_owned());
    };
    let mut levels = current.clone();
    let mut story = Vec::new();
    for _ in 0..random.pick(&[0, 1, 1, 1, 2, 3]) {
        story.push(change(&mut levels, number, odd, random));
    }
    (levels, format!("power levels: {}", story.join(", ")))
}

fn change(levels: &mut Value, number: u8, odd: Odd, random: &mut Random) -> &'static str {
    let odd = if random.chance(50) { odd } else { Odd::Nothing };
    let value = odd.value(number, random);
    let named = random.pick(&NAMED);
    let map = random.pick(&["events", "notifications", "users", "users", "users"]);
    let key = match map {
        "users" => random.pick(&USERS),
        "events" => random.pick(&TYPES),
        _ => random.pick(&["room", "org.example.x"]),
    };
    let content = levels.as_object_mut().unwrap();
    match random.below(20) {
        0..5 => {
            content.insert(named.to_owned(), value);
            "a named level set"
        }
        5..8 => {
            content.remove(named);
            "a named level taken away"
        }
        8..14 => {
            let entries = content.entry(map).or_insert(json!({}));
            if let Some(entries) = entries.as_object_mut() {
                entries.insert(key.to_owned(), value);
            }
            "an entry set"
        }
        14..17 => {
            if let Some(entries) = content.get_mut(map).and_then(Value::as_object_mut) {
                entries.remove(key);
            }
            "an entry taken away"
        }
        17 => {
            content.remove(map);
            "a map taken away"
        }
        18 => {
            content.insert(
                map.to_owned(),
                random.pick(&[json!(null), json!([]), json!("x"), json!({})]),
            );
            "a map replaced"
        }
        _ => {
            let long = format!("@{}:one.example", "x".repeat(300));
            let user = random.pick(&[
                "nonsense",
                "@x",
                "",
                "@:one.example",
                "@x y:one.example",
                "@x:one.example:99999",
                "@x:one.example:+80",
                long.as_str(),
            ]);
            let entries = content.entry("users").or_insert(json!({}));
            if let Some(entries) = entries.as_object_mut() {
                entries.insert(user.to_owned(), json!(0));
            }
            "an unusual user"
        }
    }
}
