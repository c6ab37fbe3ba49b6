//! The names of things: servers, users, rooms, events, keys.
//!
//! Checked against the grammar of the specification's appendices, with the historical forms
//! that servers must go on accepting.
//!
//! Spec: <https://spec.matrix.org/v1.19/appendices/#identifier-grammar>

mod key_id;
mod server_name;

pub use key_id::{ED25519, is_ed25519_key_id};
pub use server_name::{HostKind, ServerName, ServerNameError};

/// The most bytes that an identifier may have, sigil and domain included.
pub const MAX_IDENTIFIER_BYTES: usize = 255;

/// The server name in an identifier with the sigil `sigil`, when it has the form
/// `sigil localpart ":" server_name`.
///
/// The local part may be empty and hold anything but NUL: such identifiers exist in old rooms
/// and must be accepted from other servers ("Historical User IDs"). It ends at the first colon.
#[must_use]
pub fn domain_of(identifier: &str, sigil: char) -> Option<&str> {
    let (localpart, domain) = identifier.strip_prefix(sigil)?.split_once(':')?;
    let valid = !localpart.contains('\0') && ServerName::parse(domain).is_ok();
    valid.then_some(domain)
}

/// Is this a user ID?
#[must_use]
pub fn is_user_id(identifier: &str) -> bool {
    domain_of(identifier, '@').is_some()
}

/// Is this an identifier made of `sigil` and a SHA-256 hash in URL-safe unpadded base64, as the
/// room IDs of room version 12 are?
#[must_use]
pub fn is_hash_identifier(identifier: &str, sigil: char) -> bool {
    identifier.strip_prefix(sigil).is_some_and(|hash| {
        hash.len() == 43
            && hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    })
}
