"""Questions with answers, and notes without, both ways: lines of JSON over a pair of sockets, or messages as others
carry them.

No pickle: what comes from a worker, which runs models, is data and nothing else.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from itertools import count
from typing import Any

from aimass.core.errors import AimassError, error_from_json
from aimass.serve.messages import Refused
from aimass.serve.tasks import Tasks

LONGEST = 64 << 20  # bytes of a line
NONSENSE = (OSError, ValueError, TypeError, KeyError, AttributeError)  # what reading raises
BEHIND = 16 << 20  # bytes that may wait to be sent; then notes are left out

Said = Mapping[str, Any]
Answering = Callable[..., Awaitable[Any]]

log = logging.getLogger("aimass.serve")


class Gone(Exception):
    """The process at the other end has ended."""


class Talk:
    """Between two processes.  KNOWN answers what the other end asks or notes, by its word, given what it says by name;
    SEND brings a message there."""

    def __init__(self, known: Mapping[str, Answering], send: Callable[[Said], None]) -> None:
        self.known, self.send = known, send
        self.numbers = count(1)
        self.waiting: dict[int, asyncio.Future[Any]] = {}
        self.tasks = Tasks()
        self.ended = asyncio.Event()

    def close(self) -> None:
        """Nobody is there any more: whoever waits is told."""
        self.ended.set()
        for future in self.waiting.values():
            if not future.done():
                future.set_exception(Gone("the process at the other end has ended"))
        self.waiting.clear()

    def tell(self, what: str, **said: Any) -> None:
        """A note."""
        self.send({"what": what, "said": said})

    async def ask(self, what: str, seconds: float | None = None, **said: Any) -> Any:
        """What the other end answers.  Raises what it raised, Gone, or TimeoutError after so many SECONDS."""
        if self.ended.is_set():
            raise Gone("the process at the other end has ended")
        number = next(self.numbers)
        future = self.waiting[number] = asyncio.get_running_loop().create_future()
        self.send({"what": what, "said": said, "id": number})
        try:
            return await asyncio.wait_for(future, seconds)
        finally:
            self.waiting.pop(number, None)

    # -- what is heard ------------------------------------------------------------------------------------------

    def hear(self, message: dict[str, Any]) -> None:
        """The other end has sent MESSAGE."""
        if "of" in message:
            self._answered(message)
            return
        self.tasks.begin(self._answer(message))

    def _answered(self, message: dict[str, Any]) -> None:
        future = self.waiting.get(message["of"])
        if future is None or future.done():  # it came too late
            return
        if "error" in message:
            future.set_exception(error_of(message["error"]))
        else:
            future.set_result(message["found"])

    async def _answer(self, message: dict[str, Any]) -> None:
        try:
            found: dict[str, Any] = {"found": await self.known[message["what"]](**message["said"])}
        except Exception as error:  # told to the other end; what nobody foresaw is logged whole, too
            found = {"error": as_json(error)}
            if not isinstance(error, (Refused, AimassError, Gone)):
                log.exception("%s failed", message["what"])
        if "id" in message:
            self.send({"of": message["id"], **found})


class Channel(Talk):
    """Over LINE."""

    def __init__(self, line: socket.socket, known: Mapping[str, Answering]) -> None:
        super().__init__(known, self._send)
        self.line = line
        self.writer: asyncio.StreamWriter | None = None

    async def listen(self) -> None:
        """Until the other end is gone; what it says is begun in the order in which it said it."""
        reader, self.writer = await asyncio.open_unix_connection(sock=self.line, limit=LONGEST)
        try:
            while line := await reader.readline():
                self.hear(json.loads(line))
        except NONSENSE as error:  # cut in the middle of a line, or not a line of ours
            log.debug("a channel ended: %s", error)
        finally:
            self.close()

    def close(self) -> None:
        super().close()
        if self.writer is not None:
            self.writer.close()

    async def finish(self, seconds: float) -> None:
        """Say nothing more; returns when the other end has heard all, or after so many SECONDS.

        Who just went could be asked something at that moment; the connection breaks at that, and last words that had
        not been read are lost.
        """
        if self.writer is not None:
            with suppress(OSError, TimeoutError):
                self.writer.write_eof()
                await asyncio.wait_for(self.ended.wait(), seconds)

    def tell(self, what: str, **said: Any) -> None:
        """A note; left out when nobody reads, and when the other end is far behind."""
        if self.writer is not None and self.writer.transport.get_write_buffer_size() < BEHIND:
            super().tell(what, **said)

    async def ask(self, what: str, seconds: float | None = None, **said: Any) -> Any:
        if self.writer is None:
            raise Gone("the process at the other end has ended")
        return await super().ask(what, seconds, **said)

    def _send(self, message: Said) -> None:
        if self.writer is not None and not self.ended.is_set():
            self.writer.write(json.dumps(message).encode() + b"\n")


def as_json(error: Exception) -> dict[str, Any]:
    """ERROR as it crosses; `error_of` gives it back."""
    if isinstance(error, Refused):
        return {"refused": error.status, "body": error.body}
    if isinstance(error, AimassError):
        return {"error": error.as_json()}
    return {"refused": 503, "body": {"error": f"a worker failed at it: {type(error).__name__}: {error}"}}


def error_of(facts: Mapping[str, Any]) -> Exception:
    """The error that `as_json` described."""
    if "refused" not in facts:
        return error_from_json(facts["error"])
    body = dict(facts["body"])
    return Refused(facts["refused"], body.pop("error"), **body)
