//! Verdicts: what was decided about an event, by which rule, on which evidence.
//!
//! A verdict is data. Its codes are stable ([`crate::codes`]); its sentences are for people and
//! may change.

use std::borrow::Cow;

use serde::Serialize;

use crate::auth::{Event, Step};
use crate::evidence::Evidence;
use crate::ordered;
use crate::room_version::RoomVersion;

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It passed.
    Accepted,
    /// It is kept, but not shown to users (checks 6 and 7).
    SoftFailed,
    /// It is known, but takes part in nothing (checks 4 and 5).
    Rejected,
    /// It is thrown away (checks 1 and 2).
    Dropped,
    /// Something is missing that is needed to decide.
    Incomplete,
}

/// The answer of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// It passed.
    Pass,
    /// It failed.
    Fail,
    /// It was not made, because an earlier one failed.
    Skip,
    /// It cannot be decided; what is missing is named.
    Incomplete,
}

/// One check of an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Its number in "Checks performed on receipt of a PDU".
    pub check: u8,
    /// Its name.
    pub name: &'static str,
    /// Its answer.
    pub result: CheckResult,
    /// The rule that decided, as numbered in the room version's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
    /// The way in which it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The same as a sentence, with the values compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the specification says so.
    pub spec: Cow<'static, str>,
    /// What was seen: always for a check that did not pass, on demand for one that did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// What is missing to decide.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Every authorization rule that was considered, in order, on demand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<Step>,
}

impl Check {
    /// A check with nothing but its answer.
    #[must_use]
    pub fn new(check: u8, result: CheckResult) -> Self {
        const RECEIPT: &str =
            "https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu";
        let (name, spec) = match check {
            1 => ("format", RECEIPT),
            2 => (
                "signatures",
                "https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events",
            ),
            3 => (
                "hash",
                "https://spec.matrix.org/v1.19/server-server-api/#calculating-the-content-hash-for-an-event",
            ),
            4 => ("auth_events", RECEIPT),
            5 => ("state_before", RECEIPT),
            6 => ("current_state", RECEIPT),
            _ => ("policy_server", RECEIPT),
        };
        Self {
            check,
            name,
            result,
            rule: None,
            code: None,
            reason: None,
            spec: Cow::Borrowed(spec),
            evidence: None,
            missing: Vec::new(),
            path: Vec::new(),
        }
    }

    /// The same answer as that of another check.
    pub(crate) fn renamed(self, check: u8) -> Self {
        let Self { name, .. } = Self::new(check, self.result);
        Self { check, name, ..self }
    }
}

/// What was decided about an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The event's ID; absent where it cannot be computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The room version by whose rules it was judged.
    pub room_version: &'static str,
    /// The event's type, where it has one.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// The event's state key, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_key: Option<String>,
    /// The event's sender, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// What becomes of it.
    pub outcome: Outcome,
    /// The content hash differs: from check 4 on the redacted copy is used.
    pub redacted: bool,
    /// The checks, in order.
    pub checks: Vec<Check>,
    /// Where implementations in the wild differ about this event, and other things worth
    /// knowing.
    pub flags: Vec<&'static str>,
}

impl Verdict {
    /// The verdict on an event before any check.
    pub(crate) fn unchecked(event: &Event) -> Self {
        Self {
            event_id: Some(event.id().to_owned()),
            room_version: event.pdu().version().id,
            event_type: Some(event.pdu().event_type().into_owned()),
            state_key: event.state_key().map(Into::into),
            sender: Some(event.sender().to_owned()),
            outcome: Outcome::Accepted,
            redacted: false,
            checks: Vec::new(),
            flags: Vec::new(),
        }
    }

    /// Adds flags, each once, and keeps them in order.
    pub(crate) fn add_flags(&mut self, flags: &[&'static str]) {
        self.flags.extend(flags);
        ordered::sort(&mut self.flags);
        self.flags.dedup();
    }

    /// Is there nothing to say but that the event is accepted?
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let passed = |check: &Check| check.result == CheckResult::Pass && check.evidence.is_none();
        self.flags.is_empty() && self.checks.iter().all(passed)
    }

    /// Is it accepted, and do its checks say nothing about this event alone?
    fn is_accepted_like_others(&self) -> bool {
        let is_common = |check: &Check| check.evidence.is_none() && check.path.is_empty();
        self.outcome == Outcome::Accepted
            && !self.redacted
            && self.flags.is_empty()
            && self.checks.iter().all(is_common)
    }
}

/// Verdicts as they leave the module: the text of a JSON array with the room version, and then one
/// item a verdict.
///
/// An event that is plainly accepted, as nearly all are, is no more than
/// `[event_id, type, sender, state_key]`: the rest of its verdict is the same for all of them,
/// and the JavaScript face fills it in. Any other verdict is there in full.
#[must_use]
pub fn to_text(version: &RoomVersion, verdicts: impl Iterator<Item = Verdict>) -> String {
    let mut out = vec![b'['];
    // Writing to memory does not fail, and a verdict has nothing that JSON cannot hold.
    let _ = serde_json::to_writer(&mut out, version.id);
    for verdict in verdicts {
        out.push(b',');
        let _ = if verdict.is_plain() {
            let Verdict { event_id, event_type, sender, state_key, .. } = &verdict;
            serde_json::to_writer(&mut out, &(event_id, event_type, sender, state_key))
        } else {
            serde_json::to_writer(&mut out, &verdict)
        };
    }
    out.push(b']');
    String::from_utf8(out).unwrap_or_default()
}

/// The verdicts on events of a room as they leave the module: the text of a JSON array with the room
/// version, the lists of checks that verdicts share, and the verdicts.
///
/// Nearly all events of a room are accepted by the same few rules, so that their checks say the same.
/// An event that is accepted, with nothing said about it alone, is no more than
/// `[event_id, type, sender, state_key, list]`, where `list` is the index of its checks. Any other
/// verdict is there in full.
#[must_use]
pub fn to_room_text(version: &RoomVersion, verdicts: &[Verdict]) -> String {
    let mut lists: Vec<&[Check]> = Vec::new();
    let mut items = Vec::with_capacity(verdicts.len());
    for verdict in verdicts {
        if !verdict.is_accepted_like_others() {
            items.push(RoomItem::Full(verdict));
            continue;
        }
        let known = lists.iter().position(|list| **list == *verdict.checks);
        let list = known.unwrap_or(lists.len());
        if known.is_none() {
            lists.push(&verdict.checks);
        }
        let Verdict { event_id, event_type, sender, state_key, .. } = verdict;
        items.push(RoomItem::Accepted(event_id, event_type, sender, state_key, list));
    }
    // Writing to memory does not fail, and a verdict has nothing that JSON cannot hold.
    serde_json::to_string(&(version.id, lists, items)).unwrap_or_default()
}

#[derive(Serialize)]
#[serde(untagged)]
enum RoomItem<'a> {
    Accepted(&'a Option<String>, &'a Option<String>, &'a Option<String>, &'a Option<String>, usize),
    Full(&'a Verdict),
}
