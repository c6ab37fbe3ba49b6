"""Anything that anybody may do at any time: the noise around the races."""

import shared  # noqa: F401
from names import USERS

from side import Side

LEVELS = (0, 0, 25, 50, 50, 75, 100)
TYPES = ("m.room.topic", "m.room.name", "m.room.power_levels", "m.room.join_rules", "m.room.member")


def deed(side: Side, tries: int = 6) -> bool:
    """One random deed that the rules allow; False if none of the tries was."""
    return any(_DEEDS[side.draw.weighted(_WEIGHTS)](side) for _ in range(tries))


def actor(side: Side) -> str | None:
    """Somebody in the room, rather one with power."""
    strong = side.strong()
    if not strong:
        return None
    return side.draw.pick(strong[: max(1, (len(strong) + 1) // 2)] if side.draw.chance(75) else strong)


def some_levels(side: Side) -> bool:
    sender, draw = actor(side), side.draw
    if not sender:
        return False
    if draw.chance(60):
        targets = [*side.below(sender, "join", "leave", "invite", "ban"), sender]
        targets = [target for target in targets if target not in side.creators()]
        if targets:
            top = min(side.level(sender), 100)
            return side.set_level(sender, draw.pick(targets), min(draw.pick(LEVELS), top))
    name = draw.pick(("ban", "kick", "invite", "state_default", "users_default", "events_default", "events"))
    level = side.form(draw.pick((0, 0, 25, 50, 50)))
    if name == "events":
        kind = draw.pick(TYPES)
        return side.levels(sender, f"sets the level of {kind}", events={kind: level})
    return side.levels(sender, f"sets {name}", **{name: level})


def some_ban(side: Side) -> bool:
    sender = actor(side)
    targets = side.below(sender, "join", "invite", "leave", "knock") if sender else []
    return bool(targets) and side.ban(sender, side.draw.pick(targets))


def some_kick(side: Side) -> bool:
    sender = actor(side)
    targets = side.below(sender, "join", "invite", "ban", "ban", "knock") if sender else []
    return bool(targets) and side.kick(sender, side.draw.pick(targets))


def some_invite(side: Side) -> bool:
    sender, targets = actor(side), side.having("leave", "knock")
    return bool(sender and targets) and side.invite(sender, side.draw.pick(targets))


def some_join(side: Side) -> bool:
    draw = side.draw
    user = draw.pick(side.having("leave", "invite", "join") or USERS)
    if "restricted" in side.rule() and side.membership(user) == "leave":
        authoriser = actor(side)
        return bool(authoriser) and side.join_by(user, authoriser)
    return side.join(user)


def some_leave(side: Side) -> bool:
    users = side.having("join", "invite", "knock")
    return bool(users) and side.leave(side.draw.pick(users))


def some_knock(side: Side) -> bool:
    users = side.having("leave")
    return bool(users) and side.room.number >= 7 and side.knock(side.draw.pick(users))


def some_rule(side: Side) -> bool:
    sender = actor(side)
    return bool(sender) and side.join_rule(sender, side.draw.pick(side.rules()))


def some_state(side: Side) -> bool:
    draw, sender = side.draw, actor(side)
    if not sender:
        return False
    kinds = ["m.room.topic", "m.room.topic", "m.room.name", "m.room.history_visibility", "org.example.custom"]
    if side.room.number <= 5:
        kinds.append("m.room.aliases")
    kind = draw.pick(kinds)
    return side.state(sender, kind, draw.pick(("", "one", "@")) if kind == "org.example.custom" else "")


def some_oddity(side: Side) -> bool:
    """Types with a meaning, under state keys that have none."""
    sender = actor(side)
    if not sender:
        return False
    if side.draw.chance(50):
        return side.join_rule(sender, "invite", key="other")
    return side.send("sets other levels", "m.room.power_levels", sender, {"users": {}}, "other")


_DEEDS = {
    "levels": some_levels,
    "ban": some_ban,
    "kick": some_kick,
    "invite": some_invite,
    "join": some_join,
    "leave": some_leave,
    "knock": some_knock,
    "rule": some_rule,
    "state": some_state,
    "oddity": some_oddity,
}
_WEIGHTS = {
    "levels": 20,
    "ban": 10,
    "kick": 12,
    "invite": 9,
    "join": 14,
    "leave": 6,
    "knock": 3,
    "rule": 9,
    "state": 15,
    "oddity": 2,
}
