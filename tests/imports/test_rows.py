"""Rows to compare on: the user's own in three kinds of files, or made up; wrong ones are refused by name."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.imports.conftest import W

from aimass.core.artifact import Model
from aimass.core.errors import InputError
from aimass.core.signature import Field
from aimass.imports.rows import checked, drawn, records_of
from aimass.prepare.rows import from_records

Imported = Callable[..., Model]
X = np.random.default_rng(2).normal(size=(7, 4)).astype(np.float32)


def rows_in(folder: Path, kind: str) -> Path:
    path = folder / f"rows.{kind}"
    if kind == "npz":
        np.savez(path, x=X)
    elif kind == "csv":
        np.savetxt(path, X, delimiter=",", header="a,b,c,d", comments="")
    else:
        pq.write_table(pa.table({name: X[:, i] for i, name in enumerate("abcd")}), path)
    return path


@pytest.mark.parametrize("kind", ["npz", "csv", "parquet"])
@pytest.mark.parametrize("columns", [[], ["a", "b", "c", "d"]])
def test_rows_come_from_a_file(
    imported: Imported, linear: onnx.ModelProto, tmp_path: Path, kind: str, columns: list[str]
) -> None:
    model = imported(linear, rows=str(rows_in(tmp_path, kind)), columns=columns)
    report = model.read_json("parity.json")
    assert (report["rows"], report["rows_from"], report["rows_in_a_call"]) == (7, "given", [1, 3, 7])
    sample = from_records(model.read_json("sample.json"), model.signature.rows)
    first = sample["x"] if not columns else np.stack([sample[name] for name in columns], axis=1)
    assert np.allclose(first, X[:5])


def test_answers_beside_the_rows_are_held_against_ours(
    imported: Imported, linear: onnx.ModelProto, tmp_path: Path
) -> None:
    np.savez(tmp_path / "right.npz", x=X, **{"answer.scores": X @ W})
    assert imported(linear, rows=str(tmp_path / "right.npz")).read_json("parity.json")["passed"]
    np.savez(tmp_path / "wrong.npz", x=X, **{"answer.scores": X @ W + (np.arange(7) == 4)[:, None]})
    with pytest.raises(InputError, match="scores is up to 1 apart, beyond the tolerance in 1 of 7 rows, row 4 first"):
        imported(linear, rows=str(tmp_path / "wrong.npz"))
    assert imported(linear, rows=str(tmp_path / "wrong.npz"), tolerance=2.0).read_json("parity.json")["passed"]


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"y": X}, "have no 'x'; they have y"),
        ({"x": X[:, :3]}, r"are \[3\]"),
        ({"x": X.astype(str)}, "are <U"),
        ({"x": X[:0]}, "different lengths, or empty"),
        ({"x": X, "answer.scores": X[:2]}, "different lengths, or empty"),
        ({"x": X, "answer.other": X}, "no answer 'scores'"),
    ],
)
def test_arrays_that_do_not_fit_are_named(
    imported: Imported, linear: onnx.ModelProto, tmp_path: Path, arrays: dict[str, Any], says: str
) -> None:
    np.savez(tmp_path / "rows.npz", **arrays)
    with pytest.raises(InputError, match=says):
        imported(linear, rows=str(tmp_path / "rows.npz"))


@pytest.mark.parametrize("name", ["rows.npz", "rows.csv", "rows.parquet", "rows.pkl"])
def test_a_file_that_is_none_is_refused(imported: Imported, linear: onnx.ModelProto, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(InputError):
        imported(linear, rows=str(tmp_path / name))


class Trap:
    """What a pickle would run."""

    def __reduce__(self) -> Any:
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize("how", ["object array", "bare pickle"])
def test_a_pickle_among_the_rows_is_never_loaded(
    imported: Imported, linear: onnx.ModelProto, tmp_path: Path, how: str
) -> None:
    path = tmp_path / "rows.npz"
    if how == "bare pickle":
        path.write_bytes(pickle.dumps(Trap()))
    else:
        np.savez(path, x=np.array([Trap()], dtype=object))
    with pytest.raises(InputError, match="rows cannot be read"):
        imported(linear, rows=str(path))


def test_made_up_rows_are_of_the_fields_and_the_same_for_the_same_seed() -> None:
    fields = (Field("a", "float32", (3, 0), sent="tensor"), Field("b", "string", sent="string"), Field("c", "bool"),
              Field("d", "uint8", (2,), sent="tensor"), Field("e", "int64", sent="tensor"))  # fmt: skip
    first, again = (drawn(fields, 20, np.random.default_rng(5)) for _ in range(2))
    assert [(first[f.name].dtype, first[f.name].shape) for f in fields] == [
        (np.dtype(np.float32), (20, 3, 8)), (np.dtype(object), (20,)), (np.dtype(bool), (20,)),
        (np.dtype(np.uint8), (20, 2)), (np.dtype(np.int64), (20,)),
    ]  # fmt: skip
    assert all(np.array_equal(first[name], again[name]) for name in first)


def test_records_are_what_a_caller_would_send() -> None:
    fields = (Field("a", "float64", kind="number", sent="number"), Field("b", "float32", (2,), sent="tensor"))
    rows = {"a": np.array([1.5, np.nan]), "b": np.array([[1, np.nan], [2, 3]], np.float32)}
    records = records_of(rows, fields, 9)
    assert records == [{"a": 1.5, "b": [1.0, None]}, {"a": None, "b": [2.0, 3.0]}]
    back = from_records(records, fields)
    assert all(np.array_equal(back[name], rows[name], equal_nan=True) for name in rows)


def test_whole_numbers_are_not_cut_from_fractions() -> None:
    with pytest.raises(InputError, match="float64"):
        checked(Field("a", "int64", (1,)), np.array([[1.5]]))
    assert checked(Field("a", "int64", (1,)), np.array([[2.0]])).dtype == np.int64
