// A join of a room with thousands of members: all is verified, others get to run meanwhile, memory is given back.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Federation } from "fedproof";
import { memoryHost } from "fedproof/hosts/memory";
import { initSync } from "../../pkg/dist/wasm/fedproof.js";
import { bigRoom, hereIn, ME, worldOf } from "./federation/big-room.mjs";
import { error } from "./world.mjs";

const module = new WebAssembly.Module(readFileSync(new URL("../../pkg/dist/wasm/fedproof_bg.wasm", import.meta.url)));
const memory = () => initSync({ module }).memory.buffer.byteLength;

const MEMBERS = 2_000;
const big = bigRoom(MEMBERS, 40);
const options = { roomId: big.room.id, userId: ME, via: ["s0.example"] };

test("every member is verified, and the way is told", async () => {
  const federation = new Federation(hereIn(big));
  const told = [];
  const { room, report, keys } = await federation.join({ ...options, onProgress: (progress) => told.push(progress) });
  assert.equal(report.verdict.outcome, "accepted");
  assert.deepEqual([report.fallen, report.missing], [[], []]);
  assert.equal(room.currentState().length, MEMBERS + 4);
  assert.equal(keys.fetched.length, 40);
  const stages = [...new Set(told.map(({ stage }) => stage))];
  assert.deepEqual(stages, ["send_join", "read", "keys", "verify"]);
  for (const stage of stages) {
    const done = told.filter((one) => one.stage === stage).map((one) => one.done);
    assert.deepEqual(done, done.toSorted((a, b) => a - b), stage);
  }
  assert.equal(told.findLast(({ stage }) => stage === "read").done, big.answer.length);
  assert.equal(told.at(-1).done, MEMBERS + 3 + big.chain.length);
  room.dispose();
});

test("others get to run all the while", async () => {
  let turns = 0;
  let goesOn = true;
  const turn = () => {
    turns += 1;
    if (goesOn) setImmediate(turn);
  };
  setImmediate(turn);
  const here = hereIn(big);
  // The clock of a host in memory is not ours: this one really pauses.
  const host = { ...here.host, wait: () => new Promise((resolve) => setImmediate(resolve)) };
  const federation = new Federation({ ...here, host });
  const seen = [];
  const { room } = await federation.join({ ...options, onProgress: ({ stage }) => seen.push([stage, turns]) });
  goesOn = false;
  room.dispose();
  const during = (stage) => new Set(seen.filter(([one]) => one === stage).map(([, at]) => at)).size;
  assert.ok(during("read") >= Math.floor(big.answer.length / (128 * 1024)), `${during("read")} turns while it was read`);
  assert.ok(during("verify") > 1, `${during("verify")} turns while it was verified`);
});

test("members whose servers give no keys are missing, and the join goes on", async () => {
  const silent = ["s7.example", "s8.example"];
  const federation = new Federation(hereIn(big, { silent }));
  const { room, report, keys } = await federation.join(options);
  assert.equal(report.verdict.outcome, "accepted");
  assert.deepEqual(keys.failed.map((failure) => failure.server_name).toSorted(), silent);
  const codes = new Set(report.fallen.flatMap(({ checks }) => checks.map(({ code }) => code).filter(Boolean)));
  assert.deepEqual([...codes], ["signature_key_missing"]);
  assert.equal(room.currentState().length + report.fallen.length, MEMBERS + 4);
  room.dispose();
});

test("a server that only knows the first version of the endpoint is joined by", async () => {
  const world = worldOf(big);
  const [[place, handle]] = Object.entries(world.servers);
  const older = (request) => {
    const target = request.target.replace("/v1/send_join/", "/v2/send_join/");
    if (target === request.target) return target.includes("/v2/send_join/") ? { status: 404 } : handle(request);
    return { body: Buffer.concat([Buffer.from(" [200, "), handle({ ...request, target }).body, Buffer.from(" ]\n")]) };
  };
  const federation = new Federation({ ...hereIn(big), host: memoryHost({ ...world, servers: { [place]: older } }) });
  const { room, report } = await federation.join(options);
  assert.equal(report.verdict.outcome, "accepted");
  room.dispose();
});

test("a join can be aborted at any point, and memory is given back", async () => {
  const join = async (points) => {
    const controller = new AbortController();
    let told = 0;
    const onProgress = () => {
      if ((told += 1) === points) controller.abort();
    };
    const federation = new Federation(hereIn(big));
    try {
      const { room } = await federation.join({ ...options, signal: controller.signal, onProgress });
      room.dispose();
    } finally {
      federation.keys.dispose();
    }
  };
  const cycle = async () => {
    for (const points of [1, 2, 9, 15, 30, 60, 70]) await assert.rejects(join(points), error("aborted"), `after ${points}`);
    await join(Infinity);
  };
  await cycle();
  await cycle();
  const before = memory();
  for (let n = 0; n < 4; n += 1) await cycle();
  // What was aborted is given back when it is collected, so the peaks differ; but 32 joins that each left something
  // would show.
  assert.ok(memory() - before < 4 * big.answer.length, `${memory() - before} bytes more`);
  // An answer of this size is held once as it came, once as events.
  assert.ok(before < 16 * 1024 * 1024 + 16 * big.answer.length, `${before} bytes for an answer of ${big.answer.length}`);
});
