"""When a host failed: how long to wait before it is started again, and when it is not."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

FIRST, LONGEST = 0.05, 30.0  # seconds before a start: doubled with each failure in the window


class Failures:
    """Failures within WINDOW seconds of the CLOCK; with MOST of them a host is put in quarantine."""

    def __init__(self, most: int, window: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.most, self.window, self.clock = most, window, clock
        self.times: deque[float] = deque(maxlen=most)
        self.last = ""

    def add(self, why: str) -> float | None:
        """The host failed because of WHY: seconds until it may start again, None when it may not."""
        self.last = why
        self.times.append(self.clock())
        count = self.count()
        return None if count >= self.most else min(FIRST * 2 ** (count - 1), LONGEST)

    def count(self) -> int:
        """Failures within the window."""
        since = self.clock() - self.window
        return sum(at >= since for at in self.times)
