"""Which engines are tried by themselves, and why others are not."""

from __future__ import annotations

import pytest

from aimass.search import engines
from aimass.search.candidate import engine_name
from aimass.search.engines import usual_engines


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "machine", lambda: {"cores": 2})
    monkeypatch.setattr(engines, "find_spec", lambda name: None)


def tried(use: str, call_ms: float) -> dict[str, str]:
    return {engine_name(engine.settings()): why for engine, why in usual_engines({"use": use}, call_ms)}


def test_a_long_call_is_tried_with_two_threads() -> None:
    assert tried("mlp", 3.0) == {"onnxruntime (threads=2)": ""}


def test_a_short_call_is_not_and_the_reason_has_its_time() -> None:
    why = "a call takes 0.013 ms, which is too short to gain by it"
    assert tried("mlp", 0.013) == {"onnxruntime (threads=2)": why}


def test_one_core_has_nothing_to_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "machine", lambda: {"cores": 1})
    assert tried("mlp", 3.0) == {"onnxruntime (threads=2)": "this machine has one core"}


def test_trees_are_tried_with_their_own_library_in_a_process_of_its_own() -> None:
    assert tried("xgboost", 3.0)["xgboost in a host"] == ""
    assert tried("xgboost", 0.3)["xgboost in a host"].startswith("a call takes 0.3 ms")


def test_networks_are_tried_with_openvino_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: object())
    assert tried("convnet", 3.0)["openvino"] == ""
    assert "openvino" not in tried("xgboost", 3.0)


def test_pytorch_is_tried_only_when_asked_for() -> None:
    assert not any("torch" in name for use in ("mlp", "convnet") for name in tried(use, 100.0))
