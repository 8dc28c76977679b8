"""A project of eight rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aimass.project.file import Project, load

PROJECT = """\
name = "tiny"

[collect]
use = "csv"
path = "rows.csv"

[goal]
target = "y"
p99_ms = 20.0

[search]
models = [
  "linear",
  { use = "mlp" },
]
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Project]:
    """Writes aimass.toml with some text replaced, and loads it."""

    def loaded(old: str = "", new: str = "", *, sets: tuple[str, ...] = (), text: str = PROJECT) -> Project:
        assert old in text
        (tmp_path / "rows.csv").write_text("x,y\n" + "".join(f"{i},{'no' if i % 2 else 'yes'}\n" for i in range(8)))
        (tmp_path / "aimass.toml").write_text(text.replace(old, new) if old else text + new)
        return load(tmp_path / "aimass.toml", sets)

    return loaded
