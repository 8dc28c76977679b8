"""Advice for a short run: what usually helps, tried at once against the baseline."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest
import torch

from aimass.train.advisor.advise import advise
from aimass.train.advisor.at_once import price, usual
from aimass.train.advisor.candidates import candidates
from aimass.train.advisor.record import Advice
from aimass.train.plan import USER
from tests.train.advisor.fakes import PLAN, FakeBench

FLAGS = {"flags": ["amx_bf16"], "has_convolutions": True}
GAINS = {
    ("precision", "bf16", "forward"): 0.6, ("precision", "bf16", "backward"): 0.6,
    ("layout", "channels-last", "forward"): 0.8, ("layout", "channels-last", "backward"): 0.8,
}  # fmt: skip
SHORT = replace(PLAN, update="fused")


def advice_of(bench: FakeBench, seconds: float = 6, seed: int = 0) -> Advice:
    return advise(bench, seconds=seconds, seed=seed, watch=bench.watch)


def decisions(advice: Advice) -> dict[str, str]:
    return {row.candidate: row.decision for row in advice.rows}


def test_a_short_run_tries_what_usually_helps_at_once_and_adopts_it_after_twenty_pairs() -> None:
    bench = FakeBench(GAINS, plan=SHORT, **FLAGS)
    advice = advice_of(bench)
    assert advice.verdict == "adopted" and bench.open == 0
    assert advice.changes == {"precision": "bf16", "layout": "channels-last"}
    assert advice.ratio and advice.ratio.pairs == 20 and 1.5 < advice.ratio.low < advice.ratio.high < 1.8
    assert advice.how == "20 pairs in the same process: a short run, nothing else was tried"
    assert advice.plan.origins["precision"].kind == "measured" and advice.seconds <= 1.1 * advice.budget
    told = decisions(advice)
    assert (told["bf16"], told["channels-last"], told["fused update"]) == ("adopted", "adopted", "skipped")
    assert told["prefetch"] == told["1 thread"] == "not reached" and told["compile"] == "skipped"


def test_with_the_time_for_a_search_everything_is_screened_alone() -> None:
    advice = advice_of(FakeBench(GAINS, plan=SHORT, **FLAGS), 20)
    assert advice.verdict == "adopted" and "nothing else was tried" not in advice.how
    assert advice.shares and decisions(advice)["1 thread"] != "not reached"


@pytest.mark.parametrize("gain", [1.0, 1.05])
def test_what_is_no_faster_is_refused_together(gain: float) -> None:
    found: Counter[str] = Counter()
    for seed in range(40):
        bench = FakeBench({("precision", "bf16", "*"): gain}, plan=SHORT, seed=seed, **FLAGS)
        advice = advice_of(bench, seed=seed)
        found[advice.verdict] += 1
        assert advice.plan.values() == SHORT.values() or advice.verdict == "adopted"
    assert found["adopted"] == 0


def test_what_computes_something_else_is_refused_however_fast() -> None:
    def detached(gradients: dict[str, Any], losses: list[float]) -> tuple[dict[str, Any], list[float]]:
        return {name: -gradient if name == "last.weight" else gradient for name, gradient in gradients.items()}, losses

    bench = FakeBench(GAINS, plan=SHORT, twists={("layout", "channels-last"): detached}, **FLAGS)
    advice = advice_of(bench)
    assert advice.verdict == "kept" and advice.plan.values() == SHORT.values()
    rows = {row.candidate: row for row in advice.rows}
    assert rows["bf16"].decision == "refused" and "bf16, channels-last at once" in rows["bf16"].reason
    assert "off in last.weight" in rows["bf16"].numerics and advice.plan.origins["layout"].kind == "refused"


def test_what_the_user_chose_or_the_machine_lacks_is_no_part_of_it() -> None:
    facts: dict[str, Any] = {"device": "cpu", "has_convolutions": True, "flags": ["avx512_bf16"]}
    chosen = SHORT.having(USER, precision="fp32")
    names = [[c.name for c in usual(candidates(f), f, p)] for f, p in
             ((facts, SHORT), (facts, chosen), ({**facts, "flags": []}, PLAN), ({"device": "cpu"}, SHORT))]  # fmt: skip
    assert names == [["bf16", "channels-last"], ["channels-last"], ["channels-last", "fused update"], []]


def test_one_field_is_changed_once() -> None:
    facts: dict[str, Any] = {"device": "cuda", "capability": (9, 0), "has_convolutions": True}
    assert [c.name for c in usual(candidates(facts), facts, SHORT)] == ["bf16", "channels-last"]


def test_an_exact_change_cannot_hide_behind_fewer_bits() -> None:
    def nearly(gradients: dict[str, Any], losses: list[float]) -> tuple[dict[str, Any], list[float]]:
        """A tenth wrong in one layer: a cosine of 0.995."""
        twisted = gradients["last.weight"] + 0.1 * gradients["last.weight"].norm() * torch.nn.functional.normalize(
            torch.ones(16), dim=0
        )
        return {**gradients, "last.weight": twisted}, losses

    advice = advice_of(FakeBench(GAINS, plan=SHORT, twists={("layout", "channels-last"): nearly}, **FLAGS))
    assert advice.verdict == "kept" and "off in last.weight" in {r.candidate: r for r in advice.rows}["bf16"].numerics


def test_its_price_is_kept_and_less_is_too_short() -> None:
    needed = price(0.02, 0.06, 0.05)
    for seconds in (needed + 0.6, 0.6 * needed):
        advice = advice_of(FakeBench(GAINS, plan=SHORT, **FLAGS), seconds)
        assert advice.verdict == ("adopted" if seconds > needed else "too short")
        assert advice.seconds <= 1.1 * seconds


@pytest.mark.parametrize(("gain", "verdict"), [(0.45, "adopted"), (0.94, "kept")])
def test_on_a_noisy_machine_only_what_stands_out_of_the_noise_is_adopted(gain: float, verdict: str) -> None:
    found: Counter[str] = Counter()
    for seed in range(20):
        noisy = FakeBench({("precision", "bf16", "*"): gain}, plan=SHORT, seed=seed, noise=rough, **FLAGS)
        found[advice_of(noisy, 9, seed).verdict] += 1
    assert found[verdict] >= 18 and found["too noisy"] <= 2


def rough(at: float, random: Random) -> float:
    """A tenth up or down from block to block, and every tenth block half as long again."""
    return random.uniform(0.9, 1.1) * (1.5 if random.random() < 0.1 else 1.0)
