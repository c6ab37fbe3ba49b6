//! The key ring, and the checks that need one.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::{Thrown, VerifyOptions, json_text, milliseconds, parse_object};
use crate::event::signatures;
use crate::evidence::Evidence;
use crate::keys::{
    KeyRefusal, KeyResponse, KeyResponseError, KeyRing as Ring, KeyStanding, KnownKey, Moment,
    PublicKey, RefusedKey,
};
use crate::reader::RawEvent;
use crate::receive;
use crate::room_version::RoomVersion;
use crate::verdict;

/// Public keys of other servers, decoded once.
#[wasm_bindgen]
#[derive(Default)]
pub struct KeyRing {
    /// Shared with conversations, which add to it while they wait for others.
    pub(super) ring: Rc<RefCell<Ring>>,
}

#[wasm_bindgen]
impl KeyRing {
    /// An empty ring.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Verifies a key response and takes its keys; gives a report as JSON.
    pub fn add_server_keys(&mut self, response: &[u8], fetched_ts: f64) -> Result<String, JsValue> {
        let response = self.verify_response(response, fetched_ts).map_err(Thrown::from)?;
        Ok(json_text(&self.take_response(response)))
    }

    /// Takes the keys of a response that a notary passed on, once more.
    pub fn add_passed_on_keys(&mut self, response: &[u8], fetched_ts: f64) -> Result<(), JsValue> {
        let response = self.verify_response(response, fetched_ts).map_err(Thrown::from)?;
        self.ring.borrow_mut().add_passed_on(response);
        Ok(())
    }

    /// Takes many key responses: one, an array, or an object with `server_keys`; gives a JSON
    /// array with a report or `{"error"}` for each.
    pub fn add_server_keys_batch(
        &mut self,
        responses: &[u8],
        fetched_ts: f64,
    ) -> Result<String, JsValue> {
        let responses = super::reader::key_responses(responses)?;
        let reports: Evidence = responses
            .iter()
            .map(|response| match self.verify_response(response, fetched_ts) {
                Ok(response) => self.take_response(response),
                Err(error) => Evidence::object([("error", Thrown::from(error).0)]),
            })
            .collect();
        Ok(json_text(&reports))
    }

    fn verify_response(
        &self,
        response: &[u8],
        fetched_ts: f64,
    ) -> Result<KeyResponse, KeyResponseError> {
        KeyResponse::verify(response, None, milliseconds(fetched_ts), self.ring.borrow().check())
    }

    fn take_response(&mut self, response: KeyResponse) -> Evidence {
        let refused = self.ring.borrow_mut().add(response.clone());
        report(&response, &refused)
    }

    /// Takes a key that is trusted for other reasons, with its validity in milliseconds.
    pub fn add_key(
        &mut self,
        server_name: &str,
        key_id: &str,
        public_key: &str,
        valid_until_ts: Option<f64>,
        expired_ts: Option<f64>,
    ) -> Result<(), JsValue> {
        let refuse = |refusal: KeyRefusal| {
            Thrown::new(refusal.code(), format!("{key_id} of {server_name}: {refusal}"))
        };
        let known = KnownKey {
            key: PublicKey::from_base64(public_key).map_err(refuse)?,
            valid_until_ts: valid_until_ts.map(milliseconds),
            expired_ts: expired_ts.map(milliseconds),
            fetched_ts: None,
        };
        self.ring.borrow_mut().add_trusted(server_name, key_id, known).map_err(refuse)?;
        Ok(())
    }

    /// What is known of a key, as JSON; `valid` is whether it may be used at `ts`.
    #[must_use]
    pub fn lookup(&self, server_name: &str, key_id: &str, ts: Option<f64>) -> String {
        let ring = self.ring.borrow();
        let Some(known) = ring.get(server_name, key_id) else {
            return "null".to_owned();
        };
        let valid = match ts {
            None => known.key.refusal().is_none(),
            Some(ts) => {
                let moment = Moment { ts: milliseconds(ts), enforce_validity: true };
                matches!(ring.standing(server_name, key_id, moment), KeyStanding::Good(_))
            }
        };
        json_text(&describe(key_id, known).with("valid", valid))
    }

