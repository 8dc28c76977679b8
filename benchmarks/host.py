"""What a batch costs that is handed to a process of its own:  python benchmarks/host.py [--write]

A model of no work (each column comes back as it went), so that the difference is the way there and back.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h

from aimass.engines.base import Predictor, Tensors
from aimass.engines.host import Hosted
from aimass.engines.onnxruntime import OnnxRuntime
from record import median_and_interval, write

QUESTION = "What does a call cost that is made in a process of its own?"
ROUNDS = 5
CALLS = 500


def write_model(folder: Path) -> Path:
    """Numbers [N, 30] and texts [N] come back."""
    kinds = {"numbers": (T.FLOAT, ["N", 30]), "texts": (T.STRING, ["N"])}
    nodes = [h.make_node("Identity", [name], [f"same_{name}"]) for name in kinds]
    takes = [h.make_tensor_value_info(name, *kind) for name, kind in kinds.items()]
    gives = [h.make_tensor_value_info(f"same_{name}", *kind) for name, kind in kinds.items()]
    opsets = [h.make_opsetid("", 18)]
    onnx.save(
        h.make_model(h.make_graph(nodes, "same", takes, gives), opset_imports=opsets, ir_version=10),
        folder / "model.onnx",
    )
    return folder


def columns(rows: int, texts: bool) -> Tensors:
    words = np.array([f"word {i}" for i in range(rows)] if texts else [""] * rows, dtype=object)
    return {"numbers": np.ones((rows, 30), np.float32), "texts": words}


def p50(predict: Predictor, tensors: Tensors) -> float:
    """Microseconds of the median call."""
    taken = []
    for _ in range(CALLS):
        begin = time.perf_counter_ns()
        predict(tensors)
        taken.append(time.perf_counter_ns() - begin)
    return float(np.median(taken)) / 1000


def figures(folder: Path) -> dict[str, Any]:
    here, found = OnnxRuntime().load(folder), dict[str, Any]()
    starts = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        with Hosted(OnnxRuntime(), folder):
            starts.append(time.perf_counter() - begin)
    found["seconds_to_start"] = median_and_interval(starts)
    with Hosted(OnnxRuntime(), folder) as there:
        for rows in (1, 32, 256, 1024):
            tensors = columns(rows, texts=rows <= 256)
            pairs = [(p50(here, tensors), p50(there, tensors)) for _ in range(ROUNDS)]
            found[f"us_more_for_{rows}_rows"] = median_and_interval([b - a for a, b in pairs])
            found[f"us_here_for_{rows}_rows"] = median_and_interval([a for a, _ in pairs])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write a record; only on a quiet machine")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = figures(write_model(Path(folder)))
    if asked.write:
        write("host", QUESTION, found, ["numpy", "onnxruntime"], "Numbers [N, 30] float32 and a text a row.")
    else:
        for name, figure in found.items():
            print(name, figure)


if __name__ == "__main__":
    main()
