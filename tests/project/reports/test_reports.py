"""Reports in one file: all that is told is text, all data is in them, and nobody is asked for anything."""

from __future__ import annotations

import base64
import csv
import io
import re
import xml.etree.ElementTree as tree
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st
from tests.console import chores, published
from tests.runner.test_runners import task_of

from aimass.cli.main import cli
from aimass.core.errors import InputError
from aimass.core.task import Task
from aimass.project.reports.drawing import Mark, axis_of, curves, marks, ticks
from aimass.project.reports.page import as_csv, table
from aimass.project.reports.release import report_of_release
from aimass.project.reports.run import report_of_run
from aimass.runner.workspace import Workspace
from aimass.store import tables as t

HOSTILE = "<script>alert('ü')</script>"


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Releases, a run with curves, and one that failed; both are called what nobody should be."""
    space = Workspace(tmp_path_factory.mktemp("reports") / "space")
    published.registry(space)
    task = task_of(chores.grow, {}, points=30, pause=0.0)
    space.run(Task(**{**task.__dict__, "label": HOSTILE}))
    with pytest.raises(InputError):
        space.run(task_of(chores.wrong, {}, note=HOSTILE))
    return space


class Read(HTMLParser):
    """What a browser would do with a page: its tags, what it would ask others for, what it would save."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.asked: list[str] = []
        self.saved: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        for name in ("src", "href", "action", "srcset"):
            if name in given and not given[name].startswith("data:"):
                self.asked.append(given[name])
        if "download" in given:
            self.saved[given["download"]] = base64.b64decode(given["href"].partition("base64,")[2]).decode()


def run_of(space: Workspace, state: str, step: str) -> str:
    return next(row["id"] for row in space.runs() if row["state"] == state and step in row["step"])


def test_a_run_is_one_file_that_asks_nobody(space: Workspace) -> None:
    page = report_of_run(space, run_of(space, "finished", "grow"))
    read = Read(page)
    assert not read.asked and "script" not in read.tags and "url(" not in page
    assert "&lt;script&gt;alert" in page and HOSTILE not in page
    assert read.tags.count("svg") == 2 and "begun at 0" in page
    points = list(csv.reader(io.StringIO(next(text for name, text in read.saved.items() if name.endswith("loss.csv")))))
    assert points[0] == ["position", "loss"] and len(points) == 31 and float(points[-1][1]) == pytest.approx(1 / 30)


def test_a_run_tells_what_its_machine_did_on_an_average_of_time_and_at_most(space: Workspace) -> None:
    catalog = space.catalog
    run = catalog.start_run(Task("train", 1, {}, {}))
    began = datetime.fromisoformat(space.run_row(run)["started"]).timestamp()
    points = [{"run": int(run), "name": "machine/run_cpu_percent", "at": None, "value": value, "time": began + after}
              for after, value in ((2.0, 100.0), (4.0, 50.0), (10.0, 0.0))]  # fmt: skip
    catalog.write(sa.insert(t.metric), values=[points])
    read = Read(report_of_run(space, run))
    rows = list(csv.reader(io.StringIO(read.saved[f"run-{run}-machine.csv"])))
    assert rows[0] == ["figure", "unit", "mean", "most"] and rows[1][:2] == ["processors, this run", "% of all cores"]
    assert [float(one) for one in rows[1][2:]] == pytest.approx([30.0, 100.0]) and len(rows) == 2
    assert "svg" not in read.tags, "a table is enough"


def test_a_run_that_failed_says_why(space: Workspace) -> None:
    page = report_of_run(space, run_of(space, "failed", "wrong"))
    assert "cannot be used" in page and "To do: mend it" in page and HOSTILE not in page


@pytest.mark.parametrize("run", ["0", "999999", "x", "1" * 30, "²", ""])
def test_a_run_that_is_not_there_is_said_to_be(space: Workspace, run: str) -> None:
    with pytest.raises(InputError, match="no run"):
        report_of_run(space, run)


def test_a_release_tells_all_that_argues_for_it(space: Workspace) -> None:
    page = report_of_release(space, "flights@1")
    read = Read(page)
    assert not read.asked and "script" not in read.tags and "img" not in read.tags
    rows = list(csv.DictReader(io.StringIO(read.saved["flights@1-candidates.csv"])))
    assert [row["status"] for row in rows].count("adopted") == 1 and len(rows) == 5
    measured = {row["figure"]: row for row in csv.DictReader(io.StringIO(read.saved["flights@1-measured.csv"]))}
    assert float(measured["roc_auc"]["low"]) < float(measured["roc_auc"]["value"]) < float(measured["roc_auc"]["high"])
    assert "Mixed up" not in page and "mixed up between rows" in page and "flights@1-importance.csv" in read.saved
    kinds = [row["kind"] for row in csv.DictReader(io.StringIO(read.saved["flights@1-lineage.csv"]))]
    assert kinds[0] == "dataset" and kinds[-1] == "release"


def test_what_is_no_release_has_no_report(space: Workspace) -> None:
    with pytest.raises(InputError, match="nothing is called"):
        report_of_release(space, "flights@9")


def test_the_command_writes_either_and_says_where(space: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "out.html"
    for what in ("flights@2", run_of(space, "finished", "grow")):
        done = CliRunner().invoke(cli, ["-w", str(space.folder), "report", what, "-o", str(file)])
        assert done.exit_code == 0, done.output
        assert done.output.startswith(str(file)) and file.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_drawings_are_whole_whatever_is_drawn() -> None:
    drawn = curves({"a<b": [(0, 1), (1, float("nan")), (2, 3)], "empty": []}, "x & y", "<y>")
    assert len(tree.fromstring(drawn).findall(".//polyline")) == 2
    assert curves({"a": []}, "x", "y") == "" and marks([], "x", "y") == ""
    drawn = marks([Mark("m", 0.01, 0.5, 0.4, 0.6, True), Mark("n", 9.0, 0.5, None, None, False)], "x", "y")
    assert len(tree.fromstring(drawn).findall(".//circle")) == 2


@example([1.0, 1.1125369292536007e-308], True)
@given(st.lists(st.floats(-1e12, 1e12), min_size=1), st.booleans())
def test_an_axis_holds_its_values_and_has_few_ticks(values: list[float], logs: bool) -> None:
    axis = axis_of(values, logs=logs)
    assert axis.low < axis.high and all(0 <= axis.share(value) <= 1 for value in values)
    found = ticks(axis)
    assert len(found) <= 12 and all(axis.low <= tick <= axis.high for tick in found)


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.integers()), min_size=1))
def test_a_table_holds_its_rows_as_they_are_and_no_formula(rows: list[tuple[str, int]]) -> None:
    read = Read(table("t", ["name", "count"], rows))
    told = list(csv.reader(io.StringIO(read.saved["t.csv"], newline="")))
    assert [[re.sub("^'(?=[=+\\-@])", "", name), count] for name, count in told[1:]] == [[n, str(c)] for n, c in rows]
    assert not any(name[:1] in ("=", "+", "-", "@") for name, _ in told[1:])
    assert as_csv(["name", "count"], rows) == read.saved["t.csv"]
    assert as_csv(["=name()", "n"], [("\tx", -1)]) == "'=name(),n\r\n'\tx,-1\r\n", "data may name columns, too"
