// Runs the command line as a person does.
import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const CLI = fileURLToPath(new URL("../../pkg/dist/cli.js", import.meta.url));

/** Starts `fedproof` with a clean environment. */
export function start(args, { env = {}, cwd } = {}) {
  const { NO_COLOR, FORCE_COLOR, COLUMNS, NODE_OPTIONS, ...rest } = process.env;
  return spawn(process.execPath, [CLI, ...args], { env: { ...rest, ...env }, cwd });
}

/** Runs `fedproof` to its end. */
export async function fedproof(args, { input, ...options } = {}) {
  const child = start(args, options);
  const [out, err] = [child.stdout, child.stderr].map(collect);
  child.stdin.on("error", () => {}); // a command that does not read its input
  child.stdin.end(input);
  const code = await new Promise((resolve) => child.on("close", resolve));
  return { code, out: await out, err: await err };
}

async function collect(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
}

/** A new folder with these files. */
export function folder(files) {
  const path = mkdtempSync(join(tmpdir(), "fedproof-test-"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}
