"""What was worked out once for a text or a shape, and is looked up when it comes again."""

from __future__ import annotations

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Known(dict[K, V]):
    """At most MOST things.  What is one too many makes room by forgetting all: who repeats is known again at once."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def keep(self, key: K, value: V) -> V:
        """Remember VALUE as KEY."""
        if len(self) >= self.most:
            self.clear()
        self[key] = value
        return value
