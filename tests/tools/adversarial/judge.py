"""The verdict of checks 1 to 3, worked out from the bytes alone: the slow, literal way.

The corpus writes each verdict down by hand; this is the second opinion it is held against.
"""

import json
import re

from unpaddedbase64 import decode_base64, encode_base64

from . import ed25519_edge as edge
from .model import MAX_SAFE, canonical, content_hash, event_id, libsodium_accepts, signed_bytes, without

LEVELS = 127
BYTES = 65_536
EMPTY_UNSIGNED = len(',"unsigned":{}')  # Synapse counts it in every event
SERVER = r"([A-Za-z0-9.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?"
POLICY_KEY = "ed25519:policy_server"

# The public key whose private half is public knowledge (CVE-2026-24044, ELEMENTSEC-2025-1670).
LEAKED_KEYS = ["l/O9hxMVKB6Lg+3Hqf0FQQZhVESQcMzbPN1Cz2nM3og"]


class Refused(Exception):
    """An event that does not pass: its code."""


# --- JSON ---------------------------------------------------------------------------------------------


def _refuse(constant):
    raise ValueError(constant)


def _decoder(flags, strict=True):
    def pairs(members):
        if len({key for key, _ in members}) < len(members):
            flags.add("duplicate_keys")
        return dict(members)

    def integer(text):
        if text == "-0":
            flags.add("negative_zero")
        return int(text)

    return json.JSONDecoder(object_pairs_hook=pairs, parse_int=integer, parse_constant=_refuse, strict=strict)


def _levels(text):
    most = level = 0
    for mark in re.sub(r'"([^"\\]|\\.)*"', "", text, flags=re.DOTALL):
        level += {"{": 1, "[": 1, "}": -1, "]": -1}.get(mark, 0)
        most = max(most, level)
    return most


def parse(data, flags=None):
    """The value of JSON bytes; Refused with the code of what is wrong with them."""
    flags = set() if flags is None else flags
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Refused("json_invalid_utf8") from None
    if _levels(text) > LEVELS:
        raise Refused("json_too_deep")
    text = text.lstrip(" \t\r\n")
    try:
        value, end = _decoder(flags).raw_decode(text)
    except ValueError:
        try:
            _decoder(flags, strict=False).raw_decode(text)
        except ValueError:
            half = re.search(r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u)", text)  # stands before what Python stumbles over
            raise Refused("json_lone_surrogate" if half else "json_syntax") from None
        raise Refused("json_control_character") from None
    if text[end:].strip(" \t\r\n"):
        raise Refused("json_trailing_data")
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Refused("json_lone_surrogate") from None
    return value


# --- check 1 ------------------------------------------------------------------------------------------


def _numbers(value, strict):
    if isinstance(value, dict):
        for item in value.values():
            _numbers(item, strict)
    elif isinstance(value, list):
        for item in value:
            _numbers(item, strict)
    elif isinstance(value, float):
        if value in (float("inf"), float("-inf")):
            raise Refused("json_number_overflow")
        if strict:
            raise Refused("number_not_integer")
    elif type(value) is int and strict and abs(value) > MAX_SAFE:
        raise Refused("integer_out_of_range")


def _is(value, kind):
    return type(value) is kind  # True is no integer


def _reference_ok(reference, v):
    if v >= 3:
        return _is(reference, str) and reference.startswith("$")
    if not (_is(reference, list) and len(reference) == 2 and _is(reference[1], dict)):
        return False
    return _reference_ok(reference[0], 3) and all(_is(text, str) for text in reference[1].values())


def check_format(event, version, backfill, flags):
    v = int(version)
    if not _is(event, dict):
        raise Refused("not_an_object")
    _numbers(without(event, "unsigned"), strict=v >= 6)

    create_v12 = v >= 12 and event.get("type") == "m.room.create"
    kinds = {
        "type": str, "sender": str, "room_id": str, "event_id": str, "state_key": str, "content": dict,
        "origin_server_ts": int, "depth": int, "prev_events": list, "auth_events": list, "hashes": dict,
        "signatures": dict,
    }  # fmt: skip
    for field, kind in kinds.items():
        if field == "event_id" and v >= 3:
            if field in event:
                raise Refused("event_id_present")
        elif field not in event:
            if field != "state_key" and not (field == "room_id" and create_v12):
                raise Refused("field_missing")
        elif not _is(event[field], kind):
            raise Refused("field_wrong_type")
    if not _is(event["hashes"].get("sha256"), str):
        raise Refused("content_hash_missing")
    if not all(_is(keys, dict) and all(_is(text, str) for text in keys.values()) for keys in event["signatures"].values()):
        raise Refused("signatures_malformed")

    for field in ("type", "sender", "room_id", "event_id", "state_key"):
        text = event.get(field, "")
        if len(text) > 255 or (v >= 11 and len(text.encode()) > 255):
            raise Refused("field_too_long")
        if len(text.encode()) > 255:
            flags.add("byte_limit_divergent")
    if not re.fullmatch(f"@[^:\0]*:{SERVER}", event["sender"]):
        raise Refused("sender_invalid")
    if "room_id" in event and not re.fullmatch("![A-Za-z0-9_-]{43}" if v >= 12 else f"![^:\0]+:{SERVER}", event["room_id"]):
        raise Refused("room_id_invalid")
    if v <= 2 and not re.fullmatch(rf"\$[^:\0]+:{SERVER}", event["event_id"]):
        raise Refused("event_id_invalid")

    for field, most in (("prev_events", 20), ("auth_events", 10)):
        if not all(_reference_ok(reference, v) for reference in event[field]):
            raise Refused("reference_malformed")
        if len(event[field]) > most and not backfill:
            raise Refused(f"too_many_{field}")
    if v >= 12 and len(event["auth_events"]) == 10:
        flags.add("auth_events_limit_divergent")  # Synapse counts the create event, which is implied
    if event["depth"] < 0:
        raise Refused("depth_negative")
    if event["depth"] >= 2**63:
        raise Refused("depth_too_large")
    if event["depth"] > MAX_SAFE:
        flags.add("depth_limit_divergent")
    if not -(2**63) <= event["origin_server_ts"] < 2**63:
        raise Refused("timestamp_out_of_range")
    size = len(canonical(without(event, "unsigned")))
    if size > BYTES:
        raise Refused("event_too_large")
    if size + EMPTY_UNSIGNED > BYTES:
        flags.add("size_limit_divergent")
    if not _is(event.get("unsigned", {}), dict):
        flags.add("unsigned_malformed")
    if len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()) > BYTES:
        flags.add("unsigned_oversized")


