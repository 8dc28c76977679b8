"""A prediction that comes with its explanation.

The model is asked as ever, and what it says stays the answer: an explanation that fails or is late is told of instead.
Requests that ask for none do not come here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from aimass.serve.batch.base import Ask
from aimass.serve.batch.batcher import ARRIVES
from aimass.serve.explaining.asked import Wish
from aimass.serve.explaining.explanations import Explanations
from aimass.serve.explaining.word import WORD
from aimass.serve.failures import meaning
from aimass.serve.http.answers import JSON
from aimass.serve.messages import Answer, Refused, json_answer
from aimass.serve.metrics import NOBODY
from aimass.serve.predictor import Served
from aimass.serve.v2.said import HEADER

PATIENCE = 5.0  # seconds over the budget of an explanation, after which a prediction goes without it

Fields = Iterable[tuple[bytes, bytes]]
T = TypeVar("T")


class Beside:
    """Makes explanations of what SERVED predicts, by EXPLANATIONS."""

    def __init__(self, explanations: Explanations) -> None:
        self.explanations = explanations
        self.tasks = set[asyncio.Task[Any]]()  # asyncio itself holds them weakly

    def explained(self, served: Served, ask: Ask, said: Any, *, within: str = "") -> Ask:
        """ASK, whose answer will hold what is SAID to be explained; WITHIN an object of the answer, where its protocol
        has one for what it does not know."""
        ask.exchange = Held(self, served, ask, said, within)
        return ask

    def keep(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """WORK goes on beside, whether anybody waits for it or not."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled():
            task.exception()  # who waited was told


class Held:
    """The exchange of ASK, whose good answer is held until the explanation is there."""

    def __init__(self, beside: Beside, served: Served, ask: Ask, said: Any, within: str) -> None:
        self.beside, self.served, self.ask, self.said, self.within = beside, served, ask, said, within
        self.exchange = ask.exchange
        self.given_up = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.exchange, name)

    def reply(self, body: bytes, kind: bytes = JSON, fields: Fields = ()) -> None:
        """The prediction is there, and counted: how long its explanation takes says nothing of the model."""
        seconds = time.perf_counter() - self.exchange.arrived
        self.exchange.counts.request(200, seconds, self.exchange, len(body))
        self.exchange.counts = NOBODY
        self.beside.keep(self._reply(body, kind, tuple(fields)))

    async def _reply(self, body: bytes, kind: bytes, fields: tuple[tuple[bytes, bytes], ...]) -> None:
        try:
            answer = await self._explained()
        except Exception as error:  # told beside the prediction; what nobody foresaw is logged whole
            status, told, _ = meaning(error, self.exchange.id)
            answer = json_answer(told, status)
        whole, headers = joined(body, fields, text_of(answer), self.within)
        self.exchange.reply(whole, kind, headers)

    async def _explained(self) -> Answer:
        """Raises what stands in the way of it."""
        ask, explanations = self.ask, self.beside.explanations
        explanations.admit(ask.client, ask.rows)
        wish = explanations.wish(self.said, self.exchange.field(b"prefer"))
        work = explanations.answer(
            self.served, ask.part, wish, client=ask.client,
            gone=lambda: self.given_up or self.exchange.gone,
        )  # fmt: skip
        task = self.beside.keep(work)
        most = self._most(wish)
        await asyncio.wait({task}, timeout=most)
        if task.done():
            return task.result()
        self.given_up = True
        raise Refused(504, f"no explanation within {most:.3g} s", to_do="ask for it later: prefer: respond-async")

    def _most(self, wish: Wish) -> float:
        """Seconds from now after which the prediction goes without it."""
        most, deadline = wish.waits + PATIENCE, self.ask.deadline
        arrived: float = self.exchange.arrived
        if not deadline:
            return most
        return max(0.0, min(most, arrived + ARRIVES * (deadline - arrived) - time.perf_counter()))


def text_of(answer: Answer) -> bytes:
    """ANSWER as it stands beside a prediction: what is no good answer says its status."""
    if answer.status == 200:
        return answer.body
    return b'{"status":%d,%b' % (answer.status, answer.body[1:])


def joined(body: bytes, fields: Fields, said: bytes, within: str) -> tuple[bytes, Fields]:
    """BODY with what is SAID of the explanation in its JSON, bytes may stand behind which, and FIELDS for it."""
    size = next((int(value) for name, value in fields if name == HEADER), len(body))
    text = b'"%b":%b' % (WORD.encode(), said)
    if within:
        text = b'"%b":{%b}' % (within.encode(), text)
    head = b"%b,%b}" % (body[: size - 1], text)
    told = tuple((name, b"%d" % len(head) if name == HEADER else value) for name, value in fields)
    return head + body[size:], told
