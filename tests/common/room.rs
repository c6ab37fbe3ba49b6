//! A small world for the authorization rules: a room of any version, its state, and the judgment of
//! events in it.
//!
//! ```ignore
//! for version in 1..=12 {
//!     let room = Room::new(version) // the create event, by ALICE, who is the creator
//!         .member(ALICE, "join") // state events; a later one replaces an earlier one
//!         .member(BOB, "invite")
//!         .power(json!({"users": {ALICE: 100}, "invite": 50}))
//!         .join_rules("public")
//!         .state("m.room.topic", "", ALICE, json!({"topic": "x"}));
//!     // Drafts are JSON, to be bent with `make::with` and `make::lacking`.
//!     let judged = room.judge(&room.membership(CAROL, CAROL, "join"));
//!     allowed(&judged, Rule::JoinPublic);
//!     let judged = room.judge(&room.membership(ALICE, CAROL, "join"));
//!     rejected(&judged, Rule::JoinSender, "join_sender_mismatch")
//!         .tells(json!({"sender": ALICE, "state_key": CAROL}))
//!         .says(&[ALICE, CAROL]);
//! }
//! ```
//!
//! * Drafts: [`Room::draft`], [`Room::draft_state`], [`Room::membership`]. What they lack (`hashes`,
//!   `signatures`, `event_id` of versions 1 and 2) is filled in by [`Room::event`]; the signature is a
//!   placeholder, which the rules do not look at.
//! * [`Room::judge`] is check 5 (`state_rules`), [`Room::judge_cited`] is check 4 (`auth_rules`). Each
//!   judges by all three `Ask`s and holds them against each other, and the path against what every
//!   path must be. `judge` also holds check 5 against check 4 with the state that is to be cited:
//!   rules that read anything else fail.
//! * [`allowed`], [`rejected`], [`refused`], [`undecided`]: the rule is a [`Rule`], whose number is looked up in
//!   [`NUMBERS`] and not asked of the library; or the number itself, `"4.3.2"`.
//! * For contents that `serde_json` cannot hold, [`read`] makes an event of text, and
//!   [`Room::put_event`] and [`Room::judge_event`] take events.

use std::collections::BTreeMap;
use std::rc::Rc;

use fedproof::auth::{
    Answer, Ask, Cited, Decision, Event, Outcome, RoomCreate, Rule, State, StateMap, Step, Why,
    auth_rules, state_rules,
};
use fedproof::codes;
use fedproof::event::{Limits, Pdu, hashes};
use fedproof::identifiers::domain_of;
use fedproof::json::{Numbers, parse};
use serde_json::{Value, json};

use super::make::{TS, references, room_version, with};
use super::model;

/// The creator of the room.
pub const ALICE: &str = "@alice:one.example";
/// Of the creator's server, too.
pub const BOB: &str = "@bob:one.example";
/// Of another server.
pub const CAROL: &str = "@carol:two.example";
/// Of a third one.
pub const DAVE: &str = "@dave:three.example";

pub const MEMBER: &str = "m.room.member";
pub const POWER: &str = "m.room.power_levels";
pub const JOIN_RULES: &str = "m.room.join_rules";
pub const INVITATION: &str = "m.room.third_party_invite";
/// Of the content of a membership.
pub const AUTHORISER: &str = "join_authorised_via_users_server";

/// A room: its create event and its state.
#[derive(Debug, Clone)]
pub struct Room {
    pub version: u8,
    /// The create event; it is also in the state, until it is taken [`Room::without`].
    pub create: Rc<Event>,
    pub room_id: String,
    events: BTreeMap<(String, String), Rc<Event>>,
}

/// A room with its creator joined.
pub fn room(version: u8) -> Room {
    Room::new(version).member(ALICE, "join")
}

/// The content of an ordinary create event by [`ALICE`].
pub fn create_content(version: u8) -> Value {
    let content = json!({"room_version": version.to_string()});
    if version <= 10 { with(content, "/creator", json!(ALICE)) } else { content }
}

/// The draft of a create event.
pub fn create_draft(version: u8, sender: &str, content: Value) -> Value {
    let draft = json!({
        "type": "m.room.create", "state_key": "", "sender": sender, "content": content,
        "origin_server_ts": TS, "depth": 1, "prev_events": [], "auth_events": [],
    });
    let server = domain_of(sender, '@').unwrap();
    if version <= 11 { with(draft, "/room_id", json!(format!("!room:{server}"))) } else { draft }
}

