"""A trainer in a process of its own.  Its figure is the time at which it is logged: who draws it knows how late it is.

python benchmarks/console/trainer.py WORKSPACE POINTS PAUSE
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aimass.core.artifact import Report
from aimass.core.errors import Stopped
from aimass.core.step import Context, load_step, step
from aimass.core.task import Task
from aimass.runner.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds
VERB = "trainer:clock"


@step(reuse=False)
def clock(ctx: Context, *, points: int, pause: float) -> Report:
    """POINTS times the time, PAUSE seconds apart, half as long or half as much again: no beat with who looks."""
    chance = random.Random(0)
    for at in range(points):
        ctx.report(at=at, loss=time.time())
        time.sleep(pause * chance.uniform(0.5, 1.5))
    (ctx.folder / "report.json").write_text("{}")


@contextmanager
def training(space: Workspace, points: int, pause: float) -> Iterator[int]:
    """The number of a run of `clock`, which is told to stop at the end and has stopped afterwards."""
    before = {row["id"] for row in space.runs()}
    process = subprocess.Popen([sys.executable, __file__, space.url, str(points), str(pause)], cwd=ROOT)
    number: list[str] = []
    try:
        until = time.monotonic() + PATIENCE
        while not number:
            number = [row["id"] for row in space.runs() if row["id"] not in before and space.latest(row["id"])]
            if time.monotonic() > until or process.poll() is not None:
                raise RuntimeError(f"no trainer began: {process.poll()}")
            time.sleep(0.02)
        yield int(number[0])
    finally:
        for run in number:
            space.catalog.stop_run(run)
        try:
            process.wait(PATIENCE if number else 0)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def main(url: str, points: str, pause: str) -> None:
    space, found = Workspace.reopen(url), load_step(VERB).task({}, {"points": int(points), "pause": float(pause)})
    task = Task(VERB, found.revision, found.settings, found.inputs, seed=time.time_ns() % 2**31, label="a clock")
    with suppress(Stopped):
        space.run(task)


if __name__ == "__main__":
    main(*sys.argv[1:])
