//! Section H14 to H27 of the rules: memberships.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use std::ops::RangeInclusive;

use common::make::{lacking, references, with};
use common::model::{self, Signer25519};
use common::room::{
    ALICE, AUTHORISER, BOB, CAROL, DAVE, INVITATION, JOIN_RULES, Judged, MEMBER, POWER, Room, Told,
    allowed, create_content, group, reference, refused, rejected, room, text, undecided,
};
use fedproof::auth::{Answer, AuthoriserSignature, Event, Rule, State};
use fedproof::event::signatures::ServerFailure;
use serde_json::{Value, json};

const TOKEN: &str = "token";

/// The memberships a user can have had; `None` is none ever.
const BEFORE: [Option<&str>; 6] =
    [None, Some("invite"), Some("join"), Some("leave"), Some("ban"), Some("knock")];

/// What a membership is called behind "is".
const IS: [&str; 6] =
    ["not in the room", "invited", "joined", "not in the room any more", "banned", "knocking"];

/// A room in which these users are joined, with these levels.
fn room_of(version: u8, users: &[&str], levels: Value) -> Room {
    users.iter().fold(room(version), |room, user| room.member(user, "join")).power(levels)
}

/// What evidence says of a user's membership.
fn standing(room: &Room, user: &str, membership: Option<&str>) -> Value {
    match membership {
        None => json!({"user": user}),
        Some(name) => {
            json!({"user": user, "membership": name, "event_id": room.id(MEMBER, user)})
        }
    }
}

/// What evidence says of a level that stands in the power levels.
fn level(room: &Room, level: i64, from: &str) -> Value {
    json!({"level": level, "from": from, "event_id": room.id(POWER, "")})
}

/// The same of a user who is listed there.
fn level_of(room: &Room, user: &str, of: i64) -> Value {
    with(level(room, of, "users"), "/user", json!(user))
}

/// The evidence is this value: a text as such or as JSON has it.
fn assert_tells(why: &Told<'_>, key: &str, value: &Value) {
    let ways = [json!({key: text(value)}), json!({key: value.to_string()})];
    assert!(ways.contains(&why.evidence), "{why:?}");
}

// H14, H15: what every membership has

#[test]
fn h14_a_membership_without_state_key_or_membership_is_refused_in_every_version() {
    for version in 1..=12 {
        let room = room(version).join_rules("public");
        let draft = room.membership(BOB, BOB, "join");
        let judged = room.judge(&draft);
        allowed(&judged, Rule::JoinPublic);
        let seen = json!({"state_key": BOB, "membership": "join"});
        assert_eq!(judged.compared(Rule::MemberShape), seen);

        let judged = room.judge(&lacking(draft.clone(), "state_key"));
        refused(&judged, "member_no_state_key")
            .tells(json!({"membership": "join"}))
            .says(&["state key"]);

        for key in ["", "bob", "@bob", "@bob:", "bob:one.example", "!bob:one.example"] {
            let judged = room.judge(&with(draft.clone(), "/state_key", json!(key)));
            refused(&judged, "member_state_key_invalid")
                .tells(json!({"state_key": key, "membership": "join"}))
                .says(&[&format!("{key:?}"), "not a user ID"]);
        }

        let empty = with(draft.clone(), "/content", json!({"Membership": "join"}));
        let judged = room.judge(&empty);
        refused(&judged, "member_no_membership")
            .tells(json!({"state_key": BOB}))
            .says(&["\"membership\""]);
        let judged = room.judge(&lacking(empty.clone(), "state_key"));
        refused(&judged, "member_no_state_key").tells(json!({}));
        let judged = room.judge(&with(empty, "/state_key", json!("bob")));
        refused(&judged, "member_state_key_invalid").tells(json!({"state_key": "bob"}));
        // It is there, though it says nothing.
        refused(
            &room.judge(&with(draft, "/content/membership", json!(null))),
            "membership_unknown",
        );
    }
}

#[test]
fn h15_the_server_of_the_authoriser_must_have_signed_from_version_8_on() {
    for version in 1..=12 {
        let room = room(version).join_rules("public");
        let content = json!({"membership": "join", AUTHORISER: CAROL});
        let draft = room.member_with(BOB, BOB, content);
        let signed_by =
            |signatures: Value| room.judge(&with(draft.clone(), "/signatures", signatures));
        let own = json!({"ed25519:a": "x"});
        let unsigned = [
            json!({}),
            json!({"one.example": own}),
            json!({"two.example": {}}),
            json!({"two.example:8448": own, "TWO.example": own}),
        ];
        allowed(
            &signed_by(json!({"one.example": own, "two.example": {"ed25519:b": ""}})),
            Rule::JoinPublic,
        );
        for signatures in unsigned {
            let judged = signed_by(signatures);
            if version < 8 {
                allowed(&judged, Rule::JoinPublic);
                continue;
            }
            refused(&judged, "join_authoriser_not_signed")
                .tells(json!({AUTHORISER: CAROL, "server": "two.example"}))
                .says(&["two.example", "not signed"]);
        }
    }
}

#[test]
fn h15_an_authoriser_that_is_no_user_is_refused_from_version_8_on() {
    for version in 1..=12 {
        let room = room(version).join_rules("public");
        for user in [
            json!(null),
            json!(1),
            json!([CAROL]),
            json!({}),
            json!(""),
            json!("@"),
            json!("@carol"),
            json!("two.example"),
            json!("$carol:two.example"),
        ] {
            let content = json!({"membership": "join", AUTHORISER: user});
            let judged = room.judge(&room.member_with(BOB, BOB, content));
            if version < 8 {
                allowed(&judged, Rule::JoinPublic);
                continue;
            }
            refused(&judged, "join_authoriser_invalid")
                .tells(json!({AUTHORISER: text(&user)}))
                .says(&[&user.to_string(), "not a user ID"]);
        }
    }
}

#[test]
fn h15_the_authoriser_is_asked_for_whatever_the_membership_is() {
    for version in 1..=12 {
        let room = room(version).join_rules("public").member(BOB, "join");
        for (membership, or_else) in [
            ("invite", Err("invite_target_joined")),
            ("leave", Ok(Rule::KickLevel)),
            ("ban", Ok(Rule::BanLevel)),
            ("knock", Err(if version < 7 { "membership_unknown" } else { "knock_join_rule" })),
            ("foo", Err("membership_unknown")),
        ] {
            let content = json!({"membership": membership, AUTHORISER: CAROL});
            let judged = room.judge(&room.member_with(ALICE, BOB, content));
            match or_else {
                _ if version >= 8 => _ = refused(&judged, "join_authoriser_not_signed"),
                Err(code) => _ = refused(&judged, code),
                Ok(rule) => allowed(&judged, rule),
            }
        }
    }
}

