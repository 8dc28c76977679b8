"""Datasets made by hand, what a step's body may touch, and a table of the values that break preprocessing."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aimass.clean.contract import type_of
from aimass.core.artifact import Dataset, Examples, open_artifact, seal
from aimass.core.signature import Field
from aimass.prepare.base import Column, Fitted, Preparer
from aimass.prepare.graph import Builder
from aimass.prepare.step import prepare

SHAPE = (6, 5, 3)  # of an image: height, width, channels
ACCENTS = ["naïve café", "nai\u0308ve cafe\u0301", "ÅNGSTRÖM ß ẞ İstanbul ıssız", "Ελλάδα Ωμέγα", "日本語 テスト"]
EMOJI = ["😀", "👩‍👩‍👧 family", "🇩🇪 flag", "thumbs 👍🏽 up", "❤️ heart"]
BLANK = ["", " ", "\t\n", "\u00a0", "\u200b", "a\0b"]
LONG = ["x" * 10_000, "word " * 2_000, "é" * 5_000, "😀" * 2_500, " " * 10_000, "<&>\"'\\ " * 1_400]
TEXTS = [*ACCENTS, *EMOJI, *BLANK, *LONG, "NULL", "nan", "-0", "WIN $$$ now!!!", "don't stop"]
NUMBERS = [np.nan, np.inf, -np.inf, 1.7e308, -1.7e308, 5e-324, -5e-324, 0.0, -0.0, 1e-300, None]
WHOLE = [2**62 + 1, -(2**63), 2**63 - 1, 2**53 + 1, 0, None]
MOMENTS = [
    datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999), datetime(1969, 12, 31, 23, 59, 59, 999999),
    datetime(1970, 1, 1), datetime(2000, 2, 29, 12), datetime(1900, 2, 28), datetime(2024, 2, 29, 23, 59), None,
]  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {  # column -> what it is prepared as, by kind
    "number": {"plain": "number", "whole": "number", "switch": "number"},
    "category": {"word": "category", "code": "category", "price": "category", "yes": "category"},
    "date": {"seen": "date", "day": "date", "zoned": "date"},
    "text": {"body": {"use": "text", "length": 12}, "digits": {"use": "text", "length": 3}},
    "image": {"picture": "image"},
}
KINDS["all"] = {name: how for kind in list(KINDS.values()) for name, how in kind.items()}


def some(random: np.random.Generator, usual: list[Any], strange: list[Any], rows: int, share: float = 0.1) -> list[Any]:
    """ROWS values, USUAL ones and a SHARE of STRANGE ones; each strange one at least once."""
    picked = [usual[i] for i in random.integers(0, len(usual), rows)]
    places = random.choice(rows, max(len(strange), int(share * rows)), replace=False)
    for i, place in enumerate(places):
        picked[place] = strange[i % len(strange)]
    return picked


def strange_table(rows: int, seed: int = 0, long: float = 0.02, huge: bool = True) -> pa.Table:
    """ROWS of every type a dataset may hold, and the target `answer`; LONG is the share of strange texts.

    Without HUGE numbers the usual ones keep their distance when they are standardised.
    """
    random = np.random.default_rng(seed)
    words = ["red", "green", "blue", "", "Rouge", "a", "a\0b"]
    sentences = [" ".join(random.choice(["the", "cat", "Cat", "sat", "déjà", "vu", "!", "2013"], 6)) for _ in range(50)]
    hours = [datetime.fromtimestamp(int(s)) for s in random.integers(0, 2**31, 50)]
    images = random.integers(0, 256, (rows, *SHAPE), np.uint8)
    strange = [x for x in NUMBERS if huge or x is None or not 1e300 < abs(x) < np.inf]
    columns = {
        "plain": pa.array(some(random, random.normal(50, 9, 500).tolist(), strange, rows), pa.float64()),
        "whole": pa.array(some(random, list(range(-50, 50)), WHOLE if huge else [0, None], rows), pa.int64()),
        "switch": pa.array(some(random, [True, False], [None], rows), pa.bool_()),
        "word": pa.array(some(random, words, [*TEXTS, None], rows, long), pa.string()),
        "code": pa.array(some(random, [1, 2, 3, 10115], [None, -7, 2**62], rows), pa.int64()),
        "price": pa.array(some(random, [0.5, 1.0, 9.99], [*NUMBERS, 0.1], rows), pa.float64()),
        "yes": pa.array(some(random, [True, False], [None], rows), pa.bool_()),
        "seen": pa.array(some(random, hours, MOMENTS, rows), pa.timestamp("us")),
        "day": pa.array([m and m.date() for m in some(random, hours, MOMENTS, rows)], pa.date32()),
        "zoned": pa.array(some(random, hours, MOMENTS, rows), pa.timestamp("us", "America/New_York")),
        "body": pa.array(some(random, sentences, [*TEXTS, None], rows, long), pa.string()),
        "digits": pa.array(some(random, [7, 8, 9], [None, -3], rows), pa.int64()),
        "picture": pa.array([image.tobytes() for image in images], pa.binary()),
        "answer": pa.array(random.choice(["nö", "yes"], rows), pa.string()),
    }
    return pa.table(columns)


def write_dataset(folder: Path, table: pa.Table, types: dict[str, str] | None = None) -> Dataset:
    """TABLE as a cleaned dataset; TYPES overrule the contract's types by column, binary ones are images of SHAPE."""
    folder.mkdir(parents=True)
    pq.write_table(table, folder / "rows.parquet")
    columns = []
    for field in table.schema:
        kind = (types or {}).get(field.name) or type_of(field.type)
        image = kind == "binary" and field.name == "picture"
        columns.append({"name": field.name, "type": "image", "shape": SHAPE} if image
                       else {"name": field.name, "type": kind})  # fmt: skip
    (folder / "dataset.json").write_text(json.dumps({"name": "hand", "rows": len(table), "columns": columns}))
    seal("dataset", folder, [])
    return open_artifact(folder)  # type: ignore[return-value]


def run_prepare(folder: Path, dataset: Dataset, seed: int = 0, **settings: Any) -> Examples:
    """The whole step on DATASET, as a workspace would run it; the sealed examples."""
    context = FakeContext(folder, seed)
    prepare.body(context, dataset, **settings)
    seal("examples", folder, [dataset.digest])
    return open_artifact(folder)  # type: ignore[return-value]


class FakeContext:
    """What a step's body may touch."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        folder.mkdir(parents=True)
        self.folder, self.resume, self.seed, self.lake = folder, folder, seed, ""
        self.lines: list[str] = []
        self.told: dict[str, Any] = {}

    def report(self, at: float | None = None, **numbers: float) -> None:
        pass

    def log(self, message: str) -> None:
        self.lines.append(message)

    def tell(self, **facts: Any) -> None:
        self.told.update(facts)


class Sign(Preparer):
    """A preparer of a user: the sign of a number."""

    def fit(self, column: Column, values: pa.ChunkedArray) -> Fitted:
        return Fitted(Field(column.name, "float64", kind="number", sent="number"), {})

    @classmethod
    def compile(cls, fitted: Any, build: Builder) -> None:
        for column in fitted:
            sign = build.op("Sign", column.field.name)
            build.numbers(build.column(build.op("Cast", sign, to=1)), 1)
