"""What waits for one model: bounded in rows and in predicted seconds, and no client before another's turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heapreplace

from aimass.serve.batch.base import Ask, Busy, Client

URGENT = 3  # rows with a deadline for each without one, where a client has both

Fits = Callable[[int, float], bool]  # whether so many rows share a call whose soonest deadline is that, 0 for none


class Line:
    """The requests of one client; those with a deadline go before those that can wait, but not all of them before any.

    TURN is when the first is due, in rows by weight.
    """

    __slots__ = ("pressed", "pressing", "rest", "rows", "turn", "urgent", "weight")

    def __init__(self, turn: float, weight: float) -> None:
        self.urgent: deque[Ask] = deque()
        self.rest: deque[Ask] = deque()
        self.rows, self.turn, self.weight = 0, turn, weight
        self.pressing = 0  # rows with a deadline
        self.pressed = 0  # of them taken since one without was

    def __bool__(self) -> bool:
        return bool(self.urgent or self.rest)

    def add(self, ask: Ask) -> None:
        self.rows += ask.rows
        if ask.deadline:
            self.pressing += ask.rows
            self.urgent.append(ask)
        else:
            self.rest.append(ask)

    @property
    def first(self) -> Ask:
        return self._next()[0]

    def take(self) -> Ask:
        """The first of all."""
        found = self._next().popleft()
        self.pressed = self.pressed + found.rows if found.deadline else 0
        return self._without(found)

    def _next(self) -> deque[Ask]:
        return (
            self.urgent if self.urgent and not (self.rest and self.pressed >= URGENT * self.rest[0].rows) else self.rest
        )

    @property
    def last(self) -> Ask:
        """Who is sent away first: one that can wait."""
        return (self.rest or self.urgent)[-1]

    def drop(self) -> Ask:
        return self._without((self.rest or self.urgent).pop())

    def _without(self, ask: Ask) -> Ask:
        self.rows -= ask.rows
        if ask.deadline:
            self.pressing -= ask.rows
        return ask


class Waiting:
    """At most BOUND rows.  Where several clients wait, each gets rows by its weight; requests of one keep their order.

    Turns are start-time fair queueing (Goyal, Vin and Cheng 1996): the first request of a line is due when the rows
    before it were due; who comes anew is due now, so that nobody saves up turns.  Where there is no room, the client
    who holds most of it by its weight gives some up (longest queue drop, Suter et al. 1998).
    """

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.rows = 0
        self.lines: dict[Client | None, Line] = {}
        self.now = 0.0  # the turn of the last request that was taken
        self.turns: dict[Client | None, float] = {}  # of clients whose line is empty, while others wait

    def __bool__(self) -> bool:
        return self.rows > 0

    def add(self, ask: Ask, seconds: float, most: float) -> list[Ask]:
        """Let ASK wait, where SECONDS of work wait already and MOST may; who is sent away for it.  Raises Busy."""
        if most and seconds > most:
            raise Busy(f"the answer would take {seconds:.3g} s, and {most:.3g} s are left for it", seconds - most)
        full = self.rows + ask.rows > self.bound and self.rows
        gone = self._room(ask, seconds) if full else []
        self.rows += ask.rows
        line = self.lines.get(ask.client)
        if line is None:
            line = self._line(ask.client)
        line.add(ask)
        return gone

    def before(self, ask: Ask) -> int:
        """Rows that will have gone through the model when those of ASK, which has a deadline, have."""
        mine = self.lines.get(ask.client)
        weight = 1.0 if ask.client is None else ask.client.weight
        rows = float(ask.rows)
        if mine is not None:
            rows += mine.pressing
            rows += min(mine.rows - mine.pressing, rows / URGENT)
        others = (min(line.rows, rows / weight * line.weight) for line in self.lines.values() if line is not mine)
        return int(rows + sum(others))

    def _line(self, client: Client | None) -> Line:
        turn = max(self.now, self.turns.pop(client, 0.0)) if self.turns else self.now
        line = self.lines[client] = Line(turn, 1.0 if client is None else client.weight)
        return line

    # -- room -----------------------------------------------------------------------------------------------

    def _room(self, ask: Ask, seconds: float) -> list[Ask]:
        """The last requests of those who hold more than their share, taken out for ASK.  Raises Busy."""
        mine = self.lines.get(ask.client)
        weight = 1.0 if ask.client is None else ask.client.weight
        wanted = ((mine.rows if mine else 0) + ask.rows) / weight
        gone: list[Ask] = []
        while self.rows and self.rows + ask.rows > self.bound:
            longest = max(self.lines.values(), key=lambda line: line.rows / line.weight)
            if (longest.rows - longest.last.rows) / longest.weight < wanted:
                for back in reversed(gone):
                    self._put(self.lines[back.client], back)
                raise Busy(f"{self.rows} rows wait already, and {self.bound} may", max(seconds, 0.001))
            gone.append(longest.drop())
            self.rows -= gone[-1].rows
        for client in [client for client, line in self.lines.items() if not line]:
            del self.lines[client]
        return gone

    def _put(self, line: Line, ask: Ask) -> None:
        line.add(ask)
        self.rows += ask.rows

    # -- turns ----------------------------------------------------------------------------------------------

    def take(self, fits: Fits) -> list[Ask]:
        """The next requests, as many as FITS lets share a call; one at least if any waits."""
        if len(self.lines) == 1:
            taken, rows = self._alone(fits)
        else:
            taken, rows = self._in_turns(fits)
        self.rows -= rows
        if not self.lines:
            self.now = 0.0
            self.turns.clear()
        return taken

    def _alone(self, fits: Fits) -> tuple[list[Ask], int]:
        ((client, line),) = self.lines.items()
        taken, rows, soonest = list[Ask](), 0, 0.0
        if not line.urgent and fits(line.rows, 0.0):  # most calls, on the shortest way
            del self.lines[client]
            return list(line.rest), line.rows
        while line:
            ask = line.first
            soonest = sooner(soonest, ask.deadline)
            if taken and not fits(rows + ask.rows, soonest):
                break
            taken.append(line.take())
            rows += ask.rows
        if not line:
            del self.lines[client]
        return taken, rows

    def _in_turns(self, fits: Fits) -> tuple[list[Ask], int]:
        turns = [(line.turn, place, client, line) for place, (client, line) in enumerate(self.lines.items())]
        heapify(turns)
        taken, rows, soonest = list[Ask](), 0, 0.0
        while turns:
            turn, place, client, line = turns[0]
            ask = line.first
            soonest = sooner(soonest, ask.deadline)
            if taken and not fits(rows + ask.rows, soonest):
                break
            taken.append(line.take())
            rows += ask.rows
            self.now, line.turn = turn, turn + ask.rows / line.weight
            if line:
                heapreplace(turns, (line.turn, place, client, line))
            else:
                heappop(turns)
                del self.lines[client]
                self.turns[client] = line.turn
        return taken, rows


def sooner(one: float, other: float) -> float:
    """The sooner of two deadlines, 0 for none."""
    return min(one, other) if one and other else one or other
