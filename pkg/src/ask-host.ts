/** Asking a host directly: what makes the core of its answers? For those who write one. */
import { decodeBase64 } from "./base64.js";
import { CALL_OPTIONS, type CallOptions } from "./call-options.js";
import { FedproofError, invalidArgument } from "./errors.js";
import { type Host, type HttpsRequest, type SrvRecord, toHost } from "./host.js";
import { encodeText, isUint8Array, toName } from "./input.js";
import { drive } from "./operation.js";
import { oneOf, readOptions, required } from "./options.js";

/**
 * One thing to ask of a host. Requests go out without further headers; what is left out of one has a default: port
 * 8448, `GET /`, `connectHost` as the `Host` header, a body of up to 1 MB within 30 seconds.
 */
export type HostQuestion =
  | { srv: string }
  | { addresses: string }
  | { https: Partial<Omit<HttpsRequest, "headers" | "followRedirects">> & Pick<HttpsRequest, "connectHost"> }
  | { now: true }
  | { random: number }
  | { wait: number };

/** What the core understood, or why there was no answer. */
export type HostAnswer =
  | { srv: SrvRecord[] }
  | { addresses: string[]; canonicalName: string | undefined }
  | { https: { status: number; headers: [name: string, value: string][]; body: Uint8Array } }
  | { now: number }
  | { random: Uint8Array }
  | { wait: true }
  | { error: FedproofError };

/**
 * Asks a host, all at once, what a conversation may ask, and gives back what the core understood. Answers pass
 * through the same checks and time limits as in any conversation: so is a host of one's own tried.
 *
 * @param questions Up to 1000.
 * @returns What came of each, in order. A question that fails is no exception.
 * @throws FedproofError `aborted`, `timed_out`, `wasm_trap`, `invalid_argument`, `invalid_option`.
 * @example
 * const [addresses] = await askHost(nodeHost(), [{ addresses: "matrix.org" }]);
 */
export async function askHost(
  host: Host,
  questions: readonly HostQuestion[],
  options?: CallOptions,
): Promise<HostAnswer[]> {
  const given = toHost(host, "the host of askHost");
  const read = readOptions("askHost", options, CALL_OPTIONS);
  if (!Array.isArray(questions) || questions.length > 1000) {
    throw invalidArgument("the questions of askHost", "an array of up to 1000", questions);
  }
  const asked = questions.map(readQuestion);
  const effects = encodeText(JSON.stringify(asked.map(({ effect }) => effect)));
  const bodies = asked.map(({ body }) => body ?? new Uint8Array());
  const { json } = await drive((wasm, capabilities) => wasm.ask_host(effects, bodies, capabilities), given, read);
  return (JSON.parse(json) as Told[]).map(answerOf);
}

interface Question {
  effect: Record<string, unknown>;
  body?: Uint8Array | undefined;
}

/** How many bytes a body has at most by default. */
const MAX_BYTES = 1_000_000;
const TIME_LIMIT = 30_000;

function readQuestion(question: unknown, index: number): Question {
  const where = `question ${index} of askHost`;
  const read = readOptions(where, question ?? null, {
    srv: toName,
    addresses: toName,
    https: toRequest,
    now: oneTrue,
    random: upTo(65_536),
    wait: upTo(86_400_000),
  });
  const [kind, ...others] = Object.keys(read) as (keyof typeof read)[];
  if (kind === undefined || others.length > 0) throw invalidArgument(where, "one question", question);
  if (kind === "https") return read.https as Question;
  const { srv, addresses, random, wait } = read;
  return { effect: { kind, name: srv ?? addresses, bytes: random, ms: wait } };
}

function toRequest(value: unknown, where: string): Question {
  const read = readOptions(where, value ?? null, {
    connectHost: toName,
    address: toName,
    port: upTo(65_535),
    hostHeader: toName,
    tlsName: toName,
    method: oneOf("GET", "POST", "PUT", "DELETE"),
    target: toName,
    body: toBody,
    maxBytes: upTo(2 ** 31),
    timeLimit: upTo(2 ** 31 - 1),
  });
  const host = required(read.connectHost, where, "connectHost", "whom to connect to");
  const effect = {
    kind: "https",
    connect_host: host,
    address: read.address,
    port: read.port ?? 8448,
    host_header: read.hostHeader ?? (host.includes(":") ? `[${host}]` : host),
    tls_name: read.tlsName,
    method: read.method ?? "GET",
    target: read.target ?? "/",
    max_bytes: read.maxBytes ?? MAX_BYTES,
    time_limit: read.timeLimit ?? TIME_LIMIT,
  };
  return { effect, body: read.body };
}

function toBody(value: unknown, where: string): Uint8Array {
  if (!isUint8Array(value)) throw invalidArgument(where, "a Uint8Array", value);
  return value;
}

function oneTrue(value: unknown, where: string): true {
  if (value !== true) throw invalidArgument(where, "true", value);
  return value;
}

function upTo(most: number) {
  return (value: unknown, where: string): number => {
    const fits = Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
    if (!fits) throw invalidArgument(where, `a whole number from 0 to ${most}`, value);
    return value as number;
  };
}

/** How the module tells what came of a question. */
type Told =
  | { code: string; message: string }
  | { srv: SrvRecord[] }
  | { addresses: string[]; canonical_name?: string }
  | { status: number; headers: [string, string][]; body: string }
  | { now: number }
  | { random: string }
  | { waited: true };

function answerOf(told: Told): HostAnswer {
  if ("code" in told) return { error: new FedproofError(told.code, told.message) };
  if ("addresses" in told) return { addresses: told.addresses, canonicalName: told.canonical_name };
  if ("status" in told) return { https: { ...told, body: bytesOf(told.body) } };
  if ("random" in told) return { random: bytesOf(told.random) };
  return "waited" in told ? { wait: true } : told;
}

function bytesOf(base64: string): Uint8Array {
  return decodeBase64(base64) as Uint8Array; // the module wrote it
}
