// Rooms that are not there from their beginning: joins, gaps, history.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Room, signEvent } from "fedproof";
import { call } from "../../pkg/dist/wasm.js";
import { TestRoom } from "./room.mjs";
import { error, NOW, ringOf, server } from "./world.mjs";

const [one, two, ours] = ["one.example", "two.example", "ours.example"].map((name) => server(name));
const keys = ringOf(one, two, ours);
const alice = "@alice:one.example";
const bob = "@bob:two.example";
const me = "@me:ours.example";
const trap = () => assert.throws(() => call((wasm) => wasm.trap()), error("wasm_trap"));
const outcomes = (verdicts) => verdicts.map(({ outcome }) => outcome);
const MISSING = "$DR2gqI___4oQ6cWmzPdq8LJmR1ho5JciFsR7fMYXgZA";

/** A public room in which Bob is, and our join, which is not received anywhere yet. */
function world(version = "11") {
  const room = new TestRoom([one, two, ours], { version });
  room.powerLevels({ users: { ...(Number(version) >= 12 ? {} : { [alice]: 100 }), [bob]: 50 } });
  room.joinRule("public");
  room.member(bob, "join");
  room.add("m.room.topic", alice, { topic: "x" }, { state_key: "" });
  const state = room.state;
  const chain = room.events;
  const event = room.member(me, "join");
  const answer = (more = {}) =>
    JSON.stringify({ origin: one.name, state: state.map(JSON.parse), auth_chain: chain.map(JSON.parse), ...more });
  const options = (more = {}) => ({ roomVersion: version, roomId: room.id, event, keys, ...more });
  return { room, state, chain, event, answer, options };
}

const idsIn = (state) => state.map(([, , id]) => id).sort();

/** All that there is to know about a room. */
const known = (room) => [
  room.counts(),
  room.currentState(),
  room.extremities(),
  room.waiting(),
  room.missing(),
  room.isPartial(),
  room.save(),
];

test("a join makes a room of the answer, however it comes, and the room goes on", async () => {
  for (const version of ["3", "10", "11", "12"]) {
    const { room, state, event, answer, options } = world(version);
    const bytes = new TextEncoder().encode(answer());
    const pieces = async function* () {
      for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
    };
    for (const given of [bytes, answer(), JSON.parse(answer()), pieces(), Buffer.from(bytes)]) {
      let told = 0;
      const { room: joined, report } = await Room.fromJoin(given, options({ progress: (done) => (told = done) }));
      assert.equal(report.verdict.outcome, "accepted");
      assert.deepEqual([report.fallen, report.missing, report.state.fallen, report.partial], [[], [], [], false]);
      assert.deepEqual([report.state.taken, report.serversInRoom], [state.length, undefined]);
      assert.equal(told, JSON.parse(answer()).state.length + JSON.parse(answer()).auth_chain.length);
      assert.deepEqual(joined.extremities(), [room.idOf(event)]);
      assert.deepEqual(idsIn(joined.stateBefore(room.idOf(event))), state.map((text) => room.idOf(text)).sort());
      const topic = joined.event(room.idOf(room.get("m.room.topic")));
      assert.deepEqual([topic.outcome, topic.outlier], ["accepted", true]);
      assert.equal(joined.event(room.idOf(event)).outlier, false);
    }
    const { room: joined } = await Room.fromJoin(bytes, options());
    const whole = new Room({ roomVersion: version, keys });
    whole.add(room.events);
    assert.deepEqual(joined.currentState(), whole.currentState());
    const hello = room.make("m.room.message", me, { body: "hello" });
    const kick = room.makeMember(alice, "leave", { of: bob });
    const topic = room.make("m.room.topic", bob, { topic: "y" }, { state_key: "" });
    for (const events of [[hello, kick, topic]]) assert.deepEqual(outcomes(joined.add(events)), outcomes(whole.add(events)));
    assert.deepEqual(joined.currentState(), whole.currentState());
    assert.deepEqual(joined.extremities(), whole.extremities());
  }
});

