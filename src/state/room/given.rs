//! The state before an event by the word of another server.

use std::collections::BTreeSet;

use thiserror::Error;

use super::{Placed, Room, Step};
use crate::auth::{CREATE, Event};
use crate::event::{Limits, Pdu, hashes};
use crate::evidence::Evidence;
use crate::json::{self, Numbers};
use crate::state::graph::EventIndex;
use crate::state::resolve;
use crate::state::snapshot::Snapshot;
use crate::state::whole::{self, StateDefect, room_of};
use crate::verdict::{Outcome, Verdict};

/// A state that was given.
#[derive(Debug, Clone)]
pub(super) struct Base {
    pub state: Snapshot,
    /// It lacks members.
    pub partial: bool,
}

/// How a state is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Giving {
    /// It is known to lack members (`members_omitted`): then checks 6 and 7 are not made, and check 5 takes
    /// into account what an event cites.
    pub partial: bool,
    /// All of it must be taken.
    pub strict: bool,
}

/// A state that is being put together, for [`Room::give_draft`].
#[derive(Debug, Clone)]
pub struct StateDraft {
    room_id: String,
    state: Snapshot,
    taken: usize,
    /// The same with what is rejected: two events for one place are no state, whatever they are worth.
    all: Snapshot,
    create: Option<EventIndex>,
    conflict: Option<(EventIndex, EventIndex)>,
    fallen: BTreeSet<String>,
    /// What was not there.
    absent: BTreeSet<String>,
}

impl StateDraft {
    /// An empty state of the room `room_id`.
    #[must_use]
    pub fn new(room_id: &str) -> Self {
        Self {
            room_id: room_id.to_owned(),
            state: Snapshot::default(),
            taken: 0,
            all: Snapshot::default(),
            create: None,
            conflict: None,
            fallen: BTreeSet::new(),
            absent: BTreeSet::new(),
        }
    }
}

/// What was taken of a state that was given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GivenState {
    /// How many events were taken.
    pub taken: usize,
    /// The events that fell out: rejected, no state events, or waiting for what they rest on.
    pub fallen: Vec<String>,
    /// What those that wait rest on and has not come.
    pub missing: Vec<String>,
}

/// Why a state cannot be given.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GivenStateError {
    /// Events are named that have not come; or, where all must be taken, that were not.
    #[error("{} events of the state are not there, the first is {}", .0.len(), .0.first().map_or("", String::as_str))]
    Missing(Vec<String>),
    /// It is no state of the event's room.
    #[error(transparent)]
    Defect(#[from] StateDefect),
}

impl GivenStateError {
    /// The stable code of this failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "given_state_missing",
            Self::Defect(StateDefect::NoCreate) => "given_state_no_create",
            Self::Defect(StateDefect::OtherRoom(_)) => "given_state_other_room",
            Self::Defect(StateDefect::RoomVersion(_)) => "given_state_room_version",
            Self::Defect(StateDefect::Conflict(..)) => "given_state_conflict",
        }
    }

    /// What was seen, as data.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let ids = |ids: &[&String]| ids.iter().copied().map(Evidence::from).collect::<Evidence>();
        match self {
            Self::Missing(missing) => {
                Evidence::object([("missing", missing.iter().map(Evidence::from).collect())])
            }
            Self::Defect(StateDefect::NoCreate) => Evidence::object([]),
            Self::Defect(StateDefect::OtherRoom(room)) => {
                Evidence::object([("room_id", room.into())])
            }
            Self::Defect(StateDefect::RoomVersion(version)) => {
                Evidence::object([("room_version", version.into())])
            }
            Self::Defect(StateDefect::Conflict(one, other)) => {
                Evidence::object([("event_ids", ids(&[one, other]))])
            }
        }
    }
}

