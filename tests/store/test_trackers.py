"""Trackers mirror what the catalog holds, and nothing that happens to them matters to a run."""

from __future__ import annotations

import importlib
import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from aimass.core.errors import InputError
from aimass.core.part import resolve, table_of
from aimass.core.task import Task
from aimass.runner.workspace import Workspace
from aimass.store.trackers import mirror
from aimass.store.trackers.base import Steps, Tracker, title
from tests.runner import chain
from tests.runner.test_runners import task_of

TASK = Task(
    "train", 1, {"model": {"use": "mlp", "width": 64}, "passes": ["a", "b"]}, {"examples": "e" * 64}, 3, "the mlp"
)
POINTS = [
    ("loss", 0.5, 0.75),
    ("valid/loss", 1.0, 0.5),
    ("loss", 1.0, 0.25),
    ("score", None, 1.0),
    ("score", None, 2.0),
]
LINES = "tests.store.guests:Lines"
NEEDS = {"tensorboard": "tensorboardX", "mlflow": "mlflow"}

Curves = dict[str, list[tuple[int, float]]]
Told = tuple[Curves, dict[str, str], dict[str, str]]  # figures, what is told of the task, and of its end


def read_events(folder: Path) -> Told:
    """What the event files in FOLDER hold: length, checksum, record, checksum, and again."""
    from tensorboardX.proto.event_pb2 import Event

    curves: Curves = {}
    texts: dict[str, Any] = {}
    [file] = folder.rglob("*tfevents*")
    data, at = file.read_bytes(), 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        event = Event.FromString(data[at + 12 : at + 12 + length])
        at += 16 + length
        for value in event.summary.value:
            if value.HasField("tensor"):
                texts[value.tag.split("/")[0]] = json.loads(value.tensor.string_val[0])
            else:
                curves.setdefault(value.tag, []).append((event.step, value.simple_value))
    return curves, texts["task"], texts.get("end", {})


def read_mlflow(uri: str) -> Told:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("aimass")
    [run] = client.search_runs([experiment.experiment_id])
    names = run.data.metrics
    curves = {n: [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, n)] for n in names}
    assert run.info.run_name == title("7", TASK)
    state = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "stopped", "RUNNING": ""}[run.info.status]
    tags = {name.removeprefix("aimass."): value for name, value in run.data.tags.items()}
    return curves, {**run.data.params, "step": tags["step"]}, {**tags, "state": state}


READERS: dict[str, Callable[[Path], Told]] = {
    "tensorboard": lambda folder: read_events(folder / "tensorboard"),
    "mlflow": lambda folder: read_mlflow(f"sqlite:///{folder / 'mlflow.db'}"),
}


@pytest.fixture(params=sorted(table_of("tracker")))
def name(request: pytest.FixtureRequest) -> str:
    package = NEEDS[request.param]
    pytest.importorskip(package, reason=f"the extra `{request.param}` is not installed")
    return str(request.param)


