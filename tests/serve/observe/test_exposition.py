"""What /metrics says is read by Prometheus' own parsers, and its numbers are those that were counted."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families as plain_families

from aimass.serve.batch.base import Ask
from aimass.serve.metrics import Counts
from aimass.serve.observe.exposition import exposition, wants_open
from aimass.serve.observe.vitals import LAGS, Facts


class Asked:
    """An exchange, as those see it who count."""

    def __init__(self, id: str = "r-1", trace: bytes | None = None, arrived: float = 0.0) -> None:
        self.id, self.trace, self.arrived, self.client = id, trace, arrived, None

    def field(self, name: bytes) -> bytes | None:
        return self.trace if name == b"traceparent" else None


def counted() -> Counts:
    counts = Counts("flights", "3")
    asks: list[Any] = [Ask(None, [], 2, Asked(arrived=at)) for at in (1.0, 1.5)]  # type: ignore[arg-type]
    counts.called(asks, 4, 2.0, 2.25, 3.25)
    counts.request(200, 0.03, Asked("r-7", b"00-" + b"ab" * 16 + b"-" + b"cd" * 8 + b"-01"))
    counts.request(200, 0.04, Asked("r-8"))
    counts.told(0.125)
    counts.request(429, 0.0001, Asked("r-9"))
    counts.refused("busy")
    counts.called(asks[:1], 100, 5.0, 5.0, 6.0)
    counts.told(0.0)
    counts.gone()
    counts.failed()
    return counts


def facts() -> Facts:
    lags = [0] * (len(LAGS) + 1)
    lags[0] = 7
    return Facts(Counter({"http/1.1": 2}), Counter({"READY": 1}), 10, lags, 0.5, 1000, 1.5, 9, 1.7e9)


def samples(text: bytes, families: Any) -> dict[tuple[str, tuple[tuple[str, str], ...]], Any]:
    found = [sample for family in families(text.decode()) for sample in family.samples]
    named = {(s.name, tuple(sorted(s.labels.items()))): s for s in found}
    assert len(named) == len(found), "a sample appears twice"
    return named


@pytest.mark.parametrize(("open_metrics", "families"), [(False, plain_families), (True, open_families)])
def test_both_formats_are_read_by_prometheus_and_say_what_was_counted(open_metrics: bool, families: Any) -> None:
    found = samples(exposition([Counts(), counted()], facts(), open_metrics=open_metrics), families)
    of = (("model", "flights"), ("version", "3"))

    def value(name: str, *more: tuple[str, str]) -> float:
        return found[name, tuple(sorted((*of, *more)))].value

    assert value("aimass_requests_total", ("status", "200")) == 2
    assert value("aimass_requests_total", ("status", "429")) == 1
    assert value("aimass_refusals_total", ("reason", "busy")) == 1
    assert value("aimass_request_seconds_bucket", ("le", "0.0005")) == 1
    assert value("aimass_request_seconds_bucket", ("le", "0.05")) == value("aimass_request_seconds_count") == 3
    assert value("aimass_request_seconds_sum") == pytest.approx(0.0701)
    assert value("aimass_rows_total") == 104
    assert (value("aimass_queue_seconds_sum"), value("aimass_queue_seconds_count")) == (1.5 + 4.0, 3)
    assert (value("aimass_call_rows_bucket", ("le", "4.0")), value("aimass_call_rows_count")) == (1, 2)
    assert value("aimass_call_rows_bucket", ("le", "128.0")) == 2
    assert [value("aimass_call_seconds_total", ("part", p)) for p in ("input", "infer", "output")] == [0.25, 2.0, 0.125]
    assert (value("aimass_call_failures_total"), value("aimass_callers_gone_total")) == (1, 1)
    assert found["aimass_connections", (("protocol", "http/1.1"),)].value == 2
    assert found["aimass_event_loop_lag_seconds_count", ()].value == 7
    assert found["process_resident_memory_bytes", ()].value == 1000


def test_open_metrics_ends_as_it_must_and_leads_to_a_trace_or_a_request() -> None:
    counts = counted()
    text = exposition([counts], open_metrics=True)
    assert text.endswith(b"# EOF\n")
    buckets = [s for s in samples(text, open_families).values() if s.name == "aimass_request_seconds_bucket"]
    told = {s.labels["le"]: s.exemplar for s in buckets if s.exemplar}
    assert set(told) == {"0.0005", "0.05"}
    assert told["0.05"].labels == {"trace_id": "ab" * 16, "request_id": "r-7"} and told["0.05"].value == 0.03
    assert told["0.0005"].labels == {"request_id": "r-9"}
    assert b"r-7" not in exposition([counts])  # the plain format has no place for it


def test_a_younger_request_takes_the_place_of_one_that_was_told() -> None:
    counts = counted()
    assert b'"r-7"' in exposition([counts], open_metrics=True)
    assert b'"r-7"' in exposition([counts], open_metrics=True)  # there is no other
    counts.request(200, 0.03, Asked("r-10"))
    text = exposition([counts], open_metrics=True)
    assert b'"r-10"' in text and b'"r-7"' not in text


def test_an_id_that_is_too_long_for_an_example_is_left_out() -> None:
    counts = Counts("m")
    counts.request(200, 0.1, Asked("x" * 128))
    (example,) = [
        s.exemplar for s in samples(exposition([counts], open_metrics=True), open_families).values() if s.exemplar
    ]
    assert example.labels == {}


@given(st.text(), st.text(st.characters(blacklist_categories=["Cs"]), max_size=100))
@settings(deadline=None)
def test_names_come_out_as_they_went_in_whatever_they_hold(model: str, request: str) -> None:
    model = model.encode("utf-8", "replace").decode()
    counts = Counts(model, "1")
    counts.request(200, 0.001, Asked(request))
    for open_metrics, families in ((False, plain_families), (True, open_families)):
        named = samples(exposition([counts], open_metrics=open_metrics), families)
        assert {dict(labels).get("model") for _, labels in named} == {model}


@given(st.lists(st.tuples(st.sampled_from([200, 400, 503]), st.floats(0, 20))), st.integers(0, 2**32))
@settings(deadline=None)
def test_counts_of_processes_add_up_to_those_of_one(answers: list[tuple[int, float]], seed: int) -> None:
    alone, parts = Counts("m", "1"), [Counts("m", "1"), Counts("m", "1")]
    for i, (status, seconds) in enumerate(answers):
        seconds = round(seconds * 1024) / 1024  # sums are exact
        for one in (alone, parts[(seed >> i % 32) & 1]):
            one.request(status, seconds, Asked())
            ask: Any = Ask(None, [], 3, Asked(arrived=1.0))  # type: ignore[arg-type]
            one.called([ask], 3 + i, 2.0, 2.5, 3.0)
            one.told(0.25)
            one.refused("late")
    whole = Counts.from_json(parts[0].as_json())
    whole.merge(Counts.from_json(parts[1].as_json()))
    for page in (Counts.as_stats, lambda counts: exposition([counts])):
        told, wanted = page(whole), page(alone)
        if isinstance(told, dict):
            told, wanted = ({**d, "last_inference": 0} for d in (told, wanted))
        assert told == wanted


def test_statistics_are_of_requests_and_of_calls() -> None:
    stats = counted().as_stats()
    of_requests = stats["inference_stats"]
    ms = 1_000_000
    assert (stats["inference_count"], stats["execution_count"]) == (104, 2)
    assert of_requests["success"] == {"count": 2, "ns": 70 * ms}
    assert of_requests["fail"] == {"count": 1, "ns": ms // 10}
    assert of_requests["queue"] == {"count": 3, "ns": 5500 * ms}
    assert of_requests["compute_input"] == {"count": 3, "ns": 2 * 250 * ms}
    assert of_requests["compute_infer"] == {"count": 3, "ns": (2 * 1000 + 1000) * ms}
    assert of_requests["compute_output"] == {"count": 3, "ns": 2 * 125 * ms}
    small, large = stats["batch_stats"]
    assert (small["batch_size"], large["batch_size"]) == (4, 128)  # 100 rows: the next power of two
    assert small["compute_infer"] == {"count": 1, "ns": 1000 * ms}
    assert stats["last_inference"] > 1_700_000_000_000


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (b"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1", True),
        (b"application/openmetrics-text", True),
        (b"application/openmetrics-text;q=0.0, text/plain", False),
        (b"text/plain", False),
        (b"*/*", False),
        (None, False),
    ],
)
def test_open_metrics_are_for_those_who_ask(accept: bytes | None, wanted: bool) -> None:
    assert wants_open(accept) is wanted


def test_facts_of_processes_cross_as_json_and_add_up() -> None:
    two = Facts.from_json(json.loads(json.dumps(facts().as_json())))
    assert two == facts()
    two.merge(facts())
    assert (two.connections["http/1.1"], two.memory, two.lags[0], two.started) == (4, 2000, 14, 1.7e9)
