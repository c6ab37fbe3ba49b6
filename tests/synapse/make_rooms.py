#!/usr/bin/env python3
"""Makes rooms anew with a real Synapse; README.md beside this file says how and why."""

import sys

sys.dont_write_bytecode = True  # a test run leaves nothing in the source tree

import argparse
import signal
import subprocess
import tempfile
import time
from collections import Counter
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path

import environment
from client import RunFailed, wait_until

ALL_VERSIONS = [str(number) for number in range(1, 13)]


def main() -> int:
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that clean-up runs
    folder = environment.ensure(options.cache, options.synapse)
    if not environment.inside(folder):
        environment.enter(folder)
    options.out.mkdir(parents=True, exist_ok=True)
    wrong = make_all(options)
    for line in wrong:
        print(f"WRONG {line}", file=sys.stderr)
    return 1 if wrong else 0


def fail(problem: str) -> int:
    hint = "" if "--keep" in sys.argv else "\n--keep FOLDER keeps the servers' logs for a look"
    print(f"make_rooms: {problem}{hint}", file=sys.stderr)
    return 2


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the room files")
    parser.add_argument(
        "--versions",
        type=versions,
        default=ALL_VERSIONS,
        help="room versions, separated by commas (default: all, 1 to 12)",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(tempfile.gettempdir()) / "fedproof-synapse",
        help="folder for the installed Synapse (default: in the system's folder for temporary files)",
    )
    parser.add_argument(
        "--synapse",
        default=environment.DEFAULT_SYNAPSE,
        help=f"release of Synapse, or «latest» (default: {environment.DEFAULT_SYNAPSE})",
    )
    parser.add_argument("--no-peer", action="store_true", help="leave out the scripted third server")
    parser.add_argument("--keep", type=Path, help="run the servers in this folder and keep it")
    options = parser.parse_args()
    # The servers run in folders of their own; a relative path would point elsewhere there.
    options.out, options.cache = options.out.resolve(), options.cache.resolve()
    if options.keep and options.keep.exists() and any(options.keep.iterdir()):
        parser.error(f"{options.keep} is not empty")
    return options


def versions(text: str) -> list[str]:
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    if unknown := [version for version in wanted if version not in ALL_VERSIONS]:
        raise argparse.ArgumentTypeError(f"unknown room version: {', '.join(unknown)}")
    return wanted


def make_all(options: argparse.Namespace) -> list[str]:
    # These need the environment, so they cannot be imported before we are in it.
    import servers
    from life import People
    from peer import Peer

    wrong = []
    with ExitStack() as stack:
        folder = stack.enter_context(workspace(options.keep))
        world = stack.enter_context(servers.running(Path(folder)))
        print(f"Synapse A is {world.a.name}, Synapse B is {world.b.name}", flush=True)
        peer = None if options.no_peer else stack.enter_context(Peer(world))
        people = People(world)
        for version in options.versions:
            wrong += make_one(world, people, peer, version, options.out)
    return wrong


def make_one(world, people, peer, version: str, out: Path) -> list[str]:
    """Plays one room, writes its file, checks the file; returns what is wrong with it."""
    import room_file
    from life import Life

    started = time.monotonic()
    life = Life(world, people, version)
    room = life.play()
    server_keys = [world.a.client.server_keys(), world.b.client.server_keys()]
    judged = []
    if peer is not None:
        judged = peer.visit(room, version, people.alice)
        server_keys.append(peer.server_keys())
        life.say(people.alice, "after the peer")
    life.end()
    database_a, database_b = world.a.database, world.b.database
    wait_until(
        "the same state at both servers",
        lambda: room_file.current_state(database_a, room) == room_file.current_state(database_b, room),
    )

    events = room_file.with_judged(room_file.stored_events(database_a, room), judged)
    path = out / f"room-v{version}.json"
    room_file.write(room_file.compose(room, version, server_keys, events, database_a), path)
    outcomes = Counter(event["outcome"] for event in events)
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    print(f"{path.name}: {len(events)} events ({counts}), {time.monotonic() - started:.0f} s", flush=True)
    return [f"{path.name}: {problem}" for problem in room_file.check(path)]


def workspace(keep: Path | None) -> AbstractContextManager[str]:
    """A folder for the servers: thrown away at the end, or the one that was asked for."""
    if keep is None:
        return tempfile.TemporaryDirectory(prefix="fedproof-rooms-")
    keep = keep.resolve()
    keep.mkdir(parents=True, exist_ok=True)
    return nullcontext(str(keep))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except (RunFailed, subprocess.CalledProcessError, OSError) as error:
        sys.exit(fail(str(error)))
