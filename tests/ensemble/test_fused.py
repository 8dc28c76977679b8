"""What one graph answers is what its members answer, put together in plain numpy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimass.ensemble.joint import Joint
from tests.ensemble.conftest import Made
from tests.ensemble.made import asked, rows_of, together

ROUTE = {"use": "route", "column": "colour", "values": {"red": "few", "blue": "mlp"}, "otherwise": "trees"}
CASCADE = {"use": "cascade", "first": "few", "last": "trees", "threshold": 0.6}
CLASSES, ALL = ("binary", "multiclass"), ("binary", "multiclass", "regression")


def mean(each: dict[str, np.ndarray], found: dict[str, Any], rows: Any) -> np.ndarray:
    return np.asarray(sum(weight * each[name] for name, weight in found["weights"].items()))


def vote(each: dict[str, np.ndarray], found: dict[str, Any], rows: Any) -> np.ndarray:
    votes = np.mean([np.eye(a.shape[1])[a.argmax(axis=1)] for a in each.values()], axis=0)
    say = 1e-3 / len(each)
    return np.asarray((votes + say * np.mean(list(each.values()), axis=0)) / (1 + say))


def most(each: dict[str, np.ndarray], found: dict[str, Any], rows: Any) -> np.ndarray:
    top = np.max(list(each.values()), axis=0)
    return np.asarray(top / top.sum(axis=1, keepdims=True))


def cascade(each: dict[str, np.ndarray], found: dict[str, Any], rows: Any) -> np.ndarray:
    sure = each["few"].max(axis=1, keepdims=True) >= np.float32(found["threshold"])
    assert 0 < sure.mean() < 1
    return np.where(sure, each["few"], each["trees"])


def route(each: dict[str, np.ndarray], found: dict[str, Any], rows: Any) -> np.ndarray:
    return np.array([each[ROUTE["values"].get(c, "trees")][i] for i, c in enumerate(rows["colour"])])  # type: ignore[attr-defined]


WAYS = [(how, task, plain) for how, plain, tasks in (
    ("mean", mean, ALL), ("weighted", mean, ALL), ("greedy", mean, ALL), ("vote", vote, CLASSES),
    ("max", most, CLASSES), (CASCADE, cascade, CLASSES), (ROUTE, route, ALL)) for task in tasks]  # fmt: skip


@pytest.mark.parametrize(("how", "task", "plain"), WAYS, ids=lambda v: v["use"] if isinstance(v, dict) else None)
def test_one_graph_answers_as_its_members_do_together(
    how: Any, task: str, plain: Callable[..., np.ndarray], made: Made, tmp_path: Path
) -> None:
    examples, models = made(task)
    used = {n: m for n, m in models.items() if how is not CASCADE or n in ("few", "trees")}
    used = {n: m for n, m in used.items() if how is not ROUTE or n != "small"}
    whole, rows = together(tmp_path, examples, used, how), rows_of(examples)
    output = "value" if task == "regression" else "probabilities"
    each, answer = {n: asked(m, rows)[output] for n, m in used.items()}, asked(whole, rows)
    found = whole.read_json("model.json")["ensemble"]["found"]
    np.testing.assert_allclose(answer[output], plain(each, found, rows), rtol=1e-5, atol=1e-6)
    assert answer[output].dtype == np.float32
    if task != "regression":
        names = np.array(examples.signature.classes, object)
        assert (answer["label"] == names[answer[output].argmax(axis=1)]).all()
        np.testing.assert_allclose(answer[output].sum(axis=1), 1, atol=1e-5)


@pytest.fixture(scope="module")
def routed(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Any:
    examples, models = made("binary")
    used = {n: m for n, m in models.items() if n != "small"}
    whole = together(tmp_path_factory.mktemp("routed"), examples, used, ROUTE)
    pair = {n: models[n] for n in ("few", "trees")}
    return examples, {"route": whole, "cascade": together(tmp_path_factory.mktemp("cascade"), examples, pair, CASCADE)}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(picked=st.lists(st.integers(0, 99), max_size=12))
@pytest.mark.parametrize("how", ["route", "cascade"])
def test_a_row_is_answered_alike_alone_and_in_any_company(how: str, picked: list[int], routed: Any) -> None:
    examples, models = routed
    rows = rows_of(examples)
    whole = asked(models[how], rows)["probabilities"][picked]
    some = asked(models[how], {name: values[picked] for name, values in rows.items()})
    np.testing.assert_allclose(some["probabilities"], whole, atol=1e-6)
    assert some["probabilities"].shape == (len(picked), 2) and some["label"].shape == (len(picked),)


def test_ensembles_are_members_of_ensembles(routed: Any, made: Made, tmp_path: Path) -> None:
    examples, models = routed
    members = {**models, "mlp": made("binary")[1]["mlp"]}
    rows = rows_of(examples)
    answer = asked(together(tmp_path, examples, members, "mean"), rows)["probabilities"]
    np.testing.assert_allclose(answer, np.mean([asked(m, rows)["probabilities"] for m in members.values()], axis=0),
                               atol=1e-6)  # fmt: skip
    inner = {"use": "cascade", "first": "mlp", "last": "cascade", "threshold": 0.6}
    pair = {"mlp": members["mlp"], "cascade": models["cascade"]}
    answer = asked(together(tmp_path / "in", examples, pair, inner), rows)["probabilities"]
    first, last = (asked(pair[name], rows)["probabilities"] for name in ("mlp", "cascade"))
    np.testing.assert_allclose(answer, np.where(first.max(axis=1, keepdims=True) >= 0.6, first, last), atol=1e-6)


# -- members that say how many rows they were given --------------------------------------------------------------


def counting(scale: str) -> onnx.ModelProto:
    """value [N] = the number of rows of the call, of every row."""
    text = f"""
        <ir_version: 8, opset_import: ["" : 17]>
        g (double[N] size) => (float[N] value) {{
            shape = Shape (size)
            number = Cast <to = 1> (shape)
            scale = Constant <value = float {{{scale}}}> ()
            scaled = Mul (number, scale)
            value = Expand (scaled, shape)
        }}"""
    return onnx.parser.parse_model(text)


@pytest.mark.parametrize("mask", [[1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1], []])
def test_a_member_is_run_for_the_rows_it_should_and_no_other(mask: list[int], made: Made) -> None:
    import onnxruntime as ort

    signature = made("regression")[0].signature
    joint = Joint({"first": counting("1.0"), "last": counting("100.0")}, signature, "value")
    needed = joint.add("Greater", ["size", joint.constant(np.array(0.5))])
    whole = joint.finish(joint.instead(joint.answer("first"), "last", needed))
    session = ort.InferenceSession(whole.SerializeToString(), providers=["CPUExecutionProvider"])
    answer = session.run(["value"], {"size": np.array(mask, np.float64)})[0]
    assert answer.tolist() == [100.0 * sum(mask) if here else float(len(mask)) for here in mask]


def test_the_graph_of_a_member_that_nobody_asks_is_not_run(made: Made) -> None:
    """Profiled: where no row is unsure, no node of the last member runs."""
    import json

    import onnxruntime as ort

    signature = made("regression")[0].signature
    joint = Joint({"first": counting("1.0"), "last": counting("100.0")}, signature, "value")
    needed = joint.add("Greater", ["size", joint.constant(np.array(0.5))])
    whole = joint.finish(joint.instead(joint.answer("first"), "last", needed))
    options = ort.SessionOptions()
    options.enable_profiling = True
    session = ort.InferenceSession(whole.SerializeToString(), options, providers=["CPUExecutionProvider"])
    session.run(None, {"size": np.zeros(3)})
    path = Path(session.end_profiling())
    ran = [event["args"].get("op_name") for event in json.loads(path.read_text()) if event.get("cat") == "Node"]
    path.unlink()
    assert "If" in ran and "ScatterND" not in ran and "Compress" not in ran


def test_a_member_that_weighs_nothing_is_not_in_the_graph(made: Made) -> None:
    from aimass.ensemble.mean import weighted

    signature = made("regression")[0].signature
    joint = Joint({"a": counting("1.0"), "b": counting("100.0")}, signature, "value")
    whole = joint.finish(weighted(joint, {"a": 1.0, "b": 0.0}))
    assert not any("/b/" in name for node in whole.graph.node for name in node.output)
