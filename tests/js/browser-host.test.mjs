// The host for browsers, with a fetch that does as browsers do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { askHost } from "fedproof";
import { browserHost } from "fedproof/hosts/browser";
import { error } from "./world.mjs";

const text = (body) => Buffer.from(body).toString();
const failed = (answer, code) => assert.equal(answer.error?.code, code, JSON.stringify(answer));
const RESOLVER = "https://resolver.test/dns-query?x=1";
const ask = async (options, question, call) => (await askHost(browserHost(options), [question], call))[0];
const to = (connectHost, more) => ({ https: { connectHost, ...more } });
const CNAME = 5;
const dns = (Status, ...Answer) => Response.json({ Status, Answer });

test("a request goes out as far as fetch can send it", async () => {
  const seen = [];
  const fetch = async (url, init) => (seen.push([url, init]), new Response("hello", { status: 201, headers: { "X-One": "1" } }));
  const { https } = await ask({ fetch }, to("a.test", { method: "PUT", target: "/a//b?c=%2F", body: Buffer.from("{}"), hostHeader: "A.test:8448", tlsName: "a.test" }));
  assert.deepEqual([https.status, text(https.body)], [201, "hello"]);
  assert.ok(https.headers.some(([name, value]) => name === "x-one" && value === "1"));
  const [[url, init]] = seen;
  assert.equal(url, "https://a.test:8448/a//b?c=%2F");
  const { method, credentials, referrerPolicy, redirect, body } = init;
  assert.deepEqual([method, credentials, referrerPolicy, redirect, text(body)], ["PUT", "omit", "no-referrer", "manual", "{}"]);
  assert.ok(init.signal instanceof AbortSignal);
  await ask({ fetch }, to("2001:db8::1", { port: 443 }));
  await ask({ fetch }, to("192.0.2.1", { hostHeader: "192.0.2.1:8448" }));
  assert.deepEqual(seen.slice(1).map(([where, { body: nothing }]) => [where, nothing]), [["https://[2001:db8::1]:443/", undefined], ["https://192.0.2.1:8448/", undefined]]);
});

test("what fetch cannot send is said, and goes nowhere", async () => {
  const fetch = () => assert.fail("it was asked");
  for (const more of [{ hostHeader: "b.test" }, { tlsName: "b.test" }, { hostHeader: "b.test:8448", tlsName: "a.test" }]) {
    failed(await ask({ fetch }, to("a.test", more)), "host_unsupported");
  }
});

test("what it can do it says: look-ups only with a resolver that was named", () => {
  const never = { address: false, names: false, redirects: false };
  assert.deepEqual(browserHost().capabilities, { ...never, srv: false, addresses: false });
  assert.deepEqual(browserHost({ dnsOverHttps: RESOLVER }).capabilities, { ...never, srv: true, addresses: true });
  assert.equal(browserHost().srv, undefined);
});

test("without a resolver nothing is looked up, and nobody is asked", async () => {
  const fetch = () => assert.fail("it was asked");
  for (const question of [{ srv: "a.test" }, { addresses: "a.test" }]) failed(await ask({ fetch }, question), "host_unsupported");
});

test("a redirect that the browser hides is said; one that a runtime shows is an answer", async () => {
  const hidden = Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" });
  failed(await ask({ fetch: async () => hidden }, to("a.test")), "host_unsupported");
  const shown = new Response(null, { status: 307, headers: { location: "/else" } });
  assert.equal((await ask({ fetch: async () => shown }, to("a.test"))).https.status, 307);
});

test("redirects are followed where that is asked for", async () => {
  let redirect;
  const host = browserHost({ fetch: async (_, init) => ((redirect = init.redirect), new Response()) });
  const request = { connectHost: "a.test", port: 443, hostHeader: "a.test", method: "GET", target: "/", headers: [["accept", "x/y"]], maxBytes: 1, timeLimit: 1, followRedirects: 30 };
  await host.https(request, { signal: new AbortController().signal });
  assert.equal(redirect, "follow");
});

test("no answer, or one that the page may not see", async () => {
  failed(await ask({ fetch: () => Promise.reject(new TypeError("Failed to fetch")) }, to("a.test")), "host_connection");
});