#[test]
fn h15_what_became_of_the_signature_counts_where_it_was_checked() {
    let failures = [
        ServerFailure::Missing,
        ServerFailure::UnknownAlgorithm,
        ServerFailure::Malformed,
        ServerFailure::Invalid,
        ServerFailure::KeyExpired,
        ServerFailure::KeyRefused,
        ServerFailure::KeyUnknown,
    ];
    for version in 1..=12 {
        let room = room(version).join_rules("public");
        let content = json!({"membership": "join", AUTHORISER: CAROL});
        let draft = room.member_with(BOB, BOB, content);
        let both = json!({
            "one.example": {"ed25519:a": "x"}, "two.example": {"ed25519:a": "x", "rsa:b": "x"},
        });
        let signed = room.event(&with(draft.clone(), "/signatures", both));
        let unsigned = room.event(&draft);
        let judge = |event: &Event, authoriser| {
            let event = event.clone().with_authoriser(authoriser);
            assert_eq!(event.authoriser(), authoriser);
            room.judge_event(&event)
        };
        // Valid is valid; the rules do not look for themselves then.
        for event in [&signed, &unsigned] {
            allowed(&judge(event, AuthoriserSignature::Valid), Rule::JoinPublic);
        }
        allowed(&judge(&signed, AuthoriserSignature::Unchecked), Rule::JoinPublic);
        for failure in failures {
            let judged = judge(&signed, AuthoriserSignature::Failed(failure));
            if version < 8 {
                allowed(&judged, Rule::JoinPublic);
                continue;
            }
            refused(&judged, "join_authoriser_not_signed").tells(
                json!({AUTHORISER: CAROL, "server": "two.example", "signature": failure.code()}),
            );
        }
        let judged = judge(&signed, AuthoriserSignature::Failed(ServerFailure::KeyMissing));
        if version < 8 {
            allowed(&judged, Rule::JoinPublic);
            continue;
        }
        let why = undecided(&judged, Rule::MemberAuthoriserSigned, "join_authoriser_key_missing");
        assert_eq!(why.evidence, json!({AUTHORISER: CAROL, "server": "two.example"}));
        assert_eq!(why.missing, ["two.example ed25519:a", "two.example rsa:b"]);
        why.says(&["two.example"]);
    }
}

// H16: the creator joins

#[test]
fn h16_the_creator_joins_after_the_create_event_in_every_version() {
    for version in 1..=12 {
        // Whatever the rest of the state is, and whoever sends it.
        let fresh = Room::new(version);
        let hostile = fresh.clone().member(ALICE, "ban").join_rules("private");
        for room in [fresh, hostile] {
            let create = reference(version, &room.create);
            let other = references(version, 1)[0].clone();
            let join = |sender: &str, user: &str, previous: Value| {
                room.judge(&with(room.membership(sender, user, "join"), "/prev_events", previous))
            };
            let judged = join(ALICE, ALICE, json!([create]));
            allowed(&judged, Rule::JoinCreator);
            assert_eq!(
                judged.compared(Rule::JoinCreator),
                json!({
                    "create_event": room.create.id(),
                    "is_only_previous_event": true,
                    "creator": ALICE,
                })
            );
            allowed(&join(BOB, ALICE, json!([create])), Rule::JoinCreator);

            for previous in
                [json!([]), json!([other]), json!([create, other]), json!([other, create])]
                    .into_iter()
                    .chain([json!([create, create])])
            {
                let judged = join(ALICE, ALICE, previous);
                assert_eq!(judged.answer, Answer::Reject);
                assert_eq!(judged.compared(Rule::JoinCreator)["is_only_previous_event"], false);
            }
            let judged = join(BOB, BOB, json!([create]));
            assert_eq!(judged.answer, Answer::Reject);
            assert_eq!(judged.compared(Rule::JoinCreator)["is_only_previous_event"], true);
            refused(&join(ALICE, BOB, json!([create])), "join_sender_mismatch");
        }
    }
}

#[test]
fn h16_the_creator_is_named_up_to_version_10_and_sends_the_create_event_from_version_11_on() {
    for version in 1..=12 {
        let content = json!({"creator": BOB, "additional_creators": [DAVE]});
        let room = Room::created(version, ALICE, content);
        for user in [ALICE, BOB, DAVE] {
            let draft = room.membership(user, user, "join");
            let previous = json!([reference(version, &room.create)]);
            let judged = room.judge(&with(draft, "/prev_events", previous));
            if user == (if version <= 10 { BOB } else { ALICE }) {
                allowed(&judged, Rule::JoinCreator);
            } else {
                refused(&judged, "join_not_invited");
            }
        }
        // A creator that is no text is nobody.
        let room = Room::created(version, ALICE, json!({"creator": [ALICE]}));
        let draft = room.membership(ALICE, ALICE, "join");
        let previous = json!([reference(version, &room.create)]);
        let judged = room.judge(&with(draft, "/prev_events", previous));
        if version <= 10 {
            refused(&judged, "join_not_invited");
            assert_eq!(
                judged.compared(Rule::JoinCreator),
                json!({"create_event": room.create.id(), "is_only_previous_event": true})
            );
        } else {
            allowed(&judged, Rule::JoinCreator);
        }
    }
}

// H17 to H20: joins

#[test]
fn h17_join_by_somebody_else_is_refused_in_every_version() {
    for version in 1..=12 {
        // By nobody's leave: invited, joined, or with all power.
        let room = room(version).member(BOB, "invite").member(CAROL, "join").join_rules("public");
        for user in [BOB, CAROL, DAVE] {
            allowed(&room.judge(&room.membership(user, user, "join")), Rule::JoinPublic);
            let judged = room.judge(&room.membership(ALICE, user, "join"));
            refused(&judged, "join_sender_mismatch")
                .tells(json!({"sender": ALICE, "state_key": user}))
                .says(&[ALICE, user]);
        }
    }
}

#[test]
fn h17_the_banned_do_not_join_in_any_version() {
    for version in 1..=12 {
        for rule in ["public", "invite", "knock", "restricted"] {
            let room = room(version).join_rules(rule).member(BOB, "ban");
            let judged = room.judge(&room.membership(BOB, BOB, "join"));
            refused(&judged, "join_banned")
                .tells(standing(&room, BOB, Some("ban")))
                .says(&[BOB, "banned"]);
        }
        // The ban of another is no ban.
        let room = room(version).join_rules("public").member(BOB, "ban").member(CAROL, "leave");
        allowed(&room.judge(&room.membership(CAROL, CAROL, "join")), Rule::JoinPublic);
    }
}

#[test]
fn h18_h19_h20_join_rules_let_in_whom_they_let_in_in_every_version() {
    // `i` asks for an invite, `r` for that or an authoriser, `p` for nothing; `-` lets nobody in.
    #[rustfmt::skip]
    let ways = [
        //                          1-2 3-5 6 7 8-9 10 11 12
        (json!("invite"),           "i   i  i i  i  i  i  i"),
        (json!("knock"),            "-   -  - i  i  i  i  i"),
        (json!("restricted"),       "-   -  - -  r  r  r  r"),
        (json!("knock_restricted"), "-   -  - -  -  r  r  r"),
        (json!("public"),           "p   p  p p  p  p  p  p"),
        (json!("private"),          "-   -  - -  -  -  -  -"),
        (json!("Public"),           "-   -  - -  -  -  -  -"),
        (json!(""),                 "-   -  - -  -  -  -  -"),
        (json!(null),               "-   -  - -  -  -  -  -"),
        (json!(1),                  "-   -  - -  -  -  -  -"),
        (json!(["public"]),         "-   -  - -  -  -  -  -"),
    ];
    for (rule, by_group) in ways {
        for version in 1..=12 {
            let way = by_group.split_whitespace().nth(group(version)).unwrap();
            // Whatever `allow` says: that is for the authorising server.
            for allow in [json!("x"), json!([1]), json!([{}])] {
                let content = json!({"join_rule": rule, "allow": allow});
                let room = room(version).state(JOIN_RULES, "", ALICE, content);
                assert_joins(&room, way, &rule.to_string());
            }
        }
    }
}

