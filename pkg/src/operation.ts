/**
 * The driver of conversations. The module says what it needs, a host does it, the driver carries
 * questions out and answers in, and ends what must end: each step by its time limit, the whole by
 * its own or by an abort.
 */
import type { CallOptions, Progress } from "./call-options.js";
import { type Answers, ask, type Deliver, type Effect, type HostEffect, read } from "./effects.js";
import { FedproofError } from "./errors.js";
import { failureOf, type GivenHost, type HostCapabilities, hostError } from "./host.js";
import type { FetchedKeys } from "./residents.js";
import { LONGEST_TIMER, nextTurn } from "./turns.js";
import { call, instance, type Wasm } from "./wasm.js";
import type { Operation } from "./wasm/fedproof.js";

/** What is told on the way beside progress. */
export interface Listeners extends CallOptions {
  /** A key response that was verified. */
  onServerKeys?: ((keys: FetchedKeys) => void) | undefined;
  /** Signs as our server; without it, what has to be signed fails. */
  sign?: ((message: Uint8Array) => Uint8Array) | undefined;
}

/** An operation inside the module, as far as it is used here. */
export type Drivable = Pick<Operation, Answers | "poll" | "take_body" | "take_result" | "take_attachment" | "fail" | "free">;

/** Begins an operation inside the module. */
export type Start = (wasm: Wasm, capabilities: HostCapabilities) => Drivable;

/**
 * Drives a conversation to its end.
 *
 * @returns The result: JSON text, and what goes with it.
 * @throws FedproofError what the conversation ends with; `aborted`, `timed_out`, `callback_failed`, `wasm_trap`.
 */
export function drive(start: Start, host: GivenHost, listeners: Listeners = {}): Promise<Ended> {
  return new Promise((resolve, reject) => new Driver(host, listeners, resolve, reject).begin(start));
}

/** What a call ends with when a callback of it threw. */
export function callbackFailed(cause: unknown): FedproofError {
  return new FedproofError("callback_failed", `a callback of the call threw: ${failureOf(cause).message}`, { cause });
}

/** What a conversation ends with. */
export interface Ended {
  json: string;
  /** An answer of another server as it came, where it is part of the result. */
  attachment: Uint8Array | undefined;
}

/** What the module tells each time it is polled. */
interface Told {
  ended: boolean;
  effects: Effect[];
  dropped: number[];
  notices: (
    | ({ kind: "progress" } & Progress)
    | ({ kind: "server_keys" } & FetchedKeys)
  )[];
}

const LOOK_UP_LIMIT = 15_000;
/** After so many milliseconds without a pause others get a turn. */
const PATIENCE = 25;

class Driver {
  readonly #host: GivenHost;
  readonly #listeners: Listeners;
  readonly #resolve: (result: Ended) => void;
  readonly #reject: (thrown: unknown) => void;
  readonly #steps = new Map<number, Step>();
  #operation: Drivable | undefined;
  /** The instance of the module in which the operation lives. */
  #home = -1;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #scheduled = false;
  #since = 0;
  /** The last failure of the host, and what was thrown: the module knows only what it says. */
  #failure: { code: string; cause: unknown } | undefined;
  #ended = false;