    /// Checks the signatures of a server on a JSON object, made at `ts`, and gives what became
    /// of them as JSON. Without `ts`, the validity of keys in time is not looked at.
    pub fn verify_json(
        &self,
        object: &[u8],
        server_name: &str,
        ts: Option<f64>,
    ) -> Result<String, JsValue> {
        let object = parse_object(object)?;
        let moment =
            Moment { ts: ts.map_or(i64::MIN, milliseconds), enforce_validity: ts.is_some() };
        let report = signatures::verify_json(&object, server_name, moment, &self.ring.borrow());
        let failure = report.judge().err();
        let flags = [
            ("ed25519_divergent", report.signatures.iter().any(|one| one.divergent)),
            ("url_safe_base64", report.signatures.iter().any(|one| one.url_safe)),
        ];
        let flags = flags.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag.into());
        let reason = failure
            .map(|failure| signatures::sentence("object", &report, failure, ts.map(milliseconds)));
        let answer = receive::server_evidence(&report)
            .with("valid", failure.is_none())
            .with("flags", flags.collect::<Evidence>())
            .with_some("reason", reason);
        Ok(json_text(&answer))
    }

    /// Judges all events of a document by checks 1 to 3; gives a JSON array of verdicts.
    pub fn verify_events(
        &self,
        input: &[u8],
        room_version: &str,
        options: &JsValue,
    ) -> Result<String, JsValue> {
        let options = VerifyOptions::read(options);
        if options.single {
            let version = RoomVersion::get(room_version).map_err(Thrown::from)?;
            let judged = receive::verify(input, version, &self.ring.borrow(), options.options());
            return Ok(verdict::to_text(version, std::iter::once(judged)));
        }
        super::reader::verify_document(self, input, room_version, &options).map_err(JsValue::from)
    }
}

/// Judges events that a reader has found.
pub(super) fn judge(
    ring: &Ring,
    events: Vec<RawEvent>,
    version: &'static RoomVersion,
    options: &VerifyOptions,
) -> String {
    // Eight events are sixteen hashes: enough to fill the lanes, and little to keep.
    let judged = events.chunks(8).flat_map(|some| {
        let bytes = some.iter().filter_map(RawEvent::bytes);
        let mut verdicts = receive::verify_all(bytes, version, ring, options.options()).into_iter();
        some.iter().filter_map(move |event| match event {
            RawEvent::Bytes(_) => verdicts.next(),
            RawEvent::TooLong(length) => Some(receive::too_long(*length, version)),
        })
    });
    verdict::to_text(version, judged)
}

/// What a key response says, and which of its keys were not taken.
pub(super) fn report(response: &KeyResponse, refused: &[RefusedKey]) -> Evidence {
    let flags: &[&str] = if response.url_safe { &["url_safe_base64"] } else { &[] };
    let keys = response.keys.iter().map(|(key_id, known)| describe(key_id, known));
    let refused = refused.iter().map(|refused| {
        Evidence::object([
            ("key_id", refused.key_id.as_str().into()),
            ("code", refused.refusal.code().into()),
            ("reason", refused.refusal.to_string().into()),
        ])
    });
    Evidence::object([
        ("server_name", response.server_name.as_str().into()),
        ("valid_until_ts", response.valid_until_ts.into()),
        ("keys", keys.collect()),
        ("refused", refused.collect()),
        ("flags", flags.iter().map(|flag| (*flag).into()).collect()),
    ])
}

fn describe(key_id: &str, known: &KnownKey) -> Evidence {
    Evidence::object([("key_id", key_id.into()), ("public_key", known.key.to_base64().into())])
        .with_some("valid_until_ts", known.valid_until_ts)
        .with_some("expired_ts", known.expired_ts)
        .with_some("fetched_ts", known.fetched_ts)
        .with_some("refused", known.key.refusal().map(KeyRefusal::code))
}

impl From<KeyResponseError> for Thrown {
    fn from(error: KeyResponseError) -> Self {
        Self::new(error.code(), error)
    }
}
