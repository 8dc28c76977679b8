"""Commands: derived from steps, quick to ask, the same answer as Python under --json."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.runner import chain
from tests.runner.test_runners import task_of

from aimass.cli.main import COMMANDS, STEPS, main
from aimass.cli.verbs import command_of
from aimass.core.errors import InputError
from aimass.core.part import table_of
from aimass.core.stages import FAMILIES, VERBS
from aimass.core.step import load_step
from aimass.project.run import Run
from aimass.runner.workspace import Workspace

HEAVY = ("torch", "onnx", "onnxruntime", "pyarrow", "sqlalchemy", "numpy", "rich", "duckdb", "deltalake")
Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A workspace with ten numbers, their sum, a name and a version."""
    workspace = Workspace(tmp_path / "w")
    rows = workspace.run(task_of(chain.make, {}, rows=10), save_as="rows")
    total = workspace.run(task_of(chain.total, {"dataset": rows.digest}))
    workspace.register_version("sum", total.digest)
    return workspace.folder


@pytest.fixture
def say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command line in the workspace of the test: exit code, output, errors."""

    def said(*words: str) -> tuple[int, str, str]:
        try:
            main(["-w", str(tmp_path / "w"), *words])
            code = 0
        except SystemExit as error:
            code = int(error.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return said


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_help_needs_nothing_heavy(words: list[str]) -> None:
    program = f"""
import sys
from aimass.cli.main import main
try:
    main({words!r})
finally:
    print(sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_loads_no_network_and_no_database(verb: str) -> None:
    program = f"""
import sys
from aimass.cli.main import main
try:
    main([{verb!r}, "--help"])
finally:
    print(sorted({{"torch", "onnx", "onnxruntime", "sqlalchemy"}} & set(sys.modules)))
"""
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"


@pytest.mark.parametrize("verb", VERBS)
def test_a_command_is_its_step(verb: str) -> None:
    step, command = load_step(verb), command_of(verb)
    parameters = {p.name: p for p in command.params}
    assert {*step.inputs, *step.settings} < set(parameters)
    assert set(parameters) - {*step.inputs, *step.settings} == {"sets", "seed", "save_as", "on", "json_wanted"}
    assert command.help == (step.__doc__ or "").strip()
    for spec in step.inputs.values():
        assert parameters[spec.name].required is not spec.optional


def test_help_lists_every_command_and_every_step_in_the_order_data_flows(say: Say) -> None:
    code, out, _ = say("--help")
    assert code == 0
    assert all(f"\n  {name} " in out for name in [*COMMANDS, *STEPS])
    places = [out.index(f"\n  {verb} ") for verb in STEPS]
    assert places == sorted(places)


def test_ls_tells_json_what_python_returns(place: Path, say: Say) -> None:
    workspace = Workspace(place)
    for what, rows in (
        ("artifacts", workspace.artifacts()),
        ("runs", workspace.runs()),
        ("names", workspace.names()),
        ("versions", workspace.versions()),
    ):
        assert json.loads(say("ls", what, "--json")[1]) == rows != []
    only = json.loads(say("ls", "--kind", "dataset", "--json")[1])
    assert [row["kind"] for row in only] == ["dataset"]
    assert "dataset" in say("ls")[1] and "finished" in say("ls", "runs")[1]


def test_show_lineage_and_logs_tell_json_what_python_returns(place: Path, say: Say) -> None:
    workspace = Workspace(place)
    assert json.loads(say("show", "sum@1", "--json")[1]) == workspace.get("sum@1").manifest.as_json()
    assert json.loads(say("lineage", "sum@1", "--json")[1]) == workspace.lineage("sum@1")
    run = workspace.runs()[0]["id"]
    told = json.loads(say("logs", run, "--json")[1])
    assert told == {"run": workspace.run_row(run), "latest": {"value": 285.0}, "log": workspace.logs(run)}
    assert '"total": 285' in say("show", "sum@1")[1]
    assert "rows 10" in say("lineage", "sum@1")[1]
    assert "value = 285" in say("logs", run)[1]


def test_the_log_of_a_failed_run_says_how_it_ended(place: Path, say: Say) -> None:
    workspace = Workspace(place)
    with pytest.raises(InputError):
        workspace.run(task_of(chain.fail, {}, how="input"))
    _, out, _ = say("logs", workspace.runs()[0]["id"])
    assert "bad rows\n  expected: good rows\n  to do:    mend them" in out


def test_a_task_is_repeated_from_the_line_in_the_log(place: Path, say: Say, tmp_path: Path) -> None:
    run = Workspace(place).runs()[0]
    (tmp_path / "task.json").write_text(json.loads(say("logs", run["id"], "--json")[1])["run"]["task_json"])
    assert say("task", str(tmp_path / "task.json"))[:2] == (0, run["output"] + "\n")
    assert say("task", str(tmp_path / "none.json"))[0] == 2


def test_parts_tells_every_part_and_every_setting(say: Say) -> None:
    families = {row["family"] for row in json.loads(say("parts", "--json")[1])}
    assert families == {family for family in FAMILIES if table_of(family)}
    metrics = json.loads(say("parts", "metric", "--json")[1])
    assert all(row["family"] == "metric" and row["what"] for row in metrics) and len(metrics) > 3
    settings = {row["name"]: row for row in json.loads(say("parts", "architecture", "mlp", "--json")[1])}
    assert settings and all({"name", "type", "default", "required"} <= set(row) for row in settings.values())
    code, _, err = say("parts", "architecture", "mpl")
    assert code == 2 and "did you mean 'mlp'" in err


def test_doctor_tells_what_is_fit(place: Path, say: Say) -> None:
    code, out, _ = say("doctor", "--json")
    rows = {row["what"]: row for row in json.loads(out)}
    assert {"python", "torch", "onnxruntime", "ray", "disk", "workspace"} <= set(rows)
    assert code == int(any(row["state"] == "unfit" for row in rows.values()))
    assert rows["workspace"]["state"] == "fit" and "last run" in rows["workspace"]["found"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["trian"], "no command is called 'trian'; did you mean 'train'"),
        (["ls", "artefacts"], "no list is called 'artefacts'; did you mean 'artifacts'"),
        (["ls", "--nothing"], "No such option"),
        (["show", "nobody"], "nothing is called 'nobody'"),
        (["logs", "7"], "no run '7'"),
        (["run", "nowhere.toml"], "no project file at nowhere.toml"),
        (["train", "nobody", "--model", "mlp"], "nothing is called 'nobody'"),
        (["collect", "--name", "x", "--use", "cvs"], "did you mean 'csv'"),
        (["collect", "--name", "x", "--use", "csv", "--set", "source.pth=x"], "no setting of collect.source csv"),
        (["collect", "--name", "x", "--set", "sorce.path=x"], "not NAME.KEY=VALUE"),
        (["collect", "--use", "csv", "--set", "source.path=x"], "setting 'name' is missing"),
        (["init", "rows.xyz"], "no collector is known"),
        (["ls", "--kind", "datasets"], "no kind of artifact is called 'datasets'; did you mean 'dataset'"),
    ],
)
def test_bad_input_is_exit_code_2_and_a_sentence(say: Say, words: list[str], says: str) -> None:
    code, out, err = say(*words)
    assert (code, out) == (2, "") and says in err and "Traceback" not in err


