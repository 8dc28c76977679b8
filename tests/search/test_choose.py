"""The choice: who is picked, what is said of the others, and which budget binds when nobody fits."""

import numpy as np
import pytest

from aimass.core.errors import InputError
from aimass.core.signature import Field, Signature
from aimass.measure.answers import save_answers
from aimass.measure.base import Metric
from aimass.search.candidate import name_of
from aimass.search.goal import Goal
from aimass.search.ledger import STATUSES, ledger_of
from aimass.search.paired import Paired, paired_by, unpaired
from aimass.search.render import goal_lines, ledger_rows, ledger_text


def decide(*reports: dict, failures: list | None = None, paired: Paired = unpaired, **goal: object) -> dict:
    asked = Goal.from_settings({"target": "y", **goal})
    return ledger_of([(f"digest-{i}", r) for i, r in enumerate(reports)], asked, failures or [], paired)


def status(ledger: dict) -> dict[str, str]:
    return {row["candidate"]: row["status"] for row in ledger["candidates"]}


def reason(ledger: dict, candidate: str) -> str:
    return next(row["reason"] for row in ledger["candidates"] if row["candidate"] == candidate)


# -- who is picked ------------------------------------------------------------------------------------------------


def test_of_equal_quality_the_lowest_p99_is_picked(report_of) -> None:
    ledger = decide(report_of("mlp", p99=3.0), report_of("linear", p99=2.0))
    assert ledger["pick"] == {"candidate": "linear", "model": "linear", "engine": None}
    assert status(ledger) == {"mlp": "rejected", "linear": "adopted"}
    assert reason(ledger, "mlp") == "p99 3 [2.9, 3.1] ms against 2 [1.9, 2.1] ms of linear"


TWO = {"use": "onnxruntime", "revision": 1, "threads": 2}


def test_an_engine_that_pays_is_picked_with_its_model(report_of) -> None:
    base = report_of("mlp", p99=3.0)
    ledger = decide(base, report_of("mlp", p99=1.0, base=base, engine=TWO, ratio=0.4))
    assert ledger["pick"] == {"candidate": "mlp on onnxruntime (threads=2)", "model": "mlp", "engine": TWO}
    said = "mlp on onnxruntime (threads=2) answers in 0.4 [0.39, 0.41] of the time"
    assert status(ledger)["mlp"] == "rejected" and reason(ledger, "mlp") == said


def test_an_engine_that_does_not_pay_is_listed_with_its_ratio(report_of) -> None:
    base = report_of("mlp", p99=3.0)
    ledger = decide(base, report_of("mlp", p99=2.95, base=base, engine=TWO, ratio=1.1))
    assert ledger["pick"]["engine"] is None and ledger["pick"]["candidate"] == "mlp"
    assert reason(ledger, "mlp on onnxruntime (threads=2)").startswith("no gain: engine ratio 1.1 [1.09, 1.11]")


def test_of_equal_effort_the_usual_engine_is_picked(report_of) -> None:
    base, other = report_of("mlp", p99=3.0), report_of("linear", p99=3.0, size=10)
    ledger = decide(other, base, report_of("linear", p99=2.98, base=other, engine=TWO, ratio=0.5, size=10))
    assert status(ledger)["linear on onnxruntime (threads=2)"] == "rejected"
    assert "which the usual engine runs" in reason(ledger, "linear on onnxruntime (threads=2)")


def test_an_impossible_goal_names_the_engine_that_is_nearest(report_of) -> None:
    base = report_of("mlp", p99=3.0)
    ledger = decide(base, report_of("mlp", p99=2.0, base=base, engine=TWO), p99_ms=1.0)
    assert ledger["nearest"][0]["candidate"] == "mlp on onnxruntime (threads=2)"
    assert ledger["goal"][0]["measured"] == 2.0


def test_a_faster_candidate_of_significantly_lower_quality_is_rejected_with_both_figures(report_of) -> None:
    ledger = decide(report_of("xgboost", quality=0.9, p99=3.0), report_of("linear", quality=0.8, p99=1.0))
    assert ledger["pick"]["candidate"] == "xgboost"
    said = "roc_auc 0.8 [0.79, 0.81] is significantly below 0.9 [0.89, 0.91] of xgboost"
    assert reason(ledger, "linear") == said


