"""Nouns: immutable folders of plain files with a manifest.  Their digest is their name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from aimass.core.canonical import digest_of, digest_of_file
from aimass.core.errors import StoreError, unknown
from aimass.core.signature import Signature

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What is known of an artifact without opening it.

    `files`, `parents` and `kind` make the digest; the rest is told, not hashed.
    """

    kind: str
    digest: str
    files: dict[str, str]  # relative path -> sha256
    parents: tuple[str, ...]
    made_by: str = ""  # digest of the task
    step: str = ""
    created: str = ""  # ISO 8601, UTC
    version: str = ""  # of the package
    size: int = 0  # bytes of all files
    facts: dict[str, Any] = field(default_factory=dict)  # small numbers worth listing

    def as_json(self) -> dict[str, Any]:
        return {**self.__dict__, "parents": list(self.parents)}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Manifest:
        return cls(**{**facts, "parents": tuple(facts["parents"])})


class Artifact:
    """An immutable folder.  Never write into `folder`; make a new artifact instead."""

    kind: ClassVar[str] = "artifact"

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest

    @property
    def digest(self) -> str:
        return self.manifest.digest

    @property
    def facts(self) -> dict[str, Any]:
        return self.manifest.facts

    @cached_property
    def signature(self) -> Signature:
        return Signature.from_json(self.read_json("signature.json"))

    def read_json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.digest[:12]})"


class Dataset(Artifact):
    """Rows of named columns: a pinned snapshot of a lake table, or Parquet files."""

    kind = "dataset"


class Examples(Artifact):
    """Rows split, turned into tensors by a fitted graph that travels with them."""

    kind = "examples"


class Model(Artifact):
    """Raw record in, answer out: `model.onnx` with its graph, network and signature."""

    kind = "model"


class Report(Artifact):
    """Figures: a measurement of a model, or a ledger of many."""

    kind = "report"


class Release(Artifact):
    """A model with the ledger that justifies it, ready to be served."""

    kind = "release"


KINDS: dict[str, type[Artifact]] = {k.kind: k for k in (Dataset, Examples, Model, Report, Release)}


def open_artifact(folder: Path) -> Artifact:
    """The artifact in FOLDER.  Raises StoreError when its manifest is missing or unreadable."""
    try:
        manifest = Manifest.from_json(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(
            f"{folder} is not a whole artifact: {error}",
            expected=f"a folder with a readable {MANIFEST}",
            todo="delete the folder and run again; it will be rebuilt",
        ) from error
    if manifest.kind not in KINDS:
        raise unknown("kind of artifact", manifest.kind, KINDS)
    return KINDS[manifest.kind](folder, manifest)


def files_of(folder: Path) -> dict[str, str]:
    """Relative path -> sha256 of every file below FOLDER except the manifest."""
    return {
        path.relative_to(folder).as_posix(): digest_of_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }


def seal(kind: str, folder: Path, parents: list[str], **told: Any) -> Manifest:
    """Hash the files of FOLDER and write their manifest there; TOLD is recorded, not hashed."""
    files = files_of(folder)
    size = sum((folder / name).stat().st_size for name in files)
    digest = digest_of({"kind": kind, "files": files, "parents": sorted(parents)})
    manifest = Manifest(kind, digest, files, tuple(sorted(parents)), size=size, **told)
    text = json.dumps(manifest.as_json(), indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return manifest
