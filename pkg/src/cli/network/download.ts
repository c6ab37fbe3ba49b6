/** A whole room from another server, as far back as that gives it: for `fedproof room --from`. */
import { type DroppedEvent, type Federation, FedproofError, type RequestAnswer, type RoomAt, roomVersions, type SigningKey } from "../../index.js";
import { isObject } from "../event-files.js";
import { UsageError } from "../usage.js";
import type { Activity } from "./activity.js";
import { eventsFile, KeyDocuments, roomFile } from "./saved-room.js";

/** How many events are asked for at once: servers give no more. */
const AT_ONCE = 100;
/** Of so many events at the beginning of what the server gives the state before them is asked for. */
const MOST_STATES = 20;

export interface DownloadOptions {
  /** The server that is asked. */
  server: string;
  roomId: string;
  /** Our server, which must be in the room. */
  serverName: string;
  /** How many events of the history at most. */
  limit: number;
  roomVersion: string | undefined;
  /** Ours: events of our server are in the room, too. */
  signingKey: SigningKey | undefined;
  signal: AbortSignal;
  activity: Activity;
}

/** A room that came. */
export interface Download {
  /** A room file. */
  file: string;
  /** The server has, or gives, no more: what comes before is its word. */
  isCut: boolean;
  /** There were more than were wanted. */
  isLimited: boolean;
  /** What does not prove itself, and is not in the file. */
  unproven: DroppedEvent[];
}

/** An event, as far as it says what comes before it. */
interface Known {
  pdu: string;
  depth: number;
  previous: string[];
}

/**
 * Fetches a room: from its newest events back to its create event, or to where the server knows no further. There
 * the state before is taken, by its word.
 *
 * @throws FedproofError as a `Federation` does; `remote_forbidden` when our server is not in the room.
 */
export async function download(federation: Federation, options: DownloadOptions): Promise<Download> {
  const { server, serverName, roomId, limit, signingKey, signal, activity } = options;
  const { tips, roomVersion } = await beginning(federation, options);
  const at: RoomAt = { roomId, roomVersion, signal };
  const unproven: DroppedEvent[] = [];
  const keys = new KeyDocuments();
  if (signingKey) keys.takeOwn(serverName, signingKey);
  const history = new History();
  const inVain = new Set<string>();
  for (let from = tips; from.length > 0 && history.size < limit; from = history.missing(AT_ONCE, inVain)) {
    const want = Math.min(AT_ONCE, limit - history.size);
    const { events, dropped, keys: fetched } = await federation.backfill(server, { ...at, from, limit: want });
    keys.take(fetched);
    const before = history.size;
    for (const { verdict, pdu } of events) if (verdict.event_id !== undefined) history.add(verdict.event_id, pdu);
    for (const { verdict } of dropped) if (verdict.event_id !== undefined) inVain.add(verdict.event_id);
    unproven.push(...dropped);
    // Of many that were asked for, some may only not have fitted into the answer.
    if (history.size === before) for (const id of from) inVain.add(id);
    activity.tell(`fetching the room: ${history.size.toLocaleString("en")} events`);
  }
  if (history.size === 0) {
    const [first] = unproven;
    const why = first === undefined ? "" : `; what it gives is refused: ${first.reason}`;
    throw new FedproofError(first?.code ?? "remote_not_found", `${server} gives no event of ${roomId}${why}`);
  }
  const isCut = history.missing(1).length > 0;
  const isLimited = history.size >= limit && isCut;
  const events = history.inOrder();
  const pdus = events.map(([, { pdu }]) => pdu);
  if (!isCut) return { file: eventsFile(roomId, roomVersion, keys, pdus), isCut, isLimited, unproven };
  activity.tell("fetching the state before what there is");
  const edge = events.filter(([, { previous }]) => previous.some((id) => !history.has(id)));
  const given: Given[] = [];
  for (const [eventId] of edge.slice(0, MOST_STATES)) {
    const { state, auth_chain, keys: fetched } = await federation.state(server, eventId, at);
    keys.take(fetched);
    const ids = state.flatMap(({ verdict }) => verdict.event_id ?? []);
    given.push({ eventId, ids, pdus: [...auth_chain, ...state].map(({ pdu }) => pdu) });
  }
  return { file: cutFile(roomId, roomVersion, keys, pdus, given), isCut, isLimited, unproven };
}

/** The state before an event, by the word of the server. */
interface Given {
  eventId: string;
  ids: string[];
  pdus: string[];
}

/** The room file of a history whose beginning is not there: with what each event came as. */
function cutFile(
  roomId: string,
  roomVersion: string,
  keys: KeyDocuments,
  history: readonly string[],
  given: readonly Given[],
): string {
  const outliers = [...new Set(given.flatMap(({ pdus }) => pdus))];
  const states = given.map(({ eventId, ids }) => ["state", eventId, roomId, false, ids]);
  const arrivals = [["room", roomId], ["outlier", outliers.length], ...states, ["event", history.length]];
  const pdus = [...outliers, ...history];
  const lines = (list: readonly string[]): string => `[\n${list.join(",\n")}\n]`;
  const told = lines(arrivals.map((arrival) => JSON.stringify(arrival)));
  return roomFile(roomId, keys, `{"room_version":${JSON.stringify(roomVersion)},"pdus":${lines(pdus)},"arrivals":${told}}\n`);
}

