"""One version of a model that answers, in every protocol."""

from __future__ import annotations

import asyncio
import ctypes
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from aimass.serve.explaining.word import Explains
from aimass.serve.failures import Reader, asking
from aimass.serve.predictor import Served
from aimass.serve.records import Records
from aimass.serve.v1.model import V1
from aimass.serve.v2.model import V2

Route = Callable[[Any], None]

TURN = 0.005  # seconds between looks at what is under way


class Version:
    """SERVED, and how it is spoken to: `asks` read exchanges and `routes` answer them, by what is asked of it.

    EXPLAINED lets an answer of SERVED come with its explanation.
    """

    def __init__(self, served: Served, max_rows: int, max_body: int, explained: Explains) -> None:
        self.served, self.name, self.version = served, served.name, served.version
        explains = partial(explained, served)
        self.v2 = V2(served, max_rows, max_body, explains)
        self.records = Records(served, max_rows, max_body, explains)
        self.v1 = V1(served, max_rows, max_body, explains)
        self.asks: dict[str, Reader] = {
            "infer": self.v2.ask, "predict": self.records.ask, "instances": self.v1.ask,
        }  # fmt: skip
        self.routes: dict[str, Route] = {what: asking(served, ask) for what, ask in self.asks.items()}

    @property
    def busy(self) -> bool:
        """Whether a request is under way."""
        return bool(self.served.batcher.busy or self.served.batcher.waiting)

    async def drained(self) -> None:
        """When what was asked is answered, and its memory given back.  Nobody asks it any more."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self.served.thread, int)  # behind what is still read there
        while self.busy:
            await asyncio.sleep(TURN)
        await asyncio.to_thread(self.served.close)
        await asyncio.to_thread(give_back)


def give_back() -> None:
    """Let the system have memory that is free: glibc keeps it where it lies between pieces that are not."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
