"""`aimass serve`: answer requests with published versions, in the foreground."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aimass.cli.place import workspace
from aimass.cli.words import words_of
from aimass.core.errors import InputError
from aimass.serve.workers.settings import Workers, option

if TYPE_CHECKING:
    from aimass.serve.access.door import Door


FILE = click.Path(dir_okay=False, path_type=Path)


def at_the_door(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say who may come in."""
    for one in (
        click.option("--tls-client-ca", type=FILE, help="ask clients for certificates signed by these"),
        click.option("--tls-key", type=FILE, help="the key of the certificate, PEM"),
        click.option("--tls-cert", type=FILE, help="speak TLS: the certificate and its chain, PEM"),
        click.option("--keys", type=FILE, help="ask for keys: the file that `aimass keys` writes"),
    ):
        command = one(command)
    return command


def with_workers(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of several processes; those that a supervisor gives its workers are hidden."""
    for name in ("channel", "worker"):
        command = click.option(f"--{name}", type=int, hidden=True)(command)
    for row in reversed(Workers.schema()):
        kind = {"int": int, "float": float}[row["type"]]
        told = click.option(option(row["name"]), type=kind, default=row["default"], show_default=True, help=row["help"])
        command = told(command)
    return command


@click.command()
@click.argument("name")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, help="0 picks a free one")
@click.option(
    "--on", default="", metavar="RAY", help="several replicas: ray on this machine, ray://host:port on a cluster"
)
@click.option("--replicas", default="", help="how many, or the least and the most: 1..4 [1]")
@at_the_door
@click.option("--log", "logs", multiple=True, metavar="KEY=VALUE", help="a setting of the prediction log: sample=0.1")
@click.option("--access-log", default="", help="a line of JSON for each request: FILE, or - for the standard output")
@click.option("--access-log-sample", default=1.0, show_default=True, help="of good answers only this share")
@click.option("--otel-endpoint", default="", envvar="OTEL_EXPORTER_OTLP_ENDPOINT", help="URL of a collector for traces")
@click.option("--otel-sample", default=0.0, show_default=True, help="share of requests without a trace that begin one")
@with_workers
@click.option("--json", "json_wanted", is_flag=True, help="say where it listens as one line of JSON")
@click.pass_context
def serve(
    ctx: click.Context, /, name: str, host: str, port: int, json_wanted: bool, logs: tuple[str, ...],
    keys: Path | None, tls_cert: Path | None, tls_key: Path | None, tls_client_ca: Path | None, worker: int | None,
    channel: int | None, on: str, replicas: str, **more: Any,
) -> None:  # fmt: skip
    """Answer raw records with NAME, NAME@3 or NAME@alias until Ctrl-C.

    \b
    Example: aimass serve flights --port 8080
    then:    curl -s localhost:8080/v1/docs
    """
    settings = Workers.from_settings({row["name"]: more.pop(row["name"]) for row in Workers.schema()}, "serve")
    if on or replicas:
        _check_places(on, settings)
    elif channel is None and settings.count > 1:
        supervised(ctx, settings, host, port, json_wanted=json_wanted)
        return
    from aimass.serve.access.door import door
    from aimass.serve.observe.settings import Observing, log_of
    from aimass.serve.workers.member import membership

    with membership(channel) as member:
        at = door(keys, tls_cert, tls_key, tls_client_ca)
        observing = Observing.from_settings({**more, "log": log_of(logs)}, "serve")
        if on:
            serve_replicas(workspace(ctx), name, host, port, on, replicas or "1", json_wanted=json_wanted,
                           observing=observing, at=at)  # fmt: skip
            return
        serve_version(workspace(ctx), name, host, port, json_wanted=json_wanted, observing=observing, at=at,
                      member=member)  # fmt: skip


def supervised(ctx: click.Context, settings: Workers, host: str, port: int, *, json_wanted: bool) -> None:
    """Keep several processes that run the command of CTX."""
    from aimass.serve.listening import Listening, say
    from aimass.serve.workers.supervisor import supervise

    def told(facts: Mapping[str, Any]) -> None:
        if json_wanted:
            click.echo(json.dumps(facts))
        else:
            say(Listening(**{key: value for key, value in facts.items() if key != "ready"}))

    command = [sys.executable, "-m", "aimass", *words_of(ctx)]
    supervise(command, settings, host=host, ports=[port], ready=told)


def _check_places(on: str, settings: Workers) -> None:
    """Raises InputError for places that are none, or two at once."""
    if on != "ray" and not on.startswith("ray://"):
        what = f"--on {on!r} is no place for replicas" if on else "--replicas needs --on, too"
        raise InputError(what, expected="--on ray, or --on ray://host:port", key="on")
    if settings.count > 1:
        raise InputError("a replica is one process", expected="--workers, or --on with --replicas", key="workers")


def serve_replicas(
    place: Any, name: str, host: str, port: int, on: str, replicas: str, *, json_wanted: bool, observing: Any, at: Door,
) -> None:  # fmt: skip
    """Serve one published version with several processes that Ray places; where they listen is said likewise."""
    from aimass.core.part import load
    from aimass.publish.registry import find_release
    from aimass.serve.ray import stay_at_home
    from aimass.serve.ray.scale import scaled

    scaled(replicas)
    if on == "ray":
        stay_at_home()
    serve_on_ray = load("aimass.serve.ray.endpoint:serve_on_ray", "--on ray")
    from aimass.serve.ray.endpoint import say
    from aimass.serve.ray.replica import Told

    _, number = find_release(place, name)
    told = Told(place.url, f"{name.partition('@')[0]}@{number}", host, observing, at)
    ready = (lambda facts: click.echo(json.dumps(facts))) if json_wanted else say
    serve_on_ray(told, on=on, port=port, replicas=replicas, ready=ready)


def serve_version(
    place: Any, name: str, host: str, port: int, *, json_wanted: bool = False, observing: Any = None,
    at: Door | None = None, member: Any = None,
) -> None:  # fmt: skip
    """Serve one published version in the foreground; where it listens is said in words, or as a line of JSON."""
    from aimass.publish.registry import find_release
    from aimass.serve.access.door import Door
    from aimass.serve.listening import Listening, say
    from aimass.serve.observe.settings import Observing
    from aimass.serve.predictor import Wanted
    from aimass.serve.server import serve as serve_forever
    from aimass.serve.versions.published import registry_of

    def told(where: Listening) -> None:
        click.echo(json.dumps(where.as_json()))

    release, number = find_release(place, name)
    wanted = [Wanted(release.folder, name.partition("@")[0], number)]
    serve_forever(wanted, host=host, port=port, repository=registry_of(place), log_to=place.folder,
                  observing=observing or Observing(), door=at or Door(), ready=told if json_wanted else say,
                  member=member)  # fmt: skip
