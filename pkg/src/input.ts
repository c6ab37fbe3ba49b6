/** What the functions take: JSON as bytes or text, plain objects as a convenience. */
import { FedproofError, invalidArgument } from "./errors.js";
import { isWellFormed, plainToJson } from "./plain.js";

/**
 * JSON as it travels: bytes (best: nothing is lost, not even invalid UTF-8) or text.
 *
 * A response read with `response.json()` has already lost what verification is about: numbers
 * beyond 2^53, `1.0` against `1`, duplicate keys. Read `arrayBuffer()` and wrap it in a
 * `Uint8Array`.
 */
export type JsonInput = Uint8Array | string;

/**
 * One event: bytes or text, or (convenience) an object. Objects must be plain data; one that JSON
 * text cannot hold without loss is refused with `lossy_object`.
 */
export type EventInput = JsonInput | object;

/** The answer to this much still fits into one string (2^29 characters). Longer input comes in parts. */
const MAX_BYTES = 2 ** 28;

const encoder = new TextEncoder();
const EXPECTED = "a Uint8Array, a string of JSON text, or a plain object";

/** The bytes of a JSON argument. `where` names it in errors. */
export function toBytes(input: unknown, where: string): Uint8Array {
  const bytes = convert(input, where);
  if (bytes.length > MAX_BYTES) {
    throw new FedproofError(
      "invalid_argument",
      `${where} has ${bytes.length} bytes; one call takes at most ${MAX_BYTES}. Pass it in parts`,
      { details: { argument: where, bytes: bytes.length, limit: MAX_BYTES } },
    );
  }
  return bytes;
}

function convert(input: unknown, where: string): Uint8Array {
  if (typeof input === "string") return encodeText(input);
  if (typeof input !== "object" || input === null) throw invalidArgument(where, EXPECTED, input);
  if (isUint8Array(input)) return input;
  if (ArrayBuffer.isView(input) || isBuffer(input)) {
    throw invalidArgument(where, EXPECTED, input, "Wrap it: new Uint8Array(…)");
  }
  return encoder.encode(plainToJson(input));
}

/**
 * UTF-8. A lone surrogate has none: `TextEncoder` would turn it into U+FFFD, and two different
 * texts into the same bytes. It is written as its three generalised bytes instead, which the
 * parser refuses as it refuses them on the wire.
 */
export function encodeText(text: string): Uint8Array {
  if (isWellFormed(text)) return encoder.encode(text);
  const parts: Uint8Array[] = [];
  // With the u flag a surrogate matches only where it is alone.
  for (const part of text.split(/([\ud800-\udfff])/u)) {
    const unit = part.charCodeAt(0);
    const lone = part.length === 1 && unit >= 0xd800 && unit <= 0xdfff;
    parts.push(
      lone
        ? Uint8Array.of(0xed, 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f))
        : encoder.encode(part),
    );
  }
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The getter behind `Object.prototype.toString` of typed arrays; knows them from any realm, and cannot be fooled. */
const typedArrayName = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
)?.get as (this: unknown) => string | undefined;

/** True for a Uint8Array (so also a Node `Buffer`), of whatever realm. */
export function isUint8Array(value: unknown): value is Uint8Array {
  return typedArrayName.call(value) === "Uint8Array";
}

/** A copy that nobody else holds. (`slice` of a Node `Buffer` is no copy but a view.) */
export function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function isBuffer(value: object): boolean {
  return (
    value instanceof ArrayBuffer ||
    (typeof SharedArrayBuffer === "function" && value instanceof SharedArrayBuffer)
  );
}

/** A string argument: a name, a key id, a room version. */
export function toName(value: unknown, where: string, hint = ""): string {
  if (typeof value !== "string") throw invalidArgument(where, "a string", value, hint);
  if (!isWellFormed(value)) {
    throw new FedproofError("invalid_argument", `${where} has a lone surrogate, so it is no Unicode text`, {
      details: { argument: where, expected: "well-formed text", found: "a lone surrogate" },
    });
  }
  return value;
}

/** A room version argument. */
export function toRoomVersion(value: unknown, where: string): string {
  return toName(
    value,
    where,
    typeof value === "number" ? `Room versions are strings: "${value}"` : "",
  );
}

/** A time in milliseconds since 1970, as Matrix has it. */
export function toTimestamp(value: unknown, where: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw invalidArgument(where, "a time in milliseconds since 1970, a whole number", value);
  }
  return value;
}
