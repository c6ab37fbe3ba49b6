"""B29-B36, B41: signatures, whose they must be, their base64, weak keys; J112-J114: keys in time, key responses."""

import json

from unpaddedbase64 import decode_base64, encode_base64

from . import ed25519_edge as edge
from .corpus import (
    DAY, FETCHED, KEYS_ONE, KEYS_ONE_BOTH, KEYS_TWO, MISSING, ONE, POLICY, SECOND, SOME, TS, TWO, UNKNOWN, Key,
    accept, draft, drop, good, lacks, loose, response, sign, url_safe,
)  # fmt: skip
from .judge import LEAKED_KEYS
from .model import canonical, libsodium_accepts, signed_bytes

NO_SIGNATURE = encode_base64(bytes(64))
NO_POINT = encode_base64((2).to_bytes(32, "little"))


def resigned(event, signature, key=ONE):
    """The event with this text as its only signature."""
    return event | {"signatures": {key.server: {key.key_id: signature}}}


def beside(event, **signatures):
    """The event with more signatures of its sender's server; `__` in a name stands for the colon."""
    own = event["signatures"]["one.example"] | {name.replace("__", ":"): text for name, text in signatures.items()}
    return event | {"signatures": event["signatures"] | {"one.example": own}}


def edge_cases(corpus):
    def add(*args, **kw):
        corpus.event("signatures", "B29", *args, **kw)

    other = Key("one.example", "ed25519:other")
    small_order = edge.small_order_encodings()
    for version in SOME:
        event = good(version)
        message = signed_bytes(event, version)
        raw = ONE.sign(message)
        for what, data in {
            "empty": b"", "of 1 byte": b"\0", "of 63 bytes": raw[:63], "of 65 bytes": raw + b"\0", "twice over": raw + raw,
        }.items():  # fmt: skip
            add(f"signature {what}", version, resigned(event, encode_base64(data)), drop("signature_malformed"))
        for what, data in {
            "S + L": edge.plus_order(raw),
            "all zero": bytes(64),
            "all FF": b"\xff" * 64,
            "R and S swapped": raw[32:] + raw[:32],
            "one bit of R changed": bytes([raw[0] ^ 1]) + raw[1:],
            "one bit of S changed": raw[:32] + bytes([raw[32] ^ 1]) + raw[33:],
            "top bit of S set": raw[:63] + bytes([raw[63] | 0x80]),
        }.items():
            add(f"signature: {what}", version, resigned(event, encode_base64(data)), drop("signature_invalid"))
        data = edge.with_identity_r(ONE.seed, ONE.public, message)
        assert edge.plain_accepts(ONE.public, message, data)
        what = "signature: R is the neutral element, which plain verify takes"
        expect = drop("signature_invalid", "ed25519_divergent")
        add(what, version, resigned(event, encode_base64(data)), expect)
        keys = [response(ONE, verify=[(other.key_id, encode_base64(edge.mixed_key(other.seed)))])]
        clean = edge.mixed_signature(other.seed, message, clean=True)
        what = "key with a torsion part, signature that all accept"
        add(what, version, resigned(event, encode_base64(clean), other), accept(event, version), keys=keys)
        tainted = edge.mixed_signature(other.seed, message, clean=False)
        what = "key with a torsion part, signature that only cofactored verifiers accept"
        add(what, version, resigned(event, encode_base64(tainted), other), drop("signature_invalid"), keys=keys)
        for what, text in {
            "of 31 bytes": encode_base64(other.public[:31]),
            "of 33 bytes": encode_base64(other.public + b"\0"),
            "of no bytes": "",
            "that is no point of the curve": NO_POINT,
            "that is no base64": "!!",
        }.items():
            keys = [response(ONE, verify=[(other.key_id, text)])]
            sent = sign(draft(version), version, other)
            add(f"key {what}", version, sent, drop("signature_key_unknown"), keys=keys)
        for point in small_order if version == "11" else small_order[:1]:
            assert not edge.plain_accepts(point, message, raw)
            keys = [response(ONE, verify=[(other.key_id, encode_base64(point))])]
            sent = resigned(event, encode_base64(raw), other)
            add(f"small-order key {point.hex()}", version, sent, drop("signature_key_refused"), keys=keys)


