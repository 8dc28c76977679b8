"""ModelInfer messages that were seen before are read by what stands before their values."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aimass.serve.grpc.messages import CLASSES
from aimass.serve.grpc.templates import Templates


def message(values: list[bytes], name: str = "m", stated: list[int] | None = None) -> bytes:
    asked = CLASSES["ModelInferRequest"](model_name=name)
    for i, value in enumerate(values):
        asked.inputs.add(name=f"x{i}", datatype="FP32", shape=[stated[i] if stated else len(value)])
    asked.raw_input_contents.extend(values)
    return asked.SerializeToString()


@given(sizes=st.lists(st.integers(0, 300), min_size=1, max_size=4), data=st.data())
def test_what_is_found_are_the_values(sizes: list[int], data: st.DataObject) -> None:
    first, second = ([data.draw(st.binary(min_size=size, max_size=size)) for size in sizes] for _ in range(2))
    templates: Templates[str] = Templates()
    templates.learn(message(first), first, "known")
    assert templates.find(message(second)) == ("known", b"".join(second))
    assert templates.find(message(second, "n")) is None


@given(sizes=st.lists(st.integers(1, 40), min_size=2, max_size=3), junk=st.binary(max_size=100))
def test_what_is_cut_otherwise_is_not_taken_for_it(sizes: list[int], junk: bytes) -> None:
    values = [bytes(size) for size in sizes]
    templates: Templates[str] = Templates()
    templates.learn(message(values), values, "known")
    other = [values[0] + b"\0", values[1][1:], *values[2:]]
    assert templates.find(message(other, stated=sizes)) is None
    assert templates.find(junk) is None
