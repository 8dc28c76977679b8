"""What is in a dataset: rows, the profile of its columns, what was put aside, and what differs from another version."""

from __future__ import annotations

from typing import Annotated, Any

import pyarrow as pa
import pyarrow.dataset as ds
from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request

from aimass.clean.shown import as_cells, malformed, rows_at, set_aside, some
from aimass.collect.base import MALFORMED, RAW
from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import ARTIFACT
from aimass.console.api.bodies import PROBLEMS
from aimass.console.api.datasets import Digest, Field
from aimass.console.datasets import dataset_of, difference_of, facts_of, profile_of, rows_of, shapes_of
from aimass.console.place import place_of
from aimass.core.errors import InputError

router = APIRouter(prefix="/api/v1/datasets/{digest}", tags=["datasets"], responses=PROBLEMS)
WIDEST = 100  # columns of rows in one answer
Place = Annotated[int, Query(ge=0, lt=1 << 53)]
Limit = Annotated[int, Query(ge=1, le=500)]


class Rows(BaseModel):
    """Of WIDTH columns those from number FIRST on; a cell is a text, a number, true, false, null, {"picture"} or
    {"bytes"}."""

    columns: list[Field]
    rows: list[list[Any]]
    total: int
    first: int
    width: int


class Bins(BaseModel):
    """Counts of as many stretches of equal width between LOW and HIGH; further ones are BELOW or ABOVE."""

    low: float
    high: float
    counts: list[int]
    below: int
    above: int


class Value(BaseModel):
    value: str
    count: int


class Profiled(BaseModel):
    """A column in figures; of times in seconds since 1970, of texts in letters, of bytes in bytes.

    FOUND: its type was found in text, and WRONG values are not of it, EXAMPLE for one.  DISTINCT is an estimate unless
    COUNTED.
    """

    name: str
    type: str
    found: bool
    missing: int
    wrong: int = 0
    example: str | None = None
    distinct: int | None = None
    counted: bool = False
    least: float | None = None
    greatest: float | None = None
    mean: float | None = None
    deviation: float | None = None
    quantiles: dict[str, float] | None = None
    bins: Bins | None = None
    values: list[Value] | None = None
    shortest: int | None = None
    longest: int | None = None
    length: float | None = None
    size: float | None = None


class Finding(BaseModel):
    column: str | None
    what: str
    serious: bool


class Profile(BaseModel):
    """Of TOTAL rows so many were looked at: ROWS that could be read, and MALFORMED ones.  DOUBLES are like another."""

    total: int
    rows: int
    malformed: int
    exact: bool
    doubles: int
    seconds: float
    columns: list[Profiled]
    findings: list[Finding]


class Aside(BaseModel):
    """A row that broke the contract of its SOURCE, and why; ROW is JSON, or as it came."""

    source: str
    reason: str
    row: str | None


class Asides(BaseModel):
    """NEXT is `after` of the page behind this one, null on the last."""

    rows: list[Aside]
    next: int | None


class Moved(BaseModel):
    """A column of either version with its types; CHANGE is added, removed, type or nothing.

    DRIFT is the population stability index, VERDICT stable, slight or strong; CHANCE is what the drift of two samples
    of one source hardly exceeds.  Shares are of the rows, by bin.
    """

    name: str
    before: str | None
    after: str | None
    change: str
    drift: float | None
    chance: float | None
    verdict: str
    labels: list[str]
    shares_before: list[float]
    shares_after: list[float]


class Difference(BaseModel):
    """Two versions.  ADDED: all rows of before are still there, and those that came since are compared with them."""

    rows_before: int
    rows_after: int
    looked_before: int
    looked_after: int
    exact: bool
    added: bool
    seconds: float
    columns: list[Moved]


@router.get("/rows", response_model=Rows)
def rows(
    request: Request, digest: Digest, start: Place = 0, limit: Limit = 100,
    first: Annotated[int, Query(ge=0, le=1_000_000, description="number of the first column")] = 0,
    caller: Caller = needs("data.see", of=ARTIFACT),
) -> Any:  # fmt: skip
    """Rows as they were collected or cleaned, page by page."""
    space = place_of(request).workspace
    dataset = dataset_of(space, digest)
    facts = facts_of(dataset)
    odd, columns = bool(facts.get("malformed")), facts["columns"]
    held = rows_of(space, dataset, malformed=odd)
    if odd:  # why a row could not be read, and how it came
        columns = [*columns, *({"name": name, "type": "string"} for name in (MALFORMED, RAW))]
    some = columns[first : first + WIDEST]
    if not some:
        raise InputError(f"there is no column {first}", expected=f"0 to {len(columns) - 1}", key="first")
    found = rows_at(_only(held, [column["name"] for column in some]), start, limit)
    cells = as_cells(found, shapes_of(dataset))
    return {"columns": some, "rows": cells, "total": held.count_rows(), "first": first, "width": len(columns)}


def _only(rows: ds.Dataset, names: list[str]) -> ds.Dataset:
    return rows.replace_schema(pa.schema([rows.schema.field(name) for name in names]))


@router.get("/profile", response_model=Profile)
def profile(request: Request, digest: Digest, caller: Caller = needs("data.see", of=ARTIFACT)) -> Any:
    """Each column in figures; looked through the first time, kept from then on."""
    space = place_of(request).workspace
    return profile_of(space, dataset_of(space, digest))


@router.get("/quarantine", response_model=Asides)
def quarantine(
    request: Request, digest: Digest,
    source: Annotated[str, Query(max_length=200)] = "", reason: Annotated[str, Query(max_length=1000)] = "",
    after: Place = 0, limit: Limit = 100, caller: Caller = needs("data.see", of=ARTIFACT),
) -> Any:  # fmt: skip
    """Rows that were put aside, and why; of a collected dataset those that could not be read."""
    space = place_of(request).workspace
    dataset = dataset_of(space, digest)
    if "quarantine.parquet" in dataset.manifest.files:
        batches = set_aside(dataset.folder / "quarantine.parquet", source=source, reason=reason)
    else:
        held = rows_of(space, dataset, malformed=True)
        batches = (
            malformed(held, facts_of(dataset)["name"], reason=reason) if MALFORMED in held.schema.names else iter(())
        )
    found = some(batches, after, limit + 1)
    return {"rows": found[:limit], "next": after + limit if len(found) > limit else None}


@router.get("/difference", response_model=Difference)
def difference(
    request: Request, digest: Digest,
    against: Annotated[str, Query(pattern=r"^[0-9a-f]{64}$", description="the version before")],
    caller: Caller = needs("data.see", of=ARTIFACT),
) -> Any:  # fmt: skip
    """What this dataset has that another had not; looked through the first time, kept from then on."""
    space = place_of(request).workspace
    return difference_of(space, dataset_of(space, against), dataset_of(space, digest))
