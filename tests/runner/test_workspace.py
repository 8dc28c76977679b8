"""Reuse, kills, locks, references: what a workspace promises."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import aimass
from aimass.core.artifact import MANIFEST
from aimass.core.errors import InputError, StoreError
from aimass.runner.workspace import Event, Workspace
from aimass.store.lock import held
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


@pytest.mark.parametrize("manifest", [None, "", "{", "{}"])
def test_an_artifact_without_a_readable_manifest_is_made_again(tmp_path: Path, manifest: str | None) -> None:
    workspace = Workspace(tmp_path)
    place = workspace.run(task_of(chain.make, {}, rows=3)).folder / MANIFEST
    place.unlink()
    if manifest is not None:
        place.write_text(manifest)
    assert workspace.run(task_of(chain.make, {}, rows=3)).read_json("rows.json") == [0, 1, 4]
    assert workspace.verify() == []


def test_another_task_of_the_same_bytes_mends_a_damaged_artifact(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    place = workspace.run(task_of(chain.look, {}, what="x")).folder / MANIFEST  # never answered from memory
    place.write_text("")
    assert workspace.run(task_of(chain.look, {}, what="x")).read_json("rows.json") == "x"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("model", "total: input dataset is a report"),
        (["rows"], "total: input dataset is ["),
        ({"a": "rows"}, "total: input dataset is {"),
        (5, "total: input dataset is 5"),
        (chain.make, "total: input dataset is <"),
    ],
)
def test_an_input_of_another_kind_or_shape_is_refused_before_any_work(tmp_path: Path, given: Any, says: str) -> None:
    workspace = Workspace(tmp_path)
    rows = workspace.run(task_of(chain.make, {}, rows=3), save_as="rows")
    workspace.run(task_of(chain.total, {"dataset": rows.digest}), save_as="model")
    before = len(workspace.runs())
    with pytest.raises(InputError) as caught:
        chain.total(given, workspace=workspace)
    assert says in caught.value.what and (caught.value.expected, caught.value.key) == ("dataset", "dataset")
    assert len(workspace.runs()) == before


@pytest.mark.parametrize(
    ("given", "says"), [([], "[]"), ("rows", "'"), ({}, "{}"), ({"a": 5}, "5"), ({"a": None}, "None")]
)
def test_a_table_of_inputs_is_a_table_with_entries(tmp_path: Path, given: Any, says: str) -> None:
    workspace = Workspace(tmp_path)
    workspace.run(task_of(chain.make, {}, rows=3), save_as="rows")
    with pytest.raises(InputError) as caught:
        aimass.clean(given, workspace=workspace)
    assert f"clean: input sources is {says}" in caught.value.what
    assert caught.value.expected == "a table of dataset"


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True, "0"])
def test_a_seed_that_no_library_takes_is_refused(tmp_path: Path, seed: Any) -> None:
    with pytest.raises(InputError, match="make: seed is") as caught:
        chain.make(rows=1, seed=seed, workspace=Workspace(tmp_path))
    assert caught.value.key == "seed"


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


def test_scratch_is_swept_when_its_program_was_killed_and_not_before(tmp_path: Path) -> None:
    running = program(tmp_path, slow=5.0)
    assert running.stdout is not None
    while not any(said.startswith("started") and said.split()[1].endswith("total") for said in running.stdout):
        pass
    until = time.monotonic() + 20
    while not (there := [p for p in (tmp_path / "scratch").glob("*") if p.is_dir()]) and time.monotonic() < until:
        time.sleep(0.01)
    Workspace(tmp_path)
    assert [p for p in (tmp_path / "scratch").glob("*") if p.is_dir()] == there != []
    running.kill()
    running.communicate()
    Workspace(tmp_path)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_checkpoints_and_locks_that_nobody_took_up_are_swept_after_thirty_days(tmp_path: Path) -> None:
    Workspace(tmp_path)
    old, young, alive = ("a" * 64, "b" * 64, "c" * 64)
    for task, days in ((old, 31), (young, 29), (alive, 31)):
        folder = tmp_path / "resume" / task
        folder.mkdir(parents=True)
        (folder / "checkpoint").write_text("x")
        (tmp_path / "locks").mkdir(exist_ok=True)
        (tmp_path / "locks" / task).write_text("1")
        then = time.time() - days * 24 * 3600
        for path in (folder / "checkpoint", folder, tmp_path / "locks" / task):
            os.utime(path, (then, then))
    with (tmp_path / "locks" / alive).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        Workspace(tmp_path)
        assert sorted(p.name for p in (tmp_path / "resume").iterdir()) == [young, alive]
        assert sorted(p.name for p in (tmp_path / "locks").iterdir()) == [young, alive]
    Workspace(tmp_path)
    assert [p.name for p in (tmp_path / "resume").iterdir()] == [young]


def test_a_lock_that_was_swept_while_somebody_waited_is_taken_anew(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with held(tmp_path / "lock", lambda _: order.append("waits")):
            order.append("second")
            assert (tmp_path / "lock").exists()

    with held(tmp_path / "lock", lambda _: None):
        thread = threading.Thread(target=second)
        thread.start()
        while not order:
            time.sleep(0.01)
        (tmp_path / "lock").unlink()
        order.append("first")
    thread.join(timeout=20)
    assert order == ["waits", "first", "second"]
