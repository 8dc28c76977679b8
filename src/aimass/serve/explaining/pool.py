"""Who hands questions to the process that explains: one at a time, a few waiting, and none for ever."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson

from aimass.serve.batch.base import Busy
from aimass.serve.explaining.__main__ import LENGTH
from aimass.serve.messages import Refused

WAITING = 16  # questions
PATIENCE = 30.0  # seconds over a question's own budget, for loading the model and for a machine that is busy
IDLE = 300.0  # seconds without a question after which the process ends


class Pool:
    """One process, started by the first question and again when it ends.  At most MOST questions wait."""

    def __init__(self, most: int = WAITING) -> None:
        self.most = most
        self.process: asyncio.subprocess.Process | None = None
        self.turn = asyncio.Lock()
        self.waiting = 0
        self.idle: asyncio.TimerHandle | None = None

    async def ask(self, question: bytes, seconds: float, gone: Callable[[], bool] = lambda: False) -> dict[str, Any]:
        """The explanations QUESTION (see `asked.question`) asks for, which may take SECONDS.  Raises Refused, or Busy.

        Nothing is done for who is GONE when the turn comes.  Who is cancelled while it lasts ends the process: a
        question that was begun cannot be taken back.
        """
        if self.waiting >= self.most:
            raise Busy(f"{self.waiting} explanations wait already", seconds)
        self.waiting += 1
        try:
            async with self.turn:
                if gone():
                    raise Refused(499, "nobody waits for the explanation any more")
                return await asyncio.wait_for(self._asked(question), seconds + PATIENCE)
        except TimeoutError:
            self._kill()
            raise Refused(
                504, f"no explanation within {seconds + PATIENCE:g} s", to_do="ask for a smaller budget"
            ) from None
        finally:
            self.waiting -= 1

    async def _asked(self, question: bytes) -> dict[str, Any]:
        process = await self._running()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(LENGTH.pack(len(question)) + question)
            await process.stdin.drain()
            size = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))[0]
            told = orjson.loads(await process.stdout.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError):
            self._kill()
            raise Refused(503, "the process that explains has ended", to_do="ask again; it is started anew") from None
        except BaseException:  # half an answer must not be taken for the next one's
            self._kill()
            raise
        self._rest_later()
        if "refused" in told:
            facts = told["refused"]
            more = {key: facts[key] for key in ("expected", "to_do", "key") if facts.get(key)}
            raise Refused(400, facts["error"], **more)
        found: dict[str, Any] = told["found"]
        return found

    async def _running(self) -> asyncio.subprocess.Process:
        if self.idle is not None:
            self.idle.cancel()
        if self.process is None or self.process.returncode is not None:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "aimass.serve.explaining", "--parent", str(os.getpid()),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
        return self.process

    def _rest_later(self) -> None:
        self.idle = asyncio.get_running_loop().call_later(IDLE, self._kill)

    def _kill(self) -> None:
        """End the process: it holds nothing that is not made again."""
        if self.idle is not None:
            self.idle.cancel()
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.kill()
        self.process = None

    def close(self) -> None:
        self._kill()
