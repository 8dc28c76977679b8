"""`aimass password`: a new password for a user of the console, for who cannot sign in to give one."""

from __future__ import annotations

import sys

import click

from aimass.cli.place import workspace
from aimass.core.errors import InputError, unknown


@click.command()
@click.argument("name")
@click.pass_context
def password(ctx: click.Context, name: str) -> None:
    """Give the user NAME of the console a new password, and end the sessions of NAME.

    \b
    It is asked for, or read from stdin.  Whoever can write the workspace can do this; the audit tells of it.
    Example: aimass password ada
    """
    from aimass.console.access import audit, passwords, users
    from aimass.console.access.caller import COMMAND, Caller

    catalog = workspace(ctx).catalog
    known = users.found(catalog, name)
    if known is None:
        raise unknown("user", name, [row["name"] for row in users.listed(catalog)])
    kept = passwords.hashed(_asked(name))
    with catalog.writing() as link:
        users.change(link, name, password=kept)
        audit.note(link, Caller(COMMAND), "users.password", name)
    click.echo(f"{name} has the new password; sessions there were have ended")
    if known["disabled"]:
        click.echo(f"{name} is disabled all the same, until an admin changes that")


def _asked(name: str) -> str:
    """What a person writes twice, unseen, or what a program sends in one line."""
    if sys.stdin and sys.stdin.isatty():
        said: str = click.prompt(f"New password of {name}", hide_input=True, confirmation_prompt=True)
        return said
    try:
        line = sys.stdin.readline().rstrip("\r\n") if sys.stdin else ""
    except UnicodeDecodeError as error:
        raise InputError("the password in stdin is not UTF-8", expected="one line of text") from error
    if not line:
        raise InputError("there is no password in stdin", expected="one line", todo="write it at a terminal")
    return line
