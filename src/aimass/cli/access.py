"""`aimass keys`: who may ask a server that was started with `--keys FILE`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from aimass.cli.place import emit, table
from aimass.core.errors import InputError, unknown

SHOWN = ["id", "name", "scopes", "models", "expires", "revoked", "requests", "rows", "quota", "per", "weight"]
JSON = click.option("--json", "json_wanted", is_flag=True, help="print what Python returns")
KEYS = click.option(
    "--keys", "path", required=True, type=click.Path(dir_okay=False, path_type=Path), help="the file of keys"
)


@click.group()
def keys() -> None:
    """Make, list and revoke the keys that a server asks for.   Example: aimass keys create web --keys keys.jsonl"""


@keys.command()
@click.argument("name")
@KEYS
@click.option("--scope", "scopes", multiple=True, help="predict, explain, read, manage (default: predict and read)")
@click.option("--model", "models", multiple=True, help="only models whose names fit, eu-* (default: all)")
@click.option("--expires", default="", help="from this day or time on it opens nothing, UTC")
@click.option("--requests", default=0.0, help="a second (default: any)")
@click.option("--rows", default=0.0, help="a second (default: any)")
@click.option("--burst", default=1.0, show_default=True, help="seconds of these that may come at once")
@click.option("--quota", default=0, help="rows in a calendar day or month (default: any)")
@click.option("--per", default="day", show_default=True, help="day or month")
@click.option("--weight", default=1.0, show_default=True, help="share of a busy model")
@JSON
def create(name: str, path: Path, scopes: tuple[str, ...], json_wanted: bool, **more: Any) -> None:
    """Make a key called NAME.  Its secret is printed here, and nowhere else ever again."""
    from aimass.serve.access.file import edit_keys
    from aimass.serve.access.keys import new_key

    key, token = new_key(name, scopes or ("predict", "read"), **more)
    edit_keys(path, lambda known: [*known, key])
    emit({"key": token, **key.as_row()}, json_wanted=json_wanted, text=token)


@keys.command("list")
@KEYS
@JSON
def listed(path: Path, json_wanted: bool) -> None:
    """Every key there is, without secrets."""
    from aimass.serve.access.file import read_keys

    rows = [key.as_row() for key in read_keys(path)]
    columns = [name for name in SHOWN if any(name in row for row in rows)]
    lines = [{name: _text(row.get(name)) for name in columns} for row in rows]
    emit(rows, json_wanted=json_wanted, text=table(lines))


def _text(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, list) else value


@keys.command()
@click.argument("id")
@KEYS
def revoke(id: str, path: Path) -> None:
    """End the key ID (or the only one of that name); servers that run refuse it within a second."""
    from dataclasses import replace

    from aimass.serve.access.file import edit_keys
    from aimass.serve.access.keys import Key

    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"

    def ended(known: list[Key]) -> list[Key]:
        meant = [key for key in known if key.id == id] or [key for key in known if key.name == id and not key.revoked]
        if len(meant) > 1:
            raise InputError(f"{len(meant)} keys are called {id!r}", expected=", ".join(key.id for key in meant))
        if not meant:
            raise unknown("key", id, [key.id for key in known], todo=f"aimass keys list --keys {path}")
        return [replace(key, revoked=key.revoked or now) if key is meant[0] else key for key in known]

    edit_keys(path, ended)
    click.echo(f"{id} opens nothing any more")
