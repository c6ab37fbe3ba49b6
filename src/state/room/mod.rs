//! A room: its events in whatever order they come, each judged by all checks once what it rests on is
//! there, with the state before it, after it, and now.
//!
//! Events are taken in with [`Room::push`] and judged one by one with [`Room::step`], so that whoever
//! drives it can pause at any event.
//!
//! A room need not be there from its beginning:
//!
//! * An *outlier* ([`Arrival::Outlier`]) is judged by checks 1 to 4 alone. It counts as an auth event and
//!   can stand in a given state, but has no place in the room: no state before it, and nothing follows
//!   on it. It gets its place when it comes again as an event, once its previous events have theirs; from
//!   then on the outcome of all checks counts. What was decided before stays. (So does Synapse.)
//! * A *given state* ([`Room::give_state`]) is the state before an event by the word of another server.
//!   With it, the event needs none of its previous events. Those that are there have a say all the same:
//!   the given state is resolved with theirs, so that a server that withholds events cannot replace a
//!   room's state by one of its own.
//! * *History*: what a room begins with may get its previous events later. They are judged as others are,
//!   but become no forward extremities and do not change any state that was given, nor the current one.
//!
//! | file | what it is |
//! |---|---|
//! | `proving` | the queue, and checks 1 to 3 |
//! | `waiting` | what waits, and for what |
//! | `given` | states that are given, whole or without members |
//! | `edges` | forward extremities, and history |
//! | `draft` | new events of our own |

mod draft;
mod edges;
mod given;
mod proving;
mod waiting;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use super::graph::{EventIndex, Graph, StateView};
use super::redactions::Redactions;
use super::resolve;
use super::snapshot::Snapshot;
use super::trace::Trace;
use super::whole::room_of;
use crate::auth::{CREATE, Event, Levels, POWER_LEVELS, State};
use crate::event::hashes;
use crate::evidence::Evidence;
use crate::keys::KeyRing;
use crate::receive::{self, Options};
use crate::room_version::RoomVersion;
use crate::verdict::{Check, CheckResult, Outcome, Verdict};
pub use draft::{DraftError, NewEvent};
use given::Base;
pub use given::{GivenState, GivenStateError, Giving, StateDraft};
use proving::{Next, Queue, Raw};
pub use waiting::Arrival;
use waiting::{Waiting, Waits};

/// A room that is being received.
#[derive(Debug)]
pub struct Room {
    graph: Graph,
    /// The room, where it was said which one it is: then events of others are rejected.
    room_id: Option<String>,
    /// What is known of each event beside itself, by its number.
    known: Vec<Known>,
    /// The events that have a place, in the order in which they got it.
    placed: Vec<EventIndex>,
    /// The accepted events that no accepted event names as previous.
    extremities: BTreeSet<EventIndex>,
    /// The state over these.
    current: Snapshot,
    /// Events that came and have not been looked at.
    queue: Queue,
    waits: Waits,
    /// States that were given, by the event before which they are, until that has its place.
    given: HashMap<String, Base>,
    /// Events without a place that accepted events, or history that waits, follow on.
    history: HashSet<String>,
    /// Events whose state must be made anew.
    stale: VecDeque<EventIndex>,
    seen: Vec<Seen>,
    redactions: Redactions,
    options: Options,
}

/// What is known of an event that was judged.
#[derive(Debug)]
struct Known {
    outcome: Outcome,
    /// There is only a redacted copy, because the content did not fit its hash.
    redacted: bool,
    /// `None`: it is an outlier.
    place: Option<Placed>,
}

/// The place of an event in its room.
#[derive(Debug)]
struct Placed {
    before: Snapshot,
    after: Snapshot,
    previous: BTreeSet<EventIndex>,
    /// The state before it that was given.
    given: Option<Base>,
    /// The states lack members.
    partial: bool,
    /// It came as history.
    historical: bool,
    /// What it follows on is no forward extremity, and was found not to be.
    passed: bool,
}