class TestEveryTracker:
    """What every tracker promises."""

    def test_figures_arrive_by_name_and_in_order_and_the_end_is_told(self, name: str, tmp_path: Path) -> None:
        session = resolve("tracker", name)().placed(tmp_path).open("7", TASK)
        session.points(POINTS[:2])
        session.points(POINTS[2:])
        session.close("stopped", {"best_epoch": 2, "why": "enough"})
        curves, task, end = READERS[name](tmp_path)
        assert curves == {"loss": [(500, 0.75), (1000, 0.25)], "valid/loss": [(1000, 0.5)], "score": [(0, 1), (1, 2)]}
        assert task["step"] == "train"
        assert (end["state"], str(end["best_epoch"]), end["why"]) == ("stopped", "2", "enough")

    def test_a_thousand_runs_of_points_at_once_are_not_too_many(self, name: str, tmp_path: Path) -> None:
        session = resolve("tracker", name)().placed(tmp_path).open("7", TASK)
        session.points([("loss", None, float(i)) for i in range(2500)])
        session.close("finished", {})
        assert READERS[name](tmp_path)[0]["loss"] == [(i, float(i)) for i in range(2500)]

    def test_its_place_is_absolute_and_it_comes_back_from_its_settings(self, name: str, tmp_path: Path) -> None:
        placed = resolve("tracker", name)().placed(tmp_path)
        assert str(tmp_path) in placed.path
        assert placed.placed(Path("/elsewhere")) == placed
        assert Tracker.from_settings(json.loads(json.dumps(placed.settings()))) == placed

    def test_a_place_that_cannot_be_written_is_told_and_the_run_is_done(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("no folder")
        place = Workspace(tmp_path / "w", trackers=[{"use": name, "path": str(tmp_path / "file" / "inside")}])
        run_of(place)
        [line] = [line["text"] for line in place.logs(place.runs()[0]["id"]) if "tracker" in line["text"]]
        assert line.startswith(f"tracker {name} failed, its points are in the catalog only: ")

    def test_it_and_its_settings_stand_on_the_page(self, name: str) -> None:
        page = (Path(__file__).parents[2] / "docs" / "trackers.md").read_text(encoding="utf-8")
        assert f"`{name}`" in page
        assert all(f"`{row['name']}`" in page for row in resolve("tracker", name).schema())


def run_of(place: Workspace, rows: int = 4, **how: Any) -> str:
    """A run of the chain that reports VALUE for each of its ROWS; the digest it made."""
    made = place.run(task_of(chain.make, {}, rows=rows))
    return place.run(task_of(chain.total, {"dataset": made.digest}), **how).digest


def lines_of(place: Workspace, run: str) -> list[Any]:
    return [json.loads(line) for line in (place.folder / "lines" / f"{run}.jsonl").read_text().splitlines()]


def told(place: Workspace, run: str) -> list[str]:
    return [line["text"] for line in place.logs(run) if "tracker" in line["text"]]


@pytest.mark.parametrize("runner", ["inline", "processes"])
def test_a_run_is_mirrored_wherever_it_runs_after_the_catalog_was_told(runner: str, tmp_path: Path) -> None:
    place = Workspace(tmp_path / "w", runner=runner, trackers=[LINES])
    digest = run_of(place)
    run = place.runs()[0]["id"]
    found = lines_of(place, run)
    points = [point for what, value in found if what == "points" for point in value if point[0] == "value"]
    assert points == [["value", i, value] for i, value in enumerate([0, 1, 5, 14])]
    assert found[0][0] == "open" and found[-1] == ["close", ["finished", {"output": digest}]]
    assert [point["value"] for point in place.metrics(run, "value")] == [0, 1, 5, 14]


def test_runs_without_figures_leave_nothing(tmp_path: Path) -> None:
    place = Workspace(tmp_path / "w", trackers=[LINES])
    place.run(task_of(chain.make, {}, rows=2))
    assert not (place.folder / "lines").exists()


def test_what_the_machine_did_goes_along_but_is_no_reason_to_begin(tmp_path: Path) -> None:
    told = [("machine/cpu_percent", None, 50.0)]
    for figures, kept in (([], None), ([("loss", 1.0, 0.5)], [told, [("loss", 1.0, 0.5)], told])):
        place = tmp_path / str(len(figures))
        mirrors = mirror.Mirrors([{"use": LINES, "path": str(place)}], "7", TASK, print)
        for points in (told, figures, told):
            mirrors.points(points)
        mirrors.close("finished", {})
        lines = [json.loads(line) for line in (place / "7.jsonl").read_text().splitlines()] if kept else []
        assert place.exists() == bool(kept)
        assert [value for what, value in lines if what == "points"] == json.loads(json.dumps(kept or []))


def test_mlflow_has_what_the_machine_did_among_its_own_figures_of_machines() -> None:
    pytest.importorskip("mlflow", reason="the extra `mlflow` is not installed")
    named = importlib.import_module("aimass.store.trackers.mlflow").named
    assert [named("machine/gpu_percent"), named("machinery/loss")] == ["system/gpu_percent", "machinery/loss"]


def test_a_failed_run_is_mirrored_with_its_error(tmp_path: Path) -> None:
    place = Workspace(tmp_path / "w", trackers=[LINES])
    with pytest.raises(InputError):
        place.run(task_of(chain.fail, {}, how="nan"))
    assert lines_of(place, place.runs()[0]["id"])[1:] == [
        ["points", [["kept", None, 1.0]]], ["close", ["failed", {"error": "bad rows"}]],
    ]  # fmt: skip


def test_a_tracker_is_a_place_and_no_part_of_a_task(tmp_path: Path) -> None:
    plain = Workspace(tmp_path / "w")
    digest = run_of(plain)
    mirrored = Workspace(tmp_path / "w", trackers=[LINES])
    assert run_of(mirrored) == digest
    assert [run["state"] for run in mirrored.runs()[:2]] == ["reused", "reused"]


@pytest.mark.parametrize("breaks", ["open", "points", "close"])
def test_a_tracker_that_breaks_is_told_once_and_the_others_go_on(breaks: str, tmp_path: Path) -> None:
    place = Workspace(tmp_path / "w", trackers=[{"use": LINES, "breaks": breaks, "path": str(tmp_path / "b")}, LINES])
    made = place.run(task_of(chain.make, {}, rows=4))
    place.run(task_of(chain.total, {"dataset": made.digest}, slow=0.3))  # points in several writes
    run = place.runs()[0]["id"]
    assert place.run_row(run)["state"] == "finished"
    assert told(place, run) == [
        f"tracker {LINES} failed, its points are in the catalog only: RuntimeError: cannot {breaks}"
    ]
    assert [point["value"] for point in place.metrics(run, "value")] == [0, 1, 5, 14]
    assert lines_of(place, run)[-1][0] == "close"


def test_a_tracker_that_hangs_holds_up_neither_the_figures_nor_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "PATIENCE", 0.1)
    place = Workspace(tmp_path / "w", trackers=[{"use": LINES, "breaks": "hangs"}])
    run_of(place)
    run = place.runs()[0]["id"]
    assert place.latest(run) == {"value": 14}
    assert told(place, run) == [f"tracker {LINES} has not answered for 0.1 s; its last points are in the catalog only"]


