//! The rules, a file a rule set, in the order of the specification.

mod aliases;
mod auth_events;
mod create;
mod federate;
mod invite;
mod join;
mod knock;
mod leave;
mod member;
mod power_levels;
mod redaction;
mod send;
mod tell;

use std::ops::ControlFlow;

pub use auth_events::Cited;
pub use create::RoomCreate;

use super::decision::{Ask, Decision, Flow, Path, Step, Why};
use super::event::{CREATE, Event, JOIN_RULES, JoinRule, MEMBER, Membership, POWER_LEVELS};
use super::outline::Rule;
use super::power_levels::{Held, Levels, Unread};
use super::state::State;
use crate::evidence::Evidence;
use crate::room_version::RoomVersion;

/// What the rules decided, and the way there, if it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The decision.
    pub decision: Decision,
    /// Every rule that was considered, in order.
    pub path: Vec<Step>,
}

/// Applies the rules to an event and the events that it cites: first those about the citing, then
/// those that ask whether the cited events allow it (check 4).
///
/// `cited` are the events that `auth_events` names, all of them. `create` is the room's create
/// event where events do not cite it (room versions 12 and later).
#[must_use]
pub fn auth_rules(event: &Event, cited: &[Cited<'_>], create: RoomCreate<'_>, ask: Ask) -> Outcome {
    let mut path = Path::new(event.pdu().version(), ask);
    let flow = state_independent(event, cited, create, &mut path);
    decided(flow, path, |path| {
        Check::state_dependent(event, &auth_events::CitedState(cited), create, path)
    })
}

/// Applies the rules that look at a room state: the one before the event (check 5), or the current
/// one (check 6).
#[must_use]
pub fn state_rules(event: &Event, state: &dyn State, create: RoomCreate<'_>, ask: Ask) -> Outcome {
    let mut path = Path::new(event.pdu().version(), ask);
    // These look at no state, but what follows rests on them.
    let flow = before_auth_events(event, create, &mut path);
    decided(flow, path, |path| Check::state_dependent(event, state, create, path))
}

fn before_auth_events(event: &Event, create: RoomCreate<'_>, path: &mut Path) -> Flow {
    create::create_event(event, path)?;
    create::room_id(event, create, path)
}

fn state_independent(
    event: &Event,
    cited: &[Cited<'_>],
    create: RoomCreate<'_>,
    path: &mut Path,
) -> Flow {
    before_auth_events(event, create, path)?;
    auth_events::cited_events(event, cited, path)
}

fn decided(flow: Flow, mut path: Path, rest: impl FnOnce(&mut Path) -> Flow) -> Outcome {
    let flow = match flow {
        ControlFlow::Continue(()) => rest(&mut path),
        decided => decided,
    };
    let decision = match flow {
        ControlFlow::Break(decision) => decision,
        // The last rule is "otherwise, allow".
        ControlFlow::Continue(()) => Decision::Allow(Rule::Otherwise),
    };
    Outcome { decision, path: path.into_steps() }
}

/// The rules rest on the create event. A state without it is not the whole state; but before an event
/// that follows on no other there is none.
fn no_create_event(event: &Event, path: &mut Path) -> Decision {
    let evidence = || Evidence::object([("event_type", CREATE.into())]);
    if event.pdu().prev_events().next().is_none() {
        return path.reject(Rule::Federate, &|| {
            let reason = "the event follows on no other, so there is no room state that allows it";
            Why::new("no_previous_events", reason.to_owned(), evidence())
        });
    }
    path.incomplete(Rule::Federate, &|| {
        let reason = "the room state has no m.room.create event".to_owned();
        Why::new("create_event_missing", reason, evidence()).missing(vec![CREATE.to_owned()])
    })
}

/// An event before a room state.
struct Check<'a> {
    event: &'a Event,
    version: &'static RoomVersion,
    state: &'a dyn State,
    create: &'a Event,
}

impl<'a> Check<'a> {
    fn state_dependent(
        event: &'a Event,
        state: &'a dyn State,
        create: RoomCreate<'a>,
        path: &mut Path,
    ) -> Flow {
        let Some(create) = state.get(CREATE, "").or(create.event) else {
            return Flow::Break(no_create_event(event, path));
        };
        let version = event.pdu().version();
        let check = Check { event, version, state, create };
        check.federate(path)?;
        check.aliases(path)?;
        check.member(path)?;
        check.sender_joined(path)?;
        check.third_party_invite(path)?;
        check.required_level(path)?;
        check.state_key(path)?;
        check.power_levels(path)?;
        check.redaction(path)?;
        Flow::Break(path.allow(Rule::Otherwise))
    }

    /// The levels in force. Many events are decided without them.
    fn levels(&self) -> Levels<'a> {
        Levels::new(self.create, self.state.get(POWER_LEVELS, ""))
    }

    fn member_event(&self, user: &str) -> Option<&'a Event> {
        self.state.get(MEMBER, user)
    }

    /// The membership of a user; `None` for one who never had any.
    fn membership(&self, user: &str) -> Option<Membership> {
        self.member_event(user).and_then(Event::membership)
    }

    fn is_joined(&self, user: &str) -> bool {
        self.membership(user) == Some(Membership::Join)
    }

    /// The join rule, as far as the room version has it.
    fn join_rule(&self) -> JoinRule {
        let rule = self.state.get(JOIN_RULES, "").and_then(Event::join_rule);
        rule.unwrap_or(JoinRule::Invite).in_version(self.version)
    }

    /// A level that a rule needs; where it cannot be read, nothing is allowed.
    fn held(
        rule: Rule,
        found: Result<Held<'a>, Unread<'a>>,
        path: &mut Path,
    ) -> ControlFlow<Decision, Held<'a>> {
        found.map_or_else(
            |unread| ControlFlow::Break(path.reject(rule, &|| unread.why())),
            ControlFlow::Continue,
        )
    }
}
