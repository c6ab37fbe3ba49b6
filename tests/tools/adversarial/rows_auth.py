"""C44-C57: what an event may cite, and the rules about create events; with them small rooms, the numbers of the
rules, and how a line on authorization is written (for the other rows on authorization)."""

from unpaddedbase64 import encode_base64

from . import auth_model
from .corpus import DEFAULT, FETCHED, KEYS_ONE, KEYS_TWO, MISSING, ONE, TS, TWO, Key, draft, response, sign, text_of
from .model import event_id, reference_digest, sha256, without

THREE = Key("three.example", "ed25519:key_3")
KEYS_THREE = response(THREE)
KEYS = (KEYS_ONE, KEYS_TWO, KEYS_THREE)
SIGNERS = {key.server: key for key in (ONE, TWO, THREE)}
ALICE, BOB, CAROL, DAN = "@alice:one.example", "@bob:two.example", "@carol:three.example", "@dan:one.example"

# Room versions whose rules have the same numbers.
GROUPS = (("1", "2"), ("3", "4", "5"), ("6",), ("7",), ("8", "9"), ("10",), ("11",), ("12",))

# The number of the rule that rejects, in the columns of GROUPS. What follows a slash tells two rules of a code apart.
_RULES = """
create_has_prev_events                 1.1     1.1     1.1     1.1     1.1     1.1     1.1     1.1
create_room_id_domain                  1.2     1.2     1.2     1.2     1.2     1.2     1.2     -
create_has_room_id                     -       -       -       -       -       -       -       1.2
create_room_version_unknown            1.3     1.3     1.3     1.3     1.3     1.3     1.3     1.3
create_no_creator                      1.4     1.4     1.4     1.4     1.4     1.4     -       -
create_additional_creators_invalid     -       -       -       -       -       -       -       1.4
room_id_not_create_event               -       -       -       -       -       -       -       2
create_event_rejected                  -       -       -       -       -       -       -       2
auth_events_duplicate                  2.1     2.1     2.1     2.1     2.1     2.1     2.1     3.1
auth_event_not_selected                2.2     2.2     2.2     2.2     2.2     2.2     2.2     3.2
auth_event_not_state                   2.2     2.2     2.2     2.2     2.2     2.2     2.2     3.2
auth_event_rejected                    2.3     2.3     2.3     2.3     2.3     2.3     2.3     3.3
auth_events_no_create                  2.4     2.4     2.4     2.4     2.4     2.4     2.4     -
auth_event_other_room                  2.5     2.5     2.5     2.5     2.5     2.5     2.5     3.4
room_not_federated                     3       3       3       3       3       3       3       4
aliases_no_state_key                   4.1     4.1     -       -       -       -       -       -
aliases_wrong_server                   4.2     4.2     -       -       -       -       -       -
member_no_state_key                    5.1     5.1     4.1     4.1     4.1     4.1     4.1     5.1
member_state_key_invalid               5.1     5.1     4.1     4.1     4.1     4.1     4.1     5.1
member_no_membership                   5.1     5.1     4.1     4.1     4.1     4.1     4.1     5.1
join_authoriser_not_signed             -       -       -       -       4.2.1   4.2.1   4.2.1   5.2.1
join_authoriser_invalid                -       -       -       -       4.2.1   4.2.1   4.2.1   5.2.1
join_sender_mismatch                   5.2.2   5.2.2   4.2.2   4.2.2   4.3.2   4.3.2   4.3.2   5.3.2
join_banned                            5.2.3   5.2.3   4.2.3   4.2.3   4.3.3   4.3.3   4.3.3   5.3.3
join_not_invited                       5.2.6   5.2.6   4.2.6   4.2.6   4.3.7   4.3.7   4.3.7   5.3.7
join_rule_forbids                      5.2.6   5.2.6   4.2.6   4.2.6   4.3.7   4.3.7   4.3.7   5.3.7
join_restricted_no_authoriser          -       -       -       -       4.3.5.2 4.3.5.2 4.3.5.2 5.3.5.2
join_restricted_authoriser_not_joined  -       -       -       -       4.3.5.2 4.3.5.2 4.3.5.2 5.3.5.2
join_restricted_authoriser_power       -       -       -       -       4.3.5.2 4.3.5.2 4.3.5.2 5.3.5.2
third_party_invite_target_banned       5.3.1.1 5.3.1.1 4.3.1.1 4.3.1.1 4.4.1.1 4.4.1.1 4.4.1.1 5.4.1.1
third_party_invite_no_signed           5.3.1.2 5.3.1.2 4.3.1.2 4.3.1.2 4.4.1.2 4.4.1.2 4.4.1.2 5.4.1.2
third_party_invite_no_mxid             5.3.1.3 5.3.1.3 4.3.1.3 4.3.1.3 4.4.1.3 4.4.1.3 4.4.1.3 5.4.1.3
third_party_invite_no_token            5.3.1.3 5.3.1.3 4.3.1.3 4.3.1.3 4.4.1.3 4.4.1.3 4.4.1.3 5.4.1.3
third_party_invite_mxid_mismatch       5.3.1.4 5.3.1.4 4.3.1.4 4.3.1.4 4.4.1.4 4.4.1.4 4.4.1.4 5.4.1.4
third_party_invite_unknown_token       5.3.1.5 5.3.1.5 4.3.1.5 4.3.1.5 4.4.1.5 4.4.1.5 4.4.1.5 5.4.1.5
third_party_invite_sender_mismatch     5.3.1.6 5.3.1.6 4.3.1.6 4.3.1.6 4.4.1.6 4.4.1.6 4.4.1.6 5.4.1.6
third_party_invite_not_signed          5.3.1.8 5.3.1.8 4.3.1.8 4.3.1.8 4.4.1.8 4.4.1.8 4.4.1.8 5.4.1.8
invite_sender_not_joined               5.3.2   5.3.2   4.3.2   4.3.2   4.4.2   4.4.2   4.4.2   5.4.2
invite_target_joined                   5.3.3   5.3.3   4.3.3   4.3.3   4.4.3   4.4.3   4.4.3   5.4.3
invite_target_banned                   5.3.3   5.3.3   4.3.3   4.3.3   4.4.3   4.4.3   4.4.3   5.4.3
invite_power                           5.3.5   5.3.5   4.3.5   4.3.5   4.4.5   4.4.5   4.4.5   5.4.5
leave_not_member                       5.4.1   5.4.1   4.4.1   4.4.1   4.5.1   4.5.1   4.5.1   5.5.1
kick_sender_not_joined                 5.4.2   5.4.2   4.4.2   4.4.2   4.5.2   4.5.2   4.5.2   5.5.2
unban_power                            5.4.3   5.4.3   4.4.3   4.4.3   4.5.3   4.5.3   4.5.3   5.5.3
kick_power                             5.4.5   5.4.5   4.4.5   4.4.5   4.5.5   4.5.5   4.5.5   5.5.5
kick_target_power                      5.4.5   5.4.5   4.4.5   4.4.5   4.5.5   4.5.5   4.5.5   5.5.5
ban_sender_not_joined                  5.5.1   5.5.1   4.5.1   4.5.1   4.6.1   4.6.1   4.6.1   5.6.1
ban_power                              5.5.3   5.5.3   4.5.3   4.5.3   4.6.3   4.6.3   4.6.3   5.6.3
ban_target_power                       5.5.3   5.5.3   4.5.3   4.5.3   4.6.3   4.6.3   4.6.3   5.6.3
knock_join_rule                        -       -       -       4.6.1   4.7.1   4.7.1   4.7.1   5.7.1
knock_sender_mismatch                  -       -       -       4.6.2   4.7.2   4.7.2   4.7.2   5.7.2
knock_membership                       -       -       -       4.6.4   4.7.4   4.7.4   4.7.4   5.7.4
membership_unknown                     5.6     5.6     4.6     4.7     4.8     4.8     4.8     5.8
sender_not_joined                      6       6       5       5       5       5       5       6
third_party_invite_power               7.1     7.1     6.1     6.1     6.1     6.1     6.1     7.1
event_power                            8       8       7       7       7       7       7       8
state_key_not_sender                   9       9       8       8       8       8       8       9
power_levels_value_invalid             -       -       -       -       -       9.1     9.1     10.1
power_levels_events_invalid            -       -       -       -       -       9.2     9.2     10.2
power_levels_notifications_invalid     -       -       -       -       -       9.2     9.2     10.2
power_levels_users_invalid             10.1    10.1    9.1     9.1     9.1     9.3     9.3     10.3
power_levels_user_id_invalid           10.1    10.1    9.1     9.1     9.1     9.3     9.3     10.3
power_levels_user_level_invalid        10.1    10.1    9.1     9.1     9.1     9.3     9.3     10.3
power_levels_creator_listed            -       -       -       -       -       -       -       10.4
power_levels_value_current             10.3.1  10.3.1  9.3.1   9.3.1   9.3.1   9.5.1   9.5.1   10.6.1
power_levels_value_new                 10.3.2  10.3.2  9.3.2   9.3.2   9.3.2   9.5.2   9.5.2   10.6.2
power_levels_event_current             10.4.1  10.4.1  9.4.1   9.4.1   9.4.1   9.6.1   9.6.1   10.7.1
power_levels_event_new                 10.5.1  10.5.1  9.5.1   9.5.1   9.5.1   9.7.1   9.7.1   10.8.1
power_levels_notification_current      -       -       9.4.1   9.4.1   9.4.1   9.6.1   9.6.1   10.7.1
power_levels_notification_new          -       -       9.5.1   9.5.1   9.5.1   9.7.1   9.7.1   10.8.1
power_levels_user_current              10.6.1  10.6.1  9.6.1   9.6.1   9.6.1   9.8.1   9.8.1   10.9.1
power_levels_user_new                  10.7.1  10.7.1  9.7.1   9.7.1   9.7.1   9.9.1   9.9.1   10.10.1
power_level_unreadable/event           8       8       7       7       7       7       7       8
power_level_unreadable/invite          5.3.4   5.3.4   4.3.4   4.3.4   4.4.4   4.4.4   4.4.4   5.4.4
power_level_unreadable/scalar          10.3    10.3    9.3     9.3     9.3     -       -       -
power_level_unreadable/entry           10.4    10.4    9.4     9.4     9.4     -       -       -
redaction_power                        11.3    -       -       -       -       -       -       -
"""
RULES = {line.split()[0]: line.split()[1:] for line in _RULES.strip().split("\n")}


