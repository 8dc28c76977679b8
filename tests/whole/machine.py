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
    """What the Python PROGRAM prints in a new namespace of KIND ("mount", "net").  Fails when it fails."""
    if shutil.which("unshare") is None:
        pytest.skip("`unshare` is not installed")
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    command = ["unshare", f"--{kind}", *as_root, sys.executable, "-c", program, *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**tiny.ENVIRONMENT, **(env or {})}, timeout=180
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
