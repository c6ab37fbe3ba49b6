// State resolution beside Synapse's own: the rooms and its answers come from tests/synapse/state, and
// wherever we differ, a row of its table must say why.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { resolveState } from "fedproof";
import { differences, document, isSame, onlyIn } from "../synapse/state/differences.mjs";
import { Lines } from "../synapse/state/generator.mjs";

const ENOUGH = 3000; // to see every row of the table
const count = Number(process.env.FEDPROOF_SYNAPSE_ROOMS ?? ENOUGH);
const seed = process.env.FEDPROOF_SYNAPSE_SEED ?? "1";
const generator = fileURLToPath(new URL("../synapse/state/make_cases.py", import.meta.url));
const pinned = new URL("../synapse/environment.py", import.meta.url);
const table = new URL("../../docs/differences-synapse-state.md", import.meta.url);

test("Synapse and fedproof resolve states alike, or the table says why", async (context) => {
  const seen = new Map(differences.map(({ input }) => [input, 0]));
  const rooms = new Map();
  const unexplained = [];
  let total = 0;
  const lines = new Lines(generator, "--count", count, "--seed", seed);
  for await (const line of lines) {
    const room = JSON.parse(line);
    total += 1;
    tally(rooms, `version ${room.room_version}`);
    for (const [what, number] of Object.entries(room.shape)) if (number > 0) tally(rooms, what);
    const state = resolved(room);
    if (isSame(state, room.expected)) continue;
    const rows = differences.filter(({ explains }) => explains(room, room.expected));
    if (rows.length === 1) tally(seen, rows[0].input);
    else unexplained.push(report(room, state, rows));
  }
  if (lines.unavailable) {
    console.log(`# skipped: no Synapse to compare with: ${lines.unavailable}`);
    context.skip(lines.unavailable);
    return;
  }
  context.diagnostic(`${total} rooms`);
  for (const [what, times] of rooms) context.diagnostic(`${times} rooms: ${what}`);
  for (const [what, times] of seen) context.diagnostic(`${times} differences: ${what}`);
  assert.equal(unexplained.length, 0, `differences without a reason:\n${unexplained.slice(0, 5).join("\n")}\n${unexplained.length} rooms`);
  assert.ok(total >= count, `only ${total} rooms`);
  if (count < ENOUGH) return;
  for (const [input, times] of seen) assert.ok(times > 0, `this difference is never seen: ${input}`);
  // The rooms must not be easy ones.
  for (const [what, share] of HARD) {
    assert.ok((rooms.get(what) ?? 0) > count * share, `only ${rooms.get(what) ?? 0} rooms: ${what}`);
  }
});

test("docs/differences-synapse-state.md is what the table says", () => {
  const [, release] = readFileSync(pinned, "utf8").match(/^DEFAULT_SYNAPSE = "(.+)"$/m);
  if (process.env.UPDATE) writeFileSync(table, document(release, ENOUGH));
  assert.equal(readFileSync(table, "utf8"), document(release, ENOUGH), "run this test with UPDATE=1");
});

/** What of all rooms must be how many. */
const HARD = [
  ["conflicted places", 0.9],
  ["power events in conflict", 0.8],
  ["power levels in conflict", 0.6],
  ["beyond the conflicted", 0.4],
  ["beyond the auth difference", 0.02], // of the twelfth that version 12 is
  ["none of the states", 0.6],
];

/** Our state. */
function resolved({ room_version: roomVersion, state_sets: stateSets, events, rejected }) {
  return resolveState({ roomVersion, stateSets, events, rejected }).state;
}

function tally(counts, what) {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

function report(room, state, rows) {
  const lines = (entries) => entries.map((entry) => JSON.stringify(entry)).join(" ");
  return `room ${room.id}, version ${room.room_version}: ${room.story} (${rows.length || "no"} rows explain it)
  only fedproof: ${lines(onlyIn(state, room.expected))}
  only Synapse:  ${lines(onlyIn(room.expected, state))}`;
}
