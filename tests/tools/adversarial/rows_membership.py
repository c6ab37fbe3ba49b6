"""E71-E80: joins, knocks, invites with and without a third party, leaves, kicks, bans, and odd members."""

import json

from unpaddedbase64 import encode_base64

from . import ed25519_edge as edge
from .corpus import TS, Key, response, sign, url_safe
from .model import MAX_SAFE, canonical, sha256
from .rows_auth import (
    ALICE, BOB, CAROL, DAN, KEYS_ONE, KEYS_THREE, KEYS_TWO, MISSING, ONE, THREE, TWO, VARIED, Room, _to, drops, lacks, passes,
    received, rejects, room_of, versions,
)  # fmt: skip

VIA_BOB = {"join_authorised_via_users_server": BOB}
ALLOW = {"allow": [{"type": "m.room_membership", "room_id": "!other:one.example"}]}
# An identity server, whose key is spelled otherwise in the URL-safe alphabet.
_KEYS = (Key("identity.example", "ed25519:0", sha256(bytes([n]))) for n in range(100))
IDENTITY = next(key for key in _KEYS if {"+", "/"} <= set(key.public_base64))
OTHER = Key("identity.example", "ed25519:other")


# --- E71-E74: who may join and knock ------------------------------------------------------------------


def restricted_room(version, *members, power=None, rule="restricted"):
    room = room_of(version, *members, power={"users": {BOB: 50}, "invite": 50} if power is None else power)
    room.join_rule(rule, **ALLOW)
    return room


