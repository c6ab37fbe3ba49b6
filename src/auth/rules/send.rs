//! Sending: the rules for events of all types but those that have rules of their own before.

use super::Check;
use super::tell::{is, level, level_of, standing};
use crate::auth::decision::{Flow, Path, Why};
use crate::auth::event::EventType;
use crate::auth::outline::Rule;
use crate::auth::power_levels::Named;
use crate::evidence::{Evidence, Quoted};

impl Check<'_> {
    /// "If the `sender`'s current membership state is not `join`, reject."
    pub(super) fn sender_joined(&self, path: &mut Path) -> Flow {
        self.sender_must_be_joined(Rule::SenderJoined, "sender_not_joined", path)
    }

    pub(super) fn sender_must_be_joined(
        &self,
        rule: Rule,
        code: &'static str,
        path: &mut Path,
    ) -> Flow {
        let sender = self.event.sender();
        path.reject_if(rule, !self.is_joined(sender), &|| {
            let reason = format!("the sender {sender} is {}", is(self.membership(sender)));
            Why::new(code, reason, self.standing(sender))
        })
    }

    /// `{user, membership, event_id}`
    pub(super) fn standing(&self, user: &str) -> Evidence {
        standing(user, self.member_event(user))
    }

    /// "If type is `m.room.third_party_invite`": it takes what inviting takes, whatever the level for
    /// events of that type is.
    pub(super) fn third_party_invite(&self, path: &mut Path) -> Flow {
        const RULE: Rule = Rule::ThirdPartyInviteLevel;
        let is_it = self.event.event_type() == EventType::ThirdPartyInvite;
        if !path.applies(Rule::ThirdPartyInvite, is_it) {
            return Flow::Continue(());
        }
        let sender = self.event.sender();
        let has = Self::held(RULE, self.levels().user(sender), path)?;
        let needs = Self::held(RULE, self.levels().named(Named::Invite), path)?;
        let seen =
            || Evidence::object([("sender", level_of(sender, has)), ("invite", needs.into())]);
        path.allow_if(RULE, has.level >= needs.level, &seen)?;
        Flow::Break(path.reject(RULE, &|| {
            let reason =
                format!("{sender} has level {}, but inviting takes {}", level(has), level(needs));
            Why::new("third_party_invite_power", reason, seen())
        }))
    }

    /// "If the event type's *required power level* is greater than the `sender`'s power level, reject."
    pub(super) fn required_level(&self, path: &mut Path) -> Flow {
        const RULE: Rule = Rule::RequiredLevel;
        let (event, sender) = (self.event, self.event.sender());
        let event_type = event.pdu().event_type();
        let is_state = event.state_key().is_some();
        let has = Self::held(RULE, self.levels().user(sender), path)?;
        let needs = Self::held(RULE, self.levels().required(&event_type, is_state), path)?;
        path.reject_if(RULE, needs.level > has.level, &|| {
            let what = if is_state { "state event" } else { "event" };
            let reason = format!(
                "{sender} has level {}, but a {what} of type {} takes {}",
                level(has),
                Quoted(&event_type),
                level(needs)
            );
            let evidence =
                Evidence::object([("sender", level_of(sender, has)), ("required", needs.into())])
                    .with("type", &*event_type);
            Why::new("event_power", reason, evidence)
        })
    }

    /// "If the event has a `state_key` that starts with an `@` and does not match the `sender`, reject."
    pub(super) fn state_key(&self, path: &mut Path) -> Flow {
        let (sender, state_key) = (self.event.sender(), self.event.state_key());
        let of_other = state_key.is_some_and(|key| key.starts_with('@') && key != sender);
        path.reject_if(Rule::StateKey, of_other, &|| {
            let key = state_key.unwrap_or_default();
            let reason = format!("the state key {} is not the sender {sender}", Quoted(key));
            let evidence =
                Evidence::object([("sender", sender.into())]).with_some("state_key", state_key);
            Why::new("state_key_not_sender", reason, evidence)
        })
    }
}
