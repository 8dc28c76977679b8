"""The contract of a source is found in its rows, can be overruled, and decides which rows are accepted."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimass.core.artifact import Dataset
from aimass.core.errors import InputError
from tests.collect.hand import Hand, cleaned, collected, facts, rows, sealed

HOUR = datetime.datetime(2024, 1, 1, 8)


def from_texts(root: Path, name: str = "s", /, **columns: Sequence[str | None]) -> Dataset:
    """A collected dataset of text columns."""
    file = root / f"{name}-raw.jsonl"
    lines = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return collected(root, {"use": "jsonl", "path": str(file)}, name=name)


def from_arrow(root: Path, table: pa.Table, name: str = "s") -> Dataset:
    pq.write_table(table, root / f"{name}-raw.parquet")
    return collected(root, {"use": "parquet", "path": f"{root}/{name}-raw.parquet"}, name=name)


def types(dataset: Dataset) -> dict[str, str]:
    return {column["name"]: column["type"] for column in facts(dataset)["columns"]}


def quarantine(dataset: Dataset) -> list[dict[str, Any]]:
    return list(pq.read_table(dataset.folder / "quarantine.parquet").to_pylist())


def one(root: Path, cells: Sequence[str | None], contract: dict[str, Any] | None = None) -> tuple[str, list[Any]]:
    """The type of one column of CELLS, and the values accepted."""
    given = {"s": {"x": contract}} if contract else None
    dataset = cleaned(root, {"s": from_texts(root, x=cells)}, given)
    return types(dataset)["x"], [row["x"] for row in rows(root, dataset)]


class TestTypesAreFound:
    @pytest.mark.parametrize(
        ("cells", "kind", "values"),
        [
            (["1", " -2 ", "+3", "0"], "integer", [1, -2, 3, 0]),
            (["007", "010", "1"], "text", ["007", "010", "1"]),
            (["1.5", "2", "-1e3", ".5", "inf"], "number", [1.5, 2.0, -1000.0, 0.5, float("inf")]),
            (["01.5", "02.5"], "text", ["01.5", "02.5"]),
            (["1_000", "2_000"], "text", ["1_000", "2_000"]),
            (["9" * 25, "1"], "text", ["9" * 25, "1"]),
            ([f"{2**63 - 1}", f"-{2**63}", f"{10**17}"], "integer", [2**63 - 1, -(2**63), 10**17]),
            ([f"{2**63}", f"{2**63 - 1}", "1"], "text", [f"{2**63}", f"{2**63 - 1}", "1"]),
            ([f"{2**53 + 1}", "1.5"], "text", [f"{2**53 + 1}", "1.5"]),
            (
                ["123456789012345", "1.5", "12345678901234567.0"],
                "number",
                [123456789012345.0, 1.5, 12345678901234567.0],
            ),
            (["true", "False", "TRUE"], "boolean", [True, False, True]),
            (["2024-01-01T10:00:00+02:00", "2024-01-01 08:00:00Z", "2024-01-01T08:00:00"], "timestamp", [HOUR] * 3),
            (["2024-01-01"], "timestamp", [datetime.datetime(2024, 1, 1)]),
            (["12:30", "13:45"], "text", ["12:30", "13:45"]),
            (["epoch", "epoch"], "text", ["epoch", "epoch"]),
            (["[1, 2]", '{"a": "é"}'], "json", ["[1, 2]", '{"a": "é"}']),
            (["[1, 2", "{"], "text", ["[1, 2", "{"]),
            ([" a ", "é😀"], "text", [" a ", "é😀"]),
            (["1", "NA", "", None, "NaN", "null"], "integer", [1, None, None, None, None, None]),
            (["a", "NA", "", None, "NaN"], "text", ["a", None, None, None, "NaN"]),
            ([None, "", "NA"], "text", [None, None, None]),
            ([HOUR.isoformat(), "NULL"], "timestamp", [HOUR, None]),
        ],
    )
    def test_text_gets_the_type_its_values_have(
        self, tmp_path: Path, cells: list[str | None], kind: str, values: list[Any]
    ) -> None:
        assert one(tmp_path, cells) == (kind, values)

    def test_a_type_holds_when_99_percent_of_the_values_have_it(self, tmp_path: Path) -> None:
        dataset = cleaned(tmp_path, {"s": from_texts(tmp_path, x=["1"] * 99 + ["1.5"])})
        assert types(dataset) == {"x": "integer"}
        assert quarantine(dataset) == [{"source": "s", "reason": "x: not a whole number", "row": '{"x":"1.5"}'}]
        (tmp_path / "n").mkdir()
        assert one(tmp_path / "n", ["a"] * 2 + ["1"] * 98)[0] == "text"

    @pytest.mark.parametrize("first", [10**15, 10**16, 10**17, 10**18, 9 * 10**18, 10**19, 10**25])
    def test_ids_of_many_digits_stay_distinct(self, tmp_path: Path, first: int) -> None:
        _, values = one(tmp_path, [str(first + i) for i in range(60)])
        assert [int(value) for value in values] == [first + i for i in range(60)]

    @pytest.mark.parametrize("digits", [18, 19, 38])
    def test_whole_decimals_stay_distinct(self, tmp_path: Path, digits: int) -> None:
        ids = [Decimal(10 ** (digits - 1) + i) for i in range(60)]
        source = from_arrow(tmp_path, pa.table({"x": pa.array([*ids, None], pa.decimal128(digits, 0))}))
        found = [row["x"] for row in rows(tmp_path, cleaned(tmp_path, {"s": source}))]
        assert found.pop() is None
        assert [int(value) for value in found] == ids

    def test_arrow_types_are_kept(self, tmp_path: Path) -> None:
        moment = datetime.datetime(2024, 1, 1, 10, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
        table = pa.table({
            "i": pa.array([1, None], pa.int16()), "f": [0.5, float("nan")], "b": [True, None], "t": [moment, None],
            "d": [datetime.date(2024, 1, 1), None], "s": ["a", ""], "l": [[1, 2], None], "raw": [b"\x00", None],
        })  # fmt: skip
        dataset = cleaned(tmp_path, {"s": from_arrow(tmp_path, table)})
        assert types(dataset) == {"i": "integer", "f": "number", "b": "boolean", "t": "timestamp", "d": "date",
                                  "s": "text", "l": "json", "raw": "binary"}  # fmt: skip
        assert rows(tmp_path, dataset) == [
            {"i": 1, "f": 0.5, "b": True, "t": HOUR, "d": datetime.date(2024, 1, 1), "s": "a", "l": "[1, 2]",
             "raw": b"\x00"},
            dict.fromkeys(table.column_names),
        ]  # fmt: skip


class TestTheContractIsOverruled:
    def test_a_type_by_its_name_alone(self, tmp_path: Path) -> None:
        dataset = cleaned(tmp_path, {"s": from_texts(tmp_path, x=["7", "8"])}, {"s": {"x": "text"}})
        assert rows(tmp_path, dataset) == [{"x": "7"}, {"x": "8"}]
        assert dataset.read_json("contract.json")["s"]["x"]["type"] == "text"

    @pytest.mark.parametrize(
        ("cells", "contract", "values", "reason"),
        [
            (["007", "8", "x"], {"type": "integer"}, [7, 8], "x: not a whole number"),
            (["5.0", "6.", "6.5"], {"type": "integer"}, [5, 6], "x: not a whole number"),
            (["5", "6", "0x1F"], {"type": "number"}, [5.0, 6.0], "x: not a number"),
            (["yes", "no", "maybe"], {"type": "boolean"}, [True, False], "x: not true or false"),
            (["2024-01-01T23:00:00-02:00", "2024-01-01", "infinity"], {"type": "date"},
             [datetime.date(2024, 1, 2), datetime.date(2024, 1, 1)], "x: not a date"),
            (["[1]", "2", "["], {"type": "json"}, ["[1]", "2"], "x: not JSON"),
            (["1", "2", "-1"], {"min": 0}, [1, 2], "x: below 0"),
            (["1", "2", "30"], {"max": 2.5}, [1, 2], "x: above 2.5"),
            (["1", "2", ""], {"required": True}, [1, 2], "x: missing"),
            (["a", "b", "c"], {"values": ["a", "b"]}, ["a", "b"], "x: not an allowed value"),
            (["1", "2", "3"], {"values": ["1", "2"]}, [1, 2], "x: not an allowed value"),
            (["it's", "b", "c"], {"values": ["it's", "b"]}, ["it's", "b"], "x: not an allowed value"),
        ],
    )  # fmt: skip
    def test_rows_that_break_a_promise_go_to_quarantine_with_the_reason(
        self, tmp_path: Path, cells: list[str], contract: dict[str, Any], values: list[Any], reason: str
    ) -> None:
        dataset = cleaned(tmp_path, {"s": from_texts(tmp_path, x=cells)}, {"s": {"x": contract}})
        assert [row["x"] for row in rows(tmp_path, dataset)] == values
        assert quarantine(dataset) == [
            {"source": "s", "reason": reason, "row": json.dumps({"x": cells[-1]}, separators=(",", ":"))}
        ]
        assert facts(dataset)["sources"] == {"s": {"read": 3, "accepted": 2, "quarantined": {reason: 1}}}

    def test_words_for_missing_are_replaced(self, tmp_path: Path) -> None:
        assert one(tmp_path, ["1", "-99", "2"], {"missing": ["-99"]}) == ("integer", [1, None, 2])
        (tmp_path / "n").mkdir()
        assert one(tmp_path / "n", ["NA", "no"], {"missing": []}) == ("text", ["NA", "no"])

    @pytest.mark.parametrize(
        ("column", "contract", "values", "reason"),
        [
            (pa.array([1.0, 2.0, 2.5]), "integer", [1, 2], "x: not a whole number"),
            (pa.array([1.0, 2.0, 1e300]), "integer", [1, 2], "x: not a whole number"),
            (pa.array([1, 2, 3]), "number", [1.0, 2.0, 3.0], ""),
            (pa.array([1, 0, 2]), "text", ["1", "0", "2"], ""),
            (pa.array([datetime.datetime(2024, 1, 1, 8)] * 2), "date", [datetime.date(2024, 1, 1)] * 2, ""),
            (pa.array([datetime.date(2024, 1, 1)] * 2), "timestamp", [datetime.datetime(2024, 1, 1)] * 2, ""),
        ],
    )
    def test_typed_columns_change_their_type_without_losing_a_value(
        self, tmp_path: Path, column: pa.Array, contract: str, values: list[Any], reason: str
    ) -> None:
        dataset = cleaned(tmp_path, {"s": from_arrow(tmp_path, pa.table({"x": column}))}, {"s": {"x": contract}})
        assert [row["x"] for row in rows(tmp_path, dataset)] == values
        assert [row["reason"] for row in quarantine(dataset)] == [reason] * (len(column) - len(values))

    @pytest.mark.parametrize(
        ("contract", "words"),
        [
            ({"ss": {}}, "did you mean 's'"),
            ({"s": {"pirce": "number"}}, "did you mean 'price'"),
            ({"s": {"price": "numbr"}}, "one of integer, number"),
            ({"s": {"price": {"tipe": "number"}}}, "did you mean 'type'"),
            ({"s": {"price": 3}}, "a type, or a table"),
            ({"s": "price"}, "a table of columns"),
            ({"s": {"name": {"min": 3}}}, "its type is text"),
            ({"s": {"price": {"min": 3, "max": 2}}}, "min 3 is above max 2"),
            ({"s": {"name": {"values": []}}}, "one value at least"),
            ({"s": {"name": "image"}}, "cannot become images"),
        ],
    )
    def test_a_contract_of_nothing_known_suggests_the_nearest(
        self, tmp_path: Path, contract: dict[str, Any], words: str
    ) -> None:
        source = from_texts(tmp_path, price=["1"], name=["a"])
        with pytest.raises(InputError) as caught:
            cleaned(tmp_path, {"s": source}, contract)
        assert words in str(caught.value)

    def test_a_typed_column_that_cannot_get_the_type_is_named(self, tmp_path: Path) -> None:
        source = from_arrow(tmp_path, pa.table({"at": [1704096000]}))
        with pytest.raises(InputError, match="at holds integers, which cannot become timestamps") as caught:
            cleaned(tmp_path, {"s": source}, {"s": {"at": "timestamp"}})
        assert caught.value.key == "contract.s.at.type"


class TestQuarantine:
    def test_malformed_rows_are_in_it_as_they_came(self, tmp_path: Path) -> None:
        file = tmp_path / "a.csv"
        file.write_text("a,b\n1,2\n3\n4,5\n6,7\n")
        dataset = cleaned(tmp_path, {"s": collected(tmp_path, {"use": "csv", "path": str(file)})})
        assert quarantine(dataset) == [{"source": "s", "reason": "1 cells instead of 2", "row": "3"}]
        assert rows(tmp_path, dataset) == [{"a": 1, "b": 2}, {"a": 4, "b": 5}, {"a": 6, "b": 7}]

    def test_more_broken_rows_than_whole_ones_are_an_error_that_names_the_worst_reasons(self, tmp_path: Path) -> None:
        source = from_texts(tmp_path, x=["1", "2", "a", "b", "c", "-5"])
        with pytest.raises(InputError) as caught:
            cleaned(tmp_path, {"s": source}, {"s": {"x": {"type": "integer", "min": 0}}})
        assert "4 of 6 rows of s" in caught.value.what
        assert "3 rows: x: not a whole number; 1 rows: x: below 0" in caught.value.what
        assert "[clean.contract.s]" in caught.value.todo

    def test_a_source_of_malformed_rows_alone_is_that_error_too(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_text("no\nJSON\n")
        source = collected(tmp_path, {"use": "jsonl", "path": f"{tmp_path}/a.jsonl"})
        with pytest.raises(InputError, match=r"2 of 2 rows of s .* 2 rows: not JSON"):
            cleaned(tmp_path, {"s": source})

    def test_columns_with_any_name_are_judged(self, tmp_path: Path) -> None:
        names = ["_reason", "reason", "row", "raw", "good", 'say "hi"', "it's", "select", "é 😀", "a.b"]
        source = from_texts(tmp_path, **{name: ["1"] * 100 + ["x" if name == "it's" else "1"] for name in names})
        dataset = cleaned(tmp_path, {"s": source})
        assert [row["reason"] for row in quarantine(dataset)] == ["it's: not a whole number"]
        assert json.loads(quarantine(dataset)[0]["row"])["it's"] == "x"
        assert rows(tmp_path, dataset)[0] == dict.fromkeys(names, 1)

    def test_the_log_counts_each_reason(self, tmp_path: Path) -> None:
        from aimass.clean.step import clean

        hand = Hand(tmp_path)
        source = from_texts(tmp_path, x=["1"] * 200 + ["a"])
        sealed(hand, clean.body(hand, {"s": source}, contract={}, transforms=[]))
        assert hand.lines == ["s: 201 rows read, 200 accepted, 1 in quarantine", "s: 1 x x: not a whole number"]
        assert hand.facts == {"rows": 200, "read": 201, "accepted": 200, "quarantined": 1}


GARBAGE = st.one_of(
    st.sampled_from(
        ["", "NA", "x", "1.5", "007", "-", "1_0", "0x1", "1e400", "infinity", "epoch", "[", "true", "'", '"']
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8),
    st.none(),
)
GOOD = {
    "integer": st.integers(-(2**62), 2**62).map(str),
    "number": st.floats(allow_nan=False).map(repr),
    "boolean": st.sampled_from(["true", "false"]),
    "timestamp": st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1)).map(
        lambda t: t.isoformat()
    ),
    "date": st.dates(datetime.date(1700, 1, 1), datetime.date(2200, 1, 1)).map(lambda d: d.isoformat()),
    "json": st.lists(st.integers(0, 9), max_size=3).map(json.dumps),
    "text": st.text("abc ", min_size=1, max_size=5),
}
PYTHON = {"integer": int, "number": float, "boolean": bool, "timestamp": datetime.datetime, "date": datetime.date,
          "json": str, "text": str}  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, str], list[list[str | None]]]:
    """The types of some columns, and rows of which at most half hold garbage."""
    kinds = draw(st.lists(st.sampled_from(sorted(GOOD)), min_size=1, max_size=4))
    whole = draw(st.lists(st.tuples(*(GOOD[kind] for kind in kinds)).map(list), min_size=3, max_size=12))
    spoilt = draw(st.lists(st.tuples(*(GARBAGE for _ in kinds)).map(list), max_size=len(whole)))
    return {f"c{i}": kind for i, kind in enumerate(kinds)}, draw(st.permutations(whole + spoilt))


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
@given(tables())
def test_accepted_and_quarantined_are_all_rows_read_and_accepted_ones_keep_the_contract(
    tmp_path_factory: pytest.TempPathFactory, made: tuple[dict[str, str], list[list[str | None]]]
) -> None:
    contract, cells = made
    root = tmp_path_factory.mktemp("property")
    source = from_texts(root, **{name: [row[i] for row in cells] for i, name in enumerate(contract)})
    dataset = cleaned(root, {"s": source}, {"s": contract})
    told, accepted, aside = facts(dataset), rows(root, dataset), quarantine(dataset)
    assert told["read"] == len(cells) == len(accepted) + len(aside)
    assert (told["accepted"], told["quarantined"]) == (len(accepted), len(aside))
    assert types(dataset) == contract
    for row in accepted:
        assert all(value is None or type(value) is PYTHON[contract[name]] for name, value in row.items())
    refused = [list(json.loads(entry["row"]).values()) for entry in aside]
    assert sorted(map(str, refused)) == sorted(str(row) for row in cells if row in refused)
    # What is accepted means what was read: no whole number is rounded, no text is trimmed.
    for row, texts in zip(accepted, (row for row in cells if row not in refused), strict=True):
        for value, kind, text in zip(row.values(), contract.values(), texts, strict=True):
            if value is not None and text is not None and kind in ("integer", "text"):
                assert value == (Decimal(text) if kind == "integer" else text)
