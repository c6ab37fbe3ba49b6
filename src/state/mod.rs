//! State: what holds in a room before and after an event, and how states that differ become one.
//!
//! | module | what it is |
//! |---|---|
//! | [`graph`] | the events of a room with their auth edges, by small numbers |
//! | `places` | places in the state by type and state key |
//! | [`snapshot`] | a room state that shares what it has in common with others |
//! | [`conflicts`] | what several states agree about, and what not |
//! | [`auth_chain`] | auth difference and conflicted subgraph |
//! | [`power_order`], [`mainline`], [`iterative_auth`] | the steps of algorithm 2 |
//! | [`v1`], [`v2`] | the algorithms |
//! | [`trace`] | what happened, as data |
//! | [`whole`] | is a list of events a state of this room? |
//! | [`room`] | a room that is received: the state before, after, and now |
//!
//! Spec: "State resolution" of each room version, such as
//! <https://spec.matrix.org/v1.19/rooms/v12/#state-resolution>

pub mod auth_chain;
pub mod conflicts;
pub mod given;
pub mod graph;
pub mod iterative_auth;
pub mod mainline;
mod places;
pub mod power_order;
pub mod redactions;
pub mod room;
pub mod snapshot;
pub mod trace;
pub mod v1;
pub mod v2;
pub mod whole;

pub use graph::{EventIndex, Graph, Place};
pub use room::{
    Arrival, DraftError, Gap, GivenState, GivenStateError, Giving, NewEvent, Room, Seen,
    StateDraft, Step,
};
pub use snapshot::Snapshot;
pub use trace::Trace;

use crate::room_version::StateResolution;

/// The state that several states become, by the algorithm of the room version. With a `trace`, what
/// happened is written down there.
///
/// The order of the states does not matter. One state is itself; none is the empty state.
#[must_use]
pub fn resolve(graph: &Graph, states: &[Snapshot], trace: Option<&mut Trace>) -> Snapshot {
    if trace.is_none()
        && let [first, others @ ..] = states
        && others.iter().all(|other| other.is_same(first))
    {
        return first.clone();
    }
    match graph.version().state_resolution {
        StateResolution::V1 => v1::resolve(graph, states, trace),
        StateResolution::V2 => v2::resolve(graph, states, v2::Variant::V2, trace),
        StateResolution::V2_1 => v2::resolve(graph, states, v2::Variant::V2_1, trace),
    }
}
