//! The same check, faster for keys that sign much.
//!
//! In real rooms a handful of keys make nearly all signatures. For those, multiples of the key and
//! of the base point are kept, so that the double multiplication in
//! `R = [s]B − [k]A` is mostly table look-ups. The equation, and with it every verdict, is that
//! of the reference.

use std::ops::Neg;
use std::sync::{Mutex, PoisonError};

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, VartimeEdwardsPrecomputation};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::VartimePrecomputedMultiscalarMul;
use sha2::{Digest, Sha512};

use super::public_key::{Dalek, PublicKey, SignatureCheck, SignatureOutcome};

/// How many keys are watched, and may have a table. A table takes some 15 KB.
const SLOTS: usize = 48;
/// A table costs about as much as four checks; it is made when a key comes back for the fourth
/// time.
const WORTH_A_TABLE: u32 = 4;

/// Checks signatures with tables for the keys seen most lately.
#[derive(Debug, Default)]
pub struct HotKeys {
    slots: Mutex<Vec<Slot>>,
}

struct Slot {
    key: [u8; 32],
    uses: u32,
    /// Multiples of the base point and of −A.
    table: Option<VartimeEdwardsPrecomputation>,
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot").field("uses", &self.uses).finish_non_exhaustive()
    }
}

impl SignatureCheck for HotKeys {
    fn check(&self, key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> SignatureOutcome {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let table = Slot::of(&mut slots, key).and_then(|slot| slot.table_for(key));
        match table {
            Some(table) => key.judge(matches(table, key, message, signature), signature),
            None => Dalek.check(key, message, signature),
        }
    }
}

impl Slot {
    /// The slot of a key, moved to the front: the last one makes room for a new key.
    fn of<'a>(slots: &'a mut Vec<Self>, key: &PublicKey) -> Option<&'a mut Self> {
        let bytes = key.as_bytes();
        let index = match slots.iter().position(|slot| slot.key == *bytes) {
            Some(index) => index,
            None => {
                let new = Self { key: *bytes, uses: 0, table: None };
                if slots.len() < SLOTS {
                    slots.push(new);
                } else if let Some(last) = slots.last_mut() {
                    *last = new;
                }
                slots.len().saturating_sub(1)
            }
        };
        slots.get_mut(..=index)?.rotate_right(1);
        slots.first_mut()
    }

    fn table_for(&mut self, key: &PublicKey) -> Option<&VartimeEdwardsPrecomputation> {
        self.uses = self.uses.saturating_add(1);
        if self.uses >= WORTH_A_TABLE && self.table.is_none() {
            let point = CompressedEdwardsY(*key.as_bytes()).decompress()?;
            self.table =
                Some(VartimeEdwardsPrecomputation::new([ED25519_BASEPOINT_POINT, point.neg()]));
        }
        self.table.as_ref()
    }
}

/// Does the signature fit? R is compared as bytes, so only its canonical encoding does.
fn matches(
    table: &VartimeEdwardsPrecomputation,
    key: &PublicKey,
    message: &[u8],
    signature: &[u8; 64],
) -> bool {
    let Some((r, s)) = signature.split_first_chunk::<32>() else { return false };
    let Ok(s) = <[u8; 32]>::try_from(s) else { return false };
    let Some(s) = Option::<Scalar>::from(Scalar::from_canonical_bytes(s)) else { return false };
    let hash = Sha512::new().chain_update(r).chain_update(key.as_bytes()).chain_update(message);
    let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    table.vartime_multiscalar_mul([s, k]).compress().as_bytes() == r
}
