"""A slow, literal model of how Matrix events are written, hashed, redacted, signed and named.

Written from the specification's tables and from nothing else: it shares no code and no author's habit
with the Rust core, so that where both agree the text was probably read right. Floats are printed by
Python's own json.dumps, which is what the rooms of versions 1-5 were hashed with; signatures come from
libsodium (PyNaCl, signedjson).
"""

import hashlib
import json
from base64 import urlsafe_b64encode

import nacl.bindings
import nacl.exceptions
from canonicaljson import encode_canonical_json
from unpaddedbase64 import encode_base64

VERSIONS = [str(n) for n in range(1, 13)]
MAX_SAFE = 2**53 - 1


# --- writing -----------------------------------------------------------------------------------------


class Raw:
    """A value spelled in a way Python would not spell it.

    wire   text, or a list of [text, count], as it stands in the event that is sent
    canon  text, or such a list, of its canonical form (the wire text when left out)
    value  the Python value it stands for, where redaction has to look inside
    """

    def __init__(self, wire, canon=None, value=None):
        self.wire = [[wire, 1]] if isinstance(wire, str) else wire
        self.canon = self.wire if canon is None else [[canon, 1]] if isinstance(canon, str) else canon
        self.value = value


def _quote(text):
    return json.dumps(text, ensure_ascii=False)


def _emit(value, canonical, out):
    if isinstance(value, Raw):
        out.extend(value.canon if canonical else value.wire)
    elif isinstance(value, dict):
        out.append(["{", 1])
        for n, key in enumerate(sorted(value) if canonical else value):  # Python compares code points
            out.append([("," if n else "") + _quote(key) + ":", 1])
            _emit(value[key], canonical, out)
        out.append(["}", 1])
    elif isinstance(value, list):
        out.append(["[", 1])
        for n, item in enumerate(value):
            if n:
                out.append([",", 1])
            _emit(item, canonical, out)
        out.append(["]", 1])
    else:
        out.append([json.dumps(value, ensure_ascii=False, allow_nan=False), 1])


def segments(value, canonical=False):
    """The text of a value as [text, count] pairs, neighbours of count 1 joined."""
    out = []
    _emit(value, canonical, out)
    joined = []
    for text, count in out:
        if count == 1 and joined and joined[-1][1] == 1:
            joined[-1][0] += text
        else:
            joined.append([text, count])
    return joined


def expand(pieces):
    return "".join(text * count for text, count in pieces)


def _has_raw(value):
    if isinstance(value, Raw):
        return True
    if isinstance(value, dict):
        return any(map(_has_raw, value.values()))
    return isinstance(value, list) and any(map(_has_raw, value))


def canonical(value):
    """Canonical JSON bytes; checked against the canonicaljson package wherever that can write the value."""
    written = expand(segments(value, canonical=True)).encode()
    if not _has_raw(value):
        assert written == encode_canonical_json(value)
    return written


# --- redaction: the specification's keep-lists --------------------------------------------------------

TOP_LEVEL_V1 = (
    "event_id type room_id sender state_key content hashes signatures depth prev_events prev_state "
    "auth_events origin origin_server_ts membership"
).split()
TOP_LEVEL_V11 = [key for key in TOP_LEVEL_V1 if key not in ("prev_state", "origin", "membership")]
LEVELS_V1 = "ban events events_default kick redact state_default users users_default".split()


def redact(event, version):
    v = int(version)
    kept = {key: event[key] for key in event if key in (TOP_LEVEL_V11 if v >= 11 else TOP_LEVEL_V1)}
    content = event.get("content")
    content = content.value if isinstance(content, Raw) else content
    content = content if isinstance(content, dict) else {}
    kind = event.get("type") if isinstance(event.get("type"), str) else None
    keep = {
        "m.room.member": ["membership"] + (["join_authorised_via_users_server"] if v >= 9 else []),
        "m.room.create": list(content) if v >= 11 else ["creator"],
        "m.room.join_rules": ["join_rule"] + (["allow"] if v >= 8 else []),
        "m.room.power_levels": LEVELS_V1 + (["invite"] if v >= 11 else []),
        "m.room.aliases": ["aliases"] if v <= 5 else [],
        "m.room.history_visibility": ["history_visibility"],
        "m.room.redaction": ["redacts"] if v >= 11 else [],
    }.get(kind, [])
    kept["content"] = {key: content[key] for key in content if key in keep}
    invite = content.get("third_party_invite")
    if v >= 11 and kind == "m.room.member" and isinstance(invite, dict):
        kept["content"]["third_party_invite"] = {key: invite[key] for key in invite if key == "signed"}
    return kept


# --- hashes, names, signatures ------------------------------------------------------------------------


def without(event, *keys):
    return {key: event[key] for key in event if key not in keys}


def sha256(data):
    return hashlib.sha256(data).digest()


def content_hash(event):
    return encode_base64(sha256(canonical(without(event, "unsigned", "signatures", "hashes"))))


def reference_digest(event, version):
    return sha256(canonical(without(redact(event, version), "signatures", "unsigned")))


def reference_hash(event, version):
    digest = reference_digest(event, version)
    return urlsafe_b64encode(digest).decode().rstrip("=") if int(version) >= 4 else encode_base64(digest)


def event_id(event, version):
    return event["event_id"] if int(version) <= 2 else "$" + reference_hash(event, version)


def signed_bytes(event, version):
    """What the signatures of an event cover."""
    return canonical(without(redact(event, version), "signatures", "unsigned"))


class Key:
    """A throw-away signing key; its seed is made from its name unless given."""

    def __init__(self, server, key_id, seed=None):
        self.server, self.key_id = server, key_id
        self.seed = seed or sha256(f"fedproof adversarial corpus: {server} {key_id}".encode())
        self.public, self._secret = nacl.bindings.crypto_sign_seed_keypair(self.seed)

    @property
    def public_base64(self):
        return encode_base64(self.public)

    def sign(self, message):
        return nacl.bindings.crypto_sign(message, self._secret)[:64]

    def sign_base64(self, message):
        return encode_base64(self.sign(message))


def libsodium_accepts(public, message, signature):
    try:
        nacl.bindings.crypto_sign_open(signature + message, public)
        return True
    except (nacl.exceptions.BadSignatureError, ValueError):
        return False
