"""Counterfactuals: the fewest changes that give another answer, and an honest answer when there are none."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.explain.conftest import IMAGE, OUTPUTS, Clock, brightness, chance, columns, numbers, valued

from aimass.core.errors import InputError
from aimass.core.signature import Field, Signature
from aimass.explain.base import Budget
from aimass.explain.counterfactual import Wanted, counterfactual
from aimass.explain.nearness import Nearness
from aimass.prepare.rows import MISSING_DATE, from_records

PATIENT = Budget(seconds=1e9, evaluations=20_000)
CREDIT = Signature(
    "binary",
    "approved",
    (
        Field("income", "float64", kind="number", sent="number"),
        Field("debts", "float64", kind="number", sent="integer"),
        Field("job", "string", kind="category", sent="string", values=("none", "part", "full")),
        Field("born", "int64", kind="date", sent="date"),
        Field("noise", "float64", kind="number", sent="number"),
    ),
    (),
    OUTPUTS,
)


def credit(tensors: dict[str, np.ndarray]) -> np.ndarray:
    """Approved from an income of 50 on; a full job counts 20, each debt takes 10; rows of no sense are refused."""
    income = np.nan_to_num(tensors["income"], nan=0.0)
    return (income + 20.0 * (tensors["job"] == "full") - 10 * np.nan_to_num(tensors["debts"]) - 50) / 5


def people(count: int = 200) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "income": np.where(random.random(count) < 0.1, np.nan, random.uniform(0, 100, count)),
        "debts": random.integers(0, 4, count).astype(float),
        "job": random.choice(np.array(["none", "part", "full", ""], object), count),
        "born": np.where(random.random(count) < 0.1, MISSING_DATE, random.integers(0, 10**15, count)),
        "noise": random.normal(size=count),
    }


def person(**changed: object) -> dict[str, np.ndarray]:
    record = {"income": 35.0, "debts": 1, "job": "part", "born": "1990-05-01T00:00:00Z", "noise": 0.0, **changed}
    return from_records([record], CREDIT.rows)


def test_one_change_is_found_where_one_is_enough_and_made_no_larger_than_needed() -> None:
    found = counterfactual(chance(credit), person(), CREDIT, people(), budget=PATIENT)
    assert found.found and found.target == "yes" and len(found.changes) == 1
    name, before, after = found.changes[0]
    assert (name, before) == ("income", 35.0) and 60 <= after < 68
    assert (found.before["label"], found.after["label"]) == ("no", "yes")
    assert found.plausible and not found.warnings


def test_columns_that_may_not_change_do_not() -> None:
    wanted = Wanted(immutable=("income",))
    found = counterfactual(chance(credit), person(), CREDIT, people(), wanted=wanted, budget=PATIENT)
    assert found.found and {name for name, _, _ in found.changes} == {"debts", "job"}
    assert found.record["income"] == 35.0 and found.record["job"] == "full"


def test_the_record_found_is_one_that_the_model_takes_and_answers_as_told() -> None:
    for seed in range(5):
        wanted = Wanted(immutable=("income",))
        found = counterfactual(chance(credit), person(), CREDIT, people(), wanted=wanted, budget=PATIENT, seed=seed)
        record = json.loads(json.dumps(found.as_json()))["record"]
        again = chance(credit)(from_records([record], CREDIT.rows))
        assert again["label"][0] == found.after["label"] == "yes"
        changed = {name for name, value in record.items() if value != json.loads(json.dumps(_sent(person())))[name]}
        assert changed == {name for name, _, _ in found.changes}
        assert isinstance(record["debts"], int)


def _sent(row: dict[str, np.ndarray]) -> dict[str, object]:
    from aimass.explain.sent import record

    return record(row, 0, CREDIT.rows)


def test_when_it_cannot_be_the_nearest_is_given_and_said_to_be_no_more() -> None:
    wanted = Wanted(immutable=("income", "job"))
    found = counterfactual(chance(credit), person(income=5.0), CREDIT, people(), wanted=wanted, budget=PATIENT)
    assert not found.found and "not found: this is the nearest" in found.warnings[0]
    assert found.changes == (("debts", 1, 0),) and found.after["label"] == "no"
    assert found.after["probabilities"]["yes"] > found.before["probabilities"]["yes"]


def test_nothing_may_change() -> None:
    names = tuple(field.name for field in CREDIT.rows)
    found = counterfactual(chance(credit), person(), CREDIT, people(), wanted=Wanted(immutable=names), budget=PATIENT)
    assert (found.found, found.changes) == (False, ()) and "no column may change" in found.warnings[0]


def test_images_stay_as_they_are(bright, photos) -> None:
    found = counterfactual(chance(brightness), bright, IMAGE, photos, budget=PATIENT)
    assert not found.found and "texts and images stay" in found.warnings[0]


def test_an_answer_that_is_given_already_needs_no_change() -> None:
    found = counterfactual(chance(credit), person(), CREDIT, people(), wanted=Wanted(target="no"), budget=PATIENT)
    assert (found.found, found.changes, found.distance) == (True, (), 0.0) and "already" in found.warnings[0]


@pytest.mark.parametrize(("low", "high"), [(5.0, None), (None, -5.0), (2.0, 2.5)])
def test_a_value_is_brought_between_its_bounds(low: float | None, high: float | None) -> None:
    predict = valued(lambda x: x @ np.array([1.0, 2.0, 0.0]))
    background = columns(np.random.default_rng(1).normal(size=(300, 3)) * 3)
    found = counterfactual(
        predict, columns(np.zeros((1, 3))), numbers(3), background, wanted=Wanted(low=low, high=high), budget=PATIENT
    )
    assert found.found and (low or -99) <= found.after["value"] <= (high or 99)
    assert len(found.changes) == 1 and found.changes[0][0] != "x2"


def test_two_changes_are_found_where_only_both_together_help() -> None:
    predict = chance(lambda t: 10.0 * ((t["x0"] > 1) & (t["x1"] > 1)) - 5)
    background = columns(np.random.default_rng(2).normal(size=(100, 6)) * 2)
    signature = Signature("binary", "y", numbers(6).rows, (), OUTPUTS)
    found = counterfactual(predict, columns(np.zeros((1, 6))), signature, background, budget=PATIENT)
    assert found.found and [name for name, _, _ in found.changes] == ["x0", "x1"]
    assert all(1 < after < 3 for _, _, after in found.changes)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2000), st.integers(0, 100))
def test_whatever_the_budget_it_answers_and_what_it_says_is_so(evaluations: int, seed: int) -> None:
    asked = Budget(seconds=1e9, evaluations=evaluations)
    found = counterfactual(chance(credit), person(), CREDIT, people(50), budget=asked, seed=seed)
    again = chance(credit)(from_records([found.record], CREDIT.rows))
    assert found.found == (again["label"][0] == "yes") and found.evaluations <= evaluations + 5


def test_a_slow_model_ends_with_the_budget() -> None:
    clock = Clock(0.001)
    found = counterfactual(clock.around(chance(credit)), person(), CREDIT, people(), budget=Budget(0.05, 10**6, clock))
    assert clock.now <= 0.05 + 0.03 and found.evaluations < 80


def test_the_same_seed_finds_the_same() -> None:
    asked = Budget(seconds=1e9, evaluations=300)
    wanted = Wanted(immutable=("income",))
    first, again = (
        counterfactual(chance(credit), person(), CREDIT, people(), wanted=wanted, budget=asked, seed=3).record
        for _ in range(2)
    )
    assert first == again


@pytest.mark.parametrize(
    ("wanted", "key", "says"),
    [
        (Wanted(target="yess"), "target", "did you mean 'yes'"),
        (Wanted(immutable=("incom",)), "immutable", "did you mean 'income'"),
        (Wanted(low=1.0), "low", "the model answers classes"),
    ],
)
def test_what_cannot_be_wanted_is_refused_by_name(wanted: Wanted, key: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        counterfactual(chance(credit), person(), CREDIT, people(), wanted=wanted)
    assert caught.value.key == key


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(target="up"), Wanted(low=2.0, high=1.0)])
def test_a_value_needs_bounds(wanted: Wanted) -> None:
    with pytest.raises(InputError) as caught:
        counterfactual(valued(lambda x: x[:, 0]), columns(np.zeros((1, 2))), numbers(2), columns(np.ones((3, 2))),
                       wanted=wanted)  # fmt: skip
    assert caught.value.key in ("low", "target")


def test_rows_are_as_near_as_their_columns_are() -> None:
    background = {"n": np.array([0.0, 1.0, 2.0, np.nan]), "w": np.array(["a", "b", "a", ""], object)}
    fields = (Field("n", "float64", kind="number"), Field("w", "string", kind="category"))
    near = Nearness(background, fields)
    apart = near.between({"n": np.array([1.0]), "w": np.array(["a"], object)}, background)
    np.testing.assert_allclose(apart, [1 / (4 / 3), 1, 1 / (4 / 3), 2])
    assert near.nearest({"n": np.array([np.nan]), "w": np.array([""], object)}) == 0