def rule_of(code, version):
    rule = RULES[code][next(n for n, group in enumerate(GROUPS) if version in group)]
    assert rule != "-", (code, version)
    return rule


_turn = {}


def versions(first=1, last=12, all_of=()):
    """One room version of each group from `first` to `last` in turn (all of them in the groups named by a member)."""
    out = []
    for group in GROUPS:
        group = [version for version in group if first <= int(version) <= last]
        if group and set(group) & set(all_of):
            out += group
        elif group:
            _turn[group[0]] = _turn.get(group[0], -1) + 1
            out.append(group[_turn[group[0]] % len(group)])
    return out

# Where variations of a case are made that all groups have.
VARIED = ("8", "9", "12")


# --- rooms --------------------------------------------------------------------------------------------


def domain(identifier):
    return identifier.split(":", 1)[1]


class Room:
    """A small room. Alice makes it and joins; `add` lets it grow. What is in its state need not be allowed."""

    def __init__(self, version, sender=ALICE, joined=True, room_id="!room:one.example", fields=None, **content):
        self.version, self.v = version, int(version)
        self.known, self.state, self.last, self.count = {}, {}, None, 0
        self.room_id = MISSING if self.v >= 12 else room_id
        content = {"room_version": version, **({"creator": sender} if self.v <= 10 else {}), **content}
        content = {key: value for key, value in content.items() if value is not MISSING}
        self.create = self.add("m.room.create", sender, content, "", cites=[], **(fields or {}))
        if self.v >= 12:
            self.room_id = "!" + self.id(self.create)[1:]
        if joined:
            self.member(sender, "join")

    def id(self, event):
        return event_id(event, self.version)

    def reference(self, event):
        digest = {"sha256": encode_base64(reference_digest(event, self.version))}
        return [event["event_id"], digest] if self.v <= 2 else self.id(event)

    def keys_to_cite(self, kind, sender, content, state_key):
        content = content if isinstance(content, dict) else {}
        keys = [("m.room.create", ""), ("m.room.power_levels", ""), ("m.room.member", sender)]
        if kind == "m.room.member":
            keys += [("m.room.member", state_key)]
            if content.get("membership") in ("join", "invite", "knock"):
                keys += [("m.room.join_rules", "")]
            invite = content.get("third_party_invite")
            if content.get("membership") == "invite" and isinstance(invite, dict) and isinstance(invite.get("signed"), dict):
                keys += [("m.room.third_party_invite", str(invite["signed"].get("token")))]
            if content.get("membership") == "join" and self.v >= 8:
                authoriser = content.get("join_authorised_via_users_server")
                keys += [("m.room.member", authoriser)] if isinstance(authoriser, str) else []
        return dict.fromkeys(keys[1:] if self.v >= 12 else keys)

    def take(self, *keys):
        """Events to cite: the create event where that is cited, then those of the state by type, or type and key."""
        keys = [key if isinstance(key, tuple) else (key, "") for key in keys]
        return ([self.create] if self.v <= 11 else []) + [self.state[key] for key in keys]

    def event(self, kind, sender, content, state_key=MISSING, cites=DEFAULT, after=DEFAULT, by=DEFAULT, **fields):
        """A signed event. cites and after: events; by: the keys that sign it (of the sender's server)."""
        if cites is DEFAULT:
            keys = self.keys_to_cite(kind, sender, content, state_key)
            cites = [self.state[key] for key in keys if key in self.state]
        after = [self.last] if after is DEFAULT and self.last else [] if after is DEFAULT else after
        fields = {
            "sender": sender, "room_id": self.room_id, "origin_server_ts": TS + self.count, "depth": self.count + 1,
            "prev_events": list(map(self.reference, after)), "auth_events": list(map(self.reference, cites)),
            "state_key": state_key, **fields,
        }  # fmt: skip
        if self.v <= 2:
            server = domain(sender) if ":" in sender else "one.example"
            fields.setdefault("event_id", f"${self.room_id[1]}{len(self.known)}:{server}")
        event = draft(self.version, kind, content, **fields)
        keys = [SIGNERS.get(domain(sender), ONE) if ":" in sender else ONE] if by is DEFAULT else by
        event = sign(event, self.version, *keys) if keys else sign(event, self.version) | {"signatures": {}}
        self.known[self.id(event)] = event
        return event

    def add(self, kind, sender, content, state_key=MISSING, **fields):
        """An event of the room's history. Nobody asks for its signatures, nor what else it cites than the create event."""
        fields = {"cites": [self.create] if self.v <= 11 and self.known else []} | fields
        event = self.event(kind, sender, content, state_key, by=[], **fields)
        self.count += 1
        self.last = event
        if state_key is not MISSING:
            self.state[kind, state_key] = event
        return event

    def member(self, user, membership, sender=None, **content):
        return self.add("m.room.member", sender or user, {"membership": membership, **content}, user)

    def power(self, **content):
        return self.add("m.room.power_levels", ALICE, content, "")

    def join_rule(self, rule, **content):
        content = {**({} if rule is MISSING else {"join_rule": rule}), **content}
        return self.add("m.room.join_rules", ALICE, content, "")

    def message(self, sender=BOB, kind="m.room.message", **fields):
        return self.event(kind, sender, {"body": "x"}, **fields)

    def change(self, user, membership, sender=None, content=None, **fields):
        """A membership event to be judged."""
        return self.event("m.room.member", sender or user, {"membership": membership, **(content or {})}, user, **fields)


