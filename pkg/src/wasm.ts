/**
 * The door to the WebAssembly module. Every call passes through {@link call}, so that in one place
 * - what the module throws becomes a {@link FedproofError};
 * - a trap (a fault of ours, or memory at its end) does not leave a dead module behind: the
 *   instance is replaced before the next call, and objects that lived in it are made again.
 */
import { FedproofError } from "./errors.js";
import * as glue from "./wasm/fedproof.js";

/** The functions and classes of the module. */
export type Wasm = typeof glue;

let ready = false;
/** The instance trapped: its memory may be in any state, nothing may run in it again. */
let broken = false;
/** Counts instances; objects made in an older one are gone. */
let generation = 0;

/** Makes the instance, synchronously. Further calls change nothing. */
export function provide(source: BufferSource | WebAssembly.Module): void {
  if (ready) return;
  glue.initSync({
    module: source instanceof WebAssembly.Module ? source : new WebAssembly.Module(source),
  });
  ready = true;
}

/** Runs `work` with the module. */
export function call<T>(work: (wasm: Wasm) => T): T {
  enter();
  try {
    return work(glue);
  } catch (thrown) {
    throw translate(thrown);
  }
}

/** An object inside the module that is made again when the instance was replaced. */
export class Resident<T extends { free(): void }> {
  readonly #make: (wasm: Wasm) => T;
  #object: T | undefined;
  #generation = -1;

  /** `make` builds the object from what JavaScript remembers; it may be called many times. */
  constructor(make: (wasm: Wasm) => T) {
    this.#make = make;
  }

  /** Runs `work` with the object. */
  use<R>(work: (object: T) => R): R {
    return call((wasm) => {
      if (this.#object === undefined || this.#generation !== generation) {
        this.#object = this.#make(wasm);
        this.#generation = generation;
      }
      return work(this.#object);
    });
  }

  /** Takes over an object that was made in the present instance otherwise. */
  adopt(object: T): void {
    this.free();
    this.#object = object;
    this.#generation = generation;
  }

  /** Gives the memory back now. (Without it, garbage collection does.) The object comes back when used. */
  free(): void {
    const object = this.#object;
    this.#object = undefined;
    if (object !== undefined && this.#generation === generation) call(() => object.free());
  }
}

/** The number of the present instance; it changes when a trap made it useless. */
export function instance(): number {
  return generation;
}

function enter(): void {
  if (!ready) {
    throw new FedproofError(
      "not_initialised",
      'the WebAssembly module is not loaded yet: call init() of "fedproof/slim" first',
    );
  }
  if (broken) {
    // Not done where the trap is caught: there the stack may be at its end.
    glue.__wbg_reset_state();
    broken = false;
  }
}

function translate(thrown: unknown): unknown {
  // The module throws its errors as the text of a JSON object.
  if (typeof thrown === "string") return fromModule(JSON.parse(thrown) as ModuleError);
  if (isTrap(thrown)) {
    broken = true;
    generation += 1;
    return new FedproofError(
      "wasm_trap",
      `the WebAssembly module stopped (${thrown.message}) and will be replaced; nothing that was added is lost`,
      { cause: thrown },
    );
  }
  return thrown;
}

/** A trap; or (RangeError, in Firefox InternalError) a stack overflow, or no memory to be had. */
function isTrap(thrown: unknown): thrown is Error {
  return (
    thrown instanceof WebAssembly.RuntimeError ||
    thrown instanceof RangeError ||
    (thrown instanceof Error && thrown.name === "InternalError")
  );
}

/** How the module tells an error. */
export interface ModuleError {
  code: string;
  message: string;
  [detail: string]: unknown;
}

/** The exception for an error of the module. */
export function fromModule({ code, message, ...details }: ModuleError): FedproofError {
  return new FedproofError(code, message, { details, docs: specOf(code) });
}

let specs: Map<string, string> | undefined;

/** The section of the specification behind a code. */
function specOf(code: string): string | undefined {
  if (specs === undefined) {
    const rows = JSON.parse(glue.verdict_codes()) as { code: string; spec: string }[];
    specs = new Map(rows.map(({ code, spec }) => [code, spec]));
  }
  return specs.get(code);
}
