// The command line: what it prints, what it answers, what it says when it cannot.
import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { canonicalJson, contentHash, eventId, redact, referenceHash, SigningKey, verifyEvent, verifyEvents } from "fedproof";
import { fedproof, folder } from "./cli.mjs";
import { message, ringOf, server, signed } from "./world.mjs";

const one = server("one.example");
const good = signed(one, message(one, "good"));
const altered = good.replace('"good"', '"bad"');
const broken = good.replace('"depth":7', '"depth":"7"');
const roomOf = (pdus, keys = [one.keyResponse()]) => `{"room_id":"!room:one.example","room_version":"11","server_keys":[${keys}],"pdus":[${pdus}]}`;
const cwd = folder({
  "room.json": roomOf([good, good]),
  "mixed.json": roomOf([good, altered, broken]),
  "late.json": `{"pdus":[${good},${altered}],"server_keys":[${one.keyResponse()}],"room_version":"11"}`,
  "keyless.json": roomOf([good], []),
  "events.ndjson": `${good}\n${broken}\n\n${altered}\n`,
  "lines.txt": `${good}\n${altered}\n`,
  "event.json": JSON.stringify(JSON.parse(good), null, 2),
  "keys.json": one.keyResponse(),
  "notary.json": `{"server_keys":[${one.keyResponse()}]}`,
  "client.json": '{"type":"m.room.message","sender":"@a:b","room_id":"!r:b","content":{},"origin_server_ts":1,"event_id":"$x","unsigned":{}}',
  "empty.json": "",
  "nonsense.txt": "hello\n",
  "signing.key": one.key.toSynapseKeyFile(),
});
const run = (args, options) => fedproof(args, { cwd, ...options });
const lines = (text) => text.trimEnd().split("\n").map((line) => JSON.parse(line));
const outcomes = (text) => lines(text).map(({ outcome }) => outcome);
const ESCAPE = "\u001b";

test("verify: exit codes, and a verdict a line with --json", async () => {
  const whole = await run(["verify", "room.json", "--json"]);
  assert.deepEqual([whole.code, whole.err], [0, ""]);
  assert.deepEqual(lines(whole.out), verifyEvents(readFileSync(join(cwd, "room.json"))));

  const mixed = await run(["verify", "mixed.json", "--json"]);
  assert.equal(mixed.code, 1);
  assert.deepEqual(outcomes(mixed.out), ["accepted", "accepted", "dropped"]);
  assert.deepEqual(lines(mixed.out).map(({ redacted }) => redacted), [false, true, false]);

  const keyless = await run(["verify", "keyless.json", "--json"]);
  assert.deepEqual([keyless.code, outcomes(keyless.out)], [1, ["incomplete"]]);
});

test("verify: keys and version after the events, from a file and from standard input", async () => {
  for (const [args, input] of [[["late.json"]], [["-"], readFileSync(join(cwd, "late.json"))]]) {
    const { code, out } = await run(["verify", ...args, "--json"], { input });
    assert.deepEqual([code, outcomes(out)], [0, ["accepted", "accepted"]]);
  }
});

test("verify: lines of events, with keys in each of their forms", async () => {
  for (const keys of ["keys.json", "notary.json", "room.json"]) {
    const { code, out } = await run(["verify", "events.ndjson", "-r", "11", "--keys", keys, "--json"]);
    assert.deepEqual([code, outcomes(out)], [1, ["accepted", "dropped", "accepted"]]);
  }
  const other = await run(["verify", "-", "-r", "11", "-k", "keys.json", "--json"], { input: `${good}\n${altered}\n` });
  assert.deepEqual([other.code, outcomes(other.out)], [0, ["accepted", "accepted"]]);
  const one = await run(["verify", "event.json", "-r", "11", "-k", "keys.json", "--evidence", "--json"]);
  assert.equal(typeof lines(one.out)[0].checks[0].evidence, "object");
});

test("verify: for people, a table, the reasons and the counts", async () => {
  const { code, out } = await run(["verify", "mixed.json"]);
  assert.equal(code, 1);
  assert.ok(!out.includes(ESCAPE), "colours in a pipe");
  const id = eventId(good, "11");
  for (const part of ["room version 11", "VERDICT", "✓ ✓ ✓  accepted", "✓ ✓ ✗  accepted, redacted", "✗ – –  dropped", "content_hash_mismatch", "field_wrong_type", "https://spec.matrix.org/", id, "3 events: 1 accepted"]) {
    assert.ok(out.includes(part), `${part} is not in:\n${out}`);
  }
});

