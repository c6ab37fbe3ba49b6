/** Authorization: what an event must cite, power levels, and whether an event is allowed. */
/// <reference lib="esnext.disposable" preserve="true" />
import { FedproofError, invalidArgument } from "./errors.js";
import { copyOf, type EventInput, toBytes, toName, toRoomVersion } from "./input.js";
import { emptyRing, type KeyRing, toKeyRing } from "./keys.js";
import { readOptions, required, toBoolean } from "./options.js";
import { residentOf } from "./residents.js";
import type { Verdict } from "./verdict.js";
import { call, Resident } from "./wasm.js";
import type { RoomContext as WasmRoomContext } from "./wasm/fedproof.js";

/** A type and a state key: a place in the state of a room. */
export type StateKey = [type: string, stateKey: string];

/**
 * The state that an event must cite in its `auth_events`, as far as the room has it.
 *
 * @param event The event, or what there is of it so far: `type`, `sender`, `state_key` and `content`
 * are looked at.
 * @returns Types and state keys, each once. Empty for `m.room.create`.
 * @throws FedproofError `json_*`, `not_an_object`, `field_missing`, `field_wrong_type`,
 * `unknown_room_version`, `lossy_object`, `invalid_argument`.
 * @see https://spec.matrix.org/v1.19/server-server-api/#auth-events-selection
 * @example
 * authTypesForEvent({ type: "m.room.message", sender: "@a:example.org", content: {} }, "11");
 * // [["m.room.create", ""], ["m.room.power_levels", ""], ["m.room.member", "@a:example.org"]]
 */
export function authTypesForEvent(event: EventInput, roomVersion: string): StateKey[] {
  const version = toRoomVersion(roomVersion, "the room version of authTypesForEvent");
  const bytes = toBytes(event, "the event of authTypesForEvent");
  return JSON.parse(call((wasm) => wasm.auth_types_for_event(bytes, version))) as StateKey[];
}

/** A power level; as text when it is beyond ±(2^53−1). */
export type PowerLevel = number | string;

/** The levels of an `m.room.power_levels` event, with the defaults for what it does not say. */
export interface PowerLevels {
  ban: PowerLevel;
  kick: PowerLevel;
  redact: PowerLevel;
  invite: PowerLevel;
  events_default: PowerLevel;
  state_default: PowerLevel;
  users_default: PowerLevel;
  /** Users not listed have `users_default`. (Creators of rooms of version 12 are never listed.) */
  users: Record<string, PowerLevel>;
  /** Types not listed ask for `state_default` or `events_default`. */
  events: Record<string, PowerLevel>;
  notifications: Record<string, PowerLevel>;
  /** Values that are no levels in this room version; they count for nothing. */
  defects: PowerLevelDefect[];
}

/** A value of power levels that is no level. */
export interface PowerLevelDefect {
  /** Where in the content. */
  path: string[];
  /** Its JSON text, cut when it is long. */
  value: string;
  /** Synapse takes it for a level all the same. */
  divergent: boolean;
}

/**
 * The levels that an `m.room.power_levels` event sets: integers, and what the room version takes for
 * them (strings up to version 9, fractions up to version 5).
 *
 * @throws FedproofError `json_*`, `not_an_object`, `number_not_integer`, `integer_out_of_range`,
 * `unknown_room_version`, `lossy_object`, `invalid_argument`.
 * @see https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels
 * @example
 * powerLevels({ content: { users: { "@a:example.org": " +50 " } } }, "9").users; // { "@a:example.org": 50 }
 */
export function powerLevels(event: EventInput, roomVersion: string): PowerLevels {
  const version = toRoomVersion(roomVersion, "the room version of powerLevels");
  const bytes = toBytes(event, "the event of powerLevels");
  return JSON.parse(call((wasm) => wasm.power_levels(bytes, version))) as PowerLevels;
}

