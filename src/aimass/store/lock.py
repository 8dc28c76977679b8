"""One program a task: a file lock that the kernel lets go of when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from aimass.store.base import writing


@contextmanager
def held(path: Path, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock at PATH; when another process has it, WAITING is told its pid and we wait."""
    with _locked(path, waiting) as file:
        with writing(str(path)):
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        yield


@contextmanager
def tried(path: Path) -> Iterator[bool]:
    """Whether the lock at PATH was free; it is held then, and its file may be removed."""
    try:
        file = path.open("a+", encoding="ascii")
    except OSError:  # another user's, or a disk that cannot be written
        yield False
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield _is_at(path, file)


def _locked(path: Path, waiting: Callable[[str], None]) -> TextIO:
    """The open and locked file at PATH; opened again when it was swept in between."""
    while True:
        with writing(str(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a+", encoding="ascii")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                waiting(file.read().strip() or "?")
                fcntl.flock(file, fcntl.LOCK_EX)
        if _is_at(path, file):
            return file
        file.close()


def _is_at(path: Path, file: TextIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
