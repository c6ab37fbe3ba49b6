//! A room: its events in whatever order they come, each judged by all checks once what it rests on is
//! there, with the state before it, after it, and now.
//!
//! Events are taken in with [`Room::push`] and judged one by one with [`Room::step`], so that whoever
//! drives it can pause at any event.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::graph::{EventIndex, Graph, StateView};
use super::redactions::Redactions;
use super::resolve;
use super::snapshot::Snapshot;
use super::trace::Trace;
use crate::auth::{CREATE, Event, Levels, POWER_LEVELS, State};
use crate::evidence::Evidence;
use crate::keys::KeyRing;
use crate::receive::proof::Prepared;
use crate::receive::{self, Options};
use crate::room_version::RoomVersion;
use crate::sha256;
use crate::verdict::{Check, CheckResult, Outcome, Verdict};

/// A room that is being received.
#[derive(Debug)]
pub struct Room {
    graph: Graph,
    /// What is known of each event beside itself, by its number.
    known: Vec<Known>,
    /// The accepted events that no accepted event names as previous.
    extremities: BTreeSet<EventIndex>,
    /// The state over these.
    current: Snapshot,
    /// Events that came and have not been looked at.
    queue: VecDeque<Incoming>,
    /// Events that wait for others or for keys, by ID.
    waiting: BTreeMap<String, Waiting>,
    /// Who waits for an event, by its ID.
    needed_by: HashMap<String, BTreeSet<String>>,
    redactions: Redactions,
    options: Options,
}

/// What is known of an event that was judged.
#[derive(Debug)]
struct Known {
    before: Snapshot,
    after: Snapshot,
    outcome: Outcome,
    previous: BTreeSet<EventIndex>,
}

#[derive(Debug)]
enum Incoming {
    /// As it travels.
    Bytes(Vec<u8>),
    /// One that waited.
    Known(Box<Waiting>),
}

/// An event that checks 1 to 3 have nothing against, or lack a key for.
#[derive(Debug)]
struct Waiting {
    bytes: Vec<u8>,
    event: Event,
    signed: Vec<u8>,
    /// Checks 1 to 3.
    verdict: Verdict,
    /// All checks, where they were made and did not decide it.
    undecided: Option<Verdict>,
}

impl Waiting {
    fn lacks_key(&self) -> bool {
        self.verdict.outcome == Outcome::Incomplete
    }

    /// Copies of an event can differ in their signatures and, after one was changed on its way, in what
    /// the content hash is for. One that is proven is better than one that may never be, and a whole one
    /// better than a redacted one.
    fn is_better_than(&self, other: &Self) -> bool {
        let worth = |copy: &Self| (!copy.lacks_key(), !copy.verdict.redacted);
        worth(self) > worth(other)
    }
}

impl Room {
    /// A room without events. The options are those of every event.
    #[must_use]
    pub fn new(version: &'static RoomVersion, options: Options) -> Self {
        Self {
            graph: Graph::new(version),
            known: Vec::new(),
            extremities: BTreeSet::new(),
            current: Snapshot::default(),
            queue: VecDeque::new(),
            waiting: BTreeMap::new(),
            needed_by: HashMap::new(),
            redactions: Redactions::default(),
            options,
        }
    }

    /// The events that were judged and kept: all but those that were dropped.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Takes an event as it travels. It is looked at by [`Self::step`].
    pub fn push(&mut self, bytes: Vec<u8>) {
        self.queue.push_back(Incoming::Bytes(bytes));
    }

    /// Has every event that came been looked at?
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Looks at events again that wait for keys, with those that there are now; and at events that no
    /// check could decide.
    pub fn retry(&mut self) {
        let is_open = |waiting: &Waiting| waiting.lacks_key() || waiting.undecided.is_some();
        let open = self.waiting.iter().filter(|(_, waiting)| is_open(waiting));
        let ids: Vec<String> = open.map(|(id, _)| id.clone()).collect();
        for id in ids {
            if let Some(waiting) = self.take_waiting(&id) {
                self.queue.push_back(Incoming::Bytes(waiting.bytes));
            }
        }
    }

