"""python -m aimass.serve FOLDER --name NAME [--port 0]: serve one artifact folder; programs read what it says.

One JSON line on stdout when it answers; on failure one JSON line ends stderr and the exit code is the error's.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass.core.errors import AimassError, InputError
from aimass.runner.worker import die_with_parent
from aimass.serve.heap import share_one
from aimass.serve.workers.settings import Workers, option

if TYPE_CHECKING:
    from aimass.serve.observe.settings import Observing
    from aimass.serve.predictor import Wanted

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"  # the environment's word for the collector
OBSERVED = (
    ("--access-log", str, "a line of JSON for each request: FILE, or - for the standard output"),
    ("--access-log-sample", float, "of good answers only this share (0..1)"),
    ("--otel-endpoint", str, f"URL of a collector for traces [{ENDPOINT}]"),
    ("--otel-sample", float, "share of requests without a trace that begin one (0..1)"),
)


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m aimass.serve", description="Serve a model or a release.")
    parser.add_argument("folder", type=Path, nargs="?", help="the folder of the artifact")
    parser.add_argument("--name", help="what it is called in the paths")
    parser.add_argument("--version", type=int, default=None, help="its number as a published version")
    parser.add_argument("--also", action="append", default=[], metavar="NAME=FOLDER", help="another model beside it")
    parser.add_argument(
        "--repository", type=Path, default=None, help="FOLDER/NAME/VERSION: the newest of each, and more"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--grpc-port", type=int, default=None, help="gRPC here, too")
    parser.add_argument("--log-to", type=Path, default=None, help="the folder for the prediction log")
    parser.add_argument("--log", action="append", default=[], metavar="KEY=VALUE", help="a setting of that log")
    for name, kind, told in OBSERVED:
        parser.add_argument(name, type=kind, default=None, help=told)
    parser.add_argument("--keys", type=Path, default=None, help="ask for keys: the file that `aimass keys` writes")
    parser.add_argument("--tls-cert", type=Path, default=None, help="speak TLS: the certificate and its chain, PEM")
    parser.add_argument("--tls-key", type=Path, default=None, help="its key, PEM")
    parser.add_argument("--tls-client-ca", type=Path, default=None, help="ask clients for certificates signed by these")
    parser.add_argument("--parent", type=int, default=None, help="the process that started it: end with it")
    for row in Workers.schema():
        kind_of = {"int": int, "float": float}[row["type"]]
        parser.add_argument(option(row["name"]), type=kind_of, default=row["default"], help=row["help"])
    parser.add_argument("--channel", type=int, default=None, help=argparse.SUPPRESS)
    words = sys.argv[1:] if arguments is None else arguments
    given = parser.parse_args(words)
    if given.parent is not None and given.channel is None:
        die_with_parent(given.parent)
    try:
        workers = Workers.from_settings({row["name"]: getattr(given, row["name"]) for row in Workers.schema()}, "serve")
        if given.channel is None and workers.count > 1:
            supervised(words, given, workers)
        else:
            one(given)
    except AimassError as error:
        print(json.dumps(error.as_json()), file=sys.stderr, flush=True)
        return error.exit_code
    except KeyboardInterrupt:  # before it listened: there is nothing to drain
        return 130
    return 0


def one(given: argparse.Namespace) -> None:
    """Serve in this process, which may be one of several.  Raises InputError."""
    share_one()
    gc.disable()  # until it serves: what a start makes stays, so that collections would find nothing
    from aimass.serve.access.door import door
    from aimass.serve.server import serve
    from aimass.serve.versions.repository import Folder
    from aimass.serve.workers.member import membership

    repository = None if given.repository is None else Folder(given.repository)
    with membership(given.channel) as member:
        serve(
            wanted(given, repository),
            host=given.host,
            port=given.port,
            grpc_port=given.grpc_port,
            repository=repository,
            log_to=given.log_to,
            observing=observing(given),
            door=door(given.keys, given.tls_cert, given.tls_key, given.tls_client_ca),
            ready=lambda where: said(where.as_json()),
            member=member,
        )


def supervised(words: list[str], given: argparse.Namespace, workers: Workers) -> None:
    """Serve in several processes, each told the same WORDS.  Raises InputError."""
    from aimass.serve.workers.supervisor import supervise

    command = [sys.executable, "-m", "aimass.serve", *words]
    ports = [port for port in (given.port, given.grpc_port) if port is not None]
    supervise(command, workers, host=given.host, ports=ports, keys=given.keys, ready=said)


def said(facts: Mapping[str, Any]) -> None:
    """One line of JSON, for the program that started it."""
    print(json.dumps(facts), flush=True)


def observing(given: argparse.Namespace) -> Observing:
    """What is told of requests.  Raises InputError."""
    from aimass.serve.observe.settings import Observing, log_of

    names = [name.removeprefix("--").replace("-", "_") for name, _, _ in OBSERVED]
    said = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    said.setdefault("otel_endpoint", os.environ.get(ENDPOINT, ""))
    return Observing.from_settings({**said, "log": log_of(given.log)}, "serve")


def wanted(given: argparse.Namespace, repository: Any) -> list[Wanted]:
    """What is served from the start.  Raises InputError when that is nothing."""
    from aimass.serve.predictor import Wanted

    found = [Wanted(given.folder, given.name, given.version)] if given.folder and given.name else []
    found += [Wanted(Path(folder), name) for name, _, folder in (text.partition("=") for text in given.also)]
    if repository is not None:
        found += [repository.find(name, "") for name in dict.fromkeys(name for name, _ in repository.list())]
    if not found and repository is None:
        raise InputError(
            "nothing is to be served",
            expected="a folder and --name, --also NAME=FOLDER, or --repository FOLDER",
            todo="python -m aimass.serve --help",
        )
    return found


if __name__ == "__main__":
    sys.exit(main())
