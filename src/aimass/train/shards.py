"""Rows of a table shared out among ranks, and how XGBoost's workers talk: by a collective of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import xgboost as xgb
from xgboost import collective
from xgboost.tracker import RabitTracker

from aimass.runner.desk import PATIENCE
from aimass.runner.gang import Rank


def shard_of(rows: int, rank: Rank) -> slice:
    """This rank's part of so many ROWS, in one run; parts differ by a row at most."""
    return slice(rank.rank * rows // rank.world, (rank.rank + 1) * rows // rank.world)


@contextmanager
def talking(rank: Rank) -> Iterator[None]:
    """Inside, matrices, trees and losses of XGBoost are those of all ranks' rows."""
    if rank.world == 1:
        yield
        return
    tracker = None
    if rank.rank == 0:
        tracker = RabitTracker(n_workers=rank.world, host_ip=rank.host, sortby="task")
        tracker.start()
    found = rank.share(tracker.worker_args() if tracker else None)
    with xgb.config_context(verbosity=0):  # it would print who got which rank, and whose shard is empty
        collective.init(**found, dmlc_task_id=f"{rank.rank:06}", dmlc_timeout=int(PATIENCE))
        yield
        # Not after an error: the others wait for this rank, and the gang ends them.
        collective.finalize()
    if tracker:
        tracker.wait_for()