impl Room {
    /// Gives the state before an event of a room, which may have come already or not: with it, the event
    /// need not wait for its previous events. The events of the state are named by their IDs, and must
    /// have come, most often as outliers; those that are not accepted fall out.
    ///
    /// An event that has its place keeps the state before it, but for one that lacked members: that is
    /// replaced, and what follows is judged again.
    ///
    /// # Errors
    /// [`GivenStateError`]; then nothing has changed.
    pub fn give_state<'a>(
        &mut self,
        event_id: &str,
        room_id: &str,
        state: impl IntoIterator<Item = &'a str>,
        giving: Giving,
    ) -> Result<GivenState, GivenStateError> {
        let mut draft = StateDraft::new(room_id);
        for id in state {
            self.add_to_draft(&mut draft, id);
        }
        self.give_draft(event_id, draft, giving)
    }

    /// Adds an event to a state that is being put together.
    pub fn add_to_draft(&self, draft: &mut StateDraft, id: &str) {
        let found = self.graph.find(id).and_then(|index| Some((index, self.graph.node(index)?)));
        let Some((index, node)) = found else {
            draft.absent.insert(id.to_owned());
            return;
        };
        let is_own = room_of(&node.event) == draft.room_id;
        let is_create = node.event.is_state(CREATE, "");
        // What is of another room is no part of this state, but a create event says of which it is.
        if is_create && if is_own { !node.rejected } else { draft.create.is_none() } {
            draft.create = Some(index);
        }
        let Some(place) = node.place.filter(|_| is_own) else {
            draft.fallen.insert(id.to_owned());
            return;
        };
        if let Some(earlier) = draft.all.get(place).filter(|earlier| *earlier != index) {
            draft.conflict = draft.conflict.or(Some((earlier, index)));
        }
        draft.all.set(place, Some(index));
        if node.rejected {
            draft.fallen.insert(id.to_owned());
        } else if draft.state.get(place).is_none() {
            draft.state.set(place, Some(index));
            draft.taken = draft.taken.saturating_add(1);
        }
    }

    /// As [`Self::give_state`], for a state that was put together event by event.
    ///
    /// # Errors
    /// [`GivenStateError`]; then nothing has changed.
    pub fn give_draft(
        &mut self,
        event_id: &str,
        mut draft: StateDraft,
        giving: Giving,
    ) -> Result<GivenState, GivenStateError> {
        // Some may be there by now.
        for id in std::mem::take(&mut draft.absent) {
            self.add_to_draft(&mut draft, &id);
        }
        let (waiting, missing): (BTreeSet<String>, BTreeSet<String>) =
            std::mem::take(&mut draft.absent)
                .into_iter()
                .partition(|id| self.waits.get(id).is_some());
        if !missing.is_empty() {
            return Err(GivenStateError::Missing(missing.into_iter().collect()));
        }
        let event = |index| self.graph.node(index).map(|node| &node.event);
        let create = draft.create.and_then(event);
        whole::check_create(create, &draft.room_id, self.graph.version())?;
        if let Some((one, other)) = draft.conflict {
            let id = |index| self.graph.id(index).to_owned();
            return Err(StateDefect::Conflict(id(one), id(other)).into());
        }
        let lacking = self.waits.lacking(waiting.iter().map(String::as_str));
        let missing = lacking.cited.union(&lacking.previous).map(|id| (*id).to_owned()).collect();
        let fallen: Vec<String> = draft.fallen.union(&waiting).cloned().collect();
        if giving.strict && !fallen.is_empty() {
            return Err(GivenStateError::Missing(fallen));
        }
        self.take_state(event_id, Base { state: draft.state, partial: giving.partial });
        Ok(GivenState { taken: draft.taken, fallen, missing })
    }

    /// The ID of an event as it travels and its room, for [`Self::give_state`]; `None` if it is malformed.
    #[must_use]
    pub fn identify(&self, bytes: &[u8]) -> Option<(String, String)> {
        let version = self.graph.version();
        let json = json::parse(bytes, Numbers::Keep).ok()?;
        let pdu = Pdu::from_canonical(json, version, Limits::Backfill).ok()?;
        let hash = hashes::reference_hash(pdu.json(), version);
        let id = hashes::event_id(pdu.json(), &hash, version)?;
        let event = Event::new(pdu, id);
        Some((event.id().to_owned(), room_of(&event)))
    }

    fn take_state(&mut self, id: &str, base: Base) {
        let Some(index) = self.find_placed(id) else {
            self.given.insert(id.to_owned(), base);
            return self.look_again(id);
        };
        let known = self.known.get_mut(index.index());
        let place = known.and_then(|known| known.place.as_mut());
        if let Some(Placed { given: Some(given), .. }) = place
            && given.partial
            && !base.partial
        {
            *given = base;
            let after = self.placed.iter().skip_while(|event| **event != index).copied();
            let partial = after.filter(|event| self.place(*event).is_some_and(|p| p.partial));
            self.stale = partial.collect();
        }
    }

    /// The state before an event for check 5. A state without its members may lack what the event
    /// cites: that is resolved with it, as Synapse does.
    pub(super) fn completed(&self, place: &Placed, event: &Event) -> Snapshot {
        if !place.partial {
            return place.before.clone();
        }
        let mut cited = Snapshot::default();
        for reference in event.pdu().auth_events() {
            let found = self.graph.find(&reference.event_id);
            let node = found.and_then(|index| self.graph.node(index));
            let slot = node.filter(|node| !node.rejected).and_then(|node| node.place);
            if let Some(slot) = slot {
                cited.set(slot, found);
            }
        }
        resolve(&self.graph, &[place.before.clone(), cited], None)
    }

    /// Makes the state of an event anew, now that one before it is whole, and judges it by that (checks 4
    /// and 5).
    pub(super) fn judge_again(&mut self, index: EventIndex) -> Step {
        let step = self.renew_place(index).unwrap_or(Step::Again(index));
        if self.stale.is_empty() {
            self.renew_edges();
        }
        step
    }

    fn renew_place(&mut self, index: EventIndex) -> Option<Step> {
        let earlier = self.known.get(index.index())?;
        let (was, earlier) = (earlier.outcome, earlier.place.as_ref()?);
        let node = self.graph.node(index)?;
        let event = &node.event;
        // The current state is out of date.
        let states = self.states_after(&earlier.previous);
        let given = earlier.given.as_ref().map(|given| given.state.clone());
        let states: Vec<Snapshot> = states.into_iter().chain(given).collect();
        let is_partial = |event: &EventIndex| self.place(*event).is_some_and(|place| place.partial);
        let place = Placed {
            before: resolve(&self.graph, &states, None),
            after: Snapshot::default(),
            previous: earlier.previous.clone(),
            given: earlier.given.clone(),
            partial: earlier.previous.iter().any(is_partial)
                || earlier.given.as_ref().is_some_and(|given| given.partial),
            historical: earlier.historical,
            passed: false,
        };
        let before = self.completed(&place, event);
        let mut verdict = Verdict::unchecked(event);
        self.with_surroundings((event, &node.auth), Some(&before), None, |room| {
            room.authorize(event, &mut verdict, self.options);
        });
        if place.partial {
            verdict.add_flags(&["partial_state"]);
        }
        let outcome = match (was, verdict.outcome) {
            // What could not be decided stands as it was; so does what was soft failed and is allowed.
            (was, Outcome::Incomplete) | (was @ Outcome::SoftFailed, Outcome::Accepted) => was,
            (_, now) => now,
        };
        verdict.outcome = outcome;
        self.graph.change(index, None, outcome == Outcome::Rejected);
        let known = self.known.get_mut(index.index())?;
        known.outcome = outcome;
        known.place = Some(place);
        self.settle_after(index);
        Some(if outcome == was { Step::Again(index) } else { Step::Verdict(verdict) })
    }
}
