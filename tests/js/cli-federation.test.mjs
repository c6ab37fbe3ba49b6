// The commands that talk to other servers: against servers on loopback, and against a real Synapse where there is one.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { SigningKey } from "fedproof";
import { fedproof, folder, start } from "./cli.mjs";
import { makeAuthority } from "./federation/authority.mjs";
import { startDns } from "./federation/dns.mjs";
import { startPeer } from "./federation/peer.mjs";
import { startSynapse } from "./federation/synapse.mjs";
import { TestRoom } from "./room.mjs";
import { server } from "./world.mjs";

const HOSTILE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;
const FEDERATION = "/_matrix/federation/v1";

const authority = await makeAuthority();
const ourKey = SigningKey.generate();
const one = server("one.test");
const two = server("two.test");
const [alice, bob] = ["@alice:one.test", "@bob:two.test"];
const room = new TestRoom([one, two], { version: "11" });
room.joinRule("public");
room.member(bob, "join");
for (let n = 0; n < 5; n += 1) room.add("m.room.message", n % 2 ? alice : bob, { body: `message ${n}` });
const roomId = JSON.parse(room.events[0]).room_id;
const ids = room.events.map((text) => room.idOf(text));

/** What the peers were asked, and how they answer questions about the room. */
const asked = [];
let answers = {};
async function handler(request) {
  const { pathname, search, searchParams } = new URL(request.url);
  const authorization = request.headers.get("authorization");
  asked.push({ method: request.method, target: pathname + search, authorization, body: await request.text() });
  if (pathname === `${FEDERATION}/version`) return Response.json({ server: { name: "Peer", version: "0.1\u001b[31m" } });
  const [, name] = /^\/_matrix\/federation\/v1\/(\w+)/.exec(pathname) ?? [];
  return answers[name]?.(searchParams);
}
const refused = (status, errcode, error = "no") => () => Response.json({ errcode, error }, { status });
/** Backfill by a server that has the room from the event number `from` on. */
const history = (from = 0) => (params) => {
  const latest = Math.max(...params.getAll("v").map((id) => ids.indexOf(id)));
  const pdus = room.events.slice(from, Math.max(from, latest + 1)).reverse().slice(0, Number(params.get("limit")));
  return new Response(`{"origin":"one.test","origin_server_ts":1,"pdus":[${pdus}]}`);
};
const template = () => Response.json({ room_version: "11", event: { prev_events: [ids.at(-1)], type: "m.room.member" } });

const servers = [];
const started = async (starting) => {
  servers.push(await starting);
  return servers.at(-1);
};
const peer = await started(startPeer({ authority, serverName: "one.test", key: one.key, handler }));
const other = await started(startPeer({ authority, serverName: "two.test", key: two.key, handler }));
const wrong = await started(startPeer({ authority, serverName: "wrong.test", names: ["elsewhere.test"], handler }));
const ours = await started(startPeer({ authority, key: ourKey }));
const dns = await started(startDns({
  localhost: { A: ["127.0.0.1"] },
  "one.test": { A: ["127.0.0.1"] },
  "two.test": { A: ["127.0.0.1"] },
  "host.test": { A: ["127.0.0.2"] },
  "_matrix-fed._tcp.one.test": { SRV: [{ port: peer.port, target: "one.test" }] },
  "_matrix-fed._tcp.two.test": { SRV: [{ port: other.port, target: "two.test" }] },
  "_matrix._tcp.wrong.test": { SRV: [{ port: wrong.port, target: "one.test" }, { priority: 20, port: 1, target: "host.test" }] },
  "wrong.test": { A: ["127.0.0.1"] },
  "_matrix-fed._tcp.gone.test": { SRV: [{ port: 0, target: "." }] },
  "broken.test": { A: ["127.0.0.1"] },
  "_matrix-fed._tcp.broken.test": "SERVFAIL",
  "slow.test": "silence",
}));
const cwd = folder({
  "ca.pem": authority.certificate,
  "signing.key": ourKey.toSynapseKeyFile(),
  "body.json": '{"n":9007199254740993}',
  "nonsense.txt": "hello\n",
});
const NETWORK = ["--ca", "ca.pem", "--allow-address", "127.0.0.0/8", "--dns", dns.address];
const SIGNED = ["--key", "signing.key", "--server-name", ours.serverName];
const run = (args, network = NETWORK) => fedproof([...args, ...network], { cwd, env: { COLUMNS: "100" } });
const lines = (text) => text.trimEnd().split("\n").map((line) => JSON.parse(line));
const path = (name) => join(cwd, name);
/** Text without its line breaks. */
const flat = (text) => text.replace(/\s+/g, " ");
// Before the first test: what is awaited between tests lets the runner take those before it for all.
const synapse = await started(startSynapse({ authority, dns }));
const skip = synapse.unavailable;
let alicesRoom;
before(async () => {
  if (skip) return;
  const user = await synapse.register("alice");
  alicesRoom = await user.createRoom({ version: "11", preset: "public_chat", name: "Lounge" });
  for (let n = 0; n < 5; n += 1) await user.say(alicesRoom, `message ${n}`);
});

