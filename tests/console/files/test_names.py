"""What a file may be called: what leads elsewhere, hides or deceives is no name."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.console.files.names import checked_name, endings_of
from aimass.console.jobs.outside import reaches_outside
from aimass.core.errors import InputError


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../rows.csv", "/etc/passwd.csv", "a/b.csv", "..\\rows.csv", "C:rows.csv", "C:\\rows.csv",
     "rows\0.csv", "rows\n.csv", "\u202evsc.swor.csv", "rows\u2028.csv", "rows\ud800.csv", "*.csv", "rows[1].csv",
     "rows?.csv", ".hidden.csv", "_apart.csv", "~root.csv", " rows.csv", "rows.csv ", "rows.csv.", "rows", "rows.exe",
     "rows.gz", "<img src=x onerror=alert(1)>.csv", "s3://bucket/rows.csv", "x" * 197 + ".csv", "ü" * 99 + ".csv"],
)  # fmt: skip
def test_what_is_no_name_is_refused_in_words(name: str) -> None:
    with pytest.raises(InputError) as refused:
        checked_name(name)
    assert refused.value.key == "name" and refused.value.expected and refused.value.todo


@pytest.mark.parametrize(
    "name", ["rows.csv", "Flüge 2024.csv.gz", "a-b_c.tsv", "'quoted' & more.jsonl", "数据.parquet", "p.aimass.zip"]
)
def test_ordinary_names_are_taken_in_one_spelling(name: str) -> None:
    assert checked_name(unicodedata.normalize("NFD", name)) == name


@given(st.text(max_size=30).map(lambda text: f"{text}.csv"))
def test_a_name_that_is_taken_stays_in_its_folder_and_inside_the_workspace(name: str) -> None:
    try:
        taken = checked_name(name)
    except InputError:
        return
    assert PurePosixPath("data", taken).name == taken and not taken.startswith(".")
    assert not reaches_outside("task", {"path": taken})
    assert endings_of(taken) == ".csv"


def test_the_ending_says_how_a_file_is_read() -> None:
    assert [endings_of(name) for name in ("a.csv", "a.2024.CSV.GZ", "a.b.parquet")] == [".csv", ".csv.gz", ".parquet"]
