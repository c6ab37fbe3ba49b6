"""G101-G103: what the policy server of a room must have signed, and when a room has one."""

from unpaddedbase64 import encode_base64

from . import ed25519_edge as edge
from .corpus import Key, loose, response, url_safe
from .model import canonical, signed_bytes, without
from .rows_auth import ALICE, BOB, KEYS_ONE, KEYS_TWO, TWO, _to, passes, received, rejects, room_of, versions

VIA, BOT = "policy.example", "@bot:policy.example"
POLICY = Key(VIA, "ed25519:policy_server")
PUBLISHED = Key(VIA, "ed25519:published")
ALL_KEYS = (KEYS_TWO, response(PUBLISHED))
BESIDE = Key("two.example", "ed25519:policy_server")

MISSING, MALFORMED, INVALID = (rejects(f"policy_signature_{what}", check=7) for what in ("missing", "malformed", "invalid"))


def add(corpus, file, row, what, room, event, expect, **kw):
    """The state before the event is the create event and the sender, the current state is all but Alice."""
    sender = ("m.room.member", event["sender"])
    state = [room.create] + [room.state[key] for key in [sender] if key in room.state]
    current = [one for key, one in room.state.items() if key == sender or key != ("m.room.member", ALICE)]
    received(corpus, file, row, what, room, event, expect, **{"state": state, "current": current, "keys": (KEYS_TWO,)} | kw)


def room_with(version, membership="join", via=VIA, keys=None, state_key="", **content):
    room = room_of(version, BOB, (BOT, membership))
    content = {"via": via, "public_keys": {"ed25519": POLICY.public_base64} if keys is None else keys, **content}
    room.add("m.room.policy", ALICE, {key: value for key, value in content.items() if value != "none"}, state_key)
    return room


def with_signature(event, text, server=VIA, key_id=POLICY.key_id):
    entries = {**event["signatures"].get(server, {}), key_id: text}
    return {**event, "signatures": {**event["signatures"], server: entries}}


def signatures(corpus):
    g101, g103 = _to("policy", "G101", add, ("12",)), _to("policy", "G103", add, ("12",))
    for version in versions():
        room = room_with(version)
        event = room.message(by=[TWO, POLICY])
        g101(corpus, "signed by the policy server", room, event, passes())
        plain = room.message()
        g103(corpus, "not signed by the policy server, which gave no answer", room, plain, MISSING)
        bare = {**plain, "signatures": {**plain["signatures"], VIA: {}}}
        g103.more(corpus, "the policy server answered {}", room, bare, MISSING)
        text = PUBLISHED.sign_base64(signed_bytes(plain, version))
        what = "signed with the server's published key under the policy key's id"
        g101(corpus, what, room, with_signature(plain, text), INVALID, keys=ALL_KEYS)
        what = "signed with the server's published key, under its own id"
        g101.more(corpus, what, room, room.message(by=[TWO, PUBLISHED]), MISSING, keys=ALL_KEYS)
        text = POLICY.sign_base64(signed_bytes(plain, version))
        what = "signed with the policy key under another id"
        g101(corpus, what, room, with_signature(plain, text, key_id="ed25519:policy"), MISSING)
        what = "signed with the policy key under the sender's server"
        g101.more(corpus, what, room, with_signature(plain, text, server="two.example"), MISSING)
        spellings = (
            ("no base64", "!!", MALFORMED), ("of 63 bytes", encode_base64(POLICY.sign(b"")[:63]), MALFORMED),
            ("empty", "", MALFORMED), ("padded", text + "==", passes()), ("with trailing bits", loose(text), passes()),
            ("all zero", encode_base64(bytes(64)), INVALID),
        )  # fmt: skip
        for what, spelled, expect in spellings:
            g101.more(corpus, f"policy signature {what}", room, with_signature(plain, spelled), expect)
        text = POLICY.sign_base64(canonical(without(plain, "signatures", "unsigned")))
        what = "policy signature over the event that was not redacted"
        g101.more(corpus, what, room, with_signature(plain, text), INVALID)
        altered = {**event, "content": {"body": "y"}}
        what = "altered after signing: both signatures cover what redaction leaves"
        g101.more(corpus, what, room, altered, passes(), redacted=passes())
        altered = {**plain, "content": {"body": "y"}}
        what = "altered after signing, not signed by the policy server"
        g101.more(corpus, what, room, altered, passes(), redacted=MISSING)

        for what, keys, expect in (
            ("padded", {"ed25519": POLICY.public_base64 + "="}, passes()),
            ("url-safe", {"ed25519": url_safe(POLICY.public_base64)}, passes()),
            ("another", {"ed25519": TWO.public_base64}, INVALID),
        ):
            other = room_with(version, keys=keys)
            signed = other.message(by=[TWO, POLICY])
            g101.more(corpus, f"the policy key is {what}: signed by the policy server", other, signed, expect)

        room = room_with(version, via="two.example", keys={"ed25519": BESIDE.public_base64})
        what = "the sender's server is the policy server: signed by both keys"
        g101.more(corpus, what, room, room.message(by=[TWO, BESIDE]), passes())
        what = "the sender's server is the policy server: signed by the published key only"
        g101.more(corpus, what, room, room.message(), MISSING)
        what = "the sender's server is the policy server: signed by the policy key only"
        dropped = {"outcome": "dropped", "check": 2, "code": "signature_missing", "flags": []}
        g101.more(corpus, what, room, room.message(by=[BESIDE]), dropped)

        room = room_with(version)
        joined = room.state["m.room.member", BOB]
        before = [room.create, joined]
        room.member(BOB, "ban", ALICE)
        event = room.message(cites=[*room.take(), joined])
        expect = rejects("sender_not_joined", check=6)
        g103(corpus, "fails by the current state, and has no policy signature", room, event, expect, state=before)
        room = room_with(version)
        event = room.event("m.room.topic", BOB, {}, "")
        what = "rejected for other reasons, and has no policy signature"
        g103.more(corpus, what, room, event, rejects("event_power"))
        event = room.event("m.room.topic", BOB, {}, "", by=[TWO, POLICY])
        what = "rejected for other reasons, however the policy server has signed it"
        g103.more(corpus, what, room, event, rejects("event_power"))


