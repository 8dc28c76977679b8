"""A source that was read twice and cleaned twice: rows that cannot be read, and rows that break their contract."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

import numpy as np

import aimass
from aimass.core.artifact import Dataset
from aimass.runner.workspace import Workspace

HEAD = "distance,carrier,late,note\n"
HOSTILE = "<img src=x onerror=alert(1)>"


def lines(rows: int, seed: int, far: float = 1.0) -> list[str]:
    """ROWS flights as CSV, FAR times as far as usual."""
    chance = np.random.default_rng(seed)
    far_ones, carriers = chance.gamma(4, 200, rows) * far, chance.choice(["AA", "KL", "LH"], rows)
    late = (chance.random(rows) < 0.2).astype(int)
    return [f"{far_ones[i]:.0f},{carriers[i]},{late[i]},flight {i % 7}\n" for i in range(rows)]


def collected(space: Workspace, folder: Path, rows: int = 300) -> list[Dataset]:
    """Two versions of the table flights/flights, from files in FOLDER: the second has one more, of flights three times
    as far."""
    first = [*lines(rows, 1), f"far,KL,0,{HOSTILE}\n", "one cell too few\n"]
    (folder / "a.csv").write_text(HEAD + "".join(first))
    source = {"use": "csv", "path": f"{folder.name}/*.csv"}  # as a project file says it
    with chdir(folder.parent), space:
        one = aimass.collect(name="flights/flights", source=source)
        (folder / "b.csv").write_text(HEAD + "".join(lines(rows // 2, 2, far=3.0)))
        two = aimass.collect(one, name="flights/flights", source=source)
    return [one, two]


def cleaned(space: Workspace, datasets: list[Dataset]) -> list[Dataset]:
    """Both of them, with what is no distance in quarantine."""
    contract = {"flights": {"distance": {"type": "integer", "min": 0}}}
    with space:
        return [aimass.clean({"flights": one}, contract=contract) for one in datasets]
