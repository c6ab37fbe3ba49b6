/** Receives the events of a source into a room, through all checks. */
import type { KeyRing, Verdict } from "../index.js";
import type { Arrival } from "../arrival.js";
import { EventReader } from "../reader.js";
import { type ReceiveSwitches, RoomReceiver } from "../receiver.js";
import { Arrivals, type Said } from "./arrivals.js";
import { EventSplitter, type RawEvent } from "./event-splitter.js";
import type { Bench } from "./judge.js";
import { UsageError } from "./usage.js";

/** For how long others are kept from running, in ms; events that wait come at once when what they wait for is there. */
const PATIENCE = 40;
const CHUNK = 256 * 1024;

export class RoomBench implements Bench {
  /** How many events came. */
  events = 0;
  readonly #splitter: EventSplitter;
  #room: RoomReceiver | undefined;
  #arrivals: Arrivals | undefined;
  #known: string | undefined;
  /** What goes into the room next came as this. */
  #as: Arrival | undefined;
  #ended = false;

  constructor(
    readonly reader: EventReader,
    readonly switches: ReceiveSwitches,
    lines: boolean,
    /** The member `arrivals` of the file, where it was looked for before. */
    arrivals?: string,
  ) {
    this.#splitter = new EventSplitter(lines);
    if (arrivals !== undefined) this.#arrivals = new Arrivals(arrivals);
    this.#known = arrivals;
  }

  /** The room; undefined while there is no event. */
  get room(): RoomReceiver | undefined {
    return this.#room;
  }

  push(chunk: Uint8Array): void {
    this.#splitter.push(chunk);
  }

  end(): void {
    this.#splitter.end();
    this.#ended = true;
  }

  discard(): void {
    this.reader.discard();
    this.#splitter.take();
  }

  async *judge(keys: KeyRing, roomVersion: string): AsyncIterable<Verdict[]> {
    this.reader.discard(); // its events are the splitter's
    const room = (this.#room ??= new RoomReceiver(roomVersion, this.switches));
    const events = this.#splitter.take();
    this.events += events.length;
    for (const part of batches(events)) {
      if ("isTooLong" in part) {
        this.#order().take();
        yield tooLong(part.length, keys, roomVersion);
        continue;
      }
      for (const event of part) {
        const said = this.#order().said();
        const as = this.#order().take();
        if (said.length > 0 || as !== this.#as) yield* this.#settle(room, keys, said);
        this.#as = as;
        room.push(event, as);
      }
      yield* this.#work(room, keys);
    }
    if (!this.#ended) return;
    const said = this.#order().said();
    if (this.#splitter.arrivals !== this.#known) throw cameLate();
    yield* this.#settle(room, keys, said);
    this.#order().end();
  }

  /** Read when the first event is there: from then on it must be known. */
  #order(): Arrivals {
    if (this.#arrivals === undefined) {
      this.#known = this.#splitter.arrivals;
      this.#arrivals = new Arrivals(this.#known);
    }
    return this.#arrivals;
  }

  /** Heeds what was said of the room, once all that came before it has been looked at. */
  async *#settle(room: RoomReceiver, keys: KeyRing, said: readonly Said[]): AsyncIterable<Verdict[]> {
    yield* this.#work(room, keys);
    for (const one of said) {
      // A state of which something waits for keys cannot be given: then what rests on it waits, too.
      if (one.as === "state") room.giveState(one.given);
      else room.setRoomId(one.roomId);
    }
    yield* this.#work(room, keys);
  }

  async *#work(room: RoomReceiver, keys: KeyRing): AsyncIterable<Verdict[]> {
    let since = performance.now();
    while (!room.isIdle()) {
      yield room.step(keys);
      if (performance.now() - since < PATIENCE) continue;
      await new Promise((resolve) => setImmediate(resolve));
      since = performance.now();
    }
  }
}

/** The events have been judged by then, and not as what they came. */
function cameLate(): UsageError {
  return new UsageError('the member "arrivals", which says as what the events came, stands behind them', {
    code: "input_unreadable",
    hint: "Give the room as a file: a stream can be read but once.",
  });
}

/** Events that can be received together, and those that are too long to be any. */
function* batches(events: readonly RawEvent[]): Iterable<Uint8Array[] | Extract<RawEvent, { isTooLong: true }>> {
  let batch: Uint8Array[] = [];
  for (const event of events) {
    if ("isTooLong" in event) {
      yield batch;
      yield event;
      batch = [];
    } else {
      batch.push(event);
    }
  }
  yield batch;
}

/** The verdict on an event that was not kept. It goes by the length alone, so that white space stands for it. */
function tooLong(length: number, keys: KeyRing, roomVersion: string): Verdict[] {
  const reader = new EventReader("lines");
  try {
    const blank = new Uint8Array(CHUNK).fill(0x20);
    for (let left = length; left > 0; left -= CHUNK) reader.push(blank.subarray(0, Math.min(left, CHUNK)));
    reader.end();
    return reader.verify(keys, roomVersion, { backfill: false, evidence: false });
  } finally {
    reader.free();
  }
}
