"""Whether a run still goes as fast as it did, and as measured: seen at the look-ups of the loop, never in a step.

The promise is the run's own first settled looks, less what the advisor's interval leaves open: it measured the plan
to be between LOW and HIGH times as fast as the safe one, RATIO at best guess, so RATIO / LOW times the seconds of a
step are still what was promised.  Advice itself says no seconds: another moment of the machine has others.
"""

from __future__ import annotations

import sys
from statistics import median

from aimass.train.plan import Plan

WARM_UP = 3  # looks: caches, compilers, the first checkpoint
SETTLED = 10  # looks that say what a step takes, and how much that varies
# So many looks in a row, each slower than the slowest of the settled ones: looks that differ by chance alone, however
# they are distributed, do so once in C(20, 10) = 184,756 times.  An hour has 3,600.
IN_A_ROW = 10


class Drift:
    """Compares the seconds of a step in a run by PLAN, look by look.

    limit   seconds of a step that are still as promised     usual  the median at first     told  that steps are slower
    beyond  looks in a row that speak against what was told: above the limit, or back below it
    """

    def __init__(self, plan: Plan) -> None:
        measured = [origin for origin in plan.origins.values() if origin.kind == "measured" and origin.low]
        self.ratio, low = max(((o.ratio or 1.0, o.low or 1.0) for o in measured), default=(1.0, 1.0))
        self.open = self.ratio / low
        self.settled: list[float] = []
        self.limit, self.usual = 0.0, 0.0
        self.beyond: list[float] = []
        self.told = self.told_graphs = False
        self._warm_up, self._graphs, self._first = WARM_UP, -1, -1

    def look(self, seconds: float, epoch: int) -> list[str]:
        """What to say after a look in which a step took so many SECONDS; the running EPOCH counts from 0."""
        return [line for line in (self._slower(seconds), self._recompiled(epoch)) if line]

    def _slower(self, seconds: float) -> str:
        """Once when steps have become slower; again only after they were as quick as ever."""
        if self._warm_up:
            self._warm_up -= 1
            return ""
        if len(self.settled) < SETTLED:
            self.settled.append(seconds)
            self.usual = median(self.settled)
            self.limit = max(max(self.settled), self.usual * self.open)
            return ""
        self.beyond = [*self.beyond, seconds] if (seconds > self.limit) != self.told else []
        if len(self.beyond) < IN_A_ROW:
            return ""
        now, self.beyond, self.told = median(self.beyond), [], not self.told
        gained = f"; accelerations had made it {self.ratio:.2f} times as fast" if self.ratio > 1 else ""
        return self.told * (
            f"a step takes {now:.3g} s by now, {now / self.usual - 1:.0%} more than the "
            f"{self.usual:.3g} s at first{gained}: see what else runs here; `aimass advise --anew` measures again"
        )

    def _recompiled(self, epoch: int) -> str:
        """Once: whatever torch has to compile, it has in the first epoch of a process, which shows it every shape."""
        dynamo = sys.modules.get("torch._dynamo.utils")
        if self._first < 0:
            self._first = epoch
        if dynamo is None or epoch <= self._first or self.told_graphs:
            return ""
        graphs = int(dynamo.counters["stats"]["unique_graphs"])
        fresh, self._graphs = (graphs - self._graphs if self._graphs >= 0 else 0), graphs
        self.told_graphs = fresh > 0
        return self.told_graphs * (
            f"torch compiled {fresh} more graphs in epoch {epoch + 1}, and steps waited for each: give the network "
            'the same shapes and types in every step, or train with compile = "none" (`aimass advise`: at what cost)'
        )
