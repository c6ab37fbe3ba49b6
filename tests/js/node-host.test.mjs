// The host for Node, against servers on loopback.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { before, test } from "node:test";
import { askHost } from "fedproof";
import { denoHost } from "fedproof/hosts/deno";
import { nodeHost } from "fedproof/hosts/node";
import { addressPolicy } from "../../pkg/dist/hosts/addresses.js";
import { authority, dnsServer, httpsServer, tcpServer } from "./servers.mjs";
import { error } from "./world.mjs";

const LOOPBACK = ["127.0.0.0/8", "::1"];
const text = (body) => Buffer.from(body).toString();
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let trusted;
let identity;
before(async () => {
  trusted = await authority();
  identity = await trusted.issue(["a.test", "*.wild.test", "127.0.0.1", "::1"]);
});

/** A host that trusts the test's authority and may connect to loopback, closed with the test. */
function hostOf(t, options) {
  const host = nodeHost({ ca: trusted.ca, allowAddresses: LOOPBACK, ...options });
  t.after(() => host.close());
  return host;
}

/** Asks for one thing. */
const ask = async (host, question, options) => (await askHost(host, [question], options))[0];

/** Makes a request of a server on loopback. */
const request = (host, port, more) =>
  ask(host, { https: { connectHost: "a.test", address: "127.0.0.1", port, tlsName: "a.test", ...more } });

const failed = (answer, code) => assert.equal(answer.error?.code, code, JSON.stringify(answer));
const hello = (_, response) => response.end("hello");

// ---- Names.

test("Host, SNI, method, target and body go out as told", async (t) => {
  const seen = [];
  const { port } = await httpsServer(t, identity, async (incoming, response) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { method, url, headers, socket } = incoming;
    seen.push({ method, url, host: headers.host, sni: socket.servername, length: headers["content-length"], body: text(Buffer.concat(chunks)) });
    response.writeHead(201, [["X-One", "1"], ["X-One", "2"]]).end("done");
  });
  const host = hostOf(t);
  const target = "/_matrix//x/%2F../%7e?a=%20+b&c";
  const { https } = await request(host, port, { hostHeader: "other.test:99", method: "PUT", target, body: Buffer.from("{}") });
  await request(host, port, { tlsName: "b.wild.test" });
  assert.deepEqual(seen, [
    { method: "PUT", url: target, host: "other.test:99", sni: "a.test", length: "2", body: "{}" },
    { method: "GET", url: "/", host: "a.test", sni: "b.wild.test", length: undefined, body: "" },
  ]);
  assert.equal(https.status, 201);
  assert.deepEqual(https.headers.filter(([name]) => name === "x-one"), [["x-one", "1"], ["x-one", "2"]]);
  assert.equal(text(https.body), "done");
});

test("an address needs a certificate for itself, and gets no SNI", async (t) => {
  for (const address of ["127.0.0.1", "::1"]) {
    const handle = (incoming, response) => response.end(String(incoming.socket.servername));
    const { port } = await httpsServer(t, identity, handle, address);
    const named = await httpsServer(t, await trusted.issue(["a.test"]), handle, address);
    const question = { connectHost: address, address, tlsName: undefined, hostHeader: address };
    const { https, error: wrong } = await request(hostOf(t), port, question);
    assert.equal(https && text(https.body), "false", wrong?.message);
    failed(await request(hostOf(t), named.port, question), "host_tls");
  }
});

test("a certificate must be for the TLS name, by a trusted authority, and valid now", async (t) => {
  const ancient = new Date("2020-01-01");
  const other = await authority("Another authority");
  const wrong = [
    [await trusted.issue(["b.test"]), {}],
    [await other.issue(["a.test"]), {}],
    [await trusted.issue(["a.test"], { notBefore: ancient, notAfter: new Date("2020-02-01") }), {}],
    [identity, { tlsName: "x.y.wild.test" }],
    [identity, { tlsName: "b.test", hostHeader: "a.test" }],
  ];
  for (const [presented, more] of wrong) {
    const { port } = await httpsServer(t, presented, hello);
    failed(await request(hostOf(t), port, more), "host_tls");
    assert.equal((await request(hostOf(t, { insecure: true }), port, more)).https.status, 200, "unless nothing is checked");
  }
  const { port } = await httpsServer(t, identity, hello);
  failed(await request(hostOf(t, { ca: other.ca }), port), "host_tls");
  assert.equal((await request(hostOf(t, { ca: [other.ca, trusted.ca] }), port)).https.status, 200);
  const platform = nodeHost({ allowAddresses: LOOPBACK });
  failed(await request(platform, port), "host_tls");
});

