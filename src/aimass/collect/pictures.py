"""PNG and JPEG as pixels: the one decoder, of folders that are collected and of bytes that a caller sends.

A caller's bytes are judged by their heads before anything is unpacked: a small file can claim a thousand million
pixels, many frames, or many passes over the same pixels.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aimass.core.errors import InputError

if TYPE_CHECKING:
    from PIL import Image as Pillow

BYTES = 16 << 20  # of one picture
PIXELS = 1 << 25  # of all pictures of a request together: 33 million, a photograph of 8192 x 4096
SCANS = 100  # passes of a progressive JPEG; cameras and programs write ten
SIGNS = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG"}
OTHERS = {b"GIF8": "a GIF", b"RIFF": "WebP or another RIFF file", b"BM": "a bitmap", b"II*\0": "a TIFF",
          b"MM\0*": "a TIFF", b"%PDF": "a PDF", b"<svg": "an SVG", b"<?xml": "XML"}  # fmt: skip
ORIENTATION = 274  # the tag of EXIF; 5 to 8 are turned by a quarter
SEND = "send one still PNG or JPEG"
# What Pillow raises at damaged files, beside OSError; its warning of too many pixels may be an error, too.
BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, ArithmeticError, LookupError,
          TypeError, AttributeError, MemoryError, RuntimeWarning)  # fmt: skip


def as_pixels(image: Pillow.Image, *, colour: bool, size: Sequence[int] | None = None) -> np.ndarray:
    """IMAGE as it is meant to be looked at: uint8 [H, W, 3], or [H, W, 1] without COLOUR; SIZE is (height, width).

    EXIF's orientation is followed, of 16 bits the upper 8 are taken, palettes and CMYK become RGB, alpha is left out.
    """
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    image = image.convert("RGB" if colour else "L")
    if size is not None:
        image = image.resize((size[1], size[0]), Image.Resampling.LANCZOS)
    pixels = np.asarray(image, np.uint8)
    return pixels if colour else pixels[:, :, None]


class Picture:
    """RAW, whose head was read: one still PNG or JPEG of HEIGHT x WIDTH.  Raises InputError for anything else."""

    def __init__(self, raw: bytes | memoryview) -> None:
        if len(raw) > BYTES:
            raise InputError(
                f"a picture of {len(raw)} bytes", expected=f"at most {BYTES} bytes", todo="send it smaller"
            )
        raw = bytes(raw)
        kind = next((name for sign, name in SIGNS.items() if raw.startswith(sign)), None)
        if kind is None:
            other = next((name for sign, name in OTHERS.items() if raw.startswith(sign)), f"{raw[:8]!r} ...")
            raise InputError(f"{other if raw else 'nothing'}, not a picture", expected="PNG or JPEG", todo=SEND)
        if kind == "JPEG" and raw.count(b"\xff\xda") > SCANS:
            raise InputError(f"a JPEG of more than {SCANS} scans", expected="a JPEG as cameras write it", todo=SEND)
        self.image = _opened(raw, kind)
        self.width: int = self.image.size[0]
        self.height: int = self.image.size[1]
        if self.area > PIXELS:
            raise InputError(f"a picture of {self.height} x {self.width} pixels", expected=f"at most {PIXELS} pixels",
                             todo="send it smaller")  # fmt: skip
        if kind == "PNG" and getattr(self.image, "n_frames", 1) > 1:
            raise InputError("a PNG that moves (APNG)", expected="one frame", todo=SEND)
        if _orientation(self.image) >= 5:
            self.width, self.height = self.height, self.width

    @property
    def area(self) -> int:
        return self.width * self.height

    def check(self, shape: Sequence[int]) -> None:
        """Raises InputError unless the picture has SHAPE's height and width, as far as its head says."""
        if (self.height, self.width) != tuple(shape[:2]):
            raise _size(self.height, self.width, shape)

    def pixels(self, shape: Sequence[int], *, resize: bool = False) -> np.ndarray:
        """uint8 of SHAPE (height, width, channels).  Raises InputError when it is damaged or, not to RESIZE, wrong."""
        if len(shape) != 3 or shape[2] not in (1, 3):
            raise InputError(f"the model takes images of shape {list(shape)}", expected="1 or 3 channels",
                             todo="send the pixels")  # fmt: skip
        if not resize:
            self.check(shape)
        try:
            found = as_pixels(self.image, colour=shape[2] == 3, size=shape[:2] if resize else None)
        except BROKEN as error:
            raise _damaged(error) from error
        if found.shape != tuple(shape):  # what turns it was told behind its pixels
            raise _size(found.shape[0], found.shape[1], shape)
        return found


def _opened(raw: bytes, kind: str) -> Any:
    from PIL import Image

    try:
        return Image.open(io.BytesIO(raw), formats=[kind])
    except (*BROKEN, Image.DecompressionBombError) as error:
        if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
            raise InputError(f"a picture of too many pixels: {error}", expected=f"at most {PIXELS} pixels",
                             todo="send it smaller") from error  # fmt: skip
        raise _damaged(error) from error


def _orientation(image: Any) -> int:
    """What stands before the pixels; Pillow's own getexif would unpack a PNG to look behind them."""
    from PIL import Image

    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
        found: Any = exif.get(ORIENTATION, 1)
    except BROKEN as error:
        raise _damaged(error) from error
    return int(found) if isinstance(found, int) else 1


def _damaged(error: BaseException) -> InputError:
    return InputError(f"a damaged picture: {str(error)[:200] or type(error).__name__}", expected="a whole PNG or JPEG",
                      todo=SEND)  # fmt: skip


def _size(height: int, width: int, shape: Sequence[int]) -> InputError:
    return InputError(f"a picture of {height} x {width}, the model takes {shape[0]} x {shape[1]} (height x width)",
                      expected=f"{shape[0]} x {shape[1]}",
                      todo="send that size, or let it be scaled: ?resize=true")  # fmt: skip
