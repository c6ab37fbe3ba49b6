// Cutting JSON apart: what is cut out stays byte for byte, however malformed it is inside.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cut, cutAll } from "../../pkg/dist/cli/raw-json.js";

const bytes = (text) => Buffer.from(text);
const text = (slice) => Buffer.from(slice).toString();
const items = (document) => cut(bytes(document), "x").items.map(text);
const members = (document) => Object.fromEntries([...cut(bytes(document), "x").members].map(([name, slice]) => [name, text(slice)]));
const unreadable = (said) => (thrown) => thrown.code === "input_unreadable" && said.test(thrown.message);

test("members and items stand as they were written", () => {
  assert.deepEqual(items("[1.0, -0,9007199254740993 ,1e5,\t\"a\" , {\"b\" : 1,\"b\": 2}\n, [ ] ]"), ["1.0", "-0", "9007199254740993", "1e5", '"a"', '{"b" : 1,"b": 2}', "[ ]"]);
  assert.deepEqual(members(' {"a" : {"x":[1.50]} , "b":null,"c":"\\"}" } \r\n'), { a: '{"x":[1.50]}', b: "null", c: '"\\"}"' });
  assert.deepEqual([items("[]"), items(" [ \n ] "), members("{}"), members("{ }")], [[], [], {}, {}]);
  assert.deepEqual(["5", '"a"', " true "].map((one) => cut(bytes(one), "x").kind), ["scalar", "scalar", "scalar"]);
});

test("slices are parts of the text, not copies", () => {
  const whole = bytes('{"a":[1]}');
  assert.equal(cut(whole, "x").members.get("a").buffer, whole.buffer);
});

test("strings hide brackets, and escapes hide quotes", () => {
  for (const string of ['"]"', '"}{["', '"\\""', '"\\\\"', '"\\\\\\"]"', '"\\u005d"', '"é]\u{1f600}"', '",:"']) {
    assert.deepEqual(items(`[${string},[${string}],{${string}:${string}}]`), [string, `[${string}]`, `{${string}:${string}}`]);
  }
});

test("names are read with their escapes; of two the last counts; a name of Object.prototype is one like others", () => {
  const found = cut(bytes('{"st\\u0061te":1,"state":2,"__proto__":3,"constructor":4}'), "x").members;
  assert.deepEqual([...found].map(([name, slice]) => [name, text(slice)]), [["state", "2"], ["__proto__", "3"], ["constructor", "4"]]);
  assert.equal(text(cut(bytes('{"a\\x":1,"b":2}'), "x").members.get("b")), "2");
});

test("what is malformed inside is cut out all the same", () => {
  const broken = ['{"a":1.,"b":tru}', '{"a" "b"}', "{,}", '{"a":"\\q\u0001"}', "[1 2]"];
  assert.deepEqual(items(`[${broken}]`), broken);
  const latin = Buffer.concat([bytes('[{"a":"'), Buffer.from([0xff, 0xc0]), bytes('"}]')]);
  assert.deepEqual([...cut(latin, "x").items[0]], [...latin.subarray(1, -1)]);
});

test("what has no end, or goes on behind it, is no document", () => {
  for (const [document, said] of [
    ["", /a value is missing/],
    ["[", /bracket is not closed/],
    ["[1", /bracket is not closed/],
    ["[1,", /bracket is not closed/],
    ["[[1]", /bracket is not closed/],
    ['{"a":{"b":1}', /bracket is not closed/],
    ['{"a', /quote is not closed/],
    ['["\\"]', /quote is not closed/],
    ["[1}", /comma or a closing bracket/],
    ['[{"a":[1}]', /other kind/],
    ["[1,]", /value is missing/],
    ["[,1]", /value is missing/],
    ["[1 2]", /comma or a closing bracket/],
    ["{1:2}", /name in quotes/],
    ['{"a"}', /colon/],
    ['{"a":}', /value is missing/],
    ['{"a":1,}', /name in quotes/],
    ["[] []", /something follows/],
    ['{"a":1}x', /something follows/],
    ["\ufeff{}", /something follows/],
  ]) {
    assert.throws(() => cut(bytes(document), "the-file"), unreadable(said), document);
  }
  assert.throws(() => cut(bytes('[1,\n\n  "a" 2]'), "the-file"), unreadable(/^the-file is not JSON: .*\(line 3, byte 11\)$/));
});

test("documents behind each other", () => {
  assert.deepEqual(cutAll(bytes('{"a":1}\n\n {"b":[1.0]}\r\n[2]'), "x").map(text), ['{"a":1}', '{"b":[1.0]}', "[2]"]);
  assert.deepEqual(cutAll(bytes(" \n"), "x"), []);
  assert.throws(() => cutAll(bytes("{}\n]"), "x"), unreadable(/value is missing/));
});

test("depth and length cost nothing", () => {
  const deep = `${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`;
  const escapes = `"${"\\\\".repeat(1_000_000)}"`;
  const quotes = `"${'\\"'.repeat(1_000_000)}"`;
  const since = performance.now();
  assert.deepEqual(items(`[${deep},${escapes},${quotes}]`).map(({ length }) => length), [deep.length, escapes.length, quotes.length]);
  assert.ok(performance.now() - since < 5000);
});

test("ten thousand made-up documents: the slices mean what the document does", () => {
  let state = 1;
  const random = (below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
  const pick = (list) => list[random(list.length)];
  const space = () => pick(["", "", " ", "\n", "\t", "\r\n "]);
  const string = () => JSON.stringify(pick(["", "a", "é", "\u{1f600}", '"', "\\", "\\\"", "]", "}{", ",:", "\n\u0000", "\u2028"]) + pick(["", "x", '"']));
  const value = (depth) => {
    switch (random(depth > 3 ? 3 : 5)) {
      case 0:
        return string();
      case 1:
        return pick(["1", "-0", "1.0", "1e9", "true", "null", "12345678901234567890"]);
      case 2:
        return pick(["[]", "{}", "[ ]"]);
      case 3:
        return `[${list(() => value(depth + 1))}]`;
      default:
        return `{${list(() => `${string()}${space()}:${space()}${value(depth + 1)}`)}}`;
    }
  };
  const list = (entry) => Array.from({ length: 1 + random(4) }, () => `${space()}${entry()}${space()}`).join(",");
  for (let n = 0; n < 10_000; n += 1) {
    const document = `${space()}${value(0)}${space()}`;
    const meant = JSON.parse(document);
    const found = cut(bytes(document), "x");
    if (found.kind === "array") assert.deepEqual(found.items.map((slice) => JSON.parse(text(slice))), meant, document);
    else if (found.kind === "object") assert.deepEqual(Object.fromEntries([...found.members].map(([name, slice]) => [name, JSON.parse(text(slice))])), meant, document);
    else assert.ok(typeof meant !== "object" || meant === null, document);
    assert.deepEqual(cutAll(bytes(`${document}\n${document}`), "x").map((slice) => JSON.parse(text(slice))), [meant, meant], document);
  }
});
