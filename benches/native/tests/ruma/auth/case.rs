//! Events that somebody wants to send into a room, with auth events that are right or not.

use std::collections::HashMap;
use std::rc::Rc;

use fedproof::room_version::{EventIdFormat, RoomIdFormat, RoomVersion};
use serde_json::{Value, json};

use super::room::*;
use super::{invitation, levels};
use crate::random::Random;

/// An event, and what there is to judge it by.
pub struct Case {
    pub version: &'static RoomVersion,
    pub number: u8,
    pub story: String,
    pub event: Rc<Sent>,
    /// All events that can be found by their ID.
    pub known: HashMap<String, Rc<Sent>>,
    /// The state before the event.
    pub state: Vec<Rc<Sent>>,
}

/// `None` when it is no event of the room version (check 1).
pub fn case(room: &mut Room, random: &mut Random) -> Option<Case> {
    let (mut tree, mut story) = judged(room, random);
    let mut hostility = Hostility::default();
    if random.chance(2) && room.version.room_id_format == RoomIdFormat::CreateEventId {
        if tree["type"] != CREATE {
            let other = room.at("m.room.topic", "").unwrap().id.replacen('$', "!", 1);
            tree["room_id"] = json!(random.pick(&[other, room.room_id.to_lowercase()]));
            story += "; of a room that its ID does not name";
        }
    }
    if tree["type"] != CREATE || random.chance(10) {
        let ids = citing(room, &tree, random, &mut hostility);
        tree["auth_events"] = references(room.version, ids.iter().map(String::as_str));
    }
    if let Some(what) = hostility.what {
        story = format!("{story}; auth events: {what}");
    }
    let event = Rc::new(Sent::read(tree, room.version, None).ok()?);
    let mut known: HashMap<String, Rc<Sent>> = room
        .state
        .values()
        .chain(room.earlier.values())
        .chain(&room.strays)
        .map(|sent| (sent.id.clone(), sent.clone()))
        .collect();
    if let Some(id) = hostility.rejected {
        let rejected = known[&id].as_rejected(room.version);
        known.insert(id, Rc::new(rejected));
    }
    let mut state: Vec<_> = room.state.values().cloned().collect();
    match random.below(100) {
        0 => {
            story += "; a state without create event";
            state.retain(|sent| sent.kind() != CREATE);
        }
        1 if room.number >= 12 => {
            story += "; the create event was rejected";
            let rejected = Rc::new(room.create.as_rejected(room.version));
            known.insert(room.create.id.clone(), rejected);
        }
        2 if room.number >= 12 => {
            story += "; the create event is not there";
            known.remove(&room.create.id);
            state.retain(|sent| sent.kind() != CREATE);
        }
        _ => {}
    }
    Some(Case { version: room.version, number: room.number, story, event, known, state })
}

#[derive(Default)]
struct Hostility {
    what: Option<&'static str>,
    /// An event that was rejected.
    rejected: Option<String>,
}

/// The IDs of the auth events.
fn citing(
    room: &Room,
    tree: &Value,
    random: &mut Random,
    hostility: &mut Hostility,
) -> Vec<String> {
    let Ok(event) = Sent::read(tree.clone(), room.version, None) else { return Vec::new() };
    let mut ids = Vec::new();
    let mut places = Vec::new();
    for (kind, key) in event.ours.auth_types() {
        let place = (kind.to_owned(), key);
        let earlier = room.earlier.get(&place).filter(|_| random.chance(12));
        if let Some(sent) = earlier.or(room.state.get(&place)) {
            ids.push(sent.id.clone());
            places.push(place);
        }
    }
    random.shuffle(&mut ids);
    if !random.chance(18) {
        return ids;
    }
    let of = |kind: &str, key: &str| room.at(kind, key).map(|sent| sent.id.clone());
    let what = match random.below(11) {
        0 | 1 if !ids.is_empty() => {
            ids.remove(random.below(ids.len()));
            "one left out"
        }
        2 if !ids.is_empty() => {
            ids.push(ids[0].clone());
            "one cited twice"
        }
        3 => {
            let again = places.iter().filter_map(|place| room.earlier.get(place));
            ids.extend(again.map(|sent| sent.id.clone()));
            "earlier ones beside them"
        }
        4 => {
            ids.extend(of("m.room.topic", ""));
            "a topic"
        }
        5 => {
            ids.extend(of(MEMBER, random.pick(&USERS)));
            "somebody's membership"
        }
        6 => {
            ids.push(room.strays[0].id.clone());
            "a message"
        }
        7 => {
            ids.retain(|id| Some(id) != of(POWER_LEVELS, "").as_ref());
            ids.push(room.strays[1].id.clone());
            "power levels of another room"
        }
        8 if !ids.is_empty() => {
            hostility.rejected = Some(random.pick(&ids));
            "one that was rejected"
        }
        9 => {
            ids.push("$nobody-knows:one.example".to_owned());
            "one that is not there"
        }
        _ => {
            ids.extend(of(POWER_LEVELS, "other"));
            ids.push(room.create.id.clone());
            "the create event once more"
        }
    };
    hostility.what = Some(what);
    ids
}

