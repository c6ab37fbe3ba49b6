// Every argument of `Federation` is checked before anybody is asked anything.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Federation, FedproofError, KeyRing, Room, SigningKey } from "fedproof";
import { error } from "./world.mjs";

const host = { https: () => assert.fail("somebody was asked"), srv: () => assert.fail("DNS was asked") };
const serverName = "ours.example";
const federation = new Federation({ serverName, signingKey: SigningKey.generate(), host });
const room = new Room({ roomVersion: "11" });
const at = { roomId: "!room:x.example", roomVersion: "11" };
const member = { roomId: at.roomId, userId: "@me:ours.example", via: ["x.example"] };
const latestEvents = [{ eventId: "$b", prevEvents: ["$c"] }];
const policy = { publicKey: SigningKey.generate().publicKey, roomVersion: "11" };

/**
 * Of each method: arguments that are right (the last is the options), the options that must be given, and options of
 * the wrong kind.
 */
const METHODS = {
  resolve: { right: ["x.example", {}] },
  serverKeys: { right: ["x.example", {}] },
  queryKeys: { right: [[{ serverName: "x.example", keyId: "ed25519:1", validUntilTs: 1 }], {}] },
  request: { right: ["x.example", { target: "/x" }], needs: ["target"], wrong: { target: 5, method: "PATCH", content: 5, signed: "no" } },
  version: { right: ["x.example", {}] },
  event: { right: ["x.example", "$a", at], needs: ["roomVersion"], wrong: { roomVersion: 11, roomId: 5 } },
  state: { right: ["x.example", "$a", at], needs: ["roomId", "roomVersion"], wrong: { roomVersion: 11, roomId: 5 } },
  stateIds: { right: ["x.example", "$a", at], needs: ["roomId", "roomVersion"], wrong: { roomVersion: 11, roomId: null } },
  eventAuth: { right: ["x.example", "$a", at], needs: ["roomId", "roomVersion"], wrong: { roomVersion: 11, roomId: {} } },
  backfill: {
    right: ["x.example", { ...at, from: ["$a"] }],
    needs: ["roomId", "roomVersion", "from"],
    wrong: { from: "$a", limit: 0, roomVersion: null },
  },
  missingEvents: {
    right: ["x.example", { ...at, earliestEvents: ["$a"], latestEvents }],
    needs: ["roomId", "roomVersion", "earliestEvents", "latestEvents"],
    wrong: { earliestEvents: [5], latestEvents: ["$b"], limit: 1.5, minDepth: -1 },
  },
  timestampToEvent: {
    right: ["x.example", 1, at],
    needs: ["roomId", "roomVersion"],
    wrong: { direction: "f", roomId: 5 },
  },
  join: {
    right: [member],
    needs: ["roomId", "userId", "via"],
    wrong: { roomId: 5, userId: null, via: "x.example", content: 5, omitMembers: 1, trace: 1, evidence: "x" },
  },
  knock: { right: [member], needs: ["roomId", "userId", "via"], wrong: { via: [5], content: true } },
  leave: { right: [member], needs: ["roomId", "userId", "via"], wrong: { via: [undefined], content: new DataView(new ArrayBuffer(1)) } },
  invite: { right: ["{}", at], needs: ["roomId", "roomVersion"], wrong: { roomState: "[]", roomId: 5 } },
  exchangeThirdPartyInvite: { right: ["x.example", "{}", { roomId: at.roomId }], needs: ["roomId"], wrong: { roomId: 5 } },
  send: { right: ["x.example", { pdus: ["{}"], roomVersion: "11" }], needs: ["roomVersion"], wrong: { pdus: "{}", edus: [5], attempts: 0, roomVersion: 11 } },
  policySign: { right: ["x.example", "{}", policy], needs: ["publicKey", "roomVersion"], wrong: { publicKey: 5, roomVersion: 11 } },
  publicRooms: {
    right: ["x.example", {}],
    wrong: { limit: 0, since: 5, search: 5, includeAllNetworks: 1, thirdPartyInstanceId: 5 },
  },
  hierarchy: { right: ["x.example", at.roomId, {}], wrong: { suggestedOnly: "yes" } },
  queryDirectory: { right: ["#x:x.example", {}] },
  queryProfile: { right: ["@x:x.example", {}], wrong: { field: 5 } },
  openidUserinfo: { right: ["x.example", "token", {}] },
  fillGap: { right: ["x.example", room, "{}", at], needs: ["roomId", "roomVersion"], wrong: { maxEvents: -1, roomId: 5 } },
};

