"""What the columns of a dataset hold, in figures: exact where all rows are looked at, and honest where they are not."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.clean.profile import profile
from aimass.clean.stretches import SPACED, looked_at, stretches
from aimass.collect.base import MALFORMED, RAW

HOUR = datetime.datetime(2024, 1, 1, 8)


def profiled(root: Path, table: pa.Table, **limits: int) -> dict[str, Any]:
    """The profile of TABLE, by the names of its columns."""
    scratch = root / "scratch"
    scratch.mkdir(exist_ok=True)
    pq.write_table(table, root / "rows.parquet", row_group_size=limits.pop("group", 1 << 20))
    columns = [{"name": name, "type": "text"} for name in table.column_names]
    found = profile(ds.dataset(root / "rows.parquet"), columns, scratch, **limits)
    json.dumps(found, allow_nan=False)
    return {**found, "of": {column["name"]: column for column in found["columns"]}}


def test_numbers_are_told_by_their_ends_their_middle_and_bins(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(10, 2, 4000)
    table = pa.table({"x": [*values, None, float("nan"), float("inf"), 1e300]})
    x = profiled(tmp_path, table)["of"]["x"]
    assert (x["type"], x["missing"]) == ("number", 2), "NaN is no value"
    assert x["least"] == values.min() and x["greatest"] == values.max(), "of what figures can be made of"
    assert x["mean"] == pytest.approx(values.mean()) and x["deviation"] == pytest.approx(values.std(ddof=1))
    assert x["quantiles"]["0.5"] == pytest.approx(np.median(values), abs=0.05)
    counted, _ = np.histogram(values, len(x["bins"]["counts"]), (x["bins"]["low"], x["bins"]["high"]))
    assert x["bins"]["counts"] == pytest.approx(counted, abs=2), "as numpy counts"
    assert sum(x["bins"]["counts"]) + x["bins"]["below"] + x["bins"]["above"] == 4000


def test_a_far_value_does_not_flatten_the_bins(tmp_path: Path) -> None:
    x = profiled(tmp_path, pa.table({"x": [*map(float, range(1000)), 1e9]}))["of"]["x"]
    assert x["greatest"] == 1e9 and x["bins"]["high"] < 1100
    assert x["bins"]["above"] >= 1 and max(x["bins"]["counts"]) < 100


def test_few_whole_numbers_have_a_bin_each_and_their_values(tmp_path: Path) -> None:
    x = profiled(tmp_path, pa.table({"x": [1, 1, 1, 3, 4, None]}))["of"]["x"]
    assert (x["bins"]["low"], x["bins"]["high"], x["bins"]["counts"]) == (0.5, 4.5, [3, 0, 1, 1])
    assert (x["distinct"], x["counted"]) == (3, True)
    assert x["values"][0] == {"value": "1", "count": 3}


def test_texts_are_told_by_their_most_frequent_values(tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>'; DROP TABLE rows; --"
    table = pa.table({hostile: ["b", "a", "b", None, hostile], "ä'\"": ["x" * 10_000] * 5})
    of = profiled(tmp_path, table)["of"]
    assert [tuple(one.values()) for one in of[hostile]["values"]] == [("b", 2), (hostile, 1), ("a", 1)]
    assert (of[hostile]["missing"], of[hostile]["shortest"]) == (1, 1)
    assert (of["ä'\""]["longest"], len(of["ä'\""]["values"][0]["value"])) == (10_000, 120)


def test_times_booleans_bytes_and_nothing_at_all(tmp_path: Path) -> None:
    hours = [HOUR + datetime.timedelta(hours=i) for i in range(60)]
    days = [hour.date() for hour in hours]
    nothing = pa.array([None] * 60, pa.float64())
    table = pa.table({"at": hours, "on": days, "good": [True, False] * 30, "raw": [b"xyz"] * 60, "none": nothing})
    found = profiled(tmp_path, table)
    of = found["of"]
    assert of["at"]["least"] == HOUR.replace(tzinfo=datetime.UTC).timestamp() and sum(of["at"]["bins"]["counts"]) == 60
    assert of["on"]["type"] == "date" and of["on"]["distinct"] == 3
    assert {one["value"]: one["count"] for one in of["good"]["values"]} == {"true": 30, "false": 30}
    assert of["raw"]["size"] == 3.0 and of["none"]["missing"] == 60
    assert {"column": "none", "what": "has no value in any row", "serious": True} in found["findings"]


def test_what_was_collected_as_text_is_read_as_its_contract_would(tmp_path: Path) -> None:
    ages = [str(i % 90) for i in range(300)]
    table = pa.table({
        "age": [*ages, "old", "NA"], "zip": [f"0{i}" for i in range(302)],
        MALFORMED: pa.array([*[None] * 301, "too few cells"], pa.string()), RAW: pa.array([None] * 302, pa.string()),
    })  # fmt: skip
    found = profiled(tmp_path, table)
    age = found["of"]["age"]
    assert (found["rows"], found["malformed"], found["total"]) == (301, 1, 302)
    assert (age["type"], age["found"], age["wrong"], age["example"]) == ("integer", True, 1, "old")
    assert age["mean"] == pytest.approx(np.mean([int(one) for one in ages])) and age["missing"] == 0
    assert found["of"]["zip"]["type"] == "text", "digits with leading zeros are codes"
    [finding] = [one for one in found["findings"] if one["serious"]]
    assert finding["column"] == "age" and "'old'" in finding["what"]


def test_rows_that_are_there_twice_are_counted(tmp_path: Path) -> None:
    found = profiled(tmp_path, pa.table({"x": [1, 1, 2, None, None], "y": ["a", "a", "a", None, None]}))
    assert found["doubles"] == 2


def test_of_very_many_rows_evenly_spaced_stretches_are_looked_at_and_that_is_said(tmp_path: Path) -> None:
    table = pa.table({"x": range(10_000)})
    found = profiled(tmp_path, table, group=100, most=800)
    assert (found["total"], found["rows"], found["exact"]) == (10_000, 800, False)
    x = found["of"]["x"]
    assert x["least"] == 0 and x["greatest"] >= 9900, "from beginning to end"
    assert 0 < profiled(tmp_path, table, group=100, heavy=1000)["rows"] < 200, "rows that are wide are fewer"


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=50), st.integers(1, 5000))
def test_stretches_are_spread_over_all_row_groups_and_within_the_limit(sizes: list[int], wanted: int) -> None:
    found = stretches(sizes, wanted)
    assert 0 < sum(found.values()) <= wanted and all(found[i] <= sizes[i] for i in found)
    assert 0 in found and len(found) == min(SPACED, len(sizes), wanted)
    assert len(found) == 1 or len(sizes) - 1 in found


def test_all_rows_are_looked_at_where_they_lie(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1, 2]}), tmp_path / "rows.parquet")
    looked = looked_at(ds.dataset(tmp_path / "rows.parquet"), tmp_path / "copy.parquet", most=2)
    assert looked.exact and not (tmp_path / "copy.parquet").exists()


def test_hundreds_of_columns_of_text_stay_within_the_memory(tmp_path: Path) -> None:
    """All in one query took more than a gigabyte for these 60 kB."""
    columns = {f"c{i}": [str(i % 5), "x"] * 25 for i in range(200)}
    none = pa.nulls(50, pa.string())
    found = profiled(tmp_path, pa.table({**columns, MALFORMED: none, RAW: none}))
    assert len(found["columns"]) == 200 and found["columns"][7]["distinct"] == 2