#[test]
fn h18_without_a_join_rule_a_room_is_for_the_invited_in_every_version() {
    for version in 1..=12 {
        let unsaid = [
            room(version),
            room(version).state(JOIN_RULES, "", ALICE, json!({})),
            // Of another state key: not the rule of the room.
            room(version).state(JOIN_RULES, "x", ALICE, json!({"join_rule": "public"})),
        ];
        for room in unsaid {
            assert_joins(&room, "i", "\"invite\" (by default)");
        }
    }
}

/// Users of all memberships come in by one way, or do not.
fn assert_joins(room: &Room, way: &str, shown: &str) {
    for (before, is) in BEFORE.into_iter().zip(IS) {
        let room = room.clone().member_or_none(CAROL, before);
        let judged = room.judge(&room.membership(CAROL, CAROL, "join"));
        let is_in = matches!(before, Some("join" | "invite"));
        let rule: Value = serde_json::from_str(shown).unwrap_or(json!("invite"));
        let mut seen = json!({"join_rule": text(&rule)});
        if room.state_map().get(JOIN_RULES, "").is_some() {
            seen["join_rules_event"] = json!(room.id(JOIN_RULES, ""));
        }
        let with_sender = with(seen.clone(), "/sender", standing(&room, CAROL, before));
        match way {
            _ if before == Some("ban") => {
                refused(&judged, "join_banned").tells(standing(&room, CAROL, before));
            }
            "i" if is_in => {
                allowed(&judged, Rule::JoinInvited);
                assert_eq!(judged.compared(Rule::JoinInvited), with_sender);
            }
            "i" => {
                refused(&judged, "join_not_invited").tells(with_sender).says(&[
                    CAROL,
                    &format!("is {is},"),
                    shown,
                ]);
            }
            "r" if is_in => {
                allowed(&judged, Rule::JoinRestrictedMember);
                let compared = judged.compared(Rule::JoinRestrictedMember);
                assert_eq!(compared, standing(&room, CAROL, before));
            }
            "r" => {
                refused(&judged, "join_restricted_no_authoriser")
                    .tells(seen)
                    .says(&[CAROL, AUTHORISER]);
            }
            "p" => {
                allowed(&judged, Rule::JoinPublic);
                assert_eq!(judged.compared(Rule::JoinPublic), seen);
            }
            _ => {
                refused(&judged, "join_rule_forbids").tells(with_sender).says(&[shown, "nobody"]);
            }
        }
    }
}

/// The versions and rules by which an authoriser lets users in.
fn restricted() -> impl Iterator<Item = (u8, &'static str)> {
    (8..=12)
        .map(|version| (version, "restricted"))
        .chain((10..=12).map(|version| (version, "knock_restricted")))
}

/// A join of CAROL that DAVE let in, whose server has signed.
fn let_in_by(room: &Room, authoriser: &str) -> Judged {
    let content = json!({"membership": "join", AUTHORISER: authoriser});
    let server = authoriser.split_once(':').unwrap().1;
    let signatures = json!({server: {"ed25519:a": "x"}});
    room.judge(&with(room.member_with(CAROL, CAROL, content), "/signatures", signatures))
}

#[test]
fn h19_the_authoriser_must_be_joined() {
    for (version, rule) in restricted() {
        for (before, is) in BEFORE.into_iter().zip(IS) {
            let room = room(version).join_rules(rule).member_or_none(DAVE, before);
            let judged = let_in_by(&room, DAVE);
            if before == Some("join") {
                allowed(&judged, Rule::JoinRestrictedOtherwise);
                continue;
            }
            refused(&judged, "join_restricted_authoriser_not_joined")
                .tells(standing(&room, DAVE, before))
                .says(&[DAVE, CAROL, &format!("is {is}")]);
        }
        // Nobody lets themselves in.
        let room = room(version).join_rules(rule);
        refused(&let_in_by(&room, CAROL), "join_restricted_authoriser_not_joined");
    }
    // Up to version 7, and with `knock_restricted` up to version 9, there is no such way in.
    for (version, rule) in (1..=7)
        .map(|version| (version, "restricted"))
        .chain((1..=9).map(|version| (version, "knock_restricted")))
    {
        let room = room(version).join_rules(rule).member(DAVE, "join");
        refused(&let_in_by(&room, DAVE), "join_rule_forbids");
    }
}

#[test]
fn h19_the_authoriser_must_have_the_level_for_inviting() {
    for (version, rule) in restricted() {
        for (has, needs, enough) in
            [(50, 50, true), (51, 50, true), (49, 50, false), (0, 0, true), (-1, 0, false)]
        {
            let levels = json!({"users": {DAVE: has, CAROL: 100}, "invite": needs});
            let room = room_of(version, &[DAVE], levels).join_rules(rule);
            let judged = let_in_by(&room, DAVE);
            let seen = json!({
                "authoriser": level_of(&room, DAVE, has), "invite": level(&room, needs, "invite"),
            });
            if enough {
                allowed(&judged, Rule::JoinRestrictedOtherwise);
            } else {
                refused(&judged, "join_restricted_authoriser_power").tells(seen).says(&[
                    DAVE,
                    CAROL,
                    &format!("{has} (users)"),
                    &format!("{needs} (invite)"),
                ]);
            }
        }
        // Without power levels nobody needs any.
        let room = room(version).member(DAVE, "join").join_rules(rule);
        allowed(&let_in_by(&room, DAVE), Rule::JoinRestrictedOtherwise);
        // The creator stands above all levels in version 12, and has no more than others before.
        let room = room_of(version, &[], json!({"invite": i64::from(u32::MAX)})).join_rules(rule);
        let judged = let_in_by(&room, ALICE);
        if version == 12 {
            allowed(&judged, Rule::JoinRestrictedOtherwise);
        } else {
            refused(&judged, "join_restricted_authoriser_power");
        }
    }
}

// H21: invites of third parties

/// The key of an identity server.
fn identity() -> Signer25519 {
    Signer25519::new("identity.example", "ed25519:0")
}

/// The key whose public half, or whose signature, needs the characters in which the alphabets differ.
fn identity_with(needs: impl Fn(&Signer25519) -> String) -> Signer25519 {
    (0u8..)
        .map(|seed| Signer25519::with_seed("identity.example", "ed25519:0", &[seed; 32]))
        .find(|key| needs(key).contains(['+', '/']))
        .unwrap()
}

/// What identity servers sign.
fn signed_text(signed: &Value) -> String {
    model::canonical(&model::without(signed, &["signatures", "unsigned"]))
}

/// That CAROL is who was invited, signed by `key`.
fn signed_by(key: &Signer25519) -> Value {
    signed_as(key, json!({"mxid": CAROL, "token": TOKEN}))
}

fn signed_as(key: &Signer25519, mut signed: Value) -> Value {
    let message = signed_text(&signed);
    key.add(&mut signed, &message);
    signed
}

/// A room where ALICE, who may have left, invited somebody, with these keys.
fn invited(version: u8, content: Value) -> Room {
    Room::new(version).state(INVITATION, TOKEN, ALICE, content)
}

/// The invite of CAROL by ALICE with this in `third_party_invite`.
fn invite_of(room: &Room, third_party_invite: Value) -> Value {
    let content = json!({"membership": "invite", "third_party_invite": third_party_invite});
    room.member_with(ALICE, CAROL, content)
}

