/** Signing keys, and what is done with them. */
/// <reference lib="esnext.disposable" preserve="true" />
import { decodeBase64, encodeBase64 } from "./base64.js";
import { FedproofError, invalidArgument } from "./errors.js";
import {
  copyOf,
  encodeText,
  type EventInput,
  isUint8Array,
  toBytes,
  toName,
  toRoomVersion,
  toTimestamp,
} from "./input.js";
import { emptyRing, type KeyRing, toKeyRing } from "./keys.js";
import { readOptions, required } from "./options.js";
import { residentOf } from "./residents.js";
import type { Check } from "./verdict.js";
import { readVerdict } from "./verdicts.js";
import { call } from "./wasm.js";

const SEED_BYTES = 32;

/** A copy of the seed; whoever takes it wipes it. */
let copySeed: (key: SigningKey) => Uint8Array;

/**
 * An ed25519 signing key of a server.
 *
 * The seed stays in a private field: `JSON.stringify`, `console.log` and `structuredClone` do not
 * show it. Each call hands a fresh copy to the module, which wipes it, so that no seed stays in
 * the module's memory. {@link dispose} wipes the seed itself.
 *
 * @example
 * const key = SigningKey.generate();
 * const signed = signJson({ hello: "world" }, { serverName: "example.org", key });
 */
export class SigningKey {
  readonly #seed: Uint8Array;
  #disposed = false;
  /** `ed25519:` and a name. */
  readonly keyId: string;
  /** 32 bytes as unpadded base64. */
  readonly publicKey: string;

