// A build step runs only when something it reads has changed since it last succeeded.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { at, stampDir } from "./paths.mjs";
import { begin, done } from "./say.mjs";

/**
 * @param {object} step
 * @param {string} step.name one word for the printed line, also the name of the stamp
 * @param {string[]} step.reads files and folders whose bytes decide whether to run; the step's own
 *   script belongs here too, so that a changed option is a change
 * @param {string[]} step.writes files that must exist afterwards
 * @param {string} [step.slow] said beforehand when the step takes more than a few seconds
 * @param {() => Promise<string> | string} step.make does the work, returns a few words for the line
 * @returns {Promise<boolean>} whether it ran
 */
export async function step({ name, reads, writes, slow, make }) {
  const since = performance.now();
  const stamp = at(stampDir, name);
  const now = fingerprint(reads);
  if (
    writes.every((file) => existsSync(at(file))) &&
    existsSync(stamp) &&
    readFileSync(stamp, "utf8") === now
  ) {
    return false;
  }
  // Gone until the work is done: what a broken-off run leaves behind is never taken for the result.
  rmSync(stamp, { force: true });
  if (slow) begin(name, slow);
  const detail = await make();
  mkdirSync(at(stampDir), { recursive: true });
  writeFileSync(stamp, now);
  done(name, detail, since);
  return true;
}

/** Bytes, not times: a fresh clone and a branch switch change every time and no byte. */
function fingerprint(reads) {
  const hash = createHash("sha256");
  for (const file of reads.flatMap(list)) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(at(file)))
      .update("\0");
  }
  return hash.digest("hex");
}

function list(entry) {
  if (!existsSync(at(entry))) return [];
  if (!statSync(at(entry)).isDirectory()) return [entry];
  return readdirSync(at(entry))
    .sort()
    .flatMap((name) => list(path.posix.join(entry, name)));
}
