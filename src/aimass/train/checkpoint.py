"""Training state on disk: written beside the training, whole or not at all, read without running code.

A state is one safetensors file with its facts as JSON in the header.  `latest.json` names the newest whole one and its
SHA-256; the one before it stays, so that a file damaged later costs some steps and not the run.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes
from torch import Tensor

from aimass.core.errors import StoreError

LATEST = "latest.json"
KEPT = 2


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Put CONTENT at PATH: a reader sees the old file or the new one, also after a loss of power."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        if part.is_file():
            part.unlink()  # half a file would only take the room that is missing
        raise StoreError(
            f"the checkpoint {path} cannot be written: {error.strerror}",
            expected="room on a disk that can be written",
            todo="free some space and run again; the last whole checkpoint is kept",
        ) from error


class Keeper:
    """Keeps states in FOLDER.  One save is in flight at most; its failure is raised at the next call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writer: threading.Thread | None = None
        self._failed: Exception | None = None

    def save(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Copy TENSORS now and write them meanwhile.  FACTS: JSON, infinite numbers too."""
        self.wait()
        # Copies: training goes on while they are written, and the format knows neither two names for one tensor (tied
        # weights) nor other layouts than row by row.
        staged = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
        self._writer = threading.Thread(target=self._write, args=(staged, json.dumps(facts)))
        self._writer.start()

    def wait(self) -> None:
        """Until nothing is in flight.  Raises StoreError when the last save failed."""
        if self._writer:
            self._writer.join()
            self._writer = None
        self.check()

    def check(self) -> None:
        """Raises what a save has raised, StoreError mostly; asks without waiting."""
        if self._failed:
            failed, self._failed = self._failed, None
            raise failed

    def _write(self, tensors: dict[str, Tensor], facts: str) -> None:
        try:
            content = to_bytes(tensors, {"facts": facts})
            before = self._pointers()
            number = before[0]["number"] + 1 if before else 1
            name = f"state-{number}.safetensors"
            write_whole(self.folder / name, content)
            newest = {"number": number, "file": name, "sha256": sha256(content).hexdigest()}
            kept = [newest, *before][:KEPT]
            write_whole(self.folder / LATEST, json.dumps(kept).encode())
            for path in self.folder.glob("state-*"):
                if path.name not in {pointer["file"] for pointer in kept}:
                    path.unlink(missing_ok=True)
        except Exception as error:  # raised again by `check`
            self._failed = error

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Tensors and facts of the newest whole state; None when there is none."""
        for pointer in self._pointers():
            try:
                content = (self.folder / pointer["file"]).read_bytes()
                if sha256(content).hexdigest() == pointer["sha256"]:
                    return from_bytes(content), json.loads(_header(content)["facts"])
            except (OSError, SafetensorError):  # gone or damaged: the one before it
                continue
        return None

    def _pointers(self) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = json.loads((self.folder / LATEST).read_bytes())
        except (OSError, ValueError):  # none yet
            return []
        return found


def _header(content: bytes) -> dict[str, str]:
    """The texts in the header of a safetensors file: 8 bytes of length (little endian), then JSON."""
    length = int.from_bytes(content[:8], "little")
    found: dict[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
    return found
