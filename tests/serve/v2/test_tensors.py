"""A tensor survives the way through JSON and through bytes, whatever its datatype."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aimass.core.signature import Field
from aimass.serve.messages import Refused
from aimass.serve.v2.tensors import DATATYPES, checked_shape, described, from_bytes, from_json, to_bytes

NUMBERS = [name for name in DATATYPES if name != "string"]


@pytest.mark.parametrize("dtype", NUMBERS)
@given(data=st.data())
def test_numbers_come_back_bit_for_bit(dtype: str, data: st.DataObject) -> None:
    array = data.draw(hnp.arrays(dtype, (3, 2), elements=hnp.from_dtype(np.dtype(dtype), allow_nan=False)))
    field = Field("x", dtype, (2,))
    assert from_bytes(field, (3, 2), memoryview(to_bytes(array))).tobytes() == array.tobytes()
    sent = json.loads(json.dumps(array.ravel().tolist()))
    assert from_json(field, (3, 2), sent).tobytes() == array.tobytes()


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
def test_texts_come_back(texts: list[str]) -> None:
    field, shape = Field("x", "string"), (len(texts),)
    raw = to_bytes(np.array(texts, dtype=object))
    assert from_bytes(field, shape, memoryview(raw)).tolist() == texts
    assert from_json(field, shape, texts).tolist() == texts


@given(st.binary(max_size=40), st.integers(0, 4))
def test_any_bytes_are_texts_or_refused(raw: bytes, count: int) -> None:
    try:
        assert len(from_bytes(Field("x", "string"), (count,), memoryview(raw))) == count
    except Refused as refused:
        assert refused.status == 400


def test_bytes_at_an_odd_address_are_aligned_for_the_engine() -> None:
    raw = memoryview(b"_" + np.arange(4.0).tobytes())[1:]
    found = from_bytes(Field("x", "float64"), (4,), raw)
    assert found.flags.aligned and found.tolist() == [0, 1, 2, 3]


def test_a_free_size_takes_any_size_and_is_told_as_minus_one() -> None:
    field = Field("picture", "uint8", (0, 0, 3))
    assert described(field)["shape"] == [-1, -1, -1, 3]
    assert checked_shape(field, {"shape": [1, 7, 9, 3], "datatype": "UINT8"}) == (1, 7, 9, 3)
    with pytest.raises(Refused):
        checked_shape(field, {"shape": [1, 7, 9, 4], "datatype": "UINT8"})
