// The events everything is measured on: about 1 KB each, as rooms have them, really hashed and
// signed. Made from a fixed seed, so every run and every machine has the same.
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { canonical, sha256, sortedKeys } from "./plain.mjs";

const SERVERS = 8;
const SIGNED_AT = 1_780_000_000_000;
export const FETCHED_AT = SIGNED_AT + 86_400_000;

/** A small generator (mulberry32): enough to choose words with, and the same everywhere. */
function randomness(seed) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit) => next() % limit;
  return { below, pick: (list) => list[below(list.length)], bytes: (count) => Buffer.from(Array.from({ length: count }, () => below(256))) };
}

const WORDS = "the room server event hash state signature power level member join leave ban invite knock federation matrix key alias topic please yesterday naïve Grüße größer 東京 привет 🎉 👍🏽 <b>bold</b> \"quoted\" C:\\path it's & more".split(" ");

export function makeCorpus(count = 400) {
  const random = randomness(20260815);
  const servers = Array.from({ length: SERVERS }, (_, index) => makeServer(random, index));
  const id = (sigil) => `${sigil}${random.bytes(32).toString("base64url")}`;
  const room = `!${random.bytes(12).toString("base64url")}:s0.example.org`;
  const sentence = (words) => Array.from({ length: words }, () => random.pick(WORDS)).join(" ");

  const events = Array.from({ length: count }, (_, index) => {
    const server = random.pick(servers);
    const sender = `@${random.pick(["alice", "bob", "carol", "dan"])}${random.below(100)}:${server.name}`;
    const body = sentence(22);
    // In the order in which a program that does not sort writes them.
    const event = {
      type: "m.room.message",
      room_id: room,
      sender,
      content: {
        msgtype: "m.text",
        body,
        format: "org.matrix.custom.html",
        formatted_body: `<p>${body}</p>`,
        "m.mentions": { user_ids: [`@alice1:${random.pick(servers).name}`] },
        "m.relates_to": { "m.in_reply_to": { event_id: id("$") } },
      },
      depth: 1000 + index,
      prev_events: [id("$")],
      auth_events: [id("$"), id("$"), id("$")],
      origin_server_ts: SIGNED_AT + index * 1000,
      unsigned: { age_ts: SIGNED_AT + index * 1000 },
    };
    if (index % 4 === 0) {
      event.type = "m.room.member";
      event.state_key = sender;
      event.content = {
        membership: "join",
        displayname: sentence(5),
        avatar_url: `mxc://${server.name}/${random.bytes(18).toString("base64url")}`,
        "org.example.profile": { pronouns: "they/them", status: sentence(12), since: SIGNED_AT, tags: ["a", "b", "c"] },
      };
      event.prev_events = [id("$"), id("$")];
      event.auth_events = [id("$"), id("$"), id("$"), id("$")];
    }
    return seal(event, server);
  });
  return {
    room_version: "11",
    server_keys: servers.map(keyResponse),
    events: events.map((event) => JSON.stringify(event)),
    canonical: events.map((event) => canonical(event)),
  };
}

function makeServer(random, index) {
  const seed = random.bytes(32);
  // PKCS #8 is a fixed header and the seed.
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
  return { name: `s${index}.example.org`, keyId: "ed25519:a_bench", key, publicKey: unpadded(publicKey) };
}

const unpadded = (bytes) => Buffer.from(bytes).toString("base64").replace(/=+$/, "");
const without = (object, ...keys) => Object.fromEntries(sortedKeys(object).filter((key) => !keys.includes(key)).map((key) => [key, object[key]]));

function seal(event, { name, keyId, key }) {
  const hashed = { ...event, hashes: { sha256: sha256(canonical(without(event, "unsigned"))).replace(/=+$/, "") } };
  const { membership } = event.content;
  const redacted = { ...without(hashed, "unsigned"), content: membership === undefined ? {} : { membership } };
  const { unsigned, ...rest } = hashed;
  return { ...rest, signatures: { [name]: { [keyId]: unpadded(sign(null, Buffer.from(canonical(redacted)), key)) } }, unsigned };
}

/** The server's answer to `/_matrix/key/v2/server`. */
function keyResponse({ name, keyId, key, publicKey }) {
  const response = { server_name: name, valid_until_ts: FETCHED_AT + 6 * 86_400_000, verify_keys: { [keyId]: { key: publicKey } }, old_verify_keys: {} };
  return { ...response, signatures: { [name]: { [keyId]: unpadded(sign(null, Buffer.from(canonical(response)), key)) } } };
}