fn judge_signed(room: &Room, signed: Value) -> Judged {
    room.judge(&invite_of(room, json!({"display_name": "c", "signed": signed})))
}

#[test]
fn h21_an_invite_that_an_identity_server_signed_is_allowed_in_every_version() {
    for version in 1..=12 {
        let keys = json!({"public_key": identity().public()});
        // The rules for other invites do not come into it: nobody need be joined, or have a level.
        let levels = json!({"users": {BOB: 100}, "users_default": -1, "invite": 100});
        for room in [
            invited(version, keys.clone()),
            invited(version, keys.clone()).power(levels),
            invited(version, keys.clone()).member(CAROL, "join"),
            invited(version, keys.clone()).member(ALICE, "join").member(CAROL, "knock"),
        ] {
            let judged = judge_signed(&room, signed_by(&identity()));
            allowed(&judged, Rule::ThirdPartySignature);
            let id = room.id(INVITATION, TOKEN);
            assert_eq!(
                judged.compared(Rule::ThirdPartySignature),
                json!({"public_keys": [identity().public()], "event_id": id})
            );
            assert_eq!(
                judged.compared(Rule::ThirdPartyEvent),
                json!({"token": TOKEN, "event_id": id})
            );
        }
    }
}

#[test]
fn h21_a_banned_user_is_not_invited_by_third_parties_in_any_version() {
    for version in 1..=12 {
        let room =
            invited(version, json!({"public_key": identity().public()})).member(CAROL, "ban");
        // Before all else, even with nothing in it.
        for third_party in [json!({"signed": signed_by(&identity())}), json!(null)] {
            let judged = room.judge(&invite_of(&room, third_party));
            refused(&judged, "third_party_invite_target_banned")
                .tells(standing(&room, CAROL, Some("ban")))
                .says(&[CAROL, "banned"]);
        }
    }
}

#[test]
fn h21_what_is_not_signed_at_all_is_refused_in_every_version() {
    for version in 1..=12 {
        // The usual invite would be allowed: there is no way back to it.
        let room = room(version).state(INVITATION, TOKEN, ALICE, json!({}));
        allowed(&room.judge(&room.membership(ALICE, CAROL, "invite")), Rule::InviteLevel);
        for third_party in [json!({}), json!(null), json!(false), json!("x"), json!([])] {
            let judged = room.judge(&invite_of(&room, third_party.clone()));
            let why = refused(&judged, "third_party_invite_no_signed").says(&["\"signed\""]);
            assert_tells(&why, "third_party_invite", &third_party);
        }
    }
}

#[test]
fn h21_signed_must_name_user_and_token_in_every_version() {
    for version in 1..=12 {
        let room = invited(version, json!({"public_key": identity().public()}));
        let whole = signed_by(&identity());
        let neither = [json!({}), json!(null), json!([]), json!("x"), json!(1)];
        let lacking = ["mxid", "token"].map(|key| lacking(whole.clone(), key));
        for signed in neither.into_iter().chain(lacking) {
            let judged = judge_signed(&room, signed.clone());
            let key = if signed["mxid"].is_null() { "mxid" } else { "token" };
            let why = refused(&judged, &format!("third_party_invite_no_{key}"))
                .says(&["\"signed\"", &format!("{key:?}")]);
            let start: String = signed.to_string().chars().take(80).collect();
            let seen = why.evidence["signed"].as_str().unwrap();
            assert_eq!(seen.trim_matches('"'), start.trim_matches('"'));
        }
        // Of another type, they are nobody's.
        for value in [json!(null), json!(1), json!([CAROL]), json!({})] {
            let judged = judge_signed(&room, with(whole.clone(), "/mxid", value.clone()));
            refused(&judged, "third_party_invite_mxid_mismatch")
                .tells(json!({"mxid": value.to_string(), "state_key": CAROL}))
                .says(&[&value.to_string(), CAROL]);
            let judged = judge_signed(&room, with(whole.clone(), "/token", value));
            refused(&judged, "third_party_invite_unknown_token");
        }
    }
}

#[test]
fn h21_user_token_and_sender_must_be_those_of_the_invitation_in_every_version() {
    for version in 1..=12 {
        let room = invited(version, json!({"public_key": identity().public()}));
        let signed = signed_as(&identity(), json!({"mxid": BOB, "token": TOKEN}));
        let judged = judge_signed(&room, signed);
        refused(&judged, "third_party_invite_mxid_mismatch")
            .tells(json!({"mxid": BOB, "state_key": CAROL}))
            .says(&[BOB, CAROL]);

        for token in ["Token", "", "tokens"] {
            let signed = signed_as(&identity(), json!({"mxid": CAROL, "token": token}));
            let judged = judge_signed(&room, signed);
            refused(&judged, "third_party_invite_unknown_token")
                .tells(json!({"token": token}))
                .says(&[&format!("{token:?}")]);
        }

        let room = room.member(BOB, "join");
        let draft = invite_of(&room, json!({"signed": signed_by(&identity())}));
        let judged = room.judge(&with(draft, "/sender", json!(BOB)));
        let why = refused(&judged, "third_party_invite_sender_mismatch");
        let id = room.id(INVITATION, TOKEN);
        assert_eq!(why.evidence, json!({"sender": BOB, "invited_by": ALICE, "event_id": id}));
        why.says(&[BOB, ALICE]);
    }
}

#[test]
fn h21_keys_are_taken_from_both_places_and_in_both_alphabets_in_every_version() {
    let key = identity_with(Signer25519::public);
    let public = key.public();
    let url_safe = model::base64_url_safe(key.key.verifying_key().as_bytes());
    assert_ne!(public, url_safe);
    let other = identity().public();
    let list = |keys: &[&str]| -> Value {
        keys.iter().map(|key| json!({"public_key": key, "key_validity_url": "x"})).collect()
    };
    let odd = json!([1, null, "x", {}, [], {"public_key": 1}, {"public_key": public}]);
    for version in 1..=12 {
        for (content, fits) in [
            (json!({"public_key": public}), true),
            (json!({"public_key": url_safe}), true),
            (json!({"public_key": format!("{public}=")}), true),
            (json!({"public_keys": list(&[&public])}), true),
            (json!({"public_keys": list(&[&other, &url_safe])}), true),
            (json!({"public_key": other, "public_keys": list(&[&public])}), true),
            (json!({"public_key": public, "public_keys": list(&[&other])}), true),
            (json!({"public_key": "!", "public_keys": odd}), true),
            (json!({"public_key": public, "public_keys": "x"}), true),
            (json!({"public_key": other}), false),
            (json!({"public_key": other, "public_keys": list(&[&other])}), false),
            (json!({"public_keys": {"public_key": public}}), false),
            (json!({"public_keys": [public]}), false),
            (json!({"public_key": [public]}), false),
            (json!({"public_key": {"public_key": public}}), false),
            (json!({"public_key": format!("{public}A")}), false),
            (json!({"public_key": public[..42]}), false),
            (json!({"key": public}), false),
            (json!({}), false),
        ] {
            let room = invited(version, content.clone());
            let judged = judge_signed(&room, signed_by(&key));
            if fits {
                allowed(&judged, Rule::ThirdPartySignature);
            } else {
                refused(&judged, "third_party_invite_not_signed");
            }
        }
        // The keys that were tried are told, in the usual alphabet.
        let content = json!({"public_key": "x", "public_keys": list(&[&other, &url_safe])});
        let room = invited(version, content);
        let judged = judge_signed(&room, json!({"mxid": CAROL, "token": TOKEN}));
        let why = refused(&judged, "third_party_invite_not_signed");
        let id = room.id(INVITATION, TOKEN);
        assert_eq!(why.evidence, json!({"public_keys": [other, public], "event_id": id}));
        why.says(&["2 usable public keys", id]);
    }
}

