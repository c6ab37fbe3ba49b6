//! `m.room.member`: what holds for every change of a membership, and which rules come next.

use std::ops::ControlFlow;

use super::Check;
use super::tell::{seen, shown};
use crate::auth::decision::{Decision, Flow, Path, Why};
use crate::auth::event::{AuthoriserSignature, EventType, Membership};
use crate::auth::outline::Rule;
use crate::event::signatures::ServerFailure;
use crate::evidence::{Evidence, Quoted};
use crate::identifiers::domain_of;
use crate::json::Value;

/// The user whose server lets somebody join a restricted room.
pub(super) const AUTHORISER: &str = "join_authorised_via_users_server";

impl<'a> Check<'a> {
    /// "If type is `m.room.member`": these rules decide alone.
    pub(super) fn member(&self, path: &mut Path) -> Flow {
        let is_member = self.event.event_type() == EventType::Member;
        if !path.applies(Rule::Member, is_member) {
            return Flow::Continue(());
        }
        let target = self.member_shape(path)?;
        if self.version.restricted_join {
            self.member_authoriser(path)?;
        }
        let membership = self.event.membership().unwrap_or(Membership::Unknown);
        if path.applies(Rule::Join, membership == Membership::Join) {
            return self.join(target, path);
        }
        if path.applies(Rule::Invite, membership == Membership::Invite) {
            return self.invite(target, path);
        }
        if path.applies(Rule::Leave, membership == Membership::Leave) {
            return self.leave(target, path);
        }
        if path.applies(Rule::Ban, membership == Membership::Ban) {
            return self.ban(target, path);
        }
        if self.version.knock && path.applies(Rule::Knock, membership == Membership::Knock) {
            return self.knock(target, path);
        }
        Flow::Break(path.reject(Rule::MembershipUnknown, &|| {
            let found = self.event.content("membership").map(shown).unwrap_or_default();
            let reason = format!("there is no membership {found} in this room version");
            let stated = self.event.content("membership").map(seen);
            Why::new(
                "membership_unknown",
                reason,
                Evidence::object([]).with_some("membership", stated),
            )
        }))
    }

    /// The user whose membership it is.
    fn member_shape(&self, path: &mut Path) -> ControlFlow<Decision, &'a str> {
        let event = self.event;
        let target = event.state_key();
        let has_none = || {
            event.membership() == Some(Membership::Unknown) && event.content("membership").is_none()
        };
        let code = match target {
            None => Some("member_no_state_key"),
            // Not in the text, but nobody else can have a membership.
            Some(_) if !event.is_of_user() => Some("member_state_key_invalid"),
            Some(_) if has_none() => Some("member_no_membership"),
            Some(_) => None,
        };
        path.reject_if(Rule::MemberShape, code.is_some(), &|| {
            let evidence = Evidence::object([])
                .with_some("state_key", target)
                .with_some("membership", event.content("membership").map(seen));
            let reason = match (code, target) {
                (Some("member_state_key_invalid"), Some(target)) => {
                    format!("the state key {} is not a user ID", Quoted(target))
                }
                (_, None) => {
                    "a membership is that of its state key, this event has none".to_owned()
                }
                _ => "the content has no \"membership\"".to_owned(),
            };
            Why::new(code.unwrap_or_default(), reason, evidence)
        })?;
        let target = target.unwrap_or_default();
        ControlFlow::Continue(target)
    }

    /// "If `content` has a `join_authorised_via_users_server` property", whatever the membership.
    fn member_authoriser(&self, path: &mut Path) -> Flow {
        let event = self.event;
        let value = event.content(AUTHORISER);
        if !path.applies(Rule::MemberAuthoriser, value.is_some()) {
            return Flow::Continue(());
        }
        let user = value.and_then(Value::as_str);
        let server = user.as_deref().and_then(|user| domain_of(user, '@'));
        let evidence = || {
            Evidence::object([]).with_some(AUTHORISER, value.map(seen)).with_some("server", server)
        };
        let Some(server) = server else {
            return Flow::Break(path.reject(Rule::MemberAuthoriserSigned, &|| {
                let shown = value.map(shown).unwrap_or_default();
                let reason = format!("{shown} as authorising user is not a user ID");
                Why::new("join_authoriser_invalid", reason, evidence())
            }));
        };
        match event.authoriser() {
            AuthoriserSignature::Failed(ServerFailure::KeyMissing) => {
                Flow::Break(path.incomplete(Rule::MemberAuthoriserSigned, &|| {
                    let reason =
                        format!("the keys of {server} are needed to check that it let the user in");
                    Why::new("join_authoriser_key_missing", reason, evidence())
                        .missing(event.signing_keys(server))
                }))
            }
            signature => {
                let signed = match signature {
                    AuthoriserSignature::Unchecked => event.is_signed_by(server),
                    AuthoriserSignature::Valid => true,
                    AuthoriserSignature::Failed(_) => false,
                };
                path.reject_if(Rule::MemberAuthoriserSigned, !signed, &|| {
                    let reason = format!(
                        "the event says that a user of {server} let the user in, but that server has not signed it"
                    );
                    let failure = match signature {
                        AuthoriserSignature::Failed(failure) => Some(failure.code()),
                        _ => None,
                    };
                    let evidence = evidence().with_some("signature", failure);
                    Why::new("join_authoriser_not_signed", reason, evidence)
                })
            }
        }
    }
}
