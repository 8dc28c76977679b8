"""The workspace a command works in, and the one way a command prints what Python returns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from aimass.core.artifact import Artifact

if TYPE_CHECKING:
    from aimass.runner.workspace import Workspace


def workspace(ctx: click.Context) -> Workspace:
    """The workspace named by the global options."""
    from aimass.runner.workspace import Workspace

    place = ctx.find_root().obj
    return Workspace(place["url"], catalog=place["catalog"], store=place["store"])


def as_json(value: Any) -> Any:
    """What Python returns, as JSON."""
    if isinstance(value, Artifact):
        return value.manifest.as_json()
    if isinstance(value, Mapping):
        return {str(k): as_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(v) for v in value]
    return value


def emit(value: Any, *, json_wanted: bool, text: str) -> None:
    """Print VALUE as JSON, or TEXT."""
    click.echo(json.dumps(as_json(value), indent=1, ensure_ascii=False, default=str) if json_wanted else text)


def table(rows: list[dict[str, Any]], columns: list[str] | None = None) -> str:
    """ROWS as plain aligned text; the widest cell decides a column's width."""
    if not rows:
        return "(nothing)"
    names = columns or list(rows[0])
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    widths = [max(len(name), *(len(line[i]) for line in cells)) for i, name in enumerate(names)]
    lines = [names, *cells]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