  constructor(host: GivenHost, listeners: Listeners, resolve: (result: Ended) => void, reject: (thrown: unknown) => void) {
    this.#host = host;
    this.#listeners = listeners;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(start: Start): void {
    const { signal, timeLimit } = this.#listeners;
    if (signal?.aborted) return this.#onAbort();
    try {
      this.#operation = call((wasm) => start(wasm, this.#host.capabilities));
      this.#home = instance();
      signal?.addEventListener("abort", this.#onAbort);
    } catch (thrown) {
      return this.#fail(thrown);
    }
    if (timeLimit !== undefined) {
      this.#timer = setTimeout(() => {
        const limit = { limit: timeLimit };
        this.#fail(new FedproofError("timed_out", `the call took longer than ${timeLimit} ms`, { details: limit }));
      }, timeLimit);
    }
    this.#since = performance.now();
    this.#turn();
  }

  readonly #onAbort = (): void => {
    const cause: unknown = this.#listeners.signal?.reason;
    this.#fail(new FedproofError("aborted", "the call was aborted", { cause }));
  };

  /** Lets the module run, once for all answers that have come. */
  #schedule(): void {
    if (this.#scheduled || this.#ended) return;
    this.#scheduled = true;
    // A host that answers at once, again and again, must not keep everybody else from running.
    if (performance.now() - this.#since < PATIENCE) return queueMicrotask(() => this.#turn());
    nextTurn(() => {
      this.#since = performance.now();
      this.#turn();
    });
  }

  #turn(): void {
    this.#scheduled = false;
    if (this.#ended) return;
    try {
      const told = JSON.parse(this.#use((operation) => operation.poll())) as Told;
      for (const id of told.dropped) this.#steps.get(id)?.stop("nobody waits for the answer any more");
      for (const id of told.dropped) this.#steps.delete(id);
      for (const notice of told.notices) this.#listen(notice);
      if (told.ended) {
        const json = this.#use((operation) => operation.take_result());
        const attachment = this.#use((operation) => operation.take_attachment());
        return this.#end(() => this.#resolve({ json, attachment }));
      }
      for (const effect of told.effects) this.#perform(effect);
      // Waiting for nothing it would wait for ever, and nobody would hear of it.
      if (this.#steps.size === 0 && !this.#scheduled) throw new FedproofError("wasm_trap", "a fault inside the module: the call waits for nothing");
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Runs `work` with the operation, unless the module was replaced meanwhile and the operation with it. */
  #use<R>(work: (operation: Drivable) => R): R {
    const operation = this.#operation;
    if (operation === undefined || this.#home !== instance()) {
      throw new FedproofError("wasm_trap", "a fault inside the module has ended this call; it can be made again");
    }
    return call(() => work(operation));
  }

  #listen(notice: Told["notices"][number]): void {
    // Another callback may have aborted the call meanwhile.
    if (this.#ended) return;
    const { onProgress, onServerKeys } = this.#listeners;
    try {
      if (notice.kind === "server_keys") return onServerKeys?.(notice);
      onProgress?.({ stage: notice.stage, done: notice.done, total: notice.total });
    } catch (cause) {
      throw callbackFailed(cause);
    }
  }

  #perform(effect: Effect): void {
    if (this.#ended) return;
    if (effect.kind === "sign") return this.#sign(effect.id);
    const body = effect.kind === "https" ? this.#use((operation) => operation.take_body(effect.id)) : undefined;
    const step = new Step(effect, this.#limitOf(effect), (outcome) => this.#deliver(effect.id, outcome));
    this.#steps.set(effect.id, step);
    step.begin(this.#host, body);
  }

  /** Signing is no business of the host's: the key is our server's. */
  #sign(id: number): void {
    const message = this.#use((operation) => operation.take_body(id)) ?? new Uint8Array();
    const { sign } = this.#listeners;
    try {
      if (sign === undefined) throw hostError("host_unsupported", "there is no key to sign with");
      const signature = sign(message);
      this.#use((operation) => operation.answer_signature(id, signature));
    } catch (thrown) {
      if (thrown instanceof FedproofError && thrown.code === "wasm_trap") throw thrown;
      this.#tellFailure(id, thrown);
    }
    this.#schedule();
  }

  #limitOf(effect: HostEffect): number {
    const most = this.#listeners.stepTimeLimit ?? Infinity;
    if (effect.kind === "https") return Math.min(most, effect.time_limit);
    if (effect.kind === "wait") return effect.ms + Math.min(most, LOOK_UP_LIMIT);
    return Math.min(most, LOOK_UP_LIMIT);
  }

  /** Takes what became of a step to the module. */
  #deliver(id: number, outcome: Outcome): void {
    if (!this.#steps.delete(id)) return;
    try {
      this.#answer(id, outcome);
      this.#schedule();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #answer(id: number, outcome: Outcome): void {
    if ("thrown" in outcome) return this.#tellFailure(id, outcome.thrown);
    try {
      this.#use((operation) => outcome.deliver(operation, id));
    } catch (thrown) {
      if (!(thrown instanceof FedproofError) || thrown.code === "wasm_trap") throw thrown;
      // The module found it to be no answer.
      this.#tellFailure(id, hostError("host_failed", `the host's answer is none: ${thrown.message}`, thrown));
    }
  }

  #tellFailure(id: number, thrown: unknown): void {
    const { code, message } = failureOf(thrown);
    this.#failure = { code, cause: thrown };
    this.#use((operation) => operation.fail(id, code, message));
  }

  #fail(thrown: unknown): void {
    this.#end(() => this.#reject(this.#explain(thrown)));
  }

  /** An error of a host that ends the call brings along what the host threw. */
  #explain(thrown: unknown): unknown {
    const failure = this.#failure;
    if (!(thrown instanceof FedproofError) || thrown.code !== failure?.code) return thrown;
    const { code, message, details, docs } = thrown;
    return new FedproofError(code, message, { details, docs, cause: failure.cause });
  }

  /** Settles, once, and leaves nothing behind: no timer, no listener, no step, no memory. */
  #end(settle: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    const operation = this.#operation;
    this.#operation = undefined;
    try {
      if (operation !== undefined && this.#home === instance()) call(() => operation.free());
    } catch {
      // A fault in giving back: the module is replaced, and all its memory with it.
    }
    settle();
    for (const step of this.#steps.values()) step.stop("the call has ended");
    this.#steps.clear();
    this.#listeners.signal?.removeEventListener("abort", this.#onAbort);
  }
}

type Outcome = { deliver: Deliver } | { thrown: unknown };

/** One effect on its way. */
class Step {
  readonly #effect: HostEffect;
  readonly #limit: number;
  readonly #controller = new AbortController();
  /** Let go at the end: a promise that never settles holds whoever waits for it. */
  #done: ((outcome: Outcome) => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(effect: HostEffect, limit: number, done: (outcome: Outcome) => void) {
    this.#effect = effect;
    this.#limit = limit;
    this.#done = done;
  }

  begin(host: GivenHost, body: Uint8Array | undefined): void {
    if (this.#limit <= LONGEST_TIMER) this.#timer = setTimeout(() => this.#timeOut(), this.#limit);
    let answer: unknown;
    try {
      answer = ask(this.#effect, host, body, this.#controller.signal);
    } catch (thrown) {
      answer = Promise.reject(thrown as Error);
    }
    // Also for an answer that is there already: the module is never entered from within its own turn. Not by
    // Promise.resolve, which takes a host's promise for one of its own and reads what may throw.
    new Promise((resolve) => resolve(answer)).then(
      (value) => this.#settle(() => ({ deliver: read(this.#effect, value) })),
      (thrown: unknown) => this.#settle(() => ({ thrown })),
    );
  }

  /** Nobody waits for it any more. */
  stop(why: string): void {
    this.#done = undefined;
    clearTimeout(this.#timer);
    this.#controller.abort(new FedproofError("aborted", why));
  }

  #timeOut(): void {
    const late = hostError("host_timed_out", `${this.#effect.kind} of the host took longer than ${this.#limit} ms`);
    this.#settle(() => ({ thrown: late }));
    this.#controller.abort(late);
  }

  #settle(outcome: () => Outcome): void {
    const done = this.#done;
    this.#done = undefined;
    clearTimeout(this.#timer);
    if (done === undefined) return;
    let came: Outcome;
    try {
      came = outcome();
    } catch (thrown) {
      // Not ours: by a getter or a trap of the answer.
      const unreadable = `the host's answer cannot be read: ${failureOf(thrown).message}`;
      came = { thrown: thrown instanceof FedproofError ? thrown : hostError("host_failed", unreadable, thrown) };
    }
    done(came);
  }
}
