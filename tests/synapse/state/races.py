"""What happens on two sides at once, so that it matters who comes first."""

from collections.abc import Callable

import shared  # noqa: F401

from deeds import actor, deed
from side import Side

Race = Callable[[Side, Side], None]


def demotion(one: Side, other: Side) -> None:
    """Somebody loses power on one side, and uses it on the other."""
    strong = one.strong()
    if len(strong) < 2:
        return
    first, second = strong[0], one.draw.pick(strong[1:3])
    one.set_level(first, second, 0)
    _use_power(other, second)


def mutual_demotion(one: Side, other: Side) -> None:
    """Two with equal power each lower themselves, or whom they can, and raise a friend."""
    strong = one.strong()
    if len(strong) < 3:
        return
    for side, (me, friend) in zip((one, other), ((strong[0], strong[2]), (strong[1], strong[2]))):
        level = min(side.level(me), 100)
        side.set_level(me, friend, side.draw.pick((level, level // 2)))
        if side.draw.chance(60):
            side.set_level(me, me, side.draw.pick((0, 25, 50)))
        if side.draw.chance(60):
            _use_power(side, side.draw.pick((me, friend)))


def ban_and_levels(one: Side, other: Side) -> None:
    """Somebody is banned on one side, and sets levels on the other."""
    strong = one.strong()
    if len(strong) < 2:
        return
    first, second = strong[0], one.draw.pick(strong[1:3])
    one.ban(first, second)
    friends = other.below(second, "join")
    if friends:
        friend = other.draw.pick(friends)
        other.set_level(second, friend, min(other.level(second), 100))
        _use_power(other, friend)
    else:
        other.levels(second, ban=0)


def mutual_ban(one: Side, other: Side) -> None:
    """Bans in a circle: each side bans those who ban on the other."""
    strong = one.strong()
    if len(strong) < 3:
        return
    one.ban(strong[0], strong[1])
    other.ban(strong[1], strong[2])
    if one.draw.chance(50):
        other.set_level(strong[1], strong[1], 0)
        other.ban(strong[0], strong[1])


def ban_and_return(one: Side, other: Side) -> None:
    """A ban and its end, while the other side bans again, or lets the user act."""
    sender = actor(one)
    targets = one.below(sender, "join", "ban") if sender else []
    if not targets:
        return
    target = one.draw.pick(targets)
    if one.membership(target) != "ban":
        one.ban(sender, target)
    one.kick(sender, target)
    one.invite(sender, target)
    one.join(target)
    if other.draw.chance(50):
        other.ban(actor(other) or sender, target)
    else:
        other.join(target)
        other.state(target, "m.room.topic")


def joins_and_rules(one: Side, other: Side) -> None:
    """The room is closed on one side, and people come in on the other."""
    sender = actor(one)
    if not sender:
        return
    other.join_rule(sender, "public")
    for user in one.draw.some(other.having("leave", "knock"), 2):
        other.join(user)
        if other.draw.chance(50):
            other.state(user, "m.room.name")
    one.join_rule(sender, one.draw.pick(("invite", "invite", "private")))
    for user in one.draw.some(one.having("leave"), 1):
        one.invite(sender, user)


def restricted_joins(one: Side, other: Side) -> None:
    """Who vouches for a join is sent away, or loses the level for invites, on the other side."""
    strong = one.strong()
    if one.room.number < 8 or len(strong) < 2:
        return joins_and_rules(one, other)
    first, second = strong[0], one.draw.pick(strong[1:])
    other.join_rule(first, "restricted")
    for user in other.draw.some(other.having("leave"), 2):
        other.join_by(user, second)
    if one.draw.chance(50):
        one.ban(first, second)
    else:
        one.levels(first, invite=75)


def levels_twice(one: Side, other: Side) -> None:
    """The same levels set on both sides by the same one, and used."""
    sender = actor(one)
    if not sender:
        return
    users = one.having("join")
    for side in (one, other):
        friend = side.draw.pick(users)
        side.levels(
            sender,
            state_default=side.form(side.draw.pick((0, 25, 50))),
            **({} if friend in side.creators() else {"users": {friend: side.draw.pick((25, 50))}}),
        )
        _use_power(side, friend)
        if side.draw.chance(50):
            side.levels(sender, ban=side.draw.pick((0, 25, 50)), events={"m.room.topic": 50})


def leaving(one: Side, other: Side) -> None:
    """Somebody leaves of their own will (no power event), and acts on the other side."""
    user = actor(one)
    if not user:
        return
    one.leave(user)
    _use_power(other, user)
    other.state(user, "m.room.topic")


def profile_and_kick(one: Side, other: Side) -> None:
    """A membership that is said again, while its user is sent away."""
    sender = actor(one)
    targets = one.below(sender, "join") if sender else []
    if not targets:
        return
    target = one.draw.pick(targets)
    other.join(target)
    other.join(target)
    one.kick(sender, target)
    if one.draw.chance(40):
        one.invite(sender, target)


def topics(one: Side, other: Side) -> None:
    """Nothing but what the mainline orders: one type, set on both sides under different levels."""
    sender = actor(one)
    if not sender:
        return
    for side in (one, other):
        side.state(sender, "m.room.topic")
        if side.draw.chance(60):
            side.levels(sender, notifications={"room": side.draw.pick((0, 25, 50))})
        side.state(actor(side) or sender, "m.room.topic")
        side.state(sender, "m.room.name")


def _use_power(side: Side, user: str) -> None:
    """What somebody with power does with it."""
    draw = side.draw
    for _ in range(draw.number(1, 2)):
        targets = side.below(user, "join", "invite", "leave", "ban")
        match draw.weighted({"ban": 3, "kick": 2, "level": 3, "rule": 2, "topic": 3, "other": 2}):
            case "ban" if targets:
                side.ban(user, draw.pick(targets))
            case "kick" if targets:
                side.kick(user, draw.pick(targets))
            case "level" if targets:
                top = min(side.level(user), 100)
                side.set_level(user, draw.pick(targets), draw.pick((0, top // 2, top)))
            case "rule":
                side.join_rule(user, draw.pick(side.rules()))
            case "topic":
                side.state(user, "m.room.topic")
            case _:
                deed(side)


RACES: dict[str, tuple[Race, int]] = {
    "demotion": (demotion, 14),
    "mutual demotion": (mutual_demotion, 12),
    "ban and levels": (ban_and_levels, 14),
    "mutual ban": (mutual_ban, 10),
    "ban and return": (ban_and_return, 8),
    "joins and rules": (joins_and_rules, 12),
    "restricted joins": (restricted_joins, 8),
    "levels twice": (levels_twice, 12),
    "leaving": (leaving, 6),
    "profile and kick": (profile_and_kick, 6),
    "topics": (topics, 8),
}
