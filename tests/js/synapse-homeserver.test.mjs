// A real Synapse as a server of our federation: it and the peers beside it find, trust and understand each other.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { authTypesForEvent, eventId, referenceHash, SigningKey, signEvent } from "fedproof";
import { makeAuthority } from "./federation/authority.mjs";
import { eventually } from "./federation/client.mjs";
import { startDns } from "./federation/dns.mjs";
import { Peer, startPeer } from "./federation/peer.mjs";
import { startSynapse } from "./federation/synapse.mjs";
import { startWellKnown } from "./federation/well-known.mjs";

const VERSIONS = ["1", "6", "10", "11", "12"];
const FEDERATION = "/_matrix/federation";
const KEYS = "/_matrix/key/v2/server";

const authority = await makeAuthority();

// Our own servers, with names in three of the forms that there are, and one whose certificate is another's.
const received = { events: [], invited: [] };
const plain = await startPeer({ authority, handler: receive });
const bySrv = await startPeer({ authority, serverName: "srv.test" });
const delegated = await startPeer({ authority, serverName: "delegated.test", names: ["matrix.delegated.test"] });
const misnamed = await startPeer({ authority, serverName: "misnamed.test", names: ["host.test"] });
const wellKnown = await startWellKnown(
  { "delegated.test": { "m.server": `matrix.delegated.test:${delegated.port}` } },
  { authority },
);
const here = { A: ["127.0.0.1"] };
const dns = await startDns({
  "host.test": here,
  "far.test": { A: ["192.0.2.1"] },
  "srv.test": here,
  "_matrix-fed._tcp.srv.test": { SRV: [{ port: bySrv.port, target: "host.test" }] },
  "delegated.test": here,
  "matrix.delegated.test": here,
  "_matrix-fed._tcp.misnamed.test": { SRV: [{ port: misnamed.port, target: "host.test" }] },
});
const synapse = await startSynapse({ authority, serverName: "synapse.test", dns, ports: { 443: wellKnown.port } });
after(() => Promise.all([synapse, plain, bySrv, delegated, misnamed, wellKnown, dns].map((server) => server.stop())));
const options = { skip: synapse.unavailable };
const alice = await synapse.register?.("alice");
const pat = `@pat:${plain.serverName}`;

for (const version of VERSIONS) {
  test(`a room of version ${version} is joined over federation, and events flow both ways`, options, async () => {
    const room = await alice.createRoom({ version, preset: "public_chat" });
    const state = await joined(room, version);
    assert.equal(await alice.membership(room, pat), "join");

    const said = await alice.say(room, "hello, peer");
    const isMessage = ({ room_id, type }) => room_id === room && type === "m.room.message";
    const heard = await eventually("the message at the peer", () => received.events.find(isMessage));
    assert.equal(idOf(heard, version), said);

    const answer = event(version, state, {
      ...{ type: "m.room.message", sender: pat, room_id: room, content: { msgtype: "m.text", body: "hello, Synapse" } },
      ...{ prev_events: [reference(heard, version)], depth: heard.depth + 1, origin_server_ts: Date.now() },
    });
    const transaction = `{"origin":"${plain.serverName}","origin_server_ts":${Date.now()},"pdus":[${answer}]}`;
    const sent = await plain.request(synapse, "PUT", `${FEDERATION}/v1/send/version-${version}`, transaction);
    assert.deepEqual(sent.json(), { pdus: { [idOf(answer, version)]: {} } });
    const arrived = await alice.syncUntil(room, ({ content }) => content.body === "hello, Synapse");
    assert.equal(arrived.event_id, idOf(answer, version));
    assert.equal((await alice.messages(room))[0].event_id, arrived.event_id);

    const asked = await plain.request(synapse, "GET", `${FEDERATION}/v1/event/${encodeURIComponent(said)}`);
    assert.equal(idOf(asked.json().pdus[0], version), said);
  });
}

test("rooms that are not for everybody send the peer away", options, async () => {
  for (const version of VERSIONS) {
    const room = await alice.createRoom({ version, preset: "private_chat" });
    await refused(makeJoin(plain, room, version), 403, "M_FORBIDDEN");
    if (Number(version) < 8) continue;
    const gate = await alice.createRoom({ version, preset: "public_chat" });
    const allow = [{ type: "m.room_membership", room_id: gate }];
    await alice.setState(room, "m.room.join_rules", { join_rule: "restricted", allow });
    await refused(makeJoin(plain, room, version), 403, "M_FORBIDDEN");
    await joined(gate, version);
    const vouched = await makeJoin(plain, room, version);
    assert.equal(vouched.json().event.content.join_authorised_via_users_server, alice.id);
  }
});

test("Synapse invites a user of the peer", options, async () => {
  const room = await alice.createRoom({ version: "11", preset: "private_chat" });
  await alice.invite(room, pat);
  assert.equal(await alice.membership(room, pat), "invite");
  const invited = received.invited.find(({ event }) => event.room_id === room);
  assert.equal(invited.room_version, "11");
  assert.ok(invited.invite_room_state.some(({ type }) => type === "m.room.create"));
  assert.equal((await makeJoin(plain, room, "11")).status, 200);
});

