/** Transactions: events are judged, each for itself; ephemeral data is sifted and handed on. */
import { FedproofError } from "../errors.js";
import type { Federation } from "../federation.js";
import type { Awaitable } from "../host.js";
import { residentOf } from "../residents.js";
import type { Gap, Room } from "../state.js";
import { roomVersions } from "../values.js";
import type { Verdict } from "../verdict.js";
import { call } from "../wasm.js";
import { Refusal } from "./answer.js";
import type { Edu, VerdictContext } from "./callbacks.js";
import { siftEdu } from "./edus.js";
import type { Deadline } from "./limits.js";
import { complaint, idsOf, roomOf, wouldWait } from "./pdus.js";
import { Remembered } from "./remembered.js";
import type { RoomsHeld } from "./rooms.js";
import { KeyedTurns } from "./turns.js";

/** Who is told. */
export interface TransactionListeners {
  onVerdict?: ((verdict: Verdict, context: VerdictContext) => Awaitable<unknown>) | undefined;
  onEdu?: ((edu: Edu, context: { origin: string }) => Awaitable<unknown>) | undefined;
}

/** An event of a transaction. */
interface Sent {
  pdu: Uint8Array;
  /** Under which IDs it is answered: one, unless its room is not known. */
  ids: string[];
}

/** The events of a room in a transaction. */
interface Group {
  roomId: string;
  room: Room;
  events: Sent[];
}

/** How long an error in an answer may be. */
const MOST_CHARACTERS = 1000;
/** How many events of a room may wait: any server in the room can send what waits for ever. */
const MOST_WAITING = 10_000;

export class Transactions {
  readonly #turns = new KeyedTurns();
  readonly #answers = new Remembered();

  constructor(
    readonly federation: Federation,
    readonly rooms: RoomsHeld,
    readonly listeners: TransactionListeners,
  ) {}

  /**
   * Takes a transaction.
   *
   * @returns The answer, JSON text: the same when it is sent again.
   * @throws Refusal 400 when it is none; FedproofError or anything else when a callback fails.
   * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1sendtxnid
   */
  receive(id: string, body: Uint8Array, origin: string, deadline: Deadline): Promise<string> {
    if (id.length > 255) throw new Refusal(400, "M_INVALID_PARAM", "the transaction ID has more than 255 characters");
    return this.#answers.get(`${origin} ${id}`, () => this.#take(body, origin, deadline));
  }

