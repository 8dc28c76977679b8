"""Artifacts: what one is, what it was made from and what was made from it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel
from starlette.requests import Request

from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import ARTIFACT
from aimass.console.api.bodies import PROBLEMS
from aimass.console.place import place_of
from aimass.console.refusals import missing, taken
from aimass.store import datasets, lineage
from aimass.store.catalog import Catalog, Row

router = APIRouter(prefix="/api/v1/artifacts", tags=["artifacts"], responses=PROBLEMS)
LEDGER = "choose"  # the step whose reports are ledgers
Digest = Annotated[str, InPath(pattern="^[0-9a-f]{6,64}$", description="or at least six letters that it begins with")]


class Numbered(BaseModel):
    """A version."""

    name: str
    number: int


class Node(BaseModel):
    """An artifact of a lineage; `run` is the newest that made it, `versions` what it is published as."""

    digest: str
    kind: str
    step: str
    label: str
    run: int | None
    created: str
    size: int
    ledger: bool
    versions: list[Numbered]


class Artifact(Node):
    """An artifact with its lineage: `edges` are (parent, child) among `nodes`; `more` were left out."""

    task: str
    package: str
    facts: dict[str, Any]
    names: list[str]
    nodes: list[Node]
    edges: list[tuple[str, str]]
    more: bool


@router.get("/{digest}", response_model=Artifact)
def artifact(request: Request, digest: Digest, caller: Caller = needs("artifacts.see", of=ARTIFACT)) -> Any:
    """What is known of an artifact, and its lineage both ways."""
    catalog = place_of(request).catalog
    whole = full(catalog, digest)
    row = catalog.artifact(whole)
    if row is None:
        raise missing(f"there is no artifact {digest}")
    found = lineage.around(catalog, whole)
    nodes = shown(catalog, found.artifacts)
    return {**row, **nodes[whole], "names": catalog.names_of(whole), "nodes": list(nodes.values()),
            "edges": sorted(found.edges), "more": found.more}  # fmt: skip


def shown(catalog: Catalog, artifacts: dict[str, Row]) -> dict[str, Row]:
    """ARTIFACTS as the API shows them, oldest first; datasets are labelled by their names."""
    versions = lineage.versions_of(catalog, artifacts)
    for one in datasets.some(catalog, [digest for digest, row in artifacts.items() if row["kind"] == "dataset"]):
        artifacts[one["digest"]]["label"] = one["name"]
    rows = sorted(artifacts.values(), key=lambda row: (row["created"], row["digest"]))
    return {row["digest"]: {**row, "ledger": row["kind"] == "report" and row["step"] == LEDGER,
                            "versions": versions.get(row["digest"], [])} for row in rows}  # fmt: skip


def full(catalog: Catalog, digest: str) -> str:
    """The digest that begins so.  Raises Refusal: 404 for none, 409 for several."""
    hits = [digest] if len(digest) == 64 else catalog.digests_starting(digest)
    if not hits:
        raise missing(f"there is no artifact {digest}")
    if len(hits) > 1:
        raise taken(f"{digest} begins several digests", expected="more letters of one")
    return hits[0]
