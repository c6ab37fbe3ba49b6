// Rows I108 to I111, through the module: requests between servers, signed and verified.
import assert from "node:assert/strict";
import { createServer, request as httpRequest } from "node:http";
import { once } from "node:events";
import { test } from "node:test";
import { KeyRing, signJson, signRequest, SigningKey, verdictCodes, verifyRequest } from "fedproof";
import { error, NOW, ringOf, server } from "./world.mjs";

const alice = server("a.example");
const keys = ringOf(alice);
const URI = "/_matrix/federation/v1/send/1";
const CODES = new Map(verdictCodes().map((row) => [row.code, row]));

const sign = (more = {}) =>
  signRequest({ serverName: alice.name, key: alice.key, destination: "b.example", method: "PUT", uri: URI, content: "{}", ...more });
const good = sign().authorization;
const request = (more = {}) => ({
  method: "PUT", uri: URI, body: "{}", authorization: good, serverName: "b.example", keys, now: NOW + 1000, ...more,
});
const judge = (more) => verifyRequest(request(more));

function refused(judged, status, code) {
  assert.deepEqual([judged.outcome, judged.status, judged.code], ["refused", status, code], judged.reason);
  assert.ok(judged.reason.length > 10 && judged.errcode.startsWith("M_"));
  assert.equal(judged.origin, undefined);
  assert.ok(CODES.has(code), code);
}
function accepted(judged, flags = []) {
  assert.deepEqual([judged.outcome, judged.origin, judged.flags], ["accepted", "a.example", flags], judged.reason);
  assert.deepEqual([judged.destination, judged.keys, judged.code], ["b.example", [alice.key.keyId], undefined]);
  for (const flag of flags) assert.equal(CODES.get(flag).kind, "flag");
}

test("M5 M6 what signRequest gives", () => {
  const { authorization, body, signed } = sign({ content: { b: 1, a: "é" } });
  assert.equal(body, '{"a":"é","b":1}');
  assert.equal(signed, `{"content":${body},"destination":"b.example","method":"PUT","origin":"a.example","uri":"${URI}"}`);
  const { signatures } = JSON.parse(signJson(signed, { serverName: "a.example", key: alice.key }));
  const sig = signatures["a.example"][alice.key.keyId];
  assert.equal(authorization, `X-Matrix origin="a.example",destination="b.example",key="${alice.key.keyId}",sig="${sig}"`);
  const get = sign({ method: "GET", content: undefined });
  assert.deepEqual(Object.keys(get).sort(), ["authorization", "signed"]);
  assert.doesNotMatch(get.signed, /content/);
});

test("what cannot be signed so that a receiver could verify it", () => {
  for (const [code, more] of [
    ["request_method_invalid", { method: "put" }],
    ["request_uri_invalid", { uri: "https://b.example/x" }],
    ["request_uri_invalid", { uri: "/a b" }],
    ["request_uri_invalid", { uri: "/a#b" }],
    ["request_content_missing", { content: undefined }],
    ["request_content_unexpected", { method: "GET" }],
    ["server_name_invalid", { destination: "https://b.example" }],
    ["server_name_invalid", { serverName: "" }],
    ["json_syntax", { content: "{" }],
    ["json_invalid_utf8", { content: '{"a":"\ud800"}' }],
    ["json_number_overflow", { content: '{"a":1e999}' }],
    ["not_an_object", { content: "[]" }],
  ]) {
    assert.throws(() => sign(more), error(code), code);
  }
  const gone = SigningKey.generate();
  gone.dispose();
  assert.throws(() => sign({ key: gone }), error("key_disposed"));
});

