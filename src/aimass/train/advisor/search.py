"""Stage 3: greedy search.  Gains do not multiply (layout, compiler and precision save the same bytes), so after each
adoption the rest is measured again on top of it.

With little time one pass must do: candidates in the order of what they are expected to bring, each adopted at once
when it passes.  With more, a whole round is measured first and the best one adopted.
"""

from __future__ import annotations

from collections.abc import Sequence

from aimass.train.advisor.candidates import Candidate
from aimass.train.advisor.diagnose import expected, touched
from aimass.train.advisor.guard import guard
from aimass.train.advisor.paired import WORTH
from aimass.train.advisor.ratio import Ratio
from aimass.train.advisor.screen import propose, row_of, screen, shares_after, sift, timed
from aimass.train.advisor.session import Ready, Refusal, Session

GENEROUS = 0.4  # share of the searching time that a whole round may take; else one pass must do


class Search:
    """The incumbent and what was adopted to get there, in order."""

    def __init__(self, session: Session, safe: Ready, table: Sequence[Candidate]) -> None:
        self.session, self.safe, self.incumbent = session, safe, safe
        self.table = list(table)
        self.adopted: list[Candidate] = []
        session.rows.update({candidate.name: row_of(candidate) for candidate in self.table})

    def run(self) -> Ready:
        """The plan that is left standing, which still has to be confirmed."""
        exact = [candidate for candidate in self.table if candidate.kind != "A"]
        if self.generous(waiting := self.possible(exact)):
            while (best := self.round(waiting)) and self.room(0):
                waiting = self.possible([candidate for candidate in waiting if candidate is not best])
        else:
            self.one_pass(waiting)
        self.leave_one_out()
        for candidate in self.possible([candidate for candidate in self.table if candidate.kind == "A"]):
            if self.room(candidate.setup):
                propose(self.session, candidate, self.incumbent)
        return self.incumbent

    def possible(self, these: Sequence[Candidate]) -> list[Candidate]:
        """THESE without those that cannot be tried on the incumbent, the most promising first."""
        waiting = []
        for candidate in these:
            why = sift(self.session, candidate, self.incumbent.plan)
            if not why:
                waiting.append(candidate)
            elif self.session.rows[candidate.name].ratio is None:
                self.session.tell([candidate.name], decision="skipped", reason=why)
        return sorted(waiting, key=self.promise, reverse=True)

    def promise(self, candidate: Candidate) -> float:
        return expected(touched(self.session.shares, candidate.touches), candidate.typical)

    def cost(self, candidate: Candidate) -> float:
        return self.session.screening_cost(candidate.setup) + self.session.guard_seconds

    def room(self, setup: float) -> bool:
        """Whether another candidate can be screened, guarded and still confirmed; says what setting up takes."""
        session = self.session
        return session.screening_cost(setup) + session.guard_seconds + session.reserve(self.setup + setup) <= (
            session.left()
        )

    @property
    def setup(self) -> float:
        return self.incumbent.setup - self.safe.setup if self.adopted else 0.0

    def generous(self, waiting: Sequence[Candidate]) -> bool:
        return sum(map(self.cost, waiting)) <= GENEROUS * (self.session.left() - self.session.reserve())

    def one_pass(self, waiting: Sequence[Candidate]) -> None:
        """Each of WAITING once, on top of what was adopted before it; one choice a field."""
        for candidate in waiting:
            taken = {name for other in self.adopted for name in other.changes}
            if self.adopted and taken & candidate.changes.keys():
                reason = f"another {', '.join(taken & candidate.changes.keys())} is adopted, no time to compare the two"
                self.session.tell([candidate.name], reason=reason)
            elif not (why := sift(self.session, candidate, self.incumbent.plan)):
                if self.room(candidate.setup) and (new := screen(self.session, candidate, self.safe, self.incumbent)):
                    self.adopt(candidate, new)
            else:
                self.session.tell([candidate.name], decision="skipped", reason=why)

    def round(self, waiting: Sequence[Candidate]) -> Candidate | None:
        """All of WAITING on the incumbent; the best of those that pass is adopted and returned."""
        best: tuple[Candidate, Ready] | None = None
        for candidate in waiting:
            if not self.room(candidate.setup):
                continue
            new = screen(self.session, candidate, self.safe, self.incumbent)
            if new and (best is None or self.low(candidate) > self.low(best[0])):
                best, old = (candidate, new), best
                self.beaten(old, candidate)
            elif new and best:
                self.beaten((candidate, new), best[0])
        if best:
            self.adopt(*best)
        return best[0] if best else None

    def beaten(self, loser: tuple[Candidate, Ready] | None, winner: Candidate) -> None:
        """LOSER passed, WINNER did better: it has another chance in the next round, on top."""
        if loser:
            self.session.close(loser[1])
            self.session.tell([loser[0].name], reason=f"{winner.name} brings more, no time to try it on top of that")

    def low(self, candidate: Candidate) -> float:
        ratio = self.session.rows[candidate.name].ratio
        return ratio.low if ratio else 0.0

    def adopt(self, candidate: Candidate, new: Ready) -> None:
        """NEW is the incumbent from here on."""
        ratio = self.session.rows[candidate.name].ratio or Ratio(1.0, 0.0, 1.0, 0)
        on_top = f" on top of {', '.join(other.name for other in self.adopted)}" if self.adopted else ""
        self.session.shares = shares_after(self.session.shares, candidate, ratio)
        self.replace(new)
        self.adopted.append(candidate)
        self.session.tell([candidate.name], decision="adopted", reason=f"{ratio}{on_top}")
        self.session.note(f"{candidate.name} adopted: {ratio}{on_top}")

    def replace(self, new: Ready) -> None:
        if self.incumbent is not self.safe:
            self.session.close(self.incumbent)
        self.incumbent = new

    def leave_one_out(self) -> None:
        """Take away, one at a time, what the later ones have made redundant; the last one was measured on top."""
        for candidate in self.adopted[:-1]:
            if len(self.adopted) > 1 and self.room(0):
                self.without(candidate)

    def without(self, candidate: Candidate) -> None:
        """CANDIDATE goes when the incumbent is not worth it without, and the rest still agrees with the safe plan."""
        base = self.session.base
        before = {name: getattr(base, name) for name in candidate.changes}
        try:
            bare = self.session.ready(self.incumbent.plan.having(**before))
        except Refusal:
            return
        ratio = timed(self.session, bare, self.incumbent)
        kind = "P" if bare.plan.precision != base.precision else "E"
        if ratio.pairs and ratio.value < WORTH and self.agrees(kind, bare):
            others = ", ".join(other.name for other in self.adopted if other is not candidate)
            self.adopted.remove(candidate)
            self.replace(bare)
            self.session.tell([candidate.name], decision="refused", reason=f"redundant: {ratio} beside {others}")
        else:
            self.session.close(bare)

    def agrees(self, kind: str, bare: Ready) -> bool:
        try:
            return guard(self.session, kind, self.safe, self.safe, bare)[0]
        except Refusal:
            return False