/** The room around an event. What is left out is not known, and the checks that need it are skipped. */
export interface RoomContextOptions {
  /** The version of the room. */
  roomVersion: string;
  /** The events that the event cites in `auth_events` (check 4); others are passed over. */
  authEvents?: readonly EventInput[] | undefined;
  /** The state before the event (check 5). */
  state?: readonly EventInput[] | undefined;
  /** IDs of events that were rejected; by default none was. */
  rejected?: readonly string[] | undefined;
  /** The room's create event, which events of room version 12 do not cite. */
  createEvent?: EventInput | undefined;
}

/** The same with the state that {@link receiveEvent} needs for all checks. */
export interface ReceiveContextOptions extends RoomContextOptions {
  /** The current state of the room (checks 6 and 7). */
  currentState?: readonly EventInput[] | undefined;
}

/** How to judge. */
export interface JudgeOptions {
  /** Keys of servers. */
  keys?: KeyRing | undefined;
  /** Tell every authorization rule that was considered, in `Check.path`. */
  trace?: boolean | undefined;
  /** Passing checks carry their evidence too. */
  evidence?: boolean | undefined;
  /** The event comes from a backfill. */
  backfill?: boolean | undefined;
}

/** Options of {@link checkAuth}. */
export type CheckAuthOptions = RoomContextOptions & JudgeOptions;

/** Options of {@link receiveEvent}. */
export type ReceiveOptions = ReceiveContextOptions & JudgeOptions;

/**
 * The room around events: its lists are read once, however many events are judged against them.
 *
 * @example
 * const room = new RoomContext({ roomVersion: "11", state });
 * for (const event of events) console.log(room.checkAuth(event).outcome);
 */
export class RoomContext {
  readonly #resident: Resident<WasmRoomContext>;

  /**
   * @throws FedproofError `unknown_room_version`, `lossy_object`, `invalid_argument`,
   * `invalid_option`. What is wrong with events of the lists is told by the verdicts.
   */
  constructor(options: ReceiveContextOptions) {
    const checked = readOptions("RoomContext", options, CONTEXT);
    this.#resident = contextOf("RoomContext", checked);
    this.#resident.use(() => {}); // an unknown room version is told at once
  }

