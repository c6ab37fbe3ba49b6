// What stays in memory: no seeds, and no more after many calls than after a few.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import v8 from "node:v8";
import vm from "node:vm";
import { checkAuth, KeyRing, RoomContext, ServerAcl, Session, SigningKey, signEvent, signJson } from "fedproof";
import { initSync } from "../../pkg/dist/wasm/fedproof.js";
import { TestRoom } from "./room.mjs";
import { message, NOW, ringOf, server, signed } from "./world.mjs";

// Once the module is there, this gives the exports of the very instance that is used.
const module = new WebAssembly.Module(readFileSync(new URL("../../pkg/dist/wasm/fedproof_bg.wasm", import.meta.url)));
const memory = () => Buffer.from(initSync({ module }).memory.buffer);

test("the test sees the memory that is used", () => {
  const needle = `needle-${Math.random()}`;
  signJson({ needle }, { serverName: "x.org", key: SigningKey.generate() });
  assert.ok(memory().includes(needle));
});

test("no seed is in the module's memory after use", () => {
  for (let n = 0; n < 50; n += 1) {
    const seed = Buffer.from(crypto.getRandomValues(new Uint8Array(32)));
    const base64 = seed.toString("base64").replace(/=+$/, "");
    const key = SigningKey.fromSeed("ed25519:a_1", seed);
    signJson({ n }, { serverName: "x.org", key });
    signEvent(message({ name: "x.org" }), { serverName: "x.org", key, roomVersion: "11" });
    SigningKey.fromSynapseKeyFile(`ed25519 a_1 ${base64}\n`);
    SigningKey.fromSynapseKeyFile(Buffer.from(key.toSynapseKeyFile()));
    const now = memory();
    // Halves: what is left of freed memory may have lost its beginning.
    assert.ok(!now.includes(seed.subarray(16)), "the seed's second half");
    assert.ok(!now.includes(seed.subarray(0, 16)), "the seed's first half");
    assert.ok(!now.includes(base64.slice(22)), "the seed's base64");
    assert.ok(!now.includes(base64.slice(0, 21)), "the seed's base64");
  }
});

test("no seed is left when the call fails", () => {
  const seed = Buffer.from(crypto.getRandomValues(new Uint8Array(32)));
  const key = SigningKey.fromSeed("ed25519:a_1", seed);
  assert.throws(() => signJson("[]", { serverName: "x.org", key }));
  assert.throws(() => signJson("{}", { serverName: "no name", key }));
  assert.throws(() => SigningKey.fromSynapseKeyFile(`ed25519 a_1 ${seed.toString("base64")}\ned25519\n`));
  assert.ok(!memory().includes(seed.subarray(16)));
  assert.ok(!memory().includes(seed.toString("base64").slice(22, 40)));
});

test("memory is flat over 200,000 verdicts", () => {
  const one = server("one.example");
  const session = new Session({ roomVersion: "11", keys: ringOf(one) });
  // An event that fails before its signature: the same paths, without two minutes of arithmetic.
  const text = signed(one);
  const malformed = text.replace('"depth":7', '"depth":"7"');
  const unknown = text.replaceAll("one.example", "two.example");
  const batch = `[${Array.from({ length: 100 }, (_, n) => (n % 2 ? malformed : unknown))}]`;
  session.verify(batch);
  session.verifyEvent(text);
  const before = memory().length;
  for (let n = 0; n < 2_000; n += 1) assert.equal(session.verify(batch).length, 100);
  for (let n = 0; n < 2_000; n += 1) session.verifyEvent(text);
  assert.equal(memory().length, before);
});

test("memory is flat over 20,000 calls of checkAuth", () => {
  const one = server("one.example");
  const room = new TestRoom([one]);
  room.powerLevels({ users: { [room.creator]: 100 } });
  const good = room.make("m.room.message", room.creator, { body: "hello" });
  const around = room.around(good);
  // Allowed, rejected with and without its path, incomplete, dropped.
  const asked = [
    [good, around],
    [room.make("m.room.message", "@bob:one.example", {}), { ...around, trace: true }],
    [room.make("m.room.message", "@bob:one.example", {}), around],
    [good, { ...around, authEvents: ["{"], state: ["{"] }],
    ["{", around],
  ];
  const run = (times) => {
    for (let n = 0; n < times; n += 1) checkAuth(...asked[n % asked.length]);
  };
  run(500);
  const before = memory().length;
  run(20_000);
  assert.equal(memory().length, before);
});

test("contexts of rooms and ACLs that nobody holds any more are given back", async () => {
  const one = server("one.example");
  const room = new TestRoom([one]);
  const event = room.make("m.room.message", room.creator, { body: "hello" });
  const around = room.around(event);
  const acl = { allow: ["*"], deny: Array.from({ length: 100 }, (_, n) => `*.n${n}.example`) };
  const before = await steady((n) => {
    const context = new RoomContext(around);
    context.checkAuth(event);
    if (n % 2) context.dispose();
    const servers = new ServerAcl(acl);
    servers.isAllowed("n1.example");
    if (n % 2) servers.dispose();
  });
  assert.equal(memory().length, before);
});

test("rings and errors are given back", async () => {
  const one = server("one.example");
  const response = one.keyResponse();
  const before = await steady((n) => {
    const keys = new KeyRing();
    keys.addServerKeys(response, { fetchedTs: NOW });
    if (n % 2) keys.dispose();
    assert.throws(() => keys.addServerKeys("{"));
  });
  assert.equal(memory().length, before);
});

/** Does something 15,000 times; answers how much memory there was after the first third. */
async function steady(work) {
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc");
  const churn = async () => {
    for (let n = 0; n < 5_000; n += 1) {
      work(n);
      // What was collected is given back between tasks.
      if (n % 500 === 0) {
        collect();
        await new Promise((resolve) => setTimeout(resolve));
      }
    }
  };
  await churn();
  const before = memory().length;
  await churn();
  await churn();
  return before;
}
