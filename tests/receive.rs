//! Sections I and O and row D3 of the rules: the seven checks on receipt of an event, in order.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use common::make::{TS, lacking, one, references, ring, room_version, sign_by, two, with};
use common::model::{self, Signer25519};
use common::room::{ALICE, BOB, CAROL, DAVE, create_content, create_draft, group};
use fedproof::auth::{Event, StateMap};
use fedproof::event::{Limits, Pdu};
use fedproof::json::{Numbers, parse};
use fedproof::keys::KeyRing;
use fedproof::policy_server::PolicyServer;
use fedproof::receive::{self, Given, GivenEvents, Options, Room};
use fedproof::state::Step;
use fedproof::verdict::{Check, CheckResult, Outcome, Verdict};
use serde_json::{Value, json};

const THREE: &str = "three.example";
const POLICY: &str = "policy.example";
const POLICY_KEY_ID: &str = "ed25519:policy_server";
const POWER_LEVELS: &str = "m.room.power_levels";

/// The key of a user's server; the ring of the tests has those of the first two.
fn signer(user: &str) -> Signer25519 {
    match user.split_once(':').unwrap().1 {
        "one.example" => one(),
        "two.example" => two(),
        "three.example" => Signer25519::new(THREE, "ed25519:a"),
        "policy.example" => Signer25519::new(POLICY, "ed25519:a"),
        other => panic!("{other}"),
    }
}

/// The key of a room's policy server.
fn policy_key() -> Signer25519 {
    Signer25519::new(POLICY, POLICY_KEY_ID)
}

/// A room of well signed events: [`ALICE`] created it and has 100, [`CAROL`] has 50, [`BOB`] 0;
/// [`DAVE`] is joined, too, whose server's key is not there.
#[derive(Clone)]
struct World {
    version: u8,
    room_id: String,
    state: Vec<Value>,
}

impl World {
    fn new(version: u8) -> Self {
        Self::created(version, create_content(version))
    }

    fn created(version: u8, content: Value) -> Self {
        let mut create = create_draft(version, ALICE, content);
        if version <= 2 {
            create["event_id"] = json!("$create:one.example");
        }
        let create = sign_by(&create, version, &[&one()]);
        let room_id = match create["room_id"].as_str() {
            Some(room_id) => room_id.to_owned(),
            None => model::event_id(&create, version).replacen('$', "!", 1),
        };
        let world = Self { version, room_id, state: vec![create] };
        let mut users = json!({CAROL: 50});
        if version <= 11 {
            users[ALICE] = json!(100);
        }
        world
            .member(ALICE, ALICE, "join")
            .put(ALICE, "m.room.join_rules", "", json!({"join_rule": "public"}))
            .put(ALICE, POWER_LEVELS, "", json!({ "users": users }))
            .member(BOB, BOB, "join")
            .member(CAROL, CAROL, "join")
            .member(DAVE, DAVE, "join")
    }

    /// The room with this state event, by the rules or against them.
    fn put(self, sender: &str, event_type: &str, key: &str, content: Value) -> Self {
        let event = self.sign(&self.draft(sender, event_type, Some(key), content));
        self.with(event)
    }

    /// The room with this event in its state.
    fn with(mut self, event: Value) -> Self {
        let is_it =
            |other: &Value| ["type", "state_key"].iter().all(|key| other[key] == event[key]);
        self.state.retain(|other| !is_it(other));
        self.state.push(event);
        self
    }

    fn member(self, sender: &str, target: &str, membership: &str) -> Self {
        self.put(sender, "m.room.member", target, json!({"membership": membership}))
    }

    /// The state event for a type and state key.
    fn get(&self, event_type: &str, key: &str) -> Option<&Value> {
        let is_it = |event: &&Value| event["type"] == event_type && event["state_key"] == key;
        self.state.iter().find(is_it)
    }

    fn id(&self, event_type: &str, key: &str) -> String {
        model::event_id(self.get(event_type, key).unwrap(), self.version)
    }

    /// A reference to an event, as `auth_events` has it.
    fn reference(&self, event: &Value) -> Value {
        let id = model::event_id(event, self.version);
        if self.version >= 3 {
            return json!(id);
        }
        let hash = model::sha256(&model::signed_text(event, self.version));
        json!([id, {"sha256": model::base64(&hash)}])
    }

    /// What an event must cite, as far as there is such state.
    fn selected(&self, draft: &Value) -> Vec<&Value> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut keys =
            vec![(POWER_LEVELS, String::new()), ("m.room.member", text(&draft["sender"]))];
        if self.version <= 11 {
            keys.insert(0, ("m.room.create", String::new()));
        }
        if draft["type"] == "m.room.member" {
            keys.push(("m.room.member", text(&draft["state_key"])));
            let content = &draft["content"];
            if ["join", "invite", "knock"].iter().any(|name| content["membership"] == *name) {
                keys.push(("m.room.join_rules", String::new()));
            }
            if self.version >= 8 && content["membership"] == "join" {
                keys.push(("m.room.member", text(&content["join_authorised_via_users_server"])));
            }
        }
        let mut seen = Vec::new();
        keys.retain(|key| {
            !seen.contains(key) && {
                seen.push(key.clone());
                true
            }
        });
        keys.iter().filter_map(|(event_type, key)| self.get(event_type, key)).collect()
    }

    /// The draft of an event that cites what it must.
    fn draft(&self, sender: &str, event_type: &str, key: Option<&str>, content: Value) -> Value {
        let mut draft = json!({
            "type": event_type, "sender": sender, "content": content, "room_id": self.room_id,
            "origin_server_ts": TS, "depth": 10, "prev_events": references(self.version, 1),
        });
        if let Some(key) = key {
            draft["state_key"] = json!(key);
        }
        if self.version <= 2 {
            let name = model::base64_url_safe(&model::sha256(&draft.to_string())[..9]);
            draft["event_id"] = json!(format!("${name}:{}", signer(sender).server));
        }
        draft["auth_events"] =
            self.selected(&draft).iter().map(|event| self.reference(event)).collect();
        draft
    }

    /// A message.
    fn message(&self, sender: &str) -> Value {
        self.draft(sender, "m.room.message", None, json!({"body": "hello"}))
    }

    /// The event of a draft, signed by its sender's server.
    fn sign(&self, draft: &Value) -> Value {
        self.sign_also(draft, &[])
    }

    /// The same, signed by others, too.
    fn sign_also(&self, draft: &Value, others: &[&Signer25519]) -> Value {
        let own = signer(draft["sender"].as_str().unwrap());
        let signers: Vec<_> = [&own].into_iter().chain(others.iter().copied()).collect();
        sign_by(draft, self.version, &signers)
    }

    /// What a server knows that has the whole room, and nothing happened meanwhile.
    fn known(&self) -> Known {
        let all: Vec<String> = self.state.iter().map(Value::to_string).collect();
        Known {
            version: self.version,
            auth_events: Some(all.clone()),
            state: Some(all.clone()),
            current_state: Some(all),
            ..Known::default()
        }
    }

    fn receive(&self, event: &Value) -> Verdict {
        self.known().receive(event)
    }
}

/// What a server knows around an event: texts of events.
#[derive(Clone, Default)]
struct Known {
    version: u8,
    auth_events: Option<Vec<String>>,
    state: Option<Vec<String>>,
    current_state: Option<Vec<String>>,
    create_event: Option<String>,
    rejected: Vec<String>,
    options: Options,
}

impl Known {
    fn given(&self) -> Given {
        fn bytes(list: &Option<Vec<String>>) -> Option<Vec<&[u8]>> {
            list.as_ref().map(|list| list.iter().map(String::as_bytes).collect())
        }
        let given = GivenEvents {
            auth_events: bytes(&self.auth_events),
            state: bytes(&self.state),
            current_state: bytes(&self.current_state),
            create_event: self.create_event.as_ref().map(String::as_bytes),
            rejected: self.rejected.clone(),
        };
        Given::read(&given, room_version(self.version))
    }

    fn receive(&self, event: &Value) -> Verdict {
        self.receive_text(&event.to_string())
    }

