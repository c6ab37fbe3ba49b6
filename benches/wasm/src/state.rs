//! State resolution from a room that lies in the module's memory, and whole rooms event by event.

use std::hint::black_box;

use fedproof::keys::{Dalek, KeyRing, PublicKey, SignatureCheck, SignatureOutcome, SigningKey};
use fedproof::memory;
use fedproof::receive::Options;
use fedproof::room_version::RoomVersion;
use fedproof::state::{Room, Step};
use fedproof::verdict;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::made::forks::Fork;
use crate::made::ours::Ours;
use crate::made::trusting::trusting_ring;

/// A big room with a fork, whose states are resolved in a loop.
#[wasm_bindgen]
pub struct Resolution(Ours);

#[wasm_bindgen]
impl Resolution {
    #[wasm_bindgen(constructor)]
    pub fn new(room_version: &str, members: usize, disputed: usize) -> Self {
        let version = RoomVersion::get(room_version).unwrap();
        Self(Ours::new(&Fork::of_profiles(version, members, disputed)))
    }

    pub fn resolve(&self, times: u32) {
        for _ in 0..times {
            black_box(black_box(&self.0).resolve());
        }
    }

    /// A hash over the resolved state.
    pub fn digest(&self) -> String {
        self.0.digest()
    }
}

/// The library's room, as its face uses it. Every signature by a known key is taken for right.
#[wasm_bindgen]
pub struct Replay {
    room: Room,
    ring: KeyRing,
}

#[wasm_bindgen]
impl Replay {
    #[wasm_bindgen(constructor)]
    pub fn new(room_version: &str) -> Self {
        let version = RoomVersion::get(room_version).unwrap();
        Self { room: Room::new(version, Options::default()), ring: trusting_ring() }
    }

    pub fn push(&mut self, event: Vec<u8>) {
        self.room.push(event);
    }

    /// Looks at up to `most` events; gives the verdicts as the library does to its face.
    pub fn step(&mut self, most: u32) -> String {
        memory::reserve();
        let mut verdicts = Vec::new();
        for _ in 0..most {
            match self.room.step(&self.ring) {
                Step::Verdict(verdict) | Step::Outlier(verdict) => verdicts.push(verdict),
                Step::Waits | Step::Again(_) => {}
                Step::Idle => break,
            }
        }
        verdict::to_room_text(self.room.graph().version(), &verdicts)
    }

    /// How many events stand in the current state.
    pub fn state_size(&self) -> usize {
        self.room.current_state().iter().count()
    }
}

/// A signature of a message as long as what is signed of an event.
#[wasm_bindgen]
pub struct Signature {
    key: PublicKey,
    message: Vec<u8>,
    signature: [u8; 64],
}

#[wasm_bindgen]
impl Signature {
    #[wasm_bindgen(constructor)]
    pub fn new(length: usize) -> Self {
        let key = SigningKey::from_seed("ed25519:a", &[7; 32]).ok().unwrap();
        let message = vec![b'x'; length];
        let signature = key.sign(&message);
        let key = PublicKey::from_base64(&key.public_key()).ok().unwrap();
        Self { key, message, signature }
    }

    /// Checks it by the reference, so many times.
    pub fn check(&self, times: u32) {
        for _ in 0..times {
            let outcome = Dalek.check(&self.key, black_box(&self.message), &self.signature);
            assert_eq!(outcome, SignatureOutcome::Valid);
        }
    }
}

/// How large the module's memory is. It never shrinks.
#[wasm_bindgen]
pub fn memory_bytes() -> usize {
    core::arch::wasm32::memory_size::<0>() * 65_536
}
