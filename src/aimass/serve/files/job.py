"""What is to be predicted and how it is written, made of plain settings, the same by every worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from aimass.collect.base import Collector
from aimass.collect.csv import Csv
from aimass.collect.endings import ENDINGS
from aimass.collect.files import find, kind_of
from aimass.collect.images import Images
from aimass.collect.jsonl import JsonLines
from aimass.collect.parquet import Parquet
from aimass.core.errors import InputError
from aimass.core.signature import Field, Signature
from aimass.serve.files.blocks import HEAVY, Block, Reader
from aimass.serve.files.csv import CsvReader
from aimass.serve.files.jsonl import JsonReader
from aimass.serve.files.parquet import ParquetReader
from aimass.serve.files.pictures import PictureReader
from aimass.serve.files.sinks import CsvSink, JsonSink, Kept, Sink, sink_of
from aimass.serve.images import is_image


@dataclass(frozen=True)
class Job:
    """MODEL is a folder, SOURCE a collector's settings, FOLDER where stretches are kept."""

    model: str
    source: dict[str, Any]
    to: str
    keep: list[str] | None
    batch_rows: int
    aside: bool  # bad rows do not end it
    missing: list[str]
    prefix: str
    resize: bool
    folder: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def reader(self, signature: Signature) -> Reader:
        """Raises InputError when there is nothing to read, or another source than files."""
        source, fields = Collector.from_settings(self.source, "source"), signature.rows
        if isinstance(source, Images):
            return _pictures(Path(source.path), fields, resize=self.resize)
        if not isinstance(source, Csv | JsonLines | Parquet):
            raise InputError(f"the source is {self.source['use']!r}", expected="csv, jsonl, parquet or images",
                             todo="write its rows into a file first", key="source")  # fmt: skip
        files = find(source.path)
        if isinstance(source, Csv):
            _refuse_images(fields)
            return CsvReader(files, source, self.missing)
        if isinstance(source, JsonLines):
            return JsonReader(files, all=self.keep is None, resize=self.resize)
        return ParquetReader(files, fields, self.keep, resize=self.resize)

    def sink(self, reader: Reader, signature: Signature) -> Sink:
        """Raises InputError for a column that is not there, or that the output cannot hold."""
        names, fields = reader.names(), {field.name: field for field in signature.rows}
        kind = sink_of(Path(self.to))
        wanted = list(dict.fromkeys(names if self.keep is None else self.keep))
        if not isinstance(reader, PictureReader):
            reader.wanted = [*fields, *(name for name in wanted if name not in fields)]
        if not isinstance(reader, JsonReader):  # there every row tells
            reader.check_names(reader.files[0], reader.all_names())
        kept = [Kept(name, fields.get(name), reader.kind(name, fields.get(name))) for name in wanted]
        if issubclass(kind, CsvSink | JsonSink):
            for column in kept:
                _refuse_bytes(column)
        return kind(kept, signature, self.prefix)

    def blocks(self, reader: Reader, signature: Signature) -> Iterator[Block]:
        """All files in their order; blocks are smaller where rows are wide."""
        width = sum(int(np.prod(field.shape)) * np.dtype(field.dtype).itemsize for field in signature.rows
                    if field.dtype != "string")  # fmt: skip
        rows = max(1, min(self.batch_rows, HEAVY // max(1, width)))
        for at, file in enumerate(reader.files):
            reader.at, reader.position = at, 0
            yield from reader.blocks(file, rows)


def files_of(reader: Reader) -> list[Path]:
    """Every file that is read."""
    return list(reader.paths if isinstance(reader, PictureReader) else reader.files)


def state_of(files: list[Path]) -> dict[str, list[int]]:
    """What tells that a file is still the same: its size and when it was written.  Raises InputError."""
    try:
        facts = {str(file): file.stat() for file in files}
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}", expected="a file at rest",
                         key="source") from error  # fmt: skip
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in facts.items()}


def _pictures(folder: Path, fields: tuple[Field, ...], *, resize: bool) -> Reader:
    if len(fields) != 1 or not is_image(fields[0]):
        names = ", ".join(field.name for field in fields[:12])
        raise InputError(f"a folder of pictures has no columns, the model takes {names}", key="source",
                         expected="a model of one image", todo="use Parquet or JSON lines")  # fmt: skip
    if kind_of(folder) != "folder":
        raise InputError(f"no folder at {folder}", expected="a folder of pictures", key="source")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
    if not files:
        raise InputError(f"{folder} holds no pictures", expected="PNG or JPEG files", key="source")
    return PictureReader(folder, files, fields[0], resize=resize)


def _refuse_images(fields: tuple[Field, ...]) -> None:
    image = next((field.name for field in fields if is_image(field)), None)
    if image is not None:
        raise InputError(f"the model takes images ({image}), which CSV cannot hold",
                         expected="a folder of pictures, Parquet or JSON lines", key="source")  # fmt: skip


def _refuse_bytes(column: Kept) -> None:
    kind = column.kind
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        raise InputError(f"the column {column.name!r} holds bytes, which the output cannot", expected="Parquet",
                         todo="leave it out of --keep, or write .parquet", key="keep")  # fmt: skip
