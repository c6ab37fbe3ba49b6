/**
 * What `fedproof auth` judges: an event, and the room around it, from one document or from several
 * files. Events stay as the bytes they are in their file.
 */
import type { KeyRing, ReceiveContextOptions } from "../index.js";
import { AUTH_FIELDS, eventsIn, glance, isObject, itemsOf, lastOfType, membersOf, STATE_FIELDS } from "./event-files.js";
import { LATE, loadKeys, warnOfKeys } from "./key-files.js";
import { nameOf, readWhole } from "./source.js";
import { UsageError } from "./usage.js";

/** The files and values on the command line. */
export interface AuthFlags {
  state?: string;
  authEvents?: string;
  currentState?: string;
  create?: string;
  rejected?: string[];
  roomVersion?: string;
  keys?: string[];
  trace?: boolean;
  json?: boolean;
}

/** An event, and what it is judged by. */
export interface Question {
  /** The file that the event is from. */
  name: string;
  event: Uint8Array;
  room: ReceiveContextOptions;
  /** Were keys given? They may have been unusable. */
  hasKeys: boolean;
}

/** The options that name a file with a part of the room. */
const PARTS = ["state", "authEvents", "currentState", "create"] as const;
const CREATE = "m.room.create";

/**
 * Reads the files, and fills the ring with their keys.
 *
 * @throws UsageError `input_*`, `room_version_missing`, `usage`.
 */
export async function readQuestion(path: string, flags: AuthFlags, keys: KeyRing): Promise<Question> {
  const files = [path, ...PARTS.flatMap((part) => flags[part] ?? []), ...(flags.keys ?? [])];
  if (files.filter((file) => file === "-").length > 1) {
    throw new UsageError("only one of the files can come from standard input");
  }
  for (const file of flags.keys ?? []) await loadKeys(keys, file);
  const name = nameOf(path);
  const text = await readWhole(path);
  const members = membersOf(text, name);
  const isDocument = members?.has("event") === true && !members.has("type");
  const parts = PARTS.filter((part) => flags[part] !== undefined);
  if (isDocument && parts.length > 0) {
    throw new UsageError(`${name} is a document with the room in it, so ${optionOf(parts[0])} has no place beside it`);
  }
  if (!isDocument) refuseMany(text, name, members);
  const given = isDocument ? fromDocument(members, name, keys) : await fromFiles(text, flags);
  const { event, room } = given;
  const rejected = [...(room.rejected ?? []), ...(flags.rejected ?? [])];
  const roomVersion = flags.roomVersion ?? room.roomVersion ?? versionOf(event, room) ?? unknownVersion(name);
  const hasKeys = flags.keys !== undefined || given.hasKeys;
  return { name, event, room: { ...room, roomVersion, rejected }, hasKeys };
}

interface Given {
  event: Uint8Array;
  room: Partial<ReceiveContextOptions>;
  hasKeys: boolean;
}

function fromDocument(all: ReadonlyMap<string, Uint8Array>, name: string, keys: KeyRing): Given {
  // What is null is not there.
  const members = new Map([...all].filter(([, value]) => value.length !== 4 || glance(value) !== null));
  const event = all.get("event") as Uint8Array;
  const list = (field: string) => {
    const text = members.get(field);
    return text && itemsOf(text, `${field} of ${name}`);
  };
  const serverKeys = members.get("server_keys");
  if (serverKeys) warnOfKeys(name, keys.addAllServerKeys(serverKeys, { fetchedTs: LATE }));
  const room = {
    roomVersion: stringIn(members, "room_version", name),
    authEvents: list("auth_events"),
    state: list("state"),
    currentState: list("current_state"),
    createEvent: members.get("create_event"),
    rejected: list("rejected")?.map((id) => toId(glance(id), name)),
  };
  return { event, room: withoutAbsent(room), hasKeys: serverKeys !== undefined };
}

async function fromFiles(event: Uint8Array, flags: AuthFlags): Promise<Given> {
  const events = async (path: string | undefined, fields: readonly string[]) =>
    path === undefined ? undefined : eventsIn(await readWhole(path), nameOf(path), fields);
  const room = {
    authEvents: await events(flags.authEvents, AUTH_FIELDS),
    state: await events(flags.state, STATE_FIELDS),
    currentState: await events(flags.currentState, STATE_FIELDS),
    createEvent: flags.create === undefined ? undefined : await createIn(flags.create),
  };
  return { event, room: withoutAbsent(room), hasKeys: false };
}

/** One event, or the create event of several. */
async function createIn(path: string): Promise<Uint8Array> {
  const events = eventsIn(await readWhole(path), nameOf(path), [...new Set([...STATE_FIELDS, ...AUTH_FIELDS])]);
  const found = events.length === 1 ? events[0] : lastOfType(events, CREATE);
  if (found) return found;
  throw new UsageError(`${nameOf(path)} has no ${CREATE} event`, { code: "input_unreadable" });
}

/** The version that the room's create event says, where one was given. */
function versionOf(event: Uint8Array, room: Partial<ReceiveContextOptions>): string | undefined {
  const { createEvent, state = [], authEvents = [], currentState = [] } = room;
  const given = [createEvent ? [createEvent] : [], state, authEvents, currentState, [event]];
  for (const events of given) {
    const create = lastOfType(events as readonly Uint8Array[], CREATE);
    const found: unknown = create && glance(create);
    if (!isObject(found) || !isObject(found["content"])) continue;
    const version = found["content"]["room_version"] ?? "1";
    if (typeof version === "string") return version;
  }
  return undefined;
}

/** Arrays, transactions and NDJSON are no event; what is none otherwise is for the verdict to say. */
function refuseMany(text: Uint8Array, name: string, members: ReadonlyMap<string, Uint8Array> | undefined): void {
  const first = text.find((byte) => byte > 0x20);
  const isList = first === 0x5b || (members?.has("pdus") === true && !members.has("type"));
  if (!isList) return;
  throw new UsageError(`${name} is a list of events, and one event at a time is judged`, {
    code: "input_unreadable",
    hint: "Give the event in a file of its own, and the list as --state or --auth-events.",
  });
}

function stringIn(members: ReadonlyMap<string, Uint8Array>, field: string, name: string): string | undefined {
  const text = members.get(field);
  if (text === undefined) return undefined;
  const value = glance(text);
  if (typeof value === "string") return value;
  throw new UsageError(`${field} of ${name} must be a string${typeof value === "number" ? `: "${value}"` : ""}`, {
    code: "input_unreadable",
  });
}

function toId(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw new UsageError(`rejected of ${name} must be an array of event IDs`, { code: "input_unreadable" });
}

function unknownVersion(name: string): never {
  throw new UsageError(`the version of the room is not known: neither ${name} nor a create event says it`, {
    code: "room_version_missing",
    hint:
      "Add --room-version, such as --room-version 11: the room's m.room.create event has it in\n" +
      "content.room_version (when it has none there, it is 1).",
  });
}

function optionOf(part: string | undefined): string {
  return `--${String(part).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Members that are undefined are left out. */
function withoutAbsent<T extends object>(room: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(room).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
