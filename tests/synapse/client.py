"""The client-server API, as far as the life of a room needs it."""

import http.client
import json
import ssl
import time
from typing import Any
from urllib.parse import quote, urlencode

WAIT_SECONDS = 60
PAUSE_SECONDS = 0.03


class RunFailed(Exception):
    """The run cannot go on; the message says all there is to say."""


class ApiError(RunFailed):
    def __init__(self, request: str, status: int, answer: Any):
        super().__init__(f"{request} -> {status} {json.dumps(answer)[:300]}")
        self.status = status
        self.answer = answer


class TimedOut(RunFailed):
    pass


def wait_until(what: str, condition) -> Any:
    """Asks until the answer is true; federation has no other way to say «it has arrived»."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(PAUSE_SECONDS)
    raise TimedOut(f"waited {WAIT_SECONDS} s in vain: {what}")


class Client:
    """Requests to one server, over TLS verified against the run's own authority."""

    def __init__(self, server_name: str, tls: ssl.SSLContext):
        self.server_name = server_name
        self._tls = tls

    def request(self, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
        host, port = self.server_name.rsplit(":", 1)
        connection = http.client.HTTPSConnection(host, int(port), context=self._tls, timeout=WAIT_SECONDS)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        data = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            answer = json.loads(response.read() or b"null")
        finally:
            connection.close()
        if response.status != 200:
            raise ApiError(f"{method} {path}", response.status, answer)
        return answer

    def is_healthy(self) -> bool:
        try:
            return bool(self.request("GET", "/_matrix/client/versions"))
        except (OSError, ApiError, ValueError):
            return False

    def server_keys(self) -> dict:
        return self.request("GET", "/_matrix/key/v2/server")

    def register(self, localpart: str) -> "User":
        body = {
            "username": localpart,
            "password": "only for this run",
            "auth": {"type": "m.login.dummy"},
        }
        answer = self.request("POST", "/_matrix/client/v3/register", body)
        return User(self, answer["user_id"], answer["access_token"])


class User:
    """One user of one server. Methods are named after what the user does."""

    def __init__(self, client: Client, user_id: str, token: str):
        self.client = client
        self.id = user_id
        self._token = token
        self._sent = 0

    def create_room(self, **options: Any) -> str:
        return self._call("POST", "createRoom", options)["room_id"]

    def join(self, room: str, via: str | None = None) -> None:
        self._call("POST", f"join/{quote(room, safe='')}{_asking(via)}", {})

    def knock(self, room: str, via: str | None = None) -> None:
        self._call("POST", f"knock/{quote(room, safe='')}{_asking(via)}", {"reason": "let me in"})

    def leave(self, room: str) -> None:
        self._room_call(room, "leave", {})

    def invite(self, room: str, user: "User") -> None:
        self._room_call(room, "invite", {"user_id": user.id})

    def kick(self, room: str, user: "User") -> None:
        self._room_call(room, "kick", {"user_id": user.id, "reason": "kicked"})

    def ban(self, room: str, user_id: str) -> None:
        self._room_call(room, "ban", {"user_id": user_id, "reason": "banned"})

    def unban(self, room: str, user: "User") -> None:
        self._room_call(room, "unban", {"user_id": user.id})

    def upgrade(self, room: str, version: str) -> None:
        self._room_call(room, "upgrade", {"new_version": version})

    def say(self, room: str, text: str, **more: Any) -> str:
        content = {"msgtype": "m.text", "body": text, **more}
        path = f"rooms/{quote(room, safe='')}/send/m.room.message/{self._transaction()}"
        return self._call("PUT", path, content)["event_id"]

    def redact(self, room: str, event_id: str) -> str:
        path = f"rooms/{quote(room, safe='')}/redact/{quote(event_id, safe='')}/{self._transaction()}"
        return self._call("PUT", path, {"reason": "gone"})["event_id"]

    def set_state(self, room: str, event_type: str, content: dict, state_key: str = "") -> str:
        return self._call("PUT", self._state_path(room, event_type, state_key), content)["event_id"]

    def set_display_name(self, name: str) -> None:
        self._call("PUT", f"profile/{quote(self.id, safe='')}/displayname", {"displayname": name})

    def state(self, room: str) -> list[dict]:
        return self._call("GET", f"rooms/{quote(room, safe='')}/state")

    def state_event(self, room: str, event_type: str, state_key: str = "") -> dict | None:
        """The state event as this user's server has it now, with its event id."""
        for event in self.state(room):
            if (event["type"], event.get("state_key")) == (event_type, state_key):
                return event
        return None

    def sees(self, room: str, event_id: str) -> bool:
        try:
            self._call("GET", f"rooms/{quote(room, safe='')}/event/{quote(event_id, safe='')}")
            return True
        except ApiError as error:
            if error.status in (403, 404):
                return False
            raise

    def is_invited_to(self, room: str) -> bool:
        query = urlencode({"filter": json.dumps({"room": {"timeline": {"limit": 1}}})})
        return room in self._call("GET", f"sync?{query}").get("rooms", {}).get("invite", {})

    def _transaction(self) -> str:
        self._sent += 1
        return str(self._sent)

    def _state_path(self, room: str, event_type: str, state_key: str) -> str:
        return f"rooms/{quote(room, safe='')}/state/{quote(event_type, safe='')}/{quote(state_key, safe='')}"

    def _room_call(self, room: str, action: str, body: dict) -> None:
        self._call("POST", f"rooms/{quote(room, safe='')}/{action}", body)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        return self.client.request(method, f"/_matrix/client/v3/{path}", body, self._token)


def _asking(via: str | None) -> str:
    """The server to ask, under the parameter's new name and its old one."""
    return "?" + urlencode({"via": via, "server_name": via}) if via else ""