  static {
    copySeed = (key) => {
      if (key.#disposed) throw new FedproofError("key_disposed", `the key ${key.keyId} was disposed of`);
      return copyOf(key.#seed);
    };
  }

  private constructor(keyId: string, seed: Uint8Array) {
    this.#seed = seed;
    this.keyId = keyId;
    this.publicKey = withWiped(copyOf(seed), (copy) => call((wasm) => wasm.public_key(copy)));
  }

  /**
   * A new key from the platform's random numbers (`crypto.getRandomValues`).
   *
   * @param keyId `ed25519:` and a name of letters, digits and `_`; without it a random one, as
   * Synapse makes them (`ed25519:a_Xyzw`). A server must never use a key id for two keys.
   * @throws FedproofError `key_id_invalid`, `invalid_argument`.
   */
  static generate(keyId?: string): SigningKey {
    const id = keyId === undefined ? randomKeyId() : toKeyId(keyId, "the key id of generate");
    return new SigningKey(id, globalThis.crypto.getRandomValues(new Uint8Array(SEED_BYTES)));
  }

  /**
   * The key that grows from a seed.
   *
   * @param keyId `ed25519:` and a name.
   * @param seed 32 bytes, or their base64. Bytes are copied; wipe yours when you are done.
   * @throws FedproofError `key_id_invalid`, `seed_invalid`, `invalid_argument`.
   */
  static fromSeed(keyId: string, seed: Uint8Array | string): SigningKey {
    const id = toKeyId(keyId, "the key id of fromSeed");
    return new SigningKey(id, toSeed(seed));
  }

  /**
   * The first key of a Synapse key file (lines `ed25519 a_VVol <base64 seed>`).
   *
   * @throws FedproofError `key_file_invalid`, `seed_invalid`, `invalid_argument`.
   */
  static fromSynapseKeyFile(text: string | Uint8Array): SigningKey {
    const [first, ...others] = SigningKey.allFromSynapseKeyFile(text);
    for (const other of others) other.dispose();
    return first as SigningKey; // the module refuses a file without keys
  }

  /** All keys of a Synapse key file, in order. Errors as {@link SigningKey.fromSynapseKeyFile}. */
  static allFromSynapseKeyFile(text: string | Uint8Array): SigningKey[] {
    if (typeof text !== "string" && !isUint8Array(text)) {
      throw invalidArgument("the key file", "a string or a Uint8Array", text);
    }
    const bytes = typeof text === "string" ? encodeText(text) : copyOf(text);
    return withWiped(bytes, () => {
      const found = withWiped(copyOf(bytes), (copy) => call((wasm) => wasm.parse_key_file(copy)));
      const places = JSON.parse(found) as { key_id: string; seed_start: number; seed_end: number }[];
      return places.map(({ key_id, seed_start, seed_end }) => {
        const base64 = new TextDecoder().decode(bytes.subarray(seed_start, seed_end));
        return new SigningKey(key_id, toSeed(base64));
      });
    });
  }

  /** True for a key of this copy of the package. */
  static isSigningKey(value: unknown): value is SigningKey {
    return typeof value === "object" && value !== null && #seed in value;
  }

  /**
   * The line of a Synapse key file that holds this key. It contains the seed: keep it secret.
   *
   * @throws FedproofError `key_disposed`.
   */
  toSynapseKeyFile(): string {
    const name = this.keyId.slice("ed25519:".length);
    return withSeed(this, (seed) => `ed25519 ${name} ${encodeBase64(seed)}\n`);
  }

  /** Wipes the seed. The key can no longer sign. */
  dispose(): void {
    this.#seed.fill(0);
    this.#disposed = true;
  }

  /** What `JSON.stringify` shows: the public half. */
  toJSON(): { keyId: string; publicKey: string } {
    return { keyId: this.keyId, publicKey: this.publicKey };
  }
}

export interface SigningKey {
  /** {@link SigningKey.dispose}, for `using`. */
  [Symbol.dispose](): void;
}
// Not a method of the class: engines without the symbol would get one named "undefined".
if (Symbol.dispose) SigningKey.prototype[Symbol.dispose] = SigningKey.prototype.dispose;

/** Who signs. */
export interface SignOptions {
  /** The name of the server, under which the signature is entered. */
  serverName: string;
  /** Its key. */
  key: SigningKey;
}

/**
 * Signs a JSON object. Signatures that are there already stay; `unsigned` is neither signed nor
 * changed.
 *
 * @returns The object with the signature added, as canonical JSON text. Text is loss-free: send
 * it as it is.
 * @throws FedproofError `json_*`, `not_an_object`, `number_not_integer`, `integer_out_of_range`,
 * `server_name_invalid`, `key_disposed`, `lossy_object`, `invalid_argument`, `invalid_option`.
 * @see https://spec.matrix.org/v1.19/appendices/#signing-json
 */
export function signJson(object: EventInput, options: SignOptions): string {
  const { serverName, key } = readOptions("signJson", options, SIGNER);
  const server = required(serverName, "signJson", "serverName", "the name of the server");
  const signer = required(key, "signJson", "key", "a SigningKey");
  const bytes = toBytes(object, "the object of signJson");
  return withSeed(signer, (seed) =>
    call((wasm) => wasm.sign_json(seed, signer.keyId, server, bytes)),
  );
}

/**
 * Signs an event: sets its content hash, then signs its redacted form.
 *
 * @returns The event with hash and signature, as canonical JSON text. Text is loss-free: send it
 * as it is.
 * @throws FedproofError as {@link signJson}; `unknown_room_version`.
 * @see https://spec.matrix.org/v1.19/server-server-api/#adding-hashes-and-signatures-to-outgoing-events
 */
export function signEvent(event: EventInput, options: SignOptions & { roomVersion: string }): string {
  const { serverName, key, roomVersion } = readOptions("signEvent", options, {
    ...SIGNER,
    roomVersion: toRoomVersion,
  });
  const server = required(serverName, "signEvent", "serverName", "the name of the server");
  const signer = required(key, "signEvent", "key", "a SigningKey");
  const version = required(roomVersion, "signEvent", "roomVersion", 'such as "11"');
  const bytes = toBytes(event, "the event of signEvent");
  return withSeed(signer, (seed) =>
    call((wasm) => wasm.sign_event(seed, signer.keyId, server, bytes, version)),
  );
}

/** The signature of a key over a message, 64 bytes. For what this package signs itself. */
export function signMessage(key: SigningKey, message: Uint8Array): Uint8Array {
  return withSeed(key, (seed) => call((wasm) => wasm.sign_message(seed, key.keyId, message)));
}

/** Options of {@link verifyJson}. */
export interface VerifyJsonOptions {
  /** Whose signature is looked for. */
  serverName: string;
  /** The keys of that server. */
  keys: KeyRing;
  /** The time (ms) at which the signing key must have been valid; without it any known key will do. */
  at?: number | undefined;
}

/** What {@link verifyJson} answers. */
export interface JsonSignatures {
  /** There is a signature of the server by a known key, and no signature by a known key is wrong. */
  valid: boolean;
  /** Why not: as in check 2 of a verdict. */
  code?: string;
  /** Why not, in one plain sentence. */
  reason?: string;
  /** Whose signatures these are. */
  server: string;
  /** Each signature of the server, with `valid`, `invalid` or why it was not looked at. */
  signatures: { key_id: string; result: string; code?: string }[];
  flags: string[];
}

/**
 * Verifies the signatures of one server on a JSON object.
 *
 * @returns The answer with its reason; a wrong signature is not an exception.
 * @throws FedproofError `json_*`, `not_an_object`, `server_name_invalid`, `lossy_object`,
 * `invalid_argument`, `invalid_option`.
 * @see https://spec.matrix.org/v1.19/appendices/#checking-for-a-signature
 */
export function verifyJson(object: EventInput, options: VerifyJsonOptions): JsonSignatures {
  const { serverName, keys, at } = readOptions("verifyJson", options, {
    serverName: toName,
    keys: toKeyRing,
    at: toTimestamp,
  });
  const server = required(serverName, "verifyJson", "serverName", "the name of the server");
  const ring = required(keys, "verifyJson", "keys", "a KeyRing");
  const bytes = toBytes(object, "the object of verifyJson");
  return JSON.parse(
    residentOf(ring).use((resident) => resident.verify_json(bytes, server, at)),
  ) as JsonSignatures;
}

/** Options of {@link verifyEventSignatures}. */
export interface VerifyEventSignaturesOptions {
  /** The version of the event's room. */
  roomVersion: string;
  /** The keys of the servers that must have signed; without it the answer is `incomplete`. */
  keys?: KeyRing | undefined;
}

/**
 * Verifies the signatures of an event: of all servers whose signature its room version asks for.
 *
 * @returns Check 2 of the event's verdict, with evidence; or check 1, when that failed, because a
 * malformed event does not get as far as its signatures.
 * @throws FedproofError `unknown_room_version`, `lossy_object`, `invalid_argument`,
 * `invalid_option`.
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 */
export function verifyEventSignatures(
  event: EventInput,
  options: VerifyEventSignaturesOptions,
): Check {
  const { roomVersion, keys } = readOptions("verifyEventSignatures", options, {
    roomVersion: toRoomVersion,
    keys: toKeyRing,
  });
  const version = required(roomVersion, "verifyEventSignatures", "roomVersion", 'such as "11"');
  const bytes = toBytes(event, "the event of verifyEventSignatures");
  const verdicts = residentOf(keys ?? emptyRing()).use((ring) =>
    ring.verify_events(bytes, version, { single: true, evidence: true, backfill: false }),
  );
  const { checks } = readVerdict(verdicts);
  const reached = checks.find(({ check, result }) => check === 2 && result !== "skip");
  return reached ?? (checks[0] as Check);
}

const SIGNER = { serverName: toName, key: toSigningKey };

/** An option that must be a {@link SigningKey}. */
export function toSigningKey(value: unknown, where: string): SigningKey {
  if (SigningKey.isSigningKey(value)) return value;
  throw invalidArgument(where, "a SigningKey of this copy of fedproof", value);
}

/** Names of keys: letters, digits and `_`. */
const KEY_ID = /^ed25519:[A-Za-z0-9_]+$/;

function toKeyId(value: unknown, where: string): string {
  const id = toName(value, where);
  if (KEY_ID.test(id)) return id;
  throw new FedproofError(
    "key_id_invalid",
    `${where} is ${JSON.stringify(id)}; it must be "ed25519:" and a name of letters, digits and "_"`,
    {
      details: { key_id: id },
      docs: "https://spec.matrix.org/v1.19/appendices/#signing-details",
    },
  );
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

function randomKeyId(): string {
  const random = globalThis.crypto.getRandomValues(new Uint32Array(4));
  return `ed25519:a_${Array.from(random, (n) => LETTERS[n % LETTERS.length]).join("")}`;
}

function toSeed(value: unknown): Uint8Array {
  if (typeof value !== "string" && !isUint8Array(value)) {
    throw invalidArgument("the seed", "a Uint8Array of 32 bytes, or their base64", value);
  }
  const seed = typeof value === "string" ? decodeBase64(value) : copyOf(value);
  if (seed?.length === SEED_BYTES) return seed;
  seed?.fill(0);
  // The message must not quote the value: it is a secret even where it is malformed.
  throw new FedproofError(
    "seed_invalid",
    seed
      ? `a seed has ${SEED_BYTES} bytes; this one has ${seed.length}`
      : "the seed is not base64",
    { details: { bytes: seed?.length, expected: SEED_BYTES } },
  );
}

/** Runs `work` with a copy of the key's seed, and wipes it. Not part of the package's face. */
export function withSeed<T>(key: SigningKey, work: (seed: Uint8Array) => T): T {
  return withWiped(copySeed(key), work);
}

/** Runs `work` with a secret, and wipes it whatever comes. */
function withWiped<T>(secret: Uint8Array, work: (secret: Uint8Array) => T): T {
  try {
    return work(secret);
  } finally {
    secret.fill(0);
  }
}