test("what is bad in an answer falls out and is told", async () => {
  const { room, state, chain, answer, options } = world();
  const make = (key, sender, content = {}) => room.make("org.example.state", sender, content, { state_key: key });
  const forged = make("a", alice).replace(/"ed25519:[^"]+":"[^"]+"/, `"${one.key.keyId}":"${"A".repeat(86)}"`);
  const stranger = room.make("org.example.state", "@x:two.example", {}, { state_key: "b" });
  const changed = make("c", alice, { a: 1 }).replace('"a":1', '"a":2');
  const bad = [forged, stranger, changed].map(JSON.parse);
  const { room: joined, report } = await Room.fromJoin(answer({ state: [...state.map(JSON.parse), ...bad, 5] }), options());
  assert.equal(report.verdict.outcome, "accepted");
  assert.deepEqual(outcomes(report.fallen).sort(), ["accepted", "dropped", "dropped", "rejected"]);
  assert.ok(report.fallen.find(({ outcome }) => outcome === "accepted").redacted);
  assert.deepEqual(report.state.fallen, [room.idOf(stranger)]);
  assert.equal(joined.stateBefore(joined.extremities()[0]).length, state.length + 1);

  const levels = room.idOf(room.get("m.room.power_levels"));
  const without = (list) => list.map(JSON.parse).filter(({ type }) => type !== "m.room.power_levels");
  const lacking = await Room.fromJoin(answer({ state: without(state), auth_chain: without(chain) }), options());
  assert.deepEqual([lacking.report.verdict.outcome, lacking.report.missing], ["incomplete", [levels]]);
  assert.deepEqual(lacking.room.extremities(), []);

  const cites = JSON.parse(room.get("m.room.topic")).auth_events;
  const ban = room.makeMember(alice, "ban", { of: me, auth_events: cites });
  const banned = await Room.fromJoin(answer({ state: [...state, ban].map(JSON.parse) }), options());
  assert.equal(banned.report.verdict.outcome, "rejected");
  assert.deepEqual([banned.room.extremities(), banned.room.currentState()], [[], []]);
});

test("an answer that is none is an exception, and so is a join that is aborted", async () => {
  const { room, state, event, answer, options } = world();
  const other = new TestRoom([two]);
  const list = (texts) => texts.map(JSON.parse);
  const topic = room.make("m.room.topic", alice, { topic: "2" }, { state_key: "" });
  const sign = (event) => signEvent(event, { serverName: one.name, key: one.key, roomVersion: "11" });
  const create = sign({ ...JSON.parse(room.create), content: { room_version: "10" }, signatures: {} });
  for (const [code, text] of [
    ["join_answer_incomplete", answer({ state: undefined })],
    ["join_answer_incomplete", answer({ auth_chain: {} })],
    ["join_answer_incomplete", answer({ members_omitted: true })],
    ["join_answer_no_create", answer({ state: list(state.slice(1)) })],
    ["join_answer_other_room", answer({ state: list([other.create, ...state.slice(1)]) })],
    ["join_answer_room_version", answer({ state: list([create, ...state.slice(1)]), auth_chain: [] })],
    ["join_answer_conflict", answer({ state: list([...state, topic]) })],
    ["join_answer_event_changed", answer({ event: { ...JSON.parse(event), depth: 99 } })],
    ["input_unreadable", answer().slice(0, -5)],
    ["input_unreadable", "[]"],
  ]) {
    await assert.rejects(Room.fromJoin(text, options()), error(code), code);
  }
  const { report } = await Room.fromJoin(answer({ event: JSON.parse(event) }), options());
  assert.equal(report.verdict.outcome, "accepted");
  await assert.rejects(Room.fromJoin(answer(), options({ signal: AbortSignal.abort() })), error("aborted"));
  const failing = async function* () {
    yield new TextEncoder().encode(answer().slice(0, 100));
    throw new Error("the line is dead");
  };
  await assert.rejects(Room.fromJoin(failing(), options()), /the line is dead/);
  for (const [more, code] of [
    [{ roomVersion: undefined }, "invalid_option"],
    [{ roomId: 5 }, "invalid_option"],
    [{ event: undefined }, "invalid_option"],
    [{ room: "x" }, "invalid_option"],
    [{ progress: true }, "invalid_option"],
    [{ signal: 1 }, "invalid_option"],
    [{ roomVersion: "99" }, "unknown_room_version"],
  ]) {
    await assert.rejects(Room.fromJoin(answer(), options(more)), error(code));
  }
  await assert.rejects(Room.fromJoin(5, options()), error("invalid_argument"));
});

