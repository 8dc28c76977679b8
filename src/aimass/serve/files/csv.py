"""Comma-separated rows as a caller would send them: cells are texts, and become what their column promises."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from aimass.collect.csv import BLOCK, Csv
from aimass.collect.files import opened
from aimass.core.errors import InputError
from aimass.core.signature import Field
from aimass.prepare.rows import from_columns
from aimass.serve.files.blocks import HEAVY, Arrays, Bad, Block, Reader

PLAIN = frozenset("0123456789+-.eE")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|nan|[+-]?inf(inity)?", re.ASCII | re.IGNORECASE)
WHOLE = re.compile(r"[+-]?\d{1,400}", re.ASCII)


class CsvBlock(Block):
    """CELLS row by row, of the columns PLACES; the words MISSING mean no value."""

    def __init__(self, file: Path, lines: Sequence[int], cells: Sequence[list[str]], places: dict[str, int],
                 missing: frozenset[str], malformed: Sequence[Bad] = ()) -> None:  # fmt: skip
        super().__init__(file, lines, malformed)
        self.cells, self.places, self.missing = cells, places, missing

    def take(self, rows: Sequence[int]) -> Self:
        lines, cells = [self.lines[row] for row in rows], [self.cells[row] for row in rows]
        return type(self)(self.file, lines, cells, self.places, self.missing, ())

    def tensors(self, fields: Sequence[Field]) -> Arrays:
        return from_columns({field.name: self.sent(field.name, field) for field in fields}, fields)

    def sent(self, name: str, field: Field | None) -> list[Any]:
        cells = self.came(name, field)
        return cells if field is None else values(cells, field, self.missing)

    def came(self, name: str, field: Field | None) -> list[Any]:
        place = self.places[name]
        return [row[place] for row in self.cells]

    def raw(self, row: int) -> Any:
        return dict(zip(self.places, self.cells[row], strict=True))


class CsvReader(Reader):
    """Reads files as SOURCE describes them."""

    def __init__(self, files: Sequence[Path], source: Csv, missing: Sequence[str]) -> None:
        super().__init__(files)
        self.source, self.missing = source, frozenset(["", *missing])

    def names(self) -> list[str]:
        return self.source.header(self.files[0])[1]

    def blocks(self, file: Path, rows: int) -> Iterator[Block]:
        delimiter, names, skipped = self.source.header(file)
        self.check_names(file, names)
        places = {name: place for place, name in enumerate(names)}
        with opened(file) as raw, io.TextIOWrapper(raw, self.source.codec(), newline="") as text:
            lines = Lines(text, file, self.source.unreadable)
            for _ in range(skipped):
                next(lines)
            cells: list[list[str]] = []
            starts: list[int] = []
            bad: list[Bad] = []
            begun = lines.taken
            for start, row in self._rows(lines, delimiter, len(names)):
                if len(row) == len(names):
                    cells.append(row)
                    starts.append(start)
                else:
                    bad.append(Bad(str(file), start, f"{len(row)} cells instead of {len(names)}", row))
                if len(cells) + len(bad) >= rows or lines.taken - begun > HEAVY:
                    self.position = lines.taken
                    yield CsvBlock(file, starts, cells, places, self.missing, bad)
                    cells, starts, bad, begun = [], [], [], lines.taken
            if cells or bad:
                yield CsvBlock(file, starts, cells, places, self.missing, bad)

    def _rows(self, lines: Lines, delimiter: str, width: int) -> Iterator[tuple[int, list[str]]]:
        """The line where each row begins, and its cells.  A blank line is no row, unless there is one column."""
        quote = self.source.quote
        reader = csv.reader(lines, delimiter=delimiter, quotechar=quote or None,
                            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE)  # fmt: skip
        start = lines.number + 1
        try:
            for row in reader:
                if row or width == 1:
                    yield start, row or [""]
                if start < lines.number:
                    self._check_closed(lines, start, row)
                start = lines.number + 1
        except csv.Error as error:
            raise InputError(f"{lines.file}:{start}: {error}", expected="comma-separated values",
                             todo=f'is a quote never closed? close it, or set quote = "" ({quote or "none"} now)'
                             ) from error  # fmt: skip

    def _check_closed(self, lines: Lines, start: int, row: list[str]) -> None:
        """A quote nobody closes swallows every row behind it into one cell: the last of the file."""
        if lines.ended and "\n" in row[-1] and not lines.last.rstrip().endswith(self.source.quote):
            raise InputError(f"{lines.file}:{start}: the quote before {row[-1][:40]!r} is never closed",
                             expected=f"a closing {self.source.quote}",
                             todo='close it, or set quote = "" when quotes mean nothing here')  # fmt: skip


class Lines:
    """The lines of TEXT, counted from 1.  UNREADABLE says what is wrong with bytes that are no text."""

    def __init__(self, text: io.TextIOWrapper, file: Path, unreadable: Callable[[Path, Exception], InputError]) -> None:
        self.text, self.file, self.unreadable = text, file, unreadable
        self.number = self.taken = 0
        self.last, self.ended = "", False

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        try:
            line = self.text.readline(BLOCK)
        except UnicodeError as error:
            raise self.unreadable(self.file, error) from error
        if not line:
            self.ended = True
            raise StopIteration
        if len(line) == BLOCK:
            raise InputError(f"{self.file}:{self.number + 1}: a line of more than {BLOCK} letters",
                             expected="rows on lines of their own", todo="is it another format?")  # fmt: skip
        self.number += 1
        self.taken += len(line)
        self.last = line
        return line


def values(cells: list[str], field: Field, missing: frozenset[str]) -> list[Any]:
    """CELLS as a caller would send them in JSON; what cannot be is left a text, and refused like one."""
    if field.sent == "number":
        return _numbers(cells, missing)
    convert = {"integer": _whole, "boolean": _switch}.get(field.sent)
    if convert is None:
        return [None if cell in missing else cell for cell in cells]
    return [None if cell in missing else convert(cell.strip()) for cell in cells]


def _numbers(cells: list[str], missing: frozenset[str]) -> list[Any]:
    if PLAIN.issuperset("".join(cells)):
        try:
            return [None if cell in missing else float(cell) for cell in cells]
        except ValueError:
            pass  # one of them is "-"
    return [None if cell in missing else _number(cell.strip()) for cell in cells]


def _number(cell: str) -> Any:
    return float(cell) if NUMBER.fullmatch(cell) else cell


def _whole(cell: str) -> Any:
    return int(cell) if WHOLE.fullmatch(cell) else _number(cell)


def _switch(cell: str) -> Any:
    return {"true": True, "false": False}.get(cell.lower(), cell)
