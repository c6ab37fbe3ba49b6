/** What our server publishes about its keys. */
import { invalidArgument } from "./errors.js";
import { toName, toTimestamp } from "./input.js";
import { readOptions, required } from "./options.js";
import { SigningKey, signJson, toSigningKey } from "./signing.js";
import { call } from "./wasm.js";

/** A key that our server signs with no longer; events that it signed before are still checked with it. */
export interface OldKey {
  /** `ed25519:` and a name. */
  keyId: string;
  /** 32 bytes as base64. */
  publicKey: string;
  /** Since when it is out of use (ms since 1970). */
  expiredTs: number;
}

/** Options of {@link publishedKeys}. */
export interface PublishedKeysOptions {
  /** Our server. */
  serverName: string;
  /** The keys that it signs with; each signs the answer. */
  keys: SigningKey | readonly SigningKey[];
  oldKeys?: readonly OldKey[] | undefined;
  /** Until when others may take the keys for ours without asking again (ms since 1970). They do so for 7 days at most. */
  validUntilTs: number;
}

/**
 * The answer of our server to `GET /_matrix/key/v2/server`.
 *
 * @returns Canonical JSON text, signed by all keys. Send it as it is.
 * @throws FedproofError `server_name_invalid`, `key_id_invalid`, `key_invalid`, `key_conflict` (an ID stands
 * for two keys), `key_disposed`, `invalid_argument`, `invalid_option`.
 * @see https://spec.matrix.org/v1.19/server-server-api/#publishing-keys
 * @example
 * const answer = publishedKeys({ serverName: "example.org", keys: key, validUntilTs: Date.now() + 86_400_000 });
 */
export function publishedKeys(options: PublishedKeysOptions): string {
  const where = "publishedKeys";
  const read = readOptions(where, options, {
    serverName: toName,
    keys: toSigningKeys,
    oldKeys: toOldKeys,
    validUntilTs: toTimestamp,
  });
  const serverName = required(read.serverName, where, "serverName", "the name of our server");
  const keys = required(read.keys, where, "keys", "the keys that our server signs with");
  const until = required(read.validUntilTs, where, "validUntilTs", "until when the keys may be used unasked");
  const old = read.oldKeys ?? [];
  const unsigned = call((wasm) =>
    wasm.unsigned_keys(
      serverName,
      keys.flatMap(({ keyId, publicKey }) => [keyId, publicKey]),
      old.flatMap(({ keyId, publicKey }) => [keyId, publicKey]),
      Float64Array.from(old, ({ expiredTs }) => expiredTs),
      until,
    ),
  );
  return keys.reduce((answer, key) => signJson(answer, { serverName, key }), unsigned);
}

/** An option that is a signing key, or several: the first one is what others are signed with. */
export function toSigningKeys(value: unknown, where: string): readonly [SigningKey, ...SigningKey[]] {
  if (!Array.isArray(value)) return [toSigningKey(value, where)];
  const [first, ...others] = value.map((key: unknown, index) => toSigningKey(key, `item ${index} of ${where}`));
  if (first === undefined) throw invalidArgument(where, "a SigningKey, or an array of them", value, "It is empty");
  return [first, ...others];
}

/** An option that is a list of {@link OldKey}s. */
export function toOldKeys(value: unknown, where: string): OldKey[] {
  if (!Array.isArray(value)) throw invalidArgument(where, "an array of old keys", value);
  return value.map((entry: unknown, index) => {
    const place = `item ${index} of ${where}`;
    const read = readOptions(place, entry, { keyId: toName, publicKey: toName, expiredTs: toTimestamp });
    return {
      keyId: required(read.keyId, place, "keyId", '"ed25519:" and a name'),
      publicKey: required(read.publicKey, place, "publicKey", "32 bytes as base64"),
      expiredTs: required(read.expiredTs, place, "expiredTs", "since when it is out of use"),
    };
  });
}
