"""What Synapse makes of an event.

Its federation code (`_check_event_auth`) asks four questions in turn. Check 4 of ours are the
first three of them, with the event's `auth_events`; check 5 are the first and the last, with the
state before the event:

1. `validate_event_for_room_version`: are the signatures there that must be there?
2. `check_state_independent_auth_rules`: the create event's own rules, and `auth_events`
3. `check_state_dependent_auth_rules` with the events in `auth_events`
4. `check_state_dependent_auth_rules` with the state before the event

Where the event is a create event, or the room of version 12 has none that is good, the first three
decide both: those rules come before all that looks at a state.
"""

from collections.abc import Callable, Iterable
from typing import Any

from synapse.api.errors import AuthError
from synapse.event_auth import (
    check_state_dependent_auth_rules,
    check_state_independent_auth_rules,
    validate_event_for_room_version,
)
from synapse.events import EventBase

from pdus import Pdu


class Store:
    """The one question that the rules ask Synapse's database."""

    def __init__(self, events: Iterable[EventBase]):
        self._events = {event.event_id: event for event in events}

    async def get_events(self, event_ids: Iterable[str], **_: Any) -> dict[str, EventBase]:
        return {event_id: self._events[event_id] for event_id in event_ids if event_id in self._events}


def answers(judged: Pdu, claimed: list[Pdu], create: Pdu | None, state: Iterable[Pdu]) -> dict[str, Any]:
    """Synapse's two answers. `create` is the create event that v12 adds to the claimed ones."""
    event = judged.event
    if event is None:
        unreadable = {"answer": "error", "why": "SynapseError: 400: Invalid event JSON"}
        return {"check4": unreadable, "check5": unreadable}
    known = {pdu.id: pdu.event for pdu in [*claimed, *([create] if create else [])]}

    def check4() -> None:
        validate_event_for_room_version(event)
        _run(check_state_independent_auth_rules(Store(known.values()), event))
        check_state_dependent_auth_rules(event, [known[event_id] for event_id in event.auth_event_ids()])

    def check5() -> None:
        if event.type == "m.room.create" or (create and not _is_good(create)):
            check4()
        validate_event_for_room_version(event)
        check_state_dependent_auth_rules(event, [pdu.event for pdu in state])

    return {"check4": _answer(check4), "check5": _answer(check5)}


def _is_good(create: Pdu) -> bool:
    return create.event.type == "m.room.create" and not create.event.rejected_reason


def _answer(check: Callable[[], None]) -> dict[str, str]:
    try:
        check()
    except AuthError as error:
        return {"answer": "reject", "why": str(error)}
    except Exception as error:
        # What is no AuthError goes up to the transaction: the event is dropped.
        return {
            "answer": "error",
            "why": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
        }
    return {"answer": "allow", "why": ""}


def _run(coroutine: Any) -> None:
    """Runs a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("Synapse waits for something that the store does not know")
