"""Makes the modules of the folder beside this one importable: events, names, levels, chance."""

import sys
from pathlib import Path

AUTH = Path(__file__).resolve().parent.parent / "auth"
if str(AUTH) not in sys.path:
    # Behind this folder, which comes first where both have a module of a name.
    sys.path.insert(1, str(AUTH))
