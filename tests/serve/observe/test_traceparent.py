"""The field traceparent is read as the W3C wants it, and anything else is as if it were not there."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.serve.observe.traceparent import Parent, parsed

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def field(version: str = "00", trace: str = TRACE, span: str = SPAN, flags: str = "01", more: str = "") -> bytes:
    return f"{version}-{trace}-{span}-{flags}{more}".encode()


def test_a_trace_goes_on_where_its_caller_says() -> None:
    assert parsed(field()) == Parent(TRACE, SPAN, True)
    assert parsed(field(flags="00")) == Parent(TRACE, SPAN, False)
    assert parsed(field(flags="03")) == Parent(TRACE, SPAN, True)  # of the other bits nothing is known


def test_later_versions_are_read_as_far_as_they_are_known() -> None:
    assert parsed(field("cc", more="-what-the-future-brings")) == Parent(TRACE, SPAN, True)
    assert parsed(field("cc", more=".x")) is None


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        b"",
        field("ff"),
        field(more="-more"),
        field(trace="0" * 32),
        field(span="0" * 16),
        field(trace=TRACE.upper()),
        field(trace=TRACE[:-1]),
        field(flags="1"),
        field() + b"\n",
        field() + field(),
    ],
)
def test_what_is_not_the_standards_says_nothing(wrong: bytes | None) -> None:
    assert parsed(wrong) is None


@given(st.binary(max_size=80))
@settings(deadline=None)
def test_no_bytes_break_it(junk: bytes) -> None:
    found = parsed(junk)
    assert found is None or len(found.trace) == 32
