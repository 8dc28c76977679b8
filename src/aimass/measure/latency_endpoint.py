"""Latency at the HTTP endpoint: the real server in one process, a closed-loop client in another.

The server is started by its command (`python -m aimass.serve`), never imported: measuring stands above serving.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from aimass.core.errors import InputError, TaskFailed
from aimass.measure.child import run_child, told
from aimass.measure.intervals import quantile_figure

WARMUPS = 200  # requests, over all clients
READY = 60.0  # seconds until a server must answer
STOP = 15.0  # seconds a server may take to end
TIMEOUT = 1800.0  # seconds for the client


@contextmanager
def endpoint(folder: Path, name: str, *, log_to: Path | None = None) -> Iterator[str]:
    """Serve the artifact FOLDER as NAME on a free port of 127.0.0.1 in a process of its own; gives the base URL.

    The server ends with the block.  LOG_TO: write the prediction log below that folder, as a published version does.
    Raises TaskFailed with the server's own words when it does not become ready.
    """
    # Files, not pipes: nobody reads along, and a full pipe would stop the server.
    with tempfile.TemporaryDirectory() as said:
        out, err = Path(said, "out"), Path(said, "err")
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(serving(folder, name, log_to), stdout=stdout, stderr=stderr)
        try:
            yield f"http://127.0.0.1:{_wait(process, out, err)}"
        finally:
            _end(process)


def serving(folder: Path, name: str, log_to: Path | None) -> list[str]:
    """The command that serves one artifact folder."""
    command = [sys.executable, "-m", "aimass.serve", str(folder), "--name", name, "--parent", str(os.getpid())]
    return command + ([] if log_to is None else ["--log-to", str(log_to)])


def _wait(process: subprocess.Popen[bytes], out: Path, err: Path) -> int:
    """The port from the server's ready line."""
    until = time.monotonic() + READY
    while time.monotonic() < until:
        ended = process.poll() is not None
        for line in out.read_text(errors="replace").split("\n")[:-1]:  # only whole lines
            port = _port(line)
            if port is not None:
                return port
        if ended:
            raise told(err.read_text(errors="replace"), f"the endpoint ended with code {process.returncode}")
        time.sleep(0.02)
    raise TaskFailed(f"the endpoint was not ready after {READY:.0f} s", todo="look at the load of this machine")


def _port(line: str) -> int | None:
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    return int(fields["port"]) if isinstance(fields, dict) and fields.get("ready") else None


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ask(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """The JSON answer to BODY at URL.  Raises InputError with the server's words on 4xx, TaskFailed on 5xx."""
    head = {"content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), head)
    try:
        with urllib.request.urlopen(request, timeout=READY) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace")[:500]
        kind = InputError if error.code < 500 else TaskFailed
        raise kind(f"{url} answered {error.code}: {said}", expected="200") from error
    except urllib.error.URLError as error:
        raise TaskFailed(f"{url} did not answer: {error.reason}") from error


def endpoint_latency(url: str, bodies: list[str], *, clients: int, samples: int) -> dict[str, Any]:
    """p50 and p99 in milliseconds of SAMPLES requests to URL by CLIENTS at once, each waiting for its answer.

    BODIES: JSON texts to send in turn.  Raises TaskFailed when any request fails: the time of an error page is not
    the latency of a prediction.
    """
    where = urlsplit(url)
    plan = {
        "host": where.hostname,
        "port": where.port,
        "path": where.path,
        "bodies": bodies,
        "clients": clients,
        "warmups": WARMUPS,
        "samples": samples,
    }
    found = run_child("aimass.measure.client", plan, timeout=TIMEOUT)
    if found["errors"]:
        raise TaskFailed(
            f"{found['errors']} requests failed at {where.path}: {'; '.join(found['examples'])}",
            expected="status 200 from every request",
            todo="serve the model by hand and send its sample.json",
        )
    ms = np.array(found["ns"]) / 1e6
    return {
        "p50_ms": quantile_figure(ms, 0.5).as_json(),
        "p99_ms": quantile_figure(ms, 0.99).as_json(),
        "samples": len(ms),
        "clients": clients,
        "errors": found["errors"],
    }
