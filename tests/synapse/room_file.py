"""From Synapse's database to our room file, and the check of what was written.

Runs inside the environment of Synapse: the check uses Synapse's own library.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import synapse.util
from signedjson.key import decode_verify_key_bytes
from signedjson.sign import verify_signed_json
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS, RoomVersion
from synapse.crypto.event_signing import check_event_content_hash
from synapse.events import EventBase, make_event_from_dict
from synapse.synapse_rust.events import redact_event
from unpaddedbase64 import decode_base64

# Synapse writes the rest of an event as it came; `unsigned` it rewrites with its own clock.
NOT_OF_THE_SENDER = "unsigned"


def stored_events(database: Path, room: str) -> list[dict[str, Any]]:
    """Every event of the room in the order Synapse stored it, with Synapse's verdict."""
    query = """
        SELECT events.event_id, event_json.json, event_json.internal_metadata, events.rejection_reason
        FROM events JOIN event_json USING (event_id)
        WHERE events.room_id = ? ORDER BY events.stream_ordering
    """
    return [
        {
            "event_id": event_id,
            "pdu": _as_sent(text),
            "outcome": _outcome(json.loads(internal), rejection),
        }
        for event_id, text, internal, rejection in ask(database, query, room)
    ]


def with_judged(stored: list[dict], judged: list[dict]) -> list[dict]:
    """Puts the peer's events among the stored ones: as sent, and also those Synapse dropped.

    A dropped event goes right after the stored event it was sent after.
    """
    by_id = {case["event_id"]: case for case in judged if case["event_id"]}
    merged = []
    for event in stored:
        merged.append({**event, **by_id.get(event["event_id"], {})})
        merged += [
            case for case in judged if case["outcome"] == "dropped" and case["sent_after"] == event["event_id"]
        ]
    return merged


def current_state(database: Path, room: str) -> list[list[str]]:
    """What Synapse takes for the room's state now."""
    query = """
        SELECT type, state_key, event_id FROM current_state_events
        WHERE room_id = ? ORDER BY type, state_key
    """
    return [list(row) for row in ask(database, query, room)]


def forward_extremities(database: Path, room: str) -> list[str]:
    query = "SELECT event_id FROM event_forward_extremities WHERE room_id = ? ORDER BY event_id"
    return [event_id for (event_id,) in ask(database, query, room)]


def ask(database: Path, query: str, *parameters: str) -> list[tuple]:
    """Reads beside the running server; read only, so nothing can be spoiled."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(query, parameters).fetchall()


def compose(
    room: str, version: str, server_keys: list[dict], events: list[dict], database: Path
) -> dict[str, Any]:
    """Our room file; the keys after `pdus` are extra and say what Synapse made of it."""
    return {
        "room_id": room,
        "room_version": version,
        "server_keys": server_keys,
        "pdus": [event["pdu"] for event in events],
        "event_ids": [event["event_id"] for event in events],
        "synapse": [
            {key: event[key] for key in ("outcome", "redacted", "case", "reason") if key in event}
            for event in events
        ],
        "current_state": current_state(database, room),
        "forward_extremities": forward_extremities(database, room),
        "made_by": synapse.util.SYNAPSE_VERSION,
    }


def write(room: dict[str, Any], path: Path) -> None:
    """One event a line, so that two files can be compared by eye and by diff."""
    one_a_line = ("server_keys", "pdus", "event_ids", "synapse", "current_state", "forward_extremities")
    parts = []
    for key, value in room.items():
        if key in one_a_line:
            lines = ",\n".join(_text(item) for item in value)
            parts.append(f"{_text(key)}:[\n{lines}\n]")
        else:
            parts.append(f"{_text(key)}:{_text(value)}")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def check(path: Path) -> list[str]:
    """Judges each stored event of a written file again; returns what is wrong with it."""
    room = json.loads(path.read_text(encoding="utf-8"))
    version = KNOWN_ROOM_VERSIONS[room["room_version"]]
    keys = _verified_keys(room["server_keys"])
    wrong = []
    for pdu, event_id, verdict in zip(room["pdus"], room["event_ids"], room["synapse"], strict=True):
        if verdict["outcome"] == "dropped":
            continue  # has no event id to be checked against, or no signature that holds
        wrong += [f"{event_id}: {problem}" for problem in _problems(pdu, event_id, verdict, version, keys)]
    return wrong


def _problems(
    pdu: dict, event_id: str, verdict: dict, version: RoomVersion, keys: dict[str, dict[str, Any]]
) -> list[str]:
    event = make_event_from_dict(pdu, version)
    problems = []
    if event.event_id != event_id:
        problems.append(f"the event id is {event.event_id}")
    if check_event_content_hash(event) == verdict.get("redacted", False):
        problems.append("the content hash is not as Synapse judged it")
    redacted = redact_event(event).get_pdu_json()
    for server in _must_sign(event, version):
        key_ids = pdu["signatures"].get(server, {})
        if not key_ids:
            problems.append(f"{server} did not sign")
        for key_id in key_ids:
            # Raises if the signature is wrong, and that is the failure to be seen.
            verify_signed_json(redacted, server, keys[server][key_id])
    return problems


def _must_sign(event: EventBase, version: RoomVersion) -> set[str]:
    servers = {_domain(event.sender)}
    if version.identifier in ("1", "2"):
        servers.add(_domain(event.event_id))
    voucher = event.content.get("join_authorised_via_users_server")
    if version.restricted_join_rule and voucher:
        servers.add(_domain(voucher))
    return servers


def _verified_keys(responses: list[dict]) -> dict[str, dict[str, Any]]:
    """The keys of each server, from answers that carry that server's own signature."""
    found: dict[str, dict[str, Any]] = {}
    for response in responses:
        server = response["server_name"]
        for key_id, entry in response["verify_keys"].items():
            key = decode_verify_key_bytes(key_id, decode_base64(entry["key"]))
            verify_signed_json(response, server, key)
            found.setdefault(server, {})[key_id] = key
    return found


def _outcome(internal: dict, rejection: str | None) -> str:
    if rejection is not None:
        return "rejected"
    return "soft_failed" if internal.get("soft_failed") else "accepted"


def _as_sent(text: str) -> dict:
    event = json.loads(text)
    event.pop(NOT_OF_THE_SENDER, None)
    return event


def _domain(identifier: str) -> str:
    return identifier.split(":", 1)[1]


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
