// Rows E81 to E84: templates, invites and the answer to a join, as hostile servers hand them over.
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkInvite, checkJoinAnswer, eventId, KeyRing, signEvent, signJson, signTemplate, verifyEvent } from "fedproof";
import { error, message, NOW, ringOf, server } from "./world.mjs";

const ours = server("ours.example");
const theirs = server("theirs.example");
const USER = "@alice:ours.example";
const ROOM = "!room:theirs.example";

function template(more = {}, content = {}) {
  return {
    type: "m.room.member",
    sender: USER,
    state_key: USER,
    room_id: ROOM,
    content: { membership: "leave", ...content },
    depth: 12,
    prev_events: message(theirs).prev_events,
    auth_events: message(theirs).auth_events,
    origin: "theirs.example",
    origin_server_ts: 1,
    ...more,
  };
}

const change = (more = {}) => ({
  serverName: ours.name, key: ours.key, roomVersion: "11", roomId: ROOM, userId: USER, membership: "leave", originServerTs: NOW - 500, ...more,
});

test("E82 a template of something else is not signed", () => {
  const other = { displayname: "x" };
  for (const [code, wrong] of [
    ["template_type_mismatch", template({ type: "m.room.power_levels", content: { users: { "@evil:theirs.example": 100 } } })],
    ["template_sender_mismatch", template({ sender: "@bob:ours.example" })],
    ["template_sender_mismatch", template({ sender: 1 })],
    ["template_state_key_mismatch", template({ state_key: "@bob:ours.example" })],
    ["template_state_key_mismatch", (({ state_key, ...rest }) => rest)(template())],
    ["template_room_id_mismatch", template({ room_id: "!other:theirs.example" })],
    ["template_membership_mismatch", template({}, { membership: "join" })],
    ["template_membership_mismatch", template({ content: [] })],
    ["template_membership_mismatch", template({ content: other })],
  ]) {
    assert.throws(() => signTemplate(wrong, change()), error(code, ({ details }) => assert.ok(details.evidence.field)), code);
  }
  assert.throws(() => signTemplate(template(), change({ userId: "@alice:theirs.example" })), error("template_user_not_ours"));
});

test("E82 what is signed is made anew, in every room version", () => {
  for (let version = 1; version <= 12; version += 1) {
    const roomVersion = String(version);
    const reference = message(theirs).prev_events[0];
    const references = version <= 2 ? [["$e:theirs.example", { sha256: "DR2gqI///4oQ6cWmzPdq8LJmR1ho5JciFsR7fMYXgZA" }]] : [reference];
    const roomId = version === 12 ? reference.replace("$", "!") : ROOM;
    const hostile = template(
      { room_id: roomId, prev_events: references, auth_events: references, extra: "x", redacts: "$y", hashes: { sha256: "x" }, signatures: { x: {} } },
      { membership: "join", join_authorised_via_users_server: "@mod:theirs.example", third_party_invite: {}, displayname: "Evil" },
    );
    const signed = signTemplate(hostile, change({ roomVersion, roomId, membership: "join", content: { displayname: "Alice" } }));
    const event = JSON.parse(signed);
    const verdict = verifyEvent(signed, { roomVersion, keys: ringOf(ours) });
    assert.equal(verdict.outcome, "accepted", `${roomVersion}: ${JSON.stringify(verdict.checks)}`);
    const restricted = version >= 8 ? { join_authorised_via_users_server: "@mod:theirs.example" } : {};
    assert.deepEqual(event.content, { displayname: "Alice", membership: "join", ...restricted });
    const keys = ["auth_events", "content", "depth", ...(version <= 2 ? ["event_id"] : []), "hashes", "origin_server_ts", "prev_events", "room_id", "sender", "signatures", "state_key", "type"];
    assert.deepEqual(Object.keys(event).sort(), keys);
    assert.equal(event.origin_server_ts, NOW - 500);
    assert.deepEqual(Object.keys(event.signatures), [ours.name]);
  }
});

test("E82 a template that makes no event is refused as malformed", () => {
  for (const [code, wrong] of [
    ["field_missing", (({ depth, ...rest }) => rest)(template())],
    ["reference_malformed", template({ prev_events: [1] })],
    ["too_many_auth_events", template({ auth_events: Array(11).fill(message(theirs).prev_events[0]) })],
  ]) {
    assert.throws(() => signTemplate(wrong, change()), error(code), code);
  }
});

