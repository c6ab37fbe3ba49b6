// `fedproof room` and `fedproof resolve-state`: what they print, what they answer, what they say when they cannot.
import assert from "node:assert/strict";
import { createWriteStream, readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { eventId, KeyRing, resolveState, Room, signEvent, verifyEvents } from "fedproof";
import { EventSplitter } from "../../pkg/dist/cli/event-splitter.js";
import { call } from "../../pkg/dist/wasm.js";
import { fedproof, folder, start } from "./cli.mjs";
import { TestRoom } from "./room.mjs";
import { NOW, ringOf, server } from "./world.mjs";

const servers = ["one.example", "two.example"].map((name) => server(name));
const [alice, bob, carol] = ["@alice:one.example", "@bob:two.example", "@carol:two.example"];
const keyResponses = servers.map((one) => one.keyResponse());
const keys = ringOf(...servers);
const ESCAPE = "\u001b";
const HOSTILE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;

/** A room that forks: bob's topic, while alice demotes him; carol joins both ends. */
function story(version = "11") {
  const room = new TestRoom(servers, { version });
  const creator = room.namesItsCreate ? {} : { [alice]: 100 };
  room.joinRule("public");
  room.powerLevels({ users: { ...creator, [bob]: 50 } });
  room.member(bob, "join");
  room.member(carol, "join", { content: { displayname: "Carol" } });
  const before = room.add("m.room.topic", alice, { topic: "before" }, { state_key: "" });
  const byBob = room.make("m.room.topic", bob, { topic: "bob's" }, { state_key: "" });
  const levels = room.make("m.room.power_levels", alice, { users: { ...creator, [bob]: 0 } }, { state_key: "" });
  const merge = room.make("m.room.message", carol, { body: "merge" }, { prev_events: [levels, byBob].map((text) => room.idOf(text)), depth: 20 });
  const events = [...room.events, byBob, levels, merge];
  const kick = room.makeMember(carol, "leave", { of: alice });
  return { room, before, byBob, levels, merge, events, kick };
}
const { room, byBob, levels, merge, events, kick } = story();
const [create] = events;
const file = (pdus, { header = '"room_id":"!room:one.example","room_version":"11",', responses = keyResponses } = {}) =>
  `{${header}"server_keys":[${responses}],"pdus":[${pdus}]}\n`;
const cwd = folder({
  "room.json": file(events),
  "bad.json": file([...events, kick, '{"depth":}', events[0]]),
  "reversed.json": file([...events].reverse()),
  "missing.json": file(events.filter((text) => text !== levels)),
  "keyless.json": file(events, { responses: keyResponses.slice(0, 1) }),
  "no-keys.json": file(events, { responses: [] }),
  "empty-room.json": file([]),
  "keys.json": `{"server_keys":[${keyResponses}]}`,
  "empty.json": "",
  "nonsense.txt": "hello\n",
});
const run = (args, options) => fedproof(args, { cwd, ...options });
const put = (name, text) => writeFileSync(join(cwd, name), text);
const lines = (text) => text.trimEnd().split("\n").map((line) => JSON.parse(line));
/** The verdicts and the summary of `room --json`. */
const read = ({ out }) => {
  const all = lines(out);
  assert.deepEqual(Object.keys(all.at(-1)), ["summary"]);
  return { verdicts: all.slice(0, -1), summary: all.at(-1).summary };
};
const received = (pdus = events, options = {}) => {
  const one = new Room({ roomVersion: "11", keys, ...options });
  return { one, verdicts: one.add(pdus) };
};
const sample = (name) => fileURLToPath(new URL(`../data/rooms/${name}.json`, import.meta.url));

test("room --json: the verdicts of the library in the order decided, then the summary", async () => {
  const { one, verdicts } = received();
  const whole = await run(["room", "room.json", "--json"]);
  assert.deepEqual([whole.code, whole.err], [0, ""]);
  const told = read(whole);
  assert.deepEqual(told.verdicts, verdicts);
  assert.deepEqual(told.summary, {
    room_id: "!room:one.example",
    room_version: "11",
    events: events.length,
    outcomes: { accepted: events.length, soft_failed: 0, rejected: 0, dropped: 0, incomplete: 0 },
    repeated: 0,
    waiting: 0,
    missing: [],
    forward_extremities: [room.idOf(merge)],
    state: one.currentState(),
  });
  // The state is always in it.
  assert.equal((await run(["room", "room.json", "--json", "--state"])).out, whole.out);
});

test("room: some not accepted, some twice", async () => {
  const { verdicts } = received([...events, kick, '{"depth":}']);
  const bad = await run(["room", "bad.json", "--json"]);
  assert.equal(bad.code, 1);
  const { summary, verdicts: told } = read(bad);
  assert.deepEqual(told, verdicts);
  assert.deepEqual(summary.outcomes, { accepted: events.length, soft_failed: 0, rejected: 1, dropped: 1, incomplete: 0 });
  assert.deepEqual([summary.events, summary.repeated], [events.length + 3, 1]);
  put("twice.json", file([...events, ...events]));
  assert.equal((await run(["room", "twice.json", "--json"])).code, 0, "what comes again is no reason to fail");
});

test("room: what comes before its parents waits for them", async () => {
  const { one } = received();
  const told = read(await run(["room", "reversed.json", "--json"]));
  assert.equal(told.verdicts.length, events.length);
  assert.equal(told.verdicts[0].event_id, room.idOf(create));
  assert.deepEqual(told.summary.state, one.currentState());
});

test("room: what goes on waiting has its line, before the summary that says for what", async () => {
  const answer = await run(["room", "missing.json", "--json"]);
  const { one, verdicts } = received(events.filter((text) => text !== levels));
  const { summary, verdicts: told } = read(answer);
  assert.equal(answer.code, 1);
  assert.deepEqual(told, [...verdicts, ...one.waiting()]);
  assert.equal(told.at(-1).outcome, "incomplete");
  assert.deepEqual([summary.waiting, summary.outcomes.incomplete, summary.missing], [1, 1, [room.idOf(levels)]]);
  const keyless = read(await run(["room", "keyless.json", "--json"]));
  assert.ok(keyless.summary.waiting > 0);
  assert.deepEqual([...keyless.summary.missing], [], "everything is there but a key");
  assert.equal((await run(["room", "keyless.json", "--keys", "keys.json", "--json"])).code, 0);
});

test("room: all kinds of input, with the version and the keys wherever they are", async () => {
  const { out } = await run(["room", "room.json", "--json"]);
  const { summary } = lines(out).at(-1);
  put("late.json", `{"pdus":[${events}],"server_keys":[${keyResponses}],"room_version":"11"}`);
  put("nameless.json", file(events, { header: "" }));
  put("later.json", `{"pdus":[${events}],"server_keys":[${keyResponses}]}`);
  put("events.ndjson", `${events.join("\n")}\n`);
  put("lines.txt", `${events.join("\n\n")}\n`);
  put("array.json", JSON.stringify(events.map((text) => JSON.parse(text)), null, 2));
  put("transaction.json", `{"origin":"one.example","pdus":[${events}],"edus":[]}`);
  for (const args of [["late.json"], ["nameless.json"], ["later.json"], ["later.json", "-r", "11"], ["room.json", "-r", "11"]]) {
    const told = read(await run(["room", ...args, "--json"]));
    assert.deepEqual(told.summary, summary, args.join(" "));
    const piped = await run(["room", "-", ...args.slice(1), "--json"], { input: readFileSync(join(cwd, args[0])) });
    assert.deepEqual(read(piped).summary, summary, `piped ${args[0]}`);
  }
  for (const name of ["events.ndjson", "lines.txt", "array.json", "transaction.json"]) {
    assert.deepEqual(read(await run(["room", name, "-k", "keys.json", "--json"])).summary, summary, name);
    assert.deepEqual(read(await run(["room", name, "-k", "keys.json", "-r", "11", "--json"])).summary, summary, name);
  }
  const one = read(await run(["room", "-", "-r", "11", "-k", "keys.json", "--json"], { input: create }));
  assert.deepEqual(one.summary.state, [["m.room.create", "", room.idOf(create)]]);
  const none = await run(["room", "empty-room.json", "--json"]);
  assert.deepEqual([none.code, read(none).summary.events, read(none).summary.room_id], [0, 0, "!room:one.example"]);
});

test("room: from version 12 on the id of the room is that of its create event", async () => {
  const twelve = story("12");
  put("twelve.ndjson", twelve.events.join("\n"));
  const told = read(await run(["room", "twelve.ndjson", "-k", "keys.json", "--json"]));
  assert.deepEqual([told.summary.room_id, told.summary.room_version], [twelve.room.id, "12"]);
});

test("room: rooms of a real Synapse, with its outcomes and its state", async () => {
  for (const name of ["forks-v1", "forks-v12", "policy-v11", "life-v6"]) {
    const { event_ids, synapse, current_state } = JSON.parse(readFileSync(sample(name)));
    const { verdicts, summary } = read(await run(["room", sample(name), "--json"]));
    const outcomes = new Map(verdicts.map(({ event_id, outcome }) => [event_id, outcome]));
    const raced = verdicts.filter(({ checks }) => checks.some(({ code }) => code === "join_banned")).map(({ event_id }) => event_id);
    for (const [index, id] of event_ids.entries()) if (!raced.includes(id)) assert.equal(outcomes.get(id), synapse[index].outcome, `${name} ${id}`);
    assert.deepEqual(summary.state.map(([, , id]) => id).sort(), current_state.map((index) => event_ids[index]).sort(), name);
  }
});

test("room: an event that is too long for any is dropped, and the others are not", async () => {
  const long = `{"type":"m.x","content":{"body":"${"x".repeat(2_000_000)}"}}`;
  for (const pdus of [[...events.slice(0, 2), long, ...events.slice(2)], [long, ...events], [...events, long]]) {
    put("long.json", file(pdus));
    const { summary, verdicts } = read(await run(["room", "long.json", "--json"]));
    assert.deepEqual([summary.outcomes.accepted, summary.outcomes.dropped], [events.length, 1]);
    const verdict = verdicts.find(({ outcome }) => outcome === "dropped");
    assert.deepEqual(verdict, verifyEvents(`[${long}]`, { roomVersion: "11" })[0]);
  }
});

test("room: for people, a table of seven checks, reasons, counts, and the state", async () => {
  const { code, out, err } = await run(["room", "bad.json", "--state"], { env: { COLUMNS: "130" } });
  assert.deepEqual([code, err], [1, ""]);
  assert.ok(!out.includes(ESCAPE), "colours in a pipe");
  for (const part of [
    "bad.json  !room:one.example · room version 11 · 2 key responses",
    "4 auth events · 5 state before · 6 current state · 7 policy server",
    "1 2 3 4 5 6 7  VERDICT",
    "✓ ✓ ✓ ✓ ✓ ✓ –  accepted",
    "✓ ✓ ✓ ✗ – – –  rejected",
    "✗ – – – – – –  dropped",
    `${room.idOf(kick)}  m.room.member  rejected`,
    "✗ check 4, auth_events: kick_power",
    `sender   ${carol} has 0 (by default)`,
    "rule 4.5.5, https://spec.matrix.org/v1.19/rooms/v11/#authorisation-rules",
    "json_syntax",
    `${events.length + 2} events: ${events.length} accepted · 1 rejected · 1 dropped`,
    `extremities  ${room.idOf(merge)}`,
    "state        7 entries\n",
    "again        1 event that came before",
  ]) {
    assert.ok(out.includes(part), `${part} is not in:\n${out}`);
  }
  assert.match(out, /^TYPE +STATE KEY +CONTENT +EVENT$/m);
  assert.match(out, /^m\.room\.member +@carol:two\.example +join, “Carol” +\$/m);
  assert.match(out, /^m\.room\.topic +– +“before” +\$/m);
  assert.match(out, /^m\.room\.create +– +version 11 +\$/m);
  assert.match((await run(["room", "room.json"])).out, /state +7 entries, which --state lists\n$/);
});

test("room --trace: the way through the rules", async () => {
  const { out } = await run(["room", "bad.json", "--trace"], { env: { COLUMNS: "120" } });
  for (const part of ["▸ applies: look below it", "  ▸ 4   the event is m.room.member", "  ✗     4.5.5   otherwise: reject"]) {
    assert.ok(out.includes(part), `${part} is not in:\n${out}`);
  }
  const { verdicts } = read(await run(["room", "bad.json", "--trace", "--evidence", "--json"]));
  assert.ok(verdicts[1].checks[3].path.length > 3);
  assert.ok(verdicts[1].checks[3].evidence);
});

test("room: for people, what is waited for, and what to do about it", async () => {
  const missing = await run(["room", "missing.json"]);
  assert.match(missing.out, /\? 1 event waits for one that is not there, or for each other:\n  \$[\w-]+  named by 1 event\n  Servers of the room have them/);
  assert.ok(missing.out.includes(room.idOf(levels)));
  const keyless = await run(["room", "keyless.json"]);
  assert.match(keyless.out, /\? \d events wait for the key of a server that signed\./);
  assert.match(keyless.out, /events? waits? for events that wait\./);
  assert.match(keyless.out, /Keys are missing of two\.example/);
  const stranger = signEvent(levels, { serverName: "two.example", key: servers[1].key, roomVersion: "11" });
  const forged = stranger.replace(/"one\.example":\{[^}]*\},?/, "").replace(/,\}/, "}");
  put("dropped.json", file(events.map((text) => (text === levels ? forged : text))));
  const dropped = await run(["room", "dropped.json"]);
  assert.match(dropped.out.replace(/\s+/g, " "), /named by 1 event; it was dropped, see #9/);
  assert.doesNotMatch(dropped.out, /Servers of the room have them/);
});

