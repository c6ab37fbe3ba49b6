//! Functions of values: canonical JSON, hashes, IDs, redaction, names, tables, signing.

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use zeroize::Zeroizing;

use super::{Result, Thrown, check_numbers, json_text, object, parse_event, parse_object, text};
use crate::codes;
use crate::encoding;
use crate::event::redaction::{self, Form};
use crate::event::{FormatError, hashes, signatures};
use crate::evidence::{Evidence, Quoted};
use crate::identifiers::ServerName;
use crate::json::{self, Numbers};
use crate::keys::{KeyFileEntry, SigningKey, SigningKeyError, read_key_file, scrub_stack};
use crate::room_version::{self, RoomVersion};

/// Canonical JSON. `numbers` is `strict` (room versions 6 and later), `lenient` (`1e3` and `1.0`
/// become integers) or `historical` (room versions 1 to 5).
#[wasm_bindgen]
pub fn canonical_json(input: &[u8], numbers: &str) -> std::result::Result<String, JsValue> {
    let policy = if numbers == "lenient" { Numbers::Integral } else { Numbers::Keep };
    let canonical = json::parse(input, policy).map_err(Thrown::from)?;
    check_numbers(&canonical, numbers != "historical", None)?;
    Ok(text(canonical.into_text()))
}

/// The content hash of an event, in unpadded base64.
#[wasm_bindgen]
pub fn content_hash(event: &[u8]) -> std::result::Result<String, JsValue> {
    Ok(encoding::encode(&hashes::content_hash(&parse_object(event)?)))
}

/// The reference hash of an event, in the base64 alphabet of the room version.
#[wasm_bindgen]
pub fn reference_hash(event: &[u8], room_version: &str) -> std::result::Result<String, JsValue> {
    let version = RoomVersion::get(room_version).map_err(Thrown::from)?;
    let event = parse_event(event, version)?;
    Ok(hashes::encode_reference_hash(&hashes::reference_hash(&event, version), version))
}

/// The ID of an event.
#[wasm_bindgen]
pub fn event_id(event: &[u8], room_version: &str) -> std::result::Result<String, JsValue> {
    let version = RoomVersion::get(room_version).map_err(Thrown::from)?;
    let event = parse_event(event, version)?;
    hashes::event_id(&event, &hashes::reference_hash(&event, version), version)
        .ok_or_else(|| Thrown::from(FormatError::Missing { field: "event_id" }).into())
}

/// The event, redacted, as canonical JSON.
#[wasm_bindgen]
pub fn redact(event: &[u8], room_version: &str) -> std::result::Result<String, JsValue> {
    let version = RoomVersion::get(room_version).map_err(Thrown::from)?;
    let event = parse_event(event, version)?;
    let mut out = Vec::with_capacity(event.text().len());
    redaction::write_redacted(&event, version.redaction, Form::Event, &mut out);
    Ok(text(out))
}

/// A server name taken apart: `{host, port, kind}`.
#[wasm_bindgen]
pub fn parse_server_name(name: &str) -> std::result::Result<JsValue, JsValue> {
    let name = ServerName::parse(name).map_err(|error| {
        Thrown::new("server_name_invalid", format!("{}: {error}", Quoted(name)))
    })?;
    Ok(object(&name)?)
}

/// The table of room versions, as JSON.
#[wasm_bindgen]
#[must_use]
pub fn room_versions() -> String {
    json_text(&room_version::ALL.as_slice())
}

/// The table of codes, as JSON.
#[wasm_bindgen]
#[must_use]
pub fn verdict_codes() -> String {
    json_text(&codes::ALL)
}

/// A JSON object with the signature of `server_name` added, as canonical JSON.
#[wasm_bindgen]
pub fn sign_json(
    seed: &Uint8Array,
    key_id: &str,
    server_name: &str,
    object: &[u8],
) -> std::result::Result<String, JsValue> {
    let object = parse_object(object)?;
    check_numbers(&object, true, Some("unsigned"))?;
    check_server_name(server_name)?;
    let signed = with_key(seed, key_id, |key| signatures::sign_json(&object, server_name, key))?;
    Ok(text(signed.into_text()))
}

