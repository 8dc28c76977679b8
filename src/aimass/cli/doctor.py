"""`aimass doctor`: is this machine, this installation and this workspace fit to work?"""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click

from aimass.cli.place import emit, remote, table, workspace
from aimass.core.errors import AimassError

NEEDED = ("torch", "onnx", "onnxruntime", "pyarrow", "deltalake", "duckdb", "sqlalchemy", "uvloop")
EXTRAS = {"ray": "ray", "psycopg": "postgres", "skl2onnx": "sklearn"}


@click.command()
@click.option("--json", "json_wanted", is_flag=True)
@click.pass_context
def doctor(ctx: click.Context, json_wanted: bool) -> None:
    """Check python, packages, disk and workspace, or the console that stands for it; exit code 1 when one is unfit."""
    rows = [_python(), *(_package(n, True) for n in NEEDED), *(_package(n, False) for n in EXTRAS)]
    rows += [_disk(Path(ctx.find_root().obj["url"])), _workspace(ctx)]
    emit(rows, json_wanted=json_wanted, text=table(rows))
    if any(row["state"] == "unfit" for row in rows):
        raise SystemExit(1)


def _row(what: str, state: str, found: str, todo: str = "") -> dict[str, Any]:
    return {"what": what, "state": state, "found": found, "to_do": todo}


def _python() -> dict[str, Any]:
    fit = sys.version_info >= (3, 11)
    return _row("python", "fit" if fit else "unfit", sys.version.split()[0], "" if fit else "use python 3.11 or newer")


def _package(name: str, needed: bool) -> dict[str, Any]:
    try:
        return _row(name, "fit", version(name))
    except PackageNotFoundError:
        extra = EXTRAS.get(name)
        todo = "install aimass again" if needed else f"only for the extra: pip install 'aimass[{extra}]'"
        return _row(name, "unfit" if needed else "absent", "not installed", todo)


def _disk(folder: Path) -> dict[str, Any]:
    existing = next(p for p in [folder.absolute(), *folder.absolute().parents] if p.exists())
    free = shutil.disk_usage(existing).free / 1e9
    return _row("disk", "fit" if free > 1 else "unfit", f"{free:.1f} GB free", "" if free > 1 else "free some space")


def _workspace(ctx: click.Context) -> dict[str, Any]:
    url, what = ctx.find_root().obj["url"], "workspace"
    try:
        if there := remote(ctx):
            url, what, runs = there.url, "console", there.runs(limit=1)
        elif Path(url).exists():
            runs = workspace(ctx).runs(limit=1)
        else:
            return _row(what, "fit", f"{url} (not there yet)")
    except AimassError as error:
        return _row(what, "unfit", error.what, error.todo)
    return _row(what, "fit", f"{url}, last run {runs[0]['started'] if runs else 'never'}")
