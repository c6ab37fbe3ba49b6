//! Section E of the rules: signing, checking signatures, keys and when they are valid.

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
    FETCHED, ONE, TS, TWO, assert_accepted, assert_dropped, assert_flagged, draft, failure,
    key_answer, key_response, known, lacking, one, one_b, parsed, ring, ring_of, room_version,
    sign, sign_by, state, two, verify, versions, with,
};
use common::model::{self, Signer25519};
use common::{data, hex};
use fedproof::event::signatures::{self, ServerFailure, SignatureStatus, verify_event};
use fedproof::event::{Limits, Pdu, redaction};
use fedproof::keys::{
    Dalek, HotKeys, KeyRefusal, KeyResponse, KeyRing, KeyStanding, KnownKey, Moment, OldKey,
    PublicKey, SEVEN_DAYS, SignatureCheck, SignatureOutcome, SigningKey, publish, read_key_file,
};
use fedproof::receive::{self, Options};
use fedproof::verdict::{Outcome, Verdict};
use serde_json::{Value, json};

const DAY: i64 = 24 * 60 * 60 * 1000;

/// The key of the specification's vectors.
fn key_of_the_specification() -> Signer25519 {
    let seed = fedproof::encoding::decode::<32>("YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1");
    Signer25519::with_seed("domain", "ed25519:1", &seed.unwrap().bytes)
}

/// The library's key for one of the model.
fn library_key(signer: &Signer25519) -> SigningKey {
    SigningKey::from_seed(signer.key_id, signer.key.as_bytes()).unwrap()
}

fn sign_event(event: &Value, number: u8, signer: &Signer25519) -> Value {
    let key = library_key(signer);
    let signed = signatures::sign_event(&parsed(event), room_version(number), signer.server, &key);
    serde_json::from_str(signed.as_str()).unwrap()
}

fn sign_json(object: &Value, signer: &Signer25519) -> Value {
    let signed = signatures::sign_json(&parsed(object), signer.server, &library_key(signer));
    serde_json::from_str(signed.as_str()).unwrap()
}

/// What is wrong with the signatures of a server on a JSON object made now.
fn judge_json(object: &Value, server: &str, ring: &KeyRing) -> Result<(), ServerFailure> {
    let moment = Moment { ts: TS, enforce_validity: true };
    signatures::verify_json(&parsed(object), server, moment, ring).judge()
}

/// The verdict about an event with the keys of a ring of its own.
fn verify_with(event: &Value, number: u8, ring: &KeyRing) -> Verdict {
    let text = event.to_string();
    receive::verify(text.as_bytes(), room_version(number), ring, Options::default())
}

/// A ring that trusts these keys without end.
fn trusting(signers: &[&Signer25519]) -> KeyRing {
    let mut ring = KeyRing::default();
    for signer in signers {
        ring.add_trusted(signer.server, signer.key_id, known(signer)).unwrap();
    }
    ring
}

#[test]
fn p_the_public_key_of_the_specification() {
    let key = library_key(&key_of_the_specification());
    assert_eq!(key.public_key(), "XGX0JRS2Af3be3knz2fBiRbApjm2Dh61gXDJA8kcJNI");
}

#[test]
fn p_json_signing_vectors_of_the_specification() {
    let key = key_of_the_specification();
    let table = [
        (
            json!({}),
            "K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ",
        ),
        (
            json!({"one": 1, "two": "Two"}),
            "KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw",
        ),
    ];
    let ring = trusting(&[&key]);
    for (object, signature) in table {
        let signed = sign_json(&object, &key);
        let expected = with(object, "/signatures", json!({"domain": {"ed25519:1": signature}}));
        assert_eq!(signed, expected);
        assert_eq!(judge_json(&signed, "domain", &ring), Ok(()));
        let changed = with(signed, "/one", json!(2));
        assert_eq!(judge_json(&changed, "domain", &ring), Err(ServerFailure::Invalid));
    }
}

#[test]
fn p_event_signing_vectors_of_the_specification() {
    let key = key_of_the_specification();
    let minimal = json!({
        "room_id": "!x:domain", "sender": "@a:domain", "origin": "domain",
        "origin_server_ts": 1_000_000, "signatures": {}, "hashes": {}, "type": "X",
        "content": {}, "prev_events": [], "auth_events": [], "depth": 3,
        "unsigned": {"age_ts": 1_000_000},
    });
    let message = json!({
        "content": {"body": "Here is the message content"}, "event_id": "$0:domain",
        "origin": "domain", "origin_server_ts": 1_000_000, "type": "m.room.message",
        "room_id": "!r:domain", "sender": "@u:domain", "signatures": {}, "hashes": {},
        "unsigned": {"age_ts": 1_000_000},
    });
    let minimal_v1 =
        "KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg";
    let minimal_v11 =
        "Jxp+1glFcZM+nnHpY0EkedRR7u0VmKsJYGnQqIvqus3UvL5X/p1y6wSkLhGoTBel6MZ9lrMIzUqrjqFquWJKBw";
    let message_v1 =
        "Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA";
    for (number, _) in versions() {
        let signed = sign_event(&minimal, number, &key);
        let expected = if number <= 10 { minimal_v1 } else { minimal_v11 };
        assert_eq!(signed["signatures"]["domain"]["ed25519:1"], expected, "version {number}");
        assert_eq!(signed["unsigned"], minimal["unsigned"]);
        let hash = "5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos";
        assert_eq!(signed["hashes"], json!({"sha256": hash}));

        let signed = sign_event(&message, number, &key);
        let signature = &signed["signatures"]["domain"]["ed25519:1"];
        assert_eq!(signature == message_v1, number <= 10, "version {number}");
        let hash = "onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g";
        assert_eq!(signed["hashes"], json!({"sha256": hash}));
    }
}

#[test]
fn e1_a_json_signature_is_of_all_but_two_members() {
    let key = one();
    let object = json!({
        "a": {"signatures": 1, "unsigned": 2}, "unsigned": {"age": 1},
        "signatures": {"other": {"ed25519:x": "kept"}},
    });
    let signed = sign_json(&object, &key);
    let signature = key.sign(r#"{"a":{"signatures":1,"unsigned":2}}"#);
    let expected = with(object, "/signatures/one.example", json!({"ed25519:a": signature}));
    assert_eq!(signed, expected);

    let judge = |object: Value| judge_json(&object, ONE, ring());
    for harmless in ["/unsigned", "/signatures/other", "/signatures/new"] {
        assert_eq!(judge(with(signed.clone(), harmless, json!({"x": {}}))), Ok(()), "{harmless}");
    }
    for harmful in ["/a/signatures", "/a/unsigned", "/a/new", "/new"] {
        let changed = with(signed.clone(), harmful, json!(0));
        assert_eq!(judge(changed), Err(ServerFailure::Invalid), "{harmful}");
    }
}

#[test]
fn e1_signing_again_replaces_only_that_signature() {
    let object = json!({"a": 1});
    let twice = sign_json(&sign_json(&sign_json(&object, &one()), &one_b()), &two());
    let keys: Vec<_> = twice["signatures"][ONE].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["ed25519:a", "ed25519:b"]);
    assert_eq!(sign_json(&twice, &one()), twice);
    let stale = with(twice.clone(), "/signatures/one.example/ed25519:a", json!("stale"));
    assert_eq!(sign_json(&stale, &one()), twice);
    // What stands there and is no object gives way.
    for junk in [json!(null), json!([]), json!("x"), json!(1)] {
        let junk = json!({"a": 1, "signatures": junk});
        assert_eq!(sign_json(&junk, &one()), sign_json(&object, &one()));
    }
}

