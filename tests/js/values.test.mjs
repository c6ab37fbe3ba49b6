// Canonical JSON, hashes, ids, redaction, names, tables.
import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalJson, contentHash, eventId, parseServerName, redact, referenceHash, roomVersions, verdictCodes } from "fedproof";
import { error } from "./world.mjs";

test("canonical JSON: the examples of the specification", () => {
  for (const [input, canonical] of [
    ["{}", "{}"],
    ['{"one":1,"two":"Two"}', '{"one":1,"two":"Two"}'],
    ['{"b":"2","a":"1"}', '{"a":"1","b":"2"}'],
    ['{"auth":{"success":true,"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"medium":"email","address":"john.doe@example.org"},{"medium":"msisdn","address":"123456789"}]}}}', '{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org","medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}}'],
    ['{"a":"日本語"}', '{"a":"日本語"}'],
    ['{"本":2,"日":1}', '{"日":1,"本":2}'],
    ['{"a":"\\u65E5"}', '{"a":"日"}'],
    ['{"a":null}', '{"a":null}'],
    ['{"a":-0,"b":0}', '{"a":0,"b":0}'],
  ]) {
    assert.equal(canonicalJson(input), canonical);
  }
});

test("keys are sorted by code point, not by UTF-16 unit", () => {
  assert.equal(canonicalJson('{"\u{10000}":1,"\ue000":2,"10":3,"9":4}'), '{"10":3,"9":4,"\ue000":2,"\u{10000}":1}');
});

test("numbers: strict, lenient, historical, and by room version", () => {
  assert.throws(() => canonicalJson('{"a":1.0}'), error("number_not_integer"));
  assert.throws(() => canonicalJson('{"a":1e10}'), error("number_not_integer"));
  assert.throws(() => canonicalJson('{"a":9007199254740992}'), error("integer_out_of_range"));
  assert.equal(canonicalJson('{"a":1e10,"b":1.0}', { lenient: true }), '{"a":10000000000,"b":1}');
  assert.equal(canonicalJson('{"a":1e10}', { numbers: "lenient" }), '{"a":10000000000}');
  assert.throws(() => canonicalJson('{"a":1.5}', { lenient: true }), error("number_not_integer"));
  assert.equal(canonicalJson('{"a":1e-5,"b":50.570,"c":18446744073709551616}', { numbers: "historical" }), '{"a":1e-05,"b":50.57,"c":18446744073709551616}');
  assert.equal(canonicalJson('{"a":1E16}', { roomVersion: "5" }), '{"a":1e+16}');
  assert.throws(() => canonicalJson('{"a":1E16}', { roomVersion: "6" }), error("number_not_integer"));
  assert.equal(canonicalJson("{}", { roomVersion: "6", numbers: "strict", lenient: false }), "{}");
});

test("what is no JSON is told with its place", () => {
  for (const [input, code] of [
    ['{"a":}', "json_syntax"],
    ["", "json_syntax"],
    ["{}x", "json_trailing_data"],
    ['{"a":"\t"}', "json_control_character"],
    ['{"a":"\\ud800"}', "json_lone_surrogate"],
    [Uint8Array.of(0x22, 0xff, 0x22), "json_invalid_utf8"],
    ["[".repeat(32_000) + "]".repeat(32_000), "json_too_deep"],
    ['{"a":1e400}', "json_number_overflow"],
  ]) {
    assert.throws(() => canonicalJson(input, { numbers: "historical" }), error(code, ({ details }) => assert.match(JSON.stringify(details), /"(offset|pointer|number)":/)));
  }
});

test("hashes and ids of the specification's minimal event", () => {
  // From the appendix of the specification, "Event signing".
  const event = '{"room_id":"!x:domain","sender":"@a:domain","origin":"domain","origin_server_ts":1000000,"signatures":{},"hashes":{},"type":"X","content":{},"prev_events":[],"auth_events":[],"depth":3,"unsigned":{"age_ts":1000000}}';
  assert.equal(contentHash(event), "5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos");
  assert.equal(eventId(`{"event_id":"$0:domain",${event.slice(1)}`, "1"), "$0:domain");
  assert.throws(() => eventId(event, "1"), error("field_missing"));
  assert.equal(eventId(event, "4"), `$${referenceHash(event, "4")}`);
  assert.match(referenceHash(event, "4"), /^[A-Za-z0-9_-]{43}$/);
  assert.equal(referenceHash(event, "3").replaceAll("+", "-").replaceAll("/", "_"), referenceHash(event, "4"));
});

test("redaction is canonical text, keeps the id and repeats itself", () => {
  const event = '{"type":"m.room.message","content":{"body":"x"},"sender":"@a:b","room_id":"!r:b","depth":1,"prev_events":[],"auth_events":[],"origin_server_ts":1,"hashes":{"sha256":"x"},"signatures":{},"unsigned":{"age":1},"__proto__":1}';
  const redacted = redact(event, "11");
  assert.equal(redacted, '{"auth_events":[],"content":{},"depth":1,"hashes":{"sha256":"x"},"origin_server_ts":1,"prev_events":[],"room_id":"!r:b","sender":"@a:b","signatures":{},"type":"m.room.message"}');
  assert.equal(redact(redacted, "11"), redacted);
  assert.equal(eventId(redacted, "11"), eventId(event, "11"));
});

test("server names", () => {
  assert.deepEqual(parseServerName("example.org"), { host: "example.org", port: null, kind: "dns" });
  assert.deepEqual(parseServerName("example.org:8448"), { host: "example.org", port: 8448, kind: "dns" });
  assert.deepEqual(parseServerName("1.2.3.4:80"), { host: "1.2.3.4", port: 80, kind: "ipv4" });
  assert.deepEqual(parseServerName("[::1]:80"), { host: "::1", port: 80, kind: "ipv6" });
  for (const name of ["", "a b", "a:", "a:x", "::1", "https://a"]) {
    assert.throws(() => parseServerName(name), error("server_name_invalid"));
  }
});

test("the tables are fresh copies", () => {
  const versions = roomVersions();
  assert.deepEqual(versions.map(({ version }) => version), ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"]);
  assert.deepEqual(versions.map(({ strict_canonical_json }) => strict_canonical_json), [false, false, false, false, false, true, true, true, true, true, true, true]);
  versions.length = 0;
  assert.equal(roomVersions().length, 12);
  const codes = verdictCodes();
  assert.equal(new Set(codes.map(({ code }) => code)).size, codes.length);
  for (const { code, kind, summary, spec } of codes) {
    assert.match(code, /^[a-z][a-z0-9_]+$/);
    assert.ok(["verdict", "error", "flag", "trace"].includes(kind));
    assert.ok(summary.length > 5);
    assert.match(spec, /^https:\/\/spec\.matrix\.org\/v1\.\d+\//);
  }
});
