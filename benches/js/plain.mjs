// Checks 1 to 3 of an event in plain JavaScript: what one would write today, with care and with an
// eye on speed. It is fedproof's opponent here, so it takes every short cut that keeps the answers
// right: it parses a transaction once, serialises each part once, and caches keys.
//
// Written for room version 11, the one of the corpus. What JSON.parse has already lost it cannot
// see: duplicate keys, 1.0 against 1, -0, integers rounded to a double.
import { createHash, hash as oneShot } from "node:crypto";

/** SHA-256 as base64, by OpenSSL: `crypto.hash` where Node has it (about a third faster). */
export const sha256 = oneShot
  ? (text) => oneShot("sha256", text, "base64")
  : (text) => createHash("sha256").update(text).digest("base64");

const surrogate = /[\ud800-\udfff]/;
const needsNoEscape = /^[ !#-[\]-~]*$/;
const MAX_DEPTH = 125; // inside a member of the event, so 127 in all

/** Canonical JSON of a parsed value. Throws on what canonical JSON does not have. */
export function canonical(value, depth = 0) {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
      if (!Number.isSafeInteger(value)) throw new Malformed("number");
      return Object.is(value, -0) ? "0" : String(value);
    case "boolean":
      return value ? "true" : "false";
  }
  if (value === null) return "null";
  if (depth > MAX_DEPTH) throw new Malformed("depth");
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    let text = `[${canonical(value[0], depth + 1)}`;
    for (let index = 1; index < value.length; index++) text += `,${canonical(value[index], depth + 1)}`;
    return `${text}]`;
  }
  let text = "";
  for (const key of sortedKeys(value)) {
    text += `${text === "" ? "{" : ","}${quote(key)}:${canonical(value[key], depth + 1)}`;
  }
  return text === "" ? "{}" : `${text}}`;
}

/** By code point. The built-in order is by UTF-16 unit, which differs where surrogates are. */
export function sortedKeys(object) {
  const keys = Object.keys(object);
  if (keys.length < 2) return keys;
  for (let index = 1; index < keys.length; index++) {
    if (keys[index - 1] > keys[index]) {
      keys.sort();
      break;
    }
  }
  return keys.some((key) => surrogate.test(key)) ? keys.sort(byCodePoint) : keys;
}

function byCodePoint(left, right) {
  let at = 0;
  while (at < left.length && left[at] === right[at]) at++;
  return (left.codePointAt(at) ?? -1) - (right.codePointAt(at) ?? -1);
}

function quote(text) {
  if (text.length < 64 && needsNoEscape.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new Malformed("surrogate");
  return JSON.stringify(text);
}

class Malformed extends Error {}

const TOP_LEVEL = new Set(["auth_events", "content", "depth", "event_id", "hashes", "origin_server_ts", "prev_events", "room_id", "sender", "state_key", "type"]);
const CONTENT = new Map(
  Object.entries({
    "m.room.history_visibility": ["history_visibility"],
    "m.room.join_rules": ["allow", "join_rule"],
    "m.room.member": ["join_authorised_via_users_server", "membership"],
    "m.room.power_levels": ["ban", "events", "events_default", "invite", "kick", "redact", "state_default", "users", "users_default"],
    "m.room.redaction": ["redacts"],
  }),
);

function redactedContent({ type, content }) {
  if (type === "m.room.create") return content;
  const kept = {};
  for (const key of CONTENT.get(type) ?? []) if (Object.hasOwn(content, key)) kept[key] = content[key];
  const signed = content.third_party_invite?.signed;
  if (type === "m.room.member" && signed !== undefined) kept.third_party_invite = { signed };
  return kept;
}

const userId = /^@[^:\0]*:(?<server>(?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.-]{1,255})(?::\d{1,5})?)$/;
const roomId = /^![^:\0]*:(?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.-]{1,255})(?::\d{1,5})?$/;
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isName = (value) => typeof value === "string" && (value.length <= 85 || Buffer.byteLength(value) <= 255);
const isEventId = (value) => isName(value) && value.startsWith("$");

