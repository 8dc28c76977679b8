"""How often somebody may try: strangers are slowed down, memory stays small."""

from __future__ import annotations

import pytest

from aimass.console.access import attempts
from aimass.console.access.attempts import Attempts


def test_five_tries_at_once_then_one_every_half_minute() -> None:
    clock = [0.0]
    tries = Attempts(lambda: clock[0])
    assert [tries.take("ada", "1.1.1.1") for _ in range(6)] == [0, 0, 0, 0, 0, 30]
    clock[0] = 30
    assert [tries.take("ada", "1.1.1.1") for _ in range(2)] == [0, 30]


def test_who_guesses_from_one_place_does_not_lock_out_another() -> None:
    tries = Attempts(lambda: 0.0)
    while not tries.take("ada", "6.6.6.6"):
        pass
    assert tries.take("ada", "1.1.1.1") == 0


def test_many_places_guess_one_name_no_faster() -> None:
    tries = Attempts(lambda: 0.0)
    good = sum(tries.take("ada", f"6.6.6.{i}") == 0 for i in range(200))
    assert good == 30


def test_one_place_guesses_many_names_no_faster() -> None:
    tries = Attempts(lambda: 0.0)
    assert sum(tries.take(f"name{i}", "6.6.6.6") == 0 for i in range(200)) == 30


def test_a_success_gives_the_try_back() -> None:
    tries = Attempts(lambda: 0.0)
    for _ in range(100):
        assert tries.take("ada", "1.1.1.1") == 0
        tries.succeeded("ada", "1.1.1.1")


def test_a_flood_of_names_is_forgotten_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST", 300)
    clock = [0.0]
    tries = Attempts(lambda: clock[0])
    for i in range(3 * attempts.MOST):
        clock[0] += 0.001
        tries.take(f"name{i}", f"10.0.{i % 65536 // 256}.{i % 256}")
    assert len(tries.ends) <= attempts.MOST + 3