def restricted(corpus):
    e71 = _to("membership", "E71")
    for version in versions(8, 12):
        v = int(version)
        rules = ["restricted"] + (["knock_restricted"] if v >= 10 else [])

        def room_with(*members, **fields):
            return restricted_room(version, *members, **fields)

        unsigned = rejects("join_authoriser_not_signed")
        for rule in rules:
            room = room_with(BOB, rule=rule)
            join = room.change(CAROL, "join", content=VIA_BOB, by=[THREE, TWO])
            e71(corpus, f"{rule}: join signed by the authoriser's server", room, join, passes(), keys=[KEYS_TWO])
            join = room.change(CAROL, "join", content=VIA_BOB)
            e71(corpus, f"{rule}: join not signed by the authoriser's server", room, join, unsigned, keys=[KEYS_TWO])
            join = room.change(CAROL, "join")
            e71(corpus, f"{rule}: join without an authoriser", room, join, rejects("join_restricted_no_authoriser"))

        room = room_with(BOB)
        join = room.change(CAROL, "join", content=VIA_BOB, by=[THREE, TWO])
        e71.more(corpus, "join signed by the authoriser's server, keys not at hand", room, join, passes())
        what = "join signed by the authoriser's server, whose key is missing"
        expect = lacks("join_authoriser_key_missing", "two.example ed25519:key_2")
        e71(corpus, what, room, join, expect, keys=[KEYS_THREE])
        expired = response(Key("two.example", "ed25519:new"), old=[(TWO, TS - 1)])
        what = "join signed by the authoriser's server with a key that had expired"
        e71.more(corpus, what, room, join, unsigned, keys=[expired])
        what = "join signed by the authoriser's server with a key it does not list"
        e71.more(corpus, what, room, join, unsigned, keys=[response(Key("two.example", "ed25519:new"))])
        forged = {**join, "signatures": {**join["signatures"], "two.example": {TWO.key_id: encode_base64(bytes(64))}}}
        e71(corpus, "join with a wrong signature of the authoriser's server", room, forged, unsigned, keys=[KEYS_TWO])
        e71.more(corpus, "join with a wrong signature of the authoriser's server, keys not at hand", room, forged, passes())
        join = room.change(CAROL, "join", content=VIA_BOB)
        e71(corpus, "join not signed by the authoriser's server, keys not at hand", room, join, unsigned)
        bare = {**join, "signatures": {**join["signatures"], "two.example": {}}}
        e71.more(corpus, "join that names the authoriser's server among its signatures, without one", room, bare, unsigned)
        join = room.change(CAROL, "join", content=VIA_BOB, by=[THREE, Key("two.example", "ed25519:policy_server")])
        what = "join signed by a policy server in the authoriser's name"
        e71.more(corpus, what, room, join, unsigned, keys=[KEYS_TWO])
        for value in ("bob", "@bob", None, 1, {}, "") if version in VARIED else ("bob",):
            join = room.change(CAROL, "join", content={"join_authorised_via_users_server": value}, by=[THREE, TWO])
            e71(corpus, f"join whose authoriser is {value!r}", room, join, rejects("join_authoriser_invalid"))

        left = rejects("join_restricted_authoriser_not_joined")
        signed = {"content": VIA_BOB, "by": [THREE, TWO]}
        for membership in ("leave", "invite", "ban") if version in VARIED else ("leave",):
            room = room_with((BOB, membership))
            join = room.change(CAROL, "join", **signed)
            e71(corpus, f"the authoriser's membership is {membership}", room, join, left)
        room = room_with()
        e71.more(corpus, "the authoriser was never in the room", room, room.change(CAROL, "join", **signed), left)
        via = {"join_authorised_via_users_server": CAROL}
        what = "the joining user authorises itself, joined by this event only"
        e71.more(corpus, what, room, room.change(CAROL, "join", content=via), left)
        room = room_with(BOB)
        event = room.change(CAROL, "join", **signed, cites=room.take())
        what = "join that cites the create event alone: no join rules are invite"
        e71.more(corpus, what, room, event, rejects("join_not_invited"))
        cites = room.take("m.room.power_levels", "m.room.join_rules")
        event = room.change(CAROL, "join", **signed, cites=cites)
        e71.more(corpus, "join that does not cite the authoriser's membership", room, event, left)
        room = room_with((BOB, "leave"))
        stale = room.event("m.room.member", BOB, {"membership": "join"}, BOB)
        cites = room.take("m.room.power_levels", "m.room.join_rules")
        event = room.change(CAROL, "join", **signed, cites=[*cites, stale])
        what = "join that cites the authoriser's old join, who has left"
        e71.more(corpus, what, room, event, rejects("join_restricted_authoriser_not_joined", check=5), state=True)

        for level, invite, expect in ((49, 50, rejects("join_restricted_authoriser_power")), (50, 50, passes())):
            room = room_with(BOB, power={"users": {BOB: level}, "invite": invite})
            what = f"authoriser of {level}, invites need {invite}"
            e71(corpus, what, room, room.change(CAROL, "join", **signed), expect)
        room = room_with(BOB, power={})
        e71.more(corpus, "authoriser of 0, invites need the default of 0", room, room.change(CAROL, "join", **signed), passes())
        power = {"users": {BOB: 50}, "invite": MAX_SAFE}
        room = room_with(BOB, power=power)
        via = {"join_authorised_via_users_server": ALICE}
        expect = passes() if v >= 12 else rejects("join_restricted_authoriser_power")
        join = room.change(CAROL, "join", content=via, by=[THREE, ONE])
        e71(corpus, "the creator authorises, not listed, invites need 2^53-1", room, join, expect)

        room = room_with(BOB, CAROL)
        for membership in ("leave", "join") if version in VARIED else ():
            event = room.change(CAROL, membership, content=VIA_BOB)
            what = f"a {membership} by a member names an authoriser whose server has not signed"
            e71.more(corpus, what, room, event, unsigned)
            event = room.change(CAROL, membership, content=VIA_BOB, by=[THREE, TWO])
            what = f"a {membership} by a member names an authoriser whose server has signed"
            e71.more(corpus, what, room, event, passes())
        room = room_with((BOB, "ban"), (CAROL, "invite"))
        what = "an invited user names an authoriser who is banned: nobody asks"
        e71.more(corpus, what, room, room.change(CAROL, "join", **signed), passes())
        room = room_with(BOB, (CAROL, "ban"))
        join = room.change(CAROL, "join", **signed)
        e71.more(corpus, "a banned user's join is authorised", room, join, rejects("join_banned"))
        room = room_of(version, BOB, join_rule="public")
        join = room.change(CAROL, "join", content=VIA_BOB)
        e71.more(corpus, "public: join that names an authoriser whose server has not signed", room, join, unsigned)
        e71.more(corpus, "public: the same, signed", room, room.change(CAROL, "join", **signed), passes())


