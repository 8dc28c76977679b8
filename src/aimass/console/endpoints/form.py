"""How a release wants to be asked: its columns with types and real examples, read from the release itself.

Needs no server, and nothing that can run a model.
"""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np

from aimass.core.artifact import Release
from aimass.core.errors import StoreError
from aimass.core.signature import Field, Signature

EXAMPLES = 20  # records of the sample
LONG = 100_000  # letters of a record that is still an example


def form_of(release: Release) -> dict[str, Any]:
    """What a caller sends to RELEASE and what comes back.  Raises StoreError for one that cannot be read."""
    try:
        signature = Signature.from_json(release.read_json("signature.json"))
        sample = release.read_json("sample.json") if (release.folder / "sample.json").is_file() else []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"the release {release.digest[:12]} cannot be read: {error}", todo="publish it again"
        ) from error
    return {
        "task": signature.task, "target": signature.target, "classes": list(signature.classes),
        "columns": [_column(one) for one in signature.rows],
        "outputs": [{"name": one.name, "unit": one.unit} for one in signature.outputs],
        "examples": [found for record in sample[:EXAMPLES] if (found := _example(record, signature.rows)) is not None],
    }  # fmt: skip


def is_image(field: Field) -> bool:
    """Whether FIELD is a picture: pixels, height x width x channels."""
    return field.dtype == "uint8" and len(field.shape) == 3 and field.sent != "tensor"


def _column(field: Field) -> dict[str, Any]:
    sent = "image" if is_image(field) else field.sent or ("string" if field.dtype == "string" else "number")
    return {"name": field.name, "sent": sent, "kind": field.kind, "unit": field.unit, "shape": list(field.shape),
            "values": list(field.values)}  # fmt: skip


def _example(record: Any, fields: tuple[Field, ...]) -> dict[str, Any] | None:
    """RECORD with pictures packed as callers send them; None for one that is damaged or endless."""
    if not isinstance(record, dict) or record.keys() != {field.name for field in fields}:
        return None
    told = {field.name: _packed(record[field.name]) if is_image(field) else record[field.name] for field in fields}
    return told if len(json.dumps(told)) <= LONG else None


def _packed(pixels: Any) -> Any:
    from PIL import Image

    array = np.asarray(pixels, dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(array[..., 0] if array.shape[2] == 1 else array).save(buffer, "PNG", optimize=True)
    return {"b64": base64.b64encode(buffer.getvalue()).decode()}
