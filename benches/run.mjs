#!/usr/bin/env node
// `npm run bench`: fedproof beside what one can take instead, on the same events in the same run.
//   node benches/run.mjs [--only native|js|auth|state|join] [--json FILE]
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { at } from "../tools/lib/paths.mjs";
import { run } from "../tools/lib/run.mjs";
import { begin, done, main } from "../tools/lib/say.mjs";
import { table } from "./js/table.mjs";

await main(async () => {
  const { only, json } = parseArgs({ options: { only: { type: "string" }, json: { type: "string" } } }).values;
  // The part `auth` is in `native` and in `js`, and can be had alone.
  const wanted = (part) => only === undefined || only === part;
  const minutes = ["js", "native", "state", "state", "join", "join"].filter(wanted).length || 1;
  console.log(`Takes about ${minutes} minute${minutes > 1 ? "s" : ""}, and a few more the first time, to fetch and compile what we measure against.`);

  const corpusFile = at("target/bench/corpus.json");
  const corpus = await timed("corpus", async () => {
    const { makeCorpus } = await import("./js/corpus.mjs");
    const corpus = makeCorpus();
    mkdirSync(at("target/bench"), { recursive: true });
    writeFileSync(corpusFile, JSON.stringify(corpus));
    return [corpus, `${corpus.events.length} events, ${mean(corpus.events)} bytes on average, signed`];
  });

  const rows = [];
  let sizes, start;
  if (wanted("js")) {
    const { packages } = await import("./js/packages.mjs");
    await packages();
    const { benchModule } = await import("./js/wasm.mjs");
    const module = await benchModule();
    const { inside, signed, unsigned } = await import("./js/pipeline.mjs");
    const { sizes: measureSizes, start: measureStart } = await import("./js/start.mjs");
    rows.push(...(await timed("signatures", async () => [await signed(corpus, console.log), "checks 1-3 through the boundary"])));
    rows.push(...(await timed("the rest", async () => [await unsigned(corpus, module), "the same without the signature"])));
    rows.push(...(await timed("inside", async () => [await inside(corpus, module), "canonical JSON, cost of the boundary"])));
    start = await timed("start", async () => [measureStart(corpus), "fresh processes"]);
    sizes = measureSizes();
  }
  if (wanted("js") || wanted("auth")) {
    const { benchModule, rumaModule } = await import("./js/wasm.mjs");
    const ours = await benchModule();
    const theirs = await rumaModule();
    const { acl, authorization } = await import("./js/auth.mjs");
    rows.push(...(await timed("auth", async () => [await authorization(ours, theirs), "against ruma, both in wasm"])));
    rows.push(...(await timed("acl", async () => [await acl(), "10,000 entries"])));
  }
  if (wanted("join")) {
    const { benchModule } = await import("./js/wasm.mjs");
    const { joins } = await import("./js/join.mjs");
    rows.push(...(await timed("join", async () => [await joins(await benchModule()), "beside bare signatures"])));
  }
  if (only !== "js" && only !== "join") {
    begin("native", "compiling ruma and fedproof, some minutes the first time");
    await run("cargo", ["build", "--locked", "--release", "--manifest-path", "benches/native/Cargo.toml", "--target-dir", "target/bench"], {
      show: "terminal",
      trouble: "benches/native could not be compiled.",
    });
  }
  const native = async (what) => {
    const output = await timed("native", async () => [await run(at("target/bench/release/fedproof-bench"), [what], { trouble: "The native benchmark failed." }), "against ruma"]);
    rows.push(...JSON.parse(output));
  };
  if (wanted("native") || wanted("auth")) await native(only === "auth" ? only : corpusFile);
  if (wanted("state")) {
    const { packages } = await import("./js/packages.mjs");
    await packages();
    const { benchModule } = await import("./js/wasm.mjs");
    const module = await benchModule();
    const { bigRooms, replays } = await import("./js/state.mjs");
    const { authChain } = await import("./js/chain.mjs");
    rows.push(...(await timed("resolution", async () => [await bigRooms(module), "ours in wasm, ruma native"])));
    await native("state");
    rows.push(...(await timed("rooms", async () => [replays(), "100,000 and 200,000 events, in processes of their own"])));
    rows.push(...(await timed("auth chain", async () => [await authChain(), "against @rocket.chat/federation-sdk"])));
  }
  console.log(table({ rows, sizes, start }));
  if (json) writeFileSync(json, `${JSON.stringify({ node: process.version, rows, sizes, start }, null, 2)}\n`);
});

async function timed(name, work) {
  const since = performance.now();
  const [result, detail] = await work();
  done(name, detail, since);
  return result;
}

function mean(texts) {
  return Math.round(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / texts.length);
}
