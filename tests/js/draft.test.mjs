// New events of our own: a room made from nothing by drafts alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventId, Room, roomVersions, signEvent } from "fedproof";
import { call } from "../../pkg/dist/wasm.js";
import { error, ringOf, server } from "./world.mjs";

const ours = server("ours.example");
const me = "@me:ours.example";
const ts = 1_700_000_000_000;

/** A room of this version that takes what is drafted. */
function roomOf(roomVersion) {
  const room = new Room({ roomVersion, keys: ringOf(ours) });
  const write = (options) => {
    const event = signEvent(room.draft({ sender: me, originServerTs: ts, ...options }), { serverName: ours.name, key: ours.key, roomVersion });
    const [verdict] = room.add([event]);
    return { event: JSON.parse(event), id: eventId(event, roomVersion), outcome: verdict.outcome };
  };
  return { room, write };
}

/** The same, begun. */
function begun(roomVersion) {
  const { room, write } = roomOf(roomVersion);
  const roomId = Number(roomVersion) < 12 ? "!new:ours.example" : undefined;
  const creator = Number(roomVersion) < 11 ? { creator: me } : {};
  const create = write({ type: "m.room.create", stateKey: "", content: { room_version: roomVersion, ...creator }, roomId });
  const join = write({ type: "m.room.member", stateKey: me, content: '{"membership":"join"}' });
  assert.deepEqual([create.outcome, join.outcome], ["accepted", "accepted"], roomVersion);
  return { room, write, create, join };
}

test("a room of every version is made by drafts alone", () => {
  for (const { version, room_id_format } of roomVersions()) {
    const { room, write, create, join } = begun(version);
    const said = write({ type: "m.room.message", content: { body: "hello" } });
    assert.equal(said.outcome, "accepted");
    assert.deepEqual([create.event.depth, join.event.depth, said.event.depth], [1, 2, 3]);
    assert.equal(said.event.room_id, room_id_format === "domain" ? "!new:ours.example" : create.id.replace("$", "!"));
    assert.equal("room_id" in create.event, room_id_format === "domain");
    assert.equal("state_key" in said.event, false);
    const redaction = write({ type: "m.room.redaction", redacts: said.id });
    assert.equal(redaction.outcome, "accepted");
    assert.equal(room.event(said.id).redactedBy, redaction.id);
    assert.deepEqual(room.extremities(), [redaction.id]);
  }
});

test("events of versions 1 and 2 have IDs that nobody has used", () => {
  const { write } = begun("1");
  const ids = [1, 2].map(() => write({ type: "m.room.message" }).id);
  assert.notEqual(ids[0], ids[1]);
  for (const id of ids) assert.match(id, /^\$[0-9a-f]{32}:ours\.example$/);
});

test("a draft is of now, says nothing, and changes nothing unless it is added", () => {
  const { room } = begun("11");
  const before = room.extremities();
  const draft = JSON.parse(room.draft({ type: "m.room.message", sender: me }));
  assert.ok(Math.abs(draft.origin_server_ts - Date.now()) < 60_000);
  assert.deepEqual(draft.content, {});
  assert.deepEqual([draft.hashes, draft.signatures], [undefined, undefined]);
  assert.deepEqual(room.extremities(), before);
});

test("content is taken as the text it is", () => {
  const { room } = begun("11");
  const text = room.draft({ type: "x", sender: me, content: '{"__proto__":{"a":9007199254740991},"b":"\\ud83d\\ude00"}' });
  assert.ok(text.includes('"content":{"__proto__":{"a":9007199254740991},"b":"😀"}'), text);
});

test("a trap loses nothing of it", () => {
  const { room } = begun("11");
  const draft = () => room.draft({ type: "x", sender: me, originServerTs: 1 });
  const before = draft();
  assert.throws(() => call((wasm) => wasm.trap()), error("wasm_trap"));
  assert.equal(draft(), before);
});

test("there is nothing to write to, or nothing to write", () => {
  const { room } = roomOf("11");
  assert.throws(() => room.draft({ type: "m.room.message", sender: me }), error("draft_room_unknown"));
  assert.throws(() => room.draft({ type: "m.room.create", sender: me, stateKey: "" }), error("draft_room_unknown"));
  const wrong = [
    ["invalid_argument", null],
    ["invalid_option", { sender: me }],
    ["invalid_option", { type: "x" }],
    ["invalid_option", { type: "x", sender: me, state_key: "" }],
    ["invalid_option", { type: 5, sender: me }],
    ["invalid_option", { type: "x", sender: me, stateKey: 5 }],
    ["invalid_option", { type: "x", sender: me, content: 5 }],
    ["invalid_option", { type: "x", sender: me, redacts: null }],
    ["invalid_option", { type: "x", sender: me, originServerTs: new Date() }],
    ["invalid_option", { type: "x", sender: me, roomId: 5 }],
    ["not_an_object", { type: "x", sender: me, content: "[]" }],
    ["json_syntax", { type: "x", sender: me, content: "{" }],
  ];
  const { room: made } = begun("11");
  for (const [code, options] of wrong) assert.throws(() => made.draft(options), error(code), JSON.stringify(options));
  assert.throws(() => made.draft(), error("invalid_option"));
});