    fn receive_text(&self, event: &str) -> Verdict {
        self.given().receive(event.as_bytes(), ring(), self.options)
    }

    fn check_auth(&self, event: &Value, ring: Option<&KeyRing>) -> Verdict {
        self.given().check_auth(event.to_string().as_bytes(), ring, self.options)
    }
}

/// The answers of the checks, a letter each: pass, fail, skip, incomplete.
fn results(verdict: &Verdict) -> String {
    let letter = |check: &Check| match check.result {
        CheckResult::Pass => 'p',
        CheckResult::Fail => 'f',
        CheckResult::Skip => 's',
        CheckResult::Incomplete => 'i',
    };
    verdict.checks.iter().map(letter).collect()
}

const NAMES: [&str; 7] = {
    let (format, signatures, hash) = ("format", "signatures", "hash");
    [format, signatures, hash, "auth_events", "state_before", "current_state", "policy_server"]
};

const NAME_WHAT_IS_MISSING: [&str; 4] = [
    "signature_key_missing",
    "auth_event_missing",
    "create_event_missing",
    "join_authoriser_key_missing",
];

/// What becomes of the event, and the answers of all seven checks.
#[track_caller]
fn assert_verdict(verdict: &Verdict, outcome: Outcome, expected: &str) {
    assert_eq!((verdict.outcome, results(verdict).as_str()), (outcome, expected), "{verdict:#?}");
    let numbers = verdict.checks.iter().map(|check| check.check);
    assert!(numbers.eq(1..=7), "{verdict:#?}");
    assert!(verdict.checks.iter().map(|check| check.name).eq(NAMES));
    for check in &verdict.checks {
        let failed = matches!(check.result, CheckResult::Fail | CheckResult::Incomplete);
        let told = (check.code.is_some(), check.reason.is_some(), check.evidence.is_some());
        assert_eq!(told, (failed, failed, failed), "{check:#?}");
        let names = check.code.is_some_and(|code| NAME_WHAT_IS_MISSING.contains(&code));
        assert_eq!(!check.missing.is_empty(), names, "{check:#?}");
        let ruled = matches!(check.check, 4..=6) && check.result != CheckResult::Skip;
        let no_state = check.code.is_some_and(|code| code.starts_with("state_"));
        assert_eq!(check.rule.is_some(), ruled && !no_state, "{check:#?}");
        assert!(check.path.is_empty());
    }
}

/// A check of a verdict, which must have this rule and code.
#[track_caller]
fn check<'a>(verdict: &'a Verdict, number: usize, rule: &str, code: &str) -> &'a Check {
    let check = verdict.checks.iter().find(|check| usize::from(check.check) == number).unwrap();
    let rule = Some(rule).filter(|rule| !rule.is_empty());
    assert_eq!((check.rule, check.code), (rule, Some(code)), "{check:#?}");
    if matches!(number, 4..=6) && rule.is_some() {
        let page = format!("https://spec.matrix.org/v1.19/rooms/v{}/", verdict.room_version);
        assert_eq!(check.spec, format!("{page}#authorisation-rules"));
    }
    check
}

fn evidence(check: &Check) -> Value {
    serde_json::to_value(check.evidence.as_ref().unwrap()).unwrap()
}

/// A restricted room without [`BOB`], and the draft of his join, which somebody authorises.
fn restricted_join(version: u8, authoriser: &str) -> (World, Value) {
    let rule = json!({"join_rule": "restricted"});
    let mut world = World::new(version).put(ALICE, "m.room.join_rules", "", rule);
    world.state.retain(|event| event["state_key"] != BOB);
    let content = json!({"membership": "join", "join_authorised_via_users_server": authoriser});
    let draft = world.draft(BOB, "m.room.member", Some(BOB), content);
    (world, draft)
}

/// The number of the rule that who authorises a join has signed it.
fn authoriser_signed(version: u8) -> &'static str {
    if version >= 12 { "5.2.1" } else { "4.2.1" }
}

/// The number of the rule about the level for a type of event.
fn required_level(version: u8) -> &'static str {
    ["8", "8", "7", "7", "7", "7", "7", "8"][group(version)]
}

/// The number of the rule that senders must be joined.
fn sender_joined(version: u8) -> &'static str {
    ["6", "6", "5", "5", "5", "5", "5", "6"][group(version)]
}

/// An event that [`BOB`] has not the level for.
fn topic(world: &World) -> Value {
    world.sign(&world.draft(BOB, "m.room.topic", Some(""), json!({"topic": "x"})))
}

#[test]
fn i1_what_is_malformed_is_dropped_and_not_looked_at_further() {
    for version in 1..=12 {
        let world = World::new(version);
        let event = world.sign(&world.message(BOB));
        assert_verdict(&world.receive(&event), Outcome::Accepted, "pppppps");
        for (text, code) in [
            ("{".to_owned(), "json_syntax"),
            (lacking(event.clone(), "depth").to_string(), "field_missing"),
            (with(event, "/content", json!([])).to_string(), "field_wrong_type"),
        ] {
            let verdict = world.known().receive_text(&text);
            assert_verdict(&verdict, Outcome::Dropped, "fssssss");
            check(&verdict, 1, "", code);
            assert_eq!((verdict.event_id.as_ref(), verdict.redacted), (None, false));
        }
    }
    // A room ID is required but of the create event of version 12.
    for version in 1..=12 {
        let world = World::new(version);
        let event = world.sign(&lacking(world.message(BOB), "room_id"));
        let verdict = world.receive(&event);
        assert_verdict(&verdict, Outcome::Dropped, "fssssss");
        check(&verdict, 1, "", "field_missing");
        let create = world.get("m.room.create", "").unwrap();
        assert_eq!(create.get("room_id").is_some(), version <= 11);
        assert_verdict(&world.receive(create), Outcome::Accepted, "pppppps");
    }
}

#[test]
fn i2_contents_are_for_the_authorization_rules_to_judge() {
    const UNKNOWN: [&str; 8] = ["5.6", "5.6", "4.6", "4.7", "4.8", "4.8", "4.8", "5.8"];
    const THIRD_PARTY: [&str; 8] =
        ["5.3.1", "5.3.1", "4.3.1", "4.3.1", "4.4.1", "4.4.1", "4.4.1", "5.4.1"];
    for version in 1..=12 {
        let world = World::new(version);
        let third_party = |invite: Value| {
            let content = json!({"membership": "invite"});
            with(content, "/third_party_invite", invite)
        };
        let at = |step| format!("{}.{step}", THIRD_PARTY[group(version)]);
        for (content, number, code) in [
            (json!({"membership": 1}), UNKNOWN[group(version)].to_owned(), "membership_unknown"),
            (third_party(json!({})), at(2), "third_party_invite_no_signed"),
            (third_party(json!({"signed": {"token": "t"}})), at(3), "third_party_invite_no_mxid"),
            (
                third_party(json!({"signed": {"mxid": "@x:y"}})),
                at(3),
                "third_party_invite_no_token",
            ),
        ] {
            let draft = world.draft(ALICE, "m.room.member", Some("@eve:two.example"), content);
            let verdict = world.receive(&world.sign(&draft));
            assert_verdict(&verdict, Outcome::Rejected, "pppfsss");
            check(&verdict, 4, &number, code);
        }
    }
}

#[test]
fn i3_limits_are_not_those_of_backfilled_events() {
    let world = World::new(11);
    let event = world.sign(&with(world.message(BOB), "/prev_events", references(11, 21)));
    let verdict = world.receive(&event);
    assert_verdict(&verdict, Outcome::Dropped, "fssssss");
    check(&verdict, 1, "", "too_many_prev_events");
    let options = Options { limits: Limits::Backfill, ..Options::default() };
    let verdict = Known { options, ..world.known() }.receive(&event);
    assert_verdict(&verdict, Outcome::Accepted, "pppppps");
}

#[test]
fn i4_depth_may_be_any_that_the_version_allows() {
    for version in 1..=12 {
        let world = World::new(version);
        for depth in [0, 1, (1_i64 << 53) - 1] {
            let event = world.sign(&with(world.message(BOB), "/depth", json!(depth)));
            assert_verdict(&world.receive(&event), Outcome::Accepted, "pppppps");
        }
    }
}

