"""One model that answers: its folder checked, its engine loaded, proven on its sample, wrapped.

Knows tensors and records, never HTTP.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aimass.core.artifact import MANIFEST
from aimass.core.errors import InputError
from aimass.core.signature import Field, Signature
from aimass.engines.base import Engine, Predictor, Tensors
from aimass.engines.chosen import engine_of
from aimass.prepare.rows import from_records
from aimass.publish.names import check_name
from aimass.serve.base import Surroundings, Wrapper
from aimass.serve.batch.batcher import Batcher
from aimass.serve.batch.profile import Profile
from aimass.serve.metrics import Counts, Observer
from aimass.serve.placing import placed

LEAST, MOST = 3, 7  # calls of a size at warm-up
ENOUGH = 0.005  # seconds of calls of a size after which LEAST will do: long ones vary less
LARGEST = 256  # rows of a call at warm-up
PATIENCE = 0.5  # seconds of warm-up after which no larger call is begun
NEEDED = ("model.onnx", "signature.json")


@dataclass(frozen=True)
class Wanted:
    """A folder to serve as NAME; VERSION is its number in the registry, None for an artifact never published."""

    folder: Path
    name: str
    version: int | None = None

    @property
    def word(self) -> str:
        """The version, as protocols say it."""
        return "" if self.version is None else str(self.version)


class Served:
    """A model that has answered its warm-up row."""

    def __init__(self, wanted: Wanted, signature: Signature, predict: Predictor, around: Surroundings) -> None:
        self.wanted, self.signature, self.predict, self.around = wanted, signature, predict, around
        self.name, self.folder, self.version = wanted.name, wanted.folder, wanted.word
        self.label = f"{self.name}@{self.version}" if self.version else self.name
        self.sample: list[dict[str, Any]] = []
        self.counts = Counts(self.name, self.version)
        self.digest = ""
        self.goal = goal_of(wanted.folder)  # seconds
        self.blocks = bool(getattr(predict, "blocks", False))  # its calls are never made on the event loop
        # One thread: calls of one model queue up instead of taking each other's cores.
        self.thread = ThreadPoolExecutor(1, thread_name_prefix=f"model-{self.name}")
        self.profile = Profile()
        self.batcher = Batcher(self._predicted, self.profile, self.thread, varies=varies(signature), counts=self.counts)
        self.batcher.beside = self.blocks

    def _predicted(self, tensors: Tensors) -> Tensors:
        """What wraps the model may change after it was made."""
        return self.predict(tensors)

    def health(self) -> dict[str, Any]:
        """What is worth saying of a model that answers: a log that cannot be written, for one."""
        facts: dict[str, Any] = {}
        for told in self.around.health:
            facts.update(told())
        return facts

    def close(self) -> None:
        """Finish what was begun, flush logs, let go of the model."""
        self.thread.shutdown()
        for stop in self.around.at_stop:
            stop()
        self.around.at_stop.clear()
        self.predict = _gone


def _gone(tensors: Tensors) -> Tensors:
    raise RuntimeError("the model was closed")


def load(
    wanted: Wanted, *, log_to: Path | None = None, wrappers: Sequence[Wrapper] = (), engine: Engine | None = None,
    observers: Sequence[Observer] = (),
) -> Served:  # fmt: skip
    """Load WANTED and let it answer its sample.json; ready only if that works.

    WRAPPERS stand around the engine, the last one outermost; OBSERVERS are told of its answers.  Raises InputError
    naming the file, or the field of the sample, at fault.
    """
    check_name(wanted.name)
    _check_folder(wanted.folder)
    signature = _signature(wanted.folder / "signature.json")
    predict = placed(engine or engine_of(wanted.folder), wanted.folder).load(wanted.folder)
    around = Surroundings(wanted.name, wanted.word, signature, log_to)
    for duty, duties in (("close", around.at_stop), ("health", around.health)):
        duties.extend([getattr(predict, duty)] if hasattr(predict, duty) else [])
    served = Served(wanted, signature, predict, around)
    served.counts.observers = tuple(observers)
    served.sample, tensors = _sample(wanted.folder, signature)
    warm_up(served, tensors)
    served.digest = _digest(wanted.folder)
    served.batcher.aim(served.goal)
    served.predict = sliced(served.predict, served.batcher.limit)
    for wrapper in wrappers:
        served.predict = wrapper.wrap(served.predict, around)
    return served


def columns_of(values: Mapping[str, Any], signature: Signature) -> dict[str, np.ndarray]:
    """Columns as arrays of the rows of SIGNATURE; what is missing in real numbers is NaN."""
    kinds = {field.name: object if field.dtype == "string" else np.dtype(field.dtype) for field in signature.rows}
    return {name: np.array(values[name], kind) for name, kind in kinds.items()}


def sliced(predict: Predictor, most: int) -> Predictor:
    """PREDICT in calls of at most MOST rows, as they were measured."""

    def in_slices(tensors: Tensors) -> Tensors:
        rows = len(next(iter(tensors.values())))
        if rows <= most:
            return predict(tensors)
        starts = range(0, rows, most)
        found = [predict({name: array[at : at + most] for name, array in tensors.items()}) for at in starts]
        return {name: np.concatenate([part[name] for part in found]) for name in found[0]}

    return in_slices


def varies(signature: Signature) -> bool:
    """Whether two rows of SIGNATURE can differ in size."""
    return any(field.dtype == "string" or min(field.shape, default=1) < 1 for field in signature.rows)


def _check_folder(folder: Path) -> None:
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"{folder} cannot be served: it has no {' and no '.join(missing)}",
            expected=f"a model or a release: a folder with {', '.join(NEEDED)}",
            todo="give the folder of a model; `aimass ls` lists them",
        )


def _signature(path: Path) -> Signature:
    try:
        return Signature.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is damaged: {type(error).__name__}: {error}",
            expected="a signature with task, target, rows, inputs and outputs",
            todo="make the artifact again",
        ) from error


def _sample(folder: Path, signature: Signature) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """The sample records and the columns of the first; a row of zeros where there is no sample."""
    path = folder / "sample.json"
    records = _records(path) if path.is_file() else []
    if records:
        return records, dict(from_records(records[:1], signature.rows))
    return [], {field.name: _zeros(field) for field in signature.rows}


def _records(path: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}", expected="a list of records", todo="make it again") from error
    if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
        raise InputError(f"{path} holds no records", expected="a list of records", todo="make the artifact again")
    return found


def _zeros(field: Field) -> np.ndarray:
    shape = (1, *(max(1, size) for size in field.shape))
    return np.full(shape, "", dtype=object) if field.dtype == "string" else np.zeros(shape, field.dtype)


def warm_up(served: Served, tensors: Tensors) -> None:
    """Learn how long one row takes, and more.  Raises InputError when the model does not answer with its outputs."""
    rows = 1
    begun = time.perf_counter()
    while rows <= LARGEST and time.perf_counter() - begun < PATIENCE:
        repeated = {name: np.repeat(array[:1], rows, axis=0) for name, array in tensors.items()}
        taken: list[float] = []
        while len(taken) < LEAST or (len(taken) < MOST and sum(taken) < ENOUGH):
            begin = time.perf_counter()
            outputs = served.predict(repeated)
            taken.append(time.perf_counter() - begin)
        _check_outputs(served, outputs)
        served.profile.learn(rows, sorted(taken)[len(taken) // 2])
        rows *= 4


def _check_outputs(served: Served, outputs: Tensors) -> None:
    lacking = [field.name for field in served.signature.outputs if field.name not in outputs]
    if lacking:
        raise InputError(
            f"{served.folder / 'model.onnx'} gives no {', '.join(lacking)}",
            expected="every output of signature.json",
            todo="make the artifact again",
        )


def goal_of(folder: Path) -> float:
    """Seconds in which 99 of 100 requests are to be answered, as the ledger of the release in FOLDER says; else 0."""
    path = folder / "ledger.json"
    if not path.is_file():
        return 0.0
    try:
        goals = json.loads(path.read_text(encoding="utf-8"))["goal"]
        return next((float(goal["asked"]) / 1000 for goal in goals if goal["budget"] == "p99_ms"), 0.0)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is damaged: {type(error).__name__}: {error}", expected="a ledger with goals", todo="publish again"
        ) from error


def _digest(folder: Path) -> str:
    path = folder / MANIFEST
    return str(json.loads(path.read_text(encoding="utf-8"))["digest"]) if path.is_file() else ""
