"""Do predictions wait for explanations?

Requests for predictions arrive at a steady rate, in windows by turns: alone, and while explanations with a budget of
200 ms are asked for one after the other.  Figures are ratios of p99 within a pair of windows.  Every explanation must
add up: its base value and attributions to its prediction.

    python benchmarks/serving/explaining.py --record        # about four minutes
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from scene import LOAD, SERVER, Goals, Running, arguments, report, serving
from steady import MOST, RATE, Deed, steady

from models import body_of, curved, tab_and_cnn

BUDGET = 200  # milliseconds
COLUMNS = 16  # of the model that is explained
APART = 0.01  # of the prediction: how far an explanation may be from adding up


def explanations(server: Running) -> Deed:
    """Ask for one, of another row each time: how far it is from adding up, or why there is none."""
    rng = np.random.default_rng(0)

    def deed() -> float | str:
        row = {f"a{i}": round(float(rng.standard_normal()), 3) for i in range(COLUMNS)}
        try:
            told = server.said("/v1/explain/why", {"record": row, "explain": {"budget_ms": BUDGET}})
        except RuntimeError as error:
            return str(error)
        one = told["explanations"][0]
        whole = one["base_value"] + sum(part["attribution"] for part in one["attributions"]) + (one.get("others") or 0)
        return float(abs(whole - one["prediction"]) / max(abs(one["prediction"]), 1e-9))

    return deed


def figures(found: dict[str, Path], why: Path, quick: bool, core: int | None) -> dict[str, Any]:
    with serving(found["tab"], "--name", "tab", "--also", f"why={why}", core=core) as server:
        deed = explanations(server)
        deed()  # the process that explains starts, and loads the model
        window = steady(server, "/v2/models/tab/infer", body_of("tab"), 2.0 if quick else 4.0)
        seen = window.pairs(2 if quick else 30, deed)
    apart = [came for came in window.came if isinstance(came, float)]
    lacking = [came for came in window.came if isinstance(came, str)]
    print(*lacking[:3], sep="\n")
    return {**seen, "explained": len(apart), "not explained": len(lacking),
            "furthest from adding up": max(apart, default=1.0)}  # fmt: skip


def main() -> None:
    given, goals = arguments(__doc__).parse_args(), Goals()
    os.sched_setaffinity(0, {LOAD})
    with tempfile.TemporaryDirectory() as folder:
        found = figures(
            tab_and_cnn(given.models, Path(folder)), curved(Path(folder, "why"), COLUMNS), given.quick, SERVER
        )
    goals.at_most("p99 of predictions beside explanations, over alone", found["ratio of p99"]["median"], 1.05)
    goals.at_most("furthest from adding up, of the prediction", found["furthest from adding up"], APART)
    goals.at_most("predictions that failed", found["failed"], 0)
    note = (f"predictions arrive at {RATE:g} of what is answered at most, up to {MOST:g} a second; "
            "who explains shares the server's core")  # fmt: skip
    report("explaining", __doc__, found, goals, given, note)


if __name__ == "__main__":
    main()
