//! Our own keys.

use ed25519_dalek::Signer;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use crate::encoding;
use crate::evidence::Quoted;
use crate::identifiers::is_ed25519_key_id;

/// A key to sign with. Its seed is wiped from memory when it is dropped.
///
/// The public half is always computed from the seed: signing with a public key from elsewhere
/// can give the seed away.
pub struct SigningKey {
    key_id: String,
    key: ed25519_dalek::SigningKey,
}

/// Why a key cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SigningKeyError {
    /// The key ID has not the form `ed25519:version`.
    #[error("the key ID {} does not have the form ed25519:version, version of [a-zA-Z0-9_]", Quoted(.0))]
    KeyId(String),
    /// The seed is not 32 bytes.
    #[error("a seed has 32 bytes, this has {0}")]
    SeedLength(usize),
    /// A line of a key file is not `ed25519 version seed`.
    #[error("line {line} of the key file must be \"ed25519 version seed\", the seed in base64")]
    KeyFile {
        /// The line, from 1.
        line: usize,
    },
    /// A key file without a key.
    #[error("the key file holds no key")]
    EmptyKeyFile,
}

impl SigningKeyError {
    /// The stable code of this failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::KeyId(_) => "key_id_invalid",
            Self::SeedLength(_) => "seed_invalid",
            Self::KeyFile { .. } | Self::EmptyKeyFile => "key_file_invalid",
        }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// The key with this ID and this seed of 32 bytes, which come from a key file or from a
    /// source of randomness.
    ///
    /// # Errors
    /// [`SigningKeyError::KeyId`], [`SigningKeyError::SeedLength`].
    pub fn from_seed(key_id: &str, seed: &[u8]) -> Result<Self, SigningKeyError> {
        if !is_ed25519_key_id(key_id) {
            return Err(SigningKeyError::KeyId(key_id.to_owned()));
        }
        let seed: &[u8; 32] =
            seed.try_into().map_err(|_| SigningKeyError::SeedLength(seed.len()))?;
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        Ok(Self { key_id: key_id.to_owned(), key })
    }

    /// The keys of a key file as Synapse writes them: a line a key, `ed25519 version seed`.
    ///
    /// # Errors
    /// [`SigningKeyError::KeyFile`] with the line, [`SigningKeyError::EmptyKeyFile`].
    pub fn from_key_file(text: &str) -> Result<Vec<Self>, SigningKeyError> {
        read_key_file(text)?
            .into_iter()
            .map(|entry| {
                let seed = text.get(entry.seed).and_then(encoding::decode::<32>);
                let mut seed = seed.map(|seed| seed.bytes).unwrap_or_default();
                let key = Self::from_seed(&entry.key_id, &seed);
                seed.zeroize();
                key
            })
            .collect()
    }

    /// The ID, `ed25519:version`.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The public half in unpadded base64.
    #[must_use]
    pub fn public_key(&self) -> String {
        encoding::encode(self.key.verifying_key().as_bytes())
    }

    /// The signature over `message`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

/// A key of a key file: where its seed stands, not the seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFileEntry {
    /// The ID, `ed25519:version`.
    pub key_id: String,
    /// Where in the text the seed's base64 stands, in bytes.
    pub seed: std::ops::Range<usize>,
}

/// Finds the keys of a key file as Synapse writes them.
///
/// # Errors
/// [`SigningKeyError::KeyFile`] with the line, [`SigningKeyError::EmptyKeyFile`].
pub fn read_key_file(text: &str) -> Result<Vec<KeyFileEntry>, SigningKeyError> {
    let mut entries = Vec::new();
    let mut start = 0usize;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let entry = match words.as_slice() {
            [] => None,
            [comment, ..] if comment.starts_with('#') => None,
            ["ed25519", version, seed] => {
                let key_id = format!("ed25519:{version}");
                let decoded = encoding::decode::<32>(seed).map(|seed| Zeroizing::new(seed.bytes));
                if decoded.is_none() || !is_ed25519_key_id(&key_id) {
                    return Err(SigningKeyError::KeyFile { line: index.saturating_add(1) });
                }
                // The seed is the last word of its line.
                let end = start.saturating_add(line.trim_ascii_end().len());
                Some(KeyFileEntry { key_id, seed: end.saturating_sub(seed.len())..end })
            }
            _ => {
                return Err(SigningKeyError::KeyFile { line: index.saturating_add(1) });
            }
        };
        entries.extend(entry);
        start = start.saturating_add(line.len());
    }
    if entries.is_empty() { Err(SigningKeyError::EmptyKeyFile) } else { Ok(entries) }
}

/// Overwrites the part of the stack that calls made before now have left behind.
///
/// Hashing a seed copies it into the hash function's frames, which nobody wipes. In WebAssembly
/// the stack is part of the linear memory that the embedder can read, so whoever is done with a
/// seed calls this.
#[inline(never)]
pub fn scrub_stack() {
    let mut dead = [0u8; 16 * 1024];
    dead.zeroize();
    std::hint::black_box(&mut dead);
}
