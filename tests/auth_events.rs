//! Sections G1 to G8 and H1 to H13 of the rules: what events cite, the create event, aliases; and what
//! is told of any decision.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use common::make::{lacking, parsed, references, room_version, versions, with};
use common::room::{
    ALICE, AUTHORISER, BOB, CAROL, CODES, DAVE, INVITATION, JOIN_RULES, Judged, MEMBER, NUMBERS,
    POWER, Room, allowed, create_content, create_draft, event_of, number, refused, rejected, room,
    text, undecided,
};
use fedproof::auth::{
    Answer, Ask, AuthoriserSignature, Cited, Decision, Event, EventType, JoinRule, Membership,
    RoomCreate, Rule, Selection, State, StateMap, Step, auth_rules, state_rules,
};
use fedproof::codes;
use serde_json::{Value, json};

const TOKEN: &str = "token";

/// Where room IDs have a domain, and events cite the create event.
const WITH_DOMAIN: std::ops::RangeInclusive<u8> = 1..=11;

fn cite<'a>(events: &[&'a Event]) -> Vec<Cited<'a>> {
    events.iter().map(|event| Cited::Event { event, rejected: false }).collect()
}

// The outline

#[test]
fn outline_numbers_are_those_of_the_spec() {
    let listed: Vec<Rule> = NUMBERS.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(listed, Rule::ALL);
    for (rule, numbers) in NUMBERS {
        assert_eq!(numbers.split_whitespace().count(), 8, "{rule:?}");
        for (version, of) in versions() {
            assert_eq!(rule.number(of), number(*rule, version), "{rule:?} in {version}");
        }
    }
}

#[test]
fn outline_says_what_each_rule_is() {
    for (rule, row, summary) in [
        (Rule::Create, "H1", "the event is m.room.create"),
        (Rule::CreateRoomId, "H2b", "it has a room_id: reject"),
        (Rule::JoinSender, "H17", "the sender is not the user: reject"),
        (Rule::Otherwise, "H41", "otherwise: allow"),
    ] {
        assert_eq!((rule.row(), rule.summary()), (row, summary));
    }
}

#[test]
fn the_codes_of_these_rules_are_all_here() {
    let auth = codes::ALL.iter().filter(|code| code.check == Some(4));
    let from_here = auth.skip_while(|code| code.code != "create_has_prev_events");
    let mut rejecting: Vec<&str> = from_here
        .filter(|code| code.effect == Some("rejected"))
        .map(|code| code.code)
        .take_while(|code| *code != "sender_not_joined")
        .collect();
    let mut here: Vec<&str> = CODES.iter().map(|(code, _)| *code).collect();
    rejecting.sort_unstable();
    here.sort_unstable();
    assert_eq!(here, rejecting);
}

// H1 to H5: the create event

#[test]
fn h1_a_create_event_that_comes_first_is_allowed_in_every_version() {
    for version in 1..=12 {
        let room = Room::new(version);
        let draft = create_draft(version, ALICE, create_content(version));
        allowed(&room.judge(&draft), Rule::CreateOtherwise);
        // What the rules do not speak of may be anything.
        let odd = json!({"predecessor": "x", "type": 1, "m.federate": []});
        for (key, value) in odd.as_object().unwrap() {
            let draft = with(draft.clone(), &format!("/content/{key}"), value.clone());
            allowed(&room.judge(&draft), Rule::CreateOtherwise);
        }
    }
}

#[test]
fn h1_a_create_event_with_previous_events_is_refused_in_every_version() {
    for version in 1..=12 {
        let room = Room::new(version);
        for count in [1, 2] {
            let draft = create_draft(version, ALICE, create_content(version));
            let draft = with(draft, "/prev_events", references(version, count));
            let judged = room.judge(&draft);
            refused(&judged, "create_has_prev_events")
                .tells(json!({"prev_events": count}))
                .says(&[&format!("names {count} previous events")]);
        }
    }
}

#[test]
fn h1_rule_1_decides_alone_in_every_version() {
    for version in 1..=12 {
        let room = Room::new(version);
        // Of any state key, without any state, whatever it cites, and whatever the create event is.
        for key in [Some(""), Some("@mallory:two.example"), None] {
            let draft = create_draft(version, ALICE, create_content(version));
            let draft = match key {
                Some(key) => with(draft, "/state_key", json!(key)),
                None => lacking(draft, "state_key"),
            };
            let event = room.event(&draft);
            let other = RoomCreate { event: Some(&event), rejected: true };
            for create in [RoomCreate::default(), other] {
                let judged = room.judge_in(&event, &StateMap::new(), create);
                allowed(&judged, Rule::CreateOtherwise);
                let stray = [Cited::Missing { id: "$x" }, Cited::Missing { id: "$x" }];
                let judged = room.judge_cited_with(&event, &stray, create);
                allowed(&judged, Rule::CreateOtherwise);
            }
        }
    }
}

#[test]
fn h2_a_create_event_of_another_server_than_its_room_id_is_refused_in_versions_1_to_11() {
    for version in 1..=12 {
        if !WITH_DOMAIN.contains(&version) {
            assert_eq!(number(Rule::CreateRoomIdDomain, version), None);
            continue;
        }
        let room = Room::new(version);
        for (sender, room_id, fits) in [
            (ALICE, "!room:one.example", true),
            (CAROL, "!room:two.example", true),
            ("@a:one.example:8448", "!:one.example:8448", true),
            (CAROL, "!room:one.example", false),
            (ALICE, "!room:ONE.example", false),
            (ALICE, "!room:one.example:8448", false),
        ] {
            let draft = create_draft(version, sender, create_content(version));
            let judged = room.judge(&with(draft, "/room_id", json!(room_id)));
            if fits {
                allowed(&judged, Rule::CreateOtherwise);
            } else {
                refused(&judged, "create_room_id_domain")
                    .tells(json!({"room_id": room_id, "sender": sender}))
                    .says(&[room_id, sender]);
            }
        }
    }
}

#[test]
fn h2b_a_create_event_with_a_room_id_is_refused_in_version_12() {
    for version in 1..=12 {
        let draft = create_draft(version, ALICE, create_content(version));
        if WITH_DOMAIN.contains(&version) {
            allowed(&Room::new(version).judge(&draft), Rule::CreateOtherwise);
            continue;
        }
        let room = Room::new(version);
        for room_id in [json!(room.room_id), json!("!room:one.example"), json!(""), json!(null)]
            .into_iter()
            .chain([json!(5), json!([]), json!({}), json!(false)])
        {
            let judged = room.judge(&with(draft.clone(), "/room_id", room_id.clone()));
            refused(&judged, "create_has_room_id")
                .tells(json!({"room_id": text(&room_id)}))
                .says(&[&room_id.to_string()]);
        }
    }
}

