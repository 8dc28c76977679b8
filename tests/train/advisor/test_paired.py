"""Paired timing on a clock that moves only with work: every figure can be worked out."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace

import pytest

from aimass.train.advisor import noise
from aimass.train.advisor.diagnose import bound, expected, sentence, shares_of, touched
from aimass.train.advisor.noise import Floor, noise_floor
from aimass.train.advisor.paired import Block, Pairs, orders, screened, warm_up
from aimass.train.advisor.ratio import ratio_of
from aimass.train.advisor.screen import shares_after
from aimass.train.advisor.watch import Limits, Pressure, Watch
from tests.train.advisor.fakes import PARTS, FakeBench, only


class Clock:
    """Time and counters that tests move."""

    def __init__(self) -> None:
        self.at, self.stolen, self.switches = 0.0, 0, 0

    def watch(self) -> Watch:
        return Watch(lambda: self.at, lambda: Pressure(self.stolen, int(200 * self.at), self.switches))

    def work(self, seconds: float):  # type: ignore[no-untyped-def]
        def work(count: int) -> None:
            self.at += seconds * count

        return work


def pairs_of(clock: Clock, slow: float, fast: float, limits: Limits = Limits()) -> Pairs:
    blocks = (Block(clock.work(seconds), 5, seconds) for seconds in (slow, fast))
    return Pairs(*blocks, clock.watch(), Random(0), limits)


def test_each_two_pairs_hold_both_orders_and_lots_decide_which_is_first() -> None:
    drawn = orders(Random(0))
    twos = [(next(drawn), next(drawn)) for _ in range(100)]
    assert {sum(two) for two in twos} == {1}
    assert 30 < sum(first for first, _ in twos) < 70


@pytest.mark.parametrize("seconds", [0.001, 0.0073, 0.024, 0.3])
def test_a_block_is_as_long_as_was_asked_for_and_no_longer_than_it_must_be(seconds: float) -> None:
    clock = Clock()
    block = warm_up(clock.work(seconds), clock.watch(), 0.05)
    assert block.seconds == pytest.approx(seconds)
    assert block.length >= 0.9 * 0.05
    assert block.count == 1 or (block.count - 1) * seconds < 0.9 * 0.05


def test_warming_waits_for_three_blocks_that_agree_and_tells_what_the_first_call_took() -> None:
    clock, calls = Clock(), []

    def work(count: int) -> None:
        calls.append(count)
        clock.at += 3.0 if len(calls) == 1 else count * (0.05 + 0.05 / len(calls) ** 2)

    block = warm_up(work, clock.watch(), 0.05)
    assert block.first == 3.0
    assert len(calls) > 4
    assert block.seconds == pytest.approx(0.05, rel=0.03)


def test_warming_gives_up_after_its_limit() -> None:
    clock, random = Clock(), Random(0)

    def work(count: int) -> None:
        clock.at += count * 0.05 * random.uniform(1, 2)

    warm_up(work, clock.watch(), 0.05, limit=1.0)
    assert clock.at < 1.3


def test_exact_times_give_the_exact_ratio() -> None:
    ratio = pairs_of(Clock(), 0.012, 0.010).until(lambda r: r.pairs >= 12, most=12, deadline=99)
    assert ratio.value == pytest.approx(1.2)
    assert (ratio.low, ratio.high) == (pytest.approx(1.2), pytest.approx(1.2))


def test_a_hopeless_candidate_is_dropped_early_and_a_plain_one_after_twelve_pairs() -> None:
    def pairs(gain: float) -> int:
        return pairs_of(Clock(), 0.01 * gain, 0.01).until(screened, most=24, deadline=99).pairs

    assert pairs(0.9) == pairs(1.0) == 6
    assert pairs(1.3) == 12


def test_pairs_end_before_the_deadline() -> None:
    clock = Clock()
    pairs_of(clock, 0.01, 0.01).until(lambda r: False, most=1000, deadline=2.0)
    assert 1.7 < clock.at <= 2.0


def test_what_favours_the_first_place_cancels() -> None:
    clock, calls = Clock(), 0

    def work(count: int) -> None:
        nonlocal calls
        calls += 1
        clock.at += count * 0.01 * (1.1 if calls % 2 else 1.0)

    block = Block(work, 5, 0.01)
    ratio = Pairs(block, block, clock.watch(), Random(0)).until(lambda r: False, most=40, deadline=99)
    assert ratio.low < 1 < ratio.high
    assert ratio.low == pytest.approx(1 / 1.1)


@pytest.mark.parametrize("what", ["stolen", "switches"])
def test_a_disturbed_pair_is_dropped_whole_and_counted(what: str) -> None:
    clock, calls = Clock(), 0

    def work(count: int) -> None:
        nonlocal calls
        calls += 1
        disturbed = calls % 6 == 0
        clock.at += count * 0.01 * (3 if disturbed else 1)
        setattr(clock, what, getattr(clock, what) + 50 * disturbed)

    block = Block(work, 5, 0.01)
    pairs = Pairs(block, block, clock.watch(), Random(0), Limits(switches=200))
    ratio = pairs.until(lambda r: False, most=12, deadline=99)
    assert ratio.dropped >= 5
    assert (ratio.low, ratio.value, ratio.high) == (1, 1, 1)


def test_a_quiet_machine_passes_a_noisy_one_asks_for_more_and_a_very_noisy_one_is_refused() -> None:
    def floor(spread: float) -> Floor:
        bench = FakeBench(noise=lambda at, random: random.uniform(1 - spread, 1 + spread))
        block = warm_up(bench.build(bench.plan).steps, bench.watch, 0.05)
        return noise_floor(block, bench.watch, Random(0), bench.time + 3)

    assert (floor(0.01).why, floor(0.01).worth) == ("", 1.02)
    noisy = floor(0.2)
    assert noisy.why == "" and 1.05 < noisy.worth == 1 + noisy.ratio.half_width < 1.2
    assert "more than 25%" in floor(0.6).why


@pytest.mark.parametrize(("logs", "worth"), [([0.03] * 12, 1.03), ([0.03, 0.15] * 6, 1.16), ([-0.08] * 12, 1.08)])
def test_where_equal_things_differ_a_gain_must_exceed_the_difference(
    logs: list[float], worth: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = SimpleNamespace(logs=logs, rates=[], until=lambda *enough, **limits: ratio_of(logs))
    monkeypatch.setattr(noise, "Pairs", lambda *blocks: found)
    floor = noise.noise_floor(*[None] * 4)  # type: ignore[arg-type]
    assert floor.why == "" and floor.worth == pytest.approx(worth, abs=0.01)


def test_the_limit_of_switches_is_fixed_by_the_noise_floor() -> None:
    clock = Clock()

    def work(count: int) -> None:
        clock.at += count * 0.01
        clock.switches += count * 10  # a thousand a second: a busy machine, both sides alike

    floor = noise_floor(Block(work, 5, 0.01), clock.watch(), Random(0), 99)
    assert floor.why == ""
    assert floor.limits.switches == pytest.approx(3000)


def test_shares_are_those_of_the_parts_and_bounds_follow_from_them() -> None:
    bench = FakeBench(noise=lambda at, random: 1.0)
    trial = bench.build(bench.plan)
    whole = sum(PARTS.values())
    shares = shares_of(trial.phases(), whole, bench.watch, 99)
    assert shares == pytest.approx({**{part: s / whole for part, s in PARTS.items()}, "sync": 0.0}, abs=1e-6)
    assert touched(shares, ("forward", "backward")) == pytest.approx(0.75)
    assert bound(0.75) == pytest.approx(4.0)
    assert expected(0.75, 3.0) == pytest.approx(2.0)
    assert "backward 50%" in sentence(shares, whole)


def test_a_part_that_was_not_reached_may_take_everything() -> None:
    bench = FakeBench()
    shares = shares_of(bench.build(bench.plan).phases(), 0.02, bench.watch, deadline=0.0)
    assert touched(shares, ("forward",)) == 1.0
    assert touched(shares, ("sync",)) == 0.0  # one rank has no such part


def test_shares_after_an_adoption_are_those_of_the_shorter_step() -> None:
    # Forward and backward, three quarters of a step, become twice as fast: the step takes 5/8.
    after = shares_after({"data": 0.25, "forward": 0.25, "backward": 0.5}, only(), ratio_of([0.4700036] * 12))
    assert after == pytest.approx({"data": 0.4, "forward": 0.2, "backward": 0.4}, abs=1e-3)
