"""D58-D70: power levels, how they are written, who may change them, and what holds without them."""

from .model import MAX_SAFE, Raw
from .rows_auth import ALICE, BOB, CAROL, DAN, MISSING, VARIED, Room, _to, drops, passes, rejects, room_of, versions

KIND, EVE = "x.measured", "@eve:three.example"
SCALARS = ("users_default", "events_default", "state_default", "ban", "redact", "kick", "invite")


def spelled(value):
    return value.wire[0][0] if isinstance(value, Raw) else repr(value) if len(repr(value)) < 40 else f"{repr(value)[:9]}…"


def measured(corpus, add, what, version, value, number):
    """The sender's level is `value`: it must suffice for `number`, and for no more."""
    for needed, expect in ((number, passes()), (number + 1, rejects("event_power"))):
        room = room_of(version, BOB, power={"users": {BOB: value}, "events": {KIND: needed}})
        word = f"{needed}" if abs(needed) < 10**20 else "the same" if needed == number else "one more"
        add(corpus, f"level {what}, event that needs {word}", room, room.message(kind=KIND), expect)


def changed(version, new, old=None, sender=BOB, level=50):
    """A power levels event to be judged, in a room whose levels are `old`. The sender's own entry is kept in both,
    but for the creator's, who sends the first one."""

    def whole(content):
        users = content.get("users", {})
        if sender == BOB and isinstance(users, dict):
            users = {BOB: level, **users}
        return {key: value for key, value in (content | {"users": users}).items() if value is not MISSING}

    members = [sender] if sender == BOB else []
    room = room_of(version, *members, power=None if old is None else whole(old))
    return room, room.event("m.room.power_levels", sender, whole(new), "")


# --- D58-D64: spellings and shapes --------------------------------------------------------------------

DIVERGENT = "power_level_divergent"
ONLY_PYTHON = ("1_000", "\uff11\uff10\uff10", "\u0663", "\u00a07", "7\u2003", "\u000b7", "\u00857", "-\u0967", "1_0_0", "0_0")
NO_INTEGER = ("0x10", "1e2", "1.0", "", "+", "--5", "- 5", "1" * 4301)
NO_INTEGER_EITHER = (
    " ", "1 0", "+-1", "\u200b7", "_1", "1__0", "1_", "five", "0b1", "\u00b2", "\u22125", "Infinity", "0" * 4300 + "7",
    "1,000", "100\u0000", "\ufeff7", "\u001c7",
)  # fmt: skip


