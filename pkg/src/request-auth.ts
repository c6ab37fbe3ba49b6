/** Signed requests between servers: making them, and telling by whom one is (`X-Matrix`). */
import { invalidArgument } from "./errors.js";
import { type EventInput, toBytes, toName, toTimestamp } from "./input.js";
import { emptyRing, type KeyRing, toKeyRing } from "./keys.js";
import { readOptions, required, toBoolean } from "./options.js";
import { residentOf } from "./residents.js";
import { type SignOptions, toSigningKey, withSeed } from "./signing.js";
import { call } from "./wasm.js";

/** Options of {@link signRequest}. */
export interface SignRequestOptions extends SignOptions {
  /** `GET`, `PUT`, `POST`: as it is sent, in upper case. */
  method: string;
  /**
   * Path and query, from `/_matrix` on, byte for byte as they are sent. Encode it yourself and send just
   * that: `new URL` and `new Request` write some characters anew, and the signature then fits no more.
   */
  uri: string;
  /** The server the request is for: its name before any delegation, not the host it is sent to. */
  destination: string;
  /** The body, a JSON object; `PUT` and `POST` need one (at least `{}`), `GET` has none. */
  content?: EventInput | undefined;
}

/** What {@link signRequest} gives. */
export interface SignedRequest {
  /** The value of the `Authorization` header. */
  authorization: string;
  /** The body to send, as canonical JSON text; absent without `content`. Send it as it is. */
  body?: string;
  /** What was signed: canonical JSON text. */
  signed: string;
}

/**
 * Signs a request to another server.
 *
 * @example
 * const { authorization, body } = signRequest({
 *   serverName: "a.example", key, destination: "b.example",
 *   method: "PUT", uri: "/_matrix/federation/v1/send/1", content: transaction,
 * });
 * @throws FedproofError `request_method_invalid`, `request_uri_invalid`, `request_content_missing`,
 * `request_content_unexpected`, `server_name_invalid`, `json_*`, `not_an_object`, `key_disposed`,
 * `lossy_object`, `invalid_argument`, `invalid_option`.
 * @see https://spec.matrix.org/v1.19/server-server-api/#request-authentication
 */
export function signRequest(options: SignRequestOptions): SignedRequest {
  const where = "signRequest";
  const read = readOptions(where, options, {
    serverName: toName,
    key: toSigningKey,
    method: toName,
    uri: toName,
    destination: toName,
    content: toBytes,
  });
  const server = required(read.serverName, where, "serverName", "the name of our server");
  const key = required(read.key, where, "key", "a SigningKey");
  const method = required(read.method, where, "method", 'such as "GET"');
  const uri = required(read.uri, where, "uri", "path and query as they are sent");
  const destination = required(read.destination, where, "destination", "the server it is for");
  return JSON.parse(
    withSeed(key, (seed) =>
      call((wasm) =>
        wasm.sign_request(seed, key.keyId, method, uri, read.content, server, destination),
      ),
    ),
  ) as SignedRequest;
}

/** Options of {@link verifyRequest}. */
export interface VerifyRequestOptions {
  /** The method, as in the request line. */
  method: string;
  /**
   * The target as it stands in the request line, path and query: `request.url` of `node:http`. What
   * `new URL` or a router makes of it may be written anew, and the signature then does not fit.
   */
  uri: string;
  /**
   * The `Authorization` header, or all of them: a request may have one for each key of its sender. What
   * `headers.get("authorization")` of Fetch gives is right too: it joins them with commas, and gives null
   * for none. (`request.headers` of `node:http` keeps only the first; take `request.headersDistinct`.)
   */
  authorization?: string | readonly string[] | null | undefined;
  /** The body as it was received: bytes are best. None and an empty one are the same. */
  body?: EventInput | undefined;
  /**
   * The name of our server, or all of them if it serves several domains. A request that does not name
   * its destination is tried for each, so give only those that it can be for.
   */
  serverName: string | readonly string[];
  /** Keys of servers; without those of the origin the answer is `incomplete`. */
  keys?: KeyRing | undefined;
  /** When the request was received (ms since 1970); now unless said. Keys must be valid then. */
  now?: number | undefined;
  /** Tell what was compared also when the request is accepted, and what had to be signed. */
  evidence?: boolean | undefined;
}