def room_of(version, *members, power=None, join_rule=None, **fields):
    """A room with power levels and members, who are names or (name, membership)."""
    room = Room(version, **fields)
    if power is not None:
        room.power(**power)
    if join_rule is not None:
        room.join_rule(join_rule)
    for member in members:
        room.member(*((member, "join") if isinstance(member, str) else member))
    return room


# --- lines --------------------------------------------------------------------------------------------


def passes(*flags):
    return {"outcome": "accepted", "flags": flags}


def rejects(code, *flags, check=4):
    return {"outcome": "rejected" if check <= 5 else "soft_failed", "check": check, "code": code, "flags": flags}


def drops(code):
    return {"outcome": "dropped", "check": 1, "code": code, "flags": []}


def lacks(code, *missing):
    return {"outcome": "incomplete", "check": 4, "code": code, "missing": list(missing), "flags": ()}


def _completed(expect, version, *flags):
    """The expectation with the rule's number, and with the flags that all such lines have."""
    out = dict(expect)
    if out["outcome"] in ("rejected", "soft_failed") and out["check"] <= 6:
        out["rule"] = rule_of(out["code"], version)
    out["code"] = out["code"].split("/")[0] if "code" in out else None
    out["flags"] = sorted({*out["flags"], *flags})
    return {key: out[key] for key in ("outcome", "check", "rule", "code", "missing", "flags") if out.get(key) is not None}


