"""Which version answers a request: the one it names, or one by shares that add up to 1."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

WHOLE = 1e-9  # how far shares may be from adding up
ASKED = b"x-model-version"  # the field in which a caller names a version, or a label


@dataclass(frozen=True)
class Traffic:
    """SHARES by version, in an order that does not change when they do.  STICKY names the field of a request whose
    value decides: who sends the same gets the same version, and keeps a version whose share grows."""

    shares: tuple[tuple[str, float], ...]
    sticky: str = ""

    def pick(self, field: Callable[[bytes], bytes | None]) -> str:
        """The version for a request whose FIELD gives what its header says."""
        value = field(self.sticky.encode()) if self.sticky else None
        return self.at(random.random() if value is None else place(value))

    def at(self, place: float) -> str:
        """The version at PLACE, 0 to 1."""
        chosen = ""
        for version, share in self.shares:
            if share > 0:
                chosen = version
                place -= share
                if place < 0:
                    break
        return chosen

    def __iter__(self) -> Iterator[str]:
        return (version for version, share in self.shares if share > 0)


def place(value: bytes) -> float:
    """Where VALUE stands between 0 and 1: always the same, and evenly spread."""
    return zlib.crc32(value) / 2**32
