"""Whatever runs a model, it answers as model.onnx does; what an engine cannot run it says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aimass.core.errors import InputError
from aimass.core.part import resolve
from aimass.engines.base import Engine
from aimass.engines.onnxruntime import OnnxRuntime

Trained = Callable[..., Path]
Columns = Callable[[Path, int], dict[str, np.ndarray]]

RUNS = [
    *[("xgboost", "xgboost", task) for task in ("binary", "multiclass", "regression")],
    *[("torch", name, "binary") for name in ("linear", "mlp", "convnet", "text")],
    ("torch", "mlp", "multiclass"),
    ("torch", "mlp", "regression"),
    *[("openvino", name, "binary") for name in ("linear", "mlp", "convnet", "text")],
    ("openvino", "mlp", "multiclass"),
    ("onnxruntime", "xgboost", "multiclass"),
]


def engine_of(use: str, **settings: Any) -> Engine:
    return resolve("engine", use).from_settings({"use": use, **settings})  # type: ignore[return-value]


@pytest.mark.parametrize(("use", "name", "task"), RUNS)
def test_its_answers_are_those_of_the_onnx_file(
    trained: Trained, columns_for: Columns, use: str, name: str, task: str
) -> None:
    model = trained(name, task)
    predict = engine_of(use).load(model)
    for rows in (0, 1, 3, 100):
        columns = columns_for(model, rows)
        expected, found = OnnxRuntime().load(model)(columns), predict(columns)
        assert found.keys() == expected.keys()
        for key, array in expected.items():
            assert (found[key].shape, found[key].dtype) == (array.shape, array.dtype)
            if array.dtype == object:
                assert found[key].tolist() == array.tolist()
            else:
                np.testing.assert_allclose(found[key], array, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("use", ["xgboost", "openvino", "torch"])
def test_threads_change_no_answer(trained: Trained, columns_for: Columns, use: str) -> None:
    model = trained("xgboost" if use == "xgboost" else "mlp")
    columns = columns_for(model, 64)
    one, two = (engine_of(use, threads=threads).load(model)(columns) for threads in (1, 2))
    np.testing.assert_allclose(one["probabilities"], two["probabilities"], rtol=1e-5)


@pytest.mark.slow
def test_a_compiled_network_answers_any_number_of_rows(trained: Trained, columns_for: Columns) -> None:
    model = trained("mlp")
    if not shutil.which("g++"):
        with pytest.raises(InputError, match=r"torch.compile failed"):
            engine_of("torch", compile="default").load(model)
        return
    predict, expected = engine_of("torch", compile="default").load(model), OnnxRuntime().load(model)
    for rows in (1, 2, 7, 64):
        columns = columns_for(model, rows)
        np.testing.assert_allclose(
            predict(columns)["probabilities"], expected(columns)["probabilities"], rtol=1e-4, atol=1e-5
        )


def test_missing_values_go_the_way_they_went_in_training(trained: Trained, columns_for: Columns) -> None:
    model = trained("xgboost")
    columns = columns_for(model, 50)
    columns["numbers"][::2, 1] = np.nan
    native, onnx = engine_of("xgboost").load(model)(columns), OnnxRuntime().load(model)(columns)
    np.testing.assert_allclose(native["probabilities"], onnx["probabilities"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("use", ["onnxruntime", "xgboost", "torch", "openvino"])
def test_an_engine_reads_no_file_but_those_it_names(
    trained: Trained, columns_for: Columns, tmp_path: Path, use: str
) -> None:
    model, engine = trained("xgboost" if use == "xgboost" else "mlp"), engine_of(use)
    for name in engine.files():
        shutil.copyfile(model / name, tmp_path / name)
    assert "label" in engine.load(tmp_path)(columns_for(model, 2))


@pytest.mark.parametrize("use", ["onnxruntime", "xgboost", "torch", "openvino"])
def test_each_file_that_is_missing_is_named(trained: Trained, tmp_path: Path, use: str) -> None:
    model, engine = trained("xgboost" if use == "xgboost" else "mlp"), engine_of(use)
    for missing in engine.files():
        for name in engine.files():
            (tmp_path / name).unlink(missing_ok=True)
            if name != missing:
                shutil.copyfile(model / name, tmp_path / name)
        with pytest.raises(InputError, match=missing):
            engine.load(tmp_path)


@pytest.mark.parametrize(
    ("use", "name", "why"),
    [("xgboost", "mlp", "fitted by the recipe gradient"), ("torch", "xgboost", "fitted by the recipe boosting"),
     ("openvino", "xgboost", "TreeEnsemble")],
)  # fmt: skip
def test_a_model_of_another_kind_is_refused(trained: Trained, use: str, name: str, why: str) -> None:
    with pytest.raises(InputError, match=f"engine {use} cannot run this model: .*{why}"):
        engine_of(use).load(trained(name))


@pytest.mark.parametrize(
    ("use", "name", "change", "why"),
    [("torch", "mlp", {"passes": [{"use": "quantize-int8"}]}, "went through quantize-int8"),
     ("xgboost", "xgboost", {"passes": [{"use": "mine:Pass"}]}, "went through mine:Pass"),
     ("torch", "mlp", {"architecture": {"use": "mine:Net"}}, "code beside a project file")],
)  # fmt: skip
def test_a_model_whose_weights_say_too_little_is_refused(
    trained: Trained, tmp_path: Path, use: str, name: str, change: dict[str, Any], why: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(trained(name), folder)
    facts = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**facts, **change}))
    with pytest.raises(InputError, match=why):
        engine_of(use).load(folder)


@pytest.mark.parametrize(
    ("use", "name", "file"),
    [("xgboost", "xgboost", "trees.json"), ("torch", "mlp", "weights.safetensors"), ("openvino", "mlp", "network.onnx"),
     ("torch", "mlp", "model.json"), ("onnxruntime", "mlp", "model.onnx")],
)  # fmt: skip
@pytest.mark.parametrize("damage", ["cut", "noise", "empty"])
def test_a_damaged_file_is_refused(
    trained: Trained, tmp_path: Path, use: str, name: str, file: str, damage: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(trained(name), folder)
    whole = (folder / file).read_bytes()
    (folder / file).write_bytes({"cut": whole[: len(whole) // 2], "noise": b"\x00nothing" * 50, "empty": b""}[damage])
    with pytest.raises(InputError):
        engine_of(use).load(folder)


def test_weights_of_another_network_are_refused(trained: Trained, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(trained("mlp"), folder)
    shutil.copyfile(trained("linear") / "weights.safetensors", folder / "weights.safetensors")
    with pytest.raises(InputError, match="does not hold the weights of this network"):
        engine_of("torch").load(folder)


def test_a_device_that_is_not_here_is_said() -> None:
    import torch

    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="no CUDA device"):
            engine_of("torch", device="cuda").load(Path("nowhere"))


@pytest.mark.parametrize("use", ["xgboost", "torch", "openvino"])
def test_in_a_process_of_its_own_it_answers_the_same(trained: Trained, columns_for: Columns, use: str) -> None:
    model = trained("xgboost" if use == "xgboost" else "mlp")
    columns, engine = columns_for(model, 9), engine_of("host", engine={"use": use})
    predict: Any = engine.load(model)
    try:
        here = engine_of(use).load(model)(columns)
        assert predict(columns)["probabilities"].tolist() == here["probabilities"].tolist()
    finally:
        predict.close()


def test_openvino_does_not_load_what_would_tell_its_makers() -> None:
    code = "import sys, aimass.engines.openvino; sys.exit(sys.modules.get('openvino_telemetry') is not None)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
