// What our server answers to others: each route, each refusal, each callback. Rows I108 to I111, K6, K7, N29.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createHandler, eventId, Federation, KeyRing, publishedKeys, Room, signEvent, SigningKey, signJson, signRequest, verifyEventSignatures,
} from "fedproof";
import { memoryHost } from "fedproof/hosts/memory";
import { TestRoom } from "./room.mjs";
import { error, NOW, server } from "./world.mjs";

const ours = server("ours.example");
const theirs = server("a.example");
const evil = server("evil.example");
const silent = server("silent.example");
const DAY = 24 * 60 * 60 * 1000;
const ALICE = "@alice:a.example";
const MALLORY = "@mallory:evil.example";
const ME = "@me:ours.example";
const SEND = "/_matrix/federation/v1/send/";
const KEYS = "/_matrix/key/v2/server";

/** A world with their servers, our federation in it, and our handler; `answers` are by "METHOD target" of a.example. */
function setup({ answers = {}, knowsKeys = true, validUntil = NOW + DAY, faults = [], ...options } = {}) {
  const table = { [`GET ${KEYS}`]: { body: theirs.keyResponse({ validUntil }) }, ...answers };
  const answer = async ({ method, target, body }) => {
    const found = table[`${method} ${target.split("?")[0]}`] ?? { status: 404, json: { errcode: "M_UNRECOGNIZED", error: "" } };
    return typeof found === "function" ? found(JSON.parse(Buffer.from(body ?? "{}").toString())) : found;
  };
  const host = memoryHost({
    addresses: { "a.example": ["192.0.2.1"], "evil.example": ["192.0.2.2"] },
    servers: { "192.0.2.1:8448": answer, "192.0.2.2:8448": { answer: { [`GET ${KEYS}`]: { body: evil.keyResponse() } } } },
    faults,
  });
  const federation = new Federation({ serverName: ours.name, signingKey: ours.key, host });
  if (knowsKeys) federation.keys.addServerKeys(theirs.keyResponse({ validUntil }), { fetchedTs: NOW });
  const told = { verdicts: [], edus: [], errors: [], invites: [] };
  const rooms = new Map();
  const hold = (room) => {
    const held = new Room({ roomVersion: room.version, keys: federation.keys });
    held.add(room.events);
    rooms.set(room.id, held);
    return held;
  };
  const handler = createHandler({
    federation, signingKeys: ours.key, rooms: (id) => rooms.get(id), now: () => NOW + 1000,
    onVerdict: (verdict, context) => told.verdicts.push({ ...verdict, ...context }),
    onEdu: (edu, { origin }) => told.edus.push({ ...edu, origin }),
    onError: (thrown, where) => told.errors.push({ thrown, ...where }),
    onInvite: (invite) => told.invites.push(invite),
    ...options,
  });
  const requests = (target) => host.log.filter(({ question }) => question.kind === "https" && (!target || question.request.target.startsWith(target)));
  const put = (target, content, more) => reply(handler, signedPut(target, content, more));
  const send = async (pdus, { id = `t${(ids += 1)}`, edus, by } = {}) => {
    const text = `{"origin":"x","origin_server_ts":1,"pdus":[${pdus}]${edus ? `,"edus":${JSON.stringify(edus)}` : ""}}`;
    const answered = await put(SEND + id, text, { by });
    assert.equal(answered.status, 200, answered.text);
    return answered.json.pdus;
  };
  return { handler, federation, host, told, rooms, hold, requests, put, send };
}
let ids = 0;

/** A request that another server has signed. */
function signedPut(target, content = "{}", { by = theirs, signed = {}, url = `https://ours.example${target}`, ...init } = {}) {
  const { authorization, body } = signRequest({
    serverName: by.name, key: by.key, destination: ours.name, method: "PUT", uri: target, content, ...signed,
  });
  return new Request(url, { method: "PUT", headers: { authorization }, body, ...init });
}

async function reply(handler, request, received) {
  const response = await handler(request, received);
  const text = await response.text();
  assert.equal(response.headers.get("content-type"), "application/json");
  return { status: response.status, headers: response.headers, text, json: JSON.parse(text) };
}
const get = (handler, path) => reply(handler, new Request(`https://ours.example${path}`));

function refused({ status, json, text }, expected, errcode, reason = /./) {
  assert.deepEqual([status, json.errcode], [expected, errcode], text);
  assert.match(json.error, reason);
}

/** A public room of theirs, with a user of ours. */
function publicRoom(version = "11") {
  const room = new TestRoom([theirs, ours, evil], { version });
  room.powerLevels({ users: Number(version) < 12 ? { [ALICE]: 100 } : {} });
  room.joinRule("public");
  room.member(ME, "join");
  return room;
}
const say = (room, body = "hello", sender = ALICE) => room.add("m.room.message", sender, { body, msgtype: "m.text" });

