//! What a server publishes about its keys, and whether it is to be believed.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#publishing-keys>

use thiserror::Error;

use super::public_key::{KeyRefusal, PublicKey, SignatureCheck, SignatureOutcome};
use super::ring::{KnownKey, SEVEN_DAYS};
use crate::encoding;
use crate::event::hashes::write_without;
use crate::evidence::Quoted;
use crate::identifiers::{ServerName, is_ed25519_key_id};
use crate::json::{self, Canonical, JsonError, Kind, Numbers, Value};

/// The most keys that one answer may list; real servers list a handful.
const MAX_KEYS: usize = 512;

/// A verified answer of `/_matrix/key/v2/server`, or one that a notary passed on.
#[derive(Debug, Clone)]
pub struct KeyResponse {
    /// The server whose keys they are.
    pub server_name: String,
    /// The keys, with their validity.
    pub keys: Vec<(String, KnownKey)>,
    /// The keys that are not taken.
    pub refused: Vec<RefusedKey>,
    /// Until when the server promises its current keys to be valid, in milliseconds.
    pub valid_until_ts: i64,
    /// When the answer was fetched, in milliseconds.
    pub fetched_ts: i64,
    /// A key, or a signature that is right, is written in URL-safe base64.
    pub url_safe: bool,
}

/// A key of an answer that is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedKey {
    /// Its ID.
    pub key_id: String,
    /// Why.
    pub refusal: KeyRefusal,
}

/// Why a whole answer is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyResponseError {
    /// It is not JSON.
    #[error("the key response is not valid JSON: {0}")]
    Json(#[from] JsonError),
    /// A field is missing or of the wrong type.
    #[error("the key response must have {expected} in \"{field}\"")]
    Field {
        /// The field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// It lists too many keys.
    #[error("the key response lists more than 512 keys")]
    TooManyKeys,
    /// It is of another server than the one asked.
    #[error("the key response is of {}, {} was asked", Quoted(found), Quoted(asked))]
    WrongServer {
        /// The server asked.
        asked: String,
        /// The server named in it.
        found: String,
    },
    /// None of the keys in `verify_keys` signed it.
    #[error("the key response of {server} is not signed by any key it lists in verify_keys")]
    Unsigned {
        /// The server.
        server: String,
    },
    /// A key in `verify_keys` signed something else.
    #[error("the signature of the key response of {server} by {key_id} is wrong")]
    Signature {
        /// The server.
        server: String,
        /// The key.
        key_id: String,
    },
}

impl KeyResponseError {
    /// The stable code of this failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Json(error) => error.code(),
            Self::Field { .. } | Self::TooManyKeys => "key_response_invalid",
            Self::WrongServer { .. } => "key_response_wrong_server",
            Self::Unsigned { .. } => "key_response_unsigned",
            Self::Signature { .. } => "key_response_signature_invalid",
        }
    }
}

impl KeyResponse {
    /// Reads an answer that was fetched at `fetched_ts` and checks its own signature: it must be
    /// signed by at least one of its `verify_keys`, and no signature by one of them may be wrong.
    ///
    /// `asked` is the server that was asked, where that is known.
    ///
    /// # Errors
    /// [`KeyResponseError`].
    pub fn verify(
        bytes: &[u8],
        asked: Option<&str>,
        fetched_ts: i64,
        check: &dyn SignatureCheck,
    ) -> Result<Self, KeyResponseError> {
        let response = json::parse(bytes, Numbers::Keep)?;
        let server_name = field(&response, "server_name", "a server name", |value| {
            value.as_str().filter(|name| ServerName::parse(name).is_ok())
        })?
        .into_owned();
        if let Some(asked) = asked
            && asked != server_name
        {
            return Err(KeyResponseError::WrongServer {
                asked: asked.to_owned(),
                found: server_name,
            });
        }
        let valid_until_ts =
            field(&response, "valid_until_ts", "an integer (milliseconds)", Value::as_i64)?;
        let verify_keys = field(&response, "verify_keys", "an object of keys", Value::as_object)?;
        let old_keys = match response.get("old_verify_keys") {
            None => None,
            Some(_) => {
                Some(field(&response, "old_verify_keys", "an object of keys", Value::as_object)?)
            }
        };
        if verify_keys.clone().chain(old_keys.clone().into_iter().flatten()).count() > MAX_KEYS {
            return Err(KeyResponseError::TooManyKeys);
        }

        let mut answer = Self {
            server_name,
            keys: Vec::new(),
            refused: Vec::new(),
            valid_until_ts,
            fetched_ts,
            url_safe: false,
        };
        let valid_until = valid_until_ts.min(fetched_ts.saturating_add(SEVEN_DAYS));
        for member in verify_keys {
            answer.take(&member.key(), member.value, Some(valid_until), None);
        }
        answer.check_signatures(&response, check)?;
        for member in old_keys.into_iter().flatten() {
            let key_id = member.key();
            match member.value.get("expired_ts").and_then(Value::as_i64) {
                Some(expired) => answer.take(&key_id, member.value, None, Some(expired)),
                None => answer.refuse(&key_id, KeyRefusal::NoExpiry),
            }
        }
        Ok(answer)
    }

