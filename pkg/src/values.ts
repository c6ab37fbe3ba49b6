/** Pure functions on JSON, events and names. */
import { FedproofError } from "./errors.js";
import { type EventInput, toBytes, toName, toRoomVersion } from "./input.js";
import { oneOf, readOptions, toBoolean } from "./options.js";
import { call } from "./wasm.js";

/**
 * Which numbers canonical JSON takes:
 * - `strict`: integers within ±(2^53−1), the rule of room versions 6 and later;
 * - `lenient`: also `1.0` and `1e10` where they stand for such an integer, which they become;
 * - `historical`: integers of any size, and fractions written as Python writes them: what rooms of
 *   version 1 to 5 were hashed with.
 */
export type Numbers = "strict" | "lenient" | "historical";

/** Options of {@link canonicalJson}; at most one of them. */
export interface CanonicalJsonOptions {
  /** Which numbers are taken; `strict` unless said. */
  numbers?: Numbers | undefined;
  /** Short for `numbers: "lenient"`. */
  lenient?: boolean | undefined;
  /** The numbers of this room version: `historical` for 1 to 5, `strict` from 6 on. */
  roomVersion?: string | undefined;
}

/**
 * Canonical JSON: shortest form, keys sorted by code point, UTF-8.
 *
 * @param input Any JSON value as bytes or text, or plain data.
 * @returns The canonical text. Text is loss-free: encode it (`new TextEncoder().encode(…)`) for
 * the bytes that are hashed and signed. Do not pass it through `JSON.parse` on the way.
 * @throws FedproofError `json_*` (not JSON), `number_not_integer`, `integer_out_of_range`,
 * `unknown_room_version`, `lossy_object`, `invalid_argument`, `invalid_option`.
 * @see https://spec.matrix.org/v1.19/appendices/#canonical-json
 * @example
 * canonicalJson('{ "b": 1, "a": "é" }'); // '{"a":"é","b":1}'
 */
export function canonicalJson(input: EventInput, options?: CanonicalJsonOptions): string {
  const numbers = numbersOf(options);
  const bytes = toBytes(input, "the input of canonicalJson");
  return call((wasm) => wasm.canonical_json(bytes, numbers));
}

function numbersOf(options: CanonicalJsonOptions | undefined): Numbers {
  const { numbers, lenient, roomVersion } = readOptions("canonicalJson", options, {
    numbers: oneOf("strict", "lenient", "historical"),
    lenient: toBoolean,
    roomVersion: toRoomVersion,
  });
  const wishes = new Set<Numbers>();
  if (numbers !== undefined) wishes.add(numbers);
  if (lenient === true) wishes.add("lenient");
  if (roomVersion !== undefined) wishes.add(numbersOfVersion(roomVersion));
  if (wishes.size > 1) {
    throw new FedproofError(
      "invalid_option",
      "canonicalJson takes one of the options numbers, lenient and roomVersion; these contradict each other",
      { details: { option: "numbers", numbers, lenient, roomVersion } },
    );
  }
  for (const wish of wishes) return wish;
  return "strict";
}

function numbersOfVersion(version: string): Numbers {
  const row = roomVersions().find((known) => known.version === version);
  if (row === undefined) {
    throw new FedproofError("unknown_room_version", `the room version "${version}" is not known`, {
      details: { room_version: version },
      docs: "https://spec.matrix.org/v1.19/rooms/",
    });
  }
  return row.strict_canonical_json ? "strict" : "historical";
}

/**
 * The content hash of an event: SHA-256 of its canonical JSON without `unsigned`, `signatures` and
 * `hashes`, as unpadded base64. It is what `hashes.sha256` of an honest event holds.
 *
 * @throws FedproofError `json_*`, `not_an_object`, `lossy_object`, `invalid_argument`.
 * @see https://spec.matrix.org/v1.19/server-server-api/#calculating-the-content-hash-for-an-event
 */
