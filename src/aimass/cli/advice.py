"""`aimass advise`: which accelerations pay for a project on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from aimass.cli.looks import WANT_JSON
from aimass.cli.place import emit, workspace


@click.command()
@click.argument("project", type=click.Path(path_type=Path), default=Path("aimass.toml"))
@click.option("--seconds", default=60.0, show_default=True, help="for each network")
@click.option("--anew", is_flag=True, help="search again, whatever was found before")
@click.option("--set", "sets", multiple=True, metavar="TABLE.KEY=VALUE", help="override a key of the file")
@WANT_JSON
@click.pass_context
def advise(
    ctx: click.Context, project: Path, seconds: float, anew: bool, sets: tuple[str, ...], json_wanted: bool
) -> None:
    """Try accelerations on the networks, rows and machine of PROJECT, and print what each is worth.

    \b
    Nothing is trained.  `aimass run` asks the same within its share of [spend], and remembers the answer.
    Example: aimass advise examples/fashion/aimass.toml --seconds 60
    """
    from aimass.cli.projects import see_user_modules
    from aimass.project.advise import advise_project
    from aimass.project.file import load
    from aimass.train.advisor.record import sentences, table

    place = workspace(ctx)
    loaded = load(project, sets)
    see_user_modules(loaded.path.parent)

    def note(line: str) -> None:
        click.secho(line, dim=True, err=True)

    found = dict(advise_project(loaded, place, seconds=seconds, note=note, anew=anew))
    text = "\n\n".join(
        "\n".join([f"{name}: {sentences(advice)[0]}", "", table(advice)]) for name, advice in found.items()
    )
    told = {name: {**advice.as_json(), "sentences": sentences(advice)} for name, advice in found.items()}
    emit(told, json_wanted=json_wanted, text=text)
