"""A folder of pictures: each file is a row of the one column that the model takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from aimass.collect.pictures import BYTES, Picture
from aimass.core.errors import InputError
from aimass.core.signature import Field
from aimass.serve.files.blocks import HEAVY, Arrays, Block, Reader
from aimass.serve.images import telling

FILE = "file"  # the column that names the picture, below its folder


class PictureBlock(Block):
    """Pictures at PATHS below the folder FILE."""

    def __init__(self, file: Path, paths: Sequence[Path], *, resize: bool) -> None:
        super().__init__(file, [0] * len(paths))
        self.paths, self.resize = paths, resize

    def take(self, rows: Sequence[int]) -> Self:
        return type(self)(self.file, [self.paths[row] for row in rows], resize=self.resize)

    def tensors(self, fields: Sequence[Field]) -> Arrays:
        (field,) = fields
        made = np.empty((len(self.paths), *field.shape), np.uint8)
        for i, path in enumerate(self.paths):
            with telling(i, field):
                made[i] = Picture(_bytes(path)).pixels(field.shape, resize=self.resize)
        return {field.name: made}

    def sent(self, name: str, field: Field | None) -> list[Any]:
        return [path.relative_to(self.file).as_posix() for path in self.paths]

    def raw(self, row: int) -> Any:
        return {FILE: self.paths[row].relative_to(self.file).as_posix()}


class PictureReader(Reader):
    """Reads the pictures FILES below FOLDER, for FIELD."""

    def __init__(self, folder: Path, files: Sequence[Path], field: Field, *, resize: bool) -> None:
        super().__init__([folder])
        self.paths, self.field, self.resize = files, field, resize

    def names(self) -> list[str]:
        return [FILE]

    def blocks(self, file: Path, rows: int) -> Iterator[Block]:
        rows = max(1, min(rows, HEAVY // int(np.prod(self.field.shape))))
        for at in range(0, len(self.paths), rows):
            yield PictureBlock(file, self.paths[at : at + rows], resize=self.resize)


def _bytes(path: Path) -> bytes:
    """At most one more than a picture may have.  Raises InputError."""
    try:
        with path.open("rb") as file:
            return file.read(BYTES + 1)
    except OSError as error:
        raise InputError(f"unreadable: {error.strerror}", expected="a file this user may read") from error