def required(corpus):
    """B30-B32: which servers must have signed."""

    def add(*args, **kw):
        corpus.event("signatures", *args, keys=[KEYS_ONE, KEYS_TWO], **kw)

    stray = Key("one.example", TWO.key_id)
    stray.sign = TWO.sign
    for version in ("1", "2", "3", "6", "11", "12"):
        event = draft(version)
        own = good(version)
        signature = own["signatures"]["one.example"]
        add("B30", "signed by another server only", version, sign(event, version, TWO), drop("signature_missing"))
        what = "right server, key id and key of another"
        add("B30", what, version, sign(event, version, stray), drop("signature_key_unknown"))
        for what, signatures in {
            "own signature under another server's name": {"two.example": signature},
            "own signature under the name in upper case": {"ONE.EXAMPLE": signature},
            "no signatures at all": {},
            "own server named, without signatures": {"one.example": {}},
        }.items():
            add("B30", what, version, own | {"signatures": signatures}, drop("signature_missing"))

        if int(version) <= 2:
            far = draft(version, event_id="$event:two.example")
            what = "event id of another domain, "
            add("B31", what + "only the sender's server signed", version, sign(far, version), drop("signature_missing"))
            add("B31", what + "only that server signed", version, sign(far, version, TWO), drop("signature_missing"))
            both = sign(far, version, ONE, TWO)
            add("B31", what + "both signed", version, both, accept(both, version))
            wrong = both | {"signatures": both["signatures"] | {"two.example": {TWO.key_id: NO_SIGNATURE}}}
            add("B31", what + "both signed, that one wrongly", version, wrong, drop("signature_invalid"))
            far = good(version, event_id="$event:one.example:8448")
            what = "event id of the same host with a port: another server"
            add("B31", what, version, far, drop("signature_missing"))
        else:
            add("B32", "only the sender's server signed", version, own, accept(own, version))
            for what, text in (("wrong signature", NO_SIGNATURE), ("nonsense", "!!")):
                sent = own | {"signatures": own["signatures"] | {"two.example": {TWO.key_id: text}}}
                add("B32", f"another server's {what} beside it", version, sent, accept(sent, version))

        # the invite that results from a third-party invite needs no signature of the sender's server
        signed = {"mxid": "@bob:two.example", "token": "t", "signatures": {}}
        content = {"membership": "invite", "third_party_invite": {"display_name": "b", "signed": signed}}
        invite = draft(version, "m.room.member", content, state_key="@bob:two.example")
        what = "invite from a third-party invite, "
        sent = sign(invite, version, TWO)
        add("B32", what + "signed by the invited server only", version, sent, accept(sent, version))
        sent = sent | {"signatures": {}}
        add("B32", what + "signed by nobody", version, sent, accept(sent, version))
        if int(version) <= 2:
            sent = good(version, "m.room.member", content, state_key="@bob:two.example", event_id="$event:two.example")
            add("B32", what + "not signed by the event id's server", version, sent, drop("signature_missing"))
        for what, kind, change in (
            ("join with third_party_invite is no exemption", "m.room.member", {"membership": "join"}),
            ("m.room.third_party_invite is no exemption", "m.room.third_party_invite", {}),
            ("invite without third_party_invite is no exemption", "m.room.member", {"third_party_invite": MISSING}),
        ):
            changed = {key: value for key, value in (content | change).items() if value is not MISSING}
            sent = sign(draft(version, kind, changed, state_key="@bob:two.example"), version, TWO)
            add("B32", what, version, sent, drop("signature_missing"))


