"""Examples of a table, prepared by the real step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from aimass.core.artifact import Dataset, Examples
from tests.prepare.by_hand import run_prepare, write_dataset


@pytest.fixture
def dataset_of(tmp_path: Path) -> Callable[..., Dataset]:
    """A cleaned dataset of a table."""

    def make(table: pa.Table, types: dict[str, str] | None = None) -> Dataset:
        return write_dataset(tmp_path / f"dataset-{len(list(tmp_path.iterdir()))}", table, types)

    return make


@pytest.fixture
def prepared(tmp_path: Path, dataset_of: Callable[..., Dataset]) -> Callable[..., Examples]:
    """The examples that `prepare` makes of a table with these settings."""

    def make(table: pa.Table, types: dict[str, str] | None = None, seed: int = 0, **settings: Any) -> Examples:
        dataset = dataset_of(table, types)
        return run_prepare(tmp_path / f"examples-{len(list(tmp_path.iterdir()))}", dataset, seed, **settings)

    return make
