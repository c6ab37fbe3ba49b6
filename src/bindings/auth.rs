//! Authorization: what an event must cite, power levels, and the checks that need the room.

use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use super::keys::KeyRing;
use super::{Thrown, VerifyOptions, json_text, parse_object};
use crate::auth::{LevelTable, PowerLevels, Selection};
use crate::event::FormatError;
use crate::evidence::Evidence;
use crate::json::Value;
use crate::receive::{Given, GivenEvents};
use crate::room_version::RoomVersion;

/// The types and state keys that an event must cite, as a JSON array of pairs.
#[wasm_bindgen]
pub fn auth_types_for_event(event: &[u8], room_version: &str) -> Result<String, JsValue> {
    let version = RoomVersion::get(room_version).map_err(Thrown::from)?;
    let event = parse_object(event)?;
    // An event that is still being made: only what the selection needs must be there.
    let text = |field: &'static str| {
        let value = event.get(field).ok_or(FormatError::Missing { field })?;
        value.as_str().ok_or(FormatError::WrongType {
            field,
            expected: "a string",
            found: value.kind().name(),
        })
    };
    let event_type = text("type").map_err(Thrown::from)?;
    let sender = text("sender").map_err(Thrown::from)?;
    let state_key = event.get("state_key").and_then(Value::as_str);
    let content = event.get("content");
    let selection = Selection::new(version, &event_type, &sender, state_key.as_deref(), content);
    let list = selection.list();
    let pair = |(event_type, state_key): &(&str, String)| -> Evidence {
        [(*event_type).into(), state_key.into()].into_iter().collect()
    };
    Ok(json_text(&list.iter().map(pair).collect::<Evidence>()))
}

/// The levels that an `m.room.power_levels` event sets, as JSON.
#[wasm_bindgen]
pub fn power_levels(event: &[u8], room_version: &str) -> Result<String, JsValue> {
    let version = RoomVersion::get(room_version).map_err(Thrown::from)?;
    let event = parse_object(event)?;
    super::check_numbers(&event, version.strict_canonical_json, Some("unsigned"))?;
    let levels = PowerLevels::of(event.get("content"), version);
    Ok(json_text(&LevelTable(&levels)))
}

/// The room around an event: lists of events, read once.
#[wasm_bindgen]
pub struct RoomContext {
    given: Given,
}

#[wasm_bindgen]
impl RoomContext {
    /// `given` has `auth_events`, `state` and `current_state` (arrays of `Uint8Array`, or undefined),
    /// `create_event` (`Uint8Array` or undefined) and `rejected` (array of event IDs).
    #[wasm_bindgen(constructor)]
    pub fn new(room_version: &str, given: &JsValue) -> Result<Self, JsValue> {
        let version = RoomVersion::get(room_version).map_err(Thrown::from)?;
        let get = |name: &str| Reflect::get(given, &name.into()).unwrap_or_default();
        let lists = ["auth_events", "state", "current_state"].map(|name| events(&get(name)));
        let [auth_events, state, current_state] = lists
            .each_ref()
            .map(|list| list.as_ref().map(|list| list.iter().map(Vec::as_slice).collect()));
        let create_event = bytes(&get("create_event"));
        let rejected = get("rejected").dyn_into::<Array>().unwrap_or_default();
        let given = GivenEvents {
            auth_events,
            state,
            current_state,
            create_event: create_event.as_deref(),
            rejected: rejected.iter().filter_map(|id| id.as_string()).collect(),
        };
        Ok(Self { given: Given::read(&given, version) })
    }

    /// Judges an event by checks 1, 4 and 5; gives the verdict as JSON.
    #[must_use]
    pub fn check_auth(
        &self,
        ring: &KeyRing,
        has_keys: bool,
        event: &[u8],
        options: &JsValue,
    ) -> String {
        let options = VerifyOptions::read(options).options();
        let ring = ring.ring.borrow();
        let ring = has_keys.then_some(&*ring);
        json_text(&self.given.check_auth(event, ring, options))
    }

    /// Judges an event by all seven checks; gives the verdict as JSON.
    #[must_use]
    pub fn receive(&self, ring: &KeyRing, event: &[u8], options: &JsValue) -> String {
        let options = VerifyOptions::read(options).options();
        json_text(&self.given.receive(event, &ring.ring.borrow(), options))
    }
}

fn events(value: &JsValue) -> Option<Vec<Vec<u8>>> {
    let list = value.dyn_ref::<Array>()?;
    Some(list.iter().filter_map(|event| bytes(&event)).collect())
}

fn bytes(value: &JsValue) -> Option<Vec<u8>> {
    value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
}
