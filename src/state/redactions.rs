//! Redactions: which events lost their content, and by which redaction.
//!
//! A redaction takes effect when both it and what it redacts are there and accepted, whichever came
//! first. It changes what is shown of an event, not what the event does: the authorization rules and
//! state resolution go on by what was sent, as the homeservers in use do.
//!
//! Create events keep their content whoever redacts them. Where senders choose the IDs of their events,
//! redactions can name each other in a circle; there, redactions of redactions have no effect, so that
//! none depends on which came first.
//!
//! Spec: <https://spec.matrix.org/v1.19/rooms/v3/#handling-redactions>

use std::collections::HashMap;

use super::graph::{EventIndex, Graph};
use crate::auth::{Event, EventType, Levels, Named};
use crate::identifiers::domain_of;
use crate::json::Value;

/// The redactions of a room.
#[derive(Debug, Default)]
pub struct Redactions {
    /// Those whose target is not there yet, by its ID.
    pending: HashMap<String, Vec<Redaction>>,
    /// What was redacted, by what.
    applied: HashMap<EventIndex, EventIndex>,
}

#[derive(Debug, Clone, Copy)]
struct Redaction {
    event: EventIndex,
    /// Its sender has the level for redacting anybody's events.
    has_level: bool,
}

/// The ID of the event that a redaction names.
fn target(event: &Event) -> Option<String> {
    let value = if event.pdu().version().redacts_in_content {
        event.content("redacts")
    } else {
        event.pdu().json().get("redacts")
    };
    value.and_then(Value::as_str).map(Into::into)
}

impl Redactions {
    /// The redaction by which an event lost its content.
    #[must_use]
    pub fn of(&self, event: EventIndex) -> Option<EventIndex> {
        self.applied.get(&event).copied()
    }

    /// Takes an accepted event that may be one that a redaction waits for.
    pub fn arrive(&mut self, graph: &Graph, index: EventIndex) {
        for redaction in self.pending.remove(graph.id(index)).unwrap_or_default() {
            self.apply(graph, redaction, index);
        }
    }

    /// Takes an accepted event: a redaction, or one that a redaction waits for. `levels` are those in
    /// force before it; `is_accepted` tells of the events before it.
    pub fn accept(
        &mut self,
        graph: &Graph,
        index: EventIndex,
        levels: Option<Levels<'_>>,
        is_accepted: impl Fn(EventIndex) -> bool,
    ) {
        self.arrive(graph, index);
        let Some(node) = graph.node(index) else { return };
        if node.event.event_type() != EventType::Redaction {
            return;
        }
        let Some(id) = target(&node.event) else { return };
        let has_level = levels.is_some_and(|levels| {
            let has = levels.user(node.event.sender());
            let needs = levels.named(Named::Redact);
            matches!((has, needs), (Ok(has), Ok(needs)) if has.level >= needs.level)
        });
        let redaction = Redaction { event: index, has_level };
        match graph.find(&id) {
            Some(target) if is_accepted(target) => self.apply(graph, redaction, target),
            // What was judged otherwise will not be accepted later.
            Some(_) => {}
            None => self.pending.entry(id).or_default().push(redaction),
        }
    }

    fn apply(&mut self, graph: &Graph, redaction: Redaction, target: EventIndex) {
        let Some((by, of)) = graph.node(redaction.event).zip(graph.node(target)) else { return };
        // Where the authorization rules judge redactions, an accepted one is right.
        let is_right = graph.version().redaction_rule
            || redaction.has_level
            || domain_of(by.event.sender(), '@') == domain_of(of.event.sender(), '@');
        let same_room = by.event.pdu().room_id() == of.event.pdu().room_id();
        let can_lose = match of.event.event_type() {
            EventType::Create => false,
            EventType::Redaction => !graph.version().event_id_format.is_field(),
            _ => true,
        };
        if is_right && same_room && can_lose {
            self.applied.entry(target).or_insert(redaction.event);
        }
    }
}
