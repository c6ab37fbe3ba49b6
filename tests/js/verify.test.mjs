// Verification: one event, many at once, sessions.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Session, verifyEvent, verifyEvents } from "fedproof";
import { error, message, NOW, ringOf, server, signed } from "./world.mjs";

const one = server("one.example");
const keys = ringOf(one);
const good = signed(one, message(one, "good"));
const altered = good.replace('"good"', '"bad"');
const broken = good.replace('"depth":7', '"depth":"7"');
const outcomes = (verdicts) => verdicts.map(({ outcome }) => outcome);
const options = { roomVersion: "11", keys };

test("a verdict has the shape of the contract", () => {
  const verdict = verifyEvent(good, options);
  assert.deepEqual(Object.keys(verdict).sort(), ["checks", "event_id", "flags", "outcome", "redacted", "room_version", "sender", "type"]);
  assert.match(verdict.event_id, /^\$[A-Za-z0-9_-]{43}$/);
  assert.equal(verdict.room_version, "11");
  assert.deepEqual(verdict.flags, []);
  assert.deepEqual(verdict.checks.map(({ check, name, result }) => [check, name, result]), [[1, "format", "pass"], [2, "signatures", "pass"], [3, "hash", "pass"]]);
  for (const check of verdict.checks) {
    assert.match(check.spec, /^https:\/\/spec\.matrix\.org\//);
    assert.equal(check.evidence, undefined);
  }
  const state = verifyEvent(signed(one, message(one, "x", { type: "m.room.topic", state_key: "" })), options);
  assert.equal(state.state_key, "");
});

test("evidence of passing checks is given when asked for", () => {
  for (const { evidence } of verifyEvent(good, { ...options, evidence: true }).checks) assert.equal(typeof evidence, "object");
});

test("a changed content is accepted redacted, a changed envelope is dropped, both with the reason", () => {
  const content = verifyEvent(altered, options);
  assert.deepEqual([content.outcome, content.redacted, content.checks[2].code], ["accepted", true, "content_hash_mismatch"]);
  assert.equal(content.event_id, verifyEvent(good, options).event_id);
  const envelope = verifyEvent(good.replace('"depth":7', '"depth":8'), options);
  assert.deepEqual([envelope.outcome, envelope.checks[1].code], ["dropped", "signature_invalid"]);
  assert.match(envelope.checks[1].reason, /one\.example/);
  assert.equal(typeof envelope.checks[1].evidence, "object");
});

test("without keys the verdict is incomplete, never accepted", () => {
  const verdict = verifyEvent(good, { roomVersion: "11" });
  assert.equal(verdict.outcome, "incomplete");
  assert.deepEqual(verdict.checks[1].missing, [`one.example ${one.key.keyId}`]);
});

test("anything given as an event gets a verdict, no exception", () => {
  for (const input of ["", "x", "[]", "5", "{}", '{"pdus":[]}', "null", `${good}${good}`, `${good}\n${good}`, Uint8Array.of(0xff), "[".repeat(100_000)]) {
    assert.equal(verifyEvent(input, options).outcome, "dropped", input.slice?.(0, 30));
  }
});

test("many events come in many forms, and keep their order", () => {
  const expected = ["accepted", "dropped", "accepted"];
  const list = `[${good},${broken},${altered}]`;
  const forms = [
    list,
    new TextEncoder().encode(list),
    `${good}\n${broken}\n\n${altered}\n`,
    `{"origin":"one.example","origin_server_ts":1,"pdus":${list},"edus":[]}`,
    JSON.parse(list),
    [good, new TextEncoder().encode(broken), JSON.parse(altered)],
    { pdus: JSON.parse(list) },
  ];
  for (const form of forms) assert.deepEqual(outcomes(verifyEvents(form, options)), expected);
  assert.deepEqual(verifyEvents(list, options)[1], verifyEvent(broken, options));
});

test("a room file brings its keys and its version, in whichever order", () => {
  const pdus = `[${good},${altered}]`;
  const serverKeys = `[${one.keyResponse()}]`;
  for (const room of [
    `{"room_id":"!r","room_version":"11","server_keys":${serverKeys},"pdus":${pdus},"more":1}`,
    `{"pdus":${pdus},"server_keys":${serverKeys},"room_version":"11"}`,
  ]) {
    assert.deepEqual(outcomes(verifyEvents(room)), ["accepted", "accepted"]);
  }
  assert.deepEqual(outcomes(verifyEvents(`{"room_version":"11","pdus":${pdus}}`)), ["incomplete", "incomplete"]);
});

test("the keys of a room file are its own: they do not stay in the ring", () => {
  const session = new Session({ roomVersion: "11" });
  session.verify(`{"server_keys":[${one.keyResponse()}],"pdus":[${good}]}`);
  assert.equal(session.verifyEvent(good).outcome, "incomplete");
});

test("one malformed event of fifty sinks itself alone", () => {
  const events = Array.from({ length: 50 }, (_, n) => (n === 20 ? '{"depth":1e400,,}' : signed(one, message(one, `n${n}`))));
  for (const verdicts of [verifyEvents(events.join("\n"), options), verifyEvents(`[${events}]`, options), verifyEvents(events, options)]) {
    assert.equal(verdicts.length, 50);
    assert.deepEqual(verdicts.flatMap(({ outcome }, n) => (outcome === "accepted" ? [] : [[n, outcome]])), [[20, "dropped"]]);
  }
});

test("input without events, and of unknown version", () => {
  assert.throws(() => verifyEvents("", options), error("input_empty"));
  assert.throws(() => verifyEvents("hello", options), error("input_unreadable"));
  assert.throws(() => verifyEvents(`[${good},`, options), error("input_unreadable"));
  assert.throws(() => verifyEvents(`[${good}]`, { keys }), error("unknown_room_version"));
  assert.deepEqual(verifyEvents("[]", options), []);
  assert.deepEqual(verifyEvents([], options), []);
});

test("a session judges alike however often it is asked", () => {
  const session = new Session(options);
  const first = session.verify(`[${good},${broken},${altered}]`);
  for (let n = 0; n < 200; n += 1) assert.deepEqual(session.verify(`[${good},${broken},${altered}]`), first);
});

test("200 calls from as many tasks do not get in each other's way", async () => {
  const texts = Array.from({ length: 200 }, (_, n) => signed(one, message(one, `task ${n}`)));
  const ids = await Promise.all(
    texts.map(async (text, n) => {
      await new Promise((resolve) => setTimeout(resolve, n % 7));
      const verdict = new Session(options).verifyEvent(text);
      assert.equal(verdict.outcome, "accepted");
      return verdict.event_id;
    }),
  );
  assert.equal(new Set(ids).size, 200);
});

test("__proto__ in an event is a key like any other", () => {
  const text = signed(one, JSON.parse(`{"__proto__":{"polluted":1},${JSON.stringify(message(one, "proto")).slice(1)}`));
  assert.match(text, /"__proto__"/);
  const verdict = verifyEvent(text, options);
  assert.deepEqual([verdict.outcome, verdict.redacted], ["accepted", false]);
  assert.equal(verifyEvent(text.replace('"polluted":1', '"polluted":2'), options).redacted, true);
  assert.equal({}.polluted, undefined);
});

test("times: a key that ended before the event is refused, one that ended after is not", () => {
  const old = server("old.example");
  const response = (expired) => {
    const current = server("old.example");
    return current.keyResponse({ oldKeys: { [old.key.keyId]: { key: old.key.publicKey, expired_ts: expired } } });
  };
  for (const [expired, outcome] of [[NOW - 2000, "dropped"], [NOW, "accepted"]]) {
    const ring = ringOf();
    ring.addServerKeys(response(expired), { fetchedTs: NOW });
    assert.equal(verifyEvent(signed(old), { roomVersion: "11", keys: ring }).outcome, outcome);
  }
});
