//! Sending events and ephemeral data, in transactions.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#transactions>

use std::collections::BTreeMap;

use thiserror::Error;

use super::answer::{Answer, AnswerError};
use super::entries::{LeftOut, MAX_TEXT, Reading, cut};
use super::request::{PAGE_ANSWER, Request, Target, TimeLimit, list, object, string};
use crate::json::{Canonical, Value};

/// The most events in a transaction.
pub const MAX_PDUS: usize = 50;
/// The most pieces of ephemeral data in a transaction.
pub const MAX_EDUS: usize = 100;
/// The most bytes of a transaction: Synapse takes a body of 200 times the size of an event.
pub const MAX_TRANSACTION_BYTES: usize = 200 * 65_536;

/// IDs for transactions: each is used once, as long as the clock does not go back between runs.
#[derive(Debug, Clone, Default)]
pub struct TransactionIds {
    last: u64,
}

impl TransactionIds {
    /// One more; `now` is in milliseconds.
    pub fn next(&mut self, now: i64) -> String {
        let now = u64::try_from(now).unwrap_or_default();
        self.last = now.max(self.last.saturating_add(1));
        self.last.to_string()
    }
}

/// What is to be sent to a server. To one server, the next transaction goes out after the last was
/// answered with 200.
#[derive(Debug, Clone, Copy)]
pub struct Transaction<'a> {
    /// Its ID: the same one when it is sent again.
    pub id: &'a str,
    /// Our server.
    pub origin: &'a str,
    /// When it is made, in milliseconds.
    pub origin_server_ts: i64,
    /// The events.
    pub pdus: &'a [Canonical],
    /// The ephemeral data.
    pub edus: &'a [Canonical],
}

/// Why a transaction cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TransactionError {
    /// It has too many events.
    #[error("a transaction has at most {MAX_PDUS} events, this has {0}")]
    TooManyPdus(usize),
    /// It has too much ephemeral data.
    #[error("a transaction has at most {MAX_EDUS} EDUs, this has {0}")]
    TooManyEdus(usize),
    /// It is too long.
    #[error("a transaction has at most {MAX_TRANSACTION_BYTES} bytes, this has {0}")]
    TooLarge(usize),
}

impl TransactionError {
    /// The stable code of this failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooManyPdus(_) => "transaction_too_many_pdus",
            Self::TooManyEdus(_) => "transaction_too_many_edus",
            Self::TooLarge(_) => "transaction_too_large",
        }
    }
}

/// How many of the events and of the ephemeral data that wait go into one transaction, from the first
/// on. A single piece that is too long for any is counted in, for [`send`] to refuse it.
#[must_use]
pub fn next_load(pdus: &[Canonical], edus: &[Canonical]) -> (usize, usize) {
    // The rest of the object, with an origin of 255 bytes.
    let mut left = MAX_TRANSACTION_BYTES.saturating_sub(512);
    let mut fitting = |waiting: &[Canonical], most| {
        let fits = |piece: &&Canonical| {
            let needed = piece.text().len().saturating_add(1);
            let fits = needed <= left;
            left = left.saturating_sub(if fits { needed } else { 0 });
            fits
        };
        waiting.iter().take(most).take_while(fits).count()
    };
    match (fitting(pdus, MAX_PDUS), fitting(edus, MAX_EDUS)) {
        (0, 0) if !pdus.is_empty() => (1, 0),
        (0, 0) if !edus.is_empty() => (0, 1),
        load => load,
    }
}

/// Sends a transaction.
///
/// # Errors
/// [`TransactionError`] when it is larger than transactions may be.
pub fn send(transaction: &Transaction<'_>) -> Result<Request, TransactionError> {
    let Transaction { id, origin, origin_server_ts, pdus, edus } = *transaction;
    if pdus.len() > MAX_PDUS {
        return Err(TransactionError::TooManyPdus(pdus.len()));
    }
    if edus.len() > MAX_EDUS {
        return Err(TransactionError::TooManyEdus(edus.len()));
    }
    let mut members = vec![
        ("origin", string(origin)),
        ("origin_server_ts", origin_server_ts.to_string().into_bytes()),
        ("pdus", list(pdus.iter().map(Canonical::text))),
    ];
    if !edus.is_empty() {
        members.push(("edus", list(edus.iter().map(Canonical::text))));
    }
    let content = object(members);
    if content.len() > MAX_TRANSACTION_BYTES {
        return Err(TransactionError::TooLarge(content.len()));
    }
    let target = Target::new("federation/v1/send").segment(id);
    Ok(Request::put(target, content, PAGE_ANSWER, TimeLimit::Usual))
}

/// What the other server says of the events in a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Of each event that was sent and that it speaks of: nothing, or why it was not taken, cut to
    /// 4096 characters.
    pub pdus: BTreeMap<String, Option<String>>,
    /// Events that were sent and that it says nothing of.
    pub not_mentioned: Vec<String>,
    /// Entries that are malformed, or about events that were not sent.
    pub left_out: Vec<LeftOut>,
}

/// Reads the answer to [`send`]; `sent` are the IDs of the events.
///
/// # Errors
/// [`AnswerError`] when the answer as a whole is none.
pub fn read_send(body: &[u8], sent: &[&str]) -> Result<Sent, AnswerError> {
    let answer = Answer::read(body, &[])?;
    let entries = answer.field("pdus", "an object", Value::as_object)?;
    let mut reading = Reading::default();
    let mut pdus = BTreeMap::new();
    for entry in entries {
        let id = entry.key();
        let place = || format!("pdus.{}", cut(&id, 255));
        if !sent.contains(&&*id) {
            reading.tell(place, "answer_entry_unasked", "the ID of an event that was sent");
            continue;
        }
        let error = entry.value.get("error");
        match (entry.value.as_object(), error, error.and_then(Value::as_str)) {
            (Some(_), None, _) => pdus.insert(id.into_owned(), None),
            (Some(_), Some(_), Some(text)) => {
                pdus.insert(id.into_owned(), Some(cut(&text, MAX_TEXT).to_owned()))
            }
            _ => {
                reading.tell(place, "answer_entry_invalid", "an object, perhaps with an error");
                continue;
            }
        };
    }
    let not_mentioned = sent.iter().filter(|id| !pdus.contains_key(**id));
    let not_mentioned = not_mentioned.map(|id| (*id).to_owned()).collect();
    Ok(Sent { pdus, not_mentioned, left_out: reading.left_out })
}
