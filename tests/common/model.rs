//! The rules once more, the slow and literal way, on `serde_json` values: what the library is held
//! against. Nothing here calls the library. Right for documents whose numbers are 64-bit integers.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use ed25519_dalek::Signer;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Canonical JSON. `serde_json` keeps keys in the order of their UTF-8 bytes, which is the order
/// of code points, and escapes as canonical JSON does.
pub fn canonical(value: &Value) -> String {
    value.to_string()
}

/// The object without some of its keys.
pub fn without(object: &Value, keys: &[&str]) -> Value {
    let mut object = object.as_object().unwrap().clone();
    object.retain(|key, _| !keys.contains(&key.as_str()));
    Value::Object(object)
}

pub fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

pub fn base64(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

pub fn base64_url_safe(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What redaction keeps at the top level: the table of the specification, row by row.
pub fn kept_at_top(version: u8, key: &str) -> bool {
    match key {
        "event_id" | "type" | "room_id" | "sender" | "state_key" | "content" | "hashes"
        | "signatures" | "depth" | "prev_events" | "auth_events" | "origin_server_ts" => true,
        "prev_state" | "origin" | "membership" => version <= 10,
        _ => false,
    }
}

/// What redaction keeps of the content: the table of the specification, row by row.
pub fn kept_in_content(version: u8, event_type: &str, key: &str) -> bool {
    match (event_type, key) {
        ("m.room.member", "membership") => true,
        ("m.room.member", "join_authorised_via_users_server") => version >= 9,
        ("m.room.create", "creator") => true,
        ("m.room.create", _) => version >= 11,
        ("m.room.join_rules", "join_rule") => true,
        ("m.room.join_rules", "allow") => version >= 8,
        (
            "m.room.power_levels",
            "ban" | "events" | "events_default" | "kick" | "redact" | "state_default" | "users"
            | "users_default",
        ) => true,
        ("m.room.power_levels", "invite") => version >= 11,
        ("m.room.aliases", "aliases") => version <= 5,
        ("m.room.history_visibility", "history_visibility") => true,
        ("m.room.redaction", "redacts") => version >= 11,
        _ => false,
    }
}

pub fn redact(event: &Value, version: u8) -> Value {
    let event_type = event["type"].as_str().unwrap_or_default();
    let mut redacted = Map::new();
    for (key, value) in event.as_object().unwrap() {
        if key == "content" {
            let mut content = Map::new();
            for (key, value) in value.as_object().into_iter().flatten() {
                if kept_in_content(version, event_type, key) {
                    content.insert(key.clone(), value.clone());
                } else if (event_type, key.as_str()) == ("m.room.member", "third_party_invite")
                    && version >= 11
                    && let Some(invite) = value.as_object()
                {
                    let signed = invite.get("signed");
                    let kept = signed.map_or(json!({}), |signed| json!({ "signed": signed }));
                    content.insert(key.clone(), kept);
                }
            }
            redacted.insert(key.clone(), Value::Object(content));
        } else if kept_at_top(version, key) {
            redacted.insert(key.clone(), value.clone());
        }
    }
    Value::Object(redacted)
}

pub fn content_hash(event: &Value) -> String {
    base64(&sha256(&canonical(&without(event, &["unsigned", "signatures", "hashes"]))))
}

/// What servers sign, and what the reference hash is taken of.
pub fn signed_text(event: &Value, version: u8) -> String {
    canonical(&without(&redact(event, version), &["signatures", "unsigned"]))
}

pub fn event_id(event: &Value, version: u8) -> String {
    let hash = sha256(&signed_text(event, version));
    match version {
        1 | 2 => event["event_id"].as_str().unwrap().to_owned(),
        3 => format!("${}", base64(&hash)),
        _ => format!("${}", base64_url_safe(&hash)),
    }
}

/// A key of a server.
pub struct Signer25519 {
    pub server: &'static str,
    pub key_id: &'static str,
    pub key: ed25519_dalek::SigningKey,
}

impl Signer25519 {
    /// The key whose seed is the hash of its names: the same in every run.
    pub fn new(server: &'static str, key_id: &'static str) -> Self {
        Self::with_seed(server, key_id, &sha256(&format!("{server} {key_id}")))
    }

    pub fn with_seed(server: &'static str, key_id: &'static str, seed: &[u8; 32]) -> Self {
        Self { server, key_id, key: ed25519_dalek::SigningKey::from_bytes(seed) }
    }

    pub fn public(&self) -> String {
        base64(self.key.verifying_key().as_bytes())
    }

    /// The signature over `message` in unpadded base64.
    pub fn sign(&self, message: &str) -> String {
        base64(&self.key.sign(message.as_bytes()).to_bytes())
    }

    /// Adds a signature over `message` to `object`.
    pub fn add(&self, object: &mut Value, message: &str) {
        object["signatures"][self.server][self.key_id] = json!(self.sign(message));
    }
}
