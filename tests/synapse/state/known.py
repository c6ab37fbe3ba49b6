"""Rooms made by hand: each is the smallest one in which we know fedproof and Synapse to differ, and chance
hardly finds it."""

from collections.abc import Iterator

import shared  # noqa: F401
from draw import Draw
from names import CREATOR
from pdus import FIRST_TS
from plan import CREATE, Draft

from question import Question
from room import Habits, Room
from side import Side


def known() -> Iterator[Question]:
    yield create_event_missing()


def create_event_missing() -> Question:
    """v12: one of two states lacks the create event, so that it is in conflict.

    Two topics are, too: one set before the newest power levels and one, which is the earlier by its
    time, after them. Both states have these levels. Are they on a path from a topic to the create
    event, then they are replayed and the topics are sorted along them; if not, by their times.
    """
    room = _room("12")
    one = room.trunk.fork("a")
    Side(room, one).state(CREATOR, "m.room.topic", extra=_at(2))
    Side(room, one).levels(CREATOR, ban=75)
    other = one.fork("b")
    Side(room, other).state(CREATOR, "m.room.topic", extra=_at(1))
    room.branches = [one, other]
    question = Question("create event missing", room, "no create event in one")
    del question.states[1][CREATE]
    return question


def _room(version: str) -> Room:
    """The creator, with the default levels, in a room that is open to nobody."""
    create = Draft("m.room.create", CREATOR, {"room_version": version}, "")
    room = Room(Draw(version), version, create, Habits(clock="steady", stale=0, foreign=0, odd_depths=False))
    side = Side(room, room.trunk)
    side.join(CREATOR)
    side.levels(CREATOR)
    return room


def _at(time: int) -> dict[str, int]:
    return {"origin_server_ts": FIRST_TS + time}
