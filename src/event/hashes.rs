//! Content hash, reference hash, event ID.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#calculating-the-content-hash-for-an-event>,
//! <https://spec.matrix.org/v1.19/server-server-api/#calculating-the-reference-hash-for-an-event>

use super::redaction::{self, Form};
use crate::encoding;
use crate::json::Canonical;
use crate::room_version::{EventIdFormat, RoomVersion};
use crate::sha256::{self, Hash};

/// Appends what the content hash is taken of: the event without `unsigned`, `signatures` and
/// `hashes`, not redacted.
pub fn write_hashed(event: &Canonical, out: &mut Vec<u8>) {
    write_without(event, &["hashes", "signatures", "unsigned"], out);
}

/// Appends the object without some of its members.
pub fn write_without(object: &Canonical, without: &[&str], out: &mut Vec<u8>) {
    out.push(b'{');
    object.write_members(|key| !without.iter().any(|name| name.as_bytes() == key), &mut true, out);
    out.push(b'}');
}

/// The content hash of an event, computed.
#[must_use]
pub fn content_hash(event: &Canonical) -> Hash {
    let mut text = Vec::with_capacity(event.text().len());
    write_hashed(event, &mut text);
    sha256::hash(&text)
}

/// The reference hash: of the redacted event without `signatures` and `unsigned`.
#[must_use]
pub fn reference_hash(event: &Canonical, version: &RoomVersion) -> Hash {
    let mut text = Vec::with_capacity(event.text().len());
    redaction::write_redacted(event, version.redaction, Form::Signed, &mut text);
    sha256::hash(&text)
}

/// A reference hash in base64, in the alphabet in which the room version writes event IDs.
#[must_use]
pub fn encode_reference_hash(hash: &Hash, version: &RoomVersion) -> String {
    match version.event_id_format {
        EventIdFormat::Domain | EventIdFormat::Hash => encoding::encode(hash),
        EventIdFormat::UrlSafeHash => encoding::encode_url_safe(hash),
    }
}

/// The ID of an event with this reference hash; `None` in room versions 1 and 2 when the event
/// does not state one.
#[must_use]
pub fn event_id(event: &Canonical, hash: &Hash, version: &RoomVersion) -> Option<String> {
    if version.event_id_format.is_field() {
        return event.get("event_id")?.as_str().map(std::borrow::Cow::into_owned);
    }
    Some(format!("${}", encode_reference_hash(hash, version)))
}
