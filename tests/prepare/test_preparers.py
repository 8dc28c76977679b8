"""What each kind of column becomes."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aimass.core.errors import InputError
from aimass.prepare.base import Column, Preparer
from aimass.prepare.category import Category
from aimass.prepare.date import Date
from aimass.prepare.graph import Graph, compiled
from aimass.prepare.image import Image
from aimass.prepare.number import Number
from aimass.prepare.rows import MISSING_DATE
from aimass.prepare.tables import from_arrow
from aimass.prepare.text import Text
from tests.prepare.by_hand import Sign


def outputs(preparer: Preparer, kind: str, training: pa.Array, asked: pa.Array, shape: tuple[int, ...] = ()) -> Any:
    """(what was learnt, the only tensor of ASKED) when PREPARER was fitted on TRAINING."""
    fitted = preparer.fit(Column("c", kind, shape), pa.chunked_array([training]))
    model, tensors = compiled([(type(preparer), fitted)])
    found = Graph(model)(from_arrow(pa.table({"c": asked}), [fitted.field]))
    assert list(found) == [field.name for field in tensors]
    return fitted.constants, found[tensors[0].name]


# -- number ---------------------------------------------------------------------------------------------------


def numbers(training: list[Any], asked: list[Any], **settings: Any) -> list[list[float]]:
    made = (pa.array(values, pa.float64()) for values in (training, asked))
    return outputs(Number(**settings), "number", *made)[1].tolist()


def test_a_number_is_centred_and_scaled_by_its_training_rows() -> None:
    assert numbers([0.0, 10.0], [0.0, 5.0, 20.0]) == [[-1.0], [0.0], [3.0]]


def test_a_number_is_cut_off_at_clip_and_so_is_infinity() -> None:
    found = numbers([0.0, 10.0], [1e6, -1e300, math.inf, -math.inf], clip=2.5)
    assert found == [[2.5], [-2.5], [2.5], [-2.5]]


def test_a_missing_number_is_the_mean_and_is_flagged_when_training_missed_some() -> None:
    assert numbers([0.0, 10.0, None], [None, math.nan, 10.0]) == [[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]
    assert numbers([0.0, 10.0], [None, 10.0]) == [[0.0], [1.0]]


def test_infinite_training_values_do_not_move_the_mean() -> None:
    assert numbers([0.0, 10.0, math.inf, -math.inf], [5.0, 10.0]) == [[0.0], [1.0]]


def test_a_number_of_one_value_only_is_not_blown_up_by_rounding() -> None:
    """The mean of many 0.1 is not 0.1, and its distance would be the standard deviation."""
    assert numbers([0.1] * 10 + [None], [0.1, 1.1]) == [[0.0, 0.0], [1.0, 0.0]]


@pytest.mark.parametrize("training", [[1.7e308, -1.7e308, 1e308], [5e-324, 1e-310, 0.0], [1e308, 1e-308, 1.0]])
def test_the_largest_and_smallest_numbers_have_a_finite_mean_and_deviation(training: list[float]) -> None:
    found = np.array(numbers(training, [*training, math.inf, -math.inf]))
    assert np.isfinite(found).all()
    assert len(np.unique(found[:3])) > 1
    assert found[3:].tolist() == [[30.0], [-30.0]]


@pytest.mark.parametrize("absurd", [1.7e308, -1e30, 1e6])
def test_one_absurd_value_in_a_thousand_does_not_squash_the_others(absurd: float) -> None:
    usual = np.random.default_rng(0).normal(50, 10, 2000)
    found = np.array(numbers([*usual[:1000], absurd, *usual[1000:]], [*usual, absurd]))
    assert abs(found[:-1].mean()) < 0.02
    assert abs(found[:-1].std() - 1) < 0.02
    assert found[-1] == np.copysign(30.0, absurd)


def test_a_few_rows_are_scaled_as_they_are() -> None:
    training = [*np.arange(998.0), 1e6]
    expected = (1e6 - np.mean(training)) / np.std(training)
    assert numbers(training, [1e6], clip=100.0)[0][0] == pytest.approx(expected, abs=1e-5)


def test_rare_values_count_where_nothing_else_differs() -> None:
    rare = [0.0] * 9_995 + [1.0, 2.0, 3.0, 4.0, 5.0]
    found = np.array(numbers(rare, [1.0, 2.0, 0.0], clip=1000.0))
    assert found[0] == pytest.approx((1.0 - np.mean(rare)) / np.std(rare), rel=1e-5)
    assert found[1] > found[0] > 10
    assert found[2] < 0


def test_a_number_missing_in_every_training_row_is_its_flag_alone() -> None:
    assert numbers([None, None], [None, 0.0]) == [[0.0, 1.0], [0.0, 0.0]]


def test_whole_numbers_with_nulls_and_beyond_float_are_numbers() -> None:
    column = pa.array([2**63 - 1, 2**53 + 1, -(2**63), None], pa.int64())
    facts, found = outputs(Number(), "integer", column, column)
    assert facts["missing"]
    assert np.isfinite(found).all()
    assert found[-1].tolist() == [0.0, 1.0]


# -- category -------------------------------------------------------------------------------------------------


def categories(training: list[Any], asked: list[Any], **settings: Any) -> list[int]:
    found = outputs(Category(**settings), "text", pa.array(training, pa.string()), pa.array(asked, pa.string()))
    return found[1][:, 0].tolist()


def test_a_category_is_its_place_by_frequency_and_a_value_never_seen_is_0() -> None:
    training = ["b"] * 3 + ["a"] * 3 + ["c"] * 4
    assert categories(training, ["c", "a", "b", "d", "A", None]) == [1, 2, 3, 0, 0, 0]


def test_a_missing_category_has_an_index_where_training_missed_some() -> None:
    assert categories(["a"] * 5 + [None] * 2 + [""] * 2, [None, "", "a", "z"]) == [2, 2, 1, 0]


def test_rare_values_share_the_index_of_those_never_seen() -> None:
    assert categories(["a"] * 3 + ["b"] * 2, ["a", "b"]) == [1, 0]
    assert categories(["a"] * 3 + ["b"] * 2, ["a", "b"], rarest=1) == [1, 2]


def test_only_the_most_frequent_of_thousands_of_values_get_an_index() -> None:
    training = [f"v{i}" for i in range(5000) for _ in range(3 if i >= 10 else 9)]
    found = categories(training, ["v0", "v9", "v4999", "v10", "v100"], most=11)
    assert sorted(found[:2] + found[3:4]) == [1, 10, 11]
    assert found[2] == found[4] == 0


def test_equal_looks_are_not_equal_values() -> None:
    looks = ["\u00e9", "e\u0301", "a", "a\0b", " a", "\u00c5", "\u212b"]
    assert len(set(categories(looks, looks, rarest=1))) == len(looks)


def test_a_category_without_one_frequent_value_still_works() -> None:
    assert categories(["a", "b", "c"], ["a", "z"]) == [0, 0]


# -- date -----------------------------------------------------------------------------------------------------

EVERY = [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59), datetime(2000, 6, 15, 12, 30)]


def parts_of(moments: list[datetime | None], training: list[Any] = EVERY, **settings: Any) -> tuple[dict, np.ndarray]:
    asked = pa.array(moments, pa.timestamp("us"))
    return outputs(Date(**settings), "timestamp", pa.array(training, pa.timestamp("us")), asked)


def wheel(place: int, size: int) -> list[float]:
    angle = 2 * math.pi * place / size
    return [2 * place / (size - 1) - 1, math.sin(angle), math.cos(angle)]


@given(st.lists(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)), min_size=1, max_size=50))
@example(
    [datetime(1900, 2, 28), datetime(1900, 3, 1), datetime(2000, 2, 29), datetime(2024, 2, 29), datetime(2023, 2, 28)]
)
@example([datetime(1969, 12, 31, 23, 59, 59, 999999), datetime(1970, 1, 1), datetime(1, 1, 1), datetime(4, 2, 29)])
@example([datetime(9999, 12, 31, 23, 59, 59, 999999), datetime(9996, 2, 29), datetime(400, 2, 29), datetime(401, 3, 1)])
@settings(max_examples=100, deadline=None, derandomize=True)
def test_the_parts_of_a_date_are_those_of_pythons_calendar(moments: list[datetime]) -> None:
    facts, found = parts_of(list(moments))
    assert facts["parts"] == ["month", "day", "weekday", "minute"]
    for moment, row in zip(moments, found.tolist(), strict=True):
        expected = [
            *wheel(moment.month - 1, 12), *wheel(moment.day - 1, 31), *wheel(moment.weekday(), 7),
            *wheel(moment.hour * 60 + moment.minute, 1440), (moment.year - 1) / 9998,
        ]  # fmt: skip
        assert row == pytest.approx(expected, abs=1e-6)


def test_every_day_of_four_centuries_is_where_pythons_calendar_puts_it() -> None:
    first = datetime(1896, 1, 1)
    moments = [first + timedelta(days=i) for i in range(146_097)]
    _, found = parts_of(moments)  # type: ignore[arg-type]
    expected = {
        0: np.array([2 * (m.month - 1) / 11 - 1 for m in moments], np.float32),
        3: np.array([2 * (m.day - 1) / 30 - 1 for m in moments], np.float32),
        6: np.array([2 * m.weekday() / 6 - 1 for m in moments], np.float32),
    }
    for place, value in expected.items():
        assert found[:, place].tobytes() == value.tobytes()


def test_parts_that_never_vary_in_training_are_left_out() -> None:
    same_day = [datetime(2024, 5, 5, hour) for hour in range(5)]
    facts, found = parts_of([datetime(2025, 6, 6, 1)], same_day)
    assert (facts["parts"], facts["years"], found.shape) == (["minute"], None, (1, 3))


def test_a_column_of_days_has_no_minutes() -> None:
    column = pa.array([date(2000, 1, 31), date(2001, 2, 28), None], pa.date32())
    facts, found = outputs(Date(), "date", column, column)
    assert facts["parts"] == ["month", "day", "weekday"]
    assert found.shape == (3, 11)
    assert found[:, -1].tolist() == [0.0, 0.0, 1.0]


def test_a_year_outside_training_counts_as_the_nearest_one() -> None:
    training = [datetime(2000, 1, 1), datetime(2010, 1, 1)]
    _, found = parts_of([datetime(1900, 1, 1), datetime(2005, 1, 1), datetime(2999, 1, 1)], training)
    assert found[:, -1].tolist() == [0.0, 0.5, 1.0]


def test_the_year_can_be_left_out() -> None:
    assert parts_of([datetime(2000, 1, 1)], year=False)[1].shape == (1, 12)


def test_a_missing_date_is_zeros_and_a_flag() -> None:
    _, found = parts_of([None, datetime(2000, 6, 15)], [*EVERY, None])
    assert found[0].tolist() == [0.0] * 13 + [1.0]
    assert found[1, -1] == 0.0


def test_a_date_missing_in_every_training_row_is_its_flag_alone() -> None:
    assert parts_of([None, datetime(2000, 1, 1)], [None, None])[1].tolist() == [[1.0], [0.0]]


def test_no_int64_makes_the_calendar_fail() -> None:
    fitted = Date().fit(Column("c", "timestamp"), pa.chunked_array([pa.array(EVERY, pa.timestamp("us"))]))
    graph = Graph(compiled([(Date, fitted)])[0])
    ends = np.array([MISSING_DATE, MISSING_DATE + 1, 2**63 - 1], np.int64)
    assert np.isfinite(graph({"c": ends})["x.numbers"]).all()


# -- text -----------------------------------------------------------------------------------------------------


def words(training: list[Any], asked: list[Any], **settings: Any) -> list[list[int]]:
    made = (pa.array(values, pa.string()) for values in (training, asked))
    return outputs(Text(**{"length": 4, "rarest": 1, **settings}), "text", *made)[1].tolist()


def test_a_word_is_its_place_by_frequency_padded_with_0_and_1_where_unknown() -> None:
    training = ["b a", "b c", "b a"]
    assert words(training, ["b a c", "d b", ""]) == [[2, 3, 4, 0], [1, 2, 0, 0], [0, 0, 0, 0]]


def test_small_and_capital_letters_count_as_one_word_with_accents_too() -> None:
    training = ["Ärger ärger ÉTÉ"]
    assert words(training, ["ÄRGER", "ärger", "Ärger", "été", "Été"]) == [[2, 0, 0, 0]] * 3 + [[3, 0, 0, 0]] * 2


def test_a_combining_mark_stays_with_its_letter() -> None:
    assert words(["nai\u0308ve x"], ["nai\u0308ve", "nai"]) == [[2, 0, 0, 0], [1, 0, 0, 0]]


def test_emoji_and_telling_marks_are_words_and_other_punctuation_is_none() -> None:
    found = words(["😀 $ ! hi"], ["hi, hi...", "😀😀", "!$", "--- ''"])
    assert found == [[4, 4, 0, 0], [5, 5, 0, 0], [2, 3, 0, 0], [0, 0, 0, 0]]


def test_only_the_first_words_of_a_long_text_are_read() -> None:
    assert words(["a b c d e f"], ["a b c d e f" * 2000, "x" * 10_000]) == [[2, 3, 4, 5], [1, 0, 0, 0]]


@pytest.mark.parametrize("nothing", [["", ""], [None, None], [" ", "\t"], ["...", "---"]])
def test_a_text_column_without_words_knows_none(nothing: list[Any]) -> None:
    assert words(nothing, ["", "word", None]) == [[0] * 4, [1, 0, 0, 0], [0] * 4]


def test_the_vocabulary_keeps_the_most_frequent_words() -> None:
    training = ["a a a b b c"]
    assert words(training, ["a b c"], vocabulary=2) == [[2, 3, 1, 0]]
    assert words(training, ["a b c"], rarest=2) == [[2, 3, 1, 0]]


# -- image ----------------------------------------------------------------------------------------------------


def test_an_image_is_centred_and_scaled_by_channel_channels_first() -> None:
    training = pa.array([bytes([0, 100, 0, 100]), bytes([10, 100, 10, 100])])
    facts, found = outputs(Image(), "image", training, training, (1, 2, 2))
    assert facts == {"offset": [5.0, 100.0], "spread": [5.0, 1.0]}
    assert found.tolist() == [[[[-1.0, -1.0]], [[0.0, 0.0]]], [[[1.0, 1.0]], [[0.0, 0.0]]]]


def test_an_image_can_be_scaled_to_zero_and_one_by_channel() -> None:
    training = pa.array([bytes([0, 100, 5, 100]), bytes([10, 100, 10, 100])])
    facts, found = outputs(Image(scaling="min-max"), "image", training, training, (1, 2, 2))
    assert facts == {"offset": [0.0, 100.0], "spread": [10.0, 1.0]}
    np.testing.assert_allclose(found[:, 0], [[[0.0, 0.5]], [[1.0, 1.0]]], rtol=1e-6)
    assert not found[:, 1].any()


def test_a_missing_training_image_is_an_error() -> None:
    with pytest.raises(InputError, match="1 images of column c are missing"):
        Image().fit(Column("c", "image", (1, 1, 1)), pa.chunked_array([pa.array([b"1", None])]))


# -- every preparer -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("preparer", "kind"),
    [(Number(), "text"), (Number(), "timestamp"), (Category(), "date"), (Category(), "json"), (Date(), "text"),
     (Date(), "integer"), (Text(), "image"), (Text(), "timestamp"), (Image(), "binary"), (Image(), "text")],
)  # fmt: skip
def test_a_column_of_another_type_is_refused_by_name(preparer: Preparer, kind: str) -> None:
    with pytest.raises(InputError, match=f"column c holds {kind}") as caught:
        preparer.fit(Column("c", kind, (1, 1, 1)), pa.chunked_array([pa.array([None], pa.string())]))
    assert caught.value.expected


def test_a_users_preparer_compiles_its_own_columns_whatever_kind_it_calls_them() -> None:
    column = pa.chunked_array([pa.array([1.0, 3.0])])
    both = [(Sign, Sign().fit(Column("a", "number"), column)), (Number, Number().fit(Column("b", "number"), column))]
    found = Graph(compiled(both)[0])({"a": np.array([-9.0, 9.0]), "b": np.array([1.0, 2.0])})  # type: ignore[arg-type]
    assert found["x.numbers"].tolist() == [[-1.0, -1.0], [1.0, 0.0]]


@pytest.mark.parametrize("name", ["", "x.numbers", "prepare/0"])
def test_a_column_with_a_name_the_graph_needs_is_refused(name: str) -> None:
    fitted = Number().fit(Column(name, "number"), pa.chunked_array([pa.array([1.0, 3.0])]))
    with pytest.raises(InputError, match="cannot be called"):
        compiled([(Number, fitted)])


def test_one_long_text_costs_its_neighbours_no_memory() -> None:
    """A table of rows times the longest text would have 2,000,000,000 cells here."""
    fitted = Text(length=4).fit(Column("c", "text"), pa.chunked_array([pa.array(["a b"] * 3)]))
    graph = Graph(compiled([(Text, fitted)])[0])
    found = graph({"c": np.array(["a " * 1_000_000, *["b"] * 1999], dtype=object)})["x.words.c"]
    assert found[0].tolist() == [2, 2, 2, 2]
    assert (found[1:] == [3, 0, 0, 0]).all()


def test_a_long_training_text_is_counted_whole() -> None:
    texts = ["short"] * 70 + ["long " * 300_000 + "last last last", "long"]
    assert words(texts, ["long last short other"], rarest=3) == [[2, 4, 3, 1]]
