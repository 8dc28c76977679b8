"""Whatever callers send is answered or ends their connection, and the server goes on.

`benchmarks/serving/fuzz.py` sends more.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.serve.fuzz.round import Found, fuzzed, server_of
from tests.serve.versions.conftest import write_version

from aimass.engines.base import Tensors
from aimass.serve.predictor import Wanted, load


@pytest.mark.parametrize("seed", [0, 1_000_000])
def test_nothing_that_callers_send_fails_the_server_or_holds_it_up(seed: int, tmp_path: Path) -> None:
    model, found = load(Wanted(write_version(tmp_path / "m", 1), "m", 1)), Found()
    try:
        asyncio.run(fuzzed(server_of(model), 1000, seed, found))
    finally:
        model.close()
    assert not found.wrong, found.wrong[:5]
    assert found.callers == 1000 and found.answers[200] > 200 and found.answers[400] > 200


def test_a_server_that_fails_is_found_out(tmp_path: Path) -> None:
    model, found = load(Wanted(write_version(tmp_path / "m", 1), "m", 1)), Found()

    def failing(tensors: Tensors) -> Tensors:
        raise ZeroDivisionError("one day it had to be")

    model.predict = failing
    try:
        asyncio.run(fuzzed(server_of(model), 32, 0, found))
    finally:
        model.close()
    assert any("500" in wrong for wrong in found.wrong) and any("good request" in wrong for wrong in found.wrong)
