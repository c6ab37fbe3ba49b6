//! Keys over the network: from the servers whose keys they are, and from notaries.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#retrieving-server-keys>

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt};

use super::{Client, FederationError};
use crate::event::signatures::ServerFailure;
use crate::federation::server_keys::{
    MAX_SERVERS, NotarisedKeys, NotaryAnswer, query, read_query, read_server_keys, server_keys,
};
use crate::host::{Host, Notice};
use crate::keys::{KeyResponse, KeyRing, RefusedKey};
use crate::receive::NeededKey;

/// How many servers are spoken to at the same time.
const AT_ONCE: usize = 32;

/// What is wanted: of each server keys by their IDs, or, with none named, all.
pub type WantedKeys = BTreeMap<String, Vec<NeededKey>>;

/// An answer whose keys entered the ring.
#[derive(Debug, Clone)]
pub struct FetchedKeys {
    /// The answer.
    pub response: KeyResponse,
    /// As it came: what may be passed on, since its signature covers fields that nobody here knows.
    pub document: Vec<u8>,
    /// The notary that passed it on, and what keeps its signature from being one.
    pub notary: Option<(String, Option<ServerFailure>)>,
    /// Keys of it that were not taken.
    pub refused: Vec<RefusedKey>,
}

/// Keys that could not be had in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFailure {
    /// The server whose keys they are.
    pub server_name: String,
    /// The notary that was asked; `None`: the server itself.
    pub notary: Option<String>,
    /// The stable code.
    pub code: &'static str,
    /// What happened.
    pub reason: String,
}

/// What became of an attempt to get keys.
#[derive(Debug, Clone, Default)]
pub struct KeyReport {
    /// Answers that entered the ring.
    pub fetched: Vec<FetchedKeys>,
    /// What failed on the way. Where another way succeeded, it did no harm.
    pub failed: Vec<KeyFailure>,
}

impl KeyReport {
    fn fail(&mut self, server: &str, notary: Option<&str>, code: &'static str, reason: String) {
        self.failed.push(KeyFailure {
            server_name: server.to_owned(),
            notary: notary.map(str::to_owned),
            code,
            reason,
        });
    }
}

/// An answer that has proven itself, with its text.
struct Proven {
    response: KeyResponse,
    document: Vec<u8>,
}

impl Client {
    /// Fetches the keys that an answer needs and that are not there. Afterwards it may be judged.
    ///
    /// # Errors
    /// The host failed; that a key was not to be had is in the report.
    pub(super) async fn fetch_needed(
        &self,
        host: &Host,
        needed: Vec<NeededKey>,
    ) -> Result<KeyReport, FederationError> {
        let mut wanted = WantedKeys::new();
        for key in needed {
            wanted.entry(key.server.clone()).or_default().push(key);
        }
        if wanted.is_empty() {
            Ok(KeyReport::default())
        } else {
            self.fetch_keys(host, wanted).await
        }
    }

    /// Fetches keys: from the servers themselves, then, what these did not give, from the notaries in
    /// their order. Servers that did not answer a short while ago are not asked again yet.
    ///
    /// # Errors
    /// The host failed; everything else that can fail is in the report.
    pub async fn fetch_keys(
        &self,
        host: &Host,
        wanted: WantedKeys,
    ) -> Result<KeyReport, FederationError> {
        let mut report = KeyReport::default();
        let servers: Vec<_> = wanted.keys().filter(|server| **server != self.server_name).collect();
        let total = u64::try_from(servers.len()).ok();
        let mut done = 0u64;
        let mut answers = stream::iter(servers)
            .map(async |server| (server, self.keys_of(host, server).await))
            .buffer_unordered(AT_ONCE);
        while let Some((server, answer)) = answers.next().await {
            done = done.saturating_add(1);
            host.tell(Notice::Progress { stage: "keys", done, total });
            match answer {
                Ok(proven) => self.take(host, proven, None, &mut report),
                Err(error) => report.fail(server, None, error.code(), error.to_string()),
            }
        }
        drop(answers);
        for notary in &self.notaries {
            let left = wanted.keys().map(String::as_str);
            let left = left.filter(|server| *server != self.server_name);
            let left: Vec<_> = left.filter(|server| !self.has(server, &wanted)).collect();
            let batches = batches(&left, &wanted);
            let answers = stream::iter(batches)
                .map(async |(servers, needed)| {
                    let answer = self.keys_from(host, notary, &servers, &needed).await;
                    (servers, answer)
                })
                .buffer_unordered(AT_ONCE);
            for (servers, answer) in answers.collect::<Vec<_>>().await {
                match answer {
                    Ok(answer) => self.take_notarised(host, notary, answer, &mut report),
                    Err(error) => {
                        for server in servers {
                            report.fail(server, Some(notary), error.code(), error.to_string());
                        }
                    }
                }
            }
        }
        Ok(report)
    }

