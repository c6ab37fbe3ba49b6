//! State resolution, and whole rooms.

use std::collections::{HashMap, HashSet};

use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use super::keys::KeyRing;
use super::{Thrown, VerifyOptions, json_text, milliseconds, parse_object, text};
use crate::evidence::Evidence;
use crate::json::{self, Numbers, Value};
use crate::memory;
use crate::ordered;
use crate::reader::{EventReader, RawEvent};
use crate::room_version::RoomVersion;
use crate::state::given::{Entry, ResolveError, resolve_given};
use crate::state::{
    Arrival, DraftError, EventIndex, GivenState, GivenStateError, Giving, NewEvent,
    Room as CoreRoom, Seen, Snapshot, StateDraft, Step, Trace,
};
use crate::verdict::{self, Outcome, Verdict};

/// Resolves state sets. `state_sets` is a JSON array of arrays of `[type, state_key, event_id]`,
/// `events` an array of `Uint8Array`, `rejected` one of event IDs. Gives `{state, trace?}` as JSON.
#[wasm_bindgen]
pub fn resolve_state(
    room_version: &str,
    state_sets: &[u8],
    events: &Array,
    rejected: &Array,
    trace: bool,
) -> Result<String, JsValue> {
    let version = RoomVersion::get(room_version).map_err(Thrown::from)?;
    let sets = read_sets(state_sets)?;
    let events: Vec<Vec<u8>> = events.iter().filter_map(|event| bytes(&event)).collect();
    let events: Vec<&[u8]> = events.iter().map(Vec::as_slice).collect();
    let rejected: HashSet<String> = rejected.iter().filter_map(|id| id.as_string()).collect();
    let mut told = trace.then(Trace::default);
    let state = resolve_given(version, &sets, &events, &rejected, told.as_mut());
    let state = json_text(&state.map_err(Thrown::from)?);
    Ok(match told {
        None => format!("{{\"state\":{state}}}"),
        Some(trace) => format!("{{\"state\":{state},\"trace\":{}}}", json_text(&trace)),
    })
}

fn read_sets(text: &[u8]) -> Result<Vec<Vec<Entry>>, Thrown> {
    let document = json::parse(text, Numbers::Keep)?;
    let not_sets = || {
        Thrown::new(
            "invalid_argument",
            "state sets are an array of arrays of [type, state_key, event_id]",
        )
    };
    let entry = |entry: Value<'_>| -> Option<Entry> {
        let mut parts = entry.as_array()?;
        let mut text = || Some(parts.next()?.as_str()?.into_owned());
        let found = (text()?, text()?, text()?);
        parts.next().is_none().then_some(found)
    };
    let set = |set: Value<'_>| set.as_array()?.map(entry).collect::<Option<Vec<_>>>();
    let sets = document.value().as_array().and_then(|sets| sets.map(set).collect());
    sets.ok_or_else(not_sets)
}

fn bytes(value: &JsValue) -> Option<Vec<u8>> {
    value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
}

/// The events of a document as they stand in it, the room version that it says, and as what its events
/// came: `{room_version, events, arrivals}`.
#[wasm_bindgen]
pub fn split_events(document: &[u8]) -> Result<JsValue, JsValue> {
    let mut reader = EventReader::new(false);
    reader.push(document).map_err(Thrown::from)?;
    reader.end().map_err(Thrown::from)?;
    let version = reader.room_version().or(reader.create_room_version());
    let version = version.map_or(JsValue::NULL, JsValue::from_str);
    let events = reader.take_events();
    let events = events.iter().filter_map(RawEvent::bytes).map(Uint8Array::from);
    let split = Object::new();
    // Setting a member of an object of our own does not fail.
    let _ = Reflect::set(&split, &"room_version".into(), &version);
    let arrivals = reader.member("arrivals").map(|text| String::from_utf8_lossy(text).into_owned());
    let _ =
        Reflect::set(&split, &"arrivals".into(), &arrivals.map_or(JsValue::NULL, JsValue::from));
    let _ = Reflect::set(&split, &"events".into(), &events.collect::<Array>());
    Ok(split.into())
}

/// A room that is being received.
#[wasm_bindgen]
pub struct Room {
    pub(super) room: CoreRoom,
    /// States that are being put together, by the event before which they are, and of how many events.
    drafts: HashMap<String, (StateDraft, usize)>,
}

impl Room {
    pub(super) fn of(room: CoreRoom) -> Self {
        Self { room, drafts: HashMap::new() }
    }
}

#[wasm_bindgen]
impl Room {
    /// `options` as for verifying events.
    #[wasm_bindgen(constructor)]
    pub fn new(room_version: &str, options: &JsValue) -> Result<Self, JsValue> {
        let version = RoomVersion::get(room_version).map_err(Thrown::from)?;
        let room = CoreRoom::new(version, VerifyOptions::read(options).options());
        Ok(Self::of(room))
    }

    /// Says which room it is.
    pub fn set_room_id(&mut self, room_id: &str) {
        self.room.set_room_id(room_id);
    }

