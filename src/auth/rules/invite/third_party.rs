//! Invites that go back to an invitation by mail or the like: an identity server has signed which
//! user the invited person turned out to be.

use std::borrow::Cow;
use std::ops::ControlFlow;

use crate::auth::decision::{Decision, Flow, Path, Why};
use crate::auth::event::{Event, Membership, THIRD_PARTY_INVITE};
use crate::auth::outline::Rule;
use crate::auth::rules::Check;
use crate::auth::rules::tell::{seen, shown};
use crate::encoding;
use crate::evidence::Evidence;
use crate::json::{Value, write_object_without};
use crate::keys::{Dalek, PublicKey, SignatureCheck, SignatureOutcome};

/// A string, if it is one.
type Text<'v> = Option<Cow<'v, str>>;

/// How many signatures are tried with keys. One of each is what there usually is; an event of the
/// largest size could ask for a hundred thousand.
const MAX_TRIES: usize = 128;

impl Check<'_> {
    /// "If `content` has a `third_party_invite` property".
    pub(super) fn third_party(
        &self,
        target: &str,
        invite: Option<Value<'_>>,
        path: &mut Path,
    ) -> Flow {
        let is_banned = self.membership(target) == Some(Membership::Ban);
        path.reject_if(Rule::ThirdPartyBanned, is_banned, &|| {
            let reason = format!("{target} is banned and cannot be invited");
            Why::new("third_party_invite_target_banned", reason, self.standing(target))
        })?;
        let signed = invite.and_then(|invite| invite.get("signed"));
        path.reject_if(Rule::ThirdPartySigned, signed.is_none(), &|| {
            let reason = "third_party_invite has no \"signed\"".to_owned();
            let evidence = Evidence::object([]).with_some("third_party_invite", invite.map(seen));
            Why::new("third_party_invite_no_signed", reason, evidence)
        })?;
        let (mxid, token) = self.mxid_and_token(signed, path)?;
        path.reject_if(Rule::ThirdPartyMxid, mxid.as_deref() != Some(target), &|| {
            let stated = signed.and_then(|signed| signed.get("mxid"));
            let reason = format!(
                "the invitation is of {}, not of {target}",
                stated.map(shown).unwrap_or_default()
            );
            let evidence = Evidence::object([("state_key", target.into())])
                .with_some("mxid", stated.map(seen));
            Why::new("third_party_invite_mxid_mismatch", reason, evidence)
        })?;
        let offer = token.as_deref().and_then(|token| self.state.get(THIRD_PARTY_INVITE, token));
        let token = signed.and_then(|signed| signed.get("token"));
        let Some(invitation) = offer else {
            return Flow::Break(path.reject(Rule::ThirdPartyEvent, &|| {
                let shown = token.map(shown).unwrap_or_default();
                let reason = format!("the room has no invitation with the token {shown}");
                let evidence = Evidence::object([]).with_some("token", token.map(seen));
                Why::new("third_party_invite_unknown_token", reason, evidence)
            }));
        };
        path.pass(Rule::ThirdPartyEvent, &|| {
            Evidence::object([("event_id", invitation.id().into())])
                .with_some("token", token.map(seen))
        })?;
        let sender = self.event.sender();
        path.reject_if(Rule::ThirdPartySender, sender != invitation.sender(), &|| {
            let reason =
                format!("{sender} did not make this invitation, {} did", invitation.sender());
            let evidence = Evidence::object([
                ("sender", sender.into()),
                ("invited_by", invitation.sender().into()),
                ("event_id", invitation.id().into()),
            ]);
            Why::new("third_party_invite_sender_mismatch", reason, evidence)
        })?;
        let keys = public_keys(invitation);
        let fits = signed.is_some_and(|signed| any_signature_fits(signed, &keys));
        let seen = || {
            Evidence::object([
                ("public_keys", keys.iter().map(|key| key.to_base64().into()).collect()),
                ("event_id", invitation.id().into()),
            ])
        };
        path.allow_if(Rule::ThirdPartySignature, fits, &seen)?;
        Flow::Break(path.reject(Rule::ThirdPartyOtherwise, &|| {
            let reason = format!(
                "no signature of \"signed\" fits one of the {} usable public keys of the invitation {}",
                keys.len(),
                invitation.id()
            );
            Why::new("third_party_invite_not_signed", reason, seen())
        }))
    }
}

impl Check<'_> {
    /// "If `signed` does not have `mxid` and `token` properties, reject." What they are is for the rules
    /// that follow: one that is no string is no user, and no token.
    fn mxid_and_token<'v>(
        &self,
        signed: Option<Value<'v>>,
        path: &mut Path,
    ) -> ControlFlow<Decision, (Text<'v>, Text<'v>)> {
        let [mxid, token] = ["mxid", "token"].map(|key| signed.and_then(|signed| signed.get(key)));
        let code = match (mxid, token) {
            (None, _) => Some("third_party_invite_no_mxid"),
            (_, None) => Some("third_party_invite_no_token"),
            _ => None,
        };
        path.reject_if(Rule::ThirdPartyMxidToken, code.is_some(), &|| {
            let key = if mxid.is_none() { "mxid" } else { "token" };
            let evidence = Evidence::object([]).with_some("signed", signed.map(seen));
            let reason = format!("\"signed\" has no \"{key}\"");
            Why::new(code.unwrap_or_default(), reason, evidence)
        })?;
        ControlFlow::Continue((mxid.and_then(Value::as_str), token.and_then(Value::as_str)))
    }
}

/// The public keys of an `m.room.third_party_invite`: one in `public_key`, any in `public_keys`; in
/// either alphabet of base64. Those that anybody could sign for do not count.
fn public_keys(invitation: &Event) -> Vec<PublicKey> {
    let listed = invitation.content("public_keys").and_then(Value::as_array).into_iter().flatten();
    let listed = listed.filter_map(|entry| entry.get("public_key"));
    let keys = invitation.content("public_key").into_iter().chain(listed).filter_map(Value::as_str);
    let keys = keys.take(MAX_TRIES).filter_map(|key| PublicKey::from_base64(&key).ok());
    keys.filter(|key| key.refusal().is_none()).collect()
}

/// Does any ed25519 signature of `signed`, under whatever name, fit one of the keys?
fn any_signature_fits(signed: Value<'_>, keys: &[PublicKey]) -> bool {
    let mut message = Vec::with_capacity(signed.text().len());
    write_object_without(signed, &["signatures", "unsigned"], &mut message);
    let servers = signed.get("signatures").and_then(Value::as_object).into_iter().flatten();
    let signatures = servers
        .filter_map(|server| server.value.as_object())
        .flatten()
        .filter(|signature| signature.raw_key.starts_with(b"ed25519:"))
        .filter_map(|signature| encoding::decode::<64>(&signature.value.as_str()?));
    signatures
        .flat_map(|signature| keys.iter().map(move |key| (key, signature.bytes)))
        .take(MAX_TRIES)
        .any(|(key, signature)| Dalek.check(key, &message, &signature) == SignatureOutcome::Valid)
}
