//! Work that the module does, without the boundary around it: events lie in the module's memory,
//! and one call from JavaScript starts a loop over all of them. Apart from that, the module is the
//! library's own, made with the same flags.

mod auth;
#[path = "../../shared/made/mod.rs"]
mod made;
mod signatures;
mod state;

use std::hint::black_box;
use std::sync::Arc;

use fedproof::json::{self, Numbers};
use fedproof::keys::{Dalek, KeyResponse, KeyRing};
use fedproof::reader::{EventReader, RawEvent};
use fedproof::receive::{self, Options};
use fedproof::room_version::RoomVersion;
use fedproof::verdict;
use made::trusting::Trusting;
use wasm_bindgen::prelude::wasm_bindgen;

/// Transactions and their events, and the keys to judge them by.
#[wasm_bindgen]
#[derive(Default)]
pub struct Inside {
    transactions: Vec<Vec<u8>>,
    events: Vec<Vec<u8>>,
    ring: KeyRing,
}

#[wasm_bindgen]
impl Inside {
    /// Without keys: verdicts will be incomplete.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes every signature by a known key for right, so that all but the signature is done.
    pub fn trusting() -> Self {
        Self {
            ring: KeyRing::with_check(Arc::new(Trusting)),
            ..Self::default()
        }
    }

    /// Takes the keys of a key response.
    pub fn add_keys(&mut self, response: &[u8], fetched_ts: f64) {
        let response = KeyResponse::verify(response, None, fetched_ts as i64, &Dalek);
        self.ring.add(response.unwrap());
    }

    /// Takes a transaction.
    pub fn add(&mut self, transaction: &[u8]) {
        self.transactions.push(transaction.to_vec());
        self.events.extend(split(transaction));
    }

    /// Finds the events in a transaction, judges them, and gives the text that the library gives
    /// to its face.
    pub fn judge(&self, transaction: &[u8], room_version: &str) -> String {
        let version = RoomVersion::get(room_version).unwrap();
        let events: Vec<Vec<u8>> = split(transaction).collect();
        let verdicts = events.chunks(8).flat_map(|some| {
            let some = some.iter().map(Vec::as_slice);
            receive::verify_all(some, version, &self.ring, Options::default())
        });
        verdict::to_text(version, verdicts)
    }

    /// The same for every transaction, without leaving the module.
    pub fn judge_all(&self, room_version: &str) -> usize {
        let judge = |transaction| black_box(self.judge(black_box(transaction), room_version)).len();
        self.transactions.iter().map(|transaction| judge(transaction)).sum()
    }

    /// Canonical JSON of every event, as the library makes it.
    pub fn canonical(&self) -> usize {
        self.each(|event| json::parse(event, Numbers::Keep).unwrap().into_text())
    }

    /// Canonical JSON of every event by way of `serde_json::Value`, whose map is sorted.
    pub fn canonical_by_value(&self) -> usize {
        self.each(|event| {
            let value: serde_json::Value = serde_json::from_slice(event).unwrap();
            serde_json::to_vec(&value).unwrap()
        })
    }

    /// Do both ways give the same?
    pub fn canonical_agrees(&self) -> bool {
        self.events.iter().all(|event| {
            let value: serde_json::Value = serde_json::from_slice(event).unwrap();
            serde_json::to_vec(&value).unwrap() == json::parse(event, Numbers::Keep).unwrap().text()
        })
    }

    fn each(&self, work: impl Fn(&[u8]) -> Vec<u8>) -> usize {
        self.events
            .iter()
            .map(|event| black_box(work(black_box(event))).len())
            .sum()
    }
}

fn split(transaction: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut reader = EventReader::new(false);
    reader.push(transaction).unwrap();
    reader.end().unwrap();
    reader.take_events().into_iter().map(|event| match event {
        RawEvent::Bytes(bytes) => bytes,
        RawEvent::TooLong(_) => Vec::new(),
    })
}