    /// Looks at the next event. Gives its verdict, or nothing when it must wait or is here already; and
    /// whether there was one to look at.
    pub fn step(&mut self, ring: &KeyRing) -> Step {
        let Some(incoming) = self.queue.pop_front() else { return Step::Idle };
        let waiting = match incoming {
            Incoming::Known(waiting) => *waiting,
            Incoming::Bytes(bytes) => match self.prove(bytes, ring) {
                Ok(waiting) => waiting,
                Err(dropped) => return Step::Verdict(*dropped),
            },
        };
        let id = waiting.event.id().to_owned();
        if let Some(known) = self.graph.find(&id) {
            return Step::Again(known);
        }
        if self.waiting.get(&id).is_some_and(|earlier| !waiting.is_better_than(earlier)) {
            return Step::Waits;
        }
        self.take_waiting(&id);
        let missing = self.missing(&waiting.event);
        if waiting.lacks_key() || !missing.is_empty() {
            self.wait(id, waiting, missing);
            return Step::Waits;
        }
        match self.judge(waiting) {
            Ok(verdict) => {
                self.release(&id);
                Step::Verdict(verdict)
            }
            Err(undecided) => {
                self.wait(id, *undecided, BTreeSet::new());
                Step::Waits
            }
        }
    }

    fn wait(&mut self, id: String, waiting: Waiting, missing: BTreeSet<String>) {
        for needed in missing {
            self.needed_by.entry(needed).or_default().insert(id.clone());
        }
        self.waiting.insert(id, waiting);
    }

    /// Takes an event out of those that wait, and out of what it waits for.
    fn take_waiting(&mut self, id: &str) -> Option<Waiting> {
        let waiting = self.waiting.remove(id)?;
        for needed in self.missing(&waiting.event) {
            if let Entry::Occupied(mut by) = self.needed_by.entry(needed) {
                by.get_mut().remove(id);
                if by.get().is_empty() {
                    by.remove();
                }
            }
        }
        Some(waiting)
    }

    /// The verdicts on the events that wait: what each of them lacks. They go on waiting.
    pub fn undecided(&self) -> impl Iterator<Item = Verdict> {
        self.waiting.values().map(|waiting| {
            if let Some(undecided) = &waiting.undecided {
                return undecided.clone();
            }
            let mut verdict = waiting.verdict.clone();
            let missing = self.missing(&waiting.event);
            verdict.outcome = Outcome::Incomplete;
            if !missing.is_empty() {
                verdict.checks.push(Check {
                    code: Some("event_missing"),
                    reason: Some(format!(
                        "{} of the events that it names are not there",
                        missing.len()
                    )),
                    evidence: Some(Evidence::object([(
                        "missing",
                        missing.iter().map(Evidence::from).collect(),
                    )])),
                    missing: missing.into_iter().collect(),
                    ..Check::new(4, CheckResult::Incomplete)
                });
            }
            verdict
        })
    }

    /// The events that are needed and have not come, each with those that wait for it.
    pub fn missing_events(&self) -> impl Iterator<Item = (&str, usize)> {
        self.needed_by
            .iter()
            .filter(|(id, _)| !self.waiting.contains_key(*id))
            .map(|(id, waiting)| (id.as_str(), waiting.len()))
    }

    /// The current state: that over the forward extremities.
    #[must_use]
    pub fn current_state(&self) -> &Snapshot {
        &self.current
    }

    /// The forward extremities.
    pub fn extremities(&self) -> impl Iterator<Item = EventIndex> {
        self.extremities.iter().copied()
    }

    /// The state before an event.
    #[must_use]
    pub fn state_before(&self, event: EventIndex) -> Option<&Snapshot> {
        self.known.get(event.index()).map(|known| &known.before)
    }

