"""The file of keys: a line of JSON a key.  Read whole or not at all, written whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from aimass.core.errors import InputError, inside
from aimass.serve.access.keys import Key, key_from_json
from aimass.store.base import writing
from aimass.store.lock import held

LARGEST = 64 << 20  # bytes
COARSE = 2_000_000_000  # nanoseconds
Stamp = tuple[int, ...]


def stamp_of(path: Path) -> Stamp:
    """Differs when the file at PATH is another one; empty where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size


def settled(stamp: Stamp) -> bool:
    """Whether who changed the file again would have changed its STAMP; clocks of file systems are coarse."""
    return not stamp or time.time_ns() - stamp[1] > COARSE


def read_keys(path: Path) -> list[Key]:
    """The keys in the file at PATH.  Raises InputError that names the line at fault, never what stands in it."""
    try:
        size, mode = path.stat().st_size, path.stat().st_mode
        if mode & stat.S_IWOTH:
            raise InputError(f"anybody may write {path}", expected="a file of its owner", todo=f"chmod 600 {path}")
        if size > LARGEST:
            raise InputError(f"{path} has {size} bytes", expected=f"at most {LARGEST}")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        todo = f"make it: aimass keys create NAME --keys {path}"
        raise InputError(f"the keys cannot be read from {path}: {error.strerror}", todo=todo, key="keys") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} holds no keys: it is not UTF-8", expected="a line of JSON a key") from error
    return _unique(path, [_parsed(path, n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()])


def _parsed(path: Path, number: int, line: str) -> Key:
    with inside(f"line {number}"):
        try:
            facts = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path} is damaged: line {number} is not JSON", expected="a key in JSON") from error
        try:
            return key_from_json(facts)
        except InputError as error:
            error.what = f"{path} is damaged: line {number}: {error.what}"
            raise


def _unique(path: Path, keys: list[Key]) -> list[Key]:
    ids = [key.id for key in keys]
    twice = next((id for id in ids if ids.count(id) > 1), "") if len(set(ids)) < len(ids) else ""
    if twice:
        raise InputError(f"{path} is damaged: two keys have the id {twice}", todo="remove one of the lines")
    return keys


def edit_keys(path: Path, change: Callable[[list[Key]], list[Key]]) -> None:
    """Let CHANGE make other keys of those at PATH (none where there is no file); writers wait for each other.

    A reader sees the old file or the new one.  Raises InputError when it is damaged, StoreError when it cannot be
    written.
    """
    with held(path.with_name(path.name + ".lock"), lambda pid: None):
        keys = change(read_keys(path) if path.exists() else [])
        write_whole(path, "".join(json.dumps(key.as_json()) + "\n" for key in keys).encode())


def write_whole(path: Path, data: bytes) -> None:
    """DATA is the file at PATH, for its owner alone; whoever reads sees what was there before, or all of it.

    Raises StoreError.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with writing(str(path)):
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
    finally:
        with suppress(OSError):  # it is gone when all went well
            beside.unlink()
