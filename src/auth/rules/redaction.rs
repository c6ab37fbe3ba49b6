//! `m.room.redaction` of room versions 1 and 2.

use super::Check;
use super::tell::{level, level_of, seen};
use crate::auth::decision::{Flow, Path, Why};
use crate::auth::event::EventType;
use crate::auth::outline::Rule;
use crate::auth::power_levels::Named;
use crate::evidence::Evidence;
use crate::identifiers::domain_of;
use crate::json::Value;

impl Check<'_> {
    /// "If type is `m.room.redaction`": allowed by level, or to the server of the redacted event. It
    /// is the IDs that are compared; the redacted event need not be there.
    pub(super) fn redaction(&self, path: &mut Path) -> Flow {
        let event = self.event;
        if !self.version.redaction_rule
            || !path.applies(Rule::Redaction, event.event_type() == EventType::Redaction)
        {
            return Flow::Continue(());
        }
        let sender = event.sender();
        let has = Self::held(Rule::RedactionLevel, self.levels().user(sender), path)?;
        let needs = Self::held(Rule::RedactionLevel, self.levels().named(Named::Redact), path)?;
        let levels =
            || Evidence::object([("sender", level_of(sender, has)), ("redact", needs.into())]);
        path.allow_if(Rule::RedactionLevel, has.level >= needs.level, &levels)?;
        let redacts = event.pdu().json().get("redacts");
        let redacted = redacts.and_then(Value::as_str);
        let of_redacted = redacted.as_deref().and_then(|id| domain_of(id, '$'));
        let own = domain_of(event.id(), '$');
        let ids = || {
            Evidence::object([("event_id", event.id().into())])
                .with_some("redacts", redacts.map(seen))
        };
        path.allow_if(Rule::RedactionServer, own.is_some() && own == of_redacted, &ids)?;
        Flow::Break(path.reject(Rule::RedactionOtherwise, &|| {
            let reason = format!(
                "{sender} has level {}, but redacting takes {}, and what it redacts is not of its own server",
                level(has),
                level(needs)
            );
            Why::new("redaction_power", reason, levels().with_some("redacts", redacts.map(seen)))
        }))
    }
}
