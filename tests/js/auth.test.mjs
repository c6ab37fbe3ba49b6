// Authorization as JavaScript sees it. The rules themselves are held by the Rust tests.
import assert from "node:assert/strict";
import { test } from "node:test";
import { authTypesForEvent, checkAuth, eventId, KeyRing, powerLevels, receiveEvent, RoomContext, signJson } from "fedproof";
import { TestRoom } from "./room.mjs";
import { error, message, NOW, ringOf, server, signed } from "./world.mjs";

const [one, two, three] = ["one.example", "two.example", "three.example"].map((name) => server(name));
const servers = [one, two, three];
const [alice, ben, cleo, dan] = ["@alice:one.example", "@ben:two.example", "@cleo:three.example", "@dan:three.example"];
const PUBLIC = { users: { [alice]: 100, [ben]: 50, [cleo]: 50 } };

/** A room in which Alice is admin, Ben and Cleo are moderators, and Dan is not. */
function publicRoom(options) {
  const room = new TestRoom(servers, options);
  room.joinRule("public");
  const users = room.namesItsCreate ? { [ben]: 50, [cleo]: 50 } : PUBLIC.users;
  room.powerLevels({ users });
  room.member(ben, "join");
  room.member(cleo, "join");
  return room;
}
const byCheck = (verdict) => Object.fromEntries(verdict.checks.map((check) => [check.check, check]));
const results = (verdict) => verdict.checks.map(({ check, result }) => `${check} ${result}`).join(", ");

test("checkAuth: checks 1, 4 and 5 of one event, with the deciding rule", () => {
  const room = publicRoom();
  const message = room.make("m.room.message", ben, { body: "hello" });
  const allowed = checkAuth(message, room.around(message));
  assert.deepEqual(
    { ...allowed, checks: undefined },
    { event_id: eventId(message, "11"), room_version: "11", type: "m.room.message", sender: ben, outcome: "accepted", redacted: false, checks: undefined, flags: ["signatures_unchecked"] },
  );
  assert.equal(results(allowed), "1 pass, 4 pass, 5 pass");
  assert.deepEqual(allowed.checks.map(({ name }) => name), ["format", "auth_events", "state_before"]);
  assert.deepEqual(allowed.checks.map(({ rule }) => rule), [undefined, "10", "10"]);

  const kick = room.makeMember(ben, "leave", { of: cleo });
  const rejected = checkAuth(kick, room.around(kick));
  assert.deepEqual([rejected.outcome, rejected.state_key], ["rejected", cleo]);
  for (const number of [4, 5]) {
    const { result, rule, code, reason, spec, evidence } = byCheck(rejected)[number];
    assert.deepEqual([result, rule, code], ["fail", "4.5.5", "kick_target_power"]);
    assert.equal(reason, `${ben} has level 50 (users), which is not above the 50 (users) of ${cleo}`);
    assert.equal(spec, "https://spec.matrix.org/v1.19/rooms/v11/#authorisation-rules");
    const levels = room.idOf(room.get("m.room.power_levels"));
    assert.deepEqual(evidence.sender, { user: ben, level: 50, from: "users", event_id: levels });
    assert.deepEqual(evidence.target, { user: cleo, level: 50, from: "users", event_id: levels });
    assert.deepEqual(evidence.kick, { level: 50, from: "default" });
    assert.deepEqual(
      evidence.events_read.map(({ type, state_key }) => [type, state_key]).sort(),
      [["m.room.create", ""], ["m.room.member", ben], ["m.room.member", cleo], ["m.room.power_levels", ""]],
    );
  }
});

test("the two checks are made each by itself, and one no is a no", () => {
  const room = publicRoom();
  const cited = JSON.parse(room.makeMember(ben, "ban", { of: dan })).auth_events;
  room.powerLevels({ users: { [alice]: 100 } });
  const ban = room.makeMember(ben, "ban", { of: dan, auth_events: cited });
  const around = room.around(ban);
  const verdict = checkAuth(ban, around);
  assert.deepEqual([verdict.outcome, results(verdict)], ["rejected", "1 pass, 4 pass, 5 fail"]);
  assert.equal(byCheck(verdict)[5].code, "ban_power");
  assert.equal(results(checkAuth(ban, { ...around, state: undefined })), "1 pass, 4 pass, 5 skip");
  assert.equal(results(checkAuth(ban, { ...around, authEvents: undefined })), "1 pass, 4 skip, 5 fail");
  assert.equal(results(checkAuth(ban, { roomVersion: "11" })), "1 pass, 4 skip, 5 skip");
});

