//! Section A of the rules: names of servers, users, rooms, aliases, events, room versions, keys.

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
    self, assert_accepted, assert_dropped, draft, key_answer, key_response, verify_draft, versions,
    with,
};
use common::model::Signer25519;
use fedproof::identifiers::{
    HostKind, ServerName, domain_of, is_ed25519_key_id, is_hash_identifier,
};
use fedproof::keys::{Dalek, KeyResponse};
use fedproof::reader::EventReader;
use fedproof::room_version::RoomVersion;
use serde_json::{Value, json};

fn host_of_length(length: usize) -> String {
    "h".repeat(length)
}

#[test]
fn a1_server_names() {
    let long = host_of_length(255);
    let table = [
        ("matrix.org", "matrix.org", None),
        ("matrix.org:8888", "matrix.org", Some(8888)),
        ("1.2.3.4", "1.2.3.4", None),
        ("1.2.3.4:1234", "1.2.3.4", Some(1234)),
        ("[1234:5678::abcd]", "1234:5678::abcd", None),
        ("[1234:5678::abcd]:5678", "1234:5678::abcd", Some(5678)),
        ("localhost", "localhost", None),
        ("X-1.Example", "X-1.Example", None),
        ("h:0", "h", Some(0)),
        ("h:99999", "h", Some(99_999)),
        ("h:00080", "h", Some(80)),
        (&long, &long, None),
    ];
    for (name, host, port) in table {
        let parsed = ServerName::parse(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((parsed.host, parsed.port), (host, port), "{name}");
    }
}

#[test]
fn a1_no_server_names() {
    let long = host_of_length(256);
    let table = [
        "",
        ":80",
        "h:",
        "h:123456",
        "h:+80",
        "h:-1",
        "h:8o",
        "h:80:80",
        "h: 80",
        "h.com ",
        " h",
        "a b",
        "a_b",
        "ä.example",
        "a/b",
        "u@h",
        "h#x",
        "h%41",
        "h\0",
        "h\n",
        "[::1",
        "::1",
        "[::1]80",
        "[::1]:",
        "[::1]:x",
        "[::1]x:80",
        "[]",
        "[h]",
        &long,
    ];
    for name in table {
        assert!(ServerName::parse(name).is_err(), "{name:?} was taken for a server name");
    }
}

#[test]
fn a2_kinds_of_hosts() {
    let table = [
        ("1.2.3.4", HostKind::Ipv4),
        ("255.255.255.255:1", HostKind::Ipv4),
        ("[::]", HostKind::Ipv6),
        ("[::FFFF:1.2.3.4]:1", HostKind::Ipv6),
        // No addresses, but names by their form.
        ("1.2.3.999", HostKind::Dns),
        ("1.2.3", HostKind::Dns),
        ("127.1", HostKind::Dns),
        ("2130706433", HostKind::Dns),
        ("1.2.3.4.", HostKind::Dns),
        ("1.2.3.4.5", HostKind::Dns),
        ("0x7f.0.0.1", HostKind::Dns),
    ];
    for (name, kind) in table {
        assert_eq!(ServerName::parse(name).map(|name| name.kind), Ok(kind), "{name}");
    }
    for name in ["[fe80::1%eth0]", "[::g]", "[1.2.3.4]", "[1:2:3:4:5:6:7:8:9]", "[::1::]"] {
        assert!(ServerName::parse(name).is_err(), "{name}");
    }
}

#[test]
fn a3_server_names_differ_by_case() {
    // The sender's server is One.example; one.example signed.
    let event = with(draft(11), "/sender", json!("@alice:One.example"));
    assert_dropped(&verify_draft(&event, 11), 2, "signature_missing");

    let key = make::one();
    let answer = key_response(&key_answer(&[&key], &[], make::FETCHED), &[&key]);
    let asked = |name| KeyResponse::verify(&answer, Some(name), make::FETCHED, &Dalek);
    assert!(asked("one.example").is_ok());
    assert_eq!(asked("One.example").unwrap_err().code(), "key_response_wrong_server");
}

#[test]
fn a4_an_identifier_is_split_at_its_first_colon() {
    let table = [
        ("@a:h", '@', Some("h")),
        ("@a:h:80", '@', Some("h:80")),
        ("@a:[::1]:80", '@', Some("[::1]:80")),
        ("$e:h", '$', Some("h")),
        ("a:h", '@', None),
        ("!a:h", '@', None),
        ("@@a:h", '!', None),
        ("@a", '@', None),
        ("@", '@', None),
        ("", '@', None),
        ("@a:", '@', None),
        ("@a:b:c:80", '@', None),
        ("@a::80", '@', None),
        ("@a:h h", '@', None),
    ];
    for (identifier, sigil, domain) in table {
        assert_eq!(domain_of(identifier, sigil), domain, "{identifier}");
    }
}

/// An identifier of so many bytes (and characters).
fn long(sigil: char, length: usize) -> String {
    format!("{sigil}{}:one.example", "x".repeat(length - 13))
}

#[test]
fn a5_user_ids_have_255_bytes_at_most() {
    for (number, _) in versions() {
        let event = |length| with(draft(number), "/sender", json!(long('@', length)));
        assert_accepted(&verify_draft(&event(255), number));
        assert_dropped(&verify_draft(&event(256), number), 1, "field_too_long");
    }
}

#[test]
fn a6_historical_local_parts_are_accepted() {
    let table = [
        "a",
        "a.b_c=d-e/f+0",
        "",
        "A",
        "ALICE",
        "a b",
        "é",
        "日本語",
        "😀",
        "\u{1}",
        "\t",
        "\n",
        "\u{7f}",
        "@",
        "a@b",
        "$",
        "#!?",
        "\"",
        "\\",
        "\u{fffd}",
        "\u{10ffff}",
    ];
    for localpart in table {
        let sender = format!("@{localpart}:one.example");
        assert_eq!(domain_of(&sender, '@'), Some("one.example"), "{sender:?}");
        let event = with(draft(10), "/sender", json!(sender));
        assert_accepted(&verify_draft(&event, 10));
    }
}

#[test]
fn a6_no_user_ids() {
    let table = [
        "",
        "@",
        "alice",
        "@alice",
        "alice:one.example",
        "!a:one.example",
        "@a\0b:one.example",
        "@a:",
        "@a:one example",
        "@a:one.example:",
        "@a:one.example:x",
        "@a:b:one.example",
        "@a:one_example",
        "@a:[::1",
        "one.example",
    ];
    for (number, _) in versions() {
        for sender in table {
            let event = with(draft(number), "/sender", json!(sender));
            assert_dropped(&verify_draft(&event, number), 1, "sender_invalid");
        }
    }
}

#[test]
fn a7_room_ids_up_to_version_11_have_a_domain() {
    let right = ["!room:one.example", "!:one.example", "!r:h:80", "!R o:h", "!é:[::1]"];
    let wrong = [
        "",
        "!",
        "!r",
        "!r:",
        "r:h",
        "#r:h",
        "@r:h",
        "$r:h",
        "!r:h:x",
        "!r\0:h",
        "!4tSSl2Rl-bnXDAS_Dhd6QJCJIqpcdcCcrGYFnMYwGGI",
    ];
    for number in 1..=11 {
        let event = |id: &str| with(draft(number), "/room_id", json!(id));
        for id in right {
            assert_accepted(&verify_draft(&event(id), number));
        }
        for id in wrong {
            assert_dropped(&verify_draft(&event(id), number), 1, "room_id_invalid");
        }
        assert_accepted(&verify_draft(&event(&long('!', 255)), number));
        assert_dropped(&verify_draft(&event(&long('!', 256)), number), 1, "field_too_long");
    }
}

#[test]
fn a8_room_ids_of_version_12_are_hashes() {
    let hash = "4tSSl2Rl-bnXDAS_Dhd6QJCJIqpcdcCcrGYFnMYwGGI";
    let verdict = |id: String| verify_draft(&with(draft(12), "/room_id", json!(id)), 12);
    assert_accepted(&verdict(format!("!{hash}")));
    for wrong in [
        "!room:one.example".to_owned(),
        format!("!{hash}:one.example"),
        format!("${hash}"),
        format!("!{}", &hash[1..]),
        format!("!{hash}A"),
        format!("!+{}", &hash[1..]),
        format!("!/{}", &hash[1..]),
        format!("!={}", &hash[1..]),
        "!".to_owned(),
    ] {
        assert!(!is_hash_identifier(&wrong, '!'), "{wrong}");
        assert_dropped(&verdict(wrong), 1, "room_id_invalid");
    }
}

#[test]
fn a9_room_aliases_have_the_same_form() {
    assert_eq!(domain_of("#room:one.example:80", '#'), Some("one.example:80"));
    for wrong in ["#room", "room:one.example", "!room:one.example", "#room:", "#a\0:h"] {
        assert_eq!(domain_of(wrong, '#'), None, "{wrong}");
    }
}

#[test]
fn a10_event_ids_of_versions_1_and_2_have_a_domain() {
    for number in [1, 2] {
        let event = |id: Value| with(draft(number), "/event_id", id);
        for right in ["$e:one.example", "$:one.example", "$E e é:one.example"] {
            assert_accepted(&verify_draft(&event(json!(right)), number));
        }
        for wrong in ["", "$", "$e", "$e:", "e:one.example", "!e:one.example", "$e:one.example:"] {
            assert_dropped(&verify_draft(&event(json!(wrong)), number), 1, "event_id_invalid");
        }
        assert_accepted(&verify_draft(&event(json!(long('$', 255))), number));
        let too_long = verify_draft(&event(json!(long('$', 256))), number);
        assert_dropped(&too_long, 1, "field_too_long");
    }
}

#[test]
fn a10_event_ids_from_version_3_on_are_hashes() {
    for number in 3..=12 {
        // Enough events that both alphabets show their own characters.
        let ids: String = (0..50)
            .map(|depth| {
                let event = with(draft(number), "/depth", json!(depth));
                let id = verify_draft(&event, number).event_id.unwrap();
                assert_eq!((id.len(), &id[..1]), (44, "$"));
                id[1..].to_owned()
            })
            .collect();
        let standard = ids.contains(['+', '/']);
        let url_safe = ids.contains(['-', '_']);
        assert_eq!((standard, url_safe), (number == 3, number >= 4), "version {number}");
    }
}

#[test]
fn a11_room_versions_are_opaque_texts() {
    for number in 1..=12 {
        assert_eq!(RoomVersion::get(&number.to_string()).unwrap().id, number.to_string());
    }
    for wrong in ["", "0", "13", "01", "1.0", " 1", "1 ", "+1", "٣", "one", "org.matrix.msc3757"] {
        let error = RoomVersion::get(wrong).unwrap_err();
        assert_eq!(error.0, wrong);
    }
}

#[test]
fn a11_a_create_event_without_room_version_means_1() {
    let version_of = |content: Value| {
        let create = make::state(1, "m.room.create", "", content);
        let mut reader = EventReader::new(false);
        reader.push(create.to_string().as_bytes()).unwrap();
        reader.end().unwrap();
        reader.create_room_version().map(str::to_owned)
    };
    assert_eq!(version_of(json!({"creator": "@a:h"})).as_deref(), Some("1"));
    assert_eq!(version_of(json!({"room_version": "11"})).as_deref(), Some("11"));
    // A number is no room version, and not a missing one either.
    assert_eq!(version_of(json!({"room_version": 6})), None);
    assert_eq!(version_of(json!({"room_version": null})), None);
}

#[test]
fn a12_key_ids() {
    for right in ["ed25519:1", "ed25519:a_VVol", "ed25519:AZaz09_", "ed25519:_"] {
        assert!(is_ed25519_key_id(right), "{right}");
    }
    let wrong = [
        "",
        "ed25519",
        "ed25519:",
        "ed25519:a b",
        "ed25519:a:b",
        "ed25519:a-b",
        "ed25519:é",
        "ed25519:a\n",
        "Ed25519:1",
        " ed25519:1",
        "rsa:1",
        ":1",
        "1",
    ];
    for wrong in wrong {
        assert!(!is_ed25519_key_id(wrong), "{wrong}");
    }
}

#[test]
fn a12_only_ed25519_is_known() {
    let other = Signer25519::new(make::ONE, "rsa:1");
    let only_other = make::sign_by(&draft(11), 11, &[&other]);
    assert_dropped(&make::verify(&only_other, 11), 2, "signature_unknown_algorithm");
    let both = make::sign_by(&draft(11), 11, &[&other, &make::one()]);
    assert_accepted(&make::verify(&both, 11));
}

#[test]
fn a13_delegated_names_have_the_form_of_server_names() {
    for right in ["matrix.one.example:443", "10.0.0.1", "[2001:db8::1]:8448"] {
        assert!(ServerName::parse(right).is_ok(), "{right}");
    }
    for wrong in ["https://one.example", "one.example/", "one.example:abc", "u@one.example", ""] {
        assert!(ServerName::parse(wrong).is_err(), "{wrong}");
    }
}