def several(corpus):
    """B33-B35: more than one signature of a server, and those that do not count."""

    def add(*args, **kw):
        corpus.event("signatures", *args, **kw)

    for version in SOME:
        event = draft(version)
        own = good(version)
        fine = accept(own, version)
        add("B33", "one valid, one by a key the server does not list", version, sign(event, version, ONE, UNKNOWN), fine)
        sent = beside(own, ed25519__unknown=NO_SIGNATURE)
        add("B33", "one valid, one wrong by a key the server does not list", version, sent, fine)
        add("B33", "one valid, one of an unknown algorithm", version, beside(own, rsa__1="x"), fine)
        sent = beside(own, ed25519__policy_server=NO_SIGNATURE)
        add("B33", "one valid, one wrong by ed25519:policy_server", version, sent, fine)
        both = [KEYS_ONE_BOTH]
        add("B33", "two valid", version, sign(event, version, ONE, SECOND), fine, keys=both)
        for first, second in ((ONE, SECOND), (SECOND, ONE)):
            sent = sign(event, version, first, second)
            sent["signatures"]["one.example"][second.key_id] = NO_SIGNATURE
            what = f"one valid, one wrong under the known key {second.key_id}"
            add("B33", what, version, sent, drop("signature_invalid"), keys=both)
        sent = beside(own, ed25519__second="!!")
        what = "one valid, one malformed under a known key"
        add("B36", what, version, sent, drop("signature_malformed"), keys=both)
        sent = sign(event, version, POLICY)
        add("B34", "only ed25519:policy_server signed", version, sent, drop("signature_missing"))
        what = "only ed25519:policy_server signed, and the server lists that key"
        add("B34", what, version, sent, drop("signature_missing"), keys=[response(ONE, POLICY)])
        for what, texts in (("one unknown algorithm", {"rsa:1": "x"}), ("two unknown algorithms", {"rsa:1": "x", "x25519:key_1": NO_SIGNATURE})):
            sent = own | {"signatures": {"one.example": texts}}
            add("B35", f"only {what}", version, sent, drop("signature_unknown_algorithm"))


def leaked_key():
    """The key of CVE-2026-24044, whose seed is public knowledge: what Go's math/rand gives for the seed 0."""
    seed = "0194fdc2fa2ffcc041d3ff12045b73c86e4ff95ff662a5eee82abdf44a2d0b75"
    key = Key("one.example", "ed25519:0", bytes.fromhex(seed))
    assert [key.public_base64] == LEAKED_KEYS
    return key


def base64_forms(corpus):
    def add(*args, **kw):
        corpus.event("signatures", "B36", *args, **kw)

    for version in SOME:
        for depth in range(100):
            event = good(version, depth=depth)
            text = event["signatures"]["one.example"]["ed25519:key_1"]
            if "+" in text and "/" in text:
                break
        for what, spelled, flags in (
            ("padded", text + "==", []),
            ("with trailing bits", loose(text), []),
            ("padded, with trailing bits", loose(text) + "==", []),
            ("url-safe", url_safe(text), ["url_safe_base64"]),
            ("url-safe, padded", url_safe(text) + "==", ["url_safe_base64"]),
        ):
            assert spelled != text and decode_base64(spelled) == decode_base64(text)
            sent = resigned(event, spelled)
            add(f"signature base64 {what}", version, sent, accept(sent, version, *flags))
        for what, spelled in {
            "with an inner space": text[:10] + " " + text[10:],
            "with four inner spaces": text[:10] + "    " + text[10:],
            "with a newline": text[:76] + "\n" + text[76:],
            "with a leading space": " " + text,
            "with a trailing space": text + " ",
            "!!": "!!",
            "and !!": text + "!!",
            "with an inner =": text[:40] + "=" + text[40:],
            "with a letter beyond ASCII": text[:10] + "\u00e9" + text[11:],
            "with one letter less": text[:-1],
            "with one letter more": text + "A",
        }.items():
            add(f"signature base64 {what}", version, resigned(event, spelled), drop("signature_malformed"))

    leaked = leaked_key()
    for version in SOME:
        for spelled, text in {"padded": leaked.public_base64 + "=", "unpadded": leaked.public_base64}.items():
            keys = [response(ONE, verify=[(leaked.key_id, text)])]
            event = sign(draft(version), version, leaked)
            what = f"event signed by the leaked key, which is listed {spelled}"
            corpus.event("signatures", "B41", what, version, event, drop("signature_key_refused"), keys=keys)


