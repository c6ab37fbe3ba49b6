// What our `Federation` asks of a real Synapse beside joining rooms: where it is, its keys, and all its questions.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { eventId, Federation, KeyRing, signJson, SigningKey, verifyJson } from "fedproof";
import { nodeHost } from "fedproof/hosts/node";
import { makeAuthority } from "./federation/authority.mjs";
import { eventually } from "./federation/client.mjs";
import { startDns } from "./federation/dns.mjs";
import { redirected, startOurs } from "./federation/ours.mjs";
import { startPeer } from "./federation/peer.mjs";
import { startSynapse } from "./federation/synapse.mjs";
import { startWellKnown } from "./federation/well-known.mjs";
import { error } from "./world.mjs";

const KEYS = "/_matrix/key/v2/server";
const NAME = "synapse.test";

const authority = await makeAuthority();
const delegation = {}; // what synapse.test says of itself; nothing at first
const wellKnown = await startWellKnown(
  {
    [NAME]: () => ("m.server" in delegation ? Response.json(delegation) : new Response("", { status: 404 })),
    "ours.test": { "m.server": "matrix.ours.test" },
  },
  { authority },
);
const here = { A: ["127.0.0.1"] };
const dns = await startDns({ [NAME]: here, "matrix.synapse.test": here, "host.test": here, "ours.test": here, "matrix.ours.test": here });
const ports = { 443: wellKnown.port };
// Delegated by .well-known and then by SRV: all that Synapse can follow.
const ours = await startOurs({ authority, dns, ports, serverName: "ours.test", names: ["matrix.ours.test"] });
dns.set("_matrix-fed._tcp.matrix.ours.test", { SRV: [{ port: ours.peer.port, target: "host.test" }] });
const synapse = await startSynapse({
  ...{ authority, dns, serverName: NAME, delegates: ["matrix.synapse.test"], ports: { 443: wellKnown.port } },
  // Published rooms are told of by the statistics.
  config: { allow_public_rooms_over_federation: true, room_list_publication_rules: [{ action: "allow" }], stats: { enabled: true } },
});
dns.set(`_matrix-fed._tcp.${NAME}`, { SRV: [{ port: synapse.port ?? 1, target: "host.test" }] });
after(() => Promise.all([synapse, ours, wellKnown, dns].map((server) => server.stop())));
const options = { skip: synapse.unavailable };
const { federation } = ours;
const alice = await synapse.register?.("alice");
await alice?.call("PUT", `profile/${encodeURIComponent(alice.id)}/displayname`, { displayname: "Alice" });
const me = ours.user("me");

test("Synapse is found by each way to delegate, and takes our requests for its own name", options, async () => {
  const { port } = synapse;
  const srv = { SRV: [{ port, target: "host.test" }] };
  const ways = [
    { step: "3.2", delegate: `matrix.synapse.test:${port}`, host: `matrix.synapse.test:${port}`, tls: "matrix.synapse.test" },
    { step: "3.3", delegate: "matrix.synapse.test", srv, host: "matrix.synapse.test", tls: "matrix.synapse.test" },
    { step: "3.5", delegate: "matrix.synapse.test", to: 8448, host: "matrix.synapse.test", tls: "matrix.synapse.test" },
    { step: "4", named: srv, host: NAME, tls: NAME },
    { step: "6", to: 8448, host: NAME, tls: NAME },
  ];
  const before = dns.count(NAME);
  for (const { step, delegate, srv, named, to = port, host: hostHeader, tls } of ways) {
    if (delegate) delegation["m.server"] = delegate;
    else delete delegation["m.server"];
    dns.set("_matrix-fed._tcp.matrix.synapse.test", srv);
    dns.set(`_matrix-fed._tcp.${NAME}`, named);
    // The usual ports are not ours to listen on: the host goes elsewhere.
    const node = nodeHost({ ca: authority.certificate, allowAddresses: ["127.0.0.1"], servers: [dns.address] });
    const host = redirected(node, { ...ports, 8448: port });
    const asker = new Federation({ serverName: ours.serverName, signingKey: ours.peer.key, host });
    const found = await asker.resolve(NAME);
    assert.deepEqual([found.step, found.host_header, found.tls_name], [step, hostHeader, tls], step);
    const address = "127.0.0.1";
    assert.deepEqual(found.candidates, [{ host: step === "3.3" || step === "4" ? "host.test" : tls, address, port: to }], step);
    assert.equal(found.well_known?.delegate, delegate);
    const { displayname } = await asker.queryProfile(alice.id);
    assert.equal(displayname, "Alice");
    const asked = host.asked.map(({ port, hostHeader, tlsName }) => [port, hostHeader, tlsName]);
    assert.deepEqual(asked, [[443, NAME, NAME], [to, hostHeader, tls]], step);
    host.close();
  }
  assert.ok(dns.count(NAME) > before);
  dns.set(`_matrix-fed._tcp.${NAME}`, srv);
});

