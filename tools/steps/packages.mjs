// npm packages of the very versions in package-lock.json.
import { existsSync, statSync } from "node:fs";
import { at } from "../lib/paths.mjs";
import { run } from "../lib/run.mjs";
import { begin, done } from "../lib/say.mjs";

const installed = "node_modules/.package-lock.json"; // npm writes it last

export async function packages() {
  const changed = (file) => statSync(at(file)).mtimeMs;
  if (existsSync(at(installed)) && changed(installed) >= changed("package-lock.json")) return false;
  const since = performance.now();
  begin("packages", "npm ci");
  await run("npm", ["ci", "--no-progress"], {
    trouble: "The npm packages could not be installed.",
    remedy: "npm's own words are above. If package.json and package-lock.json disagree, run: npm install",
  });
  done("packages", "npm packages installed", since);
  return true;
}
