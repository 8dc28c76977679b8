"""The engine that a folder asks for: engine.json beside the model, as the search picked it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aimass.core.errors import InputError, inside
from aimass.engines.base import Engine

FILE = "engine.json"  # {"use": "onnxruntime", "threads": 2}
DEFAULT = "onnxruntime"


def engine_of(folder: Path) -> Engine:
    """The engine that FOLDER names; ONNX Runtime with its defaults where it names none.

    Raises InputError when the file is damaged, or its engine is not known or not installed.
    """
    path = folder / FILE
    if not path.is_file():
        return Engine.from_settings(DEFAULT)
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}", expected="an engine", todo="make the artifact again") from error
    with inside(FILE):
        return Engine.from_settings(facts, "engine")


def write_engine(folder: Path, engine: Engine) -> None:
    """Let FOLDER ask for ENGINE: by its settings, whatever their revision is when it is served."""
    (folder / FILE).write_text(json.dumps(_lasting(engine.settings()), indent=1), encoding="utf-8")


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lasting(each) for key, each in value.items() if key != "revision"}
    return value
