"""A sampled request is a span of its caller's trace; who shared a call is linked to it.  Told to a real collector."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from aimass.serve.metrics import Counts
from aimass.serve.observe.traces import Traces

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(HTTPServer):
    """Keeps the spans it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.spans: list[Any] = []
        self.resources: list[Any] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
        for resource in sent.resource_spans:
            self.server.resources.append(resource.resource)
            self.server.spans += [span for scope in resource.scope_spans for span in scope.spans]
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *told: Any) -> None: ...


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Asked:
    method, path, body = "POST", "/v2/models/m/infer", b"abc"

    def __init__(self, id: str, trace: str = "", state: str = "", arrived: float = 1.0) -> None:
        self.id, self.arrived = id, arrived
        self.fields = {b"traceparent": trace.encode() or None, b"tracestate": state.encode() or None}

    def field(self, name: bytes) -> bytes | None:
        return self.fields.get(name)


def told(collector: Collector, asked: list[Asked], *, share: float = 0.0, status: int = 200) -> dict[str, list[Any]]:
    """Spans by name of ASKED, which shared a call and were answered by half a second later."""
    counts = Counts("m", "3")
    with closing(Traces(collector.url, share=share)) as traces:
        counts.observers = (traces,)
        asks: list[Any] = [type("Ask", (), {"exchange": one})() for one in asked]
        counts.called(asks, 7, 1.25, 1.3, 1.4)
        for one in asked:
            counts.request(status, 0.5, one, 9)
        counts.told(0.1)
        assert traces.health() == {}
    found: dict[str, list[Any]] = {}
    for span in collector.spans:
        found.setdefault(span.name, []).append(span)
    return found


def facts(item: Any) -> dict[str, Any]:
    return {a.key: a.value.string_value or a.value.int_value for a in item.attributes}


def seconds(span: Any) -> float:
    return round((span.end_time_unix_nano - span.start_time_unix_nano) / 1e9, 3)


def test_a_sampled_request_goes_on_in_its_callers_trace(collector: Collector) -> None:
    spans = told(collector, [Asked("r-1", f"00-{TRACE}-{PARENT}-01", "vendor=x")])
    (server,), (queue,), (call,) = spans["POST /v2/models/m/infer"], spans["queue"], spans["call"]
    assert (server.trace_id.hex(), server.parent_span_id.hex(), server.kind) == (TRACE, PARENT, Span.SPAN_KIND_SERVER)
    assert server.trace_state == "vendor=x"
    for inner in (queue, call):
        assert (inner.trace_id, inner.parent_span_id) == (server.trace_id, server.span_id)
    assert [seconds(span) for span in (server, queue, call)] == [0.5, 0.25, 0.15]
    assert queue.start_time_unix_nano == server.start_time_unix_nano
    assert facts(server) == {
        "http.request.method": "POST", "url.path": "/v2/models/m/infer", "http.response.status_code": 200,
        "http.request.body.size": 3, "http.response.body.size": 9, "aimass.request": "r-1", "aimass.model": "m",
        "aimass.version": "3",
    }  # fmt: skip
    assert facts(collector.resources[0])["service.name"] == "aimass"


def test_requests_of_a_call_are_linked_to_it_and_it_to_them(collector: Collector) -> None:
    spans = told(collector, [Asked(f"r-{i}", f"00-{i + 1:032x}-{PARENT}-01") for i in range(3)])
    (batch,) = spans["batch"]
    assert batch.parent_span_id == b"" and facts(batch)["aimass.rows"] == 7
    assert [[link.span_id for link in call.links] for call in spans["call"]] == [[batch.span_id]] * 3
    servers = spans["POST /v2/models/m/infer"]
    assert [link.span_id for link in batch.links] == [server.span_id for server in servers]
    assert len({span.trace_id for span in (batch, *servers)}) == 4


def test_who_does_not_sample_is_not_told_of(collector: Collector) -> None:
    asked = [Asked("a", f"00-{TRACE}-{PARENT}-00"), Asked("b"), Asked("c", "nonsense")]
    assert told(collector, asked) == {}
    assert told(collector, asked[:1], share=1.0) == {}  # the caller has decided


def test_of_requests_without_a_trace_a_share_begins_one(collector: Collector) -> None:
    (server,) = told(collector, [Asked("a")], share=1.0, status=500)["POST /v2/models/m/infer"]
    assert server.parent_span_id == b"" and server.trace_id != bytes(16)
    assert server.status.code == 2


def test_a_request_that_no_model_was_asked_for_is_a_span_alone(collector: Collector) -> None:
    counts = Counts()
    with closing(Traces(collector.url + "/v1/traces")) as traces:
        counts.observers = (traces,)
        counts.request(404, 0.001, Asked("r", f"00-{TRACE}-{PARENT}-01"))
    assert [span.name for span in collector.spans] == ["POST /v2/models/m/infer"]
    assert "aimass.model" not in facts(collector.spans[0])


def test_a_collector_that_is_away_costs_nothing_but_the_spans() -> None:
    counts = Counts("m")
    traces = Traces("http://127.0.0.1:1", share=1.0)
    counts.observers = (traces,)
    counts.request(200, 0.001, Asked("r"))
    traces.close()
    assert counts.statuses == {200: 1}