test("an event that is malformed is dropped, and is no exception", () => {
  const room = publicRoom();
  const good = room.make("m.room.message", ben, { body: "hello" });
  const context = new RoomContext(room.around(good));
  for (const [event, code] of [
    ["", "json_syntax"],
    ["{", "json_syntax"],
    ["[]", "not_an_object"],
    [new Uint8Array([0x7b, 0xff]), "json_invalid_utf8"],
    [good.replace(/"depth":\d+/, '"depth":1.0'), "number_not_integer"],
    [good.replace(/"depth":\d+/, '"depth":9007199254740993'), "integer_out_of_range"],
    [good.replace(/"depth":\d+,/, ""), "field_missing"],
    [good.replace(ben, "ben"), "sender_invalid"],
  ]) {
    for (const verdict of [context.checkAuth(event), checkAuth(event, room.around(good)), context.receiveEvent(event)]) {
      assert.deepEqual([verdict.outcome, verdict.checks[0].result, verdict.checks[0].code], ["dropped", "fail", code]);
      assert.ok(verdict.checks.slice(1).every(({ result }) => result === "skip"));
    }
  }
});

test("events of lists that are malformed make the check that needs them incomplete, and say which", () => {
  const room = publicRoom();
  const event = room.make("m.room.message", ben, { body: "hello" });
  const around = room.around(event);
  const levels = room.get("m.room.power_levels");
  const broken = levels.replace(/"depth":\d+/, '"depth":"x"');
  const swap = (list) => list.map((text) => (text === levels ? broken : text));
  const cited = checkAuth(event, { ...around, authEvents: swap(around.authEvents) });
  assert.deepEqual([cited.outcome, results(cited)], ["incomplete", "1 pass, 4 incomplete, 5 pass"]);
  assert.deepEqual([byCheck(cited)[4].code, byCheck(cited)[4].missing], ["auth_event_missing", [room.idOf(levels)]]);
  assert.equal(byCheck(cited)[4].evidence.malformed[0].code, "field_wrong_type");

  const before = checkAuth(event, { ...around, state: swap(around.state) });
  const { code, evidence } = byCheck(before)[5];
  assert.deepEqual([before.outcome, code, evidence.index], ["incomplete", "state_event_malformed", around.state.indexOf(levels)]);
  for (const state of [["{"], [""], [new Uint8Array()], [{}], ["[]"]]) {
    assert.equal(checkAuth(event, { ...around, state }).outcome, "incomplete");
  }
});

test("an auth event that is not there is missing, by its id; what the event does not cite is passed over", () => {
  const room = publicRoom();
  const event = room.make("m.room.message", ben, { body: "hello" });
  const around = room.around(event);
  const none = checkAuth(event, { ...around, authEvents: [] });
  assert.equal(none.outcome, "incomplete");
  assert.deepEqual(byCheck(none)[4].missing, JSON.parse(event).auth_events);
  const create = room.get("m.room.create");
  const some = checkAuth(event, { ...around, authEvents: around.authEvents.filter((text) => text !== create) });
  assert.deepEqual([some.outcome, byCheck(some)[4].missing], ["incomplete", [room.idOf(create)]]);
  assert.equal(checkAuth(event, { ...around, authEvents: room.events }).outcome, "accepted");
});

test("a state with two events for one place, or of two rooms, is none", () => {
  const room = publicRoom();
  const event = room.make("m.room.message", ben, { body: "hello" });
  room.powerLevels(PUBLIC);
  const history = checkAuth(event, { roomVersion: "11", state: room.events });
  assert.deepEqual([history.outcome, byCheck(history)[5].code], ["incomplete", "state_conflict"]);
  const other = new TestRoom([two], { creator: ben });
  const foreign = checkAuth(event, { roomVersion: "11", state: other.state });
  assert.deepEqual([foreign.outcome, byCheck(foreign)[5].code], ["incomplete", "state_other_room"]);
  const noCreate = checkAuth(event, { roomVersion: "11", state: [] });
  assert.deepEqual([noCreate.outcome, byCheck(noCreate)[5].code], ["incomplete", "create_event_missing"]);
});

