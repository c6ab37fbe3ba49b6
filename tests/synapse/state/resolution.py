"""Synapse's own answer to the question what several states become."""

from collections.abc import Coroutine
from typing import Any

from synapse.api.room_versions import KNOWN_ROOM_VERSIONS, StateResolutionVersions
from synapse.state import v1, v2

# (type, state key) -> event ID
States = list[dict[tuple[str, str], str]]


class Clock:
    """Synapse rests now and then in large rooms; here it need not."""

    async def sleep(self, duration: Any) -> None:
        pass


def resolve(version: str, room_id: str, states: States, store: Any) -> dict[tuple[str, str], str]:
    """What the states become; asked as `StateResolutionHandler.resolve_events_with_store` asks."""
    room_version = KNOWN_ROOM_VERSIONS[version]
    given = [dict(state) for state in states]  # one of Synapse's algorithms writes into what it gets
    if room_version.state_res == StateResolutionVersions.V1:
        return dict(run(v1.resolve_events_with_store(room_id, room_version, given, None, store.get_events)))
    return dict(run(v2.resolve_events_with_store(Clock(), room_id, room_version, given, None, store)))


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Runs a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("Synapse waits for something that is not there")
