"""Nouns: immutable folders of plain files with a manifest.  Their digest is their name."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from aimass.core.canonical import digest_of, digest_of_file
from aimass.core.errors import StoreError, pick
from aimass.core.signature import Signature

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What is known of an artifact without opening it; its digest is of kind, files and parents alone."""

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
    def from_json(cls, facts: dict[str, Any]) -> Self:
        return cls(**{**facts, "parents": tuple(facts["parents"])})


class Artifact:
    """An immutable folder.  Never write into `folder`; make a new artifact instead."""

    kind: ClassVar[str] = "artifact"

    def __init_subclass__(cls) -> None:
        cls.kind = cls.__name__.lower()

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest
        self.digest, self.facts = manifest.digest, manifest.facts

    @cached_property
    def signature(self) -> Signature:
        return Signature.from_json(self.read_json("signature.json"))

    def read_json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.digest[:12]})"


class Dataset(Artifact):
    """Rows of named columns: a pinned snapshot of a lake table, or Parquet files."""


class Examples(Artifact):
    """Rows split, turned into tensors by a fitted graph that travels with them."""


class Model(Artifact):
    """Raw record in, answer out: `model.onnx` with its graph, network and signature."""


class Report(Artifact):
    """Figures: a measurement of a model, or a ledger of many."""


class Release(Artifact):
    """A model with the ledger that justifies it, ready to be served."""


KINDS: dict[str, type[Artifact]] = {k.kind: k for k in (Dataset, Examples, Model, Report, Release)}


def open_artifact(folder: Path) -> Artifact:
    """The artifact in FOLDER.  Raises StoreError when its manifest is missing or unreadable."""
    try:
        manifest = Manifest.from_json(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        expected, todo = f"a folder with a readable {MANIFEST}", "delete the folder and run again; it will be rebuilt"
        raise StoreError(f"{folder} is not a whole artifact: {error}", expected=expected, todo=todo) from error
    kind: type[Artifact] = pick("kind of artifact", manifest.kind, KINDS)
    return kind(folder, manifest)


def files_of(folder: Path) -> dict[str, str]:
    """Relative path -> sha256 of every file below FOLDER except the manifest."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path != folder / MANIFEST]
    return {path.relative_to(folder).as_posix(): digest_of_file(path) for path in paths}


def seal(kind: str, folder: Path, parents: list[str], **told: Any) -> Manifest:
    """Hash the files of FOLDER and write their manifest there; TOLD is recorded, not hashed."""
    files = files_of(folder)
    size = sum((folder / name).stat().st_size for name in files)
    digest = digest_of({"kind": kind, "files": files, "parents": sorted(parents)})
    manifest = Manifest(kind, digest, files, tuple(sorted(parents)), size=size, **told)
    (folder / MANIFEST).write_text(json.dumps(manifest.as_json(), indent=1, ensure_ascii=False), encoding="utf-8")
    return manifest
