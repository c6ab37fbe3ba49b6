/** State: resolution of states that differ, and whole rooms received event by event. */
/// <reference lib="esnext.disposable" preserve="true" />
import { type Arrival, toArrival } from "./arrival.js";
import { toEvents, toNames } from "./auth.js";
import { Came, type Seen } from "./came.js";
import { type DraftOptions, toDraft } from "./draft.js";
import { invalidArgument } from "./errors.js";
import { copyOf, type EventInput, encodeText, toBytes, toName, toRoomVersion } from "./input.js";
import { emptyRing, type KeyRing, toKeyRing } from "./keys.js";
import { JoinReader, SETTLED_AT_ONCE } from "./join.js";
import { readOptions, required, toBoolean } from "./options.js";
import { type Abortable, AT_ONCE, pace, toProgress, toSignal } from "./pace.js";
import { residentOf } from "./residents.js";
import type { Outcome, Verdict } from "./verdict.js";
import { readRoomVerdicts, type RoomVerdicts } from "./verdicts.js";
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
  /** The limits on how many events one names do not hold: the events come from a backfill. */
  backfill?: boolean | undefined;
}

/** As what events are taken. */
export interface ArrivalOptions {
  /** By default `event`. */
  as?: Arrival | undefined;
}

/** An event of a {@link Room}. */
export interface RoomEvent {
  outcome: Outcome;
  /** It is known without its place in the room: there is no state before it. */
  outlier: boolean;
  /** The ID of the redaction by which it lost its content. */
  redactedBy: string | undefined;
  /** The event as canonical JSON text; redacted, if its content did not fit its hash. */
  pdu: string;
}

/** What an event that waits has not got yet, as one asks other servers for it. */
export interface Gap {
  /** The previous events that have not come: its own, and those of events that it waits for. */
  previousEvents: string[];
  /** The auth events that have not come, likewise (`event_auth`). */
  authEvents: string[];
  /** The events that follow on such previous events. Where those stay away, the state before each of these is needed. */
  starts: string[];
  /** For `get_missing_events`: the forward extremities. */
  earliestEvents: string[];
  /** For `get_missing_events`: the smallest depth of what is there. */
  minDepth: number;
}

/** The state before an event by the word of another server. */
export interface GivenStateOptions {
  /** Its events, as in the answers of `state` and `send_join`. */
  state?: readonly EventInput[] | undefined;
  /** Their auth chain. */
  authChain?: readonly EventInput[] | undefined;
  /** Events of the state that are there already, by ID, as in the answer of `state_ids`. */
  stateIds?: readonly string[] | undefined;
  /** The state is known to lack members. */
  partial?: boolean | undefined;
  /** Take it only if every event of it is accepted. */
  strict?: boolean | undefined;
  signal?: Abortable | undefined;
  /** Told now and then how many events were taken. */
  progress?: ((done: number) => void) | undefined;
}

/** What was taken of a state that was given. */
export interface GivenState {
  /** How many events were taken. */
  taken: number;
  /** The events that fell out: rejected, no state events, or waiting for what they rest on. */
  fallen: string[];
  /** What those that wait rest on and has not come. */
  missing: string[];
}

/** What {@link Room.addWithState} answers. */
export interface AddedWithState {
  /** The verdict on the event; undefined if it was there already. An event that waits is `incomplete`. */
  verdict: Verdict | undefined;
  /** The state; undefined for an event that is malformed. */
  state: GivenState | undefined;
  /** All other verdicts: on what is not plainly accepted of the state, and on what had waited for the event. */
  verdicts: Verdict[];
}

/** Options of {@link Room.fromJoin}. */
export interface JoinOptions extends RoomOptions {
  /** The room that was joined. */
  roomId: string;
  /** Our join event, as it was sent. */
  event: EventInput;
  signal?: Abortable | undefined;
  /** Told now and then how many events of the answer were taken. */
  progress?: ((done: number) => void) | undefined;
}

/** What came of a join. */
export interface JoinReport {
  /** Our join event as canonical JSON text, or as it was sent; with the signatures that the other server added. */
  event: string;
  /** The verdict on it. Unless it is `accepted`, the room was not joined, and has nothing but outliers. */
  verdict: Verdict;
  /** The state before it. */
  state: GivenState;
  /** Verdicts on the events of the answer that are not accepted, or only redacted. */
  fallen: Verdict[];
  /** Events that are needed and were not in the answer. */
  missing: string[];
  /** The state lacks members (`members_omitted`). */
  partial: boolean;
  /** The servers in the room, by the word of the other server. */
  serversInRoom: string[] | undefined;
}

