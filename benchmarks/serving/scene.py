"""Where questions are asked: the server on one core, those who ask on another, and goals that are met or missed."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # benchmarks/record.py

from record import median_and_interval as median_and_interval
from record import significant, write

SERVER, LOAD = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))  # cores
PACKAGES = ["onnxruntime", "uvloop", "httptools", "orjson", "numpy"]

WRK = """
local file = io.open("{body}", "rb")
wrk.method, wrk.body = "POST", file:read("*a")
wrk.headers["content-type"] = "application/json"
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("\\n@%d %d %d %d %d %d %d\\n", summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.timeout, errors.status,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
"""


def arguments(doc: str) -> argparse.ArgumentParser:
    """What every question takes."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="see that it works; its figures mean nothing")
    parser.add_argument("--record", action="store_true", help="write a record; only on a quiet machine")
    parser.add_argument("--models", type=Path, default=None, help="a folder with tab.onnx and cnn.onnx; else made")
    return parser


# -- the server -------------------------------------------------------------------------------------------------


@dataclass
class Running:
    """A server under test."""

    process: subprocess.Popen[str]
    port: int

    @property
    def pid(self) -> int:
        return self.process.pid

    def said(self, path: str, body: Any = None, method: str = "POST", timeout: float = 120.0) -> Any:
        """What it answers; raises RuntimeError unless that is a 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        connection.request(method, path, None if body is None else json.dumps(body))
        reply = connection.getresponse()
        told = reply.read()
        connection.close()
        if reply.status != 200:
            raise RuntimeError(f"{path}: {reply.status} {told[:300]!r}")
        return json.loads(told or b"null")

    def megabytes(self, kind: str = "Pss") -> float:
        """Of memory that it and the processes it started hold."""
        return sum(memory(pid, kind) for pid in family(self.pid))

    def end(self) -> int:
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def serving(*said: str | Path, core: int | None = SERVER, **options: Any) -> Iterator[Running]:
    """`python -m aimass.serve` with what is SAID, on CORE alone unless that is None."""
    command = [sys.executable, "-m", "aimass.serve", *map(str, said), "--port", "0"]
    pinned = command if core is None else ["taskset", "-c", str(core), *command]
    process = subprocess.Popen(pinned, stdout=subprocess.PIPE, text=True, **options)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"it did not start: exit code {process.wait(10)}")
        yield Running(process, int(json.loads(line)["port"]))
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdout:
            process.stdout.close()


def family(pid: int) -> list[int]:
    """PID, and all processes it started, and they."""
    parents: dict[int, list[int]] = {}
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(place.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


def memory(pid: int, kind: str = "Pss") -> float:
    """Megabytes of process PID: its share of what it holds (Pss), or all of it (Rss); 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) / 1024


def version_of(folder: Path, root: Path, name: str, number: int) -> Path:
    """FOLDER as a version of NAME in the repository ROOT."""
    place = root / name / str(number)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(folder.resolve())
    return place


# -- load -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Load:
    """What wrk saw.  Times in milliseconds."""

    rate: float
    failed: int  # connections that broke, and answers other than 2xx and 3xx
    p50: float
    p99: float
    p999: float


@contextmanager
def wrk(
    port: int, path: str, body: bytes, *, connections: int, seconds: float, core: int | None = LOAD, threads: int = 1
) -> Iterator[list[Load]]:
    """Ask over and over, on CORE alone unless that is None, while the block runs; what was seen is in the list after
    it."""
    found: list[Load] = []
    with tempfile.TemporaryDirectory() as folder:
        (script := Path(folder, "load.lua")).write_text(WRK.format(body=Path(folder, "body")))
        Path(folder, "body").write_bytes(body)
        command = [] if core is None else ["taskset", "-c", str(core)]
        command += ["wrk", f"-t{threads}", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
        command += ["--timeout", "30s", "-s", str(script), f"http://127.0.0.1:{port}{path}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            yield found
            told, _ = process.communicate(timeout=seconds + 60)
    line = next(line for line in told.splitlines() if line.startswith("@"))
    asked, lasted, broken, refused, *times = map(int, line[1:].split())
    found.append(Load(asked / (lasted / 1e6), broken + refused, *(time / 1000 for time in times)))


def asked(port: int, path: str, body: bytes, *, connections: int, seconds: float, **more: Any) -> Load:
    """The same with nothing else going on."""
    with wrk(port, path, body, connections=connections, seconds=seconds, **more) as found:
        pass
    return found[0]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Of many VALUES, whose list would say no more."""
    low, half, most, high = np.percentile(values, (0, 50, 95, 100))
    return {"median": significant(half), "p95": significant(most), "low": significant(low), "high": significant(high),
            "of": len(values)}  # fmt: skip


# -- what is met ------------------------------------------------------------------------------------------------


class Goals:
    """Bounds, and what was seen of them."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def at_most(self, what: str, seen: float, bound: float) -> None:
        self._say(what, seen, f"<= {bound:g}", seen <= bound)

    def at_least(self, what: str, seen: float, bound: float) -> None:
        self._say(what, seen, f">= {bound:g}", seen >= bound)

    def _say(self, what: str, seen: float, bound: str, met: bool) -> None:
        self.found[what] = {"seen": significant(seen), "goal": bound, "met": bool(met)}
        print(f"{'met   ' if met else 'MISSED'} {what}: {seen:.4g} (goal {bound})", flush=True)


def report(name: str, doc: str, figures: Mapping[str, Any], goals: Goals, given: argparse.Namespace, note: str) -> None:
    """Print, and write a record where that was asked for."""
    found = {**figures, "goals": goals.found, "load of the machine": os.getloadavg()[0]}
    if given.record and not given.quick:
        write(name, doc.split("\n")[0], found, PACKAGES, note)
    else:
        print(json.dumps(found, indent=1))
