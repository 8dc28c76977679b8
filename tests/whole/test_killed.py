"""A run that is killed, at any moment, or that is not alone."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
import uuid
from collections import Counter
from pathlib import Path

from aimass.runner.workspace import Workspace
from tests.whole import tiny
from tests.whole.conftest import Finished

MOMENTS = ("", "", "  train mlp", "  measure")  # killed some time after this line; "" is the beginning


def started(project: Path, workspace: Path, mark: str = "", *words: str | Path) -> subprocess.Popen[str]:
    """`aimass run PROJECT`; every process it starts carries MARK in its environment."""
    environment = {**tiny.ENVIRONMENT, "AIMASS_TEST_MARK": mark}
    command = tiny.command("run", project, *words, workspace=workspace)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def alive_with(mark: str) -> list[int]:
    """Processes that carry MARK."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:  # it ended just now, or is another user's
            continue
    return found


def all_gone(mark: str) -> bool:
    """No process that carries MARK is left, or comes: ten looks, as one amid its exec shows no environment."""
    until, empty = time.monotonic() + 20, 0  # the kernel takes its time on a busy machine
    while empty < 10 and time.monotonic() < until:
        empty = 0 if alive_with(mark) else empty + 1
        time.sleep(0.05)
    return empty == 10


def test_a_run_killed_again_and_again_ends_with_the_models_of_an_unbroken_one(
    finished: Finished, tmp_path: Path
) -> None:
    project, workspace = tiny.write(tmp_path), tmp_path / "w"
    chance = random.Random(11)
    for line in MOMENTS:
        mark = uuid.uuid4().hex
        running = started(project, workspace, mark)
        assert running.stdout is not None
        assert not line or any(said.startswith(line) for said in running.stdout)
        time.sleep(chance.uniform(0.2, 0.9) if line else chance.uniform(1.0, 5.0))
        while line == "  measure" and len(alive_with(mark)) < 2:  # what measures is a process of its own
            assert running.poll() is None
            time.sleep(0.02)
        os.kill(running.pid, signal.SIGKILL)
        running.communicate()
        assert all_gone(mark), f"a killed run leaves processes behind: {alive_with(mark)}"
        place = Workspace(workspace)
        assert place.verify() == []
        assert all(place.get(row["digest"]).digest for row in place.artifacts())
    last = started(project, workspace, "", "--json", tmp_path / "out.json")
    printed, _ = last.communicate(timeout=120)
    assert last.returncode == 0, printed
    assert "(reused)" in printed
    made, known = json.loads((tmp_path / "out.json").read_text())["artifacts"], finished.out["artifacts"]
    steps = ("collect/", "clean", "prepare", "train/", "compress/")
    exact = {name: digest for name, digest in known.items() if name.startswith(steps)}
    assert {name: made[name] for name in exact} == exact
    place = Workspace(workspace)
    finishes = Counter(run["task"] for run in place.runs() if run["state"] == "finished" and run["step"] != "collect")
    assert set(finishes.values()) == {1}, "no finished step was repeated"
    assert place.verify() == [] and list((workspace / "scratch").iterdir()) == []
    assert not any((workspace / "resume").iterdir())
    assert [row["number"] for row in place.versions("tiny")] == [1]


def test_two_runs_at_once_in_one_workspace_end_well_and_do_the_work_once(finished: Finished, tmp_path: Path) -> None:
    project, workspace = tiny.write(tmp_path, tiny.PROJECT.replace('"linear", "mlp"', '"linear"')), tmp_path / "w"
    both = [started(project, workspace, "", "--json", tmp_path / f"{i}.json") for i in range(2)]
    printed = [running.communicate(timeout=120)[0] for running in both]
    assert [running.returncode for running in both] == [0, 0], printed
    outs = [json.loads((tmp_path / f"{i}.json").read_text()) for i in range(2)]
    assert outs[0]["artifacts"] == outs[1]["artifacts"] and outs[0]["release"] == outs[1]["release"]
    prepared = finished.out["artifacts"]["prepare"]
    assert outs[0]["artifacts"]["prepare"] == prepared and outs[0]["pick"]["candidate"] == "linear"
    place = Workspace(workspace)
    finishes = Counter(run["task"] for run in place.runs() if run["state"] == "finished" and run["step"] != "collect")
    assert set(finishes.values()) == {1}
    assert place.get("tiny/collect/tiny").facts["rows"] == 400
    assert [row["number"] for row in place.versions("tiny")] == [1]
    assert place.verify() == []