def test_a_tracker_that_a_worker_has_not_installed_is_told_and_the_run_is_done(tmp_path: Path) -> None:
    place = Workspace(tmp_path / "w")
    place.trackers = [{"use": "nowhere_installed:Tool"}]  # as a worker on another machine gets it
    run_of(place)
    lines = [line["text"] for line in place.logs(place.runs()[0]["id"])]
    assert "not mirrored: tracker 'nowhere_installed:Tool' needs nowhere_installed, which is not installed" in lines


def test_what_is_no_tracker_is_refused_before_anything_runs(tmp_path: Path) -> None:
    for wrong, says in (
        ("tensorbord", "did you mean 'tensorboard'"),
        ({"use": LINES, "pth": ""}, "did you mean 'path'"),
    ):
        with pytest.raises(InputError, match=says):
            Workspace(tmp_path / "w", trackers=[wrong])


def test_trackers_of_a_while_are_gone_after_it(tmp_path: Path) -> None:
    place = Workspace(tmp_path / "w", trackers=[LINES])
    with pytest.raises(RuntimeError), place.tracked([{"use": LINES, "path": str(tmp_path / "more")}]):
        assert [tracker["path"] for tracker in place.trackers] == [str(place.folder / "lines"), str(tmp_path / "more")]
        assert Workspace.reopen(place.url).trackers == place.trackers
        raise RuntimeError
    assert len(place.trackers) == 1


def test_a_step_is_a_thousandth_of_a_position_and_counts_up_where_there_is_none() -> None:
    steps = Steps()
    assert [steps.step("loss", at) for at in (0.0, 0.0004, 0.0006, 12.5)] == [0, 0, 1, 12500]
    assert [steps.step("score", None) for _ in range(3)] == [0, 1, 2]


# -- MLflow's own ---------------------------------------------------------------------------------------------

SILENT = """
import sys
seen = []
sys.addaudithook(lambda what, given: seen.append([what, str(given[1:])]) if what in (
    "socket.connect", "socket.getaddrinfo", "socket.gethostbyname") else None)
from pathlib import Path
from aimass.core.task import Task
from aimass.store.trackers.base import Tracker
tracker = Tracker.from_settings({"use": "mlflow", "path": sys.argv[1]})
session = tracker.placed(Path()).open("1", Task("train", 1, {}, {}))
session.points([("loss", 1.0, 0.5)])
session.close("finished", {})
import mlflow, time
from mlflow.telemetry.client import get_telemetry_client
mlflow.set_tracking_uri("sqlite:///" + sys.argv[1])
mlflow.create_experiment("by hand")  # what MLflow itself counts
time.sleep(0.3)
print([get_telemetry_client(), seen])
"""


def test_mlflow_sends_no_usage_data_and_asks_no_other_host(tmp_path: Path) -> None:
    """In a process that has none of the marks by which MLflow tells a test from a user."""
    pytest.importorskip("mlflow", reason="the extra `mlflow` is not installed")
    utils = importlib.import_module("mlflow.telemetry.utils")
    marks = set(utils._is_ci_env_or_testing.__code__.co_consts) | {"MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"}
    names = {str(name) for mark in marks for name in (mark if isinstance(mark, frozenset | tuple) else (mark,))}
    names |= {"CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST"}
    clean = {key: value for key, value in os.environ.items() if key not in names} | {"HOME": str(tmp_path)}
    clean["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", SILENT, str(tmp_path / "m.db")], env=clean, capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "[None, []]\n", done.stdout + done.stderr
    assert not list(tmp_path.rglob("telemetry*"))