test("a room that was joined survives traps, and can be saved", async () => {
  const { room, event, answer, options } = world();
  const { room: joined } = await Room.fromJoin(answer(), options());
  const early = room.make("m.room.message", alice, { body: "early" }, { prev_events: [MISSING] });
  joined.add([early]);
  const before = known(joined);
  for (let n = 0; n < 3; n += 1) {
    trap();
    assert.deepEqual(known(joined), before);
  }
  const saved = joined.save();
  const loaded = Room.load(saved, { keys });
  assert.deepEqual(known(loaded), before);
  assert.deepEqual(loaded.stateBefore(room.idOf(event)), joined.stateBefore(room.idOf(event)));
  assert.equal(loaded.add([room.make("m.room.message", me, { body: "x" })])[0].outcome, "accepted");

  // Each event once: nearly all of the state stood in the auth chain, too.
  const pdus = JSON.parse(saved).pdus.map((pdu) => JSON.stringify(pdu));
  assert.equal(new Set(pdus).size, pdus.length);
  assert.equal(pdus.length, room.events.length + 1);

  // Without keys all waits, also for what was given; with them it is the room that it was.
  const ring = ringOf(one);
  const keyless = Room.load(saved, { keys: ring });
  assert.deepEqual(keyless.extremities(), []);
  ring.addServerKeys(two.keyResponse(), { fetchedTs: NOW });
  ring.addServerKeys(ours.keyResponse(), { fetchedTs: NOW });
  keyless.retry();
  assert.deepEqual(known(keyless).slice(0, -1), before.slice(0, -1));
});

test("a trap during a join is told; it can be done again", async () => {
  const { answer, options } = world();
  const source = async function* () {
    yield new TextEncoder().encode(answer().slice(0, 2000));
    trap();
    yield new TextEncoder().encode(answer().slice(2000));
  };
  await assert.rejects(Room.fromJoin(source(), options()), error("wasm_trap"));
  const { report } = await Room.fromJoin(answer(), options());
  assert.equal(report.verdict.outcome, "accepted");
});

test("a room file whose arrivals do not fit is refused", async () => {
  const { answer, options } = world();
  const { room } = await Room.fromJoin(answer(), options());
  const saved = JSON.parse(room.save());
  for (const arrivals of [
    [],
    5,
    {},
    [["event", 1]],
    [["event", saved.pdus.length + 1]],
    [["event", -1]],
    [["other", saved.pdus.length]],
    [...saved.arrivals, ["state", "$x"]],
    [...saved.arrivals, ["state", "$x", "!x", false, [5]]],
    [...saved.arrivals, "x"],
  ]) {
    assert.throws(() => Room.load(JSON.stringify({ ...saved, arrivals }), { keys }), error("input_unreadable"), JSON.stringify(arrivals));
  }
});

/** A room with a gap before its last event: what is there, what is lost, what comes. */
function gap() {
  const { room } = world();
  const here = room.events;
  const lost = room.add("m.room.topic", alice, { topic: "lost" }, { state_key: "" });
  const state = room.state;
  const far = room.add("m.room.message", bob, { body: "far" });
  const received = new Room({ roomVersion: "11", keys });
  received.add(here);
  return { room, here, lost, state, far, received };
}

test("a gap says what to ask for, and is closed by a state", async () => {
  const { room, here, lost, state, far, received } = gap();
  assert.deepEqual(received.add([far]), []);
  assert.deepEqual(received.gap(room.idOf(far)), {
    previousEvents: [room.idOf(lost)],
    authEvents: [],
    starts: [room.idOf(far)],
    earliestEvents: [room.idOf(here.at(-1))],
    minDepth: 1,
  });
  assert.equal(received.gap(room.idOf(lost)), undefined);
  const events = state.filter((text) => text === lost);
  const stateIds = state.filter((text) => text !== lost).map((text) => room.idOf(text));
  const added = await received.addWithState(far, { state: events, stateIds });
  assert.equal(added.verdict.outcome, "accepted");
  assert.deepEqual(added.state, { taken: state.length, fallen: [], missing: [] });
  assert.deepEqual(added.verdicts, []);
  assert.deepEqual(received.extremities(), [here.at(-1), far].map((text) => room.idOf(text)).sort());
  assert.deepEqual(idsIn(received.stateBefore(room.idOf(far))), state.map((text) => room.idOf(text)).sort());
  const before = known(received);
  trap();
  assert.deepEqual(known(received), before);
  assert.deepEqual(known(Room.load(received.save(), { keys })), before);

  // The lost event comes: it is history, and changes nothing that was.
  const current = [received.currentState(), received.extremities()];
  const [verdict] = received.add([lost], { as: "backfill" });
  assert.deepEqual([verdict.outcome, verdict.checks[5].result], ["accepted", "skip"]);
  assert.deepEqual([received.currentState(), received.extremities()], current);
  assert.equal(received.event(room.idOf(lost)).outlier, false);
  assert.deepEqual(known(Room.load(received.save(), { keys })), known(received));
  const again = await received.addWithState(far, { stateIds });
  assert.equal(again.verdict, undefined, "it is there already");
});

