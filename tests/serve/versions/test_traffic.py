"""Who answers: shares are kept, and who sends the same gets the same version."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from aimass.serve.versions.traffic import Traffic


def asked(**fields: str):
    said = {name.encode(): value.encode() for name, value in fields.items()}
    return said.get


def test_shares_are_kept() -> None:
    traffic = Traffic((("1", 0.7), ("2", 0.2), ("3", 0.1)))
    counts = Counter(traffic.pick(asked()) for _ in range(20_000))
    assert abs(counts["1"] - 14_000) < 500 and abs(counts["2"] - 4_000) < 400 and abs(counts["3"] - 2_000) < 300


def test_a_share_of_0_gets_nothing() -> None:
    traffic = Traffic((("1", 1.0), ("2", 0.0)))
    assert {traffic.at(i / 1000) for i in range(1001)} == {"1"}


@given(st.text(min_size=1, max_size=40), st.floats(0.01, 0.99), st.floats(0, 1))
def test_who_has_the_canary_keeps_it_while_its_share_grows(user: str, share: float, more: float) -> None:
    grown = share + more * (1 - share)
    before = Traffic((("1", 1 - share), ("2", share)), "user").pick(asked(user=user))
    after = Traffic((("1", 1 - grown), ("2", grown)), "user").pick(asked(user=user))
    assert not (before == "2" and after == "1")


def test_the_same_value_gets_the_same_version_and_values_are_spread() -> None:
    traffic = Traffic((("1", 0.5), ("2", 0.5)), "user")
    first = [traffic.pick(asked(user=f"u{i}")) for i in range(2000)]
    assert first == [traffic.pick(asked(user=f"u{i}")) for i in range(2000)]
    assert abs(first.count("1") - 1000) < 150
