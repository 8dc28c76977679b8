"""Three ways in, one outcome: a drafted project, the commands that look, and Python."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import aimass
from aimass.cli.main import COMMANDS
from aimass.console.jobs.work import data_of
from aimass.console.jobs.worker import Worker
from aimass.measure.latency_endpoint import ask, endpoint
from aimass.publish.registry import find_release
from tests.whole import tiny
from tests.whole.conftest import Finished, Say


def test_a_drafted_project_runs(say: Say, tmp_path: Path) -> None:
    tiny.write(tmp_path)
    project = tmp_path / "drafted.toml"
    words = ["init", tmp_path / "rows.csv", "--target", "bought", "--name", "My rows", "--to", project]
    code, out, _ = say(tmp_path / "w", *words)
    assert code == 0 and f"aimass run {project}" in out
    quick = ["search.models=['linear']", "search.passes=[]", "train.recipe={use='gradient',epochs=5}",
             "measure.samples=300", "measure.processes=1", "goal.p99_ms=2000.0"]  # fmt: skip
    sets = [word for item in quick for word in ("--set", item)]
    code, out, err = say(tmp_path / "w", "run", project, "--json", tmp_path / "out.json", *sets)
    assert code == 0, out + err
    assert "published my-rows@1" in out
    told = json.loads((tmp_path / "out.json").read_text())
    assert told["endpoint"]["command"] in out and json.dumps(told["endpoint"]["answer"]) in out


def test_what_is_not_there_yet_is_asked_for(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.write(tmp_path)
    answers = iter([str(tmp_path / "rows.csv"), "bought"])
    monkeypatch.setattr("click.prompt", lambda *_, **__: next(answers))
    code, out, _ = say(tmp_path / "w", "init", "--to", tmp_path / "asked.toml")
    assert code == 0 and "columns: size, colour, note, day, bought" in out
    assert 'target = "bought"' in (tmp_path / "asked.toml").read_text()


@pytest.mark.parametrize("what", ["artifacts", "runs", "versions", "names"])
def test_ls_lists_the_run(finished: Finished, say: Say, what: str) -> None:
    code, out, _ = say(finished.workspace, "ls", what, "--limit", "1000")
    rows = json.loads(say(finished.workspace, "ls", what, "--limit", "1000", "--json")[1])
    assert code == 0 and len(out.splitlines()) == len(rows) + 1
    expected = {"artifacts": "release", "runs": "measure", "versions": "tiny", "names": "tiny@champion"}[what]
    assert expected in out


@pytest.mark.parametrize("name", ["collect/tiny", "clean", "prepare", "mlp", "ledger", "publish"])
def test_show_and_lineage_tell_of_every_step(finished: Finished, say: Say, name: str) -> None:
    ref = f"tiny/{name}"
    shown = say(finished.workspace, "show", ref)
    told = json.loads(say(finished.workspace, "show", ref, "--json")[1])
    assert shown[0] == 0 and told["digest"] in shown[1] and told["kind"] in shown[1]
    assert told["digest"] in finished.out["artifacts"].values()
    tree = json.loads(say(finished.workspace, "lineage", ref, "--json")[1])
    code, out, _ = say(finished.workspace, "lineage", ref)
    assert code == 0 and out.startswith(tree["kind"]) and finished.out["artifacts"]["collect/tiny"][:12] in out


def test_logs_tell_of_every_run(finished: Finished, say: Say) -> None:
    runs = json.loads(say(finished.workspace, "ls", "runs", "--limit", "1000", "--json")[1])
    for run in runs[-11:]:  # the first ones
        code, out, _ = say(finished.workspace, "logs", run["id"])
        told = json.loads(say(finished.workspace, "logs", run["id"], "--json")[1])
        assert code == 0 and f"step {run['step']}" in out and told["run"]["state"] == "finished"
        assert all(line["text"] in out for line in told["log"])


def test_doctor_finds_this_workspace_fit(finished: Finished, say: Say) -> None:
    code, out, _ = say(finished.workspace, "doctor")
    rows = json.loads(say(finished.workspace, "doctor", "--json")[1])
    assert code == 0 and str(finished.workspace) in out
    assert {row["what"]: row["state"] for row in rows}["workspace"] == "fit"


def test_parts_tell_the_settings_of_every_part(finished: Finished, say: Say) -> None:
    rows = json.loads(say(finished.workspace, "parts", "--json")[1])
    assert len(rows) > 30
    for row in rows:
        code, out, err = say(finished.workspace, "parts", row["family"], row["name"], "--json")
        assert code == 0 and isinstance(json.loads(out), list), err


def test_every_command_has_help(finished: Finished, say: Say) -> None:
    for name in COMMANDS:
        code, out, _ = say(finished.workspace, name, "--help")
        assert code == 0 and out.startswith("Usage: aimass") and "--help" in out


def test_the_verbs_chained_by_hand_reach_a_served_model(finished: Finished, tmp_path: Path) -> None:
    source = {"use": "csv", "path": str(finished.project.parent / "rows.csv")}
    recipe = {"use": "gradient", "epochs": 30, "learning_rate": 0.05, "threads": 1}
    goal: dict[str, Any] = {"target": "bought", "clients": 2, "p99_ms": 2000.0}
    with aimass.Workspace(tmp_path / "w") as workspace:
        rows = aimass.collect(name="tiny/tiny", source=source)
        examples = aimass.prepare(aimass.clean({"tiny": rows}), target="bought")
        model = aimass.train(examples, model="linear", recipe={**recipe, "minutes": 9.0})
        report = aimass.measure(model, examples, clients=2, samples=300, processes=1, calls=100)
        ledger = aimass.choose([report], goal=goal)
        release = aimass.publish(model, ledger, name="by-hand")
    assert [type(a).__name__ for a in (rows, examples, model, report, release)] == [
        "Dataset", "Examples", "Model", "Report", "Release"
    ]  # fmt: skip
    # The same settings are the same task, whoever asks: Python made what the project file made.
    assert model.digest == finished.out["artifacts"]["train/linear"]
    found, number = find_release(workspace, "by-hand")
    assert (found.digest, number) == (release.digest, 1)
    record = finished.out["endpoint"]["record"]
    with endpoint(found.folder, "by-hand") as url:
        answer = ask(f"{url}/v1/predict/by-hand", {"records": [record]})["predictions"][0]
    assert answer["label"] in ("yes", "no")


def test_a_project_that_was_carried_elsewhere_is_measured_there_and_goes_on(
    finished: Finished, say: Say, tmp_path: Path
) -> None:
    file, elsewhere = tmp_path / "tiny.zip", tmp_path / "elsewhere"
    assert say(finished.workspace, "export", finished.project, "--to", file)[0] == 0
    code, out, err = say(elsewhere, "import", file, "--json")
    assert code == 0, err
    [release] = json.loads(out)["releases"]
    assert (release["release"], release["holds"]) == ("tiny@1", True)
    lines = {line["budget"]: line for line in release["budgets"]}
    there = {line["budget"]: line["measured"] for line in finished.out["goal"]}
    assert {name: line["there"]["measured"] for name, line in lines.items()} == there
    assert all(lines[name]["here"] == lines[name]["there"] for name in ("floor", "size_mb"))
    here, anew = lines["p99_ms"]["here"]["measured"], release["machine"] != release["measured_on"]
    assert here > 0 and (here != there["p99_ms"]) == anew  # what this machine has measured it does not measure again
    code, _, err = say(elsewhere, "run", finished.project, "--quiet", "--json", tmp_path / "out.json")
    assert code == 0, err
    again = json.loads((tmp_path / "out.json").read_text())
    assert again["artifacts"] == finished.out_again["artifacts"] and again["release"]["version"] == "tiny@1"
    states = {row["state"] for row in aimass.Workspace(elsewhere).runs(100) if row["step"] == "train"}
    assert states == {"finished", "reused"}


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="a machine with one core less is not this one")
def test_a_project_that_comes_into_a_console_is_measured_anew_on_another_machine(
    finished: Finished, say: Say, tmp_path: Path
) -> None:
    space = aimass.Workspace(tmp_path / "elsewhere")
    data_of(space).mkdir()
    assert say(finished.workspace, "export", finished.project, "--to", data_of(space) / "tiny.aimass.zip")[0] == 0
    worker = Worker(space)
    worker.jobs.ask("import", {"file": "data:tiny.aimass.zip", "measure": "served"}, label="tiny", who="ada")
    job, cores = worker.jobs.claim(worker.holder), os.sched_getaffinity(0)
    assert job is not None
    os.sched_setaffinity(0, [min(cores)])  # of the job's process, too
    try:
        worker.see_through(job)
    finally:
        os.sched_setaffinity(0, cores)
    done = worker.jobs.row(job["id"])
    assert done["state"] == "finished", done["error"]
    [release] = done["outcome"]["releases"]
    assert (release["release"], release["holds"]) == ("tiny@1", True)
    assert release["machine"] != release["measured_on"]
    lines = {line["budget"]: line for line in release["budgets"]}
    assert all(line["here"]["met"] for line in lines.values()) and set(lines) == {"floor", "p99_ms", "size_mb"}
    assert lines["p99_ms"]["here"]["measured"] != lines["p99_ms"]["there"]["measured"]
    assert space.open(release["report"]).read_json("report.json")["machine"]["cores"] == 1
