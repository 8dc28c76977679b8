"""Where a model runs: what can run code, grow or hang does so in a process of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.serve.conftest import SAMPLE

from aimass.core.part import resolve
from aimass.engines.base import Engine
from aimass.engines.host.engine import Host
from aimass.engines.onnxruntime import OnnxRuntime
from aimass.prepare.rows import from_records
from aimass.serve import placing
from aimass.serve.placing import placed
from aimass.serve.predictor import Wanted, load


def test_a_small_graph_of_onnx_runs_in_the_server(folder: Path) -> None:
    engine = OnnxRuntime()
    assert placed(engine, folder) is engine


@pytest.mark.parametrize("name", ["xgboost", "torch"])
def test_every_other_engine_runs_in_a_process_of_its_own(folder: Path, name: str) -> None:
    engine: Engine = resolve("engine", name)()
    found = placed(engine, folder)
    assert isinstance(found, Host) and found.engine == engine
    assert placed(found, folder) is found


def test_a_large_file_runs_in_a_process_of_its_own_and_answers_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = load(Wanted(folder, "flights"))
    monkeypatch.setattr(placing, "LARGE", 10)
    there = load(Wanted(folder, "flights"))
    columns = from_records(SAMPLE, here.signature.rows)
    try:
        assert there.blocks and not here.blocks
        for name, array in here.predict(columns).items():
            assert np.array_equal(array, there.predict(columns)[name])
    finally:
        here.close()
        there.close()
