"""How two versions of a dataset differ: their columns, their rows, and how far values moved."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.clean.difference import chi_square, difference, stability, verdict

COUNTS = st.lists(st.integers(0, 1000), min_size=2, max_size=12)


def compared(root: Path, before: pa.Table, after: pa.Table, *, added: bool = False) -> dict[str, Any]:
    """The difference of two tables, by columns; ADDED: AFTER comes on top of BEFORE."""
    pq.write_table(before, root / "0.parquet")
    pq.write_table(after, root / "1.parquet")
    files = [str(root / "0.parquet")] if added else []
    old, new = ds.dataset(str(root / "0.parquet")), ds.dataset([*files, str(root / "1.parquet")])
    scratch = root / "scratch"
    scratch.mkdir(exist_ok=True)
    columns = tuple([{"name": name, "type": "text"} for name in table.column_names] for table in (before, after))
    found = difference(old, new, (columns[0], columns[1]), scratch)
    json.dumps(found, allow_nan=False)
    return {**found, "of": {column["name"]: column for column in found["columns"]}}


def drawn(seed: int, shift: float = 0.0, rows: int = 3000) -> pa.Table:
    chance = np.random.default_rng(seed)
    plan = chance.choice(["basic", "plus", "pro"], rows, p=[0.6 - shift / 4, 0.3, 0.1 + shift / 4])
    return pa.table({"spend": chance.normal(shift, 1, rows), "plan": plan, "id": [f"{seed}-{i}" for i in range(rows)]})


def test_two_samples_of_one_source_are_stable(tmp_path: Path) -> None:
    found = compared(tmp_path, drawn(1), drawn(2))
    assert [found["of"][name]["verdict"] for name in ("spend", "plan")] == ["stable", "stable"]
    assert found["of"]["id"]["drift"] is None, "names of rows have no shape to compare"


def test_what_moved_comes_first_with_how_far(tmp_path: Path) -> None:
    found = compared(tmp_path, drawn(1), drawn(2, shift=1.0))
    first = found["columns"][0]
    assert (first["name"], first["verdict"]) == ("spend", "strong")
    assert first["shares_before"][0] == pytest.approx(0.1, abs=0.02), "tenths of the version before"
    assert sum(first["shares_after"]) == pytest.approx(1)
    assert found["of"]["plan"]["verdict"] == "strong" and found["of"]["plan"]["labels"][:2] == ["basic", "plus"]


def test_few_rows_prove_little(tmp_path: Path) -> None:
    found = compared(tmp_path, drawn(1, rows=40), drawn(2, rows=40))
    spend = found["of"]["spend"]
    assert spend["chance"] > 0.25 and spend["verdict"] == "stable"


def test_columns_come_go_and_change_their_type(tmp_path: Path) -> None:
    before = pa.table({"kept": [1, 2], "gone": [1, 2], "other": [1, 2]})
    after = pa.table({"kept": [1, 2], "new": [1, 2], "other": ["a", "b"]})
    of = compared(tmp_path, before, after)["of"]
    assert {name: of[name]["change"] for name in of} == {"kept": "", "gone": "removed", "new": "added", "other": "type"}
    assert (of["other"]["before"], of["other"]["after"]) == ("integer", "text")


def test_rows_that_were_added_are_compared_with_those_before_them(tmp_path: Path) -> None:
    found = compared(tmp_path, drawn(1), drawn(2, shift=1.0, rows=500), added=True)
    assert (found["added"], found["rows_before"], found["rows_after"], found["looked_after"]) == (True, 3000, 3500, 500)
    assert found["of"]["spend"]["verdict"] == "strong", "a sixth of all rows would hide it"


def test_missing_values_are_a_bin_of_their_own(tmp_path: Path) -> None:
    before, after = pa.table({"x": [float(i) for i in range(1000)]}), pa.table({"x": [None, 1.0] * 500})
    x = compared(tmp_path, before, after)["of"]["x"]
    assert (x["labels"][-1], x["shares_before"][-1], x["shares_after"][-1]) == ("no value", 0.0, 0.5)


@given(COUNTS, COUNTS)
def test_the_index_is_nothing_for_equal_shares_and_grows_either_way(one: list[int], other: list[int]) -> None:
    size = min(len(one), len(other))
    one, other = one[:size], other[:size]
    index, chance = stability(one, other)
    assert math.isfinite(index) and index >= 0 and chance > 0
    assert index == pytest.approx(stability(other, one)[0])
    assert stability(one, one)[0] == 0


@pytest.mark.parametrize(("free", "bound"), [(1, 10.83), (5, 20.52), (9, 27.88), (20, 45.31)])
def test_chance_is_that_of_chi_square(free: int, bound: float) -> None:
    assert chi_square(free) == pytest.approx(bound, rel=0.04)


def test_words_follow_the_field_and_never_call_chance_a_move() -> None:
    told = [verdict(0.05, 0.01), verdict(0.15, 0.01), verdict(0.3, 0.01), verdict(0.3, 0.4)]
    assert told == ["stable", "slight", "strong", "stable"]
