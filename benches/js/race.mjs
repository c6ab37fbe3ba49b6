// Measuring on a machine that others use too.
//
// - CPU time of the process, not wall time: what a neighbour takes is not counted.
// - Contenders take turns in short blocks, and the order is turned round each time: a machine that
//   slows down slows down all of them.
// - A ratio is the median of the ratios of neighbouring blocks, not the ratio of two medians.

/** CPU time of this process so far, in microseconds. */
function cpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/**
 * @typedef {object} Contender
 * @property {number} events how many events one block judges
 * @property {(round: number) => unknown} block may give a promise
 * @property {boolean} [tells] it works in another process: what `block` gives is the CPU time that took
 */

/**
 * Runs the contenders against each other.
 *
 * @param {Record<string, Contender>} contenders
 * @param {{rounds?: number, warmUp?: number}} [options] `warmUp` in milliseconds for each contender
 * @returns {Promise<Results>}
 */
export async function race(contenders, { rounds = 41, warmUp = 300 } = {}) {
  const names = Object.keys(contenders);
  for (const name of names) {
    const until = performance.now() + warmUp;
    for (let round = 0; round < 3 || performance.now() < until; round++) await contenders[name].block(round);
  }
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const { block, events, tells } = contenders[name];
      const before = cpu();
      const pending = block(round);
      const told = pending instanceof Promise ? await pending : pending;
      times[name].push((tells ? told : cpu() - before) / events);
    }
  }
  return new Results(times);
}

/** What came out: microseconds of CPU time per event. */
export class Results {
  /** @param {Record<string, number[]>} times for each contender one number a round */
  constructor(times) {
    this.times = times;
  }

  median(name) {
    return median(this.times[name]);
  }

  /** How many times faster `ours` is than `theirs`. */
  ratio(ours, theirs) {
    return median(this.times[theirs].map((time, round) => time / this.times[ours][round]));
  }

  /** What `whole` takes beyond `part`. */
  beyond(whole, part) {
    return median(this.times[whole].map((time, round) => time - this.times[part][round]));
  }
}

export function median(numbers) {
  const sorted = numbers.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
