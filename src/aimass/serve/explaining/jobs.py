"""Explanations that outlast their requests: kept by an id, asked for again, gone after a while.

Kept in memory, by the process that makes them: they end with it.  A job is its owner's; for others it is not there.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Coroutine
from typing import Any

from aimass.serve.batch.base import Busy
from aimass.serve.failures import meaning
from aimass.serve.messages import Answer, Refused, json_answer

PLACE = "/v1/explain/jobs"
MOST, EACH = 64, 16  # jobs, and those of one key
BYTES = 64 << 20  # of questions and answers, together
LARGEST = 8 << 20  # bytes of an answer
KEPT = 600.0  # seconds for which an answer is kept
AGAIN = 30  # seconds after which to ask again, at most
SMALLER = "explain fewer rows, or leave out pixels and overlays"


class Job:
    """One of OWNER (a key's id, or nobody's) about MODEL, that takes SECONDS.  SIZE: bytes of question or answer."""

    def __init__(self, id: str, owner: str, model: str, size: int, seconds: float) -> None:
        self.id, self.owner, self.model, self.size = id, owner, model, size
        self.due = time.monotonic() + seconds
        self.answer: Answer | None = None
        self.task: asyncio.Task[None]

    @property
    def place(self) -> str:
        return f"{PLACE}/{self.id}"

    def told(self) -> Answer:
        """The answer that the request would have had; until then a 202 that says where and when to ask for it."""
        if self.answer is not None:
            return self.answer
        again = min(AGAIN, max(1, math.ceil(self.due - time.monotonic())))
        fields = ((b"location", self.place.encode()), (b"retry-after", b"%d" % again))
        return json_answer({"job": self.id, "state": "running", "location": self.place}, 202, fields)


class Jobs:
    """Of one process."""

    def __init__(self) -> None:
        self.kept = dict[str, Job]()  # the oldest first

    def begin(
        self, work: Callable[[], Coroutine[Any, Any, Answer]], *, owner: str, model: str, size: int, seconds: float
    ) -> Job:
        """WORK goes on beside.  Raises Busy where there is no room, though answers that nobody took make some."""
        self._make_room(owner, size)
        job = Job(secrets.token_urlsafe(16), owner, model, size, seconds)
        self.kept[job.id] = job
        job.task = asyncio.get_running_loop().create_task(self._done(job, work))
        return job

    async def _done(self, job: Job, work: Callable[[], Coroutine[Any, Any, Answer]]) -> None:
        try:
            answer = await work()
        except Exception as error:  # it is the answer; what nobody foresaw is logged whole
            status, body, fields = meaning(error, job.id)
            answer = json_answer(body, status, fields)
        if len(answer.body) > LARGEST:
            answer = json_answer({"error": f"the explanation has {len(answer.body)} bytes", "to_do": SMALLER}, 413)
        job.answer, job.size = answer, len(answer.body)
        asyncio.get_running_loop().call_later(KEPT, self.forget, job)

    def find(self, id: str, owner: str) -> Job:
        """Raises Refused: 404 for what is not here, or not OWNER's."""
        job = self.kept.get(id)
        if job is None or job.owner != owner:
            raise no_job(id)
        return job

    def forget(self, job: Job) -> None:
        """It ends, if it has not, and is not here any more."""
        job.task.cancel()
        self.kept.pop(job.id, None)

    def told(self, id: str, owner: str, *, end: bool) -> dict[str, Any]:
        """What is to be said of a job, as JSON that another process may pass on; END it.  Raises Refused."""
        job = self.find(id, owner)
        if end:
            self.forget(job)
            answer = json_answer({"job": job.id, "state": "ended"})
        else:
            answer = job.told()
        fields = [[name.decode(), value.decode()] for name, value in answer.headers]
        return {"model": job.model, "status": answer.status, "body": answer.body.decode(), "fields": fields}

    def close(self) -> None:
        for job in [*self.kept.values()]:
            self.forget(job)

    def _make_room(self, owner: str, size: int) -> None:
        """The oldest answers go; of the same owner first, where it holds all that it may."""
        mine = [job for job in self.kept.values() if job.owner == owner]
        if owner and len(mine) >= EACH:
            self._drop_oldest(mine)
        while len(self.kept) >= MOST or sum(job.size for job in self.kept.values()) + size > BYTES:
            self._drop_oldest([*self.kept.values()])

    def _drop_oldest(self, jobs: list[Job]) -> None:
        over = next((job for job in jobs if job.answer is not None), None)
        if over is None:
            due = min((job.due for job in jobs), default=0.0)
            raise Busy("there is no room for another explanation", max(1.0, due - time.monotonic()))
        self.forget(over)


def no_job(id: str) -> Refused:
    """A 404 that tells nobody whether there ever was one."""
    what = f"no explanation is called {id[:80]!r} here"
    return Refused(404, what, to_do="ask anew: one is kept for a while, and ends with the process that made it")
