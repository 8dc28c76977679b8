"""Shapley values of columns against values that are known."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.explain.conftest import OUTPUTS, Clock, by_definition, chance, columns, numbers, shares, valued

from aimass.core.errors import InputError
from aimass.core.signature import Field, Signature
from aimass.explain.base import Budget
from aimass.explain.shapley import Shapley
from aimass.prepare.rows import MISSING_DATE

PATIENT = Budget(seconds=1e9, evaluations=200_000)


def rows(count: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, width))


@pytest.mark.parametrize("width", [1, 2, 5, 12, 40])
def test_a_linear_model_gives_each_column_its_weight_times_its_distance_from_the_mean(width: int) -> None:
    weights, background, row = rows(1, width, 1)[0], rows(32, width, 2), rows(1, width, 3)
    found = Shapley().explain(
        valued(lambda x: x @ weights + 3), columns(row), numbers(width), columns(background), budget=PATIENT
    )
    np.testing.assert_allclose(shares(found), weights * (row[0] - background.mean(axis=0)), atol=1e-9)
    assert found.base_value == pytest.approx((background @ weights).mean() + 3)
    assert found.completeness_error < 1e-9 and found.background_rows == 32 and not found.warnings
    assert all(share.error < 1e-9 for share in found.attributions)


def test_a_product_is_shared_by_both_its_columns() -> None:
    found = Shapley().explain(
        valued(lambda x: x[:, 0] * x[:, 1]), columns(np.array([[2.0, 3.0]])), numbers(2), columns(np.zeros((1, 2)))
    )
    np.testing.assert_allclose(shares(found), [3, 3])
    assert "one row" in found.warnings[0]


def test_pairs_of_columns_are_exact_after_one_walk_pair_a_row_of_the_background() -> None:
    mixing = rows(12, 12, 4)
    predict = valued(lambda x: np.einsum("ni,ij,nj->n", x, mixing, x))
    background, row = rows(4, 12, 5), rows(1, 12, 6)
    asked = Budget(seconds=1e9, evaluations=1 + 4 + 4 * 22)
    found = Shapley().explain(predict, columns(row), numbers(12), columns(background), budget=asked)
    exact = Shapley(exact=16).explain(predict, columns(row), numbers(12), columns(background), budget=PATIENT)
    assert ("walks" in found.method, "all sets" in exact.method) == (True, True)
    np.testing.assert_allclose(shares(found), shares(exact), atol=1e-9)


HAND = {
    "tree": lambda x: np.where(x[:, 0] > 0, np.where(x[:, 1] > 0.5, 5.0, 1.0), np.where(x[:, 2] > 0, -2.0, 0.0)),
    "maximum": lambda x: x.max(axis=1),
    "parity": lambda x: (x > 0).prod(axis=1) * 4.0,
    "unused": lambda x: np.tanh(3 * x[:, 1]),
    "constant": lambda x: np.full(len(x), 7.0),
}


@pytest.mark.parametrize("name", HAND)
@pytest.mark.parametrize("seed", range(3))
def test_hand_made_models_get_the_mean_over_all_orders(name: str, seed: int) -> None:
    predict, background, row = valued(HAND[name]), columns(rows(7, 5, seed)), columns(rows(1, 5, seed + 50))
    found = Shapley().explain(predict, row, numbers(5), background, budget=PATIENT)
    np.testing.assert_allclose(shares(found), by_definition(predict, row, background), atol=1e-9)


HAND["net"] = lambda x: np.tanh(x @ rows(x.shape[1], 8, 9) * 1.5) @ rows(8, 1, 10)[:, 0]
HAND["saturated"] = lambda x: 1 / (1 + np.exp(-3 * x.sum(axis=1)))


@pytest.mark.parametrize("evaluations", [60, 300, 1000])
@pytest.mark.parametrize("name", ["maximum", "net", "saturated"])
def test_walks_come_to_the_same_within_their_own_error_bars(name: str, evaluations: int) -> None:
    predict, background = valued(HAND[name]), columns(rows(9, 6, 1))
    inside, widest = [], 0.0
    for seed in range(30):
        row = columns(rows(1, 6, seed + 100))
        exact = shares(Shapley().explain(predict, row, numbers(6), background, budget=PATIENT))
        asked = Budget(seconds=1e9, evaluations=evaluations)
        part = Shapley(exact=0, precision=0.0)
        found = part.explain(predict, row, numbers(6), background, budget=asked, seed=seed)
        errors = np.array([share.error for share in found.attributions])
        inside += list(np.abs(shares(found) - exact) <= errors + 1e-9)
        widest = max(widest, errors.max())
        assert found.completeness_error < 1e-9 and found.evaluations <= evaluations
    assert np.mean(inside) >= 0.9 and widest > 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 5), st.integers(0, 400))
def test_whatever_the_budget_it_adds_up(seed: int, width: int, behind: int, evaluations: int) -> None:
    bends = rows(1, width, seed)[0]
    found = Shapley(exact=seed % 4).explain(
        valued(lambda x: np.sin(x * bends).prod(axis=1)), columns(rows(1, width, seed + 1)), numbers(width),
        columns(rows(behind, width, seed + 2)), budget=Budget(seconds=1e9, evaluations=evaluations), seed=seed,
    )  # fmt: skip
    assert found.completeness_error < 1e-9 and len(found.attributions) == width


MIXED = Signature(
    "binary",
    "late",
    (
        Field("size", "float64", kind="number", sent="number"),
        Field("colour", "string", kind="category", sent="string", values=("red", "blue")),
        Field("urgent", "string", kind="category", sent="boolean", values=("true", "false")),
        Field("seen", "int64", kind="date", sent="date"),
    ),
    (),
    OUTPUTS,
)


def mixed(tensors: dict[str, np.ndarray]) -> np.ndarray:
    size = np.nan_to_num(tensors["size"], nan=-1.0)
    year = np.where(tensors["seen"] == MISSING_DATE, 0.0, tensors["seen"] / 3.15e13)
    return size + 2.0 * (tensors["colour"] == "red") * (tensors["urgent"] == "true") + year / 50


BACKGROUND = {
    "size": np.array([0.5, np.nan, -1.0, 2.0]),
    "colour": np.array(["red", "blue", "", "blue"], object),
    "urgent": np.array(["true", "false", "", "true"], object),
    "seen": np.array([0, MISSING_DATE, 1356998400000000, 10**15], np.int64),
}


@pytest.mark.parametrize("at", range(4))
def test_missing_values_words_and_dates_are_columns_like_any_other(at: int) -> None:
    row = {name: values[at : at + 1] for name, values in BACKGROUND.items()}
    predict = chance(mixed)
    found = Shapley().explain(predict, row, MIXED, BACKGROUND, target="yes", budget=PATIENT)
    expected = by_definition(predict, row, BACKGROUND, "probabilities")
    np.testing.assert_allclose(shares(found), expected, atol=1e-9)
    values = [share.value for share in found.attributions]
    expected_values = [
        [0.5, "red", True, "1970-01-01T00:00:00Z"],
        [None, "blue", False, None],
        [-1.0, "", None, "2013-01-01T00:00:00Z"],
        [2.0, "blue", True, "2001-09-09T01:46:40Z"],
    ]
    assert values == expected_values[at]


def test_the_target_is_the_predicted_class_unless_one_is_named() -> None:
    row = {name: values[:1] for name, values in BACKGROUND.items()}
    usual, other = (Shapley().explain(chance(mixed), row, MIXED, BACKGROUND, target=t) for t in ("", "no"))
    assert (usual.target, other.target) == ("yes", "no")
    np.testing.assert_allclose(shares(usual), -shares(other), atol=1e-9)
    with pytest.raises(InputError, match="no class is called 'yess'; did you mean 'yes'") as caught:
        Shapley().explain(chance(mixed), row, MIXED, BACKGROUND, target="yess")
    assert caught.value.key == "target"
    with pytest.raises(InputError, match="answers a value"):
        Shapley().explain(valued(HAND["tree"]), columns(rows(1, 5)), numbers(5), columns(rows(2, 5)), target="yes")


def test_a_model_that_only_labels_is_explained_by_whether_it_says_so() -> None:
    signature = Signature("binary", "y", numbers(2).rows, (), (Field("label", "string", values=("no", "yes")),))

    def predict(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"label": np.where(tensors["x0"] > 0, "yes", "no").astype(object)}

    found = Shapley().explain(predict, columns(np.array([[1.0, 1.0]])), signature, columns(np.array([[-1.0, 5.0]])))
    assert (found.prediction, found.base_value) == (1.0, 0.0)
    np.testing.assert_allclose(shares(found), [1, 0])


def test_a_background_that_equals_the_row_hides_nothing_and_says_so() -> None:
    row = rows(1, 4)
    found = Shapley().explain(valued(HAND["maximum"]), columns(row), numbers(4), columns(np.repeat(row, 5, axis=0)))
    assert not shares(found).any() and "nothing can be hidden" in found.warnings[0]
    assert found.base_value == found.prediction


def test_columns_that_never_differ_have_no_share_and_cost_nothing() -> None:
    background, row = rows(8, 30), rows(1, 30, 1)
    background[:, 3:] = row[:, 3:]
    found = Shapley().explain(valued(lambda x: np.sin(x).sum(axis=1)), columns(row), numbers(30), columns(background))
    assert "all sets" in found.method and not shares(found)[3:].any() and found.evaluations == 1 + 8 + 8 * 6


@pytest.mark.parametrize("evaluations", [0, 5, 100, 300, 2000])
def test_two_hundred_columns_in_a_small_budget_are_honest(evaluations: int) -> None:
    weights = rows(1, 200, 1)[0]
    found = Shapley(background=4).explain(
        valued(lambda x: x @ weights), columns(rows(1, 200, 2)), numbers(200), columns(rows(20, 200, 3)),
        budget=Budget(seconds=1e9, evaluations=evaluations),
    )  # fmt: skip
    assert found.completeness_error < 1e-9 and found.evaluations <= max(evaluations, 1 + 4 + 64)
    if evaluations < 402:
        assert "shares are those of groups" in found.warnings[0]
        assert all(share.error is None for share in found.attributions)
    else:
        assert all(share.error is not None for share in found.attributions)


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.005])
@pytest.mark.parametrize("pace", [1e-6, 1e-3])
def test_a_budget_of_milliseconds_ends_at_once(seconds: float, pace: float) -> None:
    clock = Clock(pace)
    found = Shapley().explain(
        clock.around(valued(HAND["tree"])), columns(rows(1, 20)), numbers(20), columns(rows(200, 20, 1)),
        budget=Budget(seconds, 10**6, clock),
    )  # fmt: skip
    assert clock.now <= seconds + 0.0025 + pace * (1 + 8 + 16)  # the row, a background, one walk in shared steps
    assert found.completeness_error < 1e-9 and (found.warnings or seconds > 0)


def test_calls_stay_short_so_that_others_come_in_between() -> None:
    for pace in (1e-5, 1e-3):
        clock = Clock(pace)
        Shapley(precision=0.0).explain(
            clock.around(valued(HAND["maximum"])), columns(rows(1, 30)), numbers(30), columns(rows(50, 30, 1)),
            budget=Budget(1.0, 10**6, clock),
        )  # fmt: skip
        assert max(clock.calls) <= max(1, min(512, 0.021 / pace)) and clock.now <= 1.0 + 0.1


def test_the_same_seed_gives_the_same_answer_however_fast_the_model_is() -> None:
    def found(pace: float, seed: int) -> np.ndarray:
        clock = Clock(pace)
        asked = Budget(1e9, 3000, clock)
        row, background = columns(rows(1, 15)), columns(rows(6, 15, 1))
        return shares(Shapley(precision=0).explain(
            clock.around(valued(HAND["maximum"])), row, numbers(15), background, budget=asked, seed=seed
        ))  # fmt: skip

    np.testing.assert_array_equal(found(1e-6, 1), found(1e-3, 1))
    assert (found(1e-6, 1) != found(1e-6, 2)).any()


def test_it_stops_when_more_would_tell_nothing() -> None:
    found = Shapley(exact=0).explain(
        valued(lambda x: x.sum(axis=1)), columns(rows(1, 6)), numbers(6), columns(rows(4, 6, 1)), budget=PATIENT
    )
    assert found.evaluations == 1 + 4 + 8 * 10  # two walk pairs a row of the background


def nothing_missing(**changes: object) -> dict[str, object]:
    return {"row": columns(rows(1, 3)), "background": columns(rows(2, 3)), **changes}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"row": columns(rows(2, 3))}, "the row to explain: 2 rows"),
        ({"row": columns(rows(1, 2))}, "the row to explain has no column 'x2'"),
        ({"background": columns(rows(0, 3))}, "the background: 0 rows"),
        ({"background": {**columns(rows(2, 3)), "x1": np.zeros(3)}}, "columns of different lengths"),
        ({"background": {**columns(rows(2, 3)), "x1": np.zeros((2, 2))}}, "column 'x1' has shape"),
    ],
)
def test_what_is_no_row_or_no_background_is_refused_by_name(changes: dict[str, object], says: str) -> None:
    given = nothing_missing(**changes)
    with pytest.raises(InputError, match=says.replace("[", r"\[")):
        Shapley().explain(valued(HAND["maximum"]), given["row"], numbers(3), given["background"])


def test_an_answer_that_is_no_number_is_refused() -> None:
    def broken(x: np.ndarray) -> np.ndarray:
        return np.where(x[:, 0] > 0, np.nan, 1.0)

    with pytest.raises(InputError, match="the model answers nan for y"):
        Shapley().explain(valued(broken), columns(-np.ones((1, 2))), numbers(2), columns(np.ones((2, 2))))


def test_the_largest_attributions_come_first_and_the_rest_is_summed() -> None:
    weights = np.array([1.0, -5.0, 3.0, 0.5])
    found = Shapley().explain(
        valued(lambda x: x @ weights), columns(np.ones((1, 4))), numbers(4), columns(np.zeros((1, 4)))
    )
    told = found.as_json(top_k=2)
    assert [(s["name"], s["attribution"]) for s in told["attributions"]] == [("x1", -5.0), ("x2", 3.0)]
    assert (told["others"], told["prediction"], told["base_value"]) == (1.5, -0.5, 0.0)
    assert set(told) == {
        "prediction", "target", "base_value", "attributions", "others", "completeness_error", "method", "evaluations",
        "background_rows", "elapsed_ms", "warnings",
    }  # fmt: skip


def test_every_set_is_asked_about_once() -> None:
    seen: list[tuple[float, ...]] = []

    def predict(x: np.ndarray) -> np.ndarray:
        seen.extend(map(tuple, x.tolist()))
        return x.sum(axis=1)

    formula: Callable[[np.ndarray], np.ndarray] = predict
    Shapley().explain(valued(formula), columns(np.ones((1, 4))), numbers(4), columns(np.zeros((1, 4))))
    assert sorted(seen) == sorted(itertools.product((0.0, 1.0), repeat=4))
