//! Ten thousand conversations over a host that loses, delays, cuts, corrupts and repeats answers: each
//! ends, within what the client may ask for, and no event comes out that is not proven.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use std::collections::BTreeSet;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use common::chat::{ALICE, Chat};
use common::federation::{Fed, ME, answer};
use common::host::Fault;
use common::make::{ONE, TWO, one, parsed, room_version, two};
use common::model;
use fedproof::codes;
use fedproof::federation::client::{Client, FederationError, MemberRequest, Outgoing, WantedKeys};
use fedproof::federation::events::{Direction, MissingEvents};
use fedproof::federation::published_rooms::Filter;
use fedproof::federation::{Join, Judged, ProvenPdu};
use fedproof::host::{Host, HttpsAnswer, Operation};
use fedproof::receive::Options;
use fedproof::verdict::Outcome;
use serde_json::{Value, json};

const CONVERSATIONS: u64 = 10_000;
const NOTARY: &str = "notary.example";
/// How many things a conversation here may ask of its host at most, and for how much simulated time.
const MOST_EFFECTS: usize = 400;
const LONGEST: i64 = 60 * 60 * 1000;
const VERSION: u8 = 11;

/// Numbers that look random, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn fault(&mut self) -> Fault {
        match self.below(6) {
            0 => Fault::Drop,
            1 => Fault::Delay,
            2 => Fault::Truncate,
            3 => Fault::Garbage,
            4 => Fault::Repeat,
            _ => Fault::Corrupt(usize::try_from(self.below(1 << 20)).unwrap()),
        }
    }
}

/// The federation that all conversations are held in, with a room.
struct Ground {
    chat: Chat,
    /// Whatever comes out must be one of these; signatures that nobody asks for may differ.
    events: BTreeSet<String>,
    /// What the servers of the room answer.
    answers: Vec<(&'static str, String, HttpsAnswer)>,
}

/// Our user's membership, as a server of the room proposes it.
fn template(chat: &Chat, membership: &str) -> Value {
    let event = json!({
        "type": "m.room.member", "sender": ME, "state_key": ME, "room_id": chat.room_id,
        "content": {"membership": membership}, "depth": 9,
        "prev_events": chat.references(&["bob"]),
        "auth_events": chat.references(&["create", "power", "rules"]),
    });
    json!({"event": event, "room_version": VERSION.to_string()})
}

/// What another server answers to all but invites.
fn answers(chat: &Chat) -> Vec<(&'static str, String, HttpsAnswer)> {
    let all =
        |names: &[&str]| -> Value { names.iter().map(|name| chat.made[*name].clone()).collect() };
    let chain = all(&["create", "alice", "power", "rules"]);
    let state = all(&["create", "alice", "power", "rules", "bob"]);
    let bob = chat.id("bob");
    let summary = json!({"room_id": chat.room_id, "num_joined_members": 1,
        "world_readable": true, "guest_can_join": true, "children_state": []});
    let table = [
        ("GET v1/version", json!({"server": {"name": "x"}})),
        ("GET v1/event/", json!({"pdus": [chat.made["bob"]]})),
        ("GET v1/state/", json!({"pdus": state, "auth_chain": chain})),
        ("GET v1/state_ids/", json!({"pdu_ids": [bob], "auth_chain_ids": []})),
        ("GET v1/event_auth/", json!({"auth_chain": chain})),
        ("GET v1/backfill/", json!({"pdus": state})),
        ("POST v1/get_missing_events/", json!({"events": chain})),
        ("GET v1/timestamp_to_event/", json!({"event_id": bob, "origin_server_ts": 9})),
        ("GET v1/make_join/", template(chat, "join")),
        ("PUT v2/send_join/", json!({"state": state, "auth_chain": chain})),
        ("GET v1/make_knock/", template(chat, "knock")),
        ("PUT v1/send_knock/", json!({"knock_room_state": chain})),
        ("GET v1/make_leave/", template(chat, "leave")),
        ("PUT v2/send_leave/", json!({})),
        ("PUT v1/send/", json!({"pdus": {bob.as_str(): {}}})),
        (
            "GET v1/hierarchy/",
            json!({"room": summary, "children": [], "inaccessible_children": []}),
        ),
        ("GET v1/publicRooms", json!({"chunk": [summary]})),
        ("GET v1/query/directory", json!({"room_id": chat.room_id, "servers": [ONE]})),
        ("GET v1/query/profile", json!({"displayname": "Alice"})),
        ("GET v1/openid/userinfo", json!({"sub": ALICE})),
    ];
    let of = |server: &'static str| {
        table.iter().map(move |(path, body)| {
            let (method, path) = path.split_once(' ').unwrap();
            (server, format!("{method} /_matrix/federation/{path}"), answer(200, body))
        })
    };
    of(ONE).chain(of(TWO)).collect()
}

