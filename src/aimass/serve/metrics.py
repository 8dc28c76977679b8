"""Counts of what a version of a model was asked and answered.  They add up: over versions, and over processes."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, Self

from aimass.serve.batch.base import Ask, Counting
from aimass.serve.observe.traceparent import parsed

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds
EXACT = 64  # rows: calls of more are counted with the next power of two, so that there are few sizes
GONE = 499  # what a request is counted as whose caller has gone
PARTS = ("input", "infer", "output")  # of a call: making tensors of requests, the model, making answers of tensors


class Example(NamedTuple):
    """A request that took SECONDS: its id, and its trace where the caller keeps one.  TIME is its end, since 1970."""

    seconds: float
    time: float
    request: str
    trace: str


class Batch(NamedTuple):
    """A call of the model: ROWS of REQUESTS, and when it began, its tensors were made, and it ended (perf_counter)."""

    number: int
    requests: int
    rows: int
    began: float
    joined: float
    ended: float


class Observer(Protocol):
    """Who wants to know of each answer, and pays for it: a log, a trace."""

    def answered(self, counts: Counts, exchange: Any, status: int, seconds: float, size: int) -> None:
        """EXCHANGE was answered with SIZE bytes SECONDS after it arrived; `counts.batch` is the call, if it had one."""


class Counts(Counting):
    """Of VERSION of MODEL; of what no model answers, where both are empty.

    Kept by the thread of the event loop.  A request costs a count, a sum and a bucket; the rest is done once a call.
    """

    def __init__(self, model: str = "", version: str = "") -> None:
        self.model, self.version = model, version
        self.statuses: Counter[int] = Counter()
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = self.failed_seconds = 0.0  # of whole requests, by whether they were answered well
        self.refusals: Counter[str] = Counter()  # by reason
        self.dropped = 0  # callers had gone before their call was made
        self.calls = self.failed_calls = self.rows = self.asked = 0  # asked: requests in calls that were made
        self.queue_seconds = 0.0  # of those requests
        self.sizes: dict[int, list[float]] = {}  # by rows of a call: calls, and seconds of each of PARTS
        self.shared = [0.0] * len(PARTS)  # seconds of each part, counted for each request of the call
        self.last = 0.0  # when a call ended, seconds since 1970
        self.examples: list[Example | None] = [None] * len(self.buckets)
        self.older = [*self.examples]  # those that were told already
        self.observers: tuple[Observer, ...] = ()
        self.batch: Batch | None = None  # whose requests are being answered

    # -- requests ---------------------------------------------------------------------------------------------

    def request(self, status: int, seconds: float, exchange: Any = None, size: int = 0) -> None:
        """EXCHANGE was answered with STATUS and SIZE bytes, SECONDS after it had arrived."""
        self.statuses[status] += 1
        place = bisect_left(BUCKETS, seconds)
        self.buckets[place] += 1
        if status < 400:
            self.seconds += seconds
        else:
            self.failed_seconds += seconds
        if self.examples[place] is None and exchange is not None:
            self.examples[place] = Example(seconds, time.time(), exchange.id, trace_of(exchange))
        if self.observers:
            for observer in self.observers:
                observer.answered(self, exchange, status, seconds, size)

    def shown(self, fresh: bool) -> list[Example | None]:
        """A request of each bucket.  Where they are told (FRESH), younger ones take their places from now on."""
        found = [new or old for new, old in zip(self.examples, self.older, strict=True)]
        if fresh:
            self.older, self.examples = found, [None] * len(found)
        return found

    def refused(self, reason: str) -> None:
        """A request was not asked for: busy, late, invalid, ..."""
        self.refusals[reason] += 1

    # -- calls, as the batcher tells ----------------------------------------------------------------------------

    def called(self, asks: Sequence[Ask], rows: int, began: float, joined: float, ended: float) -> None:
        requests = len(asks)
        self.calls += 1
        self.rows += rows
        self.asked += requests
        self.queue_seconds += began * requests - sum([ask.exchange.arrived for ask in asks])
        found = self._size(rows)
        found[0] += 1
        found[1] += joined - began
        found[2] += ended - joined
        self.shared[0] += (joined - began) * requests
        self.shared[1] += (ended - joined) * requests
        self.batch = Batch(self.calls, requests, rows, began, joined, ended)

    def told(self, seconds: float) -> None:
        batch = self.batch
        if batch is not None:
            self._size(batch.rows)[3] += seconds
            self.shared[2] += seconds * batch.requests
            self.last = time.time()
            self.batch = None

    def failed(self) -> None:
        self.failed_calls += 1

    def gone(self) -> None:
        self.dropped += 1

    def _size(self, rows: int) -> list[float]:
        size = rows if rows <= EXACT else 1 << (rows - 1).bit_length()
        found = self.sizes.get(size)
        if found is None:
            found = self.sizes[size] = [0.0] * (1 + len(PARTS))
        return found

    # -- over processes -----------------------------------------------------------------------------------------

    def as_json(self) -> dict[str, Any]:
        """All of it; `from_json` gives it back."""
        facts = {name: getattr(self, name) for name in ("model", "version", *SUMS, "buckets", "shared", "last")}
        mappings = {name: {str(key): n for key, n in getattr(self, name).items()} for name in MAPPINGS}
        return {**facts, **mappings, "examples": [example and [*example] for example in self.shown(fresh=True)]}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Self:
        found = cls()
        for name in ("model", "version", *SUMS, "buckets", "shared", "last"):
            setattr(found, name, facts[name])
        found.statuses = Counter({int(key): n for key, n in facts["statuses"].items()})
        found.refusals = Counter(facts["refusals"])
        found.sizes = {int(key): [*values] for key, values in facts["sizes"].items()}
        found.examples = [example and Example(*example) for example in facts["examples"]]
        return found

    def merge(self, other: Counts) -> None:
        """Add what OTHER has counted of the same version, in another process or before it was loaded again."""
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.statuses.update(other.statuses)
        self.refusals.update(other.refusals)
        for name in ("buckets", "shared"):
            setattr(self, name, _added(getattr(self, name), getattr(other, name)))
        for size, values in other.sizes.items():
            self.sizes[size] = _added(self._size(size), values)
        self.last = max(self.last, other.last)
        pairs = zip(self.examples, other.examples, strict=True)
        self.examples = [max((e for e in pair if e), key=lambda e: e.time, default=None) for pair in pairs]

    # -- as V2 clients ask for it -------------------------------------------------------------------------------

    def as_stats(self, name: str = "", version: str = "") -> dict[str, Any]:
        """In the words of the statistics extension; times in nanoseconds.

        `inference_stats` are of requests: each has the whole of the call that it shared.  `batch_stats` are of calls.
        """
        good = sum(n for status, n in self.statuses.items() if status < 400)
        parts = {f"compute_{part}": _lasted(self.asked, s) for part, s in zip(PARTS, self.shared, strict=True)}
        return {
            "name": name or self.model,
            "version": version or self.version,
            "last_inference": int(self.last * 1000),
            "inference_count": self.rows,
            "execution_count": self.calls,
            "inference_stats": {
                "success": _lasted(good, self.seconds),
                "fail": _lasted(self.statuses.total() - good, self.failed_seconds),
                "queue": _lasted(self.asked, self.queue_seconds),
                **parts,
            },
            "batch_stats": [_batch_stats(size, values) for size, values in sorted(self.sizes.items())],
        }


class Nobody(Counts):
    """Counts nothing: of a request that was counted when its caller left."""

    def request(self, status: int, seconds: float, exchange: Any = None, size: int = 0) -> None: ...
    def refused(self, reason: str) -> None: ...


NOBODY = Nobody()
SUMS = (
    "seconds", "failed_seconds", "dropped", "calls", "failed_calls", "rows", "asked", "queue_seconds",
)  # fmt: skip
MAPPINGS = ("statuses", "refusals", "sizes")


def trace_of(exchange: Any) -> str:
    """The id of the trace that the caller of EXCHANGE keeps; empty where it keeps none, or does not say so rightly."""
    found = parsed(exchange.field(b"traceparent"))
    return found.trace if found is not None and found.sampled else ""


def _added(some: Sequence[float], more: Sequence[float]) -> list[float]:
    return [a + b for a, b in zip(some, more, strict=True)]


def _lasted(count: int, seconds: float) -> dict[str, int]:
    return {"count": count, "ns": int(seconds * 1e9)}


def _batch_stats(size: int, values: list[float]) -> dict[str, Any]:
    calls, *seconds = values
    parts = {f"compute_{part}": _lasted(int(calls), s) for part, s in zip(PARTS, seconds, strict=True)}
    return {"batch_size": size, **parts}
