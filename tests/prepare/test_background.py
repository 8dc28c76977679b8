"""Training rows that stay with a model come back as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimass.core.errors import InputError
from aimass.core.signature import Field
from aimass.prepare.background import BYTES, FILE, LEAST, load_background, save_background

FIELDS = (
    Field("../size", "float64", kind="number", sent="number"),
    Field("word", "string", kind="text", sent="string"),
    Field("seen", "int64", kind="date", sent="date"),
)


texts = st.text(st.characters(exclude_categories=["Cs"]))
rows_ = st.lists(st.tuples(st.floats(), texts, st.integers(-(2**63), 2**62)), min_size=1, max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows_)
def test_every_row_comes_back_and_what_is_infinite_is_missing(tmp_path: Path, rows: list) -> None:
    numbers, words, dates = zip(*rows, strict=True)
    text = np.empty(len(words), object)
    text[:] = words
    save_background(tmp_path, {"../size": np.array(numbers), "word": text, "seen": np.array(dates, np.int64)}, FIELDS)
    found = load_background(tmp_path, FIELDS)
    assert found["word"].tolist() == list(words) and found["seen"].tolist() == list(dates)
    np.testing.assert_array_equal(found["../size"], np.where(np.isinf(numbers), np.nan, numbers))
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    columns = {"../size": np.arange(5.0), "word": np.array(["ä"] * 5, object), "seen": np.arange(5)}
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        save_background(tmp_path / name, columns, FIELDS)
    assert (tmp_path / "one" / FILE).read_bytes() == (tmp_path / "other" / FILE).read_bytes()


@pytest.mark.parametrize(("side", "kept"), [(10, 64), (200, 26), (500, LEAST)])
def test_large_rows_are_fewer(side: int, kept: int, tmp_path: Path) -> None:
    field = Field("photo", "uint8", (side, side, 1), kind="image", sent="image")
    images = np.zeros((64, side, side, 1), np.uint8)
    images += np.arange(64, dtype=np.uint8)[:, None, None, None]
    save_background(tmp_path, {"photo": images}, (field,))
    found = load_background(tmp_path, (field,))["photo"]
    assert len(found) == kept and (found.nbytes <= BYTES or kept == LEAST)
    assert (found[0].max(), found[-1].max()) == (0, 63)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04broken", "array", "torn"])
def test_a_damaged_file_is_named(content: bytes | str, tmp_path: Path) -> None:
    assert load_background(tmp_path, FIELDS) is None
    if content == "torn":
        rows = {"../size": np.arange(99.0) ** 0.5, "word": np.array(["w"] * 99, object), "seen": np.arange(99)}
        save_background(tmp_path, rows, FIELDS)
        whole = (tmp_path / FILE).read_bytes()
        content = whole[:100] + bytes(200) + whole[300:]
    elif content == "array":
        with (tmp_path / FILE).open("wb") as file:
            np.save(file, np.ones(3))
        content = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(InputError, match=r"background\.npz is damaged"):
        load_background(tmp_path, FIELDS)


def test_nothing_in_it_is_run(tmp_path: Path) -> None:
    np.savez(tmp_path / FILE, **{"0": np.array([print], object)})
    with pytest.raises(InputError, match="is damaged"):
        load_background(tmp_path, FIELDS)
