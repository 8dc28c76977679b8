"""What all workers counted together: of those that are, and of those that were.

Counters never go back: what a worker had told when it died stays counted.  A worker that is asked and does not answer
counts as it last did.
"""

from __future__ import annotations

from typing import Any

from aimass.serve.metrics import Counts
from aimass.serve.observe.vitals import Facts
from aimass.serve.seen import Key, Seen


class Sums:
    """Of workers by their process ids."""

    def __init__(self) -> None:
        self.last: dict[int, Seen] = {}  # what each has told last
        self.known: dict[int, dict[Key, Counts]] = {}  # of each version that it ever told of
        self.past: dict[Key, Counts] = {}  # of workers that are no more
        self.facts = Facts()  # the same: what only grows of it
        self.live: dict[Key, Counts] = {}  # sums for those who hold on to one

    def told(self, worker: int, facts: dict[str, Any]) -> None:
        """WORKER reports."""
        seen = self.last[worker] = Seen.from_json(facts)
        self.known.setdefault(worker, {}).update(seen.counts)
        for key in self.live.keys() & seen.counts.keys():
            self._refresh(key)

    def died(self, worker: int) -> None:
        """WORKER will report no more; what it counted stays."""
        for key, counts in self.known.pop(worker, {}).items():
            self.past.setdefault(key, Counts(*key)).merge(counts)
        last = self.last.pop(worker, None)
        if last is not None:
            grown = last.facts
            self.facts.merge(Facts(lags=grown.lags, lag_seconds=grown.lag_seconds, cpu_seconds=grown.cpu_seconds))

    def of(self, name: str, version: str) -> Counts:
        """The counts of a version, which grow with the reports."""
        key = (name, version)
        self.live.setdefault(key, Counts(*key))
        return self._refresh(key)

    def goal(self, name: str, version: str) -> float:
        """Seconds that were promised for a version, 0 for no promise."""
        return next((seen.goals[name, version] for seen in self.last.values() if (name, version) in seen.goals), 0.0)

    def all(self, own: Facts) -> Seen:
        """Everything together; OWN are the facts of who adds up."""
        found = Seen(facts=Facts.from_json(own.as_json()))
        found.facts.merge(Facts.from_json(self.facts.as_json()))
        for seen in self.last.values():
            found.merge(seen)
        keys = dict.fromkeys(key for seen in self.last.values() for key in seen.counts)
        found.counts = {key: self._sum(key) for key in keys}
        return found

    def _sum(self, key: Key) -> Counts:
        found = Counts(*key)
        for counts in (self.past.get(key), *(known.get(key) for known in self.known.values())):
            if counts is not None:
                found.merge(counts)
        return found

    def _refresh(self, key: Key) -> Counts:
        found = self.live[key]
        vars(found).update(vars(self._sum(key)))
        return found