def restricted_whole(corpus):
    """E71: what redaction leaves of the join decides, when the content hash differs."""
    e71_whole, unsigned = _to("membership", "E71", received), rejects("join_authoriser_not_signed")
    for version in ("8", "9", "12"):
        v, room = int(version), restricted_room(version, BOB)
        join = room.change(CAROL, "join", content=VIA_BOB | {"displayname": "c"}, by=[THREE, TWO])
        e71_whole(corpus, "whole: join signed by the authoriser's server", room, join, passes())
        join = {**join, "content": {**join["content"], "displayname": "d"}}
        redacted = rejects("auth_event_not_selected") if v == 8 else passes()
        what = "whole: the same with an altered displayname; version 8 redacts the authoriser"
        e71_whole(corpus, what, room, join, passes(), redacted=redacted)
        if v == 8:
            cites = room.take("m.room.power_levels", "m.room.join_rules")
            join = room.change(CAROL, "join", content=join["content"], by=[THREE, TWO], cites=cites)
            join = {**join, "content": {**join["content"], "displayname": "e"}}
            what = "whole: the same, authoriser's membership not cited"
            e71_whole(corpus, what, room, join, passes(), redacted=rejects("join_restricted_no_authoriser"))
        join = room.change(CAROL, "join", content=VIA_BOB)
        e71_whole(corpus, "whole: join not signed by the authoriser's server", room, join, unsigned)
        join = room.change(CAROL, "join", content=VIA_BOB, by=[THREE, TWO])
        expect = lacks("join_authoriser_key_missing", "two.example ed25519:key_2")
        e71_whole(corpus, "whole: key of the authoriser's server missing", room, join, expect, keys=[KEYS_ONE, KEYS_THREE])


def join_rules(corpus):
    """E72, E73: without an authoriser, and odd join rules."""
    e72, e73 = _to("membership", "E72"), _to("membership", "E73")
    for version in versions():
        v = int(version)

        def room_with(*members, rule="restricted", **content):
            room = room_of(version, *members, power={"invite": 50})
            room.join_rule(rule, **content)
            return room

        forbids, uninvited = rejects("join_rule_forbids"), rejects("join_not_invited")
        for rule, first in (("restricted", 8), ("knock_restricted", 10)):
            for membership in ("invite", "join"):
                room = room_with((CAROL, membership), rule=rule, **ALLOW)
                what = f"{rule}: join without an authoriser after {membership}"
                line = e72 if membership == "invite" else e72.more
                line(corpus, what, room, room.change(CAROL, "join"), passes() if v >= first else forbids)
            room = room_with(BOB, rule=rule, **ALLOW)
            if v < first:
                join = room.change(CAROL, "join", by=[THREE, TWO])
                e72(corpus, f"{rule}: an unknown rule in this version", room, join, forbids)
        if v < 8:
            room = room_of(version, BOB, join_rule="public")
            join = room.change(CAROL, "join", content=VIA_BOB)
            e72(corpus, "an authoriser means nothing in this version", room, join, passes())
            join = room.change(CAROL, "join", content={"join_authorised_via_users_server": 1})
            e72(corpus, "an odd authoriser means nothing in this version", room, join, passes())
        else:
            for membership in ("leave", "knock"):
                room = room_with((CAROL, membership), **ALLOW)
                what = f"restricted: join without an authoriser after {membership}"
                e72(corpus, what, room, room.change(CAROL, "join"), rejects("join_restricted_no_authoriser"))

        if v >= 8:
            for allow in ("x", [1], [{}], None, {"a": []}) if version in VARIED else ("x", [1], [{}]):
                room = room_with(BOB, allow=allow)
                expect = rejects("join_restricted_no_authoriser")
                what = f"restricted, allow {allow!r}: join without an authoriser"
                e73(corpus, what, room, room.change(CAROL, "join"), expect)
            room = room_with(allow=[1])
            via = {"join_authorised_via_users_server": ALICE}
            join = room.change(CAROL, "join", content=via, by=[THREE, ONE])
            expect = passes() if v >= 12 else rejects("join_restricted_authoriser_power")
            what = "restricted, allow [1]: the creator, who is not listed, authorises; invites need 50"
            e73.more(corpus, what, room, join, expect)
            room = room_of(version, BOB)
            room.join_rule("restricted", allow="x")
            join = room.change(CAROL, "join", content=VIA_BOB, by=[THREE, TWO])
            e73(corpus, "restricted, allow 'x': join with an authoriser", room, join, passes())
        for rule in (1, "private", None, "x", "")[: 5 if version in VARIED else 2]:
            room = room_with(rule=rule)
            e73(corpus, f"join_rule {rule!r}", room, room.change(CAROL, "join"), forbids)
        for rule in (["public"], {"public": 1}, "Public", " public", "public\0", True) if version in VARIED else ():
            room = room_with((CAROL, "invite"), rule=rule)
            e73(corpus, f"join_rule {rule!r}, join after an invite", room, room.change(CAROL, "join"), forbids)
        for what, room in (
            ("no join_rule in the join rules", room_with(rule=MISSING)),
            ("join_rule invite", room_with(rule="invite")),
            ("no join rules", room_of(version)),
        ):
            line = e73.more if what == "join_rule invite" else e73
            line(corpus, f"{what}: join", room, room.change(CAROL, "join"), uninvited)
            room.member(CAROL, "invite", ALICE)
            e73.more(corpus, f"{what}: join after an invite", room, room.change(CAROL, "join"), passes())
        room = room_with(rule="public")
        e73(corpus, "join_rule public: join", room, room.change(CAROL, "join"), passes())
        room = room_with(rule="public")
        room.add("m.room.join_rules", ALICE, {"join_rule": "private"}, "x")
        what = "join rules with another state key count for nothing"
        e73.more(corpus, what, room, room.change(CAROL, "join"), passes(), auth=None, state=True)


