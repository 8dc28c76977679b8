"""The contract of a byte store: whole artifacts in, whole artifacts out, nothing half-made in between."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from aimass.core.artifact import Artifact, Manifest, files_of, open_artifact
from aimass.core.errors import StoreError


class Bytes(Protocol):
    """Keeps sealed artifact folders by digest."""

    def has(self, digest: str) -> bool:
        """True when the artifact is there, whole."""

    def path(self, digest: str) -> Path:
        """A local folder with the artifact; read it, never write it.  Raises StoreError when it is not there."""

    def put(self, folder: Path, manifest: Manifest) -> bool:
        """Publish a sealed FOLDER; it is moved or copied.  An artifact already there stays; whether this one is new.

        Raises StoreError.
        """

    def discard(self, digest: str) -> None:
        """Forget an artifact that turned out to be damaged."""

    def digests(self) -> list[str]:
        """Every artifact that is there, in no order."""


class Damaged(StoreError):
    """An artifact's files are not those its manifest lists."""


def verify(folder: Path, manifest: Manifest) -> None:
    """Raises Damaged when a file of the artifact is missing, changed or too many."""
    found = files_of(folder)
    wrong = sorted(n for n in {*found, *manifest.files} if found.get(n) != manifest.files.get(n))
    if wrong:
        raise Damaged(
            f"artifact {manifest.digest[:12]} is damaged: {', '.join(wrong[:3])}",
            expected="the files its manifest lists",
            todo="run the project again; the step that made it is repeated",
        )


def whole(folder: Path) -> Artifact:
    """The artifact in FOLDER, which is named after it.  Raises Damaged when its manifest is not to be read."""
    try:
        artifact = open_artifact(folder)
    except StoreError as error:
        raise Damaged(error.what, expected=error.expected, todo=error.todo) from error
    if artifact.digest != folder.name:
        raise Damaged(f"{folder} holds the manifest of {artifact.digest[:12]}", expected="its own",
                      todo="run the project again; the step that made it is repeated")  # fmt: skip
    return artifact


def look(artifact: Artifact) -> None:
    """Raises Damaged unless every file is there and their sizes add up; `verify` reads the bytes too."""
    paths = [artifact.folder / name for name in artifact.manifest.files]
    if not all(p.is_file() for p in paths) or sum(p.stat().st_size for p in paths) != artifact.manifest.size:
        raise Damaged(f"artifact {artifact.digest[:12]} is cut short")


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Turns the errors of a full or read-only disk into sentences."""
    try:
        yield
    except OSError as error:
        todo = {
            errno.ENOSPC: "free some space, or use another disk: --workspace FOLDER",
            errno.EDQUOT: "free some of your quota, or use another disk: --workspace FOLDER",
        }.get(error.errno or 0, "make the folder writable, or use another: --workspace FOLDER")
        raise StoreError(
            f"cannot write {what}: {error.strerror or error}", expected="a writable folder with free space", todo=todo
        ) from error


def lake_uri(lake: str, name: str) -> str:
    """Where the Delta table called NAME stands: known without what reads one, which takes half a second to import."""
    return f"{lake.rstrip('/')}/{name}"