#[test]
fn i5_what_is_not_by_its_sender_is_dropped() {
    for version in 1..=12 {
        let world = World::new(version);
        let draft = world.message(BOB);
        let event = world.sign(&draft);
        let unsigned = with(event.clone(), "/signatures", json!({}));
        let by_another = sign_by(&draft, version, &[&two()]);
        // Whether its content was changed does not matter any more.
        let changed = with(unsigned.clone(), "/content/body", json!("x"));
        let later = with(event, "/origin_server_ts", json!(TS - 1));
        for (event, code, hash) in [
            (unsigned, "signature_missing", 'p'),
            (by_another, "signature_missing", 'p'),
            (changed, "signature_missing", 'f'),
            (later, "signature_invalid", 'f'),
        ] {
            let verdict = world.receive(&event);
            assert_verdict(&verdict, Outcome::Dropped, &format!("pf{hash}ssss"));
            check(&verdict, 2, "", code);
            assert!(!verdict.redacted);
        }
        // Not even where the room would refuse it, too.
        let topic = with(topic(&world), "/signatures", json!({}));
        assert_verdict(&world.receive(&topic), Outcome::Dropped, "pfpssss");
    }
}

#[test]
fn i6_what_was_changed_goes_on_redacted() {
    for version in 1..=12 {
        let world = World::new(version);
        let event = with(world.sign(&world.message(BOB)), "/content/body", json!("x"));
        let verdict = world.receive(&event);
        assert_verdict(&verdict, Outcome::Accepted, "ppfppps");
        check(&verdict, 3, "", "content_hash_mismatch");
        assert!(verdict.redacted);
        assert_eq!(verdict.event_id, Some(model::event_id(&event, version)));
        // A redaction loses what it redacts at the top level.
        let draft = world.draft(BOB, "m.room.redaction", None, json!({}));
        let event = world.sign(&with(draft, "/redacts", json!("$x:one.example")));
        assert_verdict(&world.receive(&event), Outcome::Accepted, "pppppps");
        let event = with(event, "/content/reason", json!("x"));
        let verdict = world.receive(&event);
        if version <= 2 {
            assert_verdict(&verdict, Outcome::Rejected, "ppffsss");
            let failed = evidence(check(&verdict, 4, "11.3", "redaction_power"));
            assert_eq!(failed.get("redacts"), None);
        } else {
            assert_verdict(&verdict, Outcome::Accepted, "ppfppps");
        }
    }
}

#[test]
fn d3_the_rules_judge_the_redacted_copy() {
    for version in 1..=12 {
        // A level that redaction takes away is one that is removed, which takes as much.
        let power = json!({"users": {CAROL: 50}, "invite": 51});
        let world = World::new(version).put(ALICE, POWER_LEVELS, "", power.clone());
        let event = world.sign(&world.draft(CAROL, POWER_LEVELS, Some(""), power));
        assert_verdict(&world.receive(&event), Outcome::Accepted, "pppppps");
        let verdict = world.receive(&with(event, "/content/notifications", json!({})));
        if version >= 11 {
            assert_verdict(&verdict, Outcome::Accepted, "ppfppps");
        } else {
            assert_verdict(&verdict, Outcome::Rejected, "ppffsss");
            let number = ["10.3.1", "10.3.1", "9.3.1", "9.3.1", "9.3.1", "9.5.1"][group(version)];
            let failed = evidence(check(&verdict, 4, number, "power_levels_value_current"));
            assert_eq!((&failed["key"], failed.get("new")), (&json!(["invite"]), None));
        }
    }
    for version in 8..=12 {
        // Who let a user into a restricted room is kept from version 9 on.
        let (world, draft) = restricted_join(version, CAROL);
        let event = world.sign_also(&with(draft, "/content/reason", json!("x")), &[&two()]);
        assert_verdict(&world.receive(&event), Outcome::Accepted, "pppppps");
        let changed = with(event, "/content/reason", json!("y"));
        let verdict = world.receive(&changed);
        if version >= 9 {
            assert_verdict(&verdict, Outcome::Accepted, "ppfppps");
            continue;
        }
        // Then it cites somebody's membership for nothing, too.
        assert_verdict(&verdict, Outcome::Rejected, "ppffsss");
        check(&verdict, 4, "2.2", "auth_event_not_selected");
        let verdict = Known { auth_events: None, ..world.known() }.receive(&changed);
        assert_verdict(&verdict, Outcome::Rejected, "ppfsfss");
        check(&verdict, 5, "4.3.5.2", "join_restricted_no_authoriser");
    }
}

#[test]
fn i7_what_its_auth_events_do_not_allow_is_rejected() {
    for version in 1..=12 {
        let world = World::new(version);
        let verdict = world.receive(&topic(&world));
        assert_verdict(&verdict, Outcome::Rejected, "pppfsss");
        let failed = check(&verdict, 4, required_level(version), "event_power");
        let event = |event_type, key| {
            let event_id = world.id(event_type, key);
            json!({"type": event_type, "state_key": key, "event_id": event_id})
        };
        let read = [("m.room.create", ""), (POWER_LEVELS, ""), ("m.room.member", BOB)];
        let expected = json!({
            "sender": {"user": BOB, "level": 0, "from": "default"},
            "required": {"level": 50, "from": "default"},
            "type": "m.room.topic",
            "events_read": read.map(|(event_type, key)| event(event_type, key)),
        });
        assert_eq!(evidence(failed), expected);
        let reason =
            "has level 0 (by default), but a state event of type \"m.room.topic\" takes 50";
        assert_eq!(failed.reason, Some(format!("{BOB} {reason} (by default)")));
    }
}

#[test]
fn i8_what_the_state_before_it_does_not_allow_is_rejected() {
    for version in 1..=12 {
        // Its auth events say that it may; the state knows of a ban.
        let world = World::new(version);
        let event = world.sign(&world.message(BOB));
        let banned = world.clone().member(ALICE, BOB, "ban");
        let known = Known { state: banned.known().state, ..world.known() };
        let verdict = known.receive(&event);
        assert_verdict(&verdict, Outcome::Rejected, "ppppfss");
        let failed = evidence(check(&verdict, 5, sender_joined(version), "sender_not_joined"));
        assert_eq!(failed["event_id"], banned.id("m.room.member", BOB));
        assert_eq!(failed["events_read"][2]["event_id"], banned.id("m.room.member", BOB));
    }
}

#[test]
fn i9_what_the_current_state_does_not_allow_is_soft_failed() {
    for version in 1..=12 {
        let world = World::new(version).put(ALICE, "m.room.policy", "", json!({}));
        let event = world.sign(&world.message(BOB));
        let banned = policy_world(&world.clone().member(ALICE, BOB, "ban"));
        let known = Known { current_state: banned.known().current_state, ..world.known() };
        let verdict = known.receive(&event);
        assert_verdict(&verdict, Outcome::SoftFailed, "pppppfs");
        check(&verdict, 6, sender_joined(version), "sender_not_joined");
    }
}

#[test]
fn i11_who_cites_what_was_rejected_is_rejected() {
    for version in 1..=12 {
        let world = World::new(version);
        let event = world.sign(&world.message(BOB));
        let mut known = world.known();
        // Of all that it cites, any.
        for (event_type, key) in [("m.room.create", ""), (POWER_LEVELS, ""), ("m.room.member", BOB)]
        {
            known.rejected = vec!["$other".to_owned(), world.id(event_type, key)];
            let verdict = known.receive(&event);
            assert_verdict(&verdict, Outcome::Rejected, "pppfsss");
            if event_type == "m.room.create" && version >= 12 {
                let failed = check(&verdict, 4, "2", "create_event_rejected");
                let mut told = evidence(failed);
                told.as_object_mut().unwrap().remove("events_read");
                let create_event = world.id(event_type, key);
                let expected = json!({"room_id": world.room_id, "create_event": create_event});
                assert_eq!(told, expected);
            } else {
                let number = if version >= 12 { "3.3" } else { "2.3" };
                let failed = check(&verdict, 4, number, "auth_event_rejected");
                assert_eq!(evidence(failed)["auth_events"], json!([world.id(event_type, key)]));
            }
        }
        // What it does not cite, or only follows on, may have been.
        known.rejected = vec![world.id("m.room.member", CAROL)];
        assert_verdict(&known.receive(&event), Outcome::Accepted, "pppppps");
        let previous = world.sign(&world.message(CAROL));
        let references = json!([world.reference(&previous)]);
        let after = with(world.message(BOB), "/prev_events", references);
        known.rejected = vec![model::event_id(&previous, version)];
        assert_verdict(&known.receive(&world.sign(&after)), Outcome::Accepted, "pppppps");
    }
}

