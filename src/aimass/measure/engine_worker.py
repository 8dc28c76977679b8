"""Times single-row engine calls in a process of its own:  python -m aimass.measure.engine_worker < plan.json

The plan names model folders, a file of rows, and how many warm-ups, blocks and calls.  The answer is one JSON line
with the seconds of every call, by model and block.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np

from aimass.core.errors import AimassError
from aimass.engines.base import Engine, Predictor
from aimass.measure.child import plan_given


def order(models: int, blocks: int) -> list[int]:
    """Whose turn each block is: A B B A A B B A ..., so that a machine that slows down wrongs nobody."""
    turns = [list(range(models)), list(reversed(range(models)))]
    return [model for block in range(blocks) for model in turns[block % 2]]


def single_rows(path: Path) -> list[dict[str, np.ndarray]]:
    """The rows of an .npz file of columns [N, ...], each as a call of its own [1, ...]."""
    with np.load(path, allow_pickle=False) as columns:
        whole = {name: columns[name] for name in columns.files}
    whole = {name: c.astype(object) if c.dtype.kind == "U" else c for name, c in whole.items()}
    count = min(len(column) for column in whole.values())
    return [{name: column[i : i + 1] for name, column in whole.items()} for i in range(count)]


def block(predict: Predictor, rows: Iterator[dict[str, np.ndarray]], calls: int) -> list[int]:
    """Nanoseconds of each of CALLS calls."""
    taken = []
    for _ in range(calls):
        row = next(rows)
        begin = perf_counter_ns()
        predict(row)
        taken.append(perf_counter_ns() - begin)
    return taken


def run(plan: dict[str, Any]) -> list[list[list[int]]]:
    """Nanoseconds by model, block and call."""
    predictors = [Engine.from_settings(engine).load(Path(folder)) for folder, engine in plan["models"]]
    rows = single_rows(Path(plan["rows"]))
    for predict in predictors:
        block(predict, cycle(rows), plan["warmups"])
    taken: list[list[list[int]]] = [[] for _ in predictors]
    turns = [cycle(rows) for _ in predictors]  # every model is asked the same rows in the same order
    gc.collect()
    gc.disable()  # a collection belongs to this program, not to the engine
    for model in order(len(predictors), plan["blocks"]):
        taken[model].append(block(predictors[model], turns[model], plan["calls"]))
    return taken


def main() -> int:
    try:
        print(json.dumps(run(plan_given())))
    except AimassError as error:
        print(json.dumps(error.as_json()), file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
