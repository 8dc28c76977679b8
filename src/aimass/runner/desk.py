"""Where the ranks of a gang meet: a socket in the process that started them, one thread a rank, lines of JSON.

Ranks tell it what they report, log and answer, and it hands a word of rank 0 to all of them.  Nothing of the training
itself passes here; gradients go from rank to rank.
"""

from __future__ import annotations

import hmac
import json
import queue
import secrets
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from aimass.core.errors import AimassError, TaskFailed
from aimass.core.step import Context

FIRST_WORD = 256  # bytes at most of what a stranger may say
PATIENCE = 1800.0  # seconds a rank waits for another before it gives up


Hear = Callable[[int, dict[str, Any] | None], None]  # a rank, and what its machine does; None when it is gone


class Word(NamedTuple):
    """What became of a rank: "answer" (JSON), "error" (an AimassError as JSON), or "gone" (why, in words)."""

    rank: int
    kind: str
    value: Any


class Desk:
    """Speaks for CTX with so many RANKS.  `words` holds what became of each; `address` is how they find it.

    Ranks that are not below this process say what their machines do; HEAR listens.
    """

    def __init__(self, ctx: Context, ranks: int, host: str = "127.0.0.1", hear: Hear = lambda rank, told: None) -> None:
        self.ctx, self.ranks, self.hear = ctx, ranks, hear
        self.words: queue.SimpleQueue[Word] = queue.SimpleQueue()
        self._board: dict[str, tuple[Any, int]] = {}  # what rank 0 said, and how many have yet to read it
        self._changed, self._closed = threading.Condition(), False
        self._socket = socket.create_server((host, 0), backlog=ranks)
        self._served: list[tuple[socket.socket, threading.Thread]] = []
        self.address = {"host": host, "port": self._socket.getsockname()[1], "token": secrets.token_hex(16)}
        self._door = threading.Thread(target=self._accept, daemon=True)
        self._door.start()

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *raised: object) -> None:
        """No thread stays behind: one that woke while the interpreter ends would take the process down with SIGABRT."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        with suppress(OSError):
            socket.create_connection(self._socket.getsockname()).close()  # wakes who waits for callers
        self._door.join()
        self._socket.close()
        for end, thread in self._served:
            with suppress(OSError):  # the other side was quicker
                end.shutdown(socket.SHUT_RDWR)  # wakes who listens; a mere close would not
            thread.join()

    def _accept(self) -> None:
        while not self._closed:
            try:
                end, _ = self._socket.accept()
            except OSError:  # closed
                return
            thread = threading.Thread(target=self._serve, args=(end,), daemon=True)
            self._served.append((end, thread))
            thread.start()

    def _serve(self, end: socket.socket) -> None:
        with end, end.makefile("rw", encoding="utf-8") as lines:
            rank = None
            try:
                token, _, number = lines.readline(FIRST_WORD).strip().partition(" ")
                if not hmac.compare_digest(token.encode(), self.address["token"].encode()):
                    return
                rank = int(number)
                for line in lines:
                    asked = json.loads(line)
                    lines.write(json.dumps(self._do(rank, **asked)) + "\n")
                    lines.flush()
            except (OSError, ValueError):  # the rank died, or the desk closed
                return
            finally:
                if rank is not None:
                    self.hear(rank, None)

    def _do(self, rank: int, do: str, key: str = "", value: Any = None) -> Any:
        if do == "take":
            return self._take(key)
        if do in ("answer", "error"):
            self.words.put(Word(rank, do, value))
        elif do == "machine":
            return _errors(lambda: self.hear(rank, value))
        elif do == "log":
            return _errors(lambda: self.ctx.log(value))
        elif do == "tell":
            return _errors(lambda: self.ctx.tell(**value))
        elif do == "report":
            value = _errors(lambda: self.ctx.report(value["at"], **value["numbers"]))
            return self._put(key, value)
        elif do == "put":
            return self._put(key, value)
        return None

    def _put(self, key: str, value: Any) -> Any:
        with self._changed:
            if self.ranks > 1:
                self._board[key] = value, self.ranks - 1
            self._changed.notify_all()
        return value

    def _take(self, key: str) -> Any:
        """What rank 0 said under KEY, as soon as it has; forgotten when all the others have read it."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._closed or key in self._board, PATIENCE):
                raise OSError(f"rank 0 has not said {key} for {PATIENCE:g} seconds")
            if self._closed:
                raise OSError("closed")
            value, left = self._board.pop(key)
            if left > 1:
                self._board[key] = value, left - 1
            return value


def _errors(call: Callable[[], None]) -> Any:
    """None, or the error of CALL as JSON, which the rank raises: a wish to stop, a catalog that cannot be written."""
    try:
        call()
    except AimassError as error:
        return error.as_json()
    except Exception as error:
        return TaskFailed(f"telling the run failed: {type(error).__name__}: {error}").as_json()
    return None


class Line:
    """A rank's end: asks the desk, one question at a time, from any thread."""

    def __init__(self, address: dict[str, Any], rank: int) -> None:
        self._lock = threading.Lock()
        self._socket = socket.create_connection((address["host"], address["port"]), timeout=PATIENCE)
        self._lines = self._socket.makefile("rw", encoding="utf-8")
        self._lines.write(f"{address['token']} {rank}\n")
        self.host: str = self._socket.getsockname()[0]

    def ask(self, do: str, key: str = "", value: Any = None) -> Any:
        """The desk's answer.  Raises TaskFailed when there is no desk any more."""
        with self._lock:
            try:
                self._lines.write(json.dumps({"do": do, "key": key, "value": value}) + "\n")
                self._lines.flush()
                line = self._lines.readline()
            except OSError as error:
                raise TaskFailed(f"the process that started this rank cannot be reached: {error}") from error
        if not line:
            raise TaskFailed("the process that started this rank is gone, or waited for another rank in vain")
        return json.loads(line)

    def close(self) -> None:
        self._lines.close()
        self._socket.close()
