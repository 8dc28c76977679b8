"""The column to predict: its task, its classes, and what makes it unusable."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from aimass.core.errors import InputError
from aimass.prepare.target import check_training, read, usable

N = 60


def column(values: Any, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        ([True, False] * 30, "binary", ("false", "true")),
        (["yes", "nö"] * 30, "binary", ("nö", "yes")),
        ([1, 0] * 30, "binary", ("0", "1")),
        ([10, 9] * 30, "binary", ("9", "10")),
        ([0.0, 1.0] * 30, "binary", ("0.0", "1.0")),
        (["b", "c", "a"] * 20, "multiclass", ("a", "b", "c")),
        ([2, 10, 1] * 20, "multiclass", ("1", "2", "10")),
        ([str(i) for i in range(N)] * 2, "multiclass", tuple(sorted(str(i) for i in range(N)))),
        (list(range(20)) * 3, "multiclass", tuple(str(i) for i in range(20))),
        (list(range(21)) * 3, "regression", ()),
        ([0.5, 1.5, 2.5] * 20, "regression", ()),
        (list(range(5000)), "regression", ()),
    ],
)
def test_the_task_follows_from_the_values_and_classes_are_in_order(values: list, task: str, classes: tuple) -> None:
    found = read(column(values), "y", "auto")
    assert (found.task, found.classes) == (task, classes)
    if classes:
        assert found.values.dtype == np.int64
        texts = [str(v).lower() if isinstance(v, bool) else str(v) for v in values]
        assert [classes[i] for i in found.values] == texts
    else:
        assert found.values.tolist() == [float(v) for v in values]


def test_a_given_task_overrules_the_one_found() -> None:
    assert read(column([0, 1] * 30), "y", "regression").values.tolist() == [0.0, 1.0] * 30
    assert read(column([0.5, 1.5, 2.5] * 20), "y", "multiclass").classes == ("0.5", "1.5", "2.5")
    assert read(column([0, 1] * 30), "y", "multiclass").task == "multiclass"


def test_the_outputs_are_named_by_the_classes() -> None:
    label, probabilities = read(column(["b", "a"] * 30), "y", "auto").outputs()
    assert (label.values, probabilities.shape) == (("a", "b"), (2,))
    assert [field.name for field in read(column(np.arange(60.0)), "y", "auto").outputs()] == ["value"]


def test_a_regression_is_standardised_by_its_training_rows_only() -> None:
    found = read(column([0.0, 10.0, 1e9] * 20), "y", "regression")
    head = found.head(np.flatnonzero(found.values < 1e9))
    assert (head["mean"], head["std"]) == (5.0, 5.0)


def test_whole_numbers_beyond_float_can_be_predicted() -> None:
    found = read(column([2**53 + 1 + i for i in range(N)]), "y", "auto")
    assert found.task == "regression"
    assert found.values[0] == 2.0**53


def refused(call: Any, *arguments: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        call(*arguments)
    assert caught.value.expected
    assert caught.value.todo
    return caught.value


@pytest.mark.parametrize(
    ("values", "task", "what", "key"),
    [
        (column(["a"] * N), "auto", "is 'a' in every row", "target"),
        (column([1.5] * N), "auto", "in every row", "target"),
        (column([True] * N), "binary", "is 'true' in every row", "target"),
        (column([f"c{i}" for i in range(5000)]), "auto", "has 5000 different values", "target"),
        (column(list(range(5000))), "multiclass", "has 5000 different values", "target"),
        (column([date(2024, 1, 1 + i % 28) for i in range(N)]), "auto", "holds date32", "target"),
        (column([date(2024, 1, 1 + i % 28) for i in range(N)]), "multiclass", "holds date32", "target"),
        (column([date(2024, 1, 1 + i % 28) for i in range(N)]), "regression", "holds date32", "target"),
        (column([b"1", b"2"] * 30), "auto", "holds binary", "target"),
        (column([[1], [2]] * 30), "auto", "holds list", "target"),
        (column(["a", "b", "c"] * 20), "binary", "has 3 different values", "task"),
        (column(["a", "b"] * 30), "regression", "holds string, not numbers", "task"),
        (column([True, False] * 30), "regression", "holds bool, not numbers", "task"),
    ],
)
def test_a_target_nobody_can_learn_is_refused(values: pa.ChunkedArray, task: str, what: str, key: str) -> None:
    error = refused(read, values, "y", task)
    assert what in error.what
    assert error.key == key


def test_a_few_rows_without_an_answer_are_left_out() -> None:
    mask = usable(column([1.0, None, float("nan"), float("inf"), *np.arange(96.0)]), "y")
    assert mask.tolist() == [True, False, False, False] + [True] * 96


def test_thirty_per_cent_of_missing_answers_are_a_question_to_the_user() -> None:
    error = refused(usable, column(([None] * 3 + ["a"] * 7) * 10), "y")
    assert "missing in 30 of 100 rows (30%)" in error.what
    assert "y IS NOT NULL" in error.todo


@pytest.mark.parametrize("rows", [0, 3, 19])
def test_a_handful_of_rows_is_not_enough(rows: int) -> None:
    assert f"there are {rows} rows" in refused(usable, column([1.0] * rows, pa.float64()), "y").what


def test_a_class_that_training_never_saw_alone_is_not_learnt() -> None:
    found = read(column(["a"] * 40 + ["b"] * 20), "y", "auto")
    assert "is 'a' in every training row" in refused(check_training, found, np.arange(40)).what
    check_training(found, np.arange(41))


def test_a_target_with_a_value_of_its_own_in_every_row_is_no_target() -> None:
    with pytest.raises(InputError, match="100 different values in 100 rows"):
        read(column([f"name {i}" for i in range(100)]), "y", "auto")
