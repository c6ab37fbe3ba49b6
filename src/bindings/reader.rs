//! Documents of events, in one piece or in many.

use serde::Serialize;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::keys::{KeyRing, judge};
use super::{Result, Thrown, VerifyOptions, milliseconds, object};
use crate::json::{self, Numbers};
use crate::keys::KeyResponse;
use crate::reader::{EventReader as Reader, ReadError};
use crate::room_version::RoomVersion;

/// Takes a document in pieces and judges its events.
#[wasm_bindgen]
pub struct EventReader {
    reader: Reader,
    taken_keys: usize,
}

/// What a reader knows of its document.
#[derive(Serialize)]
struct Description<'a> {
    shape: &'static str,
    room_id: Option<&'a str>,
    room_version: Option<&'a str>,
    create_room_version: Option<&'a str>,
    events: usize,
    server_keys: usize,
}

#[wasm_bindgen]
impl EventReader {
    /// `shape` is `auto`, or `lines` to take each line as an event.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(shape: &str) -> Self {
        Self { reader: Reader::new(shape == "lines"), taken_keys: 0 }
    }

    /// Takes the next piece.
    pub fn push(&mut self, piece: &[u8]) -> std::result::Result<(), JsValue> {
        Ok(self.reader.push(piece).map_err(Thrown::from)?)
    }

    /// Says that the document is complete.
    pub fn end(&mut self) -> std::result::Result<(), JsValue> {
        Ok(self.reader.end().map_err(Thrown::from)?)
    }

    /// What is known of the document so far, as an object.
    pub fn describe(&self) -> std::result::Result<JsValue, JsValue> {
        Ok(object(&Description {
            shape: self.reader.shape().name(),
            room_id: self.reader.room_id(),
            room_version: self.reader.room_version(),
            create_room_version: self.reader.create_room_version(),
            events: self.reader.waiting(),
            server_keys: self.reader.server_keys().len(),
        })?)
    }

    /// The key responses seen since the last call, as the text of a JSON array.
    pub fn take_server_keys(&mut self) -> String {
        let all = self.reader.server_keys();
        let new = all.get(self.taken_keys..).unwrap_or_default().join(b",".as_slice());
        self.taken_keys = all.len();
        super::text([b"[".as_slice(), &new, b"]"].concat())
    }

    /// Judges the events read since the last call; gives a JSON array of verdicts.
    pub fn verify(
        &mut self,
        ring: &KeyRing,
        room_version: &str,
        options: &JsValue,
    ) -> std::result::Result<String, JsValue> {
        let options = VerifyOptions::read(options);
        let version = RoomVersion::get(room_version).map_err(Thrown::from)?;
        Ok(judge(&ring.ring.borrow(), self.reader.take_events(), version, &options))
    }

    /// Forgets the events read since the last call; gives how many they were.
    pub fn discard(&mut self) -> usize {
        self.reader.take_events().len()
    }
}

/// Judges all events of a document that is there in one piece. A room file brings its keys and
/// its room version along.
pub(super) fn verify_document(
    keys: &KeyRing,
    input: &[u8],
    room_version: &str,
    options: &VerifyOptions,
) -> Result<String> {
    let mut reader = Reader::new(false);
    reader.push(input)?;
    reader.end()?;
    let named = reader.room_version().or(reader.create_room_version());
    let version = match (room_version, named) {
        ("", Some(named)) => RoomVersion::get(named)?,
        ("", None) => {
            return Err(Thrown::new(
                "unknown_room_version",
                "the room version is given neither as an option nor by the document",
            ));
        }
        (given, _) => RoomVersion::get(given)?,
    };
    if reader.server_keys().is_empty() {
        return Ok(judge(&keys.ring.borrow(), reader.take_events(), version, options));
    }
    // The keys of the file count for this document only: they go into a copy of the ring.
    let mut ring = keys.ring.borrow().clone();
    let fetched_ts = options.fetched_ts.map_or(i64::MAX, milliseconds);
    for response in reader.server_keys() {
        if let Ok(response) = KeyResponse::verify(response, None, fetched_ts, ring.check()) {
            ring.add(response);
        }
    }
    Ok(judge(&ring, reader.take_events(), version, options))
}

/// The key responses in a document: one, an array, or the `server_keys` of an object.
pub(super) fn key_responses(input: &[u8]) -> Result<Vec<Vec<u8>>> {
    // Read whole first: what is no JSON has no parts.
    let document = json::parse(input, Numbers::Keep)?;
    let list = document.get("server_keys").unwrap_or(document.value());
    Ok(match list.as_array() {
        Some(items) => items.map(|item| item.text().to_vec()).collect(),
        None => vec![input.to_vec()],
    })
}

impl From<ReadError> for Thrown {
    fn from(error: ReadError) -> Self {
        Self::new(error.code(), error)
    }
}
