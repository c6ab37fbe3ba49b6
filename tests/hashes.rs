//! Section C of the rules: content hashes, reference hashes, event IDs; the specification's vectors.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use common::Room;
use common::make::{
    assert_accepted, assert_dropped, assert_flagged, assert_redacted, draft, lacking, parsed, ring,
    room_version, sign, state, verify, verify_draft, versions, with,
};
use common::model::{self, base64};
use fedproof::event::hashes;
use fedproof::receive::{self, Options};
use serde_json::{Value, json};

fn content_hash(event: &Value) -> String {
    base64(&hashes::content_hash(&parsed(event)))
}

/// The reference hash as the event ID has it.
fn reference_hash(event: &Value, number: u8) -> String {
    let version = room_version(number);
    hashes::encode_reference_hash(&hashes::reference_hash(&parsed(event), version), version)
}

fn event_id(event: &Value, number: u8) -> Option<String> {
    let (event, version) = (parsed(event), room_version(number));
    hashes::event_id(&event, &hashes::reference_hash(&event, version), version)
}

/// The specification's minimal event, with its hash and signature.
fn minimal() -> Value {
    json!({
        "room_id": "!x:domain", "sender": "@a:domain", "origin": "domain",
        "origin_server_ts": 1_000_000, "type": "X", "content": {}, "prev_events": [],
        "auth_events": [], "depth": 3, "unsigned": {"age_ts": 1_000_000},
        "hashes": {"sha256": "5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos"},
        "signatures": {"domain": {"ed25519:1": concat!(
            "KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5",
            "KLjAWbOoMszkwsQma+lYAg")}},
    })
}

#[test]
fn p_content_hashes_of_the_specification() {
    assert_eq!(content_hash(&minimal()), "5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos");
    let message = json!({
        "content": {"body": "Here is the message content"}, "event_id": "$0:domain",
        "origin": "domain", "origin_server_ts": 1_000_000, "type": "m.room.message",
        "room_id": "!r:domain", "sender": "@u:domain", "signatures": {}, "hashes": {},
        "unsigned": {"age_ts": 1_000_000},
    });
    assert_eq!(content_hash(&message), "onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g");
}

#[test]
fn p_reference_hashes_derived_from_the_specification() {
    for number in 4..=10 {
        let hash = reference_hash(&minimal(), number);
        assert_eq!(hash, "8yif6p8EqgoSten2BLje9ntKm720NyFLWQv9tn8memc", "version {number}");
    }
    for number in 11..=12 {
        let hash = reference_hash(&minimal(), number);
        assert_eq!(hash, "70O_oKlXzFbkfu0KE88USi98DjSWrOELrPj-8tisl8I", "version {number}");
    }
}

#[test]
fn c1_the_content_hash_leaves_out_three_members() {
    let event = json!({"a": 1, "content": {"unsigned": 1, "hashes": 1, "signatures": 1}});
    let text = r#"{"a":1,"content":{"hashes":1,"signatures":1,"unsigned":1}}"#;
    assert_eq!(hashes::content_hash(&parsed(&event)), model::sha256(text));
    for (key, counts) in [
        ("unsigned", false),
        ("signatures", false),
        ("hashes", false),
        ("event_id", true),
        ("age_ts", true),
        ("redacts", true),
        ("origin", true),
        ("unknown", true),
        ("", true),
    ] {
        let with_key = with(event.clone(), &format!("/{key}"), json!({"x": 1}));
        assert_eq!(content_hash(&with_key) != content_hash(&event), counts, "{key}");
        assert_eq!(content_hash(&with_key), model::content_hash(&with_key), "{key}");
    }
}

#[test]
fn c1_other_hash_algorithms_are_passed_over() {
    for (number, _) in versions() {
        let mut event = draft(number);
        event["hashes"] = json!({"sha256": model::content_hash(&event), "md5": "x", "": ""});
        let message = model::signed_text(&event, number);
        event["signatures"] = json!({});
        common::make::one().add(&mut event, &message);
        assert_accepted(&verify(&event, number));
    }
}

