/** What can be said about every call that talks to other servers. */
import { invalidArgument } from "./errors.js";
import type { Signal } from "./signal.js";
import { LONGEST_TIMER } from "./turns.js";

/** How far a conversation has come. */
export interface Progress {
  /** What it is at, a stable word. */
  stage: string;
  /** How many are done. */
  done: number;
  /** Of how many, if that is known. */
  total: number | undefined;
}

/** Options of everything that talks to other servers. */
export interface CallOptions {
  /** Ends the call: it throws `aborted`, with the signal's reason as its cause. */
  signal?: Signal | undefined;
  /** How long the whole may take, in milliseconds, before it throws `timed_out`. By default only its steps are limited. */
  timeLimit?: number | undefined;
  /**
   * How long one question to the host may take, in milliseconds. By default 15 seconds for a look-up, and what
   * the core says for a request. A step that takes too long has failed, the call may go on without it.
   */
  stepTimeLimit?: number | undefined;
  /** Called on the way; what it throws ends the call with `callback_failed`. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** How each of the {@link CallOptions} is checked, for `readOptions`. */
export const CALL_OPTIONS = { signal: toSignal, timeLimit: toLimit, stepTimeLimit: toLimit, onProgress: toFunction };

function toSignal(value: unknown, where: string): Signal {
  const signal = value as Partial<Signal> | null;
  const fits =
    typeof signal === "object" &&
    signal !== null &&
    typeof signal.aborted === "boolean" &&
    typeof signal.addEventListener === "function" &&
    typeof signal.removeEventListener === "function";
  if (!fits) throw invalidArgument(where, "an AbortSignal", value);
  return signal as Signal;
}

/** A time limit in milliseconds. */
export function toLimit(value: unknown, where: string): number {
  if (typeof value !== "number" || !(value > 0) || value > LONGEST_TIMER) {
    throw invalidArgument(where, `milliseconds, above 0 and up to ${LONGEST_TIMER}`, value);
  }
  return value;
}

function toFunction(value: unknown, where: string): (progress: Progress) => void {
  if (typeof value !== "function") throw invalidArgument(where, "a function", value);
  return value as (progress: Progress) => void;
}
