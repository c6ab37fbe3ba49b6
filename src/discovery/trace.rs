//! The trace: what was asked on the way, what came back, and what followed from it.

use std::future::Future;

use serde::Serialize;

use super::RESOLVE_LIMIT_MS;
use super::error::DiscoveryFailure;
use super::step::Step;
use crate::evidence::Evidence;
use crate::host::{Host, HostError};
use crate::ordered;

/// One thing that was asked or decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TraceEntry {
    /// The step it belongs to.
    pub step: Step,
    /// What was asked, if anything: `srv`, `addresses` or `https`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Evidence>,
    /// What came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Evidence>,
    /// What followed from it, for people.
    pub decision: String,
    /// Why this way led no further; absent when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// What is worth knowing besides: oddities of the answer, and what the host cannot do.
    pub flags: Vec<&'static str>,
    /// How long the answer took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<i64>,
}

impl TraceEntry {
    pub(super) fn new(step: Step, decision: impl Into<String>) -> Self {
        Self {
            step,
            asked: None,
            answer: None,
            decision: decision.into(),
            code: None,
            flags: Vec::new(),
            took_ms: None,
        }
    }

    /// The entry as evidence.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let Self { step, asked, answer, decision, code, flags, took_ms } = self;
        Evidence::object([("step", step.number().into()), ("decision", decision.into())])
            .with_some("asked", asked.clone())
            .with_some("answer", answer.clone())
            .with_some("code", *code)
            .with("flags", flags.iter().map(|flag| (*flag).into()).collect::<Evidence>())
            .with_some("took_ms", *took_ms)
    }

    pub(super) fn asked(mut self, what: Evidence) -> Self {
        self.asked = Some(what);
        self
    }

    pub(super) fn answered(mut self, what: Evidence, took_ms: i64) -> Self {
        self.answer = Some(what);
        self.took_ms = Some(took_ms);
        self
    }

    pub(super) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub(super) fn flag(mut self, flag: &'static str) -> Self {
        if !self.flags.contains(&flag) {
            self.flags.push(flag);
        }
        self
    }
}

/// An answer of the host and how long it took, in milliseconds.
pub(super) struct Reply<T> {
    pub answer: Result<T, HostError>,
    pub took_ms: i64,
}

/// One resolution on its way: the host, the time, the trace.
pub(super) struct Trail<'a> {
    pub host: &'a Host,
    pub entries: Vec<TraceEntry>,
    started: i64,
    now: i64,
}

impl<'a> Trail<'a> {
    pub async fn start(host: &'a Host) -> Result<Self, HostError> {
        let now = host.now().await?;
        Ok(Self { host, entries: Vec::new(), started: now, now })
    }

    /// When the last answer came, in milliseconds since 1970.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// How much of the time for the whole is left, in milliseconds.
    pub fn time_left_ms(&self) -> u64 {
        let spent = self.now.saturating_sub(self.started).max(0).unsigned_abs();
        RESOLVE_LIMIT_MS.saturating_sub(spent)
    }

    /// Waits for an answer of the host.
    pub async fn ask<T>(
        &mut self,
        answer: impl Future<Output = Result<T, HostError>>,
    ) -> Result<Reply<T>, DiscoveryFailure> {
        if self.time_left_ms() == 0 {
            return Err(DiscoveryFailure::TimedOut);
        }
        let answer = answer.await;
        let asked = self.now;
        self.now = self.host.now().await?;
        Ok(Reply { answer, took_ms: self.now.saturating_sub(asked).max(0) })
    }

    pub fn note(&mut self, entry: TraceEntry) {
        self.entries.push(entry);
    }

    /// All flags of the trace, in order, each once.
    pub fn flags(&self) -> Vec<&'static str> {
        let mut flags: Vec<_> =
            self.entries.iter().flat_map(|entry| &entry.flags).copied().collect();
        ordered::sort(&mut flags);
        flags.dedup();
        flags
    }
}

/// What the host said instead of an answer, as data.
pub(super) fn host_error(error: &HostError) -> Evidence {
    Evidence::object([("error", error.code().into()), ("message", shown(&error.message).into())])
}

/// As much of a stranger's text as a person wants to read.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 200;
    let mut shown: String = text.chars().take(MOST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