test("an auth event that was rejected", () => {
  const room = publicRoom();
  const event = room.make("m.room.message", ben, { body: "hello" });
  const member = room.idOf(room.get("m.room.member", ben));
  const verdict = checkAuth(event, room.around(event, { rejected: ["$nothing", member] }));
  assert.deepEqual([verdict.outcome, byCheck(verdict)[4].code], ["rejected", "auth_event_rejected"]);
  assert.deepEqual(byCheck(verdict)[4].evidence.auth_events, [member]);
});

test("a restricted join: with keys its signature must be right, without them it must be there", () => {
  const room = publicRoom();
  room.joinRule("restricted", { allow: [{ type: "m.room_membership", room_id: "!other:one.example" }] });
  const join = (signers) => room.makeMember(dan, "join", { content: { join_authorised_via_users_server: ben }, signers });
  const both = join(["three.example", "two.example"]);
  const unsigned = join(["three.example"]);
  const forged = both.replace(/("two\.example":\{"[^"]+":")(.)/, (_, before, first) => before + (first === "A" ? "B" : "A"));
  const judge = (event, keys) => {
    const { outcome, flags, checks } = checkAuth(event, room.around(event, { keys }));
    return [outcome, checks[2].code, flags];
  };
  assert.deepEqual(judge(both, undefined), ["accepted", undefined, ["signatures_unchecked"]]);
  assert.deepEqual(judge(forged, undefined), ["accepted", undefined, ["signatures_unchecked"]]);
  assert.deepEqual(judge(unsigned, undefined), ["rejected", "join_authoriser_not_signed", ["signatures_unchecked"]]);
  const keys = ringOf(...servers);
  assert.deepEqual(judge(both, keys), ["accepted", undefined, []]);
  assert.deepEqual(judge(forged, keys), ["rejected", "join_authoriser_not_signed", []]);
  assert.deepEqual(judge(unsigned, keys), ["rejected", "join_authoriser_not_signed", []]);
  assert.deepEqual(judge(both, new KeyRing()), ["incomplete", "join_authoriser_key_missing", []]);
  const missing = byCheck(checkAuth(both, room.around(both, { keys: ringOf(three) })))[5].missing;
  assert.deepEqual(missing, [`two.example ${two.key.keyId}`]);
  // Who may not invite may let nobody in.
  room.powerLevels({ ...PUBLIC, invite: 60 });
  assert.deepEqual(judge(join(["three.example", "two.example"]), keys), ["rejected", "join_restricted_authoriser_power", []]);
});

