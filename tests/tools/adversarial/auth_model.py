"""Checks 4 to 7 and server ACLs, worked out from the text of a line alone: the slow, literal way.

The rules are transcribed from the pages of the room versions, one after another and with nothing shared
between two of them; their numbers come from OUTLINE, which counts the items of those pages. The rows write
each verdict down by hand; this is the second opinion they are held against. Checks 1 to 3 are judge.py's.
"""

import json
import re

from .judge import (
    POLICY_KEY, SERVER, Refused, _base64, _find_key, check_format, check_signatures, judge, key_of, parse,
)  # fmt: skip
from .model import VERSIONS, canonical, event_id, libsodium_accepts, redact, reference_digest, signed_bytes, without

# The numbered lists of the pages, an item a line. What follows a name: the room versions that have the item.
OUTLINE = """
create
  prev_events
  room_id
  room_version
  creator 1-10
  additional_creators 12-12
  allow
create_event 12-12
auth_events
  duplicate
  selection
  rejected
  no_create 1-11
  room
federate
aliases 1-5
  state_key
  server
  allow
member
  shape
  authoriser 8-12
    signed
  join
    first
    sender
    banned
    invite
    restricted 8-12
      member
      authoriser
      allow
    public
    otherwise
  invite
    third_party
      banned
      signed
      mxid_and_token
      mxid
      event
      sender
      key
      otherwise
    sender
    target
    level
    otherwise
  leave
    self
    sender
    unban
    kick
    otherwise
  ban
    sender
    level
    otherwise
  knock 7-12
    join_rule
    sender
    membership
    otherwise
  otherwise
joined
third_party_invite
  level
level
state_key
power_levels
  values 10-12
  entries 10-12
  users
  creators 12-12
  first
  changed_values
    current
    new
  current_entries
    level
  new_entries
    level
  current_users
    level
  new_users
    level
  allow
redaction 1-2
  level
  domain
  otherwise
allow
"""

INFINITE = float("inf")  # greater than every integer, equal to itself
SCALARS = ("users_default", "events_default", "state_default", "ban", "redact", "kick", "invite")


def numbers(version):
    """The number of every item of a room version's rules, by the path of its name."""
    out, path, counts = {}, [], [0]
    skipped = None
    for line in OUTLINE.strip("\n").split("\n"):
        depth = (len(line) - len(line.lstrip())) // 2
        name, _, span = line.strip().partition(" ")
        if skipped is not None and depth > skipped:
            continue
        first, last = map(int, span.split("-")) if span else (1, 12)
        skipped = None if first <= int(version) <= last else depth
        if skipped is not None:
            continue
        path, counts = path[:depth] + [name], counts[: depth + 1] + [0]
        counts[depth] += 1
        out[".".join(path)] = ".".join(map(str, counts[: depth + 1]))
    return out


class Allowed(Exception):
    """A rule says: allow."""


class Rejected(Exception):
    """A rule says: reject. Its path in OUTLINE, and the code."""


class Lacking(Exception):
    """Something needed is not there: the code, and what is missing."""


class Unreadable(Exception):
    """A power level that is needed and no power level."""


def is_user_id(value):
    return isinstance(value, str) and re.fullmatch(f"@[^:\0]*:{SERVER}", value) is not None


def domain(identifier):
    return identifier.split(":", 1)[1]


def pair(event):
    return event["type"], event.get("state_key")


def cited(event, v):
    return [reference[0] if v <= 2 else reference for reference in event["auth_events"]]


# --- power levels -------------------------------------------------------------------------------------


def level(value, v, flags=None):
    """The number that a value of m.room.power_levels stands for."""
    if type(value) is int:
        return value
    if type(value) is float and v <= 5:
        return int(value)  # toward zero
    if v <= 9 and isinstance(value, str) and re.fullmatch("[ \t\n\f\r]*[+-]?[0-9]{1,4300}[ \t\n\f\r]*", value):
        return int(value)
    if v <= 9 and isinstance(value, (str, bool)) and flags is not None:
        try:
            int(value)
        except ValueError:
            pass
        else:
            if isinstance(value, bool) or len(re.findall(r"\d", value)) <= 4300:
                flags.add("power_level_divergent")  # Synapse takes what int() takes
    raise Unreadable


