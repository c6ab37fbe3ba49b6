/** Gaps: an event came whose previous events are not there. */
import { FedproofError } from "./errors.js";
import type { Federation, RoomAt } from "./federation.js";
import type { ProvenEvent } from "./federation-answers.js";
import { encodeText } from "./input.js";
import type { Room } from "./state.js";
import type { Verdict } from "./verdict.js";
import { eventId } from "./values.js";

/** What `Federation.fillGap` did. */
export interface FilledGap {
  /** The event has its place in the room now. */
  filled: boolean;
  /** How many events were fetched. */
  fetched: number;
  /** How the way was closed: by the events between, by the state before an event, or not. */
  by: "events" | "state" | "nothing";
  /** Verdicts that came about, also on what was fetched. */
  verdicts: Verdict[];
  /** What failed on the way. */
  failures: FedproofError[];
}

/** How many events are asked for at once. */
const AT_ONCE = 50;

/** Closes one gap. */
export class GapFiller {
  /** The events that may need a state given, as they came. */
  readonly #came = new Map<string, Uint8Array>();
  readonly #result: FilledGap = { filled: false, fetched: 0, by: "nothing", verdicts: [], failures: [] };

  constructor(
    readonly federation: Federation,
    readonly server: string,
    readonly room: Room,
    readonly at: RoomAt,
  ) {}

  /** Takes `event` and fetches at most `most` others before the state is asked for. */
  async fill(event: Uint8Array, most: number): Promise<FilledGap> {
    const id = eventId(event, this.at.roomVersion);
    this.#came.set(id, event);
    await this.#take([event]);
    await this.#attempt(() => this.#fetchBetween(id, most));
    if (this.room.gap(id) !== undefined) await this.#attempt(() => this.#fetchStates(id));
    const result = this.#result;
    result.filled = this.room.gap(id) === undefined;
    if (!result.filled) result.by = "nothing";
    return result;
  }

  /** Another server that does not help ends nothing; an abort or a time limit does. */
  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      const ends = !(thrown instanceof FedproofError) || ENDS.has(thrown.code);
      if (ends) throw thrown;
      this.#result.failures.push(thrown);
    }
  }

  /** Fetches previous events, until they reach what is there or there are too many. */
  async #fetchBetween(id: string, most: number): Promise<void> {
    for (let gap = this.room.gap(id); gap !== undefined; gap = this.room.gap(id)) {
      const { previousEvents, starts, earliestEvents, minDepth } = gap;
      const limit = Math.min(most - this.#result.fetched, AT_ONCE);
      if (previousEvents.length === 0 || limit <= 0) return;
      const latestEvents = starts.map((start) => ({ eventId: start, prevEvents: previousEvents }));
      const asked = { ...this.at, earliestEvents, latestEvents, limit, minDepth };
      const { events } = await this.federation.missingEvents(this.server, asked);
      if (events.length === 0) return;
      this.#result.fetched += events.length;
      this.#result.by = "events";
      await this.#take(events.map((event) => this.#note(event)));
      // The same events again bring nobody further.
      if (this.room.gap(id)?.previousEvents.join() === previousEvents.join()) return;
    }
  }

  /** Gives the events their states whose previous events stay away. */
  async #fetchStates(id: string): Promise<void> {
    for (const start of this.room.gap(id)?.starts ?? []) {
      const event = this.#came.get(start) ?? (await this.#fetch(start));
      const { state, auth_chain } = await this.federation.state(this.server, start, this.at);
      const { signal } = this.at;
      const pdus = (events: ProvenEvent[]): string[] => events.map(({ pdu }) => pdu);
      const added = await this.room.addWithState(event, { state: pdus(state), authChain: pdus(auth_chain), signal });
      this.#result.verdicts.push(...(added.verdict ? [added.verdict] : []), ...added.verdicts);
      this.#result.by = "state";
    }
  }

  async #fetch(id: string): Promise<Uint8Array> {
    return this.#note(await this.federation.event(this.server, id, this.at));
  }

  #note({ pdu, verdict }: ProvenEvent): Uint8Array {
    const bytes = encodeText(pdu);
    if (verdict.event_id !== undefined) this.#came.set(verdict.event_id, bytes);
    return bytes;
  }

  async #take(events: Uint8Array[]): Promise<void> {
    for await (const verdict of this.room.feed(events, { signal: this.at.signal })) this.#result.verdicts.push(verdict);
  }
}

const ENDS: ReadonlySet<string> = new Set(["aborted", "timed_out", "wasm_trap", "callback_failed"]);
