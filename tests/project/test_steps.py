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
        ('do = "tests.runner.chain:make"', "do = 5", "aimass.toml:7:1: [steps.rows] no `do`"),
        (
            '[steps.rows]\ndo = "tests.runner.chain:make"\nrows = 4\nsave_as = "four"',
            "[steps]\nrows = 5",
            "aimass.toml:8:1: [steps.rows] got 5",
        ),
        ('save_as = "four"', "save_as = 4", "aimass.toml:10:1: [steps.rows.save_as] got 4"),
        ('save_as = "four"', "on = 4", "aimass.toml:10:1: [steps.rows.on] got 4"),
        ('save_as = "four"', "needs = 4", "aimass.toml:10:1: [steps.rows.needs] got 4"),
        ('save_as = "four"', "seed = -1", "aimass.toml:10:1: [steps.rows.seed] make: seed is -1"),
        (
            'dataset = "rows"',
            'dataset = ["rows"]',
            "aimass.toml:5:1: [steps.sum.dataset] total: input dataset is ['rows",
        ),
        ('dataset = "rows"', "dataset = 5", "aimass.toml:5:1: [steps.sum.dataset] total: input dataset is 5"),
        (
            'do = "tests.runner.chain:total"\ndataset = "rows"',
            'do = "train"\nmodel = "linear"\nexamples = "rows"',
            "aimass.toml:6:1: [steps.sum.examples] train: input examples is a dataset",
        ),
        ('dataset = "rows"', 'dataset = "row"', "aimass.toml:3:1: [steps.sum] nothing is called 'row'"),
        ('dataset = "rows"', "", "aimass.toml:3:1: [steps.sum] total: no dataset"),
    ],
)
def test_a_wrong_step_is_said_with_its_line(steps: Write, tmp_path: Path, old: str, new: str, says: str) -> None:
    workspace = Workspace(tmp_path / "w")
    with pytest.raises(InputError) as caught:
        run_steps(steps(old, new), workspace)
    assert says in caught.value.what
    assert workspace.runs() == [], "all steps are checked before the first one runs"


def test_a_name_that_a_step_saves_is_an_input_too(steps: Write, tmp_path: Path) -> None:
    text = STEPS.replace('dataset = "rows"', 'dataset = "four"').split("\n\n")
    (tmp_path / "w").mkdir()
    project = steps(STEPS, "\n\n".join([text[0], text[2], text[1]]) + "\n")
    assert run_steps(project, Workspace(tmp_path / "w"))["sum"].read_json("report.json") == {"total": 14}


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
