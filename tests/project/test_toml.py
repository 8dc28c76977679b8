"""Every key of a TOML text is found where it stands."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.core.errors import InputError
from aimass.project.toml import locate, read

TEXT = """\
# name = "not this one"
name = "x"   # nor = "this"
[a."b.c"]
query = \"\"\"
z = 1
[q]
\"\"\"
lists = [
  ["p"],   # no comma behind the next one
  ["q"]
]
 inline = { hash = "#=[", deep = [1, {w = 2}] }
[[t.r]]
day = 2020-01-01 10:00:00
[[t.r]]
e.f = 1.5
[t.r.s]
y='''[y]'''
last=1
"""


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ("name", (2, 1)),
        ("a", (3, 1)),
        ("a/b.c/query", (4, 1)),
        ("a/b.c/lists/1", (10, 3)),
        ("a/b.c/inline/hash", (12, 13)),
        ("a/b.c/inline/deep/1/w", (12, 39)),
        ("t/r/0/day", (14, 1)),
        ("t/r/1/e/f", (16, 1)),
        ("t/r/1/s/last", (19, 1)),
        ("a/b.c/z", (3, 1)),  # text inside a string is no key: the nearest table around it
        ("a/b.c/inline/no", (12, 2)),
        ("nowhere", (1, 1)),
    ],
)
def test_a_key_is_found_in_every_shape_of_toml(keys: str, place: tuple[int, int]) -> None:
    assert locate(TEXT, keys.split("/")) == place


class Writer:
    """Writes TOML and notes where each key begins."""

    def __init__(self, draw: Any) -> None:
        self.draw, self.text, self.places = draw, "", dict[tuple[str, ...], tuple[int, int]]()

    def put(self, text: str, path: tuple[str, ...] | None = None) -> None:
        if path is not None:
            self.places[path] = self.text.count("\n") + 1, len(self.text) - self.text.rfind("\n")
        self.text += text

    def space(self) -> None:
        self.put(self.draw(st.sampled_from(["", " ", "\t"])))

    def key(self, key: str, value: Any, path: tuple[str, ...]) -> None:
        self.space()
        self.put(json.dumps(key) if self.draw(st.booleans()) else key, path)
        self.put(self.draw(st.sampled_from(["=", " = ", " =  "])))
        self.value(value, path)

    def value(self, value: Any, path: tuple[str, ...]) -> None:
        if isinstance(value, list):
            self.put("[" + self.draw(st.sampled_from(["", "\n", " # ] x = 1\n"])))
            for i, item in enumerate(value):
                self.space()
                self.put("", (*path, str(i)))
                self.value(item, (*path, str(i)))
                self.put(self.draw(st.sampled_from([",", " ,\n", ", # , }\n"])))
            self.put("]")
        elif isinstance(value, dict):
            self.put("{")
            for i, (key, item) in enumerate(value.items()):
                self.put(", " if i else "")
                self.key(key, item, (*path, key))
            self.put("}")
        elif isinstance(value, str) and "'" not in value and self.draw(st.booleans()):
            self.put(f"'''\n{value}'''")
        else:
            self.put(json.dumps(value))


names = st.text("abcXYZ019_-", min_size=1, max_size=4)
texts = st.text("ab =[]{}#,.\n\"'\\", max_size=8)
scalars = st.booleans() | st.integers(0, 99) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)


@given(st.data(), st.dictionaries(names, st.dictionaries(names, values, max_size=4), max_size=3))
def test_every_key_is_found_where_it_was_written(data: st.DataObject, tables: dict[str, dict[str, Any]]) -> None:
    writer = Writer(data.draw)
    for name, table in tables.items():
        writer.space()
        writer.put(f"[{name}]", (name,))
        writer.put(data.draw(st.sampled_from(["\n", " # [x]\n", "\n\n"])))
        for key, value in table.items():
            writer.key(key, value, (name, key))
            writer.put(data.draw(st.sampled_from(["\n", "  # y = 2\n"])))
    assert tomllib.loads(writer.text) == tables
    assert {path: locate(writer.text, list(path)) for path in writer.places} == writer.places


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no project file at") as caught:
        read(tmp_path)
    assert "aimass init" in caught.value.todo
    (tmp_path / "aimass.toml").write_text("[goal]\ntarget = ")
    with pytest.raises(InputError, match=r"\(at line 2, column 10\)|end of document"):
        read(tmp_path)
    (tmp_path / "aimass.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path)
