"""The verb `measure`: what its report holds, and where each figure comes from."""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from aimass.core.artifact import open_artifact, seal
from aimass.core.errors import InputError
from aimass.core.part import resolve
from aimass.engines.base import Engine
from aimass.engines.chosen import engine_of
from aimass.engines.onnxruntime import OnnxRuntime
from aimass.measure import latency_endpoint, machine, quality
from aimass.measure.answers import load_answers
from aimass.measure.quality import agreement, answers, difference, some_rows, truth_of
from aimass.measure.size import sizes
from aimass.measure.step import measure

QUICK = {"clients": 2, "samples": 300, "starts": 1, "processes": 1, "calls": 100}


def metric(name: str):
    return resolve("metric", name).from_settings(name)


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    script = str(Path(__file__).parent / "stand_in_server.py")
    monkeypatch.setattr(latency_endpoint, "serving", lambda *_: [sys.executable, script, "good"])


def test_a_report_holds_quality_size_latency_and_machine(context, model_of, examples) -> None:
    model = model_of()
    measure.body(context, model, examples, metrics=[metric("accuracy")], **QUICK)
    report = json.loads((context.folder / "report.json").read_text())
    assert report["model"] == model.digest
    assert report["candidate"] == {"architecture": {"use": "linear"}, "passes": [], "engine": None}
    assert (report["task"], report["rows"]) == ("binary", 3000)
    accuracy = report["quality"]["accuracy"]
    assert 0.7 < accuracy["low"] < accuracy["value"] < accuracy["high"] < 0.85 and accuracy["n"] == 3000
    assert report["size_bytes"] == (model.folder / "model.onnx").stat().st_size
    assert report["engine"]["settings"] == OnnxRuntime().settings()
    assert [start["samples"] for start in report["endpoint"]["starts"]] == [300]
    assert report["engine"]["samples"] == 100 and report["engine"]["ratio_to_baseline"] is None
    assert (report["endpoint"]["samples"], report["endpoint"]["clients"], report["endpoint"]["errors"]) == (300, 2, 0)
    assert report["endpoint"]["p99_ms"]["high"] > 0
    assert report["machine"]["digest"] == machine.machine_digest()
    assert report["against_baseline"] is None
    assert context.told["size_bytes"] == report["size_bytes"] and "accuracy" in context.told


def test_another_engine_is_measured_against_the_usual_one_and_served_as_a_release_would(
    context, model_of, examples, monkeypatch
) -> None:
    asked: list[Engine] = []
    serving = latency_endpoint.serving

    def seen(folder: Path, *rest: Any) -> list[str]:
        asked.append(engine_of(folder))
        assert (folder / "model.onnx").read_bytes() == (model.folder / "model.onnx").read_bytes()
        return serving(folder, *rest)

    monkeypatch.setattr(latency_endpoint, "serving", seen)
    model, engine = model_of(), OnnxRuntime(threads=2)
    measure.body(context, model, examples, model, metrics=[metric("accuracy")], engine=engine, **QUICK)
    report = json.loads((context.folder / "report.json").read_text())
    assert asked == [engine]
    assert report["candidate"]["engine"] == report["engine"]["settings"] == engine.settings()
    assert report["engine"]["ratio_to_baseline"]["value"] > 0
    assert report["against_baseline"]["agreement"] == 1.0
    assert not (model.folder / "engine.json").exists()


def test_the_size_is_that_of_the_files_the_engine_reads(model_of) -> None:
    folder = model_of().folder
    one, both = sizes(folder), sizes(folder, ("model.onnx", "sample.json"))
    assert both["size_bytes"] - one["size_bytes"] == (folder / "sample.json").stat().st_size
    assert both["gzip_bytes"] > one["gzip_bytes"]


def test_without_metrics_the_usual_one_of_the_task_is_scored(context, model_of, examples) -> None:
    measure.body(context, model_of(), examples, **{"metrics": [], **QUICK})
    assert list(json.loads((context.folder / "report.json").read_text())["quality"]) == ["roc_auc"]


