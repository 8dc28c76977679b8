"""The whole step: one dataset in, examples out; the same bytes again, and nothing learnt from rows held back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aimass.core.artifact import Examples
from aimass.core.canonical import digest_of_file
from aimass.core.errors import InputError, StoreError
from aimass.prepare.cache import read_split
from aimass.prepare.graph import Graph
from aimass.prepare.rows import from_records
from aimass.prepare.split import Split
from aimass.prepare.step import prepare
from aimass.prepare.tables import from_arrow
from tests.prepare.by_hand import KINDS, FakeContext, run_prepare, strange_table, write_dataset

Prepared = Callable[..., Examples]
PARTS = ("train", "valid", "test")
N = 300


def people(rows: int = N, **more: Any) -> pa.Table:
    """A small table of usual columns; MORE are added or replace."""
    random = np.random.default_rng(0)
    columns = {
        "age": pa.array(random.integers(18, 90, rows)),
        "city": pa.array(random.choice(["Bern", "Graz", "Łódź"], rows)),
        "since": pa.array([datetime(2000, 1, 1) + timedelta(hours=int(h)) for h in random.integers(0, 2**17, rows)]),
        "buys": pa.array(random.choice(["no", "yes"], rows)),
    }
    return pa.table({**columns, **more})


def test_examples_have_every_file_the_docs_promise(prepared: Prepared) -> None:
    made = prepared(people(), target="buys")
    names = set(made.manifest.files)
    assert names == {
        "graph.onnx", "signature.json", "head.json", "examples.json", "cache.json", "test.parquet", "sample.json",
        "valid.parquet", "background.npz",
        *(f"cache/{part}/{tensor}.bin" for part in PARTS for tensor in ("x.numbers", "x.categories", "target")),
    }  # fmt: skip


def test_two_runs_give_the_same_digest_and_another_seed_another(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "dataset", strange_table(400))
    digests = [run_prepare(tmp_path / name, dataset, seed, target="answer", columns=KINDS["all"]).digest
               for name, seed in (("first", 0), ("second", 0), ("third", 1))]  # fmt: skip
    assert digests[0] == digests[1] != digests[2]


def test_the_facts_say_what_became_of_every_column_and_row(tmp_path: Path) -> None:
    buys = [None] * 6 + ["no", "yes"] * ((N - 6) // 2)
    table = people(id=pa.array(range(N)), same=pa.array([1] * N), buys=pa.array(buys))
    dataset, context = write_dataset(tmp_path / "dataset", table), FakeContext(tmp_path / "out")
    prepare.body(context, dataset, target="buys", columns={"age": "category"}, split=Split(valid=0.2, test=0.3))
    facts = json.loads((context.folder / "examples.json").read_text())
    assert facts["rows"] == {"train": 146, "valid": 60, "test": 88}
    assert facts["without_answer"] == 6
    assert facts["columns"] == {
        "age": {"kind": "category", "found": False},
        "city": {"kind": "category", "found": True},
        "since": {"kind": "date", "found": True},
    }
    assert set(facts["dropped"]) == {"id", "same"}
    assert context.told == {"task": "binary", "train": 146, "valid": 60, "test": 88, "columns": 3, "dropped": 2}
    assert "6 rows have no buys and are left out" in context.lines


# -- the cache ------------------------------------------------------------------------------------------------


def test_every_split_of_the_cache_is_what_the_graph_gives_for_its_rows(tmp_path: Path) -> None:
    table = strange_table(300).append_column("part", [pa.array([PARTS[i % 3] for i in range(300)])])
    made = run_prepare(tmp_path / "out", write_dataset(tmp_path / "dataset", table), target="answer",
                       columns=KINDS["all"], split=Split(by="column", column="part"))  # fmt: skip
    graph, classes = Graph(made.folder / "graph.onnx"), made.signature.classes
    for i, part in enumerate(PARTS):
        rows = table.take(list(range(i, 300, 3)))
        cached, fresh = read_split(made.folder, part), graph(from_arrow(rows, made.signature.rows))  # type: ignore[arg-type]
        assert cached.keys() == {*fresh, "target"}
        for name, tensor in fresh.items():
            assert np.asarray(cached[name]).tobytes() == tensor.tobytes(), name
        assert [classes[k] for k in cached["target"]] == rows["answer"].to_pylist()
    held_back = pq.read_table(made.folder / "test.parquet")
    assert held_back["answer"].to_pylist() == table.take(list(range(2, 300, 3)))["answer"].to_pylist()


def test_the_cache_is_keyed_by_the_snapshot_and_the_graph(prepared: Prepared) -> None:
    made = prepared(people(), target="buys")
    key = made.read_json("cache.json")["key"]
    assert key == {"snapshot": made.manifest.parents[0], "graph": digest_of_file(made.folder / "graph.onnx")}


@pytest.mark.parametrize("damage", ["cut", "long", "gone", "facts cut", "facts gone"])
def test_a_damaged_cache_is_never_read(prepared: Prepared, damage: str) -> None:
    folder = prepared(people(), target="buys").folder
    path = folder / ("cache.json" if "facts" in damage else "cache/train/x.numbers.bin")
    content = path.read_bytes()
    if "gone" in damage:
        path.unlink()
    else:
        path.write_bytes(content + b"\0" if damage == "long" else content[:-4])
    with pytest.raises(StoreError, match="missing or cut short") as caught:
        read_split(folder, "train")
    assert caught.value.todo


def test_the_cache_is_mapped_and_cannot_be_written(prepared: Prepared) -> None:
    numbers = read_split(prepared(people(), target="buys").folder, "train")["x.numbers"]
    assert isinstance(numbers, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        numbers[0] = 0


def test_a_regression_target_is_cached_standardised_by_its_training_rows(prepared: Prepared) -> None:
    made = prepared(people(pay=pa.array(np.random.default_rng(1).normal(3000, 500, N))), target="pay")
    head, train, test = made.read_json("head.json"), *(read_split(made.folder, p)["target"] for p in ("train", "test"))
    assert train.dtype == np.float32
    assert (abs(train.mean()) < 1e-6, abs(train.std() - 1) < 1e-6) == (True, True)
    raw = pq.read_table(made.folder / "test.parquet")["pay"].to_numpy()
    assert np.array_equal(test, ((raw - head["mean"]) / head["std"]).astype(np.float32))


# -- leakage --------------------------------------------------------------------------------------------------


def test_rows_held_back_do_not_change_a_bit_of_what_training_sees(tmp_path: Path) -> None:
    """Values of another world, and a column that gives the answer away, in valid and test rows only."""
    table, other = strange_table(600, seed=1), strange_table(600, seed=99)
    given_away = pa.array([f"the answer is {a}" for a in table["answer"].to_pylist()])
    other = other.set_column(other.column_names.index("body"), "body", given_away)
    part = np.array([PARTS[min(i % 5, 2)] for i in range(600)])
    both = pa.concat_tables([table, other]).take(np.arange(600) + 600 * (part != "train"))
    mixed = both.set_column(both.column_names.index("answer"), "answer", table["answer"])
    made = []
    for name, rows in (("before", table), ("after", mixed)):
        dataset = write_dataset(tmp_path / name / "dataset", rows.append_column("part", pa.array(part)))
        made.append(run_prepare(tmp_path / name / "out", dataset, target="answer", columns=KINDS["all"],
                                split=Split(by="column", column="part")))  # fmt: skip
    before, after = (examples.manifest.files for examples in made)
    for name in ("graph.onnx", "signature.json", "head.json", *(n for n in before if n.startswith("cache/train/"))):
        assert before[name] == after[name], name
    assert before["cache/valid/x.numbers.bin"] != after["cache/valid/x.numbers.bin"]
    assert before["cache/test/x.words.body.bin"] != after["cache/test/x.words.body.bin"]


def test_the_kinds_are_found_in_training_rows_only(prepared: Prepared) -> None:
    rows = [i % 2 for i in range(200)] + list(range(100))  # later rows alone would look like an identifier
    made = prepared(people(when=pa.array(range(N)), code=pa.array([f"c{r}" for r in rows])), target="buys",
                    split=Split(by="time", column="when", valid=0.1, test=0.2))  # fmt: skip
    assert made.read_json("examples.json")["columns"]["code"]["kind"] == "category"


def test_a_later_row_with_a_category_never_seen_has_index_0(prepared: Prepared) -> None:
    table = people(when=pa.array(range(N)), city=pa.array(["Bern", "Graz"] * 120 + ["Oslo"] * 60))
    made = prepared(table, target="buys", columns={"when": "number"}, split=Split(by="time", column="when"))
    assert set(read_split(made.folder, "test")["x.categories"][:, 0].tolist()) == {0}
    assert 0 not in read_split(made.folder, "train")["x.categories"]


# -- what callers send ----------------------------------------------------------------------------------------


def test_the_sample_is_records_of_test_rows_that_the_endpoint_takes(prepared: Prepared) -> None:
    made = prepared(strange_table(400), target="answer", columns=KINDS["all"])
    sample = made.read_json("sample.json")
    assert 1 <= len(sample) <= 3
    raw = from_records(sample, made.signature.rows)
    test = pq.read_table(made.folder / "test.parquet")
    held_back = from_arrow(test, made.signature.rows)
    rows = [next(i for i in range(len(test)) if raw["picture"][k].tobytes() == held_back["picture"][i].tobytes())
            for k in range(len(sample))]  # fmt: skip
    assert set(raw) == set(held_back)
    for name, array in raw.items():
        if name in ("plain", "price"):  # infinite values are left out of the sample
            continue
        assert array.tobytes() == held_back[name][rows].tobytes() or array.tolist() == held_back[name][rows].tolist()


def test_the_sample_is_json_that_every_language_reads(prepared: Prepared) -> None:
    made = prepared(people(size=pa.array([float("inf"), float("nan"), -float("inf"), 1.0] * (N // 4))), target="buys")
    text = (made.folder / "sample.json").read_text(encoding="utf-8")
    assert "Infinity" not in text
    assert "NaN" not in text
    assert from_records(json.loads(text), made.signature.rows)


def test_a_users_preparer_is_used_by_its_place(prepared: Prepared) -> None:
    made = prepared(people(), target="buys", columns={"age": {"use": "tests.prepare.by_hand:Sign"}, "since": "drop"})
    assert made.read_json("examples.json")["columns"]["age"] == {"kind": "tests.prepare.by_hand:Sign", "found": False}
    assert (read_split(made.folder, "train")["x.numbers"] == 1.0).all()


def test_a_record_of_another_shape_is_refused_by_the_signature_of_the_examples(prepared: Prepared) -> None:
    made = prepared(people(), target="buys")
    record = made.read_json("sample.json")[0]
    with pytest.raises(InputError, match="field 'city' is missing; is it the field called 'town_city'"):
        from_records([{("town_city" if k == "city" else k): v for k, v in record.items()}], made.signature.rows)
    with pytest.raises(InputError, match="field 'buys' is not known"):
        from_records([record | {"buys": "yes"}], made.signature.rows)


# -- odd tables -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["age", "city", "since"])
def test_a_table_with_one_feature_is_enough(prepared: Prepared, name: str) -> None:
    made = prepared(people().select([name, "buys"]), target="buys")
    assert [field.name for field in made.signature.rows] == [name]
    assert len(made.signature.inputs) == 1


def test_a_column_that_is_missing_in_every_training_row_is_dropped_or_kept_as_asked(prepared: Prepared) -> None:
    late = pa.array([None] * 250 + [1.0] * 50)
    table = people(when=pa.array(range(N)), late=late)
    how = Split(by="time", column="when", valid=0.1, test=0.2)
    found = prepared(table, target="buys", split=how).read_json("examples.json")
    assert "constant" in found["dropped"]["late"]
    kept = prepared(table, target="buys", split=how, columns={"late": "number"})
    assert np.isfinite(read_split(kept.folder, "test")["x.numbers"]).all()


def test_columns_of_days_and_of_nothing_are_no_trouble(prepared: Prepared) -> None:
    born = pa.array([date(1930 + i % 60, 1 + i % 12, 1 + i % 28) if i % 7 else None for i in range(N)])
    made = prepared(people(born=born, nothing=pa.array([None] * N)), target="buys")
    assert {field.name: field.sent for field in made.signature.rows}["born"] == "date"
    assert "nothing" in made.read_json("examples.json")["dropped"]
    assert from_records([made.read_json("sample.json")[0] | {"born": "1950-02-28"}], made.signature.rows)


def test_a_category_column_of_thousands_of_values_is_kept_within_its_limit(prepared: Prepared) -> None:
    many = pa.array([f"v{i % 5000}" for i in range(20_000)])
    made = prepared(people(20_000, many=many), target="buys", columns={"many": {"use": "category", "rarest": 1}})
    sizes = next(field.sizes for field in made.signature.inputs if field.name == "x.categories")
    assert max(sizes) == 1001
    assert read_split(made.folder, "train")["x.categories"].max() == 1000


@pytest.mark.parametrize(
    "name", ["a/b", "..", "Wie hoch ist Ihr Einkommen? (日本語) " * 12, "naïve 😀", "UPPER", "q\"uo'te"]
)
def test_a_column_may_be_called_whatever_its_owner_likes(prepared: Prepared, name: str) -> None:
    made = prepared(people(**{name: pa.array([f"one of {i} texts" for i in range(N)])}), target="buys")
    words = read_split(made.folder, "train")[f"x.words.{name}"]
    assert words.shape[0] == made.read_json("examples.json")["rows"]["train"]
    assert {path.parent.parent.name for path in made.folder.rglob("*.bin")} == {"cache"}


@pytest.mark.parametrize(
    ("table", "settings", "said", "key"),
    [
        (people(), {"target": "buy"}, "no column is called 'buy'; did you mean 'buys'", "target"),
        (people(3), {"target": "buys"}, "there are 3 rows", "target"),
        (people(buys=pa.array(["no"] * N)), {"target": "buys"}, "is 'no' in every row", "target"),
        (people(buys=pa.array([f"c{i % 30}" for i in range(N)])), {"target": "buys", "task": "binary"}, "30", "task"),
        (people(), {"target": "since"}, "holds timestamp", "target"),
        (people(), {"target": "buys", "columns": {"buys": "category"}}, "no column is called 'buys'", "columns.buys"),
        (people(), {"target": "buys", "columns": {"city": "number"}}, "city holds text", "columns.city"),
        (people(), {"target": "buys", "columns": {"city": "date"}}, "city holds text", "columns.city"),
        (people(), {"target": "buys", "columns": dict.fromkeys(("age", "city", "since"), "drop")}, "no column is left",
         "columns"),
        (people(label=pa.array(range(N))), {"target": "buys", "columns": {"label": "number"}}, "the column label",
         "columns.label"),
        (people(buys=pa.array(["no"] * 250 + ["yes"] * 50), t=pa.array(range(N))),
         {"target": "buys", "split": Split(by="time", column="t", valid=0.1, test=0.1)}, "every training row", "split"),
    ],
)  # fmt: skip
def test_what_cannot_be_prepared_is_told_with_its_setting(
    prepared: Prepared, table: pa.Table, settings: dict[str, Any], said: str, key: str
) -> None:
    with pytest.raises(InputError) as caught:
        prepared(table, **settings)
    assert said in caught.value.what
    assert caught.value.key == key
    assert caught.value.expected


def test_a_column_of_lists_is_refused_until_it_is_dropped(prepared: Prepared) -> None:
    table, types = people(tags=pa.array(["[1, 2]"] * N)), {"tags": "json"}
    with pytest.raises(InputError, match="column tags holds lists or tables"):
        prepared(table, types, target="buys")
    assert prepared(table, types, target="buys", columns={"tags": "drop"}).signature.rows
