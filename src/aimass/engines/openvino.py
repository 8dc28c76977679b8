"""OpenVINO on the CPU: the graph and the head stay ONNX Runtime's, network.onnx runs in OpenVINO."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import numpy as np

from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.engines.around import WHOLE, around, existing, unfit
from aimass.engines.base import Engine, Predictor, Tensors

# What it would tell its makers is never loaded: without the package it has a stand-in that does nothing.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
import openvino as ov  # noqa: E402


class OpenVino(Engine):
    """Runs network.onnx with OpenVINO, float and 8-bit networks alike; trees are not among its operators."""

    threads: int = knob(1, 1, 256, help="threads inside one call")
    precision: Literal["f32", "bf16", "f16"] = knob(
        "f32", help="of the arithmetic; fewer bits where the processor has them"
    )

    def files(self) -> tuple[str, ...]:
        return (*WHOLE, "network.onnx")

    def load(self, model: Path) -> Predictor:
        """A predictor of MODEL/network.onnx between its graph and its head.

        Raises InputError for a network with operators that OpenVINO does not know.
        """
        path = existing(model, "network.onnx")
        # bf16 is its own default where the processor has it: answers would not be those that were measured.
        settings = {
            "INFERENCE_NUM_THREADS": self.threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": self.precision,
        }
        try:
            core = ov.Core()
            compiled = core.compile_model(core.read_model(path), "CPU", settings)
        except RuntimeError as error:
            raise unfit("openvino", str(error).strip().splitlines()[-1]) from error
        request = compiled.create_infer_request()
        names = [each.get_any_name() for each in compiled.inputs]

        def scores(tensors: Tensors) -> np.ndarray:
            try:
                found = request.infer({name: tensors[name] for name in names}, share_inputs=True)
            except RuntimeError as error:
                raise InputError(f"the model refused its input: {str(error).strip().splitlines()[-1]}") from error
            return np.array(found[0])

        return around(model, scores)