class Room:
    """What the rules ask of a room's state."""

    def __init__(self, v, state):
        self.v, self.state = v, state

    def content(self, kind, state_key=""):
        event = self.state.get((kind, state_key))
        return None if event is None else event["content"]

    @property
    def create(self):
        return self.state["m.room.create", ""]

    def creator(self):
        return self.create["sender"] if self.v >= 11 else self.create["content"].get("creator")

    def infinite(self):
        if self.v < 12:
            return []
        return [self.create["sender"], *self.create["content"].get("additional_creators", [])]

    def membership(self, user):
        return (self.content("m.room.member", user) or {}).get("membership")

    def join_rule(self):
        return (self.content("m.room.join_rules") or {}).get("join_rule", "invite")

    def read(self, value, default):
        return default if value is None else level(value, self.v)

    def entry(self, table, key):
        entries = self.content("m.room.power_levels").get(table)
        if entries is None:
            return None
        if not isinstance(entries, dict):
            raise Unreadable
        return entries.get(key)

    def of_user(self, user):
        if user in self.infinite():
            return INFINITE
        levels = self.content("m.room.power_levels")
        if levels is None:
            return 100 if self.v < 12 and user == self.creator() else 0
        listed = self.entry("users", user)
        return self.read(levels.get("users_default"), 0) if listed is None else level(listed, self.v)

    def of_event(self, event):
        levels = self.content("m.room.power_levels")
        name, default = ("state_default", 50) if "state_key" in event else ("events_default", 0)
        if levels is None:
            return default
        listed = self.entry("events", event["type"])
        return self.read(levels.get(name), default) if listed is None else level(listed, self.v)

    def of_action(self, name):
        levels = self.content("m.room.power_levels") or {}
        return self.read(levels.get(name), 0 if name == "invite" else 50)


# --- the rules ----------------------------------------------------------------------------------------


def rule_create(event, version, flags):
    v, content = int(version), event["content"]
    if event["prev_events"]:
        raise Rejected("create.prev_events", "create_has_prev_events")
    if v <= 11 and domain(event["room_id"]) != domain(event["sender"]):
        raise Rejected("create.room_id", "create_room_id_domain")
    if v >= 12 and "room_id" in event:
        raise Rejected("create.room_id", "create_has_room_id")
    if "room_version" in content and content["room_version"] not in VERSIONS:
        raise Rejected("create.room_version", "create_room_version_unknown")
    if v <= 10 and "creator" not in content:
        raise Rejected("create.creator", "create_no_creator")
    if v >= 12 and "additional_creators" in content:
        creators = content["additional_creators"]
        if not isinstance(creators, list) or not all(map(is_user_id, creators)):
            raise Rejected("create.additional_creators", "create_additional_creators_invalid")
    if content.get("room_version", version) != version:
        flags.add("create_room_version_differs")
    raise Allowed


def rule_create_event(event, version, create, rejected):
    wanted = "$" + event["room_id"][1:]
    if create is None:
        raise Lacking("create_event_missing", [wanted])
    try:
        if create["type"] == "m.room.create" and event_id(create, version) == wanted:
            rule_create(create, version, set())
    except Rejected:
        pass
    except Allowed:
        if wanted in rejected:
            raise Rejected("create_event", "create_event_rejected") from None
        return
    raise Rejected("create_event", "room_id_not_create_event")


def selection(event, v):
    """What "Auth events selection" lets an event cite."""
    content, kind = event["content"], event["type"]
    out = {("m.room.power_levels", ""), ("m.room.member", event["sender"])}
    if v <= 11:
        out.add(("m.room.create", ""))
    if kind == "m.room.member":
        if "state_key" in event:
            out.add(("m.room.member", event["state_key"]))
        membership = content.get("membership")
        if membership in ("join", "invite", "knock"):
            out.add(("m.room.join_rules", ""))
        if membership == "invite" and "third_party_invite" in content:
            invite = content["third_party_invite"]
            signed = invite.get("signed") if isinstance(invite, dict) else None
            token = signed.get("token") if isinstance(signed, dict) else None
            if isinstance(token, str):
                out.add(("m.room.third_party_invite", token))
        authoriser = content.get("join_authorised_via_users_server")
        if v >= 8 and membership == "join" and isinstance(authoriser, str):
            out.add(("m.room.member", authoriser))
    return out


