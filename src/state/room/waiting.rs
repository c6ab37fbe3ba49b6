//! The events that wait: for others, for keys, or for what else it takes to decide them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;

use crate::auth::Event;
use crate::evidence::Evidence;
use crate::ordered;
use crate::state::graph::EventIndex;
use crate::verdict::{Check, CheckResult, Outcome, Verdict};

/// As what an event came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// As one that was sent: it takes its place after the events that it names as previous.
    Event,
    /// The same, but it is history that was asked for: it is not held against the current state
    /// (checks 6 and 7), and does not change that.
    Backfill,
    /// As one that others rest on or that stands in a state, without its place in the room.
    Outlier,
}

/// All that is wanted of an event: it can come as several things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wants {
    pub outlier: bool,
    /// Its place in the room.
    pub full: bool,
    pub backfill: bool,
}

impl Wants {
    fn and(self, other: Self) -> Self {
        Self {
            outlier: self.outlier || other.outlier,
            full: self.full || other.full,
            // One that was sent is no history, even if it comes as such too.
            backfill: (self.backfill || !self.full) && (other.backfill || !other.full),
        }
    }
}

impl From<Arrival> for Wants {
    fn from(arrival: Arrival) -> Self {
        Self {
            outlier: arrival == Arrival::Outlier,
            full: arrival != Arrival::Outlier,
            backfill: arrival == Arrival::Backfill,
        }
    }
}

/// An event that checks 1 to 3 have nothing against, or lack a key for.
#[derive(Debug)]
pub(super) struct Waiting {
    pub bytes: Vec<u8>,
    pub number: Option<u32>,
    pub wants: Wants,
    pub event: Event,
    pub signed: Vec<u8>,
    /// Checks 1 to 3.
    pub verdict: Verdict,
    /// All checks, where they were made and did not decide it.
    pub undecided: Option<Verdict>,
    /// The previous events that have no place in the room.
    pub previous: BTreeSet<String>,
    /// What it cites and is not there.
    pub cited: BTreeSet<String>,
    /// The previous events that have one.
    pub found_previous: BTreeSet<EventIndex>,
    /// What it cites and is there, in the order in which it does.
    pub found_cited: Vec<EventIndex>,
}

impl Waiting {
    pub fn lacks_key(&self) -> bool {
        self.verdict.outcome == Outcome::Incomplete
    }

    fn is_ready(&self) -> bool {
        let has_place = self.wants.full && self.previous.is_empty();
        self.cited.is_empty() && (self.wants.outlier || has_place)
    }

    fn missing(&self) -> BTreeSet<&str> {
        let previous = self.previous.iter().filter(|_| self.wants.full);
        ordered::set(previous.chain(&self.cited).map(String::as_str))
    }

    /// Copies of an event can differ in their signatures and, after one was changed on its way, in what
    /// the content hash is for. One that is proven is better than one that may never be, and a whole one
    /// better than a redacted one.
    fn is_better_than(&self, other: &Self) -> bool {
        let worth = |copy: &Self| (!copy.lacks_key(), !copy.verdict.redacted);
        worth(self) > worth(other)
    }

    /// The better one of two copies, and the number of the other, if that came for nothing.
    pub fn merge(mut self, mut earlier: Self) -> (Self, Option<u32>) {
        let wants = self.wants.and(earlier.wants);
        let nothing_new = self.wants == earlier.wants;
        let (mut kept, other) = if self.is_better_than(&earlier) {
            self.undecided = None;
            (self, earlier)
        } else {
            earlier.undecided = None;
            (earlier, self)
        };
        kept.wants = wants;
        (kept, other.number.filter(|_| nothing_new))
    }
}

/// The events that wait, by ID.
#[derive(Debug, Default)]
pub(super) struct Waits {
    by_id: BTreeMap<String, Waiting>,
    /// Who waits for an event, by its ID.
    needed_by: HashMap<String, BTreeSet<String>>,
}

impl Waits {
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    pub fn get(&self, id: &str) -> Option<&Waiting> {
        self.by_id.get(id)
    }

    pub fn insert(&mut self, id: String, waiting: Waiting) {
        for needed in waiting.missing() {
            self.needed_by.entry(needed.to_owned()).or_default().insert(id.clone());
        }
        self.by_id.insert(id, waiting);
    }

    /// Takes an event out of those that wait, and out of what it waits for.
    pub fn take(&mut self, id: &str) -> Option<Waiting> {
        let waiting = self.by_id.remove(id)?;
        for needed in waiting.missing() {
            self.forget_need(needed, id);
        }
        Some(waiting)
    }

    fn forget_need(&mut self, needed: &str, by: &str) {
        if let Some(all) = self.needed_by.get_mut(needed) {
            all.remove(by);
            if all.is_empty() {
                self.needed_by.remove(needed);
            }
        }
    }

    /// Tells those that waited for an event that it is there, or even has its place; gives those that
    /// wait for nothing more.
    pub fn release(&mut self, id: &str, has_place: bool) -> Vec<Waiting> {
        let mut ready = Vec::new();
        for by in self.needed_by.remove(id).unwrap_or_default() {
            let Some(waiting) = self.by_id.get_mut(&by) else { continue };
            waiting.cited.remove(id);
            if has_place {
                waiting.previous.remove(id);
            }
            if waiting.is_ready() && !waiting.lacks_key() {
                ready.extend(self.take(&by));
            } else if waiting.wants.full && waiting.previous.contains(id) {
                self.needed_by.entry(id.to_owned()).or_default().insert(by);
            }
        }
        ready
    }