#[test]
fn h21_any_signature_counts_under_whatever_server_name_in_every_version() {
    let key = identity_with(|key| key.sign(&signed_text(&signed_by(key))));
    let right = key.sign(&signed_text(&signed_by(&key)));
    let url_safe = right.replace('+', "-").replace('/', "_");
    let wrong = identity().sign(&signed_text(&signed_by(&key)));
    for version in 1..=12 {
        let room = invited(version, json!({"public_key": key.public()}));
        for (signatures, fits) in [
            (json!({"identity.example": {"ed25519:0": right}}), true),
            (json!({"other.example": {"ed25519:0": right}}), true),
            (json!({"": {"ed25519:": right}}), true),
            (json!({"x": {"ed25519:0": url_safe}}), true),
            (json!({"x": {"ed25519:0": format!("{right}==")}}), true),
            (json!({"x": {"ed25519:0": wrong, "ed25519:1": right}}), true),
            (json!({"x": {"ed25519:0": wrong}, "y": {"ed25519:0": right}}), true),
            (json!({"x": 1, "y": {"ed25519:0": 1, "ed25519:1": right}}), true),
            // Another algorithm, or none.
            (json!({"x": {"rsa:0": right}}), false),
            (json!({"x": {"ed25519": right, "0": right, "": right, "ED25519:0": right}}), false),
            (json!({"x": {"ed25519:0": wrong}}), false),
            (json!({"x": {"ed25519:0": "x", "ed25519:1": [right], "ed25519:2": null}}), false),
            (json!({"x": {"ed25519:0": right[..85]}}), false),
            (json!({"x": [right], "y": right, "z": null}), false),
            (json!({}), false),
            (json!([right]), false),
            (json!(null), false),
            (json!(right), false),
        ] {
            let signed = json!({"mxid": CAROL, "token": TOKEN, "signatures": signatures});
            let judged = judge_signed(&room, signed);
            if fits {
                allowed(&judged, Rule::ThirdPartySignature);
            } else {
                refused(&judged, "third_party_invite_not_signed");
            }
        }
    }
}

#[test]
fn h21_all_of_signed_is_signed_but_signatures_and_unsigned_in_every_version() {
    for version in 1..=12 {
        let room = invited(version, json!({"public_key": identity().public()}));
        let signed = signed_as(
            &identity(),
            json!({"mxid": CAROL, "token": TOKEN, "sender": ALICE, "é": [1]}),
        );
        let judge =
            |pointer: &str, value: Value| judge_signed(&room, with(signed.clone(), pointer, value));
        allowed(&judge_signed(&room, signed.clone()), Rule::ThirdPartySignature);
        allowed(&judge("/unsigned", json!({"age": 1})), Rule::ThirdPartySignature);
        allowed(&judge("/signatures/x", json!({"ed25519:0": "x"})), Rule::ThirdPartySignature);
        for (pointer, value) in
            [("/sender", json!(BOB)), ("/é", json!([2])), ("/more", json!(null))]
        {
            refused(&judge(pointer, value), "third_party_invite_not_signed");
        }
    }
}

#[test]
fn h21_keys_that_anybody_can_sign_for_do_not_count_in_any_version() {
    // R is the identity and S is 0: by the plain equation, that fits the identity as key.
    let mut identity_point = [0; 64];
    identity_point[0] = 1;
    let weak = model::base64(&identity_point[..32]);
    let leaked = "l/O9hxMVKB6Lg+3Hqf0FQQZhVESQcMzbPN1Cz2nM3og";
    let signature = model::base64(&identity_point);
    for version in 1..=12 {
        let keys = json!([{"public_key": weak}, {"public_key": leaked}]);
        let room = invited(version, json!({"public_key": weak, "public_keys": keys}));
        let signatures = json!({"identity.example": {"ed25519:0": signature}});
        let signed = json!({"mxid": CAROL, "token": TOKEN, "signatures": signatures});
        let judged = judge_signed(&room, signed);
        let why = refused(&judged, "third_party_invite_not_signed");
        assert_eq!(why.evidence["public_keys"], json!([]));
        why.says(&["0 usable public keys"]);
    }
}

#[test]
fn h21_no_more_than_128_signatures_are_tried_with_keys() {
    let (right, wrong) = (identity(), Signer25519::new("identity.example", "ed25519:other"));
    let listed = |count: usize, before: &str| -> Value {
        let before = std::iter::repeat_n(before.to_owned(), count);
        before.chain([right.public()]).map(|key| json!({"public_key": key})).collect()
    };
    let signed_after = |count: usize, before: &str| {
        let before = (0..count).map(|index| (format!("ed25519:{index:03}"), before.to_owned()));
        let right = right.sign(&signed_text(&signed_by(&right)));
        let signatures: serde_json::Map<_, _> = before
            .chain([("ed25519:z".to_owned(), right)])
            .map(|(key_id, signature)| (key_id, json!(signature)))
            .collect();
        json!({"mxid": CAROL, "token": TOKEN, "signatures": {"x": signatures}})
    };
    let signature = wrong.sign("something else");
    let public = wrong.public();
    for version in [1, 12] {
        for (content, signed, fits) in [
            // The 128th key, and the one after it; `public_key` comes first.
            (json!({"public_keys": listed(127, &public)}), signed_after(0, ""), true),
            (json!({"public_keys": listed(128, &public)}), signed_after(0, ""), false),
            (
                json!({"public_key": public, "public_keys": listed(126, &public)}),
                signed_after(0, ""),
                true,
            ),
            (
                json!({"public_key": public, "public_keys": listed(127, &public)}),
                signed_after(0, ""),
                false,
            ),
            // No more than 128 keys are read, good or not.
            (json!({"public_keys": listed(127, "x")}), signed_after(0, ""), true),
            (json!({"public_keys": listed(128, "x")}), signed_after(0, ""), false),
            // The 128th signature, and the one after it.
            (json!({"public_keys": listed(0, "")}), signed_after(127, &signature), true),
            (json!({"public_keys": listed(0, "")}), signed_after(128, &signature), false),
            // Pairs count: 63 signatures with two keys each, and two more.
            (json!({"public_keys": listed(1, &public)}), signed_after(63, &signature), true),
            (json!({"public_keys": listed(1, &public)}), signed_after(64, &signature), false),
            // What is no signature is not tried.
            (json!({"public_keys": listed(0, "")}), signed_after(300, "x"), true),
        ] {
            let judged = judge_signed(&invited(version, content), signed);
            if fits {
                allowed(&judged, Rule::ThirdPartySignature);
            } else {
                refused(&judged, "third_party_invite_not_signed");
            }
        }
    }
}

// H22: invites

