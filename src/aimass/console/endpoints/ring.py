"""The last hour of what was served, in memory: every few seconds what was counted since the look before.

The server itself keeps sums from its start on.  Looks go on whether anybody watches or not, so that the hour is there
when somebody comes because something went wrong; one look is a request over the loopback.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aimass.console.beside import asked
from aimass.console.endpoints.figures import Counted, Key, counted, told
from aimass.console.refusals import Refusal
from aimass.runner.workspace import Workspace

log = logging.getLogger("aimass.console")
EVERY = 5.0  # seconds between looks
HOUR = 3600.0
LATELY = 300.0  # seconds that "now" means in figures

Text = Callable[[], str]


def metrics_of(space: Workspace) -> str:
    """What the server of SPACE has counted.  Raises Refusal."""
    answer = asked(space, "GET", "/metrics")
    if not answer.good:
        raise Refusal(503, answer.why())
    return answer.body.decode()


@dataclass(frozen=True)
class Look:
    """At TIME (seconds since 1970), what came in the SECONDS before, by version."""

    time: float
    seconds: float
    news: dict[Key, Counted] = field(default_factory=dict)


class Ring:
    """What METRICS told, look by look, for an hour."""

    def __init__(self, metrics: Text, clock: Callable[[], float] = time.time, every: float = EVERY) -> None:
        self.metrics, self.clock, self.every = metrics, clock, every
        self.looks: deque[Look] = deque(maxlen=int(HOUR / every))
        self.before: dict[Key, Counted] | None = None
        self.at = 0.0  # of the last look
        self.over, self._turn = threading.Event(), threading.Lock()
        self.then: Callable[[], None] = lambda: None  # what is done after each look

    def look(self) -> None:
        """Count on; a server that cannot be asked leaves a gap."""
        with self._turn:
            self._look()

    def _look(self) -> None:
        try:
            now = counted(self.metrics())
        except Refusal:
            return
        at = self.clock()
        if self.before is not None:
            nothing = Counted()
            news = {key: found.since(self.before.get(key, nothing)) for key, found in now.items()}
            news = {key: found for key, found in news.items() if found.answers}
            self.looks.append(Look(at, at - self.at, news))
        self.before = {**(self.before or {}), **now}  # a version that was unloaded comes again with all it had counted
        self.at = at

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look again and again, in a thread of its own."""
        self.over.clear()
        thread = threading.Thread(target=self._follow, daemon=True, name="figures of endpoints")
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            thread.join(self.every)

    def _follow(self) -> None:
        while not self.over.is_set():
            try:
                self.look()
                self.then()
            except Exception:  # one strange answer is no reason to stop looking
                log.exception("the figures of endpoints were not read")
            self.over.wait(self.every)

    def between(self, begin: float, end: float, name: str = "") -> Counted | None:
        """What NAME (all) answered from BEGIN to END, seconds since 1970; None where nobody looked."""
        looks = [look for look in tuple(self.looks) if begin < look.time <= end]
        whole = Counted()
        for found in (found for look in looks for key, found in look.news.items() if name in ("", key[0])):
            whole.add(found)
        return whole if looks else None

    # -- what is told ---------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Who was asked of late."""
        return sorted({key[0] for look in self._since(self.clock() - LATELY) for key in look.news})

    def figures(self, name: str, version: str | None = None, seconds: float = LATELY) -> dict[str, Any]:
        """Of NAME, or of one VERSION of it, over the last SECONDS or as long as was looked."""
        looks = self._since(self.clock() - seconds)
        return told(_of(looks, name, version), sum(look.seconds for look in looks))

    def series(self, name: str, seconds: float, points: int) -> dict[str, list[list[float | None]]]:
        """NAME over the last SECONDS in at most so many POINTS, by version and, under "", of all.

        Each is time, answers a second, p50, p95 and p99 in milliseconds, share of faults.
        """
        looks = self._since(self.clock() - seconds)
        step = max(self.every, seconds / points)
        spans: dict[int, list[Look]] = {}
        for look in looks:
            spans.setdefault(int(look.time / step), []).append(look)
        versions = sorted({key[1] for look in looks for key in look.news if key[0] == name})
        return {
            version: [_point(span, name, version or None) for span in spans.values()] for version in ("", *versions)
        }

    def _since(self, time: float) -> list[Look]:
        return [look for look in tuple(self.looks) if look.time > time]


def _of(looks: list[Look], name: str, version: str | None) -> list[Counted]:
    return [found for look in looks for key, found in look.news.items()
            if key[0] == name and version in (None, key[1])]  # fmt: skip


def _point(span: list[Look], name: str, version: str | None) -> list[float | None]:
    facts = told(_of(span, name, version), sum(look.seconds for look in span))
    names = ("per_second", "p50_ms", "p95_ms", "p99_ms", "error_share")
    return [round(span[-1].time, 3), *(facts[key] for key in names)]