test("the path through the rules: only when asked for", () => {
  const room = publicRoom();
  const event = room.make("m.room.topic", cleo, { topic: "hello" }, { state_key: "" });
  for (const options of [{}, { trace: false }, { trace: undefined }, { evidence: true }]) {
    assert.ok(checkAuth(event, room.around(event, options)).checks.every((check) => !("path" in check)));
  }
  const traced = checkAuth(event, room.around(event, { trace: true }));
  assert.deepEqual(traced.checks.map(({ path }) => path?.at(-1)?.answer), [undefined, "allow", "allow"]);
  const rules = traced.checks[1].path.map(({ rule }) => rule);
  assert.deepEqual(rules.filter((rule) => !rule.includes(".")), ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
  const { answer, summary, compared } = traced.checks[2].path.find(({ rule }) => rule === "7");
  assert.deepEqual([answer, compared.sender.level, compared.required.level], ["no", 50, 50]);
  assert.match(summary, /level/);
  // Evidence of checks that pass, too, only when asked for.
  assert.equal(checkAuth(event, room.around(event)).checks[1].evidence, undefined);
  assert.ok(checkAuth(event, room.around(event, { evidence: true })).checks[1].evidence.events_read.length > 0);
});

test("room version 12: the create event comes by itself, or in the state", () => {
  const room = publicRoom({ version: "12" });
  const event = room.makeMember(ben, "leave", { of: alice });
  const { authEvents, state, createEvent } = room.around(event);
  const codes = (options) => {
    const { checks } = checkAuth(event, { roomVersion: "12", ...options });
    return checks.slice(1).map(({ code, result }) => code ?? result);
  };
  assert.deepEqual(codes({ authEvents, state, createEvent }), ["kick_target_power", "kick_target_power"]);
  assert.deepEqual(codes({ authEvents, state }), ["kick_target_power", "kick_target_power"]);
  assert.deepEqual(codes({ authEvents, createEvent }), ["kick_target_power", "skip"]);
  assert.deepEqual(codes({ authEvents }), ["create_event_missing", "skip"]);
  const stranger = new TestRoom(servers, { version: "12", create: { topic: "other" } });
  assert.deepEqual(codes({ authEvents, createEvent: stranger.create }), ["room_id_not_create_event", "skip"]);
  assert.deepEqual(codes({ authEvents, createEvent, rejected: [room.idOf(room.create)] }), ["create_event_rejected", "skip"]);
  const { evidence } = checkAuth(event, { roomVersion: "12", authEvents, createEvent }).checks[1];
  assert.deepEqual(evidence.target, { user: alice, level: "infinite", from: "creator", event_id: room.idOf(room.create) });
});

test("receiveEvent: seven checks", () => {
  const room = publicRoom();
  const event = room.make("m.room.message", cleo, { body: "hello" });
  const keys = ringOf(...servers);
  const around = room.around(event, { keys, currentState: room.state });
  const verdict = receiveEvent(event, around);
  assert.deepEqual([verdict.outcome, verdict.flags], ["accepted", []]);
  assert.equal(results(verdict), "1 pass, 2 pass, 3 pass, 4 pass, 5 pass, 6 pass, 7 skip");
  assert.equal(results(receiveEvent(event, { roomVersion: "11", keys })), "1 pass, 2 pass, 3 pass, 4 skip, 5 skip, 6 skip, 7 skip");
  assert.equal(receiveEvent(event, { ...around, keys: undefined }).outcome, "incomplete");
  const forged = event.replace('"hello"', '"bye"');
  const redacted = receiveEvent(forged, around);
  assert.deepEqual([redacted.outcome, redacted.redacted, results(redacted)], ["accepted", true, "1 pass, 2 pass, 3 fail, 4 pass, 5 pass, 6 pass, 7 skip"]);
  const others = receiveEvent(event.replace(cleo, dan), around);
  assert.deepEqual([others.outcome, results(others).slice(0, 14)], ["dropped", "1 pass, 2 fail"]);

  // Rejected by what it cites: what comes after is not reached.
  const kick = room.makeMember(ben, "leave", { of: cleo });
  const rejected = receiveEvent(kick, room.around(kick, { keys, currentState: room.state }));
  assert.deepEqual([rejected.outcome, results(rejected)], ["rejected", "1 pass, 2 pass, 3 pass, 4 fail, 5 skip, 6 skip, 7 skip"]);
});

test("receiveEvent: an event that the current state does not allow any more is soft failed", () => {
  const room = publicRoom();
  const event = room.make("m.room.message", cleo, { body: "hello" });
  const around = room.around(event, { keys: ringOf(...servers) });
  room.member(alice, "ban", { of: cleo });
  const verdict = receiveEvent(event, { ...around, currentState: room.state, trace: true });
  assert.deepEqual([verdict.outcome, results(verdict)], ["soft_failed", "1 pass, 2 pass, 3 pass, 4 pass, 5 pass, 6 fail, 7 skip"]);
  assert.deepEqual([byCheck(verdict)[6].code, byCheck(verdict)[6].path.at(-1).answer], ["sender_not_joined", "reject"]);
});

test("receiveEvent: the policy server that the room names must have signed, by the key in the room", () => {
  const policy = server("policy.example");
  const room = new TestRoom([...servers, policy]);
  room.joinRule("public");
  room.powerLevels(PUBLIC);
  room.member(cleo, "join");
  room.member("@police:policy.example", "join");
  const named = (public_keys) => room.add("m.room.policy", alice, { via: policy.name, public_keys }, { state_key: "" });
  named({ ed25519: policy.key.publicKey });
  const event = room.make("m.room.message", cleo, { body: "hello" });
  const keys = ringOf(...servers, policy);
  const judge = (text) => {
    const { outcome, checks } = receiveEvent(text, room.around(text, { keys, currentState: room.state }));
    return [outcome, checks[6].result, checks[6].code];
  };
  /** Adds a signature of the policy server, under another id than that of its key. */
  const withSignature = (text, signature, id = "ed25519:policy_server") => {
    const made = JSON.parse(text);
    made.signatures[policy.name] = { [id]: signature };
    return JSON.stringify(made);
  };
  const { unsigned, ...covered } = JSON.parse(signed(policy, JSON.parse(event)));
  const [published, signature] = Object.entries(covered.signatures[policy.name])[0];
  assert.deepEqual(judge(event), ["soft_failed", "fail", "policy_signature_missing"]);
  assert.deepEqual(judge(withSignature(event, signature)), ["accepted", "pass", undefined]);
  assert.deepEqual(judge(withSignature(event, signature, published)), ["soft_failed", "fail", "policy_signature_missing"]);
  assert.deepEqual(judge(withSignature(event, "AAAA")), ["soft_failed", "fail", "policy_signature_malformed"]);
  const { signatures } = JSON.parse(signJson({ a: 1 }, { serverName: policy.name, key: policy.key }));
  assert.deepEqual(judge(withSignature(event, signatures[policy.name][published])), ["soft_failed", "fail", "policy_signature_invalid"]);
  // Another key in the room: that which the server publishes does not count.
  named({ ed25519: server("x.example").key.publicKey });
  assert.deepEqual(judge(withSignature(event, signature)), ["soft_failed", "fail", "policy_signature_invalid"]);
  named({});
  assert.deepEqual(judge(event), ["accepted", "skip", undefined]);
});

test("RoomContext: read once, asked often, the same answers as the functions", () => {
  const room = publicRoom();
  const event = room.make("m.room.message", cleo, { body: "hello" });
  const kick = room.makeMember(ben, "leave", { of: cleo });
  const keys = ringOf(...servers);
  const around = room.around(event, { currentState: room.state, authEvents: room.events, rejected: [] });
  const context = new RoomContext(around);
  const { currentState, ...withoutCurrent } = around;
  for (const text of [event, kick, "{"]) {
    for (const options of [undefined, {}, { trace: true }, { keys, evidence: true }, { keys, backfill: true }]) {
      assert.deepEqual(context.checkAuth(text, options), checkAuth(text, { ...withoutCurrent, ...options }));
      assert.deepEqual(context.receiveEvent(text, options), receiveEvent(text, { ...around, ...options }));
    }
  }
  const before = context.checkAuth(kick);
  context.dispose();
  assert.deepEqual(context.checkAuth(kick), before);
  context.dispose();
  context.dispose();
});

test("RoomContext: bytes and objects may change afterwards, lists too", () => {
  const room = publicRoom();
  const event = room.make("m.room.message", cleo, { body: "hello" });
  const state = room.state.map((text) => new TextEncoder().encode(text));
  const context = new RoomContext({ roomVersion: "11", state });
  const before = context.checkAuth(event);
  for (const bytes of state) bytes.fill(0);
  state.length = 0;
  context.dispose();
  assert.deepEqual(context.checkAuth(event), before);
  assert.equal(before.outcome, "accepted");
});

test("events come as text, bytes or plain objects, and mean the same", () => {
  const room = publicRoom();
  const event = room.make("m.room.message", cleo, { body: "hello" });
  const text = room.around(event);
  const as = (form) => ({ roomVersion: "11", authEvents: text.authEvents.map(form), state: text.state.map(form) });
  const expected = checkAuth(event, text);
  assert.deepEqual(checkAuth(Buffer.from(event), as((one) => Buffer.from(one))), expected);
  assert.deepEqual(checkAuth(JSON.parse(event), as((one) => JSON.parse(one))), expected);
});

test("unknown options, and values of the wrong kind, are errors that say which", () => {
  const event = signed(one);
  const calls = [
    [() => checkAuth(event, { roomVersion: "11", auth_events: [] }), "auth_events"],
    [() => checkAuth(event, { roomVersion: "11", currentState: [] }), "currentState"],
    [() => checkAuth(event, {}), "roomVersion"],
    [() => checkAuth(event, { roomVersion: 11 }), "roomVersion"],
    [() => checkAuth(event, { roomVersion: "11", state: "[]" }), "state"],
    [() => checkAuth(event, { roomVersion: "11", state: { length: 0 } }), "state"],
    [() => checkAuth(event, { roomVersion: "11", state: new Set() }), "state"],
    [() => checkAuth(event, { roomVersion: "11", state: [1] }), "state"],
    [() => checkAuth(event, { roomVersion: "11", state: null }), "state"],
    [() => checkAuth(event, { roomVersion: "11", authEvents: [undefined] }), "authEvents"],
    [() => checkAuth(event, { roomVersion: "11", authEvents: [, "{}"] }), "authEvents"],
    [() => checkAuth(event, { roomVersion: "11", rejected: "$x" }), "rejected"],
    [() => checkAuth(event, { roomVersion: "11", rejected: [1] }), "rejected"],
    [() => checkAuth(event, { roomVersion: "11", rejected: ["\ud800"] }), "rejected"],
    [() => checkAuth(event, { roomVersion: "11", createEvent: 1 }), "createEvent"],
    [() => checkAuth(event, { roomVersion: "11", keys: {} }), "keys"],
    [() => checkAuth(event, { roomVersion: "11", trace: "yes" }), "trace"],
    [() => receiveEvent(event, { roomVersion: "11", current_state: [] }), "current_state"],
    [() => receiveEvent(event, { roomVersion: "11", currentState: {} }), "currentState"],
    [() => new RoomContext({ roomVersion: "11", keys: new KeyRing() }), "keys"],
    [() => new RoomContext({}), "roomVersion"],
    [() => new RoomContext({ roomVersion: "11" }).checkAuth(event, { state: [] }), "state"],
    [() => new RoomContext({ roomVersion: "11" }).receiveEvent(event, { trace: 1 }), "trace"],
  ];
  for (const [call, option] of calls) assert.throws(call, error("invalid_option", ({ details }) => assert.equal(details.option, option)));
  for (const call of [
    () => checkAuth(event),
    () => checkAuth(event, { roomVersion: "13" }),
    () => new RoomContext({ roomVersion: "" }),
    () => authTypesForEvent(event, "0"),
    () => powerLevels(event, "013"),
  ]) {
    assert.throws(call, (thrown) => ["unknown_room_version", "invalid_option"].includes(thrown.code));
  }
  for (const call of [
    () => checkAuth(5, { roomVersion: "11" }),
    () => checkAuth(undefined, { roomVersion: "11" }),
    () => new RoomContext({ roomVersion: "11" }).checkAuth(null),
    () => checkAuth(event, null),
    () => checkAuth(event, []),
    () => authTypesForEvent("{}"),
    () => powerLevels("{}", 11),
  ]) {
    assert.throws(call, error("invalid_argument"));
  }
  for (const call of [
    () => checkAuth({ depth: 1.5 }, { roomVersion: "11" }),
    () => powerLevels({ content: { ban: Number.NaN } }, "9"),
  ]) {
    assert.throws(call, error("lossy_object"));
  }
  // An object that is lost in a list is an option of the wrong kind, or lossy: never silently another one.
  assert.throws(() => checkAuth(event, { roomVersion: "11", state: [new Map()] }), error("lossy_object"));
});

test("names of Object.prototype are names like others", () => {
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    const room = publicRoom();
    const event = room.make(name, ben, { [name]: 1 }, { state_key: name });
    const { outcome, type, state_key } = checkAuth(event, room.around(event));
    assert.deepEqual([outcome, type, state_key], ["accepted", name, name]);
    assert.deepEqual(authTypesForEvent(event, "11").map(([type]) => type), ["m.room.create", "m.room.power_levels", "m.room.member"]);

    const levels = powerLevels(`{"content":{"events":{"${name}":70},"users":{"${name}":1,"@${name}:x":2},"notifications":{"${name}":3}}}`, "11");
    assert.ok(Object.hasOwn(levels.events, name));
    assert.deepEqual(Object.entries(levels.events), [[name, 70]]);
    assert.deepEqual(Object.entries(levels.users), [[name, 1], [`@${name}:x`, 2]].sort());
    assert.deepEqual(Object.entries(levels.notifications), [[name, 3]]);
    // By JSON.parse: in a literal, __proto__ would be no key.
    room.powerLevels({ users: PUBLIC.users, events: JSON.parse(`{"${name}":70}`) });
    const tooHigh = room.make(name, ben, {});
    const rejected = checkAuth(tooHigh, room.around(tooHigh));
    assert.deepEqual([rejected.outcome, byCheck(rejected)[5].evidence.required.level], ["rejected", 70]);
  }
  assert.equal({}.polluted, undefined);
});

