"""Complete events: with the content hash, the signatures and the ID that follow from them.

The signatures are there, but nobody has made them: the rules under test do not verify them.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from canonicaljson import encode_canonical_json
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS, RoomVersion
from synapse.crypto.event_signing import (
    compute_content_hash,
    compute_event_reference_hash,
)
from synapse.events import EventBase, make_event_from_json
from unpaddedbase64 import encode_base64

from names import server_of

FIRST_TS = 1_700_000_000_000


@dataclass(frozen=True)
class Pdu:
    """An event, as its text and as Synapse's own object (`None` where Synapse cannot read it)."""

    text: str
    event: EventBase | None
    id: str
    # How other events refer to this one.
    reference: Any


class Maker:
    """Makes the events of one case."""

    def __init__(self, version: str):
        self.version: RoomVersion = KNOWN_ROOM_VERSIONS[version]
        self.ids_are_fields = version in ("1", "2")
        self._count = 0

    def make(
        self,
        fields: dict[str, Any],
        *,
        prev: list[Any],
        auth: list[Any],
        signers: set[str] = frozenset(),
        id_server: str | None = None,
        readable: bool = True,
    ) -> Pdu:
        """`fields` are type, sender, room_id, content and, for state, state_key.

        With `readable`, an event that Synapse cannot read is an error.
        """
        self._count += 1
        servers = {server_of(fields["sender"]), *signers}
        event = {
            "depth": self._count,
            "origin_server_ts": FIRST_TS + self._count,
            "prev_events": prev,
            "auth_events": auth,
            **fields,
        }
        if self.ids_are_fields:
            id_server = id_server or server_of(fields["sender"])
            event["event_id"] = f"${self._count}-{fields['type'].rpartition('.')[2]}:{id_server}"
            servers.add(id_server)
        content_hash = compute_content_hash(event, hashlib.sha256)[1]
        event["hashes"] = {"sha256": encode_base64(content_hash)}
        event["signatures"] = {
            server: {"ed25519:1": encode_base64(hashlib.sha512(f"{server} {self._count}".encode()).digest())}
            for server in sorted(servers)
        }
        return self._read(encode_canonical_json(event).decode(), readable)

    def _read(self, text: str, readable: bool, rejected: str | None = None) -> Pdu:
        try:
            event = make_event_from_json(text, self.version, rejected_reason=rejected)
            event_id = event.event_id
        except Exception:
            if readable:
                raise
            return Pdu(text, None, "", None)
        reference: Any = event_id
        if self.ids_are_fields:
            digest = compute_event_reference_hash(event)[1]
            reference = [event_id, {"sha256": encode_base64(digest)}]
        return Pdu(text, event, event_id, reference)

    def rejected(self, pdu: Pdu) -> Pdu:
        """The same event, which the server has rejected when it came."""
        return self._read(pdu.text, True, rejected="auth_error")

    def invented_reference(self) -> Any:
        """A reference to an event that nobody looks at."""
        self._count += 1
        digest = hashlib.sha256(f"event {self._count}".encode()).digest()
        if self.ids_are_fields:
            return [f"$earlier-{self._count}:one.example", {"sha256": encode_base64(digest)}]
        return "$" + encode_base64(digest, urlsafe=True)
