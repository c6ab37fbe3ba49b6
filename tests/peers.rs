//! What other implementations get wrong, and what is right: a test for each finding.
//!
//! RC is Rocket.Chat's federation-sdk 0.8, GMSL is Dendrite's gomatrixserverlib, ruma is
//! ruma-common 0.17 and its siblings.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use common::make::{
    FETCHED, ONE, assert_accepted, assert_dropped, canonicalise, draft, failure, key_answer,
    key_response, lacking, one, parsed, ring_of, room_version, sign, state, verify, verify_draft,
    verify_text, versions, with,
};
use common::model::{self, Signer25519};
use common::room::{ALICE, BOB, CAROL, DAVE, Judged, Room, allowed, create_content, rejected};
use fedproof::acl::ServerAcl;
use fedproof::auth::{Cited, Rule};
use fedproof::event::redaction::{Form, write_redacted};
use fedproof::identifiers::ServerName;
use fedproof::json::{Numbers, parse};
use fedproof::receive::{self, Options};
use fedproof::verdict::Outcome;
use serde_json::{Value, json};

const POWER_LEVELS: &str = "m.room.power_levels";

/// A room in which [`ALICE`], its creator, and [`BOB`] are joined.
fn room(version: u8) -> Room {
    Room::new(version).member(ALICE, "join").member(BOB, "join")
}

/// The user joins, let in by somebody.
#[track_caller]
fn join_by(room: &Room, user: &str, authoriser: &str) -> Judged {
    let draft = room.membership(user, user, "join");
    let draft = with(draft, "/content/join_authorised_via_users_server", json!(authoriser));
    let server = authoriser.split_once(':').unwrap().1;
    room.judge(&with(draft, "/signatures", json!({server: {"ed25519:a": "x"}})))
}

#[track_caller]
fn bob_sends(room: &Room, event_type: &str, key: &str, content: Value) -> Judged {
    room.judge(&room.draft_state(event_type, key, BOB, content))
}

// Rocket.Chat's federation-sdk.

#[test]
fn peer_rc_14_join_rules_may_be_restricted() {
    // RC refuses the join rules `restricted` and `knock_restricted` by its schema.
    for version in 1..=12 {
        for rule in ["restricted", "knock_restricted"] {
            let allow = json!([{"type": "m.room_membership", "room_id": "!x:y"}]);
            let content = json!({"join_rule": rule, "allow": allow});
            let event = state(version, "m.room.join_rules", "", content.clone());
            assert_accepted(&verify_draft(&event, version));
            let room = room(version).power(json!({"users": {BOB: 50}}));
            allowed(&bob_sends(&room, "m.room.join_rules", "", content.clone()), Rule::Otherwise);
            let room = room.state("m.room.join_rules", "", BOB, content);
            let judged = join_by(&room, CAROL, BOB);
            if version >= 10 || (version >= 8 && rule == "restricted") {
                allowed(&judged, Rule::JoinRestrictedOtherwise);
            } else {
                rejected(&judged, Rule::JoinOtherwise, "join_rule_forbids");
            }
        }
    }
}

#[test]
fn peer_rc_15_levels_may_be_strings_up_to_version_9() {
    // RC refuses them by its schema, and its rules count them as absent.
    for version in 1..=12 {
        let power = json!({"users": {BOB: "50"}, "state_default": " 50"});
        let room = room(version).power(power);
        let judged = bob_sends(&room, "x", "", json!({}));
        if version <= 9 {
            allowed(&judged, Rule::Otherwise);
        } else {
            rejected(&judged, Rule::RequiredLevel, "power_level_unreadable");
        }
    }
}

#[test]
fn peer_rc_16_users_may_knock() {
    // RC rejects every knock.
    for version in 1..=12 {
        let room = room(version).join_rules("knock");
        let judged = room.judge(&room.membership(CAROL, CAROL, "knock"));
        if version >= 7 {
            allowed(&judged, Rule::KnockMembership);
        } else {
            rejected(&judged, Rule::MembershipUnknown, "membership_unknown");
        }
    }
}

