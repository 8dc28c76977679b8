"""Which rows are learnt from, which stop the training, and which judge."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aimass.core.errors import InputError
from aimass.prepare.split import Split, assign

shares = st.floats(0.05, 0.45)
few = settings(max_examples=60, deadline=None, derandomize=True)


def parts_of(split: Split, table: pa.Table, strata: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
    """The part of each row; every row has exactly one, and no part is empty."""
    found = assign(split, table, strata, seed)
    assert found.dtype == np.int8
    assert found.shape == (len(table),)
    assert set(found.tolist()) == {0, 1, 2}
    return found


def refused(split: Split, table: pa.Table, strata: np.ndarray | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        assign(split, table, strata, 0)
    assert caught.value.key.startswith("split")
    assert caught.value.expected
    return caught.value


# -- random ---------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 300), min_size=2, max_size=6), shares, shares, st.integers(0, 2**31))
@few
def test_each_class_is_shared_out_within_a_row_of_its_shares(
    sizes: list[int], valid: float, test: float, seed: int
) -> None:
    assume(sum(sizes) > 60)
    strata = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    try:
        found = assign(Split(valid=valid, test=test), pa.table({"x": strata}), strata, seed)
    except InputError as error:  # classes of a few rows each may leave a part empty
        assume("leaves no" not in error.what)
        raise
    for i, size in enumerate(sizes):
        counts = np.bincount(found[strata == i], minlength=3)
        assert abs(counts[2] - test * size) <= 1
        assert abs(counts[1] - valid * size) <= 1
        assert counts.sum() == size


@given(st.integers(60, 500), shares, shares, st.integers(0, 2**31))
@few
def test_without_classes_all_rows_are_shared_out(rows: int, valid: float, test: float, seed: int) -> None:
    found = parts_of(Split(valid=valid, test=test), pa.table({"x": range(rows)}), None, seed)
    assert abs((found == 2).sum() - test * rows) <= 1
    assert abs((found == 1).sum() - valid * rows) <= 1


@pytest.mark.parametrize("strata", [None, np.arange(400) % 3])
def test_the_seed_decides_and_the_same_seed_gives_the_same_split(strata: np.ndarray | None) -> None:
    table = pa.table({"x": range(400)})
    first, again, other = (parts_of(Split(), table, strata, seed).tobytes() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_classes_of_one_row_are_learnt_from_and_too_few_rows_of_every_class_are_refused() -> None:
    strata = np.array([0] * 12 + [1] * 14 + [2, 3, 4, 5])
    found = parts_of(Split(), pa.table({"x": range(30)}), strata)
    assert found[26:].tolist() == [0, 0, 0, 0]
    error = refused(Split(), pa.table({"x": range(20)}), np.arange(20) % 10)
    assert "leaves no test rows" in error.what
    assert "more rows of each class" in error.todo


@pytest.mark.parametrize("rows", [20, 21, 25])
def test_the_fewest_rows_there_may_be_fill_every_part(rows: int) -> None:
    parts_of(Split(), pa.table({"x": range(rows)}), None)


def test_rows_are_not_dealt_out_in_their_order() -> None:
    found = parts_of(Split(), pa.table({"x": range(1000)}))
    assert abs(np.flatnonzero(found == 2).mean() - 500) < 60


# -- time -----------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 300), min_size=60, max_size=300), shares, shares, st.booleans())
@few
def test_no_row_is_later_than_one_of_a_later_part_and_ties_stay_together(
    times: list[int], valid: float, test: float, dates: bool
) -> None:
    values = [datetime(2024, 1, 1) + timedelta(days=t) for t in times] if dates else times
    try:
        found = assign(Split(by="time", column="when", valid=valid, test=test), pa.table({"when": values}), None, 0)
    except InputError as error:  # one moment may hold a whole part
        assume("leaves no" not in error.what)
        raise
    when = np.array(times)
    assert when[found == 0].max() < when[found == 1].min()
    assert when[found == 1].max() < when[found == 2].min()
    tie = np.bincount(when).max()
    assert 0 <= (found == 2).sum() - test * len(when) <= tie + 1
    assert abs((found == 1).sum() - valid * len(when)) <= tie + 1


def test_a_split_by_time_takes_the_last_rows_whatever_their_order() -> None:
    order = np.random.default_rng(0).permutation(100)
    found = parts_of(Split(by="time", column="when", valid=0.1, test=0.2), pa.table({"when": order}))
    assert sorted(order[found == 2].tolist()) == list(range(80, 100))
    assert sorted(order[found == 1].tolist()) == list(range(70, 80))


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_row_without_a_time_has_no_place_in_it(missing: float | None) -> None:
    error = refused(Split(by="time", column="when"), pa.table({"when": pa.array([*map(float, range(99)), missing])}))
    assert "1 rows have no when" in error.what


def test_a_time_must_be_one() -> None:
    assert "holds string" in refused(Split(by="time", column="when"), pa.table({"when": ["a", "b"] * 20})).what


def test_one_moment_cannot_be_split() -> None:
    assert "leaves no train rows" in refused(Split(by="time", column="when"), pa.table({"when": [7] * 50})).what


# -- group ----------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 20), min_size=20, max_size=80), shares, shares, st.integers(0, 2**31))
@few
def test_no_group_is_in_two_parts(sizes: list[int], valid: float, test: float, seed: int) -> None:
    who = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    table = pa.table({"who": [f"p{i}" if i else None for i in who]})  # rows of nobody are a group too
    try:
        found = assign(Split(by="group", column="who", valid=valid, test=test), table, None, seed)
    except InputError as error:  # a large group may leave no room for a part
        assume("leaves no" not in error.what)
        raise
    assert all(len(np.unique(found[who == group])) == 1 for group in range(len(sizes)))
    assert abs((found == 2).sum() - test * len(who)) <= max(sizes)
    assert abs((found == 1).sum() - valid * len(who)) <= max(sizes)


def test_the_seed_decides_which_groups_go_where() -> None:
    table = pa.table({"who": [f"p{i % 60}" for i in range(600)]})
    first, again, other = (parts_of(Split(by="group", column="who"), table, None, s).tobytes() for s in (1, 1, 2))
    assert first == again
    assert first != other


def test_two_groups_cannot_fill_three_parts() -> None:
    assert "leaves no" in refused(Split(by="group", column="who"), pa.table({"who": ["a", "b"] * 30})).what


def test_lists_are_no_groups() -> None:
    assert "holds list" in refused(Split(by="group", column="who"), pa.table({"who": [[1], [2]] * 30})).what


# -- column ---------------------------------------------------------------------------------------------------


def test_a_column_says_which_part_in_any_usual_word() -> None:
    words = ["train", "Training", " TEST ", "testing", "valid", "validation", "val", "dev"] * 5
    found = parts_of(Split(by="column", column="part"), pa.table({"part": words}))
    assert found.tolist() == [0, 0, 2, 2, 1, 1, 1, 1] * 5


def test_valid_rows_are_taken_from_the_training_rows_where_the_column_names_none() -> None:
    table = pa.table({"part": ["train"] * 100 + ["test"] * 20})
    strata = np.array([0] * 80 + [1] * 20 + [0] * 20)
    found = parts_of(Split(by="column", column="part", valid=0.2), table, strata)
    assert (found[100:] == 2).all()
    assert [(found[strata == c] == 1).sum() for c in (0, 1)] == [16, 4]


@pytest.mark.parametrize("strange", ["holdout", None, ""])
def test_a_word_that_names_no_part_is_told(strange: str | None) -> None:
    table = pa.table({"part": pa.array(["train", "test", strange] * 20, pa.string())})
    error = refused(Split(by="column", column="part"), table)
    assert "part holds " in error.what
    assert "validation" in error.expected


def test_a_column_without_test_rows_leaves_nothing_to_judge_by() -> None:
    table = pa.table({"part": ["train", "valid"] * 20})
    assert "leaves no test rows" in refused(Split(by="column", column="part"), table).what


# -- what is wrong --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["time", "group", "column"])
def test_an_unknown_column_names_the_nearest(by: Any) -> None:
    error = refused(Split(by=by, column="wen"), pa.table({"when": range(50)}))
    assert "did you mean 'when'" in error.what
    assert f"split by {by} needs" in error.todo


def test_shares_must_leave_something_to_train_on() -> None:
    assert "leave too little" in refused(Split(valid=0.5, test=0.5), pa.table({"x": range(50)})).what
    with pytest.raises(InputError, match=r"split.test must lie in"):
        Split.from_settings({"test": 7}, "split")
