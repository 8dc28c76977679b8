"""Whose trace a request belongs to, as its caller says.  W3C Trace Context, section 3.2."""

from __future__ import annotations

import re
from typing import NamedTuple

FORM = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
SAMPLED = 1


class Parent(NamedTuple):
    """The caller's SPAN of a TRACE, both in hex; SAMPLED: it is recorded there."""

    trace: str
    span: str
    sampled: bool


def parsed(field: bytes | None) -> Parent | None:
    """What the FIELD says; None where it says nothing, or not as the standard wants it: then a new trace begins.

    A version above 00 is read as far as it is known, and may have more behind it; version ff does not exist.
    """
    if field is None:
        return None
    found = FORM.fullmatch(field.strip(b" \t"))
    if found is None:
        return None
    version, trace, span, flags, more = found.groups()
    if version == b"ff" or (version == b"00" and more) or not int(trace, 16) or not int(span, 16):
        return None
    return Parent(trace.decode(), span.decode(), bool(int(flags, 16) & SAMPLED))