def test_against_a_baseline_the_difference_is_paired(context, model_of, examples) -> None:
    baseline, model = model_of(4.0), model_of(8.0, weights=5000)
    measure.body(context, model, examples, baseline, metrics=[metric("log_loss"), metric("accuracy")], **QUICK)
    report = json.loads((context.folder / "report.json").read_text())
    against = report["against_baseline"]
    assert against["model"] == baseline.digest and report["size_bytes"] > against["size_bytes"]
    assert against["agreement"] == 1.0  # the same side of one half
    assert against["difference"]["accuracy"]["low"] == against["difference"]["accuracy"]["high"] == 0.0
    assert against["difference"]["log_loss"]["low"] > 0  # too sure of itself, beyond doubt
    assert report["engine"]["ratio_to_baseline"]["n"] == 2


def test_a_report_keeps_the_answers_and_the_baselines_need_not_be_given_again(
    tmp_path, context, model_of, examples, monkeypatch
) -> None:
    baseline, model = model_of(4.0), model_of(8.0, weights=5000)
    measure.body(context, baseline, examples, metrics=[metric("log_loss")], **QUICK)
    seal("report", context.folder, [])
    before = open_artifact(context.folder)
    truth, answer, signature = load_answers(before.folder)
    expected = answers(baseline.folder, examples.folder, examples.signature, OnnxRuntime())
    np.testing.assert_array_equal(truth, expected[0])
    np.testing.assert_array_equal(answer["probabilities"], expected[1]["probabilities"])
    assert answer["label"].tolist() == expected[1]["label"].tolist() and signature.classes == ("no", "yes")

    asked, real = [], quality.answers
    monkeypatch.setattr(quality, "answers", lambda model, *rest: asked.append(model) or real(model, *rest))
    again = type(context)(tmp_path / "again")
    measure.body(again, model, examples, baseline, before, metrics=[metric("log_loss")], **QUICK)
    against = json.loads((again.folder / "report.json").read_text())["against_baseline"]
    assert asked == [model.folder] and against["difference"]["log_loss"]["low"] > 0
    with pytest.raises(InputError, match="does not hold the answers of the baseline"):
        measure.body(type(context)(tmp_path / "wrong"), model, examples, model, before, metrics=[], **QUICK)


def test_raising_repeat_measures_again() -> None:
    first, again = (measure.task({"model": "m", "examples": "e"}, {"repeat": n}) for n in (0, 1))
    assert first.digest != again.digest


def test_the_default_of_the_machine_setting_is_this_machine() -> None:
    task = measure.task({"model": "m", "examples": "e"}, {})
    assert task.settings["machine"] == machine.machine_digest()
    elsewhere = measure.task({"model": "m", "examples": "e"}, {"machine": "0123"})
    assert elsewhere.digest != task.digest


def test_figures_of_another_machine_cannot_be_made_here(context, model_of, examples) -> None:
    with pytest.raises(InputError, match="figures of machine 0123 were asked for"):
        measure.body(context, model_of(), examples, metrics=[], machine="0123")


def test_a_metric_of_another_task_is_refused_before_any_work(context, model_of, examples) -> None:
    with pytest.raises(InputError, match="rmse cannot score a binary task"):
        measure.body(context, model_of(), examples, metrics=[metric("rmse")])
    assert not context.lines


@pytest.mark.parametrize("name", ["clients", "samples", "starts", "processes", "calls"])
def test_a_count_of_nothing_is_refused_by_name(context, model_of, examples, name) -> None:
    with pytest.raises(InputError, match=f"measure.{name} must be at least 1"):
        measure.body(context, model_of(), examples, metrics=[], **{**QUICK, name: 0})


def test_a_machine_is_known_by_what_does_not_change() -> None:
    facts = machine.machine()
    assert facts["cores"] >= 1 and facts["versions"]["onnxruntime"] and facts["python"]
    assert set(facts["flags"]) <= set(machine.FLAGS)
    assert "load" not in json.dumps(facts)


def test_the_governor_of_the_cores_is_part_of_the_machine_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "governor").write_text("performance\n")
    assert machine._governor(tmp_path / "governor") == "performance"
    assert machine._governor(tmp_path / "none") is None and "governor" in machine.machine()


def test_steal_time_is_a_share_of_all_time() -> None:
    assert machine.steal_percent((10, 1000), (15, 1100)) == 5.0
    assert machine.steal_percent(None, (1, 2)) is None
    assert machine.steal_percent((1, 2), (1, 2)) is None


def test_size_is_of_the_one_file_that_answers(model_of) -> None:
    model = model_of(4.0, weights=5000)
    whole = (model.folder / "model.onnx").read_bytes()
    assert sizes(model.folder) == {"size_bytes": len(whole), "gzip_bytes": len(gzip.compress(whole, 9))}