def knocks(corpus):
    e74 = _to("membership", "E74")
    for version in versions():
        v = int(version)
        unknown = rejects("membership_unknown")
        if v < 7:
            for rule in ("knock", "public"):
                room = room_of(version, join_rule=rule)
                e74(corpus, f"{rule}: a knock, which this version does not know", room, room.change(CAROL, "knock"), unknown)
            room = room_of(version, (CAROL, "invite"), join_rule="knock")
            what = "knock: join after an invite, in a version that does not know the rule"
            e74(corpus, what, room, room.change(CAROL, "join"), rejects("join_rule_forbids"))
            continue
        others = ("invite", "restricted", MISSING) if version in VARIED else ()
        for rule in ("public", "knock_restricted", *others):
            room = room_of(version, join_rule=rule)
            expect = passes() if rule == "knock_restricted" and v >= 10 else rejects("knock_join_rule")
            e74(corpus, f"{'no rule' if rule is MISSING else rule}: a knock", room, room.change(CAROL, "knock"), expect)
        room = room_of(version)
        e74.more(corpus, "no join rules: a knock", room, room.change(CAROL, "knock"), rejects("knock_join_rule"))
        rules = ["knock"] + (["knock_restricted"] if v >= 10 else [])
        for rule in rules:
            for membership in (None, "invite", "ban", "join", "leave", "knock")[: 6 if version in VARIED else 4]:
                room = room_of(version, *([(CAROL, membership)] if membership else []), join_rule=rule)
                expect = rejects("knock_membership") if membership in ("invite", "ban", "join") else passes()
                what = f"{rule}: a knock after {membership or 'nothing'}"
                e74(corpus, what, room, room.change(CAROL, "knock"), expect)
        room = room_of(version, BOB, join_rule="knock")
        e74(corpus, "knock: a knock for someone else", room, room.change(CAROL, "knock", BOB), rejects("knock_sender_mismatch"))
        for membership, expect in (("knock", False), ("invite", True), (None, False), ("join", True), ("leave", False)):
            room = room_of(version, *([(CAROL, membership)] if membership else []), join_rule="knock")
            expect = passes() if expect else rejects("join_not_invited")
            line = e74 if membership in ("knock", "invite") else e74.more
            line(corpus, f"knock: join after {membership or 'nothing'}", room, room.change(CAROL, "join"), expect)
        room = room_of(version, (CAROL, "knock"), join_rule="knock")
        e74(corpus, "the one who knocked leaves", room, room.change(CAROL, "leave"), passes())
        e74.more(corpus, "the one who knocked is invited", room, room.change(CAROL, "invite", ALICE), passes())
        e74.more(corpus, "the one who knocked is turned away", room, room.change(CAROL, "leave", ALICE), passes())


# --- E75-E76: invites through a third party -----------------------------------------------------------


def vouched(key=IDENTITY, mxid=BOB, token="token", server="identity.example", **fields):
    """The `signed` of an invite: an identity server says that the token is the user's."""
    signed = {"mxid": mxid, "token": token, **fields}
    signed = {name: value for name, value in signed.items() if value is not MISSING}
    if key is not None:
        signed["signatures"] = {server: {key.key_id: key.sign_base64(canonical(signed))}}
    return signed


