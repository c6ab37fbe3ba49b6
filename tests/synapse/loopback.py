"""A module that Synapse loads when it starts: it shuts Synapse in on this machine, and ends it with the test.

Synapse resolves server names by itself. What it needs from outside for that (addresses, SRV records,
connections) comes through Twisted, and there we stand in between; nothing of Synapse's own is replaced.
"""

import ipaddress
import os
import signal
import threading
from typing import Any

from twisted.internet import defer, reactor
from twisted.internet.error import ConnectionRefusedError, DNSLookupError
from twisted.internet.interfaces import IResolverSimple
from twisted.names import client, dns
from twisted.names.error import DNSNameError
from zope.interface import implementer


class Loopback:
    def __init__(self, config: dict[str, Any], _api: object):
        # SRV lookups go through the module's own resolver.
        client.theResolver = _asking(config["dns"])
        reactor.installResolver(Addresses())
        _keep_to_loopback({int(source): target for source, target in config["redirect"].items()})
        threading.Thread(target=_end_with_standard_input, daemon=True).start()

    @staticmethod
    def parse_config(config: dict[str, Any]) -> dict[str, Any]:
        return config


@implementer(IResolverSimple)
class Addresses:
    """`localhost` and IP addresses as they are; every other name as our DNS server has it."""

    def getHostByName(self, name: str, timeout: object = None) -> "defer.Deferred[str]":
        if name == "localhost":
            return defer.succeed("127.0.0.1")
        if _is_address(name):
            return defer.succeed(name)
        found = client.lookupAddress(name.encode())
        return found.addCallbacks(_first_address, _not_found, callbackArgs=(name,), errbackArgs=(name,))


class NoNames(client.Resolver):
    """Where there is no DNS server, no name exists."""

    def __init__(self) -> None:
        super().__init__(servers=[("127.0.0.1", 1)])

    def _lookup(self, name: bytes, *_: object) -> "defer.Deferred[Any]":
        return defer.fail(DNSNameError(name))


def _asking(port: int | None) -> client.Resolver:
    return NoNames() if port is None else client.Resolver(servers=[("127.0.0.1", port)])


def _first_address(sections: tuple[list[dns.RRHeader], ...], name: str) -> str:
    answers, _authorities, _additional = sections
    for answer in answers:
        if answer.type == dns.A:
            return answer.payload.dottedQuad()
    raise DNSLookupError(f"{name} has no address")


def _not_found(failure: Any, name: str) -> None:
    raise DNSLookupError(f"{name}: {failure.value!r}")


def _keep_to_loopback(redirect: dict[int, int]) -> None:
    """Connections lead to loopback only, and to another port where we say so.

    Port 443, where a `.well-known` file is looked for, is none that a test can listen on.
    """
    connect = reactor.connectTCP

    def connect_tcp(host: str, port: int, factory: Any, *more: Any, **options: Any) -> Any:
        if not _is_address(host) or not ipaddress.ip_address(host).is_loopback:
            raise ConnectionRefusedError(f"{host} is not on this machine")
        return connect(host, redirect.get(port, port), factory, *more, **options)

    reactor.connectTCP = connect_tcp


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _end_with_standard_input() -> None:
    """The test holds the other end; the system closes it however the test's process ends."""
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
