#!/usr/bin/env python3
"""Makes forked rooms, each with Synapse's resolution of the states; README.md says how and why.

    python3 tests/synapse/state/make_cases.py --count 3000 --seed 1

Standard output gets one room a line, standard error a summary.
"""

import sys

sys.dont_write_bytecode = True  # a test run leaves nothing in the source tree

import argparse
import json
from collections import Counter
from itertools import chain
from pathlib import Path

import shared  # noqa: F401

import own_environment


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--count", type=int, default=3000, help="how many rooms, beside the known ones (default: 3000)"
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same rooms (default: 1)")
    parser.add_argument("--only", type=int, help="only the room with this number")
    parser.add_argument(
        "--cache", type=Path, default=own_environment.CACHE, help="folder for the installed Synapse"
    )
    parser.add_argument(
        "--mutants",
        action="store_true",
        help="no rooms: how many of them tell wrong algorithms from the right one",
    )
    parser.add_argument(
        "--chain-cover", action="store_true", help="no rooms: hold our store against Synapse's database code"
    )
    options = parser.parse_args()
    own_environment.enter(options.cache.resolve())

    # These need the environment, so they cannot be imported before we are in it.
    from known import known
    from question import Question

    numbers = range(options.count) if options.only is None else [options.only]
    drawn = (Question.drawn(options.seed, number) for number in numbers)
    questions = chain(drawn, known() if options.only is None else ())
    if options.mutants:
        from mutants import survey

        return survey(questions)
    if options.chain_cover:
        from chain_cover import compare

        return compare(questions)
    counts: Counter = Counter()
    for question in questions:
        row = question.row()
        _count(counts, row)
        print(json.dumps(row))
    for what, times in counts.items():
        print(f"{times:7}  {what}", file=sys.stderr)
    return 0


def _count(counts: Counter, row: dict) -> None:
    """In how many rooms there is something of a kind."""
    counts["rooms"] += 1
    counts["events in all"] += row["shape"]["events"]
    counts["events in full conflicted sets in all"] += row["shape"]["full conflicted set"]
    for what, number in row["shape"].items():
        if what not in ("states", "events"):
            counts[f"rooms with {what}"] += number > 0
    counts[f"states: {row['kind']}"] += 1


if __name__ == "__main__":
    sys.exit(main())
