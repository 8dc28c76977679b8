"""How far an archive is on its way."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]  # WHAT is counted ("bytes"), how many are DONE, OF how many


def unheard(what: str, done: int, of: int) -> None:
    """For whom nobody waits."""


class Bytes:
    """Counts bytes up to OF, which TELL hears; what was not foreseen counts no more."""

    def __init__(self, tell: Progress, of: int) -> None:
        self.tell, self.of, self.done = tell, of, 0

    def __call__(self, more: int) -> None:
        self.done = min(self.done + more, self.of)
        self.tell("bytes", self.done, self.of)
