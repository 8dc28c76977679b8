"""Reuse, kills, locks, references: what a workspace promises."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimass.core.errors import InputError, StoreError
from aimass.runner.workspace import Event, Workspace
from tests.runner import chain
from tests.runner.test_runners import ROOT, task_of

PROGRAM = """
import sys; sys.path.insert(0, {root!r})
from aimass.runner.workspace import Workspace
from tests.runner import chain
from tests.runner.test_runners import task_of
w = Workspace({folder!r})
w.observe(lambda e: print(e.kind, e.task.step, e.text, flush=True))
rows = w.run(task_of(chain.make, {{}}, rows=60))
report = w.run(task_of(chain.total, {{"dataset": rows.digest}}, slow={slow}))
print("total", report.read_json("report.json")["total"], flush=True)
"""


def program(folder: Path, slow: float = 0.02) -> subprocess.Popen[str]:
    text = PROGRAM.format(root=ROOT, folder=str(folder), slow=slow)
    return subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)


def test_a_repeated_task_is_reused_and_says_so(tmp_path: Path) -> None:
    workspace, seen = Workspace(tmp_path), list[Event]()
    workspace.observe(seen.append)
    first = workspace.run(task_of(chain.make, {}, rows=3))
    again = workspace.run(task_of(chain.make, {}, rows=3), save_as="three", on="processes")
    assert first.digest == again.digest == workspace.get("three").digest
    assert [e.kind for e in seen] == ["started", "finished", "reused"]


def test_looking_at_the_outside_world_is_never_answered_from_memory(tmp_path: Path) -> None:
    workspace, seen = Workspace(tmp_path), list[Event]()
    first = workspace.run(task_of(chain.look, {}, what="a"))
    workspace.observe(seen.append)
    for _ in range(2):
        assert workspace.run(task_of(chain.look, {"previous": first.digest}, what="a")).digest == first.digest
    assert [e.kind for e in seen] == ["started", "unchanged"] * 2
    assert workspace.run(task_of(chain.look, {"previous": first.digest}, what="b")).digest != first.digest


def test_a_killed_program_goes_on_from_its_checkpoint_and_nothing_half_made_is_visible(tmp_path: Path) -> None:
    moments = random.Random(5)
    for _ in range(6):
        running = program(tmp_path)
        time.sleep(0.9 + moments.random())
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        assert Workspace(tmp_path).verify() == []
    last = program(tmp_path, slow=0.02)
    out, _ = last.communicate(timeout=60)
    assert "reused tests.runner.chain:make" in out
    assert "total 70210" in out
    workspace = Workspace(tmp_path)
    starts = [int(line["text"].split()[-1]) for run in workspace.runs() for line in workspace.logs(run["id"])]
    assert len(starts) >= 2 and starts == sorted(starts, reverse=True) and starts[0] > 0
    assert list((tmp_path / "scratch").iterdir()) == []
    assert not list((tmp_path / "resume").iterdir())


def test_two_programs_at_once_do_the_work_once(tmp_path: Path) -> None:
    both = [program(tmp_path, slow=0.05), program(tmp_path, slow=0.05)]
    outs = [p.communicate(timeout=60)[0] for p in both]
    assert all("total 70210" in out for out in outs)
    workspace = Workspace(tmp_path)
    states = [r["state"] for r in workspace.runs() if r["step"].endswith("total")]
    assert sorted(states) == ["finished", "reused"]
    assert any("is doing the same" in out for out in outs)


def test_a_damaged_artifact_is_made_again(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    artifact = workspace.run(task_of(chain.make, {}, rows=3))
    (artifact.folder / "rows.json").write_text("[0]")
    assert workspace.verify() == [artifact.digest]
    again = workspace.run(task_of(chain.make, {}, rows=3))
    assert again.read_json("rows.json") == [0, 1, 4]
    assert workspace.verify() == []


def test_a_damaged_artifact_at_a_url_is_made_again(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w", store=f"file://{tmp_path / 'far'}")
    digest = workspace.run(task_of(chain.make, {}, rows=3)).digest
    (tmp_path / "far" / digest[:2] / digest / "rows.json").write_text("[0]")
    assert workspace.get(digest).read_json("rows.json") == [0, 1, 4]  # the copy here is whole
    shutil.rmtree(tmp_path / "w" / "cache")
    with pytest.raises(StoreError, match="is damaged"):
        workspace.get(digest)
    assert workspace.run(task_of(chain.make, {}, rows=3)).read_json("rows.json") == [0, 1, 4]
    assert workspace.verify() == []


def test_references_are_names_versions_and_prefixes(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    artifact = workspace.run(task_of(chain.make, {}, rows=3))
    assert workspace.register_version("numbers", artifact.digest) == 1
    assert workspace.register_version("numbers", artifact.digest) == 1
    other = workspace.run(task_of(chain.make, {}, rows=4))
    assert workspace.register_version("numbers", other.digest) == 2
    workspace.alias(other.digest, "numbers@champion")
    assert workspace.get("numbers@1").digest == artifact.digest
    assert workspace.get("numbers").digest == other.digest
    assert workspace.get(artifact.digest[:8]).digest == artifact.digest
    with pytest.raises(InputError, match="did you mean 'numbers@champion'"):
        workspace.get("numbers@champio")
    with pytest.raises(InputError, match="is a dataset"):
        workspace.get("numbers", "model")


def test_lineage_goes_up_to_the_sources(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    rows = workspace.run(task_of(chain.make, {}, rows=3))
    report = workspace.run(task_of(chain.total, {"dataset": rows.digest}))
    tree = workspace.lineage(report.digest)
    assert [parent["digest"] for parent in tree["parents"]] == [rows.digest]
    assert tree["parents"][0]["parents"] == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes; mounting one needs root."""
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]).returncode:
        pytest.skip("a small disk cannot be mounted here (not root)")
    yield place
    subprocess.run(["mount", "-o", "remount,rw", str(place)], check=False)
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_said_and_nothing_is_lost(small_disk: Path) -> None:
    workspace = Workspace(small_disk / "w")
    kept = workspace.run(task_of(chain.make, {}, rows=3))
    with pytest.raises(StoreError, match="No space left") as caught:
        workspace.run(task_of(chain.make, {}, rows=400_000))
    assert "free some space" in caught.value.todo
    assert Workspace(small_disk / "w").get(kept.digest).read_json("rows.json") == [0, 1, 4]
    assert workspace.verify() == []


def test_a_read_only_workspace_is_said(small_disk: Path) -> None:
    subprocess.run([sys.executable, "-c", f"import aimass; aimass.Workspace({str(small_disk / 'w')!r})"], check=True)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StoreError, match="is read-only"):
        Workspace(small_disk / "w").run(task_of(chain.make, {}, rows=3))


def test_what_killed_programs_left_in_scratch_is_swept(tmp_path: Path) -> None:
    import socket

    dead = tmp_path / "scratch" / f"{socket.gethostname()}-999999999-abc"
    dead.mkdir(parents=True)
    Workspace(tmp_path)
    assert not dead.exists()
    shutil.rmtree(tmp_path)
