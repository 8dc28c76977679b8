"""A dataset of a workspace, opened for the pages that look into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.dataset as ds

from aimass.clean import difference as differences
from aimass.clean import profile as profiles
from aimass.collect.base import MALFORMED, RAW
from aimass.console.profiles import kept
from aimass.console.refusals import missing
from aimass.core.artifact import Artifact, Dataset
from aimass.runner.workspace import Workspace
from aimass.store.base import lake_uri
from aimass.store.catalog import Row
from aimass.store.lake import LakeTable, open_dataset

GOOD, POOR = 0.01, 0.1  # share of bad rows up to which a dataset is good, and from which it is bad


def dataset_of(space: Workspace, digest: str) -> Dataset:
    """The dataset DIGEST.  Raises Refusal (404) when there is none, StoreError when its bytes are gone."""
    row = space.catalog.artifact(digest)
    if row is None or row["kind"] != "dataset":
        raise missing(f"there is no dataset {digest[:12]}")
    found: Artifact = space.open(digest)
    assert isinstance(found, Dataset)
    return found


def facts_of(dataset: Dataset) -> dict[str, Any]:
    """Its dataset.json."""
    facts: dict[str, Any] = dataset.read_json("dataset.json")
    return facts


def rows_of(space: Workspace, dataset: Dataset, *, malformed: bool = False) -> ds.Dataset:
    """Its rows; those of the lake with the two columns of MALFORMED rows, where these are asked for."""
    also = (MALFORMED, RAW) if malformed and "table" in facts_of(dataset) else ()
    return open_dataset(dataset, space.lake, also=also)


def shapes_of(dataset: Dataset) -> dict[str, list[int]]:
    """Of each column of images: height, width, channels."""
    return {column["name"]: column["shape"] for column in facts_of(dataset)["columns"] if column["type"] == "image"}


def size_of(space: Workspace, dataset: Dataset) -> int:
    """Bytes of its rows, in the lake or in itself."""
    facts = facts_of(dataset)
    if "table" not in facts:
        return dataset.manifest.size
    return LakeTable(lake_uri(space.lake, facts["table"])).size(facts["version"])


def quality(row: Row) -> dict[str, Any]:
    """The mark of a dataset (of `store.datasets`): good, warning or bad by the SHARE of its rows that could not be
    used; none where nobody counted."""
    bad, of = row.get("quarantined", row.get("malformed")), row.get("read", row.get("rows"))
    if bad is None or not of:
        return {"state": "", "bad": None, "share": None}
    share = bad / of
    return {"state": "good" if share <= GOOD else "warning" if share <= POOR else "bad", "bad": bad, "share": share}


def profile_of(space: Workspace, dataset: Dataset) -> dict[str, Any]:
    """Its profile, made the first time somebody asks."""

    def make(scratch: Path) -> dict[str, Any]:
        columns = facts_of(dataset)["columns"]
        return profiles.profile(rows_of(space, dataset, malformed=True), columns, scratch)

    found: dict[str, Any] = kept(space, f"profile-{profiles.REVISION}-{dataset.digest}", make)
    return found


def difference_of(space: Workspace, before: Dataset, after: Dataset) -> dict[str, Any]:
    """How AFTER differs from BEFORE, made the first time somebody asks."""

    def make(scratch: Path) -> dict[str, Any]:
        rows = [rows_of(space, one, malformed=True) for one in (before, after)]
        columns = (facts_of(before)["columns"], facts_of(after)["columns"])
        return differences.difference(rows[0], rows[1], columns, scratch)

    name = f"difference-{differences.REVISION}-{before.digest}-{after.digest}"
    found: dict[str, Any] = kept(space, name, make)
    return found
