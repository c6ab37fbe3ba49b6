// The entry without the module inside, which is loaded on its own.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import * as whole from "fedproof";
import * as slim from "fedproof/slim";

test("it offers what the main entry offers, and init", () => {
  assert.deepEqual(
    Object.keys(slim).filter((name) => name !== "init").sort(),
    Object.keys(whole).sort(),
  );
});

// In a process of its own: here the main entry has loaded the module already.
const alone = (script) => {
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", PRELUDE + script], {
    cwd: new URL(".", import.meta.url),
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
};
const PRELUDE = `
  import assert from "node:assert/strict";
  import { readFileSync } from "node:fs";
  import { canonicalJson, init, SigningKey, verifyEvents } from "fedproof/slim";
  const bytes = readFileSync(new URL(import.meta.resolve("fedproof/fedproof.wasm")));
  const works = () => assert.equal(canonicalJson('{"b":1,"a":2}'), '{"a":2,"b":1}');
`;

test("before init every function says so", () => {
  alone(`
    for (const call of [() => canonicalJson("{}"), () => SigningKey.generate(), () => verifyEvents("[]")]) {
      assert.throws(call, { name: "FedproofError", code: "not_initialised" });
    }
    await init(bytes);
    works();
  `);
});

test("init takes bytes, a buffer, a module, a response and the promise of one", () => {
  const sources = [
    "bytes",
    "new Uint8Array(bytes).buffer",
    "new WebAssembly.Module(bytes)",
    'new Response(bytes, { headers: { "content-type": "application/wasm" } })',
    "Promise.resolve(new Response(bytes))",
  ];
  for (const source of sources) alone(`await init(${source}); works(); await init(bytes); works();`);
});

test("init refuses what is none", () => {
  alone(`
    for (const wrong of [undefined, null, "fedproof.wasm", 5, {}]) {
      await assert.rejects(init(wrong), { code: "invalid_argument" });
    }
    await assert.rejects(init(new Response("no", { status: 404 })), { code: "invalid_argument" });
    await assert.rejects(init(new Uint8Array(8)), WebAssembly.CompileError);
    await init(bytes);
    works();
  `);
});