export function contentHash(event: EventInput): string {
  const bytes = toBytes(event, "the event of contentHash");
  return call((wasm) => wasm.content_hash(bytes));
}

/**
 * The reference hash of an event: SHA-256 of its redacted form without `unsigned` and
 * `signatures`, as unpadded base64 in the alphabet that the room version uses in event ids
 * (URL-safe from version 4 on).
 *
 * @throws FedproofError `json_*`, `not_an_object`, `number_not_integer`, `integer_out_of_range`,
 * `unknown_room_version`, `lossy_object`, `invalid_argument`.
 * @see https://spec.matrix.org/v1.19/server-server-api/#calculating-the-reference-hash-for-an-event
 */
export function referenceHash(event: EventInput, roomVersion: string): string {
  const version = toRoomVersion(roomVersion, "the room version of referenceHash");
  const bytes = toBytes(event, "the event of referenceHash");
  return call((wasm) => wasm.reference_hash(bytes, version));
}

/**
 * The id of an event: from room version 3 on `$` and its reference hash, before that what the
 * event says.
 *
 * @throws FedproofError as {@link referenceHash}; `event_id_invalid` in versions 1 and 2.
 * @see https://spec.matrix.org/v1.19/rooms/v11/#event-ids
 * @example
 * eventId(await response.text(), "11"); // "$PivKiyEq7Lrg3ciVoYaAwRMSf_yhRUavz3u8QZxk2fs"
 */
export function eventId(event: EventInput, roomVersion: string): string {
  const version = toRoomVersion(roomVersion, "the room version of eventId");
  const bytes = toBytes(event, "the event of eventId");
  return call((wasm) => wasm.event_id(bytes, version));
}

/**
 * The redacted form of an event: what stays when its content is taken away.
 *
 * @returns Canonical JSON text. Text is loss-free: hash it, sign it or send it as it is.
 * @throws FedproofError as {@link referenceHash}.
 * @see https://spec.matrix.org/v1.19/rooms/v11/#redactions
 */
export function redact(event: EventInput, roomVersion: string): string {
  const version = toRoomVersion(roomVersion, "the room version of redact");
  const bytes = toBytes(event, "the event of redact");
  return call((wasm) => wasm.redact(bytes, version));
}

/** A server name taken apart. */
export interface ServerName {
  /** Without port; an IPv6 literal without its brackets. */
  host: string;
  /** Null when the name has none; then 8448 or what discovery says. */
  port: number | null;
  kind: "dns" | "ipv4" | "ipv6";
}

/**
 * Takes a server name apart.
 *
 * @throws FedproofError `server_name_invalid`, `invalid_argument`.
 * @see https://spec.matrix.org/v1.19/appendices/#server-name
 * @example
 * parseServerName("[::1]:8448"); // { host: "::1", port: 8448, kind: "ipv6" }
 */
export function parseServerName(name: string): ServerName {
  const text = toName(name, "the name of parseServerName");
  return call((wasm) => wasm.parse_server_name(text)) as ServerName;
}

/** A room version and what sets it apart from the others. */
export interface RoomVersionInfo {
  version: string;
  state_resolution: "1" | "2" | "2.1";
  /** `domain`: a field of the event; `hash`, `url_safe_hash`: the reference hash. */
  event_id_format: "domain" | "hash" | "url_safe_hash";
  room_id_format: "domain" | "create_event_id";
  /** Numbers outside strict canonical JSON make an event malformed (6+). */
  strict_canonical_json: boolean;
  /** A signing key must have been valid at the event's time (5+). */
  enforce_key_validity: boolean;
  /** The other flags, named as in the table of the core. */
  [flag: string]: unknown;
}

/**
 * The room versions this package knows, in the order they came.
 *
 * @returns A fresh array; change it as you like.
 * @see https://spec.matrix.org/v1.19/rooms/
 */
export function roomVersions(): RoomVersionInfo[] {
  return JSON.parse(call((wasm) => wasm.room_versions())) as RoomVersionInfo[];
}
