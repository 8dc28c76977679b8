"""A process that is to do the same gets the same words, but for what everybody would read there."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from aimass.cli.words import words_of


@click.group()
@click.option("--place", "-p", envvar="PLACE")
@click.pass_context
def group(ctx: click.Context, **said: Any) -> None:
    ctx.obj = said


@group.command()
@click.argument("name")
@click.option("--port", "-P", default=8080)
@click.option("--log", multiple=True)
@click.option("--yes/--no", default=False)
@click.option("--also", is_flag=True)
@click.pass_context
def serve(ctx: click.Context, **said: Any) -> None:
    click.echo(repr((words_of(ctx), ctx.obj, sorted(said.items()))))


def called(*words: str, **environment: str) -> Any:
    done = CliRunner().invoke(group, words, env=environment, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return eval(done.output)


@pytest.mark.parametrize(
    "words",
    [
        ("serve", "a"),
        ("-p", "x y", "serve", "-P", "0", "a", "--log", "k=-1", "--log", "l='b c'"),
        ("--place=--odd", "serve", "a", "--port=-5", "--yes", "--also"),
        ("serve", "a", "--no"),
    ],
)
def test_the_same_words_do_the_same(words: tuple[str, ...]) -> None:
    again, place, said = called(*words)
    assert called(*again) == (again, place, said)


def test_what_the_environment_says_is_not_told_on_a_command_line() -> None:
    again, place, _ = called("serve", "a", PLACE="postgresql://user:secret@host")
    assert place == {"place": "postgresql://user:secret@host"} and again == ["serve", "a"]
