"""Keys: told once, kept as hashes, strict about every field."""

from __future__ import annotations

import hmac
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.core.errors import InputError
from aimass.serve.access import keys
from aimass.serve.access.keys import SCOPES, Key, cut, hashed, key_from_json, moment, new_key

KEY, TOKEN = new_key("test", ("predict",))


def test_a_key_opens_with_its_secret_and_no_other() -> None:
    id, secret = cut(TOKEN)
    assert id == KEY.id and KEY.opened_by(secret)
    other = new_key("test", ("predict",))[1]
    assert not KEY.opened_by(cut(other)[1]) and not KEY.opened_by("") and not KEY.opened_by(secret[:-1])


def test_what_is_kept_holds_no_secret_and_what_is_shown_no_hash() -> None:
    secret = cut(TOKEN)[1]
    assert secret not in json.dumps(KEY.as_json())
    assert {KEY.salt, KEY.hash} & set(map(str, KEY.as_row().values())) == set()


def test_a_secret_has_256_random_bits_and_every_key_its_own_salt() -> None:
    made = [new_key("test", ("predict",)) for _ in range(20)]
    assert len({token for _, token in made}) == len({key.salt for key, _ in made}) == 20
    assert all(len(cut(token)[1]) * 6 >= 256 for _, token in made)
    assert hashed("a", "secret") != hashed("b", "secret")


def test_hashes_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared, really = [], hmac.compare_digest

    def noted(a: str, b: str) -> bool:
        compared.append((a, b))
        return really(a, b)

    monkeypatch.setattr(keys.hmac, "compare_digest", noted)
    assert not KEY.opened_by("wrong")
    assert compared == [(hashed(KEY.salt, "wrong"), KEY.hash)]


@given(st.text())
@settings(deadline=None)
def test_what_has_not_the_shape_of_a_key_is_cut_into_nothing(text: str) -> None:
    assert cut(text) == ("", "")


def test_nearly_the_shape_is_not_the_shape() -> None:
    for text in (TOKEN.upper(), TOKEN + "\n", " " + TOKEN, TOKEN * 2, TOKEN[:-1]):
        assert cut(text) == ("", "")


FACTS = st.fixed_dictionaries(
    {"scopes": st.lists(st.sampled_from(sorted(SCOPES)), min_size=1, unique=True).map(tuple)},
    optional={
        "models": st.lists(st.from_regex(r"[a-z*?]{1,9}", fullmatch=True)).map(tuple),
        "expires": st.dates().map(str),
        "requests": st.floats(0, 1e6),
        "rows": st.floats(0, 1e6),
        "burst": st.floats(0.001, 100),
        "quota": st.integers(0, 10**12),
        "per": st.sampled_from(["day", "month"]),
        "weight": st.floats(0.001, 100),
    },
)


@given(facts=FACTS)
@settings(deadline=None)
def test_a_key_is_the_same_after_its_file(facts: dict[str, Any]) -> None:
    scopes = facts.pop("scopes")
    key, _ = new_key("test", scopes, **facts)
    assert key_from_json(json.loads(json.dumps(key.as_json()))) == key


WRONG = [
    ({"scopes": ["predicts"]}, "did you mean 'predict'"),
    ({"scopes": []}, "opens nothing"),
    ({"scopes": "predict"}, "scopes"),
    ({"models": ["a b"]}, "no name of models"),
    ({"models": [1]}, "models"),
    ({"expires": "soon"}, "no date"),
    ({"requests": -1}, "requests"),
    ({"requests": True}, "requests"),
    ({"rows": "10"}, "rows"),
    ({"rows": math.inf}, "rows"),
    ({"rows": math.nan}, "rows"),
    ({"burst": 0}, "burst"),
    ({"weight": 0}, "weight"),
    ({"quota": 1.5}, "quota"),
    ({"per": "year"}, "year"),
    ({"name": ""}, "called"),
    ({"name": "a\nb"}, "called"),
    ({"id": "../../etc"}, "id"),
    ({"hash": "0" * 63}, "hash"),
    ({"secret": "x"}, "no field of a key is called 'secret'"),
]


@pytest.mark.parametrize(("change", "told"), WRONG, ids=str)
def test_a_wrong_field_is_named(change: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        key_from_json({**KEY.as_json(), **change})


@pytest.mark.parametrize("lacking", ["id", "name", "salt", "hash", "scopes"])
def test_a_field_that_lacks_is_named(lacking: str) -> None:
    facts = KEY.as_json()
    del facts[lacking]
    with pytest.raises(InputError, match=lacking):
        key_from_json(facts)


@pytest.mark.parametrize("what", [None, [], 1, "aim", [KEY.as_json()]])
def test_a_line_that_is_no_object_is_no_key(what: Any) -> None:
    with pytest.raises(InputError):
        key_from_json(what)


def test_a_key_ends_when_it_expires_or_is_revoked_whichever_is_first() -> None:
    def until(**more: str) -> float:
        return Key(**{**KEY.as_json(), "scopes": ("predict",), **more}).until  # type: ignore[arg-type]

    assert until() == math.inf
    assert until(expires="2030-01-01") == moment("2030-01-01T00:00:00Z") == moment("2030-01-01T02:00:00+02:00")
    assert until(expires="2030-01-01", revoked="2020-01-01") == moment("2020-01-01")
