// The module of benches/wasm, made the way the library's own is: same profile, same flags, same
// glue writer, same optimiser.
import { readFileSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { at, bindgenTool, target } from "../../tools/lib/paths.mjs";
import { run } from "../../tools/lib/run.mjs";
import { step } from "../../tools/lib/step.mjs";

const folder = "target/bench";
const compiled = `${folder}/${target}/release/fedproof_bench_wasm.wasm`;
const out = `${folder}/glue`;

// As in tools/steps/glue.mjs.
const features = ["simd", "bulk-memory", "sign-ext", "mutable-globals", "nontrapping-float-to-int", "multivalue", "reference-types"].map((name) => `--enable-${name}`);

export async function benchModule() {
  await step({
    name: "bench-wasm",
    reads: ["src", "Cargo.toml", ".cargo/config.toml", "rust-toolchain.toml", "benches/wasm", "benches/js/wasm.mjs", "tools/steps/glue.mjs"],
    writes: [`${out}/fedproof_bench_wasm.js`, `${out}/fedproof_bench_wasm_bg.wasm`],
    slow: "compiling the module with loops inside, about a minute the first time",
    async make() {
      const profile = libraryProfile();
      await run("cargo", ["rustc", "--locked", "--release", "--config", profile, "--manifest-path", "benches/wasm/Cargo.toml", "--target", target, "--target-dir", folder], {
        show: "terminal",
        trouble: "benches/wasm could not be compiled.",
      });
      rmSync(at(out), { recursive: true, force: true });
      await run(at(bindgenTool), [compiled, out], { trouble: "wasm-bindgen could not write the glue of benches/wasm." });
      const wasm = `${out}/fedproof_bench_wasm_bg.wasm`;
      await run(process.execPath, ["node_modules/binaryen/bin/wasm-opt", "-O3", "-Oz", ...features, wasm, "-o", wasm], { trouble: "wasm-opt refused the module of benches/wasm." });
      return out;
    },
  });
  const glue = await import(at(out, "fedproof_bench_wasm.js"));
  glue.initSync({ module: readFileSync(at(out, "fedproof_bench_wasm_bg.wasm")) });
  return glue;
}

/** The profile in the library's Cargo.toml as a file that cargo takes with `--config`. */
function libraryProfile() {
  const manifest = readFileSync(at("Cargo.toml"), "utf8");
  const profiles = manifest.slice(manifest.indexOf("[profile.release]"));
  // The library is a package among others here: what holds for the root must be said for it.
  const options = profiles.match(/^\[profile\.release\]\n((?:[^[\n].*\n)*)/)[1].split("\n");
  const own = options.filter((option) => /^(opt-level|overflow-checks|codegen-units) /.test(option));
  const file = at(folder, "profile.toml");
  mkdirSync(at(folder), { recursive: true });
  writeFileSync(file, `${profiles}\n[profile.release.package.fedproof]\n${own.join("\n")}\n`);
  return file;
}