/// What became of something that was pushed with a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The number.
    pub number: u32,
    /// The event's ID; none if it was dropped.
    pub event_id: Option<String>,
    /// It came for nothing: dropped, or a copy no better than what is there. A room that never saw it is
    /// the same.
    pub useless: bool,
}

/// What an event that waits has not got yet; see [`Room::gap`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The previous events that have not come: its own, and those of events that it waits for.
    pub previous: Vec<String>,
    /// The auth events that have not come, likewise.
    pub auth: Vec<String>,
    /// The events that follow on such previous events: the one itself, or some of those that it waits
    /// for. Given the state before each, the others need nothing more.
    pub starts: Vec<String>,
    /// The smallest depth of all events that have a place.
    pub min_depth: i64,
}

impl Room {
    /// A room without events. The options are those of every event.
    #[must_use]
    pub fn new(version: &'static RoomVersion, options: Options) -> Self {
        Self {
            graph: Graph::new(version),
            room_id: None,
            known: Vec::new(),
            placed: Vec::new(),
            extremities: BTreeSet::new(),
            current: Snapshot::default(),
            queue: Queue::default(),
            waits: Waits::default(),
            given: HashMap::new(),
            history: HashSet::new(),
            stale: VecDeque::new(),
            seen: Vec::new(),
            redactions: Redactions::default(),
            options,
        }
    }

    /// Says which room this is. From then on, events of other rooms are rejected.
    pub fn set_room_id(&mut self, room_id: &str) {
        self.room_id = Some(room_id.to_owned());
    }

    /// The events that were judged and kept: all but those that were dropped.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Takes an event as it travels. It is looked at by [`Self::step`].
    pub fn push(&mut self, bytes: Vec<u8>) {
        self.push_as(bytes, Arrival::Event, None);
    }

    /// Takes an event as what it came. What becomes of it is told under `number` by [`Self::take_seen`].
    pub fn push_as(&mut self, bytes: Vec<u8>, arrival: Arrival, number: Option<u32>) {
        self.queue.push(Raw { bytes, number, wants: Some(arrival.into()) });
    }