/// An event without auth events, and what it is.
fn judged(room: &mut Room, random: &mut Random) -> (Value, String) {
    let sender = sender(room, random);
    match random.below(100) {
        0..44 => member(room, sender, random),
        44..68 => power_levels(room, sender, random),
        68..76 => {
            let tree = room.draft("m.room.message", sender).with("content", json!({"body": "x"}));
            (tree, "message".to_owned())
        }
        76..83 => {
            let kind = random.pick(&["m.room.topic", JOIN_RULES, "org.example.x"]);
            let key = random.pick(&["", "", "x", sender, "@bob:one.example", "@nobody"]);
            (room.draft(kind, sender).with("state_key", json!(key)), format!("{kind} {key:?}"))
        }
        83..87 => {
            let content = invitation::invitation(random);
            let key = random.pick(&[invitation::TOKEN, "", "@bob:one.example"]);
            let tree = room
                .draft(INVITATION, sender)
                .with("state_key", json!(key))
                .with("content", content);
            (tree, "invitation".to_owned())
        }
        87..91 => redaction(room, sender, random),
        91..95 => {
            let mut tree = room.draft("m.room.aliases", sender);
            let key =
                random.pick(&["one.example", "two.example", "three.example", "", "One.example"]);
            if random.chance(80) {
                tree["state_key"] = json!(key);
            }
            (tree, format!("aliases {key:?}"))
        }
        _ => create(room, sender, random),
    }
}

/// Mostly somebody who is in the room.
fn sender(room: &Room, random: &mut Random) -> &'static str {
    let is_joined = |user: &&'static str| {
        room.at(MEMBER, user).is_some_and(|sent| sent.tree["content"]["membership"] == "join")
    };
    let joined: Vec<_> = USERS.iter().filter(|user| is_joined(user)).copied().collect();
    if joined.is_empty() || random.chance(25) { random.pick(&USERS) } else { random.pick(&joined) }
}

