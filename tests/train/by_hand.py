"""Examples made by hand: a graph from raw columns to tensors, splits on disk, and what a step's body may touch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h

from aimass.core.artifact import Examples, open_artifact, seal
from aimass.core.signature import Field, Signature
from aimass.prepare.cache import CacheWriter
from aimass.runner.gang import gang
from aimass.runner.launch import local

NUMBERS, SIZES, TOKENS, VOCABULARY, SIDE = 4, (5, 30), 12, 50, 12
CLASSES = {"binary": ("no", "yes"), "multiclass": ("ham", "egg", "spåm"), "regression": ()}
FIELDS = {
    "numbers": Field("x.numbers", "float32", (NUMBERS,)),
    "categories": Field("x.categories", "int32", (len(SIZES),), sizes=SIZES),
    "words": Field("x.words.body", "int32", (TOKENS,), sizes=(VOCABULARY,)),
    "image": Field("x.image.picture", "float32", (1, SIDE, SIDE)),
}
MEAN, STD = 10.0, 5.0  # of a value to be predicted
DTYPES = {"float32": T.FLOAT, "int32": T.INT32}


def signature_of(task: str, *kinds: str) -> Signature:
    """A signature of these KINDS of tensors; each raw column is the tensor, under the name of its kind."""
    classes = CLASSES[task]
    outputs: tuple[Field, ...] = (Field("value", "float32"),)
    if classes:
        outputs = (Field("label", "string", values=classes), Field("probabilities", "float32", (len(classes),)))
    rows = tuple(Field(kind, FIELDS[kind].dtype, FIELDS[kind].shape, kind=kind) for kind in kinds)
    return Signature(task, "answer", rows, tuple(FIELDS[kind] for kind in kinds), outputs)  # type: ignore[arg-type]


def tensors_of(kinds: tuple[str, ...], rows: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Random tensors, and a signal [N] that every kind of them carries on its own."""
    random = np.random.default_rng(seed)
    signal = random.normal(size=rows).astype(np.float32)
    tensors: dict[str, np.ndarray] = {}
    if "numbers" in kinds:
        numbers = random.normal(size=(rows, NUMBERS)).astype(np.float32)
        numbers[:, 1] = signal * 2 + 3
        tensors["x.numbers"] = numbers
    if "categories" in kinds:
        strong = np.clip(np.digitize(signal, [-1, -0.3, 0.3, 1]), 0, SIZES[0] - 1)
        tensors["x.categories"] = np.stack([strong, random.integers(0, SIZES[1], rows)], 1).astype(np.int32)
    if "words" in kinds:
        words = random.integers(20, VOCABULARY, size=(rows, TOKENS))
        words[:, 2] = 2 + np.clip(np.digitize(signal, [-1, -0.3, 0.3, 1]), 0, 4)
        words[np.arange(TOKENS)[None] >= random.integers(4, TOKENS + 1, rows)[:, None]] = 0
        tensors["x.words.body"] = words.astype(np.int32)
    if "image" in kinds:
        image = random.normal(size=(rows, 1, SIDE, SIDE)).astype(np.float32) * 0.5
        image[:, :, 3:9, 3:9] += signal[:, None, None, None]
        tensors["x.image.picture"] = image
    return tensors, signal


def target_of(task: str, signal: np.ndarray, mean: float, std: float) -> np.ndarray:
    if task == "regression":
        return ((signal * 5 + 10 - mean) / std).astype(np.float32)
    return (signal > 0).astype(np.int64) if task == "binary" else np.digitize(signal, [-0.5, 0.5]).astype(np.int64)


def graph_of(signature: Signature) -> onnx.ModelProto:
    """Raw columns -> tensors: each passes unchanged."""
    nodes = [h.make_node("Identity", [r.name], [t.name]) for r, t in zip(signature.rows, signature.inputs, strict=True)]
    raw = [h.make_tensor_value_info(f.name, DTYPES[f.dtype], ["N", *f.shape]) for f in signature.rows]
    tensors = [h.make_tensor_value_info(f.name, DTYPES[f.dtype], ["N", *f.shape]) for f in signature.inputs]
    return h.make_model(
        h.make_graph(nodes, "graph", raw, tensors), opset_imports=[h.make_opsetid("", 20)], ir_version=10
    )


Change = Callable[[dict[str, np.ndarray]], None]


def write_examples(
    folder: Path, task: str, *kinds: str, rows: tuple[int, int, int] = (400, 100, 100), change: Change | None = None
) -> Examples:
    """Sealed examples of TASK with these KINDS of tensors; CHANGE edits the arrays of each split before."""
    signature, writer = signature_of(task, *kinds), CacheWriter(folder)
    for seed, (split, count) in enumerate(zip(("train", "valid", "test"), rows, strict=True)):
        tensors, signal = tensors_of(kinds, count, seed)
        arrays = {**tensors, "target": target_of(task, signal, MEAN, STD)}
        if change:
            change(arrays)
        writer.write(split, iter([arrays] if count else []))
    writer.close({})
    onnx.save(graph_of(signature), folder / "graph.onnx")
    head = {"task": task, "classes": list(CLASSES[task]), "mean": MEAN, "std": STD}
    for name, value in (("signature", signature.as_json()), ("head", head), ("sample", [])):
        (folder / f"{name}.json").write_text(json.dumps(value))
    seal("examples", folder, [])
    return open_artifact(folder)  # type: ignore[return-value]


class FakeContext:
    """What a step's body may touch.  ON_REPORT may raise, as a real one does when the run is stopped."""

    def __init__(
        self,
        folder: Path,
        resume: Path,
        seed: int = 0,
        on_report: Callable[[float], None] | None = None,
        workers: int = 1,
    ):
        folder.mkdir(parents=True)
        resume.mkdir(parents=True, exist_ok=True)
        self.folder, self.resume, self.seed, self.lake = folder, resume, seed, ""
        self.on_report, self.workers = on_report, workers
        self.reports: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self.told: dict[str, Any] = {}

    def report(self, at: float | None = None, **numbers: float) -> None:
        self.reports.append({"at": at, **numbers})
        if self.on_report:
            self.on_report(at or 0.0)

    def log(self, message: str) -> None:
        self.lines.append(message)

    def tell(self, **facts: Any) -> None:
        self.told.update(facts)

    def gang(self, work: Callable[..., Any], **arguments: Any) -> list[Any]:
        return gang(self, work, arguments, local.launch, {})