test("authTypesForEvent: what an event must cite", () => {
  const types = (event, version = "11") => authTypesForEvent(event, version).map((pair) => pair.join(" "));
  const base = ["m.room.create ", "m.room.power_levels ", `m.room.member ${ben}`];
  assert.deepEqual(types({ type: "m.room.message", sender: ben, content: {} }), base);
  assert.deepEqual(types({ type: "m.room.message", sender: ben }, "12"), base.slice(1));
  assert.deepEqual(types({ type: "m.room.create", sender: ben, state_key: "", content: {} }), []);
  const member = (membership, more = {}) => ({ type: "m.room.member", sender: ben, state_key: dan, content: { membership, ...more } });
  assert.deepEqual(types(member("ban")).sort(), [...base, `m.room.member ${dan}`].sort());
  assert.deepEqual(types(member("invite")).sort(), [...base, `m.room.member ${dan}`, "m.room.join_rules "].sort());
  assert.deepEqual(
    types(member("invite", { third_party_invite: { signed: { token: "t" } } })).sort(),
    [...base, `m.room.member ${dan}`, "m.room.join_rules ", "m.room.third_party_invite t"].sort(),
  );
  const own = { ...member("join", { join_authorised_via_users_server: cleo }), state_key: ben };
  assert.deepEqual(types(own).sort(), [...base, "m.room.join_rules ", `m.room.member ${cleo}`].sort());
  assert.deepEqual(types(own, "7").sort(), [...base, "m.room.join_rules "].sort());
  assert.deepEqual(types(own, "12").sort(), [...base.slice(1), "m.room.join_rules ", `m.room.member ${cleo}`].sort());
  // From a finished event, as text and bytes.
  assert.deepEqual(types(JSON.stringify(own)), types(own));
  assert.throws(() => authTypesForEvent({ sender: ben }, "11"), error("field_missing"));
  assert.throws(() => authTypesForEvent({ type: 1, sender: ben }, "11"), error("field_wrong_type"));
  assert.throws(() => authTypesForEvent("[]", "11"), error("not_an_object"));
  assert.throws(() => authTypesForEvent("{", "11"), error("json_syntax"));
});

