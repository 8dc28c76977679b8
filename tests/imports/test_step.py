"""The verb: one model in, a model of ours out; foreign bytes are read apart, and programs not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto as T
from onnx import helper as h
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.imports.conftest import model_of

import aimass
from aimass.core.errors import InfeasibleError, InputError
from aimass.imports.programs import PROGRAMS, importer_for
from aimass.runner.workspace import Workspace


@pytest.fixture
def file(linear: onnx.ModelProto, tmp_path: Path) -> Path:
    onnx.save(linear, tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


@pytest.mark.parametrize("ending", PROGRAMS)
@pytest.mark.parametrize("source", [None, "onnx"])
def test_a_file_that_is_a_program_is_refused_whoever_is_asked_to_read_it(
    place: Workspace, tmp_path: Path, ending: str, source: str | None
) -> None:
    path = tmp_path / f"model{ending}"
    path.write_bytes(b"\x80\x04.")
    with pytest.raises(InputError, match="loading it could run code") as caught:
        aimass.import_model(path, workspace=place, source=source)
    assert "aimass.import_model(model" in caught.value.todo or "ONNX" in caught.value.todo


def test_a_saved_model_of_tensorflow_is_refused_with_the_way_round(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(InputError, match="TensorFlow graph"):
        importer_for(tmp_path / "saved")


@pytest.mark.parametrize("name", ["gone.onnx", "model", "model.bin"])
def test_a_path_that_leads_nowhere_is_refused(place: Workspace, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"no file at|does not say what it is"):
        aimass.import_model(tmp_path / name, workspace=place)


def test_the_same_file_is_the_same_model_wherever_it_lies(place: Workspace, file: Path) -> None:
    first = aimass.import_model(file, workspace=place)
    moved = file.rename(file.parent / "other.onnx")
    again = aimass.import_model(str(moved), workspace=place, save_as="mine/imported")
    assert again.digest == first.digest == place.get("mine/imported").digest
    assert first.facts["task"] == "other"
    assert sorted(first.manifest.files) == ["model.json", "model.onnx", "parity.json", "sample.json", "signature.json"]


def test_a_refused_import_leaves_nothing(place: Workspace, file: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", x=np.ones((2, 4), np.float32), **{"answer.scores": np.zeros((2, 3), np.float32)})
    with pytest.raises(InputError, match="does not answer as the original"):
        aimass.import_model(file, workspace=place, rows=str(tmp_path / "rows.npz"))
    assert place.find("model") == []


def hostile(kind: str) -> onnx.ModelProto:
    """A model that asks for all memory, or never ends."""
    if kind == "memory":
        node = h.make_node("ConstantOfShape", ["huge"], ["big"])
        nodes = [node, h.make_node("ReduceSum", ["big"], ["sum"], keepdims=0), h.make_node("Add", ["x", "sum"], ["y"])]
        return model_of(nodes, [("x", T.FLOAT, ["N"])], [("y", T.FLOAT, ["N"])], {"huge": np.array([1 << 34])})

    def info(name: str, kind: int, *shape: Any) -> onnx.ValueInfoProto:
        return h.make_tensor_value_info(name, kind, list(shape))

    same = [h.make_node("Identity", [before], [after]) for before, after in (("go", "on"), ("v", "w"))]
    body = h.make_graph(same, "b", [info("i", T.INT64), info("go", T.BOOL), info("v", T.FLOAT, None)],
                        [info("on", T.BOOL), info("w", T.FLOAT, None)])  # fmt: skip
    nodes = [h.make_node("Loop", ["count", "begin", "x"], ["y"], body=body)]
    weights = {"count": np.array(1 << 62), "begin": np.array(True)}
    return model_of(nodes, [("x", T.FLOAT, ["N"])], [("y", T.FLOAT, ["N"])], weights)


@pytest.mark.parametrize(
    ("kind", "minutes", "says"), [("memory", 5.0, r"memory|allocate"), ("time", 0.06, "took too long")]
)
def test_a_model_that_wants_everything_is_stopped(
    place: Workspace, tmp_path: Path, kind: str, minutes: float, says: str
) -> None:
    onnx.save(hostile(kind), tmp_path / "hostile.onnx")
    with pytest.raises(InputError, match=says):
        aimass.import_model(tmp_path / "hostile.onnx", workspace=place, memory_mb=3000, minutes=minutes)


CRASH = """
import os, signal
from aimass.imports.base import Importer