def strings(corpus):
    d58, d59, d60 = (_to("power_levels", row) for row in ("D58", "D59", "D60"))
    for version in versions(1, 9):
        numbers = (("100", 100), (" +00100 ", 100), ("-5", -5), ("100\n", 100), ("\t7\f\r\n ", 7), ("-0", 0))
        for text, number in numbers if version in VARIED else numbers[:4]:
            measured(corpus, d58, repr(text), version, text, number)
        for text, expect in (("50", passes()), (" +50\t", passes()), ("51", rejects("power_levels_user_new"))):
            room, event = changed(version, {"users": {CAROL: text}}, {})
            d58.more(corpus, f"sender of 50 gives a user {text!r}", room, event, expect)
        room, event = changed(version, {"ban": 60, "events": {"a": "070"}}, {"ban": "60", "events": {"a": 70}})
        d58(corpus, "the same levels in another spelling are no change", room, event, passes())
        room, event = changed(version, {"ban": "51"}, {"ban": "50"})
        d58.more(corpus, "ban raised from '50' to '51' by a sender of 50", room, event, rejects("power_levels_value_new"))
        room, event = changed(version, {"events": {"a": "51"}}, {"events": {"a": "50"}})
        d58.more(corpus, "an event's level raised from '50' to '51'", room, event, rejects("power_levels_event_new"))
        room = room_of(version, BOB, power={"users": {BOB: " 50 "}, "events_default": "50", "state_default": "0051"})
        d58(corpus, "events_default '50', sender of ' 50 '", room, room.message(), passes())
        topic = room.event("m.room.topic", BOB, {}, "")
        d58.more(corpus, "state_default '0051', sender of ' 50 '", room, topic, rejects("event_power"))

        for text in ONLY_PYTHON if version in VARIED else ONLY_PYTHON[:4]:
            room, event = changed(version, {"users": {CAROL: text}}, None, sender=ALICE)
            expect = rejects("power_levels_user_level_invalid", DIVERGENT)
            d59(corpus, f"level {text!r}, which only Python reads", room, event, expect)
        for text in (ONLY_PYTHON[0], True):
            room, event = changed(version, {"ban": text}, {})
            expect = rejects("power_level_unreadable/scalar", DIVERGENT)
            d59(corpus, f"ban {text!r}, which only Python reads", room, event, expect)
            room, event = changed(version, {"events": {"a": text}}, {})
            expect = rejects("power_level_unreadable/entry", DIVERGENT)
            d59(corpus, f"an event's level {text!r}, which only Python reads", room, event, expect)

        for text in NO_INTEGER + NO_INTEGER_EITHER if version in VARIED else NO_INTEGER[:7]:
            room, event = changed(version, {"users": {CAROL: text}}, None, sender=ALICE)
            d60(corpus, f"level {spelled(text)}", room, event, rejects("power_levels_user_level_invalid"))
        for text in ("0x10", "") if version in VARIED else ("0x10",):
            room, event = changed(version, {"kick": text}, {})
            d60(corpus, f"kick {text!r}", room, event, rejects("power_level_unreadable/scalar"))
            room, event = changed(version, {"events": {"a": text}}, {"events": {"a": 0}})
            d60(corpus, f"an event's level {text!r}", room, event, rejects("power_level_unreadable/entry"))
            content = {"kick": text, "events": {"a": text}, "notifications": {"room": text}}
            room, event = changed(version, content, None, sender=ALICE)
            what = f"first power levels of the room: kick and events {text!r}, which nobody reads yet"
            d60(corpus, what, room, event, passes())
        for text in ("1" * 4300, "-" + "0" * 4299 + "7", " " * 50 + "+50") if version in VARIED else ():
            room, event = changed(version, {"users": {CAROL: text}}, None, sender=ALICE)
            d60(corpus, f"level of {len(text)} characters {spelled(text)}", room, event, passes())

        text, unreadable = "0x10", rejects("power_level_unreadable/event")
        room = room_of(version, BOB, power={"users": {BOB: 50}, "events_default": text, "invite": text})
        what = f"events_default {text!r} in the room's levels, which the event needs"
        d60(corpus, what, room, room.message(), unreadable)
        topic = room.event("m.room.topic", BOB, {}, "")
        d60.more(corpus, f"events_default {text!r} in the room's levels, which a topic does not need", room, topic, passes())
        invite = room.change(CAROL, "invite", BOB)
        d60(corpus, f"invite level {text!r}, an invite", room, invite, rejects("power_level_unreadable/invite"))
        room = room_of(version, BOB, power={"users": {ALICE: 50}, "users_default": text})
        d60.more(corpus, f"users_default {text!r}, sender not listed", room, room.message(), unreadable)
        d60.more(corpus, f"users_default {text!r}, sender listed", room, room.message(ALICE), passes())


def floats(corpus):
    d61 = _to("power_levels", "D61")
    forms = [
        ("50.57", None, 50), ("5.114698E4", "51146.98", 51146), ("-1.9", None, -1), ("-0.5", None, 0), ("0.99", None, 0),
        ("99.999999999999999", "100.0", 100), ("1e-7", "1e-07", 0), ("1e22", "1e+22", 10**22), ("1E2", "100.0", 100),
    ]  # fmt: skip
    for version in versions(1, 5):
        for text, canon, number in forms:
            measured(corpus, d61, text, version, Raw(text, canon), number)
        for text, canon, expect in (
            ("50.99", None, passes()), ("51.0", None, rejects("power_levels_user_new")), ("5.0999E1", "50.999", passes()),
            ("-1e5", "-100000.0", passes()), ("1e308", "1e+308", rejects("power_levels_user_new")),
            ("1E400", None, drops("json_number_overflow")), ("-1E400", None, drops("json_number_overflow")),
            ("NaN", None, drops("json_syntax")), ("-Infinity", None, drops("json_syntax")),
        ):  # fmt: skip
            room, event = changed(version, {"users": {CAROL: Raw(text, canon)}}, {})
            d61(corpus, f"sender of 50 gives a user {text}", room, event, expect)
        new, old = {"ban": Raw("60.2"), "events": {"a": Raw("70.9")}}, {"ban": 60, "events": {"a": Raw("70.1")}}
        room, event = changed(version, new, old)
        d61(corpus, "levels that differ behind the point are no change", room, event, passes())
        room, event = changed(version, {"ban": Raw("51.5")}, {"ban": Raw("50.5")})
        d61(corpus, "ban raised from 50.5 to 51.5 by a sender of 50", room, event, rejects("power_levels_value_new"))
    for version in versions(6, 12):
        for text in ("50.57", "1e2"):
            room, event = changed(version, {"users": {CAROL: Raw(text)}}, {})
            d61(corpus, f"sender of 50 gives a user {text}", room, event, drops("number_not_integer"))