// ---- Connections.

test("an address at which nobody says anything is given up, and leaves time for the next", async (t) => {
  // A listener that is stopped takes as many connections as its backlog holds, and then says nothing.
  const script = 'const s = require("node:net").createServer(); s.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(s.address().port));';
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const port = Number(text((await once(child.stdout, "data"))[0]));
  child.kill("SIGSTOP");
  const fillers = Array.from({ length: 8 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  t.after(() => fillers.forEach((filler) => filler.destroy()));
  await later(200);
  failed(await request(hostOf(t, { connectTimeLimit: 100 }), port), "host_unreachable");
});

// ---- Addresses.

test("k117 what is no place in the internet is refused when connecting", async (t) => {
  const server = await httpsServer(t, identity, hello);
  const { port } = server;
  const refused = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.169.254", "172.16.0.1", "172.31.255.255",
    "192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::ffff:0:127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1",
    "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::1", "3fff::1", "fc00::1", "fd12:3456::1", "fe80::1", "febf::1", "fec0::1", "ff02::1",
  ];
  const questions = refused.map((address) => ({ https: { connectHost: "a.test", address, port, tlsName: "a.test" } }));
  const host = nodeHost({ ca: trusted.ca });
  for (const [index, answer] of (await askHost(host, questions)).entries()) {
    assert.equal(answer.error?.code, "host_address_forbidden", refused[index]);
  }
  assert.equal(server.connections, 0);
  // The host itself refuses what no core would tell it.
  for (const address of ["127.1", "0177.0.0.1", "2130706433", "fe80::1%eth0", "localhost", ""]) {
    const told = { address, connectHost: "x", port, tlsName: "x", hostHeader: "x", method: "GET", target: "/", headers: [], maxBytes: 1, timeLimit: 1000, followRedirects: 0 };
    await assert.rejects(host.https(told, { signal: new AbortController().signal }), error("host_address_forbidden"));
  }
});

test("k117 addresses of the internet are not refused", () => {
  const mayConnect = addressPolicy([]);
  for (const address of ["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "223.255.255.255"]) {
    for (const before of ["", "::ffff:", "64:ff9b::"]) assert.ok(mayConnect(before + address), before + address);
  }
  for (const address of ["2606:4700::1111", "2a00::1", "2001:200::1", "64:ff9b:2::1", "fbff::1"]) assert.ok(mayConnect(address), address);
});

test("k117 what is allowed by its network can be connected to, and nothing beside it", async (t) => {
  const { port } = await httpsServer(t, identity, hello);
  const reach = (allowAddresses) => request(nodeHost({ ca: trusted.ca, allowAddresses }), port);
  for (const networks of [["127.0.0.1"], ["127.0.0.0/8"], ["10.0.0.0/8", "127.0.0.1/32"], ["0.0.0.0/0"]]) {
    assert.equal((await reach(networks)).https?.status, 200, networks);
  }
  for (const networks of [[], ["127.0.0.2"], ["127.0.0.2/31"], ["::1"], ["10.0.0.0/8"]]) failed(await reach(networks), "host_address_forbidden");
});

test("k117 the address that was told is connected to, whatever the name leads to", async (t) => {
  const { port } = await httpsServer(t, identity, hello);
  const { server, asked } = await dnsServer(t, { "a.test": [["A", "10.0.0.1"]] });
  const host = hostOf(t, { servers: [server] });
  assert.equal(text((await request(host, port)).https.body), "hello");
  assert.deepEqual(asked, [], "nothing is looked up again");
});

test("without an address the host looks the name up, and judges what it finds", async (t) => {
  const { port } = await httpsServer(t, identity, hello);
  const { server } = await dnsServer(t, { "a.test": [["A", "10.0.0.1"], ["A", "127.0.0.1"]], "b.test": [["A", "10.0.0.1"]] });
  const host = hostOf(t, { servers: [server] });
  assert.equal((await request(host, port, { address: undefined })).https?.status, 200);
  failed(await request(host, port, { address: undefined, connectHost: "b.test" }), "host_address_forbidden");
  failed(await request(host, port, { address: undefined, connectHost: "c.test" }), "host_unreachable");
  failed(await request(host, port, { address: undefined, connectHost: "10.0.0.1" }), "host_address_forbidden");
});

// ---- Limits and trouble.

test("a body is read up to its limit and no further", async (t) => {
  let sent = 0;
  const { port } = await httpsServer(t, identity, (incoming, response) => {
    if (incoming.url === "/exact") return response.end(Buffer.alloc(1000));
    if (incoming.url === "/said") return response.writeHead(200, { "content-length": 1e12 }).flushHeaders();
    const chunk = Buffer.alloc(16_384);
    const more = () => {
      while (!response.destroyed && response.write(chunk)) sent += chunk.length;
    };
    response.on("drain", more);
    more();
  });
  const host = hostOf(t);
  assert.equal((await request(host, port, { target: "/exact", maxBytes: 1000 })).https.body.length, 1000);
  failed(await request(host, port, { target: "/exact", maxBytes: 999 }), "host_answer_too_large");
  failed(await request(host, port, { target: "/said", maxBytes: 1000 }), "host_answer_too_large");
  failed(await request(host, port, { target: "/endless", maxBytes: 100_000 }), "host_answer_too_large");
  await later(20);
  const now = sent;
  await later(50);
  assert.equal(sent, now, "the connection is closed");
});

test("headers that do not end are too large", async (t) => {
  const { port } = await httpsServer(t, identity, (_, response) => response.writeHead(200, { x: "y".repeat(100_000) }).end());
  failed(await request(hostOf(t), port), "host_answer_too_large");
});

test("a server that is slow at any point runs out of time", async (t) => {
  const { port } = await httpsServer(t, identity, (incoming, response) => {
    if (incoming.url === "/nothing") return;
    response.write("x");
    if (incoming.url === "/body") return;
    const drip = setInterval(() => response.write("x"), 5);
    response.on("close", () => clearInterval(drip));
  });
  const mute = await tcpServer(t, () => {});
  const host = hostOf(t);
  for (const target of ["/nothing", "/body", "/drip"]) failed(await request(host, port, { target, timeLimit: 60 }), "host_timed_out");
  failed(await request(host, mute.port, { timeLimit: 60 }), "host_timed_out");
});

test("no connection, or one that breaks", async (t) => {
  // A port on which nobody listens any more.
  let stop;
  const { port: free } = await tcpServer({ after: (close) => (stop = close) }, () => {});
  await stop();
  const reset = await tcpServer(t, (socket) => socket.resetAndDestroy());
  const close = await tcpServer(t, (socket) => socket.end());
  const plain = await tcpServer(t, (socket) => socket.end("HTTP/1.1 200 OK\r\n\r\n"));
  const { port } = await httpsServer(t, identity, (incoming, response) => {
    const { socket } = incoming;
    if (incoming.url === "/reset") return socket.destroy();
    if (incoming.url === "/garbage") return socket.end("this is no HTTP\r\n\r\n");
    if (incoming.url === "/upgrade") return socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    if (incoming.url === "/cut") return socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhell");
    socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel");
  });
  const host = hostOf(t);
  failed(await request(host, free), "host_unreachable");
  for (const broken of [reset, close]) failed(await request(host, broken.port), "host_connection");
  failed(await request(host, plain.port), "host_tls");
  for (const target of ["/reset", "/garbage", "/upgrade", "/cut", "/chunk"]) failed(await request(host, port, { target }), "host_connection");
});

test("what cannot be sent is not sent", async (t) => {
  const server = await httpsServer(t, identity, hello);
  const host = hostOf(t);
  for (const more of [{ target: "/a b" }, { target: "/a\r\nx: y" }, { target: "/é" }, { target: "" }, { hostHeader: "a\r\nx: y" }]) {
    failed(await request(host, server.port, more), "host_failed");
  }
  assert.equal(server.connections, 0);
});

test("an abort closes the connection", async (t) => {
  let closed;
  const seen = new Promise((resolve) => (closed = resolve));
  const controller = new AbortController();
  const { port } = await httpsServer(t, identity, (incoming) => {
    incoming.socket.on("close", closed);
    controller.abort();
  });
  const question = { https: { connectHost: "a.test", address: "127.0.0.1", port, tlsName: "a.test" } };
  await assert.rejects(askHost(hostOf(t), [question], { signal: controller.signal }), error("aborted"));
  await seen;
});

test("redirects are given back, never followed", async (t) => {
  let count = 0;
  const { port } = await httpsServer(t, identity, (_, response) => {
    count += 1;
    response.writeHead(307, { location: "https://127.0.0.1:1/elsewhere" }).end("moved");
  });
  const { https } = await request(hostOf(t), port);
  assert.equal(https.status, 307);
  assert.deepEqual(https.headers.find(([name]) => name === "location"), ["location", "https://127.0.0.1:1/elsewhere"]);
  assert.equal(count, 1);
});

// ---- Connections that are kept.

test("a connection is used again for the same address, port and TLS name, and for no other", async (t) => {
  const server = await httpsServer(t, identity, hello);
  const host = hostOf(t);
  for (let n = 0; n < 3; n += 1) await request(host, server.port, { hostHeader: `${n}.test` });
  assert.equal(server.connections, 1);
  await request(host, server.port, { tlsName: "b.wild.test" });
  assert.equal(server.connections, 2);
  // A name that the certificate is not for finds no open door either.
  failed(await request(host, server.port, { tlsName: "c.test" }), "host_tls");
  await request(host, server.port, { address: "127.0.0.1", connectHost: "127.0.0.1", tlsName: undefined });
  assert.equal(server.connections, 4);
});

test("a kept connection that the server has given up is no failure of the next request", async (t) => {
  let count = 0;
  const server = await httpsServer(t, identity, (incoming, response) => {
    count += 1;
    // The second request on a connection finds it closed.
    if (incoming.socket.used) return incoming.socket.destroy();
    incoming.socket.used = true;
    response.end("hello");
  });
  const host = hostOf(t);
  assert.equal((await request(host, server.port)).https.status, 200);
  const { https, error: wrong } = await request(host, server.port, { method: "PUT", body: Buffer.from("{}") });
  assert.equal(https?.status, 200, wrong?.message);
  assert.equal(count, 3);
  // What may do more when it is done twice is not sent again.
  assert.equal((await request(host, server.port)).https.status, 200);
  failed(await request(host, server.port, { method: "POST", body: Buffer.from("{}") }), "host_connection");
});

test("kept connections keep no process alive", async (t) => {
  const { port } = await httpsServer(t, identity, hello);
  // In a process of its own, which must end by itself.
  const script = `
    import { nodeHost } from "fedproof/hosts/node";
    import { askHost } from "fedproof";
    const host = nodeHost({ insecure: true, allowAddresses: ["127.0.0.1"] });
    const [{ https }] = await askHost(host, [{ https: { connectHost: "127.0.0.1", address: "127.0.0.1", port: ${port} } }]);
    if (https.status !== 200) process.exitCode = 1;
  `;
  const { spawn } = await import("node:child_process");
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], { cwd: new URL(".", import.meta.url), stdio: ["ignore", "inherit", "inherit"], timeout: 15_000 });
  assert.equal(await new Promise((resolve) => child.on("exit", resolve)), 0);
});