test("E16 N3 our keys prove themselves, and are signed anew before they run out", async () => {
  const second = SigningKey.generate("ed25519:second");
  const old = { keyId: "ed25519:old", publicKey: SigningKey.generate().publicKey, expiredTs: 5 };
  let now = NOW;
  const { handler } = setup({ signingKeys: [ours.key, second], oldKeys: [old], now: () => now });
  const answered = await get(handler, KEYS);
  assert.equal(answered.status, 200);
  assert.deepEqual(Object.keys(answered.json.signatures[ours.name]).sort(), [ours.key.keyId, second.keyId].sort());
  const report = new KeyRing().addServerKeys(answered.text, { fetchedTs: NOW });
  assert.deepEqual([report.server_name, report.valid_until_ts, report.refused], [ours.name, NOW + DAY, []]);
  assert.deepEqual(report.keys.find(({ key_id }) => key_id === old.keyId), { key_id: old.keyId, public_key: old.publicKey, expired_ts: 5, fetched_ts: NOW });
  now += DAY / 2;
  assert.equal((await get(handler, KEYS)).text, answered.text);
  now += 1;
  assert.equal((await get(handler, KEYS)).json.valid_until_ts, now + DAY);
  now = NOW - DAY;
  assert.equal((await get(handler, KEYS)).json.valid_until_ts, NOW);
});

test("publishedKeys refuses what nobody could use", () => {
  const options = { serverName: ours.name, keys: ours.key, validUntilTs: NOW };
  const { keyId, publicKey } = ours.key;
  const signed = publishedKeys(options);
  assert.equal(signed, signJson(signed, { serverName: ours.name, key: ours.key }));
  for (const [code, more] of [
    ["server_name_invalid", { serverName: "no name" }],
    ["key_conflict", { keys: [ours.key, ours.key] }],
    ["key_conflict", { oldKeys: [{ keyId, publicKey, expiredTs: 1 }] }],
    ["key_id_invalid", { oldKeys: [{ keyId: "rsa:1", publicKey, expiredTs: 1 }] }],
    ["key_invalid", { oldKeys: [{ keyId: "ed25519:o", publicKey: "AA", expiredTs: 1 }] }],
    ["invalid_option", { oldKeys: [{ keyId: "ed25519:o", publicKey }] }],
    ["invalid_option", { oldKeys: {} }],
    ["invalid_option", { keys: [] }],
    ["invalid_option", { keys: [publicKey] }],
    ["invalid_option", { keys: undefined }],
    ["invalid_option", { validUntilTs: "soon" }],
    ["invalid_option", { valid: 1 }],
  ]) {
    assert.throws(() => publishedKeys({ ...options, ...more }), error(code), JSON.stringify(more));
  }
  const disposed = SigningKey.generate();
  disposed.dispose();
  assert.throws(() => publishedKeys({ ...options, keys: disposed }), error("key_disposed"));
});

test("N1 N2 where and what we are", async () => {
  const { handler } = setup({ wellKnown: "matrix.ours.example:443", version: { name: "mine", version: "2" } });
  assert.deepEqual((await get(handler, "/.well-known/matrix/server")).json, { "m.server": "matrix.ours.example:443" });
  assert.deepEqual((await get(handler, "/_matrix/federation/v1/version?x")).json, { server: { name: "mine", version: "2" } });
  const plain = setup().handler;
  refused(await get(plain, "/.well-known/matrix/server"), 404, "M_UNRECOGNIZED");
  assert.deepEqual((await get(plain, "/_matrix/federation/v1/version")).json, { server: { name: "fedproof" } });
});

test("N29 other paths are unknown, and other methods not allowed", async () => {
  const { handler } = setup();
  for (const path of ["/", "/_matrix", `${KEYS}/`, `${KEYS}/ed25519:x`, SEND, `${SEND}1/2`, "/_matrix/federation/v1/invite/a", "/_matrix/federation/v3/invite/a/b", "/_matrix/federation/v1/%73end/1", "//_matrix/key/v2/server"]) {
    refused(await get(handler, path), 404, "M_UNRECOGNIZED");
  }
  for (const [method, path, allow] of [["POST", KEYS, "GET"], ["GET", `${SEND}1`, "PUT"], ["DELETE", "/_matrix/federation/v2/invite/a/b", "PUT"]]) {
    const answered = await reply(handler, new Request(`https://ours.example${path}`, { method }));
    refused(answered, 405, "M_UNRECOGNIZED", new RegExp(allow));
    assert.equal(answered.headers.get("allow"), allow);
  }
});

test("paths are decoded once, and strictly", async () => {
  const { put, send, rooms, hold, told } = setup({ decideInvite: () => true });
  for (const segment of ["%zz", "%", "%C3", "%FF"]) refused(await put(SEND + segment), 400, "M_INVALID_PARAM", /escapes/);
  const room = publicRoom();
  rooms.set("!a%2Fb:x", hold(room));
  // A room ID with what looks like an escape: only as such is it one of the room's.
  refused(await put("/_matrix/federation/v2/invite/!a%252Fb:x/$e"), 400, "M_MISSING_PARAM");
  assert.deepEqual(await send([], { id: "%2F%252F" }), {});
  refused(await put(SEND + "x".repeat(256)), 400, "M_INVALID_PARAM");
  assert.deepEqual(told.errors, []);
});

test("I108 I109 I110 nobody is served who does not prove who they are", async () => {
  const { handler, put, requests, told } = setup();
  const bare = (more) => reply(handler, new Request("https://ours.example" + SEND + "1", { method: "PUT", body: "{}", ...more }));
  refused(await bare(), 401, "M_UNAUTHORIZED", /no Authorization header/);
  refused(await bare({ headers: { authorization: "Bearer x" } }), 401, "M_UNAUTHORIZED");
  refused(await put(SEND + "1", "{}", { signed: { destination: "other.example" } }), 401, "M_UNAUTHORIZED", /other\.example/);
  refused(await put(SEND + "1", "{}", { body: '{"a":1}' }), 401, "M_UNAUTHORIZED", /signature/);
  const impostor = { name: theirs.name, key: SigningKey.generate(theirs.key.keyId) };
  refused(await put(SEND + "1", "{}", { by: impostor }), 401, "M_UNAUTHORIZED");
  assert.deepEqual(requests(), []);
  refused(await put(SEND + "1", "{}", { by: silent }), 401, "M_UNAUTHORIZED");
  assert.deepEqual(told.errors, []);
});