def _cited(room, event):
    ids = [one[0] if room.v <= 2 else one for one in event["auth_events"]]
    return [room.known[one] for one in dict.fromkeys(ids)]


def judged(corpus, file, row, what, room, event, expect, auth=DEFAULT, state=None, rejected=(), create=DEFAULT, keys=None):
    """A line for check_auth. auth: the cited events unless given, or None; state: True for all of the room's."""
    line = {"call": "check_auth", "room_version": room.version, "event": text_of(event)}
    if auth is not None:
        line["auth_events"] = list(map(text_of, _cited(room, event) if auth is DEFAULT else auth))
    if state is not None:
        line["state"] = list(map(text_of, room.state.values() if state is True else state))
    line["rejected"] = [room.id(one) for one in rejected]
    if room.v >= 12 and event["type"] != "m.room.create" and create is not None:
        line["create_event"] = text_of(room.create if create is DEFAULT else create)
    if keys is not None:
        line["keys"] = list(keys)
    line["fetched_ts"] = FETCHED
    flags = ["signatures_unchecked"] if keys is None and expect["outcome"] != "dropped" else []
    expect = _completed(expect, room.version, *flags)
    second = auth_model.check_auth(line)
    assert second == expect, (row, what, room.version, expect, second)
    corpus.add(file, row, f"{what}, v{room.version}", line | {"expect": expect})