test("a body is read up to its limit and no further, and one that breaks is no answer", async () => {
  let cancelled = 0;
  const endless = () => new Response(new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(1000)), cancel: () => void (cancelled += 1) }));
  failed(await ask({ fetch: async () => endless() }, to("a.test", { maxBytes: 5000 })), "host_answer_too_large");
  assert.equal(cancelled, 1);
  assert.equal((await ask({ fetch: async () => new Response(new Uint8Array(5000)) }, to("a.test", { maxBytes: 5000 }))).https.body.length, 5000);
  const broken = new Response(new ReadableStream({ pull: (c) => c.error(new TypeError("network error")) }));
  failed(await ask({ fetch: async () => broken }, to("a.test")), "host_connection");
});

test("the end of the time limit ends the request", async () => {
  let signal;
  const fetch = (_, init) => {
    signal = init.signal;
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  failed(await ask({ fetch }, to("a.test", { timeLimit: 10 })), "host_timed_out");
  assert.ok(signal.aborted);
});

// ---- DNS over HTTPS.

const SRV = 33;
const zone = {
  "SRV a.test": dns.bind(null, 0, { type: SRV, data: "10 5 8448 b.test." }, { type: SRV, data: "20 0 443 c.test" }, { type: 46, data: "a signature" }),
  "A a.test": dns.bind(null, 0, { type: CNAME, data: "b.test." }, { type: CNAME, data: "c.test." }, { type: 1, data: "192.0.2.1" }),
  "AAAA a.test": dns.bind(null, 0, { type: CNAME, data: "b.test." }, { type: CNAME, data: "c.test." }, { type: 28, data: "2001:db8::1" }),
  "SRV odd.test": dns.bind(null, 0, { type: SRV, data: "\\# 7 00" }),
  "SRV empty.test": () => Response.json({ Status: 0 }),
  "SRV broken.test": dns.bind(null, 2),
  "SRV strange.test": () => Response.json({ Status: "0" }),
  "SRV page.test": () => new Response("<html>"),
  "SRV null.test": () => new Response("null"),
  "SRV mixed.test": () => Response.json({ Status: 0, Answer: [null, 5, { type: SRV }, { type: SRV, data: "1 2 3 ok.test" }] }),
  "SRV down.test": () => new Response("", { status: 503 }),
  "SRV large.test": () => new Response(new Uint8Array(600_000)),
};
const asked = [];
const fetch = async (url, init) => {
  const { origin, pathname, searchParams } = new URL(url);
  asked.push([origin + pathname, searchParams.get("x"), init.headers.accept, init.credentials]);
  const question = `${searchParams.get("type")} ${searchParams.get("name")}`;
  return (zone[question] ?? (() => dns(3)))();
};
const resolver = { dnsOverHttps: RESOLVER, fetch };

test("records come over HTTPS, from the resolver that was named", async () => {
  assert.deepEqual((await ask(resolver, { srv: "a.test" })).srv, [
    { priority: 10, weight: 5, port: 8448, target: "b.test" },
    { priority: 20, weight: 0, port: 443, target: "c.test" },
  ]);
  assert.deepEqual(await ask(resolver, { addresses: "a.test" }), { addresses: ["192.0.2.1", "2001:db8::1"], canonicalName: "c.test" });
  for (const one of asked) assert.deepEqual(one, ["https://resolver.test/dns-query", "1", "application/dns-json", "omit"]);
  assert.deepEqual((await ask(resolver, { srv: "mixed.test" })).srv.map(({ target }) => target), ["ok.test"]);
});

test("no records and no name are answers, trouble is an error", async () => {
  for (const name of ["empty.test", "nothing.test"]) assert.deepEqual(await ask(resolver, { srv: name }), { srv: [] }, name);
  assert.deepEqual((await ask(resolver, { addresses: "nothing.test" })).addresses, []);
  for (const name of ["broken.test", "strange.test", "page.test", "null.test", "down.test", "odd.test"]) failed(await ask(resolver, { srv: name }), "host_failed");
  failed(await ask(resolver, { srv: "large.test" }), "host_answer_too_large");
  failed(await ask({ ...resolver, fetch: () => Promise.reject(new TypeError("no")) }, { srv: "a.test" }), "host_connection");
});

test("a name cannot put anything into the question", async () => {
  asked.length = 0;
  await ask(resolver, { srv: "a.test&type=A#x=2" });
  assert.equal(asked[0][1], "1");
});

test("options are checked", () => {
  for (const options of [5, { dnsOverHttps: "resolver.test" }, { dnsOverHttps: "http://resolver.test/" }, { dnsOverHttps: "https://" }, { dnsOverHttps: 5 }, { fetch: 5 }, { else: 1 }]) {
    assert.throws(() => browserHost(options), (thrown) => error(thrown.code === "invalid_argument" ? "invalid_argument" : "invalid_option")(thrown), JSON.stringify(options));
  }
});
