// The host that is a world in memory.
import assert from "node:assert/strict";
import { test } from "node:test";
import { askHost, FedproofError } from "fedproof";
import { memoryHost } from "fedproof/hosts/memory";
import { error } from "./world.mjs";

const text = (body) => Buffer.from(body).toString();
const failed = (answer, code) => assert.equal(answer.error?.code, code, JSON.stringify(answer));
const to = (connectHost, more) => ({ https: { connectHost, address: "192.0.2.1", port: 8448, tlsName: connectHost, ...more } });

const WORLD = {
  srv: { "_matrix-fed._tcp.a.test": [{ priority: 1, weight: 2, port: 443, target: "b.test" }] },
  addresses: { "a.test": ["192.0.2.1", "2001:db8::1"], "b.test": { addresses: ["192.0.2.2"], canonicalName: "c.test" } },
  servers: {
    "192.0.2.1:8448": {
      names: ["a.test", "192.0.2.1"],
      answer: {
        "GET /json": { json: { a: 1 } },
        "GET /text": { status: 418, headers: [["X-One", "1"]], body: "short and stout" },
        "GET /bytes": { body: Uint8Array.of(1, 2, 3) },
      },
    },
    "[2001:db8::1]:443": (request) => ({ json: { host: request.hostHeader, body: text(request.body ?? "") } }),
    "named.test:8448": async () => new Response("from a Response", { status: 202, headers: { a: "b" } }),
  },
};
const ask = async (question, more) => (await askHost(memoryHost({ ...WORLD, ...more }), [question]))[0];

test("names have the records and addresses that are described, and others none", async () => {
  assert.equal((await ask({ srv: "_matrix-fed._tcp.a.test" })).srv[0].target, "b.test");
  assert.deepEqual(await ask({ addresses: "a.test" }), { addresses: ["192.0.2.1", "2001:db8::1"], canonicalName: undefined });
  assert.deepEqual(await ask({ addresses: "b.test" }), { addresses: ["192.0.2.2"], canonicalName: "c.test" });
  for (const name of ["x.test", "toString", "__proto__"]) {
    assert.deepEqual(await ask({ srv: name }), { srv: [] });
    assert.deepEqual((await ask({ addresses: name })).addresses, []);
  }
});

test("functions stand in for tables", async () => {
  const world = { srv: async (name) => [{ priority: 0, weight: 0, port: 1, target: `srv.${name}` }], addresses: (name) => [name.length === 1 ? "192.0.2.1" : "192.0.2.2"] };
  assert.equal((await ask({ srv: "x" }, world)).srv[0].target, "srv.x");
  assert.deepEqual((await ask({ addresses: "xy" }, world)).addresses, ["192.0.2.2"]);
  failed(await ask({ addresses: "x" }, { addresses: () => ["no address"] }), "host_failed");
  failed(await ask({ srv: "x" }, { srv: () => { throw new FedproofError("host_timed_out", "the resolver is slow"); } }), "host_timed_out");
});

test("servers answer by table, by function, by Response", async () => {
  const { https } = await ask(to("a.test", { target: "/json" }));
  assert.deepEqual([https.status, https.headers, text(https.body)], [200, [["content-type", "application/json"]], '{"a":1}']);
  const tea = (await ask(to("a.test", { target: "/text" }))).https;
  assert.deepEqual([tea.status, tea.headers, text(tea.body)], [418, [["x-one", "1"]], "short and stout"]);
  assert.deepEqual([...(await ask(to("a.test", { target: "/bytes" }))).https.body], [1, 2, 3]);
  for (const more of [{ target: "/else" }, { target: "/json", method: "POST" }, { target: "/json?" }]) {
    const answer = (await ask(to("a.test", more))).https;
    assert.deepEqual([answer.status, JSON.parse(text(answer.body)).errcode], [404, "M_UNRECOGNIZED"]);
  }
  const six = await ask({ https: { connectHost: "a.test", address: "2001:db8::1", port: 443, hostHeader: "h.test", method: "PUT", body: Buffer.from("{}") } });
  assert.deepEqual(JSON.parse(text(six.https.body)), { host: "h.test", body: "{}" });
  const named = (await ask({ https: { connectHost: "named.test" } })).https;
  assert.deepEqual([named.status, text(named.body)], [202, "from a Response"]);
  assert.ok(named.headers.some(([name, value]) => name === "a" && value === "b"));
});

test("nobody listens elsewhere, certificates are for their names, answers have their limit", async () => {
  failed(await ask(to("a.test", { port: 443 })), "host_unreachable");
  failed(await ask(to("a.test", { address: "192.0.2.9" })), "host_unreachable");
  failed(await ask(to("b.test")), "host_tls");
  assert.equal((await ask(to("a.test", { tlsName: undefined, target: "/json" }))).https.status, 200, "the certificate is for the address, too");
  failed(await ask(to("a.test", { target: "/json", maxBytes: 6 })), "host_answer_too_large");
  assert.equal((await ask(to("a.test", { target: "/json", maxBytes: 7 }))).https.status, 200);
  const broken = { servers: { "192.0.2.1:8448": () => { throw new Error("oh"); } } };
  failed(await ask(to("a.test"), broken), "host_connection");
});