test("I108 keys that are missing are asked for once, of the server itself", async () => {
  const { put, requests } = setup({ knowsKeys: false });
  assert.equal((await put(SEND + "1", '{"pdus":[]}')).status, 200);
  assert.equal((await put(SEND + "2", '{"pdus":[]}')).status, 200);
  assert.deepEqual(requests(KEYS).map(({ question }) => question.request.connectHost), ["a.example"]);
  const unknown = { name: theirs.name, key: SigningKey.generate("ed25519:unknown") };
  refused(await put(SEND + "3", "{}", { by: unknown }), 401, "M_UNAUTHORIZED", /ed25519:unknown/);
});

test("I111 a key that has expired by now", async () => {
  const { put } = setup({ validUntil: NOW + 500 });
  refused(await put(SEND + "1", "{}"), 401, "M_UNAUTHORIZED");
});

test("I110 the target that was signed is the raw one; where Request has changed it, the reason says so", async () => {
  const { handler } = setup();
  const target = `${SEND}a b`.replace(" ", "%20") + "/../x'";
  const { authorization } = signRequest({ serverName: theirs.name, key: theirs.key, destination: ours.name, method: "PUT", uri: target, content: "{}" });
  const made = () => new Request(`https://ours.example${target}`, { method: "PUT", headers: { authorization }, body: "{}" });
  refused(await reply(handler, made()), 401, "M_UNAUTHORIZED", /request\.url.*written anew/);
  refused(await reply(handler, made(), { target }), 404, "M_UNRECOGNIZED"); // it is another path, as it stands
  const odd = `${SEND}a'b?x=<>`.replace(/[<>]/g, (c) => encodeURIComponent(c)) + "'";
  const signed = (url) => signedPut(odd, '{"pdus":[]}', { url });
  assert.equal((await reply(handler, signed(), { target: odd })).status, 200);
  refused(await reply(handler, signed(`https://ours.example${odd}"`)), 401, "M_UNAUTHORIZED", /request\.url/);
  assert.equal((await reply(handler, signed(`https://ours.example${odd}"`), { target: odd })).status, 200);
  refused(await reply(handler, signed(), { target: `${odd}'` }), 401, "M_UNAUTHORIZED", /^(?!.*request\.url)/);
});

test("what platforms pass beside the request is passed over", async () => {
  const { handler } = setup();
  for (const second of [undefined, null, {}, { remoteAddr: { hostname: "::1" }, completed: Promise.resolve() }, { target: 5 }, { target: "relative" }, 5]) {
    assert.equal((await reply(handler, new Request(`https://ours.example${KEYS}`), second)).status, 200);
  }
});

test("bodies are no longer than they may be, and JSON", async () => {
  const { handler, put } = setup();
  let pulled = 0;
  let cancelled = false;
  const endless = new ReadableStream({
    pull: (controller) => {
      pulled += 1;
      controller.enqueue(new Uint8Array(1024 * 1024));
    },
    cancel: () => { cancelled = true; },
  });
  refused(await reply(handler, signedPut(SEND + "1", "{}", { body: endless, duplex: "half" })), 413, "M_TOO_LARGE");
  assert.ok(cancelled && pulled < 20, `${pulled}`);
  const long = signedPut(SEND + "1");
  long.headers.set("content-length", "13107201");
  refused(await reply(handler, long), 413, "M_TOO_LARGE");
  const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
  refused(await reply(handler, signedPut(SEND + "1", "{}", { body: broken, duplex: "half" })), 400, "M_NOT_JSON", /broke off/);
  refused(await put(SEND + "1", "{}", { body: "{" }), 400, "M_NOT_JSON");
  refused(await put(SEND + "1", "{}", { body: Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d) }), 400, "M_NOT_JSON");
  refused(await put(SEND + "1", "{}", { body: "[]" }), 400, "M_BAD_JSON");
  refused(await put(SEND + "1", "{}", { body: undefined }), 400, "M_NOT_JSON");
});

test("I111 transactions have at most 50 events and 100 EDUs, in lists", async () => {
  const { put, told } = setup();
  const list = (length, item) => Array.from({ length }, () => item);
  const pdu = { type: "x", room_id: "!x:y" };
  assert.equal((await put(SEND + "1", { pdus: list(50, pdu), edus: list(100, {}) })).status, 200);
  refused(await put(SEND + "2", { pdus: list(51, pdu) }), 400, "M_BAD_JSON", /at most 50 events, this has 51/);
  refused(await put(SEND + "3", { pdus: [], edus: list(101, {}) }), 400, "M_BAD_JSON", /at most 100 EDUs, this has 101/);
  refused(await put(SEND + "4", { pdus: {} }), 400, "M_BAD_JSON", /pdus is not a list/);
  refused(await put(SEND + "5", { edus: 1 }), 400, "M_BAD_JSON", /edus is not a list/);
  assert.deepEqual((await put(SEND + "6", {})).json, { pdus: {} });
  assert.deepEqual(told.errors, []);
});

