//! The module's face to JavaScript. Nothing decides here: arguments are turned into what the core
//! takes, and answers into text or small objects.
//!
//! JSON from outside comes in as bytes and goes out as text, never as objects: an object would
//! lose what must be judged, and one built key by key would take `__proto__` for its prototype.
//! Only structures of our own leave as objects.
//!
//! An error is thrown as a string of JSON, `{"code", "message", …}`; the TypeScript face makes
//! an exception of it.

mod acl;
mod answers;
mod auth;
mod client;
mod federation;
mod handler;
mod join;
mod keys;
mod operation;
mod reader;
mod request_auth;
mod state;
mod values;

use js_sys::Reflect;
use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::event::{FormatError, Limits};
use crate::evidence::Evidence;
use crate::json::{self, Canonical, JsonError, Numbers};
use crate::receive::Options;
use crate::room_version::{RoomVersion, UnknownRoomVersion};

/// An error on its way out: `code`, `message`, and what else there is to say.
struct Thrown(Evidence);

type Result<T> = std::result::Result<T, Thrown>;

impl Thrown {
    fn new(code: &'static str, message: impl ToString) -> Self {
        Self(Evidence::object([("code", code.into()), ("message", message.to_string().into())]))
    }

    fn with(self, key: &'static str, value: impl Into<Evidence>) -> Self {
        Self(self.0.with(key, value))
    }
}

impl From<Thrown> for JsValue {
    fn from(error: Thrown) -> Self {
        Self::from_str(&json_text(&error.0))
    }
}

impl From<JsonError> for Thrown {
    fn from(error: JsonError) -> Self {
        Self::new(error.code(), &error).with("offset", error.offset())
    }
}

impl From<UnknownRoomVersion> for Thrown {
    fn from(error: UnknownRoomVersion) -> Self {
        Self::new("unknown_room_version", error)
    }
}

impl From<FormatError> for Thrown {
    fn from(error: FormatError) -> Self {
        Self::new(error.code(), &error).with("evidence", error.evidence())
    }
}

/// A small structure of our own as a plain object.
fn object(value: &impl Serialize) -> Result<JsValue> {
    value
        .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
        .map_err(|error| Thrown::new("invalid_argument", error))
}

/// An event or another JSON object.
fn parse_object(bytes: &[u8]) -> Result<Canonical> {
    object_of(json::parse(bytes, Numbers::Keep))
}

fn object_of(parsed: std::result::Result<Canonical, JsonError>) -> Result<Canonical> {
    let json = parsed?;
    if json.is_object() {
        Ok(json)
    } else {
        Err(FormatError::NotAnObject { found: json.value().kind().name() }.into())
    }
}

/// An event that will be hashed or signed by the rules of its room version.
fn parse_event(bytes: &[u8], version: &RoomVersion) -> Result<Canonical> {
    let event = parse_object(bytes)?;
    check_numbers(&event, version.strict_canonical_json, Some("unsigned"))?;
    Ok(event)
}

fn check_numbers(json: &Canonical, strict: bool, except: Option<&str>) -> Result<()> {
    match json.first_bad_number(strict, except) {
        Some(defect) => Err(FormatError::Number(defect).into()),
        None => Ok(()),
    }
}

/// Something of our own as JSON.
fn json_text(value: &impl Serialize) -> String {
    // Writing to memory does not fail, and nothing of ours is beyond JSON.
    serde_json::to_string(value).unwrap_or_default()
}

/// Canonical JSON as the text it is.
fn text(canonical: Vec<u8>) -> String {
    String::from_utf8(canonical).unwrap_or_default()
}

/// How to verify, as JavaScript says it.
struct VerifyOptions {
    backfill: bool,
    evidence: bool,
    trace: bool,
    single: bool,
    fetched_ts: Option<f64>,
}

impl VerifyOptions {
    /// Reads the options from an object that the TypeScript face has made. One by one: the
    /// machinery that reads any structure would be a twentieth of the module.
    fn read(options: &JsValue) -> Self {
        let get = |name: &str| Reflect::get(options, &name.into()).unwrap_or_default();
        Self {
            backfill: get("backfill").is_truthy(),
            evidence: get("evidence").is_truthy(),
            trace: get("trace").is_truthy(),
            single: get("single").is_truthy(),
            fetched_ts: get("fetched_ts").as_f64(),
        }
    }

    fn options(&self) -> Options {
        Options {
            limits: if self.backfill { Limits::Backfill } else { Limits::All },
            evidence: self.evidence,
            path: self.trace,
        }
    }
}

/// Milliseconds that came as a double. Casting saturates, which is right for a time.
#[allow(clippy::cast_possible_truncation)]
fn milliseconds(value: f64) -> i64 {
    value as i64
}
