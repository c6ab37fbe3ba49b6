/**
 * What `fedproof resolve-state` is about: states and events in one document, or a room file whose events
 * are received, with the states after some of them.
 */
import {
  eventId,
  FedproofError,
  type KeyRing,
  type ResolutionTrace,
  type ResolvedState,
  resolveState,
  type StateEntry,
} from "../index.js";
import type { RoomReceiver } from "../receiver.js";
import { referencesIn } from "./event-book.js";
import { glance, isObject, itemsOf, lastOfType, membersOf } from "./event-files.js";
import { EventSplitter } from "./event-splitter.js";
import { warn } from "./key-files.js";
import { Progress } from "./progress.js";
import { type ReceiveFlags, receive } from "./receive-file.js";
import type { Received } from "./room-report.js";
import { openSource, type Source } from "./source.js";
import { plural } from "./style.js";
import { UsageError } from "./usage.js";

/** What the command is told beside the file. */
export interface ResolveFlags extends ReceiveFlags {
  at?: string;
  json?: boolean;
}

/** A resolution, and what it was of. */
export interface Resolution {
  name: string;
  roomVersion: string;
  /** How many states there were. */
  states: number;
  /** Whose states they are, as words to go behind their number. */
  whose: string;
  state: StateEntry[];
  trace: ResolutionTrace | undefined;
  /** Finds an event, as `JSON.parse` gives it. */
  find: (eventId: string) => unknown;
  /** The room that was received, and the events after which the states are; not for a document of states. */
  room?: { receiver: RoomReceiver; ends: string[] };
}

/** A document of states is read whole; a room file is received, and may be larger than memory. */
export async function resolveFile(file: string, flags: ResolveFlags, trace: boolean, keys: KeyRing): Promise<Resolution> {
  const source = await openSource(file);
  try {
    if (await holdsStates(source)) return await resolveDocument(source, flags, trace);
    const progress = await Progress.of(source.size);
    const received = await receive(source, keys, { ...flags, trace: false }, SILENCE, progress);
    try {
      return await resolveRoom(source.name, received, flags, trace);
    } catch (thrown) {
      received.room.free();
      throw thrown;
    }
  } finally {
    await source.close();
  }
}

const SILENCE = {
  async begin(): Promise<void> {},
  async verdicts(): Promise<void> {},
  async end(): Promise<void> {},
};

/** Is it a document with `state_sets`? It is read as far as that takes to say. */
async function holdsStates(source: Source): Promise<boolean> {
  if (/\.(ndjson|jsonl)$/i.test(source.name)) return false;
  await source.willReadAgain(true);
  const splitter = new EventSplitter();
  let answer: boolean | undefined;
  for await (const chunk of source.chunks()) {
    // A stream has to be read to its end, to be kept.
    if (answer === undefined) {
      splitter.push(chunk);
      const isOther = splitter.names.has("pdus") || splitter.take().length > 0;
      if (splitter.names.has("state_sets")) answer = true;
      else if (isOther) answer = false;
    }
    if (answer !== undefined && source.size !== undefined) break;
  }
  return answer ?? false;
}

async function resolveDocument(source: Source, flags: ResolveFlags, trace: boolean): Promise<Resolution> {
  const { name } = source;
  if (flags.at !== undefined) {
    throw new UsageError(`${name} is a document of states: there is no event in it for --at to stand before`);
  }
  const parts: Uint8Array[] = [];
  for await (const chunk of source.chunks()) parts.push(chunk);
  const members = membersOf(Buffer.concat(parts), name);
  if (members === undefined) throw new UsageError(`${name} is not JSON`, { code: "input_unreadable" });
  const list = (field: string) => {
    const text = members.get(field);
    if (text === undefined) throw new UsageError(`${name} has state_sets, but no ${field}`, { code: "input_unreadable" });
    return itemsOf(text, `${field} of ${name}`);
  };
  const stateSets = list("state_sets").map(glance) as StateEntry[][];
  const events = list("events");
  const rejected = members.has("rejected") ? (list("rejected").map(glance) as string[]) : [];
  const stated = members.get("room_version");
  const roomVersion = flags.roomVersion ?? (stated && toVersion(glance(stated), name)) ?? versionOfCreate(events) ?? unknownVersion(name);
  const resolved = resolve(() => resolveState({ roomVersion, stateSets, events, rejected, trace }), name);
  return {
    name,
    roomVersion,
    states: stateSets.length,
    whose: "",
    state: resolved.state,
    trace: resolved.trace,
    find: finder(events, roomVersion),
  };
}

/** What is wrong with a document is told with the events that it is about. */
function resolve(work: () => ResolvedState, name: string): ResolvedState {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof FedproofError) || !isObject(thrown.details["evidence"])) throw thrown;
    const { missing, events } = thrown.details["evidence"];
    const ids = [missing, events].find(Array.isArray) ?? [];
    const shown = ids.slice(0, 20).map((id) => `  ${String(id)}`);
    const more = ids.length - shown.length;
    throw new UsageError(`${name}: ${thrown.message} (${thrown.code})`, {
      code: thrown.code,
      hint: [...shown, ...(more > 0 ? [`  … and ${more.toLocaleString("en")} more`] : [])].join("\n"),
    });
  }
}

/** Finds events by their ids, which are made when the first is asked for. */
function finder(events: readonly Uint8Array[], roomVersion: string): (eventId: string) => unknown {
  let byId: Map<string, Uint8Array> | undefined;
  return (id) => {
    byId ??= new Map(events.map((event) => [eventId(event, roomVersion), event]));
    const found = byId.get(id);
    return found && glance(found);
  };
}

async function resolveRoom(name: string, { room, summary }: Received, flags: ResolveFlags, trace: boolean): Promise<Resolution> {
  const { at } = flags;
  const left = summary.waiting + summary.outcomes.dropped;
  if (left > 0) {
    warn(`${name}: the state is that without ${plural(left, "event")} which cannot be judged or was dropped; “fedproof room” tells why`);
  }
  const ends = at === undefined ? summary.forward_extremities : previousOf(at, room, name);
  return {
    name,
    roomVersion: summary.room_version,
    states: ends.length,
    whose: at === undefined ? "after its forward extremities" : `after what ${at} follows on`,
    state: at === undefined ? summary.state : (room.stateBefore(at) ?? []),
    trace: trace ? room.trace(ends) : undefined,
    find: (id) => room.event(id)?.pdu,
    room: { receiver: room, ends },
  };
}

function previousOf(at: string, room: RoomReceiver, name: string): string[] {
  const event = room.event(at);
  if (event === undefined) {
    throw new UsageError(`${name} has no event ${at} that could be judged`, {
      code: "input_unreadable",
      hint: `“fedproof room ${name}” tells what became of each event.`,
    });
  }
  return referencesIn(event.pdu, "prev_events");
}

function versionOfCreate(events: readonly Uint8Array[]): string | undefined {
  const create = lastOfType(events, "m.room.create");
  const found = create && glance(create);
  if (!isObject(found) || !isObject(found["content"])) return undefined;
  const version = found["content"]["room_version"] ?? "1";
  return typeof version === "string" ? version : undefined;
}

function toVersion(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw new UsageError(`room_version of ${name} must be a string${typeof value === "number" ? `: "${value}"` : ""}`, {
    code: "input_unreadable",
  });
}

function unknownVersion(name: string): never {
  throw new UsageError(`the version of the room is not known: neither ${name} nor a create event in it says it`, {
    code: "room_version_missing",
    hint: "Add --room-version, such as --room-version 11.",
  });
}
