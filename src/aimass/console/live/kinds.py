"""All topics that there are: what they are called, who may listen, how often is looked."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from aimass.console.endpoints.ring import Ring
from aimass.console.live import marks
from aimass.console.live.feed import Feed, Looks
from aimass.console.live.source import Source
from aimass.runner.workspace import Workspace

NUMBER = r"[1-9][0-9]{0,17}"


class Kind(NamedTuple):
    """Topics whose names fit PATTERN, for those who hold the permission NEEDS; FEED keeps their news coming."""

    pattern: re.Pattern[str]
    needs: str
    feed: Feed


def kinds_of(space: Workspace, ring: Ring) -> list[Kind]:
    """Of the console of SPACE; RING has the figures of its endpoints.  The first is that of runs."""

    def kind(pattern: str, needs: str, every: float, begin: Callable[[], Looks]) -> Kind:
        return Kind(re.compile(pattern), needs, Feed(begin, every))

    def marked(pattern: str, needs: str, every: float, make: Callable[[Workspace], marks.Mark]) -> Kind:
        return kind(pattern, needs, every, partial(marks.Marks, marks.within(space, make)))

    return [
        kind(rf"runs|run/{NUMBER}", "runs.see", 0.1, partial(Source, space.catalog)),
        marked(rf"jobs|job/{NUMBER}", "jobs.see", 0.3, marks.of_jobs),
        marked("endpoints", "endpoints.see", 1.0, partial(marks.of_endpoints, ring=ring)),
        marked("log", "log.see", 1.0, marks.of_logs),
        marked("home", "home.see", 5.0, partial(marks.of_home, ring=ring)),
    ]
