"""engine.json: which engine a folder asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aimass.core.errors import InputError
from aimass.engines.base import Engine
from aimass.engines.chosen import FILE, engine_of, write_engine
from aimass.engines.onnxruntime import OnnxRuntime


def test_a_folder_that_names_none_gets_the_usual_one(tmp_path: Path) -> None:
    assert engine_of(tmp_path) == OnnxRuntime()


@pytest.mark.parametrize(
    "given",
    [{"use": "onnxruntime", "threads": 2}, {"use": "host", "engine": {"use": "xgboost"}, "limits": {"seconds": 3.0}}],
)
def test_what_is_written_is_what_is_read_and_holds_no_revision(tmp_path: Path, given: dict[str, Any]) -> None:
    engine: Engine = Engine.from_settings(given)
    write_engine(tmp_path, engine)
    assert engine_of(tmp_path) == engine
    assert "revision" not in (tmp_path / FILE).read_text()


def test_a_few_words_by_hand_are_enough(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps({"use": "onnxruntime", "threads": 2}))
    assert engine_of(tmp_path) == OnnxRuntime(threads=2)


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "is damaged"), ('{"use": "onnxruntim"}', "did you mean 'onnxruntime'"), ("[1]", "engine"), ("{}", "`use`"),
     ('{"use": "onnxruntime", "threads": 0}', "threads must lie in")],
)  # fmt: skip
def test_a_file_that_names_no_engine_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(InputError, match=said):
        engine_of(tmp_path)