test("a state that is none is refused, and the event goes on waiting", async () => {
  const { room, lost, state, far, received } = gap();
  const other = new TestRoom([two]);
  const topic = room.make("m.room.topic", alice, { topic: "2" }, { state_key: "" });
  const sign = (event) => signEvent(event, { serverName: one.name, key: one.key, roomVersion: "11" });
  const create = sign({ ...JSON.parse(room.create), content: { room_version: "10" }, signatures: {} });
  received.add([far]);
  for (const [code, given] of [
    ["given_state_no_create", { state: state.slice(1) }],
    ["given_state_no_create", {}],
    ["given_state_other_room", { state: [other.create] }],
    ["given_state_room_version", { state: [create] }],
    ["given_state_conflict", { state: [...state, topic] }],
    ["given_state_missing", { stateIds: [MISSING] }],
    ["given_state_missing", { state: [...state, "{"].slice(0, -1), stateIds: [room.idOf(far)], strict: true }],
    ["aborted", { state, signal: AbortSignal.abort() }],
    ["invalid_option", { states: state }],
    ["invalid_option", { state: "x" }],
    ["invalid_option", { stateIds: [1] }],
    ["invalid_option", { partial: 1 }],
  ]) {
    await assert.rejects(received.addWithState(far, given), error(code), code);
    assert.equal(received.counts().waiting, 1, code);
  }
  await assert.rejects(received.addWithState(5, {}), error("invalid_argument"));
  const malformed = await received.addWithState("{", { state: [] });
  assert.deepEqual([malformed.state, malformed.verdict.outcome, malformed.verdicts], [undefined, "dropped", []]);
  const forged = state.map((text) => (text === lost ? text.replace(/"ed25519:[^"]+":"[^"]+"/, `"${one.key.keyId}":"${"A".repeat(86)}"`) : text));
  const added = await received.addWithState(far, { state: forged });
  assert.deepEqual([added.verdict.outcome, outcomes(added.verdicts)], ["accepted", ["dropped"]]);
  assert.equal(added.state.taken, state.length - 1);
});

test("a state without members is told, survives, and can be completed", async () => {
  const { room, state, event, answer, options } = world();
  const isBob = (text) => JSON.parse(text).state_key === bob;
  const servers_in_room = [one.name, two.name, ours.name];
  const some = state.filter((text) => !isBob(text)).map(JSON.parse);
  const text = answer({ state: some, auth_chain: some, members_omitted: true, servers_in_room });
  const { room: joined, report } = await Room.fromJoin(text, options());
  assert.deepEqual([report.partial, report.serversInRoom, report.verdict.flags], [true, servers_in_room, ["partial_state"]]);
  assert.ok(joined.isPartial());
  joined.add(state.filter(isBob), { as: "outlier" });
  const hello = room.make("m.room.message", bob, { body: "hello" });
  assert.deepEqual(joined.add([hello]).map(({ outcome, flags }) => [outcome, flags]), [["accepted", ["partial_state"]]]);
  const before = known(joined);
  trap();
  assert.deepEqual(known(joined), before);
  assert.deepEqual(known(Room.load(joined.save(), { keys })), before);

  const completed = await joined.addWithState(event, { state, authChain: state });
  assert.deepEqual([completed.verdict, completed.verdicts, completed.state.taken], [undefined, [], state.length]);
  assert.ok(!joined.isPartial());
  assert.ok(idsIn(joined.currentState()).includes(room.idOf(state.find(isBob))));
  const after = known(joined);
  trap();
  assert.deepEqual(known(joined), after);
  assert.deepEqual(known(Room.load(joined.save(), { keys })), after);
});

