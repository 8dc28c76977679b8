"""`aimass`: the commands, found lazily so that `aimass --help` needs nothing but click."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import click
from click.core import ParameterSource

from aimass import __version__
from aimass.core.errors import AimassError, InputError
from aimass.core.stages import STAGES

# name -> (module:command, help).  Steps are added below, from the one list of stages.
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("aimass.cli.projects:run", "carry a project out: raw data to a published version"),
    "init": ("aimass.cli.projects:init", "write a first aimass.toml from a data file and a target"),
    "serve": ("aimass.cli.endpoint:serve", "answer requests with a published version"),
    "keys": ("aimass.cli.access:keys", "make, list and revoke the keys that a server asks for"),
    "up": ("aimass.cli.up:up", "start the console, the workers of jobs and the endpoints, and keep them"),
    "down": ("aimass.cli.up:down", "end what `aimass up` keeps"),
    "status": ("aimass.cli.up:status", "what is up, and the jobs"),
    "password": ("aimass.cli.password:password", "give a user of the console a new password"),
    "ls": ("aimass.cli.looks:ls", "list artifacts, runs or versions"),
    "show": ("aimass.cli.looks:show", "what an artifact is: facts, figures, files"),
    "lineage": ("aimass.cli.looks:lineage", "what an artifact was made from, up to the sources"),
    "logs": ("aimass.cli.looks:logs", "the log and metrics of a run"),
    "advise": ("aimass.cli.advice:advise", "which accelerations pay for a project on this machine"),
    "curves": ("aimass.cli.curves:curves", "the live figures of a run, drawn"),
    "report": ("aimass.cli.report:report", "a run or a release as one HTML file, to be read anywhere"),
    "export": ("aimass.cli.carry:export", "a project with all that belongs to it as one file"),
    "import": ("aimass.cli.carry:import_", "a project out of such a file; its budgets are measured here"),
    "parts": ("aimass.cli.looks:parts", "every part and its settings"),
    "doctor": ("aimass.cli.doctor:doctor", "check this machine and workspace"),
}
FACES = {"predict": "aimass.cli.predict:predict"}  # steps with a command of their own: its arguments are files
HIDDEN = {"task": "aimass.cli.verbs:task"}
STEPS = {verb.replace("_", "-"): stage.story for stage in STAGES for verb in stage.verbs}


class Commands(click.Group):
    """Commands loaded when used; steps become commands by their signatures."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *STEPS]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name.replace("_", "-") in STEPS and name not in FACES:  # as Python spells it, too
            from aimass.cli.verbs import command_of

            return command_of(name.replace("-", "_"))
        place = COMMANDS[name][0] if name in COMMANDS else {**FACES, **HIDDEN}.get(name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        from aimass.core.errors import unknown

        if args and args[0].replace("_", "-") not in STEPS and args[0] not in (*COMMANDS, *HIDDEN):
            raise unknown("command", args[0], [*COMMANDS, *STEPS], todo="see: aimass --help")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])
        with formatter.section("Steps, in the order data flows"):
            formatter.write_dl(list(STEPS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="aimass")
@click.option("--workspace", "-w", default=None, envvar="AIMASS_WORKSPACE", help="folder (default: .aimass here)")
@click.option("--catalog", default=None, envvar="AIMASS_CATALOG", help="postgresql+psycopg://... (default: SQLite)")
@click.option("--store", default=None, envvar="AIMASS_STORE", help="an fsspec URL for bytes (default: the folder)")
@click.option("--url", default=None, envvar="AIMASS_URL", help="a console instead of a folder; AIMASS_KEY opens it")
@click.pass_context
def cli(ctx: click.Context, workspace: str | None, catalog: str | None, store: str | None, url: str | None) -> None:
    """Raw data to a fast, small, explained, watched model at a live endpoint.

    \b
    aimass run examples/flights/aimass.toml     # collect ... publish
    aimass serve flights --port 8080            # answer raw records
    """
    typed = [name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if "url" in typed and len(typed) > 1:
        raise InputError("--url names a console, and a folder is named, too", expected="one of them", key="url")
    ctx.obj = {"url": workspace or ".aimass", "catalog": catalog, "store": store, "console": url}
    if typed and "url" not in typed:  # what is typed here says more than the environment
        ctx.obj["console"] = None


def main(argv: list[str] | None = None) -> None:
    """Entry point.  Exit codes: 0 done, 1 failed, 2 bad input, 3 no candidate meets the budgets."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        cli.main(args=arguments, prog_name="aimass", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        raise SystemExit(2) from error
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; finished steps are kept, run again to go on", err=True)
        raise SystemExit(130) from None
    except AimassError as error:
        _say(error, as_json="--json" in arguments)
        raise SystemExit(error.exit_code) from error


def _say(error: AimassError, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(error.as_json(), ensure_ascii=False), err=True)
    else:
        click.secho("error: ", fg="red", bold=True, nl=False, err=True)
        click.echo(str(error), err=True)