def third_party(corpus):
    e75, e76 = _to("membership", "E75"), _to("membership", "E76")
    e75_whole, e76_whole = _to("membership", "E75", received), _to("membership", "E76", received)
    here, there = IDENTITY.public_base64, OTHER.public_base64
    for version in versions():
        v = int(version)

        def room_with(*members, sender=ALICE, **content):
            room = room_of(version, *members, power={"users": {ALICE: 100} if v < 12 else {}, "invite": 50})
            room.add("m.room.third_party_invite", sender, content or {"display_name": "b", "public_key": here}, "token")
            return room

        def invite(room, signed, sender=ALICE, **fields):
            content = {"third_party_invite": {"display_name": "b", "signed": signed}}
            return room.change(BOB, "invite", sender, content, **fields)

        room = room_with()
        no_signed = rejects("third_party_invite_no_signed")
        event = room.change(BOB, "invite", ALICE, {"third_party_invite": {}}, by=[])
        e75.more(corpus, "third_party_invite {}, signed by nobody", room, event, no_signed)
        e75_whole(corpus, "whole: third_party_invite {}, signed by nobody", room, event, no_signed, keys=[KEYS_ONE])
        event = room.change(BOB, "invite", ALICE, {"third_party_invite": {}})
        e75.more(corpus, "third_party_invite {}, by a user who may invite", room, event, no_signed)
        for value in (None, "x", []) if version in VARIED else (None,):
            event = room.change(BOB, "invite", ALICE, {"third_party_invite": value})
            e75(corpus, f"third_party_invite {value!r}", room, event, no_signed)
        for signed, code in (
            ({}, "no_mxid"), (vouched(mxid=MISSING), "no_mxid"), (vouched(token=MISSING), "no_token"),
            (None, "no_mxid"), ("x", "no_mxid"), ([], "no_mxid"),
        )[: 6 if version in VARIED else 3]:  # fmt: skip
            what = f"signed is {json.dumps(signed) if not signed or signed == 'x' else 'without ' + code[3:]}"
            e75(corpus, what, room, invite(room, signed), rejects(f"third_party_invite_{code}"))
        event = room.change(BOB, "invite", ALICE, by=[])
        dropped = {"outcome": "dropped", "check": 2, "code": "signature_missing", "flags": []}
        e75_whole.more(corpus, "whole: an invite without third_party_invite, signed by nobody", room, event, dropped)
        # Spoiling the hash of such an invite makes an ordinary one of it up to version 10, which redact third_party_invite.
        content = {"third_party_invite": {"display_name": "b"}}
        for what, by, early in (("signed by nobody", [], dropped), ("signed by the sender's server", [ONE], passes())):
            event = room.change(BOB, "invite", ALICE, content, by=by)
            event = {**event, "content": {**event["content"], "x": 1}}
            what = f"whole: third_party_invite without signed, {what}; the hash differs"
            if v >= 11:
                e75_whole(corpus, what, room, event, passes(), redacted=no_signed, keys=[KEYS_ONE])
            elif by:
                e75_whole.more(corpus, what, room, event, passes(), redacted=early, keys=[KEYS_ONE])
            else:
                e75_whole(corpus, what, room, event, early, keys=[KEYS_ONE])

        e76(corpus, "all in order", room, invite(room, vouched()), passes())
        what = "whole: all in order, not signed by the sender's server"
        e76_whole.more(corpus, what, room, invite(room, vouched(), by=[]), passes())
        for what, signed, code in (
            ("mxid is another user", vouched(mxid=CAROL), "mxid_mismatch"),
            ("token of no invite", vouched(token="other"), "unknown_token"),
            ("signed by another key", vouched(OTHER), "not_signed"),
            ("not signed", vouched(None), "not_signed"),
            ("altered after signing", vouched() | {"extra": 1}, "not_signed"),
            ("mxid is a number", vouched(mxid=1), "mxid_mismatch"),
            ("mxid in upper case", vouched(mxid=BOB.upper()), "mxid_mismatch"),
            ("token is a number", vouched(token=1), "unknown_token"),
            ("signatures []", vouched() | {"signatures": []}, "not_signed"),
            ("signatures of a server no object", vouched() | {"signatures": {"identity.example": "x"}}, "not_signed"),
            ("a signature no text", vouched() | {"signatures": {"identity.example": {"ed25519:0": 1}}}, "not_signed"),
            ("a signature no base64", vouched() | {"signatures": {"identity.example": {"ed25519:0": "!!"}}}, "not_signed"),
            ("a signature by another algorithm", vouched(Key("x", "rsa:0", IDENTITY.seed)), "not_signed"),
        )[: 13 if version in VARIED else 3]:
            e76(corpus, what, room, invite(room, signed), rejects(f"third_party_invite_{code}"))
        cites = room.take(("m.room.member", ALICE), ("m.room.third_party_invite", "token"))
        event = invite(room, vouched(token="other"), cites=cites)
        e76.more(corpus, "cites the invite of another token", room, event, rejects("auth_event_not_selected"))
        room = room_with((BOB, "ban"))
        expect = rejects("third_party_invite_target_banned")
        e76(corpus, "the target is banned", room, invite(room, vouched()), expect)
        room = room_with(BOB)
        what = "the target is in the room, which this list does not ask"
        e76.more(corpus, what, room, invite(room, vouched()), passes())
        room = room_with(DAN)
        expect = rejects("third_party_invite_sender_mismatch")
        e76(corpus, "sender is another than the sender of the token", room, invite(room, vouched(), DAN), expect)
        room = room_with((DAN, "leave"), sender=DAN)
        what = "the sender has left and may not invite, which this list does not ask"
        e76.more(corpus, what, room, invite(room, vouched(), DAN), passes())

        no, yes = rejects("third_party_invite_not_signed"), passes()
        cases = [
            ("key only in public_keys", {"public_keys": [{"public_key": here}]}, yes),
            ("key in public_keys beside another public_key", {"public_key": there, "public_keys": [{"public_key": here}]}, yes),
            ("key not listed", {"public_key": there, "public_keys": [{"public_key": there}]}, no),
        ]
        weak = encode_base64(edge.encode((0, 1)))
        if version in VARIED:
            odd = [1, {}, {"public_key": 1}]
            cases += [
                ("key in public_key, not in public_keys", {"public_key": here, "public_keys": [{"public_key": there}]}, yes),
                ("key last of public_keys, after odd ones", {"public_keys": [*odd, {"public_key": here}]}, yes),
                ("key url-safe", {"public_key": url_safe(here)}, yes),
                ("key padded", {"public_key": here + "="}, yes),
                ("no key", {"display_name": "b"}, no),
                ("public_key no text, public_keys no list", {"public_key": 1, "public_keys": {"public_key": here}}, no),
                ("public_keys a list of texts", {"public_keys": [here]}, no),
                ("key no base64", {"public_key": "!!"}, no),
                ("key of 31 bytes", {"public_key": encode_base64(IDENTITY.public[:31])}, no),
            ]
        for what, content, expect in cases:
            room = room_with(**content)
            e76(corpus, what, room, invite(room, vouched()), expect)
        if version in VARIED:
            room = room_with(public_key=weak)
            signed = vouched(None)
            forged = encode_base64(edge.forged_for_identity(canonical(signed)))
            signed["signatures"] = {"identity.example": {"ed25519:0": forged}}
            e76(corpus, "a weak key, whose signatures anybody can forge", room, invite(room, signed), no)
            room = room_with()
            signed = vouched(server="someone.else")
            e76(corpus, "signed under another server's name", room, invite(room, signed), yes)
            signed = vouched()
            signed["signatures"]["identity.example"]["ed25519:1"] = OTHER.sign_base64(b"")
            signed["signatures"]["a.example"] = {"ed25519:0": "!!"}
            e76(corpus, "one right signature among wrong ones", room, invite(room, signed), yes)
            signed = vouched(extra={"a": [1]})
            e76(corpus, "more than mxid and token is signed", room, invite(room, signed), yes)
        room = room_with()
        room.state = {key: one for key, one in room.state.items() if key[0] != "m.room.third_party_invite"}
        unknown = rejects("third_party_invite_unknown_token")
        e76.more(corpus, "the token's event is not cited", room, invite(room, vouched()), unknown)

        # redaction takes third_party_invite away up to version 10, and leaves what is signed from 11 on
        room = room_with()
        event = invite(room, vouched(), by=[ONE])
        altered = {**event, "content": {**event["content"], "x": 1}}
        redacted = passes() if v >= 11 else rejects("auth_event_not_selected")
        what = "whole: altered after signing; up to version 10 an ordinary invite is left"
        e76_whole(corpus, what, room, altered, passes(), redacted=redacted, keys=[KEYS_ONE])

        # sending m.room.third_party_invite
        power = {"users": {BOB: 50}, "invite": 50, "events": {"m.room.third_party_invite": 100}, "state_default": 100}
        room = room_of(version, BOB, power=power)
        event = room.event("m.room.third_party_invite", BOB, {}, "token")
        what = "sending a third-party invite needs the invite level, and no other"
        e76(corpus, what, room, event, passes())
        event = room.event("m.room.third_party_invite", BOB, {}, CAROL)
        e76.more(corpus, "sending a third-party invite whose state key is another user", room, event, passes())
        room = room_of(version, BOB, power={"users": {BOB: 49}, "invite": 50, "state_default": 0})
        event = room.event("m.room.third_party_invite", BOB, {}, "token")
        e76(corpus, "sending a third-party invite below the invite level", room, event, rejects("third_party_invite_power"))
        event = room.event("m.room.third_party_invite", CAROL, {}, "token")
        e76.more(corpus, "sending a third-party invite from outside", room, event, rejects("sender_not_joined"))


