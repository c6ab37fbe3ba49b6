//! `m.room.aliases` of room versions 1 to 5: servers speak for their own aliases.

use super::Check;
use crate::auth::decision::{Flow, Path, Why};
use crate::auth::event::EventType;
use crate::auth::outline::Rule;
use crate::evidence::{Evidence, Quoted};

impl Check<'_> {
    /// "If type is `m.room.aliases`": allowed even for those who are not in the room.
    pub(super) fn aliases(&self, path: &mut Path) -> Flow {
        let event = self.event;
        if !self.version.aliases_rule
            || !path.applies(Rule::Aliases, event.event_type() == EventType::Aliases)
        {
            return Flow::Continue(());
        }
        let server = event.sender_server();
        let evidence = || {
            Evidence::object([("server", server.into())]).with_some("state_key", event.state_key())
        };
        path.reject_if(Rule::AliasesStateKey, event.state_key().is_none(), &|| {
            let reason = "aliases are state, this event has no state key".to_owned();
            Why::new("aliases_no_state_key", reason, evidence())
        })?;
        let state_key = event.state_key().unwrap_or_default();
        path.reject_if(Rule::AliasesServer, state_key != server, &|| {
            let reason = format!(
                "the aliases are those of {}, the sender is of {server}",
                Quoted(state_key)
            );
            Why::new("aliases_wrong_server", reason, evidence())
        })?;
        Flow::Break(path.allow(Rule::AliasesOtherwise))
    }
}
