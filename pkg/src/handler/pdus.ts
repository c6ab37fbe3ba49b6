/** Events of a transaction: which they are, and what is said of them. */
import { FedproofError } from "../errors.js";
import type { Room } from "../state.js";
import { eventId } from "../values.js";
import type { Verdict } from "../verdict.js";
import { isObject } from "./edus.js";

/** How long the ID of an event may be. */
const MOST_ID_CHARACTERS = 255;

/** What the other server is told of an event; nothing when it was taken, be it only to be kept (`soft_failed`). */
export function complaint({ outcome, checks }: Verdict): string | undefined {
  if (outcome === "accepted" || outcome === "soft_failed") return undefined;
  // A content that does not fit its hash (check 3) is no reason to refuse the event.
  const decided = checks.find(({ check, result }) => check !== 3 && (result === "fail" || result === "incomplete"));
  if (decided === undefined) return outcome;
  const { check, name, rule, code, reason = "no reason is known" } = decided;
  const place = [`check ${check}, ${name}`, ...(rule === undefined ? [] : [`rule ${rule}`]), ...(code === undefined ? [] : [code])];
  return `${outcome}: ${reason} (${place.join("; ")})`;
}

/** The room that an event is of. From room version 12 on, its create event makes it, and does not name it. */
export function roomOf(pdu: Uint8Array): string | undefined {
  const event = parsed(pdu);
  if (typeof event?.["room_id"] === "string") return event["room_id"];
  if (event?.["type"] !== "m.room.create" || !isObject(event["content"])) return undefined;
  const { room_version } = event["content"];
  const [id] = typeof room_version === "string" ? idsOf(pdu, [room_version]) : [];
  return id?.replace("$", "!");
}

/** Does an event follow on others that have no place in the room, or cite some that are not there? */
export function wouldWait(pdu: Uint8Array, room: Room): boolean {
  const { prev_events, auth_events } = parsed(pdu) ?? {};
  return (
    namedIn(prev_events).some((id) => room.event(id)?.outlier !== false) ||
    namedIn(auth_events).some((id) => room.event(id) === undefined)
  );
}

/** The IDs in a list of events; in room versions 1 and 2 they stand there with their hashes. */
function namedIn(list: unknown): string[] {
  const items: unknown[] = Array.isArray(list) ? list : [];
  return items.map((item) => (Array.isArray(item) ? (item[0] as unknown) : item)).filter((id) => typeof id === "string");
}

/** The IDs of an event by room versions, each once. Nothing for what has none. */
export function idsOf(pdu: Uint8Array, versions: readonly string[]): string[] {
  const ids = new Set<string>();
  for (const version of versions) {
    try {
      ids.add(eventId(pdu, version));
    } catch (thrown) {
      if (!(thrown instanceof FedproofError) || thrown.code === "wasm_trap") throw thrown;
    }
  }
  // In room versions 1 and 2 it stands in the event: what is longer than an ID may be is none.
  return [...ids].filter(({ length }) => length <= MOST_ID_CHARACTERS);
}

function parsed(pdu: Uint8Array): Record<string, unknown> | undefined {
  const event: unknown = JSON.parse(new TextDecoder().decode(pdu));
  return isObject(event) ? event : undefined;
}
