"""Counts and the state of the process as text: in the format of Prometheus, or as OpenMetrics with examples.

github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md; names by prometheus.io/docs/practices/naming.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from aimass.serve.metrics import BUCKETS, EXACT, PARTS, Counts, Example
from aimass.serve.observe.vitals import LAGS, Facts

TEXT = b"text/plain; version=0.0.4; charset=utf-8"
OPEN = b"application/openmetrics-text; version=1.0.0; charset=utf-8"
LONGEST = 128  # characters of an example's labels, names and values together
PLAIN = re.compile(r"[A-Za-z0-9_.:/+=@-]+")  # ids that need no care: not every reader of examples takes some
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)  # rows of a call

Labels = Mapping[str, object]


def wants_open(accept: bytes | None) -> bool:
    """Whether a caller with this ACCEPT field takes OpenMetrics; who takes anything gets the plain text."""
    asked = (accept or b"").lower().split(b",")
    return any(
        kind.partition(b";")[0].strip() == b"application/openmetrics-text" and not _never(kind) for kind in asked
    )


def _never(kind: bytes) -> bool:
    weights = [part.strip()[2:] for part in kind.split(b";") if part.strip().startswith(b"q=")]
    return bool(weights) and not weights[0].strip(b"0.")


def exposition(counts: Iterable[Counts], facts: Facts | None = None, *, open_metrics: bool = False) -> bytes:
    """COUNTS of versions of models, of what no model answers, and the FACTS of the process."""
    counts = list(counts)
    page = Page(open_metrics)
    _requests(page, counts)
    _calls(page, [one for one in counts if one.model])
    if facts is not None:
        _process(page, facts)
    return page.text()


class Page:
    """Families of samples, one behind the other."""

    def __init__(self, open_metrics: bool) -> None:
        self.open = open_metrics
        self.lines: list[str] = []

    def family(self, name: str, kind: str, story: str) -> None:
        """NAME is without the _total that samples of counters end in."""
        shown = f"{name}_total" if kind == "counter" and not self.open else name
        self.lines += [f"# HELP {shown} {story}", f"# TYPE {shown} {kind}"]

    def sample(self, name: str, labels: Labels, value: float, example: Example | None = None) -> None:
        inside = ",".join(f'{label}="{escaped(str(text))}"' for label, text in labels.items())
        line = f"{name}{{{inside}}} {value!r}" if inside else f"{name} {value!r}"
        self.lines.append(line + _example(example) if example and self.open else line)

    def total(self, name: str, story: str, samples: Iterable[tuple[Labels, float]]) -> None:
        """A family of counters."""
        self.family(name, "counter", story)
        for labels, value in samples:
            self.sample(f"{name}_total", labels, value)

    def gauge(self, name: str, story: str, samples: Iterable[tuple[Labels, float]]) -> None:
        self.family(name, "gauge", story)
        for labels, value in samples:
            self.sample(name, labels, value)

    def summary(self, name: str, story: str, samples: Iterable[tuple[Labels, int, float]]) -> None:
        """Of each labels the number and the sum."""
        self.family(name, "summary", story)
        for labels, number, total in samples:
            self.sample(f"{name}_sum", labels, total)
            self.sample(f"{name}_count", labels, number)

    def histogram(
        self, name: str, labels: Labels, bounds: Sequence[float], counted: Sequence[int], total: float,
        examples: Sequence[Example | None] = (),
    ) -> None:  # fmt: skip
        """COUNTED by bucket, the one behind the last of BOUNDS included."""
        below = 0
        examples = examples or [None] * len(counted)
        for bound, count, example in zip((*map(float, bounds), "+Inf"), counted, examples, strict=True):
            below += count
            self.sample(f"{name}_bucket", {**labels, "le": bound}, below, example)
        self.sample(f"{name}_sum", labels, total)
        self.sample(f"{name}_count", labels, below)

    def text(self) -> bytes:
        return "\n".join([*self.lines, *(["# EOF"] if self.open else []), ""]).encode()


def escaped(text: str) -> str:
    """TEXT as the value of a label."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _example(example: Example) -> str:
    named = {"trace_id": example.trace, "request_id": example.request}
    told, length = [], 0
    for name, text in named.items():
        length += len(name) + len(text)
        if PLAIN.fullmatch(text) and length <= LONGEST:
            told.append(f'{name}="{text}"')
    return f" # {{{','.join(told)}}} {example.seconds!r} {example.time:.3f}"


