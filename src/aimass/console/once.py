"""What took long to find and stays as it is: found once, also when many ask for it at the same moment."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Any

from aimass.console.refusals import Refusal
from aimass.console.turn import AGAIN


class Once:
    """The last MOST answers, by key.  What is raised instead is told to all who wait, and not kept.

    Who waits keeps one of the threads that all requests share, so WAITING may; others hear WHAT, as Refusal (503).
    """

    def __init__(self, most: int, what: str, waiting: int = 6) -> None:
        self.most, self.what = most, what
        self._room = BoundedSemaphore(waiting)
        self._known: OrderedDict[Hashable, Future[Any]] = OrderedDict()
        self._lock = Lock()

    def __call__(self, key: Hashable, find: Callable[[], Any], stays: Callable[[Any], bool] = lambda _: True) -> Any:
        """What FIND found for KEY, now or before; kept where it STAYS so."""
        with self._lock:
            known = self._known.get(key)
            if known is None:
                mine = self._known[key] = Future[Any]()
                while len(self._known) > self.most:
                    self._known.popitem(last=False)
            else:
                self._known.move_to_end(key)
        if known is not None:
            return self._awaited(known)
        keep = False
        try:
            mine.set_result(found := find())
            keep = stays(found)
        except BaseException as error:
            if not mine.done():
                mine.set_exception(error)
            raise
        finally:
            if not keep:
                self._forget(key, mine)
        return found

    def _awaited(self, known: Future[Any]) -> Any:
        if known.done():
            return known.result()
        if not self._room.acquire(blocking=False):
            raise Refusal(503, self.what, todo="a moment later again", headers={"retry-after": str(AGAIN)})
        try:
            return known.result()
        finally:
            self._room.release()

    def _forget(self, key: Hashable, mine: Future[Any]) -> None:
        with self._lock:
            if self._known.get(key) is mine:
                del self._known[key]


def same(path: Path) -> tuple[int, int, int, int]:
    """What tells the file at PATH from any other, also when it is renamed: as long as it is the same, so are the bytes.

    Raises OSError.
    """
    facts = path.stat()
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns


def still(path: Path, before: tuple[int, int, int, int]) -> bool:
    """Whether the file at PATH is the one that `same` told of BEFORE."""
    try:
        return same(path) == before
    except FileNotFoundError:
        return False
