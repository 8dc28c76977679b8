"""The graph that the vocabularies come from, written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.train.augment.by_hand import saved_graph


@pytest.fixture(scope="session")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_graph(tmp_path_factory.mktemp("augment"))
