"""What a test does to the machine, in a namespace of its own: a small disk, no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.whole import tiny

ROOT = Path(__file__).parent.parent.parent


def inside(kind: str, program: str, *words: str | Path, env: dict[str, str] | None = None) -> str:
    """What the Python PROGRAM prints in a new namespace of KIND ("mount", "net").  Fails when it fails.

    Skips where `unshare` is not installed or not permitted.
    """
    if shutil.which("unshare") is None:
        pytest.skip("`unshare` is not installed")
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    unshare = ["unshare", f"--{kind}", *as_root]
    asked = subprocess.run([*unshare, "true"], capture_output=True, text=True)
    if asked.returncode != 0:  # a plain container: root without the right to
        pytest.skip(f"a {kind} namespace may not be made here: {asked.stderr.strip()}")
    command = [*unshare, sys.executable, "-c", program, *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**tiny.ENVIRONMENT, **(env or {})}, timeout=180
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
