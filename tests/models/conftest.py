"""Signatures of any mix of tensors, and random tensors for them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from aimass.core.signature import Field, Signature

CLASSES = {"binary": ("no", "yes"), "multiclass": ("ham", "egg", "spåm"), "regression": ()}
FIELDS = {
    "numbers": Field("x.numbers", "float32", (4,)),
    "categories": Field("x.categories", "int32", (2,), sizes=(5, 30)),
    "words": Field("x.words.body", "int32", (12,), sizes=(50,)),
    "image": Field("x.image.picture", "float32", (1, 12, 12)),
}


@pytest.fixture
def signature_of() -> Callable[..., Signature]:
    """A signature of a task and these kinds of tensors; each raw column is called as its kind."""

    def make(task: str, *kinds: str) -> Signature:
        outputs: tuple[Field, ...] = (Field("value", "float32"),)
        if classes := CLASSES[task]:
            outputs = (Field("label", "string", values=classes), Field("probabilities", "float32", (len(classes),)))
        rows = tuple(Field(kind, FIELDS[kind].dtype, FIELDS[kind].shape, kind=kind) for kind in kinds)
        return Signature(task, "answer", rows, tuple(FIELDS[kind] for kind in kinds), outputs)  # type: ignore[arg-type]

    return make


@pytest.fixture
def tensors_for() -> Callable[[Signature, int], dict[str, np.ndarray]]:
    """Random tensors of a signature: indices within their sizes, texts of all lengths, an empty one first."""

    def make(signature: Signature, rows: int) -> dict[str, np.ndarray]:
        random = np.random.default_rng(rows)
        made = {}
        for field in signature.inputs:
            if field.dtype == "float32":
                made[field.name] = random.normal(size=(rows, *field.shape)).astype(np.float32)
                continue
            sizes = field.sizes if field.name == "x.categories" else field.sizes * field.shape[0]
            index = np.stack([random.integers(0, size, rows) for size in sizes], axis=1)
            if field.name.startswith("x.words"):
                index[np.arange(field.shape[0]) >= random.integers(0, field.shape[0] + 1, rows)[:, None]] = 0
                index[0] = 0
            made[field.name] = index.astype(np.int32)
        return made

    return make
