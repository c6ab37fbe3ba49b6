//! Many events that are read once and may be judged several times: keys come in as they are fetched.

use std::collections::BTreeMap;

use super::proof::Prepared;
use super::{Options, hashes_of};
use crate::event::signatures::{self, POLICY_SERVER_KEY_ID};
use crate::event::{Pdu, hashes};
use crate::identifiers::{domain_of, is_ed25519_key_id};
use crate::json::{Canonical, Value};
use crate::keys::{KeyRing, KeyStanding, Moment};
use crate::room_version::RoomVersion;
use crate::sha256::Hash;
use crate::verdict::Verdict;

/// Events that passed check 1 or did not, with their hashes.
pub struct Batch {
    options: Options,
    events: Vec<Result<Hashed, Box<Verdict>>>,
}

struct Hashed {
    event: Prepared,
    reference: Hash,
    content: Hash,
}

/// A key that is not there, or that is not known to be valid so late.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NeededKey {
    /// The server.
    pub server: String,
    /// The key.
    pub key_id: String,
    /// What to ask notaries for as `minimum_valid_until_ts`, in milliseconds; `None` where the room
    /// version does not look at validity.
    pub minimum_valid_until_ts: Option<i64>,
}

impl NeededKey {
    /// Several needs, each key once: with the latest time, which covers the others.
    #[must_use]
    pub fn merge(keys: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut needed = NeededKeys::default();
        for key in keys {
            needed.insert(key.server, key.key_id, key.minimum_valid_until_ts);
        }
        needed.list()
    }
}

impl Batch {
    /// Reads events and hashes them side by side.
    pub fn read<'a>(
        events: impl IntoIterator<Item = &'a [u8]>,
        version: &'static RoomVersion,
        options: Options,
    ) -> Self {
        let mut events = events.into_iter();
        let mut all = Vec::with_capacity(events.size_hint().0);
        loop {
            let some = events.by_ref().take(SIDE_BY_SIDE);
            let prepared: Vec<_> =
                some.map(|bytes| Prepared::new(bytes, version, options)).collect();
            if prepared.is_empty() {
                all.shrink_to_fit();
                return Self { options, events: all };
            }
            hash(prepared, &mut all);
        }
    }

    /// How many events there are, malformed ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Are there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Judges every event by checks 1 to 3, in order.
    #[must_use]
    pub fn verdicts(&self, ring: &KeyRing) -> Vec<Verdict> {
        let judge = |event: &Result<Hashed, Box<Verdict>>| match event {
            Err(verdict) => Verdict::clone(verdict),
            Ok(Hashed { event, reference, content }) => {
                event.prove(reference, content, ring, self.options).verdict
            }
        };
        self.events.iter().map(judge).collect()
    }

    /// An event, if it is well formed. Nothing is proven of it yet.
    #[must_use]
    pub fn pdu(&self, index: usize) -> Option<&Pdu> {
        self.hashed(index).map(|hashed| hashed.event.pdu())
    }

    /// The ID of an event, if it is well formed.
    #[must_use]
    pub fn event_id(&self, index: usize) -> Option<String> {
        let hashed = self.hashed(index)?;
        let pdu = hashed.event.pdu();
        hashes::event_id(pdu.json(), &hashed.reference, pdu.version())
    }

    /// An event as it counts after its verdict: redacted, where that says so, and without `unsigned`,
    /// which nobody has signed.
    #[must_use]
    pub fn copy(&self, index: usize, verdict: &Verdict) -> Option<Canonical> {
        let event = &self.hashed(index)?.event;
        let redacted = verdict.redacted.then(|| event.redacted()).flatten();
        let pdu = redacted.as_ref().unwrap_or(event.pdu());
        Some(match pdu.unsigned() {
            Some(_) => pdu.json().with_member("unsigned", None),
            None => pdu.json().clone(),
        })
    }

    /// The keys without which signatures that count cannot be checked, on the events that are `wanted`.
    /// A server that signed by a key that is known and was valid needs no other.
    #[must_use]
    pub fn keys_needed(&self, ring: &KeyRing, wanted: impl Fn(usize) -> bool) -> Vec<NeededKey> {
        let mut needed = NeededKeys::default();
        let wanted = (0..self.len()).filter(|index| wanted(*index));
        for pdu in wanted.filter_map(|index| self.pdu(index)) {
            needed.add_event(pdu, ring);
        }
        needed.list()
    }

    fn hashed(&self, index: usize) -> Option<&Hashed> {
        self.events.get(index)?.as_ref().ok()
    }
}

