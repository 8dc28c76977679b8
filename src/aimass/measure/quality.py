"""Answers of the served file on raw rows nobody trained on, and how two models differ on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aimass.core.errors import InputError
from aimass.core.signature import Signature
from aimass.engines.base import Engine
from aimass.measure.base import Figure, Metric
from aimass.measure.intervals import student
from aimass.prepare.tables import from_arrow

CHUNK = 1024  # rows at a time: a test set of images need not fit in memory
GROUPS = 20  # of the jackknife

Answer = dict[str, np.ndarray]
Held = Literal["valid", "test"]  # parts whose raw rows are kept


def held_back(examples: Path, part: Held = "test") -> Iterator[pa.Table]:
    """The raw rows of PART with their target, in chunks, as `prepare` put them aside."""
    for batch in pq.ParquetFile(examples / f"{part}.parquet").iter_batches(batch_size=CHUNK):
        yield pa.Table.from_batches([batch])


def some_rows(examples: Path, count: int) -> pa.Table:
    """At most COUNT held-back raw rows, evenly spread, so that a split by time shows all its days."""
    step = max(1, pq.ParquetFile(examples / "test.parquet").metadata.num_rows // count)
    parts, before = [], 0
    for table in held_back(examples):
        parts.append(table.take(np.arange(-before % step, table.num_rows, step)))
        before += table.num_rows
    return pa.concat_tables(parts).slice(0, count)


def answers(
    model: Path, examples: Path, signature: Signature, engine: Engine, part: Held = "test"
) -> tuple[np.ndarray, Answer]:
    """(truth [N], outputs by name [N, ...]) of MODEL/model.onnx over the raw rows of PART of EXAMPLES.

    Truth is the class index, or the value.  Raises InputError when there are no rows.
    """
    predict = engine.load(model)
    truths: list[np.ndarray] = []
    outputs: list[Mapping[str, np.ndarray]] = []
    for table in held_back(examples, part):
        truths.append(truth_of(table[signature.target], signature))
        outputs.append(predict(from_arrow(table, signature.rows)))
    if not truths:
        raise InputError(
            f"the {part} split is empty",
            expected="rows nobody trained on",
            todo=f"give [prepare] split a {part} share above 0",
        )
    whole = {name: np.concatenate([o[name] for o in outputs]) for name in outputs[0]}
    _check_finite(whole, part)
    return np.concatenate(truths), whole


def _check_finite(answer: Answer, part: Held) -> None:
    """Raises InputError for the first row that is no number: NaN would be ranked above every other answer."""
    for values in answer.values():
        if values.dtype.kind != "f":
            continue
        wrong = np.argwhere(~np.isfinite(values))
        if len(wrong):
            what = "NaN" if np.isnan(values[tuple(wrong[0])]) else "infinity"
            raise InputError(
                f"the model answers {what} for row {wrong[0][0]} of the {part} split",
                expected="a finite number for every row",
                todo="train again with a lower learning rate, or look for extreme values in that row",
            )


def truth_of(column: pa.ChunkedArray, signature: Signature) -> np.ndarray:
    """The target COLUMN of the raw rows as class index [N] int64, or value [N] float64."""
    if signature.task == "regression":
        return np.asarray(column.cast(pa.float64()))
    index = {name: i for i, name in enumerate(signature.classes)}
    names = [str(v).lower() if isinstance(v, bool) else str(v) for v in column.to_pylist()]
    strange = sorted(set(names) - set(index))
    if strange:
        raise InputError(
            f"the rows hold a class the model does not know: {strange[0]!r}",
            expected=f"one of: {', '.join(signature.classes[:20])}",
            todo="prepare the examples and train again",
        )
    return np.array([index[name] for name in names], dtype=np.int64)


def difference(
    metric: Metric, truth: np.ndarray, answer: Mapping[str, Any], baseline: Mapping[str, Any], signature: Signature
) -> Figure:
    """METRIC of ANSWER less that of BASELINE on the same rows, with a paired interval.

    Delete-a-group jackknife (Kott 2001): every metric is taken GROUPS times with a twentieth of the rows left out,
    for both models alike, so what both find hard cancels.  Raises InputError where the metric does.
    """

    def gap(keep: np.ndarray) -> float:
        mine, theirs = (
            metric.value(truth[keep], {k: v[keep] for k, v in a.items()}, signature) for a in (answer, baseline)
        )
        return mine - theirs

    value = gap(np.ones(len(truth), dtype=bool))
    if signature.classes and len(signature.classes) == 2 and np.bincount(truth, minlength=2).min() < 2:
        return Figure(value, None, None, len(truth), "no bound is estimable from one row of a class")
    group = _groups(truth, bool(signature.classes))
    parts = np.array([gap(group != g) for g in range(GROUPS)])
    half = student(GROUPS - 1) * float(np.sqrt((GROUPS - 1) / GROUPS * np.square(parts - parts.mean()).sum()))
    return Figure(value, value - half, value + half, len(truth))


def _groups(truth: np.ndarray, classes: bool) -> np.ndarray:
    """The group of each row [N]: by chance; rows of a class are dealt out evenly, and a class's only row is never
    left out (group -1), because a metric may not exist without it."""
    random = np.random.default_rng(0).permutation(len(truth))
    if not classes:
        return random % GROUPS
    group = np.empty(len(truth), dtype=np.int64)
    group[np.lexsort((random, truth))] = np.arange(len(truth)) % GROUPS
    group[np.bincount(truth)[truth] == 1] = -1
    return group


def agreement(answer: Mapping[str, Any], baseline: Mapping[str, Any]) -> float | None:
    """Share of rows both models label alike; None for regression."""
    if "label" not in answer:
        return None
    return float(np.mean(np.asarray(answer["label"]) == np.asarray(baseline["label"])))
