/** Events in files of every kind: lists of them, rooms, answers of servers, one that is meant. */
import { type Cut, cut, cutAll } from "./raw-json.js";
import { UsageError } from "./usage.js";

/** Where answers of servers, and room files, have events. */
export const STATE_FIELDS = ["pdus", "state"];
export const AUTH_FIELDS = ["pdus", "auth_chain", "auth_events"];

const NEWLINE = 0x0a;

/**
 * The events of a file, each as it stands there: of an array, NDJSON, or an object that has lists of
 * them in `fields`; a file may also be one event.
 *
 * @throws UsageError `input_unreadable`, `input_empty`.
 */
export function eventsIn(text: Uint8Array, name: string, fields: readonly string[]): readonly Uint8Array[] {
  if (/\.(ndjson|jsonl)$/i.test(name)) return linesOf(text);
  const [first, ...others] = cutAll(text, name);
  if (first === undefined) throw new UsageError(`${name} is empty`, { code: "input_empty" });
  const whole = cut(first, name);
  if (whole.kind === "scalar") throw holdsNoEvents(name, "it is neither an object nor an array");
  if (others.length > 0) return [first, ...others];
  if (whole.kind === "array") return whole.items;
  const { members } = whole;
  if (members.has("type")) return [first];
  const lists = fields.filter((field) => members.has(field));
  if (lists.length === 0) throw isNoRoom(members, name, fields);
  return lists.flatMap((field) => itemsOf(members.get(field) as Uint8Array, `${field} of ${name}`));
}

/** The items of an array. */
export function itemsOf(text: Uint8Array, name: string): readonly Uint8Array[] {
  const list = cut(text, name);
  if (list.kind !== "array") throw new UsageError(`${name} must be an array`, { code: "input_unreadable" });
  return list.items;
}

/** The members of a text that is an object; undefined for everything else. */
export function membersOf(text: Uint8Array, name: string): ReadonlyMap<string, Uint8Array> | undefined {
  try {
    const found: Cut = cut(text, name);
    return found.kind === "object" ? found.members : undefined;
  } catch (thrown) {
    if (thrown instanceof UsageError) return undefined;
    throw thrown;
  }
}

/** What a text means to a reader who need not be exact; undefined when that is nothing. */
export function glance(text: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(text));
  } catch {
    return undefined;
  }
}

/** The last of the events that is the state of this type, with an empty state key. */
export function lastOfType(events: readonly Uint8Array[], type: string): Uint8Array | undefined {
  return events.findLast((text) => {
    const event = glance(text);
    return isObject(event) && event["type"] === type && event["state_key"] === "";
  });
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The error code of a server's answer that is none of events. */
export function errcodeOf(members: ReadonlyMap<string, Uint8Array>): string | undefined {
  const errcode = members.get("errcode");
  const code = errcode && glance(errcode);
  return typeof code === "string" ? code : undefined;
}

function linesOf(text: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf(NEWLINE, start);
    const end = found < 0 ? text.length : found;
    const line = text.subarray(start, end);
    if (line.some((byte) => byte > 0x20)) lines.push(line);
    start = end + 1;
  }
  return lines;
}

function isNoRoom(
  members: ReadonlyMap<string, Uint8Array>,
  name: string,
  fields: readonly string[],
): UsageError {
  const errcode = errcodeOf(members);
  if (errcode !== undefined) return holdsNoEvents(name, `it is the error ${errcode} of a server`);
  return holdsNoEvents(name, `it is an object without ${fields.join(", ")}, and no event either`);
}

function holdsNoEvents(name: string, why: string): UsageError {
  return new UsageError(`${name} holds no events: ${why}`, {
    code: "input_unreadable",
    hint: "Events come as an array, as NDJSON, as a room file, or as the answer of a server (/state, /event_auth).",
  });
}