def rule_auth_events(event, version, known, rejected, flags):
    """Returns the state that the cited events make."""
    v, ids = int(version), cited(event, int(version))
    for reference in event["auth_events"] if v <= 2 else ():
        one = known.get(reference[0])
        if one is not None and _base64(reference[1]["sha256"]) != reference_digest(one, version):
            flags.add("reference_hash_mismatch")  # an event is cited by its id and by a hash that is another's
    missing = [one for one in ids if one not in known]
    if missing:
        raise Lacking("auth_event_missing", missing)
    entries = [known[one] for one in ids]
    pairs = [pair(entry) for entry in entries if "state_key" in entry]
    if len(set(pairs)) < len(pairs):
        raise Rejected("auth_events.duplicate", "auth_events_duplicate")
    for entry in entries:
        if "state_key" not in entry:
            raise Rejected("auth_events.selection", "auth_event_not_state")
        if pair(entry) not in selection(event, v):
            raise Rejected("auth_events.selection", "auth_event_not_selected")
    if any(one in rejected for one in ids):
        raise Rejected("auth_events.rejected", "auth_event_rejected")
    if v <= 11 and ("m.room.create", "") not in pairs:
        raise Rejected("auth_events.no_create", "auth_events_no_create")
    if any(entry["room_id"] != event["room_id"] for entry in entries):
        raise Rejected("auth_events.room", "auth_event_other_room")
    return dict(zip(pairs, entries))