class Crash(Importer):
    def read(self, model, rows=None):
        assert "AIMASS_TEST_SECRET" not in os.environ
        os.kill(os.getpid(), signal.SIGSEGV)
"""


def test_a_reader_that_crashes_takes_nothing_with_it(
    place: Workspace, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "crash_reader.py").write_text(CRASH)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("AIMASS_TEST_SECRET", "1")
    with pytest.raises(InputError, match="brought its process down"):
        aimass.import_model(file, workspace=place, source="crash_reader:Crash")


@pytest.mark.parametrize("given", [{"tolerance": -1.0}, {"minutes": 0.0}, {"memory_mb": 0}, {"rows": "gone.csv"}])
def test_settings_that_cannot_be_are_refused(place: Workspace, file: Path, given: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        aimass.import_model(file, workspace=place, **given)


def test_the_command_and_the_project_file_make_what_python_makes(
    place: Workspace, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aimass.cli.main import cli
    from aimass.project.file import load
    from aimass.project.steps import run_steps

    monkeypatch.chdir(file.parent)
    asked = {"answers": {"scores": "scores"}, "classes": ["a", "b", "c"]}
    by_python = aimass.import_model(file, workspace=place, **asked)
    command = ["-w", str(place.folder), "import-model", "--path", "model.onnx", "--answers", '{"scores": "scores"}',
               "--classes", "a,b,c", "--json"]  # fmt: skip
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["digest"] == by_python.digest
    (file.parent / "aimass.toml").write_text(
        'name = "mine"\n[steps.model]\ndo = "import_model"\npath = "model.onnx"\nanswers = { scores = "scores" }\n'
        'classes = ["a", "b", "c"]\n'
        '[steps.out]\ndo = "publish"\nmodel = "model"\nname = "letters"\ngates = ["parity"]\n'
    )
    made = run_steps(load(file.parent / "aimass.toml"), place)
    assert made["model"].digest == by_python.digest
    assert place.get("letters@1").digest == made["out"].digest


def test_a_pipeline_is_imported_published_and_served_with_its_own_answers(place: Workspace) -> None:
    from aimass.measure.latency_endpoint import ask, endpoint
    from aimass.publish.registry import find_release

    random = np.random.default_rng(0)
    x = random.normal(size=(80, 3))
    y = np.array(["no", "yes"])[(x[:, 0] > 0).astype(int)]
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
    with place:
        model = aimass.import_model(pipeline, rows=x, columns=["a", "b", "c"], target="late")
        with pytest.raises(InputError, match="no ledger"):
            aimass.publish(model, name="late")
        with pytest.raises(InfeasibleError, match="200 rows are asked for"):
            aimass.publish(model, name="late", gates=[{"use": "parity", "rows": 200}])
        release = aimass.publish(model, name="late", gates=["parity"])
    found, number = find_release(place, "late")
    assert (found.digest, number) == (release.digest, 1)
    assert found.read_json("parity.json")["passed"]
    new = random.normal(size=(6, 3))
    with endpoint(found.folder, "late") as url:
        records = [dict(zip("abc", row, strict=True)) for row in new.tolist()]
        told = ask(f"{url}/v1/predict/late", {"records": records})["predictions"]
    assert [one["label"] for one in told] == pipeline.predict(new).tolist()
    got = [[one["probabilities"][name] for name in ("no", "yes")] for one in told]
    assert np.allclose(got, pipeline.predict_proba(new), atol=1e-5)


def test_plain_tensors_are_served_over_both_protocols(place: Workspace, file: Path) -> None:
    from tests.imports.conftest import W

    from aimass.measure.latency_endpoint import ask, endpoint

    with place:
        aimass.publish(aimass.import_model(file), name="plain", gates=["parity"])
    x = np.random.default_rng(3).normal(size=(3, 4)).astype(np.float32)
    tensor = {"name": "x", "shape": [3, 4], "datatype": "FP32", "data": x.ravel().tolist()}
    with endpoint(place.get("plain@1").folder, "plain") as url:
        v2 = ask(f"{url}/v2/models/plain/infer", {"inputs": [tensor]})["outputs"][0]
        records = ask(f"{url}/v1/predict/plain", {"records": [{"x": row} for row in x.tolist()]})["predictions"]
    assert (v2["name"], v2["shape"]) == ("scores", [3, 3])
    assert np.allclose(np.reshape(v2["data"], (3, 3)), x @ W, atol=1e-5)
    assert np.allclose([one["scores"] for one in records], x @ W, atol=1e-5)