#[test]
fn h3_a_create_event_of_an_unknown_room_version_is_refused_in_every_version() {
    for version in 1..=12 {
        let room = Room::new(version);
        let judge = |room_version: Value| {
            let content = with(create_content(version), "/room_version", room_version);
            room.judge(&create_draft(version, ALICE, content))
        };
        for known in 1..=12 {
            allowed(&judge(json!(known.to_string())), Rule::CreateOtherwise);
        }
        let unstated = lacking(create_content(version), "room_version");
        let judged = room.judge(&create_draft(version, ALICE, unstated));
        allowed(&judged, Rule::CreateOtherwise);
        assert_eq!(judged.compared(Rule::CreateRoomVersion), json!({}));
        let unknown = [json!("13"), json!("0"), json!(""), json!("01"), json!("1 "), json!("x.y")];
        let of_other_type =
            [json!(1), json!(null), json!([]), json!({}), json!(["1"]), json!(true)];
        for room_version in unknown.into_iter().chain(of_other_type) {
            let judged = judge(room_version.clone());
            refused(&judged, "create_room_version_unknown")
                .tells(json!({"room_version": text(&room_version)}))
                .says(&[&room_version.to_string()]);
        }
        assert_eq!(
            judge(json!("5")).compared(Rule::CreateRoomVersion),
            json!({"room_version": "5"})
        );
    }
}

#[test]
fn h4_a_create_event_without_creator_is_refused_in_versions_1_to_10() {
    for version in 1..=12 {
        let room = Room::new(version);
        let content = json!({"room_version": "1"});
        let judged = room.judge(&create_draft(version, ALICE, content.clone()));
        if version > 10 {
            allowed(&judged, Rule::CreateOtherwise);
            continue;
        }
        refused(&judged, "create_no_creator").tells(json!({})).says(&["\"creator\""]);
        // It only has to be there.
        for creator in [json!(ALICE), json!(DAVE), json!("x"), json!(null), json!([]), json!(1)] {
            let content = with(content.clone(), "/creator", creator.clone());
            let judged = room.judge(&create_draft(version, ALICE, content));
            allowed(&judged, Rule::CreateOtherwise);
            let compared = judged.compared(Rule::CreateCreator);
            assert_eq!(compared, json!({"creator": text(&creator)}));
        }
    }
}

#[test]
fn h5_additional_creators_must_be_a_list_of_user_ids_in_version_12() {
    // 255 bytes, and as many more.
    let long = |more: usize| json!([format!("@{}{}:h", "é".repeat(126), "e".repeat(more))]);
    let good =
        [json!([]), json!([BOB]), json!([ALICE, BOB, ALICE]), json!(["@:x", "@É:h:1"]), long(0)];
    let bad = [
        json!("x"),
        json!(BOB),
        json!(null),
        json!({}),
        json!({BOB: 1}),
        json!(1),
        json!([1]),
        json!([null]),
        json!([[BOB]]),
        json!(["@"]),
        json!(["bob:one.example"]),
        json!(["@bob"]),
        json!([BOB, "@bob:"]),
        json!([BOB, 1, CAROL]),
        long(1),
    ];
    for version in 1..=12 {
        let room = Room::new(version);
        let judge = |list: &Value| {
            let content = with(create_content(version), "/additional_creators", list.clone());
            room.judge(&create_draft(version, ALICE, content))
        };
        for list in &good {
            allowed(&judge(list), Rule::CreateOtherwise);
        }
        for list in &bad {
            let judged = judge(list);
            if version < 12 {
                allowed(&judged, Rule::CreateOtherwise);
                continue;
            }
            let start = |text: String| -> String { text.chars().take(80).collect() };
            refused(&judged, "create_additional_creators_invalid")
                .tells(json!({"additional_creators": start(text(list))}))
                .says(&["list of user IDs", &start(list.to_string())]);
        }
    }
}

#[test]
fn h1_to_h5_the_first_rule_that_does_not_hold_decides() {
    for version in 1..=12 {
        let room = Room::new(version);
        let content = json!({"room_version": "99", "additional_creators": 1});
        let bad = create_draft(version, ALICE, content);
        let bad = with(bad, "/room_id", json!("!room:two.example"));
        let bad = with(bad, "/prev_events", references(version, 1));
        refused(&room.judge(&bad), "create_has_prev_events");
        let bad = with(bad, "/prev_events", json!([]));
        let (code, bad) = if version < 12 {
            ("create_room_id_domain", with(bad.clone(), "/room_id", json!("!room:one.example")))
        } else {
            ("create_has_room_id", lacking(bad.clone(), "room_id"))
        };
        let of_other_room = with(bad.clone(), "/room_id", json!("!room:two.example"));
        refused(&room.judge(&of_other_room), code);
        refused(&room.judge(&bad), "create_room_version_unknown");
        let judged = room.judge(&with(bad, "/content/room_version", json!("1")));
        match version {
            ..11 => _ = refused(&judged, "create_no_creator"),
            11 => allowed(&judged, Rule::CreateOtherwise),
            12.. => _ = refused(&judged, "create_additional_creators_invalid"),
        }
    }
}

// H6: the room ID

/// Both checks with what is known of the create event.
fn judge_by(room: &Room, event: &Event, create: RoomCreate<'_>) -> Judged {
    let judged = room.judge_in(event, &room.state_map(), create);
    let cited = room.judge_cited_with(event, &room.selected(event), create);
    assert_eq!((judged.answer, &judged.why), (cited.answer, &cited.why));
    judged
}

#[test]
fn h6_the_room_id_is_that_of_an_accepted_create_event_in_version_12() {
    let room = room(12);
    let event = room.event(&room.draft("m.room.message", ALICE, json!({})));
    let create_id = room.create.id();
    let seen = json!({"room_id": room.room_id, "create_event": create_id});

    let judged = judge_by(&room, &event, RoomCreate { event: Some(&room.create), rejected: false });
    allowed(&judged, Rule::Otherwise);
    assert_eq!(judged.compared(Rule::RoomId), seen);

    let judged = judge_by(&room, &event, RoomCreate::default());
    let why = undecided(&judged, Rule::RoomId, "create_event_missing");
    assert_eq!(why.evidence, json!({"room_id": room.room_id}));
    assert_eq!(why.missing, [create_id]);
    why.says(&[create_id]);

    let judged = judge_by(&room, &event, RoomCreate { event: Some(&room.create), rejected: true });
    refused(&judged, "create_event_rejected").tells(seen).says(&[create_id, "was rejected"]);

    // That of another room, whether it was rejected or not.
    let other = Room::created(12, BOB, create_content(12)).create;
    for rejected in [true, false] {
        let judged = judge_by(&room, &event, RoomCreate { event: Some(&other), rejected });
        refused(&judged, "room_id_not_create_event")
            .tells(json!({"room_id": room.room_id, "create_event": other.id()}))
            .says(&[create_id, other.id(), "of another room"]);
    }
}

