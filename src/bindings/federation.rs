//! What other servers hand over, judged before it is signed or believed.

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::keys::KeyRing;
use super::values::{check_server_name, with_key};
use super::{Thrown, check_numbers, json_text, milliseconds, object_of, parse_object, text};
use crate::auth::Membership;
use crate::event::{Limits, Pdu, signatures};
use crate::evidence::Evidence;
use crate::federation::{
    IncomingInvite, InviteRefusal, JoinAnswerError, MembershipChange, TemplateError, check_invite,
    check_join_answer, event_from_template,
};
use crate::identifiers::domain_of;
use crate::json::{self, Canonical, Numbers};
use crate::room_version::RoomVersion;
use crate::verdict::Verdict;

/// The event for a change of a membership, made by a template and signed.
#[wasm_bindgen]
#[allow(clippy::too_many_arguments, reason = "a struct would be an object built key by key")]
pub fn sign_template(
    seed: &Uint8Array,
    key_id: &str,
    server_name: &str,
    template: &[u8],
    room_version: &str,
    room_id: &str,
    user_id: &str,
    membership: &str,
    origin_server_ts: f64,
    event_id: Option<String>,
    content: Option<Vec<u8>>,
) -> Result<String, JsValue> {
    let version = RoomVersion::get(room_version).map_err(Thrown::from)?;
    check_server_name(server_name)?;
    if domain_of(user_id, '@') != Some(server_name) {
        let reason = format!("{user_id} is not a user of {server_name}");
        return Err(Thrown::new("template_user_not_ours", reason).into());
    }
    let membership = match membership {
        "join" => Membership::Join,
        "knock" => Membership::Knock,
        _ => Membership::Leave,
    };
    let content = content.map(|content| parse_object(&content)).transpose()?;
    let change = MembershipChange {
        room_id,
        user_id,
        membership,
        origin_server_ts: milliseconds(origin_server_ts),
        event_id: event_id.as_deref(),
        content: content.as_ref().map(Canonical::value),
    };
    let event =
        event_from_template(&parse_object(template)?, version, &change).map_err(Thrown::from)?;
    check_numbers(&event, version.strict_canonical_json, None)?;
    let signed =
        with_key(seed, key_id, |key| signatures::sign_event(&event, version, server_name, key))?;
    let checked = Pdu::from_canonical(signed, version, Limits::All);
    let pdu = checked.map_err(|failure| Thrown::from(failure.1))?;
    Ok(text(pdu.json().text().to_vec()))
}

#[wasm_bindgen]
impl KeyRing {
    /// Judges an invite request; gives `{outcome, …}` as JSON.
    pub fn check_invite(
        &self,
        body: &[u8],
        room_id: &str,
        event_id: &str,
        origin: &str,
        server_name: &str,
    ) -> Result<String, JsValue> {
        let body = &object_of(json::parse_around_events(body, Numbers::Keep))?;
        let invite = IncomingInvite { body, room_id, event_id, origin, server_name };
        Ok(match check_invite(&invite, &self.ring.borrow()) {
            Ok(invite) => {
                let state = invite.room_state.iter().map(Canonical::as_str);
                format!(
                    "{{\"outcome\":\"accepted\",\"room_version\":{},\"verdict\":{},\"room_state\":[{}],\"event\":{}}}",
                    json_text(&invite.version.id),
                    json_text(&invite.verdict),
                    state.collect::<Vec<_>>().join(","),
                    json_text(&invite.event.as_str()),
                )
            }
            Err(refusal) => json_text(&refused(*refusal)),
        })
    }

    /// Judges the answer to a join; gives `{state, auth_chain, dropped}`, verdicts each, as JSON.
    pub fn check_join_answer(
        &self,
        answer: &[u8],
        room_version: &str,
        room_id: &str,
    ) -> Result<String, JsValue> {
        let version = RoomVersion::get(room_version).map_err(Thrown::from)?;
        let answer = parse_object(answer)?;
        let judged = check_join_answer(&answer, version, room_id, &self.ring.borrow());
        let judged = judged.map_err(Thrown::from)?;
        let list = |verdicts: &Vec<Verdict>| json_text(verdicts);
        Ok(format!(
            "{{\"state\":{},\"auth_chain\":{},\"dropped\":{}}}",
            list(&judged.state),
            list(&judged.auth_chain),
            list(&judged.dropped),
        ))
    }
}

fn refused(refusal: InviteRefusal) -> Evidence {
    let InviteRefusal { code, reason, status, errcode, missing } = refusal;
    let outcome = if status.is_some() { "refused" } else { "incomplete" };
    Evidence::object([
        ("outcome", outcome.into()),
        ("code", code.into()),
        ("reason", reason.into()),
        ("errcode", errcode.into()),
        ("missing", missing.into_iter().map(Evidence::from).collect()),
    ])
    .with_some("status", status.map(i64::from))
}

impl From<TemplateError> for Thrown {
    fn from(error: TemplateError) -> Self {
        Self::new(error.code(), &error).with("evidence", error.evidence())
    }
}

impl From<JoinAnswerError> for Thrown {
    fn from(error: JoinAnswerError) -> Self {
        Self::new(error.code(), error)
    }
}