/// The event of a draft, with what the draft lacks.
pub fn event_of(version: u8, draft: &Value) -> Event {
    let mut event = draft.clone();
    let sender = event["sender"].as_str().unwrap_or_default().to_owned();
    let server = domain_of(&sender, '@').unwrap_or("nobody.example");
    let object = event.as_object_mut().unwrap();
    if version <= 2 && !object.contains_key("event_id") {
        let name = model::base64_url_safe(&model::sha256(&draft.to_string())[..9]);
        object.insert("event_id".to_owned(), json!(format!("${name}:{server}")));
    }
    if !object.contains_key("hashes") {
        let hash = model::base64(&model::sha256("the rules do not look at it"));
        object.insert("hashes".to_owned(), json!({"sha256": hash}));
    }
    if !object.contains_key("signatures") {
        object.insert("signatures".to_owned(), json!({server: {"ed25519:a": "placeholder"}}));
    }
    read(version, &event.to_string())
}

/// The event of a whole text.
pub fn read(version: u8, text: &str) -> Event {
    let version = room_version(version);
    let json = parse(text.as_bytes(), Numbers::Keep).unwrap();
    let pdu = Pdu::from_canonical(json, version, Limits::Backfill)
        .unwrap_or_else(|failure| panic!("{}: {text}", failure.1));
    let hash = hashes::reference_hash(pdu.json(), version);
    let id = hashes::event_id(pdu.json(), &hash, version).unwrap();
    Event::new(pdu, id)
}

/// The reference to an event, as `prev_events` and `auth_events` have it.
pub fn reference(version: u8, event: &Event) -> Value {
    match version {
        1 | 2 => json!([event.id(), {"sha256": "placeholder"}]),
        _ => json!(event.id()),
    }
}

impl Room {
    /// A room of which there is only the ordinary create event.
    pub fn new(version: u8) -> Self {
        Self::created(version, ALICE, create_content(version))
    }

    /// A room with another create event.
    pub fn created(version: u8, sender: &str, content: Value) -> Self {
        Self::of(version, event_of(version, &create_draft(version, sender, content)))
    }

    /// A room with this create event.
    pub fn of(version: u8, create: Event) -> Self {
        let room_id = match create.pdu().room_id() {
            Some(room_id) if version <= 11 => room_id.into_owned(),
            _ => create.id().replacen('$', "!", 1),
        };
        let room = Self { version, create: Rc::new(create), room_id, events: BTreeMap::new() };
        let create = Rc::clone(&room.create);
        room.put_rc(create)
    }

    fn put_rc(mut self, event: Rc<Event>) -> Self {
        let state_key = event.state_key().unwrap().to_owned();
        self.events.insert((event.pdu().event_type().into_owned(), state_key), event);
        self
    }

    /// The room with this event in its state.
    pub fn put_event(self, event: Event) -> Self {
        self.put_rc(Rc::new(event))
    }

    /// The room with the event of a draft in its state.
    pub fn put(self, draft: &Value) -> Self {
        let event = self.event(draft);
        self.put_event(event)
    }

    pub fn state(self, event_type: &str, state_key: &str, sender: &str, content: Value) -> Self {
        let draft = self.draft_state(event_type, state_key, sender, content);
        self.put(&draft)
    }

    /// The user's membership, by the user; invites and bans by [`ALICE`].
    pub fn member(self, user: &str, membership: &str) -> Self {
        let by_other = matches!(membership, "invite" | "ban");
        let draft = self.membership(if by_other { ALICE } else { user }, user, membership);
        self.put(&draft)
    }

    /// The room with this user in this membership, or without any where it is `None`.
    pub fn member_or_none(self, user: &str, membership: Option<&str>) -> Self {
        match membership {
            Some(membership) => self.member(user, membership),
            None => self.without(MEMBER, user),
        }
    }

    /// The power levels, by [`ALICE`].
    pub fn power(self, content: Value) -> Self {
        self.state(POWER, "", ALICE, content)
    }

    /// The join rule, by [`ALICE`].
    pub fn join_rules(self, rule: &str) -> Self {
        self.state(JOIN_RULES, "", ALICE, json!({"join_rule": rule}))
    }

    /// The room without an event in its state.
    pub fn without(mut self, event_type: &str, state_key: &str) -> Self {
        self.events.remove(&(event_type.to_owned(), state_key.to_owned()));
        self
    }

    /// An event of the state.
    pub fn get(&self, event_type: &str, state_key: &str) -> &Event {
        self.events.get(&(event_type.to_owned(), state_key.to_owned())).unwrap()
    }

    /// The ID of an event of the state.
    pub fn id(&self, event_type: &str, state_key: &str) -> &str {
        self.get(event_type, state_key).id()
    }

