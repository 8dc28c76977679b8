"""The verb `clean`: sources keep their contracts, transforms make one table of them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass.clean.base import Transform
from aimass.core.artifact import Dataset
from aimass.core.errors import InputError, unknown
from aimass.core.step import Context, step

if TYPE_CHECKING:
    import pyarrow as pa

    from aimass.clean.quarantine import Kept


NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


@step
def clean(  # type: ignore[return]  # the folder is the answer
    ctx: Context,
    sources: dict[str, Dataset],
    *,
    contract: dict[str, Any] = {},  # noqa: B006 - spelled out in the task
    transforms: list[Transform] = [],  # noqa: B006
) -> Dataset:
    """Make one table of SOURCES: rows that break their contract go to quarantine, TRANSFORMS join and derive.

    \b
    CONTRACT overrules what was found in the rows: {"flights": {"dep_delay": {"type": "number", "min": -60}}}
    Example: aimass clean --sources flights=flights/collect/flights
    """
    import pyarrow.parquet as pq

    from aimass.clean.quarantine import QUARANTINE, keep
    from aimass.store.lake import on_disk, open_dataset

    _check(sources, contract, transforms)
    scratch = ctx.folder / "scratch"
    scratch.mkdir()
    kept: dict[str, Kept] = {}
    with pq.ParquetWriter(ctx.folder / "quarantine.parquet", QUARANTINE, store_schema=False) as writer:
        for name, dataset in sources.items():
            rows = open_dataset(dataset, ctx.lake, also=_malformed(dataset))
            rows, images = on_disk(rows, scratch / f"raw-{name}.parquet"), set(_images(dataset))
            kept[name] = keep(name, rows, images, contract.get(name, {}), scratch, writer)
            bad = sum(kept[name].reasons.values())
            ctx.log(f"{name}: {kept[name].read} rows read, {kept[name].accepted} accepted, {bad} in quarantine")
            for reason, count in kept[name].reasons.items():
                ctx.log(f"{name}: {count} x {reason}")
    _transform(kept, transforms, scratch, ctx.folder / "rows.parquet")
    shutil.rmtree(scratch)
    _describe(ctx, kept, _shapes(sources, ctx.folder / "rows.parquet"))


def _check(sources: dict[str, Dataset], contract: dict[str, Any], transforms: list[Transform]) -> None:
    for name, columns in contract.items():
        if name not in sources:
            raise unknown("source", name, sources, todo="[clean.contract.SOURCE] describes a source of [collect]")
        if not isinstance(columns, dict):
            raise InputError(f"contract of {name} is {columns!r}", expected="a table of columns", key="contract")
    for name in sources:
        if not NAME.fullmatch(name):
            raise InputError(f"{name!r} cannot be the name of a source", expected="letters, digits and . _ -",
                             key="sources")  # fmt: skip
    if len({name.lower() for name in sources}) < len(sources):
        raise InputError(f"two sources differ in case only: {', '.join(sources)}", expected="distinct names",
                         todo="rename one of them: SQL does not tell them apart", key="sources")  # fmt: skip
    if len(sources) > 1 and not transforms:
        raise InputError(
            f"there are {len(sources)} sources ({', '.join(sources)}) and nothing that joins them",
            expected="one source, or a transform",
            todo='add [[clean.transforms]] with use = "sql" and a query that joins them',
        )
    if "previous" in {name.lower() for name in sources}:
        raise InputError("a source is called previous", expected="another name: transforms use this one", key="sources")


def _malformed(dataset: Dataset) -> tuple[str, ...]:
    """The columns of malformed rows, which only a collected dataset has."""
    from aimass.collect.base import MALFORMED, RAW

    return (MALFORMED, RAW) if "table" in dataset.read_json("dataset.json") else ()


def _images(dataset: Dataset) -> dict[str, list[int]]:
    """Shape of each image column."""
    columns = dataset.read_json("dataset.json")["columns"]
    return {c["name"]: c["shape"] for c in columns if c["type"] == "image"}


def _shapes(sources: dict[str, Dataset], rows: Path) -> dict[str, list[int]]:
    """The shape of each image column of ROWS: images keep the name they had in their source."""
    import pyarrow.parquet as pq

    shapes: dict[str, list[int]] = {}
    names = pq.read_schema(rows).names
    for dataset in sources.values():
        for name, shape in _images(dataset).items():
            if shapes.setdefault(name, shape) != shape and name in names:
                raise InputError(f"the image column {name} has the shapes {shapes[name]} and {shape} in two sources",
                                 expected="one shape a name", todo="collect them under other names, or at one size",
                                 key="sources")  # fmt: skip
    return shapes


def _transform(kept: dict[str, Kept], transforms: list[Transform], scratch: Path, out: Path) -> None:
    """Run TRANSFORMS in turn, each over the sources and the result before; without any, the source itself."""
    import pyarrow.dataset as ds

    if not transforms:
        next(iter(kept.values())).rows.rename(out)
        return
    tables = {name: ds.dataset(found.rows, format="parquet") for name, found in kept.items()}
    for i, transform in enumerate(transforms):
        path = out if i == len(transforms) - 1 else scratch / f"after-{i}.parquet"
        facts = transform.apply(tables, path)
        if not facts["rows"]:
            raise InputError("the transform left no rows", expected="at least one row",
                             todo="look at its joins and WHERE", key="query")  # fmt: skip
        tables["previous"] = ds.dataset(path, format="parquet")


def _describe(ctx: Context, kept: dict[str, Kept], shapes: dict[str, list[int]]) -> None:
    """contract.json and dataset.json."""
    import pyarrow.parquet as pq

    contract = {name: {c: column.as_json() for c, column in found.contract.items()} for name, found in kept.items()}
    (ctx.folder / "contract.json").write_text(json.dumps(contract, indent=1, ensure_ascii=False), encoding="utf-8")
    file = pq.ParquetFile(ctx.folder / "rows.parquet")
    rows = file.metadata.num_rows
    json_columns = {c for found in kept.values() for c, column in found.contract.items() if column.type == "json"}
    counts = {
        "rows": rows,
        "read": sum(found.read for found in kept.values()),
        "accepted": sum(found.accepted for found in kept.values()),
        "quarantined": sum(sum(found.reasons.values()) for found in kept.values()),
    }
    sources = {name: {"read": k.read, "accepted": k.accepted, "quarantined": k.reasons} for name, k in kept.items()}
    columns = [_column(field, shapes, json_columns) for field in file.schema_arrow]
    facts = {"name": next(iter(kept)), **counts, "sources": sources, "columns": columns}
    (ctx.folder / "dataset.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")
    ctx.tell(**counts)


def _column(field: pa.Field, shapes: dict[str, list[int]], json_columns: set[str]) -> dict[str, Any]:
    from aimass.clean.contract import type_of

    kind = type_of(field.type)
    if kind == "binary" and field.name in shapes:
        return {"name": field.name, "type": "image", "shape": shapes[field.name]}
    return {"name": field.name, "type": "json" if kind == "text" and field.name in json_columns else kind}
