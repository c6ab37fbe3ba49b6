//! An event of ours that another server was to sign as well: invites by the invited server, restricted
//! joins by the server of the user who lets ours in.

use super::answer::AnswerError;
use crate::encoding;
use crate::event::hashes::write_without;
use crate::event::redaction::{Form, write_redacted};
use crate::event::signatures::{self, SignatureStatus, add_signature, verify_event_by};
use crate::event::{Limits, Pdu};
use crate::json::{Canonical, Numbers, Value, parse};
use crate::keys::KeyRing;
use crate::receive::{NeededKey, keys_needed_of};
use crate::room_version::RoomVersion;

/// Our event as it came back: it differs by added signatures alone.
#[derive(Debug)]
pub(super) struct Countersigned {
    sent: Canonical,
    returned: Pdu,
    signed: Vec<u8>,
    server: String,
}

impl Countersigned {
    /// Compares what came back with what was sent; `server` was to sign.
    pub fn read(
        sent: &Canonical,
        returned: Value<'_>,
        server: &str,
        version: &'static RoomVersion,
    ) -> Result<Self, AnswerError> {
        let returned = parse(returned.text(), Numbers::Keep)?;
        let signed_part = |event: &Canonical| {
            let mut text = Vec::with_capacity(event.text().len());
            write_without(event, &["signatures", "unsigned"], &mut text);
            text
        };
        if signed_part(sent) != signed_part(&returned) || !has_signatures_of(&returned, sent) {
            return Err(AnswerError::EventChanged);
        }
        let returned = Pdu::from_canonical(returned, version, Limits::All)
            .map_err(|_| AnswerError::EventChanged)?;
        let mut signed = Vec::new();
        write_redacted(returned.json(), version.redaction, Form::Signed, &mut signed);
        Ok(Self { sent: sent.clone(), returned, signed, server: server.to_owned() })
    }

    /// The keys that are missing for the signatures of the other server.
    pub fn keys_needed(&self, ring: &KeyRing) -> Vec<NeededKey> {
        keys_needed_of(&self.server, &self.returned, ring)
    }

    /// The event that was sent, with the signatures of the other server that are proven, and no more.
    pub fn judge(&self, ring: &KeyRing) -> Result<Canonical, AnswerError> {
        let report = verify_event_by(&self.server, &self.returned, &self.signed, ring);
        if let Err(failure) = report.judge() {
            let ts = Some(self.returned.origin_server_ts());
            let reason = signatures::sentence("event", &report, failure, ts);
            return Err(AnswerError::Countersignature { failure: failure.code(), reason });
        }
        let mut event = self.sent.clone();
        let valid = report.signatures.iter().filter(|one| one.status == SignatureStatus::Valid);
        for one in valid {
            let text = self
                .returned
                .signatures()
                .and_then(|all| signature(all, &self.server, &one.key_id));
            if let Some(decoded) = text.and_then(|text| encoding::decode::<64>(&text)) {
                event = add_signature(&event, &self.server, &one.key_id, &decoded.bytes);
            }
        }
        Ok(event)
    }
}

/// The text of the signature of a server by a key.
pub(super) fn signature(signatures: Value<'_>, server: &str, key_id: &str) -> Option<String> {
    let own = signatures.as_object()?.find(|member| member.key() == server)?;
    let one = own.value.as_object()?.find(|member| member.key() == key_id)?;
    Some(one.value.as_str()?.into_owned())
}

/// Has an event all signatures of another?
fn has_signatures_of(event: &Canonical, other: &Canonical) -> bool {
    let servers = |event| Canonical::get(event, "signatures").and_then(Value::as_object);
    servers(other).into_iter().flatten().all(|theirs| {
        let ours = servers(event).into_iter().flatten();
        let ours = ours
            .filter(|ours| ours.raw_key == theirs.raw_key)
            .find_map(|ours| ours.value.as_object());
        theirs.value.as_object().into_iter().flatten().all(|signature| {
            ours.clone().into_iter().flatten().any(|own| {
                own.raw_key == signature.raw_key && own.value.text() == signature.value.text()
            })
        })
    })
}
