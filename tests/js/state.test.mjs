// State resolution, and whole rooms received event by event.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { canonicalJson, eventId, KeyRing, resolveState, Room } from "fedproof";
import { cut } from "../../pkg/dist/cli/raw-json.js";
import { call } from "../../pkg/dist/wasm.js";
import { initSync } from "../../pkg/dist/wasm/fedproof.js";
import { TestRoom } from "./room.mjs";
import { error, NOW, ringOf, server } from "./world.mjs";

const servers = ["one.example", "two.example"].map((name) => server(name));
const [alice, bob, carol] = ["@alice:one.example", "@bob:two.example", "@carol:two.example"];
const VERSIONS = Array.from({ length: 10 }, (_, n) => String(n + 3));

/** A room of alice, with bob and carol, who may change what takes 50. */
function roomOf(version = "11", levels = { [bob]: 50, [carol]: 50 }) {
  const room = new TestRoom(servers, { version });
  room.joinRule("public");
  room.powerLevels({ users: { ...(room.namesItsCreate ? {} : { [alice]: 100 }), ...levels } });
  room.member(bob, "join");
  room.member(carol, "join");
  return room;
}
const topic = (room, sender, text, more) => room.make("m.room.topic", sender, { topic: text }, { state_key: "", ...more });
const entryOf = (room, text) => {
  const { type, state_key } = JSON.parse(text);
  return [type, state_key, room.idOf(text)];
};
/** The room's state with some events in the place of others. */
function stateWith(room, ...texts) {
  const entries = new Map([...room.state, ...texts].map((text) => [JSON.stringify(entryOf(room, text).slice(0, 2)), entryOf(room, text)]));
  return [...entries.values()];
}
const at = (state, type, key = "") => state.find((entry) => entry[0] === type && entry[1] === key)?.[2];
const reversed = (list) => [...list].reverse();

/** One side demotes bob, the other has a topic of bob's. */
function demotion(version) {
  const room = roomOf(version);
  const before = room.add("m.room.topic", alice, { topic: "before" }, { state_key: "" });
  const byBob = topic(room, bob, "bob's");
  const levels = room.make("m.room.power_levels", alice, { users: { ...(room.namesItsCreate ? {} : { [alice]: 100 }), [bob]: 0, [carol]: 50 } }, { state_key: "" });
  return {
    room,
    before,
    byBob,
    levels,
    options: {
      roomVersion: version,
      stateSets: [stateWith(room, levels), stateWith(room, byBob)],
      events: [...room.events, byBob, levels],
    },
  };
}

test("one state is itself, none is the empty state, equal ones are what they are", () => {
  const room = roomOf();
  const state = stateWith(room);
  const sorted = [...state].sort(([one, key], [two, other]) => (one === two ? (key < other ? -1 : 1) : one < two ? -1 : 1));
  const given = { roomVersion: "11", events: room.events };
  assert.deepEqual(resolveState({ ...given, stateSets: [state] }), { state: sorted });
  assert.deepEqual(resolveState({ ...given, stateSets: [state, reversed(state), state] }), { state: sorted });
  assert.deepEqual(resolveState({ ...given, stateSets: [] }), { state: [] });
  assert.deepEqual(resolveState({ ...given, stateSets: [[], []] }), { state: [] });
});

test("who was demoted on one side has no say on the other; in all room versions", () => {
  for (const version of VERSIONS) {
    const { room, before, byBob, levels, options } = demotion(version);
    const { state, trace } = resolveState({ ...options, trace: true });
    assert.equal(at(state, "m.room.power_levels"), room.idOf(levels), version);
    assert.equal(at(state, "m.room.topic"), room.idOf(before), version);
    assert.equal(state.length, stateWith(room).length);
    const check = trace.other_checks.find(({ event_id }) => event_id === room.idOf(byBob));
    assert.deepEqual([check.allowed, check.code], [false, "event_power"]);
    assert.ok(check.rule && check.reason.includes(bob));
  }
});

test("the order of states, of entries and of events does not matter; what is given twice counts once", () => {
  for (const version of ["6", "11", "12"]) {
    const { options } = demotion(version);
    const traced = { ...options, trace: true };
    const expected = resolveState(traced);
    for (const change of [
      { stateSets: reversed(options.stateSets) },
      { stateSets: options.stateSets.map(reversed) },
      { events: reversed(options.events) },
      { events: [...options.events, ...options.events] },
      { stateSets: [...options.stateSets, options.stateSets[0]] },
      { events: options.events.map((text) => Buffer.from(text)) },
      { events: options.events.map((text) => JSON.parse(text)) },
      { rejected: [] },
    ]) {
      assert.deepEqual(resolveState({ ...traced, ...change }), expected);
    }
  }
});