    /// The state after an event.
    #[must_use]
    pub fn state_after(&self, event: EventIndex) -> Option<&Snapshot> {
        self.known.get(event.index()).map(|known| &known.after)
    }

    /// What became of an event.
    #[must_use]
    pub fn outcome(&self, event: EventIndex) -> Option<Outcome> {
        self.known.get(event.index()).map(|known| known.outcome)
    }

    /// The redaction by which an event lost its content.
    #[must_use]
    pub fn redacted_by(&self, event: EventIndex) -> Option<EventIndex> {
        self.redactions.of(event)
    }

    /// How the states after these events become one.
    #[must_use]
    pub fn trace(&self, events: &[EventIndex]) -> Trace {
        let mut trace = Trace::default();
        let states: Vec<Snapshot> =
            events.iter().filter_map(|event| self.state_after(*event).cloned()).collect();
        let _ = resolve(&self.graph, &states, Some(&mut trace));
        trace
    }

    /// Checks 1 to 3.
    fn prove(&self, bytes: Vec<u8>, ring: &KeyRing) -> Result<Waiting, Box<Verdict>> {
        let version = self.graph.version();
        let prepared = Prepared::new(&bytes, version, self.options)?;
        let reference_hash = sha256::hash(prepared.signed());
        let content_hash = sha256::hash(prepared.hashed());
        let proof = prepared.prove(&reference_hash, &content_hash, ring, self.options);
        if proof.verdict.outcome == Outcome::Dropped {
            return Err(Box::new(proof.verdict));
        }
        let event = prepared.event(&proof.verdict, proof.authoriser);
        let signed = prepared.signed().to_vec();
        Ok(Waiting { bytes, event, signed, verdict: proof.verdict, undecided: None })
    }

    /// The events that an event rests on and that are not there.
    fn missing(&self, event: &Event) -> BTreeSet<String> {
        let pdu = event.pdu();
        let named = pdu.prev_events().chain(pdu.auth_events()).map(|reference| reference.event_id);
        let mut missing: BTreeSet<String> = named
            .filter(|id| self.graph.find(id).is_none())
            .map(std::borrow::Cow::into_owned)
            .collect();
        missing.extend(event.named_create().filter(|id| self.graph.find(id).is_none()));
        missing
    }

    /// Checks 4 to 7, and what follows from them for the room. An event that cannot be decided comes
    /// back.
    fn judge(&mut self, waiting: Waiting) -> Result<Verdict, Box<Waiting>> {
        let previous: BTreeSet<EventIndex> = waiting
            .event
            .pdu()
            .prev_events()
            .filter_map(|reference| self.graph.find(&reference.event_id))
            .collect();
        let before = self.state_over(&previous);
        let mut verdict = waiting.verdict.clone();
        self.check(&waiting, &before, &mut verdict);
        if verdict.outcome == Outcome::Incomplete {
            return Err(Box::new(Waiting { undecided: Some(verdict), ..waiting }));
        }
        self.enter(waiting.event, verdict.outcome, before, previous);
        Ok(verdict)
    }

    /// The state over several events: what the states after them become.
    fn state_over(&self, events: &BTreeSet<EventIndex>) -> Snapshot {
        if *events == self.extremities {
            return self.current.clone();
        }
        let states: Vec<Snapshot> =
            events.iter().filter_map(|event| self.state_after(*event).cloned()).collect();
        resolve(&self.graph, &states, None)
    }

    fn check(&self, waiting: &Waiting, before: &Snapshot, verdict: &mut Verdict) {
        let graph = &self.graph;
        let find =
            |id: &str| graph.find(id).and_then(|index| graph.node(index)).map(|node| &node.event);
        let is_rejected = |id: &str| {
            graph.find(id).and_then(|index| graph.node(index)).is_some_and(|node| node.rejected)
        };
        let is_current = before.is_same(&self.current);
        let before = StateView { graph, snapshot: before };
        let current = StateView { graph, snapshot: &self.current };
        let current = if is_current { &before } else { &current };
        // The first event of a room has no current state to be held against.
        let has_current = !self.extremities.is_empty();
        receive::Room {
            auth_events: Some(&find),
            state_before: Some(Ok(&before)),
            current_state: has_current.then_some(Ok(current as &dyn State)),
            create: graph.create(&waiting.event).event,
            is_rejected: Some(&is_rejected),
        }
        .judge(&waiting.event, &waiting.signed, verdict, self.options);
    }

