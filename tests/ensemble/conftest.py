"""Members are trained once for all tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aimass.core.artifact import Examples, Model
from tests.ensemble.made import compressed, examples_of, member

Made = Callable[[str], tuple[Examples, dict[str, Model]]]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Examples of a task, and members: of all columns, the same compressed, and trees of some columns."""
    known: dict[str, tuple[Examples, dict[str, Model]]] = {}

    def make(task: str) -> tuple[Examples, dict[str, Model]]:
        if task not in known:
            place = tmp_path_factory.mktemp(task)
            whole = examples_of(place / "whole", task)
            some = examples_of(place / "some", task, note="drop")
            less = examples_of(place / "less", task, note="drop", day="drop")
            network = member(place / "mlp", whole, "mlp")
            models = {
                "mlp": network,
                "small": compressed(place / "small", network, whole),
                "trees": member(place / "trees", some, "xgboost"),
                "few": member(place / "few", less, "xgboost", rounds=12),
            }
            known[task] = whole, models
        return known[task]

    return make
