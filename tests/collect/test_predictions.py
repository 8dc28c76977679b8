"""The prediction log comes back as a dataset: each row once, with the last label that was sent for it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from aimass.core.errors import InputError
from aimass.core.signature import Field, Signature
from aimass.serve.log import Entry
from aimass.serve.logged import Columns
from aimass.store.appended import Appended, opened
from tests.collect.hand import collected, facts, rows

ROWS = (Field("size", "float64"), Field("picture", "uint8", (1, 2, 1), kind="image"))
SIGNATURE = Signature("binary", "late", ROWS, (), (Field("label", "string", values=("no", "yes")),))
LABELS = pa.schema([("_time", pa.timestamp("us", "UTC")), ("_at", pa.timestamp("us", "UTC")), ("_request", pa.string()),
                    ("_row", pa.int32()), ("late", pa.string())])  # fmt: skip


def log(root: Path, *ids: str, given: bool = True, signature: Signature = SIGNATURE) -> None:
    """Two rows for each of IDS."""
    columns = Columns(signature, "flights", "1")
    table = Appended(root / "predictions" / "flights", columns.schema)
    for id in ids:
        size = np.array(["a", "b"], object) if signature.rows[0].dtype == "string" else np.array([1.5, np.nan])
        tensors = {"size": size, "picture": np.full((2, 1, 2, 1), 7, np.uint8)}
        table.append(
            columns.of([Entry(0.0, "b", [(id, 2, given)], tensors, {"label": np.array(["no", "yes"], object)})])
        )


def label(root: Path, second: int, request: str, row: int, text: str) -> None:
    at = datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)
    Appended(root / "feedback" / "flights", LABELS).append(
        pa.table([[at], [at], [request], [row], [text]], schema=LABELS)
    )


def settings(root: Path, **more: Any) -> dict[str, Any]:
    return {"use": "predictions", "path": str(root / "predictions" / "flights"), **more}


def told(root: Path, dataset: Any) -> list[tuple[Any, ...]]:
    found = rows(root, dataset)
    return [(r["_request"], r["_row"], *([r["late"]] if "late" in r else [])) for r in found]


def test_rows_come_back_with_their_types_and_facts(tmp_path: Path) -> None:
    log(tmp_path, "r-1")
    dataset = collected(tmp_path, settings(tmp_path))
    first, second = rows(tmp_path, dataset)
    assert (first["size"], second["size"], first["picture"]) == (1.5, None, b"\7\7")
    assert (first["_label"], first["_version"], first["_weight"]) == ("no", "1", 1.0)
    picture = next(column for column in facts(dataset)["columns"] if column["name"] == "picture")
    assert (picture["type"], picture["shape"]) == ("image", [1, 2, 1])


def test_new_rows_are_added_also_when_files_were_made_one(tmp_path: Path) -> None:
    log(tmp_path, "r-1", "r-2")
    first = collected(tmp_path, settings(tmp_path))
    log(tmp_path, "r-3", "r-4")
    opened(tmp_path / "predictions" / "flights" / "1").optimize.compact()
    log(tmp_path, "r-5")
    second = collected(tmp_path, settings(tmp_path), first)
    assert told(tmp_path, second) == [(f"r-{i}", row) for i in range(1, 6) for row in (0, 1)]
    assert facts(second)["version"] == facts(first)["version"] + 1  # added, not replaced


def test_each_row_has_the_last_label_sent_for_it_or_none(tmp_path: Path) -> None:
    log(tmp_path, "r-1", "r-2")
    label(tmp_path, 1, "r-1", 0, "no")
    label(tmp_path, 3, "r-1", 0, "yes")
    label(tmp_path, 2, "r-1", 0, "no")  # came late, by another server
    label(tmp_path, 1, "r-2", 1, "no")
    label(tmp_path, 1, "never-logged", 0, "no")
    dataset = collected(tmp_path, settings(tmp_path, labels=True))
    assert told(tmp_path, dataset) == [("r-1", 0, "yes"), ("r-1", 1, None), ("r-2", 0, None), ("r-2", 1, "no")]


def test_labels_that_come_later_find_the_rows_read_before(tmp_path: Path) -> None:
    log(tmp_path, "r-1")
    first = collected(tmp_path, settings(tmp_path, labels=True))
    assert told(tmp_path, first) == [("r-1", 0), ("r-1", 1)]  # of the target nobody has said anything
    label(tmp_path, 1, "r-1", 1, "yes")
    second = collected(tmp_path, settings(tmp_path, labels=True), first)
    assert told(tmp_path, second) == [("r-1", 0, None), ("r-1", 1, "yes")]
    log(tmp_path, "r-2")
    third = collected(tmp_path, settings(tmp_path, labels=True), second)
    assert told(tmp_path, third)[2:] == [("r-2", 0, None), ("r-2", 1, None)]
    assert collected(tmp_path, settings(tmp_path, labels=True), third) is third


def test_what_a_shadow_answered_is_read_when_asked_for(tmp_path: Path) -> None:
    log(tmp_path, "r-1")
    log(tmp_path, "r-1", given=False)
    assert len(rows(tmp_path, collected(tmp_path, settings(tmp_path)))) == 2
    assert len(rows(tmp_path, collected(tmp_path, settings(tmp_path, shadows=True)))) == 4


def test_the_newest_table_is_read_or_the_one_named(tmp_path: Path) -> None:
    log(tmp_path, "r-1")
    other = Signature("binary", "late", (Field("size", "string"), ROWS[1]), (), SIGNATURE.outputs)
    first = collected(tmp_path, settings(tmp_path))
    log(tmp_path, "r-2", signature=other)
    second = collected(tmp_path, settings(tmp_path), first)
    assert [(r["_request"], r["size"]) for r in rows(tmp_path, second)] == [("r-2", "a"), ("r-2", "b")]
    assert told(tmp_path, collected(tmp_path, settings(tmp_path, table=1))) == [("r-1", 0), ("r-1", 1)]
    with pytest.raises(InputError, match="has no table 3") as caught:
        collected(tmp_path, settings(tmp_path, table=3))
    assert caught.value.expected == "one of: 1, 2"


def test_a_log_that_is_not_there_or_broken_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no prediction log is at"):
        collected(tmp_path, settings(tmp_path))
    log(tmp_path, "r-1")
    with pytest.raises(InputError, match="did you mean 'flights'"):
        collected(tmp_path, {"use": "predictions", "path": str(tmp_path / "predictions" / "flight")})
    (tmp_path / "predictions" / "flights" / "1" / "_delta_log" / f"{0:020}.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        collected(tmp_path, settings(tmp_path))


def test_a_log_that_was_begun_anew_replaces_what_was_read(tmp_path: Path) -> None:
    log(tmp_path, "r-1")
    first = collected(tmp_path, settings(tmp_path))
    shutil.rmtree(tmp_path / "predictions")
    log(tmp_path, "r-2", "r-3")
    second = collected(tmp_path, settings(tmp_path), first)
    assert [id for id, _ in told(tmp_path, second)] == ["r-2", "r-2", "r-3", "r-3"]