    /// Takes an event: `arrival` is `event`, `backfill` or `outlier`. What becomes of it is told under
    /// `number`, if there is one.
    pub fn push(&mut self, event: Vec<u8>, arrival: Option<String>, number: Option<u32>) {
        let arrival = match arrival.as_deref() {
            Some("outlier") => Arrival::Outlier,
            Some("backfill") => Arrival::Backfill,
            _ => Arrival::Event,
        };
        self.room.push_as(event, arrival, number);
    }

    /// The ID of an event and its room, as a JSON array; `null` if it is malformed.
    #[must_use]
    pub fn identify(&self, event: &[u8]) -> String {
        json_text(&self.room.identify(event))
    }

    /// Adds events, a JSON array of IDs, to the state before an event of a room, which is being put
    /// together; the `first` ones begin it.
    pub fn draft_state(
        &mut self,
        event_id: &str,
        room_id: &str,
        state: &[u8],
        first: bool,
    ) -> Result<(), JsValue> {
        let document = json::parse(state, Numbers::Keep).map_err(Thrown::from)?;
        let ids = document.value().as_array().into_iter().flatten().filter_map(Value::as_str);
        if first {
            self.drafts.remove(event_id);
        }
        let new = || (StateDraft::new(room_id), 0);
        let (draft, count) = self.drafts.entry(event_id.to_owned()).or_insert_with(new);
        for id in ids {
            self.room.add_to_draft(draft, &id);
            *count = count.saturating_add(1);
        }
        Ok(())
    }

    /// How many events were added to the state before an event.
    #[must_use]
    pub fn drafted(&self, event_id: &str) -> usize {
        self.drafts.get(event_id).map_or(0, |(_, count)| *count)
    }

    /// Forgets the state that is being put together.
    pub fn forget_draft(&mut self, event_id: &str) {
        self.drafts.remove(event_id);
    }

    /// Gives the state that was put together before an event. Gives `{taken, fallen, missing}` as JSON.
    pub fn give_state(
        &mut self,
        event_id: &str,
        partial: bool,
        strict: bool,
    ) -> Result<String, JsValue> {
        let draft = self.drafts.remove(event_id).map(|(draft, _)| draft);
        let draft = draft.unwrap_or_else(|| StateDraft::new(""));
        let given = self.room.give_draft(event_id, draft, Giving { partial, strict });
        Ok(json_text(&given_state(&given.map_err(Thrown::from)?)))
    }

    /// A new event of ours, with all but hash and signature, as canonical JSON text.
    #[allow(clippy::too_many_arguments, reason = "a struct would be an object built key by key")]
    pub fn draft(
        &self,
        event_type: &str,
        sender: &str,
        state_key: Option<String>,
        content: &[u8],
        redacts: Option<String>,
        origin_server_ts: f64,
        event_id: Option<String>,
        room_id: Option<String>,
    ) -> Result<String, JsValue> {
        let content = parse_object(content)?;
        let event = self.room.draft(&NewEvent {
            event_type,
            sender,
            state_key: state_key.as_deref(),
            content: Some(content.value()),
            redacts: redacts.as_deref(),
            origin_server_ts: milliseconds(origin_server_ts),
            event_id: event_id.as_deref(),
            room_id: room_id.as_deref(),
        });
        Ok(text(event.map_err(Thrown::from)?.into_text()))
    }

    /// Looks at up to `most` events that came; gives `{"verdicts": …, "seen": […]}` as JSON: the verdicts
    /// as [`verdict::to_room_text`] has them, and what became of events that were pushed with a number,
    /// `[number, event_id, useless]`. Of outliers, only those have a verdict there that are not plainly
    /// accepted.
    pub fn step(&mut self, ring: &KeyRing, most: u32) -> String {
        memory::reserve();
        let mut verdicts = Vec::new();
        for _ in 0..most {
            match self.room.step(&ring.ring.borrow()) {
                Step::Verdict(verdict) => verdicts.push(verdict),
                Step::Outlier(verdict) => verdicts.extend(Some(verdict).filter(is_worth_telling)),
                Step::Waits | Step::Again(_) => {}
                Step::Idle => break,
            }
        }
        let seen = seen_text(&self.room.take_seen());
        format!(
            "{{\"verdicts\":{},\"seen\":{seen}}}",
            verdict::to_room_text(self.room.graph().version(), &verdicts)
        )
    }

