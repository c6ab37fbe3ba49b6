// Server ACLs as JavaScript sees them, hostile ones among them. Test names begin with their rows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerAcl, verdictCodes } from "fedproof";
import { error } from "./world.mjs";

const acl = (content) => new ServerAcl(JSON.stringify(content));
const event = (content, more = {}) => JSON.stringify({ type: "m.room.server_acl", state_key: "", sender: "@a:b", content, ...more });
const denying = (...deny) => acl({ allow: ["*"], deny });

test("a decision tells the step, the entry and a sentence", () => {
  const room = acl({ allow: ["*"], deny: ["*.evil.example"], allow_ip_literals: false });
  assert.deepEqual(room.check("Matrix.EVIL.example:8448"), {
    allowed: false,
    code: "acl_denied",
    step: 3,
    reason: '"Matrix.EVIL.example" matches the entry "*.evil.example" of deny',
    evidence: { server_name: "Matrix.EVIL.example:8448", host: "Matrix.EVIL.example", list: "deny", entry: "*.evil.example" },
  });
  const decisions = ["good.example", "1.2.3.4", "not a name"].map((name) => room.check(name));
  assert.deepEqual(decisions.map(({ allowed, code, step }) => [allowed, code, step]), [
    [true, "acl_allowed", 4],
    [false, "acl_ip_literal", 2],
    [false, "acl_server_name_invalid", undefined],
  ]);
  assert.deepEqual(acl({ allow: ["a.example"] }).check("b.example").step, 5);
  const known = new Map(verdictCodes().map(({ code, effect }) => [code, effect]));
  for (const { code, allowed } of decisions) assert.equal(known.get(code), allowed ? "allowed" : "denied");
  for (const name of ["good.example", "1.2.3.4", "a.evil.example", "not a name"]) {
    assert.equal(room.isAllowed(name), room.check(name).allowed);
  }
});

test("a room without an ACL allows all servers, and still no others", () => {
  const none = new ServerAcl();
  assert.deepEqual([none.ignored, none.skipped], [undefined, 0]);
  assert.deepEqual([none.check("a.example").step, none.isAllowed("a.example"), none.isAllowed("a b")], [1, true, false]);
  assert.deepEqual(new ServerAcl(undefined).check("a.example"), none.check("a.example"));
});

test("H104: ports, case, and dots that are dots", () => {
  const cases = [
    ["EVIL.com", "evil.com:8448", false],
    ["*.evil.com", "evil.com", true],
    ["*.evil.com", "xevil.com", true],
    ["*.evil.com", "x.evil.com", false],
    ["e.il", "exil", true],
    ["e?il", "exil", false],
    ["e?il", "exxil", true],
    ["evil.com:8448", "evil.com:8448", true],
    ["[::1]", "[::1]:8448", false],
  ];
  for (const [entry, name, allowed] of cases) assert.equal(denying(entry).isAllowed(name), allowed, `${entry} ${name}`);
});

test("H105: only the boolean false denies addresses", () => {
  const addresses = ["1.2.3.4", "1.2.3.4:8448", "[::1]", "[::1]:1"];
  const closed = acl({ allow: ["*"], allow_ip_literals: false });
  for (const address of addresses) assert.deepEqual([closed.isAllowed(address), closed.check(address).step], [false, 2]);
  for (const allow_ip_literals of ["false", 0, null, true, undefined, []]) {
    const open = acl({ allow: ["*"], allow_ip_literals });
    for (const address of addresses) assert.ok(open.isAllowed(address), `${allow_ip_literals} ${address}`);
  }
});

test("H106: hostile patterns are answered at once", () => {
  // Twice the time of the row: this machine has other things to do, too.
  const timed = (room, name, expected) => {
    room.isAllowed("first.example"); // what is made once
    const since = performance.now();
    assert.equal(room.isAllowed(name), expected);
    const took = performance.now() - since;
    assert.ok(took < 20, `${took} ms`);
  };
  const host = `${"a".repeat(60)}.${"a".repeat(60)}.${"a".repeat(60)}.${"a".repeat(46)}`;
  timed(denying("a*".repeat(30_000)), host, true);
  timed(denying("?".repeat(20_000)), host, true);
  timed(denying("*a".repeat(100) + "*c"), host, true);
  timed(denying("*a".repeat(100) + "*"), host, false);
  const entries = Array.from({ length: 10_000 }, (_, n) => (n % 3 === 0 ? `*.n${n}.example` : n % 3 === 1 ? `n${n}*x?.example` : `n${n}.example`));
  timed(denying(...entries), "n9999999.example", true);
  timed(denying(...entries), "n9998.example", false);
  timed(denying(...entries), "a.n9999.example", false);
});

test("H107: odd contents", () => {
  for (const allow of [undefined, [], "x", null, {}, 5]) {
    const room = acl({ allow });
    assert.deepEqual([room.isAllowed("a.example"), room.check("a.example").code], [false, "acl_not_allowed"], JSON.stringify(allow));
  }
  const odd = acl({ allow: [1, null, "*"], deny: [{}, ["x.example"], "y.example"] });
  assert.equal(odd.skipped, 4);
  assert.deepEqual(["x.example", "y.example"].map((name) => odd.isAllowed(name)), [true, false]);
  // The Kelvin sign is no k, the long s no s: only ASCII is folded.
  const letters = denying("\u212aelvin.example", "\u017fharp.example");
  for (const name of ["kelvin.example", "sharp.example"]) assert.ok(letters.isAllowed(name));
  const prototype = acl(JSON.parse('{"allow":["__proto__","constructor"],"deny":["__proto__"]}'));
  assert.deepEqual(["constructor", "tostring"].map((name) => prototype.isAllowed(name)), [true, false]);
});

