// Who fedproof is measured against: the plain pipeline with two ways to check a signature, and the
// one federation library for JavaScript.
import { createPublicKey, verify as opensslVerify } from "node:crypto";
import { createRequire } from "node:module";
import { judge } from "./plain.mjs";

const decoder = new TextDecoder();

/** The plain pipeline over a transaction or one event, both as bytes. */
export function plainPipeline(keys, verify) {
  return {
    batch: (bytes) => JSON.parse(decoder.decode(bytes)).pdus.map((event) => judge(event, keys, verify)),
    single: (bytes) => judge(JSON.parse(decoder.decode(bytes)), keys, verify),
  };
}

/** Every signature by a known key is taken for right. */
export const withoutSignatures = (corpus) => plainPipeline(ringOf(corpus, (bytes) => bytes), () => true);

/** Signatures by OpenSSL, each key decoded once. */
export function withNodeCrypto(corpus) {
  const spki = Buffer.from("302a300506032b6570032100", "hex");
  const keys = ringOf(corpus, (bytes) =>
    createPublicKey({ key: Buffer.concat([spki, bytes]), format: "der", type: "spki" }),
  );
  return plainPipeline(keys, ({ key }, text, signature) => opensslVerify(null, Buffer.from(text), key, signature));
}

/** Signatures in JavaScript. */
export async function withNoble(corpus) {
  const [ed25519, { sha512 }] = await Promise.all([import("@noble/ed25519"), import("@noble/hashes/sha2.js")]);
  ed25519.hashes.sha512 = sha512;
  const encoder = new TextEncoder();
  const keys = ringOf(corpus, (bytes) => Uint8Array.from(bytes));
  return plainPipeline(keys, ({ key }, text, signature) => ed25519.verify(signature, encoder.encode(text), key));
}

function ringOf({ server_keys }, decode) {
  const keys = new Map();
  for (const { server_name, valid_until_ts, verify_keys } of server_keys) {
    for (const [keyId, { key }] of Object.entries(verify_keys)) {
      keys.set(`${server_name} ${keyId}`, { key: decode(Buffer.from(key, "base64")), validUntil: valid_until_ts });
    }
  }
  return keys;
}

/**
 * Rocket.Chat's own validation of an incoming event: schema, signature, hash. Its database is
 * replaced by a map; it does not compute the event id at this point, so that is not asked of it.
 */
export function withRocketChat({ server_keys, room_version }) {
  // CommonJS, and its names are not seen by `import` in Node. Its logger writes to standard output.
  process.env.LOG_LEVEL = "silent";
  const { federationSDK } = createRequire(import.meta.url)("@rocket.chat/federation-sdk");
  const service = federationSDK.eventService;
  const keys = new Map(server_keys.map(({ server_name, verify_keys }) => [server_name, verify_keys]));
  service.stateService = { getRoomVersion: async () => room_version };
  service.serverService = { getPublicKey: async (server, keyId) => keys.get(server)[keyId].key };
  const single = (event) => service.validateEvent(event);
  return {
    /** Rejects when one of the events is not valid. */
    async batch(bytes, count) {
      for (const event of JSON.parse(decoder.decode(bytes)).pdus.slice(0, count)) await single(event);
    },
    single: (bytes) => single(JSON.parse(decoder.decode(bytes))),
  };
}
