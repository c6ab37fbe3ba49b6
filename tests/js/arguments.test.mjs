// Every argument is checked before it gets into the module.
import assert from "node:assert/strict";
import { test } from "node:test";
import vm from "node:vm";
import * as fedproof from "fedproof";
import { error, message, ringOf, server, signed } from "./world.mjs";

const { canonicalJson, contentHash, eventId, KeyRing, parseServerName, redact, referenceHash } = fedproof;
const { Session, signEvent, SigningKey, signJson, verifyEvent, verifyEvents, verifyEventSignatures, verifyJson } = fedproof;
const { authTypesForEvent, checkAuth, powerLevels, receiveEvent, RoomContext, ServerAcl } = fedproof;
const { createHandler, publishedKeys, signRequest, verifyRequest } = fedproof;
const V11 = { roomVersion: "11" };
const REQUEST = { method: "GET", uri: "/x", serverName: "x" };
const bytes = (text) => new TextEncoder().encode(text);

test("JSON comes as bytes, text or plain data, and means the same", () => {
  for (const input of ['{"b":1,"a":2}', bytes('{"b":1,"a":2}'), Buffer.from('{"b":1,"a":2}'), { b: 1, a: 2 }]) {
    assert.equal(canonicalJson(input), '{"a":2,"b":1}');
  }
});

test("a part of a buffer is read as that part", () => {
  const whole = bytes('xx{"a":1}yy');
  assert.equal(canonicalJson(whole.subarray(2, 9)), '{"a":1}');
});

test("a Uint8Array of another realm is one", () => {
  const foreign = vm.runInNewContext('new Uint8Array([123, 125])');
  assert.ok(!(foreign instanceof Uint8Array));
  assert.equal(canonicalJson(foreign), "{}");
});

test("everything else is refused, with what was expected and what was found", () => {
  const wrong = [
    [undefined, "undefined"],
    [null, "null"],
    [5, "the number 5"],
    [true, "the boolean true"],
    [10n, "a BigInt"],
    [Symbol("x"), "a symbol"],
    [() => {}, "a function"],
    [new ArrayBuffer(2), "an ArrayBuffer"],
    [new SharedArrayBuffer(2), "a SharedArrayBuffer"],
    [new DataView(new ArrayBuffer(2)), "a DataView"],
    [new Uint16Array(2), "a Uint16Array"],
    [new Uint8ClampedArray(2), "a Uint8ClampedArray"],
    [new Int8Array(2), "an Int8Array"],
  ];
  for (const [value, found] of wrong) {
    for (const call of [
      canonicalJson,
      contentHash,
      (input) => eventId(input, "11"),
      (input) => verifyEvents(input),
      (input) => authTypesForEvent(input, "11"),
      (input) => powerLevels(input, "11"),
      (input) => checkAuth(input, V11),
      (input) => receiveEvent(input, V11),
      (input) => new RoomContext(V11).checkAuth(input),
      (input) => ServerAcl.eduRooms(input),
    ]) {
      const check = error("invalid_argument", ({ details }) => {
        assert.equal(details.found, found);
        assert.match(details.expected, /Uint8Array/);
      });
      assert.throws(() => call(value), check);
    }
  }
});

test("a fake Uint8Array is not taken for one", () => {
  const fake = { [Symbol.toStringTag]: "Uint8Array", length: 2, 0: 123, 1: 125 };
  assert.throws(() => canonicalJson(fake), error("lossy_object"));
});

test("text with a lone surrogate is refused as the same bytes on the wire are", () => {
  assert.throws(() => canonicalJson('{"a":"\ud800"}'), error("json_invalid_utf8"));
  const verdict = verifyEvent('{"a":"x\udc00y"}', { roomVersion: "11" });
  assert.equal(verdict.outcome, "dropped");
  assert.equal(verdict.checks[0].code, "json_invalid_utf8");
  assert.equal(canonicalJson('{"a":"\u{1f600}"}'), '{"a":"\u{1f600}"}');
});

