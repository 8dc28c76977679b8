"""Curves of a run, read while it runs: made short without losing what stands out, and drawn on one screen."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.cli.curves import chart, draw
from aimass.cli.main import cli
from aimass.core.errors import InputError
from aimass.runner.workspace import Workspace
from aimass.store.curves import Sample, thin
from tests.runner import chain
from tests.runner.test_runners import task_of

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200)


def curve_of(values: list[float]) -> list[Sample]:
    return [(float(i), value, i / 10) for i, value in enumerate(values)]


@settings(max_examples=100, deadline=None)
@given(VALUES, st.integers(4, 50))
def test_a_thin_curve_keeps_order_ends_and_extremes(values: list[float], most: int) -> None:
    curve = curve_of(values)
    found = thin(curve, most)
    assert len(found) <= most and len(found) == len(set(found))
    assert found == [point for point in curve if point in found]
    assert (found[0], found[-1]) == (curve[0], curve[-1])
    kept = [value for _, value, _ in found]
    assert (min(kept), max(kept)) == (min(values), max(values))
    if len(curve) <= most:
        assert found == curve


def test_a_spike_of_one_point_in_ten_thousand_is_still_there() -> None:
    values = [math.sin(i / 500) for i in range(10_000)]
    values[7_123] = 9.0
    assert (7123.0, 9.0, 712.3) in thin(curve_of(values), 100)


def test_fewer_points_than_ends_and_extremes_are_refused() -> None:
    with pytest.raises(InputError, match="a curve of 3 points"):
        thin(curve_of([1, 2, 3, 4, 5]), 3)


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """A workspace whose newest run has 60 figures called value and one called score."""
    place = Workspace(tmp_path / "w")
    rows = place.run(task_of(chain.make, {}, rows=60))
    place.run(task_of(chain.total, {"dataset": rows.digest}))
    place.catalog.add_metrics(place.runs()[0]["id"], [("score", None, 0.5)])
    return place


def test_curves_of_a_run_come_by_name_with_seconds_since_its_start(place: Workspace) -> None:
    run = place.runs()[0]["id"]
    found = place.curves(run)
    assert set(found) == {"value", "score"}
    assert [(at, value) for at, value, _ in found["value"]] == [
        (point["at"], point["value"]) for point in place.metrics(run, "value")
    ]
    seconds = [second for curve in found.values() for _, _, second in curve]
    assert all(0 <= second < 600 for second in seconds)
    assert len(place.curves(run, points=10)["value"]) == 10
    with pytest.raises(InputError, match="no run '99'"):
        place.curves("99")


def test_the_command_draws_what_python_returns(place: Workspace) -> None:
    run = place.runs()[0]["id"]
    call = ["-w", str(place.folder), "curves", run]
    as_json = CliRunner().invoke(cli, [*call, "--json", "--points", "10"])
    expected = {name: [list(point) for point in curve] for name, curve in place.curves(run, 10).items()}
    assert json.loads(as_json.output) == expected
    drawn = CliRunner().invoke(cli, call)
    assert drawn.exit_code == 0
    assert drawn.output.startswith(f"run {run}  ")
    assert "value  0 to 7.021e+04  lowest 0 at 0  highest 7.021e+04 at 59" in drawn.output
    assert len(drawn.output.splitlines()) <= 24
    place.catalog.add_metrics(run, [("machine/run_memory_gb", None, gb) for gb in (1.0, 3.0, 2.0)])
    assert json.loads(CliRunner().invoke(cli, [*call, "--json"]).output).keys() == {"value", "score"}
    assert "machine/run_memory_gb  1 to 2  lowest 1  highest 3" in CliRunner().invoke(cli, [*call, "--machine"]).output
    empty = CliRunner().invoke(cli, [*call[:-1], str(int(run) - 1)])
    assert empty.output.splitlines()[1] == "(no figures yet)"


def dots(rows: list[str]) -> set[tuple[int, int]]:
    """Where a chart is black: (column, row from below)."""
    from aimass.cli.curves import BLANK, DOTS

    return {
        (2 * x + dx, 4 * len(rows) - 1 - 4 * y - dy)
        for y, row in enumerate(rows) for x, letter in enumerate(row)
        for dy in range(4) for dx in range(2) if (ord(letter) - BLANK) & DOTS[dy][dx]
    }  # fmt: skip


def test_a_rising_line_is_a_diagonal_of_dots() -> None:
    assert dots(chart(curve_of([0, 1, 2, 3, 4, 5, 6, 7]), 4, 2)) == {(i, i) for i in range(8)}


def test_a_flat_curve_lies_in_the_middle_and_a_single_point_is_one_dot() -> None:
    assert {row for _, row in dots(chart(curve_of([2.0, 2.0, 2.0]), 6, 2))} == {3}
    assert len(dots(chart(curve_of([2.0]), 6, 2))) == 1


@settings(max_examples=50, deadline=None)
@given(VALUES, st.integers(8, 40), st.integers(1, 5))
def test_a_chart_has_its_size_a_dot_in_every_column_and_reaches_both_ends(
    values: list[float], width: int, height: int
) -> None:
    rows = chart(curve_of(values), width, height)
    assert [len(row) for row in rows] == [width] * height
    found = dots(rows)
    if len(values) > 1:
        assert {column for column, _ in found} == set(range(2 * width))
    if max(values) > min(values):
        assert {0, 4 * height - 1} <= {row for _, row in found}


@pytest.mark.parametrize("count", [1, 2, 5, 11, 20])
def test_every_curve_fits_on_one_screen(count: int) -> None:
    lines = draw({f"metric {i} with a long name": curve_of([1.0, 3.0, 2.0]) for i in range(count)}, 80, 24)
    assert len(lines) <= 22 and len(lines) >= count
    assert max(map(len, lines)) <= 80
