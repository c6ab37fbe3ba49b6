// The published types, as strict programs see them: without those of Node and of browsers, nothing skipped.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const tsc = path.join(path.dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");

for (const [what, ...options] of [
  ["ES2022 alone", "--lib", "es2022", "--types", ""],
  ["with a browser's types", "--lib", "es2022,dom", "--types", ""],
  ["of a bundler", "--lib", "es2022", "--types", "", "--moduleResolution", "bundler", "--module", "esnext"],
]) {
  test(what, () => {
    const { status, stdout } = spawnSync(
      process.execPath,
      [tsc, "--ignoreConfig", "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--module", "nodenext", ...options, "types/consumer.ts"],
      { cwd: here, encoding: "utf8" },
    );
    assert.equal(status, 0, stdout);
  });
}
