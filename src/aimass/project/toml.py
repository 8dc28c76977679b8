"""Where a key stands in a TOML text: tomllib tells values, users need line and column."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from aimass.core.errors import InputError

HEADER = re.compile(r"^\s*\[\[?\s*(?P<path>[^\]]+?)\s*\]\]?\s*(#.*)?$")
WORD = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_\-]+)"""
KEY = re.compile(rf"(?P<key>{WORD}(?:\s*\.\s*{WORD})*)\s*=")


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
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: {error}", expected="TOML", todo="mend that line") from error


def locate(text: str, keys: list[str]) -> tuple[int, int]:
    """Line and column (from 1) of the entry KEYS, or of the nearest table around it.

    An entry of a list of tables (`[[clean.transforms]]`) is named with its index as text.
    """
    entries = _entries(text)
    for length in range(len(keys), 0, -1):
        wanted = tuple(keys[:length])
        if wanted in entries:
            return entries[wanted]
    return 1, 1


def _entries(text: str) -> dict[tuple[str, ...], tuple[int, int]]:
    found: dict[tuple[str, ...], tuple[int, int]] = {}
    table: tuple[str, ...] = ()
    counts: dict[tuple[str, ...], int] = {}
    inside = ""  # the delimiter of a multi-line text we are in
    for number, line in enumerate(text.splitlines(), start=1):
        if inside:
            inside = "" if inside in line else inside
            continue
        header = HEADER.match(line)
        if header:
            table = _split(header["path"])
            if line.lstrip().startswith("[["):
                index = counts.get(table, 0)
                counts[table] = index + 1
                table = (*table, str(index))
            found.setdefault(table, (number, line.index("[") + 1))
            continue
        for match in KEY.finditer(line.split("#", 1)[0]):
            outer = match.start() == len(line) - len(line.lstrip())
            path = (*table, *_split(match["key"]))
            if not outer:  # a key of an inline table: known by the key before it on this line
                path = (*_last_outer(found, number), *_split(match["key"]))
            found.setdefault(path, (number, match.start() + 1))
        for quotes in ('"""', "'''"):
            if line.count(quotes) % 2:
                inside = quotes
    return found


def _last_outer(found: dict[tuple[str, ...], tuple[int, int]], line: int) -> tuple[str, ...]:
    here = [path for path, (number, _) in found.items() if number <= line]
    return min((p for p in here if found[p][0] == found[here[-1]][0]), key=len) if here else ()


def _split(path: str) -> tuple[str, ...]:
    parts = re.findall(r'"[^"]*"|\'[^\']*\'|[A-Za-z0-9_\-]+', path)
    return tuple(p.strip("\"'") for p in parts)
