"""Passwords are kept so that a stolen catalog is slow to search."""

from __future__ import annotations

import pytest

from aimass.console.access import passwords
from aimass.core.errors import InputError


def test_a_hash_costs_what_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the tests beside this one have cheap passwords
    kept = passwords.hashed("correct horse battery")
    assert kept.startswith("scrypt$32768$8$3$")
    assert passwords.matches("correct horse battery", kept)


def test_only_the_password_matches_and_no_two_hashes_are_alike() -> None:
    kept, other = (passwords.hashed("pässword\x00 1") for _ in range(2))
    assert kept != other
    assert passwords.matches("pässword\x00 1", kept) and passwords.matches("pässword\x00 1", other)
    assert not any(
        passwords.matches(word, kept) for word in ("", "pässword", "pässword\x00 2", "x" * 100_000, "\ud800")
    )
    assert not passwords.matches("", passwords.nobodys())


@pytest.mark.parametrize(("password", "why"), [("", "short"), ("123456789", "short"), ("x" * 1025, "long")])
def test_a_password_has_a_decent_length(password: str, why: str) -> None:
    with pytest.raises(InputError, match=f"the password is too {why}") as caught:
        passwords.hashed(password)
    assert caught.value.expected == "10 to 1024 letters"
