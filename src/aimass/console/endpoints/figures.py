"""What a server of predictions has counted, read from /metrics, and what follows: rates, percentiles, error shares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

SAMPLE = re.compile(
    r"(aimass_(?:requests_total|rows_total|request_seconds_bucket|request_seconds_sum))\{([^}]*)\} (\S+)"
)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
SHARES = (0.5, 0.95, 0.99)
FAULT = 500  # statuses from here on are faults of the server

Key = tuple[str, str]  # name and version
T = TypeVar("T", int, float)


@dataclass
class Counted:
    """Answers of a version: by status, by how long they took (seconds up to a bound, not those below it), rows."""

    statuses: dict[int, int] = field(default_factory=dict)
    buckets: dict[float, int] = field(default_factory=dict)
    seconds: float = 0.0
    rows: int = 0

    @property
    def answers(self) -> int:
        return sum(self.statuses.values())

    @property
    def faults(self) -> int:
        return sum(n for status, n in self.statuses.items() if status >= FAULT)

    @property
    def refused(self) -> int:
        """Answers that say that the caller is wrong, or that there is no room."""
        return sum(n for status, n in self.statuses.items() if 400 <= status < FAULT)

    def since(self, before: Self) -> Self:
        """What came after BEFORE; all of it where the counting began anew in between."""
        if self.answers < before.answers or self.rows < before.rows:
            return self
        statuses = {key: n - before.statuses.get(key, 0) for key, n in self.statuses.items()}
        buckets = {key: max(0, n - before.buckets.get(key, 0)) for key, n in self.buckets.items()}
        return type(self)(statuses, buckets, self.seconds - before.seconds, self.rows - before.rows)

    def add(self, more: Self) -> None:
        """What MORE counted, too."""
        self.statuses = _added(self.statuses, more.statuses)
        self.buckets = _added(self.buckets, more.buckets)
        self.seconds += more.seconds
        self.rows += more.rows

    def percentile(self, share: float) -> float | None:
        """Seconds within which SHARE of the answers came, evenly between the bounds; None where there were none."""
        total = sum(self.buckets.values())
        if not total:
            return None
        wanted, below, low = share * total, 0, 0.0
        for bound, n in sorted(self.buckets.items()):
            if n and below + n >= wanted:
                return low if bound == float("inf") else low + (bound - low) * (wanted - below) / n
            below, low = below + n, bound
        return low


def _added(some: Mapping[T, int], more: Mapping[T, int]) -> dict[T, int]:
    return {**some, **{key: some.get(key, 0) + n for key, n in more.items()}}


def counted(text: str) -> dict[Key, Counted]:
    """The versions of models in TEXT, in the format of Prometheus."""
    found: dict[Key, Counted] = {}
    for what, labels, value in _samples(text):
        if not labels.get("model"):
            continue
        one = found.setdefault((labels["model"], labels["version"]), Counted())
        if what == "aimass_requests_total":
            one.statuses[int(labels["status"])] = int(float(value))
        elif what == "aimass_rows_total":
            one.rows = int(float(value))
        elif what == "aimass_request_seconds_sum":
            one.seconds = float(value)
        else:
            one.buckets[float(labels["le"])] = int(float(value))
    for one in found.values():
        one.buckets = dict(_apart(one.buckets))
    return found


def _samples(text: str) -> Iterator[tuple[str, dict[str, str], str]]:
    for what, labels, value in SAMPLE.findall(text):
        yield what, {name: _plain(raw) for name, raw in LABEL.findall(labels)}, value


def _plain(raw: str) -> str:
    return raw.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")


def _apart(cumulative: Mapping[float, int]) -> Iterator[tuple[float, int]]:
    """Each bucket without those below it."""
    before = 0
    for bound, n in sorted(cumulative.items()):
        yield bound, n - before
        before = n


def told(parts: Iterable[Counted], seconds: float) -> dict[str, Any]:
    """PARTS together over SECONDS, as figures: per second, milliseconds, shares of the answers."""
    whole = Counted()
    for part in parts:
        whole.add(part)
    answers = whole.answers
    names = [f"p{round(100 * share)}_ms" for share in SHARES]
    within = [whole.percentile(share) for share in SHARES]
    return {
        "answers": answers, "rows": whole.rows, "faults": whole.faults, "refused": whole.refused,
        "per_second": round(answers / seconds, 4) if seconds > 0 else 0.0,
        "error_share": whole.faults / answers if answers else None,
        **{name: None if value is None else round(1000 * value, 4) for name, value in zip(names, within, strict=True)},
    }  # fmt: skip
