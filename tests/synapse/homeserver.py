#!/usr/bin/env python3
"""Runs one Synapse for a test, until standard input is closed; README.md says how and why.

    python3 tests/synapse/homeserver.py --folder DIR --name localhost:8800 --port 8800

The folder holds `authority.pem`, `server.pem` and `server.key` (TLS), `signing.key` and, if wanted,
`more.json` (options of Synapse over ours). Synapse's database and log come into it.
"""

import sys

sys.dont_write_bytecode = True  # a test run leaves nothing in the source tree

import argparse
import json
import os
from pathlib import Path

import own_environment

HERE = Path(__file__).resolve().parent


def main() -> None:
    options = parse_arguments()
    own_environment.enter(options.cache.resolve())

    # These need the environment, so they cannot be imported before we are in it.
    import configuration

    folder = options.folder.resolve()
    tls_files = folder / "authority.pem", folder / "server.pem", folder / "server.key"
    loopback = {"dns": options.dns, "redirect": dict(options.redirect)}
    more = {"modules": [{"module": "loopback.Loopback", "config": loopback}]}
    if (folder / "more.json").exists():
        more |= json.loads((folder / "more.json").read_text())
    configuration.write(folder, options.name, options.port, tls_files, more)

    os.chdir(folder)
    os.environ["PYTHONPATH"] = str(HERE)  # where Synapse finds loopback.py
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.execv(sys.executable, [sys.executable, "-m", "synapse.app.homeserver", "-c", "homeserver.yaml"])


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="folder with keys and certificates")
    parser.add_argument("--name", required=True, help="the server name")
    parser.add_argument("--port", type=int, required=True, help="where to listen, on 127.0.0.1")
    parser.add_argument("--dns", type=int, help="port of the DNS server to ask, on 127.0.0.1 (default: none)")
    parser.add_argument(
        "--redirect",
        type=two_ports,
        action="append",
        default=[],
        metavar="FROM:TO",
        help="connect to port TO where Synapse would go to port FROM",
    )
    parser.add_argument(
        "--cache", type=Path, default=own_environment.CACHE, help="folder for the installed Synapse"
    )
    return parser.parse_args()


def two_ports(text: str) -> tuple[int, int]:
    source, target = text.split(":")
    return int(source), int(target)


if __name__ == "__main__":
    main()
