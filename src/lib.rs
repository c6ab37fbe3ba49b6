//! # fedproof
//!
//! The logic with which a Matrix homeserver proves what other servers send it: is the event well
//! formed, who signed it, was its content changed on the way?
//!
//! The crate decides and does nothing else: it has no clock, no network, no randomness, and it
//! does not panic on any input. Events come in as the bytes that were received.
//!
//! The modules, in the order in which an event passes through them:
//!
//! | module | what it is |
//! |---|---|
//! | [`json`] | bytes to canonical JSON, strictly, in one pass |
//! | [`room_version`] | one table of what each room version changes |
//! | [`sha256`] | hashes, several at once |
//! | [`identifiers`] | names of servers, users, rooms, events, keys |
//! | [`event`] | format, redaction, hashes and IDs, signatures |
//! | [`keys`] | our signing keys, other servers' keys and when they were valid |
//! | [`auth`] | power levels, auth events, and the authorization rules |
//! | [`evidence`] | what was seen and compared, as data |
//! | [`policy_server`] | does a room use a policy server, and has it signed an event (check 7)? |
//! | [`receive`] | the checks on receipt of an event, in order: bytes in, [`verdict`] out |
//! | [`acl`] | which servers may take part in a room, and where that is asked |
//! | [`state`] | state resolution, and rooms received event by event |
//! | [`host`] | the one way out: DNS, HTTPS, time, randomness |
//! | [`request_auth`] | which server made a request: signed requests, `X-Matrix` |
//! | [`discovery`] | where a server is, and why there |
//! | [`federation`] | what to ask other servers, and what to sign or believe of what they hand over |
//! | [`reader`] | events out of the documents in which they travel |
//! | [`codes`] | every code a verdict or an error can have |
//!
//! ```
//! use fedproof::{keys::KeyRing, receive::{self, Options}, room_version::RoomVersion};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ring = KeyRing::default();
//! let verdict = receive::verify(b"{\"type\": 1}", RoomVersion::get("11")?, &ring, Options::default());
//! assert_eq!(verdict.checks[0].code, Some("field_wrong_type"));
//! # Ok(())
//! # }
//! ```

pub mod acl;
pub mod auth;
#[cfg(target_arch = "wasm32")]
mod bindings;
pub mod codes;
pub mod discovery;
pub mod encoding;
pub mod event;
pub mod evidence;
pub mod federation;
pub mod host;
pub mod identifiers;
pub mod json;
pub mod keys;
#[cfg(target_arch = "wasm32")]
pub mod memory;
mod ordered;
pub mod policy_server;
pub mod reader;
pub mod receive;
pub mod request_auth;
pub mod room_version;
pub mod sha256;
pub mod state;
pub mod verdict;