test("verify: what to do about missing keys and about events as clients see them", async () => {
  assert.match((await run(["verify", "keyless.json"])).out, /Keys are missing of one\.example/);
  assert.match((await run(["verify", "client.json", "-r", "11"])).out, /as clients see them/);
});

test("verify: strangers' text cannot command the terminal", async () => {
  const evil = good.replace("m.room.message", "m.\\u001b[31mred\\u009b2J\\u202e").replace("alice", "\\u001b]0;title\\u0007");
  writeFileSync(join(cwd, "evil.ndjson"), `${evil}\n{"type":"\u009b31m"}\n{"\u001b[2J\n`);
  for (const more of [[], ["--json"]]) {
    const { out, err } = await run(["verify", "evil.ndjson", "-r", "11", ...more]);
    assert.doesNotMatch(out + err, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  }
  const { out } = await run(["verify", "evil.ndjson", "-r", "11", "--json"]);
  assert.deepEqual(lines(out)[0].type, "m.\u001b[31mred\u009b2J\u202e");
});

test("colours: only on a terminal, unless forced; NO_COLOR has the last word", async () => {
  assert.ok((await run(["verify", "room.json"], { env: { FORCE_COLOR: "1" } })).out.includes(`${ESCAPE}[32m`));
  assert.ok(!(await run(["verify", "room.json"], { env: { FORCE_COLOR: "1", NO_COLOR: "1" } })).out.includes(ESCAPE));
  assert.ok(!(await run(["--help"], { env: { NO_COLOR: "1" } })).out.includes(ESCAPE));
});

test("narrow and wide terminals", async () => {
  for (const columns of [20, 30, 40, 60, 80, 100, 132, 200]) {
    const { out } = await run(["verify", "mixed.json"], { env: { COLUMNS: String(columns) } });
    const table = out.split("\n").slice(0, out.split("\n").indexOf("", 4));
    for (const line of table) assert.ok(line.length <= Math.max(columns, 41), `${columns}: ${line}`);
    assert.match(out, /accepted, redacted/);
  }
});

test("long inputs list what is not plainly accepted, and everything with --all", async () => {
  const many = Array.from({ length: 700 }, (_, n) => (n === 650 ? broken : good));
  writeFileSync(join(cwd, "many.ndjson"), `${many.join("\n")}\n`);
  const args = ["verify", "many.ndjson", "-r", "11", "-k", "keys.json"];
  const rows = (out) => out.match(/✓ ✓ ✓/g).length;
  const short = await run(args);
  assert.equal(rows(short.out), 500);
  assert.match(short.out, /--all lists all/);
  assert.match(short.out, /^651 .*✗ – –/m);
  assert.match(short.out, /700 events: 699 accepted · 1 dropped/);
  assert.equal(rows((await run([...args, "--all"])).out), 699);
});

test("canonical", async () => {
  const input = '{"b": 1,\n "a": "é"}';
  assert.deepEqual(await run(["canonical"], { input }), { code: 0, out: '{"a":"é","b":1}\n', err: "" });
  assert.equal((await run(["canonical", "-", "-n"], { input })).out, '{"a":"é","b":1}');
  assert.deepEqual(lines((await run(["canonical", "--json"], { input })).out), [{ canonical: '{"a":"é","b":1}', bytes: 16 }]);
  assert.equal((await run(["canonical", "--lenient"], { input: '{"a":1e2}' })).out, '{"a":100}\n');
  assert.equal((await run(["canonical", "--historical"], { input: '{"a":1e-7}' })).out, '{"a":1e-07}\n');
  const strict = await run(["canonical"], { input: '{"a":1.0}' });
  assert.deepEqual([strict.code, strict.out], [2, ""]);
  assert.match(strict.err, /number_not_integer/);
  assert.equal((await run(["canonical", "--lenient", "--historical"], { input })).code, 2);
});

test("canonical of bytes that are no text", async () => {
  const { code, err } = await run(["canonical"], { input: Buffer.from([0x22, 0xff, 0x22]) });
  assert.equal(code, 2);
  assert.match(err, /json_invalid_utf8/);
});

test("hash, event-id, redact: as the library says", async () => {
  assert.equal((await run(["hash", "event.json"])).out, `${contentHash(good)}\n`);
  const all = await run(["hash", "event.json", "-r", "11", "--json"]);
  assert.deepEqual(lines(all.out), [{ content_hash: contentHash(good), reference_hash: referenceHash(good, "11"), event_id: eventId(good, "11") }]);
  for (const part of [contentHash(good), referenceHash(good, "11"), eventId(good, "11")]) {
    assert.ok((await run(["hash", "event.json", "--room-version", "11"])).out.includes(part));
  }
  assert.equal((await run(["event-id", "event.json", "-r", "11"])).out, `${eventId(good, "11")}\n`);
  assert.equal((await run(["redact", "-", "-r", "11"], { input: good })).out, `${redact(good, "11")}\n`);
});

test("many events, a line for each; a bad line is told and does not stop the others", async () => {
  const both = await run(["event-id", "lines.txt", "-r", "11"]);
  assert.deepEqual([both.code, both.out], [0, `${eventId(good, "11")}\n${eventId(altered, "11")}\n`]);
  const input = `${good}\n{"a":\n${altered}\n`;
  const bad = await run(["event-id", "-", "-r", "11"], { input });
  assert.deepEqual([bad.code, bad.out], [2, both.out]);
  assert.match(bad.err, /line 2: .*json_syntax/);
  const json = await run(["event-id", "-", "-r", "11", "--json"], { input });
  assert.deepEqual(lines(json.out).map(({ event_id, error }) => event_id ?? error.code), [eventId(good, "11"), "json_syntax", eventId(altered, "11")]);
});

test("keygen and sign: a round trip", async () => {
  const place = folder({});
  const made = await fedproof(["keygen", "-o", "new.key", "--id", "a_2026"], { cwd: place });
  assert.deepEqual([made.code, made.out], [0, ""]);
  const file = join(place, "new.key");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const text = readFileSync(file, "utf8");
  assert.match(text, /^ed25519 a_2026 [A-Za-z0-9+/]{43}\n$/);
  const key = SigningKey.fromSynapseKeyFile(text);
  assert.match(made.err, new RegExp(`public key +${key.publicKey.replaceAll("+", "\\+")}`));
  assert.ok(!made.err.includes(text.split(" ")[2].trim()));

  const again = await fedproof(["keygen", "-o", "new.key"], { cwd: place });
  assert.equal(again.code, 2);
  assert.match(again.err, /exists/);
  assert.equal(readFileSync(file, "utf8"), text);

  const unsignedEvent = JSON.stringify(message(one));
  const event = await fedproof(["sign", "-", "--key", "new.key", "--server-name", "one.example", "--room-version", "11"], { cwd: place, input: unsignedEvent });
  const keys = ringOf();
  keys.addKey({ serverName: "one.example", keyId: key.keyId, publicKey: key.publicKey });
  assert.equal(verifyEvent(event.out.trim(), { roomVersion: "11", keys }).outcome, "accepted");
  const object = await fedproof(["sign", "-", "-k", "new.key", "-s", "one.example", "--json"], { cwd: place, input: '{"a":1}' });
  const [{ signed: signedText, key_id }] = lines(object.out);
  assert.equal(key_id, "ed25519:a_2026");
  assert.equal(canonicalJson(signedText), signedText);
  const wrong = await fedproof(["sign", "-", "-k", "new.key", "-s", "no name"], { cwd: place, input: "{}" });
  assert.equal(wrong.code, 2);
});

test("keygen to standard output, and as JSON", async () => {
  const plain = await run(["keygen"]);
  assert.match(plain.out, /^ed25519 a_[A-Za-z]{4} [A-Za-z0-9+/]{43}\n$/);
  const [json] = lines((await run(["keygen", "--json", "--id", "x1"])).out);
  assert.equal(json.key_id, "ed25519:x1");
  assert.equal(SigningKey.fromSynapseKeyFile(json.key_file).publicKey, json.public_key);
  assert.equal((await run(["keygen", "--id", "a b"])).code, 2);
});

test("codes", async () => {
  const all = await run(["codes", "--json"]);
  assert.ok(lines(all.out).length > 40);
  const explained = await run(["codes", "signature_invalid"]);
  assert.match(explained.out, /check 2.*the event is dropped/);
  assert.match((await run(["codes", "acl_denied"])).out, /a server ACL, the server is denied/);
  assert.match((await run(["codes", "invite_type"])).out, /an invite, it is refused/);
  assert.match((await run(["codes", "request_key_stale"])).out, /a request, it is incomplete/);
  const near = await run(["codes", "signature_invald"]);
  assert.equal(near.code, 2);
  assert.match(near.err, /Did you mean .*signature_/);
  const table = (await run(["codes"])).out;
  for (const { code } of lines(all.out)) assert.ok(table.includes(`${code} `), code);
});

test("help that teaches, of everything", async () => {
  const { code, out } = await run(["--help"]);
  assert.equal(code, 0);
  const commands = ["verify", "auth", "acl", "canonical", "hash", "event-id", "redact", "sign", "keygen", "codes", "demo"];
  for (const command of commands) {
    assert.match(out, new RegExp(`^ +${command} `, "m"));
    const help = await run([command, "--help"]);
    assert.equal(help.code, 0);
    assert.match(help.out, /Usage: fedproof /);
    assert.equal((await run(["help", command])).out, help.out);
  }
  assert.match(out, /Exit codes: 0 .* 1 .* 2 /);
  assert.match((await run(["--version"])).out, /^\d+\.\d+\.\d+\n$/);
});

test("bad usage and unreadable input: exit code 2 and a sentence that helps", async () => {
  for (const [args, said] of [
    [[], /Usage/],
    [["verfy", "room.json"], /Did you mean verify/],
    [["room.json"], /did you mean: fedproof verify room\.json/],
    [["verify"], /missing required argument/],
    [["verify", "room.json", "--jsn"], /Did you mean --json/],
    [["verify", "room.json", "more.json"], /too many arguments/],
    [["verify", "nothing.json"], /nothing\.json cannot be read: there is no such file/],
    [["verify", "."], /folder/],
    [["verify", "empty.json", "-r", "11"], /no event.*input_empty/],
    [["verify", "nonsense.txt", "-r", "11"], /input_unreadable/],
    [["verify", "event.json"], /--room-version 11/],
    [["verify", "event.json", "-r", "13"], /1, 2, 3/],
    [["verify", "event.json", "-r", "11", "-k", "nothing.json"], /nothing\.json cannot be read/],
    [["verify", "event.json", "-r", "11", "-k", "nonsense.txt"], /json_syntax/],
    [["verify", "-", "-k", "-"], /standard input/],
    [["verify", "room.json", "--fetched", "yesterday"], /milliseconds/],
    [["event-id", "event.json"], /--room-version/],
    [["event-id", "event.json", "-r", "99"], /unknown_room_version/],
    [["sign", "event.json", "-k", "keys.json", "-s", "x"], /key_file_invalid/],
    [["hash", "empty.json"], /empty/],
  ]) {
    const { code, out, err } = await run(args);
    assert.equal(code, 2, `${args.join(" ")}: ${out}${err}`);
    assert.equal(out, "", args.join(" "));
    assert.match(err, said);
    assert.doesNotMatch(err, /\n +at /, "a stack trace");
  }
});

test("with --json, errors are JSON too, on standard error", async () => {
  const { code, out, err } = await run(["verify", "nothing.json", "--json"]);
  assert.deepEqual([code, out], [2, ""]);
  assert.equal(JSON.parse(err).error.code, "input_unreadable");
});

test("keys that cannot be used are told, and the others are used", async () => {
  writeFileSync(join(cwd, "two-keys.json"), `[{"server_name":"x"},${one.keyResponse()}]`);
  const { code, err, out } = await run(["verify", "event.json", "-r", "11", "-k", "two-keys.json", "--json"]);
  assert.deepEqual([code, outcomes(out)], [0, ["accepted"]]);
  assert.match(err, /warning: two-keys\.json: .*key_response_invalid/);
});

test("demo: a real room, and events broken on purpose with their reasons", async () => {
  const { code, out, err } = await run(["demo"]);
  assert.deepEqual([code, err], [0, ""]);
  for (const part of ["27 events: 27 accepted", "signature_invalid", "signature_missing", "signature_key_unknown", "signature_key_missing", "content_hash_mismatch", "field_wrong_type", "number_not_integer", "json_syntax", "duplicate_keys", "12 events: "]) {
    assert.ok(out.includes(part), part);
  }
});