test("I12 each event is judged for itself, and the answer says what is wrong with it", async () => {
  const { hold, send, told } = setup();
  const room = publicRoom();
  const held = hold(room);
  const good = say(room);
  const forged = room.make("m.room.message", ALICE, { body: "forged" }, { signers: ["evil.example"] });
  const byKey = signEvent(room.make("m.room.message", ALICE, { body: "by another key" }, { signers: [] }), { serverName: theirs.name, key: SigningKey.generate(theirs.key.keyId), roomVersion: "11" });
  const denied = room.make("m.room.power_levels", ME, { users: { [ME]: 100 } }, { state_key: "" });
  const changed = JSON.stringify({ ...JSON.parse(room.make("m.room.message", ALICE, { body: "before" })), content: { body: "after" } });
  const malformed = room.make("m.room.message", ALICE, { body: "x" }).replace('"depth":', '"depth":"x","deep":');
  const results = await send([forged, good, denied, byKey, changed, malformed, "5", '"x"']);
  const of = (text) => results[room.idOf(text)];
  assert.deepEqual(of(good), {});
  assert.deepEqual(of(changed), {}); // only its content is gone
  assert.match(of(forged).error, /^dropped: .*a\.example.*\(check 2, signatures; signature_missing\)$/);
  assert.match(of(byKey).error, /^dropped: .*\(check 2, signatures; signature_invalid\)$/);
  assert.match(of(denied).error, /^rejected: .*\(check 4, auth_events; rule [\d.]+; \w+\)$/);
  assert.match(of(malformed).error, /depth/);
  assert.equal(Object.keys(results).length, 6);
  assert.deepEqual(told.verdicts.map(({ outcome, origin, roomId, room: one }) => [outcome, origin, roomId === room.id, one === held]).filter(([, ...rest]) => rest.join() !== "a.example,true,true"), []);
  assert.equal(told.verdicts.length, 6);
  assert.deepEqual(held.extremities(), [room.idOf(changed)]); // which follows on the good one
  // Once more, in another transaction.
  const again = await send([good, denied, forged]);
  assert.deepEqual(again[room.idOf(good)], {});
  assert.match(again[room.idOf(denied)].error, /came before, and was rejected/);
  assert.match(again[room.idOf(forged)].error, /signature_missing/);
});

test("an event as deep as may be does not spoil the transaction it comes in, nor an invite its request", async () => {
  const nested = (levels) => JSON.parse("[".repeat(levels) + "]".repeat(levels));
  const { hold, send, put } = setup({ decideInvite: () => true });
  const room = publicRoom();
  hold(room);
  const deep = room.add("m.room.message", ALICE, { body: nested(125) });
  assert.deepEqual(await send([deep]), { [room.idOf(deep)]: {} });
  refused(await put(SEND + "deeper", "{}", { body: JSON.stringify({ pdus: [nested(128)] }) }), 400, "M_BAD_JSON");
  const { path, v2 } = invite();
  refused(await put(path("v2"), { ...v2, event: nested(127) }), 400, "M_INVALID_PARAM");
  // With the object around it, one in the form of before v2 may be too deep for any.
  refused(await put(path("v1"), { a: nested(128) }), 400, "M_BAD_JSON");
});

test("I13 a soft-failed event is no error: it is kept", async () => {
  const { hold, send, told } = setup();
  const room = publicRoom();
  const late = room.make("m.room.message", ME, { body: "from before" });
  room.member(ALICE, "ban", { of: ME });
  hold(room);
  assert.deepEqual(await send([late]), { [room.idOf(late)]: {} });
  assert.deepEqual(told.verdicts.map(({ outcome }) => outcome), ["soft_failed"]);
});

test("events of rooms that we do not hold are answered by the ID of each version, those without an ID not at all", async () => {
  const { send, told } = setup();
  for (const version of ["1", "3", "6", "11"]) {
    const room = new TestRoom([theirs], { version: version === "1" ? "3" : version });
    const pdu = version === "1" ? inV1(say(room)) : say(room);
    const results = await send([pdu]);
    assert.match(results[eventId(pdu, version)].error, /not in the room !room:a\.example/);
  }
  const twelve = new TestRoom([theirs], { version: "12" });
  const [create] = twelve.events;
  assert.match((await send([create]))[twelve.idOf(create)].error, /not in the room/);
  const roomless = Object.values(await send(['{"type":"m.room.message","room_id":5}']));
  for (const { error: said } of roomless) assert.match(said, /does not say its room/);
  assert.deepEqual(told.verdicts, []);
});

test("room version 12: the create event is of the room that it makes", async () => {
  const { send, rooms, federation } = setup();
  const room = publicRoom("12");
  const held = new Room({ roomVersion: "12", keys: federation.keys });
  rooms.set(room.id, held);
  const results = await send(room.events.filter((text) => !text.includes(`"sender":"${ME}"`)));
  assert.deepEqual(Object.values(results), Object.values(results).map(() => ({})));
  assert.equal(held.currentEvent("m.room.create", ""), room.idOf(room.create));
});

test("a transaction that comes again is answered as before, also while the first is under way", async () => {
  const { hold, send, put, told } = setup();
  const room = publicRoom();
  hold(room);
  const pdu = say(room);
  const denied = room.make("m.room.name", ME, { name: "x" }, { state_key: "" });
  const both = () => send([pdu, denied], { id: "same", edus: [{ edu_type: "m.direct_to_device", content: { sender: ALICE } }] });
  const [one, two] = await Promise.all([both(), both()]);
  const three = await both();
  assert.deepEqual([two, three], [one, one]);
  assert.deepEqual([told.verdicts.length, told.edus.length], [2, 1]);
  // By another server, the same ID is another transaction.
  assert.deepEqual(await send([], { id: "same", by: evil }), {});
  // What was refused is not remembered.
  refused(await put(SEND + "again", { pdus: 1 }), 400, "M_BAD_JSON");
  assert.equal((await put(SEND + "again", {})).status, 200);
});

