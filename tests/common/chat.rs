//! Events that are made one by one and named, signed by their servers, and a room that receives them.

use std::collections::{BTreeMap, BTreeSet};

use fedproof::keys::KeyRing;
use fedproof::receive::Options;
use fedproof::state::{EventIndex, Room, Step};
use fedproof::verdict::{Outcome, Verdict};
use serde_json::{Value, json};

use super::make::{TS, one, ring, room_version, sign_by, two};
use super::model;

/// The creator.
pub const ALICE: &str = "@alice:one.example";
pub const BOB: &str = "@bob:two.example";
pub const CAROL: &str = "@carol:two.example";
pub const DORA: &str = "@dora:one.example";

pub const POWER: &str = "m.room.power_levels";
pub const JOIN_RULES: &str = "m.room.join_rules";
pub const MEMBER: &str = "m.room.member";
pub const TOPIC: &str = "m.room.topic";
pub const MESSAGE: &str = "m.room.message";
pub const REDACTION: &str = "m.room.redaction";

/// Events that are made one by one and named, and the room that receives them when it is told to.
pub struct Chat {
    pub version: u8,
    pub room: Room,
    pub room_id: String,
    pub made: BTreeMap<String, Value>,
    pub ids: BTreeMap<String, String>,
    pub ts: i64,
}

impl Chat {
    /// A public room of Alice's (who has 100) and Bob's (who has 50), received.
    pub fn new(version: u8) -> Self {
        let mut chat = Self::empty(version);
        let mut content = json!({"room_version": version.to_string()});
        if version <= 10 {
            content["creator"] = json!(ALICE);
        }
        chat.make("create", ("m.room.create", Some(""), ALICE), content, &[], &[]);
        let joined = || json!({"membership": "join"});
        chat.make("alice", (MEMBER, Some(ALICE), ALICE), joined(), &["create"], &["create"]);
        let mut users = json!({BOB: 50});
        if version <= 11 {
            users[ALICE] = json!(100);
        }
        let rests = ["create", "alice", "power"];
        let power = (POWER, Some(""), ALICE);
        chat.make("power", power, json!({"users": users}), &["alice"], &rests[..2]);
        let public = json!({"join_rule": "public"});
        chat.make("rules", (JOIN_RULES, Some(""), ALICE), public, &["power"], &rests);
        let rests = ["create", "power", "rules"];
        chat.make("bob", (MEMBER, Some(BOB), BOB), joined(), &["rules"], &rests);
        for name in ["create", "alice", "power", "rules", "bob"] {
            assert_eq!(chat.receive(name).unwrap().outcome, Outcome::Accepted);
        }
        chat
    }

    pub fn empty(version: u8) -> Self {
        Self {
            version,
            room: Room::new(room_version(version), Options::default()),
            room_id: "!room:one.example".to_owned(),
            made: BTreeMap::new(),
            ids: BTreeMap::new(),
            ts: TS,
        }
    }

    pub fn references(&self, names: &[&str]) -> Value {
        let reference = |name: &&str| match self.version {
            1 | 2 => {
                let event = self.made.get(*name);
                let hash = event.map_or([0; 32], |event| {
                    model::sha256(&model::signed_text(event, self.version))
                });
                json!([self.id(name), {"sha256": model::base64(&hash)}])
            }
            _ => json!(self.id(name)),
        };
        names.iter().map(reference).collect()
    }

    /// A name that no event has yet is one that the sender may choose, in the versions where it does.
    pub fn id(&self, name: &str) -> String {
        self.ids.get(name).cloned().unwrap_or_else(|| format!("${name}:one.example"))
    }

    pub fn make(
        &mut self,
        name: &str,
        of: (&str, Option<&str>, &str),
        content: Value,
        previous: &[&str],
        auth: &[&str],
    ) {
        self.make_with(name, of, content, (previous, auth), |_| {});
    }