/** What is wrong with the form of the event (its size aside), or null; and the sender's server. */
function format(event) {
  if (!isObject(event)) return { wrong: "not_an_object" };
  for (const field of ["type", "sender", "room_id"]) if (!isName(event[field])) return { wrong: field };
  if (Object.hasOwn(event, "event_id")) return { wrong: "event_id" };
  if (Object.hasOwn(event, "state_key") && !isName(event.state_key)) return { wrong: "state_key" };
  if (!isObject(event.content)) return { wrong: "content" };
  if (!Number.isSafeInteger(event.origin_server_ts)) return { wrong: "origin_server_ts" };
  if (!Number.isSafeInteger(event.depth) || event.depth < 0) return { wrong: "depth" };
  for (const [field, limit] of [["prev_events", 20], ["auth_events", 10]]) {
    const list = event[field];
    if (!Array.isArray(list) || list.length > limit || !list.every(isEventId)) return { wrong: field };
  }
  if (!isObject(event.hashes) || typeof event.hashes.sha256 !== "string") return { wrong: "hashes" };
  if (!isObject(event.signatures)) return { wrong: "signatures" };
  for (const server of Object.keys(event.signatures)) {
    const signatures = event.signatures[server];
    if (!isObject(signatures) || !Object.values(signatures).every((text) => typeof text === "string")) return { wrong: "signatures" };
  }
  if (!roomId.test(event.room_id)) return { wrong: "room_id" };
  const sender = userId.exec(event.sender);
  return sender === null ? { wrong: "sender" } : { wrong: null, server: sender.groups.server };
}

/**
 * A verdict in the shape of fedproof's. `keys` maps `server key_id` to whatever `verify(key, text,
 * signature)` wants; with no keys, everything but the signature is done.
 */
export function judge(event, keys, verify) {
  const { wrong, server } = format(event);
  if (wrong !== null) return dropped(event, wrong);

  // Both texts in one walk; what is in both is serialised once.
  let hashed = "";
  let redacted = "";
  let signatures = "";
  let unsigned = "";
  try {
    for (const key of sortedKeys(event)) {
      if (key === "signatures") signatures = canonical(event.signatures);
      else if (key === "unsigned") unsigned = canonical(event.unsigned);
      else {
        const member = `${quote(key)}:${canonical(event[key])}`;
        if (key !== "hashes") hashed += `${hashed === "" ? "{" : ","}${member}`;
        if (TOP_LEVEL.has(key)) {
          redacted += redacted === "" ? "{" : ",";
          redacted += key === "content" ? `"content":${canonical(redactedContent(event))}` : member;
        }
      }
    }
  } catch (error) {
    if (error instanceof Malformed) return dropped(event, error.message);
    throw error;
  }
  hashed += "}";
  redacted += "}";
  // The size as canonical JSON, without `unsigned`. Counted in bytes only when that can matter.
  const units = hashed.length + signatures.length + 200;
  if (units > 20_000 && Buffer.byteLength(hashed) + Buffer.byteLength(signatures) + 200 > 65_536) return dropped(event, "size");

  const referenceHash = sha256(redacted);
  const signature = checkSignatures(event, server, keys, verify, redacted);
  const hash = unpadded(sha256(hashed)) === unpadded(event.hashes.sha256) ? "pass" : "fail";
  return {
    event_id: `$${unpadded(referenceHash).replaceAll("+", "-").replaceAll("/", "_")}`,
    room_version: "11",
    type: event.type,
    state_key: event.state_key,
    sender: event.sender,
    outcome: signature === "pass" ? "accepted" : signature === "fail" ? "dropped" : "incomplete",
    redacted: hash === "fail",
    checks: [
      { check: 1, name: "format", result: "pass" },
      { check: 2, name: "signatures", result: signature },
      { check: 3, name: "hash", result: hash },
    ],
    flags: [],
  };
}

function checkSignatures(event, server, keys, verify, text) {
  const signatures = event.signatures[server];
  let result = "incomplete";
  if (signatures === undefined) return "fail";
  for (const keyId of Object.keys(signatures)) {
    if (!keyId.startsWith("ed25519:")) continue;
    const key = keys.get(`${server} ${keyId}`);
    if (key === undefined || key.validUntil < event.origin_server_ts) continue;
    const signature = Buffer.from(signatures[keyId], "base64");
    if (signature.length !== 64 || !verify(key, text, signature)) return "fail";
    result = "pass";
  }
  return result;
}

const unpadded = (base64) => base64.replace(/=+$/, "");

const dropped = (event, code) => ({
  room_version: "11",
  type: event?.type,
  sender: event?.sender,
  outcome: "dropped",
  redacted: false,
  checks: [{ check: 1, name: "format", result: "fail", code }],
  flags: [],
});