    /// The state as the rules take it.
    pub fn state_map(&self) -> StateMap<'_> {
        self.events.values().map(|event| &**event).collect()
    }

    /// The draft of an event that is no state.
    pub fn draft(&self, event_type: &str, sender: &str, content: Value) -> Value {
        json!({
            "type": event_type, "sender": sender, "content": content, "room_id": self.room_id,
            "origin_server_ts": TS, "depth": 7,
            "prev_events": references(self.version, 1), "auth_events": [],
        })
    }

    /// The draft of a state event.
    pub fn draft_state(&self, event_type: &str, key: &str, sender: &str, content: Value) -> Value {
        with(self.draft(event_type, sender, content), "/state_key", json!(key))
    }

    /// The draft of a membership.
    pub fn membership(&self, sender: &str, target: &str, membership: &str) -> Value {
        self.member_with(sender, target, json!({"membership": membership}))
    }

    /// The draft of a membership with a content of its own.
    pub fn member_with(&self, sender: &str, target: &str, content: Value) -> Value {
        self.draft_state(MEMBER, target, sender, content)
    }

    /// The event of a draft, with what the draft lacks.
    pub fn event(&self, draft: &Value) -> Event {
        event_of(self.version, draft)
    }

    /// The create event where events do not cite it.
    pub fn room_create(&self) -> RoomCreate<'_> {
        let event = (self.version >= 12).then_some(&*self.create);
        RoomCreate { event, rejected: false }
    }

    /// Check 5: does this room's state allow the event of a draft?
    #[track_caller]
    pub fn judge(&self, draft: &Value) -> Judged {
        self.judge_event(&self.event(draft))
    }

    /// Check 5: does this room's state allow the event?
    #[track_caller]
    pub fn judge_event(&self, event: &Event) -> Judged {
        let state = self.state_map();
        let judged = self.judge_in(event, &state, self.room_create());
        let same_room = event.pdu().room_id().is_none_or(|room_id| room_id == self.room_id);
        if same_room && state.get("m.room.create", "").is_some() {
            // What is to be cited is all that the rules read.
            let cited = self.selected(event);
            let by_cited = self.judge_cited(event, &cited);
            let decision = |judged: &Judged| (judged.answer, judged.rule, judged.why.clone());
            assert_eq!(decision(&by_cited), decision(&judged), "{event:?}");
        }
        judged
    }

    /// Check 5 by another state.
    #[track_caller]
    pub fn judge_in(&self, event: &Event, state: &dyn State, create: RoomCreate<'_>) -> Judged {
        Judged::new(self.version, |ask| state_rules(event, state, create, ask))
    }

    /// What of this room's state an event must cite.
    pub fn selected(&self, event: &Event) -> Vec<Cited<'_>> {
        let keys = event.auth_types().into_iter();
        let found = keys.filter_map(|(name, key)| self.events.get(&(name.to_owned(), key)));
        found.map(|event| Cited::Event { event, rejected: false }).collect()
    }

    /// Check 4: do these cited events allow the event?
    #[track_caller]
    pub fn judge_cited(&self, event: &Event, cited: &[Cited<'_>]) -> Judged {
        self.judge_cited_with(event, cited, self.room_create())
    }

    /// Check 4 with another create event.
    #[track_caller]
    pub fn judge_cited_with(
        &self,
        event: &Event,
        cited: &[Cited<'_>],
        create: RoomCreate<'_>,
    ) -> Judged {
        Judged::new(self.version, |ask| auth_rules(event, cited, create, ask))
    }
}

/// What was decided, and the path.
#[derive(Debug, Clone)]
pub struct Judged {
    pub version: u8,
    /// `Allow`, `Reject` or `Incomplete`.
    pub answer: Answer,
    pub rule: Rule,
    pub why: Option<Why>,
    pub path: Vec<Step>,
}

/// Why not, in a form to compare.
#[derive(Debug, Clone, PartialEq)]
pub struct Told<'a> {
    pub reason: &'a str,
    pub evidence: Value,
    pub missing: &'a [String],
}

impl Told<'_> {
    /// Exactly this is the evidence.
    #[track_caller]
    pub fn tells(self, evidence: Value) -> Self {
        assert_eq!(self.evidence, evidence);
        self
    }

    /// The reason has these words.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.reason.contains(word), "{word:?} in {:?}", self.reason);
        }
        self
    }
}

impl Judged {
    /// Asks three times, and holds the answers against each other.
    #[track_caller]
    fn new(version: u8, ask: impl Fn(Ask) -> Outcome) -> Self {
        let [silent, told, full] = [Ask::Decision, Ask::Reason, Ask::Path].map(ask);
        let (answer, rule, why) = split(silent.decision);
        assert_eq!((why, silent.path), (None, vec![]));
        let expected = (answer, rule);
        let (answer, rule, why) = split(told.decision);
        assert_eq!((answer, rule, told.path), (expected.0, expected.1, vec![]));
        assert_eq!(why.is_some(), answer != Answer::Allow);
        assert_eq!(split(full.decision), (answer, rule, why.clone()));
        let judged = Self { version, answer, rule, why, path: full.path };
        judged.check_path();
        judged
    }