# --- E77-E80: leaves, kicks, bans, invites, joins, shapes ---------------------------------------------


def removals(corpus):
    e77 = _to("membership", "E77")
    for version in versions():
        v = int(version)
        for membership, known in ((None, 99), ("invite", 1), ("join", 1), ("knock", 7), ("leave", 99), ("ban", 99)):
            if membership in ("leave", "ban") and version not in VARIED:
                continue
            room = room_of(version, *([(CAROL, membership)] if membership else []))
            expect = passes() if v >= known else rejects("leave_not_member")
            e77(corpus, f"leave after {membership or 'nothing'}", room, room.change(CAROL, "leave"), expect)

        def add(what, users, target, membership, expect, *members, **levels):
            room = room_of(version, *members, power={"users": users, **levels})
            e77(corpus, what, room, room.change(target, membership, BOB), expect)

        power, peer = rejects("kick_power"), rejects("kick_target_power")
        banned, carol = (CAROL, "ban"), (CAROL, "join")
        add("kick by a sender of 50", {BOB: 50}, CAROL, "leave", passes(), BOB, carol)
        add("kick by a sender of 49", {BOB: 49}, CAROL, "leave", power, BOB, carol)
        add("kick of an equal", {BOB: 50, CAROL: 50}, CAROL, "leave", peer, BOB, carol)
        left = rejects("kick_sender_not_joined")
        add("kick by a sender who has left", {BOB: 50}, CAROL, "leave", left, (BOB, "leave"), carol)
        unban = rejects("unban_power")
        add("unban with kick level, below ban level", {BOB: 50}, CAROL, "leave", unban, BOB, banned, ban=51)
        add("ban with 50", {BOB: 50}, CAROL, "ban", passes(), BOB, carol)
        add("ban with 49", {BOB: 49}, CAROL, "ban", rejects("ban_power"), BOB, carol)
        target = rejects("ban_target_power")
        add("ban of an equal", {BOB: 50, CAROL: 50}, CAROL, "ban", target, BOB, carol)
        add("ban by an invited sender", {BOB: 50}, CAROL, "ban", rejects("ban_sender_not_joined"), (BOB, "invite"), carol)
        if version in VARIED:
            add("kick of a better", {BOB: 50, CAROL: 51}, CAROL, "leave", peer, BOB, carol)
            add("kick of someone below", {BOB: 50, CAROL: 49}, CAROL, "leave", passes(), BOB, carol)
            add("unban with ban level, below kick level", {BOB: 50}, CAROL, "leave", power, BOB, banned, kick=51)
            add("unban of an equal", {BOB: 50, CAROL: 50}, CAROL, "leave", peer, BOB, banned)
            add("unban with 50", {BOB: 50}, CAROL, "leave", passes(), BOB, banned)
            add("invite", {BOB: 50}, CAROL, "invite", passes(), BOB, invite=50)
            add("kick of a user who never came", {BOB: 50}, CAROL, "leave", passes(), BOB)
            add("kick where kick is 0, of an equal 0", {}, CAROL, "leave", peer, BOB, carol, kick=0)
            add("withdrawal of an invite", {BOB: 50}, CAROL, "leave", passes(), BOB, (CAROL, "invite"))
            add("ban of a user who never came", {BOB: 50}, CAROL, "ban", passes(), BOB)
            add("ban of oneself", {BOB: 50}, BOB, "ban", target, BOB)

        joined = rejects("invite_target_joined")
        add("invite below the invite level", {BOB: 49}, CAROL, "invite", rejects("invite_power"), BOB, invite=50)
        add("invite of a member", {BOB: 50}, CAROL, "invite", joined, BOB, carol)
        add("invite of a banned user", {BOB: 50}, CAROL, "invite", rejects("invite_target_banned"), BOB, banned)
        add("invite from outside", {BOB: 50}, CAROL, "invite", rejects("invite_sender_not_joined"))
        if version in VARIED:
            add("invite of someone invited", {BOB: 50}, CAROL, "invite", passes(), BOB, (CAROL, "invite"))
            add("invite by someone invited", {BOB: 50}, CAROL, "invite", rejects("invite_sender_not_joined"), (BOB, "invite"))
            add("invite of oneself", {BOB: 50}, BOB, "invite", joined, BOB)


