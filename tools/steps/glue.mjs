// From the compiled core to what JavaScript loads: glue, optimised wasm, and the wasm as a text module.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { at, bindgenTool, coreWasm, dist, glueDir } from "../lib/paths.mjs";
import { run } from "../lib/run.mjs";
import { step } from "../lib/step.mjs";

const optimised = `${glueDir}/optimised.wasm`;

export const writeGlue = () =>
  step({
    name: "glue",
    reads: [coreWasm, "tools/bindgen/Cargo.lock", "tools/bindgen/src", "tools/steps/glue.mjs"],
    writes: [`${glueDir}/fedproof.js`, `${glueDir}/fedproof.d.ts`, `${glueDir}/fedproof_bg.wasm`],
    async make() {
      rmSync(at(glueDir), { recursive: true, force: true });
      await run(at(bindgenTool), [coreWasm, glueDir], {
        trouble: "wasm-bindgen could not write the JavaScript glue.",
      });
      return "JavaScript glue and its types";
    },
  });

export const optimise = () =>
  step({
    name: "wasm-opt",
    reads: [`${glueDir}/fedproof_bg.wasm`, "node_modules/binaryen/package.json", "tools/steps/glue.mjs"],
    writes: [optimised],
    slow: "binaryen, about ten seconds",
    async make() {
      const features = [
        "simd",
        "bulk-memory",
        "sign-ext",
        "mutable-globals",
        "nontrapping-float-to-int",
        "multivalue",
        "reference-types",
      ];
      await run(
        process.execPath,
        [
          "node_modules/binaryen/bin/wasm-opt",
          "-O3",
          "-Oz",
          ...features.map((name) => `--enable-${name}`),
          `${glueDir}/fedproof_bg.wasm`,
          "-o",
          optimised,
        ],
        {
          trouble: "wasm-opt refused the module.",
        },
      );
      const bytes = readFileSync(at(optimised));
      return `${Math.round(bytes.length / 1000)} KB, ${Math.round(gzipSync(bytes, { level: 9 }).length / 1000)} KB gzip`;
    },
  });

export const inlineWasm = () =>
  step({
    name: "inline",
    reads: [optimised, `${glueDir}/fedproof.js`, `${glueDir}/fedproof.d.ts`, "tools/steps/glue.mjs"],
    writes: ["fedproof.js", "fedproof.d.ts", "fedproof_bg.wasm", "inline.js", "inline.d.ts"].map(
      (name) => `${dist}/wasm/${name}`,
    ),
    make() {
      const out = (name) => at(dist, "wasm", name);
      mkdirSync(out(""), { recursive: true });
      copyFileSync(at(glueDir, "fedproof.js"), out("fedproof.js"));
      copyFileSync(at(glueDir, "fedproof.d.ts"), out("fedproof.d.ts"));
      copyFileSync(at(optimised), out("fedproof_bg.wasm"));
      // Text works in every runtime and bundler without a permission, a loader or a second request.
      writeFileSync(
        out("inline.js"),
        `export const wasmBase64 = "${readFileSync(at(optimised), "base64")}";\n`,
      );
      writeFileSync(
        out("inline.d.ts"),
        "/** The wasm module in base64. */\nexport declare const wasmBase64: string;\n",
      );
      return `${dist}/wasm`;
    },
  });
