"""Does a model answer as fast while others are loaded beside it, or do harm beside it?

Requests for one small model arrive at a steady rate, whether those before were answered or not (so a stall is seen by
all who came in it), in windows by turns: nothing else goes on, then something does.  Figures are ratios of p99 within a
pair of windows.  Loads: the convolutional model and one of 100 MB, loaded and unloaded in turn.  Harm: models in
processes of their own (engine `host`) that exit at a request, exit at the 100th, sleep for 60 s, take 4 GB, or spin;
each is asked again as soon as it has failed, and may take 1 s and 1 GB.  All of it shares the server's one core.

    python benchmarks/serving/neighbours.py --record        # about eleven minutes
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from memory import gone
from scene import LOAD, Goals, Running, arguments, report, serving, version_of
from steady import MOST, RATE, Deed, steady
from wicked import WORD

from models import body_of, large, numbered, tab_and_cnn

MEGABYTES = 100
HARM = {
    "exits": {"how": "exit"}, "exits at request 100": {"how": "exit", "on": 100}, "sleeps for 60 s": {"how": "sleep"},
    "takes 4 GB": {"how": "eat"}, "spins": {"how": "spin"},
}  # fmt: skip
LIMITS = {"seconds": 1.0, "memory_mb": 1000.0, "failures": 10_000}  # never in quarantine: the worst it can be


def loads(server: Running) -> Deed:
    """Load and unload a model, each time another."""
    turn = 0

    def deed() -> None:
        nonlocal turn
        name = ("cnn", "large")[turn % 2]
        turn += 1
        server.said(f"/v2/repository/models/{name}/load", {})
        server.said(f"/v2/repository/models/{name}/unload", {})
        gone(server, name)

    return deed


def harms(server: Running) -> Deed:
    """Ask the model that means harm until it has done it."""

    def deed() -> None:
        with suppress(RuntimeError, OSError):  # it fails: that is what it is for
            server.said("/v1/predict/bad", {"record": {"a": WORD}}, timeout=10.0)
        time.sleep(0.02)  # a caller who asks without a pause is another question

    return deed


def beside_loads(found: dict[str, Path], root: Path, quick: bool) -> dict[str, Any]:
    version_of(found["cnn"], root / "repository", "cnn", 1)
    version_of(large(root / "large", MEGABYTES), root / "repository", "large", 1)
    with serving(found["tab"], "--name", "tab", "--repository", root / "repository") as server:
        for name in ("cnn", "large"):  # all of the repository is loaded at the start
            server.said(f"/v2/repository/models/{name}/unload", {})
            gone(server, name)
        window = steady(server, "/v2/models/tab/infer", body_of("tab"), 2.0 if quick else 5.0)
        return window.pairs(2 if quick else 20, loads(server))


def beside_harm(found: dict[str, Path], root: Path, how: dict[str, Any], quick: bool) -> dict[str, Any]:
    bad = numbered(root / f"bad-{how['how']}-{how.get('on', 1)}", 1)
    engine = {"use": "host", "engine": {"use": "wicked:Wicked", **how}, "limits": LIMITS}
    (bad / "engine.json").write_text(json.dumps(engine))
    path = os.pathsep.join(filter(None, (str(Path(__file__).parent), os.environ.get("PYTHONPATH", ""))))
    environment = {**os.environ, "PYTHONPATH": path}
    with serving(
        found["tab"], "--name", "tab", "--also", f"bad={bad}", env=environment, stderr=subprocess.DEVNULL
    ) as server:
        window = steady(server, "/v2/models/tab/infer", body_of("tab"), 2.0 if quick else 4.0)
        return window.pairs(2 if quick else 10, harms(server))


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--only", choices=["loads", *HARM], default=None)
    given, goals, figures = parser.parse_args(), Goals(), dict[str, Any]()
    os.sched_setaffinity(0, {LOAD})
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        found = tab_and_cnn(given.models, root)
        if given.only in (None, "loads"):
            seen = figures["loads"] = beside_loads(found, root, given.quick)
            goals.at_most("p99 while others are loaded, over without", seen["ratio of p99"]["median"], 1.2)
        for name, how in HARM.items():
            if given.only in (None, name):
                seen = figures[name] = beside_harm(found, root, how, given.quick)
                goals.at_most(f"p99 beside one that {name}, over without", seen["ratio of p99"]["median"], 1.1)
    goals.at_most("requests that failed", sum(seen["failed"] for seen in figures.values()), 0)
    note = (f"arrivals at {RATE:g} of what is answered at most, up to {MOST:g} a second; server, loads and harm on one "
            "core, who asks on another")  # fmt: skip
    report("neighbours", __doc__, figures, goals, given, note)


if __name__ == "__main__":
    main()
