/**
 * A host that is a world in memory: DNS, servers, a clock, randomness, and what may go wrong with them. For
 * tests; the same world gives the same answers every time.
 *
 * @packageDocumentation
 */
import { FedproofError, invalidArgument } from "../errors.js";
import {
  type AddressesAnswer,
  type Awaitable,
  type Host,
  type HostCapabilities,
  hostError,
  type HostErrorCode,
  type HttpsAnswer,
  type HttpsRequest,
  type SrvRecord,
} from "../host.js";
import { isUint8Array } from "../input.js";
import { readOptions } from "../options.js";
import { randomness } from "./randomness.js";

/** The world of {@link memoryHost}. */
export interface MemoryWorld {
  /** SRV records by name, or a function of the name. A name that is not there has none. */
  srv?: Readonly<Record<string, readonly SrvRecord[]>> | ((name: string) => Awaitable<readonly SrvRecord[]>) | undefined;
  /** Addresses by name, or a function of the name. A name that is not there has none. */
  addresses?: Readonly<Record<string, Names>> | ((name: string) => Awaitable<Names>) | undefined;
  /** Servers by address and port (`"192.0.2.1:8448"`, `"[2001:db8::1]:443"`), or by name and port. */
  servers?: Readonly<Record<string, MemoryServer | MemoryHandler>> | undefined;
  /** What time it is at first, in milliseconds since 1970; by default 1,700,000,000,000. Only waiting moves it. */
  now?: number | undefined;
  /** What the random bytes come of; by default 0. They are no secret. */
  seed?: number | undefined;
  /** What goes wrong. Of several that fit a question the first one counts. */
  faults?: readonly MemoryFault[] | undefined;
  /** What this host is not able to do. */
  capabilities?: Partial<HostCapabilities> | undefined;
}

/** The addresses of a name: as a list, or with the name behind it. */
export type Names = readonly string[] | AddressesAnswer;

/** A server. */
export interface MemoryServer {
  /** What its certificate is for: names, or its address. By default everything. */
  names?: readonly string[] | undefined;
  /** Its answers: a function, or a table by method and target, `"GET /_matrix/key/v2/server"`. */
  answer: MemoryHandler | Readonly<Record<string, MemoryAnswer>>;
}

/** Answers a request. What it throws breaks the connection, unless it is an error of hosts. */
export type MemoryHandler = (request: HttpsRequest) => Awaitable<MemoryAnswer>;

/** An answer: a `Response`, or its parts. */
export type MemoryAnswer =
  | {
      /** 200 by default. */
      status?: number | undefined;
      headers?: Iterable<readonly [name: string, value: string]> | undefined;
      /** Bytes, or text. */
      body?: Uint8Array | string | undefined;
      /** Instead of a body: this, as JSON. */
      json?: unknown;
    }
  | FetchResponse;

/** What is used of a `Response`. */
export interface FetchResponse {
  readonly status: number;
  readonly headers: Iterable<readonly [name: string, value: string]>;
  arrayBuffer(): PromiseLike<ArrayBuffer>;
}

/** Something that goes wrong. */
export interface MemoryFault {
  /** With which questions. */
  on: "srv" | "addresses" | "https";
  /** With which of them; with all by default. */
  when?: ((question: MemoryQuestion) => boolean) | undefined;
  /** How often; always by default. */
  times?: number | undefined;
  /**
   * What:
   * - `"drop"`: no answer comes, and the time limit is over (`host_timed_out`);
   * - `"hang"`: nothing comes, not even the end of the time limit;
   * - `delay`: the answer comes so many milliseconds later by the clock of this world;
   * - `fail`: this error comes;
   * - `truncate`: only so many bytes of the body come, or so many records;
   * - `corrupt`: the lowest bit of this byte of the body is flipped;
   * - `repeat`: the request reaches the server so many times more; the last answer comes back.
   */
  what:
    | "drop"
    | "hang"
    | { delay: number }
    | { fail: HostErrorCode }
    | { truncate: number }
    | { corrupt: number }
    | { repeat: number };
}

/** A question to the host. */
export type MemoryQuestion = { kind: "srv" | "addresses"; name: string } | { kind: "https"; request: HttpsRequest };

/** An entry of the log. */
export interface MemoryEntry {
  /** When it was asked, by the clock of this world. */
  at: number;
  question: MemoryQuestion;
  /** What went wrong on purpose. */
  fault?: MemoryFault["what"];
  /** The answer, or the error; neither while it is open. */
  answer?: readonly SrvRecord[] | AddressesAnswer | HttpsAnswer;
  error?: unknown;
}

