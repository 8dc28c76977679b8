"""What the machine of a run did, in a few figures: on an average over time, and at most."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from aimass.project.reports.page import table
from aimass.runner.workspace import Workspace
from aimass.store.catalog import Row
from aimass.store.figures import MACHINE

SHOWN = {
    "run_cpu_percent": ("processors, this run", "% of all cores"),
    "cpu_percent": ("processors, whole machine", "% of all cores"),
    "run_memory_gb": ("memory, this run", "GB"),
    "memory_gb": ("memory, whole machine", "GB"),
    "read_mb_per_s": ("read from disks, this run", "MB/s"),
    "written_mb_per_s": ("written to disks, this run", "MB/s"),
    "gpu_percent": ("GPUs", "%"),
    "gpu_memory_gb": ("memory of GPUs", "GB"),
}


def machine(space: Workspace, run: str) -> str:
    """The figures of RUN that tell of its machine, as a table; nothing where nobody has looked."""
    began = datetime.fromisoformat(space.run_row(run)["started"]).timestamp()
    rows = [
        [*words, mean(points, began), max(point["value"] for point in points)]
        for name, words in SHOWN.items()
        if (points := space.metrics(run, MACHINE + name))
    ]
    return table(f"run-{run}-machine", ["figure", "unit", "mean", "most"], rows)


def mean(points: list[Row], began: float) -> float:
    """Of POINTS, each of which stands for the time since the one before it, or since the run BEGAN."""
    times = [began, *(point["time"] for point in points)]
    spans = [max(0.0, now - before) for before, now in pairwise(times)]  # clocks of other machines may go wrong
    parts = (span * float(point["value"]) for span, point in zip(spans, points, strict=True))
    return sum(parts) / sum(spans) if any(spans) else float(points[-1]["value"])