    /// An event that is bent before it is signed.
    pub fn make_with(
        &mut self,
        name: &str,
        of: (&str, Option<&str>, &str),
        content: Value,
        (previous, auth): (&[&str], &[&str]),
        bend: impl FnOnce(&mut Value),
    ) {
        let (event_type, state_key, sender) = of;
        let server = sender.split_once(':').unwrap().1;
        let is_create = event_type == "m.room.create";
        // Events of version 12 do not cite the create event.
        let auth: Vec<&str> =
            auth.iter().copied().filter(|name| self.version <= 11 || *name != "create").collect();
        let mut event = json!({
            "type": event_type, "sender": sender, "content": content, "origin_server_ts": self.ts,
            "depth": 1 + self.made.len(), "room_id": self.room_id,
            "prev_events": self.references(previous), "auth_events": self.references(&auth),
        });
        self.ts += 1;
        if let Some(state_key) = state_key {
            event["state_key"] = json!(state_key);
        }
        if self.version <= 2 {
            event["event_id"] = json!(format!("${name}:{server}"));
        }
        if self.version >= 12 && is_create {
            event.as_object_mut().unwrap().remove("room_id");
        }
        bend(&mut event);
        let event = sign_by(&event, self.version, &[&one(), &two()]);
        let id = model::event_id(&event, self.version);
        if self.version >= 12 && is_create {
            self.room_id = id.replacen('$', "!", 1);
        }
        self.ids.insert(name.to_owned(), id);
        self.made.insert(name.to_owned(), event);
    }

    /// A redaction of the event of this name, as the version has it.
    pub fn redact(
        &mut self,
        name: &str,
        sender: &str,
        target: &str,
        previous: &[&str],
        auth: &[&str],
    ) {
        // One that is yet to be made, where that can be, is the same sender's.
        let target = self.id(target);
        let in_content = self.version >= 11;
        let content = if in_content { json!({"redacts": target}) } else { json!({}) };
        self.make_with(name, (REDACTION, None, sender), content, (previous, auth), |event| {
            if !in_content {
                event["redacts"] = json!(target);
            }
        });
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        self.made[name].to_string().into_bytes()
    }

    /// Pushes an event and looks at it; gives the verdict, if there is one.
    pub fn receive(&mut self, name: &str) -> Option<Verdict> {
        self.room.push(self.bytes(name));
        match self.room.step(ring()) {
            Step::Verdict(verdict) | Step::Outlier(verdict) => Some(verdict),
            Step::Waits => None,
            step => panic!("{name}: {step:?}"),
        }
    }

    #[track_caller]
    pub fn outcome(&mut self, name: &str) -> Outcome {
        self.receive(name).unwrap().outcome
    }

    #[track_caller]
    pub fn find(&self, name: &str) -> EventIndex {
        self.room.graph().find(&self.id(name)).unwrap()
    }

    /// The name of the event at a place of the current state.
    pub fn current(&self, event_type: &str, state_key: &str) -> Option<&str> {
        let graph = self.room.graph();
        let event = self.room.current_state().get(graph.place(event_type, state_key)?)?;
        Some(self.name(event))
    }

    pub fn name(&self, event: EventIndex) -> &str {
        let id = self.room.graph().id(event);
        self.ids.iter().find(|(_, known)| *known == id).unwrap().0
    }

    pub fn extremities(&self) -> BTreeSet<&str> {
        self.room.extremities().map(|event| self.name(event)).collect()
    }

    pub fn redacted_by(&self, name: &str) -> Option<&str> {
        self.room.redacted_by(self.find(name)).map(|event| self.name(event))
    }
}

pub fn work(room: &mut Room, ring: &KeyRing) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    loop {
        match room.step(ring) {
            Step::Verdict(verdict) | Step::Outlier(verdict) => verdicts.push(verdict),
            Step::Idle => return verdicts,
            Step::Waits | Step::Again(_) => {}
        }
    }
}

pub const BY_ALICE: [&str; 3] = ["create", "alice", "power"];
pub const BY_BOB: [&str; 3] = ["create", "bob", "power"];
