"""Pictures in V2: a tensor of datatype BYTES whose content_type says image/png or image/jpeg.

In JSON each element is base64; in the binary extension, and shorter, the file itself behind its length.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from aimass.collect.pictures import Picture
from aimass.core.errors import InputError
from aimass.core.signature import Field
from aimass.serve.images import KINDS, bytes_of, check_pixels, is_image, telling
from aimass.serve.messages import Refused
from aimass.serve.v2.tensors import elements

HINT = "content_type"


def is_pictures(field: Field, tensor: dict[str, Any]) -> bool:
    """Whether TENSOR holds packed pictures for FIELD."""
    return is_image(field) and tensor.get("datatype") == "BYTES"


def unpacked(field: Field, tensor: dict[str, Any], parameters: dict[str, Any], raw: memoryview | None) -> np.ndarray:
    """uint8 [N, H, W, C] of TENSOR, whose elements are in its data or in RAW.  Raises Refused."""
    hint = parameters.get(HINT)
    if hint not in KINDS:
        raise Refused(400, f"input {field.name!r} is BYTES with {HINT} {hint!r}", expected=" or ".join(KINDS),
                      to_do=f'say what they are: "parameters": {{"{HINT}": "{KINDS[0]}"}}')  # fmt: skip
    packed = _packed(field, tensor, raw)
    try:
        return _pixels(field, packed, resize=parameters.get("resize") is True)
    except InputError as error:
        raise Refused(400, error.what, expected=error.expected, to_do=error.todo, key=error.key) from error


def rows_of(field: Field, tensor: dict[str, Any]) -> int:
    """How many pictures the shape of TENSOR claims: [N] or [N, 1].  Raises Refused."""
    shape = tensor.get("shape")
    sizes = shape if isinstance(shape, list) else []
    if sizes[1:] not in ([], [1]) or not sizes or type(sizes[0]) is not int or sizes[0] < 0:
        raise Refused(400, f"input {field.name!r} has shape {shape!r}", expected="[N] for N pictures")
    return sizes[0]


def _packed(field: Field, tensor: dict[str, Any], raw: memoryview | None) -> list[bytes]:
    if raw is not None:
        return elements(field, rows_of(field, tensor), raw)
    data, rows = tensor.get("data"), rows_of(field, tensor)
    if not isinstance(data, list) or len(data) != rows or not all(isinstance(text, str) for text in data):
        raise Refused(400, f"input {field.name!r} has no {rows} texts", expected="a flat list of pictures in base64")
    found = []
    for i, text in enumerate(data):
        try:
            found.append(bytes_of({"b64": text}))
        except InputError as error:
            raise Refused(400, f"input {field.name!r}: picture {i} is {error.what}", expected="base64") from error
    return found


def _pixels(field: Field, packed: list[bytes], *, resize: bool) -> np.ndarray:
    heads = []
    for i, raw in enumerate(packed):
        with telling(i, field):
            heads.append(Picture(raw))
    check_pixels(heads)
    made = np.empty((len(heads), *field.shape), np.uint8)
    for i, head in enumerate(heads):
        with telling(i, field):
            made[i] = head.pixels(field.shape, resize=resize)
    return made
