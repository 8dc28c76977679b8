"""Steps run by hand, without a workspace: a context that is a folder, and the artifact sealed from it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa

from aimass.clean.base import Transform
from aimass.clean.step import clean
from aimass.collect.base import Collector
from aimass.collect.step import collect
from aimass.core.artifact import Dataset, open_artifact, seal
from aimass.store.lake import open_dataset


class Hand:
    """All of `core.step.Context`, kept in memory."""

    seed = 0

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.folder, self.lake = Path(tempfile.mkdtemp(dir=root, prefix="step-")), str(root / "lake")
        self.resume = self.folder
        self.lines: list[str] = []
        self.facts: dict[str, Any] = {}

    def report(self, at: float | None = None, **numbers: float) -> None: ...

    def log(self, message: str) -> None:
        self.lines.append(message)

    def tell(self, **facts: Any) -> None:
        self.facts |= facts


def sealed(hand: Hand, answer: Dataset | None) -> Dataset:
    """What the runner makes of a body's answer."""
    if answer is not None:
        return answer
    seal("dataset", hand.folder, [])
    found = open_artifact(hand.folder)
    assert isinstance(found, Dataset)
    return found


def collected(root: Path, settings: dict[str, Any] | str, previous: Dataset | None = None, name: str = "t") -> Dataset:
    """The dataset of one `collect` into the lake of ROOT."""
    hand = Hand(root)
    return sealed(hand, collect.body(hand, previous, name=name, source=Collector.from_settings(settings)))


def cleaned(root: Path, sources: dict[str, Dataset], contract: dict[str, Any] | None = None,
            transforms: list[dict[str, Any]] | None = None) -> Dataset:  # fmt: skip
    """The dataset of one `clean`."""
    hand = Hand(root)
    steps = [Transform.from_settings(table) for table in transforms or []]
    return sealed(hand, clean.body(hand, sources, contract=contract or {}, transforms=steps))


def facts(dataset: Dataset) -> dict[str, Any]:
    return dict(dataset.read_json("dataset.json"))


def table(root: Path, dataset: Dataset, also: tuple[str, ...] = ()) -> pa.Table:
    """The rows of a dataset of ROOT."""
    return open_dataset(dataset, str(root / "lake"), also=also).to_table()


def rows(root: Path, dataset: Dataset, also: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    return list(table(root, dataset, also).to_pylist())


def log_of(root: Path, name: str = "t") -> list[dict[str, Any]]:
    """Every action in the Delta log of a table, in order."""
    import json

    files = sorted((root / "lake" / name / "_delta_log").glob("*.json"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