#[test]
fn h22_who_invites_is_joined_in_every_version() {
    for version in 1..=12 {
        for (before, is) in BEFORE.into_iter().zip(IS) {
            let room = room(version).member_or_none(BOB, before);
            let judged = room.judge(&room.membership(BOB, CAROL, "invite"));
            if before == Some("join") {
                allowed(&judged, Rule::InviteLevel);
                continue;
            }
            refused(&judged, "invite_sender_not_joined")
                .tells(standing(&room, BOB, before))
                .says(&[BOB, is]);
        }
    }
}

#[test]
fn h22_neither_the_joined_nor_the_banned_are_invited_in_any_version() {
    for version in 1..=12 {
        for before in BEFORE {
            let room = room(version).member_or_none(CAROL, before);
            let judged = room.judge(&room.membership(ALICE, CAROL, "invite"));
            let (code, is) = match before {
                Some("join") => ("invite_target_joined", "joined"),
                Some("ban") => ("invite_target_banned", "banned"),
                _ => {
                    allowed(&judged, Rule::InviteLevel);
                    let compared = judged.compared(Rule::InviteTarget);
                    assert_eq!(compared, standing(&room, CAROL, before));
                    continue;
                }
            };
            refused(&judged, code).tells(standing(&room, CAROL, before)).says(&[CAROL, is]);
        }
    }
}

#[test]
fn h22_inviting_takes_the_level_for_it_in_every_version() {
    for version in 1..=12 {
        for (has, needs, enough) in
            [(50, 50, true), (51, 50, true), (49, 50, false), (0, 0, true), (-1, 0, false)]
        {
            // The levels of the invited user, and for everything else, do not count.
            let levels = json!({
                "users": {BOB: has, CAROL: 99}, "invite": needs,
                "events": {MEMBER: 100}, "state_default": 100,
            });
            let room = room_of(version, &[BOB], levels);
            let judged = room.judge(&room.membership(BOB, CAROL, "invite"));
            let seen = json!({
                "sender": level_of(&room, BOB, has), "invite": level(&room, needs, "invite"),
            });
            if enough {
                allowed(&judged, Rule::InviteLevel);
                assert_eq!(judged.compared(Rule::InviteLevel), seen);
            } else {
                refused(&judged, "invite_power").tells(seen).says(&[
                    BOB,
                    &format!("{has} (users)"),
                    &format!("{needs} (invite)"),
                ]);
            }
        }
        // The defaults: 0 takes 0.
        let room = room_of(version, &[BOB], json!({"users_default": -1}));
        let judged = room.judge(&room.membership(BOB, CAROL, "invite"));
        refused(&judged, "invite_power")
            .tells(json!({
                "sender": with(level(&room, -1, "users_default"), "/user", json!(BOB)),
                "invite": {"level": 0, "from": "default"},
            }))
            .says(&["-1 (users_default)", "0 (by default)"]);
    }
}

// H23, H24: leaving, kicking, unbanning

#[test]
fn h23_users_leave_when_they_are_in_in_every_version() {
    for version in 1..=12 {
        for (before, is) in BEFORE.into_iter().zip(IS) {
            let room = room(version).member_or_none(BOB, before);
            let judged = room.judge(&room.membership(BOB, BOB, "leave"));
            let leaves = match before {
                Some("invite" | "join") => true,
                Some("knock") => version >= 7,
                _ => false,
            };
            let seen = standing(&room, BOB, before);
            if leaves {
                allowed(&judged, Rule::LeaveSelf);
                assert_eq!(judged.compared(Rule::LeaveSelf), seen);
            } else {
                refused(&judged, "leave_not_member").tells(seen).says(&[BOB, is]);
            }
        }
        // All the power in the room does not help.
        let room = room(version).member(ALICE, "ban");
        refused(&room.judge(&room.membership(ALICE, ALICE, "leave")), "leave_not_member");
    }
}

#[test]
fn h24_h25_who_kicks_or_bans_is_joined_in_every_version() {
    for version in 1..=12 {
        for (act, code, rule) in [
            ("leave", "kick_sender_not_joined", Rule::KickLevel),
            ("ban", "ban_sender_not_joined", Rule::BanLevel),
        ] {
            for (before, is) in BEFORE.into_iter().zip(IS) {
                let room =
                    room(version).power(json!({"users": {BOB: 50}})).member_or_none(BOB, before);
                let judged = room.judge(&room.membership(BOB, CAROL, act));
                if before == Some("join") {
                    allowed(&judged, rule);
                    continue;
                }
                refused(&judged, code).tells(standing(&room, BOB, before)).says(&[BOB, is]);
            }
        }
        // What was compared before: it is not the user who leaves.
        let room = room(version);
        let judged = room.judge(&room.membership(ALICE, CAROL, "leave"));
        assert_eq!(judged.compared(Rule::LeaveSelf), json!({"sender": ALICE, "state_key": CAROL}));
        assert_eq!(judged.compared(Rule::Unban), standing(&room, CAROL, None));
    }
}

#[test]
fn h24_h25_kicking_and_banning_take_the_level_and_a_higher_one_than_the_others() {
    let acts = [
        ("leave", "kick", "removing", Rule::KickLevel, "kick_power", "kick_target_power"),
        ("ban", "ban", "banning", Rule::BanLevel, "ban_power", "ban_target_power"),
    ];
    for version in 1..=12 {
        for (membership, key, verb, rule, no_level, not_above) in acts {
            // The sender's level, that of the other, and that for doing it.
            for (has, other, needs, code) in [
                (50, 49, 50, None),
                (51, 50, 50, None),
                (0, -1, 0, None),
                (50, 50, 50, Some(not_above)),
                (50, 51, 50, Some(not_above)),
                (0, 0, 0, Some(not_above)),
                (49, 0, 50, Some(no_level)),
                (50, 0, 51, Some(no_level)),
                (49, 50, 50, Some(no_level)),
            ] {
                let mut levels = json!({"users": {BOB: has, CAROL: other}});
                for named in ["kick", "ban", "invite", "redact", "state_default"] {
                    levels[named] = json!(if named == key { needs } else { 200 });
                }
                let room = room_of(version, &[BOB], levels);
                let judged = room.judge(&room.membership(BOB, CAROL, membership));
                let seen = json!({
                    "sender": level_of(&room, BOB, has),
                    key: level(&room, needs, key),
                    "target": level_of(&room, CAROL, other),
                });
                let Some(code) = code else {
                    allowed(&judged, rule);
                    assert_eq!(judged.compared(rule), seen);
                    continue;
                };
                let compared = if code == no_level {
                    format!("{verb} others takes {needs} ({key})")
                } else {
                    format!("not above the {other} (users) of {CAROL}")
                };
                let of_sender = format!("{BOB} has level {has} (users)");
                refused(&judged, code).tells(seen).says(&[&of_sender, &compared]);
            }
            // By default it takes 50.
            for (has, is_enough) in [(50, true), (49, false)] {
                let room = room_of(version, &[BOB], json!({"users": {BOB: has}}));
                let judged = room.judge(&room.membership(BOB, CAROL, membership));
                if is_enough {
                    allowed(&judged, rule);
                } else {
                    let why = refused(&judged, no_level);
                    assert_eq!(why.evidence[key], json!({"level": 50, "from": "default"}));
                    why.says(&["50 (by default)"]);
                }
            }
        }
    }
}