test("room versions are strings, and known ones", () => {
  for (const call of [
    (v) => eventId("{}", v),
    (v) => referenceHash("{}", v),
    (v) => redact("{}", v),
    (v) => authTypesForEvent('{"type":"x","sender":"@a:b"}', v),
    (v) => powerLevels("{}", v),
  ]) {
    assert.throws(() => call(11), error("invalid_argument", ({ message }) => assert.match(message, /"11"/)));
    assert.throws(() => call(undefined), error("invalid_argument"));
    for (const version of ["", "0", "13", "06", "6 ", "org.example"]) {
      assert.throws(() => call(version), error("unknown_room_version", ({ errcode }) => assert.equal(errcode, "M_UNSUPPORTED_ROOM_VERSION")));
    }
  }
  assert.throws(() => canonicalJson("{}", { roomVersion: "13" }), error("unknown_room_version"));
});

test("unknown options are an error that lists the known ones", () => {
  const one = server("one.example");
  const calls = [
    () => canonicalJson("{}", { lenent: true }),
    () => signJson("{}", { serverName: "x", key: one.key, keyid: "x" }),
    () => signEvent("{}", { serverName: "x", key: one.key, roomVersion: "11", room_version: "11" }),
    () => verifyJson("{}", { serverName: "x", keys: new KeyRing(), time: 1 }),
    () => verifyEvent("{}", { roomVersion: "11", key: 1 }),
    () => verifyEvents("[]", { roomversion: "11" }),
    () => verifyEventSignatures("{}", { roomVersion: "11", now: 1 }),
    () => new Session({ __proto__: null, constructor: 1 }),
    () => new KeyRing().addServerKeys("{}", { fetched: 1 }),
    () => new KeyRing().addAllServerKeys("{}", { fetched: 1 }),
    () => new KeyRing().addKey({ serverName: "x", keyId: "ed25519:1", publicKey: "x", validUntil: 1 }),
    () => new KeyRing().lookup("x", "ed25519:1", { ts: 1 }),
    () => checkAuth("{}", { ...V11, auth_events: [] }),
    () => receiveEvent("{}", { ...V11, current_state: [] }),
    () => new RoomContext({ ...V11, trace: true }),
    () => new RoomContext(V11).checkAuth("{}", V11),
    () => signRequest({ ...REQUEST, key: one.key, destination: "y", body: "{}" }),
    () => verifyRequest({ ...REQUEST, headers: {} }),
    () => publishedKeys({ serverName: "x", key: 1 }),
    () => createHandler({ room: () => undefined }),
  ];
  for (const call of calls) assert.throws(call, error("invalid_option", ({ details }) => assert.ok(details.known.length > 0)));
});