class Rules:
    """The rules that read a state, in the order of the page."""

    def __init__(self, event, version, state, responses, fetched, flags):
        self.event, self.version, self.v = event, version, int(version)
        self.content, self.sender = event["content"], event["sender"]
        self.room = Room(self.v, state)
        self.responses, self.fetched, self.flags = responses, fetched, flags
        self.at = None  # the rule that is being asked

    def run(self):
        try:
            self.federate()
            self.aliases()
            self.member()
            self.joined()
            self.third_party_invite()
            self.level()
            self.state_key()
            self.power_levels()
            self.redaction()
        except Unreadable:
            raise Rejected(self.at, "power_level_unreadable") from None
        raise Allowed

    def federate(self):
        create = self.room.create
        if create["content"].get("m.federate") is False and domain(self.sender) != domain(create["sender"]):
            raise Rejected("federate", "room_not_federated")

    def aliases(self):
        if self.v > 5 or self.event["type"] != "m.room.aliases":
            return
        if "state_key" not in self.event:
            raise Rejected("aliases.state_key", "aliases_no_state_key")
        if domain(self.sender) != self.event["state_key"]:
            raise Rejected("aliases.server", "aliases_wrong_server")
        raise Allowed

    def member(self):
        if self.event["type"] != "m.room.member":
            return
        if "state_key" not in self.event:
            raise Rejected("member.shape", "member_no_state_key")
        if not is_user_id(self.event["state_key"]):
            raise Rejected("member.shape", "member_state_key_invalid")
        if "membership" not in self.content:
            raise Rejected("member.shape", "member_no_membership")
        if self.v >= 8 and "join_authorised_via_users_server" in self.content:
            self.authoriser_signed(self.content["join_authorised_via_users_server"])
        membership = self.content["membership"]
        if membership == "join":
            self.join()
        elif membership == "invite":
            self.invite()
        elif membership == "leave":
            self.leave()
        elif membership == "ban":
            self.ban()
        elif membership == "knock" and self.v >= 7:
            self.knock()
        raise Rejected("member.otherwise", "membership_unknown")

    def authoriser_signed(self, user):
        rule = "member.authoriser.signed"
        if not is_user_id(user):
            raise Rejected(rule, "join_authoriser_invalid")
        server = domain(user)
        entries = self.event["signatures"].get(server, {})
        entries = {k: text for k, text in entries.items() if k.startswith("ed25519:") and k != POLICY_KEY}
        if self.responses is None:
            if not entries:
                raise Rejected(rule, "join_authoriser_not_signed")
            return
        time = self.event["origin_server_ts"]
        keys = {k: _find_key(server, k, self.version, time, self.responses, self.fetched) for k in entries}
        usable = {k: key for k, key in keys.items() if isinstance(key, bytes)}
        lacking = [k for k, key in keys.items() if key == "signature_key_missing"]
        if lacking and not usable:
            raise Lacking("join_authoriser_key_missing", [f"{server} {k}" for k in lacking])
        message = signed_bytes(self.event, self.version)
        if not usable or not all(_verifies(key, message, entries[k]) for k, key in usable.items()):
            raise Rejected(rule, "join_authoriser_not_signed")

    def join(self):
        user, room, rule = self.event["state_key"], self.room, self.room.join_rule()
        previous = [reference[0] if self.v <= 2 else reference for reference in self.event["prev_events"]]
        if previous == [event_id(room.create, self.version)] and user == room.creator():
            raise Allowed
        if self.sender != user:
            raise Rejected("member.join.sender", "join_sender_mismatch")
        if room.membership(self.sender) == "ban":
            raise Rejected("member.join.banned", "join_banned")
        inside = room.membership(user) in ("invite", "join")
        by_invite = ["invite", "knock"] if self.v >= 7 else ["invite"]
        if rule in by_invite and inside:
            raise Allowed
        restricted = [] if self.v < 8 else ["restricted"] if self.v < 10 else ["restricted", "knock_restricted"]
        if rule in restricted:
            self.at = "member.join.restricted.authoriser"
            if inside:
                raise Allowed
            authoriser = self.content.get("join_authorised_via_users_server")
            if authoriser is None:
                raise Rejected(self.at, "join_restricted_no_authoriser")
            if room.membership(authoriser) != "join":
                raise Rejected(self.at, "join_restricted_authoriser_not_joined")
            if room.of_user(authoriser) < room.of_action("invite"):
                raise Rejected(self.at, "join_restricted_authoriser_power")
            raise Allowed
        if rule == "public":
            raise Allowed
        raise Rejected("member.join.otherwise", "join_not_invited" if rule in by_invite else "join_rule_forbids")

    def invite(self):
        target, room = self.event["state_key"], self.room
        if "third_party_invite" in self.content:
            self.third_party(self.content["third_party_invite"])
        if room.membership(self.sender) != "join":
            raise Rejected("member.invite.sender", "invite_sender_not_joined")
        if room.membership(target) == "join":
            raise Rejected("member.invite.target", "invite_target_joined")
        if room.membership(target) == "ban":
            raise Rejected("member.invite.target", "invite_target_banned")
        self.at = "member.invite.level"
        if room.of_user(self.sender) >= room.of_action("invite"):
            raise Allowed
        raise Rejected("member.invite.otherwise", "invite_power")

    def third_party(self, invite):
        rules = "member.invite.third_party."
        target = self.event["state_key"]
        if self.room.membership(target) == "ban":
            raise Rejected(rules + "banned", "third_party_invite_target_banned")
        if not isinstance(invite, dict) or "signed" not in invite:
            raise Rejected(rules + "signed", "third_party_invite_no_signed")
        signed = invite["signed"] if isinstance(invite["signed"], dict) else {}
        if "mxid" not in signed:
            raise Rejected(rules + "mxid_and_token", "third_party_invite_no_mxid")
        if "token" not in signed:
            raise Rejected(rules + "mxid_and_token", "third_party_invite_no_token")
        if signed["mxid"] != target:
            raise Rejected(rules + "mxid", "third_party_invite_mxid_mismatch")
        token = signed["token"] if isinstance(signed["token"], str) else None
        issued = self.room.state.get(("m.room.third_party_invite", token))
        if issued is None:
            raise Rejected(rules + "event", "third_party_invite_unknown_token")
        if issued["sender"] != self.sender:
            raise Rejected(rules + "sender", "third_party_invite_sender_mismatch")
        several = issued["content"].get("public_keys")
        keys = [entry.get("public_key") for entry in several if isinstance(entry, dict)] if isinstance(several, list) else []
        keys = [key_of(text) for text in [issued["content"].get("public_key"), *keys] if isinstance(text, str)]
        message = canonical(without(signed, "signatures"))
        signatures = signed.get("signatures")
        for entries in signatures.values() if isinstance(signatures, dict) else ():
            for key_id, text in entries.items() if isinstance(entries, dict) else ():
                if key_id.startswith("ed25519:") and isinstance(text, str):
                    if any(isinstance(key, bytes) and _verifies(key, message, text) for key in keys):
                        raise Allowed
        raise Rejected(rules + "otherwise", "third_party_invite_not_signed")

    def leave(self):
        target, room = self.event["state_key"], self.room
        if self.sender == target:
            if room.membership(target) in ("invite", "join") or (self.v >= 7 and room.membership(target) == "knock"):
                raise Allowed
            raise Rejected("member.leave.self", "leave_not_member")
        if room.membership(self.sender) != "join":
            raise Rejected("member.leave.sender", "kick_sender_not_joined")
        self.at = "member.leave.unban"
        if room.membership(target) == "ban" and room.of_user(self.sender) < room.of_action("ban"):
            raise Rejected("member.leave.unban", "unban_power")
        self.at = "member.leave.kick"
        if room.of_user(self.sender) < room.of_action("kick"):
            raise Rejected("member.leave.otherwise", "kick_power")
        if room.of_user(target) >= room.of_user(self.sender):
            raise Rejected("member.leave.otherwise", "kick_target_power")
        raise Allowed

    def ban(self):
        target, room = self.event["state_key"], self.room
        if room.membership(self.sender) != "join":
            raise Rejected("member.ban.sender", "ban_sender_not_joined")
        self.at = "member.ban.level"
        if room.of_user(self.sender) < room.of_action("ban"):
            raise Rejected("member.ban.otherwise", "ban_power")
        if room.of_user(target) >= room.of_user(self.sender):
            raise Rejected("member.ban.otherwise", "ban_target_power")
        raise Allowed

    def knock(self):
        room = self.room
        if room.join_rule() not in (["knock"] if self.v < 10 else ["knock", "knock_restricted"]):
            raise Rejected("member.knock.join_rule", "knock_join_rule")
        if self.sender != self.event["state_key"]:
            raise Rejected("member.knock.sender", "knock_sender_mismatch")
        if room.membership(self.sender) not in ("ban", "invite", "join"):
            raise Allowed
        raise Rejected("member.knock.otherwise", "knock_membership")

    def joined(self):
        if self.room.membership(self.sender) != "join":
            raise Rejected("joined", "sender_not_joined")

    def third_party_invite(self):
        if self.event["type"] != "m.room.third_party_invite":
            return
        self.at = "third_party_invite.level"
        if self.room.of_user(self.sender) >= self.room.of_action("invite"):
            raise Allowed
        raise Rejected("third_party_invite.level", "third_party_invite_power")

    def level(self):
        self.at = "level"
        if self.room.of_event(self.event) > self.room.of_user(self.sender):
            raise Rejected("level", "event_power")

    def state_key(self):
        state_key = self.event.get("state_key", "")
        if state_key.startswith("@") and state_key != self.sender:
            raise Rejected("state_key", "state_key_not_sender")

    def power_levels(self):
        if self.event["type"] != "m.room.power_levels":
            return
        if self.v >= 10:
            self.integers_only()
        self.users_shape()
        if self.v >= 12 and any(user in self.content.get("users", {}) for user in self.room.infinite()):
            raise Rejected("power_levels.creators", "power_levels_creator_listed")
        previous = self.room.content("m.room.power_levels", self.event["state_key"])
        if previous is None:
            raise Allowed
        self.changes(previous)
        raise Allowed

    def integers_only(self):
        for name in SCALARS:
            if name in self.content and type(self.content[name]) is not int:
                raise Rejected("power_levels.values", "power_levels_value_invalid")
        for name in ("events", "notifications"):
            entries = self.content.get(name, {})
            if not isinstance(entries, dict) or not all(type(value) is int for value in entries.values()):
                raise Rejected("power_levels.entries", f"power_levels_{name}_invalid")

    def users_shape(self):
        users = self.content.get("users", {})
        if not isinstance(users, dict):
            raise Rejected("power_levels.users", "power_levels_users_invalid")
        for user, value in users.items():
            if not is_user_id(user):
                raise Rejected("power_levels.users", "power_levels_user_id_invalid")
            try:
                level(value, self.v, self.flags)
            except Unreadable:
                raise Rejected("power_levels.users", "power_levels_user_level_invalid") from None

    def changes(self, previous):
        sender = self.room.of_user(self.sender)

        def compared(name, key=None):
            """The values before and after, None where there is none."""
            old, new = previous, self.content
            if key is not None:
                old = old.get(name, {})
                new = new.get(name, {})
                if not isinstance(old, dict) or not isinstance(new, dict):
                    raise Unreadable
                name = key
            before = level(old[name], self.v) if name in old else None
            after = level(new[name], self.v, self.flags) if name in new else None
            return before, after

        def keys(name):
            old = previous.get(name, {})
            new = self.content.get(name, {})
            if not isinstance(old, dict) or not isinstance(new, dict):
                raise Unreadable
            return sorted({*old, *new})

        for name in SCALARS:
            self.at = "power_levels.changed_values"
            before, after = compared(name)
            if before != after:
                if before is not None and before > sender:
                    raise Rejected("power_levels.changed_values.current", "power_levels_value_current")
                if after is not None and after > sender:
                    raise Rejected("power_levels.changed_values.new", "power_levels_value_new")
        tables = [("events", "event"), ("notifications", "notification")] if self.v >= 6 else [("events", "event")]
        self.at = "power_levels.current_entries"
        for table, name in tables:
            for key in keys(table):
                before, after = compared(table, key)
                if before is not None and before != after and before > sender:
                    raise Rejected("power_levels.current_entries.level", f"power_levels_{name}_current")
        for table, name in tables:
            for key in keys(table):
                before, after = compared(table, key)
                if after is not None and before != after and after > sender:
                    raise Rejected("power_levels.new_entries.level", f"power_levels_{name}_new")
        self.at = "power_levels.current_users"
        for key in keys("users"):
            before, after = compared("users", key)
            if key != self.sender and before is not None and before != after and before >= sender:
                raise Rejected("power_levels.current_users.level", "power_levels_user_current")
        for key in keys("users"):
            before, after = compared("users", key)
            if after is not None and before != after and after > sender:
                raise Rejected("power_levels.new_users.level", "power_levels_user_new")

    def redaction(self):
        if self.v > 2 or self.event["type"] != "m.room.redaction":
            return
        self.at = "redaction.level"
        if self.room.of_user(self.sender) >= self.room.of_action("redact"):
            raise Allowed
        redacted = self.event.get("redacts")
        if isinstance(redacted, str) and ":" in redacted and domain(redacted) == domain(self.event["event_id"]):
            raise Allowed
        raise Rejected("redaction.otherwise", "redaction_power")