def key_times(corpus):
    def add(*args, **kw):
        corpus.event("signatures", *args, **kw)

    other = Key("one.example", "ed25519:other")
    for version in ("1", "4", "5", "6", "11", "12"):
        event = good(version)
        fine, missing = accept(event, version), lacks(event, version, "one.example ed25519:key_1")
        expired = drop("signature_key_expired")
        add("J112", "no key response at all", version, event, missing, keys=[])
        add("J112", "only another server's key response", version, event, missing, keys=[KEYS_TWO])
        what = "key not listed by a response older than the event"
        add("J112", what, version, event, missing, keys=[response(other)], fetched_ts=TS - 1)
        what = "key not listed by a response younger than the event"
        add("J112", what, version, event, drop("signature_key_unknown"), keys=[response(other)])
        what = "response older than the event, its key valid beyond the event"
        add("J112", what, version, event, fine, fetched_ts=TS - 1)
        expect = expired if int(version) >= 5 else fine
        add("J112", "valid_until_ts before the event", version, event, expect, keys=[response(ONE, valid_until=TS - 1)])
        add("J112", "valid_until_ts at the event", version, event, fine, keys=[response(ONE, valid_until=TS)])
        add("J113", "expired_ts before the event", version, event, expired, keys=[response(other, old=[(ONE, TS - 1)])])
        add("J113", "expired_ts after the event", version, event, fine, keys=[response(other, old=[(ONE, TS + 1)])])
        keys = [response(ONE, old=[(ONE, TS - 1)])]
        add("J113", "listed as current and as old, expired before the event", version, event, expired, keys=keys)
        keys = [response(ONE, old_verify_keys={ONE.key_id: {"key": TWO.public_base64, "expired_ts": TS - 1}})]
        add("J113", "another, expired key listed under the same id", version, event, fine, keys=keys)
        keys = [response(ONE, old=[(other, TS - 1)])]
        add("J113", "one valid, one wrong by an expired key", version, beside(event, ed25519__other=NO_SIGNATURE), fine, keys=keys)


