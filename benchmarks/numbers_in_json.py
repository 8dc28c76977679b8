"""How fast do lists of numbers in JSON become arrays: simdjson's buffer against orjson and numpy, and numpy alone?

CPU time of one row out of a call of 32, the best of interleaved runs; a row of a table, a picture that is mostly zeros,
a picture of dense numbers.

    python benchmarks/numbers_in_json.py
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import numpy as np
import orjson

from aimass.serve.v2.numbers import reals
from record import median_and_interval, write

ROWS, CALLS, RUNS = 32, 20, 15


def texts() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    dense = rng.random(784).astype(np.float32).astype(float).tolist()
    sparse = [value if i % 2 else 0 for i, value in enumerate(rng.random(784).round(4).tolist())]
    return {name: b",".join([orjson.dumps(v)[1:-1]] * ROWS) for name, v in
            {"table of 30": dense[:30], "784, half zeros": sparse, "784, dense": dense}.items()}  # fmt: skip


def seconds(read: Callable[[], object]) -> float:
    begin = time.process_time()
    for _ in range(CALLS):
        read()
    return (time.process_time() - begin) / CALLS / ROWS


def main() -> None:
    figures = {}
    for name, text in texts().items():
        listed = b"[%b]" % text
        ways: dict[str, Callable[[], object]] = {
            "ours": lambda listed=listed: reals(listed),  # type: ignore[misc]
            "orjson": lambda listed=listed: np.array(orjson.loads(listed), np.float64),  # type: ignore[misc]
            "numpy": lambda text=text: np.fromstring(text.decode(), np.float64, sep=","),  # type: ignore[misc]
        }
        runs = [{way: seconds(read) for way, read in ways.items()} for _ in range(RUNS)]
        figures[name] = {way: median_and_interval([run[way] / run["ours"] for run in runs]) for way in ways}
        figures[name]["microseconds a row, ours"] = round(1e6 * min(run["ours"] for run in runs), 2)
    if "--record" in sys.argv:
        write(
            "numbers-in-json", __doc__.split("\n")[0], figures, ["pysimdjson", "orjson", "numpy"], "CPU time, over ours"
        )
    else:
        print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
