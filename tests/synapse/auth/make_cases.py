#!/usr/bin/env python3
"""Makes cases for the authorization rules, each with Synapse's answers; README.md says how and why.

    python3 tests/synapse/auth/make_cases.py --count 4000 --seed 1

Standard output gets one case a line, standard error a summary.
"""

import sys

sys.dont_write_bytecode = True  # a test run leaves nothing in the source tree

import argparse
import json
import re
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))  # what all of tests/synapse shares

import own_environment


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=4000, help="how many cases (default: 4000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same cases (default: 1)")
    parser.add_argument("--only", type=int, help="only the case with this number")
    parser.add_argument(
        "--cache", type=Path, default=own_environment.CACHE, help="folder for the installed Synapse"
    )
    options = parser.parse_args()
    own_environment.enter(options.cache.resolve())

    # These need the environment, so they cannot be imported before we are in it.
    from case import NoCase, make_case

    numbers = range(options.count) if options.only is None else [options.only]
    reasons: Counter = Counter()
    for number in numbers:
        try:
            case = make_case(options.seed, number)
        except NoCase as reason:
            reasons["(left out)", str(reason)] += 1
            continue
        for check, answer in case["synapse"].items():
            reasons[check, f"{answer['answer']} {_kind(answer['why'])}"] += 1
        print(json.dumps(case))
    for (check, reason), times in sorted(reasons.items(), key=lambda row: (row[0][0], -row[1])):
        print(f"{check:10} {times:6}  {reason}", file=sys.stderr)
    return 0


def _kind(why: str) -> str:
    """What a message has in common with others: without names and numbers."""
    why = re.sub(r"\(?<\w*Event.*", "…", why)
    why = re.sub(r"[$!@][^\s,']*", "…", why)
    why = re.sub(r"'[^']*'|\"[^\"]*\"|-?\d+|\{.*\}|\[.*\]", "…", why)
    return why[:110]


if __name__ == "__main__":
    sys.exit(main())
