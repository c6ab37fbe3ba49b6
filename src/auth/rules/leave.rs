//! Leaving, kicking and unbanning: the rules for the membership `leave`; and banning.

use super::Check;
use super::tell::{is, level, level_of};
use crate::auth::decision::{Flow, Path, Why};
use crate::auth::event::Membership;
use crate::auth::outline::Rule;
use crate::auth::power_levels::{Held, Named};
use crate::evidence::Evidence;

impl Check<'_> {
    /// "If `membership` is `leave`".
    pub(super) fn leave(&self, target: &str, path: &mut Path) -> Flow {
        let sender = self.event.sender();
        if sender == target {
            return self.leave_self(sender, path);
        }
        path.pass(Rule::LeaveSelf, &|| {
            Evidence::object([("sender", sender.into()), ("state_key", target.into())])
        })?;
        self.sender_must_be_joined(Rule::KickSenderJoined, "kick_sender_not_joined", path)?;
        let has = Self::held(Rule::KickLevel, self.levels().user(sender), path)?;
        self.unban(target, has, path)?;
        let needs = Self::held(Rule::KickLevel, self.levels().named(Named::Kick), path)?;
        let act = Act {
            name: "kick",
            verb: "removing",
            allow: Rule::KickLevel,
            otherwise: Rule::KickOtherwise,
            codes: ("kick_power", "kick_target_power"),
        };
        self.against(target, (has, needs), &act, path)
    }

    /// "If the *target user*'s current membership state is `ban`, and the `sender`'s power level is
    /// less than the *ban level*, reject."
    fn unban(&self, target: &str, has: Held<'_>, path: &mut Path) -> Flow {
        if self.membership(target) != Some(Membership::Ban) {
            return path.pass(Rule::Unban, &|| self.standing(target));
        }
        let sender = self.event.sender();
        let needs = Self::held(Rule::Unban, self.levels().named(Named::Ban), path)?;
        path.reject_if(Rule::Unban, has.level < needs.level, &|| {
            let reason = format!(
                "{target} is banned, and {sender} has level {}, but lifting bans takes {}",
                level(has),
                level(needs)
            );
            let evidence = Evidence::object([
                ("sender", level_of(sender, has)),
                ("ban", needs.into()),
                ("target", self.standing(target)),
            ]);
            Why::new("unban_power", reason, evidence)
        })
    }

    /// "If the `sender` matches `state_key`, allow if and only if …"
    fn leave_self(&self, sender: &str, path: &mut Path) -> Flow {
        let may_leave = match self.membership(sender) {
            Some(Membership::Invite | Membership::Join) => true,
            Some(Membership::Knock) => self.version.knock,
            _ => false,
        };
        path.allow_if(Rule::LeaveSelf, may_leave, &|| self.standing(sender))?;
        Flow::Break(path.reject(Rule::LeaveSelf, &|| {
            let reason = format!("{sender} is {} and cannot leave", is(self.membership(sender)));
            Why::new("leave_not_member", reason, self.standing(sender))
        }))
    }

    /// "If `membership` is `ban`".
    pub(super) fn ban(&self, target: &str, path: &mut Path) -> Flow {
        self.sender_must_be_joined(Rule::BanSenderJoined, "ban_sender_not_joined", path)?;
        let has = Self::held(Rule::BanLevel, self.levels().user(self.event.sender()), path)?;
        let needs = Self::held(Rule::BanLevel, self.levels().named(Named::Ban), path)?;
        let act = Act {
            name: "ban",
            verb: "banning",
            allow: Rule::BanLevel,
            otherwise: Rule::BanOtherwise,
            codes: ("ban_power", "ban_target_power"),
        };
        self.against(target, (has, needs), &act, path)
    }

    /// What one user does to another takes the level for it, and a higher one than the other's.
    fn against(
        &self,
        target: &str,
        (has, needs): (Held<'_>, Held<'_>),
        act: &Act,
        path: &mut Path,
    ) -> Flow {
        let sender = self.event.sender();
        let of_target = Self::held(act.allow, self.levels().user(target), path)?;
        let seen = || {
            Evidence::object([
                ("sender", level_of(sender, has)),
                (act.name, needs.into()),
                ("target", level_of(target, of_target)),
            ])
        };
        let has_level = has.level >= needs.level;
        path.allow_if(act.allow, has_level && of_target.level < has.level, &seen)?;
        let Act { verb, otherwise, codes: (no_level, not_above), .. } = *act;
        Flow::Break(path.reject(otherwise, &|| {
            if has_level {
                let reason = format!(
                    "{sender} has level {}, which is not above the {} of {target}",
                    level(has),
                    level(of_target)
                );
                Why::new(not_above, reason, seen())
            } else {
                let reason = format!(
                    "{sender} has level {}, but {verb} others takes {}",
                    level(has),
                    level(needs)
                );
                Why::new(no_level, reason, seen())
            }
        }))
    }
}

/// Something that a user does to another, and the rules and codes for it.
struct Act {
    name: &'static str,
    verb: &'static str,
    allow: Rule,
    otherwise: Rule,
    /// Without the level for it; with it, but no higher than the other.
    codes: (&'static str, &'static str),
}