test("room: long inputs list what is not plainly accepted, and of what waits the first", async () => {
  const long = new TestRoom(servers);
  for (let n = 0; n < 600; n += 1) long.add("m.room.message", alice, { body: String(n) });
  put("long-room.json", file(long.events));
  const rows = (out) => out.match(/✓ ?✓ ?✓ ?✓ ?✓ ?✓/g).length;
  const short = await run(["room", "long-room.json"]);
  assert.match(short.out, /--all lists all/);
  assert.ok(rows(short.out) < 520);
  assert.equal(rows((await run(["room", "long-room.json", "--all"])).out), 601);
  put("headless.json", file(long.events.slice(1)));
  const headless = await run(["room", "headless.json"]);
  assert.match(headless.out, /… and 581 more wait \(--all lists all\)/);
  assert.match(headless.out, /601 events: 601 incomplete/);
  assert.match(headless.out, /named by 601 events/);
});

test("strangers' text cannot command the terminal", async () => {
  const evil = new TestRoom(servers);
  evil.add("m.\u001b[31mred\u202e", alice, { a: "\u009b2J" }, { state_key: "k\u0007\u001b]0;x" });
  evil.add("m.room.topic", alice, { topic: "\u001b[2J\n\n\r\tfirst\u202esecond" }, { state_key: "" });
  evil.add("m.room.name", alice, { name: `${ESCAPE}[31m` }, { state_key: "" });
  const end = evil.make("m.room.message", "@al\u001b[31mice:one.example", {});
  put("evil.json", file([...evil.events, end], { header: `"room_id":"!${JSON.stringify(ESCAPE).slice(1, -1)}[31m","room_version":"11",` }));
  for (const args of [["--state"], ["--state", "--trace"], ["--json"], ["--json", "--trace"]]) {
    const { out, err } = await run(["room", "evil.json", ...args]);
    assert.doesNotMatch(out + err, HOSTILE, args.join(" "));
    assert.ok(out.includes("\\u001b"));
  }
  for (const args of [[], ["--trace"], ["--json"], ["--json", "--trace"]]) {
    const { out, err } = await run(["resolve-state", "evil.json", ...args]);
    assert.doesNotMatch(out + err, HOSTILE, args.join(" "));
  }
  put("evil-states.json", documentOf({ ...questionOf(evil, []), state_sets: JSON.stringify([stateWith(evil), []]) }));
  for (const args of [[], ["--trace"]]) {
    const { code, out, err } = await run(["resolve-state", "evil-states.json", ...args]);
    assert.equal(code, 0, err);
    assert.doesNotMatch(out, HOSTILE);
    assert.ok(out.includes("m.\\u001b[31mred\\u202e k\\u0007"), out);
  }
});

