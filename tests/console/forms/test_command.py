"""The command beside a form asks for exactly the task that the form makes."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from click.testing import CliRunner

from aimass.cli import verbs
from aimass.cli.main import cli
from aimass.console.forms.command import command_of
from aimass.core.step import Step, load_step
from aimass.core.task import Task

E, M, R = "e" * 64, "a" * 64, "b" * 64
TASKS: list[tuple[str, dict[str, Any], dict[str, Any], int]] = [
    ("train", {"examples": E}, {"model": "linear"}, 0),
    ("train", {"examples": E}, {"model": {"use": "mlp", "width": 8, "dropout": 0.25, "norm": "layer"}}, 7),
    ("train", {"examples": E, "start": M}, {"model": "mlp", "recipe": {"use": "gradient", "minutes": 1e-6}}, 0),
    ("train", {"examples": E}, {"model": "mlp", "recipe": {"use": "gradient", "lora": {"rank": 4}}}, 0),
    ("train", {"examples": E}, {"model": "mlp", "recipe": {"use": "gradient", "freeze": ['a "b"\n\\u0041 ü']}}, 0),
    ("prepare", {"dataset": M}, {"target": "true", "columns": {"a b": "drop", "c": {"use": "text", "length": 9}}}, 0),
    ("prepare", {"dataset": M}, {"target": "-x", "task": "binary", "split": {"by": "time", "column": "day"}}, 0),
    ("collect", {}, {"name": "rows", "source": {"use": "csv", "path": "my file's.csv"}}, 0),
    ("clean", {"sources": {"a b": M, "c": R}}, {}, 0),
    ("compress", {"model": M, "examples": E}, {"passes": ["quantize-int8-dynamic", {"use": "quantize-int8"}]}, 0),
    ("measure", {"model": M, "examples": E, "answered": R}, {"metrics": ["roc_auc"], "machine": "x"}, 0),
    ("choose", {"reports": [R, M]}, {"goal": {"target": "late", "floor": 0.5}}, 0),
    ("publish", {"model": M}, {"name": "flights", "gates": ["parity"]}, 0),
    ("publish", {"model": M, "ledger": R}, {"name": "flights"}, 0),
]  # fmt: skip


class Known:
    """An artifact by the name that the command gave it."""

    def __init__(self, name: str) -> None:
        self.digest = {"flights/it": E}.get(name) or name[:1] * 64


class Place:
    def get(self, name: str, kind: str | None = None) -> Known:
        return Known(name)


@pytest.mark.parametrize(("verb", "inputs", "settings", "seed"), TASKS)
def test_a_command_asks_for_the_task_it_was_made_of(
    monkeypatch: pytest.MonkeyPatch, verb: str, inputs: dict[str, Any], settings: dict[str, Any], seed: int
) -> None:
    step, asked = load_step(verb), list[Task]()
    task = step.task(inputs, settings, seed)
    words = shlex.split(command_of(step, task, {E: "flights/it"}))
    if words[0] == "echo":
        assert Task.from_json(words[1]) == task and words[2:] == ["|", "aimass", "task"]
        return

    def run(self: Step, place: Any, task: Task, **how: Any) -> Any:
        asked.append(task)
        raise SystemExit(0)

    monkeypatch.setattr(verbs, "anywhere", lambda ctx: Place())
    monkeypatch.setattr(Step, "run", run)
    done = CliRunner().invoke(cli, words[1:])
    assert done.exit_code == 0, (words, done.output)
    assert asked == [task]


def test_a_command_is_as_short_as_its_defaults_allow() -> None:
    step = load_step("publish")
    task = step.task({"model": M, "ledger": None}, {"name": "flights"})
    assert command_of(step, task, {M: "flights/mlp"}) == "aimass publish flights/mlp --name flights"
