//! Memory of the module, asked for in large steps.

use std::hint::black_box;

/// What is asked for at once, in bytes.
const STEP: usize = 4 << 20;

/// Sees to it that as much memory as a handful of events take lies ready.
///
/// The allocator asks the engine for 64 KB whenever it has none left, and engines take long to answer:
/// half a millisecond in Node 20, more than judging the events that fit in there. What is asked for
/// here and given back stays with the allocator. Where there is no more memory, nothing happens.
pub fn reserve() {
    let mut ahead: Vec<u8> = Vec::new();
    let _ = black_box(&mut ahead).try_reserve_exact(STEP);
    black_box(&ahead);
}
