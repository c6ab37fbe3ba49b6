// `fedproof auth` and `fedproof acl`: what they print, what they answer, what they say when they cannot.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkAuth, eventId, receiveEvent } from "fedproof";
import { authReport } from "../../pkg/dist/cli/auth-report.js";
import { fedproof, folder } from "./cli.mjs";
import { TestRoom } from "./room.mjs";
import { ringOf, server } from "./world.mjs";

const servers = ["one.example", "two.example", "three.example"].map((name) => server(name));
const [alice, ben, cleo, dan] = ["@alice:one.example", "@ben:two.example", "@cleo:three.example", "@dan:three.example"];
const keyResponses = servers.map((one) => one.keyResponse());

function roomOf(options) {
  const room = new TestRoom(servers, options);
  room.joinRule("public");
  room.powerLevels({ users: { ...(room.namesItsCreate ? {} : { [alice]: 100 }), [ben]: 50, [cleo]: 50 } });
  room.member(ben, "join");
  room.member(cleo, "join");
  return room;
}
/** A document of raw texts: lists of events, and whatever else. */
const documentOf = (members) =>
  `{${Object.entries(members).flatMap(([name, value]) => (value === undefined ? [] : [`"${name}": ${Array.isArray(value) ? `[${value}]` : value}`])).join(",\n ")}}\n`;
const around = (room, event, more = {}) => {
  const { roomVersion, authEvents, state, createEvent } = room.around(event);
  return documentOf({ room_version: `"${roomVersion}"`, event, auth_events: authEvents, state, create_event: createEvent, ...more });
};

const room = roomOf();
const message = room.make("m.room.message", cleo, { body: "hello" });
const kick = room.makeMember(ben, "leave", { of: cleo });
const ban = room.makeMember(ben, "ban", { of: dan });
const given = room.around(kick);
const cwd = folder({
  "message.json": around(room, message),
  "kick.json": around(room, kick),
  "event.json": `${kick}\n`,
  "good.json": `${message}\n`,
  "array.json": `[${room.state}]`,
  "state.ndjson": `${room.state.join("\n")}\n`,
  "lines.txt": `${room.state.join("\n\n")}\n`,
  "answer.json": `{"auth_chain":[${room.events}],"pdus":[${room.state}]}`,
  "chain.json": `{"auth_chain":[${given.authEvents}]}`,
  "room.json": `{"room_version":"11","room_id":"!room:one.example","server_keys":[${keyResponses}],"pdus":[${room.state}]}`,
  "history.json": `[${[...room.events, room.make("m.room.power_levels", alice, { users: {} }, { state_key: "" })]}]`,
  "keys.json": `{"server_keys":[${keyResponses}]}`,
  "error.json": '{"errcode":"M_FORBIDDEN","error":"You are not in the room"}',
  "empty.json": "",
  "nonsense.txt": "hello\n",
});
const run = (args, options) => fedproof(args, { cwd, ...options });
const auth = (args, options) => run(["auth", ...args], options);
const line = ({ out }) => {
  assert.match(out, /^[^\n]+\n$/);
  return JSON.parse(out);
};
const put = (name, text) => writeFileSync(join(cwd, name), text);
const ESCAPE = "\u001b";

test("a document with an event and its room: the verdict of the library, and exit codes", async () => {
  const yes = await auth(["message.json", "--json"]);
  assert.deepEqual([yes.code, yes.err, line(yes)], [0, "", checkAuth(message, room.around(message))]);
  const no = await auth(["kick.json", "--json"]);
  assert.deepEqual([no.code, no.err, line(no)], [1, "", checkAuth(kick, given)]);
  const traced = await auth(["kick.json", "--json", "--trace"]);
  assert.deepEqual(line(traced), checkAuth(kick, { ...given, trace: true }));
  const piped = await auth(["-", "--json"], { input: readFileSync(join(cwd, "kick.json")) });
  assert.deepEqual([piped.code, line(piped)], [1, line(no)]);
});