// ---- DNS.

const ZONE = {
  "_matrix-fed._tcp.a.test": [["SRV", 10, 5, 8448, "b.test"], ["SRV", 20, 0, 443, "c.test"]],
  "_gone._tcp.a.test": [["SRV", 0, 0, 0, ""]],
  "a.test": [["CNAME", "b.test"]],
  "b.test": [["CNAME", "c.test"]],
  "c.test": [["A", "192.0.2.1"], ["A", "192.0.2.2"], ["AAAA", "2001:db8::1"]],
  "empty.test": [],
  "broken.test": "SERVFAIL",
  "closed.test": "REFUSED",
  "silent.test": "silence",
  "half.test": [["A", "192.0.2.1"]],
  "AAAA half.test": "SERVFAIL",
  "other.test": [["AAAA", "2001:db8::1"]],
  "A other.test": "SERVFAIL",
  "doubtful.test": [],
  "AAAA doubtful.test": "SERVFAIL",
};

test("records are looked up; no records and no name are answers, trouble is an error", async (t) => {
  const { server } = await dnsServer(t, ZONE);
  const host = hostOf(t, { servers: [server] });
  assert.deepEqual((await ask(host, { srv: "_matrix-fed._tcp.a.test" })).srv, [
    { priority: 10, weight: 5, port: 8448, target: "b.test" },
    { priority: 20, weight: 0, port: 443, target: "c.test" },
  ]);
  for (const name of ["empty.test", "nothing.test", "a.test"]) assert.deepEqual(await ask(host, { srv: name }), { srv: [] }, name);
  for (const name of ["empty.test", "nothing.test"]) {
    assert.deepEqual(await ask(host, { addresses: name }), { addresses: [], canonicalName: undefined }, name);
  }
  for (const name of ["broken.test", "closed.test"]) {
    for (const question of [{ srv: name }, { addresses: name }]) failed(await ask(host, question), "host_failed");
  }
});

