// A real Synapse speaks to our handler: it asks for our keys, invites our users, and sends what happens in rooms.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createHandler, eventId, Federation, SigningKey, signEvent } from "fedproof";
import { nodeHost } from "fedproof/hosts/node";
import { makeAuthority } from "./federation/authority.mjs";
import { eventually } from "./federation/client.mjs";
import { startDns } from "./federation/dns.mjs";
import { send } from "./federation/https.mjs";
import { startPeer } from "./federation/peer.mjs";
import { startSynapse } from "./federation/synapse.mjs";

const VERSIONS = ["1", "6", "11", "12"];
const KEYS = "/_matrix/key/v2/server";

const authority = await makeAuthority();
const dns = await startDns({ localhost: { A: ["127.0.0.1"] } });
const key = SigningKey.generate();
let handler;
const peer = await startPeer({ authority, key, handler: (request) => handler(request) });
const other = await startPeer({ authority });
const synapse = await startSynapse({ authority, dns });
after(() => Promise.all([synapse, peer, other, dns].map((server) => server.stop())));
const options = { skip: synapse.unavailable };

const me = `@me:${peer.serverName}`;
const host = nodeHost({ ca: authority.certificate, allowAddresses: ["127.0.0.0/8"], servers: [dns.address] });
const federation = new Federation({ serverName: peer.serverName, signingKey: key, host });
const rooms = new Map();
const told = { verdicts: [], invites: [], edus: [], errors: [] };
handler = createHandler({
  federation,
  signingKeys: key,
  rooms: (roomId) => rooms.get(roomId),
  decideInvite: ({ userId }) => userId === me || { errcode: "M_INVITE_BLOCKED", reason: "only one of us is invited" },
  onInvite: (invite) => told.invites.push(invite),
  onVerdict: (verdict, { roomId }) => told.verdicts.push({ ...verdict, roomId }),
  onEdu: (edu) => told.edus.push(edu),
  onError: (error) => told.errors.push(error),
});
const alice = await synapse.register?.("alice");

for (const version of VERSIONS) {
  test(`Synapse invites our user to a room of version ${version}, who joins; what happens there is accepted`, options, async () => {
    const room = await alice.createRoom({ version, preset: "private_chat" });
    await alice.invite(room, me);
    assert.equal(await alice.membership(room, me), "invite");
    const invite = told.invites.find(({ roomId }) => roomId === room);
    assert.deepEqual([invite.origin, invite.sender, invite.userId, invite.roomVersion], [synapse.serverName, alice.id, me, version]);
    assert.ok(invite.roomState.some(({ type }) => type === "m.room.create"));

    const held = await join(room);
    const ids = [await alice.say(room, "one"), await alice.setState(room, "m.room.topic", { topic: "two" })];
    const bob = await synapse.register(`bob${version}`);
    await alice.invite(room, bob.id);
    await bob.join(room);
    ids.push(await bob.say(room, "three"), await alice.kick(room, bob.id).then(() => alice.say(room, "four")));
    await arrived(held, ids.at(-1));
    const verdicts = told.verdicts.filter(({ roomId }) => roomId === room);
    assert.deepEqual(verdicts.filter(({ outcome }) => outcome !== "accepted"), []);
    for (const id of ids) assert.ok(verdicts.some(({ event_id }) => event_id === id), id);
    assert.deepEqual(stateOf(held), await stateAt(room));
    assert.deepEqual(held.extremities(), [ids.at(-1)]);
  });
}

test("Synapse has asked us for our keys, and takes what we sign", options, async () => {
  assert.ok(peer.paths.includes(KEYS));
  await assert.rejects(alice.createRoom({ invite: [`@nobody:${peer.serverName}`] }), { status: 403, errcode: "M_INVITE_BLOCKED" });
  assert.deepEqual(told.errors, []);
});

