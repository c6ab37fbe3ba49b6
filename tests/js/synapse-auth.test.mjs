// The authorization rules beside Synapse's own: the cases and its answers come from
// tests/synapse/auth, and wherever we differ, a row of its table must say why.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkAuth } from "fedproof";
import { differences, document } from "../synapse/auth/differences.mjs";
import { Facts } from "../synapse/auth/facts.mjs";

const ENOUGH = 4000; // to see every row of the table
const count = Number(process.env.FEDPROOF_SYNAPSE_CASES ?? ENOUGH);
const seed = process.env.FEDPROOF_SYNAPSE_SEED ?? "1";
const generator = fileURLToPath(new URL("../synapse/auth/make_cases.py", import.meta.url));
const pinned = new URL("../synapse/environment.py", import.meta.url);
const table = new URL("../../docs/differences-synapse.md", import.meta.url);

test("Synapse and fedproof agree, or the table says why", async (context) => {
  const seen = new Map(differences.map(({ input }) => [input, 0]));
  const answers = new Map();
  const unexplained = new Map();
  const cases = new Cases();
  for await (const line of cases) {
    const row = JSON.parse(line);
    const verdict = judged(row);
    for (const number of [4, 5]) {
      const check = verdict.checks.find((each) => each.check === number);
      const facts = new Facts(row, number, check, verdict);
      tally(answers, `check ${number}: ${facts.synapseAllows ? "allowed" : "rejected"}`);
      if (facts.synapseAllows === facts.fedproofAllows && check.result !== "incomplete") continue;
      const rows = differences.filter(({ explains }) => explains(facts));
      if (rows.length === 1) {
        tally(seen, rows[0].input);
        continue;
      }
      const why = rows.length > 1 ? `${rows.length} rows explain it` : "no row explains it";
      const kind = `check ${number}: ${check.code ?? check.result} / ${facts.synapse.answer} ${facts.synapse.why.replace(/[$!@]\S+|\d+/g, "…")}`;
      const example = unexplained.get(kind) ?? { times: 0, text: report(row, check, facts, why) };
      example.times += 1;
      unexplained.set(kind, example);
    }
  }
  if (cases.unavailable) {
    console.log(`# skipped: no Synapse to compare with: ${cases.unavailable}`);
    context.skip(cases.unavailable);
    return;
  }
  for (const [what, times] of [...answers, ...seen]) context.diagnostic(`${times}  ${what}`);
  const examples = [...unexplained.values()].map(({ times, text }) => `${times} times, for example ${text}`);
  assert.equal(examples.length, 0, `differences without a reason:\n${examples.slice(0, 10).join("\n")}\n${examples.length} kinds`);
  if (count < ENOUGH) return;
  for (const [input, times] of seen) assert.ok(times > 0, `this difference is never seen: ${input}`);
  // The generator must not only make events that are thrown away, nor only good ones.
  for (const [what, times] of answers) assert.ok(times > count / 4, `only ${times} times ${what}`);
});

test("docs/differences-synapse.md is what the table says", () => {
  const [, release] = readFileSync(pinned, "utf8").match(/^DEFAULT_SYNAPSE = "(.+)"$/m);
  if (process.env.UPDATE) writeFileSync(table, document(release));
  assert.equal(readFileSync(table, "utf8"), document(release), "run this test with UPDATE=1");
});

/** Our verdict on a case. */
function judged({ event, room_version: roomVersion, auth_events: authEvents, state, rejected, create_event: createEvent }) {
  return checkAuth(event, { roomVersion, authEvents, state, rejected, createEvent: createEvent ?? undefined });
}

function tally(counts, what) {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

function report(row, check, facts, why) {
  return `case ${row.id}, version ${row.room_version}: ${row.story} (${why})
  fedproof: ${check.result} ${check.rule ?? ""} ${check.code ?? ""} ${check.reason ?? ""}
  Synapse:  ${facts.synapse.answer} ${facts.synapse.why}
  ${row.event.slice(0, 900)}`;
}

/** The lines of the generator; `unavailable` says why there are none. */
class Cases {
  unavailable = undefined;

  async *[Symbol.asyncIterator]() {
    const child = spawn("python3", [generator, "--count", String(count), "--seed", seed], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stderr.on("data", (text) => (said += text));
    const end = new Promise((resolve) => {
      child.on("error", (error) => resolve(error));
      child.on("close", (code) => resolve(code));
    });
    yield* createInterface({ input: child.stdout });
    const code = await end;
    if (code?.code === "ENOENT") this.unavailable = "there is no python3";
    else if (code === 69) this.unavailable = said.trim().split("\n").at(-1);
    else assert.equal(code, 0, `the generator of cases failed:\n${said.slice(-2000)}`);
  }
}
