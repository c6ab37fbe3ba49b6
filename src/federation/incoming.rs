//! Transactions that other servers send to ours.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#transactions>

use thiserror::Error;

use super::transactions::{MAX_EDUS, MAX_PDUS, TransactionError};
use crate::json::{JsonError, Numbers, Value, parse_around_events};
use crate::reader::{EventReader, RawEvent, ReadError};

/// What a transaction brings. Its `origin` is not among it: who sent it is what the request proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedTransaction {
    /// The events, each as it stood there: nothing in one spoils another.
    pub pdus: Vec<RawEvent>,
    /// The ephemeral data, each as canonical JSON text.
    pub edus: Vec<String>,
}

/// Why a transaction is refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReceiveError {
    /// It is no object.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// It is no JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// What must be a list is none.
    #[error("{0} is not a list")]
    NotAList(&'static str),
    /// It brings too much.
    #[error(transparent)]
    TooMuch(#[from] TransactionError),
}

impl ReceiveError {
    /// The stable code of this failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(error) => error.code(),
            Self::Json(error) => error.code(),
            Self::NotAList(_) => "transaction_not_a_list",
            Self::TooMuch(error) => error.code(),
        }
    }
}

/// Reads the body of `PUT /_matrix/federation/v1/send/{txnId}`. A list that is not there counts as empty,
/// as in Synapse.
///
/// # Errors
/// [`ReceiveError`].
pub fn read_transaction(body: &[u8]) -> Result<ReceivedTransaction, ReceiveError> {
    let document = parse_around_events(body, Numbers::Keep)?;
    let list = |name| match document.get(name) {
        None => Ok(None),
        Some(value) => value.as_array().map(Some).ok_or(ReceiveError::NotAList(name)),
    };
    let edus: Vec<_> = list("edus")?.into_iter().flatten().map(text).collect();
    if edus.len() > MAX_EDUS {
        return Err(TransactionError::TooManyEdus(edus.len()).into());
    }
    // Not from the document: there, of what stands in an event twice, only the last is left.
    let mut reader = EventReader::of_lists(&["pdus"], &[]);
    reader.push(body)?;
    reader.end()?;
    let pdus = reader.take_events();
    list("pdus")?;
    if pdus.len() > MAX_PDUS {
        return Err(TransactionError::TooManyPdus(pdus.len()).into());
    }
    Ok(ReceivedTransaction { pdus, edus })
}

fn text(value: Value<'_>) -> String {
    String::from_utf8_lossy(value.text()).into_owned()
}
