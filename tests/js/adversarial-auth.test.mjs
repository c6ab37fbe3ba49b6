// Hostile rooms and server ACLs, each with the verdict it must get (tests/data/adversarial, rows C, D, E, G and H).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { checkAuth, KeyRing, receiveEvent, ServerAcl } from "fedproof";

const calls = { check_auth: judge, receive: judge, acl: ask };

for (const file of ["auth_events", "power_levels", "membership", "policy", "acl"]) {
  const text = readFileSync(new URL(`../data/adversarial/${file}.jsonl`, import.meta.url), "utf8");
  const rows = text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  test(`${file}.jsonl: ${rows.length} inputs`, () => {
    assert.ok(rows.length > 0);
    const failures = [];
    for (const row of rows) {
      try {
        calls[row.call](row);
      } catch (thrown) {
        failures.push(`${row.id} ${row.what}: ${thrown.message}`);
      }
    }
    assert.equal(failures.length, 0, `\n${failures.slice(0, 20).join("\n")}\n${failures.length} of ${rows.length}`);
  });
}

/** Holds a verdict against the line: the outcome, the first check that did not pass, and all flags. */
function judge({ call, event, expect, ...row }) {
  const options = {
    roomVersion: row.room_version,
    authEvents: row.auth_events,
    state: row.state,
    rejected: row.rejected,
    createEvent: row.create_event,
  };
  const keys = row.keys && new KeyRing();
  for (const response of row.keys ?? []) keys.addServerKeys(response, { fetchedTs: row.fetched_ts });
  const verdict =
    call === "receive"
      ? receiveEvent(event, { ...options, currentState: row.current_state, keys })
      : checkAuth(event, { ...options, keys });
  keys?.dispose();

  const [first, second] = verdict.checks.filter(({ result }) => result === "fail" || result === "incomplete");
  const found = { outcome: verdict.outcome, ...inShort(first), flags: verdict.flags.toSorted() };
  if (call === "receive") {
    found.redacted = verdict.redacted;
    if (verdict.redacted && second) found.then = inShort(second);
  }
  same(found, expect);
}

/** A check in the words of the corpus, which names no rule where something is missing. */
function inShort(check) {
  const { check: number, rule, code, result, missing } = check ?? {};
  const short = { check: number, rule: result === "fail" ? rule : undefined, code, missing };
  return Object.fromEntries(Object.entries(short).filter(([, value]) => value !== undefined));
}

function ask({ acl, acl_repeat: parts, server_name: name, expect }) {
  const started = performance.now();
  const rules = new ServerAcl(acl ?? parts.map(([text, times]) => text.repeat(times)).join(""));
  const { allowed, code } = rules.check(name);
  rules.dispose?.();
  same({ allowed, code }, expect);
  assert.ok(performance.now() - started < 1000, "the answer took more than a second");
}

/** One line for each failure is enough: the inputs are in the files. */
function same(found, wanted) {
  const [a, b] = [found, wanted].map((value) => JSON.stringify(value)?.slice(0, 300));
  assert.ok(isDeepStrictEqual(found, wanted), `found ${a}, expected ${b}`);
}
