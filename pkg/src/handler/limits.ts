/** How long a request may take. */
import { FedproofError } from "../errors.js";
import { Refusal } from "./answer.js";

/** The time that a request has. */
export class Deadline {
  readonly #all = new AbortController();
  readonly #asking = new AbortController();

  /** @param timeLimit Milliseconds. */
  constructor(readonly timeLimit: number) {}

  /** Fires when the time is over. */
  get signal(): AbortSignal {
    return this.#all.signal;
  }

  /** Runs `work`; if it is not done in time, everybody who works at it is told to stop. @throws Refusal 503. */
  async keep<T>(work: () => Promise<T>): Promise<T> {
    const late = new Refusal(503, "M_UNKNOWN", `the request was not answered within ${this.timeLimit} ms`);
    const half = setTimeout(() => this.#asking.abort(late), this.timeLimit / 2);
    let all: ReturnType<typeof setTimeout> | undefined;
    const end = new Promise<never>((_, reject) => {
      all = setTimeout(() => {
        reject(late);
        this.#all.abort(late);
      }, this.timeLimit);
    });
    try {
      return await Promise.race([work(), end]);
    } finally {
      clearTimeout(half);
      clearTimeout(all);
    }
  }

  /**
   * Asks others, in the first half of the time only: so there is some left to judge without what they do not
   * say. That they do not help, or not in time, is no reason to end.
   */
  async ask<T>(question: (limits: { signal: AbortSignal }) => Promise<T>): Promise<T | undefined> {
    this.check();
    try {
      return await question({ signal: this.#asking.signal });
    } catch (thrown) {
      this.check();
      if (thrown instanceof FedproofError && thrown.code !== "wasm_trap") return undefined;
      throw thrown;
    }
  }

  /** @throws Refusal When the time is over. */
  check(): void {
    this.signal.throwIfAborted();
  }
}
