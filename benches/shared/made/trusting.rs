//! Everything but the signatures: a key ring that takes each by a known key for right. The library has
//! no such thing, and needs none; what stands behind [`SignatureCheck`] is for whoever makes a ring.

use std::sync::Arc;

use fedproof::keys::{KeyRing, KnownKey, PublicKey, SignatureCheck, SignatureOutcome, SigningKey};

use super::maker::{KEY_ID, SERVERS, server};

#[derive(Debug)]
pub struct Trusting;

impl SignatureCheck for Trusting {
    fn check(&self, _: &PublicKey, _: &[u8], _: &[u8; 64]) -> SignatureOutcome {
        SignatureOutcome::Valid
    }
}

/// A ring with a key of each server of a made-up room.
pub fn trusting_ring() -> KeyRing {
    let mut ring = KeyRing::with_check(Arc::new(Trusting));
    for number in 0..SERVERS {
        let seed = [u8::try_from(number).unwrap(); 32];
        let key = SigningKey::from_seed(KEY_ID, &seed).ok().unwrap().public_key();
        let key = PublicKey::from_base64(&key).ok().unwrap();
        let known = KnownKey { key, valid_until_ts: None, expired_ts: None, fetched_ts: None };
        ring.add_trusted(&server(number), KEY_ID, known).ok().unwrap();
    }
    ring
}
