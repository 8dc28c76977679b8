"""Which candidates there are, which apply where, and which never go together."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from aimass.train.advisor.candidates import candidates
from aimass.train.advisor.conflicts import conflict
from aimass.train.advisor.diagnose import PARTS
from aimass.train.advisor.ratio import ratio_of
from aimass.train.advisor.rule import break_even, fast_enough, fits, memory_share, pays, sure
from aimass.train.advisor.screen import row_of, sift
from aimass.train.advisor.session import Session
from aimass.train.plan import SPEED, USER
from tests.train.advisor.fakes import PLAN, FakeBench

CPU = {"device": "cpu", "cores": 6, "host_bytes": 10}
GPU = {"device": "cuda", "cores": 8, "capability": (9, 0), "memory_bytes": 10, "host_bytes": 10}


def found(facts: dict[str, Any], **plan: Any) -> dict[str, str]:
    """Reason against each candidate, by name."""
    return {c.name: c.applies(facts, PLAN.having(**plan)) for c in candidates(facts)}


@pytest.mark.parametrize("candidate", candidates(GPU | {"ranks": 2}), ids=lambda candidate: candidate.name)
def test_every_candidate_changes_fields_of_speed_alone_and_touches_parts_there_are(candidate: Any) -> None:
    assert set(candidate.changes) <= set(SPEED)
    assert candidate.touches and set(candidate.touches) <= set(PARTS)
    assert candidate.typical > 1
    assert (candidate.kind == "A") == ("hook" in candidate.changes)
    assert (candidate.kind == "P") == ("precision" in candidate.changes)


@pytest.mark.parametrize(
    ("name", "facts", "yes"),
    [
        ("bf16", CPU | {"flags": ["avx512_bf16"]}, True),
        ("bf16", CPU | {"flags": ["avx2"]}, False),
        ("bf16", GPU, True),
        ("bf16", GPU | {"capability": (7, 5)}, False),
        ("fp16", GPU | {"capability": (7, 5)}, True),
        ("fp16", CPU | {"flags": ["avx512_bf16"]}, False),
        ("tf32", GPU, True),
        ("tf32", CPU, False),
        ("channels-last", CPU | {"has_convolutions": True}, True),
        ("channels-last", CPU, False),
        ("compile", CPU | {"has_compiler": True}, True),
        ("compile", CPU, False),
        ("CUDA graphs", GPU, True),
        ("CUDA graphs", CPU, False),
        ("4 threads", CPU, True),
        ("4 threads", GPU, False),
        ("data on the device", GPU | {"data_bytes": 5}, True),
        ("data on the device", GPU | {"data_bytes": 6}, False),
        ("PowerSGD", CPU | {"ranks": 2}, True),
        ("PowerSGD", CPU, False),
    ],
)
def test_a_candidate_applies_where_the_machine_can_do_it(name: str, facts: dict[str, Any], yes: bool) -> None:
    assert (found(facts)[name] == "") is yes


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd", "adagrad", "rmsprop", "adadelta", "muon"])
def test_fused_and_foreach_updates_are_offered_to_the_optimizers_that_torch_has_them_for(optimizer: str) -> None:
    import inspect

    import torch

    names = {kind.lower(): kind for kind in dir(torch.optim)}
    has = inspect.signature(getattr(torch.optim, names[optimizer])).parameters
    told = found(CPU, optimizer=optimizer)
    assert (told["fused update"] == "") is ("fused" in has)
    assert (told["foreach update"] == "") is ("foreach" in has)


def test_threads_go_by_powers_of_two_to_all_cores() -> None:
    names = [name for name in found(CPU) if "thread" in name]
    assert names == ["1 thread", "2 threads", "4 threads", "6 threads"]


def test_kernels_are_never_picked_by_timing_unless_the_user_asks_for_it() -> None:
    """A resumed run might pick others, with other bits."""
    assert {c.changes["compile"] for c in candidates(GPU) if "compile" in c.changes} == {"default", "reduce-overhead"}


@pytest.mark.parametrize(
    ("facts", "plan"),
    [
        (GPU | {"dynamic_shapes": True}, {"graphs": True}),
        (GPU | {"dynamic_shapes": True}, {"compile": "reduce-overhead"}),
        (GPU, {"graphs": True, "compile": "default"}),
        (GPU | {"ranks": 2}, {"graphs": True}),
        (GPU, {"hook": "fp16", "precision": "fp16"}),
        (GPU, {"prefetch": True, "tier": "device"}),
    ],
)
def test_illegal_pairs_are_known_in_advance(facts: dict[str, Any], plan: dict[str, Any]) -> None:
    assert conflict(facts, PLAN.having(**plan))
    for name in plan if len(plan) > 1 else ():  # each half alone is legal
        assert not conflict(facts, PLAN.having(**{name: plan[name]}))


def test_what_cannot_bring_two_per_cent_is_skipped_with_its_bound() -> None:
    bench = FakeBench(shares={})
    session = Session(bench, bench.watch, 60, Random(0), lambda text: None)
    session.shares = {"data": 0.015, "copy": 0.0, "forward": 0.5, "backward": 0.4, "update": 0.08, "sync": 0.0}
    table = {c.name: c for c in candidates(bench.facts)}
    session.rows = {name: row_of(c) for name, c in table.items()}
    assert sift(session, table["prefetch"], PLAN) == "it touches 1.5% of a step: 1.02x at most"
    assert sift(session, table["fused update"], PLAN) == ""
    assert sift(session, table["2 threads"], PLAN) == "the plan has threads 2 already"
    by_hand = PLAN.having(USER, update="single")
    assert sift(session, table["fused update"], by_hand) == "update was chosen by the user"


def test_the_rules_of_adoption_are_those_of_the_design() -> None:
    assert fast_enough(ratio_of([0.0199] * 12)) == ""  # 1.0201
    assert "1.02 at least" in fast_enough(ratio_of([0.0197] * 12))  # 1.0199
    assert "slower" in fast_enough(ratio_of([-0.1] * 12))
    assert "disturbed" in fast_enough(ratio_of([0.5] * 12, dropped=13))
    assert "too few" in fast_enough(ratio_of([0.5] * 5))
    assert fits(memory_share(90, {"memory_bytes": 100})) == ""
    assert fits(memory_share(91, {"memory_bytes": 100})) != ""
    assert memory_share(91, {}) is None
    steps = break_even(10.0, 0.1, ratio_of([0.6931472] * 12))  # twice as fast: 50 ms saved a step
    assert steps == pytest.approx(200, rel=1e-4)
    assert pays(steps, 0.1, {"planned_steps": 801}) == ""
    assert "25%" in pays(steps, 0.1, {"planned_steps": 799})
    assert pays(steps, 0.1, {"planned_steps": 801, "planned_seconds": 80.2}) == ""
    assert "of the 799 planned" in pays(steps, 0.1, {"planned_steps": 9000, "planned_seconds": 79.9})
    many = {str(i): 0.5 for i in range(60)}
    assert sure(ratio_of([0.1] * 20), many) == ""  # 2 ** -20
    assert "Holm" in sure(ratio_of([0.1] * 10), many)  # 2 ** -10 among 61
