//! What our server publishes about its keys.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#publishing-keys>

use super::signing_key::SigningKey;
use crate::event::signatures::sign_json;
use crate::json::{Canonical, JsonError, Numbers, parse};

/// A key that our server signs with no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldKey {
    /// The ID, `ed25519:version`.
    pub key_id: String,
    /// The public half in unpadded base64.
    pub public_key: String,
    /// Since when it is out of use, in milliseconds since 1970.
    pub expired_ts: i64,
}

/// The answer to `GET /_matrix/key/v2/server`, signed by all of `keys`.
///
/// `valid_until_ts` is until when others may take the keys for ours without asking again, in
/// milliseconds since 1970.
///
/// # Errors
/// The name or a key ID cannot be written as JSON; what passed the grammars can.
pub fn publish(
    server_name: &str,
    keys: &[&SigningKey],
    old_keys: &[OldKey],
    valid_until_ts: i64,
) -> Result<Canonical, JsonError> {
    let current: serde_json::Map<_, _> = keys
        .iter()
        .map(|key| (key.key_id().to_owned(), serde_json::json!({"key": key.public_key()})))
        .collect();
    let old: serde_json::Map<_, _> = old_keys
        .iter()
        .map(|old| {
            let key = serde_json::json!({"key": old.public_key, "expired_ts": old.expired_ts});
            (old.key_id.clone(), key)
        })
        .collect();
    let response = serde_json::json!({
        "server_name": server_name,
        "verify_keys": current,
        "old_verify_keys": old,
        "valid_until_ts": valid_until_ts,
    });
    let unsigned = parse(response.to_string().as_bytes(), Numbers::Keep)?;
    Ok(keys.iter().fold(unsigned, |signed, key| sign_json(&signed, server_name, key)))
}