test("an event and its room in files of every kind", async () => {
  const expected = checkAuth(kick, { roomVersion: "11", state: room.state });
  for (const state of ["array.json", "state.ndjson", "lines.txt", "answer.json", "room.json"]) {
    const { code, out, err } = await auth(["event.json", "--state", state, "--room-version", "11", "--json"]);
    assert.deepEqual([code, err, JSON.parse(out)], [1, "", expected], state);
  }
  const both = checkAuth(kick, given);
  for (const cited of ["array.json", "answer.json", "chain.json", "room.json"]) {
    const { out } = await auth(["event.json", "--state", "array.json", "--auth-events", cited, "-r", "11", "--json"]);
    assert.deepEqual(JSON.parse(out), both, cited);
  }
  const alone = await auth(["-", "--auth-events", "chain.json", "-r", "11", "--json"], { input: kick });
  assert.deepEqual(line(alone), checkAuth(kick, { ...given, state: undefined }));
  const state = await auth(["event.json", "--state", "-", "-r", "11", "--json"], { input: `[${room.state}]` });
  assert.deepEqual(line(state), expected);
  // The create event says the version of the room.
  assert.deepEqual(line(await auth(["event.json", "--state", "array.json", "--json"])), expected);
});

test("events are judged byte for byte as they stand", async () => {
  const old = roomOf({ version: "5" });
  const judge = async (theRoom, content) => {
    const event = theRoom.make("m.room.message", cleo, {}).replace('"content":{}', `"content":{${content}}`);
    put("bytes.json", around(theRoom, event));
    put("bytes-event.json", event);
    put("bytes-state.json", `[${theRoom.state}]`);
    const verdict = line(await auth(["bytes.json", "--json"]));
    assert.deepEqual(verdict, checkAuth(event, theRoom.around(event)));
    const files = line(await auth(["bytes-event.json", "--state", "bytes-state.json", "--json"]));
    assert.equal(files.event_id, verdict.event_id);
    return { event, ...verdict };
  };
  for (const content of ['"n":9007199254740993', '"n":1.0', '"n":1e400', '"n":"\\ud800"']) {
    assert.equal((await judge(room, content)).outcome, "dropped", content);
  }
  assert.deepEqual((await judge(room, '"n":-0')).flags, ["negative_zero", "signatures_unchecked"]);
  assert.deepEqual((await judge(room, '"n":1, "n" : 2')).flags, ["duplicate_keys", "signatures_unchecked"]);
  // What JSON.parse would round is part of the hash that is the event's id.
  const levels = old.get("m.room.power_levels").replace('"users":{', '"ban":12345678901234567890,"users":{');
  assert.equal((await judge(old, '"n":9007199254740993')).outcome, "accepted");
  const deep = message.replace(/"depth":\d+/, '"depth":9007199254740993');
  put("deep.json", documentOf({ room_version: '"5"', event: deep, state: old.state }));
  const { event_id } = line(await auth(["deep.json", "--json"]));
  assert.equal(event_id, eventId(deep, "5"));
  assert.notEqual(event_id, eventId(deep.replace("993", "992"), "5"));
  const banning = old.makeMember(alice, "ban", { of: dan });
  put("exact.json", documentOf({ room_version: '"5"', event: banning, state: old.state.map((text) => (text.includes('"m.room.power_levels"') ? levels : text)) }));
  const banned = line(await auth(["exact.json", "--json"])).checks.find(({ check }) => check === 5);
  assert.deepEqual([banned.code, banned.evidence.ban.level], ["ban_power", "12345678901234567890"]);
  put("latin.json", Buffer.concat([Buffer.from('{"room_version":"11","state":[],"event":{"type":"'), Buffer.from([0xe9]), Buffer.from('"}}')]));
  assert.equal(line(await auth(["latin.json", "--json"])).checks[0].code, "json_invalid_utf8");
});

