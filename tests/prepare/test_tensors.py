"""Nested lists become tensors exactly, or the record and the field at fault are named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from aimass.core.errors import InputError
from aimass.core.signature import Field
from aimass.prepare.rows import from_records

DTYPES = ["float16", "float32", "float64", "int8", "int64", "uint8", "uint64", "bool"]


def read(field: Field, *values: Any) -> np.ndarray:
    return from_records([{field.name: value} for value in values], [field])[field.name]


@given(st.sampled_from(DTYPES), array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=3), st.data())
@settings(max_examples=60, deadline=None)
def test_a_list_of_lists_comes_back_as_the_array_it_was(dtype: str, shape: tuple[int, ...], data: Any) -> None:
    array = data.draw(arrays(np.dtype(dtype), shape))
    array = np.where(np.isfinite(array), array, 0).astype(dtype) if array.dtype.kind == "f" else array
    field = Field("t", dtype, shape[1:], sent="tensor")
    got = read(field, *array.tolist())
    assert got.dtype == array.dtype
    assert np.array_equal(got, array)


def test_whole_numbers_keep_every_digit() -> None:
    assert read(Field("t", "int64", (), sent="tensor"), 2**63 - 1)[0] == 2**63 - 1


def test_null_is_a_missing_number_and_nothing_else() -> None:
    assert np.isnan(read(Field("t", "float32", (2,), sent="tensor"), [1, None])[0, 1])
    for dtype in ("int64", "bool", "string"):
        with pytest.raises(InputError, match="record 0: field 't'"):
            read(Field("t", dtype, (1,), sent="tensor"), [None])


def test_a_free_size_may_be_any_but_one_a_request() -> None:
    field = Field("t", "string", (2, 0), sent="tensor")
    assert read(field, [["a"], ["b"]]).shape == (1, 2, 1)
    assert read(field, [["a", "b", "c"], ["", "ü", "e"]]).shape == (1, 2, 3)
    with pytest.raises(InputError, match="differs in size between the records"):
        read(field, [["a"], ["b"]], [["a", "b"], ["c", "d"]])


@pytest.mark.parametrize(
    "value",
    [1.0, None, "ab", {}, [], [1.0], [1.0, 2.0, 3.0], [[1.0, 2.0]], [1.0, [2.0]], [1.0, "2"], [True, 1.0], ["a", "b"]],
)
def test_what_is_no_such_tensor_is_refused_with_its_record(value: Any) -> None:
    with pytest.raises(InputError, match="record 1: field 't'") as caught:
        read(Field("t", "float32", (2,), sent="tensor"), [1.0, 2.0], value)
    assert caught.value.key == "t"


@pytest.mark.parametrize(("dtype", "value"), [("int8", 300), ("uint8", -1), ("int64", 2**63), ("int64", 1.0)])
def test_a_number_that_does_not_fit_is_refused(dtype: str, value: Any) -> None:
    with pytest.raises(InputError, match="record 0: field 't'"):
        read(Field("t", dtype, (1,), sent="tensor"), [value])
