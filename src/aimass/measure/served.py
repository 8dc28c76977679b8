"""A model as a release would lie there: its files, and the engine that is to run them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aimass.engines.base import Engine
from aimass.engines.chosen import FILE, write_engine


@contextmanager
def as_served(model: Path, engine: Engine | None) -> Iterator[Path]:
    """A folder with the files of MODEL that asks for ENGINE; MODEL itself where there is none to ask for."""
    if engine is None:
        yield model
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for path in model.iterdir():
            if path.name != FILE:
                (folder / path.name).symlink_to(path.resolve())
        write_engine(folder, engine)
        yield folder
