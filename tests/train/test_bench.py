"""What the advisor measures on: copies that change nothing, begin alike, and are the very step that will train."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from aimass.core.errors import InputError
from aimass.runner.gang import Rank
from aimass.train import pulse
from aimass.train.advised import advised, fingerprint
from aimass.train.bench import LoopBench
from aimass.train.feed import feed
from aimass.train.job import Job
from aimass.train.parallel.single import Single
from aimass.train.plan import Plan
from aimass.train.session import train_job
from aimass.train.valid import scores_of
from tests.train.test_step import CPU, network, plan_of, ready_of


def bench(**given: object) -> tuple[Job, LoopBench]:
    job, _ = ready_of(network(norm=True, dropout=0.2), plan_of())
    return job, LoopBench(job, plan_of(**given), Single(CPU))


def test_a_trial_leaves_the_module_and_torchs_chance_alone() -> None:
    job, made = bench()
    before = {name: value.clone() for name, value in job.module.state_dict().items()}
    chance = torch.get_rng_state()
    trial = made.build(made.plan)
    trial.steps(7)
    trial.losses(3)
    trial.gradients()
    trial.close()
    assert all(value.equal(before[name]) for name, value in job.module.state_dict().items())
    assert torch.get_rng_state().equal(chance)


def test_losses_and_gradients_begin_anew_whatever_ran_before() -> None:
    _, made = bench()
    trial = made.build(made.plan)
    losses, gradients = trial.losses(4), trial.gradients()
    trial.steps(5)
    assert trial.losses(4) == losses
    assert all(value.equal(gradients[name]) for name, value in trial.gradients().items())


def test_losses_are_those_of_the_training_itself() -> None:
    job, _ = ready_of(network(), plan_of())
    made = LoopBench(job, plan_of(), Single(CPU))
    expected, ready = ready_of(network(), plan_of())
    with feed(expected.train, ready.plan, ready.placement, 0, 0) as batches:
        for batch, count in batches:
            ready.step(batch, count)
    assert made.build(made.plan).losses(3) == pytest.approx(ready.state.losses.settle().tolist(), rel=1e-6)


def test_phases_can_be_repeated() -> None:
    _, made = bench()
    for phase in made.build(made.plan).phases().values():
        phase(3)


def test_bf16_and_channels_last_agree_with_the_safe_plan() -> None:
    _, made = bench()
    safe = made.build(made.plan).gradients()
    for changes in ({"precision": "bf16"}, {"layout": "channels-last"}):
        other = made.build(made.plan.having(**changes)).gradients()
        for name, value in safe.items():
            cosine = torch.cosine_similarity(value.flatten(), other[name].flatten(), dim=0)
            assert cosine > 0.99 or float(value.norm()) < 1e-4, (changes, name)


def test_a_short_run_is_not_advised(context) -> None:
    job, made = bench()
    asked = advised("auto", None, lambda line: None, Rank())
    assert asked(job, made.plan, made.placement) == (made.plan, {})


def test_a_copy_that_does_not_fit_beside_the_network_is_no_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("no room")

    job, made = bench()
    monkeypatch.setattr(LoopBench, "build", full)
    told: list[str] = []
    assert advised(9.0, None, told.append, Rank())(job, made.plan, made.placement) == (made.plan, {})
    assert "do not fit in memory" in told[0]


def test_gradients_are_those_of_the_micro_batches_a_plan_asks_for() -> None:
    job, _ = ready_of(network(), plan_of())
    made = LoopBench(job, plan_of(), Single(CPU))
    sizes: list[int] = []
    trial = made.build(made.plan.having(accumulate=4))
    trial.job.module.register_forward_pre_hook(lambda module, given: sizes.append(len(given[0])))
    parts, whole = trial.gradients(), made.build(made.plan).gradients()
    assert sizes == [8] * 4
    for name, value in whole.items():
        torch.testing.assert_close(value, parts[name], rtol=1e-4, atol=1e-6)


def test_what_was_advised_is_told_by_a_resumed_run_too(context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "TELL_EVERY", 0.0)
    asked: list[Plan] = []

    def advisor(job: Job, plan: Plan, placement: object) -> tuple[Plan, dict[str, object]]:
        asked.append(plan)
        return plan.having(update="foreach"), {"rows": [1]}

    for name in ("first", "second"):
        job, ready = ready_of(network(), plan_of())
        trained = train_job(context(name, resume="shared"), job, ready.plan, Single(CPU), advisor)  # type: ignore[arg-type]
        assert trained.ledger == {"rows": [1]} and trained.plan.update == "foreach"
    assert len(asked) == 1


def test_a_rank_without_a_row_to_judge_asks_the_network_for_no_empty_batch() -> None:
    job, _ = ready_of(network(), plan_of())
    job.module.register_forward_pre_hook(lambda module, given: None if len(given[0]) else pytest.fail("no row"))
    assert scores_of(job, job.valid, 32, slice(5, 5)).shape == (0, 3)


def test_another_network_or_plan_is_another_fingerprint() -> None:
    job, made = bench()
    other, _ = ready_of(network(), plan_of())
    plans = [made.plan, made.plan.having(batch=48), made.plan.having(seed=9)]
    marks = [fingerprint(job, plan) for plan in plans]
    assert marks[0] == marks[2] != marks[1] and fingerprint(other, made.plan) != marks[0]


def test_an_advised_plan_whose_numbers_go_wrong_is_given_up_once(context) -> None:
    def reckless(job: Job, plan: Plan, placement: object) -> tuple[Plan, dict[str, object]]:
        return plan.having(learning_rate=1e30, optimizer=plan.optimizer), {"rows": []}

    made = context("a")
    job, ready = ready_of(network(norm=True), plan_of(clip=0.0))
    trained = train_job(made, job, ready.plan, Single(CPU), reckless)  # type: ignore[arg-type]
    assert "the advised plan is given up" in made.lines[-1] and trained.plan.values() == ready.plan.values()
    assert trained.facts["epochs"] == 5
    assert all(torch.isfinite(value).all() for value in job.module.state_dict().values())


def test_a_fresh_process_answers_for_the_same_order(make_examples, tmp_path: Path) -> None:
    from aimass.core.part import resolve
    from aimass.models.base import Architecture
    from aimass.train.worker import open_order

    recipe = resolve("recipe", "gradient").from_settings({"use": "gradient", "epochs": 5, "batch": 50, "threads": 1})
    order = recipe.order(Architecture.from_settings("mlp"), make_examples("binary", "numbers"), 0, None)
    plan = open_order(order, CPU).plan
    request = {
        "plan": plan.digest,
        "room": {},
        "changes": {"update": "foreach"},
        "seed": 1,
        "seconds": 30.0,
        "switches": 0,
    }
    command = [sys.executable, "-m", "aimass.train.bench", json.dumps({"order": order, "path": sys.path})]
    ran = subprocess.run(command, input=json.dumps(request) + "\n", capture_output=True, text=True, timeout=120)
    answer = json.loads(ran.stdout.strip().splitlines()[-1])
    assert answer["logs"] and answer["dropped"] >= 0
    with pytest.raises(InputError):
        recipe.plan(400, 0).having(no_such_field=1)