test("Synapse finds the keys of a name with a port, by SRV and by .well-known, and asks under the right names", options, async () => {
  const room = await alice.createRoom({ version: "11", preset: "public_chat" });
  const peers = [
    [plain, { host: plain.serverName, tlsName: "localhost" }],
    [bySrv, { host: "srv.test", tlsName: "srv.test" }],
    [delegated, { host: `matrix.delegated.test:${delegated.port}`, tlsName: "matrix.delegated.test" }],
  ];
  for (const [peer, names] of peers) {
    const answer = await makeJoin(peer, room, "11");
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(peer.requests.find(({ path }) => path === KEYS), { method: "GET", path: KEYS, ...names });
  }
  assert.ok(dns.count("_matrix-fed._tcp.srv.test", "SRV") > 0);
  assert.equal(dns.count("_matrix-fed._tcp.delegated.test"), 0);
  assert.deepEqual(wellKnown.requests.map(({ host }) => host), ["delegated.test"]);
});

test("Synapse does not trust a certificate for another name, nor a signature by another key", options, async () => {
  const room = await alice.createRoom({ version: "11", preset: "public_chat" });
  await refused(makeJoin(misnamed, room, "11"), 401, "M_UNAUTHORIZED");
  assert.deepEqual(misnamed.requests, []);
  const liar = new Peer({ serverName: plain.serverName, key: SigningKey.generate(plain.key.keyId), server: plain });
  await refused(makeJoin(liar, room, "11"), 401, "M_UNAUTHORIZED");
});

test("Synapse asks the DNS server of the test, and connects to this machine only", options, async () => {
  const room = await alice.createRoom({ version: "11", preset: "public_chat" });
  for (const serverName of ["nowhere.test", "far.test:8448", "192.0.2.1:8448"]) {
    const peer = new Peer({ serverName, key: SigningKey.generate(), server: plain });
    await refused(makeJoin(peer, room, "11"), 401, "M_UNAUTHORIZED");
  }
  assert.ok(dns.count("nowhere.test", "A") > 0);
  assert.ok(dns.count("far.test", "A") > 0);
  assert.match(synapse.log(), /192\.0\.2\.1 is not on this machine/);
});

test("users knock, leave, come back on another device, and are deactivated", options, async () => {
  const bob = await synapse.register("bob");
  const joinRule = { type: "m.room.join_rules", state_key: "", content: { join_rule: "knock" } };
  const room = await alice.createRoom({ version: "11", initial_state: [joinRule] });
  await assert.rejects(bob.join(room), { name: "ApiError", status: 403, errcode: "M_FORBIDDEN" });
  await bob.knock(room);
  assert.equal(await alice.membership(room, bob.id), "knock");
  await bob.sync();
  await alice.invite(room, bob.id);
  assert.ok((await bob.syncUntilInvited(room)).some(({ type }) => type === "m.room.create"));
  await bob.join(room);
  const device = await synapse.login("bob");
  await device.say(room, "from here");
  await bob.leave(room);
  assert.equal(await alice.membership(room, bob.id), "leave");
  await alice.invite(room, bob.id);
  await device.join(room);
  await synapse.deactivate(bob.id);
  await eventually("bob has left", async () => (await alice.membership(room, bob.id)) === "leave");
  await assert.rejects(device.sync(), { status: 401, errcode: "M_UNKNOWN_TOKEN" });
});

/** What the peer with the plain name does with what Synapse sends it. */
async function receive(request) {
  const { pathname } = new URL(request.url);
  if (pathname.startsWith(`${FEDERATION}/v1/send/`)) {
    const { pdus = [] } = await request.json();
    received.events.push(...pdus);
    return Response.json({ pdus: {} }); // all well
  }
  if (pathname.startsWith(`${FEDERATION}/v2/invite/`)) {
    const invite = await request.json();
    received.invited.push(invite);
    const { serverName, key } = plain;
    const event = signEvent(invite.event, { serverName, key, roomVersion: invite.room_version });
    return Response.json({ event: JSON.parse(event) });
  }
  return undefined;
}

/** Asks Synapse for a join event to fill in, for the peer's user pat. */
function makeJoin(peer, room, version) {
  const user = encodeURIComponent(`@pat:${peer.serverName}`);
  return peer.request(synapse, "GET", `${FEDERATION}/v1/make_join/${encodeURIComponent(room)}/${user}?ver=${version}`);
}

/** Joins a room as pat, and gives the room's state with the join. */
async function joined(room, version) {
  const { event: template, room_version } = (await makeJoin(plain, room, version)).json();
  assert.equal(room_version, version);
  const join = signed(template, version);
  const path = `${FEDERATION}/v2/send_join/${encodeURIComponent(room)}/${encodeURIComponent(idOf(join, version))}`;
  const answer = await plain.request(synapse, "PUT", path, join);
  assert.equal(answer.status, 200, answer.text);
  return [...answer.json().state, JSON.parse(join)];
}

/** A signed event of pat's that cites what it must. */
function event(version, state, content) {
  const places = authTypesForEvent(content, version);
  const cited = state.filter(({ type, state_key }) => places.some(([one, key]) => one === type && key === state_key));
  return signed({ ...content, auth_events: cited.map((one) => reference(one, version)) }, version);
}

function signed(content, version) {
  const { serverName, key } = plain;
  const id = hasEventId(version) ? { event_id: `$${crypto.randomUUID()}:${serverName}` } : {};
  return signEvent({ ...content, ...id }, { serverName, key, roomVersion: version });
}

/** How an event is cited by another. */
function reference(pdu, version) {
  return hasEventId(version) ? [idOf(pdu, version), { sha256: referenceHash(pdu, version) }] : idOf(pdu, version);
}

function idOf(pdu, version) {
  return eventId(pdu, version);
}

function hasEventId(version) {
  return version === "1" || version === "2";
}

async function refused(asked, status, errcode) {
  const answer = await asked;
  assert.deepEqual([answer.status, answer.json().errcode], [status, errcode], answer.text);
}