test("Synapse finds us by .well-known and SRV, and asks under the right names", options, async () => {
  await federation.queryProfile(alice.id);
  const asked = ours.peer.requests.find(({ path }) => path === KEYS);
  assert.deepEqual(asked, { method: "GET", path: KEYS, host: "matrix.ours.test", tlsName: "matrix.ours.test" });
  assert.ok(dns.count("_matrix-fed._tcp.matrix.ours.test", "SRV") > 0);
});

test("a signature by another key is refused, with the server's words", options, async () => {
  const liar = new Federation({ serverName: ours.serverName, signingKey: SigningKey.generate(ours.peer.key.keyId), host: ours.host });
  await assert.rejects(liar.queryProfile(alice.id), error("remote_unauthorized", ({ details: { evidence } }) => {
    assert.deepEqual([evidence.server_name, evidence.status, evidence.errcode], [NAME, 401, "M_UNAUTHORIZED"]);
    assert.match(evidence.error, /signature/i);
  }));
});

test("keys of Synapse, from itself", options, async () => {
  const keys = await federation.serverKeys(NAME);
  assert.deepEqual([keys.server_name, keys.notary], [NAME, undefined]);
  const { keyId, publicKey } = synapse.key;
  assert.equal(JSON.parse(keys.document).verify_keys[keyId].key, publicKey);
  assert.equal(verifyJson(keys.document, { serverName: NAME, keys: federation.keys }).valid, true);
  assert.equal(federation.keys.lookup(NAME, keyId, { at: Date.now() }).publicKey ?? publicKey, publicKey);
});

test("keys of a server that only Synapse can reach, through Synapse as notary", options, async () => {
  const other = await startPeer({ authority });
  const node = nodeHost({ ca: authority.certificate, allowAddresses: ["127.0.0.1"], servers: [dns.address] });
  const host = redirected(node, { ...ports, [other.port]: 1 });
  const asker = new Federation({ serverName: ours.serverName, signingKey: ours.peer.key, host, notaries: [NAME] });
  try {
    await asker.serverKeys(NAME);
    const { fetched: [keys, ...more], failed } = await asker.queryKeys([{ serverName: other.serverName, keyId: other.key.keyId }]);
    assert.deepEqual([keys.server_name, keys.notary, keys.notary_signed, more], [other.serverName, NAME, true, []]);
    assert.deepEqual(failed.map(({ server_name, notary }) => [server_name, notary]), [[other.serverName, undefined]]);
    assert.deepEqual(other.paths, [KEYS]);
    const said = signJson({ one: 1 }, { serverName: other.serverName, key: other.key });
    assert.equal(verifyJson(said, { serverName: other.serverName, keys: asker.keys }).valid, true);
    assert.equal(verifyJson(said, { serverName: other.serverName, keys: new KeyRing() }).valid, false);
  } finally {
    host.close();
    await other.stop();
  }
});

test("version, profile, alias, and whose token it is", options, async () => {
  const { name, version, left_out } = await federation.version(NAME);
  assert.equal(name, "Synapse");
  assert.match(version, /^1\.\d+/);
  assert.deepEqual(left_out, []);

  assert.equal((await federation.queryProfile(alice.id, { field: "displayname" })).displayname, "Alice");
  await assert.rejects(federation.queryProfile(`@nobody:${NAME}`), error("remote_not_found"));

  const roomId = await alice.createRoom({ version: "11", preset: "public_chat", room_alias_name: "here" });
  assert.deepEqual(await federation.queryDirectory(`#here:${NAME}`), { room_id: roomId, servers: [NAME], left_out: [] });
  await assert.rejects(federation.queryDirectory(`#nowhere:${NAME}`), error("remote_not_found"));

  const user = encodeURIComponent(alice.id);
  const { access_token } = await alice.call("POST", `user/${user}/openid/request_token`, {});
  assert.equal(await federation.openidUserinfo(NAME, access_token), alice.id);
  await assert.rejects(federation.openidUserinfo(NAME, "none"), error("remote_unauthorized"));
});