def test_a_faster_candidate_whose_quality_cannot_be_told_apart_is_picked(report_of) -> None:
    ledger = decide(report_of("xgboost", quality=0.805, p99=3.0), report_of("linear", quality=0.8, p99=1.0))
    assert ledger["pick"]["candidate"] == "linear"


@pytest.mark.parametrize(
    ("low", "high", "picked"), [(-0.0061, -0.0030, "xgboost"), (-0.0061, 0.001, "linear"), (None, None, "linear")]
)
def test_architectures_are_compared_on_the_rows_both_answered(report_of, low, high, picked) -> None:
    def paired(one: str, other: str) -> dict:
        assert (one, other) == ("digest-1", "digest-0")
        return {"value": -0.0046, "low": low, "high": high, "n": 2000}

    ledger = decide(report_of("xgboost", quality=0.8046, p99=3.0), report_of("linear", p99=1.0), paired=paired)
    assert ledger["pick"]["candidate"] == picked
    if picked == "xgboost":
        said = "significantly below 0.8046 [0.7946, 0.8146] of xgboost: -0.0046 [-0.0061, -0.003] on the same rows"
        assert reason(ledger, "linear").endswith(said)


def test_kept_answers_tell_apart_what_two_intervals_cannot(tmp_path) -> None:
    outputs = (Field("label", "string", values=("a", "b")), Field("probabilities", "float32", (2,)))
    signature, random = Signature("binary", "y", (), (), outputs), np.random.default_rng(0)
    truth, names = random.integers(2, size=2000), np.array(["a", "b"], dtype=object)
    score = truth + random.normal(0, 0.8, size=2000)
    for folder, noise in (("one", 0.0), ("two", 0.15)):
        chance = 1 / (1 + np.exp(-(score + random.normal(0, noise, size=2000))))
        answer = {"label": names[(chance > 0.5).astype(int)], "probabilities": np.stack([1 - chance, chance], axis=1)}
        (tmp_path / folder).mkdir()
        save_answers(tmp_path / folder, truth, answer, signature)
    (tmp_path / "none").mkdir()
    paired = paired_by({name: tmp_path / name for name in ("one", "two", "none")}, Metric.from_settings("roc_auc"))
    gap = paired("two", "one")
    assert gap["low"] < gap["high"] < 0 and gap["high"] - gap["low"] < 0.02  # one alone: +- 0.016
    assert paired("one", "none") is None


def test_the_reason_for_a_pick_is_the_lowest_p99_only_when_it_is(report_of) -> None:
    fast = decide(report_of("mlp", p99=3.0), report_of("linear", p99=2.0))
    assert reason(fast, "linear") == "lowest p99 among those whose roc_auc is not significantly below the best"
    tied = decide(report_of("mlp", p99=2.0, size=900_000), report_of("linear", p99=2.05, size=1000), p99_ms=9.0)
    assert reason(tied, "linear") == (
        "simplest of those whose p99 cannot be told from the lowest, among those "
        "whose roc_auc is not significantly below the best and that keep the budget"
    )
    base = report_of("convnet", p99=2.0, spread=0.3)
    paying = decide(base, report_of("convnet", base=base, p99=2.1, spread=0.3, ratio=0.6), prefer="latency")
    said = "p99 cannot be told from the lowest, engine call 0.6 [0.59, 0.61] of its model's"
    assert reason(paying, "convnet + quantize-int8") == said


def test_a_ratio_without_bounds_does_not_pay(report_of) -> None:
    base = report_of("convnet", p99=2.0, spread=0.3)
    quick = report_of("convnet", base=base, p99=1.9, spread=0.3)
    quick["engine"]["ratio_to_baseline"] |= {"low": None, "high": None}
    assert decide(base, quick)["pick"]["candidate"] == "convnet"


def test_when_p99_cannot_be_told_apart_the_smaller_one_is_picked(report_of) -> None:
    ledger = decide(report_of("mlp", p99=2.0, size=900_000), report_of("linear", p99=2.05, size=1000))
    assert ledger["pick"]["candidate"] == "linear"
    assert "not distinguishable" in reason(ledger, "mlp") and "smaller" in reason(ledger, "mlp")


