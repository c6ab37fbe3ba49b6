"""The event's `auth_events`: mostly the right ones, sometimes what a hostile server would write.

Check 4 judges an event by them, check 5 by the room's state, so this is also where the two
answers part.
"""

import copy
from dataclasses import dataclass, field
from typing import Any

from levels import Levels
from names import CREATOR, MEMBERSHIPS
from pdus import Pdu
from plan import CREATE, POWER, RULES, Draft, Key, Plan, Room
from selection import selected


@dataclass
class Claims:
    """What stands in `auth_events`."""

    events: list[Pdu]
    # Events the server has rejected.
    rejected: set[str] = field(default_factory=set)
    # References that stand there a second time.
    again: list[Any] = field(default_factory=list)
    # The create event that the room ID names, where that is not the room's own.
    create: Pdu | None = None

    def references(self) -> list[Any]:
        return [pdu.reference for pdu in self.events] + self.again

    def reject(self, pdu: Pdu, room: Room) -> None:
        self.rejected.add(pdu.id)
        self.events = [room.maker.rejected(event) if event.id == pdu.id else event for event in self.events]


def claims(plan: Plan, room: Room, draft: Draft) -> Claims:
    keys = [key for key in selected(draft, plan.number) if key in room.state]
    found = Claims([room.state[key] for key in keys])
    if draft.type == "m.room.create" and plan.draw.chance(90):
        return found
    if plan.draw.chance(24):
        way = plan.draw.weighted(WAYS)
        if way(plan, room, draft, found):
            plan.tell(f"auth_events: {way.__doc__.rstrip('.')}")
    return found


def stale(plan: Plan, room: Room, draft: Draft, found: Claims) -> bool:
    """an older event."""
    old = [pdu for pdu in found.events if (pdu.event.type, pdu.event.state_key) != CREATE]
    if not old:
        return False
    pdu = plan.draw.pick(old)
    key = (pdu.event.type, pdu.event.state_key)
    found.events[found.events.index(pdu)] = room.make_state(key, *_earlier(plan, key))
    return True


def _earlier(plan: Plan, key: Key) -> tuple[str, dict[str, Any]]:
    """What might have stood in the state before."""
    draw = plan.draw
    sender, content = plan.state[key]
    if key == POWER:
        return CREATOR, Levels(draw, plan.number, plan.creators()).content()
    if key == RULES:
        return CREATOR, {"join_rule": draw.pick(("public", "invite", "knock"))}
    if key[0] == "m.room.member":
        return key[1], {"membership": draw.pick(MEMBERSHIPS)}
    return sender, copy.deepcopy(content)


def missing(plan: Plan, room: Room, draft: Draft, found: Claims) -> bool:
    """one is missing."""
    if not found.events:
        return False
    found.events.remove(plan.draw.pick(found.events))
    return True


def no_create(plan: Plan, room: Room, draft: Draft, found: Claims) -> bool:
    """no create event."""
    found.events = [pdu for pdu in found.events if pdu.id != room.create.id]
    return plan.number < 12


def surplus(plan: Plan, room: Room, draft: Draft, found: Claims) -> bool:
    """one too many."""
    draw = plan.draw
    have = {pdu.id for pdu in found.events}
    if draw.chance(50) and (
        rest := [pdu for pdu in room.state.values() if pdu.id not in have and pdu is not room.create]
    ):
        found.events.append(draw.pick(rest))
        return True
    keys = [
        ("m.room.topic", ""),
        ("m.room.power_levels", "key"),
        ("m.room.join_rules", draft.sender),
        ("m.room.member", "@stranger:one.example"),
        ("m.room.member", ""),
        ("m.room.third_party_invite", "another token"),
    ]
    if plan.number < 12:  # with a room_id, such an event has another ID for Synapse
        keys.append(("m.room.create", "key"))
    key = draw.pick(keys)
    found.events.append(room.make_state(key, CREATOR, {"membership": "join", "room_version": plan.version}))
    return True


def twice(plan: Plan, room: Room, draft: Draft, found: Claims) -> bool:
    """the same one twice."""
    if not found.events:
        return False
    found.again.append(plan.draw.pick(found.events).reference)
    return True


def two_of_a_kind(plan: Plan, room: Room, draft: Draft, found: Claims) -> bool:
    """two of one kind."""
    if not found.events:
        return False
    pdu = plan.draw.pick(found.events)
    key = (pdu.event.type, pdu.event.state_key)
    if key == CREATE:
        found.events.append(room.make_create())
    else:
        found.events.append(room.make_state(key, *plan.state[key]))
    return True


def rejected(plan: Plan, room: Room, draft: Draft, found: Claims) -> bool:
    """a rejected one."""
    if plan.number == 12 and plan.draw.chance(30):
        found.rejected.add(room.create.id)
        found.create = room.maker.rejected(room.create)
        return True
    if not found.events:
        return False
    found.reject(plan.draw.pick(found.events), room)
    return True


def elsewhere(plan: Plan, room: Room, draft: Draft, found: Claims) -> bool:
    """one of another room."""
    if not found.events:
        return False
    index = plan.draw.number(0, len(found.events) - 1)
    key = (found.events[index].event.type, found.events[index].event.state_key)
    # The depth of its create event tells the other room of version 12 from this one.
    other = (
        Room(_bare(plan), "elsewhere")
        if plan.number < 12
        else Room(_bare(plan, {"topic": "elsewhere"}), "elsewhere")
    )
    found.events[index] = other.create if key == CREATE else other.make_state(key, *plan.state[key])
    return True


def _bare(plan: Plan, more: dict[str, Any] | None = None) -> Plan:
    bare = copy.copy(plan)
    bare.state = {}
    bare.create_content = {**plan.create_content, **(more or {})}
    return bare


def no_state(plan: Plan, room: Room, draft: Draft, found: Claims) -> bool:
    """one that is no state."""
    kind = plan.draw.pick(("m.room.message", "m.room.power_levels", "m.room.member"))
    found.events.append(room.make_event({"type": kind, "sender": CREATOR, "content": {"membership": "join"}}))
    return True


def with_create(plan: Plan, room: Room, draft: Draft, found: Claims) -> bool:
    """the create event, which version 12 leaves out."""
    if plan.number < 12:
        return False
    found.events.append(room.create)
    return True


def no_room(plan: Plan, room: Room, draft: Draft, found: Claims) -> bool:
    """the room ID names another event than a create event."""
    if plan.number < 12 or draft.type == "m.room.create":
        return False
    found.create = room.make_event({"type": "m.room.message", "sender": CREATOR, "content": {}})
    draft.extra["room_id"] = "!" + found.create.id[1:]
    return True


# Their first lines are the words that a case's story has for them.
WAYS = {
    stale: 34,
    missing: 12,
    no_create: 4,
    surplus: 12,
    twice: 5,
    two_of_a_kind: 6,
    rejected: 9,
    elsewhere: 9,
    no_state: 6,
    with_create: 8,
    no_room: 6,
}