#[test]
fn h6_what_is_no_create_event_by_its_own_rule_names_no_room_in_version_12() {
    let content = create_content(12);
    let draft = create_draft(12, ALICE, content.clone());
    let no_rooms = [
        with(draft.clone(), "/prev_events", references(12, 1)),
        with(draft.clone(), "/room_id", json!("!room:one.example")),
        with(draft.clone(), "/content/room_version", json!("13")),
        with(draft.clone(), "/content/additional_creators", json!("x")),
        room(12).membership(ALICE, ALICE, "join"),
    ];
    for no_room in no_rooms {
        let room = Room::of(12, event_of(12, &no_room)).member(ALICE, "join");
        let event = room.event(&room.draft("m.room.message", ALICE, json!({})));
        let create = RoomCreate { event: Some(&room.create), rejected: false };
        let judged = judge_by(&room, &event, create);
        let why = refused(&judged, "room_id_not_create_event");
        let id = room.create.id();
        assert_eq!(why.evidence, json!({"room_id": room.room_id, "create_event": id}));
        why.says(&[id, "against the rules"]);
    }
}

#[test]
fn h6_versions_1_to_11_do_not_ask_for_the_create_event_of_the_room_id() {
    for version in WITH_DOMAIN {
        let room = room(version);
        let event = room.event(&room.draft("m.room.message", ALICE, json!({})));
        let other = Room::created(version, CAROL, json!({})).create;
        let create = RoomCreate { event: Some(&other), rejected: true };
        let judged = judge_by(&room, &event, create);
        allowed(&judged, Rule::Otherwise);
        assert!(judged.path.iter().all(|step| step.rule != Rule::RoomId));
    }
}

// H7 to H11: the events in auth_events

/// Rooms of all versions, each with a message of the creator and what it must cite.
fn cited_in_all_versions(test: impl Fn(&Room, &Event, &[&Event])) {
    for version in 1..=12 {
        let room = room(version).power(json!({})).join_rules("public").member(BOB, "join");
        let event = room.event(&room.draft("m.room.message", ALICE, json!({})));
        let create = (version < 12).then_some(&*room.create);
        let rest = [room.get(POWER, ""), room.get(MEMBER, ALICE)];
        let cited: Vec<&Event> = create.into_iter().chain(rest).collect();
        test(&room, &event, &cited);
    }
}

fn ids(events: &[&Event]) -> Value {
    json!({"auth_events": events.iter().map(|event| event.id()).collect::<Vec<_>>()})
}

#[test]
fn h7_to_h11_events_that_cite_what_they_must_are_allowed_in_every_version() {
    cited_in_all_versions(|room, event, cited| {
        let judged = room.judge_cited(event, &cite(cited));
        allowed(&judged, Rule::Otherwise);
        for rule in [
            Rule::AuthEventsDuplicate,
            Rule::AuthEventsSelection,
            Rule::AuthEventsRejected,
            Rule::AuthEventsRoom,
        ] {
            assert_eq!(judged.compared(rule), ids(cited));
        }
    });
}

#[test]
fn h7_two_cited_events_for_one_type_and_state_key_are_refused_in_every_version() {
    cited_in_all_versions(|room, event, cited| {
        let other = room.event(&room.draft_state(POWER, "", ALICE, json!({"ban": 1})));
        let power = room.get(POWER, "");
        for second in [&other, power] {
            let judged = room.judge_cited(event, &cite(&[cited, &[second]].concat()));
            refused(&judged, "auth_events_duplicate")
                .tells(ids(&[power, second]))
                .says(&[power.id(), second.id()]);
        }
        // The first two are told, in their order.
        let all = [&[&other], cited, cited].concat();
        let judged = room.judge_cited(event, &cite(&all));
        refused(&judged, "auth_events_duplicate").tells(ids(&[&other, power]));
        // An event may be cited twice without being there.
        let missing = [Cited::Missing { id: "$a" }, Cited::Missing { id: "$a" }];
        let judged = room.judge_cited(event, &[&cite(cited)[..], &missing].concat());
        let why = refused(&judged, "auth_events_duplicate");
        assert_eq!(why.evidence, json!({"auth_events": ["$a", "$a"]}));
        // One that is there and one that is not, with the same ID.
        let again = [&cite(cited)[..], &[Cited::Missing { id: power.id() }]].concat();
        refused(&room.judge_cited(event, &again), "auth_events_duplicate");
    });
}

#[test]
fn h7_type_and_state_key_both_count_in_every_version() {
    cited_in_all_versions(|room, event, cited| {
        let state = |name: &str, key: &str, depth: u8| {
            let draft = room.draft_state(name, key, ALICE, json!({}));
            room.event(&with(draft, "/depth", json!(depth)))
        };
        let topic = state("m.room.topic", "", 7);
        for (stray, code) in [
            (state("m.room.topic", "", 8), "auth_events_duplicate"),
            (state("m.room.topic", "x", 7), "auth_event_not_selected"),
            // Neither is a type that the rules know.
            (state("m.room.name", "", 7), "auth_event_not_selected"),
            (state(POWER, "x", 7), "auth_event_not_selected"),
        ] {
            let judged = room.judge_cited(event, &cite(&[cited, &[&topic, &stray]].concat()));
            refused(&judged, code);
        }
        // What is no state is for no state key, and so not for the same.
        let messages = [1, 2].map(|depth| {
            room.event(&with(room.draft("m.x", ALICE, json!({})), "/depth", json!(depth)))
        });
        let judged = room.judge_cited(event, &cite(&[&messages[0], &messages[1]]));
        refused(&judged, "auth_event_not_state");
    });
}

