"""Invitations of addresses: the offer in the room's state, and the invite that takes it up.

The objects under `signed` are really signed, because both sides verify them.
"""

import hashlib
from typing import Any

from nacl.signing import SigningKey
from signedjson.key import decode_signing_key_base64
from signedjson.sign import sign_json
from unpaddedbase64 import encode_base64

from draw import Draw
from names import CREATOR, USERS
from plan import ABSENT, Draft, Plan

TYPE = "m.room.third_party_invite"
IDENTITY, SECOND = "id.example", "id2.example"


def _key(name: str) -> SigningKey:
    seed = encode_base64(hashlib.sha256(name.encode()).digest())
    return decode_signing_key_base64("ed25519", name, seed)


KEYS = {name: _key(name) for name in ("0", "1", "ephemeral")}
STRANGER = _key("stranger")


def _public(key: SigningKey) -> str:
    return encode_base64(bytes(key.verify_key))


def offer(plan: Plan) -> Draft:
    """Somebody puts an invitation into the room's state."""
    draw = plan.draw
    plan.tell("offer for a third party")
    sender = draw.pick(plan.joined() or USERS) if draw.chance(85) else draw.pick(USERS)
    if draw.chance(25):
        plan.spoil_level("invite", "users_default")
    content = {"display_name": "s…@example", **_offered_keys(draw, KEYS["0"])}
    return Draft(TYPE, sender, content, draw.weighted({"token": 6, sender: 1, CREATOR: 1, "": 1, ABSENT: 1}))


def invite(plan: Plan) -> Draft:
    """An invite that stands on such an offer."""
    draw = plan.draw
    plan.tell("third-party invite")
    sender = draw.pick(plan.joined() or USERS) if draw.chance(85) else draw.pick(USERS)
    target = draw.pick([user for user in USERS if user != sender])
    if draw.chance(60):
        plan.set_member(target, draw.pick((None, "leave", "knock")))
    if draw.chance(8):
        plan.set_member(target, "ban")
    key = KEYS[draw.pick(tuple(KEYS))]
    offered_by = sender if draw.chance(90) else draw.pick(USERS)
    if draw.chance(94):
        token = "token" if draw.chance(97) else "other token"
        plan.state[(TYPE, token)] = (offered_by, {"display_name": "s…@example", **_offered_keys(draw, key)})
    content = {
        "membership": "invite",
        "third_party_invite": {"display_name": "s…@example", "signed": _signed(plan, key, target)},
    }
    if draw.chance(8):
        _spoil(plan, content)
    return Draft("m.room.member", sender, content, target)


def _offered_keys(draw: Draw, key: SigningKey) -> dict[str, Any]:
    """The keys in an offer; `key` is mostly among them, in one of the places it may stand."""
    good, other = _public(key), _public(STRANGER)
    shape = draw.weighted(
        {
            "one": 25,
            "list": 20,
            "both": 20,
            "later": 12,
            "url_safe": 5,
            "padded": 4,
            "none": 5,
            "stranger": 6,
            "odd": 9,
        }
    )
    if shape == "one":
        return {"public_key": good, "key_validity_url": "https://id.example/valid"}
    if shape == "list":
        return {"public_keys": [{"public_key": good}]}
    if shape == "both":
        return {
            "public_key": good,
            "public_keys": [{"public_key": good, "key_validity_url": "https://id.example/valid"}],
        }
    if shape == "later":
        return {"public_key": other, "public_keys": [{"public_key": other}, {"public_key": good}]}
    if shape == "url_safe":
        return {"public_key": good.replace("+", "-").replace("/", "_")}
    if shape == "padded":
        return {"public_key": good + "="}
    if shape == "none":
        return draw.pick(({}, {"public_keys": []}))
    if shape == "stranger":
        return {"public_key": other}
    return draw.pick(
        (
            {"public_key": None},
            {"public_key": 5, "public_keys": [{"public_key": good}]},
            {"public_key": "no key", "public_keys": [{"public_key": good}]},
            {"public_key": good[:20]},
            {"public_key": good, "public_keys": None},
            {"public_key": good, "public_keys": {}},
            {"public_key": good, "public_keys": good},
            {"public_keys": [good]},
            {"public_keys": [{}, {"public_key": good}]},
            {"public_keys": [None, {"public_key": good}]},
            {"public_keys": [{"public_key": good}, 5]},
            {"public_keys": [{"public_key": ""}, {"public_key": good}]},
            {"public_keys": {"public_key": good}},
        )
    )


def _signed(plan: Plan, key: SigningKey, target: str) -> dict[str, Any]:
    """The object that the identity server signs; sometimes for somebody else, or not well."""
    draw = plan.draw
    signed: dict[str, Any] = {"mxid": target, "token": "token"}
    if draw.chance(5):
        signed["mxid"] = draw.pick((*USERS, "", None, [target]))
        plan.tell("another mxid")
    if draw.chance(15):
        signed["sender"] = CREATOR
    sign_json(signed, IDENTITY, key)
    if draw.chance(72):
        return signed
    way = draw.pick(
        (
            "changed",
            "stranger",
            "second good",
            "second bad",
            "two keys",
            "unknown algorithm",
            "garbage",
            "empty",
            "unsigned",
            "beside",
            "shape",
        )
    )
    plan.tell(f"signature: {way}")
    name = f"{key.alg}:{key.version}"
    if way == "changed":
        signed["later"] = True
    elif way == "stranger":
        signed["signatures"] = {}
        sign_json(signed, IDENTITY, STRANGER)
    elif way == "second good":
        # The first server's signature is wrong, the second one's is right.
        sign_json(signed, SECOND, key)
        signed["signatures"][IDENTITY][name] = encode_base64(draw.bytes(64))
    elif way == "second bad":
        sign_json(signed, SECOND, STRANGER)
    elif way == "two keys":
        good = signed["signatures"][IDENTITY].pop(name)
        signed["signatures"][IDENTITY] = {"ed25519:!": encode_base64(draw.bytes(64)), name: good}
    elif way == "unknown algorithm":
        signed["signatures"][IDENTITY]["dilithium:0"] = "AAAA"
    elif way == "garbage":
        signed["signatures"][IDENTITY][name] = draw.pick(("", "AAAA", "not base64!", None, 5, []))
    elif way == "empty":
        signed["signatures"] = draw.pick(({}, {IDENTITY: {}}, {IDENTITY: {"dilithium:0": "AAAA"}}))
    elif way == "unsigned":
        signed["unsigned"] = {"age": 5}
    elif way == "beside":
        signed["signatures"][IDENTITY][f"{name}_"] = signed["signatures"][IDENTITY].pop(name)
    else:
        signed["signatures"] = draw.pick(
            (None, [], "signed", {IDENTITY: None}, {IDENTITY: []}, {IDENTITY: "signed", SECOND: {}})
        )
    return signed


def _spoil(plan: Plan, content: dict[str, Any]) -> None:
    """Takes something away that an invite of this kind must have."""
    draw = plan.draw
    plan.tell("spoilt")
    invite = content["third_party_invite"]
    missing = draw.pick(("signed", "mxid", "token", "signatures", "odd token", "odd signed", "whole"))
    if missing == "signed":
        del invite["signed"]
    elif missing == "odd token":
        invite["signed"]["token"] = draw.pick((None, 5, ["token"], {}))
    elif missing == "odd signed":
        invite["signed"] = draw.pick((None, [], "signed", ["mxid", "token", "signatures"]))
    elif missing == "whole":
        content["third_party_invite"] = draw.pick((None, [], "invite", True, {}))
    else:
        del invite["signed"][missing]