class Recorder(BaseHTTPRequestHandler):
    """Answers what the REST interface of MLflow is asked, and keeps what it was told."""

    told: list[tuple[str, Any]]

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.told.append((self.path.split("?")[0].rpartition("/mlflow/")[2], json.loads(body or "{}")))
        run = {"info": {"run_id": "r1", "experiment_id": "5", "status": "RUNNING"}, "data": {}}
        answer = json.dumps({"experiment": {"experiment_id": "5", "name": "aimass"}, "run": run}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = _answer

    def log_message(self, *args: Any) -> None:
        pass


def test_a_tracking_server_is_told_over_http(tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="the extra `mlflow` is not installed")
    handler = type("Handler", (Recorder,), {"told": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        session = resolve("tracker", "mlflow")(path=url).placed(tmp_path).open("7", TASK)
        session.points(POINTS[:1])
        session.close("failed", {})
    finally:
        server.shutdown()
        server.server_close()
    told = [body for path, body in handler.told if path == "runs/log-batch"]
    params = {p["key"]: p["value"] for body in told for p in body.get("params", [])}
    assert params == {"seed": "3", "model.use": "mlp", "model.width": "64", "passes": '["a", "b"]'}
    [metric] = [m for body in told for m in body.get("metrics", [])]
    assert (metric["key"], metric["value"], metric["step"]) == ("loss", 0.75, 500)
    assert [body["status"] for path, body in handler.told if path == "runs/update"] == ["FAILED"]


# -- the project file -----------------------------------------------------------------------------------------

PROJECT = """
[collect]
use = "csv"
path = "a.csv"

[goal]
target = "y"

"""


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (f'[track]\nuse = "{LINES}"\npath = "figures"', ["figures"]),
        (f'[[track]]\nuse = "{LINES}"\n[[track]]\nuse = "{LINES}"\npath = "/abs"', ["", "/abs"]),
        ("", []),
    ],
)
def test_track_in_a_project_file_names_trackers_with_paths_relative_to_the_file(
    text: str, paths: list[str], tmp_path: Path
) -> None:
    from aimass.project.file import load
    from aimass.project.plan import trackers

    (tmp_path / "aimass.toml").write_text(PROJECT + text)
    found = [tracker.path for tracker in trackers(load(tmp_path / "aimass.toml"))]  # type: ignore[attr-defined]
    assert found == [str(tmp_path / path) if path else "" for path in paths]


def test_a_name_alone_is_enough(tmp_path: Path) -> None:
    from aimass.project.file import load
    from aimass.project.plan import trackers

    for given in (f'"{LINES}"', f'["{LINES}"]'):
        (tmp_path / "aimass.toml").write_text(f"track = {given}\n{PROJECT}")
        assert [tracker.settings()["use"] for tracker in trackers(load(tmp_path / "aimass.toml"))] == [LINES]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[track]\nuse = "tensorbord"', r"aimass.toml:10:1: \[track.use\] no tracker is called 'tensorbord'"),
        (f'[[track]]\nuse = "{LINES}"\npth = "x"', r"aimass.toml:11:1: \[track.0.pth\] no setting of tracker"),
        ('[track]\npath = "x"', r"aimass.toml:9:1: \[track\] no `use`: it names the tracker"),
    ],
)
def test_a_mistake_in_track_is_said_with_line_and_column(text: str, says: str, tmp_path: Path) -> None:
    from aimass.project.file import load
    from aimass.project.plan import trackers

    (tmp_path / "aimass.toml").write_text(PROJECT + text)
    with pytest.raises(InputError, match=says):
        trackers(load(tmp_path / "aimass.toml"))


def test_a_project_mirrors_its_own_runs_only(tmp_path: Path) -> None:
    from aimass.project.file import load
    from aimass.project.steps import run_steps

    (tmp_path / "aimass.toml").write_text(
        f'[track]\nuse = "{LINES}"\npath = "figures"\n'
        f'[steps.rows]\ndo = "{chain.HERE}:make"\nrows = 3\n[steps.sum]\ndo = "{chain.HERE}:total"\ndataset = "rows"\n'
    )
    place = Workspace(tmp_path / "w")
    run_steps(load(tmp_path / "aimass.toml"), place)
    assert [path.name for path in (tmp_path / "figures").iterdir()] == [f"{place.runs()[0]['id']}.jsonl"]
    assert place.trackers == []
