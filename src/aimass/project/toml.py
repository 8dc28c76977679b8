"""Where a key stands in a TOML text: tomllib tells values, users need line and column."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aimass.core.errors import InputError

TOKEN = re.compile(
    r'''(?P<text>"""(?:\\.|[^\\])*?"{3,5}|\'{3}.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\')'''
    r"""|(?P<comment>\#[^\n]*)|(?P<sign>[\[\]{}=,\n])|(?P<bare>[^\s\[\]{}=,\#"']+)""",
    re.DOTALL,
)


def read(path: Path) -> tuple[dict[str, Any], str]:
    """The tables of the file at PATH and its text.  Raises InputError for what is not TOML."""
    if path.is_dir():
        path = path / "aimass.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(
            f"no project file at {path}",
            expected="an aimass.toml",
            todo="write one with: aimass init DATA.csv --target COLUMN",
        ) from error
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path} cannot be read: {error}", expected="a UTF-8 text file") from error
    try:
        return tomllib.loads(text), text
    except ValueError as error:  # TOMLDecodeError, and a whole number of thousands of digits
        raise InputError(f"{path}: {error}", expected="TOML", todo="mend that line") from error


def quoted(text: str) -> str:
    """TEXT as a TOML string on one line."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def locate(text: str, keys: list[str]) -> tuple[int, int]:
    """Line and column (from 1) of the entry KEYS, or of the nearest table around it.

    An item of a list (`[[clean.transforms]]` or `[...]`) is named by its index as text.
    """
    places = Places(text).found
    for length in range(len(keys), 0, -1):
        at = places.get(tuple(keys[:length]))
        if at is not None:
            return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return 1, 1


class Places:
    """Where every table, key and list item of a valid TOML text begins: `found` is path -> offset."""

    def __init__(self, text: str) -> None:
        matches = [m for m in TOKEN.finditer(text) if m.lastgroup != "comment"]
        self.tokens = [(m.group(), m.start(), m.lastgroup) for m in matches]
        self.next, self.found = 0, dict[tuple[str, ...], int]()
        self.lengths: dict[tuple[str, ...], int] = {}  # of arrays of tables
        table: tuple[str, ...] = ()
        while self.next < len(self.tokens):
            if self._skips("\n"):
                continue
            table = self._header() if self._peek() == "[" else self._entry(table)

    def _peek(self) -> str:
        return self.tokens[self.next][0] if self.next < len(self.tokens) else "\n"

    def _skips(self, *signs: str) -> bool:
        skipped = self._peek() in signs
        self.next += skipped
        return skipped

    def _words(self, end: str) -> list[str]:
        """The parts of a dotted key, up to and over the sign END."""
        parts: list[str] = []
        while not self._skips(end):
            token, _, kind = self.tokens[self.next]
            parts += [tomllib.loads(f"x = {token}")["x"]] if kind == "text" else filter(None, token.split("."))
            self.next += 1
        return parts

    def _header(self) -> tuple[str, ...]:
        at = self.tokens[self.next][1]
        self.next += 1
        many = self._skips("[")
        *outer, last = self._words("]")
        path: tuple[str, ...] = ()
        for part in outer:
            path += (part,)
            self.found.setdefault(path, at)
            if path in self.lengths:  # the newest item of an array of tables
                path += (str(self.lengths[path] - 1),)
        path += (last,)
        if path not in self.lengths:
            self.found[path] = at
        if many:
            self._skips("]")
            self.lengths[path] = self.lengths.get(path, 0) + 1
            path += (str(self.lengths[path] - 1),)
            self.found[path] = at
        return path

    def _entry(self, table: tuple[str, ...]) -> tuple[str, ...]:
        """One `key = value` of TABLE."""
        at = self.tokens[self.next][1]
        path = (*table, *self._words("="))
        self.found.setdefault(path, at)
        self._value(path)
        return table

    def _value(self, path: tuple[str, ...]) -> None:
        if self._skips("["):
            self._items("]", lambda index: self._item((*path, str(index))))
        elif self._skips("{"):
            self._items("}", lambda _: self._entry(path))
        else:
            self.next += 1
            while self._peek() not in ("\n", ",", "]", "}"):  # a date and its time
                self.next += 1

    def _item(self, path: tuple[str, ...]) -> None:
        self.found.setdefault(path, self.tokens[self.next][1])
        self._value(path)

    def _items(self, end: str, read: Callable[[int], object]) -> None:
        count = 0
        while not self._skips(end):
            if not self._skips(",", "\n"):
                read(count)
                count += 1