    /// The IDs of the events that could be decided if they were looked at again.
    pub fn open(&self) -> Vec<String> {
        let is_open = |waiting: &Waiting| waiting.lacks_key() || waiting.undecided.is_some();
        let open = self.by_id.iter().filter(|(_, waiting)| is_open(waiting));
        open.map(|(id, _)| id.clone()).collect()
    }

    /// The events that are needed and have not come, each with how many wait for it.
    pub fn missing_events(&self) -> impl Iterator<Item = (&str, usize)> {
        self.needed_by
            .iter()
            .filter(|(id, by)| {
                let as_previous = |by: &String| {
                    let waiting = self.by_id.get(by).filter(|waiting| waiting.wants.full);
                    waiting.is_some_and(|waiting| waiting.previous.contains(*id))
                };
                !self.is_coming(id, false)
                    || (!self.is_coming(id, true) && by.iter().any(as_previous))
            })
            .map(|(id, waiting)| (id.as_str(), waiting.len()))
    }

    /// Everything that these events rest on, by way of events that wait, and that has not come.
    pub fn lacking<'a>(&'a self, ids: impl IntoIterator<Item = &'a str>) -> Lacking<'a> {
        let mut pending: Vec<&str> = ids.into_iter().collect();
        let mut seen = HashSet::new();
        let mut lacking = Lacking::default();
        while let Some(id) = pending.pop() {
            let Some(waiting) = self.by_id.get(id).filter(|_| seen.insert(id)) else { continue };
            let split = |needs: &'a BTreeSet<String>, has_place| -> (Vec<&'a str>, Vec<&'a str>) {
                needs.iter().map(String::as_str).partition(|id| self.is_coming(id, has_place))
            };
            let (coming, absent) = split(&waiting.cited, false);
            lacking.cited.extend(absent);
            pending.extend(coming);
            if waiting.wants.full {
                let (coming, absent) = split(&waiting.previous, true);
                if !absent.is_empty() {
                    lacking.starts.insert(waiting.event.id());
                }
                lacking.previous.extend(absent);
                pending.extend(coming);
            }
        }
        lacking
    }

    /// Is this event among those that wait, and will it have its place, if that is needed?
    fn is_coming(&self, id: &str, has_place: bool) -> bool {
        self.by_id.get(id).is_some_and(|waiting| waiting.wants.full || !has_place)
    }

    /// The events that wait, after `after` in the order of their IDs, with the verdicts on them.
    pub fn verdicts<'a>(&'a self, after: Option<&str>) -> impl Iterator<Item = Verdict> + 'a {
        let reachable = self.reachable();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.by_id
            .range::<str, _>((from, Bound::Unbounded))
            .map(move |(id, waiting)| waiting.explain(reachable.contains(id.as_str())))
    }

    /// The verdict on one event that waits.
    pub fn verdict(&self, id: &str) -> Option<Verdict> {
        let waiting = self.by_id.get(id)?;
        Some(waiting.explain(self.reachable().contains(id)))
    }

    /// The events that would be decided if what has not come came. The others wait for each other in a
    /// circle, or for such.
    fn reachable(&self) -> HashSet<&str> {
        let mut pending: Vec<&str> = self.missing_events().map(|(id, _)| id).collect();
        let can_be_decided =
            |waiting: &&Waiting| waiting.lacks_key() || waiting.undecided.is_some();
        pending.extend(self.by_id.values().filter(can_be_decided).map(|w| w.event.id()));
        let mut reachable = HashSet::new();
        while let Some(id) = pending.pop() {
            if reachable.insert(id) {
                pending.extend(self.needed_by.get(id).into_iter().flatten().map(String::as_str));
            }
        }
        reachable
    }
}

impl Waiting {
    /// The verdict for now: what is lacking.
    fn explain(&self, is_reachable: bool) -> Verdict {
        if let Some(undecided) = &self.undecided {
            return undecided.clone();
        }
        let mut verdict = self.verdict.clone();
        verdict.outcome = Outcome::Incomplete;
        let missing = self.missing();
        if missing.is_empty() {
            return verdict;
        }
        let (code, reason) = if is_reachable {
            let reason = format!("{} of the events that it names are not there", missing.len());
            ("event_missing", reason)
        } else {
            let reason = "the events that it rests on cite each other in a circle".to_owned();
            ("event_loop", reason)
        };
        verdict.checks.push(Check {
            code: Some(code),
            reason: Some(reason),
            evidence: Some(Evidence::object([(
                "missing",
                missing.iter().map(|id| Evidence::from(*id)).collect(),
            )])),
            missing: missing.into_iter().map(Into::into).collect(),
            ..Check::new(4, CheckResult::Incomplete)
        });
        verdict
    }
}

/// What has not come, of all that events rest on.
#[derive(Debug, Default)]
pub(super) struct Lacking<'a> {
    /// Previous events without a place.
    pub previous: BTreeSet<&'a str>,
    /// Auth events, and create events that room IDs name.
    pub cited: BTreeSet<&'a str>,
    /// The events that wait for such previous events.
    pub starts: BTreeSet<&'a str>,
}
