// Rooms of a real Synapse, joined, read, written to and left by our `Federation`.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { eventId, Room } from "fedproof";
import { makeAuthority } from "./federation/authority.mjs";
import { eventually } from "./federation/client.mjs";
import { startOurs } from "./federation/ours.mjs";
import { startSynapse } from "./federation/synapse.mjs";
import { error } from "./world.mjs";

const VERSIONS = ["1", "6", "10", "11", "12"];
/** More than Synapse gives at once (20). */
const MANY = 30;

const authority = await makeAuthority();
const ours = await startOurs({ authority });
const synapse = await startSynapse({ authority });
after(() => Promise.all([synapse.stop(), ours.stop()]));
const options = { skip: synapse.unavailable };
const { federation } = ours;
const via = [synapse.serverName];
const alice = await synapse.register?.("alice");
const bob = await synapse.register?.("bob");
const me = ours.user("me");

/** Joins as a user of ours; the answer must be good throughout. */
async function joined(roomId, userId = me, more = {}) {
  const joined = await federation.join({ roomId, userId, via, ...more });
  const { report, room } = joined;
  assert.equal(report.verdict.outcome, "accepted", JSON.stringify(report.verdict));
  assert.deepEqual([report.fallen, report.missing, report.state.fallen, report.state.missing], [[], [], [], []]);
  assert.deepEqual([room.missing(), room.waiting()], [[], []]);
  return joined;
}

/** Our view of the current state is Synapse's, event by event. */
async function assertSameState(room, roomId, user = alice) {
  const theirs = await user.state(roomId);
  const sorted = (entries) => entries.map((entry) => entry.join(" ")).sort();
  assert.deepEqual(
    sorted(room.currentState()),
    sorted(theirs.map(({ type, state_key, event_id }) => [type, state_key, event_id])),
  );
}

/** Reads all of a room's history, page by page from its edges on, and judges it in the room. */
async function readHistory(room, roomId, roomVersion, { limit = 10 } = {}) {
  const verdicts = [];
  const seen = new Set();
  let pages = 0;
  for (let from = room.extremities(); from.length > 0; pages += 1) {
    const { events, dropped, fragments } = await federation.backfill(via[0], { roomId, roomVersion, from, limit });
    assert.deepEqual([dropped, fragments], [[], 0]);
    const fresh = events.filter(({ verdict }) => !seen.has(verdict.event_id));
    for (const { verdict } of fresh) seen.add(verdict.event_id);
    verdicts.push(...room.add(fresh.map(({ pdu }) => pdu), { as: "backfill" }));
    from = fresh.length > 0 ? room.missing().map(({ eventId }) => eventId) : [];
  }
  return { verdicts, pages, seen };
}

