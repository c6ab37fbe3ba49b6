"""What Synapse's resolution asks its database, out of memory.

`get_auth_chain_difference` answers as `get_auth_chain_difference_extended` in Synapse's
`storage/databases/main/event_federation.py` does; `chain_cover.py` holds it against that one.
"""

from collections.abc import Iterable
from typing import Any

from synapse.events import EventBase
from synapse.storage.databases.main.event_federation import StateDifference


class Store:
    """A `StateResolutionStore` of the events of one room."""

    def __init__(self, events: Iterable[EventBase] = ()):
        self.events: dict[str, EventBase] = {}
        self._chains: dict[str, frozenset[str]] = {}
        for event in events:
            self.add(event)

    def add(self, event: EventBase) -> None:
        """Events must come after those that they cite."""
        self.events[event.event_id] = event
        cited = (self._chains[event_id] for event_id in event.auth_event_ids())
        self._chains[event.event_id] = frozenset([event.event_id]).union(*cited)

    def chain(self, event_id: str) -> frozenset[str]:
        """The event and all that it rests on. In v12 the create event belongs to it."""
        return self._chains[event_id]

    def reach(self, event_ids: Iterable[str]) -> set[str]:
        """These events and all that they rest on."""
        return set().union(*(self._chains[event_id] for event_id in event_ids))

    async def get_events(
        self, event_ids: Iterable[str], allow_rejected: bool = False, **_: Any
    ) -> dict[str, EventBase]:
        known = {event_id: self.events[event_id] for event_id in event_ids if event_id in self.events}
        if allow_rejected:
            return known
        return {event_id: event for event_id, event in known.items() if event.rejected_reason is None}

    async def get_auth_chain_difference(
        self,
        room_id: str,
        state_sets: list[set[str]],
        conflicted_state: set[str] | None,
        additional_backwards_reachable_conflicted_events: set[str] | None,
    ) -> StateDifference:
        chains = [self.reach(state_set) for state_set in state_sets]
        difference = set().union(*chains) - set(chains[0]).intersection(*chains)
        if conflicted_state is None:
            return StateDifference(auth_difference=difference, conflicted_subgraph=None)
        ends = conflicted_state | (additional_backwards_reachable_conflicted_events or set())
        return StateDifference(
            auth_difference=difference,
            conflicted_subgraph={
                event_id
                for event_id in self.reach(ends)
                if not conflicted_state.isdisjoint(self._chains[event_id])
            },
        )
