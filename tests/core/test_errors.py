"""Errors keep every field on their way across a process border."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.core.errors import ERRORS, AimassError, InputError, TaskFailed, error_from_json, inside, pick, unknown

errors = st.builds(
    lambda kind, what, **told: kind(what, **told),
    st.sampled_from(list(ERRORS.values())),
    st.text(),
    expected=st.text(),
    todo=st.text(),
    key=st.text(),
)


def facts(error: AimassError) -> tuple[object, ...]:
    return type(error), error.what, error.expected, error.todo, error.key, str(error), error.exit_code


@given(errors)
def test_an_error_survives_json(error: AimassError) -> None:
    assert facts(error_from_json(json.loads(json.dumps(error.as_json())))) == facts(error)


@given(errors)
def test_an_error_survives_pickle(error: AimassError) -> None:
    assert facts(pickle.loads(pickle.dumps(error))) == facts(error)


def test_an_error_nobody_knows_is_a_failed_task() -> None:
    assert facts(error_from_json({"error": "x", "type": "Nonsense"})) == facts(TaskFailed("x"))


def test_an_error_says_what_is_wrong_what_was_expected_and_what_to_do() -> None:
    assert str(InputError("bad", expected="good", todo="mend it")) == "bad\n  expected: good\n  to do:    mend it"
    assert str(InputError("bad")) == "bad"


def test_an_unknown_name_gets_the_nearest_and_all_choices() -> None:
    error = unknown("pass", "prun", ["quantize", "prune"], todo="see: aimass parts pass", key="passes")
    assert error.what == "no pass is called 'prun'; did you mean 'prune'?"
    assert (error.expected, error.key) == ("one of: prune, quantize", "passes")
    assert unknown("pass", "x", []).expected == "one of: (none exist)"


def test_a_known_name_is_picked() -> None:
    assert pick("number", "one", {"one": 1}) == 1
    with pytest.raises(InputError, match="no number is called 'ome'; did you mean 'one'"):
        pick("number", "ome", {"one": 1})


def test_keys_grow_from_the_inside_out() -> None:
    with pytest.raises(InputError) as caught, inside("split"), inside("test"):
        raise InputError("too much")
    assert caught.value.key == "split.test"