/** A key to ask its server for. */
export interface MissingKey {
  server: string;
  key_id: string;
}

/** What {@link verifyRequest} says. */
export type RequestJudgment =
  | {
      outcome: "accepted";
      /** The server that made the request. It rules, whatever the body says of an origin. */
      origin: string;
      /** The name of ours for which it is signed. */
      destination: string;
      /** The keys whose signatures are right. */
      keys: string[];
      flags: string[];
      /** With the option `evidence`; `signed` is the canonical JSON that was signed. */
      evidence?: Record<string, unknown>;
    }
  | {
      outcome: "refused";
      code: string;
      reason: string;
      /** What to answer. */
      status: 400 | 401;
      errcode: string;
      flags: string[];
      evidence: Record<string, unknown>;
      missing: MissingKey[];
    }
  | {
      /**
       * Keys are missing, or were valid when last asked for and no longer are. Fetch those of `missing`,
       * add them, judge again; answer 401 with `errcode` if they cannot be had.
       */
      outcome: "incomplete";
      code: string;
      reason: string;
      status?: undefined;
      errcode: string;
      flags: string[];
      evidence: Record<string, unknown>;
      missing: MissingKey[];
    };

/**
 * Judges by which server a request was made. That says nothing about events in its body: each is judged
 * on its own. (Answers to requests are not signed: there the connection tells who speaks.)
 *
 * @example
 * const judged = verifyRequest({
 *   method: request.method, uri: request.url, body,
 *   authorization: request.headersDistinct.authorization, serverName: "b.example", keys,
 * });
 * if (judged.outcome === "accepted") serve(judged.origin);
 * @throws FedproofError `server_name_invalid`, `lossy_object`, `invalid_argument`, `invalid_option`.
 * What is wrong with the request is no exception.
 * @see https://spec.matrix.org/v1.19/server-server-api/#request-authentication
 */
export function verifyRequest(options: VerifyRequestOptions): RequestJudgment {
  const where = "verifyRequest";
  const read = readOptions(where, options, {
    method: toName,
    uri: toName,
    authorization: toHeaders,
    body: toBytes,
    serverName: toNames,
    keys: toKeyRing,
    now: toTimestamp,
    evidence: toBoolean,
  });
  const method = required(read.method, where, "method", 'such as "GET"');
  const uri = required(read.uri, where, "uri", "path and query as they were received");
  const names = required(read.serverName, where, "serverName", "the name of our server");
  const { authorization = [], body, keys, now = Date.now(), evidence = false } = read;
  return JSON.parse(
    residentOf(keys ?? emptyRing()).use((ring) =>
      ring.verify_request(method, uri, authorization, body, names, now, evidence),
    ),
  ) as RequestJudgment;
}

/** All values of a header. */
function toHeaders(value: unknown, where: string): string[] {
  return value === null ? [] : toTexts(value, where, "a string, an array of strings or null");
}

/** Names of ours: at least one, or nothing could be for us. */
function toNames(value: unknown, where: string): string[] {
  const expected = "a server name, or an array of them";
  const names = toTexts(value, where, expected);
  if (names.length === 0) throw invalidArgument(where, expected, value, "It is empty");
  return names;
}

function toTexts(value: unknown, where: string, expected: string): string[] {
  if (typeof value === "string") return [toName(value, where)];
  if (!Array.isArray(value)) throw invalidArgument(where, expected, value);
  return Array.from(value as unknown[], (item) => toName(item, `an entry of ${where}`));
}
