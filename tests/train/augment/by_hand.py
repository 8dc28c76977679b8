"""Batches of every kind of tensor, and a graph with a vocabulary, for augmentations to vary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import torch
from torch import Tensor

from aimass.core.part import resolve, table_of
from aimass.core.signature import Field, Signature
from aimass.prepare.base import Column
from aimass.prepare.graph import Graph, compiled
from aimass.prepare.text import Text
from aimass.train.augment.base import Augmentation
from aimass.train.batch import Batch
from aimass.train.rng import Chance

TEXTS = ["a form of the film", "from the movie to a picture show", "Form and from, movie and film!", "the show of 2024"]
LENGTH, NUMBERS, SIZES, CLASSES = 12, 5, (4, 9), ("ham", "egg", "spam")
KINDS = {"numbers": (NUMBERS,), "categories": (len(SIZES),), "words": (LENGTH,), "image": (3, 12, 10)}
TABLE = {"film": ["movie", "picture", "show"], "movie": ["film"], "the": ["a"], "never": ["seen"]}
GIVEN: dict[str, dict[str, Any]] = {  # where defaults leave too much to chance, or none would do
    "flip": {"vertical": 0.5},
    "cutout": {"share": 0.8},
    "affine": {"shear": 0.2},
    "mixup": {"share": 0.8, "concentration": 0.8},
    "synonyms": {"table": TABLE, "share": 0.5},
    **{name: {"share": 0.4} for name in ("swap-words", "delete-words", "insert-words", "misspell", "hide-categories")},
}
ALL = sorted(table_of("augmentation"))
IMAGES = ["affine", "blur", "colour", "crop", "cutout", "flip", "noise", "shift"]


def part(name: str, **given: Any) -> Augmentation:
    return Augmentation.from_settings({"use": name, **(given or GIVEN.get(name, {}))})


def kinds_of(name: str) -> tuple[str, ...]:
    """Tensors that the part varies, with others beside them where it lets them pass."""
    if name in (*IMAGES, "cutmix"):
        return ("image",) if name == "cutmix" else ("numbers", "image", "categories")
    if name.endswith("words") or name in ("synonyms", "misspell"):
        return ("words", "numbers")
    return ("numbers", "categories", "image") if name == "mixup" else ("numbers", "categories", "words")


def signature_of(*kinds: str, task: Any = "multiclass", image: tuple[int, ...] = KINDS["image"]) -> Signature:
    shapes = {**KINDS, "image": image}
    sizes = {"categories": SIZES, "words": (len(vocabulary()) + 2,)}
    names = {"words": "x.words.body", "image": "x.image.picture"}
    inputs = tuple(
        Field(
            names.get(kind, f"x.{kind}"),
            "int32" if kind in sizes else "float32",
            shapes[kind],
            sizes=sizes.get(kind, ()),
        )
        for kind in kinds
    )
    classes = CLASSES if task == "multiclass" else ("no", "yes") if task == "binary" else ()
    outputs = (Field("label", "string", values=classes),) if classes else (Field("value", "float32"),)
    return Signature(task, "answer", (), inputs, outputs)


def batch_of(signature: Signature, rows: int, seed: int = 0) -> Batch:
    """ROWS rows; the rows of a split, in no order."""
    random = torch.Generator().manual_seed(seed)
    tensors = tuple(_tensor(field, rows, random) for field in signature.inputs)
    if signature.task == "regression":
        target = torch.randn(rows, generator=random)
    else:
        target = torch.randint(0, len(signature.classes), (rows,), generator=random)
    return Batch(tensors, target, torch.randperm(10 * rows, generator=random)[:rows])


def _tensor(field: Field, rows: int, random: torch.Generator) -> Tensor:
    if field.dtype == "float32":
        return torch.randn(rows, *field.shape, generator=random) * 2 + 1
    columns = [torch.randint(1, size, (rows, 1), generator=random, dtype=torch.int32) for size in field.sizes]
    if len(columns) == len(SIZES):
        return torch.cat(columns, dim=1)
    words = torch.randint(1, field.sizes[0], (rows, LENGTH), generator=random, dtype=torch.int32)
    return words * (torch.arange(LENGTH) < torch.randint(0, LENGTH + 1, (rows, 1), generator=random))


def sub(batch: Batch, rows: Any) -> Batch:
    return Batch(tuple(tensor[rows] for tensor in batch.tensors), batch.target[rows], batch.rows[rows])


def chance_of(batch: Batch, epoch: int = 0, seed: int = 7) -> Chance:
    return Chance(seed, epoch, batch.rows)


def same(one: Batch, other: Batch) -> bool:
    return torch.equal(one.target, other.target) and all(map(torch.equal, one.tensors, other.tensors))


def graph() -> onnx.ModelProto:
    """Texts to indices, fitted on TEXTS."""
    fitted = Text(length=LENGTH, rarest=1).fit(Column("body", "text"), pa.chunked_array([pa.array(TEXTS)]))
    return compiled([(Text, fitted)])[0]


def read(texts: list[str]) -> np.ndarray:
    """The indices of TEXTS as the graph gives them, int32 [N, LENGTH]."""
    return Graph(graph())({"body": np.array(texts, object)})["x.words.body"]


def vocabulary() -> dict[str, int]:
    """The words of TEXTS by hand: frequent ones first, then by spelling."""
    words = " ".join(TEXTS).lower().replace(",", "").replace("!", " !").split()
    common = sorted(set(words), key=lambda word: (-words.count(word), word))
    return {word: i + 2 for i, word in enumerate(common)}


def saved_graph(folder: Path) -> Path:
    path = folder / "graph.onnx"
    onnx.save(graph(), path)
    return path


def class_of(name: str) -> type[Augmentation]:
    return resolve("augmentation", name)  # type: ignore[return-value]
