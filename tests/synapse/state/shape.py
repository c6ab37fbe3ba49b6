"""How hard a question is: what is in conflict, and what takes part in the resolution."""

from typing import Any

from synapse.api.room_versions import KNOWN_ROOM_VERSIONS, StateResolutionVersions
from synapse.state import v1, v2

from resolution import run
from store import Store


def shape(version: str, states: list[Any], expected: dict[Any, str], store: Store) -> dict[str, int]:
    """Counts, and 0 or 1 for what is so or not. Synapse's own functions say what is what."""
    algorithm = KNOWN_ROOM_VERSIONS[version].state_res
    is_first = algorithm == StateResolutionVersions.V1
    _, conflicted = (v1._seperate if is_first else v2._seperate)(states)
    events = set().union(*conflicted.values())
    full, beyond_difference = set(events), set()
    if conflicted and not is_first:
        asked = events if algorithm == StateResolutionVersions.V2_1 else None
        # The function takes what it is given for its own.
        found = run(
            store.get_auth_chain_difference("", [set(state.values()) for state in states], asked, None)
        )
        full |= found.auth_difference
        beyond_difference = (found.conflicted_subgraph or set()) - full
        full |= beyond_difference
    power = {event_id for event_id in full if v2._is_power_event(store.events[event_id])}
    resolved = {(key, event_id) for key, event_id in expected.items()}
    return {
        "states": len(states),
        "events": len(store.events),
        "conflicted places": len(conflicted),
        "full conflicted set": len(full),
        "beyond the conflicted": len(full - events),
        "beyond the auth difference": len(beyond_difference),
        "power events": len(power),
        "power events in conflict": len(power & events),
        "power levels in conflict": int(("m.room.power_levels", "") in conflicted),
        "none of the states": int(all(resolved != set(state.items()) for state in states)),
        "none of the events of a place": sum(key not in expected for key in conflicted),
        "an event of no state": int(not set(expected.values()) <= {e for s in states for e in s.values()}),
    }
