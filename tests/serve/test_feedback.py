"""Labels are checked against the signature, kept once they are answered, and change when they are sent again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collect.hand import collected, rows
from tests.serve.conftest import SAMPLE, SIGNATURE, Caller

from aimass.core.signature import Field
from aimass.serve.app import App
from aimass.serve.feedback import Feedback, Label, labels_of
from aimass.serve.log import PredictionLog
from aimass.serve.messages import Refused
from aimass.serve.predictor import Served, Wanted, load
from aimass.store.appended import opened, rows_of

PATH = "/v1/feedback/flights"
GOOD = {"request": "r-1", "row": 1, "label": "yes"}
NUMBER = replace(SIGNATURE, task="regression", outputs=(Field("value", "float32"),))


@pytest.fixture
def call(served: Served, tmp_path: Path) -> Caller:
    return Caller(App([served], feedback=Feedback(tmp_path)))


def kept(root: Path) -> list[tuple[Any, ...]]:
    table = rows_of(opened(root / "feedback" / "flights" / "1")).to_table().sort_by("_time").to_pylist()
    return [(row["_request"], row["_row"], row["answer"]) for row in table]


def test_a_label_or_a_list_of_them_is_kept_once_it_is_answered(call: Caller, tmp_path: Path) -> None:
    assert call("POST", PATH, GOOD).json == {"model": "flights", "labels": 1}
    assert kept(tmp_path) == [("r-1", 1, "yes")]
    more = [
        {"request": "r-2", "label": "no"},
        {"request": "r-1", "row": 1, "label": "no", "at": "2026-01-01T08:00:00Z"},
    ]
    assert call("POST", PATH, more).json["labels"] == 2
    assert kept(tmp_path) == [("r-1", 1, "yes"), ("r-2", 0, "no"), ("r-1", 1, "no")]  # in the order they came


def test_labels_find_the_rows_that_were_logged_and_the_last_one_counts(folder: Path, tmp_path: Path) -> None:
    served = load(Wanted(folder, "flights", 3), log_to=tmp_path, wrappers=[PredictionLog()])
    call = Caller(App([served], feedback=Feedback(tmp_path)))
    call("POST", "/v1/predict/flights", {"records": SAMPLE}, x_request_id="r-1")
    served.close()
    for text in ("no", "yes", "yes"):  # sent again: nothing is doubled
        assert call("POST", PATH, {**GOOD, "label": text}).status == 200
    source = {"use": "predictions", "path": str(tmp_path / "predictions" / "flights"), "labels": True}
    told = rows(tmp_path, collected(tmp_path, source))
    assert [(row["size"], row["_label"], row["answer"]) for row in told] == [(0.5, "yes", None), (None, "no", "yes")]


@pytest.mark.parametrize(
    ("body", "says", "expected"),
    [
        ("x", "neither a label nor a list", '"request"'),
        ([], "there are no labels", "at least one"),
        ([GOOD, 3], "label 1: '3' is not an object", '"request"'),
        ({"request": "r"}, "'label' is missing", '"label"'),
        ({**GOOD, "lable": 1}, "'lable' is not known; did you mean 'label'?", "of: request, row, label, at"),
        ({**GOOD, "request": ""}, "'request' is ''", "x-request-id"),
        ({**GOOD, "request": "\ud800"}, "'request' is", "x-request-id"),
        ({**GOOD, "row": -1}, "'row' is '-1'", "from 0"),
        ({**GOOD, "row": True}, "'row' is 'True'", "from 0"),
        ([GOOD, GOOD, {**GOOD, "label": "yess"}], "label 2: 'yess' is no class of m; did you mean 'yes'?", "no, yes"),
        ({**GOOD, "label": True}, "True is no class of m", "one of: no, yes, as text"),
        ({**GOOD, "at": "soon"}, "'at' is 'soon'", "2026-11-21T08:30:00Z"),
        ({**GOOD, "at": 3}, "'at' is '3'", "2026-11-21T08:30:00Z"),
        ([GOOD] * 10_001, "10001 labels are too many", "at most 10000"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_kept(body: Any, says: str, expected: str) -> None:
    with pytest.raises(Refused) as caught:
        labels_of(body, SIGNATURE, "m")
    assert says in caught.value.body["error"] and expected in caught.value.body["expected"]


@pytest.mark.parametrize("label", ["1.5", True, None, float("nan"), 10**400])
def test_a_model_of_numbers_takes_finite_numbers(label: Any) -> None:
    assert labels_of({**GOOD, "label": 2}, NUMBER, "m") == [Label("r-1", 1, 2.0, None)]
    with pytest.raises(Refused, match="'label' is"):
        labels_of({**GOOD, "label": label}, NUMBER, "m")


def test_a_model_that_is_not_here_is_not_labelled(call: Caller) -> None:
    assert call("POST", "/v1/feedback/flight", GOOD).status == 404
    assert call("GET", PATH).status == 405
    reply = call("POST", PATH, b"{nonsense")
    assert reply.status == 400 and "not JSON" in reply.json["error"]


def test_without_a_folder_labels_are_not_kept_and_that_is_said(served: Served) -> None:
    reply = Caller(App([served]))("POST", PATH, GOOD)
    assert reply.status == 404 and "--log-to" in reply.json["to_do"]


def test_labels_that_cannot_be_written_are_not_answered_as_if_they_were(call: Caller, tmp_path: Path) -> None:
    (tmp_path / "feedback").write_text("a file where the folder should be")
    reply = call("POST", PATH, GOOD)
    assert reply.status == 503 and "cannot be written" in reply.json["error"]


def test_labels_that_come_together_are_written_together_and_each_caller_is_told(tmp_path: Path) -> None:
    feedback = Feedback(tmp_path)

    async def many() -> list[int]:
        sends = [feedback.take("flights", SIGNATURE, {"request": f"r-{i}", "label": "no"}) for i in range(100)]
        return await asyncio.gather(*sends)

    assert asyncio.run(many()) == [1] * 100
    feedback.close()
    assert sorted(kept(tmp_path)) == sorted((f"r-{i}", 0, "no") for i in range(100))
    assert opened(tmp_path / "feedback" / "flights" / "1").version() < 50


NAMES = st.sampled_from(["request", "row", "label", "at", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
    max_leaves=8,
)  # fmt: skip


@given(JSON)
@settings(deadline=None)
def test_no_body_breaks_it(body: Any) -> None:
    for signature in (SIGNATURE, NUMBER):
        try:
            found = labels_of(body, signature, "m")
        except Refused as refused:
            assert refused.status in (400, 413)
        else:
            assert found