#[test]
fn c2_the_reference_hash_is_of_the_redacted_event() {
    for (number, _) in versions() {
        let event = sign(&state(number, "m.room.topic", "", json!({"topic": "t"})), number);
        let hash = reference_hash(&event, number);
        let same = [
            with(event.clone(), "/content/topic", json!("another")),
            with(event.clone(), "/unsigned", json!({"age": 1})),
            with(event.clone(), "/signatures/one.example", json!({})),
            with(event.clone(), "/age_ts", json!(1)),
            with(event.clone(), "/redacts", json!("$x")),
            with(event.clone(), "/unknown", json!(1)),
            lacking(event.clone(), "signatures"),
            model::redact(&event, number),
        ];
        for event in same {
            assert_eq!(reference_hash(&event, number), hash, "version {number}: {event}");
        }
        let other = [
            with(event.clone(), "/hashes/sha256", json!("x")),
            with(event.clone(), "/hashes/md5", json!("x")),
            with(event.clone(), "/depth", json!(8)),
            with(event.clone(), "/state_key", json!("x")),
            with(event.clone(), "/event_id", json!("$x:y")),
            lacking(event.clone(), "state_key"),
        ];
        for event in other {
            assert_ne!(reference_hash(&event, number), hash, "version {number}: {event}");
        }
        // These belong to the event up to version 10 only.
        for key in ["origin", "membership", "prev_state"] {
            let event = with(event.clone(), &format!("/{key}"), json!("x"));
            assert_eq!(reference_hash(&event, number) != hash, number <= 10, "{number} {key}");
        }
    }
}

#[test]
fn c3_c4_event_ids_are_reference_hashes() {
    for (number, _) in versions() {
        for depth in 0..20 {
            let event = sign(&with(draft(number), "/depth", json!(depth)), number);
            let id = event_id(&event, number).unwrap();
            assert_eq!(id, model::event_id(&event, number));
            assert_eq!(verify(&event, number).event_id, Some(id));
        }
    }
}

#[test]
fn c3_version_3_writes_the_hash_in_the_standard_alphabet() {
    let event = sign(&draft(5), 5);
    let (standard, url_safe) = (event_id(&event, 3).unwrap(), event_id(&event, 4).unwrap());
    assert_eq!(standard.replace('+', "-").replace('/', "_"), url_safe);
    for number in 5..=12 {
        assert!(!event_id(&event, number).unwrap().contains(['+', '/']));
    }
}

#[test]
fn c4_the_model_knows_every_event_of_the_rooms() {
    let mut events = 0;
    for room in Room::all() {
        let number = room.version.id.parse().unwrap();
        for (pdu, id) in room.pdus.iter().zip(&room.event_ids) {
            let event: Value = serde_json::from_slice(pdu).unwrap();
            assert_eq!(&model::event_id(&event, number), id, "{}", room.name);
            events += 1;
        }
    }
    assert!(events > 1500, "only {events} events");
}

#[test]
fn c5_versions_1_and_2_state_the_id() {
    for number in [1, 2] {
        let event = sign(&draft(number), number);
        assert_eq!(event_id(&event, number).as_deref(), Some("$event:one.example"));
        // It is signed: another one does not fit.
        let renamed = with(event.clone(), "/event_id", json!("$other:one.example"));
        assert_dropped(&verify(&renamed, number), 2, "signature_invalid");
        // And it must be there.
        let nameless = lacking(event, "event_id");
        assert_eq!(event_id(&nameless, number), None);
        assert_dropped(&verify(&nameless, number), 1, "field_missing");
    }
}

#[test]
fn c6_from_version_3_on_a_stated_id_is_refused() {
    for number in 3..=12 {
        let event = sign(&draft(number), number);
        let right = model::event_id(&event, number);
        for id in [json!(right), json!("$x:one.example"), json!(null), json!(1)] {
            let claimed = with(event.clone(), "/event_id", id);
            assert_dropped(&verify(&claimed, number), 1, "event_id_present");
            // Redaction would keep it: it changes the hash and never names the event.
            assert_eq!(event_id(&claimed, number).unwrap(), model::event_id(&claimed, number));
            assert_ne!(event_id(&claimed, number).unwrap(), right);
        }
        // What other implementations call the ID inside is just an unknown key.
        let verdict = verify_draft(&with(draft(number), "/_event_id", json!("$x")), number);
        assert_accepted(&verdict);
    }
}

