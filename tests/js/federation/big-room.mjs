// A public room with many members on many servers, and a world in which our server can join it.
import { createHash } from "node:crypto";
import { SigningKey, signJson } from "fedproof";
import { memoryHost } from "fedproof/hosts/memory";
import { TestRoom } from "../room.mjs";
import { NOW } from "../world.mjs";

export const HERE = "here.example";
export const ME = `@me:${HERE}`;
const DAY = 24 * 60 * 60 * 1000;

/** A server with a key that is the same in every run. */
function serverOf(name) {
  const seed = createHash("sha256").update(name).digest();
  return { name, key: SigningKey.fromSeed("ed25519:a", seed) };
}

/**
 * A room of so many members. A large server has a third of them, as in real rooms, and many small ones share
 * the rest.
 */
export function bigRoom(members, servers = 100) {
  const all = Array.from({ length: servers }, (_, n) => serverOf(`s${n}.example`));
  const room = new TestRoom(all);
  room.powerLevels({ users: { [room.creator]: 100 } });
  room.joinRule("public");
  for (let n = 1; n < members; n += 1) {
    const { name } = all[n % 3 === 0 ? 0 : n % servers];
    room.member(`@u${n}:${name}`, "join", { content: { displayname: `Member number ${n}`, avatar_url: `mxc://${name}/${String(n).padStart(24, "0")}` } });
  }
  const chain = room.events.filter((text) => /"type":"m.room.(create|power_levels|join_rules)"/.test(text) || text.includes(`"state_key":"${room.creator}"`));
  const answer = Buffer.from(`{"state":[${room.state.join()}],"auth_chain":[${chain.join()}],"origin":"s0.example"}`);
  return { room, servers: all, chain, answer };
}

/** What the servers of a room answer; those of `silent` do not give their keys. */
export function worldOf({ room, servers, answer }, { silent = [] } = {}) {
  const keys = new Map(servers.map(({ name, key }) => [name, keyResponse(name, key)]));
  const event = {
    type: "m.room.member", sender: ME, state_key: ME, room_id: room.id, content: { membership: "join" }, depth: 30_000,
    prev_events: [room.idOf(room.events.at(-1))], auth_events: room.cited({ type: "m.room.member", sender: ME, state_key: ME, content: { membership: "join" } }),
  };
  const template = JSON.stringify({ event, room_version: room.version });
  const handle = ({ hostHeader, target }) => {
    if (target === "/_matrix/key/v2/server" && keys.has(hostHeader) && !silent.includes(hostHeader)) return { body: keys.get(hostHeader) };
    if (target.startsWith("/_matrix/federation/v1/make_join/")) return { body: template };
    if (target.startsWith("/_matrix/federation/v2/send_join/")) return { body: answer };
    return { status: 404, json: { errcode: "M_UNRECOGNIZED" } };
  };
  return { addresses: () => ["192.0.2.1"], servers: { "192.0.2.1:8448": handle }, now: NOW + 60 * 60 * 1000 };
}

/** The options of a `Federation` in the world of a room. */
export function hereIn(big, more) {
  return { serverName: HERE, signingKey: serverOf(HERE).key, host: memoryHost(worldOf(big, more)) };
}

function keyResponse(name, key) {
  const answer = { server_name: name, valid_until_ts: NOW + 7 * DAY, verify_keys: { [key.keyId]: { key: key.publicKey } }, old_verify_keys: {} };
  return signJson(answer, { serverName: name, key });
}
