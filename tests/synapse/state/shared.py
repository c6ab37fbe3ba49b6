"""Makes importable what is shared: events, names, levels and chance of the folder beside this one, the environment
of the folder above."""

import sys
from pathlib import Path

ABOVE = Path(__file__).resolve().parent.parent
AUTH = ABOVE / "auth"
if str(AUTH) not in sys.path:
    # Behind this folder, which comes first where both have a module of a name.
    sys.path.insert(1, str(AUTH))
    sys.path.append(str(ABOVE))
