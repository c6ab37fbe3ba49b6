//! Four messages side by side, one in each 32-bit lane of a vector (FIPS 180-4, section 6.2).

use core::arch::wasm32::{
    i8x16_shuffle, u32x4, u32x4_add, u32x4_extract_lane, u32x4_shl, u32x4_shr, u32x4_splat, v128,
    v128_and, v128_andnot, v128_or, v128_xor,
};

use super::{Hash, hash};

const INITIAL: [u32; 8] = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/// The round constants, in four groups of sixteen.
const K: [[u32; 16]; 4] = [
    [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
        0x9bdc06a7, 0xc19bf174,
    ],
    [
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc,
        0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
        0x06ca6351, 0x14292967,
    ],
    [
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e,
        0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624,
        0xf40e3585, 0x106aa070,
    ],
    [
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
        0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb,
        0xbef9a3f7, 0xc67178f2,
    ],
];

pub(super) fn hash_all(messages: &[&[u8]]) -> Vec<Hash> {
    let mut hashes = Vec::with_capacity(messages.len());
    let (fours, rest) = messages.as_chunks::<4>();
    for four in fours {
        hashes.extend(hash_four(four));
    }
    match rest {
        // Three lanes of four are still quicker than three times one.
        [a, b, c] => hashes.extend(hash_four(&[a, b, c, b""]).into_iter().take(3)),
        rest => hashes.extend(rest.iter().map(|message| hash(message))),
    }
    hashes
}

fn hash_four(messages: &[&[u8]; 4]) -> [Hash; 4] {
    let messages = messages.map(Padded::new);
    let longest = messages.iter().map(|message| message.blocks).max().unwrap_or(0);
    let mut state = INITIAL.map(|word| u32x4_splat(word));
    let mut hashes = [[0; 32]; 4];
    for index in 0..longest {
        compress(&mut state, messages.each_ref().map(|message| message.block(index)));
        for (lane, (message, hash)) in messages.iter().zip(&mut hashes).enumerate() {
            // A lane whose message is finished goes on with zeros; its hash has been taken.
            if message.blocks == index.saturating_add(1) {
                *hash = lane_hash(&state, lane);
            }
        }
    }
    hashes
}

/// A message in blocks of 64 bytes, padded: a byte that marks its end, zeros, and its length in
/// bits in the last eight bytes.
struct Padded<'a> {
    full: &'a [[u8; 64]],
    tail: [[u8; 64]; 2],
    blocks: usize,
}

impl<'a> Padded<'a> {
    fn new(message: &'a [u8]) -> Self {
        let (full, rest) = message.as_chunks::<64>();
        let mut tail = [[0; 64]; 2];
        let end = rest.iter().chain(&[0x80]);
        for (byte, of_message) in tail.as_flattened_mut().iter_mut().zip(end) {
            *byte = *of_message;
        }
        let [first, second] = &mut tail;
        let (last, blocks) = if rest.len() < 56 { (first, 1) } else { (second, 2) };
        if let Some(length) = last.last_chunk_mut::<8>() {
            *length = (message.len() as u64).wrapping_mul(8).to_be_bytes();
        }
        Self { full, tail, blocks: full.len().saturating_add(blocks) }
    }

    fn block(&self, index: usize) -> &[u8; 64] {
        let tail = || self.tail.get(index.checked_sub(self.full.len())?);
        self.full.get(index).or_else(tail).unwrap_or(&[0; 64])
    }
}

fn lane_hash(state: &[v128; 8], lane: usize) -> Hash {
    let mut hash = [0; 32];
    for (bytes, words) in hash.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        let word = match lane {
            0 => u32x4_extract_lane::<0>(*words),
            1 => u32x4_extract_lane::<1>(*words),
            2 => u32x4_extract_lane::<2>(*words),
            _ => u32x4_extract_lane::<3>(*words),
        };
        *bytes = word.to_be_bytes();
    }
    hash
}

fn compress(state: &mut [v128; 8], blocks: [&[u8; 64]; 4]) {
    let mut w = schedule(blocks);
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (group, k) in K.iter().enumerate() {
        if group > 0 {
            expand(&mut w);
        }
        macro_rules! rounds {
            ($($i:literal)*) => {$(
                let t1 = add(add(h, big_sigma1(e)), choose(e, f, g));
                let t1 = add(t1, add(w[$i], u32x4_splat(k[$i])));
                let t2 = add(big_sigma0(a), majority(a, b, c));
                (h, g, f, e) = (g, f, e, add(d, t1));
                (d, c, b, a) = (c, b, a, add(t1, t2));
            )*};
        }
        rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    }
    for (word, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = add(*word, new);
    }
}

/// The first sixteen words of the message schedule.
fn schedule(blocks: [&[u8; 64]; 4]) -> [v128; 16] {
    let [a, b, c, d] = blocks.map(|block| block.as_chunks::<4>().0);
    let mut w = [u32x4_splat(0); 16];
    for (word, (((a, b), c), d)) in w.iter_mut().zip(a.iter().zip(b).zip(c).zip(d)) {
        let [a, b, c, d] = [a, b, c, d].map(|bytes| u32::from_le_bytes(*bytes));
        let words = u32x4(a, b, c, d);
        // From little to big endian in one instruction.
        *word = i8x16_shuffle::<3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12>(words, words);
    }
    w
}

/// The next sixteen words of the message schedule, in the place of the last.
fn expand(w: &mut [v128; 16]) {
    macro_rules! word {
        ($($i:literal $i1:literal $i9:literal $i14:literal)*) => {$(
            w[$i] = add(add(w[$i], small_sigma0(w[$i1])), add(w[$i9], small_sigma1(w[$i14])));
        )*};
    }
    word!(0 1 9 14  1 2 10 15  2 3 11 0  3 4 12 1  4 5 13 2  5 6 14 3  6 7 15 4  7 8 0 5);
    word!(8 9 1 6  9 10 2 7  10 11 3 8  11 12 4 9  12 13 5 10  13 14 6 11  14 15 7 12  15 0 8 13);
}

#[inline(always)]
fn add(left: v128, right: v128) -> v128 {
    u32x4_add(left, right)
}

#[inline(always)]
fn rotate(x: v128, by: u32) -> v128 {
    v128_or(u32x4_shr(x, by), u32x4_shl(x, 32u32.wrapping_sub(by)))
}

#[inline(always)]
fn xor3(a: v128, b: v128, c: v128) -> v128 {
    v128_xor(v128_xor(a, b), c)
}

#[inline(always)]
fn big_sigma0(x: v128) -> v128 {
    xor3(rotate(x, 2), rotate(x, 13), rotate(x, 22))
}

#[inline(always)]
fn big_sigma1(x: v128) -> v128 {
    xor3(rotate(x, 6), rotate(x, 11), rotate(x, 25))
}

#[inline(always)]
fn small_sigma0(x: v128) -> v128 {
    xor3(rotate(x, 7), rotate(x, 18), u32x4_shr(x, 3))
}

#[inline(always)]
fn small_sigma1(x: v128) -> v128 {
    xor3(rotate(x, 17), rotate(x, 19), u32x4_shr(x, 10))
}

#[inline(always)]
fn choose(e: v128, f: v128, g: v128) -> v128 {
    v128_xor(v128_and(e, f), v128_andnot(g, e))
}

#[inline(always)]
fn majority(a: v128, b: v128, c: v128) -> v128 {
    xor3(v128_and(a, b), v128_and(a, c), v128_and(b, c))
}
