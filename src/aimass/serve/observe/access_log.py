"""The access log: a line of JSON for each request.  Never a body, never a header: nothing in it is secret.

The event loop only notes what happened; a thread turns it into lines and writes them.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from aimass.core.errors import StoreError
from aimass.serve.known import Known
from aimass.serve.metrics import Counts
from aimass.serve.observe.sampling import sampled

EVERY = 0.2  # seconds between two writes
MOST = 100_000  # requests that wait to be written; what comes on top is lost, and counted
LONGEST = 512  # characters of a path
ABOUT = ("client", "protocol", "method", "path", "model", "version")  # client: the id of the key that was shown
KEPT = 1024  # of these, together


class AccessLog:
    """Appends to the file at PATH, or to the standard output for "-".

    SHARE: of requests that were answered well so many (0..1) are told, chosen by their ids; of the others all are.
    Raises StoreError when it cannot be begun.
    """

    def __init__(self, path: str, *, share: float = 1.0, most: int = MOST) -> None:
        self.path, self.share, self.most = path, share, most
        self.waiting: deque[tuple[Any, ...]] = deque()
        self.lost, self.error = 0, ""
        self.file = self._opened()
        self.lines = Lines()
        self.torn = False  # the last line is not whole
        self.ending, self.renewed = threading.Event(), False
        self.thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self.thread.start()

    # -- for the event loop -----------------------------------------------------------------------------------

    def answered(self, counts: Counts, exchange: Any, status: int, seconds: float, size: int) -> None:
        """Note it."""
        if self.share < 1 and status < 400 and not sampled(exchange.id, self.share):
            return
        if len(self.waiting) >= self.most:
            self.lost += 1
            return
        batch = counts.batch
        queued, rows = (batch.began - exchange.arrived, batch.rows) if batch else (None, None)
        client = exchange.client.id if exchange.client else ""
        about = (client, exchange.protocol, exchange.method, exchange.path, counts.model, counts.version)
        self.waiting.append((
            exchange.arrived + seconds, exchange.id, about, status, len(exchange.body), size, seconds, queued, rows
        ))  # fmt: skip

    def reopen(self) -> None:
        """Another program has moved the file away: begin a new one."""
        self.renewed = True

    def health(self) -> dict[str, Any]:
        """Empty when every line was written."""
        if not self.lost and not self.error:
            return {}
        reason = self.error or "the disk is slower than the requests"
        return {"access_log": {"file": self.path, "lost_lines": self.lost, "reason": reason}}

    def close(self) -> None:
        """Write what waits."""
        self.ending.set()
        self.thread.join(timeout=5)  # nobody may be reading the standard output
        if self.file is not sys.stdout.buffer:
            self.file.close()

    # -- the thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        ending = False
        while not ending:
            ending = self.ending.wait(EVERY)
            if self.renewed:
                self.renewed = False
                self._reopen()
            while self.waiting:
                noted = [self.waiting.popleft() for _ in range(min(len(self.waiting), 1000))]
                self._write(noted)

    def _write(self, noted: list[tuple[Any, ...]]) -> None:
        offset = time.time() - time.perf_counter()
        lines = b"".join([self.lines.of(offset + end, *facts) for end, *facts in noted])
        left = memoryview(b"\n" + lines if self.torn else lines)
        try:
            while left:  # a disk that is nearly full takes a part
                left = left[os.write(self.file.fileno(), left) :]
            self.torn, self.error = False, ""
        except OSError as error:
            self.torn = True
            self.lost += bytes(left).count(b"\n")
            self.error = error.strerror or str(error)

    def _opened(self) -> Any:
        if self.path == "-":
            return sys.stdout.buffer
        try:
            return Path(self.path).open("ab", buffering=0)
        except OSError as error:
            raise StoreError(
                f"the access log {self.path} cannot be begun: {error.strerror}",
                expected="a file that can be written, in a folder that exists",
                todo="name another file: --access-log FILE; - is the standard output",
            ) from error

    def _reopen(self) -> None:
        try:
            file = self._opened()
        except StoreError as error:  # the old one is still there
            self.error = error.what
            return
        if self.file is not sys.stdout.buffer:
            self.file.close()
        self.file, self.torn = file, False


class Lines:
    """Facts as JSON: what repeats from request to request is made once."""

    def __init__(self) -> None:
        self.second, self.stamp = -1, ""
        self.known: Known[tuple[str, ...], bytes] = Known(KEPT)

    def of(
        self, end: float, request: str, about: tuple[str, ...], status: int, heard: int, said: int, seconds: float,
        queued: float | None, rows: int | None,
    ) -> bytes:  # fmt: skip
        """The line of a request that ended at END, seconds since 1970; ABOUT are those of `ABOUT`."""
        told = b"" if queued is None or rows is None else b',"queue_seconds":%.6f,"batch_rows":%d' % (queued, rows)
        return b'{"time":"%b","request":%b,%b"status":%d,"bytes_in":%d,"bytes_out":%d,"seconds":%.6f%b}\n' % (
            self._time(end), orjson.dumps(request), self.known.get(about) or self._about(about), status, heard, said,
            seconds, told,
        )  # fmt: skip

    def _time(self, end: float) -> bytes:
        second, rest = divmod(round(end * 1e6), 1_000_000)
        if second != self.second:
            self.second = second
            self.stamp = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self.stamp}.{rest:06}+00:00".encode()

    def _about(self, about: tuple[str, ...]) -> bytes:
        told = {name: text[:LONGEST] for name, text in zip(ABOUT, about, strict=True) if text}
        return self.known.keep(about, orjson.dumps(told)[1:-1] + b",")