/** The host that {@link memoryHost} makes. */
export interface MemoryHost extends Host {
  /** DNS questions and requests, in the order in which they were asked. */
  readonly log: readonly MemoryEntry[];
  srv: NonNullable<Host["srv"]>;
  addresses: NonNullable<Host["addresses"]>;
  now(): number;
  random(bytes: number): Uint8Array;
  /** Moves the clock. */
  wait(ms: number): void;
}

/** How long a dropped DNS question took, in milliseconds. */
const DNS_LIMIT = 10_000;

/**
 * A host that talks to nobody: what it answers is described by `world`.
 *
 * Time passes only by waiting and by faults, so that nothing takes long, and everything comes out the same again.
 *
 * @throws FedproofError `invalid_option`.
 * @example
 * const host = memoryHost({
 *   addresses: { "example.org": ["192.0.2.1"] },
 *   servers: { "192.0.2.1:8448": { names: ["example.org"], answer: { "GET /": { json: {} } } } },
 * });
 */
export function memoryHost(world: MemoryWorld = {}): MemoryHost {
  const read = readOptions("memoryHost", world, {
    srv: toTable,
    addresses: toTable,
    servers: toRecord,
    now: toCount,
    seed: toCount,
    faults: toFaults,
    capabilities: toRecord,
  });
  let now = read.now ?? 1_700_000_000_000;
  const random = randomness(read.seed ?? 0);
  const faults = (read.faults ?? []).map((fault) => ({ ...fault, left: fault.times ?? Infinity }));
  const log: MemoryEntry[] = [];

  /** Answers a question, with the first fault that fits. */
  const meet = async <A extends NonNullable<MemoryEntry["answer"]>>(
    question: MemoryQuestion,
    limit: number,
    answer: () => Awaitable<A>,
    cut: (answer: A, length: number) => A,
  ): Promise<A> => {
    const fault = faults.find(({ on, when, left }) => on === question.kind && left > 0 && (when?.(question) ?? true));
    if (fault) fault.left -= 1;
    const entry: MemoryEntry = { at: now, question, ...(fault && { fault: fault.what }) };
    log.push(entry);
    try {
      return (entry.answer = await suffer(fault?.what, limit, answer, cut));
    } catch (thrown) {
      entry.error = thrown;
      throw thrown;
    }
  };

  const suffer = async <A>(
    what: MemoryFault["what"] | undefined,
    limit: number,
    answer: () => Awaitable<A>,
    cut: (answer: A, length: number) => A,
  ): Promise<A> => {
    if (what === undefined) return answer();
    if (what === "hang") return new Promise<never>(() => {});
    const delay = what === "drop" ? Infinity : "delay" in what ? what.delay : 0;
    now += Math.min(delay, limit);
    if (delay >= limit && delay > 0) throw hostError("host_timed_out", `no answer within ${limit} ms`);
    if (typeof what === "string" || "delay" in what) return answer();
    if ("fail" in what) throw hostError(what.fail, "it was to fail");
    if ("truncate" in what) return cut(await answer(), what.truncate);
    if ("corrupt" in what) return corrupt(await answer(), what.corrupt);
    for (let times = 0; times < what.repeat; times += 1) await answer();
    return answer();
  };

  return {
    log,
    srv: (name) =>
      meet({ kind: "srv", name }, DNS_LIMIT, async () => (await lookUp<readonly SrvRecord[]>(read.srv, name)) ?? [], (list, length) =>
        list.slice(0, length),
      ),
    addresses: (name) =>
      meet({ kind: "addresses", name }, DNS_LIMIT, async () => namesOf(await lookUp<Names>(read.addresses, name)), (names, length) => ({
        ...names,
        addresses: names.addresses.slice(0, length),
      })),
    https: (request) =>
      meet({ kind: "https", request }, request.timeLimit, () => visit(read.servers ?? {}, request), (answer, length) => ({
        ...answer,
        body: answer.body.slice(0, length),
      })),
    now: () => now,
    random,
    wait: (ms) => void (now += ms),
    capabilities: read.capabilities ?? {},
  };
}

/** What a table has for a name: of whatever kind, as whoever gets the answer checks it. */
async function lookUp<T>(table: Table | undefined, name: string): Promise<T | undefined> {
  if (typeof table === "function") return (await table(name)) as T;
  return table && Object.hasOwn(table, name) ? (table[name] as T) : undefined;
}

