"""Steps as commands: arguments are its artifacts, options its settings, so neither can disagree with Python."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any, get_args, get_origin

import click

from aimass.cli.place import anywhere, emit, noted
from aimass.core.artifact import Artifact
from aimass.core.errors import InputError
from aimass.core.part import Part
from aimass.core.settings import plain, spelled
from aimass.core.step import REQUIRED, Input, Setting, Step, load_step
from aimass.core.task import Task


def command_of(verb: str) -> click.Command:
    """The click command of the step VERB."""
    step = load_step(verb)
    parameters: list[click.Parameter] = [_argument(spec) for spec in step.inputs.values() if spec.shape == "one"]
    parameters += [_many(spec) for spec in step.inputs.values() if spec.shape != "one"]
    parameters += [_option(spec) for spec in step.settings.values()]
    parameters += [
        click.Option(["--set", "sets"], multiple=True, metavar="NAME.KEY=VALUE", help="a setting of a part"),
        click.Option(["--seed"], type=int, default=0, show_default=True),
        click.Option(["--save-as"], default=None, metavar="NAME", help="a name for the result"),
        click.Option(["--on"], default=None, help="where: inline, processes, ray, ray://host:port"),
        click.Option(["--json", "json_wanted"], is_flag=True, help="print what Python returns"),
    ]
    return click.Command(verb.replace("_", "-"), params=parameters, callback=_callback(step), help=_help(step))


def _help(step: Step) -> str:
    return (step.__doc__ or "").strip()


def _argument(spec: Input) -> click.Argument:
    name = f"[{spec.name.upper()}]" if spec.optional else spec.name.upper()
    return click.Argument([spec.name], required=not spec.optional, metavar=name)


def _many(spec: Input) -> click.Option:
    form = "NAME=REF" if spec.shape == "dict" else "REF"
    help = f"{spec.kind.kind}s; repeat the option"
    return click.Option([f"--{spec.name}"], multiple=True, metavar=form, required=not spec.optional, help=help)


def _option(spec: Setting) -> click.Option:
    names = [f"--{spec.name.replace('_', '-')}", spec.name]
    family = _family(spec.annotation)
    if family in ("collector", "importer"):
        names.insert(0, "--use")
    kind = (
        f"{'an' if family[:1] in 'ae' else 'a'} {family} (aimass parts {family}), or JSON"
        if family
        else spelled(spec.annotation)
    )
    default = "" if spec.default is REQUIRED or spec.default is None else f"; default {json.dumps(plain(spec.default))}"
    return click.Option(names, default=None, required=False, help=kind + default)


def _family(annotation: Any) -> str:
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, Part):
            return candidate.family
    return ""


def _callback(step: Step) -> Any:
    @click.pass_context
    def run(ctx: click.Context, /, sets: tuple[str, ...], seed: int, save_as: str | None, on: str | None,
            json_wanted: bool, **given: Any) -> None:  # fmt: skip
        place = anywhere(ctx)
        inputs = {name: _ref(place, spec, given[name]) for name, spec in step.inputs.items()}
        settings = {name: _value(spec, given[name]) for name, spec in step.settings.items() if given[name] is not None}
        _apply(settings, step, sets)
        task = step.task(inputs, settings, seed, save_as or "")
        artifact, more = _made(place, step, task, on, save_as)
        facts = ", ".join(f"{k} {v}" for k, v in {**artifact.facts, **more}.items())
        emit(artifact, json_wanted=json_wanted, text=f"{artifact.kind} {artifact.digest[:12]}  {facts}")

    return run


def _made(place: Any, step: Step, task: Task, on: str | None, save_as: str | None) -> tuple[Artifact, dict[str, Any]]:
    """What TASK makes, and what there is to say of what came after; behind a console it is a job."""
    from aimass.cli.remote import Remote

    if not isinstance(place, Remote):
        return step.run(place, task, on=on, save_as=save_as)
    if on:
        raise InputError("--on says where this machine works, and the work is a console's", expected="none", key="on")
    return place.work(task, save_as, noted)


def _ref(place: Any, spec: Input, value: Any) -> Any:
    if not value:
        return None
    if spec.shape == "one":
        return place.get(value, spec.kind.kind).digest
    if spec.shape == "list":
        return [place.get(item, spec.kind.kind).digest for item in value]
    pairs = [item.partition("=") for item in value]
    return {name: place.get(ref, spec.kind.kind).digest for name, _, ref in pairs}


def _value(spec: Setting, text: str) -> Any:
    """TEXT as the annotation wants it: text stays text, everything else may be JSON."""
    if spec.annotation is str:
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        is_list = get_origin(spec.annotation) is list
        return text.split(",") if is_list else text


def _apply(settings: dict[str, Any], step: Step, sets: tuple[str, ...]) -> None:
    """`--set source.path=x.csv`: a setting inside a part."""
    for item in sets:
        path, equals, text = item.partition("=")
        name, dot, key = path.partition(".")
        if not (equals and dot) or name not in step.settings:
            known = ", ".join(step.settings)
            raise InputError(f"--set {item}: not NAME.KEY=VALUE", expected=f"NAME one of: {known}")
        default = step.settings[name].default
        held = settings.get(name, {} if default in (REQUIRED, None) else plain(default))
        table = {"use": held} if isinstance(held, str) else held
        if not isinstance(table, dict):
            raise InputError(f"--set {item}: {name} is a list", expected=f"--{name} and its JSON")
        settings[name] = {**table, key: toml_value(text)}


def toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


@click.command(hidden=True)
@click.argument("file", default="-")
@click.option("--json", "json_wanted", is_flag=True)
@click.pass_context
def task(ctx: click.Context, file: str, json_wanted: bool) -> None:
    """Run one task from its JSON: a failed task of a cluster is repeated here by pasting one line."""
    try:
        found = Task.from_json(sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"not a task: {error}", expected="the JSON `aimass logs RUN --json` shows") from error
    artifact, _ = _made(anywhere(ctx), load_step(found.step), found, None, None)
    emit(artifact, json_wanted=json_wanted, text=artifact.digest)
