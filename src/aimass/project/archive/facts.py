"""What an archive says of artifacts, runs, names and versions, each word held against what it can be."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

from aimass.core.artifact import KINDS, MANIFEST, Manifest
from aimass.core.canonical import digest_of
from aimass.core.errors import InputError
from aimass.project.archive.belongs import alias_of
from aimass.project.archive.contents import ARTIFACTS, DIGEST, NAMES, PROJECT, RUNS, VERSIONS, Contents
from aimass.project.archive.rows import fits
from aimass.project.archive.unpack import Archive, legible, parsed
from aimass.publish.names import check_name
from aimass.store import tables as t
from aimass.store.catalog import Row

LARGEST = 16 << 20  # bytes of a manifest
ENDED = ("finished", "reused", "unchanged", "failed", "stopped")


@dataclass(frozen=True)
class Facts:
    """Rows as the catalog has them, manifests by digest, and the project file."""

    artifacts: dict[str, Manifest]
    runs: list[Row]
    names: list[Row]
    versions: list[Row]
    text: str | None

    @classmethod
    def read(cls, archive: Archive) -> Facts:
        """All but figures and logs.  Raises InputError for what no export writes, or what leads to nothing."""
        manifests = _manifests(archive)
        found = cls(manifests, list(archive.lines(RUNS)), list(archive.lines(NAMES)), list(archive.lines(VERSIONS)),
                    _text(archive))  # fmt: skip
        with legible(archive.path):
            _check_runs(found)
            _check_versions(found)
            _check_names(found, archive.contents.project)
        return found


def artifact_row(m: Manifest) -> Row:
    """What the catalog keeps of a manifest."""
    return {"digest": m.digest, "kind": m.kind, "step": m.step, "task": m.made_by, "facts": m.facts, "size": m.size,
            "created": m.created, "package": m.version}  # fmt: skip


def _manifests(archive: Archive) -> dict[str, Manifest]:
    digests = sorted({path.split("/")[1] for path in archive.contents.below(ARTIFACTS)})
    found = {digest: _manifest(archive, digest) for digest in digests}
    with legible(archive.path):
        for m in found.values():
            lacking = [parent for parent in m.parents if parent not in found]
            if lacking:
                raise InputError(f"{m.digest[:12]} was made from {lacking[0][:12]}, which is not in it")
    return found


def _manifest(archive: Archive, digest: str) -> Manifest:
    """The manifest of DIGEST, when all it says of its files is so.  Raises InputError."""
    path, contents = f"{ARTIFACTS}/{digest}/{MANIFEST}", archive.contents
    with legible(archive.path):
        if not 0 < contents.files.get(path, (0, ""))[0] <= LARGEST:
            raise InputError(f"artifact {digest[:12]} has no {MANIFEST}")
        told = parsed(archive.read(path))
        wrong = InputError(f"the {MANIFEST} of artifact {digest[:12]} is not what it should be")
        try:
            m = Manifest.from_json(told)
        except (TypeError, KeyError, AttributeError) as error:
            raise wrong from error
        if not _plain(m) or m.digest != digest or m.kind not in KINDS:
            raise wrong
        fits(t.artifact, artifact_row(m))
        _check_files(m, contents)
        return m


def _plain(m: Manifest) -> bool:
    """Whether files, parents and facts have the types they should."""
    digests = [*m.files.values(), *m.parents] if isinstance(m.files, dict) else [None]
    return all(isinstance(one, str) and DIGEST.fullmatch(one) for one in digests) and isinstance(m.facts, dict)


def _check_files(m: Manifest, contents: Contents) -> None:
    """Raises InputError unless the files of M are those of the archive, and make its digest."""
    folder = f"{ARTIFACTS}/{m.digest}"
    found = {path.removeprefix(f"{folder}/"): contents.files[path] for path in contents.below(folder)}
    del found[MANIFEST]
    if {name: digest for name, (_, digest) in found.items()} != m.files:
        raise InputError(f"artifact {m.digest[:12]} has other files than its {MANIFEST} lists")
    if sum(size for size, _ in found.values()) != m.size:
        raise InputError(f"artifact {m.digest[:12]} has another size than its {MANIFEST} says")
    if digest_of({"kind": m.kind, "files": m.files, "parents": sorted(m.parents)}) != m.digest:
        raise InputError(f"artifact {m.digest[:12]} is not what its digest says")


def _check_runs(facts: Facts) -> None:
    ids = set()
    for row in facts.runs:
        fits(t.run, row)
        task = parsed(row["task_json"].encode())
        told = {name: fact for name, fact in task.items() if name != "label"} if isinstance(task, dict) else {}
        if row["id"] in ids or row["state"] not in ENDED or row["ended"] is None:
            raise InputError(f"run {row['id']} in it is there twice or has not ended")
        if told.get("step") != row["step"] or digest_of(told) != row["task"]:
            raise InputError(f"run {row['id']} in it did another task than it says")
        if row["output"] is not None and row["output"] not in facts.artifacts:
            raise InputError(f"what run {row['id']} in it made is not there")
        ids.add(row["id"])


def _check_versions(facts: Facts) -> None:
    seen = set()
    for row in facts.versions:
        fits(t.version, row)
        check_name(row["name"])
        if (row["name"], row["number"]) in seen or row["number"] < 1 or row["digest"] not in facts.artifacts:
            raise InputError(f"version {row['name']}@{row['number']} in it is there twice or leads to nothing")
        seen.add((row["name"], row["number"]))


def _check_names(facts: Facts, project: str) -> None:
    published = {row["name"] for row in facts.versions}
    for row in facts.names:
        fits(t.name, row)
        if not row["name"].startswith(f"{project}/") and alias_of(row["name"]) not in published:
            raise InputError(f"the name {row['name'][:100]!r} in it is not the project's")
        if row["digest"] not in facts.artifacts:
            raise InputError(f"the name {row['name'][:100]!r} in it leads to nothing")


def _text(archive: Archive) -> str | None:
    """The project file.  Raises InputError for one that is none."""
    if PROJECT not in archive.contents.files:
        return None
    with legible(archive.path):
        if archive.contents.files[PROJECT][0] > LARGEST:
            raise InputError("its project file is too long")
        text = archive.read(PROJECT).decode()
        try:
            tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"its project file is not TOML: {str(error)[:100]}") from error
        return text


def moves(facts: Facts, names: dict[str, str]) -> tuple[list[dict[str, Any]], list[str]]:
    """Names that are new or move, where NAMES (name -> digest) are here already, and what stands against it.

    A name moves only from what the archive knows, too: who exported it had seen that.
    """
    found, against = [], []
    for row in facts.names:
        before = names.get(row["name"])
        if before == row["digest"]:
            continue
        if before is None or before in facts.artifacts:
            found.append({"name": row["name"], "before": before, "after": row["digest"]})
        else:
            against.append(f"{row['name']} leads to {before[:12]} here, which the archive does not know")
    return found, against
