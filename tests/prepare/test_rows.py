"""Records and Arrow rows become the same arrays; a wrong record is told which field of which record is wrong."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.core.errors import InputError
from aimass.core.signature import Field
from aimass.prepare.base import Column, Preparer
from aimass.prepare.category import Category
from aimass.prepare.date import Date
from aimass.prepare.image import Image
from aimass.prepare.number import Number
from aimass.prepare.rows import MISSING_DATE, from_records
from aimass.prepare.tables import from_arrow, to_json_records
from aimass.prepare.text import Text

SHAPE = (2, 3, 1)
moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999))
fractions = st.floats(allow_nan=True, allow_infinity=True)
whole = st.integers(-(2**63), 2**63 - 1)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
CASES: dict[str, tuple[Preparer, str, pa.DataType, st.SearchStrategy[Any]]] = {
    "a number": (Number(), "number", pa.float64(), fractions),
    "a single number": (Number(), "number", pa.float32(), st.floats(width=32)),
    "a whole number": (Number(), "integer", pa.int64(), whole),
    "a natural number": (Number(), "integer", pa.uint64(), st.integers(0, 2**64 - 1)),
    "a switch as a number": (Number(), "boolean", pa.bool_(), st.booleans()),
    "a category": (Category(rarest=1), "text", pa.string(), words),
    "a repeated category": (Category(rarest=1), "text", pa.dictionary(pa.int32(), pa.string()), words),
    "a number as a category": (Category(rarest=1), "number", pa.float64(), fractions),
    "a code": (Category(rarest=1), "integer", pa.int64(), whole),
    "a switch": (Category(rarest=1), "boolean", pa.bool_(), st.booleans()),
    "a text": (Text(), "text", pa.string(), words),
    "a number as a text": (Text(), "number", pa.float64(), fractions),
    "a code as a text": (Text(), "integer", pa.int64(), whole),
    "a switch as a text": (Text(), "boolean", pa.bool_(), st.booleans()),
    "a moment": (Date(), "timestamp", pa.timestamp("us"), moments),
    "a moment in UTC": (Date(), "timestamp", pa.timestamp("us", "UTC"), moments),
    "a moment in New York": (Date(), "timestamp", pa.timestamp("us", "America/New_York"), moments),
    "a second": (Date(), "timestamp", pa.timestamp("s"), moments.map(lambda m: m.replace(microsecond=0))),
    "a nanosecond": (Date(), "timestamp", pa.timestamp("ns"), whole.filter(lambda n: n > -(2**63))),
    "a day": (Date(), "date", pa.date32(), moments.map(datetime.date)),
}


@pytest.mark.parametrize("case", CASES)
@given(data=st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_records_as_json_give_the_arrays_of_their_arrow_rows(case: str, data: st.DataObject) -> None:
    preparer, kind, arrow, values = CASES[case]
    column = pa.array(data.draw(st.lists(st.none() | values, min_size=1, max_size=8)), arrow)
    table = pa.table({"ä b": column})
    fields = [preparer.fit(Column("ä b", kind), table["ä b"]).field]
    records = json.loads(json.dumps(to_json_records(table, fields)))
    found, expected = from_records(records, fields)["ä b"], from_arrow(table, fields)["ä b"]
    assert found.dtype == expected.dtype == ("O" if fields[0].dtype == "string" else fields[0].dtype)
    assert found.tolist() == expected.tolist() or found.tobytes() == expected.tobytes()


@given(data=st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_images_as_json_give_the_arrays_of_their_arrow_rows(data: st.DataObject) -> None:
    shape = (*SHAPE[:2], data.draw(st.sampled_from([1, 3])))
    size = int(np.prod(shape))
    column = data.draw(st.lists(st.binary(min_size=size, max_size=size), min_size=1, max_size=4))
    table = pa.table({"picture": pa.array(column, pa.binary())})
    fields = [Image().fit(Column("picture", "image", shape), table["picture"]).field]
    records = json.loads(json.dumps(to_json_records(table, fields)))
    found = from_records(records, fields)["picture"]
    assert found.dtype == np.uint8
    assert found.shape == (len(column), *shape)
    assert found.tobytes() == b"".join(column) == from_arrow(table, fields)["picture"].tobytes()


def test_a_grey_image_may_leave_out_its_only_channel() -> None:
    field = Field("picture", "uint8", (2, 3, 1), kind="image", sent="image")
    found = from_records([{"picture": [[1, 2, 3], [4, 5, 255]]}], [field])["picture"]
    assert found.tolist() == [[[[1], [2], [3]], [[4], [5], [255]]]]


FIELDS = [
    Field("size", "float64", kind="number", sent="number"),
    Field("count", "float64", kind="number", sent="integer"),
    Field("colour", "string", kind="category", sent="string"),
    Field("code", "string", kind="category", sent="integer"),
    Field("open", "string", kind="category", sent="boolean"),
    Field("on", "float64", kind="number", sent="boolean"),
    Field("seen", "int64", kind="date", sent="date"),
    Field("picture", "uint8", (1, 2, 1), kind="image", sent="image"),
]
RECORD = {"size": 1.5, "count": 3, "colour": "red", "code": 7, "open": True, "on": False,
          "seen": "2024-02-29T12:00:00Z", "picture": [[0, 255]]}  # fmt: skip


def test_a_whole_record_is_taken_and_the_order_of_its_fields_does_not_matter() -> None:
    found = from_records([RECORD, dict(reversed(RECORD.items()))], FIELDS)
    assert list(found) == [field.name for field in FIELDS]
    assert found["size"].tolist() == [1.5, 1.5]
    assert found["count"].tolist() == [3.0, 3.0]
    assert found["colour"].tolist() == ["red", "red"]
    assert found["code"].tolist() == ["7", "7"]
    assert found["open"].tolist() == ["true", "true"]
    assert found["on"].tolist() == [0.0, 0.0]
    assert found["seen"].tolist() == [1709208000000000] * 2
    assert found["picture"].tolist() == [[[[0], [255]]]] * 2


def test_null_is_a_missing_value_in_every_field_but_an_image() -> None:
    found = from_records([dict.fromkeys(RECORD) | {"picture": [[0, 0]]}], FIELDS)
    assert np.isnan([found["size"][0], found["count"][0], found["on"][0]]).all()
    assert found["colour"][0] == found["code"][0] == found["open"][0] == ""
    assert found["seen"].tolist() == [MISSING_DATE]


WRONG: list[tuple[str, Any]] = [
    ("size", "1.5"), ("size", True), ("size", [1]), ("size", {}), ("size", 10**400),
    ("count", 1.5), ("count", "3"), ("count", False),
    ("colour", 3), ("colour", True), ("colour", ["red"]), ("colour", "half a pair \ud83d"),
    ("code", "7"), ("code", 7.5), ("code", True), ("code", float("inf")),
    ("open", "true"), ("open", 1), ("open", 0.0), ("on", 1), ("on", "yes"),
    ("seen", 1709208000), ("seen", "yesterday"), ("seen", "2023-02-29"), ("seen", ""), ("seen", True),
    ("seen", "24:00"), ("seen", "10000-01-01"), ("seen", "0000-01-01"),
    ("picture", None), ("picture", [[0, 256]]), ("picture", [[-1, 0]]), ("picture", [[0.5, 1]]),
    ("picture", [[0, 1, 2]]), ("picture", [0, 1]), ("picture", [[0], [1, 2]]), ("picture", "pixels"),
    ("picture", [["a", "b"]]),
    ("picture", [[True, False]]), ("picture", [[2**70, 0]]), ("picture", [[None, 0]]), ("picture", [[0.0, 1.0]]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_refused_with_its_record_and_field(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"record 1: field '{name}' is ") as caught:
        from_records([RECORD, RECORD | {name: value}], FIELDS)
    assert caught.value.key == name
    assert caught.value.expected
    assert caught.value.todo


@pytest.mark.parametrize("name", RECORD)
def test_a_missing_field_is_named(name: str) -> None:
    record = {key: value for key, value in RECORD.items() if key != name}
    with pytest.raises(InputError, match=f"record 0: field '{name}' is missing") as caught:
        from_records([record], FIELDS)
    assert caught.value.key == name


def test_a_renamed_field_is_recognised() -> None:
    record = {("color" if key == "colour" else key): value for key, value in RECORD.items()}
    with pytest.raises(InputError, match="record 0: field 'colour' is missing; is it the field called 'color'"):
        from_records([record], FIELDS)


def test_an_extra_field_is_named_with_the_nearest_known_one() -> None:
    with pytest.raises(InputError, match="record 1: field 'sizes' is not known; did you mean 'size'") as caught:
        from_records([RECORD, RECORD | {"sizes": 1}], FIELDS)
    assert caught.value.key == "sizes"


@pytest.mark.parametrize("record", [None, 1, "text", [RECORD]])
def test_a_record_that_is_no_object_is_refused(record: Any) -> None:
    with pytest.raises(InputError, match=r"record 1 is .*, not an object"):
        from_records([RECORD, record], FIELDS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01", 0),
        ("1970-01-01T00:00:00", 0),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2024-02-29T12:00:00Z", 1709208000000000),
        ("0001-01-01", -62135596800000000),
        ("9999-12-31T23:59:59.999999Z", 253402300799999999),
    ],
)
def test_a_date_is_microseconds_since_1970_in_utc(text: str, expected: int) -> None:
    field = Field("seen", "int64", kind="date", sent="date")
    assert from_records([{"seen": text}], [field])["seen"].tolist() == [expected]


def test_a_zone_changes_how_a_moment_is_written_and_not_which_one_it_is() -> None:
    moment = datetime(2024, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    columns = [pa.array([moment], pa.timestamp("us", zone)) for zone in ("UTC", "Europe/Berlin", "America/New_York")]
    field = Field("seen", "int64", kind="date", sent="date")
    stamps = {from_arrow(pa.table({"seen": column}), [field])["seen"][0] for column in columns}
    assert stamps == {(moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)}


def test_what_is_finer_than_a_microsecond_is_cut_off_and_never_rounds_up() -> None:
    field = Field("seen", "int64", kind="date", sent="date")
    column = pa.array([1999, -1, -1000, -1001, None], pa.timestamp("ns"))
    assert from_arrow(pa.table({"seen": column}), [field])["seen"].tolist() == [1, -1, -1, -2, MISSING_DATE]


def test_a_day_is_its_midnight() -> None:
    field = Field("day", "int64", kind="date", sent="date")
    table = pa.table({"day": pa.array([date(1969, 12, 31)], pa.date32())})
    assert from_arrow(table, [field])["day"].tolist() == [-86_400_000_000]
    assert to_json_records(table, [field]) == [{"day": "1969-12-31"}]


@pytest.mark.parametrize("image", [None, b"", b"123"])
def test_a_missing_or_wrongly_sized_image_of_a_table_is_named(image: bytes | None) -> None:
    table = pa.table({"picture": pa.array([b"12", image], pa.binary())})
    with pytest.raises(InputError, match=r"an image of column picture .*number 1"):
        from_arrow(table, [FIELDS[-1]])


def test_no_records_are_arrays_of_no_rows() -> None:
    found = from_records([], FIELDS)
    assert {len(array) for array in found.values()} == {0}
    assert found["picture"].shape == (0, 1, 2, 1)
