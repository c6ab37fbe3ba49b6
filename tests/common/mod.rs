//! What the integration tests share: where data is, and how it is read.

#![allow(
    dead_code,
    unused_imports,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

pub mod chat;
pub mod federation;
pub mod host;
pub mod make;
pub mod model;
pub mod room;

use std::io::Write;
use std::path::{Path, PathBuf};

use fedproof::keys::{KeyResponse, KeyRing};
use fedproof::reader::{EventReader, RawEvent};
use fedproof::room_version::RoomVersion;

/// A file of the project's own test data.
pub fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)
}

/// A file of other projects' test vectors, which live beside the project; says so when it is
/// not there.
pub fn vectors(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/vectors").join(path);
    if path.exists() {
        Some(path)
    } else {
        // Not with eprintln!, whose text the test harness keeps to itself.
        let line = format!("skipped: the third-party vectors {} are not here\n", path.display());
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        None
    }
}

/// The lines of a file of the project's own test data that holds a JSON value a line.
pub fn json_lines(path: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The bytes that hexadecimal digits stand for.
pub fn hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// The files of a folder, in order.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A room file.
pub struct Room {
    pub name: String,
    pub version: &'static RoomVersion,
    pub ring: KeyRing,
    pub pdus: Vec<Vec<u8>>,
    pub event_ids: Vec<String>,
    /// What Synapse made of each event: outcome, and whether it is stored redacted.
    pub synapse: Vec<(String, bool)>,
}

impl Room {
    pub fn load(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let extra: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let mut reader = EventReader::new(false);
        reader.push(&bytes).unwrap();
        reader.end().unwrap();
        let mut ring = KeyRing::default();
        for response in reader.server_keys() {
            ring.add(KeyResponse::verify(response, None, i64::MAX, ring.check()).unwrap());
        }
        let pdus = reader
            .take_events()
            .into_iter()
            .map(|event| match event {
                RawEvent::Bytes(bytes) => bytes,
                RawEvent::TooLong(_) => panic!("an event of a room is too long"),
            })
            .collect();
        let list = |name: &str| extra[name].as_array().unwrap().clone();
        Self {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            version: RoomVersion::get(reader.room_version().unwrap()).unwrap(),
            ring,
            pdus,
            event_ids: list("event_ids").iter().map(|id| id.as_str().unwrap().to_owned()).collect(),
            synapse: list("synapse")
                .iter()
                .map(|event| {
                    (event["outcome"].as_str().unwrap().to_owned(), event["redacted"] == true)
                })
                .collect(),
        }
    }

    pub fn all() -> Vec<Self> {
        files(&data("rooms")).iter().map(|path| Self::load(path)).collect()
    }
}