#[test]
fn i12_a_bad_event_does_not_spoil_others() {
    for version in 1..=12 {
        let world = World::new(version);
        let good = world.sign(&world.message(BOB)).to_string();
        let forged = with(world.sign(&world.message(CAROL)), "/signatures", json!({})).to_string();
        let texts = [good.as_str(), "{", &forged, &good];
        let bytes = texts.map(str::as_bytes);
        let verdicts =
            receive::verify_all(bytes, room_version(version), ring(), Options::default());
        let outcomes: Vec<_> = verdicts.iter().map(results).collect();
        assert_eq!(outcomes, ["ppp", "fss", "pfp", "ppp"]);
        // One reading of a room serves all.
        let given = world.known().given();
        for (text, expected) in texts.iter().zip(["pppppps", "fssssss", "pfpssss", "pppppps"]) {
            let verdict = given.receive(text.as_bytes(), ring(), Options::default());
            assert_eq!(results(&verdict), expected);
        }
    }
}

#[test]
fn i13_what_was_soft_failed_may_be_cited() {
    for version in 1..=12 {
        // BOB's join came too late for the current state, and somebody's event rests on it.
        let world = World::new(version);
        let kick = json!({"membership": "leave"});
        let event = world.sign(&world.draft(CAROL, "m.room.member", Some(BOB), kick));
        let before = world.clone().member(BOB, BOB, "leave");
        let known = Known { current_state: before.known().current_state, ..world.known() };
        assert_verdict(&known.receive(&event), Outcome::Accepted, "pppppps");
    }
}

#[test]
fn i14_an_event_waits_for_what_it_names() {
    for version in 1..=12 {
        let world = World::new(version);
        let event = world.sign(&world.message(BOB));
        let mut room = fedproof::state::Room::new(room_version(version), Options::default());
        room.push(event.to_string().into_bytes());
        assert_eq!(room.step(ring()), Step::Waits);
        assert!(room.is_idle());
        let waiting: Vec<Verdict> = room.undecided().collect();
        assert_eq!((waiting.len(), waiting[0].outcome), (1, Outcome::Incomplete));
        let previous = &references(version, 1)[0];
        let id =
            |reference: &Value| reference.get(0).unwrap_or(reference).as_str().unwrap().to_owned();
        let keys = [("m.room.create", ""), (POWER_LEVELS, ""), ("m.room.member", BOB)];
        let mut missing: Vec<_> = keys.map(|(name, key)| world.id(name, key)).into();
        missing.push(id(previous));
        missing.sort();
        assert_eq!(check(&waiting[0], 4, "", "event_missing").missing, missing);
    }
}

// What is not known.

#[test]
fn i_checks_without_what_they_need_are_skipped() {
    for version in 1..=12 {
        let world = World::new(version);
        let event = world.sign(&world.message(BOB));
        let all = world.known();
        // In version 12 somebody must know the create event.
        let create_event = world.get("m.room.create", "").map(Value::to_string);
        let bare = Known { version, create_event: create_event.clone(), ..Known::default() };
        assert_verdict(&bare.receive(&event), Outcome::Accepted, "pppssss");
        let known = Known { auth_events: all.auth_events.clone(), ..bare.clone() };
        assert_verdict(&known.receive(&event), Outcome::Accepted, "ppppsss");
        let known = Known { state: all.state.clone(), ..bare.clone() };
        assert_verdict(&known.receive(&event), Outcome::Accepted, "pppspss");
        let known = Known { current_state: all.current_state.clone(), ..bare.clone() };
        assert_verdict(&known.receive(&event), Outcome::Accepted, "pppssps");
        // The first event of a room cites none, so nothing is needed.
        let create = world.get("m.room.create", "").unwrap();
        assert_verdict(&bare.receive(create), Outcome::Accepted, "ppppsss");
        // Without any room at all, as the crate has it.
        let text = event.to_string();
        let room = Room::default();
        let (bytes, version) = (text.as_bytes(), room_version(version));
        let verdict = receive::receive(bytes, version, ring(), &room, Options::default());
        assert_verdict(&verdict, Outcome::Accepted, "pppssss");
    }
    assert_eq!(format!("{:?}", Room::default()), "Room { .. }");
}

#[test]
fn i_a_missing_key_leaves_all_open() {
    for version in 1..=12 {
        let world = World::new(version);
        let verdict = world.receive(&world.sign(&world.message(DAVE)));
        assert_verdict(&verdict, Outcome::Incomplete, "pipppps");
        let open = check(&verdict, 2, "", "signature_key_missing");
        assert_eq!(open.missing, ["three.example ed25519:a"]);
        // Whatever else is wrong: it may have to be dropped.
        let topic = world.sign(&world.draft(DAVE, "m.room.topic", Some(""), json!({})));
        assert_verdict(&world.receive(&topic), Outcome::Incomplete, "pipfsss");
        let stricter = world.clone().put(ALICE, POWER_LEVELS, "", json!({"events_default": 1}));
        let message = world.sign(&world.message(DAVE));
        let known = Known { state: stricter.known().state, ..world.known() };
        assert_verdict(&known.receive(&message), Outcome::Incomplete, "pippfss");
        let known = Known { current_state: stricter.known().state, ..world.known() };
        assert_verdict(&known.receive(&message), Outcome::Incomplete, "pipppfs");
        let known = Known { current_state: policy_world(&world).known().state, ..world.known() };
        assert_verdict(&known.receive(&message), Outcome::Incomplete, "pippppf");
        let changed = with(message, "/content/body", json!("x"));
        let verdict = world.receive(&changed);
        assert_verdict(&verdict, Outcome::Incomplete, "pifppps");
        assert!(verdict.redacted);
    }
}

#[test]
fn i_a_missing_auth_event_leaves_it_open_until_something_rejects() {
    for version in 1..=12 {
        let world = World::new(version);
        let event = world.sign(&world.message(BOB));
        let lost = [(POWER_LEVELS, ""), ("m.room.member", BOB)]
            .map(|(name, key)| world.get(name, key).unwrap().to_string());
        let mut known = world.known();
        known.auth_events.as_mut().unwrap().retain(|event| !lost.contains(event));
        let verdict = known.receive(&event);
        assert_verdict(&verdict, Outcome::Incomplete, "pppipps");
        let number = if version >= 12 { "3" } else { "2" };
        let open = check(&verdict, 4, number, "auth_event_missing");
        assert_eq!(open.missing, [world.id(POWER_LEVELS, ""), world.id("m.room.member", BOB)]);
        assert_eq!(open.reason.as_deref(), Some("2 of the events in auth_events are not there"));
        assert_eq!(evidence(open).get("malformed"), None);
        // One reason to reject is enough; one to soft fail is not.
        let stricter = world.clone().put(ALICE, POWER_LEVELS, "", json!({"events_default": 1}));
        let rejecting = Known { state: stricter.known().state, ..known.clone() };
        assert_verdict(&rejecting.receive(&event), Outcome::Rejected, "pppifss");
        let failing = Known { current_state: stricter.known().state, ..known.clone() };
        assert_verdict(&failing.receive(&event), Outcome::Incomplete, "pppipfs");
        let failing = Known { current_state: policy_world(&world).known().state, ..known.clone() };
        assert_verdict(&failing.receive(&event), Outcome::Incomplete, "pppippf");
        // One that is malformed is none.
        let list = known.auth_events.as_mut().unwrap();
        list.extend(["{".to_owned(), json!({"type": 1}).to_string()]);
        let verdict = known.receive(&event);
        assert_verdict(&verdict, Outcome::Incomplete, "pppipps");
        let at = world.state.len() - 2;
        let malformed =
            evidence(check(&verdict, 4, number, "auth_event_missing"))["malformed"].clone();
        let told = |index: usize, key: &str| malformed[index][key].clone();
        assert_eq!((told(0, "index"), told(0, "code")), (json!(at), json!("json_syntax")));
        assert_eq!((told(1, "index"), told(1, "code")), (json!(at + 1), json!("field_wrong_type")));
        assert!(told(0, "reason").as_str().is_some_and(|reason| !reason.is_empty()));
        assert_eq!(malformed.as_array().map(Vec::len), Some(2));
        // Where none is missing, nobody needs to know.
        known.auth_events.as_mut().unwrap().extend(lost);
        assert_verdict(&known.receive(&event), Outcome::Accepted, "pppppps");
    }
}

