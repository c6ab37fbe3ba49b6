//! Section K of the rules: server ACLs.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use std::collections::HashSet;

use common::make::{ONE, assert_accepted, draft, lacking, parsed, sign, state, verify, with};
use fedproof::acl::{
    Decision, EduRooms, Ground, ProtectedEndpoint, Protection, ServerAcl, edu_rooms,
    protected_endpoint,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The ACL with this content.
fn acl(content: Value) -> ServerAcl {
    ServerAcl::from_content(parsed(&content).value())
}

/// The ACL that allows all but these.
fn denying(deny: Value) -> ServerAcl {
    acl(json!({"allow": ["*"], "deny": deny}))
}

/// An event that sets the ACL of a room.
fn acl_event(content: Value) -> Value {
    state(11, "m.room.server_acl", "", content)
}

/// Does the pattern fit, by itself in a list?
fn matches(pattern: &str, server_name: &str) -> bool {
    acl(json!({"allow": [pattern]})).check(server_name).allowed()
}

#[track_caller]
fn assert_decides(decision: Decision<'_>, allowed: bool, step: u8, code: &str) {
    let decided = (decision.allowed(), decision.step(), decision.code());
    assert_eq!(decided, (allowed, Some(step), code), "{decision:?}");
    assert!(decision.reason().contains(decision.host.unwrap()), "{}", decision.reason());
}

#[test]
fn k1_without_an_acl_all_are_allowed() {
    for name in ["a.example", "1.2.3.4", "[::1]:8448"] {
        assert_decides(ServerAcl::none().check(name), true, 1, "acl_none");
    }
    assert_eq!(ServerAcl::none().ignored(), None);
    // An ACL that says nothing is one.
    assert_decides(acl(json!({})).check("a.example"), false, 5, "acl_not_allowed");
}

#[test]
fn k1_events_that_are_not_the_acl_of_the_room_are_ignored() {
    let event = acl_event(json!({"deny": ["a.example"]}));
    let table = [
        (with(event.clone(), "/state_key", json!("x")), "state_key of the event is \"x\""),
        (with(event.clone(), "/state_key", json!(null)), "state_key of the event is null"),
        (lacking(event.clone(), "state_key"), "no state_key"),
        (with(event.clone(), "/type", json!("m.room.Server_acl")), "\"m.room.Server_acl\""),
    ];
    for (event, why) in table {
        let acl = ServerAcl::from_event(&parsed(&event));
        let decision = acl.check("a.example");
        assert_decides(decision, true, 1, "acl_none");
        assert!(acl.ignored().unwrap().contains(why), "{:?}", acl.ignored());
        assert!(decision.reason().contains(why), "{}", decision.reason());
        let evidence = serde_json::to_value(decision.evidence()).unwrap();
        assert_eq!(evidence["ignored"], acl.ignored().unwrap());
    }
    let acl = ServerAcl::from_event(&parsed(&event));
    assert_eq!(acl.ignored(), None);
    assert_decides(acl.check("a.example"), false, 3, "acl_denied");
}

#[test]
fn k1_contents_are_taken_as_they_are() {
    let bare = json!({"allow": ["a.example"]});
    // What has not both a type and a content of the right kinds is a content itself.
    let odd = [("type", json!("x")), ("type", json!(1)), ("content", json!({}))];
    let odd = odd.map(|(key, value)| {
        let mut content = bare.clone();
        content[key] = value;
        content
    });
    for content in odd.into_iter().chain([bare]) {
        let acl = ServerAcl::from_event(&parsed(&content));
        assert_eq!(acl.ignored(), None);
        assert!(acl.check("a.example").allowed());
        assert_decides(acl.check("b.example"), false, 5, "acl_not_allowed");
    }
    // A content that looks like an event: who knows that it is a content can say so.
    let disguised = json!({"type": "x", "content": {}, "allow": []});
    assert!(ServerAcl::from_event(&parsed(&disguised)).check("a.example").allowed());
    assert!(!acl(disguised).check("a.example").allowed());
    // No list, nobody.
    for nothing in [json!([]), json!(null), json!("x"), json!([["*"]])] {
        assert!(!ServerAcl::from_event(&parsed(&nothing)).check("a.example").allowed());
    }
}

#[test]
fn k2_ip_literals_can_be_denied() {
    let lists = json!({"allow": ["*"], "deny": [], "allow_ip_literals": false});
    for name in ["1.2.3.4", "1.2.3.4:8448", "[::1]", "[::1]:1", "[2001:DB8::1.2.3.4]"] {
        assert_decides(acl(lists.clone()).check(name), false, 2, "acl_ip_literal");
        assert_decides(
            acl(with(lists.clone(), "/allow_ip_literals", json!(true))).check(name),
            true,
            4,
            "acl_allowed",
        );
        assert!(acl(lacking(lists.clone(), "allow_ip_literals")).check(name).allowed());
    }
    // Names that have something of an address.
    for name in ["999.1.1.1", "1.2.3", "1.2.3.4.5", "1.2.3.4.example", "beef"] {
        assert_decides(acl(lists.clone()).check(name), true, 4, "acl_allowed");
    }
}

#[test]
fn k2_ip_literals_come_before_the_lists() {
    let ip = "1.2.3.4";
    let denied = acl(json!({"allow": [ip], "deny": [ip], "allow_ip_literals": false}));
    assert_decides(denied.check(ip), false, 2, "acl_ip_literal");
    let listed = acl(json!({"allow": [ip], "deny": [ip]}));
    assert_decides(listed.check(ip), false, 3, "acl_denied");
}

#[test]
fn k3_deny_comes_before_allow() {
    let acl = acl(json!({"allow": ["*.example", "b.*"], "deny": ["a.example", "*.a.example"]}));
    let table = [
        ("a.example", false, 3, "acl_denied", Some(("deny", "a.example"))),
        ("x.a.example", false, 3, "acl_denied", Some(("deny", "*.a.example"))),
        ("b.example", true, 4, "acl_allowed", Some(("allow", "*.example"))),
        ("b.test", true, 4, "acl_allowed", Some(("allow", "b.*"))),
        ("c.test", false, 5, "acl_not_allowed", None),
    ];
    for (name, allowed, step, code, entry) in table {
        let decision = acl.check(name);
        assert_decides(decision, allowed, step, code);
        assert_eq!(decision.entry(), entry, "{name}");
    }
}

#[test]
fn k3_missing_lists_are_empty() {
    assert!(acl(json!({"allow": ["a.example"]})).check("a.example").allowed());
    for content in [json!({}), json!({"allow": []}), json!({"deny": ["b.example"]})] {
        let acl = acl(content);
        let decision = acl.check("a.example");
        assert_decides(decision, false, 5, "acl_not_allowed");
        assert_eq!(decision.ground, Ground::NotAllowed { entries: 0 });
        assert!(decision.reason().contains("no entries"), "{}", decision.reason());
    }
}

#[test]
fn k3_the_first_entry_that_fits_is_named() {
    // One for each way in which entries are looked up, in each order.
    let entries = ["A.example", "a.*", "*.EXAMPLE", "a?example", "*e*"];
    for turn in 0..entries.len() {
        let mut turned = entries;
        turned.rotate_left(turn);
        let acl = denying(json!(turned));
        assert_eq!(acl.check("a.example").entry(), Some(("deny", turned[0])));
    }
    let twice = denying(json!(["a.EXAMPLE", "A.example"]));
    assert_eq!(twice.check("a.example").entry(), Some(("deny", "a.EXAMPLE")));
}

#[test]
fn k4_globs() {
    let table = [
        ("*", "a", true),
        ("**", "a", true),
        ("", "a", false),
        ("?", "a", true),
        ("?", "ab", false),
        ("??", "a", false),
        ("*?", "a", true),
        ("?*?", "a", false),
        ("a*b", "ab", true),
        ("a*b", "axxb", true),
        ("a*b", "axxbc", false),
        ("a*b*c", "abbc", true),
        ("*b*", "abc", true),
        ("*b*", "b", true),
        ("*b*", "ac", false),
        ("*.example", "a.example", true),
        ("*.example", ".example", true),
        ("*.example", "example", false),
        ("a*", "a", true),
        ("a*", "ba", false),
        ("*a", "ab", false),
        ("a**b", "axb", true),
        // The whole name.
        ("a.example", "a.example.test", false),
        ("a.example", "aa.example", false),
        ("b", "abc", false),
        // Nothing else is special.
        ("a.c", "abc", false),
        ("[ab]", "a", false),
        ("a+", "aa", false),
        ("a|b", "a", false),
        ("(a)", "a", false),
        ("^a$", "a", false),
        ("\\*", "a", false),
        ("{a,b}", "a", false),
        ("!a", "b", false),
        ("a%2Ab", "axb", false),
        (" a", "a", false),
        ("a\n", "a", false),
    ];
    for (pattern, name, fits) in table {
        assert_eq!(matches(pattern, name), fits, "{pattern} on {name}");
    }
}

#[test]
fn k4_case_does_not_count() {
    for (pattern, name) in [
        ("EVIL.com", "evil.COM"),
        ("*.Evil.com", "x.eVIL.com"),
        ("eVi*", "EvIl.com"),
        ("E?I*", "evil.com"),
        ("[2001:DB8::a]", "[2001:db8::A]"),
    ] {
        assert!(matches(pattern, name), "{pattern} on {name}");
    }
}

#[test]
fn k4_ports_do_not_count() {
    for name in ["evil.com", "evil.com:8448", "evil.com:1"] {
        let acl = denying(json!(["evil.com"]));
        assert_decides(acl.check(name), false, 3, "acl_denied");
        assert_eq!(acl.check(name).host, Some("evil.com"));
    }
    // An entry with a port fits nothing.
    for name in ["evil.com", "evil.com:8448"] {
        assert!(!matches("evil.com:8448", name));
        assert!(!matches("*:*", name));
    }
}

#[test]
fn k4_ipv6_addresses_keep_their_brackets() {
    for name in ["[2001:db8::1]", "[2001:db8::1]:8448"] {
        for pattern in ["[2001:db8::1]", "[2001:db8:*", "*]", "[*:*]", "?2001:db8::1?"] {
            assert!(matches(pattern, name), "{pattern} on {name}");
        }
        for pattern in ["2001:db8::1", "[2001:db8::1]:8448", "2001*", "*::1", "[2001:db8:0::1]"] {
            assert!(!matches(pattern, name), "{pattern} on {name}");
        }
        assert_eq!(denying(json!([])).check(name).host, Some("[2001:db8::1]"));
    }
}

#[test]
fn k4_what_is_no_server_name_is_denied() {
    for name in ["", "a b", "a:", ":8448", "[::1", "[a]", "é.example", "a_b", "a.example:x", "*"] {
        for acl in [denying(json!([])), ServerAcl::none()] {
            let decision = acl.check(name);
            assert_eq!(decision.code(), "acl_server_name_invalid");
            assert_eq!((decision.allowed(), decision.step()), (false, None), "{name}");
            assert_eq!((decision.host, decision.entry()), (None, None), "{name}");
            assert!(decision.reason().contains("is not a server name: "));
        }
    }
    let too_long = "a".repeat(256);
    assert_eq!(denying(json!([])).check(&too_long).code(), "acl_server_name_invalid");
}

#[test]
fn k4_the_longest_names_are_compared_to_the_end() {
    for length in [1, 62, 63, 64, 65, 127, 128, 191, 192, 254, 255] {
        let name = "a".repeat(length - 1) + "b";
        for (pattern, fits) in [
            ("*a*b", length > 1),
            ("*?b", length > 1),
            ("?*b", length > 1),
            ("*?a", false),
            ("*b?", false),
        ] {
            assert_eq!(matches(pattern, &name), fits, "{pattern} on {length}");
        }
        for (count, fits) in [(length - 1, false), (length, true), (length + 1, false)] {
            assert_eq!(matches(&"?".repeat(count), &name), fits, "{count} on {length}");
        }
    }
}

#[test]
fn k5_the_server_is_asked_about_not_the_sender() {
    // The event's own sender is of a server that it denies: it counts all the same.
    let event = acl_event(json!({"allow": ["*"], "deny": [ONE]}));
    assert!(event["sender"].as_str().unwrap().ends_with(ONE));
    let acl = ServerAcl::from_event(&parsed(&event));
    assert!(!acl.check(ONE).allowed());
    assert!(acl.check("two.example").allowed());
}

fn room(name: &'static str, version: &'static str, room_id: Option<&str>) -> ProtectedEndpoint {
    let protection = Protection::Room { room_id: room_id.map(str::to_owned) };
    ProtectedEndpoint { name, version, protection }
}

#[test]
fn k6_endpoints_of_a_room() {
    let table = [
        ("v1", "make_join", "/@a:one.example?ver=11&ver=12"),
        ("v1", "make_leave", "/@a:one.example"),
        ("v1", "send_join", "/$e"),
        ("v2", "send_join", "/$e?omit_members=true"),
        ("v1", "send_leave", "/$e"),
        ("v2", "send_leave", "/$e"),
        ("v1", "invite", "/$e"),
        ("v2", "invite", "/$e"),
        ("v1", "make_knock", "/@a:one.example"),
        ("v1", "send_knock", "/$e"),
        ("v1", "state", "?event_id=$e"),
        ("v1", "state_ids", "?event_id=$e"),
        ("v1", "backfill", "?v=$e&limit=1"),
        ("v1", "event_auth", "/$e"),
        ("v1", "get_missing_events", ""),
    ];
    for (version, name, rest) in table {
        for room_id in ["!r:one.example", "%21r%3aone.example", "%21r%3Aone%2Eexample"] {
            let path = format!("/_matrix/federation/{version}/{name}/{room_id}{rest}");
            let found = protected_endpoint(&path).unwrap_or_else(|| panic!("{path}"));
            assert_eq!(found, room(name, version, Some("!r:one.example")), "{path}");
        }
    }
}

#[test]
fn k6_room_ids_are_decoded_strictly() {
    let table = [
        ("!a%2Fb:x", Some("!a/b:x")),
        ("!a%3Fb:x", Some("!a?b:x")),
        ("!%C3%A9:x", Some("!é:x")),
        ("!é:x", Some("!é:x")),
        ("!a+b:x", Some("!a+b:x")),
        ("!%2525:x", Some("!%25:x")),
        ("!%:x", None),
        ("!%2", None),
        ("!%2g:x", None),
        ("!%+1:x", None),
        ("!%FF:x", None),
        ("!%C3", None),
        ("!%ED%A0%80", None),
        ("", None),
    ];
    for (segment, room_id) in table {
        let path = format!("/_matrix/federation/v1/state/{segment}");
        for path in [format!("{path}?event_id=$e"), format!("{path}/x"), path] {
            assert_eq!(protected_endpoint(&path), Some(room("state", "v1", room_id)), "{path}");
        }
    }
    // Without a room it is protected all the same.
    for path in ["/_matrix/federation/v1/state", "/_matrix/federation/v1/state?x=/!r:x"] {
        assert_eq!(protected_endpoint(path), Some(room("state", "v1", None)));
    }
    // A server may find the endpoint under an escaped name too.
    let escaped = "/%5Fmatrix/federation/v1/make%5fjoin/!r:x/@a:x";
    assert_eq!(protected_endpoint(escaped), Some(room("make_join", "v1", Some("!r:x"))));
}

#[test]
fn k6_all_else_is_not_protected() {
    for path in [
        "/_matrix/federation/v1/event/$e",
        "/_matrix/federation/v1/timestamp_to_event/!r:x",
        "/_matrix/federation/v1/hierarchy/!r:x",
        "/_matrix/federation/v1/exchange_third_party_invite/!r:x",
        "/_matrix/federation/v1/3pid/onbind",
        "/_matrix/federation/v1/query/profile",
        "/_matrix/federation/v1/publicRooms",
        "/_matrix/federation/v1/user/devices/@a:x",
        "/_matrix/federation/v1/user/keys/query",
        "/_matrix/federation/v1/openid/userinfo",
        "/_matrix/federation/v1/version",
        "/_matrix/federation/v2/make_join/!r:x/@a:x",
        "/_matrix/federation/v2/state/!r:x",
        "/_matrix/federation/v2/send/1",
        "/_matrix/federation/v1/make_joins/!r:x",
        "/_matrix/federation/v1/make_join2",
        "/_matrix/federation/v1/Make_join/!r:x/@a:x",
        "/_matrix/federation/v1/stat/!r:x",
        "/_matrix/federation/v1/x/make_join/!r:x",
        "/_matrix/federation/v1/make%join/!r:x",
        "/_matrix/federation/v1",
        "/_matrix/federation/unstable/make_join/!r:x",
        "/_matrix/client/v1/state/!r:x",
        "/_matrix/key/v2/server",
        "/x/_matrix/federation/v1/state/!r:x",
        "/_matrix/federation/v1?/state/!r:x",
        "_matrix/federation/v1/state/!r:x",
        "https://x/_matrix/federation/v1/state/!r:x",
        "/_matrix",
        "/",
        "",
        "?",
    ] {
        assert_eq!(protected_endpoint(path), None, "{path}");
    }
}

#[test]
fn k7_transactions_are_protected_per_event() {
    for path in ["/_matrix/federation/v1/send/1", "/_matrix/federation/v1/send/1?x=y"] {
        let expected =
            ProtectedEndpoint { name: "send", version: "v1", protection: Protection::PerEvent };
        assert_eq!(protected_endpoint(path), Some(expected));
    }
}

fn rooms_of(edu_type: &str, content: Value) -> EduRooms {
    edu_rooms(parsed(&json!({"edu_type": edu_type, "content": content})).value())
}

#[test]
fn k7_a_typing_notification_is_of_one_room() {
    let typing = json!({"room_id": "!r:x", "user_id": "@a:x", "typing": true});
    let whole = |room_id: Option<&str>| EduRooms::Whole { room_id: room_id.map(str::to_owned) };
    assert_eq!(rooms_of("m.typing", typing.clone()), whole(Some("!r:x")));
    for content in [json!({}), json!([]), with(typing, "/room_id", json!(["!r:x"]))] {
        assert_eq!(rooms_of("m.typing", content), whole(None));
    }
}

#[test]
fn k7_receipts_are_of_several_rooms() {
    let receipt = json!({"m.read": {"@a:x": {"event_ids": ["$e"], "data": {"ts": 1}}}});
    let content = json!({"!b:x": receipt, "!a:x": receipt, "!\"\u{1}:x": 1});
    let by_room =
        |rooms: &[&str]| EduRooms::ByRoom { rooms: rooms.iter().map(|&id| id.into()).collect() };
    assert_eq!(rooms_of("m.receipt", content), by_room(&["!\"\u{1}:x", "!a:x", "!b:x"]));
    for content in [json!({}), json!([]), json!("!a:x")] {
        assert_eq!(rooms_of("m.receipt", content), by_room(&[]));
    }
}

#[test]
fn k7_other_edus_are_untouched() {
    for edu_type in ["m.presence", "m.device_list_update", "m.direct_to_device", "m.Typing", ""] {
        let content = json!({"room_id": "!r:x", "!r:x": {}});
        assert_eq!(rooms_of(edu_type, content), EduRooms::Unprotected, "{edu_type}");
    }
    for edu in [json!({}), json!([]), json!({"edu_type": 1}), json!({"type": "m.typing"})] {
        assert_eq!(edu_rooms(parsed(&edu).value()), EduRooms::Unprotected, "{edu}");
    }
}

#[test]
fn k8_policy_servers_may_ask() {
    let expected =
        ProtectedEndpoint { name: "sign", version: "v1", protection: Protection::Optional };
    assert_eq!(protected_endpoint("/_matrix/policy/v1/sign"), Some(expected));
    for path in ["/_matrix/policy/v2/sign", "/_matrix/policy/v1/signs", "/_matrix/policy/v1"] {
        assert_eq!(protected_endpoint(path), None, "{path}");
    }
}

#[test]
fn k9_events_of_denied_servers_are_judged_like_others() {
    assert!(!denying(json!([ONE])).check(ONE).allowed());
    assert_accepted(&verify(&sign(&draft(11), 11), 11));
    assert_accepted(&verify(&sign(&acl_event(json!({"deny": [ONE]})), 11), 11));
}

#[test]
fn k9_evidence_tells_what_was_compared() {
    let acl = acl(json!({"allow": ["*.Example"], "deny": ["E?IL.*"]}));
    let evidence = |name: &str| serde_json::to_value(acl.check(name).evidence()).unwrap();
    let expected = json!({
        "server_name": "Evil.com:8448", "host": "Evil.com", "list": "deny", "entry": "E?IL.*",
    });
    assert_eq!(evidence("Evil.com:8448"), expected);
    let expected = json!({
        "server_name": "a.example", "host": "a.example", "list": "allow", "entry": "*.Example",
    });
    assert_eq!(evidence("a.example"), expected);
    assert_eq!(evidence("[::1]:1"), json!({"server_name": "[::1]:1", "host": "[::1]"}));
    assert_eq!(evidence("a b"), json!({"server_name": "a b"}));
    let reasons = [
        ("Evil.com:8448", "\"Evil.com\" matches the entry \"E?IL.*\" of deny"),
        ("a.example", "\"a.example\" matches the entry \"*.Example\" of allow, and none of deny"),
        ("[::1]:1", "\"[::1]\" matches none of the entries of allow (1)"),
    ];
    for (name, reason) in reasons {
        assert_eq!(acl.check(name).reason(), reason);
    }
}

#[test]
fn h104_case_port_and_literal_dots() {
    assert!(!denying(json!(["EVIL.com"])).check("evil.com:8448").allowed());
    for name in ["evil.com", "xevil.com"] {
        assert!(denying(json!(["*.evil.com"])).check(name).allowed());
    }
    assert!(denying(json!(["e.il"])).check("exil").allowed());
}

#[test]
fn h105_only_the_boolean_false_denies_addresses() {
    let with = |value: Value| acl(json!({"allow": ["*"], "allow_ip_literals": value}));
    for name in ["1.2.3.4", "1.2.3.4:8448", "[::1]", "[::1]:1"] {
        assert_decides(with(json!(false)).check(name), false, 2, "acl_ip_literal");
    }
    for value in [json!("false"), json!(0), json!(null), json!([]), json!({}), json!("")] {
        assert_decides(with(value).check("1.2.3.4"), true, 4, "acl_allowed");
    }
}

#[test]
fn h106_hostile_patterns() {
    let name = "a".repeat(230);
    let table = [
        ("a*".repeat(30_000), false),
        ("a*".repeat(230), true),
        ("a*".repeat(231), false),
        ("?".repeat(20_000), false),
        ("*".repeat(60_000), true),
        ("*?".repeat(230), true),
        ("*?".repeat(231), false),
        ("*a".repeat(100) + "*c", false),
        ("*a".repeat(30_000) + "*c", false),
        ("*a".repeat(230), true),
        ("*a*aa".repeat(70) + "*", true),
        ("\u{10ffff}".repeat(10_000), false),
        ("a".repeat(60_000), false),
    ];
    for (pattern, fits) in table {
        let start: String = pattern.chars().take(8).collect();
        assert_eq!(matches(&pattern, &name), fits, "{start}… of {}", pattern.len());
    }
}

#[test]
fn h106_ten_thousand_entries() {
    let entry = |number: usize| match number % 4 {
        0 => format!("s{number}.example"),
        1 => format!("*.s{number}.example"),
        2 => format!("s{number}.*"),
        _ => format!("*s{number}.?xample"),
    };
    let name = |number: usize| match number % 4 {
        1 => format!("a.s{number}.example:8448"),
        _ => format!("S{number}.example"),
    };
    let acl = denying((0..10_000).map(entry).collect());
    for number in (0..10_000).step_by(97) {
        assert_eq!(acl.check(&name(number)).entry(), Some(("deny", &*entry(number))));
    }
    assert!(acl.check("s10000.example").allowed());
}

#[test]
fn h107_odd_contents() {
    for content in [json!({}), json!({"allow": []}), json!({"allow": "x"})] {
        for name in ["x", "a.example", "1.2.3.4"] {
            assert_decides(acl(content.clone()).check(name), false, 5, "acl_not_allowed");
        }
    }
    let acl = acl(json!({
        "allow": [1, "a.*", null],
        "deny": [{}, true, "a.test", ["a.example"], 1.5],
    }));
    assert_eq!(acl.skipped(), 6);
    assert!(acl.check("a.example").allowed());
    assert!(!acl.check("a.test").allowed());
    assert_eq!(ServerAcl::none().skipped(), 0);
    let other_key = with(acl_event(json!({})), "/state_key", json!("x"));
    assert!(ServerAcl::from_event(&parsed(&other_key)).check("a.example").allowed());
}

#[test]
fn h107_only_ascii_is_folded() {
    for pattern in ["\u{212a}.example", "*\u{212a}.example", "\u{212a}*", "?\u{212a}*"] {
        for name in ["k.example", "K.example", "kk.example"] {
            assert!(!matches(pattern, name), "{pattern} on {name}");
        }
    }
    assert!(!matches("\u{17f}.example", "s.example"));
}

/// A matcher that tries everything, one character at a time.
fn fits(pattern: &str, host: &str) -> bool {
    type Failed = HashSet<(usize, usize)>;
    fn from_here(pattern: &[char], host: &[char], failed: &mut Failed) -> bool {
        if failed.contains(&(pattern.len(), host.len())) {
            return false;
        }
        let fits = match (pattern, host) {
            ([], rest) => rest.is_empty(),
            (['*', after @ ..], [_, rest @ ..]) => {
                from_here(after, host, failed) || from_here(pattern, rest, failed)
            }
            (['*', after @ ..], []) => from_here(after, host, failed),
            ([symbol, after @ ..], [character, rest @ ..]) => {
                (*symbol == '?' || symbol.eq_ignore_ascii_case(character))
                    && from_here(after, rest, failed)
            }
            (_, []) => false,
        };
        if !fits {
            failed.insert((pattern.len(), host.len()));
        }
        fits
    }
    let characters = |text: &str| text.chars().collect::<Vec<_>>();
    from_here(&characters(pattern), &characters(host), &mut Failed::new())
}

/// A long host, and a pattern that begins as the host and then is changed here and there.
fn host_and_pattern() -> impl Strategy<Value = (String, String)> {
    let change = (any::<prop::sample::Index>(), 0..12_usize, "[*?ab]{0,2}");
    ("[ab]{1,255}", prop::collection::vec(change, 0..6)).prop_map(|(host, changes)| {
        let mut pattern = host.clone();
        for (at, length, new) in changes {
            let at = at.index(pattern.len() + 1);
            pattern.replace_range(at..(at + length).min(pattern.len()), &new);
        }
        (host, pattern)
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn k4_short_globs_are_as_the_slow_matcher_says(
        pattern in "[abA.é*?]{0,10}",
        host in "[abB.]{1,10}",
    ) {
        prop_assert_eq!(matches(&pattern, &host), fits(&pattern, &host));
    }

    #[test]
    fn k4_long_globs_are_as_the_slow_matcher_says((host, pattern) in host_and_pattern()) {
        prop_assert_eq!(matches(&pattern, &host), fits(&pattern, &host));
    }

    #[test]
    fn k4_lists_are_as_their_entries_one_by_one(
        entries in prop::collection::vec("[*]?[abA.]{0,3}[*?]?[ab]?[*]?", 0..20),
        host in "[abB.]{1,5}",
    ) {
        let acl = denying(json!(entries));
        let first = entries.iter().find(|entry| fits(entry, &host));
        let expected = first.map_or(("allow", "*"), |entry| ("deny", entry.as_str()));
        prop_assert_eq!(acl.check(&host).entry(), Some(expected));
    }

    #[test]
    fn k4_nothing_panics(content in any::<String>(), name in any::<String>()) {
        let acl = acl(json!({"allow": [content], "deny": [name]}));
        let decision = acl.check(&name);
        prop_assert!(!decision.reason().is_empty());
        let state = protected_endpoint(&format!("/_matrix/federation/v1/state/{name}"));
        prop_assert_eq!(state.unwrap().name, "state");
        prop_assert_eq!(protected_endpoint(&name), None);
    }
}