for (const version of VERSIONS) {
  test(`version ${version}: join, read all history, say something, set a topic, leave`, options, async () => {
    const roomId = await alice.createRoom({ version, preset: "public_chat", name: "a room" });
    for (let count = 0; count < 12; count += 1) await alice.say(roomId, `before ${count}`);
    await bob.join(roomId);
    await alice.setState(roomId, "m.room.power_levels", { ...(await alice.stateContent(roomId, "m.room.power_levels")), state_default: 0 });

    const { room, event_id, room_version, server } = await joined(roomId);
    assert.deepEqual([room_version, server, room.extremities()], [version, via[0], [event_id]]);
    assert.equal(await alice.membership(roomId, me), "join");
    await assertSameState(room, roomId);

    const { verdicts, pages, seen } = await readHistory(room, roomId, version);
    assert.ok(pages > 1, `${pages} pages`);
    for (const verdict of verdicts) assert.equal(verdict.outcome, "accepted", JSON.stringify(verdict));
    assert.deepEqual([room.missing(), room.waiting()], [[], []]);
    const theirs = await alice.messages(roomId, { limit: 100 });
    assert.deepEqual(theirs.map(({ event_id }) => event_id).filter((id) => !seen.has(id)), [event_id].filter((id) => !seen.has(id)));
    assert.equal(room.counts().events, theirs.length);
    await assertSameState(room, roomId);

    const message = { type: "m.room.message", sender: me, content: { msgtype: "m.text", body: "hello, Synapse" } };
    const said = await ours.say(room, version, via[0], message);
    assert.equal(said.verdict.outcome, "accepted");
    assert.deepEqual(said.sent.transactions.map(({ pdus }) => pdus), [[{ event_id: eventId(said.event, version) }]]);
    assert.deepEqual([said.sent.pdus, said.sent.retries, said.sent.failure], [1, 0, undefined]);
    const arrived = await alice.syncUntil(roomId, ({ content }) => content.body === "hello, Synapse");
    assert.equal(arrived.event_id, eventId(said.event, version));

    const topic = { type: "m.room.topic", stateKey: "", sender: me, content: { topic: "ours" } };
    const set = await ours.say(room, version, via[0], topic);
    assert.equal(set.verdict.outcome, "accepted");
    await eventually("the topic", async () => (await alice.stateContent(roomId, "m.room.topic"))?.topic === "ours");
    await assertSameState(room, roomId);

    const leave = { type: "m.room.member", stateKey: me, sender: me, content: { membership: "leave" } };
    assert.equal((await ours.say(room, version, via[0], leave)).verdict.outcome, "accepted");
    await eventually("our leave", async () => (await alice.membership(roomId, me)) === "leave");
    await assertSameState(room, roomId);
  });
}

test("who is not invited is refused, and the server's words are kept", options, async () => {
  for (const version of VERSIONS) {
    const roomId = await alice.createRoom({ version, preset: "private_chat" });
    const refused = federation.join({ roomId, userId: me, via });
    await assert.rejects(refused, error("remote_forbidden", ({ details }) => {
      const [{ evidence }] = details.evidence.failures;
      assert.equal(evidence.status, 403);
      assert.equal(evidence.errcode, "M_FORBIDDEN");
      assert.match(evidence.error, /invite/i);
    }));
  }
});

test("who is invited joins a room that is for the invited", options, async () => {
  for (const version of VERSIONS) {
    const roomId = await alice.createRoom({ version, preset: "private_chat" });
    await alice.invite(roomId, me);
    assert.equal(await alice.membership(roomId, me), "invite");
    const invite = ours.received.invites.at(-1);
    assert.deepEqual([invite.outcome, invite.room_version], ["accepted", version]);
    assert.ok(invite.room_state.some(({ type }) => type === "m.room.create"));
    const { room } = await joined(roomId);
    await assertSameState(room, roomId);
    assert.equal(await alice.membership(roomId, me), "join");
  }
});

test("Synapse vouches for who joins a restricted room, in the versions that have them", options, async () => {
  for (const version of ["8", "10", "11", "12"]) {
    const gate = await alice.createRoom({ version, preset: "public_chat" });
    const allow = [{ type: "m.room_membership", room_id: gate }];
    const join_rules = { type: "m.room.join_rules", state_key: "", content: { join_rule: "restricted", allow } };
    const roomId = await alice.createRoom({ version, preset: "private_chat", initial_state: [join_rules] });
    const userId = ours.user(`guest-${version}`);
    await assert.rejects(federation.join({ roomId, userId, via }), error("remote_forbidden"));
    await joined(gate, userId);
    const { room, event } = await joined(roomId, userId);
    const { content, signatures } = JSON.parse(event);
    assert.equal(content.join_authorised_via_users_server, alice.id);
    assert.deepEqual(Object.keys(signatures).sort(), [ours.serverName, synapse.serverName].sort());
    await assertSameState(room, roomId);
  }
});

