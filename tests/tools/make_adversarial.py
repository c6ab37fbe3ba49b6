"""Writes tests/data/adversarial/*.jsonl: hostile inputs and what must come of them (format: README there).

    python3 -m venv venv && venv/bin/pip install -r tests/tools/requirements.txt
    venv/bin/python tests/tools/make_adversarial.py

Python 3.11 or newer. Nothing depends on chance: the same files come out each time. Every verdict is written
down by hand in adversarial/rows_*.py; ids, hashes, signatures and number forms come from adversarial/model.py,
and adversarial/judge.py (checks 1 to 3) and adversarial/auth_model.py (checks 4 to 7, server ACLs) work each
event's verdict out again from its bytes before the line is written.
"""

import sys
from pathlib import Path

from adversarial import rows_acl, rows_auth, rows_format, rows_hashes, rows_json, rows_membership, rows_policy
from adversarial import rows_power_levels, rows_signatures, rows_values
from adversarial.corpus import Corpus


def main():
    sys.set_int_max_str_digits(0)
    corpus = Corpus()
    checks_1_to_3 = (rows_json, rows_format, rows_signatures, rows_hashes, rows_values)
    for rows in (*checks_1_to_3, rows_auth, rows_power_levels, rows_membership, rows_policy, rows_acl):
        for section in rows.SECTIONS:
            section(corpus)
    corpus.write(Path(__file__).resolve().parent.parent / "data" / "adversarial")


if __name__ == "__main__":
    main()
