//! The key ring: which key of which server was valid when.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::hot_keys::HotKeys;
use super::public_key::{KeyRefusal, PublicKey, SignatureCheck};
use super::response::{KeyResponse, RefusedKey};
use crate::identifiers::is_ed25519_key_id;

/// How far ahead of its fetching an answer is trusted at most, in milliseconds.
pub const SEVEN_DAYS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Public keys of other servers.
#[derive(Debug, Clone)]
pub struct KeyRing {
    servers: BTreeMap<String, Server>,
    check: Arc<dyn SignatureCheck>,
}

/// Who gave an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Server,
    Notary,
}

#[derive(Debug, Clone, Default)]
struct Server {
    /// When the server itself was last asked for its keys, in milliseconds.
    asked: Option<i64>,
    keys: BTreeMap<String, KnownKey>,
}

/// A key and what is known of its validity.
#[derive(Debug, Clone)]
pub struct KnownKey {
    /// The key, decoded.
    pub key: PublicKey,
    /// Valid until then, in milliseconds; already cut to seven days after it was fetched.
    /// `None` together with no `expired_ts`: trusted without end.
    pub valid_until_ts: Option<i64>,
    /// No longer in use since then, in milliseconds.
    pub expired_ts: Option<i64>,
    /// When the answer that said so was fetched.
    pub fetched_ts: Option<i64>,
}

/// When a signature was made, and what that asks of the key.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// In milliseconds; for events, `origin_server_ts`.
    pub ts: i64,
    /// The key must have been valid then (room versions 5 and later). If not, only keys that
    /// are known to have expired before are left out.
    pub enforce_validity: bool,
}

/// What the ring says of a key at a moment.
#[derive(Debug, Clone, Copy)]
pub enum KeyStanding<'a> {
    /// It is known and was valid.
    Good(&'a KnownKey),
    /// It had been taken out of use before.
    Expired(&'a KnownKey),
    /// It was not valid so late.
    NotValidYet(&'a KnownKey),
    /// It is known and must not be trusted.
    Refused(&'a KnownKey, KeyRefusal),
    /// The server, asked after that moment, does not list it.
    Disowned {
        /// When the server was asked.
        asked: i64,
    },
    /// Nothing is known of it.
    Missing,
}

impl Default for KeyRing {
    fn default() -> Self {
        Self::with_check(Arc::new(HotKeys::default()))
    }
}

impl KeyRing {
    /// An empty ring whose signatures are checked by `check`.
    #[must_use]
    pub fn with_check(check: Arc<dyn SignatureCheck>) -> Self {
        Self { servers: BTreeMap::new(), check }
    }

    /// The way signatures are checked.
    #[must_use]
    pub fn check(&self) -> &dyn SignatureCheck {
        &*self.check
    }

    /// Takes the keys of a verified answer; gives those that were not taken, with the reason.
    pub fn add(&mut self, response: KeyResponse) -> Vec<RefusedKey> {
        self.add_from(response, Source::Server)
    }

    /// Takes the keys of a verified answer that a notary passed on; otherwise as [`Self::add`].
    ///
    /// A notary may pass on an answer as old as it likes: that it does not list a key proves nothing.
    pub fn add_passed_on(&mut self, response: KeyResponse) -> Vec<RefusedKey> {
        self.add_from(response, Source::Notary)
    }

    fn add_from(&mut self, response: KeyResponse, source: Source) -> Vec<RefusedKey> {
        let KeyResponse { server_name, fetched_ts, keys, mut refused, .. } = response;
        let server = self.servers.entry(server_name).or_default();
        if source == Source::Server {
            server.asked = server.asked.max(Some(fetched_ts));
        }
        for (key_id, known) in keys {
            if let Some(refusal) = server.insert(key_id.clone(), known) {
                refused.push(RefusedKey { key_id, refusal });
            }
        }
        refused
    }

    /// Takes a key that is trusted for other reasons than an answer of its server.
    ///
    /// # Errors
    /// [`KeyRefusal`] when the key must not be trusted or its ID is taken by another.
    pub fn add_trusted(
        &mut self,
        server_name: &str,
        key_id: &str,
        known: KnownKey,
    ) -> Result<(), KeyRefusal> {
        if !is_ed25519_key_id(key_id) {
            return Err(KeyRefusal::KeyId);
        }
        if let Some(refusal) = known.key.refusal() {
            return Err(refusal);
        }
        let server = self.servers.entry(server_name.to_owned()).or_default();
        server.insert(key_id.to_owned(), known).map_or(Ok(()), Err)
    }

    /// Is any key of a server known?
    #[must_use]
    pub fn knows(&self, server_name: &str) -> bool {
        self.servers.get(server_name).is_some_and(|server| !server.keys.is_empty())
    }

    /// What is known of a key.
    #[must_use]
    pub fn get(&self, server_name: &str, key_id: &str) -> Option<&KnownKey> {
        self.servers.get(server_name)?.keys.get(key_id)
    }

    /// May the key `key_id` of `server_name` be used for a signature made at `moment`?
    #[must_use]
    pub fn standing(&self, server_name: &str, key_id: &str, moment: Moment) -> KeyStanding<'_> {
        let Some(server) = self.servers.get(server_name) else {
            return KeyStanding::Missing;
        };
        let Some(known) = server.keys.get(key_id) else {
            // All keys a server ever signed events with belong into its answer. One that was
            // fetched before the event may just be too old to list a new key.
            return match server.asked {
                Some(asked) if asked >= moment.ts => KeyStanding::Disowned { asked },
                _ => KeyStanding::Missing,
            };
        };
        if let Some(refusal) = known.key.refusal() {
            return KeyStanding::Refused(known, refusal);
        }
        if known.expired_ts.is_some_and(|expired| expired < moment.ts) {
            return KeyStanding::Expired(known);
        }
        let too_late = known.expired_ts.is_none()
            && known.valid_until_ts.is_some_and(|valid_until| valid_until < moment.ts);
        if moment.enforce_validity && too_late {
            return KeyStanding::NotValidYet(known);
        }
        KeyStanding::Good(known)
    }

    /// May the key `key_id` of `server_name` be used for a request that is received at `now`, in
    /// milliseconds? Requests belong to no room: whatever its version, the key must be valid now. And
    /// a key that its server lists as an old one signs none, even if it is to expire later.
    #[must_use]
    pub fn standing_for_request(
        &self,
        server_name: &str,
        key_id: &str,
        now: i64,
    ) -> KeyStanding<'_> {
        let moment = Moment { ts: now, enforce_validity: true };
        match self.standing(server_name, key_id, moment) {
            KeyStanding::Good(known) if known.expired_ts.is_some() => KeyStanding::Expired(known),
            standing => standing,
        }
    }
}

impl Server {
    /// Takes a key, or what is new about one. The first key seen under an ID stays.
    fn insert(&mut self, key_id: String, new: KnownKey) -> Option<KeyRefusal> {
        let Some(known) = self.keys.get_mut(&key_id) else {
            self.keys.insert(key_id, new);
            return None;
        };
        if known.key != new.key {
            return Some(KeyRefusal::Conflict);
        }
        // The newer answer decides whether the key is still in use; the validity that was once
        // promised does not shrink by an answer that promises less.
        if new.fetched_ts >= known.fetched_ts {
            known.expired_ts = new.expired_ts;
            known.fetched_ts = new.fetched_ts;
        }
        known.valid_until_ts = match (known.valid_until_ts, new.valid_until_ts) {
            (Some(known), Some(new)) => Some(known.max(new)),
            (known, new) => known.or(new),
        };
        None
    }
}
