"""What a profile says that a person should hear: the few columns with something about them."""

from __future__ import annotations

from typing import Any

GAPS = 0.2  # of the rows without a value are worth a word
UNIQUE = 0.98  # distinct values a row, from which a column names its row


def findings(columns: list[dict[str, Any]], rows: int, doubles: int) -> list[dict[str, Any]]:
    """A COLUMN (None: the rows) and WHAT is with it, the SERIOUS ones first: they cost rows or columns."""
    found = [finding for column in columns for finding in _of(column, rows)]
    if doubles:
        found.append(_told(None, f"{_share(doubles, rows)} of the rows are like another one", serious=False))
    return sorted(found, key=lambda one: not one["serious"])


def _of(column: dict[str, Any], rows: int) -> list[dict[str, Any]]:
    name, missing, known = column["name"], column["missing"], rows - column["missing"]
    if not rows:
        return []
    if not known:
        return [_told(name, "has no value in any row", serious=True)]
    found = []
    if column.get("wrong"):
        what = (
            f"{column['wrong']:,} values are no {column['type']}, {column['example']!r} for one: clean puts them aside"
        )
        found.append(_told(name, what, serious=True))
    if missing >= GAPS * rows:
        found.append(_told(name, f"{_share(missing, rows)} of the rows have no value", serious=False))
    if column.get("counted") and column["distinct"] == 1:
        found.append(_told(name, "has the same value in every row that has one", serious=False))
    elif _names_its_row(column, known):
        found.append(_told(name, "has a value of its own in (nearly) every row: it names them", serious=False))
    return found


def _names_its_row(column: dict[str, Any], known: int) -> bool:
    single = column["type"] in ("text", "integer") and column.get("length", 0.0) < 40
    return single and known >= 50 and column["distinct"] >= UNIQUE * known


def _share(part: int, whole: int) -> str:
    share = part / whole
    return f"{100 * share:.1f} %" if share >= 0.001 else f"{part:,} of {whole:,}"


def _told(column: str | None, what: str, *, serious: bool) -> dict[str, Any]:
    return {"column": column, "what": what, "serious": serious}