def _verifies(key, message, text):
    signature = _base64(text)
    return signature is not None and len(signature) == 64 and libsodium_accepts(key, message, signature)


# --- the checks ---------------------------------------------------------------------------------------


def _as_state(texts):
    events = list(map(json.loads, texts))
    state = {pair(event): event for event in events}
    assert len(state) == len(events)
    return state


class Checks:
    """One line's event, and the checks from the fourth on."""

    def __init__(self, line, event, flags):
        self.line, self.event, self.flags = line, event, flags
        self.version, self.v = line["room_version"], int(line["room_version"])
        self.rejected = line.get("rejected", [])
        self.create = json.loads(line["create_event"]) if "create_event" in line else None

    def _said(self, check, work):
        try:
            work()
        except Allowed:
            return None
        except Rejected as rejected:
            path, code = rejected.args
            return {"check": check, "rule": numbers(self.version)[path], "code": code}
        except Lacking as lacking:
            code, missing = lacking.args
            return {"check": check, "code": code, "missing": missing}
        return None

    def _rules(self, state):
        keys = self.line.get("keys")
        Rules(self.event, self.version, state, keys, self.line["fetched_ts"], self.flags).run()

    def by_auth_events(self):
        def work():
            if self.event["type"] == "m.room.create":
                rule_create(self.event, self.version, self.flags)
            if self.v >= 12:
                rule_create_event(self.event, self.version, self.create, self.rejected)
            known = {event_id(one, self.version): one for one in map(json.loads, self.line["auth_events"])}
            state = rule_auth_events(self.event, self.version, known, self.rejected, self.flags)
            self._rules(state | {pair(self.create): self.create} if self.v >= 12 else state)

        return self._said(4, work)

    def by_state(self, name, check):
        return self._said(check, lambda: self._rules(_as_state(self.line[name])))

    def by_policy(self):
        state = _as_state(self.line["current_state"])
        content = state.get(("m.room.policy", ""), {"content": {}})["content"]
        via, keys = content.get("via"), content.get("public_keys")
        text = keys.get("ed25519") if isinstance(keys, dict) else None
        if not isinstance(via, str) or not isinstance(text, str) or isinstance(key_of(text), str):
            return None
        members = {user: one["content"]["membership"] for (kind, user), one in state.items() if kind == "m.room.member"}
        if via not in [domain(user) for user in members if members[user] == "join"] or pair(self.event) == ("m.room.policy", ""):
            return None
        text = self.event["signatures"].get(via, {}).get(POLICY_KEY)
        if text is None:
            return {"check": 7, "code": "policy_signature_missing"}
        signature = _base64(text)
        if signature is None or len(signature) != 64:
            return {"check": 7, "code": "policy_signature_malformed"}
        if not libsodium_accepts(key_of(content["public_keys"]["ed25519"]), signed_bytes(self.event, self.version), signature):
            return {"check": 7, "code": "policy_signature_invalid"}
        return None


