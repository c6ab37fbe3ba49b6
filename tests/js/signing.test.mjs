// Signing keys and what they sign.
import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, verify as nodeVerify } from "node:crypto";
import { test } from "node:test";
import util from "node:util";
import { canonicalJson, contentHash, KeyRing, SigningKey, signEvent, signJson, verifyEvent, verifyEventSignatures, verifyJson } from "fedproof";
import { error, message, NOW, ringOf, server, signed } from "./world.mjs";

// The key of the specification's test vectors (appendices, "Cryptographic Test Vectors").
const SEED = "YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1";
const specKey = () => SigningKey.fromSeed("ed25519:1", SEED);

test("the specification's signing vectors", () => {
  const options = { serverName: "domain", key: specKey() };
  assert.equal(signJson({}, options), '{"signatures":{"domain":{"ed25519:1":"K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ"}}}');
  assert.equal(signJson({ one: 1, two: "Two" }, options), '{"one":1,"signatures":{"domain":{"ed25519:1":"KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw"}},"two":"Two"}');
});

test("a signature is one that node:crypto verifies", () => {
  const key = SigningKey.generate();
  const text = signJson({ a: [1, "ü"] }, { serverName: "x.org", key });
  const signature = JSON.parse(text).signatures["x.org"][key.keyId];
  const publicKey = createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(key.publicKey, "base64").toString("base64url") } });
  assert.ok(nodeVerify(null, Buffer.from(canonicalJson({ a: [1, "ü"] })), publicKey, Buffer.from(signature, "base64")));
});

test("the public half fits the seed, as node:crypto has it", () => {
  const seed = Buffer.from(SEED, "base64");
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const { x } = createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" })).export({ format: "jwk" });
  assert.equal(specKey().publicKey, Buffer.from(x, "base64url").toString("base64").replace(/=+$/, ""));
});

test("signing keeps other signatures and unsigned data", () => {
  const one = server("one.example");
  const two = server("two.example");
  const first = signJson({ a: 1, unsigned: { age: 1 } }, { serverName: one.name, key: one.key });
  const both = signJson(first, { serverName: two.name, key: two.key });
  const keys = ringOf(one, two);
  for (const { name } of [one, two]) assert.equal(verifyJson(both, { serverName: name, keys }).valid, true);
  assert.deepEqual(JSON.parse(both).unsigned, { age: 1 });
});

test("verifyJson says why not", () => {
  const one = server("one.example");
  const keys = ringOf(one);
  const text = signJson({ a: 1 }, { serverName: one.name, key: one.key });
  const answers = [
    [text.replace('"a":1', '"a":2'), keys, "signature_invalid"],
    ['{"a":1}', keys, "signature_missing"],
    [text, new KeyRing(), "signature_key_missing"],
  ];
  for (const [object, ring, code] of answers) {
    const answer = verifyJson(object, { serverName: one.name, keys: ring, at: NOW });
    assert.equal(answer.valid, false);
    assert.equal(answer.code, code);
    assert.ok(answer.reason.length > 10);
  }
  assert.equal(verifyJson(text, { serverName: one.name, keys, at: NOW + 8 * 24 * 3600 * 1000 }).code, "signature_key_expired");
  assert.throws(() => verifyJson("[]", { serverName: one.name, keys }), error("not_an_object"));
});

test("an event signed is an event verified, in every room version with hashes for ids", () => {
  const one = server("one.example");
  const keys = ringOf(one);
  for (const roomVersion of ["3", "4", "5", "6", "7", "8", "9", "10", "11"]) {
    const text = signed(one, message(one, `version ${roomVersion}`), roomVersion);
    assert.equal(JSON.parse(text).hashes.sha256, contentHash(text));
    assert.equal(text, canonicalJson(text));
    const verdict = verifyEvent(text, { roomVersion, keys });
    assert.equal(verdict.outcome, "accepted", JSON.stringify(verdict));
    assert.equal(verdict.redacted, false);
    assert.equal(verifyEventSignatures(text, { roomVersion, keys }).result, "pass");
  }
});

test("verifyEventSignatures gives check 2, or check 1 where the event gets no further", () => {
  const one = server("one.example");
  const event = JSON.parse(signed(one));
  const options = { roomVersion: "11", keys: ringOf(one) };
  const broken = verifyEventSignatures({ ...event, depth: 8 }, options);
  assert.deepEqual([broken.check, broken.result, broken.code], [2, "fail", "signature_invalid"]);
  const malformed = verifyEventSignatures({ ...event, depth: "8" }, options);
  assert.deepEqual([malformed.check, malformed.result, malformed.code], [1, "fail", "field_wrong_type"]);
  const unknown = verifyEventSignatures(event, { roomVersion: "11" });
  assert.deepEqual([unknown.check, unknown.result, unknown.code], [2, "incomplete", "signature_key_missing"]);
  assert.deepEqual(unknown.missing, [`one.example ${one.key.keyId}`]);
});

