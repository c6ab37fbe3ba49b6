/** One time limit over several conversations and the work between them. */
import type { CallOptions } from "./call-options.js";
import { FedproofError } from "./errors.js";
import type { Abortable } from "./pace.js";

export class Deadline {
  readonly #limits: CallOptions;
  readonly #until: number;

  constructor(limits: CallOptions) {
    this.#limits = limits;
    this.#until = performance.now() + (limits.timeLimit ?? Number.POSITIVE_INFINITY);
  }

  /** The limits of the next conversation: the time that is left. @throws FedproofError `timed_out`. */
  limits(): CallOptions {
    const { timeLimit } = this.#limits;
    if (timeLimit === undefined) return this.#limits;
    const left = this.#until - performance.now();
    if (left <= 0) throw this.#over();
    return { ...this.#limits, timeLimit: left };
  }

  /** Does work that can be aborted, within the time that is left. @throws FedproofError `timed_out`; what the work does. */
  async hold<T>(work: (signal: Abortable) => Promise<T>): Promise<T> {
    const { signal } = this.#limits;
    const isAborted = (): boolean => signal?.aborted === true;
    const isOver = (): boolean => performance.now() >= this.#until;
    const either = {
      get aborted(): boolean {
        return isAborted() || isOver();
      },
      get reason(): unknown {
        return signal?.reason;
      },
    };
    try {
      return await work(either);
    } catch (thrown) {
      const isOurs = thrown instanceof FedproofError && thrown.code === "aborted" && !isAborted();
      throw isOurs ? this.#over() : thrown;
    }
  }

  #over(): FedproofError {
    const { timeLimit } = this.#limits;
    return new FedproofError("timed_out", `the call took longer than ${timeLimit} ms`, { details: { limit: timeLimit } });
  }
}
