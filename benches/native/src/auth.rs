//! Is an event allowed? By its auth events and by the state of its room, on both sides from events that
//! were read beforehand.

use std::collections::HashMap;
use std::hint::black_box;

use fedproof::acl::ServerAcl;
use fedproof::auth::{self, Ask, Cited, Event, RoomCreate, StateMap};
use fedproof::event::{Limits, Pdu, hashes};
use fedproof::json::{self, Numbers};
use fedproof::room_version::RoomVersion;
use ruma_common::room_version_rules::AuthorizationRules;
use ruma_common::{EventId, OwnedEventId, RoomVersionId, ServerName};
use ruma_events::StateEventType;
use ruma_events::room::server_acl::RoomServerAclEventContent;
use serde_json::{Value, json};

use crate::ruma::{Pdu as RumaPdu, State as RumaState};
use crate::{PACE, Times, race};

const ROOM: &str = "!room:one.example";

/// An event as each side has read it.
struct Sent {
    ours: Event,
    theirs: RumaPdu,
}

/// A room of version 11 with a creator, power levels, public join rules and a member.
struct Room {
    version: &'static RoomVersion,
    state: Vec<Sent>,
}

impl Room {
    fn new(users: usize) -> Self {
        let version = RoomVersion::get("11").unwrap();
        let mut room = Self { version, state: Vec::new() };
        let create = room.sent(
            "m.room.create",
            "@alice:one.example",
            Some(""),
            json!({"room_version": "11"}),
            &[],
        );
        room.state.push(create);
        let mut levels: serde_json::Map<String, Value> = (0..users)
            .map(|number| (format!("@user{number}:two.example"), json!(number % 50)))
            .collect();
        levels.insert("@alice:one.example".to_owned(), json!(100));
        let power = json!({
            "users": levels, "users_default": 0, "events_default": 0, "state_default": 50, "ban": 50,
            "kick": 50, "redact": 50, "invite": 0,
            "events": {"m.room.name": 50, "m.room.power_levels": 100, "m.room.topic": 50},
        });
        for (event_type, sender, key, content, cited) in [
            (
                "m.room.member",
                "@alice:one.example",
                "@alice:one.example",
                json!({"membership": "join"}),
                vec![0],
            ),
            ("m.room.power_levels", "@alice:one.example", "", power, vec![0, 1]),
            (
                "m.room.join_rules",
                "@alice:one.example",
                "",
                json!({"join_rule": "public"}),
                vec![0, 1, 2],
            ),
            (
                "m.room.member",
                "@bob:two.example",
                "@bob:two.example",
                json!({"membership": "join"}),
                vec![0, 2, 3],
            ),
        ] {
            let event = room.sent(event_type, sender, Some(key), content, &cited);
            room.state.push(event);
        }
        room
    }

    fn sent(
        &self,
        event_type: &str,
        sender: &str,
        state_key: Option<&str>,
        content: Value,
        cited: &[usize],
    ) -> Sent {
        let ids: Vec<_> = cited.iter().map(|index| self.state[*index].ours.id()).collect();
        let previous: Vec<_> = self.state.last().map(|sent| sent.ours.id()).into_iter().collect();
        let mut event = json!({
            "type": event_type, "sender": sender, "room_id": ROOM, "content": content, "depth": 7,
            "origin_server_ts": 1_700_000_000_000_i64, "prev_events": previous, "auth_events": ids,
            "hashes": {"sha256": "x"}, "signatures": {},
        });
        if let Some(key) = state_key {
            event["state_key"] = json!(key);
        }
        let text = event.to_string();
        let json = json::parse(text.as_bytes(), Numbers::Keep).unwrap();
        let hash = hashes::reference_hash(&json, self.version);
        let id = hashes::event_id(&json, &hash, self.version).unwrap();
        let pdu = Pdu::from_canonical(json, self.version, Limits::All).unwrap();
        Sent { theirs: RumaPdu::read(&id, &text).unwrap(), ours: Event::new(pdu, id) }
    }
}

/// What an event is judged by, on both sides.
struct Case<'a> {
    event: &'a Sent,
    by_id: HashMap<&'a str, &'a Event>,
    state: StateMap<'a>,
    rules: AuthorizationRules,
    ruma_by_id: HashMap<OwnedEventId, &'a RumaPdu>,
    ruma_cited: RumaState<'a>,
    ruma_state: RumaState<'a>,
}

impl<'a> Case<'a> {
    fn new(room: &'a Room, event: &'a Sent, cited: &[usize]) -> Self {
        let chosen = || cited.iter().map(|index| &room.state[*index]);
        let ids = room.state.iter().map(|sent| (sent.ours.id(), &sent.ours));
        let ruma_ids =
            room.state.iter().map(|sent| (EventId::parse(sent.ours.id()).unwrap(), &sent.theirs));
        Self {
            event,
            by_id: ids.collect(),
            state: room.state.iter().map(|sent| &sent.ours).collect(),
            rules: RoomVersionId::V11.rules().unwrap().authorization,
            ruma_by_id: ruma_ids.collect(),
            ruma_cited: chosen().map(|sent| &sent.theirs).collect(),
            ruma_state: room.state.iter().map(|sent| &sent.theirs).collect(),
        }
    }

