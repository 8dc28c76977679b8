"""`aimass export` and `aimass import`: a project as one file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aimass.cli.looks import WANT_JSON
from aimass.cli.place import emit, remote, table, workspace
from aimass.core.errors import InfeasibleError

if TYPE_CHECKING:
    from aimass.cli.remote import Remote
    from aimass.runner.workspace import Workspace

MEASURED = ("served", "all", "none")
Note = Callable[[str], None]
Show = Callable[[dict[str, Any]], None]


@click.command("export")
@click.argument("project", default="aimass.toml")
@click.option("--to", type=click.Path(path_type=Path), default=None, help="the file [PROJECT.aimass.zip]")
@click.option("--force", is_flag=True, help="overwrite a file that exists")
@WANT_JSON
@click.pass_context
def export(ctx: click.Context, project: str, to: Path | None, force: bool, json_wanted: bool) -> None:
    """Write PROJECT (its file, or its name) with all that belongs to it into one file, for another workspace.

    \b
    Runs with figures and logs, artifacts, releases, names, the rows they came from and the project file.
    Example: aimass export flights --to flights.aimass.zip
    """
    from aimass.project.archive.write import export_project

    there, note = remote(ctx), _note(json_wanted)
    name, text = _named(project, far=there is not None)
    target = to or Path(f"{name}.aimass.zip")
    if there:
        from aimass.cli.freight import export_there

        told = export_there(there, name, text, target.absolute(), force=force, note=note)
    else:
        told = export_project(workspace(ctx), name, target.absolute(), text=text, force=force, note=note)
    lines = [f"{told['artifacts']} artifacts, {told['runs']} runs, {len(told['versions'])} releases: "
             f"{told['bytes'] / 1e6:.1f} MB in {target}"]  # fmt: skip
    if not told["project_file"]:
        lines.append("without a project file: none is known of it; export by its aimass.toml to have it inside")
    emit(told, json_wanted=json_wanted, text="\n".join([*lines, f"bring it in elsewhere: aimass import {target.name}"]))


def _named(project: str, *, far: bool) -> tuple[str, str | None]:
    """The name of PROJECT, and the text of its file where it is one; what it names may lie FAR away."""
    path = Path(project)
    if not (path.suffix == ".toml" or path.exists()):
        return project, None
    if far:
        from aimass.cli.projects import named_there

        return named_there(path)[:2]
    from aimass.project.file import load

    loaded = load(path)
    return loaded.name, loaded.text


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--look", is_flag=True, help="say what it holds and would change, and change nothing")
@click.option("--measure", type=click.Choice(MEASURED), default="served", show_default=True,
              help="which of its releases are measured on this machine")  # fmt: skip
@WANT_JSON
@click.pass_context
def import_(ctx: click.Context, file: Path, look: bool, measure: str, json_wanted: bool) -> None:
    """Bring the project in FILE, which `aimass export` wrote, into this workspace: all of it or nothing.

    \b
    Then its releases are measured here, and each budget is said to hold or not.
    Exit codes: 0 every budget holds, 2 no archive or not for this workspace, 3 imported, but a budget does not hold.
    Example: aimass -w elsewhere import flights.aimass.zip
    """
    note = _note(json_wanted)

    def show(seen: dict[str, Any]) -> None:
        if not json_wanted:
            click.echo(_page(seen))

    there, how = remote(ctx), "" if look else measure
    told = _come_there(there, file, how, note, show) if there else _come_here(workspace(ctx), file, how, note, show)
    if not look:
        emit(told, json_wanted=json_wanted, text=budgets_page(told["releases"]))
        _conclude(told["releases"])
    elif json_wanted:
        emit(told, json_wanted=True, text="")


def _come_here(place: Workspace, file: Path, measure: str, note: Note, show: Show) -> dict[str, Any]:
    """What the project in FILE brings, with its releases measured; only looked into without MEASURE.  SHOW sees it."""
    from aimass.project.archive.take import import_project
    from aimass.project.archive.take import look as look_into
    from aimass.publish.held import held_among

    told = import_project(place, file, note=note) if measure else look_into(place, file)
    show(told)
    if not measure:
        return told
    return {**told, "releases": held_among(place, told["versions"], measure, note)}


def _come_there(there: Remote, file: Path, measure: str, note: Note, show: Show) -> dict[str, Any]:
    """The same at a console, by a job; the archive is there only as long as that lasts."""
    from aimass.cli.freight import brought

    with brought(there, file, note) as name:
        seen = there.ask("GET", "archive/look", file=name)
        seen.pop("sha256", None)  # of the copy there, for who sees it in the console: this side has the file
        if not (measure and seen["new"]["against"]):  # else the console refuses it below
            show(seen)
        if not measure:
            return seen
        return there.job({"file": name, "measure": measure}, note, "archive/import")


def _note(quiet: bool) -> Note:
    return (lambda text: None) if quiet else (lambda text: click.secho(text, dim=True, err=True))


def _page(told: dict[str, Any]) -> str:
    """What an archive holds and what of it is new here."""
    new, kinds = told["new"], ", ".join(f"{count} {kind}" for kind, count in told["artifacts"].items())
    lines = [
        f"{told['project']}, exported {told['created'][:16].replace('T', ' ')} by aimass {told['package']}",
        f"  {kinds}; {told['runs']} runs; releases: {', '.join(told['versions']) or 'none'}",
        f"  new here: {new['artifacts']} artifacts, {new['runs']} runs, {', '.join(new['versions']) or 'no release'}",
    ]
    moved = [row for row in new["names"] if row["before"]]
    lines += [f"  {row['name']} moves from {row['before'][:12]} to {row['after'][:12]}" for row in moved]
    lines += [f"  it cannot come in: {why}" for why in new["against"]]
    return "\n".join(lines)


def budgets_page(releases: list[dict[str, Any]]) -> str:
    """A line for each budget: asked, as it was where it was released, and here."""
    rows = [{"release": one["release"], "budget": line["what"], "asked": f"{line['asked']:g} {line['unit']}".strip(),
             "there": _figure(line["there"]), "here": _figure(line["here"]),
             "": "holds" if line["here"]["met"] else "does not hold"}
            for one in releases for line in one["budgets"]]  # fmt: skip
    without = [f"{one['release']}: {one['why']}" for one in releases if not one["budgets"] or one["report"] is None]
    return "\n".join(["", *([table(rows)] if rows else []), *without]) if releases else "no release was measured here"


def _figure(line: dict[str, Any]) -> str:
    if line["measured"] is None:
        return "-"
    low, high = ("?" if bound is None else f"{bound:.4g}" for bound in line["interval"])
    return f"{line['measured']:.4g} [{low}, {high}]"


def _conclude(releases: list[dict[str, Any]]) -> None:
    broken = [one for one in releases if one["holds"] is False]
    if broken:
        raise InfeasibleError(
            f"imported, but {broken[0]['release']} does not keep its budgets on this machine: {broken[0]['why']}",
            expected="the budgets it was released with",
            todo="run its project here, which chooses anew among what it has: aimass run")  # fmt: skip
