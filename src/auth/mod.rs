//! Authorization: may this event be, given the state of its room?
//!
//! The rules are those of the room version's page, in its order: [`outline`] lists them all,
//! `rules/` has a file a rule set. [`auth_rules`] applies those that look at the event's auth events
//! (once per event) and [`state_rules`] those that look at a room state (once for each of the
//! three states of checks 4, 5 and 6).
//!
//! Spec: "Authorisation rules" of each room version, such as
//! <https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules>

mod decision;
mod event;
mod level;
pub mod outline;
mod power_levels;
mod reading;
mod rules;
mod selection;
mod state;
mod table;

pub use decision::{Answer, Ask, Decision, Step, Why};
pub use event::{AuthoriserSignature, Event, EventType, JoinRule, Membership};
pub(crate) use event::{CREATE, JOIN_RULES, MEMBER, POWER_LEVELS};
pub use level::Level;
pub use outline::Rule;
pub use power_levels::{Entries, Held, Levels, Named, PowerLevels, Source, Unread};
pub use reading::{Reading, Unreadable};
pub use rules::{Cited, Outcome, RoomCreate, auth_rules, state_rules};
pub use selection::Selection;
pub use state::{State, StateMap};
pub use table::LevelTable;
