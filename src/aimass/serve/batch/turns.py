"""One event loop for several models: what their calls take of a turn of it, together, is bounded.

A call is made on the loop where that is quicker than handing it to a thread, which holds for one model.  Of many, each
would hold up all others for as long as that: a turn of ten models would take ten times as long.
"""

from __future__ import annotations

import asyncio

INLINE = 0.0004  # seconds: a call shorter than this costs less than handing it to another thread
HOP = 0.00006  # what that costs everybody else; shorter calls are made on the loop whatever the others took


class Turn:
    """SPENT are the seconds of calls on the loop in the turn that is under way."""

    __slots__ = ("spent",)

    def __init__(self) -> None:
        self.spent = 0.0

    def has_room(self, seconds: float, most: float = INLINE) -> bool:
        """Whether a call of so many SECONDS may still be made on the loop, where a turn may take MOST."""
        return seconds <= HOP or seconds <= most - self.spent

    def took(self, seconds: float) -> None:
        """A call on the loop took SECONDS, answers included; one of no more than HOP is not worth another turn."""
        if seconds <= HOP:
            return
        if not self.spent:
            asyncio.get_running_loop().call_soon(self._over)
        self.spent += seconds

    def _over(self) -> None:
        self.spent = 0.0
