"""The search for a counterfactual: changes of a row, tried through the served model."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from aimass.core.signature import Field
from aimass.engines.base import Tensors
from aimass.explain.asked import Asked
from aimass.explain.game import spread, taken
from aimass.explain.goal import Goal
from aimass.explain.nearness import Nearness, missing

VALUES = 24  # of a column that are tried
BEAM = 12  # rows that are changed further
DONORS = 8  # rows of the background that are stripped
STEPS = 8  # of the way back that a number is tried at

Change = dict[str, Any]  # column -> value


class Search:
    """One row's search: `best` is the nearest to the goal so far, fewest changes first once it is reached."""

    def __init__(
        self,
        asked: Asked,
        goal: Goal,
        immutable: Collection[str],
        most: int,
        background: Tensors,
        random: np.random.Generator,
    ) -> None:
        self.asked, self.goal, self.most, self.random = asked, goal, most, random
        self.fields = {field.name: field for field in asked.signature.rows}
        self.background = {name: np.asarray(background[name]) for name in self.fields}
        self.near = Nearness(background, asked.signature.rows)
        self.free = [field for field in self.near.fields if field.name not in immutable]
        self.best: Change = {}
        self.gap = float(goal.gaps(asked.outputs(asked.own))[0])
        self.rank: tuple[float, ...] = self._rank(self.gap, {})

    def run(self) -> None:
        """Look for it until it is found as small as can be, or the budget ends."""
        if self.free and self.gap > 0:
            self._donors()
            self._beam()
            if self.gap <= 0:
                self._back()

    def _try(self, changes: list[Change]) -> np.ndarray:
        """Gaps of CHANGES [M], as many as there is room for (inf for the rest); keeps the best."""
        fitting = changes[: self.asked.room]
        gaps = np.full(len(changes), np.inf)
        if fitting:
            gaps[: len(fitting)] = self.goal.gaps(self.asked.outputs(self.rows(fitting)))
        order = sorted(range(len(fitting)), key=lambda at: (gaps[at] > 0, len(fitting[at]), gaps[at]))
        for at in order[: 4 * BEAM]:
            rank = self._rank(float(gaps[at]), fitting[at])
            if rank < self.rank:
                self.best, self.gap, self.rank = fitting[at], float(gaps[at]), rank
        return gaps

    def _rank(self, gap: float, change: Change) -> tuple[float, ...]:
        """Smaller is better: reached, fewer columns, nearer to the row and not off the background; else the gap."""
        if gap > 0:
            return 1.0, gap, float(len(change))
        row = self.rows([change])
        off = max(0.0, self.near.nearest(row) - (self.near.usual or 0.0))
        return 0.0, float(len(change)), float(self.near.between(self.asked.own, row)[0]) + off

    def rows(self, changes: list[Change]) -> dict[str, np.ndarray]:
        """The row with each of CHANGES: [M, ...]"""
        rows = taken(self.asked.own, np.zeros(len(changes), int))
        for at, change in enumerate(changes):
            for name, value in change.items():
                rows[name][at] = value
        return rows

    def _donors(self) -> None:
        """Rows of the background that have the answer wanted, nearest first, in all that may change."""
        count = len(next(iter(self.background.values())))
        apart = self.near.between(self.asked.own, self.background)
        order = np.argsort(apart, kind="stable")[: max(DONORS, min(count, self.asked.room // 8))]
        changes = [self._difference(int(row)) for row in order]
        gaps = self._try([change for change in changes if change])
        reached = [change for change, gap in zip(filter(None, changes), gaps, strict=True) if gap <= 0]
        for change in sorted(reached, key=len)[:DONORS]:
            self._strip(change)

    def _difference(self, row: int) -> Change:
        """What of ROW of the background is other than in this row, and known."""
        found = {}
        for field in self.free:
            value = self.background[field.name][row : row + 1]
            if not missing(value)[0] and value[0] != self.asked.own[field.name][0]:
                found[field.name] = value[0]
        return found

    def _strip(self, change: Change) -> None:
        """Give back what is not needed for the answer, one column after the other."""
        while len(change) > 1 and self.asked.room >= len(change):
            fewer = [{n: v for n, v in change.items() if n != name} for name in change]
            gaps = self._try(fewer)
            if gaps.min() > 0:
                return
            change = fewer[int(gaps.argmin())]

    def _beam(self) -> None:
        """One change, then two, ...: each of the likeliest rows changed in one more column."""
        beam: list[Change] = [{}]
        values = {field.name: self._values(field) for field in self.free}
        for depth in range(1, min(self.most, len(self.free)) + 1):
            if self.asked.room < 1 or (self.gap <= 0 and len(self.best) < depth):
                return
            more = [
                {**change, name: value}
                for change in beam for name, found in values.items() if name not in change for value in found
            ]  # fmt: skip
            more = list(_different(more))
            most = max(64, self.asked.room // 2)
            if len(more) > most:
                more = [more[at] for at in np.sort(self.random.choice(len(more), most, replace=False))]
            gaps = self._try(more)
            beam = [more[at] for at in np.argsort(gaps, kind="stable")[:BEAM] if np.isfinite(gaps[at])]

    def _values(self, field: Field) -> list[Any]:
        """Known values of a column other than the row's own, evenly spread over those of the background."""
        found = self.background[field.name]
        found = np.unique(found[~missing(found)])
        if field.dtype == "string":
            found = np.array(sorted({*found.tolist(), *field.values} - {""}), object)
        found = found[found != self.asked.own[field.name][0]]
        return list(found[spread(len(found), VALUES)])

    def _back(self) -> None:
        """Move numbers back towards the row's own values as far as the answer stays."""
        for name in list(self.best):
            own, new = self.asked.own[name], self.best[name]
            if own.dtype.kind not in "fi" or missing(own)[0] or not np.isfinite(float(new)):
                continue
            steps = [_between(own[0], new, step / STEPS, self.fields[name]) for step in range(1, STEPS)]
            steps = [value for value in dict.fromkeys(steps) if value not in (own[0], new)]
            self._try([{**self.best, name: value} for value in steps])


def _different(changes: list[Change]) -> Iterator[Change]:
    """CHANGES without those that were there before, whatever the order of their columns."""
    seen = set()
    for change in changes:
        key = frozenset(change.items())
        if key not in seen:
            seen.add(key)
            yield change


def _between(own: Any, new: Any, share: float, field: Field) -> Any:
    """A SHARE of the way from OWN to NEW, of the column's type; whole where callers send whole numbers."""
    value = float(own) + share * (float(new) - float(own))
    if isinstance(new, np.integer):
        return type(new)(int(value))
    return round(value) * 1.0 if field.sent in ("integer", "boolean") else value
