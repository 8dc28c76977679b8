"""Live parameters: what may be changed, what is refused, what is remembered, and what a change does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serve.conftest import SAMPLE, Caller, Running
from tests.serve.test_server import PATH, ask

from aimass.serve.app import App
from aimass.serve.http.crowd import Crowd
from aimass.serve.messages import Refused
from aimass.serve.parameters import MODEL, SERVER, Parameters
from aimass.serve.predictor import Served, Wanted, load

DEFAULTS = {"server/idle_seconds": 75.0, "models/*/call_rows": 1024, "models/*/waiting_rows": 16_384}
NAMES = ("server/idle_seconds", "models/a/call_rows", "models/a/waiting_rows", "models/b.c/call_rows")


def parameters() -> Parameters:
    return Parameters(lambda: ("a", "b.c"), DEFAULTS)


@given(st.lists(st.dictionaries(st.sampled_from(NAMES), st.one_of(st.none(), st.integers(1, 1000)), min_size=1)))
def test_taking_all_changes_back_leads_to_where_it_began(changes: list[dict[str, Any]]) -> None:
    found = parameters()
    for values in changes:
        after = found.change(values)
        assert {name: found.value(name) for name in values} == after
    for _ in changes:
        found.undo()
    assert all(found.value(name) == found.default(name) for name in found.names())
    assert len(found.history) == 2 * len(changes)


@pytest.mark.parametrize(
    "values",
    [
        {}, {"server/idle_second": 30}, {"models/other/call_rows": 1}, {"server/idle_seconds": "30"},
        {"server/idle_seconds": float("nan")}, {"models/a/call_rows": 0}, {"models/a/call_rows": 1.5},
        {"models/a/call_rows": True}, {"models/*/call_rows": 4}, {"models/a/call_rows": 8, "server/idle_seconds": -1},
    ],
)  # fmt: skip
def test_what_cannot_be_changes_nothing(values: dict[str, Any]) -> None:
    found = parameters()
    with pytest.raises(Refused) as caught:
        found.change(values)
    assert caught.value.status == 400 and not found.values and not found.history


def test_a_change_shows_what_was_before_and_after_and_can_be_taken_back(call: Caller) -> None:
    call.app.live.serves(Crowd())
    rows = {row["name"]: row for row in call("GET", "/v1/parameters").json["parameters"]}
    assert rows["models/flights/call_rows"]["value"] == rows["models/flights/call_rows"]["default"] == 1024
    assert {"unit", "help", "effect", "low", "high"} <= set(rows["server/idle_seconds"])
    reply = call("PATCH", "/v1/parameters", {"models/flights/call_rows": 8, "server/idle_seconds": 5})
    assert reply.status == 200
    (entry,) = reply.json["history"]
    assert entry["changes"]["models/flights/call_rows"] == {"before": 1024, "after": 8}
    served = call.app.life.models[0]
    assert served.batcher.limit == 8 >= served.batcher.most and call.app.live.crowd is not None
    assert call.app.live.crowd.limits.idle_seconds == 5
    assert call("POST", "/v1/parameters/undo").status == 200
    assert served.batcher.limit == 1024 and call.app.live.crowd.limits.idle_seconds == 75
    assert call("POST", "/v1/parameters/undo").status == 409
    assert call("PATCH", "/v1/parameters", {"server/port": 1}).status == 400


def test_every_parameter_has_an_effect(served: Served) -> None:
    app, crowd = App([served]), Crowd()
    app.live.serves(crowd)
    served.around.live["log_sample"] = 1.0
    before = (crowd.limits, app.life.trials.seconds, vars(served.batcher).copy(), served.batcher.waiting.bound)
    for key, one in SERVER.items():
        app.live.set({f"server/{key}": one.high})
    for key, one in MODEL.items():
        app.live.set({f"models/flights/{key}": one.low})
    assert all(getattr(crowd.limits, key) == SERVER[key].high for key in SERVER if key != "trial_seconds")
    assert app.life.trials.seconds == SERVER["trial_seconds"].high
    batcher = served.batcher
    assert (batcher.limit, batcher.waiting.bound, batcher.inline) == (1, 1, 0) and served.around.live["log_sample"] == 0
    assert before[0] != crowd.limits


def test_a_version_that_is_loaded_later_begins_as_its_name_was_changed(folder: Path) -> None:
    first, second = (load(Wanted(folder, "flights", number)) for number in (1, 2))
    app = App([first])
    app.live.set({"models/flights/call_rows": 16})
    app.life.begin([second])
    assert second.batcher.limit == first.batcher.limit == 16
    for model in (first, second):
        model.close()


def test_a_running_server_keeps_answering_with_what_was_changed(server: Running) -> None:
    status, told = ask(server.port, "PATCH", "/v1/parameters", '{"models/flights/call_rows": 1}')
    assert status == 200
    status, answered = ask(server.port, "POST", PATH, json.dumps({"records": SAMPLE}))
    assert status == 200 and len(answered["predictions"]) == 2
    assert ask(server.port, "POST", "/v1/parameters/undo")[0] == 200
    names = {row["name"] for row in told["parameters"]}
    assert {f"server/{key}" for key in SERVER} <= names
