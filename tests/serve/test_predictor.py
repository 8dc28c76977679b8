"""A model that is about to answer learns how long its calls take, and does not take long over it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from aimass.engines.base import Engine, Predictor, Tensors
from aimass.engines.onnxruntime import OnnxRuntime
from aimass.serve import predictor
from aimass.serve.predictor import Served, Wanted, load


class Slow(Engine):
    """Answers as ONNX Runtime, in `seconds` for each row, by a clock of its own."""

    seconds: float

    def load(self, model: Path) -> Predictor:
        predict = OnnxRuntime().load(model)

        def slowly(tensors: Tensors) -> Tensors:
            rows = len(next(iter(tensors.values())))
            calls[rows] += 1
            clock.now += self.seconds * rows
            return predict(tensors)

        return slowly


clock = SimpleNamespace(now=0.0)
calls: Counter[int] = Counter()


@pytest.fixture
def warmed(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(predictor, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    monkeypatch.setattr(predictor, "placed", lambda engine, folder: engine)

    def make(seconds: float) -> Served:
        calls.clear()
        served = load(Wanted(folder, "flights"), engine=Slow(seconds=seconds))
        served.close()
        return served

    return make


def test_calls_of_five_sizes_are_timed_and_long_ones_less_often(warmed) -> None:
    warmed(1e-6)
    assert calls == {1: 7, 4: 7, 16: 7, 64: 7, 256: 7}
    warmed(5e-5)
    assert calls == {1: 7, 4: 7, 16: 7, 64: 3, 256: 3}


def test_what_was_timed_is_what_is_expected(warmed) -> None:
    served = warmed(5e-5)
    assert [served.profile.expected(rows) for rows in (1, 16, 256)] == pytest.approx([5e-5, 8e-4, 0.0128])


def test_a_slow_model_is_not_asked_for_more_rows_than_there_is_patience_for(warmed) -> None:
    warmed(0.1)
    assert calls == {1: 3, 4: 3}
