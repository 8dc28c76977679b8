"""The held-back answers of a model, kept in its report, so that any two reports can be compared row by row."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from aimass.core.signature import Field, Signature

FILE = "answers.npz"  # truth [N], and each output [N, ...]; labels as index into classes [K]

Task = Literal["binary", "multiclass", "regression"]
Answer = dict[str, np.ndarray]


def save_answers(folder: Path, truth: np.ndarray, answer: Mapping[str, np.ndarray], signature: Signature) -> None:
    """Write TRUTH [N] and ANSWER of a model into FOLDER."""
    outputs = {name: np.asarray(values) for name, values in answer.items() if name != "label"}
    if "label" in answer:
        index = {name: i for i, name in enumerate(signature.classes)}
        outputs["label"] = np.array([index[str(name)] for name in answer["label"]], dtype=np.int32)
    arrays: dict[str, Any] = {f"answer.{name}": values for name, values in outputs.items()}
    np.savez_compressed(folder / FILE, truth=truth, classes=np.array(signature.classes, dtype=np.str_), **arrays)


def load_answers(folder: Path) -> tuple[np.ndarray, Answer, Signature] | None:
    """(truth [N], outputs by name, a signature of task and classes) that lie in FOLDER; None when none do."""
    if not (folder / FILE).is_file():
        return None
    with np.load(folder / FILE, allow_pickle=False) as file:
        stored = {name: file[name] for name in file.files}
    truth, classes = stored.pop("truth"), tuple(str(name) for name in stored.pop("classes"))
    answer = {name.removeprefix("answer."): values for name, values in stored.items()}
    if "label" in answer:
        answer["label"] = np.array(classes, dtype=object)[answer["label"]]
    return truth, answer, _signature(classes)


def _signature(classes: tuple[str, ...]) -> Signature:
    """What a metric looks at, and no more."""
    outputs = (Field("label", "string", values=classes), Field("probabilities", "float32", (len(classes),)))
    task: Task = "regression" if not classes else "binary" if len(classes) == 2 else "multiclass"
    return Signature(task, "", (), (), outputs if classes else (Field("value", "float32"),))