def joins(corpus):
    e78 = _to("membership", "E78")
    for version in versions():
        v = int(version)
        room = room_of(version, BOB, (CAROL, "ban"), join_rule="public")
        banned, other = rejects("join_banned"), rejects("join_sender_mismatch")
        e78(corpus, "join by a banned user", room, room.change(CAROL, "join"), banned)
        event = room.change(CAROL, "join", cites=room.take("m.room.join_rules"))
        what = "join by a banned user that does not cite the ban"
        e78(corpus, what, room, event, rejects("join_banned", check=5), state=True)
        room = room_of(version, BOB, join_rule="public")
        e78(corpus, "join for someone else", room, room.change(CAROL, "join", BOB), other)
        e78(corpus, "join from outside", room, room.change(CAROL, "join"), passes())
        e78.more(corpus, "join again", room, room.change(BOB, "join"), passes())

        def second(room, user, sender=None, after=1, **content):
            """The event after the create event."""
            before = [room.create] if after == 1 else [room.create, room.event("m.room.topic", ALICE, {}, "")]
            return room.change(user, "join", sender, content, cites=room.take(), after=before)

        room = Room(version, joined=False)
        uninvited = rejects("join_not_invited")
        e78(corpus, "second event: the creator joins", room, second(room, ALICE), passes())
        e78(corpus, "second event: another joins", room, second(room, BOB), uninvited)
        e78.more(corpus, "second event: another of the creator's server joins", room, second(room, DAN), uninvited)
        what = "second event: another makes the creator join, whose sender no rule compares"
        e78(corpus, what, room, second(room, ALICE, BOB), passes())
        e78(corpus, "second event: the creator makes another join", room, second(room, BOB, ALICE), other)
        what = "the creator joins after two events, one of them the create event"
        e78(corpus, what, room, second(room, ALICE, after=2), uninvited)
        event = room.change(ALICE, "join", cites=room.take(), after=[])
        e78.more(corpus, "the creator joins after no event", room, event, uninvited)
        topic = room.event("m.room.topic", ALICE, {}, "")
        event = room.change(ALICE, "join", cites=room.take(), after=[topic])
        e78.more(corpus, "the creator joins after another event", room, event, uninvited)
        what = "second event: content.creator joins, who did not send the create event"
        room = Room(version, joined=False, creator=BOB)
        e78(corpus, what, room, second(room, BOB), passes() if v <= 10 else uninvited)
        what = "second event: the sender of the create event joins, content.creator is another"
        e78(corpus, what, room, second(room, ALICE), uninvited if v <= 10 else passes())
        if v >= 11:
            room = Room(version, joined=False, additional_creators=[BOB])
            e78(corpus, "second event: an additional creator joins", room, second(room, BOB), uninvited)