#[test]
fn i_a_state_that_is_none_leaves_its_checks_open() {
    for version in 1..=12 {
        let world = World::new(version);
        let event = world.sign(&world.message(BOB));
        let topic = |world: &World, topic: &str| {
            let content = json!({ "topic": topic });
            world.sign(&world.draft(ALICE, "m.room.topic", Some("k"), content))
        };
        let (one, two) = (topic(&world, "1"), topic(&world, "2"));
        let elsewhere = topic(&another(version), "");
        let room_of = |event: &Value| event["room_id"].as_str().unwrap().to_owned();
        let at = world.state.len();
        let id = |event: &Value| model::event_id(event, version);
        let (first, second, other) = (id(&one), id(&two), id(&elsewhere));
        let (here, there) = (world.room_id.clone(), room_of(&elsewhere));
        let conflict = format!("{first} and {second} in the state are both for the type ");
        let other_room = format!("{other} in the state is of the room {there}, others of {here}");
        let rows = [
            (
                vec![json!({"type": "x"})],
                "state_event_malformed",
                format!("event {at} of the state is malformed: "),
                json!({"index": at, "code": "field_missing"}),
            ),
            (
                vec![one, two],
                "state_conflict",
                conflict + "\"m.room.topic\" and the state key \"k\"",
                json!({"type": "m.room.topic", "state_key": "k", "event_ids": [first, second]}),
            ),
            (
                vec![elsewhere],
                "state_other_room",
                other_room,
                json!({"event_id": other, "rooms": [here, there]}),
            ),
        ];
        for (more, code, reason, expected) in rows {
            let mut list = world.known().state.unwrap();
            list.extend(more.iter().map(Value::to_string));
            let assert_told = |verdict: &Verdict, number: usize| {
                let open = check(verdict, number, "", code);
                let mut told = evidence(open);
                told.as_object_mut().unwrap().remove("reason");
                assert_eq!(told, expected);
                let said = open.reason.as_ref().unwrap();
                assert!(said.starts_with(&reason), "{said}");
                assert!(said.len() > reason.len() || code != "state_event_malformed");
            };
            let known = Known { state: Some(list.clone()), ..world.known() };
            let verdict = known.receive(&event);
            assert_verdict(&verdict, Outcome::Incomplete, "ppppips");
            assert_told(&verdict, 5);
            let known = Known { current_state: Some(list), ..world.known() };
            let verdict = known.receive(&event);
            assert_verdict(&verdict, Outcome::Incomplete, "pppppii");
            assert_told(&verdict, 6);
            assert_told(&verdict, 7);
        }
        // One event twice is no conflict; what is no state changes nothing.
        let mut list = world.known().state.unwrap();
        list.extend([list[1].clone(), world.sign(&world.message(ALICE)).to_string()]);
        let known = Known { state: Some(list), ..world.known() };
        assert_verdict(&known.receive(&event), Outcome::Accepted, "pppppps");
    }
}

/// Another room.
fn another(version: u8) -> World {
    let other = World::created(version, with(create_content(version), "/other", json!(1)));
    if version >= 12 {
        return other;
    }
    let room_id = "!other:one.example";
    let moved = |event: &Value| other.sign(&with(event.clone(), "/room_id", json!(room_id)));
    World { room_id: room_id.to_owned(), state: other.state.iter().map(moved).collect(), ..other }
}

#[test]
fn i_the_state_of_another_room_says_nothing() {
    for version in 1..=12 {
        let (world, other) = (World::new(version), another(version));
        let event = world.sign(&world.message(BOB));
        let rooms = json!({"rooms": [other.room_id, world.room_id]});
        let reason = format!(
            "the state is that of the room {}, the event is of {}",
            other.room_id, world.room_id
        );
        let before = Known { state: other.known().state, ..world.known() };
        let current = Known { current_state: other.known().state, ..world.known() };
        for (known, at, expected) in [(before, 5, "ppppips"), (current, 6, "pppppis")] {
            let verdict = known.receive(&event);
            assert_verdict(&verdict, Outcome::Incomplete, expected);
            let open = check(&verdict, at, "", "state_other_room");
            assert_eq!((evidence(open), open.reason.as_ref()), (rooms.clone(), Some(&reason)));
        }
        // Not even where its create event is left out.
        let mut state = other.known().state.unwrap();
        state.retain(|event| !event.contains("\"m.room.create\""));
        let verdict = Known { state: Some(state), ..world.known() }.receive(&event);
        assert_verdict(&verdict, Outcome::Incomplete, "ppppips");
    }
}

#[test]
fn i_without_the_create_event_nothing_can_be_decided() {
    for version in 1..=12 {
        let world = World::new(version);
        let event = world.sign(&world.message(BOB));
        let create = world.get("m.room.create", "").unwrap().to_string();
        let without = |list: Option<Vec<String>>| {
            list.map(|list| list.into_iter().filter(|event| *event != create).collect())
        };
        let all = world.known();
        let none = Known {
            auth_events: without(all.auth_events.clone()),
            state: without(all.state.clone()),
            current_state: without(all.current_state.clone()),
            ..all.clone()
        };
        let verdict = none.receive(&event);
        if version <= 11 {
            assert_verdict(&verdict, Outcome::Incomplete, "pppiiis");
            check(&verdict, 4, "2", "auth_event_missing");
            for number in [5, 6] {
                let open = check(&verdict, number, "3", "create_event_missing");
                assert_eq!(open.missing, ["m.room.create"]);
                assert_eq!(evidence(open)["event_type"], "m.room.create");
            }
            continue;
        }
        // In version 12 it is looked for wherever it may be.
        assert_verdict(&verdict, Outcome::Incomplete, "pppiiis");
        for number in [4, 5, 6] {
            let open = check(&verdict, number, "2", "create_event_missing");
            assert_eq!(open.missing, [world.id("m.room.create", "")]);
            assert_eq!(evidence(open)["room_id"], world.room_id);
        }
        let places: [fn(&mut Known, String); 4] = [
            |known, create| known.create_event = Some(create),
            |known, create| known.auth_events.as_mut().unwrap().push(create),
            |known, create| known.state.as_mut().unwrap().push(create),
            |known, create| known.current_state.as_mut().unwrap().push(create),
        ];
        for place in places {
            let mut known = none.clone();
            place(&mut known, create.clone());
            assert_verdict(&known.receive(&event), Outcome::Accepted, "pppppps");
        }
        // A malformed one is none; that of another room is not this one's.
        let known = Known { create_event: Some("{".to_owned()), ..none.clone() };
        assert_verdict(&known.receive(&event), Outcome::Incomplete, "pppiiis");
        let create_event = another(12).get("m.room.create", "").map(Value::to_string);
        let verdict = Known { create_event: create_event.clone(), ..none.clone() }.receive(&event);
        assert_verdict(&verdict, Outcome::Rejected, "pppfsss");
        check(&verdict, 4, "2", "room_id_not_create_event");
        let known = Known { create_event, ..all };
        assert_verdict(&known.receive(&event), Outcome::Accepted, "pppppps");
    }
}