def test_an_error_under_json_is_json(say: Say) -> None:
    code, _, err = say("show", "nobody", "--json")
    assert code == 2 and json.loads(err)["error"].startswith("nothing is called 'nobody'")


def test_no_fitting_candidate_is_exit_code_3_and_the_outcome_is_written(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "aimass.toml").write_text('[collect]\nuse = "csv"\npath = "x"\n[goal]\ntarget = "y"\n')
    for stage in ("collect", "clean", "prepare"):
        monkeypatch.setattr(Run, stage, lambda *_: None)
    ledger = {"pick": None, "goal": [], "candidates": [], "binding": {"summary": "size_mb 0.1"},
              "nearest": [{"summary": "size_mb 0.2"}]}  # fmt: skip

    class Ledger:
        digest = "d" * 64

        def read_json(self, _: str) -> dict[str, Any]:
            return ledger

    monkeypatch.setattr("aimass.search.campaign.search", lambda *_, **__: Ledger())
    monkeypatch.setattr("aimass.runner.workspace.Workspace.alias", lambda *_: None)  # that ledger is in no store
    code, _, err = say("run", str(tmp_path), "--quiet", "--json", str(tmp_path / "out.json"))
    assert code == 3
    assert "the binding one is size_mb 0.1" in json.loads(err)["error"] and "size_mb 0.2" in json.loads(err)["to_do"]
    out = json.loads((tmp_path / "out.json").read_text())
    assert (out["release"], out["pick"], out["nearest"]) == (None, None, ledger["nearest"])


def test_init_writes_a_project_and_does_not_overwrite_one(say: Say, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x,y\n1,a\n2,b\n")
    words = ["init", str(tmp_path / "rows.csv"), "--target", "y", "--to", str(tmp_path / "aimass.toml")]
    assert say(*words, "--json")[:2] == (0, json.dumps({"project": str(tmp_path / "aimass.toml")}) + "\n")
    before = (tmp_path / "aimass.toml").read_text()
    code, _, err = say(*words[:-1], str(tmp_path / "no" / "such.toml"))
    assert code == 2 and "cannot be written" in err and "Traceback" not in err
    code, _, err = say(*words)
    assert code == 2 and "exists" in err and (tmp_path / "aimass.toml").read_text() == before


def test_a_step_runs_from_the_command_line(say: Say, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x,y\n1,a\n2,b\n")
    words = ["collect", "--name", "rows", "--use", "csv", "--set", f"source.path={tmp_path / 'rows.csv'}"]
    code, out, err = say(*words, "--save-as", "mine", "--json")
    assert code == 0, err
    assert json.loads(out)["kind"] == "dataset"
    assert Workspace(tmp_path / "w").get("mine").digest == json.loads(out)["digest"]