#[test]
fn h24_lifting_a_ban_takes_both_levels_in_every_version() {
    for version in 1..=12 {
        // The levels of sender and banned user, and those for banning and kicking.
        for (has, other, ban, kick, code) in [
            (50, 49, 50, 50, None),
            (60, 0, 60, 0, None),
            (59, 0, 60, 0, Some("unban_power")),
            (59, 60, 60, 60, Some("unban_power")),
            (60, 0, 50, 61, Some("kick_power")),
            (50, 50, 50, 50, Some("kick_target_power")),
        ] {
            let levels = json!({"users": {BOB: has, CAROL: other}, "ban": ban, "kick": kick});
            let room = room_of(version, &[BOB], levels).member(CAROL, "ban");
            let judged = room.judge(&room.membership(BOB, CAROL, "leave"));
            let seen = json!({
                "sender": level_of(&room, BOB, has),
                "ban": level(&room, ban, "ban"),
                "target": standing(&room, CAROL, Some("ban")),
            });
            let Some(code) = code else {
                allowed(&judged, Rule::KickLevel);
                assert_eq!(judged.compared(Rule::Unban), seen);
                continue;
            };
            let why = refused(&judged, code);
            if code == "unban_power" {
                assert_eq!(why.evidence, seen);
                why.says(&[BOB, CAROL, &format!("{has} (users)"), &format!("{ban} (ban)")]);
            }
            // One who is not banned is only kicked.
            if code == "unban_power" && other < has {
                let room = room.member(CAROL, "join");
                allowed(&room.judge(&room.membership(BOB, CAROL, "leave")), Rule::KickLevel);
            }
        }
    }
}

#[test]
fn h24_h25_nobody_stands_above_a_creator_in_version_12() {
    let most: i64 = (1 << 53) - 1;
    let content = with(create_content(12), "/additional_creators", json!([DAVE]));
    let room = Room::created(12, ALICE, content)
        .member(ALICE, "join")
        .member(BOB, "join")
        .member(DAVE, "join")
        .power(json!({"users": {BOB: most}, "kick": 0, "ban": 0, "invite": most}));
    for (act, rule, code) in [
        ("leave", Rule::KickLevel, "kick_target_power"),
        ("ban", Rule::BanLevel, "ban_target_power"),
    ] {
        for (sender, target) in [(ALICE, DAVE), (DAVE, ALICE), (BOB, ALICE), (BOB, DAVE)] {
            let judged = room.judge(&room.membership(sender, target, act));
            let why = refused(&judged, code);
            let of_target = json!({
                "user": target, "level": "infinite", "from": "creator", "event_id": room.create.id(),
            });
            assert_eq!(why.evidence["target"], of_target);
            why.says(&[&format!("infinite (a creator of the room) of {target}")]);
        }
        for creator in [ALICE, DAVE] {
            allowed(&room.judge(&room.membership(creator, BOB, act)), rule);
            allowed(&room.judge(&room.membership(creator, CAROL, "invite")), Rule::InviteLevel);
        }
    }
}

#[test]
fn h25_users_do_not_ban_themselves_in_any_version() {
    for version in 1..=12 {
        let room = room_of(version, &[BOB], json!({"users": {BOB: 100}}));
        refused(&room.judge(&room.membership(BOB, BOB, "ban")), "ban_target_power");
        // Without power levels, the creator has 100, and is no exception.
        let room = Room::new(version).member(ALICE, "join");
        let judged = room.judge(&room.membership(ALICE, ALICE, "ban"));
        let why = refused(&judged, "ban_target_power");
        if version < 12 {
            why.says(&["100 (the creator of a room without power levels)"]);
        }
    }
}

#[test]
fn h19_h22_h24_h25_a_level_that_cannot_be_read_allows_nothing_in_any_version() {
    for version in 1..=12 {
        let of = |user: &str| json!({"users": {BOB: 100, user: "x"}});
        for (levels, key, target, act, rule) in [
            (of(BOB), "users", CAROL, "invite", Rule::InviteLevel),
            (json!({"invite": "x"}), "invite", CAROL, "invite", Rule::InviteLevel),
            (of(BOB), "users", CAROL, "leave", Rule::KickLevel),
            (of(CAROL), "users", CAROL, "leave", Rule::KickLevel),
            (json!({"kick": "x"}), "kick", CAROL, "leave", Rule::KickLevel),
            (json!({"users": {BOB: 100}, "ban": "x"}), "ban", DAVE, "leave", Rule::Unban),
            (of(BOB), "users", CAROL, "ban", Rule::BanLevel),
            (of(CAROL), "users", CAROL, "ban", Rule::BanLevel),
            (json!({"ban": "x"}), "ban", CAROL, "ban", Rule::BanLevel),
            (json!({"users_default": "x"}), "users_default", CAROL, "ban", Rule::BanLevel),
            (json!({"users": "x"}), "users", CAROL, "ban", Rule::BanLevel),
        ] {
            let room = room_of(version, &[BOB], levels).member(DAVE, "ban");
            let judged = room.judge(&room.membership(BOB, target, act));
            assert_unreadable(&room, &judged, rule, key);
        }
        for (levels, key) in [(of(DAVE), "users"), (json!({"invite": "x"}), "invite")] {
            if version >= 8 {
                let room = room_of(version, &[DAVE], levels).join_rules("restricted");
                let judged = let_in_by(&room, DAVE);
                assert_unreadable(&room, &judged, Rule::JoinRestrictedAuthoriser, key);
            }
        }
        // One that is null is not there, and levels that are not asked for do not matter.
        let levels =
            json!({"users": {BOB: 50, DAVE: "x"}, "kick": null, "ban": "x", "invite": "x"});
        let room = room_of(version, &[BOB], levels);
        allowed(&room.judge(&room.membership(BOB, CAROL, "leave")), Rule::KickLevel);
    }
}

fn assert_unreadable(room: &Room, judged: &Judged, rule: Rule, key: &str) {
    let why = rejected(judged, rule, "power_level_unreadable");
    let id = room.id(POWER, "");
    assert_eq!(why.evidence, json!({"event_id": id, "key": key, "value": "\"x\""}));
    why.says(&[id, "\"x\"", &format!("{key:?}")]);
}

// H26, H27: knocking, and what is no membership

#[test]
fn h26_join_rules_take_knocks_or_not_from_version_7_on() {
    for (rule, from) in [("knock", 7), ("knock_restricted", 10)].into_iter().chain(
        ["public", "invite", "restricted", "private", "Knock", ""].map(|rule| (rule, u8::MAX)),
    ) {
        for version in 7..=12 {
            let room = room(version).join_rules(rule);
            let judged = room.judge(&room.membership(CAROL, CAROL, "knock"));
            let seen = json!({"join_rule": rule, "join_rules_event": room.id(JOIN_RULES, "")});
            if version >= from {
                allowed(&judged, Rule::KnockMembership);
                assert_eq!(judged.compared(Rule::KnockJoinRule), seen);
            } else {
                refused(&judged, "knock_join_rule")
                    .tells(seen)
                    .says(&[&format!("{rule:?}"), "no knocks"]);
            }
        }
    }
    for version in 7..=12 {
        let room = room(version);
        let judged = room.judge(&room.membership(CAROL, CAROL, "knock"));
        refused(&judged, "knock_join_rule")
            .tells(json!({"join_rule": "invite"}))
            .says(&["\"invite\" (by default)"]);
    }
}

