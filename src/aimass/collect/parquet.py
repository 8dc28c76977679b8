"""Parquet files: rows with the types they have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from aimass.collect.base import Collector, Rows
from aimass.collect.files import read_files
from aimass.core.errors import InputError
from aimass.core.part import knob


class Parquet(Collector):
    """Parquet files.  Lists and tables inside a column are kept as JSON text."""

    path: str = knob("", help="file, glob, or package:NAME/file")

    def read(self, cursor: object | None) -> Iterator[Rows]:
        return read_files(self.path, cursor, self.rows_of)

    def rows_of(self, path: Path) -> Iterator[Rows]:
        """The rows of one file."""
        try:
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches(batch_size=65_536)
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(
                f"{path} is not whole Parquet: {str(error).strip().splitlines()[0]}",
                expected="a Parquet file",
                todo="it is damaged, half-written or another format: get it again",
                key="path",
            ) from error
