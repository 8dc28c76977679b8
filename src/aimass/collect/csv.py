"""Comma-separated files: every cell kept as text, every line that does not fit kept as malformed."""

from __future__ import annotations

import codecs
import csv
import io
import re
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
HEADER_LINES = 100
DELIMITERS = ",;\t|"
LINE_END = re.compile(r"[\r\n]")
NO_ROWS = ("Empty CSV file", "Could not skip initial")  # what Arrow says of a header without rows


class Tail:
    """A file that remembers the last bytes read from it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.tail, self.closed = file, b"", False

    def read(self, size: int = -1) -> bytes:
        read = self._file.read(size)
        self.tail = (self.tail + read[-64:])[-64:]
        return read

    def close(self) -> None:
        self.closed = True


class Csv(Collector):
    """CSV files, plain or packed.  The contract of `clean` finds the types; nothing is guessed here."""

    path: str = knob("", help="file, glob, or package:NAME/file; .gz .bz2 .xz .zip are unpacked")
    delimiter: str = knob("", help="empty: the one of , ; tab | that the header holds most")
    quote: str = knob('"', help="what surrounds cells that hold delimiters or line ends")
    encoding: str = knob("utf-8", help="any Python codec, say latin-1 or utf-16")
    columns: list[str] | None = knob(None, help="names, for files without a header line")

    def read(self, cursor: object | None) -> Iterator[Rows]:
        return read_files(self.path, cursor, self.rows_of)

    def rows_of(self, path: Path) -> Iterator[Rows]:
        """The rows of one file."""
        delimiter, names, skipped = self.header(path)
        yield pa.table({name: pa.array([], pa.string()) for name in names})  # columns that no whole row may show
        bad: list[Malformed] = []
        last: pa.RecordBatch | None = None

        def keep(row: pv.InvalidRow) -> str:
            bad.append(Malformed(f"{row.actual_columns} cells instead of {row.expected_columns}", row.text))
            return "skip"

        parse = pv.ParseOptions(delimiter=delimiter, quote_char=self.quote or False, newlines_in_values=True,
                                ignore_empty_lines=len(names) > 1, invalid_row_handler=keep)  # fmt: skip
        read = pv.ReadOptions(use_threads=False, block_size=BLOCK, encoding=self.encoding, column_names=names,
                              skip_rows=skipped)  # fmt: skip
        convert = pv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
        with opened(path) as file:
            watched = Tail(file)
            try:
                for batch in pv.open_csv(watched, read_options=read, parse_options=parse, convert_options=convert):
                    yield batch
                    yield from bad
                    bad.clear()
                    last = batch if batch.num_rows else last
            except (pa.ArrowInvalid, UnicodeError) as error:
                if not any(words in str(error) for words in NO_ROWS):
                    raise self.unreadable(path, error) from error
            yield from bad
            self._check_closed(path, last, watched.tail)

    def _check_closed(self, path: Path, last: pa.RecordBatch | None, tail: bytes) -> None:
        """A quote nobody closes swallows every row behind it into one cell: the last of the file."""
        cell = last.column(last.num_columns - 1)[-1].as_py() if last is not None else ""
        if ("\n" in cell or "\r" in cell) and not tail.rstrip(b" \t\r\n\0").endswith(self.quote.encode()):
            raise InputError(f"{path}: the quote before {cell[:40]!r} is never closed", key="path",
                             expected=f"a closing {self.quote}",
                             todo='close it, or set quote = "" when quotes mean nothing here')  # fmt: skip

    def header(self, path: Path) -> tuple[str, list[str], int]:
        """Delimiter, column names, and lines before the first row.

        Raises InputError for an empty file, a wrong encoding, names that clash.
        """
        for setting in ("delimiter", "quote"):
            mark = getattr(self, setting)
            if len(mark) > 1 or not mark.isascii() or mark in ("\r", "\n"):
                raise InputError(f"{setting} is {mark!r}", expected="one ASCII character", key=setting)
        with opened(path) as file:
            lines = self._head(path, file)
        blank = next((i for i, line in enumerate(lines) if line.strip()), None)
        if blank is None:
            raise InputError(f"{path} is empty", expected="a header line and rows", key="path")
        delimiter = self.delimiter or ("\t" if unpacked_suffix(path) == ".tsv" else self._most("".join(lines[blank:])))
        rows = csv.reader(lines[blank:], delimiter=delimiter, quotechar=self.quote or None,
                          quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE)  # fmt: skip
        try:
            names = self.columns or next(rows)
            check_names(names)
        except csv.Error as error:
            raise self.unreadable(path, error) from error
        except InputError as error:
            raise InputError(f"{path}: {error.what}", expected=error.expected, todo=error.todo) from error
        return delimiter, names, 0 if self.columns else blank + rows.line_num

    def _most(self, text: str) -> str:
        """The delimiter that the header at the start of TEXT holds most; those inside quotes delimit nothing."""
        if self.quote:
            quote = re.escape(self.quote)
            text = re.sub(f"(^|[{DELIMITERS}]){quote}(?:[^{quote}]|{quote}{quote})*{quote}", r"\1", text)
        return max(DELIMITERS, key=LINE_END.split(text, 1)[0].count)

    def _head(self, path: Path, file: BinaryIO) -> list[str]:
        """The first lines, as many as a header with line ends in quotes may take."""
        try:
            text = io.TextIOWrapper(io.BytesIO(file.read(HEAD)), self.codec(), errors="strict", newline="")
            return list(islice(text, HEADER_LINES))
        except UnicodeError as error:
            raise self.unreadable(path, error) from error

    def codec(self) -> str:
        """The codec of the files; a mark at their beginning is no text.  Raises InputError for one nobody knows."""
        try:
            codec = codecs.lookup(self.encoding)
            "".encode(codec.name)  # some codecs are not of text: LookupError
            return {"utf-8": "utf-8-sig"}.get(codec.name, self.encoding)
        except LookupError as error:
            raise InputError(f"encoding {self.encoding!r} is not known", expected="utf-8, latin-1, utf-16, ...",
                             key="encoding") from error  # fmt: skip

    def unreadable(self, path: Path, error: Exception) -> InputError:
        """What ERROR says of the file at PATH."""
        text = str(error).strip().splitlines()[0]
        if isinstance(error, UnicodeError) or "UTF8" in text or "UTF-8" in text:
            return InputError(f"{path} is not {self.encoding}: {text}", expected=f"text in {self.encoding}",
                              todo='say what it is, for example encoding = "latin-1"', key="encoding")  # fmt: skip
        return InputError(f"{path} cannot be parsed: {text}", expected="comma-separated values", key="path",
                          todo="check delimiter, quote and encoding")  # fmt: skip
