// Objects are a guarded convenience: what JSON text cannot hold without loss is refused, with its place.
import assert from "node:assert/strict";
import { test } from "node:test";
import vm from "node:vm";
import { canonicalJson } from "fedproof";
import { error } from "./world.mjs";

const refused = (object, path, found) =>
  assert.throws(
    () => canonicalJson(object),
    error("lossy_object", ({ details, message }) => {
      if (path !== undefined) assert.equal(details.path, path);
      if (found !== undefined) assert.match(details.found, found);
      assert.match(message, /pass JSON text or bytes/);
    }),
  );

test("plain data is taken", () => {
  assert.equal(canonicalJson({}), "{}");
  assert.equal(canonicalJson([]), "[]");
  assert.equal(canonicalJson(Object.assign(Object.create(null), { a: 1 })), '{"a":1}');
  assert.equal(canonicalJson({ a: [1, "x", true, null, { b: {} }] }), '{"a":[1,"x",true,null,{"b":{}}]}');
  assert.equal(canonicalJson({ a: Number.MAX_SAFE_INTEGER, b: -Number.MAX_SAFE_INTEGER }), '{"a":9007199254740991,"b":-9007199254740991}');
  assert.equal(canonicalJson(Object.freeze({ a: Object.freeze([1]) })), '{"a":[1]}');
});

test("data of another realm is plain too", () => {
  assert.equal(canonicalJson(vm.runInNewContext("({a: [1, {b: 2}]})")), '{"a":[1,{"b":2}]}');
  refused(vm.runInNewContext("({a: new Date()})"), "a", /Date/);
});

test("the same object in two places is no cycle", () => {
  const shared = { x: 1 };
  assert.equal(canonicalJson({ a: shared, b: [shared, shared] }), '{"a":{"x":1},"b":[{"x":1},{"x":1}]}');
});

test("__proto__, constructor and toJSON are keys like any other", () => {
  const text = '{"__proto__":{"membership":"join"},"constructor":1,"hasOwnProperty":2,"toJSON":"x"}';
  assert.equal(canonicalJson(JSON.parse(text)), text);
  assert.equal({}.membership, undefined);
});

test("-0 keeps its sign on the way, and counts as 0", () => {
  assert.equal(canonicalJson({ a: -0 }), '{"a":0}');
  assert.equal(canonicalJson({ a: -0 }), canonicalJson('{"a":-0}'));
});

test("numbers that are no safe integers", () => {
  for (const [value, found] of [
    [1.5, /1\.5/],
    [Number.NaN, /NaN/],
    [Number.POSITIVE_INFINITY, /Infinity/],
    [Number.NEGATIVE_INFINITY, /-Infinity/],
    [2 ** 53, /9007199254740992/],
    [-(2 ** 53), /-9007199254740992/],
    [1e21, /1e\+21/],
    [5e-324, /5e-324/],
  ]) {
    refused({ content: { n: value } }, "content.n", found);
  }
});

test("values that are no JSON", () => {
  refused({ a: undefined }, "a", /undefined/);
  refused({ a: [1, undefined] }, "a[1]", /undefined/);
  refused({ a: 10n }, "a", /BigInt/);
  refused({ a: Symbol("x") }, "a", /symbol/);
  refused({ a: () => 1 }, "a", /function/);
  refused({ a: { toJSON: () => 1 } }, "a.toJSON", /function/);
});

test("instances of classes", () => {
  class Event {
    type = "x";
  }
  class List extends Array {}
  for (const [value, found] of [
    [new Date(), /Date/],
    [new Map([["a", 1]]), /Map/],
    [new Set([1]), /Set/],
    [new Uint8Array(3), /Uint8Array/],
    [new ArrayBuffer(3), /ArrayBuffer/],
    [/x/, /RegExp/],
    [new Error("x"), /Error/],
    [new Event(), /Event/],
    [List.of(1), /List/],
    [Object(1), /Number/],
    [Object("x"), /String/],
    [Promise.resolve(), /Promise/],
    [new Proxy(new Date(), {}), /Date/],
    [Object.create({ inherited: 1 }), /instance/],
  ]) {
    refused({ content: { "m.x": [value] } }, 'content["m.x"][0]', found);
  }
  refused(new Date(), "");
  refused(new Map(), "");
});

test("properties that JSON.stringify would run or leave out", () => {
  let ran = false;
  const getter = {
    get a() {
      ran = true;
      return 1;
    },
  };
  refused(getter, "a", /getter/);
  assert.equal(ran, false);
  refused(Object.defineProperty([1], 0, { get: () => 1, enumerable: true }), "[0]", /getter/);
  refused({ [Symbol("x")]: 1 }, "", /symbol/);
  refused({ x: Object.defineProperty({}, "hidden", { value: 1 }) }, "x", /enumerable/);
  refused({ x: Object.assign([1], { extra: 1 }) }, "x", /named/);
});

test("arrays with holes", () => {
  refused({ a: [1, , 2] }, "a", /holes/);
  refused({ a: new Array(4_000_000_000) }, "a", /holes/);
});

test("lone surrogates, in values and keys", () => {
  refused({ a: { b: "x\ud800" } }, "a.b", /lone surrogate/);
  refused({ a: { "\ud800": 1, "\ud801": 2 } }, undefined, /lone surrogate/);
  assert.equal(canonicalJson({ "\u{1f600}": "\u{1f600}" }), '{"\u{1f600}":"\u{1f600}"}');
});

test("cycles", () => {
  const circle = { a: { b: [] } };
  circle.a.b.push(circle.a);
  assert.throws(() => canonicalJson(circle), error("lossy_object", ({ details }) => {
    assert.equal(details.path, "a.b[0]");
    assert.match(details.found, /cycle/);
  }));
});

test("what a proxy throws becomes our error", () => {
  const trap = () => {
    throw new TypeError("from the trap");
  };
  for (const handler of [{ ownKeys: trap }, { getPrototypeOf: trap }, { getOwnPropertyDescriptor: trap }]) {
    assert.throws(() => canonicalJson({ a: new Proxy({ x: 1 }, handler) }), error("lossy_object", ({ cause }) => assert.ok(cause instanceof TypeError)));
  }
});

test("nesting of any depth overflows no stack", () => {
  let deep = 1;
  for (let level = 0; level < 200_000; level += 1) deep = level % 2 ? [deep] : { a: deep };
  assert.throws(() => canonicalJson(deep), error("json_too_deep"));
});

test("data that grows by sharing is refused before memory ends", () => {
  let bomb = "x".repeat(1000);
  for (let level = 0; level < 40; level += 1) bomb = [bomb, bomb];
  assert.throws(() => canonicalJson(bomb), error("lossy_object", ({ details }) => assert.match(details.found, /more data/)));
});