#[test]
fn e2_events_are_hashed_and_then_signed_redacted() {
    let types = [
        "m.room.member",
        "m.room.create",
        "m.room.power_levels",
        "m.room.join_rules",
        "m.room.aliases",
        "m.room.redaction",
        "m.room.message",
    ];
    for (number, _) in versions() {
        for event_type in types {
            let content = json!({"membership": "join", "invite": 1, "allow": [], "redacts": "$x",
                                 "aliases": [], "body": "x", "third_party_invite": {"signed": {}}});
            let mut event = state(number, event_type, "", content);
            event["unsigned"] = json!({"age": 1});
            event["hashes"] = json!({"sha256": "stale", "md5": "kept"});
            let signed = sign_event(&event, number, &one());

            let mut expected = event.clone();
            expected["hashes"]["sha256"] = json!(model::content_hash(&event));
            expected["signatures"] = json!({});
            let message = model::signed_text(&expected, number);
            one().add(&mut expected, &message);
            assert_eq!(signed, expected, "version {number} {event_type}");
            assert_accepted(&verify(&signed, number));
        }
    }
}

/// The event with something else in place of the signature of one.example.
fn with_signature(number: u8, key_id: &str, change: impl Fn(&str) -> String) -> Value {
    let event = sign(&draft(number), number);
    let signature = event["signatures"][ONE]["ed25519:a"].as_str().unwrap();
    let changed = change(signature);
    with(event, "/signatures", json!({ONE: {key_id: changed}}))
}

#[test]
fn e3_an_event_needs_a_signature() {
    for (number, _) in versions() {
        let event = sign(&draft(number), number);
        for signatures in [
            json!({}),
            json!({ONE: {}}),
            json!({"One.Example": {"ed25519:a": "x"}}),
            json!({TWO: {"ed25519:a": "x"}}),
            json!({"": {"ed25519:a": "x"}}),
        ] {
            let verdict = verify(&with(event.clone(), "/signatures", signatures), number);
            assert_dropped(&verdict, 2, "signature_missing");
        }
        for signatures in [json!([]), json!("x"), json!(null), json!(1)] {
            let verdict = verify(&with(event.clone(), "/signatures", signatures), number);
            assert_dropped(&verdict, 1, "field_wrong_type");
        }
        for entry in [
            json!("x"),
            json!(null),
            json!([]),
            json!({"ed25519:1": 1}),
            json!({"ed25519:1": null}),
            json!({"rsa:1": {}}),
        ] {
            for server in [ONE, "another.example"] {
                let pointer = format!("/signatures/{server}");
                let verdict = verify(&with(event.clone(), &pointer, entry.clone()), number);
                assert_dropped(&verdict, 1, "signatures_malformed");
            }
        }
        assert_dropped(&verify(&lacking(event, "signatures"), number), 1, "field_missing");
    }
}

#[test]
fn e3_algorithms_keys_and_base64() {
    for (number, _) in versions() {
        let changed = |key_id, change: &dyn Fn(&str) -> String| {
            verify(&with_signature(number, key_id, change), number)
        };
        let as_it_is = |signature: &str| signature.to_owned();
        assert_accepted(&changed("ed25519:a", &as_it_is));
        for key_id in ["rsa:a", "ED25519:a", "ed25519", "", "ed25519 :a", "a:ed25519"] {
            assert_dropped(&changed(key_id, &as_it_is), 2, "signature_unknown_algorithm");
        }
        for key_id in ["ed25519:unknown", "ed25519:", "ed25519:a b", "ed25519:a:b", "ed25519:A"] {
            assert_dropped(&changed(key_id, &as_it_is), 2, "signature_key_unknown");
        }
        let malformed: [&dyn Fn(&str) -> String; 10] = [
            &|_| String::new(),
            &|_| "!!".to_owned(),
            &|s| s[..s.len() - 1].to_owned(),
            &|s| format!("{s}AA"),
            &|s| format!("{s}AAA"),
            &|s| format!("{} {}", &s[..40], &s[40..]),
            &|s| format!("{s}\n"),
            &|s| format!("={s}"),
            &|s| format!("{s}==="),
            &|s| s.replacen(|c: char| c.is_ascii(), "é", 1),
        ];
        for change in malformed {
            assert_dropped(&changed("ed25519:a", change), 2, "signature_malformed");
        }
        let wrong: [&dyn Fn(&str) -> String; 3] =
            [&|_| "A".repeat(86), &|s| s.chars().rev().skip(1).chain(['A']).collect(), &|s| {
                format!("{}{}", if s.starts_with('A') { 'B' } else { 'A' }, &s[1..])
            }];
        for change in wrong {
            let verdict = changed("ed25519:a", change);
            assert_eq!(failure(&verdict), Some((2, "signature_invalid")), "{verdict:#?}");
        }
        // Padding and trailing bits are read; the other alphabet too, with a flag.
        assert_accepted(&changed("ed25519:a", &|s| format!("{s}==")));
        assert_accepted(&changed("ed25519:a", &|s| format!("{s}=")));
        let loose = |s: &str| {
            let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let last = letters.find(&s[85..]).unwrap() + 1;
            format!("{}{}", &s[..85], &letters[last..=last])
        };
        assert_accepted(&changed("ed25519:a", &loose));
        let url_safe = |s: &str| s.replace('+', "-").replace('/', "_");
        let written = with_signature(number, "ed25519:a", url_safe);
        let other = written != with_signature(number, "ed25519:a", as_it_is);
        assert_flagged(&verify(&written, number), if other { &["url_safe_base64"] } else { &[] });
    }
}

#[test]
fn e3_more_keys_than_there_are_tables_for() {
    let keys: Vec<_> =
        (0..120).map(|n| Signer25519::with_seed(ONE, "ed25519:a", &[n; 32])).collect();
    let points: Vec<_> =
        keys.iter().map(|key| PublicKey::from_base64(&key.public()).unwrap()).collect();
    let signature = |n: usize| fedproof::encoding::decode::<64>(&keys[n].sign("m")).unwrap().bytes;
    let signatures: Vec<_> = (0..keys.len()).map(signature).collect();
    let hot_keys = HotKeys::default();
    // All in turn, some more often than others, so that tables are made, lost and made again; each
    // with its own signature and with its neighbour's.
    for round in 0..8 {
        for n in (0..keys.len()).filter(|n| round % (n % 4 + 1) == 0) {
            for other in [n, (n + 1) % keys.len()] {
                let outcome = hot_keys.check(&points[n], b"m", &signatures[other]);
                let expected =
                    if other == n { SignatureOutcome::Valid } else { SignatureOutcome::Invalid };
                assert_eq!(outcome, expected, "key {n}, signature {other}, round {round}");
            }
        }
    }
}

