"""Trials of versions that have requests they did not have before: begun by a switch, ended by a verdict.

Knows counts, whoever added them up; who decides goes on from there by the step that is given.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from aimass.serve.metrics import Counts
from aimass.serve.versions.desired import Plan
from aimass.serve.versions.judge import SECONDS, Trial

Step = Callable[[Plan], Plan]

log = logging.getLogger("aimass.serve")


class Trials:
    """COUNTS gives the counts of a version as they grow, None for one that is not loaded; GOAL the seconds it was
    promised for.  A trial takes SECONDS at least."""

    def __init__(
        self, counts: Callable[[str, str], Counts | None], goal: Callable[[str, str], float], seconds: float = SECONDS
    ) -> None:
        self.counts, self.goal, self.seconds = counts, goal, seconds
        self.running: dict[str, Trial] = {}

    def switched(self, name: str, before: Plan, plan: Plan) -> None:
        """NAME is served by PLAN now: put on trial who has requests that it did not have BEFORE."""
        if plan.shares == before.shares and not plan.proved:
            return  # the trial goes on
        self.running.pop(name, None)
        old = plan.stable if len(plan.shares) > 1 else plan.before
        if (len(plan.shares) > 1 or not plan.proved) and old is not None:
            new = list(plan.shares)[-1]
            mine, theirs = self.counts(name, new), self.counts(name, old)
            if mine is not None and theirs is not None:
                self.running[name] = Trial(mine, theirs, self.goal(name, new), self.seconds)

    def look(self, plan: Callable[[str], Plan]) -> Iterator[tuple[str, Step, str]]:
        """End trials that can be ended: the name, the step to go on by from its PLAN, and why."""
        for name, trial in list(self.running.items()):
            verdict = trial.verdict()
            if verdict is None:
                continue
            del self.running[name]
            if verdict:
                log.warning("%s returns to the version before: %s", name, verdict)
                yield name, Plan.rollback, f"returned: {verdict}"
            elif len(plan(name).shares) == 1:
                yield name, Plan.prove, "proved itself"