    fn refuse(&mut self, key_id: &str, refusal: KeyRefusal) {
        self.refused.push(RefusedKey { key_id: key_id.to_owned(), refusal });
    }

    fn take(
        &mut self,
        key_id: &str,
        value: Value<'_>,
        valid_until_ts: Option<i64>,
        expired_ts: Option<i64>,
    ) {
        if !is_ed25519_key_id(key_id) {
            return self.refuse(key_id, KeyRefusal::KeyId);
        }
        let text = value.get("key").and_then(Value::as_str);
        let decoded = text.and_then(|text| encoding::decode::<32>(&text));
        self.url_safe |= decoded.as_ref().is_some_and(|decoded| decoded.url_safe);
        let key = decoded
            .ok_or(KeyRefusal::Invalid)
            .and_then(|decoded| PublicKey::from_bytes(&decoded.bytes));
        let key = match key {
            Ok(key) => key,
            Err(refusal) => return self.refuse(key_id, refusal),
        };
        if let Some(refusal) = key.refusal() {
            self.refuse(key_id, refusal);
        }
        let fetched_ts = Some(self.fetched_ts);
        let new = KnownKey { key, valid_until_ts, expired_ts, fetched_ts };
        match self.keys.iter_mut().find(|(known, _)| known == key_id) {
            // Listed as current and as old: what the server says of its end is to be believed.
            Some((_, known)) if known.key == new.key => *known = new,
            Some(_) => self.refuse(key_id, KeyRefusal::Conflict),
            None => self.keys.push((key_id.to_owned(), new)),
        }
    }

    /// Is the answer signed by its own current keys? Called when only those have been taken.
    fn check_signatures(
        &mut self,
        response: &Canonical,
        check: &dyn SignatureCheck,
    ) -> Result<(), KeyResponseError> {
        let mut message = Vec::with_capacity(response.text().len());
        write_without(response, &["signatures", "unsigned"], &mut message);
        let own = response
            .get("signatures")
            .and_then(Value::as_object)
            .and_then(|mut servers| servers.find(|server| server.key() == self.server_name))
            .and_then(|server| server.value.as_object());
        let mut signed = false;
        for signature in own.into_iter().flatten() {
            let key_id = signature.key();
            let Some((_, known)) = self.keys.iter().find(|(known, _)| *known == key_id) else {
                continue;
            };
            let outcome =
                signature.value.as_str().and_then(|text| encoding::decode::<64>(&text)).map(
                    |signature| (check.check(&known.key, &message, &signature.bytes), signature),
                );
            match outcome {
                // A key that must not be trusted proves nothing, either way.
                _ if known.key.refusal().is_some() => {}
                Some((SignatureOutcome::Valid, signature)) => {
                    signed = true;
                    self.url_safe |= signature.url_safe;
                }
                _ => {
                    return Err(KeyResponseError::Signature {
                        server: self.server_name.clone(),
                        key_id: key_id.into_owned(),
                    });
                }
            }
        }
        if signed {
            Ok(())
        } else {
            Err(KeyResponseError::Unsigned { server: self.server_name.clone() })
        }
    }
}

fn field<'a, T>(
    response: &'a Canonical,
    field: &'static str,
    expected: &'static str,
    read: impl FnOnce(Value<'a>) -> Option<T>,
) -> Result<T, KeyResponseError> {
    // `get` finds nothing when the document is no object, so that is refused here too.
    response
        .get(field)
        .filter(|value| value.kind() != Kind::Null)
        .and_then(read)
        .ok_or(KeyResponseError::Field { field, expected })
}
