"""The field `prefer`: RFC 7240, of which two words are understood here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.serve.explaining.prefer import Preferred, preferred


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (None, Preferred()),
        (b"", Preferred()),
        (b"respond-async", Preferred(later=True)),
        (b"Respond-Async", Preferred(later=True)),
        (b"respond-async, wait=10", Preferred(later=True, wait=10)),
        (b'wait="10" , respond-async', Preferred(later=True, wait=10)),
        (b"respond-async; foo=bar,wait = 3", Preferred(later=True, wait=3)),
        (b"wait=10", Preferred(wait=10)),
        (b"wait=10, wait=20", Preferred(wait=10)),
        (b"respond-async, wait=99999999999999999999", Preferred(later=True, wait=60)),
        (b"respond-async, wait=-1", Preferred(later=True)),
        (b"respond-async, wait=soon", Preferred(later=True)),
        (b"respond-asynchronously, return=minimal", Preferred()),
    ],
)
def test_what_is_understood_and_what_is_as_if_it_were_not_said(said: bytes | None, found: Preferred) -> None:
    assert preferred(said, 60) == found


@given(st.binary(max_size=60) | st.sampled_from([b"respond-async,wait=", b"wait=\xb2", b'=,;"']))
def test_whatever_is_said_a_request_waits_no_longer_than_it_may(said: bytes) -> None:
    found = preferred(said, 60)
    assert 0 <= found.wait <= 60 and found.later == (preferred(said + b",respond-async", 60) == found)
