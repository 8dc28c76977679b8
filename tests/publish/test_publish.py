"""A model becomes a release only through its gates, and holds what is served."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aimass.core.errors import InfeasibleError, InputError
from aimass.core.part import resolve
from aimass.engines.base import Engine
from aimass.engines.chosen import engine_of
from aimass.publish.step import publish
from aimass.runner.workspace import Workspace


def published(workspace: Workspace, model: Any, ledger: Any, name: str = "flights", **given: Any) -> Any:
    return workspace.run(publish.task({"model": model.digest, "ledger": ledger.digest}, {"name": name, **given}))


def test_the_pick_of_a_ledger_whose_budgets_are_met_becomes_a_release(workspace, model, ledger_for, budget) -> None:
    ledger = ledger_for(model.digest, budget("p99_ms", 5, 3, True))
    release = published(workspace, model, ledger)
    assert release.kind == "release"
    assert sorted(release.manifest.files) == [
        "ledger.json", "model.json", "model.onnx", "release.json", "sample.json", "signature.json",
    ]  # fmt: skip
    facts = release.read_json("release.json")
    assert (facts["name"], facts["model"], facts["ledger"]) == ("flights", model.digest, ledger.digest)
    assert "p99_ms: asked 5, measured 3" in facts["gates"][0]["reason"]
    assert release.manifest.parents == tuple(sorted((model.digest, ledger.digest)))


def test_the_engine_that_was_picked_goes_along_with_the_files_it_reads(workspace, add, ledger_for) -> None:
    served = {"model.onnx": "x", "signature.json": "{}", "model.json": "{}", "sample.json": "[]"}
    model = add("model", **served, **{"graph.onnx": "g", "head.json": "{}", "trees.json": "{}", "network.onnx": "n"})
    engine = Engine.from_settings({"use": "host", "engine": {"use": "xgboost"}})
    release = published(workspace, model, ledger_for(model.digest, engine=engine.settings()))
    assert engine_of(release.folder) == engine
    assert {"graph.onnx", "trees.json", "head.json"} < set(release.manifest.files)
    assert "network.onnx" not in release.manifest.files


def test_a_model_that_lacks_what_the_picked_engine_reads_is_refused(workspace, model, ledger_for) -> None:
    with pytest.raises(InputError, match=r"has no graph.onnx, head.json, trees.json"):
        published(workspace, model, ledger_for(model.digest, engine={"use": "xgboost"}))


def test_publishing_the_same_again_gives_the_same_release(workspace, model, ledger_for) -> None:
    ledger = ledger_for(model.digest)
    assert published(workspace, model, ledger).digest == published(workspace, model, ledger).digest


@pytest.mark.parametrize("case", ["not the pick", "no pick", "broken budget"])
def test_a_refused_model_leaves_nothing_published(case, workspace, model, ledger_for, budget) -> None:
    ledger = {
        "not the pick": lambda: ledger_for("f" * 64),
        "no pick": lambda: ledger_for(None, binding="p99_ms: asked 1, best 3"),
        "broken budget": lambda: ledger_for(model.digest, budget("p99_ms", 1, 3, False)),
    }[case]()
    with pytest.raises(InfeasibleError) as caught:
        published(workspace, model, ledger)
    said = {"not the pick": "ffffffffffff", "no pick": "best 3", "broken budget": "asked 1, measured 3"}[case]
    assert said in caught.value.what
    assert caught.value.exit_code == 3
    assert workspace.find("release") == []


def test_every_gate_is_asked_and_a_misspelt_one_is_told_the_nearest(workspace, model, ledger_for) -> None:
    with pytest.raises(InputError, match="did you mean 'budgets'"):
        published(workspace, model, ledger_for(model.digest), gates=["budget"])
    release = published(workspace, model, ledger_for(model.digest), gates=["budgets", "budgets"])
    assert [gate["passed"] for gate in release.read_json("release.json")["gates"]] == [True, True]


def test_a_model_without_its_files_is_refused_by_name(workspace, add, ledger_for) -> None:
    bare = add("model", **{"model.onnx": "graph"})
    with pytest.raises(InputError, match=r"signature\.json, model\.json, sample\.json"):
        published(workspace, bare, ledger_for(bare.digest))


def test_a_report_that_is_no_ledger_is_refused(workspace, model, add) -> None:
    report = add("report", **{"report.json": "{}"})
    with pytest.raises(InputError, match="is no ledger") as caught:
        published(workspace, model, report)
    assert "choose" in caught.value.todo


@pytest.mark.parametrize("name", ["", "Flights", "../up", "a/b", "a@b", "-x", "x" * 101, "vols é"])
def test_a_name_that_cannot_be_a_path_is_refused_with_one_that_can(name, workspace, model, ledger_for) -> None:
    with pytest.raises(InputError, match="cannot be a name") as caught:
        published(workspace, model, ledger_for(model.digest), name=name)
    repaired = caught.value.todo.removeprefix("try ").strip("'")
    assert published(workspace, model, ledger_for(model.digest), name=repaired).facts["name"] == repaired


def test_the_gate_named_in_the_table_is_a_gate() -> None:
    assert resolve("gate", "budgets").from_settings("budgets").settings()["use"] == "budgets"


def test_a_release_is_readable_json_throughout(workspace, model, ledger_for) -> None:
    release = published(workspace, model, ledger_for(model.digest), name="vols-2")
    for name in ("ledger.json", "release.json"):
        assert json.loads((release.folder / name).read_text(encoding="utf-8"))
