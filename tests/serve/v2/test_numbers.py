"""Numbers in JSON: the very values that every other reader gives, or the same refusal."""

from __future__ import annotations

import threading

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.serve.v2.numbers import reals, wholes

VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.integers(-(2**70), 2**70), st.integers(0, 255), st.none(),
)  # fmt: skip
SPACE = st.sampled_from(["", " ", "\n\t"])


@given(st.lists(VALUES, max_size=50), SPACE)
def test_real_numbers_are_read_bit_for_bit(values: list[float | int | None], space: str) -> None:
    written = [str(v) if isinstance(v, int) else orjson.dumps(v).decode() for v in values]
    text = f"[{f'{space},{space}'.join(written)}]"
    expected = np.array([float("nan") if v is None else float(v) for v in values], np.float64)
    assert reals(text.encode()).tobytes() == expected.tobytes()


@given(st.text("0123456789+-.eE, \nnul", max_size=30))
def test_what_is_no_list_of_numbers_is_refused_as_any_json_is(inside: str) -> None:
    text = f"[{inside}]".encode()
    try:
        expected = np.array(orjson.loads(text), np.float64)
    except (ValueError, TypeError):
        with pytest.raises((ValueError, TypeError)):
            reals(text)
    else:
        assert reals(text).tobytes() == expected.tobytes()


def test_threads_do_not_share_what_they_read() -> None:
    wrong = []

    def read(number: int) -> None:
        for _ in range(300):
            found = reals(b"[" + b",".join([str(number).encode()] * 64) + b"]")
            wrong.extend(value for value in found.tolist() if value != number)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_whole_numbers_are_not_rounded() -> None:
    assert wholes(b"[9223372036854775807, -1]") == [2**63 - 1, -1]
    for text in (b"[1.0]", b"[18446744073709551616]", b"[null]", b"[true]"):
        with pytest.raises(ValueError):
            wholes(text)
