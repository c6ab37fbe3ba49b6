/** How long a request may take. */
import type { CallOptions } from "../call-options.js";
import { FedproofError } from "../errors.js";
import { Refusal } from "./answer.js";

/** The time that a request has. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #begin = performance.now();

  constructor(readonly timeLimit: number) {}

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Runs `work`; if it is not done in time, everybody who works at it is told to stop. @throws Refusal 503. */
  async keep<T>(work: () => Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const refusal = new Refusal(503, "M_UNKNOWN", `the request was not answered within ${this.timeLimit} ms`);
        reject(refusal);
        this.#controller.abort(refusal);
      }, this.timeLimit);
    });
    try {
      return await Promise.race([work(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Others are asked in the first half only: so there is time to judge without what they do not say. */
  toAsk(): CallOptions {
    const left = this.timeLimit / 2 - (performance.now() - this.#begin);
    return { signal: this.signal, timeLimit: Math.max(left, 1) };
  }

  /** Asks others; that they do not help, or not in time, is no reason to end. */
  async ask<T>(question: (limits: CallOptions) => Promise<T>): Promise<T | undefined> {
    this.check();
    try {
      return await question(this.toAsk());
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
