/** State: resolution of states that differ, and whole rooms received event by event. */
/// <reference lib="esnext.disposable" preserve="true" />
import { toEvents, toNames } from "./auth.js";
import { FedproofError, invalidArgument } from "./errors.js";
import { copyOf, type EventInput, encodeText, toBytes, toName, toRoomVersion } from "./input.js";
import { emptyRing, type KeyRing, toKeyRing } from "./keys.js";
import { readOptions, required, toBoolean } from "./options.js";
import { residentOf } from "./residents.js";
import type { Outcome, Verdict } from "./verdict.js";
import { readRoomVerdicts } from "./verdicts.js";
import { call, Resident } from "./wasm.js";
import type { Room as WasmRoom } from "./wasm/fedproof.js";

/** A place in a room state with the event that stands there. */
export type StateEntry = [type: string, stateKey: string, eventId: string];

/** Options of {@link resolveState}. */
export interface ResolveStateOptions {
  /** The version of the room, which says the algorithm. */
  roomVersion: string;
  /** The states to resolve. Their order does not matter. */
  stateSets: readonly (readonly (readonly [string, string, string])[])[];
  /** The events that these name, and all that those rest on by their `auth_events`. */
  events: readonly EventInput[];
  /** IDs of events that were rejected; by default none was. */
  rejected?: readonly string[] | undefined;
  /** Tell what happened, step by step. */
  trace?: boolean | undefined;
}

/** What {@link resolveState} answers. */
export interface ResolvedState {
  /** The resolved state, sorted by type and state key. */
  state: StateEntry[];
  /** Only with the option `trace`. */
  trace?: ResolutionTrace;
}

/** An iterative auth check of a resolution. */
export interface AppliedEvent {
  event_id: string;
  /** It entered the state. */
  allowed: boolean;
  /** The rule that decided. */
  rule?: string;
  code?: string;
  reason?: string;
}

/** A resolution, step by step. */
export interface ResolutionTrace {
  algorithm: "1" | "2" | "2.1";
  /** How many places all states agree about. */
  unconflicted: number;
  conflicted: { type: string; state_key: string; events: string[] }[];
  auth_difference: string[];
  conflicted_subgraph: string[];
  full_conflicted_set: string[];
  /** Power events and what they rest on, in order; `tie_break` says what put each before the next. */
  power_events: {
    event_id: string;
    sender: string;
    level: number | string;
    origin_server_ts: number;
    tie_break: "only_candidate" | "power_level" | "origin_server_ts" | "event_id";
  }[];
  power_checks: AppliedEvent[];
  /** Power levels events, from the newest to the oldest. */
  mainline: string[];
  /** The other events in order; without `position` they rest on none of the mainline. */
  other_events: { event_id: string; position?: number }[];
  other_checks: AppliedEvent[];
  /** What became of each conflicted place, and why. */
  decided: { type: string; state_key: string; winner?: string; story: string[] }[];
  /** Where Synapse is followed and not the text of the specification, and that makes a difference. */
  flags: string[];
}

/**
 * The state that several states become, by the algorithm of the room version.
 *
 * @returns The resolved state; with `trace` also what happened.
 * @throws FedproofError `resolve_event_missing`, `resolve_event_malformed`, `resolve_auth_loop`,
 * `resolve_wrong_place`, `resolve_two_events`, `unknown_room_version`, `lossy_object`,
 * `invalid_argument`, `invalid_option`.
 * @see https://spec.matrix.org/v1.19/rooms/v12/#state-resolution
 */
export function resolveState(options: ResolveStateOptions): ResolvedState {
  const where = "resolveState";
  const read = readOptions(where, options, {
    roomVersion: toRoomVersion,
    stateSets: toStateSets,
    events: toEvents,
    rejected: toNames,
    trace: toBoolean,
  });
  const version = required(read.roomVersion, where, "roomVersion", 'such as "11"');
  const sets = required(read.stateSets, where, "stateSets", "the states to resolve");
  const events = required(read.events, where, "events", "the events that the states name");
  return JSON.parse(
    call((wasm) => wasm.resolve_state(version, sets, events, read.rejected ?? [], read.trace === true)),
  ) as ResolvedState;
}

/** State sets as JSON. */
function toStateSets(value: unknown, where: string): Uint8Array {
  if (!Array.isArray(value)) throw invalidArgument(where, "an array of states", value);
  for (const [index, state] of value.entries()) {
    const name = `state ${index} of ${where}`;
    if (!Array.isArray(state)) throw invalidArgument(name, "an array of [type, stateKey, eventId]", state);
    for (const entry of state as unknown[]) {
      if (!Array.isArray(entry) || entry.length !== 3) {
        throw invalidArgument(`an entry of ${name}`, "[type, stateKey, eventId]", entry);
      }
      for (const part of entry as unknown[]) toName(part, `a part of an entry of ${name}`);
    }
  }
  return encodeText(JSON.stringify(value));
}

