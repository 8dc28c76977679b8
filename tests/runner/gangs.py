"""What the ranks of the tests do."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from aimass.core.artifact import Report
from aimass.core.errors import InputError
from aimass.core.step import Context, step
from aimass.runner.gang import Rank

HERE = "tests.runner.gangs"


def count(rank: Rank, *, rows: int, edges: int = 3) -> dict[str, object]:
    """Every rank adds its share of the ROWS and says what rank 0 said."""
    for edge in range(edges):
        rank.report(edge, rows=rows / (edge + 1))
    rank.log("counted")
    rank.tell(rows=rows)
    return {"rank": rank.rank, "sum": sum(range(rank.rank, rows, rank.world)), "told": rank.share([rank.rank, "x"])}


def summed(rank: Rank, *, rows: int) -> dict[str, object]:
    """As `count`, and the total, by torch.distributed."""
    import torch

    from aimass.train.parallel.group import placed

    found = count(rank, rows=rows)
    with placed(rank) as placement:
        return {**found, "total": int(placement.reduce(torch.tensor(found["sum"])))}


def fail(rank: Rank, *, how: str) -> int:
    """Rank 1 ends badly while rank 0 waits for it."""
    if rank.rank == 1:
        print("the last words of rank 1", flush=True)
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "input":
            raise InputError("bad rows", expected="good rows", todo="mend them", key="rows")
        raise ValueError("a bug in the work")
    time.sleep(600)
    return 0


def until_stopped(rank: Rank, *, folder: str) -> int:
    """Steps until it is stopped; each rank writes down after which one."""
    for at in range(10_000):
        try:
            rank.report(at)
        finally:
            Path(folder, str(rank.rank)).write_text(str(at))
    return 0


def pid(rank: Rank, *, folder: str) -> int:
    Path(folder, str(rank.rank)).write_text(str(os.getpid()))
    time.sleep(600)
    return 0


@step
def counted(ctx: Context, *, rows: int, group: bool = False) -> Report:
    """What a gang of this context's workers counts; in a GROUP they add it up among themselves."""
    answers = ctx.gang(summed if group else count, rows=rows)
    total = answers[-1]["total"] if group else sum(answer["sum"] for answer in answers)
    (ctx.folder / "report.json").write_text(json.dumps({"total": total}))
    ctx.tell(workers=ctx.workers)


@step
def failing(ctx: Context, *, how: str) -> Report:
    """A gang that ends badly."""
    ctx.gang(fail, how=how)
