"""Which engines are tried for a model when the user names none, and why others are not."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from aimass.engines.base import Engine
from aimass.measure.machine import machine

SHARED = 0.2  # ms of a call: below, a second thread is woken for nothing
NATIVE = 0.5  # ms: XGBoost's own call takes longer than that, however few its trees


def usual_engines(architecture: Mapping[str, Any], call_ms: float) -> list[tuple[Engine, str]]:
    """(engine, why it is not tried or "") for a model of ARCHITECTURE whose call of one row takes CALL_MS.

    A second thread; XGBoost's own kernels for its trees, in a process of their own; OpenVINO for networks, where
    the extra is installed.  PyTorch only when asked for: it takes what it runs from ONNX, and seconds to start.
    """
    trees = architecture["use"] == "xgboost"
    tried = [(Engine.from_settings({"use": "onnxruntime", "threads": 2}), _threads(call_ms))]
    if trees:
        tried.append((Engine.from_settings({"use": "host", "engine": {"use": "xgboost"}}), _short(call_ms, NATIVE)))
    elif find_spec("openvino"):
        tried.append((Engine.from_settings({"use": "openvino"}), _short(call_ms, SHARED)))
    return tried


def _threads(call_ms: float) -> str:
    cores = machine()["cores"] or 1
    return "this machine has one core" if cores < 2 else _short(call_ms, SHARED)


def _short(call_ms: float, least: float) -> str:
    return f"a call takes {call_ms:.3g} ms, which is too short to gain by it" if call_ms < least else ""
