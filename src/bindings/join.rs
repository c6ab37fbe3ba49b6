//! A join, from the answer of the server that helped.

use js_sys::{Array, Uint8Array, Uint32Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::keys::KeyRing;
use super::state::{Room, given_state, seen_text};
use super::{Thrown, VerifyOptions, json_text, text};
use crate::federation::Join as CoreJoin;
use crate::room_version::RoomVersion;

/// A join whose answer is being read.
#[wasm_bindgen]
pub struct Join {
    join: CoreJoin,
}

#[wasm_bindgen]
impl Join {
    /// `options` as for verifying events.
    #[wasm_bindgen(constructor)]
    pub fn new(room_version: &str, room_id: &str, options: &JsValue) -> Result<Self, JsValue> {
        let version = RoomVersion::get(room_version).map_err(Thrown::from)?;
        let options = VerifyOptions::read(options).options();
        Ok(Self { join: CoreJoin::new(version, room_id, options) })
    }

    /// Takes the next piece of the answer; gives the events that it completes: `[bytes, ends]`, all of
    /// them one after the other, and where each ends. (An array of bytes for each would cost more than
    /// the checks of an event without its signature.)
    pub fn push(&mut self, piece: &[u8]) -> Result<Array, JsValue> {
        let taken = self.join.push(piece).map_err(Thrown::from)?;
        let ends = taken.iter().scan(0usize, |end, event| {
            *end = end.saturating_add(event.len());
            u32::try_from(*end).ok()
        });
        let ends: Vec<u32> = ends.collect();
        let bytes = Uint8Array::from(taken.concat().as_slice());
        Ok(Array::of2(&bytes, &Uint32Array::from(ends.as_slice())))
    }

    /// Judges up to `most` events; gives whether there may be more.
    pub fn step(&mut self, ring: &KeyRing, most: u32) -> bool {
        (0..most).all(|_| self.join.step(&ring.ring.borrow()))
    }

    /// Puts up to `most` events into the state; gives whether there may be more.
    pub fn settle(&mut self, most: u32) -> bool {
        self.join.settle(most as usize)
    }

    /// What became of the events, as a JSON array of `[number, event_id, useless]`.
    pub fn take_seen(&mut self) -> String {
        seen_text(&self.join.take_seen())
    }

    /// Ends the answer, and judges our join event; gives the report as JSON, with the event as text. What is
    /// there of the state is told by IDs in `state_ids`.
    pub fn finish(&mut self, event: &[u8], ring: &KeyRing) -> Result<String, JsValue> {
        let report = self.join.finish(event, &ring.ring.borrow()).map_err(Thrown::from)?;
        Ok(format!(
            "{{\"event\":{},\"event_id\":{},\"verdict\":{},\"state\":{},\"fallen\":{},\"missing\":{},\"partial\":{},\"servers_in_room\":{},\"state_ids\":{}}}",
            json_text(&text(report.event)),
            json_text(&report.event_id),
            json_text(&report.verdict),
            json_text(&given_state(&report.state)),
            json_text(&report.fallen),
            json_text(&report.missing),
            report.partial,
            json_text(&report.servers_in_room),
            json_text(&self.join.state_ids().collect::<Vec<_>>()),
        ))
    }

    /// The room. The join is gone then.
    #[must_use]
    pub fn into_room(self) -> Room {
        Room::of(self.join.into_room())
    }
}