def key_responses(corpus):
    def add(row, what, text, keys=(ONE.key_id,), refused=(), flags=(), error=None):
        expect = {"keys": sorted(keys), "refused": sorted(map(list, refused)), "flags": sorted(flags)}
        expect = {"error": error} if error else expect
        corpus.add("key_responses", row, what, {"call": "server_keys", "input": text, "fetched_ts": FETCHED, "expect": expect})

    two = (ONE.key_id, SECOND.key_id)
    add("J114", "one key", KEYS_ONE)
    add("J114", "two keys, both sign", KEYS_ONE_BOTH, two)
    add("J114", "two keys, one signs", response(ONE, SECOND, signers=[ONE]), two)
    add("J114", "an old key beside it", response(ONE, old=[(SECOND, TS)]), two)
    add("J114", "no old_verify_keys", response(ONE, old_verify_keys=MISSING))
    add("J114", "an unknown field, signed", response(ONE, extra={"a": [1]}))
    add("J114", "another server's signature beside it", response(ONE, signers=[ONE, TWO]))
    add("J114", "an unknown algorithm", response(ONE, verify=[("rsa:1", "AAAA")]), refused=[("rsa:1", "key_id_invalid")])
    bad = "key_response_signature_invalid"
    add("J114", "an unknown field, not signed", KEYS_ONE[:-1] + ',"extra":1}', error=bad)
    add("J114", "valid_until_ts altered", KEYS_ONE.replace(str(FETCHED + DAY), str(FETCHED + DAY + 1)), error=bad)
    unsigned = "key_response_unsigned"
    stale = response(ONE, old_verify_keys={SECOND.key_id: {"key": SECOND.public_base64}})
    add("J114", "an old key without expired_ts", stale, refused=[(SECOND.key_id, "key_without_expiry")])
    both = response(ONE, SECOND, old=[(SECOND, TS)], signers=[ONE])
    add("J114", "the same key listed as current and as old", both, two)
    clash = response(ONE, SECOND, old_verify_keys={SECOND.key_id: {"key": TWO.public_base64, "expired_ts": TS}}, signers=[ONE])
    add("J114", "two keys under one id, current and old", clash, refused=[(SECOND.key_id, "key_conflict")])
    add("J114", "no signature", response(ONE, signers=[]), error=unsigned)
    add("J114", "signed by another server only", response(ONE, signers=[TWO]), error=unsigned)
    add("J114", "signed by a key that is not listed", response(ONE, signers=[UNKNOWN]), error=unsigned)
    add("J114", "signed by an old key only", response(ONE, old=[(SECOND, TS)], signers=[SECOND]), error=unsigned)
    renamed = KEYS_ONE.replace('"server_name":"one.example"', '"server_name":"two.example"')
    assert renamed != KEYS_ONE
    add("J114", "server name altered", renamed, error=unsigned)
    for field, wrong in (("server_name", 1), ("verify_keys", "x"), ("valid_until_ts", "1")):
        for value in (MISSING, None, wrong, []):
            what = f"{field} {'missing' if value is MISSING else json.dumps(value)}"
            add("J114", what, response(ONE, **{field: value}), error="key_response_invalid")
    for text in ("[]", "null", '"x"', "1"):
        add("J114", f"{text} in place of the answer", text, error="key_response_invalid")
    add("J114", "no JSON", "{", error="json_syntax")

    other = "ed25519:other"

    def listing(spelled):
        return response(ONE, verify=[(other, spelled)])

    text = next(k.public_base64 for n in range(100) if {"+", "/"} <= set((k := Key("x", f"ed25519:{n}")).public_base64))
    add("B36", "key padded", listing(text + "="), (ONE.key_id, other))
    add("B36", "key with trailing bits", listing(loose(text)), (ONE.key_id, other))
    add("B36", "key url-safe", listing(url_safe(text)), (ONE.key_id, other), flags=["url_safe_base64"])
    for what, spelled in {
        "with a space": text[:5] + " " + text[5:], "!!": "!!", "empty": "", "of 31 bytes": encode_base64(bytes(range(31))),
        "of 33 bytes": encode_base64(bytes(range(33))), "that is no point of the curve": NO_POINT,
    }.items():  # fmt: skip
        add("B29", f"key {what}", listing(spelled), refused=[(other, "key_invalid")])
    for point in edge.small_order_encodings():
        assert not libsodium_accepts(point, b"", edge.forged_for_identity(b""))
        add("B29", f"small-order key {point.hex()}", listing(encode_base64(point)), refused=[(other, "key_weak")])
    add("B29", "key with a torsion part", listing(encode_base64(edge.mixed_key(ONE.seed))), (ONE.key_id, other))
    leaked = leaked_key()
    text = leaked.public_base64
    for what, spelled, flags in (
        ("padded", text + "=", []),
        ("unpadded", text, []),
        ("url-safe", url_safe(text), ["url_safe_base64"]),
        ("url-safe, padded", url_safe(text) + "=", ["url_safe_base64"]),
        ("with trailing bits", loose(text), []),
    ):
        add("B41", f"leaked key {what}", listing(spelled), refused=[(other, "key_leaked")], flags=flags)
    add("B41", "the leaked key signs with a good one", response(ONE, leaked), refused=[(leaked.key_id, "key_leaked")])
    add("B41", "the leaked key alone, signed by itself", response(leaked), error=unsigned)
    add("B41", "a good key, vouched for by the leaked one only", response(ONE, leaked, signers=[leaked]), error=unsigned)
    # a weak key that vouches for itself: the signature is forged, and plain verify takes it
    neutral = edge.encode((0, 1))
    answer = {"server_name": "one.example", "valid_until_ts": FETCHED + DAY, "old_verify_keys": {}}
    answer["verify_keys"] = {other: {"key": encode_base64(neutral)}}
    forged = edge.forged_for_identity(canonical(answer))
    assert edge.plain_accepts(neutral, canonical(answer), forged)
    answer["signatures"] = {"one.example": {other: encode_base64(forged)}}
    add("B29", "a weak key that vouches for itself", json.dumps(answer), error=unsigned)


SECTIONS = [edge_cases, required, several, base64_forms, key_times, key_responses]
