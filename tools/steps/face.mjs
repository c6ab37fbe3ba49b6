// The TypeScript face: ES modules with types, and a CommonJS copy for `require` in older Node.
import { chmodSync, copyFileSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { at, dist } from "../lib/paths.mjs";
import { run } from "../lib/run.mjs";
import { step } from "../lib/step.mjs";
import { Trouble } from "../lib/say.mjs";

const cli = `${dist}/cli.js`;
const fresh = "target/face";
/** What can be imported beside the main entry, but for what is for ES modules alone. */
const entries = ["index", "hosts/node", "hosts/deno", "hosts/browser", "hosts/memory"];

export const emitFace = () =>
  step({
    name: "typescript",
    reads: [
      "pkg/src",
      `${dist}/wasm/fedproof.d.ts`,
      `${dist}/wasm/inline.d.ts`,
      "tsconfig.json",
      "tsconfig.build.json",
      "package-lock.json",
      "tools/steps/face.mjs",
    ],
    writes: [...entries.map((name) => `${name}.js`), "index.d.ts", "slim.js", "workerd.js", "cli.js"].map(
      (name) => `${dist}/${name}`,
    ),
    async make() {
      // Aside first: a mistake in the sources leaves the last good build in place.
      rmSync(at(fresh), { recursive: true, force: true });
      await run(
        process.execPath,
        ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", "--outDir", fresh],
        {
          trouble: "The TypeScript sources (pkg/src) do not compile.",
          remedy: "The places are listed above.",
        },
      );
      // A module that was renamed must not live on in the package.
      for (const name of readdirSync(at(dist))) {
        if (name !== "wasm") rmSync(at(dist, name), { recursive: true });
      }
      cpSync(at(fresh), at(dist), { recursive: true });
      chmodSync(at(cli), 0o755);
      return "pkg/src → pkg/dist, with types";
    },
  });

export const copyAsCommonJs = () =>
  step({
    name: "commonjs",
    reads: [
      `${dist}/index.js`,
      `${dist}/index.d.ts`,
      "pkg/src",
      `${dist}/wasm/fedproof.js`,
      `${dist}/wasm/inline.js`,
      "package-lock.json",
      "tools/steps/face.mjs",
    ],
    writes: [...entries.map((name) => `${name}.js`), "index.d.ts", "package.json"].map((name) => `${dist}/cjs/${name}`),
    async make() {
      const out = at(dist, "cjs");
      rmSync(out, { recursive: true, force: true });
      mkdirSync(out);
      // Imported here: it is installed by an earlier step.
      const esbuild = await import("esbuild");
      const options = {
        entryPoints: entries.map((name) => at(dist, `${name}.js`)),
        outdir: out,
        outbase: at(dist),
        bundle: true,
        packages: "external",
        format: "cjs",
        platform: "node",
        target: "node20",
        logLevel: "silent",
      };
      await esbuild.build(options).catch((error) => {
        throw new Trouble("esbuild could not make the CommonJS copy.", error.message);
      });
      // In a folder that says it is CommonJS, the same .d.ts files describe the copy.
      writeFileSync(path.join(out, "package.json"), '{ "type": "commonjs" }\n');
      for (const file of declarations(at(dist))) {
        mkdirSync(path.dirname(path.join(out, file)), { recursive: true });
        copyFileSync(at(dist, file), path.join(out, file));
      }
      return "for require() in older Node";
    },
  });

function declarations(folder) {
  return readdirSync(folder, { recursive: true }).filter(
    (file) => file.endsWith(".d.ts") && !file.startsWith("cjs") && !file.startsWith("cli"),
  );
}
