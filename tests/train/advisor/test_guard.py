"""Guards on a real network: honest accelerations pass, fast but wrong ones never do."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest
import torch
from torch import nn

from aimass.train.advisor import exact, fewer_bits
from aimass.train.advisor.guard import guard
from aimass.train.advisor.session import Session
from aimass.train.advisor.watch import Watch
from tests.train.advisor.fakes import FakeBench
from tests.train.advisor.real import PLAN, RealBench


def detached(module: Any) -> None:
    """The first layer is cut off: its gradient is never computed, which is quick."""
    module[0].register_forward_hook(lambda layer, given, out: out.detach())


def scaled(module: Any) -> None:
    """One layer's gradient is a thousandth too long."""
    module[3].weight.register_hook(lambda gradient: 1.001 * gradient)


def bf16_accumulated(module: nn.Module) -> None:
    """Gradients are added up in bfloat16, said to be exact."""
    for parameter in module.parameters():
        parameter.register_hook(lambda gradient: gradient.bfloat16().float())


def bf16_swamped(module: nn.Module) -> None:
    """Gradients are added to a large bfloat16 number first, so that most of each is lost."""
    for parameter in module.parameters():
        parameter.register_hook(lambda g: (g.bfloat16() + (big := 16 * g.abs().max().bfloat16()) - big).float())


def frozen(module: Any) -> None:
    """The last layer's bias is not trained; one small gradient is missing."""
    module[9].bias.requires_grad_(False)


def blown_up(module: Any) -> None:
    module[0].register_forward_hook(lambda layer, given, out: out * math.nan)


TWISTS = {t.__name__: t for t in (detached, scaled, bf16_accumulated, bf16_swamped, frozen, blown_up)}


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr(exact, "STEPS", 12)
    monkeypatch.setattr(fewer_bits, "STEPS", 20)
    return Session(RealBench(twists=TWISTS), Watch(), 10_000.0, Random(0), lambda text: None, step=1.0)


def verdict(session: Session, kind: str, base: dict[str, Any] | None = None, **changes: Any) -> tuple[bool, str]:
    incumbent = PLAN.having(**(base or {}))
    safe, old, new = (session.cold(plan) for plan in (PLAN, incumbent, incumbent.having(**changes)))
    return guard(session, kind, safe, old, new)


@pytest.mark.parametrize(
    ("precision", "changes"),
    [
        ("fp32", {"layout": "channels-last"}),
        ("bf16", {"layout": "channels-last"}),
        ("fp32", {"update": "fused"}),
        ("bf16", {"update": "foreach"}),
        ("fp32", {"threads": 2}),
    ],
)
def test_exact_accelerations_pass_on_top_of_any_precision(session: Session, precision: str, changes: Any) -> None:
    good, told = verdict(session, "E", {"precision": precision}, **changes)
    assert good, told
    assert "12 losses agree" in told


def test_bf16_passes_as_fewer_bits_and_not_as_exact_maths(session: Session) -> None:
    good, told = verdict(session, "P", precision="bf16")
    assert good, told
    assert "cosine 0.99" in told or "cosine 1.0" in told
    assert not verdict(session, "E", precision="bf16")[0]


@pytest.mark.parametrize("wrong", TWISTS)
def test_a_fast_but_wrong_candidate_is_refused_as_exact_maths(session: Session, wrong: str) -> None:
    good, told = verdict(session, "E", hook=wrong)
    assert not good, told


@pytest.mark.parametrize("wrong", ["detached", "bf16_swamped", "frozen", "blown_up"])
def test_a_candidate_that_learns_otherwise_is_refused_as_fewer_bits_too(session: Session, wrong: str) -> None:
    good, told = verdict(session, "P", hook=wrong)
    assert not good, told


def test_the_worst_layer_is_named(session: Session) -> None:
    assert "3.weight" in verdict(session, "E", hook="scaled")[1]
    assert "0.weight" in verdict(session, "E", hook="detached")[1]
    assert " in 0" in verdict(session, "P", hook="detached")[1]


def test_errors_and_cosines_are_those_of_the_formulas() -> None:
    wanted = {"a.weight": torch.tensor([3.0, 4.0]), "a.bias": torch.tensor([0.0]), "b.weight": torch.tensor([1.0])}
    found = {"a.weight": torch.tensor([4.0, 3.0]), "a.bias": torch.tensor([0.0]), "b.weight": torch.tensor([1.0])}
    error, worst = exact.gradient_error(found, wanted)
    assert (error, worst) == (pytest.approx(math.sqrt(2) / 5), "a.weight")
    assert fewer_bits.cosines(found, wanted) == {"a": pytest.approx(24 / 25), "b": pytest.approx(1.0)}
    assert exact.gradient_error({}, wanted)[0] == math.inf


def test_a_gap_wider_than_a_hundredth_is_held_against_what_chance_does() -> None:
    def wider(gradients: Any, losses: list[float]) -> Any:
        return gradients, [1.03 * loss for loss in losses]

    def judged(spread: float) -> tuple[bool, str]:
        # Other seeds: losses a share SPREAD off, and the next again.
        bench = FakeBench(twists={("precision", "bf16"): wider, **{("seed", s): other(s * spread) for s in (1, 2)}})
        session = Session(bench, bench.watch, 1e9, Random(0), lambda text: None, step=1.0)
        safe, new = session.cold(bench.plan), session.cold(bench.plan.having(precision="bf16"))
        return guard(session, "P", safe, safe, new)

    def other(share: float) -> Any:
        return lambda gradients, losses: (gradients, [(1 + share) * loss for loss in losses])

    assert judged(0.02)[0]  # fakes' seeds are 1 % apart as they are: the spread is 3 %
    assert not judged(-0.01)[0]  # and here there is none


def test_fp16_must_tell_its_skipped_updates_and_skip_few() -> None:
    assert fewer_bits.judge_skips([True] * 10 + [False] * 40)[0]
    assert not fewer_bits.judge_skips([True] * 10 + [False] * 39 + [True])[0]
    bench = FakeBench()
    session = Session(bench, bench.watch, 1e9, Random(0), lambda text: None, step=1.0)
    safe, new = session.cold(bench.plan), session.cold(bench.plan.having(precision="fp16"))
    assert guard(session, "P", safe, safe, new) == (False, "it does not tell which updates were skipped")
    new.trial.skipped = [False] * 50  # type: ignore[attr-defined]
    assert guard(session, "P", safe, safe, new)[0]


def test_a_small_budget_shortens_the_guard_and_says_so() -> None:
    bench = FakeBench()
    session = Session(bench, bench.watch, 8.0, Random(0), lambda text: None, step=0.02)
    safe, new = session.ready(bench.plan), session.ready(bench.plan.having(layout="channels-last"))
    good, told = guard(session, "E", safe, safe, new)
    assert good and "of 30 steps: small budget" in told
