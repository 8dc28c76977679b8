"""Calls of one model for all who wait for it.

No timer: what came in within one turn of the event loop shares a call, and what comes in while the model is busy shares
the next.  So a lone request waits for nothing, and a call grows with the load.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import NamedTuple

from aimass.engines.base import Predictor, Tensors
from aimass.serve.batch.base import Ask, Busy, Counting, Late, under_way
from aimass.serve.batch.groups import Groups, asked, check_rows, grouped, joined, readable
from aimass.serve.batch.profile import Profile
from aimass.serve.batch.waiting import Waiting

INLINE = 0.0004  # seconds: a call shorter than this costs less than handing it to another thread
LOOK = 64  # calls after which the largest is looked at again, where there is a goal
SMALL = 64_000  # bytes of requests: what is known of a row's time says nothing of a row that holds a whole book

log = logging.getLogger("aimass.serve")


class Outcome(NamedTuple):
    """Of a call: who asked, by form; what the model said to their rows, in that order; and who could not be read.

    TOOK: how many rows, and when it began, had its tensors, and ended; where it ended well.
    """

    groups: Groups
    found: Tensors | Exception
    refused: list[tuple[Ask, Exception]]
    took: tuple[int, float, float, float] | None = None


class Batcher:
    """PREDICT is called by one thread at a time: the event loop's for calls that are nearly always short, or WORKER's.

    A call has at most MOST rows, fewer where `aim` says so.  VARIES: the time of a row depends on what it holds.
    COUNTS is told of every call, by the event loop's thread.
    """

    def __init__(
        self, predict: Predictor, profile: Profile, worker: Executor, *, most: int = 1024, bound: int = 16_384,
        varies: bool = False, counts: Counting = Counting(),
    ) -> None:  # fmt: skip
        self.predict, self.profile, self.worker, self.counts = predict, profile, worker, counts
        self.varies = varies
        self.most = self.limit = most
        self.goal = 0.0
        self.beside = False  # never on the event loop
        self.calls = 0
        self.waiting = Waiting(bound)
        self.busy = 0  # rows of the call under way, or that a call is about to be made

    def aim(self, goal: float) -> None:
        """Answer within GOAL seconds: a call takes half of them at most, as a request waits for the one before its own.

        How many rows these are is learned anew as calls are measured.  As many as may be for a goal of 0, and for one
        that not even a single row can keep: then only the most requests a second are left to win.
        """
        self.goal = goal
        kept = goal > 0 and self.profile.expected(1) <= goal / 2
        self.most = self.profile.most(goal / 2, self.limit) if kept else self.limit

    # -- requests -----------------------------------------------------------------------------------------------

    def add(self, ask: Ask) -> None:
        """Answer ASK when its turn comes.

        Raises Busy when that would be too late or its client may not yet ask, Late when it is too late already, Refused
        when its client may never ask for so many rows at once.
        """
        left = ask.deadline - time.perf_counter() if ask.deadline else 0.0
        if left < 0:
            raise Late("the deadline passed before the request was read")
        client = ask.client
        if client is not None:
            client.check(ask.rows, ask.exchange.arrived)
        gone = self.waiting.add(ask, self.seconds_ahead() if ask.deadline else 0.0, left)
        if client is not None:
            client.take(ask.rows)
        if gone:
            self._send_away(gone)
        if not self.busy:
            self.busy = 1
            self._soon()

    def _send_away(self, asks: Sequence[Ask]) -> None:
        """ASKS lost their places to a client who holds less."""
        for ask in asks:
            if ask.client is not None:
                ask.client.take(-ask.rows)
            failed(ask, Busy("others wait, too, and this client holds most of the room", self.seconds_ahead()))

    def _soon(self) -> None:
        """The next call, when all who came in now have come in."""
        asyncio.get_running_loop().call_soon(self._next)

    def seconds_ahead(self) -> float:
        """Of work that a request would wait for now."""
        rows, most = self.waiting.rows, self.most
        whole = rows // most * self.profile.expected(most) if rows >= most else 0.0
        rest = self.profile.expected(rows % most) if rows % most else 0.0
        return whole + rest + (self.profile.expected(self.busy) if self.busy else 0.0)

    # -- calls --------------------------------------------------------------------------------------------------

    def _next(self) -> None:
        """Make the next call, or rest."""
        asks = due(self.waiting.take(self.most), self.counts) if self.waiting else []
        if not asks:
            self._rest()
            return
        self.busy = sum(ask.rows for ask in asks)
        if self._short(asks, self.busy):
            self._made(self._call(asks))
        else:
            self._beside(asks, self._made)

    def _rest(self) -> None:
        if self.waiting:
            self._soon()
        else:
            self.busy = 0

    def _short(self, asks: Sequence[Ask], rows: int) -> bool:
        if self.beside or self.profile.slow(rows) > INLINE:
            return False
        return not self.varies or sum(len(ask.exchange.body) for ask in asks) <= SMALL

    def _beside(self, asks: Sequence[Ask], made: Callable[[Outcome], None]) -> None:
        """Call beside the event loop; MADE is told here."""
        done = asyncio.get_running_loop().run_in_executor(self.worker, self._call, asks)
        done.add_done_callback(lambda future: made(future.result()))

    def _call(self, asks: Sequence[Ask]) -> Outcome:
        """The rows of ASKS through the model.  Nobody is told here: this may be another thread."""
        groups, refused = grouped(asks), list[tuple[Ask, Exception]]()
        begin = time.perf_counter()
        try:
            try:
                tensors = joined(groups)
            except Exception:  # of one of them, most likely
                groups, refused = readable(groups)
                if not groups:
                    return Outcome([], {}, refused)
                tensors = joined(groups)
            ready = time.perf_counter()
            under_way.set(asked(groups))
            rows = sum(ask.rows for _, mine in groups for ask in mine)
            outputs = self.predict(tensors)
            check_rows(outputs, rows)
        except Exception as error:  # told to whoever is at fault; see `_made`
            return Outcome(groups, error, refused)
        end = time.perf_counter()
        self.profile.learn(rows, end - begin)
        self.calls += 1
        if self.goal and self.calls % LOOK == 0:
            self.aim(self.goal)
        return Outcome(groups, outputs, refused, (rows, begin, ready, end))

    def _made(self, outcome: Outcome) -> None:
        """Answer; what failed together is tried in halves, so that only the guilty are told."""
        halves = self._told(outcome)
        if halves:
            self._in_turn(halves)
        else:
            self._rest()

    def _told(self, outcome: Outcome) -> list[Sequence[Ask]]:
        """As `told`, and counted."""
        if outcome.took is None:
            if outcome.groups:
                self.counts.failed()
            return told(outcome)
        begin = time.perf_counter()
        self.counts.called(asked(outcome.groups), *outcome.took)
        told(outcome)
        self.counts.told(time.perf_counter() - begin)
        return []

    def _in_turn(self, halves: list[Sequence[Ask]]) -> None:
        """Beside the event loop: a model that fails is not trusted to be quick."""

        def made(outcome: Outcome) -> None:
            halves.extend(self._told(outcome))
            if halves:
                self._beside(halves.pop(), made)
            else:
                self._rest()

        self._beside(halves.pop(), made)


def due(asks: Sequence[Ask], counts: Counting) -> list[Ask]:
    """ASKS without those whose callers have gone, or whose deadline has passed."""
    now = time.perf_counter()
    found = []
    for ask in asks:
        if ask.deadline and now > ask.deadline:
            failed(ask, Late("the deadline passed while the request waited"))
        elif ask.exchange.gone:
            counts.gone()
        else:
            found.append(ask)
    return found


def told(outcome: Outcome) -> list[Sequence[Ask]]:
    """Answer all, or refuse the only one; else the halves in which to try again."""
    for ask, error in outcome.refused:
        failed(ask, error)
    if not isinstance(outcome.found, Exception):
        answered(outcome.groups, outcome.found)
        return []
    asks = asked(outcome.groups)
    if len(asks) == 1:
        failed(asks[0], outcome.found)
        return []
    middle = len(asks) // 2
    return [asks[middle:], asks[:middle]]


def answered(groups: Groups, outputs: Tensors) -> None:
    """Every form answers its own."""
    at = 0
    for form, asks in groups:
        rows = sum(ask.rows for ask in asks)
        part = outputs if len(groups) == 1 else {name: array[at : at + rows] for name, array in outputs.items()}
        at += rows
        try:
            form.answer(asks, part)
        except Exception as error:  # each is told, and it is logged there
            for ask in asks:
                failed(ask, error)


def failed(ask: Ask, error: Exception) -> None:
    """Tell ASK; whatever happens, the others are answered."""
    try:
        ask.form.fail(ask, error)
    except Exception:
        log.exception("a request cannot even be refused")
