"""A scripted third server: sends what no honest Synapse sends, and notes A's verdict.

It signs with Synapse's own library, so the only thing wrong with an event is what
its case is about.
"""

import copy
import http.client
import itertools
import json
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

from signedjson.key import encode_verify_key_base64, generate_signing_key, get_verify_key
from signedjson.sign import sign_json
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS
from synapse.crypto.event_signing import add_hashes_and_signatures, compute_event_reference_hash
from synapse.event_auth import auth_types_for_event
from synapse.events import make_event_from_dict
from unpaddedbase64 import encode_base64

import room_file
from client import ApiError, User, wait_until
from servers import World

DAY_MS = 24 * 60 * 60 * 1000
KEY_ID = "ed25519:peer"


class Peer:
    """The server itself: a name, one key for the whole run, and a TLS listener on loopback.

    Synapse keeps a key it has fetched, so a new key for each room would need a new key id.
    """

    def __init__(self, world: World):
        self.world = world
        self.name = f"localhost:{world.peer_port}"
        self.key = generate_signing_key("peer")
        self._transactions = itertools.count()
        self._tls = ssl.create_default_context(cafile=str(world.tls_files[0]))
        self._listener = _listener(self)

    def __enter__(self) -> "Peer":
        self._thread = threading.Thread(target=self._listener.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    def server_keys(self) -> dict:
        public = encode_verify_key_base64(get_verify_key(self.key))
        response = {
            "server_name": self.name,
            "valid_until_ts": int(time.time() * 1000) + DAY_MS,
            "verify_keys": {KEY_ID: {"key": public}},
            "old_verify_keys": {},
        }
        return sign_json(response, self.name, self.key)

    def request(self, method: str, path: str, body: dict | None = None) -> Any:
        """One federation request to Synapse A, with the X-Matrix header."""
        destination = self.world.a.name
        signed = {"method": method, "uri": path, "origin": self.name, "destination": destination}
        if body is not None:
            signed["content"] = body
        signature = sign_json(signed, self.name, self.key)["signatures"][self.name][KEY_ID]
        header = f'X-Matrix origin="{self.name}",destination="{destination}",key="{KEY_ID}",sig="{signature}"'
        host, port = destination.rsplit(":", 1)
        connection = http.client.HTTPSConnection(host, int(port), context=self._tls, timeout=60)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Authorization": header})
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise ApiError(f"{method} {path}", response.status, answer)
        return answer

    def push(self, pdu: dict) -> dict[str, dict]:
        """One event in a transaction; A answers a repeated transaction id from its cache."""
        body = {"origin": self.name, "origin_server_ts": int(time.time() * 1000), "pdus": [pdu]}
        path = f"/_matrix/federation/v1/send/{next(self._transactions)}"
        return self.request("PUT", path, body)["pdus"]

    def visit(self, room: str, version: str, admin: User) -> list[dict[str, Any]]:
        """Joins a room, plays every case in it, and returns them as A judged them."""
        return Visit(self, room, version, admin).play()


class Visit:
    """The cases of one room."""

    def __init__(self, peer: Peer, room: str, version: str, admin: User):
        self.peer = peer
        self.room = room
        self.admin = admin
        self.version = KNOWN_ROOM_VERSIONS[version]
        self.has_event_id = version in ("1", "2")
        self.database = peer.world.a.database
        self.pat = f"@pat:{peer.name}"  # is in the room for all cases
        self.pia = f"@pia:{peer.name}"  # is banned in the end
        self._event_ids = itertools.count()
        self.judged: list[dict[str, Any]] = []

    def play(self) -> list[dict[str, Any]]:
        self.join(self.pat)
        self.join(self.pia)
        self.well_formed()
        self.signatures_and_hashes()
        self.format()
        self.authorization()
        self.soft_failure()
        return self.judged

    # The chapters.

    def well_formed(self) -> None:
        self.case("message", self.message("hello from the third server"))
        self.case("profile change", self.member(self.pat, "join", displayname="Pat"))

    def signatures_and_hashes(self) -> None:
        def padded(pdu: dict) -> None:
            pdu["signatures"][self.peer.name][KEY_ID] += "=="

        def forged(pdu: dict) -> None:
            pdu["signatures"][self.peer.name][KEY_ID] = encode_base64(bytes(64))

        def unsigned(pdu: dict) -> None:
            pdu["signatures"] = {}

        def tampered(pdu: dict) -> None:
            pdu["content"]["body"] = "not what was hashed"

        self.case("signature with padding", self.message("padded"), after_signing=padded)
        self.case("signature of zeros", self.message("forged"), after_signing=forged)
        self.case("no signature", self.message("unsigned"), after_signing=unsigned)
        self.case("content changed after hashing", self.message("hashed"), after_signing=tampered)

    def format(self) -> None:
        self.case("127 levels of nesting", self.message("deep", deep=_nested(125)))
        # Synapse's library cannot read this one, so it is deepened after signing.
        self.case(
            "128 levels of nesting",
            self.message("deeper"),
            after_signing=lambda pdu: pdu["content"].update(deep=_nested(126)),
        )
        self.case("a float", self.message("float", number=1.5))
        self.case("an integer of 2^53", self.message("large", number=2**53))
        self.case("state_key null", self.message("null"), after_signing=lambda pdu: pdu.update(state_key=None))
        self.case("depth -1", self.message("negative"), after_signing=lambda pdu: pdu.update(depth=-1))
        self.case("21 prev_events", self.draft(prev_events=self.extremities()[:1] * 21))
        if self.has_event_id:
            self.case("event id of another server", self.message("foreign", id_server="example.org"))
        else:
            self.case(
                "event_id in the event",
                self.message("with an id"),
                after_signing=lambda pdu: pdu.update(event_id="$id:example.org"),
            )

    def authorization(self) -> None:
        self.case("topic without power", self.draft("m.room.topic", {"topic": "x"}, state_key=""))
        self.case("power for oneself", self.draft("m.room.power_levels", self.powers(), state_key=""))
        self.case("join for somebody else", self.member(self.pia, "join"))
        self.case("ban without power", self.member(self.admin.id, "ban"))
        message = self.message("auth event twice")
        message["auth_events"].append(message["auth_events"][-1])
        self.case("auth event twice", message)
        message = self.message("who am I")
        message["auth_events"] = [self.reference(event_id) for event_id in self.auth_of(message)[:-1]]
        self.case("sender's membership not among the auth events", message)
        self.case("message of a stranger", self.message("hi", sender=f"@stranger:{self.peer.name}"))

    def soft_failure(self) -> None:
        """pia's message claims to be older than her ban: allowed there, not allowed now."""
        before = self.message("I am still here", sender=self.pia)
        self.admin.ban(self.room, self.pia)
        self.case("message from before the ban", before)

    # How an event comes to be.

    def message(self, text: str, sender: str | None = None, id_server: str | None = None, **more) -> dict:
        content = {"msgtype": "m.text", "body": text, **more}
        return self.draft("m.room.message", content, sender=sender, id_server=id_server)

    def member(self, user_id: str, membership: str, **more) -> dict:
        content = {"membership": membership, **more}
        return self.draft("m.room.member", content, state_key=user_id)

    def draft(
        self,
        event_type: str = "m.room.message",
        content: dict | None = None,
        sender: str | None = None,
        state_key: str | None = None,
        prev_events: list[str] | None = None,
        id_server: str | None = None,
    ) -> dict:
        """An event at the end of the room as A has it now, without hash and signature."""
        prev = self.extremities() if prev_events is None else prev_events
        pdu = {
            "type": event_type,
            "room_id": self.room,
            "sender": sender or self.pat,
            "content": content if content is not None else {"body": "x", "msgtype": "m.text"},
            "origin_server_ts": int(time.time() * 1000),
            "depth": self.depth_after(prev),
            "prev_events": [self.reference(event_id) for event_id in prev],
            "auth_events": [],
        }
        if state_key is not None:
            pdu["state_key"] = state_key
        if self.has_event_id:
            pdu["event_id"] = f"$peer{next(self._event_ids)}{self.room[1:8]}:{id_server or self.peer.name}"
        pdu["auth_events"] = [self.reference(event_id) for event_id in self.auth_of(pdu)]
        return pdu

    def auth_of(self, pdu: dict) -> list[str]:
        """The ids the specification's selection picks from A's current state, the member last."""
        state = {(kind, key): event_id for kind, key, event_id in self.state()}
        if self.version.msc4291_room_ids_as_hashes:
            del state["m.room.create", ""]  # from version 12 on the room id itself cites it
        event = make_event_from_dict({**pdu, "hashes": {}, "signatures": {}}, self.version)
        wanted = sorted(auth_types_for_event(self.version, event), key=lambda pair: pair[0] == "m.room.member")
        return [state[pair] for pair in wanted if pair in state]

    def reference(self, event_id: str) -> Any:
        """How another event is cited: by id, in versions 1 and 2 with its hash beside."""
        if not self.has_event_id:
            return event_id
        ((text,),) = room_file.ask(self.database, "SELECT json FROM event_json WHERE event_id = ?", event_id)
        name, digest = compute_event_reference_hash(make_event_from_dict(json.loads(text), self.version))
        return [event_id, {name: encode_base64(digest)}]

    def sign(self, pdu: dict) -> None:
        add_hashes_and_signatures(self.version, pdu, self.peer.name, self.peer.key)

    # A's view of the room. Its database is beside us, so we need not ask for it.

    def state(self) -> list[list[str]]:
        return room_file.current_state(self.database, self.room)

    def extremities(self) -> list[str]:
        return room_file.forward_extremities(self.database, self.room)

    def depth_after(self, event_ids: list[str]) -> int:
        marks = ",".join("?" * len(event_ids))
        query = f"SELECT max(depth) FROM events WHERE event_id IN ({marks})"
        ((depth,),) = room_file.ask(self.database, query, *event_ids)
        return depth + 1

    def powers(self) -> dict:
        """The room's power levels, with pat raised to the top."""
        content = copy.deepcopy(self.admin.state_event(self.room, "m.room.power_levels")["content"])
        content.setdefault("users", {})[self.pat] = 100
        return content

    # What is done with an event.

    def join(self, user_id: str) -> None:
        room, user = quote(self.room, safe=""), quote(user_id, safe="")
        query = f"ver={self.version.identifier}"
        template = self.peer.request("GET", f"/_matrix/federation/v1/make_join/{room}/{user}?{query}")
        pdu = {**template["event"], "origin_server_ts": int(time.time() * 1000)}
        if self.has_event_id:
            pdu["event_id"] = f"$join{next(self._event_ids)}{self.room[1:8]}:{self.peer.name}"
        self.sign(pdu)
        event_id = make_event_from_dict(pdu, self.version).event_id
        self.peer.request("PUT", f"/_matrix/federation/v2/send_join/{room}/{quote(event_id, safe='')}", pdu)
        wait_until(f"{user_id} in the state at A", lambda: event_id in [row[2] for row in self.state()])

    def case(self, name: str, pdu: dict, after_signing: Callable[[dict], None] | None = None) -> None:
        """Signs, spoils, sends, and notes what A made of it."""
        self.sign(pdu)
        if after_signing:
            after_signing(pdu)
        sent = json.loads(json.dumps(pdu))
        last = room_file.stored_events(self.database, self.room)[-1]["event_id"]
        answer = self.peer.push(pdu)
        verdict = self.verdict(sent, answer)
        self.judged.append({"case": name, "pdu": sent, "sent_after": last, **verdict})

    def verdict(self, sent: dict, answer: dict[str, dict]) -> dict[str, Any]:
        """From the answer to /send if it is there, else from what A stored in the end."""
        event_id = self.id_of(sent)
        if not answer:
            return {"event_id": event_id, "outcome": "dropped", "reason": "not read as an event"}
        ((answered_id, result),) = answer.items()
        if "error" in result:
            return {"event_id": answered_id, "outcome": "dropped", "reason": result["error"]}
        wait_until(f"A's verdict on {answered_id}", lambda: not self.is_being_judged(answered_id))
        for stored in room_file.stored_events(self.database, self.room):
            if stored["event_id"] == answered_id:
                redacted = stored["pdu"]["content"] != sent["content"]
                found = {"event_id": answered_id, "outcome": stored["outcome"]}
                return {**found, "redacted": True} if redacted else found
        return {"event_id": answered_id, "outcome": "dropped", "reason": "refused while being judged"}

    def is_being_judged(self, event_id: str) -> bool:
        query = "SELECT 1 FROM federation_inbound_events_staging WHERE event_id = ?"
        return bool(room_file.ask(self.database, query, event_id))

    def id_of(self, pdu: dict) -> str | None:
        """None where Synapse's library cannot read the event, and so gives it no id."""
        with suppress(Exception):
            return make_event_from_dict(pdu, self.version).event_id
        return None


def _nested(levels: int) -> list:
    value: list = []
    for _ in range(levels - 1):
        value = [value]
    return value


def _listener(peer: Peer) -> ThreadingHTTPServer:
    """Answers what A asks: our keys, and an empty thanks for what it sends us."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/_matrix/key/v2/server"):
                self.answer(200, peer.server_keys())
            else:
                self.answer(404, {"errcode": "M_UNRECOGNIZED", "error": "this peer only follows its script"})

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.answer(200, {"pdus": {}})

        do_POST = do_PUT

        def answer(self, status: int, body: dict) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass  # what A asks is in A's log

    _, certificate, key = peer.world.tls_files
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    listener = ThreadingHTTPServer(("127.0.0.1", peer.world.peer_port), Handler)
    # The handshake waits for the request's own thread, so a slow one holds nobody up.
    listener.socket = tls.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    return listener