def test_an_acceleration_that_pays_is_adopted(report_of) -> None:
    base = report_of("convnet", p99=4.0)
    ledger = decide(base, report_of("convnet", base=base, p99=2.5, ratio=0.45))
    assert ledger["pick"]["candidate"] == "convnet + quantize-int8"
    assert reason(ledger, "convnet") == "convnet + quantize-int8 answers in 0.45 [0.44, 0.46] of the time"


def test_an_acceleration_that_pays_is_adopted_even_when_http_hides_it(report_of) -> None:
    base = report_of("convnet", p99=2.0, spread=0.3)
    ledger = decide(base, report_of("convnet", base=base, p99=1.9, spread=0.3, ratio=0.6))
    assert ledger["pick"]["candidate"] == "convnet + quantize-int8"


def test_an_acceleration_that_does_not_pay_is_rejected_with_its_figures(report_of) -> None:
    base = report_of("mlp", quality=0.804, p99=2.0)
    useless = report_of("mlp", base=base, quality=0.8, gap=0.005, p99=1.95, ratio=1.04, size=610_000)
    ledger = decide(base, useless)
    assert ledger["pick"]["candidate"] == "mlp"
    said = "no gain: engine ratio 1.04 [1.03, 1.05], size 0.61x, roc_auc -0.0040"
    assert reason(ledger, "mlp + quantize-int8") == said


def test_an_acceleration_without_gain_in_speed_is_adopted_when_only_it_is_small_enough(report_of) -> None:
    base = report_of("mlp", size=2_000_000)
    ledger = decide(base, report_of("mlp", base=base, ratio=1.04, size=600_000), size_mb=1.0)
    assert ledger["pick"]["candidate"] == "mlp + quantize-int8"
    assert reason(ledger, "mlp") == "size 2 MB > 1 MB"


def test_a_loss_of_quality_proven_pair_by_pair_counts_though_the_intervals_overlap(report_of) -> None:
    base = report_of("convnet", quality=0.81, p99=4.0)
    worse = report_of("convnet", base=base, quality=0.80, gap=0.002, p99=2.0)
    assert decide(base, worse)["pick"]["candidate"] == "convnet"
    unsure = report_of("convnet", base=base, quality=0.80, gap=0.02, p99=2.0)
    assert decide(base, unsure)["pick"]["candidate"] == "convnet + quantize-int8"


def test_a_proven_gain_of_quality_leaves_the_baseline_behind(report_of) -> None:
    base = report_of("convnet", quality=0.80, p99=1.0)
    better = report_of("convnet", base=base, quality=0.81, gap=0.002, p99=2.0)
    assert decide(base, better)["pick"]["candidate"] == "convnet + quantize-int8"


@pytest.mark.parametrize(("prefer", "picked"), [("quality", "xgboost"), ("latency", "linear"), ("size", "mlp")])
def test_what_is_preferred_decides(report_of, prefer: str, picked: str) -> None:
    ledger = decide(
        report_of("xgboost", quality=0.9, p99=3.0, size=3_000_000),
        report_of("linear", quality=0.7, p99=1.0, size=2_000_000),
        report_of("mlp", quality=0.8, p99=2.0, size=1_000_000),
        prefer=prefer,
    )
    assert ledger["pick"]["candidate"] == picked
    assert all(row["reason"] for row in ledger["candidates"])


def test_for_a_metric_where_lower_is_better_the_floor_is_a_ceiling(report_of) -> None:
    few = {"metric": "rmse", "task": "regression", "half": 0.1}
    ledger = decide(report_of("mlp", quality=2.0, p99=2.0, **few), report_of("linear", quality=3.0, p99=1.0, **few),
                    floor=2.5)  # fmt: skip
    assert ledger["pick"]["candidate"] == "mlp"
    assert reason(ledger, "linear") == "rmse upper bound 3.1 > 2.5"
    worse = decide(report_of("mlp", quality=2.0, p99=2.0, **few), report_of("linear", quality=3.0, p99=1.0, **few))
    assert worse["pick"]["candidate"] == "mlp" and "significantly below" in reason(worse, "linear")


