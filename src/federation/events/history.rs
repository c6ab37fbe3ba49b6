//! Events before those that are known: history, and what is missing in between.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events>

use std::collections::{HashMap, HashSet};

use super::v1;
use crate::event::Limits;
use crate::federation::answer::{Answer, AnswerError};
use crate::federation::auth_chain::reachable;
use crate::federation::pdus::{Fault, Pdus};
use crate::federation::request::{EVENTS_ANSWER, Request, TimeLimit, list, object, string};
use crate::room_version::RoomVersion;

/// The most events that are asked for at once: servers give no more than about a hundred.
pub const MAX_BACKFILL: usize = 100;

/// Asks for events at and before `from`, at most `limit` (and [`MAX_BACKFILL`]).
#[must_use]
pub fn backfill(room_id: &str, from: &[&str], limit: usize) -> Request {
    let target = v1("backfill").segment(room_id);
    let target = from.iter().fold(target, |target, id| target.query("v", id));
    let target = target.query("limit", &limit.min(MAX_BACKFILL).to_string());
    Request::get(target, EVENTS_ANSWER, TimeLimit::Usual)
}

/// Reads the answer to [`backfill`]. Events may cite more others than new events may.
///
/// # Errors
/// [`AnswerError`] when the answer as a whole is none.
pub fn read_backfill(
    body: &[u8],
    room_id: &str,
    limit: usize,
    version: &'static RoomVersion,
) -> Result<Pdus, AnswerError> {
    let answer = Answer::read(body, &["pdus"])?;
    let mut pdus = Pdus::read(answer.list("pdus")?, Some(room_id), version, Limits::Backfill);
    cut_at(&mut pdus, limit.min(MAX_BACKFILL));
    Ok(pdus)
}

fn cut_at(pdus: &mut Pdus, limit: usize) {
    for index in limit..pdus.batch().len() {
        pdus.set_fault(index, Fault::BeyondLimit);
    }
}

/// What lies between events that are known and later ones.
#[derive(Debug, Clone, Copy)]
pub struct MissingEvents<'a> {
    /// The room.
    pub room_id: &'a str,
    /// Events that are known: the answer stops at them.
    pub earliest_events: &'a [&'a str],
    /// Events whose previous ones are missing, with their `prev_events`.
    pub latest_events: &'a [(&'a str, &'a [&'a str])],
    /// The most events to give; 10 by default.
    pub limit: usize,
    /// The least depth to give; 0 by default.
    pub min_depth: i64,
}

/// Asks for events that are missing.
#[must_use]
pub fn get_missing_events(asked: &MissingEvents<'_>) -> Request {
    let ids = |ids: Vec<&str>| list(ids.into_iter().map(string));
    let content = object([
        ("earliest_events", ids(asked.earliest_events.to_vec())),
        ("latest_events", ids(asked.latest_events.iter().map(|(id, _)| *id).collect())),
        ("limit", asked.limit.to_string().into_bytes()),
        ("min_depth", asked.min_depth.to_string().into_bytes()),
    ]);
    let target = v1("get_missing_events").segment(asked.room_id);
    Request::post(target, content, EVENTS_ANSWER, TimeLimit::Usual)
}

/// Reads the answer to [`get_missing_events`]. What the latest events do not lead to falls out.
///
/// # Errors
/// [`AnswerError`] when the answer as a whole is none.
pub fn read_missing_events(
    body: &[u8],
    asked: &MissingEvents<'_>,
    version: &'static RoomVersion,
) -> Result<Pdus, AnswerError> {
    let answer = Answer::read(body, &["events"])?;
    let mut pdus = Pdus::read(answer.list("events")?, Some(asked.room_id), version, Limits::All);
    let mut next = HashMap::new();
    let candidates: Vec<_> = pdus.candidates().collect();
    for (index, id) in &candidates {
        let pdu = pdus.batch().pdu(*index);
        let previous = pdu.into_iter().flat_map(|pdu| pdu.prev_events());
        next.insert(id.clone(), previous.map(|event| event.event_id.into_owned()).collect());
    }
    let from = asked.latest_events.iter().flat_map(|(_, previous)| previous.iter().copied());
    let stop: HashSet<&str> = asked.earliest_events.iter().copied().collect();
    let within = reachable(from, &next, &stop);
    for (index, id) in candidates {
        let depth = pdus.batch().pdu(index).map(|pdu| pdu.depth());
        if !within.contains(&id) {
            pdus.set_fault(index, Fault::NotReachable);
        } else if let Some(depth) = depth.filter(|depth| *depth < asked.min_depth) {
            pdus.set_fault(index, Fault::BelowMinDepth(depth));
        }
    }
    cut_at(&mut pdus, asked.limit);
    Ok(pdus)
}
