"""Traces of requests for OpenTelemetry: a span of the server, what it waited, and the call it shared with others.

Told are requests whose caller keeps a trace and samples it, and a share of those without one.  The event loop only
notes times; a thread makes spans of them, OpenTelemetry's own sends them.  opentelemetry.io/docs/specs/otlp.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from importlib.metadata import version
from itertools import groupby
from typing import Any, NamedTuple

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from aimass.serve.metrics import Batch, Counts
from aimass.serve.observe.sampling import sampled
from aimass.serve.observe.traceparent import Parent, parsed

EVERY = 0.2  # seconds between looks at what was noted
MOST = 20_000  # requests that wait to become spans; what comes on top is lost, and counted
PATIENCE = 5  # seconds for the collector to take spans
PLACE = "/v1/traces"  # of a collector


log = logging.getLogger("aimass.serve")


class Note(NamedTuple):
    """A request that is to be told; times are of `time.perf_counter`."""

    parent: Parent | None
    state: bytes  # the field tracestate
    begin: float
    end: float
    batch: Batch | None
    model: str
    version: str
    facts: dict[str, Any]


class Traces:
    """To the collector at ENDPOINT, OTLP over HTTP.  SHARE: of requests without a trace so many (0..1) begin one."""

    def __init__(self, endpoint: str, *, share: float = 0.0) -> None:
        self.share, self.lost = share, 0
        whole = endpoint if endpoint.rstrip("/").endswith(PLACE) else endpoint.rstrip("/") + PLACE
        named = Resource.create({"service.name": "aimass", "service.version": version("aimass")})  # and what OTEL_ says
        self.provider = TracerProvider(ALWAYS_ON, named, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=whole, timeout=PATIENCE)
        self.provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000, max_queue_size=8192))
        self.tracer = self.provider.get_tracer("aimass.serve", version("aimass"))
        self.waiting: deque[Note] = deque()
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self.thread.start()

    # -- for the event loop -----------------------------------------------------------------------------------

    def answered(self, counts: Counts, exchange: Any, status: int, seconds: float, size: int) -> None:
        """Note it, if it is sampled."""
        parent = parsed(exchange.field(b"traceparent"))
        if not (parent.sampled if parent else self.share and sampled(exchange.id, self.share)):
            return
        if len(self.waiting) >= MOST:
            self.lost += 1
            return
        facts = {
            "http.request.method": exchange.method, "url.path": exchange.path, "http.response.status_code": status,
            "http.request.body.size": len(exchange.body), "http.response.body.size": size,
            "aimass.request": exchange.id,
        }  # fmt: skip
        state = exchange.field(b"tracestate") or b""
        begin = exchange.arrived
        self.waiting.append(
            Note(parent, state, begin, begin + seconds, counts.batch, counts.model, counts.version, facts)
        )

    def health(self) -> dict[str, Any]:
        """Empty when every sampled request became a span here; what the collector did not take, the output says."""
        return {"traces": {"lost_requests": self.lost, "reason": "more than can be told"}} if self.lost else {}

    def close(self) -> None:
        """Send what waits."""
        self.ending.set()
        self.thread.join(timeout=PATIENCE)
        self.provider.shutdown()

    # -- the thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        held: list[Note] = []
        ending = False
        while not ending:
            ending = self.ending.wait(EVERY)
            notes = [self.waiting.popleft() for _ in range(len(self.waiting))]
            keep = notes[-1].batch if notes and not ending else None  # of the last call more may come
            later = [note for note in notes if keep is not None and note.batch is keep]
            try:
                self._tell(held + notes[: len(notes) - len(later)])
            except Exception:  # logged whole; the next ones are told
                log.exception("requests cannot be told as traces")
            held = later

    def _tell(self, notes: list[Note]) -> None:
        offset = time.time() - time.perf_counter()

        def at(moment: float) -> int:
            return int((offset + moment) * 1e9)

        for batch, group in groupby(notes, key=lambda note: note.batch):
            together = list(group)
            shared = self._call(batch, together[0], at) if batch else None
            for note in together:
                self._request(note, shared, at)
            if shared is not None and batch is not None:
                shared.end(at(batch.ended))

    def _call(self, batch: Batch, note: Note, at: Any) -> Span:
        """The span of the call itself, in a trace of its own: no request owns it."""
        facts: dict[str, Any] = {
            "aimass.rows": batch.rows,
            "aimass.requests": batch.requests,
            "aimass.call": batch.number,
        }
        return self.tracer.start_span("batch", start_time=at(batch.began), attributes=facts | _of(note))

    def _request(self, note: Note, shared: Span | None, at: Any) -> None:
        name = f"{note.facts['http.request.method']} {note.facts['url.path']}"
        span = self.tracer.start_span(
            name, _context(note), SpanKind.SERVER, note.facts | _of(note), start_time=at(note.begin)
        )
        status = note.facts["http.response.status_code"]
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        inside = set_span_in_context(span)
        if note.batch is not None and shared is not None:
            queue = self.tracer.start_span("queue", inside, start_time=at(note.begin))
            queue.end(at(note.batch.began))
            links = [Link(shared.get_span_context())]
            call = self.tracer.start_span("call", inside, links=links, start_time=at(note.batch.began))
            call.end(at(note.batch.ended))
            shared.add_link(span.get_span_context())
        span.end(at(note.end))


def _of(note: Note) -> dict[str, str]:
    named = {"aimass.model": note.model, "aimass.version": note.version}
    return {key: text for key, text in named.items() if text}


def _context(note: Note) -> Any:
    """The caller's span, from which the trace goes on; empty where the caller has none, which begins one."""
    parent = note.parent
    if parent is None:
        return set_span_in_context(NonRecordingSpan(SpanContext(0, 0, is_remote=False)))
    state = TraceState.from_header([note.state.decode("latin-1")]) if note.state else None
    trace, span, flags = int(parent.trace, 16), int(parent.span, 16), TraceFlags(TraceFlags.SAMPLED)
    return set_span_in_context(NonRecordingSpan(SpanContext(trace, span, True, flags, state)))
