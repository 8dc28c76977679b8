"""What waits for one model: bounded in rows and in predicted seconds, and no client before another's turn."""

from __future__ import annotations

from collections import deque
from heapq import heapify, heappop, heapreplace

from aimass.serve.batch.base import Ask, Busy, Client


class Line:
    """The requests of one client, in their order.  TURN is when the first is due, in rows by weight."""

    __slots__ = ("asks", "rows", "turn", "weight")

    def __init__(self, turn: float, weight: float) -> None:
        self.asks: deque[Ask] = deque()
        self.rows, self.turn, self.weight = 0, turn, weight


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
        line = self.lines.get(ask.client) or self._line(ask.client)
        line.asks.append(ask)
        line.rows += ask.rows
        return gone

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
            if (longest.rows - longest.asks[-1].rows) / longest.weight < wanted:
                for back in reversed(gone):
                    self._put(self.lines[back.client], back)
                raise Busy(f"{self.rows} rows wait already, and {self.bound} may", max(seconds, 0.001))
            gone.append(longest.asks.pop())
            longest.rows -= gone[-1].rows
            self.rows -= gone[-1].rows
        for client in [client for client, line in self.lines.items() if not line.asks]:
            del self.lines[client]
        return gone

    def _put(self, line: Line, ask: Ask) -> None:
        line.asks.append(ask)
        line.rows += ask.rows
        self.rows += ask.rows

    # -- turns ----------------------------------------------------------------------------------------------

    def take(self, most: int) -> list[Ask]:
        """The next requests, of at most MOST rows together; one at least if any waits."""
        if len(self.lines) == 1:
            taken, rows = self._alone(most)
        else:
            taken, rows = self._in_turns(most)
        self.rows -= rows
        if not self.lines:
            self.now = 0.0
            self.turns.clear()
        return taken

    def _alone(self, most: int) -> tuple[list[Ask], int]:
        ((client, line),) = self.lines.items()
        asks = line.asks
        taken = [asks.popleft()]
        rows = taken[0].rows
        while asks and rows + asks[0].rows <= most:
            taken.append(asks.popleft())
            rows += taken[-1].rows
        line.rows -= rows
        if not asks:
            del self.lines[client]
        return taken, rows

    def _in_turns(self, most: int) -> tuple[list[Ask], int]:
        turns = [(line.turn, place, client, line) for place, (client, line) in enumerate(self.lines.items())]
        heapify(turns)
        taken: list[Ask] = []
        rows = 0
        while turns:
            turn, place, client, line = turns[0]
            ask = line.asks[0]
            if taken and rows + ask.rows > most:
                break
            taken.append(line.asks.popleft())
            rows += ask.rows
            line.rows -= ask.rows
            self.now, line.turn = turn, turn + ask.rows / line.weight
            if line.asks:
                heapreplace(turns, (line.turn, place, client, line))
            else:
                heappop(turns)
                del self.lines[client]
                self.turns[client] = line.turn
        return taken, rows
