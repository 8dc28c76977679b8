"""What an endpoint asks: one function, JSON values in and out, hostile questions refused by name."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.explain.conftest import IMAGE, OUTPUTS, TEXT, brightness, chance, opinion

from aimass.core.errors import InputError
from aimass.core.signature import Field, Signature
from aimass.explain.question import explained
from aimass.explain.settings import Limits, Question
from aimass.prepare.rows import from_records

SIGNATURE = Signature(
    "binary",
    "late",
    (
        Field("size", "float64", kind="number", sent="number"),
        Field("colour", "string", kind="category", sent="string", values=("red", "blue")),
        Field("seen", "int64", kind="date", sent="date"),
    ),
    (),
    OUTPUTS,
)
RECORDS = [
    {"size": 2.0, "colour": "red", "seen": "2020-01-01T00:00:00Z"},
    {"size": None, "colour": "blue", "seen": None},
    {"size": -1.0, "colour": None, "seen": "2021-06-01T12:00:00Z"},
]
BACKGROUND = from_records(RECORDS, SIGNATURE.rows)


def late(tensors: dict[str, np.ndarray]) -> np.ndarray:
    return np.nan_to_num(tensors["size"]) + (tensors["colour"] == "red")


def ask(asked: object, rows: object = RECORDS[:1], **more: object) -> dict:
    return explained(chance(late), SIGNATURE, BACKGROUND, rows, asked, **more)  # type: ignore[arg-type]


def test_a_question_without_words_is_answered() -> None:
    (answer,) = ask({})["explanations"]
    assert answer["target"] == "yes" and answer["method"] == "shapley: all sets"
    assert [share["name"] for share in answer["attributions"]] == ["size", "colour", "seen"]
    assert answer["attributions"][0]["value"] == 2.0 and answer["attributions"][2]["attribution"] == 0
    whole = answer["base_value"] + sum(share["attribution"] for share in answer["attributions"])
    assert whole == pytest.approx(answer["prediction"], abs=1e-6)


def test_several_rows_are_explained_each_for_itself_records_or_columns() -> None:
    by_record, by_column = ask({}, RECORDS), ask({}, BACKGROUND)
    for answer in (by_record, by_column):
        assert len(answer["explanations"]) == 3
        for each in answer["explanations"]:
            each.pop("elapsed_ms")
    assert by_record["explanations"] == by_column["explanations"]
    assert by_record["explanations"][0]["attributions"][0]["value"] == 2.0
    assert json.loads(json.dumps(by_record, allow_nan=False)) == by_record


def test_everything_that_can_be_asked_for_is_answered() -> None:
    asked = {
        "method": {"use": "shapley", "exact": 2},
        "target": "no",
        "baseline": RECORDS[1:],
        "top_k": 1,
        "budget_ms": 2000,
        "evaluations": 500,
        "seed": 4,
        "pixels": False,
        "overlay": True,
        "counterfactual": {"immutable": ["colour"]},
    }
    assert set(asked) == {row["name"] for row in Question.schema()}
    (answer,) = ask(asked)["explanations"]
    assert (answer["target"], len(answer["attributions"]), answer["background_rows"]) == ("no", 1, 2)
    assert "walks" in answer["method"] and answer["evaluations"] <= 250
    other = answer["counterfactual"]
    assert other["found"] and [change["name"] for change in other["changes"]] == ["size"]
    assert other["after"]["label"] == "no" and other["evaluations"] <= 260


def test_images_come_with_pixels_and_overlays_when_asked(bright, photos) -> None:
    asked = {"pixels": True, "overlay": True, "evaluations": 300, "budget_ms": 60_000}
    answer = explained(chance(brightness), IMAGE, photos, [{"photo": bright["photo"][0].tolist()}], asked)
    (each,) = answer["explanations"]
    assert np.sum(each["pixels"]["photo"]) == pytest.approx(each["prediction"] - each["base_value"], abs=1e-5)
    assert base64.b64decode(each["overlays"]["photo"]).startswith(b"\x89PNG")
    (plain,) = explained(chance(brightness), IMAGE, photos, bright, {"evaluations": 300})["explanations"]
    assert "pixels" not in plain and "overlays" not in plain and plain["regions"]["photo"]


def test_texts_come_with_words() -> None:
    background = from_records([{"body": ""}], TEXT.rows)
    (each,) = explained(chance(opinion), TEXT, background, [{"body": "not great"}], {"target": "yes"})["explanations"]
    assert [(t["begin"], t["end"], t["text"]) for t in each["tokens"]["body"]] == [(0, 3, "not"), (4, 9, "great")]


@pytest.mark.parametrize(
    ("asked", "key", "says"),
    [
        ({"metod": "auto"}, "metod", "did you mean 'method'"),
        ({"method": "shaply"}, "method", "did you mean 'shapley'"),
        ({"method": "os:system"}, "method", "no explainer is called 'os:system'"),
        ({"method": {"use": "shapley", "exact": 99}}, "method.exact", "must lie in 0..16"),
        ({"method": {}}, "method", "`use` is None"),
        ({"method": 3}, "method", "got 3"),
        ({"method": "tokens"}, "method", "explains texts"),
        ({"target": "maybe"}, "target", "no class is called 'maybe'"),
        ({"target": None}, "target", "got None"),
        ({"baseline": []}, "baseline", "no records"),
        ({"baseline": [{"size": 1}]}, "baseline.colour", "field 'colour' is missing"),
        ({"baseline": [3]}, "baseline", "not an object"),
        ({"top_k": 0}, "top_k", "must lie in 1.."),
        ({"top_k": "many"}, "top_k", "got 'many'"),
        ({"budget_ms": -1}, "budget_ms", "must lie in"),
        ({"budget_ms": 1e9}, "budget_ms", "1e+09"),
        ({"budget_ms": float("nan")}, "budget_ms", "got nan"),
        ({"evaluations": 10**9}, "evaluations", "1e+09"),
        ({"seed": -3}, "seed", "must lie in"),
        ({"seed": True}, "seed", "got True"),
        ({"counterfactual": {"target": "maybe"}}, "counterfactual.target", "no class is called 'maybe'"),
        ({"counterfactual": {"immutable": ["colours"]}}, "counterfactual.immutable", "did you mean 'colour'"),
        ({"counterfactual": {"low": 3}}, "counterfactual.low", "answers classes"),
        ({"counterfactual": "yes"}, "counterfactual", "got 'yes'"),
    ],
)
def test_a_wrong_question_is_refused_by_name(asked: dict, key: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        ask(asked)
    assert says in caught.value.what + caught.value.expected and caught.value.key == key and caught.value.expected


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "0 rows"),
        ([{}], "field 'size' is missing"),
        (RECORDS * 30, "90 rows"),
        ({"size": np.zeros(1)}, "no column 'colour'"),
        ({name: np.repeat(values, 30) for name, values in BACKGROUND.items()}, "90 rows"),
    ],
)
def test_rows_that_are_none_or_too_many_are_refused(rows: object, says: str) -> None:
    with pytest.raises(InputError) as caught:
        ask({}, rows)
    assert says in caught.value.what


def test_limits_are_the_servers_to_set() -> None:
    with pytest.raises(InputError, match="2 rows"):
        ask({}, RECORDS[:2], limits=Limits(rows=1))
    with pytest.raises(InputError, match="3 records of a baseline"):
        ask({"baseline": RECORDS}, limits=Limits(background=2))


def test_all_that_may_be_asked_stands_on_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "explain.md").read_text()
    assert all(
        f"| `{row['name']}` |" in page and row["help"].partition("table:")[0] in page for row in Question.schema()
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from([row["name"] for row in Question.schema()]), json_values, max_size=3))
def test_whatever_is_asked_it_is_answered_or_refused(asked: dict) -> None:
    try:
        answer = ask({"evaluations": 50, **asked}, limits=Limits(budget_ms=100.0, evaluations=500))
    except InputError:
        return
    json.dumps(answer, allow_nan=False)


def test_asking_needs_nothing_heavy() -> None:
    """A server that explains starts as fast as one that does not."""
    program = """
import sys
from pathlib import Path
import aimass.explain.question
from aimass.explain.base import Explainer
Explainer.from_settings("auto")
print(sorted({"torch", "onnx", "onnxruntime", "pyarrow", "sqlalchemy", "PIL"} & set(sys.modules)))
"""
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"
