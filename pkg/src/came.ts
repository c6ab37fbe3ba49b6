/**
 * What came to a room, in order: what a new instance of the module is filled with, and what is saved.
 * Each distinct event is kept once; what was no event is not.
 */
import type { Arrival } from "./arrival.js";
import { FedproofError } from "./errors.js";
import { encodeText } from "./input.js";
import type { Room as WasmRoom } from "./wasm/fedproof.js";

/** What became of an event: its number, its id, and whether it came for nothing. */
export type Seen = [number: number, eventId: string | null, useless: boolean];

/** A state that was given: before which event of which room, and of what it is. */
export interface Given {
  eventId: string;
  roomId: string;
  state: readonly string[];
  partial: boolean;
}

type Entry = { as: Arrival; event: Uint8Array } | { as: "state"; given: Given } | { as: "room"; roomId: string };

export class Came {
  readonly #entries = new Map<number, Entry>();
  #next = 0;
  /** Given states that could not be taken, because keys were not there. */
  #due: Given[] = [];

  /** Pushes an event; gives its number. */
  push(room: WasmRoom, event: Uint8Array, as: Arrival): number {
    const number = this.#next;
    room.push(event, as, number);
    return this.#add({ as, event });
  }

  /** Takes note of an event that was pushed under the next number. */
  note(event: Uint8Array, as: Arrival): number {
    return this.#add({ as, event });
  }

  /** Takes note of a state that was given. */
  noteState(given: Given): void {
    this.#add({ as: "state", given });
  }

  /** Takes note of which room it is. */
  noteRoom(roomId: string): void {
    this.#add({ as: "room", roomId });
  }

  #add(entry: Entry): number {
    this.#entries.set(this.#next, entry);
    this.#next += 1;
    return this.#next - 1;
  }

  /** Forgets what came for nothing. */
  forget(seen: readonly Seen[]): void {
    for (const [number, , useless] of seen) if (useless) this.#entries.delete(number);
  }

  clear(): void {
    this.#entries.clear();
    this.#due = [];
  }

  /** Fills a new room; `work` looks at all that was pushed. */
  replay(room: WasmRoom, work: () => void): void {
    this.#due = [];
    for (const [number, entry] of this.#entries) {
      if (entry.as === "room") {
        room.set_room_id(entry.roomId);
      } else if (entry.as !== "state") {
        room.push(entry.event, entry.as, number);
      } else {
        work();
        if (!give(room, entry.given)) this.#due.push(entry.given);
      }
    }
    work();
  }

  /** Gives the states again that could not be taken. */
  giveDue(room: WasmRoom): void {
    this.#due = this.#due.filter((given) => !give(room, given));
  }

  /** All that came as a room file: its events but for what is no JSON, and as what each of them came. */
  save(version: string): string {
    const pdus: string[] = [];
    const arrivals: unknown[] = [];
    let last: [as: Arrival, count: number] | undefined;
    for (const entry of this.#entries.values()) {
      if (entry.as === "state" || entry.as === "room") {
        const { given, roomId } = { given: undefined, roomId: undefined, ...entry };
        arrivals.push(given ? ["state", given.eventId, given.roomId, given.partial, given.state] : ["room", roomId]);
        last = undefined;
        continue;
      }
      const text = textOf(entry.event);
      if (text === undefined) continue;
      pdus.push(text);
      if (last?.[0] === entry.as) last[1] += 1;
      else arrivals.push((last = [entry.as, 1]));
    }
    // A room that came from its beginning is a room file like any other.
    const plain = arrivals.every((arrival) => (arrival as unknown[])[0] === "event");
    const tail = plain ? "" : `,"arrivals":[\n${arrivals.map((arrival) => JSON.stringify(arrival)).join(",\n")}\n]`;
    return `{"room_version":${JSON.stringify(version)},"pdus":[\n${pdus.join(",\n")}\n]${tail}}\n`;
  }

  /**
   * Takes what was saved.
   *
   * @param arrivals As what the events came, as JSON text; without it, all came as events.
   * @throws FedproofError `input_unreadable`.
   */
  load(events: readonly Uint8Array[], arrivals: string | null): void {
    let at = 0;
    for (const arrival of arrivals === null ? [{ as: "event" as const, count: events.length }] : readArrivals(arrivals)) {
      if ("count" in arrival) {
        const { as, count } = arrival;
        if (count > events.length - at) throw unreadable();
        for (const event of events.slice(at, at + count)) this.#add({ as, event });
        at += count;
      } else {
        this.#add(arrival);
      }
    }
    if (at !== events.length) throw unreadable();
  }
}

/** What came, as a saved room tells it: so many events, or what was said of the room. */
export type Saved = { as: Arrival; count: number } | Exclude<Entry, { event: Uint8Array }>;

/** Reads the member `arrivals` of a room file. @throws FedproofError `input_unreadable`. */
export function readArrivals(text: string): Saved[] {
  return listIn(text).map((arrival) => {
    const [as, one, other, partial, state] = arrival as unknown[];
    if ((as === "event" || as === "backfill" || as === "outlier") && isCount(one)) return { as, count: one };
    if (as === "room" && typeof one === "string") return { as, roomId: one };
    if (as === "state" && typeof one === "string" && typeof other === "string" && isIds(state)) {
      return { as, given: { eventId: one, roomId: other, partial: partial === true, state } };
    }
    throw unreadable();
  });
}

/** Gives a state; false when not all of it is there. */
export function give(room: WasmRoom, { eventId, roomId, state, partial }: Given): boolean {
  try {
    room.draft_state(eventId, roomId, encodeText(JSON.stringify(state)), true);
    room.give_state(eventId, partial, true);
    return true;
  } catch (thrown) {
    // What the module throws itself is text; a trap is not.
    if (typeof thrown !== "string") throw thrown;
    return false;
  }
}

function listIn(text: string): unknown[] {
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every(Array.isArray)) return list;
  } catch {
    // Told below.
  }
  throw unreadable();
}

/** The error of a room file whose `arrivals` are nonsense. */
export function unreadable(): FedproofError {
  return new FedproofError("input_unreadable", 'the member "arrivals" of the room file does not fit its events');
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isIds(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((id) => typeof id === "string");
}

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
