//! Signed requests.

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::keys::KeyRing;
use super::values::{check_server_name, with_key};
use super::{Thrown, json_text, milliseconds};
use crate::evidence::Evidence;
use crate::request_auth::{
    self, MissingKey, ReceivedRequest, Receiver, RequestError, RequestVerdict,
};

/// Signs a request; gives `{authorization, body, signed}` as JSON.
#[wasm_bindgen]
pub fn sign_request(
    seed: &Uint8Array,
    key_id: &str,
    method: &str,
    uri: &str,
    content: Option<Vec<u8>>,
    server_name: &str,
    destination: &str,
) -> Result<String, JsValue> {
    let content = content.as_deref();
    let signed = with_key(seed, key_id, |key| {
        request_auth::sign_request(method, uri, content, server_name, destination, key)
    })?;
    let signed = signed.map_err(Thrown::from)?;
    let answer = Evidence::object([
        ("authorization", signed.authorization.into()),
        ("signed", signed.signed.into()),
    ]);
    Ok(json_text(&answer.with_some("body", signed.body)))
}

#[wasm_bindgen]
impl KeyRing {
    /// Judges by whom a request was made; gives `{outcome, …}` as JSON.
    #[allow(clippy::too_many_arguments, reason = "a struct would be an object built key by key")]
    pub fn verify_request(
        &self,
        method: &str,
        uri: &str,
        authorization: Vec<String>,
        body: Option<Vec<u8>>,
        server_names: Vec<String>,
        now: f64,
        evidence: bool,
    ) -> Result<String, JsValue> {
        server_names.iter().try_for_each(|name| check_server_name(name))?;
        let authorization: Vec<&[u8]> = authorization.iter().map(String::as_bytes).collect();
        let server_names: Vec<&str> = server_names.iter().map(String::as_str).collect();
        let body = body.as_deref();
        let received = ReceivedRequest { method, uri, authorization: &authorization, body };
        let receiver = Receiver { server_names: &server_names, now: milliseconds(now), evidence };
        let verdict = request_auth::verify_request(received, receiver, &self.ring.borrow());
        Ok(json_text(&judgment(verdict, evidence)))
    }
}

fn judgment(verdict: RequestVerdict, all_evidence: bool) -> Evidence {
    let RequestVerdict { result, flags, evidence } = verdict;
    let flags: Evidence = flags.into_iter().map(Evidence::from).collect();
    match result {
        Ok(proven) => Evidence::object([
            ("outcome", "accepted".into()),
            ("origin", proven.origin.into()),
            ("destination", proven.destination.into()),
            ("keys", proven.keys.into_iter().map(Evidence::from).collect()),
            ("flags", flags),
        ])
        .with_some("evidence", all_evidence.then_some(evidence)),
        Err(refusal) => Evidence::object([
            ("outcome", if refusal.status.is_some() { "refused" } else { "incomplete" }.into()),
            ("code", refusal.code.into()),
            ("reason", refusal.reason.into()),
            ("errcode", refusal.errcode.into()),
            ("flags", flags),
            ("evidence", evidence),
            ("missing", refusal.missing.into_iter().map(missing).collect()),
        ])
        .with_some("status", refusal.status.map(i64::from)),
    }
}

fn missing(key: MissingKey) -> Evidence {
    Evidence::object([("server", key.server.into()), ("key_id", key.key_id.into())])
}

impl From<RequestError> for Thrown {
    fn from(error: RequestError) -> Self {
        let thrown = Self::new(error.code(), &error);
        match &error {
            RequestError::Json(json) => thrown.with("offset", json.offset()),
            RequestError::Number(format) => thrown.with("evidence", format.evidence()),
            _ => thrown,
        }
    }
}
