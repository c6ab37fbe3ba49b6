/**
 * Effects: how each is asked of a host, and how its answer is checked before it enters the module.
 *
 * A host is other people's code. Its answers are read once, member by member, and copied into what
 * the module takes; nothing of the host's runs later.
 */
import { kindOf } from "./errors.js";
import { type GivenHost, hostError, type HttpsRequest } from "./host.js";
import { encodeText, isUint8Array } from "./input.js";
import { pause } from "./turns.js";
import type { Operation } from "./wasm/fedproof.js";

/** An effect, as the module tells it. */
export type Effect = { id: number } & (
  | { kind: "srv" | "addresses"; name: string }
  | ({ kind: "https" } & ToldRequest)
  | { kind: "now" }
  | { kind: "random"; bytes: number }
  | { kind: "sign" }
  | { kind: "wait"; ms: number }
);

/** An effect that a host performs. */
export type HostEffect = Exclude<Effect, { kind: "sign" }>;

/** A request, as the module tells it. */
export interface ToldRequest {
  connect_host: string;
  address?: string;
  port: number;
  host_header: string;
  tls_name?: string;
  method: string;
  target: string;
  headers: [string, string][];
  max_bytes: number;
  time_limit: number;
  follow_redirects: number;
}

/** Gives an answer to the module. */
export type Deliver = (operation: Pick<Operation, Answers>, id: number) => void;
export type Answers = Extract<keyof Operation, `answer_${string}`>;

/** No DNS message holds more records. */
const MAX_RECORDS = 4096;
const MAX_HEADERS = 1000;
const MAX_HEADER_LENGTH = 2 ** 18;

/** Asks a host. Gives its answer or the promise of it, or throws, as the host does. */
export function ask(effect: HostEffect, host: GivenHost, body: Uint8Array | undefined, signal: AbortSignal): unknown {
  switch (effect.kind) {
    case "srv":
    case "addresses": {
      const look = host[effect.kind];
      if (look) return look(effect.name, { signal });
      throw hostError("host_unsupported", `the host has no method ${effect.kind}`);
    }
    case "https":
      return host.https?.(requestOf(effect, body), { signal });
    case "now":
      return host.now ? host.now() : Date.now();
    case "random":
      return host.random ? host.random(effect.bytes) : randomBytes(effect.bytes);
    case "wait":
      return host.wait ? host.wait(effect.ms, { signal }) : pause(effect.ms, signal);
  }
}

/** Checks an answer. @throws FedproofError with a code of hosts; or whatever a trap of the answer throws. */
export function read(effect: HostEffect, answer: unknown): Deliver {
  switch (effect.kind) {
    case "srv":
      return readSrv(answer);
    case "addresses":
      return readAddresses(answer);
    case "https":
      return readHttps(answer, effect);
    case "now":
      if (!Number.isSafeInteger(answer)) throw noAnswer("now", "a whole number of milliseconds", answer);
      return (operation, id) => operation.answer_now(id, answer as number);
    case "random": {
      if (!isUint8Array(answer)) throw noAnswer("random", "a Uint8Array", answer);
      const bytes = viewOf(answer);
      return (operation, id) => operation.answer_random(id, bytes);
    }
    case "wait":
      return (operation, id) => operation.answer_waited(id);
  }
}

function readSrv(answer: unknown): Deliver {
  const records: unknown[] = [];
  for (const record of listOf(answer, "srv")) {
    const { priority, weight, port, target } = membersOf(record, "a record of srv");
    for (const number of [priority, weight, port]) {
      if (!Number.isInteger(number)) throw noAnswer("a record of srv", "a number of 16 bits", number);
    }
    if (typeof target !== "string") throw noAnswer("the target of a record of srv", "a string", target);
    records.push([priority, weight, port, target]);
  }
  const text = encodeText(JSON.stringify(records));
  return (operation, id) => operation.answer_srv(id, text);
}

function readAddresses(answer: unknown): Deliver {
  const { addresses, canonicalName } = membersOf(answer, "addresses");
  const list = Array.from(listOf(addresses, "addresses"), (address) => {
    if (typeof address !== "string") throw noAnswer("an address", "a string", address);
    return address;
  });
  if (canonicalName !== undefined && typeof canonicalName !== "string") {
    throw noAnswer("canonicalName", "a string", canonicalName);
  }
  const text = encodeText(JSON.stringify(list));
  return (operation, id) => operation.answer_addresses(id, text, canonicalName);
}

