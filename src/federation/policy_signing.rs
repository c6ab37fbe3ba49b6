//! Asking the policy server of a room to sign an event.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#post_matrixpolicyv1sign>

use super::answer::{Answer, AnswerError};
use crate::event::redaction::{Form, write_redacted};
use crate::event::signatures::{POLICY_SERVER_KEY_ID, add_signature};
use crate::json::{Canonical, Value};
use crate::keys::PublicKey;
use crate::policy_server::check_signature;
use crate::room_version::RoomVersion;

use super::request::{Request, SMALL_ANSWER, Target, TimeLimit};

/// Asks for a signature on an event. `None` for the event that names the policy server: it must not be
/// sent there, and needs none.
#[must_use]
pub fn sign(event: &Canonical) -> Option<Request> {
    let says = |key, text| event.get(key).and_then(Value::as_str).as_deref() == Some(text);
    if says("type", "m.room.policy") && says("state_key", "") {
        return None;
    }
    let content = event.with_member("unsigned", None).into_text();
    let target = Target::new("policy/v1/sign");
    Some(Request::post(target, content, SMALL_ANSWER, TimeLimit::Short))
}

/// Reads the answer to [`sign`]: the event with the signature of the policy server `via` added, which
/// must be by `key`, the one that the room names. Whatever else is in the answer is passed over;
/// signatures that the event has stay, also of the same server.
///
/// # Errors
/// [`AnswerError`] when the answer as a whole is none, or the signature is missing or wrong.
pub fn read_sign(
    body: &[u8],
    event: &Canonical,
    version: &RoomVersion,
    via: &str,
    key: &PublicKey,
) -> Result<Canonical, AnswerError> {
    let answer = Answer::read(body, &[])?;
    let refuse = |code| AnswerError::Policy { server: via.to_owned(), code };
    // With a key that anybody can sign for, a signature would recommend nothing.
    if key.refusal().is_some() {
        return Err(refuse("policy_signature_invalid"));
    }
    let text = answer
        .get(via)
        .and_then(|signatures| signatures.get(POLICY_SERVER_KEY_ID))
        .and_then(Value::as_str)
        .ok_or_else(|| refuse("policy_signature_missing"))?;
    let mut signed = Vec::with_capacity(event.text().len());
    write_redacted(event, version.redaction, Form::Signed, &mut signed);
    let signature = check_signature(key, &text, &signed).map_err(refuse)?;
    Ok(add_signature(event, via, POLICY_SERVER_KEY_ID, &signature))
}