#[test]
fn i_a_missing_key_of_who_let_somebody_in_leaves_it_open() {
    for version in 8..=12 {
        let (world, draft) = restricted_join(version, DAVE);
        let number = authoriser_signed(version);
        let verdict = world.receive(&world.sign_also(&draft, &[&signer(DAVE)]));
        assert_verdict(&verdict, Outcome::Incomplete, "pppiiis");
        for at in [4, 5, 6] {
            let open = check(&verdict, at, number, "join_authoriser_key_missing");
            assert_eq!(open.missing, ["three.example ed25519:a"]);
            let mut told = evidence(open);
            told.as_object_mut().unwrap().remove("events_read");
            let expected = json!({"join_authorised_via_users_server": DAVE, "server": THREE});
            assert_eq!(told, expected);
        }
        // Its own signature does not stand in for it.
        let verdict = world.receive(&world.sign(&draft));
        assert_verdict(&verdict, Outcome::Rejected, "pppfsss");
        let failed = evidence(check(&verdict, 4, number, "join_authoriser_not_signed"));
        assert_eq!(failed["signature"], "signature_missing");
    }
}

// Authorization by itself.

#[test]
fn i_authorization_alone_is_checks_1_4_and_5_each_by_itself() {
    for version in 1..=12 {
        let world = World::new(version);
        let all = world.known();
        let unsigned = with(world.sign(&world.message(BOB)), "/signatures", json!({}));
        let expected = |verdict: &Verdict| {
            assert!(verdict.checks.iter().map(|check| check.check).eq([1, 4, 5]), "{verdict:#?}");
            (verdict.outcome, results(verdict))
        };
        for (ring, flags) in [(None, vec!["signatures_unchecked"]), (Some(ring()), vec![])] {
            // Signatures and hash do not matter.
            let changed = with(unsigned.clone(), "/content/body", json!("x"));
            for event in [&unsigned, &changed] {
                let verdict = all.check_auth(event, ring);
                assert_eq!(expected(&verdict), (Outcome::Accepted, "ppp".to_owned()));
                assert_eq!((verdict.redacted, &verdict.flags), (false, &flags));
            }
            // Check 5 is made whatever check 4 says.
            let verdict = all.check_auth(&topic(&world), ring);
            assert_eq!(expected(&verdict), (Outcome::Rejected, "pff".to_owned()));
            for number in [4, 5] {
                check(&verdict, number, required_level(version), "event_power");
            }
            let empty = Known { auth_events: Some(vec![]), ..all.clone() };
            assert_eq!(
                expected(&empty.check_auth(&topic(&world), ring)),
                (Outcome::Rejected, "pif".to_owned())
            );
            let nothing = Known { version, ..Known::default() };
            assert_eq!(
                expected(&nothing.check_auth(&unsigned, ring)),
                (Outcome::Accepted, "pss".to_owned())
            );
            let verdict = all.check_auth(&json!([]), ring);
            assert_eq!(expected(&verdict), (Outcome::Dropped, "fss".to_owned()));
            assert_eq!(verdict.flags, [] as [&str; 0]);
        }
    }
}

#[test]
fn i_authorization_alone_looks_at_the_signature_of_who_let_somebody_in() {
    for version in 8..=12 {
        let (world, draft) = restricted_join(version, CAROL);
        let good = world.sign_also(&draft, &[&two()]);
        let junk = json!({"ed25519:a": "A".repeat(86)});
        let forged = with(good.clone(), "/signatures/two.example", junk);
        let none = world.sign(&draft);
        let keyless = world.sign_also(&restricted_join(version, DAVE).1, &[&signer(DAVE)]);
        let number = authoriser_signed(version);
        let rows = [
            (&good, "ppp", "ppp", None),
            (&forged, "ppp", "pff", Some("signature_invalid")),
            (&none, "pff", "pff", Some("signature_missing")),
            (&keyless, "ppp", "pii", None),
        ];
        for (event, without, by_keys, signature) in rows {
            let verdict = world.known().check_auth(event, None);
            assert_eq!(results(&verdict), without, "{verdict:#?}");
            let verdict = world.known().check_auth(event, Some(ring()));
            assert_eq!(results(&verdict), by_keys, "{verdict:#?}");
            if by_keys == "pff" {
                let failed = evidence(check(&verdict, 4, number, "join_authoriser_not_signed"));
                assert_eq!(failed.get("signature").and_then(Value::as_str), signature);
            }
        }
    }
}

// What is told.

#[test]
fn i_evidence_and_path_are_told_on_demand() {
    for version in 1..=12 {
        let world = policy_world(&World::new(version));
        let mut event = world.sign(&world.message(BOB));
        recommend(&mut event, version, &policy_key());
        let checks = |options: Options| -> Vec<Check> {
            let verdict = Known { options, ..world.known() }.receive(&event);
            assert_eq!(results(&verdict), "ppppppp");
            verdict.checks
        };
        let told = checks(Options { evidence: true, ..Options::default() });
        assert!(told.iter().all(|check| check.evidence.is_some() && check.path.is_empty()));
        let read = |check: &Check| evidence(check)["events_read"].as_array().unwrap().len();
        assert_eq!([3, 4, 5].map(|at| read(&told[at])), [3, 3, 3]);
        let told = checks(Options { path: true, ..Options::default() });
        let by_rules = |check: &Check| (4..=6).contains(&check.check);
        for check in &told {
            let is_told = (!check.path.is_empty(), check.evidence.is_some());
            assert_eq!(is_told, (by_rules(check), by_rules(check)), "{check:?}");
        }
    }
}

#[test]
fn i_the_path_says_what_was_compared() {
    let options = Options { path: true, ..Options::default() };
    for version in 1..=12 {
        let world = World::new(version);
        let step = |known: &Known, at: usize| {
            let verdict = Known { options, ..known.clone() }.receive(&topic(&world));
            let path = serde_json::to_value(&verdict.checks[3].path).unwrap();
            let path = path.as_array().unwrap();
            path[(path.len() - at) % path.len()].clone()
        };
        let first = json!({"rule": "1", "answer": "no", "summary": "the event is m.room.create"});
        assert_eq!(step(&world.known(), 0), first);
        let summary = "the sender has not the level for events of this type: reject";
        let compared = json!({
            "sender": {"user": BOB, "level": 0, "from": "default"},
            "required": {"level": 50, "from": "default"}, "type": "m.room.topic",
        });
        let number = required_level(version);
        let last =
            json!({"rule": number, "answer": "reject", "summary": summary, "compared": compared});
        assert_eq!(step(&world.known(), 1), last);
        // Without its auth events it ends where it should look at them.
        let bare = Known { auth_events: Some(vec![]), ..world.known() };
        let last = step(&bare, 1);
        assert_eq!(
            (&last["answer"], &last["summary"]),
            (&json!("incomplete"), &json!("the events in auth_events"))
        );
        // The heading, three rules about citing, the room of what is cited, and the end.
        assert_eq!(step(&bare, 6)["answer"], "applies");
    }
}

// Flags.

fn flags(verdict: &Verdict) -> Vec<&str> {
    verdict.flags.clone()
}

#[test]
fn i_levels_that_only_python_reads_are_flagged() {
    for version in 1..=12 {
        let world = World::new(version);
        let set = |content: Value| {
            world.receive(&world.sign(&world.draft(ALICE, POWER_LEVELS, Some(""), content)))
        };
        let verdict = set(json!({"users": {CAROL: 50}, "kick": "1_0"}));
        let expected: &[&str] = if version <= 9 { &["power_level_divergent"] } else { &[] };
        assert_eq!((results(&verdict).as_str(), flags(&verdict)), ("pppfsss", expected.to_vec()));
        let verdict = set(json!({"users": {CAROL: 50}, "kick": "x"}));
        assert_eq!((results(&verdict).as_str(), flags(&verdict)), ("pppfsss", vec![]));
        // Only of the event itself, as it is judged, and not of what is dropped.
        let world = world.put(ALICE, POWER_LEVELS, "", json!({"kick": "1_0"}));
        assert_eq!(flags(&world.receive(&world.sign(&world.message(BOB)))), [] as [&str; 0]);
        let draft =
            world.draft(ALICE, POWER_LEVELS, Some(""), json!({"notifications": {"x": "1_0"}}));
        assert_eq!(flags(&world.receive(&world.sign(&draft))), expected);
        let redacted = with(world.sign(&draft), "/content/x", json!(1));
        assert_eq!(flags(&world.receive(&redacted)), [] as [&str; 0]);
        let forged = with(world.sign(&draft), "/signatures", json!({}));
        assert_eq!(flags(&world.receive(&forged)), [] as [&str; 0]);
    }
}