/// What is signed of an event, and its content: all but the signatures.
fn content_of(event: &Value) -> String {
    model::canonical(&model::without(event, &["signatures"]))
}

impl Ground {
    fn new() -> Self {
        let chat = Chat::new(VERSION);
        let events = chat.made.values().map(content_of).collect();
        let answers = answers(&chat);
        Self { chat, events, answers }
    }

    fn fed(&self) -> Fed {
        let mut fed = Fed::new(&[ONE, TWO, NOTARY], &[NOTARY]);
        fed.world.latency = 3;
        fed.publish(&one());
        fed.publish(&two());
        for (server, start, answer) in &self.answers {
            let answer = answer.clone();
            fed.on(server, start, move |_| answer.clone());
        }
        fed.on(ONE, "PUT /_matrix/federation/v2/invite/", |call| {
            let mut event = call.body.clone().unwrap()["event"].clone();
            let text = model::signed_text(&event, VERSION);
            one().add(&mut event, &text);
            answer(200, &json!({"event": event}))
        });
        fed
    }
}

/// What a conversation brought: events that are said to be proven.
type Brought = Result<Vec<ProvenPdu>, FederationError>;
type Held = Pin<Box<dyn Future<Output = Brought>>>;

fn proven(judged: Judged) -> Vec<ProvenPdu> {
    judged.proven
}

/// One of the conversations.
fn begin(kind: u64, ground: &Ground, client: Rc<Client>, host: Host) -> Held {
    let version = room_version(VERSION);
    let room = ground.chat.room_id.clone();
    let (create, rules, bob) =
        (ground.chat.id("create"), ground.chat.id("rules"), ground.chat.id("bob"));
    let event = parsed(&ground.chat.made["bob"]);
    let via = vec![ONE.to_owned(), TWO.to_owned()];
    let invitation = parsed(&json!({
        "type": "m.room.member", "sender": ME, "state_key": ALICE, "room_id": room,
        "content": {"membership": "invite"}, "depth": 9, "origin_server_ts": 9,
        "prev_events": ground.chat.references(&["bob"]), "auth_events": [],
    }));
    Box::pin(async move {
        let none = Ok(vec![]);
        let wanted = MemberRequest { room_id: &room, user_id: ME, via: &via, content: None };
        match kind {
            0 => client.version(&host, ONE).await.map(drop).and(none),
            1 => Ok(vec![client.event(&host, ONE, &bob, Some(&room), version).await?.0]),
            2 => {
                let (state, _) = client.state(&host, ONE, &room, &bob, version).await?;
                Ok(state.state.into_iter().chain(state.auth_chain).collect())
            }
            3 => client.state_ids(&host, ONE, &room, &bob, version).await.map(drop).and(none),
            4 => {
                let (chain, _) = client.event_auth(&host, ONE, &room, &bob, version).await?;
                Ok(proven(chain.events))
            }
            5 => Ok(proven(client.backfill(&host, ONE, &room, &[&bob], 9, version).await?.0)),
            6 => {
                let previous = [rules.as_str()];
                let asked = MissingEvents {
                    room_id: &room,
                    earliest_events: &[&create],
                    latest_events: &[(&bob, &previous)],
                    limit: 10,
                    min_depth: 0,
                };
                Ok(proven(client.missing_events(&host, ONE, &asked, version).await?.0))
            }
            7 => {
                let forwards = Direction::Forwards;
                let found = client.timestamp_to_event(&host, ONE, &room, 5, forwards, version);
                Ok(vec![found.await?.1])
            }
            8 => {
                let joined = client.join(&host, &wanted, false).await?.done;
                let keys = client.keys.borrow();
                let mut reading = Join::new(joined.version, &room, Options::default());
                if reading.push(&joined.answer).is_ok() {
                    while reading.step(&keys) {}
                    if let Ok(report) = reading.finish(joined.event.text(), &keys)
                        && report.verdict.outcome == Outcome::Accepted
                    {
                        let accepted = reading.into_room();
                        let events = accepted.current_state().iter().count();
                        assert!(events >= 5, "a state of {events} let us in");
                    }
                }
                none
            }
            9 => client.knock(&host, &wanted).await.map(drop).and(none),
            10 => client.leave(&host, &wanted).await.map(drop).and(none),
            11 => {
                let invited = client.invite(&host, &invitation, &room, &[], version).await?;
                let text: Value = serde_json::from_str(invited.event.as_str()).unwrap();
                let signed = model::signed_text(&text, VERSION);
                assert_eq!(text["signatures"][ONE]["ed25519:a"], json!(one().sign(&signed)));
                none
            }
            12 => {
                let pdus = [(bob, event)];
                let outgoing = Outgoing { pdus: &pdus, edus: &[], attempts: 3 };
                let delivery = client.send(&host, ONE, &outgoing).await?;
                assert_eq!(delivery.failure.is_none(), delivery.pdus == 1);
                delivery.failure.map_or(none, Err)
            }
            13 => client.public_rooms(&host, ONE, &Filter::default()).await.map(drop).and(none),
            14 => client.hierarchy(&host, ONE, &room, false).await.map(drop).and(none),
            15 => client.query_directory(&host, "#a:one.example").await.map(drop).and(none),
            16 => client.query_profile(&host, ALICE, None).await.map(drop).and(none),
            17 => client.openid_userinfo(&host, ONE, "t").await.map(drop).and(none),
            _ => {
                let wanted: WantedKeys =
                    [(ONE.to_owned(), vec![]), (TWO.to_owned(), vec![])].into();
                let report = client.fetch_keys(&host, wanted).await?;
                for fetched in &report.fetched {
                    for (_, known) in &fetched.response.keys {
                        let public = model::base64(known.key.as_bytes());
                        assert!([one().public(), two().public()].contains(&public));
                    }
                }
                none
            }
        }
    })
}