def received(corpus, file, row, what, room, event, expect, redacted=None, state=DEFAULT, current=DEFAULT, keys=KEYS):
    """A line for receive, all seven checks. redacted: the expectation after a content hash that differs."""
    line = {"call": "receive", "room_version": room.version, "event": text_of(event)}
    line["auth_events"] = list(map(text_of, _cited(room, event)))
    line["state"] = list(map(text_of, room.state.values() if state is DEFAULT else state))
    line["rejected"] = []
    if room.v >= 12:
        line["create_event"] = text_of(room.create)
    line["current_state"] = list(map(text_of, room.state.values() if current is DEFAULT else current))
    line |= {"keys": list(keys), "fetched_ts": FETCHED}
    expect = _completed(expect, room.version) | {"redacted": redacted is not None}
    if redacted is not None:
        then = without(_completed(redacted, room.version), "outcome", "flags")
        expect |= {"outcome": redacted["outcome"], "check": 3, "code": "content_hash_mismatch"}
        expect |= {"then": then} if then else {}
    second = auth_model.receive(line)
    assert second == expect, (row, what, room.version, expect, second)
    corpus.add(file, row, f"{what}, v{room.version}", line | {"expect": expect})


# --- C44-C50: what an event may cite ------------------------------------------------------------------


def _to(file, row, add=judged, varied=VARIED):
    """`judged` or `received` with the file and the row filled in; `.more` for variations of a case."""

    def line(corpus, what, room, *args, **kw):
        add(corpus, file, row, what, room, *args, **kw)

    def more(corpus, what, room, *args, **kw):
        if room.version in varied:
            line(corpus, what, room, *args, **kw)

    line.more = more
    return line


def selection(corpus):
    c44, c45, c46 = (_to("auth_events", row) for row in ("C44", "C45", "C46"))
    for version in versions():
        room = room_of(version, BOB, power={"users": {BOB: 50}}, join_rule="public")
        create = [] if version == "12" else [room.create]
        power = room.state["m.room.power_levels", ""]
        alice, bob = room.state["m.room.member", ALICE], room.state["m.room.member", BOB]
        rules = room.state["m.room.join_rules", ""]
        good = [*create, power, bob]

        def cites(*events, sender=BOB):
            return room.message(sender, cites=events)

        c44(corpus, "cites all that the selection names", room, cites(*good), passes())
        stray = room.event("m.room.message", ALICE, {"body": "x"})
        expect = rejects("auth_event_not_state")
        c44(corpus, "cites a message", room, cites(*good, stray), expect)
        c44.more(corpus, "cites a message and the create event alone", room, cites(*create, stray), expect)
        stray = room.event("m.room.member", BOB, {"membership": "join"})
        what = "cites a member event without state_key in place of the sender's"
        c44(corpus, what, room, cites(*create, power, stray), expect)
        stray = room.event("m.room.power_levels", BOB, {"users": {BOB: 100}})
        c44.more(corpus, "cites power levels without state_key", room, cites(*create, stray, bob), expect)

        expect = rejects("auth_events_duplicate")
        c45(corpus, "cites the power levels twice", room, cites(*good, power), expect)
        c45.more(corpus, "cites the sender's membership twice, apart", room, cites(bob, *create, power, bob), expect)
        other = room.event("m.room.power_levels", ALICE, {"users": {BOB: 100}}, "")
        c45(corpus, "cites two power levels events", room, cites(*good, other), expect)
        other = room.event("m.room.member", BOB, {"membership": "leave"}, BOB)
        c45(corpus, "cites the sender's join and leave", room, cites(*good, other), expect)
        if create:
            c45(corpus, "cites the create event twice", room, cites(*create, *create, power, bob), expect)
        if room.v <= 2:
            event = cites(*good)
            event["auth_events"].append([event["auth_events"][1][0], {"sha256": encode_base64(bytes(32))}])
            what = "cites the power levels twice, once with another hash"
            expect = rejects("auth_events_duplicate", "reference_hash_mismatch")
            c45(corpus, what, room, sign(event, version, TWO), expect)

        expect = rejects("auth_event_not_selected")
        c46(corpus, "cites fewer than the selection names", room, cites(*create, bob), passes())
        others = {
            "a topic": room.event("m.room.topic", ALICE, {"topic": "x"}, ""),
            "another user's membership": alice,
            "the join rules": rules,
        }
        if version in VARIED:
            others |= {
                "power levels with a state key": room.event("m.room.power_levels", ALICE, {"users": {BOB: 100}}, "x"),
                "a policy": room.event("m.room.policy", ALICE, {}, ""),
                "a third-party invite": room.event("m.room.third_party_invite", ALICE, {}, "token"),
            }
        for what, event in others.items():
            c46(corpus, f"a message cites {what}", room, cites(*good, event), expect)
        if version in VARIED and room.v <= 11:
            other = room.event("m.room.create", ALICE, room.create["content"], "x", cites=[], after=[])
            c46(corpus, "a message cites a create event with a state key", room, cites(*good, other), expect)
        leave = room.change(BOB, "leave", cites=[*good, rules])
        c46(corpus, "a leave cites the join rules", room, leave, expect)
        if version in VARIED:
            ban = room.change(CAROL, "ban", BOB, cites=[*good, rules])
            c46(corpus, "a ban cites the join rules", room, ban, expect)
            kick = room.change(CAROL, "leave", BOB, cites=[*good, alice])
            c46(corpus, "a kick cites a third user's membership", room, kick, expect)
        join = room.change(CAROL, "join", cites=[*create, power, rules])
        c46.more(corpus, "a join cites the join rules", room, join, passes())
        via = {"join_authorised_via_users_server": BOB}
        join = room.change(CAROL, "join", content=via, cites=[*create, power, rules, bob], by=[THREE, TWO])
        what = "a join cites the membership of the user who authorises it"
        c46(corpus, what, room, join, passes() if room.v >= 8 else expect)
        if room.v >= 8:
            invite = room.change(CAROL, "invite", BOB, via, cites=[*good, rules, alice], by=[TWO])
            what = "an invite that names an authoriser cites a third user's membership"
            c46(corpus, what, room, invite, expect)
            via = {"join_authorised_via_users_server": ALICE}
            invite = room.change(CAROL, "invite", BOB, via, cites=[*good, rules, alice], by=[TWO, ONE])
            c46(corpus, "an invite cites the membership of the authoriser it names", room, invite, expect)


