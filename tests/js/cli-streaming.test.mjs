// Long inputs: streamed, held back by a slow reader, and ended by one that goes away.
import assert from "node:assert/strict";
import { createReadStream, createWriteStream, readdirSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { before, test } from "node:test";
import { folder, start } from "./cli.mjs";
import { message, server, signed } from "./world.mjs";

const MB = 1024 * 1024;
const SIZE = 150 * MB;
// Says at the end how much memory it took at its peak.
const MEASURED = "--max-old-space-size=64 --import=data:text/javascript,process.on('exit',()=>console.error('peak',process.resourceUsage().maxRSS))";

const one = server("one.example");
const place = folder({});
const file = join(place, "long.ndjson");
let events = 0;

before(async () => {
  // No keys are given, so that the time goes into reading and not into arithmetic.
  const line = `${signed(one, message(one, "x".repeat(400)))}\n`;
  const block = line.repeat(1000);
  const out = createWriteStream(file);
  for (let size = 0; size < SIZE; size += block.length) {
    if (!out.write(block)) await once(out, "drain");
    events += 1000;
  }
  out.end();
  await once(out, "close");
});

async function peakOf(child) {
  let err = "";
  for await (const part of child.stderr) err += part;
  const peak = Number(err.match(/peak (\d+)/)?.[1]) / 1024;
  assert.ok(peak > 0, err);
  return peak;
}

test("a file larger than memory allows is streamed", async () => {
  const child = start(["verify", file, "-r", "11", "--json"], { env: { NODE_OPTIONS: MEASURED } });
  const peak = peakOf(child);
  let lines = 0;
  for await (const line of createInterface(child.stdout)) {
    lines += 1;
    if (lines === 1) assert.equal(JSON.parse(line).outcome, "incomplete");
  }
  assert.equal(lines, events);
  assert.ok((await peak) < 180, `${await peak} MB`);
});

test("so is standard input", async () => {
  const child = start(["verify", "-", "-r", "11"], { env: { NODE_OPTIONS: MEASURED } });
  const peak = peakOf(child);
  createReadStream(file).pipe(child.stdin);
  let last = "";
  for await (const part of child.stdout) last = (last + part).slice(-200);
  assert.ok(last.includes(`${events.toLocaleString("en")} events: ${events.toLocaleString("en")} incomplete`), last);
  assert.ok((await peak) < 180, `${await peak} MB`);
});

test("standard input that says its version last goes through a temporary file, which does not stay", async () => {
  const child = start(["verify", "-", "--json"], { env: { NODE_OPTIONS: MEASURED } });
  const peak = peakOf(child);
  const feed = async () => {
    child.stdin.write('{"pdus":[');
    let first = true;
    for await (const line of createInterface(createReadStream(file, { end: 60 * MB }))) {
      if (!line.endsWith("}")) break;
      if (!child.stdin.write(`${first ? "" : ","}${line}`)) await once(child.stdin, "drain");
      first = false;
    }
    child.stdin.end(`],"server_keys":[],"room_version":"11"}`);
  };
  const fed = feed();
  let lines = 0;
  for await (const _ of createInterface(child.stdout)) lines += 1;
  await fed;
  assert.ok(lines > 50_000, String(lines));
  assert.ok((await peak) < 180, `${await peak} MB`);
  assert.deepEqual(readdirSync(tmpdir()).filter((name) => /^fedproof-[A-Za-z0-9]{6}$/.test(name)), []);
});

test("a slow reader holds it back instead of filling memory", async () => {
  const child = start(["verify", file, "-r", "11", "--json"], { env: { NODE_OPTIONS: MEASURED } });
  const peak = peakOf(child);
  let bytes = 0;
  for await (const part of child.stdout) {
    bytes += part.length;
    if (bytes < 4 * MB) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok(bytes > SIZE / 2);
  assert.ok((await peak) < 180, `${await peak} MB`);
});

test("a reader that goes away ends it quietly", async () => {
  const child = start(["verify", file, "-r", "11", "--json"]);
  let err = "";
  child.stderr.on("data", (part) => {
    err += part;
  });
  child.stdout.once("data", () => child.stdout.destroy());
  const [code] = await once(child, "close");
  assert.equal(err, "");
  assert.notEqual(code, 0);
});
