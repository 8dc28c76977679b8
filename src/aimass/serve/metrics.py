"""Counts of what was answered, as Prometheus text and as the statistics V2 clients ask for."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Any

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds


class Counts:
    """Of one model: answers by status, seconds of whole requests, rows and calls of the engine."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0
        self.rows = self.calls = 0
        self.call_seconds = 0.0

    def request(self, status: int, seconds: float) -> None:
        self.statuses[status] += 1
        self.buckets[bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds

    def inference(self, rows: int, seconds: float) -> None:
        self.rows += rows
        self.calls += 1
        self.call_seconds += seconds

    def as_stats(self, name: str, version: str) -> dict[str, Any]:
        """In the words of the statistics extension; times in nanoseconds."""
        good = sum(n for status, n in self.statuses.items() if status < 400)
        bad = self.statuses.total() - good
        return {
            "name": name,
            "version": version,
            "inference_count": self.rows,
            "execution_count": self.calls,
            "inference_stats": {
                "success": {"count": good, "ns": int(self.seconds * 1e9)},
                "fail": {"count": bad, "ns": 0},
                "compute_infer": {"count": self.calls, "ns": int(self.call_seconds * 1e9)},
            },
        }


def prometheus(counts: dict[str, Counts]) -> str:
    """COUNTS by model label in the text format of Prometheus."""
    requests, rows, seconds = [], [], []
    for model, found in counts.items():
        of = f'model="{model}"'
        requests += [f'aimass_requests_total{{{of},status="{s}"}} {n}' for s, n in sorted(found.statuses.items())]
        rows.append(f"aimass_rows_total{{{of}}} {found.rows}")
        seconds += _histogram(of, found)
    return "\n".join(
        [
            "# HELP aimass_requests_total Requests for predictions, by status.",
            "# TYPE aimass_requests_total counter",
            *requests,
            "# HELP aimass_rows_total Rows predicted.",
            "# TYPE aimass_rows_total counter",
            *rows,
            "# HELP aimass_request_seconds From the first line of a request to its whole answer.",
            "# TYPE aimass_request_seconds histogram",
            *seconds,
            "",
        ]
    )


def _histogram(of: str, found: Counts) -> list[str]:
    lines, below = [], 0
    for bound, count in zip((*BUCKETS, "+Inf"), found.buckets, strict=True):
        below += count
        lines.append(f'aimass_request_seconds_bucket{{{of},le="{bound}"}} {below}')
    lines.append(f"aimass_request_seconds_sum{{{of}}} {found.seconds:.6f}")
    lines.append(f"aimass_request_seconds_count{{{of}}} {below}")
    return lines
