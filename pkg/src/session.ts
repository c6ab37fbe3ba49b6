/** Verification: one event, many events in one crossing, a session for a stream of them. */
import { FedproofError } from "./errors.js";
import { type EventInput, isUint8Array, type JsonInput, toBytes, toRoomVersion } from "./input.js";
import { emptyRing, type KeyRing, toKeyRing } from "./keys.js";
import { readOptions, toBoolean } from "./options.js";
import { residentOf } from "./residents.js";
import type { Verdict } from "./verdict.js";
import { readVerdict, readVerdicts } from "./verdicts.js";

/** Options of {@link Session}, {@link verifyEvent} and {@link verifyEvents}. */
export interface VerifyOptions {
  /**
   * The version of the room: `"1"` to `"12"`. May be left out where the input says it: in a room
   * file, or in a list that begins with the room's create event.
   */
  roomVersion?: string | undefined;
  /** Keys of the servers that must have signed. Without a key the verdict is `incomplete`, never `accepted`. */
  keys?: KeyRing | undefined;
  /** The events come from a backfill. */
  backfill?: boolean | undefined;
  /** Passing checks carry their evidence too (keys used, hashes compared). */
  evidence?: boolean | undefined;
}

/** What the module is told about a call. */
export interface VerifySwitches {
  backfill: boolean;
  evidence: boolean;
  /** The input is one event, whatever it looks like. */
  single?: true;
}

/**
 * Many events at once:
 * - JSON bytes or text: one event, an array of events, NDJSON (an event a line), a transaction
 *   (`{"pdus": […]}`) or a room file (its `server_keys` and `room_version` are used);
 * - an array whose items are events, each as bytes, text or a plain object.
 */
export type EventsInput = JsonInput | readonly EventInput[] | object;

/**
 * Judges events of one room with the same options again and again. Keeps what is worth keeping
 * between calls; costs nothing to make, and a fault in the module does not end it.
 *
 * @example
 * const session = new Session({ roomVersion: "11", keys });
 * for await (const transaction of incoming) report(session.verify(transaction));
 */
export class Session {
  readonly #keys: KeyRing;
  readonly #roomVersion: string;
  readonly #many: VerifySwitches;
  readonly #one: VerifySwitches;

  /** @throws FedproofError `invalid_argument`, `invalid_option`. */
  constructor(options?: VerifyOptions) {
    const {
      keys,
      roomVersion,
      backfill = false,
      evidence = false,
    } = readOptions("Session", options, CHECKS);
    this.#keys = keys ?? emptyRing();
    this.#roomVersion = roomVersion ?? "";
    this.#many = { backfill, evidence };
    this.#one = { backfill, evidence, single: true };
  }

  /**
   * Judges all events of the input (checks 1 to 3), in one crossing of the boundary.
   *
   * @returns One verdict for each event, in order. A malformed event gets a verdict like any
   * other (`dropped`); it does not touch its neighbours.
   * @throws FedproofError `input_unreadable` or `input_empty` (no events are found in the input
   * as a whole), `unknown_room_version`, `lossy_object`, `invalid_argument`.
   * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
   */
  verify(events: EventsInput): Verdict[] {
    if (Array.isArray(events) && events.some(isText)) {
      return events.map((event: unknown, index) => this.#single(event, `event ${index}`));
    }
    const bytes = toBytes(events, "the events of verify");
    const verdicts = residentOf(this.#keys).use((ring) =>
      ring.verify_events(bytes, this.#roomVersion, this.#many),
    );
    return readVerdicts(verdicts);
  }

  /**
   * Judges one event (checks 1 to 3).
   *
   * @returns The verdict; a malformed event is `dropped`, not an exception.
   * @throws FedproofError `unknown_room_version`, `lossy_object`, `invalid_argument`.
   */
  verifyEvent(event: EventInput): Verdict {
    return this.#single(event, "the event of verifyEvent");
  }

  #single(event: unknown, where: string): Verdict {
    if (this.#roomVersion === "") {
      throw new FedproofError(
        "invalid_option",
        'an event given by itself needs the option "roomVersion": it does not say the version of its room',
        { details: { option: "roomVersion" } },
      );
    }
    const bytes = toBytes(event, where);
    const verdicts = residentOf(this.#keys).use((ring) =>
      ring.verify_events(bytes, this.#roomVersion, this.#one),
    );
    return readVerdict(verdicts);
  }
}

/**
 * Judges one event: format, signatures, hash (checks 1 to 3).
 *
 * @param event The PDU as it came over federation. Events as clients see them have no hashes and
 * signatures, so nothing in them can be verified.
 * @returns The verdict; a malformed event is `dropped`, not an exception.
 * @throws FedproofError `unknown_room_version`, `lossy_object`, `invalid_argument`,
 * `invalid_option`.
 * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
 * @example
 * const verdict = verifyEvent(bytes, { roomVersion: "11", keys });
 * if (verdict.outcome !== "accepted") console.log(verdict.checks.at(-1)?.reason);
 */
export function verifyEvent(event: EventInput, options?: VerifyOptions): Verdict {
  return new Session(options).verifyEvent(event);
}

/**
 * Judges many events in one crossing of the boundary (checks 1 to 3).
 *
 * @returns One verdict for each event, in order.
 * @throws FedproofError as {@link Session.verify}.
 * @example
 * const verdicts = verifyEvents(await readFile("room.json"));
 */
export function verifyEvents(events: EventsInput, options?: VerifyOptions): Verdict[] {
  return new Session(options).verify(events);
}

const CHECKS = {
  roomVersion: toRoomVersion,
  keys: toKeyRing,
  backfill: toBoolean,
  evidence: toBoolean,
};

function isText(event: unknown): boolean {
  return typeof event === "string" || isUint8Array(event);
}
