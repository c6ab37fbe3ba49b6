// A join of a large room from JavaScript, over a host in memory: from `make_join` to the verified room.
import { readFileSync } from "node:fs";
import { at } from "../../tools/lib/paths.mjs";
import { memoryHost } from "../../pkg/dist/hosts/memory.js";
import { canonicalJson, Federation, redact, SigningKey } from "../../pkg/dist/index.js";
import { initSync } from "../../pkg/dist/wasm/fedproof.js";
import { bigRoom, HERE, ME, worldOf } from "../../tests/js/federation/big-room.mjs";
import { race } from "./race.mjs";

const MEMBERS = 20_000;
const SERVERS = 100;
const ROUNDS = 5;

/** The join beside the checks of the very signatures that it has to check, and the memory that it takes. */
export async function joins(module) {
  const { count, size, roomId, via, world, signatures } = prepare(module);
  const signingKey = SigningKey.generate();
  const join = async () => {
    // The first of a server's own: with no key, no table and no name looked up yet.
    const federation = new Federation({ serverName: HERE, signingKey, host: memoryHost(world) });
    const { room, report } = await federation.join({ roomId, userId: ME, via });
    if (report.verdict.outcome !== "accepted" || room.currentState().length !== count + 1) throw new Error("the join came to something else");
    room.dispose();
    federation.keys.dispose();
  };
  const check = (plainly) => () => {
    const valid = plainly ? signatures.check_plainly() : signatures.check();
    if (valid !== count) throw new Error(`of ${count} signatures ${valid} are valid`);
  };
  const results = await race({
    join: { events: count, block: join },
    signatures: { events: count, block: check(false) },
    plainly: { events: count, block: check(true) },
  }, { rounds: ROUNDS, warmUp: 0 });
  signatures.free();
  const part = `A join of a room with ${MEMBERS.toLocaleString("en")} members on ${SERVERS} servers, over a host in memory`;
  const row = (what, against, other, goal) => ({ part, what, against, ours: results.median("join"), theirs: results.median(other), ratio: results.ratio("join", other), goal });
  const megabytes = (bytes) => bytes / 1e6;
  return [
    row("an event of the state, all in all", "its signature alone, as the library checks it", "signatures", 0.7),
    row("the same", "its signature alone, by dalek, without tables", "plainly"),
    { part, what: "memory of the module at its peak", against: `an answer of ${megabytes(size).toFixed(0)} MB`, ours: megabytes(memory()), atMost: 256, unit: "MB" },
  ];
}

/** The world to join in. Of the room as it was made nothing stays: what lies around makes collecting slow. */
function prepare(module) {
  const big = bigRoom(MEMBERS, SERVERS);
  const { room, servers, answer } = big;
  return { count: room.state.length, size: answer.length, roomId: room.id, via: [servers[0].name], world: worldOf(big), signatures: signaturesOf(big, module) };
}

/** The signatures in the state, to be checked by themselves. */
function signaturesOf({ room, servers }, module) {
  const keys = new Map(servers.map(({ name, key }) => [name, key]));
  const signatures = new module.Signatures();
  for (const text of room.state) {
    const { signatures: signed, unsigned, ...event } = JSON.parse(redact(text, room.version));
    const { sender } = event;
    const server = sender.slice(sender.indexOf(":") + 1);
    const key = keys.get(server);
    signatures.push(key.publicKey, Buffer.from(canonicalJson(event)), Buffer.from(signed[server][key.keyId], "base64"));
  }
  return signatures;
}

/** What the library's module takes; modules give no memory back, so this is the most that it ever took. */
function memory() {
  const module = new WebAssembly.Module(readFileSync(at("pkg/dist/wasm/fedproof_bg.wasm")));
  return initSync({ module }).memory.buffer.byteLength;
}
