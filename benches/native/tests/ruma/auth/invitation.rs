//! Invitations by way of a third party, and the invites that go back to them.

use fedproof::encoding::encode;
use fedproof::event::hashes;
use fedproof::json::{self, Numbers};
use serde_json::{Value, json};

use crate::random::Random;
use crate::world::{ALSO_GOOD, EXPIRED, GOOD, WEAK, public_key, sign, sign_with_small_order};

pub const TOKEN: &str = "token";
/// Who signs.
const IDENTITY_SERVER: &str = "id.example";

fn key(name: &str) -> String {
    encode(&public_key(IDENTITY_SERVER, name))
}

fn url_safe(text: &str) -> String {
    text.replace('+', "-").replace('/', "_")
}

/// The content of `m.room.third_party_invite`.
pub fn invitation(random: &mut Random) -> Value {
    let mut content = json!({"display_name": "a…@e…"});
    let good = key(GOOD);
    match random.below(100) {
        0..54 => content["public_key"] = json!(good),
        54..60 => content["public_key"] = json!(url_safe(&good)),
        60..64 => content["public_key"] = json!(format!("{good}=")),
        64..75 => content["public_key"] = json!(key(WEAK)),
        75..80 => content["public_key"] = json!(key(EXPIRED)),
        80..86 => {
            content["public_key"] = random.pick(&[json!(null), json!(1), json!("x"), json!({})])
        }
        _ => {}
    }
    let entry = |name| json!({"public_key": key(name), "key_validity_url": "https://id.example"});
    match random.below(100) {
        0..35 => content["public_keys"] = json!([entry(GOOD)]),
        35..45 => content["public_keys"] = json!([entry(EXPIRED), entry(ALSO_GOOD)]),
        45..50 => content["public_keys"] = json!([entry(WEAK)]),
        50..56 => {
            let junk = random.pick(&[json!("x"), json!({}), json!({"public_key": 5}), json!(null)]);
            content["public_keys"] = json!([junk, entry(GOOD)]);
        }
        56..60 => content["public_keys"] = random.pick(&[json!(null), json!({}), json!("x")]),
        60..64 => {
            let many = (0..200).map(|_| entry(EXPIRED));
            content["public_keys"] = many.chain([entry(GOOD)]).collect();
            content["public_key"] = json!(key(EXPIRED));
        }
        _ => {}
    }
    content
}

/// What an invite to `target` has as `third_party_invite`.
pub fn invite(target: &str, random: &mut Random) -> Value {
    let mut signed = json!({"mxid": target, "token": TOKEN});
    match random.below(40) {
        0 => signed["mxid"] = random.pick(&[json!("@x:one.example"), json!(1), json!(null)]),
        1 => signed["token"] = random.pick(&[json!("other"), json!(1), json!(null)]),
        2 => _ = signed.as_object_mut().unwrap().remove("mxid"),
        3 => _ = signed.as_object_mut().unwrap().remove("token"),
        4 => signed["unsigned"] = json!({"a": 1}),
        5 => signed["more"] = json!(["x", {"y": null}]),
        _ => {}
    }
    signed["signatures"] = signatures(&signed, random);
    if random.chance(3) {
        signed.as_object_mut().unwrap().remove("signatures");
    }
    match random.below(40) {
        0 => json!(null),
        1 => random.pick(&[json!("x"), json!(1), json!([])]),
        2 => json!({}),
        3 => json!({"signed": random.pick(&[json!(null), json!([]), json!("x"), json!({})])}),
        _ => json!({"display_name": "alice", "signed": signed}),
    }
}

fn signatures(signed: &Value, random: &mut Random) -> Value {
    let json = json::parse(signed.to_string().as_bytes(), Numbers::Keep).unwrap();
    let mut message = Vec::new();
    hashes::write_without(&json, &["signatures", "unsigned"], &mut message);
    let by = |name: &str| encode(&sign(IDENTITY_SERVER, name, &message));
    let good = by(GOOD);
    let under = |name: &str, signature: &str| json!({IDENTITY_SERVER: {name: signature}});
    match random.below(24) {
        0 => under(GOOD, &url_safe(&good)),
        1 => under(GOOD, &format!("{good}==")),
        2 => under(GOOD, &encode(&sign(IDENTITY_SERVER, GOOD, b"something else"))),
        3 => under(GOOD, &good[..80]),
        4 => under("ed25519:", &good),
        5 => under("rsa:1", &good),
        6 => under("ed25519", &good),
        7 => under("ed25519:not-a-version", &good),
        8 => under(ALSO_GOOD, &by(ALSO_GOOD)),
        9..12 => under(WEAK, &by(WEAK)),
        12 => under(GOOD, &encode(&sign_with_small_order(IDENTITY_SERVER, GOOD, &message))),
        13 => {
            json!({"a.example": random.pick(&[json!("x"), json!(null), json!([])]), IDENTITY_SERVER: {GOOD: good}})
        }
        14 => {
            json!({IDENTITY_SERVER: {"ed25519:0": random.pick(&[json!(1), json!(null), json!("x")]), GOOD: good}})
        }
        15 => json!({"z.example": "x", IDENTITY_SERVER: {GOOD: good}}),
        16 => random.pick(&[json!(null), json!([]), json!("x"), json!({})]),
        17 => under("ed25519:anything", &good),
        _ => under(GOOD, &good),
    }
}
