//! What happened in a resolution, as data.

use serde::Serialize;

use super::conflicts::Conflicts;
use super::graph::{EventIndex, Graph, Node, Place};
use super::power_order::Ordered;
use super::snapshot::Snapshot;
use crate::auth::{Decision, Level};
use crate::ordered;
use std::collections::BTreeSet;

/// A place in the state with events for it.
#[derive(Debug, Clone, Serialize)]
pub struct AtPlace {
    /// The type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The state key.
    pub state_key: String,
    /// The events.
    pub events: Vec<String>,
}

/// A power event in its order.
#[derive(Debug, Clone, Serialize)]
pub struct PowerEvent {
    /// The event.
    pub event_id: String,
    /// Its sender.
    pub sender: String,
    /// The sender's level, by the event's own auth events.
    pub level: Level,
    /// When it was made, in milliseconds since 1970.
    pub origin_server_ts: i64,
    /// What decided that it comes before the next one that could.
    pub tie_break: &'static str,
}

/// An iterative auth check.
#[derive(Debug, Clone, Serialize)]
pub struct Applied {
    /// The event.
    pub event_id: String,
    /// It entered the state.
    pub allowed: bool,
    /// The rule that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
    /// Why it did not enter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The same as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An event with its place on the mainline.
#[derive(Debug, Clone, Serialize)]
pub struct OnMainline {
    /// The event.
    pub event_id: String,
    /// Its mainline position; absent where that is infinite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
}

/// How one place was decided.
#[derive(Debug, Clone, Serialize)]
pub struct Decided {
    /// The type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The state key.
    pub state_key: String,
    /// The event that stands there; absent when none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub winner: Option<String>,
    /// What became of each of the others, as a sentence.
    pub story: Vec<String>,
}

/// A resolution, step by step.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Trace {
    /// `1`, `2` or `2.1`.
    pub algorithm: &'static str,
    /// How many places all states agree about.
    pub unconflicted: usize,
    /// The places that they do not agree about.
    pub conflicted: Vec<AtPlace>,
    /// The events that some states rest on, and not all.
    pub auth_difference: Vec<String>,
    /// The events between conflicted ones (algorithm 2.1).
    pub conflicted_subgraph: Vec<String>,
    /// All that takes part.
    pub full_conflicted_set: Vec<String>,
    /// The power events, and what they rest on, in order.
    pub power_events: Vec<PowerEvent>,
    /// The first iterative auth checks.
    pub power_checks: Vec<Applied>,
    /// The mainline of the power levels that came out.
    pub mainline: Vec<String>,
    /// The other events in order.
    pub other_events: Vec<OnMainline>,
    /// The second iterative auth checks.
    pub other_checks: Vec<Applied>,
    /// What became of each conflicted place.
    pub decided: Vec<Decided>,
    /// Where this follows Synapse and not the text, and it makes a difference.
    pub flags: Vec<&'static str>,
}

impl Applied {
    pub(super) fn new(graph: &Graph, node: &Node, decision: Option<&Decision>) -> Self {
        let (allowed, rule, why) = match decision {
            None => (false, None, None),
            Some(Decision::Allow(rule)) => (true, rule.number(graph.version()), None),
            Some(Decision::Reject(rule, why) | Decision::Incomplete(rule, why)) => {
                (false, rule.number(graph.version()), why.as_ref())
            }
        };
        let (code, reason) = match (decision, why) {
            (None, _) => (Some("event_rejected"), Some("it was rejected before".to_owned())),
            (_, Some(why)) => (Some(why.code), Some(why.reason.clone())),
            _ => (None, None),
        };
        Self { event_id: node.event.id().to_owned(), allowed, rule, code, reason }
    }
}

fn ids<'a>(graph: &Graph, events: impl IntoIterator<Item = &'a EventIndex>) -> Vec<String> {
    let mut ids: Vec<_> = events.into_iter().map(|event| graph.id(*event).to_owned()).collect();
    ordered::sort(&mut ids);
    ids
}