/// So many events are hashed at once: what is hashed of them is needed no longer than that, and would
/// double the memory that a large state takes.
const SIDE_BY_SIDE: usize = 1024;

fn hash(
    prepared: Vec<Result<Prepared, Box<Verdict>>>,
    all: &mut Vec<Result<Hashed, Box<Verdict>>>,
) {
    let mut hashes = hashes_of(prepared.iter().flatten()).into_iter();
    all.extend(prepared.into_iter().map(|event| {
        event.map(|mut event| {
            event.settle();
            // There are as many pairs as events.
            let (reference, content) = hashes.next().unwrap_or_default();
            Hashed { event, reference, content }
        })
    }));
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("events", &self.len()).finish_non_exhaustive()
    }
}

/// The keys without which the signatures of one server on an event cannot be checked.
#[must_use]
pub fn keys_needed_of(server: &str, pdu: &Pdu, ring: &KeyRing) -> Vec<NeededKey> {
    let mut needed = NeededKeys::default();
    needed.add(server, pdu, ring);
    needed.list()
}

/// The keys that events need, gathered event by event: each once, with the latest time that it is
/// needed for.
#[derive(Debug, Default)]
pub struct NeededKeys(BTreeMap<(String, String), Option<i64>>);

impl NeededKeys {
    /// Adds the keys without which signatures that count cannot be checked on this event.
    pub fn add_event(&mut self, pdu: &Pdu, ring: &KeyRing) {
        // Whether a third party's invite excuses its sender is known only after check 3.
        let required = signatures::required_servers(pdu, false);
        let authoriser = pdu.join_authoriser();
        let authoriser = authoriser.as_deref().and_then(|user| domain_of(user, '@'));
        for server in required.chain(authoriser.map(str::to_owned)) {
            self.add(&server, pdu, ring);
        }
    }

    fn add(&mut self, server: &str, pdu: &Pdu, ring: &KeyRing) {
        let enforce_validity = pdu.version().enforce_key_validity;
        let moment = Moment { ts: pdu.origin_server_ts(), enforce_validity };
        let own = pdu
            .signatures()
            .and_then(Value::as_object)
            .and_then(|mut servers| servers.find(|member| member.key() == server))
            .and_then(|member| member.value.as_object());
        let keys = own.into_iter().flatten().map(|member| member.key().into_owned());
        let keys: Vec<_> = keys
            .filter(|key_id| is_ed25519_key_id(key_id) && key_id != POLICY_SERVER_KEY_ID)
            .map(|key_id| (ring.standing(server, &key_id, moment), key_id))
            .collect();
        if keys.iter().any(|(standing, _)| matches!(standing, KeyStanding::Good(_))) {
            return;
        }
        for (standing, key_id) in keys {
            if matches!(standing, KeyStanding::Missing | KeyStanding::NotValidYet(_)) {
                let ts = enforce_validity.then_some(moment.ts);
                self.insert(server.to_owned(), key_id, ts);
            }
        }
    }

    fn insert(&mut self, server: String, key_id: String, ts: Option<i64>) {
        let latest = self.0.entry((server, key_id)).or_insert(ts);
        *latest = ts.max(*latest);
    }

    /// All of them, in order.
    #[must_use]
    pub fn list(self) -> Vec<NeededKey> {
        let key = |((server, key_id), minimum_valid_until_ts)| NeededKey {
            server,
            key_id,
            minimum_valid_until_ts,
        };
        self.0.into_iter().map(key).collect()
    }
}
