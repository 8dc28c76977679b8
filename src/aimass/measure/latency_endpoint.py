"""Latency at the HTTP endpoint: the real server in one process, a closed-loop client in another.

The server is started by its command (`python -m aimass.serve`), never imported: measuring stands above serving.
It is started afresh several times, because the requests of one start share its luck: three A/A runs of one model gave
a p99 of 2.3, 5.6 and 2.5 ms, each with an interval a tenth as wide as their distance.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from aimass.core.errors import InputError, TaskFailed
from aimass.measure.base import Figure
from aimass.measure.child import run_child, told
from aimass.measure.intervals import quantile_figure
from aimass.measure.machine import load_average

WARMUPS = 200  # requests, over all clients
READY = 60.0  # seconds until a server must answer
TIMEOUT = 1800.0  # seconds for the client


@contextmanager
def endpoint(folder: Path, name: str, *, log_to: Path | None = None) -> Iterator[str]:
    """Serve the artifact FOLDER as NAME on a free port of 127.0.0.1 in a process of its own; gives the base URL.

    The server is killed with the block: it keeps nothing that anybody wants, and to write the last of its log takes
    longer than many a measurement.  LOG_TO: write the prediction log below that folder, as a published version does.
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
            process.kill()
            process.wait()


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


@dataclass(frozen=True)
class Start:
    """What one start of the server came to."""

    ms: np.ndarray  # of each request
    load_average: float | None  # when it began

    def as_json(self) -> dict[str, Any]:
        p50, p99 = (quantile_figure(self.ms, q).value for q in (0.5, 0.99))
        return {"p50_ms": p50, "p99_ms": p99, "samples": len(self.ms), "load_average": self.load_average}


def endpoint_latency(
    model: Path,
    bodies: list[str],
    *,
    clients: int,
    samples: int,
    starts: int = 3,
    between: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """p50 and p99 in milliseconds of SAMPLES requests in all, to STARTS fresh servers of MODEL one after the other.

    CLIENTS at once, each waiting for its answer.  BODIES: JSON texts to send in turn.  BETWEEN is called before each
    start and may raise to stop.  Raises TaskFailed when any request fails.
    """
    found = []
    for count in _shares(samples, starts):
        between()
        load = load_average()
        with tempfile.TemporaryDirectory() as log, endpoint(model, "model", log_to=Path(log)) as url:
            taken = request_times(f"{url}/v1/predict/model", bodies, clients=clients, samples=count)
        found.append(Start(taken, load))
    return {**summary(found), "clients": clients}


def _shares(samples: int, starts: int) -> list[int]:
    """SAMPLES dealt out evenly to STARTS, none of which goes without."""
    starts = min(starts, samples)
    return [samples // starts + (i < samples % starts) for i in range(starts)]


def summary(found: list[Start]) -> dict[str, Any]:
    """Percentiles of all requests together, and each start's own."""
    return {
        "p50_ms": percentile(found, 0.5).as_json(),
        "p99_ms": percentile(found, 0.99).as_json(),
        "samples": sum(len(start.ms) for start in found),
        "errors": 0,  # one that fails ends the measurement
        "starts": [start.as_json() for start in found],
    }


def percentile(found: list[Start], q: float) -> Figure:
    """The Q-quantile of all requests; its interval reaches from rank to rank, and over what each start came to."""
    whole = quantile_figure(np.concatenate([start.ms for start in found]), q)
    each = [quantile_figure(start.ms, q).value for start in found]
    low = None if whole.low is None else min(whole.low, *each)
    high = None if whole.high is None else max(whole.high, *each)
    return replace(whole, low=low, high=high)


def request_times(url: str, bodies: list[str], *, clients: int, samples: int) -> np.ndarray:
    """Milliseconds of SAMPLES requests to URL by CLIENTS at once, after a warm-up.

    Raises TaskFailed when any request fails: the time of an error page is not the latency of a prediction.
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
    return np.array(found["ns"]) / 1e6
