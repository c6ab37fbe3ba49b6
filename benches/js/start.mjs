// What there is to load, and how long it takes until there is a verdict.
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { at, dist } from "../../tools/lib/paths.mjs";
import { FETCHED_AT } from "./corpus.mjs";
import { median } from "./race.mjs";

/** Sizes of the module and of all that `import "fedproof"` loads. */
export function sizes() {
  const loaded = imports(at(dist, "index.js"));
  const row = (what, bytes, atMost) => ({
    what,
    raw: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length,
    atMost,
  });
  return [
    row("wasm module", readFileSync(at(dist, "wasm/fedproof_bg.wasm")), 130_000),
    row(`index.js and the ${loaded.size - 1} files it imports, wasm inside`, Buffer.concat([...loaded.values()])),
  ];
}

/** A file and what it imports, and what that imports. */
function imports(file, found = new Map()) {
  if (found.has(file)) return found;
  const text = readFileSync(file, "utf8");
  found.set(file, Buffer.from(text));
  for (const [, name] of text.matchAll(/\bfrom\s*"(\.[^"]+)"/g)) imports(path.join(path.dirname(file), name), found);
  return found;
}

/** Fresh processes, taking turns: wall time and CPU time from their start, in milliseconds. */
export function start({ events: [event], server_keys, room_version }, times = 15) {
  const response = server_keys.find(({ server_name }) => JSON.parse(event).sender.endsWith(`:${server_name}`));
  const literal = JSON.stringify;
  const report = `
    const { user, system } = process.cpuUsage();
    console.log(JSON.stringify([performance.now(), (user + system) / 1000]));`;
  const programs = {
    bare: report,
    first: `
      const { KeyRing, verifyEvent } = await import(${literal(at(dist, "index.js"))});
      const keys = new KeyRing();
      keys.addServerKeys(${literal(literal(response))}, { fetchedTs: ${FETCHED_AT} });
      const { outcome } = verifyEvent(${literal(event)}, { roomVersion: ${literal(room_version)}, keys });
      if (outcome !== "accepted") throw new Error(outcome);
      ${report}`,
  };
  const seen = { bare: [], first: [] };
  for (let round = 0; round < times; round++) {
    for (const name of Object.keys(programs)) {
      const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", programs[name]], { encoding: "utf8" });
      if (status !== 0) throw new Error(stderr);
      seen[name].push(JSON.parse(stdout));
    }
  }
  const summary = (name) => ({ wall: median(seen[name].map(([wall]) => wall)), cpu: median(seen[name].map(([, cpu]) => cpu)) });
  return { bare: summary("bare"), first: summary("first") };
}