#[test]
fn h8_cited_events_outside_the_selection_are_refused_in_every_version() {
    cited_in_all_versions(|room, event, cited| {
        let invitation = room.event(&room.draft_state(INVITATION, "t", ALICE, json!({})));
        let power = room.event(&room.draft_state(POWER, "x", ALICE, json!({})));
        let create = with(create_draft(room.version, ALICE, json!({})), "/state_key", json!("x"));
        let create = room.event(&create);
        let mut strays =
            vec![room.get(MEMBER, BOB), room.get(JOIN_RULES, ""), &invitation, &power, &create];
        if room.version == 12 {
            strays.push(&room.create);
        }
        let mut selected = vec![json!([POWER, ""]), json!([MEMBER, ALICE])];
        if room.version < 12 {
            selected.insert(0, json!(["m.room.create", ""]));
        }
        for stray in strays {
            let judged = room.judge_cited(event, &cite(&[cited, &[stray]].concat()));
            let why = refused(&judged, "auth_event_not_selected");
            let name = stray.pdu().event_type();
            let key = stray.state_key().unwrap();
            assert_eq!(
                why.evidence,
                json!({
                    "event_id": stray.id(), "type": name, "selected": selected, "state_key": key,
                })
            );
            why.says(&[stray.id(), &name, &format!("{key:?}")]);
        }
        let message = room.event(&room.draft(MEMBER, ALICE, json!({"membership": "join"})));
        let judged = room.judge_cited(event, &cite(&[cited, &[&message]].concat()));
        refused(&judged, "auth_event_not_state")
            .tells(json!({"event_id": message.id(), "type": MEMBER, "selected": selected}))
            .says(&[message.id(), MEMBER, "no state event"]);
    });
}

#[test]
fn h9_a_cited_event_that_was_rejected_is_refused_in_every_version() {
    cited_in_all_versions(|room, event, cited| {
        for bad in 0..cited.len() {
            let mut all = cite(cited);
            all[bad] = Cited::Event { event: cited[bad], rejected: true };
            let judged = room.judge_cited(event, &all);
            refused(&judged, "auth_event_rejected")
                .tells(ids(&cited[bad..=bad]))
                .says(&[cited[bad].id(), "rejected"]);
        }
    });
}

#[test]
fn h10_without_a_create_event_cited_an_event_is_refused_in_versions_1_to_11() {
    cited_in_all_versions(|room, event, cited| {
        let without: Vec<&Event> =
            cited.iter().copied().filter(|event| event.event_type() != EventType::Create).collect();
        for cited in [&without[..], &[]] {
            let judged = room.judge_cited(event, &cite(cited));
            match room.version {
                12 if cited.is_empty() => {
                    _ = rejected(&judged, Rule::SenderJoined, "sender_not_joined")
                }
                12 => allowed(&judged, Rule::Otherwise),
                _ => {
                    refused(&judged, "auth_events_no_create")
                        .tells(ids(cited))
                        .says(&["m.room.create"]);
                }
            }
        }
    });
}

#[test]
fn h11_a_cited_event_of_another_room_is_refused_in_every_version() {
    cited_in_all_versions(|room, event, cited| {
        let other = Room::created(room.version, "@x:other.example", create_content(room.version));
        let draft = other.membership(ALICE, ALICE, "join");
        let member = other.event(&draft);
        let power = room.get(POWER, "");
        let create: Vec<&Event> =
            cited.iter().copied().filter(|event| event.id() == room.create.id()).collect();
        let judged = room.judge_cited(event, &cite(&[&create[..], &[power, &member]].concat()));
        refused(&judged, "auth_event_other_room")
            .tells(
                json!({"event_id": member.id(), "room_id": room.room_id, "found": other.room_id}),
            )
            .says(&[member.id(), &room.room_id, &other.room_id]);
        // The create event is no exception.
        if room.version < 12 {
            let rest = [power, room.get(MEMBER, ALICE)];
            let judged = room.judge_cited(event, &cite(&[&[&*other.create], &rest[..]].concat()));
            let why = refused(&judged, "auth_event_other_room");
            assert_eq!(why.evidence["event_id"], other.create.id());
        }
    });
}

#[test]
fn h7_to_h11_missing_auth_events_leave_it_open_in_every_version() {
    cited_in_all_versions(|room, event, cited| {
        let missing = [Cited::Missing { id: "$a" }, Cited::Missing { id: "$b" }];
        let whole = cite(cited);
        // Even where the create event is not among those that are there.
        for there in [&whole[..], &whole[1..], &[]] {
            let judged = room.judge_cited(event, &[there, &missing].concat());
            let why = undecided(&judged, Rule::AuthEvents, "auth_event_missing");
            let ids: Vec<&str> =
                there.iter().map(|cited| cited.event().unwrap().id()).chain(["$a", "$b"]).collect();
            assert_eq!(why.evidence, json!({"auth_events": ids}));
            assert_eq!(why.missing, ["$a", "$b"]);
            why.says(&["2 of the events"]);
        }
        // But what is there may decide.
        let other = Room::created(room.version, "@x:other.example", create_content(room.version));
        let foreign = other.event(&other.membership(ALICE, ALICE, "join"));
        let one = &missing[..1];
        for (bad, code) in [
            (cite(&[cited[0], cited[0]]), "auth_events_duplicate"),
            (cite(&[room.get(MEMBER, BOB)]), "auth_event_not_selected"),
            (vec![Cited::Event { event: cited[0], rejected: true }], "auth_event_rejected"),
            (cite(&[&foreign]), "auth_event_other_room"),
        ] {
            refused(&room.judge_cited(event, &[one, &bad].concat()), code);
        }
        assert!(missing[0].event().is_none());
        assert_eq!(whole[0].event().unwrap().id(), cited[0].id());
    });
}

#[test]
fn h7_to_h11_are_asked_in_their_order_in_every_version() {
    cited_in_all_versions(|room, event, cited| {
        let other = Room::created(room.version, "@x:other.example", create_content(room.version));
        let foreign = other.event(&other.membership(ALICE, ALICE, "join"));
        let (power, stray) = (room.get(POWER, ""), room.get(MEMBER, BOB));
        let bad = Cited::Event { event: &foreign, rejected: true };
        // Each list has everything wrong that the next one has, and something before it.
        let not_rejected = cite(&[power, &foreign]);
        let rejected = [&cite(&[power])[..], &[bad]].concat();
        let strays = [&rejected[..], &cite(&[stray])].concat();
        let double = [&strays[..], &cite(&[power])].concat();
        refused(&room.judge_cited(event, &double), "auth_events_duplicate");
        refused(&room.judge_cited(event, &strays), "auth_event_not_selected");
        refused(&room.judge_cited(event, &rejected), "auth_event_rejected");
        let no_create =
            if room.version < 12 { "auth_events_no_create" } else { "auth_event_other_room" };
        refused(&room.judge_cited(event, &not_rejected), no_create);
        assert_eq!(cited.len(), if room.version < 12 { 3 } else { 2 });
    });
}