test("the clock moves by waiting alone, and randomness is the same every time", async () => {
  const host = memoryHost({ now: 1000, seed: 5 });
  const began = Date.now();
  assert.deepEqual(await askHost(host, [{ now: true }, { wait: 86_400_000 }]), [{ now: 1000 }, { wait: true }]);
  assert.deepEqual(await askHost(host, [{ now: true }]), [{ now: 86_401_000 }]);
  assert.ok(Date.now() - began < 60_000);
  const bytes = (seed) => Array.from(memoryHost({ seed }).random(8));
  assert.deepEqual(bytes(5), bytes(5));
  assert.notDeepEqual(bytes(5), bytes(6));
  assert.ok(new Set(memoryHost().random(1000)).size > 200);
});

test("what was asked and answered is in the log", async () => {
  const host = memoryHost(WORLD);
  await askHost(host, [{ srv: "x" }, to("a.test", { target: "/json" }), to("b.test")]);
  const [srv, https, tls] = host.log;
  assert.deepEqual([srv.question, srv.answer, srv.at], [{ kind: "srv", name: "x" }, [], 1_700_000_000_000]);
  assert.equal(https.question.request.target, "/json");
  assert.equal(https.answer.status, 200);
  assert.deepEqual([tls.answer, tls.error.code], [undefined, "host_tls"]);
});

// ---- Faults.

const fault = async (what, question = to("a.test", { target: "/json" }), more = {}) => {
  const host = memoryHost({ ...WORLD, faults: [{ on: "https", what, ...more }] });
  return { host, answer: (await askHost(host, [question]))[0] };
};

test("drop and delay run into the time limit, by the clock of the world", async () => {
  const limited = to("a.test", { target: "/json", timeLimit: 5000 });
  const dropped = await fault("drop", limited);
  failed(dropped.answer, "host_timed_out");
  assert.equal(dropped.host.now(), 1_700_000_005_000);
  const slow = await fault({ delay: 5000 }, limited);
  failed(slow.answer, "host_timed_out");
  const quick = await fault({ delay: 4999 }, limited);
  assert.equal(quick.answer.https.status, 200);
  assert.equal(quick.host.now(), 1_700_000_004_999);
});

test("hang never settles, so that limits and aborts can be tried", async () => {
  const host = memoryHost({ ...WORLD, faults: [{ on: "https", what: "hang" }] });
  await assert.rejects(askHost(host, [to("a.test")], { timeLimit: 10 }), error("timed_out"));
  assert.deepEqual(Object.keys(host.log[0]), ["at", "question", "fault"]);
});

test("fail, truncate, corrupt, repeat", async () => {
  failed((await fault({ fail: "host_tls" })).answer, "host_tls");
  assert.equal(text((await fault({ truncate: 3 })).answer.https.body), '{"a');
  assert.equal(text((await fault({ corrupt: 5 })).answer.https.body), '{"a":0}');
  assert.equal(text((await fault({ corrupt: 7 })).answer.https.body), '{"a":1}', "there is no such byte");
  const body = Buffer.from("whole");
  const bent = memoryHost({ servers: { "192.0.2.1:8448": () => ({ body }) }, faults: [{ on: "https", what: { corrupt: 0 } }] });
  assert.equal(text((await askHost(bent, [to("a.test")]))[0].https.body), "vhole");
  assert.equal(body.toString(), "whole", "what the server has is not touched");
  let count = 0;
  const servers = { "192.0.2.1:8448": () => ({ json: (count += 1) }) };
  const [{ https }] = await askHost(memoryHost({ servers, faults: [{ on: "https", what: { repeat: 2 } }] }), [to("a.test")]);
  assert.deepEqual([count, text(https.body)], [3, "3"]);
  const cut = memoryHost({ ...WORLD, faults: [{ on: "addresses", what: { truncate: 1 } }, { on: "srv", what: { truncate: 0 } }] });
  const [addresses, srv] = await askHost(cut, [{ addresses: "a.test" }, { srv: "_matrix-fed._tcp.a.test" }]);
  assert.deepEqual([addresses.addresses, srv.srv], [["192.0.2.1"], []]);
});

test("a fault meets the questions it is for, as often as it says; the first that fits counts", async () => {
  const host = memoryHost({
    ...WORLD,
    faults: [
      { on: "https", when: ({ request }) => request.target === "/text", times: 2, what: { fail: "host_connection" } },
      { on: "https", when: ({ request }) => request.target === "/text", what: { fail: "host_tls" } },
    ],
  });
  const codes = [];
  for (let n = 0; n < 3; n += 1) codes.push((await askHost(host, [to("a.test", { target: "/text" })]))[0].error.code);
  assert.deepEqual(codes, ["host_connection", "host_connection", "host_tls"]);
  assert.equal((await askHost(host, [to("a.test", { target: "/json" })]))[0].https.status, 200);
});

test("the world is checked", () => {
  const wrong = [
    5, [], { srv: 5 }, { addresses: [] }, { servers: () => {} }, { now: -1 }, { now: "5" }, { seed: 1.5 }, { faults: {} }, { faults: [5] }, { faults: [{ on: "wait", what: "drop" }] },
    { faults: [{ on: "srv" }] }, { faults: [{ on: "srv", what: "else" }] }, { faults: [{ on: "srv", what: { else: 1 } }] }, { capabilities: 5 }, { else: 1 },
  ];
  const refused = (thrown) => error(thrown.code === "invalid_argument" ? "invalid_argument" : "invalid_option")(thrown);
  for (const world of wrong) assert.throws(() => memoryHost(world), refused, JSON.stringify(world));
  assert.deepEqual(memoryHost({ capabilities: { srv: false } }).capabilities, { srv: false });
});
