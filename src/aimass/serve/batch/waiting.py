"""What waits for one model: bounded in rows and in predicted seconds, and no client before another's turn."""

from __future__ import annotations

from collections import deque

from aimass.serve.batch.base import Ask, Busy


class Waiting:
    """At most BOUND rows.  Clients take turns when there are several; requests of one stay in their order."""

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.rows = 0
        self.lines: dict[str, deque[Ask]] = {}  # by client, in the order of their turns

    def __bool__(self) -> bool:
        return self.rows > 0

    def add(self, ask: Ask, seconds: float, most: float) -> None:
        """Let ASK wait, where SECONDS of work wait already and MOST may.  Raises Busy."""
        if self.rows + ask.rows > self.bound and self.rows:
            raise Busy(f"{self.rows} rows wait already, and {self.bound} may", max(seconds, 0.001))
        if most and seconds > most:
            raise Busy(f"the answer would take {seconds:.3g} s, and {most:.3g} s are left for it", seconds - most)
        self.rows += ask.rows
        line = self.lines.get(ask.key)
        if line is None:
            self.lines[ask.key] = deque((ask,))
        else:
            line.append(ask)

    def take(self, most: int) -> list[Ask]:
        """The next requests, of at most MOST rows together; one at least if any waits."""
        lines = self.lines
        if len(lines) == 1:
            (key,) = lines
            taken, rows = _front(lines[key], most)
            if not lines[key]:
                del lines[key]
        else:
            taken, rows = self._in_turns(most)
        self.rows -= rows
        return taken

    def _in_turns(self, most: int) -> tuple[list[Ask], int]:
        """A request of each client, round after round; who had the last turn is last in the next call."""
        taken: list[Ask] = []
        rows = 0
        while self.lines:
            key = next(iter(self.lines))
            line = self.lines[key]
            if taken and rows + line[0].rows > most:
                break
            taken.append(line.popleft())
            rows += taken[-1].rows
            del self.lines[key]
            if line:
                self.lines[key] = line  # to the end
        return taken, rows


def _front(line: deque[Ask], most: int) -> tuple[list[Ask], int]:
    taken, rows = [line.popleft()], 0
    rows = taken[0].rows
    while line and rows + line[0].rows <= most:
        taken.append(line.popleft())
        rows += taken[-1].rows
    return taken, rows
