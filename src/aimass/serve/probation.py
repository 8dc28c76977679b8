"""python -m aimass.serve.probation FOLDER --name NAME: does a version answer?  In a process of its own, before it may.

Loads it as the server would, answers its examples alone and together, and says as one line of JSON how long calls take
and how much memory it needs.  What it does to this process it does to nobody else.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from aimass.core.errors import AimassError, InputError
from aimass.engines.base import Tensors
from aimass.prepare.rows import from_records
from aimass.runner.worker import die_with_parent
from aimass.serve.predictor import Served, Wanted, load

NICE = 10  # those who answer go first
MB = 1 << 20
CLOSE = 1e-3  # how far an answer may move when other rows share its call


def examined(served: Served, most_mb: int = 0) -> dict[str, Any]:
    """What is known of SERVED after it answered its examples.  Raises InputError when it may not answer."""
    if served.sample:
        _examples(served)
    slow = served.profile.slow(1)
    if served.goal and slow > served.goal:
        raise InputError(
            f"one row takes {1000 * slow:.3g} ms, {1000 * served.goal:g} ms were promised for a whole request",
            expected="a model that keeps the latency of its ledger",
            todo="measure it on this machine: aimass measure",
        )
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if most_mb and taken > most_mb * MB:
        raise InputError(f"it needs {taken // MB} MB of memory", expected=f"at most {most_mb} MB", todo="allow it more")
    return {"memory": taken, "seconds": dict(zip(*served.profile.known(), strict=True))}


def _examples(served: Served) -> None:
    rows = served.signature.rows
    alone = [served.predict(from_records([record], rows)) for record in served.sample]
    together = served.predict(from_records(served.sample, rows))
    for i, answer in enumerate(alone):
        _same(answer, {name: array[i : i + 1] for name, array in together.items()}, i)


def _same(alone: Tensors, together: Tensors, at: int) -> None:
    """Raises InputError where an answer depends on who else is asked for, or is no number."""
    for name, array in alone.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError(f"output {name!r} of example {at} is {array.ravel()[:3].tolist()}", expected="numbers")
        other = together[name]
        same = array.shape == other.shape and (
            np.allclose(array, other, CLOSE, CLOSE) if array.dtype.kind == "f" else bool((array == other).all())
        )
        if not same:
            raise InputError(
                f"output {name!r} of example {at} is another when other rows are asked for in the same call",
                expected="an answer that depends on its row alone",
                todo="requests share calls: export the model with rows that are independent",
            )


def main(arguments: list[str] | None = None) -> int:
    """One line of JSON: what was found, or why it may not answer; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m aimass.serve.probation", description="Does a version answer?")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--memory-mb", type=int, default=0, help="more is too much; 0: no limit")
    parser.add_argument("--parent", type=int, default=None, help="the process that asks: end with it")
    given = parser.parse_args(arguments)
    if given.parent is not None:
        die_with_parent(given.parent)
    os.nice(NICE)
    try:
        found: Mapping[str, Any] = examined(load(Wanted(given.folder, given.name)), given.memory_mb)
    except AimassError as error:
        print(json.dumps(error.as_json()), flush=True)
        return error.exit_code
    print(json.dumps(found), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
