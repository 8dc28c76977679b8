"""`aimass report`: a run or a release as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from aimass.cli.place import remote, workspace
from aimass.core.errors import InputError
from aimass.store.base import writing

if TYPE_CHECKING:
    from aimass.cli.remote import Remote
    from aimass.runner.workspace import Workspace


@click.command()
@click.argument("what")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="file (default: named after it)")
@click.pass_context
def report(ctx: click.Context, what: str, output: Path | None) -> None:
    """Write WHAT, the number of a run or the name of a release, as one HTML file that needs nothing else.

    \b
    Its charts are drawings, its tables hold their rows as CSV, and it asks nobody for anything.
    Example: aimass report flights@3 -o flights.html
    """
    there = remote(ctx)
    page = _told_there(there, what) if there else _told_here(workspace(ctx), what)
    file = output or Path(f"{'run-' if what.isdigit() else ''}{what.replace('@', '-').replace('/', '-')}.html")
    with writing(str(file)):
        file.write_text(page, encoding="utf-8")
    click.echo(f"{file}  {len(page.encode()):,} bytes")


def _told_here(place: Workspace, what: str) -> str:
    from aimass.project.reports.release import report_of_release
    from aimass.project.reports.run import report_of_run

    return report_of_run(place, what) if what.isdigit() else report_of_release(place, what)


def _told_there(there: Remote, what: str) -> str:
    """A console tells of runs and of versions of models."""
    if what.isdigit():
        return there.page(f"runs/{there.run_row(what)['id']}/report")
    digest = there.get(what, "release").digest
    known = [row for row in there.versions() if row["digest"] == digest]
    if not known:
        raise InputError(f"release {digest[:12]} is no version of a model", expected="a version, as flights@3",
                         todo="aimass ls versions lists them", key="what")  # fmt: skip
    return there.page(f"models/{quote(known[-1]['name'], safe='')}/{known[-1]['number']}/report")
