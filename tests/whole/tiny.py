"""A project of 400 rows that takes seconds, and the commands that carry it out."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]
HEADER = "size,colour,note,day,bought"

PROJECT = """\
name = "tiny"

[collect]
use = "csv"
path = "rows.csv"

[goal]
target = "bought"
floor = 0.55
p99_ms = 2000.0
clients = 2
size_mb = 50.0

[search]
models = ["linear", "mlp"]
passes = [["quantize-int8-dynamic"]]
engines = []

[train]
recipe = { use = "gradient", epochs = 30, learning_rate = 0.05, threads = 1 }

[measure]
samples = 300
processes = 1
calls = 100

[spend]
minutes = 30
"""

# Threads that spin while they wait take a shared machine from each other; what is computed is the same.
ENVIRONMENT = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}


def lines(count: int = 400) -> list[str]:
    """A number, a category, a text, a date, and an answer that follows from all but the date."""
    chance = random.Random(7)
    found = []
    for i in range(count):
        size, colour = chance.gauss(0, 1), chance.choice(["red", "green", "blue"])
        note = " ".join(chance.choice(WORDS) for _ in range(5))
        score = size + (0.8 if colour == "red" else -0.8) + ("alpha" in note) + chance.gauss(0, 0.4)
        answer = "yes" if score > 0.2 else "no"
        found.append(f"{size:.4f},{colour},{note},2024-{1 + i // 40:02d}-{1 + i % 28:02d},{answer}")
    return found


def write(folder: Path, project: str = PROJECT, rows: list[str] | None = None) -> Path:
    """The project file in FOLDER, its rows beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.csv").write_text("\n".join([HEADER, *(lines() if rows is None else rows)]) + "\n", encoding="utf-8")
    (folder / "aimass.toml").write_text(project, encoding="utf-8")
    return folder / "aimass.toml"


def command(*words: str | Path, workspace: Path) -> list[str]:
    """A command line, as a shell would run it."""
    program = "from aimass.cli.main import main; main()"
    return [sys.executable, "-c", program, "-w", str(workspace), *map(str, words)]


def aimass(*words: str | Path, workspace: Path, **given: object) -> subprocess.CompletedProcess[str]:
    """`aimass WORDS` in a process of its own."""
    return subprocess.run(
        command(*words, workspace=workspace), capture_output=True, text=True, env=ENVIRONMENT, timeout=120, **given
    )  # type: ignore[call-overload, no-any-return]
