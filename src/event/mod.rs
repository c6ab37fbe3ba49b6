//! Events as they travel over federation (PDUs): their format, their redacted form, their
//! hashes and IDs, their signatures.

mod format;
pub mod hashes;
mod pdu;
pub mod redaction;
pub mod signatures;

pub use format::{FormatError, Limits, MAX_AUTH_EVENTS, MAX_EVENT_BYTES, MAX_PREV_EVENTS};
pub use pdu::{Pdu, Reference};