#[test]
fn e4_the_senders_server_must_sign() {
    for (number, _) in versions() {
        assert_accepted(&verify(&sign_by(&draft(number), number, &[&one()]), number));
        let other = sign_by(&draft(number), number, &[&two()]);
        assert_dropped(&verify(&other, number), 2, "signature_missing");
        // The right server by name, but another's key.
        let mut event = sign_by(&draft(number), number, &[]);
        let message = model::signed_text(&event, number);
        event["signatures"] = json!({ONE: {"ed25519:a": two().sign(&message)}});
        assert_dropped(&verify(&event, number), 2, "signature_invalid");
        // Nobody else need sign, and nobody else's signature matters.
        let pointer = "/signatures/two.example";
        let event = sign(&draft(number), number);
        for junk in [json!({}), json!({"ed25519:a": "junk"}), json!({"x": "y"})] {
            assert_accepted(&verify(&with(event.clone(), pointer, junk), number));
        }
    }
}

#[test]
fn e4_the_port_is_part_of_the_server() {
    let port = Signer25519::new("one.example:8448", "ed25519:a");
    let event = with(draft(11), "/sender", json!("@alice:one.example:8448"));
    let ring = trusting(&[&port, &one()]);
    assert_accepted(&verify_with(&sign_by(&event, 11, &[&port]), 11, &ring));
    let bare = verify_with(&sign_by(&event, 11, &[&one()]), 11, &ring);
    assert_dropped(&bare, 2, "signature_missing");
}

#[test]
fn e5_in_versions_1_and_2_the_server_of_the_event_id_must_sign_too() {
    for (number, _) in versions() {
        let mut event = draft(number);
        if number <= 2 {
            event["event_id"] = json!("$event:two.example");
        }
        let both = sign_by(&event, number, &[&one(), &two()]);
        assert_accepted(&verify(&both, number));
        let only_sender = verify(&sign_by(&event, number, &[&one()]), number);
        if number <= 2 {
            assert_dropped(&only_sender, 2, "signature_missing");
            let only_id = verify(&sign_by(&event, number, &[&two()]), number);
            assert_dropped(&only_id, 2, "signature_missing");
            let junk = with(both, "/signatures/two.example/ed25519:a", json!("A".repeat(86)));
            assert_dropped(&verify(&junk, number), 2, "signature_invalid");
        } else {
            assert_accepted(&only_sender);
        }
    }
}

#[test]
fn e6_the_sender_need_not_sign_a_third_partys_invite() {
    let invite = json!({"membership": "invite", "third_party_invite": {"signed": {}}});
    for (number, _) in versions() {
        let event = |event_type, content: &Value| {
            sign_by(&state(number, event_type, "@bob:two.example", content.clone()), number, &[])
        };
        assert_accepted(&verify(&event("m.room.member", &invite), number));
        let not_exempt = [
            ("m.room.third_party_invite", invite.clone()),
            ("m.room.message", invite.clone()),
            ("m.room.member", with(invite.clone(), "/membership", json!("join"))),
            ("m.room.member", with(invite.clone(), "/membership", json!("Invite"))),
            ("m.room.member", with(invite.clone(), "/membership", json!(["invite"]))),
            ("m.room.member", lacking(invite.clone(), "membership")),
            ("m.room.member", lacking(invite.clone(), "third_party_invite")),
            ("m.room.member", json!({"membership": "invite", "x": {"third_party_invite": 1}})),
        ];
        for (event_type, content) in not_exempt {
            let verdict = verify(&event(event_type, &content), number);
            assert_dropped(&verdict, 2, "signature_missing");
        }
        // In versions 1 and 2 the event's ID still names a server that must sign.
        if number <= 2 {
            let content = invite.clone();
            let event = state(number, "m.room.member", "@bob:two.example", content);
            let event = with(event, "/event_id", json!("$event:two.example"));
            assert_dropped(&verify(&sign_by(&event, number, &[]), number), 2, "signature_missing");
            assert_accepted(&verify(&sign_by(&event, number, &[&two()]), number));
        }
    }
}

#[test]
fn e7_every_signature_by_a_known_key_must_be_right() {
    let ring = trusting(&[&one(), &one_b()]);
    let unknown = Signer25519::new(ONE, "ed25519:unknown");
    for (number, _) in versions() {
        let verdict = |event: &Value| verify_with(event, number, &ring);
        let both = sign_by(&draft(number), number, &[&one(), &one_b()]);
        assert_accepted(&verdict(&both));
        for bad in ["ed25519:a", "ed25519:b"] {
            let pointer = format!("/signatures/one.example/{bad}");
            let wrong = with(both.clone(), &pointer, json!("A".repeat(86)));
            assert_eq!(failure(&verdict(&wrong)), Some((2, "signature_invalid")));
            let junk = with(both.clone(), &pointer, json!("junk"));
            assert_dropped(&verdict(&junk), 2, "signature_malformed");
        }
        // What is not known is passed over, if something is left.
        let beside = sign_by(&draft(number), number, &[&one(), &unknown]);
        assert_accepted(&verdict(&beside));
        for key_id in ["ed25519:unknown", "rsa:1", "x", "ed25519:policy_server"] {
            let pointer = format!("/signatures/one.example/{key_id}");
            assert_accepted(&verdict(&with(both.clone(), &pointer, json!("junk"))));
        }
    }
}

#[test]
fn e7_the_signature_of_a_policy_server_proves_nothing_about_the_sender() {
    let policy = Signer25519::new(ONE, "ed25519:policy_server");
    // Even where its key is known as one of the server.
    let ring = trusting(&[&one(), &policy]);
    for (number, _) in versions() {
        let event = sign_by(&draft(number), number, &[&policy]);
        assert_dropped(&verify_with(&event, number, &ring), 2, "signature_missing");
        let event = sign_by(&draft(number), number, &[&policy, &one()]);
        assert_accepted(&verify_with(&event, number, &ring));
    }
}

/// A ring whose server lists key b as old, ended at `expired_ts`, and key a as current.
fn ring_with_old_key(expired_ts: i64) -> KeyRing {
    let answer = key_answer(&[&one()], &[(&one_b(), expired_ts)], FETCHED);
    ring_of(&[key_response(&answer, &[&one()])], FETCHED)
}

