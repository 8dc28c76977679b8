"""Comma-separated files: every cell kept as text, every line that does not fit kept as malformed."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv as pv

from aimass.collect.base import Collector, Malformed, Rows
from aimass.collect.files import opened, read_files, unpacked_suffix
from aimass.collect.pending import check_names
from aimass.core.errors import InputError
from aimass.core.part import knob

BLOCK = 32 << 20  # bytes parsed at once, and so the longest row
HEAD = 1 << 20  # bytes in which the header must end
DELIMITERS = ",;\t|"


class Csv(Collector):
    """CSV files, plain or packed.  The contract of `clean` finds the types; nothing is guessed here."""

    path: str = knob("", help="file, glob, or package:NAME/file; .gz .bz2 .xz .zip are unpacked")
    delimiter: str = knob("", help="empty: the one of , ; tab | that the header holds most")
    quote: str = knob('"', help="what surrounds cells that hold delimiters or line ends")
    encoding: str = knob("utf-8", help="any Python codec, say latin-1 or utf-16")
    columns: list[str] | None = knob(None, help="names, for files without a header line")

    def read(self, cursor: object | None) -> Iterator[Rows]:
        return read_files(self.path, cursor, self._rows)

    def _rows(self, path: Path) -> Iterator[Rows]:
        delimiter, names = self._header(path)
        bad: list[Malformed] = []

        def keep(row: pv.InvalidRow) -> str:
            bad.append(Malformed(f"{row.actual_columns} cells instead of {row.expected_columns}", row.text))
            return "skip"

        parse = pv.ParseOptions(delimiter=delimiter, quote_char=self.quote or False, newlines_in_values=True,
                                invalid_row_handler=keep)  # fmt: skip
        read = pv.ReadOptions(use_threads=False, block_size=BLOCK, encoding=self.encoding, column_names=names,
                              skip_rows=0 if self.columns else 1)  # fmt: skip
        convert = pv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
        with opened(path) as file:
            try:
                for batch in pv.open_csv(file, read_options=read, parse_options=parse, convert_options=convert):
                    yield batch
                    yield from bad
                    bad.clear()
            except (pa.ArrowInvalid, UnicodeError) as error:
                raise self._unreadable(path, error) from error
            yield from bad

    def _header(self, path: Path) -> tuple[str, list[str]]:
        """Delimiter and column names.  Raises InputError for an empty file, a wrong encoding, names that clash."""
        with opened(path) as file:
            first = self._first_row(path, file)
        delimiter = self.delimiter or ("\t" if unpacked_suffix(path) == ".tsv" else max(DELIMITERS, key=first.count))
        if len(delimiter) != 1:
            raise InputError(f"delimiter is {delimiter!r}", expected="one character", key="delimiter")
        names = self.columns or next(csv.reader(io.StringIO(first, newline=""), delimiter=delimiter,
                                                quotechar=self.quote or None))  # fmt: skip
        try:
            check_names(names)
        except InputError as error:
            raise InputError(f"{path}: {error.what}", expected=error.expected, todo=error.todo) from error
        return delimiter, names

    def _first_row(self, path: Path, file: BinaryIO) -> str:
        try:
            head = io.TextIOWrapper(io.BytesIO(file.read(HEAD)), self._codec(), errors="strict", newline="")
            lines = [line for line in islice(head, 1) if line.strip()]
        except UnicodeError as error:
            raise self._unreadable(path, error) from error
        if not lines:
            raise InputError(f"{path} is empty", expected="a header line and rows", key="path")
        return lines[0]

    def _codec(self) -> str:
        try:
            return {"utf-8": "utf-8-sig"}.get(codecs.lookup(self.encoding).name, self.encoding)
        except LookupError as error:
            raise InputError(f"encoding {self.encoding!r} is not known", expected="utf-8, latin-1, utf-16, ...",
                             key="encoding") from error  # fmt: skip

    def _unreadable(self, path: Path, error: Exception) -> InputError:
        text = str(error).strip().splitlines()[0]
        if isinstance(error, UnicodeError) or "UTF8" in text or "UTF-8" in text:
            return InputError(f"{path} is not {self.encoding}: {text}", expected=f"text in {self.encoding}",
                              todo='say what it is, for example encoding = "latin-1"', key="encoding")  # fmt: skip
        return InputError(f"{path} cannot be parsed: {text}", expected="comma-separated values", key="path",
                          todo="check delimiter, quote and encoding")  # fmt: skip
