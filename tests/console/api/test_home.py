"""Home says how things are from facts alone: runs, processes, releases, the disk."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from aimass.console import wellbeing
from aimass.console.alive import started
from aimass.console.place import Place
from aimass.console.up.state import State, write
from aimass.core.artifact import Release, seal
from aimass.core.task import Task
from aimass.store.catalog import Catalog, now

PREPARE, TRAIN = Task("prepare", 1, {}, {}, label="flights"), Task("train", 1, {}, {}, label="flights/mlp")


def home(client: TestClient) -> Any:
    done = client.get("/api/v1/home")
    assert done.status_code == 200, done.text
    return done.json()


def states(client: TestClient) -> dict[str, str]:
    return {centre["name"]: centre["state"] for centre in home(client)["centres"]}


def test_an_empty_workspace_is_off_not_bad(admin: TestClient) -> None:
    found = home(admin)
    assert states(admin) == {"Collection": "off", "Training": "off", "Inference": "off", "Management": "good"}
    assert (found["needs"], found["running"], found["releases"]) == ([], [], [])
    assert found["centres"][0]["next"] == "aimass run aimass.toml"


def test_a_centre_is_as_its_newest_run(admin: TestClient, catalog: Catalog) -> None:
    run = catalog.start_run(PREPARE)
    catalog.end_run(run, "failed", error={"error": "no column 'late'", "to_do": "name another target"})
    assert states(admin)["Collection"] == "bad" and states(admin)["Training"] == "off"
    centre, [need] = home(admin)["centres"][0], home(admin)["needs"]
    assert (centre["reason"], centre["next"]) == ("prepare flights failed: no column 'late'", "name another target")
    link = {"do": f"Open run {run}", "href": f"#/runs/{run}"}
    assert need == {"what": "prepare flights failed", "why": "no column 'late'", **link}
    catalog.end_run(catalog.start_run(PREPARE), "finished", output="a" * 64)
    assert states(admin)["Collection"] == "good" and home(admin)["needs"] == []


def test_running_runs_are_shown_with_their_figures(admin: TestClient, catalog: Catalog) -> None:
    run = catalog.start_run(TRAIN)
    catalog.add_metrics(run, [("loss", 1, 0.5)])
    [row] = home(admin)["running"]
    assert (row["id"], row["metrics"], home(admin)["needs"]) == (int(run), {"loss": 0.5}, [])


def test_a_run_whose_process_is_gone_needs_somebody(
    admin: TestClient, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: gone.pid)
        run = catalog.start_run(TRAIN)
    assert home(admin)["needs"][0]["what"] == f"Run {run} (train flights/mlp) stands still"


def test_at_most_five_things_are_asked_of_a_person(admin: TestClient, catalog: Catalog) -> None:
    for number in range(9):
        catalog.end_run(catalog.start_run(Task("train", 1, {}, {}, number)), "failed")
    needs = home(admin)["needs"]
    assert len(needs) == 5 and needs[0]["href"] == "#/runs/9" and needs[0]["why"] == "it did not say why"


@pytest.mark.parametrize(
    ("process", "state"),
    [({"state": "ready"}, "good"), ({"state": "waiting", "why": "it ended with 1"}, "warning"),
     ({"state": "quarantined", "why": "it ended 5 times"}, "bad")],
)  # fmt: skip
def test_inference_is_as_its_supervisor_says_while_that_lives(
    admin: TestClient, place: Place, process: dict[str, Any], state: str
) -> None:
    process = {"name": "inference", "since": "2026-01-01T00:00:00+00:00", **process}
    write(place.workspace.folder, State(os.getpid(), started(os.getpid()), "2026", processes=[process]))
    assert states(admin)["Inference"] == state
    assert [need["what"] for need in home(admin)["needs"]] == (
        ["inference is not started any more"] if state == "bad" else []
    )
    write(place.workspace.folder, State(os.getpid(), "another start", "2026", processes=[process]))
    assert states(admin)["Inference"] == "off"


def test_a_full_disk_is_said_first(admin: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type(wellbeing.shutil.disk_usage("/"))
    monkeypatch.setattr(wellbeing.shutil, "disk_usage", lambda _: usage(10**12, 10**12 - 10**8, 10**8))
    assert states(admin)["Management"] == "bad"
    assert home(admin)["needs"][0]["what"] == "The disk is nearly full"


def test_releases_are_shown_with_what_was_measured_of_them(admin: TestClient, place: Place, tmp_path: Path) -> None:
    space, goal = place.workspace, [{"what": "roc_auc", "measured": 0.9}, {"what": "p99", "measured": None}]
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "ledger.json").write_text(json.dumps({"goal": goal}))
    told = {"made_by": "t" * 64, "step": "publish", "created": now(), "version": "0.1", "facts": {}}
    manifest = seal(Release.kind, folder, [], **told)
    space.bytes.put(folder, manifest)
    release = manifest.digest
    space.register_version("flights", release)
    space.register_version("lost", "f" * 64)
    lost, found = home(admin)["releases"]
    assert (found["name"], found["version"], found["digest"]) == ("flights", 1, release)
    assert found["metrics"] == {"roc_auc": 0.9}
    assert (lost["name"], lost["metrics"]) == ("lost", {}), "a release whose bytes are gone hides no other"
