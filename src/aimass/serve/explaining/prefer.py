"""What a caller would rather have, in the field `prefer` of its request (RFC 7240); nobody has to follow it.

What cannot be understood is as if it had not been said, as the RFC asks.
"""

from __future__ import annotations

from typing import NamedTuple

LATER = "respond-async"


class Preferred(NamedTuple):
    """LATER: rather a place to ask again than an answer that takes longer than WAIT seconds."""

    later: bool = False
    wait: int = 0


def preferred(said: bytes | None, most: int) -> Preferred:
    """What is SAID; a request waits MOST seconds at most."""
    words: dict[str, str] = {}
    for text in (said or b"").decode("latin-1").split(","):
        name, _, value = text.partition(";")[0].partition("=")
        words.setdefault(name.strip().lower(), value.strip().strip('"'))  # of two that say the same the first counts
    wait = words.get("wait", "")
    seconds = min(int(wait[:9]), most) if wait.isascii() and wait.isdigit() else 0
    return Preferred(LATER in words, seconds)