/** Options of {@link Room}. */
export interface RoomOptions {
  /** The version of the room. */
  roomVersion: string;
  /** Keys of servers; events that lack a key wait for it (see {@link Room.retry}). */
  keys?: KeyRing | undefined;
  /** Tell every authorization rule that was considered. */
  trace?: boolean | undefined;
  /** Passing checks carry their evidence too. */
  evidence?: boolean | undefined;
  /** The events come from a backfill. */
  backfill?: boolean | undefined;
}

/** An `AbortSignal`, or what looks like one. */
export interface Abortable {
  readonly aborted: boolean;
  readonly reason?: unknown;
}

/** An event of a {@link Room}. */
export interface RoomEvent {
  outcome: Outcome;
  /** The ID of the redaction by which it lost its content. */
  redactedBy: string | undefined;
  /** The event as canonical JSON text; redacted, if its content did not fit its hash. */
  pdu: string;
}

/** How much is done between two looks at the clock. */
const AT_ONCE = 16;
/** The longest time that {@link Room.feed} keeps others from running, in ms. */
const PATIENCE = 25;

/**
 * A room, received from nothing but its PDUs: they may come in any order, wait for what they rest on,
 * and are each judged by all seven checks.
 *
 * @example
 * const room = new Room({ roomVersion: "11", keys });
 * for await (const verdict of room.feed(pdus)) console.log(verdict.event_id, verdict.outcome);
 * console.log(room.currentState(), room.missing());
 */
export class Room {
  readonly #version: string;
  readonly #keys: KeyRing;
  /** All that came: what a new instance of the module is filled with, and what is saved. */
  readonly #came: Uint8Array[] = [];
  readonly #resident: Resident<WasmRoom>;

