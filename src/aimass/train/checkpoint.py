"""Training state on disk: written beside the training, whole or not at all, read without running code.

A state is one safetensors file with its facts as JSON in the header.  `latest.json` names the newest whole one and its
SHA-256; the one before it stays, so that a file damaged later costs some steps and not the run.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import file_digest
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from aimass.core.errors import StoreError

LATEST = "latest.json"
KEPT = 2
LEFT = ("state-*", ".tmp*")  # old states, and what a killed `save_file` was writing

Kept = tuple[dict[str, Tensor], dict[str, Any]]  # tensors and facts of a state


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file to write, which then takes the place of PATH: a reader sees the old one or the new one, also after a loss
    of power.  Raises StoreError when it cannot be written; the old one stays."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("r+b") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except (OSError, SafetensorError) as error:
        if part.is_file():
            part.unlink()  # half a file would only take the room that is missing
        raise StoreError(
            f"the checkpoint {path} cannot be written: {getattr(error, 'strerror', None) or error}",
            expected="room on a disk that can be written",
            todo="free some space and run again; the last whole checkpoint is kept",
        ) from error


def write_whole(path: Path, content: bytes) -> None:
    """Put CONTENT at PATH by `replacing`."""
    with replacing(path) as part:
        part.write_bytes(content)


class Keeper:
    """Keeps states, so that a run can be gone on with; this one keeps none."""

    def save(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Keep what TENSORS hold now, and FACTS: JSON, infinite numbers too."""

    def load(self) -> Kept | None:
        """Tensors and facts of the newest whole state, the caller's from now on; None when there is none."""
        return None

    def wait(self) -> None:
        """Until nothing is in flight.  Raises what a save has raised, StoreError mostly."""

    def check(self) -> None:
        """The same without waiting."""


class InMemory(Keeper):
    """Keeps the newest state in this process, for a run that goes on in it or never."""

    def __init__(self) -> None:
        self._newest: Kept | None = None

    def save(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        self._newest = None  # first: there need not be room for two
        self._newest = staged(tensors), dict(facts)

    def load(self) -> Kept | None:
        newest, self._newest = self._newest, None
        return newest


class OnDisk(Keeper):
    """Keeps states in FOLDER, written beside the training.  One save is in flight at most."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writer: threading.Thread | None = None
        self._failed: Exception | None = None

    def save(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        self.wait()
        self._writer = threading.Thread(target=self._write, args=(staged(tensors), json.dumps(facts)))
        self._writer.start()

    def load(self) -> Kept | None:
        for pointer in self._pointers():
            path = self.folder / pointer["file"]
            try:
                if sha_of(path) == pointer["sha256"]:
                    with safe_open(path, framework="pt") as file:
                        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
                        return tensors, json.loads(file.metadata()["facts"])
            except (OSError, SafetensorError):  # gone or damaged: the one before it
                continue
        return None

    def wait(self) -> None:
        if self._writer:
            self._writer.join()
            self._writer = None
        self.check()

    def check(self) -> None:
        if self._failed:
            failed, self._failed = self._failed, None
            raise failed

    def _write(self, tensors: dict[str, Tensor], facts: str) -> None:
        """Straight from the tensors, and without the interpreter's lock: steps go on, and nothing is copied again."""
        try:
            before = self._pointers()
            number = before[0]["number"] + 1 if before else 1
            path = self.folder / f"state-{number}.safetensors"
            with replacing(path) as part:
                save_file(tensors, part, {"facts": facts})
            newest = {"number": number, "file": path.name, "sha256": sha_of(path)}
            kept = [newest, *before][:KEPT]
            write_whole(self.folder / LATEST, json.dumps(kept).encode())
            for path in chain.from_iterable(map(self.folder.glob, LEFT)):
                if path.name not in {pointer["file"] for pointer in kept}:
                    path.unlink(missing_ok=True)
        except Exception as error:  # raised again by `check`
            self._failed = error

    def _pointers(self) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = json.loads((self.folder / LATEST).read_bytes())
        except (OSError, ValueError):  # none yet
            return []
        return found


def staged(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """One copy of each on the host: training goes on meanwhile, and the format knows neither two names for one tensor
    (tied weights) nor other layouts than row by row."""
    by_row = torch.contiguous_format
    return {name: value.detach().to("cpu", copy=True, memory_format=by_row) for name, value in tensors.items()}


def sha_of(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