#[test]
fn peer_rc_16_users_may_join_restricted_rooms() {
    // RC throws "not supported".
    for version in 8..=12 {
        let room = room(version).join_rules("restricted");
        allowed(&join_by(&room, CAROL, BOB), Rule::JoinRestrictedOtherwise);
        let invited = room.member(CAROL, "invite");
        allowed(
            &invited.judge(&invited.membership(CAROL, CAROL, "join")),
            Rule::JoinRestrictedMember,
        );
    }
}

/// [`BOB`] invites [`CAROL`], by an invitation to a third party that somebody made.
#[track_caller]
fn third_party_invite(room: &Room, inviter: &str) -> Judged {
    let key = Signer25519::new("id.example", "ed25519:0");
    let content = json!({"public_key": key.public(), "display_name": "c"});
    let room = room.clone().state("m.room.third_party_invite", "token", inviter, content);
    let mut signed = json!({"mxid": CAROL, "token": "token"});
    let message = model::canonical(&signed);
    key.add(&mut signed, &message);
    let invite = room.membership(BOB, CAROL, "invite");
    room.judge(&with(invite, "/content/third_party_invite", json!({ "signed": signed })))
}

#[test]
fn peer_rc_16_third_parties_may_be_invited() {
    // RC throws "not supported".
    for version in 1..=12 {
        allowed(&third_party_invite(&room(version), BOB), Rule::ThirdPartySignature);
    }
}

#[test]
fn peer_rc_17_power_over_equals_is_none() {
    // RC lets a user demote another of the same level.
    for version in 1..=12 {
        let levels = |carol: Option<i64>| {
            let mut users = json!({ BOB: 50 });
            if let Some(level) = carol {
                users[CAROL] = json!(level);
            }
            json!({ "users": users })
        };
        let room = room(version).power(levels(Some(50)));
        for new in [Some(49), Some(0), None] {
            let judged = bob_sends(&room, POWER_LEVELS, "", levels(new));
            rejected(&judged, Rule::UserCurrent, "power_levels_user_current");
        }
    }
}

#[test]
fn peer_rc_17_levels_of_notifications_count_from_version_6_on() {
    // RC does not look at `notifications`.
    for version in 1..=12 {
        let levels = |room: i64| json!({"users": {BOB: 50}, "notifications": {"room": room}});
        for (old, new, code) in [
            (50, 51, "power_levels_notification_new"),
            (51, 50, "power_levels_notification_current"),
        ] {
            let judged =
                bob_sends(&room(version).power(levels(old)), POWER_LEVELS, "", levels(new));
            if version >= 6 {
                rejected(
                    &judged,
                    if new == 51 { Rule::EntryNew } else { Rule::EntryCurrent },
                    code,
                );
            } else {
                allowed(&judged, Rule::PowerLevelsOtherwise);
            }
        }
    }
}

#[test]
fn peer_rc_17_users_of_power_levels_are_user_ids_with_levels() {
    // RC takes any keys and values.
    for version in 1..=12 {
        let room = room(version).power(json!({"users": {BOB: 50}}));
        for (key, value, code) in [
            ("alice", json!(1), "power_levels_user_id_invalid"),
            ("@alice", json!(1), "power_levels_user_id_invalid"),
            (CAROL, json!("x"), "power_levels_user_level_invalid"),
            (CAROL, json!(null), "power_levels_user_level_invalid"),
            (CAROL, json!([]), "power_levels_user_level_invalid"),
        ] {
            let content = json!({"users": {BOB: 50, key: value}});
            rejected(&bob_sends(&room, POWER_LEVELS, "", content), Rule::PowerLevelsUsers, code);
        }
    }
}

#[test]
fn peer_rc_18_creators_have_no_level_beside_power_levels() {
    // RC gives the creator 100 where the power levels have no `users`.
    for version in 1..=12 {
        for content in [json!({}), json!({"users": {}})] {
            let room = room(version).power(content);
            let judged = room.judge(&room.draft_state("x", "", ALICE, json!({})));
            if version >= 12 {
                allowed(&judged, Rule::Otherwise);
            } else {
                let told = rejected(&judged, Rule::RequiredLevel, "event_power");
                assert_eq!(
                    told.evidence["sender"],
                    json!({"user": ALICE, "level": 0, "from": "default"})
                );
            }
        }
    }
}

