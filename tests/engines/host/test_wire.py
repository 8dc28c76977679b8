"""Tensors in shared memory come back as they were, and nonsense is told from them."""

from __future__ import annotations

import mmap
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aimass.core.errors import InputError
from aimass.engines.host.memory import mapped, shared_memory
from aimass.engines.host.process import DAMAGED
from aimass.engines.host.wire import KEPT, TYPES, Region

ROOM = 1 << 21
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)
NUMBERS = st.sampled_from(sorted(TYPES)).flatmap(lambda kind: hnp.arrays(kind, SHAPES))
TEXTS = hnp.arrays(object, SHAPES, elements=st.text(max_size=8))
TENSORS = st.dictionaries(st.text(max_size=5), st.one_of(NUMBERS, TEXTS), max_size=5)


@pytest.fixture(scope="module")
def region() -> Region:
    number, room = shared_memory(ROOM / 1e6)
    return mapped(number, room)[0]


@given(tensors=TENSORS, own=st.booleans())
@settings(max_examples=60)
def test_what_is_read_is_what_was_written(region: Region, tensors: dict[str, np.ndarray], own: bool) -> None:
    found = region.read(region.write(tensors), own=own)
    assert found.keys() == tensors.keys()
    for name, array in tensors.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@given(tensors=TENSORS, data=st.data())
@settings(max_examples=100)
def test_damage_is_found_or_gives_arrays_but_does_nothing_else(
    region: Region, tensors: dict[str, np.ndarray], data: st.DataObject
) -> None:
    length = region.write(tensors)
    at = data.draw(st.integers(0, length - 1))
    piece = data.draw(st.binary(min_size=1, max_size=12))
    region.memory[at : at + len(piece)] = piece
    said = data.draw(st.one_of(st.just(length), st.integers(0, 2 * length), st.integers(0, 1 << 63)))
    try:
        found = region.read(said, own=True)
    except DAMAGED:
        return
    assert all(isinstance(array, np.ndarray) for array in found.values())


@pytest.mark.parametrize(
    "head",
    [b"[1]", b"7", b'[["a","<f4",[-1]]]', b'[["a","|O",[1]]]', b'[["a","<f4",[1,"2"]]]', b'[["a","<f4",[9000000]]]',
     b'[["a","<f4",[true]]]', b'[["a","text",[18446744073709551615]]]', b'[["a","<f4",[0,18446744073709551615]]]',
     b'[["a","<f4",[4294967296,4294967296,4294967296]]]', b"{", b'[["a","<f4"]]', b'[[1,"<f4",[1]]]'],
)  # fmt: skip
def test_a_head_that_describes_no_tensors_is_refused(region: Region, head: bytes) -> None:
    region.write_bytes(len(head).to_bytes(8, "little") + head)
    with pytest.raises(DAMAGED):
        region.read(ROOM, own=True)


def test_columns_that_are_not_in_one_piece_or_of_another_byte_order_are_copied_as_they_read(region: Region) -> None:
    whole = np.arange(24, dtype=">i4").reshape(4, 6)
    found = region.read(region.write({"a": whole[::2, ::-3]}), own=True)
    assert found["a"].tolist() == [[5, 2], [17, 14]]


@pytest.mark.parametrize("array", [np.array([1 + 2j]), np.array(["2020-01-01"], "M8[D]"), np.zeros(1, np.longdouble)])
def test_a_type_that_has_no_place_in_a_call_is_named(region: Region, array: np.ndarray) -> None:
    with pytest.raises(InputError, match="column 'a' is"):
        region.write({"a": array})


@pytest.mark.parametrize(("value", "called"), [(None, "NoneType"), (3, "int"), (b"x", "bytes")])
def test_what_is_not_text_among_texts_is_named(region: Region, value: object, called: str) -> None:
    with pytest.raises(InputError, match=f"column 'a' holds {called}"):
        region.write({"a": np.array(["fine", value], dtype=object)})


@pytest.mark.parametrize("array", [np.zeros(3 << 20, np.int8), np.array(["x" * (3 << 20)], dtype=object)])
def test_more_than_there_is_room_for_is_refused(region: Region, array: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"3\.1 MB in one call") as caught:
        region.write({"a": array})
    assert "at most 2.1 MB" in caught.value.expected


@pytest.mark.skipif(not hasattr(mmap, "MADV_REMOVE"), reason="the system keeps it")
def test_what_a_large_call_took_is_given_back() -> None:
    number, room = shared_memory(200)
    questions, _ = mapped(number, room)
    large = {"a": np.ones(KEPT * 2, np.int8)}
    for _ in range(2):
        assert questions.read(questions.write(large), own=True)["a"].all()
        assert taken(number) >= 2 * KEPT
        questions.release()
        assert taken(number) <= KEPT


def taken(number: int) -> int:
    return os.fstat(number).st_blocks * 512