    /// Has every event that came been looked at?
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.stale.is_empty()
    }

    /// What became of what was pushed with a number, since the last call.
    pub fn take_seen(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.seen)
    }

    /// Looks at events again that wait for keys, with those that there are now; and at events that no
    /// check could decide.
    pub fn retry(&mut self) {
        self.queue.retry();
        for id in self.waits.open() {
            self.look_again(&id);
        }
    }

    fn look_again(&mut self, id: &str) {
        if let Some(Waiting { bytes, number, wants, .. }) = self.waits.take(id) {
            self.queue.push(Raw { bytes, number, wants: Some(wants) });
        }
    }

    /// Looks at the next event. Gives its verdict, or nothing when it must wait or is here already; and
    /// whether there was one to look at.
    pub fn step(&mut self, ring: &KeyRing) -> Step {
        if let Some(index) = self.stale.pop_front() {
            return self.judge_again(index);
        }
        let version = self.graph.version();
        match self.queue.next(version, ring, self.options) {
            None => Step::Idle,
            Some(Next::Dropped(verdict, number)) => {
                self.note(number, None, true);
                Step::Verdict(*verdict)
            }
            Some(Next::Proven(waiting)) => self.look_at(*waiting),
        }
    }

    fn note(&mut self, number: Option<u32>, event_id: Option<&str>, useless: bool) {
        let event_id = event_id.map(Into::into);
        self.seen.extend(number.map(|number| Seen { number, event_id, useless }));
    }

    fn look_at(&mut self, waiting: Waiting) -> Step {
        let id = waiting.event.id().to_owned();
        if let Some(known) = self.graph.find(&id)
            && !self.adds_to(known, &waiting)
        {
            self.note(waiting.number, Some(&id), true);
            return Step::Again(known);
        }
        self.note(waiting.number, Some(&id), false);
        let mut waiting = match self.waits.take(&id) {
            None => waiting,
            Some(earlier) => {
                let (kept, useless) = waiting.merge(earlier);
                self.note(useless, Some(&id), true);
                kept
            }
        };
        self.find_needs(&mut waiting);
        if waiting.lacks_key() {
            return self.wait(waiting);
        }
        if self.is_of_other_room(&waiting.event) {
            return self.turn_away(waiting);
        }
        if !waiting.cited.is_empty() {
            return self.wait(waiting);
        }
        if waiting.wants.outlier {
            return self.judge_outlier(waiting);
        }
        if !waiting.previous.is_empty() {
            return self.wait(waiting);
        }
        match self.judge(waiting) {
            Ok(verdict) => {
                self.release(&id, true);
                Step::Verdict(verdict)
            }
            Err(undecided) => self.wait(*undecided),
        }
    }

    /// Is there anything new in a copy of an event that is there?
    fn adds_to(&self, known: EventIndex, waiting: &Waiting) -> bool {
        let Some(there) = self.known.get(known.index()) else { return false };
        let is_better = there.redacted && !waiting.verdict.redacted && !waiting.lacks_key();
        there.place.is_none()
            && (waiting.wants.full || is_better)
            && self.graph.node(known).is_some_and(|node| is_copy(&node.event, &waiting.event))
    }

    fn wait(&mut self, waiting: Waiting) -> Step {
        if !waiting.lacks_key() && self.history.contains(waiting.event.id()) {
            self.follow(waiting.previous.iter().cloned().collect());
        }
        self.waits.insert(waiting.event.id().to_owned(), waiting);
        Step::Waits
    }

    /// Looks again at the events that waited for this one.
    fn release(&mut self, id: &str, has_place: bool) {
        for ready in self.waits.release(id, has_place) {
            self.queue.push_ready(ready);
        }
    }

    /// The verdicts on the events that wait: what each of them lacks. They go on waiting.
    pub fn undecided(&self) -> impl Iterator<Item = Verdict> {
        self.waits.verdicts(None)
    }

    /// The same, for events whose IDs come after `after`: a part at a time.
    pub fn undecided_after(&self, after: &str) -> impl Iterator<Item = Verdict> {
        self.waits.verdicts(Some(after))
    }

    /// The same for one event; `None` for one that does not wait.
    #[must_use]
    pub fn undecided_one(&self, event_id: &str) -> Option<Verdict> {
        self.waits.verdict(event_id)
    }

    /// How many events wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waits.len()
    }

    /// The events that are needed and have not come, each with those that wait for it.
    pub fn missing_events(&self) -> impl Iterator<Item = (&str, usize)> {
        self.waits.missing_events()
    }

    /// What an event that waits has not got yet, as one asks for it with `get_missing_events`,
    /// `state_ids` and `event_auth`. `None` for an event that does not wait.
    #[must_use]
    pub fn gap(&self, event_id: &str) -> Option<Gap> {
        self.waits.get(event_id)?;
        let lacking = self.waits.lacking([event_id]);
        let owned = |ids: BTreeSet<&str>| ids.into_iter().map(Into::into).collect();
        let depths = self.placed.iter().filter_map(|event| self.graph.node(*event));
        Some(Gap {
            previous: owned(lacking.previous),
            auth: owned(lacking.cited),
            starts: owned(lacking.starts),
            min_depth: depths.map(|node| node.event.pdu().depth()).min().unwrap_or(0),
        })
    }

    /// The current state: that over the forward extremities.
    #[must_use]
    pub fn current_state(&self) -> &Snapshot {
        &self.current
    }

    /// Does the current state lack members?
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.extremities.iter().any(|event| self.place(*event).is_some_and(|place| place.partial))
    }

    /// The forward extremities.
    pub fn extremities(&self) -> impl Iterator<Item = EventIndex> {
        self.extremities.iter().copied()
    }

    fn place(&self, event: EventIndex) -> Option<&Placed> {
        self.known.get(event.index())?.place.as_ref()
    }

    /// An event that has a place.
    fn find_placed(&self, id: &str) -> Option<EventIndex> {
        self.graph.find(id).filter(|event| self.place(*event).is_some())
    }

    /// The state before an event; `None` for an outlier.
    #[must_use]
    pub fn state_before(&self, event: EventIndex) -> Option<&Snapshot> {
        self.place(event).map(|place| &place.before)
    }

    /// The state after an event; `None` for an outlier.
    #[must_use]
    pub fn state_after(&self, event: EventIndex) -> Option<&Snapshot> {
        self.place(event).map(|place| &place.after)
    }

    /// What became of an event.
    #[must_use]
    pub fn outcome(&self, event: EventIndex) -> Option<Outcome> {
        self.known.get(event.index()).map(|known| known.outcome)
    }

    /// Is it known without its place in the room?
    #[must_use]
    pub fn is_outlier(&self, event: EventIndex) -> bool {
        self.known.get(event.index()).is_some_and(|known| known.place.is_none())
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
        let _ = resolve(&self.graph, &self.states_after(events), Some(&mut trace));
        trace
    }

    fn states_after<'a>(&self, events: impl IntoIterator<Item = &'a EventIndex>) -> Vec<Snapshot> {
        events.into_iter().filter_map(|event| self.state_after(*event).cloned()).collect()
    }

    /// Writes down what an event rests on: what is there, and what is not.
    fn find_needs(&self, waiting: &mut Waiting) {
        let Waiting { event, previous, cited, found_previous, found_cited, .. } = waiting;
        (*cited, *found_cited) = Default::default();
        for reference in event.pdu().auth_events() {
            match self.graph.find(&reference.event_id) {
                Some(found) => found_cited.push(found),
                None => _ = cited.insert(reference.event_id.into_owned()),
            }
        }
        cited.extend(self.graph.missing_create(event));
        // With the state before it, an event needs no previous ones.
        let is_given = self.given.contains_key(event.id());
        (*previous, *found_previous) = Default::default();
        for reference in event.pdu().prev_events() {
            match self.find_placed(&reference.event_id) {
                Some(found) => _ = found_previous.insert(found),
                None if is_given => {}
                None => _ = previous.insert(reference.event_id.into_owned()),
            }
        }
    }

    fn is_of_other_room(&self, event: &Event) -> bool {
        self.room_id.as_ref().is_some_and(|room_id| *room_id != room_of(event))
    }

    /// An event of another room is rejected whatever it rests on; so is what rests on it.
    fn turn_away(&mut self, waiting: Waiting) -> Step {
        let mut verdict = waiting.verdict.clone();
        let (own, other) = (self.room_id.clone().unwrap_or_default(), room_of(&waiting.event));
        verdict.outcome = Outcome::Rejected;
        verdict.checks.push(Check {
            code: Some("event_other_room"),
            reason: Some(format!("the event is of the room {other}, this is {own}")),
            evidence: Some(Evidence::object([(
                "rooms",
                [&own, &other].map(Evidence::from).into_iter().collect(),
            )])),
            ..Check::new(4, CheckResult::Fail)
        });
        verdict.checks.extend((5..=7).map(|check| Check::new(check, CheckResult::Skip)));
        self.enter(waiting.event, waiting.found_cited, &verdict, None);
        if let Some(id) = &verdict.event_id {
            self.release(id, false);
        }
        Step::Verdict(verdict)
    }

    /// Check 4 alone. What else is wanted of the event comes next.
    fn judge_outlier(&mut self, mut waiting: Waiting) -> Step {
        let mut verdict = waiting.verdict.clone();
        self.check(&waiting, None, None, &mut verdict);
        if verdict.outcome == Outcome::Incomplete {
            return self.wait(Waiting { undecided: Some(verdict), ..waiting });
        }
        self.enter(waiting.event.clone(), waiting.found_cited.clone(), &verdict, None);
        self.release(waiting.event.id(), false);
        waiting.wants.outlier = false;
        if waiting.wants.full {
            self.queue.push_first(waiting);
        }
        Step::Outlier(verdict)
    }

    /// Checks 4 to 7, and what follows from them for the room. An event that cannot be decided comes
    /// back.
    fn judge(&mut self, mut waiting: Waiting) -> Result<Verdict, Box<Waiting>> {
        let there = self.graph.find(waiting.event.id()).and_then(|index| self.graph.node(index));
        if let Some(whole) = there.filter(|_| waiting.verdict.redacted) {
            // As an outlier it may have come whole.
            waiting.event = whole.event.clone();
        }
        let mut place = self.place_of(&waiting, self.given.get(waiting.event.id()).cloned());
        let for_checks = self.completed(&place, &waiting.event);
        let is_edge = !self.extremities.is_empty() && !self.is_partial();
        let has_current = is_edge && !waiting.wants.backfill;
        let current = self.current.clone();
        let mut verdict = waiting.verdict.clone();
        self.check(&waiting, Some(&for_checks), has_current.then_some(&current), &mut verdict);
        if place.partial {
            verdict.add_flags(&["partial_state"]);
        }
        if verdict.outcome == Outcome::Incomplete {
            return Err(Box::new(Waiting { undecided: Some(verdict), ..waiting }));
        }
        let id = waiting.event.id();
        self.given.remove(id);
        place.historical = self.history.remove(id) || waiting.wants.backfill;
        self.enter(waiting.event, waiting.found_cited, &verdict, Some(place));
        Ok(verdict)
    }

    /// The place of an event: what it follows on, and the state before it.
    fn place_of(&self, waiting: &Waiting, given: Option<Base>) -> Placed {
        let previous = waiting.found_previous.clone();
        let is_there = |id: &str| self.find_placed(id).is_some();
        let mut named = waiting.event.pdu().prev_events();
        let is_complete = given.is_none() || named.all(|named| is_there(&named.event_id));
        // Where all that it follows on is there, nobody's word is needed.
        let given = given.filter(|_| !is_complete);
        let before = match &given {
            None => self.state_over(&previous),
            Some(given) => {
                let mut states = self.states_after(&previous);
                states.push(given.state.clone());
                resolve(&self.graph, &states, None)
            }
        };
        let is_partial = |event: &EventIndex| self.place(*event).is_some_and(|place| place.partial);
        let partial =
            previous.iter().any(is_partial) || given.as_ref().is_some_and(|given| given.partial);
        let after = before.clone();
        Placed { before, after, previous, given, partial, historical: false, passed: false }
    }

    /// The state over several events: what the states after them become.
    fn state_over(&self, events: &BTreeSet<EventIndex>) -> Snapshot {
        if *events == self.extremities {
            return self.current.clone();
        }
        resolve(&self.graph, &self.states_after(events), None)
    }

    fn check(
        &self,
        waiting: &Waiting,
        before: Option<&Snapshot>,
        current: Option<&Snapshot>,
        verdict: &mut Verdict,
    ) {
        self.with_surroundings((&waiting.event, &waiting.found_cited), before, current, |room| {
            room.judge(&waiting.event, &waiting.signed, verdict, self.options);
        });
    }

    /// What is known around an event, which cites these.
    fn with_surroundings(
        &self,
        (event, cited): (&Event, &[EventIndex]),
        before: Option<&Snapshot>,
        current: Option<&Snapshot>,
        judge: impl FnOnce(&receive::Room<'_>),
    ) {
        let graph = &self.graph;
        let view = |snapshot| StateView { graph, snapshot };
        let is_current = before.zip(current).is_some_and(|(before, now)| before.is_same(now));
        let (before, current) = (before.map(view), current.map(view));
        let current = if is_current { &before } else { &current };
        // What it cites has been found already.
        let found = |id: &str| {
            let mut nodes = cited.iter().filter_map(|event| graph.node(*event));
            nodes.find(|node| node.event.id() == id)
        };
        let anywhere = |id: &str| graph.find(id).and_then(|index| graph.node(index));
        let node = |id: &str| found(id).or_else(|| anywhere(id));
        judge(&receive::Room {
            auth_events: Some(&|id: &str| node(id).map(|node| &node.event)),
            state_before: before.as_ref().map(|view| Ok(view as &dyn State)),
            current_state: current.as_ref().map(|view| Ok(view as &dyn State)),
            create: graph.create(event).event,
            is_rejected: Some(&|id: &str| node(id).is_some_and(|node| node.rejected)),
        });
    }

    /// Puts an event into the room, or changes what is known of it.
    fn enter(
        &mut self,
        event: Event,
        cited: Vec<EventIndex>,
        verdict: &Verdict,
        place: Option<Placed>,
    ) {
        let is_rejected = verdict.outcome == Outcome::Rejected;
        let index = self.graph.find(event.id());
        let index = match index {
            None => self.graph.add_new(event, cited, is_rejected),
            Some(index) => {
                let was_redacted = self.known.get(index.index()).is_some_and(|k| k.redacted);
                let better = (was_redacted && !verdict.redacted).then_some(event);
                self.graph.change(index, better, is_rejected);
                index
            }
        };
        let is_new_place = place.is_some();
        let known = Known { outcome: verdict.outcome, redacted: verdict.redacted, place };
        match self.known.get_mut(index.index()) {
            Some(earlier) => {
                let redacted = earlier.redacted && known.redacted;
                *earlier = Known { redacted, ..known };
            }
            None => self.known.push(known),
        }
        let is_accepted = verdict.outcome == Outcome::Accepted;
        if !is_new_place {
            if is_accepted {
                self.redactions.arrive(&self.graph, index);
            }
            return;
        }
        self.placed.push(index);
        self.settle_after(index);
        if is_accepted {
            self.accept_redaction(index);
            self.extend_edges(index);
        }
    }

    /// The state after an event is that before it, and the event in its place.
    fn settle_after(&mut self, index: EventIndex) {
        let slot = self.graph.node(index).filter(|node| !node.rejected).and_then(|node| node.place);
        let known = self.known.get_mut(index.index());
        let Some(place) = known.and_then(|known| known.place.as_mut()) else { return };
        place.after = place.before.clone();
        if let Some(slot) = slot {
            place.after.set(slot, Some(index));
        }
    }

    fn accept_redaction(&mut self, index: EventIndex) {
        let Some(node) = self.graph.node(index) else { return };
        let known = &self.known;
        let place = known.get(index.index()).and_then(|known| known.place.as_ref());
        let Some(place) = place else { return };
        let view = StateView { graph: &self.graph, snapshot: &place.before };
        let create = view.get(CREATE, "").or(self.graph.create(&node.event).event);
        let levels = create.map(|create| Levels::new(create, view.get(POWER_LEVELS, "")));
        self.redactions.accept(&self.graph, index, levels, |event| {
            known.get(event.index()).is_some_and(|known| known.outcome == Outcome::Accepted)
        });
    }
}

/// Are these copies of one event? In room versions 1 and 2, events of one ID need not be.
fn is_copy(one: &Event, other: &Event) -> bool {
    let hash = |event: &Event| hashes::reference_hash(event.pdu().json(), event.pdu().version());
    hash(one) == hash(other)
}

/// What became of one look at the queue.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// An event was judged.
    Verdict(Verdict),
    /// An outlier was judged, by checks 1 to 4.
    Outlier(Verdict),
    /// It waits for others, or for a key.
    Waits,
    /// It was judged before.
    Again(EventIndex),
    /// There was none.
    Idle,
}
