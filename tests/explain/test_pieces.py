"""Images in regions, texts in words, and both beside other columns."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.explain.conftest import (
    IMAGE,
    OUTPUTS,
    TEXT,
    WEIGHTS,
    Clock,
    brightness,
    by_definition,
    chance,
    numbers,
    opinion,
    shares,
)

from aimass.core.errors import InputError
from aimass.core.signature import Field, Signature
from aimass.explain.auto import Auto
from aimass.explain.base import Budget
from aimass.explain.occlusion import Occlusion
from aimass.explain.overlay import overlay
from aimass.explain.pictures import Box, cut
from aimass.explain.shapley import Shapley
from aimass.explain.texts import Text, words_of
from aimass.explain.tokens import Tokens

PATIENT = Budget(seconds=1e9, evaluations=6000)


def body(text: str) -> dict[str, np.ndarray]:
    return {"body": np.array([text], object)}


def test_the_pixels_that_decide_carry_the_answer_and_all_pixels_add_up(bright, photos) -> None:
    found = Occlusion().explain(chance(brightness), bright, IMAGE, photos, budget=PATIENT)
    grid = found.pixels("photo")
    assert grid.shape == (28, 28)
    assert grid.sum() + found.base_value == pytest.approx(found.prediction, abs=1e-9)
    assert grid[3:8, 4:9].sum() > 0.9 * np.abs(grid).sum()
    assert found.prediction - found.base_value > 0.8 and found.method.startswith("occlusion: walks, photo behind ")


@pytest.mark.parametrize("evaluations", [0, 40, 100, 300, 1000])
def test_a_small_budget_gives_a_coarser_map_that_still_adds_up(evaluations: int, bright, photos) -> None:
    asked = Budget(seconds=1e9, evaluations=evaluations)
    found = Occlusion().explain(chance(brightness), bright, IMAGE, photos, budget=asked)
    assert found.completeness_error < 1e-9 and found.evaluations <= max(evaluations, 100)
    regions = found.regions["photo"]
    assert sum(r.height * r.width for r in regions) == 28 * 28
    assert (len(regions) > 16) == (evaluations >= 300)
    assert found.pixels("photo")[:14, :14].sum() > 0.9 * np.abs(found.pixels("photo")).sum()


def test_the_parts_of_a_region_sum_up_to_what_the_region_had(bright, photos) -> None:
    """The coarse shares of a long search and of a short one are the same figures."""
    fine = Occlusion().explain(chance(brightness), bright, IMAGE, photos, budget=PATIENT).pixels("photo")
    coarse = Occlusion(fallback="mean").explain(
        chance(brightness), bright, IMAGE, photos, budget=Budget(seconds=1e9, evaluations=200)
    ).pixels("photo")  # fmt: skip
    blocks = [grid.reshape(4, 7, 4, 7).sum(axis=(1, 3)) for grid in (fine, coarse)]
    np.testing.assert_allclose(blocks[0], blocks[1], atol=0.1)


@pytest.mark.parametrize("fallback", ["blur", "mean", "black"])
def test_the_image_behind_can_be_chosen_and_is_told(fallback: str, bright, photos) -> None:
    found = Occlusion(fallback=fallback).explain(chance(brightness), bright, IMAGE, photos, budget=PATIENT)
    assert found.method.endswith(f"photo behind {fallback}")


def test_an_image_that_equals_what_is_behind_has_no_shares(photos) -> None:
    black = {"photo": np.zeros((1, 28, 28, 1), np.uint8)}
    found = Occlusion().explain(chance(brightness), black, IMAGE, black, budget=PATIENT)
    assert not found.pixels("photo").any() and found.completeness_error == 0


def test_images_of_odd_shapes_and_colours_are_cut_without_gaps() -> None:
    for height, width, channels in ((1, 1, 1), (3, 50, 3), (17, 5, 4)):
        fields = (Field("i", "uint8", (height, width, channels), kind="image", sent="image"),)
        image = np.random.default_rng(0).integers(0, 255, size=(5, height, width, channels)).astype(np.uint8)
        found = Occlusion().explain(
            chance(lambda t: t["i"].reshape(len(t["i"]), -1).mean(axis=1) / 50 - 2), {"i": image[:1]},
            Signature("binary", "y", fields, (), OUTPUTS), {"i": image}, budget=PATIENT,
        )  # fmt: skip
        assert found.pixels("i").shape == (height, width) and found.completeness_error < 1e-9


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 9))
def test_boxes_cover_every_pixel_once(height: int, width: int, count: int) -> None:
    covered = np.zeros((height, width), int)
    for box in cut(Box(0, 0, height, width), count):
        covered[box.top : box.top + box.height, box.left : box.left + box.width] += 1
    assert (covered == 1).all()


def test_an_overlay_shows_what_speaks_for_the_answer_in_red_and_against_it_in_blue(bright, photos) -> None:
    grid = np.zeros((28, 28))
    grid[:14], grid[14:] = 0.5, -0.25
    image = Image.open(io.BytesIO(overlay(photos["photo"][0], grid)))
    assert image.format == "PNG" and image.size[0] >= 224 and image.size[0] % 28 == 0
    pixels = np.asarray(image.convert("RGB")).astype(int)
    half = len(pixels) // 2
    assert pixels[: half - 9, :, 0].mean() > 2 * pixels[: half - 9, :, 2].mean()
    assert pixels[half + 9 :, :, 2].mean() > 1.2 * pixels[half + 9 :, :, 0].mean()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_an_overlay_takes_any_channels_and_an_empty_map(channels: int) -> None:
    image = np.full((300, 10, channels), 90, np.uint8)
    assert Image.open(io.BytesIO(overlay(image, np.zeros((300, 10))))).size == (10, 300)


# -- texts ----------------------------------------------------------------------------------------------------


def test_words_get_their_shares_at_their_places_in_the_raw_text() -> None:
    text = "A GREAT film, not awful!"
    found = Tokens().explain(chance(opinion), body(text), TEXT, body("x"), target="yes", budget=PATIENT)
    tokens, words = found.tokens["body"], ["A", "GREAT", "film", "not", "awful", "!"]
    assert [text[t.begin : t.end] for t in tokens] == [t.text for t in tokens] == words
    signs = np.sign(np.round([t.attribution for t in tokens], 9)).tolist()
    assert signs == [0, 1, 0, -1, -1, 0] and "all sets" in found.method
    assert found.base_value == 0.5 and found.completeness_error < 1e-9
    assert found.attributions[0].name == "body" and found.attributions[0].value is None


def test_words_of_a_short_text_are_exact() -> None:
    text = "great not awful not great"
    found = Tokens().explain(chance(opinion), body(text), TEXT, body(""), target="yes", budget=PATIENT)
    row = {f"w{i}": np.array([WEIGHTS[w]]) for i, w in enumerate(text.split())}
    zeros = {name: np.zeros(1) for name in row}
    expected = by_definition(chance(lambda t: sum(t.values())), row, zeros, "probabilities")
    np.testing.assert_allclose([t.attribution for t in found.tokens["body"]], expected, atol=1e-9)


def test_a_long_text_comes_in_groups_and_the_words_that_decide_come_alone() -> None:
    text = "word " * 150 + "great " + "filler " * 200 + "awful!"
    found = Tokens().explain(chance(opinion), body(text), TEXT, body(""), target="yes", budget=PATIENT)
    tokens = found.tokens["body"]
    first, second = sorted(tokens, key=lambda t: t.attribution)[:: len(tokens) - 1]
    assert (first.text, second.text) == ("awful", "great") and len(tokens) < 60
    assert [(a.end <= b.begin) for a, b in pairwise(tokens)] == [True] * (len(tokens) - 1)
    assert sum(len(words_of(t.text)) for t in tokens) == 353  # "!" is a word, too
    assert found.completeness_error < 1e-9


@pytest.mark.parametrize("text", ["", "   ", "...", "\n\t"])
def test_a_text_without_words_has_nothing_to_hide(text: str) -> None:
    found = Tokens().explain(chance(opinion), body(text), TEXT, body("great"))
    assert found.tokens["body"] == () and found.completeness_error == 0


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=("Cs", "Cn", "Co"))))
def test_words_are_those_of_the_text_preparer(text: str) -> None:
    """Same letters in the same order, whatever the script; what lies between them is kept as it is."""
    from aimass.prepare.text import _words

    if "\x00" in text:
        return
    spans = words_of(text)
    values = np.empty(1, object)
    values[0] = text
    assert [text[begin:end] for begin, end in spans] == next(iter(_words(values)))


@settings(deadline=None)
@given(st.text(), st.lists(st.booleans(), max_size=30))
def test_showing_every_word_gives_the_text_itself(text: str, chosen: list[bool]) -> None:
    whole = Text.of("t", text, 24)
    pieces = whole.pieces()
    unit = whole.unit(pieces, 1)
    assert unit.values(np.ones((1, len(pieces)), bool), np.zeros(1, int))[0] == text
    shown = np.array([[*chosen, *[False] * len(pieces)][: len(pieces)]], bool)
    made = unit.values(shown, np.zeros(1, int))[0]
    kept = [w for piece, on in zip(pieces, shown[0], strict=True) if on for w in range(piece.first, piece.last)]
    assert [made[b:e] for b, e in words_of(made)] == [text[slice(*whole.words[w])] for w in kept]


# -- several kinds of columns ---------------------------------------------------------------------------------

BOTH = Signature("binary", "y", (*TEXT.rows, Field("size", "float64", kind="number", sent="number")), (), OUTPUTS)


def both(tensors: dict[str, np.ndarray]) -> np.ndarray:
    return opinion(tensors) + tensors["size"]


OTHERS = {"body": np.array(["great", "awful", "fine"], object), "size": np.array([0.0, 1.0, -1.0])}
ROW = {"body": np.array(["great and great"], object), "size": np.array([2.0])}


def test_beside_other_columns_a_text_is_one_column_unless_pieces_are_asked_for() -> None:
    plain = Auto().explain(chance(both), ROW, BOTH, OTHERS, budget=PATIENT)
    assert plain.method == "shapley: all sets" and not plain.tokens
    np.testing.assert_allclose(shares(plain), by_definition(chance(both), ROW, OTHERS, "probabilities"), atol=1e-9)
    apart = Auto(pieces=True).explain(chance(both), ROW, BOTH, OTHERS, budget=PATIENT)
    words = {t.begin: t.attribution for t in apart.tokens["body"]}
    assert words[0] > 0 and words[0] == pytest.approx(words[10], abs=0.01) and words[6] == pytest.approx(0, abs=1e-9)
    assert sum(words.values()) == pytest.approx(apart.attributions[0].attribution) and apart.completeness_error < 1e-9
    assert [share.value for share in apart.attributions] == [None, 2.0]


def test_auto_takes_what_suits_the_signature(bright, photos) -> None:
    quick = Budget(seconds=1e9, evaluations=200)
    methods = [
        Auto().explain(chance(brightness), bright, IMAGE, photos, budget=quick).method,
        Auto().explain(chance(opinion), body("great"), TEXT, body(""), budget=quick).method,
        Auto().explain(chance(both), ROW, BOTH, OTHERS, budget=quick).method,
    ]
    assert [method.split(":")[0] for method in methods] == ["occlusion", "tokens", "shapley"]


def test_an_explainer_of_another_kind_of_column_says_what_to_do() -> None:
    row = {"x0": np.ones(1)}
    for part, missing in ((Occlusion(), "images"), (Tokens(), "texts")):
        with pytest.raises(InputError, match=f"explains {missing}, and the model takes none") as caught:
            part.explain(chance(lambda t: t["x0"]), row, numbers(1), row)
        assert caught.value.key == "method" and "auto" in caught.value.todo


def test_an_image_is_one_column_of_shapley(bright, photos) -> None:
    found = Shapley().explain(chance(brightness), bright, IMAGE, photos, budget=PATIENT)
    assert shares(found)[0] == pytest.approx(found.prediction - found.base_value)


@pytest.mark.parametrize("seconds", [0.0, 0.005])
def test_a_slow_model_in_no_time_is_asked_one_walk_and_no_more(seconds: float, bright, photos) -> None:
    clock = Clock(0.005)
    found = Occlusion().explain(
        clock.around(chance(brightness)), bright, IMAGE, photos, budget=Budget(seconds, 10**6, clock)
    )
    assert found.evaluations <= 2 + 16 and max(clock.calls) <= 4
    assert "shares are those of groups" in found.warnings[0] and found.completeness_error < 1e-9
