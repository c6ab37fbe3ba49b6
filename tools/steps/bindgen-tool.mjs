// Our small wasm-bindgen command, of the very version the library uses.
import { existsSync, readFileSync } from "node:fs";
import { at, bindgenTool } from "../lib/paths.mjs";
import { run } from "../lib/run.mjs";
import { step } from "../lib/step.mjs";
import { Trouble } from "../lib/say.mjs";

export function buildBindgenTool() {
  const version = sameVersion();
  return step({
    name: "bindgen-tool",
    reads: [
      "tools/bindgen/Cargo.toml",
      "tools/bindgen/Cargo.lock",
      "tools/bindgen/src",
      "rust-toolchain.toml",
      "tools/steps/bindgen-tool.mjs",
    ],
    writes: [bindgenTool],
    slow: "compiling 42 crates once, about a minute",
    async make() {
      await run(
        "cargo",
        [
          "build",
          "--locked",
          "--manifest-path",
          "tools/bindgen/Cargo.toml",
          "--target-dir",
          "target/bindgen",
        ],
        {
          show: "terminal",
          trouble: "The wasm-bindgen tool (tools/bindgen) could not be compiled.",
        },
      );
      return `wasm-bindgen ${version}`;
    },
  });
}

/** wasm-bindgen's two halves, the crate and the glue writer, understand each other only at equal versions. */
function sameVersion() {
  const library = locked("Cargo.lock", "wasm-bindgen");
  const tool = locked("tools/bindgen/Cargo.lock", "wasm-bindgen-cli-support");
  if (library === tool) return tool;
  throw new Trouble(
    `Cargo.lock has wasm-bindgen ${library}, tools/bindgen has ${tool}; they must be equal.`,
    `In tools/bindgen/Cargo.toml set: wasm-bindgen-cli-support = "=${library}"\nand run: cargo update --manifest-path tools/bindgen/Cargo.toml\n(or pin wasm-bindgen = "=${tool}" in Cargo.toml)`,
  );
}

function locked(file, name) {
  if (!existsSync(at(file)))
    throw new Trouble(`${file} is missing.`, `It belongs to the repository: git checkout ${file}`);
  return readFileSync(at(file), "utf8").match(new RegExp(`name = "${name}"\nversion = "(.+?)"`))?.[1];
}
