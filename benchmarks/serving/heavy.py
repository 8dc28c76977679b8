"""How much of ONNX Runtime's own speed is left when a model of some weight is served?

A model of 5 ms a call of 32 rows.  Four clients ask for 32 rows each, and again when they are answered; then 64 clients
for a row each, so that reading and answering 32 requests comes on top.  The server's rows a second are held against
those of ONNX Runtime alone, called over and over with as many rows as the server's calls had.  Interleaved; once on a
core of the server's own, once on all cores of the machine.

    python benchmarks/serving/heavy.py --record        # about four minutes
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

from open_loop import numbers_body
from scene import SERVER, Goals, Running, arguments, asked, median_and_interval, report, serving

from models import costly

BATCH = 32  # rows of a call of 5 ms
ROW = 0.005 / BATCH  # seconds
ASKED = {"batches": (4, BATCH), "rows": (64, 1)}  # clients, and rows of a request
ALONE = """
import sys, time
import numpy as np
from pathlib import Path
from aimass.engines.onnxruntime import OnnxRuntime
predict, rows, seconds = OnnxRuntime().load(Path(sys.argv[1])), int(sys.argv[2]), float(sys.argv[3])
columns, calls = {"a": np.arange(float(rows))}, 0
for _ in range(20):
    predict(columns)
begin = time.perf_counter()
while time.perf_counter() - begin < seconds:
    predict(columns)
    calls += 1
print(rows * calls / (time.perf_counter() - begin))
"""


def calls(server: Running) -> tuple[int, int]:
    """Rows and calls of the model so far."""
    facts = server.said("/v2/models/m/stats", method="GET")["model_stats"][0]
    return int(facts["inference_count"]), int(facts["execution_count"])


def alone(model: Path, rows: int, seconds: float, core: int | None) -> float:
    """Rows a second of ONNX Runtime in a process of its own."""
    command = [sys.executable, "-c", ALONE, str(model), str(rows), str(seconds)]
    pinned = command if core is None else ["taskset", "-c", str(core), *command]
    return float(subprocess.run(pinned, check=True, capture_output=True, text=True).stdout)


def rounds(model: Path, many: int, seconds: float, core: int | None, clients: int, each: int) -> dict[str, Any]:
    shares, sizes, rates = [], [], []
    body = numbers_body(each)
    with serving(model, "--name", "m", "--version", "1", core=core) as server:
        asked(server.port, "/v2/models/m/infer", body, connections=clients, seconds=1)
        for _ in range(many):
            rows, made = calls(server)
            load = asked(server.port, "/v2/models/m/infer", body, connections=clients, seconds=seconds)
            more, again = calls(server)
            sizes.append((more - rows) / max(1, again - made))
            rates.append(load.rate * each)
            shares.append(rates[-1] / alone(model, max(1, round(sizes[-1])), seconds, core))
    return {"of ONNX Runtime's own": median_and_interval(shares), "rows a call": median_and_interval(sizes),
            "rows a second": median_and_interval(rates)}  # fmt: skip


def main() -> None:
    given, goals, found = arguments(__doc__).parse_args(), Goals(), dict[str, Any]()
    many, seconds = (2, 2) if given.quick else (5, 5)
    with tempfile.TemporaryDirectory() as folder:
        model = costly(Path(folder, "m"), ROW)
        for (where, core), (what, asks) in product((("all cores", None), ("one core", SERVER)), ASKED.items()):
            name = f"{where}, requests of {what}"
            found[name] = rounds(model, many, seconds, core, *asks)
            share = found[name]["of ONNX Runtime's own"]["median"]
            goals.at_least(f"{name}: rows a second over ONNX Runtime's own", share, 0.9)
    note = f"wrk on the last of {os.cpu_count()} cores; clients and rows of a request: {ASKED}"
    report("heavy", __doc__, found, goals, given, note)


if __name__ == "__main__":
    main()
