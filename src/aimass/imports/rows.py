"""The rows that the original and its import are both asked: the user's own, or made up from what the model takes."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from aimass.core.errors import InputError
from aimass.core.signature import Field
from aimass.engines.base import Tensors
from aimass.imports.build import Built
from aimass.prepare.arrays import array_of
from aimass.prepare.tensors import kind_of

MADE = 256  # rows that are made up
FREE = 8  # what a free size becomes in them
ANSWER = "answer."  # before the name of an output in a file of rows
WORDS = ("", "a", "no", "yes", "some words in a row", "ünïcödé")
KINDS = (".npz", ".csv", ".parquet")


def drawn(fields: Sequence[Field], count: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """COUNT rows of FIELDS by chance: floats around 0, whole numbers from 0 to 9, a few texts."""
    return {field.name: _drawn(field, (count, *(size or FREE for size in field.shape)), random) for field in fields}


def _drawn(field: Field, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    kind = kind_of(field)
    if kind == "O":
        return random.choice(np.array(WORDS, dtype=object), shape)
    if kind == "b":
        return random.integers(0, 2, shape).astype(bool)
    if kind in "iu":
        return random.integers(0, 256 if field.dtype == "uint8" else 10, shape).astype(field.dtype)
    return random.standard_normal(shape).astype(field.dtype)


def given_rows(path: Path, built: Built) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The rows in PATH (.npz, .csv, .parquet) as the imported model takes them, and the answers that lie beside them.

    Raises InputError for a file that cannot be read, and for columns that are missing or do not fit.
    """
    if path.suffix == ".npz":
        return _arrays(path, built)
    return _table_rows(_table(path), built), {}


def _arrays(path: Path, built: Built) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise _unreadable(path, error) from error
    answers = {name.removeprefix(ANSWER): arrays.pop(name) for name in list(arrays) if name.startswith(ANSWER)}
    fields = built.signature.rows
    if all(field.name in arrays for field in fields):
        rows = {field.name: checked(field, arrays[field.name]) for field in fields}
    else:
        inputs = built.signature.inputs
        missing = [field.name for field in inputs if field.name not in arrays]
        if missing:
            raise _lacking(missing[0], fields, list(arrays))
        rows = dict(built.from_network({field.name: checked(field, arrays[field.name]) for field in inputs}))
    counts = {name: len(array) for name, array in {**rows, **answers}.items()}
    if len(set(counts.values())) > 1 or 0 in counts.values():
        raise InputError(f"{path.name} holds arrays of different lengths, or empty ones: {counts}",
                         expected="the same number of rows in each", key="rows")  # fmt: skip
    return rows, answers


def checked(field: Field, array: np.ndarray) -> np.ndarray:
    """ARRAY as FIELD wants it.  Raises InputError for another shape, or values another dtype would change."""
    shape = array.shape[1:]
    if len(shape) != len(field.shape) or any(s not in (0, got) for s, got in zip(field.shape, shape, strict=True)):
        raise InputError(f"the rows of {field.name!r} are {list(shape)}", expected=f"{list(field.shape)} (0: any size)",
                         key="rows")  # fmt: skip
    if field.dtype == "string":
        return array.astype(object)
    made = array.astype(field.dtype) if array.dtype.kind in "biuf" else None
    whole = made is not None and np.dtype(field.dtype).kind in "iu"
    if made is None or (whole and not np.array_equal(made.astype(np.float64), array.astype(np.float64))):
        raise InputError(f"the rows of {field.name!r} are {array.dtype}", expected=field.dtype, key="rows")
    return made


def _table(path: Path) -> pa.Table:
    try:
        if path.suffix == ".csv":
            return pyarrow.csv.read_csv(path)
        if path.suffix == ".parquet":
            return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error
    raise InputError(f"rows cannot be read from {path.name}", expected=f"a file that ends in {', '.join(KINDS)}",
                     key="rows")  # fmt: skip


def _table_rows(table: pa.Table, built: Built) -> dict[str, np.ndarray]:
    """TABLE by the columns of the model; a model of one matrix takes the columns in their order."""
    fields, inputs = built.signature.rows, built.signature.inputs
    if not table.num_rows:
        raise InputError("the file of rows is empty", expected="at least one row", key="rows")
    if fields == inputs and len(inputs) == 1 and len(inputs[0].shape) == 1:
        if inputs[0].shape[0] not in (0, table.num_columns):
            raise InputError(f"the rows have {table.num_columns} columns", expected=f"{inputs[0].shape[0]} columns",
                             key="rows")  # fmt: skip
        return {inputs[0].name: np.stack([_column(table, name, inputs[0]) for name in table.column_names], axis=1)}
    for field in fields:
        if field.name not in table.column_names or field.shape:
            raise _lacking(field.name, fields, table.column_names)
    return {field.name: _column(table, field.name, field) for field in fields}


def _column(table: pa.Table, name: str, field: Field) -> np.ndarray:
    like = Field(name, "string" if field.dtype == "string" else "float64")
    try:
        return array_of(table[name], like).astype(object if field.dtype == "string" else field.dtype)
    except (pa.ArrowException, ValueError) as error:
        raise InputError(f"column {name} of the rows does not hold numbers: {error}", expected=field.dtype,
                         key="rows") from error  # fmt: skip


def records_of(rows: Tensors, fields: Sequence[Field], count: int) -> list[dict[str, Any]]:
    """The first COUNT of ROWS as a caller would send them: null for NaN."""
    columns = [_plain(np.asarray(rows[field.name])[:count].tolist()) for field in fields]
    return [dict(zip([f.name for f in fields], row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _lacking(name: str, fields: Sequence[Field], got: Sequence[str]) -> InputError:
    return InputError(f"the rows have no {name!r}; they have {', '.join(got[:12])}", key="rows",
                      expected=f"all of: {', '.join(field.name for field in fields[:12])}")  # fmt: skip


def _unreadable(path: Path, error: Exception) -> InputError:
    why = str(error).strip().splitlines()[0][:200]
    return InputError(f"rows cannot be read from {path.name}: {why}", expected=f"one of {', '.join(KINDS)}, without "
                      "pickled objects", key="rows")  # fmt: skip
