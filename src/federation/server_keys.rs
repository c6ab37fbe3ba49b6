//! Asking servers for their keys, and notaries for those of others.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#retrieving-server-keys>

use std::collections::BTreeMap;

use super::answer::{Answer, AnswerError};
use super::entries::cut;
use super::request::{KEYS_ANSWER, Request, Target, TimeLimit, object};
use crate::event::signatures::{ServerFailure, verify_json};
use crate::json::{self, Numbers, Value};
use crate::keys::{KeyResponse, KeyResponseError, KeyRing, Moment, SignatureCheck};
use crate::ordered;
use crate::receive::NeededKey;

/// The most servers that a notary is asked about at once: it may have to ask each of them.
pub const MAX_SERVERS: usize = 50;

/// Asks a server for its own keys.
#[must_use]
pub fn server_keys() -> Request {
    Request::get(Target::new("key/v2/server"), KEYS_ANSWER, TimeLimit::Short).unsigned()
}

/// Reads the answer of `server` to [`server_keys`], which came at `now`, in milliseconds.
///
/// # Errors
/// [`KeyResponseError`]: it must be that of the server asked, and signed by itself.
pub fn read_server_keys(
    body: &[u8],
    server: &str,
    now: i64,
    check: &dyn SignatureCheck,
) -> Result<KeyResponse, KeyResponseError> {
    KeyResponse::verify(body, Some(server), now, check)
}

/// Asks a notary for the keys of one server.
#[must_use]
pub fn query_server(server: &str, minimum_valid_until_ts: Option<i64>) -> Request {
    let ts = minimum_valid_until_ts.map(|ts| ts.to_string());
    let target = Target::new("key/v2/query").segment(server);
    let target = target.query_some("minimum_valid_until_ts", ts.as_deref());
    Request::get(target, KEYS_ANSWER, TimeLimit::Usual).unsigned()
}

/// Asks a notary for keys of several servers, at most [`MAX_SERVERS`]: what is needed of further ones
/// is passed over. Of `servers` of which no key is named, it is asked for all.
#[must_use]
pub fn query(servers: &[&str], needed: &[NeededKey]) -> Request {
    let whole = servers.iter().take(MAX_SERVERS).map(|server| (*server, Vec::new()));
    let mut servers: BTreeMap<&str, Vec<(&str, Vec<u8>)>> = ordered::map(whole);
    for key in needed {
        if servers.len() >= MAX_SERVERS && !servers.contains_key(key.server.as_str()) {
            continue;
        }
        // Without a time the notary is to give what it has, and not to take "now" for it.
        let ts = key.minimum_valid_until_ts.unwrap_or_default().to_string().into_bytes();
        let criteria = object([("minimum_valid_until_ts", ts)]);
        let keys = servers.entry(&key.server).or_default();
        if keys.iter().all(|(id, _)| *id != key.key_id) {
            keys.push((&key.key_id, criteria));
        }
    }
    let servers = servers.into_iter().map(|(server, keys)| (server, object(keys)));
    let content = object([("server_keys", object(servers))]);
    let target = Target::new("key/v2/query");
    Request::post(target, content, KEYS_ANSWER, TimeLimit::Usual).unsigned()
}

/// What a notary passed on.
#[derive(Debug, Default)]
pub struct NotaryAnswer {
    /// Answers of the servers asked about, each signed by itself.
    pub responses: Vec<NotarisedKeys>,
    /// Answers that are refused.
    pub refused: Vec<RefusedResponse>,
}

/// An answer of a server that a notary passed on.
#[derive(Debug)]
pub struct NotarisedKeys {
    /// The answer, proven by its server's own signature.
    pub response: KeyResponse,
    /// The same as canonical JSON, with all its signatures, to be kept and passed on.
    pub document: Vec<u8>,
    /// What keeps the notary's signature from being one. It is not asked for: what counts is the
    /// signature of the server itself.
    pub notary: Option<ServerFailure>,
}

/// An answer that is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedResponse {
    /// Where it stood.
    pub index: usize,
    /// The server that it is said to be of, cut to 255 characters.
    pub server_name: Option<String>,
    /// The stable code of why.
    pub code: &'static str,
    /// In words.
    pub reason: String,
}

/// Reads the answer of `notary` to [`query`] or [`query_server`], which came at `now`, in milliseconds.
/// `asked` are the servers asked about; answers of others are refused, one by one.
///
/// # Errors
/// [`AnswerError`] when the answer as a whole is none.
pub fn read_query(
    body: &[u8],
    notary: &str,
    asked: &[&str],
    now: i64,
    ring: &KeyRing,
) -> Result<NotaryAnswer, AnswerError> {
    let answer = Answer::read(body, &["server_keys"])?;
    let mut read = NotaryAnswer::default();
    for (index, item) in answer.list("server_keys")?.iter().enumerate() {
        let document = match json::parse(item, Numbers::Keep) {
            Ok(document) => document,
            Err(error) => {
                let (code, reason) = (error.code(), error.to_string());
                read.refused.push(RefusedResponse { index, server_name: None, code, reason });
                continue;
            }
        };
        let server_name = document.get("server_name").and_then(Value::as_str);
        let server_name = server_name.map(|name| cut(&name, 255).to_owned());
        let mut refuse = |code, reason| {
            let server_name = server_name.clone();
            read.refused.push(RefusedResponse { index, server_name, code, reason });
        };
        if server_name.as_deref().is_some_and(|name| !asked.contains(&name)) {
            refuse("answer_entry_unasked", "this server was not asked about".to_owned());
            continue;
        }
        match KeyResponse::verify(item, None, now, ring.check()) {
            Err(error) => refuse(error.code(), error.to_string()),
            Ok(response) => {
                let moment = Moment { ts: now, enforce_validity: false };
                let notary = verify_json(&document, notary, moment, ring).judge().err();
                read.responses.push(NotarisedKeys {
                    response,
                    document: document.into_text(),
                    notary,
                });
            }
        }
    }
    Ok(read)
}
