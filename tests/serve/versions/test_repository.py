"""Versions in a folder: those whose names are numbers as they are said, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from aimass.serve.messages import Refused
from aimass.serve.predictor import NEEDED
from aimass.serve.versions.repository import Folder


def test_versions_are_folders_with_a_model_whose_names_are_plain_numbers(tmp_path: Path) -> None:
    for name in ("m/2", "m/10", "a/1", "m/007", "m/0", "m/\u00b2", "m/draft", "m/-1"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / NEEDED[0]).write_bytes(b"")
    (tmp_path / "m" / "11").mkdir()
    shelf = Folder(tmp_path)
    assert shelf.list() == [("a", "1"), ("m", "2"), ("m", "10")]
    assert shelf.find("m", "").version == 10
    with pytest.raises(Refused, match="no version '007'"):
        shelf.find("m", "007")
