"""A19-A25, B35, B39: sizes, lengths, counts, ranges, required fields and their shapes, unsigned, unknown keys."""

import json

from unpaddedbase64 import encode_base64

from .corpus import MISSING, ROOM_V12, SOME, Key, accept, draft, drop, good, refs, response, sign, text_of
from .model import VERSIONS, Raw, canonical, content_hash, event_id, expand, segments, sha256, without

LIMIT = 65_536


def sized(version, size, filler="a"):
    """A good event of exactly that many bytes of canonical JSON."""
    empty = len(canonical(good(version, content={"body": ""})))
    count, rest = divmod(size - empty, len(filler.encode()))
    event = good(version, content={"body": Raw([['"' + "a" * rest, 1], [filler, count], ['"', 1]])})
    assert len(canonical(event)) == size
    return event


def sizes(corpus):
    def add(*args, **kw):
        corpus.event("format", "A19", *args, **kw)

    for version in SOME:
        event = sized(version, LIMIT - 14)
        add("65,522 bytes", version, event, accept(event, version))
        event = sized(version, LIMIT - 13)
        add("65,523 bytes", version, event, accept(event, version, "size_limit_divergent"))
        event = sized(version, LIMIT)
        add("exactly 65,536 bytes", version, event, accept(event, version, "size_limit_divergent"))
        add("65,537 bytes", version, sized(version, LIMIT + 1), drop("event_too_large"))
        sent = event | {"unsigned": {"age": 1}}
        add("65,536 bytes, more with unsigned", version, sent, accept(event, version, "size_limit_divergent", "unsigned_oversized"))
        event = good(version)
        sent = event | {"unsigned": {"a": Raw([['"', 1], ["a", 70_000], ['"', 1]])}}
        add("small, 70,000 bytes with unsigned", version, sent, accept(event, version, "unsigned_oversized"))
    event = sized("11", LIMIT, "\u65e5")
    add("65,536 bytes, a third as many letters", "11", event, accept(event, "11", "size_limit_divergent"))
    add("65,537 bytes, a third as many letters", "11", sized("11", LIMIT + 1, "\u65e5"), drop("event_too_large"))
    body = Raw([['"', 1], ["\\u00e9", 20_000], ['"', 1]], [['"', 1], ["\u00e9", 20_000], ['"', 1]])
    event = good("11", content={"body": body})
    add("120,000 bytes on the wire, 40,000 in canonical form", "11", event, accept(event, "11"))
    event = good("11")
    sent = [["{", 1], [" ", 100_000], [text_of(event)[1:], 1]]
    add("100,000 spaces between tokens", "11", sent, accept(event, "11"))
    event = good("11", content={"body": Raw([['"', 1], ["\\u0001", 12_000], ['"', 1]])})
    add("12,000 control characters, six bytes each", "11", event, drop("event_too_large"))
    for digits in (65_536, 300_000):
        event = good("5", content={"a": Raw([["9", digits]])})
        add(f"one integer of {digits:,} digits", "5", event, drop("event_too_large"))


