"""Images: a folder a class, or the idx files of MNIST and its kin.  Kept as raw bytes of one shape."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from aimass.collect.base import Collector, Cursor, Malformed, Rows
from aimass.collect.endings import ENDINGS
from aimass.collect.files import check_at_rest, kind_of, opened, plan
from aimass.collect.pictures import BROKEN, as_pixels
from aimass.core.errors import InputError
from aimass.core.part import knob

SPLITS = {"train": "train", "t10k": "test", "test": "test", "valid": "valid", "validation": "valid", "val": "valid"}
BATCH = 1000


class Images(Collector):
    """Columns: image (uint8, height x width x channels), label, file, and split where the files name one."""

    revision: ClassVar[int] = 2

    path: str = knob("", help="a folder with a folder a class (in train/, test/ or not), or with idx files")
    classes: list[str] | None = knob(None, help="names for the numbers in idx label files")
    size: list[int] | None = knob(None, help="[height, width] to scale to; needed when sizes differ")
    channels: Literal["auto", "grey", "colour"] = knob("auto", help="auto: as the first image is")

    def read(self, cursor: object | None) -> Iterator[Rows]:
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise InputError(f"size is {self.size}", expected="[height, width] in pixels", key="size")
        root = Path(self.path)
        if kind_of(root) != "folder":
            raise InputError(f"no folder at {self.path}", expected="a folder of images or of idx files", key="path",
                             todo="check the path; relative paths count from the project file")  # fmt: skip
        idx = sorted(p for p in root.iterdir() if "-images-idx3-ubyte" in p.name or "-images.idx3-ubyte" in p.name)
        pictures = [] if idx else sorted(p for p in root.rglob("*") if p.suffix.lower() in ENDINGS)
        if not idx and not pictures:
            raise InputError(f"{self.path} holds no images", expected="*-images-idx3-ubyte files or class/*.png",
                             key="path")  # fmt: skip
        files = [f for i in idx for f in (i, labels_of(i))] or pictures
        what = plan(files, cursor)
        if not what.todo:
            return
        # Shape and classes belong to the whole: a new file means reading all again.
        yield from self._idx(idx) if idx else self._folders(root, pictures)
        for file in files:
            check_at_rest(file, what)
        yield Cursor(what.now, replace=bool(what.seen) or what.replace)

    # -- idx --------------------------------------------------------------------------------------------------

    def _idx(self, files: list[Path]) -> Iterator[Rows]:
        for file in files:
            pixels, labels = read_idx(file, 3), read_idx(labels_of(file), 1)
            if len(pixels) != len(labels):
                raise InputError(f"{file.name} has {len(pixels)} images but {len(labels)} labels",
                                 expected="a label an image", key="path")  # fmt: skip
            names = self._names(labels)
            prefix = file.name.partition("-")[0]
            for begin in range(0, len(pixels), BATCH):
                part = slice(begin, begin + BATCH)
                yield _batch(pixels[part, :, :, None], names[labels[part]].tolist(),
                             [f"{file.name}#{i}" for i in range(begin, min(begin + BATCH, len(pixels)))],
                             [SPLITS.get(prefix, prefix)] * len(labels[part]))  # fmt: skip

    def _names(self, labels: np.ndarray) -> np.ndarray:
        most = int(labels.max(initial=0))
        if self.classes is None:
            return np.array([str(i) for i in range(most + 1)], dtype=object)
        if most >= len(self.classes):
            raise InputError(f"a label is {most}, but there are {len(self.classes)} classes",
                             expected=f"{most + 1} names", key="classes")  # fmt: skip
        return np.array(self.classes, dtype=object)

    # -- a folder a class -------------------------------------------------------------------------------------

    def _folders(self, root: Path, files: list[Path]) -> Iterator[Rows]:
        from PIL import Image

        damaged = (*BROKEN, Image.DecompressionBombError)
        shape: tuple[int, ...] | None = None
        rows: list[tuple[np.ndarray, str, str, str]] = []
        names = [file.relative_to(root) for file in files]
        # train/cat/1.png makes train/ a split; else it is a class of its own
        splits = {name.parts[0] for name in names if len(name.parts) > 2 and name.parts[0] in SPLITS}
        for file, name in zip(files, names, strict=True):
            if len(name.parts) < 2 or (len(name.parts) == 2 and name.parts[0] in splits):
                raise InputError(f"{file} lies in no class folder", expected="class/image.png", key="path",
                                 todo="put each image into a folder named after its class")  # fmt: skip
            try:
                with Image.open(file) as image:
                    pixels = self._pixels(image, shape)
            except damaged as error:
                yield Malformed(f"not an image: {type(error).__name__}", name.as_posix())
                continue
            shape = shape or pixels.shape
            if pixels.shape != shape:
                raise InputError(f"{name} is {pixels.shape[0]} x {pixels.shape[1]}, others {shape[0]} x {shape[1]}",
                                 expected="images of one size", todo="set size = [height, width]",
                                 key="size")  # fmt: skip
            rows.append(
                (pixels, name.parent.name, name.as_posix(), SPLITS[name.parts[0]] if name.parts[0] in splits else "")
            )
            if len(rows) == BATCH or len(rows) * math.prod(shape) > 64 << 20:
                yield _batch_of(rows)
                rows = []
        if rows:
            yield _batch_of(rows)

    def _pixels(self, image: object, shape: tuple[int, ...] | None) -> np.ndarray:
        from PIL import Image

        assert isinstance(image, Image.Image)
        colour = {"grey": False, "colour": True}.get(self.channels)
        if colour is None:
            colour = shape[2] == 3 if shape else image.mode not in ("1", "L", "LA", "I", "I;16", "F")
        return as_pixels(image, colour=colour, size=self.size)


def labels_of(images: Path) -> Path:
    """The label file beside an image file.  Raises InputError when it is not there."""
    path = images.with_name(images.name.replace("images", "labels").replace("idx3", "idx1"))
    if not path.exists():
        raise InputError(f"{images.name} has no labels beside it", expected=path.name, key="path")
    return path


def read_idx(path: Path, axes: int) -> np.ndarray:
    """The bytes of an idx file of AXES axes.  Format: big-endian magic, sizes, then the values.

    Raises InputError when it is cut short or of another kind.
    """
    with opened(path) as file:
        content = file.read()
    head = 4 + 4 * axes
    if len(content) < head or content[:4] != bytes([0, 0, 8, axes]):
        raise InputError(
            f"{path} is not an idx file of {axes} axes of bytes", expected="the format of MNIST", key="path"
        )
    shape = struct.unpack(f">{axes}I", content[4:head])
    if len(content) != head + math.prod(shape):
        raise InputError(f"{path} has {len(content) - head} bytes for {math.prod(shape)} values",
                         expected="a whole idx file", todo="it is half-written: get it again", key="path")  # fmt: skip
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)


def _batch_of(rows: list[tuple[np.ndarray, str, str, str]]) -> pa.RecordBatch:
    pixels, labels, files, splits = zip(*rows, strict=True)
    return _batch(np.stack(pixels), list(labels), list(files), list(splits))


def _batch(pixels: np.ndarray, labels: list[str], files: list[str], splits: list[str]) -> pa.RecordBatch:
    """PIXELS uint8 [N, H, W, C] and what is known of each image."""
    shape = json.dumps(list(pixels.shape[1:])).encode()
    columns: list[pa.Array] = [pa.array([p.tobytes() for p in np.ascontiguousarray(pixels)], pa.binary()),
                               pa.array(labels), pa.array(files)]  # fmt: skip
    fields = [pa.field("image", pa.binary(), metadata={"shape": shape}), pa.field("label", pa.string()),
              pa.field("file", pa.string())]  # fmt: skip
    if any(splits):
        columns.append(pa.array(splits))
        fields.append(pa.field("split", pa.string()))
    return pa.record_batch(columns, schema=pa.schema(fields))
