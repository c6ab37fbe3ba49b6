/** Bytes that look random and are the same every time: mulberry32, by Tommy Ettinger, in the public domain. */
export function randomness(seed: number): (bytes: number) => Uint8Array {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) & 0xff;
  };
  return (bytes) => Uint8Array.from({ length: bytes }, next);
}