  /** As the function {@link checkAuth}. */
  checkAuth(event: EventInput, options?: JudgeOptions): Verdict {
    return check(this.#resident, event, readOptions("checkAuth", options, JUDGE));
  }

  /** As the function {@link receiveEvent}. */
  receiveEvent(event: EventInput, options?: JudgeOptions): Verdict {
    return receive(this.#resident, event, readOptions("receiveEvent", options, JUDGE));
  }

  /** Gives the memory back now; it is taken again when the context is used again. */
  dispose(): void {
    this.#resident.free();
  }
}

export interface RoomContext {
  /** {@link RoomContext.dispose}, for `using`. */
  [Symbol.dispose](): void;
}
// Not a method of the class: engines without the symbol would get one named "undefined".
if (Symbol.dispose) RoomContext.prototype[Symbol.dispose] = RoomContext.prototype.dispose;

/**
 * Is an event allowed? Makes check 1 (format), then check 4 against the events it cites and check 5
 * against the state before it, as far as these are given, each by itself.
 *
 * Signatures are not checked, but for the one that lets a user into a restricted room: with `keys` it
 * must be right, without them it must be there, and the verdict has the flag `signatures_unchecked`.
 *
 * @returns The verdict, with the number of the rule that decided. A malformed event is `dropped`; a
 * malformed event in a list makes the checks that need it `incomplete`.
 * @throws FedproofError `unknown_room_version`, `lossy_object`, `invalid_argument`,
 * `invalid_option`.
 * @see https://spec.matrix.org/v1.19/server-server-api/#authorization-rules
 * @example
 * const { outcome, checks } = checkAuth(event, { roomVersion: "11", authEvents, state });
 * if (outcome === "rejected") console.log(checks.find(({ result }) => result === "fail")?.reason);
 */
export function checkAuth(event: EventInput, options: CheckAuthOptions): Verdict {
  const checked = readOptions("checkAuth", options, { ...ROOM, ...JUDGE });
  return once("checkAuth", checked, (context) => check(context, event, checked));
}

/**
 * Judges an event by all seven checks on receipt: format, signatures, hash, auth events, state before,
 * current state, policy server. Those for which nothing is given are skipped.
 *
 * @returns The verdict. An event whose content does not fit its hash is judged redacted from check 4
 * on.
 * @throws FedproofError as {@link checkAuth}.
 * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
 */
export function receiveEvent(event: EventInput, options: ReceiveOptions): Verdict {
  const checked = readOptions("receiveEvent", options, { ...CONTEXT, ...JUDGE });
  return once("receiveEvent", checked, (context) => receive(context, event, checked));
}

interface Judge {
  keys?: KeyRing | undefined;
  trace?: boolean | undefined;
  evidence?: boolean | undefined;
  backfill?: boolean | undefined;
}

function check(context: Resident<WasmRoomContext>, event: EventInput, options: Judge): Verdict {
  const bytes = toBytes(event, "the event of checkAuth");
  const verdict = residentOf(options.keys ?? emptyRing()).use((ring) =>
    context.use((room) => room.check_auth(ring, options.keys !== undefined, bytes, options)),
  );
  return JSON.parse(verdict) as Verdict;
}

function receive(context: Resident<WasmRoomContext>, event: EventInput, options: Judge): Verdict {
  const bytes = toBytes(event, "the event of receiveEvent");
  const verdict = residentOf(options.keys ?? emptyRing()).use((ring) =>
    context.use((room) => room.receive(ring, bytes, options)),
  );
  return JSON.parse(verdict) as Verdict;
}

interface Context {
  roomVersion?: string | undefined;
  authEvents?: Uint8Array[] | undefined;
  state?: Uint8Array[] | undefined;
  currentState?: Uint8Array[] | undefined;
  rejected?: string[] | undefined;
  createEvent?: Uint8Array | undefined;
}

function contextOf(where: string, context: Context): Resident<WasmRoomContext> {
  const version = required(context.roomVersion, where, "roomVersion", 'such as "11"');
  const given = {
    auth_events: context.authEvents,
    state: context.state,
    current_state: context.currentState,
    create_event: context.createEvent,
    rejected: context.rejected ?? [],
  };
  return new Resident((wasm) => new wasm.RoomContext(version, given));
}

function once<T>(where: string, options: Context, work: (context: Resident<WasmRoomContext>) => T): T {
  const context = contextOf(where, options);
  try {
    return work(context);
  } finally {
    context.free();
  }
}

const ROOM = {
  roomVersion: toRoomVersion,
  authEvents: toEvents,
  state: toEvents,
  rejected: toNames,
  createEvent: toCopy,
};
const CONTEXT = { ...ROOM, currentState: toEvents };
const JUDGE = { keys: toKeyRing, trace: toBoolean, evidence: toBoolean, backfill: toBoolean };

/** A list of events, each of which nobody else can change. */
export function toEvents(value: unknown, where: string): Uint8Array[] {
  return toList(value, where, "an array of events").map((event, index) =>
    toCopy(event, `event ${index} of ${where}`),
  );
}

function toCopy(value: unknown, where: string): Uint8Array {
  return copyOf(toBytes(value, where));
}

export function toNames(value: unknown, where: string): string[] {
  return toList(value, where, "an array of event IDs").map((id, index) =>
    toName(id, `entry ${index} of ${where}`),
  );
}

function toList(value: unknown, where: string, expected: string): unknown[] {
  if (!Array.isArray(value)) throw invalidArgument(where, expected, value);
  // Not spread: an array with holes, or one that is not iterable as usual, is read by its indices.
  const list = Array.from({ length: value.length }, (_, index) => value[index] as unknown);
  const hole = list.findIndex((_, index) => !(index in value));
  if (hole >= 0) {
    throw new FedproofError("invalid_argument", `${where} has a hole at ${hole}`, {
      details: { argument: where, expected, found: "a hole" },
    });
  }
  return list;
}
