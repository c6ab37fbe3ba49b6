// Gaps in a room, and another server that helps to fill them, or does not; and what else the face does around conversations.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Federation, Room, SigningKey } from "fedproof";
import { TestRoom } from "./room.mjs";
import { error, server } from "./world.mjs";

const VERSION = "11";
/** By its address, nobody has to be asked where it is. */
const one = server("192.0.2.1");
const two = server("192.0.2.2");
const alice = `@alice:${one.name}`;
const refusal = { errcode: "M_FORBIDDEN", error: "not for you" };

/** A room of which we have the beginning, and of which much was said since then. */
function world(count = 30) {
  const room = new TestRoom([one, two], { version: VERSION });
  room.powerLevels({ users: { [alice]: 100 } });
  room.joinRule("public");
  const known = room.events;
  const topic = room.add("m.room.topic", alice, { topic: "new" }, { state_key: "" });
  for (let said = 0; said < count; said += 1) room.add("m.room.message", alice, { body: `${said}` });
  const before = room.state;
  const last = room.add("m.room.message", alice, { body: "last" });
  return { room, known, topic, before, last, at: { roomId: room.id, roomVersion: VERSION } };
}

/** Our side. `answers` says by the name of the endpoint what the other server gives; by default what is right. */
function ours({ room, known, before }, answers = {}) {
  const asked = [];
  const byId = new Map(room.events.map((text) => [room.idOf(text), text]));
  const good = {
    get_missing_events({ earliest_events, latest_events, limit }) {
      const found = [];
      let ids = latest_events;
      while (ids.length > 0 && found.length < limit) {
        ids = ids.flatMap((id) => JSON.parse(byId.get(id)).prev_events).filter((id) => !earliest_events.includes(id));
        found.unshift(...ids.map((id) => byId.get(id)));
      }
      return `{"events":[${found.join()}]}`;
    },
    state: () => `{"pdus":[${before.join()}],"auth_chain":[${known.join()}]}`,
    event: (id) => `{"origin":"${one.name}","pdus":[${byId.get(id) ?? ""}]}`,
    server: (name) => [one, two].find((server) => server.name === name).keyResponse({ validUntil: Date.now() + 1e9 }),
  };
  const host = {
    https({ connectHost, target, body }) {
      const [, endpoint, id] = /\/v\d\/(\w+)(?:\/([^?]*))?/.exec(target);
      asked.push(endpoint);
      const about = { event: () => decodeURIComponent(id), server: () => connectHost };
      const asks = about[endpoint] ?? (() => body && JSON.parse(new TextDecoder().decode(body)));
      const answer = (answers[endpoint] ?? good[endpoint])(asks(), good);
      const [status, text] = typeof answer === "string" ? [200, answer] : [answer.status ?? 403, JSON.stringify(answer)];
      return { status, headers: [], body: new TextEncoder().encode(text) };
    },
  };
  const federation = new Federation({ serverName: "ours.example", signingKey: SigningKey.generate(), host });
  const held = new Room({ roomVersion: VERSION, keys: federation.keys });
  federation.keys.addServerKeys(one.keyResponse({ validUntil: Date.now() + 1e9 }));
  assert.ok(held.add(known).every(({ outcome }) => outcome === "accepted"));
  return { federation, held, asked };
}

/** Our state is that of the room. What we had stays a forward extremity unless the events between lead to it. */
function assertWhole({ room, known, last }, held, { between = true } = {}) {
  const ids = held.currentState().map(([, , id]) => id);
  assert.deepEqual(ids.sort(), room.state.map((text) => room.idOf(text)).sort());
  const edges = [last, ...(between ? [] : [known.at(-1)])].map((text) => room.idOf(text));
  assert.deepEqual([held.extremities(), held.missing(), held.waiting()], [edges.sort(), [], []]);
}

test("the events between come in as many rounds as it takes", async () => {
  const place = world();
  const few = (body, good) => good.get_missing_events({ ...body, limit: Math.min(7, body.limit) });
  const { federation, held, asked } = ours(place, { get_missing_events: few });
  const filled = await federation.fillGap(one.name, held, place.last, place.at);
  assert.deepEqual([filled.filled, filled.by, filled.fetched, filled.failures], [true, "events", 31, []]);
  assert.deepEqual(asked, Array(5).fill("get_missing_events"));
  assert.equal(filled.verdicts.length, 32);
  assertWhole(place, held);
});