test("an invite is turned down", options, async () => {
  for (const version of VERSIONS) {
    const roomId = await alice.createRoom({ version, preset: "private_chat" });
    await alice.invite(roomId, me);
    const left = await federation.leave({ roomId, userId: me, via, content: { reason: "no time" } });
    assert.deepEqual([left.server, left.room_version, left.failures], [via[0], version, []]);
    assert.deepEqual(await alice.stateContent(roomId, "m.room.member", me), { membership: "leave", reason: "no time" });
  }
  await assert.rejects(federation.leave({ roomId: "!nowhere:nowhere.test", userId: me, via }), error("remote_not_found"));
});

test("a user of ours knocks, is seen, takes it back, knocks again and is let in", options, async () => {
  for (const version of ["7", "10", "11", "12"]) {
    const join_rules = { type: "m.room.join_rules", state_key: "", content: { join_rule: "knock" } };
    const roomId = await alice.createRoom({ version, name: "behind a door", preset: "private_chat", initial_state: [join_rules] });
    const knocked = await federation.knock({ roomId, userId: me, via, content: { reason: "let me in" } });
    assert.deepEqual([knocked.server, knocked.room_version, knocked.dropped, knocked.left_out], [via[0], version, [], []]);
    const name = knocked.room_state.find(({ event }) => event.type === "m.room.name");
    assert.equal(name.event.content.name, "behind a door");
    assert.deepEqual(await alice.stateContent(roomId, "m.room.member", me), { membership: "knock", reason: "let me in" });
    await federation.leave({ roomId, userId: me, via });
    assert.equal(await alice.membership(roomId, me), "leave");
    await federation.knock({ roomId, userId: me, via });
    assert.equal(await alice.membership(roomId, me), "knock");
    await alice.invite(roomId, me);
    await joined(roomId);
  }
  const closed = await alice.createRoom({ version: "11", preset: "private_chat" });
  await assert.rejects(federation.knock({ roomId: closed, userId: me, via }), error("remote_forbidden"));
  const old = await alice.createRoom({ version: "6", preset: "private_chat" });
  await assert.rejects(federation.knock({ roomId: old, userId: me, via }), error("remote_incompatible_room_version"));
});

test("we invite a user of Synapse to a room that we hold, and Synapse signs it", options, async () => {
  for (const version of VERSIONS) {
    const power_level_content_override = { invite: 0 };
    const roomId = await alice.createRoom({ version, preset: "private_chat", invite: [me], power_level_content_override });
    const { room } = await joined(roomId);
    const draft = room.draft({ type: "m.room.member", stateKey: bob.id, sender: me, content: { membership: "invite" } });
    const roomState = room.currentState().filter(([type]) => /create|join_rules|name/.test(type)).map(([, , id]) => room.event(id).pdu);
    const invited = await federation.invite(draft, { roomId, roomVersion: version, roomState });
    assert.deepEqual([invited.server, invited.keys.failed], [via[0], []]);
    assert.ok(synapse.serverName in JSON.parse(invited.event).signatures);
    const [verdict] = room.add([invited.event]);
    assert.equal(verdict.outcome, "accepted", JSON.stringify(verdict));
    await bob.syncUntilInvited(roomId);
    const sent = await federation.send(via[0], { pdus: [invited.event], roomVersion: version });
    assert.deepEqual(sent.transactions[0].pdus, [{ event_id: invited.event_id }]);
    await bob.join(roomId);
    assert.equal(await alice.membership(roomId, bob.id), "join");
  }
});