/** What is said about every call. */
const LIMITS = {
  signal: [null, {}, new AbortController()],
  timeLimit: [0, -1, "1", Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31],
  stepTimeLimit: [0, "1"],
  onProgress: ["x", {}],
};

/** The call with other options. */
function call(name, change) {
  const { right } = METHODS[name];
  return federation[name](...right.slice(0, -1), change(right.at(-1)));
}

test("every method is looked at here", () => {
  const methods = Object.getOwnPropertyNames(Federation.prototype).filter((name) => name !== "constructor");
  assert.deepEqual(Object.keys(METHODS).sort(), methods.sort());
});

for (const [name, { right, needs = [], wrong = {} }] of Object.entries(METHODS)) {
  test(name, async () => {
    for (const [index, value] of right.slice(0, -1).entries()) {
      const bad = typeof value === "number" ? ["1", -1, 1.5] : [5, null, undefined, true, ...(typeof value === "string" ? ["\ud800"] : [])];
      for (const given of bad) {
        const refused = federation[name](...right.slice(0, index), given, ...right.slice(index + 1));
        await assert.rejects(refused, (thrown) => {
          // Text that is no event is no wrong argument but no JSON.
          return thrown instanceof FedproofError && /^(invalid_argument|json_\w+)$/.test(thrown.code);
        }, `argument ${index}: ${String(given)}`);
      }
    }
    for (const options of [5, "x", [], null]) await assert.rejects(call(name, () => options), error("invalid_argument"));
    const unknown = error("invalid_option", ({ details }) => assert.ok(details.known.includes("signal")));
    await assert.rejects(call(name, (options) => ({ ...options, sigal: undefined })), unknown);
    for (const needed of needs) {
      const lacks = error("invalid_option", ({ details }) => assert.equal(details.option, needed));
      await assert.rejects(call(name, (options) => ({ ...options, [needed]: undefined })), lacks);
    }
    for (const [option, value] of Object.entries(wrong)) {
      const refuses = error("invalid_option", ({ details }) => assert.equal(details.option, option));
      await assert.rejects(call(name, (options) => ({ ...options, [option]: value })), refuses);
    }
    for (const [option, values] of Object.entries(LIMITS)) {
      for (const value of values) await assert.rejects(call(name, (options) => ({ ...options, [option]: value })), error("invalid_option"));
    }
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(call(name, (options) => ({ ...options, signal })), error("aborted", ({ cause }) => {
      if (name !== "fillGap") assert.equal(cause.message, "enough");
    }));
  });
}

test("a new Federation", () => {
  const right = { serverName, host };
  const wrong = [
    ["invalid_argument", null],
    ["invalid_argument", "ours.example"],
    ["invalid_option", { host }],
    ["invalid_option", { serverName }],
    ["invalid_option", { ...right, serverName: 5 }],
    ["server_name_invalid", { ...right, serverName: "no name" }],
    ["invalid_option", { ...right, host: null }],
    ["invalid_option", { ...right, host: {} }],
    ["invalid_option", { ...right, host: { https: 5 } }],
    ["invalid_option", { ...right, signingKey: "x" }],
    ["invalid_option", { ...right, keys: {} }],
    ["invalid_option", { ...right, notaries: "x.example" }],
    ["server_name_invalid", { ...right, notaries: ["no name"] }],
    ["invalid_option", { ...right, timeLimit: 0 }],
    ["invalid_option", { ...right, stepTimeLimit: "1" }],
    ["invalid_option", { ...right, signingkey: SigningKey.generate() }],
  ];
  for (const [code, options] of wrong) assert.throws(() => new Federation(options), error(code), JSON.stringify(options));
  const keys = new KeyRing();
  const made = new Federation({ ...right, keys, signingKey: undefined, notaries: [], timeLimit: undefined });
  assert.equal(made.keys, keys);
  assert.equal(made.serverName, serverName);
});

test("what needs a signature needs a key", async () => {
  const unable = new Federation({ serverName, host: { https: () => assert.fail("somebody was asked") } });
  await assert.rejects(unable.queryProfile("@x:192.0.2.1"), error("signing_key_missing"));
});

test("names that are none are told by the conversation", async () => {
  await assert.rejects(federation.resolve("no name"), error("server_name_invalid"));
  await assert.rejects(federation.event("x.example", "$a", { ...at, roomVersion: "13" }), error("unknown_room_version"));
  await assert.rejects(federation.join({ ...member, userId: "@me:theirs.example" }), error("invalid_argument"));
  await assert.rejects(federation.join({ ...member, via: [] }), error("no_server_helped"));
  await assert.rejects(federation.join({ ...member, via: [serverName] }), error("no_server_helped"));
});
