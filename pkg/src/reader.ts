/** Reads events from chunks of a file of any size. For the command line; not part of the package's face. */
import { FedproofError } from "./errors.js";
import type { KeyRing } from "./keys.js";
import { residentOf } from "./residents.js";
import type { VerifySwitches } from "./session.js";
import type { Verdict } from "./verdict.js";
import { readVerdicts } from "./verdicts.js";
import { call, instance } from "./wasm.js";
import type { EventReader as WasmEventReader } from "./wasm/fedproof.js";

/** What a file turned out to be, so far. */
export interface Description {
  shape: "room" | "array" | "lines" | "event" | "unknown";
  room_id: string | null;
  /** From the header of a room file. */
  room_version: string | null;
  /** From the first event, when that is the m.room.create. */
  create_room_version: string | null;
  /** Events gathered and not yet taken. */
  events: number;
  /** Key responses seen. */
  server_keys: number;
}

/** A reader; unlike a key ring it cannot be made again after a trap, so the file must be read again. */
export class EventReader {
  readonly #reader: WasmEventReader;
  readonly #instance = instance();

  constructor(shape: "auto" | "lines" = "auto") {
    this.#reader = call((wasm) => new wasm.EventReader(shape));
  }

  /** The next bytes of the file. */
  push(chunk: Uint8Array): void {
    this.#use((reader) => reader.push(chunk));
  }

  /** No more bytes. @throws FedproofError `input_*` when the file is no such input. */
  end(): void {
    this.#use((reader) => reader.end());
  }

  describe(): Description {
    return this.#use((reader) => reader.describe()) as Description;
  }

  /** The key responses seen since the last call, as the JSON text of an array. */
  takeServerKeys(): string {
    return this.#use((reader) => reader.take_server_keys());
  }

  /** Judges the events gathered since the last call. */
  verify(keys: KeyRing, roomVersion: string, options: VerifySwitches): Verdict[] {
    const verdicts = residentOf(keys).use((ring) =>
      this.#use((reader) => reader.verify(ring, roomVersion, options)),
    );
    return readVerdicts(verdicts);
  }

  /** Forgets the events gathered since the last call; returns how many they were. */
  discard(): number {
    return this.#use((reader) => reader.discard());
  }

  free(): void {
    if (this.#instance === instance()) call(() => this.#reader.free());
  }

  #use<T>(work: (reader: WasmEventReader) => T): T {
    if (this.#instance !== instance()) {
      throw new FedproofError("wasm_trap", "the WebAssembly module was replaced while a file was read; read it again");
    }
    return call(() => work(this.#reader));
  }
}
