"""Plans: every step from one that makes sense gives one that does, or says why not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.serve.messages import Refused
from aimass.serve.versions.desired import Plan

VERSION = st.sampled_from(["1", "2", "3", "4"])
SHARE = st.floats(0, 1)
STEPS = st.one_of(
    st.tuples(st.just("serve"), VERSION),
    st.tuples(st.just("canary"), VERSION, SHARE),
    st.tuples(st.just("split"), st.dictionaries(VERSION, st.sampled_from([0.5, 0.25, 1.0]), min_size=1)),
    st.tuples(st.just("promote")),
    st.tuples(st.just("rollback")),
    st.tuples(st.just("prove")),
    st.tuples(st.just("mirror"), VERSION),
    st.tuples(st.just("label"), st.sampled_from(["stable", "next"]), VERSION),
    st.tuples(st.just("unload"), VERSION),
)


@given(st.lists(STEPS, max_size=25))
@settings(max_examples=300, deadline=None)
def test_every_step_gives_a_plan_that_makes_sense(steps) -> None:
    plan = Plan().serve("1")
    for verb, *arguments in steps:
        try:
            plan = getattr(plan, verb)(*arguments)
        except Refused as refused:
            assert refused.status in (400, 404, 409)
            continue
        assert abs(sum(plan.shares.values()) - 1) < 1e-9 and min(plan.shares.values()) >= 0
        assert plan.stable in plan.needed and set(plan.shares) <= set(plan.needed)
        assert set(plan.labels.values()) <= set(plan.needed) and (not plan.shadow or plan.shadow in plan.needed)
        assert plan.shadow not in plan.shares
        assert len(set(plan.past)) == len(plan.past)
        assert plan.traffic.at(0.0) in plan.shares and plan.traffic.at(1.0) in plan.shares


def test_a_new_version_has_all_requests_and_the_old_one_stays_ready_until_it_is_proved() -> None:
    plan = Plan().serve("1").serve("2")
    assert plan.shares == {"2": 1.0} and plan.needed == ("2", "1") and plan.before == "1"
    assert plan.prove().needed == ("2",)
    assert plan.prove().rollback().shares == {"1": 1.0}


def test_a_canary_is_promoted_or_taken_back() -> None:
    plan = Plan().serve("1").canary("2", 0.1)
    assert plan.shares == {"1": 0.9, "2": 0.1}
    assert plan.promote().shares == {"2": 1.0} and plan.promote().before == "1"
    assert plan.rollback().shares == {"1": 1.0} and plan.rollback().past == ()


def test_rolling_back_twice_goes_two_versions_back() -> None:
    plan = Plan().serve("1").serve("2").serve("3")
    assert plan.rollback().rollback().shares == {"1": 1.0}
    with pytest.raises(Refused, match="no version to return to"):
        plan.rollback().rollback().rollback()


def test_the_version_that_has_all_requests_cannot_be_unloaded_alone() -> None:
    with pytest.raises(Refused, match="has all requests"):
        Plan().serve("1").unload("1")
    assert Plan().serve("1").unload().shares == {}


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_between_0_and_1(share: float) -> None:
    with pytest.raises(Refused):
        Plan().serve("1").canary("2", share)
