"""What is tried when the user names nothing."""

from __future__ import annotations

from typing import Any

from aimass.core.signature import Signature
from aimass.measure.machine import has_vnni


def default_architectures(signature: Signature) -> list[dict[str, Any]]:
    """Architectures for the tensors of SIGNATURE: pictures, words, or columns of numbers and categories."""
    names = [field.name for field in signature.inputs]
    if any(name.startswith("x.image.") for name in names):
        return [{"use": "convnet"}]
    tables = [{"use": "linear"}, {"use": "mlp"}, {"use": "xgboost"}]
    if any(name.startswith("x.words.") for name in names):
        has_columns = any(name in ("x.numbers", "x.categories") for name in names)
        return [{"use": "text"}, *(tables if has_columns else [])]
    return tables


def default_passes() -> list[list[dict[str, Any]]]:
    """Both 8-bit quantisations.  With 7-bit weights where this processor would saturate on 8: products are added in
    16 bits before VNNI."""
    bits: dict[str, Any] = {} if has_vnni() else {"weight_bits": 7}
    return [[{"use": "quantize-int8", **bits}], [{"use": "quantize-int8-dynamic", **bits}]]