def cited_events(corpus):
    """C47-C50: what the cited events themselves are."""
    c47, c48, c49, c50 = (_to("auth_events", row) for row in ("C47", "C48", "C49", "C50"))
    for version in versions():
        room = room_of(version, BOB, power={"users": {BOB: 50}})
        create = [] if version == "12" else [room.create]
        power, bob = room.state["m.room.power_levels", ""], room.state["m.room.member", BOB]
        good = [*create, power, bob]
        message = room.message(cites=good)

        other = room_of(version, BOB, power={"users": {BOB: 100}}, room_id="!other:one.example", topic="other")
        assert other.room_id != room.room_id
        room.known |= {other.id(event): event for event in other.known.values()}
        expect = rejects("auth_event_other_room")
        theirs = other.state["m.room.power_levels", ""]
        c47(corpus, "cites another room's power levels", room, room.message(cites=[*create, theirs, bob]), expect)
        theirs = other.state["m.room.member", BOB]
        c47(corpus, "cites the sender's membership in another room", room, room.message(cites=[*create, power, theirs]), expect)
        if create:
            event = room.message(cites=[other.create, power, bob])
            c47(corpus, "cites another room's create event", room, event, expect)
            event = room.message(cites=list(other.state.values())[:1] + [*other.state.values()][2:])
            c47(corpus, "cites nothing but events of another room", room, event, expect)

        given = [[*create, bob], [*create], []]
        for what, events in zip(("the power levels are", "two cited events are", "all cited events are"), given):
            missing = [room.id(event) for event in good if event not in events]
            line = c48.more if what.startswith("all") else c48
            line(corpus, f"{what} not to be had", room, message, lacks("auth_event_missing", *missing), auth=events)
        what = "a topic event stands in for a cited event that is not to be had"
        topic = room.event("m.room.topic", ALICE, {"topic": "x"}, "")
        c48.more(corpus, what, room, message, lacks("auth_event_missing", room.id(power)), auth=[*create, bob, topic])
        what = "more events are given than are cited"
        c48.more(corpus, what, room, message, passes(), auth=[*good, topic, *room.state.values()][: 6 if create else 5])
        if version == "12":
            expect = lacks("create_event_missing", room.id(room.create))
            c48(corpus, "the create event is not to be had", room, message, expect, create=None)
        else:
            expect = lacks("auth_event_missing", room.id(room.create))
            c48(corpus, "the create event is not to be had", room, message, expect, auth=[power, bob])

        expect = rejects("auth_event_rejected")
        c49(corpus, "cites power levels that were rejected", room, message, expect, rejected=[power])
        c49(corpus, "cites a membership that was rejected", room, message, expect, rejected=[topic, bob])
        if create:
            c49(corpus, "cites a create event that was rejected", room, message, expect, rejected=create)
        c49(corpus, "an event was rejected that it does not cite", room, message, passes(), rejected=[topic])

        if create:
            expect = rejects("auth_events_no_create")
            c50(corpus, "cites no create event", room, room.message(cites=[power, bob]), expect)
            c50(corpus, "cites nothing", room, room.message(cites=[]), expect)
        else:
            expect = rejects("auth_event_not_selected")
            c50(corpus, "cites the create event", room, room.message(cites=[room.create, *good]), expect)
            c50(corpus, "cites nothing but the create event", room, room.message(cites=[room.create]), expect)
            c50(corpus, "cites nothing", room, room.message(cites=[]), rejects("sender_not_joined"))
            join = room.event("m.room.member", ALICE, {"membership": "join"}, ALICE, cites=[], after=[room.create])
            c50(corpus, "the creator's join cites nothing", room, join, passes())