const KINDS: u64 = 19;

#[test]
fn ten_thousand_conversations_over_a_bad_host_end_and_prove_what_they_bring() {
    let ground = Ground::new();
    let mut dice = Dice(1);
    let (mut well, mut refused, mut dropped, mut faulty) = (0, 0, 0, 0);
    for number in 0..CONVERSATIONS {
        let kind = dice.below(KINDS);
        let mut fed = ground.fed();
        // Some go well, some meet a fault now and then, some nothing but faults.
        let rate = [0, 8, 4, 2, 1][usize::try_from(dice.below(5)).unwrap()];
        if rate > 0 {
            for at in 0..MOST_EFFECTS {
                if dice.below(rate) == 0 {
                    fed.world.faults.insert(at, dice.fault());
                }
            }
        }
        let abandons = (dice.below(10) == 0).then(|| dice.below(30));
        let client = Rc::clone(&fed.client);
        let start = fed.world.now;
        let mut operation =
            Operation::new(fed.world.capabilities, |host| begin(kind, &ground, client, host));
        let mut turns = 0;
        let end = loop {
            if let Poll::Ready(end) = operation.poll() {
                break Some(end);
            }
            if abandons == Some(turns) {
                break None;
            }
            turns += 1;
            let effects = operation.take_effects();
            assert!(!effects.is_empty(), "{number}: it waits for nothing");
            // The answers come in any order, and some twice.
            let mut effects = effects;
            while !effects.is_empty() {
                let at = usize::try_from(dice.below(effects.len() as u64)).unwrap();
                let (id, effect) = effects.swap_remove(at);
                operation.answer(id, fed.world.answer(&effect));
                if dice.below(8) == 0 {
                    operation.answer(id, fed.world.answer(&effect));
                }
            }
            assert!(fed.world.asked.len() < MOST_EFFECTS, "{number}: it asks without end");
            assert!(fed.world.now - start < LONGEST, "{number}: it takes without end");
        };
        if !fed.world.faults.is_empty() {
            faulty += 1;
        }
        match end {
            None => dropped += 1,
            Some(Err(error)) => {
                refused += 1;
                assert!(codes::find(error.code()).is_some(), "{number}: {}", error.code());
                assert!(!error.to_string().is_empty());
                assert!(rate > 0, "{number}: {kind} failed for nothing: {error}");
            }
            Some(Ok(brought)) => {
                well += 1;
                for pdu in brought {
                    let text = pdu.event.as_str();
                    let event = content_of(&serde_json::from_str(text).unwrap());
                    let is_whole = ground.events.contains(&event) && !pdu.verdict.redacted;
                    // Content that was corrupted on the way is cut off; the ID is the hash of the rest.
                    let is_known = ground.chat.ids.values().any(|id| id == pdu.event_id());
                    let is_cut = pdu.verdict.redacted && is_known;
                    assert!(is_whole || is_cut, "{number}: {text}");
                    assert_eq!(pdu.verdict.outcome, Outcome::Accepted);
                }
            }
        }
        // Nothing is left behind: the client is held by nobody else any more.
        drop(operation);
        assert_eq!(Rc::strong_count(&fed.client), 1, "{number}");
        assert_eq!(Rc::strong_count(&fed.keys), 2, "{number}");
        assert!(fed.keys.try_borrow_mut().is_ok());
    }
    assert!(
        well > 3_000 && refused > 2_000 && dropped > 200 && faulty > 7_000,
        "{well} {refused} {dropped} {faulty}"
    );
}
