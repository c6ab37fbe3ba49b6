//! A join, from the answer of the server that helped: a room that begins with our own join event.
//!
//! The answer comes in pieces and may be large. Its events are outliers of the room, each judged by
//! checks 1 to 4 while the answer is still being read; what is bad falls out, and what rests on it. Then
//! the state in the answer is that before our join, and the join is judged by it with all checks.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#joining-rooms>

use std::collections::HashSet;

use super::join_answer::JoinAnswerError;
use crate::json::{self, Canonical, Numbers, write_object_without};
use crate::keys::KeyRing;
use crate::ordered;
use crate::reader::{EventReader, RawEvent};
use crate::receive::{Options, too_long};
use crate::room_version::RoomVersion;
use crate::state::{Arrival, GivenState, GivenStateError, Giving, Room, Seen, StateDraft, Step};
use crate::verdict::{Outcome, Verdict};

const STATE: &str = "state";
const LISTS: &[&str] = &["auth_chain", STATE];
const MEMBERS: &[&str] = &["event", "members_omitted", "servers_in_room"];

/// A join whose answer is being read.
#[derive(Debug)]
pub struct Join {
    room: Room,
    reader: EventReader,
    /// The numbers of what was pushed from the list of the state.
    of_state: HashSet<u32>,
    next: u32,
    /// The IDs of the events in the state, and how many of them are in the draft.
    state: Vec<String>,
    drafted: usize,
    draft: StateDraft,
    /// The verdicts on what was not plainly accepted.
    fallen: Vec<Verdict>,
    seen: Vec<Seen>,
}

/// What came of a join.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinReport {
    /// Our join event, with the signatures that the other server may have added.
    pub event: Vec<u8>,
    /// Its ID; empty if it is malformed.
    pub event_id: String,
    /// The verdict on it. Unless it is accepted, the room has nothing but outliers.
    pub verdict: Verdict,
    /// The state before it.
    pub state: GivenState,
    /// The verdicts on the events of the answer that are not accepted, or only redacted.
    pub fallen: Vec<Verdict>,
    /// The auth events that are needed and were not in the answer.
    pub missing: Vec<String>,
    /// The state lacks members.
    pub partial: bool,
    /// The servers in the room, by the word of the other server.
    pub servers_in_room: Option<Vec<String>>,
}

