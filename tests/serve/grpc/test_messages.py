"""The messages are the published ones, and nobody else's registration notices them."""

from __future__ import annotations

from google.protobuf import descriptor_pool

from aimass.serve.grpc.messages import CLASSES


def test_a_message_has_the_published_bytes() -> None:
    asked = CLASSES["ModelInferRequest"](model_name="m", id="7")
    asked.inputs.add(name="x", datatype="FP32", shape=[1, 2])
    asked.parameters["timeout"].int64_param = 5
    asked.raw_input_contents.append(b"ab")
    assert asked.SerializeToString() == (
        b"\x0a\x01m\x1a\x017"  # model_name, id
        b"\x22\x0d\x0a\x07timeout\x12\x02\x10\x05"  # parameters
        b"\x2a\x0d\x0a\x01x\x12\x04FP32\x1a\x02\x01\x02"  # inputs
        b"\x3a\x02ab"  # raw_input_contents
    )


def test_the_common_pool_does_not_know_them() -> None:
    common = descriptor_pool.Default()
    for name in CLASSES:
        try:
            common.FindMessageTypeByName(f"inference.{name}")
        except KeyError:
            continue
        raise AssertionError(f"{name} is registered for everybody")