test("what did not come to us is fetched when the next event comes", options, async () => {
  const room = await alice.createRoom({ version: "11", preset: "public_chat" });
  const held = await join(room);
  rooms.delete(room);
  const before = peer.paths.length;
  const lost = await alice.say(room, "nobody hears this");
  await eventually("the transaction", () => peer.paths.slice(before).some((path) => path.includes("/send/")));
  rooms.set(room, held);
  assert.equal(held.event(lost), undefined);
  const next = await alice.say(room, "but this");
  await arrived(held, next);
  assert.equal(held.event(lost).outcome, "accepted");
  assert.deepEqual(held.extremities(), [next]);
});

test("typing arrives", options, async () => {
  const room = await alice.createRoom({ version: "11", preset: "public_chat" });
  await join(room);
  await alice.call("PUT", `rooms/${encodeURIComponent(room)}/typing/${encodeURIComponent(alice.id)}`, { typing: true, timeout: 30_000 });
  const edu = await eventually("typing", () => told.edus.find(({ edu_type, content }) => edu_type === "m.typing" && content.room_id === room));
  assert.deepEqual([edu.content.user_id, edu.content.typing], [alice.id, true]);
});

test("an event that another server forges is refused, and the reason is told", options, async () => {
  const room = await alice.createRoom({ version: "11", preset: "public_chat" });
  const held = await join(room);
  const content = { msgtype: "m.text", body: "I, Alice, resign" };
  const [last] = held.extremities();
  const auth = ["m.room.create", "m.room.power_levels"].map((type) => held.currentEvent(type, "")).concat(held.currentEvent("m.room.member", alice.id));
  const claimed = { type: "m.room.message", sender: alice.id, room_id: room, content, origin_server_ts: Date.now(), depth: 100, prev_events: [last], auth_events: auth };
  const forged = signEvent(claimed, { serverName: other.serverName, key: other.key, roomVersion: "11" });
  const stolen = forged.replace(JSON.stringify(other.serverName), JSON.stringify(synapse.serverName)).replace(other.key.keyId, synapse.key.keyId);
  for (const [event, code] of [[forged, "signature_missing"], [stolen, "signature_invalid"]]) {
    const { status, json } = await transaction(event);
    assert.equal(status, 200);
    const { error } = json().pdus[eventId(event, "11")];
    assert.match(error, new RegExp(`^dropped: .*\\(check 2, signatures; ${code}\\)$`));
    assert.ok(error.includes(synapse.serverName), error);
  }
  // By its own name it is not in the room.
  const mallory = `@mallory:${other.serverName}`;
  const own = signEvent({ ...claimed, sender: mallory, auth_events: auth.slice(0, 2) }, { serverName: other.serverName, key: other.key, roomVersion: "11" });
  const { json } = await transaction(own);
  assert.match(json().pdus[eventId(own, "11")].error, /^rejected: .*mallory.*\(check 4, auth_events; rule [\d.]+; \w+\)$/);
  assert.deepEqual(held.extremities(), [last]);
  assert.deepEqual(told.errors, []);
});

/** A transaction of the other peer's with one event, to us. */
function transaction(event) {
  const us = { serverName: peer.serverName, send: (request) => send({ port: peer.port, tlsName: "localhost", ca: authority.certificate, ...request }) };
  const body = `{"origin":"${other.serverName}","origin_server_ts":${Date.now()},"pdus":[${event}]}`;
  return other.request(us, "PUT", `/_matrix/federation/v1/send/${crypto.randomUUID()}`, body);
}

/** Joins a room as our user, and holds it. */
async function join(room) {
  const joined = await federation.join({ roomId: room, userId: me, via: [synapse.serverName] });
  assert.equal(joined.report.verdict.outcome, "accepted");
  rooms.set(room, joined.room);
  return joined.room;
}

function arrived(held, id) {
  return eventually(`${id} here`, () => held.event(id)?.outlier === false);
}

function stateOf(held) {
  return held.currentState().map(([type, key, id]) => `${type} ${key} ${id}`).sort();
}

/** The current state, as Synapse has it. */
async function stateAt(room) {
  return (await alice.state(room)).map(({ type, state_key, event_id }) => `${type} ${state_key} ${event_id}`).sort();
}
