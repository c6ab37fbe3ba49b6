//! The reverse topological power ordering.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::graph::{EventIndex, Graph, Node};
use crate::auth::{CREATE, JOIN_RULES, Level, Levels, Membership, POWER_LEVELS};
use crate::ordered;

/// Is it a power event: one that may take away somebody's ability to do something?
#[must_use]
pub fn is_power_event(node: &Node) -> bool {
    let event = &node.event;
    event.is_state(POWER_LEVELS, "")
        || event.is_state(JOIN_RULES, "")
        || (event.state_key().is_some_and(|target| target != event.sender())
            && matches!(event.membership(), Some(Membership::Leave | Membership::Ban)))
}

/// What orders two events neither of which rests on the other: the greater level of the sender, then
/// the earlier time, then the smaller ID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank<'g> {
    level: Reverse<Level>,
    origin_server_ts: i64,
    id: &'g str,
}

/// What decided between an event and the next of those that could have come in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TieBreak {
    /// No other event could come.
    None,
    /// The sender's level is greater.
    PowerLevel,
    /// It is earlier.
    OriginServerTs,
    /// Its ID is smaller.
    EventId,
}

impl TieBreak {
    /// The name, as in a trace.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "only_candidate",
            Self::PowerLevel => "power_level",
            Self::OriginServerTs => "origin_server_ts",
            Self::EventId => "event_id",
        }
    }

    fn between(first: &Rank<'_>, next: Option<&Rank<'_>>) -> Self {
        match next {
            None => Self::None,
            Some(next) if first.level != next.level => Self::PowerLevel,
            Some(next) if first.origin_server_ts != next.origin_server_ts => Self::OriginServerTs,
            Some(_) => Self::EventId,
        }
    }
}

/// An event in its order.
#[derive(Debug, Clone)]
pub struct Ordered {
    /// The event.
    pub event: EventIndex,
    /// The level of its sender, by its own auth events.
    pub level: Level,
    /// What decided that it comes here.
    pub tie_break: TieBreak,
}

/// Sorts events so that each comes after those of them that it cites, and else by [`Rank`].
#[must_use]
pub fn sort(graph: &Graph, events: &BTreeSet<EventIndex>) -> Vec<Ordered> {
    let mut needs: BTreeMap<EventIndex, usize> = BTreeMap::new();
    let mut dependents: BTreeMap<EventIndex, Vec<EventIndex>> = BTreeMap::new();
    for event in events {
        let cited = graph.node(*event).into_iter().flat_map(|node| &node.auth);
        let cited = ordered::set(cited.filter(|cited| events.contains(cited)));
        needs.insert(*event, cited.len());
        for cited in cited {
            dependents.entry(*cited).or_default().push(*event);
        }
    }
    let candidate = |event: EventIndex| Reverse((rank(graph, event), event));
    let mut candidates: BinaryHeap<_> = needs
        .iter()
        .filter(|(_, needs)| **needs == 0)
        .map(|(event, _)| candidate(*event))
        .collect();
    let mut sorted = Vec::with_capacity(events.len());
    while let Some(Reverse((rank, event))) = candidates.pop() {
        let next = candidates.peek().map(|Reverse((rank, _))| rank);
        let tie_break = TieBreak::between(&rank, next);
        sorted.push(Ordered { event, level: rank.level.0, tie_break });
        for dependent in dependents.get(&event).into_iter().flatten() {
            if let Some(needs) = needs.get_mut(dependent) {
                *needs = needs.saturating_sub(1);
                if *needs == 0 {
                    candidates.push(candidate(*dependent));
                }
            }
        }
    }
    sorted
}

fn rank(graph: &Graph, index: EventIndex) -> Rank<'_> {
    let Some(node) = graph.node(index) else {
        return Rank { level: Reverse(Level::Integer(0)), origin_server_ts: 0, id: "" };
    };
    Rank {
        level: Reverse(sender_level(graph, node)),
        origin_server_ts: node.event.pdu().origin_server_ts(),
        id: node.event.id(),
    }
}

/// The level of an event's sender, "when looking at their respective `auth_event`s".
fn sender_level(graph: &Graph, node: &Node) -> Level {
    let mut cited = node.auth.iter().filter_map(|index| graph.node(*index));
    let create = cited.find(|cited| cited.event.is_state(CREATE, "")).map(|cited| &cited.event);
    let Some(create) = create.or(graph.create(&node.event).event) else { return Level::Integer(0) };
    let power_levels = node.power_levels.and_then(|index| graph.node(index));
    let levels = Levels::new(create, power_levels.map(|node| &node.event));
    // A level that cannot be read gives nobody power.
    levels.user(node.event.sender()).map_or(Level::Integer(0), |held| held.level.clone())
}
