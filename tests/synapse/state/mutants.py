"""Wrong algorithms: in how many rooms does each give another answer than the right one?

That tells what the rooms can tell apart. A mutant that no room notices is a rule that nothing here tests.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from synapse.api.room_versions import KNOWN_ROOM_VERSIONS, StateResolutionVersions
from synapse.state import v1, v2
from synapse.storage.databases.main.event_federation import StateDifference

import resolution
from question import Question

Mutant = Callable[[ExitStack, Question], None]


def survey(questions: Iterable[Question]) -> int:
    """Prints, for each mutant, how many rooms it is asked about and how many notice it."""
    asked: Counter = Counter()
    noticed: Counter = Counter()
    for question in questions:
        right = question.answer()
        algorithm = KNOWN_ROOM_VERSIONS[question.version].state_res
        for (name, algorithms), mutant in MUTANTS.items():
            if algorithm not in algorithms:
                continue
            asked[name] += 1
            with ExitStack() as stack:
                mutant(stack, question)
                try:
                    noticed[name] += question.answer() != right
                except Exception:
                    noticed[name] += 1
    for name, times in asked.items():
        print(f"{noticed[name]:6} of {times:6}  {name}")
    unnoticed = [name for name in asked if not noticed[name] and name != HARMLESS]
    if unnoticed:
        print(f"never noticed: {', '.join(unnoticed)}", file=sys.stderr)
    return int(bool(unnoticed))


def _power_order(change: Callable[[tuple[int, int, str]], Any]) -> Mutant:
    """The reverse topological power ordering with another key than (-level, time, ID)."""

    def mutant(stack: ExitStack, _: Question) -> None:
        right = v2.lexicographical_topological_sort

        def sort(graph: Any, key: Callable[[str], Any]) -> Any:
            return right(graph, lambda event_id: change(key(event_id)))

        stack.enter_context(patch.object(v2, "lexicographical_topological_sort", sort))

    return mutant


def _mainline_order(change: Callable[[int, int, str], Any]) -> Mutant:
    """The mainline ordering with another key than (position, time, ID)."""

    def mutant(stack: ExitStack, _: Question) -> None:
        right_sort, right_depth = v2._mainline_sort, v2._get_mainline_depth_for_event
        depths: dict[str, int] = {}

        async def depth_of(clock: Any, event: Any, *more: Any) -> int:
            depths[event.event_id] = await right_depth(clock, event, *more)
            return depths[event.event_id]

        async def sort(clock: Any, room_id: str, ids: Any, levels: Any, event_map: Any, store: Any) -> Any:
            found = await right_sort(clock, room_id, ids, levels, event_map, store)
            return sorted(
                found, key=lambda each: change(depths[each], event_map[each].origin_server_ts, each)
            )

        stack.enter_context(patch.object(v2, "_get_mainline_depth_for_event", depth_of))
        stack.enter_context(patch.object(v2, "_mainline_sort", sort))

    return mutant


def _power_events(wrong: Callable[[Any, bool], bool]) -> Mutant:
    def mutant(stack: ExitStack, _: Question) -> None:
        right = v2._is_power_event
        stack.enter_context(patch.object(v2, "_is_power_event", lambda event: wrong(event, right(event))))

    return mutant


def _difference(change: Callable[[StateDifference], StateDifference]) -> Mutant:
    def mutant(stack: ExitStack, question: Question) -> None:
        right = question.store.get_auth_chain_difference

        async def wrong(*asked: Any) -> StateDifference:
            return change(await right(*asked))

        stack.enter_context(patch.object(question.store, "get_auth_chain_difference", wrong))

    return mutant


def _no_closure(stack: ExitStack, _: Question) -> None:
    """Power events without the events that they rest on."""
    right = v2._add_event_and_auth_chain_to_graph

    async def alone(graph: Any, room_id: str, event_id: str, event_map: Any, store: Any, full: Any) -> None:
        power = {each for each in full if v2._is_power_event(event_map[each])}
        await right(graph, room_id, event_id, event_map, store, power)

    stack.enter_context(patch.object(v2, "_add_event_and_auth_chain_to_graph", alone))


def _other_algorithm(algorithm: int) -> Mutant:
    def mutant(stack: ExitStack, question: Question) -> None:
        version = _Other(KNOWN_ROOM_VERSIONS[question.version], algorithm)
        stack.enter_context(patch.object(resolution, "KNOWN_ROOM_VERSIONS", {question.version: version}))

    return mutant


class _Other:
    """A room version with another algorithm."""

    def __init__(self, version: Any, algorithm: int):
        self._version = version
        self.state_res = algorithm

    def __getattr__(self, name: str) -> Any:
        return getattr(self._version, name)


def _resolved_over_unconflicted(stack: ExitStack, _: Question) -> None:
    stack.enter_context(
        patch.object(v2, "ChainMap", lambda unconflicted, resolved: {**unconflicted, **resolved})
    )


def _v1_order(key: Callable[[Any, tuple[int, str]], Any]) -> Mutant:
    """The order of algorithm 1 with another key than (-depth, SHA-1 of the ID)."""

    def mutant(stack: ExitStack, _: Question) -> None:
        right = v1._ordered_events

        def ordered(events: Any) -> Any:
            found = right(events)
            return sorted(found, key=lambda event: key(event, (-event.depth, _sha1(event.event_id))))

        stack.enter_context(patch.object(v1, "_ordered_events", ordered))

    return mutant


def _sha1(event_id: str) -> str:
    return v1.hashlib.sha1(event_id.encode()).hexdigest()


def _v1_allows_all(name: str) -> Mutant:
    """Algorithm 1 without the authorization rules, for some kinds of events."""

    def mutant(stack: ExitStack, _: Question) -> None:
        if name == "_resolve_auth_events":
            wrong = lambda _version, events, _auth: v1._ordered_events(events)[0]
        else:
            wrong = lambda events, _auth: v1._ordered_events(events)[0]
        stack.enter_context(patch.object(v1, name, wrong))

    return mutant


def _backwards(text: str) -> list[int]:
    return [-ord(letter) for letter in text]


# The specification does not count create events, Synapse does. All events rest on the create event, so it
# comes before the power events anyway; and without any, the others bring it along as their auth event.
HARMLESS = "2: create events no power events"

FIRST = (StateResolutionVersions.V1,)
SECOND = (StateResolutionVersions.V2, StateResolutionVersions.V2_1)
ONLY_V2 = (StateResolutionVersions.V2,)
ONLY_V2_1 = (StateResolutionVersions.V2_1,)

MUTANTS: dict[tuple[str, tuple[int, ...]], Mutant] = {
    ("1: depth backwards", FIRST): _v1_order(lambda _, key: (-key[0], key[1])),
    ("1: SHA-1 backwards", FIRST): _v1_order(lambda _, key: (key[0], _backwards(key[1]))),
    ("1: the ID instead of its SHA-1", FIRST): _v1_order(lambda event, key: (key[0], event.event_id)),
    ("1: powers, rules, members not checked", FIRST): _v1_allows_all("_resolve_auth_events"),
    ("1: other events not checked", FIRST): _v1_allows_all("_resolve_normal_events"),
    ("1: algorithm 2 instead", FIRST): _other_algorithm(StateResolutionVersions.V2),
    ("2: algorithm 2.1 instead", ONLY_V2): _other_algorithm(StateResolutionVersions.V2_1),
    ("2.1: algorithm 2 instead", ONLY_V2_1): _other_algorithm(StateResolutionVersions.V2),
    ("2.1: no conflicted subgraph", ONLY_V2_1): _difference(
        lambda found: StateDifference(found.auth_difference, set())
    ),
    ("2: no auth difference", SECOND): _difference(
        lambda found: StateDifference(set(), found.conflicted_subgraph)
    ),
    ("2: no levels in the power order", SECOND): _power_order(lambda key: key[1:]),
    ("2: levels backwards in the power order", SECOND): _power_order(lambda key: (-key[0], *key[1:])),
    ("2: times backwards in the power order", SECOND): _power_order(lambda key: (key[0], -key[1], key[2])),
    ("2: no times in the power order", SECOND): _power_order(lambda key: (key[0], key[2])),
    ("2: IDs backwards in the power order", SECOND): _power_order(lambda key: (*key[:2], _backwards(key[2]))),
    ("2: power events without what they rest on", SECOND): _no_closure,
    ("2: bans and kicks no power events", SECOND): _power_events(
        lambda event, right: right and event.type != "m.room.member"
    ),
    ("2: joins and own leaves power events", SECOND): _power_events(
        lambda event, right: right or event.type == "m.room.member"
    ),
    ("2: join rules no power events", SECOND): _power_events(
        lambda event, right: right and event.type != "m.room.join_rules"
    ),
    (HARMLESS, SECOND): _power_events(lambda event, right: right and event.type != "m.room.create"),
    ("2: all events power events", SECOND): _power_events(lambda event, right: True),
    ("2: no mainline", SECOND): _mainline_order(lambda depth, time, name: (time, name)),
    ("2: mainline backwards", SECOND): _mainline_order(lambda depth, time, name: (-depth, time, name)),
    ("2: nothing of the mainline comes last", SECOND): _mainline_order(
        lambda depth, time, name: (depth or 10**6, time, name)
    ),
    ("2: times backwards on the mainline", SECOND): _mainline_order(
        lambda depth, time, name: (depth, -time, name)
    ),
    ("2: no times on the mainline", SECOND): _mainline_order(lambda depth, time, name: (depth, name)),
    ("2: IDs backwards on the mainline", SECOND): _mainline_order(
        lambda depth, time, name: (depth, time, _backwards(name))
    ),
    ("2: unconflicted state does not win", SECOND): _resolved_over_unconflicted,
}