test("of what came, each event is kept once, and what was no event is not", () => {
  const { room } = world();
  const received = new Room({ roomVersion: "11", keys });
  const events = room.events;
  const forged = events[3].replace(/"ed25519:[^"]+":"[^"]+"/, `"${one.key.keyId}":"${"A".repeat(86)}"`);
  received.add(events);
  const saved = received.save();
  assert.deepEqual(JSON.parse(saved), { room_version: "11", pdus: events.map(JSON.parse) }, "a plain room file");
  for (let n = 0; n < 5; n += 1) received.add([...events, "{", "[]", forged, ...events.map((text) => ` ${text}`)]);
  assert.equal(received.save(), saved);
  const waits = room.make("m.room.message", alice, { body: "x" }, { prev_events: [MISSING] });
  for (let n = 0; n < 5; n += 1) received.add([waits]);
  assert.equal(JSON.parse(received.save()).pdus.length, events.length + 1);
});

test("many events that wait are told in parts", () => {
  const { room } = world();
  const received = new Room({ roomVersion: "11", keys });
  received.add(room.events);
  const events = Array.from({ length: 1203 }, (_, n) => room.make("m.room.message", alice, { body: `${n}` }, { prev_events: [MISSING] }));
  received.add(events);
  const waiting = received.waiting();
  assert.deepEqual(waiting.map(({ event_id }) => event_id).sort(), events.map((text) => room.idOf(text)).sort());
  assert.equal(received.counts().waiting, 1203);
});

test("while a large room is joined, others get to run", async () => {
  const { room, state, chain, event, options } = world();
  const cites = JSON.parse(event).auth_events;
  const members = Array.from({ length: 1500 }, (_, n) =>
    room.make("m.room.member", `@user${n}:two.example`, { membership: "join" }, { state_key: `@user${n}:two.example`, auth_events: cites }),
  );
  const answer = `{"auth_chain":[${chain}],"state":[${[...state, ...members]}]}`;
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 1);
  const { room: joined, report } = await Room.fromJoin(answer, options());
  clearInterval(timer);
  assert.deepEqual([report.verdict.outcome, report.state.taken], ["accepted", state.length + members.length]);
  assert.ok(ticks >= 2, `the timer fired ${ticks} times`);
  assert.equal(joined.currentState().length, state.length + members.length + 1);
});

test("arguments of add and feed", async () => {
  const room = new Room({ roomVersion: "11", keys });
  for (const options of [{ as: "x" }, { as: 1 }, { how: "event" }]) assert.throws(() => room.add([], options), error("invalid_option"));
  assert.throws(() => room.add([], "event"), error("invalid_argument"));
  await assert.rejects(async () => {
    for await (const _ of room.feed([], { as: "x" }));
  }, error("invalid_option"));
  assert.throws(() => room.gap(5), error("invalid_argument"));
  const { room: test } = world();
  const verdicts = [];
  for await (const verdict of room.feed(test.events, { as: "outlier" })) verdicts.push(verdict);
  assert.deepEqual([verdicts, room.counts()], [[], { events: test.events.length, waiting: 0 }]);
  assert.deepEqual([room.extremities(), room.currentState()], [[], []]);
});

test("a room says what it is, what stands in its current state, and why an event waits", async () => {
  const { answer, options } = world();
  const { room: joined } = await Room.fromJoin(answer(), options());
  assert.equal(joined.roomVersion, "11");
  assert.equal(joined.keys, options().keys);
  for (const [type, key, id] of joined.currentState()) assert.equal(joined.currentEvent(type, key), id);
  assert.equal(joined.currentEvent("m.room.name", "nowhere"), undefined);
  assert.equal(joined.waitingVerdict("$x"), undefined);
  assert.equal(joined.waitingVerdict(joined.extremities()[0]), undefined);
  for (const wrong of [() => joined.currentEvent("x"), () => joined.currentEvent(5, ""), () => joined.waitingVerdict()]) {
    assert.throws(wrong, error("invalid_argument"));
  }
});