#[test]
fn i_create_events_of_another_version_are_flagged() {
    for version in 1..=12 {
        let flagged = |room_version: Value| {
            let content = match room_version {
                Value::Null => lacking(create_content(version), "room_version"),
                other => with(create_content(version), "/room_version", other),
            };
            let world = World::created(version, content);
            let verdict = world.receive(world.get("m.room.create", "").unwrap());
            (results(&verdict), verdict.flags)
        };
        let allowed = "pppppps".to_owned();
        let differs = vec!["create_room_version_differs"];
        assert_eq!(flagged(json!(version.to_string())), (allowed.clone(), vec![]));
        // Without one it is version 1.
        let without = if version == 1 { vec![] } else { differs.clone() };
        assert_eq!(flagged(json!(null)), (allowed.clone(), without));
        let other = if version == 5 { "6" } else { "5" };
        assert_eq!(flagged(json!(other)), (allowed, differs));
        for unknown in [json!("99"), json!(version), json!("")] {
            assert_eq!(flagged(unknown), ("pppfsss".to_owned(), vec![]));
        }
        // Of create events only.
        let world = World::new(version);
        let draft = world.draft(BOB, "m.room.message", None, json!({"room_version": other}));
        assert_eq!(flags(&world.receive(&world.sign(&draft))), [] as [&str; 0]);
    }
}

#[test]
fn i_references_with_another_hash_are_flagged() {
    for version in [1, 2] {
        let world = World::new(version);
        let draft = world.message(BOB);
        let hash = draft["auth_events"][1][1]["sha256"].as_str().unwrap().to_owned();
        let padded = format!("{hash}=");
        let url_safe = hash.replace('+', "-").replace('/', "_");
        let mismatch = vec!["reference_hash_mismatch"];
        for (stated, expected) in [
            (json!({"sha256": hash}), vec![]),
            (json!({"sha256": padded}), vec![]),
            (json!({"sha256": url_safe}), vec![]),
            (json!({}), vec![]),
            (json!({"md5": "x"}), vec![]),
            (json!({"sha256": "A".repeat(43)}), mismatch.clone()),
            (json!({"sha256": hash[1..]}), mismatch.clone()),
            (json!({"sha256": ""}), mismatch.clone()),
        ] {
            let mut draft = draft.clone();
            draft["auth_events"][1][1] = stated;
            let event = world.sign(&draft);
            let verdict = world.receive(&event);
            assert_verdict(&verdict, Outcome::Accepted, "pppppps");
            assert_eq!(verdict.flags, expected);
            // Where the events are not there, there is nothing to compare.
            for auth_events in [None, Some(vec![])] {
                let known = Known { auth_events, ..world.known() };
                assert_eq!(flags(&known.receive(&event)), [] as [&str; 0]);
            }
            assert_eq!(world.known().check_auth(&event, Some(ring())).flags, expected);
        }
    }
}

// Policy servers: section O.

const POLICY_USER: &str = "@police:policy.example";

/// The content of `m.room.policy`.
fn policy_content() -> Value {
    json!({"via": POLICY, "public_keys": {"ed25519": policy_key().public()}})
}

/// The room with a policy server.
fn policy_world(world: &World) -> World {
    world.clone().member(POLICY_USER, POLICY_USER, "join").put(
        ALICE,
        "m.room.policy",
        "",
        policy_content(),
    )
}

/// The event, with the signature of a policy server.
fn recommend(event: &mut Value, version: u8, key: &Signer25519) {
    let message = model::signed_text(event, version);
    key.add(event, &message);
}

/// The verdict on a message that nobody recommends.
fn on_message(world: &World) -> Verdict {
    Known { options: Options { evidence: true, ..Options::default() }, ..world.known() }
        .receive(&world.sign(&world.message(BOB)))
}

/// Why a room uses no policy server.
const NO_EVENT: &str = "the room names no policy server";
const NO_SERVER: &str = "m.room.policy names no server";
const NO_KEY: &str = "m.room.policy has no usable ed25519 key";
const NOT_JOINED: &str = "no user of the policy server is joined";

#[track_caller]
fn assert_not_used(world: &World, why: &str) {
    let verdict = on_message(world);
    assert_eq!((verdict.outcome, results(&verdict).as_str()), (Outcome::Accepted, "pppppps"));
    assert_eq!(evidence(&verdict.checks[6]), json!({ "not_used": why }));
}

#[test]
fn o1_a_policy_server_is_used_where_all_its_parts_are_right() {
    let policy = |content: Value| {
        move |world: &World| world.clone().put(ALICE, "m.room.policy", "", content.clone())
    };
    let with_content = |pointer: &str, value: Value| policy(with(policy_content(), pointer, value));
    for version in 1..=12 {
        let world = policy_world(&World::new(version));
        assert_eq!(results(&on_message(&world)), "ppppppf");
        let bare = World::new(version);
        assert_not_used(&bare, NO_EVENT);
        assert_not_used(
            &bare.member(POLICY_USER, POLICY_USER, "join").put(
                ALICE,
                "m.room.policy",
                "x",
                policy_content(),
            ),
            NO_EVENT,
        );
        assert_not_used(&policy(lacking(policy_content(), "via"))(&world), NO_SERVER);
        for via in [json!(null), json!(1), json!([POLICY])] {
            assert_not_used(&with_content("/via", via)(&world), NO_SERVER);
        }
        assert_not_used(&policy(lacking(policy_content(), "public_keys"))(&world), NO_KEY);
        for keys in [
            json!(null),
            json!([]),
            json!({}),
            json!({"ed25519:policy_server": policy_key().public()}),
            json!(policy_key().public()),
        ] {
            assert_not_used(&with_content("/public_keys", keys)(&world), NO_KEY);
        }
        let weak = model::base64(&[&[1][..], &[0; 31]].concat());
        let leaked = "l/O9hxMVKB6Lg+3Hqf0FQQZhVESQcMzbPN1Cz2nM3og";
        for key in [
            json!(null),
            json!(1),
            json!(""),
            json!("!"),
            json!("A".repeat(42)),
            json!(weak),
            json!(leaked),
        ] {
            assert_not_used(&with_content("/public_keys/ed25519", key)(&world), NO_KEY);
        }
        for via in ["", "other.example", "policy.example:80", "POLICY.example", "olicy.example"] {
            assert_not_used(&with_content("/via", json!(via))(&world), NOT_JOINED);
        }
        for membership in ["leave", "invite", "ban", "knock"] {
            assert_not_used(
                &world.clone().member(POLICY_USER, POLICY_USER, membership),
                NOT_JOINED,
            );
        }
        // Any of its users does.
        let other = world.clone().member(POLICY_USER, POLICY_USER, "leave").member(
            "@x:policy.example",
            "@x:policy.example",
            "join",
        );
        assert_eq!(results(&on_message(&other)), "ppppppf");
        // It is the current state that counts.
        let known = Known { current_state: World::new(version).known().state, ..world.known() };
        assert_eq!(results(&known.receive(&world.sign(&world.message(BOB)))), "pppppps");
    }
}

