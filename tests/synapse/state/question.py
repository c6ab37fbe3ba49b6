"""One question: states of a room, and what Synapse makes of them."""

from functools import cached_property
from typing import Any

import shared  # noqa: F401
from draw import Draw
from plan import CREATE, Key
from synapse.events import EventBase

from history import make_room
from resolution import resolve
from room import Room
from shape import shape
from store import Store

States = list[dict[Key, str]]

# Which states a server has, and how often. Mostly those after the ends of the branches.
KINDS = {
    "heads": 80,
    "an older state too": 5,
    "a mixed state too": 6,
    "parts missing": 4,
    "no create event in one": 1,
    "an empty state too": 1,
    "many states": 1,
    "one state twice": 1,
    "one state": 1,
    "rejected events": 3,
}


class Question:
    """States of a room; by default those after the ends of its branches."""

    def __init__(self, name: int | str, room: Room, kind: str = "heads"):
        self.name = name
        self.room = room
        self.kind = kind
        self.version = room.version
        self.states: States = [branch.ids() for branch in room.branches]
        self.rejected: set[str] = set()

    @classmethod
    def drawn(cls, seed: int, number: int) -> "Question":
        """The question with this number; it does not hang on those before it."""
        draw = Draw(f"state {seed} {number}")
        question = cls(number, make_room(draw, str(number % 12 + 1)))
        question._vary(draw)
        return question

    @cached_property
    def store(self) -> Store:
        return Store(self._as_stored(event_id) for event_id in self.room.store.events)

    def answer(self) -> dict[Key, str]:
        return resolve(self.version, self.room.room_id, self.states, self.store)

    def row(self) -> dict[str, Any]:
        """All of it, as a line of the output."""
        room = self.room
        expected = self.answer()
        needed = sorted(self.store.reach(event_id for state in self.states for event_id in state.values()))
        return {
            "id": self.name,
            "story": f"{self.kind}; " + ", ".join(room.told),
            "kind": self.kind,
            "room_version": self.version,
            "state_sets": [_entries(state) for state in self.states],
            # In no order: that they can be put into one is enough.
            "events": [room.pdus[event_id].text for event_id in self.room.draw.some(needed, len(needed))],
            "rejected": sorted(self.rejected),
            "expected": _entries(expected),
            "shape": shape(self.version, self.states, expected, self.store),
        }

    def _vary(self, draw: Draw) -> None:
        """Sometimes a server has other states than those after the ends of the branches."""
        states = self.states
        self.kind = draw.weighted(KINDS)
        past = [state for branch in self.room.branches for state in branch.past if len(state) > 2]
        match self.kind:
            case "an older state too":
                states.append({key: pdu.id for key, pdu in draw.pick(past).items()})
            case "many states":
                for state in [draw.pick(past) for _ in range(draw.number(58, 70))]:
                    states.append({key: pdu.id for key, pdu in state.items()})
            case "a mixed state too":
                states.append(self._mixed(draw))
            case "parts missing":
                state = draw.pick(states)
                for key in draw.some(list(state), draw.number(1, 4)):
                    del state[key]
            case "no create event in one":
                del draw.pick(states)[CREATE]
            case "an empty state too":
                states.append({})
            case "one state twice":
                states.append(dict(draw.pick(states)))
            case "one state":
                del states[1:]
            case "rejected events":
                events = list(dict.fromkeys(event_id for state in states for event_id in state.values()))
                late = (
                    events[1:]
                    if draw.chance(30)
                    else [each for each in events[1:] if self._is_disputed(each)]
                )
                self.rejected = set(draw.some(late, draw.number(1, 3)))

    def _mixed(self, draw: Draw) -> dict[Key, str]:
        """A state that never was: at each place some event that once stood there, or none."""
        found: dict[Key, list[str]] = {}
        for pdu in self.room.pdus.values():
            found.setdefault((pdu.event.type, pdu.event.state_key), []).append(pdu.id)
        return {key: draw.pick(ids) for key, ids in found.items() if key == CREATE or draw.chance(92)}

    def _is_disputed(self, event_id: str) -> bool:
        return not all(event_id in state.values() for state in self.states)

    def _as_stored(self, event_id: str) -> EventBase:
        pdu = self.room.pdus[event_id]
        return (self.room.maker.rejected(pdu) if event_id in self.rejected else pdu).event


def _entries(state: dict[Key, str]) -> list[list[str]]:
    return sorted([kind, key, event_id] for (kind, key), event_id in state.items())
