// A process of its own, in which a room is received as the library's face does it, but for the
// signatures: `node benches/js/replay.mjs ROOM_VERSION EVENTS.ndjson`. Prints what it took as JSON.
//
// The library's room lies in the module of benches/wasm, whose key ring takes every signature by a
// known key for right. The reference check of one signature is measured in between.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { readRoomVerdicts } from "../../pkg/dist/verdicts.js";
import { median } from "./race.mjs";
import { benchModule } from "./wasm.mjs";

/** How many events are looked at in one crossing, as in pkg/src/state.ts. */
const AT_ONCE = 16;
/** Events between two measurements of a signature check. */
const BLOCK = 1000;
const CHECKS = 10;
/** What is signed of an event is so long, in bytes. */
const SIGNED = 450;

const [version, file] = process.argv.slice(2);
const { Replay, Signature, memory_bytes } = await benchModule();
const signature = new Signature(SIGNED);
signature.check(300);

const room = new Replay(version);
const outcomes = {};
/** The face keeps all that came. */
const came = [];
const checks = [];
const encoder = new TextEncoder();
/** CPU time in microseconds: in the module, and until its answers are verdicts as objects. */
let inside = 0;
let reading = 0;
let block = [];
for await (const line of createInterface({ input: createReadStream(file) })) {
  block.push(encoder.encode(line));
  if (block.length === BLOCK) receive();
}
receive();

function receive() {
  const answers = [];
  inside += cpu(() => {
    for (const event of block) room.push(event);
    for (let looked = 0; looked < block.length; looked += AT_ONCE) answers.push(room.step(AT_ONCE));
  });
  reading += cpu(() => {
    for (const answer of answers) {
      for (const { outcome } of readRoomVerdicts(JSON.parse(answer))) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
  });
  checks.push(cpu(() => signature.check(CHECKS)) / CHECKS);
  came.push(...block);
  block = [];
}

/** CPU time in microseconds. */
function cpu(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

console.log(
  JSON.stringify({
    events: came.length,
    outcomes,
    state: room.state_size(),
    inside,
    reading,
    check: median(checks),
    peak: process.resourceUsage().maxRSS * 1024,
    module: memory_bytes(),
  }),
);
