//! Conversations with other servers: what to ask, and what to sign or believe of what they hand over.
//!
//! The conversations are held in [`client`], over a host. The modules beside it speak to nobody: each
//! conversation has a function that makes its
//! [`Request`](request::Request) and one that reads the answer. Answers are authenticated by TLS alone,
//! so every event in one is verified by itself: what holds events is read once, tells which keys it
//! needs, and is judged when they are there, as often as it takes. (The answer to a join may be too large
//! for that: a [`Survey`] looks through it for what keys it needs, then [`Join`] makes the room of it, both
//! piece by piece.) What fails falls out and is reported;
//! nothing comes through that is not proven, or described as what another server merely says.
//!
//! | module | conversations |
//! |---|---|
//! | [`events`] | events, state, auth chains, history |
//! | [`joining`], [`knocking`], [`leaving`], [`inviting`] | memberships by way of another server |
//! | [`transactions`], [`incoming`] | sending events and ephemeral data, and being sent them |
//! | [`server_keys`] | keys, of a server itself and by notaries |
//! | [`policy_signing`] | a policy server's signature |
//! | [`published_rooms`], [`spaces`] | rooms, as others describe them |
//! | [`queries`], [`openid`], [`server_version`] | what one server alone can answer |
//!
//! Refusals are [`RemoteError`]s, which say what to do next.

mod answer;
mod auth_chain;
pub mod client;
mod countersigned;
mod entries;
pub mod events;
pub mod incoming;
mod invite;
pub mod inviting;
mod join;
mod join_answer;
pub mod joining;
pub mod knocking;
pub mod leaving;
mod membership;
pub mod openid;
mod pdus;
pub mod policy_signing;
pub mod published_rooms;
pub mod queries;
mod remote_error;
pub mod request;
mod room_state;
pub mod server_keys;
pub mod server_version;
pub mod spaces;
mod survey;
mod template;
pub mod transactions;

pub use answer::AnswerError;
pub use auth_chain::Gaps;
pub use entries::{LeftOut, MAX_TEXT};
pub use invite::{IncomingInvite, Invite, InviteRefusal, check_invite};
pub use join::{Join, JoinReport};
pub use join_answer::{JoinAnswer, JoinAnswerError, check_join_answer};
pub use membership::{StatedVersion, Template};
pub use pdus::{FallenPdu, Fault, Judged, Pdus, ProvenPdu};
pub use remote_error::{Asked, Next, RemoteError};
pub use room_state::{ProvenState, StatePdus};
pub use survey::{Survey, Surveyed};
pub use template::{MembershipChange, TemplateError, event_from_template};
