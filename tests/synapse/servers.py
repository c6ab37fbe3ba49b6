"""Two Synapses on the loopback address, started and stopped together."""

import ctypes
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from signedjson.key import generate_signing_key, write_signing_keys

import certificates
import configuration
from client import Client, RunFailed, User

START_SECONDS = 60
STOP_SECONDS = 20


class Synapse:
    """One Synapse process with its folder, its database and its users."""

    def __init__(self, folder: Path, host: str, port: int, tls: ssl.SSLContext):
        self.folder = folder
        self.name = f"{host}:{port}"
        self.port = port
        self.client = Client(self.name, tls)
        self.database = folder / "homeserver.db"
        self._process: subprocess.Popen | None = None

    def configure(self, tls_files: tuple[Path, Path, Path], allowed_servers: list[str]) -> None:
        self.folder.mkdir(parents=True)
        # Nothing leaves this machine: only the servers of the run are spoken to.
        more = {"federation_domain_whitelist": allowed_servers}
        configuration.write(self.folder, self.name, self.port, tls_files, more)
        with (self.folder / "signing.key").open("w") as key_file:
            write_signing_keys(key_file, [generate_signing_key("a_test")])

    def start(self) -> None:
        with (self.folder / "output.log").open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "synapse.app.homeserver", "-c", "homeserver.yaml"],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C reaches us only; we then stop the servers in order.
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise StartFailed(f"Synapse {self.name} ended while starting:\n{self._last_words()}")
            if self.client.is_healthy():
                return
            time.sleep(0.1)
        raise StartFailed(f"Synapse {self.name} is not healthy after {START_SECONDS} s:\n{self._last_words()}")

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def register(self, localpart: str) -> User:
        return self.client.register(localpart)

    def _last_words(self) -> str:
        texts = [
            path.read_text(errors="replace")
            for path in (self.folder / "output.log", self.folder / "synapse.log")
            if path.exists()
        ]
        return "\n".join("\n".join(texts).splitlines()[-20:])


class StartFailed(RunFailed):
    pass


class World:
    """What a room is made in: Synapse `a` judges, Synapse `b` is the other server."""

    def __init__(self, a: Synapse, b: Synapse, peer_port: int, tls_files: tuple[Path, Path, Path]):
        self.a = a
        self.b = b
        self.peer_port = peer_port
        self.tls_files = tls_files


@contextmanager
def running(folder: Path) -> Iterator[World]:
    """Both servers, healthy; they are stopped however the block is left."""
    tls_files = certificates.make(folder)
    tls = ssl.create_default_context(cafile=str(tls_files[0]))
    port_a, port_b, port_peer = _free_ports(3)
    # Two of the forms a server name has: a host name and an IPv4 literal, both with a port.
    a = Synapse(folder / "a", "localhost", port_a, tls)
    b = Synapse(folder / "b", "127.0.0.1", port_b, tls)
    allowed = [a.name, b.name, f"localhost:{port_peer}"]
    with ExitStack() as stack:
        for server in (a, b):
            server.configure(tls_files, allowed)
        for server in (a, b):
            stack.callback(server.stop)
            server.start()
        for server in (a, b):
            server.wait_until_healthy()
        yield World(a, b, port_peer, tls_files)


def _free_ports(count: int) -> list[int]:
    """Ports nobody listens on; all are held open until the last is picked, so they differ."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _die_with_parent() -> None:
    """Linux stops the server even if we are killed and can run no clean-up."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