test("the answers to so many transactions are remembered, and no more", async () => {
  const { put, told } = setup();
  const toDevice = { edus: [{ edu_type: "m.direct_to_device", content: { sender: ALICE } }] };
  const others = async (name, count) => {
    for (let n = 0; n < count; n += 1) await put(`${SEND}${name}${n}`);
  };
  await put(SEND + "first", toDevice);
  await others("a", 999);
  await put(SEND + "first", toDevice);
  assert.equal(told.edus.length, 1);
  await others("b", 1);
  await put(SEND + "first", toDevice);
  assert.equal(told.edus.length, 2);
  // Long ones count for more.
  const long = { pdus: Array.from({ length: 50 }, (_, n) => ({ type: "x", room_id: `!${"x".repeat(2000)}`, event_id: `$${n}${"e".repeat(200)}:x` })) };
  for (let n = 0; n < 100; n += 1) await put(`${SEND}long${n}`, long);
  await put(SEND + "first", toDevice);
  assert.equal(told.edus.length, 3);
  const huge = await put(SEND + "huge", { pdus: [{ type: "x", room_id: "!x:y", event_id: `$${"e".repeat(300)}:x` }] });
  assert.ok(huge.text.length < 1000);
});

test("I111 the server that is proven rules, whatever origin the transaction names", async () => {
  const { hold, put, told } = setup();
  const room = publicRoom();
  hold(room);
  const typing = { edu_type: "m.typing", content: { room_id: room.id, user_id: ALICE, typing: true } };
  assert.equal((await put(SEND + "1", { origin: theirs.name, pdus: [], edus: [typing] }, { by: evil })).status, 200);
  assert.deepEqual(told.edus, []);
});

test("I14 what an event follows on is fetched from the server that sent it", async () => {
  const room = publicRoom();
  const missing = [say(room, "one"), say(room, "two")];
  const last = say(room, "three");
  const asked = [];
  const path = `/_matrix/federation/v1/get_missing_events/${encodeURIComponent(room.id)}`;
  const find = (body) => {
    asked.push(body);
    return { body: `{"events":[${missing}]}` };
  };
  const world = setup({ answers: { [`POST ${path}`]: find, [`POST ${path.replaceAll("!", "%21")}`]: find } });
  const held = new Room({ roomVersion: "11", keys: world.federation.keys });
  held.add(room.events.slice(0, -3));
  world.rooms.set(room.id, held);
  assert.deepEqual(await world.send([last]), { [room.idOf(last)]: {} });
  assert.deepEqual(held.extremities(), [room.idOf(last)]);
  assert.equal(asked.length, 1);
  assert.deepEqual(world.told.verdicts.map(({ event_id, outcome }) => [event_id, outcome]), [...missing, last].map((text) => [room.idOf(text), "accepted"]));
});

test("I14 where that is not to be had, the event waits, and the answer says for what", async () => {
  const { rooms, federation, send, told } = setup();
  const room = publicRoom();
  const missing = say(room, "one");
  const last = say(room, "two");
  const held = new Room({ roomVersion: "11", keys: federation.keys });
  held.add(room.events.slice(0, -2));
  rooms.set(room.id, held);
  const results = await send([last]);
  assert.match(results[room.idOf(last)].error, /^incomplete: .*\(check 4, auth_events; event_missing\)$/);
  assert.deepEqual(told.errors, []);
  // When it comes, all is well.
  assert.deepEqual(await send([missing]), { [room.idOf(missing)]: {} });
  assert.deepEqual(await send([last]), { [room.idOf(last)]: {} });
  assert.deepEqual(told.verdicts.map(({ outcome }) => outcome), ["accepted", "accepted"]);
});

test("where very many events wait, another one may not", async () => {
  for (const version of ["11", "12"]) {
    const { hold, send } = setup();
    const room = publicRoom(version);
    const held = hold(room);
    held.counts = () => ({ events: 5, waiting: 10_000 });
    const good = say(room);
    say(room, "lost");
    const far = room.make("m.room.message", ALICE, { body: "far" });
    const odd = room.make("m.room.message", ALICE, { body: "odd" }, { prev_events: [held.extremities()[0]], auth_events: ["$DR2gqI___4oQ6cWmzPdq8LJmR1ho5JciFsR7fMYXgZA"] });
    const results = await send([good, far, odd]);
    assert.deepEqual(results[room.idOf(good)], {});
    for (const text of [far, odd]) assert.match(results[room.idOf(text)].error, /^incomplete: .*10000 events of the room wait already/);
    assert.deepEqual(held.waiting(), []);
  }
});

test("keys of all events are fetched at once; an event whose key is not to be had is incomplete", async () => {
  const { hold, send, requests } = setup();
  const room = new TestRoom([theirs, evil, silent, ours]);
  room.joinRule("public");
  hold(room);
  const joins = [room.member("@m:evil.example", "join"), room.member("@n:evil.example", "join")];
  const lost = room.makeMember("@s:silent.example", "join");
  const results = await send([...joins, lost]);
  assert.deepEqual(joins.map((text) => results[room.idOf(text)]), [{}, {}]);
  assert.match(results[room.idOf(lost)].error, /^incomplete: .*silent\.example.*check 2/);
  assert.equal(requests(KEYS).length, 1);
});

