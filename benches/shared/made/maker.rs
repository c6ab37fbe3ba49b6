//! Rooms made up for the benchmarks: events with their true hashes and IDs, the same wherever they are
//! made. Signatures have the form of one and are none.

use std::collections::HashMap;
use std::rc::Rc;

use fedproof::encoding;
use fedproof::event::hashes;
use fedproof::json::{self, Numbers};
use fedproof::room_version::{RoomIdFormat, RoomVersion};
use fedproof::sha256;
use serde_json::{Value, json};

/// How many servers the users are spread over.
pub const SERVERS: usize = 100;
/// The ID of the key of each.
pub const KEY_ID: &str = "ed25519:a";

const CREATE: &str = "m.room.create";
const MEMBER: &str = "m.room.member";
const POWER_LEVELS: &str = "m.room.power_levels";
const JOIN_RULES: &str = "m.room.join_rules";

/// An event.
#[derive(Debug, Clone)]
pub struct Made {
    pub id: Rc<str>,
    pub text: String,
}

/// The event at each type and state key.
pub type State = HashMap<(&'static str, String), Rc<str>>;

/// A part of a room in which each event follows on the one before.
#[derive(Debug, Clone, Default)]
pub struct Branch {
    /// The last event, or those that the next one brings together.
    tips: Vec<Rc<str>>,
    /// The state where it began.
    pub base: Rc<State>,
    /// What changed since.
    pub changes: State,
}

impl Branch {
    fn get(&self, event_type: &'static str, state_key: &str) -> Option<&Rc<str>> {
        let place = (event_type, state_key.to_owned());
        self.changes.get(&place).or_else(|| self.base.get(&place))
    }

    /// The whole state.
    pub fn state(&self) -> State {
        let mut state = State::clone(&self.base);
        state.extend(self.changes.clone());
        state
    }

    /// Two branches that go on from here.
    pub fn fork(&mut self) -> [Self; 2] {
        Rc::make_mut(&mut self.base).extend(std::mem::take(&mut self.changes));
        [self.clone(), self.clone()]
    }

    /// Brings two branches together again. What both changed is as the second has it: its power levels
    /// are the later ones.
    pub fn merge(&mut self, [one, two]: [Self; 2]) {
        self.changes.extend(one.changes);
        self.changes.extend(two.changes);
        self.tips = [one.tips, two.tips].concat();
    }
}

/// The name of a server.
pub fn server(number: usize) -> String {
    format!("s{}.example.org", number % SERVERS)
}

/// A user; number 0 is the creator of the room.
pub fn user(number: usize) -> String {
    format!("@user{number}:{}", server(number))
}

/// Makes the events of one room.
pub struct Maker {
    version: &'static RoomVersion,
    room_id: String,
    made: usize,
}

impl Maker {
    pub fn new(version: &'static RoomVersion) -> Self {
        let room_id = match version.room_id_format {
            RoomIdFormat::Domain => format!("!room:{}", server(0)),
            RoomIdFormat::CreateEventId => String::new(),
        };
        Self { version, room_id, made: 0 }
    }

    /// How many events there are.
    pub fn made(&self) -> usize {
        self.made
    }

    /// The events by which a public room begins.
    pub fn begin(&mut self, branch: &mut Branch) -> Vec<Made> {
        let create =
            self.state_event(branch, CREATE, 0, "", json!({"room_version": self.version.id}));
        if self.version.room_id_format == RoomIdFormat::CreateEventId {
            self.room_id = create.id.replacen('$', "!", 1);
        }
        let creator = self.member(branch, 0);
        let levels = self.power_levels(branch);
        let join_rules =
            self.state_event(branch, JOIN_RULES, 0, "", json!({"join_rule": "public"}));
        vec![create, creator, levels, join_rules]
    }

    /// A join, or a change of profile of somebody who has joined.
    pub fn member(&mut self, branch: &mut Branch, number: usize) -> Made {
        let content = json!({"membership": "join", "displayname": format!("User {}", self.made)});
        self.state_event(branch, MEMBER, number, &user(number), content)
    }

    /// A change of the power levels.
    pub fn power_levels(&mut self, branch: &mut Branch) -> Made {
        let mut users: serde_json::Map<String, Value> =
            (1..=20).map(|number| (user(number), json!(50))).collect();
        if !self.version.privileged_creators {
            users.insert(user(0), json!(100));
        }
        let content =
            json!({"users": users, "state_default": 50, "org.example.revision": self.made});
        self.state_event(branch, POWER_LEVELS, 0, "", content)
    }

    /// A message.
    pub fn message(&mut self, branch: &mut Branch, number: usize) -> Made {
        let body = format!("This is message {} of the room, and of the length of most.", self.made);
        let content = json!({"msgtype": "m.text", "body": body, "m.mentions": {}});
        self.event(branch, "m.room.message", number, None, content)
    }

    fn state_event(
        &mut self,
        branch: &mut Branch,
        event_type: &'static str,
        sender: usize,
        state_key: &str,
        content: Value,
    ) -> Made {
        let made = self.event(branch, event_type, sender, Some(state_key), content);
        branch.changes.insert((event_type, state_key.to_owned()), made.id.clone());
        made
    }

    fn event(
        &mut self,
        branch: &mut Branch,
        event_type: &'static str,
        sender: usize,
        state_key: Option<&str>,
        content: Value,
    ) -> Made {
        let name = user(sender);
        let cited = [
            (CREATE, "", self.version.room_id_format == RoomIdFormat::Domain),
            (POWER_LEVELS, "", true),
            (JOIN_RULES, "", event_type == MEMBER),
            (MEMBER, &name, true),
        ];
        let cited = cited.into_iter().filter(|(_, _, is_cited)| *is_cited);
        let cited: Vec<&str> =
            cited.filter_map(|(name, key, _)| branch.get(name, key).map(|id| &**id)).collect();
        let previous: Vec<&str> = branch.tips.iter().map(|id| &**id).collect();
        self.made += 1;
        let mut event = json!({
            "type": event_type, "sender": &name, "content": content, "depth": self.made,
            "origin_server_ts": 1_700_000_000_000_u64 + self.made as u64, "prev_events": previous, "auth_events": cited,
        });
        if let Some(key) = state_key {
            event["state_key"] = json!(key);
        }
        if !self.room_id.is_empty() {
            event["room_id"] = json!(&self.room_id);
        }
        let read =
            |event: &Value| json::parse(event.to_string().as_bytes(), Numbers::Keep).unwrap();
        let hash = encoding::encode(&hashes::content_hash(&read(&event)));
        event["hashes"] = json!({"sha256": hash});
        let json = read(&event);
        let hash = hashes::reference_hash(&json, self.version);
        let id: Rc<str> = hashes::event_id(&json, &hash, self.version).unwrap().into();
        let signature = encoding::encode(&[hash, sha256::hash(&hash)].concat());
        event["signatures"] = json!({server(sender): {KEY_ID: signature}});
        branch.tips = vec![id.clone()];
        Made { id, text: event.to_string() }
    }
}