def types(corpus):
    d62 = _to("power_levels", "D62")
    for version in versions(10, 12):
        for value in ("100", True, None, [])[: 4 if version == "12" else 2]:
            for what, content, code in (
                ("ban", {"ban": value}, "power_levels_value_invalid"),
                ("an event's level", {"events": {"a": value}}, "power_levels_events_invalid"),
                ("a notification's level", {"notifications": {"room": value}}, "power_levels_notifications_invalid"),
                ("a user's level", {"users": {CAROL: value}}, "power_levels_user_level_invalid"),
            ):
                room, event = changed(version, content, {})
                d62(corpus, f"{what} is {value!r}", room, event, rejects(code))
        for name in SCALARS if version == "12" else SCALARS[:2]:
            room, event = changed(version, {name: "0"}, None, sender=ALICE)
            what = f"first power levels of the room with {name} '0'"
            d62(corpus, what, room, event, rejects("power_levels_value_invalid"))
        room, event = changed(version, {"ban": "50"}, {"ban": "50"})
        d62(corpus, "ban is '50', as it was before", room, event, rejects("power_levels_value_invalid"))
        room, event = changed(version, {"ban": Raw("1.0")}, {})
        d62(corpus, "ban is 1.0", room, event, drops("number_not_integer"))
        room, event = changed(version, {"x": "100", "ban2": True, "historical": "1"}, {})
        d62(corpus, "properties that are no levels may be anything", room, event, passes())
        room = room_of(version, BOB, power={"users": {BOB: "50"}})
        what = "the sender's level in the room's levels is '50', which nobody can read here"
        d62(corpus, what, room, room.message(), rejects("power_level_unreadable/event"))
    for version in versions(1, 9):
        values = ((True, [DIVERGENT]), (None, []), (False, [DIVERGENT]), ([], []))
        for value, flags in values[: 4 if version in VARIED else 2]:
            room, event = changed(version, {"users": {CAROL: value}}, {})
            expect = rejects("power_levels_user_level_invalid", *flags)
            d62(corpus, f"a user's level is {value!r}", room, event, expect)
        room, event = changed(version, {"ban": None}, {"ban": 50})
        d62(corpus, "ban is null, which was 50", room, event, rejects("power_level_unreadable/scalar"))
        room, event = changed(version, {"events": {"a": []}}, {"events": {"a": 50}})
        d62(corpus, "an event's level is [], which was 50", room, event, rejects("power_level_unreadable/entry"))


def shapes(corpus):
    d63 = _to("power_levels", "D63")
    for version in versions():
        v = int(version)
        for value in ([], "x", None) if version in VARIED else ([],):
            room, event = changed(version, {"users": value}, {})
            d63(corpus, f"users {value!r}", room, event, rejects("power_levels_users_invalid"))
        for user in ("alice", "@alice", "@alice:one example", "", "@a:b:c:99999") if version in VARIED else ("alice",):
            room, event = changed(version, {"users": {user: 0}}, {})
            d63(corpus, f"users lists {user!r}", room, event, rejects("power_levels_user_id_invalid"))
        users = ("@:one.example", "@UPPER/\u00e4 :one.example", "@a:[::1]:8448", "@a:1.2.3.4")
        room, event = changed(version, {"users": dict.fromkeys(users, 0)}, {})
        d63(corpus, "users lists odd users", room, event, passes())
        room, event = changed(version, {"users": MISSING}, {})
        d63.more(corpus, "users left out: the sender's own entry is removed", room, event, passes())
        for name in ("events", "notifications"):
            for value in (None, []) if version in VARIED else (None,):
                if v >= 10:
                    expect = rejects(f"power_levels_{name}_invalid")
                else:
                    expect = passes() if name == "notifications" and v <= 5 else rejects("power_level_unreadable/entry")
                room, event = changed(version, {name: value}, {name: {"a": 0}})
                d63(corpus, f"{name} {value!r}", room, event, expect)
            room, event = changed(version, {name: None}, None, sender=ALICE)
            expect = rejects(f"power_levels_{name}_invalid") if v >= 10 else passes()
            d63(corpus, f"first power levels of the room with {name} null", room, event, expect)
        if v <= 9:
            room, event = changed(version, {"ban": 50, "events": {"a": 50}}, {"ban": None, "events": {"a": None}})
            what = "null in the room's levels cannot be compared where levels change"
            d63(corpus, what, room, event, rejects("power_level_unreadable/scalar"))
            room, event = changed(version, {}, {"kick": None, "events": None})
            what = "null in the room's levels cannot be compared where levels are removed"
            d63.more(corpus, what, room, event, rejects("power_level_unreadable/scalar"))
            levels = {"users": {BOB: None}, "users_default": 7, "events": {KIND: None}, "events_default": 7}
            room = room_of(version, BOB, power=levels)
            d63.more(corpus, "null for the user and the event: the defaults count", room, room.message(kind=KIND), passes())
            room = room_of(version, BOB, power=levels | {"events_default": 8})
            what = "null for the user and the event: the defaults do not suffice"
            d63.more(corpus, what, room, room.message(kind=KIND), rejects("event_power"))
            levels = {"users": None, "users_default": None, "events": None, "events_default": None, "state_default": None}
            room = room_of(version, BOB, power=levels)
            d63.more(corpus, "null for all: 0 suffices for a message", room, room.message(), passes())
            topic = room.event("m.room.topic", BOB, {}, "")
            d63.more(corpus, "null for all: 0 does not suffice for a topic", room, topic, rejects("event_power"))
            for levels in ({"events": []}, {"users": 7}):
                room = room_of(version, BOB, power=levels)
                what = f"{levels} in the room's levels, which the event needs"
                d63(corpus, what, room, room.message(), rejects("power_level_unreadable/event"))


