"""Writes `Authorization` headers with what Synapse's reader makes of each, a line a header.

    python3 tests/synapse/make_headers.py --out tests/data/authorization_headers.jsonl

The headers are put together from pieces, legal and not, the same in every run. Some begin with another
scheme: Synapse does not read those at all, which counts as `null` as its refusal does.
"""

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

import environment

NAMES = ["origin", "destination", "key", "sig"]
VALUES = ["a.example:8448", "b.example", "ed25519:a", "c2ln+/c2ln"]
EXTRA = ["x=y", 'x="a,b"', 'x="a,b=c"', "x", "", 'x=""', 'X="\\""', "origin=a.example", "x=a b", "a b=c", "Bearer abc"]
STARTS = ["X-Matrix "] * 20 + ["X-Matrix  ", "X-Matrix\t", "x-matrix ", "X-Matrix", "X-Matrix \t", "Bearer x, X-Matrix "]
TYPOS = ['"', "\\", ",", "=", " ", "a", "", "\t", ";", "é", "\x7f"]


def header(draw: random.Random) -> str:
    def quoted(value: str) -> str:
        return draw.choice([f'"{value}"', f'"{value}"', value, f'"{value[:3]}\\{value[3:]}"'])

    def parameter(name: str, value: str) -> str:
        equals = draw.choice(["="] * 60 + [" =", "= "])
        return draw.choice([name, name, name, name.upper()]) + equals + quoted(value)

    parts = [parameter(name, value) for name, value in zip(NAMES, VALUES)]
    if draw.random() < 0.2:
        draw.shuffle(parts)
    if draw.random() < 0.25:
        parts.insert(draw.randrange(5), draw.choice(EXTRA))
    if draw.random() < 0.1:
        del parts[draw.randrange(len(parts))]
    text = draw.choice(STARTS)
    for part in parts:
        text += part + draw.choice([","] * 30 + [" , "] * 6 + [",\t"] * 6 + [",,"])
    text = text.rstrip(", \t") + draw.choice([""] * 9 + [","])
    if draw.random() < 0.15:
        at = draw.randrange(len(text))
        text = text[:at] + draw.choice(TYPOS) + text[at + draw.randrange(2) :]
    # Servers of HTTP take white space round a header's value away.
    return text.strip(" \t")


def reading(text: str) -> list[str | None] | None:
    from synapse.federation.transport.server._base import AuthenticationError, _parse_auth_header

    if not text.startswith("X-Matrix"):
        return None
    try:
        origin, key, sig, destination = _parse_auth_header(text.encode())
    except AuthenticationError:
        return None
    return [origin, destination, key, sig]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    parser.add_argument("--count", type=int, default=600, help="how many headers")
    parser.add_argument("--synapse", default=environment.DEFAULT_SYNAPSE, help='a release, or "latest"')
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "fedproof-synapse")
    arguments = parser.parse_args()
    folder = environment.ensure(arguments.cache, arguments.synapse)
    if not environment.inside(folder):
        environment.enter(folder)
    draw = random.Random(1)
    with arguments.out.open("w", encoding="utf-8") as out:
        for _ in range(arguments.count):
            text = header(draw)
            print(json.dumps({"header": text, "synapse": reading(text)}, ensure_ascii=False), file=out)


if __name__ == "__main__":
    sys.exit(main())