test("what is malformed within brackets is judged, not refused", async () => {
  for (const [event, code] of [['{"type":tru}', "json_syntax"], ['{"type":"m.room.message"}', "field_missing"], ["5", "not_an_object"], ["null", "not_an_object"], ['"x"', "not_an_object"], ["[]", "not_an_object"]]) {
    put("broken.json", documentOf({ room_version: '"11"', event, state: room.state }));
    const { code: exit, out } = await auth(["broken.json", "--json"]);
    assert.deepEqual([exit, JSON.parse(out).outcome, JSON.parse(out).checks[0].code], [1, "dropped", code], event);
    assert.match((await auth(["broken.json"])).out, /✗ Dropped: /);
  }
  const cut = await auth(["-", "--state", "array.json", "-r", "11", "--json"], { input: message.slice(0, 100) });
  assert.deepEqual([cut.code, line(cut).outcome], [1, "dropped"]);
  put("broken-state.json", documentOf({ room_version: '"11"', event: message, state: [room.state[0], '{"type":1.}', "5"] }));
  const verdict = line(await auth(["broken-state.json", "--json"]));
  assert.deepEqual([verdict.outcome, verdict.checks[2].code, verdict.checks[2].evidence.index], ["incomplete", "state_event_malformed", 1]);
});

test("rejected events, and a create event of its own", async () => {
  const member = room.idOf(room.get("m.room.member", ben));
  put("rejected.json", around(room, ban, { rejected: `["${member}"]` }));
  put("ban.json", ban);
  const codes = async (args) => line(await auth([...args, "--json"])).checks.map(({ code }) => code ?? "-").join();
  assert.equal(await codes(["rejected.json"]), "-,auth_event_rejected,-");
  assert.equal(await codes(["ban.json", "--auth-events", "array.json"]), "-,-,-");
  assert.equal(await codes(["ban.json", "--auth-events", "array.json", "--rejected", "$x", "--rejected", member]), "-,auth_event_rejected,-");

  const newest = roomOf({ version: "12" });
  const event = newest.makeMember(ben, "leave", { of: alice });
  const { authEvents } = newest.around(event);
  put("v12.json", event);
  put("v12-chain.json", `{"auth_chain":[${authEvents}]}`);
  put("v12-create.json", newest.create);
  put("v12-state.json", `[${newest.state}]`);
  assert.equal(await codes(["v12.json", "--auth-events", "v12-chain.json", "-r", "12"]), "-,create_event_missing,-");
  for (const create of ["v12-create.json", "v12-state.json"]) {
    assert.equal(await codes(["v12.json", "--auth-events", "v12-chain.json", "--create", create]), "-,kick_target_power,-", create);
  }
  put("v12-document.json", around(newest, event, { state: undefined }));
  assert.equal(await codes(["v12-document.json"]), "-,kick_target_power,-");
  put("v12-null.json", around(newest, event, { create_event: "null", auth_events: "null", rejected: "null", current_state: "null" }));
  assert.equal(await codes(["v12-null.json"]), "-,-,kick_target_power");
});

test("keys: without them a restricted join may go by a signature that is only there", async () => {
  const restricted = roomOf();
  restricted.joinRule("restricted", { allow: [] });
  const join = restricted.makeMember(dan, "join", { content: { join_authorised_via_users_server: ben }, signers: ["three.example", "two.example"] });
  const forged = join.replace(/("two\.example":\{"[^"]+":")(.)/, (_, before, first) => before + (first === "A" ? "B" : "A"));
  put("join.json", around(restricted, join));
  put("forged.json", around(restricted, forged));
  put("forged-keys.json", around(restricted, forged, { server_keys: keyResponses }));
  assert.equal((await auth(["forged.json"])).code, 0);
  assert.equal((await auth(["forged.json", "--keys", "keys.json"])).code, 1);
  assert.equal((await auth(["forged-keys.json"])).code, 1);
  assert.equal((await auth(["join.json", "-k", "keys.json"])).code, 0);
  const some = await auth(["join.json", "-k", "keys.json", "--json"]);
  assert.deepEqual(line(some), checkAuth(join, restricted.around(join, { keys: ringOf(...servers) })));
  assert.match((await auth(["forged.json"])).out.replace(/\s+/g, " "), /not even the one by which the server of @ben:two\.example lets the user in \(--keys\)/);
  assert.match((await auth(["join.json", "-k", "keys.json"])).out.replace(/\s+/g, " "), /Of the signatures only the one by which the server of @ben:two\.example/);
  const unusable = await auth(["join.json", "-k", "array.json", "--json"]);
  assert.deepEqual([unusable.code, line(unusable).outcome], [1, "incomplete"]);
  assert.match(unusable.err, /warning: array\.json/);
});