# --- C51-C57: create events, and whose events they let in ---------------------------------------------


def create_events(corpus):
    c51, c52, c53, c54, c55 = (_to("auth_events", f"C{n}") for n in range(51, 56))

    def made(version, fields=None, **content):
        return Room(version, joined=False, fields=fields, **content)

    def add(line, what, room, expect):
        line(corpus, what, room, room.create, expect, auth=None)

    for version in versions():
        v = int(version)
        add(c51, "a create event", made(version), passes())
        room = made(version)
        before = room.event("m.room.message", ALICE, {"body": "x"}, cites=[], after=[])
        add(c51, "create event with prev_events", made(version, {"after": [before]}), rejects("create_has_prev_events"))
        odd = ("", "1.0", " 6", True, {}) if v in (1, 2, 12) else ()
        for value in ("99", 6, None, [], *odd):
            what = f"create event with room_version {value!r}"
            add(c51, what, made(version, room_version=value), rejects("create_room_version_unknown"))
        for value in ("1", "11") if v == 12 else ("12",):
            what = f"create event with room_version {value!r}"
            add(c51, what, made(version, room_version=value), passes("create_room_version_differs"))
        what = "create event that cites an event, which no rule forbids"
        add(c51, what, made(version, {"auth_events": [room.reference(before)]}), passes())

        if v <= 11:
            expect = rejects("create_no_creator") if v <= 10 else passes()
            add(c52, "create event without creator", made(version, creator=MISSING), expect)
            for value in (None, 1, "", BOB):
                add(c52, f"create event whose creator is {value!r}", made(version, creator=value), passes())
            ids = {"another server's": "!room:two.example", "the same host's with a port": "!room:one.example:8448"}
            if version in VARIED:
                ids |= {"in upper case": "!room:ONE.EXAMPLE", "a subdomain's": "!room:a.one.example"}
            for what, room_id in ids.items():
                room = Room(version, joined=False, room_id=room_id)
                add(c52, f"create event with a room id that is {what}", room, rejects("create_room_id_domain"))
            room = Room(version, joined=False, sender="@alice:one.example:8448", room_id="!a:b:one.example:8448")
            add(c52, "room id with another colon: all after the first is the domain", room, drops("room_id_invalid"))
            room = Room(version, joined=False, sender="@alice:one.example:8448", room_id="!a:one.example:8448")
            add(c52, "room id and sender of the same host and port", room, passes())
        else:
            what = "create event without creator"
            add(c52, what, made(version), passes())
            add(c52, "create event with a creator, which means nothing here", made(version, creator=BOB), passes())

        content = {
            "predecessor": "$before", "type": 7, "m.federate": "x", "additional_creators": "x",
            "room_alias_name": [None], "creator_display": {"": {}},
        }  # fmt: skip
        content |= {"additional_creators": []} if v >= 12 else {}
        add(c55, "create event with unused fields of odd types", made(version, **content), passes())
        add(c55, "create event whose predecessor is null", made(version, predecessor=None, type=[]), passes())


