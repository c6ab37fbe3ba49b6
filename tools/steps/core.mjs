// The Rust core, compiled to wasm.
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { at, coreWasm, target } from "../lib/paths.mjs";
import { run } from "../lib/run.mjs";
import { step } from "../lib/step.mjs";

export const compileCore = () =>
  step({
    name: "core",
    reads: [
      "src",
      "Cargo.toml",
      "Cargo.lock",
      ".cargo/config.toml",
      "rust-toolchain.toml",
      "tools/steps/core.mjs",
    ],
    writes: [coreWasm],
    slow: "compiling Rust to wasm, about a minute the first time",
    async make() {
      // Not `cargo build`: with two crate types in Cargo.toml it leaves link-time optimisation out, silently.
      await run("cargo", ["rustc", "--release", "--lib", "--target", target, "--crate-type", "cdylib"], {
        env: { CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS: flags() },
        show: "terminal",
        trouble: "The Rust core could not be compiled to wasm.",
      });
      return `${Math.round(statSync(at(coreWasm)).size / 1000)} KB of wasm`;
    },
  });

/** The flags of .cargo/config.toml, and the folders of this machine renamed: they would end up in the module. */
function flags() {
  const always = readFileSync(at(".cargo/config.toml"), "utf8").matchAll(/"(-C[^"]+)"/g);
  const cargoHome = process.env.CARGO_HOME ?? join(homedir(), ".cargo");
  return [...Array.from(always, ([, flag]) => flag), `--remap-path-prefix=${cargoHome}=/cargo`, `--remap-path-prefix=${at(".")}=/fedproof`].join(" ");
}