/** How many bytes of an answer are read at once. */
const PIECE = 64 * 1024;
/** How many verdicts on what waits are fetched at once. */
const PAGE = 500;

/**
 * A room, received from its PDUs: they may come in any order, wait for what they rest on, and are each
 * judged by all seven checks.
 *
 * It need not be there from its beginning. {@link Room.fromJoin} makes one of the answer to a join;
 * {@link Room.addWithState} closes a gap with the state that another server says.
 *
 * @example
 * const room = new Room({ roomVersion: "11", keys });
 * for await (const verdict of room.feed(pdus)) console.log(verdict.event_id, verdict.outcome);
 * console.log(room.currentState(), room.missing());
 */
export class Room {
  readonly #version: string;
  readonly #keys: KeyRing;
  readonly #came = new Came();
  readonly #resident: Resident<WasmRoom>;
  /** Who wants to know the ids of events, by their numbers. */
  readonly #asked = new Map<number, (eventId: string) => void>();

  /** @throws FedproofError `unknown_room_version`, `invalid_argument`, `invalid_option`. */
  constructor(options: RoomOptions) {
    const { keys, roomVersion, ...switches } = readOptions("Room", options, CHECKS);
    this.#version = required(roomVersion, "Room", "roomVersion", 'such as "11"');
    this.#keys = keys ?? emptyRing();
    this.#resident = new Resident((wasm) => {
      const room = new wasm.Room(this.#version, switches);
      residentOf(this.#keys).use((ring) => {
        this.#came.replay(room, () => {
          while (!room.is_idle()) this.#heed(room.step(ring, AT_ONCE));
        });
      });
      return room;
    });
    this.#resident.use(() => {}); // an unknown room version is told at once
  }

  /**
   * The room that was joined, from the answer to `send_join`: all of its events are judged by checks 1 to
   * 4, what is bad falls out, and the state that is left is that before our join, which is judged by all
   * checks. Others get to run at least every 50 ms.
   *
   * @param answer The answer, whole or in pieces as they come. Whole, it is best left as bytes.
   * @throws FedproofError `join_answer_incomplete`, `join_answer_no_create`, `join_answer_other_room`,
   * `join_answer_room_version`, `join_answer_conflict`, `join_answer_event_changed`: the answer is none;
   * `input_unreadable`, `aborted`, `wasm_trap`, `unknown_room_version`, `lossy_object`, `invalid_argument`,
   * `invalid_option`; what the source throws. A join that is not allowed is no exception.
   * @see https://spec.matrix.org/v1.19/server-server-api/#joining-rooms
   * @example
   * const { room, report } = await Room.fromJoin(response.body, { roomVersion, roomId, event, keys });
   * if (report.verdict.outcome !== "accepted") throw new Error("we are not in");
   */
  static async fromJoin(
    answer: EventInput | AsyncIterable<Uint8Array>,
    options: JoinOptions,
  ): Promise<{ room: Room; report: JoinReport }> {
    const where = "Room.fromJoin";
    const { roomId, event, signal, progress, roomVersion, keys, ...switches } = readOptions(where, options, JOIN_CHECKS);
    const id = required(roomId, where, "roomId", "the room that was joined");
    const join = copyOf(required(event, where, "event", "our join event"));
    const version = required(roomVersion, where, "roomVersion", 'such as "11"');
    const pieces = isAsyncIterable(answer) ? answer : piecesOf(toBytes(answer, `the answer of ${where}`));
    const room = new Room({ ...switches, keys, roomVersion: version });
    const reader = new JoinReader(version, id, switches, room.#keys);
    const rested = pace("the join", signal);
    try {
      room.#came.noteRoom(id);
      const numbers: number[] = [];
      const hear = (): void => room.#came.forget(reader.seen().map(([n, ...seen]) => [numbers[n] as number, ...seen]));
      for await (const piece of pieces) {
        for (const part of piecesOf(toBytes(piece, `a piece of the answer of ${where}`))) {
          for (const event of reader.push(part)) numbers.push(room.#came.note(event, "outlier"));
          while (reader.step()) await rested();
          hear();
          progress?.(numbers.length);
        }
      }
      while (reader.settle()) await rested();
      await rested();
      const { report, eventId, stateIds } = reader.finish(join);
      hear();
      const fallen = new Set(report.state.fallen);
      const state = stateIds.filter((one) => !fallen.has(one));
      if (eventId !== "") {
        room.#came.noteState({ eventId, roomId: id, partial: report.partial, state });
        room.#came.note(encodeText(report.event), "event");
      }
      room.#resident.adopt(reader.intoRoom());
      return { room, report };
    } catch (thrown) {
      room.dispose();
      throw thrown;
    } finally {
      reader.free();
    }
  }

  /**
   * Takes events and judges all that can be judged now.
   *
   * @returns The verdicts, in the order in which events were decided; one that waits for others gets
   * its verdict when they come. Of outliers, only those have one that are not plainly accepted.
   * @throws FedproofError `lossy_object`, `invalid_argument`, `invalid_option`.
   */
  add(events: readonly EventInput[], options?: ArrivalOptions): Verdict[] {
    const { as } = readOptions("add", options, { as: toArrival });
    for (const event of toEvents(events, "the events of add")) this.#push(event, as);
    const verdicts: Verdict[] = [];
    while (!this.#idle()) verdicts.push(...this.#step());
    return verdicts;
  }

  /**
   * Takes events as they come and yields verdicts as they are decided. Others get to run at least every
   * 50 ms.
   *
   * @param options.signal Ends it: what was taken stays taken.
   * @throws FedproofError `aborted`, `lossy_object`, `invalid_argument`, `invalid_option`; what the source
   * throws.
   */
  async *feed(
    events: AsyncIterable<EventInput> | Iterable<EventInput>,
    options: ArrivalOptions & { signal?: Abortable | undefined } = {},
  ): AsyncGenerator<Verdict, void> {
    const { as, signal } = readOptions("feed", options, { as: toArrival, signal: toSignal });
    const rested = pace("feeding the room", signal);
    let count = 0;
    for await (const event of events) {
      this.#push(copyOf(toBytes(event, `event ${count} of feed`)), as);
      count += 1;
      while (!this.#idle()) {
        await rested();
        yield* this.#step();
      }
      await rested();
    }
  }

  /**
   * Takes an event whose previous events are not to be had, with the state before it as another server says
   * it (`state`, or `state_ids` and `event`). The events of the state, and their auth chain, are taken as
   * outliers; those that are not accepted fall out. Previous events that are there have a say: the state is
   * resolved with theirs.
   *
   * An event that is there keeps its state, unless that lacked members: then what follows is judged
   * again. Others get to run at least every 50 ms.
   *
   * @throws FedproofError `given_state_missing`, `given_state_no_create`, `given_state_other_room`,
   * `given_state_room_version`, `given_state_conflict`: then the event goes on waiting; `aborted`,
   * `lossy_object`, `invalid_argument`, `invalid_option`.
   * @see https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events
   */
  async addWithState(event: EventInput, options: GivenStateOptions): Promise<AddedWithState> {
    const where = "addWithState";
    const bytes = copyOf(toBytes(event, `the event of ${where}`));
    const given = readOptions(where, options, STATE_CHECKS);
    const rested = pace("taking the state", given.signal);
    const verdicts: Verdict[] = [];
    const state = new Set(given.stateIds);
    let done = 0;
    const take = async (events: readonly Uint8Array[], note?: (eventId: string) => void): Promise<void> => {
      for (let at = 0; at < events.length; at += AT_ONCE) {
        for (const one of events.slice(at, at + AT_ONCE)) this.#push(one, "outlier", note);
        done += Math.min(AT_ONCE, events.length - at);
        while (!this.#idle()) {
          verdicts.push(...this.#step());
          await rested();
        }
        given.progress?.(done);
      }
    };
    await take(given.authChain ?? []);
    await take(given.state ?? [], (eventId) => state.add(eventId));

    const named = JSON.parse(this.#resident.use((room) => room.identify(bytes))) as [string, string] | null;
    const switches = { partial: given.partial === true, strict: given.strict === true };
    const taken = named ? await this.#give(...named, [...state], switches, rested) : undefined;
    this.#push(bytes, "event");
    while (!this.#idle()) {
      verdicts.push(...this.#step());
      await rested();
    }
    const isIt = ({ event_id }: Verdict): boolean => event_id === named?.[0];
    const at = verdicts.findLastIndex(isIt);
    const [verdict] = at < 0 ? [named ? this.waitingVerdict(named[0]) : undefined] : verdicts.splice(at, 1);
    return { verdict, state: taken, verdicts };
  }

  async #give(
    eventId: string,
    roomId: string,
    ids: readonly string[],
    { partial, strict }: { partial: boolean; strict: boolean },
    rested: () => Promise<void>,
  ): Promise<GivenState> {
    const draft = (room: WasmRoom, from: number, to: number): void =>
      room.draft_state(eventId, roomId, encodeText(JSON.stringify(ids.slice(from, to))), from === 0);
    try {
      for (let at = 0; at < ids.length; at += SETTLED_AT_ONCE) {
        this.#resident.use((room) => draft(room, at, at + SETTLED_AT_ONCE));
        await rested();
      }
      const taken = this.#resident.use((room) => {
        // It is not all there if the room was made anew meanwhile.
        if (room.drafted(eventId) !== ids.length) draft(room, 0, ids.length);
        return JSON.parse(room.give_state(eventId, partial, strict)) as GivenState;
      });
      const fallen = new Set(taken.fallen);
      this.#came.noteState({ eventId, roomId, partial, state: ids.filter((id) => !fallen.has(id)) });
      return taken;
    } finally {
      this.#resident.use((room) => room.forget_draft(eventId));
    }
  }

  /**
   * A new event of ours that follows on the {@link extremities}: `depth`, `prev_events`, `auth_events` and `room_id`
   * are as the room is now. It lacks hash and signature: sign it with `signEvent`, add it, and send it.
   *
   * Whether it is allowed is not asked: the verdict of {@link add} says so, before others see it. Of more than 20
   * extremities, the most that an event may name, those of the greatest depth are taken.
   *
   * @returns The event as canonical JSON text.
   * @throws FedproofError `draft_room_unknown`: there is no room yet, and this is no create event (with a `roomId`, up
   * to room version 11); `json_*`, `not_an_object`, `lossy_object`, `invalid_argument`, `invalid_option`.
   * @see https://spec.matrix.org/v1.19/server-server-api/#pdus
   * @example
   * const draft = room.draft({ type: "m.room.message", sender: "@me:example.org", content: { body: "hello" } });
   * const event = signEvent(draft, { serverName: "example.org", key, roomVersion: "11" });
   * const [verdict] = room.add([event]);
   * if (verdict.outcome === "accepted") await federation.send("matrix.org", { pdus: [event], roomVersion: "11" });
   */
  draft(options: DraftOptions): string {
    const draft = toDraft(options);
    return this.#resident.use((room) => room.draft(...draft));
  }

  /** Looks again at events that wait for keys, with those in the ring now. As {@link Room.add}. */
  retry(): Verdict[] {
    this.#resident.use((room) => room.retry());
    const verdicts = this.add([]);
    this.#resident.use((room) => this.#came.giveDue(room));
    return [...verdicts, ...this.add([])];
  }

  /** The version of the room. */
  get roomVersion(): string {
    return this.#version;
  }

  /** The ring with the keys of servers. */
  get keys(): KeyRing {
    return this.#keys;
  }

  /** The ID of the event at a place of the current state, if there is one. @throws FedproofError `invalid_argument`. */
  currentEvent(type: string, stateKey: string): string | undefined {
    const place = [toName(type, "the type of currentEvent"), toName(stateKey, "the state key of currentEvent")] as const;
    return this.#resident.use((room) => room.current_event(...place));
  }

  /** The current state: that over the forward extremities. Sorted by type and state key. */
  currentState(): StateEntry[] {
    return this.#state("current") as StateEntry[];
  }

  /** Does the current state lack members, because it rests on one that was given without? */
  isPartial(): boolean {
    return this.#resident.use((room) => room.is_partial());
  }

  /** The state before an event; undefined when it has not been judged, or is an outlier. @throws FedproofError `invalid_argument`. */
  stateBefore(eventId: string): StateEntry[] | undefined {
    return this.#state("before", toName(eventId, "the event id of stateBefore"));
  }

  /** The state after an event; undefined when it has not been judged, or is an outlier. @throws FedproofError `invalid_argument`. */
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

  /** What an event that waits has not got yet; undefined for one that does not wait. @throws FedproofError `invalid_argument`. */
  gap(eventId: string): Gap | undefined {
    const id = toName(eventId, "the event id of gap");
    const gap = JSON.parse(this.#resident.use((room) => room.gap(id))) as {
      previous: string[];
      auth: string[];
      starts: string[];
      min_depth: number;
    } | null;
    if (gap === null) return undefined;
    const { previous, auth, starts, min_depth } = gap;
    return { previousEvents: previous, authEvents: auth, starts, earliestEvents: this.extremities(), minDepth: min_depth };
  }

  /** Verdicts (`incomplete`) on the events that wait, with what each lacks. Sorted by their IDs. */
  waiting(): Verdict[] {
    const all: Verdict[] = [];
    for (;;) {
      const after = all.at(-1)?.event_id ?? "";
      const page = JSON.parse(this.#resident.use((room) => room.undecided(after, PAGE))) as Verdict[];
      all.push(...page);
      if (page.length < PAGE) return all;
    }
  }

  /** The verdict (`incomplete`) on an event that waits; undefined for others. @throws FedproofError `invalid_argument`. */
  waitingVerdict(eventId: string): Verdict | undefined {
    const id = toName(eventId, "the event id of waitingVerdict");
    return (JSON.parse(this.#resident.use((room) => room.waiting_verdict(id))) as Verdict | null) ?? undefined;
  }

  /** An event that was judged and kept; undefined for others. @throws FedproofError `invalid_argument`. */
  event(eventId: string): RoomEvent | undefined {
    const id = toName(eventId, "the event id of event");
    const text = this.#resident.use((room) => room.event(id));
    if (text === "null") return undefined;
    const { outcome, outlier, redacted_by } = JSON.parse(text) as {
      outcome: Outcome;
      outlier: boolean;
      redacted_by: string | null;
    };
    // The event stays the text it is: parsed, it would have lost what it was judged by.
    const pdu = text.slice(text.indexOf(',"pdu":') + ',"pdu":'.length, -1);
    return { outcome, outlier, redactedBy: redacted_by ?? undefined, pdu };
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
   * The room as a room file: its version, and each event that came, in the order in which they did, but for
   * what was dropped. Of a room that is not there from its beginning, the member `arrivals` says what came
   * as what. Keys are not in it. {@link Room.load} makes the same room of it.
   */
  save(): string {
    return this.#came.save(this.#version);
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
    const { room_version, events, arrivals } = call((wasm) => wasm.split_events(bytes)) as {
      room_version: string | null;
      events: Uint8Array[];
      arrivals: string | null;
    };
    const roomVersion = given.roomVersion ?? room_version ?? undefined;
    const room = new Room({
      ...given,
      roomVersion: required(roomVersion, "Room.load", "roomVersion", "the room file does not say it"),
    });
    room.#came.load(events, arrivals);
    room.#resident.free();
    room.add([]);
    return room;
  }

  /** Gives the memory back now. The room is empty then. */
  dispose(): void {
    this.#came.clear();
    this.#asked.clear();
    this.#resident.free();
  }

  /** Takes an event; `note` is told its ID, unless it is dropped. */
  #push(event: Uint8Array, as: Arrival = "event", note?: (eventId: string) => void): void {
    const number = this.#resident.use((room) => this.#came.push(room, event, as));
    if (note) this.#asked.set(number, note);
  }

  #idle(): boolean {
    return this.#resident.use((room) => room.is_idle());
  }

  #step(): Verdict[] {
    const stepped = residentOf(this.#keys).use((ring) =>
      this.#resident.use((room) => room.step(ring, AT_ONCE)),
    );
    return this.#heed(stepped);
  }

  /** Takes note of what became of events; gives the verdicts. */
  #heed(stepped: string): Verdict[] {
    const { verdicts, seen } = JSON.parse(stepped) as { verdicts: RoomVerdicts; seen: Seen[] };
    this.#came.forget(seen);
    for (const [number, eventId] of this.#asked.size > 0 ? seen : []) {
      if (eventId !== null) this.#asked.get(number)?.(eventId);
      this.#asked.delete(number);
    }
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

function isAsyncIterable(value: unknown): value is AsyncIterable<Uint8Array> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

const CHECKS = {
  roomVersion: toRoomVersion,
  keys: toKeyRing,
  trace: toBoolean,
  evidence: toBoolean,
  backfill: toBoolean,
};

const JOIN_CHECKS = { ...CHECKS, roomId: toName, event: toBytes, signal: toSignal, progress: toProgress };

const STATE_CHECKS = {
  state: toEvents,
  authChain: toEvents,
  stateIds: toNames,
  partial: toBoolean,
  strict: toBoolean,
  signal: toSignal,
  progress: toProgress,
};
