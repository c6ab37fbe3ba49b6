/** As what the events of a saved room came, one after the other. */
import type { Arrival } from "../arrival.js";
import { readArrivals, type Saved, unreadable } from "../came.js";
import { EventSplitter } from "./event-splitter.js";
import { isNdjson, type Source } from "./source.js";

/**
 * The member `arrivals` of a file, which stands behind the events. A stream cannot be looked through before it
 * is read.
 */
export async function arrivalsIn(source: Source): Promise<string | undefined> {
  if (source.size === undefined) return undefined;
  const splitter = new EventSplitter(isNdjson(source.name));
  for await (const chunk of source.chunks()) {
    splitter.push(chunk);
    splitter.take();
    // A list, or lines: no room file.
    if (splitter.names.size === 0) break;
  }
  return splitter.arrivals;
}

/** What was said of the room between two events. */
export type Said = Exclude<Saved, { count: number }>;

/** Of a file without the member `arrivals`, everything came as an event. */
export class Arrivals {
  readonly #saved: readonly Saved[] | undefined;
  #at = 0;
  /** How many events of the entry at hand are left. */
  #left = 0;

  /** @throws FedproofError `input_unreadable`. */
  constructor(text: string | undefined) {
    this.#saved = text === undefined ? undefined : readArrivals(text);
    this.#enter();
  }

  /** What was said before the next event. */
  said(): Said[] {
    const said: Said[] = [];
    for (;;) {
      const entry = this.#saved?.[this.#at];
      if (entry === undefined || (this.#left > 0 && "count" in entry)) return said;
      if (!("count" in entry)) said.push(entry);
      this.#at += 1;
      this.#enter();
    }
  }

  /** As what the next event came. @throws FedproofError `input_unreadable`: none was to come. */
  take(): Arrival {
    if (this.#saved === undefined) return "event";
    const entry = this.#saved[this.#at];
    if (entry === undefined || !("count" in entry) || this.#left === 0) throw unreadable();
    this.#left -= 1;
    return entry.as;
  }

  /** No more events. @throws FedproofError `input_unreadable`: some were to come. */
  end(): void {
    if (this.#saved !== undefined && this.#at < this.#saved.length) throw unreadable();
  }

  #enter(): void {
    const entry = this.#saved?.[this.#at];
    this.#left = entry !== undefined && "count" in entry ? entry.count : 0;
  }
}