def create_events_v12(corpus):
    """C53, C54: the room id is the create event's, and there may be more than one creator."""
    c53, c54 = _to("auth_events", "C53"), _to("auth_events", "C54")
    version, nowhere = "12", "!" + encode_base64(sha256(b"nowhere"), urlsafe=True)
    for what, room_id in (
        ("a room id that is another event's", nowhere), ("a room id of older rooms", "!room:one.example"),
        ("room_id null", None), ("an empty room_id", ""),
    ):  # fmt: skip
        room = Room(version, joined=False, fields={"room_id": room_id})
        expect = rejects("create_has_room_id")
        c53(corpus, f"create event with {what}", room, room.create, expect, auth=None)

    room = room_of(version, BOB, power={"users": {BOB: 50}})
    message = room.message()
    c53(corpus, "a message whose room id is the create event's", room, message, passes())
    wrong = rejects("room_id_not_create_event")
    other = Room(version, joined=False, topic="other")
    c53(corpus, "another create event is given", room, message, wrong, create=other.create)
    c53(corpus, "another event of the room is given as the create event", room, message, wrong, create=room.last)
    c53(corpus, "the create event was rejected", room, message, rejects("create_event_rejected"), rejected=[room.create])
    c53(corpus, "another create event was rejected", room, message, passes(), rejected=[other.create])
    room.room_id = nowhere
    c53(corpus, "a message whose room id is that of no event at hand", room, room.message(cites=[]), wrong)
    for what, fields, content in (
        ("has prev_events", {"prev_events": [room.reference(room.last)]}, {}),
        ("has a room id", {"room_id": nowhere}, {}),
        ("has an unknown room version", {}, {"room_version": "99"}),
        ("names creators that are none", {}, {"additional_creators": [1]}),
    ):
        room = Room(version, fields=fields, **content)
        c53(corpus, f"the create event that the room id names {what}", room, room.message(ALICE), wrong)
    room = Room(version)
    topic = room.event("m.room.topic", ALICE, {"topic": "x"}, "")
    room.room_id = "!" + room.id(topic)[1:]
    message = room.message(ALICE, cites=[])
    c53(corpus, "the room id is a topic event's", room, message, wrong, create=topic)

    invalid = rejects("create_additional_creators_invalid")
    for creators, expect in (
        ("x", invalid), ([1], invalid), (["@"], invalid), ([], passes()), ([BOB], passes()), (None, invalid), ({}, invalid),
        ([BOB, None], invalid), (["bob:two.example"], invalid), (["@bob"], invalid), ([[BOB]], invalid), (BOB, invalid),
        (["@bob:two example"], invalid), ([BOB, BOB], passes()), ([ALICE], passes()), (["@:two.example"], passes()),
        (["@B\u00f6b/:two.example"], passes()), (["@bob:two.example:99999"], passes()), (["@bob:two.example:123456"], invalid),
        ([""], invalid), (["@bob:"], invalid),
    ):  # fmt: skip
        room = Room(version, joined=False, additional_creators=creators)
        c54(corpus, f"additional_creators {creators!r}", room, room.create, expect, auth=None)


def federation(corpus):
    """C56: m.federate; C57: events of others' names."""
    c56, c57 = _to("auth_events", "C56"), _to("auth_events", "C57")
    for version in versions():
        users = {"users": {BOB: 50}}

        def closed(value, *members, **content):
            return room_of(version, *members, power=users, join_rule="public", **{"m.federate": value}, **content)

        room = closed(False, BOB, DAN)
        expect = rejects("room_not_federated")
        c56(corpus, "m.federate false, sender of another server", room, room.message(BOB), expect)
        c56(corpus, "m.federate false, sender of the creator's server", room, room.message(DAN), passes())
        join = room.change(CAROL, "join")
        c56.more(corpus, "m.federate false, join from another server", room, join, expect)
        what = "m.federate false, an invite to another server: the target is not asked"
        c56.more(corpus, what, room, room.change(CAROL, "invite", DAN), passes())
        far = "@eve:one.example:8448"
        room.member(far, "join")
        what = "m.federate false, sender of the same host with a port"
        c56(corpus, what, room, room.message(far), expect)
        for value in ("false", None, 0, True) if version in VARIED else ("false",):
            room = closed(value, BOB)
            c56(corpus, f"m.federate {value!r} is not the boolean false", room, room.message(BOB), passes())

        room = room_of(version, BOB, power=users)
        cases = [("another user", CAROL, rejects("state_key_not_sender")), ("the sender", BOB, passes())]
        more = (
            ("the sender with a port", BOB + ":8448", rejects("state_key_not_sender")),
            ("@ alone", "@", rejects("state_key_not_sender")),
            ("the sender in upper case", BOB.upper(), rejects("state_key_not_sender")),
            ("another user without the @", CAROL[1:], passes()),
            ("a space before another user", " " + CAROL, passes()),
        )
        for what, state_key, expect in (*cases, *more) if version in VARIED else cases:
            event = room.event("x.own", BOB, {}, state_key)
            c57(corpus, f"state_key: {what}", room, event, expect)

        for what, sender, state_key, early, late in (
            ("without state_key", BOB, MISSING, rejects("aliases_no_state_key"), passes()),
            ("for the sender's server", BOB, "two.example", passes(), passes()),
            ("for another server", BOB, "one.example", rejects("aliases_wrong_server"), passes()),
            ("for the sender's server with a port", BOB, "two.example:1", rejects("aliases_wrong_server"), passes()),
            ("for the sender, not the server", BOB, BOB, rejects("aliases_wrong_server"), passes()),
            ("of someone who is not in the room", CAROL, "three.example", passes(), rejects("sender_not_joined")),
        ):
            if room.v > 5 and version not in VARIED:
                continue
            event = room.event("m.room.aliases", sender, {"aliases": []}, state_key)
            c57(corpus, f"aliases {what}", room, event, early if room.v <= 5 else late)


SECTIONS = [selection, cited_events, create_events, create_events_v12, federation]
