//! Keys: our own for signing, those of other servers for checking.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#retrieving-server-keys>

mod hot_keys;
mod public_key;
mod publish;
mod response;
mod ring;
mod signing_key;

pub use hot_keys::HotKeys;
pub use public_key::{Dalek, KeyRefusal, PublicKey, SignatureCheck, SignatureOutcome};
pub use publish::{OldKey, PublishError, publish, unsigned_answer};
pub use response::{KeyResponse, KeyResponseError, RefusedKey};
pub use ring::{KeyRing, KeyStanding, KnownKey, Moment, SEVEN_DAYS};
pub use signing_key::{KeyFileEntry, SigningKey, SigningKeyError, read_key_file, scrub_stack};