test("with the current state, all seven checks", async () => {
  const later = roomOf();
  const event = later.make("m.room.message", cleo, { body: "hello" });
  const before = later.around(event);
  later.member(alice, "ban", { of: cleo });
  const keys = ringOf(...servers);
  put("later.json", documentOf({ room_version: '"11"', event, auth_events: before.authEvents, state: before.state, current_state: later.state, server_keys: keyResponses }));
  const soft = await auth(["later.json", "--json"]);
  const expected = receiveEvent(event, { ...before, keys, currentState: later.state });
  assert.deepEqual([soft.code, line(soft)], [1, expected]);
  assert.equal(expected.outcome, "soft_failed");
  put("later-event.json", event);
  put("before.json", `[${before.state}]`);
  put("now.json", `[${later.state}]`);
  const files = ["later-event.json", "--auth-events", "before.json", "--state", "before.json", "--current-state", "now.json"];
  assert.deepEqual(line(await auth([...files, "-k", "keys.json", "--json"])), expected);
  const people = await auth([...files, "-k", "keys.json"]);
  for (const part of ["✓ check 2, signatures", "✗ Soft failed: the sender @cleo:three.example is banned.", "✓ check 5, by the state before it: the same as by check 4", "✗ check 6, by the current state: rejected by rule 5", "– check 7, policy server: not reached"]) {
    assert.ok(people.out.includes(part), `${part} is not in:\n${people.out}`);
  }
  const keyless = await auth(files);
  assert.equal(keyless.code, 1);
  assert.match(keyless.out, /\? Incomplete: the key .* of three\.example is needed/);
  assert.match(keyless.out, /--keys/);
  const changed = event.replace('"hello"', '"bye"');
  const redacted = await auth(["-", "--state", "before.json", "--current-state", "before.json", "-k", "keys.json"], { input: changed });
  assert.equal(redacted.code, 0);
  assert.match(redacted.out, /✓ Accepted, redacted: the content hashes to/);
});

test("for people: what it is about, the decision with its numbers, what follows, the rules", async () => {
  const { code, out, err } = await auth(["kick.json"], { env: { COLUMNS: "100" } });
  assert.deepEqual([code, err], [1, ""]);
  assert.ok(!out.includes(ESCAPE), "colours in a pipe");
  const id = eventId(kick, "11");
  const parts = [
    `kick.json  ${id}`,
    "m.room.member · room version 11",
    "@ben:two.example wants to remove @cleo:three.example from the room (a kick).",
    "✗ Rejected: @ben:two.example has level 50 (users), which is not above the 50 (users) of\n  @cleo:three.example.",
    "Servers keep a rejected event out of the room: @cleo:three.example is not removed.",
    "✗ check 4, by the events it cites: rejected by rule 4.5.5, kick_target_power",
    "  · 1   the event is m.room.create",
    "  ▸ 4   the event is m.room.member",
    "  ▸   4.5   the membership is leave",
    "  ✗     4.5.5   otherwise: reject",
    "sender   @ben:two.example has 50 (users)",
    "kick     50 (by default)",
    `read in  ${room.idOf(room.get("m.room.power_levels"))}`,
    "✗ check 5, by the state before it: the same as by check 4",
    "fedproof codes kick_target_power",
    "Spec: https://spec.matrix.org/v1.19/rooms/v11/#authorisation-rules\n",
  ];
  for (const part of parts) assert.ok(out.includes(part), `${part} is not in:\n${out}`);
  assert.ok(parts.every((part, index) => index === 0 || out.indexOf(part) > out.indexOf(parts[index - 1])), out);
  // A rule with several parts is told once.
  assert.equal(out.match(/ 4\.1 /g).length, 1);
  // With --trace it is the same: people are told the path anyway.
  assert.equal((await auth(["kick.json", "--trace"], { env: { COLUMNS: "100" } })).out, out);
});

