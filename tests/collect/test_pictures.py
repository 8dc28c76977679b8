"""One decoder: what is a whole PNG or JPEG becomes pixels, everything else a sentence."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from aimass.collect.pictures import BYTES, PIXELS, Picture, as_pixels
from aimass.core.errors import InputError

GREY, COLOUR = (4, 3, 1), (4, 3, 3)
RAMP = np.arange(36, dtype=np.uint8).reshape(4, 3, 3) * 7


def packed(image: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def claiming(height: int, width: int, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG of a few bytes whose head claims HEIGHT x WIDTH."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def refused(raw: bytes, shape: tuple[int, ...] = COLOUR, *, resize: bool = False) -> str:
    with pytest.raises(InputError) as caught:
        Picture(raw).pixels(shape, resize=resize)
    assert caught.value.expected and caught.value.todo
    return caught.value.what


def test_a_png_gives_the_pixels_that_were_packed() -> None:
    assert np.array_equal(Picture(packed(Image.fromarray(RAMP))).pixels(COLOUR), RAMP)
    grey = Picture(packed(Image.fromarray(RAMP[:, :, 0]))).pixels(GREY)
    assert np.array_equal(grey[:, :, 0], RAMP[:, :, 0])


def test_a_jpeg_gives_nearly_the_pixels_that_were_packed() -> None:
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    found = Picture(packed(Image.fromarray(flat), "JPEG", quality=95)).pixels((16, 16, 3))
    assert np.abs(found.astype(int) - flat).max() <= 3


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("shape", [GREY, COLOUR])
def test_every_kind_of_png_becomes_the_channels_that_the_model_takes(mode: str, shape: tuple[int, ...]) -> None:
    image = Image.fromarray(RAMP).convert(mode)
    found = Picture(packed(image)).pixels(shape)
    assert np.array_equal(found.squeeze(), np.asarray(image.convert("RGB" if shape[2] == 3 else "L")))


def test_of_16_bits_the_upper_8_are_taken() -> None:
    deep = np.array([[0, 255, 256], [32768, 65535, 4660]], np.uint16)
    assert Picture(packed(Image.fromarray(deep))).pixels((2, 3, 1))[:, :, 0].tolist() == [[0, 0, 1], [128, 255, 18]]


def test_cmyk_becomes_rgb() -> None:
    image = Image.new("CMYK", (3, 4), (0, 255, 255, 0))
    red = Picture(packed(image, "JPEG", quality=100)).pixels(COLOUR)[0, 0]
    assert red[0] > 240 and red[1] < 15 and red[2] < 15


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_the_orientation_of_exif_is_followed(kind: str) -> None:
    exif = Image.Exif()
    exif[274] = 6  # the camera was turned by a quarter
    wide = np.repeat(np.arange(0, 240, 40, dtype=np.uint8)[None, :], 4, axis=0)  # 4 x 6
    found = Picture(packed(Image.fromarray(wide), kind, exif=exif)).pixels((6, 4, 1))
    assert np.abs(found[:, :, 0].astype(int) - np.rot90(wide, -1)).max() < 40
    assert "a picture of 6 x 4, the model takes 4 x 6" in refused(
        packed(Image.fromarray(wide), kind, exif=exif), (4, 6, 1)
    )


def test_another_size_is_refused_naming_both_unless_it_may_be_scaled() -> None:
    raw = packed(Image.fromarray(np.full((8, 10), 9, np.uint8)))
    assert refused(raw) == "a picture of 8 x 10, the model takes 4 x 3 (height x width)"
    assert Picture(raw).pixels(COLOUR, resize=True).tolist() == np.full(COLOUR, 9).tolist()


def test_collected_pictures_are_scaled_the_same_way() -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8))
    wanted = as_pixels(image, colour=True, size=(4, 3))
    assert np.array_equal(Picture(packed(image)).pixels(COLOUR, resize=True), wanted)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "nothing"),
        (b"GIF89a" + bytes(20), "a GIF"),
        (b"RIFF\0\0\0\0WEBP", "WebP"),
        (b"II*\0" + bytes(20), "a TIFF"),
        (b"<svg/>", "an SVG"),
        (b"hello", "b'hello'"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"\xff\xd8\xff", "damaged"),
        (b"\x89PNG\r\n\x1a\n" + bytes(BYTES), "bytes"),
        (packed(Image.fromarray(RAMP))[:-30], "damaged"),
        (packed(Image.effect_noise((99, 99), 60), "JPEG")[:-400], "damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_whole_picture_is_refused(raw: bytes, says: str) -> None:
    assert says in refused(raw, resize=True)


@pytest.mark.parametrize("size", [(1, PIXELS + 1), (20_000, 20_000), (2**31 - 1, 2**31 - 1), (2**31 - 1, 1)])
@pytest.mark.parametrize("resize", [False, True])
def test_a_bomb_is_refused_by_its_head(size: tuple[int, int], resize: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda *_: pytest.fail("it was unpacked"))
    assert "pixels" in refused(claiming(*size), resize=resize)
    assert "the model takes 4 x 3" in refused(claiming(5000, 5000))


def test_a_picture_that_moves_is_refused() -> None:
    frames = [Image.new("L", (3, 4), shade) for shade in (0, 9, 99)]
    assert "moves" in refused(packed(frames[0], save_all=True, append_images=frames[1:]))


def test_a_jpeg_of_a_thousand_scans_is_refused() -> None:
    raw = packed(Image.fromarray(RAMP), "JPEG", progressive=True)
    assert Picture(raw).pixels(COLOUR).shape == COLOUR
    scan = raw[raw.rindex(b"\xff\xda") : -2]
    assert "scans" in refused(raw[:-2] + scan * 1000 + b"\xff\xd9")


WHOLE = [
    packed(Image.fromarray(RAMP)),
    packed(Image.fromarray(RAMP).convert("P")),
    packed(Image.fromarray(RAMP[:, :, 0].astype(np.uint16) * 257)),
    packed(Image.fromarray(RAMP), "JPEG"),
    packed(
        Image.fromarray(RAMP),
        "JPEG",
        progressive=True,
        exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0",
    ),
]


@pytest.mark.filterwarnings("ignore")
@given(data=st.data())
@settings(max_examples=400, deadline=None, derandomize=True)
def test_whatever_is_sent_there_is_a_result_or_a_refusal(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from(["set", "cut", "drop", "double"])):
            case "set":
                raw[at] = data.draw(st.integers(0, 255))
            case "cut":
                raw = raw[: at + 1]
            case "drop":
                del raw[at : at + data.draw(st.integers(1, 8))]
            case "double":
                raw[at:at] = raw[at : at + 16]
        if not raw:
            break
    shape, resize = data.draw(st.sampled_from([GREY, COLOUR])), data.draw(st.booleans())
    try:
        found = Picture(bytes(raw)).pixels(shape, resize=resize)
    except InputError as error:
        assert error.what and error.expected
    else:
        assert found.shape == shape and found.dtype == np.uint8
