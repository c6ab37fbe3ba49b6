"""Events, key responses and expectations, and the files they go to."""

import json
from base64 import b64encode

from unpaddedbase64 import encode_base64

from .judge import judge
from .model import Key, canonical, content_hash, event_id, expand, segments, sha256, signed_bytes, without

FETCHED = 1_700_000_000_000  # when the key responses were fetched
DAY = 86_400_000
TS = FETCHED - 10_000_000  # when the events were made
MISSING = object()
DEFAULT = object()

# Where every rule differs from its neighbours at least once; `VERSIONS` of the model where all matter.
SOME = ("1", "3", "6", "11", "12")

ONE = Key("one.example", "ed25519:key_1")
TWO = Key("two.example", "ed25519:key_2")
SECOND = Key("one.example", "ed25519:second")
UNKNOWN = Key("one.example", "ed25519:unknown")
POLICY = Key("one.example", "ed25519:policy_server")

ROOM_V12 = "!" + encode_base64(sha256(b"the create event"), urlsafe=True)


# --- events -------------------------------------------------------------------------------------------


def refs(version, count, name="ref"):
    """prev_events or auth_events of a room version."""
    out = []
    for n in range(count):
        digest = sha256(f"{name} {n}".encode())
        if int(version) <= 2:
            out.append([f"${name}{n}:one.example", {"sha256": encode_base64(digest)}])
        else:
            out.append("$" + encode_base64(digest, urlsafe=version != "3"))
    return out


def draft(version, kind="m.room.message", content=DEFAULT, **fields):
    """A complete event, not yet hashed and signed. Its keys stand in no order on purpose."""
    event = {
        "type": kind,
        "sender": "@alice:one.example",
        "room_id": ROOM_V12 if version == "12" else "!room:one.example",
        "origin_server_ts": TS,
        "content": {"body": "hello"} if content is DEFAULT else content,
        "depth": 7,
        "prev_events": refs(version, 1, "prev"),
        "auth_events": refs(version, 1, "auth"),
    }
    if int(version) <= 2:
        event["event_id"] = "$event:one.example"
    event.update(fields)
    return {key: value for key, value in event.items() if value is not MISSING}


def sign(event, version, *keys, hashes=DEFAULT, message=None):
    """The event with its content hash and the signatures of `keys` (one.example's when none is named)."""
    event = without(event, "hashes", "signatures")
    if hashes is not MISSING:
        event["hashes"] = {"sha256": content_hash(event)} if hashes is DEFAULT else hashes
    event["signatures"] = {}
    message = message or signed_bytes(event, version)
    for key in keys or [ONE]:
        event["signatures"].setdefault(key.server, {})[key.key_id] = key.sign_base64(message)
    return event


def good(version, kind="m.room.message", content=DEFAULT, **fields):
    return sign(draft(version, kind, content, **fields), version)


def text_of(event):
    return expand(segments(event))


def loose(text):
    """The same bytes in base64 with other trailing bits: the last letter is changed where no byte sees it."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return text[:-1] + letters[letters.index(text[-1]) + 1]


def url_safe(text):
    return text.replace("+", "-").replace("/", "_")


# --- key responses ------------------------------------------------------------------------------------


def response(*keys, verify=(), old=(), valid_until=FETCHED + DAY, signers=None, **fields):
    """A /_matrix/key/v2/server answer as text. verify: more (key id, text) pairs; old: (Key, expired_ts) pairs."""
    answer = {
        "server_name": keys[0].server,
        "valid_until_ts": valid_until,
        "verify_keys": {key.key_id: {"key": key.public_base64} for key in keys} | {k: {"key": v} for k, v in verify},
        "old_verify_keys": {key.key_id: {"key": key.public_base64, "expired_ts": ts} for key, ts in old},
        **fields,
    }
    answer = {key: value for key, value in answer.items() if value is not MISSING}
    message, signatures = canonical(answer), {}
    for key in keys if signers is None else signers:
        signatures.setdefault(key.server, {})[key.key_id] = key.sign_base64(message)
    return text_of(answer | {"signatures": signatures})


KEYS_ONE = response(ONE)
KEYS_TWO = response(TWO)
KEYS_ONE_BOTH = response(ONE, SECOND)


# --- expectations -------------------------------------------------------------------------------------


def accept(event, version, *flags, redacted=False):
    expect = {"outcome": "accepted", "redacted": redacted, "event_id": event_id(event, version), "flags": sorted(flags)}
    return expect | {"check": 3, "code": "content_hash_mismatch"} if redacted else expect


def drop(code, *flags):
    check = 2 if code.startswith("signature_") else 1
    return {"outcome": "dropped", "check": check, "code": code, "redacted": False, "flags": sorted(flags)}


def lacks(event, version, *missing):
    expect = {"outcome": "incomplete", "check": 2, "code": "signature_key_missing", "missing": list(missing)}
    return expect | {"redacted": False, "event_id": event_id(event, version), "flags": []}


# --- files --------------------------------------------------------------------------------------------


class Corpus:
    def __init__(self):
        self.files, self.numbers = {}, {}

    def add(self, file, row, what, line):
        self.numbers[row] = self.numbers.get(row, 0) + 1
        line = {"id": f"{row}.{self.numbers[row]}", "row": row, "what": what, **line}
        self.files.setdefault(file, []).append(line)

    def event(self, file, row, what, version, wire, expect, keys=(KEYS_ONE,), fetched_ts=FETCHED, options=None):
        """wire: an event (dict), its bytes, or a list of [text, count]."""
        pieces = segments(wire) if isinstance(wire, dict) else wire
        line = {"room_version": version}
        if isinstance(pieces, list) and any(count > 1 for _, count in pieces):
            line["event_repeat"] = pieces
            data = expand(pieces).encode()
        else:
            data = expand(pieces).encode() if isinstance(pieces, list) else pieces
            if data.isascii():
                line["event"] = data.decode()
            else:
                line["event_base64"] = b64encode(data).decode()
        line |= {"keys": list(keys), "fetched_ts": fetched_ts}
        if options:
            line["options"] = options
        second = judge(data, version, keys, fetched_ts, **(options or {}))
        assert second == expect, (row, what, version, expect, second)
        self.add(file, row, f"{what}, v{version}", line | {"expect": expect})

    def value(self, row, what, call, source, expect, **fields):
        """source: text, bytes, or a list of [text, count]; expect: text, a list of those pairs, or {"error": code}."""
        line = {"call": call, **fields}
        if isinstance(source, list):
            line["input_repeat"] = source
        elif isinstance(source, bytes):
            line["input_base64"] = b64encode(source).decode()
        else:
            line["input"] = source
        if isinstance(expect, str):
            expect = {"text": expect}
        elif isinstance(expect, list):
            expect = {"text_repeat": expect}
        self.add("values", row, what, line | {"expect": expect})

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, lines in self.files.items():
            text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
            (folder / f"{name}.jsonl").write_text(text)
            print(f"{name}.jsonl: {len(lines)} lines, {len(text)} bytes")
        print(sum(map(len, self.files.values())), "lines in all")