test("an event without a gap needs nobody", async () => {
  const place = world(0);
  const { federation, held, asked } = ours(place);
  held.add([place.topic]);
  const filled = await federation.fillGap(one.name, held, place.last, place.at);
  assert.deepEqual([filled.filled, filled.by, filled.fetched, asked], [true, "nothing", 0, []]);
  assertWhole(place, held);
  const again = await federation.fillGap(one.name, held, place.last, place.at);
  assert.deepEqual([again.filled, again.verdicts, asked], [true, [], []]);
});

test("what is longer than it may be is closed with the state", async () => {
  const place = world(60);
  const { federation, held, asked } = ours(place);
  const filled = await federation.fillGap(one.name, held, place.last, { ...place.at, maxEvents: 10 });
  assert.deepEqual([filled.filled, filled.by, filled.fetched, filled.failures], [true, "state", 10, []]);
  assert.deepEqual(asked, ["get_missing_events", "state"]);
  assertWhole(place, held, { between: false });
});

test("who gives no events may give the state", async () => {
  for (const get_missing_events of [() => refusal, () => '{"events":[]}', () => "{", () => '{"events":[{}]}']) {
    const place = world();
    const { federation, held, asked } = ours(place, { get_missing_events });
    const filled = await federation.fillGap(one.name, held, place.last, place.at);
    assert.deepEqual([filled.filled, filled.by, filled.fetched], [true, "state", 0]);
    assert.deepEqual(asked, ["get_missing_events", "state"]);
    assertWhole(place, held, { between: false });
  }
});

test("who gives nothing leaves the gap, and is told of", async () => {
  const place = world();
  const { federation, held } = ours(place, { get_missing_events: () => refusal, state: () => refusal });
  const filled = await federation.fillGap(one.name, held, place.last, place.at);
  assert.deepEqual([filled.filled, filled.by, filled.fetched], [false, "nothing", 0]);
  assert.deepEqual(filled.failures.map(({ code }) => code), ["remote_forbidden", "remote_forbidden"]);
  assert.equal(held.waiting().length, 1);
  assert.notDeepEqual(held.extremities(), [place.room.idOf(place.last)]);
});

test("who gives the same again and again is not asked for ever", async () => {
  const place = world();
  const text = place.room.events.at(-3);
  const { federation, held, asked } = ours(place, { get_missing_events: () => `{"events":[${text}]}`, state: () => refusal });
  const filled = await federation.fillGap(one.name, held, place.last, place.at);
  assert.equal(filled.filled, false);
  assert.ok(asked.length <= 4, asked.join());
});

test("a state of another room closes nothing", async () => {
  const place = world();
  const strange = new TestRoom([two], { version: VERSION });
  const state = () => `{"pdus":[${strange.state.join()}],"auth_chain":[${strange.create}]}`;
  const { federation, held } = ours(place, { get_missing_events: () => refusal, state });
  const filled = await federation.fillGap(one.name, held, place.last, place.at);
  assert.deepEqual([filled.filled, filled.by, filled.failures.length], [false, "nothing", 2]);
});

test("keys that the event lacks are fetched first", async () => {
  const bob = `@bob:${two.name}`;
  const place = world(0);
  place.room.member(bob, "join");
  const last = place.room.add("m.room.message", bob, { body: "hello" });
  const { federation, held, asked } = ours(place);
  held.add([last]);
  assert.equal(held.waiting().length, 1);
  const filled = await federation.fillGap(one.name, held, last, place.at);
  assert.deepEqual([filled.filled, filled.failures, asked[0]], [true, [], "server"]);
  assert.deepEqual([held.missing(), held.waiting(), held.extremities()], [[], [], [place.room.idOf(last)]]);

  const silent = ours(place, { server: () => refusal });
  const left = await silent.federation.fillGap(one.name, silent.held, last, place.at);
  assert.deepEqual([left.filled, left.by], [false, "nothing"]);
  assert.equal(silent.held.waiting()[0].checks[1].code, "signature_key_missing");
});