test("addresses of both kinds, aliases followed, and the name behind them", async (t) => {
  const { server } = await dnsServer(t, ZONE);
  const host = hostOf(t, { servers: [server] });
  const addresses = ["192.0.2.1", "192.0.2.2", "2001:db8::1"];
  assert.deepEqual(await ask(host, { addresses: "c.test" }), { addresses, canonicalName: undefined });
  assert.deepEqual(await ask(host, { addresses: "a.test" }), { addresses, canonicalName: "c.test" });
  assert.deepEqual((await ask(host, { addresses: "192.0.2.9" })).addresses, ["192.0.2.9"]);
});

test("one kind of addresses is enough; none, where one kind could not be looked up, is no answer", async (t) => {
  const { server } = await dnsServer(t, ZONE);
  const host = hostOf(t, { servers: [server] });
  assert.deepEqual((await ask(host, { addresses: "half.test" })).addresses, ["192.0.2.1"]);
  assert.deepEqual((await ask(host, { addresses: "other.test" })).addresses, ["2001:db8::1"]);
  failed(await ask(host, { addresses: "doubtful.test" }), "host_failed");
});

test("a resolver that is silent, or not there, is an error in time", async (t) => {
  const { server } = await dnsServer(t, ZONE);
  failed(await ask(hostOf(t, { servers: [server] }), { srv: "silent.test" }, { stepTimeLimit: 50 }), "host_timed_out");
  failed(await ask(hostOf(t, { servers: ["127.0.0.1:1"] }), { srv: "a.test" }), "host_connection");
});

