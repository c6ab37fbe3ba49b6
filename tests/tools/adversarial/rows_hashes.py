"""B37-B40, B42: content hash, altered events, redaction, event ids."""

import json

from unpaddedbase64 import decode_base64, encode_base64

from .corpus import MISSING, SOME, TS, accept, draft, drop, good, loose, refs, sign, url_safe
from .model import (
    VERSIONS, canonical, content_hash, event_id, redact, reference_digest, reference_hash, sha256, signed_bytes, without,
)  # fmt: skip


def altered(corpus):
    def add(*args, **kw):
        corpus.event("hashes", "B37", *args, **kw)

    for version in ("1", "3", "6", "8", "10", "11", "12"):
        content = {"membership": "join", "displayname": "A"}
        event = good(version, "m.room.member", content, state_key="@alice:one.example", origin="one.example")
        covered = {
            "type": "m.room.topic", "sender": "@mallory:one.example", "state_key": "@bob:one.example",
            "origin_server_ts": TS + 1, "depth": 8, "room_id": "!" + "A" * 43 if version == "12" else "!other:one.example",
            "prev_events": refs(version, 2, "prev"), "auth_events": [], "hashes": {"sha256": encode_base64(bytes(32))},
            "content": content | {"membership": "ban"},
        }  # fmt: skip
        if version == "1":
            covered["event_id"] = "$other:one.example"
        for field, value in covered.items():
            add(f"{field} altered after signing", version, event | {field: value}, drop("signature_invalid"))
        add("state_key taken out after signing", version, without(event, "state_key"), drop("signature_invalid"))
        sent = event | {"content": {"displayname": "A"}}
        add("membership taken out after signing", version, sent, drop("signature_invalid"))
        for what, change in {
            "displayname altered": {"content": content | {"displayname": "B"}},
            "displayname taken out": {"content": {"membership": "join"}},
            "content key added": {"content": content | {"x": None}},
            "top-level key added": {"extra": 1},
            "redacts added": {"redacts": "$x"},
        }.items():
            sent = event | change
            add(f"{what} after signing", version, sent, accept(sent, version, redacted=True))
        sent = event | {"origin": "two.example"}
        expect = drop("signature_invalid") if int(version) <= 10 else accept(sent, version, redacted=True)
        add("origin altered after signing, which redaction keeps up to version 10", version, sent, expect)
        sent = event | {"unsigned": {"age": 5}}
        add("unsigned added after signing", version, sent, accept(sent, version))

    for version in SOME:
        plain = draft(version, unsigned={"age": 1})
        sent = sign(plain, version, hashes={"sha256": encode_base64(sha256(canonical(plain)))})
        add("content hash that covers unsigned", version, sent, accept(sent, version, redacted=True))
        whole = canonical(draft(version) | {"hashes": {"sha256": content_hash(draft(version))}})
        sent = sign(draft(version), version, message=whole)
        add("signature over the event that was not redacted", version, sent, drop("signature_invalid"))
        event = good(version, content={"body": "x", "signatures": {"a": 1}, "unsigned": {"b": 2}, "hashes": {}})
        what = "signatures, unsigned and hashes inside content are content"
        add(what, version, event, accept(event, version))

    # a server that redacts by the rules of a neighbouring version
    def member(version):
        content = {"membership": "join", "join_authorised_via_users_server": "@a:one.example"}
        return draft(version, "m.room.member", content, state_key="@alice:one.example")

    def aliases(version):
        return draft(version, "m.room.aliases", {"aliases": ["#a:one.example"]}, state_key="one.example")

    def join_rules(version):
        return draft(version, "m.room.join_rules", {"join_rule": "restricted", "allow": []}, state_key="")

    def with_origin(version):
        return draft(version, origin="one.example")

    for theirs, version, make in (
        ("5", "6", aliases), ("6", "5", aliases), ("7", "8", join_rules), ("8", "7", join_rules),
        ("8", "9", member), ("9", "8", member), ("10", "11", with_origin), ("11", "10", with_origin),
    ):  # fmt: skip
        event = make(version)
        message = signed_bytes(event | {"hashes": {"sha256": content_hash(event)}}, theirs)
        sent = sign(event, version, message=message)
        add(f"signed as room version {theirs} redacts", version, sent, drop("signature_invalid"))


