/** Long work in parts, between which others get to run. */
import { FedproofError, invalidArgument } from "./errors.js";

/** An `AbortSignal`, or what looks like one. */
export interface Abortable {
  readonly aborted: boolean;
  readonly reason?: unknown;
}

/** How much is done between two looks at the clock. */
export const AT_ONCE = 16;
/** The longest time that others are kept from running, in ms. */
const PATIENCE = 25;

/**
 * Makes a function to be awaited after each part of `what`: it lets others run when it is time.
 *
 * @throws FedproofError `aborted`, when it is awaited.
 */
export function pace(what: string, signal?: Abortable): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (signal?.aborted) throw new FedproofError("aborted", `${what} was aborted`, { cause: signal.reason });
    if (performance.now() - since < PATIENCE) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    since = performance.now();
  };
}

/** An option that is an {@link Abortable}. */
export function toSignal(value: unknown, where: string): Abortable {
  const signal = value as Abortable | null;
  if (typeof signal === "object" && signal !== null && typeof signal.aborted === "boolean") return signal;
  throw invalidArgument(where, "an AbortSignal", value);
}

/** An option that is told how far the work is. */
export function toProgress(value: unknown, where: string): (done: number) => void {
  if (typeof value === "function") return value as (done: number) => void;
  throw invalidArgument(where, "a function", value);
}
