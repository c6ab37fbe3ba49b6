//! Rooms: a state, earlier events for the same places, and events that nobody may cite.

use std::collections::BTreeMap;
use std::rc::Rc;

use fedproof::auth::Event;
use fedproof::event::{Limits, Pdu, hashes};
use fedproof::json::{self, Numbers};
use fedproof::room_version::{EventIdFormat, RoomIdFormat, RoomVersion};
use serde_json::{Value, json};

use super::pdu::Pdu as TheirPdu;
use super::{invitation, levels};
use crate::random::Random;
use crate::text::{self, Style};
use crate::world::TS;

pub const ALICE: &str = "@alice:one.example";
pub const USERS: [&str; 6] = [
    ALICE,
    "@bob:one.example",
    "@carol:two.example",
    "@dave:two.example",
    "@erin:three.example",
    "@frank:three.example",
];

pub const CREATE: &str = "m.room.create";
pub const MEMBER: &str = "m.room.member";
pub const POWER_LEVELS: &str = "m.room.power_levels";
pub const JOIN_RULES: &str = "m.room.join_rules";
pub const INVITATION: &str = "m.room.third_party_invite";

/// An event that both sides have read.
pub struct Sent {
    pub id: String,
    pub tree: Value,
    pub ours: Event,
    pub theirs: Result<TheirPdu, String>,
    pub rejected: bool,
}

impl Sent {
    /// Reads an event; `Err` when check 1 refuses it. `id` when it is known already.
    pub fn read(
        tree: Value,
        version: &'static RoomVersion,
        id: Option<&str>,
    ) -> Result<Self, &'static str> {
        let plain = Style { shuffle: false, spaces: false, escapes: false };
        let text = text::write(&tree, &plain, &mut Random::new(0));
        let json = json::parse(&text, Numbers::Keep).map_err(|error| error.code())?;
        let text = json.as_str().to_owned();
        let id = id
            .map(str::to_owned)
            .or_else(|| hashes::event_id(&json, &hashes::reference_hash(&json, version), version));
        let pdu =
            Pdu::from_canonical(json, version, Limits::All).map_err(|failure| failure.1.code())?;
        let id = id.unwrap_or_default();
        Ok(Self {
            theirs: TheirPdu::read(&id, &text),
            ours: Event::new(pdu, id.as_str()),
            id,
            tree,
            rejected: false,
        })
    }

    /// The same event, as one that was rejected.
    pub fn as_rejected(&self, version: &'static RoomVersion) -> Self {
        let mut sent = Self::read(self.tree.clone(), version, Some(&self.id)).unwrap();
        sent.reject(true);
        sent
    }

    pub fn reject(&mut self, rejected: bool) {
        self.rejected = rejected;
        if let Ok(event) = &mut self.theirs {
            event.rejected = rejected;
        }
    }

    pub fn kind(&self) -> &str {
        self.tree["type"].as_str().unwrap_or_default()
    }
}

/// A type and a state key.
pub type Place = (String, String);

pub struct Room {
    pub version: &'static RoomVersion,
    pub number: u8,
    pub room_id: String,
    pub create: Rc<Sent>,
    pub state: BTreeMap<Place, Rc<Sent>>,
    /// Another event for places of the state.
    pub earlier: BTreeMap<Place, Rc<Sent>>,
    /// Events that are no state, or of another room.
    pub strays: Vec<Rc<Sent>>,
    count: usize,
}

impl Room {
    pub fn new(version: &'static RoomVersion, random: &mut Random) -> Self {
        let number = version.id.parse().unwrap();
        let of_domain = version.room_id_format == RoomIdFormat::Domain;
        let mut room_id = "!room:one.example".to_owned();
        let tree = draft(version, of_domain.then_some(&room_id), 0, CREATE, ALICE)
            .with("state_key", json!(""))
            .with("content", create_content(version, random))
            .with("prev_events", json!([]));
        let create = Rc::new(Sent::read(tree, version, None).unwrap());
        if !of_domain {
            room_id = create.id.replacen('$', "!", 1);
        }
        let mut room = Self {
            version,
            number,
            room_id,
            state: BTreeMap::from([((CREATE.to_owned(), String::new()), create.clone())]),
            create,
            earlier: BTreeMap::new(),
            strays: Vec::new(),
            count: 0,
        };
        room.fill(random);
        room
    }