test("the state reset of MSC4297: a demotion all sides agree about takes away what was decided before it, up to version 11", () => {
  for (const version of ["10", "11", "12"]) {
    const room = roomOf(version);
    const topics = [topic(room, bob, "bob's"), topic(room, carol, "carol's", { origin_server_ts: NOW + 90_000 })];
    const demoted = room.powerLevels({ users: room.namesItsCreate ? {} : { [alice]: 100 } });
    const { state, trace } = resolveState({
      roomVersion: version,
      stateSets: topics.map((text) => stateWith(room, text)),
      events: [...room.events, ...topics],
      trace: true,
    });
    assert.equal(at(state, "m.room.power_levels"), room.idOf(demoted));
    const [place] = trace.decided;
    assert.deepEqual([trace.decided.length, place.type, place.state_key], [1, "m.room.topic", ""]);
    const last = version === "12" ? room.idOf(topics[1]) : undefined;
    assert.deepEqual([at(state, "m.room.topic"), place.winner], [last, last], version);
    assert.equal(place.story.length, 2);
  }
});

test("the trace tells every step", () => {
  const { room, before, byBob, levels, options } = demotion("11");
  const { trace } = resolveState({ ...options, trace: true });
  const ids = Object.fromEntries(Object.entries({ before, byBob, levels, first: room.get("m.room.power_levels") }).map(([name, text]) => [name, room.idOf(text)]));
  assert.equal(trace.algorithm, "2");
  assert.equal(trace.unconflicted, room.state.length - 2);
  assert.deepEqual(
    trace.conflicted.map(({ type, state_key, events }) => [type, state_key, [...events].sort()]),
    [["m.room.power_levels", "", [ids.first, ids.levels].sort()], ["m.room.topic", "", [ids.before, ids.byBob].sort()]],
  );
  assert.deepEqual(trace.conflicted_subgraph, []);
  assert.deepEqual([...trace.full_conflicted_set].sort(), [ids.before, ids.byBob, ids.first, ids.levels].sort());
  assert.ok(trace.auth_difference.includes(ids.levels));
  assert.deepEqual(
    trace.power_events.map(({ event_id, sender, level, tie_break }) => [event_id, sender, level, tie_break]),
    [[ids.first, alice, 100, "only_candidate"], [ids.levels, alice, 100, "only_candidate"]],
  );
  assert.equal(trace.power_events[1].origin_server_ts, JSON.parse(levels).origin_server_ts);
  assert.deepEqual(trace.power_checks.map(({ event_id, allowed }) => [event_id, allowed]), [[ids.first, true], [ids.levels, true]]);
  assert.deepEqual(trace.mainline, [ids.levels, ids.first]);
  assert.deepEqual(trace.other_events.map(({ position }) => position), [1, 1]);
  assert.deepEqual(trace.other_checks.map(({ allowed }) => allowed).sort(), [false, true]);
  assert.deepEqual(trace.decided.map(({ type, winner }) => [type, winner]), [["m.room.power_levels", ids.levels], ["m.room.topic", ids.before]]);
  assert.deepEqual(trace.flags, []);
  assert.equal(resolveState(options).trace, undefined);
  assert.deepEqual(resolveState(options).state, resolveState({ ...options, trace: true }).state);
});

test("the trace of version 12 has a subgraph, and creators are above all levels", () => {
  const { options } = demotion("12");
  const { trace } = resolveState({ ...options, trace: true });
  assert.equal(trace.algorithm, "2.1");
  assert.ok(trace.conflicted_subgraph.length > 0);
  assert.ok(trace.power_events.every(({ level }) => level === "infinite"));
});

test("tie-breaks: by level, by time, by id", () => {
  const room = roomOf("11", { [bob]: 100, [carol]: 50 });
  const rule = (sender, join_rule, origin_server_ts) => room.make("m.room.join_rules", sender, { join_rule }, { state_key: "", origin_server_ts });
  const tie = (...texts) => {
    const { trace } = resolveState({ roomVersion: "11", stateSets: texts.map((text) => stateWith(room, text)), events: [...room.events, ...texts], trace: true });
    const ours = new Map(texts.map((text) => [room.idOf(text), text]));
    return trace.power_events.filter(({ event_id }) => ours.has(event_id)).map(({ event_id, tie_break }) => [ours.get(event_id), tie_break]);
  };
  const byAlice = rule(alice, "invite", NOW + 9);
  const byCarol = rule(carol, "knock", NOW + 1);
  assert.deepEqual(tie(byCarol, byAlice)[0], [byAlice, "power_level"]);
  const later = rule(bob, "invite", NOW + 10);
  assert.deepEqual(tie(later, byAlice)[0], [byAlice, "origin_server_ts"]);
  const same = rule(bob, "knock", NOW + 9);
  const smaller = room.idOf(same) < room.idOf(byAlice) ? same : byAlice;
  assert.deepEqual(tie(same, byAlice)[0], [smaller, "event_id"]);
});