test("events of one room are taken one after the other, rooms at the same time", async () => {
  const order = [];
  let release;
  const gate = new Promise((resolve) => (release = resolve));
  const { hold, send } = setup({
    onVerdict: async ({ event_id }) => {
      order.push(event_id);
      if (order.length === 1) await gate;
    },
  });
  const one = publicRoom();
  const second = new TestRoom([theirs], { version: "12" });
  hold(one);
  hold(second);
  const [first, next] = [say(one, "1"), say(one, "2")];
  const apart = say(second);
  const sent = [send([first]), send([next])];
  await send([apart]);
  assert.deepEqual(order, [one.idOf(first), second.idOf(apart)]);
  release();
  await Promise.all(sent);
  assert.deepEqual(order, [one.idOf(first), second.idOf(apart), one.idOf(next)]);
});

test("K6 K7 a server that the room's ACL denies", async () => {
  const { hold, send, put, told } = setup({ decideInvite: () => true });
  const room = publicRoom();
  room.member(MALLORY, "join");
  const before = say(room, "before", MALLORY);
  hold(room);
  const typing = { edu_type: "m.typing", content: { room_id: room.id, user_id: MALLORY, typing: true } };
  const receipt = { edu_type: "m.receipt", content: { [room.id]: { "m.read": { [MALLORY]: { event_ids: [] } } } } };
  assert.deepEqual(await send([before], { by: evil, edus: [typing, receipt] }), { [room.idOf(before)]: {} });
  assert.deepEqual(told.edus.map(({ edu_type }) => edu_type), ["m.typing", "m.receipt"]);
  const acl = room.add("m.room.server_acl", ALICE, { allow: ["*"], deny: ["evil.example"] }, { state_key: "" });
  assert.deepEqual(await send([acl]), { [room.idOf(acl)]: {} });
  const after = say(room, "after", MALLORY);
  const results = await send([after], { by: evil, edus: [typing, receipt] });
  assert.match(results[room.idOf(after)].error, /evil\.example.*\(acl_denied\)/);
  assert.equal(told.edus.length, 2);
  refused(await put(invitePath(room.id, "$x"), {}, { by: evil }), 403, "M_FORBIDDEN", /evil\.example/);
  // By way of a server that may, the event is one like any other (K5).
  assert.deepEqual(await send([after]), { [room.idOf(after)]: {} });
});

test("ephemeral data is that of the server's own users, in rooms that we hold", async () => {
  const { hold, send, told } = setup();
  const room = publicRoom();
  hold(room);
  const read = (user) => ({ [user]: { event_ids: ["$x"], data: {} } });
  const kept = [
    { edu_type: "m.typing", content: { room_id: room.id, user_id: ALICE, typing: true } },
    { edu_type: "m.presence", content: { push: [{ user_id: ALICE }, { user_id: MALLORY }, 5] } },
    { edu_type: "m.receipt", content: { [room.id]: { "m.read": { ...read(ALICE), ...read(MALLORY) } }, "!other:x": { "m.read": read(ALICE) } } },
    { edu_type: "m.device_list_update", content: { user_id: ALICE } },
    { edu_type: "m.signing_key_update", content: { user_id: ALICE } },
    { edu_type: "m.direct_to_device", content: { sender: ALICE, messages: {} } },
  ];
  const dropped = [
    5, null, [], {}, { edu_type: "m.typing" }, { edu_type: 1, content: {} }, { edu_type: "m.typing", content: [] },
    { edu_type: "m.typing", content: { room_id: room.id, user_id: MALLORY } },
    { edu_type: "m.typing", content: { room_id: "!other:x", user_id: ALICE } },
    { edu_type: "m.typing", content: { user_id: ALICE } },
    { edu_type: "m.presence", content: { push: [{ user_id: MALLORY }] } },
    { edu_type: "m.presence", content: { push: {} } },
    { edu_type: "m.receipt", content: { [room.id]: { "m.read": read(MALLORY) } } },
    { edu_type: "m.receipt", content: { [room.id]: 5 } },
    { edu_type: "m.device_list_update", content: { user_id: "a.example" } },
    { edu_type: "m.direct_to_device", content: { sender: "@x:a.example:1" } },
    { edu_type: "org.example.own", content: { user_id: ALICE } },
  ];
  await send([], { edus: [...dropped, ...kept] });
  const contents = kept.map(({ content }) => content);
  contents[1] = { push: [{ user_id: ALICE }] };
  contents[2] = { [room.id]: { "m.read": read(ALICE) } };
  assert.deepEqual(told.edus, kept.map(({ edu_type }, at) => ({ edu_type, content: contents[at], origin: "a.example" })));
  assert.deepEqual(told.errors, []);
});

const invitePath = (roomId, id, version = "v2") => `/_matrix/federation/${version}/invite/${encodeURIComponent(roomId)}/${encodeURIComponent(id)}`;

/** An event of room version 3 as one of version 1. */
function inV1(text) {
  const event = JSON.parse(text);
  const named = (ids) => ids.map((id) => [`${id.slice(0, 9)}:a.example`, { sha256: id.slice(1) }]);
  const [prev_events, auth_events] = [named(event.prev_events), named(event.auth_events)];
  const unsigned = { ...event, prev_events, auth_events, event_id: "$mine:a.example", signatures: {} };
  return signEvent(unsigned, { serverName: theirs.name, key: theirs.key, roomVersion: "1" });
}