    fn fill(&mut self, random: &mut Random) {
        for user in USERS {
            let usual = if user == ALICE { "join" } else { "leave" };
            let memberships = ["join", "join", "invite", "leave", "ban", "knock", usual, usual];
            for _ in 0..2 {
                let content = json!({"membership": random.pick(&memberships)});
                if random.chance(if user == ALICE { 95 } else { 80 }) {
                    self.put(MEMBER, user, user, content, random);
                }
            }
        }
        for _ in 0..2 {
            if random.chance(85) {
                let content = join_rules(random);
                self.put(JOIN_RULES, "", ALICE, content, random);
            }
            if random.chance(80) {
                let content = levels::of_room(self.number, random);
                self.put(POWER_LEVELS, "", ALICE, content, random);
            }
            if random.chance(10) {
                let content = levels::of_room(self.number, random);
                self.put(POWER_LEVELS, "other", ALICE, content, random);
            }
        }
        if random.chance(60) {
            let (sender, content) = (random.pick(&USERS), invitation::invitation(random));
            self.put(INVITATION, invitation::TOKEN, sender, content, random);
        }
        self.put("m.room.topic", "", ALICE, json!({"topic": "x"}), random);
        let message = self.draft("m.room.message", ALICE);
        let elsewhere = match self.version.room_id_format {
            RoomIdFormat::Domain => "!elsewhere:one.example".to_owned(),
            RoomIdFormat::CreateEventId => self.create.id.replacen('$', "!", 1).to_uppercase(),
        };
        let foreign = self
            .draft(POWER_LEVELS, ALICE)
            .with("state_key", json!(""))
            .with("room_id", json!(elsewhere));
        for tree in [message, foreign] {
            self.strays.push(Rc::new(Sent::read(tree, self.version, None).unwrap()));
        }
    }

    /// A state event; what stood in its place becomes the earlier one.
    fn put(&mut self, kind: &str, key: &str, sender: &str, content: Value, random: &mut Random) {
        let tree = self.draft(kind, sender).with("state_key", json!(key)).with("content", content);
        // With numbers that the room version does not have, it is no event.
        let Ok(sent) = Sent::read(tree, self.version, None) else { return };
        let place = (kind.to_owned(), key.to_owned());
        if let Some(old) = self.state.insert(place.clone(), Rc::new(sent))
            && random.chance(70)
        {
            self.earlier.insert(place, old);
        }
    }

    /// An event of this room without content.
    pub fn draft(&mut self, kind: &str, sender: &str) -> Value {
        self.count += 1;
        let of_create =
            self.version.room_id_format == RoomIdFormat::CreateEventId && kind == CREATE;
        let room_id = (!of_create).then_some(&self.room_id);
        draft(self.version, room_id, self.count, kind, sender)
    }

    pub fn at(&self, kind: &str, key: &str) -> Option<&Rc<Sent>> {
        self.state.get(&(kind.to_owned(), key.to_owned()))
    }
}

/// References in the form of the room version.
pub fn references<'a>(version: &RoomVersion, ids: impl IntoIterator<Item = &'a str>) -> Value {
    let pairs = version.event_id_format == EventIdFormat::Domain;
    ids.into_iter().map(|id| if pairs { json!([id, {"sha256": "x"}]) } else { json!(id) }).collect()
}

pub trait With {
    fn with(self, key: &str, value: Value) -> Self;
}

impl With for Value {
    fn with(mut self, key: &str, value: Value) -> Self {
        self[key] = value;
        self
    }
}

fn draft(
    version: &RoomVersion,
    room_id: Option<&String>,
    count: usize,
    kind: &str,
    sender: &str,
) -> Value {
    let mut event = json!({
        "type": kind,
        "sender": sender,
        "content": {},
        "depth": count,
        "origin_server_ts": TS + count as i64,
        "hashes": {"sha256": "x"},
        "signatures": {},
        "prev_events": references(version, ["$previous"]),
        "auth_events": [],
    });
    if let Some(room_id) = room_id {
        event["room_id"] = json!(room_id);
    }
    if version.event_id_format == EventIdFormat::Domain {
        let server = sender.split_once(':').map_or("one.example", |(_, server)| server);
        event["event_id"] = json!(format!("${count}:{server}"));
    }
    event
}

/// What no create event is allowed with is not here.
fn create_content(version: &RoomVersion, random: &mut Random) -> Value {
    let mut content = json!({});
    if random.chance(80) {
        content["room_version"] = json!(version.id);
    }
    if version.creator_field || random.chance(10) {
        content["creator"] = match random.below(100) {
            0..86 => json!(ALICE),
            86..93 => json!(random.pick(&USERS)),
            _ => random.pick(&[json!("nonsense"), json!(1), json!({}), json!(null)]),
        };
    }
    if random.chance(20) {
        content["m.federate"] =
            random.pick(&[json!(true), json!(false), json!(null), json!("false"), json!(0)]);
    }
    if random.chance(if version.privileged_creators { 50 } else { 5 }) {
        let count = random.below(3);
        content["additional_creators"] = (0..count).map(|_| random.pick(&USERS)).collect();
    }
    content
}

fn join_rules(random: &mut Random) -> Value {
    let rules = [
        "public",
        "public",
        "invite",
        "knock",
        "restricted",
        "restricted",
        "knock_restricted",
        "private",
        "nonsense",
    ];
    match random.below(100) {
        0..94 => json!({"join_rule": random.pick(&rules), "allow": []}),
        94..96 => json!({}),
        _ => json!({"join_rule": random.pick(&[json!(null), json!(1), json!(["public"])])}),
    }
}
