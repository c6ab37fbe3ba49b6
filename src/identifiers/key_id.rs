//! Key identifiers: `algorithm ":" version`.

/// The only signing algorithm of the specification.
pub const ED25519: &str = "ed25519";

/// Is this the ID of an ed25519 key: `ed25519:` and a version of `[a-zA-Z0-9_]`?
#[must_use]
pub fn is_ed25519_key_id(key_id: &str) -> bool {
    match key_id.split_once(':') {
        Some((ED25519, version)) => {
            !version.is_empty()
                && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        }
        _ => false,
    }
}