def lengths(corpus):
    frames = {
        "type": "{}", "state_key": "{}", "sender": "@{}:one.example", "room_id": "!{}:one.example",
        "event_id": "${}:one.example",
    }  # fmt: skip
    for version in ("1", "5", "10", "11", "12"):
        for field, frame in frames.items():
            if (field == "event_id" and int(version) > 2) or (field == "room_id" and version == "12"):
                continue
            room = 255 - len(frame.format(""))
            lenient = int(version) <= 10
            flags = ["byte_limit_divergent"] if lenient else []
            for what, text, ok, flagged in (
                ("255 bytes", "a" * room, True, []),
                ("256 bytes", "a" * (room + 1), False, []),
                ("255 bytes, two to most letters", "\u00e9" * (room // 2) + "a" * (room % 2), True, []),
                ("255 letters, two bytes to most", "\u00e9" * room, lenient, flags),
                ("256 letters, two bytes to most", "\u00e9" * (room + 1), False, []),
                ("200 letters beyond U+FFFF", "\U0001f408" * (room - 55), lenient, flags),
            ):
                event = good(version, **{field: frame.format(text)})
                expect = accept(event, version, *flagged) if ok else drop("field_too_long")
                corpus.event("format", "A20", f"{field} of {what}", version, event, expect)
    for version in ("1", "11"):
        event = good(version, "m.room.topic", {"topic": "x"}, state_key="")
        corpus.event("format", "A20", "empty state key", version, event, accept(event, version))


def identifiers(corpus):
    def add(*args, **kw):
        corpus.event("format", "A23", *args, **kw)

    bad_senders = ["alice:one.example", "@alice", "@alice:", "", "@", "!alice:one.example", "@alice:one example", "@alice:one.example/x"]
    odd_senders = ["@:one.example", "@ALICE:one.example", "@\x01 /\u00e9\u65e5:one.example", "@a@b#c!:one.example"]
    for version in SOME:
        for sender in bad_senders:
            add(f"sender {sender!r}", version, good(version, sender=sender), drop("sender_invalid"))
        for sender in odd_senders:
            event = good(version, sender=sender)
            add(f"historical sender {sender!r}", version, event, accept(event, version))
        if version != "12":
            for room in ("room:one.example", "!room", "", "#room:one.example", "!room:"):
                add(f"room id {room!r}", version, good(version, room_id=room), drop("room_id_invalid"))
    for name in ("event:one.example", "$event", "", "$event:"):
        for version in ("1", "2"):
            add(f"event id {name!r}", version, good(version, event_id=name), drop("event_id_invalid"))
    for room in ("!room:one.example", ROOM_V12 + ":one.example", ROOM_V12[:-1], ROOM_V12 + "A", "$" + ROOM_V12[1:], "", "!"):
        add(f"room id {room!r}", "12", good("12", room_id=room), drop("room_id_invalid"))
    for server in ("one.example:8448", "127.0.0.1:8448", "[2001:db8::1]", "[2001:db8::1]:8448", "ONE.example"):
        key = Key(server, "ed25519:1")
        for version in ("1", "11"):
            own_id = {"event_id": f"$e:{server}"} if version == "1" else {}
            event = sign(draft(version, sender=f"@alice:{server}", **own_id), version, key)
            what = f"sender of {server}: split at the first colon, case kept"
            add(what, version, event, accept(event, version), keys=[response(key)])


def counts(corpus):
    for version in SOME:
        for field, most in (("prev_events", 20), ("auth_events", 10)):
            for count, options in ((0, None), (most, None), (most + 1, None), (most + 1, {"backfill": True}), (100, {"backfill": True})):
                event = good(version, **{field: refs(version, count)})
                flags = ["auth_events_limit_divergent"] if (version, field, count) == ("12", "auth_events", 10) else []
                expect = accept(event, version, *flags) if count <= most or options else drop(f"too_many_{field}")
                what = f"{count} {field}{', backfilled' if options else ''}"
                corpus.event("format", "A21", what, version, event, expect, options=options)


def depths_and_times(corpus):
    def add(*args, **kw):
        corpus.event("format", "A22", *args, **kw)

    for version in VERSIONS:
        strict = int(version) >= 6
        for depth in (0, 2**53 - 1):
            event = good(version, depth=depth)
            add(f"depth {depth}", version, event, accept(event, version))
        for depth in (2**53, 2**63 - 1):
            event = good(version, depth=depth)
            expect = drop("integer_out_of_range") if strict else accept(event, version, "depth_limit_divergent")
            add(f"depth {depth}", version, event, expect)
        expect = drop("integer_out_of_range" if strict else "depth_too_large")
        add(f"depth {2**63}", version, good(version, depth=2**63), expect)
    for version in ("1", "5", "6", "11", "12"):
        strict = int(version) >= 6
        no_integer = drop("number_not_integer" if strict else "field_wrong_type")
        add("depth -1", version, good(version, depth=-1), drop("depth_negative"))
        add("depth 1.0", version, good(version, depth=Raw("1.0")), no_integer)
        add("origin_server_ts 1.5", version, good(version, origin_server_ts=Raw("1.5")), no_integer)
        for time in (0, -1):
            event = good(version, origin_server_ts=time)
            add(f"origin_server_ts {time}", version, event, accept(event, version))
        expect = drop("integer_out_of_range" if strict else "timestamp_out_of_range")
        add("origin_server_ts 2^63", version, good(version, origin_server_ts=2**63), expect)


def fields(corpus):
    def add(*args, **kw):
        corpus.event("format", "A23", *args, **kw)

    wrong = {
        "type": [None, 1, []], "sender": [None, 1], "room_id": [None, 1], "event_id": [None, 1], "state_key": [None, 1, {}],
        "content": [None, [], "x"], "origin_server_ts": [None, "1", True], "depth": [None, "1", True],
        "prev_events": [None, {}, "x"], "auth_events": [None, {}, "x"],
    }  # fmt: skip
    for version in ("1", "4"):
        for time in (2**53, 2**63 - 1):
            event = good(version, origin_server_ts=time)
            what = f"origin_server_ts {time}, where valid_until_ts does not count"
            add(what, version, event, accept(event, version))
    pair = {"sha256": encode_base64(sha256(b"ref"))}
    bad_refs = [[1], [[]], [["$a:one.example"]], [["$a:one.example", None]], ["a:one.example"], [""]]
    for version in SOME:
        for field, values in wrong.items():
            if field == "event_id" and version != "1":
                continue
            for value in values:
                add(f"{field} {json.dumps(value)}", version, good(version, **{field: value}), drop("field_wrong_type"))
            if field != "state_key":
                add(f"{field} missing", version, good(version, **{field: MISSING}), drop("field_missing"))
        others = [[["$a:one.example", pair]]]
        if version == "1":
            others = [["$a:one.example"], [[1, pair]], [["$a:one.example", pair, 1]], [["a:one.example", pair]], [["$a:one.example", {"sha256": 1}]]]
            event = good(version, prev_events=[["$a:one.example", {}]])
            add("prev_events with a reference without hash", version, event, accept(event, version))
        for value in bad_refs + others:
            for field in ("prev_events", "auth_events"):
                event = good(version, **{field: value})
                add(f"{field} {json.dumps(value)}", version, event, drop("reference_malformed"))
    create = draft("12", "m.room.create", {"room_version": "12"}, state_key="", prev_events=[], auth_events=[])
    event = sign(without(create, "room_id"), "12")
    add("create without room_id", "12", event, accept(event, "12"))
    event = sign(create, "12")
    add("create with a room_id: a matter of check 4, not of format", "12", event, accept(event, "12"))
    for version in ("1", "6", "11"):
        event = good(version, "m.room.create", {"creator": "@alice:one.example"}, state_key="", room_id=MISSING)
        add("create without room_id", version, event, drop("field_missing"))


def unsigned_and_unknown(corpus):
    unsigned = [
        {"age": "x"}, {"age": Raw("1.5")}, {"age_ts": 2**60}, {"prev_content": {"membership": "ban"}, "prev_sender": 1},
        {"redacted_because": {"type": "m.room.redaction", "redacts": "$x"}}, {"event_id": "$x:two.example"},
        {"hashes": {}, "signatures": {}}, {"n": Raw("1e5")}, {"n": Raw("1E400")}, None, [], "x", 1,
    ]  # fmt: skip
    for version in ("1", "6", "11", "12"):
        event = good(version)
        for value in unsigned:
            what = f"unsigned {expand(segments(value))}"
            flags = [] if isinstance(value, dict) else ["unsigned_malformed"]
            corpus.event("format", "A24", what, version, event | {"unsigned": value}, accept(event, version, *flags))
    for version in SOME:
        for key in ("_event_id", "_room_version", "room_version", "outlier", "age_ts"):
            event = good(version, **{key: "$claimed:two.example"})
            what = f"unknown key {key}: hashed, otherwise without effect"
            corpus.event("format", "A25", what, version, event, accept(event, version))
    for version in ("3", "4", "6", "11", "12"):
        for claimed in (event_id(good(version), version), "$other:one.example", None):
            event = good(version, event_id=claimed)
            what = f"event_id {json.dumps(claimed)} in the event"
            corpus.event("format", "A25", what, version, event, drop("event_id_present"))


def shapes(corpus):
    key = "ed25519:key_1"
    malformed = [{"one.example": "x"}, {"one.example": []}, {"one.example": {key: 1}}, {"one.example": {key: None}}]
    for version in SOME:
        event = good(version)
        corpus.event("format", "B35", "signatures missing", version, without(event, "signatures"), drop("field_missing"))
        for value in (None, [], "x"):
            sent = event | {"signatures": value}
            corpus.event("format", "B35", f"signatures {json.dumps(value)}", version, sent, drop("field_wrong_type"))
        for value in malformed:
            sent = event | {"signatures": value}
            corpus.event("format", "B35", f"signatures {json.dumps(value)}", version, sent, drop("signatures_malformed"))
        sent = event | {"signatures": event["signatures"] | {"two.example": {"ed25519:key_2": 1}}}
        what = "good signature, beside it a number under another server"
        corpus.event("format", "B35", what, version, sent, drop("signatures_malformed"))

        for what, value, code in (
            ("missing", MISSING, "field_missing"),
            ("null", None, "field_wrong_type"),
            ("[]", [], "field_wrong_type"),
            ('"x"', "x", "field_wrong_type"),
            ("{}", {}, "content_hash_missing"),
            ("with sha256 1", {"sha256": 1}, "content_hash_missing"),
            ("with sha256 null", {"sha256": None}, "content_hash_missing"),
            ("with sha512 only", {"sha512": content_hash(event)}, "content_hash_missing"),
            ("with SHA256 only", {"SHA256": content_hash(event)}, "content_hash_missing"),
        ):
            wrong = sign(draft(version), version, hashes=value)
            corpus.event("format", "B39", f"hashes {what}", version, wrong, drop(code))


SECTIONS = [sizes, lengths, identifiers, counts, depths_and_times, fields, unsigned_and_unknown, shapes]
