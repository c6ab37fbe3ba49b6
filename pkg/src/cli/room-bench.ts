/** Receives the events of a source into a room, through all checks. */
import type { KeyRing, Verdict } from "../index.js";
import { EventReader } from "../reader.js";
import { type ReceiveSwitches, RoomReceiver } from "../receiver.js";
import { EventSplitter, type RawEvent } from "./event-splitter.js";
import type { Bench } from "./judge.js";

/** For how long others are kept from running, in ms; events that wait come at once when what they wait for is there. */
const PATIENCE = 40;
const CHUNK = 256 * 1024;

export class RoomBench implements Bench {
  /** How many events came. */
  events = 0;
  readonly #splitter: EventSplitter;
  #room: RoomReceiver | undefined;

  constructor(
    readonly reader: EventReader,
    readonly switches: ReceiveSwitches,
    lines: boolean,
  ) {
    this.#splitter = new EventSplitter(lines);
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
    let since = performance.now();
    for (const part of batches(events)) {
      if ("isTooLong" in part) {
        yield tooLong(part.length, keys, roomVersion);
        continue;
      }
      for (const event of part) room.push(event);
      while (!room.isIdle()) {
        yield room.step(keys);
        if (performance.now() - since < PATIENCE) continue;
        await new Promise((resolve) => setImmediate(resolve));
        since = performance.now();
      }
    }
  }
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
