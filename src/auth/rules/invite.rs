//! Inviting: the rules for the membership `invite`.

mod third_party;

use super::Check;
use super::tell::{is, level, level_of};
use crate::auth::decision::{Flow, Path, Why};
use crate::auth::event::Membership;
use crate::auth::outline::Rule;
use crate::auth::power_levels::Named;
use crate::evidence::Evidence;

impl Check<'_> {
    /// "If `membership` is `invite`".
    pub(super) fn invite(&self, target: &str, path: &mut Path) -> Flow {
        let third_party = self.event.content("third_party_invite");
        if path.applies(Rule::InviteThirdParty, third_party.is_some()) {
            return self.third_party(target, third_party, path);
        }
        let sender = self.event.sender();
        self.sender_must_be_joined(Rule::InviteSenderJoined, "invite_sender_not_joined", path)?;
        let membership = self.membership(target);
        let code = match membership {
            Some(Membership::Join) => Some("invite_target_joined"),
            Some(Membership::Ban) => Some("invite_target_banned"),
            _ => None,
        };
        match code {
            None => path.pass(Rule::InviteTarget, &|| self.standing(target)),
            Some(code) => Flow::Break(path.reject(Rule::InviteTarget, &|| {
                let reason = format!("{target} is {} and cannot be invited", is(membership));
                Why::new(code, reason, self.standing(target))
            })),
        }?;
        let has = Self::held(Rule::InviteLevel, self.levels().user(sender), path)?;
        let needs = Self::held(Rule::InviteLevel, self.levels().named(Named::Invite), path)?;
        let seen =
            || Evidence::object([("sender", level_of(sender, has)), ("invite", needs.into())]);
        path.allow_if(Rule::InviteLevel, has.level >= needs.level, &seen)?;
        Flow::Break(path.reject(Rule::InviteOtherwise, &|| {
            let reason =
                format!("{sender} has level {}, but inviting takes {}", level(has), level(needs));
            Why::new("invite_power", reason, seen())
        }))
    }
}
