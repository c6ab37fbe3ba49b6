//! One event before one room, judged in a loop. `benches/wasm-ruma` is the same by ruma.

use std::hint::black_box;

use fedproof::auth::{Ask, Cited, Event, RoomCreate, StateMap, auth_rules, state_rules};
use fedproof::event::{Limits, Pdu};
use fedproof::json::{self, Numbers};
use fedproof::room_version::RoomVersion;
use wasm_bindgen::prelude::wasm_bindgen;

/// An event, and what it is judged by.
#[wasm_bindgen]
pub struct Authorization {
    event: &'static Event,
    cited: Vec<Cited<'static>>,
    state: StateMap<'static>,
}

#[wasm_bindgen]
impl Authorization {
    /// `events` is a JSON list of pairs, an ID and the text of the event: the room's state, and at
    /// the end the event that is judged by it. They are never given back.
    #[wasm_bindgen(constructor)]
    pub fn new(room_version: &str, events: &str) -> Self {
        let version = RoomVersion::get(room_version).unwrap();
        let events: Vec<(String, String)> = serde_json::from_str(events).unwrap();
        let read = |(id, text): &(String, String)| {
            let json = json::parse(text.as_bytes(), Numbers::Keep).unwrap();
            let pdu = Pdu::from_canonical(json, version, Limits::All);
            Event::new(pdu.ok().unwrap(), id.as_str())
        };
        let events: &'static [Event] = events.iter().map(read).collect::<Vec<_>>().leak();
        let (event, state) = events.split_last().unwrap();
        let ids = event.pdu().auth_events().map(|cited| cited.event_id.into_owned());
        let cited = ids.map(|id| {
            let event = state.iter().find(|event| event.id() == id).unwrap();
            Cited::Event { event, rejected: false }
        });
        Self { event, cited: cited.collect(), state: state.iter().collect() }
    }

    /// Judges the event by its auth events and by the state, so many times. It must be allowed.
    pub fn judge(&self, times: u32) {
        let create = RoomCreate::default();
        for _ in 0..times {
            let event = black_box(self.event);
            let by_cited = auth_rules(event, black_box(&self.cited), create, Ask::Decision);
            let by_state = state_rules(event, black_box(&self.state), create, Ask::Decision);
            assert!(by_cited.decision.is_allowed() && by_state.decision.is_allowed());
        }
    }
}
