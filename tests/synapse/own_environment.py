"""Starts a script again inside the environment that holds Synapse.

The environment itself is made by `environment.py`. It is looked for in `target/synapse-venv` unless
the script is told otherwise.
"""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import environment

SYNAPSE = environment.DEFAULT_SYNAPSE
CACHE = Path(__file__).resolve().parents[2] / "target" / "synapse-venv"

# What a script ends with when there is no Synapse to be had.
UNAVAILABLE = 69


def enter(cache: Path) -> None:
    """Returns inside an environment with the right Synapse, or ends the process."""
    if not _has_synapse():
        python = str(environment.python_of(_made(cache)))
    elif os.environ.get("PYTHONHASHSEED") != "0":
        python = sys.executable
    else:
        return
    # Synapse walks over sets, so which of two reasons it gives hangs on the seed of the hashes.
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(python, [python, *sys.argv])


def _has_synapse() -> bool:
    try:
        return importlib.metadata.version("matrix-synapse") == SYNAPSE
    except importlib.metadata.PackageNotFoundError:
        return False


def _made(cache: Path) -> Path:
    stdout, sys.stdout = sys.stdout, sys.stderr  # standard output is for the cases
    # Without a network, the answer must not take minutes.
    os.environ.setdefault("PIP_RETRIES", "1")
    os.environ.setdefault("PIP_DEFAULT_TIMEOUT", "15")
    try:
        return environment.ensure(cache, SYNAPSE)
    except (subprocess.CalledProcessError, OSError) as error:
        what = f"exit code {error.returncode}" if isinstance(error, subprocess.CalledProcessError) else error
        print(f"Synapse {SYNAPSE} cannot be installed: {what}", file=sys.stderr)
        sys.exit(UNAVAILABLE)
    finally:
        sys.stdout = stdout