test("published rooms, page by page, and a space with its rooms", options, async () => {
  const rooms = [];
  for (const name of ["a", "b", "c"]) {
    rooms.push(await alice.createRoom({ version: "11", preset: "public_chat", visibility: "public", name, topic: "of three" }));
  }
  // Synapse counts members some time after they have come, and empty rooms are not told.
  await eventually("three rooms", async () => (await federation.publicRooms(NAME)).rooms.length === rooms.length);
  const found = [];
  let page;
  do {
    page = await federation.publicRooms(NAME, { limit: 2, ...(page ? { since: page.next_batch } : {}) });
    assert.ok(page.rooms.length <= 2);
    assert.deepEqual(page.left_out, []);
    found.push(...page.rooms);
  } while (page.next_batch !== undefined);
  assert.deepEqual(found.map(({ room_id }) => room_id).sort(), rooms.toSorted());
  const { rooms: [b, ...others] } = await federation.publicRooms(NAME, { search: "b" });
  assert.deepEqual([b.room_id, b.name, b.topic, b.num_joined_members, b.join_rule, others], [rooms[1], "b", "of three", 1, "public", []]);

  const space = await alice.createRoom({ version: "11", preset: "public_chat", creation_content: { type: "m.space" } });
  const secret = await alice.createRoom({ version: "11", preset: "private_chat" });
  for (const [index, room] of [...rooms, secret].entries()) {
    await alice.setState(space, "m.space.child", { via: [NAME], suggested: index === 0, order: `${index}` }, room);
  }
  const seen = await federation.hierarchy(NAME, space);
  assert.equal(seen.room.room_type, "m.space");
  assert.deepEqual(seen.links.map(({ room_id }) => room_id).sort(), [...rooms, secret].sort());
  assert.deepEqual(seen.children.map(({ room_id }) => room_id).sort(), rooms.toSorted());
  assert.deepEqual([seen.inaccessible_children, seen.left_out], [[secret], []]);
  const suggested = await federation.hierarchy(NAME, space, { suggestedOnly: true });
  assert.deepEqual(suggested.children.map(({ room_id }) => room_id), [rooms[0]]);
});

test("events, states and auth chains, and the event next to a time", options, async () => {
  for (const version of ["1", "11", "12"]) {
    const roomId = await alice.createRoom({ version, preset: "public_chat", name: "x" });
    const { room } = await federation.join({ roomId, userId: me, via: [NAME] });
    const said = await alice.say(roomId, "hello");
    const at = { roomId, roomVersion: version };

    const event = await federation.event(NAME, said, at);
    assert.equal(event.verdict.event_id, said);
    assert.equal(eventId(event.pdu, version), said);
    assert.equal(JSON.parse(event.pdu).content.body, "hello");
    const notThere = version === "1" ? "$nothing:synapse.test" : `$${"x".repeat(43)}`;
    // Synapse says no more than the status here.
    await assert.rejects(federation.event(NAME, notThere, at), error("remote_not_found"));

    const ids = (pdus) => pdus.map(({ verdict }) => verdict.event_id).sort();
    const state = await federation.state(NAME, said, at);
    const stateIds = await federation.stateIds(NAME, said, at);
    assert.deepEqual([state.dropped, state.missing, state.in_circle, stateIds.left_out], [[], [], [], []]);
    assert.deepEqual(ids(state.state), stateIds.pdu_ids.toSorted());
    assert.deepEqual(ids(state.auth_chain), stateIds.auth_chain_ids.toSorted());
    assert.deepEqual(ids(state.state), room.currentState().map(([, , id]) => id).sort());

    const chain = await federation.eventAuth(NAME, said, at);
    assert.deepEqual([chain.is_whole, chain.missing, chain.dropped], [true, [], []]);
    assert.ok(ids(chain.auth_chain).every((id) => stateIds.pdu_ids.includes(id) || stateIds.auth_chain_ids.includes(id)));

    const { origin_server_ts } = JSON.parse(event.pdu);
    const back = await federation.timestampToEvent(NAME, origin_server_ts + 1, { ...at, direction: "backwards" });
    assert.deepEqual([back.event_id, back.origin_server_ts, back.pdu], [said, origin_server_ts, event.pdu]);
    const first = await federation.timestampToEvent(NAME, 0, at);
    assert.equal(JSON.parse(first.pdu).type, "m.room.create");
    await assert.rejects(federation.timestampToEvent(NAME, Date.now() + 1e9, at), error("remote_not_found"));

    const { events } = await federation.missingEvents(NAME, {
      ...{ ...at, earliestEvents: room.extremities(), latestEvents: [{ eventId: said, prevEvents: JSON.parse(event.pdu).prev_events.flat().filter((id) => typeof id === "string") }] },
    });
    assert.deepEqual(events, []);
  }
});