# -- budgets are held against bounds ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("goal", "said"),
    [
        ({"floor": 0.795}, "roc_auc lower bound 0.79 < 0.795"),
        ({"p99_ms": 2.05}, "p99 upper bound 2.1 ms > 2.05 ms"),
        ({"size_mb": 0.5}, "size 1 MB > 0.5 MB"),
        ({"p99_ms": 1.0, "size_mb": 0.5}, "p99 upper bound 2.1 ms > 1 ms; size 1 MB > 0.5 MB"),
    ],
)
def test_a_budget_is_held_against_the_unsafe_bound_not_the_value(report_of, goal: dict, said: str) -> None:
    ledger = decide(report_of("mlp"), **goal)
    assert ledger["pick"] is None
    assert (status(ledger), reason(ledger, "mlp")) == ({"mlp": "infeasible"}, said)


def test_a_bound_that_could_not_be_estimated_meets_no_budget(report_of) -> None:
    report = report_of("mlp")
    report["endpoint"]["p99_ms"] |= {"high": None, "reason": "no upper bound is estimable from 200 samples"}
    ledger = decide(report, p99_ms=50.0)
    assert reason(ledger, "mlp") == "p99 has no upper bound: no upper bound is estimable from 200 samples"
    assert ledger["binding"]["budget"] == "p99_ms" and ledger["nearest"][0]["changes"] == {"p99_ms": None}
    assert decide(report)["pick"]["candidate"] == "mlp"


def test_the_goal_lists_every_budget_as_asked_measured_and_met(report_of) -> None:
    ledger = decide(report_of("mlp"), floor=0.7, p99_ms=5, size_mb=2)
    assert [(g["budget"], g["asked"], g["measured"], g["met"]) for g in ledger["goal"]] == [
        ("floor", 0.7, 0.8, True),
        ("p99_ms", 5.0, 2.0, True),
        ("size_mb", 2.0, 1.0, True),
    ]
    assert ledger["goal"][1]["interval"] == [1.9, 2.1]
    assert reason(ledger, "mlp").endswith("keep every budget")


# -- when nobody fits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("goal", "budget", "candidate", "needed"),
    [
        # xgboost misses p99 alone by 2 %, linear misses the floor alone by 13 %: p99 binds
        ({"floor": 0.88, "p99_ms": 3.0}, "p99_ms", "xgboost", 3.1),
        # now p99 would have to be tenfold, the floor only 13 % lower
        ({"floor": 0.88, "p99_ms": 1.2}, "floor", "linear", 0.77),
        ({"size_mb": 0.5}, "size_mb", "linear", 1.0),
        ({"floor": 0.95}, "floor", "xgboost", 0.89),
    ],
)
def test_the_binding_budget_is_the_one_that_moves_least_to_admit_someone(report_of, goal, budget, candidate, needed):
    ledger = decide(
        report_of("xgboost", quality=0.9, p99=3.0, size=3_000_000),
        report_of("linear", quality=0.78, p99=1.0, size=1_000_000),
        **goal,
    )
    assert ledger["pick"] is None
    found = ledger["binding"]
    assert (found["budget"], found["candidate"]) == (budget, candidate)
    assert found["needed"] == pytest.approx(needed, rel=0.01)
    assert found["summary"].startswith(f"{budget} = ") and candidate in found["summary"]


def test_asking_for_what_the_binding_budget_needs_is_granted(report_of) -> None:
    reports = [report_of("xgboost", quality=0.9, p99=3.0, spread=0.1237), report_of("linear", quality=0.6, p99=1.0)]
    for goal in ({"floor": 0.8, "p99_ms": 1.7}, {"floor": 0.97, "p99_ms": 20.0}):
        found = decide(*reports, **goal)["binding"]
        assert decide(*reports, **{**goal, found["budget"]: found["needed"]})["pick"]["candidate"] == found["candidate"]


def test_a_missed_p99_names_the_load_of_the_machine_and_how_to_measure_again(report_of) -> None:
    report = report_of("mlp")
    report["machine"]["load_average_at_start"] = 7.5
    said = "(measured at load average 7.5; raise [measure] repeat to measure again)"
    assert decide(report, p99_ms=1.0)["binding"]["summary"].endswith(said)
    assert "load" not in decide(report, floor=0.99)["binding"]["summary"]