test("powerLevels: what an event sets, what holds otherwise, and what is no level", () => {
  const of = (content, version = "11") => powerLevels({ content }, version);
  const { defects, users, events, notifications, ...named } = of({});
  assert.deepEqual(named, { ban: 50, kick: 50, redact: 50, invite: 0, events_default: 0, state_default: 50, users_default: 0 });
  assert.deepEqual([users, events, notifications, defects], [{}, {}, {}, []]);
  const levels = of({ ban: 60, users: { [ben]: 50 }, events: { "m.room.name": 0 }, notifications: { room: 20 } });
  assert.deepEqual([levels.ban, levels.users, levels.events, levels.notifications], [60, { [ben]: 50 }, { "m.room.name": 0 }, { room: 20 }]);
  // Strings up to version 9, fractions up to 5.
  const texts = { ban: " +60 ", kick: "x", invite: "1_000", users: { [ben]: "-5", [dan]: null } };
  const old = of(texts, "9");
  assert.deepEqual([old.ban, old.kick, old.invite, old.users], [60, 50, 0, { [ben]: -5 }]);
  assert.deepEqual(old.defects, [
    { path: ["kick"], value: '"x"', divergent: false },
    { path: ["invite"], value: '"1_000"', divergent: true },
    { path: ["users", dan], value: "null", divergent: false },
  ]);
  assert.deepEqual(of(texts, "10").defects.map(({ path }) => path.join()).sort(), ["ban", "invite", "kick", `users,${ben}`, `users,${dan}`].sort());
  assert.equal(powerLevels('{"content":{"ban":50.57}}', "5").ban, 50);
  assert.throws(() => powerLevels('{"content":{"ban":50.57}}', "6"), error("number_not_integer"));
  // Beyond ±(2^53−1) as text, so that no digit is lost.
  assert.equal(powerLevels('{"content":{"ban":9007199254740993}}', "5").ban, "9007199254740993");
  assert.equal(of({ ban: "123456789012345678901234567890" }, "9").ban, "123456789012345678901234567890");
  assert.equal(of({ ban: "9007199254740991" }, "9").ban, 9007199254740991);
  assert.throws(() => powerLevels("[]", "11"), error("not_an_object"));
});

test("a message of another room's making, with everything else at hand, is nobody's", () => {
  const room = publicRoom();
  const foreign = signed(one, message(one, "hello", { room_id: room.id, sender: alice, origin_server_ts: NOW }));
  const verdict = checkAuth(foreign, { roomVersion: "11", authEvents: room.events, state: room.state });
  assert.deepEqual([verdict.outcome, byCheck(verdict)[4].code, byCheck(verdict)[5].result], ["incomplete", "auth_event_missing", "pass"]);
});
