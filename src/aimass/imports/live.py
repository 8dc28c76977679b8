"""A model that is an object: converted here, by those who made it, and its answers written down beside it.

What is written is data: ONNX (or a booster's own file) and arrays.  The step then reads these as it reads any file.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from aimass.core.artifact import files_of
from aimass.core.canonical import digest_of
from aimass.core.errors import InputError
from aimass.core.step import Place
from aimass.engines.base import Tensors
from aimass.imports.base import Importer, Original
from aimass.imports.rows import ANSWER

FRAMEWORKS = ("xgboost", "lightgbm", "sklearn", "keras", "torch", "onnx")  # the first of those that a model is of
FOLDER, ROWS = "captured", "rows.npz"  # in the workspace; beside the model


def captured(model: Any, given: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """The settings of `import_model` that MODEL and the settings GIVEN with it amount to.

    Raises InputError for an object that nobody converts.
    """
    framework, settings = framework_of(model), dict(given)
    rows = settings.pop("rows", None)
    home = Path(getattr(place, "folder", tempfile.gettempdir())) / FOLDER
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as scratch:
        known = _BOOSTERS.get(framework, _network)(framework, model, rows, Path(scratch))
        kept = home / digest_of(files_of(Path(scratch)))[:16]
        if not kept.exists():
            shutil.copytree(scratch, kept)
    paths = {"path": str(next(kept.glob("model.*")))} | ({"rows": str(kept / ROWS)} if (kept / ROWS).exists() else {})
    return {**{name: fact for name, fact in known.items() if fact}, **settings, **paths}


def _network(framework: str, model: Any, rows: Any, folder: Path) -> dict[str, Any]:
    """Write the ONNX of MODEL, what it was asked and what it answered; what is known of it."""
    original: Original = Importer.from_settings(framework).read(model, rows)
    if framework != "onnx":
        name, _, version = original.source.partition(" ")
        original.network.producer_name, original.network.producer_version = name, version
    onnx.save(original.network, folder / "model.onnx")
    asked = original.rows if original.rows is not None else rows
    if asked is not None:
        _save(folder, asked, original.answer(asked) if original.rows is not None else {})
    return {"task": original.task, "classes": list(original.classes), "columns": list(original.columns),
            "answers": dict(original.answers)}  # fmt: skip


def _xgboost(framework: str, model: Any, rows: Any, folder: Path) -> dict[str, Any]:
    """Write the booster in XGBoost's own format, up to its best round."""
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    if booster.attr("best_iteration") is not None:
        booster = booster[: int(booster.attr("best_iteration")) + 1]
    (folder / "model.ubj").write_bytes(bytes(booster.save_raw("ubj")))
    return _boosted(model, rows, folder)


def _lightgbm(framework: str, model: Any, rows: Any, folder: Path) -> dict[str, Any]:
    """Write the booster in LightGBM's own format, up to its best round."""
    booster = getattr(model, "booster_", model)
    (folder / "model.txt").write_text(booster.model_to_string(), encoding="utf-8")
    return _boosted(model, rows, folder)


def _boosted(model: Any, rows: Any, folder: Path) -> dict[str, Any]:
    if rows is not None:
        _save(folder, {"x": np.asarray(rows, np.float64)}, {})
    return {"classes": [str(name) for name in getattr(model, "classes_", ())]}


def _save(folder: Path, rows: Tensors, answers: Tensors) -> None:
    """ROWS and ANSWERS as arrays without objects: texts have a width."""
    named = {**rows, **{f"{ANSWER}{name}": array for name, array in answers.items()}}
    arrays: dict[str, Any] = {
        name: np.asarray(array).astype(np.str_) if np.asarray(array).dtype == object else np.asarray(array)
        for name, array in named.items()
    }
    np.savez(folder / ROWS, **arrays)


_BOOSTERS = {"xgboost": _xgboost, "lightgbm": _lightgbm}


def framework_of(model: Any) -> str:
    """The importer that reads objects like MODEL."""
    homes = {kind.__module__.partition(".")[0] for kind in type(model).__mro__}
    found = next((name for name in FRAMEWORKS if name in homes), "")
    if isinstance(model, bytes):
        found = "onnx"
    if not found:
        raise InputError(f"a {type(model).__module__}.{type(model).__name__} cannot be imported",
                         expected=f"a model of {', '.join(FRAMEWORKS)}, or the path of a file",
                         todo="export it to ONNX with its own tools, and give the path")  # fmt: skip
    return found