    fn fedproof(&self, ask: Ask) -> usize {
        let event = &self.event.ours;
        // ruma looks them up, too.
        let cited = |id: &str| Cited::Event { event: self.by_id[id], rejected: false };
        let references = event.pdu().auth_events();
        let cited: Vec<_> = references.map(|reference| cited(&reference.event_id)).collect();
        let by_cited = auth::auth_rules(event, &cited, RoomCreate::default(), ask);
        let by_state = auth::state_rules(event, black_box(&self.state), RoomCreate::default(), ask);
        assert!(by_cited.decision.is_allowed() && by_state.decision.is_allowed());
        black_box(by_cited.path.len() + by_state.path.len())
    }

    fn ruma(&self) -> usize {
        let event = &self.event.theirs;
        let find = |id: &EventId| self.ruma_by_id.get(id).copied();
        ruma_state_res::check_state_independent_auth_rules(&self.rules, event, find).unwrap();
        for state in [&self.ruma_cited, &self.ruma_state] {
            let fetch =
                |event_type: &StateEventType, key: &str| black_box(state).get(event_type, key);
            ruma_state_res::check_state_dependent_auth_rules(&self.rules, event, fetch).unwrap();
        }
        0
    }
}

/// The rows of the table.
pub fn rows() -> Vec<Value> {
    let mut rows = Vec::new();
    let mut row = |what: &str, ours: &Times, theirs: &Times, goal: Option<f64>| {
        rows.push(json!({
            "part": "Authorization, native", "what": what, "against": "ruma",
            "ours": ours.median(), "theirs": theirs.median(), "ratio": ours.ratio(theirs), "goal": goal,
        }));
    };
    let message = json!({"msgtype": "m.text", "body": "hello"});
    for (users, name, goal) in
        [(0, "a message", 3.0), (1000, "a message, 1,000 users in the power levels", 50.0)]
    {
        let room = Room::new(users);
        let event =
            room.sent("m.room.message", "@bob:two.example", None, message.clone(), &[0, 2, 4]);
        let case = Case::new(&room, &event, &[0, 2, 4]);
        let [ours, told, path, theirs] = times(&case);
        row(name, &ours, &theirs, Some(goal));
        if users == 0 {
            row("the same, with reasons asked for", &told, &theirs, None);
            row("the same, with the whole path asked for", &path, &theirs, None);
        }
    }
    let room = Room::new(0);
    let joining = json!({"membership": "join"});
    let event = room.sent(
        "m.room.member",
        "@carol:three.example",
        Some("@carol:three.example"),
        joining,
        &[0, 2, 3],
    );
    let case = Case::new(&room, &event, &[0, 2, 3]);
    let [ours, told, path, theirs] = times(&case);
    row("a join of a public room", &ours, &theirs, Some(3.0));
    row("the same, with reasons asked for", &told, &theirs, None);
    row("the same, with the whole path asked for", &path, &theirs, None);
    let [ours, theirs] = acl_times();
    row("an answer by a server ACL of 10,000 entries", &ours, &theirs, None);
    rows
}

/// As in `benches/js/auth.mjs`: a third each of names, `*.name` and other globs, and a name each that is
/// denied, allowed and not matched.
fn acl_times() -> [Times; 2] {
    let entry = |index: usize, top: &str| match index % 3 {
        0 => format!("host{index}.evil.{top}"),
        1 => format!("*.spam{index}.{top}"),
        _ => format!("b?d{index}.*.*{top}"),
    };
    let entries = |top: &str| (0..4_999).map(|index| json!(entry(index, top))).collect::<Vec<_>>();
    let deny = [entries("example"), vec![json!("b?d.*.example")]].concat();
    let allow = [entries("test"), vec![json!("g?od.*.example")]].concat();
    let content = json!({"allow_ip_literals": false, "deny": deny, "allow": allow}).to_string();
    let json = json::parse(content.as_bytes(), Numbers::Keep).unwrap();
    let ours = ServerAcl::from_content(json.value());
    let theirs: RoomServerAclEventContent = serde_json::from_str(&content).unwrap();
    let names = ["bad.some.example", "good.some.example", "matrix.neutral.org"];
    for (name, allowed) in names.into_iter().zip([false, true, false]) {
        assert_eq!(ours.check(name).allowed(), allowed);
    }
    race(
        PACE,
        &names,
        [&|name| usize::from(ours.check(name).allowed()), &|name| {
            usize::from(theirs.is_allowed(<&ServerName>::try_from(name).unwrap()))
        }],
    )
}

fn times(case: &Case<'_>) -> [Times; 4] {
    race(
        PACE,
        &["the same each time"],
        [
            &|_| case.fedproof(Ask::Decision),
            &|_| case.fedproof(Ask::Reason),
            &|_| case.fedproof(Ask::Path),
            &|_| case.ruma(),
        ],
    )
}
