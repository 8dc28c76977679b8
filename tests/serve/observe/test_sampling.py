"""A share of requests is that share, and always the same requests."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.serve.observe.sampling import sampled


@given(st.text(max_size=20), st.floats(0, 1), st.floats(0, 1))
@settings(deadline=None)
def test_who_is_in_a_share_is_in_every_larger_one(id: str, one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert sampled(id, more) or not sampled(id, less)
    assert sampled(id, 1.0) and not sampled(id, 0.0)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("form", ["a1b2c3d4-{}", "{}", "7f{:08x}", "{:032x}"])
def test_of_numbered_requests_the_share_is_kept(form: str, share: float) -> None:
    n = 20_000
    found = sum(sampled(form.format(i), share) for i in range(n))
    assert abs(found - share * n) < 5 * (share * (1 - share) * n) ** 0.5  # five standard deviations of pure chance