function readHttps(answer: unknown, { max_bytes, method }: ToldRequest): Deliver {
  const { status, headers, body } = membersOf(answer, "https");
  if (!Number.isInteger(status)) throw noAnswer("the status of https", "a whole number", status);
  if (!isUint8Array(body)) throw noAnswer("the body of https", "a Uint8Array", body);
  const bytes = viewOf(body);
  if (bytes.length > max_bytes) {
    throw hostError("host_answer_too_large", `the answer has ${bytes.length} bytes, and ${max_bytes} were asked for`);
  }
  const lines = readHeaders(headers);
  const empty = method === "HEAD" || status === 204 || status === 304;
  if (!empty) checkLength(lines, bytes.length);
  const text = encodeText(JSON.stringify(lines));
  return (operation, id) => operation.answer_https(id, status as number, text, bytes);
}

function readHeaders(headers: unknown): [string, string][] {
  if (typeof headers !== "object" || headers === null || !(Symbol.iterator in headers)) {
    throw noAnswer("the headers of https", "an iterable of pairs", headers);
  }
  const lines: [string, string][] = [];
  let length = 0;
  for (const line of headers as Iterable<unknown>) {
    if (!Array.isArray(line)) throw noAnswer("a header of https", "a pair", line);
    const [name, value] = line as unknown[];
    if (typeof name !== "string" || typeof value !== "string") throw noAnswer("a header of https", "a pair of strings", line);
    length += name.length + value.length;
    if (lines.length === MAX_HEADERS || length > MAX_HEADER_LENGTH) {
      throw hostError("host_answer_too_large", `the answer has more than ${MAX_HEADERS} headers or ${MAX_HEADER_LENGTH} characters of them`);
    }
    lines.push([name.toLowerCase(), value]);
  }
  return lines;
}

/** A body that is shorter or longer than it says was cut, or is another one. */
function checkLength(headers: readonly [string, string][], length: number): void {
  const find = (wanted: string): string | undefined => headers.find(([name]) => name === wanted)?.[1];
  // The length is that of the coded body, which a host may have decoded.
  if ((find("content-encoding") ?? "identity") !== "identity") return;
  const said = find("content-length");
  if (said === undefined || said === String(length)) return;
  throw hostError("host_failed", `the body has ${length} bytes, and its content-length is ${JSON.stringify(said.slice(0, 40))}`);
}

function* listOf(answer: unknown, what: string): Iterable<unknown> {
  if (!Array.isArray(answer)) throw noAnswer(what, "an array", answer);
  const { length } = answer;
  if (length > MAX_RECORDS) throw hostError("host_answer_too_large", `${what} has ${length} entries, more than ${MAX_RECORDS}`);
  for (let index = 0; index < length; index += 1) yield answer[index];
}

function membersOf(answer: unknown, what: string): Record<string, unknown> {
  if (typeof answer !== "object" || answer === null) throw noAnswer(what, "an object", answer);
  return answer as Record<string, unknown>;
}

function noAnswer(what: string, expected: string, found: unknown): Error {
  return hostError("host_failed", `the host's answer is none: ${what} must be ${expected}; found ${kindOf(found)}`);
}

function requestOf(told: ToldRequest, body: Uint8Array | undefined): HttpsRequest {
  return {
    connectHost: told.connect_host,
    address: told.address,
    port: told.port,
    hostHeader: told.host_header,
    tlsName: told.tls_name,
    method: told.method,
    target: told.target,
    headers: told.headers,
    body,
    maxBytes: told.max_bytes,
    timeLimit: told.time_limit,
    followRedirects: told.follow_redirects,
  };
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const slot = (name: "buffer" | "byteOffset" | "byteLength") =>
  Object.getOwnPropertyDescriptor(typedArray, name)?.get as (this: Uint8Array) => unknown;
const bufferOf = slot("buffer");
const offsetOf = slot("byteOffset");
const lengthOf = slot("byteLength");

/** The same bytes, by what they are and not by what members of the array may say: its length decides what is copied where. */
function viewOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(
    bufferOf.call(bytes) as ArrayBuffer,
    offsetOf.call(bytes) as number,
    lengthOf.call(bytes) as number,
  );
}

function randomBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  // One call gives this many at most.
  for (let at = 0; at < count; at += 65_536) globalThis.crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}