def in_use(corpus):
    g102 = _to("policy", "G102", add, ("12",))
    for version in versions():
        room = room_with(version)
        content = {"via": VIA, "public_keys": {"ed25519": TWO.public_base64}}
        keys = [KEYS_ONE]
        event = room.event("m.room.policy", ALICE, content, "")
        g102(corpus, "a policy with an empty state key, unsigned", room, event, passes(), keys=keys)
        event = room.event("m.room.policy", ALICE, {}, "")
        g102.more(corpus, "a policy that ends it, unsigned", room, event, passes(), keys=keys)
        event = room.event("m.room.policy", ALICE, content, "x")
        g102(corpus, "a policy with another state key, unsigned", room, event, MISSING, keys=keys)
        event = room.event("m.room.policy", ALICE, content)
        g102.more(corpus, "a policy without a state key, unsigned", room, event, MISSING, keys=keys)

        plain = room.message()
        if room.v <= 2:
            what = "policy signature computed without the event_id, which belongs to the event"
            message = signed_bytes(without(plain, "event_id"), version)
        else:
            what = "policy signature computed with an event_id left in"
            message = signed_bytes({**plain, "event_id": room.id(plain)}, version)
        g102(corpus, what, room, with_signature(plain, POLICY.sign_base64(message)), INVALID)

        off = [("via has left", {"membership": "leave"})]
        weak, ed25519 = encode_base64(edge.encode((0, 1))), "ed25519"
        if version == "12":
            off += [
                ("no public_keys", {"keys": "none"}), ("via is invited only", {"membership": "invite"}),
                ("via has no user in the room", {"via": "else.example"}), ("via with a port", {"via": VIA + ":8448"}),
                ("via in upper case", {"via": VIA.upper()}),
                ("no via", {"via": "none"}), ("via 1", {"via": 1}), ("public_keys []", {"keys": []}),
                ("public_keys of another algorithm", {"keys": {"rsa": POLICY.public_base64}}),
                ("the key is 1", {"keys": {ed25519: 1}}), ("the key is no base64", {"keys": {ed25519: "!!"}}),
                ("the key has 31 bytes", {"keys": {ed25519: encode_base64(POLICY.public[:31])}}),
                ("the key is weak", {"keys": {ed25519: weak}}), ("the policy has a state key", {"state_key": "x"}),
            ]  # fmt: skip
        for what, content in off:
            room = room_with(version, **content)
            g102(corpus, f"no policy server: {what}", room, room.message(), passes())
        room = room_with(version, public_key="x", extra=1)
        g102.more(corpus, "a policy with more in it", room, room.message(), MISSING)
        room = room_with(version)
        current = [room.create, room.state["m.room.member", BOB], room.state["m.room.member", BOT]]
        what = "no policy server: the policy is in the state before the event, not in the current one"
        g102.more(corpus, what, room, room.message(), passes(), state=room.state.values(), current=current)
        room = room_of(version, BOB, BOT)
        g102.more(corpus, "no policy server: no policy", room, room.message(), passes())


SECTIONS = [signatures, in_use]
