"""Commands that only look: ls, show, lineage, logs, parts."""

from __future__ import annotations

from typing import Any

import click

from aimass.cli.details import details
from aimass.cli.place import anywhere, emit, remote, table
from aimass.core.artifact import KINDS
from aimass.core.errors import error_from_json, pick, unknown
from aimass.core.part import resolve, table_of
from aimass.core.stages import FAMILIES

WANT_JSON = click.option("--json", "json_wanted", is_flag=True, help="print what Python returns")


@click.command()
@click.argument("what", default="artifacts")
@click.option("--kind", default=None, help="dataset, examples, model, report, release")
@click.option("--limit", default=30, show_default=True)
@WANT_JSON
@click.pass_context
def ls(ctx: click.Context, what: str, kind: str | None, limit: int, json_wanted: bool) -> None:
    """List WHAT: artifacts (default), runs, versions or names.   Example: aimass ls runs"""
    if kind is not None:
        pick("kind of artifact", kind, KINDS)
    place = anywhere(ctx)
    lists: dict[str, Any] = {
        "artifacts": lambda: place.artifacts(kind=kind, limit=limit),
        "runs": lambda: place.runs(limit=limit),
        "versions": lambda: place.versions(),
        "names": lambda: place.names(),
    }
    if what not in lists:
        raise unknown("list", what, lists)
    rows = lists[what]()
    emit(rows, json_wanted=json_wanted, text=table([_short(row) for row in rows]))


def _short(row: dict[str, Any]) -> dict[str, Any]:
    hidden = ("task_json", "task", "error", "manifest", "host", "pid", "version")
    kept = {k: v for k, v in row.items() if k not in hidden or (k == "version" and "number" not in row)}
    for key in ("digest", "output"):
        if kept.get(key):
            kept[key] = str(kept[key])[:12]
    for key in ("created", "started", "ended", "moved"):
        if kept.get(key):
            kept[key] = str(kept[key])[:19].replace("T", " ")
    if isinstance(kept.get("facts"), dict):
        kept["facts"] = ", ".join(f"{k} {v}" for k, v in kept["facts"].items())
    return kept


@click.command()
@click.argument("ref")
@WANT_JSON
@click.pass_context
def show(ctx: click.Context, ref: str, json_wanted: bool) -> None:
    """What REF (digest, name, name@version) is.   Example: aimass show flights@1"""
    artifact = anywhere(ctx).get(ref)
    manifest = artifact.manifest
    there = remote(ctx)
    lines = [f"{artifact.kind} {artifact.digest}", f"console  {there.url}" if there else f"folder   {artifact.folder}"]
    lines += [f"{key:8} {value}" for key, value in (("step", manifest.step), ("created", manifest.created))]
    lines += [f"{key:8} {value}" for key, value in artifact.facts.items()]
    lines += [f"  {name}" for name in manifest.files]
    lines += details(artifact)
    emit(artifact, json_wanted=json_wanted, text="\n".join(lines))


@click.command()
@click.argument("ref")
@WANT_JSON
@click.pass_context
def lineage(ctx: click.Context, ref: str, json_wanted: bool) -> None:
    """What REF was made from, up to the sources.   Example: aimass lineage flights@1"""
    tree = anywhere(ctx).lineage(ref)
    emit(tree, json_wanted=json_wanted, text="\n".join(_branches(tree, "")))


def _branches(node: dict[str, Any], indent: str) -> list[str]:
    facts = ", ".join(f"{k} {v}" for k, v in (node.get("facts") or {}).items())
    lines = [f"{indent}{node['kind']} {node['digest'][:12]}  {node.get('step', '')}  {facts}".rstrip()]
    for parent in node.get("parents", []):
        lines += _branches(parent, indent + "  ")
    return lines


@click.command()
@click.argument("run")
@WANT_JSON
@click.pass_context
def logs(ctx: click.Context, run: str, json_wanted: bool) -> None:
    """The log, the last metrics and the task of RUN (see: aimass ls runs)."""
    place = anywhere(ctx)
    found: dict[str, Any] = {"run": place.run_row(run), "latest": place.latest(run), "log": place.logs(run)}
    head = " ".join(f"{k} {v}" for k, v in found["run"].items() if k in ("id", "step", "label", "state", "started"))
    lines = [head, *(f"{line['time']}  {line['text']}" for line in found["log"])]
    lines += _error(found["run"]["error"] or {})
    lines += [f"{name} = {value:.6g}" for name, value in found["latest"].items()]
    emit(found, json_wanted=json_wanted, text="\n".join(lines))


def _error(told: dict[str, str]) -> list[str]:
    """How a failed run ended, as it was printed then."""
    return str(error_from_json(told)).splitlines() if told else []


@click.command()
@click.argument("family", default="")
@click.argument("name", default="")
@WANT_JSON
def parts(family: str, name: str, json_wanted: bool) -> None:
    """Every part, those of FAMILY, or the settings of one.   Example: aimass parts architecture mlp"""
    families = list(FAMILIES)
    if family and family not in families:
        raise unknown("family", family, families)
    if name:
        rows = resolve(family, name).schema()
        emit(rows, json_wanted=json_wanted, text=table(rows, ["name", "type", "default", "low", "high", "help"]))
        return
    rows = [
        {"family": f, "name": n, "what": _first_line(f, n)}
        for f in ([family] if family else families)
        for n in table_of(f)
    ]
    emit(rows, json_wanted=json_wanted, text=table(rows))


def _first_line(family: str, name: str) -> str:
    from aimass.core.errors import InputError

    try:
        return (resolve(family, name).__doc__ or "").strip().split("\n")[0]
    except InputError as error:  # an extra that is not installed is listed, with what it needs
        return f"({error.what})"