def extremes(corpus):
    d64 = _to("power_levels", "D64")
    for version in versions():
        v, power = int(version), rejects("event_power")
        room, event = changed(version, {"users": {CAROL: MAX_SAFE, DAN: -MAX_SAFE}}, {}, level=MAX_SAFE)
        d64(corpus, "sender of 2^53-1 gives users 2^53-1 and -2^53+1", room, event, passes())
        measured(corpus, d64, "2^53-2", version, MAX_SAFE - 1, MAX_SAFE - 1)
        if v >= 10:
            continue
        for name, number in (("2^53", 2**53), ("2^63", 2**63), ("2^127", 2**127)):
            if name == "2^53" and version not in VARIED:
                continue
            for sign, value in (("", number), ("-", -number)) if v in (1, 2) else ():
                measured(corpus, d64, sign + name, version, value, value)
            for more, expect in ((0, passes()), (1, power)):
                room = room_of(version, BOB, power={"users": {BOB: str(number)}, "events": {KIND: str(number + more)}})
                what = f"level {name} as a string, event that needs {'one more' if more else 'the same'}"
                d64(corpus, what, room, room.message(kind=KIND), expect)
        room, event = changed(version, {"users": {CAROL: str(2**63 + 1)}}, {}, level=str(2**63))
        d64(corpus, "sender of '2^63' gives a user '2^63+1'", room, event, rejects("power_levels_user_new"))
        room, event = changed(version, {"users": {CAROL: str(2**63)}}, {}, level=str(2**63))
        d64.more(corpus, "sender of '2^63' gives a user '2^63'", room, event, passes())
        if version in VARIED:
            huge = "9" * 4300
            room = room_of(version, BOB, power={"users": {BOB: huge}, "events": {KIND: huge}})
            d64(corpus, "level of 4,300 digits, event that needs the same", room, room.message(kind=KIND), passes())
            room = room_of(version, BOB, power={"users": {BOB: huge[:-1] + "8"}, "events": {KIND: huge}})
            d64(corpus, "level of 4,300 digits, event that needs one more", room, room.message(kind=KIND), power)
            room = room_of(version, BOB, power={"users": {BOB: "-" + huge}, "events_default": "-" + huge})
            d64(corpus, "level of -4,300 digits, event that needs the same", room, room.message(), passes())


# --- D65-D66: changes ---------------------------------------------------------------------------------