    /// Puts an event into the room.
    fn enter(
        &mut self,
        event: Event,
        outcome: Outcome,
        before: Snapshot,
        previous: BTreeSet<EventIndex>,
    ) {
        let is_rejected = outcome == Outcome::Rejected;
        let index = self.graph.add(event, is_rejected);
        let mut after = before.clone();
        let node = self.graph.node(index);
        let place = node.and_then(|node| node.place);
        if let Some(place) = place.filter(|_| !is_rejected) {
            after.set(place, Some(index));
        }
        let is_accepted = outcome == Outcome::Accepted;
        if is_accepted {
            let view = StateView { graph: &self.graph, snapshot: &before };
            let named = node.and_then(|node| self.graph.create(&node.event).event);
            let create = view.get(CREATE, "").or(named);
            let levels = create.map(|create| Levels::new(create, view.get(POWER_LEVELS, "")));
            let known = &self.known;
            self.redactions.accept(&self.graph, index, levels, |event| {
                known.get(event.index()).is_some_and(|known| known.outcome == Outcome::Accepted)
            });
        }
        self.known.push(Known { before, after, outcome, previous });
        if is_accepted {
            self.advance(index);
        }
    }

    /// Moves the forward extremities on to an accepted event: what it follows on is none any more. Nor
    /// is what it follows on by way of events that are none themselves, being rejected or soft failed.
    fn advance(&mut self, index: EventIndex) {
        let mut pending = vec![index];
        let mut passed = BTreeSet::new();
        let mut replaced = Vec::new();
        while let Some(event) = pending.pop() {
            let Some(known) = self.known.get(event.index()) else { continue };
            for previous in &known.previous {
                if self.extremities.remove(previous) {
                    replaced.push(*previous);
                }
                let is_none =
                    self.outcome(*previous).is_some_and(|outcome| outcome != Outcome::Accepted);
                if is_none && passed.insert(*previous) {
                    pending.push(*previous);
                }
            }
        }
        self.extremities.insert(index);
        if !self.is_state_kept(index, &replaced) {
            let states: Vec<Snapshot> = self
                .extremities
                .iter()
                .filter_map(|event| self.state_after(*event).cloned())
                .collect();
            self.current = resolve(&self.graph, &states, None);
        }
    }

    /// Is the state after an event that of each extremity that it replaced? Then the states over the
    /// extremities are those that they were, and become what they became.
    fn is_state_kept(&self, index: EventIndex, replaced: &[EventIndex]) -> bool {
        let Some(after) = self.state_after(index) else { return false };
        let has_it =
            |event: &EventIndex| self.state_after(*event).is_some_and(|state| state.is_same(after));
        !replaced.is_empty() && replaced.iter().all(has_it)
    }

    /// Looks again at the events that waited for this one.
    fn release(&mut self, id: &str) {
        for waiting in self.needed_by.remove(id).unwrap_or_default() {
            let is_ready = self
                .waiting
                .get(&waiting)
                .is_some_and(|waiting| self.missing(&waiting.event).is_empty());
            if is_ready && let Some(ready) = self.take_waiting(&waiting) {
                self.queue.push_back(Incoming::Known(Box::new(ready)));
            }
        }
    }
}

/// What became of one look at the queue.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// An event was judged.
    Verdict(Verdict),
    /// It waits for others, or for a key.
    Waits,
    /// It was judged before.
    Again(EventIndex),
    /// There was none.
    Idle,
}
