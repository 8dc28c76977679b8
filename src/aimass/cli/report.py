"""`aimass report`: a run or a release as one HTML file."""

from __future__ import annotations

from pathlib import Path

import click

from aimass.cli.place import workspace
from aimass.store.base import writing


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
    from aimass.project.reports.release import report_of_release
    from aimass.project.reports.run import report_of_run

    place = workspace(ctx)
    page = report_of_run(place, what) if what.isdigit() else report_of_release(place, what)
    file = output or Path(f"{'run-' if what.isdigit() else ''}{what.replace('@', '-').replace('/', '-')}.html")
    with writing(str(file)):
        file.write_text(page, encoding="utf-8")
    click.echo(f"{file}  {len(page.encode()):,} bytes")
