#!/usr/bin/env node
// `npm run build`: from the sources to pkg/dist. Each step runs only when what it reads has changed.
import { fileURLToPath } from "node:url";
import { setup } from "./setup.mjs";
import { buildBindgenTool } from "./steps/bindgen-tool.mjs";
import { compileCore } from "./steps/core.mjs";
import { writeGlue, optimise, inlineWasm } from "./steps/glue.mjs";
import { emitFace, copyAsCommonJs } from "./steps/face.mjs";
import { writeDocs } from "./steps/docs.mjs";
import { done, main } from "./lib/say.mjs";

export async function build() {
  const since = performance.now();
  let ran = await setup();
  for (const step of [
    buildBindgenTool,
    compileCore,
    writeGlue,
    optimise,
    inlineWasm,
    emitFace,
    copyAsCommonJs,
    writeDocs,
  ]) {
    ran = (await step()) || ran;
  }
  done("build", ran ? "ready in pkg/dist" : "nothing changed", since);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(build);
