"""News of one topic, numbered, and kept for a while: who was away asks for what came since, and gets nothing twice."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import orjson

MOST = 2000  # messages that are kept
LARGEST = 4 << 20  # letters of them


class Topic:
    """Of what NAME says; behind a space stands to whom.

    Numbers begin at the time in milliseconds, so no start repeats those of another.
    """

    def __init__(self, name: str) -> None:
        self.name, self.n = name.partition(" ")[0], time.time_ns() // 1_000_000
        self.kept: deque[str] = deque()  # numbered without a gap, the last one N
        self.size = 0
        self.watchers, self.left = 0, time.monotonic()

    def tell(self, data: Any) -> None:
        """The next message is DATA."""
        self.n += 1
        text = self.message(data)
        self.kept.append(text)
        self.size += len(text)
        while len(self.kept) > MOST or self.size > LARGEST:
            self.size -= len(self.kept.popleft())

    def lose(self) -> None:
        """Something was missed: whoever watches is to load again."""
        self.n = max(self.n + 1, time.time_ns() // 1_000_000)
        self.kept.clear()
        self.size = 0

    def since(self, n: int) -> list[str] | None:
        """The messages after number N, oldest first; None where they are not all there (any more)."""
        missed = self.n - n
        return [self.kept[at] for at in range(-missed, 0)] if 0 <= missed <= len(self.kept) else None

    def message(self, data: Any) -> str:
        """DATA under the number of today, as a page reads it."""
        return orjson.dumps({"topic": self.name, "n": self.n, "data": data}).decode()

    def reset(self) -> str:
        """What tells a page to ask for everything again, and go on from here."""
        return orjson.dumps({"topic": self.name, "reset": True, "n": self.n}).decode()
