"""JSON: a line an object, or a file that is one object or a list of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aimass.collect.base import Collector, Malformed, Rows
from aimass.collect.files import opened, read_files, unpacked_suffix
from aimass.core.part import knob


class JsonLines(Collector):
    """JSON Lines, or .json files that hold one object or one list of objects.  Values are kept as text."""

    path: str = knob("", help="file, glob, or package:NAME/file; .gz .bz2 .xz .zip are unpacked")

    def read(self, cursor: object | None) -> Iterator[Rows]:
        return read_files(self.path, cursor, self.rows_of)

    def rows_of(self, path: Path) -> Iterator[Rows]:
        """The rows of one file."""
        with opened(path) as file:
            if unpacked_suffix(path) == ".json":
                content = file.read()
                whole, found = _parsed(content)
                if found:
                    yield from _checked(whole)
                else:  # many files called .json are JSON Lines
                    yield from _lines(iter(content.splitlines()))
            else:
                yield from _lines(iter(file))


def _lines(lines: Iterator[bytes]) -> Iterator[Rows]:
    for number, line in enumerate(lines):
        if number == 0:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line.strip():
            continue
        value, found = _parsed(line)
        yield from [value] if isinstance(value, dict) else _checked([value]) if found else [value]


def _checked(value: Any) -> Iterator[Rows]:
    for row in value if isinstance(value, list) else [value]:
        yield row if isinstance(row, dict) else Malformed("not a JSON object", json.dumps(row))


def _parsed(content: bytes) -> tuple[Any, bool]:
    """The value and True, or a Malformed row and False."""
    try:
        return json.loads(content), True
    except (ValueError, RecursionError) as error:  # not UTF-8 is a ValueError too
        what = "not UTF-8" if isinstance(error, UnicodeDecodeError) else "not JSON"
        return Malformed(what, content.decode("utf-8", "backslashreplace").strip()), False
