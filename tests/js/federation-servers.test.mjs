// The small servers that tests of federation run against: they must do what the tests believe they do.
import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { after, test } from "node:test";
import { makeAuthority } from "./federation/authority.mjs";
import { startDns } from "./federation/dns.mjs";
import { send } from "./federation/https.mjs";
import { startPeer } from "./federation/peer.mjs";
import { serve } from "./federation/server.mjs";
import { startWellKnown } from "./federation/well-known.mjs";

const authority = await makeAuthority();
const ca = authority.certificate;

/** Gives a server that is stopped in the end. */
function ending(server) {
  after(() => server.stop());
  return server;
}

test("the DNS server answers from its table, as resolvers do", async () => {
  const dns = ending(await startDns({
    "one.test": { A: ["127.0.0.1", "127.0.0.2"], AAAA: ["::1"] },
    "alias.test": { CNAME: "One.test" },
    "ring.test": { CNAME: "ring.test" },
    "_matrix-fed._tcp.two.test": { SRV: [{ port: 8448, target: "one.test" }, { priority: 5, weight: 7, port: 1, target: "x.test" }], ttl: 5 },
    "broken.test": "SERVFAIL",
    "refused.test": "REFUSED",
    "silent.test": "silence",
  }));
  const resolver = new Resolver({ timeout: 200, tries: 1 });
  resolver.setServers([dns.address]);
  assert.deepEqual(await resolver.resolve4("one.test"), ["127.0.0.1", "127.0.0.2"]);
  assert.deepEqual(await resolver.resolve6("one.test"), ["::1"]);
  assert.deepEqual(await resolver.resolve4("ALIAS.test"), ["127.0.0.1", "127.0.0.2"]);
  assert.deepEqual(await resolver.resolveCname("alias.test"), ["One.test"]);
  assert.deepEqual(sorted(await resolver.resolveSrv("_matrix-fed._tcp.two.test")), [
    { name: "one.test", port: 8448, priority: 10, weight: 0 },
    { name: "x.test", port: 1, priority: 5, weight: 7 },
  ]);
  const failures = [
    ["resolve4", "nowhere.test", "ENOTFOUND"],
    ["resolveSrv", "two.test", "ENODATA"], // there is a name below it
    ["resolve6", "alias.test", undefined],
    ["resolveSrv", "one.test", "ENODATA"],
    ["resolve4", "ring.test", "ESERVFAIL"],
    ["resolve4", "broken.test", "ESERVFAIL"],
    ["resolve4", "refused.test", "EREFUSED"],
    ["resolve4", "silent.test", "ETIMEOUT"],
  ];
  for (const [method, name, code] of failures) {
    assert.equal(await resolver[method](name).then(() => undefined, (error) => error.code), code, `${method} ${name}`);
  }
  assert.equal(dns.count("one.test"), 3);
  assert.equal(dns.count("one.test", "AAAA"), 1);
  assert.equal(dns.count("alias.test", "A"), 1);
  dns.set("one.test", { A: ["127.0.0.9"] });
  assert.deepEqual(await resolver.resolve4("one.test"), ["127.0.0.9"]);
  dns.set("one.test", undefined);
  await assert.rejects(resolver.resolve4("one.test"), { code: "ENOTFOUND" });
});

test("a certificate is valid for its names, and by its authority only", async () => {
  const server = ending(await serve(() => new Response("yes"), { authority, names: ["a.test", "127.0.0.1"] }));
  const ask = (tlsName, more = {}) => send({ port: server.port, tlsName, ca, path: "/", ...more });
  for (const name of ["a.test", "127.0.0.1"]) assert.equal((await ask(name)).text, "yes");
  await assert.rejects(ask("b.test"), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
  const other = await makeAuthority();
  await assert.rejects(ask("a.test", { ca: other.certificate }), (error) => /CERT|VERIFY/.test(error.code));
  assert.deepEqual(server.requests.map(({ tlsName }) => tlsName), ["a.test", undefined]);
});

test("a Fetch handler gets the request as it was sent, and its response arrives", async () => {
  const handler = async (request) => {
    const { pathname, search } = new URL(request.url);
    const seen = { method: request.method, path: pathname + search, note: request.headers.get("x-note"), body: await request.text() };
    return Response.json(seen, { status: 418, headers: { "x-answer": "42" } });
  };
  const server = ending(await serve(handler, { authority, names: ["a.test"] }));
  const path = "/_matrix/federation/v1/send/1%2F2?a=%20b";
  const answer = await send({ port: server.port, tlsName: "a.test", ca, method: "PUT", path, headers: { host: "a.test", "x-note": "n" }, body: '{"é":1}' });
  assert.equal(answer.status, 418);
  assert.equal(answer.headers["x-answer"], "42");
  assert.deepEqual(answer.json(), { method: "PUT", path, note: "n", body: '{"é":1}' });
  assert.deepEqual(server.requests, [{ method: "PUT", path, host: "a.test", tlsName: "a.test" }]);
});

test("the .well-known server answers by host name", async () => {
  const server = ending(await startWellKnown({
    "json.test": { "m.server": "other.test:8448" },
    "moved.test": () => new Response(null, { status: 302, headers: { location: "https://json.test/.well-known/matrix/server" } }),
  }, { authority }));
  const ask = (host, path = "/.well-known/matrix/server") => send({ port: server.port, tlsName: host, ca, path, headers: { host } });
  assert.deepEqual((await ask("json.test")).json(), { "m.server": "other.test:8448" });
  assert.equal((await ask("json.test", "/")).status, 404);
  const moved = await ask("moved.test");
  assert.deepEqual([moved.status, moved.headers.location], [302, "https://json.test/.well-known/matrix/server"]);
  assert.deepEqual(server.requests.map(({ host }) => host), ["json.test", "json.test", "moved.test"]);
});

test("a peer publishes its key, and lets a handler answer first", async () => {
  const handler = (request) => (request.url.endsWith("/mine") ? new Response("mine") : undefined);
  const peer = ending(await startPeer({ authority, serverName: "peer.test", handler }));
  const ask = (path) => send({ port: peer.port, tlsName: "peer.test", ca, path });
  const keys = (await ask("/_matrix/key/v2/server")).json();
  assert.equal(keys.server_name, "peer.test");
  assert.deepEqual(keys.verify_keys, { [peer.key.keyId]: { key: peer.key.publicKey } });
  assert.equal((await ask("/mine")).text, "mine");
  const unknown = await ask("/_matrix/federation/v1/nothing?x=1");
  assert.deepEqual([unknown.status, unknown.json().errcode], [404, "M_UNRECOGNIZED"]);
  assert.deepEqual(peer.paths, ["/_matrix/key/v2/server", "/mine", "/_matrix/federation/v1/nothing"]);
});

function sorted(records) {
  return records.map(({ name, port, priority, weight }) => ({ name, port, priority, weight })).sort((a, b) => (a.name < b.name ? -1 : 1));
}
