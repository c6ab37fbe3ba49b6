//! Joining: the rules for the membership `join`.

use super::Check;
use super::member::AUTHORISER;
use super::tell::{is, level, level_of, seen, shown};
use crate::auth::decision::{Flow, Path, Why};
use crate::auth::event::{Event, JOIN_RULES, JoinRule, Membership};
use crate::auth::outline::Rule;
use crate::auth::power_levels::Named;
use crate::evidence::Evidence;
use crate::json::Value;

impl Check<'_> {
    /// "If `membership` is `join`".
    pub(super) fn join(&self, target: &str, path: &mut Path) -> Flow {
        self.join_of_creator(target, path)?;
        let sender = self.event.sender();
        path.reject_if(Rule::JoinSender, sender != target, &|| {
            Why::new(
                "join_sender_mismatch",
                format!("{sender} cannot make {target} join: users join by themselves"),
                Evidence::object([("sender", sender.into()), ("state_key", target.into())]),
            )
        })?;
        let membership = self.membership(sender);
        path.reject_if(Rule::JoinBanned, membership == Some(Membership::Ban), &|| {
            let reason = format!("{sender} is banned from the room");
            Why::new("join_banned", reason, self.standing(sender))
        })?;
        let rule = self.join_rule();
        let by_invitation = matches!(rule, JoinRule::Invite | JoinRule::Knock);
        let is_in = matches!(membership, Some(Membership::Join | Membership::Invite));
        let seen = || self.join_rule_evidence().with("sender", self.standing(sender));
        path.allow_if(Rule::JoinInvited, by_invitation && is_in, &seen)?;
        if self.version.restricted_join {
            let restricted = matches!(rule, JoinRule::Restricted | JoinRule::KnockRestricted);
            if path.applies(Rule::JoinRestricted, restricted) {
                return self.join_restricted(is_in, path);
            }
        }
        path.allow_if(Rule::JoinPublic, rule == JoinRule::Public, &|| self.join_rule_evidence())?;
        Flow::Break(path.reject(Rule::JoinOtherwise, &|| {
            let name = self.join_rule_name();
            if by_invitation {
                let is = is(membership);
                let reason =
                    format!("{sender} is {is}, and the join rule {name} asks for an invite");
                Why::new("join_not_invited", reason, seen())
            } else {
                let reason = format!("the join rule {name} lets nobody join");
                Why::new("join_rule_forbids", reason, seen())
            }
        }))
    }

    /// The first thing that happens in a room: its creator joins.
    fn join_of_creator(&self, target: &str, path: &mut Path) -> Flow {
        let create = self.create;
        let follows_create = || {
            let mut previous = self.event.pdu().prev_events();
            previous.next().is_some_and(|prev| prev.event_id == create.id())
                && previous.next().is_none()
        };
        let is_creator = create.creator() == Some(target);
        path.allow_if(Rule::JoinCreator, is_creator && follows_create(), &|| {
            Evidence::object([
                ("create_event", create.id().into()),
                ("is_only_previous_event", follows_create().into()),
            ])
            .with_some("creator", create.creator())
        })
    }

    /// "If the `join_rule` is `restricted` or `knock_restricted`".
    fn join_restricted(&self, is_in: bool, path: &mut Path) -> Flow {
        const RULE: Rule = Rule::JoinRestrictedAuthoriser;
        let sender = self.event.sender();
        path.allow_if(Rule::JoinRestrictedMember, is_in, &|| self.standing(sender))?;
        let authoriser = self.event.content(AUTHORISER).and_then(Value::as_str);
        let Some(authoriser) = authoriser else {
            return Flow::Break(path.reject(RULE, &|| {
                let reason = format!(
                    "{sender} is not invited, and nobody in the room let them in: the content has no user in \"{AUTHORISER}\""
                );
                let found = self.event.content(AUTHORISER).map(seen);
                let evidence = self.join_rule_evidence().with_some(AUTHORISER, found);
                Why::new("join_restricted_no_authoriser", reason, evidence)
            }));
        };
        path.reject_if(RULE, !self.is_joined(&authoriser), &|| {
            let is = is(self.membership(&authoriser));
            let reason = format!("{authoriser} let {sender} in, but is {is}");
            Why::new("join_restricted_authoriser_not_joined", reason, self.standing(&authoriser))
        })?;
        let has = Self::held(RULE, self.levels().user(&authoriser), path)?;
        let needs = Self::held(RULE, self.levels().named(Named::Invite), path)?;
        path.reject_if(RULE, has.level < needs.level, &|| {
            let reason = format!(
                "{authoriser} let {sender} in with level {}, but inviting takes {}",
                level(has),
                level(needs)
            );
            let evidence = Evidence::object([
                ("authoriser", level_of(&authoriser, has)),
                ("invite", needs.into()),
            ]);
            Why::new("join_restricted_authoriser_power", reason, evidence)
        })?;
        Flow::Break(path.allow(Rule::JoinRestrictedOtherwise))
    }

    /// The join rule as the room has it, in quotes.
    pub(super) fn join_rule_name(&self) -> String {
        let stated = self.join_rules_event().and_then(|event| event.content("join_rule"));
        stated.map_or_else(|| "\"invite\" (by default)".to_owned(), shown)
    }

    /// `{join_rule, join_rules_event}`; without a join rule that of the specification.
    pub(super) fn join_rule_evidence(&self) -> Evidence {
        let event = self.join_rules_event();
        let stated = event.and_then(|event| event.content("join_rule")).map(seen);
        Evidence::object([("join_rule", stated.unwrap_or_else(|| "invite".into()))])
            .with_some("join_rules_event", event.map(Event::id))
    }

    fn join_rules_event(&self) -> Option<&Event> {
        self.state.get(JOIN_RULES, "")
    }
}
