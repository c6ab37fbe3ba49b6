// The Rust toolchain named in rust-toolchain.toml, with the wasm target and the checkers.
import { existsSync, readFileSync } from "node:fs";
import { at, target } from "../lib/paths.mjs";
import { ask, run } from "../lib/run.mjs";
import { begin, done, Trouble } from "../lib/say.mjs";

export async function rust() {
  if (ready()) return false;
  const since = performance.now();
  const version = readFileSync(at("rust-toolchain.toml"), "utf8").match(/channel\s*=\s*"(.+?)"/)?.[1];
  if (ask("rustup", ["--version"]) === null) {
    throw new Trouble(
      ask("cargo", ["--version"]) === null
        ? "Rust is not installed."
        : `This Rust cannot compile to ${target}.`,
      `Install rustup, which brings cargo and can add the wasm target: https://rustup.rs\nThen open a new terminal and run this again; Rust ${version} comes by itself.`,
    );
  }
  begin("rust", `rustup installs Rust ${version} for ${target}`);
  await run(
    "rustup",
    [
      "toolchain",
      "install",
      version,
      "--profile",
      "minimal",
      "--component",
      "rustfmt",
      "--component",
      "clippy",
      "--target",
      target,
      "--no-self-update",
    ],
    {
      show: "terminal",
      trouble: `rustup could not install Rust ${version} with the target ${target}.`,
    },
  );
  if (!ready())
    throw new Trouble(
      `Rust ${version} is installed, but cargo does not use it.`,
      "Is another cargo first on the PATH, or RUSTUP_TOOLCHAIN set?",
    );
  done("rust", `Rust ${version} with ${target}`, since);
  return true;
}

// rustup must not install a toolchain behind our back, silently: we do it, and show it.
const silent = { RUSTUP_AUTO_INSTALL: "0" };

function ready() {
  const library = ask("rustc", ["--print", "target-libdir", "--target", target], silent);
  return (
    library !== null &&
    existsSync(library) &&
    ask("cargo-clippy", ["--version"], silent) !== null &&
    ask("rustfmt", ["--version"], silent) !== null
  );
}
