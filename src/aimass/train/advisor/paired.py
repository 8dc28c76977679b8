"""Paired, interleaved timing: two things take turns in blocks, in an order drawn by lot and balanced.

What moves both (clock, neighbours, heat) cancels in a pair's ratio; what favours the first or the second place cancels
over the pairs.  Blocks of at least 50 ms (20 ms on a GPU) stand far above the clock's and the scheduler's grain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from aimass.train.advisor.bench import Phase
from aimass.train.advisor.ratio import Ratio, ratio_of
from aimass.train.advisor.watch import Limits, Watch, rate

LEAST_PAIRS, MOST_PAIRS = 12, 24
CPU_BLOCK, GPU_BLOCK = 0.05, 0.02  # seconds
NEARLY = 0.9  # of that will do: two steps of 24 ms, not three
STEADY = 0.03  # successive blocks of a warm trial agree within this
WARM_UP = 1.0  # seconds at most
HOPELESS, WORTH = 1.01, 1.02  # dropped early when the upper end is under; adopted when the lower end is not under


@dataclass(frozen=True)
class Block:
    """COUNT calls of something warm; SECONDS each, as it was when warm.  FIRST: seconds of the very first call."""

    work: Phase
    count: int
    seconds: float
    first: float = 0.0

    @property
    def length(self) -> float:
        return self.count * self.seconds

    def time(self, watch: Watch) -> float:
        """Seconds a call, now."""
        begin = watch.now()
        self.work(self.count)
        return (watch.now() - begin) / self.count


def warm_up(work: Phase, watch: Watch, least: float, limit: float = WARM_UP) -> Block:
    """WORK in blocks of at least LEAST seconds, run until three in a row agree, LIMIT seconds at most.

    The very first call, which may compile, is not in that limit.
    """
    begin = watch.now()
    work(1)
    first, count = watch.now() - begin, 1
    recent: list[float] = []
    end = watch.now() + limit
    while True:
        seconds = Block(work, count, 0.0).time(watch)
        if seconds * count < NEARLY * least:
            count, recent = max(count + 1, math.ceil(NEARLY * least / max(seconds, 1e-9))), []
        else:
            recent = [*recent[-2:], seconds]
        agree = len(recent) == 3 and max(recent) <= (1 + STEADY) * min(recent)
        if agree or (recent and watch.now() >= end):
            return Block(work, count, min(recent), first)


def least_block(device: str) -> float:
    """Seconds that a block takes at least on a DEVICE of this type."""
    return CPU_BLOCK if device == "cpu" else GPU_BLOCK


def block_seconds(step: float, least: float) -> float:
    """Seconds of a block of whole steps of STEP seconds that takes LEAST, or nearly."""
    return max(1, math.ceil(NEARLY * least / max(step, 1e-9))) * step


def orders(random: Random) -> Iterator[bool]:
    """Whether the first of two goes first: each two pairs hold both orders, and lots decide which comes first."""
    while True:
        first = random.random() < 0.5
        yield from (first, not first)


@dataclass
class Pairs:
    """The pairs of a comparison so far: logarithms of their ratios, their unwanted switches, those dropped."""

    base: Block
    other: Block
    watch: Watch
    random: Random
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        self.logs: list[float] = []
        self.rates: list[float] = []
        self.dropped = 0
        self._orders = orders(self.random)

    @property
    def length(self) -> float:
        """Seconds a pair takes."""
        return self.base.length + self.other.length

    def add(self) -> None:
        """Time one pair; a disturbed one is dropped as a pair and counted."""
        before, begin = self.watch.pressed(), self.watch.now()
        if next(self._orders):
            without, with_it = self.base.time(self.watch), self.other.time(self.watch)
        else:
            with_it, without = self.other.time(self.watch), self.base.time(self.watch)
        seconds, after = self.watch.now() - begin, self.watch.pressed()
        if self.limits.disturbed(before, after, seconds):
            self.dropped += 1
            return
        self.rates.append(rate(before, after, seconds))
        self.logs.append(math.log(without / with_it))

    def until(self, settled: Callable[[Ratio], bool], *, most: int, deadline: float, confidence: float = 0.95) -> Ratio:
        """Pairs, two by two, until SETTLED, MOST pairs, the DEADLINE, or as many dropped as were asked for."""
        while True:
            ratio = ratio_of(self.logs, self.dropped, confidence)
            late = self.watch.now() + 2 * self.length > deadline
            if settled(ratio) or ratio.pairs >= most or late or self.dropped > most:
                return ratio
            self.add()
            self.add()


def screened(ratio: Ratio, worth: float = WORTH) -> bool:
    """Whether more pairs are of no use: hopeless already, or enough pairs and the answer plain.

    A promising candidate whose lower bound is still under WORTH gets up to MOST_PAIRS.
    """
    if ratio.high < HOPELESS:
        return True
    return ratio.pairs >= LEAST_PAIRS and (ratio.low >= worth or ratio.value < worth)
