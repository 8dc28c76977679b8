"""The same meaning has the same digest."""

from __future__ import annotations

import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.core.canonical import canonical, digest_of, digest_of_file
from aimass.core.errors import InputError

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def turned(value: Any) -> Any:
    """VALUE with the keys of every table in the opposite order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


@given(values)
def test_the_order_of_keys_never_matters(value: Any) -> None:
    assert canonical(value) == canonical(turned(value))
    assert digest_of(value) == digest_of(turned(value))


@given(values)
def test_nothing_is_lost(value: Any) -> None:
    assert json.loads(canonical(value)) == value


@given(values, values)
def test_other_values_have_other_digests(one: Any, other: Any) -> None:
    assert (digest_of(one) == digest_of(other)) == (canonical(one) == canonical(other))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), {"deep": [float("-inf")]}, datetime.date(2020, 1, 1), {1}])
def test_what_is_not_plain_json_is_refused(bad: Any) -> None:
    with pytest.raises(InputError, match="not plain JSON"):
        digest_of(bad)


def test_the_digest_is_sha256_of_the_text_or_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\x00\xff" * 100_000)
    assert digest_of_file(tmp_path / "a") == hashlib.sha256(b"\x00\xff" * 100_000).hexdigest()
    assert digest_of({"ü": 1}) == hashlib.sha256('{"ü":1}'.encode()).hexdigest()