const invite = (more = {}, signer = theirs, roomVersion = "11") =>
  signEvent(
    message(theirs, "", {
      type: "m.room.member", state_key: USER, content: { membership: "invite" }, room_id: ROOM, ...more,
    }),
    { serverName: signer.name, key: signer.key, roomVersion },
  );
const body = (event, more = {}, version = "11") => `{"room_version":"${version}","event":${event}${Object.entries(more).map(([key, value]) => `,${JSON.stringify(key)}:${JSON.stringify(value)}`).join("")}}`;
const request = (event, more = {}, version = "11") => ({
  serverName: ours.name, key: ours.key, origin: theirs.name, roomId: ROOM, eventId: eventId(event, version), keys: ringOf(theirs), ...more,
});

test("E83 an invite is signed when it is one", () => {
  const event = invite();
  const judged = checkInvite(body(event), request(event));
  assert.equal(judged.outcome, "accepted");
  const both = JSON.parse(judged.event).signatures;
  assert.deepEqual(Object.keys(both).sort(), [ours.name, theirs.name]);
  assert.equal(eventId(judged.event, "11"), eventId(event, "11"));
  const unsigned = checkInvite(body(event), request(event, { key: undefined }));
  assert.deepEqual(Object.keys(JSON.parse(unsigned.event).signatures), [theirs.name]);
});

test("E83 anything else is refused, and nothing is signed", () => {
  const evil = server("evil.example");
  const cases = [
    ["invite_sender_not_of_origin", 403, invite(), { origin: "evil.example" }],
    ["invite_membership", 400, invite({ content: { membership: "join" } }), {}],
    ["invite_room_mismatch", 400, invite(), { roomId: "!other:theirs.example" }],
    ["invite_type", 400, invite({ type: "m.room.power_levels", state_key: "" }), {}],
    ["invite_target_not_ours", 400, invite({ state_key: "@bob:elsewhere.example" }), {}],
    ["invite_event_id_mismatch", 400, invite(), { eventId: "$other" }],
    ["signature_missing", 400, invite({}, evil), {}],
    ["signature_invalid", 400, invite().replace('"depth":7', '"depth":8'), {}],
    ["content_hash_mismatch", 400, invite().replace('"membership":"invite"', '"membership":"invite","reason":"x"'), {}],
    ["field_missing", 400, invite().replace('"depth":7,', ""), {}],
  ];
  for (const [code, status, event, more] of cases) {
    const judged = checkInvite(body(event), request(event, more));
    assert.equal(judged.outcome, "refused", code);
    assert.deepEqual([judged.code, judged.status, judged.event], [code, status, undefined]);
    assert.match(judged.errcode, /^M_(FORBIDDEN|INVALID_PARAM)$/);
  }
  const event = invite();
  const without = checkInvite(body(event), request(event, { keys: new KeyRing() }));
  assert.deepEqual([without.outcome, without.code, without.missing.length], ["incomplete", "signature_key_missing", 1]);
  const unknown = checkInvite(body(event, {}, "99"), request(event));
  assert.deepEqual([unknown.code, unknown.errcode], ["unknown_room_version", "M_INCOMPATIBLE_ROOM_VERSION"]);
  assert.deepEqual(checkInvite("{}", request(event)).code, "invite_no_room_version");
  assert.deepEqual(checkInvite('{"room_version":"11"}', request(event)).code, "invite_no_event");
});

test("E84 state that comes with an invite", () => {
  const event = invite();
  for (const state of [null, "x", {}, [], [1, null, { type: 1 }]]) {
    assert.deepEqual(checkInvite(body(event, { invite_room_state: state }), request(event)).room_state, [], JSON.stringify(state));
  }
  const stripped = { type: "m.room.name", state_key: "", sender: "@a:theirs.example", content: { name: "x" } };
  assert.deepEqual(checkInvite(body(event, { invite_room_state: [stripped, 1] }), request(event)).room_state, [stripped]);
});

