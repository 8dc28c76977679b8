"""Which kind a column is found to be, and how a project overrules it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from aimass.core.errors import InputError
from aimass.prepare.base import Column
from aimass.prepare.kinds import Choice, choose, kind_of

N = 200
HOURS = [datetime(2024, 1, 1) + timedelta(hours=i) for i in range(N)]
SENTENCES = [f"the cat number {i} sat on a mat" for i in range(N)]
EXAMPLES: list[tuple[str, str, str, pa.Array]] = [  # what it is, contract type, kind, values
    ("fractions", "number", "number", pa.array([i / 7 for i in range(N)])),
    ("two fractions", "number", "number", pa.array([0.5, 1.5] * (N // 2))),
    ("ages", "integer", "number", pa.array([i % 80 for i in range(N)])),
    ("ages with gaps", "integer", "number", pa.array([i % 80 if i % 9 else None for i in range(N)])),
    ("prices in cents, all different", "integer", "number", pa.array([i * i * 37 for i in range(N)])),
    ("one number and gaps", "number", "number", pa.array([1.0, None] * (N // 2))),
    ("a few whole numbers", "integer", "number", pa.array(range(30))),
    ("a row number", "integer", "identifier", pa.array(range(1, N + 1))),
    ("a row number with gaps", "integer", "identifier", pa.array([3 * i if i % 50 else None for i in range(N)])),
    ("a key as text", "text", "identifier", pa.array([f"user-{i}" for i in range(N)])),
    ("bytes", "binary", "identifier", pa.array([b"a", b"b"] * (N // 2))),
    ("colours", "text", "category", pa.array(["red", "green", "blue", None] * (N // 4))),
    ("long names of few values", "text", "category", pa.array(["the red one here", "the other one here"] * (N // 2))),
    ("zip codes as text", "text", "category", pa.array([f"{i % 90:05d}" for i in range(N)])),
    ("a switch", "boolean", "category", pa.array([True, False] * (N // 2))),
    ("a switch and gaps", "boolean", "category", pa.array([True, None] * (N // 2))),
    ("sentences", "text", "text", pa.array(SENTENCES)),
    ("sentences and gaps", "text", "text", pa.array([s if i % 3 else None for i, s in enumerate(SENTENCES)])),
    ("titles, all different", "text", "text", pa.array([f"title {i}" for i in range(N)])),
    ("single letters as words", "text", "text", pa.array([f"a b c {i}" for i in range(N)])),
    ("moments", "timestamp", "date", pa.array(HOURS, pa.timestamp("us", "UTC"))),
    ("days", "date", "date", pa.array([date(2024, 1, 1 + i % 28) for i in range(N)])),
    ("images", "image", "image", pa.array([b"123"] * N)),
    ("one number", "number", "constant", pa.array([1.5] * N)),
    ("one text", "text", "constant", pa.array(["same"] * N)),
    ("one day", "date", "constant", pa.array([date(2024, 1, 1)] * N)),
    ("nothing", "number", "constant", pa.array([None] * N, pa.float64())),
    ("nothing of no type", "text", "constant", pa.array([None] * N)),
    ("missing numbers of both kinds", "number", "constant", pa.array([float("nan"), None] * (N // 2))),
    ("missing texts of both kinds", "text", "constant", pa.array(["", None] * (N // 2))),
    ("repeated texts", "text", "category", pa.array(["a", "b"] * (N // 2)).dictionary_encode()),
]


@pytest.mark.parametrize(("type_", "kind", "values"), [e[1:] for e in EXAMPLES], ids=[e[0] for e in EXAMPLES])
def test_the_kind_of_a_column_is_found_in_its_values(type_: str, kind: str, values: pa.Array) -> None:
    assert kind_of(Column("c", type_), pa.chunked_array([values])) == kind


TABLE = pa.table({"age": pa.array([i % 80 for i in range(N)]), "colour": ["red", "blue"] * (N // 2), "id": range(N)})
COLUMNS = [Column("age", "integer"), Column("colour", "text"), Column("id", "integer")]


def chosen(given: dict[str, Any], besides: dict[str, str] | None = None) -> dict[str, Choice]:
    return {choice.column.name: choice for choice in choose(COLUMNS, TABLE, given, besides or {})}


def test_identifiers_are_dropped_with_the_reason() -> None:
    found = chosen({})
    assert {name: choice.kind for name, choice in found.items()} == {
        "age": "number", "colour": "category", "id": "identifier",
    }  # fmt: skip
    assert found["id"].preparer is None
    assert "a value of its own" in found["id"].reason
    assert found["age"].preparer is not None


def test_a_given_kind_overrules_what_was_found_with_settings_or_without() -> None:
    found = chosen({"id": "category", "colour": {"use": "text", "length": 7}, "age": "drop"})
    assert [choice.found for choice in found.values()] == [False] * 3
    assert found["id"].kind == "category"
    assert found["colour"].preparer.settings()["length"] == 7  # type: ignore[union-attr]
    assert found["age"].preparer is None
    assert found["age"].reason == "as the project file says"


def test_a_column_the_rows_are_split_by_is_dropped_unless_its_kind_is_given() -> None:
    assert chosen({}, {"colour": "split by it"})["colour"].reason == "split by it"
    assert chosen({"colour": "category"}, {"colour": "split by it"})["colour"].kind == "category"


@pytest.mark.parametrize(
    ("given", "said", "key"),
    [
        ({"colr": "drop"}, "did you mean 'colour'", "columns.colr"),
        ({"age": "numer"}, "did you mean 'number'", "columns.age"),
        ({"age": {"use": "number", "clp": 3.0}}, "did you mean 'clip'", "columns.age.clp"),
        ({"age": {"use": "number", "clip": 0.5}}, "must lie in 1.0..", "columns.age.clip"),
        ({"age": {"use": "number", "clip": "many"}}, "got 'many'", "columns.age.clip"),
        ({"age": {"clip": 3.0}}, "is given as", "columns.age"),
        ({"age": 3}, "is given as 3", "columns.age"),
        ({"age": {"use": "drop", "clip": 3.0}}, "no setting of columns.age is called 'clip'", "columns.age.clip"),
        ({"age": "no_such_module:Kind"}, "no_such_module, which is not installed", "columns.age.use"),
    ],
)
def test_a_wrong_choice_names_its_setting_and_the_nearest(given: dict[str, Any], said: str, key: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        chosen(given)
    assert caught.value.key == key
    assert caught.value.expected or caught.value.todo


def test_a_column_of_lists_asks_what_to_do_and_can_be_dropped() -> None:
    lists, table = [Column("tags", "json")], pa.table({"tags": ["[1, 2]", "[3]"]})
    with pytest.raises(InputError, match="column tags holds lists or tables") as caught:
        choose(lists, table, {}, {})
    assert 'tags = "drop"' in caught.value.todo
    assert caught.value.key == "columns.tags"
    assert choose(lists, table, {"tags": "drop"}, {})[0].preparer is None
