"""A room as a graph: events that follow on others, each allowed where it stands, and the state after each.

What is allowed is asked of Synapse, and what a merge of branches becomes, too.
"""

from dataclasses import dataclass, field
from typing import Any

import shared  # noqa: F401
from draw import Draw
from names import server_of
from pdus import FIRST_TS, Maker, Pdu
from plan import CREATE, Draft, Key
from selection import selected
from synapse.api.errors import AuthError
from synapse.event_auth import (
    check_state_dependent_auth_rules,
    check_state_independent_auth_rules,
    validate_event_for_room_version,
)

from resolution import resolve, run
from store import Store

State = dict[Key, Pdu]


class IdMaker(Maker):
    """In versions 1 and 2, IDs do not grow with time: whose is smaller must be chance, as with hashes."""

    def __init__(self, version: str, draw: Draw):
        super().__init__(version)
        self._draw = draw
        self._taken: set[int] = set()

    def make(self, fields: dict[str, Any], **more: Any) -> Pdu:
        self._count = self._draw.number(0, 9999)
        while self._count + 1 in self._taken:
            self._count += 1
        self._taken.add(self._count + 1)
        return super().make(fields, **more)


@dataclass(eq=False)
class Branch:
    """Where the room stands, seen from one side: what the next event follows on, and the state before it."""

    name: str
    heads: list[Pdu]
    state: State
    depth: int
    # Earlier states of this branch: what a server that is behind would cite.
    past: list[State] = field(default_factory=list)

    def fork(self, name: str) -> "Branch":
        return Branch(name, list(self.heads), dict(self.state), self.depth, list(self.past))

    def ids(self) -> dict[Key, str]:
        return {key: pdu.id for key, pdu in self.state.items()}


@dataclass(frozen=True)
class Habits:
    """What makes the events of a room tie, and lag."""

    # "same": one time for all. "few": one of three. "steady": it grows. "wild": clocks are wrong.
    clock: str
    # Per cent of the events with stale auth events, and with such of another branch.
    stale: int
    foreign: int
    # Depths that do not grow as they should.
    odd_depths: bool


class Room:
    """The graph, beginning with the create event."""

    def __init__(self, draw: Draw, version: str, create: Draft, habits: Habits):
        self.draw = draw
        self.version = version
        self.number = int(version)
        self.habits = habits
        self.maker = IdMaker(version, draw)
        self.store = Store()
        self.pdus: dict[str, Pdu] = {}
        self.told: list[str] = []
        self.stale_ones = 0
        self._ts = FIRST_TS
        opaque = f"{draw.number(0, 10**9)}"
        self.room_id = f"!{opaque}:{server_of(create.sender)}"
        fields = self._fields(create, 1)
        if self.number == 12:
            del fields["room_id"]
        made = self.maker.make(fields, prev=[], auth=[])
        if self.number == 12:
            self.room_id = "!" + made.id[1:]
        check_state_dependent_auth_rules(made.event, [])
        self._keep(made)
        self.trunk = Branch("t", [made], {CREATE: made}, 1)
        self.branches: list[Branch] = [self.trunk]

    def append(self, branch: Branch, draft: Draft, words: str) -> bool:
        """Adds an event to a branch, if the rules allow it there."""
        depth = branch.depth + 1
        cited = self._cited(branch, draft)
        pdu = self.maker.make(
            self._fields(draft, depth),
            prev=[head.reference for head in branch.heads],
            auth=[each.reference for each in cited],
            signers=draft.signers,
        )
        if not self._is_allowed(pdu, branch.state):
            return False
        self._keep(pdu)
        if any(branch.state.get((each.event.type, each.event.state_key)) is not each for each in cited):
            self.stale_ones += 1
        branch.past.append(branch.state)
        branch.state = {**branch.state, (draft.type, draft.state_key): pdu}
        branch.heads = [pdu]
        branch.depth = depth
        self.told.append(f"{branch.name}: {words}")
        return True

    def merge(self, one: Branch, other: Branch, name: str) -> Branch:
        """The branch that follows on both."""
        resolved = resolve(self.version, self.room_id, [one.ids(), other.ids()], self.store)
        state = {key: self.pdus[event_id] for key, event_id in resolved.items()}
        heads = {head.id: head for head in [*one.heads, *other.heads]}
        self.told.append(f"{name} merges {one.name} and {other.name}")
        return Branch(
            name, list(heads.values()), state, max(one.depth, other.depth), [*one.past, *other.past]
        )

    def _fields(self, draft: Draft, depth: int) -> dict[str, Any]:
        draw = self.draw
        if self.habits.odd_depths and depth > 3 and draw.chance(40):
            depth = draw.number(2, depth + 3)
        return {
            "type": draft.type,
            "state_key": draft.state_key,
            "sender": draft.sender,
            "room_id": self.room_id,
            "content": draft.content,
            "depth": depth,
            "origin_server_ts": self._time(),
            **draft.extra,
        }

    def _time(self) -> int:
        draw = self.draw
        match self.habits.clock:
            case "same":
                return FIRST_TS
            case "few":
                return FIRST_TS + draw.number(0, 2)
            case "wild":
                return draw.pick((0, FIRST_TS, FIRST_TS - draw.number(0, 9), FIRST_TS + draw.number(0, 9)))
        self._ts += draw.number(0, 1)
        return self._ts

    def _cited(self, branch: Branch, draft: Draft) -> list[Pdu]:
        """The auth events: by the state before the event, or some by a state that is not the newest."""
        draw = self.draw
        older: State = {}
        if branch.past and draw.chance(self.habits.stale):
            older = draw.pick(branch.past)
        elif draw.chance(self.habits.foreign):
            older = draw.pick(self.branches).state
        cited = {}
        for key in selected(draft, self.number):
            found = branch.state.get(key)
            if older and draw.chance(60):
                found = older.get(key)
            if found:
                cited[found.id] = found
        return list(cited.values())

    def _is_allowed(self, pdu: Pdu, state: State) -> bool:
        """Checks 4 and 5, as Synapse's federation code makes them."""
        event = pdu.event
        try:
            validate_event_for_room_version(event)
            run(check_state_independent_auth_rules(self.store, event))
            claimed = [self.store.events[event_id] for event_id in event.auth_event_ids()]
            check_state_dependent_auth_rules(event, claimed)
            check_state_dependent_auth_rules(event, [each.event for each in state.values()])
        except AuthError:
            return False
        return True

    def _keep(self, pdu: Pdu) -> None:
        self.store.add(pdu.event)
        self.pdus[pdu.id] = pdu