test("H107: an event that is not the room's ACL counts as none, and says why", () => {
  const deny = { allow: [] };
  const own = new ServerAcl(event(deny));
  assert.deepEqual([own.ignored, own.isAllowed("a.example")], [undefined, false]);
  for (const [other, why] of [
    [event(deny, { state_key: "x" }), /state_key.*"x"/],
    [event(deny, { state_key: undefined }), /no state_key/],
    [event(deny, { state_key: 1 }), /state_key.*1/],
    [event(deny, { type: "m.room.topic" }), /m\.room\.topic/],
  ]) {
    const ignored = new ServerAcl(other);
    assert.match(ignored.ignored, why);
    assert.deepEqual([ignored.isAllowed("a.example"), ignored.check("a.example").step], [true, 1]);
    assert.match(ignored.check("a.example").evidence.ignored, why);
  }
});

test("the ACL comes as text, bytes or an object, which may change afterwards", () => {
  const content = { allow: ["*"], deny: ["evil.example"] };
  const bytes = new TextEncoder().encode(JSON.stringify(content));
  const rooms = [acl(content), new ServerAcl(bytes), new ServerAcl(content), new ServerAcl(JSON.parse(event(content)))];
  bytes.fill(0);
  content.deny.length = 0;
  for (const room of rooms) {
    room.dispose(); // it comes back from what is kept
    assert.deepEqual(["evil.example", "good.example"].map((name) => room.isAllowed(name)), [false, true]);
  }
});

test("what is no ACL and no name is an error", () => {
  for (const [input, code] of [["", "json_syntax"], ["[]", "not_an_object"], ["{", "json_syntax"], [5, "invalid_argument"], [null, "invalid_argument"], [new Map(), "lossy_object"]]) {
    assert.throws(() => new ServerAcl(input), error(code));
  }
  const room = new ServerAcl();
  for (const name of [undefined, null, 5, "\ud800", ["a.example"], new URL("https://a.example")]) {
    assert.throws(() => room.isAllowed(name), error("invalid_argument"));
    assert.throws(() => room.check(name), error("invalid_argument"));
    assert.throws(() => ServerAcl.endpoint(name), error("invalid_argument"));
  }
  assert.throws(() => ServerAcl.eduRooms(5), error("invalid_argument"));
  assert.throws(() => ServerAcl.eduRooms("[]"), error("not_an_object"));
  assert.throws(() => ServerAcl.eduRooms({ at: new Date() }), error("lossy_object"));
});

test("endpoints that ACLs protect, and how", () => {
  const room = (name, version) => ({ name, version, protection: "room", room_id: "!room:a.example" });
  const path = (name, version = "v1") => `/_matrix/federation/${version}/${name}/%21room%3Aa.example/%40bob%3Ab.example`;
  for (const name of ["make_join", "make_leave", "make_knock", "send_knock", "state", "state_ids", "backfill", "event_auth", "get_missing_events"]) {
    assert.deepEqual(ServerAcl.endpoint(path(name)), room(name, "v1"), name);
  }
  for (const name of ["send_join", "send_leave", "invite"]) {
    for (const version of ["v1", "v2"]) assert.deepEqual(ServerAcl.endpoint(path(name, version)), room(name, version));
  }
  assert.deepEqual(ServerAcl.endpoint(`${path("state")}?event_id=%24x`), room("state", "v1"));
  assert.deepEqual(ServerAcl.endpoint("/_matrix/federation/v1/state/"), { name: "state", version: "v1", protection: "room" });
  assert.deepEqual(ServerAcl.endpoint("/_matrix/federation/v1/state/%zz"), { name: "state", version: "v1", protection: "room" });
  assert.deepEqual(ServerAcl.endpoint("/_matrix/federation/v1/send/12"), { name: "send", version: "v1", protection: "per_event" });
  assert.deepEqual(ServerAcl.endpoint("/_matrix/policy/v1/sign"), { name: "sign", version: "v1", protection: "optional" });
  for (const other of ["", "/", "/_matrix/federation/v1/event/%24x", "/_matrix/federation/v1/version", "/_matrix/federation/v2/state/!x", "/_matrix/key/v2/server", "_matrix/federation/v1/send/1"]) {
    assert.equal(ServerAcl.endpoint(other), undefined, other);
  }
});

test("EDUs, and the rooms whose ACLs decide about them", () => {
  const typing = { edu_type: "m.typing", content: { room_id: "!a:x", user_id: "@u:x", typing: true } };
  assert.deepEqual(ServerAcl.eduRooms(typing), { protection: "whole", room_id: "!a:x" });
  assert.deepEqual(ServerAcl.eduRooms({ edu_type: "m.typing", content: {} }), { protection: "whole" });
  const receipt = JSON.parse('{"edu_type":"m.receipt","content":{"!b:x":{},"!a:x":{},"__proto__":{}}}');
  assert.deepEqual(ServerAcl.eduRooms(receipt), { protection: "by_room", rooms: ["!a:x", "!b:x", "__proto__"] });
  for (const other of [{ edu_type: "m.presence", content: {} }, {}, { edu_type: 1 }]) {
    assert.deepEqual(ServerAcl.eduRooms(other), { protection: "none" });
  }
});
