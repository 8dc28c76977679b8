"""A cascade: a quick member answers where it is sure, a better one the rest (Bolukbasi et al. 2017)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.ensemble.base import CLASSES, Fusion, Members
from aimass.ensemble.scored import Scored
from aimass.measure.base import Metric

if TYPE_CHECKING:
    from aimass.ensemble.joint import Joint

STEPS = 50  # thresholds that are tried, at even shares of the rows


class Cascade(Fusion):
    """`first` answers where its top probability reaches a threshold; `last` is run for the other rows alone."""

    tasks: ClassVar[tuple[str, ...]] = CLASSES
    first: str = knob("", help="the member that is asked about every row: the quick one")
    last: str = knob("", help="the member that is asked where the first is not sure")
    threshold: float = knob(0.0, 0.0, 1.0, help="0: the lowest that keeps `loss` on validation rows")
    loss: float = knob(0.005, 0.0, help="of the metric, below the last member: the interval must stay above")
    metric: Metric | None = knob(None, help="what may be lost; the usual one of the task if none")

    def fuse(self, members: Members, joint: Joint) -> tuple[str, dict[str, Any]]:
        self._check(members)
        found = {"threshold": self.threshold} if self.threshold else self._found(members)
        first = joint.answer(self.first)
        top = joint.add("ReduceMax", [first, joint.constant(np.array([1], np.int64))], keepdims=0)
        unsure = joint.add("Less", [top, joint.constant(np.array(found["threshold"], np.float32))])
        return joint.instead(first, self.last, unsure), found

    def _check(self, members: Members) -> None:
        members.check(self.first, key="how.first")
        members.check(self.last, key="how.last")
        if {self.first, self.last} != set(members.models) or self.first == self.last:
            raise InputError(
                f"a cascade has two members, got {', '.join(members.models)}",
                expected="a first and a last, and no other",
                todo='how = { use = "cascade", first = "quick", last = "good" }',
                key="how",
            )

    def _found(self, members: Members) -> dict[str, Any]:
        """The threshold, the share of validation rows that `first` answers with it, and what they lose."""
        scored, answers = Scored.of(members, self.metric), members.answered[1]
        found = threshold_for(answers[self.first], answers[self.last], scored, self.loss)
        if found is None:
            raise InputError(
                f"no threshold surely keeps the loss of {self.first} within {self.loss:g} on validation rows",
                expected=f"some rows that {self.first} answers as well as {self.last}",
                todo="allow more loss, give the threshold, or use the last member alone",
                key="how.loss",
            )
        return found


def threshold_for(first: np.ndarray, last: np.ndarray, scored: Scored, loss: float) -> dict[str, Any] | None:
    """The lowest threshold on the top probability of FIRST [N, K] above which none loses more than LOSS surely.

    From the highest on down, so that one lucky low threshold does not count; None where the highest already loses.
    """
    top, found = first.max(axis=1), None
    for threshold in np.unique(np.quantile(top, np.linspace(0, 1, STEPS + 1), method="higher"))[::-1]:
        sure = top >= threshold
        gain = scored.difference(np.where(sure[:, None], first, last), last)
        if gain.low is None or gain.low < -loss:
            break
        found = {"threshold": float(threshold), "first_answers": float(sure.mean()), "gain": gain.as_json()}
    return found