test("options of the wrong kind", () => {
  const calls = [
    () => canonicalJson("{}", { numbers: "loose" }),
    () => canonicalJson("{}", { lenient: 1 }),
    () => canonicalJson("{}", { lenient: true, numbers: "historical" }),
    () => canonicalJson("{}", { roomVersion: 6 }),
    () => verifyEvent("{}", { roomVersion: "11", keys: {} }),
    () => verifyEvent("{}", { roomVersion: "11", keys: null }),
    () => verifyEvent("{}", { roomVersion: "11", backfill: "yes" }),
    () => verifyEvent("{}", { evidence: true }),
    () => verifyEvents(["{}"], {}),
    () => signJson("{}", { serverName: "x" }),
    () => signJson("{}", { key: SigningKey.generate() }),
    () => signJson("{}", { serverName: "x", key: { keyId: "ed25519:1" } }),
    () => signEvent("{}", { serverName: "x", key: SigningKey.generate() }),
    () => verifyJson("{}", { serverName: "x" }),
    () => new KeyRing().addServerKeys("{}", { fetchedTs: -1 }),
    () => new KeyRing().addServerKeys("{}", { fetchedTs: 1.5 }),
    () => new KeyRing().addServerKeys("{}", { fetchedTs: "1" }),
    () => new KeyRing().addServerKeys("{}", { fetchedTs: new Date() }),
    () => new KeyRing().addKey({ serverName: "x" }),
    () => new KeyRing().lookup("x", "ed25519:1", { at: Number.NaN }),
    () => checkAuth("{}", {}),
    () => checkAuth("{}", { roomVersion: 11 }),
    () => checkAuth("{}", { ...V11, state: "[]" }),
    () => receiveEvent("{}", { ...V11, currentState: [5] }),
    () => new RoomContext({ ...V11, rejected: [null] }),
    () => new RoomContext(V11).receiveEvent("{}", { keys: {} }),
    () => signRequest({ ...REQUEST, destination: "y" }),
    () => signRequest({ ...REQUEST, key: SigningKey.generate() }),
    () => signRequest({ ...REQUEST, key: SigningKey.generate(), destination: "y", uri: new URL("https://y/x") }),
    () => signRequest({ ...REQUEST, key: SigningKey.generate(), destination: "y", content: 5 }),
    () => verifyRequest({}),
    () => verifyRequest(new Request("https://example.org")),
    () => verifyRequest({ ...REQUEST, serverName: [] }),
    () => verifyRequest({ ...REQUEST, serverName: ["x", 5] }),
    () => verifyRequest({ ...REQUEST, serverName: null }),
    () => verifyRequest({ ...REQUEST, authorization: new Headers() }),
    () => verifyRequest({ ...REQUEST, authorization: [null] }),
    () => verifyRequest({ ...REQUEST, authorization: [,] }),
    () => verifyRequest({ ...REQUEST, body: null }),
    () => verifyRequest({ ...REQUEST, body: new ArrayBuffer(2) }),
    () => verifyRequest({ ...REQUEST, now: new Date() }),
    () => verifyRequest({ ...REQUEST, evidence: 1 }),
  ];
  for (const call of calls) assert.throws(call, error("invalid_option"));
  for (const call of [
    () => canonicalJson("{}", null),
    () => canonicalJson("{}", "strict"),
    () => verifyEvent("{}", ["11"]),
    () => new KeyRing().addKey(undefined),
    () => new KeyRing().lookup(1, "ed25519:1"),
    () => parseServerName(new URL("https://example.org")),
    () => parseServerName("a\ud800"),
    () => SigningKey.fromSeed("ed25519:1", [1, 2]),
    () => SigningKey.fromSynapseKeyFile(5),
    () => checkAuth("{}", null),
    () => new RoomContext("11"),
    () => new ServerAcl(null),
    () => new ServerAcl().check(5),
    () => ServerAcl.endpoint(new URL("https://example.org")),
    () => verifyRequest("GET"),
  ]) {
    assert.throws(call, error("invalid_argument"));
  }
});

test("an option that is undefined is one that is not given", () => {
  assert.equal(canonicalJson("{}", { numbers: undefined, lenient: undefined }), "{}");
  const one = server("one.example");
  const verdict = verifyEvent(signed(one), { roomVersion: "11", keys: ringOf(one), backfill: undefined });
  assert.equal(verdict.outcome, "accepted");
});

test("errors carry what a program needs", () => {
  try {
    canonicalJson('{"a":1.5}');
    assert.fail();
  } catch (thrown) {
    assert.ok(thrown instanceof fedproof.FedproofError);
    assert.ok(thrown instanceof Error);
    assert.equal(thrown.name, "FedproofError");
    assert.equal(thrown.code, "number_not_integer");
    assert.equal(thrown.errcode, "M_BAD_JSON");
    assert.match(thrown.docs, /^https:\/\/spec\.matrix\.org\/.*#canonical-json$/);
    const told = JSON.parse(JSON.stringify(thrown));
    assert.equal(told.code, thrown.code);
    assert.equal(told.stack, undefined);
  }
});

test("every code the face throws is in the table of codes", () => {
  const known = new Set(fedproof.verdictCodes().map(({ code }) => code));
  for (const code of ["invalid_argument", "invalid_option", "lossy_object", "wasm_trap", "not_initialised", "key_disposed", "key_id_invalid", "seed_invalid", "unknown_room_version"]) {
    assert.ok(known.has(code), code);
  }
});

test("objects are read as the same event as their text", () => {
  const one = server("one.example");
  const keys = ringOf(one);
  const text = signed(one, message(one, "as an object"));
  const options = { roomVersion: "11", keys };
  assert.deepEqual(verifyEvent(JSON.parse(text), options), verifyEvent(text, options));
});