/** An invite of our user to a room of theirs. */
function invite(version = "11", { of = ME } = {}) {
  const isOld = version === "1" || version === "2";
  const room = new TestRoom([theirs], { version: isOld ? "3" : version });
  const made = isOld ? inV1(room.makeMember(ALICE, "invite", { of })) : room.makeMember(ALICE, "invite", { of });
  const state = [{ type: "m.room.name", state_key: "", sender: ALICE, content: { name: "x" } }];
  const id = eventId(made, version);
  const v2 = { room_version: version, event: JSON.parse(made), invite_room_state: version === "12" ? [JSON.parse(room.create)] : state };
  const v1 = { ...JSON.parse(made), unsigned: { invite_room_state: state } };
  return { room, id, v1, v2, path: (to) => invitePath(room.id, id, to) };
}

test("N18 N19 invites are signed, in the form in which they are asked for", async () => {
  const seen = [];
  const { put, told, federation } = setup({ decideInvite: async (one) => seen.push(one) > 0 });
  for (const version of ["1", "2", "3", "11", "12"]) {
    const { room, id, v1, v2, path } = invite(version);
    const answered = await put(path("v2"), v2);
    assert.equal(answered.status, 200, answered.text);
    const event = JSON.stringify(answered.json.event);
    assert.deepEqual(Object.keys(JSON.parse(event).signatures).sort(), [theirs.name, ours.name]);
    assert.equal(verifyEventSignatures(event, { roomVersion: version, keys: federation.keys }).result, "pass");
    const { event: asked, roomState, ...rest } = seen.at(-1);
    assert.deepEqual(rest, { origin: theirs.name, roomId: room.id, roomVersion: version, eventId: id, sender: ALICE, userId: ME });
    assert.deepEqual(Object.keys(JSON.parse(asked).signatures), [theirs.name]);
    assert.equal(roomState.length, 1);
    assert.deepEqual(JSON.parse(told.invites.at(-1).event), answered.json.event);
    if (Number(version) > 2) continue;
    const [status, body] = (await put(path("v1"), v1)).json;
    assert.deepEqual([status, Object.keys(body.event.signatures).sort()], [200, [theirs.name, ours.name]]);
    assert.deepEqual([seen.at(-1).roomVersion, seen.at(-1).roomState.length], ["1", 1]);
  }
});

test("I111 invites that are not what the request says", async () => {
  const { put, told } = setup({ decideInvite: () => true, knowsKeys: false });
  const { id, v2, v1, room, path } = invite();
  refused(await put(invitePath("!other:a.example", id), v2), 400, "M_INVALID_PARAM", /invite_room_mismatch/);
  refused(await put(invitePath(room.id, "$other"), v2), 400, "M_INVALID_PARAM", /invite_event_id_mismatch/);
  refused(await put(path("v2"), v2, { by: evil }), 403, "M_FORBIDDEN", /evil\.example/);
  refused(await put(path("v2"), { ...v2, room_version: "99" }), 400, "M_INCOMPATIBLE_ROOM_VERSION");
  refused(await put(path("v2"), { ...v2, event: { ...v2.event, content: { membership: "invite", x: 1 } } }), 400, "M_INVALID_PARAM");
  refused(await put(path("v1"), v1), 400, "M_INVALID_PARAM"); // v1 has no rooms of version 11
  const foreign = invite("11", { of: "@x:elsewhere.example" });
  refused(await put(foreign.path("v2"), foreign.v2), 400, "M_INVALID_PARAM", /elsewhere/);
  assert.deepEqual([told.errors, told.invites], [[], []]);
});

test("invites are taken only if the host says so", async () => {
  const { v2, path } = invite();
  const decided = async (decideInvite) => {
    const { put, told } = setup({ decideInvite });
    const answered = await put(path("v2"), v2);
    assert.equal(told.invites.length, answered.status === 200 ? 1 : 0);
    return { ...answered, told };
  };
  assert.equal((await decided(() => true)).status, 200);
  refused(await decided(undefined), 403, "M_FORBIDDEN", /@me:ours\.example/);
  refused(await decided(() => false), 403, "M_FORBIDDEN");
  refused(await decided(async () => ({ errcode: "M_INVITE_BLOCKED" })), 403, "M_INVITE_BLOCKED");
  refused(await decided(() => ({ errcode: "M_FORBIDDEN", reason: "not today" })), 403, "M_FORBIDDEN", /^not today$/);
  for (const garbage of [undefined, "true", 1, { errcode: "M_UNKNOWN" }, { errcode: "M_FORBIDDEN", reason: 5 }]) {
    const answered = await decided(() => garbage);
    refused(answered, 500, "M_UNKNOWN");
    assert.equal(answered.told.errors[0].thrown.code, "callback_failed");
  }
});