#[test]
fn c7_the_create_event_of_version_12_has_no_room_id() {
    let create = |number: u8| {
        let content = json!({"creator": "@alice:one.example", "room_version": number.to_string()});
        let create = state(number, "m.room.create", "", content);
        with(with(create, "/prev_events", json!([])), "/auth_events", json!([]))
    };
    for (number, _) in versions() {
        let without = verify_draft(&lacking(create(number), "room_id"), number);
        if number >= 12 {
            assert_accepted(&without);
            // Its ID is the room's.
            let room_id = without.event_id.unwrap().replace('$', "!");
            let message = with(draft(number), "/room_id", json!(room_id));
            assert_accepted(&verify_draft(&message, number));
        } else {
            assert_dropped(&without, 1, "field_missing");
        }
        // One that has it anyway is for the authorization rules.
        assert_accepted(&verify_draft(&create(number), number));
        let message = lacking(draft(number), "room_id");
        assert_dropped(&verify_draft(&message, number), 1, "field_missing");
    }
}

/// The event with this in place of its content hash, signed as it then is.
fn with_hash(number: u8, hashes: Value) -> Value {
    let mut event = draft(number);
    event["hashes"] = hashes;
    event["signatures"] = json!({});
    let message = model::signed_text(&event, number);
    common::make::one().add(&mut event, &message);
    event
}

#[test]
fn c8_content_hashes_are_compared_as_bytes() {
    for (number, _) in versions() {
        let right = model::content_hash(&draft(number));
        let url_safe = right.replace('+', "-").replace('/', "_");
        // The last of 43 letters holds two bits that no byte sees.
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let last = letters.find(&right[42..]).unwrap();
        assert_eq!(last % 4, 0);
        for bits in 1..4 {
            let loose = format!("{}{}", &right[..42], &letters[last + bits..=last + bits]);
            assert_accepted(&verify(&with_hash(number, json!({"sha256": loose})), number));
        }
        let padded = with_hash(number, json!({"sha256": format!("{right}=")}));
        assert_accepted(&verify(&padded, number));
        let verdict = verify(&with_hash(number, json!({"sha256": url_safe})), number);
        assert_flagged(&verdict, if url_safe == right { &[] } else { &["url_safe_base64"] });
    }
}

#[test]
fn c8_another_content_hash_redacts_the_event() {
    for (number, _) in versions() {
        let right = model::content_hash(&draft(number));
        let other = model::content_hash(&with(draft(number), "/depth", json!(0)));
        for wrong in [&other, "", "!!", "A", &right[1..], &format!("{right}A"), " x", "é"] {
            assert_redacted(&verify(&with_hash(number, json!({"sha256": wrong})), number));
        }
        // The ID is the same: it is the hash of the redacted form.
        let event = sign(&draft(number), number);
        let changed = with(event.clone(), "/content/body", json!("another"));
        let verdict = verify(&changed, number);
        assert_redacted(&verdict);
        assert_eq!(verdict.event_id, Some(model::event_id(&event, number)));
    }
}

#[test]
fn c8_an_event_without_content_hash_is_malformed() {
    for (number, _) in versions() {
        for hashes in [
            json!({}),
            json!({"md5": "x"}),
            json!({"sha256": null}),
            json!({"sha256": 1}),
            json!({"sha256": {}}),
            json!({"SHA256": "x"}),
        ] {
            let verdict = verify(&with_hash(number, hashes), number);
            assert_dropped(&verdict, 1, "content_hash_missing");
        }
        for hashes in [json!(null), json!([]), json!("x")] {
            assert_dropped(&verify(&with_hash(number, hashes), number), 1, "field_wrong_type");
        }
    }
}

#[test]
fn c8_the_verdict_shows_both_hashes() {
    let event = with(sign(&draft(11), 11), "/content/body", json!("another"));
    let check = serde_json::to_value(&verify(&event, 11).checks[2]).unwrap();
    assert_eq!(check["evidence"]["stated"], event["hashes"]["sha256"]);
    assert_eq!(check["evidence"]["computed"], model::content_hash(&event));
    // Evidence for a check that passed is there when asked for.
    let event = sign(&draft(11), 11);
    let text = event.to_string();
    for asked in [false, true] {
        let options = Options { evidence: asked, ..Options::default() };
        let verdict = receive::verify(text.as_bytes(), room_version(11), ring(), options);
        assert!(verdict.checks.iter().all(|check| check.evidence.is_some() == asked));
    }
}
