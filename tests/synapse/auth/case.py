"""One case: a room, an event, and what Synapse makes of it."""

from typing import Any

from answers import answers
from claims import claims
from draw import Draw
from plan import Plan, Room
from scenarios import chosen


class NoCase(Exception):
    """Synapse cannot read the room around the event."""


def make_case(seed: int, number: int) -> dict[str, Any]:
    """The case with this number; it does not hang on those before it."""
    draw = Draw(f"{seed} {number}")
    version = str(number % 12 + 1)
    plan = Plan(draw, version)
    draft = chosen(draw, int(version))(plan)
    try:
        room = Room(plan)
        claimed = claims(plan, room, draft)
    except Exception as error:
        raise NoCase(f"{type(error).__name__}: {error}") from error
    judged = room.judged(draft, claimed.references())
    create = (claimed.create or room.create) if version == "12" else None
    state = list(room.state.values())
    if draft.type == "m.room.create":
        # It begins a room: there is nothing before it.
        create, state = None, []
    return {
        "id": number,
        "story": ", ".join(plan.story),
        "room_version": version,
        "event": judged.text,
        "auth_events": [pdu.text for pdu in claimed.events],
        "state": [pdu.text for pdu in state],
        "rejected": sorted(claimed.rejected),
        "create_event": create and create.text,
        "synapse": answers(judged, claimed.events, create, state),
    }
