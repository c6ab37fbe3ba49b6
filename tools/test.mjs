#!/usr/bin/env node
// `npm test`: everything, ending in one line that counts the tests.
// `npm test lint`, `npm test rust types js`: only those parts.
import { existsSync, readdirSync } from "node:fs";
import { build } from "./build.mjs";
import { at, target } from "./lib/paths.mjs";
import { run, watch } from "./lib/run.mjs";
import { bold, done, green, main, red, report, seconds, Trouble } from "./lib/say.mjs";

const parts = { lint, rust, types, js };

// Our lints guard the library against input; a test that panics has done its work.
const testsMay = [
  "unwrap_used",
  "expect_used",
  "panic",
  "unreachable",
  "indexing_slicing",
  "string_slice",
  "arithmetic_side_effects",
];

async function lint() {
  const check = (name, detail, args, remedy) =>
    timed(name, detail, () =>
      run("cargo", args, {
        show: "terminal",
        trouble: `${name} has something to say about ${detail}.`,
        remedy,
      }),
    );
  await check("cargo fmt", "the Rust sources", ["fmt", "--check"], "Run: npm run fmt");
  await check("clippy", "the library", ["clippy", "--lib", "--", "-D", "warnings"]);
  await check("clippy", "the library as wasm", [
    "clippy",
    "--lib",
    "--target",
    target,
    "--",
    "-D",
    "warnings",
  ]);
  await check("clippy", "the Rust tests", [
    "clippy",
    "--tests",
    "--",
    "-D",
    "warnings",
    ...testsMay.map((name) => `-Aclippy::${name}`),
  ]);
}

async function rust() {
  await timed("cargo test", "compiled", () =>
    run("cargo", ["test", "--no-run"], { show: "terminal", trouble: "The Rust tests do not compile." }),
  );
  return tests("cargo test", "cargo", ["test", "--quiet", "--no-fail-fast"], (output) =>
    Array.from(
      output.matchAll(/test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored/g),
      ([, passed, failed, skipped]) => ({ passed, failed, skipped }),
    ),
  );
}

async function types() {
  await timed("tsc", "TypeScript sources and type tests", () =>
    run(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.json"], {
      trouble: "TypeScript found mistakes.",
      remedy: "The places are listed above.",
    }),
  );
}

async function js() {
  const folder = at("tests/js");
  const files = existsSync(folder)
    ? readdirSync(folder, { recursive: true })
        .filter((file) => file.endsWith(".test.mjs"))
        .sort()
    : [];
  if (files.length === 0)
    throw new Trouble(
      "There is no tests/js/*.test.mjs.",
      "A run that tests nothing is a mistake: was the folder moved?",
    );
  return tests(
    "node --test",
    process.execPath,
    ["--test", "--test-reporter=spec", ...files.map((file) => at("tests/js", file))],
    (output) =>
      Array.from(
        output.matchAll(/^\D*?(pass|fail|cancelled|skipped|todo) (\d+)\D*$/gm),
        ([, what, number]) => ({
          [{ pass: "passed", fail: "failed", cancelled: "failed" }[what] ?? "skipped"]: number,
        }),
      ),
  );
}

/** Runs tests that may fail, and counts them from the summaries they print. */
async function tests(name, command, args, summaries) {
  const since = performance.now();
  const { ok, end, output } = await watch(command, args, "always");
  const counts = sum(summaries(output));
  if (!ok && counts.failed === 0) throw new Trouble(`${name} broke off.`, end);
  if (ok) done(name, `${counts.passed} passed`, since);
  return counts;
}

function sum(all) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const each of all) for (const [what, number] of Object.entries(each)) total[what] += Number(number);
  return total;
}

async function timed(name, detail, work) {
  const since = performance.now();
  await work();
  done(name, detail, since);
}

await main(async () => {
  const since = performance.now();
  const asked = process.argv.slice(2);
  const unknown = asked.find((name) => !Object.hasOwn(parts, name));
  if (unknown !== undefined)
    throw new Trouble(
      `There is no test part "${unknown}".`,
      `The parts are: ${Object.keys(parts).join(", ")}`,
    );

  await build();
  if (!existsSync(at("../shared/data")))
    console.log(
      "· ../shared/data is not here: tests that read it (the vectors of others, large rooms) are skipped",
    );

  // One part's failure does not hide what the others would say.
  const broken = [];
  const counts = [];
  for (const name of asked.length > 0 ? asked : Object.keys(parts)) {
    try {
      counts.push((await parts[name]()) ?? {});
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      report(error);
      broken.push(name);
    }
  }
  const { passed, failed, skipped } = sum(counts);
  const words = [
    passed + failed > 0 ? `${passed} tests passed` : broken.length === 0 && "checks passed",
    failed && `${failed} failed`,
    skipped && `${skipped} skipped`,
    broken.length > 0 && `not in order: ${broken.join(", ")}`,
  ];
  const bad = failed > 0 || broken.length > 0;
  if (bad) process.exitCode = 1;
  console.log(
    `\n${bad ? red("✗") : green("✓")} ${bold(words.filter(Boolean).join(", "))} in ${seconds(since)}`,
  );
});