// H12: m.federate, and the create event that all that follows rests on

#[test]
fn h12_users_of_other_servers_are_refused_where_a_room_does_not_federate_in_every_version() {
    for version in 1..=12 {
        let open = [json!(true), json!("false"), json!(0), json!(null), json!([]), json!({})];
        let rooms = open.map(|value| (Some(value), true));
        for (federate, is_open) in
            rooms.into_iter().chain([(None, true), (Some(json!(false)), false)])
        {
            let content = match federate {
                Some(value) => with(create_content(version), "/m.federate", value),
                None => create_content(version),
            };
            let room = Room::created(version, ALICE, content).join_rules("public");
            allowed(&room.judge(&room.membership(BOB, BOB, "join")), Rule::JoinPublic);
            let judged = room.judge(&room.membership(CAROL, CAROL, "join"));
            let seen = json!({
                "sender_server": "two.example", "room_server": "one.example",
                "federates": is_open, "event_id": room.create.id(),
            });
            if is_open {
                allowed(&judged, Rule::JoinPublic);
                assert_eq!(judged.compared(Rule::Federate), seen);
            } else {
                refused(&judged, "room_not_federated")
                    .tells(seen)
                    .says(&["one.example", "two.example"]);
            }
        }
    }
}

#[test]
fn h12_the_servers_of_the_two_senders_are_compared_in_every_version() {
    for version in 1..=12 {
        let content = with(create_content(version), "/m.federate", json!(false));
        let draft = create_draft(version, CAROL, content);
        let draft =
            if version < 12 { with(draft, "/room_id", json!("!room:one.example")) } else { draft };
        let room = Room::of(version, event_of(version, &draft)).join_rules("public");
        allowed(&room.judge(&room.membership(CAROL, CAROL, "join")), Rule::JoinPublic);
        refused(&room.judge(&room.membership(BOB, BOB, "join")), "room_not_federated");
        // Another port is another server.
        let user = "@carol:two.example:8448";
        refused(&room.judge(&room.membership(user, user, "join")), "room_not_federated");
        // Who is invited does not count.
        let room = room.member(CAROL, "join");
        allowed(&room.judge(&room.membership(CAROL, DAVE, "invite")), Rule::InviteLevel);
    }
}

#[test]
fn h12_without_a_create_event_nothing_is_decided_in_every_version() {
    for version in 1..=12 {
        let room = room(version).without("m.room.create", "");
        let draft = room.draft("m.room.message", ALICE, json!({}));
        let judged = room.judge(&draft);
        if version == 12 {
            // Where the room ID names it, it need not be in the state.
            allowed(&judged, Rule::Otherwise);
        } else {
            let why = undecided(&judged, Rule::Federate, "create_event_missing");
            assert_eq!(why.evidence, json!({"event_type": "m.room.create"}));
            assert_eq!(why.missing, ["m.room.create"]);
            why.says(&["m.room.create"]);
        }
        // Before an event that follows on no other, there is no state.
        let judged = room.judge(&with(draft, "/prev_events", json!([])));
        if version == 12 {
            allowed(&judged, Rule::Otherwise);
        } else {
            refused(&judged, "no_previous_events")
                .tells(json!({"event_type": "m.room.create"}))
                .says(&["follows on no other"]);
        }
    }
}

// H13: aliases

#[test]
fn h13_servers_speak_for_their_own_aliases_in_versions_1_to_5() {
    for version in 1..=12 {
        let room = room(version).member(BOB, "join");
        let aliases = |sender: &str, key: &str| {
            room.draft_state("m.room.aliases", key, sender, json!({"aliases": []}))
        };
        let stateless = lacking(aliases(CAROL, ""), "state_key");
        if version > 5 {
            // State like any other.
            let judged = room.judge(&aliases(CAROL, "two.example"));
            rejected(&judged, Rule::SenderJoined, "sender_not_joined");
            allowed(&room.judge(&aliases(ALICE, "two.example")), Rule::Otherwise);
            let judged = room.judge(&aliases(BOB, "one.example"));
            rejected(&judged, Rule::RequiredLevel, "event_power");
            continue;
        }
        // The sender need not be in the room.
        allowed(&room.judge(&aliases(CAROL, "two.example")), Rule::AliasesOtherwise);
        allowed(&room.judge(&aliases(ALICE, "one.example")), Rule::AliasesOtherwise);
        let judged = room.judge(&stateless);
        refused(&judged, "aliases_no_state_key")
            .tells(json!({"server": "two.example"}))
            .says(&["no state key"]);
        for key in ["one.example", "", "TWO.example", "two.example:8448", CAROL] {
            let judged = room.judge(&aliases(CAROL, key));
            refused(&judged, "aliases_wrong_server")
                .tells(json!({"server": "two.example", "state_key": key}))
                .says(&["two.example", &format!("{key:?}")]);
        }
    }
}

// G: which events are to be cited

/// The selection for an event, as `type state_key`, and whether `has` says the same.
fn selection(version: u8, name: &str, key: Option<&str>, content: &Value) -> Vec<String> {
    let content = parsed(content);
    let of = room_version(version);
    let selection = Selection::new(of, name, BOB, key, Some(content.value()));
    let list = selection.list();
    let types = [
        ("m.room.create", EventType::Create),
        (MEMBER, EventType::Member),
        (JOIN_RULES, EventType::JoinRules),
        (POWER, EventType::PowerLevels),
        (INVITATION, EventType::ThirdPartyInvite),
        ("m.room.aliases", EventType::Aliases),
        ("m.room.redaction", EventType::Redaction),
        ("m.x", EventType::Other),
    ];
    for (name, event_type) in types {
        for key in ["", ALICE, BOB, CAROL, DAVE, TOKEN] {
            let listed = list.iter().any(|entry| *entry == (name, key.to_owned()));
            assert_eq!(selection.has(event_type, key), listed, "{name} {key}");
        }
    }
    list.into_iter().map(|(name, key)| format!("{name} {key}").trim_end().to_owned()).collect()
}

/// What any event by BOB cites, and these.
fn usual_and(version: u8, more: &[String]) -> Vec<String> {
    let create = (version < 12).then(|| "m.room.create".to_owned());
    let usual = [POWER.to_owned(), format!("{MEMBER} {BOB}")];
    create.into_iter().chain(usual).chain(more.iter().cloned()).collect()
}

