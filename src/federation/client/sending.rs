//! Sending events and ephemeral data to another server, transaction by transaction.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#transactions>

use super::events::of;
use super::{Client, FederationError};
use crate::federation::transactions::{Sent, Transaction, next_load, read_send, send};
use crate::federation::{Asked, Next};
use crate::host::{Host, Notice};
use crate::json::Canonical;

/// The first pause before a transaction is sent again, in milliseconds.
const FIRST_PAUSE: u64 = 1_000;
/// The longest pause, in milliseconds.
const LONGEST_PAUSE: u64 = 60_000;

/// What is to be sent.
#[derive(Debug)]
pub struct Outgoing<'a> {
    /// The events, in their order, with their IDs.
    pub pdus: &'a [(String, Canonical)],
    /// The ephemeral data.
    pub edus: &'a [Canonical],
    /// How often a transaction is sent that is not answered with 200.
    pub attempts: u32,
}

/// What became of it.
#[derive(Debug, Default)]
pub struct Delivery {
    /// The answer to each transaction, in order.
    pub transactions: Vec<Sent>,
    /// How many events went out in them.
    pub pdus: usize,
    /// How much ephemeral data.
    pub edus: usize,
    /// How often a transaction had to be sent again.
    pub retries: u32,
    /// Why the rest was not sent.
    pub failure: Option<FederationError>,
}

impl Client {
    /// Sends all, one transaction after the other: the next goes out when the last was answered with
    /// 200. One that was not is sent again, the same, after a pause that doubles, or that the server
    /// asks for.
    ///
    /// # Errors
    /// The host failed, or a piece is too long for any transaction; what the other server does is told
    /// in [`Delivery`].
    pub async fn send(
        &self,
        host: &Host,
        server: &str,
        outgoing: &Outgoing<'_>,
    ) -> Result<Delivery, FederationError> {
        let mut delivery = Delivery::default();
        let pdus: Vec<Canonical> = outgoing.pdus.iter().map(|(_, pdu)| pdu.clone()).collect();
        let (mut pdus, mut edus) = (pdus.as_slice(), outgoing.edus);
        let mut ids = outgoing.pdus;
        let total = u64::try_from(outgoing.pdus.len()).ok();
        while !pdus.is_empty() || !edus.is_empty() {
            let (pdu_count, edu_count) = next_load(pdus, edus);
            let (some_pdus, other_pdus) = pdus.split_at(pdu_count.min(pdus.len()));
            let (some_edus, other_edus) = edus.split_at(edu_count.min(edus.len()));
            let (some_ids, other_ids) = ids.split_at(pdu_count.min(ids.len()));
            let now = host.now().await?;
            let id = self.transaction_ids.borrow_mut().next(now);
            let request = send(&Transaction {
                id: &id,
                origin: &self.server_name,
                origin_server_ts: now,
                pdus: some_pdus,
                edus: some_edus,
            })?;
            let body = self.ask_again(host, server, request, outgoing.attempts, &mut delivery);
            let sent_ids: Vec<&str> = some_ids.iter().map(|(id, _)| id.as_str()).collect();
            match body.await.and_then(|body| read_send(&body, &sent_ids).map_err(of(server))) {
                Ok(sent) => delivery.transactions.push(sent),
                Err(FederationError::Host(error)) => return Err(error.into()),
                Err(error) => {
                    delivery.failure = Some(error);
                    break;
                }
            }
            delivery.pdus = delivery.pdus.saturating_add(pdu_count);
            delivery.edus = delivery.edus.saturating_add(edu_count);
            let done = u64::try_from(delivery.pdus).unwrap_or(u64::MAX);
            host.tell(Notice::Progress { stage: "send", done, total });
            (pdus, edus, ids) = (other_pdus, other_edus, other_ids);
        }
        Ok(delivery)
    }

    async fn ask_again(
        &self,
        host: &Host,
        server: &str,
        request: crate::federation::request::Request,
        attempts: u32,
        delivery: &mut Delivery,
    ) -> Result<Vec<u8>, FederationError> {
        let mut pause = FIRST_PAUSE;
        let mut left = attempts.max(1);
        loop {
            let error = match self.ask(host, server, request.clone()).await {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            left = left.saturating_sub(1);
            let Some(asked) = pause_after(&error).filter(|_| left > 0) else { return Err(error) };
            host.wait(asked.unwrap_or(pause).min(LONGEST_PAUSE)).await?;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            delivery.retries = delivery.retries.saturating_add(1);
        }
    }
}

/// Is a transaction worth sending again after this, and does the server say when?
fn pause_after(error: &FederationError) -> Option<Option<u64>> {
    match error {
        FederationError::Remote { error, .. } => match error.next(Asked::Alone) {
            Next::Later(ms) => Some(ms),
            Next::AnotherServer | Next::OlderEndpoint | Next::Stop => None,
        },
        FederationError::Request(_) | FederationError::Discovery(_) => Some(None),
        _ => None,
    }
}
