"""`aimass predict`: answers for a file of rows, in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from aimass.cli.looks import WANT_JSON
from aimass.cli.place import emit, workspace
from aimass.cli.verbs import toml_value
from aimass.core.errors import InputError


@click.command()
@click.argument("name")
@click.argument("source", metavar="INPUT")
@click.argument("to", metavar="OUTPUT", type=click.Path(path_type=Path))
@click.option("--keep", default=None, metavar="A,B", help="columns to keep beside the answers (default: all)")
@click.option(
    "--bad-rows",
    default=None,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="set rows that cannot be read aside, as JSON lines with the reason (default: stop at the first)",
)
@click.option("--missing", multiple=True, metavar="WORD", help="a word for no value in CSV, beside the empty cell")
@click.option("--prefix", default="", metavar="TEXT", help="what the names of the answers begin with")
@click.option("--resize", is_flag=True, help="scale pictures to the size that the model takes")
@click.option("--batch-rows", default=4096, show_default=True, type=click.IntRange(1), help="rows read at once")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="that share the rows")
@click.option("--on", default=None, help="where: inline, processes, ray, ray://host:port")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="of the collector: delimiter, encoding, ...")
@click.option("--force", is_flag=True, help="overwrite files that exist")
@WANT_JSON
@click.pass_context
def predict(ctx: click.Context, /, name: str, source: str, to: Path, keep: str | None, bad_rows: Path | None,
            missing: tuple[str, ...], sets: tuple[str, ...], workers: int, on: str | None, json_wanted: bool,
            **more: Any) -> None:  # fmt: skip
    """Answer the rows of INPUT with NAME, NAME@3 or NAME@alias, and write them with their answers to OUTPUT.

    \b
    INPUT: .csv, .jsonl or .parquet (packed too), a folder of such files, or a folder of pictures.
    OUTPUT: .csv, .jsonl or .parquet.  It appears when it is whole; run again, a killed one goes on.
    Example: aimass predict customers customers.csv answers.parquet
    """
    from rich.console import Console

    from aimass.cli.live import Progress
    from aimass.collect.endings import source_of
    from aimass.core.step import load_step

    place = workspace(ctx)
    settings: dict[str, Any] = {
        "source": source_of(source) | dict(map(_setting, sets)),
        "to": str(to.absolute()),
        **more,
    }
    settings |= {"keep": _names(keep), "missing": list(missing)}
    settings["bad_rows"] = str(bad_rows.absolute()) if bad_rows else ""
    step = load_step("predict")
    task = step.task({"model": place.get(name).digest}, settings, label=name)
    with Progress(place, Console(stderr=True, highlight=False)):
        report, _ = step.run(place, task, needs={"workers": workers}, on=on)
    aside = f", {report.facts['bad']:,} bad rows to {bad_rows}" if bad_rows else ""
    emit(report, json_wanted=json_wanted, text=f"{report.facts['rows']:,} rows to {to}{aside}")


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name for name in text.split(",") if name]


def _setting(item: str) -> tuple[str, Any]:
    key, equals, text = item.partition("=")
    if not equals:
        raise InputError(f"--set {item}: not KEY=VALUE", expected="a setting of the collector, as delimiter=;")
    return key, toml_value(text)