test("I108 every legal form of the header", () => {
  const [, , key, sig] = good.match(/"[^"]*"/g);
  for (const [header, flags] of [
    [`X-Matrix origin=a.example,destination=b.example,key=${alice.key.keyId},sig=${sig}`, []],
    [`X-Matrix origin="\\a.\\example",destination="b.example",key=${key},sig=${sig}`, []],
    [`X-Matrix origin="a.example"\t,\tdestination="b.example",\tkey=${key}\t,sig=${sig}`, []],
    [`X-Matrix ORIGIN="a.example",DESTINATION="b.example",KEY=${key},SIG=${sig}`, []],
    [`X-Matrix new=1,origin="a.example",destination="b.example",key=${key},sig=${sig},more="x"`, []],
    [`X-Matrix note="a, b",origin="a.example",destination="b.example",key=${key},sig=${sig}`, ["authorization_divergent"]],
    [`X-Matrix origin="a.example",destination="b.example",key=${key},sig=${sig.slice(1, -1)}==`, ["authorization_unquoted"]],
  ]) {
    accepted(judge({ authorization: header }), flags);
  }
  refused(judge({ authorization: `${good},x=a"b` }), 400, "authorization_malformed");
  refused(judge({ authorization: good.replace("sig=", "signature=") }), 400, "authorization_parameter_missing");
});

test("I109 destinations, origins, schemes", () => {
  const foreign = judge({ authorization: good.replace("b.example", "c.example") });
  refused(foreign, 401, "authorization_destination_mismatch");
  assert.deepEqual(foreign.evidence, { destination: "c.example", server_names: ["b.example"] });
  accepted(judge({ authorization: good.replace('destination="b.example",', "") }), ["authorization_no_destination"]);
  const other = server("evil.example");
  const evil = signRequest({ serverName: other.name, key: other.key, destination: "b.example", method: "PUT", uri: URI, content: "{}" });
  const two = judge({ authorization: [evil.authorization, good], keys: ringOf(alice, other) });
  refused(two, 401, "authorization_several_origins");
  assert.deepEqual(two.flags, ["several_origins_divergent"]);
  refused(judge({ authorization: `${good},origin="a.example"` }), 400, "authorization_parameter_twice");
  accepted(judge({ authorization: good.replace("X-Matrix", "x-matrix") }), ["authorization_scheme_case"]);
  refused(judge({ authorization: good.replace("X-Matrix", "X-MatrixFoo") }), 401, "authorization_missing");
  for (const none of [undefined, null, [], "", "Bearer abc"]) refused(judge({ authorization: none }), 401, "authorization_missing");
});

test("I110 origins, targets, bodies", () => {
  for (const origin of ["h:abc", "a/b", "u@h", "", "a".repeat(300)]) {
    refused(judge({ authorization: good.replace("a.example", origin) }), 400, "authorization_origin_invalid");
  }
  refused(judge({ authorization: good.replace(alice.key.keyId, "x") }), 400, "authorization_key_invalid");
  const uri = "/_matrix/federation/v1/event/%24a%2Fb+c?x=1+1";
  const { authorization } = sign({ uri });
  accepted(judge({ uri, authorization }));
  for (const changed of [decodeURIComponent(uri), uri.replace("+", "%20"), uri.split("?")[0]]) {
    refused(judge({ uri: changed, authorization }), 401, "signature_invalid");
  }
  refused(judge({ uri: "/a b" }), 400, "request_uri_invalid");
  refused(judge({ method: "P T" }), 400, "request_method_invalid");
  for (const body of [undefined, "", new Uint8Array()]) refused(judge({ body }), 400, "request_content_missing");
  accepted(judge({ body: new TextEncoder().encode(" {} ") }));
  const bad = judge({ body: Uint8Array.of(0x7b, 0xff, 0x7d) });
  refused(bad, 400, "json_invalid_utf8");
  assert.equal(bad.errcode, "M_NOT_JSON");
  const odd = '{"pdus":[{"depth":1.5}]}';
  accepted(judge({ body: odd, authorization: sign({ content: odd }).authorization }), ["content_number_divergent"]);
  refused(judge({ authorization: `X-Matrix x="${"a".repeat(20_000)}"` }), 400, "authorization_too_long");
});