#[test]
fn e8_expired_keys_sign_older_events_only() {
    for (number, _) in versions() {
        let event = sign_by(&draft(number), number, &[&one_b()]);
        assert_accepted(&verify_with(&event, number, &ring_with_old_key(TS)));
        assert_accepted(&verify_with(&event, number, &ring_with_old_key(TS + 1)));
        let late = verify_with(&event, number, &ring_with_old_key(TS - 1));
        assert_dropped(&late, 2, "signature_key_expired");
        // Beside a good one it is passed over, even if it is wrong.
        let both = sign_by(&draft(number), number, &[&one(), &one_b()]);
        let wrong = with(both.clone(), "/signatures/one.example/ed25519:b", json!("junk"));
        assert_accepted(&verify_with(&both, number, &ring_with_old_key(TS - 1)));
        assert_accepted(&verify_with(&wrong, number, &ring_with_old_key(TS - 1)));
        let in_time = verify_with(&wrong, number, &ring_with_old_key(TS));
        assert_dropped(&in_time, 2, "signature_malformed");
    }
}

#[test]
fn e9_the_authorisers_signature_is_reported_where_restricted_joins_exist() {
    let content =
        json!({"membership": "join", "join_authorised_via_users_server": "@x:two.example"});
    for (number, version) in versions() {
        let report = |signers: &[&Signer25519], content: &Value| {
            let event = state(number, "m.room.member", "@alice:one.example", content.clone());
            let event = sign_by(&event, number, signers);
            // Whether it had to be there is not for checks 1 to 3.
            assert_accepted(&verify(&event, number));
            let pdu = Pdu::from_canonical(parsed(&event), version, Limits::All).unwrap();
            let mut signed = Vec::new();
            let form = redaction::Form::Signed;
            redaction::write_redacted(pdu.json(), version.redaction, form, &mut signed);
            verify_event(&pdu, pdu.is_third_party_invite(), &signed, ring()).authoriser
        };
        let both = report(&[&one(), &two()], &content);
        let only_sender = report(&[&one()], &content);
        if number < 8 {
            assert_eq!((both, only_sender), (None, None));
            continue;
        }
        let both = both.unwrap();
        assert_eq!((both.server.as_str(), both.judge()), (TWO, Ok(())));
        assert_eq!(only_sender.unwrap().judge(), Err(ServerFailure::Missing));
        for other in [json!(1), json!("x"), json!("two.example"), json!(null)] {
            let content = with(content.clone(), "/join_authorised_via_users_server", other);
            assert_eq!(report(&[&one()], &content), None);
        }
    }
}

#[test]
fn e10_the_invited_server_need_not_sign() {
    for (number, _) in versions() {
        let invite =
            state(number, "m.room.member", "@bob:two.example", json!({"membership": "invite"}));
        assert_accepted(&verify(&sign_by(&invite, number, &[&one()]), number));
        assert_accepted(&verify(&sign_by(&invite, number, &[&one(), &two()]), number));
        let only_invited = sign_by(&invite, number, &[&two()]);
        assert_dropped(&verify(&only_invited, number), 2, "signature_missing");
    }
}

/// The failure of an event made at `TS`, by a key that was valid until `valid_until_ts` when it was
/// fetched at `fetched_ts`.
fn with_validity(number: u8, valid_until_ts: i64, fetched_ts: i64) -> Option<(u8, &'static str)> {
    let answer = key_response(&key_answer(&[&one()], &[], valid_until_ts), &[&one()]);
    let ring = ring_of(&[answer], fetched_ts);
    failure(&verify_with(&sign(&draft(number), number), number, &ring))
}

#[test]
fn e11_e13_validity_counts_from_version_5_on() {
    for (number, version) in versions() {
        assert_eq!(version.enforce_key_validity, number >= 5);
        let too_late = (number >= 5).then_some((2, "signature_key_expired"));
        for (valid_until_ts, expected) in
            [(TS + 1, None), (TS, None), (TS - 1, too_late), (0, too_late), (-1, too_late)]
        {
            let failure = with_validity(number, valid_until_ts, FETCHED);
            assert_eq!(failure, expected, "version {number}, valid until {valid_until_ts}");
        }
    }
}

#[test]
fn e12_validity_ends_seven_days_after_the_answer_was_fetched() {
    assert_eq!(SEVEN_DAYS, 7 * DAY);
    for (number, _) in versions() {
        let year_3000 = 32_503_680_000_000;
        let too_late = (number >= 5).then_some((2, "signature_key_expired"));
        for (fetched_ts, expected) in [
            (TS, None),
            (TS - 7 * DAY, None),
            (TS - 7 * DAY - 1, too_late),
            (TS - 400 * DAY, too_late),
            // Fetched later than the event was made: no question.
            (TS + 400 * DAY, None),
            (i64::MAX, None),
        ] {
            let failure = with_validity(number, year_3000, fetched_ts);
            assert_eq!(failure, expected, "version {number}, fetched at {fetched_ts}");
        }
        // It does not end later than the server says.
        assert_eq!(with_validity(number, TS - 1, TS), too_late);
    }
}

#[test]
fn e14_a_key_that_is_not_there_is_incomplete_not_wrong() {
    for (number, _) in versions() {
        let event = sign_by(&draft(number), number, &[&one_b()]);
        // Nobody has been asked, or only before the event was made.
        let answer = key_response(&key_answer(&[&one()], &[], FETCHED), &[&one()]);
        for ring in [
            KeyRing::default(),
            trusting(&[&one()]),
            ring_of(std::slice::from_ref(&answer), TS - 1),
        ] {
            let verdict = verify_with(&event, number, &ring);
            assert_eq!(verdict.outcome, Outcome::Incomplete);
            assert_eq!(failure(&verdict), Some((2, "signature_key_missing")));
            assert_eq!(verdict.checks[1].missing, ["one.example ed25519:b"]);
        }
        // The server was asked afterwards and does not list it.
        let ring = ring_of(&[answer], TS);
        assert_dropped(&verify_with(&event, number, &ring), 2, "signature_key_unknown");
    }
}

#[test]
fn e14_all_that_is_missing_is_named() {
    let event = with(draft(1), "/event_id", json!("$event:two.example"));
    let event = sign_by(&event, 1, &[&one(), &one_b(), &two()]);
    let verdict = verify_with(&event, 1, &KeyRing::default());
    let missing = ["one.example ed25519:a", "one.example ed25519:b", "two.example ed25519:a"];
    assert_eq!(verdict.checks[1].missing, missing);
    // A failure that decides goes before one for want of a key.
    let event = with(event, "/signatures/two.example/ed25519:a", json!("A".repeat(86)));
    let verdict = verify_with(&event, 1, &trusting(&[&two()]));
    assert_eq!(failure(&verdict), Some((2, "signature_invalid")));
    assert!(verdict.checks[1].missing.is_empty());
}

#[test]
fn e15_old_keys_are_for_what_was_signed_before() {
    let ring = ring_with_old_key(TS - 1);
    let standing = |key_id, ts| {
        let moment = Moment { ts, enforce_validity: true };
        matches!(ring.standing(ONE, key_id, moment), KeyStanding::Good(_))
    };
    assert!(standing("ed25519:b", TS - 1));
    assert!(!standing("ed25519:b", TS));
    assert!(standing("ed25519:a", TS));
}

