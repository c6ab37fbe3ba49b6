//! The key ring, and the checks that need one.

use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::{Thrown, VerifyOptions, milliseconds, parse_object};
use crate::event::signatures;
use crate::keys::{
    KeyRefusal, KeyResponse, KeyResponseError, KeyRing as Ring, KeyStanding, KnownKey, Moment,
    PublicKey,
};
use crate::reader::RawEvent;
use crate::receive::{self, integer};
use crate::room_version::RoomVersion;
use crate::verdict::Verdict;

/// Public keys of other servers, decoded once.
#[wasm_bindgen]
#[derive(Default)]
pub struct KeyRing {
    pub(super) ring: Ring,
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
        let response = self
            .verify_response(response, fetched_ts)
            .map_err(Thrown::from)?;
        Ok(self.take_response(response).to_string())
    }

    /// Takes many key responses: one, an array, or an object with `server_keys`; gives a JSON
    /// array with a report or `{"error"}` for each.
    pub fn add_server_keys_batch(
        &mut self,
        responses: &[u8],
        fetched_ts: f64,
    ) -> Result<String, JsValue> {
        let responses = super::reader::key_responses(responses)?;
        let reports: Vec<_> = responses
            .iter()
            .map(
                |response| match self.verify_response(response, fetched_ts) {
                    Ok(response) => self.take_response(response),
                    Err(error) => json!({ "error": Thrown::from(error).0 }),
                },
            )
            .collect();
        Ok(serde_json::Value::from(reports).to_string())
    }

    fn verify_response(
        &self,
        response: &[u8],
        fetched_ts: f64,
    ) -> Result<KeyResponse, KeyResponseError> {
        KeyResponse::verify(response, None, milliseconds(fetched_ts), self.ring.check())
    }

    fn take_response(&mut self, response: KeyResponse) -> serde_json::Value {
        let server_name = response.server_name.clone();
        let valid_until_ts = response.valid_until_ts;
        let keys: Vec<_> = response
            .keys
            .iter()
            .map(|(key_id, known)| describe(key_id, known))
            .collect();
        let refused: Vec<_> = self
            .ring
            .add(response)
            .into_iter()
            .map(|refused| {
                json!({
                    "key_id": refused.key_id,
                    "code": refused.refusal.code(),
                    "reason": refused.refusal.to_string(),
                })
            })
            .collect();
        json!({
            "server_name": server_name,
            "valid_until_ts": integer(valid_until_ts),
            "keys": keys,
            "refused": refused,
        })
    }

    /// Takes a key that is trusted for other reasons; `validity` is JSON with `valid_until_ts`
    /// or `expired_ts` in milliseconds, or neither.
    pub fn add_key(
        &mut self,
        server_name: &str,
        key_id: &str,
        public_key: &str,
        validity: &str,
    ) -> Result<(), JsValue> {
        let validity: serde_json::Value = serde_json::from_str(validity)
            .map_err(|error| Thrown::new("validity_invalid", error))?;
        let time = |name: &str| validity.get(name).and_then(serde_json::Value::as_i64);
        let refuse = |refusal: KeyRefusal| {
            Thrown::new(
                refusal.code(),
                format!("{key_id} of {server_name}: {refusal}"),
            )
        };
        let known = KnownKey {
            key: PublicKey::from_base64(public_key).map_err(refuse)?,
            valid_until_ts: time("valid_until_ts"),
            expired_ts: time("expired_ts"),
            fetched_ts: None,
        };
        self.ring
            .add_trusted(server_name, key_id, known)
            .map_err(refuse)?;
        Ok(())
    }

    /// What is known of a key, as JSON; `valid` is whether it may be used at `ts`.
    #[must_use]
    pub fn lookup(&self, server_name: &str, key_id: &str, ts: Option<f64>) -> String {
        let Some(known) = self.ring.get(server_name, key_id) else {
            return "null".to_owned();
        };
        let mut report = describe(key_id, known);
        let valid = match ts {
            None => known.key.refusal().is_none(),
            Some(ts) => {
                let moment = Moment {
                    ts: milliseconds(ts),
                    enforce_validity: true,
                };
                matches!(
                    self.ring.standing(server_name, key_id, moment),
                    KeyStanding::Good(_)
                )
            }
        };
        if let Some(report) = report.as_object_mut() {
            report.insert("valid".to_owned(), valid.into());
        }
        report.to_string()
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
        let moment = Moment {
            ts: ts.map_or(i64::MIN, milliseconds),
            enforce_validity: ts.is_some(),
        };
        let report = signatures::verify_json(&object, server_name, moment, &self.ring);
        let failure = report.judge().err();
        let mut answer = receive::server_evidence(&report);
        if let Some(answer) = answer.as_object_mut() {
            answer.insert("valid".to_owned(), failure.is_none().into());
            let flags: Vec<&str> = [
                (
                    "ed25519_divergent",
                    report.signatures.iter().any(|one| one.divergent),
                ),
                (
                    "url_safe_base64",
                    report.signatures.iter().any(|one| one.url_safe),
                ),
            ]
            .into_iter()
            .filter(|(_, set)| *set)
            .map(|(flag, _)| flag)
            .collect();
            answer.insert("flags".to_owned(), flags.into());
            if let Some(failure) = failure {
                let reason = signatures::sentence("object", &report, failure, ts.map(milliseconds));
                answer.insert("reason".to_owned(), reason.into());
            }
        }
        Ok(answer.to_string())
    }

    /// Judges all events of a document by checks 1 to 3; gives a JSON array of verdicts.
    pub fn verify_events(
        &self,
        input: &[u8],
        room_version: &str,
        options: JsValue,
    ) -> Result<String, JsValue> {
        let options = VerifyOptions::read(options)?;
        if options.single {
            let version = RoomVersion::get(room_version).map_err(Thrown::from)?;
            let verdict = receive::verify(input, version, &self.ring, options.options());
            return Ok(verdicts(std::iter::once(verdict)));
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
    verdicts(events.into_iter().map(|event| match event {
        RawEvent::Bytes(bytes) => receive::verify(&bytes, version, ring, options.options()),
        RawEvent::TooLong(length) => receive::too_long(length, version),
    }))
}

fn verdicts(verdicts: impl Iterator<Item = Verdict>) -> String {
    let mut out = vec![b'['];
    for (index, verdict) in verdicts.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        // Writing to memory does not fail, and a verdict has nothing that JSON cannot hold.
        let _ = serde_json::to_writer(&mut out, &verdict);
    }
    out.push(b']');
    super::text(out)
}

fn describe(key_id: &str, known: &KnownKey) -> serde_json::Value {
    let mut report = json!({ "key_id": key_id, "public_key": known.key.to_base64() });
    if let Some(report) = report.as_object_mut() {
        for (name, value) in [
            ("valid_until_ts", known.valid_until_ts),
            ("expired_ts", known.expired_ts),
            ("fetched_ts", known.fetched_ts),
        ] {
            if let Some(value) = value {
                report.insert(name.to_owned(), integer(value));
            }
        }
        if let Some(refusal) = known.key.refusal() {
            report.insert("refused".to_owned(), refusal.code().into());
        }
    }
    report
}

impl From<KeyResponseError> for Thrown {
    fn from(error: KeyResponseError) -> Self {
        Self::new(error.code(), error)
    }
}