def _of(counts: Counts) -> dict[str, str]:
    return {"model": counts.model, "version": counts.version}


def _requests(page: Page, counts: Sequence[Counts]) -> None:
    statuses = [({**_of(c), "status": s}, n) for c in counts for s, n in sorted(c.statuses.items())]
    page.total("aimass_requests", "Answers by status; without a model: of what no model answers.", statuses)
    refusals = [({**_of(c), "reason": r}, n) for c in counts for r, n in sorted(c.refusals.items())]
    page.total("aimass_refusals", "Requests that no model was asked for, by reason.", refusals)
    page.family("aimass_request_seconds", "histogram", "From the whole request to its whole answer.")
    for one in counts:
        total = one.seconds + one.failed_seconds
        page.histogram("aimass_request_seconds", _of(one), BUCKETS, one.buckets, total, one.shown(page.open))


def _calls(page: Page, counts: Sequence[Counts]) -> None:
    page.total("aimass_rows", "Rows predicted.", [(_of(c), c.rows) for c in counts])
    page.family("aimass_call_rows", "histogram", f"Rows of a call; above {EXACT} as the next power of two.")
    for one in counts:
        page.histogram("aimass_call_rows", _of(one), SIZES, _sizes(one), one.rows)
    waits = [(_of(c), c.asked, c.queue_seconds) for c in counts]
    page.summary("aimass_queue_seconds", "From the arrival of a request to the begin of its call.", waits)
    story = "Seconds in calls: making tensors of requests, the model itself, making answers of tensors."
    parts = [({**_of(c), "part": part}, s) for c in counts for part, s in zip(PARTS, _seconds(c), strict=True)]
    page.total("aimass_call_seconds", story, parts)
    page.total("aimass_call_failures", "Calls that raised.", [(_of(c), c.failed_calls) for c in counts])
    gone = [(_of(c), c.dropped) for c in counts]
    page.total("aimass_callers_gone", "Requests whose callers had gone before their call was made.", gone)


def _sizes(counts: Counts) -> list[int]:
    found = [0] * (len(SIZES) + 1)
    for size, (calls, *_) in counts.sizes.items():
        found[next((i for i, bound in enumerate(SIZES) if size <= bound), len(SIZES))] += int(calls)
    return found


def _seconds(counts: Counts) -> list[float]:
    return [sum(values[1 + i] for values in counts.sizes.values()) for i in range(len(PARTS))]


def _process(page: Page, facts: Facts) -> None:
    connections = [({"protocol": protocol}, n) for protocol, n in sorted(facts.connections.items())]
    page.gauge("aimass_connections", "Open connections.", connections)
    page.gauge("aimass_held_bytes", "Bytes of requests under way.", [({}, facts.held)])
    states = [({"state": state}, n) for state, n in sorted(facts.versions.items())]
    page.gauge("aimass_model_versions", "Versions of models by state.", states)
    if facts.workers:
        workers = [({"state": state}, n) for state, n in sorted(facts.workers.items())]
        page.gauge("aimass_workers", "Processes that answer, by state.", workers)
        page.total("aimass_worker_restarts", "Workers that took the place of another.", [({}, facts.restarts)])
    page.family("aimass_event_loop_lag_seconds", "histogram", "How late the event loop was, ten times a second.")
    page.histogram("aimass_event_loop_lag_seconds", {}, LAGS, facts.lags, facts.lag_seconds)
    page.total("process_cpu_seconds", "User and system time.", [({}, facts.cpu_seconds)])
    page.gauge("process_resident_memory_bytes", "Memory in use, shared pages included.", [({}, facts.memory)])
    page.gauge("process_open_fds", "Open files and sockets.", [({}, facts.files)])
    page.gauge("process_start_time_seconds", "When it began, since 1970.", [({}, facts.started)])