# --- check 2 ------------------------------------------------------------------------------------------


def _base64(text, flags=None):
    """The bytes of base64, or None. unpaddedbase64 skips stray characters, and so does Synapse; this project does not."""
    if not re.fullmatch("([A-Za-z0-9+/]*|[A-Za-z0-9_-]*)=*", text):
        return None
    try:
        data = decode_base64(text)
    except ValueError:
        return None
    if flags is not None and re.search("[_-]", text):
        flags.add("url_safe_base64")
    return data


def key_of(text):
    """The public key in a key response, or why it is refused."""
    data = _base64(text)
    if data is None or len(data) != 32 or edge.decode(data) is None:
        return "key_invalid"
    if data in edge.small_order_encodings():
        return "key_weak"
    return "key_leaked" if encode_base64(data) in LEAKED_KEYS else data


def _find_key(server, key_id, version, time, responses, fetched):
    """The key, or the code that says why it cannot be used."""
    code = "signature_key_missing"
    for answer in map(json.loads, responses):
        if answer["server_name"] != server:
            continue
        enforced = int(version) >= 5
        listed = {k: (e["key"], answer["valid_until_ts"] if enforced else time) for k, e in answer["verify_keys"].items()}
        for old_id, entry in answer.get("old_verify_keys", {}).items():
            if old_id not in listed or listed[old_id][0] == entry["key"]:  # two keys under one id: the current one stays
                listed[old_id] = entry["key"], entry["expired_ts"]
        if key_id not in listed or key_of(listed[key_id][0]) == "key_invalid":
            code = "signature_key_unknown" if fetched >= time else code
        elif isinstance(key_of(listed[key_id][0]), str):
            code = "signature_key_refused"
        elif listed[key_id][1] < time:
            code = "signature_key_expired"
        else:
            return key_of(listed[key_id][0])
    return code


def required_servers(event, version):
    content, sender = event["content"], event["sender"].split(":", 1)[1]
    invite = event["type"] == "m.room.member" and content.get("membership") == "invite"
    servers = [] if invite and "third_party_invite" in content else [sender]
    if int(version) <= 2 and event["event_id"].split(":", 1)[1] != sender:
        servers.append(event["event_id"].split(":", 1)[1])
    return servers


def check_signatures(event, version, responses, fetched, flags):
    message = signed_bytes(event, version)
    for server in required_servers(event, version):
        entries = without(event["signatures"].get(server, {}), POLICY_KEY)
        if not entries:
            raise Refused("signature_missing")
        entries = {key_id: text for key_id, text in entries.items() if key_id.startswith("ed25519:")}
        if not entries:
            raise Refused("signature_unknown_algorithm")
        keys = {k: _find_key(server, k, version, event["origin_server_ts"], responses, fetched) for k in entries}
        usable = {key_id: key for key_id, key in keys.items() if isinstance(key, bytes)}
        for key_id, key in usable.items():
            signature = _base64(entries[key_id], flags)
            if signature is None or len(signature) != 64:
                raise Refused("signature_malformed")
            if not libsodium_accepts(key, message, signature):
                if edge.plain_accepts(key, message, signature):
                    flags.add("ed25519_divergent")
                raise Refused("signature_invalid")
        if not usable:
            raise Refused(*keys.values())  # the corpus asks for one reason at a time


# --- all three ----------------------------------------------------------------------------------------


def judge(data, version, responses, fetched, backfill=False):
    flags = set()
    verdict = {"redacted": False}
    try:
        event = parse(data, flags)
        check_format(event, version, backfill, flags)
        verdict["event_id"] = event_id(event, version)
        check_signatures(event, version, responses, fetched, flags)
    except Refused as refused:
        (code,) = refused.args
        verdict |= {"outcome": "dropped", "check": 2 if code.startswith("signature_") else 1, "code": code}
        if code == "signature_key_missing":
            (server,) = required_servers(event, version)
            verdict |= {"outcome": "incomplete", "missing": [f"{server} {k}" for k in event["signatures"][server]]}
        else:
            verdict.pop("event_id", None)
        return verdict | {"flags": sorted(flags)}
    verdict["outcome"] = "accepted"
    if _base64(event["hashes"]["sha256"], flags) != decode_base64(content_hash(event)):
        verdict |= {"redacted": True, "check": 3, "code": "content_hash_mismatch"}
    return verdict | {"flags": sorted(flags)}
