"""The advisor's tests of itself (design, 3.4) on a clock that moves only with work, and what it does with its time.

benchmarks/advisor.py repeats the first five with real time.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from aimass.core.errors import InputError, Stopped
from aimass.train.advisor.advise import advise
from aimass.train.advisor.cached import load, save
from aimass.train.advisor.record import Advice, sentences, table
from aimass.train.advisor.search import Search
from tests.train.advisor.fakes import PLAN, FakeBench, Noise, Wandering, bursts, drifting, only, quiet
from tests.train.advisor.test_guard import TWISTS

LAYOUT = ("layout", "channels-last")
TYPICAL = {
    ("precision", "bf16", "forward"): 0.6,
    ("precision", "bf16", "backward"): 0.6,
    (*LAYOUT, "backward"): 0.8,
    ("prefetch", True, "data"): 0.2,
    ("threads", 1, "*"): 1.6,
}
FACTS = {"has_convolutions": True, "flags": ["avx512_bf16"], "has_compiler": False, "optimizer": "adamw"}


def with_gain(gain: float, **options: Any) -> FakeBench:
    """Channels-last makes a whole step GAIN times faster, all of it in the backward pass."""
    return FakeBench({(*LAYOUT, "backward"): 1 - (1 - 1 / gain) / 0.5}, **options)


def verdicts(gain: float, noise: type | Noise, runs: int = 100, seconds: float = 30) -> Counter[str]:
    found: Counter[str] = Counter()
    for seed in range(runs):
        bench = with_gain(gain, noise=noise() if isinstance(noise, type) else noise, seed=seed)
        advice = advise(bench, seconds=seconds, seed=seed, watch=bench.watch, table=[only()])
        assert advice.seconds <= 1.1 * seconds
        found[advice.verdict] += 1
    return found


@pytest.mark.parametrize("noise", [quiet, drifting, bursts], ids=lambda noise: noise.__name__)
def test_five_per_cent_faster_is_adopted_in_95_of_100(noise: Noise) -> None:
    assert verdicts(1.05, noise)["adopted"] >= 95


@pytest.mark.parametrize("noise", [quiet, drifting, bursts, Wandering], ids=lambda noise: noise.__name__)
def test_five_per_cent_slower_or_the_same_is_never_adopted(noise: Noise) -> None:
    assert verdicts(0.95, noise)["kept"] == 100
    assert verdicts(1.0, noise)["kept"] >= 98


def test_autocorrelated_noise_costs_power_and_makes_no_false_gains() -> None:
    assert verdicts(1.05, Wandering)["adopted"] >= 85
    assert verdicts(1.10, Wandering)["adopted"] >= 98


@pytest.mark.parametrize("seconds", [3, 8, 20, 60])
@pytest.mark.parametrize("scale", [0.02, 1.0, 5.0, 40.0])
def test_the_time_budget_is_kept_within_a_tenth(seconds: float, scale: float) -> None:
    for seed in range(5):
        bench = FakeBench(TYPICAL, seed=seed, scale=scale, noise=bursts, **FACTS)
        advice = advise(bench, seconds=seconds, seed=seed, watch=bench.watch)
        if advice.verdict == "too short":  # said at once, after the few steps it takes to know
            assert bench.time < 1 + 8 * 0.02 * scale * 1.5
            continue
        assert advice.seconds <= 1.1 * seconds
        assert bench.open == 0


def test_eight_seconds_are_enough_for_bf16_and_channels_last_on_steps_of_25_ms() -> None:
    bench = FakeBench(TYPICAL, scale=1.25, noise=lambda at, r: r.gauss(1, 0.01), **FACTS)
    advice = advise(bench, seconds=8, watch=bench.watch)
    assert advice.changes.items() >= {"precision": "bf16", "layout": "channels-last"}.items()
    assert advice.ratio and advice.ratio.pairs >= 20
    assert {row.candidate for row in advice.rows if row.decision == "not reached"} >= {"prefetch", "1 thread"}


def test_with_more_time_everything_is_tried_and_the_best_combination_confirmed() -> None:
    bench = FakeBench(TYPICAL, **FACTS)
    advice = advise(bench, seconds=90, watch=bench.watch)
    assert advice.changes == {"precision": "bf16", "layout": "channels-last", "prefetch": True}
    parts = {"data": 0.2 * 4, "forward": 0.6 * 5, "backward": 0.6 * 0.8 * 10, "update": 1}
    assert advice.ratio and advice.ratio.value == pytest.approx(20 / sum(parts.values()), rel=0.03)
    assert not any(row.decision == "not reached" for row in advice.rows)


def test_the_plan_says_where_its_fields_come_from() -> None:
    bench = FakeBench(TYPICAL, **FACTS)
    advice = advise(bench, seconds=60, watch=bench.watch)
    measured, refused = advice.plan.origins["precision"], advice.plan.origins["threads"]
    assert (measured.kind, measured.ratio, measured.low) == (
        "measured", round(advice.ratio.value, 4), round(advice.ratio.low, 4),  # type: ignore[union-attr]
    )  # fmt: skip
    assert refused.kind == "refused" and "slower" in refused.reason


def test_a_fast_but_wrong_candidate_is_always_refused() -> None:
    def wrong(gradients: Any, losses: Any) -> Any:
        return {**gradients, "first.weight": 0 * gradients["first.weight"]}, losses

    for seed in range(20):
        for kind in "EP":
            bench = with_gain(2.0, seed=seed, twists={LAYOUT: wrong})
            advice = advise(bench, seconds=30, seed=seed, watch=bench.watch, table=[only(kind)])
            assert advice.verdict == "kept"
            assert advice.rows[0].decision == "refused" and advice.rows[0].numerics.startswith("wrong")
    assert {"detached", "bf16_accumulated"} <= set(TWISTS)  # and on a real network: test_guard


def test_what_changes_the_algorithm_is_never_adopted_for_its_speed() -> None:
    bench = with_gain(2.0)
    advice = advise(bench, seconds=60, watch=bench.watch, table=[only("A")])
    assert (advice.verdict, advice.rows[0].decision) == ("kept", "proposed")
    slower = with_gain(0.94)
    advice = advise(slower, seconds=60, watch=slower.watch, table=[only("A")])
    assert advice.rows[0].decision == "refused" and "0.9" in advice.rows[0].reason


def test_what_moves_a_part_it_cannot_touch_is_void() -> None:
    bench = FakeBench({(*LAYOUT, "*"): 0.5})
    advice = advise(bench, seconds=30, watch=bench.watch, table=[only()])
    assert advice.verdict == "kept"
    assert advice.rows[0].reason.startswith("void: it cannot touch the update")


def test_a_set_up_that_does_not_pay_back_is_refused() -> None:
    def verdict(planned: int) -> Advice:
        bench = with_gain(1.25, setup={LAYOUT: 8.0}, planned_steps=planned)
        return advise(bench, seconds=60, watch=bench.watch, table=[only()])

    # 8 s against 4 ms a step: 2000 steps, a quarter of 8000.
    assert verdict(20_000).verdict == "adopted"
    short = verdict(4_000)
    assert short.verdict == "kept" and "pays back after 2,0" in short.rows[0].reason


def test_too_much_memory_is_refused_and_when_memory_binds_room_is_made_first() -> None:
    bench = with_gain(1.5, memory_bytes=1000, has_batch_norm=False)
    bench.peaks = lambda plan: 950 if plan.layout == "channels-last" else 500
    advice = advise(bench, seconds=30, watch=bench.watch, table=[only()])
    assert advice.verdict == "kept" and "95% of the memory" in advice.rows[0].reason
    bench.peaks = lambda plan: 950 // plan.accumulate
    advice = advise(bench, seconds=30, watch=bench.watch, table=[only()])
    assert (advice.plan.accumulate, advice.plan.layout, advice.verdict) == (2, "channels-last", "adopted")
    assert "memory binds" in next(row.reason for row in advice.rows if row.candidate == "2 micro-batches")


def test_what_later_adoptions_made_redundant_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Redundant(FakeBench):
        """Either of two changes saves the same time; the second saves more beside it."""

        def seconds(self, plan: Any) -> dict[str, float]:
            parts = super().seconds(plan)
            if plan.prefetch:
                return {**parts, "backward": 0.004}
            return {**parts, "backward": 0.006} if plan.layout == "channels-last" else parts

    monkeypatch.setattr(Search, "generous", lambda self, waiting: False)  # one pass: the first is adopted first
    bench = Redundant()
    first, second = only(), only(prefetch=True)
    second = type(second)(**{**second.__dict__, "name": "second", "typical": 1.1})
    advice = advise(bench, seconds=30, watch=bench.watch, table=[first, second])
    assert advice.changes == {"prefetch": True}, table(advice)
    row = advice.rows[0]
    assert (row.decision, row.ratio is not None) == ("refused", True)
    assert row.reason.startswith("redundant") and row.reason.endswith("beside second")


def test_a_candidate_that_cannot_run_is_a_row_and_no_error() -> None:
    class Broken(FakeBench):
        def build(self, plan: Any) -> Any:
            if plan.layout == "channels-last":
                raise RuntimeError("out of memory\nlong story")
            return super().build(plan)

    bench = Broken()
    advice = advise(bench, seconds=20, watch=bench.watch, table=[only()])
    assert advice.rows[0].reason == "it cannot be run here: out of memory"
    assert bench.open == 0


@pytest.mark.parametrize("error", [InputError("no such network"), Stopped("asked to")])
def test_what_stops_the_baseline_stops_the_advisor(error: Exception) -> None:
    class Broken(FakeBench):
        def build(self, plan: Any) -> Any:
            raise error

    bench = Broken()
    with pytest.raises(type(error)):
        advise(bench, seconds=20, watch=bench.watch)


def test_a_stop_that_was_asked_for_in_the_middle_gets_through_and_closes_everything() -> None:
    class Asked(FakeBench):
        def spend(self, seconds: float) -> None:
            super().spend(seconds)
            if self.time > 3:
                raise Stopped("asked to")

    bench = Asked()
    with pytest.raises(Stopped):
        advise(bench, seconds=20, watch=bench.watch, table=[only()])
    assert bench.open == 0


def test_known_advice_is_proven_anew_and_searched_again_when_it_no_longer_holds(tmp_path: Path) -> None:
    def run(gain: float) -> tuple[Advice, float]:
        bench = with_gain(gain)
        return advise(bench, seconds=30, watch=bench.watch, table=[only()], folder=tmp_path, key="k"), bench.time

    (first, long), (second, short) = run(1.3), run(1.3)
    assert (first.verdict, first.reused, second.verdict, second.reused) == ("adopted", False, "adopted", True)
    assert short < long and second.ratio != first.ratio
    third, _ = run(0.9)
    assert (third.verdict, third.reused) == ("kept", False)
    fourth, quick = run(0.9)
    assert fourth.reused and quick < 2.5  # nothing changes: the noise floor is all


def test_known_advice_that_computes_something_else_by_now_is_not_used_again(tmp_path: Path) -> None:
    def run(**options: Any) -> Advice:
        bench = with_gain(1.3, **options)
        return advise(bench, seconds=30, watch=bench.watch, table=[only()], folder=tmp_path, key="k")

    def detached(gradients: dict[str, Any], losses: list[float]) -> tuple[dict[str, Any], list[float]]:
        return {name: -gradient if name == "last.weight" else gradient for name, gradient in gradients.items()}, losses

    assert run().verdict == "adopted"
    again = run(twists={next(iter(only().changes.items())): detached})  # the same layers, another `forward`
    assert (again.verdict, again.reused) == ("kept", False)


def test_asked_anew_nothing_known_is_used(tmp_path: Path) -> None:
    bench = with_gain(1.3)
    given: dict[str, Any] = {"watch": bench.watch, "table": [only()], "folder": tmp_path, "key": "k"}
    assert not any(advise(bench, seconds=30, anew=anew, **given).reused for anew in (False, True))
    assert advise(bench, seconds=30, **given).reused


def test_what_noise_or_haste_left_open_is_looked_at_again(tmp_path: Path) -> None:
    def rough(at: float, random: Random) -> float:
        return random.uniform(0.85, 1.15)

    for number, noise in enumerate((rough, rough, quiet)):
        bench = with_gain(1.06, noise=noise, seed=number)
        advice = advise(bench, seconds=30, watch=bench.watch, table=[only()], folder=tmp_path, key="k")
        assert not advice.reused
    assert advice.verdict == "adopted"


def test_kept_advice_survives_its_file_and_a_damaged_one_is_no_advice(tmp_path: Path) -> None:
    bench = FakeBench(TYPICAL, **FACTS)
    advice = advise(bench, seconds=60, watch=bench.watch)
    save(tmp_path, "key", advice)
    back = load(tmp_path, "key")
    assert back and back.as_json() == advice.as_json() and back.plan == advice.plan
    assert load(tmp_path, "other") is None
    next(tmp_path.iterdir()).write_text("{")
    assert load(tmp_path, "key") is None


def test_a_folder_that_cannot_be_written_costs_the_memory_and_not_the_advice(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    bench, told = with_gain(1.3), list[str]()
    given = {"watch": bench.watch, "table": [only()], "folder": tmp_path / "file", "key": "k", "note": told.append}
    assert advise(bench, seconds=30, **given).verdict == "adopted"
    assert any(line.startswith("the advice cannot be kept for the next time") for line in told)


def test_the_table_has_a_row_a_candidate_and_every_refusal_a_sentence() -> None:
    bench = FakeBench(TYPICAL, **FACTS)
    advice = advise(bench, seconds=60, watch=bench.watch)
    lines = table(advice).split("\n")
    assert lines[0].split()[:3] == ["candidate", "share", "ratio"]
    assert len(lines) == 1 + len(advice.rows)
    told = sentences(advice)
    assert told[0].startswith("precision bf16")
    assert len(told) == 1 + sum(row.decision != "adopted" for row in advice.rows)
    assert any(line.startswith("1 thread refused: 0.6") for line in told)


def test_a_budget_too_small_for_one_candidate_says_what_it_would_take() -> None:
    bench = FakeBench(TYPICAL, scale=50, **FACTS)  # steps of a second
    advice = advise(bench, seconds=10, watch=bench.watch)
    assert advice.verdict == "too short" and advice.plan == PLAN
    needed = float(advice.reason.split(" s to compare")[0].split()[-1])
    enough = FakeBench(TYPICAL, scale=50, **FACTS)
    assert advise(enough, seconds=1.2 * needed, watch=enough.watch).verdict in ("adopted", "kept")