def _outcome(said):
    if "missing" in said:
        return "incomplete"
    return "rejected" if said["check"] <= 5 else "soft_failed"


def check_auth(line):
    """Checks 1, 4 (where auth_events are given, and for each create event) and 5 (where a state is given)."""
    flags = set()
    try:
        event = parse(line["event"].encode(), flags)
        # Whether a create event may have a room id, and which, is for the rules to say in version 12.
        create_v12 = line["room_version"] == "12" and event.get("type") == "m.room.create"
        check_format(without(event, "room_id") if create_v12 else event, line["room_version"], False, flags)
    except Refused as refused:
        return {"outcome": "dropped", "check": 1, "code": refused.args[0], "flags": sorted(flags)}
    if "keys" not in line:
        flags.add("signatures_unchecked")
    checks = Checks(line, event, flags)
    said = []
    if "auth_events" in line or event["type"] == "m.room.create":
        said.append(checks.by_auth_events())
    if "state" in line:
        said.append(checks.by_state("state", 5))
    said = [one for one in said if one]
    first = {"outcome": _outcome(said[0]), **said[0]} if said else {"outcome": "accepted"}
    return first | {"flags": sorted(flags)}


def receive(line):
    """All seven checks; `then` is the check that failed after a content hash did."""
    data, version = line["event"].encode(), line["room_version"]
    verdict = without(judge(data, version, line["keys"], line["fetched_ts"]), "event_id")
    if verdict["outcome"] != "accepted":
        return verdict
    flags, event = set(verdict["flags"]), json.loads(data)
    if verdict["redacted"]:
        # Redaction makes an ordinary invite of one through a third party, so it must be signed like one.
        event = redact(event, version)
        try:
            check_signatures(event, version, line["keys"], line["fetched_ts"], flags)
        except Refused as refused:
            return {"outcome": "dropped", "check": 2, "code": refused.args[0], "redacted": False, "flags": sorted(flags)}
    checks = Checks(line, event, flags)
    steps = (
        checks.by_auth_events,
        lambda: checks.by_state("state", 5),
        lambda: checks.by_state("current_state", 6),
        checks.by_policy,
    )
    said = next((said for said in (step() for step in steps) if said), None)
    if said:
        verdict["outcome"] = _outcome(said)
        verdict |= {"then": said} if verdict["redacted"] else said
    return verdict | {"flags": sorted(flags)}