/// What becomes of an answer: the IDs taken, and those refused with the code; or the code of why
/// all of it is refused.
type Answer = Result<(Vec<String>, Vec<(String, &'static str)>), &'static str>;

fn take(answer: &[u8]) -> Answer {
    let response =
        KeyResponse::verify(answer, None, FETCHED, &Dalek).map_err(|error| error.code())?;
    let refused = |key_id: &str| response.refused.iter().any(|refused| refused.key_id == key_id);
    let taken = response.keys.iter().map(|(key_id, _)| key_id.clone());
    Ok((
        taken.filter(|key_id| !refused(key_id)).collect(),
        response.refused.iter().map(|r| (r.key_id.clone(), r.refusal.code())).collect(),
    ))
}

fn taken(key_ids: &[&str], refused: &[(&str, &'static str)]) -> Answer {
    Ok((
        key_ids.iter().map(|key_id| (*key_id).to_owned()).collect(),
        refused.iter().map(|(key_id, code)| ((*key_id).to_owned(), *code)).collect(),
    ))
}

#[test]
fn e16_a_key_response_is_signed_by_its_own_keys() {
    let (a, b) = (one(), one_b());
    let answer = key_answer(&[&a, &b], &[], FETCHED);
    let both = taken(&["ed25519:a", "ed25519:b"], &[]);
    assert_eq!(take(&key_response(&answer, &[&a, &b])), both);
    // One active key is enough.
    assert_eq!(take(&key_response(&answer, &[&a])), both);
    assert_eq!(take(&key_response(&answer, &[&b])), both);
    // None is not, nor is one that is not listed, or only as old, or another server's.
    assert_eq!(take(&key_response(&answer, &[])), Err("key_response_unsigned"));
    let other = Signer25519::new(ONE, "ed25519:c");
    assert_eq!(take(&key_response(&answer, &[&other])), Err("key_response_unsigned"));
    assert_eq!(take(&key_response(&answer, &[&two()])), Err("key_response_unsigned"));
    let old = key_answer(&[&a], &[(&b, TS)], FETCHED);
    assert_eq!(take(&key_response(&old, &[&b])), Err("key_response_unsigned"));
    assert_eq!(take(&key_response(&old, &[&a])), both);
    // A wrong one is not made good by another.
    let signed: Value = serde_json::from_slice(&key_response(&answer, &[&a, &b])).unwrap();
    for key_id in ["ed25519:a", "ed25519:b"] {
        for junk in [json!("A".repeat(86)), json!("junk"), json!(""), json!(1), json!(null)] {
            let pointer = format!("/signatures/one.example/{key_id}");
            let wrong = with(signed.clone(), &pointer, junk);
            assert_eq!(take(wrong.to_string().as_bytes()), Err("key_response_signature_invalid"));
        }
    }
}

#[test]
fn e16_a_key_response_is_signed_whole() {
    let answer = key_answer(&[&one()], &[(&one_b(), TS)], FETCHED);
    let answer = with(answer, "/org.example", json!({"x": [1.5, null]}));
    let signed: Value = serde_json::from_slice(&key_response(&answer, &[&one()])).unwrap();
    let text = |value: &Value| value.to_string().into_bytes();
    assert_eq!(take(&text(&signed)), taken(&["ed25519:a", "ed25519:b"], &[]));
    for (pointer, value) in [
        ("/valid_until_ts", json!(FETCHED + 1)),
        ("/org.example", json!(1)),
        ("/new", json!(1)),
        ("/old_verify_keys", json!({})),
        ("/old_verify_keys/ed25519:b/expired_ts", json!(TS + 1)),
        ("/verify_keys/ed25519:c", json!({"key": two().public()})),
    ] {
        let changed = with(signed.clone(), pointer, value);
        assert_eq!(take(&text(&changed)), Err("key_response_signature_invalid"), "{pointer}");
    }
    let unsigned = with(signed, "/unsigned", json!(1));
    assert_eq!(take(&text(&unsigned)), taken(&["ed25519:a", "ed25519:b"], &[]));
}

#[test]
fn e16_a_key_response_has_four_fields() {
    let answer = key_answer(&[&one()], &[], FETCHED);
    let resigned = |answer: Value| take(&key_response(&answer, &[&one()]));
    for field in ["server_name", "verify_keys", "valid_until_ts"] {
        assert_eq!(
            resigned(lacking(answer.clone(), field)),
            Err("key_response_invalid"),
            "{field}"
        );
        for junk in [json!(null), json!([]), json!(true), json!(1.5), json!("a b")] {
            let answer = with(answer.clone(), &format!("/{field}"), junk);
            assert_eq!(resigned(answer), Err("key_response_invalid"), "{field}");
        }
    }
    assert_eq!(resigned(lacking(answer.clone(), "old_verify_keys")), taken(&["ed25519:a"], &[]));
    for junk in [json!([]), json!("x"), json!(null)] {
        let answer = with(answer.clone(), "/old_verify_keys", junk);
        assert_eq!(resigned(answer), Err("key_response_invalid"));
    }
    for signatures in [json!(null), json!([]), json!("x"), json!({ONE: []}), json!({ONE: null})] {
        let answer = with(answer.clone(), "/signatures", signatures);
        assert_eq!(take(answer.to_string().as_bytes()), Err("key_response_unsigned"));
    }
    for text in ["", "<html>", "{", "[]", "null", "1", "\"x\""] {
        let code = if ["", "<html>", "{"].contains(&text) {
            "json_syntax"
        } else {
            "key_response_invalid"
        };
        assert_eq!(take(text.as_bytes()), Err(code), "{text}");
    }
}

#[test]
fn e16_a_key_response_is_of_the_server_that_was_asked() {
    let answer = key_response(&key_answer(&[&one()], &[], FETCHED), &[&one()]);
    let asked = |name| KeyResponse::verify(&answer, name, FETCHED, &Dalek);
    assert_eq!(asked(Some(ONE)).unwrap().server_name, ONE);
    assert_eq!(asked(None).unwrap().server_name, ONE);
    for name in [TWO, "one.example:8448", "ONE.example", ""] {
        assert_eq!(asked(Some(name)).unwrap_err().code(), "key_response_wrong_server", "{name}");
    }
}

#[test]
fn e16_a_bad_key_does_not_spoil_the_others() {
    let table = [
        ("ed25519:x", json!({"key": ""}), "key_invalid"),
        ("ed25519:x", json!({"key": "!!"}), "key_invalid"),
        ("ed25519:x", json!({"key": model::base64(&[1; 31])}), "key_invalid"),
        ("ed25519:x", json!({"key": model::base64(&[1; 33])}), "key_invalid"),
        ("ed25519:x", json!({"key": 1}), "key_invalid"),
        ("ed25519:x", json!({}), "key_invalid"),
        ("ed25519:x", json!("key"), "key_invalid"),
        ("ed25519:x", json!(null), "key_invalid"),
        // y = 2 is on no point of the curve.
        ("ed25519:x", json!({"key": model::base64(&[&[2][..], &[0; 31]].concat())}), "key_invalid"),
        ("ed25519:x", json!({"key": model::base64(&[0; 32])}), "key_weak"),
        ("ed25519:x", json!({"key": LEAKED}), "key_leaked"),
        ("curve25519:x", json!({"key": "AAAA"}), "key_id_invalid"),
        ("ed25519:a b", json!({"key": two().public()}), "key_id_invalid"),
        ("", json!({"key": two().public()}), "key_id_invalid"),
    ];
    for (key_id, key, code) in table {
        for list in ["verify_keys", "old_verify_keys"] {
            let mut answer = key_answer(&[&one()], &[], FETCHED);
            answer[list][key_id] = key.clone();
            if list == "old_verify_keys" && key.is_object() {
                answer[list][key_id]["expired_ts"] = json!(TS);
            } else if list == "old_verify_keys" {
                continue;
            }
            let expected = taken(&["ed25519:a"], &[(key_id, code)]);
            assert_eq!(take(&key_response(&answer, &[&one()])), expected, "{key_id} {key}");
        }
    }
}

#[test]
fn e16_a_key_response_lists_a_bounded_number_of_keys() {
    let answer = |count: usize| {
        let mut answer = key_answer(&[&one()], &[], FETCHED);
        for index in 1..count {
            let list = if index % 2 == 0 { "verify_keys" } else { "old_verify_keys" };
            answer[list][format!("ed25519:k{index}")] = json!({"key": "junk", "expired_ts": 1});
        }
        take(&key_response(&answer, &[&one()]))
    };
    assert_eq!(answer(512).unwrap().0, ["ed25519:a"]);
    assert_eq!(answer(513), Err("key_response_invalid"));
}

#[test]
fn e16_synapse_uses_the_same_keys() {
    let file: Value =
        serde_json::from_slice(&std::fs::read(data("key_responses.json")).unwrap()).unwrap();
    let now = file["now"].as_i64().unwrap();
    let responses = file["responses"].as_array().unwrap();
    assert_eq!(responses.len(), 17);
    for row in responses {
        let text = |key: &str| row[key].as_str().unwrap();
        let mut ring = KeyRing::default();
        let response = KeyResponse::verify(
            text("response").as_bytes(),
            Some(text("asked")),
            now,
            ring.check(),
        );
        let taken = response.map(|response| ring.add(response));
        let moment = Moment { ts: now, enforce_validity: true };
        let standing = ring.standing(text("asked"), text("key_id"), moment);
        let used = matches!(standing, KeyStanding::Good(_));
        assert_eq!(used, row["synapse_used_the_key"], "{}: {taken:?}", row["case"]);
    }
}

#[test]
fn e17_the_servers_own_signature_makes_a_notarys_answer() {
    let notary = two();
    let answer = key_answer(&[&one()], &[], FETCHED);
    let good = taken(&["ed25519:a"], &[]);
    assert_eq!(take(&key_response(&answer, &[&one(), &notary])), good);
    assert_eq!(take(&key_response(&answer, &[&one()])), good);
    assert_eq!(take(&key_response(&answer, &[&notary])), Err("key_response_unsigned"));
    let wrong: Value = serde_json::from_slice(&key_response(&answer, &[&one()])).unwrap();
    let wrong = with(wrong, "/signatures/two.example", json!({"ed25519:a": "A".repeat(86)}));
    assert_eq!(take(wrong.to_string().as_bytes()), good);
}

#[test]
fn e17_answers_of_a_real_notary() {
    let file: Value =
        serde_json::from_slice(&std::fs::read(data("key_responses.json")).unwrap()).unwrap();
    let notary = &file["notary"];
    let name = notary["name"].as_str().unwrap();
    let own = notary["own"].as_str().unwrap().as_bytes();
    let now = file["now"].as_i64().unwrap();
    let ring = ring_of(&[own.to_vec()], now);
    for answer in notary["answers"].as_array().unwrap() {
        let text = answer.as_str().unwrap();
        assert!(take(text.as_bytes()).is_ok());
        // The notary's signature is one over JSON like any other.
        let value: Value = serde_json::from_str(text).unwrap();
        let judge = |value: &Value| {
            let moment = Moment { ts: now, enforce_validity: true };
            signatures::verify_json(&parsed(value), name, moment, &ring).judge()
        };
        assert_eq!(judge(&value), Ok(()));
        let changed = with(value, "/valid_until_ts", json!(1));
        assert_eq!(judge(&changed), Err(ServerFailure::Invalid));
    }
}

#[test]
fn e20_one_key_id_stands_for_one_key() {
    // Within one answer: what is said first of all, as current, stays.
    let impostor = Signer25519::with_seed(ONE, "ed25519:a", &[7; 32]);
    let mut answer = key_answer(&[&one()], &[(&impostor, TS)], FETCHED);
    let expected = taken(&[], &[("ed25519:a", "key_conflict")]);
    assert_eq!(take(&key_response(&answer, &[&one()])), expected);
    let ring = ring_of(&[key_response(&answer, &[&one()])], FETCHED);
    assert_eq!(ring.get(ONE, "ed25519:a").unwrap().key.to_base64(), one().public());
    // The same key as current and as old: it has ended.
    answer["old_verify_keys"]["ed25519:a"] = json!({"key": one().public(), "expired_ts": TS - 1});
    let ring = ring_of(&[key_response(&answer, &[&one()])], FETCHED);
    assert_eq!(ring.get(ONE, "ed25519:a").unwrap().expired_ts, Some(TS - 1));

    // Across answers: the first one seen stays.
    let mut ring =
        ring_of(&[key_response(&key_answer(&[&one()], &[], FETCHED), &[&one()])], FETCHED);
    let later = key_response(&key_answer(&[&impostor], &[], FETCHED), &[&impostor]);
    let refused = ring.add(KeyResponse::verify(&later, None, FETCHED, &Dalek).unwrap());
    let codes: Vec<_> = refused.iter().map(|refused| refused.refusal).collect();
    assert_eq!(codes, [KeyRefusal::Conflict]);
    assert_eq!(ring.get(ONE, "ed25519:a").unwrap().key.to_base64(), one().public());
    assert_eq!(ring.add_trusted(ONE, "ed25519:a", known(&impostor)), Err(KeyRefusal::Conflict));
    // Under another server's name it is another key.
    assert_eq!(ring.add_trusted(TWO, "ed25519:a", known(&impostor)), Ok(()));
}

#[test]
fn e20_later_answers_renew_and_end_keys() {
    let answer = |valid_until| key_response(&key_answer(&[&one()], &[], valid_until), &[&one()]);
    let ring = |answers: &[(Vec<u8>, i64)]| {
        let mut ring = KeyRing::default();
        for (answer, fetched_ts) in answers {
            ring.add(KeyResponse::verify(answer, None, *fetched_ts, &Dalek).unwrap());
        }
        let known: KnownKey = ring.get(ONE, "ed25519:a").unwrap().clone();
        (known.valid_until_ts, known.expired_ts)
    };
    // A spurious answer with a shorter validity takes nothing away; a longer one gives.
    assert_eq!(ring(&[(answer(TS + 9), TS), (answer(TS + 3), TS + 1)]), (Some(TS + 9), None));
    assert_eq!(ring(&[(answer(TS + 3), TS), (answer(TS + 9), TS + 1)]), (Some(TS + 9), None));
    // The newer answer knows whether the key has ended, in whatever order they come.
    let ended = key_answer(&[&one_b()], &[(&one(), TS + 5)], TS + 99);
    let ended = key_response(&ended, &[&one_b()]);
    assert_eq!(ring(&[(answer(TS + 9), TS), (ended.clone(), TS + 6)]).1, Some(TS + 5));
    assert_eq!(ring(&[(ended.clone(), TS + 6), (answer(TS + 9), TS)]).1, Some(TS + 5));
    assert_eq!(ring(&[(ended.clone(), TS + 6), (answer(TS + 99), TS + 7)]).1, None);
    // Of two fetched in the same millisecond, the one that came in later.
    assert_eq!(ring(&[(answer(TS + 9), TS), (ended.clone(), TS)]).1, Some(TS + 5));
    assert_eq!(ring(&[(ended, TS), (answer(TS + 9), TS)]).1, None);
}

#[test]
fn e20_once_a_key_has_ended_its_end_counts_and_not_what_was_promised() {
    // Promised until before the event; later, the server says that it ended after the event.
    let promised = key_response(&key_answer(&[&one()], &[], TS - 10), &[&one()]);
    let ended = key_answer(&[&one_b()], &[(&one(), TS + 5)], TS + 99);
    let ended = key_response(&ended, &[&one_b()]);
    for (number, _) in versions() {
        let event = sign(&draft(number), number);
        let mut ring = ring_of(std::slice::from_ref(&promised), TS - 20);
        let before = failure(&verify_with(&event, number, &ring));
        assert_eq!(before, (number >= 5).then_some((2, "signature_key_expired")));
        ring.add(KeyResponse::verify(&ended, None, TS + 6, &Dalek).unwrap());
        assert_accepted(&verify_with(&event, number, &ring));
    }
}

#[test]
fn e20_an_old_key_must_say_when_it_ended() {
    for expired_ts in [json!(null), json!("1"), json!(1.5), json!(true)] {
        let mut answer = key_answer(&[&one()], &[(&one_b(), TS)], FETCHED);
        answer["old_verify_keys"]["ed25519:b"]["expired_ts"] = expired_ts;
        let expected = taken(&["ed25519:a"], &[("ed25519:b", "key_without_expiry")]);
        assert_eq!(take(&key_response(&answer, &[&one()])), expected);
    }
}

#[test]
fn e21_a_policy_servers_signature_is_added_to_what_is_there() {
    let policy = Signer25519::new(ONE, "ed25519:policy_server");
    for (number, _) in versions() {
        let event = sign_by(&draft(number), number, &[&one(), &two()]);
        let signed = sign_event(&event, number, &policy);
        let mut expected = event.clone();
        policy.add(&mut expected, &model::signed_text(&event, number));
        assert_eq!(signed, expected);
        assert_accepted(&verify(&signed, number));
    }
}

/// The public half of a key whose private half is known to everybody, and that half.
const LEAKED: &str = "l/O9hxMVKB6Lg+3Hqf0FQQZhVESQcMzbPN1Cz2nM3og";
const LEAKED_SEED: &str = "0194fdc2fa2ffcc041d3ff12045b73c86e4ff95ff662a5eee82abdf44a2d0b75";

#[test]
fn leaked_keys_are_refused_however_they_are_written() {
    let leaked = Signer25519::with_seed(ONE, "ed25519:0", &hex(LEAKED_SEED).try_into().unwrap());
    assert_eq!(leaked.public(), LEAKED);
    let mut loose = LEAKED.to_owned();
    loose.replace_range(42.., "j");
    for text in [LEAKED, &format!("{LEAKED}="), &LEAKED.replace('/', "_").replace('+', "-"), &loose]
    {
        let key = PublicKey::from_base64(text).unwrap();
        assert!(matches!(key.refusal(), Some(KeyRefusal::Leaked(_))), "{text}");
        let refusal = KeyRing::default().add_trusted(
            ONE,
            "ed25519:0",
            KnownKey { key, valid_until_ts: None, expired_ts: None, fetched_ts: None },
        );
        assert_eq!(refusal.unwrap_err().code(), "key_leaked");
    }
    assert_eq!(PublicKey::from_base64(&one().public()).unwrap().refusal(), None);

    // Whole answers: vouched for by it alone, and by another key too.
    let alone = key_answer(&[&leaked], &[], FETCHED);
    assert_eq!(take(&key_response(&alone, &[&leaked])), Err("key_response_unsigned"));
    let both = key_answer(&[&one(), &leaked], &[], FETCHED);
    assert_eq!(take(&key_response(&both, &[&leaked])), Err("key_response_unsigned"));
    let answer = key_response(&both, &[&one(), &leaked]);
    assert_eq!(take(&answer), taken(&["ed25519:a"], &[("ed25519:0", "key_leaked")]));

    let ring = ring_of(&[answer], FETCHED);
    for (number, _) in versions() {
        let event = sign_by(&draft(number), number, &[&leaked]);
        assert_dropped(&verify_with(&event, number, &ring), 2, "signature_key_refused");
        let event = sign_by(&draft(number), number, &[&leaked, &one()]);
        assert_accepted(&verify_with(&event, number, &ring));
    }
}

#[test]
fn weak_keys_are_refused_and_the_event_is_flagged() {
    // The identity: R = identity, S = 0 fits every message for those who do not look.
    let weak = model::base64(&[&[1][..], &[0; 31]].concat());
    let signature = model::base64(&[&[1][..], &[0; 63]].concat());
    let mut answer = key_answer(&[&one()], &[], FETCHED);
    answer["verify_keys"]["ed25519:w"] = json!({"key": weak});
    let ring = ring_of(&[key_response(&answer, &[&one()])], FETCHED);
    for (number, _) in versions() {
        let event = with(
            sign(&draft(number), number),
            "/signatures",
            json!({ONE: {"ed25519:w": signature}}),
        );
        let verdict = verify_with(&event, number, &ring);
        assert_dropped(&verdict, 2, "signature_key_refused");
        assert_eq!(verdict.flags, ["ed25519_divergent"]);
    }
}

#[test]
fn signing_keys_come_from_seeds_and_key_files() {
    let seed = [3; 32];
    let key = SigningKey::from_seed("ed25519:x", &seed).unwrap();
    let model = Signer25519::with_seed(ONE, "ed25519:x", &seed);
    assert_eq!((key.public_key(), key.key_id()), (model.public(), "ed25519:x"));
    assert_eq!(model::base64(&key.sign(b"m")), model.sign("m"));
    assert!(!format!("{key:?}").contains('3'), "{key:?}");
    for (key_id, seed, code) in [
        ("ed25519:", &seed[..], "key_id_invalid"),
        ("rsa:x", &seed, "key_id_invalid"),
        ("ed25519:x", &seed[1..], "seed_invalid"),
        ("ed25519:x", &[0; 33], "seed_invalid"),
        ("ed25519:x", &[], "seed_invalid"),
    ] {
        assert_eq!(SigningKey::from_seed(key_id, seed).unwrap_err().code(), code);
    }

    let base64 = model::base64(&seed);
    let file = format!("# Synapse\n\ned25519 x {base64}\r\n  ed25519\ty\t{base64}=\n");
    let keys = SigningKey::from_key_file(&file).unwrap();
    let ids: Vec<_> = keys.iter().map(|key| (key.key_id(), key.public_key())).collect();
    assert_eq!(ids, [("ed25519:x", model.public()), ("ed25519:y", model.public())]);
    for (wrong, message) in [
        ("".to_owned(), "no key"),
        ("\n# only a comment\n".to_owned(), "no key"),
        (format!("ed25519 x {base64}\nrsa y {base64}"), "line 2"),
        (format!("ed25519 x {base64} more"), "line 1"),
        ("\ned25519 x".to_owned(), "line 2"),
        (format!("ed25519 x {}", &base64[1..]), "line 1"),
        (format!("ed25519 x-y {base64}"), "line 1"),
        (format!("ed25519:x {base64}"), "line 1"),
    ] {
        let error = SigningKey::from_key_file(&wrong).unwrap_err();
        assert_eq!(error.code(), "key_file_invalid");
        assert!(error.to_string().contains(message), "{error}");
        assert!(!error.to_string().contains(&base64[1..]), "the seed is in the message");
    }
}

#[test]
fn seeds_are_found_where_they_stand() {
    // Letters only, so that it can be a version, too.
    let seed = "A".repeat(43);
    for (file, start) in [
        (format!("ed25519 x {seed}"), 10),
        (format!("ed25519 {seed} {seed}\n"), 52),
        (format!("# é\n ed25519  x\t{seed}  \r\n"), 17),
    ] {
        let entries = read_key_file(&file).unwrap();
        assert_eq!(entries[0].seed, start..start + 43, "{file}");
        assert_eq!(file[entries[0].seed.clone()], seed);
    }
}

#[test]
fn b16_keys_and_signatures_in_the_url_safe_alphabet_are_noted() {
    let url_safe = |text: &str| text.replace('+', "-").replace('/', "_");
    // A key and a signature that differ between the alphabets.
    let key = (0..).map(|n| Signer25519::with_seed(ONE, "ed25519:a", &[n; 32]));
    let key = key.into_iter().find(|key| key.public().contains(['+', '/'])).unwrap();
    let read = |answer: &Value| {
        let text = answer.to_string();
        KeyResponse::verify(text.as_bytes(), None, FETCHED, &Dalek).unwrap().url_safe
    };
    let answer = key_answer(&[&key], &[], FETCHED);
    let signed: Value = serde_json::from_slice(&key_response(&answer, &[&key])).unwrap();
    assert!(!read(&signed));
    let signature = signed["signatures"][ONE]["ed25519:a"].as_str().unwrap();
    let other =
        with(signed.clone(), "/signatures/one.example/ed25519:a", json!(url_safe(signature)));
    assert_eq!(read(&other), url_safe(signature) != signature);
    let answer = with(answer, "/verify_keys/ed25519:a/key", json!(url_safe(&key.public())));
    let signed: Value = serde_json::from_slice(&key_response(&answer, &[&key])).unwrap();
    assert!(read(&signed));
}

#[test]
fn evidence_names_every_signature_and_what_became_of_it() {
    let ring = ring_with_old_key(TS - 1);
    let event = sign_by(&draft(11), 11, &[&one_b()]);
    let mut event = with(event, "/signatures/one.example/ed25519:zz", json!("x"));
    event["signatures"][ONE]["rsa:1"] = json!("x");
    event["signatures"][ONE]["ed25519:policy_server"] = json!("x");
    let verdict = verify_with(&event, 11, &ring);
    let check = serde_json::to_value(&verdict.checks[1]).unwrap();
    let server = &check["evidence"]["required"][0];
    assert_eq!(server["server"], ONE);
    assert_eq!(server["code"], "signature_key_expired");
    let because: Vec<_> = server["signatures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["key_id"].as_str().unwrap(), s["because"].as_str().unwrap()))
        .collect();
    assert_eq!(
        because,
        [
            ("ed25519:b", "key_expired"),
            ("ed25519:policy_server", "policy_server"),
            ("ed25519:zz", "key_unknown"),
            ("rsa:1", "unknown_algorithm"),
        ]
    );
    let report = signatures::verify_json(
        &parsed(&event),
        ONE,
        Moment { ts: TS, enforce_validity: true },
        &ring,
    );
    assert_eq!(
        report.signatures[0].status,
        SignatureStatus::KeyExpired { expired_ts: Some(TS - 1) }
    );
}

#[test]
fn e16_what_we_publish_proves_itself() {
    let (first, second) = (library_key(&one()), library_key(&one_b()));
    let old = |key_id: &str, public_key: &str| OldKey {
        key_id: key_id.to_owned(),
        public_key: public_key.to_owned(),
        expired_ts: 7,
    };
    let public = two().public();
    let until = FETCHED + DAY;
    let answer = publish(ONE, &[&first, &second], &[old("ed25519:o", &public)], until).unwrap();
    let read = KeyResponse::verify(answer.text(), Some(ONE), FETCHED, &Dalek).unwrap();
    assert_eq!(read.valid_until_ts, until);
    let ids: Vec<_> = read.keys.iter().map(|(id, known)| (id.as_str(), known.expired_ts)).collect();
    assert_eq!(ids, [("ed25519:a", None), ("ed25519:b", None), ("ed25519:o", Some(7))]);
    let signatures = answer.get("signatures").unwrap().get(ONE).unwrap();
    assert_eq!(signatures.as_object().unwrap().count(), 2);
    for (old, code) in [
        (old("ed25519:a", &public), "key_conflict"),
        (old("rsa:o", &public), "key_id_invalid"),
        (old("ed25519:o", "AA"), "key_invalid"),
    ] {
        let error = publish(ONE, &[&first], std::slice::from_ref(&old), until).unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.to_string().starts_with(&old.key_id), "{error}");
    }
    let twice = publish(ONE, &[&first, &first], &[], until).unwrap_err();
    assert_eq!(twice.code(), "key_conflict");
}
