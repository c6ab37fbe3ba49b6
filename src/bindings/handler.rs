//! What answering other servers needs.

use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use super::keys::KeyRing;
use super::state::Room;
use super::values::check_server_name;
use super::{Thrown, VerifyOptions, json_text, milliseconds, text};
use crate::federation::incoming::{ReceiveError, read_transaction};
use crate::keys::{OldKey, PublishError, unsigned_answer};
use crate::reader::RawEvent;
use crate::receive::{Batch, NeededKey};
use crate::room_version::RoomVersion;

/// The answer to `GET /_matrix/key/v2/server` before it is signed. `keys` and `old_keys` are IDs and
/// public halves in turn; `expired` since when each of the old ones is out of use.
#[wasm_bindgen]
pub fn unsigned_keys(
    server_name: &str,
    keys: Vec<String>,
    old_keys: Vec<String>,
    expired: Vec<f64>,
    valid_until_ts: f64,
) -> Result<String, JsValue> {
    check_server_name(server_name)?;
    let old = pairs(old_keys).into_iter().zip(expired);
    let old: Vec<_> = old
        .map(|((key_id, public_key), expired)| OldKey {
            key_id,
            public_key,
            expired_ts: milliseconds(expired),
        })
        .collect();
    let answer = unsigned_answer(server_name, &pairs(keys), &old, milliseconds(valid_until_ts));
    Ok(text(answer.map_err(Thrown::from)?.into_text()))
}

fn pairs(items: Vec<String>) -> Vec<(String, String)> {
    let mut items = items.into_iter();
    std::iter::from_fn(|| Some((items.next()?, items.next()?))).collect()
}

/// The parts of a transaction: `pdus`, an array of `Uint8Array` (null for what is too long to be an
/// event), and `edus`, an array of JSON texts.
#[wasm_bindgen]
pub fn split_transaction(body: &[u8]) -> Result<JsValue, JsValue> {
    let received = read_transaction(body).map_err(Thrown::from)?;
    let bytes =
        |pdu: &RawEvent| pdu.bytes().map_or(JsValue::NULL, |pdu| Uint8Array::from(pdu).into());
    let pdus: Array = received.pdus.iter().map(bytes).collect();
    let edus: Array = received.edus.iter().map(|edu| JsValue::from_str(edu)).collect();
    let split = Object::new();
    // Setting a member of an object of our own does not fail.
    let _ = Reflect::set(&split, &"pdus".into(), &pdus);
    let _ = Reflect::set(&split, &"edus".into(), &edus);
    Ok(split.into())
}

#[wasm_bindgen]
impl KeyRing {
    /// The keys that must be fetched before the signatures of events can be checked, as a JSON array of
    /// `[server, key_id, minimum_valid_until_ts]`. `events` is an array of `Uint8Array`.
    pub fn keys_needed(&self, events: &Array, room_version: &str) -> Result<String, JsValue> {
        let version = RoomVersion::get(room_version).map_err(Thrown::from)?;
        let bytes = |event: JsValue| event.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec);
        let events: Vec<Vec<u8>> = events.iter().filter_map(bytes).collect();
        let options = VerifyOptions::read(&JsValue::UNDEFINED).options();
        let batch = Batch::read(events.iter().map(Vec::as_slice), version, options);
        let needed = batch.keys_needed(&self.ring.borrow(), |_| true).into_iter();
        let entry = |key: NeededKey| (key.server, key.key_id, key.minimum_valid_until_ts);
        Ok(json_text(&needed.map(entry).collect::<Vec<_>>()))
    }
}

#[wasm_bindgen]
impl Room {
    /// The verdict on an event that waits, as JSON; `null` for one that does not.
    #[must_use]
    pub fn waiting_verdict(&self, event_id: &str) -> String {
        json_text(&self.room.undecided_one(event_id))
    }

    /// The ID of the event at a place of the current state, if there is one.
    #[must_use]
    pub fn current_event(&self, event_type: &str, state_key: &str) -> Option<String> {
        let graph = self.room.graph();
        let event = self.room.current_state().get(graph.place(event_type, state_key)?)?;
        Some(graph.id(event).to_owned())
    }
}

impl From<PublishError> for Thrown {
    fn from(error: PublishError) -> Self {
        Self::new(error.code(), error)
    }
}

impl From<ReceiveError> for Thrown {
    fn from(error: ReceiveError) -> Self {
        Self::new(error.code(), error)
    }
}
