"""Boosting: how many rounds, the refit on all rows but the test's, and the limit of time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb

from aimass.core.errors import InputError
from aimass.core.part import resolve
from aimass.models.base import Architecture
from aimass.train.boosting import Boosting, _refit_rounds
from aimass.train.step import train

XGBOOST = Architecture.from_settings({"use": "xgboost", "leaf_weight": 1.0, "learning_rate": 0.3})


def boosting(**given: object):
    return resolve("recipe", "boosting").from_settings({"use": "boosting", "threads": 1, **given})


def drift(arrays: dict[str, np.ndarray]) -> None:
    """The answer turns round in the validation and the test rows, as if the world had changed meanwhile."""
    if len(arrays["target"]) < 400:
        arrays["target"] = 1 - arrays["target"]


def blur(arrays: dict[str, np.ndarray]) -> None:
    noise = np.random.default_rng(len(arrays["target"])).random(len(arrays["target"]))
    arrays["target"] = np.where(noise < 0.3, 1 - arrays["target"], arrays["target"])


def facts_of(folder: Path) -> dict[str, object]:
    return json.loads((folder / "model.json").read_text())["trained"]


def trees_in(folder: Path) -> int:
    return xgb.Booster(model_file=folder / "trees.json").num_boosted_rounds()


def test_without_a_refit_the_trees_end_at_the_best_round(make_examples, context) -> None:
    made = context("a")
    recipe = boosting(refit=False, patience=10, rounds=300, segment=7)
    train.body(made, make_examples("binary", "numbers", change=blur), model=XGBOOST, recipe=recipe)
    facts = facts_of(made.folder)
    assert facts["stopped"] == "no lower validation loss for 10 rounds"
    assert facts["rounds"] == facts["best_round"] + 10
    assert trees_in(made.folder) == facts["best_round"]
    assert "refit_rows" not in facts


def test_the_refit_learns_from_both_splits_in_their_order(make_examples, context) -> None:
    examples = make_examples("binary", "numbers", rows=(400, 150, 10), change=drift)
    model = Architecture.from_settings({"use": "xgboost", "leaf_weight": 1.0, "subsample": 1.0, "columns": 1.0})
    made = context("a")
    train.body(made, examples, model=model, recipe=boosting(rounds=10, segment=100, patience=10))
    facts = facts_of(made.folder)
    count = _refit_rounds(facts["best_round"])
    assert (facts["refit_rows"], facts["refit_rounds"]) == (550, count)
    boosted = model.build(examples.signature)
    from aimass.train.data import open_split

    splits = [open_split(examples, which) for which in ("train", "valid")]
    rows = np.concatenate([boosted.features(split.named()) for split in splits])
    target = np.concatenate([split.target for split in splits])
    matrix = xgb.QuantileDMatrix(rows, target, max_bin=256, nthread=1)
    by_hand = xgb.train({**boosted.parameters, "nthread": 1}, matrix, count)
    kept = xgb.Booster(model_file=made.folder / "trees.json")
    got, expected = (b.predict(xgb.DMatrix(rows), output_margin=True) for b in (kept, by_hand))
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)


def test_more_rows_get_a_tenth_more_rounds() -> None:
    assert [_refit_rounds(best) for best in (1, 10, 95)] == [2, 11, 105]


def test_segments_only_break_the_run_not_its_result(make_examples, context) -> None:
    """Where there is no chance at all, one segment and many give the same trees."""
    examples = make_examples("multiclass", "numbers", "categories")
    model = Architecture.from_settings({"use": "xgboost", "subsample": 1.0, "columns": 1.0})
    found = []
    for segment in (3, 50):
        made = context(f"segments-of-{segment}")
        train.body(made, examples, model=model, recipe=boosting(rounds=20, segment=segment))
        found.append((made.folder / "network.onnx").read_bytes())
    assert found[0] == found[1]


def test_a_limit_too_short_for_anything_stops_after_the_first_round_and_says_so(make_examples, context) -> None:
    made = context("a")
    recipe = boosting(minutes=1e-6)
    train.body(made, make_examples("regression", "numbers"), model=XGBOOST, recipe=recipe)
    facts = facts_of(made.folder)
    assert facts["rounds"] == 1 and trees_in(made.folder) == 1
    told = "the 1e-06 minutes allowed no more"
    assert facts["stopped"] == f"{told}; no refit: {told}" and "refit_rows" not in facts


def test_the_limit_leaves_time_for_the_refit(make_examples, context, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second a round, and half as many validation rows as training rows: n + 1.2 * 1.5 * 1.1 * n seconds."""
    now = iter(np.arange(0, 1e6, 0.5))  # the clock is read twice a round
    monkeypatch.setattr("aimass.train.rounds.time.monotonic", lambda: float(next(now)))
    made = context("a")
    recipe = boosting(minutes=1.0, rounds=1000, patience=1000, segment=1000)
    train.body(made, make_examples("regression", "numbers", rows=(200, 100, 10)), model=XGBOOST, recipe=recipe)
    facts = facts_of(made.folder)
    assert facts["stopped"] == "the 1 minutes allowed no more"
    assert facts["refit_rounds"] == _refit_rounds(facts["best_round"])


def test_a_limit_that_is_long_enough_changes_nothing(make_examples, context) -> None:
    examples = make_examples("binary", "numbers")
    found = []
    for minutes in (0.0, 60.0):
        made = context(f"minutes-{minutes}")
        train.body(made, examples, model=XGBOOST, recipe=boosting(rounds=20, minutes=minutes))
        found.append((made.folder / "trees.json").read_bytes())
    assert found[0] == found[1]


def test_infinite_numbers_are_refused_in_plain_words(make_examples, context) -> None:
    def spoil(arrays: dict[str, np.ndarray]) -> None:
        arrays["x.numbers"][4, 1] = np.inf

    with pytest.raises(InputError, match=r"^XGBoost refuses the rows: (?!\[)") as caught:
        train.body(context("a"), make_examples("binary", "numbers", change=spoil), model=XGBOOST, recipe=boosting())
    assert caught.value.key == "columns"


def test_missing_numbers_are_learnt_from(make_examples, context) -> None:
    def forget(arrays: dict[str, np.ndarray]) -> None:
        arrays["x.numbers"][arrays["x.numbers"] < -1] = np.nan

    made = context("a")
    train.body(made, make_examples("binary", "numbers", change=forget), model=XGBOOST, recipe=boosting(rounds=20))
    assert min(report["valid_loss"] for report in made.reports if "valid_loss" in report) < 0.4


def test_the_refit_is_a_setting_that_is_on() -> None:
    assert Boosting().refit is True
    assert boosting(refit=False).settings()["refit"] is False
