"""Calls of one model for all who wait for it.

No timer: what came in within one turn of the event loop shares a call, and what comes in while the model is busy shares
the next.  So a lone request waits for nothing, and a call grows with the load.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from aimass.engines.base import Predictor
from aimass.serve.batch.base import Ask, Busy, Counting, Late, under_way
from aimass.serve.batch.groups import asked, check_rows, grouped, joined, readable
from aimass.serve.batch.outcome import Outcome, due, failed, told
from aimass.serve.batch.pace import Pace
from aimass.serve.batch.profile import Profile
from aimass.serve.batch.turns import INLINE, Turn
from aimass.serve.batch.waiting import Waiting

LOOK = 64  # calls after which the largest is looked at again
LONGEST = 0.05  # seconds of a call of many rows, where nothing was promised: who comes meanwhile waits so long
PATIENCE = 5.0  # seconds of work that may wait before who does not say how long it will wait is sent away
ARRIVES = 0.7  # of the time a caller waits: the rest is for calls slower than expected, and for the way of the answer
SMALL = 64_000  # bytes of requests: what is known of a row's time says nothing of a row that holds a whole book


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
        self.goal, self.longest = 0.0, LONGEST  # seconds of a request, and of a call
        self.beside, self.inline = False, INLINE  # never on the event loop; seconds of a call that may be
        self.turn: Turn | None = None  # of the event loop, where other models share it
        self.calls = 0
        self.pace = Pace()
        self.waiting = Waiting(bound)
        self.busy = 0  # rows of the call under way, or that a call is about to be made
        self.began = self.expected = 0.0  # when the call under way did, and what its share of all who waited takes

    def aim(self, goal: float) -> None:
        """Answer within GOAL seconds: a call takes half of them at most, as a request waits for the one before its own.

        How many rows these are is learned anew as calls are measured.  LONGEST stands in for a goal of 0.  As many as
        may be where not even a single row can keep it: then only the most requests a second are left to win.
        """
        self.goal, self.longest = goal, goal / 2 or LONGEST
        kept = self.profile.expected(1) <= self.longest
        self.most = self.profile.most(self.longest, self.limit) if kept else self.limit

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
            client.check(ask.rows)
        gone = self._wait(ask, left)
        if client is not None:
            client.take(ask.rows)
        if gone:
            self._send_away(gone)
        if not self.busy:
            self.busy = 1
            self._soon()

    def _wait(self, ask: Ask, left: float) -> list[Ask]:
        """Let ASK wait, if its answer can come in the time that is LEFT; who is sent away for it.  Raises Busy.

        Whoever finds the model idle is not refused: what is known of its speed may be wrong, and is learned so.
        """
        waiting = self.waiting
        if ask.deadline and (waiting or self.busy):
            return waiting.add(ask, self.seconds_for(waiting.before(ask)), ARRIVES * left)
        if waiting.rows > self.most:
            return waiting.add(ask, self.seconds_ahead(), PATIENCE)
        return waiting.add(ask, 0.0, 0.0)

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
        """Of work that waits or is under way."""
        return self.seconds_for(self.waiting.rows)

    def seconds_for(self, rows: int) -> float:
        """Until so many ROWS that wait have gone through the model."""
        factor = self.pace.factor
        under_way = self.expected * factor - (time.perf_counter() - self.began) if self.began else 0.0
        return self._work(rows) * factor + max(0.0, under_way)

    def _work(self, rows: int) -> float:
        """Seconds of the model for so many ROWS, in calls as large as may be."""
        most = self.most
        whole = rows // most * self.profile.expected(most) if rows >= most else 0.0
        return whole + (self.profile.expected(rows % most) if rows % most else 0.0)

    # -- calls --------------------------------------------------------------------------------------------------

    def _next(self) -> None:
        """Make the next call, or rest."""
        waited = self.waiting.rows
        asks = self._due() if waited else []
        if not asks:
            self._rest()
            return
        self.busy, self.began = sum(ask.rows for ask in asks), time.perf_counter()
        self.expected = self._work(waited) * self.busy / waited
        if self._short(asks, self.busy):
            self._at_once(asks)
        else:
            self._beside(asks, self._made)

    def _due(self) -> list[Ask]:
        """Who shares the next call: no more than can be answered before the first of them must be."""
        now, most, slow = time.perf_counter(), self.most, self.profile.slow

        def fits(rows: int, soonest: float) -> bool:
            return rows <= most and (not soonest or now + slow(rows) <= soonest)

        asks = self.waiting.take(fits)
        # What cannot be in time costs no call while others wait; the last one does, lest a wrong guess stays for ever.
        return due(asks, now, self.counts, self.profile.expected(1) if self.waiting else 0.0)

    def _at_once(self, asks: Sequence[Ask]) -> None:
        if self.turn is None:
            self._made(self._call(asks))
            return
        begin = time.perf_counter()
        self._made(self._call(asks))
        self.turn.took(time.perf_counter() - begin)

    def _rest(self) -> None:
        self.began = 0.0
        if self.waiting:
            self._soon()
        else:
            self.busy = 0
            self.pace.rests()

    def _short(self, asks: Sequence[Ask], rows: int) -> bool:
        seconds = self.profile.slow(rows)
        if self.beside or seconds > self.inline:
            return False
        if self.turn is not None and not self.turn.has_room(seconds, self.inline):
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
        if self.calls % LOOK == 0 or end - begin > self.longest:
            self.aim(self.goal)
        return Outcome(groups, outputs, refused, (rows, begin, ready, end))

    def _made(self, outcome: Outcome) -> None:
        """Answer; what failed together is tried in halves, so that only the guilty are told."""
        self.pace.took(time.perf_counter(), self.expected)
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