test("for people: what is accepted says by which numbers, too", async () => {
  const { code, out } = await auth(["message.json"], { env: { COLUMNS: "80" } });
  assert.equal(code, 0);
  assert.match(out.replace(/\s+/g, " "), /@cleo:three\.example wants to send a message\. ✓ Accepted: the events it cites and the state before it allow it\. @cleo:three\.example has level 50 \(users\) and an event of this type takes 0 \(by default\)\./);
  assert.match(out.replace(/\s+/g, " "), /No signatures were checked here; “fedproof verify” checks them/);
});

test("for people: the check that decides is told as a whole, of the other what it rests on", async () => {
  const { code, out } = await auth([fileURLToPath(new URL("../../samples/auth-ban.json", import.meta.url))], { env: { COLUMNS: "120" } });
  assert.equal(code, 1);
  for (const part of [
    "@ben:maple.example wants to ban @cleo:oak.example from the room.",
    "✗ Rejected: @ben:maple.example has level 0 (users_default), but banning others takes 50 (ban).",
    "✓ check 4, by the events it cites: allowed by rule 4.6.2\n  ✓ 4.6.2 ",
    "✗ check 5, by the state before it: rejected by rule 4.6.3, ban_power\n  · 1 ",
  ]) {
    assert.ok(out.includes(part), `${part} is not in:\n${out}`);
  }
  assert.match(out.replace(/\s+/g, " "), /The state before it does not allow it, though the events it cites would\./);
});

test("for people: what is missing, and where to get it", async () => {
  put("some.json", `[${["m.room.create", "m.room.power_levels"].map((type) => room.get(type))}]`);
  const none = await auth(["good.json", "--auth-events", "some.json"]);
  assert.equal(none.code, 1);
  const said = none.out.replace(/\s+/g, " ");
  assert.match(said, /\? Incomplete: 1 of the events in auth_events (is|are) not there\. An incomplete verdict is never a yes\. .*\/event_auth\/.*--auth-events/);
  assert.ok(none.out.includes(`missing  ${room.idOf(room.get("m.room.member", cleo))}`), none.out);
  assert.match(none.out, /– check 5, by the state before it: not made, as nothing was given for it/);
  const history = await auth(["event.json", "--state", "history.json"]);
  assert.match(history.out.replace(/\s+/g, " "), /Incomplete: .* are both for the type "m\.room\.power_levels".* The history of a room is not its state/);
});

/** The report without a process around it. */
function report(event, theRoom = room, columns = 110) {
  const options = theRoom.around(event);
  const question = { name: "the-file.json", event: Buffer.from(event), room: options, hasKeys: false };
  return authReport(checkAuth(event, { ...options, trace: true }), question, columns, (_format, text) => text);
}

test("what events are about, in words", () => {
  const words = (event, theRoom) => report(event, theRoom).split("\n\n")[1].split(/\n[✓✗?] /)[0].replace(/\n/g, " ");
  const state = (type, content, state_key = "") => room.make(type, ben, content, { state_key });
  const inRoom = roomOf();
  inRoom.member(alice, "invite", { of: dan });
  const banned = roomOf();
  banned.member(alice, "ban", { of: dan });
  for (const [event, said, theRoom] of [
    [room.makeMember(dan, "join"), `${dan} wants to join the room.`],
    [room.makeMember(ben, "join"), `${ben} wants to stay joined, with a new name or picture perhaps.`],
    [room.makeMember(ben, "join", { of: dan }), `${ben} wants to make ${dan} join.`],
    [room.makeMember(ben, "invite", { of: dan }), `${ben} wants to invite ${dan}.`],
    [room.makeMember(ben, "leave"), `${ben} wants to leave the room.`],
    [inRoom.makeMember(dan, "leave"), `${dan} wants to decline an invite.`, inRoom],
    [inRoom.makeMember(ben, "leave", { of: dan }), `${ben} wants to withdraw the invite of ${dan}.`, inRoom],
    [banned.makeMember(ben, "leave", { of: dan }), `${ben} wants to lift the ban of ${dan}.`, banned],
    [room.makeMember(dan, "knock"), `${dan} wants to be let in (a knock).`],
    [room.makeMember(dan, "dance"), `${dan} wants to change the membership of ${dan}, to “dance”.`],
    [state("m.room.power_levels", {}), `${ben} wants to change the power levels, which say who may do what.`],
    [state("m.room.topic", { topic: "x".repeat(100) }), `${ben} wants to change the topic of the room, to “${"x".repeat(80)}…”.`],
    [state("m.room.join_rules", { join_rule: "knock" }), `${ben} wants to change who may join, to “knock”.`],
    [state("com.example.x", {}, "k"), `${ben} wants to change the state “com.example.x” with the key “k”.`],
    [room.make("constructor", ben, {}), `${ben} wants to send an event of the type “constructor”.`],
    [room.make("m.room.redaction", ben, { redacts: "$x" }), `${ben} wants to redact “$x”.`],
  ]) {
    assert.equal(words(event, theRoom), said);
  }
});