    /// A path goes down the outline, by rules that this version has, and ends where it is decided. What
    /// was compared is told of every rule that has a condition of its own.
    #[track_caller]
    fn check_path(&self) {
        let (last, earlier) = self.path.split_last().unwrap();
        assert_eq!((last.rule, last.answer), (self.rule, self.answer), "{self:#?}");
        for step in &self.path {
            assert_eq!(step.number, number(step.rule, self.version), "{step:?}");
            assert!(step.number.is_some(), "{step:?}");
        }
        for step in earlier {
            assert!(matches!(step.answer, Answer::Applies | Answer::No), "{step:?}");
            let tells = step.answer == Answer::No && !HEADINGS.contains(&step.rule);
            assert_eq!(step.compared.is_some(), tells, "{step:?}");
        }
        if let Some(why) = &self.why {
            assert_eq!(last.compared.as_ref(), Some(&why.evidence), "{self:#?}");
        }
        // The two rules about a named level take turns.
        let place = |step: &Step| match step.rule {
            Rule::NamedLevelNew => Rule::NamedLevelCurrent as usize,
            rule => rule as usize,
        };
        let in_order = if self.answer == Answer::Incomplete { earlier } else { &self.path };
        assert!(in_order.is_sorted_by_key(place), "{self:#?}");
    }

    /// The path as numbers and answers: `5.3.2 no`. A rule with several conditions stands once.
    pub fn steps(&self) -> Vec<String> {
        let step = |step: &Step| {
            let answer = format!("{:?}", step.answer).to_lowercase();
            format!("{} {answer}", step.number.unwrap())
        };
        let mut steps: Vec<String> = self.path.iter().map(step).collect();
        steps.dedup();
        steps
    }

    /// What the last step about a rule compared.
    #[track_caller]
    pub fn compared(&self, rule: Rule) -> Value {
        let step = self.path.iter().rfind(|step| step.rule == rule).unwrap();
        serde_json::to_value(step.compared.as_ref().unwrap()).unwrap()
    }
}

fn split(decision: Decision) -> (Answer, Rule, Option<Why>) {
    match decision {
        Decision::Allow(rule) => (Answer::Allow, rule, None),
        Decision::Reject(rule, why) => (Answer::Reject, rule, why.map(|why| *why)),
        Decision::Incomplete(rule, why) => (Answer::Incomplete, rule, why.map(|why| *why)),
    }
}

/// How a rule is named: as such, or by its number.
pub trait Named: std::fmt::Debug {
    fn number_in(&self, version: u8) -> String;
}

impl Named for Rule {
    #[track_caller]
    fn number_in(&self, version: u8) -> String {
        let number = number(*self, version);
        number.unwrap_or_else(|| panic!("version {version} has no {self:?}")).to_owned()
    }
}

impl Named for &str {
    fn number_in(&self, _: u8) -> String {
        (*self).to_owned()
    }
}

#[track_caller]
fn assert_decided(judged: &Judged, answer: Answer, rule: impl Named) {
    let expected = rule.number_in(judged.version);
    let number = judged.path.last().and_then(|step| step.number).unwrap();
    assert_eq!(
        (judged.answer, number),
        (answer, expected.as_str()),
        "version {}, {rule:?}: {:#?}",
        judged.version,
        judged.why
    );
}

/// Allowed, by this rule.
#[track_caller]
pub fn allowed(judged: &Judged, rule: impl Named) {
    assert_decided(judged, Answer::Allow, rule);
}

/// Rejected, by this rule, with this code.
#[track_caller]
pub fn rejected<'a>(judged: &'a Judged, rule: impl Named, code: &str) -> Told<'a> {
    assert_decided(judged, Answer::Reject, rule);
    let told = told(judged, code, "rejected");
    assert!(told.missing.is_empty(), "{told:?}");
    told
}

/// A value as evidence has it: a text as what it says, anything else as JSON.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Rejected with one of [`CODES`], by the rule that gives it.
#[track_caller]
pub fn refused<'a>(judged: &'a Judged, code: &str) -> Told<'a> {
    let (_, rule) = CODES.iter().find(|(known, _)| *known == code).unwrap();
    rejected(judged, *rule, code)
}

/// Not to be decided at this rule, with this code; something is missing.
#[track_caller]
pub fn undecided<'a>(judged: &'a Judged, rule: impl Named, code: &str) -> Told<'a> {
    assert_decided(judged, Answer::Incomplete, rule);
    let told = told(judged, code, "incomplete");
    assert!(!told.missing.is_empty(), "{told:?}");
    told
}

