"""A signature is the same after JSON."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from aimass.core.signature import Field, Signature

fields = st.builds(
    Field,
    name=st.text(min_size=1),
    dtype=st.sampled_from(["float32", "float64", "int64", "string"]),
    shape=st.lists(st.integers(1, 512), max_size=3).map(tuple),
    unit=st.text(),
    kind=st.sampled_from(["", "number", "category", "text", "date", "image"]),
    sent=st.sampled_from(["", "number", "string"]),
    values=st.lists(st.text()).map(tuple),
    sizes=st.lists(st.integers(2, 99)).map(tuple),
)
groups = st.lists(fields, max_size=3).map(tuple)
tasks = st.sampled_from(["binary", "multiclass", "regression"])
signatures = st.builds(Signature, task=tasks, target=st.text(), rows=groups, inputs=groups, outputs=groups)


@given(signatures)
def test_a_signature_survives_json(signature: Signature) -> None:
    assert Signature.from_json(json.loads(json.dumps(signature.as_json()))) == signature


def test_facts_of_a_newer_version_are_passed_over() -> None:
    assert Field.from_json({"name": "x", "dtype": "int64", "colour": "red"}) == Field("x", "int64")


def test_classes_and_width_come_from_the_label() -> None:
    label = Field("label", "string", values=("no", "perhaps", "yes"))
    many = Signature("multiclass", "y", (), (), (label, Field("probabilities", "float32", (3,))))
    two = Signature("binary", "y", (), (), (Field("label", "string", values=("no", "yes")),))
    value = Signature("regression", "y", (), (), (Field("value", "float64"),))
    assert [s.classes for s in (many, two, value)] == [("no", "perhaps", "yes"), ("no", "yes"), ()]
    assert [s.width for s in (many, two, value)] == [3, 1, 1]
