//! Rooms made up for the benchmarks of state resolution and of whole rooms, natively and in wasm.

// Not everybody uses all of it.
#![allow(dead_code)]

pub mod forks;
pub mod maker;
pub mod ours;
pub mod replay;
pub mod trusting;