after(() => Promise.all(servers.map((one) => one.stop())));

test("resolve: each step, the decision, and whether it is there", async () => {
  const { code, out, err } = await run(["resolve", "one.test"]);
  assert.equal(code, 0, err);
  assert.match(out, /^3 {4}Does its \.well-known document name a delegate\?$/m);
  assert.match(out, /– GET https:\/\/one\.test\/\.well-known\/matrix\/server at 127\.0\.0\.1 port 443/);
  assert.match(out, /✓ SRV _matrix-fed\._tcp\.one\.test/);
  assert.match(out, new RegExp(`one\\.test port ${peer.port}, priority 10, weight 0`));
  assert.match(out, /^found by +step 4$/m);
  assert.match(out, /^Host header +one\.test$/m);
  assert.match(out, /^holds until .* UTC \(in [45] minutes\)$/m);
  assert.match(out, /^ {2}Peer 0\.1\\u001b\[31m$/m, "what strangers say is printed, and commands nothing");
  assert.match(out, /the certificate is for the right name\n {4}for one\.test\n {4}by test authority of one run, until/);
  assert.match(out, /^one\.test: it answers$/m);
  assert.doesNotMatch(out + err, HOSTILE);
  for (const line of out.split("\n")) assert.ok(line.length <= 100, line);
});

test("resolve: every place is tried, and a certificate for other names is shown", async () => {
  const { code, out } = await run(["resolve", "wrong.test"]);
  assert.equal(code, 1);
  assert.match(out, /! flag srv_deprecated/);
  assert.match(out, /✗ 127\.0\.0\.1 port \d+ \(one\.test\).*\n {2}the certificate is for other names \(host_tls\)\n {4}for elsewhere\.test/);
  assert.match(out, /✗ 127\.0\.0\.2 port 1 \(host\.test\).*\n {2}connect ECONNREFUSED 127\.0\.0\.2:1 \(host_unreachable\)/);
  assert.match(flat(out), /an SRV record changes nothing about that/);
  assert.match(out, /wrong\.test: none of 2 places answers/);
  const insecure = await run(["resolve", "wrong.test", "--insecure", "--json"]);
  const { connections } = JSON.parse(insecure.out);
  assert.deepEqual(connections.map(({ answers: there }) => there), [true, false]);
  assert.equal(connections[0].certificate.fits, false);
  const unasked = await run(["resolve", "wrong.test", "--no-connect", "--json"]);
  assert.equal(unasked.code, 0);
  assert.deepEqual(JSON.parse(unasked.out).connections, []);
});

test("resolve: the second place is broken", async () => {
  const good = await startPeer({ authority, serverName: "half.test", handler });
  dns.set("half.test", { A: ["127.0.0.1"] });
  dns.set("_matrix-fed._tcp.half.test", { SRV: [{ port: good.port, target: "half.test" }, { priority: 20, port: wrong.port, target: "half.test" }] });
  try {
    const { code, out } = await run(["resolve", "half.test"]);
    assert.equal(code, 1);
    assert.match(out, /half\.test: 1 of 2 places answers; who comes to another does not get through/);
  } finally {
    await good.stop();
  }
});

test("resolve: an authority that is not trusted is told as such", async () => {
  const { code, out } = await run(["resolve", "one.test"], NETWORK.slice(2));
  assert.equal(code, 1);
  assert.match(flat(out), /the certificate is for the right name, and is not trusted: [A-Z_]+ \(host_tls\)/);
});

test("resolve: where on the ladder it fails, and what can be done", async () => {
  for (const [name, code, hint] of [
    ["gone.test", "discovery_srv_not_offered", /says on purpose/],
    ["broken.test", "discovery_srv_unsettled", /not the same as “no such record”/],
    ["nowhere.test", "discovery_no_addresses", /must have an A or AAAA record/],
  ]) {
    const told = await run(["resolve", name]);
    assert.equal(told.code, 1);
    assert.match(told.out, /✗ (SRV|A and AAAA) /);
    assert.match(flat(told.err), new RegExp(`^fedproof: ${name} is not resolved: .*\\(${code}\\)`));
    assert.match(flat(told.err), hint);
    assert.doesNotMatch(told.err, / at .*\.js:/);
    const json = await run(["resolve", name, "--json"]);
    const { error, trace } = JSON.parse(json.out);
    assert.deepEqual([json.code, error.code, trace.at(-1).code], [1, code, code]);
  }
});

test("resolve: private addresses are refused unless they are allowed", async () => {
  const { code, out } = await run(["resolve", "one.test"], ["--dns", dns.address]);
  assert.equal(code, 1);
  assert.match(out, /127\.0\.0\.1 is not allowed: it is no place in the internet \(host_address_forbidden\)/);
  assert.match(out, /--allow-address CIDR/);
});

test("keys: what is valid until when, and what proves it", async () => {
  const { code, out } = await run(["keys", "one.test"]);
  assert.equal(code, 0);
  assert.ok(out.includes(`✓ ${one.key.keyId}  ${one.key.publicKey}\n`), out);
  assert.match(out, /in use, valid until .* UTC \(in 2[34] hours|in 1 day\)/);
  assert.ok(out.includes(`✓ signed by one.test with ${one.key.keyId}: proves that these are its keys\n`), out);
  const [answer] = lines((await run(["keys", "one.test", "--json"])).out);
  assert.equal(answer.keys[0].public_key, one.key.publicKey);
  assert.equal(JSON.parse(answer.document).server_name, "one.test");
  assert.deepEqual(answer.signatures, [{ server: "one.test", key_id: one.key.keyId, result: "valid" }]);
});

test("keys --notary: the word of a notary is proven, or refused", async () => {
  const passed = two.keyResponse({ validUntil: Date.now() + 3_600_000 });
  const forged = passed.replace(two.key.publicKey, one.key.publicKey);
  for (const [list, code, said] of [
    [passed, 0, /^two\.test {2}by word of localhost:\d+\n\n✓ /m],
    [forged, 1, /✗ a document by word of localhost:\d+ does not prove itself: /],
    ["", 1, undefined],
  ]) {
    const notary = async (request) =>
      new URL(request.url).pathname === "/_matrix/key/v2/query/two.test" ? new Response(`{"server_keys":[${list}]}`) : undefined;
    const teller = await startPeer({ authority, handler: notary });
    try {
      const told = await run(["keys", "two.test", "--notary", teller.serverName]);
      assert.equal(told.code, code, told.out + told.err);
      if (said) assert.match(told.out, said);
      else assert.match(told.err, /has no keys of two\.test/);
    } finally {
      await teller.stop();
    }
  }
});

test("keys: nobody answers", async () => {
  const { code, out, err } = await run(["keys", "localhost:1"]);
  assert.deepEqual([code, out], [1, ""]);
  assert.match(flat(err), /^fedproof: localhost:1 does not answer: .*ECONNREFUSED.* \(host_unreachable\) Nobody listens there/);
  const json = await run(["keys", "localhost:1", "--json"]);
  assert.equal(JSON.parse(json.err).error.code, "host_unreachable");
});

test("request: signed as it goes out, the body as it comes", async () => {
  asked.length = 0;
  answers = { send: () => new Response('{"n":1.0}\n') };
  const target = `${FEDERATION}/send/a%2Fb?x=%20`;
  const { code, out, err } = await run(["request", "put", "one.test", target, "--data", "body.json", ...SIGNED]);
  assert.deepEqual([code, out], [0, '{"n":1.0}\n'], err);
  assert.match(err, /^200 one\.test {2}.*10 bytes, signed request\n$/);
  const [{ method, target: came, authorization, body }] = asked;
  assert.deepEqual([method, came, body], ["PUT", target, '{"n":9007199254740993}']);
  assert.match(authorization, new RegExp(`^X-Matrix origin="?${ours.serverName}`));
});

test("request: a status that is none of success, and the trace", async () => {
  answers = { query: refused(401, "M_UNAUTHORIZED") };
  const request = ["request", "GET", "one.test", `${FEDERATION}/query/profile`];
  const unsigned = await run([...request, "--trace"]);
  assert.equal(unsigned.code, 1);
  assert.match(unsigned.out, /M_UNAUTHORIZED/);
  assert.match(unsigned.err, /✓ SRV _matrix-fed\._tcp\.one\.test[^]*401 one\.test[^]*has to be signed/);
  const signed = await run([...request, ...SIGNED]);
  assert.match(signed.err, /“fedproof keys OUR-NAME”/);
  const { status, headers, body } = JSON.parse((await run([...request, "--json"])).out);
  assert.deepEqual([status, headers["content-type"], JSON.parse(body).errcode], [401, "application/json", "M_UNAUTHORIZED"]);
});

test("join: servers that refuse, with what each said", async () => {
  answers = { make_join: refused(403, "M_FORBIDDEN", "You are not invited") };
  const args = ["join", roomId, "--via", "localhost:1", "--via", "one.test", "--user", `@me:${ours.serverName}`, "--key", "signing.key"];
  const { code, out, err } = await run([...args, "--save", "never.json"]);
  assert.deepEqual([code, out], [1, ""]);
  assert.match(flat(err), /one\.test: .*403 M_FORBIDDEN: "You are not invited"/);
  assert.ok(!existsSync(path("never.json")), "no empty file is left");
});

test("backfill: events are judged, and can be saved", async () => {
  answers = { backfill: history() };
  const args = ["backfill", roomId, "--via", "one.test", "--room-version", "11", "--from", ids.at(-1), ...SIGNED];
  const { code, out, err } = await run([...args, "--save", "history.json"]);
  assert.equal(code, 0, err);
  assert.match(out, new RegExp(`^${ids.length} events: ${ids.length} accepted$`, "m"));
  const again = await fedproof(["room", "history.json", "--json"], { cwd });
  assert.equal(again.code, 0, again.err);
  assert.equal(lines(again.out).at(-1).summary.outcomes.accepted, ids.length);
  const few = await run([...args, "--limit", "2", "--json"]);
  assert.deepEqual(lines(few.out).map(({ outcome }) => outcome), ["accepted", "accepted"]);

  const changed = room.events.at(-1).replace('"body":"message', '"body":"massage');
  answers = { backfill: () => new Response(`{"pdus":[${changed}]}`) };
  const [verdict] = lines((await run([...args, "--json"])).out);
  assert.deepEqual([verdict.outcome, verdict.redacted], ["accepted", true]);
});

test("a server that says 403 about a room: what that means", async () => {
  const no = refused(403, "M_FORBIDDEN", "Host not in room.");
  answers = { backfill: no, make_join: no, timestamp_to_event: no };
  for (const args of [
    ["backfill", roomId, "--via", "one.test", "--room-version", "11", "--from", ids.at(-1)],
    ["room", roomId, "--from", "one.test"],
  ]) {
    const { code, err } = await run([...args, ...SIGNED]);
    assert.equal(code, 1);
    assert.match(flat(err), /\(remote_forbidden\) A server tells about a room only to servers that are in it/);
    assert.match(flat(err), /fedproof join ROOM/);
  }
});

test("room --from: the whole room, judged as a file of it is", async () => {
  answers = { make_join: template, backfill: history() };
  const { code, out, err } = await run(["room", "--from", "one.test", roomId, ...SIGNED, "--save", "whole.json", "--json"]);
  assert.equal(code, 0, err);
  const { summary } = lines(out).at(-1);
  assert.equal(summary.outcomes.accepted, ids.length);
  assert.deepEqual(summary.forward_extremities, [ids.at(-1)]);
  const again = await fedproof(["room", "whole.json", "--json"], { cwd });
  assert.deepEqual(lines(again.out).at(-1).summary, summary);

  // No template: the newest event by time, and the version by the create event.
  answers = {
    make_join: refused(403, "M_FORBIDDEN"),
    timestamp_to_event: () => Response.json({ event_id: ids.at(-1), origin_server_ts: 1 }),
    event_auth: () => new Response(`{"auth_chain":[${room.events[0]}]}`),
    backfill: history(),
  };
  const closed = await run(["room", "--from", "one.test", roomId, ...SIGNED, "--json"]);
  assert.deepEqual(lines(closed.out).at(-1).summary, summary, closed.err);
});

test("room --from: pages of history, and events that prove nothing", async () => {
  const pages = history();
  const few = (params) => {
    params.set("limit", "2");
    return pages(params);
  };
  const args = ["room", "--from", "one.test", roomId, ...SIGNED];
  answers = { make_join: template, backfill: few };
  const whole = await run([...args, "--json"]);
  assert.equal(lines(whole.out).at(-1).summary.outcomes.accepted, ids.length, whole.err);

  // One in the middle is signed by nobody; then nothing else comes.
  const unsigned = (text) => JSON.stringify({ ...JSON.parse(text), signatures: {} });
  const spoilt = (at) => (params) => {
    const latest = Math.max(...params.getAll("v").map((id) => ids.indexOf(id)));
    return new Response(`{"pdus":[${room.events.slice(0, latest + 1).map((text, index) => (index === at ? unsigned(text) : text)).reverse()}]}`);
  };
  const earlier = room.events.slice(0, -1).filter((text) => "state_key" in JSON.parse(text));
  const state = () => new Response(`{"auth_chain":[],"pdus":[${earlier}]}`);
  answers = { make_join: template, backfill: spoilt(ids.length - 2), state };
  const part = await run(args);
  assert.equal(part.code, 1);
  assert.match(flat(part.err), /1 event that one\.test gave prove nothing, and are left out; the first: .* \(signature_\w+\)/);
  answers = { make_join: template, backfill: () => new Response(`{"pdus":[${unsigned(room.events.at(-1))}]}`) };
  const none = await run(args);
  assert.deepEqual([none.code, none.out], [1, ""]);
  assert.match(flat(none.err), /one\.test gives no event of !room:one\.test; what it gives is refused: .* \(signature_\w+\)/);
  assert.doesNotMatch(part.err + none.err, / at .*\.js:/);
});

test("room --from: where history ends too early, the state there is taken by the server's word", async () => {
  const from = ids.length - 2;
  const earlier = room.events.slice(0, from).filter((text) => "state_key" in JSON.parse(text));
  const latest = new Map(earlier.map((text) => [`${JSON.parse(text).type} ${JSON.parse(text).state_key}`, text]));
  answers = {
    make_join: template,
    backfill: history(from),
    state: () => new Response(`{"auth_chain":[${earlier}],"pdus":[${[...latest.values()]}]}`),
  };
  const { code, out, err } = await run(["room", "--from", "one.test", roomId, ...SIGNED, "--save", "cut.json"]);
  assert.equal(code, 0, out + err);
  assert.match(err, /warning: the history begins in the middle: the state there is by word of one\.test/);
  assert.match(out, /^2 events: 2 accepted$/m);
  assert.match(out, new RegExp(`^given +${earlier.length} events of a state by word of another server, accepted$`, "m"));
  const again = await fedproof(["room", "cut.json", "--json"], { cwd });
  const { summary } = lines(again.out).at(-1);
  assert.equal(summary.state.length, latest.size);
  assert.equal(summary.outliers, earlier.length);

  // Not in a stream: as what events came stands behind them.
  const padded = readFileSync(path("cut.json"), "utf8").replace('"arrivals"', `${" ".repeat(1_000_000)}"arrivals"`);
  const streamed = await fedproof(["room", "-"], { cwd, input: padded });
  assert.equal(streamed.code, 2);
  assert.match(streamed.err, /Give the room as a file/);
  const spoilt = readFileSync(path("cut.json"), "utf8").replace('["event",2]', '["event",3]');
  writeFileSync(path("spoilt.json"), spoilt);
  assert.equal((await fedproof(["room", "spoilt.json"], { cwd })).code, 2);
});

test("Ctrl-C ends cleanly, and so does a time limit", async () => {
  const child = start(["resolve", "slow.test", ...NETWORK], { cwd });
  let err = "";
  child.stderr.on("data", (part) => (err += part));
  const deadline = Date.now() + 20_000;
  while (dns.count("slow.test") === 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill("SIGINT");
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.deepEqual([code, err], [130, "fedproof: interrupted\n"]);

  const late = await run(["keys", "slow.test", "--timeout", "0.5"]);
  assert.equal(late.code, 1);
  assert.match(late.err, /^fedproof: it took longer than 0\.5 s, which --timeout allows\n/);
});

test("bad usage is told before anybody is asked", async () => {
  writeFileSync(path("here.json"), "mine");
  const me = ["--user", `@me:${ours.serverName}`, "--key", "signing.key"];
  const back = ["backfill", roomId, "--via", "one.test", "--from", "$x", "--room-version"];
  for (const [args, said] of [
    [["resolve", "foo bar"], /server_name_invalid/],
    [["keys", "one.test", "--dns", "dns.example"], /--dns must be IP addresses/],
    [["keys", "one.test", "--allow-address", "10"], /--allow-address must be IP addresses/],
    [["keys", "one.test", "--ca", "nonsense.txt"], /--ca must be certificates/],
    [["keys", "one.test", "--ca", "missing.pem"], /missing\.pem cannot be read/],
    [["keys", "one.test", "--timeout", "soon"], /number of seconds/],
    [["request", "PATCH", "one.test", "/"], /must be one of GET, POST, PUT, DELETE/],
    [["request", "GET", "one.test", "version"], /must begin with "\/"/],
    [["request", "GET", "one.test", "/", "--key", "signing.key"], /whose key is it/],
    [["request", "GET", "one.test", "/", "--key", "nonsense.txt", "--server-name", "a.test"], /key_file_invalid/],
    [["request", "PUT", "one.test", "/", "--data", "nonsense.txt", ...SIGNED], /json_syntax/],
    [["join", roomId, "--via", "one.test"], /--user/],
    [["join", roomId, "--via", "one.test", "--user", `@me:${ours.serverName}`], /--key is needed/],
    [["join", roomId, "--via", "one.test", "--user", "me", "--key", "signing.key"], /is no user ID/],
    [["join", "room", "--via", "one.test", ...me], /is no room/],
    [["join", roomId, ...me], /--via is needed/],
    [["join", roomId, "--via", "one.test", ...me, "--save", "here.json"], /here\.json exists/],
    [[...back, "11"], /--key and --server-name are needed/],
    [[...back, "99"], /Known room versions/],
    [["room", roomId, "--from", "one.test"], /--from needs --key/],
  ]) {
    asked.length = 0;
    const network = args.includes("--ca") ? NETWORK.slice(2) : NETWORK;
    const { code, out, err } = await run(args, network);
    assert.deepEqual([code, out], [2, ""], `${args.join(" ")}\n${err}`);
    assert.match(err, said, args.join(" "));
    assert.doesNotMatch(err, / at .*\.js:|a fault in fedproof/, args.join(" "));
    assert.deepEqual(asked.filter(({ target }) => target === "/"), [], args.join(" "));
  }
  assert.equal(readFileSync(path("here.json"), "utf8"), "mine");
});

test("help of the commands", async () => {
  const { out } = await fedproof(["--help"], { cwd });
  for (const command of ["resolve", "keys", "request", "join", "backfill"]) {
    assert.match(out, new RegExp(`^ +${command} `, "m"));
    const help = await fedproof([command, "--help"], { cwd });
    assert.match(help.out, /Usage: fedproof .*Network:.*Exit codes: 0 .*2 bad usage/s);
    for (const line of help.out.split("\n")) assert.ok(line.length <= 112, line);
  }
});

test("Synapse: resolve", { skip }, async () => {
  const { code, out } = await run(["resolve", synapse.serverName]);
  assert.equal(code, 0);
  assert.match(out, /^ {2}Synapse \d/m);
});

test("Synapse: request", { skip }, async () => {
  const target = `${FEDERATION}/query/profile?user_id=${encodeURIComponent(`@alice:${synapse.serverName}`)}`;
  const { code, out } = await run(["request", "GET", synapse.serverName, target, ...SIGNED]);
  assert.deepEqual([code, JSON.parse(out).displayname], [0, "alice"]);
});

test("Synapse: keys, its own", { skip }, async () => {
  const { out } = await run(["keys", synapse.serverName, "--json"]);
  assert.equal(JSON.parse(out).keys[0].key_id, synapse.key.keyId);
});

test("Synapse: join, then backfill and room --from", { skip }, async () => {
  const user = `@me:${ours.serverName}`;
  const via = ["--via", synapse.serverName];
  const joined = await run(["join", alicesRoom, ...via, "--user", user, "--key", "signing.key", "--save", "joined.json"]);
  assert.equal(joined.code, 0, joined.err);
  assert.match(flat(joined.out), /took the join; by the state that it gave, it is accepted/);
  const again = await fedproof(["room", "joined.json", "--json"], { cwd });
  assert.equal(again.code, 0, again.err);
  const { summary } = lines(again.out).at(-1);
  assert.ok(summary.state.some(([type, key]) => type === "m.room.member" && key === user));
  assert.equal(summary.outcomes.incomplete, 0);

  const { prev_events: from } = JSON.parse(readFileSync(path("joined.json"), "utf8")).pdus.at(-1);
  const args = ["backfill", alicesRoom, ...via, "--room-version", "11", "--from", from[0], "--limit", "3", "--json", ...SIGNED];
  const back = await run(args);
  assert.deepEqual(lines(back.out).map(({ outcome }) => outcome), ["accepted", "accepted", "accepted"], back.err);

  const whole = await run(["room", "--from", synapse.serverName, alicesRoom, ...SIGNED, "--json"]);
  assert.equal(whole.code, 0, whole.err);
  const all = lines(whole.out).at(-1).summary;
  assert.deepEqual([all.forward_extremities, all.missing], [summary.forward_extremities, []]);
  assert.deepEqual(all.state, summary.state);
});
