"""What is tried when the user names nothing."""

from __future__ import annotations

from typing import Any

from aimass.core.errors import InputError
from aimass.core.part import resolve
from aimass.core.signature import Signature
from aimass.measure.machine import has_vnni
from aimass.models import PARTS

SPECIALISTS = ("convnet", "text")  # made for images and texts: they come first where they fit


def default_architectures(signature: Signature) -> list[dict[str, Any]]:
    """Every built-in architecture that can be built for the tensors of SIGNATURE.

    When none can, the linear one, whose error says why.
    """
    names = sorted(PARTS, key=lambda name: name not in SPECIALISTS)
    return [{"use": name} for name in names if _fits(name, signature)] or [{"use": "linear"}]


def _fits(name: str, signature: Signature) -> bool:
    """Whether architecture NAME takes every tensor of SIGNATURE.  Building is the question itself: milliseconds."""
    try:
        resolve("architecture", name)().build(signature)  # type: ignore[attr-defined]
    except InputError:
        return False
    return True


def default_passes() -> list[list[dict[str, Any]]]:
    """Both 8-bit quantisations.  With 7-bit weights where this processor would saturate on 8: products are added in
    16 bits before VNNI."""
    bits: dict[str, Any] = {} if has_vnni() else {"weight_bits": 7}
    return [[{"use": "quantize-int8", **bits}], [{"use": "quantize-int8-dynamic", **bits}]]
