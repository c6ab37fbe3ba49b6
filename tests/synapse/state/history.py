"""The life of a room: a beginning, forks with a race each, merges, and what is left open at the end."""

from typing import Any

import shared  # noqa: F401
from draw import Draw
from names import ALICE, BOB, CAROL, CREATOR, DAVE, USERS
from plan import Draft

from deeds import deed
from races import RACES
from room import Habits, Room
from side import Side

MOST_BRANCHES = 4


def make_room(draw: Draw, version: str) -> Room:
    """A room whose branches are the sides of an open fork."""
    room = Room(draw, version, _create(draw, int(version)), _habits(draw))
    _begin(room)
    for _ in range(draw.weighted({1: 55, 2: 35, 3: 10})):
        _fork(room)
        if draw.chance(45):
            _merge(room)
    while len(room.branches) > MOST_BRANCHES:
        _merge(room)
    if len(room.branches) == 1:
        _fork(room)
    return room


def _create(draw: Draw, number: int) -> Draft:
    content: dict[str, Any] = {"room_version": f"{number}"}
    if number < 11:
        content["creator"] = CREATOR
    if number == 12 and draw.chance(40):
        content["additional_creators"] = draw.some([ALICE, BOB], draw.number(1, 2))
    return Draft("m.room.create", CREATOR, content, "")


def _habits(draw: Draw) -> Habits:
    return Habits(
        clock=draw.weighted({"same": 40, "few": 30, "steady": 20, "wild": 10}),
        stale=draw.pick((0, 0, 8, 20)),
        foreign=draw.pick((0, 0, 0, 10)),
        odd_depths=draw.chance(15),
    )


def _begin(room: Room) -> None:
    """The creator joins, sets levels and rules, and people come."""
    draw, side = room.draw, Side(room, room.trunk)
    side.join(CREATOR)
    if draw.chance(88):
        users = {} if room.number == 12 else {CREATOR: side.form(100)}
        for user, levels in (
            (ALICE, (100, 75)),
            (BOB, (100, 75, 50)),
            (CAROL, (50, 50, 25)),
            (DAVE, (25, 0)),
        ):
            if user not in side.creators() and draw.chance(85):
                users[user] = side.form(draw.pick(levels))
        content = {"users": users}
        for name in ("state_default", "ban", "kick", "invite"):
            if draw.chance(30):
                content[name] = side.form(draw.pick((0, 25, 50)))
        side.levels(CREATOR, **content)
    side.join_rule(CREATOR, draw.weighted({"public": 80, "invite": 20}))
    for user in (ALICE, BOB, CAROL, DAVE, USERS[5]):
        if draw.chance(92 if user in (ALICE, BOB, CAROL) else 60):
            if side.rule() == "invite":
                side.invite(CREATOR, user)
            side.join(user)
    for _ in range(draw.number(0, 3)):
        deed(side)


def _fork(room: Room) -> None:
    """Two to four branches from a common point, mostly the end of one, and what happens on them."""
    draw = room.draw
    origin = draw.pick(room.branches)
    count = min(draw.weighted({2: 60, 3: 28, 4: 12}), MOST_BRANCHES + 1 - len(room.branches))
    if count < 2:
        return
    at = room.branches.index(origin)
    branches = [origin.fork(f"{origin.name}{letter}") for letter in "abcd"[:count]]
    if draw.chance(15):
        deed(Side(room, branches[0]))  # the branches do not begin at the same event
        branches[1] = branches[0].fork(branches[1].name) if draw.chance(50) else branches[1]
    room.branches[at : at + 1] = branches
    sides = [Side(room, branch) for branch in branches]
    name = draw.weighted({name: weight for name, (_, weight) in RACES.items()})
    room.told.append(f"({name})")
    one, other = draw.some(sides, 2)
    RACES[name][0](one, other)
    for side in sides:
        for _ in range(
            draw.weighted({0: 40, 1: 30, 2: 20, 4: 10}) if side in (one, other) else draw.number(1, 3)
        ):
            deed(side)


def _merge(room: Room) -> None:
    """Two branches become one, and somebody goes on from there."""
    draw = room.draw
    if len(room.branches) < 2:
        return
    one, other = draw.some(room.branches, 2)
    merged = room.merge(one, other, f"[{one.name}+{other.name}]")
    room.branches = [branch for branch in room.branches if branch not in (one, other)] + [merged]
    for _ in range(draw.number(0, 2)):
        deed(Side(room, merged))
