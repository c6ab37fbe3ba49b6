/** Gaps: an event came whose previous events are not there. */
import type { Arrival } from "./arrival.js";
import type { CallOptions } from "./call-options.js";
import { Deadline } from "./deadline.js";
import { FedproofError } from "./errors.js";
import type { Federation, RoomAt } from "./federation.js";
import type { ProvenEvent } from "./federation-answers.js";
import { encodeText } from "./input.js";
import { verifyEvent } from "./session.js";
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
  readonly #deadline: Deadline;

  constructor(
    readonly federation: Federation,
    readonly server: string,
    readonly room: Room,
    readonly at: { roomId: string; roomVersion: string },
    limits: CallOptions,
  ) {
    this.#deadline = new Deadline(limits);
  }

  /** Takes `event` and fetches at most `most` others before the state is asked for. */
  async fill(event: Uint8Array, most: number): Promise<FilledGap> {
    const id = eventId(event, this.at.roomVersion);
    this.#came.set(id, event);
    await this.#attempt(() => this.#fetchKeys(event));
    await this.#take([event]);
    await this.#attempt(() => this.#fetchBetween(id, most));
    await this.#attempt(() => this.#fetchCited(id, most));
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

  /** Fetches the keys that the event itself lacks. (Those of what is fetched are fetched with it.) */
  async #fetchKeys(event: Uint8Array): Promise<void> {
    const { roomVersion } = this.at;
    const { checks } = verifyEvent(event, { roomVersion, keys: this.federation.keys });
    const { missing = [], evidence } = checks.find(({ check }) => check === 2) ?? {};
    if (missing.length === 0) return;
    const validUntilTs = evidence?.origin_server_ts as number;
    const wanted = missing.map((key) => {
      const [serverName = "", keyId = ""] = key.split(" ");
      return { serverName, keyId, validUntilTs };
    });
    await this.federation.queryKeys(wanted, this.#deadline.limits());
  }

  /** Fetches previous events, until they reach what is there or there are too many. */
  async #fetchBetween(id: string, most: number): Promise<void> {
    for (let gap = this.room.gap(id); gap !== undefined; gap = this.room.gap(id)) {
      const { previousEvents, starts, earliestEvents, minDepth } = gap;
      const limit = Math.min(most - this.#result.fetched, AT_ONCE);
      if (previousEvents.length === 0 || limit <= 0) return;
      const latestEvents = starts.map((start) => ({ eventId: start, prevEvents: previousEvents }));
      const asked = { ...this.#now(), earliestEvents, latestEvents, limit, minDepth };
      const { events } = await this.federation.missingEvents(this.server, asked);
      if (events.length === 0) return;
      this.#result.fetched += events.length;
      this.#result.by = "events";
      await this.#take(events.map((event) => this.#note(event)));
      // The same events again bring nobody further.
      if (this.room.gap(id)?.previousEvents.join() === previousEvents.join()) return;
    }
  }

  /** Fetches auth events that nobody has sent, and what those rest on. */
  async #fetchCited(id: string, most: number): Promise<void> {
    const asked = new Set<string>();
    for (;;) {
      const cited = this.room.gap(id)?.authEvents.find((event) => !asked.has(event));
      if (cited === undefined || this.#result.fetched >= most) return;
      asked.add(cited);
      const event = await this.#fetch(cited);
      this.#result.fetched += 1;
      this.#result.by = "events";
      await this.#take([event], "outlier");
    }
  }

  /** Gives the events their states whose previous events stay away. */
  async #fetchStates(id: string): Promise<void> {
    for (const start of this.room.gap(id)?.starts ?? []) {
      const event = this.#came.get(start) ?? (await this.#fetch(start));
      const { state, auth_chain } = await this.federation.state(this.server, start, this.#now());
      const pdus = (events: ProvenEvent[]): string[] => events.map(({ pdu }) => pdu);
      const given = { state: pdus(state), authChain: pdus(auth_chain) };
      const added = await this.#deadline.hold((signal) => this.room.addWithState(event, { ...given, signal }));
      this.#result.verdicts.push(...(added.verdict ? [added.verdict] : []), ...added.verdicts);
      this.#result.by = "state";
    }
  }

  async #fetch(id: string): Promise<Uint8Array> {
    return this.#note(await this.federation.event(this.server, id, this.#now()));
  }

  /** Options of the next conversation. */
  #now(): RoomAt {
    return { ...this.at, ...this.#deadline.limits() };
  }

  #note({ pdu, verdict }: ProvenEvent): Uint8Array {
    const bytes = encodeText(pdu);
    if (verdict.event_id !== undefined) this.#came.set(verdict.event_id, bytes);
    return bytes;
  }

  async #take(events: Uint8Array[], as: Arrival = "event"): Promise<void> {
    await this.#deadline.hold(async (signal) => {
      for await (const verdict of this.room.feed(events, { as, signal })) this.#result.verdicts.push(verdict);
    });
  }
}

const ENDS: ReadonlySet<string> = new Set(["aborted", "timed_out", "wasm_trap", "callback_failed"]);
