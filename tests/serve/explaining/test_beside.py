"""A prediction with its explanation beside it: the prediction is what it would be, whatever becomes of the other."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.serve.access.conftest import BODY, PREDICT, Desk, models  # noqa: F401
from tests.serve.conftest import SAMPLE, WORD, Caller, Running
from tests.serve.explaining.conftest import INPUTS, ROW, Stand, said
from tests.serve.versions.conftest import write_version
from tests.serve.versions.test_life import Say
from tests.serve.versions.test_life import said as talked

from aimass.serve.app import App
from aimass.serve.explaining import beside
from aimass.serve.explaining.beside import joined
from aimass.serve.explaining.word import taken
from aimass.serve.messages import Refused
from aimass.serve.predictor import Served
from aimass.serve.v2.said import HEADER

PATH, INFER, V1 = "/v1/predict/flights", "/v2/models/flights/infer", "/v1/models/flights:predict"
FOUND = {"explanations": ["as it was found"], "elapsed_ms": 1.0}
NEVER = 3600.0  # seconds


@pytest.fixture
def stand() -> Stand:
    return Stand(FOUND)


@pytest.fixture
def ask(served: Served, stand: Stand) -> Caller:
    app = App([served])
    app.explanations.short = app.explanations.long = stand  # type: ignore[assignment]
    return Caller(app)


# -- what is there -----------------------------------------------------------------------------------------------


def test_a_prediction_that_asks_comes_with_reasons_that_add_up_to_it(server: Running) -> None:
    body = {"records": [ROW, SAMPLE[0]], "explain": {"target": "yes", "budget_ms": 1000}}
    until = time.monotonic() + 60
    while "error" in (told := said(server.port, "POST", PATH, body).json)["explain"]:  # late, on a busy machine
        assert told["explain"]["status"] == 504 and time.monotonic() < until, told
    plain = said(server.port, "POST", PATH, {"records": [ROW, SAMPLE[0]]}).json
    assert {name: told[name] for name in plain} == plain
    for one, prediction in zip(told["explain"]["explanations"], plain["predictions"], strict=True):
        parts = sum(part["attribution"] for part in one["attributions"])
        assert one["base_value"] + parts == pytest.approx(prediction["probabilities"]["yes"], abs=1e-3)


def test_v2_is_asked_and_answers_in_its_parameters(server: Running) -> None:
    asked = {"inputs": INPUTS, "parameters": {"explain": {"target": "yes", "budget_ms": 500}}}
    until = time.monotonic() + 60
    while "error" in (told := said(server.port, "POST", INFER, asked).json)["parameters"]["explain"]:
        assert time.monotonic() < until, told
    plain = said(server.port, "POST", INFER, {"inputs": INPUTS}).json
    assert told["outputs"] == plain["outputs"] and set(told) == {*plain, "parameters"}
    one = told["parameters"]["explain"]["explanations"][0]
    assert one["prediction"] == pytest.approx(plain["outputs"][1]["data"][1], abs=1e-6)
    assert {part["name"] for part in one["attributions"]} == {"size", WORD, "seen"}


def test_instances_are_predicted_and_explained(ask: Caller) -> None:
    told = ask("POST", V1, {"instances": [ROW], "explain": True}).json
    assert told == {**ask("POST", V1, {"instances": [ROW]}).json, "explain": {"model": "flights@3", **FOUND}}


def test_one_record_may_ask_too(ask: Caller, stand: Stand) -> None:
    told = ask("POST", PATH, {**ROW, "explain": {"budget_ms": 7, "seed": 2}}).json
    assert told["predictions"] == ask("POST", PATH, ROW).json["predictions"] and "explain" in told
    assert stand.asked[0]["records"] == [ROW] and stand.asked[0]["asked"] == {"budget_ms": 7, "seed": 2}


@pytest.mark.parametrize("text", ['{"budget_ms": 7}', True, {"budget_ms": 7}])
def test_parameters_of_v2_may_be_texts_as_strict_clients_send_them(ask: Caller, stand: Stand, text: Any) -> None:
    assert ask("POST", INFER, {"inputs": INPUTS, "parameters": {"explain": text}}).status == 200
    assert stand.asked[0]["asked"] == ({} if text is True else {"budget_ms": 7})


def test_tensors_behind_the_json_stay_where_the_header_says(ask: Caller) -> None:
    parameters = {"binary_data_output": True}
    plain = ask("POST", INFER, {"inputs": INPUTS, "parameters": parameters})
    told = ask("POST", INFER, {"inputs": INPUTS, "parameters": {**parameters, "explain": True}})
    sizes = [int(reply.headers[HEADER.decode()]) for reply in (plain, told)]
    head = json.loads(told.body[: sizes[1]])
    assert head.pop("parameters")["explain"]["explanations"] == FOUND["explanations"]
    assert head == json.loads(plain.body[: sizes[0]]) and told.body[sizes[1] :] == plain.body[sizes[0] :]
    assert np.frombuffer(told.body[-8:], np.float32).sum() == pytest.approx(1.0)


# -- who does not ask --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("no", [None, False])
def test_who_does_not_ask_gets_what_it_always_got(ask: Caller, stand: Stand, no: Any) -> None:
    assert ask("POST", PATH, {"records": [ROW], "explain": no}).body == ask("POST", PATH, {"records": [ROW]}).body
    plain = ask("POST", INFER, {"inputs": INPUTS}).body
    assert ask("POST", INFER, {"inputs": INPUTS, "parameters": {"explain": no}}).body == plain
    assert stand.asked == []


def test_a_question_is_never_taken_for_one_like_it_that_asked_for_no_reasons(ask: Caller, stand: Stand) -> None:
    plain, asking = {"inputs": INPUTS, "parameters": {}}, {"inputs": INPUTS, "parameters": {"explain": True}}
    told = [("explain" in ask("POST", INFER, body).json.get("parameters", {})) for body in [asking, plain] * 3]
    assert told == [True, False] * 3 and len(stand.asked) == 3


def test_a_column_of_that_name_is_a_column() -> None:
    body = {"explain": 3.0, "size": 1.0}
    assert taken(body, frozenset({"explain", "size"})) is None and body["explain"] == 3.0
    assert taken(body, frozenset({"size"})) == 3.0 and body == {"size": 1.0}


def test_a_request_that_is_refused_or_fails_is_not_explained(ask: Caller, stand: Stand) -> None:
    assert ask("POST", PATH, {"records": [{**ROW, "size": "x"}], "explain": True}).status == 400
    assert ask("POST", INFER, {"inputs": INPUTS[:2], "parameters": {"explain": True}}).status == 400
    assert stand.asked == []


def test_a_shadow_is_asked_and_explains_nothing(tmp_path: Path) -> None:
    for number in (1, 2):
        write_version(tmp_path / "m" / str(number), number)
    stand = Stand(FOUND)

    async def talk(say: Say, app: App) -> None:
        app.explanations.short = stand  # type: ignore[assignment]
        await say("POST", "/v1/deployments/m/shadow", {"version": "2"})
        told = await say("POST", "/v1/predict/m", {"record": {"a": 7.0}, "explain": True})
        assert told.json["predictions"] == [{"value": 1007.0}] and told.json["explain"]["model"] == "m@1"
        shadow = app.deployments["m"].shadow
        while shadow.compared + shadow.failed == 0:
            await asyncio.sleep(0.001)
        assert (shadow.compared, shadow.failed, len(stand.asked)) == (1, 0, 1)

    talked(tmp_path, talk)


# -- what goes wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("explain", "status", "word"),
    [
        (3, 400, "explain"),
        ("{", 400, "explain"),
        ({"budjet_ms": 3}, 400, "budget_ms"),
        ({"budget_ms": 1e9}, 400, "budget_ms"),
        ({"budget_ms": "long"}, 400, "budget_ms"),
    ],
)
def test_whatever_is_wrong_with_the_question_is_said_beside_the_prediction(
    ask: Caller, stand: Stand, explain: Any, status: int, word: str
) -> None:
    told = ask("POST", PATH, {"records": [ROW], "explain": explain})
    assert told.status == 200 and told.json["predictions"] == ask("POST", PATH, ROW).json["predictions"]
    assert told.json["explain"]["status"] == status and word in str(told.json["explain"]) and stand.asked == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["budget_ms", "seed", "x"]), inner),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(json_values)
def test_whatever_is_asked_beside_it_the_prediction_stands(ask: Caller, explain: Any) -> None:
    for path, body in ((PATH, {"record": ROW, "explain": explain}),
                       (INFER, {"inputs": INPUTS, "parameters": {"explain": explain}})):  # fmt: skip
        told = ask("POST", path, {**body}, prefer="respond-async, wait=1")
        assert told.status == 200 and (told.json.get("predictions") or told.json.get("outputs")), told.body


def test_a_prediction_of_more_rows_than_are_explained_is_given_without(ask: Caller) -> None:
    told = ask("POST", PATH, {"records": [ROW] * 65, "explain": True}).json
    assert len(told["predictions"]) == 65 and told["explain"]["status"] == 413


@pytest.mark.parametrize(("error", "status"), [(Refused(503, "it has ended"), 503), (RuntimeError("a bug"), 500)])
def test_an_explanation_that_fails_takes_no_prediction_away(
    ask: Caller, stand: Stand, error: Exception, status: int
) -> None:
    stand.found = error
    told = ask("POST", INFER, {"inputs": INPUTS, "parameters": {"explain": True}})
    assert told.status == 200 and told.json["outputs"]
    assert told.json["parameters"]["explain"]["status"] == status


def test_a_late_explanation_is_not_waited_for(ask: Caller, stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "PATIENCE", 0.01)
    stand.seconds = NEVER
    told = ask("POST", PATH, {"records": [ROW], "explain": {"budget_ms": 1}}).json
    assert told["predictions"] and told["explain"]["status"] == 504
    assert stand.gone[0]()  # where it still stands in line, nobody makes it


def test_who_says_how_long_it_waits_has_its_prediction_by_then(ask: Caller, stand: Stand) -> None:
    stand.seconds = NEVER
    parameters = {"timeout": 200_000, "explain": {"budget_ms": 50_000}}
    told = ask("POST", INFER, {"inputs": INPUTS, "parameters": parameters}).json
    assert told["outputs"] and told["parameters"]["explain"]["status"] == 504


def test_the_time_of_an_explanation_is_not_the_models(served: Served) -> None:
    app, counts = App([served]), served.counts

    async def main() -> None:
        begun, over = asyncio.Event(), asyncio.Event()

        class Waiting(Stand):
            async def ask(self, *said: Any, **more: Any) -> dict[str, Any]:
                begun.set()
                await over.wait()
                return FOUND

        app.explanations.short = Waiting(FOUND)  # type: ignore[assignment]
        before, call = counts.statuses[200], Caller(app)
        body = {"records": [ROW], "explain": True}
        task = asyncio.create_task(asking(call, body))
        await begun.wait()
        assert counts.statuses[200] == before + 1 and not task.done()  # counted when the model has answered
        over.set()
        assert (await task)["explain"]["explanations"] == FOUND["explanations"]
        assert counts.statuses[200] == before + 1

    asyncio.run(main())


async def asking(call: Caller, body: Any) -> Any:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await call.app({"type": "http", "method": "POST", "path": PATH, "query_string": b"", "headers": []}, receive, send)
    return json.loads(sent[1]["body"])


# -- who may ------------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(models: list[Served], tmp_path: Path) -> Desk:  # noqa: F811
    found = Desk(models, tmp_path / "keys")
    found.app.explanations.short = Stand(FOUND)  # type: ignore[assignment]
    return found


EXPLAINED = json.dumps({**json.loads(BODY), "explain": True}).encode()


def test_a_key_that_may_only_predict_gets_its_prediction_and_no_reasons(desk: Desk) -> None:
    told = desk("POST", PREDICT, EXPLAINED, desk.add("caller", "predict"))
    assert told.status == 200 and told.json["predictions"]
    assert told.json["explain"]["status"] == 403 and "'explain'" in told.json["explain"]["error"]
    both = desk("POST", PREDICT, EXPLAINED, desk.add("both", "predict", "explain"))
    assert both.json["explain"]["explanations"] == FOUND["explanations"]


def test_rows_that_are_explained_beside_are_rows_that_were_asked_for(desk: Desk) -> None:
    rows = len(SAMPLE)
    token = desk.add("few", quota=3 * rows)
    first, second = (desk("POST", PREDICT, EXPLAINED, token).json for _ in range(2))
    assert first["explain"]["explanations"] and second["predictions"] and second["explain"]["status"] == 429


def test_the_parts_of_an_answer_are_joined_as_json() -> None:
    body, fields = joined(b'{"a":1}rest', ((HEADER, b"7"), (b"x", b"y")), b'{"b":2}', "parameters")
    assert body == b'{"a":1,"parameters":{"explain":{"b":2}}}rest'
    assert dict(fields) == {HEADER: b"%d" % (len(body) - 4), b"x": b"y"}
