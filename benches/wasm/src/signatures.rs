//! Signature checks and nothing else.

use fedproof::keys::{Dalek, KeyRing, PublicKey, SignatureCheck, SignatureOutcome};
use wasm_bindgen::prelude::wasm_bindgen;

/// Messages with their signatures.
#[wasm_bindgen]
#[derive(Default)]
pub struct Signatures {
    signed: Vec<(PublicKey, Vec<u8>, [u8; 64])>,
    ring: KeyRing,
}

#[wasm_bindgen]
impl Signatures {
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&mut self, public_key: &str, message: &[u8], signature: &[u8]) {
        let key = PublicKey::from_base64(public_key).unwrap();
        self.signed.push((key, message.to_vec(), signature.try_into().unwrap()));
    }

    /// Checks all of them as the library does; gives how many are valid.
    pub fn check(&self) -> usize {
        self.check_by(self.ring.check())
    }

    /// The same by the reference alone, without tables for keys that sign much.
    pub fn check_plainly(&self) -> usize {
        self.check_by(&Dalek)
    }

    fn check_by(&self, check: &dyn SignatureCheck) -> usize {
        let is_valid = |(key, message, signature): &&(PublicKey, Vec<u8>, [u8; 64])| {
            check.check(key, message, signature) == SignatureOutcome::Valid
        };
        self.signed.iter().filter(is_valid).count()
    }
}
