//! What the rules decide, and what they tell about it.
//!
//! Nothing is told unless it is asked for: [`Ask`] says whether a caller wants the decision alone
//! (state resolution does), the reason of a rejection too, or the whole path through the rules.

use std::ops::ControlFlow;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::outline::Rule;
use crate::evidence::Evidence;
use crate::room_version::RoomVersion;

/// How much is told of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Ask {
    /// The decision and its rule.
    Decision,
    /// Why not, when an event is not allowed.
    #[default]
    Reason,
    /// Every rule that was considered, and what was compared.
    Path,
}

/// Why an event is not allowed, or why that cannot be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The stable code.
    pub code: &'static str,
    /// One sentence with the values compared.
    pub reason: String,
    /// The values compared, and the events they are from.
    pub evidence: Evidence,
    /// What is missing to decide.
    pub missing: Vec<String>,
}

impl Why {
    /// A reason with its evidence.
    #[must_use]
    pub fn new(code: &'static str, reason: String, evidence: Evidence) -> Self {
        Self { code, reason, evidence, missing: Vec::new() }
    }

    pub(super) fn missing(mut self, missing: Vec<String>) -> Self {
        self.missing = missing;
        self
    }
}

/// What the rules decide about an event, and the rule that decided. The reason is there if it was
/// asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is allowed.
    Allow(Rule),
    /// It is not.
    Reject(Rule, Option<Box<Why>>),
    /// Something is missing that is needed to decide.
    Incomplete(Rule, Option<Box<Why>>),
}

impl Decision {
    /// Is the event allowed?
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow(_))
    }
}

/// How a rule answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Its condition holds, and the rules below it are considered.
    Applies,
    /// Its condition does not hold: the next rule is considered.
    No,
    /// It allows the event.
    Allow,
    /// It rejects the event.
    Reject,
    /// It cannot be answered.
    Incomplete,
}

impl Answer {
    fn name(self) -> &'static str {
        match self {
            Self::Applies => "applies",
            Self::No => "no",
            Self::Allow => "allow",
            Self::Reject => "reject",
            Self::Incomplete => "incomplete",
        }
    }
}

/// A rule that was considered.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The rule.
    pub rule: Rule,
    /// Its number in the page of the room version.
    pub number: Option<&'static str>,
    /// How it answered.
    pub answer: Answer,
    /// What it compared.
    pub compared: Option<Evidence>,
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("rule", &self.number)?;
        map.serialize_entry("answer", self.answer.name())?;
        map.serialize_entry("summary", self.rule.summary())?;
        if let Some(compared) = &self.compared {
            map.serialize_entry("compared", compared)?;
        }
        map.end()
    }
}

/// Goes on with the next rule, or ends with a decision.
pub(super) type Flow = ControlFlow<Decision>;

/// The way through the rules.
///
/// What is to be told comes as `&dyn Fn`, and not as a type parameter: the code for it then exists
/// once, and is not inlined into the way of those who ask for nothing.
#[derive(Debug)]
pub(super) struct Path {
    version: &'static RoomVersion,
    ask: Ask,
    steps: Vec<Step>,
}

impl Path {
    pub fn new(version: &'static RoomVersion, ask: Ask) -> Self {
        Self { version, ask, steps: Vec::new() }
    }

    pub fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    /// A rule with rules below it: does its condition hold?
    pub fn applies(&mut self, rule: Rule, holds: bool) -> bool {
        self.step(rule, if holds { Answer::Applies } else { Answer::No }, None);
        holds
    }

    /// A rule that rejects an event if its condition holds.
    pub fn reject_if(&mut self, rule: Rule, holds: bool, why: &dyn Fn() -> Why) -> Flow {
        if holds {
            return Flow::Break(self.reject(rule, why));
        }
        self.pass(rule, &|| why().evidence)
    }

    /// A rule whose condition does not hold; `seen` is what it compared.
    pub fn pass(&mut self, rule: Rule, seen: &dyn Fn() -> Evidence) -> Flow {
        self.step_with(rule, Answer::No, seen);
        Flow::Continue(())
    }

    /// A rule that allows an event if its condition holds.
    pub fn allow_if(&mut self, rule: Rule, holds: bool, seen: &dyn Fn() -> Evidence) -> Flow {
        let answer = if holds { Answer::Allow } else { Answer::No };
        self.step_with(rule, answer, seen);
        if holds { Flow::Break(Decision::Allow(rule)) } else { Flow::Continue(()) }
    }

    /// "Otherwise, allow."
    pub fn allow(&mut self, rule: Rule) -> Decision {
        self.step(rule, Answer::Allow, None);
        Decision::Allow(rule)
    }

    /// "Otherwise, reject."
    pub fn reject(&mut self, rule: Rule, why: &dyn Fn() -> Why) -> Decision {
        Decision::Reject(rule, self.why(rule, Answer::Reject, why))
    }

    /// A rule that cannot be answered.
    pub fn incomplete(&mut self, rule: Rule, why: &dyn Fn() -> Why) -> Decision {
        Decision::Incomplete(rule, self.why(rule, Answer::Incomplete, why))
    }

    fn why(&mut self, rule: Rule, answer: Answer, why: &dyn Fn() -> Why) -> Option<Box<Why>> {
        let why = (self.ask >= Ask::Reason).then(|| Box::new(why()));
        self.step(rule, answer, why.as_ref().map(|why| why.evidence.clone()));
        why
    }

    fn step_with(&mut self, rule: Rule, answer: Answer, compared: &dyn Fn() -> Evidence) {
        if self.ask == Ask::Path {
            self.step(rule, answer, Some(compared()));
        }
    }

    fn step(&mut self, rule: Rule, answer: Answer, compared: Option<Evidence>) {
        if self.ask == Ask::Path {
            let number = rule.number(self.version);
            self.steps.push(Step { rule, number, answer, compared });
        }
    }
}
