"""What is explained, for whoever asks: at once, or as a job.  Two processes: short ones wait for no long one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from aimass.serve.access.scopes import check_scope
from aimass.serve.explaining.asked import LIMITS, Rows, Wish, question
from aimass.serve.explaining.jobs import MOST, Jobs
from aimass.serve.explaining.pool import Pool
from aimass.serve.explaining.prefer import LATER
from aimass.serve.explaining.word import WORD
from aimass.serve.messages import Answer, json_answer
from aimass.serve.predictor import Served
from aimass.serve.records import check_rows

APPLIED = (b"preference-applied", LATER.encode())


class Explanations:
    """Of all models of a process."""

    def __init__(self) -> None:
        self.short, self.long, self.jobs = Pool(), Pool(MOST), Jobs()

    def admit(self, client: Any, rows: int) -> None:
        """CLIENT (None: no keys are asked for) asks about ROWS.  Raises Refused, or Spent."""
        check_rows(rows, LIMITS.rows)
        if client is not None:
            check_scope(client.key.scopes, WORD)
            client.check(rows)
            client.take(rows)

    def wish(self, said: Any, prefer: bytes | None) -> Wish:
        """How it is to be explained: as SAID, and as the field PREFER asks for.  Raises Refused or InputError."""
        return Wish.of(said, prefer)

    async def answer(
        self, served: Served, rows: Rows, wish: Wish, *, client: Any,
        more: Mapping[str, Any] | None = None, gone: Callable[[], bool] = lambda: False,
    ) -> Answer:  # fmt: skip
        """What SERVED says of ROWS is explained as WISH says; MORE stands beside it.  Raises Refused or Busy.

        A 202 names the job, where CLIENT would rather have one, and where no request lasts as long as it takes.
        """
        asked, told = question(served, rows, wish), {"model": served.label, **(more or {})}
        if not wish.is_job:
            return await _made(self.short, asked, wish.seconds, told, gone)
        job = self.jobs.begin(
            partial(_made, self.long, asked, wish.seconds, told), owner=client.id if client is not None else "",
            model=served.name, size=len(asked), seconds=wish.seconds,
        )  # fmt: skip
        if wish.waits:
            await asyncio.wait({job.task}, timeout=wish.waits)
        answer = job.told()
        if job.answer is not None:
            self.jobs.forget(job)
        elif wish.rather.later:
            answer.headers += (APPLIED,)
        return answer

    def close(self) -> None:
        self.jobs.close()
        self.short.close()
        self.long.close()


async def _made(
    pool: Pool, asked: bytes, seconds: float, told: Mapping[str, Any],
    gone: Callable[[], bool] = lambda: False,
) -> Answer:  # fmt: skip
    return json_answer({**told, **await pool.ask(asked, seconds, gone)})
