"""The model being asked: rows in, one number a row out, counted and timed.

Calls are short, so that a budget holds and others who ask the same model come in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from aimass.core.errors import InputError, unknown
from aimass.core.signature import Field, Signature
from aimass.engines.base import Predictor, Tensors
from aimass.explain.base import Budget

CALL = 512  # rows of a call at most ...
SECONDS = 0.02  # ... and about how long it may take


@dataclass(frozen=True)
class Target:
    """The one number of an answer that is explained: the probability of a class, or the value."""

    name: str
    index: int  # of the class; -1 for a value

    def of(self, outputs: Tensors) -> np.ndarray:
        """float64 [N]"""
        if self.index < 0:
            return np.asarray(np.reshape(outputs["value"], (len(outputs["value"]), -1))[:, 0], np.float64)
        if "probabilities" in outputs:
            return np.asarray(np.asarray(outputs["probabilities"])[:, self.index], np.float64)
        return np.where(np.asarray(outputs["label"]).astype(str) == self.name, 1.0, 0.0)


def target_of(signature: Signature, asked: str, outputs: Tensors) -> Target:
    """The class ASKED for, or the one in the first row of OUTPUTS.  Raises InputError naming all classes."""
    if not signature.classes:
        if asked not in ("", signature.target):
            raise InputError(
                f"target {asked!r} cannot be explained: the model answers a value, {signature.target!r}",
                expected="no target",
                todo="leave it out",
                key="target",
            )
        return Target(signature.target, -1)
    name = asked or str(np.asarray(outputs["label"]).ravel()[0])
    if name not in signature.classes:
        error = unknown("class", name, signature.classes)
        error.key = "target"
        raise error
    return Target(name, signature.classes.index(name))


class Asked:
    """A model asked about one row again and again, until the budget ends.  `prediction` is its answer to that row."""

    def __init__(self, predict: Predictor, columns: Tensors, signature: Signature, target: str, budget: Budget) -> None:
        check_columns(columns, signature.rows, "the row to explain", least=1, most=1)
        self.predict, self.signature, self.budget = predict, signature, budget
        self.own = {field.name: columns[field.name] for field in signature.rows}
        self.begun, self.evaluations, self.pace = budget.clock(), 0, 0.0  # PACE: seconds a row, in the last call
        outputs = self._call(self.own)
        self.label = str(np.asarray(outputs["label"]).ravel()[0]) if "label" in outputs else ""
        self.target = target_of(signature, target, outputs)
        self.prediction = float(self._numbers(outputs)[0])

    def __call__(self, rows: Tensors) -> np.ndarray:
        """The target's number of each of ROWS, float64 [N], in calls of `call_rows`."""
        return np.concatenate([np.zeros(0), *map(self._numbers, self._calls(rows))])

    def outputs(self, rows: Tensors) -> dict[str, np.ndarray]:
        """All outputs for ROWS, in calls of `call_rows`."""
        found = list(self._calls(rows))
        return {name: np.concatenate([np.asarray(part[name]) for part in found]) for name in found[0]}

    def _calls(self, rows: Tensors) -> Iterator[Tensors]:
        count, at = len(next(iter(rows.values()))), 0
        while at < count:
            size = self.call_rows
            yield self._call({name: column[at : at + size] for name, column in rows.items()})
            at += size

    @property
    def elapsed(self) -> float:
        return self.budget.clock() - self.begun

    @property
    def call_rows(self) -> int:
        """Rows of the next call: about SECONDS' worth.  How many calls there may be is for `room` to say."""
        return max(1, min(CALL, int(SECONDS / self.pace))) if self.pace > 0 else CALL

    @property
    def room(self) -> int:
        """Rows that can still be asked about; never less than 0."""
        left = max(0.0, self.budget.seconds - self.elapsed)
        fitting = left / self.pace if self.pace > 0 else np.inf
        return int(max(0, min(self.budget.evaluations - self.evaluations, fitting, 2**31)))

    def _call(self, rows: Tensors) -> Tensors:
        count, begin = len(next(iter(rows.values()))), self.budget.clock()
        outputs = self.predict(rows)
        self.pace = max(0.0, self.budget.clock() - begin) / count
        self.evaluations += count
        return outputs

    def _numbers(self, outputs: Tensors) -> np.ndarray:
        numbers = self.target.of(outputs)
        if not np.isfinite(numbers).all():
            raise InputError(
                f"the model answers {numbers[~np.isfinite(numbers)][0]} for {self.target.name}",
                expected="a finite number for every mixture of this row and the background",
                todo="look for extreme values in the row, or train again with a lower learning rate",
            )
        return numbers


def check_columns(columns: Tensors, fields: Sequence[Field], what: str, *, least: int, most: int | None = None) -> int:
    """How many rows COLUMNS hold.  Raises InputError when they are not one array a field, equally long."""
    names = [field.name for field in fields]
    missing = [name for name in names if name not in columns]
    if missing:
        raise InputError(f"{what} has no column {missing[0]!r}", expected=f"all of: {', '.join(names)}", key=missing[0])
    for field in fields:
        shape, wanted = np.shape(columns[field.name]), field.shape
        if len(shape) != 1 + len(wanted) or any(w > 0 and w != s for w, s in zip(wanted, shape[1:], strict=True)):
            raise InputError(
                f"{what}: column {field.name!r} has shape {list(shape)}",
                expected=f"[rows, {', '.join(map(str, wanted))}]" if wanted else "[rows]",
                key=field.name,
            )
    lengths = {name: len(columns[name]) for name in names}
    if len(set(lengths.values())) > 1:
        raise InputError(f"{what}: columns of different lengths {lengths}", expected="as many rows in each")
    count = next(iter(lengths.values()), 0)
    if count < least or (most is not None and count > most):
        bound = f"{least} or more" if most is None else str(most) if least == most else f"{least}..{most}"
        raise InputError(f"{what}: {count} rows", expected=f"{bound} rows")
    return count