test("E84 from room version 12 on it must be of the room, with its create event", () => {
  const sign = (draft, key = theirs.key) => JSON.parse(signEvent(draft, { serverName: theirs.name, key, roomVersion: "12" }));
  const create = (more) => {
    const { room_id, ...draft } = message(theirs, "", { type: "m.room.create", state_key: "", content: { room_version: "12" }, prev_events: [], auth_events: [], ...more });
    return sign(draft);
  };
  const own = create({});
  const roomId = eventId(own, "12").replace("$", "!");
  const name = (room_id) => sign(message(theirs, "", { type: "m.room.name", state_key: "", content: { name: "x" }, room_id }));
  const event = invite({ room_id: roomId }, theirs, "12");
  const judge = (state) => checkInvite(body(event, { invite_room_state: state }, "12"), request(event, { roomId }, "12"));
  const good = judge([own, name(roomId)]);
  assert.deepEqual([good.outcome, good.room_state?.length], ["accepted", 2], good.reason);
  for (const [code, state] of [
    ["invite_state_no_create", null],
    ["invite_state_no_create", "x"],
    ["invite_state_no_create", [name(roomId)]],
    ["invite_state_other_room", [create({ depth: 8 })]],
    ["invite_state_other_room", [own, name(ROOM.replace(/.*/, `!${"A".repeat(43)}`))]],
    ["signature_invalid", [{ ...own, depth: 9 }]],
    ["field_missing", [{ type: "m.room.create", state_key: "", sender: "@a:theirs.example", content: {} }]],
  ]) {
    const judged = judge(state);
    assert.deepEqual([judged.outcome, judged.code, judged.status], ["refused", code, 400]);
  }
});

test("E81 the answer to a join", () => {
  const sign = (draft, signer = theirs) => JSON.parse(signEvent(draft, { serverName: signer.name, key: signer.key, roomVersion: "11" }));
  const create = sign(message(theirs, "", { type: "m.room.create", state_key: "", content: { room_version: "11" }, prev_events: [], auth_events: [] }));
  const other = sign({ ...message(theirs, "", { type: "m.room.create", state_key: "", content: { room_version: "11" }, prev_events: [], auth_events: [] }), room_id: "!other:theirs.example" });
  const version = (content) => sign(message(theirs, "", { type: "m.room.create", state_key: "", content, prev_events: [], auth_events: [] }));
  const topic = (more) => message(theirs, "", { type: "m.room.topic", state_key: "", content: { topic: "x" }, ...more });
  const judge = (state, auth_chain = []) => checkJoinAnswer({ state, auth_chain }, { roomVersion: "11", roomId: ROOM, keys: ringOf(theirs) });
  const good = judge([create, sign(topic({}))], [create]);
  assert.deepEqual([good.state.length, good.auth_chain.length, good.dropped.length], [2, 1, 0]);

  for (const [code, state] of [
    ["join_answer_no_create", [sign(topic({}))]],
    ["join_answer_no_create", [{ ...create, depth: 3 }]],
    ["join_answer_other_room", [other]],
    ["join_answer_room_version", [version({ room_version: "99" })]],
    ["join_answer_room_version", [version({})]],
    ["join_answer_room_version", [version({ room_version: 11 })]],
    ["join_answer_conflict", [create, sign(topic({})), sign(topic({ depth: 8 }))]],
  ]) {
    assert.throws(() => judge(state), error(code), code);
  }
  assert.throws(() => checkJoinAnswer({ state: [create] }, { roomVersion: "11", roomId: ROOM }), error("join_answer_incomplete"));

  // Bad events fall out; the join goes on.
  const unobtainable = server("gone.example");
  const bad = [
    { ...sign(topic({ state_key: "a" })), depth: 9 },
    sign(topic({ state_key: "b", sender: "@x:gone.example" }), unobtainable),
    sign(topic({ state_key: "c", room_id: "!other:theirs.example" })),
    { ...sign(topic({ state_key: "d" })), depth: "1" },
  ];
  const judged = judge([create, ...bad, sign(topic({}))], [create, bad[0]]);
  assert.deepEqual([judged.state.length, judged.auth_chain.length, judged.dropped.length], [2, 1, 5]);
  assert.deepEqual(judged.dropped.map(({ outcome }) => outcome).sort(), ["accepted", "dropped", "dropped", "dropped", "incomplete"]);
});

test("templates, invites and answers go through JSON that is lossless", () => {
  assert.throws(() => checkInvite(signJson({}, { serverName: ours.name, key: ours.key }).slice(0, -1), { serverName: "a", origin: "b", roomId: "c", eventId: "d" }), error("json_syntax"));
  assert.throws(() => signTemplate("[]", change()), error("not_an_object"));
  assert.throws(() => signTemplate(template(), change({ membership: "ban" })), error("invalid_option"));
});