test("a callback that throws is answered 500 and told, and nothing else is", async () => {
  const fail = () => { throw new Error("the host is ill"); };
  const once = (value, then, given = false) => () => (given ? then() : ((given = true), value));
  const room = publicRoom();
  const { v2, path } = invite();
  const pdu = room.make("m.room.message", ALICE, { body: "x" });
  const typing = { edu_type: "m.direct_to_device", content: { sender: ALICE } };
  for (const [options, target, content] of [
    [{ rooms: fail }, SEND + "1", `{"pdus":[${pdu}]}`],
    [{ rooms: () => Promise.reject(new Error("the host is ill")) }, path("v2"), v2],
    [{ onVerdict: fail }, SEND + "1", `{"pdus":[${pdu}]}`],
    [{ onEdu: async () => fail() }, SEND + "1", { pdus: [], edus: [typing] }],
    [{ decideInvite: fail }, path("v2"), v2],
    [{ decideInvite: () => true, onInvite: fail }, path("v2"), v2],
    [{ now: once(NOW, fail) }, SEND + "1", "{}"],
  ]) {
    const world = setup(options);
    world.hold(room);
    const answered = await world.put(target, content);
    refused(answered, 500, "M_UNKNOWN", /^this server failed to answer$/);
    assert.deepEqual(world.told.errors.map(({ thrown, method, target: where }) => [thrown.message, method, where]), [["the host is ill", "PUT", target]]);
  }
  const silent = setup({ rooms: fail, onError: fail });
  refused(await silent.put(SEND + "1", `{"pdus":[${pdu}]}`), 500, "M_UNKNOWN");
});

test("a room must be a Room, with the keys of the federation", async () => {
  const room = publicRoom();
  const pdu = room.make("m.room.message", ALICE, { body: "x" });
  for (const wrong of [{}, 5, new Room({ roomVersion: "11" })]) {
    const { put, told } = setup({ rooms: () => wrong });
    refused(await put(SEND + "1", `{"pdus":[${pdu}]}`), 500, "M_UNKNOWN");
    assert.deepEqual(told.errors.map(({ thrown }) => thrown.code), ["callback_failed"]);
  }
});

test("a request has its time, and what others do not answer is done without", async () => {
  const hung = setup({ timeLimit: 50, rooms: () => new Promise(() => {}) });
  refused(await hung.put(SEND + "1", '{"pdus":[{"type":"x","room_id":"!x:y"}]}'), 503, "M_UNKNOWN", /within 50 ms/);
  const slow = new ReadableStream({ pull: () => new Promise(() => {}) });
  refused(await reply(hung.handler, signedPut(SEND + "2", "{}", { body: slow, duplex: "half" })), 503, "M_UNKNOWN");
  const deaf = setup({ timeLimit: 400, faults: [{ on: "https", when: ({ request }) => request.target.includes("get_missing"), what: "hang" }] });
  const room = publicRoom();
  say(room);
  const last = say(room);
  const held = new Room({ roomVersion: "11", keys: deaf.federation.keys });
  held.add(room.events.slice(0, -2));
  deaf.rooms.set(room.id, held);
  assert.match((await deaf.send([last]))[room.idOf(last)].error, /^incomplete/);
});

test("no more is worked at at once than may be", async () => {
  let release;
  const gate = new Promise((resolve) => (release = resolve));
  const { put, handler } = setup({ maxConcurrent: 1, rooms: () => gate });
  const first = put(SEND + "1", '{"pdus":[{"type":"x","room_id":"!x:y"}]}');
  const second = await put(SEND + "2");
  refused(second, 429, "M_LIMIT_EXCEEDED");
  assert.deepEqual([second.headers.get("retry-after"), second.json.retry_after_ms], ["1", 1000]);
  assert.equal((await get(handler, KEYS)).status, 200);
  release();
  assert.equal((await first).status, 200);
  assert.equal((await put(SEND + "3")).status, 200);
});

test("no more of bodies is held than may be", async () => {
  const { put, handler } = setup({ timeLimit: 1000 });
  const piece = new Uint8Array(1024 * 1024); // the same one again and again: this test takes no memory
  const filled = () => {
    let left = 12;
    const pull = (controller) => (left-- > 0 ? controller.enqueue(piece) : new Promise(() => {}));
    return reply(handler, signedPut(SEND + "1", "{}", { body: new ReadableStream({ pull }), duplex: "half" }));
  };
  const answers = await Promise.all(Array.from({ length: 9 }, filled));
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual([statuses[0], statuses.at(-1)], [429, 503]);
  assert.equal((await put(SEND + "2")).status, 200);
});

test("what is no option, and no request", async () => {
  const { federation } = setup();
  const options = { federation, signingKeys: ours.key, rooms: () => undefined };
  createHandler(options);
  for (const [code, more] of [
    ["invalid_option", { federation: undefined }],
    ["invalid_option", { federation: {} }],
    ["invalid_option", { signingKeys: undefined }],
    ["invalid_option", { signingKeys: [] }],
    ["invalid_option", { signingKeys: "seed" }],
    ["invalid_option", { rooms: undefined }],
    ["invalid_option", { rooms: new Map() }],
    ["invalid_option", { onEdu: 1 }],
    ["invalid_option", { timeLimit: 0 }],
    ["invalid_option", { timeLimit: 2 ** 31 }],
    ["invalid_option", { maxConcurrent: 1.5 }],
    ["invalid_option", { version: "1" }],
    ["invalid_option", { version: { software: "x" } }],
    ["server_name_invalid", { wellKnown: "https://x" }],
    ["invalid_option", { onInvited: () => {} }],
    ["key_conflict", { oldKeys: [{ keyId: ours.key.keyId, publicKey: ours.key.publicKey, expiredTs: 1 }] }],
  ]) {
    assert.throws(() => createHandler({ ...options, ...more }), error(code), JSON.stringify(more));
  }
  assert.throws(() => createHandler(), error("invalid_option"));
  const handler = createHandler(options);
  for (const nothing of [undefined, null, 5, {}, "https://x/", { url: "https://x/", method: "GET" }]) {
    await assert.rejects(handler(nothing), error("invalid_argument"));
  }
});
