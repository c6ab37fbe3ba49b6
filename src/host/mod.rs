//! The one way out: what the core asks of the world outside, and how its answers come back.
//!
//! A conversation is an `async fn` that is given a [`Host`] and asks it for [effects](Effect): DNS
//! records, an HTTPS request, the time, randomness, a signature, a pause. It runs as an [`Operation`], which does
//! nothing by itself: whoever holds it takes the effects that are asked for, performs them in its own
//! way and delivers the answers. Dropping an operation is cancelling it.

mod ask_all;
mod effect;
mod error;
mod operation;

pub use effect::{
    Addresses, Answer, Capabilities, Effect, HttpsAnswer, HttpsRequest, Notice, Redirects,
    SrvRecord,
};
pub use error::{HostError, HostErrorKind};
pub use operation::{EffectId, Host, Operation};