  /** @throws FedproofError `unknown_room_version`, `invalid_argument`, `invalid_option`. */
  constructor(options: RoomOptions) {
    const { keys, roomVersion, ...switches } = readOptions("Room", options, CHECKS);
    this.#version = required(roomVersion, "Room", "roomVersion", 'such as "11"');
    this.#keys = keys ?? emptyRing();
    this.#resident = new Resident((wasm) => {
      const room = new wasm.Room(this.#version, switches);
      for (const event of this.#came) room.push(event);
      residentOf(this.#keys).use((ring) => {
        while (!room.is_idle()) room.step(ring, AT_ONCE);
      });
      return room;
    });
    this.#resident.use(() => {}); // an unknown room version is told at once
  }

  /**
   * Takes events and judges all that can be judged now.
   *
   * @returns The verdicts, in the order in which events were decided; one that waits for others gets
   * its verdict when they come.
   * @throws FedproofError `lossy_object`, `invalid_argument`.
   */
  add(events: readonly EventInput[]): Verdict[] {
    this.#push(toEvents(events, "the events of add"));
    const verdicts: Verdict[] = [];
    while (!this.#idle()) verdicts.push(...this.#step());
    return verdicts;
  }

  /**
   * Takes events as they come and yields verdicts as they are decided. Others get to run at least every
   * 50 ms.
   *
   * @param signal Ends it: what was taken stays taken.
   * @throws FedproofError `aborted`, `lossy_object`, `invalid_argument`; what the source throws.
   */
  async *feed(
    events: AsyncIterable<EventInput> | Iterable<EventInput>,
    { signal }: { signal?: Abortable | undefined } = {},
  ): AsyncGenerator<Verdict, void> {
    let since = performance.now();
    const rest = async (): Promise<void> => {
      if (signal?.aborted) throw new FedproofError("aborted", "feeding the room was aborted", { cause: signal.reason });
      if (performance.now() - since < PATIENCE) return;
      await new Promise((resolve) => setTimeout(resolve, 0));
      since = performance.now();
    };
    let count = 0;
    for await (const event of events) {
      this.#push([copyOf(toBytes(event, `event ${count} of feed`))]);
      count += 1;
      while (!this.#idle()) {
        await rest();
        yield* this.#step();
      }
      await rest();
    }
  }

  /** Looks again at events that wait for keys, with those in the ring now. As {@link Room.add}. */
  retry(): Verdict[] {
    this.#resident.use((room) => room.retry());
    return this.add([]);
  }

  /** The current state: that over the forward extremities. Sorted by type and state key. */
  currentState(): StateEntry[] {
    return this.#state("current") as StateEntry[];
  }

  /** The state before an event; undefined when it has not been judged. @throws FedproofError `invalid_argument`. */
  stateBefore(eventId: string): StateEntry[] | undefined {
    return this.#state("before", toName(eventId, "the event id of stateBefore"));
  }

  /** The state after an event; undefined when it has not been judged. @throws FedproofError `invalid_argument`. */
  stateAfter(eventId: string): StateEntry[] | undefined {
    return this.#state("after", toName(eventId, "the event id of stateAfter"));
  }

  /** The events that no accepted event follows on. */
  extremities(): string[] {
    return JSON.parse(this.#resident.use((room) => room.extremities())) as string[];
  }

  /** The events that others wait for and that have not come, with how many wait for each. */
  missing(): { eventId: string; waiting: number }[] {
    const found = JSON.parse(this.#resident.use((room) => room.missing_events())) as [string, number][];
    return found.map(([eventId, waiting]) => ({ eventId, waiting }));
  }

  /** Verdicts (`incomplete`) on the events that wait, with what each lacks. */
  waiting(): Verdict[] {
    return JSON.parse(this.#resident.use((room) => room.undecided())) as Verdict[];
  }

  /** An event that was judged and kept; undefined for others. @throws FedproofError `invalid_argument`. */
  event(eventId: string): RoomEvent | undefined {
    const id = toName(eventId, "the event id of event");
    const text = this.#resident.use((room) => room.event(id));
    if (text === "null") return undefined;
    const { outcome, redacted_by } = JSON.parse(text) as { outcome: Outcome; redacted_by: string | null };
    // The event stays the text it is: parsed, it would have lost what it was judged by.
    const pdu = text.slice(text.indexOf(',"pdu":') + ',"pdu":'.length, -1);
    return { outcome, redactedBy: redacted_by ?? undefined, pdu };
  }

  /** How many events were judged and kept, and how many wait. */
  counts(): { events: number; waiting: number } {
    const [events, waiting] = JSON.parse(this.#resident.use((room) => room.counts())) as [number, number];
    return { events, waiting };
  }

  /**
   * How the states after several events become one, step by step.
   *
   * @param eventIds By default the forward extremities: how the current state came about.
   * @throws FedproofError `invalid_argument`.
   */
  trace(eventIds: readonly string[] = this.extremities()): ResolutionTrace {
    const ids = encodeText(JSON.stringify(toNames(eventIds, "the event ids of trace")));
    return JSON.parse(this.#resident.use((room) => room.trace(ids))) as ResolutionTrace;
  }

  /**
   * The room as a room file: its version, and all events that came, in the order in which they did, but for
   * what is no JSON. Keys are not in it. {@link Room.load} makes the same room of it.
   */
  save(): string {
    const pdus = this.#came.map(textOf).filter((text) => text !== undefined);
    return `{"room_version":${JSON.stringify(this.#version)},"pdus":[\n${pdus.join(",\n")}\n]}\n`;
  }

  /**
   * The room that was saved: its events are received again, in the order in which they came.
   *
   * @param saved What {@link Room.save} gave, or any room file. Its room version counts unless the options
   * say one.
   * @throws FedproofError `input_unreadable`, `input_empty`, `unknown_room_version`, `lossy_object`,
   * `invalid_argument`, `invalid_option`.
   */
  static load(saved: EventInput, options?: Partial<RoomOptions>): Room {
    const given = readOptions("Room.load", options, CHECKS);
    const bytes = toBytes(saved, "the room of load");
    const { room_version, events } = call((wasm) => wasm.split_events(bytes)) as {
      room_version: string | null;
      events: Uint8Array[];
    };
    const roomVersion = given.roomVersion ?? room_version ?? undefined;
    const room = new Room({
      ...given,
      roomVersion: required(roomVersion, "Room.load", "roomVersion", "the room file does not say it"),
    });
    room.add(events);
    return room;
  }

  /** Gives the memory back now. The room is empty then. */
  dispose(): void {
    this.#came.length = 0;
    this.#resident.free();
  }

  #push(events: readonly Uint8Array[]): void {
    this.#resident.use((room) => {
      for (const event of events) room.push(event);
    });
    this.#came.push(...events);
  }

  #idle(): boolean {
    return this.#resident.use((room) => room.is_idle());
  }

  #step(): Verdict[] {
    const verdicts = residentOf(this.#keys).use((ring) =>
      this.#resident.use((room) => room.step(ring, AT_ONCE)),
    );
    return readRoomVerdicts(verdicts);
  }

  #state(which: "current" | "before" | "after", eventId?: string): StateEntry[] | undefined {
    const found = this.#resident.use((room) => room.state(which, eventId));
    return (JSON.parse(found) as StateEntry[] | null) ?? undefined;
  }
}

export interface Room {
  /** {@link Room.dispose}, for `using`. */
  [Symbol.dispose](): void;
}
// Not a method of the class: engines without the symbol would get one named "undefined".
if (Symbol.dispose) Room.prototype[Symbol.dispose] = Room.prototype.dispose;

/** The text of an event; undefined for bytes that are none, or no JSON, which would spoil a document. */
function textOf(event: Uint8Array): string | undefined {
  try {
    // What is not well formed must not become so.
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(event);
    JSON.parse(text);
    return text;
  } catch {
    return undefined;
  }
}

const CHECKS = {
  roomVersion: toRoomVersion,
  keys: toKeyRing,
  trace: toBoolean,
  evidence: toBoolean,
  backfill: toBoolean,
};