test("auth events that nobody has sent are fetched one by one, with what they rest on", async () => {
  const place = world(1);
  const { room } = place;
  // An invite that was on another branch: the join cites it, and what it follows on does not lead there.
  const bob = `@bob:${one.name}`;
  const invite = room.makeMember(alice, "invite", { of: bob });
  const join = room.make("m.room.member", bob, { membership: "join" }, { state_key: bob, also: [room.idOf(invite)] });
  const { federation, held, asked } = ours(place, {
    event: (id, good) => (id === room.idOf(invite) ? `{"origin":"x","pdus":[${invite}]}` : good.event(id)),
  });
  held.add(room.events);
  const filled = await federation.fillGap(one.name, held, join, place.at);
  assert.deepEqual([filled.filled, filled.by, filled.fetched, filled.failures], [true, "events", 1, []]);
  assert.deepEqual(asked, ["event"]);
  assert.deepEqual([held.missing(), held.waiting()], [[], []]);
  assert.equal(held.event(room.idOf(invite)).outlier, true);
});

test("an abort and the time limit of the whole end it", async () => {
  const place = world();
  const controller = new AbortController();
  const one_by_one = (body, good) => good.get_missing_events({ ...body, limit: 1 });
  const aborting = ours(place, {
    get_missing_events: (body, good) => {
      controller.abort();
      return one_by_one(body, good);
    },
  });
  const { signal } = controller;
  await assert.rejects(aborting.federation.fillGap(one.name, aborting.held, place.last, { ...place.at, signal }), error("aborted"));

  // Each round is short; together they are not.
  const slow = (body, good) => {
    const until = performance.now() + 20;
    while (performance.now() < until);
    return one_by_one(body, good);
  };
  const late = ours(place, { get_missing_events: slow });
  await assert.rejects(late.federation.fillGap(one.name, late.held, place.last, { ...place.at, timeLimit: 100 }), error("timed_out"));
  assert.ok(late.asked.length < 31);
});

test("an event that the server has not is not found, and no other refusal is taken for that", async () => {
  const place = world();
  for (const [answer, code] of [
    [{ status: 404 }, "remote_not_found"],
    [{ status: 404, errcode: "M_NOT_FOUND" }, "remote_not_found"],
    [{ status: 404, errcode: "M_UNRECOGNIZED" }, "remote_unrecognized"],
    [{ status: 400 }, "remote_unrecognized"],
    [{ status: 403 }, "remote_forbidden"],
  ]) {
    const { federation } = ours(place, { event: () => answer, state: () => answer });
    const id = place.room.idOf(place.last);
    await assert.rejects(federation.event(one.name, id, place.at), error(code, ({ details: { evidence } }) => {
      assert.deepEqual([evidence.server_name, evidence.status], [one.name, answer.status]);
    }));
    const other = answer.status === 404 && !answer.errcode ? "remote_unrecognized" : code;
    await assert.rejects(federation.state(one.name, id, place.at), error(other));
  }
});

test("the time limit of a join holds for the work on its answer too", async () => {
  const place = world(0);
  const me = "@me:ours.example";
  const template = { type: "m.room.member", sender: me, state_key: me, room_id: place.room.id, content: { membership: "join" }, depth: 9, prev_events: [place.room.idOf(place.last)], auth_events: [] };
  template.auth_events = place.room.cited(template);
  const answers = {
    make_join: () => JSON.stringify({ room_version: VERSION, event: template }),
    send_join: () => `{"state":[${place.room.state.join()}],"auth_chain":[${place.known.join()}]}`,
  };
  const join = (more) => {
    const { federation } = ours(place, answers);
    return federation.join({ roomId: place.room.id, userId: me, via: [one.name], ...more });
  };
  assert.equal((await join({ timeLimit: 60_000 })).report.verdict.outcome, "accepted");
  const busy = ({ stage }) => {
    if (stage !== "send_join") return;
    const until = performance.now() + 200;
    while (performance.now() < until);
  };
  await assert.rejects(join({ timeLimit: 150, onProgress: busy }), error("timed_out"));
  const throwing = ({ stage }) => {
    if (stage === "verify") throw new Error("no more");
  };
  await assert.rejects(join({ onProgress: throwing }), error("callback_failed", ({ cause }) => assert.equal(cause.message, "no more")));
});