def shapes(corpus):
    """E79: odd membership events; E80: odd senders."""
    e79, e80 = _to("membership", "E79"), _to("membership", "E80")
    for version in versions():
        room = room_of(version, BOB)

        def member(content, state_key=CAROL, sender=BOB, room=room):
            return room.event("m.room.member", sender, content, state_key)

        unknown, invalid = rejects("membership_unknown"), rejects("member_state_key_invalid")
        for value in (1, "foo", None, "JOIN", "", ["join"], {})[: 7 if version in VARIED else 2]:
            e79(corpus, f"membership {value!r}", room, member({"membership": value}), unknown)
        e79(corpus, "no membership", room, member({}), rejects("member_no_membership"))
        event = member({"membership": "join"}, MISSING)
        e79(corpus, "no state_key", room, event, rejects("member_no_state_key"))
        keys = ("", "bob", "@bob", "@bob:", "@bob:two example", "#bob:two.example")
        for state_key in keys if version in VARIED else ("bob",):
            e79(corpus, f"state_key {state_key!r}, a leave", room, member({"membership": "leave"}, state_key), invalid)
        if version in VARIED:
            e79(corpus, "state_key 'bob', a ban", room, member({"membership": "ban"}, "bob"), invalid)
            event = member({"membership": "ban"}, "@UPPER /:three.example", ALICE)
            e79(corpus, "state_key of a historical user, a ban", room, event, passes())

        for sender in ("@a", "a:b", "@a:b:c:99999", "@a:b c", "@a:")[: 5 if version in VARIED else 3]:
            event = room.message("@alice:one.example")
            event = sign({**event, "sender": sender}, version, ONE)
            e80(corpus, f"sender {sender!r}", room, event, drops("sender_invalid"), auth=None)
        for sender in ("@UPPER:one.example", "@:one.example", "@a b/\u00e4+:one.example", "@a:one.example:99999"):
            room = room_of(version, sender)
            e80(corpus, f"sender {sender!r}, a historical name", room, room.message(sender), passes())
            if version not in VARIED:
                break


SECTIONS = [restricted, restricted_whole, join_rules, knocks, third_party, removals, joins, shapes]