# --- server ACLs --------------------------------------------------------------------------------------


def _lower(text):
    return "".join(chr(ord(letter) + 32) if "A" <= letter <= "Z" else letter for letter in text)


def _matches(pattern, name):
    """Glob by the book: which beginnings of the name does each beginning of the pattern match?"""
    pattern, name = _lower(pattern), _lower(name)
    reached = {0}
    for letter in pattern:
        if letter == "*":
            reached = set(range(min(reached), len(name) + 1)) if reached else reached
        else:
            reached = {at + 1 for at in reached if at < len(name) and letter in ("?", name[at])}
    return len(name) in reached


def acl(text, server_name):
    value = json.loads(text)
    if "type" in value:
        if pair(value) != ("m.room.server_acl", ""):
            return {"allowed": True, "code": "acl_none"}
        value = value["content"]
    if not re.fullmatch(SERVER, server_name):
        return {"allowed": False, "code": "acl_server_name_invalid"}
    host = re.fullmatch(SERVER, server_name).group(1)
    numbers_of = host.split(".")
    four = len(numbers_of) == 4 and all(re.fullmatch("[0-9]{1,3}", n) and int(n) <= 255 for n in numbers_of)
    if (four or host.startswith("[")) and value.get("allow_ip_literals") is False:
        return {"allowed": False, "code": "acl_ip_literal"}
    for name, allowed, code in (("deny", False, "acl_denied"), ("allow", True, "acl_allowed")):
        patterns = value.get(name)
        for pattern in patterns if isinstance(patterns, list) else ():
            if isinstance(pattern, str) and _matches(pattern, host):
                return {"allowed": allowed, "code": code}
    return {"allowed": False, "code": "acl_not_allowed"}