test("events that were rejected stay out", () => {
  const { room, levels, byBob, options } = demotion("11");
  const { state, trace } = resolveState({ ...options, rejected: [room.idOf(levels)], trace: true });
  assert.equal(at(state, "m.room.topic"), room.idOf(byBob));
  assert.notEqual(at(state, "m.room.power_levels"), room.idOf(levels));
  const check = trace.power_checks.find(({ event_id }) => event_id === room.idOf(levels));
  assert.deepEqual([check.allowed, check.code], [false, "event_rejected"]);
});

test("what is missing, malformed or in the wrong place is a typed error that names it", () => {
  const { room, levels, byBob, before, options } = demotion("11");
  const without = (...texts) => ({ ...options, events: options.events.filter((text) => !texts.includes(text)) });
  const evidence = (expected) => ({ details }) => assert.deepEqual(details.evidence, expected);
  assert.throws(() => resolveState(without(levels)), error("resolve_event_missing", evidence({ missing: [room.idOf(levels)] })));
  // An auth event of an auth event, in no state.
  assert.throws(() => resolveState(without(room.create)), error("resolve_event_missing", evidence({ missing: [room.idOf(room.create)] })));
  assert.throws(() => resolveState(without(levels, byBob)), error("resolve_event_missing", evidence({ missing: [room.idOf(levels), room.idOf(byBob)].sort() })));
  assert.throws(() => resolveState({ ...options, events: [...options.events, "{"] }), error("resolve_event_malformed", ({ details }) => {
    assert.equal(details.evidence.index, options.events.length);
    assert.equal(details.evidence.code, "json_syntax");
  }));
  const noDepth = byBob.replace(/"depth":\d+,/, "");
  assert.throws(() => resolveState({ ...options, events: [noDepth] }), error("resolve_event_malformed", ({ details }) => assert.equal(details.evidence.code, "field_missing")));
  const wrong = [["m.room.name", "", room.idOf(before)]];
  assert.throws(() => resolveState({ ...options, stateSets: [wrong] }), error("resolve_wrong_place", evidence({ event_id: room.idOf(before), type: "m.room.name", state_key: "" })));
  assert.throws(() => resolveState({ ...options, stateSets: [[["m.room.topic", "x", room.idOf(before)]]] }), error("resolve_wrong_place"));
  const message = room.make("m.room.message", alice, { body: "no state" });
  assert.throws(() => resolveState({ ...options, stateSets: [[["m.room.message", "", room.idOf(message)]]], events: [...options.events, message] }), error("resolve_wrong_place"));
  const two = [["m.room.topic", "", room.idOf(before)], ["m.room.topic", "", room.idOf(byBob)]];
  assert.throws(() => resolveState({ ...options, stateSets: [two] }), error("resolve_two_events", evidence({ type: "m.room.topic", state_key: "" })));
  for (const code of ["resolve_event_missing", "resolve_auth_loop"]) assert.match(docsOf(code), /^https:\/\/spec\.matrix\.org/);
});

function docsOf(code) {
  const { room, options } = demotion("11");
  try {
    resolveState(code === "resolve_auth_loop" ? loop() : { ...options, events: [room.create] });
  } catch (thrown) {
    assert.equal(thrown.code, code);
    return thrown.docs;
  }
}

