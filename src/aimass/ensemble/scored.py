"""A metric on validation rows in which more is always better, and what one answer gains over another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aimass.ensemble.base import Members
from aimass.measure.base import Figure, Metric, check_task, default_metric


@dataclass(frozen=True)
class Scored:
    """METRIC of answers [N, K] or [N] to the validation rows of MEMBERS."""

    members: Members
    metric: Metric

    @classmethod
    def of(cls, members: Members, metric: Metric | None) -> Scored:
        """By METRIC, or the usual one of the task.  Raises InputError when it cannot score the task."""
        task = members.signature.task
        chosen: Metric = metric or Metric.from_settings(default_metric(task))
        check_task(chosen, task)
        return cls(members, chosen)

    def gain(self, answer: np.ndarray) -> float:
        """The metric of ANSWER; less it, where less is better."""
        value = self.metric.value(self.members.answered[0], self.members.as_answer(answer), self.members.signature)
        return value if self.metric.better == "higher" else -value

    def difference(self, answer: np.ndarray, other: np.ndarray) -> Figure:
        """What ANSWER gains over OTHER, with a paired interval."""
        from aimass.measure.quality import difference

        mine, theirs = self.members.as_answer(answer), self.members.as_answer(other)
        if self.metric.better == "lower":
            mine, theirs = theirs, mine
        return difference(self.metric, self.members.answered[0], mine, theirs, self.members.signature)
