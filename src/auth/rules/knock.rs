//! Knocking: the rules for the membership `knock`.

use super::Check;
use super::tell::is;
use crate::auth::decision::{Flow, Path, Why};
use crate::auth::event::{JoinRule, Membership};
use crate::auth::outline::Rule;
use crate::evidence::Evidence;

impl Check<'_> {
    /// "If `membership` is `knock`".
    pub(super) fn knock(&self, target: &str, path: &mut Path) -> Flow {
        let sender = self.event.sender();
        let takes_knocks = matches!(self.join_rule(), JoinRule::Knock | JoinRule::KnockRestricted);
        path.reject_if(Rule::KnockJoinRule, !takes_knocks, &|| {
            let reason = format!("the join rule {} takes no knocks", self.join_rule_name());
            Why::new("knock_join_rule", reason, self.join_rule_evidence())
        })?;
        path.reject_if(Rule::KnockSender, sender != target, &|| {
            Why::new(
                "knock_sender_mismatch",
                format!("{sender} cannot knock for {target}"),
                Evidence::object([("sender", sender.into()), ("state_key", target.into())]),
            )
        })?;
        let membership = self.membership(sender);
        let is_out =
            !matches!(membership, Some(Membership::Ban | Membership::Invite | Membership::Join));
        path.allow_if(Rule::KnockMembership, is_out, &|| self.standing(sender))?;
        Flow::Break(path.reject(Rule::KnockOtherwise, &|| {
            let reason = format!("{sender} is {} and cannot knock", is(membership));
            Why::new("knock_membership", reason, self.standing(sender))
        }))
    }
}
