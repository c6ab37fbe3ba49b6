//! Public keys and the check of one signature.

use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use thiserror::Error;

use crate::encoding;

/// Why a public key is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyRefusal {
    /// It is not base64 of 32 bytes, or not a point of the curve.
    #[error("the key is not base64 of an ed25519 public key")]
    Invalid,
    /// It is of small order: anyone can make signatures that fit it.
    #[error("the key is of small order, so signatures by it prove nothing")]
    Weak,
    /// Its private half is public knowledge.
    #[error("the private half of the key has been published: {0}")]
    Leaked(&'static str),
    /// The same key ID was seen with another key before.
    #[error("the key ID stands for another key already")]
    Conflict,
    /// It is an old key, and the answer does not say since when.
    #[error("the old key has no expired_ts, so nobody knows which events it may have signed")]
    NoExpiry,
    /// The key ID has not the form `ed25519:version`.
    #[error("the key ID does not have the form ed25519:version")]
    KeyId,
}

impl KeyRefusal {
    /// The stable code of this refusal.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Invalid => "key_invalid",
            Self::Weak => "key_weak",
            Self::Leaked(_) => "key_leaked",
            Self::Conflict => "key_conflict",
            Self::NoExpiry => "key_without_expiry",
            Self::KeyId => "key_id_invalid",
        }
    }
}

/// Keys whose private half is known to everybody, with where it was published.
const LEAKED: &[(&str, &str)] = &[(
    // Go's math/rand with seed 0, which ess-helm once took for randomness.
    "l/O9hxMVKB6Lg+3Hqf0FQQZhVESQcMzbPN1Cz2nM3og",
    "CVE-2026-24044",
)];

/// An ed25519 public key, decoded once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    point: VerifyingKey,
    refusal: Option<KeyRefusal>,
}

impl PublicKey {
    /// Reads a public key from base64.
    ///
    /// A key that decodes but must not be trusted is given all the same, with
    /// [`PublicKey::refusal`] set: signatures by it can then be told from garbage.
    ///
    /// # Errors
    /// [`KeyRefusal::Invalid`].
    pub fn from_base64(text: &str) -> Result<Self, KeyRefusal> {
        let decoded = encoding::decode::<32>(text).ok_or(KeyRefusal::Invalid)?;
        Self::from_bytes(&decoded.bytes)
    }

    /// Reads a public key from its 32 bytes; see [`PublicKey::from_base64`].
    ///
    /// # Errors
    /// [`KeyRefusal::Invalid`].
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyRefusal> {
        let point = VerifyingKey::from_bytes(bytes).map_err(|_| KeyRefusal::Invalid)?;
        // Compared as bytes: in base64 one key can be written in many ways.
        let leaked = LEAKED
            .iter()
            .find(|(key, _)| encoding::decode::<32>(key).is_some_and(|key| key.bytes == *bytes));
        let refusal = match leaked {
            Some((_, origin)) => Some(KeyRefusal::Leaked(origin)),
            None => point.is_weak().then_some(KeyRefusal::Weak),
        };
        Ok(Self { point, refusal })
    }

    /// Why the key must not be trusted, if so.
    #[must_use]
    pub fn refusal(&self) -> Option<KeyRefusal> {
        self.refusal
    }

    /// The 32 bytes of the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.point.as_bytes()
    }

    /// The answer for a signature that fits this key by the plain equation, or does not.
    pub(super) fn judge(&self, fits: bool, signature: &[u8; 64]) -> SignatureOutcome {
        if !fits {
            return SignatureOutcome::Invalid;
        }
        let small_order = SMALL_ORDER.iter().any(|point| signature.starts_with(point));
        if small_order || self.refusal == Some(KeyRefusal::Weak) {
            SignatureOutcome::Divergent
        } else {
            SignatureOutcome::Valid
        }
    }

    /// The key in unpadded base64.
    #[must_use]
    pub fn to_base64(&self) -> String {
        encoding::encode(self.point.as_bytes())
    }
}

/// The answer of a signature check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureOutcome {
    /// The signature is right.
    Valid,
    /// The signature is wrong.
    Invalid,
    /// The signature is wrong for libsodium, and so for Synapse; implementations that skip the
    /// small-order check would take it.
    Divergent,
}

/// A way to check ed25519 signatures. All ways give the same answers: those of libsodium.
pub trait SignatureCheck: std::fmt::Debug + Send + Sync {
    /// Is `signature` one of `key` over `message`?
    fn check(&self, key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> SignatureOutcome;
}

/// The reference: ed25519-dalek.
#[derive(Debug, Clone, Copy, Default)]
pub struct Dalek;

impl SignatureCheck for Dalek {
    /// Equal to dalek's `verify_strict`, which is equal to libsodium, at the price of the plain
    /// `verify`: the strict check differs from it only in refusing points of small order. Those
    /// of the key were looked for when it was decoded. For R, plain `verify` computes what R
    /// must be and compares bytes, so an R that passes is a canonical encoding, and a canonical
    /// encoding of a small-order point is one of [`SMALL_ORDER`].
    fn check(&self, key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> SignatureOutcome {
        let fits = key.point.verify(message, &Signature::from_bytes(signature)).is_ok();
        key.judge(fits, signature)
    }
}

/// The canonical encodings of the eight points of small order: the identity, the point of order
/// two, the two of order four, the four of order eight.
const SMALL_ORDER: [[u8; 32]; 8] = [
    hex("0100000000000000000000000000000000000000000000000000000000000000"),
    hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    hex("0000000000000000000000000000000000000000000000000000000000000000"),
    hex("0000000000000000000000000000000000000000000000000000000000000080"),
    hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
    hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
];

/// Reads a constant; evaluated by the compiler only, which refuses any mistake in it.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]
const fn hex(text: &str) -> [u8; 32] {
    const fn nibble(character: u8) -> u8 {
        match character {
            b'0'..=b'9' => character - b'0',
            b'a'..=b'f' => character - b'a' + 10,
            _ => panic!("not a hexadecimal digit"),
        }
    }
    let text = text.as_bytes();
    let mut bytes = [0; 32];
    let mut index = 0;
    while index < 32 {
        bytes[index] = nibble(text[2 * index]) << 4 | nibble(text[2 * index + 1]);
        index += 1;
    }
    bytes
}
