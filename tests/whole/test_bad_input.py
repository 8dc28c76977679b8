"""What users give that cannot be used: exit code 2, a sentence, and nothing lost."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from aimass.runner.workspace import Workspace
from tests.whole import tiny
from tests.whole.conftest import Finished, Say

LINES = tiny.lines()
Change = Callable[[Path], object]


def other_answers(answer: Callable[[int, str], str]) -> str:
    """The rows with ANSWER(number, answer) in place of each answer."""
    rows = [line.rpartition(",") for line in LINES]
    return "\n".join([tiny.HEADER, *(f"{front},{answer(i, last)}" for i, (front, _, last) in enumerate(rows))])


def text(content: str, encoding: str = "utf-8") -> Change:
    return lambda path: path.write_bytes(content.encode(encoding))


def toml(old: str, new: str) -> Change:
    """The project file with OLD replaced."""

    def change(path: Path) -> None:
        assert old in tiny.PROJECT
        path.with_name("aimass.toml").write_text(tiny.PROJECT.replace(old, new))

    return change


def many_classes(path: Path) -> None:
    path.write_text("\n".join(["size,bought", *(f"{i},k{i % 3000}" for i in range(6000))]))


def lists(path: Path) -> None:
    rows = ({"size": i * 0.5, "tags": ["a", "b"], "bought": "yes" if i % 2 else "no"} for i in range(100))
    path.with_suffix(".jsonl").write_text("\n".join(map(json.dumps, rows)))
    toml('use = "csv"\npath = "rows.csv"', 'use = "jsonl"\npath = "rows.jsonl"')(path)


WHOLE = "\n".join([tiny.HEADER, *LINES])
BAD: dict[str, tuple[Change, str]] = {
    "missing file": (lambda path: path.unlink(), "no file at .*rows.csv"),
    "empty file": (text(""), "rows.csv is empty"),
    "a header without rows": (text(tiny.HEADER + "\n"), "the source gave no rows"),
    "wrong encoding": (text(WHOLE.replace("red", "röd"), "latin-1"), "rows.csv is not utf-8.*position"),
    "not text at all": (lambda path: path.write_bytes(bytes(range(256)) * 40), "rows.csv is not utf-8"),
    "duplicate column names": (text(WHOLE.replace("size,", "colour,", 1)), "'colour' appears twice"),
    "target absent": (toml('target = "bought"', 'target = "bougt"'), "'bougt'; did you mean 'bought'"),
    "target constant": (text(other_answers(lambda i, last: "3.5")), "bought is '3.5' in every row"),
    "one class only": (text(other_answers(lambda i, last: "yes")), "bought is 'yes' in every row"),
    "target 30 % missing": (
        text(other_answers(lambda i, last: "" if i % 10 < 3 else last)),
        r"bought is missing in 120 of 400 rows \(30%\)",
    ),
    "3 rows": (text("\n".join([tiny.HEADER, *LINES[:3]])), "there are 3 rows"),
    "a target of too many classes": (many_classes, "bought has 3000 different values"),
    "a column of lists": (lists, "column tags holds lists"),
    "unknown part name": (toml('"linear"', '"liner"'), "'liner'; did you mean 'linear'"),
    "setting out of range": (toml("minutes = 30", "minutes = -3"), r"aimass.toml:28:1: \[spend.minutes\].*0.01"),
    "unknown key": (toml("floor =", "flor ="), r"aimass.toml:9:1: \[goal.flor\].*did you mean 'floor'"),
    "no collector": (toml('use = "csv"\n', ""), r"aimass.toml:3:1: \[collect\] no `use`"),
    "not TOML": (toml("floor =", "floor = ="), "aimass.toml.*line 9"),
    "a metric of another task": (toml("floor = 0.55", 'metric = "rmse"'), "rmse cannot score a binary task"),
    "a recipe with a wrong setting": (toml("epochs = 30", "epochs = -1"), r"aimass.toml:20:\d+: \[train.recipe.epochs"),
    "a measurement of nothing": (toml("samples = 300", "samples = 0"), r"aimass.toml:23:1: \[measure.samples\]"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_said_with_what_to_do_and_nothing_is_lost(
    finished: Finished, say: Say, tmp_path: Path, case: str
) -> None:
    change, says = BAD[case]
    project = tiny.write(tmp_path)
    change(tmp_path / "rows.csv")
    before = {row["digest"] for row in Workspace(finished.workspace).artifacts()}
    name = "bad-" + re.sub(r"\W+", "-", case)
    code, out, err = say(finished.workspace, "run", project, "--set", f"name={name}", "--until", "search")
    assert code == 2, out + err
    assert re.search(says, err.replace("\n", " ")), err
    assert "expected:" in err and "Traceback" not in out + err
    place = Workspace(finished.workspace)
    assert before <= {row["digest"] for row in place.artifacts()}
    assert [row["name"] for row in place.versions()] == ["tiny"]
    assert all(run["state"] in ("finished", "reused", "failed") for run in place.runs())


def test_after_all_that_the_workspace_is_whole_and_the_good_project_still_runs(finished: Finished, say: Say) -> None:
    assert Workspace(finished.workspace).verify() == []
    code, out, _ = say(finished.workspace, "run", finished.project)
    assert code == 0 and out.count("(reused)") == 10


def test_ragged_rows_are_quarantined_and_counted(say: Say, tmp_path: Path) -> None:
    project = tiny.write(tmp_path, rows=[*LINES[:10], "1,red,alpha", "1,red,alpha,2024-01-01,yes,7,8", *LINES[10:]])
    code, out, _ = say(tmp_path / "w", "run", project, "--until", "clean")
    assert code == 0 and "malformed 2" in out and "read 402  accepted 400  quarantined 2" in out
    cleaned = Workspace(tmp_path / "w").get("tiny/clean")
    assert cleaned.facts == {"rows": 400, "read": 402, "accepted": 400, "quarantined": 2}


def test_a_column_of_5000_categories_is_learnt_from(say: Say, tmp_path: Path) -> None:
    rows = [f"{i},c{i % 5000},{line.partition(',')[2]}" for i in range(10_000) for line in [LINES[i % 400]]]
    project = tiny.write(tmp_path, rows=rows)
    (tmp_path / "rows.csv").write_text("\n".join(["i,customer,colour,note,day,bought", *rows]))
    sets = ["prepare.columns={note='drop',customer='category'}", "search.models=['xgboost']", "search.passes=[]",
            "train.recipe={use='boosting',rounds=20}"]  # fmt: skip
    code, out, err = say(tmp_path / "w", "run", project, "--quiet", *[w for s in sets for w in ("--set", s)])
    assert code == 0, out + err
    assert Workspace(tmp_path / "w").get("tiny@1").signature.rows


def test_several_mistakes_are_found_before_any_work(say: Say, tmp_path: Path) -> None:
    project = tiny.write(tmp_path, tiny.PROJECT.replace('"mlp"', '{ use = "mlp", dropout = 7 }'))
    code, _, err = say(tmp_path / "w", "run", project)
    assert code == 2 and "aimass.toml:15:" in err and "dropout" in err
    assert Workspace(tmp_path / "w").runs() == []
