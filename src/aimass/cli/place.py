"""The workspace a command works in, and the one way a command prints what Python returns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from aimass.core.artifact import Artifact
from aimass.core.errors import InputError

if TYPE_CHECKING:
    from aimass.cli.remote import Remote
    from aimass.runner.workspace import Workspace


FAR = ("run", "ls", "show", "lineage", "logs", "curves", "report", "export", "import", "status", "doctor",
       "every step but predict")  # what a console does, too  # fmt: skip


def workspace(ctx: click.Context) -> Workspace:
    """The workspace named by the global options.  Raises InputError where they name a console instead."""
    from aimass.runner.workspace import Workspace

    place = ctx.find_root().obj
    if place["console"]:
        raise InputError(f"aimass {ctx.info_name} needs the workspace itself, and AIMASS_URL names a console",
                         expected=f"one of those that a console does, too: {', '.join(FAR)}",
                         todo="name the folder: aimass -w FOLDER ..., or unset AIMASS_URL")  # fmt: skip
    return Workspace(place["url"], catalog=place["catalog"], store=place["store"])


def anywhere(ctx: click.Context) -> Workspace | Remote:
    """The workspace, or the console that stands for it: both answer the same questions."""
    return remote(ctx) or workspace(ctx)


def remote(ctx: click.Context) -> Remote | None:
    """The console that the global options name; None where they name a folder."""
    url = ctx.find_root().obj["console"]
    if not url:
        return None
    from aimass.cli.remote import Remote, key_of

    return Remote(url, key_of())


def noted(line: str) -> None:
    """A line of what goes on elsewhere, beside what a command prints."""
    click.secho(line, dim=True, err=True)


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
