"""How often somebody may try to sign in.  Kept in memory: who restarts the console is no stranger.

An attempt counts before its password is looked at, so a hundred at once are no way around it.  Of each count one number
is kept, the moment at which it is forgotten (the generic cell rate algorithm, ITU-T I.371, annex A).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

MOST = 10_000  # counts

# (tries at once, seconds until the next) of a name from an address, of a name, of an address
PAIR, NAME, ADDRESS = (5, 30.0), (30, 30.0), (30, 5.0)


class Attempts:
    """Counts by name, by address and by both, so that a stranger can neither guess long nor lock others out cheaply."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.pair = PAIR
        self.ends: dict[tuple[str, ...], float] = {}
        self._lock = threading.Lock()

    def take(self, name: str, address: str) -> float:
        """Seconds until NAME may be tried from ADDRESS; 0 when it may be now, and the attempt is counted."""
        with self._lock:
            now = self.clock()
            limits = self._limits(name, address)
            wait = max(self.ends.get(key, now) - now - (size - 1) * each for key, size, each in limits)
            if wait > 0:
                return wait
            for key, _, each in limits:
                self.ends[key] = max(self.ends.get(key, now), now) + each
            if len(self.ends) > MOST:
                self._forget(now)
            return 0.0

    def succeeded(self, name: str, address: str) -> None:
        """The attempt was good: it does not count."""
        with self._lock:
            for key, _, each in self._limits(name, address):
                if key in self.ends:
                    self.ends[key] -= each

    def _forget(self, now: float) -> None:
        """Drop what is over, or, where little is, those that are over soonest."""
        left = {key: end for key, end in self.ends.items() if end > now}
        late = sorted(left, key=lambda key: left[key])[-MOST // 2 :]
        self.ends = left if len(left) < MOST else {key: left[key] for key in late}

    def _limits(self, name: str, address: str) -> list[tuple[tuple[str, ...], int, float]]:
        name = name[:64]
        return [(("pair", name, address), *self.pair), (("name", name), *NAME), (("address", address), *ADDRESS)]
