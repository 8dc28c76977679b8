"""The rows that a served model is explained against."""

from __future__ import annotations

import json
from pathlib import Path

from aimass.core.errors import InputError
from aimass.core.signature import Signature
from aimass.engines.base import Tensors
from aimass.explain.asked import check_columns
from aimass.prepare.background import load_background
from aimass.prepare.rows import from_records


def background_of(folder: Path, signature: Signature) -> Tensors:
    """The training rows that `prepare` left in FOLDER of a model or a release; those of its sample where it left none.

    Raises InputError when there are neither, or when they are not rows of SIGNATURE.
    """
    kept = load_background(folder, signature.rows)
    if kept is None:
        kept = from_records(_sample(folder / "sample.json"), signature.rows)
    check_columns(kept, signature.rows, f"the background in {folder}", least=1)
    return kept


def _sample(path: Path) -> list[object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read: {error}", expected="records", todo="make the artifact again"
        ) from error
    if not isinstance(found, list) or not found:
        raise InputError(f"{path} holds no records", expected="a list of records", todo="make the artifact again")
    return found