#[test]
fn o2_the_key_of_the_room_counts_and_not_what_the_server_publishes() {
    for version in 1..=12 {
        let world = World::new(version).put(
            ALICE,
            "m.room.policy",
            "",
            with(policy_content(), "/via", json!("two.example")),
        );
        let signed = |key: &Signer25519| {
            let mut event = world.sign(&world.message(BOB));
            recommend(&mut event, version, key);
            world.receive(&event)
        };
        let of_room = |key_id| Signer25519 { server: "two.example", key_id, key: policy_key().key };
        let published = |key_id| Signer25519 { key_id, ..two() };
        assert_verdict(&signed(&of_room(POLICY_KEY_ID)), Outcome::Accepted, "ppppppp");
        let verdict = signed(&published(POLICY_KEY_ID));
        assert_verdict(&verdict, Outcome::SoftFailed, "ppppppf");
        check(&verdict, 7, "", "policy_signature_invalid");
        for key in [of_room("ed25519:a"), of_room("ed25519:b"), published("ed25519:a")] {
            let verdict = signed(&key);
            assert_verdict(&verdict, Outcome::SoftFailed, "ppppppf");
            check(&verdict, 7, "", "policy_signature_missing");
        }
        // Of another server with the right key.
        let elsewhere = Signer25519 { server: "other.example", ..of_room(POLICY_KEY_ID) };
        check(&signed(&elsewhere), 7, "", "policy_signature_missing");
    }
}

#[test]
fn o3_a_recommendation_is_of_the_redacted_event_and_beside_other_signatures() {
    for version in 1..=12 {
        // The sender's server may be the policy server: neither signature stands in for the other.
        let world = World::new(version).put(
            ALICE,
            "m.room.policy",
            "",
            with(policy_content(), "/via", json!("one.example")),
        );
        let key =
            Signer25519 { server: "one.example", key_id: POLICY_KEY_ID, key: policy_key().key };
        let draft = world.message(BOB);
        let mut both = world.sign(&draft);
        recommend(&mut both, version, &key);
        assert_verdict(&world.receive(&both), Outcome::Accepted, "ppppppp");
        let alone = sign_by(&draft, version, &[&key]);
        let verdict = world.receive(&alone);
        assert_verdict(&verdict, Outcome::Dropped, "pfpssss");
        check(&verdict, 2, "", "signature_missing");
        // What redaction takes away is not signed.
        let changed = with(both.clone(), "/content/body", json!("x"));
        assert_verdict(&world.receive(&changed), Outcome::Accepted, "ppfpppp");
        assert_verdict(
            &world.receive(&with(both, "/unsigned", json!({"age": 1}))),
            Outcome::Accepted,
            "ppppppp",
        );
    }
}

#[test]
fn o4_the_event_that_names_the_policy_server_is_not_asked_about() {
    for version in 1..=12 {
        let world = policy_world(&World::new(version));
        let options = Options { evidence: true, ..Options::default() };
        let known = Known { options, ..world.known() };
        let facts = json!({
            "server": POLICY, "key_id": POLICY_KEY_ID, "public_key": policy_key().public(),
            "policy_event": world.id("m.room.policy", ""),
        });
        for content in [json!({}), policy_content()] {
            let event = world.sign(&world.draft(CAROL, "m.room.policy", Some(""), content));
            let verdict = known.receive(&event);
            assert_eq!(
                (verdict.outcome, results(&verdict).as_str()),
                (Outcome::Accepted, "ppppppp")
            );
            assert_eq!(evidence(&verdict.checks[6]), with(facts.clone(), "/exempt", json!(true)));
        }
        for key in [None, Some("x"), Some(" ")] {
            let event = world.sign(&world.draft(CAROL, "m.room.policy", key, policy_content()));
            let verdict = world.receive(&event);
            assert_verdict(&verdict, Outcome::SoftFailed, "ppppppf");
            assert_eq!(evidence(check(&verdict, 7, "", "policy_signature_missing")), facts);
        }
        // The rules count for it all the same.
        let event = world.sign(&world.draft(BOB, "m.room.policy", Some(""), json!({})));
        assert_verdict(&world.receive(&event), Outcome::Rejected, "pppfsss");
    }
}

#[test]
fn o5_what_is_not_recommended_is_soft_failed() {
    for version in 1..=12 {
        let world = policy_world(&World::new(version));
        let event = world.sign(&world.message(BOB));
        let mut good = event.clone();
        recommend(&mut good, version, &policy_key());
        assert_verdict(&world.receive(&good), Outcome::Accepted, "ppppppp");
        let signature = good["signatures"][POLICY][POLICY_KEY_ID].as_str().unwrap().to_owned();
        let mut of_other = world.sign(&world.message(CAROL));
        recommend(&mut of_other, version, &policy_key());
        let missing = ("policy_signature_missing", "has not signed the event");
        let malformed =
            ("policy_signature_malformed", "has put on the event what is not base64 of 64 bytes");
        let invalid =
            ("policy_signature_invalid", "has put a signature on the event that does not fit");
        let rows = [
            (json!({}), missing),
            (json!({"ed25519:a": signature}), missing),
            (json!({POLICY_KEY_ID: ""}), malformed),
            (json!({POLICY_KEY_ID: "!"}), malformed),
            (json!({POLICY_KEY_ID: signature[1..]}), malformed),
            (json!({POLICY_KEY_ID: "A".repeat(86)}), invalid),
            (of_other["signatures"][POLICY].clone(), invalid),
        ];
        for (signatures, (code, words)) in rows {
            let verdict =
                world.receive(&with(event.clone(), "/signatures/policy.example", signatures));
            assert_verdict(&verdict, Outcome::SoftFailed, "ppppppf");
            let failed = check(&verdict, 7, "", code);
            assert_eq!(
                failed.reason.as_ref(),
                Some(&format!("the room's policy server {POLICY} {words}"))
            );
            let facts = json!({
                "server": POLICY, "key_id": POLICY_KEY_ID, "public_key": policy_key().public(),
                "policy_event": world.id("m.room.policy", ""),
            });
            assert_eq!(evidence(failed), facts);
        }
        // Written otherwise, it is the same.
        let padded = with(
            good,
            &format!("/signatures/policy.example/{POLICY_KEY_ID}"),
            json!(format!("{signature}==")),
        );
        assert_verdict(&world.receive(&padded), Outcome::Accepted, "ppppppp");
    }
}

#[test]
fn o6_events_of_all_types_and_senders_need_it() {
    for version in 1..=12 {
        let world = policy_world(&World::new(version)).member(DAVE, DAVE, "leave");
        for (sender, event_type, key) in [
            (ALICE, POWER_LEVELS, Some("")),
            (ALICE, "m.room.message", None),
            (CAROL, "m.room.member", Some(CAROL)),
            (BOB, "m.room.redaction", None),
        ] {
            let content = match event_type {
                "m.room.member" => json!({"membership": "leave"}),
                POWER_LEVELS => json!({"users": {CAROL: 50}}),
                _ => json!({}),
            };
            let draft = world.draft(sender, event_type, key, content);
            let mut event = world.sign(&with(draft, "/redacts", json!("$x:one.example")));
            assert_verdict(&world.receive(&event), Outcome::SoftFailed, "ppppppf");
            recommend(&mut event, version, &policy_key());
            assert_verdict(&world.receive(&event), Outcome::Accepted, "ppppppp");
        }
    }
}

#[test]
fn o_the_policy_server_of_a_state_is_told() {
    let world = policy_world(&World::new(11));
    let events: Vec<Event> = world
        .state
        .iter()
        .map(|event| {
            let json = parse(event.to_string().as_bytes(), Numbers::Keep).unwrap();
            let pdu = Pdu::from_canonical(json, room_version(11), Limits::Backfill).unwrap();
            Event::new(pdu, model::event_id(event, 11))
        })
        .collect();
    let state: StateMap<'_> = events.iter().collect();
    let server = PolicyServer::of(&state).unwrap();
    let told = (server.event.id(), &*server.server, server.key.to_base64());
    assert_eq!(told, (world.id("m.room.policy", "").as_str(), POLICY, policy_key().public()));
    let event = world.sign(&world.message(BOB));
    let json = parse(event.to_string().as_bytes(), Numbers::Keep).unwrap();
    let event =
        Event::new(Pdu::from_canonical(json, room_version(11), Limits::Backfill).unwrap(), "$x");
    assert_eq!(server.verify(&event, b""), Err("policy_signature_missing"));
}
