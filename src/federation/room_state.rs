//! The state of a room with its auth chain, as `/state` and `/send_join` give it.

use std::collections::{BTreeMap, HashSet};

use super::auth_chain::{Gaps, gaps};
use super::pdus::{FallenPdu, Fault, Judged, Pdus, ProvenPdu};
use crate::event::Limits;
use crate::json::Value;
use crate::keys::KeyRing;
use crate::receive::NeededKey;
use crate::room_version::RoomVersion;
use crate::state::whole::StateDefect;
use crate::verdict::Verdict;

/// A state, read.
#[derive(Debug)]
pub struct StatePdus {
    room_id: String,
    version: &'static RoomVersion,
    state: Pdus,
    auth_chain: Pdus,
}

/// A state, proven event by event. Whether the events are allowed is for the room to say that they are
/// given to.
#[derive(Debug, Clone)]
pub struct ProvenState {
    /// The state: one event for a type and state key, all of the room asked about.
    pub state: Vec<ProvenPdu>,
    /// The auth chain.
    pub auth_chain: Vec<ProvenPdu>,
    /// What fell out of either list.
    pub fallen: Vec<FallenPdu>,
    /// Further items of either list that are too short to be events.
    pub fragments: usize,
    /// What keeps the auth chain from being whole.
    pub gaps: Gaps,
}

impl ProvenState {
    /// The state of a type and state key.
    #[must_use]
    pub fn get(&self, event_type: &str, state_key: &str) -> Option<&ProvenPdu> {
        self.state.iter().find(|pdu| pdu.is_state(event_type, state_key))
    }
}

impl StatePdus {
    pub(super) fn read(
        state: &[&[u8]],
        auth_chain: &[&[u8]],
        room_id: &str,
        version: &'static RoomVersion,
    ) -> Self {
        let read = |items| Pdus::read(items, Some(room_id), version, Limits::All);
        let mut state = read(state);
        let not_state =
            |index: &usize| state.batch().pdu(*index).is_some_and(|pdu| pdu.state_key().is_none());
        for index in (0..state.batch().len()).filter(not_state).collect::<Vec<_>>() {
            state.set_fault(index, Fault::NotState);
        }
        Self { room_id: room_id.to_owned(), version, auth_chain: read(auth_chain), state }
    }

    /// The keys that are missing for the events.
    #[must_use]
    pub fn keys_needed(&self, ring: &KeyRing) -> Vec<NeededKey> {
        let keys = [self.state.keys_needed(ring), self.auth_chain.keys_needed(ring)];
        NeededKey::merge(keys.into_iter().flatten())
    }

    /// Judges the events one by one, and the state as a whole.
    ///
    /// # Errors
    /// [`StateDefect`]; an event that is bad is no error, but falls out.
    pub fn judge(&self, ring: &KeyRing) -> Result<ProvenState, StateDefect> {
        let Judged { proven: state, mut fallen, fragments } = self.state.judge(ring);
        let chain = self.auth_chain.judge(ring);
        let auth_chain = chain.proven;
        check_create(self.version, &state, &fallen)?;
        check_conflicts(&state)?;
        fallen.extend(chain.fallen);
        let gaps = self.gaps(&state, &auth_chain);
        let fragments = fragments.saturating_add(chain.fragments);
        Ok(ProvenState { state, auth_chain, fallen, fragments, gaps })
    }

    fn gaps(&self, state: &[ProvenPdu], auth_chain: &[ProvenPdu]) -> Gaps {
        let mut seen = HashSet::new();
        let of = |pdus: &Pdus, event: &ProvenPdu| cited(pdus, event.index);
        let state = state.iter().map(|event| (event.event_id(), of(&self.state, event)));
        let chain = auth_chain.iter().map(|event| (event.event_id(), of(&self.auth_chain, event)));
        let events: Vec<_> = state
            .chain(chain)
            .filter(|(id, _)| seen.insert(*id))
            .map(|(id, cited)| (id.to_owned(), cited))
            .collect();
        gaps(&events)
    }

    /// The room asked about.
    #[must_use]
    pub fn room_id(&self) -> &str {
        &self.room_id
    }
}

/// The IDs of the auth events of an event, by its place in the list.
pub(super) fn cited(pdus: &Pdus, index: usize) -> Vec<String> {
    let pdu = pdus.batch().pdu(index);
    pdu.into_iter()
        .flat_map(|pdu| pdu.auth_events())
        .map(|reference| reference.event_id.into_owned())
        .collect()
}

fn is_create(verdict: &Verdict) -> bool {
    verdict.event_type.as_deref() == Some("m.room.create")
        && verdict.state_key.as_deref() == Some("")
}

/// The create event is there, is that of the room, and says the version that the room was said to have.
fn check_create(
    version: &RoomVersion,
    state: &[ProvenPdu],
    fallen: &[FallenPdu],
) -> Result<(), StateDefect> {
    let Some(create) = state.iter().find(|pdu| is_create(&pdu.verdict)) else {
        let other = fallen.iter().find_map(|pdu| match &pdu.fault {
            Some(Fault::OtherRoom(room)) if is_create(&pdu.verdict) => Some(room.clone()),
            _ => None,
        });
        return Err(other.map_or(StateDefect::NoCreate, StateDefect::OtherRoom));
    };
    let stated = create.event.get("content").and_then(|content| content.get("room_version"));
    let stated = stated.map_or(Some("1".into()), Value::as_str).unwrap_or_default();
    if stated != version.id {
        return Err(StateDefect::RoomVersion(stated.into_owned()));
    }
    Ok(())
}

fn check_conflicts(state: &[ProvenPdu]) -> Result<(), StateDefect> {
    let mut seen = BTreeMap::new();
    for pdu in state {
        let key = (&pdu.verdict.event_type, &pdu.verdict.state_key);
        if let Some(earlier) = seen.insert(key, pdu.event_id()) {
            return Err(StateDefect::Conflict(earlier.to_owned(), pdu.event_id().to_owned()));
        }
    }
    Ok(())
}
