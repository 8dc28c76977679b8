"""What would have to be different: the fewest changes of a row that give another answer.

The served model itself is searched: rows of the background that have the answer are stripped of what is not needed,
and changes are tried one by one, then two by two.  Always answers: with the best so far, and whether it was found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from aimass.core.errors import unknown
from aimass.core.part import Settings, knob
from aimass.core.signature import Signature
from aimass.engines.base import Predictor, Tensors
from aimass.explain.asked import Asked, check_columns
from aimass.explain.base import Budget, short
from aimass.explain.changes import Search
from aimass.explain.goal import goal_of
from aimass.explain.sent import record, sent


class Wanted(Settings):
    """Another answer, and what may not change for it."""

    target: str = knob("", help="the class wanted; empty: the likeliest other one")
    low: float | None = knob(None, help="of a value: at least this")
    high: float | None = knob(None, help="of a value: at most this")
    immutable: tuple[str, ...] = knob((), help="columns that stay as they are")
    changes: int = knob(5, 1, 100, help="columns changed at most")


@dataclass(frozen=True)
class Counterfactual:
    """The nearest row that was found; its answer is the one wanted if FOUND, else the nearest to it."""

    found: bool
    target: str
    changes: tuple[tuple[str, Any, Any], ...]  # column, value before, value after, as callers send them
    record: dict[str, Any]
    before: dict[str, Any]  # the model's answer
    after: dict[str, Any]
    distance: float  # sum over columns; 1 is as far as two rows usually are apart in one
    nearest: float  # distance to the nearest row of the background
    plausible: bool | None  # whether rows of the background are as far from their nearest one
    evaluations: int
    elapsed: float
    warnings: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        changes = [{"name": name, "from": old, "to": new} for name, old, new in self.changes]
        told = {name: getattr(self, name) for name in ("found", "target", "record", "before", "after")}
        figures = {"distance": short(self.distance), "nearest": short(self.nearest), "plausible": self.plausible}
        spent = {"evaluations": self.evaluations, "elapsed_ms": round(1000 * self.elapsed, 3)}
        return {**told, "changes": changes, **figures, **spent, "warnings": list(self.warnings)}


def counterfactual(
    predict: Predictor,
    columns: Tensors,
    signature: Signature,
    background: Tensors,
    *,
    wanted: Wanted = Wanted(),
    budget: Budget = Budget(seconds=0.5),
    seed: int = 0,
) -> Counterfactual:
    """The fewest, then smallest changes of the one row COLUMNS after which PREDICT gives the answer WANTED.

    New values are those of BACKGROUND, numbers also between them and the row's own; texts and images stay.  The same
    SEED gives the same answer as long as the clock does not end it.  Raises InputError for a class or a column the
    model does not know, and for a value without bounds.
    """
    check_columns(background, signature.rows, "the background", least=1)
    names = [field.name for field in signature.rows]
    for name in wanted.immutable:
        if name not in names:
            raise unknown("column", name, names, key="immutable")
    asked = Asked(predict, columns, signature, "", budget)
    goal = goal_of(signature, asked, wanted.target, wanted.low, wanted.high)
    search = Search(asked, goal, wanted.immutable, wanted.changes, background, np.random.default_rng(seed))
    search.run()
    return _told(search)


def _told(search: Search) -> Counterfactual:
    asked = search.asked
    after = search.rows([search.best])
    outputs = asked.outputs({name: np.concatenate([asked.own[name], after[name]]) for name in search.fields})
    nearest, usual = search.near.nearest(after), search.near.usual
    return Counterfactual(
        found=search.gap <= 0,
        target=search.goal.name,
        changes=tuple(
            (name, sent(asked.own[name][0], search.fields[name]), sent(after[name][0], search.fields[name]))
            for name in search.fields if name in search.best
        ),
        record=record(after, 0, asked.signature.rows),
        before=search.goal.answer(outputs, 0),
        after=search.goal.answer(outputs, 1),
        distance=float(search.near.between(asked.own, after)[0]),
        nearest=nearest,
        plausible=None if usual is None else nearest <= usual,
        evaluations=asked.evaluations,
        elapsed=asked.elapsed,
        warnings=tuple(_warnings(search)),
    )  # fmt: skip


def _warnings(search: Search) -> Iterator[str]:
    if not search.free:
        yield "no column may change: texts and images stay, and so do those that were named"
    elif search.gap > 0:
        yield "not found: this is the nearest to it so far" + ("; the budget ended" if search.asked.room < 1 else "")
    elif not search.best:
        yield f"the model gives this answer already: {search.goal.name}"
    elif len(search.best) > search.most:
        yield f"nothing was found with {search.most} changes or fewer"