impl Trace {
    pub(super) fn begin(&mut self, graph: &Graph, algorithm: &'static str, conflicts: &Conflicts) {
        self.algorithm = algorithm;
        self.unconflicted = conflicts.unconflicted.iter().count();
        self.conflicted = conflicts
            .conflicted
            .iter()
            .map(|(place, events)| {
                let (event_type, state_key) = graph.name(*place);
                let (event_type, state_key) = (event_type.to_owned(), state_key.to_owned());
                AtPlace { event_type, state_key, events: ids(graph, events) }
            })
            .collect();
        ordered::sort_by(&mut self.conflicted, |one, two| {
            (&one.event_type, &one.state_key).cmp(&(&two.event_type, &two.state_key))
        });
    }

    pub(super) fn full_conflicted_set(
        &mut self,
        graph: &Graph,
        difference: &BTreeSet<EventIndex>,
        subgraph: &BTreeSet<EventIndex>,
        full: &BTreeSet<EventIndex>,
    ) {
        self.auth_difference = ids(graph, difference);
        self.conflicted_subgraph = ids(graph, subgraph);
        self.full_conflicted_set = ids(graph, full);
    }

    pub(super) fn power_events(
        &mut self,
        graph: &Graph,
        sorted: &[Ordered],
        beyond: Vec<EventIndex>,
    ) {
        self.power_events = sorted
            .iter()
            .filter_map(|ordered| {
                let event = &graph.node(ordered.event)?.event;
                Some(PowerEvent {
                    event_id: event.id().to_owned(),
                    sender: event.sender().to_owned(),
                    level: ordered.level.clone(),
                    origin_server_ts: event.pdu().origin_server_ts(),
                    tie_break: ordered.tie_break.name(),
                })
            })
            .collect();
        if !beyond.is_empty() {
            self.flags.push("power_events_inside_full_conflicted_set_only");
        }
    }

    pub(super) fn mainline(
        &mut self,
        graph: &Graph,
        mainline: &[EventIndex],
        others: &[(EventIndex, Option<usize>)],
    ) {
        self.mainline = mainline.iter().map(|event| graph.id(*event).to_owned()).collect();
        self.other_events = others
            .iter()
            .map(|(event, position)| OnMainline {
                event_id: graph.id(*event).to_owned(),
                position: *position,
            })
            .collect();
    }

    pub(super) fn end(&mut self, graph: &Graph, conflicts: &Conflicts, resolved: &Snapshot) {
        let places = conflicts.conflicted.iter();
        self.decided =
            places.map(|(place, events)| self.decide(graph, *place, events, resolved)).collect();
        ordered::sort_by(&mut self.decided, |one, two| {
            (&one.event_type, &one.state_key).cmp(&(&two.event_type, &two.state_key))
        });
    }

    /// Why the event that stands at a place does, and the others do not.
    fn decide(
        &self,
        graph: &Graph,
        place: Place,
        events: &BTreeSet<EventIndex>,
        resolved: &Snapshot,
    ) -> Decided {
        let (event_type, state_key) = graph.name(place);
        let winner = resolved.get(place).map(|event| graph.id(event).to_owned());
        let checks = || self.power_checks.iter().chain(&self.other_checks);
        let story = checks()
            .filter(|check| events.iter().any(|event| graph.id(*event) == check.event_id))
            .map(|check| match (&check.reason, Some(&check.event_id) == winner.as_ref()) {
                (Some(reason), _) => format!("{} is not allowed there: {reason}", check.event_id),
                (None, true) => format!("{} is allowed, and nothing came after it", check.event_id),
                (None, false) => format!("{} is allowed, but one after it is too", check.event_id),
            })
            .collect();
        Decided {
            event_type: event_type.to_owned(),
            state_key: state_key.to_owned(),
            winner,
            story,
        }
    }
}