/** Where to begin: the newest events, and the version of the room. */
async function beginning(federation: Federation, options: DownloadOptions): Promise<{ tips: string[]; roomVersion: string }> {
  const template = await templateOf(federation, options);
  if (template !== undefined) return template;
  const { server, roomId, signal } = options;
  const room = encodeURIComponent(roomId);
  const ask = async (path: string): Promise<Record<string, unknown>> => {
    const answer = await federation.request(server, { target: `/_matrix/federation/v1/${path}`, signal });
    if (answer.status !== 200) throw refusalOf(server, answer);
    const body = parsed(new TextDecoder().decode(answer.body));
    return isObject(body) ? body : {};
  };
  const { event_id: newest } = await ask(`timestamp_to_event/${room}?ts=${Date.now()}&dir=b`);
  if (typeof newest !== "string") throw new FedproofError("remote_failed", `${server} does not say which event of ${roomId} is the newest`);
  const roomVersion = options.roomVersion ?? (await versionOf(roomId, () => ask(`event_auth/${room}/${encodeURIComponent(newest)}`)));
  return { tips: [newest], roomVersion };
}

/** The version of a room by its create event; a wrong one makes all events fail. */
async function versionOf(roomId: string, authChain: () => Promise<Record<string, unknown>>): Promise<string> {
  // From version 12 on the ID of a room names no server.
  if (!roomId.includes(":")) return "12";
  const { auth_chain: chain } = await authChain();
  const events: unknown[] = Array.isArray(chain) ? chain : [];
  const create = events.filter(isObject).find(({ type }) => type === "m.room.create");
  const content = isObject(create?.["content"]) ? create["content"] : {};
  const version = content["room_version"] ?? "1";
  if (create !== undefined && typeof version === "string") return version;
  throw new UsageError("--room-version is needed: the server does not tell the version of the room", {
    hint: "It stands in content.room_version of the room's m.room.create event.",
  });
}

/** What a server that does not answer with 200 says. */
function refusalOf(server: string, { status, body }: RequestAnswer): FedproofError {
  const answer = parsed(new TextDecoder().decode(body));
  const { errcode, error } = isObject(answer) ? answer : {};
  const code = status === 401 ? "remote_unauthorized" : status === 403 ? "remote_forbidden" : status === 404 ? "remote_not_found" : "remote_refused";
  const said = [errcode, error].filter((part) => typeof part === "string").join(": ");
  const evidence = { server_name: server, status, errcode, error };
  return new FedproofError(code, `${server}: the server answered ${status}${said === "" ? "" : ` ${said}`}`, { details: { evidence } });
}

/**
 * What a user of ours would be given to join: it names all forward extremities, and changes nothing. Undefined when
 * the room is not open to all.
 */
async function templateOf(
  federation: Federation,
  { server, roomId, serverName, roomVersion, signal }: DownloadOptions,
): Promise<{ tips: string[]; roomVersion: string } | undefined> {
  const user = encodeURIComponent(`@fedproof:${serverName}`);
  const versions = roomVersions().map(({ version }) => `ver=${encodeURIComponent(version)}`).join("&");
  const target = `/_matrix/federation/v1/make_join/${encodeURIComponent(roomId)}/${user}?${versions}`;
  const { status, body } = await federation.request(server, { target, signal });
  if (status !== 200) return undefined;
  const answer = parsed(new TextDecoder().decode(body));
  const event = isObject(answer) ? answer["event"] : undefined;
  const version = isObject(answer) ? (answer["room_version"] ?? "1") : undefined;
  const tips = isObject(event) ? idsIn(event["prev_events"]) : [];
  if (typeof version !== "string" || tips.length === 0) {
    throw new FedproofError("remote_failed", `${server} does not say of ${roomId} where its history ends`);
  }
  return { tips, roomVersion: roomVersion ?? version };
}

/** What came, and what it names as coming before and is not there. */
class History {
  readonly #known = new Map<string, Known>();
  readonly #missing = new Set<string>();

  get size(): number {
    return this.#known.size;
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  add(id: string, pdu: string): void {
    const known = knownOf(pdu);
    this.#known.set(id, known);
    this.#missing.delete(id);
    for (const previous of known.previous) if (!this.#known.has(previous)) this.#missing.add(previous);
  }

  /** Some of what is missing, but for those. */
  missing(most: number, but: ReadonlySet<string> = new Set()): string[] {
    const some: string[] = [];
    for (const id of this.#missing) {
      if (some.length >= most) break;
      if (!but.has(id)) some.push(id);
    }
    return some;
  }

  /** The oldest first. */
  inOrder(): [id: string, event: Known][] {
    return [...this.#known].sort(([, one], [, other]) => one.depth - other.depth);
  }
}

function knownOf(pdu: string): Known {
  const event = parsed(pdu);
  const { depth, prev_events } = isObject(event) ? event : {};
  return { pdu, depth: typeof depth === "number" ? depth : 0, previous: idsIn(prev_events) };
}

/** IDs; in room versions 1 and 2 each stands in a pair with hashes. */
function idsIn(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown) => {
    const id: unknown = Array.isArray(entry) ? entry[0] : entry;
    return typeof id === "string" ? [id] : [];
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
