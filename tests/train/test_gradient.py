"""The loop of gradient descent: what stops it, what it keeps, what it tells, and the plan it follows."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_model

from aimass.core.errors import InputError
from aimass.core.part import resolve
from aimass.models.base import Architecture
from aimass.models.export import scores_of
from aimass.train import pulse
from aimass.train.data import open_split
from aimass.train.losses import loss_of
from aimass.train.pulse import Pulse
from aimass.train.source import Source
from aimass.train.step import train

MLP = Architecture.from_settings({"use": "mlp", "width": 32, "dropout": 0.0})


def gradient(**given: object):
    return resolve("recipe", "gradient").from_settings({"use": "gradient", "threads": 1, **given})


def test_an_early_stop_keeps_the_best_weights(make_examples, context) -> None:
    def blur(arrays: dict[str, np.ndarray]) -> None:
        noise = np.random.default_rng(len(arrays["target"])).random(len(arrays["target"]))
        arrays["target"] = np.where(noise < 0.4, 1 - arrays["target"], arrays["target"])

    examples = make_examples("binary", "numbers", rows=(80, 80, 10), change=blur)
    made = context("a")
    recipe = gradient(epochs=60, patience=4, batch=16, learning_rate=0.01, schedule="constant", weight_decay=0.0)
    train.body(made, examples, model=MLP, recipe=recipe)
    facts = json.loads((made.folder / "model.json").read_text())["trained"]
    assert facts["stopped"] == "no lower validation loss for 4 epochs"
    assert facts["epochs"] == facts["best_epoch"] + 4 < 60
    told = [report["valid_loss"] for report in made.reports if "valid_loss" in report]
    module = MLP.build(examples.signature)
    load_model(module, made.folder / "weights.safetensors")
    valid = open_split(examples, "valid")
    scores = torch.from_numpy(scores_of(module, list(valid.named().values())))
    kept = float(loss_of(examples.signature)(scores, torch.from_numpy(np.array(valid.target))))
    assert kept == pytest.approx(min(told), rel=1e-5)
    assert told[-1] > min(told)


def test_a_bad_batch_changes_nothing_and_is_told(make_examples, context) -> None:
    def spoil(arrays: dict[str, np.ndarray]) -> None:
        if len(arrays["target"]) == 400:
            arrays["x.numbers"][5] = np.inf

    made = context("a")
    train.body(made, make_examples("binary", "numbers", change=spoil), model=MLP, recipe=gradient(epochs=3, batch=40))
    assert made.lines == [f"epoch {epoch}: 1 steps without a finite loss were skipped" for epoch in (1, 2, 3)]
    assert all(np.isfinite(report.get("valid_loss", 0.0)) for report in made.reports)


def test_a_loss_that_stays_no_number_names_the_step_and_the_setting(make_examples, context) -> None:
    def spoil(arrays: dict[str, np.ndarray]) -> None:
        arrays["x.numbers"][::3] = np.inf

    with pytest.raises(InputError, match=r"the loss is nan at step \d+ of epoch 1") as caught:
        train.body(context("a"), make_examples("binary", "numbers", change=spoil), model=MLP, recipe=gradient())
    assert caught.value.key == "learning_rate" and "learning_rate" in caught.value.todo


def test_only_the_validation_loss_can_be_no_number_too(make_examples, context) -> None:
    def spoil(arrays: dict[str, np.ndarray]) -> None:
        if len(arrays["target"]) == 50:
            arrays["x.numbers"][3] = np.nan

    examples = make_examples("regression", "numbers", rows=(100, 50, 10), change=spoil)
    with pytest.raises(InputError, match="the validation loss is nan after epoch 1"):
        train.body(context("a"), examples, model=MLP, recipe=gradient())


def test_fewer_rows_than_a_batch_make_one_step_an_epoch(make_examples, context) -> None:
    made = context("a")
    recipe = gradient(epochs=3, batch=256)
    train.body(made, make_examples("multiclass", "numbers", rows=(30, 5, 5)), model=MLP, recipe=recipe)
    assert (recipe.plan(30, 0).batch, recipe.plan(30, 0).steps) == (30, 1)
    assert made.told["epochs"] == 3


def test_a_limit_that_nobody_looked_at_in_time_stops_after_the_first_epoch_and_says_so(
    make_examples, context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "TELL_EVERY", 1e9)
    made = context("a")
    train.body(made, make_examples("binary", "numbers"), model=MLP, recipe=gradient(minutes=1e-6, epochs=9))
    assert made.told["epochs"] == made.told["best_epoch"] == 1
    assert made.told["stopped"] == "the 1e-06 minutes allowed 1 of 9 epochs"


def test_a_limit_that_is_long_enough_changes_nothing(make_examples, context) -> None:
    examples = make_examples("binary", "numbers")
    made = [context("a"), context("b")]
    for each, minutes in zip(made, (0.0, 60.0), strict=True):
        train.body(each, examples, model=MLP, recipe=gradient(epochs=3, minutes=minutes))
    weights = [(each.folder / "weights.safetensors").read_bytes() for each in made]
    assert weights[0] == weights[1]
    assert made[1].told["stopped"] == "all epochs done"


def test_a_short_limit_plans_the_epochs_that_fit_and_lets_the_rate_fall_for_their_end(
    make_examples, context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pulse, "seconds", lambda clock: 10.0 * clock.state.done / clock.state.plan.steps)
    made, recipe = context("a"), gradient(epochs=20, minutes=1.0, patience=20)
    train.body(made, make_examples("binary", "numbers"), model=MLP, recipe=recipe)
    assert made.told["epochs"] == 6
    assert made.told["stopped"] == "the 1 minutes allowed 6 of 20 epochs"
    plan = recipe.plan(400, 0)
    assert plan.rate(6 * plan.steps, 6) == pytest.approx(plan.learning_rate / 1000)


def test_one_slow_epoch_does_not_cut_the_run_short(make_examples, context, monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(clock: Pulse) -> float:
        """12 for the first epoch, 2 for each of the others."""
        done = clock.state.done / clock.state.plan.steps
        return 12 * min(done, 1.0) + 2 * max(done - 1, 0.0)

    monkeypatch.setattr(Pulse, "seconds", seconds)
    made = context("a")
    recipe = gradient(epochs=19, minutes=1.2, patience=19)
    train.body(made, make_examples("binary", "numbers"), model=MLP, recipe=recipe)
    assert (made.told["epochs"], made.told["stopped"]) == (19, "all epochs done")
    made, short = context("b"), gradient(epochs=19, minutes=0.5, patience=19)
    train.body(made, make_examples("binary", "numbers"), model=MLP, recipe=short)
    assert (made.told["epochs"], made.told["stopped"]) == (10, "the 0.5 minutes allowed 10 of 19 epochs")


def test_live_metrics_say_how_fast_it_goes_and_how_long_it_will_take(
    make_examples, context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "TELL_EVERY", 0.0)
    monkeypatch.setattr(Pulse, "seconds", lambda clock: 10.0 * clock.state.done / clock.state.plan.steps)
    made = context("a")
    train.body(made, make_examples("binary", "numbers"), model=MLP, recipe=gradient(epochs=2, batch=100))
    assert [report["at"] for report in made.reports] == [0.25, 0.5, 0.75, 1.0, 1, 1.25, 1.5, 1.75, 2.0, 2]
    assert all(report["rows_per_s"] > 0 and np.isfinite(report["loss"]) for report in made.reports)
    left = [report["seconds_left"] for report in made.reports]  # a step of these takes 2.5 seconds
    assert left == [17.5, 15.0, 12.5, 10.0, 10.0, 7.5, 5.0, 2.5, 0.0, 0.0]
    assert ["valid_roc_auc" in report for report in made.reports] == [at in (4, 9) for at in range(10)]


def test_rows_are_fetched_by_the_batch_and_never_one_by_one(
    make_examples, context, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[int] = []
    inner = Source.fetch
    monkeypatch.setattr(Source, "fetch", lambda source, rows: (fetched.append(len(rows)), inner(source, rows))[1])
    train.body(context("a"), make_examples("binary", "numbers"), model=MLP, recipe=gradient(epochs=2, batch=100))
    assert min(fetched) >= 100


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine", "constant"])
def test_a_rate_is_never_above_the_highest_nor_below_zero(schedule: str) -> None:
    plan = gradient(schedule=schedule, learning_rate=0.01).plan(5000, 0)
    rates = [plan.rate(step, plan.epochs) for step in range(plan.steps * plan.epochs + 1)]
    assert min(rates) > 0 and max(rates) == pytest.approx(0.01, rel=1e-3)
    assert (rates[-1] < rates[0] * 1.01) or schedule == "constant"


@settings(max_examples=50, deadline=None)
@given(rows=st.integers(2, 10_000_000), batch=st.one_of(st.just("auto"), st.integers(1, 1_000_000)))
def test_no_plan_makes_a_batch_of_a_single_row(rows: int, batch: int | str) -> None:
    plan = gradient(batch=batch).plan(rows, 0)
    assert rows // plan.steps >= 2 or plan.steps == 1
    assert plan.epochs >= 1