    /// The keys of a server, from itself.
    async fn keys_of(&self, host: &Host, server: &str) -> Result<Proven, FederationError> {
        let now = host.now().await?;
        let paused = self.back_off.borrow().paused_until(server, now);
        if let Some(until_ts) = paused {
            return Err(FederationError::BackOff { server: server.to_owned(), until_ts, now });
        }
        let answer = self.proven_keys_of(host, server).await;
        let mut back_off = self.back_off.borrow_mut();
        match &answer {
            Ok(_) => back_off.succeeded(server),
            Err(_) => back_off.failed(server, now),
        }
        answer
    }

    async fn proven_keys_of(&self, host: &Host, server: &str) -> Result<Proven, FederationError> {
        let document = self.ask(host, server, server_keys()).await?;
        let now = host.now().await?;
        let ring = self.keys.borrow();
        let response = read_server_keys(&document, server, now, ring.check())?;
        Ok(Proven { response, document })
    }

    /// The keys of several servers, from a notary.
    async fn keys_from(
        &self,
        host: &Host,
        notary: &str,
        servers: &[&str],
        needed: &[NeededKey],
    ) -> Result<NotaryAnswer, FederationError> {
        let body = self.ask(host, notary, query(servers, needed)).await?;
        let now = host.now().await?;
        read_query(&body, notary, servers, now, &self.keys.borrow())
            .map_err(|error| FederationError::Answer { server: notary.to_owned(), error })
    }

    fn take_notarised(
        &self,
        host: &Host,
        notary: &str,
        answer: NotaryAnswer,
        report: &mut KeyReport,
    ) {
        for NotarisedKeys { response, document, notary: failure } in answer.responses {
            let notary = Some((notary.to_owned(), failure));
            self.take(host, Proven { response, document }, notary, report);
        }
        for refused in answer.refused {
            let server = refused.server_name.unwrap_or_default();
            report.fail(&server, Some(notary), refused.code, refused.reason);
        }
    }

    /// Takes proven keys into the ring, and tells of them.
    fn take(
        &self,
        host: &Host,
        proven: Proven,
        notary: Option<(String, Option<ServerFailure>)>,
        report: &mut KeyReport,
    ) {
        let Proven { response, document } = proven;
        let passed_on = notary.is_some();
        let mut ring = self.keys.borrow_mut();
        let refused = if passed_on {
            ring.add_passed_on(response.clone())
        } else {
            ring.add(response.clone())
        };
        host.tell(Notice::ServerKeys {
            document: document.clone(),
            response: Box::new(response.clone()),
            passed_on,
        });
        report.fetched.push(FetchedKeys { response, document, notary, refused });
    }

    /// Has the ring what is wanted of a server?
    fn has(&self, server: &str, wanted: &WantedKeys) -> bool {
        let ring = self.keys.borrow();
        match wanted.get(server).map(Vec::as_slice) {
            None => true,
            Some([]) => ring.knows(server),
            Some(keys) => keys.iter().all(|key| has_key(&ring, key)),
        }
    }
}

fn has_key(ring: &KeyRing, wanted: &NeededKey) -> bool {
    ring.get(&wanted.server, &wanted.key_id).is_some_and(|known| {
        let until = wanted.minimum_valid_until_ts.unwrap_or(i64::MIN);
        known.expired_ts.is_some() || known.valid_until_ts.is_none_or(|valid| valid >= until)
    })
}

/// What is left, for as many servers at once as a notary is asked about.
fn batches<'a>(left: &[&'a str], wanted: &WantedKeys) -> Vec<(Vec<&'a str>, Vec<NeededKey>)> {
    let batch = |servers: &[&'a str]| {
        let needed = servers.iter().filter_map(|server| wanted.get(*server)).flatten().cloned();
        (servers.to_vec(), needed.collect())
    };
    left.chunks(MAX_SERVERS).map(batch).collect()
}
