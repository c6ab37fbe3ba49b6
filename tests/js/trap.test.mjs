// A trap inside the module is an error of one call, and nothing else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalJson, eventId, KeyRing, RoomContext, ServerAcl, Session, SigningKey, verifyEvent } from "fedproof";
import { EventReader } from "../../pkg/dist/reader.js";
import { call } from "../../pkg/dist/wasm.js";
import { TestRoom } from "./room.mjs";
import { error, message, NOW, ringOf, server, signed } from "./world.mjs";

const trap = () => call((wasm) => wasm.trap());
const trapped = error("wasm_trap", ({ cause }) => assert.ok(cause instanceof WebAssembly.RuntimeError));

test("the call that traps is an error, the next one works", () => {
  assert.throws(trap, trapped);
  assert.equal(canonicalJson('{"b":1,"a":2}'), '{"a":2,"b":1}');
});

test("a ring knows its keys after a trap, however they came", () => {
  const one = server("one.example");
  const two = server("two.example");
  const three = server("three.example");
  const keys = ringOf(one);
  keys.addAllServerKeys(`[${two.keyResponse()}]`, { fetchedTs: NOW });
  keys.addKey({ serverName: three.name, keyId: three.key.keyId, publicKey: three.key.publicKey, validUntilTs: NOW + 5 });
  const known = () => [one, two, three].map(({ name, key }) => keys.lookup(name, key.keyId, { at: NOW }));
  const before = known();
  assert.ok(before.every(({ valid }) => valid));
  assert.throws(trap, trapped);
  assert.deepEqual(known(), before);
});

test("a ring that took many answers of one server is the same after a trap", () => {
  const one = server("one.example");
  const keys = new KeyRing();
  for (let day = 0; day < 30; day += 1) {
    const now = NOW + day * 1000;
    keys.addServerKeys(one.keyResponse({ validUntil: now + 1000 }), { fetchedTs: now });
  }
  const next = server("one.example");
  keys.addServerKeys(next.keyResponse({ validUntil: NOW + 90_000, oldKeys: { [one.key.keyId]: { key: one.key.publicKey, expired_ts: NOW + 40_000 } } }), { fetchedTs: NOW + 50_000 });
  const known = () => [one, next].map(({ key }) => keys.lookup("one.example", key.keyId, { at: NOW + 35_000 }));
  const before = known();
  assert.throws(trap, trapped);
  assert.deepEqual(known(), before);
});

test("sessions go on, keys sign on", () => {
  const one = server("one.example");
  const session = new Session({ roomVersion: "11", keys: ringOf(one) });
  const text = signed(one);
  const before = session.verifyEvent(text);
  assert.throws(trap, trapped);
  assert.deepEqual(session.verifyEvent(text), before);
  assert.throws(trap, trapped);
  assert.deepEqual(session.verifyEvent(signed(one, message(one))), before);
});

test("contexts of rooms and ACLs go on, whatever was in them", () => {
  const one = server("one.example");
  const room = new TestRoom([one]);
  const keys = ringOf(one);
  const event = room.make("m.room.topic", room.creator, { topic: "hello" }, { state_key: "" });
  const context = new RoomContext(room.around(event, { currentState: room.state, rejected: ["$x"] }));
  const acl = new ServerAcl({ allow: ["*"], deny: ["evil.example"] });
  const answers = () => [
    context.checkAuth(event, { trace: true }),
    context.receiveEvent(event, { keys }),
    ...["good.example", "evil.example"].map((name) => acl.check(name)),
  ];
  const before = answers();
  assert.deepEqual(before.map(({ outcome, allowed }) => outcome ?? allowed), ["accepted", "accepted", true, false]);
  for (let n = 0; n < 3; n += 1) {
    assert.throws(trap, trapped);
    assert.deepEqual(answers(), before);
  }
});

test("a reader in the middle of a file says that it must be read again", () => {
  const reader = new EventReader();
  reader.push(new TextEncoder().encode('{"type":'));
  assert.throws(trap, trapped);
  assert.throws(() => reader.push(new TextEncoder().encode('"x"}')), error("wasm_trap"));
  reader.free();
  assert.equal(canonicalJson("{}"), "{}");
});

test("a stack overflow near the end of the caller's stack is survived", () => {
  let overflows = 0;
  const dive = (depth) => {
    try {
      dive(depth + 1);
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) throw thrown;
    }
    // On the way back up, with very little stack left at first.
    if (overflows < 200) {
      overflows += 1;
      try {
        canonicalJson('{"a":[1,{"b":2}]}');
        eventId("{}", "11");
      } catch (thrown) {
        if (!(thrown instanceof RangeError) && thrown.code !== "wasm_trap") throw thrown;
      }
    }
  };
  dive(0);
  assert.equal(canonicalJson('{"b":1,"a":2}'), '{"a":2,"b":1}');
});

test("20,000 traps do not end it", () => {
  const one = server("one.example");
  const session = new Session({ roomVersion: "11", keys: ringOf(one) });
  const text = signed(one);
  for (let n = 0; n < 20_000; n += 1) {
    assert.throws(trap, trapped);
    if (n % 500 === 0) assert.equal(session.verifyEvent(text).outcome, "accepted");
  }
  assert.equal(verifyEvent(text, { roomVersion: "11", keys: ringOf(one) }).outcome, "accepted");
  assert.equal(SigningKey.generate().publicKey.length, 43);
});