def changes(corpus):
    d65, d66 = _to("power_levels", "D65"), _to("power_levels", "D66")
    for version in versions():
        v = int(version)

        def add(line, what, new, old, expect):
            room, event = changed(version, new, old)
            line(corpus, f"sender of 50 {what}", room, event, expect)

        user_new, user_current = rejects("power_levels_user_new"), rejects("power_levels_user_current")
        add(d65, "adds a user with 51", {"users": {CAROL: 51}}, {}, user_new)
        if version in VARIED:
            add(d65, "raises a user of 49 to 51", {"users": {CAROL: 51}}, {"users": {CAROL: 49}}, user_new)
            add(d65, "raises the own level to 51", {"users": {BOB: 51}}, {}, user_new)
            add(d65, "lowers a user of 60 to 0", {"users": {CAROL: 0}}, {"users": {CAROL: 60}}, user_current)
        add(d65, "removes a user of 60", {}, {"users": {CAROL: 60}}, user_current)
        names = SCALARS if v in (8, 9, 12) else SCALARS[v % 5 : v % 5 + 1]
        for name in names:
            add(d65, f"sets {name} to 51", {name: 51}, {}, rejects("power_levels_value_new"))
        high = {"events": {"m.room.power_levels": 50}}
        for name in names[:4]:
            expect = rejects("power_levels_value_current")
            add(d65, f"lowers {name} from 60", {**high, name: 0}, {**high, name: 60}, expect)
            if version in VARIED:
                add(d65, f"removes {name} of 60", high, {**high, name: 60}, expect)
        for table, name in (("events", "event"), ("notifications", "notification")):
            late = v >= 6 or table == "events"
            new = rejects(f"power_levels_{name}_new") if late else passes()
            current = rejects(f"power_levels_{name}_current") if late else passes()
            for what, before, after, expect in (
                ("adds an entry of 51 to", {}, {"a": 51}, new),
                ("raises an entry of 50 to 51 in", {"a": 50}, {"a": 51}, new),
                ("removes an entry of 60 from", {"a": 60}, {}, current),
                ("lowers an entry of 60 to 50 in", {"a": 60}, {"a": 50}, current),
                ("changes one entry and leaves one of 60 in", {"a": 60, "b": 1}, {"a": 60, "b": 2}, passes()),
            ):
                if version in VARIED or "adds an" in what or "removes" in what:
                    add(d65, f"{what} {table}", {table: after}, {table: before}, expect)
            if version in VARIED:
                add(d65, f"leaves out {table}, which has an entry of 60", {}, {table: {"a": 60}}, current)

        peer = {"users": {CAROL: 50}}
        add(d66, "removes a user of 50", {}, peer, user_current)
        add(d66, "lowers a user of 50", {"users": {CAROL: 49}}, peer, user_current)
        high = {"users": {CAROL: 50, DAN: 100}}
        add(d66, "leaves a user of 50 and one of 100 as they are", {**high, "ban": 1}, high, passes())
        add(d66, "lowers the own level", {"users": {BOB: 0}}, {}, passes())
        what = "adds a user with 0 where users_default is 50"
        add(d66, what, {"users": {CAROL: 0}, "users_default": 50}, {"users_default": 50}, passes())
        add(d66, "sets events_default far below zero", {"events_default": -(2**53) + 1}, {}, passes())
        add(d66, "sets all levels to 50", dict.fromkeys(SCALARS, 50), {}, passes())
        if version not in VARIED:
            continue
        add(d66, "removes a user of 49", {}, {"users": {CAROL: 49}}, passes())
        add(d66, "raises a user of 49 to 50", peer, {"users": {CAROL: 49}}, passes())
        add(d66, "removes the own level", {"users": MISSING}, {}, passes())
        add(d66, "changes nothing", {"ban": 60, "events": {"a": 70}}, {"ban": 60, "events": {"a": 70}}, passes())
        fifty = {"ban": 50, "kick": 50, "redact": 50, "events": {"a": 50}, "notifications": {"room": 50}}
        add(d66, "removes levels of 50", {}, fifty, passes())
        add(d66, "writes down the default of 50", {"ban": 50}, {}, passes())
        add(d66, "sets what is no level", {"x": 100, "users_defaults": 100}, {"x": 10**6}, passes())
        room, _ = changed(version, {}, {})
        event = room.event("m.room.power_levels", CAROL, {"users": {CAROL: 100}}, "")
        d66(corpus, "a stranger makes itself powerful", room, event, rejects("sender_not_joined"))


# --- D67-D70: whose levels ----------------------------------------------------------------------------


