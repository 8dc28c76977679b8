"""The words a command was called with, for a process that is to do the same."""

from __future__ import annotations

import click
from click.core import ParameterSource


def words_of(ctx: click.Context) -> list[str]:
    """The arguments behind `aimass` that CTX was made of.

    What came from the environment is left out: the other process has it, too, and a word on a command line is for
    everybody to read.
    """
    words = [] if ctx.parent is None else [*words_of(ctx.parent), ctx.info_name or ""]
    for one in ctx.command.params:
        name = one.name or ""
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            words += _said(one, ctx.params.get(name))
    return words


def _said(one: click.Parameter, value: object) -> list[str]:
    """VALUE of the parameter ONE."""
    if not isinstance(one, click.Option):
        return [str(value)]
    if one.is_flag:
        return [max(one.opts if value else one.secondary_opts, key=len)]
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    return [f"{max(one.opts, key=len)}={text}" for text in values]