#[test]
fn g1_create_events_cite_nothing() {
    for version in 1..=12 {
        assert!(selection(version, "m.room.create", Some(""), &json!({})).is_empty());
        assert!(selection(version, "m.room.create", None, &json!({})).is_empty());
        assert!(Room::new(version).create.auth_types().is_empty());
    }
}

#[test]
fn g2_g3_events_cite_create_event_power_levels_and_sender_and_no_create_event_in_version_12() {
    for version in 1..=12 {
        for (name, key) in [
            ("m.room.message", None),
            ("m.room.topic", Some("")),
            (POWER, Some("")),
            ("m.x", Some(CAROL)),
        ] {
            let signed = json!({"signed": {"token": TOKEN}});
            let content =
                json!({"membership": "join", AUTHORISER: CAROL, "third_party_invite": signed});
            assert_eq!(selection(version, name, key, &content), usual_and(version, &[]));
        }
        let room = room(version);
        let event = room.event(&room.draft("m.room.message", BOB, json!({})));
        let types = event.auth_types().into_iter().map(|(name, key)| format!("{name} {key}"));
        let types: Vec<String> = types.map(|text| text.trim_end().to_owned()).collect();
        assert_eq!(types, usual_and(version, &[]));
    }
}

#[test]
fn g4_memberships_cite_the_user_and_those_that_enter_the_join_rules() {
    for version in 1..=12 {
        let target = format!("{MEMBER} {CAROL}");
        for membership in ["join", "invite", "knock", "leave", "ban", "foo"] {
            let enters = matches!(membership, "join" | "invite" | "knock");
            let join_rules = enters.then(|| JOIN_RULES.to_owned());
            let content = json!({"membership": membership});
            let more: Vec<String> =
                [target.clone()].into_iter().chain(join_rules.clone()).collect();
            let found = selection(version, MEMBER, Some(CAROL), &content);
            assert_eq!(found, usual_and(version, &more), "{membership}");
            // While it is being made, it may lack anything.
            let more: Vec<String> = join_rules.into_iter().collect();
            assert_eq!(selection(version, MEMBER, None, &content), usual_and(version, &more));
        }
        for content in [json!({}), json!({"membership": null}), json!({"membership": ["join"]})] {
            let found = selection(version, MEMBER, Some(CAROL), &content);
            assert_eq!(found, usual_and(version, std::slice::from_ref(&target)));
        }
        let bare = Selection::new(room_version(version), MEMBER, BOB, Some(CAROL), None);
        assert_eq!(bare.list().last(), Some(&(MEMBER, CAROL.to_owned())));
    }
}

#[test]
fn g5_invites_of_third_parties_cite_the_invitation() {
    let target = format!("{MEMBER} {CAROL}");
    let entering = [target.clone(), JOIN_RULES.to_owned()];
    let with_token = [&entering[..], &[format!("{INVITATION} {TOKEN}")]].concat();
    for version in 1..=12 {
        let signed = json!({"signed": {"token": TOKEN}});
        for (membership, third_party, more) in [
            ("invite", signed.clone(), &with_token[..]),
            ("join", signed.clone(), &entering),
            ("knock", signed.clone(), &entering),
            ("leave", signed.clone(), &entering[..1]),
            ("ban", signed.clone(), &entering[..1]),
            ("invite", json!({"signed": {}}), &entering),
            ("invite", json!({"signed": {"token": 1}}), &entering),
            ("invite", json!({"signed": [TOKEN]}), &entering),
            ("invite", json!({"token": TOKEN}), &entering),
            ("invite", json!(TOKEN), &entering),
        ] {
            let content = json!({"membership": membership, "third_party_invite": third_party});
            let found = selection(version, MEMBER, Some(CAROL), &content);
            assert_eq!(found, usual_and(version, more), "{content}");
        }
    }
}

#[test]
fn g6_joins_cite_who_let_them_in_from_version_8_on() {
    let entering = [format!("{MEMBER} {CAROL}"), JOIN_RULES.to_owned()];
    for version in 1..=12 {
        let let_in = [&entering[..], &[format!("{MEMBER} {DAVE}")]].concat();
        for (membership, authoriser, more) in [
            ("join", json!(DAVE), if version < 8 { &entering[..] } else { &let_in }),
            ("join", json!([DAVE]), &entering),
            ("join", json!(null), &entering),
            ("invite", json!(DAVE), &entering),
            ("knock", json!(DAVE), &entering),
            ("leave", json!(DAVE), &entering[..1]),
            ("ban", json!(DAVE), &entering[..1]),
        ] {
            let content = json!({"membership": membership, AUTHORISER: authoriser});
            let found = selection(version, MEMBER, Some(CAROL), &content);
            assert_eq!(found, usual_and(version, more), "{content}");
        }
        // From the content, whatever it says.
        let content = parsed(&json!({"membership": "join", AUTHORISER: "x"}));
        let of = room_version(version);
        let selection = Selection::new(of, MEMBER, BOB, Some(BOB), Some(content.value()));
        assert_eq!(selection.has(EventType::Member, "x"), version >= 8);
    }
}

#[test]
fn g7_less_may_be_cited_than_is_selected_but_not_more() {
    for version in 1..=12 {
        let room = room(version).power(json!({})).join_rules("public").member(BOB, "join");
        let event = room.event(&room.membership(ALICE, CAROL, "invite"));
        let whole = room.selected(&event);
        assert_eq!(whole.len(), if version < 12 { 4 } else { 3 });
        allowed(&room.judge_cited(&event, &whole), Rule::InviteLevel);
        // Without join rules and power levels: the levels are then those of a room that has none.
        let needed = |cited: &&Cited<'_>| {
            matches!(cited.event().unwrap().event_type(), EventType::Create | EventType::Member)
        };
        let less: Vec<Cited<'_>> = whole.iter().filter(needed).copied().collect();
        allowed(&room.judge_cited(&event, &less), Rule::InviteLevel);
        // Without the sender's membership the sender is not joined.
        let less: Vec<Cited<'_>> = less
            .into_iter()
            .filter(|cited| cited.event().unwrap().event_type() == EventType::Create)
            .collect();
        refused(&room.judge_cited(&event, &less), "invite_sender_not_joined");
        let more = [&whole[..], &cite(&[room.get(MEMBER, BOB)])].concat();
        refused(&room.judge_cited(&event, &more), "auth_event_not_selected");
    }
}

