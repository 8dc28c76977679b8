"""A release that comes from elsewhere: which of its budgets hold here, each told with both figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from aimass.core.artifact import Artifact
from aimass.core.errors import InputError, TaskFailed
from aimass.core.task import Task
from aimass.measure.machine import machine_digest
from aimass.publish.held import held_among, held_here, served
from aimass.publish.registry import publish_version
from aimass.runner.workspace import Workspace
from aimass.search.goal import Goal
from aimass.search.ledger import ledger_of

Adding = Callable[..., Artifact]
GOAL = {"target": "y", "floor": 0.7, "p99_ms": 4.0, "size_mb": 2.0}


def figure(value: float, half: float) -> dict[str, Any]:
    return {"value": value, "low": value - half, "high": value + half, "n": 100}


def report_of(model: str, *, quality: float = 0.8, p99: float = 3.0, machine: str = "there") -> dict[str, Any]:
    """A report of `measure` about MODEL, on the rows of no examples."""
    return {
        "model": model, "examples": "e" * 64, "task": "binary", "rows": 100, "size_bytes": 1_000_000,
        "candidate": {"architecture": {"use": "mlp"}, "passes": [], "engine": None},
        "quality": {"roc_auc": figure(quality, 0.01)}, "against_baseline": None,
        "engine": {"p50_ms": figure(0.1, 0.01), "p99_ms": figure(0.2, 0.01), "ratio_to_baseline": None},
        "endpoint": {"p50_ms": figure(1.0, 0.1), "p99_ms": figure(p99, 0.1), "clients": 4},
        "machine": {"digest": machine},
    }  # fmt: skip


@pytest.fixture
def flights(workspace: Workspace, add: Adding, model: Artifact) -> Workspace:
    """flights@1, with a ledger that was measured elsewhere."""
    report = report_of(model.digest)
    told = add("report", **{"report.json": json.dumps(report)})
    ledger = ledger_of([(told.digest, report)], Goal.from_settings(GOAL), [])
    assert ledger["pick"]
    return publish(workspace, add, json.dumps(ledger))


def publish(workspace: Workspace, add: Adding, ledger: str) -> Workspace:
    release = add("release", **{"release.json": "{}", "ledger.json": ledger})
    publish_version(workspace, release, "flights")  # type: ignore[arg-type]
    return workspace


def measured(space: Workspace, add: Adding, monkeypatch: pytest.MonkeyPatch, **figures: Any) -> list[Task]:
    """What is asked for instead of being measured: a report with these FIGURES comes of it."""
    asked: list[Task] = []

    def run(task: Task) -> Artifact:
        asked.append(task)
        report = report_of(task.inputs["model"], machine=machine_digest(), **figures)  # type: ignore[call-overload]
        return add("report", **{"report.json": json.dumps(report)})

    monkeypatch.setattr(space, "run", run)
    return asked


def test_each_budget_is_told_with_the_figure_of_there_and_of_here(
    flights: Workspace, add: Adding, monkeypatch: pytest.MonkeyPatch
) -> None:
    [asked] = [measured(flights, add, monkeypatch, p99=6.0)]
    told = held_here(flights, "flights")
    assert (told["release"], told["holds"], told["measured_on"]) == ("flights@1", False, "there")
    assert told["why"] == "p99 upper bound 6.1 ms > 4 ms"
    lines = {line["budget"]: line for line in told["budgets"]}
    assert {name: line["here"]["met"] for name, line in lines.items()} == {
        "floor": True, "p99_ms": False, "size_mb": True,
    }  # fmt: skip
    p99 = lines["p99_ms"]
    assert (p99["asked"], p99["unit"], p99["there"]["measured"], p99["here"]["measured"]) == (4.0, "ms", 3.0, 6.0)
    assert p99["there"]["met"] and p99["here"]["interval"] == [5.9, 6.1]
    [task] = asked
    assert task.step == "measure" and task.settings["machine"] == machine_digest()
    assert (task.inputs["examples"], task.settings["clients"]) == ("e" * 64, 4)


def test_a_release_that_keeps_all_of_them_holds(
    flights: Workspace, add: Adding, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(flights, add, monkeypatch, p99=1.0)
    told = held_here(flights, "flights@1")
    assert told["holds"] is True and told["why"] == "" and len(told["report"]) == 64


@pytest.mark.parametrize("error", [InputError("openvino is not installed"), TaskFailed("its process died")])
def test_what_cannot_be_measured_here_does_not_hold(
    flights: Workspace, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def run(task: Task) -> Artifact:
        raise error

    monkeypatch.setattr(flights, "run", run)
    told = held_here(flights, "flights")
    assert (told["holds"], told["why"]) == (False, str(error))
    assert [line["here"]["measured"] for line in told["budgets"]] == [None] * 3


@pytest.mark.parametrize("ledger", ["{", "[]", "{}", '{"asked": {"target": "y"}, "task": "binary", "pick": null}'])
def test_a_ledger_that_is_none_holds_nothing(workspace: Workspace, add: Adding, ledger: str) -> None:
    told = held_here(publish(workspace, add, ledger), "flights")
    assert told["holds"] is False and "the ledger of flights@1 cannot be read" in told["why"]


def test_where_nothing_was_promised_nothing_is_measured(workspace: Workspace, add: Adding, model: Artifact) -> None:
    release = add("release", **{"release.json": "{}"})
    publish_version(workspace, release, "bare")  # type: ignore[arg-type]
    assert held_here(workspace, "bare")["holds"] is None
    report = report_of(model.digest)
    told = add("report", **{"report.json": json.dumps(report)})
    ledger = ledger_of([(told.digest, report)], Goal.from_settings({"target": "y"}), [])
    assert held_here(publish(workspace, add, json.dumps(ledger)), "flights")["why"] == "no budget was set"
    assert workspace.runs() == []


def test_those_that_aliases_point_to_are_measured_unless_more_is_asked_for(workspace: Workspace, add: Adding) -> None:
    for text in ("one", "two", "three"):
        release = add("release", **{"release.json": json.dumps(text)})
        publish_version(workspace, release, "flights", alias="old" if text == "one" else "champion")  # type: ignore[arg-type]
    assert served(workspace) == ["flights@1", "flights@3"]
    noted: list[str] = []
    for which, count in (("none", 0), ("served", 1), ("all", 2)):
        found = held_among(workspace, ["flights@2", "flights@3"], which, noted.append)
        assert len(found) == count
    assert noted[0] == "measuring flights@3 on this machine"
