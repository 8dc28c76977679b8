"""The long form: any graph of steps, but no ring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aimass.core.errors import InputError
from aimass.project.file import Project
from aimass.project.steps import order, run_steps
from aimass.runner.workspace import Event, Workspace

STEPS = """\
name = "long"

[steps.sum]
do = "tests.runner.chain:total"
dataset = "rows"

[steps.rows]
do = "tests.runner.chain:make"
rows = 4
save_as = "four"
"""
Write = Callable[..., Project]


@pytest.fixture
def steps(write: Write) -> Write:
    return lambda old="", new="": write(old, new, text=STEPS)


def test_steps_run_after_those_they_name(steps: Write, tmp_path: Path) -> None:
    workspace, seen = Workspace(tmp_path / "w"), list[Event]()
    workspace.observe(seen.append)
    done = run_steps(steps(), workspace)
    assert list(done) == ["rows", "sum"]
    assert done["sum"].read_json("report.json") == {"total": 14}
    assert workspace.get("four").digest == done["rows"].digest
    assert workspace.get("long/sum").digest == done["sum"].digest
    assert run_steps(steps(), workspace)["sum"].digest == done["sum"].digest
    assert [e.kind for e in seen] == ["started", "finished", "started", "finished", "reused", "reused"]


def test_an_input_may_be_anything_in_the_workspace(steps: Write, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    run_steps(steps(), workspace)
    done = run_steps(steps('dataset = "rows"', 'dataset = "four"'), workspace)
    assert done["sum"].read_json("report.json") == {"total": 14}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("rows = 4", "row = 4", "aimass.toml:9:1: [steps.rows.row] no setting of make is called 'row'; did you mean"),
        ("rows = 4", 'rows = "4"', "aimass.toml:9:1: [steps.rows.rows] make.rows: got '4'"),
        ("save_as", "saveas", "aimass.toml:10:1: [steps.rows.saveas] no setting of make is called 'saveas'; did you"),
        ('"tests.runner.chain:make"', '"trian"', "aimass.toml:7:1: [steps.rows] no step is called 'trian'; did you"),
        ('do = "tests.runner.chain:make"', "", "aimass.toml:7:1: [steps.rows] no `do`"),
        ('dataset = "rows"', 'dataset = "row"', "aimass.toml:3:1: [steps.sum] nothing is called 'row'"),
        ('dataset = "rows"', "", "aimass.toml:3:1: [steps.sum] total: no dataset"),
    ],
)
def test_a_wrong_step_is_said_with_its_line(steps: Write, tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        run_steps(steps(old, new), Workspace(tmp_path / "w"))
    assert says in caught.value.what


def test_a_ring_is_named_and_nothing_runs(steps: Write, tmp_path: Path) -> None:
    ring = """
[steps.one]
do = "tests.runner.chain:look"
previous = "two"
what = "x"

[steps.two]
do = "tests.runner.chain:look"
previous = "one"
what = "y"
"""
    workspace, project = Workspace(tmp_path / "w"), steps(new=ring)
    with pytest.raises(InputError, match=r"\[steps\.one\] steps need each other: one -> two -> one"):
        run_steps(project, workspace)
    assert workspace.runs() == []


def test_every_step_comes_after_what_it_needs(write: Write) -> None:
    names = [f"s{i}" for i in range(20)]
    tables = [f'[steps.s{i}]\ndo = "tests.runner.chain:look"\nwhat = "x"\nprevious = "s{i + 1}"\n' for i in range(19)]
    project = write(text="\n".join([*tables, '[steps.s19]\ndo = "tests.runner.chain:look"\nwhat = "x"\n']))
    assert order(project, project.tables["steps"]) == names[::-1]
