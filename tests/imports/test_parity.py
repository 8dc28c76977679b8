"""Figures of a comparison are what they say, and its verdict is theirs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from aimass.core.errors import InputError
from aimass.imports.parity import check_probabilities, compared, refusal

NUMBERS = arrays(np.float32, st.tuples(st.integers(1, 80), st.integers(1, 3)),
                 elements=st.floats(-1e6, 1e6, width=32) | st.just(np.nan) | st.just(np.inf))  # fmt: skip


def of(answer: Any) -> Any:
    """A model that answers row i with ANSWER[i]: rows carry their number."""
    return lambda tensors: {name: np.asarray(values)[tensors["i"]] for name, values in answer.items()}


@given(NUMBERS)
@settings(max_examples=50, deadline=None)
def test_the_same_answers_pass_without_any_difference(values: np.ndarray) -> None:
    report = compared(of({"y": values}), {"i": np.arange(len(values))}, {"y": values}, 0.0)
    assert report["passed"]
    assert report["outputs"]["y"]["largest_absolute"] == report["outputs"]["y"]["largest_relative"] == 0


@given(NUMBERS, st.data())
@settings(max_examples=50, deadline=None)
def test_one_number_too_far_off_is_found_wherever_it_stands(values: np.ndarray, data: Any) -> None:
    row, column = data.draw(st.integers(0, len(values) - 1)), data.draw(st.integers(0, values.shape[1] - 1))
    wrong = values.copy()
    wrong[row, column] = 1e9 if np.isfinite(values[row, column]) else 0.0
    report = compared(of({"y": wrong}), {"i": np.arange(len(values))}, {"y": values}, 1e-4)
    found = report["outputs"]["y"]
    assert (report["passed"], found["beyond"], found["first"]) == (False, 1, row)


def test_figures_are_the_largest_of_all_rows() -> None:
    want = np.array([[100.0, 0.5], [1.0, 2.0]])
    got = np.array([[100.1, 0.5], [1.0, 1.98]])
    found = compared(of({"y": got}), {"i": np.arange(2)}, {"y": want}, 0.005)["outputs"]["y"]
    assert found["largest_absolute"] == pytest.approx(0.1)
    assert found["largest_relative"] == pytest.approx(0.01)
    assert (found["beyond"], found["first"]) == (1, 1)  # 0.1 of 100 is near enough, 0.02 of 2 is not
    assert found["distance"] == pytest.approx(0.01)


def test_a_label_may_differ_only_where_probabilities_tie() -> None:
    probabilities = np.array([[0.5, 0.5], [0.9, 0.1]])
    want = {"label": np.array(["a", "a"], object), "probabilities": probabilities}
    tie = {**want, "label": np.array(["b", "a"], object)}
    found = compared(of(tie), {"i": np.arange(2)}, want, 1e-4, classes=2)
    assert found["passed"]
    assert found["outputs"]["label"]["agreement"] == 0.5
    wrong = {**want, "label": np.array(["a", "b"], object)}
    found = compared(of(wrong), {"i": np.arange(2)}, want, 1e-4, classes=2)
    assert not found["passed"]
    assert "label is another in 1 of 2 rows, row 1 first" in refusal({**found}).what


def test_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match=r"gives y as \[1, 2\] where the original gives \[1, 3\]"):
        compared(of({"y": np.zeros((4, 2))}), {"i": np.arange(4)}, {"y": np.zeros((4, 3))}, 1e-4)


@pytest.mark.parametrize("values", [[[0.5, 0.6]], [[-0.5, 1.5]], [[np.nan, 1.0]], [[1.0]], [1.0, 0.0]])
def test_what_is_no_distribution_is_refused(values: Any) -> None:
    with pytest.raises(InputError, match="the model's probabilities"):
        check_probabilities(np.array(values), 2)