test("any request, signed or not, with its answer as it is", options, async () => {
  const { status, headers, body } = await federation.request(NAME, { target: "/_matrix/federation/v1/version", signed: false });
  assert.equal(status, 200);
  assert.equal(new Map(headers).get("content-type"), "application/json");
  assert.equal(JSON.parse(new TextDecoder().decode(body)).server.name, "Synapse");
  const nothing = await federation.request(NAME, { method: "POST", target: "/_matrix/federation/v1/nothing", content: {} });
  assert.equal(nothing.status, 404);
  const target = `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(alice.id)}`;
  assert.equal((await federation.request(NAME, { target, signed: false })).status, 401);
  assert.equal((await federation.request(NAME, { target })).status, 200);
});

test("what is sent twice, because the answer was lost, is taken once", options, async () => {
  const roomId = await alice.createRoom({ version: "11", preset: "public_chat" });
  const { room } = await federation.join({ roomId, userId: me, via: [NAME] });
  let lost = 0;
  const host = {
    ...ours.host,
    async https(request, callOptions) {
      const answer = await ours.host.https(request, callOptions);
      if (!request.target.includes("/send/") || lost > 0) return answer;
      lost += 1;
      throw Object.assign(new Error("the line went dead"), { code: "host_connection" });
    },
    wait: () => {},
  };
  const sender = new Federation({ serverName: ours.serverName, signingKey: ours.peer.key, host });
  const events = ["one", "two"].map((body) => {
    const event = ours.sign(room.draft({ type: "m.room.message", sender: me, content: { msgtype: "m.text", body } }), "11");
    assert.equal(room.add([event])[0].outcome, "accepted");
    return event;
  });
  const sent = await sender.send(NAME, { pdus: events, roomVersion: "11" });
  assert.deepEqual([sent.pdus, sent.retries, sent.failure, lost], [2, 1, undefined, 1]);
  // The answer is an object: by the IDs, in no order of ours.
  const ids = events.map((event) => eventId(event, "11")).sort();
  assert.deepEqual(sent.transactions[0].pdus, ids.map((event_id) => ({ event_id })));
  const bodies = async () => (await alice.messages(roomId)).map(({ content }) => content.body).filter(Boolean);
  await eventually("both messages", async () => (await bodies()).length >= 2);
  assert.deepEqual(await bodies(), ["two", "one"]);
});

test("what somebody typed reaches Synapse's users as ephemeral data", options, async () => {
  const roomId = await alice.createRoom({ version: "11", preset: "public_chat" });
  await federation.join({ roomId, userId: me, via: [NAME] });
  const typing = { edu_type: "m.typing", content: { room_id: roomId, user_id: me, typing: true } };
  const sent = await federation.send(NAME, { edus: [typing] });
  assert.deepEqual([sent.pdus, sent.edus, sent.failure], [0, 1, undefined]);
  const { rooms } = await alice.sync();
  const events = rooms.join[roomId].ephemeral.events;
  assert.deepEqual(events.find(({ type }) => type === "m.typing")?.content, { user_ids: [me] });
});

test("the invitation of a third party becomes an invite", options, async () => {
  const roomId = await alice.createRoom({ version: "11", preset: "private_chat" });
  const identity = SigningKey.generate();
  const { publicKey } = identity;
  const display_name = "m…@…";
  const invited = { display_name, public_key: publicKey, public_keys: [{ public_key: publicKey }], key_validity_url: "https://id.test/valid" };
  await alice.setState(roomId, "m.room.third_party_invite", invited, "token");
  const signed = JSON.parse(signJson({ mxid: me, token: "token" }, { serverName: "id.test", key: identity }));
  const event = {
    ...{ type: "m.room.member", room_id: roomId, sender: alice.id, state_key: me },
    content: { membership: "invite", third_party_invite: { display_name, signed } },
  };
  await federation.exchangeThirdPartyInvite(NAME, event, { roomId });
  assert.equal(await alice.membership(roomId, me), "invite");
  assert.equal(ours.received.invites.at(-1).outcome, "accepted");
  const { report, room } = await federation.join({ roomId, userId: me, via: [NAME] });
  assert.equal(report.verdict.outcome, "accepted");
  assert.deepEqual(room.missing(), []);
});