#[test]
fn g8_a_user_with_several_parts_is_cited_once() {
    for version in 1..=12 {
        let content = json!({"membership": "join", AUTHORISER: BOB});
        let found = selection(version, MEMBER, Some(BOB), &content);
        assert_eq!(found, usual_and(version, &[JOIN_RULES.to_owned()]));
        // Cited twice, it is a duplicate.
        let room = room(version).join_rules("public").member(BOB, "leave");
        let event = room.event(&room.membership(BOB, BOB, "join"));
        let selected = room.selected(&event);
        allowed(&room.judge_cited(&event, &selected), Rule::JoinPublic);
        let twice = [&selected[..], &cite(&[room.get(MEMBER, BOB)])].concat();
        refused(&room.judge_cited(&event, &twice), "auth_events_duplicate");
    }
}

// How much is told

#[test]
fn path_names_every_rule_that_was_considered_in_order() {
    let message = |version: u8| {
        let room = room(version).power(json!({}));
        let event = room.event(&room.draft("m.room.message", ALICE, json!({})));
        (room.judge_cited(&event, &room.selected(&event)).steps(), room.judge_event(&event).steps())
    };
    // Check 4, rule by rule, and in check 5 the same without the rules about the citing.
    for (version, numbers, allow) in [
        (1, "1 2 2.1 2.2 2.3 2.4 2.5 3 4 5 6 7 8 9 10 11", "12 allow"),
        (4, "1 2 2.1 2.2 2.3 2.4 2.5 3 4 5 6 7 8 9 10", "11 allow"),
        (6, "1 2 2.1 2.2 2.3 2.4 2.5 3 4 5 6 7 8 9", "10 allow"),
        (11, "1 2 2.1 2.2 2.3 2.4 2.5 3 4 5 6 7 8 9", "10 allow"),
        (12, "1 2 3 3.1 3.2 3.3 3.4 4 5 6 7 8 9 10", "11 allow"),
    ] {
        let (fourth, fifth) = message(version);
        let about_citing = if version == 12 { "3" } else { "2" };
        let step = |number: &str| {
            let applies = number == about_citing;
            format!("{number} {}", if applies { "applies" } else { "no" })
        };
        let whole: Vec<String> = numbers.split(' ').map(step).chain([allow.to_owned()]).collect();
        assert_eq!(fourth, whole, "{version}");
        let citing = |step: &String| {
            step.starts_with(&format!("{about_citing} "))
                || step.starts_with(&format!("{about_citing}."))
        };
        let rest: Vec<String> = whole.into_iter().filter(|step| !citing(step)).collect();
        assert_eq!(fifth, rest, "{version}");
    }
}

#[test]
fn path_is_told_as_data() {
    let room = room(11);
    let judged = room.judge(&room.membership(ALICE, BOB, "join"));
    let steps = serde_json::to_value(&judged.path).unwrap();
    assert_eq!(
        steps[0],
        json!({"rule": "1", "answer": "no", "summary": "the event is m.room.create"})
    );
    assert_eq!(steps[2]["answer"], "applies");
    assert_eq!(
        steps.as_array().unwrap().last().unwrap(),
        &json!({
            "rule": "4.3.2", "answer": "reject", "summary": "the sender is not the user: reject",
            "compared": {"sender": ALICE, "state_key": BOB},
        })
    );
    let last = |judged: Judged| serde_json::to_value(judged.path.last().unwrap()).unwrap();
    let topic = room.draft_state("m.room.topic", "", ALICE, json!({}));
    assert_eq!(
        last(room.judge(&topic)),
        json!({"rule": "10", "answer": "allow", "summary": "otherwise: allow"})
    );
    let judged = room.without("m.room.create", "").judge(&topic);
    assert_eq!(last(judged)["answer"], "incomplete");
    let step = Step { rule: Rule::Create, number: None, answer: Answer::No, compared: None };
    assert_eq!(serde_json::to_value(step).unwrap()["rule"], json!(null));
}

#[test]
fn decisions_tell_no_more_than_was_asked_for() {
    // (The rooms of all other tests ask in all three ways, and find the same decisions.)
    let room = room(11);
    let judge = |draft: &Value, ask| {
        let event = room.event(draft);
        let fifth = state_rules(&event, &room.state_map(), RoomCreate::default(), ask);
        let fourth = auth_rules(&event, &room.selected(&event), RoomCreate::default(), ask);
        assert_eq!(fifth.decision, fourth.decision);
        assert_eq!(fifth.path.is_empty(), ask < Ask::Path);
        assert_eq!(fourth.path.is_empty(), ask < Ask::Path);
        fifth.decision
    };
    let join = room.membership(ALICE, BOB, "join");
    assert_eq!(judge(&join, Ask::Decision), Decision::Reject(Rule::JoinSender, None));
    for ask in [Ask::Reason, Ask::Path, Ask::default()] {
        let Decision::Reject(Rule::JoinSender, Some(why)) = judge(&join, ask) else { panic!() };
        assert_eq!(why.code, "join_sender_mismatch");
    }
    assert_eq!(Ask::default(), Ask::Reason);
    let leave = room.membership(ALICE, ALICE, "leave");
    for ask in [Ask::Decision, Ask::Reason, Ask::Path] {
        let decision = judge(&leave, ask);
        assert_eq!(decision, Decision::Allow(Rule::LeaveSelf));
        assert!(decision.is_allowed());
    }
    assert!(!Decision::Reject(Rule::LeaveSelf, None).is_allowed());
    assert!(!Decision::Incomplete(Rule::LeaveSelf, None).is_allowed());
}

// What is read of an event, and states

#[test]
fn facts_of_a_create_event() {
    for version in 1..=12 {
        let content = json!({"creator": BOB, "additional_creators": [DAVE, 1, null, "x"]});
        let event = event_of(version, &create_draft(version, ALICE, content));
        assert_eq!(event.event_type(), EventType::Create);
        assert_eq!(event.creator(), Some(if version <= 10 { BOB } else { ALICE }));
        assert_eq!(event.is_creator(BOB), version <= 10);
        assert_eq!(event.is_creator(ALICE), version >= 11);
        assert_eq!(event.is_creator(DAVE), version >= 12);
        assert_eq!(event.is_creator("x"), version >= 12);
        assert!(!event.is_creator(CAROL) && !event.is_creator(""));
        assert!(event.federates());
        assert_eq!((event.membership(), event.join_rule()), (None, None));
        assert!(event.power_levels().is_none());

        for (content, creator) in
            [(json!({}), None), (json!({"creator": 1}), None), (json!({"creator": ""}), Some(""))]
        {
            let event = event_of(version, &create_draft(version, ALICE, content));
            assert_eq!(event.creator(), if version <= 10 { creator } else { Some(ALICE) });
            assert_eq!(event.is_creator(""), version <= 10 && creator.is_some());
        }
        for (federate, open) in [(json!(false), false), (json!(true), true), (json!("false"), true)]
        {
            let content = with(create_content(version), "/m.federate", federate);
            let event = event_of(version, &create_draft(version, ALICE, content));
            assert_eq!(event.federates(), open);
        }
        let content = with(create_content(version), "/additional_creators", json!(DAVE));
        let event = event_of(version, &create_draft(version, ALICE, content));
        assert!(event.is_creator(ALICE) && !event.is_creator(DAVE));
    }
}

