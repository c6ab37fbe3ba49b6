//! The servers of the generated events, and what each side knows of their keys.

use std::collections::BTreeMap;

use curve25519_dalek::Scalar;
use ed25519_dalek::hazmat::ExpandedSecretKey;
use ed25519_dalek::{Signer, SigningKey};
use fedproof::keys::{KeyResponse, KeyRing, KnownKey, PublicKey};
use ruma_common::serde::Base64;
use ruma_signatures::PublicKeyMap;
use sha2::{Digest, Sha512};

/// About when events are made.
pub const TS: i64 = 1_700_000_000_000;

/// The server of the sender; it was asked for its keys after the events were made.
pub const ONE: &str = "one.example";
/// Another server; it was asked before.
pub const TWO: &str = "two.example";
/// A server of which no key is known.
pub const THREE: &str = "three.example";

/// The keys of [`ONE`] and [`TWO`]; what is wrong with them is in their names.
pub const GOOD: &str = "ed25519:a";
pub const ALSO_GOOD: &str = "ed25519:b";
pub const EXPIRED: &str = "ed25519:expired";
pub const OUTDATED: &str = "ed25519:outdated";
pub const WEAK: &str = "ed25519:weak";
pub const POLICY_SERVER: &str = "ed25519:policy_server";
pub const BAD_KEY_ID: &str = "ed25519:bad-id";
pub const UNKNOWN: &str = "ed25519:unknown";
pub const OTHER_ALGORITHM: &str = "rsa:1";

/// A key of small order: the identity.
const SMALL_ORDER: [u8; 32] = {
    let mut point = [0; 32];
    point[0] = 1;
    point
};

pub struct World {
    pub ring: KeyRing,
    pub map: PublicKeyMap,
}

impl World {
    pub fn new() -> Self {
        let mut ring = KeyRing::default();
        let mut map = PublicKeyMap::new();
        for (server, fetched_ts) in [(ONE, TS + 1_000_000), (TWO, TS - 1_000_000)] {
            let mut keys = Vec::new();
            let mut of_server = BTreeMap::new();
            for key_id in [GOOD, ALSO_GOOD, EXPIRED, OUTDATED, WEAK, POLICY_SERVER, BAD_KEY_ID] {
                let public = public_key(server, key_id);
                of_server.insert(key_id.to_owned(), Base64::new(public.to_vec()));
                let known = KnownKey {
                    key: PublicKey::from_bytes(&public).unwrap(),
                    valid_until_ts: match key_id {
                        OUTDATED => Some(TS - 1_000_000),
                        EXPIRED => None,
                        _ => Some(TS + 1_000_000_000),
                    },
                    expired_ts: (key_id == EXPIRED).then_some(TS - 1_000_000),
                    fetched_ts: Some(fetched_ts),
                };
                // What reading a key response does with such an ID.
                if key_id != BAD_KEY_ID {
                    keys.push((key_id.to_owned(), known));
                }
            }
            ring.add(KeyResponse {
                server_name: server.to_owned(),
                keys,
                refused: Vec::new(),
                url_safe: false,
                valid_until_ts: TS + 1_000_000_000,
                fetched_ts,
            });
            map.insert(server.to_owned(), of_server);
        }
        Self { ring, map }
    }
}

fn signing_key(server: &str, key_id: &str) -> SigningKey {
    let seed = Sha512::digest([server, key_id].concat());
    SigningKey::from_bytes(seed[..32].try_into().unwrap())
}

pub fn public_key(server: &str, key_id: &str) -> [u8; 32] {
    match key_id {
        WEAK => SMALL_ORDER,
        _ => signing_key(server, key_id).verifying_key().to_bytes(),
    }
}

/// A signature; by the weak key, one that fits any message.
pub fn sign(server: &str, key_id: &str, message: &[u8]) -> [u8; 64] {
    match key_id {
        // R = [1]B − [k]0
        WEAK => {
            let base = curve25519_dalek::constants::ED25519_BASEPOINT_COMPRESSED;
            concat(base.to_bytes(), Scalar::ONE.to_bytes())
        }
        _ => signing_key(server, key_id).sign(message).to_bytes(),
    }
}

/// A signature whose first half is a point of small order, which only the owner of the key can
/// make: `[k·a]B − [k]A` is the identity.
pub fn sign_with_small_order(server: &str, key_id: &str, message: &[u8]) -> [u8; 64] {
    let key = signing_key(server, key_id);
    let secret = ExpandedSecretKey::from(key.as_bytes());
    let hash = Sha512::new()
        .chain_update(SMALL_ORDER)
        .chain_update(key.verifying_key().as_bytes())
        .chain_update(message)
        .finalize();
    let k = Scalar::from_bytes_mod_order_wide(&hash.into());
    concat(SMALL_ORDER, (k * secret.scalar).to_bytes())
}

fn concat(first: [u8; 32], second: [u8; 32]) -> [u8; 64] {
    [first, second].concat().try_into().unwrap()
}
