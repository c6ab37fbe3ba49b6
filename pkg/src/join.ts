/** The answer to a join, read in pieces inside the module. Not part of the package's face. */
import type { Seen } from "./came.js";
import { FedproofError } from "./errors.js";
import type { KeyRing } from "./keys.js";
import { AT_ONCE } from "./pace.js";
import { residentOf } from "./residents.js";
import type { JoinReport } from "./state.js";
import { call, instance } from "./wasm.js";
import type { Join as WasmJoin, Room as WasmRoom } from "./wasm/fedproof.js";

/** How many events of a state are put into their places between two looks at the clock. */
export const SETTLED_AT_ONCE = 500;

/** What the module says of a join. */
interface Report extends Omit<JoinReport, "serversInRoom"> {
  event_id: string;
  servers_in_room: string[] | null;
  state_ids: string[];
}

/** A join whose answer is being read; it cannot be made again after a trap, so the answer must be read again. */
export class JoinReader {
  #join: WasmJoin | undefined;
  readonly #keys: KeyRing;
  readonly #instance = instance();

  /** @throws FedproofError `unknown_room_version`. */
  constructor(roomVersion: string, roomId: string, switches: object, keys: KeyRing) {
    this.#join = call((wasm) => new wasm.Join(roomVersion, roomId, switches));
    this.#keys = keys;
  }

  /** Takes the next piece; gives the events that it completes. @throws FedproofError `input_unreadable`. */
  push(piece: Uint8Array): Uint8Array[] {
    const [bytes, ends] = this.#use((join) => join.push(piece)) as [Uint8Array, Uint32Array];
    let begin = 0;
    return Array.from(ends, (end) => bytes.subarray(begin, (begin = end)));
  }

  /** Judges some events; gives whether there may be more. */
  step(): boolean {
    return residentOf(this.#keys).use((ring) => this.#use((join) => join.step(ring, AT_ONCE)));
  }

  /** Puts some of the events into the state before our join; gives whether there may be more. */
  settle(): boolean {
    return this.#use((join) => join.settle(SETTLED_AT_ONCE));
  }

  /** What became of events, since the last call; they are numbered as they were given, from 0. */
  seen(): Seen[] {
    return JSON.parse(this.#use((join) => join.take_seen())) as Seen[];
  }

  /** Ends the answer, and judges our join event. @throws FedproofError `join_answer_*`, `input_unreadable`. */
  finish(event: Uint8Array): { report: JoinReport; eventId: string; stateIds: string[] } {
    const text = residentOf(this.#keys).use((ring) => this.#use((join) => join.finish(event, ring)));
    const { event_id, servers_in_room, state_ids, ...report } = JSON.parse(text) as Report;
    return {
      report: { ...report, serversInRoom: servers_in_room ?? undefined },
      eventId: event_id,
      stateIds: state_ids,
    };
  }

  /** The room. The reader is gone then. */
  intoRoom(): WasmRoom {
    const room = this.#use((join) => join.into_room());
    this.#join = undefined;
    return room;
  }

  free(): void {
    const join = this.#join;
    this.#join = undefined;
    if (join !== undefined && this.#instance === instance()) call(() => join.free());
  }

  #use<T>(work: (join: WasmJoin) => T): T {
    const join = this.#join;
    if (join === undefined || this.#instance !== instance()) {
      throw new FedproofError("wasm_trap", "the WebAssembly module was replaced during a join; read the answer again");
    }
    return call(() => work(join));
  }
}