test("I111 the key must be valid now, and the authenticated origin rules", () => {
  const past = (fetchedTs) => {
    const ring = new KeyRing();
    ring.addServerKeys(alice.keyResponse({ validUntil: NOW }), { fetchedTs });
    return ring;
  };
  refused(judge({ keys: past(NOW + 1000) }), 401, "signature_key_expired");
  const stale = judge({ keys: past(NOW - 1000) });
  assert.deepEqual([stale.outcome, stale.code, stale.status], ["incomplete", "request_key_stale", undefined]);
  assert.deepEqual(stale.missing, [{ server: "a.example", key_id: alice.key.keyId }]);
  const none = judge({ keys: undefined });
  assert.deepEqual([none.outcome, none.code, none.missing.length], ["incomplete", "signature_key_missing", 1]);
  const successor = server("a.example");
  const ring = new KeyRing();
  const oldKeys = { [alice.key.keyId]: { key: alice.key.publicKey, expired_ts: NOW + 5000 } };
  ring.addServerKeys(successor.keyResponse({ oldKeys }), { fetchedTs: NOW });
  refused(judge({ keys: ring }), 401, "request_key_old");
  const content = '{"origin":"evil.example","pdus":[]}';
  accepted(judge({ body: content, authorization: sign({ content }).authorization }));
});

test("M8 several keys, in several headers or one", () => {
  const next = SigningKey.generate("ed25519:next");
  const ring = ringOf(alice);
  ring.addKey({ serverName: "a.example", keyId: next.keyId, publicKey: next.publicKey });
  const second = sign({ key: next }).authorization;
  const both = new Headers([["authorization", good], ["authorization", second]]);
  for (const authorization of [[good, second], both.get("authorization")]) {
    const judged = judge({ authorization, keys: ring });
    assert.deepEqual([judged.outcome, judged.keys], ["accepted", [alice.key.keyId, next.keyId]]);
  }
  refused(judge({ authorization: [good, second.replace(/sig=".{4}/, 'sig="AAAA')], keys: ring }), 401, "signature_invalid");
});

test("M7 a server of several names, and evidence", () => {
  const judged = judge({ serverName: ["x.example", "b.example"], evidence: true });
  accepted(judged);
  assert.equal(judged.evidence.signed, sign().signed);
  assert.deepEqual(judged.evidence.signatures, [{ key_id: alice.key.keyId, result: "valid" }]);
  assert.equal(judge().evidence, undefined);
  assert.throws(() => judge({ serverName: "https://b.example" }), error("server_name_invalid"));
});

test("over HTTP: what node:http sends and gives is what was signed", async () => {
  const seen = [];
  const listener = createServer(async (incoming, response) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    seen.push(
      verifyRequest({
        method: incoming.method, uri: incoming.url, authorization: incoming.headersDistinct.authorization,
        body: new Uint8Array(Buffer.concat(chunks)), serverName: "b.example", keys, now: NOW + 1000,
      }),
    );
    response.setHeader("connection", "close").end("{}");
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const send = async (method, uri, content) => {
    const { authorization, body } = sign({ method, uri, content });
    const outgoing = httpRequest({ port: listener.address().port, host: "127.0.0.1", agent: false, method, path: uri, headers: { authorization } });
    outgoing.end(body);
    const [response] = await once(outgoing, "response");
    response.resume();
    await once(response, "end");
  };
  await send("PUT", "/_matrix/federation/v1/send/1?a=%2F+b", { pdus: [], edus: [] });
  await send("GET", "/_matrix/federation/v1/state/!r:a.example?event_id=$e'()[]{}|", undefined);
  await send("POST", "/_matrix/federation/v1/user/keys/query", '{"device_keys":{"@é:b.example":[]}}');
  listener.close();
  for (const judged of seen) accepted(judged);
  assert.equal(seen.length, 3);
});
