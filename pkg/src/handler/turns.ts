/** One after the other, where two at once would get into each other's way. */
export class KeyedTurns {
  /** The end of each queue. Only what somebody works at is here. */
  readonly #last = new Map<string, Promise<void>>();

  /** Runs `work` when all that was asked for under `key` before is done. */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const mine = before === undefined ? work() : before.then(work);
    const end = mine.then(
      () => {},
      () => {},
    );
    this.#last.set(key, end);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === end) this.#last.delete(key);
    }
  }
}