def without_levels(corpus):
    d67 = _to("power_levels", "D67")
    for version in versions():
        v = int(version)
        room = room_of(version, BOB, DAN)
        power = rejects("event_power")

        def topic(sender, room=room):
            return room.event("m.room.topic", sender, {"topic": "x"}, "")

        d67(corpus, "no power levels: the creator sets the topic", room, topic(ALICE), passes())
        d67(corpus, "no power levels: another sets the topic", room, topic(BOB), power)
        d67.more(corpus, "no power levels: another sends a message", room, room.message(BOB), passes())
        d67(corpus, "no power levels: another kicks", room, room.change(DAN, "leave", BOB), rejects("kick_power"))
        d67.more(corpus, "no power levels: another bans", room, room.change(CAROL, "ban", BOB), rejects("ban_power"))
        if version in VARIED:
            d67(corpus, "no power levels: another invites", room, room.change(CAROL, "invite", BOB), passes())
            d67(corpus, "no power levels: the creator kicks", room, room.change(BOB, "leave", ALICE), passes())
        for sender, expect in ((ALICE, passes()), (BOB, power)):
            event = room.event("m.room.power_levels", sender, {"users": {DAN: 100}}, "")
            d67.more(corpus, f"no power levels: {sender} sends the first", room, event, expect)
        event = room.event("m.room.power_levels", ALICE, {"users": {DAN: 1000}, "ban": 1000, "events": {"a": 1000}}, "")
        d67.more(corpus, "no power levels: the creator sends the first, above its own level", room, event, passes())

        room = Room(version, creator=BOB)
        room.member(BOB, "join")
        what = "content.creator is another than the sender of the create event: "
        d67(corpus, what + "that one sets the topic", room, topic(BOB, room), passes() if v <= 10 else power)
        d67(corpus, what + "the sender sets the topic", room, topic(ALICE, room), power if v <= 10 else passes())
        if v <= 10:
            for value in (None, [ALICE], {"user": ALICE}) if version in VARIED else (1,):
                room = Room(version, creator=value)
                d67(corpus, f"content.creator is {value!r}: nobody is the creator", room, topic(ALICE, room), power)

        room = room_of(version, BOB, power={"users": {BOB: 50}})
        expect = passes() if v >= 12 else power
        d67(corpus, "power levels that do not list the creator", room, topic(ALICE, room), expect)
        room = room_of(version, BOB, power={"users": {BOB: 50}, "users_default": 49, "state_default": 49, "events_default": 51})
        d67.more(corpus, "users_default counts for those who are not listed", room, topic(ALICE, room), passes())
        if version not in VARIED:
            continue
        expect = passes() if v >= 12 else power
        d67(corpus, "a message needs events_default", room, room.message(ALICE), expect)
        d67(corpus, "a message is no state: state_default does not count", room, room.message(BOB), power)
        event = room.event("m.room.message", BOB, {}, "")
        d67(corpus, "a message with a state key is state: events_default does not count", room, event, passes())
        event = room.event("m.room.topic", BOB, {})
        d67(corpus, "a topic without a state key is a message: events_default counts", room, event, power)
        room = room_of(version, BOB, power={"events": {"m.room.message": 1, "": 0, "m.room": 0}, "users_default": 0})
        d67(corpus, "events names the type", room, room.message(BOB), power)
        room = room_of(version, BOB, power={"events": {"constructor": 0}, "events_default": 1})
        for kind, expect in (("constructor", passes()), ("toString", power), ("__proto__", power)) if version in VARIED else ():
            d67(corpus, f"event type {kind}", room, room.message(BOB, kind=kind), expect)


def redactions(corpus):
    """D67: the level to redact, which is a matter of the rules in versions 1 and 2 only."""
    d67 = _to("power_levels", "D67")
    for version in ("1", "2", "3", "11"):
        v, power = int(version), rejects("event_power")
        room = room_of(version, BOB, power={"users": {BOB: 49}})
        for what, target, expect in (
            ("another server's event", "$x:one.example", rejects("redaction_power")),
            ("an event of its own server", "$x:two.example", passes()),
            ("an event of the same host with a port", "$x:two.example:8448", rejects("redaction_power")),
            ("nothing", MISSING, rejects("redaction_power")),
            ("an id without a domain", "$x", rejects("redaction_power")),
        ):
            if v <= 10:
                event = room.event("m.room.redaction", BOB, {}, redacts=target)
            else:
                event = room.event("m.room.redaction", BOB, {} if target is MISSING else {"redacts": target})
            if v <= 2 or "server" in what:
                d67(corpus, f"sender of 49 redacts {what}", room, event, expect if v <= 2 else passes())
        room = room_of(version, BOB, power={"users": {BOB: 50}})
        event = room.event("m.room.redaction", BOB, {}, redacts="$x:one.example")
        d67(corpus, "sender of 50 redacts another server's event", room, event, passes())
        room = room_of(version, BOB, power={"users": {BOB: 50}, "redact": 51})
        event = room.event("m.room.redaction", BOB, {}, redacts="$x:one.example")
        expect = rejects("redaction_power") if v <= 2 else passes()
        d67(corpus, "sender of 50 redacts another server's event where redact is 51", room, event, expect)
        room = room_of(version, BOB, power={"users": {BOB: 50}, "events": {"m.room.redaction": 51}})
        event = room.event("m.room.redaction", BOB, {}, redacts="$x:two.example")
        d67(corpus, "sender of 50 redacts where the type needs 51", room, event, power)


