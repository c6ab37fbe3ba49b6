"""The Python environment a Synapse lives in: made once, kept in a cache folder.

Only the standard library is used here, because this runs before Synapse (and
the `cryptography` package it brings) is there.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

# The release our reference data was made with. `--synapse latest` takes the newest.
DEFAULT_SYNAPSE = "1.163.2"


def inside(folder: Path) -> bool:
    """Whether this process already is the environment's own Python."""
    return Path(sys.prefix).resolve() == folder.resolve()


def python_of(folder: Path) -> Path:
    return folder / "bin" / "python"


def ensure(cache: Path, synapse: str) -> Path:
    """Returns the environment's folder; makes it if it is not there yet."""
    folder = cache / f"venv-{synapse}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs may start at once
        if not (folder / "ready").exists():
            _install(folder, synapse)
    return folder


def _install(folder: Path, synapse: str) -> None:
    # What is left of an installation that was cut off would be half an environment.
    shutil.rmtree(folder, ignore_errors=True)
    print(f"installing Synapse ({synapse}) into {folder}, once; about half a minute", flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    wanted = "matrix-synapse" if synapse == "latest" else f"matrix-synapse=={synapse}"
    pip = [str(python_of(folder)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Wheels only: building Synapse's Rust part from source is not what we want to wait for.
    subprocess.run([*pip, "--only-binary=:all:", wanted], check=True)
    (folder / "ready").touch()


def enter(folder: Path) -> None:
    """Replaces this process by the same command run with the environment's Python."""
    python = str(python_of(folder))
    os.execv(python, [python, *sys.argv])