#[test]
fn peer_rc_19_aliases_are_ordinary_events_from_version_6_on() {
    // RC asks for the sender's server as state key in all versions; GMSL allows outsiders' in all.
    for version in 1..=12 {
        let room = room(version).power(json!({"users": {BOB: 50}}));
        let of_other = bob_sends(&room, "m.room.aliases", "two.example", json!({"aliases": []}));
        let outsider =
            room.judge(&room.draft_state("m.room.aliases", "two.example", CAROL, json!({})));
        if version <= 5 {
            rejected(&of_other, Rule::AliasesServer, "aliases_wrong_server");
            allowed(&outsider, Rule::AliasesOtherwise);
        } else {
            allowed(&of_other, Rule::Otherwise);
            rejected(&outsider, Rule::SenderJoined, "sender_not_joined");
        }
    }
}

/// Does an ACL let a server in?
fn lets_in(content: &Value, server: &str) -> bool {
    ServerAcl::from_content(parsed(content).value()).check(server).allowed()
}

#[test]
fn peer_rc_20_ports_letters_and_wildcards_are_no_way_around_an_acl() {
    // RC lets all of these in: it compares the port too, upper-case patterns fit nothing, and those
    // of many wildcards are passed over.
    let many = format!("{}*", "*?".repeat(30));
    let long = format!("{}*", "x*".repeat(120));
    let long_name = format!("{}.example", "x".repeat(150));
    for (deny, server) in [
        ("evil", "evil:8448"),
        ("evil.example", "evil.example:1"),
        ("EVIL.example", "evil.example"),
        ("*.Evil.Example", "a.evil.example"),
        (&many, "a.evil.example.with.a.long.name.of.many.labels"),
        (&long, &long_name),
    ] {
        assert!(!lets_in(&json!({"allow": ["*"], "deny": [deny]}), server), "{deny} {server}");
        assert!(lets_in(&json!({"allow": ["*"], "deny": []}), server));
    }
}

#[test]
fn peer_rc_21_only_ip_addresses_are_denied_as_such() {
    // RC takes `999.1.1.1` for an IP address, and throws at entries that are no strings.
    let closed = |entry: Value| {
        let (allow, deny) = (json!(["*", entry]), json!([entry, "evil"]));
        json!({"allow": allow, "deny": deny, "allow_ip_literals": false})
    };
    for entry in [json!(1), json!(null), json!({}), json!(["x"]), json!("x")] {
        let acl = closed(entry);
        assert!(lets_in(&acl, "999.1.1.1") && lets_in(&acl, "1.2.3") && lets_in(&acl, "1.2.3.4.5"));
        assert!(!lets_in(&acl, "1.2.3.4") && !lets_in(&acl, "[::1]") && !lets_in(&acl, "evil"));
    }
}

// Dendrite's gomatrixserverlib.

#[test]
fn peer_gmsl_keys_are_escaped() {
    // GMSL writes quotes, backslashes and control characters in keys as they are.
    let text = r#"{ "\u0022" : 1, "\\" : 2, "\u0001" : 3, "\n" : 4 }"#;
    let canonical = "{\"\\u0001\":3,\"\\n\":4,\"\\\"\":1,\"\\\\\":2}";
    assert_eq!(canonicalise(text.as_bytes(), Numbers::Keep).as_deref(), Ok(canonical));
    assert_eq!(canonicalise(canonical.as_bytes(), Numbers::Keep).as_deref(), Ok(canonical));
}