test("keys are generated with Synapse's kind of id, each another", () => {
  const keys = Array.from({ length: 50 }, () => SigningKey.generate());
  for (const { keyId, publicKey } of keys) {
    assert.match(keyId, /^ed25519:a_[A-Za-z]{4}$/);
    assert.match(publicKey, /^[A-Za-z0-9+/]{43}$/);
  }
  assert.equal(new Set(keys.map(({ publicKey }) => publicKey)).size, 50);
  assert.equal(SigningKey.generate("ed25519:2026").keyId, "ed25519:2026");
  for (const id of ["2026", "ed25519:", "ed25519:a b", "rsa:1", "ed25519:a:b", "ed25519:ä"]) {
    assert.throws(() => SigningKey.generate(id), error("key_id_invalid"));
  }
});

test("seeds come as bytes or base64, of 32 bytes", () => {
  const bytes = Buffer.from(SEED, "base64");
  for (const seed of [SEED, `${SEED}=`, bytes, new Uint8Array(bytes)]) {
    assert.equal(SigningKey.fromSeed("ed25519:1", seed).publicKey, specKey().publicKey);
  }
  assert.deepEqual(bytes, Buffer.from(SEED, "base64"), "the caller's seed was changed");
  for (const seed of ["", "AAAA", "!!", ` ${SEED}`, `${SEED}AAAA`, new Uint8Array(31), new Uint8Array(33)]) {
    assert.throws(() => SigningKey.fromSeed("ed25519:1", seed), error("seed_invalid", ({ message, details }) => {
      const told = message + JSON.stringify(details);
      assert.ok(typeof seed !== "string" || seed.length < 8 || !told.includes(seed), "the error quotes the seed");
    }));
  }
  assert.throws(() => SigningKey.fromSeed("1", SEED), error("key_id_invalid"));
});

test("Synapse's key files, read and written", () => {
  const line = specKey().toSynapseKeyFile();
  // The specification's base64 has bits to spare set in its last digit; ours has not.
  assert.equal(line, `ed25519 1 ${SEED.replace(/1$/, "0")}\n`);
  const other = SigningKey.generate("ed25519:a_Other");
  const file = `# old\n\n${line}${other.toSynapseKeyFile()}`.replace("# old\n\n", "");
  for (const text of [file, Buffer.from(file), new TextEncoder().encode(file)]) {
    const before = typeof text === "string" ? text : Buffer.from(text);
    assert.equal(SigningKey.fromSynapseKeyFile(text).publicKey, specKey().publicKey);
    assert.deepEqual(SigningKey.allFromSynapseKeyFile(text).map(({ keyId }) => keyId), ["ed25519:1", "ed25519:a_Other"]);
    assert.deepEqual(typeof text === "string" ? text : Buffer.from(text), before, "the caller's text was changed");
  }
  for (const text of ["", "\n", "hello", "rsa 1 AAAA", "ed25519 1"]) {
    assert.throws(() => SigningKey.fromSynapseKeyFile(text), error("key_file_invalid"));
  }
  assert.throws(() => SigningKey.fromSynapseKeyFile("ed25519 1 AAAA"), (thrown) => ["key_file_invalid", "seed_invalid"].includes(thrown.code));
});

test("a key shows its public half only", () => {
  const key = specKey();
  const shown = [JSON.stringify(key), util.inspect(key, { depth: 9, showHidden: true }), String(key), JSON.stringify(Object.entries(key)), JSON.stringify(structuredClone(key)), util.format("%o", key)];
  for (const text of shown) {
    assert.ok(!text.includes(SEED.slice(0, 10)), text);
    assert.ok(!text.includes("96, 144, 193"), text); // the seed's first bytes
  }
  assert.deepEqual(JSON.parse(JSON.stringify(key)), { keyId: "ed25519:1", publicKey: key.publicKey });
});

test("a key that was disposed of signs no more", () => {
  const key = specKey();
  key.dispose();
  key.dispose();
  assert.throws(() => signJson({}, { serverName: "domain", key }), error("key_disposed"));
  assert.throws(() => key.toSynapseKeyFile(), error("key_disposed"));
  assert.equal(typeof key[Symbol.dispose], "function");
  assert.match(key.publicKey, /^[A-Za-z0-9+/]{43}$/);
});

test("what cannot be signed", () => {
  const key = specKey();
  const calls = [
    ["[]", "not_an_object"],
    ['{"a":1.5}', "number_not_integer"],
    ['{"a":', "json_syntax"],
  ];
  for (const [input, code] of calls) {
    assert.throws(() => signJson(input, { serverName: "domain", key }), error(code));
    assert.throws(() => signEvent(input, { serverName: "domain", key, roomVersion: "11" }), error(code));
  }
  assert.throws(() => signJson({}, { serverName: "no name", key }), error("server_name_invalid"));
  assert.throws(() => signEvent({}, { serverName: "domain", key, roomVersion: "99" }), error("unknown_room_version"));
});
