"""The verb `prepare`: rows are split, columns get a kind, and one graph is fitted on the training rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from aimass.core.artifact import Dataset, Examples
from aimass.core.errors import InputError, inside, unknown
from aimass.core.step import Context, step
from aimass.prepare.split import SPLITS, Split

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from aimass.core.signature import Signature
    from aimass.prepare.affine import Affine
    from aimass.prepare.base import Column, Fitted, Preparer
    from aimass.prepare.graph import Graph
    from aimass.prepare.kinds import Choice
    from aimass.prepare.target import Target

    AsBytes = dict[str, tuple[str, Affine]]  # tensor -> the column it is made of, and how

CHUNK = 1024  # rows through the graph at once
SHOWN = 3  # raw records kept as a sample
INFINITE = (float("inf"), float("-inf"))  # JSON has no word for them


@step(revision=4)  # 2: images lie in the cache as bytes; 3: a background is kept; 4: raw validation rows, too
def prepare(  # type: ignore[return]  # the folder is the answer
    ctx: Context,
    dataset: Dataset,
    *,
    target: str,
    task: Literal["auto", "binary", "multiclass", "regression"] = "auto",
    columns: dict[str, Any] = {},  # noqa: B006 - spelled out in the task
    split: Split = Split(),
    background: int = 64,
) -> Examples:
    """Make examples for predicting TARGET: split, one fitted ONNX graph, and the training cache it fills.

    \b
    COLUMNS overrules the kinds found: {"zip": "category", "body": {"use": "text", "length": 400}, "id": "drop"}
    BACKGROUND training rows stay with the model, to explain its answers against; 0: none leaves this workspace
    Example: aimass prepare flights/clean --target late --split '{"by": "time", "column": "departs"}'
    """
    from aimass.prepare.graph import Graph

    if background < 0:
        raise InputError(f"background must be at least 0, got {background}", expected="0 or more", key="background")
    whole = _read(ctx, dataset, target, task, split)
    ctx.log(f"{whole.target.task}: {', '.join(f'{n} {s}' for s, n in whole.counts().items())} rows")
    choices = whole.choose(columns, split)
    fitted = _fit(ctx, choices, whole)
    signature = _compile(ctx.folder, fitted, whole)
    _hold_back(ctx.folder, whole, signature)
    _keep_background(ctx.folder, whole, signature, background)
    graph = Graph(ctx.folder / "graph.onnx", threads=2)
    _fill_cache(ctx, dataset, whole, signature, graph, _as_bytes(fitted))
    _describe(ctx, choices, whole)


@dataclass(frozen=True)
class Whole:
    """All usable rows, the target among them, and the part each belongs to."""

    rows: pa.Table
    columns: list[Column]
    target: Target
    parts: np.ndarray  # int8 [N]: index into SPLITS
    left_out: int  # rows without an answer

    def of(self, part: str) -> np.ndarray:
        """Indices of the rows of PART, in order."""
        import numpy as np

        return np.flatnonzero(self.parts == SPLITS.index(part))

    def counts(self) -> dict[str, int]:
        return {name: int((self.parts == i).sum()) for i, name in enumerate(SPLITS)}

    def choose(self, given: dict[str, Any], split: Split) -> list[Choice]:
        """What becomes of each column but the target.  Raises InputError when none is left."""
        from aimass.prepare.kinds import choose

        besides = {split.column: f"the rows are split by it ({split.by})"} if split.by in ("group", "column") else {}
        training = self.rows.take(self.of("train"))
        choices = choose([c for c in self.columns if c.name != self.target.name], training, given, besides)
        if not any(choice.preparer for choice in choices):
            dropped = "; ".join(f"{c.column.name}: {c.reason}" for c in choices)
            raise InputError(f"no column is left to learn from ({dropped})", expected="at least one feature",
                             todo="overrule a kind: columns = { NAME = \"category\" }", key="columns")  # fmt: skip
        return choices


def _read(ctx: Context, dataset: Dataset, name: str, task: str, split: Split) -> Whole:
    import pyarrow as pa

    from aimass.prepare import target as targets
    from aimass.prepare.base import Column
    from aimass.prepare.split import assign
    from aimass.store.lake import open_dataset

    facts = dataset.read_json("dataset.json")["columns"]
    columns = [Column(c["name"], c["type"], tuple(c.get("shape", ()))) for c in facts]
    names = [column.name for column in columns]
    if name not in names:
        error = unknown("column", name, names, todo="the target must be a column of the cleaned data")
        error.key = "target"
        raise error
    rows = open_dataset(dataset, ctx.lake).to_table()
    known = targets.usable(rows[name], name)
    left_out = len(known) - int(known.sum())
    if left_out:
        ctx.log(f"{left_out} rows have no {name} and are left out")
        rows = rows.filter(pa.array(known))
    target = targets.read(rows[name], name, task)
    whole = Whole(rows, columns, target, assign(split, rows, target.strata, ctx.seed), left_out)
    targets.check_training(target, whole.of("train"))
    return whole


def _fit(ctx: Context, choices: list[Choice], whole: Whole) -> list[tuple[type[Preparer], Fitted]]:
    """Every kept column, fitted on the training rows only."""
    training = whole.of("train")
    fitted = []
    for choice in choices:
        name = choice.column.name
        ctx.log(f"{name}: {choice.kind}{f' ({choice.reason})' if choice.reason else ''}")
        if choice.preparer is not None:
            with inside(f"columns.{name}"):
                found = choice.preparer.fit(choice.column, whole.rows[name].take(training))
            fitted.append((type(choice.preparer), found))
    return fitted


def _compile(folder: Path, fitted: list[tuple[type[Preparer], Fitted]], whole: Whole) -> Signature:
    """graph.onnx, signature.json and head.json."""
    import onnx

    from aimass.core.signature import Signature
    from aimass.prepare.graph import compiled

    model, tensors = compiled(fitted)
    onnx.save(model, folder / "graph.onnx")
    target = whole.target
    signature = Signature(target.task, target.name, tuple(f.field for _, f in fitted), tensors, target.outputs())
    both = {field.name for field in signature.rows} & {field.name for field in signature.outputs}
    if both:
        raise InputError(f"the column {min(both)} has the name of an answer", key=f"columns.{min(both)}",
                         expected="any other name", todo="rename it in a sql transform")  # fmt: skip
    _write(folder / "signature.json", signature.as_json())
    _write(folder / "head.json", target.head(whole.of("train")))
    return signature


def _hold_back(folder: Path, whole: Whole, signature: Signature) -> None:
    """valid.parquet, test.parquet and sample.json: raw rows as callers would send them."""
    import pyarrow.parquet as pq

    from aimass.prepare.tables import to_json_records

    names = [field.name for field in signature.rows]
    raw = whole.rows.select([*names, whole.target.name])
    for part in ("valid", "test"):
        test = raw.take(whole.of(part))
        pq.write_table(test, folder / f"{part}.parquet", compression="zstd", store_schema=False)
    apart = max(1, test.num_rows // SHOWN)
    some = test.take(list(range(0, test.num_rows, apart))[:SHOWN])
    shown = [{k: None if v in INFINITE else v for k, v in r.items()} for r in to_json_records(some, signature.rows)]
    _write(folder / "sample.json", shown)


def _keep_background(folder: Path, whole: Whole, signature: Signature, most: int) -> None:
    """background.npz: training rows as the graph takes them, evenly spread."""
    import numpy as np

    from aimass.prepare.background import save_background
    from aimass.prepare.tables import from_arrow

    rows = whole.of("train")
    some = rows[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int))]
    if len(some):
        save_background(folder, from_arrow(whole.rows.take(some), signature.rows), signature.rows)


def _as_bytes(fitted: list[tuple[type[Preparer], Fitted]]) -> AsBytes:
    """The tensors that lie in the cache as bytes."""
    found: AsBytes = {}
    for preparer in dict.fromkeys(by for by, _ in fitted):
        found |= preparer.as_bytes([f for by, f in fitted if by is preparer])
    return found


def _fill_cache(
    ctx: Context, dataset: Dataset, whole: Whole, signature: Signature, graph: Graph, as_bytes: AsBytes
) -> None:
    """Run the graph over every row of every split, and keep what it gives."""
    from aimass.core.canonical import digest_of_file
    from aimass.prepare.cache import CacheWriter

    head = json.loads((ctx.folder / "head.json").read_text(encoding="utf-8"))
    writer, done = CacheWriter(ctx.folder, {name: affine for name, (_, affine) in as_bytes.items()}), 0
    for part in SPLITS:
        done += writer.write(part, _tensors(whole, whole.of(part), signature, graph, head, as_bytes))
        ctx.report(rows=done)
    writer.close({"snapshot": dataset.digest, "graph": digest_of_file(ctx.folder / "graph.onnx")})


def _tensors(
    whole: Whole, rows: np.ndarray, signature: Signature, graph: Graph, head: dict[str, Any], as_bytes: AsBytes
) -> Iterator[Mapping[str, np.ndarray]]:
    import numpy as np

    from aimass.prepare.tables import from_arrow

    raw = whole.rows.select([field.name for field in signature.rows])
    for begin in range(0, len(rows), CHUNK):
        part = rows[begin : begin + CHUNK]
        target = whole.target.values[part]
        if signature.task == "regression":
            target = ((target - head["mean"]) / head["std"]).astype(np.float32)
        columns = from_arrow(raw.take(part), signature.rows)
        tensors = graph(columns)
        for name, (column, affine) in as_bytes.items():
            tensors[name] = _bytes_of(tensors[name], columns[column], affine, name)
        yield {**tensors, "target": target}


def _bytes_of(tensor: np.ndarray, column: np.ndarray, affine: Affine, name: str) -> np.ndarray:
    """uint8 [N, C, ...] of COLUMN [N, ..., C].  Raises InputError unless AFFINE makes TENSOR of it, to the last bit."""
    import numpy as np

    raw = np.ascontiguousarray(np.moveaxis(column, -1, 1))
    if not np.array_equal(affine(raw).view(np.uint32), tensor.view(np.uint32)):
        raise InputError(f"{name} is not what its preparer says the bytes of a column become", key="columns",
                         expected="the same function in compile and as_bytes", todo="mend the preparer")  # fmt: skip
    return raw


def _describe(ctx: Context, choices: list[Choice], whole: Whole) -> None:
    counts = whole.counts()
    facts: dict[str, Any] = {
        "target": whole.target.name,
        "task": whole.target.task,
        "rows": counts,
        "without_answer": whole.left_out,
        "columns": {c.column.name: {"kind": c.kind, "found": c.found} for c in choices if c.preparer},
        "dropped": {c.column.name: c.reason for c in choices if not c.preparer},
    }
    _write(ctx.folder / "examples.json", facts)
    ctx.tell(task=whole.target.task, **counts, columns=len(facts["columns"]), dropped=len(facts["dropped"]))


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")
