"""What a file seems to hold: told as `collect`, `clean` and `prepare` would find it, from its first rows."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.whole import tiny

from aimass.collect.endings import collector_of
from aimass.core.errors import InputError
from aimass.project.glance import ROWS as MOST
from aimass.project.glance import WIDE, glance

ROWS = ("\n".join([tiny.HEADER, *tiny.lines(200)]) + "\n").encode()


def told(tmp_path: Path, name: str, content: bytes) -> dict:  # type: ignore[type-arg]
    (tmp_path / name).write_bytes(content)
    return glance(tmp_path / name, collector_of(name))


def test_columns_have_the_types_and_kinds_that_the_steps_will_find(tmp_path: Path) -> None:
    found = told(tmp_path, "rows.csv", ROWS)
    assert (found["seen"], found["whole"], found["malformed"], found["columns_in_all"]) == (200, True, 0, 5)
    assert {one["name"]: (one["type"], one["kind"], one["task"], one["metric"]) for one in found["columns"]} == {
        "size": ("number", "number", "regression", "rmse"),
        "colour": ("text", "category", "multiclass", "accuracy"),
        "note": ("text", "text", "", ""),
        "day": ("timestamp", "date", "", ""),
        "bought": ("text", "category", "binary", "roc_auc"),
    }
    assert found["rows"][0] == ROWS.decode().splitlines()[1].split(",")
    assert all(one["why_not"] for one in found["columns"] if not one["task"])


def test_gaps_and_bad_lines_are_counted(tmp_path: Path) -> None:
    found = told(tmp_path, "rows.csv", ROWS + b"1.5,red\n" + b"NA,,a b c d e,2024-01-01,yes\n")
    missing = {one["name"]: one["missing"] for one in found["columns"]}
    assert (found["seen"], found["malformed"], missing["size"], missing["colour"], missing["note"]) == (201, 1, 1, 1, 0)


HOSTILE = {
    "empty.csv": b"\n\n\n",
    "header.csv": b"a,b\n",
    "latin.csv": "stra\u00dfe,x\n1,2\n".encode("latin-1"),
    "zeros.csv": bytes(5000),
    "quote.csv": b'a,b\n1,"never closed\n2,3\n',
    "twice.csv": b"a,a\n1,2\n",
    "noise.parquet": bytes(range(256)) * 20,
    "cut.csv.gz": gzip.compress(ROWS)[:-20],
    "not.csv.gz": ROWS,
    "none.csv.zip": b"PK\x03\x04" + bytes(100),
    "deep.json": b"[" * 100_000,
    "numbers.json": b"[1, 2, 3]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_holds_no_rows_is_told_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as refused:
        told(tmp_path, name, HOSTILE[name])
    assert refused.value.what and refused.value.expected


def test_a_bomb_is_unpacked_no_further_than_it_must_be(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "bomb.csv.gz", "wb", compresslevel=1) as packed:
        packed.write(b"a,b\n")
        for _ in range(25):
            packed.write(b"1,2\n" * 1_000_000)
    found = glance(tmp_path / "bomb.csv.gz", "csv")
    assert (found["seen"], found["whole"]) == (MOST, False)


def test_cells_are_told_as_they_are_and_cut_where_they_are_long(tmp_path: Path) -> None:
    script = "<script>alert(1)</script>"
    rows = [{"a": script, "b": "x" * 100_000, "c": None, "d": {"e": [1]}}] + [{"a": "=1+1", "b": "y", "c": None}] * 30
    found = told(tmp_path, "rows.jsonl", "\n".join(map(json.dumps, rows)).encode())
    assert found["rows"][0][0] == script and len(found["rows"][0][1]) < 300
    assert (found["columns"][2]["task"], found["columns"][3]["kind"]) == ("", "json")


def test_parquet_keeps_its_types_and_wide_files_are_cut(tmp_path: Path) -> None:
    table = pa.table({f"c{i}": list(range(60)) for i in range(WIDE + 1)} | {"raw": pa.array([b"\xff"] * 60)})
    pq.write_table(table, tmp_path / "wide.parquet")
    found = glance(tmp_path / "wide.parquet", "parquet")
    assert (found["columns_in_all"], len(found["columns"]), found["columns"][0]["type"]) == (WIDE + 2, WIDE, "integer")
    pq.write_table(table.select(["c0", "raw"]), tmp_path / "raw.parquet")
    raw = glance(tmp_path / "raw.parquet", "parquet")
    assert raw["rows"][0] == ["0", "1 bytes"] and raw["columns"][1]["type"] == "binary"