impl Join {
    /// A join of the room `room_id`.
    #[must_use]
    pub fn new(version: &'static RoomVersion, room_id: &str, options: Options) -> Self {
        let mut room = Room::new(version, options);
        room.set_room_id(room_id);
        Self {
            room,
            reader: EventReader::of_lists(LISTS, MEMBERS),
            of_state: HashSet::new(),
            next: 0,
            state: Vec::new(),
            drafted: 0,
            draft: StateDraft::new(room_id),
            fallen: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Takes the next piece of the answer; gives the events that it completes, in order. The numbers under
    /// which they are known to the room go up from 0.
    ///
    /// # Errors
    /// [`JoinAnswerError::Unreadable`].
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<Vec<u8>>, JoinAnswerError> {
        self.reader.push(piece)?;
        let mut taken = Vec::new();
        for (list, event) in self.reader.take_listed() {
            match event {
                RawEvent::TooLong(length) => {
                    self.fallen.push(too_long(length, self.room.graph().version()));
                }
                RawEvent::Bytes(bytes) => {
                    if list == STATE {
                        self.of_state.insert(self.next);
                    }
                    self.room.push_as(bytes.clone(), Arrival::Outlier, Some(self.next));
                    self.next = self.next.saturating_add(1);
                    taken.push(bytes);
                }
            }
        }
        Ok(taken)
    }

    /// Judges the next event of the answer; gives whether there was one.
    pub fn step(&mut self, ring: &KeyRing) -> bool {
        let step = self.room.step(ring);
        for seen in self.room.take_seen() {
            if let Some(id) = seen.event_id.as_ref().filter(|_| self.of_state.remove(&seen.number))
            {
                self.state.push(id.clone());
            }
            self.seen.push(seen);
        }
        match step {
            Step::Idle => return false,
            Step::Waits | Step::Again(_) => {}
            Step::Verdict(verdict) | Step::Outlier(verdict) => {
                if verdict.outcome != Outcome::Accepted || verdict.redacted {
                    self.fallen.push(verdict);
                }
            }
        }
        true
    }

    /// The IDs of the events in the state of the answer.
    pub fn state_ids(&self) -> impl Iterator<Item = &str> {
        self.state.iter().map(String::as_str)
    }

    /// What became of the events that were pushed, since the last call.
    pub fn take_seen(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.seen)
    }

    /// Puts up to `most` events into the state before our join, once all events were judged; gives whether
    /// there may be more. [`Self::finish`] does what is left of that.
    pub fn settle(&mut self, most: usize) -> bool {
        for id in self.state.iter().skip(self.drafted).take(most) {
            self.room.add_to_draft(&mut self.draft, id);
            self.drafted = self.drafted.saturating_add(1);
        }
        self.drafted < self.state.len()
    }

    /// Ends the answer, and judges our join event, which is `event` as we sent it.
    ///
    /// # Errors
    /// [`JoinAnswerError`]: the answer is none. A join that is not allowed is no error.
    pub fn finish(&mut self, event: &[u8], ring: &KeyRing) -> Result<JoinReport, JoinAnswerError> {
        self.reader.end()?;
        if let Some(list) = self.reader.lacking_list() {
            return Err(JoinAnswerError::NoList(list));
        }
        while self.step(ring) {}
        let event = self.event(event)?;
        let partial = self.reader.member("members_omitted").is_some_and(|value| value == b"true");
        let servers_in_room = self.servers_in_room();
        if partial && servers_in_room.is_none() {
            return Err(JoinAnswerError::NoList("servers_in_room"));
        }
        let (state, event_id) = self.give_state(&event, partial)?;
        self.room.push_as(event.clone(), Arrival::Event, None);
        let verdict = self.judge_join(&event_id, ring);
        let verdict = verdict.unwrap_or_else(|| too_long(event.len(), self.room.graph().version()));
        let is_other = |verdict: &Verdict| verdict.event_id.as_ref() != Some(&event_id);
        let waiting = self.room.undecided().filter(is_other);
        let fallen = std::mem::take(&mut self.fallen).into_iter().chain(waiting).collect();
        let mut missing: Vec<String> =
            self.room.missing_events().map(|(id, _)| id.to_owned()).collect();
        ordered::sort(&mut missing);
        Ok(JoinReport {
            event,
            event_id,
            verdict,
            state,
            fallen,
            missing,
            partial,
            servers_in_room,
        })
    }

    /// The state in the answer is that before our join, whose ID is given back.
    fn give_state(
        &mut self,
        event: &[u8],
        partial: bool,
    ) -> Result<(GivenState, String), JoinAnswerError> {
        // A malformed event gets its verdict all the same.
        let (event_id, _) = self.room.identify(event).unwrap_or_default();
        while self.settle(usize::MAX) {}
        let giving = Giving { partial, strict: false };
        match self.room.give_draft(&event_id, self.draft.clone(), giving) {
            Ok(state) => Ok((state, event_id)),
            Err(GivenStateError::Defect(defect)) => Err(defect.into()),
            // All of them have come.
            Err(GivenStateError::Missing(_)) => Ok((GivenState::default(), event_id)),
        }
    }

    fn judge_join(&mut self, id: &str, ring: &KeyRing) -> Option<Verdict> {
        loop {
            match self.room.step(ring) {
                Step::Verdict(verdict)
                    if verdict.event_id.is_none() || verdict.event_id.as_deref() == Some(id) =>
                {
                    return Some(verdict);
                }
                Step::Verdict(verdict) | Step::Outlier(verdict) => self.fallen.push(verdict),
                Step::Waits | Step::Again(_) => {}
                Step::Idle => break,
            }
        }
        self.room.undecided().find(|verdict| verdict.event_id.as_deref() == Some(id))
    }

    /// Our join event as the other server sends it back, with its signatures, if it does.
    fn event(&self, ours: &[u8]) -> Result<Vec<u8>, JoinAnswerError> {
        let Some(theirs) = self.reader.member("event").filter(|value| *value != b"null") else {
            return Ok(ours.to_vec());
        };
        let parse = |event| json::parse(event, Numbers::Keep).ok().filter(Canonical::is_object);
        let signed = |event: &Canonical| {
            let mut text = Vec::new();
            write_object_without(event.value(), &["signatures", "unsigned"], &mut text);
            text
        };
        match (parse(ours), parse(theirs)) {
            (Some(ours), Some(theirs)) if signed(&ours) == signed(&theirs) => {
                Ok(theirs.text().to_vec())
            }
            _ => Err(JoinAnswerError::EventChanged),
        }
    }

    fn servers_in_room(&self) -> Option<Vec<String>> {
        let servers = json::parse(self.reader.member("servers_in_room")?, Numbers::Keep).ok()?;
        let servers = servers.value().as_array()?;
        servers.map(|server| server.as_str().map(Into::into)).collect()
    }

    /// The room.
    #[must_use]
    pub fn into_room(self) -> Room {
        self.room
    }
}
