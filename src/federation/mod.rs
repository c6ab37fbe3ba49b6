//! What other servers hand over in conversations, judged before it is signed or believed.
//!
//! The conversations themselves are in [`client`]: they ask for network and time through a host, and
//! rest on the judgments of the modules beside it, which speak to nobody.
//!
//! Each conversation has a function that makes its [`Request`](request::Request) and one that reads the
//! answer. Answers are authenticated by TLS alone, so every event in one is verified by itself: what
//! holds events is read once, tells which keys it needs, and is judged when they are there, as often as
//! it takes. What fails falls out and is reported.

mod answer;
mod auth_chain;
pub mod client;
mod countersigned;
mod entries;
pub mod events;
mod invite;
pub mod inviting;
mod join;
mod join_answer;
pub mod joining;
pub mod knocking;
pub mod leaving;
mod membership;
mod pdus;
pub mod policy_signing;
pub mod published_rooms;
pub mod queries;
mod remote_error;
pub mod request;
mod room_state;
pub mod server_keys;
pub mod spaces;
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
pub use template::{MembershipChange, TemplateError, event_from_template};
