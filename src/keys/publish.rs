//! What our server publishes about its keys.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#publishing-keys>

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use thiserror::Error;

use super::public_key::{KeyRefusal, PublicKey};
use super::signing_key::SigningKey;
use crate::event::signatures::sign_json;
use crate::identifiers::is_ed25519_key_id;
use crate::json::{Canonical, JsonError, Numbers, parse};

/// A key that our server signs with no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldKey {
    /// The ID, `ed25519:version`.
    pub key_id: String,
    /// The public half in base64.
    pub public_key: String,
    /// Since when it is out of use, in milliseconds since 1970.
    pub expired_ts: i64,
}

/// Why keys are not published: nobody could use such an answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PublishError {
    /// A key is none, or its ID is, or stands for two keys.
    #[error("{key_id}: {refusal}")]
    Key {
        /// The ID of the key.
        key_id: String,
        /// What is wrong with it.
        refusal: KeyRefusal,
    },
    /// The answer cannot be written; what passed the grammars can.
    #[error(transparent)]
    Json(#[from] JsonError),
}

impl PublishError {
    /// The stable code of this failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Key { refusal, .. } => refusal.code(),
            Self::Json(error) => error.code(),
        }
    }
}

/// The answer to `GET /_matrix/key/v2/server`, signed by all of `keys`.
///
/// `valid_until_ts` is until when others may take the keys for ours without asking again, in
/// milliseconds since 1970.
///
/// # Errors
/// [`PublishError`].
pub fn publish(
    server_name: &str,
    keys: &[&SigningKey],
    old_keys: &[OldKey],
    valid_until_ts: i64,
) -> Result<Canonical, PublishError> {
    let current: Vec<_> =
        keys.iter().map(|key| (key.key_id().to_owned(), key.public_key())).collect();
    let unsigned = unsigned_answer(server_name, &current, old_keys, valid_until_ts)?;
    Ok(keys.iter().fold(unsigned, |signed, key| sign_json(&signed, server_name, key)))
}

/// The same before it is signed, which every key in `keys` (their IDs and public halves in base64) must
/// do: for those who keep their keys elsewhere.
///
/// # Errors
/// [`PublishError`].
pub fn unsigned_answer(
    server_name: &str,
    keys: &[(String, String)],
    old_keys: &[OldKey],
    valid_until_ts: i64,
) -> Result<Canonical, PublishError> {
    let mut seen = BTreeSet::new();
    let current = keys.iter().map(|(key_id, key)| (key_id, key));
    for (key_id, key) in current.chain(old_keys.iter().map(|old| (&old.key_id, &old.public_key))) {
        let refusal = if !is_ed25519_key_id(key_id) {
            Some(KeyRefusal::KeyId)
        } else if !seen.insert(key_id) {
            Some(KeyRefusal::Conflict)
        } else {
            PublicKey::from_base64(key).err()
        };
        if let Some(refusal) = refusal {
            return Err(PublishError::Key { key_id: key_id.clone(), refusal });
        }
    }
    let answer = Answer {
        server_name,
        verify_keys: keys.iter().map(|(key_id, key)| (key_id.as_str(), Current { key })).collect(),
        old_verify_keys: old_keys
            .iter()
            .map(|old| {
                let key = Expired { key: &old.public_key, expired_ts: old.expired_ts };
                (old.key_id.as_str(), key)
            })
            .collect(),
        valid_until_ts,
    };
    // Texts and numbers can always be written.
    let text = serde_json::to_vec(&answer).unwrap_or_default();
    Ok(parse(&text, Numbers::Keep)?)
}

#[derive(Serialize)]
struct Answer<'a> {
    server_name: &'a str,
    verify_keys: BTreeMap<&'a str, Current<'a>>,
    old_verify_keys: BTreeMap<&'a str, Expired<'a>>,
    valid_until_ts: i64,
}

#[derive(Serialize)]
struct Current<'a> {
    key: &'a str,
}

#[derive(Serialize)]
struct Expired<'a> {
    key: &'a str,
    expired_ts: i64,
}
