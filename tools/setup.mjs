#!/usr/bin/env node
// `npm run setup`: everything this machine needs, once. Works with nothing but Node itself.
import { fileURLToPath } from "node:url";
import { packages } from "./steps/packages.mjs";
import { rust } from "./steps/rust.mjs";
import { done, main, Trouble } from "./lib/say.mjs";

export async function setup() {
  if (Number(process.versions.node.split(".")[0]) < 20) {
    throw new Trouble(
      `This is Node ${process.versions.node}; fedproof needs Node 20 or newer.`,
      "https://nodejs.org has it, or your system's package manager.",
    );
  }
  const ran = [await rust(), await packages()];
  return ran.some(Boolean);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const since = performance.now();
  await main(async () => {
    if (!(await setup())) done("setup", "everything is there", since);
  });
}