#[track_caller]
fn told<'a>(judged: &'a Judged, code: &str, effect: &str) -> Told<'a> {
    let why = judged.why.as_ref().unwrap();
    assert_eq!(why.code, code, "version {}: {why:#?}", judged.version);
    let known = codes::ALL.iter().find(|known| known.code == code);
    assert_eq!(known.and_then(|known| known.effect), Some(effect), "{code}");
    assert!(!why.reason.is_empty());
    Told {
        reason: &why.reason,
        evidence: serde_json::to_value(&why.evidence).unwrap(),
        missing: &why.missing,
    }
}

/// The codes of the rules up to row H27, each with the rule that gives it.
pub const CODES: &[(&str, Rule)] = &[
    ("create_has_prev_events", Rule::CreatePrevEvents),
    ("create_room_id_domain", Rule::CreateRoomIdDomain),
    ("create_has_room_id", Rule::CreateRoomId),
    ("create_room_version_unknown", Rule::CreateRoomVersion),
    ("create_no_creator", Rule::CreateCreator),
    ("create_additional_creators_invalid", Rule::CreateAdditionalCreators),
    ("room_id_not_create_event", Rule::RoomId),
    ("create_event_rejected", Rule::RoomId),
    ("auth_events_duplicate", Rule::AuthEventsDuplicate),
    ("auth_event_not_state", Rule::AuthEventsSelection),
    ("auth_event_not_selected", Rule::AuthEventsSelection),
    ("auth_event_rejected", Rule::AuthEventsRejected),
    ("auth_events_no_create", Rule::AuthEventsCreate),
    ("auth_event_other_room", Rule::AuthEventsRoom),
    ("no_previous_events", Rule::Federate),
    ("room_not_federated", Rule::Federate),
    ("aliases_no_state_key", Rule::AliasesStateKey),
    ("aliases_wrong_server", Rule::AliasesServer),
    ("member_no_state_key", Rule::MemberShape),
    ("member_state_key_invalid", Rule::MemberShape),
    ("member_no_membership", Rule::MemberShape),
    ("join_authoriser_invalid", Rule::MemberAuthoriserSigned),
    ("join_authoriser_not_signed", Rule::MemberAuthoriserSigned),
    ("join_sender_mismatch", Rule::JoinSender),
    ("join_banned", Rule::JoinBanned),
    ("join_not_invited", Rule::JoinOtherwise),
    ("join_restricted_no_authoriser", Rule::JoinRestrictedAuthoriser),
    ("join_restricted_authoriser_not_joined", Rule::JoinRestrictedAuthoriser),
    ("join_restricted_authoriser_power", Rule::JoinRestrictedAuthoriser),
    ("join_rule_forbids", Rule::JoinOtherwise),
    ("third_party_invite_target_banned", Rule::ThirdPartyBanned),
    ("third_party_invite_no_signed", Rule::ThirdPartySigned),
    ("third_party_invite_no_mxid", Rule::ThirdPartyMxidToken),
    ("third_party_invite_no_token", Rule::ThirdPartyMxidToken),
    ("third_party_invite_mxid_mismatch", Rule::ThirdPartyMxid),
    ("third_party_invite_unknown_token", Rule::ThirdPartyEvent),
    ("third_party_invite_sender_mismatch", Rule::ThirdPartySender),
    ("third_party_invite_not_signed", Rule::ThirdPartyOtherwise),
    ("invite_sender_not_joined", Rule::InviteSenderJoined),
    ("invite_target_joined", Rule::InviteTarget),
    ("invite_target_banned", Rule::InviteTarget),
    ("invite_power", Rule::InviteOtherwise),
    ("leave_not_member", Rule::LeaveSelf),
    ("kick_sender_not_joined", Rule::KickSenderJoined),
    ("unban_power", Rule::Unban),
    ("kick_power", Rule::KickOtherwise),
    ("kick_target_power", Rule::KickOtherwise),
    ("ban_sender_not_joined", Rule::BanSenderJoined),
    ("ban_power", Rule::BanOtherwise),
    ("ban_target_power", Rule::BanOtherwise),
    ("knock_join_rule", Rule::KnockJoinRule),
    ("knock_sender_mismatch", Rule::KnockSender),
    ("knock_membership", Rule::KnockOtherwise),
    ("membership_unknown", Rule::MembershipUnknown),
];

