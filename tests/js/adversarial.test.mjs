// Hostile inputs, each with the verdict or the error it must get (tests/data/adversarial).
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { canonicalJson, contentHash, eventId, KeyRing, redact, referenceHash, verifyEvent } from "fedproof";

const folder = new URL("../data/adversarial/", import.meta.url);

/** Those about a room and its ACL have a test of their own. */
const ofRooms = new Set(["check_auth", "receive", "acl"]);

for (const file of readdirSync(folder).filter((name) => name.endsWith(".jsonl"))) {
  const all = readFileSync(new URL(file, folder), "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const rows = all.filter(({ call }) => !ofRooms.has(call));
  if (rows.length === 0) continue;
  test(`${file}: ${rows.length} inputs`, () => {
    assert.ok(rows.length > 0);
    const failures = [];
    for (const row of rows) {
      try {
        if (row.call === undefined) checkVerdict(row);
        else if (row.call === "server_keys") checkKeyResponse(row);
        else checkValue(row);
      } catch (thrown) {
        failures.push(`${row.id} ${row.what}: ${thrown.message}`);
      }
    }
    assert.equal(failures.length, 0, `\n${failures.slice(0, 20).join("\n")}\n${failures.length} of ${rows.length}`);
  });
}

function checkVerdict({ room_version: roomVersion, keys: responses, fetched_ts: fetchedTs, options = {}, expect, ...row }) {
  const keys = new KeyRing();
  for (const response of responses) keys.addServerKeys(response, { fetchedTs });
  const verdict = verifyEvent(inputOf(row, "event"), { roomVersion, keys, ...options });
  keys.dispose();
  const failed = verdict.checks.find(({ result }) => result === "fail" || result === "incomplete");
  const found = { outcome: verdict.outcome, check: failed?.check, code: failed?.code, redacted: verdict.redacted, flags: verdict.flags.toSorted(), missing: failed?.missing };
  const wanted = { outcome: expect.outcome, check: expect.check, code: expect.code, redacted: expect.redacted, flags: expect.flags.toSorted(), missing: expect.missing };
  same(found, wanted);
  if (expect.event_id !== undefined) assert.equal(verdict.event_id, expect.event_id);
}

function checkKeyResponse({ fetched_ts: fetchedTs, expect, ...row }) {
  const keys = new KeyRing();
  compare(expect, () => {
    const { keys: taken, refused, flags } = keys.addServerKeys(inputOf(row, "input"), { fetchedTs });
    const objected = new Set(refused.map(({ key_id }) => key_id));
    return {
      keys: taken.map(({ key_id }) => key_id).filter((id) => !objected.has(id)).sort(),
      refused: refused.map(({ key_id, code }) => [key_id, code]).sort(),
      flags,
    };
  }, { keys: expect.keys?.toSorted(), refused: expect.refused?.toSorted(), flags: expect.flags });
}

function checkValue({ call, numbers, room_version: version, expect, ...row }) {
  const functions = {
    canonical_json: (input) => canonicalJson(input, { numbers }),
    content_hash: contentHash,
    reference_hash: (input) => referenceHash(input, version),
    event_id: (input) => eventId(input, version),
    redact: (input) => redact(input, version),
  };
  const text = expect.text_repeat ? repeated(expect.text_repeat).toString() : expect.text;
  compare(expect, () => functions[call](inputOf(row, "input")), text);
}

function compare(expect, work, wanted) {
  let found;
  try {
    found = work();
  } catch (thrown) {
    if (thrown.name !== "FedproofError") throw thrown;
    same(thrown.code, expect.error ?? "no error");
    return;
  }
  assert.equal(expect.error, undefined, `expected the error ${expect.error}, found ${JSON.stringify(found)?.slice(0, 200)}`);
  same(found, wanted);
}

/** One line for each failure is enough: the inputs are in the files. */
function same(found, wanted) {
  const [a, b] = [found, wanted].map((value) => JSON.stringify(value)?.slice(0, 300));
  assert.ok(isDeepStrictEqual(found, wanted), `found ${a}, expected ${b}`);
}

/** Input is text, base64 where it is no text, or parts to repeat where it is long. */
function inputOf(row, name) {
  if (row[`${name}_base64`] !== undefined) return Buffer.from(row[`${name}_base64`], "base64");
  if (row[`${name}_repeat`] !== undefined) return repeated(row[`${name}_repeat`]);
  return row[name];
}

function repeated(parts) {
  return Buffer.from(parts.map(([text, times]) => text.repeat(times)).join(""));
}