/// An event with its content hash set and the signature of `server_name` added, as canonical
/// JSON.
#[wasm_bindgen]
pub fn sign_event(
    seed: &Uint8Array,
    key_id: &str,
    server_name: &str,
    event: &[u8],
    room_version: &str,
) -> std::result::Result<String, JsValue> {
    let version = RoomVersion::get(room_version).map_err(Thrown::from)?;
    let event = parse_event(event, version)?;
    check_server_name(server_name)?;
    let signed =
        with_key(seed, key_id, |key| signatures::sign_event(&event, version, server_name, key))?;
    Ok(text(signed.into_text()))
}

/// The public half of a key, in unpadded base64.
#[wasm_bindgen]
pub fn public_key(seed: &Uint8Array) -> std::result::Result<String, JsValue> {
    Ok(with_key(seed, "ed25519:0", SigningKey::public_key)?)
}

/// The signature over a message, 64 bytes.
#[wasm_bindgen]
pub fn sign_message(
    seed: &Uint8Array,
    key_id: &str,
    message: &[u8],
) -> std::result::Result<Vec<u8>, JsValue> {
    Ok(with_key(seed, key_id, |key| key.sign(message).to_vec())?)
}

/// Fills `seed` with the platform's randomness.
#[wasm_bindgen]
pub fn generate_seed(seed: &Uint8Array) -> std::result::Result<(), JsValue> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    if seed.length() != 32 {
        return Err(Thrown::from(SigningKeyError::SeedLength(seed.length() as usize)).into());
    }
    getrandom::fill(bytes.as_mut()).map_err(|error| Thrown::new("random_unavailable", error))?;
    seed.copy_from(bytes.as_ref());
    scrub_stack();
    Ok(())
}

/// Where the keys stand in a key file: `[{key_id, seed_start, seed_end}]`. The text is given as
/// an array that stays with the caller, so that no seed is left in the module's memory.
#[wasm_bindgen]
pub fn parse_key_file(file: &Uint8Array) -> std::result::Result<String, JsValue> {
    let found = find_keys(file);
    scrub_stack();
    let entries: Evidence = found?
        .into_iter()
        .map(|entry| {
            Evidence::object([
                ("key_id", entry.key_id.into()),
                ("seed_start", entry.seed.start.into()),
                ("seed_end", entry.seed.end.into()),
            ])
        })
        .collect();
    Ok(json_text(&entries))
}

/// A fault on purpose, to try what the face does about one.
#[wasm_bindgen]
pub fn trap() {
    std::process::abort();
}

impl From<SigningKeyError> for Thrown {
    fn from(error: SigningKeyError) -> Self {
        Self::new(error.code(), error)
    }
}

pub(super) fn check_server_name(name: &str) -> Result<()> {
    match ServerName::parse(name) {
        Ok(_) => Ok(()),
        Err(error) => Err(Thrown::new("server_name_invalid", format!("{}: {error}", Quoted(name)))),
    }
}

/// Does something with a key and leaves nothing of its seed behind: the copy is wiped, and so is
/// the part of the stack where hashing it has left its traces.
pub(super) fn with_key<T>(
    seed: &Uint8Array,
    key_id: &str,
    act: impl FnOnce(&SigningKey) -> T,
) -> Result<T> {
    let length = seed.length() as usize;
    if length != 32 {
        return Err(SigningKeyError::SeedLength(length).into());
    }
    let done = use_key(seed, key_id, act);
    scrub_stack();
    done
}

// Not inlined, and so is `find_keys`: only frames below the caller's own are wiped afterwards.
#[inline(never)]
fn use_key<T>(seed: &Uint8Array, key_id: &str, act: impl FnOnce(&SigningKey) -> T) -> Result<T> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    seed.copy_to(bytes.as_mut());
    let key = SigningKey::from_seed(key_id, bytes.as_ref())?;
    Ok(act(&key))
}

#[inline(never)]
fn find_keys(file: &Uint8Array) -> Result<Vec<KeyFileEntry>> {
    let mut bytes = Zeroizing::new(vec![0u8; file.length() as usize]);
    file.copy_to(&mut bytes);
    let text = std::str::from_utf8(&bytes).map_err(|_| SigningKeyError::EmptyKeyFile)?;
    Ok(read_key_file(text)?)
}
