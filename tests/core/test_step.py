"""A step reads its signature; equal meaning is an equal task."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import aimass
from aimass.core.artifact import Artifact, Dataset, Examples, Manifest, Model, Report
from aimass.core.errors import InputError
from aimass.core.stages import VERBS
from aimass.core.step import Context, Step, load_step, step
from aimass.core.task import Task, each
from aimass.measure.base import Metric


@step(revision=2)
def judge(
    ctx: Context,
    model: Model,
    others: list[Examples],
    sources: dict[str, Dataset],
    baseline: Model | None = None,
    *,
    metrics: list[Metric],
    clients: int = 4,
    share: float = 1.0,
    when: str = "",
) -> Report:
    """A step of the tests."""


REFS = {"model": "m", "others": ["e", "f"], "sources": {"a": "d"}}
SETTINGS: dict[str, Any] = {"metrics": ["f1"]}


class Memory:
    """A workspace that only remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Task, dict[str, Any]]] = []

    def run(self, task: Task, **how: Any) -> Artifact:
        self.asked.append((task, how))
        return self.get("result")

    def get(self, ref: str, kind: str | None = None) -> Artifact:
        return Model(Path(), Manifest("model", f"digest of {ref}", {}, ()))


def test_artifacts_are_inputs_and_everything_else_is_a_setting() -> None:
    found = {spec.name: (spec.kind, spec.shape, spec.optional) for spec in judge.inputs.values()}
    assert found == {
        "model": (Model, "one", False),
        "others": (Examples, "list", False),
        "sources": (Dataset, "dict", False),
        "baseline": (Model, "one", True),
    }
    assert list(judge.settings) == ["metrics", "clients", "share", "when"]
    assert (judge.returns, judge.revision, judge.reuse) == (Report, 2, True)


def test_equal_meaning_is_an_equal_task() -> None:
    spelled = {"metrics": [{"use": "f1"}], "clients": 4, "share": 1, "when": ""}
    task = judge.task(REFS, SETTINGS)
    assert judge.task({**REFS, "baseline": None}, spelled).digest == task.digest
    assert Task.from_json(task.to_json()) == task and Task.from_json(task.to_json()).digest == task.digest
    others = [
        judge.task(REFS, {**SETTINGS, "clients": 5}),
        judge.task({**REFS, "baseline": "b"}, SETTINGS),
        judge.task(REFS, SETTINGS, seed=1),
        Step(judge.body, 3, True).task(REFS, SETTINGS),
    ]
    assert len({task.digest, *(t.digest for t in others)}) == 5


def test_place_and_name_are_no_part_of_the_identity() -> None:
    place = Memory()
    judge("m", ["e"], {"a": "d"}, metrics=["f1"], workspace=place)
    judge("m", ["e"], {"a": "d"}, metrics=["f1"], workspace=place, save_as="x", needs={"cpus": 2}, on="ray")
    (first, plain_how), (second, how) = place.asked
    assert first.digest == second.digest and second.label == "x"
    assert how == {"needs": {"cpus": 2}, "on": "ray", "save_as": "x"}
    assert plain_how == {"needs": None, "on": None, "save_as": None}


def test_inputs_may_be_artifacts_or_references() -> None:
    place = Memory()
    model = place.get("m")
    judge(model, others=["e", model], sources={"a": "d"}, metrics=["f1"], workspace=place)
    task = place.asked[0][0]
    assert task.parents == ["digest of m", "digest of e", "digest of m", "digest of d"]


def test_the_body_gets_objects_from_the_tasks_json() -> None:
    arguments = judge.arguments(Task.from_json(judge.task(REFS, {**SETTINGS, "share": 2}).to_json()))
    assert isinstance(arguments["metrics"][0], Metric)
    assert (arguments["share"], type(arguments["share"]), arguments["clients"]) == (2.0, float, 4)


def test_a_date_of_a_project_file_is_text() -> None:
    assert judge.task(REFS, {**SETTINGS, "when": datetime.date(2013, 10, 1)}).settings["when"] == "2013-10-01"


@pytest.mark.parametrize(
    ("inputs", "settings", "key", "says"),
    [
        (REFS, {**SETTINGS, "client": 3}, "client", "no setting of judge is called 'client'; did you mean 'clients'"),
        ({**REFS, "modle": "m"}, SETTINGS, "modle", "did you mean 'model'"),
        (REFS, {"metrics": ["roc_aux"]}, "metrics.use", "did you mean 'roc_auc'"),
        (REFS, {**SETTINGS, "clients": "many"}, "clients", "judge.clients: got 'many'"),
        (REFS, {}, "", "setting 'metrics' is missing"),
        ({**REFS, "model": None}, SETTINGS, "", "judge: no model"),
    ],
)
def test_a_wrong_task_is_refused_before_any_work(
    inputs: Mapping[str, Any], settings: dict[str, Any], key: str, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        judge.task(inputs, settings)
    assert says in caught.value.what and caught.value.key == key


def test_a_step_needs_a_workspace_and_no_more_artifacts_than_it_has_inputs() -> None:
    with pytest.raises(InputError, match="no workspace"):
        judge("m", ["e"], {}, metrics=[])
    with pytest.raises(InputError, match="takes at most 4 artifacts, got 5"):
        judge("m", ["e"], {}, "b", "c", metrics=[], workspace=Memory())


def test_a_step_comes_by_verb_or_by_import_path() -> None:
    for verb in VERBS:
        assert load_step(verb).name == verb
    assert load_step(f"{__name__}:judge") is judge or load_step(f"{__name__}:judge").name == "judge"
    with pytest.raises(InputError, match="no step is called 'trian'; did you mean 'train'"):
        load_step("trian")
    with pytest.raises(InputError, match="is a str, not a step"):
        load_step("aimass.core.artifact:MANIFEST")
    with pytest.raises(InputError, match=r"no object in aimass\.core\.artifact is called"):
        load_step("aimass.core.artifact:nothing")


def test_a_step_of_ones_own_is_found_again_by_its_task() -> None:
    assert judge.task(REFS, SETTINGS).step == f"{__name__}:judge"
    assert load_step("train").place == "train"


def test_references_keep_their_shape() -> None:
    assert each({"a": ["x", "y"], "b": {"c": "z"}, "d": None}, str.upper) == {
        "a": ["X", "Y"], "b": {"c": "Z"}, "d": None,
    }  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_of_the_package_is_callable_as_a_module_too(verb: str) -> None:
    load_step(verb)  # imports the folder, which python then binds over the step
    with pytest.raises(InputError, match=f"{verb}: no workspace"):
        getattr(aimass, verb)()
