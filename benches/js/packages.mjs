// The npm packages we measure against, installed beside the benchmarks on first use.
import { existsSync, statSync } from "node:fs";
import { at } from "../../tools/lib/paths.mjs";
import { run } from "../../tools/lib/run.mjs";
import { begin, done } from "../../tools/lib/say.mjs";

export async function packages() {
  const installed = at("benches/js/node_modules/.package-lock.json");
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(at("benches/js/package-lock.json")).mtimeMs) return;
  const since = performance.now();
  begin("opponents", "npm ci in benches/js");
  await run("npm", ["ci", "--no-progress", "--prefix", "benches/js"], { trouble: "The npm packages to measure against could not be installed." });
  done("opponents", "@noble/ed25519, @rocket.chat/federation-sdk", since);
}
