"""Latency of the engine call: one raw row in, one answer out, no HTTP.

Several fresh processes, because each has its own luck with memory; in each, warm-ups and then at least 1000 timed
calls, the baseline's and the candidate's in alternating blocks, so that the ratio is of neighbours in time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aimass.engines.base import Engine, Tensors
from aimass.measure.base import Figure
from aimass.measure.child import run_child
from aimass.measure.intervals import quantile_figure, ratio_figure

WARMUPS = 100
BLOCK = 50  # calls a block: long against the clock, short against what else the machine does
TIMEOUT = 1800  # seconds for one process; a model that slow has no place at an endpoint


@dataclass(frozen=True)
class EngineLatency:
    """Milliseconds of one call, over all processes; `ratio` is candidate / baseline, below 1 is faster."""

    p50: Figure
    p99: Figure
    ratio: Figure | None
    samples: int
    processes: int

    def as_json(self) -> dict[str, Any]:
        return {
            "p50_ms": self.p50.as_json(),
            "p99_ms": self.p99.as_json(),
            "samples": self.samples,
            "processes": self.processes,
            "ratio_to_baseline": None if self.ratio is None else self.ratio.as_json(),
        }


def engine_latency(
    model: Path,
    rows: Tensors,
    engine: Engine,
    *,
    baseline: Path | None = None,
    against: Engine | None = None,
    calls: int = 1000,
    processes: int = 5,
    between: Callable[[], None] = lambda: None,
) -> EngineLatency:
    """Time single-row calls of MODEL by ENGINE, against BASELINE where given (itself, for an A/A check).

    ROWS: raw columns [N, ...] to ask, in turn.  AGAINST: the engine of the baseline, ENGINE if none.
    CALLS a process, in blocks.  BETWEEN is called before each process
    and may raise to stop.  Raises InputError when a model cannot be loaded, TaskFailed when a process dies.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npz"
        np.savez(path, **{name: _plain(column) for name, column in rows.items()})  # type: ignore[arg-type]
        asked = ((model, engine), (baseline, against or engine))
        plan = {
            "models": [(str(folder), each.settings()) for folder, each in asked if folder is not None],
            "rows": str(path),
            "warmups": WARMUPS,
            "blocks": -(-calls // BLOCK),
            "calls": BLOCK,
        }
        found = []
        for _ in range(processes):
            between()
            taken = run_child("aimass.measure.engine_worker", plan, timeout=TIMEOUT)
            found.append([np.array(blocks) / 1e6 for blocks in taken])
    return summary(found)


def summary(found: list[list[np.ndarray]]) -> EngineLatency:
    """Figures of the milliseconds by process and model, each [blocks, calls]; model 1, if any, is the baseline."""
    mine = np.concatenate([models[0].ravel() for models in found])
    ratio = None
    if len(found[0]) > 1:
        # Medians of blocks: one interruption must not decide which of two models is faster.
        ratio = ratio_figure(*([np.median(models[m], axis=1) for models in found] for m in (0, 1)))
    return EngineLatency(quantile_figure(mine, 0.5), quantile_figure(mine, 0.99), ratio, len(mine), len(found))


def _plain(column: np.ndarray) -> np.ndarray:
    """Text as fixed-width unicode: a file without pickled objects."""
    return column.astype(str) if column.dtype == object else column
