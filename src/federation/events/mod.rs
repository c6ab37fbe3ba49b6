//! Events and state of a room that another server holds.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#retrieving-events>

mod event;
mod event_auth;
mod history;
mod state;
mod timestamp;

pub use event::{OneEvent, event};
pub use event_auth::{AuthChain, EventAuth, event_auth};
pub use history::{
    MAX_BACKFILL, MissingEvents, backfill, get_missing_events, read_backfill, read_missing_events,
};
pub use state::{StateIds, read_state, read_state_ids, state, state_ids};
pub use timestamp::{Direction, EventHint, read_timestamp_to_event, timestamp_to_event};

use super::request::Target;

fn v1(endpoint: &str) -> Target {
    Target::new("federation/v1").segment(endpoint)
}