def test_when_everyone_misses_several_budgets_the_furthest_of_the_nearest_is_named_with_the_others(report_of) -> None:
    ledger = decide(report_of("mlp"), floor=0.9, p99_ms=1.0)
    assert ledger["binding"]["budget"] == "p99_ms" and "together with floor" in ledger["binding"]["summary"]


def test_the_three_nearest_choices_are_listed_nearest_first(report_of) -> None:
    reports = [report_of(use, p99=p99) for use, p99 in (("mlp", 4.0), ("linear", 2.0), ("text", 9.0), ("convnet", 3.0))]
    ledger = decide(*reports, p99_ms=1.0)
    assert [choice["candidate"] for choice in ledger["nearest"]] == ["linear", "convnet", "mlp"]
    assert ledger["nearest"][0]["summary"] == (
        "p99_ms = 2.1 admits linear (roc_auc 0.8 [0.79, 0.81], p99 2 [1.9, 2.1] ms, 1 MB)"
    )
    assert [line["met"] for line in ledger["goal"]] == [False]


# -- the ledger ---------------------------------------------------------------------------------------------------


def test_candidates_without_a_report_stand_in_the_ledger_too(report_of) -> None:
    rows = [
        {"candidate": "convnet", "status": "failed", "reason": "no image column"},
        {"candidate": "mlp + quantize-int8", "status": "not tried", "reason": "10.0 of 10 minutes spent"},
    ]
    ledger = decide(report_of("mlp"), failures=rows)
    assert status(ledger) == {"mlp": "adopted", "convnet": "failed", "mlp + quantize-int8": "not tried"}
    assert set(status(ledger).values()) <= set(STATUSES)


def test_a_candidate_is_named_by_what_differs_from_the_defaults() -> None:
    passes = [{"use": "quantize-int8", "revision": 1, "rows": 64, "per_channel": True}]
    assert name_of({"use": "my_net:Net", "width": 3}, passes) == "my_net:Net + quantize-int8 (rows=64)"


def test_reports_of_another_load_or_metric_are_refused(report_of) -> None:
    with pytest.raises(InputError, match="measured with 4 clients, the goal asks for 8"):
        decide(report_of("mlp"), clients=8, p99_ms=5.0)
    with pytest.raises(InputError, match="does not score f1"):
        decide(report_of("mlp"), metric="f1")
    with pytest.raises(InputError, match="rmse cannot score a binary task"):
        decide(report_of("mlp"), metric="rmse")


def test_the_metric_of_a_goal_may_have_settings(report_of) -> None:
    asked = {"use": "f1", "positive": "fraud"}
    assert Goal.from_settings({"target": "y", "metric": asked}).metric_for("binary").settings()["positive"] == "fraud"
    assert decide(report_of("mlp", metric="f1"), metric=asked)["metric"] == "f1"


@pytest.mark.parametrize("wrong", [{"metric": 3}, {"p99_ms": 0}, {"clients": 0}, {"prefer": "beauty"}, {"flor": 0.9}])
def test_a_goal_that_makes_no_sense_is_refused(wrong: dict) -> None:
    with pytest.raises(InputError):
        Goal.from_settings({"target": "y", **wrong}, "goal")


def test_the_ledger_is_drawn_as_rows_of_text(report_of) -> None:
    base = report_of("mlp", p99=2.0)
    rows = [{"candidate": "convnet", "status": "failed", "reason": "no image column"}]
    ledger = decide(base, report_of("mlp", base=base, ratio=1.04, size=300_000), failures=rows, floor=0.7, p99_ms=5.0)
    drawn = ledger_rows(ledger)
    assert drawn[0] == {
        "candidate": "mlp",
        "status": "adopted",
        "roc_auc": "0.8 [0.79, 0.81]",
        "p99 ms": "2 [1.9, 2.1]",
        "size": "1 MB",
        "engine x": "",
        "reason": reason(ledger, "mlp"),
    }
    assert drawn[1]["engine x"] == "1.04 [1.03, 1.05]" and drawn[2]["p99 ms"] == ""
    assert goal_lines(ledger) == [
        "met     roc_auc at least 0.7: 0.8 [0.79, 0.81]",
        "met     p99 at most 5 ms: 2 [1.9, 2.1]",
    ]
    text = ledger_text(ledger).plain
    assert all(row["candidate"] in text and row["reason"] in text for row in drawn)