#[test]
fn facts_of_memberships_and_join_rules() {
    let room = room(11);
    for (value, membership, name) in [
        (json!("join"), Membership::Join, "join"),
        (json!("invite"), Membership::Invite, "invite"),
        (json!("leave"), Membership::Leave, "leave"),
        (json!("ban"), Membership::Ban, "ban"),
        (json!("knock"), Membership::Knock, "knock"),
        (json!("Join"), Membership::Unknown, "unknown"),
        (json!(null), Membership::Unknown, "unknown"),
    ] {
        let event = room.event(&room.member_with(BOB, BOB, json!({"membership": value})));
        assert_eq!(event.membership(), Some(membership));
        assert_eq!(membership.name(), name);
        assert_eq!((event.event_type(), event.join_rule()), (EventType::Member, None));
        assert!(event.creator().is_none() && !event.is_creator(BOB) && event.federates());
    }
    let event = room.event(&room.member_with(BOB, BOB, json!({})));
    assert_eq!(event.membership(), Some(Membership::Unknown));

    let event = |content: Value| room.event(&room.draft_state(JOIN_RULES, "", ALICE, content));
    for (value, rule, from) in [
        ("public", JoinRule::Public, 1),
        ("invite", JoinRule::Invite, 1),
        ("knock", JoinRule::Knock, 7),
        ("restricted", JoinRule::Restricted, 8),
        ("knock_restricted", JoinRule::KnockRestricted, 10),
        ("private", JoinRule::Unknown, 1),
    ] {
        let event = event(json!({"join_rule": value}));
        assert_eq!(event.join_rule(), Some(rule));
        assert_eq!((event.event_type(), event.membership()), (EventType::JoinRules, None));
        for (version, of) in versions() {
            let in_version = if version < from { JoinRule::Unknown } else { rule };
            assert_eq!(rule.in_version(of), in_version, "{value} in {version}");
        }
    }
    assert_eq!(event(json!({})).join_rule(), Some(JoinRule::Invite));
    assert_eq!(event(json!({"join_rule": null})).join_rule(), Some(JoinRule::Unknown));
}

#[test]
fn facts_of_any_event() {
    let room = room(11);
    for (name, event_type) in [
        ("m.room.create", EventType::Create),
        (MEMBER, EventType::Member),
        (JOIN_RULES, EventType::JoinRules),
        (POWER, EventType::PowerLevels),
        (INVITATION, EventType::ThirdPartyInvite),
        ("m.room.aliases", EventType::Aliases),
        ("m.room.redaction", EventType::Redaction),
        ("m.room.topic", EventType::Other),
        ("M.room.create", EventType::Other),
        ("", EventType::Other),
    ] {
        let event = room.event(&room.draft_state(name, "k", BOB, json!({"a": 1})));
        assert_eq!(event.event_type(), event_type);
        assert_eq!((event.sender(), event.state_key()), (BOB, Some("k")));
        assert!(event.is_state(name, "k"));
        assert!(!event.is_state(name, "") && !event.is_state("m.other", "k"));
        assert_eq!(event.content("a").unwrap().as_i64(), Some(1));
        assert!(event.content("b").is_none());
        assert_eq!(event.power_levels().is_some(), event_type == EventType::PowerLevels);
        assert_eq!(event.authoriser(), AuthoriserSignature::Unchecked);
        assert!(event.is_signed_by("one.example") && !event.is_signed_by("two.example"));
    }
    let event = room.event(&room.draft(MEMBER, BOB, json!({"membership": "join"})));
    assert_eq!((event.state_key(), event.is_state(MEMBER, BOB)), (None, false));
}

#[test]
fn state_maps_hold_one_event_for_a_type_and_state_key() {
    let room = Room::new(11);
    let event = |draft: Value| room.event(&draft);
    let first = event(room.draft_state("m.x", "", BOB, json!({"n": 1})));
    let second = event(room.draft_state("m.x", "", BOB, json!({"n": 2})));
    let other_key = event(room.draft_state("m.x", "k", BOB, json!({})));
    let other_type = event(room.draft_state("m.y", "", BOB, json!({})));
    let message = event(room.draft("m.x", BOB, json!({})));
    let id = |found: Option<&Event>| found.map(|event| event.id().to_owned());

    let mut state = StateMap::new();
    assert!(state.get("m.x", "").is_none());
    assert!(state.insert(&first).is_none());
    assert!(state.insert(&other_key).is_none());
    assert!(state.insert(&other_type).is_none());
    assert_eq!(id(state.insert(&second)), id(Some(&first)));
    assert!(state.insert(&message).is_none());
    assert_eq!(id(state.get("m.x", "")), id(Some(&second)));
    assert_eq!(id(state.get("m.x", "k")), id(Some(&other_key)));
    assert_eq!(id(state.get("m.y", "")), id(Some(&other_type)));
    assert!(state.get("m.y", "k").is_none() && state.get("m.z", "").is_none());

    let collected: StateMap<'_> = [&first, &second, &message].into_iter().collect();
    assert_eq!(id(collected.get("m.x", "")), id(Some(&second)));
}

#[test]
fn state_maps_know_which_servers_have_joined_users() {
    let room = Room::new(11);
    for (user, membership, server, joined) in [
        (CAROL, "join", "two.example", true),
        (CAROL, "join", "TWO.example", false),
        (CAROL, "join", "one.example", false),
        (CAROL, "invite", "two.example", false),
        (CAROL, "leave", "two.example", false),
        ("two.example", "join", "two.example", false),
        ("@x:two.example:1", "join", "two.example:1", true),
    ] {
        let member = room.event(&room.membership(ALICE, user, membership));
        // The state key says who is joined, not the sender; and only memberships do.
        let other = room.event(&room.draft_state("m.x", DAVE, DAVE, json!({"membership": "join"})));
        let state: StateMap<'_> = [&other, &member].into_iter().collect();
        assert_eq!(state.has_joined_user_of(server), joined, "{user} {membership} {server}");
        assert!(!state.has_joined_user_of("three.example"));
    }
    assert!(!StateMap::new().has_joined_user_of("one.example"));
}
