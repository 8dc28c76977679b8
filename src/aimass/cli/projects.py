"""`aimass run` and `aimass init`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aimass.cli.place import remote, workspace
from aimass.core.errors import InfeasibleError, InputError

if TYPE_CHECKING:
    from aimass.cli.remote import Remote


@click.command()
@click.argument("project", type=click.Path(path_type=Path), default=Path("aimass.toml"))
@click.option("--until", default="publish", show_default=True, help="collect, clean, prepare, search or publish")
@click.option("--serve", "and_serve", is_flag=True, help="go on serving the published version until Ctrl-C")
@click.option("--port", default=None, type=int, help="port for --serve")
@click.option("--json", "out", type=click.Path(path_type=Path), default=None, help="write the outcome to this file")
@click.option("--set", "sets", multiple=True, metavar="TABLE.KEY=VALUE", help="override a key of the file")
@click.option("--quiet", is_flag=True, help="print nothing but errors")
@click.pass_context
def run(ctx: click.Context, project: Path, until: str, and_serve: bool, port: int | None, out: Path | None,
        sets: tuple[str, ...], quiet: bool) -> None:  # fmt: skip
    """Carry PROJECT (an aimass.toml) out: collect, clean, prepare, train, compress, measure, publish.

    \b
    Finished steps are reused; a killed run goes on where it was.  Exit codes: 0 published, 2 bad input,
    3 no candidate meets the budgets (nothing is published).
    Example: aimass run examples/flights/aimass.toml --json out.json
    """
    from rich.console import Console

    from aimass.cli.live import Progress
    from aimass.project.file import load
    from aimass.project.run import Run

    console = Console(quiet=quiet, highlight=False)
    if there := remote(ctx):
        _run_there(there, project, until, sets, console, out, serve=and_serve)
        return
    loaded = load(project, sets)
    place = workspace(ctx)
    see_user_modules(loaded.path.parent)
    if "steps" in loaded.tables:
        _run_steps(loaded, place, console, out)
        return
    with Progress(place, console) as progress:
        job = Run(loaded, place, progress.note)
        try:
            job.until(until)
        finally:
            _write(out, job.outcome.as_json())
            _show(console, job.outcome.ledger)
    _conclude(console, job.outcome)
    if and_serve:
        _serve(place, job.outcome, loaded.serve.host, loaded.serve.port if port is None else port)


def _run_there(
    there: Remote, project: Path, until: str, sets: tuple[str, ...], console: Any, out: Path | None, *, serve: bool
) -> None:
    """Have a console's workers carry PROJECT out; the data that it names lie in the console's Files."""
    if serve:
        raise InputError("--serve needs the workspace itself, and AIMASS_URL names a console", expected="none",
                         todo="what is published there is served by its `aimass up`", key="serve")  # fmt: skip
    name, text, named = named_there(project)
    wanted = {"text": text, "sets": [*named, *sets], "until": until}
    try:
        outcome = there.job({"project": wanted}, lambda line: console.print(line, style="dim", markup=False))
    except InfeasibleError:  # the ledger says why
        _show(console, there.get(f"{name}/ledger").read_json("ledger.json"))
        raise
    made = outcome["artifacts"].get("ledger")
    _show(console, there.get(made).read_json("ledger.json") if made else {})
    _write(out, {"project": name, **outcome})
    if outcome.get("release"):
        console.print(f"\npublished [bold]{outcome['release']['version']}[/bold]  ({outcome['release']['alias']})")


def named_there(project: Path) -> tuple[str, str, tuple[str, ...]]:
    """The name of PROJECT, its text, and what has to be set elsewhere, where it would not be named after its folder."""
    from aimass.project.toml import quoted, read

    tables, text = read(project)
    folder = (project if project.is_dir() else project.parent).resolve().name
    return str(tables.get("name", folder)), text, () if "name" in tables else (f"name={quoted(folder)}",)


def see_user_modules(folder: Path) -> None:
    """A user's own module stands beside the project file."""
    import sys

    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _run_steps(loaded: Any, place: Any, console: Any, out: Path | None) -> None:
    from aimass.cli.live import Progress
    from aimass.project.steps import run_steps

    with Progress(place, console):
        done = run_steps(loaded, place)
    _write(out, {"project": loaded.name, "artifacts": {name: a.digest for name, a in done.items()}})


def _write(out: Path | None, outcome: dict[str, Any]) -> None:
    if out is None:
        return
    try:
        out.write_text(json.dumps(outcome, indent=1, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise InputError(f"--json {out}: {error.strerror}", expected="a file that can be written") from error


def _show(console: Any, ledger: dict[str, Any]) -> None:
    if not ledger:
        return
    from aimass.search.render import ledger_text

    console.print()
    console.print(ledger_text(ledger), soft_wrap=True)


def _conclude(console: Any, outcome: Any) -> None:
    console.print(f"artifacts: {len(outcome.artifacts)}   {outcome.seconds['total']:.1f} s", style="dim")
    if outcome.release is None:
        return
    console.print(f"\npublished [bold]{outcome.release['version']}[/bold]  ({outcome.release['alias']})")
    answer = json.dumps(outcome.endpoint["answer"], ensure_ascii=False)
    console.print(f"it answered its own sample record at the endpoint: {answer}", soft_wrap=True)
    console.print(f"serve it:  [bold]{outcome.endpoint['command']}[/bold]")


def _serve(place: Any, outcome: Any, host: str, port: int) -> None:
    from aimass.cli.endpoint import serve_version

    if outcome.release is None:
        raise InputError("--serve needs a published version", todo="leave --until out")
    serve_version(place, outcome.release["version"], host, port)


@click.command()
@click.argument("data", required=False)
@click.option("--target", default=None, help="the column to predict")
@click.option("--name", default=None, help="the project's name")
@click.option("--to", default=Path("aimass.toml"), show_default=True, type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="overwrite an existing file")
@click.option("--json", "json_wanted", is_flag=True)
def init(data: str | None, target: str | None, name: str | None, to: Path, force: bool, json_wanted: bool) -> None:
    """Write a first aimass.toml: asks for a data file and the column to predict.

    \b
    Example: aimass init customers.csv --target churned
    """
    from aimass.project.draft import columns_of, draft

    data = data or click.prompt("data file (csv, parquet or jsonl)")
    columns = columns_of(data)
    if target is None:
        click.echo(f"columns: {', '.join(columns)}")
        target = click.prompt("column to predict", default=columns[-1])
    if to.exists() and not force:
        raise InputError(f"{to} exists", expected="a new file", todo="give --to OTHER or --force")
    text = draft(data, target, name or Path(data).name.split(".")[0], to.resolve().parent)
    try:
        to.write_text(text, encoding="utf-8")
    except (OSError, UnicodeError) as error:  # no such folder, or a file name that is no text
        raise InputError(f"{to} cannot be written: {error}", expected="a place for a text file",
                         todo="give --to OTHER") from error  # fmt: skip
    click.echo(json.dumps({"project": str(to)}) if json_wanted else f"wrote {to}; next: aimass run {to}")
