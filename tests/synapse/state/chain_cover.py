"""Holds `store.py` against the code by which Synapse's database answers: the chain cover index, in SQLite."""

import sqlite3
import sys
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from synapse.storage.database import DatabasePool, LoggingTransaction
from synapse.storage.databases.main.event_federation import EventFederationWorkerStore, StateDifference
from synapse.storage.databases.main.events import PersistEventsStore
from synapse.storage.engines import Sqlite3Engine
from synapse.storage.util.sequence import LocalSequenceGenerator

from question import Question
from resolution import resolve, run
from store import Store

TABLES = """
CREATE TABLE events (event_id TEXT, type TEXT);
CREATE TABLE state_events (event_id TEXT, state_key TEXT);
CREATE TABLE event_auth_chains (event_id TEXT, chain_id BIGINT, sequence_number BIGINT);
CREATE TABLE event_auth_chain_links (
    origin_chain_id BIGINT, origin_sequence_number BIGINT,
    target_chain_id BIGINT, target_sequence_number BIGINT
);
CREATE TABLE event_auth_chain_to_calculate (event_id TEXT, room_id TEXT, type TEXT, state_key TEXT);
"""


class Database(Store):
    """A store whose auth chain difference comes from Synapse's own tables and queries."""

    def __init__(self, room_id: str, store: Store):
        super().__init__()
        self.events = store.events
        self._connection = sqlite3.connect(":memory:")
        self._connection.executescript(TABLES)
        self._engine = Sqlite3Engine({"name": "sqlite3", "args": {"database": ":memory:"}})
        pool = SimpleNamespace(
            engine=self._engine,
            simple_select_many_txn=DatabasePool.simple_select_many_txn,
            simple_insert_many_txn=DatabasePool.simple_insert_many_txn,
            simple_delete_many_txn=DatabasePool.simple_delete_many_txn,
        )
        chains = LocalSequenceGenerator(lambda _: 0)
        with self._transaction() as transaction:
            # One event at a time, as they come to a server.
            for event_id, event in self.events.items():
                key = (event.type, event.state_key)
                transaction.execute("INSERT INTO events VALUES (?, ?)", (event_id, event.type))
                transaction.execute("INSERT INTO state_events VALUES (?, ?)", (event_id, event.state_key))
                PersistEventsStore._add_chain_cover_index(
                    transaction,
                    pool,
                    chains,
                    {event_id: room_id},
                    {event_id: key},
                    {event_id: list(event.auth_event_ids())},
                )

    def _transaction(self) -> Any:
        return _Transaction(self._connection, self._engine)

    async def get_auth_chain_difference(
        self, room_id: str, state_sets: Any, conflicted_state: Any, additional: Any
    ) -> StateDifference:
        methods = SimpleNamespace(
            _get_chain_links=EventFederationWorkerStore._get_chain_links,
            _fetch_event_ids_from_chains_txn=lambda *asked: (
                EventFederationWorkerStore._fetch_event_ids_from_chains_txn(
                    SimpleNamespace(database_engine=self._engine), *asked
                )
            ),
        )
        with self._transaction() as transaction:
            return EventFederationWorkerStore._get_auth_chain_difference_using_cover_index_txn(
                methods, transaction, room_id, state_sets, conflicted_state, additional
            )


class _Transaction:
    def __init__(self, connection: sqlite3.Connection, engine: Any):
        self._connection, self._engine = connection, engine

    def __enter__(self) -> LoggingTransaction:
        return LoggingTransaction(
            txn=self._connection.cursor(),
            name="state",
            server_name="one.example",
            database_engine=self._engine,
        )

    def __exit__(self, *_: object) -> None:
        self._connection.commit()


def compare(questions: Iterable[Question]) -> int:
    """Asks both for the differences and for the resolved state of each room."""
    rooms = with_conflicts = differences = other_states = 0
    for question in questions:
        rooms += 1
        if question.version == "1" or not all(question.states):
            continue  # algorithm 1 does not ask; Synapse's query wants no empty state
        database = Database(question.room.room_id, question.store)
        places = set().union(*question.states)
        conflicted = {
            state[key]
            for key in places
            if len({state.get(key) for state in question.states}) > 1
            for state in question.states
            if key in state
        }
        if not conflicted:
            continue
        with_conflicts += 1

        if _found(database, question, conflicted) != _found(question.store, question, conflicted):
            differences += 1
            print(f"room {question.name}: another difference or subgraph")
        resolved = resolve(question.version, question.room.room_id, question.states, database)
        if resolved != question.answer():
            other_states += 1
            print(f"room {question.name}: another resolved state")
    print(f"{rooms} rooms, {with_conflicts} asked about: {differences} differ, {other_states} other states")
    if differences or other_states:
        print("store.py does not answer as Synapse's database", file=sys.stderr)
    return int(bool(differences or other_states))


def _found(store: Store, question: Question, conflicted: set[str]) -> tuple[set[str], set[str]]:
    """The auth difference, and what the subgraph has beside the conflicted events."""
    sets = [set(state.values()) for state in question.states]
    asked = conflicted if question.version == "12" else None
    found = run(store.get_auth_chain_difference(question.room.room_id, sets, asked, set()))
    return found.auth_difference, (found.conflicted_subgraph or set()) - conflicted