def test_answers_come_from_the_served_file_over_every_held_back_row(model_of, examples, monkeypatch) -> None:
    whole = answers(model_of().folder, examples.folder, examples.signature, OnnxRuntime())
    monkeypatch.setattr("aimass.measure.quality.CHUNK", 128)
    chunked = answers(model_of(4.0, 1).folder, examples.folder, examples.signature, OnnxRuntime())
    assert len(whole[0]) == 3000 and set(whole[1]) == {"label", "probabilities"}
    np.testing.assert_array_equal(whole[0], chunked[0])
    np.testing.assert_array_equal(whole[1]["probabilities"], chunked[1]["probabilities"])


def test_latency_is_measured_with_rows_from_everywhere_in_the_test_split(examples) -> None:
    rows = some_rows(examples.folder, 100)
    every = np.asarray(some_rows(examples.folder, 10_000)["size"])
    assert len(every) == 3000
    np.testing.assert_array_equal(np.asarray(rows["size"]), every[::30])


@pytest.mark.parametrize(
    ("column", "classes", "truth"),
    [
        (pa.chunked_array([[True, False, True]]), ("false", "true"), [1, 0, 1]),
        (pa.chunked_array([[3, 5, 3]]), ("3", "5"), [0, 1, 0]),
        (pa.chunked_array([["b", "a"], ["b"]]), ("a", "b"), [1, 0, 1]),
    ],
)
def test_the_truth_is_the_index_of_the_class(column, classes, truth, signature_of) -> None:
    assert truth_of(column, signature_of(*classes)).tolist() == truth


def test_a_class_the_model_does_not_know_is_named(signature_of) -> None:
    with pytest.raises(InputError, match="'bird'"):
        truth_of(pa.chunked_array([["cat", "bird"]]), signature_of("cat", "dog"))


def test_a_paired_difference_holds_the_truth_and_is_narrower_than_two_intervals(signature_of, answer_of) -> None:
    signature, random, held, widths = signature_of("a", "b"), np.random.default_rng(0), 0, []
    accuracy = metric("accuracy")
    for _ in range(150):
        truth = random.integers(2, size=400)
        right = random.random(400) < 0.85
        spoilt = right & (random.random(400) > 0.04)  # the second model loses 4 % of what the first gets right
        first, second = (answer_of(np.eye(2)[np.where(r, truth, 1 - truth)], signature) for r in (right, spoilt))
        gap = difference(accuracy, truth, second, first, signature)
        held += gap.low <= -0.85 * 0.04 <= gap.high
        widths.append((gap.high - gap.low) / 0.07)  # one accuracy alone: +- 3.5 points
    assert held / 150 >= 0.9 and np.mean(widths) < 0.7


@pytest.mark.parametrize("rare", [2, 5])
def test_leaving_rows_out_never_leaves_a_rare_class_out(rare: int, signature_of, answer_of) -> None:
    signature, random = signature_of("a", "b"), np.random.default_rng(3)
    truth = np.r_[np.ones(rare, int), np.zeros(300, int)]
    first, second = (answer_of(random.dirichlet((1, 1), size=len(truth)), signature) for _ in range(2))
    gap = difference(metric("roc_auc"), truth, first, second, signature)
    assert gap.low < gap.value < gap.high


def test_one_row_of_a_class_bounds_no_difference(signature_of, answer_of) -> None:
    signature, truth = signature_of("a", "b"), np.r_[1, np.zeros(50, int)]
    answer = answer_of(np.random.default_rng(4).dirichlet((1, 1), size=51), signature)
    gap = difference(metric("roc_auc"), truth, answer, answer, signature)
    assert (gap.value, gap.low, gap.high) == (0, None, None) and "one row of a class" in gap.reason


def test_a_model_that_answers_no_number_is_refused_not_scored(model_of, examples) -> None:
    with pytest.raises(InputError, match="the model answers NaN for row 0 "):
        answers(model_of(float("nan"), 1).folder, examples.folder, examples.signature, OnnxRuntime())


def test_agreement_counts_equal_labels() -> None:
    a, b = np.array(["x", "y"], dtype=object), np.array(["x", "x"], dtype=object)
    assert agreement({"label": a}, {"label": b}) == 0.5
    assert agreement({"value": a}, {"value": b}) is None