test("names that only the system knows are found, unless other servers are named", async (t) => {
  const { addresses } = await ask(nodeHost(), { addresses: "localhost" });
  assert.ok(addresses.includes("127.0.0.1") || addresses.includes("::1"), addresses.join());
  const { server } = await dnsServer(t, ZONE);
  assert.deepEqual((await ask(hostOf(t, { servers: [server] }), { addresses: "localhost" })).addresses, []);
});

// ---- Arguments, and where it can be loaded.

test("options are checked", () => {
  const wrong = [
    5, { ca: 5 }, { ca: "no certificate" }, { ca: [Buffer.from("x")] }, { insecure: "yes" }, { allowAddresses: "10.0.0.0/8" }, { allowAddresses: ["10.0.0.0/33"] },
    { allowAddresses: ["::1/129"] }, { allowAddresses: ["localhost"] }, { allowAddresses: ["10.0.0/8"] }, { allowAddresses: [5] }, { allowAddresses: ["fe80::1%eth0"] },
    { servers: [] }, { servers: ["dns.test"] }, { servers: ["127.0.0.1:99999"] }, { servers: [5] }, { else: 1 },
  ];
  const refused = (thrown) => error(thrown.code === "invalid_argument" ? "invalid_argument" : "invalid_option")(thrown);
  for (const options of wrong) assert.throws(() => nodeHost(options), refused, JSON.stringify(options));
  for (const servers of ["192.0.2.1", ["::1"], ["[::1]:53", "192.0.2.1:53"]]) nodeHost({ servers });
});

test("the host of Deno is that of Node", () => {
  assert.equal(denoHost, nodeHost);
});

test("it comes by require too, and works with the package that was", () => {
  const require = createRequire(import.meta.url);
  for (const name of ["node", "deno", "browser", "memory"]) assert.equal(typeof require(`fedproof/hosts/${name}`)[`${name}Host`], "function");
  const script = `
    const { askHost } = require("fedproof");
    const { nodeHost } = require("fedproof/hosts/node");
    const question = { https: { connectHost: "127.0.0.1", address: "127.0.0.1" } };
    askHost(nodeHost(), [question]).then(([{ error }]) => process.exit(error.code === "host_address_forbidden" ? 0 : 1));
  `;
  assert.equal(spawnSync(process.execPath, ["--eval", script], { cwd: new URL(".", import.meta.url) }).status, 0);
});

test("the main entry and the hosts for browsers and tests need no module of Node", () => {
  const script = `
    import { register } from "node:module";
    const loader = "data:text/javascript," + encodeURIComponent(\`export function resolve(name, context, next) {
      if (name.startsWith("node:")) throw new Error("it imports " + name);
      return next(name, context);
    }\`);
    register(loader);
    for (const name of ["fedproof", "fedproof/slim", "fedproof/hosts/browser", "fedproof/hosts/memory"]) await import(name);
  `;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], { cwd: new URL(".", import.meta.url), encoding: "utf8" });
  assert.equal(status, 0, stderr);
});
