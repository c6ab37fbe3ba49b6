//! ruma's authorization rules in a module of their own, made with the flags of the library's: one
//! call from JavaScript starts a loop over the checks of one event.

#[path = "../../shared/ruma.rs"]
mod ruma;

use std::collections::HashMap;
use std::hint::black_box;

use ruma::{Pdu, State};
use ruma_common::room_version_rules::AuthorizationRules;
use ruma_common::{EventId, OwnedEventId, RoomVersionId};
use ruma_events::StateEventType;
use ruma_state_res::{
    Event, check_state_dependent_auth_rules, check_state_independent_auth_rules,
};
use wasm_bindgen::prelude::wasm_bindgen;

/// An event, and what it is judged by.
#[wasm_bindgen]
pub struct Authorization {
    rules: AuthorizationRules,
    event: &'static Pdu,
    by_id: HashMap<OwnedEventId, &'static Pdu>,
    cited: State<'static>,
    state: State<'static>,
}

#[wasm_bindgen]
impl Authorization {
    /// `events` is a JSON list of pairs, an ID and the text of the event: the room's state, and at
    /// the end the event that is judged by it. They are never given back.
    #[wasm_bindgen(constructor)]
    pub fn new(room_version: &str, events: &str) -> Self {
        let events: Vec<(String, String)> = serde_json::from_str(events).unwrap();
        let read = |(id, text): &(String, String)| Pdu::read(id, text).unwrap();
        let events: &'static [Pdu] = events.iter().map(read).collect::<Vec<_>>().leak();
        let (event, state) = events.split_last().unwrap();
        let by_id: HashMap<_, _> =
            state.iter().map(|sent| (sent.event_id().clone(), sent)).collect();
        let version = RoomVersionId::try_from(room_version).unwrap();
        Self {
            rules: version.rules().unwrap().authorization,
            event,
            cited: event.auth_events().map(|id| by_id[id]).collect(),
            state: state.iter().collect(),
            by_id,
        }
    }

    /// Judges the event by its auth events and by the state, so many times. It must be allowed.
    pub fn judge(&self, times: u32) {
        for _ in 0..times {
            let event = black_box(self.event);
            let find = |id: &EventId| self.by_id.get(id).copied();
            check_state_independent_auth_rules(&self.rules, event, find).unwrap();
            for state in [&self.cited, &self.state] {
                let fetch =
                    |event_type: &StateEventType, key: &str| black_box(state).get(event_type, key);
                check_state_dependent_auth_rules(&self.rules, event, fetch).unwrap();
            }
        }
    }
}
