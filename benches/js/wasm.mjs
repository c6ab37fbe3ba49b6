// The modules of benches/wasm and benches/wasm-ruma, made the way the library's own is: same profile,
// same flags, same glue writer, same optimiser.
import { readFileSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { at, bindgenTool, target } from "../../tools/lib/paths.mjs";
import { run } from "../../tools/lib/run.mjs";
import { step } from "../../tools/lib/step.mjs";

const folder = "target/bench";

// As in tools/steps/glue.mjs.
const features = ["simd", "bulk-memory", "sign-ext", "mutable-globals", "nontrapping-float-to-int", "multivalue", "reference-types"].map((name) => `--enable-${name}`);

/** fedproof with loops inside. */
export const benchModule = () => module({ name: "wasm", reads: ["src", "Cargo.toml", "benches/shared"], slow: "compiling the module with loops inside, about a minute the first time" });

/** ruma's authorization rules. */
export const rumaModule = () => module({ name: "wasm-ruma", reads: ["benches/shared", "Cargo.toml"], slow: "compiling ruma to wasm, some minutes the first time" });

async function module({ name, reads, slow }) {
  const file = `fedproof_bench_${name.replace("-", "_")}`;
  const compiled = `${folder}/${target}/release/${file}.wasm`;
  const out = `${folder}/glue-${name}`;
  await step({
    name: `bench-${name}`,
    reads: [...reads, ".cargo/config.toml", "rust-toolchain.toml", `benches/${name}`, "benches/js/wasm.mjs", "tools/steps/glue.mjs"],
    writes: [`${out}/${file}.js`, `${out}/${file}_bg.wasm`],
    slow,
    async make() {
      const profile = libraryProfile();
      await run("cargo", ["rustc", "--locked", "--release", "--config", profile, "--manifest-path", `benches/${name}/Cargo.toml`, "--target", target, "--target-dir", folder], {
        show: "terminal",
        trouble: `benches/${name} could not be compiled.`,
      });
      rmSync(at(out), { recursive: true, force: true });
      await run(at(bindgenTool), [compiled, out], { trouble: `wasm-bindgen could not write the glue of benches/${name}.` });
      const wasm = `${out}/${file}_bg.wasm`;
      await run(process.execPath, ["node_modules/binaryen/bin/wasm-opt", "-O3", "-Oz", ...features, wasm, "-o", wasm], { trouble: `wasm-opt refused the module of benches/${name}.` });
      return out;
    },
  });
  const glue = await import(at(out, `${file}.js`));
  glue.initSync({ module: readFileSync(at(out, `${file}_bg.wasm`)) });
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