/// Rules that only lead to others.
const HEADINGS: &[Rule] = &[
    Rule::Create,
    Rule::AuthEvents,
    Rule::Aliases,
    Rule::Member,
    Rule::MemberAuthoriser,
    Rule::Join,
    Rule::JoinRestricted,
    Rule::Invite,
    Rule::InviteThirdParty,
    Rule::Leave,
    Rule::Ban,
    Rule::Knock,
    Rule::ThirdPartyInvite,
    Rule::PowerLevels,
    Rule::NamedLevels,
    Rule::EntriesCurrent,
    Rule::EntriesNew,
    Rule::UsersCurrent,
    Rule::UsersNew,
    Rule::Redaction,
];

/// Which column of [`NUMBERS`] a version has.
pub fn group(version: u8) -> usize {
    match version {
        1 | 2 => 0,
        3..=5 => 1,
        6 => 2,
        7 => 3,
        8 | 9 => 4,
        10 => 5,
        11 => 6,
        _ => 7,
    }
}

/// The number of a rule in a room version, by [`NUMBERS`]; `None` where it has none.
pub fn number(rule: Rule, version: u8) -> Option<&'static str> {
    let (_, numbers) = NUMBERS.iter().find(|(listed, _)| *listed == rule).unwrap();
    numbers.split_whitespace().nth(group(version)).filter(|number| *number != "-")
}