/** Events of version 1 say their own ids, and can so cite each other. */
function loop() {
  const event = (id, cites) => ({
    event_id: id,
    type: "m.room.topic",
    state_key: "",
    sender: alice,
    room_id: "!room:one.example",
    content: {},
    origin_server_ts: NOW,
    depth: 1,
    prev_events: [],
    auth_events: cites.map((cited) => [cited, { sha256: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU" }]),
    hashes: { sha256: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU" },
    signatures: { "one.example": { "ed25519:1": "" } },
  });
  return {
    roomVersion: "1",
    stateSets: [[["m.room.topic", "", "$a:one.example"]]],
    events: [event("$a:one.example", ["$b:one.example"]), event("$b:one.example", ["$a:one.example"]), event("$c:one.example", ["$b:one.example"])],
  };
}

test("events that cite each other in a circle are an error, not a hang", () => {
  assert.throws(() => resolveState(loop()), error("resolve_auth_loop", ({ details }) => assert.deepEqual([...details.evidence.events].sort(), ["$a:one.example", "$b:one.example", "$c:one.example"])));
});

test("arguments of resolveState", () => {
  const { options } = demotion("11");
  const bad = (change, code, said = /./) => assert.throws(() => resolveState({ ...options, ...change }), error(code, ({ message }) => assert.match(message, said)));
  bad({ roomVersion: undefined }, "invalid_option", /roomVersion/);
  bad({ roomVersion: 11 }, "invalid_option", /"11"/);
  bad({ roomVersion: "99" }, "unknown_room_version");
  bad({ stateSets: undefined }, "invalid_option", /stateSets/);
  bad({ events: undefined }, "invalid_option", /events/);
  for (const stateSets of [{}, "[]", [{}], [["a"]], [[["a", "b"]]], [[["a", "b", "c", "d"]]], [[["a", "b", 1]]], [[["a", null, "c"]]]]) bad({ stateSets }, "invalid_option");
  bad({ events: "x" }, "invalid_option");
  bad({ events: [1] }, "invalid_option");
  bad({ events: [{ depth: 1.5e300 * 1e300 }] }, "lossy_object");
  bad({ rejected: [1] }, "invalid_option");
  bad({ trace: 1 }, "invalid_option");
  bad({ tracing: true }, "invalid_option", /trace/);
  assert.throws(() => resolveState(), error("invalid_option"));
  assert.throws(() => resolveState([]), error("invalid_argument"));
});

test("names like __proto__ are names like others", () => {
  const room = roomOf();
  const odd = room.add("__proto__", alice, { a: 1 }, { state_key: "constructor" });
  const { state } = resolveState({ roomVersion: "11", stateSets: [stateWith(room), stateWith(room)], events: room.events });
  assert.equal(at(state, "__proto__", "constructor"), room.idOf(odd));
});

// Rooms

const outcomes = (verdicts) => verdicts.map(({ outcome }) => outcome);
const idsOf = (verdicts) => verdicts.map(({ event_id }) => event_id);

/** A room with a fork: bob's topic, while alice demotes him; and an end that joins both. */
function forked(version = "11") {
  const { room, byBob, levels } = demotion(version);
  const merge = room.make("m.room.message", alice, { body: "merge" }, { prev_events: [room.idOf(levels), room.idOf(byBob)], depth: 99 });
  return { room, byBob, levels, merge, events: [...room.events, byBob, levels, merge], keys: ringOf(...servers) };
}

test("a room in order: verdicts of seven checks, states before and after, extremities", () => {
  for (const version of ["6", "11", "12"]) {
    const { room, byBob, levels, merge, events, keys } = forked(version);
    const received = new Room({ roomVersion: version, keys });
    const verdicts = received.add(events);
    assert.deepEqual(idsOf(verdicts), events.map((text) => room.idOf(text)));
    assert.ok(verdicts.every(({ outcome }) => outcome === "accepted"));
    assert.deepEqual(verdicts.at(-1).checks.map(({ check }) => check), [1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(received.counts(), { events: events.length, waiting: 0 });
    assert.deepEqual([received.missing(), received.waiting()], [[], []]);
    assert.deepEqual(received.extremities(), [room.idOf(merge)]);
    // Both branches follow on the same event.
    assert.deepEqual(received.stateBefore(room.idOf(byBob)), received.stateBefore(room.idOf(levels)));
    assert.equal(at(received.stateAfter(room.idOf(byBob)), "m.room.topic"), room.idOf(byBob));
    assert.deepEqual(received.stateBefore(room.idOf(merge)), received.currentState());
    assert.deepEqual(received.currentState(), resolveState({
      roomVersion: version,
      stateSets: [levels, byBob].map((text) => received.stateAfter(room.idOf(text))),
      events,
    }).state);
    assert.deepEqual(received.stateBefore(room.idOf(events[0])), []);
    const trace = received.trace([levels, byBob].map((text) => room.idOf(text)));
    assert.deepEqual(trace.conflicted.map(({ type }) => type), ["m.room.power_levels", "m.room.topic"]);
    assert.deepEqual(received.trace().conflicted, []);
    for (const unknown of ["$unknown", "", "x"]) {
      assert.deepEqual([received.stateBefore(unknown), received.stateAfter(unknown), received.event(unknown)], [undefined, undefined, undefined]);
    }
    assert.deepEqual(received.add(events), [], "what is there already has had its verdict");
  }
});

test("in any order, in parts of any size: what comes early waits, and says for what", () => {
  const { room, events, merge, keys } = forked();
  const expected = new Room({ roomVersion: "11", keys });
  expected.add(events);
  let state = 1;
  const random = (below) => (state = (state * 48271) % 2147483647) % below;
  for (let n = 0; n < 40; n += 1) {
    const order = n === 0 ? reversed(events) : [...events].sort(() => random(3) - 1);
    const received = new Room({ roomVersion: "11", keys });
    const verdicts = [];
    for (let at = 0; at < order.length; ) {
      const part = order.slice(at, (at += 1 + random(n === 0 ? 1 : 4)));
      verdicts.push(...received.add(part));
      assert.equal(received.counts().events + received.counts().waiting, Math.min(at, order.length));
      assert.equal(received.waiting().length, received.counts().waiting);
      assert.ok(received.waiting().every(({ outcome }) => outcome === "incomplete"));
    }
    assert.equal(verdicts.length, events.length);
    assert.ok(outcomes(verdicts).every((outcome) => ["accepted", "soft_failed"].includes(outcome)));
    assert.deepEqual(received.currentState(), expected.currentState());
    assert.deepEqual(received.extremities(), expected.extremities());
  }
  const early = new Room({ roomVersion: "11", keys });
  assert.deepEqual(early.add([merge]), []);
  const [waits] = early.waiting();
  assert.equal(waits.event_id, room.idOf(merge));
  const missing = waits.checks.find(({ result }) => result === "incomplete");
  assert.equal(missing.code, "event_missing");
  const cites = JSON.parse(merge);
  assert.deepEqual([...missing.missing].sort(), [...new Set([...cites.prev_events, ...cites.auth_events])].sort());
  assert.deepEqual(early.missing().map(({ eventId }) => eventId).sort(), [...missing.missing].sort());
  assert.ok(early.missing().every(({ waiting }) => waiting === 1));
});

test("events that are no good are judged and do not stop others", () => {
  const { room, events, keys } = forked();
  const received = new Room({ roomVersion: "11", keys });
  received.add(events);
  const kick = room.makeMember(bob, "leave", { of: alice });
  const forged = room.make("m.room.message", alice, { body: "x" }).replace('"body":"x"', '"body":"y"');
  const stranger = room.make("m.room.message", alice, { body: "x" }, { signers: ["two.example"], depth: 50 });
  const verdicts = received.add([kick, "{", forged, stranger, "[]", "5", ""]);
  assert.deepEqual(outcomes(verdicts), ["rejected", "dropped", "accepted", "dropped", "dropped", "dropped", "dropped"]);
  assert.equal(verdicts[2].redacted, true);
  const kept = received.event(room.idOf(forged));
  assert.deepEqual([kept.outcome, kept.redactedBy, JSON.parse(kept.pdu).content], ["accepted", undefined, {}]);
  assert.equal(received.event(room.idOf(kick)).outcome, "rejected");
  assert.equal(received.event(room.idOf(stranger)), undefined);
  assert.ok(!received.extremities().includes(room.idOf(kick)));
});

test("an event is given back as canonical JSON, and says by what it was redacted", () => {
  const { room, keys } = forked();
  const text = room.add("m.room.message", bob, { body: "secret", msgtype: "m.text" });
  const redaction = room.add("m.room.redaction", bob, { redacts: room.idOf(text) });
  const received = new Room({ roomVersion: "11", keys });
  received.add(room.events);
  const event = received.event(room.idOf(text));
  assert.equal(event.redactedBy, room.idOf(redaction));
  assert.equal(event.pdu, canonicalJson(event.pdu));
  assert.equal(eventId(event.pdu, "11"), room.idOf(text));
  assert.equal(received.event(room.idOf(redaction)).redactedBy, undefined);
});

test("events that lack a key wait for it, and are judged when it is there", () => {
  const { events } = forked();
  const keys = ringOf(servers[0]);
  const received = new Room({ roomVersion: "11", keys });
  const first = received.add(events);
  assert.ok(first.length > 0 && first.length < events.length);
  const lacking = received.waiting().filter(({ checks }) => checks.some(({ code }) => code === "signature_key_missing"));
  assert.ok(lacking.length >= 2);
  assert.ok(lacking.every(({ outcome }) => outcome === "incomplete"));
  assert.deepEqual(received.retry(), [], "nothing has changed");
  keys.addServerKeys(servers[1].keyResponse(), { fetchedTs: NOW });
  const second = received.retry();
  assert.equal(first.length + second.length, events.length);
  assert.ok(outcomes(second).every((outcome) => outcome === "accepted"));
  assert.deepEqual(received.counts(), { events: events.length, waiting: 0 });
});

test("without keys nothing is accepted; options are passed on", () => {
  const { events, keys } = forked();
  const keyless = new Room({ roomVersion: "11" });
  assert.deepEqual(keyless.add(events), []);
  assert.equal(keyless.waiting().length, events.length);
  assert.deepEqual(keyless.currentState(), []);
  const [traced] = new Room({ roomVersion: "11", keys, trace: true, evidence: true }).add(events.slice(0, 1));
  assert.ok(traced.checks[3].path.length > 0);
  assert.equal(typeof traced.checks[1].evidence, "object");
});

test("verdicts that say the same of many events are whole, and each its own", () => {
  for (const version of ["6", "11", "12"]) {
    const { events, keys } = forked(version);
    const verdicts = new Room({ roomVersion: version, keys }).add(events);
    // With evidence, no verdict is like another, and each comes as it is.
    const full = new Room({ roomVersion: version, keys, evidence: true }).add(events);
    for (const check of full.flatMap(({ checks }) => checks)) delete check.evidence;
    assert.deepEqual(verdicts, full);
    assert.deepEqual(Object.keys(verdicts[1]), Object.keys(full[1]));
    verdicts[1].checks[3].name = "changed";
    assert.deepEqual(verdicts.slice(2), full.slice(2));
  }
});

test("feed takes what comes and yields verdicts, from anything that can be iterated", async () => {
  const { events, keys } = forked();
  const expected = new Room({ roomVersion: "11", keys }).add(events);
  const stream = (async function* () {
    for (const [n, event] of events.entries()) {
      if (n % 3 === 0) await new Promise((resolve) => setTimeout(resolve));
      yield n % 2 ? event : Buffer.from(event);
    }
  })();
  for (const source of [events, new Set(events), stream]) {
    const room = new Room({ roomVersion: "11", keys });
    const verdicts = [];
    for await (const verdict of room.feed(source)) verdicts.push(verdict);
    assert.deepEqual(verdicts, expected);
  }
  const none = [];
  for await (const verdict of new Room({ roomVersion: "11" }).feed([])) none.push(verdict);
  assert.deepEqual(none, []);
});

test("a source may use its bytes again for the next event", async () => {
  const { events, keys } = forked();
  const room = new Room({ roomVersion: "11", keys });
  const reuse = function* () {
    const buffer = Buffer.alloc(10_000);
    for (const event of events) yield buffer.subarray(0, buffer.write(event));
  };
  let accepted = 0;
  for await (const { outcome } of room.feed(reuse())) accepted += outcome === "accepted" ? 1 : 0;
  assert.equal(accepted, events.length);
  assert.throws(() => call((wasm) => wasm.trap()), error("wasm_trap"));
  assert.equal(room.counts().events, events.length);
});

test("while a long room is fed, others get to run; also where all has waited for one event", async () => {
  const room = roomOf();
  for (let n = 0; n < 1500; n += 1) room.add("m.room.message", n % 2 ? alice : bob, { body: `message ${n}` });
  const keys = ringOf(...servers);
  for (const events of [room.events, reversed(room.events)]) {
    const received = new Room({ roomVersion: "11", keys });
    let ticks = 0;
    const timer = setInterval(() => {
      ticks += 1;
    }, 1);
    let verdicts = 0;
    let atFirst;
    for await (const _ of received.feed(events)) {
      atFirst ??= ticks;
      verdicts += 1;
    }
    const atLast = ticks;
    clearInterval(timer);
    assert.equal(verdicts, events.length);
    assert.ok(atLast >= 2, `the timer fired ${atLast} times`);
  }
});

test("a feed that is aborted keeps what it took, closes its source, and can be gone on with", async () => {
  const { events, keys } = forked();
  const received = new Room({ roomVersion: "11", keys });
  const controller = new AbortController();
  let closed = false;
  const source = (function* () {
    try {
      for (const [n, event] of events.entries()) {
        if (n === 4) controller.abort(new Error("enough"));
        yield event;
      }
    } finally {
      closed = true;
    }
  })();
  const feed = async () => {
    for await (const _ of received.feed(source, { signal: controller.signal }));
  };
  await assert.rejects(feed(), error("aborted", ({ cause }) => assert.equal(cause.message, "enough")));
  assert.ok(closed);
  const { events: taken } = received.counts();
  assert.ok(taken >= 4 && taken < events.length, String(taken));
  await assert.rejects(async () => {
    for await (const _ of received.feed(events, { signal: AbortSignal.abort() }));
  }, error("aborted"));
  for await (const _ of received.feed(events));
  assert.deepEqual(received.counts(), { events: events.length, waiting: 0 });
});

test("a feed that nobody reads on leaves the room in order", async () => {
  const { events, keys } = forked();
  const received = new Room({ roomVersion: "11", keys });
  for await (const _ of received.feed(reversed(events))) break;
  received.add([]);
  assert.deepEqual(received.counts(), { events: events.length, waiting: 0 });
});

test("what a source throws, or yields that is no event, ends the feed and not the room", async () => {
  const { events, keys } = forked();
  const received = new Room({ roomVersion: "11", keys });
  const failing = async function* () {
    yield events[0];
    throw new Error("the line is dead");
  };
  await assert.rejects(async () => {
    for await (const _ of received.feed(failing()));
  }, /the line is dead/);
  await assert.rejects(async () => {
    for await (const _ of received.feed([events[1], 5]));
  }, error("invalid_argument"));
  assert.equal(received.counts().events, 2);
});

test("save and load: the same room, byte for byte what came, waiting events too", () => {
  const { room, events, keys } = forked();
  const received = new Room({ roomVersion: "11", keys });
  const spaced = events[3].replace('{"', '{ "').replace(/}$/, "\n}");
  const early = room.make("m.room.message", alice, { body: "early" }, { prev_events: ["$DR2gqI___4oQ6cWmzPdq8LJmR1ho5JciFsR7fMYXgZA"] });
  received.add([...events.slice(0, 3), spaced, ...events.slice(4), early, JSON.parse(early)]);
  const saved = received.save();
  assert.ok(saved.includes(spaced));
  assert.equal(JSON.parse(saved).room_version, "11");
  for (const text of [saved, Buffer.from(saved)]) {
    const loaded = Room.load(text, { keys });
    assert.deepEqual(loaded.currentState(), received.currentState());
    assert.deepEqual(loaded.counts(), received.counts());
    assert.deepEqual(loaded.missing(), received.missing());
    assert.deepEqual(loaded.waiting(), received.waiting());
    assert.equal(loaded.save(), saved);
  }
  // Keys are not in it.
  assert.equal(Room.load(saved).counts().events, 0);
  const empty = new Room({ roomVersion: "10" });
  assert.deepEqual(Room.load(empty.save()).counts(), { events: 0, waiting: 0 });
});

test("a room that was sent rubbish can be saved, and rubbish stays rubbish", () => {
  const { room, events, keys } = forked();
  const received = new Room({ roomVersion: "11", keys });
  const later = room.make("m.room.message", alice, { body: "caf\u00e9" });
  const rubbish = ["{", "]}", "", '"', "[1]", "5", "}{", `\ufeff${later}`, Buffer.from(later, "latin1"), later.replace("caf", "\ud800"), "//"];
  assert.ok(received.add([...events.slice(0, 2), ...rubbish, ...events.slice(2)]).filter(({ outcome }) => outcome === "dropped").length >= rubbish.length - 1);
  const loaded = Room.load(received.save(), { keys });
  assert.deepEqual(loaded.counts(), received.counts());
  assert.deepEqual(loaded.currentState(), received.currentState());
});

test("load takes any room file; what it cannot is told", () => {
  const { room, events, keys } = forked("10");
  const array = `[${events}]`;
  assert.equal(Room.load(array, { keys }).counts().events, events.length, "the create event says the version");
  assert.equal(Room.load(events.join("\n"), { keys }).counts().events, events.length);
  assert.equal(Room.load(`{"pdus":[${events.slice(1)}]}`, { keys, roomVersion: "10" }).counts().waiting, events.length - 1);
  assert.throws(() => Room.load(`{"pdus":[${events.slice(1)}]}`, { keys }), error("invalid_option", ({ message }) => assert.match(message, /roomVersion/)));
  assert.throws(() => Room.load('{"room_version":"99","pdus":[]}'), error("unknown_room_version"));
  assert.throws(() => Room.load(""), error("input_empty"));
  assert.throws(() => Room.load("hello"), error("input_unreadable"));
  assert.throws(() => Room.load('{"pdus":[{'), error("input_unreadable"));
  assert.throws(() => Room.load(array, { key: keys }), error("invalid_option"));
  assert.throws(() => Room.load(5), error("invalid_argument"));
  assert.equal(room.version, "10");
});

test("a trap does not lose a room: neither what was decided, nor what waits", () => {
  const { room, events, merge, keys } = forked();
  const received = new Room({ roomVersion: "11", keys });
  const early = room.make("m.room.message", alice, { body: "early" }, { prev_events: [room.idOf(merge)], depth: 100 });
  received.add([...events.slice(0, -1), early]);
  const answers = () => [received.counts(), received.currentState(), received.extremities(), received.waiting(), received.missing(), received.save()];
  const before = answers();
  for (let n = 0; n < 3; n += 1) {
    assert.throws(() => call((wasm) => wasm.trap()), error("wasm_trap"));
    assert.deepEqual(answers(), before);
  }
  assert.throws(() => call((wasm) => wasm.trap()), error("wasm_trap"));
  assert.deepEqual(idsOf(received.add([merge])), [merge, early].map((text) => room.idOf(text)));
});

test("a trap in the middle of a feed does not lose it", async () => {
  const { events, keys } = forked();
  const received = new Room({ roomVersion: "11", keys });
  let verdicts = 0;
  for await (const _ of received.feed(events)) {
    verdicts += 1;
    if (verdicts % 3 === 0) assert.throws(() => call((wasm) => wasm.trap()), error("wasm_trap"));
  }
  assert.equal(verdicts, events.length);
  assert.deepEqual(received.counts(), { events: events.length, waiting: 0 });
});

test("a room that is disposed of is empty, and can be used again", () => {
  const { events, keys } = forked();
  const received = new Room({ roomVersion: "11", keys });
  received.add(events);
  received.dispose();
  assert.deepEqual([received.counts(), received.currentState(), received.extremities()], [{ events: 0, waiting: 0 }, [], []]);
  assert.equal(received.add(events).length, events.length);
  if (Symbol.dispose) received[Symbol.dispose]();
  assert.equal(received.counts().events, 0);
});

test("arguments of Room", () => {
  const { keys } = forked();
  for (const [options, code] of [
    [undefined, "invalid_option"],
    [{}, "invalid_option"],
    [{ roomVersion: 11 }, "invalid_option"],
    [{ roomVersion: "99" }, "unknown_room_version"],
    [{ roomVersion: "11", keys: {} }, "invalid_option"],
    [{ roomVersion: "11", ring: keys }, "invalid_option"],
    [{ roomVersion: "11", trace: "yes" }, "invalid_option"],
    ["11", "invalid_argument"],
  ]) {
    assert.throws(() => new Room(options), error(code), JSON.stringify(options));
  }
  const room = new Room({ roomVersion: "11", keys });
  for (const events of [undefined, "x", {}, [1], [null], [new ArrayBuffer(1)], [, "{}"]]) assert.throws(() => room.add(events), error("invalid_argument"));
  assert.throws(() => room.add([{ a: Number.NaN }]), error("lossy_object"));
  for (const method of ["stateBefore", "stateAfter", "event"]) assert.throws(() => room[method](5), error("invalid_argument"));
  assert.throws(() => room.trace("x"), error("invalid_argument"));
  assert.throws(() => room.trace([1]), error("invalid_argument"));
  assert.deepEqual(room.trace(["$unknown"]).conflicted, []);
  assert.deepEqual(room.counts(), { events: 0, waiting: 0 });
});

// Rooms of a real Synapse

const folder = new URL("../data/rooms/", import.meta.url);

/** The PDUs as they stand in the file. */
function pdusOf(bytes) {
  return cut(cut(bytes, "room").members.get("pdus"), "pdus").items;
}

test("every event and every state of every room of a real Synapse", () => {
  let events = 0;
  let races = 0;
  // What these have is dropped or judged otherwise than by Synapse (docs/divergences.md).
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".json") && !file.startsWith("verdicts-"))) {
    const bytes = readFileSync(new URL(name, folder));
    const file = JSON.parse(bytes);
    const keys = new KeyRing();
    keys.addAllServerKeys(bytes, { fetchedTs: Number.MAX_SAFE_INTEGER });
    const room = new Room({ roomVersion: file.room_version, keys });
    const verdicts = new Map(room.add(pdusOf(bytes)).map((verdict) => [verdict.event_id, verdict]));
    assert.deepEqual([room.counts(), room.missing()], [{ events: file.pdus.length, waiting: 0 }, []], name);
    const ids = (indices) => indices.map((index) => file.event_ids[index]).sort();
    const idsIn = (state) => state.map(([, , id]) => id).sort();
    for (const [index, id] of file.event_ids.entries()) {
      const verdict = verdicts.get(id);
      // Synapse looked at one join before it had stored the ban that it follows in the file.
      const raced = verdict.outcome === "soft_failed" && file.synapse[index].outcome === "accepted" && verdict.checks.some(({ code }) => code === "join_banned");
      if (raced) races += 1;
      else assert.equal(verdict.outcome, file.synapse[index].outcome, `${name} ${id}`);
      const before = file.synapse[index].state_before;
      if (Array.isArray(before)) assert.deepEqual(idsIn(room.stateBefore(id)), ids(before), `${name}: the state before ${id}`);
      events += 1;
    }
    assert.deepEqual(idsIn(room.currentState()), ids(file.current_state), name);
    assert.deepEqual(room.currentState(), Room.load(bytes, { keys }).currentState());
    room.dispose();
  }
  assert.ok(events > 1300, `only ${events} events`);
  assert.ok(races <= 7, `${races} races`);
});

// Memory

test("memory is flat over 10,000 calls of resolveState, and over 300 rooms", () => {
  const module = new WebAssembly.Module(readFileSync(new URL("../../pkg/dist/wasm/fedproof_bg.wasm", import.meta.url)));
  const memory = () => initSync({ module }).memory.buffer.byteLength;
  const { options } = demotion("12");
  const { events, keys } = forked();
  const asked = [options, { ...options, trace: true }, { ...options, events: [] }, { ...options, events: ["{"] }];
  const resolve = (times) => {
    for (let n = 0; n < times; n += 1) {
      try {
        resolveState(asked[n % asked.length]);
      } catch (thrown) {
        assert.match(thrown.code, /^resolve_event_/);
      }
    }
  };
  const rooms = (times) => {
    for (let n = 0; n < times; n += 1) {
      const room = new Room({ roomVersion: "11", keys });
      room.add(events);
      room.currentState();
      room.dispose();
    }
  };
  resolve(400);
  rooms(10);
  const before = memory();
  resolve(10_000);
  rooms(300);
  assert.equal(memory(), before);
});