    /// Has everything that came been looked at?
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.room.is_idle()
    }

    /// Looks again at events that wait for keys.
    pub fn retry(&mut self) {
        self.room.retry();
    }

    /// Verdicts on up to `most` events that wait, from behind the ID `after`, as a JSON array.
    #[must_use]
    pub fn undecided(&self, after: &str, most: u32) -> String {
        let verdicts = self.room.undecided_after(after).take(most as usize);
        json_text(&verdicts.collect::<Vec<_>>())
    }

    /// What an event that waits has not got yet: `{previous, auth, starts, min_depth}` as JSON; `null` for
    /// one that does not wait.
    #[must_use]
    pub fn gap(&self, event_id: &str) -> String {
        let list = |ids: &[String]| ids.iter().map(Evidence::from).collect::<Evidence>();
        let gap = self.room.gap(event_id).map(|gap| {
            Evidence::object([
                ("previous", list(&gap.previous)),
                ("auth", list(&gap.auth)),
                ("starts", list(&gap.starts)),
                ("min_depth", gap.min_depth.into()),
            ])
        });
        json_text(&gap)
    }

    /// Does the current state lack members?
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.room.is_partial()
    }

    /// The events that are needed and have not come, as a JSON array of `[event_id, waiting]`.
    #[must_use]
    pub fn missing_events(&self) -> String {
        let mut missing: Vec<_> = self.room.missing_events().collect();
        ordered::sort(&mut missing);
        json_text(&missing)
    }

    /// A state as a JSON array of `[type, state_key, event_id]`: the current one, or that before or after
    /// an event; `null` for an event that is not there.
    #[must_use]
    pub fn state(&self, which: &str, event_id: Option<String>) -> String {
        let event = event_id.as_ref().and_then(|id| self.room.graph().find(id));
        let snapshot = match (which, event) {
            ("before", Some(event)) => self.room.state_before(event),
            ("after", Some(event)) => self.room.state_after(event),
            ("current", _) => Some(self.room.current_state()),
            _ => None,
        };
        snapshot.map_or("null".to_owned(), |snapshot| json_text(&self.entries(snapshot)))
    }

    fn entries(&self, snapshot: &Snapshot) -> Vec<(String, String, String)> {
        let graph = self.room.graph();
        let mut entries: Vec<_> = snapshot
            .iter()
            .map(|(place, event)| {
                let (event_type, state_key) = graph.name(place);
                (event_type.to_owned(), state_key.to_owned(), graph.id(event).to_owned())
            })
            .collect();
        ordered::sort(&mut entries);
        entries
    }

    /// The IDs of the forward extremities, as a JSON array.
    #[must_use]
    pub fn extremities(&self) -> String {
        let graph = self.room.graph();
        let mut ids: Vec<&str> = self.room.extremities().map(|event| graph.id(event)).collect();
        ordered::sort(&mut ids);
        json_text(&ids)
    }

    /// An event: `{outcome, outlier, redacted_by}` and the event in `pdu`, as JSON; `null` for one that is not there.
    #[must_use]
    pub fn event(&self, event_id: &str) -> String {
        let graph = self.room.graph();
        let found = graph.find(event_id).and_then(|index| Some((index, graph.node(index)?)));
        let Some((index, node)) = found else { return "null".to_owned() };
        let redacted_by = self.room.redacted_by(index).map(|by| graph.id(by));
        format!(
            "{{\"outcome\":{},\"outlier\":{},\"redacted_by\":{},\"pdu\":{}}}",
            json_text(&self.room.outcome(index)),
            self.room.is_outlier(index),
            json_text(&redacted_by),
            node.event.pdu().json().as_str(),
        )
    }

    /// How many events there are, and how many wait: `[events, waiting]` as JSON.
    #[must_use]
    pub fn counts(&self) -> String {
        json_text(&(self.room.graph().len(), self.room.waiting()))
    }

    /// How the states after these events (a JSON array of IDs) become one, as JSON.
    pub fn trace(&self, event_ids: &[u8]) -> Result<String, JsValue> {
        let document = json::parse(event_ids, Numbers::Keep).map_err(Thrown::from)?;
        let ids = document.value().as_array().into_iter().flatten().filter_map(Value::as_str);
        let graph = self.room.graph();
        let events: Vec<EventIndex> = ids.filter_map(|id| graph.find(&id)).collect();
        Ok(json_text(&self.room.trace(&events)))
    }
}

/// An outlier that is accepted as it came is one of very many.
fn is_worth_telling(verdict: &Verdict) -> bool {
    verdict.outcome != Outcome::Accepted || verdict.redacted || !verdict.flags.is_empty()
}

/// What became of numbered events, as a JSON array of `[number, event_id, useless]`.
pub(super) fn seen_text(seen: &[Seen]) -> String {
    let seen = seen.iter().map(|seen| (seen.number, &seen.event_id, seen.useless));
    json_text(&seen.collect::<Vec<_>>())
}

pub(super) fn given_state(given: &GivenState) -> Evidence {
    let list = |ids: &[String]| ids.iter().map(Evidence::from).collect::<Evidence>();
    Evidence::object([
        ("taken", given.taken.into()),
        ("fallen", list(&given.fallen)),
        ("missing", list(&given.missing)),
    ])
}

impl From<GivenStateError> for Thrown {
    fn from(error: GivenStateError) -> Self {
        Self::new(error.code(), &error).with("evidence", error.evidence())
    }
}

impl From<DraftError> for Thrown {
    fn from(error: DraftError) -> Self {
        Self::new(error.code(), &error)
    }
}

impl From<ResolveError> for Thrown {
    fn from(error: ResolveError) -> Self {
        Self::new(error.code(), &error).with("evidence", error.evidence())
    }
}