test("a gap is filled with the events between, or closed with the state", options, async () => {
  for (const version of ["1", "11", "12"]) {
    const roomId = await alice.createRoom({ version, preset: "public_chat" });
    const { room } = await joined(roomId);
    const kept = Room.load(room.save(), { keys: federation.keys });
    const texts = Array.from({ length: MANY }, (_, count) => `while you were away ${count}`);
    let last;
    for (const [count, text] of texts.entries()) {
      last = await alice.say(roomId, text);
      if (count === 10) await alice.setState(roomId, "m.room.topic", { topic: "changed" });
    }
    const at = { roomId, roomVersion: version };
    const { pdu } = await federation.event(via[0], last, at);

    const filled = await federation.fillGap(via[0], room, pdu, at);
    assert.deepEqual([filled.filled, filled.by, filled.fetched, filled.failures], [true, "events", MANY, []]);
    for (const verdict of filled.verdicts) assert.equal(verdict.outcome, "accepted", JSON.stringify(verdict));
    assert.deepEqual([room.extremities(), room.missing()], [[last], []]);
    await assertSameState(room, roomId);

    const closed = await federation.fillGap(via[0], kept, pdu, { ...at, maxEvents: 5 });
    assert.deepEqual([closed.filled, closed.by, closed.fetched, closed.failures], [true, "state", 5, []]);
    assert.deepEqual([kept.missing(), kept.waiting()], [[], []]);
    await assertSameState(kept, roomId);
  }
});

test("a join without the members is completed with the whole state", options, async () => {
  for (const version of ["10", "12"]) {
    // Of a room without a name, Synapse gives the members to call it by.
    const roomId = await alice.createRoom({ version, preset: "public_chat", name: "a room" });
    await bob.join(roomId);
    const { room, report, event, event_id } = await joined(roomId, me, { omitMembers: true });
    assert.deepEqual([report.partial, room.isPartial()], [true, true]);
    assert.deepEqual(report.serversInRoom, [synapse.serverName]);
    const has = (userId) => room.currentState().some(([type, key]) => type === "m.room.member" && key === userId);
    assert.deepEqual([has(bob.id), has(me)], [false, true]);
    const { state, auth_chain } = await federation.state(via[0], event_id, { roomId, roomVersion: version });
    const pdus = (events) => events.map(({ pdu }) => pdu);
    await room.addWithState(event, { state: pdus(state), authChain: pdus(auth_chain) });
    assert.equal(room.isPartial(), false);
    assert.equal(has(bob.id), true);
    await assertSameState(room, roomId);
  }
});

test("what Synapse sends us takes its place in the room", options, async () => {
  for (const version of VERSIONS) {
    const roomId = await alice.createRoom({ version, preset: "public_chat" });
    const { room } = await joined(roomId);
    const said = [await alice.say(roomId, "hello"), await alice.setState(roomId, "m.room.topic", { topic: "x" })];
    said.push(await alice.redact(roomId, said[0]));
    const sent = () => ours.received.pdus.filter((pdu) => JSON.parse(pdu).room_id === roomId);
    await eventually("three events", () => sent().length >= said.length);
    const verdicts = room.add(sent());
    assert.deepEqual(verdicts.map(({ event_id, outcome }) => [event_id, outcome]), said.map((id) => [id, "accepted"]));
    assert.equal(room.event(said[0]).redactedBy, said[2]);
    assert.deepEqual(room.extremities(), [said[2]]);
    await assertSameState(room, roomId);
  }
});

test("who is banned is refused, and what they send is too, by us as by Synapse", options, async () => {
  for (const version of VERSIONS) {
    const roomId = await alice.createRoom({ version, preset: "public_chat" });
    const { room } = await joined(roomId);
    await alice.ban(roomId, me);
    const isBan = (pdu) => JSON.parse(pdu).room_id === roomId;
    await eventually("the ban", () => ours.received.pdus.some(isBan));
    assert.equal(room.add(ours.received.pdus.filter(isBan))[0].outcome, "accepted");
    const { verdict, event, sent } = await ours.say(room, version, via[0], { type: "m.room.message", sender: me });
    assert.equal(verdict.outcome, "rejected");
    assert.equal(sent.pdus, 1);
    assert.equal(await alice.event(roomId, eventId(event, version)), undefined);
    const refused = error("remote_forbidden", ({ message }) => assert.match(message, /banned/));
    await assert.rejects(federation.join({ roomId, userId: me, via }), refused);
  }
});
