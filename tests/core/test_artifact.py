"""Artifacts: what their digest is of, and what happens to damaged ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aimass.core.artifact import KINDS, MANIFEST, Dataset, Manifest, files_of, open_artifact, seal
from aimass.core.errors import InputError, StoreError


def folder_with(folder: Path, **files: str) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.json").write_text(text)
    return folder


def test_the_digest_is_of_kind_files_and_parents_and_of_nothing_else(tmp_path: Path) -> None:
    folders = [folder_with(tmp_path / str(i), rows="[1]") for i in range(6)]
    same = [
        seal("dataset", folders[0], ["b", "a"]),
        seal("dataset", folders[1], ["a", "b"], created="2020-01-01", facts={"rows": 1}, made_by="t", step="make"),
    ]
    (folders[2] / "rows.json").write_text("[2]")
    (folders[3] / "rows.json").rename(folders[3] / "other.json")
    others = [
        seal("dataset", folders[2], ["a", "b"]),
        seal("dataset", folders[3], ["a", "b"]),
        seal("report", folders[4], ["a", "b"]),
        seal("dataset", folders[5], ["a"]),
    ]
    assert same[0].digest == same[1].digest
    assert len({same[0].digest, *(m.digest for m in others)}) == 5


def test_a_manifest_survives_json_and_lists_every_file_but_itself(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "a", rows="[1]", facts="{}")
    (folder / "deep").mkdir()
    (folder / "deep" / "file.bin").write_bytes(b"123")
    (folder / "deep" / MANIFEST).write_text("4444")  # a file of the content that happens to be called so
    manifest = seal("dataset", folder, ["p"], facts={"rows": 1})
    assert Manifest.from_json(json.loads(json.dumps(manifest.as_json()))) == manifest
    assert (
        list(manifest.files)
        == ["deep/file.bin", f"deep/{MANIFEST}", "facts.json", "rows.json"]
        == list(files_of(folder))
    )
    assert manifest.size == 3 + 4 + 3 + 2


def test_a_sealed_folder_opens_as_its_kind(tmp_path: Path) -> None:
    for kind, cls in KINDS.items():
        folder = folder_with(tmp_path / kind, rows="[1]")
        digest = seal(kind, folder, [], facts={"rows": 1}).digest
        artifact = open_artifact(folder)
        assert type(artifact) is cls and artifact.kind == kind == cls.__name__.lower()
        assert (artifact.digest, artifact.facts, artifact.read_json("rows.json")) == (digest, {"rows": 1}, [1])
        assert repr(artifact) == f"{cls.__name__}({digest[:12]})"


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"kind": "dataset"}', '{"parents": 3}', "\xff"])
def test_a_damaged_manifest_is_a_store_error_that_says_what_to_do(tmp_path: Path, text: str | None) -> None:
    folder = folder_with(tmp_path / "a", rows="[1]")
    if text is not None:
        (folder / MANIFEST).write_text(text, encoding="latin-1")
    with pytest.raises(StoreError, match="is not a whole artifact") as caught:
        open_artifact(folder)
    assert "run again" in caught.value.todo


def test_an_unknown_kind_suggests_the_nearest(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "a", rows="[1]")
    seal("datset", folder, [])
    with pytest.raises(InputError, match=f"did you mean '{Dataset.kind}'"):
        open_artifact(folder)
