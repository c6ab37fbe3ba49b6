//! Server discovery: from a server name to an address, a port, a `Host` header and the name that the
//! certificate must be for.
//!
//! [`resolve`] goes through the steps of the specification and keeps a trace of all that was asked,
//! what came back and what followed from it, so that a person can see why a server is where it is.
//! [`request`] makes a request to what was found. Nothing is connected to by name: each name, that of
//! a redirect too, is looked up once, and the connection goes to an address that came back. Which
//! addresses may be connected to is for the host to say, at the moment when it connects.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#server-discovery>

mod addresses;
mod cache;
mod error;
mod freshness;
mod redirect;
mod request;
mod resolve;
mod srv;
mod step;
mod trace;
mod well_known;

pub use cache::{
    Cache, DEFAULT_PERIOD_MS, Entry, Found, MAX_ERROR_PERIOD_MS, MAX_PERIOD_MS, MIN_PERIOD_MS,
};
pub use error::{DiscoveryError, DiscoveryFailure};
pub use request::{Attempt, Candidate, Exchange, RequestError, RequestParts, request};
pub use resolve::{Resolution, resolve};
pub use step::Step;
pub use trace::TraceEntry;
pub use well_known::WellKnown;

/// The longest `.well-known` document that is read, in bytes.
pub const MAX_WELL_KNOWN_BYTES: usize = 50 * 1024;

/// How many redirects are followed on the way to a `.well-known` document.
pub const MAX_REDIRECTS: usize = 10;

/// How long one `.well-known` document may take, redirects and all addresses included, in milliseconds.
pub const WELL_KNOWN_LIMIT_MS: i64 = 10_000;

/// How long a resolution may take before it asks for nothing more, in milliseconds.
pub const RESOLVE_LIMIT_MS: u64 = 30_000;
