"""What the advisor measures on: copies that change nothing, begin alike, and are the very step that will train."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from aimass.core.errors import InputError
from aimass.runner.gang import Rank
from aimass.train import pulse
from aimass.train.advised import advised, fingerprint
from aimass.train.advisor.candidates import candidates
from aimass.train.augment.compose import compose
from aimass.train.augment.mixup import Mixup
from aimass.train.bench import LoopBench
from aimass.train.facts import facts_of
from aimass.train.feed import feed
from aimass.train.fit import fit
from aimass.train.job import Job
from aimass.train.parallel.single import Single
from aimass.train.plan import Origin, Plan
from aimass.train.session import train_job
from aimass.train.source import Source
from aimass.train.valid import scores_of
from tests.train.test_step import CPU, IMAGES, images, network, plan_of, ready_of


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


def test_a_module_that_cannot_be_copied_is_trained_without_advice() -> None:
    module = network()
    module.lock = threading.Lock()  # type: ignore[assignment]
    result = fit(module, images(), epochs=1, batch=32, threads=1, advise=5.0)
    assert result.facts["epochs"] == 1 and result.ledger == {}
    assert result.log[0] == (
        "no advice: the network cannot be copied to try things on: cannot pickle '_thread.lock' object"
    )


def test_the_memory_of_a_gpu_is_what_is_free_and_what_this_process_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (300, 1000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 500)
    job, _ = ready_of(network(), plan_of())
    facts = facts_of(replace(job, device=torch.device("cuda", 0)), plan_of(minutes=2), Single(CPU))
    assert facts["memory_bytes"] == 800 and facts["planned_seconds"] == 120


def test_a_layout_that_is_not_safe_here_is_refused_for_that_and_not_for_want_of_convolutions() -> None:
    strided = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 1, stride=2), torch.nn.Flatten(), torch.nn.Linear(64, 3))
    reasons = []
    for module in (strided, network(), torch.nn.Flatten()):
        job = replace(ready_of(network(), plan_of())[0], module=module)
        facts = facts_of(job, plan_of(), Single(CPU))
        layout = next(each for each in candidates(facts) if each.name == "channels-last")
        reasons.append(layout.applies(facts, plan_of()))
    assert "is not safe in this layout" in reasons[0]
    assert reasons[1:] == ["", "the network has no convolutions"]


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


def test_rows_that_are_mixed_meet_the_same_rows_in_micro_batches() -> None:
    vary = compose([Mixup(concentration=1.0)], IMAGES)
    job, _ = ready_of(network(), plan_of(), vary=vary)
    made = LoopBench(job, plan_of(), Single(CPU))
    whole, parts = made.build(made.plan), made.build(made.plan.having(accumulate=4))
    assert parts.losses(4) == pytest.approx(whole.losses(4), rel=1e-4)
    gradients, found = whole.gradients(), parts.gradients()
    plain = LoopBench(replace(job, vary=None), made.plan, Single(CPU)).build(made.plan).gradients()
    for name, value in gradients.items():
        torch.testing.assert_close(value, found[name], rtol=1e-3, atol=1e-5)
        assert not torch.allclose(value, plain[name], rtol=1e-2, atol=1e-5)


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


def test_other_rows_chance_loss_rates_or_ranks_are_another_fingerprint() -> None:
    job, made = bench()
    frozen = copy.deepcopy(job.module)
    frozen[0].weight.requires_grad_(False)
    jobs = [
        job,
        replace(job, module=frozen),
        replace(job, scales={"0.weight": 0.5}),
        replace(job, told={"augment": ["flip"]}),
        replace(job, told={"loss": "mine"}),
        replace(job, train=Source.of_tensors([images(48)[0]], images(48)[1], "memory", CPU)),
    ]
    marks = [*(fingerprint(each, made.plan) for each in jobs), fingerprint(job, made.plan, ranks=2)]
    assert len(set(marks)) == len(marks)
    assert fingerprint(replace(job), made.plan) == marks[0]


def test_what_varies_the_rows_and_the_loss_are_told_to_the_advisor(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(job: Job, *_: object) -> None:
        raise Told(job.told)

    class Told(Exception):
        pass

    monkeypatch.setattr("aimass.train.advised.allowance", lambda bench: asked(bench.job))
    with pytest.raises(Told) as caught:
        fit(network(), images(), loss=torch.nn.CrossEntropyLoss(), augment=["flip"], epochs=1)
    told = caught.value.args[0]
    assert told["loss"] == "CrossEntropyLoss" and told["augment"][0]["use"] == "flip"
    assert json.loads(json.dumps(told)) == told


def test_fewer_bits_that_unlearn_are_given_up_and_the_run_begins_again(context) -> None:
    def reckless(job: Job, plan: Plan, placement: object) -> tuple[Plan, dict[str, object]]:
        worse = {"precision": "bf16", "learning_rate": 30.0, "optimizer": "sgd", "momentum": 0.0}
        return plan.having(Origin("measured", 1.5, 1.4, 1.6), **worse), {"rows": []}

    made = context("a")
    job, ready = ready_of(network(norm=False), plan_of(clip=0.0))
    trained = train_job(made, job, ready.plan, Single(CPU), reckless)  # type: ignore[arg-type]
    assert "the run begins again by the safe one" in made.lines[-1]
    assert trained.plan.values() == ready.plan.values() and trained.facts["epochs"] == 5


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
        "seconds": 60.0,
        "switches": 0,
        "pairing": 1.0,
        "asked": time.time(),
    }
    command = [sys.executable, "-m", "aimass.train.bench", json.dumps({"order": order, "path": sys.path})]
    ran = subprocess.run(command, input=json.dumps(request) + "\n", capture_output=True, text=True, timeout=120)
    answer = json.loads(ran.stdout.strip().splitlines()[-1])
    assert answer["logs"] and answer["dropped"] >= 0
    assert 0.1 < answer["start"] < 60  # an interpreter, torch, the rows
    with pytest.raises(InputError):
        recipe.plan(400, 0).having(no_such_field=1)
