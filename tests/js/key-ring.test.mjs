// The ring of server keys.
import assert from "node:assert/strict";
import { test } from "node:test";
import { KeyRing, SigningKey, signJson, verifyEvent } from "fedproof";
import { error, message, NOW, ringOf, server, signed } from "./world.mjs";

const DAY = 24 * 60 * 60 * 1000;

test("a key response is verified, reported, and found again", () => {
  const one = server("one.example");
  const keys = new KeyRing();
  const report = keys.addServerKeys(one.keyResponse(), { fetchedTs: NOW });
  assert.equal(report.server_name, "one.example");
  assert.equal(report.valid_until_ts, NOW + DAY);
  assert.deepEqual(report.refused, []);
  assert.deepEqual(report.keys.map(({ key_id, public_key }) => [key_id, public_key]), [[one.key.keyId, one.key.publicKey]]);
  const found = keys.lookup(one.name, one.key.keyId, { at: NOW });
  assert.equal(found.public_key, one.key.publicKey);
  assert.equal(found.valid, true);
  assert.equal(keys.lookup(one.name, one.key.keyId, { at: NOW + 2 * DAY }).valid, false);
  assert.equal(keys.lookup(one.name, one.key.keyId).valid, true);
  assert.equal(keys.lookup(one.name, "ed25519:other"), undefined);
  assert.equal(keys.lookup("two.example", one.key.keyId), undefined);
});

test("a promise for longer than 7 days counts for 7 days", () => {
  const one = server("one.example");
  const keys = new KeyRing();
  keys.addServerKeys(one.keyResponse({ validUntil: NOW + 365 * DAY }), { fetchedTs: NOW });
  assert.equal(keys.lookup(one.name, one.key.keyId, { at: NOW + 7 * DAY }).valid, true);
  assert.equal(keys.lookup(one.name, one.key.keyId, { at: NOW + 7 * DAY + 1 }).valid, false);
});

test("responses that prove nothing are refused", () => {
  const one = server("one.example");
  const text = one.keyResponse();
  const cases = [
    [text.replace(String(NOW + DAY), String(NOW + 2 * DAY)), "key_response_signature_invalid"],
    [JSON.stringify({ ...JSON.parse(text), signatures: {} }), "key_response_unsigned"],
    ["{}", "key_response_invalid"],
    ["[]", "key_response_invalid"],
    ["{", "json_syntax"],
  ];
  for (const [response, code] of cases) {
    const keys = new KeyRing();
    assert.throws(() => keys.addServerKeys(response), error(code));
    assert.equal(keys.lookup(one.name, one.key.keyId), undefined);
  }
});

test("many responses at once: one bad one does not touch the others", () => {
  const one = server("one.example");
  const two = server("two.example");
  const bad = server("bad.example").keyResponse().replace("bad.example", "evil.example");
  for (const text of [
    `[${one.keyResponse()},${bad},${two.keyResponse()}]`,
    `{"server_keys":[${one.keyResponse()},${bad},${two.keyResponse()}]}`,
  ]) {
    const keys = new KeyRing();
    const { added, refused } = keys.addAllServerKeys(text, { fetchedTs: NOW });
    assert.deepEqual(added.map(({ server_name }) => server_name), ["one.example", "two.example"]);
    assert.deepEqual(refused.map(({ name, code }) => [name, code]), [["FedproofError", "key_response_unsigned"]]);
    for (const { name, key } of [one, two]) assert.equal(keys.lookup(name, key.keyId, { at: NOW }).valid, true);
  }
  const single = new KeyRing().addAllServerKeys(one.keyResponse(), { fetchedTs: NOW });
  assert.equal(single.added.length, 1);
  assert.throws(() => new KeyRing().addAllServerKeys("{"), error("json_syntax"));
});

test("a key trusted for another reason", () => {
  const key = SigningKey.generate();
  const one = server("one.example", key);
  const keys = new KeyRing();
  keys.addKey({ serverName: one.name, keyId: key.keyId, publicKey: key.publicKey });
  assert.equal(verifyEvent(signed(one), { roomVersion: "11", keys }).outcome, "accepted");
  const expired = new KeyRing();
  expired.addKey({ serverName: one.name, keyId: key.keyId, publicKey: key.publicKey, expiredTs: NOW - DAY });
  assert.equal(verifyEvent(signed(one), { roomVersion: "11", keys: expired }).checks[1].code, "signature_key_expired");
  const wrong = [
    [{ keyId: "1" }, "key_id_invalid"],
    [{ publicKey: "AAAA" }, "key_invalid"],
    [{ publicKey: "A".repeat(43) }, "key_weak"],
    [{ publicKey: "l/O9hxMVKB6Lg+3Hqf0FQQZhVESQcMzbPN1Cz2nM3og" }, "key_leaked"],
    [{ publicKey: SigningKey.generate().publicKey }, "key_conflict"],
  ];
  for (const [change, code] of wrong) {
    assert.throws(() => keys.addKey({ serverName: one.name, keyId: key.keyId, publicKey: key.publicKey, ...change }), error(code));
  }
});

test("weak and leaked keys in a response are reported and not used", () => {
  const one = server("one.example");
  const response = signJson(
    {
      server_name: one.name,
      valid_until_ts: NOW + DAY,
      verify_keys: {
        [one.key.keyId]: { key: one.key.publicKey },
        "ed25519:weak": { key: "A".repeat(43) },
        "ed25519:leaked": { key: "l/O9hxMVKB6Lg+3Hqf0FQQZhVESQcMzbPN1Cz2nM3og=" },
      },
    },
    { serverName: one.name, key: one.key },
  );
  const { refused } = new KeyRing().addServerKeys(response, { fetchedTs: NOW });
  assert.deepEqual(refused.map(({ key_id, code }) => [key_id, code]).sort(), [["ed25519:leaked", "key_leaked"], ["ed25519:weak", "key_weak"]]);
});

test("a ring that was disposed of is empty, and can be filled again", () => {
  const one = server("one.example");
  const keys = ringOf(one);
  keys.dispose();
  assert.equal(keys.lookup(one.name, one.key.keyId), undefined);
  keys.addServerKeys(one.keyResponse(), { fetchedTs: NOW });
  assert.equal(keys.lookup(one.name, one.key.keyId).public_key, one.key.publicKey);
  assert.equal(typeof keys[Symbol.dispose], "function");
});

test("the caller's bytes are copied: changing them later changes nothing", () => {
  const one = server("one.example");
  const response = Buffer.from(one.keyResponse());
  const keys = new KeyRing();
  keys.addServerKeys(response, { fetchedTs: NOW });
  response.fill(0);
  keys.addServerKeys(server("two.example").keyResponse(), { fetchedTs: NOW });
  assert.equal(verifyEvent(signed(one, message(one)), { roomVersion: "11", keys }).outcome, "accepted");
});