def hash_forms(corpus):
    for version in SOME:
        digest = next(h for n in range(100) if {"+", "/"} <= set(h := content_hash(draft(version, depth=n))))
        event = next(e for n in range(100) if content_hash(e := draft(version, depth=n)) == digest)
        plain = event_id(sign(event, version), version)
        for what, text, flags in (
            ("padded", digest + "=", []),
            ("with trailing bits", loose(digest), []),
            ("with trailing bits, padded", loose(digest) + "=", []),
            ("url-safe", url_safe(digest), ["url_safe_base64"]),
        ):
            sent = sign(event, version, hashes={"sha256": text})
            assert version == "1" or event_id(sent, version) != plain
            what = f"hashes.sha256 {what}: equal bytes, another event id"
            corpus.event("hashes", "B40", what, version, sent, accept(sent, version, *flags))
        sent = sign(event, version, hashes={"sha256": digest, "sha512": "x"})
        corpus.event("hashes", "B40", "another algorithm beside sha256", version, sent, accept(sent, version))
        for what, text in {
            "empty": "",
            "!!": "!!",
            "with an inner space": digest[:10] + " " + digest[10:],
            "of 31 bytes": encode_base64(decode_base64(digest)[:31]),
            "of 33 bytes": encode_base64(decode_base64(digest) + b"\0"),
            "in hexadecimal": decode_base64(digest).hex(),
            "of other bytes": encode_base64(bytes(32)),
        }.items():
            sent = sign(event, version, hashes={"sha256": text})
            expect = accept(sent, version, redacted=True)
            corpus.event("hashes", "B39", f"hashes.sha256 {what}", version, sent, expect)


def alphabets(corpus):
    for version in VERSIONS:
        for depth in range(100):
            event = good(version, depth=depth)
            digest = encode_base64(reference_digest(event, version))
            if "+" in digest and "/" in digest:
                break
        what = "reference hash with both letters that differ between the alphabets"
        corpus.event("hashes", "B42", what, version, event, accept(event, version))
        text = json.dumps(event)
        for call, expect in (("reference_hash", reference_hash(event, version)), ("event_id", event_id(event, version))):
            corpus.value("B42", f"alphabet of {call}, v{version}", call, text, expect, room_version=version)


def every_type(version):
    """One event of each type whose content redaction keeps in some version, with more than it keeps."""
    signed = {"mxid": "@alice:one.example", "token": "t", "signatures": {"x": {"ed25519:0": "s"}}}
    kept = {
        "m.room.member": {
            "membership": "invite", "displayname": "B", "join_authorised_via_users_server": "@a:one.example",
            "third_party_invite": {"display_name": "b", "signed": signed},
        },
        "m.room.create": {"creator": "@alice:one.example", "room_version": version, "m.federate": False},
        "m.room.join_rules": {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": "!x:y"}]},
        "m.room.power_levels": {
            "users": {"@alice:one.example": 100}, "users_default": 0, "events": {"m.room.name": 50}, "events_default": 0,
            "state_default": 50, "ban": 50, "kick": 50, "redact": 50, "invite": 10, "notifications": {"room": 50},
        },
        "m.room.aliases": {"aliases": ["#a:one.example"]},
        "m.room.history_visibility": {"history_visibility": "shared"},
        "m.room.redaction": {"redacts": "$x", "reason": "r"},
        "m.room.third_party_invite": {"display_name": "b", "public_key": "k", "key_validity_url": "u"},
        "m.room.message": {"msgtype": "m.text", "body": "x"},
    }  # fmt: skip
    for kind, content in kept.items():
        event = draft(version, kind, content | {"unknown": 1}, origin="one.example", membership="x", prev_state=[], redacts="$x")
        if kind not in ("m.room.redaction", "m.room.message"):
            event["state_key"] = "@alice:one.example" if kind == "m.room.member" else ""
        if kind == "m.room.create":
            event |= {"prev_events": [], "auth_events": []}
            if version == "12":
                del event["room_id"]
        yield kind, sign(event, version)


def redactions(corpus):
    def add(*args, **kw):
        corpus.event("redaction", "B38", *args, **kw)

    for version in VERSIONS:
        for kind, event in every_type(version):
            add(f"{kind}, whole", version, event, accept(event, version))
            copy = redact(event, version)
            assert event_id(copy, version) == event_id(event, version) and redact(copy, version) == copy
            whole = content_hash(copy) == content_hash(event)
            add(f"{kind}, redacted copy", version, copy, accept(copy, version, redacted=not whole))
            if version in ("1", "6", "8", "9", "11"):
                sent = json.dumps(event | {"unsigned": {"age": 1}})
                expect = canonical(copy).decode()
                corpus.value("B38", f"redact {kind}, v{version}", "redact", sent, expect, room_version=version)
    odd = [
        {}, {"membership": None}, {"membership": {"third_party_invite": {"signed": 1}}},
        *({"membership": "invite", "third_party_invite": value} for value in ({"display_name": "b"}, "x", None, {"signed": None, "x": 1})),
    ]  # fmt: skip
    for version in ("1", "10", "11", "12"):
        for content in odd:
            event = good(version, "m.room.member", content, state_key="@bob:one.example")
            add(f"m.room.member with content {json.dumps(content)}", version, event, accept(event, version))
        content = {"users": None, "ban": "x", "events": [], "invite": {}}
        event = good(version, "m.room.power_levels", content, state_key="")
        add("power levels of wrong types are kept as they are", version, event, accept(event, version))
        for state_key in (MISSING, "x") if version != "12" else ():
            event = good(version, "m.room.create", {"creator": "@alice:one.example"}, state_key=state_key)
            what = f"m.room.create {'without' if state_key is MISSING else 'with another'} state key: redaction looks at the type alone"
            add(what, version, event, accept(event, version))


SECTIONS = [altered, hash_forms, alphabets, redactions]