  async #take(body: Uint8Array, origin: string, deadline: Deadline): Promise<string> {
    const { pdus, edus } = split(body);
    const results = new Map<string, { error?: string }>();
    const groups = await this.#group(pdus, results);
    await this.#fetchKeys(groups, deadline);
    // Each room by itself: one that is slow does not hold up the others.
    const taken = await Promise.allSettled(
      groups.map((group) =>
        this.#turns.take(group.roomId, async () => {
          for (const { pdu, ids } of group.events) {
            deadline.check();
            const error = await this.#judge(pdu, ids[0], group, origin, deadline);
            for (const id of ids) results.set(id, error === undefined ? {} : { error: error.slice(0, MOST_CHARACTERS) });
          }
        }),
      ),
    );
    for (const one of taken) if (one.status === "rejected") throw one.reason;
    for (const edu of edus) {
      deadline.check();
      const left = await siftEdu(edu, origin, (roomId) => this.#isAllowed(roomId, origin));
      if (left !== undefined) await this.listeners.onEdu?.(left, { origin });
    }
    return JSON.stringify({ pdus: Object.fromEntries(results) });
  }

  /** Puts the events of each room together; those of rooms that we do not hold are answered at once. */
  async #group(pdus: readonly (Uint8Array | null)[], results: Map<string, { error?: string }>): Promise<Group[]> {
    const groups = new Map<string, Group | undefined>();
    for (const pdu of pdus) {
      // What is too long to be an event, or has no ID, cannot be answered.
      if (pdu === null) continue;
      const roomId = roomOf(pdu);
      if (roomId !== undefined && !groups.has(roomId)) {
        const room = await this.rooms.find(roomId);
        groups.set(roomId, room && { roomId, room, events: [] });
      }
      const group = roomId === undefined ? undefined : groups.get(roomId);
      if (group !== undefined) {
        group.events.push({ pdu, ids: idsOf(pdu, [group.room.roomVersion]) });
        continue;
      }
      const error = roomId === undefined ? "the event does not say its room" : `this server is not in the room ${roomId}`;
      const versions = roomVersions().map(({ version }) => version);
      for (const id of idsOf(pdu, versions)) results.set(id, { error: error.slice(0, MOST_CHARACTERS) });
    }
    return [...groups.values()].filter((group) => group !== undefined);
  }

  /** Fetches all keys that the events need, at once. */
  async #fetchKeys(groups: readonly Group[], deadline: Deadline): Promise<void> {
    const { keys } = this.federation;
    const wanted = groups.flatMap(({ room, events }) => {
      const pdus = events.map(({ pdu }) => pdu);
      const needed = JSON.parse(residentOf(keys).use((ring) => ring.keys_needed(pdus, room.roomVersion))) as [string, string, number | null][];
      return needed.map(([serverName, keyId, until]) => ({ serverName, keyId, validUntilTs: toTime(until) }));
    });
    if (wanted.length > 0) await deadline.ask((limits) => this.federation.queryKeys(wanted, limits));
  }

  /** Judges an event; gives what is wrong with it. */
  async #judge(
    pdu: Uint8Array,
    id: string | undefined,
    { room, roomId }: Group,
    origin: string,
    deadline: Deadline,
  ): Promise<string | undefined> {
    const acl = this.rooms.check(room, origin);
    if (!acl.allowed) return `${acl.reason} (${acl.code})`;
    const known = id === undefined ? undefined : room.event(id);
    if (known !== undefined && !known.outlier) {
      return known.outcome === "rejected" ? "the event came before, and was rejected" : undefined;
    }
    if (room.counts().waiting >= MOST_WAITING && wouldWait(pdu, room)) {
      return `incomplete: the event rests on what is not there, and ${MOST_WAITING} events of the room wait already`;
    }
    const verdicts: Verdict[] = [];
    const take = async (more: Iterable<Verdict> | AsyncIterable<Verdict>): Promise<void> => {
      for await (const verdict of more) {
        verdicts.push(verdict);
        await this.listeners.onVerdict?.(verdict, { room, roomId, origin });
      }
    };
    await take(room.feed([pdu], { signal: deadline.signal }));
    const waits = (): Gap | undefined => (id === undefined ? undefined : room.gap(id));
    // What it rests on may have waited for a key that has come meanwhile.
    if (waits() !== undefined) await take(room.retry());
    const gap = waits();
    if (gap !== undefined && gap.previousEvents.length + gap.authEvents.length > 0) {
      const at = { roomId, roomVersion: room.roomVersion };
      const filled = await deadline.ask((limits) => this.federation.fillGap(origin, room, pdu, { ...at, ...limits }));
      await take(filled?.verdicts ?? []);
    }
    if (id === undefined) return "the event is malformed";
    // What is malformed may have no ID in its verdict.
    const by = (wanted: string | undefined) => verdicts.findLast(({ event_id }) => event_id === wanted);
    const verdict = by(id) ?? room.waitingVerdict(id) ?? by(undefined);
    if (verdict !== undefined) return complaint(verdict);
    return room.event(id) === undefined ? "the event was not taken" : undefined;
  }

  async #isAllowed(roomId: string, origin: string): Promise<boolean> {
    const room = await this.rooms.find(roomId);
    return room !== undefined && this.rooms.check(room, origin).allowed;
  }
}

/** The parts of a transaction. @throws Refusal 400. */
function split(body: Uint8Array): { pdus: (Uint8Array | null)[]; edus: string[] } {
  try {
    return call((wasm) => wasm.split_transaction(body)) as { pdus: (Uint8Array | null)[]; edus: string[] };
  } catch (thrown) {
    if (!(thrown instanceof FedproofError) || thrown.code === "wasm_trap") throw thrown;
    throw new Refusal(400, "M_BAD_JSON", thrown.message, { cause: thrown });
  }
}

function toTime(until: number | null): number | undefined {
  return until !== null && Number.isSafeInteger(until) && until >= 0 ? until : undefined;
}