def other_state_keys(corpus):
    d68 = _to("power_levels", "D68")
    for version in versions():
        room = room_of(version, BOB, CAROL, power={"users": {BOB: 50}})
        other = room.add("m.room.power_levels", BOB, {"users": {CAROL: 100, BOB: 0}, "events": {"a": 60}}, "x")
        topic = room.event("m.room.topic", CAROL, {}, "")
        what = "power levels with a state key give nobody power"
        d68(corpus, what, room, topic, rejects("event_power", check=5), auth=None, state=True)
        topic = room.event("m.room.topic", BOB, {}, "")
        what = "power levels with a state key take nobody's power"
        d68(corpus, what, room, topic, passes(), auth=None, state=True)

        def levels(sender, state_key, **content):
            return room.event("m.room.power_levels", sender, content, state_key)

        event = levels(BOB, "y", users={CAROL: 1000, DAN: 7}, ban=1000)
        what = "a first power levels event of its state key is compared with none"
        d68(corpus, what, room, event, passes(), auth=None, state=True)
        d68.more(corpus, what + ", by its auth events", room, event, passes())
        event = levels(BOB, "x", users={CAROL: 1000}, events={"a": 60})
        what = "power levels with a state key are compared with those of the same: "
        expect = rejects("power_levels_user_current", check=5)
        d68.more(corpus, what + "raises a user of 100", room, event, expect, auth=None, state=True)
        event = levels(BOB, "x", users={CAROL: 100, BOB: 0, DAN: 51}, events={"a": 60})
        expect = rejects("power_levels_user_new", check=5)
        d68(corpus, what + "adds a user with 51", room, event, expect, auth=None, state=True)
        if version not in VARIED:
            continue
        event = levels(BOB, "x", users={CAROL: 100, BOB: 0}, events={"a": 1})
        expect = rejects("power_levels_event_current", check=5)
        d68(corpus, what + "lowers an entry of 60", room, event, expect, auth=None, state=True)
        event = levels(BOB, "x", users={CAROL: 100, BOB: 50}, events={"a": 60})
        d68(corpus, what + "raises the own entry to the own level", room, event, passes(), auth=None, state=True)
        event = levels(BOB, "y", users={"alice": 0})
        d68(corpus, "power levels with a state key list what is no user", room, event, rejects("power_levels_user_id_invalid"))
        event = levels(CAROL, "y", users={})
        d68(corpus, "power levels with a state key, sender of 0", room, event, rejects("event_power"))
        event = levels(BOB, CAROL, users={})
        d68(corpus, "power levels with another user's id as state key", room, event, rejects("state_key_not_sender"))
        event = room.message(BOB, cites=[*room.take(("m.room.member", BOB)), other])
        d68(corpus, "power levels with a state key are cited", room, event, rejects("auth_event_not_selected"))
        event = room.message(BOB, cites=[*room.take("m.room.power_levels", ("m.room.member", BOB)), other])
        what = "power levels with a state key are cited beside those that count"
        d68(corpus, what, room, event, rejects("auth_event_not_selected"))


def creators(corpus):
    d69 = _to("power_levels", "D69")
    version, top = "12", MAX_SAFE
    listed = rejects("power_levels_creator_listed")
    for what, additional, users, expect in (
        ("the creator", [], {ALICE: 100}, listed),
        ("the creator, with 0", [], {ALICE: 0}, listed),
        ("an additional creator", [CAROL], {CAROL: 100}, listed),
        ("another user of the creator's server", [CAROL], {DAN: 100}, passes()),
        ("the creator's name in upper case", [], {ALICE.upper(): 0}, passes()),
    ):
        for sender in (ALICE, BOB):
            room = room_of(version, BOB, power={"users": {BOB: 100}}, additional_creators=additional)
            event = room.event("m.room.power_levels", sender, {"users": {BOB: 100, **users}}, "")
            d69(corpus, f"{sender} lists {what}", room, event, expect)
            if sender == ALICE:
                room = room_of(version, BOB, additional_creators=additional)
                event = room.event("m.room.power_levels", sender, {"users": users}, "")
                d69(corpus, f"the first power levels list {what}", room, event, expect)
    room = room_of(version, BOB, power={"users": {BOB: 100, ALICE: 100}})
    event = room.event("m.room.power_levels", BOB, {"users": {BOB: 100, ALICE: 100}}, "")
    d69(corpus, "the creator is listed as before", room, event, listed)
    event = room.event("m.room.power_levels", BOB, {"users": {BOB: 100}}, "")
    what = "a listed creator is taken out: its entry of 100 is compared like another's"
    d69(corpus, what, room, event, rejects("power_levels_user_current"))
    event = room.event("m.room.power_levels", ALICE, {"users": {BOB: 100}}, "")
    d69(corpus, "a listed creator takes itself out", room, event, passes())

    power = {"users": {BOB: top}, "kick": 0, "ban": 0, "invite": top, "events": {KIND: top, "m.room.power_levels": 0}}
    room = room_of(version, BOB, CAROL, DAN, power=power, additional_creators=[CAROL])
    for what, event, expect in (
        ("an admin of 2^53-1 kicks the creator", room.change(ALICE, "leave", BOB), rejects("kick_target_power")),
        ("an admin of 2^53-1 bans the creator", room.change(ALICE, "ban", BOB), rejects("ban_target_power")),
        ("an admin of 2^53-1 kicks an additional creator", room.change(CAROL, "leave", BOB), rejects("kick_target_power")),
        ("an admin of 2^53-1 bans an additional creator", room.change(CAROL, "ban", BOB), rejects("ban_target_power")),
        ("the creator kicks an admin of 2^53-1", room.change(BOB, "leave", ALICE), passes()),
        ("the creator bans an admin of 2^53-1", room.change(BOB, "ban", ALICE), passes()),
        ("an additional creator kicks an admin of 2^53-1", room.change(BOB, "leave", CAROL), passes()),
        ("the creator kicks an additional creator", room.change(CAROL, "leave", ALICE), rejects("kick_target_power")),
        ("an additional creator kicks the creator", room.change(ALICE, "leave", CAROL), rejects("kick_target_power")),
        ("an additional creator bans the creator", room.change(ALICE, "ban", CAROL), rejects("ban_target_power")),
        ("the creator leaves", room.change(ALICE, "leave"), passes()),
        ("the creator sends what needs 2^53-1", room.message(ALICE, kind=KIND), passes()),
        ("an additional creator sends what needs 2^53-1", room.message(CAROL, kind=KIND), passes()),
        ("a user of 0 sends what needs 2^53-1", room.message(DAN, kind=KIND), rejects("event_power")),
        ("an additional creator invites where that needs 2^53-1", room.change(EVE, "invite", CAROL), passes()),
        ("a user of 0 invites where that needs 2^53-1", room.change(EVE, "invite", DAN), rejects("invite_power")),
    ):
        d69(corpus, what, room, event, expect)
    for sender, users, expect in (
        (ALICE, {}, passes()), (ALICE, {BOB: 0, DAN: top}, passes()), (CAROL, {DAN: top}, passes()),
        (BOB, {BOB: top, DAN: top}, passes()), (DAN, {BOB: top, DAN: 1}, rejects("power_levels_user_new")),
        (DAN, {}, rejects("power_levels_user_current")),
    ):  # fmt: skip
        event = room.event("m.room.power_levels", sender, power | {"users": users}, "")
        d69(corpus, f"{sender} sets users to {users}", room, event, expect)
    for version in versions(11, 12):
        room = room_of(version, BOB, CAROL, additional_creators=[CAROL])
        event = room.event("m.room.topic", CAROL, {}, "")
        expect = passes() if version == "12" else rejects("event_power")
        d69(corpus, "additional_creators, which mean something in version 12 only", room, event, expect)
    for version in ("2", "6", "9", "10", "11"):
        room = room_of(version, BOB, power={"users": {ALICE: 0, BOB: 100}})
        what = "a creator who is listed with 0 has no power"
        d69(corpus, what, room, room.event("m.room.topic", ALICE, {}, ""), rejects("event_power"))
        event = room.event("m.room.power_levels", BOB, {"users": {ALICE: 50, BOB: 100}}, "")
        d69(corpus, "the creator is listed with another level", room, event, passes())
        d69(corpus, "the creator is kicked", room, room.change(ALICE, "leave", BOB), passes())