#[test]
fn peer_gmsl_half_a_surrogate_pair_is_refused() {
    // GMSL drops it, or the character behind it.
    for text in
        [r#""\ud800""#, r#""\ud800x""#, r#""\udc00""#, r#"{"\ud800":1}"#, r#""\ud800\ud800""#]
    {
        assert_eq!(canonicalise(text.as_bytes(), Numbers::Keep), Err("json_lone_surrogate"));
    }
    let pair = canonicalise(br#""\ud83d\ude00x""#, Numbers::Keep);
    assert_eq!(pair.as_deref(), Ok("\"\u{1f600}x\""));
}

#[test]
fn peer_gmsl_integers_have_no_fraction_from_version_6_on() {
    // GMSL lets `0.0`, `-0.0` and `1E5` pass.
    for (version, _) in versions().filter(|(version, _)| *version >= 6) {
        for number in ["0.0", "-0.0", "1E5", "1e5", "1.0"] {
            let event = sign(&with(draft(version), "/content/x", json!("number")), version);
            let text = event.to_string().replace("\"number\"", number);
            assert_dropped(&verify_text(text.as_bytes(), version), 1, "number_not_integer");
        }
    }
}

#[test]
fn peer_gmsl_signs_stay() {
    // GMSL makes `0.5` of `-0.5`.
    let text = "[-0.5,0.5,-1.5]";
    let canonical = parse(text.as_bytes(), Numbers::Keep).unwrap();
    assert_eq!(canonical.as_str(), text);
}

#[test]
fn peer_gmsl_and_ruma_of_two_keys_the_last_counts_and_is_flagged() {
    // GMSL keeps both; ruma says nothing.
    let text = "{\"a\":1,\"a\":2}";
    let json = parse(text.as_bytes(), Numbers::Keep).unwrap();
    assert_eq!((json.as_str(), json.notes().duplicate_keys), ("{\"a\":2}", true));
    let event = sign(&draft(11), 11).to_string().replacen('{', "{\"type\":\"x\",", 1);
    let verdict = verify_text(event.as_bytes(), 11);
    assert_eq!((verdict.outcome, verdict.flags), (Outcome::Accepted, vec!["duplicate_keys"]));
}

fn redact(event: &Value, version: u8) -> Value {
    let mut text = Vec::new();
    write_redacted(&parsed(event), room_version(version).redaction, Form::Event, &mut text);
    serde_json::from_slice(&text).unwrap()
}

#[test]
fn peer_gmsl_third_party_invites_keep_what_was_signed_from_version_11_on() {
    // GMSL takes it away in versions 11 and 12.
    for version in 1..=12 {
        let invite = json!({"display_name": "x", "signed": {"token": "t"}});
        let content = json!({"membership": "invite", "third_party_invite": invite});
        let redacted = redact(&state(version, "m.room.member", CAROL, content), version);
        let signed = json!({"signed": {"token": "t"}});
        let kept = redacted["content"].get("third_party_invite");
        assert_eq!(kept, (version >= 11).then_some(&signed));
    }
}

#[test]
fn peer_gmsl_keys_have_one_case() {
    // GMSL takes a top-level `SENDER` for the sender when it redacts.
    for version in 1..=12 {
        let event = with(draft(version), "/SENDER", json!("@eve:two.example"));
        let event = with(with(event, "/Type", json!("x")), "/CONTENT", json!({"x": 1}));
        let redacted = redact(&event, version);
        assert_eq!(
            (&redacted["sender"], &redacted["type"]),
            (&json!(ALICE), &json!("m.room.message"))
        );
        assert_eq!(redacted, redact(&draft(version), version));
        assert_accepted(&verify(&sign(&event, version), version));
    }
}

#[test]
fn peer_gmsl_third_party_invites_are_of_their_sender_and_not_for_the_banned() {
    // GMSL allows both up to version 10.
    for version in 1..=12 {
        let banned = room(version).member(CAROL, "ban");
        let code = "third_party_invite_target_banned";
        rejected(&third_party_invite(&banned, BOB), Rule::ThirdPartyBanned, code);
        let code = "third_party_invite_sender_mismatch";
        rejected(&third_party_invite(&room(version), ALICE), Rule::ThirdPartySender, code);
    }
}

#[test]
fn peer_gmsl_who_is_not_in_a_room_cannot_leave_it() {
    // GMSL lets users leave who never were members.
    for version in 1..=12 {
        let room = room(version);
        let judged = room.judge(&room.membership(CAROL, CAROL, "leave"));
        rejected(&judged, Rule::LeaveSelf, "leave_not_member");
    }
}

#[test]
fn peer_gmsl_auth_events_are_each_once_and_none_too_many() {
    // GMSL's rules do not look at what is cited twice, or for nothing.
    for version in 1..=12 {
        let room = room(version).join_rules("public");
        let event = room.event(&room.draft("m.room.message", BOB, json!({})));
        let mut cited = room.selected(&event);
        allowed(&room.judge_cited(&event, &cited), Rule::Otherwise);
        cited.push(cited[0]);
        let judged = room.judge_cited(&event, &cited);
        rejected(&judged, Rule::AuthEventsDuplicate, "auth_events_duplicate");
        cited.pop();
        let join_rules = room.get("m.room.join_rules", "");
        cited.push(Cited::Event { event: join_rules, rejected: false });
        let judged = room.judge_cited(&event, &cited);
        rejected(&judged, Rule::AuthEventsSelection, "auth_event_not_selected");
    }
}

#[test]
fn peer_gmsl_aliases_need_no_state_key_from_version_6_on() {
    // GMSL panics.
    for version in 1..=12 {
        let room = room(version);
        let judged = room.judge(&room.draft("m.room.aliases", BOB, json!({"aliases": []})));
        if version <= 5 {
            rejected(&judged, Rule::AliasesStateKey, "aliases_no_state_key");
        } else {
            allowed(&judged, Rule::Otherwise);
        }
    }
}

#[test]
fn peer_gmsl_knock_restricted_is_a_rule_from_version_10_on() {
    // GMSL takes it from version 7 on.
    for version in 7..=12 {
        let room = room(version).join_rules("knock_restricted");
        let judged = room.judge(&room.membership(CAROL, CAROL, "knock"));
        if version >= 10 {
            allowed(&judged, Rule::KnockMembership);
        } else {
            rejected(&judged, Rule::KnockJoinRule, "knock_join_rule");
        }
    }
}

#[test]
fn peer_gmsl_there_is_no_knocking_before_version_7() {
    // GMSL lets the knocking leave, and the invited join by the rule `knock`.
    for version in 1..=12 {
        let room = room(version).join_rules("knock").member(CAROL, "knock").member(DAVE, "invite");
        let leave = room.judge(&room.membership(CAROL, CAROL, "leave"));
        let join = room.judge(&room.membership(DAVE, DAVE, "join"));
        if version >= 7 {
            allowed(&leave, Rule::LeaveSelf);
            allowed(&join, Rule::JoinInvited);
        } else {
            rejected(&leave, Rule::LeaveSelf, "leave_not_member");
            rejected(&join, Rule::JoinOtherwise, "join_rule_forbids");
        }
    }
}

#[test]
fn peer_gmsl_null_is_no_level_from_version_10_on() {
    // GMSL takes `null` for the level of a type.
    for version in 1..=12 {
        let room = Room::new(version).member(ALICE, "join");
        let content = json!({"events": {"x": null}});
        let judged = room.judge(&room.draft_state(POWER_LEVELS, "", ALICE, content));
        if version >= 10 {
            rejected(&judged, Rule::PowerLevelsMaps, "power_levels_events_invalid");
        } else {
            allowed(&judged, Rule::PowerLevelsFirst);
        }
    }
}

#[test]
fn peer_gmsl_unknown_room_versions_are_refused() {
    // GMSL allows them in version 11.
    for version in 1..=12 {
        for unknown in [json!("99"), json!("org.example"), json!(11), json!(null)] {
            let room = Room::created(
                version,
                ALICE,
                with(create_content(version), "/room_version", unknown),
            );
            let judged = room.judge_in(&room.create, &room.state_map(), room.room_create());
            rejected(&judged, Rule::CreateRoomVersion, "create_room_version_unknown");
        }
    }
}

#[test]
fn peer_gmsl_the_content_says_who_created_a_room_up_to_version_10() {
    // GMSL takes the sender of the create event in all versions.
    for version in 1..=12 {
        let room = Room::created(version, ALICE, json!({"creator": BOB}));
        let room = room.member(ALICE, "join").member(BOB, "join");
        let (creator, other) = if version <= 10 { (BOB, ALICE) } else { (ALICE, BOB) };
        let set = |user: &str| room.judge(&room.draft_state("x", "", user, json!({})));
        allowed(&set(creator), Rule::Otherwise);
        rejected(&set(other), Rule::RequiredLevel, "event_power");
    }
}

#[test]
fn peer_gmsl_control_events_with_a_state_key_are_none() {
    // GMSL took power levels with any state key for those of the room.
    for version in 1..=12 {
        let room = room(version).power(json!({"users": {BOB: 50}}));
        let room = room.state(POWER_LEVELS, "x", ALICE, json!({"users": {CAROL: 100}}));
        let room = room.member(CAROL, "join");
        let judged = room.judge(&room.draft_state("x", "", CAROL, json!({})));
        rejected(&judged, Rule::RequiredLevel, "event_power");
    }
}

#[test]
fn peer_gmsl_a_level_that_was_not_there_is_not_its_default() {
    // GMSL compares with `users_default` where a user had no entry, and refuses this.
    for version in 1..=12 {
        let room = room(version).power(json!({"users_default": 50}));
        let content = json!({"users_default": 50, "users": {CAROL: 0}});
        allowed(&bob_sends(&room, POWER_LEVELS, "", content), Rule::PowerLevelsOtherwise);
    }
}

#[test]
fn peer_dendrite_patterns_of_an_acl_fit_the_whole_name_in_any_case() {
    // Dendrite's regular expressions are not anchored, and tell letters by case.
    let allow = |pattern: &str| json!({ "allow": [pattern] });
    assert!(!lets_in(&allow("matrix.org"), "evilmatrix.org.attacker.com"));
    assert!(!lets_in(&allow("matrix.org"), "matrixxorg"));
    for (pattern, server) in [
        ("matrix.org", "Matrix.ORG"),
        ("*.Matrix.org", "a.matrix.org"),
        ("matrix.org", "matrix.org:8448"),
    ] {
        assert!(lets_in(&allow(pattern), server), "{pattern} {server}");
    }
    // Without `allow_ip_literals` it denies IP addresses; the specification's default is true.
    assert!(lets_in(&allow("*"), "1.2.3.4") && lets_in(&allow("*"), "[::1]:8448"));
}

// ruma.

#[test]
fn peer_ruma_numbers_need_not_be_strict_up_to_version_5() {
    // ruma cannot read events with such numbers, of whatever version.
    for version in 1..=12 {
        for (number, code) in [
            ("1.5", Some("number_not_integer")),
            ("1.0", Some("number_not_integer")),
            ("1e3", Some("number_not_integer")),
            ("18446744073709551616", Some("integer_out_of_range")),
            ("-0", None),
        ] {
            let event = sign(&with(draft(version), "/content/x", json!("number")), version);
            let text = event.to_string().replace("\"number\"", number);
            let verdict = verify_text(text.as_bytes(), version);
            match code.filter(|_| version >= 6) {
                Some(code) => assert_dropped(&verdict, 1, code),
                // It is well formed; its hash is that of another content.
                None => assert_eq!(failure(&verdict), Some((3, "content_hash_mismatch"))),
            }
        }
    }
}

#[test]
fn peer_ruma_127_levels_of_nesting_are_read() {
    // ruma stops where serde_json does: at 127 inside an object.
    let nested = |depth: usize| {
        let event = sign(&with(draft(11), "/content/x", json!("deep")), 11).to_string();
        event.replace("\"deep\"", &format!("{}{}", "[".repeat(depth), "]".repeat(depth)))
    };
    // The event and its content are two.
    let verdict = verify_text(nested(125).as_bytes(), 11);
    assert_eq!(failure(&verdict), Some((3, "content_hash_mismatch")));
    assert_dropped(&verify_text(nested(126).as_bytes(), 11), 1, "json_too_deep");
}

#[test]
fn peer_ruma_a_sentence_says_the_numbers() {
    // ruma's reads "larger than maximum of {MAX_PDU_BYTES} bytes".
    let verdict = verify_draft(&with(draft(11), "/content/x", json!("x".repeat(65_536))), 11);
    assert_dropped(&verdict, 1, "event_too_large");
    let reason = verdict.checks[0].reason.as_ref().unwrap();
    assert!(reason.contains("65536") && !reason.contains('{'), "{reason}");
}

#[test]
fn peer_ruma_all_fields_are_checked() {
    // ruma's format check passes these three.
    for (key, value) in
        [("content", json!(7)), ("origin_server_ts", json!("no")), ("hashes", json!(3))]
    {
        for version in 1..=12 {
            let event = with(sign(&draft(version), version), &format!("/{key}"), value.clone());
            let verdict = verify(&event, version);
            assert_eq!(verdict.outcome, Outcome::Dropped);
            assert_eq!(failure(&verdict).map(|(check, _)| check), Some(1), "{key}");
            assert_dropped(&verify(&lacking(event, key), version), 1, "field_missing");
        }
    }
}

#[test]
fn peer_ruma_levels_need_be_integers_from_version_10_on_only() {
    // ruma refuses these in all versions, and even as the first power levels of a room.
    for version in 1..=12 {
        let room = Room::new(version).member(ALICE, "join");
        for (content, rule, code) in [
            (json!({"ban": null}), Rule::PowerLevelsValues, "value"),
            (json!({"notifications": 5}), Rule::PowerLevelsMaps, "notifications"),
            (json!({"notifications": {"room": "x"}}), Rule::PowerLevelsMaps, "notifications"),
        ] {
            let judged = room.judge(&room.draft_state(POWER_LEVELS, "", ALICE, content));
            if version >= 10 {
                rejected(&judged, rule, &format!("power_levels_{code}_invalid"));
            } else {
                allowed(&judged, Rule::PowerLevelsFirst);
            }
        }
        // Up to version 5 no rule asks for `notifications`, ever.
        if version <= 5 {
            let room = room.member(BOB, "join").power(json!({"users": {BOB: 50}}));
            let content = json!({"users": {BOB: 50}, "notifications": {"room": "x"}});
            allowed(&bob_sends(&room, POWER_LEVELS, "", content), Rule::PowerLevelsOtherwise);
        }
    }
}

#[test]
fn peer_ruma_levels_may_be_floats_up_to_version_5() {
    // ruma has no such case, and refuses them.
    for version in 1..=5 {
        let room = room(version).power(json!({"users": {BOB: 50.57}}));
        allowed(&bob_sends(&room, "x", "", json!({})), Rule::Otherwise);
    }
}

#[test]
fn peer_ruma_keys_of_small_order_prove_nothing() {
    // ruma takes a signature that fits such a key, whatever was signed.
    let mut identity = [0; 64];
    identity[0] = 1;
    let mut answer = key_answer(&[&one()], &[], FETCHED);
    answer["verify_keys"]["ed25519:weak"] = json!({"key": model::base64(&identity[..32])});
    let ring = ring_of(&[key_response(&answer, &[&one()])], FETCHED);
    for version in 1..=12 {
        let trivial = json!({ONE: {"ed25519:weak": model::base64(&identity)}});
        let event = with(sign(&draft(version), version), "/signatures", trivial).to_string();
        let verdict =
            receive::verify(event.as_bytes(), room_version(version), &ring, Options::default());
        assert_dropped(&verdict, 2, "signature_key_refused");
        assert_eq!(verdict.flags, ["ed25519_divergent"]);
    }
}

#[test]
fn peer_ruma_ports_are_digits() {
    // ruma takes `a:+80`.
    assert!(ServerName::parse("a:+80").is_err() && ServerName::parse("a:-80").is_err());
    assert!(ServerName::parse("a:80").is_ok() && ServerName::parse("a:08448").is_ok());
    let event = with(draft(11), "/sender", json!("@alice:one.example:+80"));
    assert_dropped(&verify(&sign(&event, 11), 11), 1, "sender_invalid");
    // So it is no user ID in power levels.
    let text = |user: &str| {
        let room = Room::new(11).member(ALICE, "join");
        room.judge(&room.draft_state(POWER_LEVELS, "", ALICE, json!({"users": {user: 1}})))
    };
    rejected(&text("@a:b:+80"), Rule::PowerLevelsUsers, "power_levels_user_id_invalid");
    allowed(&text("@a:b:80"), Rule::PowerLevelsFirst);
}
