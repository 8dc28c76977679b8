"""JSON objects, a line each or in one list: records as a caller would send them, with other fields beside."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
import orjson

from aimass.collect.csv import BLOCK
from aimass.collect.files import opened, unpacked_suffix
from aimass.collect.pictures import Picture
from aimass.core.errors import InputError
from aimass.core.signature import Field
from aimass.prepare.rows import from_records
from aimass.serve.files.blocks import HEAVY, Arrays, Block, Reader
from aimass.serve.images import bytes_of, is_image, is_packed, telling

LONG = re.compile(rb"\d{19}")  # a whole number that orjson might round
HEAD = 1000  # rows that tell which fields there are


class JsonBlock(Block):
    """RECORDS as lines of JSON or as values.  Where KNOWN are all fields there may be, another one is an error."""

    def __init__(self, file: Path, lines: Sequence[int], records: Sequence[Any], known: frozenset[str] | None,
                 *, resize: bool = False) -> None:  # fmt: skip
        super().__init__(file, lines)
        self.records, self.known, self.resize = records, known, resize

    def take(self, rows: Sequence[int]) -> Self:
        lines, records = [self.lines[row] for row in rows], [self.records[row] for row in rows]
        return type(self)(self.file, lines, records, self.known, resize=self.resize)

    @cached_property
    def parsed(self) -> list[Any]:
        """Raises InputError for a line that is not JSON."""
        return [parsed(record) if isinstance(record, bytes) else record for record in self.records]

    def tensors(self, fields: Sequence[Field]) -> Arrays:
        wanted, known = [field.name for field in fields], self.known
        images = [field for field in fields if is_image(field)]
        narrow = []
        for record in self.parsed:
            if not isinstance(record, dict):
                narrow.append(record)
                continue
            if known is not None and not record.keys() <= known:
                raise _new(next(name for name in record if name not in known))
            narrow.append({name: record[name] for name in wanted if name in record} | self._pixels(record, images))
        return from_records(narrow, fields)

    def _pixels(self, record: dict[str, Any], images: Sequence[Field]) -> dict[str, np.ndarray]:
        found = {}
        for field in images:
            if is_packed(record.get(field.name)):
                with telling(0, field):
                    picture = Picture(bytes_of(record[field.name]))
                    found[field.name] = picture.pixels(field.shape, resize=self.resize)
        return found

    def sent(self, name: str, field: Field | None) -> list[Any]:
        return [record.get(name) for record in self.parsed]

    def raw(self, row: int) -> Any:
        record = self.records[row]
        if not isinstance(record, bytes):
            return record
        try:
            return parsed(record)
        except InputError:
            return record.decode("utf-8", "backslashreplace")


class JsonReader(Reader):
    """Reads JSON lines, or .json files of one list.  With ALL, a field that the head does not show is an error."""

    def __init__(self, files: Sequence[Path], *, all: bool, resize: bool = False) -> None:
        super().__init__(files)
        self.all, self.resize = all, resize
        self.known: frozenset[str] | None = None

    def names(self) -> list[str]:
        found: dict[str, None] = {}
        for _, record in islice(self._records(self.files[0]), HEAD):
            try:
                value = parsed(record) if isinstance(record, bytes) else record
            except InputError:
                continue  # told when its turn comes
            found |= dict.fromkeys(value if isinstance(value, dict) else ())
        if self.all:
            self.known = frozenset(found)
        return list(found)

    def blocks(self, file: Path, rows: int) -> Iterator[Block]:
        lines, records, size = list[int](), list[Any](), 0
        for line, record in self._records(file):
            lines.append(line)
            records.append(record)
            size += len(record) if isinstance(record, bytes) else 0
            if len(records) >= rows or size > HEAVY:
                yield JsonBlock(file, lines, records, self.known, resize=self.resize)
                lines, records, size = [], [], 0
        if records:
            yield JsonBlock(file, lines, records, self.known, resize=self.resize)

    def _records(self, file: Path) -> Iterator[tuple[int, Any]]:
        """The line of each record, or its number in the list, and what it is."""
        self.position = 0
        with opened(file) as raw:
            if unpacked_suffix(file) == ".json":
                whole = raw.read()
                try:
                    value = parsed(whole)
                except InputError:  # many files called .json are JSON lines
                    yield from _filled(enumerate(whole.splitlines(), 1))
                else:
                    yield from enumerate(value if isinstance(value, list) else [value], 1)
                return
            yield from _filled(self._lines(file, raw))

    def _lines(self, file: Path, raw: Any) -> Iterator[tuple[int, bytes]]:
        number = 0
        while line := raw.readline(BLOCK):
            number += 1
            if len(line) == BLOCK:
                raise InputError(f"{file}:{number}: a line of more than {BLOCK} bytes", expected="an object a line",
                                 todo="is it another format?")  # fmt: skip
            self.position += len(line)
            yield number, line


def _filled(lines: Any) -> Iterator[tuple[int, bytes]]:
    """LINES that are not blank; a mark at the beginning of a file is no text."""
    for number, line in lines:
        text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
        if text:
            yield number, text


def parsed(text: bytes) -> Any:
    """TEXT as JSON, NaN and Infinity as Python writes them too.  Raises InputError."""
    if LONG.search(text) is None:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass  # or it says NaN
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}", expected="an object in UTF-8") from error


def _new(name: str) -> InputError:
    return InputError(f"field {name!r} stands in none of the first {HEAD} rows", expected="the fields of those",
                      todo="name the fields to keep: --keep")  # fmt: skip
