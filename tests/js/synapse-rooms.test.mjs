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
/** What Synapse sends us of our own accord is not what these tests are about. */
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
