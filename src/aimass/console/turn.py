"""Takes turns at what takes long: who waits keeps one of the threads that all requests share, so only a few may."""

from __future__ import annotations

import threading

from aimass.console.refusals import Refusal

AGAIN = 5  # seconds after which to come again


class Turn:
    """`with turn:` lets AT_ONCE work, and WAITING more wait for at most SECONDS; WHAT says why all others may not.

    Raises Refusal (503) for those.
    """

    def __init__(self, what: str, *, at_once: int = 1, waiting: int = 6, seconds: float = 20.0) -> None:
        self.what, self.seconds = what, seconds
        self._room = threading.BoundedSemaphore(at_once + waiting)
        self._work = threading.BoundedSemaphore(at_once)

    def __enter__(self) -> None:
        if not self._room.acquire(blocking=False):
            raise self._refusal()
        if not self._work.acquire(timeout=self.seconds):
            self._room.release()
            raise self._refusal()

    def __exit__(self, *_: object) -> None:
        self._work.release()
        self._room.release()

    def _refusal(self) -> Refusal:
        return Refusal(503, self.what, todo="a moment later again", headers={"retry-after": str(AGAIN)})
