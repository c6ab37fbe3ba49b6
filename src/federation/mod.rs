//! What other servers hand over in conversations, judged before it is signed or believed.
//!
//! Nothing here speaks to anybody. The conversations themselves, which will ask for network and time
//! through a host, rest on these judgments.

mod invite;
mod join;
mod join_answer;
mod template;

pub use invite::{IncomingInvite, Invite, InviteRefusal, check_invite};
pub use join::{Join, JoinReport};
pub use join_answer::{JoinAnswer, JoinAnswerError, check_join_answer};
pub use template::{MembershipChange, TemplateError, event_from_template};