#[test]
fn h26_users_who_are_out_knock_for_themselves_from_version_7_on() {
    for version in 7..=12 {
        for (before, is) in BEFORE.into_iter().zip(IS) {
            let room = room(version).join_rules("knock").member_or_none(CAROL, before);
            let judged = room.judge(&room.membership(CAROL, CAROL, "knock"));
            let seen = standing(&room, CAROL, before);
            if matches!(before, None | Some("leave" | "knock")) {
                allowed(&judged, Rule::KnockMembership);
                assert_eq!(judged.compared(Rule::KnockMembership), seen);
            } else {
                refused(&judged, "knock_membership").tells(seen).says(&[CAROL, is]);
            }
            let judged = room.judge(&room.membership(ALICE, CAROL, "knock"));
            refused(&judged, "knock_sender_mismatch")
                .tells(json!({"sender": ALICE, "state_key": CAROL}))
                .says(&[ALICE, CAROL]);
        }
    }
}

#[test]
fn h27_memberships_that_the_version_does_not_have_are_refused_in_every_version() {
    for version in 1..=12 {
        let room = room(version).join_rules("knock").member(BOB, "invite");
        let none =
            [json!("foo"), json!(""), json!("Leave"), json!("leave "), json!(null), json!(1)];
        let knock = (version < 7).then_some(json!("knock"));
        for membership in none.into_iter().chain([json!(["leave"]), json!({})]).chain(knock) {
            for sender in [ALICE, BOB] {
                let content = json!({"membership": membership});
                let judged = room.judge(&room.member_with(sender, BOB, content));
                let why = refused(&judged, "membership_unknown").says(&[&membership.to_string()]);
                assert_tells(&why, "membership", &membership);
            }
        }
        // The membership before may be one of these: it is as good as none.
        let room = room.state(MEMBER, CAROL, ALICE, json!({"membership": "foo"}));
        allowed(&room.judge(&room.membership(ALICE, CAROL, "invite")), Rule::InviteLevel);
        let judged = room.judge(&room.membership(CAROL, CAROL, "leave"));
        refused(&judged, "leave_not_member")
            .tells(standing(&room, CAROL, Some("unknown")))
            .says(&["of an unknown membership"]);
    }
}

// All changes of a membership

/// The codes of [`CHANGES`].
const LETTERS: &[(&str, &str)] = &[
    ("B", "join_banned"),
    ("N", "join_not_invited"),
    ("F", "join_rule_forbids"),
    ("S", "join_sender_mismatch"),
    ("n", "invite_sender_not_joined"),
    ("j", "invite_target_joined"),
    ("b", "invite_target_banned"),
    ("L", "leave_not_member"),
    ("O", "ban_sender_not_joined"),
    ("P", "ban_power"),
    ("U", "membership_unknown"),
    ("R", "knock_join_rule"),
    ("K", "knock_membership"),
    ("M", "knock_sender_mismatch"),
];

/// What becomes of each change of CAROL's membership, by CAROL with no level and by ALICE with all of
/// them; `+` is allowed.
#[rustfmt::skip]
const CHANGES: &[(&str, &str, &str, RangeInclusive<u8>, &str)] = &[
    // who   to        join rule  versions  none invite join leave ban knock
    (CAROL, "join",   "public",   1..=12,  "+    +      +    +     B   +"),
    (CAROL, "join",   "invite",   1..=12,  "N    +      +    N     B   N"),
    (CAROL, "join",   "knock",    1..=6,   "F    F      F    F     B   F"),
    (CAROL, "join",   "knock",    7..=12,  "N    +      +    N     B   N"),
    (CAROL, "invite", "public",   1..=12,  "n    n      j    n     n   n"),
    (CAROL, "leave",  "public",   1..=6,   "L    +      +    L     L   L"),
    (CAROL, "leave",  "public",   7..=12,  "L    +      +    L     L   +"),
    (CAROL, "ban",    "public",   1..=12,  "O    O      P    O     O   O"),
    (CAROL, "knock",  "knock",    1..=6,   "U    U      U    U     U   U"),
    (CAROL, "knock",  "knock",    7..=12,  "+    K      K    +     K   +"),
    (CAROL, "knock",  "public",   7..=12,  "R    R      R    R     R   R"),
    (ALICE, "join",   "public",   1..=12,  "S    S      S    S     S   S"),
    (ALICE, "invite", "public",   1..=12,  "+    +      j    +     b   +"),
    (ALICE, "leave",  "public",   1..=12,  "+    +      +    +     +   +"),
    (ALICE, "ban",    "public",   1..=12,  "+    +      +    +     +   +"),
    (ALICE, "knock",  "knock",    1..=6,   "U    U      U    U     U   U"),
    (ALICE, "knock",  "knock",    7..=12,  "M    M      M    M     M   M"),
    (ALICE, "knock",  "public",   7..=12,  "R    R      R    R     R   R"),
];

#[test]
fn h17_h18_h20_h22_h23_h24_h25_h26_h27_all_changes_of_a_membership() {
    for (sender, to, rule, versions, by_before) in CHANGES {
        for version in versions.clone() {
            for (before, letter) in BEFORE.into_iter().zip(by_before.split_whitespace()) {
                let room = room(version).join_rules(rule).member_or_none(CAROL, before);
                let judged = room.judge(&room.membership(sender, CAROL, to));
                match LETTERS.iter().find(|(listed, _)| *listed == letter) {
                    Some((_, code)) => _ = refused(&judged, code),
                    None => assert_eq!(judged.answer, Answer::Allow, "{sender} {before:?} {to}"),
                }
            }
        }
    }
}

// The path

#[test]
fn path_goes_down_into_the_rules_that_apply() {
    for (version, expected) in [
        (1, "1 no, 3 no, 4 no, 5 applies, 5.1 no, 5.2 applies, 5.2.1 no, 5.2.2 reject"),
        (7, "1 no, 3 no, 4 applies, 4.1 no, 4.2 applies, 4.2.1 no, 4.2.2 reject"),
        (8, "1 no, 3 no, 4 applies, 4.1 no, 4.2 no, 4.3 applies, 4.3.1 no, 4.3.2 reject"),
        (12, "1 no, 2 no, 4 no, 5 applies, 5.1 no, 5.2 no, 5.3 applies, 5.3.1 no, 5.3.2 reject"),
    ] {
        let room = room(version);
        let judged = room.judge(&room.membership(ALICE, BOB, "join"));
        assert_eq!(judged.steps().join(", "), expected);
    }
    let room = room(10).join_rules("restricted").member(DAVE, "join");
    assert_eq!(
        let_in_by(&room, DAVE).steps().join(", "),
        "1 no, 3 no, 4 applies, 4.1 no, 4.2 applies, 4.2.1 no, 4.3 applies, 4.3.1 no, 4.3.2 no, \
         4.3.3 no, 4.3.4 no, 4.3.5 applies, 4.3.5.1 no, 4.3.5.2 no, 4.3.5.3 allow"
    );
    let room = invited(11, json!({"public_key": identity().public()}));
    assert_eq!(
        judge_signed(&room, signed_by(&identity())).steps().join(", "),
        "1 no, 3 no, 4 applies, 4.1 no, 4.2 no, 4.3 no, 4.4 applies, 4.4.1 applies, 4.4.1.1 no, \
         4.4.1.2 no, 4.4.1.3 no, 4.4.1.4 no, 4.4.1.5 no, 4.4.1.6 no, 4.4.1.7 allow"
    );
}