test("narrow and wide terminals, with colours and without", async () => {
  put("states.json", documentOf(questionOf()));
  for (const columns of [20, 60, 80, 120, 200]) {
    for (const args of [["room", "bad.json", "--state", "--trace"], ["room", "missing.json"], ["resolve-state", "states.json", "--trace"], ["resolve-state", "room.json"]]) {
      const { out } = await run(args, { env: { COLUMNS: String(columns) } });
      for (const line of out.split("\n")) {
        if (/https:\/\//.test(line)) continue;
        assert.ok([...line].length <= Math.max(columns, 60), `${args.join(" ")} at ${columns}: ${line}`);
      }
      if (columns % 40 !== 0) continue;
      const coloured = await run(args, { env: { COLUMNS: String(columns), FORCE_COLOR: "1" } });
      assert.ok(coloured.out.includes(`${ESCAPE}[1m`));
      const plain = coloured.out.replace(/\u001b\[\d+m/g, "");
      assert.equal(plain.replace(/\s+/g, " "), out.replace(/\s+/g, " "));
    }
  }
});

test("room: bad usage and unreadable input", async () => {
  put("bad-keys.txt", "hello");
  put("no-version.json", file(events.slice(1), { header: "" }));
  for (const [args, said] of [
    [["room"], /missing required argument/],
    [["room", "nothing.json"], /nothing\.json cannot be read/],
    [["room", "empty.json"], /input_empty|no event/],
    [["room", "nonsense.txt", "-r", "11"], /input_unreadable/],
    [["room", "no-version.json"], /--room-version 11/],
    [["room", "room.json", "-r", "13"], /1, 2, 3/],
    [["room", "room.json", "-k", "nothing.json"], /cannot be read/],
    [["room", "room.json", "-k", "bad-keys.txt"], /json_syntax/],
    [["room", "-", "-k", "-"], /standard input/],
    [["room", "room.json", "--stat"], /Did you mean --state/],
    [["room", "room.json", "--fetched", "soon"], /milliseconds/],
    [["resolve-state"], /missing required argument/],
    [["resolve-state", "nothing.json"], /cannot be read/],
    [["resolve-state", "empty.json", "-r", "11"], /no event/],
    [["resolve-state", "nonsense.txt", "-r", "11"], /input_unreadable/],
    [["resolve-state", "-", "-k", "-"], /standard input/],
    [["resolve-state", "room.json", "--at", "$nobody"], /no event \$nobody that could be judged.*fedproof room/s],
    [["resolve-state", "no-version.json"], /--room-version 11/],
  ]) {
    const { code, out, err } = await run(args);
    assert.equal(code, 2, `${args.join(" ")}: ${out}${err}`);
    assert.equal(out, "", args.join(" "));
    assert.match(err, said);
    assert.doesNotMatch(err, /\n +at /, "a stack trace");
  }
  const json = await run(["room", "nothing.json", "--json"]);
  assert.equal(JSON.parse(json.err).error.code, "input_unreadable");
  // What is cut off has an exit code of its own, whatever was told before.
  put("cut.json", file(events).slice(0, -5));
  assert.equal((await run(["room", "cut.json", "--json"])).code, 2);
});

// resolve-state

test("the sample: a topic that is lost, and why", async () => {
  const path = fileURLToPath(new URL("../../samples/state-reset.json", import.meta.url));
  const { code, out } = await run(["resolve-state", path], { env: { COLUMNS: "120" } });
  assert.equal(code, 0);
  assert.match(out, /differ in 1 place, and agree about 6/);
  assert.match(out, /✗ #1 by @ben:maple\.example  “Maple syrup”\n +not allowed \(rule 7, event_power\)/);
  assert.match(out, /– nothing stands here now/);
  assert.doesNotMatch(out, /^m\.room\.topic /m);
});

test("help of both commands", async () => {
  const { out } = await run(["--help"]);
  for (const command of ["room", "resolve-state"]) {
    assert.match(out, new RegExp(`^ +${command} `, "m"));
    const help = await run([command, "--help"]);
    assert.equal(help.code, 0);
    assert.match(help.out, /Usage: fedproof .*Exit codes: 0 .*2 bad usage/s);
    assert.equal((await run(["help", command])).out, help.out);
    for (const line of help.out.split("\n")) assert.ok(line.length <= 106, line);
  }
});

/** A document of raw texts. */
function documentOf(members) {
  return `{${Object.entries(members).map(([name, value]) => `"${name}": ${Array.isArray(value) ? `[${value}]` : value}`).join(",\n ")}}\n`;
}
function stateWith(ofRoom, ...texts) {
  const entries = [...ofRoom.state, ...texts].map((text) => {
    const { type, state_key } = JSON.parse(text);
    return [`${type} ${state_key}`, [type, state_key, ofRoom.idOf(text)]];
  });
  return [...new Map(entries).values()];
}
function questionOf(ofRoom = room, texts = [levels, byBob]) {
  return {
    room_version: JSON.stringify(ofRoom.version),
    state_sets: JSON.stringify(texts.map((text) => stateWith(ofRoom, text))),
    events: [...ofRoom.events, ...texts],
  };
}
const answerTo = (question, more) =>
  resolveState({ roomVersion: JSON.parse(question.room_version), stateSets: JSON.parse(question.state_sets), events: question.events, ...more });

test("resolve-state --json: what the library says, with its trace or without", async () => {
  const question = questionOf();
  put("states.json", documentOf(question));
  const plain = await run(["resolve-state", "states.json", "--json"]);
  assert.deepEqual([plain.code, plain.err, lines(plain.out)], [0, "", [answerTo(question)]]);
  const traced = await run(["resolve-state", "states.json", "--json", "--trace"]);
  assert.deepEqual(lines(traced.out), [answerTo(question, { trace: true })]);
  const piped = await run(["resolve-state", "-", "--json"], { input: documentOf(question) });
  assert.equal(piped.out, plain.out);
  // In any order of its members, and with others.
  put("states-2.json", documentOf({ comment: '"x"', events: question.events, rejected: [JSON.stringify(room.idOf(levels))], state_sets: question.state_sets }));
  const other = await run(["resolve-state", "states-2.json", "--json"]);
  assert.deepEqual(lines(other.out), [answerTo(question, { rejected: [room.idOf(levels)] })]);
  assert.notEqual(other.out, plain.out);
});

test("resolve-state: events reach the core as they stand in the file", async () => {
  const five = story("5");
  const big = five.room.make("m.room.name", alice, { name: "big", n: 1 }, { state_key: "" }).replace('"n":1', '"n":123456789012345678901');
  const signed = signEvent(big, { serverName: "one.example", key: servers[0].key, roomVersion: "5" });
  assert.ok(signed.includes("123456789012345678901"));
  const question = questionOf(five.room, [signed]);
  put("big.json", documentOf(question));
  const { code, out } = await run(["resolve-state", "big.json", "--json"]);
  assert.equal(code, 0);
  assert.ok(lines(out)[0].state.some(([, , id]) => id === eventId(signed, "5")));
});

test("resolve-state: for people, what became of each conflict and why", async () => {
  put("states.json", documentOf(questionOf()));
  const { code, out } = await run(["resolve-state", "states.json"], { env: { COLUMNS: "120" } });
  assert.equal(code, 0);
  for (const part of [
    "states.json  room version 11 · state resolution 2",
    "2 states: they differ in 2 places, and agree about 5.",
    "Who won, and why",
    `not allowed (rule 7, event_power): ${bob} has level 0 (users)`,
    `✗ #1 by ${alice}  ${alice} 100, ${bob} 50`,
    "allowed, but #2 comes later: it rests on this one",
    "allowed by rule 10, and the only one that is",
    "The events by number",
    room.idOf(byBob),
    "The state  7 entries",
  ]) {
    assert.ok(out.includes(part), `${part} is not in:\n${out}`);
  }
  assert.doesNotMatch(out, /Put the power events in order/);
});

test("resolve-state --trace: every step, by each algorithm", async () => {
  const steps = {
    1: ["Where the states differ", "depth ", "Authorization checks", "allowed, and the deepest"],
    11: [
      "1 Where the states differ",
      "2 What takes part",
      "3 Put the power events in order",
      "no other could come here",
      "4 Check the power events  beginning with what the states agree about",
      "5 The mainline",
      "6 Put the other events in order",
      "rests on 1 of the mainline",
      "7 Check the other events",
      "✗ #",
    ],
    12: ["state resolution 2.1", "conflicted subgraph", "beginning with an empty state", `${alice} at level infinite`],
  };
  put("states-11.json", documentOf(questionOf()));
  const twelve = story("12");
  put("states-12.json", documentOf(questionOf(twelve.room, [twelve.levels, twelve.byBob])));
  const inputs = {
    1: [sample("forks-v1"), "--at", "$19cd929ccba75df361:localhost:18803"],
    11: ["states-11.json"],
    12: ["states-12.json"],
  };
  for (const [version, args] of Object.entries(inputs)) {
    const { code, out } = await run(["resolve-state", ...args, "--trace"], { env: { COLUMNS: "130" } });
    assert.equal(code, 0);
    for (const part of steps[version]) assert.ok(out.includes(part), `${version}: ${part} is not in:\n${out}`);
  }
});

test("resolve-state: what an event of a room file follows on, and its ends", async () => {
  const { one } = received();
  const at = await run(["resolve-state", "room.json", "--at", room.idOf(merge), "--json", "--trace"]);
  assert.deepEqual([at.code, at.err], [0, ""]);
  assert.deepEqual(lines(at.out), [{ state: one.stateBefore(room.idOf(merge)), trace: one.trace([levels, byBob].map((text) => room.idOf(text))) }]);
  const ends = await run(["resolve-state", "room.json", "--json"]);
  assert.deepEqual(lines(ends.out), [{ state: one.currentState() }]);
  put("open.ndjson", events.slice(0, -1).join("\n"));
  const open = received(events.slice(0, -1)).one;
  const two = await run(["resolve-state", "open.ndjson", "-k", "keys.json", "--json", "--trace"]);
  assert.deepEqual(lines(two.out), [{ state: open.currentState(), trace: open.trace() }]);
  assert.equal(lines(two.out)[0].trace.conflicted.length, 2);
  const piped = await run(["resolve-state", "-", "--at", room.idOf(merge), "--json", "--trace"], { input: file(events) });
  assert.equal(piped.out, at.out);
  const first = await run(["resolve-state", "room.json", "--at", room.idOf(create)]);
  assert.match(first.out, /0 states after what \$.* follows on: nothing to resolve/s);
});

test("resolve-state: where there is nothing to resolve, it says where there was", async () => {
  const { out } = await run(["resolve-state", "room.json"], { env: { COLUMNS: "120" } });
  assert.match(out, /One state after its forward extremities: nothing to resolve\./);
  assert.ok(out.includes(`--at '${room.idOf(merge)}'  m.room.power_levels, m.room.topic`), out);
  put("same.json", documentOf({ ...questionOf(), state_sets: JSON.stringify([stateWith(room), stateWith(room)]) }));
  assert.match((await run(["resolve-state", "same.json", "--trace"])).out, /2 states: they do not differ/);
});

test("resolve-state: what is left out of a room is said", async () => {
  const { code, err } = await run(["resolve-state", "missing.json", "--json"]);
  assert.equal(code, 0);
  assert.match(err, /warning: missing\.json: the state is that without 1 event/);
});

test("resolve-state: documents that cannot be resolved", async () => {
  const question = questionOf();
  const without = (name) => documentOf(Object.fromEntries(Object.entries(question).filter(([member]) => member !== name)));
  const missing = { ...question, events: question.events.filter((text) => text !== byBob) };
  for (const [content, args, said] of [
    [documentOf(missing), [], new RegExp(`resolve_event_missing[^]*${room.idOf(byBob).replace("$", "\\$")}`)],
    [without("events"), [], /has state_sets, but no events/],
    [documentOf({ ...question, events: "{}" }), [], /events of .* must be an array/],
    [documentOf({ ...question, state_sets: "{}" }), [], /state_sets of .* must be an array/],
    [documentOf({ ...question, state_sets: '[[["m.room.topic",""]]]' }), [], /\[type, stateKey, eventId\]/],
    [documentOf({ ...question, state_sets: "[[1.]]" }), [], /stateKey|state/],
    [documentOf({ ...question, room_version: "11" }).replace('"11"', "11"), [], /room_version of .* must be a string/],
    [documentOf({ ...question, room_version: '"99"' }), [], /unknown_room_version/],
    [documentOf({ ...question, room_version: '"11"', events: ["{"] }), [], /not JSON|bracket|input_unreadable/],
    [documentOf({ ...question, events: ['{"a":1.5}'] }), [], /malformed/],
    [documentOf({ state_sets: "[]", events: "[]" }), [], /room_version_missing|version of the room is not known/],
    [documentOf(question), ["--at", "$x"], /--at/],
  ]) {
    put("question.json", content);
    const { code, out, err } = await run(["resolve-state", "question.json", ...args]);
    assert.deepEqual([code, out], [2, ""], `${said}: ${err}`);
    assert.match(err, said);
    assert.doesNotMatch(err, /\n +at /, "a stack trace");
  }
  put("question.json", documentOf(missing));
  const json = await run(["resolve-state", "question.json", "--json"]);
  assert.equal(JSON.parse(json.err).error.code, "resolve_event_missing");
});

// Reading

test("the splitter finds the events that the module finds, in chunks of any size", () => {
  let state = 7;
  const random = (below) => (state = (state * 48271) % 2147483647) % below;
  const pick = (list) => list[random(list.length)];
  const space = () => pick(["", "", " ", "\n", "\t", "\r\n "]);
  const string = () => pick(['"a"', '"\\""', '"}{"', '"\\\\"', '"pdus"', '"]"', '"é"', '"a\nb"', '"\\\\\\"]"', '"x,y"']);
  const value = (depth = 0) => {
    switch (random(depth > 2 ? 3 : 5)) {
      case 0:
        return string();
      case 1:
        return pick(["1", "-0", "1.0", "tru", "nul l", "1 2", "\f"]);
      case 2:
        return pick(["[]", "{}", "[ }"]);
      case 3:
        return `[${list(() => value(depth + 1))}]`;
      default:
        return object(depth + 1);
    }
  };
  const list = (entry) => Array.from({ length: random(4) }, () => space() + entry() + space()).join(",");
  const object = (depth = 0) => `{${list(() => `${string()}${space()}:${space()}${value(depth + 1)}`)}}`;
  const documents = [
    () => `[${list(value)}]`,
    () => `{"a":${value()},"pdus":[${list(value)}],${string()}:${value()}}`,
    () => object(),
    () => [object(), object(), value(), "", "  "].join("\n"),
    () => `${object()} ${object()}\n{"a":`,
    () => `{"pdus":[${list(value)}],"pdus":[${list(value)}],"pdus":3}`,
    () => '{"pdus":{}}',
  ];
  let compared = 0;
  for (let n = 0; n < 20_000; n += 1) {
    const document = Buffer.from(space() + pick(documents)() + pick(["", "", "\n", "x", "]"]));
    let theirs;
    try {
      theirs = call((wasm) => wasm.split_events(document)).events.map((event) => Buffer.from(event).toString());
    } catch {
      continue; // no document of events: the module's reader says so
    }
    const splitter = new EventSplitter();
    const ours = [];
    const size = 1 + random(9);
    for (let at = 0; at < document.length; at += size) {
      splitter.push(new Uint8Array(document.subarray(at, at + size)));
      if (random(2)) ours.push(...splitter.take());
    }
    splitter.end();
    ours.push(...splitter.take());
    assert.deepEqual(ours.map((event) => Buffer.from(event).toString()), theirs, document.toString());
    compared += 1;
  }
  assert.ok(compared > 10_000);
});

test("a long room is in memory once", async () => {
  const MB = 1024 * 1024;
  const long = new TestRoom(servers);
  const out = createWriteStream(join(cwd, "long.ndjson"));
  for (const text of long.events) out.write(`${text}\n`);
  const body = "x".repeat(60_000);
  let size = 0;
  for (let n = 0; size < 120 * MB; n += 1) {
    const text = long.add("m.room.message", alice, { body });
    size += text.length;
    if (!out.write(`${text}\n`)) await once(out, "drain");
  }
  out.end();
  await once(out, "close");
  const measured = "--max-old-space-size=64 --import=data:text/javascript,process.on('exit',()=>console.error('peak',process.resourceUsage().maxRSS))";
  const child = start(["room", "long.ndjson", "-k", "keys.json", "--json"], { cwd, env: { NODE_OPTIONS: measured } });
  let err = "";
  child.stderr.on("data", (part) => (err += part));
  let last = "";
  for await (const part of child.stdout) last = (last + part).slice(-2000);
  assert.match(last, /"summary"/);
  const peak = Number(err.match(/peak (\d+)/)?.[1]) / 1024;
  // What every command takes, and the file once.
  assert.ok(peak > 100 && peak < 340, `${peak} MB for a file of ${Math.round(size / MB)} MB: ${err}`);
});
