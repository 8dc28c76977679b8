"""A report of `explain` as a page shows it: what the model relies on, and some rows with their pictures."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from pydantic import BaseModel

from aimass.core.artifact import Artifact
from aimass.store.base import Damaged

FILE = "explanation.json"
ROWS, COLUMNS = 10, 20  # of a report that are shown
LARGEST = 200_000  # bytes of a picture that goes into an answer


class Importance(BaseModel):
    """How much the metric loses without these columns."""

    columns: list[str]
    value: float
    low: float | None = None
    high: float | None = None


class Share(BaseModel):
    """What a column adds to an answer; ERROR is half of its interval."""

    name: str
    value: Any = None
    attribution: float
    error: float | None = None


class Token(BaseModel):
    """A word, and what it adds."""

    text: str
    attribution: float


class Reason(BaseModel):
    """Why the model answered a row as it did: BASE_VALUE and attributions add up to the PREDICTION of TARGET."""

    target: str
    prediction: float | None
    base_value: float | None
    attributions: list[Share]
    others: float | None
    method: str
    tokens: dict[str, list[Token]] = {}
    pictures: list[str] = []
    warnings: list[str] = []


class Reasons(BaseModel):
    """A report of `explain`; LIKE: whether the model before it was compressed had the same reasons (-1 .. 1)."""

    digest: str
    created: str
    explainer: dict[str, Any]
    metric: dict[str, Any]
    importance: list[Importance]
    rows: list[Reason]
    like: float | None


def reasons_of(report: Artifact) -> dict[str, Any]:
    """What REPORT says.  Raises Damaged when it is not to be read."""
    try:
        told = json.loads((report.folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Damaged(f"the explanation {report.digest[:12]} cannot be read: {error}", expected=FILE,
                      todo="run `explain` again") from error  # fmt: skip
    against = told.get("against_baseline") or {}
    return {
        "explainer": told["explainer"],
        "metric": told["metric"],
        "importance": told["importance"][:COLUMNS],
        "rows": [_row(report, place, one) for place, one in enumerate(told["explanations"][:ROWS])],
        "like": against.get("rank_correlation", {}).get("median"),
    }


def _row(report: Artifact, place: int, told: dict[str, Any]) -> dict[str, Any]:
    shares = told["attributions"]
    left = sum(share["attribution"] or 0 for share in shares[COLUMNS:]) + (told["others"] or 0)
    begins = f"row-{place}-image-"
    names = sorted(name for name in report.manifest.files if name.startswith(begins))
    pictures = [picture for name in names if (picture := _picture(report, name))]
    return {**told, "attributions": shares[:COLUMNS], "others": left, "pictures": pictures}


def _picture(report: Artifact, name: str) -> str:
    """The PNG called NAME as a data URL; "" where it is gone or too large."""
    path = report.folder / name
    if not path.is_file() or path.stat().st_size > LARGEST:
        return ""
    return f"data:image/png;base64,{b64encode(path.read_bytes()).decode()}"