fn member(room: &mut Room, sender: &str, random: &mut Random) -> (Value, String) {
    let membership = random
        .pick(&["join", "join", "join", "invite", "invite", "leave", "leave", "ban", "knock"]);
    let target = match membership {
        "join" | "knock" if random.chance(85) => sender,
        "leave" if random.chance(40) => sender,
        _ => random.pick(&USERS),
    };
    let mut content = json!({"membership": membership});
    let mut story = format!("{sender}: {membership} of {target}");
    let mut tree = room.draft(MEMBER, sender);
    tree["state_key"] = json!(target);
    if random.chance(if membership == "join" { 15 } else { 2 }) {
        let create = room.create.id.clone();
        let mut previous = vec![create.as_str()];
        if random.chance(20) {
            previous.push("$other:one.example");
        }
        tree["prev_events"] = references(room.version, previous);
        story += ", after the create event";
    }
    if random.chance(if membership == "invite" { 45 } else { 2 }) {
        content["third_party_invite"] = invitation::invite(target, random);
        // Only who made the invitation may.
        if let Some(invitation) = room.at(INVITATION, invitation::TOKEN)
            && random.chance(75)
        {
            tree["sender"] = invitation.tree["sender"].clone();
        }
        story += ", by way of a third party";
    }
    if random.chance(if membership == "join" { 45 } else { 5 }) {
        let user = random.pick(&USERS);
        content["join_authorised_via_users_server"] = match random.below(20) {
            0 => random.pick(&[json!(null), json!("nonsense"), json!(1)]),
            _ => json!(user),
        };
        if random.chance(88) {
            let (_, server) = user.split_once(':').unwrap();
            tree["signatures"][server] = json!({"ed25519:a": "x"});
        }
        story += ", authorised";
    }
    match random.below(60) {
        0 => {
            content["membership"] =
                random.pick(&[json!(null), json!(1), json!("nonsense"), json!("Join")]);
        }
        1 => _ = content.as_object_mut().unwrap().remove("membership"),
        2 => _ = tree.as_object_mut().unwrap().remove("state_key"),
        3 | 4 => {
            let key = random.pick(&[
                "",
                "x",
                "@x",
                "@:one.example",
                "@x:one.example:99999",
                "@x:one.example:+80",
                "@x y:one.example",
            ]);
            tree["state_key"] = json!(key);
            story += " (an unusual user)";
        }
        _ => {}
    }
    (tree.with("content", content), story)
}

fn power_levels(room: &mut Room, sender: &str, random: &mut Random) -> (Value, String) {
    let key = if random.chance(94) { "" } else { random.pick(&["other", "other", "x", sender]) };
    let current = room.at(POWER_LEVELS, "").map(|sent| sent.tree["content"].clone());
    let (content, story) = levels::wanted(room.number, current.as_ref(), random);
    let mut tree = room.draft(POWER_LEVELS, sender).with("content", content);
    if random.chance(98) {
        tree["state_key"] = json!(key);
    }
    (tree, format!("{sender}: {story}, state key {key:?}"))
}

fn redaction(room: &mut Room, sender: &str, random: &mut Random) -> (Value, String) {
    let redacts = random.pick(&[
        json!("$1:one.example"),
        json!("$1:two.example"),
        json!("$1:three.example"),
        json!("$1"),
        json!("x"),
        json!(1),
        json!(null),
        json!("$1:a b"),
    ]);
    let mut tree = room.draft("m.room.redaction", sender);
    if random.chance(90) {
        tree["redacts"] = redacts;
    }
    (tree, "redaction".to_owned())
}

fn create(room: &mut Room, sender: &str, random: &mut Random) -> (Value, String) {
    let mut content = json!({"room_version": room.version.id, "creator": sender});
    let mut tree = room.draft(CREATE, sender).with("state_key", json!(""));
    tree["prev_events"] = json!([]);
    match random.below(8) {
        0 => tree["prev_events"] = references(room.version, ["$x:one.example"]),
        1 => {
            content["room_version"] =
                random.pick(&[json!("13"), json!("06"), json!(6), json!(null), json!("org.x")]);
        }
        2 => _ = content.as_object_mut().unwrap().remove("creator"),
        3 => {
            content["creator"] = random.pick(&[json!(null), json!(1), json!("x"), json!("@x:y")]);
        }
        4 => {
            content["additional_creators"] = random.pick(&[
                json!(null),
                json!("x"),
                json!([]),
                json!([1]),
                json!(["x"]),
                json!({"a": 1}),
                json!(["@bob:one.example", "@bob:one.example"]),
                json!(["@x:one.example:99999"]),
                json!(["@x:one.example:+80"]),
                json!([format!("@{}:one.example", "x".repeat(300))]),
            ]);
        }
        5 => {
            let ids = ["!room:one.example", room.room_id.as_str()].map(|id| json!(id));
            let [of_domain, own] = ids;
            tree["room_id"] = random.pick(&[of_domain, own, json!(null)]);
        }
        6 => content["m.federate"] = random.pick(&[json!(false), json!("no"), json!(null)]),
        _ => {}
    }
    if room.version.event_id_format == EventIdFormat::Domain && random.chance(10) {
        content["room_version"] = json!(null);
    }
    (tree.with("content", content), "create".to_owned())
}