test("strangers' text cannot command the terminal, nor pass for words of ours", async () => {
  const evil = room.make("m.x\u001b[31m\u202e", dan, { topic: "\u009b2J" }, { state_key: "a\u0007b" });
  const posing = room.makeMember(ben, "ban", { of: "everybody. ✓ Accepted" });
  put("evil\u001b[2J.json", around(room, evil));
  put("posing.json", around(room, posing));
  for (const file of ["evil\u001b[2J.json", "posing.json"]) {
    for (const more of [[], ["--json"], ["--json", "--trace"]]) {
      const { out, err } = await auth([file, ...more]);
      assert.doesNotMatch(out + err, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    }
  }
  assert.ok((await auth(["posing.json"])).out.includes("wants to ban “everybody. ✓ Accepted” from the room."));
});

test("colours and widths", async () => {
  const forced = await auth(["kick.json"], { env: { FORCE_COLOR: "1" } });
  for (const code of ["[31m✗", "[2m·", "[36m▸", "[1m"]) assert.ok(forced.out.includes(`${ESCAPE}${code}`), code);
  assert.ok(!(await auth(["kick.json"], { env: { FORCE_COLOR: "1", NO_COLOR: "1" } })).out.includes(ESCAPE));
  assert.equal((await auth(["kick.json"], { env: { COLUMNS: "60" } })).out, report(kick, room, 60).replace("the-file", "kick"));
  for (let columns = 44; columns <= 140; columns += 4) {
    for (const event of [kick, message, ban]) {
      const out = report(event, room, columns);
      const widest = Math.min(columns, 110);
      for (const text of out.split("\n")) assert.ok([...text].length <= widest || /^(Spec|What the code)/.test(text), `${columns}: ${text}`);
    }
  }
});

test("auth: bad usage and unreadable input", async () => {
  put("number.json", documentOf({ room_version: "11", event: kick, state: room.state }));
  put("unknown.json", documentOf({ room_version: '"99"', event: kick, state: room.state }));
  put("no-list.json", documentOf({ room_version: '"11"', event: kick, state: "{}" }));
  put("no-ids.json", documentOf({ room_version: '"11"', event: kick, state: room.state, rejected: "[1]" }));
  put("cut.json", readFileSync(join(cwd, "kick.json"), "utf8").slice(0, -3));
  put("trailing.json", `${readFileSync(join(cwd, "kick.json"), "utf8")} x`);
  put("alone.json", documentOf({ room_version: '"11"', event: kick }));
  for (const [args, said] of [
    [[], /missing required argument/],
    [["nothing.json"], /nothing\.json cannot be read/],
    [["empty.json", "--state", "empty.json"], /empty\.json is empty/],
    [["event.json", "-r", "11"], /nothing to judge the event by.*--state.*--auth-events/s],
    [["alone.json"], /nothing to judge the event by/],
    [["event.json", "--state", "empty.json", "-r", "11"], /empty\.json is empty/],
    [["event.json", "--state", "nonsense.txt", "-r", "11"], /nonsense\.txt holds no events/],
    [["event.json", "--state", "error.json", "-r", "11"], /error M_FORBIDDEN of a server/],
    [["event.json", "--state", "chain.json", "-r", "11"], /without pdus, state/],
    [["event.json", "--state", "keys.json", "-r", "11"], /holds no events/],
    [["event.json", "--state", "state.ndjson", "-r", "13"], /1, 2, 3/],
    [["event.json", "--auth-events", "chain.json", "--create", "chain.json", "-r", "11", "--state"], /argument missing/],
    [["event.json", "--state", "array.json", "--create", "keys.json"], /holds no events/],
    [["kick.json", "--state", "array.json"], /document with the room in it, so --state/],
    [["kick.json", "--current-state", "array.json"], /so --current-state/],
    [["array.json", "--state", "array.json"], /one event at a time/],
    [["room.json", "--state", "array.json"], /one event at a time/],
    [["-", "--state", "-"], /only one of the files/],
    [["number.json"], /room_version of number\.json must be a string: "11"/],
    [["unknown.json"], /unknown_room_version/],
    [["no-list.json"], /state of no-list\.json must be an array/],
    [["no-ids.json"], /rejected of no-ids\.json/],
    [["cut.json", "--state", "array.json", "--jsn"], /Did you mean --json/],
    [["event.json", "--state", "array.json", "-k", "nonsense.txt"], /json_syntax/],
  ]) {
    const { code, out, err } = await auth(args);
    assert.equal(code, 2, `${args.join(" ")}: ${out}${err}`);
    assert.equal(out, "", args.join(" "));
    assert.match(err, said);
    assert.doesNotMatch(err, /\n +at /, "a stack trace");
  }
  // Where the version is nowhere to be found.
  const unknown = await auth(["-", "--auth-events", "chain.json"], { input: kick });
  assert.equal(unknown.code, 1, "the create event among the auth events says it");
  put("levels.json", `[${room.get("m.room.power_levels")}]`);
  const nowhere = await auth(["event.json", "--auth-events", "levels.json", "--json"]);
  assert.deepEqual([nowhere.code, nowhere.out, JSON.parse(nowhere.err).error.code], [2, "", "room_version_missing"]);
  // A document that is cut off is no event, and is nothing else.
  for (const file of ["cut.json", "trailing.json"]) assert.equal((await auth([file])).code, 2, file);
});

test("a stranger's event cannot pass for a document that holds another one", async () => {
  const wolf = `{"event":${message},"state":[${room.state}],"room_version":"11",${kick.slice(1)}`;
  put("wolf.json", wolf);
  const verdict = line(await auth(["wolf.json", "--state", "array.json", "--json"]));
  assert.deepEqual([verdict.outcome, verdict.type, verdict.state_key], ["rejected", "m.room.member", cleo]);
  put("sheep.json", `{"event":${message},"state":[${room.state}],"room_version":"11"}`);
  assert.equal((await auth(["sheep.json", "--state", "array.json"])).code, 2);
});

test("acl: a line for each server, exit codes, and the file in each of its forms", async () => {
  const content = '{"allow":["*"],"deny":["*.evil.example"],"allow_ip_literals":false}';
  const event = (inner, key = '""') => `{"type":"m.room.server_acl","state_key":${key},"sender":"@a:b","content":${inner}}`;
  put("content.json", content);
  put("acl.json", event(content));
  put("acl-state.json", `[${event('{"allow":[]}')},{"type":"m.room.name","state_key":""},${event(content)},${event('{"allow":[]}', '"x"')},5,{"type":1.}]`);
  put("acl-state.ndjson", `${event('{"allow":[]}')}\n${event(content)}\n`);
  put("acl-room.json", `{"room_version":"11","pdus":[${event('{"allow":[]}')},${event(content)}]}`);
  const names = ["good.example", "a.evil.example:8448", "1.2.3.4", "a b"];
  const plain = await run(["acl", "acl.json", ...names]);
  assert.equal(plain.code, 1);
  assert.equal(plain.out.split("\n").length, 5);
  assert.match(plain.out, /^✓ allowed  good\.example +step 4  "good\.example" matches the entry "\*" of allow/m);
  assert.match(plain.out, /^✗ denied   a\.evil\.example:8448 +step 3  "a\.evil\.example" matches the entry "\*\.evil\.example" of deny$/m);
  assert.match(plain.out, /^✗ denied   1\.2\.3\.4 +step 2 /m);
  assert.match(plain.out, /^✗ denied   a b .*is not a server name/m);
  for (const file of ["content.json", "acl-state.json", "acl-state.ndjson", "acl-room.json"]) {
    assert.deepEqual(await run(["acl", file, ...names]), plain, file);
  }
  assert.deepEqual(await run(["acl", "-", ...names], { input: content }), plain);
  assert.equal((await run(["acl", "acl.json", "good.example", "other.example:1"])).code, 0);

  const json = await run(["acl", "acl.json", ...names, "--json"]);
  const lines = json.out.trimEnd().split("\n").map((text) => JSON.parse(text));
  assert.deepEqual(lines.map(({ server_name, allowed, code, step }) => [server_name, allowed, code, step]), [
    ["good.example", true, "acl_allowed", 4],
    ["a.evil.example:8448", false, "acl_denied", 3],
    ["1.2.3.4", false, "acl_ip_literal", 2],
    ["a b", false, "acl_server_name_invalid", undefined],
  ]);
  const piped = await run(["acl", "acl.json", "first.example", "-", "--json"], { input: "good.example\r\n\n  1.2.3.4\n" });
  assert.deepEqual(piped.out.trimEnd().split("\n").map((text) => JSON.parse(text).server_name), ["first.example", "good.example", "1.2.3.4"]);
  assert.equal(piped.code, 1);
});

test("acl: what is not the room's ACL is said, and what is none at all refused", async () => {
  put("other.json", '{"type":"m.room.server_acl","state_key":"x","content":{"allow":[]}}');
  put("odd.json", '{"allow":["*",1,null]}');
  const other = await run(["acl", "other.json", "a.example"]);
  assert.deepEqual([other.code, other.out.slice(0, 9)], [0, "✓ allowed"]);
  assert.match(other.err, /warning: other\.json is not the ACL of a room: .*All servers are allowed/);
  assert.match((await run(["acl", "array.json", "a.example"])).err, /array\.json has no m\.room\.server_acl/);
  assert.match((await run(["acl", "odd.json", "a.example"])).err, /passed over \(2\)/);
  for (const [args, said] of [
    [["acl"], /missing required argument/],
    [["acl", "odd.json"], /missing required argument/],
    [["acl", "nothing.json", "a"], /cannot be read/],
    [["acl", "empty.json", "a"], /empty/],
    [["acl", "nonsense.txt", "a"], /holds no events/],
    [["acl", "error.json", "a"], /error M_FORBIDDEN/],
    [["acl", "-", "-"], /standard input/],
  ]) {
    const { code, out, err } = await run(args);
    assert.deepEqual([code, out], [2, ""], args.join(" "));
    assert.match(err, said);
  }
  const evil = await run(["acl", "odd.json", "a\u001b[31m"]);
  assert.doesNotMatch(evil.out, /\u001b/);
});

test("codes of authorization say which checks give them", async () => {
  for (const [code, said] of [
    ["event_power", /checks 4 to 6, the event is rejected \(by check 6 soft failed\)/],
    ["auth_event_rejected", /check 4, the event is rejected/],
    ["create_event_missing", /checks 4 to 6, the event is incomplete/],
    ["state_conflict", /checks 5 to 7, the event is incomplete/],
    ["state_key_not_sender", /checks 4 to 6, the event is rejected/],
    ["policy_signature_missing", /check 7, the event is soft failed/],
    ["acl_denied", /a server ACL, the server is denied/],
    ["signatures_unchecked", /a flag/],
  ]) {
    assert.match((await run(["codes", code])).out.replace(/\s+/g, " "), said);
  }
});