/// The numbers of all rules, read off the pages of the specification.
#[rustfmt::skip]
pub const NUMBERS: &[(Rule, &str)] = &[
    // Versions                       1-2      3-5      6        7        8-9      10       11       12
    (Rule::Create, "1        1        1        1        1        1        1        1"),
    (Rule::CreatePrevEvents, "1.1      1.1      1.1      1.1      1.1      1.1      1.1      1.1"),
    (Rule::CreateRoomIdDomain, "1.2      1.2      1.2      1.2      1.2      1.2      1.2      -"),
    (Rule::CreateRoomId, "-        -        -        -        -        -        -        1.2"),
    (Rule::CreateRoomVersion, "1.3      1.3      1.3      1.3      1.3      1.3      1.3      1.3"),
    (Rule::CreateCreator, "1.4      1.4      1.4      1.4      1.4      1.4      -        -"),
    (
        Rule::CreateAdditionalCreators,
        "-        -        -        -        -        -        -        1.4",
    ),
    (Rule::CreateOtherwise, "1.5      1.5      1.5      1.5      1.5      1.5      1.4      1.5"),
    (Rule::RoomId, "-        -        -        -        -        -        -        2"),
    (Rule::AuthEvents, "2        2        2        2        2        2        2        3"),
    (
        Rule::AuthEventsDuplicate,
        "2.1      2.1      2.1      2.1      2.1      2.1      2.1      3.1",
    ),
    (
        Rule::AuthEventsSelection,
        "2.2      2.2      2.2      2.2      2.2      2.2      2.2      3.2",
    ),
    (
        Rule::AuthEventsRejected,
        "2.3      2.3      2.3      2.3      2.3      2.3      2.3      3.3",
    ),
    (Rule::AuthEventsCreate, "2.4      2.4      2.4      2.4      2.4      2.4      2.4      -"),
    (Rule::AuthEventsRoom, "2.5      2.5      2.5      2.5      2.5      2.5      2.5      3.4"),
    (Rule::Federate, "3        3        3        3        3        3        3        4"),
    (Rule::Aliases, "4        4        -        -        -        -        -        -"),
    (Rule::AliasesStateKey, "4.1      4.1      -        -        -        -        -        -"),
    (Rule::AliasesServer, "4.2      4.2      -        -        -        -        -        -"),
    (Rule::AliasesOtherwise, "4.3      4.3      -        -        -        -        -        -"),
    (Rule::Member, "5        5        4        4        4        4        4        5"),
    (Rule::MemberShape, "5.1      5.1      4.1      4.1      4.1      4.1      4.1      5.1"),
    (Rule::MemberAuthoriser, "-        -        -        -        4.2      4.2      4.2      5.2"),
    (
        Rule::MemberAuthoriserSigned,
        "-        -        -        -        4.2.1    4.2.1    4.2.1    5.2.1",
    ),
    (Rule::Join, "5.2      5.2      4.2      4.2      4.3      4.3      4.3      5.3"),
    (Rule::JoinCreator, "5.2.1    5.2.1    4.2.1    4.2.1    4.3.1    4.3.1    4.3.1    5.3.1"),
    (Rule::JoinSender, "5.2.2    5.2.2    4.2.2    4.2.2    4.3.2    4.3.2    4.3.2    5.3.2"),
    (Rule::JoinBanned, "5.2.3    5.2.3    4.2.3    4.2.3    4.3.3    4.3.3    4.3.3    5.3.3"),
    (Rule::JoinInvited, "5.2.4    5.2.4    4.2.4    4.2.4    4.3.4    4.3.4    4.3.4    5.3.4"),
    (Rule::JoinRestricted, "-        -        -        -        4.3.5    4.3.5    4.3.5    5.3.5"),
    (
        Rule::JoinRestrictedMember,
        "-        -        -        -        4.3.5.1  4.3.5.1  4.3.5.1  5.3.5.1",
    ),
    (
        Rule::JoinRestrictedAuthoriser,
        "-        -        -        -        4.3.5.2  4.3.5.2  4.3.5.2  5.3.5.2",
    ),
    (
        Rule::JoinRestrictedOtherwise,
        "-        -        -        -        4.3.5.3  4.3.5.3  4.3.5.3  5.3.5.3",
    ),
    (Rule::JoinPublic, "5.2.5    5.2.5    4.2.5    4.2.5    4.3.6    4.3.6    4.3.6    5.3.6"),
    (Rule::JoinOtherwise, "5.2.6    5.2.6    4.2.6    4.2.6    4.3.7    4.3.7    4.3.7    5.3.7"),
    (Rule::Invite, "5.3      5.3      4.3      4.3      4.4      4.4      4.4      5.4"),
    (
        Rule::InviteThirdParty,
        "5.3.1    5.3.1    4.3.1    4.3.1    4.4.1    4.4.1    4.4.1    5.4.1",
    ),
    (
        Rule::ThirdPartyBanned,
        "5.3.1.1  5.3.1.1  4.3.1.1  4.3.1.1  4.4.1.1  4.4.1.1  4.4.1.1  5.4.1.1",
    ),
    (
        Rule::ThirdPartySigned,
        "5.3.1.2  5.3.1.2  4.3.1.2  4.3.1.2  4.4.1.2  4.4.1.2  4.4.1.2  5.4.1.2",
    ),
    (
        Rule::ThirdPartyMxidToken,
        "5.3.1.3  5.3.1.3  4.3.1.3  4.3.1.3  4.4.1.3  4.4.1.3  4.4.1.3  5.4.1.3",
    ),
    (
        Rule::ThirdPartyMxid,
        "5.3.1.4  5.3.1.4  4.3.1.4  4.3.1.4  4.4.1.4  4.4.1.4  4.4.1.4  5.4.1.4",
    ),
    (
        Rule::ThirdPartyEvent,
        "5.3.1.5  5.3.1.5  4.3.1.5  4.3.1.5  4.4.1.5  4.4.1.5  4.4.1.5  5.4.1.5",
    ),
    (
        Rule::ThirdPartySender,
        "5.3.1.6  5.3.1.6  4.3.1.6  4.3.1.6  4.4.1.6  4.4.1.6  4.4.1.6  5.4.1.6",
    ),
    (
        Rule::ThirdPartySignature,
        "5.3.1.7  5.3.1.7  4.3.1.7  4.3.1.7  4.4.1.7  4.4.1.7  4.4.1.7  5.4.1.7",
    ),
    (
        Rule::ThirdPartyOtherwise,
        "5.3.1.8  5.3.1.8  4.3.1.8  4.3.1.8  4.4.1.8  4.4.1.8  4.4.1.8  5.4.1.8",
    ),
    (
        Rule::InviteSenderJoined,
        "5.3.2    5.3.2    4.3.2    4.3.2    4.4.2    4.4.2    4.4.2    5.4.2",
    ),
    (Rule::InviteTarget, "5.3.3    5.3.3    4.3.3    4.3.3    4.4.3    4.4.3    4.4.3    5.4.3"),
    (Rule::InviteLevel, "5.3.4    5.3.4    4.3.4    4.3.4    4.4.4    4.4.4    4.4.4    5.4.4"),
    (Rule::InviteOtherwise, "5.3.5    5.3.5    4.3.5    4.3.5    4.4.5    4.4.5    4.4.5    5.4.5"),
    (Rule::Leave, "5.4      5.4      4.4      4.4      4.5      4.5      4.5      5.5"),
    (Rule::LeaveSelf, "5.4.1    5.4.1    4.4.1    4.4.1    4.5.1    4.5.1    4.5.1    5.5.1"),
    (
        Rule::KickSenderJoined,
        "5.4.2    5.4.2    4.4.2    4.4.2    4.5.2    4.5.2    4.5.2    5.5.2",
    ),
    (Rule::Unban, "5.4.3    5.4.3    4.4.3    4.4.3    4.5.3    4.5.3    4.5.3    5.5.3"),
    (Rule::KickLevel, "5.4.4    5.4.4    4.4.4    4.4.4    4.5.4    4.5.4    4.5.4    5.5.4"),
    (Rule::KickOtherwise, "5.4.5    5.4.5    4.4.5    4.4.5    4.5.5    4.5.5    4.5.5    5.5.5"),
    (Rule::Ban, "5.5      5.5      4.5      4.5      4.6      4.6      4.6      5.6"),
    (Rule::BanSenderJoined, "5.5.1    5.5.1    4.5.1    4.5.1    4.6.1    4.6.1    4.6.1    5.6.1"),
    (Rule::BanLevel, "5.5.2    5.5.2    4.5.2    4.5.2    4.6.2    4.6.2    4.6.2    5.6.2"),
    (Rule::BanOtherwise, "5.5.3    5.5.3    4.5.3    4.5.3    4.6.3    4.6.3    4.6.3    5.6.3"),
    (Rule::Knock, "-        -        -        4.6      4.7      4.7      4.7      5.7"),
    (Rule::KnockJoinRule, "-        -        -        4.6.1    4.7.1    4.7.1    4.7.1    5.7.1"),
    (Rule::KnockSender, "-        -        -        4.6.2    4.7.2    4.7.2    4.7.2    5.7.2"),
    (Rule::KnockMembership, "-        -        -        4.6.3    4.7.3    4.7.3    4.7.3    5.7.3"),
    (Rule::KnockOtherwise, "-        -        -        4.6.4    4.7.4    4.7.4    4.7.4    5.7.4"),
    (Rule::MembershipUnknown, "5.6      5.6      4.6      4.7      4.8      4.8      4.8      5.8"),
    (Rule::SenderJoined, "6        6        5        5        5        5        5        6"),
    (Rule::ThirdPartyInvite, "7        7        6        6        6        6        6        7"),
    (
        Rule::ThirdPartyInviteLevel,
        "7.1      7.1      6.1      6.1      6.1      6.1      6.1      7.1",
    ),
    (Rule::RequiredLevel, "8        8        7        7        7        7        7        8"),
    (Rule::StateKey, "9        9        8        8        8        8        8        9"),
    (Rule::PowerLevels, "10       10       9        9        9        9        9        10"),
    (
        Rule::PowerLevelsValues,
        "-        -        -        -        -        9.1      9.1      10.1",
    ),
    (Rule::PowerLevelsMaps, "-        -        -        -        -        9.2      9.2      10.2"),
    (Rule::PowerLevelsUsers, "10.1     10.1     9.1      9.1      9.1      9.3      9.3      10.3"),
    (
        Rule::PowerLevelsCreators,
        "-        -        -        -        -        -        -        10.4",
    ),
    (Rule::PowerLevelsFirst, "10.2     10.2     9.2      9.2      9.2      9.4      9.4      10.5"),
    (Rule::NamedLevels, "10.3     10.3     9.3      9.3      9.3      9.5      9.5      10.6"),
    (
        Rule::NamedLevelCurrent,
        "10.3.1   10.3.1   9.3.1    9.3.1    9.3.1    9.5.1    9.5.1    10.6.1",
    ),
    (Rule::NamedLevelNew, "10.3.2   10.3.2   9.3.2    9.3.2    9.3.2    9.5.2    9.5.2    10.6.2"),
    (Rule::EntriesCurrent, "10.4     10.4     9.4      9.4      9.4      9.6      9.6      10.7"),
    (Rule::EntryCurrent, "10.4.1   10.4.1   9.4.1    9.4.1    9.4.1    9.6.1    9.6.1    10.7.1"),
    (Rule::EntriesNew, "10.5     10.5     9.5      9.5      9.5      9.7      9.7      10.8"),
    (Rule::EntryNew, "10.5.1   10.5.1   9.5.1    9.5.1    9.5.1    9.7.1    9.7.1    10.8.1"),
    (Rule::UsersCurrent, "10.6     10.6     9.6      9.6      9.6      9.8      9.8      10.9"),
    (Rule::UserCurrent, "10.6.1   10.6.1   9.6.1    9.6.1    9.6.1    9.8.1    9.8.1    10.9.1"),
    (Rule::UsersNew, "10.7     10.7     9.7      9.7      9.7      9.9      9.9      10.10"),
    (Rule::UserNew, "10.7.1   10.7.1   9.7.1    9.7.1    9.7.1    9.9.1    9.9.1    10.10.1"),
    (
        Rule::PowerLevelsOtherwise,
        "10.8     10.8     9.8      9.8      9.8      9.10     9.10     10.11",
    ),
    (Rule::Redaction, "11       -        -        -        -        -        -        -"),
    (Rule::RedactionLevel, "11.1     -        -        -        -        -        -        -"),
    (Rule::RedactionServer, "11.2     -        -        -        -        -        -        -"),
    (Rule::RedactionOtherwise, "11.3     -        -        -        -        -        -        -"),
    (Rule::Otherwise, "12       11       10       10       10       10       10       11"),
];