def left_out(corpus):
    d70 = _to("power_levels", "D70")
    for version in versions():
        power = {"users": {ALICE: 0, BOB: 49}, "events": {"m.room.message": 50}, "invite": 50}
        if version == "12":
            power["users"] = {BOB: 49}
        room = room_of(version, BOB, power=power)
        bob, alice = room.take(("m.room.member", BOB)), room.take(("m.room.member", ALICE))
        late = rejects("event_power", check=5)
        what = "the power levels are not cited: "
        event = room.message(BOB, cites=bob)
        d70(corpus, what + "a message that needs 50", room, event, late, state=True)
        d70.more(corpus, what + "a message that needs 50, judged by its auth events alone", room, event, passes())
        event = room.change(CAROL, "invite", BOB, cites=bob)
        d70.more(corpus, what + "an invite that needs 50", room, event, rejects("invite_power", check=5), state=True)
        if version != "12":
            event = room.event("m.room.topic", ALICE, {}, "", cites=alice)
            d70.more(corpus, what + "a topic by the creator, who has lost its power", room, event, late, state=True)
            event = room.event("m.room.power_levels", ALICE, {"users": {ALICE: 100}}, "", cites=alice)
            d70(corpus, what + "the creator takes the room over", room, event, late, state=True)
        old = room.event("m.room.power_levels", ALICE, {"users": {BOB: 100}}, "")
        event = room.event("m.room.topic", BOB, {}, "", cites=[*bob, old])
        d70(corpus, "older power levels are cited, in which the sender has 100", room, event, late, state=True)
        expect = rejects("event_power")
        event = room.message(BOB)
        d70.more(corpus, "the power levels are cited", room, event, expect, state=True)
        low = room.event("m.room.power_levels", ALICE, {"users": {BOB: 100}}, "")
        state = [one for one in room.state.values() if one["type"] != "m.room.power_levels"] + [low]
        what = "allowed by the state, not by its auth events"
        d70.more(corpus, what, room, event, expect, state=state)


SECTIONS = [
    strings, floats, types, shapes, extremes, changes, without_levels, redactions, other_state_keys, creators, left_out,
]  # fmt: skip
