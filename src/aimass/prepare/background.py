"""Training rows that stay with a model: against them its answers are explained.

Columns as the graph takes them, in one npz without objects: nothing is run by loading it.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from aimass.core.errors import InputError
from aimass.core.signature import Field

FILE = "background.npz"  # by number of the column: values [B, ...]; of texts, their UTF-8 and the bytes of each
BYTES = 1 << 20  # about as much is kept; large images and long texts make fewer rows
LEAST = 8  # rows, however large
DAMAGED = (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile, zlib.error)  # by how it is


def save_background(folder: Path, columns: Mapping[str, np.ndarray], fields: Sequence[Field]) -> None:
    """Write the rows COLUMNS [B, ...] into FOLDER, as many as BYTES hold; what is infinite is missing."""
    kept = _fitting(columns, fields)
    arrays: dict[str, np.ndarray] = {}
    for number, field in enumerate(fields):
        values = np.asarray(columns[field.name])[kept]
        if field.dtype == "string":
            texts = [str(value).encode() for value in values]
            arrays[f"{number}.bytes"] = np.frombuffer(b"".join(texts), np.uint8)
            arrays[f"{number}.sizes"] = np.array([len(text) for text in texts], np.int64)
        else:
            arrays[str(number)] = np.where(np.isinf(values), np.nan, values) if values.dtype.kind == "f" else values
    np.savez_compressed(folder / FILE, **arrays)  # type: ignore[arg-type]


def _fitting(columns: Mapping[str, np.ndarray], fields: Sequence[Field]) -> np.ndarray:
    count = len(columns[fields[0].name])
    size = 0
    for field in fields:
        values = np.asarray(columns[field.name])
        size += sum(len(str(value).encode()) for value in values) if field.dtype == "string" else values.nbytes
    most = max(LEAST, count * BYTES // max(1, size))
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).round().astype(int)


def load_background(folder: Path, fields: Sequence[Field]) -> dict[str, np.ndarray] | None:
    """The rows that lie in FOLDER, as columns [B, ...]; None when none do.  Raises InputError for a damaged file."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            return {field.name: _column(file, number, field) for number, field in enumerate(fields)}
    except DAMAGED as error:
        raise InputError(
            f"{path} is damaged: {error}", expected="rows of every column", todo="make the artifact again"
        ) from error


def _column(file: Mapping[str, np.ndarray], number: int, field: Field) -> np.ndarray:
    if field.dtype != "string":
        return np.asarray(file[str(number)]).astype(field.dtype, copy=False)
    whole, ends = file[f"{number}.bytes"].tobytes(), np.cumsum(file[f"{number}.sizes"]).tolist()
    made = np.empty(len(ends), object)
    made[:] = [whole[begin:end].decode() for begin, end in zip([0, *ends[:-1]], ends, strict=True)]
    return made
