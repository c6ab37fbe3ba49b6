/** A room received from a file of any size. For the command line; not part of the package's face. */
import type { Arrival } from "./arrival.js";
import { type Given, give, type Seen } from "./came.js";
import { FedproofError } from "./errors.js";
import { encodeText } from "./input.js";
import type { KeyRing } from "./keys.js";
import { residentOf } from "./residents.js";
import type { ResolutionTrace, RoomEvent, StateEntry } from "./state.js";
import type { Verdict } from "./verdict.js";
import { readRoomVerdicts, type RoomVerdicts } from "./verdicts.js";
import { call, instance } from "./wasm.js";
import type { Room as WasmRoom } from "./wasm/fedproof.js";

/** What the module is told about every event. */
export interface ReceiveSwitches {
  backfill: boolean;
  evidence: boolean;
  trace: boolean;
}

/** How many events are looked at in one crossing. */
const AT_ONCE = 64;
/** How many verdicts on what waits are fetched in one crossing. */
const PAGE = 5000;

/**
 * A room that keeps no copy of what came: it takes half the memory of a `Room`, and cannot be made again
 * after a trap, so the file must be read again then.
 */
export class RoomReceiver {
  readonly #room: WasmRoom;
  readonly #instance = instance();
  /** The outliers that have no verdict of their own: they were accepted as they came, or wait. */
  readonly outliers = new Set<string>();

  /** @throws FedproofError `unknown_room_version`. */
  constructor(roomVersion: string, switches: ReceiveSwitches) {
    this.#room = call((wasm) => new wasm.Room(roomVersion, switches));
  }

  push(event: Uint8Array, as: Arrival = "event"): void {
    // Who has a number is told of in `step`.
    this.#use((room) => room.push(event, as, as === "outlier" ? 0 : undefined));
  }

  /** Says which room it is. */
  setRoomId(roomId: string): void {
    this.#use((room) => room.set_room_id(roomId));
  }

  /** Gives the state before an event; false when not all of it is there. */
  giveState(given: Given): boolean {
    return this.#use((room) => give(room, given));
  }

  isIdle(): boolean {
    return this.#use((room) => room.is_idle());
  }

  /** Looks at some of what came; answers the verdicts on what could be decided. */
  step(keys: KeyRing): Verdict[] {
    const stepped = residentOf(keys).use((ring) => this.#use((room) => room.step(ring, AT_ONCE)));
    const told = JSON.parse(stepped) as { verdicts: RoomVerdicts; seen: Seen[] };
    const verdicts = readRoomVerdicts(told.verdicts);
    for (const [, eventId, useless] of told.seen) if (!useless && eventId !== null) this.outliers.add(eventId);
    for (const { event_id } of verdicts) if (event_id !== undefined) this.outliers.delete(event_id);
    return verdicts;
  }

  /** How many events wait. */
  countWaiting(): number {
    return (JSON.parse(this.#use((room) => room.counts())) as [events: number, waiting: number])[1];
  }

  /** Verdicts on what waits, as `Room.waiting`. */
  waiting(): Verdict[] {
    const all: Verdict[] = [];
    for (;;) {
      const after = all.at(-1)?.event_id ?? "";
      const page = JSON.parse(this.#use((room) => room.undecided(after, PAGE))) as Verdict[];
      all.push(...page);
      if (page.length < PAGE) return all;
    }
  }

  /** The events that others wait for and that have not come, with how many wait for each. */
  missing(): [eventId: string, waiting: number][] {
    return JSON.parse(this.#use((room) => room.missing_events())) as [string, number][];
  }

  currentState(): StateEntry[] {
    return JSON.parse(this.#use((room) => room.state("current"))) as StateEntry[];
  }

  /** The state before an event; undefined when it has not been judged. */
  stateBefore(eventId: string): StateEntry[] | undefined {
    return (JSON.parse(this.#use((room) => room.state("before", eventId))) as StateEntry[] | null) ?? undefined;
  }

  extremities(): string[] {
    return JSON.parse(this.#use((room) => room.extremities())) as string[];
  }

  /** An event that was judged and kept, as it is good enough for words. */
  event(eventId: string): StoredEvent | undefined {
    return (JSON.parse(this.#use((room) => room.event(eventId))) as StoredEvent | null) ?? undefined;
  }

  /** How the states after these events become one. */
  trace(eventIds: readonly string[]): ResolutionTrace {
    const ids = encodeText(JSON.stringify(eventIds));
    return JSON.parse(this.#use((room) => room.trace(ids))) as ResolutionTrace;
  }

  free(): void {
    if (this.#instance === instance()) call(() => this.#room.free());
  }

  #use<T>(work: (room: WasmRoom) => T): T {
    if (this.#instance !== instance()) {
      throw new FedproofError("wasm_trap", "the WebAssembly module was replaced while a room was received; read it again");
    }
    return call(() => work(this.#room));
  }
}

/** An event of a room; `pdu` is what `JSON.parse` makes of it. */
export interface StoredEvent {
  outcome: RoomEvent["outcome"];
  redacted_by: string | null;
  pdu: Record<string, unknown>;
}