function namesOf(found: Names | undefined): AddressesAnswer {
  if (found === undefined) return { addresses: [] };
  return isList(found) ? { addresses: found } : found;
}

function isList(found: Names): found is readonly string[] {
  return Array.isArray(found);
}

/** Makes a request of the server that stands at its address. */
async function visit(servers: Readonly<Record<string, unknown>>, request: HttpsRequest): Promise<HttpsAnswer> {
  const { address, connectHost, port, tlsName, method, target } = request;
  const places = [address, connectHost].filter((place) => place !== undefined).map((place) => `${bracketed(place)}:${port}`);
  const place = places.find((one) => Object.hasOwn(servers, one));
  if (place === undefined) throw hostError("host_unreachable", `nobody listens on ${places[0]}`);
  const server = servers[place] as MemoryServer | MemoryHandler;
  const { names, answer } = typeof server === "function" ? { names: undefined, answer: server } : server;
  const expected = tlsName ?? address ?? connectHost;
  if (names !== undefined && !names.includes(expected)) {
    throw hostError("host_tls", `the certificate is for ${names.join(", ") || "nobody"}, not for ${expected}`);
  }
  const route = `${method} ${target}`;
  const unknown = { status: 404, json: { errcode: "M_UNRECOGNIZED", error: `no ${route} here` } };
  try {
    const given = typeof answer === "function" ? await answer(request) : Object.hasOwn(answer, route) ? answer[route] : unknown;
    return await wholeAnswer(given ?? unknown, request.maxBytes);
  } catch (thrown) {
    if (typeof (thrown as { code?: unknown } | null)?.code === "string") throw thrown;
    throw hostError("host_connection", "the server broke the connection", thrown);
  }
}

async function wholeAnswer(given: MemoryAnswer, maxBytes: number): Promise<HttpsAnswer> {
  const headers = [...(given.headers ?? [])].map(([name, value]): [string, string] => [name.toLowerCase(), value]);
  let body: Uint8Array;
  if ("arrayBuffer" in given) {
    body = new Uint8Array(await given.arrayBuffer());
  } else {
    const json = given.json !== undefined;
    if (json && !headers.some(([name]) => name === "content-type")) headers.push(["content-type", "application/json"]);
    const content = json ? JSON.stringify(given.json) : (given.body ?? "");
    body = typeof content === "string" ? new TextEncoder().encode(content) : content;
  }
  if (body.length > maxBytes) throw hostError("host_answer_too_large", `the answer has more than ${maxBytes} bytes`);
  return { status: given.status ?? 200, headers, body };
}

function corrupt<A>(answer: A, at: number): A {
  const { body } = answer as { body?: unknown };
  if (!isUint8Array(body) || at >= body.length) return answer;
  // A slice of a Buffer is the same memory.
  const changed = new Uint8Array(body);
  changed[at] = (changed[at] as number) ^ 1;
  return { ...answer, body: changed };
}

function bracketed(place: string): string {
  return place.includes(":") && !place.startsWith("[") ? `[${place}]` : place;
}

type Table = Readonly<Record<string, unknown>> | ((name: string) => unknown);

function toTable(value: unknown, where: string): Table {
  return typeof value === "function" ? (value as (name: string) => unknown) : toRecord(value, where);
}

function toRecord(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalidArgument(where, "an object", value);
  return value as Readonly<Record<string, unknown>>;
}

function toCount(value: unknown, where: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw invalidArgument(where, "a whole number", value);
  return value as number;
}

const FAULTS = ["delay", "fail", "truncate", "corrupt", "repeat"];

function toFaults(value: unknown, where: string): MemoryFault[] {
  if (!Array.isArray(value)) throw invalidArgument(where, "an array of faults", value);
  return value.map((fault: MemoryFault, index) => {
    const { on, what } = toRecord(fault, `fault ${index} of ${where}`) as { on?: unknown; what?: unknown };
    if (on !== "srv" && on !== "addresses" && on !== "https") throw invalidArgument(`on of fault ${index}`, '"srv", "addresses" or "https"', on);
    const word = what === "drop" || what === "hang";
    const fits = word || (typeof what === "object" && what !== null && FAULTS.some((name) => name in what));
    if (!fits) {
      throw new FedproofError("invalid_argument", `what of fault ${index} must be "drop", "hang" or one of ${FAULTS.join(", ")}`);
    }
    return fault;
  });
}
